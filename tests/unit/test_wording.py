"""Every sentence: what is known, how sure, what it does not show; never a cause."""

import re

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.priorities import draft_list, wording
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.priority_rule import CRITERIA, PriorityRule

BANNED = (  # words that claim a cause; no sentence may hold one
    *("because", "caused", "causes", "cause", "due to", "owing to", "leads to", "led to", "results in", "result of"),
    *("explains", "explained", "explain", "driven", "attributable", "effect of", "impact", "thanks to", "BAME"),
)
ROW = {
    "item": "detention: Black or Black British",
    "name": "Detentions",
    "ethnic_group": "Black or Black British",
    "comparator": "White British",
    "adjustment": "age_sex_imd",
    "measure": "rate",
    "unit": "detentions",
    "ratio": 2.9,
    "lower": 2.3,
    "upper": 3.6,
    "level": 0.95,
    "excess": 48.2,
    "expected": 25.0,
    "difference": 150.0,
    "events": 73.0,
    "note": None,
    "margin": 1.1,
    "se": 0.11,
    "certainty": 0.999,
    "p_value": 0.0001,
    "rank": 1,
    "rank_low": 1,
    "rank_high": 3,
    "ratio_crude": 3.4,
    "ratio_age_sex": 3.1,
    "ratio_age_sex_imd": 2.9,
    "ratio_low": 2.8,
    "ratio_high": 3.9,
    "persistence": 0.97,
    "none_of": np.nan,
    "evidence": "clear",
    "list": "priority",
    "flag": np.nan,
    "flag_reason": np.nan,
    "caveat": "Residents detained elsewhere are missing.",
    "source": "MHSDS",
    "indicator": "detentions",
    "band": 1,
}
CASES = {
    "clear": {},
    "fewer": {"ratio": 0.6, "lower": 0.5, "upper": 0.7, "excess": np.nan, "measure": "percent"},
    "crude": {"adjustment": "crude", "ratio_age_sex": np.nan, "ratio_age_sex_imd": np.nan},
    "days": {"measure": "mean", "unit": "days", "ratio": 1.3, "difference": 4.2},
    "possible": {"evidence": "possible", "list": "watch", "se": 0.5, "certainty": 0.7},
    "hopeless": {"evidence": "not clear", "list": "unclear", "se": 3.0, "certainty": 0.4},
    "equal": {"evidence": "equal", "list": "strength", "ratio": 1.0, "certainty": 0.001},
    "better": {"evidence": "better", "list": "strength", "ratio": 0.5, "certainty": 0.001},
    "no figure": {"evidence": "no figure", "list": "evidence_gap", "ratio": np.nan, "events": 4.0, "note": "few"},
    "no group": {
        "evidence": "no figure",
        "list": "evidence_gap",
        "ratio": np.nan,
        "ethnic_group": "Every ethnic group",
    },
    "none": {"none_of": 40.0, "ratio": np.nan},
    "recording": {"evidence": "recording", "list": "recording", "flag": "odd", "flag_reason": "Too many."},
    "context": {"evidence": "context", "list": "context"},
    "few unknown": {"ratio_low": 2.88, "ratio_high": 2.92},
}


@pytest.fixture(scope="module")
def said():
    table = pd.DataFrame([ROW | case for case in CASES.values()], index=list(CASES))
    return table.join(wording.first_draft(table))


def test_a_worst_case_that_cannot_be_given_is_said():
    hidden = pd.DataFrame([ROW | {"ratio_low": np.nan, "ratio_high": np.nan}])
    assert (
        wording.first_draft(hidden)
        .loc[0, "wording"]
        .endswith(
            "How far the people whose ethnic group is not recorded could change the ratio cannot be worked out from "
            "the figures that can be shown."
        )
    )


def test_a_context_without_a_figure_says_that_there_is_none():
    """Its ratio and limits are suppressed: "nan% lower than" stood in the file and the workbook."""
    row = ROW | CASES["context"] | {"ratio": np.nan, "lower": np.nan, "upper": np.nan, "note": "hidden"}
    said = wording.first_draft(pd.DataFrame([row])).loc[0, "wording"]
    assert said == "Detentions: these figures cannot say how Black people compare with White British people (hidden)."


def test_the_years_that_would_tell_are_of_the_level_of_the_run():
    row = ROW | CASES["possible"] | {"level": 0.8}
    would = wording.first_draft(pd.DataFrame([row])).loc[0, "would_close"]
    assert would == "About 3 years together could tell a ratio of 1.5 from no gap."  # (1.28 x 0.5 / ln 1.5)^2 = 2.5


def test_a_clear_gap_reads_as_the_design_wants_it(said):
    assert said.loc["clear", "wording"] == (
        "Detentions: after allowing for age, sex and deprivation, the rate among Black people was 2.9 times that among "
        "White British people (95% interval 2.3 to 3.6): about 48 more detentions in the year than if the rate had "
        "been that among White British people. Depending on the ethnic group of the people whose group is not "
        "recorded, the ratio could lie between 2.8 and 3.9."
    )
    assert said.loc["clear", "how_sure"] == (
        "The chance that the gap is larger than 10% is at least 99%. In earlier years that chance was 97% on average. "
        "It is clear of chance over all 14 comparisons made. Chance alone could put it at any place from 1 to 3 (95% "
        "interval). The ratio is 3.4 before adjustment, 3.1 after age and sex, 2.9 after age, sex and deprivation."
    )
    assert said.loc["clear", "not_shown"] == "Residents detained elsewhere are missing. The numbers do not say why."
    assert said.loc["clear", ["amount", "certainty_text"]].tolist() == ["48 more", "at least 99%"]
    assert said.loc["clear", "would_close"] == ""


