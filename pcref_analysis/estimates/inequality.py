"""Summary measures of inequality across unordered groups, with intervals that do not find gaps in noise.

Each measure is one number for all groups: it says how much groups differ, never which group or why. All but the two
against a fixed reference are zero (the ratio: one) when groups are equal and can only go up from there, so chance
alone makes them positive. Their intervals allow for that: they reach zero (one) where the groups could be equal.
"""

from __future__ import annotations

from functools import cache, partial

import numpy as np
import pandas as pd
from scipy import stats

from pcref_analysis.estimates import inversion, sampling

SAME, SQUARED = "unit of the estimates", "unit of the estimates, squared"
PERCENT, PLAIN = "% of the mean", "no unit"
UNITS = {
    "difference": SAME,
    "ratio": PLAIN,
    "between_group_variance": SQUARED,
    "between_group_sd": SAME,
    "coefficient_of_variation": PERCENT,
    "index_of_disparity": PERCENT,
    "index_of_disparity_weighted": PERCENT,
    "mean_difference_from_mean": SAME,
    "mean_difference_from_mean_weighted": SAME,
    "mean_difference_from_best": SAME,
    "mean_difference_from_best_weighted": SAME,
    "mean_difference_from_reference": SAME,
    "mean_difference_from_reference_weighted": SAME,
    "theil_index": PLAIN,
    "mean_log_deviation": PLAIN,
    "attributable_risk_best": SAME,
    "attributable_fraction_best": PERCENT,
    "attributable_risk_reference": SAME,
    "attributable_fraction_reference": PERCENT,
}
RELATIVE = [name for name, unit in UNITS.items() if unit in (PERCENT, PLAIN)]
BEST = {"higher_is_worse": "lowest", "lower_is_worse": "highest"}
NOTES = {
    "one": "fewer than two groups have an estimate",
    "zero": "a group's estimate is zero, and this measure needs its logarithm or divides by it",
    "mean": "estimates are not all above zero, and this measure divides by them or their mean",
    "best": "needs a polarity: whether the highest or the lowest estimate is best",
    "reference": "needs a reference group",
    "lost": "the reference group has no estimate",
    "interval": "no interval: an estimate has none",
    "still": "no interval: every estimate is zero",
}


def summary(
    estimates: pd.DataFrame,
    population: pd.DataFrame | None = None,
    reference: str | None = None,
    level: float = 0.95,
    *,
    group: str = "ethnic_group",
    polarity: str | None = None,
    kind: str | None = None,
    draws: int = 2048,
    seed: int = 20260101,
) -> pd.DataFrame:
    """Return one row per measure of inequality (and per indicator, period and adjustment, where these stand)."""
    tables = []
    for key, part, note in sampling.sets(estimates, population, group, kind):
        table = _summarise(part, reference, level, polarity, draws, seed)
        table["note"] = [" ".join(filter(None, (text, note))) for text in table["note"]]
        tables.append(table.assign(groups=len(part)).pipe(sampling.keyed, key))
    return pd.concat(tables, ignore_index=True)


def _summarise(
    groups: pd.DataFrame, reference: str | None, level: float, polarity: str | None, draws: int, seed: int
) -> pd.DataFrame:
    value, weight = groups["estimate"].to_numpy(float), groups["weight"].to_numpy(float)
    kind, best = groups.attrs["kind"], BEST.get(polarity or "")
    names = list(groups["group"])
    place = names.index(reference) if reference in names else None
    out = pd.DataFrame(index=pd.Index(UNITS, name="measure"), columns=["estimate", "lower", "upper"], dtype=float)
    out["level"], out["unit"], out["method"], out["expected_if_equal"] = level, pd.Series(UNITS), "", np.nan
    out["note"] = ""
    if len(groups) < 2:
        out["note"] = NOTES["one"]
        return out.reset_index()
    with np.errstate(divide="ignore", invalid="ignore"):
        out["estimate"] = pd.Series({**spread(value, weight, place), **extremes(value, weight, place, best)})
    _refuse(out, value, kind, best, reference, place)
    if groups["step" if kind != "mean" else "std_error"].isna().any():
        out.loc[out["estimate"].notna(), "note"] = NOTES["interval"]
    elif kind != "mean" and not value.any():
        out.loc[out["estimate"].notna(), "note"] = NOTES["still"]
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            for source in (
                _inverted(groups, kind, weight, place, level, draws, seed),
                _simultaneous(groups, kind, weight, place, best, level),
            ):
                out.update(source)
        out.loc[out["estimate"].isna(), ["lower", "upper", "expected_if_equal", "method"]] = [np.nan] * 3 + [""]
    return out.reset_index()


