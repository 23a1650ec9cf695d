"""The demo's report as its readers find it: whole, marked synthetic everywhere, self-contained, the same twice."""

import re
import shutil
import subprocess
import sys
import zipfile
from html import unescape
from pathlib import Path

import pandas as pd
import pytest

from pcref_analysis.extract.schema import declared
from pcref_analysis.priorities import agreed_list, draft_list
from pcref_analysis.report.study import Study
from pcref_analysis.store import edition_files
from pcref_analysis.synthetic import demo
from pcref_analysis.vocabulary import parameters
from pcref_analysis.vocabulary.indicators import catalogue
from pcref_analysis.vocabulary.significant_digits import same_everywhere

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def edition():
    """The report of the demo in this checkout; made where it is absent or older than the code."""
    done = subprocess.run(
        [sys.executable, "-m", "pcref_analysis", "report"], cwd=ROOT, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return ROOT / "reports" / "demo"


def pages(edition):
    return sorted(edition.glob("*.html"))


def test_every_page_is_there_and_whole(edition):
    assert {p.name for p in pages(edition)} >= {"index.html", "definitions.html", "method.html", "05_priorities.html"}
    assert edition_files.is_whole(edition, edition_files.read_manifest(edition))


def test_pages_load_nothing_from_outside_and_describe_every_picture(edition):
    for page in pages(edition):
        html = page.read_text(encoding="utf-8")
        assert '<html lang="en-GB" dir="ltr">' in html and "<title>" in html and 'id="main"' in html
        if page.name in ("dashboard.html", "find.html"):  # test_dashboard.py and test_find.py test their scripts
            html = re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)
        assert "<script" not in html
        assert not re.search(r'(?:src|href)="(?:https?:)?//', html.replace('href="https://', 'data-x="')), page.name
        for picture in re.findall(r"<img\b[^>]*>", html):
            words = r"Key[^\"]{15,}" if 'class="key"' in picture else r"[^\"]{30,}"
            assert re.search(f'alt="{words}"', picture), page.name


def test_the_data_dictionary_is_a_page_that_every_page_links_to(edition):
    assert all('href="dictionary.html"' in page.read_text(encoding="utf-8") for page in pages(edition))
    html = (edition / "dictionary.html").read_text(encoding="utf-8")
    assert all(f'<section id="{name}">' in html for name in declared())
    assert html.count("<h1") == 1


def test_links_between_pages_lead_somewhere(edition):
    for page in pages(edition):
        for target in re.findall(r'href="([^"#:]+)(?:#[^"]*)?"', page.read_text(encoding="utf-8")):
            assert (edition / target).is_file(), f"{page.name} -> {target}"


def test_synthetic_data_says_so_everywhere(edition):
    for page in pages(edition):
        assert "Synthetic data" in page.read_text(encoding="utf-8")
    for path in (edition / "tables").glob("*.csv"):
        assert (pd.read_csv(path)["synthetic"] == "synthetic data").all(), path.name
    with zipfile.ZipFile(edition / "tables.xlsx") as book:
        sheets = [name for name in book.namelist() if re.match(r"xl/worksheets/sheet\d+\.xml", name)]
        strings = book.read("xl/sharedStrings.xml").decode()
    assert len(sheets) == len(list((edition / "tables").glob("*.csv"))) + 3  # cover, contents and notes
    assert "Synthetic data" in strings


def test_small_counts_are_not_there_and_the_rest_is_rounded(edition):
    for path in (edition / "tables").glob("*-levels.csv"):
        events = pd.read_csv(path)["events"].dropna()
        assert len(events)
        assert ((events == 0) | (events >= 5)).all()
        assert (events % 5 == 0).all()


def test_only_census_residents_are_shown_to_the_person(edition):
    """Totals, caseloads, stays and contacts are counts of people in care: rounded like any other."""
    residents = {key for key, entry in catalogue().items() if entry.at_risk == "residents"}
    for path in (edition / "tables").glob("*-levels.csv"):
        table = pd.read_csv(path)
        held = table.loc[~table["indicator"].isin(residents), "at_risk"].dropna()
        assert (held % 5 == 0).all(), path.name
    unknown = pd.read_csv(edition / "tables" / "recording-unknown.csv")
    assert len(unknown)
    assert (unknown[["events", "at_risk"]].dropna() % 5 == 0).all().all()


def test_the_planted_detention_gap_is_in_the_published_interval(edition):
    """The demo's truth for White British is not the broad comparator's, so allow what the mixture of groups brings."""
    gaps = pd.read_csv(edition / "tables" / "experience-gaps.csv")
    row = gaps.query(
        "indicator == 'detentions' and period == '2023-24' and adjustment == 'age_sex_imd' "
        "and ethnic_group == 'Black or Black British'"
    ).iloc[0]
    truth = demo.planted().query("indicator == 'detentions'").set_index("ethnic_group")["ratio"]
    black = truth.loc[["African", "Caribbean", "Any other Black background"]]
    assert row["lower"] < black.max() and row["upper"] > black.min()


def test_nothing_is_made_again_when_nothing_changed(edition):
    before = {p: p.stat().st_mtime_ns for p in edition.rglob("*") if p.is_file()}
    done = subprocess.run(
        [sys.executable, "-m", "pcref_analysis", "report"], cwd=ROOT, capture_output=True, encoding="utf-8"
    )
    assert "nothing has changed" in done.stdout
    assert before == {p: p.stat().st_mtime_ns for p in edition.rglob("*") if p.is_file()}


