"""What every counting rule builds on: people, ages, periods, conditions, and the list of rules.

Only plain Ibis is used, so that the same expression runs on DuckDB, PostgreSQL, SQL Server and Spark. SQL Server
has no truth values in rows and no calendar arithmetic worth relying on: conditions become 1 and 0 (:func:`yes`), and
days are counted between two dates, never added to one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, reduce, wraps
from itertools import pairwise
from operator import and_, or_
from typing import Any

import ibis
from ibis import _

from pcref_analysis.extract.schema import ELSEWHERE, IBIS_TYPES, POPULATION_TABLES, declared
from pcref_analysis.extract.sources import engines, portable
from pcref_analysis.vocabulary import ethnicity
from pcref_analysis.vocabulary.codelists import NOT_COLLECTED, Code
from pcref_analysis.vocabulary.ethnicity import NOT_KNOWN
from pcref_analysis.vocabulary.indicators import Condition

Tables = dict[str, ibis.Table]
Conditions = Sequence[Condition] | None

OLDEST = 200
ETHNIC_GROUPS = dict(zip(*(ethnicity.categories()[c] for c in ("code", "ethnic_group")), strict=True))
TEAMS = ("MHS101Referral", "MHS102OtherServiceType", "MHS902ServiceTeamDetails")  # any may name the type of a team
PERSON = ["EthnicCategory", "LanguageCodePreferred", "PersonBirthDate", "PersDeathDate"]
AGES = frozenset(("age", "age_on_day", "age_at_month_end", "age_at_referral"))
# Columns that rules make of what is recorded: missing where that is missing, which is no answer.
RECORDED = AGES | {"teams", "transferred", "last_bed", "bed_at_discharge"}


@dataclass(frozen=True)
class Rule:
    """A counting rule: the tables it needs, and the function that yields its rows.

    The rows have ``Person_ID`` and either ``date`` (the row belongs to the period of that day) or ``start`` and
    ``until`` (the row belongs to every period that it touches, with ``days`` in it). ``stands_in`` are the columns that
    it fills with ``NOT_COLLECTED`` for a year in which nobody filled them, so that the rule holds without them.
    ``every_row``: each row of its first table is one row of the rule, on the day that it begins.
    """

    name: str
    needs: tuple[str, ...]
    rows: Callable[[Tables], ibis.Table]
    stands_in: tuple[str, ...] = ()
    every_row: bool = False


RULES: dict[str, Rule] = {}


class Shared(dict):
    """The tables of an extract, with what several counting rules have asked of them so far."""

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables)
        self.found: dict[tuple, Any] = {}


@contextmanager
def shared(tables: Tables) -> Iterator[Shared]:
    """Work out what several counting rules take (:func:`once`) for the first of them, and keep it until the end."""
    if isinstance(tables, Shared):
        yield tables
        return
    mine = Shared(tables)
    yield mine
    for held in mine.found.values():
        if isinstance(held, ibis.Table):
            engines.release(held)


def once(step: Callable[..., Any]) -> Callable[..., Any]:
    """Let a step that several counting rules take be worked out once among :func:`shared` tables.

    Written into every rule, it would be planned and run with each.
    """

    @wraps(step)
    def found(tables: Tables, *rest: Any) -> Any:
        if not isinstance(tables, Shared):
            return step(tables, *rest)
        key = (step.__name__, *rest)
        if key not in tables.found:
            made = step(tables, *rest)
            tables.found[key] = engines.hold(made) if isinstance(made, ibis.Table) else made
        return tables.found[key]

    return found


def rule(*needs: str, stands_in: tuple[str, ...] = (), every_row: bool = False) -> Callable:
    """Register a function as the counting rule of its name; ``needs`` are tables, or Table.Column to be filled."""

    def register(function: Callable[[Tables], ibis.Table]) -> Callable[[Tables], ibis.Table]:
        RULES[function.__name__] = Rule(function.__name__, needs, function, stands_in, every_row)
        return function

    return register


@cache
def schemas() -> dict[str, ibis.Schema]:
    """Return the declared columns and types of every contract table."""
    return {
        name: ibis.schema({column: IBIS_TYPES[facts.type] for column, facts in table.columns.items()})
        for name, table in declared().items()
    }


@cache
def recorded_columns() -> frozenset[str]:
    """Return the columns that an extract records (not those of the population and the areas), and ``RECORDED``."""
    of_people = (schema for name, schema in schemas().items() if name not in POPULATION_TABLES)
    return frozenset(column for schema in of_people for column in schema.names) | RECORDED


def declared_tables() -> Tables:
    """Return the contract tables without rows: rules run on them show their columns and their SQL."""
    return {name: ibis.table(schema, name=name) for name, schema in schemas().items()}


# --- words for conditions -----------------------------------------------------------------------------------------


def missing(value: ibis.Value) -> ibis.Value:
    """Say where a value is missing."""
    return value.isnull()


def present(value: ibis.Value) -> ibis.Value:
    """Say where a value is there."""
    return value.notnull()


def yes(condition: ibis.Value) -> ibis.Value:
    """Return 1 where a condition holds and 0 where it does not or cannot be told."""
    return condition.ifelse(1, 0).cast("int64")


def in_list(column: ibis.Value, codes: Sequence[Code], on: ibis.Value | None = None) -> ibis.Value:
    """Say where a code is in a list, on the day of its row; a column nobody filled in that year fulfils every list."""
    found = _listed(column, codes, on)
    return found | (column == NOT_COLLECTED) if column.type().is_string() else found


def _listed(column: ibis.Value, codes: Sequence[Code], on: ibis.Value | None) -> ibis.Value:
    found = [(column == c.code) & _between(on, c) for c in codes if c.first or c.last]
    always = [c.code for c in codes if not (c.first or c.last)]
    return reduce(or_, [*found, *([column.isin(always)] if always else [])])


def _any_team(teams: ibis.Value, codes: Sequence[Code], on: ibis.Value | None) -> ibis.Value:
    """Say where one of the team types of a referral, written |A06|A14|, is in a list on the day of its row."""
    found = [((teams.find(f"|{c.code}|") >= 0), c) for c in codes]
    return reduce(or_, [there & _between(on, c) if c.first or c.last else there for there, c in found])


def _between(on: ibis.Value, code: Code) -> ibis.Value:
    parts = [on >= ibis.literal(code.first)] if code.first else []
    return reduce(and_, parts + ([on <= ibis.literal(code.last)] if code.last else []))


def collected(table: ibis.Table, column: str, on: str) -> ibis.Table:
    """Write ``NOT_COLLECTED`` into a code that no row of the financial year has: it was not submitted, not missing."""
    years = table.select(year__=year_of(table[on]), value__=table[column])
    years = years.group_by("year__").agg(filled__=_.value__.count()).filter(_.filled__ == 0)
    found = table.mutate(year__=year_of(table[on])).left_join(years, "year__")
    value = present(found.filled__).ifelse(ibis.literal(NOT_COLLECTED), found[column])
    return found.select(*[value.name(column) if name == column else found[name] for name in table.columns])


def days_from(earlier: ibis.Value, later: ibis.Value) -> ibis.Value:
    """Return whole days from one date to another; missing where either is."""
    return later.delta(earlier, unit="day").cast("int64")


def minutes_of(time: ibis.Value) -> ibis.Value:
    """Return the minutes after midnight of a time written 14:05; what is missing or written otherwise is midnight."""
    hours, minutes = time.substr(0, 2), time.substr(3, 2)
    hours = hours.isin([f"{n:02d}" for n in range(24)]).ifelse(hours, "00").cast("int64")
    return hours * 60 + minutes.isin([f"{n:02d}" for n in range(60)]).ifelse(minutes, "00").cast("int64")


def year_of(date: ibis.Value) -> ibis.Value:
    """Return the calendar year in which the financial year of a date starts."""
    return (date.year() - (date.month() < 4).ifelse(1, 0)).cast("int64")


def where(table: ibis.Table, conditions: Conditions) -> ibis.Value:
    """Turn the conditions of an indicator into one Ibis condition; no condition holds always."""
    found = [_one(table, condition) for condition in conditions or ()]
    return reduce(and_, found) if found else ibis.literal(1) == ibis.literal(1)


def undecided(table: ibis.Table, conditions: Conditions) -> ibis.Value | None:
    """Say where the conditions cannot be told because a column of the extract is missing, and nothing else denies them.

    Columns that a rule works out (days to the next contact) are missing where there is none: that is an answer.
    ``None`` where every row can be told.
    """
    gaps, possible = [], []
    for condition in conditions or ():
        column, holds = table[condition.column], _one(table, condition)
        if condition.missing is None and condition.if_missing is None and condition.column in recorded_columns():
            gaps.append(missing(column))
            holds = holds | missing(column)
        possible.append(holds)
    return reduce(or_, gaps) & reduce(and_, possible) if gaps else None


def _one(table: ibis.Table, condition: Condition) -> ibis.Value:
    column = table[condition.column]
    holds = _operator(table, column, condition)
    if condition.if_missing == "holds":
        return missing(column) | (present(column) & holds)
    return present(column) & holds if condition.if_missing else holds


def _operator(table: ibis.Table, column: ibis.Value, condition: Condition) -> ibis.Value:
    ((name, value),) = condition.operators().items()
    on = table["date"] if "date" in condition.columns() else None
    match name:
        case "in":
            return in_list(column, condition.codes(), on)
        case "not_in":
            listed = _listed(column, condition.codes(), on)
            return ~listed & present(column)  # SQL Server would take a missing value for not in
        case "any_of":
            return _any_team(column, condition.codes(), on)
        case "none_of":
            return ~_any_team(column, condition.codes(), on) & present(column)
        case "missing":
            return missing(column) if value else present(column)
        case "between":
            return (column >= value[0]) & (column <= value[1])
        case "eq":
            return column == value
        case "ne":
            return column != value
        case "lt":
            return column < value
        case "le":
            return column <= value
        case "gt":
            return column > value
    return column >= value


# --- people and periods -------------------------------------------------------------------------------------------


@once
def people(tables: Tables, area_columns: tuple[str, ...]) -> ibis.Table:
    """Return one row a person: ethnic group, sex, birth and death, home deprivation, and whether in the catchment.

    The home is the first of the area columns that is filled: ``Areas`` may hold the codes of both LSOA years, since
    a code never means two places. Who lives outside the catchment has the deprivation of the area of home where it is
    published (``Elsewhere``). ``area`` is "catchment", "elsewhere" or "Not known" (also without a table of areas).
    """
    person = tables["MHS001MPI"]
    person = person.mutate(
        ethnic_group=person.EthnicCategory.cases(*ETHNIC_GROUPS.items(), else_=NOT_KNOWN).cast("string"),
        sex=person.Gender.cases(("1", "Male"), ("2", "Female"), else_=NOT_KNOWN).cast("string"),
        home=ibis.coalesce(*(person[column] for column in area_columns)),
    )
    if "Areas" in tables:
        areas = tables["Areas"].select(home_area="lsoa", imd_quintile="imd_quintile")
        person = person.left_join(areas, person.home == areas.home_area)
        if ELSEWHERE in tables:
            far = tables[ELSEWHERE].select(far_area="lsoa", far_quintile="imd_quintile")
            person = person.left_join(far, person.home == far.far_area)
            person = person.mutate(imd_quintile=ibis.coalesce(person.imd_quintile, person.far_quintile))
        area = ibis.cases((missing(_.home), NOT_KNOWN), (missing(_.home_area), "elsewhere"), else_="catchment")
    else:
        person = person.mutate(imd_quintile=ibis.null("int64"))
        area = ibis.literal(NOT_KNOWN)
    # A number is joined and compared much faster than an identifier; it holds where this table is held.
    numbered = isinstance(tables, Shared) and engines.engine(person) == "duckdb"
    return person.select(
        "Person_ID",
        *PERSON,
        "ethnic_group",
        "sex",
        imd_quintile=_.imd_quintile.cast("int64"),
        area=area.cast("string"),
        known_person=ibis.literal(1),
        person=ibis.row_number().over(ibis.window()) if numbered else _.Person_ID,
    )


def of_people(rows: ibis.Table, persons: ibis.Table, bands: list[int], wanted: Set[str] | None = None) -> ibis.Table:
    """Attach to rows (with their ``year``) who the person is, and the ages of :func:`with_ages` if one is wanted."""
    found = rows.left_join(persons, "Person_ID")
    return with_ages(found, bands) if wanted is None or wanted & {*AGES, "age_band", "age_from", "age_to"} else found


def with_ages(rows: ibis.Table, bands: list[int]) -> ibis.Table:
    """Add ``age`` in whole years on 1 April, ``age_band``, ``age_from`` and ``age_to``; who is born later counts as 0.

    NHS measures take the age at the referral, on the day or at the end of its month: where rows have those days,
    ``age_at_referral``, ``age_on_day`` and ``age_at_month_end`` are added, for conditions only.
    """
    birth = rows.PersonBirthDate
    not_yet = (birth.month() > 4) | ((birth.month() == 4) & (birth.day() > 1))
    age = (rows.year - birth.year() - not_yet.ifelse(1, 0)).cast("int64")
    ages = {"age": (age < 0).ifelse(0, age)}
    if "date" in rows.columns:
        month_end = (rows.date.year() - birth.year() - (birth.month() > rows.date.month()).ifelse(1, 0)).cast("int64")
        ages |= {"age_on_day": age_on(birth, rows.date), "age_at_month_end": month_end}
    if "ReferralRequestReceivedDate" in rows.columns:
        ages["age_at_referral"] = age_on(birth, rows.ReferralRequestReceivedDate)
    rows = rows.mutate(**ages)
    labels, known = band_labels(bands), present(rows.age)
    names = [(rows.age < cut, label) for cut, label in zip(bands[1:], labels, strict=False)]
    starts = [(rows.age < high, low) for low, high in pairwise(bands)]
    ends = [(rows.age < high, high - 1) for high in bands[1:]]
    return rows.mutate(
        age_band=ibis.cases((missing(rows.age), NOT_KNOWN), *names, else_=labels[-1]).cast("string"),
        age_from=known.ifelse(_steps(starts, bands[-1]), None).cast("int64"),
        age_to=known.ifelse(_steps(ends, OLDEST), None).cast("int64"),
    )


def age_on(birth: ibis.Value, day: ibis.Value) -> ibis.Value:
    """Return the age in whole years on a day."""
    not_yet = (birth.month() > day.month()) | ((birth.month() == day.month()) & (birth.day() > day.day()))
    return (day.year() - birth.year() - not_yet.ifelse(1, 0)).cast("int64")


def _steps(cases: list, last: int) -> ibis.Value:
    return ibis.cases(*cases, else_=last) if cases else ibis.literal(last)


def band_labels(bands: list[int]) -> list[str]:
    """Name age bands by their cuts.

    Examples
    --------
    >>> band_labels([0, 16, 65])
    ['0-15', '16-64', '65+']
    """
    return [f"{low}-{high - 1}" for low, high in pairwise(bands)] + [f"{bands[-1]}+"]


def in_periods(rows: ibis.Table, years: list[int]) -> ibis.Table:
    """Give each row the ``year`` in which its financial year starts.

    A row with ``date`` is in one year: that of the date, or the ``year`` that its rule gives. A row that lasts from
    ``start`` to ``until`` (missing: still lasting) is in each year that it touches, with the ``days`` of it that fall
    there: nights, so that from the 3rd to the 5th are two. Where ``first_day_out`` is 1, the first day does not count.
    """
    if "year" in rows.columns:
        return rows.filter(_.year.isin(years))
    if "date" in rows.columns:
        return rows.mutate(year=year_of(rows.date)).filter(_.year.isin(years))
    parts = []
    for year in years:
        first, last, after = ibis.date(year, 4, 1), ibis.date(year + 1, 3, 31), ibis.date(year + 1, 4, 1)
        touching = rows.filter((rows.start <= last) & (missing(rows.until) | (rows.until >= first)))
        begin = (touching.start < first).ifelse(first, touching.start)
        end = (missing(touching.until) | (touching.until > last)).ifelse(after, touching.until)
        days = days_from(begin, end)
        if "first_day_out" in rows.columns:
            days = days - ((touching.first_day_out == 1) & (touching.start >= first) & (days > 0)).ifelse(1, 0)
        parts.append(touching.mutate(year=ibis.literal(year, "int64"), days=days))
    return portable.stack(parts)
