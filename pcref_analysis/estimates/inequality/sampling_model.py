"""How far an estimate could have varied: effective counts, limits at any level, draws.

The measures of inequality and of the gradient take estimates (a figure with an interval), not counts.
This module turns each back into the few numbers a sampling model needs: a rate becomes ``count`` effective events of
size ``step`` (Fay and Feuer's moment matching: variance = step x estimate), a percentage becomes an effective number
of people, a mean becomes a standard error.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from pcref_analysis.estimates import intervals

KINDS = ("rate", "percent", "mean")


def std_error(estimates: pd.DataFrame, kind: str) -> pd.Series:
    """Return the standard error behind each estimate: the column ``std_error`` where given, else from the interval.

    Parameters
    ----------
    estimates
        ``estimate, lower, upper, level`` and, where known, ``events`` and ``at_risk``.
    kind
        ``rate``: the interval is read as Dobson's (limits of the count, exact below ten events and Byar's from ten,
        scaled to the rate), so that a crude rate gives back ``sqrt(events)/at_risk`` and a directly standardised one
        the square root of its variance. ``percent``: read as Wilson's, 0 to 100. ``mean``: read as Student's t
        (normal without ``at_risk``).

    Returns
    -------
    pandas.Series
        Standard errors in the unit of the estimate; 0 where a rate or percentage is 0; missing without an interval.

    References
    ----------
    Dobson AJ, Kuulasmaa K, Eberle E, Scherer J. Confidence intervals for weighted sums of Poisson parameters.
    Statistics in Medicine 1991;10:457-62. Wilson EB. JASA 1927;22:209-12.
    """
    frame = estimates
    given = frame["std_error"] if "std_error" in frame else pd.Series(np.nan, frame.index)
    width = (frame["upper"] - frame["lower"]).astype(float)
    z = stats.norm.ppf((1 + frame["level"].astype(float)) / 2)
    if kind == "rate":
        spread, reach = 2 * z, width
        if "events" in frame:  # the upper limit alone: a lower one may have been cut off at zero
            count = frame["events"].to_numpy(float)
            some = count > 0
            spread = np.where(some, (_upper(count, frame["level"]) - count) / np.sqrt(np.where(some, count, 1)), spread)
            reach = width.where(~some, frame["upper"] - frame["estimate"])
        error = (reach / spread).where(frame["estimate"] > 0, 0.0)
    elif kind == "percent":
        share = frame["estimate"] / 100
        error = 100 * np.sqrt(share * (1 - share) / _wilson_size(share, width / 100, z))
    else:
        freedom = frame["at_risk"].astype(float) - 1 if "at_risk" in frame else pd.Series(np.inf, frame.index)
        t = stats.t.ppf((1 + frame["level"].astype(float)) / 2, freedom.where(freedom >= 1))
        error = width / (2 * np.where(np.isfinite(t), t, z))
    return given.where(given.notna(), error).where(width.notna() | given.notna()).astype(float)


def effective(estimates: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return per estimate ``estimate, std_error, step, size``: a sampling model that any level and draw follows from.

    ``step`` is the value of one effective event, ``size`` the effective number of people (infinite for a rate). A
    rate of zero keeps a step: its upper limit divided by the upper limit of a count of zero.
    """
    value = estimates["estimate"].astype(float)
    error = std_error(estimates, kind)
    out = pd.DataFrame({"estimate": value, "std_error": error, "step": np.nan, "size": np.inf}, index=estimates.index)
    if kind == "rate":
        none = estimates["upper"] / -np.log((1 - estimates["level"].astype(float)) / 2)
        out["step"] = (error**2 / value.where(value > 0)).where(value > 0, none)
    elif kind == "percent":
        z = stats.norm.ppf((1 + estimates["level"].astype(float)) / 2)
        width = (estimates["upper"] - estimates["lower"]) / 100
        wilson = _wilson_size(value / 100, width, z)
        inner = (value > 0) & (value < 100)
        out["size"] = (value * (100 - value) / error.where(error > 0) ** 2).where(inner, wilson)
        out["step"] = 100 / out["size"]
    return out


