"""Rows become cells, once, where the data live.

A cell is indicator x period x ethnic group x sex x age band x IMD quintile with its sufficient statistics.
No row of a person leaves the database: people are added up there, and what comes back is cells and counts of
what was left out and why (the ledger).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ibis
import pandas as pd
from ibis import _

from pcref_analysis.counting import aggregate, availability, row_conditions
from pcref_analysis.counting.aggregate import COUNTED, label
from pcref_analysis.counting.availability import STRATA
from pcref_analysis.counting.row_conditions import Shared, Tables, missing, present, shared, where
from pcref_analysis.extract import breach_report
from pcref_analysis.extract.sources import engines
from pcref_analysis.store import progress
from pcref_analysis.vocabulary.ethnicity import NOT_KNOWN
from pcref_analysis.vocabulary.indicators import Indicator, of_run
from pcref_analysis.vocabulary.parameters import Parameters, project_root

KEYS = ["indicator", "period", *STRATA]
SUMS = ["events", "at_risk", "events_sq", "events_at_risk", "at_risk_sq", "total", "total_sq", "total_at_risk"]
NOT_RECORDED = "not recorded whether it counts"
OTHER_PERIODS = "other periods"  # of a row that begins in none of the run's periods and falls in none
LENGTHS = [*range(29), *range(35, 183, 7), *range(210, 731, 28)]
LONGEST = 99_999  # stands for the open last bin while counting


def build(
    tables: Tables,
    parameters: Parameters,
    indicators: dict[str, Indicator] | None = None,
    say: Callable[[str], None] = lambda line: None,
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
        The catalogue to count; by default the shipped one and the Trust's own beside the parameters.
    say
        Called with a line of progress an indicator.

    Returns
    -------
    cells
        One row a cell, in a fixed order, with the sums of ``SUMS`` (missing where they do not apply). ``events_sq``,
        ``events_at_risk``, ``at_risk_sq``, ``total_sq`` and ``total_at_risk`` are sums over people of products of
        each person's sums in the period. For means, ``events`` and ``at_risk`` are both the observations.
    ledger
        ``indicator, period, side, reason, rows, amount``: how many rows of the numerator (side "events") and of
        the denominator (side "at_risk"; residents have none) were counted or left out for which reason, and what
        they add up to. ``NOT_COUNTED`` are rows that the counting rule or the conditions of the indicator do not
        take; where they fall in no period, they stand under "other periods". The amount counted is the sum of the
        cells; it is less than the rows where a person counts once.

    Raises
    ------
    PcrefError
        If an entry of the catalogue names a rule or column that does not exist.

    Notes
    -----
    A person is in one cell a period: age is that on its first day. Rates among residents count residents of the
    catchment only; every other measure counts everybody in the Trust's care, those who live elsewhere in
    England with the deprivation of their own area. Cells are confidential: nothing may be shown before
    ``disclosure.release_tables``.

    Examples
    --------
    >>> cells, ledger = build(tables, parameters)  # doctest: +SKIP
    """
    if not isinstance(tables, Shared):
        with shared(tables) as mine:
            return build(mine, parameters, indicators, say)
    entries = of_run(parameters.run) if indicators is None else indicators
    availability.check_own(entries, parameters.run)
    entries = {name: entry for name, entry in entries.items() if entry.count}
    given = {name: entry for name, entry in entries.items() if entry.counting.counts}
    entries = {name: entry for name, entry in entries.items() if name not in given}
    reasons, years = _reasons(entries, tables, parameters), [int(period[:4]) for period in periods(parameters)]
    ready = [entry for name, entry in entries.items() if not reasons[name]]
    found = aggregate.held(ready, tables, parameters, years)
    seen = availability.rows_by_year(found.rows)
    unfilled = availability.unfilled(ready, tables)
    beyond = {
        name: engines.frame(aggregate.uncounted(name, table, tables, years)) for name, table in found.rows.items()
    }
    why = {
        name: {year: reasons[name] or availability.gap(entry, year, seen, unfilled) for year in years}
        for name, entry in entries.items()
    }
    alike: dict[tuple, list[Indicator]] = {}
    for name, entry in entries.items():
        if not all(why[name].values()):
            alike.setdefault(aggregate.alike(entry), []).append(entry)
    frames, lines, added = [], [], dict[str, pd.DataFrame]()
    for number, (name, entry) in enumerate(entries.items()):
        progress.share(say, number / len(entries))
        gone = why[name]
        good = [year for year in years if not gone[year]]
        say(f"    {entry.name}: " + (f"{len(good)} period(s)" if good else f"not available, {gone[years[-1]]}"))
        if good and name not in added:
            added |= aggregate.counted(alike[aggregate.alike(entry)], found, years)
        if good:
            mine = added.pop(name)
            mine = mine[mine["period"].isin(map(label, good))]
            frames.append(mine[mine["reason"] == COUNTED])
            lines += [*_ledger(entry, mine), *_rest(entry, mine, seen, beyond, good)]
            there = set(mine.loc[(mine["reason"] == COUNTED) & (mine["at_risk"] > 0), "period"])
            for year in good:
                if aggregate.of_residents(entry.counting) or label(year) in there:
                    lines.append((name, label(year), "events", COUNTED, 0, 0.0))  # none is counted, too
                else:
                    gone[year] = "nobody was at risk in the period"
        unknown = [(label(year), f"not available: {reason}") for year, reason in gone.items() if reason]
        lines += [(name, period, "events", reason, 0, 0.0) for period, reason in unknown]
        if good and aggregate.of_residents(entry.counting):
            residents = aggregate.residents(entry, tables, parameters)
            frames += [residents.assign(period=label(year)) for year in good]
    for entry in given.values():
        added, told = _brought(entry, tables, years, frames)
        say(f"    {entry.name}: " + (f"{added['period'].nunique()} period(s)" if len(added) else told[-1][3]))
        frames.append(added)
        lines += told
    return _tidy([frame for frame in frames if len(frame)]), _ledger_frame(lines)


