"""The workbook: one released table a sheet, to the Analysis Function's accessibility standard.

Every cell is written as a number or as text, so that no word of anybody becomes a formula or a link.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pcref_analysis.display import output
from pcref_analysis.display.formats import STEPS
from pcref_analysis.display.output import MARKS
from pcref_analysis.report.pages import documents

WIDEST = 60  # characters; longer text is wrapped
HEADS = {  # columns whose name a reader does not know
    "indicator": "Code of the indicator", "indicator_name": "Indicator", "period": "Financial year",
    "estimate": "Level or ratio", "lower": "Lower limit of the interval", "upper": "Upper limit of the interval",
    "level": "Level of the interval", "imd_quintile": "Deprivation (fifth of areas, 1 the most deprived)",
    "rounded_to": "Rounded to the nearest", "status": "What is shown", "se": "Standard error",
    "at": "Place in the agreed list", "holds": "Findings that it holds", "per": "A level is per",
    "england": "England", "england_year": "Year of England's figure", "boards": "Boards of England",
    "boards_ratio": "Boards, mean ratio", "at_risk_kind": "Who or what is at risk",
    "comparator_se": "Comparator, standard error",
    **{f"ratio_{step}": f"Ratio {words}" for step, words in STEPS.items()},
}  # fmt: skip
ENDINGS = {"_lower": ", lower limit", "_upper": ", upper limit", "_low": ", lowest", "_high": ", highest",
           "_status": ": what is shown"}  # fmt: skip
LANGUAGE = {"docProps/core.xml": ("</cp:coreProperties>", "<dc:language>en-GB</dc:language></cp:coreProperties>")}
HIGH = 15  # points of a line
LONGEST = 32_767  # what a cell of the format can hold


def write(records: list[dict[str, Any]], path: Path, about: dict[str, Any]) -> None:
    """Write the released tables to an XLSX file with a cover, contents, notes on the marks, and a sheet a table.

    The file is the same to the byte for the same tables: its dates are fixed, not the time of writing. Where a number
    is missing stands the mark that the page has (:func:`pcref_analysis.display.output.marked`).

    References
    ----------
    Government Analysis Function, Releasing statistics in spreadsheets.
    """
    import xlsxwriter

    book = xlsxwriter.Workbook(
        str(path), {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    book.set_properties(
        {
            "title": f"PCREF analysis: {about['trust']}",
            "author": about["trust"],
            "created": datetime.datetime(2000, 1, 1),
        }
    )
    styles = {
        "title": book.add_format({"bold": True, "font_size": 15}),
        "plain": book.add_format({"text_wrap": True, "valign": "top"}),
        "head": book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1}),
        "number": book.add_format({"valign": "top", "align": "right"}),
        "link": book.add_format({"font_color": "#0000FF", "underline": 1}),
    }
    names = sheet_names([record["id"] for record in records])
    title = f"PCREF analysis: {about['trust']}, {about['period_text']}"
    words = [*_marks(about), f"Edition {about['edition']}. {about['rule_text']}", about["basis"]]
    words += [
        "Each sheet holds one table of the report; the contents sheet says which, the notes sheet what marks mean."
    ]
    day, following = about.get("edition_day"), about.get("next_edition")
    words += [f"Published by {about['trust']}{f', {day}' if day else ''}."]
    words += [f"Who to ask: {about['contact']}."] if about.get("contact") else []
    words += [f"Next edition: {following}."] if following else []
    words += [f"Licence: {about['licence']}."] if about.get("licence") else []
    cover = book.add_worksheet("Cover")
    cover.set_column(0, 0, 76, styles["plain"])
    for row, line in enumerate([title, *words]):
        _line(cover, row, line, styles["plain" if row else "title"])
    contents = book.add_worksheet("Contents")
    contents.write_string(0, 0, "Contents", styles["title"])
    listed = pd.DataFrame({"Sheet": names, "Table": [record["title"] for record in records]})
    _table(contents, 1, listed, "contents", styles)
    notes = book.add_worksheet("Notes")
    notes.set_column(0, 0, 76, styles["plain"])
    notes.write_string(0, 0, "Notes", styles["title"])
    explained = dict.fromkeys(
        [*MARKS.values(), *(marks for one in records if "[c]" in (marks := one.get("marks", ""))), about["rule_text"]]
    )
    for row, line in enumerate(explained, start=1):
        _line(notes, row, line, styles["plain"])
    for number, (name, record) in enumerate(zip(names, records, strict=True), start=1):
        contents.write_url(1 + number, 0, f"internal:'{name}'!A1", styles["link"], name)
        sheet, frame = book.add_worksheet(name), output.frame(record)
        lines = [*_marks(about), _scope(frame, about), about["basis"]]
        marks = str(record.get("marks", ""))
        lines.append("What [c], [x] and [z] mean is on the notes sheet." if "[c]" in marks else marks)
        sheet.write_string(0, 0, record["title"][:LONGEST], styles["title"])
        lines = [line for line in lines if line]
        sheet.write_url(1, 0, "internal:'Contents'!A1", styles["link"], "Back to the contents")
        for row, line in enumerate(lines, start=2):
            sheet.write_string(row, 0, line[:LONGEST])
        top = len(lines) + 2  # no empty row: a screen reader may take it for the end
        _table(sheet, top, output.marked_frame(record).set_axis(heads(frame), axis=1), f"table_{number}", styles)
        sheet.freeze_panes(top + 1, 0)
        sheet.set_landscape()
        sheet.repeat_rows(top)
        sheet.print_area(0, 0, top + len(frame), len(frame.columns) - 1)  # else a long line above makes all of it small
    for sheet in book.worksheets():
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
    try:
        book.close()
    except xlsxwriter.exceptions.FileCreateError as error:
        raise error.args[0] from None  # the computer's: no such folder, or open in another program
    path.write_bytes(documents.same_bytes(path.read_bytes(), LANGUAGE))


def sheet_names(ids: Sequence[str]) -> list[str]:
    """Return a name for each sheet that says what it holds: at most 31 characters, no two alike.

    Examples
    --------
    >>> sheet_names(["access-levels", "contents"])
    ['Access levels', 'Contents 2']
    """
    taken, names = {"cover", "contents", "notes"}, []
    for one in ids:
        plain = re.sub(r"[^\w ]+", " ", one).strip().capitalize()[:28] or "Table"
        name, number = plain, 2
        while name.lower() in taken:
            name, number = f"{plain} {number}", number + 1
        taken.add(name.lower())
        names.append(name)
    return names


def heads(frame: pd.DataFrame) -> list[str]:
    """Return the heads of a table as people read them, no two alike; the CSV keeps the names of the columns.

    Examples
    --------
    >>> heads(pd.DataFrame(columns=["indicator_name", "at_risk", "at risk", "ratio_lower"]))
    ['Indicator', 'At risk', 'At risk 2', 'Ratio, lower limit']
    """
    names: list[str] = []
    for column in frame:
        plain = HEADS.get(str(column), str(column))
        for ending, words in ENDINGS.items():
            plain = f"{plain.removesuffix(ending)}{words}" if plain.endswith(ending) else plain
        plain = plain.replace("_", " ").strip()
        name = plain[:1].upper() + plain[1:]
        alike = sum(one == name or (one.startswith(f"{name} ") and one[len(name) + 1 :].isdigit()) for one in names)
        names.append(f"{name} {alike + 1}" if alike else name)
    return names


def _table(sheet: Any, top: int, frame: pd.DataFrame, name: str, styles: dict[str, Any]) -> None:
    """Write a table with its heads, marked as a table; numbers as numbers, all else as text."""
    if len(frame):
        heads = [{"header": str(column)} for column in frame]
        place = (top, 0, top + len(frame), len(heads) - 1)
        sheet.add_table(*place, {"columns": heads, "name": name, "autofilter": False, "style": None})
    for number, column in enumerate(frame):
        sheet.write_string(top, number, str(column), styles["head"])
        width = len(str(column)) + 2
        for row, value in enumerate(frame[column], start=top + 1):
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                sheet.write_number(row, number, value, styles["number"])
            else:
                sheet.write_string(row, number, str(value)[:LONGEST], styles["plain"])
            width = max(width, len(str(value)) + 2)
        sheet.set_column(number, number, min(width, WIDEST))
    texts = frame.select_dtypes(exclude="number").astype(str)
    longest = texts.map(len).max(axis=1) if len(texts.columns) else pd.Series(dtype=float)
    for row, letters in enumerate(longest, start=top + 1):
        if letters > WIDEST:
            sheet.set_row(row, min(409, HIGH * -(-letters // (WIDEST - 6))))


def _line(sheet: Any, row: int, line: str, style: Any) -> None:
    """Write a line of text in a row high enough for it: not every program works that out when it opens a file."""
    sheet.set_row(row, HIGH * -(-len(line) // 70) if len(line) > 70 else None)
    sheet.write_string(row, 0, line[:LONGEST], style)


def _scope(frame: pd.DataFrame, about: dict[str, Any]) -> str:
    """Return the years that a table holds: its own where it names them, else the run's."""
    if "period" not in frame or frame["period"].dropna().empty:
        return str(about["period_text"])
    years = sorted(frame["period"].dropna().astype(str).unique())
    return f"Financial year{'s' if len(years) > 1 else ''} {', '.join(years)}"


def _marks(about: dict[str, Any]) -> list[str]:
    """Return what must stand on every sheet: invented data, internal use, no sign-off."""
    marks = [f"Synthetic data: {about['trust']} does not exist."] if about["synthetic"] else []
    marks += [f"{output.INTERNAL}. Small numbers are shown."] if about["audience"] == "internal" else []
    return [*marks, about["sign_off"]] if about["sign_off"] else marks
