"""The declarations for people: a data dictionary, blank CSV files, and annotated SQL for SQL Server."""

from __future__ import annotations

from html import escape
from pathlib import Path

import pandas as pd

from pcref_analysis.extract.schema import PERSONS, Column, Table, declared
from pcref_analysis.vocabulary.errors import PcrefError

COLUMNS = ["table", "column", "type", "required", "key", "meaning", "allowed", "rules"]
HEADINGS = ["Column", "Type", "Needed", "Meaning", "Allowed", "Rules"]
TYPES = {
    "id": "identifier (text)",
    "code": "code (text)",
    "text": "text",
    "date": "date",
    "time": "time of day",
    "integer": "whole number",
    "number": "number",
}
INTRODUCTION = (
    "Every table that may enter the analysis. Field names are those of MHSDS v6 and, for Talking Therapies, of IDS v2; "
    "local names are mapped in the parameters file (source.tables, source.columns). Only MHS001MPI must be there: a "
    "table that is absent makes its indicators not available. A column marked 'yes' must be there if its table is."
)


def dictionary() -> pd.DataFrame:
    """Return the data dictionary: one row a column of the contract.

    Returns
    -------
    pandas.DataFrame
        ``table, column, type, required, key, meaning, allowed, rules``, in the order of ``contracts.yml``.

    Examples
    --------
    >>> dictionary().query("table == 'Areas'")["column"].tolist()
    ['lsoa', 'imd_quintile']
    """
    rows = [
        (
            t.name,
            n,
            TYPES[c.type],
            c.required,
            n in t.key,
            c.said(),
            ", ".join(c.allowed()),
            "; ".join(_rules(t, n, c)),
        )
        for t in declared().values()
        for n, c in t.columns.items()
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def tables() -> pd.DataFrame:
    """Return one row a table: ``table, meaning, bears, cannot_bear, required, key, rows_of_people``."""
    rows = [
        (t.name, t.meaning, t.bears, t.cannot_bear, t.required, " + ".join(t.key), t.person)
        for t in declared().values()
    ]
    return pd.DataFrame(rows, columns=["table", "meaning", "bears", "cannot_bear", "required", "key", "rows_of_people"])


def _rules(table: Table, name: str, column: Column) -> list[str]:
    rules = ["with the other key columns unique" if len(table.key) > 1 else "unique"] if name in table.key else []
    if column.formerly:
        rules.append(f"formerly {', '.join(column.formerly)}")
    if column.after:
        rules.append(f"not before {column.after}")
    if column.references:
        rules.append(f"a row of {column.references}")
    if table.person and name == "Person_ID":
        rules.append(f"a person of {PERSONS}")
    if column.area:
        rules.append(f"{' or '.join(column.area.starts)} and {column.area.digits} digits")
    if column.width:
        rules.append(f"{column.width} characters; a lost leading zero is put back")
    if column.minimum is not None:
        rules.append(f"at least {column.minimum:g}")
    if column.maximum is not None:
        rules.append(f"at most {column.maximum:g}")
    return rules


def markdown() -> str:
    """Return the data dictionary as Markdown, a section a table."""
    parts = ["# Data dictionary", "", INTRODUCTION]
    for table in declared().values():
        parts += ["", f"## {table.name}{' (needed)' if table.required else ''}", "", table.said()]
        parts += ["", f"- Can bear: {table.bears}", f"- Cannot bear: {table.cannot_bear}"]
        parts += [f"- One row: {' + '.join(table.key)}", ""]
        parts += ["| " + " | ".join(HEADINGS) + " |", "|" + " --- |" * len(HEADINGS)]
        parts += ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in _lines(table)]
    return "\n".join(parts) + "\n"


def html() -> str:
    """Return the data dictionary as a piece of HTML: a section a table, each with a caption and header cells."""
    parts = ["<h1>Data dictionary</h1>", f"<p>{escape(INTRODUCTION)}</p>"]
    for table in declared().values():
        parts += [f'<section id="{table.name}">', f"<h2>{table.name}{' (needed)' if table.required else ''}</h2>"]
        parts += [f"<p>{escape(table.said())}</p>", "<ul>", f"<li>Can bear: {escape(table.bears)}</li>"]
        parts += [f"<li>Cannot bear: {escape(table.cannot_bear)}</li>", "</ul>"]
        parts += [f'<div class="scroll" tabindex="0" role="region" aria-label="Columns of {table.name}">']  # wide
        parts += ["<table>", f"<caption>Columns of {table.name}; one row: {' + '.join(table.key)}</caption>"]
        parts += ["<thead><tr>" + "".join(f'<th scope="col">{h}</th>' for h in HEADINGS) + "</tr></thead>", "<tbody>"]
        for first, *others in _lines(table):
            cells = "".join(f"<td>{escape(cell)}</td>" for cell in others)
            parts.append(f'<tr><th scope="row">{first}</th>{cells}</tr>')
        parts += ["</tbody>", "</table>", "</div>", "</section>"]
    return "\n".join(parts) + "\n"


