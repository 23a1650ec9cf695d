"""Ratios between ethnic groups adjusted for age, sex and deprivation, exact from cells."""

from __future__ import annotations

import pandas as pd

from pcref_analysis.estimates.entry import checked
from pcref_analysis.estimates.regression import model_data
from pcref_analysis.estimates.regression.glm import Model, fitted
from pcref_analysis.estimates.regression.interactions import interaction
from pcref_analysis.estimates.regression.model_data import ALL_OTHERS, WHOLE_POPULATION
from pcref_analysis.estimates.regression.model_diagnostics import diagnostics
from pcref_analysis.estimates.regression.ratios import CHANGE, ratios
from pcref_analysis.estimates.regression.results import check
from pcref_analysis.vocabulary.errors import PcrefError

__all__ = [
    "ALL_OTHERS",
    "STEPS",
    "WHOLE_POPULATION",
    "adjusted",
    "diagnostics",
    "fit",
    "interaction",
    "ladder",
]
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
    [{'ethnic_group': 'Indian', 'estimate': 2.88, 'lower': 1.81, 'upper': 4.6}]

    References
    ----------
    Liang KY, Zeger SL. Biometrika 1986;73:13-22. Zou G. Am J Epidemiol 2004;159:702-706. Satterthwaite FE. Biometrics
    Bulletin 1946;2:110-114; Bell RM, McCaffrey DF. Survey Methodology 2002;28:169-181 (few clusters). Must not be used
    to say why groups differ, nor for people one by one.
    """
    found = ratios(
        cells,
        exposure,
        comparator,
        [list(adjust)],
        family,
        level,
        {"robust": robust, "small_sample": small_sample},
        (outcome, unknown_exposure, unknown_adjust),
        interval,
    )
    return found.drop(columns=CHANGE)


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
    [['crude', 1.97, nan, nan, nan], ['sex', 2.46, 1.25, 1.13, 1.39]]

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
    return ratios(cells, exposure, comparator, list(steps.values()), family, level, {}, options, interval, list(steps))


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
    check(cells, exposure, comparator, 0.5)
    if comparator in (ALL_OTHERS, WHOLE_POPULATION):
        raise PcrefError("regression: fit() needs one level of the exposure as comparator.")
    found = model_data.problems(cells, exposure, list(adjust), family, outcome, unknown_exposure, unknown_adjust)
    models = {
        (p.indicator, p.period): fitted(p, exposure, comparator, list(adjust), family, robust, small_sample)
        for p in found
    }
    return {key: model for key, model in models.items() if model is not None}
