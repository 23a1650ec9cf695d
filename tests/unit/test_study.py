"""A page released by the run's plan shows what it would show released together with all other pages."""

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.analysis import levels_and_gaps
from pcref_analysis.disclosure import release_tables
from pcref_analysis.estimates.rates import rates
from pcref_analysis.report.study import Study
from pcref_analysis.store import runs
from pcref_analysis.vocabulary import parameters
from pcref_analysis.vocabulary.errors import PcrefError

GROUPS = ["White", "Mixed", "Asian or Asian British", "Black or Black British", "Other ethnic groups"]
NUMBERS = ["estimate", "lower", "upper", "events", "at_risk"]


@pytest.fixture
def rule():
    return parameters.load("demo")


def counted(indicator, events, at_risk):
    frame = pd.DataFrame({"indicator": indicator, "period": "2023-24", "ethnic_group": GROUPS})
    return frame.assign(events=np.array(events, float), at_risk=np.array(at_risk, float), measure="percent")


def levels(counts):
    share = 100 * counts["events"] / counts["at_risk"]
    return counts.assign(adjustment="crude", estimate=share, lower=share * 0.8, upper=share * 1.2, level=0.95, note="")


COUNTS = pd.concat(
    [
        counted("follow_up_72_hours", [301, 3, 42, 57, 12], [420, 9, 60, 88, 20]),
        counted("non_attendance", [1204, 41, 4, 160, 33], [5301, 222, 318, 700, 144]),
    ],
    ignore_index=True,
)


def test_a_word_that_an_analyst_mistypes_is_named_and_no_empty_table(rule):
    cells = counted("non_attendance", [9] * 5, [99] * 5).assign(sex="Female", age_band="20-24", imd_quintile=1)
    for call, words in (
        (lambda: levels_and_gaps.select(cells, rule, "acess"), "no domain 'acess'. Did you mean 'access'"),
        (lambda: Study(rule)._of(cells, "2024-25"), "no period '2024-25'; there are 2021-22, 2022-23, 2023-24"),
        (lambda: levels_and_gaps.ladder(cells, "White", ["age"]), "ladder: steps are of crude"),
        (lambda: runs.load("dmeo"), "Did you mean 'demo'"),
        (lambda: rates.crude(cells, ["ethnic_group"], per=0), "per: must be a number above 0"),
        (lambda: rates.crude(cells, ["ethnic_group"], level="95%"), "level: must be a number between 0 and 1"),
    ):
        with pytest.raises(PcrefError, match=words):
            call()


def test_a_page_alone_shows_what_all_pages_together_show(rule):
    plan = release_tables.plan({"counts": COUNTS}, rule)
    whole = release_tables.release_all({"levels": levels(COUNTS)}, rule)[0].table.set_index(
        ["indicator", "ethnic_group"]
    )
    for name, part in COUNTS.groupby("indicator"):
        (page,) = release_tables.release_by_plan({"levels": levels(part)}, plan, rule)
        mine = page.table.set_index(["indicator", "ethnic_group"])
        pd.testing.assert_frame_equal(mine[NUMBERS], whole.loc[[name], NUMBERS])
        assert (mine["events_status"] == "suppressed").any()


@pytest.mark.parametrize("change", ["another indicator", "another count", "another breakdown"])
def test_a_count_that_the_plan_does_not_know_is_refused_without_its_value(rule, change):
    plan = release_tables.plan({"counts": COUNTS}, rule)
    part = levels(COUNTS[COUNTS["indicator"] == "non_attendance"].reset_index(drop=True))
    if change == "another indicator":
        part = part.assign(indicator="did_not_wait", events=part["events"] + 7)
    elif change == "another count":
        part.loc[1, "events"] = 77.0
    else:
        part["team"] = "A1"
    with pytest.raises(PcrefError, match="disclosure plan") as caught:
        release_tables.release_by_plan({"levels": part}, plan, rule)
    assert "77" not in str(caught.value)


def test_parts_of_several_pages_are_one_table(rule):
    plan = release_tables.plan({"counts": COUNTS}, rule)
    pages = [
        release_tables.release_by_plan({"levels": levels(part.reset_index(drop=True))}, plan, rule)[0]
        for _, part in COUNTS.groupby("indicator")
    ]
    whole = release_tables.joined([*pages, pages[0]], lambda frames: pd.concat(frames, ignore_index=True))
    assert len(whole.table) == len(COUNTS), "a line of two pages stands once"
    assert {"series", "public", "shares", "gaps"} <= set(whole.links)
    assert release_tables.attack([whole]).empty


def test_an_internal_plan_hides_nothing(rule):
    inside = rule.model_copy(update={"audience": "internal"})
    plan = release_tables.plan({"counts": COUNTS}, inside)
    (page,) = release_tables.release_by_plan({"levels": levels(COUNTS)}, plan, inside)
    assert page.table["events"].tolist() == COUNTS["events"].tolist() and page.audience == "internal"
