"""The pages around the notebooks: the landing page, the definitions, the method, and the index (find)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from pcref_analysis.display import formats, output
from pcref_analysis.report.pages import layout, main_points, render, terms
from pcref_analysis.vocabulary import indicators
from pcref_analysis.vocabulary.parameters import Parameters

FOLDED = {  # what stands folded below the main points; what holds nothing is left out, and a part of nothing else
    "The draft list that the figures alone proposed": ("priorities-in-short", "priorities-draft"),
    "What people changed, and why": ("priorities-adjusted", "priorities-changes"),
    "You said, we did": ("priorities-outcomes",),
    "To watch": ("priorities-to-watch",),
    "First a matter of recording, not ranked": ("priorities-recording",),
}
FIND = "find.html"
SENTENCE = re.compile(r"(?<=\.) (?=[A-Z])")
DISCUSSED = ("What people changed, and why", "You said, we did")  # left out where nobody has discussed the list yet


def bodies(
    parameters: Parameters,
    records: list[dict[str, Any]],
    about: dict[str, Any],
    main: main_points.MainPoints,
    drawn: output.Shown | None = None,
    badges: pd.DataFrame | None = None,
) -> dict[str, str]:
    """Return the bodies of ``index.html``, ``definitions.html`` and ``method.html``.

    What the landing page shows are released records of the notebooks, taken over whole; ``main`` are their main points
    and ``drawn`` the figure of these.
    """
    by_id = {record["id"]: record for record in records}
    folded = FOLDED if main.agreed else {head: names for head, names in FOLDED.items() if head not in DISCUSSED}
    held = {name for name, record in by_id.items() if not layout.EMPTY.search(record.get("text", ""))}
    tables = [record for record in records if record["kind"] == "table"]
    index = render.fragment(
        "index.html.j2",
        about=about,
        main=main,
        answers=answers(main),
        whose=[" ".join(SENTENCE.split(main.whose)[at]) for at in (slice(2), slice(2, None))],
        picture=drawn and render.safe(drawn.html),
        folded={
            head: [render.safe(render.output_body(by_id[name]["output"])) for name in names if name in held]
            for head, names in folded.items()
        },
        tables=tables,
    )
    above = index.partition("<!-- folded -->")[0]  # below it every table is a released record as it stands
    main_points.check("the landing page", render.text_of(above), main, about)
    used = {key for record in tables for key in output.frame(record).get("indicator", [])}
    entries = [entry for key, entry in indicators.catalogue().items() if key in used or not used]
    if parameters.source.kind == "published":
        entries = [entry.of_publisher() for entry in entries]
    known = {} if badges is None else {one.indicator: one for one in badges.itertuples()}
    definitions = render.fragment(
        "definitions.html.j2", parts=indicators.by_part(entries), terms=terms.known(),
        badges={entry.id: known.get(entry.id) for entry in entries},
    )  # fmt: skip
    method = render.fragment("method.html.j2", about=about, parameters=parameters)
    index = terms.linked(above) + index[len(above) :]
    return {"index.html": index, "definitions.html": definitions, "method.html": method}


def answers(points: main_points.MainPoints) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return the five questions of a reader, each with its answer in a line and, where there is one, a list.

    The numbers are those of the points shown, in their order; further items of the list are not among them.
    """
    shown, number = points.points, len(points.points)
    if not number:
        return []
    listed = tuple(f"{one.title}{f' ({one.size})' if one.size else ''}" for one in shown)
    order = "In the order that people agreed." if points.agreed else (
        "In the order of a written rule: how large and how sure the gap is, how many people it touches, how serious it "
        "is. Not by size alone.")  # fmt: skip
    better = _numbered(
        [one.moved for one in shown],
        {"narrower": "the gap is narrower", "wider": "the gap is wider", "cannot tell": "we cannot tell",
         "": "no figures to compare"},
    )  # fmt: skip
    trust = _numbered(
        [one.trust for one in shown],
        {"Firm": "firm", "With care": "to be read with care", "No figures": "no figures"},
    )
    if any(one.trust == "Firm" for one in shown):
        trust += " " + ("Firm: the gap would still be there, whatever the ethnic group of the people for whom it is "
                           "not recorded. It does not say that every event was recorded.")  # fmt: skip
    acted = [one for one in shown if one.state]
    done = "; ".join(f"{one.title} ({one.state})" for one in acted)
    rest = number - len(acted)
    nothing = "No action is recorded here yet."
    if acted and rest:
        nothing = formats.several(
            "For the other no action is recorded here yet.", "For the other {n} no action is recorded yet.", rest
        )
    done = f"{done}. {nothing}" if acted and rest else f"{done}." if acted else nothing
    return [
        ("What comes first?", order, listed),
        ("Compared with whom?", points.versus, ()),
        ("Is it getting better?", better, ()),
        ("Can we trust it?", trust, ()),
        ("What was done?", done, ()),
    ]


def _numbered(kinds: Sequence[str], words: Mapping[str, str]) -> str:
    """Say which points are of which kind, by their numbers in the list: "1 and 3: we cannot tell. 2: ..."."""
    said = []
    for kind, meaning in words.items():
        numbers = [str(number) for number, one in enumerate(kinds, start=1) if one == kind]
        if numbers:
            which = "Number" if len(numbers) == 1 else "Numbers"
            said.append(f"{which} {formats.joined(numbers)}: {meaning}.")
    return " ".join(said)


def find(records: Sequence[Mapping[str, Any]], badges: pd.DataFrame, pages: Mapping[str, str]) -> str:
    """Return the body of ``find.html``.

    ``badges`` are those of :func:`pcref_analysis.report.pages.quality.of_indicators`, and so the indicators of the
    report; ``pages`` is the name of each page by the stem of its notebook.
    """
    shown = [one for one in records if one["kind"] in ("table", "figure")]
    held = {one["id"]: set(output.frame(one).get("indicator", [])) for one in shown if one["kind"] == "table"}
    named = indicators.of_each("name")
    named |= dict(zip(badges["indicator"], badges["name"], strict=True))
    lines = []
    for key in sorted({key for keys in held.values() for key in keys if key in named}, key=lambda key: named[key]):
        tables = [one for one in shown if key in held.get(one["id"], ()) and not one["id"].startswith("priorities-")]
        places = [(f"{one['notebook']}.html#{one['id']}", one["title"]) for one in tables]
        places.append((f"definitions.html#{key}", "What it counts"))
        lines.append({"name": named[key], "about": "", "links": places})
    charts = [
        {"name": one["title"], "about": pages.get(one["notebook"], ""),
         "links": [(f"{one['notebook']}.html#{one['id']}", "Chart" if one["kind"] == "figure" else "Table")]}
        for one in shown
    ]  # fmt: skip
    words = [
        {
            "name": term.word,
            "about": term.meaning,
            "links": [(f"definitions.html#word-{term.name}", "Definitions")],
        }
        for term in terms.known()
    ]
    parts = [("Indicators", lines), ("Tables and charts", charts), ("Words", words)]
    return render.fragment("find.html.j2", parts=parts)


def find_script() -> str:
    """Return the script that narrows the index; the page's policy knows it by its hash."""
    return (render.template_folder() / "find.js").read_text(encoding="utf-8")
