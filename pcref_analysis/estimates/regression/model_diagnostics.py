"""What a fit says about itself, in words: for the analyst and the reviewer, not for publication."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pcref_analysis.estimates.entry import checked
from pcref_analysis.estimates.regression import model_data
from pcref_analysis.estimates.regression.glm import Model, fit_design, fitted, residual_squares, root
from pcref_analysis.estimates.regression.model_data import Options, Problem
from pcref_analysis.estimates.regression.results import FEW
from pcref_analysis.vocabulary import notes

COLUMNS = ["indicator", "period", "adjustment", "check", "value", "concern", "words"]
Finding = tuple[str, float, str, str]


@checked
def diagnostics(
    cells: pd.DataFrame,
    exposure: str = "ethnic_group",
    comparator: object = "White British",
    adjust: list[str] | tuple[str, ...] = ("age_band", "sex"),
    family: str = "poisson",
    *,
    outcome: str = "auto",
    unknown_exposure: str = "keep",
    unknown_adjust: str = "exclude",
) -> pd.DataFrame:
    """Return what could be wrong with the fit behind :func:`adjusted`, one row a check.

    Parameters
    ----------
    cells, exposure, comparator, adjust, family, outcome, unknown_exposure, unknown_adjust
        As in :func:`pcref_analysis.estimates.regression.adjusted_ratios.adjusted`; ``comparator`` is a level of the
        exposure.

    Returns
    -------
    pandas.DataFrame
        ``indicator, period, adjustment, check, value, concern, words``; ``concern`` is ``none``, ``look`` or
        ``serious``. Checks: ``fit``, ``left_out``, ``no_events``, ``few_events``, ``cannot_tell``, ``repeats`` (how
        much wider the intervals are because people repeat), ``few_people`` (events that come from few people: one of
        them can move a ratio), ``dispersion`` (Pearson, between strata), ``fit_of_strata`` (residuals beyond what
        repeats can do: an interaction may be missing), ``influence`` (the stratum that moves a ratio most),
        ``residual``. It holds exact counts and names strata: it must not leave the Trust.

    Examples
    --------
    >>> import pandas as pd
    >>> cells = pd.DataFrame({
    ...     "indicator": "detentions", "period": "2023-24", "ethnic_group": ["White British"] * 2 + ["Indian"] * 2,
    ...     "sex": ["Female", "Male"] * 2, "events": [40, 60, 8, 0], "at_risk": [40_000, 40_000, 10_000, 2_500]})
    >>> out = diagnostics(cells, adjust=["sex"]).set_index("check")
    >>> out.loc["few_events", "words"]
    'Fewer than 10 events, so intervals are only approximate: Indian.'

    References
    ----------
    Rao JNK, Scott AJ. Ann Stat 1984;12:46-60 (a chi-squared divided by the effect of clustering). Pregibon D. Ann
    Stat 1981;9:705-724 (one-step influence). Kish L. Survey Sampling. 1965 (effective number).
    """
    ask = Options(exposure, comparator, family, outcome, unknown_exposure, unknown_adjust)
    ask.check(cells, pooled=False)
    rows: list[dict[str, Any]] = []
    for p in model_data.problems(cells, list(adjust), ask):
        base = {"indicator": p.indicator, "period": p.period, "adjustment": model_data.adjustment_name(list(adjust))}
        model = fitted(p, list(adjust), ask)
        if model is None:
            words = (
                notes.say(p.refused)
                if p.refused
                else f"No fit: the comparator ({comparator}) has no events or no one at risk."
            )
            found: list[Finding] = [("fit", np.nan, "serious", words)]
        else:
            found = [*_data(p, exposure), *_fit(model), *_people(model, exposure), *_strata(model, exposure)]
        rows += [base | dict(zip(COLUMNS[3:], finding, strict=True)) for finding in found]
    return pd.DataFrame(rows, columns=COLUMNS)


def _names(levels: Any) -> str:
    return ", ".join(map(str, levels))


def _concern(value: float, look: float, serious: float) -> str:
    return "serious" if value >= serious else "look" if value >= look else "none"


def _data(p: Problem, exposure: str) -> list[Finding]:
    events = p.frame.groupby(exposure)["y"].sum()
    none, few = [*events.index[events <= 0], *p.empty], events.index[(events > 0) & (events < FEW)]
    share = p.left_out / (p.left_out + events.sum()) if p.left_out else 0.0
    said = _names(p.notes) or "nothing"
    return [
        ("left_out", p.left_out, _concern(share, 0.05, 0.2), f"{100 * share:.1f}% of events left out. Noted: {said}."),
        (
            "no_events",
            float(len(none)),
            "look" if none else "none",
            f"Without events or without anyone at risk, so without a ratio: {_names(none) or 'no group'}.",
        ),
        (
            "few_events",
            float(len(few)),
            "look" if len(few) else "none",
            f"Fewer than {FEW} events, so intervals are only approximate: {_names(few) or 'no group'}.",
        ),
    ]


def _fit(model: Model) -> list[Finding]:
    d = model.design
    untold = [name for name, free in zip(d.names, d.free, strict=True) if not free]
    idle = float(d.frame.loc[~d.fitted, "t"].sum() / d.frame["t"].sum())
    words = "The fit settled." if model.converged else "The fit did not settle: do not use it."
    told = f"Terms without a finite value of their own: {_names(untold)}." if untold else "Every term can be told."
    if idle:
        told += f" Strata with {100 * idle:.1f}% of those at risk say nothing about the ratios (no events in them)."
    return [
        ("fit", float(model.converged), "none" if model.converged else "serious", words),
        ("cannot_tell", float(len(untold)), "look" if untold else "none", told),
    ]


def _exposed(model: Model, exposure: str) -> np.ndarray:
    d = model.design
    return np.array([name.startswith(f"{exposure}: ") for name in d.names]) & d.free


def _people(model: Model, exposure: str) -> list[Finding]:
    d, exposed = model.design, _exposed(model, exposure)
    plain = fit_design(d, model.family, robust=False)
    ratio = root(np.diag(model.covariance)[exposed] / np.diag(plain.covariance)[exposed])
    most = float(ratio.max(initial=1.0))
    sums = d.frame.groupby(exposure)[["y", "yy"]].sum()
    sums = sums[sums["y"] > 0]
    effective = sums["y"] ** 2 / sums["yy"]
    few = effective.index[effective < FEW]
    return [
        (
            "repeats",
            most,
            _concern(most, 1.1, 3.0),
            f"Allowing for people who count more than once makes intervals up to {100 * (most - 1):.0f}% wider.",
        ),
        (
            "few_people",
            float(effective.min()),
            "look" if len(few) else "none",
            f"What was counted comes from the equivalent of fewer than {FEW} people, so one person can move the ratio: "
            f"{_names(few) or 'no group'}.",
        ),
    ]


def _strata(model: Model, exposure: str) -> list[Finding]:
    from scipy.stats import chi2

    d, mean = model.design, model.mean
    used = d.frame[d.fitted]
    y, t, m = used["y"].to_numpy(float), used["t"].to_numpy(float), mean[d.fitted]
    residual, squares = y - m * t, residual_squares(used, m, m)
    variance = m * t * (1 - m) if model.family == "logistic" else m**2 * t if model.family == "gamma" else m * t
    df, clustering = len(used) - int(d.free.sum()), float(squares.sum() / variance.sum())
    if df <= 0:
        return [("dispersion", np.nan, "none", "As many terms as strata: nothing left over to check the fit with.")]
    chi = float((residual**2 / variance).sum())
    p_value = float(chi2.sf(chi / max(clustering, 1e-12), df))
    scaled = np.abs(residual) / np.sqrt(variance * clustering)
    move, name, where = _influence(model, exposure, residual)
    keys = [exposure, *[term.column for term in d.terms[1:]]]
    return [
        (
            "dispersion",
            chi / df,
            _concern(chi / df / max(clustering, 1.0), 1.5, 5.0),
            f"Strata vary {chi / df:.2f} times as much as the family expects; the person-clustered intervals allow for "
            f"{clustering:.2f}.",
        ),
        (
            "fit_of_strata",
            p_value,
            "look" if p_value < 0.01 else "none",
            "Strata differ from the fit by more than chance and repeats would give: the gap may differ by "
            "age, sex or deprivation (see interaction)."
            if p_value < 0.01
            else "Strata differ from the fit by no more than chance and repeats would give.",
        ),
        (
            "residual",
            float(scaled.max()),
            _concern(float(scaled.max()), 4.0, np.inf),
            f"The stratum furthest from the fit ({_names(used[keys].iloc[int(scaled.argmax())])}) "
            f"is {scaled.max():.1f} standard deviations away.",
        ),
        (
            "influence",
            move,
            _concern(move, 1.0, 2.0),
            f"Leaving out one stratum ({_names(used[keys].iloc[where])}) would move the log ratio of {name} by about "
            f"{move:.2f} standard errors, the most of any."
            if name
            else "No ratio to move.",
        ),
    ]


def _influence(model: Model, exposure: str, residual: np.ndarray) -> tuple[float, str, int]:
    """Return the largest one-step change, in standard errors, that leaving out a stratum makes in a group's ratio."""
    d, exposed = model.design, _exposed(model, exposure)
    if not exposed.any():
        return 0.0, "", 0
    x, factor = d.x[d.fitted], model.factor[d.fitted]
    curve = d.frame.loc[d.fitted, "t"].to_numpy(float) * model.mean[d.fitted] * factor
    curve = curve * (1 - model.mean[d.fitted]) if model.family == "logistic" else curve
    leverage = np.einsum("ij,jk,ik->i", x, model.bread, x) * curve
    step = (x @ model.bread)[:, exposed] * (factor * residual / np.clip(1 - leverage, 1e-6, None))[:, None]
    step = np.abs(step) / root(np.diag(model.covariance)[exposed])
    step[leverage > 1 - 1e-6] = 0  # a stratum that alone tells a term: leaving it out removes the term
    where, which = np.unravel_index(int(step.argmax()), step.shape)
    name = np.array(d.names)[exposed][which].removeprefix(f"{exposure}: ")
    return float(step.max()), name, int(where)
