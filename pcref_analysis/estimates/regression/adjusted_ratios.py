"""Ratios between ethnic groups adjusted for age, sex and deprivation, exact from cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pcref_analysis.estimates.entry import checked
from pcref_analysis.estimates.regression import model_data, results
from pcref_analysis.estimates.regression.glm import Model, average, fitted
from pcref_analysis.estimates.regression.interactions import interaction
from pcref_analysis.estimates.regression.model_data import Options, Problem
from pcref_analysis.estimates.regression.model_diagnostics import diagnostics
from pcref_analysis.vocabulary import notes
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.ethnicity import WHOLE_POPULATION

__all__ = ["STEPS", "adjusted", "diagnostics", "fit", "interaction", "ladder"]
CHANGE = ["change_from", "change", "change_lower", "change_upper"]
STEPS: dict[str, list[str]] = {
    "crude": [],
    "age_sex": ["age_band", "sex"],
    "age_sex_imd": ["age_band", "sex", "imd_quintile"],
}


@checked
def adjusted(
    cells: pd.DataFrame,
    exposure: str = "ethnic_group",
    comparator: object = "White British",
    adjust: list[str] | tuple[str, ...] = ("age_band", "sex"),
    family: str = "poisson",
    robust: bool = True,
    level: float = 0.95,
    *,
    outcome: str = "auto",
    unknown_exposure: str = "keep",
    unknown_adjust: str = "exclude",
    small_sample: bool = False,
    interval: str = "normal",
) -> pd.DataFrame:
    """Return the ratio of each group against the comparator, for every indicator and period of the cells.

    Exactly what a row-level regression with standard errors clustered by person would give, from cells.

    Parameters
    ----------
    cells
        ``events, at_risk`` and, where a person can count more than once or time at risk varies, ``events_sq,
        events_at_risk, at_risk_sq``: the sums over people of events^2, events x at_risk and at_risk^2. For a mean
        (length of stay) ``total, at_risk, total_sq, total_at_risk, at_risk_sq``, where ``at_risk`` counts
        observations and **total_sq is the sum over people of (their total)^2**, ``total_at_risk`` that of their
        total x number of observations. Residents counted by the census need no person rows: each has
        ``at_risk`` = 1, so ``events_at_risk`` = ``events`` and ``at_risk_sq`` = ``at_risk``, which is also assumed
        where the columns are missing (``note`` says so if it is not certain).
    exposure, comparator
        The column whose levels are compared, and with which: one of its levels, ``"All other groups"`` (known ones,
        a fit for each group) or ``"Whole population"`` (the group's standardised rate against that of everyone).
    adjust
        Any of ``age_band`` (or ``age_spline``: a natural cubic spline of the band's midpoint), ``sex``,
        ``imd_quintile``, ``period``, or other columns of the cells. Without ``period`` each period has its own fit.
    family
        ``poisson``: rate ratio; of proportions, risk ratio (modified Poisson); of totals, ratio of means.
        ``logistic``: odds ratio. ``gamma``: ratio of means. ``quasipoisson`` and ``negbin``: the strata of the cells
        (not people) vary more than Poisson; wanted with ``robust=False``, since with ``robust=True`` quasi-Poisson
        is the same as Poisson.
    robust
        Person-clustered sandwich covariance; otherwise the model's.
    level
        Confidence level.
    outcome
        ``events``, ``total``, or ``auto``: ``total`` where it is not missing.
    unknown_exposure, unknown_adjust
        ``keep`` unknown values as a level of their own, or ``exclude`` them, which ``note`` then says.
    small_sample
        Multiply the covariance by G/(G-1) (n-1)/(n-k); needs ``people`` (and ``rows``, where a person has several).
    interval
        ``t``: Student's t with Satterthwaite's degrees of freedom (about twice the number of people that a group's
        events come from), since clustered errors of few people are too small; ``normal``: 1.96 standard errors, as
        row-level software prints. The standard error is the same, and with many people so is the interval.

    Returns
    -------
    pandas.DataFrame
        The estimates shape; ``measure`` is ``ratio``, or ``odds_ratio`` for ``logistic``. The comparator has no row.
        A group without events has no estimate but a one-sided upper limit at ``level``, and a ``note``.

    Raises
    ------
    PcrefError
        If a column, the comparator or an option is not there, or the cells hold impossible numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> cells = pd.DataFrame({
    ...     "indicator": "detentions", "period": "2023-24", "ethnic_group": ["White British"] * 2 + ["Indian"] * 2,
    ...     "sex": ["Female", "Male"] * 2, "events": [40, 60, 30, 10], "at_risk": [40_000, 40_000, 10_000, 2_500],
    ...     "events_sq": [60, 80, 50, 12]})
    >>> adjusted(cells, adjust=["sex"])[["ethnic_group", "estimate", "lower", "upper"]].round(2).to_dict("records")
    [{'ethnic_group': 'Indian', 'estimate': 2.88, 'lower': 1.82, 'upper': 4.57}]

    References
    ----------
    Liang KY, Zeger SL. Biometrika 1986;73:13-22. Zou G. Am J Epidemiol 2004;159:702-706. Satterthwaite FE. Biometrics
    Bulletin 1946;2:110-114; Bell RM, McCaffrey DF. Survey Methodology 2002;28:169-181 (few clusters). Must not be used
    to say why groups differ, nor for people one by one.
    """
    handling = (outcome, unknown_exposure, unknown_adjust)
    ask = Options(exposure, comparator, family, *handling, robust, small_sample, level, interval)
    return _ratios(cells, ask, {model_data.adjustment_name(list(adjust)): list(adjust)}).drop(columns=CHANGE)


@checked
def ladder(
    cells: pd.DataFrame,
    exposure: str = "ethnic_group",
    comparator: object = "White British",
    steps: dict[str, list[str]] | None = None,
    family: str = "poisson",
    level: float = 0.95,
    *,
    outcome: str = "auto",
    unknown_exposure: str = "keep",
    interval: str = "normal",
) -> pd.DataFrame:
    """Return the crude, age-sex and age-sex-deprivation ratios side by side, with the change between the steps.

    All steps use the same people: cells whose age, sex or deprivation is unknown are left out of every step (and
    counted in ``note``), so that a step changes the adjustment and nothing else. The steps are correlated; the
    interval of their change comes from the joint person-clustered covariance of both fits.

    Parameters
    ----------
    cells, exposure, comparator, family, level, outcome, unknown_exposure, interval
        As in :func:`adjusted`; not ``logistic``, whose odds ratios change between steps of their own accord.
    steps
        Name to adjusting columns, in order; by default crude, age and sex, age and sex and deprivation.

    Returns
    -------
    pandas.DataFrame
        The estimates shape plus ``change_from`` (the step before), ``change`` (this ratio divided by that one; 1 is
        no change), ``change_lower``, ``change_upper``.

    Examples
    --------
    >>> import pandas as pd
    >>> cells = pd.DataFrame({
    ...     "indicator": "detentions", "period": "2023-24", "ethnic_group": ["White British"] * 2 + ["Indian"] * 2,
    ...     "sex": ["Female", "Male"] * 2, "events": [40, 90, 30, 10], "at_risk": [40_000, 40_000, 10_000, 2_500]})
    >>> out = ladder(cells, steps={"crude": [], "sex": ["sex"]})
    >>> out[["adjustment", "estimate", "change", "change_lower", "change_upper"]].round(2).values.tolist()
    [['crude', 1.97, nan, nan, nan], ['sex', 2.46, 1.25, 1.07, 1.46]]

    References
    ----------
    Clogg CC, Petkova E, Haritou A. Am J Sociol 1995;100:1261-1293 (comparing coefficients between models on the
    same data); Zeileis A. J Stat Softw 2006;16(9) (sandwich). A change between steps must not be read as a cause.
    """
    if family == "logistic":
        raise PcrefError(
            "regression: odds ratios change between the steps of a ladder even where the groups' make-up is alike; "
            "use family='poisson', which gives ratios of proportions."
        )
    if not isinstance(steps, dict | None):
        raise PcrefError("regression: steps is a dict, such as {'sex': ['sex']}; pcref.ladder takes names of steps.")
    ask = Options(exposure, comparator, family, outcome, unknown_exposure, level=level, interval=interval)
    return _ratios(cells, ask, STEPS if steps is None else steps)


@checked
def fit(
    cells: pd.DataFrame,
    exposure: str = "ethnic_group",
    comparator: object = "White British",
    adjust: list[str] | tuple[str, ...] = ("age_band", "sex"),
    family: str = "poisson",
    robust: bool = True,
    *,
    outcome: str = "auto",
    unknown_exposure: str = "keep",
    unknown_adjust: str = "exclude",
    small_sample: bool = False,
) -> dict[tuple[object, object], Model]:
    """Return the fitted models by (indicator, period), for the curious.

    ``model.coefficients`` is a frame with the standard errors that the intervals use, ``model.result`` statsmodels'
    own result on the strata (its standard errors are model-based), ``model.design.frame`` the strata. An indicator
    that cannot be fitted is absent. ``comparator`` must be a level of the exposure.
    """
    handling = (outcome, unknown_exposure, unknown_adjust)
    ask = Options(exposure, comparator, family, *handling, robust, small_sample)
    ask.check(cells, pooled=False)
    found = model_data.problems(cells, list(adjust), ask)
    models = {(p.indicator, p.period): fitted(p, list(adjust), ask) for p in found}
    return {key: model for key, model in models.items() if model is not None}


def _ratios(cells: pd.DataFrame, ask: Options, steps: dict[str, list[str]]) -> pd.DataFrame:
    """Return the ratios under each set of adjusters, on the same strata throughout, and the change between them."""
    ask.check(cells)
    finest = list(dict.fromkeys(term for terms in steps.values() for term in terms))
    over, rows = model_data.columns_of(finest), []
    for p in model_data.problems(cells, finest, ask):
        for job, reference, groups in model_data.jobs(p, over, ask):
            models = {name: fitted(job, terms, ask, reference) for name, terms in steps.items()}
            for group in groups:
                rows += _group_rows(job, models, group, ask)
        for group in p.empty:
            rows += _group_rows(p, dict.fromkeys(steps), group, ask)
    return results.finished(rows, ask, CHANGE)


def _group_rows(p: Problem, models: Mapping[str, Any], group: object, ask: Options) -> list[dict[str, Any]]:
    """Return a group's ratio at every step, and its change from the step before."""
    if group == ask.comparator:
        return []
    sums = results.totals(p.frame[p.frame[ask.exposure] == group])
    rows, last = [], None
    for name, model in models.items():
        reason = results.refusal(p, sums, model)
        found = None if reason else _log_ratio(model, group, ask.comparator)
        row = results.row_of(p, ask.exposure, group, sums) | {"adjustment": name}
        if found:
            row |= results.figures(model, *found, ask)
            said = results.cautions(sums, model)
        else:
            said = [notes.say(reason or "inseparable", comparator=ask.comparator)]
        if reason in results.ONE_SIDED:
            row["lower"], row["upper"] = results.one_sided(model, group, ask.level) * _against(model, ask.comparator)
        if found and last and last[2]:
            row |= {"change_from": last[0]} | _change(last[1], last[2], model, found, ask)
        last = name, model, found
        rows.append(row | {"note": "; ".join([*said, *p.notes])})
    return rows


def _log_ratio(model: Model, group: object, comparator: object) -> tuple[float, np.ndarray] | None:
    """Return the log ratio and its gradient; none where the data give no finite value."""
    d = model.design
    if comparator != WHOLE_POPULATION:
        contrast = d.contrast(group)
        return (float(contrast @ model.beta), contrast) if d.estimable(contrast) else None
    if model.family == "logistic":
        raise PcrefError("regression: against the whole population use family='poisson'.")
    weight = d.frame["t"].to_numpy(float)
    rate, slope = average(model, d.at(group), weight)
    base, base_slope = average(model, d.x, weight)
    return (float(np.log(rate / base)), slope / rate - base_slope / base) if 0 < rate < np.inf else None


def _against(model: Model, comparator: object) -> np.ndarray:
    """Return the factor that turns a ratio against the fit's reference into one against the comparator."""
    if comparator != WHOLE_POPULATION:
        return np.ones(2)
    found = _log_ratio(model, model.design.terms[0].reference, comparator)
    return np.full(2, np.exp(found[0]) if found else np.nan)


def _change(old: Model, before: tuple, new: Model, after: tuple, ask: Options) -> dict[str, float]:
    """Return this step's ratio over the last step's; the interval knows that both rest on the same people."""
    apart = results.spread_between(old, before[1], new, after[1], ask.interval)
    return dict(zip(CHANGE[1:], results.limits(after[0] - before[0], apart, ask.level), strict=True))
