"""The dated reference data of organisations against the files at hand: sums of CCGs, register, census lookup."""

import pandas as pd
import pytest

from pcref_analysis.published import organisations

YORKSHIRE = "vale of york|scarborough|nhs hull|east riding|north lincoln|north east lincoln"
WEST = "airedale|bradford|calderdale|huddersfield|kirklees|leeds|wakefield"
NORTH = "cumbria|darlington|durham|hartlepool|south tees|newcastle|northumberland|tyneside|sunderland|tees valley"
SUSSEX = "sussex|brighton|crawley|eastbourne|hastings|horsham|high weald"
SURREY = "guildford|north west surrey|surrey downs|surrey heartlands"
MANCHESTER = "bolton|bury ccg|heywood|nhs manchester|oldham|salford|stockport|trafford|wigan"
AREAS = [  # board, code of the area then, its last year so, the other CCGs, the CCG that moved, whether it was inside
    ("QF7", "QF7", "2021-22", "barnsley|doncaster|rotherham|sheffield", "bassetlaw", True),
    ("QT1", "QT1", "2021-22", "nottingham", "bassetlaw", False),
    ("QUA", "QUA", "2021-22", "nothing", "black country and west birmingham", True),
    ("QHL", "QHL", "2021-22", "birmingham and solihull", "west birmingham", False),
    ("QOP", "QOP", "2021-22", MANCHESTER, "glossop", True),
    ("QJ2", "QJ2", "2021-22", "derby", "glossop", False),
    ("QHM", "E54000049", "2019-20", NORTH, "hambleton", True),
    ("QOQ", "E54000006", "2019-20", YORKSHIRE, "hambleton|harrogate", False),
    ("QWO", "E54000005", "2019-20", WEST, "harrogate", True),
    ("QNX", "E54000033", "2019-20", SUSSEX, "east surrey", True),
    ("QXU", "E54000035", "2019-20", SURREY, "east surrey", False),
]
DISTRICTS = {  # of Trusts that the register lacks, and of boundaries that moved: in the board as it is today
    "E08000032": "QWO", "E08000019": "QF7", "E09000007": "QMJ", "E09000019": "QMJ", "E08000030": "QUA",
    "E07000171": "QT1", "E07000037": "QJ2", "E08000025": "QHL", "E07000215": "QXU",
}  # fmt: skip


@pytest.fixture(scope="module")
def referrals(open_data):
    table = pd.read_csv(open_data / "nhs_talking_therapies_annual_by_ethnic_group.csv.gz", low_memory=False)
    keys = ["reporting_period", "org_type", "org_code", "org_name"]
    return table[table["variable_b"].eq("All")].groupby(keys, as_index=False)["referrals_received_n"].sum()


@pytest.mark.parametrize(("board", "code", "year", "others", "moved", "inside"), AREAS)
def test_an_areas_referrals_are_the_sum_of_the_ccgs_that_it_held(referrals, board, code, year, others, moved, inside):
    changed = organisations.reference("area_changed", board)
    assert changed["last_year"].tolist() == [year] and ("are not among ours" in changed["words"][0]) == inside
    here = referrals[referrals["reporting_period"].eq(year)]
    total = here.loc[here["org_code"].eq(code) & here["org_type"].isin(["STP", "ICB"]), "referrals_received_n"].sum()
    ccgs = here[here["org_type"].eq("CCG")].set_index("org_name")["referrals_received_n"]
    rest, more = (ccgs[ccgs.index.str.contains(names, case=False)] for names in (others, moved))
    assert len(more) and total == pytest.approx(rest.sum() + more.sum() * inside, abs=5 * (len(rest) + 1))


def test_every_changed_area_is_among_them_and_todays_boards_hold_the_districts(open_data):
    assert {area[0] for area in AREAS} == set(organisations.reference("area_changed")["code"])
    lookup = (
        pd.read_csv(open_data / "census2021_lsoa21_ethnic5.csv.gz").groupby("lad24_code")["icb24_ods_code"].unique()
    )
    assert {code: lookup[code].tolist() for code in DISTRICTS} == {code: [board] for code, board in DISTRICTS.items()}


def test_a_merger_in_the_register_is_closed_the_day_before_and_a_code_that_went_on_is_another_organisations(
    open_data, referrals
):
    register = pd.read_csv(open_data / "nhs_trusts_ods_etr.csv").set_index("org_code")
    assert register.loc["RRP", "close_date"] == 20241031 and register.loc["G6V2S", "open_date"] == 20241101
    names = referrals.groupby(["org_code", "reporting_period"])["org_name"].first()
    assert "WALSALL" in names["RYK", "2019-20"] and "DUDLEY INTEGRATED" in names["RYK", "2020-21"]
    assert names["RYK14", "2020-21"] == names["TAJ86", "2021-22"] == "BLAKENALL VILLAGE CENTRE"  # Walsall's
    periods = pd.Series(["2020-21", "2020-21", "2021-22"])
    assert organisations.is_providers(pd.Series(["RYK14", "RYK", "RYK14"]), periods, "TAJ").tolist() == [
        True,
        False,
        False,
    ]
    assert referrals.loc[referrals["org_code"].eq("RTV"), "reporting_period"].max() == "2021-22"


def test_what_no_file_at_hand_says_is_marked_and_it_is_two_rows():
    table = pd.concat([organisations.reference(name) for name in ("board", "area_changed", "merged_from", "not_own")])
    marked = table[table["source"].str.contains("background knowledge")]
    assert sorted(marked["other_code"]) == ["RTV", "TAF"]
