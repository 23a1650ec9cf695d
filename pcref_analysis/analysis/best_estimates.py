"""Of several published estimates of one gap, the one that the draft list rests on."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pcref_analysis.analysis.levels_and_gaps import PAIR

NOTHING = pd.DataFrame()


def of(
    gaps: pd.DataFrame, expected: pd.DataFrame = NOTHING, other_boards: pd.DataFrame = NOTHING, *, period: str
) -> pd.DataFrame:
    """Return the gaps with one best estimate of the period for each indicator and ethnic group.

    Parameters
    ----------
    gaps
        Crude ratios by year and of the newest years together (:func:`pcref_analysis.analysis.levels_and_gaps.ladder`).
    expected
        Observed over expected given the ages (:func:`pcref_analysis.estimates.interval_counts.indirect`).
    other_boards
        The same group elsewhere (:func:`pcref_analysis.published.other_boards.prior`).
    period
        The year of the list.

    Returns
    -------
    pandas.DataFrame
        The columns of ``gaps`` and ``years`` (those that were added up), ``newest_year, newest_ratio`` (the newest of
        them alone), ``prior_mean, prior_sd, prior_boards``. Where ages are published the ratio allowing for them
        stands beside the crude one with ``adjustment`` "age": the rule takes the fullest. Years that are in the sum
        are left out; earlier ones stay. Years together that end before the year of the list are no figure of it.

    Notes
    -----
    An odd year is neither listed nor lost: the years together are what is ranked, the newest alone is said with it. The
    prior is of crude ratios; for an age-adjusted one it moves by as much as age changes the ratio here.
    """
    several = gaps["period"].str.contains(" to ", regex=False)
    current = gaps["period"].str[-7:].ge(period)  # a service that ended, or is not published since, has no figure now
    pooled, single = gaps[several & current], gaps[~several]
    begins = pooled.groupby("indicator")["period"].first().str[:7].to_dict()
    first = single["indicator"].map(lambda name: begins.get(name, ""))
    known = single.dropna(subset=["estimate"]).sort_values("period").drop_duplicates(PAIR, keep="last").set_index(PAIR)
    at = pd.MultiIndex.from_frame(pooled[PAIR])
    pooled = pooled.assign(
        years=pooled["period"],
        period=period,
        newest_year=known["period"].reindex(at).to_numpy(),
        newest_ratio=known["estimate"].reindex(at).to_numpy(),
    )
    parts = [single[first.eq("") | single["period"].lt(first)], pooled]
    if "ratio" in expected:
        parts.append(_aged(single, expected))
    table = pd.concat([part for part in parts if len(part)], ignore_index=True)
    return _with_prior(table, gaps, other_boards, period)


def _aged(single: pd.DataFrame, expected: pd.DataFrame) -> pd.DataFrame:
    """Return observed over expected, divided by the comparator's, in the shape of the gaps."""
    figures = {"estimate": "ratio", "lower": "ratio_lower", "upper": "ratio_upper"}
    known = expected.dropna(subset=["ratio"])[[*PAIR, "period", *figures.values()]]
    same = [*PAIR, "period"]
    crude = single[single["adjustment"].eq("crude")].drop(columns=list(figures))
    table = crude.merge(known, on=same, how="inner", validate="one_to_one")
    return table.rename(columns={new: old for old, new in figures.items()}).assign(adjustment="age")


def _with_prior(table: pd.DataFrame, gaps: pd.DataFrame, elsewhere: pd.DataFrame, period: str) -> pd.DataFrame:
    if elsewhere.empty:
        return table
    names = {"boards": "prior_boards"}
    known = elsewhere.rename(columns=names)[[*PAIR, "prior_mean", "prior_sd", "prior_boards"]]
    table = table.merge(known, on=PAIR, how="left", validate="many_to_one")
    crude = gaps[gaps["period"].eq(period) & gaps["adjustment"].eq("crude")].drop_duplicates(PAIR).set_index(PAIR)
    here = crude["estimate"].reindex(pd.MultiIndex.from_frame(table[PAIR])).to_numpy(float)
    moved = np.log(table["estimate"].to_numpy(float) / here)
    table["prior_mean"] += np.where(table["adjustment"].eq("age") & np.isfinite(moved), moved, 0.0)
    return table
