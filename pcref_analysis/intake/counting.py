"""Named counting rules: which rows of which tables count as an event, and on which day.

Each rule is a function from the tables to one Ibis expression with a column ``Person_ID`` and either ``date``
(the row belongs to the period of that day) or ``start`` and ``until`` (the row belongs to every period that it
touches, with ``days`` in it). A rule that the law or NHS England may change carries the date from which it
holds. Only plain Ibis is used, so that the same expression runs on DuckDB, PostgreSQL, SQL Server and Spark.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import ibis
from ibis import _

from pcref_analysis.vocabulary import ethnicity
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.ethnicity import NOT_KNOWN
from pcref_analysis.vocabulary.indicators import Condition

ATTENDED = ("5", "6")
ACUTE_BEDS = ("200", "201", "202", "10", "11", "12")
TRANSFER_OR_DEATH = ("49", "50", "51", "52", "53", "79", "84", "87")

OLDEST = 200
ETHNIC_GROUPS = dict(zip(*(ethnicity.categories()[c] for c in ("code", "ethnic_group")), strict=True))

Tables = dict[str, ibis.Table]


@dataclass(frozen=True)
class Rule:
    """A counting rule: what it needs and what it yields."""

    name: str
    meaning: str
    needs: tuple[str, ...]
    rows: Callable[[Tables], ibis.Table]
    valid_from: str


RULES: dict[str, Rule] = {}


def rule(*needs: str, valid_from: str = "2016-04-01") -> Callable:
    """Register a function as a counting rule that needs these tables."""

    def register(function: Callable[[Tables], ibis.Table]) -> Callable[[Tables], ibis.Table]:
        meaning = (function.__doc__ or "").strip().splitlines()[0]
        RULES[function.__name__] = Rule(function.__name__, meaning, needs, function, valid_from)
        return function

    return register


def days_from(earlier: ibis.Value, later: ibis.Value) -> ibis.Value:
    """Return whole days from one date to another."""
    return later.delta(earlier, unit="day").cast("int64")


def yes(condition: ibis.Value) -> ibis.Value:
    """Return 1 where a condition holds and 0 where not or unknown (SQL Server has no truth values in rows)."""
    return condition.ifelse(1, 0).cast("int64")


def missing(value: ibis.Value) -> ibis.Value:
    """Say where a value is missing."""
    return value.isnull()


def present(value: ibis.Value) -> ibis.Value:
    """Say where a value is there."""
    return value.notnull()


def where(table: ibis.Table, conditions: list[Condition]) -> ibis.Value:
    """Turn the conditions of an indicator into one Ibis condition; none at all holds always."""
    found = ibis.literal(1) == ibis.literal(1)
    for condition in conditions:
        found = found & _one(table[condition.column], condition)
    return found


def _one(column: ibis.Value, condition: Condition) -> ibis.Value:
    ((name, value),) = condition.operators().items()
    match name:
        case "in":
            return column.isin(value)
        case "not_in":
            return column.notin(value) & present(column)
        case "missing":
            return missing(column) if value else present(column)
        case "between":
            return (column >= value[0]) & (column <= value[1])
    return {
        "eq": column == value,
        "ne": column != value,
        "lt": column < value,
        "le": column <= value,
        "gt": column > value,
        "ge": column >= value,
    }[name]


# --- referrals and contacts -------------------------------------------------------------------------------------------


@rule("MHS101Referral")
def referrals_received(tables: Tables) -> ibis.Table:
    """Referrals, on the day they were received."""
    return tables["MHS101Referral"].mutate(date=_.ReferralRequestReceivedDate)


@rule("MHS101Referral")
def caseload(tables: Tables) -> ibis.Table:
    """Referrals that were open (received, not rejected, not yet closed)."""
    open_ = tables["MHS101Referral"].filter(missing(_.ReferRejectionDate))
    return open_.mutate(start=_.ReferralRequestReceivedDate, until=_.ServDischDate)


@rule("MHS201CareContact", "MHS101Referral")
def contacts(tables: Tables) -> ibis.Table:
    """Planned contacts, on their day, with the team type of their referral."""
    teams = tables["MHS101Referral"].select("UniqServReqID", "ServTeamTypeMH")
    joined = tables["MHS201CareContact"].left_join(teams, "UniqServReqID")
    return joined.mutate(date=_.CareContDate).drop("UniqServReqID_right")


# --- the Mental Health Act --------------------------------------------------------------------------------------------


@rule("MHS401MHActPeriod")
def section_136_episodes(tables: Tables) -> ibis.Table:
    """Periods under section 136 (place of safety), on their first day."""
    held = tables["MHS401MHActPeriod"].filter(_.LegalStatusCode == "20")
    return held.mutate(date=_.StartDateMHActLegalStatusClass)


@rule("MHS401MHActPeriod")
def detention_episodes(tables: Tables) -> ibis.Table:
    """Detentions counted by NHS England's rule, on their first day."""
    held = tables["MHS401MHActPeriod"].filter(_.LegalStatusCode.isin(["02", "03"]))
    return held.mutate(date=_.StartDateMHActLegalStatusClass)


