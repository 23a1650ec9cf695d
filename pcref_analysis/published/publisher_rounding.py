"""Counts as publishers give them: rounded and suppressed numbers as the interval they leave.

Local counts below 5, zero among them, are suppressed; the others are rounded to the nearest 5. So a published
5 was 5 to 7, a published 30 was 28 to 32, and an empty cell was 0 to 4. That the rule is this, in the Mental
Health Act file and in the Talking Therapies file alike, is shown in docs/published-figures.md.

Nothing is unpicked: a suppressed number is never worked out from totals, from other groups or from a percentage.
"""

from __future__ import annotations

import pandas as pd

SUPPRESSED_BELOW = 5
ROUNDED_TO = 5
SUPPRESSED = "count below 5, suppressed by the publisher"

COLUMNS = [
    *("indicator", "period", "area", "area_kind", "ethnic_group", "events", "events_low", "events_high"),
    *("at_risk", "at_risk_low", "at_risk_high", "measure", "per", "published_rate", "note"),
]


def interval(counts: pd.Series, name: str = "events", exact: bool = False) -> pd.DataFrame:
    """Return ``<name>_low`` and ``<name>_high``: between which whole numbers a published count lay.

    Parameters
    ----------
    counts
        Counts as published; missing is suppressed.
    name
        What is counted, for the names of the columns.
    exact
        True for England, whose counts are neither rounded nor suppressed.

    Examples
    --------
    >>> interval(pd.Series([30.0, 5.0, None])).values.tolist()
    [[28.0, 32.0], [5.0, 7.0], [0.0, 4.0]]
    """
    if exact:
        return pd.DataFrame({f"{name}_low": counts, f"{name}_high": counts})
    half = (ROUNDED_TO - 1) // 2
    low = (counts - half).clip(lower=SUPPRESSED_BELOW).fillna(0)
    return pd.DataFrame({f"{name}_low": low, f"{name}_high": (counts + half).fillna(SUPPRESSED_BELOW - 1)})


def join_notes(*notes: pd.Series) -> pd.Series:
    """Join notes row by row with "; ", leaving out the empty ones."""
    rows = zip(*(note.fillna("") for note in notes), strict=True)
    return pd.Series(["; ".join(part for part in row if part) for row in rows], notes[0].index, dtype=str)
