"""A median of few people is one person's value: shown only where enough people are at or beyond it and its limits."""

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.analysis import lengths_of_stay
from pcref_analysis.disclosure import release_tables
from pcref_analysis.vocabulary.parameters import Disclosure

RULE = Disclosure(owner="test", agreed="2026-01-01")


def stays(days: list[int], group: str = "Indian") -> pd.DataFrame:
    """Return the median of single stays in the shape of estimates."""
    histogram = pd.DataFrame({"ethnic_group": group, "upper_day": days, "count": 1})
    found = lengths_of_stay.quantile(histogram, ["ethnic_group"])
    return found.assign(indicator="stay", events=np.nan, adjustment="crude")


def test_how_many_are_at_or_beyond_is_as_counted_by_hand():
    # Of 40 stays of 1 to 40 days the binomial's 2.5% and 97.5% points are 14 and 26: the limits are the
    # 14th and the 27th, and 14 stays are at or beyond either.
    found = stays(list(range(1, 41))).iloc[0]
    assert (found["estimate"], found["lower"], found["upper"], found["beyond"]) == (20.5, 14, 27, 14)
    assert stays([3, 8, 9, 20, 70])["beyond"].tolist() == [0]  # too few for limits: nothing is known to be beyond


def test_stays_of_one_person_are_one_person():
    """Thirty stays, of which one person has 24: (24 + 6)^2 / (24^2 + 6) are as many as 1.5 people's."""
    days = [40] * 24 + [10, 20, 30, 50, 60, 70]
    histogram = pd.DataFrame({"ethnic_group": "Indian", "upper_day": days, "count": 1})
    sums = {"total": [1200.0], "at_risk": [30.0], "total_sq": [24**2 * 40.0**2 + 10_000.0]}
    cells = pd.DataFrame(
        {"ethnic_group": ["Indian"], **sums, "total_at_risk": [24 * 960.0 + 240], "at_risk_sq": [582.0]}
    )
    found = lengths_of_stay.quantile(histogram, ["ethnic_group"], cells=cells)
    assert found["beyond"].iloc[0] < 1
    table = found.assign(indicator="stay", events=np.nan, adjustment="crude")
    assert release_tables.release(table, RULE).table["status"].tolist() == ["suppressed"]


@pytest.mark.parametrize(("people", "shown"), [(12, False), (16, False), (24, True), (60, True)])
def test_a_median_of_few_is_withheld(people, shown):
    released = release_tables.release(stays(list(range(10, 10 + people))), RULE)
    row = released.table.iloc[0]
    assert (row["status"] == "shown") is shown
    assert row[["estimate", "lower", "upper"]].notna().all() == shown
    assert row["at_risk"] == 5 * np.floor(people / 5 + 0.5)
    assert "beyond" not in released.table


def test_the_number_is_the_owners_to_set():
    table = stays(list(range(10, 70)))
    strict = RULE.model_copy(update={"minimum_beyond": 25})
    assert release_tables.release(table, strict).table["status"].tolist() == ["suppressed"]


def test_a_median_of_which_that_is_not_known_is_withheld():
    table = stays(list(range(10, 70))).drop(columns="beyond")
    assert release_tables.release(table, RULE).table["status"].tolist() == ["suppressed"]


def test_two_digits_are_shown():
    row = release_tables.release(stays(list(range(101, 200))), RULE).table.iloc[0]
    assert row["estimate"] == 150.0 and row["lower"] in (140.0, 130.0)


def test_a_median_that_one_person_moves_is_not_published_anew():
    """Rounded counts stand still while the median moves: the last edition's is repeated."""
    days = [8, 9, 11, 12, 14, 15, 17, 18, 20, 21, 24, 27, 30, 33, 36, 40, 44, 48, 52, 56, 60, 66, 72, 80]
    (last,) = release_tables.release_all({"medians": stays(days)}, RULE)
    (now,) = release_tables.release_all({"medians": stays([*days, 29])}, RULE)
    assert (now.table["at_risk"] == last.table["at_risk"]).all()
    assert not release_tables.says_the_same([now], [last])
    (later,) = release_tables.release_all({"medians": stays([*days, 29])}, RULE, previous=[last])
    figures = ["estimate", "lower", "upper"]
    assert later.table[figures].equals(last.table[figures])
    assert release_tables.says_the_same([last], [last])
