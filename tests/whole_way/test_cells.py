"""The same rows, clean or messy, in files or databases, give the same cells."""

from __future__ import annotations

import os

import pandas as pd
import pytest

from pcref_analysis import prepare
from pcref_analysis.store import runs
from pcref_analysis.vocabulary import parameters

pytestmark = pytest.mark.skipif(
    not os.environ.get("PCREF_EVERY_CASE"), reason="takes long: set PCREF_EVERY_CASE=1 to compare files and databases"
)

YEARS = ["2023-24"]
SOME = ("MHS001MPI", "MHS101Referral", "MHS201CareContact", "MHS401MHActPeriod", "MHS501HospProvSpell")


@pytest.fixture(scope="module")
def count(trust, open_data, tmp_path_factory):
    """Return a function that counts an extract into cells, in a private home."""

    def counted(run: str, where: dict) -> pd.DataFrame:
        home = tmp_path_factory.mktemp(run)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PCREF_HOME", str(home))
            patch.setenv("PCREF_OPEN_DATA", str(open_data))
            asked = parameters.check(trust.parameters(run, where, YEARS[-1], YEARS), f"{run}.yml")
            prepare.prepare(asked, lambda line: None)
            return runs.load(run)

    return counted


@pytest.fixture(scope="module")
def some(trust, rows):
    """Return the rows of the tables that are compared: with PCREF_EVERY_CASE=1 all of them."""
    return rows if os.environ.get("PCREF_EVERY_CASE") else {name: rows[name] for name in SOME}


@pytest.fixture(scope="module")
def known(trust, some, count, tmp_path_factory):
    """Return the cells of the clean rows."""
    folder = tmp_path_factory.mktemp("clean")
    trust.write_clean(some, folder)
    return count("clean", {"kind": "folder", "location": str(folder)})


@pytest.fixture(scope="module")
def export(trust, some):
    return trust.messy(some)


def test_cells_of_a_messy_folder_are_those_of_the_clean_rows(trust, export, count, known, tmp_path):
    trust.write_folder(export, tmp_path)
    pd.testing.assert_frame_equal(
        count("files", trust.source("folder", str(tmp_path), names=tuple(export))), known, check_exact=True
    )


def test_cells_of_a_duckdb_file_are_those_of_the_clean_rows(trust, export, count, known, tmp_path):
    trust.write_duckdb(export, tmp_path / "warehouse.duckdb")
    where = trust.source("duckdb", str(tmp_path / "warehouse.duckdb"), names=tuple(export))
    pd.testing.assert_frame_equal(count("duckdb", where), known, check_exact=True)


def test_cells_of_a_postgresql_server_are_those_of_the_clean_rows(trust, export, count, known, postgres, monkeypatch):
    trust.write_postgres(export, postgres, "mhsds")
    monkeypatch.setenv("TRUST_WAREHOUSE", postgres)
    where = trust.source("postgres", "TRUST_WAREHOUSE", "mhsds", tuple(export))
    pd.testing.assert_frame_equal(count("postgres", where), known, check_exact=True)
