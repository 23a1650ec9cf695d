"""Any Trust of the Mental Health Act file: what is not published costs its indicator, and never the report."""

import os
import shutil

import pandas as pd
import pytest
import yaml

from pcref_analysis.analysis import ethnicity_coding, extract_quality, levels_and_gaps, topics
from pcref_analysis.disclosure import disclosure_rule
from pcref_analysis.display import tables
from pcref_analysis.published import completeness, organisations, published_counts, trusts
from pcref_analysis.published.talking_therapies import by_ethnic_group
from pcref_analysis.report import national, pipeline
from pcref_analysis.report.study import as_published
from pcref_analysis.store import open_data as store
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import Parameters
from pcref_analysis.vocabulary.parameters import load as load_parameters


@pytest.fixture(scope="module", autouse=True)
def _loaded_once():
    """Let every test of this file share what is loaded of the same parameters: nothing changes what it is given."""
    known, load = {}, published_counts.load

    def once(parameters):
        key = parameters.model_dump_json()
        if key not in known:
            known[key] = load(parameters)
        return dict(known[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(published_counts, "load", once)
        yield


@pytest.fixture
def run(open_data):
    table = trusts.mental_health(open_data).set_index("code")

    def of(code):
        name, board = table.loc[code, ["name", "board"]]
        text = trusts.text_of(f"published-{code.lower()}", code, name, board, {}, str(open_data), published=True)
        return Parameters.model_validate(yaml.safe_load(text))

    return of


def test_a_trust_without_rows_loses_its_own_indicators_alone(run):
    found = published_counts.load(run("RCU"))
    own = set(found["counts"].loc[found["counts"]["own"], "indicator"])
    assert {"detentions", "talking_therapies_referrals"} <= own and "talking_therapies_recovery" not in own
    reasons = found["unavailable"].query("area == 'RCU'").set_index("indicator")["reason"]
    assert set(reasons.index) == RECOVERY
    assert reasons.str.contains("no provider rows").all()


def test_a_year_that_lacks_is_named_with_the_last_one(run):
    parameters = run("RXY")
    frames = published_counts.load(parameters)
    gone = frames["unavailable"].query("area == 'RXY'")
    assert gone["reason"].str.contains("no figure of 2023-24 .* the last is of 2017-18").all() and len(gone) == len(
        RECOVERY
    )


def test_a_chart_of_earlier_years_has_its_table_where_the_year_lacks(run):
    own = levels_and_gaps.select(published_counts.load(run("RXY"))["counts"], run("RXY"), "outcomes")
    for made, show in (
        (levels_and_gaps.crude(own), tables.levels),
        (levels_and_gaps.ladder(own, "White"), tables.gaps),
    ):
        shown = show(as_published(made, "outcomes"), "outcomes", "Outcomes", "2023-24")
        assert shown.record["kind"] == "table"  # "nothing to show" stopped the reports of such Trusts
        assert ": no figure of 2023-24 is published" in shown.text


def test_medians_that_published_figures_lack_pass_without_what_is_never_shown():
    released = as_published(levels_and_gaps.empty(["beyond"]), "medians")
    assert released.table.empty and "beyond" not in released.table
    assert "beyond" not in released.figures


def test_sites_and_merged_trusts_are_added_up_in_their_years_alone(open_data):
    rows = pd.DataFrame(
        [
            ("RV5CG", "2023-24", "RV5", True),
            ("RV5", "2023-24", "RV5", True),
            ("RT1AB", "2023-24", "RT1", False),  # another organisation under the Trust's letters
            ("TAF87", "2024-25", "G6V2S", True),
            ("RYK", "2019-20", "TAJ", True),
            ("RYK", "2020-21", "TAJ", False),  # the code is another organisation's since
            ("RTV", "2020-21", "RW4", True),
            ("R1", "2020-21", "R1L", False),
        ],
        columns=["code", "period", "trust", "own"],
    )
    got = [
        organisations.is_providers(row[["code"]], row[["period"]].set_axis(["code"]), row["trust"]).item()
        for _, row in rows.iterrows()
    ]
    assert got == rows["own"].tolist()
    four = by_ethnic_group(open_data, "RV5", "provider", "talking_therapies_recovery", periods=["2023-24"])
    assert four["note"].str.contains("sum of 4 rows").all() and four["events"].notna().all()


@pytest.mark.parametrize(
    ("code", "said"),
    [("RT1", ""), ("", ""), ("RT99", "'RT99' is not in the register of NHS Trusts"), ("R1C", "R1C was closed on ")],
)
def test_a_code_that_is_no_trusts_is_said(open_data, monkeypatch, tmp_path, code, said):
    monkeypatch.setenv("PCREF_OPEN_DATA", str(open_data))
    given = load_parameters("published-cpft")
    given = given.model_copy(update={"trust": given.trust.model_copy(update={"ods_code": code})})
    assert trusts.unregistered(given).startswith(said) and bool(trusts.unregistered(given)) == bool(said)
    monkeypatch.setenv("PCREF_OPEN_DATA", str(tmp_path))
    assert not trusts.unregistered(given)  # without a register nothing is said


def test_every_board_has_its_earlier_area_and_every_line_a_source():
    former = organisations.reference("area_formerly")
    assert former["code"].nunique() == 42 and former["other_code"].is_unique
    for relation in ("area_formerly", "area_changed", "board", "merged_from", "not_own"):
        assert organisations.reference(relation)["source"].ne("").all()
    glossop = organisations.reference("area_changed", "QJ2")
    assert glossop["last_year"].tolist() == ["2021-22"] and "Glossop" in glossop["words"].item()


def test_a_board_with_half_of_its_detentions_is_incomplete_before_it_is_equal(open_data):
    levels = completeness.boards(open_data, "2023-24").query("indicator == 'detentions'").set_index("area")
    assert len(levels) == 42 and levels["events"].sum() == pytest.approx(levels["expected"].sum())
    low = levels[levels["signal"].str.startswith("below")]
    assert set(low.index) == {"QUE", "QSL"}  # less than other boards differ by, given how deprived their areas are
    found = completeness.low(open_data, "QUE", "2023-24")
    assert found["indicator"].tolist() == ["detentions"] and found["ethnic_group"].isna().all()
    assert found["reason"].str.contains("can look like equality").all()
    assert completeness.low(open_data, "QJ2", "2023-24").empty
    assert completeness.fallen(open_data, "QJ2", "RXM", "2023-24").empty


def test_a_sudden_fall_is_no_year_to_compare_groups_in(open_data):
    found = completeness.fallen(open_data, "QWU", "RYG", "2020-21")  # 3,015 referrals after some 19,000 a year
    assert "talking_therapies_referrals" in set(found["indicator"]) and set(found["flag"]) == {completeness.FELL}
    assert completeness.fallen(open_data, "QWU", "RYG", "2022-23").empty


def test_no_gap_is_neither_listed_nor_denied_where_records_are_incomplete(run):
    parameters = run("RT1")
    frames = published_counts.load(parameters)
    ranked, parts = national.draft(frames, parameters)
    detained = ranked[ranked["indicator"].eq("detentions")]
    assert set(detained["list"]) == {"recording"} and detained["certainty"].isna().all()
    first = parts["recording"].iloc[0]
    assert first["flag"] == completeness.INCOMPLETE and "Black" in first["ethnic_group"]


def test_the_table_of_every_trust_goes_on_where_one_cannot_be_made(open_data, monkeypatch):
    every = trusts.mental_health(open_data)
    two = every[every["code"].isin(["RCU", "RXM"])].assign(board=["QF7", "Q99"])
    monkeypatch.setattr(trusts, "mental_health", lambda _: two)
    said = []
    found = national.table(str(open_data), said.append).set_index("code")
    assert "'Q99' is not an integrated care board" in found.loc["RXM", "error"] and len(said) == 2
    line = found.loc["RCU"]
    assert line["error"] == "" and (line["detentions_of_trust"], line["detentions_of_board"]) == (10, 1145)
    assert line["priorities"] > 0 and "no provider rows" in line["lacking"] and line["indicators"] == 4


FOR_RESIDENTS = {"detentions", "short_term_orders", "talking_therapies_referrals", "talking_therapies_finished"}
RECOVERY = {f"talking_therapies_{name}" for name in ("recovery", "reliable_recovery", "improvement", "deterioration")}
COSTS = {  # a file that is not at hand -> figures of the run that go with it, and what is not looked at
    "census2021_lsoa21_ethnic5.csv.gz": (FOR_RESIDENTS, {published_counts.AGES, published_counts.COMPLETE}),
    "census2021_msoa21_ethnic5_sex_age13.csv.gz": (
        {"talking_therapies_referrals", "talking_therapies_finished"},
        {published_counts.AGES},
    ),
    "census2021_lad21_ethnic19.csv": (FOR_RESIDENTS, {published_counts.AGES, published_counts.ELSEWHERE}),
    "census2021_england_ethnic5_sex_age13.csv": (set(), {published_counts.AGES, published_counts.ELSEWHERE}),
    "census2011_england_ethnic18_sex_age21.csv": (
        {"talking_therapies_referrals", "talking_therapies_finished"},
        {published_counts.AGES, published_counts.ELSEWHERE},
    ),
    "lookup_lsoa11_lsoa21_lad22.csv.gz": (FOR_RESIDENTS, {published_counts.AGES, published_counts.COMPLETE}),
    "imd2025_lsoa21.csv.gz": (FOR_RESIDENTS, {published_counts.AGES, published_counts.ELSEWHERE}),
    "imd2019_lsoa11.csv.gz": (set(), {published_counts.COMPLETE, published_counts.ELSEWHERE}),
    "mha_2023_24_annual.csv.gz": (
        {"detentions", "short_term_orders"},
        {published_counts.AGES, published_counts.COMPLETE, published_counts.ELSEWHERE},
    ),
    "nhs_talking_therapies_annual_by_ethnic_group.csv.gz": (
        {"talking_therapies_referrals", "talking_therapies_finished", *RECOVERY},
        {published_counts.COMPLETE, published_counts.ELSEWHERE},
    ),
}


EVERY = pytest.mark.skipif(not os.environ.get("PCREF_EVERY_CASE"), reason="takes long: set PCREF_EVERY_CASE")
CASES = [pytest.param(name, marks=[EVERY] if number else []) for number, name in enumerate(COSTS)]


@pytest.mark.parametrize("gone", CASES)  # each reads a folder of its own; without the first little can be worked out
def test_a_file_that_is_not_at_hand_costs_what_rests_on_it_named_and_never_the_report(gone, run, open_data, tmp_path):
    assert set(COSTS) == set(store.PUBLISHERS)
    for name in set(store.PUBLISHERS) - {gone}:
        shutil.copy(open_data / name, tmp_path)
    parameters = run("RXM").model_copy(update={"open_data": str(tmp_path)})
    found = published_counts.load(parameters)
    counts, lost = found["counts"], found["unavailable"]
    own = set(counts.loc[counts["own"] & counts["period"].eq("2023-24"), "indicator"])
    figures, looks = COSTS[gone]
    assert own == (FOR_RESIDENTS | RECOVERY) - figures
    named = set(lost.loc[lost["reason"].str.contains(gone), "indicator"])
    assert figures | looks <= named and not named & own - {"talking_therapies_referrals", "talking_therapies_finished"}
    ranked, _ = national.draft(found, parameters)
    assert set(ranked.loc[ranked["ratio"].notna(), "indicator"]) <= own and ranked["ratio"].notna().any()


def test_a_folder_without_any_of_the_files_stops_with_what_is_wanted(run, tmp_path):
    with pytest.raises(PcrefError, match=r"10 file.s. are not in"):
        published_counts.load(run("RXM").model_copy(update={"open_data": str(tmp_path)}))


def test_a_year_is_reported_with_what_the_files_hold_of_it_and_no_later_one_is_added_up(run):
    parameters = run("RXM").model_copy(update={"period": "2019-20"})
    found = published_counts.load(parameters)
    reasons = found["unavailable"].query("area == 'QJ2'").set_index("indicator")["reason"]
    assert reasons["detentions"] == "no figure of 2019-20 is published for it; there are those of 2023-24"
    gaps = levels_and_gaps.ladder(levels_and_gaps.select(found["counts"], parameters), "White")
    together = set(gaps.loc[gaps["period"].str.contains("to"), "period"])
    assert together == {"2017-18 to 2019-20"}
    ranked, _ = national.draft(found, parameters)
    listed = ranked[ranked["ratio"].notna()]
    assert len(listed) and set(listed["years"].dropna()) == together and set(listed["period"]) == {"2019-20"}
    assert not listed["indicator"].isin(["detentions", "short_term_orders"]).any()


def test_a_year_that_no_file_holds_is_refused_with_those_at_hand(run):
    with pytest.raises(PcrefError, match=r"no figure of 2030-31 is at hand; there are those of 2017-18, .*2024-25"):
        published_counts.load(run("RXM").model_copy(update={"period": "2030-31"}))


def test_the_other_boards_are_shown_at_the_level_of_the_run(run):
    parameters = run("RXM")  # at 0.95, which other tests load too
    wide, narrow = (
        published_counts.load(one)["other_boards"]
        for one in (parameters.model_copy(update={"level": 0.99}), parameters)
    )
    assert set(wide["level"]) == {0.99} and set(narrow["level"]) == {0.95}
    assert (wide["lower"] < narrow["lower"]).all() and (wide["upper"] > narrow["upper"]).all()


def test_pages_bear_a_run_without_the_mental_health_act_file(run):
    parameters = run("RXM")
    found = published_counts.load(parameters)
    counts = found["counts"]
    without = counts[counts["indicator"].str.startswith("talking")]
    nothing = {"residents": found["residents_by_age"].head(0), "england": found["england_by_age"].head(0)}
    made = {
        "detentions": topics.detentions(without, parameters),
        "expected": topics.expected(without, parameters, **nothing),
        "england": topics.england(without, parameters),
        "other_boards": found["other_boards"].head(0).assign(indicator_name=""),
        "context": found["context"].head(0).assign(indicator_name=""),
    }
    for name, table in made.items():
        shown = getattr(tables, name)(as_published(table, name), id=name, title=name)
        assert shown.text == f"{name}: nothing to show."


def test_a_rate_is_named_as_the_boards_in_lists_tables_and_charts(run):
    parameters = run("RCU")
    frames = published_counts.load(parameters)
    own = levels_and_gaps.select(frames["counts"], parameters)
    for table in (levels_and_gaps.crude(own), levels_and_gaps.ladder(own, "White")):
        of_board = table["indicator"].isin(FOR_RESIDENTS)
        assert of_board.any() and table.loc[of_board, "indicator_name"].str.endswith(", whole board").all()
        assert not table.loc[~of_board, "indicator_name"].str.contains("board").any()
    ranked, _ = national.draft(frames, parameters)
    detained = ranked[ranked["indicator"].eq("detentions") & ranked["ratio"].notna()]
    assert set(detained["name"]) == {"Detentions under the Mental Health Act, whole board"}
    assert detained["wording"].str.startswith("Detentions under the Mental Health Act, whole board").all()
    england = topics.england(frames["counts"], parameters)
    assert not england["indicator_name"].str.contains("board").any()


def test_figures_of_the_publisher_are_described_as_such_with_englands_next_to_them(run, monkeypatch):
    parameters = run("RXM")
    frames = published_counts.load(parameters)
    own = levels_and_gaps.select(frames["counts"], parameters)
    levels = levels_and_gaps.crude(own)
    shown = tables.levels(as_published(levels, "levels"), "levels", "Levels", "2023-24").text
    assert "England (95% interval)" in shown and "| 239 (233 to 245)" in shown  # Black, detentions
    ladder = levels_and_gaps.ladder(own, "White")
    gaps = ladder[ladder["period"].eq("2023-24")].pivot_table(
        index="indicator", columns="ethnic_group", values=["growth", "england"]
    )
    yearly = gaps["growth"]["Other ethnic groups"]
    decade = 1.7892 / 1.0111  # 927,921 in 2011; White 45,281,142
    assert yearly["talking_therapies_referrals"] ** 10 == pytest.approx(decade, rel=1e-3)
    assert yearly["talking_therapies_recovery"] == 1  # divides by no residents
    assert gaps["england"].loc["detentions", "Black or Black British"] == pytest.approx(239.2 / 69.33, rel=1e-3)
    shown = tables.gaps(as_published(ladder, "gaps"), "gaps", "Gaps", "2023-24").text
    assert "England's ratio" in shown and "| 3.4" in shown
    ranked, _ = national.draft(frames, parameters)
    detained = ranked[ranked["indicator"].eq("detentions") & ranked["rank"].notna()]
    assert detained["not_shown"].str.startswith("The board's patients are counted wherever they were detained").all()
    rate, percent = (pd.Series({"unknown": 0.12, "measure": name}) for name in ("rate", "percent"))
    assert ethnicity_coding._blank_reason(rate).endswith("rates of every group are too low.")
    assert "too low" not in ethnicity_coding._blank_reason(percent)  # they are in the denominator too
    assert "Detentions, counted as published" not in extract_quality.not_available(own, "experience")
    monkeypatch.setattr(extract_quality.runs, "load", lambda run, what: frames[what])
    said = extract_quality.residents("a-run", run("G6V2S"))
    assert "Camden and Islington, merged in November 2024" in said[-1]


def test_a_category_in_doubt_may_be_anybodys_and_it_is_said_by_how_much_named_groups_are_too_low(run):
    parameters = run("RXM")  # 100 of Derbyshire's detentions are recorded as Other: 98 to 102
    frames = published_counts.load(parameters)
    flags = ethnicity_coding.recording_flags(frames["counts"], parameters, frames["completeness"])
    own = levels_and_gaps.select(frames["counts"], parameters)
    levels = disclosure_rule.with_possible(as_published(levels_and_gaps.crude(own), "levels").table, parameters)
    with_it, without = (
        ethnicity_coding.worst_case(levels, parameters, f).set_index(["indicator", "ethnic_group"])
        for f in (flags, None)
    )
    detained = own[own["indicator"].eq("detentions")].set_index("ethnic_group")[["events_low", "events_high"]]
    nobody, black, white = (detained.loc[group] for group in ("Unknown", "Black or Black British", "White"))
    key = ("detentions", "Black or Black British")
    most, least = (with_it.loc[key, end] / without.loc[key, end] for end in ("ratio_high", "ratio_low"))
    many = black["events_high"] + nobody["events_high"]
    assert most == pytest.approx((many + 102) / many)
    white_most = white["events_high"] + nobody["events_high"]
    assert least == pytest.approx(white_most / (white_most + 102))
    assert pd.isna(with_it.loc[("detentions", "Other ethnic groups"), "ratio_high"])
    assert with_it.loc[key, "suspect"] == "Other ethnic groups" and "suspect" not in without
    reason = flags.set_index(["indicator", "ethnic_group"]).loc[("detentions", "Other ethnic groups"), "reason"]
    times = 1 + 102 / black["events_low"]
    assert "if all 100 belonged to one of them, its rate would be at most: White" in reason
    assert f"Black or Black British {times:.2f} times" in reason
    ranked, _ = national.draft(frames, parameters)
    row = ranked.set_index(["indicator", "ethnic_group"]).loc[key]
    assert "or is recorded as Other ethnic groups, which is in doubt" in row["wording"] and row["ratio_high"] > 3.31


def test_whole_reports_are_made_one_at_a_time_and_what_each_took_is_kept(open_data, monkeypatch, tmp_path):
    monkeypatch.setenv("PCREF_HOME", str(tmp_path))
    took = {"minutes": 1.0, "processor_seconds": 40.0, "memory_mb": 300, "unchanged": False}
    monkeypatch.setattr(national, "_made", lambda run: took | {"error": "it stopped" if run.endswith("rcu") else ""})
    said = []
    kept = tmp_path / "reports.csv"
    found = national.reports(str(open_data), said.append, ["RXM", "RCU"], kept)
    assert list(found) == national.MADE and found["code"].tolist() == ["RXM", "RCU"]
    assert found["error"].tolist() == ["", "it stopped"] and len(said) == 2
    files = sorted(path.name for path in (tmp_path / "notebooks" / "parameters").iterdir())
    assert files == ["published-rcu.yml", "published-rxm.yml"]
    again = {"minutes": 0.1, "processor_seconds": 2.0, "memory_mb": 90, "error": "", "unchanged": True}
    monkeypatch.setattr(national, "_made", lambda run: dict(again))  # begun again after a stop: RXM stands
    once_more = national.reports(str(open_data), said.append, ["RXM"], kept)
    assert once_more["minutes"].tolist() == [1.0]
    lines = pd.read_csv(kept).set_index("code")
    assert lines["minutes"].to_dict() == {"RCU": 1.0, "RXM": 1.0} and lines.loc["RCU", "error"] == "it stopped"
    with pytest.raises(PcrefError, match="XYZ: none of the 57 Trusts"):
        national.reports(str(open_data), said.append, ["XYZ"])


def test_a_report_that_stops_says_why_in_the_line_of_its_trust():
    words = ["report: making", "  3 of 6", "check: 1 thing(s) were not released:", "  the figure 'x'", "Show tables."]
    assert national._error(words) == "check: 1 thing(s) were not released: the figure 'x' Show tables."
    took = national._made("published-nobody")
    assert "there is no published-nobody.yml" in took["error"] and took["memory_mb"] > 0


def test_the_head_of_a_page_names_the_board_and_not_its_code_alone(run, monkeypatch, tmp_path):
    given = run("RT1")
    board = "rates are those of NHS Cambridgeshire and Peterborough Integrated Care Board (QUE), percentages"
    assert board in pipeline.about(given)["basis"]
    monkeypatch.setenv("PCREF_OPEN_DATA", str(tmp_path))  # nothing there names it
    assert "rates are those of the integrated care board QUE, percentages" in pipeline.about(given)["basis"]
