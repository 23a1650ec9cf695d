"""What each table of an extract must look like: every breach named at once, counted, and never shown.

The checks are made from ``contracts.yml``. Rows are checked and counted where they live; what comes from there are
counts, and the different texts of a column that is no identifier (:mod:`pcref_analysis.extract.parsing`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import ibis
import pandas as pd

from pcref_analysis.counting.availability import needs
from pcref_analysis.extract import (
    breach_report,
    columns_present,
    deduplicate,
    month_coverage,
    parsing,
    row_checks,
    table_checks,
)
from pcref_analysis.extract.breach_report import render
from pcref_analysis.extract.schema import ELSEWHERE, PERSONS, POPULATION_TABLES, Table, declared
from pcref_analysis.extract.sources import engines
from pcref_analysis.store import progress
from pcref_analysis.vocabulary.errors import PcrefError, SourceError
from pcref_analysis.vocabulary.indicators import of_run
from pcref_analysis.vocabulary.parameters import Parameters

__all__ = ["Checked", "PopulationTables", "clean", "examine", "render"]


@dataclass(frozen=True)
class Checked:
    """A checked extract.

    ``tables``: cleaned Ibis tables with declared names and types (id, code and text are string; date; int64;
    float64), one row a person in MHS001MPI; an absent table is not among them, an optional column that is absent is
    there with missing values. ``Elsewhere`` (``lsoa, imd_quintile``) is there where people live outside the
    catchment. ``breaches``: ``table, column, rule, rows, severity, todo``. ``counts``: ``table, read,
    dropped, superseded, kept, people``; read = dropped + superseded + kept, and each of the two is the sum of the
    table's breaches of that severity.
    In MHS001MPI ``kept`` counts the rows that were used and ``people`` the persons that they became.
    """

    tables: dict[str, ibis.Table]
    breaches: pd.DataFrame
    counts: pd.DataFrame


class PopulationTables(NamedTuple):
    """Tables made of published figures to take with the extract's (see :mod:`pcref_analysis.extract.fallback`).

    ``fit`` is how exactly they meet the published tables, ``said`` what there is to know, or why there are none.
    ``deprivation`` holds every area of England (``lsoa, imd_quintile``), for people who live outside the catchment.
    """

    tables: dict[str, pd.DataFrame]
    fit: pd.DataFrame
    said: str
    deprivation: pd.DataFrame = pd.DataFrame({"lsoa": [], "imd_quintile": []})


def clean(
    tables: dict[str, ibis.Table],
    parameters: Parameters,
    today: date | None = None,
    residents: PopulationTables | None = None,
    say: Callable[[str], None] = print,
) -> Checked:
    """Check the raw tables and return them cleaned.

    Parameters
    ----------
    tables
        Raw Ibis tables under contract names (see :func:`pcref_analysis.extract.sources.connect.open`).
    parameters
        ``source.columns`` maps contract columns to local ones; ``ethnicity_rule`` chooses among several ethnic
        categories of one person; the first period sets who would be older than 120.
    today
        The day after which a date lies in the future (default: the day of the run).
    residents
        What stands in for the tables of residents and areas (:func:`pcref_analysis.extract.fallback.of`).
    say
        Told what share of the tables is checked (:mod:`pcref_analysis.store.progress`); no line is said.

    Raises
    ------
    PcrefError
        If a breach stops the analysis. The message names every such breach; no message shows a row's value.

    Examples
    --------
    >>> checked = clean(connect.open(parameters), parameters)      # doctest: +SKIP
    >>> checked.breaches.query("severity == 'dropped'")            # doctest: +SKIP
    """
    checked = examine(tables, parameters, today, residents, say)
    stops = checked.breaches.query("severity == 'stops'")
    if len(stops):
        raise PcrefError(f"extract: {len(stops)} thing(s) stop the analysis:\n{render(stops)}")
    return checked


def examine(
    tables: dict[str, ibis.Table],
    parameters: Parameters,
    today: date | None = None,
    residents: PopulationTables | None = None,
    say: Callable[[str], None] = print,
) -> Checked:
    """Do as :func:`clean` does, but return what stops the analysis among the breaches instead of raising it."""
    day = today or date.today()
    made, said = (residents.tables, residents.said) if residents else ({}, "")
    tables = {name: table for name, table in tables.items() if name not in made}
    words = _without(parameters) | dict.fromkeys(made, said[:1].upper() + said[1:])
    if said and not made:
        words |= {name: f"{said[:1].upper() + said[1:]} {words[name]}" for name in POPULATION_TABLES}
    found = [b for t in declared().values() for b in columns_present.presence(t, tables, parameters, words)]
    unusable = {b["table"] for b in found if b["severity"] == "stops"}
    kept: dict[str, ibis.Table] = {}
    counts = []
    for number, table in enumerate(declared().values()):
        progress.share(say, number / len(declared()))
        if table.name not in tables or table.name in unusable:
            continue
        result, breaches, count = _guarded(table, tables[table.name], parameters, kept.get(PERSONS), day)
        found += breaches
        counts.append(count)
        kept[table.name] = result
    if PERSONS in kept:
        kept |= {name: engines.temporary_table(frame, kept[PERSONS]) for name, frame in made.items()}
    found += table_checks.between(kept, parameters)
    if residents and PERSONS in kept and POPULATION_TABLES[1] in kept:
        kept |= _elsewhere(kept, parameters, residents.deprivation)
    numbers = dict.fromkeys(("read", "dropped", "superseded", "kept", "people"), "Int64")
    return Checked(kept, breach_report.frame(found), pd.DataFrame(counts, columns=["table", *numbers]).astype(numbers))


def _elsewhere(kept: dict[str, ibis.Table], parameters: Parameters, known: pd.DataFrame) -> dict[str, ibis.Table]:
    """Return the deprivation of the areas outside the catchment in which people of the extract live, if any."""
    homes = table_checks.homes(kept, parameters).anti_join(kept[POPULATION_TABLES[1]], "lsoa").distinct()
    areas = known[known["lsoa"].isin(engines.arrow(homes)["lsoa"].to_pylist())]
    areas = areas.astype({"lsoa": str, "imd_quintile": "int64"})
    return {ELSEWHERE: engines.temporary_table(areas.reset_index(drop=True), kept[PERSONS])} if len(areas) else {}


def _without(parameters: Parameters) -> dict[str, str]:
    """Say of every table what it means that it is absent: the indicators that are then not available, by name."""
    words, entries = {}, of_run(parameters.run)
    needed = [(entry.name, needs(entry)) for entry in entries.values()]
    for table in declared().values():
        names = [name for name, tables in needed if table.name in tables]
        if table.name == POPULATION_TABLES[1]:
            words[table.name] = f"Not available without it: what needs {POPULATION_TABLES[0]}."  # named there
        elif names:
            words[table.name] = f"Not available without it: {'; '.join(names)}. Add the table if the Trust has it."
        else:
            exact = "; ".join(entries[name].name for name in table.exact if name in entries)
            words[table.name] = f"Without it {table.without} Less exact then: {exact}."
    return words


def _guarded(table: Table, raw: ibis.Table, *rest: Any) -> tuple[ibis.Table, list[dict], dict]:
    """Run one table's checks; what an engine says in an error may hold a row's value, and is not shown."""
    try:
        return _table(table, raw, *rest)
    except engines.failures() as error:
        todo = "Is the source still reachable, and are the column types plain text, numbers and dates?"
        raise SourceError(
            f"{table.name}: the checks could not be run where the rows live ({type(error).__name__}). "
            f"{engines.short_of_memory(error) or todo}"
        ) from None


def _table(
    table: Table, raw: ibis.Table, parameters: Parameters, persons: ibis.Table | None, day: date
) -> tuple[ibis.Table, list[dict], dict]:
    names, _ = columns_present.columns(table, raw, parameters)
    read = table.read_as(names)  # with what tells the order of submissions, where it is there
    texts = engines.once_parsed(parsing.texts(raw, read, names))
    oldest, codes = row_checks.oldest(parameters), parameters.source.codes.get(table.name, {})
    known = parsing.read(texts, read, codes, oldest, day)
    marked = engines.hold(row_checks.marked(read, parsing.joined(texts, read, known)))
    engines.release(texts)
    totals = row_checks.totals(read, marked, known, day)
    breaches, dropped = row_checks.breaches(read, names, totals)
    kept = totals["n"] - dropped
    count: dict[str, Any] = {"table": table.name, "read": totals["n"], "dropped": dropped, "superseded": 0}
    count |= {"kept": kept, "people": pd.NA}
    rows = marked.filter(marked["__reason"] == 0).select(*read.columns)
    if not kept:
        return rows.select(*table.columns), breaches, count
    if table.name == PERSONS:
        found, count["people"] = table_checks.several(table, rows, kept)
        rows = deduplicate.one_row(rows, parameters.ethnicity_rule)
    else:
        rows, found = table_checks.unique(table, rows, kept)
        count["superseded"] = sum(b["rows"] for b in found if b["severity"] == "superseded")
        count["kept"] -= count["superseded"]
        if table.person and persons is not None:
            rows, orphans = table_checks.of_people(table, rows, persons, count["kept"])
            found += orphans
            lost = sum(b["rows"] for b in orphans)
            count |= {"dropped": dropped + lost, "kept": count["kept"] - lost}
    if count["kept"] == kept and table.name != PERSONS:  # what was left out, the rows themselves tell: no copy
        clean = engines.stepped(rows)
    else:
        clean = engines.hold(rows)
        engines.release(marked)
    if count["superseded"] and (end := table.end()):  # an earlier submission of what has ended since was open
        going_on = count["kept"] - breach_report.one(clean.aggregate(n=clean[end].count()))["n"]
        breaches = [b | {"rows": going_on} if b["rule"] == row_checks.OPEN else b for b in breaches]
    return clean, breaches + found + month_coverage.months(table, clean, parameters, day), count
