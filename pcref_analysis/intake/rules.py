"""The checks themselves, made from a table's declaration: what is counted, how grave it is, what to do about it."""

from __future__ import annotations

import difflib
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir

from pcref_analysis.intake import cleaning, people
from pcref_analysis.intake.cleaning import flag, when
from pcref_analysis.intake.declarations import PERSONS, Column, Table
from pcref_analysis.vocabulary.parameters import Parameters

SHARE_THAT_STOPS = 0.1  # more than this share of a column unreadable: it holds something else than the contract says
ORPHANS_THAT_STOP = 0.5  # more than this share of rows without a person: identifiers differ between tables
OLDEST = 120


def breach(table: str, column: str, rule: str, rows: int, severity: str, todo: str, always: bool = False) -> dict:
    """Return one breach; ``always`` keeps it also when it concerns no rows (an absent table has none)."""
    return {
        "table": table,
        "column": column,
        "rule": rule,
        "rows": int(rows or 0),
        "severity": severity,
        "todo": todo,
        "always": always,
    }


def one(row: ibis.Table) -> dict[str, Any]:
    """Run a query of one row of counts."""
    return {name: value or 0 for name, value in row.to_pyarrow().to_pylist()[0].items()}


def presence(table: Table, tables: dict[str, ibis.Table], parameters: Parameters) -> list[dict]:
    """Return breaches for an absent table and for absent columns."""
    if table.name not in tables:
        return [
            breach(
                table.name,
                "",
                "table is not in the extract",
                0,
                "stops" if table.required else "noted",
                "Nothing can be analysed without it."
                if table.required
                else "Indicators that need it are not available. Add the table if the Trust has it.",
                always=True,
            )
        ]
    return columns(table, tables[table.name], parameters)[1]


def columns(table: Table, raw: ibis.Table, parameters: Parameters) -> tuple[dict[str, str], list[dict]]:
    """Return declared name -> name in the raw table (letter case and outer spaces aside), and absent columns."""
    mapping = parameters.source.columns.get(table.name, {})
    folded = {name.strip().lstrip("\ufeff").lower(): name for name in reversed(raw.columns)}
    names = {}
    for name in table.columns:
        local = mapping.get(name, name)
        exact = local if local in raw.columns else folded.get(local.strip().lower())
        if exact is not None:
            names[name] = exact
    faults = [_absent(table, name, mapping, folded) for name in table.columns if name not in names]
    if not names:
        faults = [
            breach(
                table.name,
                "",
                "none of the columns has a name of the contract",
                0,
                "stops",
                "Is the first line the column names? Else map local names in source.columns.",
                always=True,
            )
        ]
    faults += [
        breach(
            table.name,
            n,
            f"type {raw[names[n]].type()} cannot be read",
            0,
            "stops",
            "Export plain values.",
            always=True,
        )
        for n in names
        if raw[names[n]].type().is_nested() or raw[names[n]].type().is_binary()
    ]
    return names, faults


def _absent(table: Table, name: str, mapping: dict[str, str], folded: dict[str, str]) -> dict:
    """A found column is named only where it is close to the wanted one: without a header line, names are values."""
    column, local = table.columns[name], mapping.get(name, name)
    near = difflib.get_close_matches(local.lower(), folded, n=1, cutoff=0.8)
    hint = f" Is it '{folded[near[0]]}'? Map it in source.columns." if near else " Map or add it."
    if name in mapping:
        return breach(
            table.name,
            name,
            "column mapped in source.columns is not in the table",
            0,
            "stops",
            hint.strip(),
            always=True,
        )
    return breach(
        table.name,
        name,
        "required column is missing" if column.required else "optional column is missing",
        0,
        "stops" if column.required else "noted",
        hint.strip() if column.required else f"Taken as not recorded.{hint if near else ''}",
        always=True,
    )


def essential(table: Table) -> list[str]:
    """Return the columns without which a row cannot be used; of a person all but the identifier may be unknown."""
    if table.name == PERSONS:
        return ["Person_ID"]
    return [name for name, column in table.columns.items() if column.required and not column.references]


