"""A group's rate set against a comparator's: ratio, difference, and events in excess.

The comparator is a named ethnic group, all other groups together, the whole population, or an outside
reference such as England. It is a point of comparison, never a norm. A gap shows that groups are met
differently or differ in need; these figures do not say which, nor why.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from pcref_analysis.estimates.entry import checked
from pcref_analysis.estimates.intervals import EXACT_BELOW
from pcref_analysis.estimates.rates import comparators, mover
from pcref_analysis.estimates.rates.aggregate import (
    REFUSE,
    TELL,
    WARN,
    Remark,
    Tally,
    faults,
    keys,
    labels,
    results,
    said,
    tally,
)
from pcref_analysis.estimates.rates.mover import Side, Sums
from pcref_analysis.estimates.rates.strata import few_people, left_out, resolve, strata_used
from pcref_analysis.vocabulary import standards
from pcref_analysis.vocabulary.errors import PcrefError

ALL_OTHERS, POPULATION = comparators.ALL_OTHERS, comparators.POPULATION
MEASURES = ("ratio", "difference", "excess")


@checked
def compare(
    cells: pd.DataFrame,
    comparator: str,
    exposure: str = "ethnic_group",
    within: Sequence[str] | None = None,
    measures: Sequence[str] = MEASURES,
    standard: str | pd.DataFrame | None = None,
    over: Sequence[str] = (),
    reference: pd.DataFrame | None = None,
    per: float = 100_000,
    level: float | Sequence[float] = 0.95,
    kind: Literal["rate", "percent"] = "rate",
    method: Literal["mover", "log"] = "mover",
    repeat_events: bool | None = None,
    missing_strata: Literal["refuse", "common"] = "refuse",
) -> pd.DataFrame:
    """Compare each group's rate with a comparator's.

    Parameters
    ----------
    cells
        As for :func:`pcref_analysis.estimates.rates.rates.direct`.
    comparator
        The name of a group; ``"All other groups"``; ``"Whole population"`` (the group itself included); or,
        with ``reference``, any name for it (``"England"``). The last three leave out unknown ethnic group.
    exposure, within
        The column of groups; the columns inside which groups are compared (``indicator`` and ``period``
        where the cells have them).
    measures
        ``ratio``; ``difference`` (per ``per`` at risk); ``excess``: events observed less those expected at
        the comparator's rates in each stratum of ``over``.
    standard, over, missing_strata
        With them, ratio and difference are of directly standardised rates; without, of crude rates.
    reference
        The outside comparator: ``over`` plus ``events`` and ``at_risk`` (and any columns of ``within``).
    kind
        ``percent`` where each of those at risk can count once (limits by Wilson), else ``rate``.
    method
        For the ratio: ``mover`` joins the limits of the two rates and has an answer for a group without events;
        ``log`` takes the log ratio as normal. Difference and excess always join limits: normal ones miss too often.

    Returns
    -------
    DataFrame
        ``within``, ``exposure``, ``comparator, adjustment, measure, estimate, lower, upper, level, events,
        at_risk, note``; events and at_risk are the group's. A comparator group has no row of its own.

    Raises
    ------
    PcrefError
        If the comparator is no group of the cells, a column is missing, or strata do not match.

    Examples
    --------
    >>> cells = pd.DataFrame({"ethnic_group": ["African", "White British"], "events": [40, 80], "at_risk": [1e4, 8e4]})
    >>> compare(cells, "White British", measures=["ratio"]).round(2).loc[0, ["estimate", "lower", "upper"]].tolist()
    [4.0, 2.68, 5.89]

    References
    ----------
    Zou GY, Donner A. Statistics in Medicine 2008;27:1693-1702. Donner A, Zou GY. Statistical Methods in
    Medical Research 2012;21:347-359 (MOVER for differences and ratios). Dobson AJ and others. Statistics
    in Medicine 1991;10:457-462.
    """
    within = [c for c in ("indicator", "period") if c in cells] if within is None else list(within)
    _check(measures, method, kind, standard, over)
    weights = _weights(cells, reference, standard, over)
    t = tally(cells, [*within, exposure], strata=weights[list(over)], repeat_events=repeat_events)
    own = comparators.sums(t, kind)
    if reference is not None:
        other, covariance, absent = comparators.outside(t, within, reference, repeat_events, kind)
    else:
        other, covariance, absent = comparators.inside(t, own, comparator, exposure, within)
    remarks = left_out(t) if over else []
    keep = np.repeat((t.groups[exposure] != comparator).to_numpy(), np.size(level))
    frames = []
    for measure in measures:
        used, lacking = _used(t, measure, missing_strata)
        one, two, shared = _sides(measure, own, other, used, weights["weight"].to_numpy(float), kind, level)
        with np.errstate(divide="ignore", invalid="ignore"):
            if measure == "ratio":
                figures = mover.ratio(one, two, shared * covariance, level, method)
            else:
                figures = mover.difference(one, two, shared * covariance)
        scale = per if measure == "difference" else 1.0
        events, at_risk = (np.where(used, own[column], 0.0).sum(axis=1) for column in ("events", "at_risk"))
        notes = [*faults(t, events, at_risk), *lacking, *absent]
        notes += _refusals(t, measure, other, used, one, two, over, method)
        endless = np.isnan(figures[2]).reshape(len(t.groups), -1).any(axis=1) & np.isfinite(figures[0])
        notes += few_people(events, np.where(used, own["variance"], 0.0).sum(axis=1))
        notes.append((endless, "the comparator is too uncertain for an upper limit", WARN))
        figures = tuple(figure * scale for figure in figures)
        frame = results(t.groups, figures, level, events, at_risk, [*notes, *remarks])
        frame = frame.assign(comparator=comparator, adjustment=adjustment(over), measure=measure)
        frames.append(frame[keep])
    columns = [*within, exposure, "comparator", "adjustment", "measure"]
    table = pd.concat(frames, ignore_index=True)
    return table[[*columns, *(column for column in table if column not in columns)]]


def adjustment(over: Sequence[str]) -> str:
    """Return the word for what a figure is adjusted for: ``crude``, ``age_sex``, ``age_sex_imd``."""
    names = {"age_band": "age", "sex": "sex", "imd_quintile": "imd"}
    order = [*names, *(column for column in over if column not in names)]
    return "_".join(names.get(column, column) for column in order if column in over) or "crude"


def _check(measures: Sequence[str], method: str, kind: str, standard: object, over: Sequence[str]) -> None:
    for name, value, allowed in (
        *(("measures", measure, MEASURES) for measure in measures),
        ("method", method, ("mover", "log")),
        ("kind", kind, ("rate", "percent")),
    ):
        if value not in allowed:
            raise PcrefError(f"{name}: '{value}' is not one of {', '.join(allowed)}.")
    if over and standard is None and set(measures) - {"excess"}:
        raise PcrefError("comparison: ratio and difference over strata need a standard; or ask for excess alone.")
    if standard is not None and not over:
        raise PcrefError("comparison: a standard needs `over`, the columns that it is given by.")


def _weights(
    cells: pd.DataFrame, reference: pd.DataFrame | None, standard: str | pd.DataFrame | None, over: Sequence[str]
) -> pd.DataFrame:
    """Return ``over`` plus ``weight``: the standard's strata, or the reference's or the cells' own."""
    if standard is not None:
        return resolve(cells, standard, over)
    seen = keys(cells if reference is None else reference, over)[1]
    return seen[~standards.unknown(seen, over).to_numpy()].reset_index(drop=True).assign(weight=1.0)


