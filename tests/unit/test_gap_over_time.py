"""Whether a gap is narrower or wider than in an earlier year: by hand, and against simulated truth."""

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.analysis import levels_and_gaps, model_checks
from pcref_analysis.priorities import gap_over_time
from pcref_analysis.report.pages import main_points
from pcref_analysis.vocabulary import parameters
from pcref_analysis.vocabulary.errors import PcrefError


def gaps(then, now, **more):
    ends = pd.DataFrame([then, now], columns=["estimate", "lower", "upper"])
    rows = {"indicator": "d", "period": ["2021-22", "2023-24"], "ethnic_group": "Mixed", "comparator": "White"}
    return ends.assign(**rows, adjustment="crude", level=0.95, **more)


def verdict(then, now, **more):
    return gap_over_time.compared(gaps(then, now, **more), "White", "2023-24")["verdict"].tolist()


def years(*periods):
    rows = {"indicator": "d", "period": list(periods), "ethnic_group": "Mixed", "comparator": "White", "level": 0.95}
    return pd.DataFrame(rows).assign(adjustment="crude", estimate=2.0, lower=1.5, upper=2.7)


@pytest.mark.parametrize(
    ("since", "breaks", "then"),
    [
        ("first", [], ["2020-21"]),
        ("last", [], ["2022-23"]),
        ("first", ["2022-23"], ["2022-23"]),  # no year before the change of counting
        ("first", ["2023-24"], []),  # the year itself counts otherwise: nothing to compare with
        ("first", ["2024-25"], ["2020-21"]),  # a later change does not matter
    ],
)
def test_no_gap_is_compared_across_a_declared_break(since, breaks, then):
    four = years("2020-21", "2021-22", "2022-23", "2023-24")
    assert gap_over_time.compared(four, "White", "2023-24", breaks, since)["period_then"].tolist() == then


@pytest.mark.parametrize("kind", [object, "str"])
def test_a_page_without_gaps_has_no_changes(kind):
    """A table without rows comes back from its file without types."""
    nothing = years("2022-23").assign(growth=1.02).head(0).astype(kind)
    assert gap_over_time.compared(nothing, "White", "2023-24").empty


def test_gaps_to_a_group_that_nobody_has_are_a_table_of_numbers_without_rows():
    """The report ended in a fault where nobody of the comparator had an outcome: its figures were read as text."""
    cells = pd.DataFrame(
        {
            "indicator": "readmission_30_days", "period": "2023-24", "ethnic_group": ["Mixed", "Unknown"],
            "sex": "Female", "age_band": "20-24", "imd_quintile": 1, "events": [3.0, 1.0], "at_risk": [9.0, 5.0],
            "events_sq": [3.0, 1.0], "events_at_risk": [3.0, 1.0], "at_risk_sq": [9.0, 5.0],
        }
    )  # fmt: skip
    gaps = levels_and_gaps.ladder(cells, "White")
    assert gaps.empty and all(gaps[name].dtype == float for name in ("estimate", "lower", "upper", "level", "change"))
    assert model_checks.model_checks(cells, "White").empty
    with pytest.raises(PcrefError, match="Whit"):
        levels_and_gaps.ladder(cells, "Whit")
    white = cells.assign(ethnic_group="White")
    sums = dict.fromkeys(["events", "at_risk", "events_sq", "events_at_risk", "at_risk_sq"], 2.0)
    stays = white.assign(indicator="length_of_stay", total=4.0, total_sq=8.0, total_at_risk=4.0, **sums)
    gaps = levels_and_gaps.ladder(pd.concat([cells, white, stays]), "White")
    assert len(gaps) and all(gaps[name].dtype == float for name in ("estimate", "lower", "level", "change"))


def test_the_change_of_a_ratio_is_that_of_altman_and_bland():
    """Their example: relative risks 0.67 (0.46 to 0.98) and 0.88 (0.71 to 1.08), ratio 0.76 (0.49 to 1.17)."""
    row = gap_over_time.compared(gaps((0.88, 0.71, 1.08), (0.67, 0.46, 0.98)), "White", "2023-24").iloc[0]
    assert (row["times"], row["times_lower"], row["times_upper"]) == pytest.approx((0.76, 0.49, 1.17), abs=0.01)


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [
        ((3.0, 2.5, 3.6), (1.5, 1.2, 1.9), "narrower"),
        ((1.5, 1.2, 1.9), (3.0, 2.5, 3.6), "wider"),
        ((0.4, 0.35, 0.46), (0.8, 0.7, 0.91), "narrower"),  # towards 1 from below
        ((0.8, 0.7, 0.91), (0.4, 0.35, 0.46), "wider"),
        ((2.5, 1.7, 3.7), (2.0, 1.4, 2.8), "cannot tell"),
        ((2.0, 1.8, 2.2), (0.5, 0.45, 0.55), "cannot tell"),  # crossed to the other side
    ],
)
def test_narrower_is_towards_1_from_either_side(then, now, expected):
    assert verdict(then, now) == [expected]


