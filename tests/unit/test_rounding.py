"""Counts as published: between which whole numbers they lay."""

import itertools

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.published import publisher_rounding


@pytest.mark.parametrize(
    ("shown", "low", "high"),
    [(5, 5, 7), (10, 8, 12), (15, 13, 17), (30, 28, 32), (100, 98, 102), (None, 0, 4)],
)
def test_a_local_count_lay_within_two_of_what_is_shown_and_a_suppressed_one_below_five(shown, low, high):
    frame = publisher_rounding.interval(pd.Series([shown], dtype=float))
    assert frame.loc[0, ["events_low", "events_high"]].tolist() == [low, high]


def test_every_true_count_lies_in_the_interval_of_what_the_publisher_shows():
    truth = np.arange(0, 400)
    shown = pd.Series(np.where(truth < 5, np.nan, np.round(truth / 5) * 5))  # the publisher's rule, written out
    frame = publisher_rounding.interval(shown)
    assert ((frame["events_low"] <= truth) & (truth <= frame["events_high"])).all()
    # and no interval is wider than it must be: its ends are counts that are shown so
    for value, group in itertools.groupby(zip(shown.fillna(-1), truth, strict=True), key=lambda pair: pair[0]):
        counts = [count for _, count in group]
        if counts[-1] < 397:  # the last group is cut off by the range
            row = frame[shown.fillna(-1).eq(value)].iloc[0]
            assert (row["events_low"], row["events_high"]) == (counts[0], counts[-1])


def test_england_is_exact():
    frame = publisher_rounding.interval(pd.Series([0.0, 3.0, 31_735.0]), exact=True)
    assert frame["events_low"].tolist() == frame["events_high"].tolist() == [0.0, 3.0, 31_735.0]


def test_notes_are_joined_without_empty_parts():
    joined = publisher_rounding.join_notes(pd.Series(["", "a", "a"]), pd.Series(["b", "", "b"]))
    assert joined.tolist() == ["b", "a", "a; b"]