def limits(groups: pd.DataFrame, kind: str, z: float) -> tuple[np.ndarray, np.ndarray]:
    """Return each group's own lower and upper limit at ``z`` standard deviations (1.96 for 95%).

    Exact Poisson limits of the effective count for a rate, Clopper and Pearson's for a percentage, normal for a mean.
    """
    value = groups["estimate"].to_numpy(float)
    if kind == "mean":
        reach = z * groups["std_error"].to_numpy(float)
        return value - reach, value + reach
    tail, step, size = stats.norm.sf(z), groups["step"].to_numpy(float), groups["size"].to_numpy(float)
    count = value / step
    if kind == "rate":
        return step * _gamma(tail, count), step * stats.gamma.isf(tail, count + 1)
    some, short = np.maximum(count, 1e-12), np.maximum(size - count, 1e-12)
    low = np.where(count > 1e-9, stats.beta.ppf(tail, some, short + 1), 0.0)
    high = np.where(size - count > 1e-9, stats.beta.isf(tail, some + 1, short), 1.0)
    return 100 * low, 100 * high


def draw(truth: np.ndarray, groups: pd.DataFrame, kind: str, normals: np.ndarray) -> np.ndarray:
    """Return estimates as they could have come out if ``truth`` held, one row per row of standard ``normals``.

    Counts follow the Poisson (rate) or binomial (percent) distribution through its Cornish-Fisher expansion to the
    skewness, rounded to whole effective events: the same normals give draws that move smoothly with the truth.
    """
    if kind == "mean":
        return truth + groups["std_error"].to_numpy(float) * normals
    step, size = groups["step"].to_numpy(float), groups["size"].to_numpy(float)
    mean = truth / step
    share = mean / size
    spread = np.sqrt(mean * np.clip(1 - share, 0, 1))
    count = mean + spread * normals + (1 - 2 * share) * (normals**2 - 1) / 6
    return step * np.clip(np.round(count), 0, size)


def normals(rows: int, columns: int, seed: int) -> np.ndarray:
    """Return standard normal numbers, evenly spread over their space (scrambled Sobol points)."""
    points = stats.qmc.Sobol(columns, seed=seed).random(rows)
    return stats.norm.ppf(np.clip(points, 1e-9, 1 - 1e-9))


def _upper(count: np.ndarray, level: pd.Series) -> np.ndarray:
    """Return the upper limit of a count that the upper limit of a rate was scaled from."""
    out = np.full(len(count), np.nan)
    for one in level.dropna().unique():
        rows = (level == one).to_numpy()
        out[rows] = intervals.count(count[rows], float(one))[1]
    return out


def _gamma(tail: np.ndarray | float, count: np.ndarray) -> np.ndarray:
    return np.where(count > 1e-9, stats.gamma.ppf(tail, np.maximum(count, 1e-12)), 0.0)


def _wilson_size(share: pd.Series, width: pd.Series, z: np.ndarray) -> pd.Series:
    """Solve Wilson's interval for the number of people: a quadratic in z squared over n."""
    square, product = width**2, share * (1 - share)
    half = 2 * product - square
    return z**2 * (1 - square) / (np.sqrt(half**2 + (1 - square) * square) - half)


def mover(weights: np.ndarray, value: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the limits of weighted sums of independent estimates, one per row of ``weights``, from their own limits.

    References
    ----------
    Zou GY, Donner A. Construction of confidence limits about effect measures: a general approach. Statistics in
    Medicine 2008;27:1693-702 (method of variance estimates recovery).
    """
    centre = weights @ value
    plus, minus = np.clip(weights, 0, None), np.clip(-weights, 0, None)
    below, above = (value - low) ** 2, (high - value) ** 2
    down = np.sqrt(plus**2 @ below + minus**2 @ above)
    up = np.sqrt(plus**2 @ above + minus**2 @ below)
    return centre - down, centre + up


def mover_ratio(top, top_low, top_high, bottom, bottom_low, bottom_high) -> tuple[np.ndarray, np.ndarray]:
    """Return the limits of ``top / bottom`` for independent non-negative estimates, from their own limits.

    The upper limit is infinite where the lower limit of ``bottom`` is zero or less.

    References
    ----------
    Donner A, Zou GY. Closed-form confidence intervals for functions of the normal mean and standard deviation.
    Statistical Methods in Medical Research 2012;21:347-59 (ratio of two estimates).
    """
    product = top * bottom
    with np.errstate(divide="ignore", invalid="ignore"):
        under = np.clip(product**2 - top_low * (2 * top - top_low) * bottom_high * (2 * bottom - bottom_high), 0, None)
        over = np.clip(product**2 - top_high * (2 * top - top_high) * bottom_low * (2 * bottom - bottom_low), 0, None)
        # the two forms of the quadratic's root: this one stays finite where bottom_high is twice bottom
        low = top_low * (2 * top - top_low) / (product + np.sqrt(under))
        high = (product + np.sqrt(over)) / (bottom_low * (2 * bottom - bottom_low))
    return np.maximum(np.nan_to_num(low, nan=0.0), 0.0), np.where(bottom_low > 0, high, np.inf)
