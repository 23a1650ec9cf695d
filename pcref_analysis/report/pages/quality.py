"""How far a figure can be trusted: one badge with its reason, of how ethnic group is recorded.

A badge says what the people whose ethnic group is not known could change. It does not say how wide an interval is, nor
whether an event was recorded at all; where records may be incomplete it says so first.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from pcref_analysis.display import formats
from pcref_analysis.display.sentences import INCOMPLETE
from pcref_analysis.priorities import wording

COLUMNS = ["domain", "indicator", "name", "badge", "reason"]


def of_finding(row: dict[str, Any], share: pd.DataFrame) -> tuple[str, str]:
    """Return the badge of one gap ("Firm", "With care") and its reason.

    ``row`` is a finding; ``share`` the rows of its indicator in the released table of unknown ethnic groups.
    """
    unknown = _unknown(share)
    low, high = (formats.ratio(row[end]) if formats.known(row.get(end)) else "" for end in ("ratio_low", "ratio_high"))
    if not (low and high):
        limits = (
            "We cannot say how far people whose ethnic group is not recorded could change the ratio: the numbers that "
            "it would take are not known, or may not be shown."
        )
        return "With care", f"{unknown}{limits}"
    if low == high:
        few = "The people whose ethnic group is not recorded are too few to change this figure."
        return "Firm", f"{unknown}{few}"
    words = (
        f"{unknown}Depending on the ethnic group of people for whom it is not recorded{wording.doubtful(row)}, the "
        f"ratio could lie between {low} and {high}"
    )
    if _same_side(row) and row["evidence"] == "clear":
        return "Firm", f"{words}: the gap would still be there."
    if _same_side(row):
        return "With care", f"{words}: that would not close the gap. By the written rule it is not clear of chance."
    return "With care", f"{words}, so it has to be recorded better first."


def of_indicators(findings: pd.DataFrame, unknown: pd.DataFrame) -> pd.DataFrame:
    """Return a badge and its reason for each indicator of a report.

    Parameters
    ----------
    findings
        The released findings (``priorities-findings``): ``domain, indicator, name, ratio, ratio_low, ratio_high,
        flag``.
    unknown
        The released shares without a known ethnic group (``recording-unknown``): ``indicator, estimate`` in percent.

    Returns
    -------
    pandas.DataFrame
        ``domain, indicator, name, badge, reason``, one row an indicator; none where no ratio is shown and nothing
        is to be said of its records.
    """
    lines = []
    for (domain, indicator, name), rows in findings.groupby(["domain", "indicator", "name"], sort=False):
        share = unknown[unknown["indicator"].eq(indicator)] if len(unknown) else unknown
        if found := _of_indicator(rows, share):
            lines.append((domain, indicator, name, *found))
    return pd.DataFrame(lines, columns=COLUMNS)


def _of_indicator(rows: pd.DataFrame, share: pd.DataFrame) -> tuple[str, str] | None:
    shown = rows[rows["ratio"].map(formats.known)]
    flagged = rows["flag"].astype("string").str.contains(INCOMPLETE).fillna(False).any()
    first = "The records may be incomplete; missing records can look like equality. " if flagged else ""
    first += _unknown(share)
    if shown.empty:
        return ("With care", f"{first}No ratio to the comparator can be shown.") if flagged else None
    bounded = shown[shown["ratio_low"].map(formats.known) & shown["ratio_high"].map(formats.known)]
    turning = sum(not _same_side(row) for row in bounded.to_dict("records"))
    lacking = len(shown) - len(bounded)
    if turning:
        doubt = formats.several(
            "{turning} of {n} ratio could lie on the other side of 1, if the unknown ethnic groups were known.",
            "{turning} of {n} ratios could lie on the other side of 1, if the unknown ethnic groups were known.",
            len(bounded), turning=turning,
        )  # fmt: skip
    elif len(bounded):
        doubt = formats.several(
            "Whatever the unknown ethnic groups are, {n} ratio stays on its side of 1; its interval says whether "
            "chance alone could explain it.",
            "Whatever the unknown ethnic groups are, {n} ratios stay on their side of 1; their intervals say whether "
            "chance alone could explain them.",
            len(bounded),
        )
    else:
        doubt = (
            "We cannot say how far people whose ethnic group is not recorded could change the ratios: the numbers that "
            "it would take are not known, or may not be shown."
        )
    if lacking and len(bounded):
        doubt += " " + f"For {lacking} more we cannot say."
    firm = not (flagged or turning or lacking)
    return "Firm" if firm else "With care", f"{first}{doubt}"


def _same_side(row: dict[str, Any]) -> bool:
    return (row["ratio_low"] > 1) == (row["ratio_high"] > 1) == (row["ratio"] > 1)


def _unknown(share: pd.DataFrame) -> str:
    found = [
        formats.figure(share[column].iloc[0], 1) if len(share) and column in share else ""
        for column in ("estimate", "upper")
    ]
    if not any(found):
        return ""
    if not found[0]:
        return (
            f"Ethnic group is not known for a part of what is counted: at most {found[1]}%, how much may not be shown. "
        )
    if found[0] == "0.0":  # not "everyone": a zero repeated from the last edition may be a few people
        return "Ethnic group is known for everyone, or nearly everyone, who is counted. "
    return f"Ethnic group is not known for {found[0]}% of what is counted. "
