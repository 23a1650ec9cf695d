"""Targets that were agreed, inequality in one number, England's level: of released levels alone."""

import pandas as pd
import pytest

from pcref_analysis.disclosure import release_tables
from pcref_analysis.display import tables
from pcref_analysis.estimates import inequality, interval_counts
from pcref_analysis.priorities import engagement
from pcref_analysis.published import publisher_rounding
from pcref_analysis.report import derived_tables
from pcref_analysis.vocabulary import parameters
from pcref_analysis.vocabulary.errors import PcrefError

RUN = parameters.load("demo")
TARGET = {"indicator": "detentions", "value": 100, "way": "at most", "by": "2027-03-31", "who": "Forum",
          "when": "2026-11-02"}  # fmt: skip
FIGURES = ("estimate", "lower", "upper", "level")
LEVELS = pd.DataFrame({
    "ethnic_group": ["White", "Mixed", "Black or Black British"], "estimate": [80.0, 95.0, 250.0],
    "lower": [74.0, 40.0, 200.0], "upper": [94.0, 160.0, 300.0],
}).assign(indicator="detentions", indicator_name="Detentions", unit="per 100,000", period=RUN.period, comparator="",
          adjustment="crude", measure="rate", level=0.95, events=[300.0, 20.0, 100.0],
          at_risk=[4e5, 2e4, 4e4])  # fmt: skip


def _released(frame):
    counts = release_tables.release(pd.DataFrame({"ethnic_group": ["White", "Mixed"], "events": [90, 60]}), "mhsds")
    return release_tables.derive(lambda _: frame, counts, name="levels")


def _agreed(monkeypatch, **more):
    monkeypatch.setattr(engagement, "of_run", lambda _: engagement.read({"targets": [TARGET | more]}))


def test_the_distance_from_a_target_is_said_by_the_interval(monkeypatch):
    _agreed(monkeypatch)
    found = derived_tables.targets(_released(LEVELS), RUN)
    assert found.table["distance"].tolist() == [
        "reached", "reached by the estimate; chance alone could move it past the target", "150 above the target",
    ]  # fmt: skip
    shown = tables.targets(found, "t", "T")
    assert "at most 100 per 100,000" in shown.text and "31 March 2027" in shown.text and "Forum" in shown.text


def test_a_target_of_one_group_is_of_that_group_alone(monkeypatch):
    _agreed(monkeypatch, ethnic_group="Mixed", way="at least")
    found = derived_tables.targets(_released(LEVELS), RUN).table
    assert found[["ethnic_group", "distance"]].to_numpy().tolist() == [
        ["Mixed", "5 below the target, though it may have been reached"]
    ]


@pytest.mark.parametrize("odd", [{"indicator": "detention"}, {"ethnic_group": "Blue"}])
def test_a_target_of_nothing_that_is_known_is_refused(monkeypatch, odd):
    _agreed(monkeypatch, **odd)
    with pytest.raises(PcrefError, match=next(iter(odd.values()))):
        derived_tables.targets(_released(LEVELS), RUN)


def test_inequality_is_one_number_whose_interval_reaches_1_where_groups_could_be_equal():
    one = inequality.highest_over_lowest(LEVELS).iloc[0]
    assert (one["highest"], one["lowest"], one["estimate"]) == ("Black or Black British", "White", 250 / 80)
    assert 1 < one["lower"] < 250 / 80 < one["upper"]
    alike = LEVELS.assign(estimate=[80.0, 85.0, 90.0], lower=[60.0, 55.0, 70.0], upper=[105.0, 130.0, 115.0])
    assert inequality.highest_over_lowest(alike)["lower"].tolist() == [1.0]


def test_england_stands_beside_the_same_group_and_a_word_says_how_ours_compares():
    counts = pd.DataFrame({"ethnic_group": ["White", "Black or Black British"], "events": [40_000, 12_000]})
    counts = counts.assign(events_low=counts["events"], events_high=counts["events"], indicator="detentions")
    counts = counts.assign(period=RUN.period, area="England", measure="rate", per=100_000)
    counts = counts.assign(at_risk=[45_000_000, 8_000_000], published_rate=float("nan"), note="", area_kind="act")
    counts = counts.assign(at_risk_low=counts["at_risk"], at_risk_high=counts["at_risk"])
    counts = counts[publisher_rounding.COLUMNS]
    national = interval_counts.with_england(counts, counts, ["indicator", "period", "ethnic_group"])
    columns = ["ethnic_group", "england", "england_lower", "england_upper"]
    found = LEVELS.merge(national[columns], on="ethnic_group", how="left")
    assert found["england"].round(1).tolist()[::2] == [88.9, 150.0] and pd.isna(found["england"][1])
    rows = [line.split(" | ") for line in tables.levels(_released(found), "t", "T", RUN.period).text.splitlines()]
    words = {row[0]: row[-1] for row in rows if len(row) > 3}
    assert words["Black or Black British"] == "worse (higher)" and words["Mixed"] == "[x]"
    assert words["White"] == "cannot tell" and words["Ethnic group"] == "Than England"


def test_what_is_worked_out_of_published_figures_names_their_publisher():
    one = release_tables.release_published(LEVELS.drop(columns="at_risk"), "somebody", name="levels", figures=FIGURES)
    assert "published by somebody" in release_tables.derive(lambda table: table, one, name="same").explanation
    both = release_tables.derive(lambda first, _: first, one, _released(LEVELS), name="both")
    assert "somebody" not in both.explanation
