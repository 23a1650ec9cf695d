"""Summary measures across ordered groups: how a figure changes from the least to the most deprived.

All four measures have one direction: above zero (the relative index of inequality: above one) means higher among the
most deprived. They describe a straight line or a ranking, not a cause, and say nothing about any single group.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import optimize, stats

from pcref_analysis.estimates.entry import checked
from pcref_analysis.estimates.inequality import grouped, sampling_model
from pcref_analysis.vocabulary.errors import PcrefError

UNITS = {
    "slope_index_of_inequality": "unit of the estimates",
    "relative_index_of_inequality": "no unit",
    "absolute_concentration_index": "unit of the estimates",
    "relative_concentration_index": "no unit",
}
NOTES = {
    "few": "fewer than three ordered groups have an estimate",
    "line": "the fitted line is not above zero at the least deprived end: no ratio",
    "top": "the fitted line is not above zero at the most deprived end: no ratio",
    "mean": "the mean is not above zero: no relative index",
    "interval": "no interval: an estimate has none",
    "still": "no interval: every estimate is zero",
    "exact": "no interval: every standard error is zero",
    "open": "no upper limit: the fitted line could be zero at the least deprived end",
}


@checked
def summary(
    estimates: pd.DataFrame,
    population: pd.DataFrame | None = None,
    level: float = 0.95,
    *,
    group: str = "imd_quintile",
    order: Sequence[object] | None = None,
    kind: str | None = None,
) -> pd.DataFrame:
    """Return the slope and relative index of inequality and both concentration indices.

    Parameters
    ----------
    estimates
        One row per ordered group (and per indicator, period and adjustment, where these columns stand): ``group``,
        ``estimate, lower, upper, level``; with ``events`` and ``at_risk`` the standard errors are exact; a column
        ``std_error`` wins over the interval. ``measure`` says rate, percent or mean.
    population
        ``group`` and ``residents``, also by ``indicator`` or ``period`` where these stand; None: the weights are
        ``at_risk``.
    level
        Confidence level of the result.
    group
        Column of the ordered groups.
    order
        The groups from the most to the least deprived; None: by their numbers, as in ``imd_quintile`` (1 is the most
        deprived), text that holds numbers too, or by the order of ordered categories. Other text needs ``order``.
    kind
        ``rate``, ``percent`` or ``mean`` where ``estimates`` has no column ``measure``.

    Returns
    -------
    pandas.DataFrame
        Keys, ``measure, estimate, lower, upper, level, unit, note, method, groups``. Groups without an estimate are
        left out, of the ranks too, and counted in the note.

    Raises
    ------
    PcrefError
        If columns are missing, groups repeat, ``order`` lacks a group or is needed, or the estimates are no rates or
        means.

    Examples
    --------
    >>> quintiles = pd.DataFrame({"imd_quintile": [1, 2, 3, 4, 5], "estimate": [90.0, 80, 70, 60, 50],
    ...                           "std_error": 5.0, "lower": np.nan, "upper": np.nan, "level": 0.95,
    ...                           "at_risk": 1000, "measure": "mean"})
    >>> summary(quintiles)[["measure", "estimate", "lower", "upper"]].round(2)
                            measure  estimate  lower  upper
    0     slope_index_of_inequality     50.00  34.51  65.49
    1  relative_index_of_inequality      2.11   1.65   2.79
    2  absolute_concentration_index      8.00   5.52  10.48
    3  relative_concentration_index      0.11   0.08   0.15

    Notes
    -----
    The intervals carry sampling error only, not that a straight line may not fit: look at the groups first. Not for
    groups without an order, above all not for ethnic groups.

    References
    ----------
    Mackenbach JP, Kunst AE. Social Science & Medicine 1997;44:757-71 (slope and relative index). Low A, Low A. Journal
    of Public Health 2004;26:390-5 (weighted least squares). Kakwani N, Wagstaff A, van Doorslaer E. Journal of
    Econometrics 1997;77:87-103 (concentration index). Zou GY, Donner A. Statistics in Medicine 2008;27:1693-702 and
    Fieller EC. JRSS B 1954;16:175-85 (intervals).
    """
    tables = []
    for key, which, part, note in grouped.sets(estimates, population, group, kind):
        table = _summarise(_ranked(part, order, group), which, level)
        table["note"] = [". ".join(filter(None, (text, note))) for text in table["note"]]
        tables.append(table.assign(groups=len(part)).pipe(grouped.keyed, key))
    return pd.concat(tables, ignore_index=True)


def ranks(weight: np.ndarray) -> np.ndarray:
    """Return the middle of each group's stretch of the population, from 0 to 1 (its relative rank)."""
    return np.cumsum(weight) - weight / 2


