"""The draft list on small literal tables."""

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.priorities import (
    agreed_list,
    draft_list,
    engagement,
    engagement_changes,
    findings,
    scoring,
    sensitivity,
)
from pcref_analysis.vocabulary import indicators
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.priority_rule import CRITERIA, PriorityRule
from pcref_analysis.vocabulary.significant_digits import same_everywhere


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
    return PriorityRule(owner="Quality committee", agreed="2026-04-01", draws=500)


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


@pytest.fixture(scope="module")
def ranked(rule, catalogue):
    return draft_list.draft(literal(), rule, catalogue=catalogue)


@pytest.fixture
def estimates():
    return literal()


def literal():
    rows = [
        *ratio("detentions", "Black", 3.0, 0.1),
        *ratio("detentions", "Asian", 1.0, 0.03, events=4000.0),
        *ratio("detentions", "Mixed", 1.8, 0.5, events=5),
        *ratio("people_detained_inpatients", "Black", 1.5, 0.08),
        *ratio("people_detained_inpatients", "Asian", 1.0, 0.03, events=4000.0),
        *ratio("people_detained_inpatients", "Mixed", 1.1, 0.3),
        *ratio("adult_community_access", "Black", 0.9, 0.04),
        *ratio("adult_community_access", "Asian", 0.6, 0.04),
        *ratio("adult_community_access", "Mixed", 1.0, 0.04),
        *ratio("new_referrals", "Black", 2.0, 0.04),
    ]
    return pd.DataFrame(rows)


def by_finding(ranked):
    return ranked.set_index(["indicator", "ethnic_group"]).sort_index()


def test_a_clear_gap_leads_and_its_story_stands_once(ranked, rule):
    first = ranked.iloc[0]
    assert (first["item"], first["list"], first["rank"], first["band"]) == ("detention: Black", "priority", 1, 1)
    assert by_finding(ranked).loc[("people_detained_inpatients", "Black"), "list"] == "supporting"
    assert ranked.loc[ranked["rank"].notna(), "item"].is_unique
    shown = draft_list.tables(ranked, rule)["draft"]
    assert shown["also"].iloc[0] == "People detained, Black: clear"


def test_the_gap_among_residents_leads_its_topic_though_another_denominator_shows_a_larger_one(rule, catalogue):
    """Admission itself differs, so that the gap among inpatients says less, however large: it is named with it."""
    rows = [
        *ratio("detentions", "Black", 1.6, 0.05),
        *ratio("people_detained_inpatients", "Black", 3.0, 0.05, events=4000.0),
        *ratio("detentions", "Asian", 1.12, 0.05),
        *ratio("people_detained_inpatients", "Asian", 3.0, 0.05, events=4000.0),
    ]
    found = by_finding(draft_list.draft(pd.DataFrame(rows), rule, catalogue=catalogue))
    assert found.loc[("people_detained_inpatients", "Black"), "score"] > found.loc[("detentions", "Black"), "score"]
    assert found.loc[("detentions", "Black"), "list"] == "priority"
    assert found.loc[("people_detained_inpatients", "Black"), "list"] == "supporting"
    # what is clear stands before what is only possible, in whatever denominator
    assert found.loc[("detentions", "Asian"), "evidence"] != "clear"
    assert found.loc[("people_detained_inpatients", "Asian"), "list"] == "priority"


