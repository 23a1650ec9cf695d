"""Named counting rules: which rows of which tables count as an event, and on which day.

The rules for the Mental Health Act are in :mod:`pcref_analysis.intake.detention`; these are the others. A rule may
add columns that the conditions of an indicator use (days waited, days to the next contact, whether scores are paired).
"""

from __future__ import annotations

import ibis
from ibis import _

from pcref_analysis.intake import detention
from pcref_analysis.intake.rows import RULES, Rule, Tables, days_from, missing, present, rule, yes
from pcref_analysis.vocabulary.errors import PcrefError

__all__ = ["RULES", "detention", "named"]

ATTENDED = ("5", "6")
SPELL, REFERRAL = "UniqHospProvSpellID", "UniqServReqID"


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


def _attended(tables: Tables) -> ibis.Table:
    return tables["MHS201CareContact"].filter(_.AttendStatus.isin(ATTENDED))


def _beside(table: ibis.Table, other: ibis.Table, key: str) -> ibis.Table:
    """Attach columns of another table by key; every row stays once."""
    return table.left_join(other, key).drop(f"{key}_right")


# --- referrals and contacts -------------------------------------------------------------------------------------------


@rule("MHS101Referral")
def referrals_received(tables: Tables) -> ibis.Table:
    """Referrals, on the day they were received."""
    return tables["MHS101Referral"].mutate(date=_.ReferralRequestReceivedDate)


@rule("MHS101Referral")
def caseload(tables: Tables) -> ibis.Table:
    """Referrals that were open (received, not rejected, not yet closed), in every period they touch."""
    taken = tables["MHS101Referral"].filter(missing(_.ReferRejectionDate))
    return taken.mutate(start=_.ReferralRequestReceivedDate, until=_.ServDischDate)


@rule("MHS201CareContact", "MHS101Referral")
def contacts(tables: Tables) -> ibis.Table:
    """Planned contacts, on their day, with the team type of their referral."""
    teams = tables["MHS101Referral"].select(REFERRAL, "ServTeamTypeMH")
    return _beside(tables["MHS201CareContact"], teams, REFERRAL).mutate(date=_.CareContDate)


def _contact_number(tables: Tables, number: int) -> ibis.Table:
    """Return referrals on the day of their first, second, ... attended contact, with ``days_waited`` from receipt."""
    order = ibis.window(group_by=REFERRAL, order_by=["CareContDate", "UniqCareContID"])
    seen = _attended(tables).mutate(turn=ibis.row_number().over(order)).filter(_.turn == number - 1)
    made = tables["MHS101Referral"].select(REFERRAL, "ServTeamTypeMH", "ReferralRequestReceivedDate")
    seen = seen.inner_join(made, REFERRAL).mutate(date=_.CareContDate)
    return seen.mutate(days_waited=days_from(seen.ReferralRequestReceivedDate, seen.CareContDate))


@rule("MHS201CareContact", "MHS101Referral")
def first_contacts(tables: Tables) -> ibis.Table:
    """Referrals, on the day of their first attended contact, with the days waited since receipt."""
    return _contact_number(tables, 1)


@rule("MHS201CareContact", "MHS101Referral")
def second_contacts(tables: Tables) -> ibis.Table:
    """Referrals, on the day of their second attended contact, with the days waited since receipt."""
    return _contact_number(tables, 2)


@rule("MHS101Referral", "MHS201CareContact", "MHS606CodedScoreAssessmentRefer")
def referrals_closed(tables: Tables) -> ibis.Table:
    """Referrals, on the day they were closed, with days open, attended contacts, and whether a score was repeated."""
    closed = tables["MHS101Referral"].filter(present(_.ServDischDate))
    closed = closed.mutate(date=_.ServDischDate, days_open=days_from(_.ReferralRequestReceivedDate, _.ServDischDate))
    return _with_outcome(closed, tables)


@rule("MHS101Referral", "MHS201CareContact", "MHS606CodedScoreAssessmentRefer")
def referrals_due_outcome(tables: Tables) -> ibis.Table:
    """Referrals, on the day they were closed or had been open for 180 days, whichever came first.

    A day cannot be added portably, so an open referral is dated by its first contact at least 180 days after receipt.
    """
    taken = tables["MHS101Referral"].filter(missing(_.ReferRejectionDate))
    late = (
        _attended(tables)
        .select(REFERRAL, "CareContDate")
        .inner_join(taken.select(REFERRAL, "ReferralRequestReceivedDate"), REFERRAL)
    )
    late = late.filter(days_from(_.ReferralRequestReceivedDate, _.CareContDate) >= 180)
    late = late.group_by(REFERRAL).agg(seen_late=_.CareContDate.min())
    found = _beside(taken, late, REFERRAL)
    first = (present(found.seen_late)).ifelse(found.seen_late, found.ServDischDate)
    found = found.mutate(date=first).filter(present(_.date))
    return _with_outcome(found.mutate(days_open=days_from(found.ReferralRequestReceivedDate, found.date)), tables)


def _with_outcome(referrals: ibis.Table, tables: Tables) -> ibis.Table:
    """Attach ``attended`` (contacts) and ``paired`` (1: one measure scored on two days, 0: not) up to ``date``."""
    upto = referrals.select(REFERRAL, upto="date")
    seen = _attended(tables).select(REFERRAL, "CareContDate").inner_join(upto, REFERRAL)
    seen = seen.filter(_.CareContDate <= _.upto).group_by(REFERRAL).agg(attended=_.count())
    score = tables["MHS606CodedScoreAssessmentRefer"].select(REFERRAL, "AssToolCompDate", "CodedAssToolType")
    score = score.inner_join(upto, REFERRAL).filter(_.AssToolCompDate <= _.upto)
    score = score.group_by([REFERRAL, "CodedAssToolType"]).agg(
        first=_.AssToolCompDate.min(), last=_.AssToolCompDate.max()
    )
    pairs = score.group_by(REFERRAL).agg(paired=yes(_.last > _.first).max())
    joined = _beside(_beside(referrals, seen, REFERRAL), pairs, REFERRAL)
    return joined.mutate(attended=ibis.coalesce(joined.attended, 0), paired=ibis.coalesce(joined.paired, 0))


