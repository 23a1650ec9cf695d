"""An extract without residents of its own: they are made of the published tables, or it is said why not."""

import ibis
import pandas as pd
import pyarrow as pa
import pytest
import sqlglot

from pcref_analysis import prepare
from pcref_analysis.counting import cells, row_conditions
from pcref_analysis.extract import fallback, validate
from pcref_analysis.extract.schema import AREA_COLUMNS, PERSONS
from pcref_analysis.extract.sources import connect, engines
from pcref_analysis.population import catchment, resident_counts
from pcref_analysis.store import runs
from pcref_analysis.synthetic import demo
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.indicators import catalogue

BOARD = "QUE"
USED = (PERSONS, "MHS101Referral", "MHS401MHActPeriod", "MHS501HospProvSpell", "MHS404CommTreatOrder")


@pytest.fixture
def frames(demo_frames):
    return demo_frames


@pytest.fixture
def moved(frames, open_data, tmp_path, monkeypatch, extract):
    """The invented Trust's extract without residents and areas, its people moved to homes of a real catchment."""
    monkeypatch.setenv("PCREF_OPEN_DATA", str(open_data))
    own, elsewhere = catchment.lsoas(open_data, BOARD), catchment.lsoas(open_data, "QJ2")
    homes = frames[PERSONS]["LSOA2021"].dropna().unique()
    inside = frames["Areas"]["lsoa"].tolist()
    new = dict(zip(inside, own, strict=False)) | dict(zip(set(homes) - set(inside), elsewhere, strict=False))
    people = frames[PERSONS].assign(LSOA2021=frames[PERSONS]["LSOA2021"].map(new), LSOA2011=None)
    folder = tmp_path / "data" / "raw" / "test"
    folder.mkdir(parents=True)
    for name in USED:
        (people if name == PERSONS else frames[name]).to_parquet(folder / f"{name}.parquet")
    return extract.parameters(
        "folder", folder, period="2023-24", periods=["2022-23", "2023-24"], trust={"name": "Test", "icb_code": BOARD}
    )


def test_rates_among_residents_rest_on_the_census(moved, frames, open_data):
    lines = []
    folder = prepare.prepare(moved, lines.append)
    assert any("residents: made of the census of 2021" in line and BOARD in line for line in lines)
    found = pd.read_parquet(folder / "cells.parquet").query("period == '2023-24'")
    census = resident_counts.totals(open_data, catchment.lsoas(open_data, BOARD), "detailed")
    for name in ("detentions", "new_referrals"):
        mine = found[found["indicator"].eq(name) & found["at_risk"].gt(0)].groupby("ethnic_group")["at_risk"].sum()
        assert mine.to_dict() == pytest.approx(census.set_index("ethnic_group")["residents"].to_dict())
    connection = ibis.duckdb.connect()
    own = {name: frames[name] for name in (*USED, "Population", "Areas")}
    own[PERSONS] = demo.one_row_a_person(own[PERSONS])
    own = {name: connection.create_table(name, demo.typed(frame)) for name, frame in own.items()}
    chosen = {name: catalogue()[name] for name in ("detentions", "new_referrals")}
    there, _ = cells.build(own, moved, chosen)
    for name in chosen:  # who lives in the catchment is counted, as with the Trust's own table of areas
        want = there.loc[there["indicator"].eq(name) & there["period"].eq("2023-24"), "events"].sum()
        assert found.loc[found["indicator"].eq(name), "events"].sum() == want > 100
    fit = runs.load("test", "residents_fit").set_index("margin")["largest_difference"]
    assert len(fit) == 4 and fit.max() < 3  # people


