"""What differs between engines: how a step is fenced off, and where a result is kept for the session.

Nothing is ever written where another user could read it, and nothing outlives the session.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ibis
import ibis.expr.operations as ops
import pandas as pd
import pyarrow as pa
import sqlglot.expressions as sge
from ibis.backends.duckdb.converter import DuckDBPandasData, DuckDBPyArrowData
from ibis.backends.sql.compilers import MSSQLCompiler
from ibis.backends.sql.datatypes import MSSQLType
from ibis.backends.sql.dialects import MSSQL
from ibis.common.exceptions import IbisError

from pcref_analysis.extract.sources import statements
from pcref_analysis.vocabulary.errors import SourceError

ERRORS = {  # module of a driver -> the class that all of its errors have above them
    "duckdb": "Error",
    "psycopg": "Error",
    "pyodbc": "Error",
    "pyspark.errors": "PySparkException",
    "py4j.protocol": "Py4JError",
}
NO_LIMIT = 9_000_000_000_000_000_000


def engine(rows: ibis.Table) -> str:
    """Return the name of the engine that holds the rows; "" for tables that are only declared."""
    backend = _backend(rows)
    return backend.name if backend else ""


def _backend(rows: ibis.Table) -> ibis.BaseBackend | None:
    """Return the session that holds the rows; Ibis walks the whole expression for it."""
    try:
        return rows.get_backend()
    except IbisError:
        return None


def failures() -> tuple[type[Exception], ...]:
    """Return what an engine raises where it cannot do what it was asked, of the drivers that are in use.

    Nothing else belongs in the handler of a source: a KeyError is a fault of the code, not of the connection.
    """
    there = [getattr(sys.modules[module], name) for module, name in ERRORS.items() if module in sys.modules]
    return (ConnectionError, TimeoutError, *there)


@contextmanager
def asked(doing: str) -> Iterator[None]:
    """Say in words that an engine stopped while it was ``doing`` something; its own words may hold a row's value.

    Raises
    ------
    SourceError
        Names the class of the engine's error.
    """
    try:
        yield
    except failures() as error:
        todo = short_of_memory(error) or "Is it still reachable, with room in memory and on disk? Try again."
        raise SourceError(
            f"source: the engine that holds the rows stopped while {doing} ({type(error).__name__}). {todo}"
        ) from None


def short_of_memory(error: Exception) -> str:
    """Say what to do where DuckDB needs more memory than it may take; "" for any other error."""
    if type(error).__name__ != "OutOfMemoryException":
        return ""
    return "It needs more memory than it may take: set the variable PCREF_MEMORY, to 8GB for instance, and try again."


def fence(rows: ibis.Table) -> ibis.Table:
    """Keep a step from being written out again at every place of the next that uses it.

    Nested selects are folded into one, by Ibis for DuckDB and Spark, and by PostgreSQL and SQL Server before they
    plan; a step that uses the last one ten times would be run ten times, the one after it a hundred times. A view in
    the memory of the session (DuckDB, Spark), or a limit that no table reaches, stops the folding.
    """
    kind = engine(rows)
    if kind in ("duckdb", "pyspark") and (backend := _backend(rows)):
        name = ibis.util.gen_name("pcref").lower()
        if kind == "duckdb":
            backend.raw_sql(f'CREATE VIEW "{name}" AS {_query(rows, backend)}')
        else:
            _frame(rows, backend).createTempView(name)
        return _named(name, rows, backend)
    return rows.limit(NO_LIMIT) if kind in ("postgres", "mssql") else rows


def stepped(rows: ibis.Table) -> ibis.Table:
    """Return rows as a view of the session where an engine has such views at no cost, else as they are."""
    return fence(rows) if engine(rows) in ("duckdb", "pyspark") else rows


def _frame(rows: ibis.Table, backend: ibis.BaseBackend) -> Any:
    """Return the rows as a frame of Spark."""
    return backend._session.sql(backend.compile(rows))


def _named(name: str, rows: ibis.Table, backend: ibis.BaseBackend) -> ibis.Table:
    """Return a table or view whose columns are known: to ask for them would plan the whole stack of views once more."""
    return ops.DatabaseTable(name, schema=rows.schema(), source=backend, namespace=ops.Namespace()).to_expr()


def _query(rows: ibis.Table, backend: ibis.BaseBackend) -> str:
    def write(rows: ibis.Table) -> str:
        backend._run_pre_execute_hooks(rows)  # frames of the program are made known to DuckDB
        return backend.compile(rows)

    return statements.written(rows, "duckdb query", write)


def _columns(rows: ibis.Table) -> str:
    """Return the names and types of columns as a new table of DuckDB declares them."""
    return ", ".join(column.sql("duckdb") for column in rows.schema().to_sqlglot_column_defs("duckdb"))


def arrow(rows: ibis.Table) -> pa.Table:
    """Run a query and return what it gives, as Ibis does."""
    found = _run(rows)
    return rows.to_pyarrow() if found is None else rows.__pyarrow_result__(found, data_mapper=DuckDBPyArrowData)


def frame(rows: ibis.Table) -> pd.DataFrame:
    """Run a query and return what it gives, as Ibis does: columns with missing values are made of Python's."""
    found = _run(rows)
    if found is None:
        return rows.execute()
    columns = zip(found.column_names, found.columns, strict=True)
    values = {name: column.to_pylist() if column.null_count else column.to_pandas() for name, column in columns}
    return DuckDBPandasData.convert_table(pd.DataFrame(values), rows.schema())


