"""Effects of several areas summarised as draws from one distribution: their mean, and how much areas truly differ."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

FEWEST = 5  # areas that a spread is estimated from


class RandomEffects(NamedTuple):
    """Mean of the areas' effects, its standard error, the spread between areas (tau) and how many there are."""

    mean: float
    se: float
    tau: float
    areas: int


def dersimonian_laird(effects: np.ndarray, variances: np.ndarray) -> RandomEffects:
    """Return the random-effects summary of effects, each known with its own variance.

    Parameters
    ----------
    effects
        On a scale where they are about normal: logarithms of ratios.
    variances
        Of chance alone, one an effect.

    Returns
    -------
    RandomEffects
        All missing where fewer than five areas have a figure.

    Examples
    --------
    >>> found = dersimonian_laird(np.log([2.0, 3.0, 2.5, 2.8, 3.2]), np.full(5, 0.01))
    >>> round(float(np.exp(found.mean)), 2), round(found.tau, 2)
    (2.66, 0.16)

    References
    ----------
    DerSimonian R, Laird N (1986). Meta-analysis in clinical trials. Controlled Clinical Trials 7, 177-188.

    Notes
    -----
    Method of moments; with few areas the spread is uncertain, which the standard error does not show. Not for ranking
    areas.
    """
    known = np.isfinite(effects) & np.isfinite(variances) & (variances > 0)
    y, v = np.asarray(effects, float)[known], np.asarray(variances, float)[known]
    if len(y) < FEWEST:
        return RandomEffects(np.nan, np.nan, np.nan, len(y))
    weight = 1 / v
    middle = (weight @ y) / weight.sum()
    excess = weight @ (y - middle) ** 2 - (len(y) - 1)
    tau2 = max(0.0, excess / (weight.sum() - (weight**2).sum() / weight.sum()))
    weight = 1 / (v + tau2)
    return RandomEffects(float((weight @ y) / weight.sum()), float(weight.sum() ** -0.5), float(tau2**0.5), len(y))


def posterior(effect: np.ndarray, se: np.ndarray, mean: np.ndarray, sd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of a true effect, given its estimate and what other areas show (both normal).

    Examples
    --------
    >>> middle, spread = posterior(np.array([0.4]), np.array([0.3]), np.array([1.0]), np.array([0.3]))
    >>> float(middle[0].round(2)), float(spread[0].round(2))
    (0.7, 0.21)

    Notes
    -----
    Assumes that this area is one like the others. Not to be used where its records are in doubt.
    """
    own, prior = np.asarray(se, float) ** -2.0, np.asarray(sd, float) ** -2.0
    return (prior * mean + own * effect) / (prior + own), (prior + own) ** -0.5
