"""Rows become cells, once, where the data live.

A cell is indicator x period x ethnic group x sex x age band x IMD quintile with its sufficient statistics.
No row of a person leaves the database: people are added up there, and what comes back is cells and counts of
what was left out and why (the ledger).
"""

from __future__ import annotations

from pathlib import Path

import ibis
import pandas as pd
from ibis import _

from pcref_analysis.intake import counting, demo
from pcref_analysis.intake.counting import Tables
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.indicators import Indicator, catalogue
from pcref_analysis.vocabulary.parameters import Parameters, project_root
from pcref_analysis.vocabulary.parameters import load as load_parameters

STRATA = ["ethnic_group", "sex", "age_band", "imd_quintile"]
KEYS = ["indicator", "period", *STRATA]
SUMS = ["events", "at_risk", "events_sq", "events_at_risk", "at_risk_sq", "total", "total_sq", "total_at_risk"]
COUNTED = "counted"


def build(
    tables: Tables, parameters: Parameters, indicators: dict[str, Indicator] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count the rows of an extract into cells.

    Parameters
    ----------
    tables
        Contract table name to Ibis table, already checked and cleaned. A table may be absent: the indicators
        that need it are then in the ledger as not available, with the reason.
    parameters
        The run: periods, age bands, deprivation version.
    indicators
        The catalogue to count; the shipped one by default.

    Returns
    -------
    cells
        One row a cell, in a fixed order, with the sums of :data:`SUMS` (missing where they do not apply).
    ledger
        ``indicator, period, side, reason, rows``: how many rows of the numerator (side "events") and of the
        denominator (side "at_risk") were counted, and how many were left out for which reason.
    """
    entries = catalogue() if indicators is None else indicators
    people = counting.people(tables, f"LSOA{2011 if parameters.imd_version == 2019 else 2021}")
    cells, ledger = [], []
    for entry in entries.values():
        if entry.count is None:
            continue
        if reason := _not_available(entry, tables):
            ledger += [(entry.id, period, "events", f"not available: {reason}", 0) for period in periods(parameters)]
            continue
        found = _count(entry, tables, people, parameters)
        cells.append(found[found["reason"] == COUNTED])
        ledger += _ledger(entry, found)
        if entry.count.among and entry.count.among.rows == "residents":
            cells.append(_residents(entry, tables, parameters))
    return _tidy(cells), _ledger_frame(ledger)


def periods(parameters: Parameters) -> list[str]:
    """Return the financial years that cells are built for."""
    return parameters.periods or [parameters.period]


def _not_available(entry: Indicator, tables: Tables) -> str:
    count = entry.count
    needs = ["MHS001MPI", *counting.named(count.rows).needs]
    if count.among and count.among.rows == "residents":
        needs += ["Population", "Areas"]
    elif count.among:
        needs += counting.named(count.among.rows).needs
    absent = [name for name in dict.fromkeys(needs) if name not in tables]
    return f"the extract has no {', '.join(absent)}" if absent else ""


def _count(entry: Indicator, tables: Tables, people: ibis.Table, parameters: Parameters) -> pd.DataFrame:
    """Return sums by period, reason and stratum; only the reason "counted" becomes cells."""
    count, among = entry.count, entry.count.among
    years = [int(period[:4]) for period in periods(parameters)]

    def rows(name: str) -> ibis.Table:
        found = counting.in_periods(counting.named(name).rows(tables), years)
        found = found.left_join(people, "Person_ID").drop("Person_ID_right")
        return counting.aged(found, parameters.age_bands)

    one, none = ibis.literal(1.0), ibis.literal(0.0)
    found = rows(count.rows)
    found = found.filter(counting.where(found, count.where))
    value = none
    if count.value:
        found = found.filter(counting.present(found[count.value]))
        value = found[count.value].cast("float64")
    event = counting.yes(counting.where(found, count.event)) if count.event is not None else one
    if count.total:
        event = found[count.total]
    parts = [_part(found, events=event, at_risk=none if among else one, total=value, event_rows=event, base_rows=one)]
    if count.total or among:
        parts = [_part(found, events=event, at_risk=none, total=value, event_rows=one, base_rows=none)]
    if among and among.rows != "residents":
        base = rows(among.rows)
        base = base.filter(counting.where(base, among.where))
        weight = base[among.at_risk].cast("float64") if among.at_risk else one
        parts.append(_part(base, events=none, at_risk=weight, total=none, event_rows=none, base_rows=one))
    return _sums(entry, ibis.union(*parts) if len(parts) > 1 else parts[0])


PERSON = ["year", "Person_ID", *STRATA, "age_from", "age_to", "area", "known_person", "PersDeathDate"]
ROW_SUMS = ["events", "at_risk", "total", "event_rows", "base_rows"]


def _part(rows: ibis.Table, **sums: ibis.Value) -> ibis.Table:
    return rows.select(*PERSON, **{name: value.cast("float64") for name, value in sums.items()})


def _sums(entry: Indicator, rows: ibis.Table) -> pd.DataFrame:
    count, among = entry.count, entry.count.among
    person = rows.group_by(PERSON).agg(**{name: rows[name].sum() for name in ROW_SUMS})
    if count.unit == "people":
        person = person.mutate(events=counting.yes(person.events >= count.at_least).cast("float64"))
    if count.unit == "people" or (among and not among.at_risk):
        person = person.mutate(at_risk=counting.yes(person.base_rows > 0).cast("float64"))
    if among and among.rows == "residents":
        person = person.mutate(at_risk=ibis.literal(1.0))
    person = person.mutate(reason=_reason(entry, person))
    sums = {name: person[name].sum() for name in ("events", "at_risk", "total", "event_rows", "base_rows")}
    sums |= {f"{name}_sq": (person[name] * person[name]).sum() for name in ("events", "at_risk", "total")}
    sums |= {f"{name}_at_risk": (person[name] * person.at_risk).sum() for name in ("events", "total")}
    found = person.group_by(["year", "reason", *STRATA]).agg(**sums).execute()
    found["indicator"] = entry.id
    found["period"] = [f"{year}-{(year + 1) % 100:02d}" for year in found.pop("year")]
    if among and among.rows == "residents":
        found[["at_risk", "at_risk_sq"]] = 0.0
    if count.value is None:
        found[["total", "total_sq", "total_at_risk"]] = float("nan")
    return found


def _reason(entry: Indicator, person: ibis.Table) -> ibis.Value:
    among = entry.count.among
    cases = [
        (counting.missing(person.known_person), "no person record"),
        (
            (_year_of(person.PersDeathDate) < person.year),
            "died before the period",
        ),
    ]
    if among and among.rows == "residents":
        cases += [
            (person.area == counting.NOT_KNOWN, "home area not known"),
            (person.area == "elsewhere", "lives outside the catchment"),
            (~counting.where(person, among.where), "outside the population of the measure"),
        ]
    elif among:
        cases.append((person.base_rows == 0, "not among the people at risk"))
    return ibis.cases(*cases, else_=COUNTED).cast("string")


def _year_of(date: ibis.Value) -> ibis.Value:
    """Return the financial year of a date."""
    return date.year() - (date.month() < 4).ifelse(1, 0)


def _residents(entry: Indicator, tables: Tables, parameters: Parameters) -> pd.DataFrame:
    table = tables["Population"]
    labels = counting.band_labels(parameters.age_bands)
    lows = dict(zip(labels, parameters.age_bands, strict=True))
    highs = dict(zip(labels, [*[cut - 1 for cut in parameters.age_bands[1:]], counting.OLDEST], strict=True))
    table = table.mutate(
        age_from=table.age_band.cases(*lows.items()).cast("int64"),
        age_to=table.age_band.cases(*highs.items()).cast("int64"),
    )
    table = table.filter(counting.where(table, entry.count.among.where))
    found = table.group_by(STRATA).agg(at_risk=_.residents.sum().cast("float64")).execute()
    found = found.assign(indicator=entry.id, at_risk_sq=found["at_risk"], events=0.0, events_sq=0.0, events_at_risk=0.0)
    return pd.concat([found.assign(period=period) for period in periods(parameters)])


def _ledger(entry: Indicator, found: pd.DataFrame) -> list[tuple[str, str, str, str, int]]:
    lines = []
    for (period, reason), part in found.groupby(["period", "reason"]):
        lines.append((entry.id, period, "events", reason, int(part["event_rows"].sum())))
        lines.append((entry.id, period, "at_risk", reason, int(part["base_rows"].sum())))
    return lines


def _ledger_frame(lines: list[tuple]) -> pd.DataFrame:
    frame = pd.DataFrame(lines, columns=["indicator", "period", "side", "reason", "rows"])
    return frame.sort_values(["indicator", "period", "side", "reason"]).reset_index(drop=True)


def _tidy(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Add frames up into one row a cell, in a fixed order."""
    if not frames:
        return pd.DataFrame(columns=[*KEYS, *SUMS])
    cells = pd.concat(frames, ignore_index=True)
    cells["imd_quintile"] = cells["imd_quintile"].astype("Int64")
    cells = cells.groupby(KEYS, dropna=False, sort=True)[SUMS].sum(min_count=1).reset_index()
    return cells.sort_values(KEYS, na_position="last", kind="stable").reset_index(drop=True)


def save(run: str, cells: pd.DataFrame, ledger: pd.DataFrame, **beside: pd.DataFrame) -> Path:
    """Write the cells of a run, its ledger and any frame given by name; return the confidential folder."""
    folder = project_root() / "data" / "processed" / run
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in {"cells": cells, "ledger": ledger, **beside}.items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    return folder


def load(run: str, what: str = "cells") -> pd.DataFrame:
    """Return the cells of a run (or its "ledger"); those of the demo are made when they are absent.

    Raises
    ------
    PcrefError
        If the run has no cells yet.
    """
    path = project_root() / "data" / "processed" / run / f"{what}.parquet"
    if not path.is_file() and run == "demo":
        save(run, *build(demo_tables(), load_parameters("demo")))
    if not path.is_file():
        raise PcrefError(f"cells: run '{run}' has no {what} yet. Make them with: pcref report {run}")
    return pd.read_parquet(path)


def demo_tables(seed: int = demo.SEED) -> Tables:
    """Return the invented Trust as Ibis tables in DuckDB, typed as the contracts say."""
    connection = ibis.duckdb.connect()
    return {name: connection.create_table(name, demo.typed(frame)) for name, frame in demo.tables(seed).items()}
