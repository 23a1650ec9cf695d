"""The workbook to the Analysis Function's checklist: cover, contents with links both ways, notes, telling names."""

import io
import re
import zipfile

import pandas as pd
import pytest

from pcref_analysis.report import pipeline, provenance
from pcref_analysis.report.pages import workbook
from pcref_analysis.store import csv_text
from pcref_analysis.vocabulary import parameters

RECORDS = [{"id": name, "title": f"Title of {name}", "csv": "group,events\nMixed,10\n", "marks": ""}
           for name in ("access-levels", "experience-other-comparators-of-a-long-name-1",
                        "experience-other-comparators-of-a-long-name-2", "notes")]  # fmt: skip


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    path = tmp_path_factory.mktemp("book") / "tables.xlsx"
    workbook.write(RECORDS, path, pipeline.about(parameters.load("demo")))
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as book:
        return {name: book.read(name).decode("utf-8", "replace") for name in book.namelist()}


def test_sheets_are_named_by_what_they_hold_and_no_two_alike():
    names = workbook.sheet_names([record["id"] for record in RECORDS])
    assert names[0] == "Access levels" and names[3] == "Notes 2"
    assert len({name.lower() for name in names}) == 4 and max(map(len, names)) <= 31


def test_a_workbook_that_cannot_be_written_is_refused_by_the_computer_and_no_fault_of_ours(tmp_path):
    with pytest.raises(FileNotFoundError):  # or PermissionError, while a spreadsheet program holds it
        workbook.write(RECORDS[:1], tmp_path / "nowhere" / "t.xlsx", pipeline.about(parameters.load("demo")))


def test_the_cover_names_publisher_day_contact_licence_and_next_edition(parts):
    said = parts["xl/sharedStrings.xml"]
    for words in ("Published by Fenmoor", "22 November 2026", "pcref@fenmoor.example", "Open Government Licence",
                  "Next edition: November 2027"):  # fmt: skip
        assert words in said


def test_contents_and_sheets_lead_to_each_other_and_every_sheet_fits_the_width_with_its_heads_in_view(parts):
    sheets = [parts[f"xl/worksheets/sheet{number}.xml"] for number in range(4, 8)]
    assert parts["xl/worksheets/sheet2.xml"].count("<hyperlink ") == 4
    for sheet in sheets:
        assert "Contents" in sheet.split("<hyperlinks>")[1] and 'state="frozen"' in sheet and "fitToPage" in sheet
        assert 'paperSize="9"' in sheet  # A4; LibreOffice printed letter
    printed = parts["xl/workbook.xml"]
    assert printed.count("_xlnm.Print_Titles") == printed.count("_xlnm.Print_Area") == 4


def test_what_marks_mean_stands_once_on_the_notes_sheet_and_long_text_has_a_row_high_enough(tmp_path):
    record = RECORDS[0] | {"marks": "[c] hidden. " * 30, "csv": f"group,words\nMixed,{'long ' * 40}\n"}
    workbook.write([record], tmp_path / "t.xlsx", pipeline.about(parameters.load("demo")))
    with zipfile.ZipFile(tmp_path / "t.xlsx") as book:
        sheets = [book.read(f"xl/worksheets/sheet{number}.xml").decode() for number in (3, 4)]
        said = book.read("xl/sharedStrings.xml").decode()
    assert said.count("[c] hidden. " * 30) == 1 and "on the notes sheet" in said
    assert all(re.search(r'<row [^>]*ht="(60|75|90)" customHeight="1"', sheet) for sheet in sheets)


