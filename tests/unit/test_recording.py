"""What is told as a matter of recording, on little tables."""

import pandas as pd
import pytest

from pcref_analysis.analysis import ethnicity_coding

GROUPS = ["White", "Mixed", "Asian or Asian British", "Black or Black British", "Other ethnic groups", "Unknown"]


def counts(events, residents, area="QXX", low=2, high=2, measure="rate"):
    at_risk = pd.Series([*residents, None], dtype=float)
    shown = pd.Series(events, dtype=float)
    return pd.DataFrame({"ethnic_group": GROUPS, "events": shown, "at_risk": at_risk}).assign(
        indicator="detentions",
        period="2023-24",
        area=area,
        events_low=(shown - low).clip(lower=0).fillna(0),
        events_high=(shown + high).fillna(4),
        at_risk_low=at_risk,
        at_risk_high=at_risk,
        measure=measure,
        per=100_000,
        note="",
    )


ENGLAND = counts(
    [31_735, 1_935, 3_993, 5_693, 2_169, 3_726],
    [45_783_622, 1_669_304, 4_995_287, 2_381_670, 1_660_225],
    "England",
    0,
    0,
)
RESIDENTS = [958_000, 20_000, 49_000, 14_500, 13_700]


def flags(events, residents=RESIDENTS, **options):
    table = ethnicity_coding.flags(counts(events, residents), ENGLAND, **options).set_index("ethnic_group")
    return table["flag"], table["reason"]


def test_other_far_above_its_residents_and_its_national_ratio_is_a_recording_matter():
    flag, reason = flags([595, 20, 35, 30, 100, 55])
    assert flag["Other ethnic groups"] == ethnicity_coding.RECORDING
    for part in ("12.8%", "1.3%", "in England 1.9"):
        assert part in reason["Other ethnic groups"]


def test_a_named_group_is_never_flagged_however_high_its_rate():
    flag, _ = flags([595, 20, 35, 200, 15, 55])
    assert flag["Black or Black British"] == ""
    assert flag["Other ethnic groups"] == ""


def test_mixed_is_tested_as_other_is():
    assert flags([215, 75, 25, 30, 15, 20])[0]["Mixed"] == ethnicity_coding.RECORDING


def test_few_events_are_not_enough():
    """Ten of Other at 4.5 times the comparator's rate: the interval reaches down to where England is."""
    assert flags([600, 20, 35, 30, 15, 55], [958_000, 20_000, 49_000, 14_500, 5_300])[0]["Other ethnic groups"] == ""


@pytest.mark.parametrize(("unknown", "flagged"), [(55, False), (80, False), (120, True)])
def test_many_without_a_known_group_are_flagged_at_a_tenth_of_events(unknown, flagged):
    flag, reason = flags([595, 20, 35, 30, 15, unknown])
    assert (flag["Unknown"] == ethnicity_coding.UNKNOWN) is flagged
    assert bool(reason["Unknown"]) is flagged


def test_the_rule_can_be_set():
    assert flags([595, 20, 35, 30, 100, 55], rule={"england_times": 6.0})[0]["Other ethnic groups"] == ""
    assert flags([595, 20, 35, 30, 15, 55], rule={"unknown_share": 0.05})[0]["Unknown"] == ethnicity_coding.UNKNOWN


def test_a_suppressed_count_is_not_flagged():
    flag, _ = flags([595, 20, 35, 30, None, 55])
    assert (flag == "").all()


@pytest.mark.parametrize(("other", "flagged"), [(100, True), (40, False)])
def test_what_england_lacks_is_tested_against_the_highest_ratio_that_it_has_elsewhere(other, flagged):
    local = counts([595, 20, 35, 30, other, 55], RESIDENTS).assign(indicator="short_term_orders")
    out = ethnicity_coding.flags(local, ENGLAND).set_index("ethnic_group")
    assert bool(out.loc["Other ethnic groups", "flag"]) is flagged
    assert ("not published for England" in out.loc["Other ethnic groups", "reason"]) is flagged


def test_every_row_is_answered_in_order():
    local = counts([595, 20, 35, 30, 100, 55], RESIDENTS)
    out = ethnicity_coding.flags(local, ENGLAND)
    assert list(out) == ethnicity_coding.COLUMNS
    assert out["ethnic_group"].tolist() == GROUPS
