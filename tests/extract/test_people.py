"""One row a person, by each rule, worked by hand."""

from __future__ import annotations

from datetime import date

import ibis
import pyarrow as pa
import pytest

from pcref_analysis.extract import deduplicate, table_checks, validate
from pcref_analysis.extract.schema import IBIS_TYPES, PERSONS, declared

#            person  month  code   gender  birth
SUBMITTED = [
    ("one", 1488, "A", "1", date(1980, 1, 1)),
    ("changed", 1488, "A", "2", date(1980, 1, 1)),
    ("changed", 1489, "A", "2", date(1980, 1, 1)),
    ("changed", 1490, "N", "2", date(1980, 1, 1)),
    ("withdrew", 1488, "M", "2", date(1990, 2, 3)),
    ("withdrew", 1489, "Z", "1", None),
    ("blank last", 1488, "J", "1", date(1970, 5, 5)),
    ("blank last", 1489, None, None, date(1971, 5, 5)),
    ("never known", 1488, "99", "1", None),
    ("never known", 1489, "Z", "1", None),
    ("tie", 1488, "H", "1", date(1960, 1, 1)),
    ("tie", 1489, "K", "1", date(1960, 1, 1)),
    ("no month", None, "B", "1", date(1960, 1, 1)),
    ("no month", 1, "C", "1", date(1960, 1, 1)),
    ("nothing", 1489, None, None, None),
    ("long ago", 99, "D", "1", date(1901, 12, 31)),
    ("long ago", 100, "E", "1", None),
    *[("repeated", 1488, "A", "1", None)] * 3,  # as a join to referrals repeats a row
    ("repeated", 1489, "N", "1", None),
    ("repeated", 1490, "N", "1", None),
    ("repeated", 1491, "Z", "1", None),
]
WANTED = {  #         latest_known, most_frequent, submitted
    "one": ("A", "A", "A"),
    "changed": ("N", "A", "N"),
    "withdrew": ("M", "M", "Z"),
    "blank last": ("J", "J", None),
    "never known": ("Z", "Z", "Z"),
    "tie": ("K", "K", "K"),
    "no month": ("C", "C", "C"),
    "nothing": (None, None, None),
    "long ago": ("E", "E", "E"),
    "repeated": ("N", "N", "Z"),
}


@pytest.fixture
def rows():
    lines = [
        dict.fromkeys(declared()[PERSONS].columns)
        | dict(zip(("Person_ID", "UniqMonthID", "EthnicCategory", "Gender", "PersonBirthDate"), line, strict=True))
        for line in SUBMITTED
    ]
    kinds = {"string": pa.string(), "int64": pa.int64(), "date": pa.date32()}
    schema = pa.schema({n: kinds[IBIS_TYPES[c.type]] for n, c in declared()[PERSONS].columns.items()})
    return ibis.duckdb.connect().create_table("rows", pa.Table.from_pylist(lines, schema))


@pytest.mark.parametrize("rule", deduplicate.RULES)
def test_the_rule_chooses_the_category(rows, rule):
    found = deduplicate.one_row(rows, rule).to_pyarrow().to_pylist()
    position = deduplicate.RULES.index(rule)
    assert {row["Person_ID"]: row["EthnicCategory"] for row in found} == {n: w[position] for n, w in WANTED.items()}
    assert len(found) == len(WANTED)
    assert list(found[0]) == list(declared()[PERSONS].columns)


def test_every_other_column_takes_its_latest_recorded_value(rows):
    found = {row["Person_ID"]: row for row in deduplicate.one_row(rows, "submitted").to_pyarrow().to_pylist()}
    assert found["withdrew"]["Gender"] == "1" and found["withdrew"]["PersonBirthDate"] == date(1990, 2, 3)
    assert found["blank last"]["Gender"] == "1" and found["blank last"]["PersonBirthDate"] == date(1971, 5, 5)
    assert found["long ago"]["PersonBirthDate"] == date(1901, 12, 31)
    assert found["nothing"]["PersonBirthDate"] is None
    assert found["changed"]["UniqMonthID"] == 1490


def test_conflicts_are_counted_among_people(rows):
    """Five people have two known categories or more (unknown is no conflict), one two genders, one two birth dates."""
    counts = deduplicate.conflicts(rows).to_pyarrow().to_pylist()[0]
    none = {"PersDeathDate": 0, "newer": 0, "only_newer": 0}
    assert counts == {"people": 10, "EthnicCategory": 5, "Gender": 1, "PersonBirthDate": 1} | none


def test_categories_of_2021_are_compared_and_never_used(extract):
    """Of five people two have another category of 2021, one that alone, one a code of 2021 that has no older one."""
    people = extract.tables()["MHS001MPI"].head(5)
    people = people.assign(EthnicCategory=["A", "N", "Z", "R", "M"], EthnicCategory2021=["A", "M", "N", "H", "XX"])
    table = ibis.duckdb.connect().create_table("people", people)
    checked = validate.examine({PERSONS: table}, extract.parameters(), date(2026, 11, 22))
    found = checked.breaches[checked.breaches["column"] == "EthnicCategory2021"]
    assert dict(zip(found["rule"], found["rows"], strict=True)) == {
        "people whose category of 2021 is another than in EthnicCategory": 2,
        "people whose category of 2021 is known and no other is": 1,
    }
    kept = checked.tables[PERSONS].to_pandas()["EthnicCategory"]
    assert sorted(kept) == ["A", "M", "N", "R", "Z"]


def test_a_comparator_that_is_nobodys_ethnic_group_is_named_by_the_check(extract):
    people = extract.tables()[PERSONS].assign(EthnicCategory="A")
    table, told = ibis.duckdb.connect().create_table("people", people), {}
    kept = validate.examine({PERSONS: table}, extract.parameters()).tables
    for comparator in ("White", "Black or Black British"):
        found = table_checks.comparator(kept, extract.parameters(comparator=comparator))
        told[comparator] = [one["rule"] for one in found]
    wanted = ["nobody has a code of the comparator Black or Black British (M, N, P)"]
    assert told == {"White": [], "Black or Black British": wanted}