def test_who_lives_elsewhere_has_the_deprivation_of_home_and_is_no_resident(moved, frames, open_data):
    """Their quintiles are looked up here in the published table, without the code that counts."""
    ranks = pd.read_csv(open_data / "imd2025_lsoa21.csv.gz").set_index("lsoa21_code")["imd_rank"]
    own = set(catchment.lsoas(open_data, BOARD))
    tables = connect.open(moved)
    checked = validate.clean(tables, moved, residents=fallback.of(moved, tables))
    people = (
        row_conditions.people(checked.tables, AREA_COLUMNS[2025]).select("Person_ID", "imd_quintile", "area").execute()
    )
    homes = tables[PERSONS].select("Person_ID", "UniqMonthID", "LSOA2021").execute().dropna()
    homes = (
        homes.sort_values("UniqMonthID").drop_duplicates("Person_ID", keep="last").set_index("Person_ID")["LSOA2021"]
    )
    people["home"] = people["Person_ID"].map(homes)
    away = people[people["home"].notna() & ~people["home"].isin(own)]
    assert len(away) > 100 and set(away["area"]) == {"elsewhere"}
    assert (away["imd_quintile"] == -(-away["home"].map(ranks) * 5 // 33_755)).all()
    assert people.loc[people["home"].isna(), "imd_quintile"].isna().all()
    entries = {name: catalogue()[name] for name in ("detentions", "people_detained_caseload")}
    found, ledger = cells.build(checked.tables, moved, entries)
    missing = found[found["imd_quintile"].isna()].groupby("indicator")["at_risk"].sum()
    assert missing.get("detentions", 0) == 0
    unknown = people.set_index("Person_ID")["imd_quintile"].isna().mean()
    share = (
        missing["people_detained_caseload"] / found.query("indicator == 'people_detained_caseload'")["at_risk"].sum()
    )
    assert share < 1.5 * unknown  # it was those without a home and those from elsewhere: four times as many
    assert set(ledger.query("indicator == 'detentions'")["reason"]) >= {"lives outside the catchment"}


def test_check_says_what_was_made_and_names_no_board_that_is_wrong(moved, monkeypatch):
    breaches = prepare.check(moved, lambda line: None).query("table in ('Population', 'Areas')")
    assert breaches["severity"].tolist() == ["noted", "noted"]
    assert breaches["todo"].str.startswith("Made of the census of 2021").all()
    wrong = moved.model_copy(update={"trust": moved.trust.model_copy(update={"icb_code": "QE1"})})
    with pytest.raises(PcrefError, match=r"no home area is in Areas .* Is trust\.icb_code right"):
        prepare.prepare(wrong, lambda line: None)


def test_a_blank_template_counts_as_lacking(moved, tmp_path):
    folder = tmp_path / "data" / "raw" / "test"
    (folder / "Areas.csv").write_text("lsoa,imd_quintile\n", encoding="utf-8")
    assert set(fallback.of(moved, connect.open(moved)).tables) == {"Population", "Areas"}


# --- where they cannot be made ---


def words(extract, tmp_path, drop=("Population", "Areas"), **values):
    there = {*USED, "Population", "Areas"} - set(drop)
    tables = {name: frame for name, frame in extract.tables().items() if name in there}
    folder = extract.csv(tables, tmp_path / "data" / "raw" / "test")
    parameters = extract.parameters("folder", folder, **values)
    found = fallback.of(parameters, connect.open(parameters))
    assert not found.tables and found.fit.empty
    return found.said


def test_without_open_data_it_is_said_what_is_missing_and_what_it_costs(extract, tmp_path):
    trust = {"name": "Test", "icb_code": BOARD}
    said = words(extract, tmp_path, trust=trust, open_data="nowhere")
    assert "there is no folder 'nowhere'" in said and "Indicators among residents are not available" in said
    parameters = extract.parameters("folder", tmp_path / "data" / "raw" / "test", trust=trust, open_data="nowhere")
    lines = []
    prepare.prepare(parameters, lines.append)
    assert f"  residents: {said}" in lines
    ledger = runs.load("test", "ledger").query("indicator == 'detentions'")
    assert ledger["reason"].str.contains("the extract has no table Population, Areas").all()
    told = runs.load("test", "breaches").query("table in ('Population', 'Areas')")["todo"].tolist()
    assert all(todo.lower().startswith(said.lower()) for todo in told)
    assert "Not available without it: " in told[0] and "; Detentions" in told[0]
    assert (runs.load("test", "cells")["indicator"] == "ethnicity_known").any()


def test_without_a_board(extract, tmp_path):
    assert words(extract, tmp_path).startswith("trust.icb_code is not set")


def test_one_of_the_two_is_not_mixed_with_a_made_one(extract, tmp_path):
    said = words(extract, tmp_path, drop=("Population",), trust={"name": "Test", "icb_code": BOARD})
    assert said.startswith("the extract holds Areas and not Population")


def test_an_extract_that_brings_both_is_left_alone(extract, tmp_path):
    assert words(extract, tmp_path, drop=()) == ""


def test_sql_server_gets_them_in_a_table_of_the_session_alone():
    areas = pa.table({"lsoa": ["E01000001", "O'x"], "imd_quintile": [1, 2]})
    (text,) = engines.values_into_local(areas, "areas")
    assert text.count("#areas") == 1 and "##" not in text and "INTO [#areas]" in text
    parsed = sqlglot.parse_one(text, dialect="tsql")
    assert [c.alias_or_name for c in parsed.selects] == ["lsoa", "imd_quintile"]
    assert "N'E01000001'" in text or "'E01000001'" in text
    assert "O''x" in text