def _run(rows: ibis.Table) -> pa.Table | None:
    """Run a query in DuckDB; ``None`` where another engine holds the rows."""
    backend = _backend(rows)
    if not backend or backend.name != "duckdb":
        return None
    return backend.con.sql(_query(rows, backend)).to_arrow_table()


def hold(rows: ibis.Table) -> ibis.Table:
    """Keep a result for the session and return it as a table; a declared table is returned as it is.

    DuckDB and PostgreSQL keep a temporary table, SQL Server a local one (``#name``; what Ibis itself would make
    there, ``##name``, can be read by other users), Spark a local checkpoint in its workers' memory.
    """
    backend: Any = _backend(rows)
    kind = backend.name if backend else ""
    name = ibis.util.gen_name("pcref").lower()
    if kind == "duckdb":
        backend.raw_sql(f'CREATE TEMP TABLE "{name}" ({statements.written(rows, "duckdb columns", _columns)})')
        backend.raw_sql(f'INSERT INTO "{name}" {_query(rows, backend)}')
        return _named(name, rows, backend)
    if kind == "postgres":
        held = backend.create_table(name, rows, temp=True)
        _analyse(backend, name)
        return held
    if kind == "mssql":
        backend.raw_sql(into_local(rows, name)).close()
        return backend.sql(f"SELECT * FROM [#{name}]", schema=rows.schema())
    if kind == "pyspark":  # two copies: a worker may die. A cache would keep the whole way to it in every later plan
        from pyspark import StorageLevel

        _frame(rows, backend).localCheckpoint(storageLevel=StorageLevel.MEMORY_AND_DISK_2).createTempView(name)
        return _named(name, rows, backend)
    return rows


