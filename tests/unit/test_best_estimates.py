"""The figure that the list rests on: ages allowed for, years together, the newest heard, other boards shown."""

import numpy as np
import pandas as pd
import pytest
import yaml

from pcref_analysis.analysis import best_estimates
from pcref_analysis.estimates import interval_counts, random_effects
from pcref_analysis.published import published_counts, trusts
from pcref_analysis.report import national
from pcref_analysis.vocabulary.parameters import Parameters


@pytest.fixture(scope="module")
def lists(open_data):
    table = trusts.mental_health(open_data).set_index("code")

    def of(code):
        name, board = table.loc[code, ["name", "board"]]
        text = trusts.text_of(f"published-{code.lower()}", code, name, board, {}, str(open_data), published=True)
        parameters = Parameters.model_validate(yaml.safe_load(text))
        return national.draft(published_counts.load(parameters), parameters)[0].set_index(["indicator", "ethnic_group"])

    return {code: of(code) for code in ("RT1", "RXM")}


def counts(**years):
    rows = [
        {"indicator": "i", "area": "a", "period": f"{y[1:]}-{int(y[3:]) + 1:02d}", "ethnic_group": group,
         "events": e, "events_low": e - 2, "events_high": e + 2, "at_risk": 100.0, "at_risk_low": 98.0,
         "at_risk_high": 102.0, "measure": "percent", "per": 100, "published_rate": 1.0, "note": ""}
        for y, e in years.items() for group in ("White", "Mixed")
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_the_newest_years_without_a_gap_are_added_up_with_their_limits():
    found = interval_counts.pooled(counts(y2020=10.0, y2021=20.0, y2022=30.0, y2023=40.0))
    assert set(found["period"]) == {"2021-22 to 2023-24"} and len(found) == 2
    assert found[["events", "events_low", "events_high", "at_risk"]].to_numpy().tolist() == [[90, 84, 96, 300]] * 2
    broken = interval_counts.pooled(counts(y2018=10.0, y2022=30.0, y2023=40.0))
    assert set(broken["period"]) == {"2022-23 to 2023-24"}  # not across the years that lack
    assert interval_counts.pooled(counts(y2020=10.0, y2023=40.0)).empty
    table = counts(y2021=20.0, y2022=30.0, y2023=40.0).assign(comparable=lambda t: t["period"].gt("2021-22"))
    assert set(interval_counts.pooled(table)["period"]) == {"2022-23 to 2023-24"}  # the boundary changed


def test_a_percentage_that_the_publisher_made_before_rounding_corrects_the_rounded_counts():
    table = counts(y2023=5.0).assign(events_low=5.0, events_high=7.0, at_risk=5.0, at_risk_low=5.0, at_risk_high=7.0)
    table["published_rate"] = [83.0, 72.0]
    found = interval_counts.compare(interval_counts.crude(table))
    assert found["estimate"].tolist() == [83.5, 72.5] and found["ratio"].tolist()[1] == pytest.approx(72.5 / 83.5)
    rate = interval_counts.crude(table.assign(measure="rate"))  # of other residents than ours: left alone
    assert rate["estimate"].tolist() == [100.0, 100.0]


def test_a_suppressed_year_leaves_limits_and_no_sum():
    table = counts(y2021=20.0, y2022=30.0)
    table.loc[0, ["events", "events_low", "events_high"]] = [np.nan, 0, 4]
    white = interval_counts.pooled(table).query("ethnic_group == 'White'").iloc[0]
    assert np.isnan(white["events"]) and (white["events_low"], white["events_high"]) == (28, 36)


def test_the_gap_that_allows_for_age_is_ranked(lists):
    mixed = lists["RXM"].loc[("detentions", "Mixed")]
    assert mixed["adjustment"] == "age" and mixed["ratio"] == pytest.approx(2.18, abs=0.01)
    assert (mixed["lower"], mixed["upper"]) == (pytest.approx(1.15, abs=0.01), pytest.approx(3.68, abs=0.01))
    assert mixed["list"] == "priority" and "after allowing for age" in mixed["wording"]


def test_an_odd_year_is_not_listed_and_three_years_that_agree_are(lists):
    odd = lists["RXM"].loc[("talking_therapies_reliable_recovery", "Asian or Asian British")]  # 0.75 in 2023-24 alone
    assert odd["years"] == "2022-23 to 2024-25" and odd["newest_ratio"] == pytest.approx(1.03, abs=0.01)
    assert odd["list"] == "unclear"
    other = lists["RT1"].loc[("talking_therapies_recovery", "Other ethnic groups")]
    assert other["list"] == "priority" and other["ratio"] == pytest.approx(0.83, abs=0.01)
    worse = lists["RT1"].loc[("talking_therapies_deterioration", "Black or Black British")]
    assert worse["list"] == "watch" and worse["ratio"] == pytest.approx(1.77, abs=0.01)
    assert "In 2024-25 alone the ratio was 0.81" in other["how_sure"] and "a year than" in other["wording"]


def test_the_same_group_elsewhere_and_the_other_groups_here_are_both_shown(lists):
    black = lists["RXM"].loc[("detentions", "Black or Black British")]
    assert black["prior_boards"] == 37 and np.exp(black["prior_mean"]) == pytest.approx(2.9, abs=0.1)
    assert min(black["ratio"], 2.9) - 0.1 < black["shrunk"] < max(black["ratio"], 2.9) + 0.1
    assert "In 37 other boards" in black["how_sure"] and black["within"] != black["shrunk"]
    mixed = lists["RXM"].loc[("detentions", "Mixed")]
    assert mixed["within"] < 1.6 < mixed["shrunk"]  # drawn to other groups it would have been lost
    assert lists["RT1"].loc["detentions", "shrunk"].isna().all()  # records in doubt: neither is used


def test_the_prior_moves_by_as_much_as_age_changes_the_ratio_here():
    shape = {"indicator": "i", "ethnic_group": "g", "comparator": "White", "measure": "ratio"}
    gaps = pd.DataFrame([shape | {"period": "2023-24", "adjustment": "crude", "estimate": 2.0, "lower": 1, "upper": 4}])
    aged = gaps[["indicator", "ethnic_group", "period"]].assign(ratio=3.0, ratio_lower=1.5, ratio_upper=6.0)
    prior = pd.DataFrame([{"indicator": "i", "ethnic_group": "g", "prior_mean": 0.0, "prior_sd": 0.1, "boards": 9}])
    found = best_estimates.of(gaps, aged, prior, period="2023-24").set_index("adjustment")
    assert found.loc["crude", "prior_mean"] == 0 and found.loc["age", "prior_mean"] == pytest.approx(np.log(1.5))
    assert found.loc["age", "estimate"] == 3.0 and len(found) == 2


def test_random_effects_against_the_worked_formula():
    y, v = np.log([1.5, 2.0, 3.0, 2.2, 4.0, 2.6]), np.array([0.02, 0.05, 0.03, 0.01, 0.08, 0.04])
    w = 1 / v
    q = (w * (y - (w * y).sum() / w.sum()) ** 2).sum()
    tau2 = max(0, (q - 5) / (w.sum() - (w**2).sum() / w.sum()))
    star = 1 / (v + tau2)
    found = random_effects.dersimonian_laird(y, v)
    assert found.tau**2 == pytest.approx(tau2) and tau2 > 0
    assert found.mean == pytest.approx((star * y).sum() / star.sum()) and found.se == pytest.approx(star.sum() ** -0.5)
    assert random_effects.dersimonian_laird(np.full(8, 0.5), np.full(8, 0.1)).tau == 0
    assert np.isnan(random_effects.dersimonian_laird(y[:4], v[:4]).mean)


def test_years_that_end_before_the_year_of_the_list_are_no_figure_of_it():
    gaps = pd.DataFrame({"indicator": "i", "ethnic_group": "Mixed", "adjustment": "crude", "estimate": 0.7,
                         "period": ["2021-22", "2022-23", "2021-22 to 2022-23"]})  # fmt: skip
    assert best_estimates.of(gaps, period="2023-24")["period"].tolist() == ["2021-22", "2022-23"]
    assert "2022-23" in best_estimates.of(gaps, period="2022-23").query("years.notna()")["period"].tolist()
