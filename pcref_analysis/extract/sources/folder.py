"""A folder of CSV or Parquet files as tables of an embedded DuckDB.

CSV is read as text, column by column: typing is the contract's business. UTF-8 (with or without a byte order mark) is
read in place; a file in Windows-1252, as Excel and SQL Server write it, goes through memory.
"""

from __future__ import annotations

import codecs
import csv
import os
import re
from pathlib import Path
from typing import Any

import duckdb
import ibis
import psutil

from pcref_analysis.extract.schema import PERSONS, declared
from pcref_analysis.vocabulary import private
from pcref_analysis.vocabulary.errors import PcrefError, did_you_mean, nearest
from pcref_analysis.vocabulary.parameters import Parameters

ENDINGS = (".csv", ".txt", ".tsv", ".parquet")
DELIMITERS = (",", ";", "\t", "|")
CHUNK = 1 << 22
MEMORY, SPARED = "PCREF_MEMORY", 2_500_000_000  # at ten million rows it takes no longer with more


def engine(parameters: Parameters) -> ibis.BaseBackend:
    """Return an embedded DuckDB that never reaches for the network and spills only beside the run's own data."""
    connection = ibis.duckdb.connect()
    spill = private.make(parameters.run) / "spill"
    for setting in (
        "SET autoinstall_known_extensions = false",
        "SET autoload_known_extensions = false",
        "SET disabled_optimizers = 'in_clause'",  # makes a join of every list of codes: seconds a column
        f"SET memory_limit = '{_memory()}'",
        "SET preserve_insertion_order = false",  # what comes out is sorted; to keep an order takes memory
        f"SET temp_directory = '{quoted(spill)}'",
    ):
        connection.raw_sql(setting)
    return connection


def _memory() -> str:
    """Return how much memory DuckDB may take before it writes to disk: ``PCREF_MEMORY``, or what a laptop can spare."""
    asked = os.environ.get(MEMORY, "")
    if not asked:
        return f"{min(SPARED, psutil.virtual_memory().total // 2) // 1_000_000}MB"
    if not re.fullmatch(r"[1-9]\d*(\.\d+)?(MB|GB)", asked, re.ASCII):
        raise PcrefError(f"source: the variable {MEMORY} holds no amount of memory. Write it as 8GB or 2500MB.")
    return asked


def shut(connection: ibis.BaseBackend) -> None:
    """Let no view of an attached extract reach another file: only spilling to the run's own folder stays allowed."""
    spill = connection.raw_sql("SELECT current_setting('temp_directory')").fetchone()[0]
    for setting in (
        f"SET allowed_directories = ['{quoted(Path(spill))}']",
        "SET enable_external_access = false",
        "SET lock_configuration = true",
    ):
        connection.raw_sql(setting)


def quoted(path: Path) -> str:
    """Return the path for use inside single quotes of SQL."""
    return path.as_posix().replace("'", "''")


def open_folder(folder: Path, parameters: Parameters) -> dict[str, ibis.Table]:
    """Return the files of a folder as tables under contract names; a table without a file is left out.

    Raises
    ------
    PcrefError
        If the folder is absent, the table of people has no file, a file's name is nearly that of an absent
        table, two files would do for one table, or a file cannot be read.
    """
    if not folder.is_dir():
        raise PcrefError(f"source: there is no folder {folder}. Check source.location in the parameters.")
    try:
        there = sorted(folder.iterdir())
    except OSError as error:
        raise _unopened(folder, error) from None
    have = [path for path in there if path.is_file() and path.suffix.lower() in ENDINGS]
    found = {table: _file(table, have, parameters) for table in declared()}
    _near_misses(found, have, [path for path in there if path not in have])
    _parts(found, have, parameters)
    connection = engine(parameters)
    return {table: _read(connection, table, path) for table, path in found.items() if path}


def _file(table: str, have: list[Path], parameters: Parameters) -> Path | None:
    wanted = parameters.source.tables.get(table, table)
    fits = [path for path in have if wanted.lower() in (path.name.lower(), path.stem.lower())]
    if len(fits) > 1:
        names = ", ".join(path.name for path in fits)
        raise PcrefError(f"source: {names} would all do for {table}. Keep one, or name it in source.tables.")
    if not fits and table in parameters.source.tables:
        hint = did_you_mean(wanted, [path.name for path in have])
        raise PcrefError(f"source: source.tables.{table} names '{wanted}', which is not in the folder.{hint}")
    return fits[0] if fits else None


