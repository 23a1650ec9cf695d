"""Inequality in one number: the highest level of all groups over the lowest, with limits that allow for the pick."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from pcref_analysis.estimates.entry import needs
from pcref_analysis.vocabulary import standards
from pcref_analysis.vocabulary.errors import PcrefError

COLUMNS = ["indicator", "indicator_name", "groups", "highest", "lowest", "estimate", "lower", "upper", "level"]


def highest_over_lowest(levels: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Return how many times the lowest level of all ethnic groups the highest is, an indicator a row.

    Whoever picks the highest and the lowest of equal groups always finds a gap. The lower limit holds for every
    possible pick at once, so that it is above 1 only where two groups must differ; the upper limit needs no such
    allowance, since the true extremes are among the picks.

    Parameters
    ----------
    levels
        Levels of one period: ``indicator, indicator_name, ethnic_group, measure, estimate, lower, upper, level``;
        ``measure`` is rate, percent or mean. Groups without an interval and people of unknown ethnic group are left
        out.
    level
        Of the intervals.

    Returns
    -------
    pandas.DataFrame
        :data:`COLUMNS`. No row where fewer than two groups have a level above zero. ``upper`` is infinite where a
        group's level could be zero.

    Raises
    ------
    PcrefError
        If a column is missing, or a group has several levels of one indicator.

    Notes
    -----
    Not for saying which group is affected, nor for comparing organisations: it takes no account of how many people
    are in a group.

    Examples
    --------
    >>> rows = pd.DataFrame({"indicator": "d", "indicator_name": "D", "ethnic_group": ["White", "Mixed"], "level": 0.95,
    ...     "measure": "rate", "estimate": [90.0, 180], "lower": [84.2, 124], "upper": [96.1, 253]})
    >>> highest_over_lowest(rows)[["highest", "estimate"]].to_numpy().tolist()
    [['Mixed', 2.0]]

    References
    ----------
    Tukey JW. The problem of multiple comparisons. 1953. Hayter AJ. Annals of Statistics 1984;12:61-75. Donner A, Zou
    GY. Statistical Methods in Medical Research 2012;21:347-59.
    """
    figures = ["estimate", "lower", "upper"]
    needs(levels, ["indicator", "indicator_name", "ethnic_group", "measure", *figures, "level"], "levels")
    table = levels.astype(dict.fromkeys(figures, float))
    usable = np.isfinite(table[figures]).all(axis=1) & (table["estimate"] > 0)
    part = table[usable & ~standards.unknown(table, ["ethnic_group"])]
    if twice := int(part.duplicated(["indicator", "ethnic_group"]).sum()):
        raise PcrefError(f"levels: {twice} row(s) repeat a group of an indicator. Keep one period and one adjustment.")
    rows = []
    for name, mine in part.groupby("indicator", sort=False):
        if len(mine) > 1:
            high, low = (mine.loc[at] for at in (mine["estimate"].idxmax(), mine["estimate"].idxmin()))
            ends = [one["ethnic_group"] if high["estimate"] > low["estimate"] else "all alike" for one in (high, low)]
            ratio = high["estimate"] / low["estimate"]
            rows.append((name, mine["indicator_name"].iloc[0], len(mine), *ends, ratio, *_limits(mine, level), level))
    return pd.DataFrame(rows, columns=COLUMNS)


def _limits(groups: pd.DataFrame, level: float) -> tuple[float, float]:
    value, tail = groups["estimate"].to_numpy(float), (1 - level) / 2
    one, other = np.nonzero(~np.eye(len(groups), dtype=bool))

    def of_pairs(z: float) -> tuple[np.ndarray, np.ndarray]:
        low, high = own_limits(groups, z)
        return mover_ratio(value[one], low[one], high[one], value[other], low[other], high[other])

    apart = _range_limit(1 - tail, len(groups))
    return max(1.0, np.max(of_pairs(apart)[0])), np.max(of_pairs(stats.norm.isf(tail))[1])


def own_limits(groups: pd.DataFrame, z: float) -> tuple[np.ndarray, np.ndarray]:
    """Return each level's own lower and upper limit at ``z`` standard deviations (1.96 for 95%), from its interval.

    A rate is read as effective events of one size (Fay and Feuer's matching: variance = size x rate), with exact
    Poisson limits; a percentage as an effective number of people (Wilson's interval solved for it), with Clopper and
    Pearson's; a mean as normal.
    """
    value = groups["estimate"].to_numpy(float)
    width = (groups["upper"] - groups["lower"]).to_numpy(float)
    given, tail = stats.norm.ppf((1 + groups["level"].to_numpy(float)) / 2), stats.norm.sf(z)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = _limits_of(groups["measure"].iloc[0], value, width, given, tail, z)
    told = width > 0  # limits that were rounded to one number leave no width
    return np.where(told, low, value), np.where(told, high, value)


def _limits_of(
    kind: str, value: np.ndarray, width: np.ndarray, given: np.ndarray, tail: float, z: float
) -> tuple[np.ndarray, np.ndarray]:
    if kind == "mean":
        return value - z * width / (2 * given), value + z * width / (2 * given)
    if kind == "rate":
        size = (width / (2 * given)) ** 2 / value
        return size * stats.gamma.ppf(tail, value / size), size * stats.gamma.isf(tail, value / size + 1)
    share, square = value / 100, (width / 100) ** 2
    half = 2 * share * (1 - share) - square  # Wilson's interval is a quadratic in z squared over the number of people
    people = given**2 * (1 - square) / (np.sqrt(half**2 + (1 - square) * square) - half)
    count, rest = share * people, np.maximum((1 - share) * people, 1e-12)
    high = np.where(rest > 1e-9, stats.beta.isf(tail, count + 1, rest), 1.0)
    return 100 * stats.beta.ppf(tail, count, rest + 1), 100 * high


def mover_ratio(
    top: Any, top_low: Any, top_high: Any, bottom: Any, bottom_low: Any, bottom_high: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return the limits of ``top / bottom`` for independent non-negative estimates, from their own limits (MOVER).

    The upper limit is infinite where the lower limit of ``bottom`` is zero or less.
    """
    product = top * bottom
    with np.errstate(divide="ignore", invalid="ignore"):
        under = np.clip(product**2 - top_low * (2 * top - top_low) * bottom_high * (2 * bottom - bottom_high), 0, None)
        over = np.clip(product**2 - top_high * (2 * top - top_high) * bottom_low * (2 * bottom - bottom_low), 0, None)
        # the two forms of the quadratic's root: this one stays finite where bottom_high is twice bottom
        low = top_low * (2 * top - top_low) / (product + np.sqrt(under))
        high = (product + np.sqrt(over)) / (bottom_low * (2 * bottom - bottom_low))
    return np.maximum(np.nan_to_num(low, nan=0.0), 0.0), np.where(bottom_low > 0, high, np.inf)


@cache
def _range_limit(share: float, count: int) -> float:
    """How far two of ``count`` equal groups may lie apart, in standard errors (Tukey and Kramer)."""
    return float(stats.studentized_range.ppf(share, count, np.inf) / np.sqrt(2))
