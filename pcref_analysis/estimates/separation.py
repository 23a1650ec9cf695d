"""One-sided bounds for a group without events, where no finite coefficient exists."""

from __future__ import annotations

import numpy as np

from pcref_analysis.estimates.clustered import Model, predicted


def bound(model: Model, exposure: str, level: object, confidence: float) -> tuple[float, float]:
    """Return limits ``(lower, upper)`` for the ratio of a group with no events (or, logistic, with nothing else).

    With ``E`` events expected at the comparator's rates, known up to a gamma distribution whose squared coefficient
    of variation ``v`` is the variance of ``log E``, the chance of seeing none at ratio ``R`` is
    ``(1 + R E v / phi)^(-1/v)``; the upper limit makes it ``1 - confidence``. Crude, without repeats and with the
    model's own variance this is the exact conditional (binomial) limit; with a known ``E`` it is
    ``-log(1 - confidence) / E``. ``phi``, events_sq over events, widens it where people repeat.
    """
    d = model.design
    rows = (d.frame[exposure] == level).to_numpy()
    x = d.at(exposure, None, rows)
    mean = np.nan_to_num(predicted(d, model.beta, model.family, x))
    t = d.frame.loc[rows, "t"].to_numpy(float)
    expected = float((t * mean).sum())
    if expected <= 0 or d.frame["is_mean"].any():
        return np.nan, np.nan
    gradient = (t * mean) @ x / expected
    v = max(float(gradient @ model.covariance @ gradient), 1e-12)
    phi = max(float(d.frame["yy"].sum() / d.frame["y"].sum()), 1.0)
    needed = phi * np.expm1(-v * np.log(1 - confidence)) / v
    if model.family != "logistic":
        return 0.0, float(needed / expected)
    odds = mean / (1 - mean)
    if d.frame.loc[rows, "y"].sum() <= 0:
        return 0.0, _solve(t, odds, needed)
    return 1 / _solve(t, 1 / odds[odds > 0], needed), np.nan


def _solve(t: np.ndarray, odds: np.ndarray, needed: float) -> float:
    """Return the odds ratio at which ``sum of t log(1 + ratio odds)`` equals ``needed``."""
    from scipy.optimize import brentq

    def gap(log_ratio: float) -> float:
        return float((t * np.log1p(np.exp(log_ratio) * odds)).sum() - needed)

    start = np.log(needed / (t * odds).sum())
    high = start + 1
    while gap(high) < 0:
        high += 5
    return float(np.exp(brentq(gap, start - 1e-6, high, xtol=1e-12)))
