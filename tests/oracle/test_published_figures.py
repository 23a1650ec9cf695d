"""The open figures themselves: denominators that the publisher's own rates imply, totals, and the two first users.

Independent numbers: the publisher's crude rates (count over denominator, rounded to one place), the census totals
of tables that the code does not use for the purpose, and the figures of the data folder's own checks.
"""

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.analysis import ethnicity_coding
from pcref_analysis.estimates import interval_counts
from pcref_analysis.population import catchment, census, resident_counts
from pcref_analysis.published import mental_health_act, published_counts, talking_therapies
from pcref_analysis.vocabulary import ethnicity, parameters
from pcref_analysis.vocabulary.errors import PcrefError

BOARDS = {"QUE": 914_695, "QJ2": 1_055_987}
RUNS = {"published-cpft": "QUE", "published-derbyshire": "QJ2"}


@pytest.fixture(scope="module")
def loaded(open_data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PCREF_OPEN_DATA", str(open_data))
        return {board: published_counts.load(parameters.load(run)) for run, board in RUNS.items()}


def test_england_rates_are_reproduced_for_every_detailed_group_but_the_two_that_the_publisher_divides_otherwise(
    open_data,
):
    table = mental_health_act.by_ethnic_group(open_data, "England", detail="detailed").set_index("ethnic_group")
    ours = table["events"] / table["at_risk"] * 1e5
    apart = (ours - table["published_rate"]).abs()
    otherwise = ["Any other White background", "Any other ethnic group"]
    assert (apart.drop([*otherwise, "Not stated", "Not known"]) <= 0.0501).all()
    assert apart["Any other White background"] > 1  # theirs without Gypsy or Irish Traveller and Roma
    assert apart["Any other ethnic group"] > 50  # theirs without Arab
    assert table.loc[otherwise, "note"].str.contains("leaves").all()


@pytest.mark.parametrize("indicator", ["detentions", "section_136", "cto_starts"])
def test_england_broad_rates_are_reproduced(open_data, indicator):
    table = mental_health_act.by_ethnic_group(open_data, "England", indicator).set_index("ethnic_group")
    ours = table["events"] / table["at_risk"] * 1e5
    apart = (ours - table["published_rate"]).abs().drop(["Unknown", "White"])
    assert (apart <= 0.0501).all()
    # White: the publisher's denominator is 101 thousand people (Roma) smaller, which is 0.2 per cent
    assert ours["White"] == pytest.approx(table.loc["White", "published_rate"], rel=0.006)


def test_denominators_are_those_that_the_data_folder_found(open_data):
    england = resident_counts.totals(open_data).set_index("ethnic_group")["residents"]
    assert england["Other ethnic groups"] == pytest.approx(1_660_000, abs=5_000)  # Chinese + Arab + any other
    assert england["Asian or Asian British"] == pytest.approx(4_995_000, abs=5_000)  # without Chinese
    assert england.sum() == pytest.approx(56_490_108)
    table = pd.read_csv(open_data / "census2021_lsoa21_ethnic5.csv.gz")
    here = table[table["icb24_ods_code"] == "QUE"]
    assert [here["asian"].sum(), here["other"].sum()] == [71_071, 14_969]
    local = resident_counts.totals(open_data, catchment.lsoas(open_data, "QUE")).set_index("ethnic_group")["residents"]
    moved = 71_071 - local["Asian or Asian British"]
    assert local["Other ethnic groups"] == pytest.approx(14_969 + moved)


@pytest.mark.parametrize("board", BOARDS)
def test_published_board_rates_of_undisputed_groups_are_reproduced(open_data, board):
    table = mental_health_act.by_ethnic_group(open_data, board).set_index("ethnic_group")
    same = table.loc[["White", "Mixed", "Black or Black British"]]
    ours = same["events"] / same["at_risk"] * 1e5
    assert (ours / same["published_rate"] - 1).abs().max() < 0.004
    assert ours["White"] == pytest.approx(table.loc["White", "published_rate"], abs=0.05)
    # and the publisher's Asian and Other follow from the census' own groups, with Chinese in Asian
    chinese = resident_counts.totals(open_data, catchment.lsoas(open_data, board), "detailed")
    chinese = chinese.set_index("ethnic_group").loc["Chinese", "residents"]
    asian, other = (table.loc[g] for g in ("Asian or Asian British", "Other ethnic groups"))
    assert asian["events"] / (asian["at_risk"] + chinese) * 1e5 == pytest.approx(asian["published_rate"], rel=0.004)
    assert other["events"] / (other["at_risk"] - chinese) * 1e5 == pytest.approx(other["published_rate"], rel=0.004)


def test_published_rates_rest_on_the_rounded_count(open_data):
    """So that a rate tells no more of the count than the count shown does: no interval here can be narrowed by it."""
    table = mental_health_act.by_ethnic_group(open_data, "QJ2").set_index("ethnic_group").loc["White"]
    rates = np.arange(table["events_low"], table["events_high"] + 1) / table["at_risk"] * 1e5
    near = np.abs(rates - table["published_rate"]) <= 0.05
    assert near[2]  # 595


def test_zero_is_suppressed_too(open_data):
    """England has three detentions of unknown age; the rows of all 43 boards for it are empty, so most hide a zero."""
    table = pd.read_csv(open_data / "mha_2023_24_annual.csv.gz")
    rows = table[table["measure"].eq("All detentions") & table["demographic_breakdown"].eq("Unknown")]
    rows = rows[rows["demographic"].eq("Age")].set_index("organisation_breakdown")["mhsds_count"]
    assert rows["All submissions"] == 3
    assert len(rows["ICB"]) == 43
    assert rows["ICB"].isna().all()
    local = table["organisation_breakdown"].eq("ICB") & table["org_code"].ne("All prov")
    local = table.loc[local, "mhsds_count"].dropna()
    assert local.min() == 5
    assert (local % 5 == 0).all()


@pytest.mark.parametrize("version", [2025, 2019])
@pytest.mark.parametrize("board", BOARDS)
def test_residents_meet_every_table_that_they_were_made_from(open_data, board, version):
    lsoas = catchment.lsoas(open_data, board)
    people, fit = resident_counts.build(open_data, lsoas, imd_version=version)
    assert people["residents"].sum() == pytest.approx(BOARDS[board], abs=1e-6)
    assert people["residents"].ge(0).all()
    assert len(people) == 16 * 2 * 7 * 5
    worst = fit.set_index("margin")["largest_difference"]
    assert worst["MSOA x sex x age, broad group"] < 3  # people: the census' own perturbation between two tables
    assert worst.drop("MSOA x sex x age, broad group").max() < 1e-4
    assert fit["rounds"].max() <= 50
    totals = resident_counts.totals(open_data, lsoas, "detailed").set_index("ethnic_group")["residents"]
    got = people.groupby("ethnic_group")["residents"].sum()
    assert got.to_dict() == pytest.approx(totals.to_dict())


@pytest.mark.parametrize(("version", "areas"), [(2025, 527), (2019, 498)])
def test_a_trusts_own_extract_gets_its_population_and_areas(open_data, monkeypatch, version, areas):
    monkeypatch.setenv("PCREF_OPEN_DATA", str(open_data))
    made, _ = resident_counts.tables(parameters.load("cpft", imd_version=version))
    assert list(made["Population"]) == ["ethnic_group", "sex", "age_band", "imd_quintile", "residents"]
    assert list(made["Areas"]) == ["lsoa", "imd_quintile"]
    own = catchment.areas(open_data, catchment.lsoas(open_data, "QUE"), version)
    assert len(own) == areas
    assert len(made["Areas"]) == 559  # 527 codes of 2021 and 498 of 2011, 466 of them the same
    assert made["Areas"]["lsoa"].is_unique
    assert own.merge(made["Areas"]).shape == own.shape
    assert set(made["Areas"]["imd_quintile"]) == set(made["Population"]["imd_quintile"]) == {1, 2, 3, 4, 5}
    assert set(made["Population"]["ethnic_group"]) == set(ethnicity.known_groups())


@pytest.mark.parametrize("board", BOARDS)
def test_deprivation_of_residents_agrees_with_a_table_made_otherwise(open_data, board):
    """District by decile of 2025, made for the data folder from the LSOA table directly (whole districts only)."""
    lsoas = catchment.lsoas(open_data, board)
    people, _ = resident_counts.build(open_data, lsoas)
    got = people.groupby("imd_quintile")["residents"].sum()
    table = pd.read_csv(open_data / "census2021_lsoa21_ethnic5.csv.gz").merge(
        pd.read_csv(open_data / "imd2025_lsoa21.csv.gz")[["lsoa21_code", "imd_quintile"]], on="lsoa21_code"
    )
    want = table[table["icb24_ods_code"] == board].groupby("imd_quintile")["total_residents"].sum()
    assert got.to_dict() == pytest.approx(want.to_dict(), rel=0.002)  # totals and sums of groups differ a little


@pytest.mark.parametrize(
    ("version", "name", "code"), [(2025, "imd2025_lsoa21", "lsoa21"), (2019, "imd2019_lsoa11", "lsoa11")]
)
def test_areas_have_the_quintile_that_is_published(open_data, version, name, code):
    table = pd.read_csv(open_data / f"{name}.csv.gz").set_index(f"{code}_code")["imd_quintile"]
    for board in BOARDS:
        areas = catchment.areas(open_data, catchment.lsoas(open_data, board), version).set_index("lsoa")["imd_quintile"]
        assert (areas == table.reindex(areas.index)).all()


def test_msoas_are_matched_beyond_doubt_in_both_boards(open_data):
    """Every MSOA is nearer to its match than to any other of its district, by far more than the perturbation."""
    everywhere = census.lsoa_residents(open_data)
    groups = list(census.GROUPS)
    for board in BOARDS:
        lads = set(everywhere[everywhere["lsoa"].isin(catchment.lsoas(open_data, board))]["lad"])
        areas = everywhere[everywhere["lad"].isin(lads)]
        sizes = census.msoa_ages(open_data, lads).pivot_table(
            index=["lad", "msoa"], columns="census_group5", values="residents", aggfunc="sum"
        )
        match = census.match_msoas(areas, sizes.reset_index()).set_index("msoa_name")["msoa"]
        names = areas.groupby(["lad", "msoa_name"])[groups].sum().reset_index()
        for lad, here in names.groupby("lad"):
            codes = sizes.loc[lad]
            far = np.abs(here[groups].to_numpy()[:, None] - codes[groups].to_numpy()[None]).sum(2).astype(float)
            mine = codes.index.get_indexer(match.reindex(here["msoa_name"]))
            matched = far[np.arange(len(here)), mine]
            far[np.arange(len(here)), mine] = np.inf
            assert matched.max() < 40
            assert far.min() > matched.max()


def test_chinese_age_hardly_matters_for_the_expected_counts(open_data):
    """The assumption that no table can settle: 2011's age of Chinese residents against that of all Asian residents."""
    reference = mental_health_act.england_by_age(open_data)
    for board in BOARDS:
        lsoas = catchment.lsoas(open_data, board)
        counts = mental_health_act.by_ethnic_group(open_data, board)
        one, other = (
            interval_counts.indirect(
                counts,
                resident_counts.by_age(open_data, lsoas, mental_health_act.AGE_CUTS, detail_shape=shape),
                reference,
            ).set_index("ethnic_group")["expected"]
            for shape in ("census_2011", "broad")
        )
        change = other / one - 1
        assert -0.06 < change["Other ethnic groups"] < 0
        assert 0 < change["Asian or Asian British"] < 0.03
        assert change[["White", "Mixed", "Black or Black British"]].abs().max() < 1e-9


def test_england_as_a_whole_is_as_expected(open_data):
    """Observed over expected of everyone in England, at England's own rates, is one."""
    reference = mental_health_act.england_by_age(open_data)
    people = resident_counts.by_age(open_data, None, mental_health_act.AGE_CUTS)
    everyone = pd.DataFrame(
        {"ethnic_group": ["White"], "indicator": "detentions", "period": "2023-24", "area": "England"}
    ).assign(note="", measure="rate", per=1, published_rate=np.nan)
    total = reference["events"].sum()
    everyone = everyone.assign(events=total, events_low=total, events_high=total)
    out = interval_counts.indirect(everyone, people.assign(ethnic_group="White"), reference)
    assert out.loc[0, "estimate"] == pytest.approx(1)
    assert reference.set_index("age_band")["events"].to_dict() == {
        "0-15": 274,
        "16-34": 689 + 17_121,
        "35-49": 13_101,
        "50-64": 10_213,
        "65+": 9_036,
    }


@pytest.mark.parametrize("board", BOARDS)
def test_the_detention_table_of_both_first_users(loaded, board):
    counts = loaded[board]["counts"]
    table = interval_counts.table(counts[counts["indicator"].eq("detentions") & counts["area"].eq(board)])
    assert table["ethnic_group"].tolist() == list(ethnicity.BROAD_GROUPS)
    table = table.set_index("ethnic_group")
    known = table.drop("Unknown")
    assert ((known["lower"] < known["estimate"]) & (known["estimate"] < known["upper"])).all()
    assert table.loc["Unknown", "events"] > 0
    assert table.loc["Unknown", ["at_risk", "estimate", "lower", "upper"]].isna().all()
    if board == "QJ2":
        assert table.loc["Other ethnic groups", "estimate"] == pytest.approx(730, abs=5)
        assert table.loc["Other ethnic groups", "published_rate"] == 969.8
        assert [table.loc["Black or Black British", c] for c in ("events_low", "events_high")] == [28, 32]


@pytest.mark.parametrize("indicator", ["detentions", "short_term_orders"])
def test_other_in_derbyshire_is_a_recording_matter_and_black_is_not_anywhere(loaded, indicator):
    for board, frames in loaded.items():
        counts = frames["counts"]
        local, england = (counts[counts["area_kind"] == kind] for kind in ("icb", "england"))
        flags = ethnicity_coding.flags(local, england)
        here = flags[flags["indicator"] == indicator].set_index("ethnic_group")["flag"]
        assert here["Other ethnic groups"] == (ethnicity_coding.RECORDING if board == "QJ2" else "")
        assert here.drop(["Other ethnic groups", "Unknown"]).eq("").all()


@pytest.mark.slow
def test_the_rule_marks_other_in_two_boards_of_all(open_data):
    """The thresholds' calibration: Derby and Derbyshire and Northamptonshire, and no named group anywhere."""
    england = mental_health_act.by_ethnic_group(open_data, "England")
    boards = pd.read_csv(open_data / "icb24_codes.csv")["icb24_ods_code"]
    found = [ethnicity_coding.flags(mental_health_act.by_ethnic_group(open_data, board), england) for board in boards]
    flags = pd.concat(found).query("flag == @ethnicity_coding.RECORDING")
    marked = set(zip(flags["area"], flags["ethnic_group"], strict=True))
    assert marked == {("QJ2", "Other ethnic groups"), ("QPM", "Other ethnic groups"), ("QPM", "Mixed")}


def test_england_short_term_orders_are_the_sum_of_the_boards(open_data):
    table = mental_health_act.by_ethnic_group(open_data, "England", "short_term_orders").set_index("ethnic_group")
    # England's total, all ethnic groups, is published: 23,820; it lies within the sum of the intervals
    assert table["events_low"].sum() <= 23_820 <= table["events_high"].sum()
    assert table["events"].sum() == pytest.approx(23_820, rel=0.003)
    assert table["note"].str.contains("sum of the boards").all()
    # most are section 136 (15,212), which is published by ethnic group
    part = mental_health_act.by_ethnic_group(open_data, "England", "section_136").set_index("ethnic_group")
    assert (table["events_high"] > part["events"]).all()


def test_everything_of_a_run_is_saved_and_read_back(loaded, tmp_path, open_data, monkeypatch):
    monkeypatch.setenv("PCREF_OPEN_DATA", str(open_data))
    published_counts.save(parameters.load("published-cpft"), tmp_path)
    for name, frame in loaded["QUE"].items():
        again = pd.read_parquet(tmp_path / f"{name}.parquet")
        pd.testing.assert_frame_equal(again, frame.reset_index(drop=True), check_dtype=False)


def test_a_period_or_a_board_that_is_not_there(open_data, monkeypatch):
    monkeypatch.setenv("PCREF_OPEN_DATA", str(open_data))
    run = parameters.load("published-cpft")
    with pytest.raises(PcrefError, match="no figure of 2016-17 is at hand"):
        published_counts.load(run.model_copy(update={"period": "2016-17"}))
    with pytest.raises(PcrefError, match="'' is not an integrated care board"):
        published_counts.load(run.model_copy(update={"trust": run.trust.model_copy(update={"icb_code": ""})}))


def test_talking_therapies_percentages_are_reproduced_and_their_sums_hold(open_data):
    for indicator in [name for name, (_, percent) in talking_therapies.MEASURES.items() if percent]:
        table = talking_therapies.by_ethnic_group(open_data, "England", "england", indicator)
        ours = table["events"] / table["at_risk"] * 100
        decimals = table["published_rate"].mul(10).round().mod(10).ne(0).groupby(table["ethnic_group"]).transform("any")
        assert decimals.sum() > 20
        assert (ours - table["published_rate"])[table["ethnic_group"].ne("Unknown")].abs().max() <= 0.0501
        for area, kind in (("QJ2", "icb"), ("QUE", "icb"), ("RXM", "provider"), ("RT1", "provider")):
            shown = talking_therapies.by_ethnic_group(open_data, area, kind, indicator).dropna(subset="published_rate")
            assert len(shown) >= (20 if "deterioration" in indicator else 35)
            # the publisher's percentage rests on counts before rounding: our interval must hold what it may have been
            least = (shown["events_low"] / shown["at_risk_high"] * 100 - 0.5).round(6)
            most = (shown["events_high"] / shown["at_risk_low"] * 100 + 0.5).round(6)
            assert shown["published_rate"].between(least, most).all()
            assert shown["at_risk"].between(shown["at_risk_low"], shown["at_risk_high"]).all()
            figures = interval_counts.crude(shown)
            assert (figures["estimate"] - figures["published_rate"]).abs().max() <= 0.5 + 1e-9
            assert figures["estimate"].dropna().between(figures["lower"], figures["upper"]).all()
    referrals = talking_therapies.by_ethnic_group(
        open_data, "England", "england", "talking_therapies_referrals", periods=["2024-25"]
    )
    assert referrals["events"].sum() == pytest.approx(1_813_432, abs=10)


def test_the_trusts_rows_are_a_part_of_their_boards(loaded):
    for frames in loaded.values():
        counts = frames["counts"]
        recovery = counts[counts["indicator"].eq("talking_therapies_recovery") & counts["period"].eq("2023-24")]
        by_kind = recovery.groupby("area_kind")["at_risk"].sum()
        assert 0 < by_kind["provider"] < by_kind["icb"]
        trust = counts[counts["area_kind"].eq("provider")]
        assert trust["measure"].eq("percent").all()
        assert sorted(trust["period"].unique())[0] == "2017-18"


def test_cells_conserve_the_counts(loaded):
    for board, frames in loaded.items():
        cells, counts = frames["cells"], frames["counts"]
        for indicator, area in (("detentions", board), ("talking_therapies_referrals", board)):
            want = counts[counts["indicator"].eq(indicator) & counts["area"].eq(area)]["events"].sum()
            assert cells[cells["indicator"].eq(indicator)]["events"].sum() == want
        keys = ["indicator", "period", "ethnic_group", "sex", "age_band", "imd_quintile"]
        assert not cells.duplicated(keys).any()
