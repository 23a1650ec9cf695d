"""The sums of indicators: their rows, added up a person and then a stratum, in the database.

Two steps, so that a person who counts more than once is known as one person: rows are added up by person and period,
and only then people by stratum, with the squares and products that person-clustered standard errors need.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

import ibis
import pandas as pd
from ibis import _

from pcref_analysis.counting import counting_rules, detention, row_conditions
from pcref_analysis.counting.availability import RESIDENTS, STRATA
from pcref_analysis.counting.row_conditions import Tables, missing, where, yes
from pcref_analysis.extract.schema import AREA_COLUMNS, Table, declared
from pcref_analysis.extract.sources import engines, portable
from pcref_analysis.vocabulary.ethnicity import NOT_KNOWN
from pcref_analysis.vocabulary.indicators import Count, Indicator
from pcref_analysis.vocabulary.parameters import Parameters

COUNTED = "counted"
NOT_COUNTED = "not what is counted"  # by the counting rule or the conditions of the indicator: no fault of the row
BROUGHT = "GroupCounts"  # numbers by ethnic group, from a record outside MHSDS
MORE_THAN_ALL = "more events than people at risk"
UNFIT = {"N": f"period under the Act {detention.MEANINGS['N']}"}
PERSON = ["year", "person", "stranger"]  # the number of a person, or the identifier of one without a record
# Added up as whole numbers: the same sum in whatever order an engine takes the rows.
WHOLE: dict[str | None, tuple[str, int]] = {"hours": ("minutes", 60)}
ROW_SUMS = ["events", "at_risk", "total", "event_rows", "base_rows", "unsure_events", "unsure_base"]
PRODUCTS = {  # of what a person adds, for variances that know of people who count more than once
    "events_sq": ("events", "events"),
    "at_risk_sq": ("at_risk", "at_risk"),
    "total_sq": ("total", "total"),
    "events_at_risk": ("events", "at_risk"),
    "total_at_risk": ("total", "at_risk"),
}
SUMS = [*ROW_SUMS, *PRODUCTS]


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


class Held(NamedTuple):
    """What the rows of counting rules are added up from, held where the rows live.

    ``rows``: counting rule to its rows in the years asked for (``year, person, stranger``, the key and the columns that
    an indicator needs). ``people``: who each person is in each year (:func:`people_by_year`).
    """

    rows: Tables
    people: ibis.Table

    def with_people(self, rows: ibis.Table) -> ibis.Table:
        """Attach to rows by ``year`` and ``person`` who the person is."""
        return rows.left_join(self.people, ["year", "person"])


def rows_of(
    name: str, tables: Tables, parameters: Parameters, years: list[int], wanted: Set[str] | None = None
) -> ibis.Table:
    """Return the rows of a counting rule in these years, each with its person; ages only if one is ``wanted``."""
    found = row_conditions.in_periods(counting_rules.named(name).rows(tables), years)
    return row_conditions.of_people(found, _people_of(tables, parameters), parameters.age_bands, wanted)


def _people_of(tables: Tables, parameters: Parameters) -> ibis.Table:
    return row_conditions.people(tables, AREA_COLUMNS[parameters.imd_version])


def people_by_year(people: ibis.Table, bands: list[int], years: list[int]) -> ibis.Table:
    """Return ``year, person``, the strata and what says whether a person counts, a row for each of them and year."""
    each = [people.mutate(year=ibis.literal(year, "int64")) for year in years]
    found = row_conditions.with_ages(portable.stack(each), bands)
    return found.select("year", "person", *STRATA, "age_from", "age_to", "area", "known_person", "PersDeathDate")


def held(entries: list[Indicator], tables: Tables, parameters: Parameters, years: list[int]) -> Held:
    """Work out the rows of every counting rule that these indicators use, once each, in the database.

    Only the columns that one of them needs are kept, for the session and for no other user (``engines.hold``); of
    :func:`row_conditions.shared` tables, what was worked out before is taken.
    """
    made = tables.found if isinstance(tables, row_conditions.Shared) else {}
    people = made.get(("people", *years))
    if people is None:
        people = engines.hold(people_by_year(_people_of(tables, parameters), parameters.age_bands, years))
        made["people", *years] = people
    wanted: dict[str, set[str]] = {}
    for entry in entries:
        count, among = entry.counting, entry.counting.among
        columns = [n for c in (*count.where, *(count.event or [])) for n in c.columns()]
        columns += [name for name in (count.value, count.total, WHOLE.get(count.value, ("",))[0]) if name]
        wanted.setdefault(count.rows, set()).update(columns)
        if among and among.rows != RESIDENTS:
            columns = [name for c in among.where for name in c.columns()] + [among.at_risk or ""]
            wanted.setdefault(among.rows, set()).update(filter(None, columns))
    for name in sorted(wanted):
        if ("rows", name) not in made or not wanted[name] <= set(made["rows", name].columns):
            found = rows_of(name, tables, parameters, years, wanted[name])
            stranger = missing(found.person).ifelse(found.Person_ID, None)
            key = [column for column in source(name).key if column in found.columns] or ["Person_ID"]
            kept = sorted((wanted[name] | set(() if counting_rules.named(name).every_row else key)) - {"year"})
            made["rows", name] = engines.hold(found.select("year", "person", *kept, stranger=stranger))
    return Held({name: made["rows", name] for name in sorted(wanted)}, people)


def source(name: str) -> Table:
    """Return the table whose rows a counting rule takes."""
    return declared()[counting_rules.named(name).needs[0].split(".")[0]]


def uncounted(name: str, found: ibis.Table, tables: Tables, years: list[int]) -> ibis.Table:
    """Return the rows of a table that a counting rule takes into none of the years: ``year, reason, rows``.

    ``found`` holds the rule's rows in these years. ``year`` is that in which the row begins, and nought where that is
    none of them. Periods under the Act say which category they have instead of one that is a detention.
    """
    table = source(name)
    kept = tables[table.name]
    begun = kept[table.start()] if table.start() else ibis.null("date")
    rest = kept.mutate(began=row_conditions.year_of(begun))
    if counting_rules.named(name).every_row:
        rest = rest.filter(missing(_.began) | ~_.began.isin(years)).mutate(reason=ibis.literal(NOT_COUNTED))
    elif table.key[0] not in found.columns:  # rows of the rule are several of the table's, joined
        rest = rest.anti_join(found.select("Person_ID"), "Person_ID").mutate(reason=ibis.literal(NOT_COUNTED))
    else:
        rest = rest.anti_join(found.select(table.key[0]), table.key[0])
        reason = ibis.literal(NOT_COUNTED)
        if name == "detention_episodes":
            category = detention.act_periods(tables).select(table.key[0], "category")
            rest = rest.left_join(category, table.key[0])
            reason = rest.category.cases(*UNFIT.items(), else_=NOT_COUNTED)
        rest = rest.mutate(reason=reason.cast("string"))
    rest = rest.mutate(year=yes(_.began.isin(years)) * ibis.coalesce(_.began, 0))
    return rest.group_by(["year", "reason"]).agg(rows=_.count())


def brought(entry: Indicator, tables: Tables, years: list[int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the cells of one indicator from the table GroupCounts, and ``period, reason, rows, amount`` of its rows.

    They hold numbers and no people, sexes, ages or areas; each event is taken to be another person's.
    """
    table = engines.frame(tables[BROUGHT].filter(_.Measure == entry.counting.counts))
    day = pd.to_datetime(table["PeriodStart"])
    year = day.dt.year - (day.dt.month < 4)
    bad = table["AtRisk"].isna() if not entry.counting.at_risk_of else pd.Series(False, index=table.index)
    over = ~bad & (entry.measure == "percent") & (table["Events"] > table["AtRisk"])
    reason = pd.Series(COUNTED, index=table.index).mask(bad, "nobody at risk is given").mask(over, MORE_THAN_ALL)
    period = year.map(label).where(year.isin(years), "other periods")
    table = table.assign(period=period, reason=reason.where(year.isin(years), NOT_COUNTED), n=1)
    lines = table.groupby(["period", "reason"], as_index=False).agg(rows=("n", "sum"), amount=("Events", "sum"))
    good = table[table["reason"] == COUNTED].groupby(["period", "ethnic_group"], as_index=False)[["Events", "AtRisk"]]
    found = good.sum().rename(columns={"Events": "events", "AtRisk": "at_risk"})
    found = found.assign(indicator=entry.id, sex=NOT_KNOWN, age_band=NOT_KNOWN, imd_quintile=pd.NA)
    return found, lines


