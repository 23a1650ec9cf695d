"""Named counting rules for hospital: admissions, discharges and what follows, days in bed, delay, force.

Each follows the publication code of NHS England; what differs stands in docs/indicators.md.
"""

from __future__ import annotations

import ibis
from ibis import _

from pcref_analysis.counting.contacts import ATTENDED, PERSON, SPELL, attach, direct, direct_or_indirect
from pcref_analysis.counting.row_conditions import (
    NOT_COLLECTED,
    Tables,
    collected,
    days_from,
    in_list,
    minutes_of,
    missing,
    once,
    present,
    rule,
    year_of,
    yes,
)
from pcref_analysis.extract.sources.engines import hold
from pcref_analysis.vocabulary import codelists

ADMITTED, LEFT = "StartDateHospProvSpell", "DischDateHospProvSpell"
SOURCE, METHOD = "SourceAdmMHHospProvSpell", "MethAdmMHHospProvSpell"
BED = "MHAdmittedPatientClass"


def _with_transfer(tables: Tables) -> ibis.Table:
    """Return spells with ``transferred``: 1 from another hospital, 0 not, missing where the source is not recorded.

    In a year in which no source was collected, the method of admission decides.
    """
    found = collected(tables["MHS501HospProvSpell"], SOURCE, ADMITTED)
    source = in_list(found[SOURCE], codelists.named("transfer_sources"))
    method = present(found[METHOD]) & in_list(found[METHOD], codelists.named("transfer_methods"))
    return found.mutate(
        transferred=ibis.cases(
            ((found[SOURCE] == NOT_COLLECTED) & missing(found[METHOD]), None),
            (found[SOURCE] == NOT_COLLECTED, yes(method)),
            (missing(found[SOURCE]), None),
            else_=yes(source),
        ).cast("int64")
    )


def _bed_of(stays: ibis.Table, name: str, order: list) -> ibis.Table:
    """Return the bed of the first ward stay of each spell in an order."""
    turn = ibis.row_number().over(ibis.window(group_by=SPELL, order_by=order))
    return stays.mutate(turn=turn).filter(_.turn == 0).select(SPELL, **{name: stays[BED]})


def _last_beds(spells: ibis.Table, tables: Tables) -> tuple[ibis.Table, ibis.Table]:
    """Return the bed of each spell's last ward stay, and of the last that ended on the day of discharge.

    The last is of the latest month in which it was submitted, as published: that of its end, and of the discharge
    where it was left open. Of one month that with the latest end is the last, one left open only if no other ended.
    """
    stays = attach(tables["MHS502WardStay"], spells.select(SPELL, gone=LEFT), SPELL)
    ended, begun = stays.EndDateWardStay, stays.StartDateWardStay
    until = ibis.coalesce(ended, stays.gone)
    month = until.year() * 12 + until.month()
    order = [month.desc(), yes(missing(ended)), ended.desc(), begun.desc(), stays.UniqWardStayID.desc()]
    last = _bed_of(stays, "last_bed", order)
    stays = tables["MHS502WardStay"]
    ending = stays.inner_join(spells.select(SPELL, left_on=LEFT), SPELL)
    ending = ending.filter(ending.EndDateWardStay == ending.left_on)
    return last, _bed_of(ending, "bed_at_discharge", [ending.StartDateWardStay.desc(), ending.UniqWardStayID.desc()])


@rule("MHS501HospProvSpell", every_row=True)
def spells_begun(tables: Tables) -> ibis.Table:
    """Hospital admissions of any kind of bed, on their day."""
    return tables["MHS501HospProvSpell"].mutate(date=_[ADMITTED])


@rule("MHS501HospProvSpell", "MHS502WardStay", "MHS201CareContact", ATTENDED)
def admissions(tables: Tables) -> ibis.Table:
    """Admissions, on their day, with the kind of the first bed, ``transferred``, and ``seen_before``.

    ``seen_before`` is 1 where a direct contact or an indirect activity fell 3 to 365 days before, else 0.
    """
    stays = tables["MHS502WardStay"]  # of two that began on one day, the one that ended first was the first
    order = [stays.StartDateWardStay, yes(missing(stays.EndDateWardStay)), stays.EndDateWardStay, stays.UniqWardStayID]
    first = _bed_of(stays, BED, order)
    spells = attach(hold(_with_transfer(tables)), first, SPELL)
    near = spells.select(SPELL, PERSON, ADMITTED).inner_join(direct_or_indirect(tables).select(PERSON, "day"), PERSON)
    near = near.filter(days_from(near.day, near[ADMITTED]).between(3, 365))
    near = near.group_by(SPELL).agg(before=near.count())
    joined = attach(spells, near, SPELL)
    return joined.mutate(date=joined[ADMITTED], seen_before=yes(joined.before > 0))