def temporary_table(frame: pd.DataFrame | pa.Table, rows: ibis.Table) -> ibis.Table:
    """Put a small table where the rows live, for this session, so that they can be joined."""
    table = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame, preserve_index=False)
    backend: Any = _backend(rows)
    kind = backend.name if backend else ""
    name = ibis.util.gen_name("pcref").lower()
    if kind == "duckdb":
        backend.con.register(f"{name}_given", table)
        backend.raw_sql(f'CREATE TEMP TABLE "{name}" AS SELECT * FROM "{name}_given"')
        backend.con.unregister(f"{name}_given")
        return _named(name, ibis.memtable(table), backend)
    if kind == "postgres":
        made = backend.create_table(name, table, temp=True)
        _analyse(backend, name)
        return made
    if kind == "mssql":  # what Ibis would make of a frame there is a table that stays
        for statement in values_into_local(table, name):
            backend.raw_sql(statement).close()
        return backend.sql(f"SELECT * FROM [#{name}]", schema=ibis.memtable(table).schema())
    if kind == "pyspark":  # row by row: by way of pandas a missing text becomes the text "NaN"
        from ibis.backends.pyspark.datatypes import PySparkSchema

        schema = ibis.memtable(table).schema()
        lines = [tuple(line.values()) for line in table.to_pylist()]
        backend._session.createDataFrame(lines, PySparkSchema.from_ibis(schema)).createTempView(name)
        return _named(name, ibis.memtable(table), backend)
    return ibis.memtable(table)


def _analyse(backend: ibis.BaseBackend, name: str) -> None:
    """Tell PostgreSQL how many rows a temporary table has: until then its planner takes it for nearly empty."""
    with backend.begin() as cursor:
        cursor.execute(f'ANALYZE "{name}"')


def values_into_local(table: pa.Table, name: str) -> list[str]:
    """Return the T-SQL that writes a table into the session's own temporary table ``#name``, 1,000 rows a statement."""
    schema = ibis.memtable(table).schema()
    names = {column: sge.to_identifier(column, quoted=True) for column in schema}
    target = sge.Table(this=sge.to_identifier(f"#{name}", quoted=True))
    as_typed = [
        sge.alias_(sge.Cast(this=sge.column(name), to=MSSQLType.from_ibis(schema[column])), name)
        for column, name in names.items()
    ]
    lines = [
        sge.Tuple(expressions=[sge.National(this=v) if isinstance(v, str) else sge.convert(v) for v in line.values()])
        for line in table.to_pylist()
    ]
    statements = []
    for start in range(0, max(len(lines), 1), 1_000):
        part = lines[start : start + 1_000] or [sge.Tuple(expressions=[sge.null() for _ in names])]
        values = sge.Values(
            expressions=part, alias=sge.TableAlias(this=sge.to_identifier("v"), columns=list(names.values()))
        )
        query = sge.select(*as_typed).from_(values)
        if not lines:
            query = query.where(sge.EQ(this=sge.convert(1), expression=sge.convert(0)))
        if start:
            statements.append(sge.Insert(this=target, expression=query).sql(MSSQL))
        else:
            query.set("into", sge.Into(this=target))
            statements.append(query.sql(MSSQL))
    return statements


def into_local(rows: ibis.Table, name: str) -> str:
    """Return the T-SQL that writes a result into the session's own temporary table ``#name``."""
    query = MSSQLCompiler().to_sqlglot(rows)
    query.set("into", sge.Into(this=sge.Table(this=sge.to_identifier(f"#{name}", quoted=True))))
    return query.sql(MSSQL)


def once_parsed(rows: ibis.Table) -> ibis.Table:
    """Hold rows that would be parsed again at each use, or could change between two; others are read where they stand.

    A Parquet file and a DuckDB file, which is opened to be read alone, neither change nor are parsed.
    """
    backend = _backend(rows)
    if backend and backend.name == "duckdb":
        sources = [node.name for node in rows.op().find(ops.DatabaseTable)]
        views = backend.con.execute("SELECT sql FROM duckdb_views() WHERE view_name = ANY(?)", [sources]).fetchall()
        if not any("read_csv" in text for (text,) in views):
            return rows
    return hold(rows)


def release(held: ibis.Table) -> None:
    """Drop what was held on the way; what was not (:func:`once_parsed`) stays."""
    if not isinstance(held.op(), ops.DatabaseTable | ops.SQLQueryResult):
        return
    if (kind := engine(held)) in ("duckdb", "postgres"):
        held.get_backend().drop_table(held.op().name)
    elif kind == "pyspark":  # without its name, Spark's cleaner takes the rows too
        held.get_backend()._session.catalog.dropTempView(held.op().name)