def _brought(
    entry: Indicator, tables: Tables, years: list[int], frames: list[pd.DataFrame]
) -> tuple[pd.DataFrame, list[tuple]]:
    """Return the cells of an indicator that is brought as counts by ethnic group, and its lines of the ledger."""
    named = [label(year) for year in years]
    if aggregate.BROUGHT not in tables:
        reason = f"the extract has no table {aggregate.BROUGHT}; its rows of {entry.counting.counts} bring it"
        return pd.DataFrame(), [(entry.id, period, "events", f"not available: {reason}", 0, 0.0) for period in named]
    found, rows = aggregate.brought(entry, tables, years)
    lines = [(entry.id, period, "events", *rest) for period, *rest in rows.itertuples(index=False)]
    reason = f"the table {aggregate.BROUGHT} has no rows of {entry.counting.counts} in the period"
    if other := entry.counting.at_risk_of:
        base = [frame[frame["indicator"] == other] for frame in frames if len(frame)]
        keys = ["period", "ethnic_group"]
        base = pd.concat(base)[[*keys, "at_risk"]] if base else pd.DataFrame(columns=[*keys, "at_risk"])
        base = base.groupby(keys, as_index=False)["at_risk"].sum()
        base = base[base["period"].isin(found["period"])]
        base, found = (side.astype(dict.fromkeys(keys, "str")) for side in (base, found))  # either may hold no row
        shared = {"indicator": entry.id, "sex": NOT_KNOWN, "age_band": NOT_KNOWN, "imd_quintile": pd.NA}
        found = found.drop(columns="at_risk").merge(base, on=keys, how="outer").assign(**shared)
        found = found.fillna({"events": 0.0, "at_risk": 0.0})
        gone = ~found["period"].isin(base["period"])
        reason = f"{reason}, or {other} is not available" if gone.any() else reason
        found = found[~gone]
    there = set(found["period"])
    lines += [
        (entry.id, period, "events", f"not available: {reason}", 0, 0.0) for period in named if period not in there
    ]
    lines += [(entry.id, period, side, COUNTED, 0, 0.0) for period in sorted(there) for side in ("events", "at_risk")]
    return aggregate.squared(found), lines


def periods(parameters: Parameters) -> list[str]:
    """Return the financial years that cells are built for."""
    return parameters.periods or [parameters.period]


def _reasons(entries: dict[str, Indicator], tables: Tables, parameters: Parameters) -> dict[str, str]:
    """Say for each indicator why it cannot be counted from this extract; "" where it can."""
    values, teams = availability.filled(tables), availability.team_types(tables)
    version = parameters.imd_version
    found = {name: availability.reason(entry, values, version, teams) for name, entry in entries.items()}
    if "Population" in tables:
        bands = row_conditions.band_labels(parameters.age_bands)
        if breach_report.count(tables["Population"].filter(~_.age_band.isin(bands))):
            odd = "the table Population has other age bands than the parameters"
            found |= {n: odd for n, entry in entries.items() if aggregate.of_residents(entry.counting) and not found[n]}
    return found