@rule("MHS501HospProvSpell", "MHS502WardStay")
@once
def discharges(tables: Tables) -> ibis.Table:
    """Hospital discharges, on their day: ``length``, ``days_to_readmission``, ``days_to_death``, and its beds.

    ``bed_at_discharge`` is the bed of the ward stay that ended on the day of discharge, ``last_bed`` that of the last
    ward stay. A readmission is the next admission from the day after that is no transfer from another hospital, by
    source or by method of admission.
    """
    spells = tables["MHS501HospProvSpell"]
    found = spells.filter(present(spells[LEFT]))
    for bed in _last_beds(found, tables):
        found = attach(found, bed, SPELL)
    moved = in_list(spells[SOURCE], codelists.named("transfer_sources"))
    moved = moved | in_list(spells[METHOD], codelists.named("transfer_methods"))
    later = spells.filter(yes(moved) == 0).select(PERSON, next_admission=ADMITTED)
    near = found.select(SPELL, PERSON, LEFT).inner_join(later, PERSON)
    near = near.filter(days_from(near[LEFT], near.next_admission) >= 1)
    near = near.group_by(SPELL).agg(again=near.next_admission.min())
    found = attach(found, near, SPELL)
    found = attach(found, tables["MHS001MPI"].select(PERSON, died="PersDeathDate"), PERSON)
    return found.mutate(
        date=found[LEFT],
        length=days_from(found[ADMITTED], found[LEFT]),
        days_to_readmission=days_from(found[LEFT], found.again),
        days_to_death=days_from(found[LEFT], found.died),
    ).drop("again", "died")


@rule("MHS501HospProvSpell", "MHS502WardStay", "MHS201CareContact", ATTENDED)
def discharges_and_contacts(tables: Tables) -> ibis.Table:
    """Hospital discharges with ``days_to_contact`` from the day after: a direct contact or a new admission.

    Three days must have passed within the year: a discharge of 28 March or later belongs to the year that follows.
    ``passed_on`` is 1 where another provider took over by an onward referral during the stay.
    """
    spells = discharges(tables)
    seen = direct(tables).select(PERSON, day="CareContDate")
    again = tables["MHS501HospProvSpell"].select(PERSON, day=ADMITTED)
    near = spells.select(SPELL, PERSON, LEFT).inner_join(ibis.union(seen, again), PERSON)
    near = near.mutate(gap=days_from(near[LEFT], near.day)).filter(_.gap.between(1, 30))
    found = attach(spells, near.group_by(SPELL).agg(days_to_contact=near.gap.min()), SPELL)
    if "MHS105OnwardReferral" in tables:
        onward = tables["MHS105OnwardReferral"].select(PERSON, "OnwardReferDate")
        moved = found.select(SPELL, PERSON, ADMITTED, LEFT).inner_join(onward, PERSON)
        moved = moved.filter((moved.OnwardReferDate >= moved[ADMITTED]) & (moved.OnwardReferDate <= moved[LEFT]))
        found = attach(found, moved.group_by(SPELL).agg(onward=moved.count()), SPELL)
    else:
        found = found.mutate(onward=ibis.literal(0))
    late = (found.date.month() == 3) & (found.date.day() >= 28)
    return found.mutate(year=year_of(found.date) + late.ifelse(1, 0), passed_on=yes(found.onward > 0)).drop("onward")


@rule("MHS501HospProvSpell")
def inpatients(tables: Tables) -> ibis.Table:
    """Hospital spells, in every period they touch."""
    return tables["MHS501HospProvSpell"].mutate(start=_[ADMITTED], until=_[LEFT])


@rule("MHS502WardStay")
def bed_days(tables: Tables) -> ibis.Table:
    """Ward stays, in every period they touch, with the nights in it; see :func:`_until_discharge`."""
    return _until_discharge(tables["MHS502WardStay"].mutate(start=_.StartDateWardStay, until=_.EndDateWardStay), tables)


