"""The checks of single rows, made from a table's declaration: what is counted, how grave it is, what to do."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from pcref_analysis.extract import parsing
from pcref_analysis.extract.breach_report import breach, one
from pcref_analysis.extract.schema import PERSONS, Column, Table
from pcref_analysis.extract.sources.portable import flag
from pcref_analysis.vocabulary.parameters import Parameters

SHARE_THAT_STOPS = 0.1  # more than this share of a column unreadable: it holds something else than the contract says
OLDEST = 120
LONGEST = 20  # years; a longer stay or referral is possible, but more often its start is no true date
OPEN = "has not ended"
FEWEST = 10  # rows that end before they begin, from which on they are no slips if they are most of a table
LEFT_OUT = {
    "missing": "The rows are left out. Fill it in the source system.",
    "unread": "The rows are left out. Correct or map the values in the extract.",
    "backward": "The rows are left out. Correct the dates in the source system.",
}
ZONED = "Export local days: AT TIME ZONE 'UTC' AT TIME ZONE 'GMT Standard Time' on SQL Server, then CAST AS date."
MANGLED = "A spreadsheet has removed digits, so people or rows merge. Export again without opening it in a spreadsheet."


def essential(table: Table) -> list[str]:
    """Return the columns without which a row cannot be used; of a person all but the identifier may be unknown."""
    if table.name == PERSONS:
        return ["Person_ID"]
    return [name for name, column in table.columns.items() if column.required and not column.references]


def marked(table: Table, rows: ibis.Table) -> ibis.Table:
    """Return the rows with the number of the reason to leave a row out, and what is odd about identifiers.

    Parameters
    ----------
    table, rows
        As of :func:`pcref_analysis.extract.parsing.joined`.

    Notes
    -----
    ``__reason`` is 0 for a row that is kept; reasons are numbered in the order of :func:`_reasons`, and a row with
    several faults has the first.
    """
    tests = [_test(table, rows, name, kind) for name, kind in _reasons(table)]
    reason = ibis.cases(*((test, k) for k, test in enumerate(tests, 1)), else_=0)
    odd = [f"{name}__odd" for name, column in table.columns.items() if column.type == "id"]
    return rows.select(*table.columns, *odd, __reason=reason)


def totals(table: Table, rows: ibis.Table, known: parsing.Known, day: date) -> dict[str, int]:
    """Count the rows of :func:`marked`, the rows of each reason, and each oddity (``column__oddity``).

    ``day`` is that on which what has no end is looked at.
    """
    counts = {"n": rows.count()}
    counts |= {f"reason_{k}": flag(rows["__reason"] == k).sum() for k in range(1, len(_reasons(table)) + 1)}
    if end := table.end():
        counts["open"] = flag((rows["__reason"] == 0) & rows[end].isnull()).sum()
        length = rows[end].coalesce(ibis.literal(day)).year() - rows[table.start()].year()
        counts[f"{end}__long"] = flag(length > LONGEST).sum()
    for name in (name for name, column in table.columns.items() if column.type == "id"):
        counts[f"{name}__filled"] = rows[name].count()
        counts[f"{name}__word"] = flag(rows[f"{name}__odd"] == parsing.WORD).sum()
        counts[f"{name}__mangled"] = flag(rows[f"{name}__odd"] == parsing.MANGLED).sum()
    return one(rows.aggregate(**counts)) | known.counts


def oldest(parameters: Parameters) -> date:
    """Return the day before which nobody in the run's periods was born."""
    return date(int(min([parameters.period, *parameters.periods])[:4]) - OLDEST, 4, 1)


def _reasons(table: Table) -> list[tuple[str, str]]:
    """Return why a row may be left out, in order: column and kind of fault."""
    reasons = [(name, kind) for name in essential(table) for kind in ("missing", "unread")]
    return [*reasons, (table.end(), "backward")] if table.end() else reasons


def _test(table: Table, rows: ibis.Table, name: str, kind: str) -> ir.BooleanValue:
    if kind == "backward":
        return rows[name] < rows[table.start()]
    if kind == "missing":
        recorded = f"{name}__recorded"
        return rows[recorded] == 0 if recorded in rows.columns else rows[name].isnull()
    return rows[name].isnull()


def unread(column: Column) -> str:
    """Return what is wrong with a value of this column that could not be read."""
    if column.area:
        return "not an area code"
    if column.allowed():
        return "code is not in the list"
    bounds = [f"at least {column.minimum:g}"] if column.minimum is not None else []
    bounds += [f"at most {column.maximum:g}"] if column.maximum is not None else []
    words = {"date": "not a date", "time": "not a time of day"}
    words |= {"integer": "not a whole number", "number": "not a number"}
    return " ".join([words.get(column.type, "not readable"), *([f"({', '.join(bounds)})"] if bounds else [])])