def squared(found: pd.DataFrame) -> pd.DataFrame:
    """Add the sums of squares of counts in which each event, and each one at risk, is another person."""
    return found.assign(
        events_sq=found["events"],
        at_risk_sq=found["at_risk"],
        events_at_risk=found[["events", "at_risk"]].min(axis=1),
        **dict.fromkeys(("total", "total_sq", "total_at_risk"), float("nan")),
    )


def alike(entry: Indicator) -> tuple[str, ...]:
    """Return what indicators share that are added up in one statement: the rows, and who is at risk."""
    return (entry.counting.rows, *([repr(entry.counting.among)] if entry.counting.among else []))


def counted(entries: Sequence[Indicator], found: Held, years: list[int]) -> dict[str, pd.DataFrame]:
    """Return the sums of indicators that are :func:`alike`, by period, reason and stratum, a frame each.

    Only the reason "counted" becomes cells. ``found`` is what :func:`held` returns.
    """
    together = engines.frame(expression(entries, found, years))
    keys, each = ["reason", *STRATA], {}
    for n, entry in enumerate(entries):
        added = together[keys].assign(indicator=entry.id, period=[label(year) for year in together["year"]])
        for name in SUMS:
            added[name] = together.get(f"{name}_{n}", 0.0)
        rows = added[["event_rows", "base_rows", "unsure_events", "unsure_base"]]
        added = added[rows.gt(0).any(axis=1)].reset_index(drop=True)  # others are of the other indicators
        if of_residents(entry.counting):
            added[["at_risk", "at_risk_sq"]] = 0.0  # residents come from the population, not from the extract
        if entry.counting.value is None:
            added[["total", "total_sq", "total_at_risk"]] = float("nan")
        elif entry.counting.value in WHOLE:
            parts = WHOLE[entry.counting.value][1]
            added[["total", "total_at_risk"]] /= parts
            added["total_sq"] /= parts**2
        each[entry.id] = added
    return each