def lengths(tables: Tables, parameters: Parameters, indicators: dict[str, Indicator] | None = None) -> pd.DataFrame:
    """Count the observations of every mean indicator by length, so that medians need no rows.

    Returns
    -------
    pandas.DataFrame
        ``indicator, period, ethnic_group, sex, age_band, imd_quintile, lower_day, upper_day, count``, as
        :mod:`pcref_analysis.analysis.lengths_of_stay` takes them: how many lasted from ``lower_day`` to ``upper_day``
        days;
        every day up to 28, then weeks to half a year, then four weeks to two years, then an open bin.
    """
    if not isinstance(tables, Shared):
        with shared(tables) as mine:
            return lengths(mine, parameters, indicators)
    entries = of_run(parameters.run) if indicators is None else indicators
    entries = {name: entry for name, entry in entries.items() if entry.count and entry.counting.value}
    reasons, years = _reasons(entries, tables, parameters), [int(period[:4]) for period in periods(parameters)]
    ready = [entry for name, entry in entries.items() if not reasons[name]]
    found, frames = aggregate.held(ready, tables, parameters, years), []
    for entry in ready:
        binned = engines.frame(by_length(entry, found))
        frames.append(binned.assign(indicator=entry.id, period=[label(year) for year in binned.pop("year")]))
    columns = [*KEYS, "lower_day", "upper_day", "count"]
    if not frames:
        return pd.DataFrame(columns=columns)
    table = pd.concat(frames, ignore_index=True)
    bounds = [*LENGTHS, LONGEST]
    starts = dict(zip(bounds, [0, *(bound + 1 for bound in LENGTHS)], strict=True))
    upper = table.pop("days_upto").astype("Int64")
    table = table.assign(lower_day=upper.map(starts), upper_day=upper.where(upper < LONGEST))
    table["imd_quintile"] = table["imd_quintile"].astype("Int64")
    return table[columns].sort_values(columns[:-1], na_position="last").reset_index(drop=True)


def by_length(entry: Indicator, found: aggregate.Held) -> ibis.Table:
    """Count the rows of a mean indicator by the bin of their length, as one Ibis expression."""
    rows = found.rows[entry.counting.rows]
    rows = rows.filter(where(rows, entry.counting.where))
    days = rows[entry.counting.value]
    upto = ibis.cases(*[(days <= bound, bound) for bound in LENGTHS], (missing(days), None), else_=LONGEST)
    rows = rows.select("year", "person", days_upto=upto.cast("int64")).filter(present(_.days_upto))
    rows = found.with_people(rows).filter(_.known_person == 1)
    return rows.group_by(["year", *STRATA, "days_upto"]).agg(count=_.count())


# --- the ledger, and the shelf ----------------------------------------------------------------------------------------


def _ledger(entry: Indicator, added: pd.DataFrame) -> list[tuple[str, str, str, str, int, float]]:
    sides = [("events", "event_rows", "events", "unsure_events")]
    if not aggregate.of_residents(entry.counting):
        sides.append(("at_risk", "base_rows", "at_risk", "unsure_base"))
    lines = []
    for (period, reason), part in added.groupby(["period", "reason"]):
        for side, row, amount, unsure in sides:
            lines.append((entry.id, period, side, reason, int(part[row].sum()), float(part[amount].sum())))
            lines.append((entry.id, period, side, NOT_RECORDED, int(part[unsure].sum()), 0.0))
    return lines


def _rest(
    entry: Indicator, added: pd.DataFrame, seen: dict[str, dict[int, int]], beyond: dict[str, pd.DataFrame], good: list
) -> list[tuple[str, str, str, str, int, float]]:
    """Return the ledger's lines of rows that the counting rule or the indicator's conditions do not take.

    With them the rows of each side come to those of the table that the rule takes, each once where a row has a day.
    """
    count, among, lines = entry.counting, entry.counting.among, []
    sides = [("at_risk" if among is None else "events", count.rows, "base" if among is None else "event")]
    if among and not aggregate.of_residents(count):
        sides.append(("at_risk", among.rows, "base"))
    for side, rule, word in sides:
        unsure = {"base": "unsure_base", "event": "unsure_events"}[word]
        taken = added.groupby("period")[[f"{word}_rows", unsure]].sum().sum(axis=1)
        for year in good:
            rest = seen[rule].get(year, 0) - int(taken.get(label(year), 0))
            lines.append((entry.id, label(year), side, aggregate.NOT_COUNTED, rest, 0.0))
        for year, reason, n in beyond[rule][["year", "reason", "rows"]].itertuples(index=False):
            lines.append((entry.id, label(int(year)) if year else OTHER_PERIODS, side, reason, int(n), 0.0))
    return lines


def _ledger_frame(lines: list[tuple]) -> pd.DataFrame:
    frame = pd.DataFrame(lines, columns=["indicator", "period", "side", "reason", "rows", "amount"])
    frame = frame.groupby(["indicator", "period", "side", "reason"], as_index=False)[["rows", "amount"]].sum()
    told = (frame["rows"] > 0) | (frame["reason"] == COUNTED) | frame["reason"].str.startswith("not available")
    return frame[told].reset_index(drop=True)


def _tidy(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Add frames up into one row a cell, in a fixed order."""
    if not frames:
        return pd.DataFrame(columns=[*KEYS, *SUMS])
    cells = pd.concat(frames, ignore_index=True).reindex(columns=[*KEYS, *SUMS])
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