# --- hospital ---------------------------------------------------------------------------------------------------------


def _spells(tables: Tables) -> ibis.Table:
    """Spells with the kind of their first bed and the start of the person's next spell."""
    stays = tables["MHS502WardStay"]
    by_spell = ibis.window(group_by="UniqHospProvSpellID", order_by=["StartDateWardStay", "UniqWardStayID"])
    first = stays.mutate(place=ibis.row_number().over(by_spell)).filter(_.place == 0)
    first = first.select("UniqHospProvSpellID", "MHAdmittedPatientClass")
    by_person = ibis.window(group_by="Person_ID", order_by=["StartDateHospProvSpell", "UniqHospProvSpellID"])
    spells = tables["MHS501HospProvSpell"].mutate(next_admission=_.StartDateHospProvSpell.lead().over(by_person))
    return spells.left_join(first, "UniqHospProvSpellID").drop("UniqHospProvSpellID_right")


@rule("MHS501HospProvSpell", "MHS502WardStay", "MHS201CareContact")
def discharges(tables: Tables) -> ibis.Table:
    """Hospital discharges, on their day, with length of stay, next admission and first contact after."""
    spells = _spells(tables).filter(present(_.DischDateHospProvSpell))
    attended = tables["MHS201CareContact"].filter(_.AttendStatus.isin(ATTENDED)).select("Person_ID", "CareContDate")
    near = spells.select("UniqHospProvSpellID", "Person_ID", "DischDateHospProvSpell").inner_join(attended, "Person_ID")
    near = near.mutate(gap=days_from(near.DischDateHospProvSpell, near.CareContDate)).filter(_.gap.between(1, 30))
    first = near.group_by("UniqHospProvSpellID").agg(days_to_contact=_.gap.min())
    joined = spells.left_join(first, "UniqHospProvSpellID").drop("UniqHospProvSpellID_right")
    return joined.mutate(
        date=_.DischDateHospProvSpell,
        length=days_from(_.StartDateHospProvSpell, _.DischDateHospProvSpell),
        days_to_readmission=days_from(_.DischDateHospProvSpell, _.next_admission),
    )


@rule("MHS501HospProvSpell")
def inpatients(tables: Tables) -> ibis.Table:
    """Hospital spells, in every period they touch."""
    return tables["MHS501HospProvSpell"].mutate(start=_.StartDateHospProvSpell, until=_.DischDateHospProvSpell)


@rule("MHS502WardStay")
def bed_days(tables: Tables) -> ibis.Table:
    """Ward stays, in every period they touch, with the nights in it."""
    return tables["MHS502WardStay"].mutate(start=_.StartDateWardStay, until=_.EndDateWardStay)


@rule("MHS515RestrictiveInterventType")
def restrictive_interventions(tables: Tables) -> ibis.Table:
    """Types of restrictive intervention used in an incident, on their day."""
    return tables["MHS515RestrictiveInterventType"].mutate(date=_.StartDateRestrictiveIntType)


# --- experience -------------------------------------------------------------------------------------------------------


@rule("Experience")
def responses(tables: Tables) -> ibis.Table:
    """Answers to a local question on experience, on their day."""
    return tables["Experience"].mutate(date=_.ResponseDate)


