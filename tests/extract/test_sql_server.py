"""Every check and count as T-SQL and as Spark SQL. There is no server of either here: what is tested is that the SQL
compiles, and that a parser takes it for that dialect."""

from __future__ import annotations

import os
import re
from datetime import date

import ibis
import pyarrow as pa
import pytest
import sqlglot

from pcref_analysis.counting import aggregate, cells, counting_rules, detention, hospital, team_counts
from pcref_analysis.counting import row_conditions as language
from pcref_analysis.extract import deduplicate, month_coverage, parsing, row_checks, table_checks
from pcref_analysis.extract.schema import IBIS_TYPES, PERSONS, SUBMISSION, declared
from pcref_analysis.extract.sources import engines
from pcref_analysis.vocabulary.indicators import catalogue

# What SQL Server has no word for, or reads as something else.
NOT_TSQL = (
    r"\|\||::|REGEXP|NULLS LAST|\bSUBSTR\(|\b(?:LIMIT|TRUE|FALSE|STRPOS|ILIKE|EXCLUDE|GREATEST|LEAST|DATE_DIFF"
    r"|MAKE_DATE|EXTRACT|FILTER|QUALIFY|BOOL_OR|INTERVAL)\b"
)
TYPED = {
    "id": "int64",
    "code": "int32",
    "text": "string",
    "date": "timestamp",
    "time": "timestamp",
    "integer": "float64",
    "number": "decimal(9,2)",
}


class Spark(ibis.config.Config):
    """The option that the Spark compiler asks for, which is there only where pyspark is installed."""

    treat_nan_as_null: bool = False


@pytest.fixture(autouse=True)
def as_on_the_server(monkeypatch):
    monkeypatch.setattr(engines, "engine", lambda rows: "mssql")
    monkeypatch.setattr(ibis.options, "pyspark", Spark())
    for module in (engines, detention, hospital):
        monkeypatch.setattr(module, "hold", held_there)


def held_there(rows):
    """Hold a step as a server would: its own statement, which must be its SQL, then a table of its columns."""
    if engines.engine(rows) == "pyspark":
        is_spark(rows)
    else:
        text = engines.into_local(rows, "step")
        assert "INTO [#step]" in text and "##" not in text
        assert not re.search(NOT_TSQL, text), re.findall(NOT_TSQL, text)
        assert sqlglot.parse_one(text, dialect="tsql")
    return ibis.table(rows.schema(), name=ibis.util.gen_name("step"))


def raw(table, kind):
    types = {name: "string" if kind == "text" else TYPED[c.type] for name, c in table.columns.items()}
    return ibis.table(types, name=f"raw_{table.name}")


def marked(table, kind, extract):
    return checked(table, raw(table, kind), extract)


def checked(table, held, extract):
    texts = engines.hold(parsing.texts(held, table, {name: name for name in table.columns}))
    kinds = {"string": "string", "date": "date", "int64": "int64", "float64": "float64"}
    known = ibis.table({"column": "string", "text": "string", "recorded": "int8"} | kinds, name="known")
    return row_checks.marked(table, parsing.joined(texts, table, parsing.Known(known, {}, {})))


def kept(name, *submission):
    table = declared()[name].read_as(submission)
    return ibis.table({n: IBIS_TYPES[c.type] for n, c in table.columns.items()}, name=name)


def is_tsql(expression):
    text = ibis.to_sql(expression, dialect="mssql")
    assert not re.search(NOT_TSQL, text), re.findall(NOT_TSQL, text)
    assert sqlglot.parse_one(text, dialect="tsql")
    is_spark(expression)
    return text


def is_spark(expression):
    assert sqlglot.parse_one(ibis.to_sql(expression, dialect="pyspark"), dialect="spark")


def kinds(table):
    """Return what kinds of columns a table has; the SQL that reads two tables of the same kinds differs in names."""
    names = {"meaning", "codes", "after", "references", "formerly", "exact", "without"}
    return {
        f"{column.model_dump(exclude=names)} {bool(column.codes)} {bool(column.after)}"
        for column in table.columns.values()
    }


