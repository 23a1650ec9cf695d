"""What a count's protection rounds a figure to must still say what the figure says."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from pcref_analysis.disclosure import disclosure_rule, release_tables, rounded_figures
from pcref_analysis.estimates import intervals

DISCLOSURE = disclosure_rule.read("mhsds")
BASE = {"measure": "ratio", "level": 0.95, "per": 1.0, "base": 5.0, "external": False, "values": False, "crude": False}


def shown(estimate, lower, upper, low, high):
    counts = {"o": (low + high) / 2, "n": 40.0, "r": 5.0, "m": 40.0, "low": low, "high": high}
    other = {"o0": 200.0, "n0": 600.0, "r0": 200.0, "m0": 600.0, "low0": 198.0, "high0": 202.0}
    row = BASE | counts | other | {"estimate": estimate, "lower": lower, "upper": upper}
    return rounded_figures.figures(pd.DataFrame([row])).iloc[0]


@pytest.mark.parametrize("estimate", [0.31, 0.74, 1.01, 1.23, 2.2, 4.7])
@pytest.mark.parametrize("width", [1.02, 1.3, 2.0, 2.4, 3.5])
def test_an_adjusted_ratio_is_near_what_it_was_or_withheld(estimate, width):
    found = shown(estimate, estimate / width, estimate * width, 5.0, 7.0)
    assert np.isnan(found["estimate"]) or abs(found["estimate"] / estimate - 1) <= 1 / 6 + 1e-9


def test_the_most_that_rounding_may_change_is_by_the_step():
    given, usual = np.array([[1.01, 0.51, 2.04]]), np.array([0.01])
    assert rounded_figures._still_true(given, np.array([0.2]), usual).tolist() == [True]
    assert rounded_figures._still_true(given, np.array([0.5]), usual).tolist() == [False]
    alone = np.array([[np.nan, np.nan, 3.0]])
    assert rounded_figures._still_true(alone, np.array([0.1]), usual).tolist() == [True]
    small = np.array([[1.4, 0.14, 9.8], [1.4, 0.04, 9.8]])  # a limit may be small, and may not become none
    assert rounded_figures._still_true(small, np.full(2, 0.1), np.full(2, 0.1)).tolist() == [True, False]


def many_gaps(rows=120):
    """Return released ratios before and after adjustment, of groups of many sizes, and what the model gave."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"ethnic_group": [f"group {i}" for i in range(rows)], "events": rng.poisson(25, rows) + 6.0})
    frame = frame.assign(indicator="detentions", at_risk=np.round(frame["events"] * 60 / rng.uniform(0.3, 5, rows)))
    whole = pd.DataFrame({"ethnic_group": ["White"], "events": [900.0], "at_risk": [54_000.0]})
    counts = pd.concat([frame, whole.assign(indicator="detentions")]).assign(adjustment="crude", measure="rate")
    ratio = frame["events"] / frame["at_risk"] * 60
    parts = [counts]
    for adjustment, times in (("crude", 1.0), ("age_sex", 1.11), ("age_sex_imd", 1.02)):
        part = frame.assign(adjustment=adjustment, measure="ratio", comparator="White", estimate=ratio * times)
        spread = np.exp(1.96 * np.sqrt(1 / frame["events"] + 1 / 900) * rng.uniform(1, 1.3, rows))
        parts.append(part.assign(lower=part["estimate"] / spread, upper=part["estimate"] * spread))
    given = pd.concat(parts, ignore_index=True).assign(level=0.95)
    (shown,) = release_tables.release_all({"gaps": given}, "mhsds", public=False)
    assert release_tables.attack([shown]).empty
    return given[given["measure"] == "ratio"], shown.table[given["measure"] == "ratio"]


def test_an_estimate_and_its_limits_have_one_step_and_a_coarser_one_is_said():
    """Once 3.5 (2.5 to 4) stood beside 3.5 (2.9 to 4.4), and 0.93 had the limits 0.5 and 1.7."""
    given, shown = many_gaps()
    figures = shown[["estimate", "lower", "upper"]]
    there = figures.notna().all(axis=1)
    assert there.mean() > 0.9
    assert (figures["lower"] <= figures["estimate"])[there].all()
    assert (figures["estimate"] <= figures["upper"])[there].all()
    crude = there & shown["adjustment"].eq("crude") & (figures["lower"] > figures["estimate"] / 100)
    digits = figures[crude].div(10.0 ** (np.floor(np.log10(figures["estimate"][crude])) - 2), axis=0)
    assert np.allclose(digits, np.round(digits), rtol=0, atol=1e-6)
    adjusted = there & shown["adjustment"].ne("crude")
    step = pd.Series(rounded_figures.steps(shown), shown.index)[adjusted]
    moved = (figures - given[["estimate", "lower", "upper"]])[adjusted].abs().div(step, axis=0)
    assert (moved <= 0.5 + 1e-6).all(axis=None)  # each of the three to the step that readers see
    usual = 10.0 ** (np.floor(np.log10(figures["estimate"][adjusted])) - 1)
    assert (step <= usual * 1.001)[shown["rounded_to"].isna()].all()
    lines = step.groupby(shown["ethnic_group"][adjusted]).agg(["nunique", "max"])
    assert (lines["nunique"] == 1).mean() > 0.75
    apart = (
        adjusted & shown["ethnic_group"].map(lines["nunique"]).gt(1) & step.eq(shown["ethnic_group"].map(lines["max"]))
    )
    assert shown["rounded_to"][apart].notna().all()


