"""The folder of published open figures: where it is, which files are wanted, and who publishes them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import pandas as pd

from pcref_analysis.vocabulary.errors import NotPublishedError, PcrefError
from pcref_analysis.vocabulary.parameters import Parameters, project_path

ONS = "Office for National Statistics, Census 2021 (custom datasets and TS021)"
ONS_2011 = "Office for National Statistics, Census 2011 (LC2101EW)"
ONS_LOOKUP = "Office for National Statistics, LSOA 2011 to LSOA 2021 lookup"
MHCLG = "Ministry of Housing, Communities and Local Government, English Indices of Deprivation"
NHS_MHA = "NHS England, Mental Health Act Statistics, Annual Figures 2023-24"
NHS_TT = "NHS England, NHS Talking Therapies annual reports"
NHS_MHSDS = "NHS England, Mental Health Services Monthly Statistics"

PUBLISHERS = {
    "census2021_lsoa21_ethnic5.csv.gz": ONS,
    "census2021_msoa21_ethnic5_sex_age13.csv.gz": ONS,
    "census2021_lad21_ethnic19.csv": ONS,
    "census2021_england_ethnic5_sex_age13.csv": ONS,
    "census2011_england_ethnic18_sex_age21.csv": ONS_2011,
    "lookup_lsoa11_lsoa21_lad22.csv.gz": ONS_LOOKUP,
    "imd2025_lsoa21.csv.gz": MHCLG,
    "imd2019_lsoa11.csv.gz": MHCLG,
    "mha_2023_24_annual.csv.gz": NHS_MHA,
    "nhs_talking_therapies_annual_by_ethnic_group.csv.gz": NHS_TT,
}


ADDRESSES = {  # the page of each publication
    ONS: "https://www.ons.gov.uk/census",
    ONS_2011: "https://www.nomisweb.co.uk/census/2011/lc2101ew",
    ONS_LOOKUP: "https://geoportal.statistics.gov.uk",
    MHCLG: "https://www.gov.uk/government/collections/english-indices-of-deprivation",
    NHS_MHA: "https://digital.nhs.uk/data-and-information/publications/statistical/mental-health-act-statistics-annual-figures",
    NHS_TT: "https://digital.nhs.uk/data-and-information/publications/statistical/nhs-talking-therapies-for-anxiety-and-depression-annual-reports",
    NHS_MHSDS: "https://digital.nhs.uk/data-and-information/publications/statistical/mental-health-services-monthly-statistics",
}
REGISTERS = {  # a report is made without them
    "nhs_talking_therapies_annual_local_all_characteristics.csv.gz": NHS_TT,
    "nhs_trusts_ods_etr.csv": "NHS England, Organisation Data Service, etr",
    "icb24_codes.csv": "Office for National Statistics, integrated care boards 2024",
    "mhsds_monthly_provider_2021_22_restraint_detention_beds.csv.gz": NHS_MHSDS,
}
MONTHLY = {  # names of files that may be put there besides, one a month or one for many, and what they add
    "mhsds_monthly_data*.csv*": "detentions by the Trust itself, by ethnic group (MHS81)",
    "mhsds_restrictive_interventions*.csv*": "people restrained per 1,000 bed days, by ethnic group (MHS76, 77, 96)",
}
RESIDENTS = tuple(name for name, who in PUBLISHERS.items() if who not in (NHS_MHA, NHS_TT))  # what residents rest on


def open_data_folder(parameters: Parameters, wanted: Sequence[str] = tuple(PUBLISHERS)) -> Path:
    """Return the folder that holds the published figures, with every wanted file in it.

    The variable ``PCREF_OPEN_DATA`` wins; then ``open_data`` of the parameters file, relative to the project.

    Raises
    ------
    PcrefError
        If the folder or a file is missing: which files, from which publisher, and where to put them.
    """
    return folder_named(parameters.open_data, wanted)


def folder_of_some(parameters: Parameters) -> Path:
    """Return the folder that holds the published figures, with any of the files in it.

    Raises
    ------
    PcrefError
        As :func:`open_data_folder`, if the folder is missing or holds none of them.
    """
    folder = folder_named(parameters.open_data, ())
    if not any((folder / name).is_file() for name in PUBLISHERS):
        open_data_folder(parameters)
    return folder


def folder_named(given: str, wanted: Sequence[str]) -> Path:
    """Return the folder of published figures by its name (``PCREF_OPEN_DATA`` wins), with every wanted file in it.

    Raises
    ------
    PcrefError
        As :func:`open_data_folder`.
    """
    named = os.environ.get("PCREF_OPEN_DATA") or given
    if not named:
        raise PcrefError(_wanted(list(wanted), "the parameter open_data is empty", "a folder of your choice"))
    folder = project_path(named).resolve()
    missing = [name for name in wanted if not (folder / name).is_file()]
    if missing:
        why = f"{len(missing)} file(s) are not in" if folder.is_dir() else "there is no folder"
        raise PcrefError(_wanted(missing, f"{why} '{named}'", f"'{named}'"))
    return folder


def read(folder: Path, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read one of the files in :data:`PUBLISHERS`; only an empty cell is missing (``NULL`` is a text here).

    A file that has not changed is read once in a session; what is returned is the caller's own.

    Raises
    ------
    NotPublishedError
        If the file is missing: of a run on published figures it costs what rests on it, and nothing else.
    PcrefError
        If the file cannot be read, or lacks one of ``columns``.
    """
    path = Path(folder) / name
    if not path.is_file():
        who = (PUBLISHERS | REGISTERS).get(name, "see docs/published-figures.md")
        raise NotPublishedError(f"published figures: the file {name} is not in their folder ({who})")
    facts = path.stat()
    table = _parsed(path, facts.st_mtime_ns, facts.st_size)
    lacking = [column for column in columns or () if column not in table]
    if lacking:
        raise PcrefError(f"open data: {name} has no column {', '.join(lacking)}. Copy it again from the publisher.")
    return table[list(columns)].copy() if columns else table.copy()