@pytest.mark.parametrize(
    ("polarity", "level", "margin"),
    [
        ("lower_is_worse", 80.0, 80 / 75),  # 80% against 75%
        ("higher_is_worse", 80.0, 85 / 80),
        ("lower_is_worse", 50.0, 1.1),  # five points are 50/45 there, and more than the margin
        ("higher_is_worse", 4.0, 1.1),
        ("lower_is_worse", 4.0, 1.1),  # nothing lies five points below
    ],
)
def test_of_percentages_five_points_matter_though_the_ratio_is_small(rule, catalogue, polarity, level, margin):
    """60% against 54% seen is a ratio of 1.11; 46% against 40% not seen, the same gap, is 1.15."""
    changes = {"polarity": polarity}
    entries = catalogue | {
        "people_detained_inpatients": catalogue["people_detained_inpatients"].model_copy(update=changes)
    }
    times = 1.08 if polarity == "higher_is_worse" else 1 / 1.08
    rows = pd.DataFrame(ratio("people_detained_inpatients", "Black", times, 0.005, events=9000.0))
    rows.loc[rows["measure"] == "difference", "estimate"] = level * (times - 1)
    own = rows.iloc[0].to_dict() | {"measure": "percent", "comparator": None, "estimate": level * times}
    theirs = own | {"ethnic_group": "White", "estimate": level}
    rows = pd.concat([rows, pd.DataFrame([own, theirs])])
    found = by_finding(draft_list.draft(rows, rule, comparator="White", catalogue=entries))
    finding = found.loc[("people_detained_inpatients", "Black")]
    assert finding["margin"] == pytest.approx(margin)
    assert (finding["evidence"] == "clear") == (margin < 1.08)
    alone = rule.model_copy(update={"margins": {"people_detained_inpatients": 1.02}})
    found = by_finding(draft_list.draft(rows, alone, comparator="White", catalogue=entries))
    assert found.loc[("people_detained_inpatients", "Black"), "margin"] == 1.02


def test_low_access_counts_as_much_as_high_detention(ranked, rule):
    ranked = by_finding(ranked)
    assert ranked.loc[("adult_community_access", "Asian"), "list"] == "priority"
    assert ranked.loc[("adult_community_access", "Asian"), "shrunk"] < 0.7


def test_a_context_indicator_never_ranks(ranked, rule):
    ranked = by_finding(ranked)
    black = ranked.loc[("new_referrals", "Black")]
    assert black["list"] == "context"
    assert pd.isna(black["score"]) and pd.isna(black["q_value"])


# The gap itself known (one draw), by hand:
#  detentions 2.0, comparator 100 per 100,000, expected 100: ln2/ln3 = 0.630930; 100/500 = 0.2; ln101/ln1001 = 0.668010
#  access 0.5, comparator 60%, expected 200: the same ratio; 30 of 20 points, so 1; 100 fewer
#  restraint 1.05 per 1,000 bed days, comparator 10, expected 40: ln1.05/ln3 = 0.044411; 0.5/20; ln3/ln1001; margin 1.1
#  waits 1.5 (days), comparator 20, 300 people: ln1.5/ln3 = 0.369070; 10/30; ln151/ln1001 = 0.726221
#  access 2.0: no harm
HAND = [
    ({"measure": "rate", "per": 100_000, "at_risk_kind": "residents"}, 2.0, 100, 100, (0.630930, 0.2, 0.668010, 1)),
    ({"measure": "percent", "per": 100, "polarity": "lower_is_worse"}, 0.5, 60, 200, (0.630930, 1.0, 0.668010, 1)),
    ({"measure": "rate", "per": 1_000, "at_risk_kind": "bed_days"}, 1.05, 10, 40, (0.044411, 0.025, 0.159015, 0)),
    ({"measure": "mean", "per": 100, "at_risk": 300.0}, 1.5, 20, 9, (0.369070, 1 / 3, 0.726221, 1)),
    ({"measure": "percent", "per": 100, "polarity": "lower_is_worse"}, 2.0, 60, 200, (0.0, 0.0, 0.0, 0)),
]


@pytest.mark.parametrize(("fields", "ratio", "level", "expected", "answer"), HAND)
def test_criteria_of_a_known_gap_by_hand(rule, fields, ratio, level, expected, answer):
    row = {"polarity": "higher_is_worse", "at_risk_kind": "caseload", "at_risk": 1e4, "margin": 1.1}
    table = pd.DataFrame([row | fields | {"comparator_level": level, "expected": expected}])
    gap = np.log(ratio) * (1 if table["polarity"].item() == "higher_is_worse" else -1)
    found = scoring.moving_criteria(table, np.array([[gap], [gap]]), rule)
    assert list(found) == ["relative_gap", "absolute_gap", "people_affected", "certainty"]
    assert pytest.approx(np.array([answer, answer]), abs=1e-5) == np.vstack(list(found.values())).reshape(4, 2).T


