"""The same extract through CSV, Parquet, DuckDB and PostgreSQL; odd files; secrets."""

from __future__ import annotations

import os
import re
import shutil
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from pcref_analysis import cli, prepare
from pcref_analysis.counting import cells
from pcref_analysis.extract import validate
from pcref_analysis.extract.schema import declared
from pcref_analysis.extract.sources import connect, engines, folder, servers
from pcref_analysis.vocabulary.errors import PcrefError, SourceError

TODAY = date(2026, 11, 22)
SCORES = "MHS606CodedScoreAssessmentRefer"
SECRET = "Hunter2-not-to-be-shown"


def awkward(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the extract with what real ones hold: late submissions, conflicts, mixed dates, blanks, doubles."""
    tables = {name: frame.copy() for name, frame in tables.items()}
    people = tables["MHS001MPI"]
    later = people.head(12).assign(UniqMonthID="1,490", EthnicCategory=["n", " M", "Z", "99", "", "NULL"] * 2)
    later["PersonBirthDate"] = "15/01/1980"
    earlier = people.tail(9).assign(UniqMonthID="1488.0", EthnicCategory="A ", Gender="")
    tables["MHS001MPI"] = pd.concat([later, people, earlier], ignore_index=True)
    act = tables["MHS401MHActPeriod"]
    act.loc[::3, "LegalStatusCode"] = "2"
    act.loc[1, "EndDateMHActLegalStatusClass"] = "01/01/2020"
    act.loc[2, "EndDateMHActLegalStatusClass"] = "9999-12-31"
    tables["MHS401MHActPeriod"] = pd.concat(
        [act, act.head(4).assign(EndDateMHActLegalStatusClass="2025-01-31T10:00:00")]
    )
    stays = tables["MHS501HospProvSpell"].assign(UniqMonthID="1,489", RecordNumber="9")
    open_again = stays.head(6).assign(DischDateHospProvSpell="", RecordNumber="10")
    unsure = stays.tail(5).assign(MethAdmMHHospProvSpell="81")
    tables["MHS501HospProvSpell"] = pd.concat([open_again, stays, unsure, stays.head(3).assign(UniqMonthID="1488")])
    tables["MHS201CareContact"].loc[:20, "CareContDate"] = "5/6/2024 09:30"
    tables["MHS201CareContact"].loc[3, "CareContDate"] = "31/06/2024"
    tables["MHS201CareContact"].loc[4:8, "CareContDate"] = "7\xa0Jun\u202f2024\t10:00"
    tables["MHS201CareContact"].loc[4:20, "AttendStatus"] += "\u200b \ufeff\xa0"
    tables["MHS101Referral"].loc[5:9, "Person_ID"] = "nobody"
    tables["MHS101Referral"].loc[0:4, "ReferralRequestReceivedDate"] = "20240413"
    tables["MHS101Referral"].loc[10:14, "ReferralRequestReceivedDate"] = "13-Apr-2024"
    tables[SCORES].loc[0:2, "PersScore"] = ["1,234.5", "1.5E+01", "12,34"]
    tables["Areas"]["lsoa"] = tables["Areas"]["lsoa"].str.lower()
    return tables


def as_parquet(tables, folder):
    folder.mkdir()
    for name, frame in tables.items():
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), folder / f"{name}.parquet")
    return folder


def as_duckdb(tables, path):
    with duckdb.connect(str(path)) as connection:
        for name, frame in tables.items():
            connection.register("frame", pa.Table.from_pandas(frame, preserve_index=False))
            connection.execute(f'CREATE TABLE "{name.upper()}" AS SELECT * FROM frame')
            connection.unregister("frame")
    return path


def as_typed(tables: dict[str, pd.DataFrame]) -> dict[str, pa.Table]:
    """Return the valid extract with dates as dates (every other table: with times) and numbers as numbers."""
    typed = {}
    for position, (name, frame) in enumerate(tables.items()):
        columns = {}
        for column, facts in declared()[name].columns.items():
            values = frame[column].replace("", None)
            if facts.type == "date":
                days = pa.Array.from_pandas(pd.to_datetime(values), type=pa.timestamp("us"))
                columns[column] = days if position % 2 else days.cast(pa.date32())
            elif facts.type in ("integer", "number"):
                kind = pa.int64() if position % 2 else pa.float64()
                columns[column] = pa.Array.from_pandas(pd.to_numeric(values), type=kind)
            elif facts.width == 2:
                columns[column] = pa.Array.from_pandas(pd.to_numeric(values), type=pa.int32())
            else:
                columns[column] = pa.Array.from_pandas(values, type=pa.string())
        typed[name] = pa.table(columns)
    return typed


def to_postgres(address, tables, schema):
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        for name, frame in tables.items():
            columns = ", ".join(f'"{column.lower()}" text' for column in frame)
            connection.execute(f'CREATE TABLE {schema}."{name.lower()}" ({columns})')
            with connection.cursor().copy(f'COPY {schema}."{name.lower()}" FROM STDIN') as copy:
                for row in frame.itertuples(index=False):
                    copy.write_row(row)


def in_schema(schema, names):
    return {"tables": {name: f"{schema}.{name}" for name in names}}


def cleaned(parameters):
    """Return the checked extract as plain rows in the order of the keys, with its breaches."""
    checked = validate.examine(connect.open(parameters), parameters, TODAY)
    rows = {}
    for name, table in checked.tables.items():
        listed = [tuple(row.values()) for row in table.to_pyarrow().to_pylist()]
        rows[name] = sorted(listed, key=repr)
    return checked, rows


def changed(extract):
    """Return the tables that :func:`awkward` changes; with PCREF_EVERY_CASE=1 all of them."""
    valid, tables = extract.tables(), awkward(extract.tables())
    every = bool(os.environ.get("PCREF_EVERY_CASE"))
    return {name: frame for name, frame in tables.items() if every or not frame.equals(valid[name])}


def test_csv_parquet_and_duckdb_hold_the_same(extract, tmp_path):
    """The tables that :func:`awkward` changes; all tables in every form are compared by the test of typed columns."""
    tables = changed(extract)
    folder = extract.csv(tables, tmp_path / "csv")
    first, rows = cleaned(extract.parameters("folder", folder))
    assert {"dropped", "noted"} <= set(first.breaches["severity"])
    for kind, place in (
        ("folder", as_parquet(tables, tmp_path / "parquet")),
        ("duckdb", as_duckdb(tables, tmp_path / "extract.duckdb")),
    ):
        other, theirs = cleaned(extract.parameters(kind, place))
        assert theirs == rows
        assert other.breaches.equals(first.breaches)
        assert other.counts.equals(first.counts)
        assert {n: t.schema() for n, t in other.tables.items()} == {n: t.schema() for n, t in first.tables.items()}


def test_postgres_holds_the_same(extract, tmp_path, postgres, monkeypatch):
    tables = changed(extract)
    folder = extract.csv(tables, tmp_path / "csv")
    first, rows = cleaned(extract.parameters("folder", folder))
    to_postgres(postgres, tables, "awkward")
    monkeypatch.setenv("TRUST_WAREHOUSE", postgres)
    other, theirs = cleaned(extract.parameters("postgres", "TRUST_WAREHOUSE", source=in_schema("awkward", tables)))
    assert theirs == rows
    assert other.breaches.equals(first.breaches)
    assert other.counts.equals(first.counts)


def test_typed_columns_and_cells_are_the_same(extract, tmp_path, postgres, monkeypatch):
    """Dates, times and numbers as such, codes as numbers: the same tables, and the same cells, as from text.

    DuckDB counts the rows of files and those of its own database in the same temporary tables, of the same columns and
    types; PostgreSQL counts them itself.
    """
    tables = extract.tables()
    typed = as_typed(tables)
    folder, path = tmp_path / "typed", tmp_path / "typed.duckdb"
    folder.mkdir()
    for name, table in typed.items():
        pq.write_table(table, folder / f"{name}.parquet")
    with duckdb.connect(str(path)) as connection:
        for name, table in typed.items():
            connection.register("frame", table)
            connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM frame')
            connection.unregister("frame")
    to_postgres(postgres, tables, "valid")
    monkeypatch.setenv("TRUST_WAREHOUSE", postgres)
    written = extract.parameters("folder", extract.csv(tables, tmp_path / "csv"))
    first, rows = cleaned(written)
    counted, ledger = cells.build(first.tables, written)
    assert counted["events"].sum() > 0
    others = {
        "parquet": extract.parameters("folder", folder),
        "duckdb": extract.parameters("duckdb", path),
        "postgres": extract.parameters("postgres", "TRUST_WAREHOUSE", source=in_schema("valid", tables)),
    }
    for name, parameters in others.items():
        checked, theirs = cleaned(parameters)
        assert theirs == rows, name
        assert {n: t.schema() for n, t in checked.tables.items()} == {n: t.schema() for n, t in first.tables.items()}
        if name != "postgres" and not os.environ.get("PCREF_EVERY_CASE"):
            continue
        also, also_ledger = cells.build(checked.tables, parameters)
        pd.testing.assert_frame_equal(also, counted, obj=name)
        pd.testing.assert_frame_equal(also_ledger, ledger, obj=name)


# --- files as they come ---


def two(extract):
    """Return the two smallest tables that make an extract."""
    return {name: extract.tables()[name] for name in ("MHS001MPI", "Areas")}


def opened(extract, folder, **source):
    parameters = extract.parameters("folder", folder, source=source)
    return cleaned(parameters)[1]


@pytest.mark.parametrize(
    "options",
    [
        {"encoding": "utf-8-sig"},
        {"encoding": "cp1252"},
        {"sep": ";"},
        {"sep": "\t"},
        {"sep": "|"},
        {"lineterminator": "\r\n"},
        {"quoting": 1},
    ],
    ids=["mark", "windows-1252", "semicolon", "tab", "bar", "windows-lines", "quoted"],
)
def test_ways_to_write_csv(extract, tmp_path, options):
    tables = two(extract)
    plain = opened(extract, extract.csv(tables, tmp_path / "plain"))
    tables["MHS001MPI"]["Note"] = "Zoë, at “home”; a | b" if options.get("sep") != "\t" else "Zoë"
    folder = extract.csv(tables, tmp_path / "odd", **options)
    if options.get("encoding") == "cp1252":
        with pytest.raises(UnicodeDecodeError):
            (folder / "MHS001MPI.csv").read_text(encoding="utf-8")
    assert opened(extract, folder) == plain


def test_names_of_files_and_columns_in_any_letter_case_and_mapped(extract, tmp_path):
    tables = two(extract)
    plain = opened(extract, extract.csv(tables, tmp_path / "plain"))
    people = tables["MHS001MPI"].rename(columns=str.lower).rename(columns={"gender": "sex at birth"})
    folder = extract.csv({"patients": people, "AREAS": tables["Areas"]}, tmp_path / "local")
    source = {"tables": {"MHS001MPI": "Patients.csv"}, "columns": {"MHS001MPI": {"Gender": "Sex at birth"}}}
    assert opened(extract, folder, **source) == plain


def refused(extract, folder, *words, hidden=(), **source):
    with pytest.raises(PcrefError) as caught:
        validate.examine(*[f(extract.parameters("folder", folder, source=source)) for f in (connect.open, lambda p: p)])
    for word in words:
        assert word in str(caught.value)
    for word in (*hidden, "P0001", SECRET):
        assert word not in str(caught.value)
    assert caught.value.__cause__ is None and caught.value.__suppress_context__ is (
        caught.value.__context__ is not None
    )
    return str(caught.value)


def as_directory(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda path: path.rename(path.with_suffix(".xlsx")),
            ("Areas.xlsx: is not a CSV or Parquet file", "CSV UTF-8"),
        ),
        (lambda path: path.rename(path.with_suffix(".csv.gz")), ("Areas.csv.gz: is not a CSV",)),
        (as_directory, ("Areas.csv: is not a CSV",)),
        (lambda path: path.rename(path.with_suffix(".parquet")), ("Areas.parquet cannot be read as Parquet",)),
        (
            lambda path: path.write_text("Report of Friday,\n" + path.read_text() + "x,y,z\n", encoding="utf-8"),
            ("line(s) that do not split",),
        ),
    ],
    ids=["excel", "packed", "directory", "misnamed", "footer"],
)
def test_files_of_another_kind_under_the_name_of_a_table(extract, tmp_path, change, words):
    folder = extract.csv(two(extract), tmp_path / "x")
    change(folder / "Areas.csv")
    refused(extract, folder, *words, hidden=["E01000001"])


@pytest.mark.parametrize("others", [("Areas_2023-24.csv",), ("areas (2).csv",), ("2022.Areas.csv", "2023.Areas.csv")])
@pytest.mark.parametrize("there", [True, False])
def test_rows_of_a_table_in_further_files_are_not_left_out_without_a_word(extract, tmp_path, others, there):
    """A table in a file a year: what stood beside Areas.csv was not read, and nothing said so."""
    folder = extract.csv(two(extract), tmp_path / "x")
    for name in others:
        shutil.copy(folder / "Areas.csv", folder / name)
    if not there:
        (folder / "Areas.csv").unlink()
    refused(extract, folder, *others, "rows of Areas?", "read from one file", hidden=["E01000001"])


def test_the_file_that_source_tables_names_stands_whatever_is_beside_it(extract, tmp_path):
    folder = extract.csv(two(extract), tmp_path / "x")
    shutil.copy(folder / "Areas.csv", folder / "Areas_old.csv")
    (folder / "Subareas.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert set(opened(extract, folder, tables={"Areas": "Areas.csv"})) == {"MHS001MPI", "Areas"}


def test_our_own_queries_beside_the_files_are_no_fault(extract, tmp_path):
    folder = extract.csv(two(extract), tmp_path / "x")
    (folder / "MHS101Referral.sql").write_text("SELECT 1", encoding="utf-8")
    assert set(opened(extract, folder)) == {"MHS001MPI", "Areas"}


def test_a_file_that_another_program_holds(extract, tmp_path, monkeypatch):
    folder, whole = extract.csv(two(extract), tmp_path / "x"), Path.open

    def held(path, *rest, **options):
        if path.name == "Areas.csv":
            raise PermissionError(13, "the process cannot access the file", str(path))
        return whole(path, *rest, **options)

    monkeypatch.setattr(Path, "open", held)
    refused(extract, folder, "Areas.csv cannot be opened (PermissionError)", "Close it in other programs")
    with pytest.raises(PcrefError, match=r"Areas\.csv cannot be opened"):
        prepare.fingerprint(extract.parameters("folder", folder))


def test_a_name_that_stands_twice_in_the_first_line(extract, tmp_path):
    folder = extract.csv(two(extract), tmp_path / "x")
    lines = (folder / "Areas.csv").read_text(encoding="utf-8").splitlines()
    text = "\n".join([f"{lines[0]},LSOA", *(f"{line},QQ" for line in lines[1:])])
    (folder / "Areas.csv").write_text(text, encoding="utf-8")
    checked, _ = cleaned(extract.parameters("folder", folder))
    assert checked.breaches.query("severity == 'stops'")["rule"].tolist() == ["column stands there more than once"]


def test_no_folder(extract, tmp_path):
    refused(extract, tmp_path / "nowhere", "there is no folder")


def test_misspelt_file(extract, tmp_path):
    folder = extract.csv(two(extract) | {"MHS101Referal": extract.tables()["MHS101Referral"]}, tmp_path / "x")
    refused(extract, folder, "MHS101Referal.csv: did you mean MHS101Referral?")


def test_no_table_of_people(extract, tmp_path):
    refused(extract, extract.csv({"Areas": two(extract)["Areas"]}, tmp_path / "x"), "no file MHS001MPI.csv")


def test_two_files_for_one_table(extract, tmp_path):
    folder = extract.csv(two(extract), tmp_path / "x")
    pq.write_table(pa.Table.from_pandas(two(extract)["Areas"]), folder / "areas.parquet")
    refused(extract, folder, "Areas.csv", "areas.parquet", "Keep one")


def test_mapped_file_that_is_not_there(extract, tmp_path):
    folder = extract.csv(two(extract), tmp_path / "x")
    refused(extract, folder, "source.tables.Areas", "Did you mean 'Areas.csv'?", tables={"Areas": "Area.csv"})


def test_names_that_the_contract_does_not_know(extract, tmp_path):
    folder = extract.csv(two(extract), tmp_path / "x")
    refused(extract, folder, "source.tables", "Did you mean 'Areas'?", tables={"Area": "x"})
    refused(extract, folder, "source.columns.Areas", "Did you mean 'lsoa'?", columns={"Areas": {"lsoa21": "x"}})


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        ({"MHS001MPY": {}}, "no table of the contract. Did you mean 'MHS001MPI'"),
        ({"MHS001MPI": {"EthnicCategry": {"x": "A"}}}, "Did you mean 'EthnicCategory'"),
        ({"MHS001MPI": {"EthnicCategory": {"x": "?"}}}, "maps to '.', no code of the contract"),
        ({"MHS001MPI": {"PersonBirthDate": {"x": "1"}}}, "not codes"),
        ({"MHS001MPI": {"Gender": {"x": 1, "X ": 2}}}, "maps one local value twice"),
        ({"MHS001MPI": {"Gender": {True: 1}}}, "quotation marks"),
    ],
)
def test_codes_that_the_contract_does_not_know(extract, tmp_path, codes, words):
    with pytest.raises(PcrefError, match=words):
        connect.open(extract.parameters("folder", tmp_path, source={"codes": codes}))


def test_what_sqlcmd_writes_around_the_rows_is_named(extract, tmp_path):
    folder = extract.csv(two(extract), tmp_path / "csv")
    path = folder / "Areas.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([lines[0], "----,----", *lines[1:]]), encoding="utf-8")
    with pytest.raises(PcrefError, match="line of dashes"):
        opened(extract, folder)
    path.write_text("\n".join([*lines, "", "(20 rows affected)", ""]), encoding="utf-8")
    with pytest.raises(PcrefError, match="rows affected"):
        opened(extract, folder)


def test_empty_file(extract, tmp_path):
    folder = extract.csv(two(extract), tmp_path / "x")
    (folder / "Areas.csv").write_bytes(b"")
    refused(extract, folder, "Areas.csv is empty")


def test_only_a_header(extract, tmp_path):
    folder = extract.csv(two(extract) | {"Areas": two(extract)["Areas"].head(0)}, tmp_path / "x")
    checked, _ = cleaned(extract.parameters("folder", folder))
    assert checked.breaches.query("table == 'Areas'")["rule"].tolist() == ["table is empty"]


def test_memory_is_what_is_asked_for(extract, monkeypatch):
    monkeypatch.setenv("PCREF_MEMORY", "3GB")
    limit = folder.engine(extract.parameters()).raw_sql("SELECT current_setting('memory_limit')").fetchone()[0]
    assert limit == "2.7 GiB"
    monkeypatch.setenv("PCREF_MEMORY", "a lot")
    with pytest.raises(PcrefError, match="PCREF_MEMORY holds no amount of memory"):
        folder.engine(extract.parameters())


def test_an_engine_short_of_memory_says_which_variable_gives_it_more():
    words = r"OutOfMemoryException\). It needs more memory than it may take: set"
    with pytest.raises(SourceError, match=words), engines.asked("rows were counted"):
        raise duckdb.OutOfMemoryException("failed to pin block")


def test_one_column(extract, tmp_path):
    folder = extract.csv(two(extract), tmp_path / "x")
    (folder / "Areas.csv").write_text("lsoa\nE01000001\n", encoding="utf-8")
    refused(extract, folder, "Areas.csv has a first line of one column", hidden=["E01000001"])


def test_a_title_line_that_a_spreadsheet_has_padded(extract, tmp_path):
    folder = extract.csv(two(extract), tmp_path / "x")
    (folder / "Areas.csv").write_text("Secret title,,\nlsoa,imd_quintile,note\nE01000001,1,x\n", encoding="utf-8")
    refused(extract, folder, "one name and 2 blanks in its first line", "Take it out", hidden=["Secret", "E01000001"])


def test_utf_16(extract, tmp_path):
    folder = extract.csv(two(extract), tmp_path / "x")
    (folder / "Areas.csv").write_text("lsoa,imd_quintile\nE01000001,1\n", encoding="utf-16")
    refused(extract, folder, "Areas.csv is not UTF-8 text", "CSV UTF-8")


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_lines_that_do_not_split(extract, tmp_path, encoding):
    folder = extract.csv(two(extract), tmp_path / "x")
    lines = [
        "lsoa,imd_quintile,note",
        "E01000001,1,é",
        "E01000002,2,QQMARK,QQMARK",
        "E01000003,3,x",
        "E01000004,QQMARK",
    ]
    (folder / "Areas.csv").write_text("\n".join(lines), encoding=encoding)
    refused(extract, folder, "Areas.csv has 2 line(s)", hidden=["QQMARK", "E0100"])


def test_not_parquet(extract, tmp_path):
    folder = extract.csv({"MHS001MPI": two(extract)["MHS001MPI"]}, tmp_path / "x")
    (folder / "Areas.parquet").write_text("lsoa,imd_quintile", encoding="utf-8")
    refused(extract, folder, "Areas.parquet cannot be read as Parquet")


def test_columns_of_a_type_that_cannot_be_read(extract, tmp_path):
    folder = extract.csv({"MHS001MPI": two(extract)["MHS001MPI"]}, tmp_path / "x")
    pq.write_table(pa.table({"lsoa": [["E01000001"]], "imd_quintile": [1]}), folder / "Areas.parquet")
    checked, _ = cleaned(extract.parameters("folder", folder))
    assert "type array<string> cannot be read" in checked.breaches.query("severity == 'stops'")["rule"].tolist()


def test_a_file_name_with_a_quote(extract, tmp_path):
    plain = opened(extract, extract.csv(two(extract), tmp_path / "plain"))
    assert opened(extract, extract.csv(two(extract), tmp_path / "St Mary's extract")) == plain


def test_duckdb_files(extract, tmp_path):
    for place, text in (
        (tmp_path / "no.duckdb", "there is no DuckDB file"),
        (tmp_path / "x.duckdb", "cannot be opened"),
    ):
        if place.name == "x.duckdb":
            place.write_text("not a database", encoding="utf-8")
        with pytest.raises(PcrefError, match=text):
            connect.open(extract.parameters("duckdb", place))
    path = as_duckdb({"MHS001MPI": two(extract)["MHS001MPI"]}, tmp_path / "people.duckdb")
    before = path.read_bytes()
    parameters = extract.parameters("duckdb", path)
    validate.examine(connect.open(parameters), parameters, TODAY)
    assert path.read_bytes() == before, "an extract is read, never written"
    with pytest.raises(PcrefError, match="no table Area "):
        connect.open(extract.parameters("duckdb", path, source={"tables": {"Areas": "Area"}}))


def test_a_view_of_a_duckdb_file_reads_no_other_file(extract, tmp_path):
    (tmp_path / "other.csv").write_text("Person_ID,UniqMonthID\nSECRET-ROW,1\n", encoding="utf-8")
    path = as_duckdb({"Areas": two(extract)["Areas"]}, tmp_path / "view.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE VIEW MHS001MPI AS SELECT * FROM read_csv('{(tmp_path / 'other.csv').as_posix()}')")
    with pytest.raises(PcrefError, match="view for MHS001MPI that cannot be read") as caught:
        connect.open(extract.parameters("duckdb", path))
    assert "other.csv" not in str(caught.value)


def test_a_fault_of_our_own_keeps_its_name(extract, tmp_path, monkeypatch):
    def fault(*rest):
        raise KeyError("ours")

    monkeypatch.setattr(validate, "_table", fault)
    with pytest.raises(KeyError):
        opened(extract, extract.csv(two(extract), tmp_path / "csv"))


def test_published_figures_have_no_rows(extract):
    with pytest.raises(PcrefError, match="no rows to check"):
        connect.open(extract.parameters("published"))


# --- secrets ---


@pytest.mark.parametrize(
    "location",
    [
        f"postgresql://analyst:{SECRET}@server/database",
        f"mssql://server/database?PWD={SECRET}",
        f"Driver=x;Server=y;Password = {SECRET}",
        f"postgresql://[broken:{SECRET}@server",
        f"mssql://server/database?api_key={SECRET}",
        f"postgresql://u@server/database?passfile={SECRET}",
        f"postgresql://server/database?p%61ssword={SECRET}",
        f"postgresql://u%3A{SECRET}@server/database",
        f"analyst:{SECRET}@server",
        f"AccountKey={SECRET}",
        f"folder?sv=1&sig={SECRET}",
        f'{{"password": "{SECRET}"}}',
        f"Bearer {SECRET}",
        f"sqlcmd -U analyst -P{SECRET}",
    ],
)
@pytest.mark.parametrize("kind", ["postgres", "sqlserver", "folder"])
def test_a_location_with_a_password_is_refused(extract, kind, location):
    with pytest.raises(PcrefError, match="holds a password") as caught:
        connect.open(extract.parameters(kind, location))
    assert SECRET not in str(caught.value) and "server/database" not in str(caught.value)


def test_server_errors_show_no_address(extract, monkeypatch, postgres, caplog):
    caplog.set_level("DEBUG")
    with pytest.raises(PcrefError, match="TRUST_WAREHOUSE is not set"):
        connect.open(extract.parameters("postgres", "TRUST_WAREHOUSE"))
    wrong = postgres.replace(urlsplit(postgres).password, SECRET)
    for text in (wrong, f"oracle://u:{SECRET}@h/d", f"postgresql://u:{SECRET}@h:port/d", "postgresql://h"):
        monkeypatch.setenv("TRUST_WAREHOUSE", text)
        with pytest.raises(PcrefError) as caught:
            connect.open(extract.parameters("postgres", "TRUST_WAREHOUSE"))
        assert SECRET not in str(caught.value) and "127.0.0.1" not in str(caught.value)
        assert "analyst" not in str(caught.value)
    assert SECRET not in caplog.text


def test_a_small_public_table_stands_beside_the_rows(extract, monkeypatch, postgres):
    tables = extract.tables()  # all: a table not named could be any of two schemas
    to_postgres(postgres, tables, "beside")
    monkeypatch.setenv("TRUST_WAREHOUSE", postgres)
    raw = connect.open(extract.parameters("postgres", "TRUST_WAREHOUSE", source=in_schema("beside", tables)))
    homes = raw["MHS001MPI"].select(lsoa="lsoa2021")
    areas = engines.temporary_table(pd.DataFrame({"lsoa": ["E01000001", "E01000002"], "imd_quintile": [1, 5]}), homes)
    assert homes.inner_join(areas, "lsoa").count().execute() == 4  # two people each
    query = f"SELECT relpersistence::text AS kind FROM pg_class WHERE relname = '{areas.op().name}'"
    assert areas.get_backend().sql(query, schema={"kind": "string"}).execute()["kind"].tolist() == ["t"]  # temporary


def test_no_password_reaches_the_screen_or_a_log(extract, tmp_path, monkeypatch, capfd, caplog):
    """The command itself, against a server that is not there: address, user and password stay out of all it says."""
    caplog.set_level("DEBUG")
    folder = tmp_path / "notebooks" / "parameters"
    folder.mkdir(parents=True)
    values = extract.parameters("postgres", "TRUST_WAREHOUSE").model_dump(mode="json")
    (folder / "test.yml").write_text(yaml.safe_dump(values), encoding="utf-8")
    for address in (f"postgresql://reader:{SECRET}@127.0.0.1:9/warehouse", "postgresql://reader@127.0.0.1:9/warehouse"):
        monkeypatch.setenv("TRUST_WAREHOUSE", address)
        for words in (["check"], ["report"]):
            monkeypatch.setattr("sys.argv", ["pcref", *words, "--run", "test"])
            with pytest.raises(SystemExit) as left:
                cli.main()
            assert left.value.code == 2
            said = "".join(capfd.readouterr()) + caplog.text
            assert "PostgreSQL cannot be reached" in said and "Traceback" not in said
            assert not {SECRET, "reader", "127.0.0.1"} & set(re.findall(r"[\w.-]+", said))
    assert "No password was found" in said  # of the address without one


def test_missing_and_doubtful_tables_of_a_server(extract, monkeypatch, postgres):
    people = {"MHS001MPI": two(extract)["MHS001MPI"]}
    to_postgres(postgres, people, "one")
    to_postgres(postgres, people, "other")
    monkeypatch.setenv("TRUST_WAREHOUSE", postgres)
    with pytest.raises(PcrefError, match="tables would do for MHS001MPI"):
        connect.open(extract.parameters("postgres", "TRUST_WAREHOUSE"))
    source = {"tables": {"MHS001MPI": "one.mhs001mpy"}}
    with pytest.raises(PcrefError, match="Did you mean 'mhs001mpi'"):
        connect.open(extract.parameters("postgres", "TRUST_WAREHOUSE", source=source))


def test_where_passwords_come_from(monkeypatch):
    place = "mssql://reader@server:1433/warehouse?driver=X"
    monkeypatch.delenv(servers.PASSWORD, raising=False)
    monkeypatch.setattr(servers, "find_spec", lambda name: None)
    bare = {"host": "server", "port": 1433, "user": "reader", "database": "warehouse", "driver": "X"}
    assert servers.address("sqlserver", place) == bare
    ring = type("Ring", (), {"get_password": staticmethod(lambda service, name: f"{service} {name}")})
    monkeypatch.setattr(servers, "find_spec", lambda name: True)
    monkeypatch.setattr(servers, "import_module", lambda name: ring)
    assert servers.address("sqlserver", place)["password"] == "pcref-analysis reader@server/warehouse"
    monkeypatch.setenv(servers.PASSWORD, SECRET)
    assert servers.address("sqlserver", place)["password"] == SECRET
    assert "password" not in servers.address("sqlserver", "mssql://server/warehouse")


@pytest.mark.parametrize(("kind", "package"), [("postgres", "psycopg"), ("sqlserver", "pyodbc"), ("spark", "pyspark")])
def test_a_driver_that_is_not_installed(monkeypatch, kind, package):
    monkeypatch.setattr(servers, "find_spec", lambda name: None)
    monkeypatch.setenv("TRUST_WAREHOUSE", {"postgres": "postgresql://h/d"}.get(kind, "mssql://h/d"))
    with pytest.raises(PcrefError, match=f"needs the package {package}"):
        servers.connect(kind, "TRUST_WAREHOUSE")


def test_spark_without_java_says_so(monkeypatch):
    monkeypatch.setattr(servers, "find_spec", lambda name: True)
    monkeypatch.setattr(servers.shutil, "which", lambda name: None)
    for name in ("JAVA_HOME", "SPARK_REMOTE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(PcrefError, match="Spark needs Java, version 17 or later"):
        servers.connect("spark", "mhsds")


# --- one truth in every form ---

STAND_IN, OPEN_END = "1900-01-01", "9999-12-31"


def test_stand_in_dates_and_midnights_are_the_same_in_every_form(extract, tmp_path, postgres, monkeypatch):
    """SQL Server's empty date and local midnights of summer kept in UTC: as text, dates, moments, ENUM and DECIMAL."""
    import psycopg

    days = ["2024-04-01", "2024-05-11", "2024-06-12", "2024-12-24"]
    people = extract.tables()["MHS001MPI"].head(4).assign(PersDeathDate=STAND_IN)
    starts = pd.to_datetime(pd.Series(days)).dt.tz_localize("Europe/London").dt.tz_convert("UTC")
    stays = extract.tables()["MHS501HospProvSpell"].head(4).assign(UniqHospProvSpellID=list("abcd"))
    stays["Person_ID"], stays["DischDateHospProvSpell"] = people["Person_ID"], OPEN_END
    stays["MethAdmMHHospProvSpell"] = ["21", "81", "81", "21"]
    stays["StartDateHospProvSpell"] = starts.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    text = {"MHS001MPI": people, "MHS501HospProvSpell": stays}
    typed = """SELECT * REPLACE (StartDateHospProvSpell::TIMESTAMPTZ AS StartDateHospProvSpell,
        {end} AS DischDateHospProvSpell, {method} AS MethAdmMHHospProvSpell) FROM stays"""
    forms = {
        "plain": typed.format(end="'31/12/9999'", method="MethAdmMHHospProvSpell::DECIMAL(9,2)"),
        "enum": typed.format(end=f"DATE '{OPEN_END}'", method="MethAdmMHHospProvSpell::methods"),
        "moment": typed.format(end=f"TIMESTAMP '{OPEN_END} 00:00:00'", method="MethAdmMHHospProvSpell::DOUBLE"),
    }
    places = {"csv": extract.parameters("folder", extract.csv(text, tmp_path / "csv"))}
    for form, query in forms.items():
        with duckdb.connect(str(tmp_path / f"{form}.duckdb")) as connection:
            connection.execute("SET TimeZone = 'America/New_York'")
            connection.execute("CREATE TYPE methods AS ENUM ('21', '81')")
            connection.register("stays", pa.Table.from_pandas(stays, preserve_index=False))
            connection.register("people", pa.Table.from_pandas(people, preserve_index=False))
            connection.execute(f"CREATE TABLE MHS501HospProvSpell AS {query}")
            death = {"plain": "VARCHAR", "enum": "DATE", "moment": "TIMESTAMP"}[form]
            connection.execute(
                f"CREATE TABLE MHS001MPI AS SELECT * REPLACE (PersDeathDate::{death} AS PersDeathDate) FROM people"
            )
            folder = tmp_path / f"parquet-{form}"
            folder.mkdir()
            for name in text:
                table = connection.execute(f"SELECT * FROM {name}").to_arrow_table()
                pq.write_table(table, folder / f"{name}.parquet", use_dictionary=True)
        places |= {f"duckdb {form}": extract.parameters("duckdb", tmp_path / f"{form}.duckdb")}
        places |= {f"parquet {form}": extract.parameters("folder", folder)}
    to_postgres(postgres, text, "midnight")
    with psycopg.connect(postgres, autocommit=True) as connection:
        for table, column, kind in (
            ("mhs501hospprovspell", "startdatehospprovspell", "timestamptz"),
            ("mhs501hospprovspell", "dischdatehospprovspell", "timestamp"),
            ("mhs501hospprovspell", "methadmmhhospprovspell", "numeric(9, 2)"),
            ("mhs001mpi", "persdeathdate", "date"),
        ):
            connection.execute(
                f"ALTER TABLE midnight.{table} ALTER {column} TYPE {kind} USING nullif({column}, '')::{kind}"
            )
    monkeypatch.setenv("TRUST_WAREHOUSE", postgres)
    places["postgres"] = extract.parameters("postgres", "TRUST_WAREHOUSE", source=in_schema("midnight", text))
    first = None
    for name, parameters in places.items():
        checked, rows = cleaned(parameters)
        first = first or rows
        assert rows == first, name
        kept = checked.tables["MHS501HospProvSpell"].order_by("UniqHospProvSpellID").to_pyarrow().to_pydict()
        assert [day.isoformat() for day in kept["StartDateHospProvSpell"]] == days, name
        assert kept["DischDateHospProvSpell"] == [None] * 4, name
        assert checked.tables["MHS001MPI"].to_pyarrow()["PersDeathDate"].null_count == 4, name
