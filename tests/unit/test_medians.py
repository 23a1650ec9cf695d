"""A median of few people is one person's value: shown only where enough people are at or beyond it and its limits."""

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.estimates import durations
from pcref_analysis.release import disclosure
from pcref_analysis.vocabulary.parameters import Disclosure

RULE = Disclosure(owner="test", agreed="2026-01-01")


def stays(days: list[int], group: str = "Indian") -> pd.DataFrame:
    """Return the median of single stays in the shape of estimates."""
    histogram = pd.DataFrame({"ethnic_group": group, "upper_day": days, "count": 1})
    found = durations.quantile(histogram, ["ethnic_group"])
    return found.assign(indicator="stay", events=np.nan, adjustment="crude")


def test_how_many_are_at_or_beyond_is_as_counted_by_hand():
    # Of 40 stays of 1 to 40 days the binomial's 2.5 % and 97.5 % points are 14 and 26: the limits are the
    # 14th and the 27th, and 14 stays are at or beyond either.
    found = stays(list(range(1, 41))).iloc[0]
    assert (found["estimate"], found["lower"], found["upper"], found["beyond"]) == (20.5, 14, 27, 14)
    assert stays([3, 8, 9, 20, 70])["beyond"].tolist() == [2]  # two and a half on either side


@pytest.mark.parametrize(("people", "shown"), [(12, False), (16, False), (24, True), (60, True)])
def test_a_median_of_few_is_withheld(people, shown):
    released = disclosure.release(stays(list(range(10, 10 + people))), RULE)
    row = released.table.iloc[0]
    assert (row["status"] == "shown") is shown
    assert row[["estimate", "lower", "upper"]].notna().all() == shown
    assert row["at_risk"] == 5 * np.floor(people / 5 + 0.5)
    assert "beyond" not in released.table


def test_the_number_is_the_owners_to_set():
    table = stays(list(range(10, 70)))
    strict = RULE.model_copy(update={"minimum_beyond": 25})
    assert disclosure.release(table, strict).table["status"].tolist() == ["suppressed"]


def test_a_median_of_which_that_is_not_known_is_withheld():
    table = stays(list(range(10, 70))).drop(columns="beyond")
    assert disclosure.release(table, RULE).table["status"].tolist() == ["suppressed"]


def test_two_digits_are_shown():
    row = disclosure.release(stays(list(range(101, 200))), RULE).table.iloc[0]
    assert row["estimate"] == 150.0 and row["lower"] in (140.0, 130.0)
