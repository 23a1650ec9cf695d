"""The pages around the notebooks: the landing page, the definitions, the method."""

from __future__ import annotations

from typing import Any

from pcref_analysis.display import output
from pcref_analysis.report import pages
from pcref_analysis.vocabulary import indicators
from pcref_analysis.vocabulary.parameters import Parameters

DOMAINS = {
    "recording": "Recording",
    "prevalence": "Prevalence",
    "access": "Access",
    "experience": "Experience",
    "outcomes": "Outcomes",
}
LEADS = {  # heading -> what stands under it; a part whose last table has no line is left out
    "": ("priorities-in-short", "priorities-agreed"),
    "The draft list": ("priorities-figure", "priorities-draft"),
    "To watch": ("priorities-to-watch",),
    "First a matter of recording, not ranked": ("priorities-recording",),
    "After discussion": ("priorities-adjusted", "priorities-changes"),
    "You said, we did": ("priorities-outcomes",),
    "How well ethnic group is recorded": ("recording-in-short",),
}
OPTIONAL = (
    "priorities-draft",
    "priorities-to-watch",
    "priorities-recording",
    "priorities-changes",
    "priorities-outcomes",
)


def bodies(parameters: Parameters, records: list[dict[str, Any]], about: dict[str, Any]) -> dict[str, str]:
    """Return the bodies of ``index.html``, ``definitions.html`` and ``method.html``.

    What the landing page shows are released records of the notebooks, taken over whole.
    """
    by_id = {record["id"]: record for record in records}
    tables = [record for record in records if record["kind"] == "table"]
    index = pages.fragment(
        "index.html.j2",
        about=about,
        leads={
            head: [_show(by_id[name]) for name in names if name in by_id]
            for head, names in LEADS.items()
            if not (names[-1] in OPTIONAL and by_id.get(names[-1], {}).get("kind") != "table")
        },
        tables=tables,
    )
    used = {row for record in tables for row in _indicators_of(record)}
    entries = [entry for key, entry in indicators.catalogue().items() if key in used or not used]
    definitions = pages.fragment("definitions.html.j2", domains=DOMAINS, entries=entries)
    method = pages.fragment("method.html.j2", about=about, parameters=parameters)
    return {"index.html": index, "definitions.html": definitions, "method.html": method}


def _indicators_of(record: dict[str, Any]) -> set[str]:
    table = output.frame(record)
    return set(table["indicator"]) if "indicator" in table else set()


def _show(record: dict[str, Any]) -> Any:
    return pages.safe(pages.output_body(record["output"]))