def expression(entries: Sequence[Indicator], found: Held, years: list[int]) -> ibis.Table:
    """Return the sums of indicators that are :func:`alike` by year, reason and stratum as one Ibis expression.

    Columns end in the place of the indicator (``events_0``). None that must be 0.
    """
    among = entries[0].counting.among
    rows = _taken(found.rows[entries[0].counting.rows], [entry.counting.where for entry in entries], years)
    parts = [_by_person(rows, {str(n): entry.counting for n, entry in enumerate(entries)})]
    if among and among.rows != RESIDENTS:
        base = Count(rows=among.rows, where=among.where, total=among.at_risk, among=among)
        parts.append(_by_person(_taken(found.rows[among.rows], [among.where], years), {"base": base}))
    person = found.with_people(_together(parts) if len(parts) > 1 else parts[0])
    amounts: dict[str, ibis.Value] = {}
    sums: dict[str, ibis.Value] = {}
    for n, entry in enumerate(entries):
        amounts |= {f"{name}_{n}": value for name, value in _amounts(entry, person, str(n)).items()}
    adding = person.select("year", *STRATA, reason=_reason(entries[0], person), **amounts)
    for n in range(len(entries)):
        one = {name: adding[f"{name}_{n}"] for name in ROW_SUMS if f"{name}_{n}" in amounts}
        sums |= {f"{name}_{n}": value.sum() for name, value in one.items()}
        for name, (left, right) in PRODUCTS.items():
            if left in one and right in one:
                sums[f"{name}_{n}"] = (one[left] * one[right]).sum()
    return adding.group_by(["year", "reason", *STRATA]).agg(**sums)