def test_steps_are_read_from_digits_where_they_are_not_said():
    shown = pd.DataFrame({"estimate": [1.4, 0.98, 120.0, np.nan, 3.5], "lower": [0.9, 0.83, 90.0, 0.0, 2.5]})
    shown = shown.assign(upper=[2.0, 1.18, 150.0, 53.0, 4.0], rounded_to=[np.nan] * 4 + [0.5])
    assert rounded_figures.steps(shown) == pytest.approx([0.1, 0.01, 10.0, 1.0, 0.5])
    assert rounded_figures.steps(shown.assign(lower=0.14))[:2] == pytest.approx([0.01, 0.01])


def test_a_crude_ratio_is_that_of_the_counts_beside_it():
    """The model's crude step leaves people of unknown age out, who are among the counts that are shown."""
    frame = pd.DataFrame({"indicator": "detentions", "ethnic_group": ["White", "Mixed"], "adjustment": "crude"})
    frame = frame.assign(events=[371, 12], at_risk=[47_500.0, 1_500.0], estimate=[371 / 0.475, 12 / 0.015])
    levels = frame.assign(measure="rate", lower=frame["estimate"] * 0.6, upper=frame["estimate"] * 1.7, comparator="")
    gaps = levels[1:].assign(measure="ratio", comparator="White", estimate=0.93, lower=0.5, upper=1.7)
    shown = release_tables.release(pd.concat([levels, gaps]), "mhsds", public=False).table
    r, m, r0, m0 = (shown.loc[i, c] for i in (2, 0) for c in ("events", "at_risk"))
    assert (r, r0) == (10, 370)
    assert shown.loc[2, "estimate"] == pytest.approx(r / m / (r0 / m0), rel=0.005)


@pytest.mark.parametrize(("events", "at_risk"), [(7, 8), (12, 13), (13, 17), (30, 31), (5, 12)])
def test_the_limits_of_a_percentage_hold_what_was_counted(events, at_risk):
    """Once 7 of 8 stood as 5 of 10: 50% (24 to 76), and its ratio of 1.5 as 0.85 (0.54 to 1.35)."""
    low, high = intervals.wilson(np.array([events, 200.0]), np.array([at_risk, 350.0]), 0.95)
    levels = pd.DataFrame({"ethnic_group": ["Mixed", "White"], "events": [events, 200], "at_risk": [at_risk, 350]})
    levels = levels.assign(indicator="positive_experience", adjustment="crude", measure="percent", level=0.95)
    levels = levels.assign(estimate=100 * levels["events"] / levels["at_risk"], lower=100 * low, upper=100 * high)
    ratio = levels["estimate"][0] / levels["estimate"][1]
    gap = levels[:1].assign(measure="ratio", comparator="White", estimate=ratio, lower=ratio / 1.3, upper=ratio * 1.3)
    (shown,) = release_tables.release_all({"t": pd.concat([levels, gap], ignore_index=True)}, "mhsds", public=False)
    assert release_tables.attack([shown]).empty
    for given, row in ((levels["estimate"][0], shown.table.iloc[0]), (ratio, shown.table.iloc[2])):
        assert pd.isna(row["estimate"]) or row["lower"] * 0.995 <= given <= row["upper"] * 1.005
    assert shown.table["estimate"].notna().any()


@pytest.mark.parametrize("width", [1.45, 1.55, 1.65, 1.75])
@pytest.mark.parametrize("estimate", [1.22, 1.38])
def test_an_interval_does_not_tell_how_few_lack_the_event(estimate, width):
    """15 of 25, below a threshold of 10 without: the width left from 15 upwards, and the whole report stopped.

    It was looked at beside the comparator's count alone, where it fits no count and so seemed to say nothing.
    """
    frame = pd.DataFrame({"ethnic_group": ["Mixed", "White"], "events": [15, 90], "at_risk": [25, 185]})
    frame = frame.assign(indicator="force_outside_care_plan", adjustment="crude", measure="percent", level=0.95)
    low, high = intervals.wilson(frame["events"].to_numpy(float), frame["at_risk"].to_numpy(float), 0.95)
    levels = frame.assign(estimate=100 * frame["events"] / frame["at_risk"], lower=100 * low, upper=100 * high)
    gap = frame[:1].assign(measure="ratio", comparator="White", adjustment="age_sex", estimate=estimate)
    gap = gap.assign(lower=estimate / width, upper=estimate * width)
    rule = DISCLOSURE.model_copy(update={"threshold": 10})
    (shown,) = release_tables.release_all({"t": pd.concat([levels, gap], ignore_index=True)}, rule, public=False)
    assert release_tables.attack([shown]).empty


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
def test_a_ratio_before_adjustment_does_not_tell_it_either(level):
    """10 of 15 beside 20 of 25, threshold 8, zeros hidden: the attack stopped the whole report."""
    frame = pd.DataFrame({"ethnic_group": ["Mixed", "Black or Black British"], "events": [10, 21], "at_risk": [15, 26]})
    frame = frame.assign(indicator="interpreter_needed", adjustment="crude", measure="percent", level=level)
    low, high = intervals.wilson(frame["events"].to_numpy(float), frame["at_risk"].to_numpy(float), level)
    levels = frame.assign(estimate=100 * frame["events"] / frame["at_risk"], lower=100 * low, upper=100 * high)
    gap = frame[:1].assign(measure="ratio", comparator="Black or Black British", estimate=10 / 15 / (21 / 26))
    width = np.exp(ndtri(0.5 + level / 2) * np.sqrt(5 / 150 + 5 / 21 / 26))
    gap = gap.assign(lower=gap["estimate"] / width, upper=gap["estimate"] * width)
    tables = {"t": pd.concat([levels, gap], ignore_index=True)}
    (shown,) = release_tables.release_all(tables, "opensafely", public=False)
    assert release_tables.attack([shown]).empty and shown.table["estimate"][:2].notna().all()