def test_a_figure_that_is_rounded_coarsely_says_less():
    two = ((3.5, 3.2, 3.8), (2.5, 2.3, 2.75))
    assert verdict(*two) == ["narrower"]
    assert verdict(*two, rounded_to=[np.nan, 1.0]) == ["cannot tell"]


def test_a_year_without_an_interval_or_with_another_adjustment_is_not_compared():
    assert verdict((np.nan, np.nan, np.nan), (2.0, 1.4, 2.8)) == []
    assert verdict((0.0, 0.0, 2.0), (2.0, 1.4, 2.8)) == []
    table = gaps((3.0, 2.5, 3.6), (1.5, 1.2, 1.9))
    table["adjustment"] = ["crude", "age_sex"]
    assert gap_over_time.compared(table, "White", "2023-24").empty


def test_the_fullest_adjustment_that_both_years_have_is_used_and_later_years_are_left_out():
    base = gaps((3.0, 2.5, 3.6), (1.5, 1.2, 1.9))
    fuller = gaps((2.0, 1.4, 2.8), (1.9, 1.3, 2.7)).assign(adjustment="age_sex_imd")
    later = base.tail(1).assign(period="2024-25", estimate=9.0, lower=8.0, upper=10.0)
    made = gap_over_time.compared(pd.concat([fuller, base, later]), "White", "2023-24")
    assert made["adjustment"].tolist() == ["age_sex_imd"] and made["period_now"].tolist() == ["2023-24"]


def test_a_gap_that_has_not_moved_is_called_moved_in_about_one_of_twenty():
    rng = np.random.default_rng(17)
    se, years = 0.2, 4000
    table = pd.concat(
        [pd.DataFrame({"indicator": [f"i{n}" for n in range(years)], "period": year, "log": rng.normal(0.9, se, years)})
         for year in ("2021-22", "2023-24")]
    )  # fmt: skip
    table = table.assign(ethnic_group="Mixed", comparator="White", adjustment="crude", level=0.95)
    for name, z in (("estimate", 0), ("lower", -1.959964), ("upper", 1.959964)):
        table[name] = np.exp(table["log"] + z * se)
    moved = gap_over_time.compared(table, "White", "2023-24")["verdict"].ne("cannot tell").mean()
    assert 0.04 < moved < 0.06


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [
        ((0.428, 0.403, 0.455), (0.854, 0.825, 0.883), "narrower"),  # twice as high; growth alone makes it 1.42 times
        ((0.428, 0.403, 0.455), (0.60, 0.57, 0.63), "cannot tell"),  # 1.40 times as high
        ((1.5, 1.4, 1.6), (2.1, 2.0, 2.2), "cannot tell"),
    ],
)
def test_what_growth_of_a_group_alone_would_do_is_no_trend(then, now, expected):
    yearly = 1.06  # Other against White in England, 2011 to 2021
    table = gaps(then, now, growth=yearly).assign(period=["2017-18", "2023-24"])
    row = gap_over_time.compared(table, "White", "2023-24").iloc[0]
    assert row["grown"] == pytest.approx(1.06**6) and row["verdict"] == expected
    assert gap_over_time.compared(table.drop(columns="growth"), "White", "2023-24")["verdict"].item() != "cannot tell"


def test_a_ratio_that_is_rounded_more_coarsely_keeps_its_step_where_years_are_compared():
    """It was written 5.0 (3.0 to 9.0): a decimal that the figure does not have."""
    both = gaps((2.5, 2.0, 3.5), (5, 3, 9), rounded_to=[np.nan, 1.0])
    row = gap_over_time.compared(both, "White", "2023-24").iloc[0]
    said = main_points._trend(pd.DataFrame([row]), parameters.load("demo"))
    assert "2.5 (2.0 to 3.5) in 2021-22 and 5 (3 to 9, to the nearest 1) in 2023-24" in said
