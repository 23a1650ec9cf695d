"""Ratios between ethnic groups adjusted for age, sex and deprivation, exact from cells.

:func:`adjusted` gives one adjustment, :func:`ladder` the crude, age-sex and age-sex-deprivation ratios side by side,
:func:`interaction` the ratio within each sex, age band or deprivation quintile, :func:`fit` the models themselves.
:func:`standardised` and :func:`diagnostics` stand in their own modules and are reached from here too.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd

from pcref_analysis.estimates import personsums
from pcref_analysis.estimates.answers import (
    ALL_EVENTS,
    NO_EVENTS,
    UNTOLD,
    cautions,
    check,
    finished,
    group_row,
    limits,
    refusal,
)
from pcref_analysis.estimates.clustered import Model, fit_design, joint
from pcref_analysis.estimates.design import design
from pcref_analysis.estimates.margins import average, standardised
from pcref_analysis.estimates.personsums import ALL_OTHERS, WHOLE_POPULATION, Problem
from pcref_analysis.estimates.separation import one_sided
from pcref_analysis.vocabulary.errors import PcrefError

__all__ = ["ALL_OTHERS", "STEPS", "WHOLE_POPULATION", "adjusted", "fit", "ladder", "standardised"]
STEPS: dict[str, list[str]] = {
    "crude": [],
    "age_sex": ["age_band", "sex"],
    "age_sex_imd": ["age_band", "sex", "imd_quintile"],
}
CHANGE = ["change_from", "change", "change_lower", "change_upper"]


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
    [{'ethnic_group': 'Indian', 'estimate': 2.67, 'lower': 1.63, 'upper': 4.39}]

    References
    ----------
    Liang KY, Zeger SL. Biometrika 1986;73:13-22. Zou G. Am J Epidemiol 2004;159:702-706. Must not be used to say why
    groups differ, nor for people one by one.
    """
    found = _ratios(
        cells,
        exposure,
        comparator,
        [list(adjust)],
        family,
        level,
        {"robust": robust, "small_sample": small_sample},
        (outcome, unknown_exposure, unknown_adjust),
    )
    return found.drop(columns=CHANGE)


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
) -> pd.DataFrame:
    """Return the crude, age-sex and age-sex-deprivation ratios side by side, with the change between the steps.

    All steps use the same people: cells whose age, sex or deprivation is unknown are left out of every step (and
    counted in ``note``), so that a step changes the adjustment and nothing else. The steps are correlated; the
    interval of their change comes from the joint person-clustered covariance of both fits.

    Parameters
    ----------
    cells, exposure, comparator, family, level, outcome, unknown_exposure
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
    [['crude', 1.97, nan, nan, nan], ['sex', 2.43, 1.23, 1.09, 1.4]]

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
    steps = STEPS if steps is None else steps
    options = (outcome, unknown_exposure, "exclude")
    return _ratios(cells, exposure, comparator, list(steps.values()), family, level, {}, options, list(steps))


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
    check(cells, exposure, comparator, 0.5)
    if comparator in (ALL_OTHERS, WHOLE_POPULATION):
        raise PcrefError("regression: fit() needs one level of the exposure as comparator.")
    found = personsums.problems(cells, exposure, list(adjust), family, outcome, unknown_exposure, unknown_adjust)
    models = {
        (p.indicator, p.period): _model(p, exposure, comparator, list(adjust), family, robust, small_sample)
        for p in found
    }
    return {key: model for key, model in models.items() if model is not None}


def _model(
    p: Problem,
    exposure: str,
    reference: object,
    adjust: list[str],
    family: str,
    robust: bool = True,
    small_sample: bool = False,
    cross: str | None = None,
) -> Model | None:
    """Return a fitted model; none where the comparator has no events, or no stratum bears on a fit."""
    if p.refused or not p.frame.loc[p.frame[exposure] == reference, "y"].sum() > 0:
        return None
    d = design(p.frame, exposure, reference, adjust, family, cross)
    return fit_design(d, family, robust, small_sample) if d.fitted.any() else None


def _ratios(
    cells: pd.DataFrame,
    exposure: str,
    comparator: object,
    steps: list[list[str]],
    family: str,
    level: float,
    options: dict[str, bool],
    handling: tuple[str, str, str],
    names: list[str] | None = None,
) -> pd.DataFrame:
    check(cells, exposure, comparator, level)
    finest = list(dict.fromkeys(term for terms in steps for term in terms))
    names = names or [personsums.adjustment_name(terms) for terms in steps]
    over, rows = personsums.columns_of(finest), []
    for p in personsums.problems(cells, exposure, finest, family, *handling):
        for job, reference, groups in personsums.jobs(p, exposure, comparator, over, family):
            models = [_model(job, exposure, reference, terms, family, **options) for terms in steps]
            links = [joint(a, b) if a and b else None for a, b in itertools.pairwise(models)]
            for group in groups:
                rows += _group_rows(job, models, links, names, exposure, group, comparator, level)
        for group in p.empty:
            rows += _group_rows(p, [None] * len(steps), [], names, exposure, group, comparator, level)
    measure = "odds_ratio" if family == "logistic" else "ratio"
    return finished(rows, exposure, CHANGE, comparator=comparator, measure=measure, level=level)


def _group_rows(
    p: Problem,
    models: list[Model | None],
    links: list[np.ndarray | None],
    names: list[str],
    exposure: str,
    group: object,
    comparator: object,
    level: float,
) -> list[dict[str, Any]]:
    """Return a group's ratio at every step, and its change from the step before."""
    if group == comparator:
        return []
    own, base = group_row(p, exposure, group)
    logs: list[tuple[float, np.ndarray] | None] = []
    rows = []
    for i, (name, model) in enumerate(zip(names, models, strict=True)):
        reason = refusal(p, own, model, comparator)
        found = None if reason else _log_ratio(model, group, comparator)
        row, notes = base | {"adjustment": name}, [reason]
        if found:
            error = np.sqrt(found[1] @ model.covariance @ found[1])
            row |= _named(limits(found[0], error, level))
            notes = cautions(own, model)
        elif not reason:
            notes = [UNTOLD]
        elif reason in (NO_EVENTS, ALL_EVENTS):
            row["lower"], row["upper"] = one_sided(model, group, level)
        if i and found and logs[-1]:
            row |= {"change_from": names[i - 1]} | _change(models[i - 1 : i + 1], links[i - 1], logs[-1], found, level)
        logs.append(found)
        rows.append(row | {"note": "; ".join(filter(None, [*notes, *p.notes]))})
    return rows