def named(name: str) -> Rule:
    """Return a counting rule by name.

    Raises
    ------
    PcrefError
        If there is no such rule.
    """
    if name not in RULES:
        raise PcrefError(f"indicators: there is no counting rule '{name}'. Rules: {', '.join(sorted(RULES))}.")
    return RULES[name]


# --- people and periods -----------------------------------------------------------------------------------------------


def people(tables: Tables, area_column: str) -> ibis.Table:
    """Return one row a person: ethnic group, sex, birth and death, home deprivation, and whether in the catchment.

    ``area`` is "catchment", "elsewhere" or "not known" (also where there is no table of areas).
    """
    person = tables["MHS001MPI"]
    person = person.mutate(
        ethnic_group=person.EthnicCategory.cases(*ETHNIC_GROUPS.items(), else_=NOT_KNOWN).cast("string"),
        sex=person.Gender.cases(("1", "Male"), ("2", "Female"), else_=NOT_KNOWN).cast("string"),
        home=person[area_column],
    )
    if "Areas" in tables:
        areas = tables["Areas"].select(home_area="lsoa", imd_quintile="imd_quintile")
        person = person.left_join(areas, person.home == areas.home_area)
        area = ibis.cases((missing(_.home), NOT_KNOWN), (missing(_.home_area), "elsewhere"), else_="catchment")
    else:
        person = person.mutate(imd_quintile=ibis.null("int64"))
        area = ibis.literal(NOT_KNOWN)
    return person.select(
        "Person_ID",
        "EthnicCategory",
        "LanguageCodePreferred",
        "PersonBirthDate",
        "PersDeathDate",
        "ethnic_group",
        "sex",
        imd_quintile=_.imd_quintile.cast("int64"),
        area=area.cast("string"),
        known_person=ibis.literal(1),
    )


def aged(rows: ibis.Table, bands: list[int]) -> ibis.Table:
    """Add ``age`` in whole years at the start of the period, ``age_band``, ``age_from`` and ``age_to``.

    The start of the period is 1 April of ``year``; who is born later counts as 0.
    """
    birth = rows.PersonBirthDate
    before = (birth.month() > 4) | ((birth.month() == 4) & (birth.day() > 1))
    age = (rows.year - birth.year() - before.ifelse(1, 0)).cast("int64")
    rows = rows.mutate(age=(age < 0).ifelse(0, age))
    labels = band_labels(bands)
    known = present(rows.age)
    names = [(rows.age < cut, label) for cut, label in zip(bands[1:], labels, strict=False)]
    starts = [(rows.age < high, low) for low, high in pairwise(bands)]
    ends = [(rows.age < high, high - 1) for high in bands[1:]]
    return rows.mutate(
        age_band=ibis.cases((missing(rows.age), NOT_KNOWN), *names, else_=labels[-1]).cast("string"),
        age_from=known.ifelse(ibis.cases(*starts, else_=bands[-1]), None).cast("int64"),
        age_to=known.ifelse(ibis.cases(*ends, else_=OLDEST), None).cast("int64"),
    )


def band_labels(bands: list[int]) -> list[str]:
    """Name age bands by their cuts: ``[0, 16, 65]`` gives "0-15", "16-64", "65+"."""
    return [f"{low}-{high - 1}" for low, high in pairwise(bands)] + [f"{bands[-1]}+"]


def in_periods(rows: ibis.Table, years: list[int]) -> ibis.Table:
    """Give each row the ``year`` in which its financial year starts; a row that lasts is in each year it touches."""
    if "date" in rows.columns:
        year = (rows.date.year() - (rows.date.month() < 4).ifelse(1, 0)).cast("int64")
        return rows.mutate(year=year).filter(_.year.isin(years))
    parts = []
    for year in years:
        first, last, after = ibis.date(year, 4, 1), ibis.date(year + 1, 3, 31), ibis.date(year + 1, 4, 1)
        touching = rows.filter((rows.start <= last) & (missing(rows.until) | (rows.until >= first)))
        begin = (touching.start < first).ifelse(first, touching.start)
        end = (missing(touching.until) | (touching.until > last)).ifelse(after, touching.until)
        parts.append(touching.mutate(year=ibis.literal(year, "int64"), days=days_from(begin, end)))
    return parts[0] if len(parts) == 1 else ibis.union(*parts)
