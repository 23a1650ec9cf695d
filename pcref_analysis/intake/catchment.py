"""A catchment: its small areas (LSOA 2021 or 2011), their districts, and how deprived they are."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from pcref_analysis.intake import open_data
from pcref_analysis.vocabulary.errors import PcrefError

CENSUS_GROUPS = ("White", "Mixed", "Asian", "Black", "Other")  # the census' five, Chinese in Asian
_LSOA_FILE = "census2021_lsoa21_ethnic5.csv.gz"


def lsoas(folder: Path, icb_code: str) -> list[str]:
    """Return the LSOA 2021 codes of an integrated care board (2024 boundaries).

    Raises
    ------
    PcrefError
        If no LSOA belongs to the code.
    """
    table = open_data.read(folder, _LSOA_FILE, usecols=["lsoa21_code", "icb24_ods_code"])
    found = table.loc[table["icb24_ods_code"] == icb_code, "lsoa21_code"]
    if found.empty:
        codes = ", ".join(sorted(table["icb24_ods_code"].dropna().unique()))
        raise PcrefError(f"trust.icb_code: '{icb_code}' is not an integrated care board. Possible are {codes}.")
    return found.tolist()


def residents(folder: Path) -> pd.DataFrame:
    """Return all LSOAs 2021 of England: ``lsoa, lad, msoa_name`` and residents by census broad group.

    The name of an LSOA is the name of its MSOA and a letter, which is how the two are matched.
    """
    table = open_data.read(folder, _LSOA_FILE)
    names = open_data.read(folder, "imd2025_lsoa21.csv.gz", usecols=["lsoa21_code", "lsoa21_name"])
    lads = open_data.read(folder, "lookup_lsoa11_lsoa21_lad22.csv.gz", usecols=["lsoa21_code", "lad22_code"])
    table = table.merge(names, on="lsoa21_code", validate="one_to_one").merge(
        lads.drop_duplicates("lsoa21_code"), on="lsoa21_code", validate="one_to_one"
    )
    table = table.rename(columns={"lsoa21_code": "lsoa", "lad22_code": "lad"} | {g.lower(): g for g in CENSUS_GROUPS})
    table["msoa_name"] = table["lsoa21_name"].str[:-1]
    return table[["lsoa", "lad", "msoa_name", *CENSUS_GROUPS]]
