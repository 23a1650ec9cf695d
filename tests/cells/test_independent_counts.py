"""The second count, written from the definitions alone, equals the first to the unit."""

import runpy
from pathlib import Path

import ibis
import pyarrow as pa
import pytest

from pcref_analysis.counting import cells, row_conditions
from pcref_analysis.counting.aggregate import of_residents
from pcref_analysis.synthetic import demo
from pcref_analysis.vocabulary import codelists
from pcref_analysis.vocabulary.indicators import catalogue

SECOND = runpy.run_path(str(Path(__file__).with_name("independent_counts.py")))
HOME = "X01000001"


@pytest.fixture(scope="module")
def both(settings):
    made = SECOND["messy"]()
    made["MHS001MPI"] = made["MHS001MPI"].assign(LSOA2021=HOME)
    connection, tables = ibis.duckdb.connect(), {}
    for name, frame in made.items():
        schema = row_conditions.schemas()[name]
        tables[name] = connection.create_table(name, demo.typed(frame.reindex(columns=schema.names)), schema=schema)
    area = pa.table({"lsoa": [HOME], "imd_quintile": [1]})
    residents = [
        {"ethnic_group": g, "sex": s, "age_band": b, "imd_quintile": 1, "residents": 1000.0}
        for g in ("White British", "Caribbean", "Chinese")
        for s in ("Female", "Male")
        for b in ("0-15", "16-64", "65+")
    ]
    tables |= {
        "Areas": connection.create_table("Areas", area),
        "Population": connection.create_table("Population", pa.Table.from_pylist(residents)),
    }
    second = SECOND["counts"](made)
    found, _ledger = cells.build(tables, settings(), {name: catalogue()[name] for name in second})
    first = found.groupby("indicator")[["events", "at_risk"]].sum()
    return first, second, made


def test_both_counts_are_equal(both):
    first, second, _made = both
    assert len(second) >= 17
    for name, (events, at_risk) in second.items():
        assert events > 5, name
        assert first.loc[name, "events"] == (at_risk if catalogue()[name].measure == "mean" else events), name
        if not of_residents(catalogue()[name].count):
            assert first.loc[name, "at_risk"] == at_risk, name


def test_the_messy_extract_holds_every_code(both):
    *_rest, made = both
    for table, column, name in [
        ("MHS501HospProvSpell", "DestOfDischHospProvSpell", "destinations_not_followed_up"),
        ("MHS501HospProvSpell", "SourceAdmMHHospProvSpell", "transfer_sources"),
        ("MHS501HospProvSpell", "MethOfDischMHHospProvSpell", "discharge_methods_death"),
        ("MHS502WardStay", "MHAdmittedPatientClass", "follow_up_beds"),
        ("MHS101Referral", "ServTeamTypeMH", "community_teams"),
        ("MHS201CareContact", "ConsMechanismMH", "direct_mechanisms"),
    ]:
        assert {code.code for code in codelists.named(name)} <= set(made[table][column].dropna()), name
        assert made[table][column].isna().any()