@pytest.mark.parametrize(("severity", "expected"), [(1, 0.0), (2, 1 / 3), (3, 2 / 3), (4, 1.0)])
def test_severity_by_hand(estimates, rule, severity, expected):
    listed = indicators.read({"detentions": entry(severity=severity)}, "test")
    part = estimates[estimates["indicator"] == "detentions"]
    assert draft_list.draft(part, rule, catalogue=listed)["severity"].unique() == pytest.approx([expected])


def test_unmet_need_by_hand(ranked, rule):
    ranked = by_finding(ranked)
    assert ranked.loc["adult_community_access", "unmet_need"].tolist() == [1.0, 1.0, 1.0]
    sure = ranked.loc["adult_community_access", "certainty"]  # the one access indicator that ranks
    assert ranked.loc["detentions", "unmet_need"].tolist() == pytest.approx(sure.tolist())


# Robust errors of very few people come out too small: by hand, the least that such counts allow.
@pytest.mark.parametrize(
    ("fields", "se", "expected"),
    [
        ({"measure": "rate", "events": 4.0}, 0.1, 0.5),  # Poisson: 1 / sqrt(4)
        ({"measure": "rate", "events": 4.0}, 0.9, 0.9),  # an honest larger one stays
        ({"measure": "percent", "events": 2.0, "at_risk": 2.0}, 0.0001, 0.288675),  # 4 of 6: sqrt(1/3 / 4)
        ({"measure": "mean", "at_risk": 3.0}, 0.1, 0.219528),  # t with 2 degrees: 4.302653 / 1.959964
        ({"measure": "rate", "events": np.nan}, 0.1, 0.1),
    ],
)
def test_no_standard_error_is_smaller_than_such_numbers_allow(fields, se, expected):
    table = pd.DataFrame([{"events": 100.0, "at_risk": 1000.0, "level": 0.95} | fields])
    assert findings.careful(pd.Series([se]), table).item() == pytest.approx(expected, abs=1e-6)


def test_one_of_one_leads_nothing(estimates, rule, catalogue):
    one = pd.DataFrame(ratio("people_detained_inpatients", "Chinese", 6.4, 0.1, events=1.0)).assign(at_risk=1.0)
    row = by_finding(draft_list.draft(pd.concat([estimates, one]), rule, catalogue=catalogue))
    row = row.loc[("people_detained_inpatients", "Chinese")]
    assert row["list"] in ("watch", "unclear")
    assert row["shrunk"] < 2


def test_detailed_groups_of_one_story_and_broad_group_stand_together(rule, catalogue):
    rows = [
        *ratio("detentions", "African", 3.0, 0.1, comparator="White British"),
        *ratio("detentions", "Caribbean", 2.5, 0.1, comparator="White British"),
        *ratio("detentions", "Indian", 2.0, 0.1, comparator="White British"),
    ]
    ranked = draft_list.draft(pd.DataFrame(rows), rule, catalogue=catalogue)
    listed = ranked[ranked["list"] == "priority"]
    assert listed["item"].tolist() == ["detention: Black or Black British", "detention: Asian or Asian British"]
    assert listed["ethnic_group"].tolist() == ["African", "Indian"]
    shown = draft_list.tables(ranked, rule)["draft"]
    assert shown["also"].tolist() == ["Detentions, Caribbean: clear", ""]
    apart = rule.model_copy(update={"group_by": "ethnic_group"})
    assert draft_list.draft(pd.DataFrame(rows), apart, catalogue=catalogue)["list"].tolist().count("priority") == 3


def test_the_score_is_the_weighted_sum_of_the_criteria(ranked, rule):
    ranked = ranked.query("list == 'priority'")
    by_hand = sum(weight * ranked[name].astype(float).fillna(0.5) for name, weight in rule.shares().items())
    assert np.allclose(by_hand, ranked["score"])
    known = ranked[list(CRITERIA)].dropna(axis=1)
    assert ((known >= 0) & (known <= 1)).all(axis=None)
    assert (ranked["score_low"] <= ranked["score"]).all() and (ranked["score"] <= ranked["score_high"]).all()
    assert ranked["not_known"].str.contains("community").all()


