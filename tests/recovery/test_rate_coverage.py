"""Limits hold a known truth about as often as they say (a small part of benchmarks/coverage_rates.py)."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "coverage_rates.py"
RUNS = 2_000  # two standard errors of a share near 95% are about one point


@pytest.fixture(scope="module")
def coverage():
    spec = importlib.util.spec_from_file_location("coverage_rates", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("kind", ["independent", "people who repeat"])
@pytest.mark.parametrize(("events", "bands"), [(3, 1), (20, 3), (30, 19), (100, 7), (500, 19)])
def test_limits_of_rates_hold_the_truth(coverage, kind, events, bands):
    found = coverage.rate_coverage(events, bands, RUNS, kind)
    given = {name: share for name, (share, _) in found.items() if share == share}
    assert set(given) == ({"crude", "indirect"} if events < 10 else set(found))
    assert all(share >= 93.5 for share in given.values()), given
    if events >= 100:
        assert all(share <= 97.5 for share in given.values()), given


def test_without_repeats_in_the_variance_limits_would_be_too_narrow(coverage):
    # the test above can fail: limits that take repeats for independent events miss far more often
    import numpy as np

    from pcref_analysis.estimates.rates import rates

    cells = coverage.cells(np.random.default_rng(3), 100, 7, RUNS, "people who repeat")
    at_risk, _, rate = coverage.setting(7)
    truth = 1e-3 * (at_risk * rate).sum() / at_risk.sum()
    plain = rates.crude(cells, ["run"], per=1, repeat_events=False)
    assert coverage.covered(plain, truth)[0] < 88