def _lines(table: Table) -> list[list[str]]:
    return [
        [n, TYPES[c.type], "yes" if c.required else "no", c.said(), _allowed(c), "; ".join(_rules(table, n, c))]
        for n, c in table.columns.items()
    ]


def _allowed(column: Column) -> str:
    return ", ".join(column.allowed()) or "any"


def templates(folder: Path) -> list[Path]:
    """Write a blank CSV file and an annotated SQL Server query for every table; return the files.

    Parameters
    ----------
    folder
        Where the files go; it is made if it is not there. A file that is there already is left alone.

    Raises
    ------
    PcrefError
        If a file of that name is there already: it may hold an extract, or an adapted query.
    """
    wanted = {folder / f"{t.name}.csv": ",".join(t.columns) + "\n" for t in declared().values()}
    wanted |= {folder / f"{t.name}.sql": sql_server(t) for t in declared().values()}
    if there := [path.name for path in wanted if path.exists()]:
        raise PcrefError(
            f"templates: {len(there)} file(s) are in '{folder.name}' already, the first {there[0]}. Nothing was "
            "written, since they may hold an extract or your own changes. Name an empty folder."
        )
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8", newline="\r\n")
    return list(wanted)


def sql_server(table: Table) -> str:
    """Return an annotated T-SQL query for one table: contract names, meanings, and the window of dates to fill in."""
    start, end = table.start(), table.end()
    lines = [f"-- {table.name}: {table.meaning}", f"-- Can bear: {table.bears}", f"-- Cannot bear: {table.cannot_bear}"]
    lines += ["-- Put your own table and column names at the places marked <<  >>, then save the result as", "-- "]
    lines[-1] += f"{table.name}.csv (CSV UTF-8, with column names)."
    if start:
        lines += ["", "DECLARE @from date = '<<2021-04-01>>';  -- first day of the first year to analyse"]
        lines += ["DECLARE @to   date = '<<2024-03-31>>';  -- last day of the last year"]
        if table.name in ("MHS201CareContact", "MHS501HospProvSpell", "MHS101Referral", "MHS401MHActPeriod"):
            lines += [
                "-- Some indicators look back: begin @from a year before the first year, and end @to 90 days after."
            ]
    lines += [
        "",
        "SELECT",
        *_selected(table),
        f"FROM <<schema>>.<<{table.name}>> AS source",
        *_window(table, start, end),
    ]
    return "\n".join(lines) + ";\n"


def _selected(table: Table) -> list[str]:
    lines = []
    for position, (name, column) in enumerate(table.columns.items()):
        value = f"source.<<{name}>>"
        if column.type == "date":
            value = f"CONVERT(char(10), {value}, 23)"  # 23: year-month-day
        comma = "," if position < len(table.columns) - 1 else ""
        notes = [column.meaning, "needed" if column.required else "may be left out"]
        if column.allowed() and len(column.allowed()) <= 20:
            notes.append(f"codes {', '.join(column.allowed())}")
        lines += [f"    -- {'; '.join([*notes, *_rules(table, name, column)])}", f"    {value} AS {name}{comma}"]
    return lines


def _window(table: Table, start: str, end: str) -> list[str]:
    latest = (
        f"-- If a {', '.join(table.key)} is submitted every month: select source.<<UniqMonthID>> AS UniqMonthID "
        "too, and the row of the last submission stands."
    )
    if table.name == PERSONS:
        return [
            "-- Everyone who appears in any other table, with every submission, so that a changed category is seen."
        ]
    if not start:
        return []
    if not end:
        return [latest, f"WHERE source.<<{start}>> >= @from AND source.<<{start}>> <= @to"]
    return [
        latest,
        "-- Whatever lasted into the window:",
        f"WHERE source.<<{start}>> <= @to AND (source.<<{end}>> IS NULL OR source.<<{end}>> >= @from)",
    ]
