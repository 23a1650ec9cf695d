"""Everything that a run on published figures needs, as a few named frames; read once, saved beside other runs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from pcref_analysis.population import catchment, resident_counts
from pcref_analysis.published import mental_health_act, publisher_rounding, talking_therapies
from pcref_analysis.published.mental_health_act import ENGLAND
from pcref_analysis.store.open_data import open_data_folder
from pcref_analysis.vocabulary.errors import PcrefError
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
)
UNAVAILABLE = {  # what is not published by ethnic group where it would be wanted
    "section_136": "published by ethnic group for England only; a board has all short term orders together",
    "cto_starts": "published by ethnic group for England only",
    "repeat_detention": "published by ethnic group for England only",
    "restrictive_interventions": "not published by ethnic group for a provider or board in the files at hand",
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
        deprivation decile, the board and England. ``unavailable``: ``indicator, reason``.

    Raises
    ------
    PcrefError
        If the folder or a file is missing, or the board, Trust or period is not in them.
    """
    folder = open_data_folder(parameters)
    board, trust = parameters.trust.icb_code, parameters.trust.ods_code
    if parameters.period != mental_health_act.PERIOD:
        raise PcrefError(f"period: the Mental Health Act figures at hand are of {mental_health_act.PERIOD} only.")
    lsoas = catchment.lsoas(folder, board)
    residents, fit = resident_counts.build(folder, lsoas, parameters.age_bands, parameters.imd_version)
    counts = _counts(folder, board, trust)
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
        "unavailable": pd.DataFrame(UNAVAILABLE.items(), columns=["indicator", "reason"]),
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


def _counts(folder: Path, board: str, trust: str) -> pd.DataFrame:
    acts = [("detentions", board), ("short_term_orders", board), ("detentions", ENGLAND)]
    acts += [("short_term_orders", ENGLAND), ("section_136", ENGLAND), ("cto_starts", ENGLAND)]
    parts = [mental_health_act.by_ethnic_group(folder, area, indicator) for indicator, area in acts]
    parts.append(mental_health_act.repeat_detention(folder))
    for indicator, (_, percent) in talking_therapies.MEASURES.items():
        places = [(board, "icb"), (ENGLAND, "england")] + ([(trust, "provider")] if percent else [])
        parts += [talking_therapies.by_ethnic_group(folder, *place, indicator) for place in places]
    counts = pd.concat(parts, ignore_index=True)[publisher_rounding.COLUMNS]
    rate = counts["measure"].eq("rate")
    return counts.assign(own=counts["area"].eq(board) & rate | counts["area"].eq(trust) & ~rate)


def _cells(counts: pd.DataFrame) -> pd.DataFrame:
    """Return the run's own figures in the shape of cells; one of all ages, sexes and areas."""
    cells = counts.loc[counts["own"], ["indicator", "period", "ethnic_group", "events", "at_risk"]]
    cells = cells.reset_index(drop=True)
    cells.insert(3, "sex", "All")
    cells.insert(4, "age_band", "All")
    cells.insert(5, "imd_quintile", pd.array([pd.NA] * len(cells), dtype="Int64"))
    return cells.assign(events_sq=float("nan"), events_at_risk=float("nan"), at_risk_sq=float("nan"))


__all__ = ["FRAMES", "load", "open_data_folder", "save", "saved"]
