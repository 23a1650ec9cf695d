"""A catchment: its small areas (LSOA 2021 or 2011), their districts, and how deprived they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pcref_analysis.store import open_data
from pcref_analysis.vocabulary.errors import PcrefError

LSOAS_RANKED = {2019: 32_844, 2025: 33_755}
_LSOA_FILE = "census2021_lsoa21_ethnic5.csv.gz"
_LOOKUP = "lookup_lsoa11_lsoa21_lad22.csv.gz"
_IMD = {2019: ("imd2019_lsoa11.csv.gz", "lsoa11_code"), 2025: ("imd2025_lsoa21.csv.gz", "lsoa21_code")}


def lsoas(folder: Path, icb_code: str) -> list[str]:
    """Return the LSOA 2021 codes of an integrated care board (2024 boundaries).

    Raises
    ------
    PcrefError
        If no LSOA belongs to the code.
    """
    table = open_data.read(folder, _LSOA_FILE, columns=["lsoa21_code", "icb24_ods_code"])
    found = table.loc[table["icb24_ods_code"] == icb_code, "lsoa21_code"]
    if found.empty:
        codes = ", ".join(boards(folder))
        raise PcrefError(f"trust.icb_code: '{icb_code}' is not an integrated care board. Possible are {codes}.")
    return found.tolist()


def boards(folder: Path) -> list[str]:
    """Return the codes of the 42 integrated care boards (2024)."""
    table = open_data.read(folder, _LSOA_FILE, columns=["icb24_ods_code"])
    return sorted(table["icb24_ods_code"].dropna().unique())


def within(table: pd.DataFrame, codes: Sequence[str] | None) -> pd.DataFrame:
    """Return the rows of ``table`` whose ``lsoa`` is in the catchment; ``None`` keeps all.

    Raises
    ------
    PcrefError
        If there is no code, or some are not in the table: how many, never which.
    """
    if codes is None:
        return table
    wanted = set(codes)
    found = table[table["lsoa"].isin(wanted)]
    odd = len(wanted) - found["lsoa"].nunique()
    if odd or not wanted:
        raise PcrefError(f"catchment: {odd or 'all'} of {len(wanted)} areas are not LSOA 2021 codes of England.")
    return found


def areas(
    folder: Path, codes: Sequence[str] | None, imd_version: int = 2025, lsoa_year: int | None = None
) -> pd.DataFrame:
    """Return the catchment's small areas with their deprivation quintile: ``lsoa, imd_quintile``.

    Parameters
    ----------
    codes
        LSOA 2021 codes of the catchment; None is all England.
    imd_version
        2025 (ranked on LSOA 2021) or 2019 (ranked on LSOA 2011); quintile 1 is the most deprived.
    lsoa_year
        The year of the codes in the extract, 2011 or 2021; by default the year that the version ranks.

    Notes
    -----
    An area of the other year takes the mean rank of the areas that it was made from or cut into, weighted
    by their residents in 2021 where known (2025 on LSOA 2011) and equally where not (2019 on merged LSOA
    2021), read on the same fifths. An area that was cut keeps its parent's quintile.
    """
    links = _links(folder, codes, imd_version)
    own = {2011: "lsoa11", 2021: "lsoa"}[lsoa_year or {2019: 2011, 2025: 2021}[imd_version]]
    mean = links["imd_rank"].mul(links["weight"]).groupby(links[own]).sum() / links.groupby(own)["weight"].sum()
    quintile = np.ceil(mean * 5 / LSOAS_RANKED[imd_version]).astype("Int64")
    return quintile.rename("imd_quintile").rename_axis("lsoa").reset_index()


def quintile_shares(folder: Path, codes: Sequence[str], imd_version: int = 2025) -> pd.DataFrame:
    """Return ``lsoa, imd_quintile, share``: how each LSOA 2021 divides between the quintiles of the version.

    Only an LSOA 2021 that was merged from LSOAs 2011 of different quintiles divides (2019): equally between
    them, since their residents apart are not published for 2021.
    """
    links = _links(folder, codes, imd_version)
    kind = "lsoa11" if imd_version == 2019 else "lsoa"
    links = links.drop_duplicates(["lsoa", kind])
    links["imd_quintile"] = np.ceil(links["imd_rank"] * 5 / LSOAS_RANKED[imd_version]).astype("Int64")
    links["share"] = 1 / links.groupby("lsoa")["lsoa"].transform("size")
    return links.groupby(["lsoa", "imd_quintile"], as_index=False)["share"].sum()


def _links(folder: Path, codes: Sequence[str] | None, imd_version: int) -> pd.DataFrame:
    """Return the catchment's pairs of LSOA 2021 and LSOA 2011 with the rank and the weight of the ranked one."""
    name, code = _IMD[imd_version]
    ranks = open_data.read(folder, name, columns=[code, "imd_rank"])
    people = open_data.read(folder, _LSOA_FILE, columns=["lsoa21_code", "total_residents"])
    pairs = open_data.read(folder, _LOOKUP, columns=["lsoa11_code", "lsoa21_code"])
    pairs = pairs.merge(ranks, on=code, validate="many_to_one").merge(people, on="lsoa21_code", validate="many_to_one")
    pairs["weight"] = pairs["total_residents"] if imd_version == 2025 else 1
    pairs = pairs.rename(columns={"lsoa21_code": "lsoa", "lsoa11_code": "lsoa11"})
    return within(pairs, codes).reset_index(drop=True)
