"""Ranks, bands and weights on tables small enough to count by hand."""

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.priorities import ranking

# Four draws of three items.
SCORES = np.array(
    [
        [9.0, 5.0, 1.0],
        [9.0, 5.0, 6.0],
        [4.0, 5.0, 1.0],
        [9.0, 5.0, 1.0],
    ]
)


def test_ranks_by_hand():
    assert ranking.ranks(SCORES).tolist() == [[1, 2, 3], [1, 3, 2], [2, 1, 3], [1, 2, 3]]
    assert ranking.ranks(np.array([[2.0, 2.0]])).tolist() == [[1, 2]]  # ties keep their order


def test_rank_summary_by_hand():
    table = ranking.rank_summary(SCORES, first=1, level=0.5)
    assert table["probability"].tolist() == [0.75, 0.25, 0.0]
    assert table["expected_rank"].tolist() == [1.25, 2.0, 2.75]
    assert table["rank_low"].tolist() == [1, 1, 2]
    assert table["rank_high"].tolist() == [1, 2, 3]
    assert ranking.rank_summary(np.empty((4, 0)), first=1).empty


@pytest.mark.parametrize(
    ("chance", "expected"),
    [
        (0.25, [1, 1, 2]),  # the second beats the first in one draw of four; the third never does
        (0.26, [1, 2, 3]),  # the third beats the second in one of four
        (0.01, [1, 1, 2]),
    ],
)
def test_bands_by_hand(chance, expected):
    assert ranking.bands(SCORES, chance).tolist() == expected


def test_a_band_starts_at_its_own_head_and_not_at_the_first_item():
    scores = np.column_stack([np.full(10, 10.0), np.full(10, 5.0), np.where(np.arange(10) < 3, 6.0, 4.0)])
    assert ranking.bands(scores, 0.1).tolist() == [1, 2, 2]


def test_weightings_stay_within_the_limits_and_begin_with_the_given_weights():
    shares = np.array([0.5, 0.3, 0.2])
    drawn = ranking.weightings(shares, (0.5, 2.0), 200, seed=1)
    assert drawn[0] == pytest.approx(shares)
    assert drawn.sum(axis=1) == pytest.approx(1)
    ratio = (drawn[:, 0] / drawn[:, 1]) / (0.5 / 0.3)
    assert ratio.min() >= 0.25 and ratio.max() <= 4.0 and ratio.max() > 2.5
    assert (ranking.weightings(np.array([1.0, 0.0]), (0.0, 2.0), 50, seed=1)[:, 1] == 0).all()


def test_under_weightings_by_hand():
    criteria = np.array([[1.0, 0.0], [0.4, 0.5], [0.0, 0.6]])
    weights = np.array([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]])  # scores .5 .45 .3 / 1 .4 0 / 0 .5 .6
    table = ranking.under_weightings(criteria, weights, first=1)
    expected = pd.DataFrame(
        {"weights_first": [2 / 3, 0.0, 1 / 3], "weights_rank_low": [1, 2, 1], "weights_rank_high": [3, 2, 3]}
    )
    pd.testing.assert_frame_equal(table, expected)
