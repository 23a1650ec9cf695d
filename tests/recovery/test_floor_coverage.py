"""Limits from cells without sums over people: no narrower than chance, whatever the rate."""

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.analysis import lengths_of_stay
from pcref_analysis.estimates.regression import adjusted_ratios

TABLES = 400


def cells(events, at_risk, groups=("White British", "Indian")):
    table = pd.DataFrame({"ethnic_group": list(groups), "events": events, "at_risk": at_risk})
    return table.assign(indicator="stays", period="2023-24")


def gap(table, **options):
    return adjusted_ratios.adjusted(table, adjust=[], interval="normal", **options).iloc[0]


def test_equal_groups_cover_one_at_nine_tenths_of_an_event_a_person_year():
    """95% limits of ratios of equal rates covered 46% of the time: people were taken to have one event at most."""
    rng = np.random.default_rng(12)
    many = [cells(rng.poisson(0.9 * np.array([400, 400])), [400.0, 400.0]).assign(indicator=i) for i in range(TABLES)]
    found = adjusted_ratios.adjusted(pd.concat(many, ignore_index=True), adjust=[], interval="normal")
    assert ((found["lower"] <= 1) & (found["upper"] >= 1)).mean() == pytest.approx(0.95, abs=0.03)


def test_limits_are_those_of_poisson_regression_and_say_so():
    table = cells([400, 510], [400.0, 400.0])
    found = gap(table)
    reach = 1.959964 * np.sqrt(1 / 400 + 1 / 510)  # the model-based error of a log rate ratio
    expected = np.log(510 / 400) + np.array([-reach, reach])
    assert np.log(found[["lower", "upper"]].astype(float)).to_numpy() == pytest.approx(expected, rel=1e-6)
    assert "events as independent (Poisson)" in found["note"]


def test_sums_over_people_that_rule_out_one_unit_of_time_each_are_not_believed():
    table = cells([700, 710], [400.0, 400.0]).assign(events_sq=[700.0, 710.0])  # 700 people among 400
    found = gap(table)
    assert found["upper"] / found["lower"] > 1.2 and "Poisson" in found["note"]


def test_a_proportion_keeps_the_binomial_error_where_each_person_counts_once():
    table = cells([300, 250], [400.0, 400.0]).assign(events_sq=lambda f: f["events"].astype(float))
    found = gap(table)
    error = np.sqrt(1 / 300 - 1 / 400 + 1 / 250 - 1 / 400)  # Katz: the delta method for a ratio of proportions
    assert np.log(found["upper"] / found["lower"]) == pytest.approx(2 * 1.959964 * error, rel=1e-6)


def test_the_change_between_steps_knows_the_floor_too():
    rows = [
        {"ethnic_group": group, "sex": sex, "events": events, "at_risk": 400.0}
        for group, sex, events in [
            ("White British", "Female", 380),
            ("White British", "Male", 300),
            ("Indian", "Female", 420),
            ("Indian", "Male", 290),
        ]
    ]
    table = pd.DataFrame(rows).assign(indicator="stays", period="2023-24")
    found = adjusted_ratios.ladder(table, steps={"crude": [], "sex": ["sex"]}).set_index("adjustment").loc["sex"]
    assert found["change_lower"] <= found["change"] <= found["change_upper"]


def test_a_negative_binomial_that_is_poisson_says_so():
    rng = np.random.default_rng(3)
    rows = [
        {"ethnic_group": group, "sex": sex, "events": 50, "at_risk": 400.0}
        for group in ("White British", "Indian")
        for sex in ("Female", "Male")
    ]
    table = pd.DataFrame(rows).assign(indicator="stays", period="2023-24")
    assert "fitted as Poisson" in gap(table, family="negbin")["note"]
    spread = pd.concat([table.assign(imd_quintile=i, events=rng.poisson(50, 4) * (1 + i)) for i in range(5)])
    assert "fitted as Poisson" not in gap(spread, family="negbin")["note"]


def test_a_design_effect_that_cannot_be_told_is_said():
    days = pd.DataFrame({"ethnic_group": "Indian", "upper_day": [2, 5, 9, 14, 30, np.nan], "count": [2, 2, 2, 2, 1, 1]})
    days["lower_day"] = [2, 5, 9, 14, 30, 60]
    means = pd.DataFrame({"ethnic_group": ["Indian"], "total": 200.0, "at_risk": 10.0, "total_sq": 9000.0})
    found = lengths_of_stay.quantile(days, ["ethnic_group"], cells=means).iloc[0]
    assert "no design effect" in found["note"]
