"""Residents of a catchment on the NHS basis: ethnic group x sex x age x deprivation, from census tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pcref_analysis.intake import catchment, open_data
from pcref_analysis.intake.catchment import CENSUS_GROUPS
from pcref_analysis.vocabulary import ethnicity
from pcref_analysis.vocabulary.errors import PcrefError


def detailed_totals(folder: Path, lsoas: Sequence[str] | None = None) -> pd.DataFrame:
    """Return residents of all ages by district and detailed ethnic group of the NHS basis.

    The LSOAs say how many people of each census broad group live in the catchment's part of a district;
    the district's detailed groups (TS021) say how that number divides. A district that lies wholly in
    the catchment so keeps its own counts, to within the census' perturbation.

    Parameters
    ----------
    folder
        The folder of published figures.
    lsoas
        LSOA 2021 codes; None is all England.

    Returns
    -------
    pandas.DataFrame
        ``lad, census_group5, ethnic_group, residents``; ``ethnic_group`` is one of the 16 detailed
        groups, so that Chinese stands in a row whose ``census_group5`` is Asian.
    """
    areas = _within(catchment.residents(folder), lsoas)
    parts = areas.groupby("lad", as_index=False)[list(CENSUS_GROUPS)].sum()
    parts = parts.melt("lad", var_name="census_group5", value_name="part")
    detail = open_data.read(folder, "census2021_lad21_ethnic19.csv")
    detail = detail.merge(
        ethnicity.census_crosswalk(), left_on="ethnic_group19", right_on="census_group", validate="many_to_one"
    )
    keys = {"lad21_code": "lad", "census_broad_group": "census_group5"}
    detail = detail.rename(columns=keys).groupby([*keys.values(), "ethnic_group"], as_index=False)["residents"].sum()
    whole = detail.groupby(["lad", "census_group5"])["residents"].transform("sum")
    detail["share"] = (detail["residents"] / whole.where(whole > 0)).fillna(0.0)
    both = parts.merge(detail.drop(columns="residents"), on=["lad", "census_group5"], validate="one_to_many")
    both["residents"] = both["part"] * both["share"]
    return both[["lad", "census_group5", "ethnic_group", "residents"]]


def totals(folder: Path, lsoas: Sequence[str] | None = None, detail: str = "broad") -> pd.DataFrame:
    """Return residents of all ages by ethnic group (``broad`` or ``detailed``), on the NHS basis.

    The NHS basis (16+1, of 2001) counts Chinese in "Other ethnic groups"; the census counts them in Asian.
    Dividing NHS counts of Other by the census' Other overstates that rate, and understates the Asian one.

    Examples
    --------
    >>> totals(folder, catchment.lsoas(folder, "QUE"))          # doctest: +SKIP
    """
    table = detailed_totals(folder, lsoas)
    groups = table["ethnic_group"] if detail == "detailed" else ethnicity.to_broad(table["ethnic_group"])
    sums = table["residents"].groupby(groups.rename("ethnic_group")).sum()
    return sums.reindex(ethnicity.known_groups(detail)).rename("residents").reset_index()


def _within(areas: pd.DataFrame, lsoas: Sequence[str] | None) -> pd.DataFrame:
    if lsoas is None:
        return areas
    wanted = set(lsoas)
    odd = len(wanted - set(areas["lsoa"]))
    if odd or not wanted:
        raise PcrefError(f"catchment: {odd or 'all'} of {len(wanted)} areas are not LSOA 2021 codes of England.")
    return areas[areas["lsoa"].isin(wanted)]
