"""Intervals of the measures of inequality hold a known truth and claim no gap in equal groups.

A short run of benchmarks/coverage_inequality.py; the documentation shows the long one. Bounds are what a right
interval fails in fewer than one run in a thousand.
"""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "coverage_inequality.py"
spec = importlib.util.spec_from_file_location("coverage_inequality", SCRIPT)
coverage = importlib.util.module_from_spec(spec)
spec.loader.exec_module(coverage)

TURNS = 40


@pytest.mark.slow
@pytest.mark.parametrize("name", ["equal, 6 groups, 2 to 125 events", "equal, percentages of 20 to 1,250"])
def test_equal_groups_show_a_gap_no_more_often_than_stated(name):
    found = coverage.misses(*coverage.UNORDERED[name], False, TURNS, seed=11, draws=256)
    assert (found["above"] <= 100 * 6 / TURNS).all()  # 2.5% in the long run
    assert (found["below"] <= 100 * 6 / TURNS).all()


@pytest.mark.slow
def test_unequal_groups_are_covered():
    found = coverage.misses(
        *coverage.UNORDERED["all differ, 6 groups, repeat events"], False, TURNS, seed=12, draws=256
    )
    assert (found["above"] + found["below"] <= 100 * 9 / TURNS).all()  # 5% in the long run
    assert found["refused"].max() == 0


def test_a_naive_interval_would_fail_this_test():
    """The highest less the lowest with a plain interval finds a gap in about a third of equal six-group tables."""
    generator, gaps = coverage.np.random.default_rng(13), 0
    for _ in range(200):
        drawn = coverage.table([100] * 6, coverage.np.full(6, 50_000.0), "rate", 0, generator)
        high, low = drawn["estimate"].max(), drawn["estimate"].min()
        error = (100_000 * (high + low) / 50_000) ** 0.5
        gaps += high - low > 1.96 * error
    assert gaps > 40


@pytest.mark.parametrize("name", list(coverage.ORDERED))
def test_gradients_are_covered(name):
    found = coverage.misses(*coverage.ORDERED[name], True, 40, seed=14)
    given = 100 - found["refused"]
    assert (found["above"] + found["below"] <= 100 * 8 / 40).all()
    assert (given > 50).all()