def marked(table: Table, raw: ibis.Table, names: dict[str, str], parameters: Parameters, day: date) -> ibis.Table:
    """Return the rows as read, with the number of the reason to leave a row out and 0/1 columns for what was found.

    Parameters
    ----------
    table, raw, names
        As for :func:`pcref_analysis.intake.cleaning.staged`.
    parameters
        The first period sets who would be older than 120.
    day
        Dates after it lie in the future.

    Notes
    -----
    ``__reason`` is 0 for a row that is kept; reasons are numbered in the order of :func:`_reasons`, and a row with
    several faults has the first. ``<column>__<oddity>`` are the 0/1 columns that :func:`totals` sums.
    """
    rows = cleaning.staged(raw, table, names)
    first = min([parameters.period, *parameters.periods])
    oldest = date(int(first[:4]) - OLDEST, 4, 1)
    sensible: dict[str, ir.Value] = {}
    for name, column in table.columns.items():
        if column.type == "date":
            sensible |= _sensible(rows[name], name, column, oldest, day)
    rows = rows.mutate(**sensible) if sensible else rows
    tests = [_test(table, rows, name, kind) for name, kind in _reasons(table)]
    oddities: dict[str, ir.Value] = {}
    for name, column in table.columns.items():
        oddities |= _oddities(rows, name, column)
    return rows.select(
        *table.columns, __reason=ibis.cases(*((test, k) for k, test in enumerate(tests, 1)), else_=0), **oddities
    )


def totals(table: Table, rows: ibis.Table) -> dict[str, int]:
    """Count the rows of :func:`marked`, the rows of each reason, and each oddity."""
    counts = {"n": rows.count()}
    counts |= {f"reason_{k}": flag(rows["__reason"] == k).sum() for k in range(1, len(_reasons(table)) + 1)}
    if table.end():
        counts["open"] = flag((rows["__reason"] == 0) & rows[table.end()].isnull()).sum()
    counts |= {name: rows[name].sum() for name in rows.columns if "__" in name and not name.startswith("__")}
    return one(rows.aggregate(**counts))


def _sensible(value: ir.DateValue, name: str, column: Column, oldest: date, day: date) -> dict[str, ir.Value]:
    """Return the date without days that cannot be, and 0/1 columns that tell why a day was taken out."""
    tomorrow = value > ibis.date(day.isoformat())
    if column.birth:
        old = value < ibis.date(oldest.isoformat())
        flags = {"old": flag(old), "future": flag(tomorrow), "far": flag(old & tomorrow)}
        return {name: when(~old & ~tomorrow, value), **{f"{name}__{key}": test for key, test in flags.items()}}
    far = value.year() >= cleaning.OPEN_YEAR
    good = when((value.year() >= 1900) & ~far, value)
    return {name: good, f"{name}__far": flag(far), f"{name}__future": flag(tomorrow & ~far)}


def _reasons(table: Table) -> list[tuple[str, str]]:
    """Return why a row may be left out, in order: column and kind of fault."""
    reasons = [(name, kind) for name in essential(table) for kind in ("missing", "unread")]
    return [*reasons, (table.end(), "backward")] if table.end() else reasons


def _test(table: Table, rows: ibis.Table, name: str, kind: str) -> ir.BooleanValue:
    if kind == "missing":
        return rows[f"{name}__text"].isnull()
    return rows[name].isnull() if kind == "unread" else rows[name] < rows[table.start()]


def unread(column: Column) -> str:
    """Return what is wrong with a value of this column that could not be read."""
    if column.area:
        return "not an area code"
    if column.allowed():
        return "code is not in the list"
    bounds = [f"at least {column.minimum:g}"] if column.minimum is not None else []
    bounds += [f"at most {column.maximum:g}"] if column.maximum is not None else []
    words = {"date": "not a date", "integer": "not a whole number", "number": "not a number"}
    return " ".join([words.get(column.type, "not readable"), *([f"({', '.join(bounds)})"] if bounds else [])])


def _oddities(rows: ibis.Table, name: str, column: Column) -> dict[str, ir.Value]:
    """Return the 0/1 columns of one column: recorded, unread, and each known oddity."""
    text, value = rows[f"{name}__text"], rows[name]
    found = {"filled": flag(text.notnull()), "unread": flag(text.notnull() & value.isnull())}
    found["word"] = rows[f"{name}__word"]
    if column.type == "id":
        found["mangled"] = flag(cleaning.mangled(text))
    if column.width:
        found["zero"] = flag((rows[f"{name}__zero"] == 1) & value.notnull())
    if column.type == "date":
        found |= {
            key: rows[f"{name}__{key}"] for key in ("american", "far", "future", *(["old"] if column.birth else []))
        }
    return {f"{name}__{key}": test for key, test in found.items()}


