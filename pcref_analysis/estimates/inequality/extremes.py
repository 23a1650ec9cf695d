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

from pcref_analysis.estimates.inequality import sampling_model


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
