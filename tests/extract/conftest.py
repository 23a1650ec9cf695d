"""A small valid extract, made from the declarations, and ways to write it down."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from pcref_analysis.extract.schema import declared
from pcref_analysis.vocabulary import parameters as vocabulary

PEOPLE = 40
GROUPS = ["A", "B", "D", "H", "J", "M", "N", "R", "S", "Z", "99"]


def value(table, name: str, column, i: int) -> str:
    """Return the i-th valid value of a column, as text."""
    if name == "Person_ID":
        return f"P{i % PEOPLE:04d}"
    if column.type == "id":
        target = column.references or table.name
        return f"{target[:6]}-{name}-{i % 60:04d}"
    if column.area:
        return f"E01{i % 20:06d}"
    if name == "EthnicCategory":
        return GROUPS[i % PEOPLE % len(GROUPS)]
    if column.allowed():
        return column.allowed()[i % len(column.allowed())]
    if column.birth:
        return f"{1950 + i % PEOPLE}-0{1 + i % 9}-15"
    if column.type == "date" and column.after:
        return f"2024-{7 + i % 6:02d}-20" if i % 3 else ""
    if column.type == "date":
        return f"2024-0{4 + i % 3}-{10 + i % 18}" if column.required else ""
    if column.type == "time":
        return f"{i % 24:02d}:05"
    if name == "UniqMonthID":
        return "1489"
    if column.type == "integer":
        return str(1 + i % 5)
    if column.type == "number":
        return str(10 + i % 7)
    return {"LanguageCodePreferred": "en"}.get(name, "02" if column.width else "AB1")


@cache
def _valid() -> dict[str, pd.DataFrame]:
    """Make the tables of :func:`valid_tables`, once for all tests of a process."""
    tables = {}
    for table in declared().values():
        size = PEOPLE if table.name == "MHS001MPI" else 20 if table.name == "Areas" else 60
        tables[table.name] = pd.DataFrame(
            {name: [value(table, name, column, i) for i in range(size)] for name, column in table.columns.items()},
            dtype="str",
        )
    population = tables["Population"]
    groups = declared()["Population"].columns["ethnic_group"].allowed()
    population["ethnic_group"] = [groups[i % 15] for i in range(60)]
    population["age_band"] = [["0-15", "16-19", "20-24", "25-34"][i // 15] for i in range(60)]
    population["sex"], population["imd_quintile"] = "Female", "1"
    return tables


def valid_tables() -> dict[str, pd.DataFrame]:
    """Return every table of the contract as text, with nothing wrong in it, for the test alone."""
    return {name: frame.copy() for name, frame in _valid().items()}


def write_csv(tables: dict[str, pd.DataFrame], folder: Path, **options) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False, **({"encoding": "utf-8"} | options))
    return folder


def make_parameters(kind: str = "folder", location: str = "", **values) -> vocabulary.Parameters:
    source = {"kind": kind, "location": str(location)} | values.pop("source", {})
    return vocabulary.check(
        {
            "run": "test",
            "trust": {"name": "Test"},
            "source": source,
            "period": "2024-25",
            "disclosure": {"owner": "x", "agreed": "2026-01-01"},
            "priorities": {"owner": "x", "agreed": "2026-01-01"},
        }
        | values,
        "test.yml",
    )


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Keep spill folders and default locations inside the test's own folder."""
    monkeypatch.setenv("PCREF_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def extract():
    """Return the helpers as one object, since test files cannot import each other."""

    class Extract:
        tables = staticmethod(valid_tables)
        csv = staticmethod(write_csv)
        parameters = staticmethod(make_parameters)

    return Extract