def test_a_group_without_a_figure_is_an_evidence_gap_and_has_no_score(estimates, rule, catalogue):
    gone = (estimates["ethnic_group"] == "Mixed") & (estimates["indicator"] == "detentions")
    estimates.loc[gone, ["estimate", "lower", "upper"]] = np.nan
    estimates.loc[gone, ["note", "events"]] = ["fewer than 10 events", 5.0]
    row = by_finding(draft_list.draft(estimates, rule, catalogue=catalogue)).loc[("detentions", "Mixed")]
    assert row["list"] == "evidence_gap"
    assert pd.isna(row["score"])
    assert "fewer than 10 events" in row["wording"]
    assert row["would_close"] == "At 5 a year, about 2 years together would reach ten events."


def test_an_indicator_and_a_group_that_are_absent_are_evidence_gaps(estimates, rule, catalogue):
    left = estimates[(estimates["indicator"] != "people_detained_inpatients")]
    left = left[~((left["indicator"] == "adult_community_access") & (left["ethnic_group"] == "Mixed"))]
    ranked = by_finding(draft_list.draft(left, rule, catalogue=catalogue))
    assert ranked.loc[("people_detained_inpatients", "Every ethnic group"), "list"] == "evidence_gap"
    assert ranked.loc[("adult_community_access", "Mixed"), "list"] == "evidence_gap"


def test_no_event_where_many_were_expected_is_not_lost(estimates, rule, catalogue):
    none = (estimates["ethnic_group"] == "Mixed") & (estimates["indicator"] == "adult_community_access")
    estimates.loc[none, ["estimate", "lower", "upper", "events"]] = [np.nan, np.nan, np.nan, 0.0]
    estimates.loc[none & (estimates["measure"] == "excess"), "estimate"] = -40.0
    row = by_finding(draft_list.draft(estimates, rule, catalogue=catalogue)).loc[("adult_community_access", "Mixed")]
    assert (row["list"], row["none_of"]) == ("priority", 40.0)
    none = "none among people with a Mixed or multiple ethnic background, where about 40 would be expected"
    assert none in row["wording"]


def test_a_flagged_figure_is_a_recording_finding_and_never_a_priority(estimates, rule, catalogue):
    flags = pd.DataFrame(
        {
            "indicator": ["detentions", "adult_community_access", "adult_community_access"],
            "period": "2023-24",
            "ethnic_group": ["Black", None, "Asian"],
            "flag": ["probable recording matter", "", "in doubt"],
            "reason": ["Too many.", "", "Odd."],
        }
    )
    ranked = by_finding(draft_list.draft(estimates, rule, catalogue=catalogue, flags=flags))
    assert ranked.loc[("detentions", "Black"), "list"] == "recording"
    assert pd.isna(ranked.loc[("detentions", "Black"), "score"])
    assert "probable recording matter. Too many." in ranked.loc[("detentions", "Black"), "wording"]
    assert ranked.loc[("adult_community_access", "Mixed"), "list"] != "recording"
    old = draft_list.draft(estimates, rule, catalogue=catalogue, flags=flags.assign(period="2022-23"))
    assert not (old["list"] == "recording").any()


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1.1, 3.0, 1.0),  # wholly beyond the margin of 1.1
        (0.9, 1.1, 0.0),  # wholly short of it
        (1.0, 1.21, 0.5),  # half of the logarithmic range
    ],
)
def test_robustness_is_the_share_of_the_worst_case_range_beyond_the_margin(
    estimates, rule, catalogue, low, high, expected
):
    bounds = pd.DataFrame(
        {
            "indicator": ["detentions", "adult_community_access"],
            "ethnic_group": ["Black", "Asian"],
            "ratio_low": [low, 1 / high],
            "ratio_high": [high, 1 / low],
        }
    )
    ranked = by_finding(draft_list.draft(estimates, rule, catalogue=catalogue, bounds=bounds))
    assert ranked.loc[("detentions", "Black"), "robustness"] == pytest.approx(expected, abs=1e-6)
    assert ranked.loc[("adult_community_access", "Asian"), "robustness"] == pytest.approx(expected, abs=1e-6)
    assert pd.isna(ranked.loc[("detentions", "Asian"), "robustness"])


