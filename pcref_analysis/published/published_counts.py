"""Everything that a run on published figures needs, as a few named frames; read once, saved beside other runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import pandas as pd

from pcref_analysis.estimates import interval_counts
from pcref_analysis.population import catchment, resident_counts
from pcref_analysis.published import (
    completeness,
    context,
    mental_health_act,
    organisations,
    other_boards,
    publisher_rounding,
    talking_therapies,
)
from pcref_analysis.published.mental_health_act import ENGLAND
from pcref_analysis.store import open_data
from pcref_analysis.vocabulary.errors import NotPublishedError, PcrefError
from pcref_analysis.vocabulary.parameters import Parameters

COMPLETE = "Whether records are complete"
ELSEWHERE = "The same ethnic group in the other boards"
AGES = "Allowing for age"
GROWTH = "How groups grew since 2011"
UNAVAILABLE = {  # what is not published by ethnic group where it would be wanted
    "section_136": "in the file at hand by ethnic group for England only; a board has all short term orders together",
    "cto_starts": "in the file at hand by ethnic group for England only",
    "repeat_detention": "in the file at hand by ethnic group for England only",
}


def load(parameters: Parameters) -> dict[str, pd.DataFrame]:
    """Return the published figures of a run.

    Parameters
    ----------
    parameters
        ``trust.ods_code`` and ``trust.icb_code``, ``period`` (any year that one of the files holds; the others are
        given too, and said to lack it), ``comparator``, ``level`` and the folder ``open_data``.

    Returns
    -------
    dict of pandas.DataFrame
        ``counts``: counts by broad ethnic group of the board, the Trust and England, with the interval that
        rounding leaves (``rounding.COLUMNS``); ``own`` marks the run's own figure of an indicator: the board's rates
        and the Trust's own percentages. ``cells``: the same for the run's own area in the shape of cells,
        all ages and sexes together, suppressed events missing. ``residents_by_age`` and ``england_by_age``: for
        :func:`pcref_analysis.estimates.interval_counts.indirect`. ``unavailable``: ``indicator, area, reason``, a row
        for each figure that is not published for the area, lacks the run's year, or whose file is not at hand; also
        for what was not looked at for want of a file. ``completeness``: :func:`completeness.low` and
        :func:`completeness.fallen`, ``other_boards``: :func:`other_boards.prior`,
        ``board_ratios``: :func:`other_boards.each`, ``shares`` what the Trust
        reports of its board's detentions, and ``context``: :mod:`pcref_analysis.published.context`.

    Raises
    ------
    PcrefError
        If the folder is missing or empty, the board is unknown, or nothing at all is published for it or for the year.

    Notes
    -----
    A file that is missing costs the figures that rest on it, and never the others.
    """
    folder = open_data.folder_of_some(parameters)
    board, trust, period = parameters.trust.icb_code, parameters.trust.ods_code, parameters.period
    counts, lacking = _counts(folder, board, trust, period, parameters.level)
    gone = [lacking]

    def had(name: str, columns: Sequence[str], make: Callable[..., pd.DataFrame], *given: object) -> pd.DataFrame:
        try:
            return make(*given)
        except NotPublishedError as error:
            gone.append(pd.DataFrame([(name, "", _reason(error))], columns=list(lacking)))
            return pd.DataFrame(columns=list(columns))

    def own_share() -> pd.DataFrame:
        return pd.DataFrame([completeness.shares(folder, board, trust)])

    def by_age() -> pd.DataFrame:
        return resident_counts.by_age(folder, catchment.lsoas(folder, board), mental_health_act.AGE_CUTS)

    alike, sources = (parameters.comparator, parameters.level), (other_boards.ACT, other_boards.THERAPIES)
    act = mental_health_act.england_by_age
    frames = {
        "residents_by_age": had(AGES, ["ethnic_group", "sex", "age_band", "residents"], by_age),
        "england_by_age": had(AGES, ["age_band", "events", "at_risk"], act, folder),
        "shares": had("Detentions of the Trust and of its board", ["trust", "board", "period"], own_share),
    }
    whole = [
        had(COMPLETE, completeness.COLUMNS, completeness.low, folder, board, period),
        had(COMPLETE, completeness.COLUMNS, completeness.fallen, folder, board, trust, period),
    ]
    elsewhere, funnel = (
        [had(ELSEWHERE, columns, make, folder, source, board, period, *alike) for source in sources]
        for columns, make in ((other_boards.COLUMNS, other_boards.prior), (other_boards.EACH, other_boards.each))
    )
    level, columns = parameters.level, context.COLUMNS
    besides = [
        had(context.ROUTES, columns, context.routes, folder, board, *alike),
        had(context.DETAILED, columns, context.detailed, folder, trust, period, level),
        had(context.CHARACTERISTICS, columns, context.characteristics, folder, trust, period, level),
        *(
            had(part, columns, context.monthly, folder, trust, name, period, *alike)
            for name, (part, _) in context.MONTHLY.items()
        ),
        had(context.RESTRAINT_2021_22, columns, context.restraint_2021_22, folder, trust, level),
    ]
    return frames | {
        "context": _together(besides),
        "counts": counts,
        "cells": _cells(counts),
        "completeness": _together(whole),
        "other_boards": _together(elsewhere),
        "board_ratios": _together(funnel),
        "unavailable": pd.concat(gone, ignore_index=True).drop_duplicates(ignore_index=True),
    }


def save(parameters: Parameters, folder: Path) -> None:
    """Write the frames of :func:`load` into ``folder``, a Parquet file each."""
    for name, frame in load(parameters).items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)


@lru_cache(maxsize=64)
def _read(folder: Path, indicator: str, area: str, kind: str) -> pd.DataFrame:
    """Return a published figure of an area, read once in a session (England stands beside every Trust)."""
    if indicator == "repeat_detention":
        return mental_health_act.repeat_detention(folder)
    if indicator in mental_health_act.MEASURES:
        return mental_health_act.by_ethnic_group(folder, area, indicator)
    return talking_therapies.by_ethnic_group(folder, area, kind, indicator)


def _counts(
    folder: Path, board: str, trust: str, period: str, level: float = 0.95
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what is published, and what is not with the reason: a figure that lacks costs its indicator alone."""
    asked = [(name, board, "icb") for name in mental_health_act.MEASURES if name not in UNAVAILABLE]
    asked += [(name, ENGLAND, "act") for name in (*mental_health_act.MEASURES, "repeat_detention")]
    for name, (_, percent) in talking_therapies.MEASURES.items():
        asked += [(name, board, "icb"), (name, ENGLAND, "england")] + ([(name, trust, "provider")] if percent else [])
    parts, lacking = [], [(name, "", reason) for name, reason in UNAVAILABLE.items()]
    for name, area, kind in asked:
        try:
            parts.append(_read(folder, name, area, kind))
        except NotPublishedError as error:
            lacking.append((name, area, _reason(error)))
    if not any(part["area"].ne(ENGLAND).any() for part in parts):
        raise PcrefError(f"published figures: nothing is published for the board '{board}' in the files at hand.")
    counts = pd.concat(parts, ignore_index=True)[publisher_rounding.COLUMNS]
    rate = counts["measure"].eq("rate")
    counts = counts.assign(own=counts["area"].eq(board) & rate | counts["area"].eq(trust) & ~rate)
    counts["comparable"] = True  # with the years after it: a board's boundary has not changed since
    for until in organisations.reference("area_changed", board)["last_year"]:
        counts["comparable"] &= ~(counts["area"].eq(board) & rate & counts["period"].le(until))
    england = counts[counts["area"].eq(ENGLAND) & counts["at_risk"].notna()]
    counts = interval_counts.with_england(counts, england, ["indicator", "period", "ethnic_group"], level)
    counts["growth"] = 1.0  # of residents in a year, which are of one census for every year
    try:
        counts["growth"] = (
            counts["ethnic_group"].map(resident_counts.yearly_growth(folder)).where(counts["own"] & rate, 1)
        )
    except NotPublishedError as error:
        lacking.append((GROWTH, "", _reason(error)))
    have = counts[counts["own"]].groupby(["indicator", "area"])["period"].agg(list)
    if period not in (there := sorted(set(have.sum()))):
        raise PcrefError(f"period: no figure of {period} is at hand; there are those of {', '.join(there)}.")
    for (name, area), known in have.items():
        if period not in known:
            last = (
                f"the last is of {max(known)}"
                if max(known) < period
                else f"there are those of {', '.join(sorted(set(known)))}"
            )
            lacking.append((name, area, f"no figure of {period} is published for it; {last}"))
    newest = counts[counts["own"]].groupby(["indicator", "area"])["period"].transform(_newest)
    counts["comparable"] &= ~(newest.gt(period).reindex(counts.index, fill_value=False) & counts["period"].gt(period))
    return counts, pd.DataFrame(lacking, columns=["indicator", "area", "reason"])


def _newest(periods: pd.Series) -> str:
    """Return the first of the newest years that are added up (:func:`interval_counts.pooled`)."""
    return sorted(periods.unique())[-interval_counts.YEARS :][0]


def _reason(error: Exception) -> str:
    return str(error).removeprefix("published figures: ").rstrip(".")


def _together(parts: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def _cells(counts: pd.DataFrame) -> pd.DataFrame:
    """Return the run's own figures in the shape of cells; one of all ages, sexes and areas."""
    cells = counts.loc[counts["own"], ["indicator", "period", "ethnic_group", "events", "at_risk"]]
    cells = cells.reset_index(drop=True)
    cells.insert(3, "sex", "All")
    cells.insert(4, "age_band", "All")
    cells.insert(5, "imd_quintile", pd.array([pd.NA] * len(cells), dtype="Int64"))
    return cells.assign(events_sq=float("nan"), events_at_risk=float("nan"), at_risk_sq=float("nan"))