def _until_discharge(rows: ibis.Table, tables: Tables) -> ibis.Table:
    """Return rows of spells; one without an end lasts until its spell ends, since it is not submitted after that."""
    if "MHS501HospProvSpell" not in tables:
        return rows
    rows = attach(rows, tables["MHS501HospProvSpell"].select(SPELL, spell_end=LEFT), SPELL)
    late = rows.spell_end < rows.start  # a contradiction: then it lasts for a moment, and not for ever
    end = late.ifelse(rows.start, rows.spell_end)
    return rows.mutate(until=ibis.coalesce(rows.until, end)).drop("spell_end")


@rule("MHS518ClinReadyforDischarge")
def delays(tables: Tables) -> ibis.Table:
    """Periods clinically ready for discharge but still in a bed, in every period they touch, with the days in it.

    The first day does not count, unless the period follows another of the same spell within a day. Periods that end
    on the day they start are none; one without an end lasts until the spell ends.
    """
    ready = tables["MHS518ClinReadyforDischarge"]
    start, end = ready.StartDateClinReadyforDisch, ready.EndDateClinReadyforDisch
    ready = ready.filter(missing(end) | (end > start))
    order = ibis.window(group_by=SPELL, order_by=["StartDateClinReadyforDisch", "UniqClinReadyforDischID"])
    ready = ready.mutate(before=ready.EndDateClinReadyforDisch.lag().over(order))
    gap = days_from(ready.before, ready.StartDateClinReadyforDisch)
    follows = present(ready[SPELL]) & present(gap) & (gap <= 1)
    ready = ready.mutate(
        start=ready.StartDateClinReadyforDisch,
        until=ready.EndDateClinReadyforDisch,
        first_day_out=follows.ifelse(0, 1),
    )
    return _until_discharge(ready, tables)


@rule("MHS515RestrictiveInterventType", "MHS501HospProvSpell")
def restrictive_interventions(tables: Tables) -> ibis.Table:
    """Types of restrictive intervention used in an incident, in every period in which they were in use.

    One without an end lasts until the hospital stay ends in which it began. Where no end was collected in a year, the
    day of the start is all there is.
    """
    used = tables["MHS515RestrictiveInterventType"]
    start = used.StartDateRestrictiveIntType
    known = used.EndDateRestrictiveIntType.count().over(ibis.window(group_by=year_of(start)))
    used = used.mutate(ends_known=known)
    stays = tables["MHS501HospProvSpell"].select(PERSON, admitted=ADMITTED, left=LEFT)
    near = used.select(PERSON, "UniqRestrictiveIntTypeID", begun=start).inner_join(stays, PERSON)
    near = near.filter((near.admitted <= near.begun) & (missing(near.left) | (near.left >= near.begun)))
    near = near.group_by("UniqRestrictiveIntTypeID").agg(still=yes(missing(near.left)).max(), stay_end=near.left.max())
    used = attach(used, near, "UniqRestrictiveIntTypeID")
    stay_end = missing(used.still).ifelse(used.StartDateRestrictiveIntType, used.stay_end)
    until = ibis.cases(
        (used.ends_known == 0, used.StartDateRestrictiveIntType),
        (present(used.EndDateRestrictiveIntType), used.EndDateRestrictiveIntType),
        (used.still == 1, None),
        else_=stay_end,
    )
    return used.mutate(start=used.StartDateRestrictiveIntType, until=until).drop("ends_known", "still", "stay_end")


@rule(
    "MHS515RestrictiveInterventType",
    "MHS515RestrictiveInterventType.EndDateRestrictiveIntType",
    "MHS515RestrictiveInterventType.StartTimeRestrictiveIntType",
    "MHS515RestrictiveInterventType.EndTimeRestrictiveIntType",
)
def timed_interventions(tables: Tables) -> ibis.Table:
    """Restrictive interventions with all four dates and times, on the day of their end; ``minutes``, ``hours``."""
    used = tables["MHS515RestrictiveInterventType"]
    begun, ended = used.StartTimeRestrictiveIntType, used.EndTimeRestrictiveIntType
    used = used.filter(present(begun) & present(ended) & present(used.EndDateRestrictiveIntType))
    clock = minutes_of(used.EndTimeRestrictiveIntType) - minutes_of(used.StartTimeRestrictiveIntType)
    days = days_from(used.StartDateRestrictiveIntType, used.EndDateRestrictiveIntType)
    used = used.mutate(date=used.EndDateRestrictiveIntType, minutes=(days * 1440 + clock).cast("float64"))
    return used.filter(used.minutes > 0).mutate(hours=_.minutes / 60)
