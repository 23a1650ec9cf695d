"""What counts as a contact, and with which teams a referral is: shared by the counting rules.

NHS England counts a contact as direct if it was attended and made face to face, by telephone, by video or by talk type:
an e-mail or a text is none. Work for a person without the person (MHS204) counts only where a measure says so.
"""

from __future__ import annotations

import ibis
from ibis import _

from pcref_analysis.counting.row_conditions import Tables, collected, in_list, once, present, year_of
from pcref_analysis.extract.sources.portable import stack
from pcref_analysis.vocabulary import codelists

PERSON, SPELL, REFERRAL = "Person_ID", "UniqHospProvSpellID", "UniqServReqID"
ATTENDED = "MHS201CareContact.AttendStatus"  # a rule that asks who was seen needs it filled


_OF_CONTACTS = (
    "UniqCareContID",
    REFERRAL,
    PERSON,
    "CareContDate",
    "CareContTime",
    "ConsMechanismMH",
    "ContactTeamTypeMH",
)


def attach(table: ibis.Table, other: ibis.Table, key: str) -> ibis.Table:
    """Attach columns of another table, of which every key has one row; every row of the first stays once."""
    more = [name for name in other.columns if name != key]
    return table.left_join(other, key).select(*table.columns, *more)


def attended(tables: Tables) -> ibis.Table:
    """Return attended contacts; a mechanism that nobody filled in the whole year is written as not collected."""
    found = collected(tables["MHS201CareContact"], "ConsMechanismMH", "CareContDate")
    return found.filter(in_list(found.AttendStatus, codelists.named("attended"))).select(*_OF_CONTACTS)


def direct(tables: Tables) -> ibis.Table:
    """Return direct attended contacts."""
    found = attended(tables)
    return found.filter(in_list(found.ConsMechanismMH, codelists.named("direct_mechanisms"), found.CareContDate))


@once
def direct_or_indirect(tables: Tables) -> ibis.Table:
    """Return ``UniqCareContID, UniqServReqID, Person_ID, day, indirect`` (1 or 0) of direct contacts and indirect work.

    Of indirect activities one a referral, day and time counts, as published.
    """
    found = direct(tables).select("UniqCareContID", REFERRAL, PERSON, day="CareContDate", indirect=ibis.literal(0))
    if "MHS204IndirectActivity" not in tables:
        return found
    work = tables["MHS204IndirectActivity"]
    work = work.select(REFERRAL, PERSON, "IndirectActTime", day="IndirectActDate").distinct()
    none = ibis.null("string")
    return ibis.union(
        found, work.select(REFERRAL, PERSON, "day", UniqCareContID=none, indirect=ibis.literal(1))[found.columns]
    )


def teams(tables: Tables) -> ibis.Table:
    """Return ``UniqServReqID, teams``: the types of all teams of a referral, written |A06|A14|.

    The type is the one that the row names, or else that of its team in MHS902.
    """
    named = [tables[name].select(REFERRAL, "ServTeamTypeMH", "TeamID") for name in _NAMING if name in tables]
    found = stack(named)
    if "MHS902ServiceTeamDetails" in tables:
        types = tables["MHS902ServiceTeamDetails"].select("TeamID", of_team="ServTeamTypeMH")
        found = attach(found, types, "TeamID")
        found = found.mutate(ServTeamTypeMH=ibis.coalesce(found.ServTeamTypeMH, found.of_team))
    found = found.filter(present(_.ServTeamTypeMH)).select(REFERRAL, "ServTeamTypeMH").distinct()
    bar = ibis.literal("|")
    joined = found.group_by(REFERRAL).agg(names=found.ServTeamTypeMH.group_concat(sep="|"))
    return joined.select(REFERRAL, teams=bar + joined.names + bar)


_NAMING = ("MHS101Referral", "MHS102OtherServiceType")


@once
def referrals(tables: Tables) -> ibis.Table:
    """Return referrals with their ``teams``."""
    return attach(tables["MHS101Referral"], teams(tables), REFERRAL)


def without_stay(found: ibis.Table, tables: Tables) -> ibis.Table:
    """Return rows of referrals that have no hospital spell in the financial year ``seen_year``.

    Spells without a referral cannot be told apart, and leave every row.
    """
    if "MHS501HospProvSpell" not in tables:
        return found
    stays = _stay_years(tables)
    hit = found.select(REFERRAL, "seen_year").distinct().inner_join(stays, REFERRAL)
    hit = hit.filter((hit.first_year <= hit.seen_year) & (hit.last_year >= hit.seen_year))
    hit = hit.select(REFERRAL, "seen_year").distinct()
    return found.anti_join(hit, [REFERRAL, "seen_year"])


def _stay_years(tables: Tables) -> ibis.Table:
    stays = tables["MHS501HospProvSpell"].filter(present(_[REFERRAL]))
    last = ibis.coalesce(year_of(stays.DischDateHospProvSpell), 9999)
    return stays.select(REFERRAL, first_year=year_of(stays.StartDateHospProvSpell), last_year=last)
