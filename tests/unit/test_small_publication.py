"""The Mental Health Act and Talking Therapies files on a few rows, residents given: what is read and what is said."""

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.population import catchment, resident_counts
from pcref_analysis.published import mental_health_act, publisher_rounding, talking_therapies
from pcref_analysis.vocabulary.errors import PcrefError

BROAD = ["White", "Mixed", "Asian or Asian British", "Black or Black British", "Other Ethnic Groups", "Unknown"]
RESIDENTS = pd.DataFrame(
    {
        "ethnic_group": [*BROAD[:4], "Other ethnic groups"],
        "residents": [50_000.0, 2_000.0, 4_000.0, 1_000.0, 500.0],
    }
)
REPEAT = {  # detailed label -> people detained once, twice
    "British": (90, 10),
    "Chinese": (8, 2),
    "Any Other Ethnic Group": (20, 5),
    "Not Stated": (40, 6),
    "Not Known": (30, 4),
}


def mha_rows():
    def row(measure, sub, demographic, label, level, code, count, rate=None):
        return {
            "year": "2023/24",
            "measure": measure,
            "measure_subcategory": sub,
            "demographic": demographic,
            "demographic_breakdown": label,
            "organisation_breakdown": level,
            "org_code": code,
            "mhsds_count": count,
            "crude_rate_per_100k": rate,
        }

    local = [30, None, 5, 10, 15, 25]
    yield from (
        row("All detentions", "All", "Ethnicity", g, "ICB", "QXX", n, 1.0) for g, n in zip(BROAD, local, strict=True)
    )
    yield from (
        row("All detentions", "All", "Ethnicity", g, "All submissions", "All prov", n)
        for g, n in zip(BROAD, [1000, 33, 40, 7, 0, 3], strict=True)
    )
    yield row("Detentions on admission to hospital", "All", "Ethnicity", "White", "ICB", "QXX", 20)
    yield from (
        row("All detentions", "All", "IMD", label, "ICB", "QXX", n)
        for label, n in [
            ("01 Least deprived", 10),
            *((f"{d:02} Less deprived", 15) for d in range(2, 10)),
            ("10 Most deprived", 90),
            ("Not stated/Not known/Invalid", None),
        ]
    )
    for label, (once, twice) in REPEAT.items():
        for times, people in (("1", once), ("2", twice)):
            yield row(
                *("People subject to repeat detentions", times, "Ethnicity", label, "All submissions", "All prov"),
                people,
            )
    # the published broad group of this table has unknowns folded into it
    yield row("People subject to repeat detentions", "1", "Ethnicity", BROAD[4], "All submissions", "All prov", 98)


def tt_rows():
    def row(period, kind, code, group, referrals, people, recovered, pct):
        return {
            "reporting_period": period,
            "org_type": kind,
            "org_code": code,
            "variable_a": group,
            "variable_b": "All",
            "referrals_received_n": referrals,
            "at_caseness_n": people,
            "finished_course_treatment_n": people + 10 if people else None,
            "not_at_caseness_n": 10 if people and people > 10 else None,
            "recovery_n": recovered,
            "recovery_pct": pct,
        }

    unknown = "Not stated/Not known/Invalid"
    for group, n in zip([*BROAD[:5], unknown], [1000, 40, 80, 20, None, 100], strict=True):
        yield row("2022-23", "ICB", "QUE", group, n, n, 10, 40.0)
        yield row("2018-19", "STP", "E54000021", group, n, n, 10, 40.0)
        yield row("2018-19", "Provider", "RT1", group, 5, 10, None, None)
        yield row("2018-19", "Provider", "RT119", group, 500, 100, 50, 49.0)
        yield row("2019-20", "Provider", "RT119", group, 600, 110, 55, 51.0)
    yield row("2019-20", "Provider", "RT1AB", "White", 600, 110, 55, 51.0)  # another organisation


@pytest.fixture
def folder(tmp_path, monkeypatch):
    pd.DataFrame(mha_rows()).to_csv(tmp_path / "mha_2023_24_annual.csv.gz", index=False)
    pd.DataFrame(tt_rows()).to_csv(tmp_path / "nhs_talking_therapies_annual_by_ethnic_group.csv.gz", index=False)
    monkeypatch.setattr(catchment, "lsoas", lambda folder, code: ["E01000001"])
    monkeypatch.setattr(resident_counts, "totals", lambda folder, lsoas, detail: RESIDENTS)
    monkeypatch.setattr(
        resident_counts,
        "by_age",
        lambda folder, lsoas, cuts, detail="broad": RESIDENTS.assign(age_band="16+", sex="Female"),
    )
    return tmp_path