def _named(figures: tuple[float, float, float], prefix: tuple[str, str, str] = ("estimate", "lower", "upper")) -> dict:
    return dict(zip(prefix, figures, strict=True))


def _log_ratio(model: Model, group: object, comparator: object) -> tuple[float, np.ndarray] | None:
    """Return the log ratio and its gradient; none where the data give no finite value."""
    d = model.design
    if comparator != WHOLE_POPULATION:
        contrast = d.contrast(group)
        return (float(contrast @ model.beta), contrast) if d.estimable(contrast) else None
    if model.family == "logistic":
        raise PcrefError("regression: against the whole population use family='poisson', or standardised().")
    weight = d.frame["t"].to_numpy(float)
    rate, slope = average(model, d.at(group), weight)
    base, base_slope = average(model, d.x, weight)
    return (float(np.log(rate / base)), slope / rate - base_slope / base) if 0 < rate < np.inf else None


def _change(models: list[Model], link: np.ndarray, before: tuple, after: tuple, level: float) -> dict[str, float]:
    """Return this step's ratio over the last step's; the interval knows that both rest on the same people."""
    (old, g), (new, h) = before, after
    variance = g @ models[0].covariance @ g + h @ models[1].covariance @ h - 2 * g @ link @ h
    return _named(limits(new - old, np.sqrt(max(variance, 0.0)), level), ("change", "change_lower", "change_upper"))
