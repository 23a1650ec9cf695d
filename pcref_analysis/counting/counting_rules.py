"""Named counting rules: which rows of which tables count as an event, and on which day.

The rules for hospital are in :mod:`pcref_analysis.counting.hospital`, those for the Mental Health Act in
:mod:`pcref_analysis.counting.detention`; these are the others. A rule may add columns that the conditions of an
indicator
use (days waited, days to the next contact, whether scores are paired). What NHS England counts stands in
docs/indicators.md, measure by measure.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

import ibis
from ibis import _

from pcref_analysis.counting import detention, hospital
from pcref_analysis.counting.contacts import (
    ATTENDED,
    PERSON,
    REFERRAL,
    attach,
    attended,
    direct,
    direct_or_indirect,
    referrals,
    without_stay,
)
from pcref_analysis.counting.row_conditions import (
    RULES,
    Rule,
    Tables,
    age_on,
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
from pcref_analysis.vocabulary import codelists
from pcref_analysis.vocabulary.errors import PcrefError

__all__ = ["RULES", "detention", "hospital", "named"]

MECHANISM, REASON, USED = "ConsMechanismMH", "PrimReasonReferralMH", "UsePathway_Flag"


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


# --- referrals and contacts -------------------------------------------------------------------------------------------


@rule("MHS101Referral", every_row=True)
def referrals_received(tables: Tables) -> ibis.Table:
    """Referrals, on the day they were received, with their teams."""
    found = referrals(tables)
    return found.mutate(date=found.ReferralRequestReceivedDate)


@rule("MHS101Referral")
def referrals_open(tables: Tables) -> ibis.Table:
    """Referrals from receipt until they were closed, rejected ones too, in every period they touch."""
    found = tables["MHS101Referral"]
    return found.mutate(start=found.ReferralRequestReceivedDate, until=found.ServDischDate)


@rule("MHS101Referral")
def caseload(tables: Tables) -> ibis.Table:
    """Referrals that were open (received, not rejected, not yet closed), in every period they touch."""
    taken = tables["MHS101Referral"].filter(missing(_.ReferRejectionDate))
    return taken.mutate(start=_.ReferralRequestReceivedDate, until=_.ServDischDate)


@rule("MHS201CareContact", "MHS101Referral", stands_in=(MECHANISM,), every_row=True)
def contacts(tables: Tables) -> ibis.Table:
    """Planned contacts, on their day, with the teams of their referral and the day it was received."""
    of = referrals(tables).select(REFERRAL, "ServTeamTypeMH", "teams", "ReferralRequestReceivedDate")
    found = collected(tables["MHS201CareContact"], MECHANISM, "CareContDate")
    return attach(found, of, REFERRAL).mutate(date=_.CareContDate)


@rule("MHS201CareContact", "MHS101Referral", ATTENDED)
def young_contacts(tables: Tables) -> ibis.Table:
    """Direct contacts and indirect activities of people under 18 at the referral and at the contact, on their day.

    The age at an indirect activity is that at the end of its month, as NHS England takes it.
    """
    births = tables["MHS001MPI"].select(PERSON, birth="PersonBirthDate")
    received = tables["MHS101Referral"].select(REFERRAL, received="ReferralRequestReceivedDate")
    found = attach(attach(direct_or_indirect(tables), received, REFERRAL), births, PERSON)
    month_end = found.day.year() - found.birth.year() - (found.birth.month() > found.day.month()).ifelse(1, 0)
    age = (found.indirect == 1).ifelse(month_end.cast("int64"), age_on(found.birth, found.day))
    found = found.filter((age < 18) & (age_on(found.birth, found.received) < 18))
    return found.select("UniqCareContID", REFERRAL, PERSON, "indirect", date="day")


@rule("MHS101Referral", "MHS201CareContact", ATTENDED)
def second_contacts_in_year(tables: Tables) -> ibis.Table:
    """Referrals on the day of their second direct contact within a financial year, if it has no hospital stay in it."""
    return _with_referral(first_two(tables).filter(_.turn == 1), tables)


@rule("MHS101Referral", "MHS201CareContact", ATTENDED)
def second_contacts(tables: Tables) -> ibis.Table:
    """Referrals received from April 2019 on the day of their second direct contact, with the days since receipt.

    Referrals with a hospital stay in the year of that contact are left out.
    """
    seen = first_two(tables).drop("turn")
    seen = seen.mutate(turn=ibis.row_number().over(_in_turn(REFERRAL))).filter(_.turn == 1)
    found = _with_referral(seen, tables)
    return found.filter(found.ReferralRequestReceivedDate >= ibis.date(2019, 4, 1))


@once
def first_two(tables: Tables) -> ibis.Table:
    """Return the first two direct contacts of each referral in each financial year; ``turn`` is 0 or 1.

    The second of all years is among them.
    """
    columns = ["UniqCareContID", REFERRAL, PERSON, "CareContDate"]
    seen = direct(tables).select(*columns, seen_year=year_of(_.CareContDate))
    return seen.mutate(turn=ibis.row_number().over(_in_turn(REFERRAL, "seen_year"))).filter(_.turn < 2)


def _in_turn(*group: str) -> Any:
    return ibis.window(group_by=group, order_by=["CareContDate", "UniqCareContID"])


def _with_referral(seen: ibis.Table, tables: Tables) -> ibis.Table:
    """Attach to contacts their referral and the days since its receipt; none of a referral with a stay in the year."""
    seen = without_stay(seen.select(REFERRAL, PERSON, "CareContDate", "seen_year"), tables)
    made = referrals(tables).select(REFERRAL, "ServTeamTypeMH", "teams", "ReferralRequestReceivedDate")
    seen = seen.inner_join(made, REFERRAL)
    return seen.mutate(date=_.CareContDate, days_waited=days_from(_.ReferralRequestReceivedDate, _.CareContDate))


@rule("MHS101Referral", "MHS201CareContact", ATTENDED, stands_in=(REASON,))
def psychosis_treatment(tables: Tables) -> ibis.Table:
    """Referrals to early intervention teams on the day treatment began, with the days waited since receipt.

    One of the teams of the referral is such a team. Treatment begins on the later of the first direct contact with
    such a team, on or after receipt, and the start of a care coordinator of such a team, from receipt until the
    referral is closed; both are needed. Without a table of coordinators the contact decides.
    """
    types = codelists.named("psychosis_teams")
    made = collected(referrals(tables), REASON, "ReferralRequestReceivedDate")
    theirs = reduce(or_, (made.teams.find(f"|{code.code}|") >= 0 for code in types))
    made = made.filter((made.ReferralRequestReceivedDate >= ibis.date(2016, 1, 1)) & theirs)
    seen = direct(tables).select(REFERRAL, "CareContDate", "ContactTeamTypeMH")
    asked = made.select(REFERRAL, PERSON, received="ReferralRequestReceivedDate", closed="ServDischDate")
    seen = seen.inner_join(asked, REFERRAL)
    ours = missing(seen.ContactTeamTypeMH) | in_list(seen.ContactTeamTypeMH, types)
    seen = seen.filter(ours & (seen.CareContDate >= seen.received))
    key = [REFERRAL, PERSON, "received", "closed"]
    first = seen.group_by(key).agg(stop=seen.CareContDate.min())
    if "MHS006MHCareCoord" in tables:
        given = collected(tables["MHS006MHCareCoord"], "CareProfServOrTeamTypeAssoc", "StartDateAssCareCoord")
        given = given.filter(in_list(given.CareProfServOrTeamTypeAssoc, types))
        given = given.select(PERSON, given_on="StartDateAssCareCoord")
        both = first.inner_join(given, PERSON)
        both = both.filter((both.given_on >= both.received) & (missing(both.closed) | (both.given_on <= both.closed)))
        later = (both.given_on > both.stop).ifelse(both.given_on, both.stop)
        first = both.group_by(key).agg(stop=later.min())
    found = made.inner_join(first.select(REFERRAL, "stop"), REFERRAL)
    return found.mutate(date=found.stop, days_waited=days_from(found.ReferralRequestReceivedDate, found.stop))


@rule(
    "MHS101Referral",
    "MHS201CareContact",
    ATTENDED,
    "MHS101Referral.ReferralRequestReceivedTime",
    "MHS201CareContact.CareContTime",
    stands_in=(MECHANISM,),
)
def crisis_responses(tables: Tables) -> ibis.Table:
    """Referrals that were then seen face to face in the same year, on the day of receipt, with the minutes to it.

    A time that is missing is taken as midnight, as NHS England does.
    """
    made = referrals(tables)
    seen = attended(tables)
    seen = seen.filter(in_list(seen[MECHANISM], codelists.named("face_to_face")))
    times = seen.select("CareContTime").distinct()  # each is read once
    seen = attach(seen, times.mutate(at=minutes_of(times.CareContTime)), "CareContTime").mutate(at=_.at.coalesce(0))
    seen = seen.select(REFERRAL, "CareContDate", "at").inner_join(
        made.select(REFERRAL, "ReferralRequestReceivedDate", "ReferralRequestReceivedTime"), REFERRAL
    )
    days = days_from(seen.ReferralRequestReceivedDate, seen.CareContDate)
    clock = seen.at - minutes_of(seen.ReferralRequestReceivedTime)
    seen = seen.mutate(minutes=days * 1440 + clock)
    seen = seen.filter((seen.minutes >= 0) & (year_of(seen.CareContDate) == year_of(seen.ReferralRequestReceivedDate)))
    first = seen.group_by(REFERRAL).agg(minutes=seen.minutes.min())
    return made.inner_join(first, REFERRAL).mutate(date=_.ReferralRequestReceivedDate)


# --- outcome measures -------------------------------------------------------------------------------------------------


@rule("MHS101Referral", "MHS201CareContact", ATTENDED, "MHS606CodedScoreAssessmentRefer")
def young_referrals_closed(tables: Tables) -> ibis.Table:
    """Referrals received from 2016 without a hospital stay, on the day they were closed, with contacts and scores.

    ``contacts`` are direct contacts and indirect activities up to that day; ``paired`` is 1 where one measure was
    scored on or after the first of them and again on or after the second.
    """
    closed = referrals(tables)
    closed = closed.filter(
        present(closed.ServDischDate)
        & missing(closed.ReferRejectionDate)
        & (closed.ReferralRequestReceivedDate >= ibis.date(2016, 1, 1))
    )
    if "MHS501HospProvSpell" in tables:
        stays = tables["MHS501HospProvSpell"].filter(present(_[REFERRAL])).select(REFERRAL).distinct()
        closed = closed.anti_join(stays, REFERRAL)
    seen = direct_or_indirect(tables).inner_join(closed.select(REFERRAL, "ServDischDate"), REFERRAL)
    seen = seen.filter(seen.day <= seen.ServDischDate)
    order = ibis.window(group_by=REFERRAL, order_by=["day", "indirect"])
    seen = seen.mutate(turn=ibis.row_number().over(order))
    number = seen.group_by(REFERRAL).agg(
        contacts=seen.count(),
        first_seen=seen.day.min(),
        second_seen=(seen.turn == 1).ifelse(seen.day, None).max(),
    )
    found = attach(closed, number, REFERRAL)
    score = tables["MHS606CodedScoreAssessmentRefer"].select(REFERRAL, "AssToolCompDate", "CodedAssToolType")
    score = score.inner_join(found.select(REFERRAL, "ServDischDate", "first_seen", "second_seen"), REFERRAL)
    score = score.filter((score.AssToolCompDate >= score.first_seen) & (score.AssToolCompDate <= score.ServDischDate))
    tool = score.group_by([REFERRAL, "CodedAssToolType", "second_seen"]).agg(
        scores=score.count(), last=score.AssToolCompDate.max()
    )
    pairs = tool.group_by(REFERRAL).agg(pair=yes((tool.scores >= 2) & (tool["last"] >= tool.second_seen)).max())
    found = attach(found, pairs, REFERRAL)
    return found.mutate(
        date=found.ServDischDate, contacts=ibis.coalesce(found.contacts, 0), paired=ibis.coalesce(found.pair, 0)
    )


@rule("MHS101Referral", "MHS201CareContact", ATTENDED, "MHS606CodedScoreAssessmentRefer")
def referrals_due_outcome(tables: Tables) -> ibis.Table:
    """Referrals, on the day they were closed or had been open for 180 days, whichever came first.

    A day cannot be added portably, so an open referral is dated by its first contact at least 180 days after receipt.
    """
    taken = tables["MHS101Referral"].filter(missing(_.ReferRejectionDate))
    late = (
        attended(tables)
        .select(REFERRAL, "CareContDate")
        .inner_join(taken.select(REFERRAL, "ReferralRequestReceivedDate"), REFERRAL)
    )
    late = late.filter(days_from(_.ReferralRequestReceivedDate, _.CareContDate) >= 180)
    late = late.group_by(REFERRAL).agg(seen_late=_.CareContDate.min())
    found = attach(taken, late, REFERRAL)
    first = (present(found.seen_late)).ifelse(found.seen_late, found.ServDischDate)
    found = found.mutate(date=first).filter(present(_.date))
    return _with_outcome(found.mutate(days_open=days_from(found.ReferralRequestReceivedDate, found.date)), tables)


def _with_outcome(referrals: ibis.Table, tables: Tables) -> ibis.Table:
    """Attach ``attended`` (contacts) and ``paired`` (1: one measure scored on two days, 0: not) up to ``date``."""
    upto = referrals.select(REFERRAL, upto="date")
    seen = attended(tables).select(REFERRAL, "CareContDate").inner_join(upto, REFERRAL)
    seen = seen.filter(_.CareContDate <= _.upto).group_by(REFERRAL).agg(attended=_.count())
    score = tables["MHS606CodedScoreAssessmentRefer"].select(REFERRAL, "AssToolCompDate", "CodedAssToolType")
    score = score.inner_join(upto, REFERRAL).filter(_.AssToolCompDate <= _.upto)
    score = score.group_by([REFERRAL, "CodedAssToolType"]).agg(
        first=_.AssToolCompDate.min(), last=_.AssToolCompDate.max()
    )
    pairs = score.group_by(REFERRAL).agg(paired=yes(_.last > _.first).max())
    joined = attach(attach(referrals, seen, REFERRAL), pairs, REFERRAL)
    return joined.mutate(attended=ibis.coalesce(joined.attended, 0), paired=ibis.coalesce(joined.paired, 0))


@rule("MHS101Referral", "MHS606CodedScoreAssessmentRefer")
def reqol_changes(tables: Tables) -> ibis.Table:
    """Referrals closed with ReQoL-10 scored on two days, on the day of closing, with the ``change`` of the score."""
    closed = tables["MHS101Referral"].filter(present(_.ServDischDate))
    score = tables["MHS606CodedScoreAssessmentRefer"]
    score = score.filter(in_list(score.CodedAssToolType, codelists.named("reqol_10")))
    score = score.select(REFERRAL, "AssToolCompDate", "PersScore", "UniqScoreID")
    score = score.inner_join(closed.select(REFERRAL, "ServDischDate"), REFERRAL)
    score = score.filter(score.AssToolCompDate <= score.ServDischDate)
    rising = ibis.window(group_by=REFERRAL, order_by=["AssToolCompDate", "UniqScoreID"])
    falling = ibis.window(group_by=REFERRAL, order_by=[score.AssToolCompDate.desc(), score.UniqScoreID.desc()])
    score = score.mutate(up=ibis.row_number().over(rising), down=ibis.row_number().over(falling))
    ends = score.group_by(REFERRAL).agg(
        first_day=score.AssToolCompDate.min(),
        last_day=score.AssToolCompDate.max(),
        before=(score.up == 0).ifelse(score.PersScore, None).max(),
        after=(score.down == 0).ifelse(score.PersScore, None).max(),
    )
    found = closed.inner_join(ends.filter(ends.last_day > ends.first_day), REFERRAL)
    return found.mutate(date=found.ServDischDate, change=found.after - found.before)


# --- talking therapies and experience ---------------------------------------------------------------------------------


@rule("IDS101Referral", "IDS101Referral.TherapySession_FirstDate", stands_in=(USED,))
def therapy_starts(tables: Tables) -> ibis.Table:
    """Talking Therapies referrals, on the day of their first session."""
    begun = collected(tables["IDS101Referral"], USED, "TherapySession_FirstDate")
    begun = begun.filter(present(_.TherapySession_FirstDate))
    return begun.mutate(date=_.TherapySession_FirstDate)


@rule("IDS101Referral", "IDS101Referral.ServDischDate", "IDS101Referral.CompletedTreatment_Flag", stands_in=(USED,))
def therapy_courses(tables: Tables) -> ibis.Table:
    """Courses of Talking Therapies that were finished, on the day the referral was closed, with the first ``wait``."""
    ended = collected(tables["IDS101Referral"], USED, "ServDischDate")
    ended = ended.filter(present(_.ServDischDate) & (_.CompletedTreatment_Flag == "Y"))
    return ended.mutate(date=_.ServDischDate, wait=days_from(_.ReferralRequestReceivedDate, _.TherapySession_FirstDate))


@rule("Experience", every_row=True)
def responses(tables: Tables) -> ibis.Table:
    """Answers to a local question on experience, on their day."""
    return tables["Experience"].mutate(date=_.ResponseDate)


@rule("Invitation", every_row=True)
def invitations(tables: Tables) -> ibis.Table:
    """Invitations to say how care was, on their day."""
    return tables["Invitation"].mutate(date=_.InvitedDate)


@rule("Complaint", every_row=True)
def complaints_received(tables: Tables) -> ibis.Table:
    """Complaints and concerns raised with PALS, on the day they were received."""
    return tables["Complaint"].mutate(date=_.ReceivedDate)


@rule("Carer", every_row=True)
def carer_records(tables: Tables) -> ibis.Table:
    """Records of who cares for a person, on their day."""
    return tables["Carer"].mutate(date=_.RecordedDate)


@rule("OutOfAreaPlacement", every_row=True)
def placements_elsewhere(tables: Tables) -> ibis.Table:
    """Placements with another provider, on their first day."""
    return tables["OutOfAreaPlacement"].mutate(date=_.StartDate)