@pytest.mark.parametrize(
    ("case", "part"),
    [
        ("fewer", "40% lower than among"),
        ("fewer", ": about 10 fewer in the year"),  # 25 expected, 40% of them
        ("crude", "the ratio could lie between 2.8 and 3.9."),
        ("few unknown", "not recorded are too few to change this."),
        ("days", "the average among Black people was 30% higher"),
        ("days", ", 4 days more."),
        ("equal", "was the same as among White British people"),
        ("equal", "a gap to the disadvantage of Black people, if there is one, is smaller than 10%"),
        ("better", "the difference is in favour of Black people"),
        ("no figure", "cannot say how Black people compare with White British people (few)"),
        ("no group", "there are no figures by ethnic group"),
        ("none", "none among Black people, where about 40 would be expected"),
        ("recording", "Black people: odd. Too many. This is first a question about records"),
        ("context", "neither high nor low is better by itself"),
        ("hopeless", "do not tell whether there is a gap that matters"),
    ],
)
def test_each_kind_of_finding_says_what_it_is(said, case, part):
    assert part in said.loc[case, "wording"]


@pytest.mark.parametrize(
    ("evidence", "short"), [("possible", "at least 99%, with the other boards"), ("clear", "at least 99%")]
)
def test_what_only_the_other_boards_make_sure_says_so(evidence, short):
    """An own interval of 0.8 to 1.9 beside "at least 99%" is no certainty of this board's own figures."""
    row = ROW | {
        "evidence": evidence,
        "ratio": 1.3,
        "lower": 0.8,
        "upper": 1.9,
        "prior_mean": 0.3,
        "prior_boards": 41.0,
    }
    said = wording.first_draft(pd.DataFrame([row | {"within": 1.2, "shrunk": 1.35}])).iloc[0]
    assert said["certainty_text"] == short
    assert "is at least 99%, with the figures of the other boards." in said["how_sure"]


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("no figure", "At 4 a year, about 3 years together would reach ten events."),
        ("no group", "Figures by ethnic group. Where the measure comes from: MHSDS."),
        ("possible", "About 6 years together could tell a ratio of 1.5 from no gap."),  # (1.96 x 0.5 / ln 1.5)^2 = 5.8
        (
            "hopeless",
            "Too few events for this group here over any number of years: look at the wider area, and listen.",
        ),
    ],
)
def test_what_would_close_the_question(said, case, expected):
    assert said.loc[case, "would_close"] == expected


def test_what_the_newest_year_denies_says_so_and_not_that_years_are_lacking():
    denied = {"evidence": "not clear", "se": 0.1, "polarity": "higher_is_worse", "newest_year": "2024-25"}
    said = wording.first_draft(pd.DataFrame([ROW | denied | {"newest_ratio": ratio} for ratio in (0.98, 1.4)]))
    assert said["would_close"].str.contains("2024-25 alone shows no gap").tolist() == [True, False]


def forbidden(text):
    return [word for word in BANNED if re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE)]


def test_no_sentence_claims_a_cause(said):
    for column in ("wording", "how_sure", "not_shown", "would_close"):
        for text in said[column]:
            assert not forbidden(text), text
    assert forbidden("This is because of") == ["because"]  # the test itself can fail
    rule = draft_list.rule_text(PriorityRule(owner="x", agreed="y"))
    assert not forbidden(" ".join(rule.astype(str).to_numpy().ravel()))
    assert not forbidden(" ".join(item.definition + item.question + item.scale for item in CRITERIA.values()))
    assert not forbidden(" ".join(map(str, wording.TERMS.values())))


def test_terms_can_be_changed_one_by_one_and_an_unknown_one_is_refused():
    table = pd.DataFrame([ROW])
    terms = {"groups": {"Black or Black British": "Black African and Caribbean people"}, "not_why": "We ask why."}
    said = wording.first_draft(table, terms).iloc[0]
    assert "among Black African and Caribbean people was" in said["wording"]
    assert "We ask why." in said["not_shown"]
    assert "White British people" in said["wording"]
    for odd, what in (
        ({"grups": {}}, r"unknown term\(s\) grups"),
        ({"groups": "people"}, r"terms.groups: must hold 'name: text' lines."),
        ({"groups": {"Asan": "people"}}, r"terms.groups.Asan: unknown name."),
        ({"level": {"rate": 5}}, r"terms.level.rate: must be text"),
        ({"people": "{grp} people"}, r"terms.people: nothing is put in for \{grp\}."),
    ):
        with pytest.raises(PcrefError, match=what):
            wording.words(odd)
    assert wording.words({"groups": {"African": "A"}, "people": "our {group} people"})["people"] == "our {group} people"


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("Indian", "Indian people"),
        ("White and Black Caribbean", "people of White and Black Caribbean ethnicity"),
        ("Any other Black background", "people of any other Black background"),
        ("Any other ethnic group", "people of any other ethnic group"),
        ("Mixed", "people with a Mixed or multiple ethnic background"),
    ],
)
def test_how_groups_are_spoken_of(group, expected):
    assert wording.people(group, wording.words()) == expected


def test_the_list_in_one_sentence():
    table = pd.DataFrame([ROW | case for case in CASES.values()])
    assert wording.in_short(table) == (
        "6 gaps to discuss in 1 band, 1 possible gap to watch, 1 comparison that could not tell, 2 comparisons "
        "equal or better, 1 indicator with a question that our data cannot answer yet, 1 figure that may be a matter "
        "of recording."
    )
    none = wording.in_short(table[table["list"] != "priority"])
    assert none.startswith(
        "We could not tell whether there is a gap that matters in 2 comparisons, and 2 had no figure."
    )
    assert "is both clear of chance and larger than the margin agreed to matter" in none