def test_persistence_is_the_average_chance_in_earlier_periods(estimates, rule, catalogue):
    earlier = [
        *ratio("detentions", "Black", 1.1, 0.1, period="2022-23"),  # at the margin: a half
        *ratio("detentions", "Black", 3.0, 0.1, period="2021-22"),  # far beyond it: one
        *ratio("detentions", "Mixed", 3.0, 0.1, period="2024-25"),
    ]
    table = pd.concat([estimates, pd.DataFrame(earlier)], ignore_index=True)
    ranked = by_finding(draft_list.draft(table, rule, catalogue=catalogue, period="2023-24"))
    assert ranked.loc[("detentions", "Black"), "persistence"] == pytest.approx(0.75, abs=1e-6)
    assert pd.isna(ranked.loc[("detentions", "Mixed"), "persistence"])


def test_community_weight_by_story_and_by_item(estimates, catalogue):
    rule = PriorityRule(owner="x", agreed="y", draws=1000, community={"detention": 0.8, "detention: Black": 1.0})
    ranked = by_finding(draft_list.draft(estimates, rule, catalogue=catalogue))
    assert ranked.loc[("detentions", "Black"), "community"] == 1.0
    assert ranked.loc[("detentions", "Mixed"), "community"] == 0.8
    odd = PriorityRule(owner="x", agreed="y", community={"detantion": 0.8})
    with pytest.raises(PcrefError, match=r"detantion.*Did you mean 'detention'"):
        draft_list.draft(estimates, odd, catalogue=catalogue)
    with pytest.raises(PcrefError, match=r"margin.*detension"):
        draft_list.draft(estimates, rule.model_copy(update={"margins": {"detensions": 1.2}}), catalogue=catalogue)


def test_equal_is_shown_only_with_evidence(ranked, rule):
    ranked = by_finding(ranked)
    assert ranked.loc[("detentions", "Asian"), "evidence"] == "equal"  # 1.0, limits 0.94 to 1.06
    assert ranked.loc[("people_detained_inpatients", "Mixed"), "list"] in ("unclear", "watch")  # 1.1, 0.6 to 2.0


def test_a_difference_in_favour_of_a_group_is_shown_as_it_is(estimates, rule, catalogue):
    more = pd.DataFrame(ratio("detentions", "Chinese", 0.5, 0.05))
    row = by_finding(draft_list.draft(pd.concat([estimates, more]), rule, catalogue=catalogue)).loc["detentions"]
    assert row.loc["Chinese", ["list", "evidence"]].tolist() == ["strength", "better"]
    assert "in favour of Chinese people" in row.loc["Chinese", "wording"]


def test_an_unknown_ethnic_group_is_no_item(estimates, rule, catalogue):
    more = pd.DataFrame(ratio("detentions", "Not stated", 9.0, 0.05) + ratio("detentions", "Unknown", 9.0, 0.05))
    ranked = draft_list.draft(pd.concat([estimates, more]), rule, catalogue=catalogue)
    assert not ranked["ethnic_group"].isin(["Not stated", "Unknown"]).any()


def test_the_fullest_adjustment_that_has_a_ratio_counts_for_each_group(estimates, rule, catalogue):
    fuller = pd.DataFrame(ratio("detentions", "Black", 2.5, 0.1, adjustment="age_sex_imd"))
    refused = pd.DataFrame(ratio("detentions", "Asian", 1.0, 0.1, adjustment="age_sex_imd"))
    refused[["estimate", "lower", "upper"]] = np.nan
    ranked = by_finding(draft_list.draft(pd.concat([estimates, fuller, refused]), rule, catalogue=catalogue))
    columns = ["adjustment", "ratio", "ratio_age_sex", "ratio_age_sex_imd"]
    assert ranked.loc[("detentions", "Black"), columns].tolist() == ["age_sex_imd", 2.5, 3.0, 2.5]
    assert ranked.loc[("detentions", "Asian"), "adjustment"] == "age_sex"


