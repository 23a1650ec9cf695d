"""Rows of the estimates shape for regression results: intervals, refusals and cautions in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pcref_analysis.estimates.intervals import EXACT_BELOW
from pcref_analysis.estimates.regression.glm import LEAST, Model, person_squares, predicted
from pcref_analysis.estimates.regression.model_data import Options, Problem
from pcref_analysis.vocabulary import notes

FEW = EXACT_BELOW
FIGURES = ("estimate", "lower", "upper")
ONE_SIDED = ("no_events", "all_events")  # kinds of notes


def totals(own: pd.DataFrame) -> dict[str, Any]:
    """Return the sums of a group's strata, which :func:`refusal` and :func:`cautions` look at."""
    sums = {name: own[name].sum(skipna=name != "count") for name in ("y", "t", "yy", "count")}
    return sums | {"is_mean": bool(own["is_mean"].any())}


def row_of(p: Problem, exposure: str, group: object, sums: dict[str, Any]) -> dict[str, Any]:
    """Return the row that a group's result starts from: keys, counts, no figure yet."""
    row = {"indicator": p.indicator, "period": p.period, exposure: group}
    row |= {"events": sums["count"], "at_risk": sums["t"]}
    return row | dict.fromkeys(FIGURES, np.nan)


def refusal(p: Problem, sums: dict[str, Any], model: Model | None) -> str:
    """Return the kind of note that says why a group gets no figure; empty where it gets one."""
    if p.refused:
        return p.refused
    if not sums["t"] > 0:
        return "nobody"
    if model is None:
        return "no_comparator"
    if sums["y"] <= 0:
        return "no_events"
    if model.family == "logistic" and np.isclose(sums["y"], sums["t"]):
        return "all_events"
    return ""


def cautions(sums: dict[str, Any], model: Model) -> list[str]:
    """Say what makes a figure that is given weak."""
    mean, y = sums["is_mean"], sums["y"]
    words = []
    if (sums["t"] if mean else y) < FEW:
        words.append(notes.say("few", number=FEW, what="observations" if mean else "events"))
    elif y**2 < FEW * sums["yy"]:
        words.append(notes.say("few_people", number=FEW))
    if model.family == "negbin" and model.alpha == 0:
        words.append(notes.say("as_poisson"))
    return words + ([] if model.converged else [notes.say("unsettled")])


def limits(log_ratio: float, spread: tuple[float, float], level: float) -> np.ndarray:
    """Return a ratio and its limits from the standard error and degrees of freedom (infinite: normal) of its log."""
    from scipy.special import ndtri, stdtrit

    error, df = spread
    quantile = ndtri(0.5 + level / 2) if np.isinf(df) else stdtrit(df, 0.5 + level / 2)
    return np.exp([log_ratio, log_ratio - quantile * error, log_ratio + quantile * error])


def figures(model: Model, log_ratio: float, gradient: np.ndarray, ask: Options) -> dict[str, float]:
    """Return a ratio and its limits by name, from its logarithm and the derivative of that in the coefficients."""
    return dict(zip(FIGURES, limits(log_ratio, spread(model, gradient, ask.interval), ask.level), strict=True))


def finished(rows: list[dict[str, Any]], ask: Options, more: list[str], **same: object) -> pd.DataFrame:
    """Return rows as a frame with the columns of the estimates shape, and ``more``."""
    columns = ["indicator", "period", ask.exposure, "comparator", "adjustment", "measure", *FIGURES]
    columns += ["level", "events", "at_risk", "note", *more]
    same |= {"comparator": ask.comparator, "measure": ask.measure, "level": ask.level}
    return pd.DataFrame(rows).assign(**same).reindex(columns=columns) if rows else pd.DataFrame(columns=columns)


def spread(model: Model, gradient: np.ndarray, interval: str = "t") -> tuple[float, float]:
    """Return the standard error of a function of the coefficients and its degrees of freedom.

    ``gradient``: its derivative in the coefficients. The degrees of freedom are infinite for ``interval="normal"``
    and for model-based covariances; see :func:`degrees_of_freedom`.
    """
    variance = gradient @ model.covariance @ gradient
    error = float(np.sqrt(variance)) if variance > LEAST * (gradient @ model.bread @ gradient) else np.nan
    if interval != "t" or not model.robust:
        return error, np.inf
    pull = _pull(model, gradient)
    return error, degrees_of_freedom(model, pull**2 * model.squares)


def spread_between(before: Model, g: np.ndarray, after: Model, h: np.ndarray, interval: str) -> tuple[float, float]:
    """Return the same for the difference of two functions, of two fits to the same strata (and so the same people)."""
    old, new = _pull(before, g), _pull(after, h)
    both = person_squares(before.design.frame, before.mean, after.mean, after.family)
    parts = np.clip(old**2 * before.squares + new**2 * after.squares - 2 * old * new * both, 0, None)
    return float(np.sqrt(parts.sum())), degrees_of_freedom(after, parts) if interval == "t" else np.inf


def degrees_of_freedom(model: Model, parts: np.ndarray) -> float:
    """Return Satterthwaite's degrees of freedom of a clustered variance that is the sum of ``parts`` over strata.

    For independent people they are ``2 (sum e^2)^2 / sum e^4`` with ``e`` a person's part in the error. Cells hold no
    fourth powers; taking the people of a stratum who carry its events as alike, their number ``n = y^2 / yy`` gives
    ``sum e^4 = sum of part^2 / n``. So a group whose events come from 20 people gets about 40 degrees of freedom.
    """
    people = model.design.carriers
    used = parts > 0
    total = float(parts[used].sum())
    return max(2 * total**2 / float((parts[used] ** 2 / people[used]).sum()), 1.0) if total > 0 else np.nan


def _pull(model: Model, gradient: np.ndarray) -> np.ndarray:
    """Return by how much a residual of one in each stratum moves the function."""
    return model.design.x @ (model.bread @ gradient) * model.factor


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
