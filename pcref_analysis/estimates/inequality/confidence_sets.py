"""Intervals for measures that are zero when groups are equal and positive by chance, by inverting a test.

For a value m of a measure, ask: if the truth had measure m, would a measure as large (as small) as the one seen be
rarer than the tail allows? The interval holds the m for which it would not. The truths asked about lie on a path from
equal groups through the estimates and beyond, the one nearest to the estimates for each m: for measures of squared
distance every group keeps its share of the distance (and, for upper limits, one where only high groups differ); for
measures of absolute distance every group gives up the same multiple of weight x variance (the lasso's soft
threshold), so that small groups' noise goes first.

References
----------
Chuang C-S, Lai TL. Hybrid resampling methods for confidence intervals. Statistica Sinica 2000;10:1-50.
Carpenter J. Test inversion bootstrap confidence intervals. JRSS B 1999;61:159-72.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from pcref_analysis.estimates.inequality import sampling_model

MULTIPLES = np.r_[0.0, np.geomspace(0.02, 2, 32), np.geomspace(2.5, 40, 10)]  # of the distance from the mean
Measures = Callable[[np.ndarray], dict[str, np.ndarray]]


def intervals(
    groups: pd.DataFrame, kind: str, path: np.ndarray, measures: Measures, normals: np.ndarray, level: float
) -> pd.DataFrame:
    """Return ``lower, upper, expected_if_equal`` per measure.

    Parameters
    ----------
    groups, kind
        The sampling model (:func:`sampling.effective`).
    path
        Truths to ask about, one a row, from equal groups outward (:func:`proportional`, :func:`threshold`).
    measures
        Maps estimates (groups along the last axis) to measures.
    normals
        Standard normal draws, one row a draw.
    level
        Confidence level; half of the rest lies in each tail.

    Returns
    -------
    pandas.DataFrame
        Indexed by measure. ``expected_if_equal`` is the median of the measure over draws with equal groups.
    """
    tail = (1 - level) / 2
    if kind != "mean":
        path = np.clip(path, 0, 100 if kind == "percent" else None)
    seen, true = measures(groups["estimate"].to_numpy(float)), measures(path)
    low, high = np.empty((2, len(path), len(seen)))
    for place, truth in enumerate(path):
        drawn = np.array(list(measures(sampling_model.draw(truth, groups, kind, normals)).values()))
        drawn = np.nan_to_num(drawn, nan=0.0, posinf=np.finfo(float).max / 4)  # all zero: equal; logarithm of zero
        low[place], high[place] = np.quantile(drawn, [tail, 1 - tail], axis=1)
        if place == 0:
            equal = np.median(drawn, axis=1)
    rows = {}
    for column, (name, value) in enumerate(seen.items()):
        lower = _first(high[:, column], true[name], value)
        upper = _first(low[::-1, column], true[name][::-1], value, falling=True)
        rows[name] = (max(min(lower, value), 0.0), max(upper, value), equal[column])
    return pd.DataFrame.from_dict(rows, orient="index", columns=["lower", "upper", "expected_if_equal"])


def proportional(groups: pd.DataFrame, weight: np.ndarray) -> np.ndarray:
    """Return the path on which all groups keep their shares of the distance from the mean."""
    mean, apart, _ = _centred(groups, weight)
    return mean + MULTIPLES[:, None] * apart


def upward(groups: pd.DataFrame, weight: np.ndarray) -> np.ndarray:
    """Return the path on which only groups that stand out above the mean differ, by more than a standard error.

    High rates vary more: where one small group makes the whole difference, the path through all estimates, noise
    included, would promise too much. For upper limits only.
    """
    mean, apart, variance = _centred(groups, weight)
    error = np.sqrt(variance)
    out = np.clip(apart - error, 0, None)
    if not out.any():
        out = np.where(np.arange(len(apart)) == np.argmax(apart / error), apart, 0.0)
    out = out - out @ weight
    return mean + MULTIPLES[:, None] * out * np.sqrt((apart**2 @ weight) / (out**2 @ weight))


def threshold(groups: pd.DataFrame, weight: np.ndarray, each: np.ndarray) -> np.ndarray:
    """Return the path on which every group gives up a multiple of ``each`` (its weight in the measure) x variance."""
    mean, apart, variance = _centred(groups, weight)
    pace = each * variance
    unit = np.sqrt(np.sum(each * pace))  # one standard error of the measure, of one sign
    furthest = max(np.max(np.abs(apart) / pace) * unit, 0.1)
    shrink = np.r_[np.geomspace(furthest, 0.05, 24), 0.0]
    grow = np.r_[np.linspace(0.2, 5, 20), 6, 8, 12, 20]
    multiple = np.r_[shrink, -grow][:, None] / unit
    return mean + np.sign(apart) * np.clip(np.abs(apart) - multiple * pace, 0, None)


def _centred(groups: pd.DataFrame, weight: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the mean, distances from it and the variances that equal groups would have.

    Where the estimates (almost) coincide, no direction is known: the standard errors stand in, with alternating sign.
    """
    value = groups["estimate"].to_numpy(float)
    mean = float(value @ weight)
    variance = groups["std_error"].to_numpy(float) ** 2
    share = np.clip(1 - mean / 100 * np.isfinite(groups["size"].to_numpy(float)), 0, 1)  # 1 for rates
    if groups["step"].notna().all():
        variance = mean * groups["step"].to_numpy(float) * share
    apart = value - mean
    error = np.sqrt(variance)
    if np.max(np.abs(apart) / error) < 0.05:
        apart = 0.05 * error * (-1.0) ** np.arange(len(value))
        apart -= apart @ weight
    return mean, apart, variance


def _first(tails: np.ndarray, true: np.ndarray, seen: float, falling: bool = False) -> float:
    """Return the true measure where a tail along the path first reaches the measure that was seen."""
    slack = 1e-9 * abs(seen)  # few events give few values: ties count as reached
    reached = tails <= seen + slack if falling else tails >= seen - slack
    if not reached.any():
        return float(true[-1])
    place = int(np.argmax(reached))
    if place == 0:
        return float(true[0])
    before, here = tails[place - 1], tails[place]
    if not np.isfinite([here - before, true[place] - true[place - 1]]).all():
        return float(true[place - 1])
    return float(true[place - 1] + (seen - before) / (here - before) * (true[place] - true[place - 1]))