# --- hospital ---------------------------------------------------------------------------------------------------------


def _spells(tables: Tables) -> ibis.Table:
    """Spells with the kind of their first bed and the person's next admission."""
    in_order = ibis.window(group_by=SPELL, order_by=["StartDateWardStay", "UniqWardStayID"])
    stays = tables["MHS502WardStay"].mutate(place=ibis.row_number().over(in_order))
    beds = stays.filter(_.place == 0).select(SPELL, "MHAdmittedPatientClass")
    by_person = ibis.window(group_by="Person_ID", order_by=["StartDateHospProvSpell", SPELL])
    spells = tables["MHS501HospProvSpell"].mutate(next_admission=_.StartDateHospProvSpell.lead().over(by_person))
    return _beside(spells, beds, SPELL)


@rule("MHS501HospProvSpell", "MHS502WardStay", "MHS201CareContact")
def admissions(tables: Tables) -> ibis.Table:
    """Admissions, on their day, with the kind of bed and whether a contact was attended 3 to 365 days before.

    ``seen_before`` is 1 or 0.
    """
    spells = _spells(tables)
    seen = _attended(tables).select("Person_ID", "CareContDate")
    near = spells.select(SPELL, "Person_ID", "StartDateHospProvSpell").inner_join(seen, "Person_ID")
    near = near.filter(days_from(_.CareContDate, _.StartDateHospProvSpell).between(3, 365))
    near = near.group_by(SPELL).agg(before=_.count())
    joined = _beside(spells, near, SPELL)
    return joined.mutate(date=joined.StartDateHospProvSpell, seen_before=yes(joined.before > 0))


@rule("MHS501HospProvSpell", "MHS502WardStay")
def discharges(tables: Tables) -> ibis.Table:
    """Hospital discharges, on their day, with the kind of bed, ``length`` of stay and ``days_to_readmission``."""
    spells = _spells(tables).filter(present(_.DischDateHospProvSpell))
    return spells.mutate(
        date=spells.DischDateHospProvSpell,
        length=days_from(spells.StartDateHospProvSpell, spells.DischDateHospProvSpell),
        days_to_readmission=days_from(spells.DischDateHospProvSpell, spells.next_admission),
    )


@rule("MHS501HospProvSpell", "MHS502WardStay", "MHS201CareContact")
def discharges_and_contacts(tables: Tables) -> ibis.Table:
    """Hospital discharges, on their day, with ``days_to_contact``: the first attended contact from the day after."""
    spells = discharges(tables)
    seen = _attended(tables).select("Person_ID", "CareContDate")
    near = spells.select(SPELL, "Person_ID", "DischDateHospProvSpell").inner_join(seen, "Person_ID")
    near = near.mutate(gap=days_from(near.DischDateHospProvSpell, near.CareContDate)).filter(_.gap.between(1, 30))
    return _beside(spells, near.group_by(SPELL).agg(days_to_contact=_.gap.min()), SPELL)


@rule("MHS501HospProvSpell")
def inpatients(tables: Tables) -> ibis.Table:
    """Hospital spells, in every period they touch."""
    return tables["MHS501HospProvSpell"].mutate(start=_.StartDateHospProvSpell, until=_.DischDateHospProvSpell)


@rule("MHS502WardStay")
def bed_days(tables: Tables) -> ibis.Table:
    """Ward stays, in every period they touch, with the nights in it."""
    return tables["MHS502WardStay"].mutate(start=_.StartDateWardStay, until=_.EndDateWardStay)


@rule("MHS518ClinReadyforDischarge")
def delays(tables: Tables) -> ibis.Table:
    """Periods clinically ready for discharge but still in a bed, in every period they touch, with the nights in it."""
    ready = tables["MHS518ClinReadyforDischarge"]
    return ready.mutate(start=_.StartDateClinReadyforDisch, until=_.EndDateClinReadyforDisch)


@rule("MHS515RestrictiveInterventType")
def restrictive_interventions(tables: Tables) -> ibis.Table:
    """Types of restrictive intervention used in an incident, on their day."""
    return tables["MHS515RestrictiveInterventType"].mutate(date=_.StartDateRestrictiveIntType)


# --- talking therapies and experience ---------------------------------------------------------------------------------


@rule("IDS101Referral", "IDS101Referral.TherapySession_FirstDate")
def therapy_starts(tables: Tables) -> ibis.Table:
    """Talking Therapies referrals, on the day of their first session."""
    begun = tables["IDS101Referral"].filter(present(_.TherapySession_FirstDate))
    return begun.mutate(date=_.TherapySession_FirstDate)


@rule("IDS101Referral", "IDS101Referral.ServDischDate", "IDS101Referral.CompletedTreatment_Flag")
def therapy_courses(tables: Tables) -> ibis.Table:
    """Courses of Talking Therapies treatment that were finished, on the day the referral was closed."""
    ended = tables["IDS101Referral"].filter(present(_.ServDischDate) & (_.CompletedTreatment_Flag == "Y"))
    return ended.mutate(date=_.ServDischDate)


@rule("Experience")
def responses(tables: Tables) -> ibis.Table:
    """Answers to a local question on experience, on their day."""
    return tables["Experience"].mutate(date=_.ResponseDate)
