"""From a draft through a meeting to the next period, by files alone."""

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from pcref_analysis.priorities import agreed_list, draft_list, engagement, sensitivity
from pcref_analysis.report import list_export, pipeline
from pcref_analysis.vocabulary import parameters
from pcref_analysis.vocabulary.errors import PcrefError

DEMO = Path(__file__).resolve().parents[2] / "notebooks" / "parameters" / "demo.yml"
GAPS = {"detentions": ("Black or Black British", 3.0), "talking_therapies_entering": ("Asian or Asian British", 0.55)}
DETENTION = "detention: Black or Black British"
ACCESS = "talking therapies access: Asian or Asian British"
SECTION = "section 136: Black or Black British"
BASE = {"who": "Advisory group", "when": "2024-10-14", "why": "Members said so."}


def estimates(period, **gaps):
    """Ratios of two groups over four indicators; only what is named is a gap."""
    gaps = GAPS | gaps
    rows = []
    for indicator in (*GAPS, "section_136", "perinatal_access"):
        for group in ("Asian or Asian British", "Black or Black British"):
            whom, ratio = gaps.get(indicator, (None, 1.0))
            ratio = ratio if group == whom else 1.0
            low, high = ratio * np.exp(np.array([-1.96, 1.96]) * 0.08)
            rows.append((indicator, period, group, "White", "age_sex_imd", "ratio", ratio, low, high, 0.95, 150.0))
    columns = [
        "indicator",
        "period",
        "ethnic_group",
        "comparator",
        "adjustment",
        "measure",
        "estimate",
        "lower",
        "upper",
    ]
    return pd.DataFrame(rows, columns=[*columns, "level", "events"]).assign(at_risk=50_000.0, note=None)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("PCREF_HOME", str(tmp_path))
    (tmp_path / "notebooks" / "parameters" / "engagement").mkdir(parents=True)
    return tmp_path


def run(period, previous=None, **gaps):
    given = parameters.load(str(DEMO), period=period, previous=previous)
    rule = given.priorities.model_copy(update={"draws": 500})
    return given.model_copy(update={"priorities": rule}), draft_list.draft(estimates(period, **gaps), rule)


def recorded(home, period, *changes, outcomes=()):
    path = home / "notebooks" / "parameters" / "engagement" / f"demo-{period}.yml"
    record = {"changes": [BASE | change for change in changes], "outcomes": list(outcomes)}
    path.write_text(yaml.safe_dump(record), encoding="utf-8")


def published(home, given, ranked, name):
    """Write what a report publishes, as a report does."""
    folder = home / "reports" / name / "tables"
    draft_list.write(ranked.assign(synthetic="synthetic data"), given.priorities, folder)
    for part, table in agreed_list.tables(ranked, given).items():
        if len(table):
            table.assign(synthetic="synthetic data").to_csv(folder / draft_list.file_name(part), index=False)
    return folder.parent


def items(table):
    return table.loc[table["place"].notna(), "item"].tolist()


def test_two_periods(home):
    given, ranked = run("2022-23", section_136=("Black or Black British", 1.8))
    assert set(ranked.loc[ranked["list"] == "priority", "item"]) == {DETENTION, ACCESS, SECTION}
    recorded(
        home,
        "2022-23",
        {"action": "move", "item": ACCESS, "to": 1},
        {"action": "reword", "item": ACCESS, "wording": "Asian people are not offered therapy."},
        {"action": "set_aside", "item": DETENTION, "why": "Work is under way."},
        {"action": "add", "item": "carers", "wording": "Carers are not asked."},
    )
    published(home, given, ranked, "demo-2022-23")

    outcome = BASE | {"item": ACCESS, "said": "s", "did": "d", "status": "done"}
    del outcome["why"]
    recorded(home, "2023-24", {"action": "move", "item": "carers", "to": 1}, outcomes=[outcome])
    given, ranked = run("2023-24", previous="reports/demo-2022-23")
    made = agreed_list.tables(ranked, given)
    assert items(made["adjusted"]) == ["carers", ACCESS, SECTION]
    adjusted = made["adjusted"].set_index("item")
    assert adjusted.loc[ACCESS, ["wording", "change"]].tolist() == [
        "Asian people are not offered therapy.",
        "kept, reworded",
    ]
    assert adjusted.loc["carers", "change"] == "kept, added, moved"
    assert adjusted.loc[DETENTION, ["change", "reason"]].tolist() == [
        "set aside; look again, its gap is clear now",
        "Work is under way.",
    ]
    assert "ratio 1.0" in adjusted.loc[SECTION, "wording"]  # the figures of now, not those of then
    assert made["changes"]["item"].tolist() == ["carers"]  # the changes of then stay with the list of then
    since = made["since"].set_index("item")["agrees"].to_dict()
    assert since == {ACCESS: "yes", SECTION: "no longer", "carers": "not measured"} | {DETENTION: "new"}
    became = made["outcomes"].set_index("item")["state"].to_dict()
    assert became == {ACCESS: "done", SECTION: "nothing recorded yet", "carers": "nothing recorded yet"}


