"""Iterative proportional fitting against hand arithmetic, an invariant, and an independent way to the answer."""

from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcref_analysis.population import resident_counts


def square(values):
    rows, columns = values.shape
    index = pd.MultiIndex.from_product([range(rows), range(columns)], names=["a", "b"])
    return pd.DataFrame({"residents": values.ravel()}, index=index).reset_index()


def margins(a, b):
    return [
        (["a"], pd.DataFrame({"a": range(len(a)), "residents": a})),
        (["b"], pd.DataFrame({"b": range(len(b)), "residents": b})),
    ]


def test_without_interaction_the_answer_is_the_product_of_the_margins():
    raked, rounds = resident_counts.rake(square(np.ones((2, 2))), margins([30, 70], [40, 60]))
    assert raked["residents"].tolist() == pytest.approx([12, 18, 28, 42])  # 30 x 40 / 100 and so on
    assert rounds <= 3


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.1, 10), min_size=12, max_size=12), st.lists(st.integers(1, 500), min_size=12, max_size=12))
def test_margins_are_met_and_odds_ratios_of_the_seed_are_kept(seed, truth):
    seed, truth = np.array(seed).reshape(3, 4), np.array(truth, float).reshape(3, 4)
    with patch.multiple(resident_counts, TOLERANCE=1e-9, ROUNDS=5_000):
        raked, _ = resident_counts.rake(square(seed), margins(truth.sum(1), truth.sum(0)))
    got = raked["residents"].to_numpy().reshape(3, 4)
    assert got.sum(1) == pytest.approx(truth.sum(1), rel=1e-5)
    assert got.sum(0) == pytest.approx(truth.sum(0), rel=1e-5)

    def odds(x):
        return x[1:, 1:] * x[0, 0] / (x[1:, :1] * x[:1, 1:])

    assert odds(got) == pytest.approx(odds(seed), rel=1e-6)


def test_a_margin_that_the_seed_cannot_fill_shows_in_the_fit(monkeypatch):
    monkeypatch.setattr(resident_counts, "ROUNDS", 50)
    seed = square(np.array([[1.0, 1.0], [0.0, 0.0]]))
    raked, _ = resident_counts.rake(seed, margins([60, 40], [50, 50]))
    wanted = pd.DataFrame({"a": [0, 1], "residents": [60.0, 40.0]})
    assert resident_counts.margin_fit("a", raked, wanted, ["a"])["largest_difference"] == pytest.approx(40)


def test_the_seed_is_left_as_it_was():
    seed = square(np.ones((2, 2)))
    resident_counts.rake(seed, margins([30, 70], [40, 60]))
    assert (seed["residents"] == 1).all()
