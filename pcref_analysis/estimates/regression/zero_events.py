"""One-sided limits for a group without events (or, of a proportion, with nothing else): no coefficient is finite."""

from __future__ import annotations

import numpy as np

from pcref_analysis.estimates.regression.glm import Model, predicted


def one_sided(model: Model, group: object, confidence: float, rows: np.ndarray | None = None) -> tuple[float, float]:
    """Return limits ``(lower, upper)`` of the ratio (odds ratio, if logistic) of a group against the comparator.

    With ``E`` events expected at the comparator's rates, known up to a gamma distribution whose squared coefficient
    of variation ``v`` is the variance of ``log E``, the chance of seeing none at ratio ``R`` is
    ``(1 + R E v / phi)^(-1/v)``; the upper limit makes it ``1 - confidence``. Crude, without repeats and with the
    model's own variance this is the exact conditional (binomial) limit; for a known ``E`` it is
    ``-log(1 - confidence) / E``. ``phi``, events_sq over events of the whole indicator, widens it where people repeat.
    ``rows`` restricts the limit to part of the group (one stratum of an interaction). Both limits are missing where
    nothing is expected, and for means.
    """
    d = model.design
    rows = (d.frame[d.terms[0].column] == group).to_numpy() if rows is None else rows
    own = d.frame[rows]
    x = d.at(d.terms[0].reference)[rows]
    mean = np.nan_to_num(predicted(d, model.beta, model.family, x), posinf=0.0)
    t = own["t"].to_numpy(float)
    expected = float((t * mean).sum())
    if expected <= 0 or d.frame["is_mean"].any():
        return np.nan, np.nan
    gradient = (t * mean) @ x / expected
    v = max(float(gradient @ model.covariance @ gradient), 1e-12)
    phi = np.fmax(float(d.frame["yy"].sum() / d.frame["y"].sum()), 1.0)
    needed = phi * np.expm1(-v * np.log(1 - confidence)) / v
    if model.family != "logistic":
        return 0.0, float(needed / expected)
    with np.errstate(divide="ignore"):
        odds = mean / (1 - mean)
    if own["y"].sum() <= 0:
        return 0.0, _solve(t, odds, needed)
    return 1 / _solve(t[odds > 0], 1 / odds[odds > 0], needed), np.nan


def _solve(t: np.ndarray, odds: np.ndarray, needed: float) -> float:
    """Return the odds ratio at which ``sum of t log(1 + ratio odds)`` equals ``needed``."""
    from scipy.optimize import brentq

    def gap(log_ratio: float) -> float:
        return float((t * np.log1p(np.exp(log_ratio) * odds)).sum() - needed)

    start = float(np.log(needed / (t * odds).sum()))
    high = start + 1
    while gap(high) < 0 and high < start + 500:
        high += 5
    return float(np.exp(brentq(gap, start - 1e-6, high, xtol=1e-12))) if gap(high) >= 0 else np.nan
