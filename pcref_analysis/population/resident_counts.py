"""Residents of a catchment on the NHS basis: ethnic group x sex x age x deprivation, from census tables.

No published table has all of these at once. Three tables are put together: residents by LSOA (which carries
deprivation) and broad group; by MSOA, broad group, sex and age; by district and detailed group. The result
agrees with the first to the person and with the others as :func:`build` reports.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import pandas as pd

from pcref_analysis.population import catchment, census
from pcref_analysis.store import open_data
from pcref_analysis.vocabulary import ethnicity
from pcref_analysis.vocabulary.parameters import Parameters

_BLOCK = ["lad", "census_group5", "sex", "age", "imd_quintile"]  # what the tables without detail give
_DETAIL = ["lad", "census_group5", "ethnic_group"]
TOLERANCE, ROUNDS = 1e-6, 500  # people by whom a round moves a cell below which, or rounds after which, raking ends


def build(
    folder: Path,
    lsoas: Sequence[str],
    age_bands: Sequence[int] = (0, 16, 20, 25, 35, 50, 65),
    imd_version: int = 2025,
    detail_shape: str = "census_2011",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the residents of a catchment, and how exactly the tables they were made from are met.

    Parameters
    ----------
    lsoas
        LSOA 2021 codes (see :func:`pcref_analysis.population.catchment.lsoas`).
    age_bands
        First year of each band; cuts of the census table.
    imd_version
        2025 or 2019; quintile 1 is the most deprived.
    detail_shape
        How a detailed group's age and sex differ from those of its census broad group, which no table of
        2021 says for districts: as in England in 2011 (``census_2011``), or not at all (``broad``).

    Returns
    -------
    (residents, fit)
        ``ethnic_group`` (16 detailed, Chinese counted as the NHS does), ``sex, age_band, imd_quintile,
        residents`` (not whole numbers: estimates); and ``margin, cells, people, largest_difference,
        rounds`` a row for each table that was to be met.

    Notes
    -----
    Within an MSOA and broad group, age and sex are taken to be the same in each LSOA. Within a broad group and
    district, a detailed group is raked (iterative proportional fitting) to its district total and to the
    broad group's sex x age x deprivation; so its deprivation is that of its broad group at each age and sex.
    Do not use it to describe one detailed group's age or deprivation: it is a denominator.

    References
    ----------
    Deming WE, Stephan FF (1940), On a least squares adjustment of a sampled frequency table when the
    expected marginal totals are known. Annals of Mathematical Statistics 11.
    """
    raked, fit = _raked(folder, tuple(lsoas), imd_version, detail_shape)
    raked = raked.assign(age_band=raked["age"].map(census.bands(age_bands)))
    keys = ["ethnic_group", "sex", "age_band", "imd_quintile"]
    return raked.groupby(keys, as_index=False)["residents"].sum(), fit.copy()