def _used(t: Tally, measure: str, missing_strata: str) -> tuple[np.ndarray, list[Remark]]:
    """Return the strata that a measure rests on: the standard's, or where the group has people."""
    if measure != "excess":
        return strata_used(t, missing_strata)
    used = ~(t.sums["at_risk"] <= 0)
    lost = np.where(used, 0.0, np.nan_to_num(t.sums["events"])).sum(axis=1)
    return used, [(lost > 0, lambda i: f"{said(lost[i], 'event')} where no one is at risk left out", TELL)]


def _sides(
    measure: str,
    own: Sums,
    other: Sums,
    used: np.ndarray,
    weight: np.ndarray,
    kind: str,
    level: float | Sequence[float],
) -> tuple[Side, Side, np.ndarray]:
    """Return the group's figure, the comparator's, and their covariance if the comparator holds the group."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if measure == "excess":
            shares = used * 1.0, np.where(used, own["at_risk"] / other["at_risk"], 0.0)
        else:
            part = used * weight / (used * weight).sum(axis=1, keepdims=True)
            shares = tuple(np.where(part > 0, part / sums["at_risk"], 0.0) for sums in (own, other))
        one, two = (
            mover.weighted(sums, share, kind == "percent", level)
            for sums, share in zip((own, other), shares, strict=True)
        )
        covariance = np.where(used, shares[0] * shares[1] * own["variance"], 0.0).sum(axis=1)
    return one, two, np.nan_to_num(covariance, posinf=0.0)


def _refusals(
    t: Tally,
    measure: str,
    other: Sums,
    used: np.ndarray,
    one: Side,
    two: Side,
    over: Sequence[str],
    method: str,
) -> list[Remark]:
    """Return why a comparison cannot be given though the group itself has people at risk."""
    missing = (used & (np.isnan(other["events"]) | np.isnan(other["at_risk"]))).any(axis=1)
    nobody = used & (other["at_risk"] <= 0)
    names = np.array(labels(t.strata), dtype=object)

    def where(i: int) -> str:
        if not over:
            return ""
        few = names[np.flatnonzero(nobody[i])]
        return f" in {', '.join(few)}" if len(few) <= 4 else f" in {len(few)} strata"

    remarks: list[Remark] = [
        (missing, "comparator: a count is missing", REFUSE),
        (nobody.any(axis=1), lambda i: f"comparator: no one at risk{where(i)}", REFUSE),
        (two.events == 0, "comparator: no events", REFUSE),
    ]
    if measure != "excess" and over:
        remarks += [
            (one.events < EXACT_BELOW, "fewer than ten events: not standardised", REFUSE),
            (two.events < EXACT_BELOW, "comparator: fewer than ten events: not standardised", REFUSE),
        ]
    elif measure == "ratio" and method == "log":
        remarks.append((one.events == 0, "no events: a log has no limits, see method mover", REFUSE))
    return remarks