def _ranked(part: pd.DataFrame, order: Sequence[object] | None, group: str) -> pd.DataFrame:
    """Sort from the least to the most deprived."""
    if order is None and getattr(part["group"].dtype, "ordered", False):
        order = list(part["group"].cat.categories)
    if order is None:
        place = pd.to_numeric(part["group"].astype(object), errors="coerce").astype(float)  # "10" comes after "2"
        if odd := int(place.isna().sum()):
            raise PcrefError(
                f"order: {odd} value(s) of '{group}' are no numbers, and the alphabet is no order. Give order=[...], "
                "the groups from the most to the least deprived."
            )
    else:
        place = part["group"].map({name: number for number, name in enumerate(order)})
        if place.isna().any():
            raise PcrefError(f"order: {int(place.isna().sum())} value(s) of '{group}' are not in it. List every group.")
    return part.iloc[np.argsort(-place.to_numpy(float), kind="stable")].reset_index(drop=True)


def _summarise(groups: pd.DataFrame, kind: str, level: float) -> pd.DataFrame:
    out = pd.DataFrame({"measure": list(UNITS), "estimate": np.nan, "lower": np.nan, "upper": np.nan})
    out["level"], out["unit"], out["note"] = level, list(UNITS.values()), ""
    out["method"] = ["MOVER", "Fieller with MOVER"] * 2
    if len(groups) < 3:
        return out.assign(note=NOTES["few"], method="")
    value, weight = groups["estimate"].to_numpy(float), groups["weight"].to_numpy(float)
    rank = ranks(weight) - 0.5  # their weighted mean is one half
    slope = weight * rank / (weight @ rank**2)
    top, bottom = weight + slope / 2, weight - slope / 2
    pairs = [(slope, None), (top, bottom), (2 * weight * rank, None), (2 * weight * rank, weight)]
    known = bool(groups["step" if kind != "mean" else "std_error"].notna().all()) and (kind == "mean" or value.any())
    low, high = sampling_model.limits(groups, kind, stats.norm.isf((1 - level) / 2)) if known else (value, value)
    exact = known and not (high > low).any()
    known = known and not exact
    for place, (upper, under) in enumerate(pairs):
        if under is None:
            row = (upper @ value, *np.ravel(sampling_model.mover(upper[None], value, low, high)))
        elif under @ value <= 0 or (under is bottom and upper @ value <= 0):
            row = (np.nan, np.nan, np.nan)
            out.loc[place, "note"] = NOTES["mean" if under is weight else "line" if under @ value <= 0 else "top"]
        else:
            ends = _fieller(upper, under, value, low, high) if known else (np.nan, np.nan)
            row = (upper @ value / (under @ value), *ends)
        out.loc[place, ["estimate", "lower", "upper"]] = row
    if kind != "mean":
        out.loc[1, "lower"] = np.maximum(out.loc[1, "lower"], 0.0)
    out.loc[np.isinf(out["upper"]), "note"] = NOTES["open"]
    out[["lower", "upper"]] = out[["lower", "upper"]].where(np.isfinite(out[["lower", "upper"]]))
    if not known:
        out[["lower", "upper"]] = np.nan
        why = "exact" if exact else "interval" if value.any() else "still"
        out["note"] = out["note"].mask(out["note"] == "", NOTES[why])
    return out


def _fieller(
    top: np.ndarray, bottom: np.ndarray, value: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[float, float]:
    """Return the ratios r for which the interval of ``top - r bottom`` (weighted sums of estimates) holds zero."""
    ratio = top @ value / (bottom @ value)

    def end(side: int, sign: int) -> float:
        def reach(step: float) -> float:
            weights = top - (ratio + sign * step) * bottom
            return sign * sampling_model.mover(weights[None], value, low, high)[side][0]

        if not np.isfinite(reach(0.0)):
            return np.nan
        step = max(abs(ratio), 1.0) * 1e-3
        while reach(step) > 0:
            step *= 2
            if step > 1e9 * max(abs(ratio), 1.0):
                return sign * np.inf
        return float(ratio + sign * optimize.brentq(reach, 0.0, step, xtol=1e-14, rtol=1e-14))

    return end(0, -1), end(1, 1)
