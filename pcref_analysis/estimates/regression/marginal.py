"""Marginal standardisation: each group's adjusted rate, risk or mean over a stated population."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pcref_analysis.estimates.entry import checked
from pcref_analysis.estimates.regression import model_data
from pcref_analysis.estimates.regression.design import Design
from pcref_analysis.estimates.regression.glm import Model, average, fitted, predicted
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
from pcref_analysis.estimates.regression.standard_errors import spread
from pcref_analysis.estimates.regression.zero_events import one_sided
from pcref_analysis.vocabulary import notes, standards
from pcref_analysis.vocabulary.errors import PcrefError

PER = {"rate": 100_000.0, "percent": 100.0, "mean": 1.0}


@checked
def standardised(
    cells: pd.DataFrame,
    exposure: str = "ethnic_group",
    comparator: object = "White British",
    adjust: list[str] | tuple[str, ...] = ("age_band", "sex"),
    family: str = "poisson",
    standard: str | pd.DataFrame | None = None,
    per: float | None = None,
    level: float = 0.95,
    *,
    measure: str | None = None,
    robust: bool = True,
    outcome: str = "auto",
    unknown_exposure: str = "keep",
    unknown_adjust: str = "exclude",
    small_sample: bool = False,
    interval: str = "normal",
) -> pd.DataFrame:
    """Return each group's rate as if it had the standard's make-up, and differences and ratios between groups.

    The fitted model gives every stratum of the standard its rate under each ethnic group in turn; these are averaged
    with the standard's weights (g-computation). Intervals are by the delta method from the covariance of the fit
    (person-clustered unless ``robust=False``), the standard taken as known: on the log scale for rates, means and
    ratios, the logit scale for a logistic proportion, and as they are for differences.

    Parameters
    ----------
    cells, exposure, comparator, adjust, family, robust, level, outcome, unknown_exposure, unknown_adjust
        As in :func:`pcref_analysis.estimates.regression.adjusted_ratios.adjusted`.
    standard
        ``None`` or ``"catchment"``: everyone at risk in the cells of that indicator and period. ``"own"``: the group
        itself, so that a ratio says how often its people had events against what they would have had at the
        comparator's rates. The name of a shipped standard (``"england_2021"``), or a frame of the adjusting columns
        plus ``weight``, joined by name.
    per
        The number at risk a rate is for: by default 100,000 for a rate, 100 for a percentage, 1 for a mean.
    measure
        ``"rate"`` or ``"percent"``; by default ``percent`` for ``family="logistic"``, ``mean`` where the cells have
        ``total``, otherwise ``rate``.
    small_sample, interval
        As in ``adjusted``.

    Returns
    -------
    pandas.DataFrame
        The estimates shape, with a row a group for the measure (the comparator among them) and a row for
        ``ratio`` and ``difference`` of every other group. A group with no events has no finite figure: only a
        one-sided upper limit and a ``note``. Strata in which a group has no one are filled in by the model; ``note``
        says so where they carry more than 5% of the standard.

    Raises
    ------
    PcrefError
        If a column or the comparator is missing, or the standard lacks strata that the cells have; they are listed.

    Examples
    --------
    >>> import pandas as pd
    >>> cells = pd.DataFrame({
    ...     "indicator": "detentions", "period": "2023-24", "ethnic_group": ["White British"] * 2 + ["Indian"] * 2,
    ...     "sex": ["Female", "Male"] * 2, "events": [40, 60, 30, 10], "at_risk": [40_000, 40_000, 10_000, 2_500]})
    >>> out = standardised(cells, adjust=["sex"], per=1_000)
    >>> out.query("measure == 'rate'")[["ethnic_group", "estimate"]].round(2).values.tolist()
    [['White British', 1.23], ['Indian', 3.55]]

    References
    ----------
    Lane PW, Nelder JA. Biometrics 1982;38:613-621. Localio AR, Margolis DJ, Berlin JA. J Clin Epidemiol
    2007;60:874-882 (delta method). Must not be read as what a group's rate would become: it describes the groups as
    recorded, on a common make-up.
    """
    check(cells, exposure, comparator, level, interval)
    adjust = list(adjust)
    ask = _Ask(exposure, comparator, tuple(model_data.columns_of(adjust)), standard, measure, per, level, interval)
    rows: list[dict[str, Any]] = []
    for p in model_data.problems(cells, exposure, adjust, family, outcome, unknown_exposure, unknown_adjust):
        for job, reference, groups in model_data.jobs(p, exposure, comparator, list(ask.over), family):
            model = fitted(job, exposure, reference, adjust, family, robust, small_sample)
            rows += _job_rows(job, model, [reference, *groups] if reference == comparator else groups, reference, ask)
        for group in p.empty:
            rows += _empty(p, group, ask)
    name = model_data.adjustment_name(adjust)
    return finished(rows, exposure, [], comparator=comparator, adjustment=name, level=level)


@dataclass(frozen=True)
class _Ask:
    """What the caller asked for."""

    exposure: str
    comparator: object
    over: tuple[str, ...]
    standard: str | pd.DataFrame | None
    measure: str | None
    per: float | None
    level: float
    interval: str

    def kind(self, p: Problem, family: str) -> tuple[str, float]:
        kind = self.measure or ("percent" if family == "logistic" else "rate")
        kind = "mean" if p.frame["is_mean"].any() else kind
        return kind, PER.get(kind, 1.0) if self.per is None else self.per


def _empty(p: Problem, group: object, ask: _Ask) -> list[dict[str, Any]]:
    _, sums, row = group_row(p, ask.exposure, group)
    note = "; ".join([refusal(p, sums, None, ask.comparator), *p.notes])
    return [row | {"measure": m, "note": note} for m in (ask.kind(p, "")[0], "ratio", "difference")]


def _job_rows(p: Problem, model: Model | None, groups: list[object], reference: object, ask: _Ask) -> list[dict]:
    """Return the rows of one fit: the measure for each group, ratio and difference for all but the comparator."""
    rows: list[dict[str, Any]] = []
    fixed = model and not _own(ask) and _strata(model.design, p.frame, ask)
    for group in groups:
        own, sums, row = group_row(p, ask.exposure, group)
        kind, per = ask.kind(p, model.family if model else "")
        notes, answers = [refusal(p, sums, model, ask.comparator)], {}
        if model:
            strata, said = fixed or _strata(model.design, own, ask)
            notes += said if notes[0] else [*said, *cautions(sums, model), *_extrapolated(strata, own, ask)]
            answers = _answers(model, strata, group, reference, ask, per, notes)
        for measure in [kind] if group == ask.comparator else [kind, "ratio", "difference"]:
            found = answers.get("measure" if measure == kind else measure, (np.nan,) * 3)
            figures = dict(zip(("estimate", "lower", "upper"), found, strict=True))
            rows.append(row | figures | {"measure": measure, "note": "; ".join(filter(None, [*notes, *p.notes]))})
    return rows


def _own(ask: _Ask) -> bool:
    return isinstance(ask.standard, str) and ask.standard == "own"


def _answers(
    model: Model, strata: pd.DataFrame, group: object, reference: object, ask: _Ask, per: float, notes: list[str]
) -> dict[str, tuple[float, float, float]]:
    d, weight = model.design, strata["weight"].to_numpy(float)
    x = d.at(reference, strata)
    rate, slope = average(model, d.moved(x, group), weight)
    if ask.comparator == WHOLE_POPULATION:
        t = d.frame["t"].to_numpy(float)
        base, base_slope = average(model, d.x, t / t.sum())
    else:
        base, base_slope = average(model, x, weight)
    if not np.isfinite([rate, base]).all() or base <= 0:
        notes[:] = notes if notes[0] else [INSEPARABLE, *notes[1:]]
        return {}
    if notes[0] in (NO_EVENTS, ALL_EVENTS):
        return _bounds(model, x, weight, group, per, ask, base)

    def error(gradient: np.ndarray) -> tuple[float, float]:
        return spread(model, gradient, ask.interval)

    if model.family == "logistic":
        figures = limits(np.log(rate / (1 - rate)), error(slope / (rate * (1 - rate))), ask.level, "logit")
    else:
        figures = limits(np.log(rate), error(slope / rate), ask.level)
    ratio = limits(np.log(rate / base), error(slope / rate - base_slope / base), ask.level)
    difference = limits(rate - base, error(slope - base_slope), ask.level, "identity")
    return {"measure": _times(figures, per), "ratio": ratio, "difference": _times(difference, per)}


def _times(figures: tuple[float, ...], per: float) -> tuple[float, ...]:
    return tuple(figure * per for figure in figures)


def _bounds(
    model: Model, x: np.ndarray, weight: np.ndarray, group: object, per: float, ask: _Ask, base: float
) -> dict[str, tuple[float, float, float]]:
    """Return one-sided limits of a group with no events (or nothing else) in place of its figures.

    ``x``: the standard as the fit's reference; the ratio of rates is bounded only where the link is logarithmic.
    """
    low, high = one_sided(model, group, ask.level)
    mean = predicted(model.design, model.beta, model.family, x)
    if model.family != "logistic":
        top = high * float(weight @ mean)
        return {"measure": (np.nan, 0.0, top * per), "ratio": (np.nan, 0.0, top / base)}
    least, most = (float(weight @ (b * mean / (1 - mean + b * mean))) for b in (low, high))
    return {"measure": (np.nan, least * per, per if np.isnan(high) else most * per)}


def _strata(d: Design, frame: pd.DataFrame, ask: _Ask) -> tuple[pd.DataFrame, list[str]]:
    """Return the standard as the adjusting columns plus ``weight`` (adding to 1), and what is said of it."""
    over, named = list(ask.over), isinstance(ask.standard, str) and ask.standard not in ("own", "catchment")
    if not over:
        return pd.DataFrame({"weight": [1.0]}), []
    there = frame.groupby(over, as_index=False)["t"].sum()
    if ask.standard is None or (isinstance(ask.standard, str) and not named):
        return there.assign(weight=there["t"] / there["t"].sum()).drop(columns="t"), []
    if named:
        bands = list(there["age_band"].unique()) if "age_band" in over else None
        given = standards.load(ask.standard, bands=bands, over=over)
    else:
        given = ask.standard
    if lacking := [name for name in [*over, "weight"] if name not in given]:
        raise PcrefError(f"standard: no column {', '.join(lacking)}; it needs {', '.join([*over, 'weight'])}.")
    if given.duplicated(over).any() or not (given["weight"] >= 0).all() or given["weight"].sum() <= 0:
        raise PcrefError("standard: needs one row a stratum, each with a weight of zero or more.")
    joined = _joined(there, given, over)
    outside = joined["t"].isna()
    share = joined.loc[outside, "weight"].sum() / joined["weight"].sum()
    kept = joined[~outside]
    said = [f"standard without strata where no group has anyone ({100 * share:.0f}% of it)"] if share > 0 else []
    return kept.assign(weight=kept["weight"] / kept["weight"].sum()).drop(columns="t"), said


def _joined(there: pd.DataFrame, given: pd.DataFrame, over: list[str]) -> pd.DataFrame:
    """Join the standard to the strata that the cells have, by name; every stratum of the cells must be in it."""
    plain = given[[*over, "weight"]].astype(dict.fromkeys(over, object))
    joined = there.astype(dict.fromkeys(over, object)).merge(plain, on=over, how="outer", validate="one_to_one")
    if (lost := joined["weight"].isna()).any():
        names = [" ".join(map(str, key)) for key in joined.loc[lost, over].itertuples(index=False)][:20]
        raise PcrefError(
            f"standard: {int(lost.sum())} of the cells' strata ({', '.join(over)}) are not in it: {', '.join(names)}. "
            "Use the same bands and names on both sides."
        )
    return joined


def _extrapolated(strata: pd.DataFrame, own: pd.DataFrame, ask: _Ask) -> list[str]:
    if not ask.over:
        return []
    over = list(ask.over)
    have = pd.MultiIndex.from_frame(own[over].astype(object))
    share = strata.loc[~pd.MultiIndex.from_frame(strata[over].astype(object)).isin(have), "weight"].sum()
    words = notes.say("extrapolated", number=f"{100 * share:.0f}")
    return [words] if share > 0.05 else []
