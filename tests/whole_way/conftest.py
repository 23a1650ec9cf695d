"""The invented Trust of this folder."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


def _module(name: str):
    """Import a file of this folder; test files cannot import each other."""
    known = f"whole_way_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, HERE / f"{name}.py")
        sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[known])
    return sys.modules[known]


@pytest.fixture(scope="session")
def trust():
    return _module("trust")


@pytest.fixture(scope="session")
def independent():
    return _module("independent")


@pytest.fixture(scope="session")
def rows(trust, open_data):
    """Return what happened at a Trust of 6,000 people, with stays enough to be compared."""
    return trust.truth(6_000, *trust.small_areas(open_data), stays=0.4)
