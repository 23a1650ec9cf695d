"""The worst case over unknown ethnic group, worked out from released counts: it holds the one from exact counts."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pcref_analysis as pcref
from pcref_analysis.analysis import ethnicity_coding
from pcref_analysis.disclosure import disclosure_rule
from pcref_analysis.report import derived_tables

RUN = pcref.parameters.load("demo")
COMPARATOR, GROUP, NOBODY = RUN.comparator, "Other", "Unknown"
INDICATORS = {  # residents; caseload, at most one event each; caseload, several events each
    "detentions": ("rate", "residents"),
    "people_detained_caseload": ("percent", "once"),
    "non_attendance": ("percent", "often"),
}


def released(cells, also_hidden=()):
    """Return the cells as levels with their counts hidden below the threshold (and ``also_hidden``) and rounded."""
    out = cells.assign(
        period=RUN.period, adjustment="crude", measure=cells["indicator"].map(lambda i: INDICATORS[i][0])
    )
    for column in ("events", "at_risk"):
        exact = out[column].to_numpy(float)
        public = out["indicator"].eq("detentions") & (column == "at_risk")
        hide = disclosure_rule.primary(exact, RUN.disclosure) | [(i, column) in also_hidden for i in range(len(out))]
        shown = np.where(hide, np.nan, disclosure_rule.round_counts(exact, RUN.disclosure))
        out[column] = np.where(public, exact, shown)
    return out


def worst(cells, also_hidden=()):
    table = disclosure_rule.with_possible(released(cells, also_hidden), RUN)
    return ethnicity_coding.worst_case(table, RUN).set_index("ethnic_group")


def exactly(cells):
    """Return the bounds from exact counts, by their formulas (docs/methods/unknown-ethnicity.md)."""
    table = cells.set_index("ethnic_group")[["events", "at_risk"]].astype(float)
    kind = INDICATORS[cells["indicator"].iloc[0]][1]
    (c, m), (u, v) = table.loc[COMPARATOR], table.loc[NOBODY]
    bring = u if kind == "once" else 0.0
    e, n = (table.drop([COMPARATOR, NOBODY])[name] for name in ("events", "at_risk"))
    with np.errstate(divide="ignore", invalid="ignore"):
        low = e / (n + v - bring) / np.divide(c + u, m + bring)
        high = (e + u) / (n + bring) / np.divide(c, m + v - bring)
        found = pd.DataFrame({"ratio": e / n / np.divide(c, m), "ratio_low": low, "ratio_high": high})
    return found.where(np.isfinite(found))


@pytest.mark.parametrize("held", [0, 4])
def test_the_formulas_give_the_extremes_of_every_allocation(held):
    indicator = "people_detained_caseload" if held else "detentions"
    found, ratios = exactly(cells_of(indicator, [5, 3, 2, 2], [40.0, 10.0, 12.0, held])).loc[GROUP], []
    people = [True] * 2 + [False] * max(held - 2, 0)  # who has an event
    for places in itertools.product(range(3), repeat=len(people)):
        events, risk = np.array([5.0, 3, 2]), np.array([40.0, 10, 12])
        for place, event in zip(places, people, strict=True):
            events[place] += event
            risk[place] += bool(held)
        ratios.append((events[1] / risk[1]) / (events[0] / risk[0]))
    assert found[["ratio_low", "ratio_high"]].tolist() == pytest.approx([min(ratios), max(ratios)])


def cells_of(indicator, events, at_risk):
    groups = [COMPARATOR, GROUP, "Asian or Asian British", NOBODY]
    return pd.DataFrame({"indicator": indicator, "ethnic_group": groups, "events": events, "at_risk": at_risk})


def test_rounding_is_in_the_bounds():
    """13 people shown as 15 gave 1.37 to 1.66 where 1.25 is right."""
    cells = cells_of("detentions", [902, 13, 40, 12], [100_000.0, 1_150.0, 4_000.0, 0.0])
    exact, found = exactly(cells).loc[GROUP], worst(cells).loc[GROUP]
    as_if_exact = exactly(released(cells)).loc[GROUP]
    assert as_if_exact["ratio_low"] > exact["ratio"]  # what was published
    assert found["ratio_low"] <= exact["ratio_low"] <= exact["ratio"] <= exact["ratio_high"] <= found["ratio_high"]


def test_a_count_hidden_to_protect_others_gives_no_bounds():
    cells = cells_of("detentions", [900, 60, 40, 300], [100_000.0, 4_000.0, 4_000.0, 0.0])
    found = worst(cells, {(3, "events")}).loc[GROUP]
    assert np.isnan(found["ratio_low"]) and np.isnan(found["ratio_high"]) and "no bounds" in found["note"]
    assert found["ratio"] == pytest.approx(60 / 4_000 / (900 / 100_000))


def test_a_hidden_caseload_is_not_read_as_residents():
    cells = cells_of("people_detained_caseload", [90, 60, 40, 10], [1_000.0, 400.0, 400.0, 600.0])
    found = worst(cells, {(3, "at_risk")}).loc[GROUP]
    assert np.isnan(found["ratio_low"]) and "no bounds" in found["note"]


def test_a_hidden_count_of_events_is_at_most_the_people_shown():
    cells = cells_of("people_detained_caseload", [90, 60, 40, 3], [1_000.0, 400.0, 400.0, 20.0])
    exact, found = exactly(cells).loc[GROUP], worst(cells).loc[GROUP]
    assert 0 < found["ratio_low"] <= exact["ratio_low"] and exact["ratio_high"] <= found["ratio_high"] < np.inf


@st.composite
def tables(draw):
    indicator = draw(st.sampled_from(list(INDICATORS)))
    people = [draw(st.integers(1, 3_000)) for _ in range(4)]
    most = [n if INDICATORS[indicator][1] != "often" else 4 * n for n in people]
    events = [draw(st.integers(0, m)) for m in most]
    if indicator == "detentions":
        people[3] = 0
    hidden = draw(st.sets(st.tuples(st.integers(0, 3), st.sampled_from(["events", "at_risk"])), max_size=2))
    hidden -= {(i, "at_risk") for i in range(4)} if indicator == "detentions" else set()
    return cells_of(indicator, events, [float(n) for n in people]), hidden


@settings(deadline=None, max_examples=60)
@given(tables())
def test_released_bounds_hold_the_exact_ones(drawn):
    cells, hidden = drawn
    exact, found = exactly(cells), worst(cells, hidden)
    for group in found.index:
        row, truth = found.loc[group], exact.loc[group]
        for end, side in (("low", 1), ("high", -1)):
            if np.isfinite(row[f"ratio_{end}"]) and np.isfinite(truth[f"ratio_{end}"]):
                assert side * row[f"ratio_{end}"] <= side * truth[f"ratio_{end}"] * (1 + side * 1e-9)
            times = truth[f"ratio_{end}"] / truth["ratio"] if truth["ratio"] else np.nan
            if np.isfinite(row[f"times_{end}"]) and np.isfinite(times):
                assert side * row[f"times_{end}"] <= side * times * (1 + side * 1e-9)


@settings(deadline=None, max_examples=60)
@given(tables())
def test_bounds_of_exact_counts_are_the_exact_ones(drawn):
    cells, _ = drawn
    internal = RUN.model_copy(update={"audience": "internal"})
    table = cells.assign(period=RUN.period, adjustment="crude", measure=INDICATORS[cells["indicator"].iloc[0]][0])
    found = ethnicity_coding.worst_case(disclosure_rule.with_possible(table, internal), internal).set_index(
        "ethnic_group"
    )
    exact = exactly(cells)
    for end in ("low", "high"):
        both = found[[f"ratio_{end}"]].join(exact[f"ratio_{end}"], rsuffix="_exact").dropna()
        assert np.allclose(both[f"ratio_{end}"], both[f"ratio_{end}_exact"])


@pytest.mark.parametrize("indicator", list(INDICATORS))
def test_released_bounds_are_not_absurdly_wide(indicator):
    """With forty events and more, rounding to five widens neither end by more than a fifth."""
    rng, drawn = np.random.default_rng(7), []
    for _ in range(50):
        people = rng.integers(2_000, 5_000, 4).astype(float)
        people[3] = 0 if indicator == "detentions" else 100
        drawn.append(cells_of(indicator, rng.integers(40, 90, 4), people))
    for cells in drawn:
        exact, found = exactly(cells), worst(cells)
        assert set(found.index) == set(exact.index)
        assert (found["ratio_low"] > exact["ratio_low"] / 1.2).all()
        assert (found["ratio_high"] < exact["ratio_high"] * 1.2).all()


def test_an_adjusted_ratio_moves_by_the_same_times_and_its_rounding():
    cells = cells_of("detentions", [902, 63, 40, 52], [100_000.0, 5_150.0, 4_000.0, 0.0])
    exact, bounds = exactly(cells).loc[GROUP], worst(cells).reset_index()
    adjusted = 1.4449
    gaps = pd.DataFrame(
        {"indicator": "detentions", "ethnic_group": GROUP, "period": RUN.period, "estimate": [1.6, 1.4]}
    )
    gaps = gaps.assign(comparator=COMPARATOR, adjustment=["crude", "age_sex_imd"])
    found = derived_tables._around_adjusted(bounds, gaps, RUN).set_index("ethnic_group").loc[GROUP]
    assert found["ratio_low"] <= adjusted * exact["ratio_low"] / exact["ratio"]
    assert found["ratio_high"] >= adjusted * exact["ratio_high"] / exact["ratio"]
    coarse = (
        derived_tables._around_adjusted(bounds, gaps.assign(rounded_to=[np.nan, 0.5]), RUN)
        .set_index("ethnic_group")
        .loc[GROUP]
    )
    assert coarse["ratio_low"] < found["ratio_low"] and coarse["ratio_high"] > found["ratio_high"]


def test_nobody_unknown_leaves_the_ratio_as_it_is():
    bounds = worst(cells_of("detentions", [902, 63, 40, 0], [100_000.0, 5_150.0, 4_000.0, 0.0])).reset_index()
    gaps = pd.DataFrame({"indicator": "detentions", "ethnic_group": [GROUP], "period": RUN.period, "estimate": 1.4})
    gaps = gaps.assign(comparator=COMPARATOR, adjustment="age_sex")
    found = derived_tables._around_adjusted(bounds, gaps, RUN).set_index("ethnic_group").loc[GROUP]
    assert found["ratio_low"] == found["ratio_high"] == 1.4
