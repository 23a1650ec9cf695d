"""Every check as T-SQL. There is no SQL Server here: what is tested is that the SQL compiles and is T-SQL."""

from __future__ import annotations

import re
from datetime import date

import ibis
import pytest
import sqlglot

from pcref_analysis.intake import engines, keys, people, rules
from pcref_analysis.intake.declarations import IBIS_TYPES, PERSONS, declared

# What SQL Server has no word for, or reads as something else.
NOT_TSQL = r"\|\||::|\bLIMIT\b|\bTRUE\b|\bFALSE\b|REGEXP|\bSTRPOS\b|\bILIKE\b|\bEXCLUDE\b|NULLS LAST|\bSUBSTR\("
TYPED = {
    "id": "int64",
    "code": "int32",
    "text": "string",
    "date": "timestamp",
    "integer": "float64",
    "number": "decimal(9,2)",
}


@pytest.fixture(autouse=True)
def as_on_the_server(monkeypatch):
    monkeypatch.setattr(engines, "engine", lambda rows: "mssql")


def raw(table, kind):
    types = {name: "string" if kind == "text" else TYPED[c.type] for name, c in table.columns.items()}
    return ibis.table(types, name=f"raw_{table.name}")


def marked(table, kind, extract):
    names = {name: name for name in table.columns}
    return rules.marked(table, raw(table, kind), names, extract.parameters(), date(2026, 11, 22))


def kept(name):
    table = declared()[name]
    return ibis.table({n: IBIS_TYPES[c.type] for n, c in table.columns.items()}, name=name)


def is_tsql(expression):
    text = ibis.to_sql(expression, dialect="mssql")
    assert not re.search(NOT_TSQL, text), re.findall(NOT_TSQL, text)
    assert sqlglot.parse_one(text, dialect="tsql")
    return text


CASES = [(name, "text") for name in declared()] + [
    (name, "typed") for name in (PERSONS, "MHS101Referral", "Population")
]


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_reading_and_counting(extract, name, kind, monkeypatch):
    table, queries = declared()[name], []
    rows = marked(table, kind, extract)
    text = ibis.to_sql(rows, dialect="mssql")
    assert not re.search(NOT_TSQL, text), re.findall(NOT_TSQL, text)
    assert text.count("TOP 9000000000000000000") >= 3, "each step stands behind a fence"
    assert len(text) < 300_000
    monkeypatch.setattr(rules, "one", queries.append)
    rules.totals(table, ibis.table(rows.schema(), name="held"))
    assert "SUM" in is_tsql(queries[0])


def test_what_is_read_is_kept_for_the_session_only(extract):
    text = engines.into_local(marked(declared()["Areas"], "text", extract), "kept")
    assert "INTO [#kept]" in text and "##" not in text
    assert sqlglot.parse_one(text, dialect="tsql")


@pytest.mark.parametrize("rule", people.RULES)
def test_one_row_a_person(rule):
    is_tsql(people.one_row(kept(PERSONS), rule))
    text = engines.into_local(people.one_row(kept(PERSONS), rule), "people")
    assert "INTO [#people]" in text and "##" not in text
    assert sqlglot.parse_one(text, dialect="tsql")
    is_tsql(people.conflicts(kept(PERSONS)))


@pytest.mark.parametrize("name", [t.name for t in declared().values() if t.name != PERSONS])
def test_keys_and_people(name, extract, monkeypatch):
    table, counted = declared()[name], []
    monkeypatch.setattr(keys, "count", lambda rows: counted.append(rows) or 3)
    rows, _ = keys.unique(table, kept(name), 5)
    assert "ROW_NUMBER" in is_tsql(rows)
    if table.person:
        known, _ = keys.of_people(table, rows, kept(PERSONS), 5)
        is_tsql(known)
    keys.between({n: kept(n) for n in (name, PERSONS, "Areas")}, extract.parameters())
    for query in counted:
        is_tsql(query.aggregate(n=query.count()))
