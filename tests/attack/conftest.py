"""Invented tables of many shapes for the attack: those of benchmarks/disclosure.py."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "disclosure.py"


@pytest.fixture(scope="session")
def bench():
    spec = importlib.util.spec_from_file_location("benchmark_disclosure", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
