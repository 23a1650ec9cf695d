"""England's published levels and gaps of what a Trust counts in its own records: a small table that is shipped.

Only measures that the catalogue computes as they are published (``computes``): ``vocabulary/reference/england.csv``,
made by ``benchmarks/england.py`` of the publications that it names.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd
from scipy.special import ndtri

from pcref_analysis.estimates import interval_counts
from pcref_analysis.vocabulary import indicators
from pcref_analysis.vocabulary.parameters import Parameters

STANDARD = "england_2021"  # of the published standardised rates
PUBLISHED_LEVEL = 0.95  # of their intervals
NINE_IN_TEN = 0.9
KEYS = ["indicator", "period", "ethnic_group", "adjustment"]
WORDS = (
    "England’s figures are published by NHS England for the year that is named, and count every provider; ours count "
    "only what this Trust recorded."
)
INVENTED = " England’s figures are real; the Trust is invented."


@cache
def reference() -> pd.DataFrame:
    """Return the shipped table: a row an indicator, financial year and broad ethnic group.

    ``events, events_low, events_high, at_risk`` of England; ``standardised, half_width`` the published rate after age
    and sex with half of its 95% interval; ``boards, mean, tau`` how many boards, the mean of their log ratios to White
    and how far these spread (:func:`pcref_analysis.published.other_boards.prior`); ``source``.
    """
    source = files("pcref_analysis.vocabulary") / "reference" / "england.csv"
    with source.open(encoding="utf-8") as text:
        return pd.read_csv(text)


def levels(parameters: Parameters) -> pd.DataFrame:
    """Return England's level by indicator, year, ethnic group and adjustment, with the year that it is of.

    Returns
    -------
    pandas.DataFrame
        :data:`KEYS`, ``england, england_lower, england_upper`` per what the catalogue names, and ``england_year``: that
        of the row, or for the run's year the last published one before it. After age and sex only where the run has the
        standard population of the publication.

    Examples
    --------
    >>> from pcref_analysis.vocabulary import parameters
    >>> found = levels(parameters.load("demo")).query("indicator == 'section_136' and ethnic_group == 'White'")
    >>> found[["adjustment", "england", "england_year"]].round(1).to_numpy().tolist()
    [['crude', 22.9, '2023-24'], ['age_sex', 23.7, '2023-24']]
    """
    table = _of_years(parameters.period)
    entries = table["indicator"].map(indicators.catalogue())
    counts = table.assign(
        measure=[one.measure for one in entries], per=[one.per for one in entries],
        at_risk_low=table["at_risk"], at_risk_high=table["at_risk"],
    )  # fmt: skip
    crude = interval_counts.crude(counts, parameters.level).assign(adjustment="crude")
    half = table["half_width"] * ndtri(0.5 + parameters.level / 2) / ndtri(0.5 + PUBLISHED_LEVEL / 2)
    rate = table["standardised"]
    adjusted = table.assign(estimate=rate, lower=rate - half, upper=rate + half, adjustment="age_sex")
    both = pd.concat([crude, adjusted[rate.notna() & (parameters.standard == STANDARD)]], ignore_index=True)
    return both.rename(columns=interval_counts.ENGLAND)[[*KEYS, *interval_counts.ENGLAND.values(), "england_year"]]


def gaps(parameters: Parameters) -> pd.DataFrame:
    """Return England's ratio to the run's comparator, and what the ratio to White is in the boards of England.

    Returns
    -------
    pandas.DataFrame
        :data:`KEYS`, ``england`` (ratio), ``england_year``; against White before adjustment also ``boards,
        boards_ratio, boards_lower, boards_upper``: how many boards, their mean ratio and between which values nine in
        ten of them lie, chance apart. It says what is usual, never what is right.
    """
    known = levels(parameters)
    own = known[known["ethnic_group"].eq(parameters.comparator)]
    found = known.merge(own[["indicator", "period", "adjustment", "england"]],
                        on=["indicator", "period", "adjustment"], suffixes=("", "_own"))  # fmt: skip
    found = found[found["ethnic_group"].ne(parameters.comparator)]
    found = found.assign(england=found["england"] / found["england_own"])[[*KEYS, "england", "england_year"]]
    if parameters.comparator != "White":
        return found
    table, spread = _of_years(parameters.period), ndtri(0.5 + NINE_IN_TEN / 2)
    ends = {"boards_ratio": 0.0, "boards_lower": -spread, "boards_upper": spread}
    table = table.assign(adjustment="crude", **{to: np.exp(table["mean"] + z * table["tau"]) for to, z in ends.items()})
    return found.merge(table[[*KEYS, "boards", *ends]], on=KEYS, how="left")


def words(parameters: Parameters) -> str:
    """Return what a reader of England's figures next to the Trust's own has to know."""
    return WORDS + INVENTED * parameters.synthetic


def _of_years(period: str) -> pd.DataFrame:
    """Return the table up to a year, which gets the last published figures before it where it has none."""
    table = reference().assign(england_year=reference()["period"])
    table = table[table["period"].le(period)]
    last = table[table["period"].eq(table.groupby("indicator")["period"].transform("max"))]
    older = last[last["period"].ne(period)].assign(period=period)
    return pd.concat([table, older], ignore_index=True)
