"""Every indicator counted twice over a messy invented extract: by the library, and by hand in plain pandas.

1,500 people and two years here; ``PCREF_EVERY_CASE=1`` takes 4,000 and four years, and reads the same extract from
Parquet files, a DuckDB file and a PostgreSQL server as well. ``PCREF_PLAIN_PEOPLE=100000`` counts as many (2 GB).
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import pandas as pd
import pytest

from pcref_analysis import prepare
from pcref_analysis.counting.aggregate import of_residents
from pcref_analysis.extract.schema import declared
from pcref_analysis.store import runs
from pcref_analysis.vocabulary import codelists, parameters
from pcref_analysis.vocabulary.indicators import catalogue

HERE = Path(__file__).resolve().parent
EVERY_CASE = bool(os.environ.get("PCREF_EVERY_CASE"))
PEOPLE = int(os.environ.get("PCREF_PLAIN_PEOPLE") or (4_000 if EVERY_CASE else 1_500))
YEARS = [2021, 2022, 2023, 2024] if EVERY_CASE else [2021, 2024]  # a code list changes in the first of them
ORDER = ["indicator", "period", "ethnic_group", "sex", "age_band", "imd_quintile"]
KEY, FIGURES = ["indicator", "year", "ethnic_group"], ["events", "at_risk", "total"]
COLUMNS = {  # where the codes of a list stand in an extract
    "destinations_not_followed_up": ("MHS501HospProvSpell", "DestOfDischHospProvSpell"),
    "discharge_methods_death": ("MHS501HospProvSpell", "MethOfDischMHHospProvSpell"),
    **dict.fromkeys(
        ["follow_up_beds", "acute_beds", "acute_adult_beds", "acute_older_beds"],
        ("MHS502WardStay", "MHAdmittedPatientClass"),
    ),
    "transfer_sources": ("MHS501HospProvSpell", "SourceAdmMHHospProvSpell"),
    "other_hospital_destinations": ("MHS501HospProvSpell", "DestOfDischHospProvSpell"),
    **dict.fromkeys(
        ["transfer_methods", "transferred_in_methods", "planned_methods", "admitted_from_emergency_department"],
        ("MHS501HospProvSpell", "MethAdmMHHospProvSpell"),
    ),
    "out_of_area_inappropriate": ("MHS101Referral", "ReasonOAT"),
    **dict.fromkeys(
        [
            "community_teams",
            "perinatal_teams",
            "psychosis_teams",
            "crisis_teams",
            "cyp_outcome_teams_excluded",
            "employment_teams",
        ],
        ("MHS101Referral", "ServTeamTypeMH"),
    ),
    "psychosis_reasons": ("MHS101Referral", "PrimReasonReferralMH"),
    **dict.fromkeys(["priority_very_urgent", "priority_urgent"], ("MHS101Referral", "ClinRespPriorityType")),
    **dict.fromkeys(
        ["direct_mechanisms", "face_to_face", "perinatal_mechanisms"], ("MHS201CareContact", "ConsMechanismMH")
    ),
    **dict.fromkeys(["attended", "missed", "cancelled_by_provider"], ("MHS201CareContact", "AttendStatus")),
    **dict.fromkeys(
        ["restraint_types", "prone", "physical_restraint", "seclusion", "segregation"],
        ("MHS515RestrictiveInterventType", "RestrictiveIntType"),
    ),
    "rapid_tranquillisation": ("MHS515RestrictiveInterventType", "RestrictiveIntType"),
    **dict.fromkeys(
        ["interpreter_present", "interpreter_needed"],
        ("MHS201CareContact", "InterpreterPresentInd"),
    ),
    **dict.fromkeys(
        ["section_2", "section_3", "holding_powers", "place_of_safety", "place_of_safety_136", "guardianship"],
        ("MHS401MHActPeriod", "LegalStatusCode"),
    ),
    **dict.fromkeys(
        ["limitation_directions", "part_3", "renewable", "revoked_to"], ("MHS401MHActPeriod", "LegalStatusCode")
    ),
    "orders_revoked": ("MHS404CommTreatOrder", "CommTreatOrdEndReason"),
    "other_ethnic_codes": ("MHS001MPI", "EthnicCategory"),
    "reqol_10": ("MHS606CodedScoreAssessmentRefer", "CodedAssToolType"),
}


@pytest.fixture(scope="module")
def made():
    """Return the modules of this folder: ``extract``, ``counts``, ``act``, ``own_rule``."""
    sys.path.insert(0, str(HERE))
    try:
        yield {name: importlib.import_module(name) for name in ("extract", "counts", "act", "own_rule")}
    finally:
        sys.path.remove(str(HERE))


@pytest.fixture(scope="module")
def rows(made):
    return made["extract"].truth(PEOPLE)


@pytest.fixture(scope="module")
def cells(made, tmp_path_factory):
    """Return a function that counts an extract by the library, in a private home."""

    def counted(where: dict, years: list[int]) -> pd.DataFrame:
        periods = [f"{year}-{(year + 1) % 100:02d}" for year in years]
        asked = {
            "run": "plain",
            "trust": {"name": "Invented Trust", "ods_code": "X98"},
            "source": where,
            "period": periods[-1],
            "periods": periods,
            "comparator": "White British",
            "detail": "detailed",
            "age_bands": made["extract"].BANDS,
            "disclosure": {"owner": "Information governance", "agreed": "2026-10-01", "preset": "mhsds"},
            "priorities": {"owner": "PCREF steering group", "agreed": "2026-10-01"},
        }
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PCREF_HOME", str(tmp_path_factory.mktemp("home")))
            prepare.prepare(parameters.check(asked, "plain.yml"), lambda line: None)
            return runs.load("plain")

    return counted


@pytest.fixture(scope="module")
def written(made, rows):
    return made["extract"].written(rows)


@pytest.fixture(scope="module")
def library(made, written, cells, tmp_path_factory):
    folder = tmp_path_factory.mktemp("extract")
    made["extract"].write_folder(written, folder)
    return cells({"kind": "folder", "location": str(folder)}, YEARS)


@pytest.fixture(scope="module")
def by_hand(made, rows):
    extract = made["extract"]
    return made["counts"].Count(rows, *extract.residents(), extract.GROUPS).all(YEARS)


def test_every_code_of_every_list_is_in_the_extract(rows):
    """A list that nothing here draws, or a code of one, fails: it would be compared with nothing."""
    lists = codelists.table().groupby("list")["code"].agg(set)
    assert {name for name in lists.index if not name.endswith("_categories")} == set(COLUMNS)
    for name, (table, column) in COLUMNS.items():
        assert lists[name] <= set(rows[table][column].dropna()), name
    assert set(rows["MHS401MHActPeriod"]["LegalStatusCode"]) >= {"01", "10", "18", "34", "37", "38"}


def test_every_category_of_the_act_is_in_the_extract(made, rows):
    found = set(made["act"].categories(rows)["category"])
    assert found == {"", *"ABCDEFGHJKLMNP"}
    assert set(made["own_rule"].categories(rows)["category"]) == found - {""} | {"informal"}


def test_every_indicator_is_counted_by_hand(by_hand):
    counted = {name for name, entry in catalogue().items() if entry.count and entry.count.rows}
    assert counted == set(by_hand["indicator"])


@pytest.mark.parametrize("indicator", [n for n, e in catalogue().items() if e.count and e.count.rows])
def test_counts_are_equal_to_the_unit(library, by_hand, indicator):
    found = library[library["indicator"] == indicator]
    found = found.assign(year=found["period"].str[:4].astype(int))
    assert set(found["year"]) == set(by_hand["year"])
    mine = by_hand[by_hand["indicator"] == indicator]
    sides = [frame.groupby(KEY)[FIGURES].sum() for frame in (found, mine)]
    both = sides[0].join(sides[1], how="outer", lsuffix=" of the library", rsuffix=" by hand").fillna(0.0)
    for figure in FIGURES:
        apart = (both[f"{figure} of the library"] - both[f"{figure} by hand"]).abs() > 1e-6
        assert not apart.any(), both.loc[apart, [f"{figure} of the library", f"{figure} by hand"]].to_string()


every_case = pytest.mark.skipif(
    not EVERY_CASE, reason="takes long: set PCREF_EVERY_CASE=1 to compare files and databases"
)
LAST = [2024]


@pytest.fixture(scope="module")
def last_year(library):
    return library[library["period"] == "2024-25"].reset_index(drop=True)


def same(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    ordered = [frame.sort_values(ORDER, ignore_index=True) for frame in (found, wanted)]
    pd.testing.assert_frame_equal(*ordered, check_exact=False, rtol=0, atol=1e-6)


@every_case
def test_everybody_twice_under_other_names_counts_twice(written, cells, last_year, made, tmp_path):
    """No row of one person moves a count of another; a square of a person's count is one of each of the two."""
    twice = {}
    for name, frame in written.items():
        names = [n for n in frame if n in declared()[name].columns and declared()[name].columns[n].type == "id"]
        again = frame.assign(**{n: frame[n].where(frame[n].isin(["", "NULL"]), frame[n] + "x") for n in names})
        twice[name] = pd.concat([frame, again], ignore_index=True) if names else frame
    made["extract"].write_folder(twice, tmp_path)
    found = cells({"kind": "folder", "location": str(tmp_path)}, LAST)
    entries = {name: entry.count for name, entry in catalogue().items() if entry.count and entry.count.rows}
    last_year, found = (side[side["indicator"].isin(entries)].reset_index(drop=True) for side in (last_year, found))
    sums, residents = last_year.columns.difference(ORDER), last_year["indicator"].map(entries).map(of_residents)
    wanted = last_year.assign(**last_year[sums] * 2)
    wanted.loc[residents, ["at_risk", "at_risk_sq"]] = last_year.loc[residents, ["at_risk", "at_risk_sq"]]
    same(found, wanted)


@every_case
def test_parquet_files_give_the_same_cells(made, written, cells, last_year, tmp_path):
    made["extract"].write_folder(written, tmp_path, parquet=True)
    same(cells({"kind": "folder", "location": str(tmp_path)}, LAST), last_year)


@every_case
def test_a_duckdb_file_gives_the_same_cells(made, written, cells, last_year, tmp_path):
    made["extract"].write_duckdb(written, tmp_path / "warehouse.duckdb")
    same(cells({"kind": "duckdb", "location": str(tmp_path / "warehouse.duckdb")}, LAST), last_year)


@every_case
def test_a_postgresql_server_gives_the_same_cells(made, written, cells, last_year, postgres, monkeypatch):
    made["extract"].write_postgres(written, postgres, "mhsds")
    monkeypatch.setenv("TRUST_WAREHOUSE", postgres)
    where = {"kind": "postgres", "location": "TRUST_WAREHOUSE"}
    where["tables"] = {name: f"mhsds.{name}" for name in written}
    same(cells(where, LAST), last_year)
