"""Planted ratios come back: a short, seeded part of benchmarks/recovery_regression.py.

Fails if person-clustered errors are replaced by the model's own: these cover about 70% here.
"""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def recovery():
    path = ROOT / "benchmarks" / "recovery_regression.py"
    spec = importlib.util.spec_from_file_location("recovery_regression", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_clustered_intervals_cover_and_naive_ones_do_not(recovery):
    """40 Trusts x 4 groups = 160 intervals: true coverage of 95% falls outside these limits once in some 500 runs."""
    table = recovery.coverage(recovery.simulate("contacts not attended", trusts=40, seed=7))
    assert 0.895 <= table["clustered"].mean() <= 0.99
    assert table["naive"].mean() < 0.80
    assert table["bias"].abs().max() < 0.08


def test_a_gap_that_nobody_planted_is_called_at_the_stated_rate(recovery):
    table = recovery.coverage(recovery.simulate("detentions of residents", trusts=40, seed=8, naive=0))
    assert table["called"].mean() <= 0.125  # 80 intervals: more than 10 of them about once in 250 runs
    assert 0.895 <= table["clustered"].mean() <= 0.99
