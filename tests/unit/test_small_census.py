"""Catchments and residents on a census of six small areas, whose answers are worked by hand.

District Ash lies in board QXX, district Elm only with its first area.

    LSOA 2021   name      made from LSOA 2011    White Mixed Asian Black Other   quintile 2025
    E01000001   Ash 001A  E01000001 (unchanged)     80     2    10     5     3   1
    E01000003   Ash 001B  E01000010 (cut in two)    60     0    20     0     0   1
    E01000004   Ash 001C  E01000010                 60     4    10     5     0   5
    E01000005   Ash 002A  E01000011 + E01000012    100     0    40    10    10   3
    E01000006   Elm 001A  E01000006 (unchanged)     90     0    10     0     0   2
    E01000007   Elm 001B  E01000007 (unchanged)     30     0    30     0     0   2   (board QYY)

Of Ash's 80 Asian residents 20 are Chinese and 60 Indian; of Elm's 40, 30 are Chinese and 10 Indian.
"""

import itertools

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.population import catchment, census, resident_counts
from pcref_analysis.vocabulary import ethnicity
from pcref_analysis.vocabulary.errors import PcrefError

AREAS = [
    ("E01000001", "Ash 001A", "E07000901", "QXX", [80, 2, 10, 5, 3], 100),
    ("E01000003", "Ash 001B", "E07000901", "QXX", [60, 0, 20, 0, 0], 50),
    ("E01000004", "Ash 001C", "E07000901", "QXX", [60, 4, 10, 5, 0], 27_010),
    ("E01000005", "Ash 002A", "E07000901", "QXX", [100, 0, 40, 10, 10], 17_000),
    ("E01000006", "Elm 001A", "E07000902", "QXX", [90, 0, 10, 0, 0], 10_000),
    ("E01000007", "Elm 001B", "E07000902", "QYY", [30, 0, 30, 0, 0], 10_001),
]
LINKS = [
    ("E01000001", "E01000001", "U"),
    ("E01000010", "E01000003", "S"),
    ("E01000010", "E01000004", "S"),
    ("E01000011", "E01000005", "M"),
    ("E01000012", "E01000005", "M"),
    ("E01000006", "E01000006", "U"),
    ("E01000007", "E01000007", "U"),
]
RANKS_2019 = {
    "E01000001": 32_844,
    "E01000010": 20_000,
    "E01000011": 1_000,
    "E01000012": 31_000,
    "E01000006": 5_000,
    "E01000007": 5_001,
}
GROUPS = ["white", "mixed", "asian", "black", "other"]
DETAIL = {  # census group -> residents of Ash, of Elm
    "White: English, Welsh, Scottish, Northern Irish or British": (300, 120),
    "Mixed or Multiple ethnic groups: White and Asian": (6, 0),
    "Asian, Asian British or Asian Welsh: Chinese": (20, 30),
    "Asian, Asian British or Asian Welsh: Indian": (60, 10),
    "Black, Black British, Black Welsh, Caribbean or African: African": (20, 0),
    "Other ethnic group: Arab": (13, 0),
}
MSOA_AGES = {  # MSOA -> census group -> {(sex, age): residents}; the codes run against the names
    ("E02000009", "E07000901"): {
        "White": {("Female", "16-19"): 120, ("Male", "65+"): 80},
        "Mixed": {("Female", "0-15"): 6},
        "Asian": {("Female", "16-19"): 20, ("Male", "65+"): 20},
        "Black": {("Male", "0-15"): 10},
        "Other": {("Male", "0-15"): 3},
    },
    ("E02000008", "E07000901"): {
        "White": {("Female", "35-39"): 99},  # one person fewer than the LSOA says: the census' perturbation
        "Asian": {("Female", "16-19"): 40},
        "Black": {("Male", "0-15"): 10},
        "Other": {("Male", "0-15"): 10},
    },
    ("E02000007", "E07000902"): {"White": {("Male", "65+"): 120}, "Asian": {("Male", "65+"): 40}},
}
AGES_2011 = ["0 to 4", "5 to 7", "8 to 9", "10 to 14", "15", "16 to 17", "18 to 19", "20 to 24"]
AGES_2011 += [f"{a} to {a + 4}" for a in range(25, 85, 5)] + ["85 and over"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("open")
    codes, names, lads, boards, people, ranks = zip(*AREAS, strict=True)
    lsoa = pd.DataFrame(people, columns=GROUPS).assign(lsoa21_code=codes, lad24_code=lads, icb24_ods_code=boards)
    lsoa["total_residents"] = lsoa[GROUPS].sum(axis=1)
    imd = pd.DataFrame({"lsoa21_code": codes, "lsoa21_name": names, "imd_rank": ranks})
    links = pd.DataFrame(LINKS, columns=["lsoa11_code", "lsoa21_code", "change_indicator"])
    links["lad22_code"] = links["lsoa21_code"].map(dict(zip(codes, lads, strict=True)))
    old = pd.DataFrame(RANKS_2019.items(), columns=["lsoa11_code", "imd_rank"])
    groups = ethnicity.census_crosswalk()["census_group"]
    detail = [
        (lad, group, DETAIL.get(group, (0, 0))[place])
        for place, lad in enumerate(["E07000901", "E07000902"])
        for group in groups
    ]
    detail = pd.DataFrame(detail, columns=["lad21_code", "ethnic_group19", "residents"])
    ages = [
        {"msoa21_code": m, "lad22_code": lad, "ethnic_group5": g, "sex": s}
        | {column(age): table.get(g, {}).get((s, age), 0) for age in census.AGES}
        for (m, lad), table in MSOA_AGES.items()
        for g, s in itertools.product(census.GROUPS, ["Female", "Male"])
    ]
    for name, table in {
        "census2021_lsoa21_ethnic5.csv.gz": lsoa,
        "imd2025_lsoa21.csv.gz": imd,
        "imd2019_lsoa11.csv.gz": old,
        "lookup_lsoa11_lsoa21_lad22.csv.gz": links,
        "census2021_lad21_ethnic19.csv": detail,
        "census2021_msoa21_ethnic5_sex_age13.csv.gz": pd.DataFrame(ages),
        "census2011_england_ethnic18_sex_age21.csv": shapes_2011(),
    }.items():
        table.to_csv(folder / name, index=False)
    return folder


def column(age):
    return "age_" + age.replace("-", "_").replace("+", "_plus")


def shapes_2011():
    """Every detailed group has 100 people at each sex and age, but for 300 Chinese at 16 to 24."""
    young = {"16 to 17", "18 to 19", "20 to 24"}
    rows = [
        (group, sex, age, 300 if group.endswith("Chinese") and age in young else 100, 0)
        for group in census._DETAIL_2011
        for sex, age in itertools.product(["Female", "Male"], AGES_2011)
    ]
    return pd.DataFrame(rows, columns=["ethnic_group", "sex", "age_group", "residents", "is_subtotal"])


def test_a_boards_areas_and_a_board_that_is_not_there(folder):
    assert len(catchment.lsoas(folder, "QXX")) == 5
    with pytest.raises(PcrefError, match=r"'QZZ' is not an integrated care board\. Possible are QXX, QYY"):
        catchment.lsoas(folder, "QZZ")
    with pytest.raises(PcrefError, match="1 of 2 areas are not LSOA 2021"):
        resident_counts.totals(folder, ["E01000001", "W01000001"])


def test_chinese_residents_leave_asian_for_other_and_a_part_of_a_district_takes_its_shares(folder):
    got = resident_counts.totals(folder, catchment.lsoas(folder, "QXX")).set_index("ethnic_group")["residents"]
    assert got.to_dict() == pytest.approx(
        {
            "White": 390,
            "Mixed": 6,
            "Asian or Asian British": 60
            + 10 * 0.25,  # Ash's Indian; a quarter of the ten Asian residents of Elm's part
            "Black or Black British": 20,
            "Other ethnic groups": 13 + 20 + 10 * 0.75,  # Ash's Arab and Chinese; three quarters of the ten
        }
    )


def test_detailed_groups_add_up_to_the_broad(folder):
    lsoas = catchment.lsoas(folder, "QXX")
    detailed = resident_counts.totals(folder, lsoas, "detailed").set_index("ethnic_group")["residents"]
    assert detailed["Chinese"] == pytest.approx(27.5)
    assert detailed["Any other ethnic group"] == pytest.approx(13)
    assert detailed.sum() == pytest.approx(390 + 6 + 90 + 20 + 13)


def test_areas_of_the_versions_own_year_have_the_published_quintile(folder):
    lsoas = catchment.lsoas(folder, "QXX")
    new = catchment.areas(folder, lsoas, 2025).set_index("lsoa")["imd_quintile"]
    assert new.to_dict() == {"E01000001": 1, "E01000003": 1, "E01000004": 5, "E01000005": 3, "E01000006": 2}
    old = catchment.areas(folder, lsoas, 2019).set_index("lsoa")["imd_quintile"]
    assert old.to_dict() == {"E01000001": 5, "E01000006": 1, "E01000010": 4, "E01000011": 1, "E01000012": 5}


def test_areas_of_the_other_year_take_the_mean_rank(folder):
    lsoas = catchment.lsoas(folder, "QXX")
    # 2019 on LSOA 2021: merged, (1 000 + 31 000) / 2 = 16 000 of 32 844, the third fifth; cut, as the parent
    new = catchment.areas(folder, lsoas, 2019, lsoa_year=2021).set_index("lsoa")["imd_quintile"]
    assert new.to_dict() == {"E01000001": 5, "E01000003": 4, "E01000004": 4, "E01000005": 3, "E01000006": 1}
    # 2025 on LSOA 2011: the cut area (80 x 50 + 79 x 27 010) / 159 = 13 445 of 33 755, just in the second fifth
    old = catchment.areas(folder, lsoas, 2025, lsoa_year=2011).set_index("lsoa")["imd_quintile"]
    assert old.to_dict() == {"E01000001": 1, "E01000006": 2, "E01000010": 2, "E01000011": 3, "E01000012": 3}


def test_a_merged_area_divides_equally_between_the_quintiles_it_was_made_from(folder):
    shares = catchment.quintile_shares(folder, catchment.lsoas(folder, "QXX"), 2019)
    merged = shares[shares["lsoa"] == "E01000005"]
    assert dict(zip(merged["imd_quintile"], merged["share"], strict=True)) == {1: 0.5, 5: 0.5}
    assert shares.groupby("lsoa")["share"].sum().tolist() == pytest.approx([1] * 5)


def test_msoas_are_matched_by_their_people_though_codes_and_names_run_apart(folder):
    areas = census.lsoa_residents(folder)
    ages = census.msoa_ages(folder, {"E07000901", "E07000902"})
    sizes = ages.pivot_table(index=["lad", "msoa"], columns="census_group5", values="residents", aggfunc="sum")
    got = census.match_msoas(areas, sizes.reset_index()).set_index("msoa_name")["msoa"]
    assert got.to_dict() == {"Ash 001": "E02000009", "Ash 002": "E02000008", "Elm 001": "E02000007"}
    wrong = sizes.reset_index().assign(White=0)
    with pytest.raises(PcrefError, match="do not fit together in district E07000901"):
        census.match_msoas(areas, wrong)


@pytest.mark.parametrize("version", [2025, 2019])
def test_residents_meet_their_margins(folder, version):
    lsoas = catchment.lsoas(folder, "QXX")
    got, fit = resident_counts.build(folder, lsoas, imd_version=version)
    assert list(got) == ["ethnic_group", "sex", "age_band", "imd_quintile", "residents"]
    broad = got.groupby(ethnicity.to_broad(got["ethnic_group"]))["residents"].sum()
    totals = resident_counts.totals(folder, lsoas).set_index("ethnic_group")["residents"]
    assert broad.to_dict() == pytest.approx(totals.to_dict())
    by_quintile = got.groupby("imd_quintile")["residents"].sum()
    people = {2025: {1: 180, 2: 100, 3: 160, 5: 79}, 2019: {1: 80 + 100, 4: 159, 5: 80 + 100}}[version]
    assert by_quintile.to_dict() == pytest.approx(people)
    worst = fit.set_index("margin")["largest_difference"]
    assert worst["MSOA x sex x age, broad group"] == pytest.approx(1.0)  # the one person of perturbation
    assert worst.drop("MSOA x sex x age, broad group").max() < 1e-4
    assert fit["rounds"].max() < 500


def test_age_sex_and_deprivation_are_those_of_the_msoa(folder):
    got, _ = resident_counts.build(folder, catchment.lsoas(folder, "QXX"), age_bands=[0, 16, 65])
    white = got[got["ethnic_group"] == "White British"].set_index(["sex", "age_band", "imd_quintile"])["residents"]
    # Ash 001: 120 of 200 are women of 16 to 19; 140 live in quintile 1 and 60 in quintile 5
    assert white["Female", "16-64", 1] == pytest.approx(140 * 0.6)
    assert white["Male", "65+", 5] == pytest.approx(60 * 0.4)
    assert white["Female", "16-64", 3] == pytest.approx(100)
    assert white["Male", "65+", 2] == pytest.approx(90)  # only Elm's part


def test_chinese_residents_are_younger_than_the_other_asian_ones_as_they_were_in_2011(folder):
    lsoas = catchment.lsoas(folder, "QXX")
    shaped, _ = resident_counts.build(folder, lsoas, age_bands=[0, 16, 65])
    flat, _ = resident_counts.build(folder, lsoas, age_bands=[0, 16, 65], detail_shape="broad")

    def young(table):
        chinese = table[table["ethnic_group"] == "Chinese"]
        return chinese.loc[chinese["age_band"] == "16-64", "residents"].sum()

    # Ash's 20 Chinese: 60 of 80 Asian are young, so 15 of 20 if alike; Elm's are all 65 and over
    assert young(flat) == pytest.approx(15)
    # raked from three times the odds: x young with x(0 + x) : (20 - x)(40 + x) ... = 3
    x = young(shaped)
    assert (x / (20 - x)) / ((60 - x) / x) == pytest.approx(3, rel=1e-4)


def test_ages_follow_the_bands_that_are_asked_for(folder):
    lsoas = catchment.lsoas(folder, "QXX")
    thirteen = resident_counts.by_age(folder, lsoas)
    three = resident_counts.by_age(folder, lsoas, (0, 16, 65))
    assert set(thirteen["age_band"]) == set(census.AGES)
    assert set(three["age_band"]) == {"0-15", "16-64", "65+"}
    assert three["residents"].sum() == pytest.approx(thirteen["residents"].sum()) == pytest.approx(519)
    assert census.bands([0, 16, 20, 25, 35, 50, 65])["22-24"] == "20-24"
    assert np.isfinite(thirteen["residents"]).all()