def _refuse(
    out: pd.DataFrame, value: np.ndarray, kind: str, best: str | None, reference: str | None, place: int | None
) -> None:
    """Write into ``out`` why a measure is not given."""

    def refuse(measures: list[str], note: str) -> None:
        out.loc[measures, ["estimate", "note"]] = [np.nan, NOTES[note]]

    if (value == 0).any():
        refuse(["ratio", "mean_log_deviation"], "zero")
    if (value < 0).any() or not value.any():
        refuse(RELATIVE, "mean")
    if best is None:
        refuse([name for name in UNITS if "best" in name], "best")
    if place is None:
        refuse([name for name in UNITS if "reference" in name], "lost" if reference else "reference")


def spread(value: np.ndarray, weight: np.ndarray, reference: int | None) -> dict[str, np.ndarray]:
    """Return the measures of distance of all groups from a centre; groups along the last axis of ``value``."""
    return {**squared(value, weight), **absolute(value, weight, None), **absolute(value, weight, reference)}


def squared(value: np.ndarray, weight: np.ndarray) -> dict[str, np.ndarray]:
    """Return the measures of squared distance and of entropy; ``weight`` adds to one."""
    mean = value @ weight
    variance = (value - mean[..., None]) ** 2 @ weight
    share = value / mean[..., None]
    logs = np.log(share)
    return {
        "between_group_variance": variance,
        "between_group_sd": np.sqrt(variance),
        "coefficient_of_variation": 100 * np.sqrt(variance) / mean,
        "theil_index": np.where(share == 0, 0.0, share * logs) @ weight,
        "mean_log_deviation": -logs @ weight,
    }


def absolute(value: np.ndarray, weight: np.ndarray, reference: int | None) -> dict[str, np.ndarray]:
    """Return the measures of absolute distance, from the mean or from a reference group, unweighted and weighted."""
    if reference is not None:
        apart = np.abs(value - value[..., reference, None])
        name = "mean_difference_from_reference"
        return {name: apart.mean(axis=-1), f"{name}_weighted": apart @ weight}
    mean = value @ weight
    apart = np.abs(value - mean[..., None])
    return {
        "index_of_disparity": 100 * apart.mean(axis=-1) / mean,
        "index_of_disparity_weighted": 100 * (apart @ weight) / mean,
        "mean_difference_from_mean": apart.mean(axis=-1),
        "mean_difference_from_mean_weighted": apart @ weight,
    }


def extremes(value: np.ndarray, weight: np.ndarray, reference: int | None, best: str | None) -> dict[str, float]:
    """Return the measures that rest on the highest, the lowest, the best or the reference group."""
    mean = value @ weight
    out = {"difference": value.max() - value.min(), "ratio": value.max() / value.min()}
    if best is not None:
        top = value.min() if best == "lowest" else value.max()
        risk = abs(mean - top)
        out["mean_difference_from_best"] = abs(value.mean() - top)
        out["mean_difference_from_best_weighted"] = out["attributable_risk_best"] = risk
        out["attributable_fraction_best"] = 100 * risk / mean
    if reference is not None:
        out["attributable_risk_reference"] = mean - value[reference]
        out["attributable_fraction_reference"] = 100 * (1 - value[reference] / mean)
    return out


