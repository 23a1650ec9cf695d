"""What is published besides the indicators of the list, with England next to it: context, and never ranked.

Routes and sections of detention of the board; Talking Therapies of the Trust by detailed ethnic group and, one at a
time, by age, gender and deprivation.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from pcref_analysis.estimates import interval_counts
from pcref_analysis.published import mental_health_act, mhsds, talking_therapies
from pcref_analysis.published.mental_health_act import ENGLAND

ROUTES, DETAILED = "Routes and sections of detention", "Talking Therapies by detailed ethnic group"
MONTHLY = {  # the Trust's own, and what they are
    "detentions": ("Detentions by the Trust itself", "by the Trust itself: share of each group"),
    "people_restrained": ("People restrained, by ethnic group", "counted again each month"),
}
RESTRAINT_2021_22 = "People restrained in 2021-22"
CHARACTERISTICS = "Talking Therapies by age, gender and deprivation"
OUTCOMES = ("talking_therapies_recovery", "talking_therapies_deterioration")
COLUMNS = [
    *("part", "name", "indicator", "period", "area", "category", "events", "events_low", "events_high", "at_risk"),
    *("measure", "per", "published_rate", "estimate", "lower", "upper", "england", "england_lower", "england_upper"),
    *("ratio", "ratio_lower", "ratio_upper", "comparator", "level"),
]


def routes(folder: Path, board: str, comparator: str = "White", level: float = 0.95) -> pd.DataFrame:
    """Return detentions of a board by route and section and by broad ethnic group: columns :data:`COLUMNS`.

    Rates per 100,000 residents. England is the sum of the boards' rounded counts, with the limits that this leaves.
    """
    names, read = mental_health_act.ROUTES, mental_health_act.by_ethnic_group
    here, england = [
        pd.concat([read(folder, area, name).assign(name=name) for name in names]) for area in (board, ENGLAND)
    ]
    return _finished(here, england, ROUTES, comparator, level)


def detailed(folder: Path, trust: str, period: str, level: float = 0.95) -> pd.DataFrame:
    """Return :data:`OUTCOMES` of a Trust by detailed ethnic group in a year: columns :data:`COLUMNS`.

    Compared with White British. Counts of most groups of a Trust are small: read the intervals, and rank nothing.
    """
    read = talking_therapies.by_ethnic_group
    here, england = [
        pd.concat([read(folder, area, kind, name, "detailed", [period]).assign(name="") for name in OUTCOMES])
        for area, kind in ((trust, "provider"), (ENGLAND, "england"))
    ]
    return _finished(here, england, DETAILED, "White British", level)


def characteristics(folder: Path, trust: str, period: str, level: float = 0.95) -> pd.DataFrame:
    """Return :data:`OUTCOMES` of a Trust by age, gender and deprivation, one at a time: columns :data:`COLUMNS`.

    Not by ethnic group too: what they say of a gap between ethnic groups is that ages and areas differ in recovery.
    """
    here, england = [
        pd.concat([talking_therapies.by_characteristic(folder, area, kind, name, period) for name in OUTCOMES])
        for area, kind in ((trust, "provider"), (ENGLAND, "england"))
    ]
    return _finished(here, england, CHARACTERISTICS, "", level)


def monthly(
    folder: Path, trust: str, indicator: str, period: str, comparator: str = "White", level: float = 0.95
) -> pd.DataFrame:
    """Return one of :data:`MONTHLY` of a Trust by broad ethnic group: columns :data:`COLUMNS`.

    Detentions are shares of those with a known group, people restrained are per 1,000 bed days
    (:func:`pcref_analysis.published.mhsds.by_ethnic_group`).
    """
    here, england = (mhsds.by_ethnic_group(folder, area, indicator, period) for area in (trust, ENGLAND))
    part, words = MONTHLY[indicator]
    said = f"{words} ({here['note'].iloc[0].partition(';')[0]})"
    against = comparator if here["measure"].eq("rate").all() else ""
    return _finished(here.assign(name=said), england.assign(name=said), part, against, level)


def restraint_2021_22(folder: Path, trust: str, level: float = 0.95) -> pd.DataFrame:
    """Return people restrained in 2021-22, all ethnic groups together: columns :data:`COLUMNS`."""
    both = mhsds.all_groups(folder, trust)
    both = both.assign(name=f"counted again each month, September to August ({both['note'].iloc[0]})")
    whole = both["area"].eq(ENGLAND)
    return _finished(both[~whole], both[whole], RESTRAINT_2021_22, "", level)


def _finished(here: pd.DataFrame, england: pd.DataFrame, part: str, comparator: str, level: float) -> pd.DataFrame:
    """Return estimates of one area with England's of the same name, year and category."""
    own = interval_counts.crude(here.reset_index(drop=True), level)
    if comparator:
        own = interval_counts.compare(own, comparator, level)
    else:
        own = own.assign(ratio=float("nan"), ratio_lower=float("nan"), ratio_upper=float("nan"), comparator="")
    found = interval_counts.with_england(own, england, ["name", "indicator", "period", "ethnic_group"], level)
    found = found[found["at_risk_high"].notna()].rename(columns={"ethnic_group": "category"})
    return found.assign(part=part, level=level)[COLUMNS].reset_index(drop=True)