def test_the_comparator_is_asked_for_where_there_are_several(estimates, rule, catalogue):
    two = pd.concat([estimates.replace({"White": "England"}), estimates.replace({"White": "All other groups"})])
    with pytest.raises(PcrefError, match="All other groups, England"):
        draft_list.draft(two, rule, catalogue=catalogue)
    assert set(draft_list.draft(two, rule, catalogue=catalogue, comparator="England")["comparator"]) == {"England"}
    with pytest.raises(PcrefError, match="no ratio against 'Wales'"):
        draft_list.draft(two, rule, catalogue=catalogue, comparator="Wales")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="level"), "lack the column.s. level"),
        (lambda t: t.replace({"detentions": "detention"}), "no indicator detention"),
        (lambda t: pd.concat([t, t.head(1)]), "1 estimate.s. stand twice"),
        (lambda t: t[t["measure"] != "ratio"], "say which comparator|no ratio"),
    ],
)
def test_estimates_that_do_not_fit_are_named(estimates, rule, catalogue, change, message):
    with pytest.raises(PcrefError, match=message):
        draft_list.draft(change(estimates), rule, catalogue=catalogue)


def test_neither_the_order_of_the_rows_nor_a_second_run_changes_anything(estimates, rule, catalogue):
    before = estimates.copy(deep=True)
    once = draft_list.draft(estimates, rule, catalogue=catalogue)
    again = draft_list.draft(estimates.sample(frac=1, random_state=3), rule, catalogue=catalogue)
    pd.testing.assert_frame_equal(once, again)
    pd.testing.assert_frame_equal(estimates, before)


def test_the_list_is_made_again_from_the_published_files_alone(estimates, rule, catalogue, tmp_path):
    bounds = pd.DataFrame({"indicator": ["detentions"], "ethnic_group": "Black", "ratio_low": 2.5, "ratio_high": 3.3})
    flags = pd.DataFrame({"indicator": ["detentions"], "ethnic_group": "Mixed", "flag": "odd", "reason": "r"})
    ranked = draft_list.draft(estimates, rule, catalogue=catalogue, bounds=bounds, flags=flags)
    published = ranked[findings.COLUMNS]  # ranked from the digits that are released, so nothing is lost there
    pd.testing.assert_frame_equal(published, same_everywhere(published), check_exact=True)
    draft_list.write(ranked, rule, tmp_path)
    again = draft_list.rebuild(tmp_path)
    same = [frame.astype(object).where(frame.notna(), None) for frame in (ranked, again)]
    pd.testing.assert_frame_equal(*same)
    (tmp_path / "priorities-rule-settings.csv").write_text("setting,value\nowner,1\n", encoding="utf-8")
    with pytest.raises(PcrefError, match="does not make a rule"):
        draft_list.rebuild(tmp_path)


def test_the_rule_prints_each_criterion(rule):
    table = draft_list.rule_text(rule)
    assert len(table) == len(CRITERIA)
    assert table["weight"].sum() == pytest.approx(1)
    assert not table.astype(str).apply(lambda c: c.str.contains("[{}]", regex=True)).any().any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": {"severity": 1}}, "criteria without a weight"),
        ({"weights": dict.fromkeys(CRITERIA, 0)}, "not all zero"),
        ({"weights": dict.fromkeys(CRITERIA, 1) | {"size": 1}}, "unknown criterion"),
        ({"weight_limits": [1.5, 2]}, "around 1"),
        ({"community": {"detention": 2}}, "between 0 and 1"),
        ({"margins": {"detentions": 0.9}}, "above 1"),
        ({"possible": 0.9}, "must not exceed sure"),
    ],
)
def test_a_rule_that_does_not_hold_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        PriorityRule(owner="x", agreed="y", **change)


def test_one_weight_left_out_is_named_with_what_moves(ranked, estimates, rule, catalogue, monkeypatch):
    one = sensitivity.one_weight(ranked, rule.model_copy(update={"first": 1})).set_index(["criterion", "change"])
    assert len(one) == 3 * len(CRITERIA)
    # Black detention leads by severity 1 against 1/3 and by people affected; with access alone counting it would not
    only = {name: float(name == "unmet_need") for name in CRITERIA}
    assert one.loc[("severity", "left out"), "largest_move"] in (
        "none",
        one.loc[("severity", "left out"), "largest_move"],
    )
    turned = draft_list.draft(estimates, rule.model_copy(update={"weights": only}), catalogue=catalogue)
    assert turned.iloc[0]["item"] == "community access: Asian"
    monkeypatch.setattr(sensitivity, "WEIGHTINGS", 50)
    moved = sensitivity.other_weights(ranked, rule)
    assert moved["item"].tolist() == ranked.loc[ranked["list"] == "priority", "item"].tolist()
    assert (moved["weights_rank_low"] <= moved["rank"]).all() and (moved["rank"] <= moved["weights_rank_high"]).all()
    assert (moved["band_low"] <= moved["band_high"]).all()


