"""The ratios of a fit, or of several fits to the same strata, as rows of the estimates shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pcref_analysis.estimates.regression import model_data
from pcref_analysis.estimates.regression.glm import Model, average, fitted
from pcref_analysis.estimates.regression.model_data import WHOLE_POPULATION, Problem
from pcref_analysis.estimates.regression.results import (
    ALL_EVENTS,
    INSEPARABLE,
    NO_EVENTS,
    cautions,
    check,
    finished,
    group_row,
    limits,
    refusal,
)
from pcref_analysis.estimates.regression.standard_errors import spread, spread_between
from pcref_analysis.estimates.regression.zero_events import one_sided
from pcref_analysis.vocabulary.errors import PcrefError

CHANGE = ["change_from", "change", "change_lower", "change_upper"]


def ratios(
    cells: pd.DataFrame,
    exposure: str,
    comparator: object,
    steps: list[list[str]],
    family: str,
    level: float,
    options: dict[str, bool],
    handling: tuple[str, str, str],
    interval: str,
    names: list[str] | None = None,
) -> pd.DataFrame:
    """Return the ratios under each set of adjusters, on the same strata throughout, and the change between them.

    ``handling``: what the outcome is, and what becomes of unknown exposure and unknown adjusters.
    """
    check(cells, exposure, comparator, level, interval)
    finest = list(dict.fromkeys(term for terms in steps for term in terms))
    names = names or [model_data.adjustment_name(terms) for terms in steps]
    over, rows = model_data.columns_of(finest), []
    for p in model_data.problems(cells, exposure, finest, family, *handling):
        for job, reference, groups in model_data.jobs(p, exposure, comparator, over, family):
            models = [fitted(job, exposure, reference, terms, family, **options) for terms in steps]
            for group in groups:
                rows += _group_rows(job, models, names, exposure, group, comparator, level, interval)
        for group in p.empty:
            rows += _group_rows(p, [None] * len(steps), names, exposure, group, comparator, level, interval)
    measure = "odds_ratio" if family == "logistic" else "ratio"
    return finished(rows, exposure, CHANGE, comparator=comparator, measure=measure, level=level)


def _group_rows(
    p: Problem,
    models: list[Model | None],
    names: list[str],
    exposure: str,
    group: object,
    comparator: object,
    level: float,
    interval: str,
) -> list[dict[str, Any]]:
    """Return a group's ratio at every step, and its change from the step before."""
    if group == comparator:
        return []
    _, sums, base = group_row(p, exposure, group)
    logs: list[tuple[float, np.ndarray] | None] = []
    rows = []
    for i, (name, model) in enumerate(zip(names, models, strict=True)):
        reason = refusal(p, sums, model, comparator)
        found = None if reason else _log_ratio(model, group, comparator)
        row, notes = base | {"adjustment": name}, [reason]
        if found:
            row |= _named(limits(found[0], spread(model, found[1], interval), level))
            notes = cautions(sums, model)
        elif not reason:
            notes = [INSEPARABLE]
        elif reason in (NO_EVENTS, ALL_EVENTS):
            row["lower"], row["upper"] = one_sided(model, group, level) * _against(model, comparator)
        if i and found and logs[-1]:
            row |= {"change_from": names[i - 1]} | _change(models[i - 1 : i + 1], logs[-1], found, level, interval)
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


def _change(models: list[Model], before: tuple, after: tuple, level: float, interval: str) -> dict[str, float]:
    """Return this step's ratio over the last step's; the interval knows that both rest on the same people."""
    (old, g), (new, h) = before, after
    apart = spread_between(models[0], g, models[1], h, interval)
    return _named(limits(new - old, apart, level), ("change", "change_lower", "change_upper"))
