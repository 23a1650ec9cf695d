"""Gaps turned one way: log ratios that are positive where a group is worse off, and how sure they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from pcref_analysis.analysis.levels_and_gaps import PAIR


def standard_error(estimate: pd.Series, lower: pd.Series, upper: pd.Series, rows: pd.DataFrame) -> pd.Series:
    """Standard error of the logarithm from an interval; from one side where the other is zero or missing."""
    z = stats.norm.ppf(0.5 + rows["level"].astype(float).fillna(0.95) / 2)
    values = [x.astype(float).where(lambda v: v > 0) for x in (estimate, lower, upper)]
    point, low, high = (np.log(value) for value in values)
    se = ((high - low) / (2 * z)).fillna((high - point) / z).fillna((point - low) / z)
    return se.where((se > 0) & np.isfinite(se))


def careful(se: pd.Series, table: pd.DataFrame) -> pd.Series:
    """Take no standard error to be smaller than numbers of this size allow.

    Robust errors of two or three people can come out near zero. Rates: at least Poisson's; percentages: with two
    people with and two without an event added (Agresti and Coull 1998), so that 2 of 2 is not certain; means: as wide
    as Student's t.
    """
    events, people = table["events"].astype(float), table["at_risk"].astype(float)
    share = (events + 2) / (people + 4)
    percent = np.sqrt(((1 - share) / (events + 2)).clip(lower=0))
    rate = np.sqrt(1 / events.where(events > 0))
    least = rate.mask(table["measure"] == "percent", percent).mask(table["measure"] == "mean", 0.0)
    upper = 0.5 + table["level"].astype(float).fillna(0.95) / 2
    wider = pd.Series(stats.t.ppf(upper, (people - 1).clip(lower=1)) / stats.norm.ppf(upper), index=table.index)
    return np.fmax(se * wider.where((table["measure"] == "mean") & people.notna(), 1.0), least).where(se.notna())


def on_the_scale_of_harm(table: pd.DataFrame) -> pd.DataFrame:
    """Add ``gap`` (log ratio, positive where the group is worse off), its ``se`` and the comparator's part."""
    table = table.copy()
    sign = table["polarity"].map({"higher_is_worse": 1.0, "lower_is_worse": -1.0})
    table["se"] = careful(standard_error(table["ratio"], table["lower"], table["upper"], table), table)
    table["gap"] = (sign * np.log(table["ratio"].astype(float).where(lambda r: r > 0))).where(table["se"].notna())
    none = (table["events"] == 0) & (table["expected"] > 0) & table["gap"].isna()
    table["none_of"] = table["expected"].where(none)
    table["gap"] = table["gap"].fillna(sign * np.log(0.5 / (table["none_of"] + 0.5)))
    table["se"] = table["se"].fillna(np.sqrt(2 + table["comparator_se"].astype(float).fillna(0) ** 2).where(none))
    table["se"] = table["se"].where(table["gap"].notna())
    table["shared_variance"] = (table["comparator_se"].astype(float) ** 2).where(table["gap"].notna())
    return table


def persistence(table: pd.DataFrame, earlier: pd.DataFrame) -> pd.Series:
    """Average over earlier periods of the probability that the gap exceeded the margin then (no shrinkage)."""
    known = table[[*PAIR, "adjustment", "polarity", "margin", "measure"]]
    rows = earlier[earlier["measure"] == "ratio"].drop(columns="measure").merge(known, on=[*PAIR, "adjustment"])
    rows = on_the_scale_of_harm(
        rows.rename(columns={"estimate": "ratio"}).assign(comparator_se=np.nan, expected=np.nan)
    )
    rows["beyond"] = stats.norm.cdf((rows["gap"] - np.log(rows["margin"])) / rows["se"])
    means = rows.groupby(PAIR)["beyond"].mean().rename("persistence").reset_index()
    return table[PAIR].merge(means, on=PAIR, how="left")["persistence"]
