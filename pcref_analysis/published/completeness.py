"""Is what is published of a board and a Trust complete? Asked before what it says about ethnic groups.

Records that were not submitted look like equality: where a third of detentions is missing, so may be the gap. The level
of each board is compared with what England's level would give it, and a Trust's years with one another.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from pcref_analysis.estimates import funnel
from pcref_analysis.population import catchment
from pcref_analysis.published import mental_health_act, organisations, talking_therapies
from pcref_analysis.store import open_data

LEVELS = ("detentions", "short_term_orders")  # reported for a duty; few referrals to therapy may be few referrals
HALF = 0.5  # of what England's level gives: below it, however much boards differ
FALL = 0.6  # of the two years before, England's change allowed for: below it a fall is sudden
THERAPIES = {
    "talking_therapies_referrals": "referrals_received_n",
    "talking_therapies_finished": "finished_course_treatment_n",
}
OWN = {"talking_therapies_recovery": "finished_course_treatment_n"}
SAME = {  # rests on the same records
    "talking_therapies_recovery": tuple(
        f"talking_therapies_{name}" for name in ("reliable_recovery", "improvement", "deterioration")
    )
}
INCOMPLETE = "records may be incomplete"
FELL = f"a sudden fall: {INCOMPLETE}"
COLUMNS = ["indicator", "period", "area", "ethnic_group", "flag", "reason"]
BOARDS = ["indicator", "period", "area", "events", "expected", "estimate", "lower_95", "upper_95", "signal"]


@lru_cache(maxsize=8)
def _boards(folder: Path, period: str) -> pd.DataFrame:
    if period != mental_health_act.period(folder):
        return pd.DataFrame(columns=BOARDS)
    residents, rates = _by_deprivation(folder)
    expected = residents.mul(rates).sum(axis=1)
    parts = [_one(name, mental_health_act.board_totals(folder, name), expected) for name in LEVELS]
    return pd.concat(parts, ignore_index=True).assign(period=period)[BOARDS]


def boards(folder: Path, period: str) -> pd.DataFrame:
    """Return how often every integrated care board detains, against England's level, with the limits of a funnel.

    No year but that of the Mental Health Act file has rows.

    Returns
    -------
    pandas.DataFrame
        :data:`BOARDS`, of :data:`LEVELS`: ``expected`` at England's level, given the deprivation of the board's areas
        (fifths of 2019); ``estimate`` is the one over the other. Limits allow for how much boards differ
        (over-dispersion); they are the 95% ones of a funnel, whatever the level of the report's intervals.

    Raises
    ------
    NotPublishedError
        If a file that this rests on is not at hand.

    Notes
    -----
    Not a league table: a board outside the limits is a question about its records first, and about its care second.
    Short-term orders are not published by deprivation: they are expected in proportion to detentions.

    References
    ----------
    Spiegelhalter DJ (2005). Handling over-dispersion of performance indicators. Qual Saf Health Care 14, 347-51.
    """
    return _boards(Path(folder), period).copy()


def low(folder: Path, board: str, period: str) -> pd.DataFrame:
    """Return indicators of a board that its records may hold too few of: a finding before any "no gap".

    Returns
    -------
    pandas.DataFrame
        :data:`COLUMNS`, flagged indicators alone; ``ethnic_group`` is missing: all groups.

    Notes
    -----
    Marked is a board whose detentions or short-term orders lie below the lower 95% limit of the funnel or below
    :data:`HALF` of what England's level gives. A level inside the limits does not prove that records are whole.
    """
    here = in_doubt(boards(folder, period)).query("area == @board")
    rows = [(one.indicator, board, INCOMPLETE, _level_words(one)) for one in here.itertuples()]
    return _flagged(rows, period)


def in_doubt(levels: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of :func:`boards` that are too low to be compared by ethnic group."""
    return levels[levels["signal"].str.startswith("below") | levels["estimate"].lt(HALF)]


