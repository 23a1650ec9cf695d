"""Bounds and tipping points: hand arithmetic, and every allocation of the unknown by brute force."""

import itertools

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from pcref_analysis.estimates.rates.comparators import ALL_OTHERS, POPULATION
from pcref_analysis.estimates.unknown.bounds import bounds, tipping_point
from pcref_analysis.vocabulary.errors import PcrefError


def cells(rows, **more):
    return pd.DataFrame(rows, columns=["ethnic_group", "events", "at_risk"]).assign(**more)


def row(table, name):
    return table.set_index("ethnic_group").loc[name]


def test_population_denominators_by_hand():
    table = cells([("White British", 80, 1000), ("African", 30, 100), ("Not stated", 6, 0), ("Not known", 4, None)])
    found = row(bounds(table, by=[], per=100), "African")
    assert found["denominator"] == "population"
    assert found[["events", "at_risk", "unknown_events", "unknown_at_risk"]].tolist() == [30, 100, 10, 0]
    assert found["unknown_share"] == pytest.approx(10 / 120)
    assert found["rate"] == found["rate_low"] == pytest.approx(30)  # none of the unknown
    assert found["rate_high"] == pytest.approx(40)  # all ten
    assert found["rate_proportional"] == pytest.approx(30 * 120 / 110)
    assert found["ratio"] == found["ratio_proportional"] == pytest.approx(30 / 8)
    assert found["ratio_low"] == pytest.approx(30 / 9)  # all ten in the comparator
    assert found["ratio_high"] == pytest.approx(40 / 8)
    assert found["note"] == ""


def test_caseload_denominators_by_hand():
    table = cells([("White British", 80, 1000), ("African", 6, 100), ("Not known", 20, 50)])
    found = row(bounds(table, by=[], percent=True), "African")
    assert found["denominator"] == "caseload"
    assert found["rate_low"] == pytest.approx(100 * 6 / 130)  # gains the thirty without an event
    assert found["rate_high"] == pytest.approx(100 * 26 / 120)  # gains the twenty with one
    assert found["rate_proportional"] == pytest.approx(100 * (6 + 20 * 6 / 86) / (100 + 20 * 6 / 86 + 30 * 94 / 1014))
    assert found["ratio_low"] == pytest.approx((6 / 130) / (100 / 1020))
    assert found["ratio_high"] == pytest.approx((26 / 120) / (80 / 1030))
    wide = row(bounds(table, by=[], per=100), "African")  # events that bring no at_risk along
    assert wide["rate_high"] == pytest.approx(26) and wide["rate_low"] == pytest.approx(4)


@pytest.mark.parametrize("comparator", ["White British", ALL_OTHERS, POPULATION])
@pytest.mark.parametrize("held", [0, 4])
def test_bounds_are_the_extremes_of_every_allocation(comparator, held):
    table = cells([("White British", 5, 40), ("African", 3, 10), ("Chinese", 2, 12), ("Not known", 2, held)])
    found = row(bounds(table, comparator, by=[], percent=True), "African")
    ratios = []
    people = [True] * 2 + [False] * max(held - 2, 0)  # who has an event
    for places in itertools.product(range(3), repeat=len(people)):
        events, risk = np.array([5.0, 3, 2]), np.array([40.0, 10, 12])
        for place, event in zip(places, people, strict=True):
            events[place] += event
            risk[place] += bool(held)
        other = {"White British": [0], ALL_OTHERS: [0, 2], POPULATION: [0, 1, 2]}[comparator]
        ratios.append((events[1] / risk[1]) / (events[other].sum() / risk[other].sum()))
    assert found["ratio_low"] == pytest.approx(min(ratios))
    assert found["ratio_high"] == pytest.approx(max(ratios))


def test_strata_are_bounded_one_by_one_and_weighted():
    rows = [("White British", 40, 400), ("African", 2, 50), ("Not known", 4, 0)]
    old = [("White British", 30, 600), ("African", 3, 20), ("Not known", 1, 0)]
    table = pd.concat([cells(rows, age_band="16-19"), cells(old, age_band="65+")])
    table = pd.concat([table, cells([("Not known", 7, 0)], age_band="Not known")])
    standard = pd.DataFrame({"age_band": ["16-19", "65+"], "weight": [3, 1]})
    found = row(bounds(table, by=[], over=["age_band"], standard=standard, per=1), "African")
    low, high = 0.75 * 2 / 50 + 0.25 * 3 / 20, 0.75 * 6 / 50 + 0.25 * 4 / 20
    assert found["rate"] == found["rate_low"] == pytest.approx(low)
    assert found["rate_high"] == pytest.approx(high)
    assert found["ratio_low"] == pytest.approx(low / (0.75 * 44 / 400 + 0.25 * 31 / 600))
    assert found["ratio_high"] == pytest.approx(high / (0.75 * 40 / 400 + 0.25 * 30 / 600))
    assert found["note"] == "7 events in strata that the standard lacks are left out."


