"""Residents and areas for an extract that brings none: made of published tables, or a sentence why not.

Without them every rate among residents is not available; a Trust's own records cannot say who lives around it.
"""

from __future__ import annotations

import ibis
import pandas as pd

from pcref_analysis.extract import breach_report
from pcref_analysis.extract.schema import POPULATION_TABLES
from pcref_analysis.extract.validate import PopulationTables
from pcref_analysis.population import resident_counts
from pcref_analysis.store import open_data
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import Parameters

FIT = ["margin", "cells", "people", "largest_difference", "rounds"]
WITHOUT = "Indicators among residents are not available"


def of(parameters: Parameters, raw: dict[str, ibis.Table]) -> PopulationTables:
    """Return the tables of residents and areas that an extract lacks, if they can be made.

    Parameters
    ----------
    parameters
        ``trust.icb_code`` is the catchment, ``open_data`` the folder of published tables.
    raw
        The tables of the extract. A table with column names and no rows (a blank template) counts as lacking.

    Raises
    ------
    PcrefError
        If ``trust.icb_code`` is no integrated care board.
    """
    deprivation = _deprivation(parameters)
    have = [name for name in POPULATION_TABLES if name in raw and breach_report.count(raw[name])]
    if len(have) == len(POPULATION_TABLES):
        return _none("")._replace(deprivation=deprivation)
    if have:
        (other,) = set(POPULATION_TABLES) - set(have)
        return _none(
            f"the extract holds {have[0]} and not {other}. {WITHOUT}: bring both, of one catchment, or neither, to "
            "have them made of published tables."
        )
    if not parameters.trust.icb_code:
        return _none(
            f"trust.icb_code is not set, so that the catchment is not known. {WITHOUT}. Set it, or bring both tables."
        )
    try:
        open_data.open_data_folder(parameters, open_data.RESIDENTS)
    except PcrefError as error:
        first, *_ = str(error).splitlines()
        why = first.removeprefix("open data: ").removesuffix(" Wanted:").rstrip(".")
        return _none(f"{why}. {WITHOUT}. Put the files there (docs/published-figures.md), or bring both tables.")
    tables, fit = resident_counts.tables(parameters)
    people = tables["Population"]["residents"].sum()
    said = (
        f"made of the census of 2021 and the Indices of Deprivation {parameters.imd_version} for the board "
        f"{parameters.trust.icb_code}: {people:,.0f} residents. How exactly they meet the published tables stands in "
        "notebook 00."
    )
    return PopulationTables(tables, fit[FIT], said, deprivation)


def _deprivation(parameters: Parameters) -> pd.DataFrame:
    """Return the deprivation of all England's areas, of both LSOA years; none where the files are not here.

    The invented Trust lies nowhere: its people live outside its catchment in areas that do not exist.
    """
    if parameters.source.kind == "demo":
        return pd.DataFrame({"lsoa": [], "imd_quintile": []})
    try:
        folder = open_data.open_data_folder(parameters, open_data.RESIDENTS)
    except PcrefError:
        return pd.DataFrame({"lsoa": [], "imd_quintile": []})
    return resident_counts.areas(folder, None, parameters.imd_version)


def _none(said: str) -> PopulationTables:
    return PopulationTables({}, pd.DataFrame(columns=FIT), said)