def breaches(table: Table, names: dict[str, str], totals: dict[str, Any]) -> tuple[list[dict], int]:
    """Turn the counts of :func:`marked` into breaches, and return how many rows were left out."""
    if not totals["n"]:
        severity = "stops" if table.required else "noted"
        todo = "Its indicators are not available: no rows may mean that nothing was submitted."
        return [breach(table.name, "", "table is empty", 0, severity, todo, always=True)], 0
    found = []
    for name in names:
        counts = {key.removeprefix(f"{name}__"): value for key, value in totals.items() if key.startswith(f"{name}__")}
        found += _column(table, name, table.columns[name], counts | {"open": totals.get("open", 0)})
    stopped = {b["column"] for b in found if b["severity"] == "stops"}
    dropped = 0
    for k, (name, kind) in enumerate(_reasons(table), 1):
        dropped += totals[f"reason_{k}"]
        if name not in stopped:
            rule = {"missing": "required value is missing", "backward": f"is before {table.start()}"}.get(kind)
            found.append(
                breach(
                    table.name,
                    name,
                    rule or unread(table.columns[name]),
                    totals[f"reason_{k}"],
                    "dropped",
                    LEFT_OUT[kind],
                )
            )
    return found, dropped


LEFT_OUT = {
    "missing": "The rows are left out. Fill it in the source system.",
    "unread": "The rows are left out. Correct or map the values in the extract.",
    "backward": "The rows are left out. Correct the dates in the source system.",
}


def _column(table: Table, name: str, column: Column, counts: dict[str, int]) -> list[dict]:
    """Return what stops and what is noted about one column."""
    get = lambda key: counts.get(key, 0)  # noqa: E731
    filled = get("filled")
    unreadable = get("unread") - get("old") - get("far") - (get("future") if column.birth else 0)
    add = lambda rule, key, severity, todo: breach(table.name, name, rule, key, severity, todo)  # noqa: E731
    if column.required and not filled:
        return [breach(table.name, name, "required column holds no value", 0, "stops", "Fill or map it.", always=True)]
    if get("mangled"):
        return [add("identifier in scientific notation (1.2E+11)", get("mangled"), "stops", MANGLED)]
    if filled and get("american") > SHARE_THAT_STOPS * filled:
        return [
            add("dates are month/day/year", get("american"), "stops", "Write them year-month-day or day/month/year.")
        ]
    if filled and unreadable > SHARE_THAT_STOPS * filled:
        return [add(unread(column), unreadable, "stops", _mapping(column))]
    found = []
    if name not in essential(table):
        found.append(add(unread(column), unreadable, "noted", "The values are taken as missing."))
    end = name == table.end()
    return [
        *found,
        add("missing value written as a word (NULL, N/A)", get("word"), "noted", "Taken as missing."),
        add("code had lost its leading zero", get("zero"), "noted", "The zero is put back."),
        add(f"age over {OLDEST}", get("old"), "noted", "The birth date is taken as missing."),
        add(
            "birth in the future" if column.birth else "date in the future",
            get("future"),
            "noted",
            "The birth date is taken as missing." if column.birth else "Kept; it counts only in its own period.",
        ),
        add("date far in the future (9999)", 0 if column.required else get("far"), "noted", "Taken as not ended."),
        add("has not ended", get("open") if end else 0, "noted", "Counted as open."),
    ]


MANGLED = "A spreadsheet has removed digits, so people or rows merge. Export again without opening it in a spreadsheet."


def _mapping(column: Column) -> str:
    if column.allowed():
        shown = ", ".join(column.allowed()[:30])
        return f"More than a tenth of the values. Map local codes to: {shown}."
    forms = {"date": "Write dates as 2024-03-31 or 31/03/2024.", "code": "Write codes such as E01000001."}
    return f"More than a tenth of the values. {forms.get(column.type, 'Is another column mapped here?')}"