def tables(parameters: Parameters) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Return the contract tables ``Population`` and ``Areas`` of a Trust's catchment (its board's area), and the fit.

    For an extract that brings none of its own: residents and deprivation of the LSOAs of ``trust.icb_code``, in
    the parameters' age bands and deprivation version. ``Areas`` holds the codes of both LSOA years, so that people
    whose home was recorded by the other one are not taken for people from elsewhere. The fit is :func:`build`'s.

    Raises
    ------
    PcrefError
        If the board is not named or unknown, or a file of the census or of deprivation is missing.
    """
    folder = open_data.open_data_folder(parameters, open_data.RESIDENTS)
    lsoas = catchment.lsoas(folder, parameters.trust.icb_code)
    residents, fit = build(folder, lsoas, parameters.age_bands, parameters.imd_version)
    return {"Population": residents, "Areas": areas(folder, lsoas, parameters.imd_version)}, fit


def areas(folder: Path, lsoas: Sequence[str] | None, imd_version: int) -> pd.DataFrame:
    """Return small areas with their deprivation, ``lsoa, imd_quintile``, by the codes of both LSOA years.

    ``lsoas`` None is all England. A code of both years has the quintile by the year that the version ranked.
    """
    years = (2021, 2011) if imd_version == 2025 else (2011, 2021)  # the year that was ranked first
    parts = [catchment.areas(folder, lsoas, imd_version, year) for year in years]
    return pd.concat(parts).drop_duplicates("lsoa", ignore_index=True)


def by_age(
    folder: Path,
    lsoas: Sequence[str] | None,
    age_bands: Sequence[int] = tuple(map(census.first_year, census.AGES)),
    detail: str = "broad",
    detail_shape: str = "census_2011",
) -> pd.DataFrame:
    """Return residents by NHS ethnic group, sex and age: ``ethnic_group, sex, age_band, residents``.

    As :func:`build`, without deprivation; by default in the census' 13 ages. ``lsoas`` None is all England.
    """
    if lsoas is None:
        table = _england(folder, detail_shape)
    else:
        table, _ = _raked(folder, tuple(lsoas), 2025, detail_shape)
    groups = table["ethnic_group"] if detail == "detailed" else ethnicity.to_broad(table["ethnic_group"])
    table = table.assign(ethnic_group=groups, age_band=table["age"].map(census.bands(age_bands)))
    return table.groupby(["ethnic_group", "sex", "age_band"], as_index=False)["residents"].sum()


def detailed_totals(folder: Path, lsoas: Sequence[str] | None = None) -> pd.DataFrame:
    """Return residents of all ages by district and detailed ethnic group of the NHS basis.

    The LSOAs say how many people of each census broad group live in the catchment's part of a district;
    the district's detailed groups (TS021) say how that number divides. A district that lies wholly in
    the catchment so keeps its own counts, to within the census' perturbation.

    ``lsoas`` None is all England.

    Returns
    -------
    pandas.DataFrame
        ``lad, census_group5, ethnic_group, residents``; ``ethnic_group`` is one of the 16 detailed
        groups, so that Chinese stands in a row whose ``census_group5`` is Asian.
    """
    areas = catchment.within(census.lsoa_residents(folder), lsoas)
    parts = areas.groupby("lad", as_index=False)[list(census.GROUPS)].sum()
    parts = parts.melt("lad", var_name="census_group5", value_name="part")
    both = parts.merge(_shares(folder), on=["lad", "census_group5"], validate="one_to_many")
    both["residents"] = both["part"] * both["share"]
    return both[[*_DETAIL, "residents"]]


def totals(folder: Path, lsoas: Sequence[str] | None = None, detail: str = "broad") -> pd.DataFrame:
    """Return residents of all ages by ethnic group (``broad`` or ``detailed``), on the NHS basis.

    The NHS basis (16+1, of 2001) counts Chinese in "Other ethnic groups"; the census counts them in Asian.
    Dividing NHS counts of Other by the census' Other overstates that rate, and understates the Asian one.

    Examples
    --------
    >>> totals(folder, catchment.lsoas(folder, "QUE"))          # doctest: +SKIP
    """
    return _totals(Path(folder), None if lsoas is None else tuple(lsoas), detail).copy()


@lru_cache(maxsize=128)
def _totals(folder: Path, lsoas: tuple[str, ...] | None, detail: str) -> pd.DataFrame:
    table = detailed_totals(folder, lsoas)
    groups = table["ethnic_group"] if detail == "detailed" else ethnicity.to_broad(table["ethnic_group"])
    sums = table["residents"].groupby(groups.rename("ethnic_group")).sum()
    return sums.reindex(ethnicity.known_groups(detail)).rename("residents").reset_index()


def yearly_growth(folder: Path) -> pd.Series:
    """Return how many times as many residents of each broad group England had a year later, 2011 to 2021.

    By ethnic group 2011 is at hand for England alone: how an area's groups grew is not known, and not worked out here.
    """
    now = totals(folder).set_index("ethnic_group")["residents"]
    return (now / census.england_2011(folder)) ** (1 / 10)


@lru_cache(maxsize=8)
def _raked(
    folder: Path, lsoas: tuple[str, ...], imd_version: int, detail_shape: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return residents by district, detailed group, sex, census age and quintile, and the fit; never to be changed."""
    broad, fit = _broad(folder, lsoas, imd_version)
    totals = detailed_totals(folder, lsoas)
    seed = broad.merge(census.shapes_2011(folder, detail_shape), on=["census_group5", "sex", "age"])
    seed["residents"] = seed["residents"] * seed.pop("share")
    raked, rounds = rake(seed, [(_BLOCK, broad), (_DETAIL, totals)])
    fit += [margin_fit("district x sex x age x quintile, broad group", raked, broad, _BLOCK) | {"rounds": rounds}]
    fit += [margin_fit("district x detailed group", raked, totals, _DETAIL) | {"rounds": rounds}]
    return raked, pd.DataFrame(fit)


