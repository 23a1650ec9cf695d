"""Census tables as the analysis needs them: long, with the districts, groups and ages named in one way."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from pcref_analysis.store import open_data
from pcref_analysis.vocabulary import ethnicity
from pcref_analysis.vocabulary.errors import PcrefError

GROUPS = ("White", "Mixed", "Asian", "Black", "Other")  # the census' five broad groups, Chinese in Asian
AGES = (
    *("0-15", "16-19", "20-21", "22-24", "25-29", "30-34", "35-39", "40-44", "45-49", "50-54", "55-59", "60-64"),
    "65+",
)
_MATCH_LIMIT = 50  # people over five groups; the census' perturbation stays below 34 in all England
_DETAIL_2011 = {
    "White: English/Welsh/Scottish/Northern Irish/British": "White British",
    "White: Irish": "White Irish",
    "White: Gypsy or Irish Traveller": "Any other White background",
    "White: Other White": "Any other White background",
    "Mixed/multiple ethnic group: White and Black Caribbean": "White and Black Caribbean",
    "Mixed/multiple ethnic group: White and Black African": "White and Black African",
    "Mixed/multiple ethnic group: White and Asian": "White and Asian",
    "Mixed/multiple ethnic group: Other Mixed": "Any other Mixed background",
    "Asian/Asian British: Indian": "Indian",
    "Asian/Asian British: Pakistani": "Pakistani",
    "Asian/Asian British: Bangladeshi": "Bangladeshi",
    "Asian/Asian British: Other Asian": "Any other Asian background",
    "Other ethnic group: Chinese": "Chinese",  # as the source file labels it; in the census it is Asian
    "Black/African/Caribbean/Black British: African": "African",
    "Black/African/Caribbean/Black British: Caribbean": "Caribbean",
    "Black/African/Caribbean/Black British: Other Black": "Any other Black background",
    "Other ethnic group: Arab": "Any other ethnic group",
    "Other ethnic group: Any other ethnic group": "Any other ethnic group",
}


def lsoa_residents(folder: Path) -> pd.DataFrame:
    """Return all LSOAs 2021 of England: ``lsoa, lad, msoa_name`` and residents by census broad group.

    The name of an LSOA is the name of its MSOA and a letter, which is how the two are matched.
    """
    return _lsoa_residents(folder).copy()


@lru_cache(maxsize=2)
def _lsoa_residents(folder: Path) -> pd.DataFrame:
    table = open_data.read(folder, "census2021_lsoa21_ethnic5.csv.gz")
    names = open_data.read(folder, "imd2025_lsoa21.csv.gz", columns=["lsoa21_code", "lsoa21_name"])
    lads = open_data.read(folder, "lookup_lsoa11_lsoa21_lad22.csv.gz", columns=["lsoa21_code", "lad22_code"])
    table = table.merge(names, on="lsoa21_code", validate="one_to_one").merge(
        lads.drop_duplicates("lsoa21_code"), on="lsoa21_code", validate="one_to_one"
    )
    table = table.rename(columns={"lsoa21_code": "lsoa", "lad22_code": "lad"} | {g.lower(): g for g in GROUPS})
    table["msoa_name"] = table["lsoa21_name"].str[:-1]
    return table[["lsoa", "lad", "msoa_name", *GROUPS]]


def msoa_ages(folder: Path, lads: set[str]) -> pd.DataFrame:
    """Return ``lad, msoa, census_group5, sex, age, residents`` of whole districts."""
    table = open_data.read(folder, "census2021_msoa21_ethnic5_sex_age13.csv.gz")
    table = table[table["lad22_code"].isin(lads)].rename(columns={"lad22_code": "lad", "msoa21_code": "msoa"})
    return _long(table, ["lad", "msoa"])


def england_ages(folder: Path) -> pd.DataFrame:
    """Return ``census_group5, sex, age, residents`` of England."""
    return _long(open_data.read(folder, "census2021_england_ethnic5_sex_age13.csv"), [])


def _long(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    names = {"age_" + age.replace("-", "_").replace("+", "_plus"): age for age in AGES}
    table = table.rename(columns={"ethnic_group5": "census_group5"} | names)
    return table.melt([*keys, "census_group5", "sex"], list(AGES), var_name="age", value_name="residents")


def shapes_2011(folder: Path, detail_shape: str) -> pd.DataFrame:
    """Return the share of each detailed group in its census broad group by sex and age, England 2011."""
    table = _of_2011(folder)
    table["age"] = table["age_group"].map(_age_2011)
    table = table.explode("age").groupby(["ethnic_group", "sex", "age"], as_index=False)["residents"].sum()
    broad = ethnicity.census_crosswalk().drop_duplicates("ethnic_group").set_index("ethnic_group")
    table["census_group5"] = table["ethnic_group"].map(broad["census_broad_group"])
    keys = ["census_group5"] if detail_shape == "broad" else ["census_group5", "sex", "age"]
    if detail_shape == "broad":
        table["residents"] = table.groupby("ethnic_group")["residents"].transform("sum")
    table["share"] = table["residents"] / table.groupby(keys)["residents"].transform("sum")
    return table.drop(columns="residents")


def england_2011(folder: Path) -> pd.Series:
    """Return residents of England in 2011 by broad group of the NHS basis (Chinese in Other)."""
    table = _of_2011(folder)
    groups = ethnicity.to_broad(table["ethnic_group"])
    return table["residents"].groupby(groups.rename("ethnic_group")).sum()


def _of_2011(folder: Path) -> pd.DataFrame:
    table = open_data.read(folder, "census2011_england_ethnic18_sex_age21.csv")
    return table[table["is_subtotal"] == 0].assign(ethnic_group=lambda rows: rows["ethnic_group"].map(_DETAIL_2011))


def _age_2011(label: str) -> list[str]:
    """Return the ages of the 2021 tables that a band of the 2011 table stands for."""
    start = int(label.split()[0])
    if label == "20 to 24":
        return ["20-21", "22-24"]  # one band in 2011: both take its shares between detailed groups
    return [max((age for age in AGES if first_year(age) <= start), key=first_year)]


def first_year(age: str) -> int:
    """Return the first year of an age band such as ``16-19`` or ``65+``."""
    return int(age.rstrip("+").split("-")[0])


def match_msoas(areas: pd.DataFrame, msoas: pd.DataFrame) -> pd.DataFrame:
    """Return ``lad, msoa_name, msoa``: which MSOA code belongs to which name, by district.

    The open files give MSOA codes in one table and LSOA names in another, and no lookup. Within a district
    the residents by ethnic group identify each MSOA; the assignment with the least total difference is taken.

    ``areas`` are those of :func:`lsoa_residents`, whole districts; ``msoas`` hold ``lad, msoa`` and residents by census
    broad group.

    Raises
    ------
    PcrefError
        If an MSOA is left without a match, or a match differs by more than the census' perturbation can.
    """
    by_name = areas.groupby(["lad", "msoa_name"], as_index=False)[list(GROUPS)].sum()
    found = []
    for lad, names in by_name.groupby("lad"):
        codes = msoas[msoas["lad"] == lad]
        left, right = names[list(GROUPS)].to_numpy(), codes[list(GROUPS)].to_numpy()
        distance = np.abs(left[:, None, :] - right[None, :, :]).sum(axis=2)
        row, column = linear_sum_assignment(distance)
        if len(left) != len(right) or distance[row, column].max() > _MATCH_LIMIT:
            raise PcrefError(f"open data: the LSOA and MSOA tables do not fit together in district {lad}.")
        found.append(
            names.iloc[row][["lad", "msoa_name"]].assign(msoa=codes["msoa"].to_numpy()[column]).reset_index(drop=True)
        )
    return pd.concat(found, ignore_index=True)


def bands(cuts: Sequence[int]) -> dict[str, str]:
    """Return the parameter's age band of each census age."""
    ends = [*(cut - 1 for cut in cuts[1:]), None]
    labels = {cut: f"{cut}-{end}" if end else f"{cut}+" for cut, end in zip(cuts, ends, strict=True)}
    return {age: labels[max(cut for cut in cuts if cut <= first_year(age))] for age in AGES}
