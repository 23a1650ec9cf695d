"""The pages around the notebooks: the landing page, the definitions, the method."""

from __future__ import annotations

from typing import Any

from pcref_analysis.display import output
from pcref_analysis.report.pages import layout, main_points, render
from pcref_analysis.vocabulary import indicators
from pcref_analysis.vocabulary.parameters import Parameters

FOLDED = {  # what stands folded below the main points; what holds nothing is left out, and a part of nothing else
    "The draft list that the figures alone proposed": ("priorities-in-short", "priorities-draft"),
    "What people changed, and why": ("priorities-adjusted", "priorities-changes"),
    "You said, we did": ("priorities-outcomes",),
    "To watch": ("priorities-to-watch",),
    "First a matter of recording, not ranked": ("priorities-recording",),
}


def bodies(parameters: Parameters, records: list[dict[str, Any]], about: dict[str, Any]) -> dict[str, str]:
    """Return the bodies of ``index.html``, ``definitions.html`` and ``method.html``.

    What the landing page shows are released records of the notebooks, taken over whole.
    """
    main = main_points.of(records, parameters)
    drawn = main_points.figure(main, parameters)
    by_id = {record["id"]: record for record in records}
    held = {name for name, record in by_id.items() if not layout.EMPTY.search(record.get("text", ""))}
    tables = [record for record in records if record["kind"] == "table"]
    index = render.fragment(
        "index.html.j2",
        about=about,
        main=main,
        picture=drawn and render.safe(drawn.html),
        folded={head: [_show(by_id[name]) for name in names if name in held] for head, names in FOLDED.items()},
        tables=tables,
    )
    above = index.partition("<!-- folded -->")[0]  # below it every table is a released record as it stands
    main_points.check("the landing page", render.text_of(above), main, about)
    used = {row for record in tables for row in _indicators_of(record)}
    entries = [entry for key, entry in indicators.catalogue().items() if key in used or not used]
    definitions = render.fragment("definitions.html.j2", parts=indicators.by_part(entries))
    method = render.fragment("method.html.j2", about=about, parameters=parameters)
    return {"index.html": index, "definitions.html": definitions, "method.html": method}


def _indicators_of(record: dict[str, Any]) -> set[str]:
    table = output.frame(record)
    return set(table["indicator"]) if "indicator" in table else set()


def _show(record: dict[str, Any]) -> Any:
    return render.safe(render.output_body(record["output"]))
