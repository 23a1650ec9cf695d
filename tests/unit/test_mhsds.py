"""MHSDS monthly files in their published layouts: three providers, three months, suppressed cells; values by hand."""

import pandas as pd
import pytest

from pcref_analysis.display import tables
from pcref_analysis.published import context, mhsds
from pcref_analysis.report.study import as_published
from pcref_analysis.store import open_data as open_data_files
from pcref_analysis.vocabulary.errors import NotPublishedError, PcrefError

MONTHLY = (
    "REPORTING_PERIOD_START,REPORTING_PERIOD_END,STATUS,BREAKDOWN,PRIMARY_LEVEL,PRIMARY_LEVEL_DESCRIPTION,"
    "SECONDARY_LEVEL,SECONDARY_LEVEL_DESCRIPTION,MEASURE_ID,MEASURE_NAME,MEASURE_VALUE\n"
)
RESTRAINT = (
    "REPORTING_PERIOD_START,REPORTING_PERIOD_END,STATUS,BREAKDOWN,LEVEL_ONE,LEVEL_ONE_DESCRIPTION,LEVEL_TWO,"
    "LEVEL_TWO_DESCRIPTION,LEVEL_THREE,LEVEL_THREE_DESCRIPTION,METRIC,METRIC_VALUE\n"
)
ENDS = {"04": "30", "05": "31", "06": "30"}


def month(number, iso=True):
    year, last = "2023", ENDS[number]
    return f"2023-{number}-01,2023-{number}-{last}" if iso else f"01/{number}/{year},{last}/{number}/{year}"


def detained(number, org, groups, status="Final"):
    """Write the rows of a provider's month, as the code of the publication names its breakdowns."""
    first = f"{month(number)},{status},Provider; Upper Ethnicity,{org},A NAME"
    return "".join(f"{first},{group},{group},MHS81,Detentions in RP,{value}\n" for group, value in groups.items())


def restrained(number, kind, groups, measure):
    level = "England,England" if kind == "England" else f"{kind},A NAME"
    what = "England" if kind == "England" else "Provider"
    return "".join(
        f"{month(number, iso=False)},Final,{what}; Upper Ethnicity,{level},{code},{group},NONE,NONE,{measure},{value}\n"
        for code, (group, value) in enumerate(groups.items())
    )


W, B, A = "White", "Black or Black British", "Asian or Asian British"


@pytest.fixture
def folder(tmp_path):
    one = detained("04", "RXX", {W: 30, B: 10, "UNKNOWN": "*"}) + detained("05", "RXX", {W: 20, B: "*"})
    one += detained("06", "RXX01", {W: 25, B: 15, "Not Stated": 5}) + detained("04", "RYY", {W: 90})
    one += detained("04", "RXX", {W: 40}, "Performance") + detained("04", "RZZ", {W: 5, B: 5})
    one += f"{month('04')},Final,Provider; Ethnicity,RXX,A NAME,M,Caribbean,MHS81,Detentions in RP,10\n"
    one += f"{month('04')},Final,Provider,RXX,A NAME,NONE,NONE,MHS81,Detentions in RP,45\n"
    for group, value in {W: 3001, B: 702, "Mixed": 101, A: 303, "Other ethnic groups": 55, "UNKNOWN": 400}.items():
        one += (
            f"{month('04')},Final,England; Upper Ethnicity,{group},{group},NONE,NONE,MHS81,Detentions in RP,{value}\n"
        )
    (tmp_path / "mhsds_monthly_data_q1.csv").write_text(MONTHLY + one, encoding="utf-8")
    two = ""
    for number in ("04", "05"):
        for org, people, used, per in (("RXX", 20, 100, 50), ("England", 2000, 9000, 10)):
            black = {W: people, B: "*" if number == "05" and org == "RXX" else 10}
            two += restrained(number, org, black, "MHS76")
            two += restrained(number, org, {W: used, B: "*" if black[B] == "*" else 40}, "MHS77")
            two += restrained(number, org, {W: per, B: "*" if black[B] == "*" else 80}, "MHS96")
    (tmp_path / "mhsds_restrictive_interventions_q1.csv").write_text(RESTRAINT + two, encoding="utf-8")
    return tmp_path


def figures(table, group):
    return table.set_index("ethnic_group").loc[group, ["events", "events_low", "events_high"]].tolist()