def test_a_stricter_rule_makes_another_plan(edition):
    checked = parameters.load("demo")
    stricter = checked.model_copy(update={"disclosure": checked.disclosure.model_copy(update={"threshold": 10})})
    try:
        hidden = Study(stricter).plan().decided["hidden"].sum()
    finally:
        back = Study(checked).plan()
    assert back.rule.threshold == 5
    assert hidden > back.decided["hidden"].sum() > 0


def test_no_published_figure_depends_on_the_last_digits_of_this_processor(edition):
    for path in (edition / "tables").glob("*.csv"):
        table = pd.read_csv(path, float_precision="round_trip")
        pd.testing.assert_frame_equal(table, same_everywhere(table), check_exact=True, obj=path.name)


def test_the_list_is_made_again_from_two_published_files(edition, tmp_path):
    for name in ("findings", "rule_settings"):
        shutil.copy(edition / "tables" / draft_list.file_name(name), tmp_path)
    published = pd.read_csv(edition / "tables" / draft_list.file_name("findings"), float_precision="round_trip")
    again = same_everywhere(draft_list.rebuild(tmp_path))
    assert len(again) == len(published) > 50
    for column in again:
        theirs, ours = (frame[column].astype(object).where(frame[column].notna(), None) for frame in (published, again))
        assert ours.replace("", None).tolist() == theirs.tolist(), column


def test_the_landing_page_shows_the_draft_the_agreed_list_and_every_reason(edition):
    html = (edition / "index.html").read_text(encoding="utf-8")
    changes = pd.read_csv(edition / "tables" / "priorities-changes.csv")
    assert set(changes["action"]) == {"move", "merge", "add", "set aside"}
    for part in ("priorities-draft", "priorities-adjusted", "priorities-changes", "priorities-outcomes"):
        assert f'id="{part}"' in html
    for words in (*changes["why"], *changes["who"]):
        assert words in unescape(html)


def test_each_finding_names_where_it_comes_from(edition):
    findings = pd.read_csv(edition / "tables" / "priorities-findings.csv")
    measured = findings[findings["ratio"].notna()]
    for row in measured.itertuples():
        gaps = pd.read_csv(edition / "tables" / row.estimate_table)
        found = gaps[(gaps[["indicator", "ethnic_group", "period", "adjustment", "comparator"]] == [
            row.indicator, row.ethnic_group, row.period, row.adjustment, row.comparator
        ]).all(axis=1)]  # fmt: skip
        assert row.ratio in found["estimate"].tolist(), row.item
    for column in ("notebook", "method_page"):
        assert all((ROOT / name).is_file() for name in findings[column].dropna().unique())


def test_the_second_period_of_the_demo_starts_from_the_list_agreed_for_the_first(edition, tmp_path, monkeypatch):
    """Both drafts are made of the published tables alone, as anyone could."""
    paths = [path for path in (edition / "tables").glob("*-*.csv") if path.stem.endswith(("-levels", "-gaps"))]
    parts = [
        pd.read_csv(path, float_precision="round_trip") for path in paths if path.stem != "priorities-evidence-gaps"
    ]
    estimates = pd.concat(parts, ignore_index=True)
    monkeypatch.setenv("PCREF_HOME", str(tmp_path))
    (tmp_path / "notebooks" / "parameters" / "engagement").mkdir(parents=True)
    file = str(ROOT / "notebooks" / "parameters" / "demo.yml")
    given = parameters.load(file, period="2022-23")
    rule = given.priorities.model_copy(update={"draws": 300})
    known = {"rule": rule, "comparator": given.comparator}
    first = draft_list.draft(estimates, period="2022-23", **known)
    items = first.loc[first["list"] == "priority", "item"].tolist()
    meeting = "who: Synthetic advisory group, when: 2026-01-10, why: (Invented) It came first."
    record = f"changes:\n- {{action: move, item: '{items[2]}', to: 1, {meeting}}}\n"
    record += f"- {{action: set_aside, item: '{items[0]}', {meeting}}}\n"
    (tmp_path / "notebooks/parameters/engagement/demo-2022-23.yml").write_text(record, encoding="utf-8")
    folder = tmp_path / "reports" / "demo-2022-23"
    draft_list.write(first, rule, folder)
    agreed = agreed_list.tables(first, given)["adjusted"]
    agreed.to_csv(folder / "priorities-adjusted.csv", index=False)

    given = parameters.load(file, previous="reports/demo-2022-23")
    second = draft_list.draft(estimates, period="2023-24", **known)
    made = agreed_list.tables(second, given)
    now = made["adjusted"]
    kept = [items[2], items[1], *items[3:]]
    assert now.loc[now["place"].notna(), "item"].tolist()[: len(kept)] == kept
    assert now.set_index("item").loc[items[0], "change"].startswith("set aside")
    assert set(now["item"]) >= set(second.loc[second["list"] == "priority", "item"])
    assert set(made["since"]["agrees"]) <= {"yes", "weaker", "no longer", "no figure", "new"}
    assert made["outcomes"]["state"].eq("nothing recorded yet").all()
