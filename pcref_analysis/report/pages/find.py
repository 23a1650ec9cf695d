"""The page on which a reader finds an indicator, a table, a chart or a word: an index, and a field to narrow it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from pcref_analysis.display import output
from pcref_analysis.report.pages import render, terms
from pcref_analysis.report.pages.language import say
from pcref_analysis.vocabulary import indicators

FILE = "find.html"


def body(records: Sequence[Mapping[str, Any]], badges: pd.DataFrame, pages: Mapping[str, str]) -> str:
    """Return the body of ``find.html``.

    Parameters
    ----------
    records
        The released records.
    badges
        Of :func:`pcref_analysis.report.pages.quality.of_indicators`: the indicators of the report.
    pages
        The name of each page by the stem of its notebook.
    """
    shown = [one for one in records if one["kind"] in ("table", "figure")]
    held = {one["id"]: set(output.frame(one).get("indicator", [])) for one in shown if one["kind"] == "table"}
    named = {key: entry.name for key, entry in indicators.catalogue().items()}
    named |= dict(zip(badges["indicator"], badges["name"], strict=True))
    lines = []
    for key in sorted({key for keys in held.values() for key in keys if key in named}, key=lambda key: named[key]):
        tables = [one for one in shown if key in held.get(one["id"], ()) and not one["id"].startswith("priorities-")]
        places = [(f"{one['notebook']}.html#{one['id']}", one["title"]) for one in tables]
        places.append((f"definitions.html#{key}", say("What it counts")))
        lines.append({"name": named[key], "about": "", "links": places})
    charts = [
        {"name": one["title"], "about": pages.get(one["notebook"], ""),
         "links": [(f"{one['notebook']}.html#{one['id']}", say("Chart") if one["kind"] == "figure" else say("Table"))]}
        for one in shown
    ]  # fmt: skip
    words = [
        {
            "name": term.word,
            "about": term.meaning,
            "links": [(f"definitions.html#word-{term.name}", say("Definitions"))],
        }
        for term in terms.known()
    ]
    parts = [(say("Indicators"), lines), (say("Tables and charts"), charts), (say("Words"), words)]
    return render.fragment("find.html.j2", parts=parts)


def script() -> str:
    """Return the script that narrows the index; the page's policy knows it by its hash."""
    return (render.template_folder() / "find.js").read_text(encoding="utf-8")
