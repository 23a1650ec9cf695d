"""Can an indicator be counted: does its entry fit the rules and columns, and does the extract hold what it needs?

A table that is absent, a column nobody filled, a year that was not extracted: each would turn into a rate of nought
if it were counted. Such an indicator is not available, and the reason is given. A table that is there and empty is
another matter: none is a finding, where it is known who could have been counted and the extract covers the year.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import ibis
from ibis import _

from pcref_analysis.counting import counting_rules, row_conditions
from pcref_analysis.counting.row_conditions import Tables
from pcref_analysis.extract import schema
from pcref_analysis.extract.sources import engines, portable
from pcref_analysis.vocabulary.errors import PcrefError, did_you_mean
from pcref_analysis.vocabulary.indicators import LOCAL, Condition, Indicator, shipped

RESIDENTS = "residents"
STRATA = ["ethnic_group", "sex", "age_band", "imd_quintile"]
FEW = 5  # where other years have fewer rows than this, a year without any is no sign of a gap
BANDS = [0, 16, 65]  # any will do to find out which columns there are


def check_own(entries: dict[str, Indicator], run: str) -> None:
    """Check a run's own entries (:func:`check`); the shipped ones are known to fit."""
    check({name: entry for name, entry in entries.items() if entry != shipped().get(name)}, f"{run}{LOCAL}")


def check(entries: dict[str, Indicator], name: str = "indicators.yml") -> None:
    """Check that every entry names a counting rule, and columns of it of the right kind.

    Raises
    ------
    PcrefError
        Naming each entry and field that does not fit.
    """
    faults = []
    for entry in entries.values():
        if entry.count is None:
            continue
        count = entry.counting
        if count.counts:
            other = (entries | shipped()).get(count.at_risk_of)
            if count.at_risk_of and not other:
                faults.append(f"  {entry.id}.count.at_risk_of: there is no indicator '{count.at_risk_of}'")
            elif other and other.at_risk != entry.at_risk:
                faults.append(f"  {entry.id}.at_risk: must be {other.at_risk}, which {other.id} has at risk")
            continue
        columns = _columns(count.rows, faults, f"{entry.id}.count.rows")
        faults += _misfits(count.where, columns, f"{entry.id}.count.where")
        faults += _misfits(count.event or [], columns, f"{entry.id}.count.event")
        faults += _not_numbers({"value": count.value, "total": count.total}, columns, f"{entry.id}.count")
        if count.among:
            place = f"{entry.id}.count.among"
            columns = _columns(count.among.rows, faults, f"{place}.rows")
            faults += _misfits(count.among.where, columns, f"{place}.where")
            faults += _not_numbers({"at_risk": count.among.at_risk}, columns, place)
    if faults:
        raise PcrefError("\n".join([f"indicators: {name} has {len(faults)} fault(s):", *faults]))


def _columns(rule: str, faults: list[str], place: str) -> dict[str, ibis.expr.datatypes.DataType]:
    """Return the columns that conditions on a rule may name, with their types."""
    if rule == RESIDENTS:
        found = {"sex": ibis.dtype("string"), "ethnic_group": ibis.dtype("string")}
        return found | dict.fromkeys(("imd_quintile", "age_from", "age_to"), ibis.dtype("int64"))
    if rule not in row_conditions.RULES:
        faults.append(
            f"  {place}: there is no counting rule '{rule}'.{did_you_mean(rule, row_conditions.RULES)} "
            f"Rules: {', '.join(sorted(row_conditions.RULES))}"
        )
        return {}
    return columns_of(rule)


@cache
def _declared() -> row_conditions.Shared:
    return row_conditions.Shared(row_conditions.declared_tables())  # so that a step of several rules is written once


@cache
def columns_of(rule: str) -> dict[str, ibis.expr.datatypes.DataType]:
    """Return the columns of a counting rule's rows and of their people, with their types."""
    tables, made = _declared(), counting_rules.named(rule)
    known = {f"{table}.{column}" for table, rows in tables.items() for column in rows.columns} | set(tables)
    if odd := set(made.needs or ("nothing",)) - known:
        raise PcrefError(f"counting rule '{rule}': needs {', '.join(sorted(odd))}, which is not in the contract.")
    found = made.rows(tables)
    if "Person_ID" not in found.columns or not ("date" in found.columns or {"start", "until"} <= set(found.columns)):
        raise PcrefError(f"counting rule '{rule}': its rows must have Person_ID, and date or start and until.")
    found = row_conditions.in_periods(found, [2023])
    found = row_conditions.of_people(found, row_conditions.people(tables, ("LSOA2021",)), BANDS)
    return dict(found.schema().items())


