"""What an edition's files hold is read back: a number changed in the tables, the workbook or the dashboard stops it."""

import re
import zipfile

import pandas as pd
import pytest

from pcref_analysis.disclosure import release_tables
from pcref_analysis.report import edition_readback
from pcref_analysis.report.pages import dashboard, workbook
from pcref_analysis.store import csv_text
from pcref_analysis.vocabulary.errors import PcrefError

ROWS = pd.DataFrame({"team": ["a", "b", "c"], "events": [3, 21, 34], "why": ["", "=1+1", "none"]})
ABOUT = dict.fromkeys(("sign_off", "edition", "rule_text", "basis"), "") | {
    "trust": "A Trust", "period_text": "2023-24", "synthetic": True, "audience": "release"
}  # fmt: skip


@pytest.fixture
def edition(tmp_path):
    released = release_tables.release(ROWS, "mhsds", name="counts", dimensions=["team"])
    record = {"id": "counts", "kind": "table", "title": "Counts", "csv": csv_text.to_csv(released.table)}
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "counts.csv").write_bytes(record["csv"].encode("utf-8"))
    workbook.write([record], tmp_path / "tables.xlsx", ABOUT)
    levels = {
        "columns": [*dashboard.COLUMNS, *dashboard.FIGURES],
        "words": {c: [] for c in dashboard.COLUMNS},
        "rows": [],
    }
    page = f'<script type="application/json" id="data">{dashboard._json(levels)}</script>'
    (tmp_path / dashboard.FILE).write_text(page, encoding="utf-8")
    return tmp_path, [record]


def in_the_table(folder):
    path = folder / "tables" / "counts.csv"
    path.write_bytes(path.read_bytes().replace(b",20.0,", b",25.0,"))


def another_table(folder):
    (folder / "tables" / "small.csv").write_text("events\n3\n", encoding="utf-8")


def in_the_workbook(folder, old="<v>20</v>", new="<v>21</v>", part="xl/worksheets/sheet4.xml"):
    path = folder / "tables.xlsx"
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name).decode("utf-8") for name in book.namelist()}
    assert old in parts[part]
    with zipfile.ZipFile(path, "w") as book:
        for name, text in parts.items():
            book.writestr(name, text.replace(old, new) if name == part else text)


def a_mark_of_the_workbook(folder):
    in_the_workbook(folder, ">[c]<", ">3<", "xl/sharedStrings.xml")


def in_the_dashboard(folder):
    path = folder / dashboard.FILE
    row = [0] * len(dashboard.COLUMNS) + [3.0, 2.0, 4.0, None]
    words = {c: ["x"] for c in dashboard.COLUMNS}
    held = {"columns": [*dashboard.COLUMNS, *dashboard.FIGURES], "words": words, "rows": [row]}
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(">{.*}<", lambda _: f">{dashboard._json(held)}<", text), encoding="utf-8")


def test_files_that_hold_what_was_released_pass(edition):
    edition_readback.check(*edition)


@pytest.mark.parametrize(
    "forged", [in_the_table, another_table, in_the_workbook, a_mark_of_the_workbook, in_the_dashboard]
)
def test_a_number_changed_in_a_file_stops_the_edition(forged, edition):
    folder, records = edition
    forged(folder)
    with pytest.raises(PcrefError, match=r"1 file.*nothing was published"):
        edition_readback.check(folder, records)


def test_a_number_of_a_page_in_another_language_is_the_english_one(edition):
    folder, records = edition
    (folder / "cy").mkdir()
    for place, words in ((folder, "Of 7"), (folder / "cy", "O 7")):
        (place / "index.html").write_text(f"<p class='a1'>{words}</p>", encoding="utf-8")
    edition_readback.check(folder, records)
    (folder / "cy" / "index.html").write_text("<p class='a1'>O 8</p>", encoding="utf-8")
    with pytest.raises(PcrefError, match=r"cy/index\.html"):
        edition_readback.check(folder, records)