@lru_cache(maxsize=2)
def _shares(folder: Path) -> pd.DataFrame:
    """Return the share of each detailed group in its census broad group, by district; never to be changed."""
    detail = open_data.read(folder, "census2021_lad21_ethnic19.csv")
    detail = detail.merge(
        ethnicity.census_crosswalk(), left_on="ethnic_group19", right_on="census_group", validate="many_to_one"
    )
    detail = detail.rename(columns={"lad21_code": "lad", "census_broad_group": "census_group5"})
    detail = detail.groupby(_DETAIL, as_index=False)["residents"].sum()
    whole = detail.groupby(["lad", "census_group5"])["residents"].transform("sum")
    detail["share"] = (detail.pop("residents") / whole.where(whole > 0)).fillna(0.0)
    return detail


def _broad(folder: Path, lsoas: Sequence[str], imd_version: int) -> tuple[pd.DataFrame, list[dict]]:
    """Return residents by district, census broad group, sex, age and quintile, and the fit to LSOA and MSOA."""
    everywhere = census.lsoa_residents(folder)
    here = catchment.within(everywhere, lsoas)
    everywhere = everywhere[everywhere["lad"].isin(set(here["lad"]))]
    ages = census.msoa_ages(folder, set(here["lad"]))
    sizes = ages.pivot_table(
        index=["lad", "msoa"], columns="census_group5", values="residents", aggfunc="sum"
    ).reset_index()
    codes = census.match_msoas(everywhere, sizes)
    here = here.merge(codes, on=["lad", "msoa_name"], validate="many_to_one")
    here = here.merge(catchment.quintile_shares(folder, lsoas, imd_version), on="lsoa", validate="one_to_many")
    people = here.melt(
        ["lad", "msoa", "imd_quintile", "share"], list(census.GROUPS), var_name="census_group5", value_name="residents"
    )
    people["residents"] = people["residents"] * people.pop("share")
    parts = people.groupby(["lad", "msoa", "census_group5", "imd_quintile"], as_index=False)["residents"].sum()
    out = parts.merge(_shape_of(ages), on=["lad", "msoa", "census_group5"], validate="many_to_many")
    out["residents"] = out["residents"] * out.pop("share")
    whole = everywhere.merge(codes, on=["lad", "msoa_name"]).groupby("msoa")["lsoa"].size()
    inside = here.groupby("msoa")["lsoa"].nunique()
    complete = set(inside.index[inside == whole.reindex(inside.index)])  # MSOAs wholly in the catchment
    keys = ["msoa", "census_group5", "sex", "age"]
    made, wanted = (table[table["msoa"].isin(complete)] for table in (out, ages))
    fit = [
        margin_fit("LSOA by quintile, broad group", out, parts, ["msoa", "census_group5", "imd_quintile"]),
        margin_fit("MSOA x sex x age, broad group", made, wanted, keys),
    ]
    return out.groupby(_BLOCK, as_index=False)["residents"].sum(), fit


