"""The highest level over the lowest: hand arithmetic, the studentised range, invariances, coverage, refusals."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from pcref_analysis.estimates import inequality
from pcref_analysis.vocabulary.errors import PcrefError


def rates(events, at_risk):
    """Crude rates with exact limits, as a rate function gives them."""
    events, scale = np.asarray(events, float), 1e5 / np.asarray(at_risk, float)
    low, high = stats.gamma.ppf(0.025, np.maximum(events, 1e-9)), stats.gamma.isf(0.025, events + 1)
    names = [f"g{number}" for number in range(len(events))]
    table = {"ethnic_group": names, "estimate": events * scale, "lower": low * scale, "upper": high * scale}
    return pd.DataFrame(table).assign(indicator="i", indicator_name="I", measure="rate", level=0.95)


def found(table, **more):
    return inequality.highest_over_lowest(table, **more).iloc[0]


def test_the_limits_are_those_of_the_studentised_range_and_of_the_picked_pair():
    means = pd.DataFrame({"ethnic_group": list("abc"), "estimate": [1000.0, 1004, 1009]})
    means = means.assign(lower=means["estimate"] - 1.959964, upper=means["estimate"] + 1.959964, measure="mean")
    row = found(means.assign(indicator="i", indicator_name="I", level=0.95))
    # studentised range 0.975 for three means and infinite degrees of freedom: 3.6820 (Tukey's table: 3.31 at 0.95);
    # a ratio of large means is near one plus their difference over the level
    assert (row["lower"] - 1) * 1000 == pytest.approx(9 - 3.682, abs=0.05)
    assert (row["upper"] - 1) * 1000 == pytest.approx(9 + 1.96 * 2**0.5, abs=0.05)


def test_two_groups_that_must_differ_and_two_that_need_not():
    row = found(rates([30, 60], [1e5, 1e5]))
    assert row["estimate"] == 2 and 1 < row["lower"] < 2 < row["upper"]
    assert found(rates([30, 34], [1e5, 1e5]))["lower"] == 1
    assert found(rates([0.4, 34], [1e5, 1e5]))["upper"] > 100


def test_limits_of_a_ratio_are_where_those_of_top_less_ratio_times_bottom_reach_zero():
    def reach(ratio, sign, top, bottom):
        """MOVER's limit of top - ratio x bottom (Zou and Donner 2008), written out."""
        middle = top[1] - ratio * bottom[1]
        if sign < 0:
            return middle - np.hypot(top[1] - top[0], ratio * (bottom[2] - bottom[1]))
        return middle + np.hypot(top[2] - top[1], ratio * (bottom[1] - bottom[0]))

    top, bottom = (15.0, 20.0, 32.0), (8.0, 10.0, 15.0)
    lower, upper = inequality.mover_ratio(20, 15, 32, 10, 8, 15)
    assert lower == pytest.approx(optimize.brentq(reach, 0.1, 2, args=(-1, top, bottom)))
    assert upper == pytest.approx(optimize.brentq(reach, 2, 20, args=(1, top, bottom)))
    assert inequality.mover_ratio(20, 15, 32, 0, 0, 3.7)[1] == np.inf


@pytest.mark.parametrize(("events", "people"), [(1, 40), (20, 40), (40, 40), (300, 1000)])
def test_the_people_behind_a_percentage_come_back_out_of_wilsons_interval(events, people):
    share, z = events / people, 1.959963985
    middle = (share + z**2 / 2 / people) / (1 + z**2 / people)
    half = z * (share * (1 - share) / people + z**2 / 4 / people**2) ** 0.5 / (1 + z**2 / people)
    ends = {"estimate": [100 * share], "lower": [100 * (middle - half)], "upper": [100 * (middle + half)]}
    low, high = inequality.own_limits(pd.DataFrame(ends).assign(level=0.95, measure="percent"), z)
    assert low[0] == pytest.approx(100 * stats.beta.ppf(0.025, events, people - events + 1))
    assert high[0] == pytest.approx(
        100 * (stats.beta.isf(0.025, events + 1, people - events) if events < people else 1)
    )


def test_order_names_and_unit_do_not_matter():
    table = rates([12, 30, 45, 7], [1e4, 9e4, 3e4, 1e4])
    row, other = found(table), table.iloc[::-1].assign(ethnic_group=list("wxyz"))
    other = found(other.assign(**other[["estimate", "lower", "upper"]] * 12.5))
    assert other[["estimate", "lower", "upper"]].tolist() == pytest.approx(row[["estimate", "lower", "upper"]].tolist())


def test_equal_groups_show_a_gap_no_more_often_than_stated_and_a_true_ratio_is_covered():
    generator, at_risk = np.random.default_rng(13), np.full(6, 50_000.0)
    equal = [found(rates(generator.poisson(50, 6), at_risk))["lower"] > 1 for _ in range(60)]
    assert np.mean(equal) <= 0.1  # 2.5% in the long run; a plain interval of the two picked finds one in a third
    apart = [found(rates(generator.poisson([40, 75, 30, 125, 75, 100]), at_risk)) for _ in range(60)]
    assert np.mean([row["lower"] <= 125 / 30 <= row["upper"] for row in apart]) >= 0.9


def test_what_is_no_group_is_left_out_and_two_levels_of_one_group_are_refused():
    table = rates([30, 60, 90], [1e5, 1e5, 1e5])
    assert found(table.assign(ethnic_group=["a", "b", "Unknown"]))["groups"] == 2
    assert inequality.highest_over_lowest(table.assign(estimate=[30.0, 0, np.nan])).empty
    with pytest.raises(PcrefError, match=r"1 row\(s\) repeat a group"):
        inequality.highest_over_lowest(table.assign(ethnic_group=["a", "a", "b"]))
    with pytest.raises(PcrefError, match="no column measure"):
        inequality.highest_over_lowest(table.drop(columns="measure"))


@pytest.mark.parametrize("measure", ["rate", "percent", "mean"])
def test_limits_that_were_rounded_to_one_number_are_that_number(measure):
    """Each was missing, with a warning of NumPy's on the terminal, and with it the indicator's upper limit."""
    table = pd.DataFrame({"ethnic_group": list("ab"), "estimate": [10.0, 30], "lower": [10.0, 24], "upper": [10.0, 37]})
    table = table.assign(indicator="i", indicator_name="I", measure=measure, level=0.95)
    low, high = inequality.own_limits(table, 1.96)
    assert (low[0], high[0]) == (10, 10) and low[1] < 30 < high[1]
    assert np.isfinite(found(table)["upper"])
