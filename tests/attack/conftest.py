"""Invented tables for the attack: of many shapes, and linked ones with years, editions and runs (benchmarks)."""

import importlib.util
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def loaded(name: str):
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def bench():
    return loaded("disclosure")


@pytest.fixture(scope="session")
def linked_bench():
    return loaded("linked")