def breaches(table: Table, names: dict[str, str], totals: dict[str, int]) -> tuple[list[dict], int]:
    """Turn the counts of :func:`totals` into breaches, and return how many rows were left out."""
    if not totals["n"]:
        todo = "Read as there having been none: what counts its rows is 0. If it was not submitted, take the table out."
        todo = "There is nobody to count. Export it again." if table.required else todo
        return [breach(table.name, "", "table is empty", "stops" if table.required else "noted", todo)], 0
    found = []
    for name in names:
        counts = _of(name, totals)
        found += _stopping(table, name, counts) or _noted(table, name, counts | {"open": totals.get("open", 0)})
    stopped = {b["column"] for b in found if b["severity"] == "stops"}
    dropped = 0
    for k, (name, kind) in enumerate(_reasons(table), 1):
        rows = totals[f"reason_{k}"]
        dropped += rows
        rule = {"missing": "required value is missing", "backward": f"is before {table.start()}"}.get(kind)
        if name in stopped:
            continue
        swapped = kind == "backward" and rows >= FEWEST and rows > totals["n"] / 2
        rule = rule or unread(table.columns[name])
        todo = LEFT_OUT[kind] + (_forms(_of(name, totals)) if kind == "unread" else "")
        todo = "More than half of the rows. Are the two columns swapped?" if swapped else todo
        found.append(breach(table.name, name, rule, "stops" if swapped else "dropped", todo, rows))
    return found, dropped


def _of(name: str, totals: dict[str, int]) -> dict[str, int]:
    """Return the counts of one column."""
    return {key.removeprefix(f"{name}__"): n for key, n in totals.items() if key.startswith(f"{name}__")}


def _unreadable(column: Column, counts: dict[str, int]) -> int:
    """Return how many values could not be read, those with a rule of their own aside."""
    apart = ("old", "future") if column.birth else ()
    return counts.get("unread", 0) - sum(counts.get(key, 0) for key in apart)


def _stopping(table: Table, name: str, counts: dict[str, int]) -> list[dict]:
    """Return the gravest thing about a column that lets nothing be made of it, if there is one."""
    column, filled = table.columns[name], counts.get("filled", 0)
    if not filled:
        rule = "required column holds no value"
        rule += " but stand-in dates (such as 1900-01-01)" if counts.get("early", 0) + counts.get("far", 0) else ""
        return [breach(table.name, name, rule, "stops", "Fill or map it.")] if column.required else []
    if counts.get("mangled"):
        rule = "identifier in scientific notation (such as 1.2E+11)"
        return [breach(table.name, name, rule, "stops", MANGLED, counts["mangled"])]
    american, dayfirst = counts.get("american", 0), counts.get("dayfirst", 0)
    mixed = counts.get("either", 0) and american > SHARE_THAT_STOPS * (american + dayfirst)
    if american > SHARE_THAT_STOPS * filled or mixed:
        todo = "Write them year-month-day or day/month/year."
        if mixed:
            todo = f"{counts['either']:,} more could be read either way, and would be read wrongly. {todo}"
        return [breach(table.name, name, "dates are month/day/year", "stops", todo, american)]
    if counts.get("zoned"):
        rule = "moments whose local day cannot be told"
        return [breach(table.name, name, rule, "stops", ZONED, counts["zoned"])]
    if counts.get("eleven", 0) > SHARE_THAT_STOPS * filled:
        rule = "times of 23:00 sharp, as of local midnight in summer written in UTC"
        return [breach(table.name, name, rule, "stops", ZONED, counts["eleven"])]
    if (lost := _unreadable(column, counts)) > SHARE_THAT_STOPS * filled:
        return [breach(table.name, name, unread(column), "stops", f"{_mapping(column)}{_forms(counts)}", lost)]
    return []


def _forms(counts: dict[str, int]) -> str:
    """Say how the dates that cannot be read are written, with their number."""
    words = {
        "serial": "numbers of days, as a spreadsheet counts them",
        "short": "years of two digits",
        "american": "month/day/year",
    }
    found = [f"{counts[key]:,} {words[key]}" for key in words if counts.get(key)]
    return f" Among them: {', '.join(found)}." if found else ""


def _noted(table: Table, name: str, counts: dict[str, int]) -> list[dict]:
    """Return what is only noted about a column."""
    column = table.columns[name]
    gone = "The birth date is taken as missing."
    told = [("missing value written as a word (NULL, N/A)", "word", "Taken as missing.")]
    told += [("code had lost its leading zero", "zero", "The zero is put back.")]
    if column.birth:
        told += [(f"age over {OLDEST}", "old", gone), ("birth in the future", "future", gone)]
    else:
        told += [("date in the future", "future", "Kept; it counts only in its own period.")]
    gone = "Taken as not ended." if name == table.end() else "Taken as missing."
    told += [("stand-in date (such as 1900-01-01)", "early", gone)]
    told += [("date far in the future (9999)", "far", gone)]
    if name == table.end():
        told += [(OPEN, "open", "Counted as open.")]
        todo = f"Kept, and it weighs on every mean. Is {table.start()} a true date?"
        told += [(f"lasts more than {LONGEST} years", "long", todo)]
    found = [breach(table.name, name, rule, "noted", todo, counts.get(key, 0)) for rule, key, todo in told]
    if name not in essential(table):
        lost = _unreadable(column, counts)
        todo = "The values are taken as missing."
        if name == table.end():  # an end that cannot be read makes what has ended count as going on
            todo = "Correct them: these rows are taken as not ended, and count as open."
        found.append(breach(table.name, name, unread(column), "noted", f"{todo}{_forms(counts)}", lost))
    return found


def _mapping(column: Column) -> str:
    if column.allowed():
        codes = ", ".join(column.allowed())
        return f"More than a tenth of the values. Map local codes in source.codes to: {codes}."
    dates = "Write dates as 2024-03-31 or 31/03/2024: no two-digit years, and no spreadsheet's numbers of days."
    times = "Write times as 14:05: no time zone, and no spreadsheet's parts of a day."
    forms = {"date": dates, "time": times, "code": "Write codes such as E01000001."}
    return f"More than a tenth of the values. {forms.get(column.type, 'Is another column mapped here?')}"