def test_a_weight_changed_in_engagement_scores_the_list_again(ranked, rule):
    base = {"who": "Advisory group", "when": "2026-10-14", "why": "Access came first in every conversation."}
    changes = [
        base | {"action": "weight", "criterion": name, "weight": float(name == "unmet_need")} for name in CRITERIA
    ]
    changes.append(base | {"action": "weight", "item": "community access", "weight": 1})
    table, log = engagement_changes.adjust(ranked, engagement.read({"changes": changes}), rule)
    assert ranked.iloc[0]["item"] == "detention: Black"
    assert table.loc[0, "item"] == "community access: Asian"
    assert log.loc[0, ["item", "before", "after"]].tolist() == ["weight: relative gap", "0.15", "0"]
    assert log.loc[9, ["item", "before", "after"]].tolist() == ["community access", "not given", "1"]
    shown = agreed_list._readable(table.assign(draft_rank=table["draft_rank"].astype("Int64")), ranked)
    drafted = ranked.set_index("item")["rank"]
    assert drafted["community access: Asian"] > 1  # on the page the draft stands as the figures alone proposed it
    assert shown.loc[0, "in_draft"] == f"{drafted['community access: Asian']:.0f}; 1 with the changed weights"
    odd = base | {"action": "weight", "item": "comunity access", "weight": 1}
    with pytest.raises(PcrefError, match="Did you mean 'community access'"):
        engagement_changes.adjust(ranked, engagement.read({"changes": [odd]}), rule)


def test_a_trust_whose_figures_are_all_missing_or_all_in_doubt_gets_a_list_that_says_so(estimates, rule, catalogue):
    blank = estimates.copy()
    blank[["estimate", "lower", "upper", "events"]] = np.nan
    ranked = draft_list.draft(blank, rule, catalogue=catalogue)
    assert set(ranked["list"]) == {"evidence_gap", "context"}
    assert ranked["rank"].isna().all()
    assert "No gap can be seen or ruled out: 9 comparisons had no figure." in draft_list.as_text(ranked)
    flags = pd.DataFrame({"indicator": list(catalogue), "ethnic_group": None, "flag": "in doubt", "reason": "r"})
    assert set(draft_list.draft(estimates, rule, catalogue=catalogue, flags=flags)["list"]) == {"recording"}
    for table in draft_list.tables(ranked, rule).values():
        assert isinstance(table, pd.DataFrame)
    assert sensitivity.other_weights(ranked, rule).empty
    assert sensitivity.one_weight(ranked, rule)["largest_move"].eq("none").all()


def test_a_list_of_one(estimates, rule, catalogue):
    ranked = draft_list.draft(estimates.head(3), rule, catalogue=catalogue)
    assert ranked.iloc[0][["list", "rank", "band", "probability"]].tolist() == ["priority", 1, 1, 1.0]


def test_the_list_for_a_terminal(ranked):
    lines = draft_list.as_text(ranked, width=80).splitlines()
    assert "Band 1" in lines
    assert any(line.startswith("  1. detention: Black (score 0.") for line in lines)
    assert max(map(len, lines)) <= 80


def test_shrunken_limits_and_places_have_the_level_of_the_estimates(estimates, rule, catalogue):
    """They stood at 95% whatever ``level`` was."""
    z = {0.8: 1.2815516, 0.99: 2.5758293}
    widths = {}
    for level in (0.8, 0.99):
        se = np.log(estimates["upper"] / estimates["lower"]) / (2 * 1.959964)
        centre = estimates["estimate"]
        same = {"lower": centre * np.exp(-z[level] * se), "upper": centre * np.exp(z[level] * se)}
        found = by_finding(draft_list.draft(estimates.assign(level=level, **same), rule, catalogue=catalogue))
        widths[level] = np.log(found["shrunk_upper"] / found["shrunk_lower"]).dropna()
    assert (widths[0.99] > 1.5 * widths[0.8]).all() and len(widths[0.8])