def _shape_of(ages: pd.DataFrame) -> pd.DataFrame:
    """Return each MSOA's and group's share by sex and age; the district's where the MSOA table has no one."""
    group = ["lad", "msoa", "census_group5"]
    size = ages.groupby(group)["residents"].transform("sum")
    district = ages.groupby(["lad", "census_group5", "sex", "age"])["residents"].transform("sum")
    in_district = ages.groupby(["lad", "census_group5"])["residents"].transform("sum")
    share = (ages["residents"] / size.where(size > 0)).fillna(district / in_district)
    return ages.drop(columns="residents").assign(share=share)


@lru_cache(maxsize=2)
def _england(folder: Path, detail_shape: str) -> pd.DataFrame:
    """Return England's residents by detailed ethnic group, sex and census age, raked as a single district."""
    totals = detailed_totals(folder).groupby(["census_group5", "ethnic_group"], as_index=False)["residents"].sum()
    broad = census.england_ages(folder)
    known = totals.groupby("census_group5")["residents"].sum()  # the LSOA totals, a few people away from these
    broad["residents"] *= broad["census_group5"].map(known / broad.groupby("census_group5")["residents"].sum())
    seed = broad.merge(census.shapes_2011(folder, detail_shape), on=["census_group5", "sex", "age"])
    seed["residents"] = seed["residents"] * seed.pop("share")
    keys = ["census_group5", "sex", "age"], ["census_group5", "ethnic_group"]
    return rake(seed, [(keys[0], broad), (keys[1], totals)])[0]


def rake(seed: pd.DataFrame, margins: list[tuple[list[str], pd.DataFrame]]) -> tuple[pd.DataFrame, int]:
    """Scale ``residents`` of ``seed`` until they sum to every margin; return them and the rounds it took.

    A margin is its key columns and a frame of them with ``residents``. A cell of the margin that the seed
    cannot fill (its cells are all zero) is left as it is and shows in the fit.

    Examples
    --------
    >>> seed = pd.DataFrame({"a": [0, 0, 1, 1], "b": [0, 1, 0, 1], "residents": [1.0, 1.0, 1.0, 2.0]})
    >>> one = pd.DataFrame({"a": [0, 1], "residents": [10, 20]})
    >>> other = pd.DataFrame({"b": [0, 1], "residents": [12, 18]})
    >>> raked, _ = rake(seed, [(["a"], one), (["b"], other)])
    >>> raked.groupby("b")["residents"].sum().round(3).tolist()
    [12.0, 18.0]
    """
    out = seed.copy()
    groups = [out.groupby(keys, sort=False).ngroup() for keys, _ in margins]
    targets = [
        out[keys].merge(table.groupby(keys, as_index=False)["residents"].sum(), on=keys, how="left")["residents"]
        for keys, table in margins
    ]
    values, done, change = out["residents"].astype(float), 0, TOLERANCE
    while done < ROUNDS and change >= TOLERANCE:
        before = values
        for group, target in zip(groups, targets, strict=True):
            sums = values.groupby(group).transform("sum")
            values = values * (target.to_numpy() / sums.where(sums > 0)).fillna(1.0)
        done, change = done + 1, (values - before).abs().max()
    return out.assign(residents=values), done


def margin_fit(name: str, made: pd.DataFrame, wanted: pd.DataFrame, keys: list[str]) -> dict:
    both = pd.concat(
        [made.groupby(keys)["residents"].sum().rename("made"), wanted.groupby(keys)["residents"].sum()], axis=1
    ).fillna(0.0)
    worst = (both["made"] - both["residents"]).abs().max()
    return {"margin": name, "cells": len(both), "people": both["residents"].sum(), "largest_difference": worst}