def _misfits(conditions: list[Condition], columns: dict, place: str) -> list[str]:
    faults = []
    for condition in conditions if columns else ():
        ((name, value),) = condition.operators().items()
        kind = columns.get(condition.column)
        if kind is None:
            hint = did_you_mean(condition.column, columns)
            faults.append(f"  {place}: there is no column '{condition.column}' in these rows.{hint}".removesuffix("."))
        elif condition.missing is None and not (kind.is_string() or kind.is_numeric()):
            faults.append(f"  {place}: '{condition.column}' is a day, of which missing alone can be asked")
        elif condition.missing is None:
            if (name in ("any_of", "none_of")) != (condition.column == "teams"):
                faults.append(f"  {place}: '{condition.column}': any_of and none_of are for teams, and teams for them")
            values = [c.code for c in condition.codes()] or (value if isinstance(value, list | tuple) else [value])
            if "date" in condition.columns() and "date" not in columns:
                faults.append(
                    f"  {place}: the codes of the list '{value}' count between days, and these rows have no date"
                )
            if any(isinstance(item, str) != kind.is_string() for item in values):
                wanted = "text in quotes" if kind.is_string() else "a number"
                faults.append(f"  {place}: '{condition.column}' is compared with {wanted}")
            elif not isinstance(value, str) or name in ("eq", "ne"):
                faults += _strange(condition.column, values, place)
    return faults


def _strange(column: str, values: Iterable[Any], place: str) -> list[str]:
    """Name codes that the contract does not know in a column: no row would ever have them."""
    known = {
        code for table in schema.declared().values() if column in table.columns for code in table.columns[column].codes
    }
    odd = [f"'{value}'" for value in values if known and value not in known]
    return [f"  {place}: '{column}' has no code {', '.join(odd)}; codes: {', '.join(sorted(known))}"] if odd else []


def _not_numbers(named: dict[str, str | None], columns: dict, place: str) -> list[str]:
    wrong = [field for field, column in named.items() if column and columns and not _is_number(columns.get(column))]
    return [f"  {place}.{field}: '{named[field]}' is not a column of numbers in these rows" for field in wrong]


def _is_number(kind: Any) -> bool:
    return kind is not None and kind.is_numeric()


@row_conditions.once
def filled(tables: Tables) -> dict[str, dict[str, int]]:
    """Return for every table the number of rows (under "") and of values in each column."""
    most, parts = max(len(table.columns) for table in tables.values()), []
    for name, table in tables.items():
        counts = {f"n{i}": table[column].count() for i, column in enumerate(table.columns)}
        counts |= {f"n{i}": ibis.literal(0, "int64") for i in range(len(counts), most)}
        parts.append(table.agg(rows=_.count(), **counts).select(ibis.literal(name).name("name"), "rows", *counts))
    lines = {line["name"]: line for line in engines.arrow(portable.stack(parts)).to_pylist()}
    return {
        name: {"": lines[name]["rows"]} | {column: lines[name][f"n{i}"] for i, column in enumerate(table.columns)}
        for name, table in tables.items()
    }


def rows_by_year(rules: Tables) -> dict[str, dict[int, int]]:
    """Return how many rows of each counting rule fall in each year."""
    found: dict[str, dict[int, int]] = {name: {} for name in rules}
    parts = [rows.group_by("year").agg(n=_.count()).mutate(rule=ibis.literal(name)) for name, rows in rules.items()]
    for line in engines.arrow(portable.stack(parts)).to_pylist() if parts else ():
        found[line["rule"]][line["year"]] = line["n"]
    return found


def unfilled(entries: list[Indicator], tables: Tables) -> dict[str, set[int]]:
    """Return the years in which nobody filled a needed column, as Table.Column, though there are rows.

    Only of tables whose rows are one moment (contacts): what lasts may be filled in a later year than that it began in.
    """
    declared, asked, found = schema.declared(), dict[str, Any](), dict[str, Any]()
    for need in dict.fromkeys(n for entry in entries for n in _needs(entry) + _asked(entry) if "." in n):
        name, column = need.split(".")
        if name in tables and declared[name].start() and not declared[name].end():
            asked.setdefault(name, []).append(column)
    for name, columns in asked.items():
        by_year = tables[name].group_by(year__=row_conditions.year_of(tables[name][declared[name].start()]))
        years = engines.frame(by_year.agg(**{column: tables[name][column].count() for column in columns}))
        for column in columns:
            found[f"{name}.{column}"] = set(years.loc[years[column] == 0, "year__"].dropna().astype(int))
    return found


