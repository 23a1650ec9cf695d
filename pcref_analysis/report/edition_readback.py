"""The files of an edition read back: tables, workbook and dashboard hold what was released, number by number."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from pcref_analysis.display import output
from pcref_analysis.report.pages import dashboard, workbook
from pcref_analysis.vocabulary.errors import PcrefError

OWN_SHEETS = 3  # cover, contents, notes
SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def check(folder: Path, records: Sequence[Mapping[str, Any]]) -> None:
    """Read tables, workbook, dashboard and translations of an edition back, and compare them with the released records.

    Raises
    ------
    PcrefError
        If a file holds what its record does not; each is named, never a number.
    """
    tables = {record["id"]: record for record in records if record["kind"] == "table"}
    written = {path.stem: path.read_bytes() for path in (folder / "tables").glob("*.csv")}
    found = [f"tables/{one}.csv" for one in sorted({*tables, *written})
             if one not in tables or written.get(one) != tables[one]["csv"].encode("utf-8")]  # fmt: skip
    found += [f"tables.xlsx, sheet of '{one}'" for one in _sheets(folder / "tables.xlsx", tables)]
    page = folder / dashboard.FILE
    if page.is_file() and dashboard.strangers(page.read_text(encoding="utf-8"), records):
        found.append(dashboard.FILE)
    found += _other_numbers(folder)
    if found:
        named = "; ".join(found[:12])
        raise PcrefError(f"check: {len(found)} file(s) hold what was not released; nothing was published: {named}.")


def _other_numbers(folder: Path) -> list[str]:
    """Return the pages in another language whose numbers, in text or in embedded rows, are not those of the English."""

    def numbers(page: Path) -> list[str]:
        return sorted(re.findall(r"\d+", unescape(re.sub(r"<[^>]*>", " ", page.read_text(encoding="utf-8")))))

    pages = sorted(folder.glob("*/*.html"))
    return [f"{one.parent.name}/{one.name}" for one in pages if numbers(one) != numbers(folder / one.name)]


def _sheets(path: Path, tables: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the tables whose sheet is not the table, with its marks."""
    odd = []
    with zipfile.ZipFile(path) as book:
        words = ["".join(item.itertext()) for item in ElementTree.fromstring(book.read("xl/sharedStrings.xml"))]
        for number, (one, record) in enumerate(tables.items(), start=OWN_SHEETS + 1):
            frame = output.marked_frame(record)
            wanted = [workbook.heads(frame), *frame.to_numpy().tolist()]
            rows = _rows(ElementTree.fromstring(book.read(f"xl/worksheets/sheet{number}.xml")), words)
            held = [[row.get(at, "") for at in range(len(frame.columns))] for row in rows[-len(wanted) :]]
            if held != [[_as_written(value) for value in line] for line in wanted]:
                odd.append(one)
    return odd


def _rows(sheet: ElementTree.Element, words: Sequence[str]) -> list[dict[int, float | str]]:
    found = []
    for row in sheet.iter(f"{SPACE}row"):
        cells: dict[int, float | str] = {}
        for cell in row:
            value = cell.findtext(f"{SPACE}v")
            if value is not None:
                column = _column(cell.get("r", "").rstrip("0123456789"))
                cells[column] = words[int(value)] if cell.get("t") == "s" else float(value)
        found.append(cells)
    return found


@cache
def _column(letters: str) -> int:
    """Return the column of the cells that begin with "AB", say, from 0."""
    at = 0
    for letter in letters:
        at = at * 26 + ord(letter) - ord("A") + 1
    return at - 1


def _as_written(value: Any) -> float | str:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(f"{value:.16g}") if number else str(value)[: workbook.LONGEST]
