"""A statement is written once for an expression, whatever the session, and again for every other expression."""

import json
from datetime import date

import ibis
import pandas as pd
import pytest
from ibis import _

from pcref_analysis.counting import row_conditions
from pcref_analysis.extract import parsing
from pcref_analysis.extract.sources import engines, statements

ROWS = pd.DataFrame({"person": ["a", "b", None], "days": [1, 2, 3], "seen": pd.to_datetime(["2024-01-01"] * 3)})


@pytest.fixture(autouse=True)
def nothing_kept():
    """Begin and end without any statement."""
    statements._kept().clear()
    yield
    statements._kept().clear()


def session(rows=ROWS, name="contacts"):
    """Return the rows in a session of their own."""
    return ibis.duckdb.connect().create_table(name, rows)


def made(table, days=2, day=date(2024, 1, 1), kind="int64"):
    """Return an expression over a held table and a fenced step."""
    step = engines.fence(table.mutate(long=(_.days >= days).ifelse(1, 0).cast(kind)))
    held = engines.hold(step.filter(_.seen.cast("date") >= ibis.literal(day)))
    joined = held.left_join(table, "person").drop("person_right")
    return joined.group_by("long").agg(n=_.count(), people=_.person.nunique()).order_by("long")


def test_a_second_session_takes_the_statement_and_counts_its_own_rows():
    first = engines.frame(made(session()))
    known = dict(statements._kept())
    other = engines.frame(made(session(ROWS.assign(days=[5, 6, 7]))))
    assert statements._kept() == known  # none was written again, whatever the names of its tables
    assert first.to_dict("list") == {"long": [0, 1], "n": [1, 2], "people": [1, 1]}
    assert other.to_dict("list") == {"long": [1], "n": [3], "people": [2]}


@pytest.mark.parametrize(
    "change", [{"days": 3}, {"day": date(2024, 1, 2)}, {"kind": "int32"}], ids=["number", "day", "type"]
)
def test_another_rule_is_another_statement(change):
    engines.frame(made(session()))
    known = dict(statements._kept())
    changed = engines.frame(made(session(), **change))
    assert statements._kept().keys() > known.keys()
    statements._kept().clear()
    pd.testing.assert_frame_equal(changed, engines.frame(made(session(), **change)))  # as if written the first time


def test_another_column_table_or_condition_is_another_statement():
    table = session()
    several = [
        table,
        table.rename(patient="person"),
        session(name="referrals"),
        session(ROWS.astype({"days": "int32"})),
        table.filter(_.days > 1),
        table.filter(_.days >= 1),
        table.filter(_.days > 1.0),
        table.filter(_.person == "1"),
        table.filter(_.person.isin(["1", "2"])),
        table.filter(_.person.isin(["1", "2", "3"])),
        table.union(table),
        table.union(table, distinct=True),
        table.mutate(zoned=parsing._timezone(ibis.literal("Europe/London"), _.seen.cast("timestamp('UTC')"))),
        table.mutate(zoned=parsing._from_utc_timestamp(_.seen.cast("timestamp('UTC')"), ibis.literal("Europe/London"))),
        table.mutate(turn=ibis.row_number().over(ibis.window(group_by="person", order_by="days"))),
        table.mutate(turn=ibis.row_number().over(ibis.window(group_by="person", order_by=ibis.desc("days")))),
        row_conditions.declared_tables()["MHS101Referral"],
    ]
    words = [statements._words(rows.op())[0] for rows in several]
    assert len(set(words)) == len(several)
    assert statements._words(session().filter(_.days > 1).op())[0] == words[4]


def test_what_comes_back_is_what_ibis_gives():
    rows = session(ROWS.assign(share=[0.5, None, 1.5])).mutate(
        day=_.seen.cast("date"), none=ibis.null("int64"), yes=_.days > 1, few=(_.days > 1).ifelse(_.days, None)
    )
    pd.testing.assert_frame_equal(engines.frame(rows), rows.execute())
    assert engines.arrow(rows).equals(rows.to_pyarrow())
    held = engines.hold(rows)
    assert held.schema() == held.get_backend().table(held.op().name).schema()
    pd.testing.assert_frame_equal(engines.frame(held), rows.execute())


def test_an_expression_with_rows_in_it_is_not_kept():
    assert len(engines.frame(ibis.memtable(ROWS).mutate(more=_.days + 1))) == 3
    assert not statements._kept()


def test_a_file_keeps_statements_without_rows_until_a_version_changes(tmp_path):
    path = tmp_path / "statements.json"
    with statements.kept_in(path):
        engines.frame(made(session(ROWS.assign(person="secret-1"))))
    assert "secret" not in path.read_text(encoding="utf-8")
    known = dict(statements._kept())
    statements._kept().clear()
    with statements.kept_in(path):
        assert statements._kept() == known
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert kept["statements"] == known
    for other in (json.dumps(kept | {"versions": ["1", "2", "3"]}), "[]", '{"versions":'):
        path.write_text(other, encoding="utf-8")
        statements._kept().clear()
        with statements.kept_in(path):
            assert not statements._kept()
