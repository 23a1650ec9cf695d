"""Rates and ratios of counts known to an interval, against printed tables, other software and hand arithmetic."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from pcref_analysis.estimates import interval_counts


def counts(rows, measure="rate", per=100_000):
    names = ["ethnic_group", "events", "events_low", "events_high", "at_risk"]
    frame = pd.DataFrame(rows, columns=names).assign(indicator="detentions", period="2023-24", area="QXX")
    return frame.assign(
        area_kind="icb",
        at_risk_low=frame["at_risk"],
        at_risk_high=frame["at_risk"],
        measure=measure,
        per=per,
        published_rate=np.nan,
        note="",
    )


LOCAL = counts(
    [
        ("White", 285, 283, 287, 782_472),
        ("Black or Black British", 10, 8, 12, 18_746),
        ("Mixed", np.nan, 0, 4, 27_437),
        ("Unknown", 25, 23, 27, np.nan),
    ]
)


def test_the_table_has_exactly_the_columns_in_their_order():
    assert list(interval_counts.table(LOCAL)) == [
        *("ethnic_group", "events", "events_low", "events_high", "at_risk", "estimate", "lower", "upper"),
        *("published_rate", "note", "ratio", "ratio_lower", "ratio_upper", "comparator"),
    ]


@pytest.mark.parametrize(  # printed exact 95% limits of a Poisson count (Garwood)
    ("count", "lower", "upper"),
    [(0, 0.0, 3.689), (4, 1.090, 10.242), (10, 4.795, 18.390), (28, 18.606, 40.468), (32, 21.888, 45.174)],
)
def test_poisson_limits_are_the_printed_ones(count, lower, upper):
    low, high = interval_counts.poisson_limits(pd.Series([count]), pd.Series([count]))
    assert [low[0], high[0]] == pytest.approx([lower, upper], abs=0.001)


def test_a_rate_takes_its_lower_limit_at_the_least_count_and_its_upper_at_the_greatest():
    frame = counts([("White", 30, 28, 32, 100_000)])
    row = interval_counts.crude(frame).iloc[0]
    assert [row["estimate"], row["lower"], row["upper"]] == pytest.approx([30.0, 18.606, 45.174], abs=0.001)


def test_a_suppressed_count_has_bounds_and_no_estimate_and_a_group_without_residents_has_neither():
    table = interval_counts.table(LOCAL).set_index("ethnic_group")
    assert np.isnan(table.loc["Mixed", "estimate"])
    assert table.loc["Mixed", "lower"] == 0
    assert table.loc["Mixed", "upper"] == pytest.approx(10.2416 / 27_437 * 1e5, abs=0.001)
    assert np.isnan(table.loc["Mixed", "ratio"])
    assert table.loc["Mixed", "ratio_lower"] == 0
    assert table.loc["Mixed", "ratio_upper"] > 0
    assert table.loc["Unknown", ["estimate", "lower", "upper", "ratio", "ratio_lower", "ratio_upper"]].isna().all()
    assert table.loc["Unknown", "events"] == 25


def test_ratio_limits_are_the_conditional_binomial_ones_of_other_software():
    low, high = interval_counts.ratio_limits(LOCAL.iloc[[1]].reset_index(), LOCAL.iloc[[0]].reset_index())
    size = 782_472 / 18_746
    share = stats.binomtest(8, 8 + 287).proportion_ci(method="exact").low  # fewest here, most there
    assert low[0] == pytest.approx(share / (1 - share) * size, rel=1e-9)
    share = stats.binomtest(12, 12 + 283).proportion_ci(method="exact").high
    assert high[0] == pytest.approx(share / (1 - share) * size, rel=1e-9)


def test_the_comparator_is_one_and_a_suppressed_comparator_leaves_no_upper_limit():
    table = interval_counts.table(LOCAL).set_index("ethnic_group")
    assert table.loc["White", ["ratio", "ratio_lower", "ratio_upper"]].tolist() == [1, 1, 1]
    table = interval_counts.table(LOCAL, comparator="Mixed").set_index("ethnic_group")
    assert table.loc["Black or Black British", ["ratio", "ratio_upper"]].isna().all()
    assert table.loc["Black or Black British", "ratio_lower"] > 0


def test_a_percentage_takes_the_least_favourable_numerator_and_denominator():
    frame = counts([("White", 40, 38, 42, 70)], "percent", 100).assign(at_risk_low=68, at_risk_high=72)
    row = interval_counts.crude(frame).iloc[0]
    low = stats.binomtest(38, 72).proportion_ci(method="wilson").low * 100
    high = stats.binomtest(42, 68).proportion_ci(method="wilson").high * 100
    assert [row["estimate"], row["lower"], row["upper"]] == pytest.approx([40 / 70 * 100, low, high])


def test_a_percentage_of_suppressed_people_is_bounded_by_nothing_and_all():
    frame = counts([("White", np.nan, 0, 4, np.nan)], "percent", 100).assign(at_risk_low=0, at_risk_high=4)
    assert interval_counts.crude(frame).loc[0, ["lower", "upper"]].tolist() == [0, 100]


def test_the_ratio_of_percentages_has_the_limits_of_other_software():
    frame = counts([("White", 50, 50, 50, 100), ("Mixed", 30, 30, 30, 90)], "percent", 100)
    row = interval_counts.table(frame).set_index("ethnic_group").loc["Mixed"]
    low, high = confint_proportions_2indep(30, 90, 50, 100, method="log", compare="ratio", correction=False)
    assert [row["ratio_lower"], row["ratio_upper"]] == pytest.approx([low, high], rel=1e-6)


def test_expected_counts_are_the_reference_rates_times_the_residents():
    residents = pd.DataFrame(
        {
            "ethnic_group": ["White", "White", "Black or Black British", "Black or Black British"],
            "age_band": ["0-15", "16+"] * 2,
            "residents": [1_000, 9_000, 500, 500],
        }
    )
    reference = pd.DataFrame({"age_band": ["0-15", "16+"], "events": [10, 400], "at_risk": [10_000, 40_000]})
    local = counts([("White", 90, 88, 92, 10_000), ("Black or Black British", 10, 8, 12, 1_000)])
    out = interval_counts.indirect(local, residents, reference).set_index("ethnic_group")
    # White: 1000 x 0.001 + 9000 x 0.01 = 91; Black: 500 x 0.001 + 500 x 0.01 = 5.5
    assert out["expected"].tolist() == pytest.approx([91, 5.5])
    assert out["estimate"].tolist() == pytest.approx([90 / 91, 10 / 5.5])
    assert out.loc["Black or Black British", "ratio"] == pytest.approx((10 / 5.5) / (90 / 91))
    assert out.loc["Black or Black British", "lower"] == pytest.approx(3.4538 / 5.5, rel=1e-4)  # of 8 events
    assert out.loc["Black or Black British", "upper"] == pytest.approx(20.9616 / 5.5, rel=1e-4)  # of 12


def test_nothing_passed_in_is_changed():
    before = LOCAL.copy()
    interval_counts.table(LOCAL)
    pd.testing.assert_frame_equal(LOCAL, before)


def test_indicators_periods_and_areas_are_compared_within_themselves():
    twice = {name: LOCAL[name] * 2 for name in ("events", "events_low", "events_high")}
    other = LOCAL.assign(area="QYY", **twice)
    both = interval_counts.compare(interval_counts.crude(pd.concat([LOCAL, other], ignore_index=True)))
    alone = interval_counts.compare(interval_counts.crude(LOCAL))
    pd.testing.assert_frame_equal(both[both["area"] == "QXX"].reset_index(drop=True), alone)