def test_detentions_of_single_months_add_up_and_a_suppressed_month_leaves_an_interval(folder):
    found = mhsds.by_ethnic_group(folder, "RXX", "detentions", "2023-24")
    assert figures(found, W) == [75, 28 + 18 + 23, 32 + 22 + 27]  # 40 was an earlier edition's; RXX01 is its site
    black = figures(found, B)
    assert pd.isna(black[0]) and black[1:] == [8 + 0 + 13, 12 + 4 + 17]
    assert figures(found, "Unknown")[1:] == [0 + 0 + 5, 4 + 4 + 7]  # not stated and unknown are one group here
    asian = found.set_index("ethnic_group").loc[A]
    assert asian["events_high"] == 12 and asian["note"].startswith(
        "3 of 12 months published"
    )  # a row that is not there
    assert found.set_index("ethnic_group").loc["Unknown", "at_risk_high"] != found["at_risk_high"].max()


def test_englands_detentions_are_exact_and_the_shares_are_of_those_with_a_known_group(folder):
    found = mhsds.by_ethnic_group(folder, "England", "detentions", "2023-24").set_index("ethnic_group")
    assert found.loc[B, ["events_low", "events", "events_high"]].tolist() == [702, 702, 702]
    assert found.loc[B, "at_risk"] == 3001 + 702 + 101 + 303 + 55
    assert "Caribbean" not in set(mhsds.monthly(folder)["ethnic_group"])  # a detailed group is part of a broad one


def test_people_restrained_are_set_against_the_bed_days_that_the_publication_leaves(folder):
    found = mhsds.by_ethnic_group(folder, "RXX", "people_restrained", "2023-24").set_index("ethnic_group")
    white = found.loc[W]
    assert white["events"] == 40 and white["per"] == 1000
    assert white["at_risk"] == pytest.approx(2 * 100 / 50 * 1000)
    assert white["at_risk_low"] == pytest.approx(2 * 98 / 50.5 * 1000)
    assert white["at_risk_high"] == pytest.approx(2 * 102 / 49.5 * 1000)
    assert pd.isna(found.loc[B, "at_risk"]) and pd.isna(found.loc[B, "at_risk_high"])  # a month without a figure


def test_a_page_shows_them_with_england_and_never_as_a_rate_of_residents(folder):
    table = pd.concat([context.monthly(folder, "RXX", name, "2023-24") for name in context.MONTHLY])
    names = {"detentions": "Detentions", "people_restrained": "People restrained"}
    table = table.assign(indicator_name=table["indicator"].map(names))
    text = tables.context(as_published(table, "routes"), "routes", "As published").text
    assert "3 of 12 months published" in text and "per 1,000 bed days, compared with White" in text
    assert "residents" not in text
    white = table.query("indicator == 'people_restrained' and category == @W").iloc[0]
    assert white["estimate"] == pytest.approx(10.0) and white["england"] == pytest.approx(4000 / 1_800_000 * 1000)


def test_what_is_not_here_is_named_with_where_it_is_published_and_what_it_would_add(folder):
    (folder / "mhsds_restrictive_interventions_q1.csv").unlink()
    here, gone = open_data_files.besides(folder)
    assert "1 file(s) here" in here
    assert "not here; would add people restrained" in gone and "https://digital.nhs.uk/" in gone
    with pytest.raises(NotPublishedError, match="no people_restrained of 'RXX'"):
        context.monthly(folder, "RXX", "people_restrained", "2023-24")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("BREAKDOWN", "LEVEL", "no column BREAKDOWN"),
        (",30\n", ",thirty\n", r"MEASURE_VALUE is neither a count nor '\*' in 1 row"),
        ("2023-04-01", "April 2023", "REPORTING_PERIOD_START is no date"),
    ],
)
def test_another_layout_is_named_with_the_file_and_column(folder, old, new, said):
    path = folder / "mhsds_monthly_data_q1.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(PcrefError, match=said) as caught:
        mhsds.monthly(folder)
    assert path.name in str(caught.value) and "thirty" not in str(caught.value)


def test_the_extract_of_2021_22_says_in_how_many_months_restraint_was_published(open_data):
    found = mhsds.all_groups(open_data, "RV5").set_index("area")
    assert found.loc["RV5", "note"].startswith(
        "1 of 12 months published, the others"
    )  # the largest Trust: a matter of records
    assert found.loc["RV5", ["events", "events_low", "events_high", "at_risk"]].tolist() == [85, 83, 87, 19490]
    assert found.loc["England", "note"] == "12 of 12 months published"