def gap(entry: Indicator, year: int, seen: dict[str, dict[int, int]], unfilled: dict[str, set[int]]) -> str:
    """Say why an indicator cannot be counted in a year; "" if it can, also where there are none to count.

    ``seen`` is :func:`rows_by_year` of each counting rule, ``unfilled`` what :func:`unfilled` returns. None is
    believed where it can be: others are at risk, other rows tell that the year was extracted, and the other years have
    but a few.
    """
    if blank := [need for need in _needs(entry) + _asked(entry) if year in unfilled.get(need, ())]:
        return _lack("column", dict.fromkeys(blank), "no values in the period")
    mine = seen[entry.counting.rows]
    if year in mine:
        return ""
    if not entry.counting.among:
        return "no rows in the period, of which a share or a mean could be taken"
    others = [counts for rule, counts in seen.items() if rule != entry.counting.rows and "date" in columns_of(rule)]
    if not any(counts.get(year, 0) >= max(counts.values(), default=1) / 2 for counts in others):
        return "no rows in the period, and nothing else says that the extract covers it"
    if sum(mine.values()) >= FEW * max(1, len(mine)):
        return "no rows in the period, though other periods have many"
    return ""


def _rules(entry: Indicator) -> list[str]:
    count = entry.counting
    return [count.rows, *([count.among.rows] if count.among and count.among.rows != RESIDENTS else [])]


def _needs(entry: Indicator) -> list[str]:
    found = ["MHS001MPI", *(need for rule in _rules(entry) for need in counting_rules.named(rule).needs)]
    among = entry.counting.among
    return found + (list(schema.POPULATION_TABLES) if among and among.rows == RESIDENTS else [])


def _asked(entry: Indicator) -> list[str]:
    return _used_columns(entry, needs(entry))


def needs(entry: Indicator) -> list[str]:
    """Return the tables without which an indicator is not available; none where only published figures have it."""
    if entry.count and entry.counting.counts:
        return ["GroupCounts"]
    return list(dict.fromkeys(need.split(".")[0] for need in _needs(entry))) if entry.count else []


@row_conditions.once
def team_types(tables: Tables) -> set[str]:
    """Return the types of team that any table names."""
    named = [tables[name].select("ServTeamTypeMH") for name in row_conditions.TEAMS if name in tables]
    return set(engines.frame(portable.stack(named).distinct())["ServTeamTypeMH"].dropna()) if named else set()


def _lack(kind: str, names: Iterable[str], what: str) -> str:
    first, *more = names
    return f"the {kind}s {', '.join([first, *more])} have {what}" if more else f"the {kind} {first} has {what}"


def reason(entry: Indicator, values: dict[str, dict[str, int]], imd_version: int, teams: set[str]) -> str:
    """Say why an indicator cannot be counted from the tables at all; "" if it can.

    ``teams`` are the types of team of the extract (:func:`team_types`): a Trust that has none of a kind did not see
    nobody with it.
    """
    named = needs(entry)
    absent = [name for name in named if name not in values]
    if absent:
        return f"the extract has no table {', '.join(absent)}"
    empty = [name for name in named if not values[name][""]]
    count = entry.counting
    counted = counting_rules.named(count.rows).needs[0] if count.among else ""  # none of it is an answer
    if bare := [name for name in empty if name != counted]:
        return _lack("table", bare, "no rows")
    used = [need.split(".") for need in dict.fromkeys(_needs(entry) + _asked(entry)) if "." in need]
    blank = ["MHS101Referral.ServTeamTypeMH"] if _lacks_teams(entry, values) else []
    blank += [f"{table}.{column}" for table, column in used if table not in empty and not values[table].get(column)]
    if "Areas" in named and not any(values["MHS001MPI"].get(column) for column in schema.AREA_COLUMNS[imd_version]):
        blank.append(f"MHS001MPI.{schema.AREA_COLUMNS[imd_version][0]}")
    if blank:
        return _lack("column", blank, "no values")
    asked = [{code.code for code in c.codes()} for c in entry.counting.where if c.any_of]
    lacking = ", ".join(sorted(next((codes for codes in asked if not codes & teams), ())))
    return f"no team of the extract has the type {lacking}" if lacking else ""


def _lacks_teams(entry: Indicator, values: dict[str, dict[str, int]]) -> bool:
    """Say whether an entry asks for the teams of a referral and no table names one."""
    asked = any(c.column == "teams" for c in (*entry.counting.where, *(entry.counting.event or [])))
    return asked and not any(values.get(table, {}).get("ServTeamTypeMH") for table in row_conditions.TEAMS)


def _used_columns(entry: Indicator, tables: list[str]) -> list[str]:
    """Return the columns of the extract that the conditions of an entry rest on, as Table.Column."""
    count = entry.counting
    conditions = [*count.where, *(count.event or [])]
    if count.among and count.among.rows != RESIDENTS:
        conditions += count.among.where
    declared, named = row_conditions.schemas(), [c.column for c in conditions if c.if_missing != "holds"]
    made = {column for rule in _rules(entry) for column in counting_rules.named(rule).stands_in}
    return [
        f"{table}.{name}" for name in named for table in tables if name in declared[table].names and name not in made
    ]
