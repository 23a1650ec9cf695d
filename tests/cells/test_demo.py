"""The invented Trust: the same from the same seed, awkward on purpose, nobody's real data."""

import hashlib

import ibis
import numpy as np
import pandas as pd
import pytest

from pcref_analysis.counting import row_conditions
from pcref_analysis.extract import validate
from pcref_analysis.synthetic import demo, demo_people
from pcref_analysis.vocabulary import ethnicity


def test_the_same_seed_gives_the_same_bytes(demo_run):
    again = demo.tables()
    for name, frame in demo_run["frames"].items():
        pd.testing.assert_frame_equal(again[name], frame)
    other = demo.tables(seed=7)
    assert not other["MHS404CommTreatOrder"].equals(again["MHS404CommTreatOrder"])
    assert other["Population"].equals(again["Population"])


NOT_BROUGHT = {"GroupCounts"}  # what no Trust need bring is shown as not available, with what would bring it


def test_every_contract_table_is_there_with_its_columns(demo_run):
    assert set(row_conditions.schemas()) - set(demo_run["frames"]) == NOT_BROUGHT
    for name, frame in demo_run["frames"].items():
        assert list(frame.columns) == list(row_conditions.schemas()[name].names), name


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_written_and_read_again(demo_run, tmp_path, monkeypatch, kind):
    monkeypatch.setattr(demo, "tables", lambda seed: demo_run["frames"])
    files = demo.write(tmp_path / "extract", kind=kind)
    assert {path.stem for path in files} == set(row_conditions.schemas()) - NOT_BROUGHT
    first = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    demo.write(tmp_path / "extract", kind=kind)
    assert first == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    read = pd.read_csv if kind == "csv" else pd.read_parquet
    orders = read(tmp_path / "extract" / f"MHS404CommTreatOrder.{kind}")
    assert len(orders) == len(demo_run["frames"]["MHS404CommTreatOrder"])


def test_its_contract_is_kept(demo_run):
    """Dirty but legal: nothing is dropped, several things are noted; one row a person by the same rule as here."""
    connection = ibis.duckdb.connect()
    frames = {name: frame for name, frame in demo_run["frames"].items() if len(frame) < 100_000}  # all but contacts
    raw = {name: connection.create_table(name, demo.typed(frame)) for name, frame in frames.items()}
    checked = validate.clean(raw, demo_run["parameters"])
    assert set(checked.breaches["severity"]) == {"noted"}
    assert checked.counts["dropped"].sum() == 0
    people = checked.tables["MHS001MPI"].select("Person_ID", "EthnicCategory").execute()
    ours = demo_run["tables"]["MHS001MPI"].select("Person_ID", "EthnicCategory").execute()
    both = people.merge(ours, on="Person_ID", validate="one_to_one")
    assert len(both) == len(people) == len(ours)
    known = both[~both["EthnicCategory_x"].isin(["Z", "99"])]
    assert (known["EthnicCategory_x"] == known["EthnicCategory_y"]).all()


def test_no_area_is_a_real_one(demo_run):
    homes = demo_run["frames"]["MHS001MPI"]["LSOA2021"].dropna()
    assert homes.str.startswith("X01").all()
    assert demo_run["frames"]["Areas"]["lsoa"].str.startswith("X01").all()


def test_it_is_awkward(demo_run):
    frames = demo_run["frames"]
    people = demo.one_row_a_person(frames["MHS001MPI"])
    unknown = people["EthnicCategory"].isin(["Z", "99"])
    act = frames["MHS401MHActPeriod"]
    detained = people["Person_ID"].isin(act.loc[act["LegalStatusCode"].isin(["02", "03"]), "Person_ID"])
    assert 0.08 < unknown.mean() < 0.2
    assert unknown[detained].mean() < 0.04  # not missing at random
    groups = people.loc[detained, "EthnicCategory"].value_counts()
    assert groups["K"] < 15 < 100 < groups["M"]  # groups of a handful of people
    assert frames["MHS001MPI"]["Person_ID"].duplicated().sum() > 1000
    assert frames["MHS501HospProvSpell"]["DischDateHospProvSpell"].isna().sum() > 10
    assert (~people["Gender"].isin(["1", "2"])).sum() > 50
    force = frames["MHS515RestrictiveInterventType"]["Person_ID"].value_counts()
    assert force.iloc[: len(force) // 10].sum() > 0.3 * force.sum()  # a tenth of the people have a third of it
    assert act.duplicated(["Person_ID", "LegalStatusCode", "StartDateMHActLegalStatusClass"]).sum() > 20


def test_residents_of_minority_groups_are_younger_and_more_deprived():
    table = demo_people.residents()
    assert abs(table["residents"].sum() - 600_000) < 100
    young = table["age_band"].isin(["0-15", "16-19", "20-24", "25-34"])
    share = (table["residents"] * young).groupby(table["code"]).sum() / table.groupby("code")["residents"].sum()
    poor = (table["residents"] * (table["imd_quintile"] == 1)).groupby(table["code"]).sum()
    poor /= table.groupby("code")["residents"].sum()
    assert share["N"] > share["A"] + 0.1
    assert poor["N"] > poor["A"] + 0.1


def test_planted_gaps_are_listed_for_every_group():
    found = demo.planted()
    assert list(found.columns) == ["indicator", "ethnic_group", "comparator", "ratio", "adjustment"]
    others = [group for group in ethnicity.known_groups() if group != "White British"]
    assert all(part["ethnic_group"].tolist() == others for _name, part in found.groupby("indicator"))
    assert found["ratio"].between(0.3, 7).all()
    assert np.isclose(found.set_index(["indicator", "ethnic_group"]).loc[("detentions", "Caribbean"), "ratio"], 3.5)