def test_a_boards_counts_come_with_their_intervals_and_residents(folder):
    got = mental_health_act.by_ethnic_group(folder, "QXX")
    assert list(got) == publisher_rounding.COLUMNS
    assert got["ethnic_group"].tolist() == [*BROAD[:4], "Other ethnic groups", "Unknown"]
    assert got["events_low"].tolist() == [28, 0, 5, 8, 13, 23]
    assert got["events_high"].tolist() == [32, 4, 7, 12, 17, 27]
    assert got["at_risk"].tolist()[:5] == RESIDENTS["residents"].tolist()
    assert np.isnan(got["at_risk"].iloc[5])
    notes = got.set_index("ethnic_group")["note"]
    assert notes["White"] == ""
    assert notes["Mixed"] == publisher_rounding.SUPPRESSED
    assert "Chinese" in notes["Asian or Asian British"]
    assert "Chinese" in notes["Other ethnic groups"]
    assert "no residents" in notes["Unknown"]


def test_england_is_exact_and_its_zero_is_zero(folder):
    got = mental_health_act.by_ethnic_group(folder, "England").set_index("ethnic_group")
    assert got.loc["Other ethnic groups", ["events", "events_low", "events_high"]].tolist() == [0, 0, 0]
    assert got.loc["Mixed", ["events", "events_low", "events_high"]].tolist() == [33, 33, 33]


def test_what_is_not_published_for_the_area_is_refused(folder):
    with pytest.raises(PcrefError, match="cto_starts is published by broad ethnic group for England, not for QXX"):
        mental_health_act.by_ethnic_group(folder, "QXX", "cto_starts")
    with pytest.raises(PcrefError, match="no integrated care board 'QZZ'"):
        mental_health_act.by_ethnic_group(folder, "QZZ")


def test_deciles_counted_from_the_least_deprived_are_turned_round(folder):
    got = mental_health_act.by_deprivation(folder, "QXX").set_index("imd_decile")
    assert got.loc[1, "events"] == 90
    assert got.loc[10, "events"] == 10
    assert got["imd_quintile"].dropna().tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert got["imd_quintile"].isna().sum() == 1
    assert got[got["imd_quintile"].isna()]["events_high"].tolist() == [4]


def test_unknowns_are_not_folded_into_other_among_repeat_detentions(folder):
    got = mental_health_act.repeat_detention(folder).set_index("ethnic_group")
    assert got.loc["Other ethnic groups", ["events", "at_risk"]].tolist() == [7, 35]  # Chinese and any other
    assert got.loc["Unknown", ["events", "at_risk"]].tolist() == [10, 80]
    assert got.loc["White", ["events", "at_risk"]].tolist() == [10, 100]


def test_a_trusts_site_is_added_and_a_suppressed_part_leaves_an_interval(folder):
    got = talking_therapies.by_ethnic_group(folder, "RT1", "provider", "talking_therapies_recovery")
    assert got["period"].unique().tolist() == ["2018-19", "2019-20"]
    both, alone = (got[got["period"].eq(p) & got["ethnic_group"].eq("White")].iloc[0] for p in ("2018-19", "2019-20"))
    assert np.isnan(both["events"])
    assert [both["events_low"], both["events_high"]] == [48 + 0, 52 + 4]
    # RT1 finished 20 (18 to 22), not at caseness suppressed (0 to 4); RT119 finished 110 (108 to 112) less 10 (8 to 12)
    assert [both["at_risk_low"], both["at_risk_high"]] == [18 + 108 - 4 - 12, 22 + 112 - 0 - 8]
    assert both["at_risk"] == 110  # at caseness, 10 + 100, stands for the difference, which is not shown
    assert np.isnan(both["published_rate"])
    assert "part of the sum" in both["note"]
    assert alone[["events", "at_risk", "published_rate"]].tolist() == [55, 110, 51.0]
    assert alone["note"] == ""


def test_a_boards_former_name_is_followed_and_a_trust_has_no_rate(folder):
    got = talking_therapies.by_ethnic_group(folder, "QUE", "icb", "talking_therapies_referrals")
    assert got["period"].unique().tolist() == ["2018-19", "2022-23"]
    other = got[got["ethnic_group"].eq("Other ethnic groups")].iloc[0]
    assert [other["events_low"], other["events_high"], other["at_risk"]] == [0, 4, 500]
    with pytest.raises(PcrefError, match="a Trust has none"):
        talking_therapies.by_ethnic_group(folder, "RT1", "provider", "talking_therapies_referrals")
    with pytest.raises(PcrefError, match="no provider rows for 'RXX'"):
        talking_therapies.by_ethnic_group(folder, "RXX", "provider", "talking_therapies_recovery")


def test_periods_can_be_chosen(folder):
    got = talking_therapies.by_ethnic_group(
        folder, "RT1", "provider", "talking_therapies_recovery", periods=["2019-20"]
    )
    assert got["period"].unique().tolist() == ["2019-20"]
    with pytest.raises(PcrefError, match="no rows of 2031-32 for 'RT1'"):
        talking_therapies.by_ethnic_group(folder, "RT1", "provider", "talking_therapies_recovery", periods=["2031-32"])
