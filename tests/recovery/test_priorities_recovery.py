"""The list finds what was planted in simulated Trusts (a small part of benchmarks/priorities.py)."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "priorities.py"
TRUSTS = 4


@pytest.fixture(scope="module")
def table():
    spec = importlib.util.spec_from_file_location("benchmark_priorities", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.run(TRUSTS, module.RULE.model_copy(update={"draws": 500}), seed=1_000)


@pytest.mark.slow
def test_the_largest_gap_by_the_rule_is_in_the_first_band_more_often_than_by_simpler_orders(table):
    both = table[["few large gaps", "gaps everywhere"]]
    ours = both.loc["largest true score in the first band, list"]
    assert (ours >= 0.8).all()
    for way in ("p-value", "ratio", "excess"):
        assert (ours >= both.loc[f"largest true score in the first band, {way}"]).all(), way
        five = "of the 5 largest true scores among the first 5, {}"
        assert both.loc[five.format("list")].mean() > both.loc[five.format(way)].mean(), way


@pytest.mark.slow
def test_stated_intervals_of_gaps_and_ranks_hold_the_truth(table):
    assert (table.loc["true gap inside its interval"] > 0.92).all()
    assert (table.loc["true rank inside its interval"].dropna() > 0.92).all()
    assert (
        table.loc["width of the rank interval / list"].dropna() < 0.75
    ).all()  # an interval of every rank says nothing


@pytest.mark.slow
def test_chances_are_as_large_as_they_say(table):
    stated, true = table.loc["chance to exceed the margin, mean"], table.loc["share that exceeds the margin"]
    assert (stated - true).abs().max() < 0.05


@pytest.mark.slow
def test_a_trust_without_gaps_gets_an_empty_list(table):
    assert table.loc["an empty list", "no gaps"] >= 0.8
    assert table.loc["priorities", "no gaps"] <= 0.2
    assert table.loc["priorities without any true gap", "few large gaps"] <= 0.4