def few():
    """Return tables that have every kind of column between them; with PCREF_EVERY_CASE=1 all tables."""
    seen, found = set(), []
    for table in sorted(declared().values(), key=lambda table: -len(kinds(table))):
        if os.environ.get("PCREF_EVERY_CASE") or not kinds(table) <= seen:
            found.append(table.name)
            seen |= kinds(table)
    return found


CASES = [(name, "text") for name in few()] + [(name, "typed") for name in (PERSONS, "MHS101Referral", "Population")]


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_reading_and_counting(extract, name, kind, monkeypatch):
    table, queries = declared()[name], []
    rows = marked(table, kind, extract)
    text = ibis.to_sql(rows, dialect="mssql")
    assert not re.search(NOT_TSQL, text), re.findall(NOT_TSQL, text)
    assert len(text) < 60_000, "each step is written once"
    monkeypatch.setattr(engines, "engine", lambda rows: "pyspark")  # Spark needs no fences
    is_spark(marked(table, kind, extract))
    monkeypatch.setattr(row_checks, "one", lambda row: queries.append(row) or {})
    row_checks.totals(table, ibis.table(rows.schema(), name="held"), parsing.Known(None, {}, {}), date(2026, 11, 22))
    assert "SUM" in is_tsql(queries[0])


@pytest.mark.parametrize("name", few())
def test_the_different_texts_of_a_table_are_asked_for_in_one_statement(name, monkeypatch):
    asked, nothing = [], pa.table({"column": [], "text": [], "rows": []})
    monkeypatch.setattr(engines, "arrow", lambda rows: asked.append(rows) or nothing)
    table = declared()[name]
    texts = parsing.texts(raw(table, "text"), table, {n: n for n in table.columns})
    parsing.read(texts, table, {}, date(1900, 1, 1), date(2026, 11, 22))
    assert len(asked) == 1
    text = is_tsql(asked[0])
    assert "GROUP BY" in text
    ids = [n for n, column in table.columns.items() if column.type == "id"]
    assert not any(f"[{n}]" in text for n in ids), "an identifier never leaves"


def test_what_was_read_goes_to_the_sessions_own_table_a_thousand_rows_a_statement():
    read = pa.table({"text": [f"łódź '{n}'" for n in range(2_001)], "date": pa.array([date(2024, 1, 1)] * 2_001)})
    statements = engines.values_into_local(read, "read")
    assert ["INTO [#read] FROM" in text for text in statements] == [True, False, False]
    assert all(text.startswith("INSERT INTO [#read]") for text in statements[1:])
    assert "N'łódź ''7'''" in statements[0] and "AS DATE)" in statements[0] and "##" not in statements[0]
    empty = engines.values_into_local(read.slice(0, 0), "read")
    for text in (*statements, *empty):
        assert sqlglot.parse_one(text, dialect="tsql")
    assert len(empty) == 1 and "WHERE 1 = 0" in empty[0].replace("(", "").replace(")", "")


def test_what_is_read_is_kept_for_the_session_only(extract):
    text = engines.into_local(marked(declared()["Areas"], "text", extract), "kept")
    assert "INTO [#kept]" in text and "##" not in text
    assert sqlglot.parse_one(text, dialect="tsql")


@pytest.mark.parametrize("rule", deduplicate.RULES)
def test_one_row_a_person(rule):
    is_tsql(deduplicate.one_row(kept(PERSONS, *SUBMISSION), rule))
    is_tsql(deduplicate.one_row(kept(PERSONS), rule))
    text = engines.into_local(deduplicate.one_row(kept(PERSONS), rule), "people")
    assert "INTO [#people]" in text and "##" not in text
    assert sqlglot.parse_one(text, dialect="tsql")


@pytest.mark.parametrize("submission", [(), SUBMISSION])
def test_rows_of_a_person_that_contradict(submission):
    is_tsql(deduplicate.conflicts(kept(PERSONS, *submission)))