def _inverted(
    groups: pd.DataFrame, kind: str, weight: np.ndarray, reference: int | None, level: float, draws: int, seed: int
) -> pd.DataFrame:
    """Intervals of the measures of distance by test inversion, each kind on its own path."""
    normals = sampling.normals(draws, len(groups), seed)
    even = np.full(len(groups), 1 / len(groups))
    run = partial(inversion.intervals, groups, kind, normals=normals, level=level)
    found = [run(path=inversion.proportional(groups, weight), measures=lambda y: squared(y, weight))]
    for each, ending in ((even, False), (weight, True)):
        path = inversion.threshold(groups, weight, each)
        for centre in (None,) if reference is None else (None, reference):

            def chosen(y: np.ndarray, centre: int | None = centre, ending: bool = ending) -> dict[str, np.ndarray]:
                every = absolute(y, weight, centre)
                return {name: v for name, v in every.items() if name.endswith("_weighted") == ending}

            found.append(run(path=path, measures=chosen))
    return pd.concat(found).assign(method="test inversion by simulation")


def _simultaneous(
    groups: pd.DataFrame, kind: str, weight: np.ndarray, reference: int | None, best: str | None, level: float
) -> pd.DataFrame:
    """Intervals of the measures that pick an extreme: the lower limit holds for all picks at once."""
    value, count = groups["estimate"].to_numpy(float), len(groups)
    tail = (1 - level) / 2
    wide = {"pairs": _range_limit(1 - tail, count), "best": stats.norm.isf(tail / count), "one": stats.norm.isf(tail)}
    limits = {name: sampling.limits(groups, kind, z) for name, z in wide.items()}
    each, even = np.eye(count), np.full(count, 1 / count)
    rows: dict[str, tuple[float, float, str]] = {}

    def pick(name: str, family: str, least: float, lowers, uppers) -> None:
        lower = max(least, np.max(lowers(*limits[family])[0]))
        rows[name] = (lower, np.max(uppers(*limits["one"])[1]), "simultaneous over all picks (MOVER)")

    pairs = (each[:, None] - each[None]).reshape(-1, count)[~np.eye(count, dtype=bool).ravel()]
    one, other = np.nonzero(~np.eye(count, dtype=bool))

    def gap(low, high):
        return sampling.mover(pairs, value, low, high)

    def ratio(low, high):
        return sampling.mover_ratio(value[one], low[one], high[one], value[other], low[other], high[other])

    pick("difference", "pairs", 0.0, gap, gap)
    pick("ratio", "pairs", 1.0, ratio, ratio)
    sign = {"lowest": 1, "highest": -1}.get(best or "", 0)
    if sign:
        for name, centre in (("mean_difference_from_best", even), ("mean_difference_from_best_weighted", weight)):
            far = partial(sampling.mover, sign * (centre - each), value)
            pick(name, "best", 0.0, far, far)
        rows["attributable_risk_best"] = rows["mean_difference_from_best_weighted"]
        part = partial(_fraction, value, weight, np.arange(count), sign)
        pick("attributable_fraction_best", "best", 0.0, part, part)
    if reference is not None:
        risk = sampling.mover((weight - each[reference])[None], value, *limits["one"])
        fraction = _fraction(value, weight, np.array([reference]), 1, *limits["one"])
        rows["attributable_risk_reference"] = (*np.ravel(risk), "MOVER")
        rows["attributable_fraction_reference"] = (*np.ravel(fraction), "MOVER")
    return pd.DataFrame.from_dict(rows, orient="index", columns=["lower", "upper", "method"])


def _fraction(value, weight, picks, sign, low, high) -> tuple[np.ndarray, np.ndarray]:
    """Limits of 100 x sign x (1 - pick / mean): the mean is split into the pick and the rest, which are independent."""
    rest = np.where(np.eye(len(value), dtype=bool), 0.0, weight)[picks]
    rest = rest / rest.sum(axis=1, keepdims=True)
    rest_low, rest_high = sampling.mover(rest, value, low, high)
    ends = sampling.mover_ratio(rest @ value, rest_low, rest_high, value[picks], low[picks], high[picks])
    own = weight[picks]
    ends = [100 * sign * (1 - 1 / (own + (1 - own) * end)) for end in ends]
    return (ends[0], ends[1]) if sign > 0 else (ends[1], ends[0])


@cache
def _range_limit(share: float, count: int) -> float:
    """How far two of ``count`` equal groups may lie apart, in standard errors (Tukey and Kramer)."""
    return float(stats.studentized_range.ppf(share, count, np.inf) / np.sqrt(2))
