"""What stands first on a page of figures: what it finds, and how far each of its indicators can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from pcref_analysis.display import formats, output
from pcref_analysis.priorities.findings import EVERY_GROUP
from pcref_analysis.report.pages import main_points, quality, render
from pcref_analysis.vocabulary import ethnicity
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import Parameters

LISTED = "05_priorities.html"


def of(records: Sequence[Mapping[str, Any]], parameters: Parameters) -> tuple[dict[str, str], pd.DataFrame]:
    """Return the HTML that stands first on each page, and the badges of its indicators.

    Returns
    -------
    tuple
        The HTML by page; the badges as :func:`pcref_analysis.report.pages.quality.of_indicators` gives them.

    Raises
    ------
    PcrefError
        If a sentence holds a number that the released tables do not hold.
    """
    frames = output.frames(records)
    findings, unknown = frames.get("priorities-findings"), frames.get("recording-unknown", pd.DataFrame())
    if findings is None:
        return {}, pd.DataFrame(columns=quality.COLUMNS)
    badges, found = quality.of_indicators(findings, unknown), of_page(records, parameters)
    pages = {page: badges[badges["domain"].eq(domain)] for domain, page in main_points.PAGES.items()}
    listed = findings.loc[findings["list"].isin(["priority", "watch"]), "indicator"]
    pages[LISTED] = badges[badges["indicator"].isin(listed)]
    leads = {}
    for page, shown in pages.items():
        if len(shown) or page in found:
            leads[page] = render.fragment("finding.html.j2", words=found.get(page, ""), badges=shown.to_dict("records"))
    return leads, badges


def of_page(records: Sequence[Mapping[str, Any]], parameters: Parameters) -> dict[str, str]:
    """Return what each domain page finds, in two sentences; a page without findings has none.

    The first sentence is the finding of the page that stands highest on the list of the figures, or that nothing could
    be told; the second counts all comparisons with the run's comparator.

    Raises
    ------
    PcrefError
        If a sentence holds a number that the released findings do not hold.
    """
    frames = output.frames(records)
    table, leads = frames.get("priorities-findings", pd.DataFrame(columns=["domain", "ethnic_group"])), {}
    for domain, page in main_points.PAGES.items():
        rows = table[
            table["domain"].eq(domain) & table["ethnic_group"].ne(EVERY_GROUP)
        ]  # of all there is no comparison
        if rows.empty:
            continue
        first = rows[rows["list"].eq("priority")].sort_values("rank").head(1).to_dict("records")
        open_ = rows["evidence"].isin(["possible", "not clear", "no figure"]).any()  # what is context alone is none
        found = main_points.sentence(first[0], named=True) if first else ""
        if not first and open_ and not rows["evidence"].isin(["clear", "better", "equal"]).any():
            found = "We could not tell from these figures whether there is a gap that matters."
        counted = _counts(rows)
        listed = ", ".join(words for _, words in counted)
        second = formats.several("Of {n} comparison with {comparator} on this page: {listed}.",
                         "Of {n} comparisons with {comparator} on this page: {listed}.",
                         len(rows), comparator=ethnicity.the_group(parameters.comparator), listed=listed)  # fmt: skip
        leads[page] = f"{found} {second}".strip()
        numbers = " ".join(str(n) for n, _ in [*counted, (len(rows), "")])
        odd = main_points.unknown(
            leads[page],
            (
                formats.values(pd.DataFrame(first)),
                *map(main_points.financial_year, main_points.years(rows)),
                numbers,
            ),
        )
        if odd:
            raise PcrefError(main_points.fault(f"the finding of {page}", odd))
    return leads


def _counts(rows: pd.DataFrame) -> list[tuple[int, str]]:
    """Return what became of the comparisons of a page: every one of them is in just one of the counts."""
    kinds = {kind: int(rows["evidence"].eq(kind).sum()) for kind in rows["evidence"].unique()}
    clear, possible = kinds.pop("clear", 0), kinds.pop("possible", 0)
    alike = kinds.pop("better", 0) + kinds.pop("equal", 0)
    context, recording = kinds.pop("context", 0), kinds.pop("recording", 0)
    counted = [
        (clear, formats.several("{n} clear gap", "{n} clear gaps", clear)),
        (possible, formats.several("{n} possible gap", "{n} possible gaps", possible)),
        (alike, f"{alike} equal or better"),
        (recording, f"{recording} first a matter of recording"),
        (context, f"{context} shown as context"),
        (left := sum(kinds.values()), f"in {left} we could not tell"),
    ]
    return [(number, words) for number, words in counted if number]
