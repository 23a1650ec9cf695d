"""Little literal extracts: rows as dictionaries, the rest of each table's declared columns filled with sense."""

from datetime import date

import ibis
import pyarrow as pa
import pytest

from pcref_analysis.counting import cells, row_conditions
from pcref_analysis.vocabulary import parameters
from pcref_analysis.vocabulary.indicators import catalogue

KINDS = {"string": pa.string(), "date": pa.date32(), "int64": pa.int64(), "float64": pa.float64()}
PERSON = {"EthnicCategory": "A", "Gender": "2", "PersonBirthDate": "1980-06-01", "LSOA2021": "X01000001"}
STANDING = {
    "Areas": [{"lsoa": "X01000001", "imd_quintile": 1}, {"lsoa": "X01000002", "imd_quintile": 5}],
    "Population": [
        {"ethnic_group": group, "sex": sex, "age_band": band, "imd_quintile": imd, "residents": 100}
        for group in ("White British", "Caribbean", "Chinese")
        for sex in ("Female", "Male")
        for band in ("0-15", "16-64", "65+")
        for imd in (1, 5)
    ],
}


def _value(value, kind):
    return date.fromisoformat(value) if kind == "date" and value is not None else value


@pytest.fixture(scope="session")
def extract():
    """Return a function that makes cleaned Ibis tables of rows given as {table: [{column: value}]}."""

    def make(**tables):
        connection = ibis.duckdb.connect()
        made = {}
        for name, lines in (STANDING | tables).items():
            schema = row_conditions.schemas()[name]
            lines = [(PERSON if name == "MHS001MPI" else {}) | line for line in lines]
            unknown = {column for line in lines for column in line} - set(schema.names)
            assert not unknown, f"{name} declares no {unknown}"
            columns = {
                column: pa.array([_value(line.get(column), str(kind)) for line in lines], KINDS[str(kind)])
                for column, kind in schema.items()
            }
            made[name] = connection.create_table(name, pa.table(columns))
        return made

    return make


@pytest.fixture(scope="session")
def settings():
    """Return a function that makes parameters: three bands, one period, whatever else is named."""

    def make(**changes):
        values = {
            "run": "tiny",
            "trust": {"name": "Tiny"},
            "source": {"kind": "demo"},
            "period": "2023-24",
            "age_bands": [0, 16, 65],
            "disclosure": {"owner": "nobody", "agreed": "2026-01-01"},
            "priorities": {"owner": "nobody", "agreed": "2026-01-01"},
        }
        return parameters.check(values | changes, "tiny.yml")

    return make


@pytest.fixture
def count(settings):
    """Return a function that counts one indicator of an extract and returns its cells and ledger."""

    def run(tables, indicator, entry=None, **changes):
        entries = {indicator: entry or catalogue()[indicator]}
        return cells.build(tables, settings(**changes), entries)

    return run


@pytest.fixture(scope="session")
def demo_run(demo_frames, demo_tables, demo_parameters, demo_cells):
    """The invented Trust: raw frames, cleaned tables, parameters, cells and ledger."""
    found, ledger = demo_cells
    return {
        "frames": demo_frames,
        "tables": demo_tables,
        "parameters": demo_parameters,
        "cells": found,
        "ledger": ledger,
    }
