"""Months without rows: an extract that stops in December, or starts a year too late, shows as fewer events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import ibis
from ibis import _

from pcref_analysis.extract.breach_report import breach, count
from pcref_analysis.extract.schema import Table, declared
from pcref_analysis.extract.sources import engines
from pcref_analysis.vocabulary.parameters import Parameters

# Rows that the table's own pace lets expect in the months without any. At an even pace, five or more are missing by
# chance less than once in a hundred extracts, so that a table of a few rows a year is not pointed at.
EXPECTED = 5
TODO = "Fewer months count as fewer events. Was the extract cut short, or a submission missed? Extract whole years."


def months(table: Table, rows: ibis.Table, parameters: Parameters, day: date) -> list[dict]:
    """Return a finding for each period in which a table has no rows in some months, the months named.

    A table without a date that places its rows in time has none. Months that are not over by ``day`` are not asked for.
    """
    start = table.start()
    if not (start and table.person):
        return []
    found = engines.arrow(by_month(rows, start)).to_pylist()
    counts = {(row["year"], row["month"]): row["n"] for row in found}
    periods = {period: _asked(int(period[:4]), day) for period in parameters.periods or [parameters.period]}
    asked = [month for part in periods.values() for month in part]
    pace = sum(counts.get(month, 0) for month in asked) / max(1, len(asked))
    breaches = []
    for period, part in periods.items():
        bare = [month for month in part if month not in counts]
        if bare and pace * len(bare) >= EXPECTED:
            named = "" if len(bare) == 12 else f": {', '.join(f'{y}-{m:02d}' for y, m in bare)}"
            rule = f"no rows in {len(bare)} of {len(part)} months of {period}{named}"
            breaches.append(breach(table.name, "", rule, "noted", TODO))
    return breaches


def bare(tables: Mapping[str, ibis.Table], parameters: Parameters) -> list[dict]:
    """Return what stops the run where no table has a row in its period; nothing where no table has dates.

    The years that have rows are named, so that the period can be set to one of them.
    """
    dated = {t.name: t.start() for t in declared().values() if t.person and t.start() and t.name in tables}
    first = int(parameters.period[:4])
    start, end = (ibis.date(year, 4, 1) for year in (first, first + 1))
    for name, column in dated.items():
        rows = tables[name]
        if count(rows.filter(rows[column] >= start, rows[column] < end).limit(1)):
            return []
    found = [row for name, column in dated.items() for row in engines.arrow(by_month(tables[name], column)).to_pylist()]
    years = sorted({row["year"] - (row["month"] < 4) for row in found if row["year"] is not None})
    if not years:
        return []
    there = f"Rows start in {years[0]}-{(years[0] + 1) % 100:02d} to {years[-1]}-{(years[-1] + 1) % 100:02d}"
    rule = f"no table has a row that starts in the period {parameters.period}"
    return [breach("extract", "", rule, "stops", f"{there}. Set period (and periods), or extract that year.")]


def by_month(rows: ibis.Table, start: str) -> ibis.Table:
    """Count rows by the year and month of a date."""
    return rows.group_by(year=rows[start].year(), month=rows[start].month()).agg(n=_.count())


def _asked(year: int, day: date) -> list[tuple[int, int]]:
    """Return the months of a financial year that were over on a day, as (year, month)."""
    months = [(year + (number > 12), (number - 1) % 12 + 1) for number in range(4, 16)]
    return [month for month in months if month < (day.year, day.month)]
