"""Where rows come from: a folder of CSV or Parquet, a DuckDB file, PostgreSQL, SQL Server or Spark.

:func:`open` gives Ibis tables under the names of the contract. Nothing is copied or cleaned here; rows stay where
they are until :mod:`pcref_analysis.extract.validate` asks for counts of them.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import ibis
from ibis.common.exceptions import IbisError

from pcref_analysis.extract.schema import PERSONS, SUBMISSION, Column, declared
from pcref_analysis.extract.sources import engines, folder, servers
from pcref_analysis.extract.sources.portable import visible
from pcref_analysis.vocabulary.errors import PcrefError, did_you_mean
from pcref_analysis.vocabulary.parameters import Parameters, extract_path


def open(parameters: Parameters) -> dict[str, ibis.Table]:
    """Return the raw tables of the extract that the parameters name, under their contract names.

    Parameters
    ----------
    parameters
        ``source.kind`` says what the extract is; ``source.location`` where it is: a folder, a file, or for a
        server the name of the environment variable that holds its address. ``source.tables`` maps contract
        tables to local ones. Tables that are not there are left out.

    Raises
    ------
    PcrefError
        If the place cannot be found or read, if no table of the contract is there, or if the location holds
        a password. No message shows a connection string or a value of a row.

    Examples
    --------
    >>> from pcref_analysis.extract.sources import connect                    # doctest: +SKIP
    >>> connect.open(parameters)["MHS101Referral"].count().execute()   # doctest: +SKIP
    """
    _check_names(parameters)
    servers.refuse_secrets(parameters.source.location)
    kind = parameters.source.kind
    if kind in ("folder", "demo"):
        if kind == "demo" and not extract_path(parameters).is_dir():
            raise PcrefError("source: the invented Trust has not been made yet. Make it with: pcref report --run demo")
        return folder.open_folder(extract_path(parameters), parameters)
    if kind == "duckdb":
        return _duckdb(extract_path(parameters), parameters)
    if kind in ("postgres", "sqlserver", "spark"):
        return _server(kind, parameters)
    raise PcrefError(f"source: a run of the kind '{kind}' has no rows to check; it reads published figures.")


def _check_names(parameters: Parameters) -> None:
    source = parameters.source
    for place, names in (("tables", source.tables), ("columns", source.columns), ("codes", source.codes)):
        for name in names:
            if name not in declared():
                hint = did_you_mean(name, declared())
                raise PcrefError(f"parameters: source.{place} names '{name}', no table of the contract.{hint}")
    for place, named in (("columns", source.columns), ("codes", source.codes)):
        for table, columns in named.items():
            known = declared()[table].read_as(SUBMISSION if place == "columns" else ()).columns
            for name in columns:
                if name not in known:
                    hint = did_you_mean(name, known)
                    where = f"source.{place}.{table}"
                    raise PcrefError(f"parameters: {where} names '{name}', no column of the contract.{hint}")
    for table, columns in source.codes.items():
        for name, codes in columns.items():
            _check_codes(f"source.codes.{table}.{name}", codes, declared()[table].columns[name])


def _check_codes(where: str, codes: dict[str, str], column: Column) -> None:
    """Refuse codes that the contract does not know, and a local value that would become two of them."""
    if column.type not in ("code", "text"):
        raise PcrefError(f"parameters: {where} holds a {column.type}, not codes. Correct the values in the extract.")
    if odd := sorted({code for code in codes.values() if column.allowed() and code not in column.allowed()}):
        hint = did_you_mean(odd[0], column.allowed())
        raise PcrefError(
            f"parameters: {where} maps to '{odd[0]}', no code of the contract.{hint} "
            f"Codes: {', '.join(column.allowed())}."
        )
    if len({visible(value).upper() for value in codes}) < len(codes):
        raise PcrefError(f"parameters: {where} maps one local value twice (letter case aside). Keep one line of it.")


def _duckdb(path: Path, parameters: Parameters) -> dict[str, ibis.Table]:
    if not path.is_file():
        raise PcrefError(f"source: there is no DuckDB file {path.name} in {path.parent}. Check source.location.")
    connection = folder.engine(parameters)
    try:
        connection.raw_sql(f"ATTACH '{folder.quoted(path)}' AS extract (READ_ONLY)")
        folder.shut(connection)
    except duckdb.Error:
        raise PcrefError(
            f"source: {path.name} cannot be opened as a DuckDB database. Does another program write to it?"
        ) from None
    rows = connection.raw_sql(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'extract' UNION ALL "
        "SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = 'extract' AND NOT internal"
    ).fetchall()
    found = match([f"{schema}.{name}" for schema, name in rows], parameters)
    tables = {}
    for table, local in found.items():
        schema, name = local.split(".", 1)
        try:
            tables[table] = connection.table(name, database=("extract", schema))
        except duckdb.Error:  # not shown: it names what the view reads
            raise PcrefError(
                f"source: {path.name} holds a view for {table} that cannot be read. A view may read the tables of "
                "that file only, no other file or server: make it a table."
            ) from None
    return tables


def _server(kind: str, parameters: Parameters) -> dict[str, ibis.Table]:
    connection = servers.connect(kind, parameters.source.location)
    try:
        found = match(servers.names(connection, kind), parameters)
        return {table: servers.table(connection, local) for table, local in found.items()}
    except PcrefError:
        raise
    except (*engines.failures(), IbisError) as error:
        raise PcrefError(
            f"source: the list of tables cannot be read ({type(error).__name__}). May the account read them?"
        ) from None


def match(have: list[str], parameters: Parameters) -> dict[str, str]:
    """Return contract table -> local name in ``schema.table`` form, whatever the letter case.

    Raises
    ------
    PcrefError
        If a mapped table is not there, if two would fit, or if the table of people is missing.
    """
    found = {}
    for table in declared():
        wanted = parameters.source.tables.get(table, table)
        fits = [name for name in have if wanted.lower() in (name.lower(), name.lower().split(".")[-1])]
        if len(fits) > 1:
            raise PcrefError(
                f"source: {len(fits)} tables would do for {table}. Name one with its schema in source.tables."
            )
        if fits:
            found[table] = fits[0]
        elif table in parameters.source.tables or table == PERSONS:
            hint = did_you_mean(wanted, [name.split(".")[-1] for name in have])
            raise PcrefError(f"source: there is no table {wanted} (for {table}).{hint} Map it in source.tables.")
    return found