def unique(table: Table, rows: ibis.Table, kept: int) -> tuple[ibis.Table, list[dict]]:
    """Keep one row a key: the one that ended last, else the greatest; count the others."""
    keys = one(rows.group_by(*table.key).aggregate(n=rows.count()).aggregate(keys=ibis._.count()))["keys"]
    if keys == kept:
        return rows, []
    others = [name for name in table.columns if name not in table.key]
    first = [name for name in (table.end(), table.start()) if name]
    order = [
        ibis.coalesce(rows[name].cast("string"), "").desc() for name in [*first, *(n for n in others if n not in first)]
    ]
    ranked = rows.mutate(
        __rank=ibis.row_number().over(ibis.window(group_by=[rows[k] for k in table.key], order_by=order))
    )
    todo = "One row a key is kept, the one with the latest end; the others are left out."
    rule = f"duplicate rows of one {' + '.join(table.key)}"
    return ranked.filter(ranked["__rank"] == 0).drop("__rank"), [
        breach(table.name, " + ".join(table.key), rule, kept - keys, "dropped", todo)
    ]


def of_people(table: Table, rows: ibis.Table, persons: ibis.Table, kept: int) -> tuple[ibis.Table, list[dict]]:
    """Keep the rows of people that stand in the table of people; count the others."""
    known = rows.semi_join(persons, "Person_ID")
    orphans = one(rows.aggregate(n=rows.count()))["n"] - one(known.aggregate(n=known.count()))["n"]
    if orphans > ORPHANS_THAT_STOP * kept:
        rule, todo = "most rows are of people not in MHS001MPI", "Are identifiers written alike in both tables?"
        return known, [breach(table.name, "Person_ID", rule, orphans, "stops", todo)]
    todo = "The rows are left out. Extend the table of people to everyone in the other tables."
    return known, [
        breach(table.name, "Person_ID", "person is not in MHS001MPI", orphans, "dropped", todo)
    ] if orphans else []


def several(table: Table, rows: ibis.Table) -> tuple[list[dict], int]:
    """Count people whose submissions disagree, and rows beyond the first of a person and month."""
    counts = one(people.conflicts(rows))
    keys = one(rows.group_by(*table.key).aggregate(n=rows.count()).aggregate(keys=ibis._.count(), n=ibis._.n.sum()))
    found = [
        breach(
            table.name,
            "Person_ID + UniqMonthID",
            "several rows of one person and month",
            keys["n"] - keys["keys"],
            "noted",
            "They are merged into one person.",
        ),
        breach(
            table.name,
            "EthnicCategory",
            "people with several known ethnic categories",
            counts["EthnicCategory"],
            "noted",
            "One is chosen by ethnicity_rule; compare the rules before a gap is read as settled.",
        ),
        breach(table.name, "Gender", "people with several genders", counts["Gender"], "noted", "The latest is used."),
        breach(
            table.name,
            "PersonBirthDate",
            "people with several birth dates",
            counts["PersonBirthDate"],
            "noted",
            "The latest is used. Two people under one identifier?",
        ),
    ]
    return found, counts["people"]


def between(kept: dict[str, ibis.Table], parameters: Parameters, tables: dict[str, Table]) -> list[dict]:
    """Count identifiers that point nowhere, and home areas that the catchment does not know."""
    found = []
    for name, rows in kept.items():
        for column, declared in tables[name].columns.items():
            if declared.references in kept:
                target = kept[declared.references]
                loose = rows.filter(rows[column].notnull()).anti_join(target, column)
                n = one(loose.aggregate(n=loose.count()))["n"]
                todo = "Kept, but counted only where the other table is not needed. Extract both for the same window."
                found.append(breach(name, column, f"points to no row of {declared.references}", n, "noted", todo))
    return found + _areas(kept, parameters)


def _areas(kept: dict[str, ibis.Table], parameters: Parameters) -> list[dict]:
    if "Areas" not in kept or PERSONS not in kept:
        return []
    column = "LSOA2021" if parameters.imd_version == 2025 else "LSOA2011"
    persons = kept[PERSONS]
    living = persons.filter(persons[column].notnull())
    living = living.select(lsoa=living[column])
    outside = living.anti_join(kept["Areas"], "lsoa")
    all_, out = (one(t.aggregate(n=t.count()))["n"] for t in (living, outside))
    if all_ and all_ == out:
        todo = f"Does Areas hold the LSOA year that goes with imd_version {parameters.imd_version}?"
        return [breach(PERSONS, column, "no home area is in Areas", out, "stops", todo)]
    todo = "People from out of the area, or of another LSOA year; not counted among residents."
    return [breach(PERSONS, column, "people whose home area is not in Areas", out, "noted", todo)]