def _unopened(path: Path, error: OSError) -> PcrefError:
    return PcrefError(
        f"source: {path.name} cannot be opened ({type(error).__name__}). Close it in other programs. May you read it?"
    )


def _near_misses(found: dict[str, Path | None], have: list[Path], others: list[Path]) -> None:
    strangers = {path.stem.lower(): path for path in have if path not in found.values()}
    absent = [table for table, path in found.items() if path is None]
    odd = {path.name.split(".")[0].lower(): path for path in others if path.suffix.lower() != ".sql"}  # our templates
    lines = []
    for table in absent:
        if path := odd.get(table.lower()):
            lines.append(f"  {path.name}: is not a CSV or Parquet file. Save it as 'CSV UTF-8 (comma delimited)'.")
            continue
        if near := nearest(table.lower(), strangers, 0.85):
            lines.append(f"  {strangers[near].name}: did you mean {table}? Rename it or map it in source.tables.")
        elif table == PERSONS:
            lines.append(f"  there is no file {PERSONS}.csv or {PERSONS}.parquet, the table of people.")
    if lines:
        raise PcrefError("\n".join([f"source: {len(lines)} fault(s) of the folder:", *lines]))


def _parts(found: dict[str, Path | None], have: list[Path], parameters: Parameters) -> None:
    """Refuse files whose names say that they hold more rows of a table: they would be left out without a word.

    A table that source.tables names has its file, whatever else is in the folder.
    """
    lines = []
    for table in found:
        name = re.compile(rf"(?<![a-z0-9]){table}(?![a-z])", re.IGNORECASE)
        parts = [path.name for path in have if path not in found.values() and name.search(path.stem)]
        if parts and table not in parameters.source.tables:
            lines.append(f"  {', '.join(parts)}: rows of {table}?")
    if lines:
        todo = "A table is read from one file. Put its rows together, or name the one to read in source.tables."
        raise PcrefError("\n".join([f"source: {len(lines)} table(s) have further files:", *lines, f"  {todo}"]))


def _read(connection: ibis.BaseBackend, table: str, path: Path) -> ibis.Table:
    if path.stat().st_size == 0:
        raise PcrefError(f"source: {path.name} is empty: not even column names. Export it again.")
    if path.suffix.lower() == ".parquet":
        try:
            return connection.read_parquet(path.as_posix(), table_name=f"raw_{table}")
        except duckdb.Error:
            raise PcrefError(f"source: {path.name} cannot be read as Parquet. Export it again.") from None
    try:
        return _read_csv(connection, table, path)
    except OSError as error:
        raise _unopened(path, error) from None


def encoding(path: Path) -> str:
    """Return the encoding of a text file: "utf-8" (with or without its mark) or "cp1252".

    Raises
    ------
    PcrefError
        If the file is UTF-16 or holds no text.
    """
    with path.open("rb") as stream:
        start = stream.read(4)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in start:
            raise PcrefError(f"source: {path.name} is not UTF-8 text. Save it as 'CSV UTF-8 (comma delimited)'.")
        stream.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while chunk := stream.read(CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


def header(path: Path, encoding: str) -> tuple[str, list[str]]:
    """Return the delimiter and the column names of a CSV file (trimmed, made unique).

    Raises
    ------
    PcrefError
        If the first line holds fewer than two columns, or a title in place of column names.
    """
    with path.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="", errors="replace") as stream:
        line = stream.readline()
    delimiter = max(DELIMITERS, key=line.count)
    names = [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]
    if len(names) < 2:
        raise PcrefError(
            f"source: {path.name} has a first line of one column. Column names must stand in the first line, "
            "separated by commas."
        )
    if len(names) > 2 and sum(map(bool, names)) == 1:
        raise PcrefError(
            f"source: {path.name} has one name and {len(names) - 1} blanks in its first line, as a title in a "
            "spreadsheet has. Take it out: column names must stand in the first line."
        )
    seen: dict[str, int] = {}
    unique: list[str] = []
    for name in names:
        seen[name.lower()] = seen.get(name.lower(), 0) + 1
        unique.append(name if seen[name.lower()] == 1 and name else f"{name}__{len(unique)}")
    return delimiter, unique


