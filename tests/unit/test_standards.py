"""Standard populations: what is shipped, and that bands nest by name or are refused."""

import pandas as pd
import pytest

from pcref_analysis.vocabulary import standards
from pcref_analysis.vocabulary.errors import PcrefError

BANDS = ["0-15", "16-19", "20-24", "25-34", "35-49", "50-64", "65+"]


def test_shipped_totals_and_sources():
    assert standards.load("england_2021")["weight"].sum() == 56_490_030
    assert standards.load("esp2013", over=["age_band"])["weight"].sum() == 100_000
    assert standards.load("who", over=["age_band"])["weight"].sum() == 100_030  # as published
    assert standards.sources()["source"].str.len().min() > 30


def test_england_is_the_census(open_data):
    census = pd.read_csv(open_data / "census2021_england_ethnic5_sex_age13.csv")
    ages = [column for column in census if column.startswith("age_")]
    summed = census.groupby("sex")[ages].sum()
    got = standards.load("england_2021")
    assert len(got) == 26
    for row in got.itertuples():
        column = "age_" + row.age_band.replace("-", "_").replace("+", "_plus")
        assert row.weight == summed.loc[row.sex, column]


def test_finer_bands_are_summed_into_those_of_the_cells():
    got = standards.load("england_2021", bands=reversed(BANDS), over=["age_band"]).set_index("age_band")["weight"]
    own = standards.load("england_2021", over=["age_band"]).set_index("age_band")["weight"]
    assert set(got.index) == set(BANDS) and got.sum() == own.sum()
    assert got["20-24"] == own["20-21"] + own["22-24"] and got["0-15"] == own["0-15"]


def test_bands_may_cover_part_of_the_ages_and_the_rest_stays_on_request():
    part = standards.load("england_2021", bands=["0-15", "16-19"])
    assert set(part["age_band"]) == {"0-15", "16-19"}
    rest = standards.load("england_2021", bands=["0-15", "16-19"], rest=True)
    assert rest["weight"].sum() == 56_490_030


@pytest.mark.parametrize(
    ("name", "bands"),
    [
        ("england_2021", ["0-17", "18+"]),  # cuts through 16-19
        ("england_2021", ["0-17"]),
        ("england_2021", ["0-15", "16-16"]),
        ("england_2021", ["0-64", "65-74", "75+"]),  # finer than the standard
        ("england_2021", ["0-15", "0-19", "20+"]),  # overlap
        ("england_2021", ["children", "adults"]),
        ("esp2013", BANDS),  # 15-19 lies on both sides of 16
    ],
)
def test_bands_that_do_not_nest_are_listed_on_both_sides(name, bands):
    with pytest.raises(PcrefError) as error:
        standards.load(name, bands=bands, over=["age_band"])
    own = standards.load(name, over=["age_band"])["age_band"]
    assert ", ".join(own) in str(error.value) and all(band in str(error.value) for band in bands)


def test_what_a_standard_is_not_given_by_is_refused():
    with pytest.raises(PcrefError, match="sex"):
        standards.load("esp2013", over=["age_band", "sex"])
    with pytest.raises(PcrefError, match="catchment"):
        standards.load("england_2021", over=["age_band", "imd_quintile"])
    with pytest.raises(PcrefError, match="esp2013"):
        standards.load("esp_2013")


def test_the_catchment_is_its_own_standard():
    people = pd.DataFrame(
        {
            "ethnic_group": ["a", "a", "b", "b", "b"],
            "imd_quintile": pd.array([1, 2, 1, 2, None], dtype="Int64"),
            "at_risk": [10.0, 20.0, 30.0, 40.0, 5.0],
        }
    )
    got = standards.catchment(people, ["imd_quintile"])
    assert got["imd_quintile"].tolist() == [1, 2] and got["weight"].tolist() == [40.0, 60.0]
    with pytest.raises(PcrefError, match="indicator"):
        standards.catchment(people.assign(indicator=list("aabbb")), ["imd_quintile"])
    with pytest.raises(PcrefError, match="residents"):
        standards.catchment(people, ["imd_quintile"], count="residents")