@pytest.mark.parametrize("submission", [(), SUBMISSION])
@pytest.mark.parametrize("name", [t.name for t in declared().values() if t.name != PERSONS])
def test_keys_and_people(name, submission, extract, monkeypatch):
    table, counted = declared()[name], []
    monkeypatch.setattr(table_checks, "count", lambda rows: counted.append(rows) or 3)
    monkeypatch.setattr(table_checks, "one", lambda row: is_tsql(row) and dict.fromkeys(row.columns, 1))
    rows, _ = table_checks.unique(table, kept(name, *submission), 5)
    assert "ROW_NUMBER" in is_tsql(rows)
    if table.person:
        known, _ = table_checks.of_people(table, rows, kept(PERSONS), 5)
        is_tsql(known)
    if not submission:  # tables that are checked against each other have been read
        table_checks.between({n: kept(n) for n in (name, PERSONS, "Areas")}, extract.parameters())
    for query in counted:
        is_tsql(query.aggregate(n=query.count()))


@pytest.mark.parametrize("rule", sorted(counting_rules.RULES))
def test_rows_of_a_counting_rule_are_kept_for_the_session_only(rule, extract):
    """Rows with the identifier of a person: never in a ``##`` table, which other users can read."""
    found = aggregate.rows_of(rule, language.declared_tables(), extract.parameters(), [2022, 2023])
    text = engines.into_local(found, "kept")
    assert "INTO [#kept]" in text and "##" not in text
    assert not re.search(NOT_TSQL, text), re.findall(NOT_TSQL, text)
    assert sqlglot.parse_one(text, dialect="tsql")
    is_spark(found)


@pytest.mark.parametrize("rule", sorted(counting_rules.RULES))
def test_rows_that_a_counting_rule_leaves_out(rule, extract):
    """The periods under the Act once more, to say which category they have: not written out more than once."""
    tables = language.declared_tables()
    key = [c for c in aggregate.source(rule).key if c in counting_rules.named(rule).rows(tables).columns]
    held = ibis.table(dict.fromkeys(["Person_ID", *key], "string"), name="held")
    assert len(is_tsql(aggregate.uncounted(rule, held, tables, [2022, 2023]))) < 100_000


def test_rows_are_held_by_the_engine_and_not_by_ibis(extract, monkeypatch):
    held = []
    monkeypatch.setattr(engines, "hold", lambda rows: held.append(rows) or rows)
    entries = [catalogue()["detentions"], catalogue()["people_detained_caseload"]]
    aggregate.held(entries, language.declared_tables(), extract.parameters(), [2023])
    assert len(held) == 3  # the people by year, detention_episodes and caseload


def test_people_by_team(extract):
    found = aggregate.rows_of("caseload", language.declared_tables(), extract.parameters(), [2023])
    assert "TeamID" in is_tsql(team_counts.expression(found))


def test_months_and_lengths(extract):
    is_tsql(month_coverage.by_month(kept("MHS101Referral"), "ReferralRequestReceivedDate"))
    for entry in (entry for entry in catalogue().values() if entry.count and entry.count.value):
        found = aggregate.held([entry], language.declared_tables(), extract.parameters(), [2023])
        assert is_tsql(cells.by_length(entry, found))


def test_a_moment_of_sql_server_is_the_day_in_london(extract):
    from ibis.backends.sql.datatypes import MSSQLType  # with Ibis's own dialect, which the import above registers

    table = declared()["MHS401MHActPeriod"]
    kind = MSSQLType.from_string("datetimeoffset(7)")
    held = ibis.table({n: kind if c.type == "date" else "string" for n, c in table.columns.items()}, name="raw")
    text = is_tsql_only(parsing.texts(held, table, {n: n for n in table.columns}))
    for name in (n for n, c in table.columns.items() if c.type == "date"):
        assert re.search(rf"CAST\(\[t\d+\]\.\[{name}\] AT TIME ZONE 'GMT Standard Time' AS DATE\)", text), name


def is_tsql_only(expression):
    text = ibis.to_sql(expression, dialect="mssql")
    assert not re.search(NOT_TSQL, text) and sqlglot.parse_one(text, dialect="tsql")
    return text