def _read_csv(connection: ibis.BaseBackend, table: str, path: Path) -> ibis.Table:
    code = encoding(path)
    _refuse_sqlcmd(path, code)
    delimiter, names = header(path, code)
    if code != "utf-8":
        return _through_memory(connection, table, path, code, delimiter, names)
    columns = ", ".join(f"'{name.replace(chr(39), chr(39) * 2)}': 'VARCHAR'" for name in names)
    reader = (
        f"read_csv('{quoted(path)}', auto_detect=false, header=true, columns={{{columns}}}, "
        f"delim='{delimiter}', quote='\"', escape='\"'"
    )
    _refuse_ragged(connection, reader, path)
    connection.raw_sql(f"CREATE VIEW raw_{table} AS SELECT * FROM {reader})")
    return connection.table(f"raw_{table}")


def _refuse_sqlcmd(path: Path, code: str) -> None:
    """Name what sqlcmd and psql write around the rows, which is not rows."""
    with path.open("rb") as stream:
        second = (stream.readline(), stream.readline())[1].decode(code, "replace")
        stream.seek(max(0, path.stat().st_size - CHUNK // 1024))
        last = stream.read().decode(code, "replace").rstrip().rpartition("\n")[2].strip().strip('"')
    if "-" in second and not second.strip('-+,;|"\t\r\n '):
        raise PcrefError(
            f"source: {path.name} has a line of dashes under its column names, as sqlcmd writes. Take line 2 out, or "
            "export another way."
        )
    if re.fullmatch(r"\(\d+ rows?( affected)?\)", last):
        raise PcrefError(
            f"source: {path.name} ends with a line such as '(3 rows affected)'. Take it out, or export with "
            "SET NOCOUNT ON."
        )


def _refuse_ragged(connection: ibis.BaseBackend, reader: str, path: Path) -> None:
    """Read the file once, so that a line that cannot be split is named by its number and never by its content."""
    try:
        connection.raw_sql(f"SELECT count(COLUMNS(*)) FROM {reader}, store_rejects=true)").fetchall()
        bad, line = connection.raw_sql("SELECT count(DISTINCT line), min(line) FROM reject_errors").fetchall()[0]
        connection.raw_sql("DROP TABLE reject_errors")
        connection.raw_sql("DROP TABLE reject_scans")
    except duckdb.Error:
        raise PcrefError(f"source: {path.name} cannot be read as CSV. Export it again with quoted text.") from None
    if bad:
        todo = "A comma or a line break inside a value must stand in double quotes. Export again."
        if line == 2:
            todo = f"Is the first line the column names, with no title above it? {todo}"
        raise PcrefError(
            f"source: {path.name} has {bad} line(s) that do not split into the columns of the first line, the "
            f"first at line {line}. {todo}"
        )


def _through_memory(
    connection: ibis.BaseBackend, table: str, path: Path, code: str, delimiter: str, names: list[str]
) -> ibis.Table:
    import pyarrow as pa
    import pyarrow.csv as arrow_csv

    bad: list[Any] = []

    def skipped(row: Any) -> str:
        bad.append(row)
        return "skip"

    try:
        data = arrow_csv.read_csv(
            path,
            read_options=arrow_csv.ReadOptions(encoding=code, column_names=names, skip_rows=1),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, invalid_row_handler=skipped
            ),
            convert_options=arrow_csv.ConvertOptions(column_types={name: pa.string() for name in names}),
        )
    except (pa.ArrowException, UnicodeError):
        raise PcrefError(f"source: {path.name} cannot be read as CSV in UTF-8 or Windows-1252.") from None
    if bad:
        raise PcrefError(
            f"source: {path.name} has {len(bad)} line(s) that do not split into the columns of its first line."
        )
    return connection.create_table(f"raw_{table}", data)
