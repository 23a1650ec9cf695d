"""What a count's protection rounds a figure to must still say what the figure says."""

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.disclosure import release_tables, rounded_figures

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
    given = np.array([[1.01, 0.51, 2.04]])
    assert rounded_figures._still_true(given, np.array([[0.2, 0.02, 0.2]])).tolist() == [True]
    assert rounded_figures._still_true(given, np.array([[2.0, 0.2, 2.0]])).tolist() == [False]
    assert rounded_figures._still_true(
        np.array([[np.nan, np.nan, 3.0]]), np.array([[np.nan, np.nan, 0.1]])
    ).tolist() == [True]


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
