"""Quantiles of lengths from a histogram: hand-worked tables and the same from rows."""

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.analysis import lengths_of_stay
from pcref_analysis.vocabulary.errors import PcrefError

FIGURES = ["estimate", "lower", "upper"]


def histogram(days, group="Indian"):
    counts = pd.Series(days).value_counts()
    return pd.DataFrame({"ethnic_group": group, "upper_day": counts.index, "count": counts.to_numpy()})


# n, rank of the lower and upper limit of a 95% interval for the median (Conover 1999; Altman et al 2000, table 18.4)
RANKS = [(6, 1, 6), (10, 2, 9), (20, 6, 15), (30, 10, 21), (50, 18, 33), (100, 40, 61)]


@pytest.mark.parametrize(("n", "low", "high"), RANKS)
def test_median_limits_are_the_published_ranks(n, low, high):
    row = lengths_of_stay.quantile(histogram(np.arange(1, n + 1) * 10), ["ethnic_group"]).iloc[0]
    assert list(row[["lower", "upper"]]) == [low * 10, high * 10]
    assert row["estimate"] == (n / 2 + (n / 2 + 1)) / 2 * 10 and row["at_risk"] == n and row["measure"] == "median"


def test_too_few_stays_have_no_limits():
    row = lengths_of_stay.quantile(histogram([3, 5, 8, 9, 11]), ["ethnic_group"]).iloc[0]
    assert row["estimate"] == 8 and np.isnan(row["lower"]) and np.isnan(row["upper"])
    assert row["note"] == "fewer than 10 stays: the interval is only approximate"


@pytest.mark.parametrize("q", [0.25, 0.5, 0.9])
def test_quantile_is_that_of_the_rows(q):
    days = np.ceil(np.random.default_rng(1).gamma(1.2, 20, 401))
    row = lengths_of_stay.quantile(histogram(days), ["ethnic_group"], q).iloc[0]
    assert row["estimate"] == np.quantile(days, q, method="averaged_inverted_cdf")
    assert row["measure"] == ("median" if q == 0.5 else f"quantile {q:g}")


def test_repeaters_widen_it(make_rows, make_cells):
    rows = make_rows(51, "value")
    by = ["ethnic_group"]
    cells = make_cells(rows, value=True)
    days = rows.groupby(["ethnic_group", "y"], as_index=False).size().set_axis([*by, "upper_day", "count"], axis=1)
    white = rows[rows["ethnic_group"] == "White British"]
    mean = white["y"].mean()
    person = (white["y"] - mean).groupby(white["person"]).sum()
    effect = (person**2).sum() / ((white["y"] - mean) ** 2).sum()
    assert effect > 1
    alone, widened = lengths_of_stay.quantile(days, by), lengths_of_stay.quantile(days, by, cells=cells)
    assert (alone["estimate"] == widened["estimate"]).all()
    assert (widened["upper"] - widened["lower"] >= alone["upper"] - alone["lower"]).all()
    assert f"design effect {effect:.2f}" in widened.set_index("ethnic_group").loc["White British", "note"]


def test_bins_and_an_open_last_bin():
    table = pd.DataFrame(
        {
            "ethnic_group": "Indian",
            "lower_day": [0, 8, 31, 91],
            "upper_day": [7, 30, 90, np.nan],
            "count": [20, 40, 30, 10],
        }
    )
    found = lengths_of_stay.quantile(table, ["ethnic_group"]).iloc[0]
    assert 24 < found["estimate"] < 26 and "binned" in found["note"]  # 30 of the 40 stays between 8 and 30 days
    late = lengths_of_stay.quantile(table, ["ethnic_group"], 0.95).iloc[0]
    assert np.isnan(late["estimate"]) and "open last bin (91 days or more)" in late["note"]


def test_groups_keep_their_own_answers_and_errors_name_the_fault():
    table = pd.concat([histogram([1, 2, 3] * 9), histogram([4], "Mixed"), histogram([9], "Other").assign(count=0)])
    found = lengths_of_stay.quantile(table, ["ethnic_group"]).set_index("ethnic_group")
    assert found["estimate"].to_dict() == pytest.approx({"Indian": 2.0, "Mixed": 4.0, "Other": np.nan}, nan_ok=True)
    assert found.loc["Other", "note"] == "no stays in this group"
    with pytest.raises(PcrefError, match="no column upper_day"):
        lengths_of_stay.quantile(table.drop(columns="upper_day"), ["ethnic_group"])
    with pytest.raises(PcrefError, match="1 row"):
        lengths_of_stay.quantile(table.assign(count=[-1, *[1] * (len(table) - 1)]), ["ethnic_group"])
    with pytest.raises(PcrefError, match="between 0 and 1"):
        lengths_of_stay.quantile(table, ["ethnic_group"], q=50)