def _taken(table: ibis.Table, several: list[row_conditions.Conditions], years: list[int]) -> ibis.Table:
    """Return the rows of these years that fulfil the conditions of one of several indicators, or may."""
    table = table.filter(table.year.isin(years))
    if not all(several):
        return table
    doubts = (row_conditions.undecided(table, conditions) for conditions in several)
    holds = [where(table, conditions) for conditions in several]
    return table.filter(reduce(or_, [*holds, *(doubt for doubt in doubts if doubt is not None)]))


def _told(rows: ibis.Table, count: Count) -> dict[str, ibis.Value]:
    """Return what each row tells: 1 where it counts (``holds``), is an ``event`` or leaves that open; its ``value``."""
    holds, value = where(rows, count.where), count.value and rows[count.value]
    left_open = row_conditions.undecided(rows, count.event) if count.event else missing(value) if count.value else None
    doubts = [row_conditions.undecided(rows, count.where), None if left_open is None else holds & left_open]
    doubts = [doubt for doubt in doubts if doubt is not None]
    column = WHOLE[count.value][0] if count.value in WHOLE else count.value or count.total
    told = {"holds": yes(holds)} | ({"unsure": yes(reduce(or_, doubts))} if doubts else {})
    told |= {"event": yes(where(rows, count.event))} if count.event else {}
    return told | ({"value": ibis.coalesce(rows[column], 0)} if column else {})


def _by_person(rows: ibis.Table, counts: dict[str, Count]) -> ibis.Table:
    """Add up by person and year what counts take of these rows: ``rows, unsure, events, value``, each with its mark."""
    told = {mark: _told(rows, count) for mark, count in counts.items()}
    # Each condition is worked out once a row: written into every sum, it would be worked out with each.
    rows = rows.select(*PERSON, **{f"{name}_{mark}": v for mark, one in told.items() for name, v in one.items()})
    sums = {}
    for mark, one in told.items():
        sure = rows[f"holds_{mark}"] == 1
        if "unsure" in one:
            doubt = rows[f"unsure_{mark}"] == 1
            sure, sums[f"unsure_{mark}"] = sure & ~doubt, rows.count(where=doubt)
        sums[f"rows_{mark}"] = rows.count(where=sure)
        if "event" in one:
            sums[f"events_{mark}"] = rows.count(where=sure & (rows[f"event_{mark}"] == 1))
        if "value" in one:
            sums[f"value_{mark}"] = ibis.coalesce(rows[f"value_{mark}"].sum(where=sure), 0)
    return rows.group_by(PERSON).agg(**{name: total.cast("float64") for name, total in sums.items()})


def _together(parts: list[ibis.Table]) -> ibis.Table:
    """Add up what several kinds of rows add to the same person and year."""
    names, zero = list(dict.fromkeys(n for part in parts for n in part.columns if n not in PERSON)), ibis.literal(0.0)
    both = ibis.union(
        *(part.select(*PERSON, **{n: part[n] if n in part.columns else zero for n in names}) for part in parts)
    )
    return both.group_by(PERSON).agg(**{name: both[name].sum() for name in names})


