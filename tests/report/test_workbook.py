"""The workbook to the Analysis Function's checklist: cover, contents with links both ways, notes, telling names."""

import io
import zipfile

import pytest

from pcref_analysis.report import pipeline
from pcref_analysis.report.pages import workbook
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


def test_the_marks_are_explained_on_a_sheet_of_their_own(parts):
    assert 'name="Notes"' in parts["xl/workbook.xml"]
    assert "suppressed to protect people" in parts["xl/sharedStrings.xml"]