def contents(folder: Path, name: str) -> str:
    """Return what a published file holds, in words: rows, and the years that it covers where it names them.

    Raises
    ------
    PcrefError
        If it cannot be read, has no rows, or a yearly one lacks the column of its year or of organisations.
    """
    table = read(folder, name)
    if table.empty:
        raise PcrefError(
            f"open data: {name} has no rows. Copy it again from the publisher ({ADDRESSES[PUBLISHERS[name]]})."
        )
    if PUBLISHERS[name] not in (NHS_MHA, NHS_TT):
        return f"{len(table):,} rows"
    year = "year" if PUBLISHERS[name] == NHS_MHA else "reporting_period"
    table = read(folder, name, [year, "org_code"])
    years = sorted(table[year].dropna().astype(str).str.replace("/", "-").unique())
    covered = " to ".join(dict.fromkeys([years[0], years[-1]]))
    return f"{len(table):,} rows of {table['org_code'].nunique():,} organisations, {covered}"


def besides(folder: Path) -> list[str]:
    """Return a line for each kind of :data:`MONTHLY` file: how many are here, or what it would add and from where."""
    said = []
    for pattern, adds in MONTHLY.items():
        here = len(list(Path(folder).glob(pattern)))
        state = f"{here} file(s) here" if here else f"not here; would add {adds}"
        said.append(f"{pattern}: {state} ({NHS_MHSDS}, {ADDRESSES[NHS_MHSDS]})")
    return said


@lru_cache(maxsize=len(PUBLISHERS))
def _parsed(path: Path, changed: int, size: int) -> pd.DataFrame:
    try:
        return pd.read_csv(path, keep_default_na=False, na_values=[""], encoding="utf-8")
    except (ValueError, OSError, EOFError) as error:
        raise PcrefError(
            f"open data: {path.name} cannot be read as the table that is expected ({type(error).__name__}). "
            "Copy it again and do not edit it in a spreadsheet."
        ) from None


def _wanted(names: list[str], why: str, where: str) -> str:
    by_publisher: dict[str, list[str]] = {}
    for name in names:
        by_publisher.setdefault((PUBLISHERS | REGISTERS)[name], []).append(name)
    lines = [
        f"  {who}: {', '.join(files)}" + (f" ({ADDRESSES[who]})" if who in ADDRESSES else "")
        for who, files in by_publisher.items()
    ]
    last = f"Put them into {where}, or let the variable PCREF_OPEN_DATA name their folder (docs/published-figures.md)."
    return "\n".join([f"open data: {why}. Wanted:", *lines, last])
