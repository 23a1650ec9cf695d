"""Intervals for measures that pick a group: highest less lowest, the best, a reference.

Whoever picks the highest and the lowest of equal groups always finds a gap. The lower limits here hold for every
possible pick at once, so that a gap is claimed only where some pair must differ; the upper limits need no such
allowance, since the true extremes are among the picks.

References
----------
Tukey JW. The problem of multiple comparisons. 1953. Hayter AJ. A proof of the conjecture that the Tukey-Kramer
multiple comparisons procedure is conservative. Annals of Statistics 1984;12:61-75. Zou GY, Donner A. Statistics in
Medicine 2008;27:1693-702.
"""

from __future__ import annotations

from functools import cache, partial

import numpy as np
import pandas as pd
from scipy import stats

from pcref_analysis.estimates.inequality import grouped, sampling_model
from pcref_analysis.vocabulary.ethnicity import UNKNOWN


def highest_over_lowest(levels: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Return how many times the lowest level of all ethnic groups the highest is, an indicator a row.

    Parameters
    ----------
    levels
        Levels of one period: ``indicator, indicator_name, ethnic_group, measure, estimate, lower, upper, level``;
        groups without an interval and people of unknown ethnic group are left out.
    level
        Of the intervals; the lower limit holds for every possible pick at once, so that it is above 1 only where two
        groups must differ.

    Returns
    -------
    pandas.DataFrame
        ``indicator, indicator_name, groups, highest, lowest, estimate, lower, upper, level``. No row where fewer than
        two groups have a level above zero.

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
    """
    figures = levels[["estimate", "lower", "upper"]].astype(float)
    usable = np.isfinite(figures).all(axis=1) & (figures["estimate"] > 0) & levels["ethnic_group"].ne(UNKNOWN)
    part = levels[usable].assign(**figures[usable], at_risk=1.0).drop(columns=["adjustment", "events"], errors="ignore")
    part = part[part.groupby("indicator")["ethnic_group"].transform("size") > 1]
    rows = []
    for name, mine in part.groupby("indicator", sort=False):
        (_, kind, groups, _) = next(grouped.sets(mine, None, "ethnic_group", None))
        ends = intervals(groups, kind, groups["weight"].to_numpy(float), None, None, level).loc["ratio"]
        high, low = (mine.loc[at] for at in (mine["estimate"].idxmax(), mine["estimate"].idxmin()))
        ends_of = [one["ethnic_group"] if high["estimate"] > low["estimate"] else "all alike" for one in (high, low)]
        found = (*ends_of, high["estimate"] / low["estimate"])
        rows.append((name, mine["indicator_name"].iloc[0], len(mine), *found, ends["lower"], ends["upper"], level))
    columns = ["indicator", "indicator_name", "groups", "highest", "lowest", "estimate", "lower", "upper", "level"]
    return pd.DataFrame(rows, columns=columns)


def intervals(
    groups: pd.DataFrame, kind: str, weight: np.ndarray, reference: int | None, best: str | None, level: float
) -> pd.DataFrame:
    """Intervals of the measures that pick an extreme: the lower limit holds for all picks at once."""
    value, count = groups["estimate"].to_numpy(float), len(groups)
    tail = (1 - level) / 2
    wide = {"pairs": _range_limit(1 - tail, count), "best": stats.norm.isf(tail / count), "one": stats.norm.isf(tail)}
    ends = {name: sampling_model.limits(groups, kind, z) for name, z in wide.items()}
    each, even = np.eye(count), np.full(count, 1 / count)
    rows: dict[str, tuple[float, float, str]] = {}

    def pick(name: str, family: str, least: float, lowers, uppers) -> None:
        lower = max(least, np.max(lowers(*ends[family])[0]))
        rows[name] = (lower, np.max(uppers(*ends["one"])[1]), "simultaneous over all picks (MOVER)")

    pairs = (each[:, None] - each[None]).reshape(-1, count)[~np.eye(count, dtype=bool).ravel()]
    one, other = np.nonzero(~np.eye(count, dtype=bool))

    def gap(low, high):
        return sampling_model.mover(pairs, value, low, high)

    def ratio(low, high):
        return sampling_model.mover_ratio(value[one], low[one], high[one], value[other], low[other], high[other])

    pick("difference", "pairs", 0.0, gap, gap)
    pick("ratio", "pairs", 1.0, ratio, ratio)
    sign = {"lowest": 1, "highest": -1}.get(best or "", 0)
    if sign:
        for name, centre in (("mean_difference_from_best", even), ("mean_difference_from_best_weighted", weight)):
            far = partial(sampling_model.mover, sign * (centre - each), value)
            pick(name, "best", 0.0, far, far)
        rows["attributable_risk_best"] = rows["mean_difference_from_best_weighted"]
        part = partial(_fraction, value, weight, np.arange(count), sign)
        pick("attributable_fraction_best", "best", 0.0, part, part)
    if reference is not None:
        risk = sampling_model.mover((weight - each[reference])[None], value, *ends["one"])
        fraction = _fraction(value, weight, np.array([reference]), 1, *ends["one"])
        rows["attributable_risk_reference"] = (*np.ravel(risk), "MOVER")
        rows["attributable_fraction_reference"] = (*np.ravel(fraction), "MOVER")
    return pd.DataFrame.from_dict(rows, orient="index", columns=["lower", "upper", "method"])


def _fraction(value, weight, picks, sign, low, high) -> tuple[np.ndarray, np.ndarray]:
    """Limits of 100 x sign x (1 - pick / mean): the mean is split into the pick and the rest, which are independent."""
    rest = np.where(np.eye(len(value), dtype=bool), 0.0, weight)[picks]
    rest = rest / rest.sum(axis=1, keepdims=True)
    rest_low, rest_high = sampling_model.mover(rest, value, low, high)
    ends = sampling_model.mover_ratio(rest @ value, rest_low, rest_high, value[picks], low[picks], high[picks])
    own = weight[picks]
    ends = [100 * sign * (1 - 1 / (own + (1 - own) * end)) for end in ends]
    return (ends[0], ends[1]) if sign > 0 else (ends[1], ends[0])


@cache
def _range_limit(share: float, count: int) -> float:
    """How far two of ``count`` equal groups may lie apart, in standard errors (Tukey and Kramer)."""
    return float(stats.studentized_range.ppf(share, count, np.inf) / np.sqrt(2))
