"""How many have no known ethnic group, of people in care and of what each indicator counts; and what is said of it."""

from types import SimpleNamespace

import pandas as pd
import pytest

import pcref_analysis as pcref
from pcref_analysis.disclosure import release_tables
from pcref_analysis.display import sentences, tables
from pcref_analysis.report import derived_tables

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
    found = derived_tables.unknown(released, pcref.parameters.load("demo"))
    shares = found.table.set_index("indicator_name")[["events", "at_risk", "estimate"]]
    assert shares.loc["People in our care"].tolist() == [100, 1000, 10]
    assert shares.loc["Detentions"].tolist() == [20, 80, 25]
    said = sentences.unknown(found, id="x").text
    assert "10% of people in our care" in said and "25% (detentions)" in said
    alone = SimpleNamespace(name="unknown", table=found.table.query("indicator_name == 'Detentions'"))
    assert sentences.unknown(alone, id="x").text.startswith("It is not known for 25% of what is counted.")


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
    found = derived_tables.unknown(shown, pcref.parameters.load("demo")).table.iloc[0]
    assert pd.isna(found["at_risk"]) and found["estimate"] == 0 and found["status"] == "shown"
    said = sentences.unknown(derived_tables.unknown(shown, pcref.parameters.load("demo")), id="x").text
    assert said.startswith("Where the share can be shown, ethnic group is known for everyone, or nearly everyone")


def _share(counts, **changed):
    table = pd.DataFrame([DETAINED | {"ethnic_group": group, "events": events} for group, events in counts.items()])
    table = table.assign(period="2023-24", adjustment="crude", comparator="", level=0.95, note="", at_risk=None)
    parameters = pcref.parameters.load("demo").model_copy(update=changed)
    return derived_tables.unknown(release_tables.release(table, parameters, name="levels"), parameters)


def test_the_share_is_said_to_be_at_most_where_a_count_of_others_is_hidden():
    """Of 20 unknown (18 to 22), 60 White (58 to 62) and a hidden number of Mixed at most 22 in 80 are unknown."""
    found = _share({"White": 60, "Mixed": 3, "Unknown": 20})
    row = found.table.iloc[0]
    assert pd.isna(row["estimate"]) and row["status"] == "suppressed"
    assert row["upper"] == 27.5  # 100 * 22 / 80: a hidden count may be of nobody after an earlier edition
    assert "at most 27.5" in tables.unknown(found, "x", "Unknown").text
    for mixed in range(1, 5):  # it holds whatever is hidden, and does not depend on it
        other = _share({"White": 60, "Mixed": mixed, "Unknown": 20}).table.iloc[0]
        assert other["upper"] == row["upper"] >= 100 * 20 / (80 + mixed)


def test_nobody_unknown_is_a_share_of_none_and_none_of_nobody_is_no_share():
    assert _share({"White": 60, "Mixed": 30}).table.iloc[0][["events", "estimate", "status"]].tolist() == [
        0,
        0,
        "shown",
    ]
    nobody = _share({"White": 0, "Unknown": 0}).table.iloc[0]
    assert pd.isna(nobody["estimate"]) and nobody["status"] == "not available"
    published = pcref.parameters.load("demo").source.model_copy(update={"kind": "published"})
    unsaid = _share({"White": 60, "Mixed": 30}, source=published).table.iloc[0]
    assert pd.isna(unsaid["events"]) and unsaid["events_status"] == unsaid["status"] == "not available"
