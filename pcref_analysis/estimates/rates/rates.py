"""Crude, directly and indirectly standardised rates, proportions and means, from cells.

Frames in, frames out; all groups at once. Every result has the columns of ``by`` and then
``estimate, lower, upper, level, events, at_risk, note``; a list of levels gives a row each. What
cannot be given for a group is missing there and ``note`` says why; other groups keep their answer.
A missing count is never zero. No figure here says why groups differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from pcref_analysis.estimates import intervals
from pcref_analysis.estimates.entry import checked
from pcref_analysis.estimates.rates.aggregate import (
    REFUSE,
    WARN,
    Remark,
    Tally,
    faults,
    results,
    scaled,
    tally,
    totals,
    variance,
)
from pcref_analysis.estimates.rates.strata import (
    few_people,
    heavy_strata,
    left_out,
    reference_rates,
    resolve,
    strata_used,
)
from pcref_analysis.vocabulary import notes
from pcref_analysis.vocabulary.errors import PcrefError

Level = float | Sequence[float]


@checked
def crude(
    cells: pd.DataFrame, by: Sequence[str], per: float = 100_000, level: Level = 0.95, repeat_events: bool | None = None
) -> pd.DataFrame:
    """Return events per ``per`` at risk, with exact limits below ten events and Byar's from ten up.

    Parameters
    ----------
    cells
        ``events``, ``at_risk`` and the columns of ``by``; rows of a group are added up.
    by
        Columns that make a group; any, ``[]`` for one figure.
    per
        The number at risk that the rate is for.
    level
        A confidence level, or a list of them.
    repeat_events
        Widen the limits because some people count more than once. By default where the cells say so
        (``events_sq``); ``True`` insists on that column; ``False`` takes events as independent.

    Raises
    ------
    PcrefError
        If a column is missing or the level is not between 0 and 1.

    Examples
    --------
    >>> cells = pd.DataFrame({"ethnic_group": ["Indian"], "events": [20], "at_risk": [8_000]})
    >>> crude(cells, ["ethnic_group"]).round(1).loc[0, ["estimate", "lower", "upper"]].tolist()
    [250.0, 152.6, 386.1]

    References
    ----------
    Breslow NE, Day NE. Statistical methods in cancer research, volume II. IARC 1987.
    """
    t = tally(cells, by, repeat_events=repeat_events)
    events, at_risk = totals(t)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = intervals.count(events, level, variance(t)[:, 0])
        scale = per / np.where(at_risk > 0, at_risk, np.nan)
    figures = events * scale, scaled(low, scale), scaled(high, scale)
    remarks = [*faults(t, events, at_risk), *few_people(events, variance(t)[:, 0])]
    return results(t.groups, figures, level, events, at_risk, remarks)


@checked
def proportion(
    cells: pd.DataFrame,
    by: Sequence[str],
    per: float = 100,
    level: Level = 0.95,
    method: Literal["wilson", "clopper_pearson"] = "wilson",
    repeat_events: bool | None = None,
) -> pd.DataFrame:
    """Return events as a share of those at risk (per ``per``), each of whom can count once.

    Where the cells hold ``events_sq``, ``events_at_risk`` and ``at_risk_sq`` (several contacts or
    spells of one person), the limits rest on the effective number at risk, which allows for people
    being like themselves. More events than at risk is refused: use :func:`crude`.

    References
    ----------
    Wilson EB. J Am Stat Assoc 1927;22:209-212. Korn EL, Graubard BI. Survey Methodology 1998;24:193-201
    (the effective number).
    """
    t = tally(cells, by, repeat_events=repeat_events)
    events, at_risk = totals(t)
    above = events > at_risk
    remarks = [*faults(t, events, at_risk), (above, notes.say("no_proportion"), REFUSE)]
    limits = {"wilson": intervals.wilson, "clopper_pearson": intervals.clopper_pearson}[method]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where((at_risk > 0) & ~above, events / at_risk, np.nan)
        effective = _effective_at_risk(t, share, at_risk)
        low, high = limits(share * effective, effective, level)
    return results(t.groups, (share * per, low * per, high * per), level, events, at_risk, remarks)


@checked
def mean(cells: pd.DataFrame, by: Sequence[str], level: Level = 0.95) -> pd.DataFrame:
    """Return the mean of a value (``total / at_risk``) with Student's t limits.

    ``total_sq`` is the sum of squared values. Where one person can have several observations the cells
    hold ``total_at_risk`` and ``at_risk_sq`` as well; ``total_sq`` is then the sum over people of their
    totals squared, and people, not observations, are taken as independent. ``events`` in the result is
    the number of observations. Means of very skewed values (length of stay) need many; see quantiles too.

    References
    ----------
    Altman DG, Machin D, Bryant TN, Gardner MJ. Statistics with confidence, 2nd ed. 2000.
    """
    people = [column for column in ("total_at_risk", "at_risk_sq") if "total_at_risk" in cells]
    t = tally(cells, by, ["at_risk", "total", "total_sq", *people])
    size, total, squares = (t.sums[column][:, 0] for column in ("at_risk", "total", "total_sq"))
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = np.where(size > 0, total / size, np.nan)
        both, sizes = (t.sums[column][:, 0] for column in people) if people else (total, size)
        effective = size**2 / sizes  # independent people; the number of observations where each has one
        spread = np.maximum(squares - 2 * centre * both + centre**2 * sizes, 0) / size**2
        sd = effective * np.sqrt(spread / (effective - 1))
        low, high = intervals.student_t(centre, sd, effective, level)
    remarks: list[Remark] = [
        (np.isnan(size) | np.isnan(total), notes.say("no_total"), REFUSE),
        (t.negative, notes.say("below_zero"), REFUSE),
        (size == 0, notes.say("no_observations"), REFUSE),
        (effective <= 1, notes.say("one_observation"), WARN),
        (np.isnan(squares), notes.say("no_total_squares"), WARN),
    ]
    return results(t.groups, (centre, low, high), level, size, size, remarks)


@checked
def direct(
    cells: pd.DataFrame,
    by: Sequence[str],
    standard: str | pd.DataFrame,
    over: Sequence[str],
    per: float = 100_000,
    level: Level = 0.95,
    method: Literal["dobson", "gamma", "tiwari"] = "dobson",
    repeat_events: bool | None = None,
    missing_strata: Literal["refuse", "common"] = "refuse",
) -> pd.DataFrame:
    """Return rates as they would be if every group had the standard's make-up.

    Parameters
    ----------
    cells, by, per, level, repeat_events
        As in :func:`crude`; the cells also hold the columns of ``over``.
    standard
        The name of a shipped standard, or a frame of ``over`` plus ``weight``, joined by name.
    over
        What is standardised for: ``["age_band", "sex"]``. Rows where one is unknown are left out and
        their events counted in ``note``.
    method
        ``dobson`` (Byar's limits, scaled), ``gamma`` (Fay and Feuer, the safest; use it where people repeat often
        or ``note`` says so) or ``tiwari``.
    missing_strata
        For a group in which nobody is at risk in a stratum that other groups have: ``refuse`` that
        group, or restrict all groups to the ``common`` strata. Where ``indicator`` is in ``by`` this
        is settled for each indicator. Strata that no group has (an indicator for women, for children)
        are outside the measure and leave the standard for all. ``note`` says so each time.

    Raises
    ------
    PcrefError
        If a column is missing, or the cells' strata and the standard's do not match: both are listed.

    Notes
    -----
    A stratum without events keeps its weight. Fewer than ten events: no figure. Compare only figures
    made with one standard and the same strata; a standardised rate is not the number of people met.

    Examples
    --------
    >>> cells = pd.DataFrame({"sex": ["Female", "Male"], "events": [10, 30], "at_risk": [1000, 1000]})
    >>> weights = pd.DataFrame({"sex": ["Female", "Male"], "weight": [3, 1]})
    >>> direct(cells, [], weights, ["sex"], per=100).round(2).loc[0, ["estimate", "lower", "upper"]].tolist()
    [1.5, 1.01, 2.13]

    References
    ----------
    Dobson AJ and others. Statistics in Medicine 1991;10:457-462. Morris JK and others. Population Health
    Metrics 2018;16 (why none below ten events). Fay MP, Feuer EJ. Statistics in Medicine 1997;16:791-801.
    """
    weights = resolve(cells, standard, over)
    t = tally(cells, by, strata=weights[list(over)], repeat_events=repeat_events)
    used, remarks = strata_used(t, missing_strata)
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = used * weights["weight"].to_numpy(float)
        share = np.where(weight > 0, weight / weight.sum(axis=1, keepdims=True) / t.sums["at_risk"], 0.0)
        rate = np.where(used, share * t.sums["events"], 0.0).sum(axis=1)
        spread = np.where(used, share**2 * variance(t), 0.0).sum(axis=1)
        unweighted = np.where(used, variance(t), 0.0).sum(axis=1)
        events, at_risk = (np.where(used, t.sums[column], 0.0).sum(axis=1) for column in ("events", "at_risk"))
        size = unweighted / events
    remarks = [
        *faults(t, events, at_risk),
        *remarks,
        (events < intervals.EXACT_BELOW, notes.say("not_standardised", number="ten"), REFUSE),
        *few_people(events, unweighted),
        *heavy_strata(t, share, rate, method),
        *left_out(t),
    ]
    low, high = _direct_limits(method, rate, spread, events, share, used, size, level)
    return results(t.groups, (rate * per, low * per, high * per), level, events, at_risk, remarks)


@checked
def indirect(
    cells: pd.DataFrame,
    by: Sequence[str],
    reference: pd.DataFrame,
    over: Sequence[str],
    per: float | None = None,
    level: Level = 0.95,
    repeat_events: bool | None = None,
) -> pd.DataFrame:
    """Return observed events over those expected at the reference's stratum rates (1.0: as expected).

    Parameters
    ----------
    cells, by, over, level, repeat_events
        As in :func:`direct`.
    reference
        ``over`` plus ``events`` and ``at_risk`` of the reference population; rows are added up.
    per
        Give the ratio times the reference's crude rate per so many at risk, instead of the ratio.

    Raises
    ------
    PcrefError
        If a column is missing, or the cells have a stratum for which the reference has no rate.

    Notes
    -----
    The reference's rates are taken as known. Ratios of two groups rest on each group's own make-up
    and are not to be compared with each other; use :func:`direct` or regression for that.

    References
    ----------
    Breslow NE, Day NE. Statistical methods in cancer research, volume II. IARC 1987, chapter 2.
    """
    rates, overall = reference_rates(reference, over)
    t = tally(cells, by, strata=rates[list(over)], repeat_events=repeat_events)
    events, at_risk = (t.sums[column].sum(axis=1) for column in ("events", "at_risk"))
    expected = t.sums["at_risk"] @ rates["rate"].to_numpy()
    remarks = [
        *faults(t, events, at_risk),
        (expected == 0, notes.say("none_expected"), REFUSE),
        *few_people(events, variance(t).sum(axis=1)),
        *left_out(t),
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = (1.0 if per is None else overall * per) / np.where(expected > 0, expected, np.nan)
        low, high = intervals.count(events, level, variance(t).sum(axis=1))
    figures = events * scale, scaled(low, scale), scaled(high, scale)
    return results(t.groups, figures, level, events, at_risk, remarks)


def _effective_at_risk(t: Tally, share: np.ndarray, at_risk: np.ndarray) -> np.ndarray:
    """Return the number of independent people that would give the proportion's variance between people."""
    if not {"events_sq", "events_at_risk", "at_risk_sq"} <= set(t.sums):
        return at_risk
    squares, both, sizes = (t.sums[column][:, 0] for column in ("events_sq", "events_at_risk", "at_risk_sq"))
    spread = squares - 2 * share * both + share**2 * sizes
    effective = np.where((share > 0) & (share < 1), share * (1 - share) * at_risk**2 / spread, at_risk**2 / sizes)
    return np.fmin(effective, at_risk)


def _direct_limits(
    method: str,
    rate: np.ndarray,
    spread: np.ndarray,
    events: np.ndarray,
    share: np.ndarray,
    used: np.ndarray,
    size: np.ndarray,
    level: Level,
) -> intervals.Limits:
    """Return limits of weighted sums; ``size`` is what one person more adds, in events (1 where nobody repeats)."""
    if method == "dobson":
        return intervals.dobson(rate, spread, events, level)
    if method == "gamma":
        return intervals.gamma(rate, spread, share.max(axis=1, initial=0) * size, level)
    if method == "tiwari":
        strata = np.maximum(used.sum(axis=1), 1)
        jump, square = share.sum(axis=1) * size / strata, (share**2).sum(axis=1) * size**2 / strata
        return intervals.gamma(rate, spread, jump, level, square)
    raise PcrefError(f"method: '{method}' is not one of dobson, gamma, tiwari.")
