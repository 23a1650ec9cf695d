"""How many have no known ethnic group, of people in care and of what each indicator counts; and what is said of it."""

import pandas as pd
import pytest

import pcref_analysis as pcref
from pcref_analysis.analysis import ethnicity_coding
from pcref_analysis.disclosure import release_tables
from pcref_analysis.display import sentences

PEOPLE = {
    "indicator": "ethnicity_known",
    "indicator_name": "Ethnic group known",
    "measure": "percent",
    "unit": "people",
}
DETAINED = {"indicator": "detentions", "indicator_name": "Detentions", "measure": "rate"}


@pytest.fixture
def released():
    rows = [
        PEOPLE | {"ethnic_group": "White", "events": 900, "at_risk": 900, "estimate": 100, "lower": 99.6, "upper": 100},
        PEOPLE | {"ethnic_group": "Unknown", "events": 0, "at_risk": 100, "estimate": 0.0, "lower": 0, "upper": 3.7},
        DETAINED | {"ethnic_group": "White", "events": 60, "at_risk": 1e5, "estimate": 60.0, "lower": 46, "upper": 77},
        DETAINED | {"ethnic_group": "Unknown", "events": 20},
    ]
    table = pd.DataFrame(rows).assign(period="2023-24", adjustment="crude", comparator="", level=0.95, note="")
    return release_tables.release(table, "mhsds", name="levels")


def test_people_in_care_are_counted_by_the_group_in_their_record(released):
    found = release_tables.derive(
        ethnicity_coding.unknown, released, name="unknown", parameters=pcref.parameters.load("demo")
    )
    shares = found.table.set_index("indicator_name")[["events", "at_risk", "estimate"]]
    assert shares.loc["People in our care"].tolist() == [100, 1000, 10]
    assert shares.loc["Detentions"].tolist() == [20, 80, 25]
    said = sentences.unknown(found, id="x").text
    assert "10% of people in our care" in said and "25% (detentions)" in said


def test_everybody_in_a_group_has_an_interval_that_ends_at_100(released):
    row = released.table.iloc[0]
    assert (row["estimate"], row["upper"]) == (100, 100)
    assert 99 < row["lower"] < 100


def test_none_unknown_of_some_is_none_though_their_number_is_hidden():
    rows = [
        DETAINED | {"ethnic_group": group, "events": events, "at_risk": None}
        for group, events in (("White", 60), ("Mixed", 3))
    ]
    table = pd.DataFrame([*rows, DETAINED | {"ethnic_group": "Unknown", "events": 0, "at_risk": None}])
    table = table.assign(period="2023-24", adjustment="crude", comparator="", level=0.95, note="")
    shown = release_tables.release(table, "mhsds", name="levels")
    found = ethnicity_coding.unknown(shown.table, pcref.parameters.load("demo")).iloc[0]
    assert pd.isna(found["at_risk"]) and found["estimate"] == 0 and found["status"] == "shown"