def test_tables_stand_apart_and_refusals_stay_in_their_group():
    first = cells([("White British", 0, 10), ("African", 1, 10), ("Not known", 0, 0)], indicator="a", period="2023-24")
    second = cells([("White British", 5, 10), ("African", 0, 0), ("Not known", 1, 1)], indicator="b", period="2023-24")
    found = bounds(pd.concat([first, second])).set_index(["indicator", "ethnic_group"])
    assert found["denominator"].tolist() == ["population", "population", "caseload", "caseload"]
    assert np.isnan(found.loc[("a", "African"), "ratio_high"])
    assert found.loc[("a", "African"), "note"] == "the comparator may have no events: no highest ratio."
    assert np.isnan(found.loc[("b", "African"), "rate"])
    assert "no one at risk" in found.loc[("b", "African"), "note"]
    assert found.loc[("b", "White British"), "rate"] == pytest.approx(50_000)


def test_tipping_point_by_hand_and_by_insertion():
    table = cells([("White British", 80, 1000), ("African", 6, 100), ("Chinese", 4, 100), ("Not known", 20, 0)])
    found = row(tipping_point(table, by=[]), "African")
    share = found["tipping_share"]
    assert (6 + 20 * share) / 100 == pytest.approx((80 + (1 - share) * 20 * 80 / 84) / 1000)
    assert found["known_share"] == pytest.approx(6 / 90)
    share = row(tipping_point(table, by=[], rest="comparator"), "African")["tipping_share"]
    assert (6 + 20 * share) / 100 == pytest.approx((80 + (1 - share) * 20) / 1000)
    share = row(tipping_point(table, POPULATION, by=[]), "African")["tipping_share"]
    assert (6 + 20 * share) / 100 == pytest.approx(110 / 1200)
    above = cells([("White British", 80, 1000), ("African", 30, 100), ("Not known", 20, 0)])
    found = row(tipping_point(above, by=[]), "African")
    assert np.isnan(found["tipping_share"]) and found["note"].startswith("the ratio stays above 1 even if none")


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 50), st.integers(51, 500)), min_size=3, max_size=6), st.integers(1, 7))
def test_bounds_hold_the_known_and_the_proportional(counts, times):
    names = ["White British", "African", "Chinese", "Indian", "Pakistani", "Caribbean"]
    table = cells([(name, *pair) for name, pair in zip(names, counts, strict=False)])
    table = pd.concat([table, cells([("Not known", 5, 9)])], ignore_index=True)
    found = bounds(table, by=[], percent=True)
    assert found["ratio"].between(found["ratio_low"] - 1e-9, found["ratio_high"] + 1e-9).all()
    assert found["rate_proportional"].between(found["rate_low"] - 1e-9, found["rate_high"] + 1e-9).all()
    shuffled = bounds(table.iloc[::-1], by=[], percent=True)
    columns = ["ratio_low", "ratio_high", "rate_low", "rate_high"]
    pd.testing.assert_frame_equal(
        found.set_index("ethnic_group")[columns], shuffled.set_index("ethnic_group").loc[found["ethnic_group"], columns]
    )
    split = pd.concat([table.assign(events=table["events"] / times, at_risk=table["at_risk"] / times)] * times)
    pd.testing.assert_frame_equal(found[columns], bounds(split, by=[], percent=True)[columns])


def test_bad_input_is_named():
    table = cells([("White British", 80, 1000), ("African", None, 100)])
    with pytest.raises(PcrefError, match="1 row"):
        bounds(table, by=[])
    with pytest.raises(PcrefError, match="'Martian' is not a known group"):
        bounds(table.fillna(1), "Martian", by=[])
    with pytest.raises(PcrefError, match="period"):
        bounds(table, by=["period"])
    table = cells([("White British", 80, 1000), ("Not known", 5, 3)])
    with pytest.raises(PcrefError, match=r"1 table.*more events than at_risk"):
        bounds(table, by=[], percent=True)
    with pytest.raises(PcrefError, match="need a standard"):
        bounds(table.assign(age_band="65+"), by=[], over=["age_band"])