def fallen(folder: Path, board: str, trust: str, period: str) -> pd.DataFrame:
    """Return indicators of Talking Therapies that fell suddenly in a board or a Trust: records may be incomplete.

    A board's and a Trust's own years are compared with one another.

    Returns
    -------
    pandas.DataFrame
        As :func:`low`. Marked is a year below :data:`FALL` of the mean of the two years before, England's change
        allowed for.
    """
    rows = []
    for indicator, column in (THERAPIES | OWN).items():
        area = trust if indicator in OWN else board
        if words := _fall(years(folder, area, column, own=indicator in OWN), years(folder, None, column), period):
            rows += [(name, area, FELL, words) for name in (indicator, *SAME.get(indicator, ()))]
    return _flagged(rows, period)


def _flagged(rows: list[tuple[str, str, str, str]], period: str) -> pd.DataFrame:
    found = pd.DataFrame(rows, columns=["indicator", "area", "flag", "reason"])
    return found.assign(period=period, ethnic_group=None)[COLUMNS]


def years(folder: Path, area: str | None, column: str, own: bool = False) -> pd.Series:
    """Return a count of Talking Therapies by financial year, all ethnic groups: of a board, a Trust (``own``), England.

    Suppressed counts are left out, so totals of small services are somewhat low.
    """
    table = open_data.read(folder, talking_therapies.FILE)
    table = table[table["variable_b"].eq("All")]
    here = talking_therapies.of_area(table, area or "", "england" if area is None else "provider" if own else "icb")
    return table[here].groupby("reporting_period")[column].sum()


def shares(folder: Path, board: str, trust: str) -> dict[str, float | str]:
    """Return detentions that the Trust and its board report (``trust, board``) in the ``period`` of the file.

    A board's figure is of its patients wherever they were detained, a Trust's is of whoever it detained: the share is
    how far the one speaks for the other, and may exceed 1.
    """
    totals = mental_health_act.board_totals(folder, "detentions")
    return {
        "trust": mental_health_act.trust_total(folder, organisations.parts(trust)),
        "board": float(totals.get(board, float("nan"))),
        "period": mental_health_act.period(folder),
    }


def _one(indicator: str, events: pd.Series, expected: pd.Series) -> pd.DataFrame:
    both = pd.DataFrame({"events": events, "expected": expected}).dropna().rename_axis("area").reset_index()
    both["expected"] *= both["events"].sum() / both["expected"].sum()
    found = funnel.limits(both, "area", "ratio", target=1.0, overdispersion="additive")
    keep = ["area", "events", "expected", "estimate", "lower_95", "upper_95", "signal"]
    return found[keep].assign(indicator=indicator)


@lru_cache(maxsize=2)
def _by_deprivation(folder: Path) -> tuple[pd.DataFrame, pd.Series]:
    """Return residents by board and fifth of deprivation (2019), and England's detentions per resident by fifth."""
    areas = open_data.read(folder, "census2021_lsoa21_ethnic5.csv.gz")
    shares = catchment.quintile_shares(folder, areas["lsoa21_code"].tolist(), 2019)
    both = shares.merge(areas, left_on="lsoa", right_on="lsoa21_code", validate="many_to_one")
    both["residents"] = both["share"] * both["total_residents"]
    residents = both.pivot_table(
        index="icb24_ods_code", columns="imd_quintile", values="residents", aggfunc="sum", fill_value=0.0
    )
    events = mental_health_act.by_deprivation(folder, mental_health_act.ENGLAND).dropna(subset=["imd_quintile"])
    return residents, events.groupby("imd_quintile")["events"].sum() / residents.sum()


def _level_words(row: Any) -> str:
    return (
        f"The board {row.area} reports {row.events:,.0f} where about {row.expected:,.0f} would be expected at the "
        f"level of England and the deprivation of its areas: {row.estimate:.2f} of it (95% of boards lie between "
        f"{row.lower_95:.2f} and {row.upper_95:.2f}). Records that were not submitted can look like equality: neither "
        "a gap nor its absence can be read from these."
    )


def _fall(here: pd.Series, england: pd.Series, period: str) -> str:
    if period not in here.index or period not in england.index:
        return ""
    before = [year for year in sorted(here.index) if year < period][-2:]
    if len(before) < 2 or not here[before].mean() > 0:
        return ""
    times = here[period] / here[before].mean() / (england[period] / england[before].mean())
    if times >= FALL:
        return ""
    return (
        f"{here[period]:,.0f} in {period} after {here[before].mean():,.0f} a year in the two years before: {times:.2f} "
        "of what England's change would give. Neither a gap nor its absence can be read from such a year."
    )
