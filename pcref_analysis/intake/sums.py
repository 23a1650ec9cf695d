"""The sums of one indicator: its rows, added up a person and then a stratum, in the database.

Two steps, so that a person who counts more than once is known as one person: rows are added up by person and period,
and only then people by stratum, with the squares and products that person-clustered standard errors need.
"""

from __future__ import annotations

import ibis
import pandas as pd
from ibis import _

from pcref_analysis.intake import counting, rows
from pcref_analysis.intake.availability import AREA_COLUMNS, RESIDENTS, STRATA
from pcref_analysis.intake.rows import Tables, missing, where, yes
from pcref_analysis.vocabulary.ethnicity import NOT_KNOWN
from pcref_analysis.vocabulary.indicators import Count, Indicator
from pcref_analysis.vocabulary.parameters import Parameters

COUNTED = "counted"
PERSON = ["year", "Person_ID", *STRATA, "age_from", "age_to", "area", "known_person", "PersDeathDate"]
ROW_SUMS = ["events", "at_risk", "total", "event_rows", "base_rows", "unsure_events", "unsure_base"]


def label(year: int) -> str:
    """Name the financial year that starts in a calendar year.

    Examples
    --------
    >>> label(2023)
    '2023-24'
    """
    return f"{year}-{(year + 1) % 100:02d}"


def of_residents(count: Count) -> bool:
    """Say whether residents of the catchment are at risk."""
    return count.among is not None and count.among.rows == RESIDENTS


def rows_of(name: str, tables: Tables, parameters: Parameters, years: list[int]) -> ibis.Table:
    found = rows.in_periods(counting.named(name).rows(tables), years)
    people = rows.people(tables, AREA_COLUMNS[parameters.imd_version])
    return rows.of_people(found, people, parameters.age_bands)


def _part(table: ibis.Table, **sums: ibis.Value) -> ibis.Table:
    """Reduce rows to who they belong to and what they add; sums not named are nought."""
    nought = ibis.literal(0.0)
    return table.select(*PERSON, **{name: sums.get(name, nought).cast("float64") for name in ROW_SUMS})


def counted(entry: Indicator, tables: Tables, parameters: Parameters, years: list[int]) -> pd.DataFrame:
    """Return sums by period, reason and stratum; only the reason "counted" becomes cells."""
    count = entry.count
    found = rows_of(count.rows, tables, parameters, years)
    unsure = yes(rows.undecided(found, count.where))
    found = found.filter(where(found, count.where) | rows.undecided(found, count.where))
    parts = [(_own_rows if count.among is None else _matched_rows)(found, count, unsure)]
    if count.among and count.among.rows != RESIDENTS:
        base = rows_of(count.among.rows, tables, parameters, years)
        doubt = yes(rows.undecided(base, count.among.where))
        base = base.filter(where(base, count.among.where) | rows.undecided(base, count.among.where))
        weight = base[count.among.at_risk] if count.among.at_risk else 1
        parts.append(_part(base, at_risk=weight * (1 - doubt), base_rows=1 - doubt, unsure_base=doubt))
    return _sums(entry, ibis.union(*parts) if len(parts) > 1 else parts[0])


def _own_rows(found: ibis.Table, count: Count, unsure: ibis.Value) -> ibis.Table:
    """Rows that are numerator and denominator at once: an event among rows, or a value of each row."""
    doubt = yes(rows.undecided(found, count.event)) if count.event else yes(missing(found[count.value]))
    unsure = yes((unsure + doubt) > 0)
    sure = 1 - unsure
    event = sure * yes(where(found, count.event)) if count.event else sure
    total = sure * ibis.coalesce(found[count.value], 0) if count.value else ibis.literal(0.0)
    return _part(found, events=event, event_rows=event, at_risk=sure, base_rows=sure, total=total, unsure_base=unsure)


def _matched_rows(found: ibis.Table, count: Count, unsure: ibis.Value) -> ibis.Table:
    """Rows that are the numerator only; the people or rows at risk come from elsewhere."""
    event = ibis.coalesce(found[count.total], 0) if count.total else 1
    return _part(found, events=event * (1 - unsure), event_rows=1 - unsure, unsure_events=unsure)


def _sums(entry: Indicator, parts: ibis.Table) -> pd.DataFrame:
    count, among = entry.count, entry.count.among
    person = parts.group_by(PERSON).agg(**{name: parts[name].sum() for name in ROW_SUMS})
    if count.unit == "people":
        person = person.mutate(events=yes(person.events >= count.at_least).cast("float64"))
    if count.unit == "people" or (among and not among.at_risk):
        person = person.mutate(at_risk=yes(person.base_rows > 0).cast("float64"))
    if of_residents(count):
        person = person.mutate(at_risk=ibis.literal(1.0))
    person = person.mutate(reason=_reason(entry, person))
    sums = {name: person[name].sum() for name in ROW_SUMS}
    sums |= {f"{name}_sq": (person[name] * person[name]).sum() for name in ("events", "at_risk", "total")}
    sums |= {f"{name}_at_risk": (person[name] * person.at_risk).sum() for name in ("events", "total")}
    found = person.group_by(["year", "reason", *STRATA]).agg(**sums).execute()
    found = found.assign(indicator=entry.id, period=[label(year) for year in found["year"]])
    if of_residents(count):
        found[["at_risk", "at_risk_sq"]] = 0.0  # residents come from the population, not from the extract
    if count.value is None:
        found[["total", "total_sq", "total_at_risk"]] = float("nan")
    return found


def _reason(entry: Indicator, person: ibis.Table) -> ibis.Value:
    """Say why a person's rows are not counted, or that they are."""
    among = entry.count.among
    cases = [
        (missing(person.known_person), "no person record"),
        (rows.year_of(person.PersDeathDate) < person.year, "died before the period"),
    ]
    if among and among.rows == RESIDENTS:
        cases += [
            (person.area == NOT_KNOWN, "home area not known"),
            (person.area == "elsewhere", "lives outside the catchment"),
        ]
        if among.where:
            unknown = (person.age_band == NOT_KNOWN) | (person.sex == NOT_KNOWN)
            cases += [
                (unknown, "age or sex not known"),
                (yes(where(person, among.where)) == 0, "outside the population of the measure"),
            ]
    elif among:
        cases.append((person.base_rows == 0, "not among the people at risk"))
    return ibis.cases(*cases, else_=COUNTED).cast("string")


def residents(entry: Indicator, tables: Tables, parameters: Parameters) -> pd.DataFrame:
    """Return the residents at risk by stratum; those without an event are cells too."""
    labels, bands = rows.band_labels(parameters.age_bands), parameters.age_bands
    ends = [*(cut - 1 for cut in bands[1:]), rows.OLDEST]
    table = tables["Population"]
    table = table.mutate(
        age_from=table.age_band.cases(*zip(labels, bands, strict=True)).cast("int64"),
        age_to=table.age_band.cases(*zip(labels, ends, strict=True)).cast("int64"),
    )
    table = table.filter(where(table, entry.count.among.where))
    found = table.group_by(STRATA).agg(at_risk=_.residents.sum().cast("float64")).execute()
    nought = dict.fromkeys(("events", "events_sq", "events_at_risk"), 0.0)
    return found.assign(indicator=entry.id, at_risk_sq=found["at_risk"], **nought)
