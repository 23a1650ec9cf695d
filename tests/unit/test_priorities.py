"""The draft list on small literal tables."""

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.release import priorities
from pcref_analysis.vocabulary import indicators
from pcref_analysis.vocabulary.priority_rule import CRITERIA, PriorityRule


def entry(**fields):
    shared = {
        "name": "Detentions",
        "domain": "experience",
        "question": "Are people detained equally often?",
        "numerator": "detentions",
        "denominator": "residents",
        "at_risk": "residents",
        "measure": "rate",
        "per": 100_000,
        "unit": "detentions",
        "polarity": "higher_is_worse",
        "severity": 4,
        "story": "detention",
        "repeat_events": True,
        "source": "test",
        "caveat": "test",
        "valid_from": "2020-04-01",
    }
    return shared | fields


@pytest.fixture(scope="session")
def catalogue():
    return indicators.read(
        {
            "detentions": entry(),
            "people_detained_inpatients": entry(
                name="People detained", at_risk="inpatients", measure="percent", per=100
            ),
            "adult_community_access": entry(
                name="Adult community access",
                domain="access",
                polarity="lower_is_worse",
                severity=2,
                story="community access",
            ),
            "new_referrals": entry(
                name="New referrals", domain="access", polarity="context", severity=1, story="referrals"
            ),
        },
        "test",
    )


@pytest.fixture(scope="session")
def rule():
    return PriorityRule(owner="Quality committee", agreed="2026-04-01", draws=4000)


def ratio(indicator, group, estimate, se, period="2023-24", comparator="White", events=100.0, adjustment="age_sex"):
    low, high = np.exp(np.log(estimate) + np.array([-1.959964, 1.959964]) * se)
    shared = {
        "indicator": indicator,
        "period": period,
        "ethnic_group": group,
        "comparator": comparator,
        "adjustment": adjustment,
        "level": 0.95,
        "events": events,
        "at_risk": 10_000.0,
        "note": None,
    }
    excess = events - events / estimate
    return [
        shared | {"measure": "ratio", "estimate": estimate, "lower": low, "upper": high},
        shared | {"measure": "difference", "estimate": 100.0 * (estimate - 1), "lower": np.nan, "upper": np.nan},
        shared | {"measure": "excess", "estimate": excess, "lower": np.nan, "upper": np.nan},
    ]


@pytest.fixture
def estimates():
    rows = [
        *ratio("detentions", "Black", 3.0, 0.1),
        *ratio("detentions", "Asian", 1.0, 0.03),
        *ratio("detentions", "Mixed", 1.8, 0.5, events=5),
        *ratio("people_detained_inpatients", "Black", 1.5, 0.08),
        *ratio("people_detained_inpatients", "Asian", 1.0, 0.03),
        *ratio("people_detained_inpatients", "Mixed", 1.1, 0.3),
        *ratio("adult_community_access", "Black", 0.9, 0.04),
        *ratio("adult_community_access", "Asian", 0.6, 0.04),
        *ratio("adult_community_access", "Mixed", 1.0, 0.04),
        *ratio("new_referrals", "Black", 2.0, 0.04),
    ]
    return pd.DataFrame(rows)


def test_a_clear_gap_leads_and_its_story_stands_once(estimates, rule, catalogue):
    ranked = priorities.draft(estimates, rule, catalogue=catalogue)
    first = ranked.iloc[0]
    assert (first["item"], first["list"], first["rank"], first["band"]) == ("detention: Black", "priority", 1, 1)
    inpatients = ranked[ranked["indicator"] == "people_detained_inpatients"].set_index("ethnic_group")
    assert inpatients.loc["Black", "list"] == "supporting"
    assert inpatients.loc["Asian", "list"] == "strength"
    assert ranked.loc[ranked["rank"].notna(), "item"].is_unique


def test_low_access_counts_as_much_as_high_detention(estimates, rule, catalogue):
    ranked = priorities.draft(estimates, rule, catalogue=catalogue).set_index(["indicator", "ethnic_group"])
    assert ranked.loc[("adult_community_access", "Asian"), "list"] == "priority"
    assert (ranked.loc["new_referrals", "list"].isin(["context"])).all()


def test_the_score_is_the_weighted_sum_of_the_criteria(estimates, rule, catalogue):
    ranked = priorities.draft(estimates, rule, catalogue=catalogue).query("list == 'priority'")
    by_hand = sum(weight * ranked[name].astype(float).fillna(0.5) for name, weight in rule.shares().items())
    assert np.allclose(by_hand, ranked["score"])
    assert ((ranked[list(CRITERIA)].dropna(axis=1) >= 0) & (ranked[list(CRITERIA)].dropna(axis=1) <= 1)).all(axis=None)


def test_a_group_without_a_figure_is_an_evidence_gap(estimates, rule, catalogue):
    estimates.loc[(estimates["ethnic_group"] == "Mixed") & (estimates["indicator"] == "detentions"), "estimate"] = (
        np.nan
    )
    ranked = priorities.draft(estimates, rule, catalogue=catalogue).set_index(["indicator", "ethnic_group"])
    assert ranked.loc[("detentions", "Mixed"), "list"] == "evidence_gap"
    assert np.isnan(ranked.loc[("detentions", "Mixed"), "score"])


def test_the_estimates_are_left_as_they_were(estimates, rule, catalogue):
    before = estimates.copy(deep=True)
    priorities.draft(estimates, rule, catalogue=catalogue)
    pd.testing.assert_frame_equal(estimates, before)


def test_the_rule_prints_each_criterion(rule):
    table = priorities.rule_text(rule)
    assert len(table) == len(CRITERIA)
    assert table["weight"].sum() == pytest.approx(1)
    assert not table.astype(str).apply(lambda c: c.str.contains("[{}]", regex=True)).any().any()