def test_the_command_reads_published_files_and_nothing_else(home, tmp_path):
    published(home, *run("2022-23", section_136=("Black or Black British", 1.8)), "demo-2022-23")
    recorded(home, "2023-24", {"action": "move", "item": ACCESS, "to": 1})
    given, ranked = run("2023-24", previous="reports/demo-2022-23")
    folder = published(home, given, ranked, "demo")
    pipeline.edition_files.write_manifest(folder, {"parameters": given.model_dump(mode="json")})
    assert not (home / "data").exists()  # nothing confidential to read
    text = list_export.as_text(list_export.folder_of("demo"))
    assert text.startswith("SYNTHETIC DATA") and f"  1. {ACCESS} (kept, moved)" in text
    assert "Advisory group: move" in text and "Members said so." in " ".join(text.split())
    moved = list_export.against(folder, home / "reports" / "demo-2022-23")
    assert "From 2022-23 to 2023-24" in moved and "The rule has not changed." in moved
    assert f"{SECTION}: place 2 then, not on the draft." in " ".join(moved.split())
    whole = list_export.whole(folder)
    assert whole["item"].iloc[0] == ACCESS and whole["ratio"].iloc[0] == 0.55
    assert whole["synthetic"].eq("synthetic data").all()
    list_export.write_workbook(folder, tmp_path / "list.xlsx")
    with zipfile.ZipFile(tmp_path / "list.xlsx") as book:
        sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
        assert len(sheets) >= 8
        assert "Synthetic data" in book.read("xl/sharedStrings.xml").decode()
    (home / "notebooks" / "parameters" / "other.yml").touch()
    with pytest.raises(PcrefError, match="Make it with: pcref report --run other"):
        list_export.folder_of("other")
    draft = home / "data" / "processed" / "other" / "draft"
    draft.mkdir(parents=True)
    (draft / "index.html").write_text("a draft")
    with pytest.raises(PcrefError, match="Sign its draft, then: pcref publish other"):
        list_export.folder_of("other")


def test_without_a_record_the_list_is_the_draft(home):
    given, ranked = run("2022-23")
    made = agreed_list.tables(ranked, given)
    assert items(made["adjusted"]) == ranked.loc[ranked["list"] == "priority", "item"].tolist()
    assert made["adjusted"]["change"].eq("as drafted").all()
    assert made["adjusted"].loc[0, ["in_short", "in_draft"]].tolist() == [
        *("Detentions under the Mental Health Act: ratio 3.00 (2.56 to 3.51)", "1")
    ]
    assert all(made[name].empty for name in ("changes", "outcomes", "since", "rule_changes"))


def test_a_change_of_the_record_or_of_the_earlier_list_is_noticed(home):
    given, ranked = run("2022-23")
    published(home, given, ranked, "demo-2022-23")
    given, _ = run("2023-24", previous="reports/demo-2022-23")
    seen = {engagement.digest(given)}
    recorded(home, "2023-24", {"action": "set_aside", "item": ACCESS})
    seen.add(engagement.digest(given))
    path = home / "reports" / "demo-2022-23" / "tables" / "priorities-adjusted.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("draft", "moved"), encoding="utf-8")
    seen.add(engagement.digest(given))
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("changes", "previous", "message"),
    [
        (
            [{"action": "move", "item": DETENTION, "to": 1, "why": ""}],
            None,
            r"demo-2023-24\.yml.*change 1 \(move\): why",
        ),
        ([], "reports/none", "no folder 'reports/none'"),
    ],
)
def test_a_fault_stops_before_anything_is_made(home, changes, previous, message):
    recorded(home, "2023-24", *changes)
    with pytest.raises(PcrefError, match=f"(?s){message}"):
        engagement.digest(run("2023-24", previous=previous)[0])


def test_an_unknown_item_is_named_with_its_file(home):
    recorded(home, "2023-24", {"action": "move", "item": "detention: Blak", "to": 1})
    given, ranked = run("2023-24")
    with pytest.raises(
        PcrefError, match=r"engagement: demo-2023-24\.yml: change 1: 'detention: Blak' is not on the list"
    ):
        agreed_list.tables(ranked, given)


def test_the_comparators_stand_side_by_side_and_a_gap_that_only_another_one_shows_is_not_hidden(home):
    given, ranked = run("2022-23")
    other = estimates("2022-23", section_136=("Black or Black British", 1.8)).assign(comparator="All other groups")
    table = sensitivity.side_by_side(pd.concat([estimates("2022-23"), other]), ranked, given.priorities)
    lists = table.set_index(["item", "comparator"])["list"]
    assert lists[DETENTION].tolist() == lists[ACCESS].tolist() == ["priority", "priority"]
    assert lists[SECTION, "All other groups"] == "priority" != lists[SECTION, "White"]
    assert table["item"].tolist()[0] == ranked["item"].iloc[0]
    flagged = ranked.assign(flag=ranked["item"].eq(DETENTION).map({True: "odd", False: None}), flag_reason="r")
    again = sensitivity.side_by_side(pd.concat([estimates("2022-23"), other]), flagged, given.priorities)
    row = again[again["item"].eq(DETENTION) & again["comparator"].eq("All other groups")]
    assert row["list"].tolist() == ["recording"]