def _amounts(entry: Indicator, person: ibis.Table, mark: str) -> dict[str, ibis.Value]:
    """Return what each person adds in a year to an indicator, by sum."""
    count, among = entry.counting, entry.counting.among
    own, base = ({name: f"{name}_{m}" for name in ("rows", "unsure", "events", "value")} for m in (mark, "base"))
    if among is None:  # rows are numerator and denominator at once: an event among rows, or a value of each row
        events = own["events" if count.event else "rows"]
        places = {"events": events, "event_rows": events, "at_risk": own["rows"], "base_rows": own["rows"]}
        places |= {"unsure_base": own["unsure"], "total": own["value"]}
    else:
        places = {"events": own["value" if count.total else "rows"], "event_rows": own["rows"]}
        places |= {"unsure_events": own["unsure"], "base_rows": base["rows"], "unsure_base": base["unsure"]}
        places["at_risk"] = base["value"]
    found = {name: person[places[name]] for name in ROW_SUMS if places.get(name) in person.columns}
    if count.unit == "people":
        found["events"] = yes(found["events"] >= count.at_least).cast("float64")
    if of_residents(count):
        found["at_risk"] = ibis.literal(1.0)
    elif count.unit == "people" or (among and not among.at_risk):
        found["at_risk"] = yes(found["base_rows"] > 0).cast("float64")
    return found


def _reason(entry: Indicator, person: ibis.Table) -> ibis.Value:
    """Say why a person's rows are not counted, or that they are."""
    among, cases = entry.counting.among, not_there(person)
    if among and among.rows == RESIDENTS:
        cases += [
            (person.area == NOT_KNOWN, "home area not known"),
            (person.area == "elsewhere", "lives outside the catchment"),
        ]
        asked = {name for condition in among.where for name in condition.columns()}
        if among.ages or asked & {"age_from", "age_to"}:
            cases.append((person.age_band == NOT_KNOWN, "age not known"))
        if "sex" in asked:  # a limit of age says nothing of sex: who is of unknown sex counts, as published
            cases.append((person.sex == NOT_KNOWN, "sex not known"))
        if among.where or among.ages:
            within = where(person, among.where) & (years_within(person, among.ages) > 0)
            cases.append((yes(within) == 0, "outside the population of the measure"))
    elif among:
        cases.append((person.rows_base == 0, "not among the people at risk"))
    return ibis.cases(*cases, else_=COUNTED).cast("string")


def years_within(table: ibis.Table, ages: tuple[int, int] | None) -> ibis.Value:
    """Return the share of the years of age of each band that lie within ages from and to.

    A band that a limit cuts is taken to hold as many people of each year of age: of 16 to 19, half is under 18. The
    open band is taken to end at 95.
    """
    if ages is None:
        return ibis.literal(1.0)
    top = (table.age_to > 95).ifelse(95, table.age_to)
    low = (table.age_from < ages[0]).ifelse(ages[0], table.age_from)
    high = (top > ages[1]).ifelse(ages[1], top)
    share = (high - low + 1).cast("float64") / (top - table.age_from + 1).cast("float64")
    return (high >= low).ifelse(share, 0.0)


def not_there(person: ibis.Table) -> list[tuple[ibis.Value, str]]:
    """Return the reasons for which nobody is counted, whatever the measure, each with its condition."""
    return [
        (missing(person.known_person), "no person record"),
        (row_conditions.year_of(person.PersDeathDate) < person.year, "died before the period"),
    ]


def residents(entry: Indicator, tables: Tables, parameters: Parameters) -> pd.DataFrame:
    """Return the residents at risk by stratum, in any year; those without an event are cells too."""
    labels, bands = row_conditions.band_labels(parameters.age_bands), parameters.age_bands
    ends = [*(cut - 1 for cut in bands[1:]), row_conditions.OLDEST]
    table = tables["Population"]
    table = table.mutate(
        age_from=table.age_band.cases(*zip(labels, bands, strict=True)).cast("int64"),
        age_to=table.age_band.cases(*zip(labels, ends, strict=True)).cast("int64"),
    )
    among: Any = entry.counting.among
    table = table.filter(where(table, among.where))
    share = years_within(table, among.ages)
    table = table.mutate(within=table.residents * share).filter(share > 0)
    found = engines.frame(table.group_by(STRATA).agg(at_risk=_.within.sum().cast("float64")))
    nought = dict.fromkeys(("events", "events_sq", "events_at_risk"), 0.0)
    return found.assign(indicator=entry.id, at_risk_sq=found["at_risk"], **nought)
