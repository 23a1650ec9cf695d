"""Ratio and difference of two uncertain figures, from their limits or their variances.

A side that is missing gives a missing answer; callers silence NumPy and say why in a note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from pcref_analysis.estimates import intervals

Sums = dict[str, np.ndarray]  # events, at_risk, variance, sizes: a row a group, a column a stratum
Figures = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Side:
    """A weighted sum of events a group, with its limits and variance and the events it rests on."""

    figure: np.ndarray
    variance: np.ndarray
    events: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def weighted(sums: Sums, share: np.ndarray, shares: bool, level: float | Sequence[float]) -> Side:
    """Return the sum over strata of ``share * events``.

    Limits are Dobson's; with ``shares`` (each at risk counts once) Wilson's on the effective number at risk.
    """

    def summed(values: np.ndarray) -> np.ndarray:
        return np.where(share > 0, values, 0.0).sum(axis=1)

    with np.errstate(divide="ignore", invalid="ignore"):
        figure, spread = summed(share * sums["events"]), summed(share**2 * sums["variance"])
        events = summed(sums["events"])
        if shares:
            most = summed(share * sums["at_risk"])
            part = figure / most
            whole = most**2 / summed(share**2 * sums["sizes"])
            size = np.where((part > 0) & (part < 1), part * (1 - part) * most**2 / spread, whole)
            lower, upper = (_times(limit, most) for limit in intervals.wilson(part * size, size, level))
        else:
            lower, upper = intervals.dobson(figure, spread, events, level)
            least = _times(intervals.exact_poisson(np.zeros(len(figure)), level)[1], share.max(axis=1, initial=0))
            none = _like(events == 0, upper)
            lower, upper = np.where(none, 0.0, lower), np.where(none, least, upper)
    return Side(figure, spread, events, lower, upper)


def difference(one: Side, two: Side, covariance: np.ndarray) -> Figures:
    """Return ``one - two``, its limits joined from those of the sides (MOVER).

    References
    ----------
    Zou GY, Donner A. Statistics in Medicine 2008;27:1693-1702; where the sides depend on each other, Zou GY.
    Statistics in Medicine 2008;27:4911-4929.
    """
    gap = one.figure - two.figure
    a, b, r, g = _reaches(one, two, covariance, gap)
    low = np.sqrt(np.maximum(a[0] ** 2 - 2 * r * a[0] * b[1] + b[1] ** 2, 0))
    high = np.sqrt(np.maximum(a[1] ** 2 - 2 * r * a[1] * b[0] + b[0] ** 2, 0))
    return gap, g - low, g + high


def ratio(one: Side, two: Side, covariance: np.ndarray, level: float | Sequence[float], method: str) -> Figures:
    """Return ``one / two`` with limits: ``mover`` joins the limits of the sides, else the log ratio is normal.

    References
    ----------
    Donner A, Zou GY. Statistical Methods in Medical Research 2012;21:347-359.
    """
    value = one.figure / two.figure
    if method != "mover":
        spread = one.variance / one.figure**2 + two.variance / two.figure**2
        spread = spread - 2 * covariance / (one.figure * two.figure)
        factor = np.exp(_normal(level) * _like(np.sqrt(np.maximum(spread, 0)), one.lower))
        return value, _like(value, factor) / factor, _like(value, factor) * factor
    a, b, r, _ = _reaches(one, two, covariance, value)
    x, y = _like(one.figure, one.lower), _like(two.figure, two.lower)
    # the ratio R at which the MOVER limits of one - R * two touch zero: a quadratic for each limit
    c, d, e = x**2 - a[0] ** 2, x * y - r * a[0] * b[1], y**2 - b[1] ** 2
    lower = c / (d + np.sqrt(np.maximum(d**2 - c * e, 0)))
    c, d, e = x**2 - a[1] ** 2, x * y - r * a[1] * b[0], y**2 - b[0] ** 2
    upper = (d + np.sqrt(np.maximum(d**2 - c * e, 0))) / e
    return value, np.where(x == 0, 0.0, np.maximum(lower, 0)), np.where(e > 0, upper, np.nan)


def _reaches(
    one: Side, two: Side, covariance: np.ndarray, gap: np.ndarray
) -> tuple[Figures, Figures, np.ndarray, np.ndarray]:
    """Return how far each side's limits lie below and above it, the correlation, and the gap in their shape."""
    a, b = ((_like(s.figure, s.lower) - s.lower, s.upper - _like(s.figure, s.lower)) for s in (one, two))
    r = np.where(covariance > 0, covariance / np.sqrt(one.variance * two.variance), 0.0)
    return a, b, _like(np.clip(r, 0, 1), one.lower), _like(gap, one.lower)


def _normal(level: float | Sequence[float]) -> np.ndarray:
    return -ndtri((1 - np.asarray(level, float)) / 2)


def _like(values: np.ndarray, limits: np.ndarray) -> np.ndarray:
    return values if limits.ndim == 1 else values[:, np.newaxis]


def _times(limits: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return limits * _like(scale, limits)
