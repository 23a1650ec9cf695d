"""Any Trust of the Mental Health Act file: what is not published costs its indicator, and never the report."""

import pandas as pd
import pytest
import yaml

from pcref_analysis.published import completeness, organisations, published_counts, trusts
from pcref_analysis.published.talking_therapies import by_ethnic_group
from pcref_analysis.report import national
from pcref_analysis.vocabulary.parameters import Parameters


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
    assert set(reasons.index) == {"talking_therapies_recovery", "talking_therapies_reliable_recovery"}
    assert reasons.str.contains("no provider rows").all()


def test_a_year_that_lacks_is_named_with_the_last_one(run):
    gone = published_counts.load(run("RXY"))["unavailable"].query("area == 'RXY'")
    assert gone["reason"].str.contains("no figure of 2023-24 .* the last is of 2017-18").all() and len(gone) == 2


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
    found = completeness.flags(open_data, "QUE", "RT1", "2023-24")
    assert found["indicator"].tolist() == ["detentions"] and found["ethnic_group"].isna().all()
    assert found["reason"].str.contains("can look like equality").all()
    assert completeness.flags(open_data, "QJ2", "RXM", "2023-24").empty


def test_a_sudden_fall_is_no_year_to_compare_groups_in(open_data):
    found = completeness.flags(open_data, "QWU", "RYG", "2020-21")  # 3,015 referrals after some 19,000 a year
    assert "talking_therapies_referrals" in set(found["indicator"]) and set(found["flag"]) == {completeness.FELL}
    assert completeness.flags(open_data, "QWU", "RYG", "2022-23").query("flag == @completeness.FELL").empty


def test_no_gap_is_neither_listed_nor_denied_where_records_are_incomplete(run):
    parameters = run("RT1")
    frames = published_counts.load(parameters)
    ranked, tables = national.draft(frames, parameters)
    detained = ranked[ranked["indicator"].eq("detentions")]
    assert set(detained["list"]) == {"recording"} and detained["certainty"].isna().all()
    first = tables["recording"].iloc[0]
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
