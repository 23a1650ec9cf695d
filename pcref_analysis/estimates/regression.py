"""Ratios between ethnic groups adjusted for age, sex and deprivation, exact from cells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from pcref_analysis.estimates import problems
from pcref_analysis.estimates.clustered import Model, fit_design, joint, predicted
from pcref_analysis.estimates.design import design
from pcref_analysis.estimates.separation import bound
from pcref_analysis.estimates.problems import ALL_OTHERS, WHOLE_POPULATION, Problem
from pcref_analysis.vocabulary.errors import PcrefError

STEPS: dict[str, list[str]] = {
    "crude": [],
    "age_sex": ["age_band", "sex"],
    "age_sex_imd": ["age_band", "sex", "imd_quintile"],
}
CHANGE = ["change_from", "change", "change_lower", "change_upper"]
FEW = 10
BOUND_WORDS = "no events in this group: no ratio exists, only a one-sided upper limit"


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
    """Return the ratio of each group against the comparator, for every indicator and period of the cells."""
    adjust = list(adjust)
    options = {"robust": robust, "small_sample": small_sample}
    found = problems.problems(cells, exposure, adjust, family, outcome, unknown_exposure, unknown_adjust)
    tables = [_steps(p, exposure, comparator, [adjust], family, level, options) for p in found]
    return _together(tables, cells, exposure, comparator).drop(columns=CHANGE)


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
    """Return the crude, age-sex and age-sex-deprivation ratios side by side, with the change between the steps."""
    if family == "logistic":
        raise PcrefError(
            "regression: a ladder of odds ratios would change between steps even without any difference in make-up; "
            "use family='poisson', which gives ratios of proportions."
        )
    steps = STEPS if steps is None else steps
    finest = list(dict.fromkeys(term for terms in steps.values() for term in terms))
    found = problems.problems(cells, exposure, finest, family, outcome, unknown_exposure, "exclude")
    terms = list(steps.values())
    tables = [_steps(p, exposure, comparator, terms, family, level, {}) for p in found]
    return _together(tables, cells, exposure, comparator)


def _together(tables: list[pd.DataFrame], cells: pd.DataFrame, exposure: str, comparator: object) -> pd.DataFrame:
    pooled = (ALL_OTHERS, WHOLE_POPULATION)
    if comparator not in pooled and not (cells[exposure] == comparator).any():
        raise PcrefError(
            f"regression: no cell has the comparator '{comparator}' in {exposure}. "
            f"Possible are its levels, '{ALL_OTHERS}' and '{WHOLE_POPULATION}'."
        )
    columns = ["indicator", "period", exposure, "comparator", "adjustment", "measure", "estimate", "lower", "upper"]
    columns += ["level", "events", "at_risk", "note", *CHANGE]
    found = [table for table in tables if len(table)]
    return pd.concat(found, ignore_index=True)[columns] if found else pd.DataFrame(columns=columns)


def _jobs(
    p: Problem, exposure: str, comparator: object, over: list[str], family: str
) -> Iterator[tuple[Problem, object, list[object]]]:
    """Yield (problem, reference level, groups to compare) for the three kinds of comparator."""
    levels = list(p.frame[exposure].dropna().drop_duplicates())
    if comparator == ALL_OTHERS:
        for group in [g for g in levels if g not in problems.UNKNOWN_WORDS]:
            yield problems.against_all_others(p, exposure, group, over, family), ALL_OTHERS, [group]
    elif comparator == WHOLE_POPULATION:
        events = p.frame.groupby(exposure, observed=True)["y"].sum()
        yield p, events.idxmax() if len(events) else None, levels
    else:
        yield p, comparator, [g for g in levels if g != comparator]


def _steps(
    p: Problem,
    exposure: str,
    comparator: object,
    steps: list[list[str]],
    family: str,
    level: float,
    options: dict[str, Any],
) -> pd.DataFrame:
    """Return the ratios of one indicator and period under each set of adjusters, on the same strata throughout."""
    over = problems.columns_of([term for terms in steps for term in terms])
    names = [problems.adjustment_name(terms) for terms in steps]
    rows: list[dict[str, Any]] = []
    for job, reference, groups in _jobs(p, exposure, comparator, over, family):
        models: list[Model] = []
        if job.frame.loc[job.frame[exposure] == reference, "y"].sum() > 0:
            models = [
                fit_design(design(job.frame, exposure, reference, terms, family), family, **options) for terms in steps
            ]
        for group in groups:
            rows += _group_rows(job, models, names, exposure, group, comparator, level)
    for group in p.without:
        if group != comparator:
            rows += _group_rows(p, [], names, exposure, group, comparator, level)
    table = pd.DataFrame(rows).assign(indicator=p.indicator, period=p.period, comparator=comparator, level=level)
    return table.assign(measure="odds_ratio" if family == "logistic" else "ratio")


def _group_rows(
    p: Problem,
    models: list[Model],
    names: list[str],
    exposure: str,
    group: object,
    comparator: object,
    level: float,
) -> list[dict[str, Any]]:
    own = p.frame[p.frame[exposure] == group]
    base = {exposure: group, "events": own["count"].sum(min_count=1), "at_risk": own["t"].sum()}
    logs = [_log_ratio(model, exposure, group, comparator) for model in models]
    reason = _refusal(own, models, comparator)
    rows = []
    for i, name in enumerate(names):
        value, gradient = logs[i] if models and not reason else (np.nan, None)
        row = base | {"adjustment": name, "estimate": np.nan, "lower": np.nan, "upper": np.nan}
        row |= {"change_from": None, "change": np.nan, "change_lower": np.nan, "change_upper": np.nan}
        notes = [reason] if reason else []
        if gradient is not None:
            error = np.sqrt(gradient @ models[i].covariance @ gradient)
            row |= dict(zip(("estimate", "lower", "upper"), _interval(value, error, level), strict=True))
            notes += _cautions(own, models[i])
        elif models and own["y"].sum() <= 0:
            row["lower"], row["upper"] = bound(models[i], exposure, group, level)
        elif models:
            notes = [*notes, "these data cannot tell this group's ratio apart from the other terms"]
        if i and gradient is not None and logs[i - 1][1] is not None:
            row |= {"change_from": names[i - 1]} | _change(models[i - 1 : i + 1], logs[i - 1 : i + 1], level)
        rows.append(row | {"note": "; ".join(dict.fromkeys([*notes, *p.notes]))})
    return rows


def _refusal(own: pd.DataFrame, models: list[Model], comparator: object) -> str:
    if not own["t"].sum() > 0:
        return "no one at risk recorded in this group"
    if not models:
        return f"the comparator ({comparator}) has no events or no one at risk"
    if own["y"].sum() <= 0:
        return BOUND_WORDS
    return ""


def _cautions(own: pd.DataFrame, model: Model) -> list[str]:
    few = own["t"].sum() < FEW if own["is_mean"].any() else own["y"].sum() < FEW
    words = [f"fewer than {FEW} {'observations' if own['is_mean'].any() else 'events'}: interval only approximate"]
    return (words if few else []) + ([] if model.converged else ["the fit did not settle: do not use"])


def _log_ratio(model: Model, exposure: str, group: object, comparator: object) -> tuple[float, np.ndarray | None]:
    """Return the log ratio and its gradient, or a missing gradient where the data give no finite value."""
    d = model.design
    contrast = d.contrast(exposure, group)
    if comparator != WHOLE_POPULATION:
        return (float(contrast @ model.beta), contrast) if d.estimable(contrast) else (np.nan, None)
    if model.family == "logistic":
        raise PcrefError("regression: against the whole population use family='poisson', or standardised().")
    t = d.frame["t"].to_numpy(float)
    x = d.at(exposure, group, np.ones(len(t), bool))
    as_group, as_is = t * predicted(d, model.beta, model.family, x), t * model.mean
    if not (np.isfinite(as_group).all() and as_group.sum() > 0):
        return np.nan, None
    gradient = as_group @ x / as_group.sum() - as_is @ d.x / as_is.sum()
    return float(np.log(as_group.sum() / as_is.sum())), gradient


def _interval(value: float, error: float, level: float) -> tuple[float, float, float]:
    from scipy.stats import norm

    reach = norm.ppf(0.5 + level / 2) * error
    return float(np.exp(value)), float(np.exp(value - reach)), float(np.exp(value + reach))


def _change(models: list[Model], logs: list[tuple[float, np.ndarray]], level: float) -> dict[str, float]:
    """Return this step's ratio over the last step's; the interval knows that both rest on the same people."""
    (before, g), (after, h) = logs
    variance = g @ joint(models[0], models[0]) @ g + h @ joint(models[1], models[1]) @ h
    variance -= 2 * g @ joint(models[0], models[1]) @ h
    values = _interval(after - before, np.sqrt(max(variance, 0.0)), level)
    return dict(zip(("change", "change_lower", "change_upper"), values, strict=True))