def test_it_keeps_the_checklist_for_statistics_in_spreadsheets(tmp_path):
    """Government Analysis Function, Releasing statistics in spreadsheets: what a program can see of its checklist."""
    rows = {"period": ["2022-23", "2023-24"], "ethnic_group": ["Mixed", ""], "events": [10.0, None],
            "events_status": ["shown", "suppressed"], "why": ["w" * 400, "x"]}  # fmt: skip
    records = [{"id": f"t-{n}", "title": "T", "csv": csv_text.to_csv(pd.DataFrame(rows)), "marks": "m"} for n in (1, 2)]
    workbook.write(records, tmp_path / "t.xlsx", pipeline.about(parameters.load("demo")))
    with zipfile.ZipFile(tmp_path / "t.xlsx") as book:
        made = {name: book.read(name).decode("utf-8", "replace") for name in book.namelist()}
    words = re.findall(r"<si><t[^>]*>(.*?)</t></si>", made["xl/sharedStrings.xml"], re.DOTALL)
    core = made["docProps/core.xml"]
    assert "<dc:language>en-GB</dc:language>" in core and "<dc:title>PCREF" in core and "<dc:creator>Fenmoor" in core
    names = re.findall(r'<sheet name="([^"]*)"( state="[^"]*")?', made["xl/workbook.xml"])
    assert [name for name, _ in names[:3]] == ["Cover", "Contents", "Notes"] and not any(state for _, state in names)
    assert (
        len([name for name in made if name.startswith("xl/tables/")]) == len(records) + 1
    )  # one a sheet, and contents
    for number in range(4, 6):
        sheet = made[f"xl/worksheets/sheet{number}.xml"]
        assert not re.search(r"mergeCell|hidden=", sheet)
        table = made[f"xl/tables/table{number - 2}.xml"]  # the first is that of the contents
        first, last = re.search(r' ref="A(\d+):E(\d+)"', table).groups()
        cells = dict(re.findall(r'<c r="([A-Z]+\d+)"[^>]*>(?:<v>|<is>)(.*?)</', sheet))
        assert [f"A{row}" in cells for row in range(1, int(last) + 1)] == [True] * int(last)  # no empty row
        body = [f"{column}{row}" for column in "ABCDE" for row in range(int(first), int(last) + 1)]
        assert all(cell in cells for cell in body)  # no cell of the table is empty
        heads = [words[int(cells[f"{column}{first}"])] for column in "ABCDE"]
        assert len(set(heads)) == 5 and heads == re.findall(r'<tableColumn id="\d+" name="([^"]*)"', table)
        assert re.search(rf'<c r="C{int(first) + 1}" s="\d+"><v>10</v>', sheet)  # a number is a number
        assert words[int(cells[f"C{last}"])] == "[c]" and words[int(cells[f"B{last}"])] == "[z]"
        assert max(float(width) for width in re.findall(r'<col [^>]*width="([\d.]+)"', sheet)) < 100


def test_the_marks_are_explained_on_a_sheet_of_their_own(parts):
    assert 'name="Notes"' in parts["xl/workbook.xml"]
    assert "suppressed to protect people" in parts["xl/sharedStrings.xml"]


def test_heads_are_words_and_the_data_package_gives_each_column_of_the_files_its_name_type_and_title(parts):
    row = {"indicator_name": "A", "ratio_lower": 0.5, "at_risk_status": "shown", "se": None}
    frame = pd.DataFrame([row])
    assert workbook.heads(frame) == ["Indicator", "Ratio, lower limit", "At risk: what is shown", "Standard error"]
    assert not any("_" in head for head in workbook.heads(pd.DataFrame(columns=["a_b", "a b", "rank_low", "c__d"])))
    record = {"kind": "table", "id": "one", "title": "One", "csv": csv_text.to_csv(frame)}
    made = provenance.data_package([record, {"kind": "text"}], pipeline.about(parameters.load("demo")))
    (resource,) = made["resources"]
    assert resource["path"] == "tables/one.csv" and made["licenses"][0]["path"].startswith("https://")
    fields = resource["schema"]["fields"]
    assert [field["name"] for field in fields] == list(row)
    assert [field["type"] for field in fields] == ["string", "number", "string", "string"]
    assert [field["title"] for field in fields] == workbook.heads(frame)
