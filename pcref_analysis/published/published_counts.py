"""Everything that a run on published figures needs, as a few named frames; read once, saved beside other runs."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pandas as pd

from pcref_analysis.population import catchment, resident_counts
from pcref_analysis.published import (
    completeness,
    mental_health_act,
    organisations,
    other_boards,
    publisher_rounding,
    talking_therapies,
)
from pcref_analysis.published.mental_health_act import ENGLAND
from pcref_analysis.store.open_data import open_data_folder
from pcref_analysis.vocabulary.errors import NotPublishedError, PcrefError
from pcref_analysis.vocabulary.parameters import Parameters

FRAMES = (
    "counts",
    "cells",
    "population",
    "fit",
    "areas",
    "residents_by_age",
    "england_by_age",
    "deprivation",
    "unavailable",
    "completeness",
    "shares",
    "other_boards",
)
UNAVAILABLE = {  # what is not published by ethnic group where it would be wanted
    "section_136": "published by ethnic group for England only; a board has all short term orders together",
    "cto_starts": "published by ethnic group for England only",
    "repeat_detention": "published by ethnic group for England only",
    "restrictive_interventions": "published by provider and ethnic group, but not in the files at hand",
}


def load(parameters: Parameters) -> dict[str, pd.DataFrame]:
    """Return the published figures of a run.

    Parameters
    ----------
    parameters
        ``trust.ods_code`` and ``trust.icb_code``, ``period`` (2023-24 for the Mental Health Act; Talking Therapies
        are given for every year), ``age_bands``, ``imd_version`` and the folder ``open_data``.

    Returns
    -------
    dict of pandas.DataFrame
        ``counts``: counts by broad ethnic group of the board, the Trust and England, with the interval that
        rounding leaves (``rounding.COLUMNS``); ``own`` marks the run's own figure of an indicator: the board's rates
        and the Trust's own percentages. ``cells``: the same for the run's own area in the shape of cells,
        all ages and sexes together, suppressed events missing. ``population`` and ``areas``: the tables Population and
        Areas of the contracts. ``fit``: how exactly the census tables are met. ``residents_by_age`` and
        ``england_by_age``: for :func:`pcref_analysis.estimates.interval_counts.indirect`. ``deprivation``: detentions
        by
        deprivation decile, the board and England. ``unavailable``: ``indicator, area, reason``, a row for each figure
        that is not published for the area or lacks the run's year. ``completeness``: :func:`completeness.flags`,
        ``other_boards``: :func:`other_boards.prior`, and ``shares`` what the Trust reports of its board's detentions.

    Raises
    ------
    PcrefError
        If the folder, a file of the census or of the Mental Health Act is missing, the board is unknown, or nothing at
        all is published for it.
    """
    folder = open_data_folder(parameters)
    board, trust = parameters.trust.icb_code, parameters.trust.ods_code
    if parameters.period != mental_health_act.PERIOD:
        raise PcrefError(f"period: the Mental Health Act figures at hand are of {mental_health_act.PERIOD} only.")
    lsoas = catchment.lsoas(folder, board)
    residents, fit = resident_counts.build(folder, lsoas, parameters.age_bands, parameters.imd_version)
    counts, lacking = _counts(folder, board, trust, parameters.period)
    return {
        "counts": counts,
        "cells": _cells(counts),
        "population": residents,
        "fit": fit,
        "areas": catchment.areas(folder, lsoas, parameters.imd_version),
        "residents_by_age": resident_counts.by_age(folder, lsoas, mental_health_act.AGE_CUTS),
        "england_by_age": mental_health_act.england_by_age(folder),
        "deprivation": pd.concat(
            [mental_health_act.by_deprivation(folder, area).assign(area=area) for area in (board, ENGLAND)]
        ),
        "unavailable": lacking,
        "completeness": completeness.flags(folder, board, trust, parameters.period),
        "other_boards": other_boards.prior(folder, board, parameters.period, parameters.comparator),
        "shares": pd.DataFrame([completeness.shares(folder, board, trust)]),
    }


def save(parameters: Parameters, folder: Path) -> None:
    """Write the frames of :func:`load` into ``folder``, a Parquet file each."""
    for name, frame in load(parameters).items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)


def saved(folder: Path) -> dict[str, pd.DataFrame]:
    """Return the frames that :func:`save` wrote."""
    missing = [name for name in FRAMES if not (folder / f"{name}.parquet").is_file()]
    if missing:
        raise PcrefError(
            f"published figures: {', '.join(missing)} not in data/processed/{folder.name}. Run the report."
        )
    return {name: pd.read_parquet(folder / f"{name}.parquet") for name in FRAMES}


@lru_cache(maxsize=64)
def _read(folder: Path, indicator: str, area: str, kind: str) -> pd.DataFrame:
    """Return a published figure of an area, read once in a session (England stands beside every Trust)."""
    if indicator == "repeat_detention":
        return mental_health_act.repeat_detention(folder)
    if indicator in mental_health_act.MEASURES:
        return mental_health_act.by_ethnic_group(folder, area, indicator)
    return talking_therapies.by_ethnic_group(folder, area, kind, indicator)


def _counts(folder: Path, board: str, trust: str, period: str) -> tuple[pd.DataFrame, pd.DataFrame]:
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
            lacking.append((name, area, str(error)))
    if not parts:
        raise PcrefError(f"published figures: nothing is published for the board '{board}' in the files at hand.")
    counts = pd.concat(parts, ignore_index=True)[publisher_rounding.COLUMNS]
    rate = counts["measure"].eq("rate")
    counts = counts.assign(own=counts["area"].eq(board) & rate | counts["area"].eq(trust) & ~rate)
    counts["comparable"] = True  # with the years after it: a board's boundary has not changed since
    for until in organisations.reference("area_changed", board)["last_year"]:
        counts["comparable"] &= ~(counts["area"].eq(board) & rate & counts["period"].le(until))
    last = (
        counts[counts["own"]].groupby(["indicator", "area"])["period"].agg(["max", lambda years: period in set(years)])
    )
    for (name, area), (year, there) in zip(last.index, last.to_numpy(), strict=True):
        if not there:
            lacking.append((name, area, f"no figure of {period} is published for it; the last is of {year}"))
    return counts, pd.DataFrame(lacking, columns=["indicator", "area", "reason"])


def _cells(counts: pd.DataFrame) -> pd.DataFrame:
    """Return the run's own figures in the shape of cells; one of all ages, sexes and areas."""
    cells = counts.loc[counts["own"], ["indicator", "period", "ethnic_group", "events", "at_risk"]]
    cells = cells.reset_index(drop=True)
    cells.insert(3, "sex", "All")
    cells.insert(4, "age_band", "All")
    cells.insert(5, "imd_quintile", pd.array([pd.NA] * len(cells), dtype="Int64"))
    return cells.assign(events_sq=float("nan"), events_at_risk=float("nan"), at_risk_sq=float("nan"))


__all__ = ["FRAMES", "load", "open_data_folder", "save", "saved"]
