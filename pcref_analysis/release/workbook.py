"""The workbook: one released table a sheet, to the Analysis Function's accessibility standard."""

from __future__ import annotations

import datetime
import warnings
from pathlib import Path
from typing import Any

import pandas as pd

from pcref_analysis.release import shown


def write(records: list[dict[str, Any]], path: Path, about: dict[str, Any]) -> None:
    """Write the released tables to an XLSX file with cover, contents and a title on each sheet.

    The file is the same to the byte for the same tables: its dates are fixed, not the time of writing.

    References
    ----------
    Government Analysis Function, Releasing statistics in spreadsheets (followed through gptables).
    """
    import gptables

    sheets, marks = {}, _marks(about)
    for number, record in enumerate(records, start=1):
        frame = shown.frame(record)
        missing = frame.isna()
        frame = frame.astype(object).where(~missing, "[z]")
        sheets[f"Table_{number}"] = gptables.GPTable(
            table=frame,
            table_name=f"table_{number}_{record['id'].replace('-', '_')}",
            title=record["title"],
            subtitles=[*marks, about["period_text"]],
            instructions=f"{record.get('marks', '')} [z] means not applicable.".strip(),
            source=about["basis"],
        )
    cover = gptables.Cover(
        title=f"PCREF analysis: {about['trust']}, {about['period_text']}",
        intro=[*marks, f"Edition {about['edition']}. {about['rule_text']}"],
        about=["Each sheet holds one table of the report; its name in the report is on the contents sheet."],
        width=90,
    )
    with warnings.catch_warnings():
        # gptables 2.0 uses options that pandas 3 is about to drop; nothing here depends on them
        warnings.filterwarnings("ignore", category=pd.errors.PandasChangeWarning)
        warnings.filterwarnings("ignore", category=UserWarning, module="gptables")
        book = gptables.produce_workbook(str(path), sheets, cover=cover, contentsheet_options={})
    book.set_properties({"title": f"PCREF analysis {about['trust']}", "created": datetime.datetime(2000, 1, 1)})
    book.close()


def _marks(about: dict[str, Any]) -> list[str]:
    """Return what must stand on every sheet: invented data, internal use, no sign-off."""
    marks = [f"Synthetic data: {about['trust']} does not exist."] if about["synthetic"] else []
    marks += [f"{shown.INTERNAL}. Small numbers are shown."] if about["audience"] == "internal" else []
    return [*marks, about["sign_off"]] if about["sign_off"] else marks
