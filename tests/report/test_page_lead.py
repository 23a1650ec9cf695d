"""What a page of figures says first: its finding, every comparison counted once, and a badge for each indicator."""

import re

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.priorities.findings import EVERY_GROUP
from pcref_analysis.report.pages import main_points, page_lead, quality, terms
from pcref_analysis.store import csv_text
from pcref_analysis.vocabulary import parameters
from pcref_analysis.vocabulary.errors import PcrefError

GIVEN = parameters.load("demo")
BASE = {
    "item": "x", "indicator": "detentions", "name": "Detentions", "period": "2023-24", "ethnic_group": "Mixed",
    "comparator": "White", "domain": "experience", "ratio": 1.2, "ratio_low": 1.1, "ratio_high": 1.3, "flag": np.nan,
    "list": "unclear", "rank": np.nan, "wording": "", "evidence": "not clear", "measure": "rate",
}  # fmt: skip


def found(*rows):
    table = pd.DataFrame([BASE | row for row in rows])
    return [{"id": "priorities-findings", "kind": "table", "title": "t", "csv": csv_text.to_csv(table)}]


def said(*rows, given=GIVEN):
    return page_lead.of_page(found(*rows), given)["03_experience.html"]


def test_every_comparison_is_in_one_count_and_what_is_none_is_not_counted():
    kinds = ("clear", "possible", "possible", "better", "equal", "recording", "context", "not clear", "no figure")
    nobody = {"evidence": "no figure", "ethnic_group": EVERY_GROUP}  # what nobody measured is no comparison
    words = said(*({"evidence": kind} for kind in kinds), nobody)
    assert words.startswith("Of 9 comparisons")
    assert sum(map(int, re.findall(r"\d+", words.partition(": ")[2]))) == 9
    assert "0" not in said({"evidence": "possible"}, {}) and "No gap" not in said({"evidence": "possible"}, {})
    assert said({"evidence": "possible"}, {}).startswith("We could not tell")
    assert said({"evidence": "context"}) == "Of 1 comparison with the White group on this page: 1 shown as context."
    other = GIVEN.model_copy(update={"comparator": "Other ethnic groups"})
    assert said({"evidence": "context"}, given=other).startswith("Of 1 comparison with the Other ethnic groups on this")


def test_a_number_of_no_released_row_stops_the_finding():
    row = {"evidence": "clear", "list": "priority", "rank": 1.0, "wording": "Detentions: it was 7.7 times that."}
    assert "7.7" in said(row)
    with pytest.raises(PcrefError, match="the finding of 03_experience"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(main_points, "sentence", lambda *_, **__: "It was 8.8 times that.")
        said(row)


@pytest.mark.parametrize(
    ("rows", "badge", "words"),
    [
        ([{}, {"ratio": 0.8, "ratio_low": 0.7, "ratio_high": 0.9}], "Firm", "2 ratios stay on their side of 1"),
        ([{}, {"ratio_low": 0.9}], "With care", "1 of 2 ratios could lie on the other side"),
        ([{}, {"ratio_low": np.nan}], "With care", "For 1 more we cannot say"),
        (
            [{"ratio_low": np.nan, "ratio_high": np.nan}],
            "With care",
            "could change the ratios: the numbers that it would take",
        ),
        ([{"flag": "records may be incomplete"}], "With care", "The records may be incomplete"),
        ([{"ratio": np.nan, "flag": "records may be incomplete"}], "With care", "No ratio to the comparator"),
    ],
)
def test_a_badge_says_what_unknown_ethnic_groups_could_change(rows, badge, words):
    unknown = pd.DataFrame({"indicator": ["detentions"], "estimate": [6.66], "upper": [7.0]})
    made = quality.of_indicators(pd.DataFrame([BASE | row for row in rows]), unknown).iloc[0]
    assert made["badge"] == badge and words in made["reason"] and "not known for 6.7%" in made["reason"]
    nobody = quality.of_indicators(pd.DataFrame([BASE | row for row in rows]), unknown.assign(estimate=0.0)).iloc[0]
    assert (
        "Ethnic group is known for everyone, or nearly everyone" in nobody["reason"] and "0.0%" not in nobody["reason"]
    )


def test_an_indicator_without_any_ratio_has_no_badge():
    assert quality.of_indicators(pd.DataFrame([BASE | {"ratio": np.nan}]), pd.DataFrame()).empty


def test_a_term_leads_to_its_meaning_once_from_a_sentence_and_never_from_a_heading_or_a_link():
    html = terms.linked("<h2>Ratio</h2><p><a href='x'>ratio</a> A ratio, the median; one more ratio.</p>")
    assert html == (
        '<h2>Ratio</h2><p><a href=\'x\'>ratio</a> A <a class="term" href="definitions.html#word-ratio">ratio</a>, the '
        '<a class="term" href="definitions.html#word-median">median</a>; one more ratio.</p>'
    )
