"""What is for internal use says so wherever it is seen: table, sheet, picture, file."""

import zipfile

import pandas as pd
import pytest

from pcref_analysis.disclosure import release_tables
from pcref_analysis.display import figures, tables
from pcref_analysis.display.output import INTERNAL
from pcref_analysis.report.pages import workbook

ABOUT = {"trust": "Test Trust", "period_text": "2023", "synthetic": False, "edition": 1, "rule_text": "", "basis": "",
         "sign_off": "", "audience": "internal"}  # fmt: skip


@pytest.fixture
def two():
    frame = pd.DataFrame({"team": ["a", "b"], "events": [3, 40], "estimate": [1.5, 20.0]})
    return {a: release_tables.release(frame, "mhsds", audience=a) for a in ("internal", "release")}


def test_tables_and_their_files(two):
    shown = {a: tables.plain(one, id="t", title="T") for a, one in two.items()}
    assert INTERNAL in shown["internal"].html and INTERNAL in shown["internal"].record["csv"]
    assert INTERNAL not in shown["release"].html + shown["release"].record["csv"]
    assert "3" in shown["internal"].text and "[c]" in shown["release"].text


def test_pictures(two):
    drawn = {a: figures.bars(one, "f", "F", "t", "team", "events") for a, one in two.items()}
    assert drawn["internal"].record["alt"].startswith(INTERNAL)
    assert INTERNAL not in drawn["release"].record["alt"]
    assert INTERNAL in drawn["internal"].html and INTERNAL not in drawn["release"].html


def test_every_sheet(two, tmp_path):
    record = tables.plain(two["internal"], id="t", title="T").record
    for audience in ("internal", "release"):
        workbook.write([record], tmp_path / f"{audience}.xlsx", ABOUT | {"audience": audience})
    strings = {}
    for audience in ("internal", "release"):
        with zipfile.ZipFile(tmp_path / f"{audience}.xlsx") as book:
            strings[audience] = book.read("xl/sharedStrings.xml").decode().count(f"{INTERNAL}. Small")
    assert strings == {"internal": 1, "release": 0}  # one string, used on each sheet
