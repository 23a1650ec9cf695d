"""Confidence limits for counts, proportions, standardised rates and means.

Every function takes numbers or arrays and returns ``(lower, upper)``. ``level`` is a number, or a
list of levels: then the answers gain a last axis, one place a level. An impossible input (a negative
count, more events than at risk) answers with missing limits, never with an error. Limits describe
chance alone: they say nothing of who was not recorded or of why groups differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import betaincinv, gammainccinv, gammaincinv, ndtri, stdtrit

from pcref_analysis.vocabulary.errors import PcrefError

Limits = tuple[np.ndarray, np.ndarray]
EXACT_BELOW = 10  # events: exact limits below, Byar's from here up


def byar(events: Any, level: float | Sequence[float] = 0.95) -> Limits:
    """Limits of a Poisson count by Byar's approximation, close to exact from ten events up.

    References
    ----------
    Breslow NE, Day NE. Statistical methods in cancer research, volume II. IARC 1987, p. 69.
    """
    alpha, count = _counts(level, events)
    z = -ndtri(alpha / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        lower = count * (1 - 1 / (9 * count) - z / (3 * np.sqrt(count))) ** 3
    upper = (count + 1) * (1 - 1 / (9 * (count + 1)) + z / (3 * np.sqrt(count + 1))) ** 3
    return np.where(count == 0, 0.0, np.maximum(lower, 0.0)), upper


def exact_poisson(events: Any, level: float | Sequence[float] = 0.95) -> Limits:
    """Exact limits of a Poisson count (Garwood); they cover at least as often as they say.

    References
    ----------
    Garwood F. Biometrika 1936;28:437-442.
    """
    alpha, count = _counts(level, events)
    return np.where(count == 0, 0.0, gammaincinv(count, alpha / 2)), gammainccinv(count + 1, alpha / 2)


def count(events: Any, level: float | Sequence[float] = 0.95, variance: Any = None) -> Limits:
    """Limits of a count: exact below ten events, Byar's from ten up.

    With ``variance`` (people who count more than once) the limits are stretched about the count by
    ``sqrt(variance / events)``, which is Dobson's method for one stratum.
    """
    _, value = _shaped(level, events)
    low, high = (np.atleast_1d(limit) for limit in byar(events, level))
    few = np.atleast_1d(np.asarray(events, float)) < EXACT_BELOW
    low[few], high[few] = exact_poisson(np.atleast_1d(events)[few], level)
    shape = np.broadcast_shapes(value.shape, np.shape(level))
    low, high = low.reshape(shape), high.reshape(shape)
    if variance is None:
        return low, high
    _, spread = _shaped(level, variance)
    scale = np.sqrt(np.where(value > 0, spread / np.where(value > 0, value, 1.0), 1.0))
    return np.maximum(value + scale * (low - value), 0.0), value + scale * (high - value)


def dobson(estimate: Any, variance: Any, events: Any, level: float | Sequence[float] = 0.95) -> Limits:
    """Limits of a weighted sum of Poisson counts, such as a directly standardised rate.

    Scales the limits of the total count: ``estimate + sqrt(variance / events) * (limit - events)``.

    References
    ----------
    Dobson AJ, Kuulasmaa K, Eberle E, Scherer J. Statistics in Medicine 1991;10:457-462.
    """
    _, rate, spread, total = _shaped(level, estimate, variance, events)
    low, high = count(events, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.sqrt(spread / total)
        return np.maximum(rate + scale * (low - total), 0.0), rate + scale * (high - total)


def gamma(
    estimate: Any, variance: Any, weight: Any, level: float | Sequence[float] = 0.95, weight_sq: Any = None
) -> Limits:
    """Limits of a weighted sum of Poisson counts by the gamma distribution.

    Parameters
    ----------
    estimate, variance
        The sums of ``w * events`` and ``w**2 * events`` over strata.
    weight
        The largest ``w`` (Fay and Feuer: never too narrow), or the mean of ``w`` with ``weight_sq``
        the mean of ``w**2`` (Tiwari and others: closer to the level).

    References
    ----------
    Fay MP, Feuer EJ. Statistics in Medicine 1997;16:791-801.
    Tiwari RC, Clegg LX, Zou Z. Statistical Methods in Medical Research 2006;15:547-569.
    """
    weight_sq = np.square(np.asarray(weight, float)) if weight_sq is None else weight_sq
    alpha, rate, spread, jump, jump_sq = _shaped(level, estimate, variance, weight, weight_sq)
    with np.errstate(divide="ignore", invalid="ignore"):
        lower = np.where(rate == 0, 0.0, spread / rate * gammaincinv(rate**2 / spread, alpha / 2))
        top, wide = rate + jump, spread + jump_sq
        return lower, wide / top * gammainccinv(top**2 / wide, alpha / 2)


def wilson(events: Any, at_risk: Any, level: float | Sequence[float] = 0.95) -> Limits:
    """Limits of a proportion by Wilson's score method.

    References
    ----------
    Wilson EB. J Am Stat Assoc 1927;22:209-212. Newcombe RG, Altman DG. In: Statistics with confidence, 2nd ed. 2000.
    """
    alpha, x, n = _shaped(level, *_possible(events, at_risk))
    z = -ndtri(alpha / 2)
    middle, half = 2 * x + z**2, z * np.sqrt(z**2 + 4 * x * (1 - x / n))
    lower = np.where(x == 0, 0.0, (middle - half) / (2 * (n + z**2)))
    return np.where(np.isnan(x), np.nan, lower), np.where(x == n, 1.0, (middle + half) / (2 * (n + z**2)))


def clopper_pearson(events: Any, at_risk: Any, level: float | Sequence[float] = 0.95) -> Limits:
    """Exact limits of a proportion; they cover at least as often as they say.

    References
    ----------
    Clopper CJ, Pearson ES. Biometrika 1934;26:404-413.
    """
    alpha, x, n = _shaped(level, *_possible(events, at_risk))
    lower = np.where(x == 0, 0.0, betaincinv(x, n - x + 1, alpha / 2))
    upper = np.where(x == n, 1.0, betaincinv(x + 1, n - x, 1 - alpha / 2))
    return np.where(np.isnan(x), np.nan, lower), np.where(np.isnan(x), np.nan, upper)


def student_t(mean: Any, sd: Any, size: Any, level: float | Sequence[float] = 0.95) -> Limits:
    """Limits of a mean by Student's t; missing below two observations.

    References
    ----------
    Altman DG, Machin D, Bryant TN, Gardner MJ. Statistics with confidence, 2nd ed. 2000.
    """
    alpha, centre, spread, n = _shaped(level, mean, sd, size)
    n = np.where(n > 1, n, np.nan)
    half = -stdtrit(n - 1, alpha / 2) * spread / np.sqrt(n)
    return centre - half, centre + half


def _shaped(level: float | Sequence[float], *values: Any) -> list[np.ndarray]:
    """Return alpha and the values as floats that broadcast against each other."""
    alpha = 1 - np.asarray(level, float)
    if alpha.ndim > 1 or not np.all((alpha > 0) & (alpha < 1)):
        raise PcrefError("level: must lie between 0 and 1 (0.95), or be a list of such numbers.")
    arrays = [np.asarray(value, float) for value in values]
    return [alpha, *(array[..., np.newaxis] if alpha.ndim else array for array in arrays)]


def _counts(level: float | Sequence[float], events: Any) -> list[np.ndarray]:
    alpha, count = _shaped(level, events)
    return [alpha, np.where(count < 0, np.nan, count)]


def _possible(events: Any, at_risk: Any) -> Limits:
    x, n = np.broadcast_arrays(np.asarray(events, float), np.asarray(at_risk, float))
    wrong = ~((n > 0) & (x >= 0) & (x <= n))
    return np.where(wrong, np.nan, x), np.where(wrong, np.nan, n)
