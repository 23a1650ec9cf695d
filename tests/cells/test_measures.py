"""Every NHS measure that an indicator computes, on literal rows: one ethnic group is one condition of the definition.

The conditions are those of the publication code (docs/indicators.md). Each person is of another ethnic group, so that
what is counted can be told condition by condition from the cells alone. Period 2023-24.
"""

import re
import runpy
from pathlib import Path

import ibis
import pandas as pd
import pytest

from pcref_analysis.analysis import levels_and_gaps
from pcref_analysis.counting import aggregate, cells, row_conditions
from pcref_analysis.counting.row_conditions import RULES
from pcref_analysis.display import formats
from pcref_analysis.extract.schema import POPULATION_TABLES, declared
from pcref_analysis.report.pages import render
from pcref_analysis.vocabulary import codelists, ethnicity
from pcref_analysis.vocabulary.indicators import by_part, catalogue, measures

OTHERS = runpy.run_path(str(Path(__file__).with_name("test_indicators.py")))
act, contact, force = OTHERS["act"], OTHERS["contact"], OTHERS["force"]
referral, spell, stay, therapy = OTHERS["referral"], OTHERS["spell"], OTHERS["stay"], OTHERS["therapy"]
CODES = [code for code in ethnicity.categories()["code"] if code not in ("Z", "99")]
SEEN = "2023-05-03"


def table(name, *lines):
    return {name: list(lines)}


def merge(*parts):
    out = {}
    for part in parts:
        for name, lines in part.items():
            out.setdefault(name, []).extend(lines)
    return out


def person(p, **changes):
    return table("MHS001MPI", {"Person_ID": p} | changes)


def ref(p, day="2023-04-10", closed=None, team="A06", **more):
    return table("MHS101Referral", referral(p, day, closed, team) | more)


def seen(p, *days, how="01", status="5", **more):
    lines = [contact(p, d, status) | {"UniqCareContID": f"C{p}{d}{how}{status}", "ConsMechanismMH": how} for d in days]
    return table("MHS201CareContact", *(line | more for line in lines))


def indirect(p, day):
    line = {"UniqIndirectActID": f"X{p}{day}", "UniqServReqID": f"R{p}", "Person_ID": p, "IndirectActDate": day}
    return table("MHS204IndirectActivity", line)


def stays(p, start, end, *beds, to="19", source="19", died="1", **more):
    """A spell with one ward stay after the other: (bed, until) pairs, the last until the end."""
    line = spell(p, start, end, to) | {"SourceAdmMHHospProvSpell": source}
    line |= {"MethOfDischMHHospProvSpell": died if end else None} | more
    wards, since = [], start
    for number, (bed, until) in enumerate(beds):
        wards.append(stay(p, since, until, bed, of=start) | {"UniqWardStayID": f"W{p}{start}{number}"})
        since = until
    return merge(table("MHS501HospProvSpell", line), table("MHS502WardStay", *wards))


def left(p, bed="200", end="2023-06-10", start="2023-05-01", **more):
    return stays(p, start, end, (bed, end), **more)


def held(p, *periods):
    return table("MHS401MHActPeriod", *(act(p, *period) for period in periods))


def used(p, kind, start="2023-05-02", end="2023-05-02", number=1, **more):
    return table(
        "MHS515RestrictiveInterventType", force(p, start, kind, number) | {"EndDateRestrictiveIntType": end} | more
    )


def order(p, start, end=None, reason=None, of=None, recalled=False):
    name = of or f"O{p}{start}"
    line = {"UniqMHActEpisodeID": name, "Person_ID": p, "StartDateCommTreatOrd": start}
    found = table("MHS404CommTreatOrder", line | {"EndDateCommTreatOrd": end, "CommTreatOrdEndReason": reason})
    recall = {"RecallID": f"L{p}", "UniqMHActEpisodeID": name, "Person_ID": p}
    return merge(
        found, table("MHS405CommTreatOrderRecall", *([recall | {"StartDateCommTreatOrdRecall": end}] * recalled))
    )


def child(p, born="2010-01-01"):
    return person(p, PersonBirthDate=born)


def course(p, well="N", recovered="Y", improved="Y", worse="N", closed="2023-06-01", done="Y", use="Y"):
    line = therapy(p, "2023-01-01", "2023-02-01", closed, done, well, recovered, improved)
    return table("IDS101Referral", line | {"ReliableDeterioration_Flag": worse, "UsePathway_Flag": use})


def coordinator(p, start, end=None, team="A14"):
    line = {"CareCoordID": f"Q{p}", "Person_ID": p, "StartDateAssCareCoord": start, "EndDateAssCareCoord": end}
    return table("MHS006MHCareCoord", line | {"CareProfServOrTeamTypeAssoc": team})


def delay(p, *periods, of=""):
    lines = [
        {
            "UniqClinReadyforDischID": f"Z{p}{n}",
            "UniqHospProvSpellID": f"S{p}{of}",
            "Person_ID": p,
            "StartDateClinReadyforDisch": start,
            "EndDateClinReadyforDisch": end,
        }
        for n, (start, end) in enumerate(periods)
    ]
    return table("MHS518ClinReadyforDischarge", *lines)


def pair(days, how=("01", "01"), **more):
    return lambda p: merge(ref(p, **more), *(seen(p, day, how=h) for day, h in zip(days, how, strict=True)))


def psychosis(start, first, coordinated, reason="01", team="A14", of="A14", **more):
    return lambda p: merge(
        ref(p, start, team=team, PrimReasonReferralMH=reason),
        seen(p, *([first] if first else []), **more),
        *([coordinator(p, coordinated, team=of)] if coordinated else []),
    )


def crisis(day, at, contact_day, contact_at, priority="4", team="A02", how="01"):
    return lambda p: merge(
        ref(p, day, team=team, ReferralRequestReceivedTime=at, ClinRespPriorityType=priority),
        seen(p, contact_day, how=how, CareContTime=contact_at),
    )


def planned(*statuses):
    return lambda p: merge(
        ref(p),
        *(
            table("MHS201CareContact", contact(p, SEEN, status) | {"UniqCareContID": f"C{p}{status}"})
            for status in statuses
        ),
    )


YOUNG = {
    "a direct contact": (1, lambda p: merge(child(p), ref(p), seen(p, SEEN))),
    "indirect activity": (1, lambda p: merge(child(p), ref(p), indirect(p, SEEN))),
    "an e-mail": (0, lambda p: merge(child(p), ref(p), seen(p, SEEN, how="05"))),
    "no mechanism": (0, lambda p: merge(child(p), ref(p), seen(p, SEEN, how=None))),
    "not attended": (0, lambda p: merge(child(p), ref(p), seen(p, SEEN, status="3"))),
    "18 at the contact": (0, lambda p: merge(child(p, "2005-05-03"), ref(p), seen(p, SEEN))),
    "18 the day after it": (1, lambda p: merge(child(p, "2005-05-04"), ref(p), seen(p, SEEN))),
    "18 in the month of the activity": (0, lambda p: merge(child(p, "2005-05-31"), ref(p), indirect(p, SEEN))),
    "no birth date": (0, lambda p: merge(child(p, None), ref(p), seen(p, SEEN))),
    "before the period": (0, lambda p: merge(child(p), ref(p, "2023-01-01"), seen(p, "2023-03-31"))),
    "the last day": (1, lambda p: merge(child(p), ref(p), seen(p, "2024-03-31"))),
}
COMMUNITY = {
    "two on one referral": (1, pair((SEEN, "2023-05-10"))),
    "one by text": (0, pair((SEEN, "2023-05-10"), ("01", "09"))),
    "another team": (0, pair((SEEN, "2023-05-10"), team="A18")),
    "a team of this list from April 2023": (1, pair((SEEN, "2023-05-10"), team="D05")),
    "another team that is one": (
        1,
        lambda p: merge(
            pair((SEEN, "2023-05-10"), team="A18")(p),
            table(
                "MHS102OtherServiceType",
                {"OtherServiceID": p, "UniqServReqID": f"R{p}", "Person_ID": p, "ServTeamTypeMH": "A06"},
            ),
        ),
    ),
    "17 at the referral": (0, lambda p: merge(person(p, PersonBirthDate="2005-04-11"), pair((SEEN, "2023-05-10"))(p))),
    "18 at the referral": (1, lambda p: merge(person(p, PersonBirthDate="2005-04-10"), pair((SEEN, "2023-05-10"))(p))),
    "one in the period": (0, pair(("2023-03-30", SEEN), day="2023-01-01")),
    "a stay on the referral": (
        0,
        lambda p: merge(pair((SEEN, "2023-05-10"))(p), left(p, UniqServReqID=f"R{p}")),
    ),
    "a stay on another": (1, lambda p: merge(pair((SEEN, "2023-05-10"))(p), left(p, UniqServReqID="other"))),
}
WAITS = {name: (n, n, n and 30) if name != "one in the period" else (1, 1, 122) for name, (n, _f) in COMMUNITY.items()}
WAITS = {name: (*WAITS[name], rows) for name, (_n, rows) in COMMUNITY.items()}
PSYCHOSIS = {
    "both within 14 days": (1, 1, psychosis("2023-05-01", "2023-05-15", "2023-05-10")),
    "coordinator on day 15": (0, 1, psychosis("2023-05-01", "2023-05-10", "2023-05-16")),
    "coordinator of another team": (0, 0, psychosis("2023-05-01", "2023-05-10", "2023-05-10", of="A06")),
    "no coordinator": (0, 0, psychosis("2023-05-01", "2023-05-10", None)),
    "no contact": (0, 0, psychosis("2023-05-01", None, "2023-05-10")),
    "another reason": (0, 0, psychosis("2023-05-01", "2023-05-10", "2023-05-10", reason="04")),
    "no reason": (0, 0, psychosis("2023-05-01", "2023-05-10", "2023-05-10", reason=None)),
    "another team": (0, 0, psychosis("2023-05-01", "2023-05-10", "2023-05-10", team="A06")),
    "another team, seen by one of ours": (
        0,
        0,
        psychosis("2023-05-01", "2023-05-10", "2023-05-10", team="A06", ContactTeamTypeMH="A14"),
    ),
    "a text": (0, 0, psychosis("2023-05-01", "2023-05-10", "2023-05-10", how="09")),
    "a contact of another team": (
        0,
        0,
        psychosis("2023-05-01", "2023-05-10", "2023-05-10", ContactTeamTypeMH="A06"),
    ),
    "clock stops after the period": (0, 0, psychosis("2024-03-20", "2024-04-01", "2024-03-20")),
}
UNSEEN = {
    "nothing before": (1, 1, lambda p: left(p)),
    "direct 3 days before": (0, 1, lambda p: merge(left(p), seen(p, "2023-04-28"))),
    "direct 2 days before": (1, 1, lambda p: merge(left(p), seen(p, "2023-04-29"))),
    "direct 365 days before": (0, 1, lambda p: merge(left(p), seen(p, "2022-05-01"))),
    "direct 366 days before": (1, 1, lambda p: merge(left(p), seen(p, "2022-04-30"))),
    "a text": (1, 1, lambda p: merge(left(p), seen(p, "2023-04-20", how="09"))),
    "indirect": (0, 1, lambda p: merge(left(p), indirect(p, "2023-04-20"))),
    "from hospital 49": (0, 0, lambda p: left(p, source="49")),
    "from hospital 87": (0, 0, lambda p: left(p, source="87")),
    "no source": (0, 0, lambda p: left(p, source=None)),
    "transfer by method only": (1, 1, lambda p: left(p, MethAdmMHHospProvSpell="81")),
    "first ward eating disorders": (
        0,
        0,
        lambda p: stays(p, "2023-05-01", "2023-06-10", ("203", "2023-05-05"), ("200", "2023-06-10")),
    ),
    "first ward of version 5": (1, 1, lambda p: left(p, bed="12")),
}


def outcome(at_risk, event=0, after=(), **more):
    return event, at_risk, lambda p: merge(left(p, **more), seen(p, *after))


FOLLOWED = {
    "on the third day": outcome(1, 1, ["2023-06-13"]),
    "on the day itself": outcome(1, 0, ["2023-06-10"]),
    "on the fourth day": outcome(1, 0, ["2023-06-14"]),
    "a text": (0, 1, lambda p: merge(left(p), seen(p, "2023-06-11", how="09"))),
    "back in hospital on the second day": (
        1,
        1,
        lambda p: merge(left(p), left(p, "203", "2023-06-20", "2023-06-12")),
    ),
    "no destination stays in": outcome(1, 0, to=None),
    "a general hospital stays in": outcome(1, 0, to="51"),
    "maternity stays in": outcome(1, 0, to="52"),
    "method of discharge missing": outcome(1, 0, died=None),
    "died by method": outcome(0, died="4"),
    "died three days later": (
        0,
        0,
        lambda p: merge(person(p, PersDeathDate="2023-06-13"), left(p)),
    ),
    "died four days later": (0, 1, lambda p: merge(person(p, PersDeathDate="2023-06-14"), left(p))),
    "rehabilitation": outcome(1, 1, ["2023-06-11"], bed="212"),
    "last ward decides": (
        0,
        0,
        lambda p: stays(p, "2023-05-01", "2023-06-10", ("200", "2023-05-05"), ("206", "2023-06-10")),
    ),
    "passed on to another provider": (
        0,
        0,
        lambda p: merge(
            left(p),
            table("MHS105OnwardReferral", {"OnwardReferID": p, "Person_ID": p, "OnwardReferDate": "2023-06-09"}),
        ),
    ),
    "27 March belongs to the year": outcome(1, 0, end="2024-03-27", start="2024-03-01"),
}
DESTINATIONS = {
    **{f"to {c}": outcome(0, to=c) for c in ("30", "37", "40", "42", "48", "49", "50", "53", "79", "84", "87", "89")},
    "to 38, ended in 2021": outcome(1, 0, to="38"),
    "28 March belongs to the next year": outcome(0, end="2024-03-28", start="2024-03-01"),
    "28 March of the year before": outcome(1, 1, ["2023-03-29"], end="2023-03-28", start="2023-03-01"),
}


def long_stay(bed, old, n):
    """Conditions for stays of n days in a bed; ``old`` is a birth date of an age that the measure takes."""
    end = {60: "2023-06-30", 90: "2023-07-30"}[n]
    before = {60: "2023-06-29", 90: "2023-07-29"}[n]

    def of(born=old, last=end, *beds, start="2023-05-01"):
        return lambda p: merge(person(p, PersonBirthDate=born), stays(p, start, last, *(beds or ((bed, last),))))

    return {
        "long enough": (1, 1, of()),
        "a day short": (0, 1, of(old, before)),
        "intensive care": (0, 0, of(old, end, ("202", end))),
        "moved to intensive care": (0, 0, of(old, end, (bed, "2023-05-10"), ("202", end))),
        "moved from intensive care": (1, 1, of(old, end, ("202", "2023-05-10"), (bed, end))),
        "no ward ends that day": (0, 0, of(old, end, (bed, "2023-05-10"))),
        "a child": (0, 0, of("2012-01-01")),
        "no birth date": (0, 0, of(None)),
        "twice": (1, 1, lambda p: merge(of()(p), of(old, "2023-12-31", start="2023-09-01")(p))),
    }


ADULT = long_stay("200", "1980-06-01", 60) | {
    "65 at the end of the month": (0, 0, lambda p: merge(person(p, PersonBirthDate="1958-06-30"), left(p))),
    "65 the month after": (0, 1, lambda p: merge(person(p, PersonBirthDate="1958-07-01"), left(p))),
}
INPATIENT = lambda p: left(p, start="2023-05-01", end="2023-06-10")  # noqa: E731
ACT = {
    "section 2 on admission": ("A", lambda p: merge(INPATIENT(p), held(p, ("02", "2023-05-01", "2023-05-20")))),
    "section 3 the day after 2": (
        "AB",
        lambda p: merge(INPATIENT(p), held(p, ("02", "2023-05-01", "2023-05-28"), ("03", "2023-05-29", "2023-06-10"))),
    ),
    "section 3 the same day": (
        "AL",
        lambda p: merge(INPATIENT(p), held(p, ("02", "2023-05-01", "2023-05-28"), ("03", "2023-05-28", "2023-06-10"))),
    ),
    "section 136, then 2": (
        "EC",
        lambda p: merge(INPATIENT(p), held(p, ("20", "2023-05-01", "2023-05-01"), ("02", "2023-05-01", "2023-05-20"))),
    ),
    "section 136, no hospital": ("E", lambda p: held(p, ("20", "2023-05-01", "2023-05-02"))),
    "section 135": ("E", lambda p: held(p, ("19", "2023-05-01", "2023-05-02"))),
    "section 5(2)": ("F", lambda p: merge(INPATIENT(p), held(p, ("05", "2023-05-03", "2023-05-05")))),
    "section 4 later": ("N", lambda p: merge(INPATIENT(p), held(p, ("04", "2023-05-03", "2023-05-05")))),
    "section 3 without hospital": ("N", lambda p: held(p, ("03", "2023-05-03", "2023-05-05"))),
    "hospital order": ("P", lambda p: merge(left(p, MethAdmMHHospProvSpell="12"), held(p, ("10", "2023-05-01", None)))),
    "legal status 37": (
        "N",
        lambda p: merge(left(p, MethAdmMHHospProvSpell="12"), held(p, ("37", "2023-05-01", None))),
    ),
    "revoked order": (
        "D",
        lambda p: merge(
            INPATIENT(p),
            held(p, ("03", "2023-05-02", "2023-05-20")),
            order(p, "2022-06-01", "2023-05-02", "02", of=f"M{p}032023-05-02"),
        ),
    ),
    "guardianship": ("M", lambda p: held(p, ("35", "2023-05-01", None))),
    "renewed": (
        "AG",
        lambda p: merge(INPATIENT(p), held(p, ("03", "2023-05-01", "2023-06-01"), ("03", "2023-06-01", "2023-06-10"))),
    ),
    "renewed the day after, which counts as new": (
        "AB",
        lambda p: merge(INPATIENT(p), held(p, ("03", "2023-05-01", "2023-06-01"), ("03", "2023-06-02", "2023-06-10"))),
    ),
    "before the period": (
        "",
        lambda p: merge(left(p, start="2023-03-01"), held(p, ("02", "2023-03-31", "2023-04-20"))),
    ),
}


def of_act(letters, status=None):
    """Conditions on the Act: how many periods of each history fall in these categories."""
    out = {}
    for name, (categories, rows) in ACT.items():
        events = sum(c in letters for c in categories)
        if status:
            events = sum(c in letters and s == status for c, s in zip(categories, STATUS.get(name, ""), strict=False))
        out[name] = (events, rows)
    return out


STATUS = {  # of the histories with periods in several statuses, or of sections 2, 3 and 136
    "section 2 on admission": ["02"],
    "section 3 the day after 2": ["02", "03"],
    "section 3 the same day": ["02", "03"],
    "section 136, then 2": ["20", "02"],
    "section 136, no hospital": ["20"],
    "revoked order": ["03"],
    "renewed": ["03", "03"],
    "renewed the day after, which counts as new": ["03", "03"],
}
COURSES = {
    "recovered": (1, 1, course),
    "not recovered": (0, 1, lambda p: course(p, recovered="N")),
    "recovery not recorded": (0, 1, lambda p: course(p, recovered=None)),
    "caseness not recorded": (1, 1, lambda p: course(p, well=None)),
    "not at caseness": (0, 0, lambda p: course(p, well="Y")),
    "not finished": (0, 0, lambda p: course(p, done="N")),
    "closed before the period": (0, 0, lambda p: course(p, closed="2023-03-31")),
    "a pathway not to use": (0, 0, lambda p: course(p, use="N")),
    "no flag of the pathway, which others have": (0, 0, lambda p: course(p, use=None)),
}
FORCED = {
    "one": (1, lambda p: merge(INPATIENT(p), used(p, "05"))),
    "two of a person": (1, lambda p: merge(INPATIENT(p), used(p, "05"), used(p, "05", number=2))),
    "another type": (0, lambda p: merge(INPATIENT(p), used(p, "08"))),
    "ended in the period": (
        1,
        lambda p: merge(left(p, start="2023-03-01"), used(p, "05", "2023-03-30", "2023-04-01")),
    ),
    "ended before": (0, lambda p: merge(left(p, start="2023-03-01"), used(p, "05", "2023-03-30", "2023-03-31"))),
    "never ended": (1, lambda p: merge(left(p, start="2023-03-01"), used(p, "05", "2023-03-30", None))),
    "never ended, left before": (
        0,
        lambda p: merge(left(p, start="2023-03-01", end="2023-03-31"), used(p, "05", "2023-03-30", None)),
    ),
    "not in hospital": (0, lambda p: used(p, "05")),
}


def lasting(kind, other):
    """Return the cases of an intervention's length: all four dates and times, an end in the period, more than none."""
    return {
        name: (
            n,
            n,
            hours,
            lambda p, s=start, e=end, a=at, b=to, k=kind: merge(
                INPATIENT(p), used(p, k, s, e, StartTimeRestrictiveIntType=a, EndTimeRestrictiveIntType=b)
            ),
        )
        for name, n, hours, kind, start, end, at, to in [
            ("26 hours", 1, 26, kind, "2023-05-02", "2023-05-03", "10:00", "12:00"),
            ("no time", 0, 0, kind, "2023-05-02", "2023-05-03", None, "12:00"),
            ("not positive", 0, 0, kind, "2023-05-02", "2023-05-02", "12:00", "12:00"),
            ("another type", 0, 0, other, "2023-05-02", "2023-05-03", "10:00", "12:00"),
            ("ended after the period", 0, 0, kind, "2024-03-31", "2024-04-01", "10:00", "12:00"),
        ]
    }


def forced(kind, everything=False):
    """Conditions of MHS76 for one type, or for all; people in hospital in the period are at risk."""
    out = {}
    for name, (events, rows) in FORCED.items():
        at_risk = 0 if name in ("not in hospital", "never ended, left before") else 1
        change = lambda p, rows=rows: {  # noqa: E731
            n: [x | {"RestrictiveIntType": kind} if x.get("RestrictiveIntType") == "05" else x for x in lines]
            for n, lines in rows(p).items()
        }
        out[name] = (1 if everything and name == "another type" else events, at_risk, change)
    return out


MEASURES = {
    "people_in_contact": {
        "open all year": (1, lambda p: ref(p, "2020-01-01")),
        "rejected": (1, lambda p: ref(p, ReferRejectionDate="2023-04-12")),
        "closed on the first day": (1, lambda p: ref(p, "2020-01-01", "2023-04-01")),
        "closed before": (0, lambda p: ref(p, "2020-01-01", "2023-03-31")),
        "received after": (0, lambda p: ref(p, "2024-04-01")),
        "two referrals": (1, lambda p: merge(ref(p), table("MHS101Referral", referral(p, "2023-05-01", name=f"b{p}")))),
    },
    "new_referrals": {
        "received": (1, ref),
        "rejected": (1, lambda p: ref(p, ReferRejectionDate="2023-04-12")),
        "no team": (1, lambda p: ref(p, team=None)),
        "the last day": (1, lambda p: ref(p, "2024-03-31")),
        "before": (0, lambda p: ref(p, "2023-03-31")),
    },
    "hospital_admissions": {
        "any bed": (1, lambda p: left(p, bed="206")),
        "no bed": (1, lambda p: stays(p, "2023-05-01", None)),
        "a transfer": (1, lambda p: left(p, source="53")),
        "before": (0, lambda p: left(p, start="2023-03-31")),
    },
    "cyp_access": YOUNG,
    "adult_community_access": COMMUNITY,
    "eip_two_weeks": PSYCHOSIS,
    "admission_without_contact": UNSEEN,
    "non_attendance": {
        "cancelled by the person": (1, 1, planned("2")),
        "did not attend": (1, 1, planned("3")),
        "too late": (1, 1, planned("7")),
        "cancelled by the provider": (0, 1, planned("4")),
        "not recorded": (0, 1, planned(None)),
        "attended": (0, 2, planned("5", "6")),
    },
    "cancelled_by_provider": {
        "cancelled by the provider": (1, 1, planned("4")),
        "not recorded": (0, 1, planned(None)),
        "others": (0, 5, planned("2", "3", "5", "6", "7")),
    },
    "crisis_very_urgent_4_hours": {
        "240 minutes": (1, 1, crisis("2023-05-01", "22:00", "2023-05-02", "02:00")),
        "241 minutes": (0, 1, crisis("2023-05-01", "22:00", "2023-05-02", "02:01")),
        "before the referral": (0, 0, crisis("2023-05-01", "22:00", "2023-05-01", "21:59")),
        "by telephone": (0, 0, crisis("2023-05-01", "22:00", "2023-05-01", "22:30", how="02")),
        "urgent only": (0, 0, crisis("2023-05-01", "22:00", "2023-05-01", "22:30", "2")),
        "another team": (0, 0, crisis("2023-05-01", "22:00", "2023-05-01", "22:30", team="A06")),
        "no time of the contact": (1, 1, crisis("2023-05-01", "22:00", "2023-05-02", None)),
    },
    "crisis_urgent_24_hours": {
        "1,440 minutes": (1, 1, crisis("2023-05-01", "22:00", "2023-05-02", "22:00", "2")),
        "1,441 minutes": (0, 1, crisis("2023-05-01", "22:00", "2023-05-02", "22:01", "2", "A19")),
        "very urgent": (0, 0, crisis("2023-05-01", "22:00", "2023-05-02", "21:00", "4", "A18")),
    },
    "section_136": of_act("E", "20"),
    "short_term_orders": of_act("EF"),
    "detentions_as_published": of_act("ABCDP"),
    "section_2_uses": of_act("ABCL", "02"),
    "section_3_uses": of_act("ABCL", "03"),
    "section_length": {
        "each by itself": (2, 2, 27 + 12, ACT["section 3 the day after 2"][1]),
        "still lasting": (0, 0, 0, ACT["hospital order"][1]),
        "holding order": (0, 0, 0, ACT["section 5(2)"][1]),
        "expired": (
            1,
            1,
            28,
            lambda p: merge(
                INPATIENT(p),
                table(
                    "MHS401MHActPeriod",
                    act(p, "02", "2023-05-01") | {"ExpiryDateMHActLegalStatusClass": "2023-05-29"},
                ),
            ),
        ),
        "moved in while detained: from admission": (
            1,
            1,
            40,
            lambda p: merge(left(p, MethAdmMHHospProvSpell="81"), held(p, ("03", "2023-02-01", "2023-06-10"))),
        ),
    },
    "cto_starts": {
        "started": (1, lambda p: order(p, "2023-04-01")),
        "ended by expiry": (1, lambda p: order(p, "2023-04-01", "2023-10-01", "01")),
        "sent twice": (1, lambda p: merge(order(p, "2023-05-01"), order(p, "2023-05-01", of=f"again{p}"))),
        "before": (0, lambda p: order(p, "2023-03-31")),
    },
    "cto_revoked": {
        "revoked": (1, 1, lambda p: order(p, "2023-05-01", "2023-08-01", "02")),
        "revoked after the period": (1, 1, lambda p: order(p, "2023-05-01", "2024-08-01", "02")),
        "discharged": (0, 1, lambda p: order(p, "2023-05-01", "2023-08-01", "01")),
        "open": (0, 1, lambda p: order(p, "2023-05-01")),
        "sent while open, and again when revoked": (
            1,
            1,
            lambda p: merge(order(p, "2023-05-01", of=f"a{p}"), order(p, "2023-05-01", "2023-08-01", "02", of=f"b{p}")),
        ),
        "began before": (0, 0, lambda p: order(p, "2023-03-01", "2023-08-01", "02")),
    },
    "cto_recalled": {
        "recalled": (1, 1, lambda p: order(p, "2023-05-01", "2023-08-01", "02", recalled=True)),
        "not": (0, 1, lambda p: order(p, "2023-05-01", "2023-08-01", "01")),
        "began before": (0, 0, lambda p: order(p, "2023-03-01", "2023-08-01", "02", recalled=True)),
    },
    "restrictive_interventions": {
        "two types of one incident, 40 nights": (
            2,
            40,
            lambda p: merge(INPATIENT(p), used(p, "05"), used(p, "14")),
        ),
        "began before, ended in the period; 9 nights": (
            1,
            9,
            lambda p: merge(left(p, start="2023-03-01", end="2023-04-10"), used(p, "05", "2023-03-30", "2023-04-01")),
        ),
    },
    "people_restrained": forced("05", everything=True),
    "prone_restraint": forced("01"),
    "seclusion": forced("05"),
    "segregation": forced("06"),
    "rapid_tranquillisation": forced("14"),
    "seclusion_length": lasting("05", "06"),
    "segregation_length": lasting("06", "05"),
    "talking_therapies_recovery": COURSES,
    "talking_therapies_reliable_recovery": {
        "both": (1, 1, course),
        "recovered only": (0, 1, lambda p: course(p, improved="N")),
        "improvement not recorded": (0, 1, lambda p: course(p, improved=None)),
    },
    "talking_therapies_improvement": {
        "improved": (1, 1, course),
        "not at caseness counts": (1, 1, lambda p: course(p, well="Y")),
        "not recorded": (0, 1, lambda p: course(p, improved=None)),
        "not finished": (0, 0, lambda p: course(p, done="N")),
    },
    "talking_therapies_deterioration": {
        "worse": (1, 1, lambda p: course(p, worse="Y")),
        "not at caseness counts": (1, 1, lambda p: course(p, worse="Y", well="Y")),
        "not recorded": (0, 1, lambda p: course(p, worse=None)),
    },
    "follow_up_72_hours": FOLLOWED,
    "long_stay_60_days": ADULT,
    "long_stay_90_days": long_stay("200", "1980-06-01", 90),
    "long_stay_older_60_days": long_stay("201", "1950-06-01", 60),
    "long_stay_older_90_days": long_stay("11", "1950-06-01", 90),
    "delayed_discharge_days": {
        "the first day does not count": (4, 40, lambda p: merge(INPATIENT(p), delay(p, ("2023-06-05", "2023-06-10")))),
        "none on one day": (0, 40, lambda p: merge(INPATIENT(p), delay(p, ("2023-06-05", "2023-06-05")))),
        "what follows within a day counts from its start": (
            3 + 2,
            40,
            lambda p: merge(INPATIENT(p), delay(p, ("2023-06-01", "2023-06-05"), ("2023-06-06", "2023-06-08"))),
        ),
        "began before the period": (
            4,
            9,
            lambda p: merge(left(p, start="2023-03-01", end="2023-04-10"), delay(p, ("2023-03-20", "2023-04-05"))),
        ),
        "still waiting": (
            2,
            12,
            lambda p: merge(stays(p, "2024-03-20", None, ("200", None)), delay(p, ("2024-03-29", None))),
        ),
    },
    "length_of_stay": {
        "acute": (1, 1, 40, lambda p: left(p)),
        "intensive care": (1, 1, 40, lambda p: left(p, bed="202")),
        "rehabilitation": (0, 0, 0, lambda p: left(p, bed="212")),
        "no ward ends that day": (0, 0, 0, lambda p: stays(p, "2023-05-01", "2023-06-10", ("200", "2023-05-10"))),
        "17 at the end of the month": (
            0,
            0,
            0,
            lambda p: merge(person(p, PersonBirthDate="2005-07-01"), left(p)),
        ),
        "18 at the end of the month": (
            1,
            1,
            40,
            lambda p: merge(person(p, PersonBirthDate="2005-06-30"), left(p)),
        ),
    },
}


def local(name, p, **fields):
    return table(name, {"Person_ID": p} | fields)


def complaint(kind, upheld, day="2023-05-01"):
    return lambda p: merge(
        ref(p), local("Complaint", p, ComplaintID=f"B{p}", ReceivedDate=day, Kind=kind, Upheld=upheld)
    )


def carer(has, offered):
    return lambda p: local(
        "Carer", p, CarerRecordID=f"F{p}", RecordedDate="2023-05-01", HasCarer=has, AssessmentOffered=offered
    )


def interpreted(code, language="pl", status="5"):
    return lambda p: merge(
        person(p, LanguageCodePreferred=language), ref(p), seen(p, SEEN, status=status, InterpreterPresentInd=code)
    )


def reqol(*scores, tool="REQOL10"):
    return lambda p: merge(
        ref(p, closed="2023-09-01"),
        *(
            local(
                "MHS606CodedScoreAssessmentRefer",
                p,
                UniqScoreID=f"G{p}{day}",
                UniqServReqID=f"R{p}",
                AssToolCompDate=day,
                CodedAssToolType=tool,
                PersScore=float(score),
            )
            for day, score in scores
        ),
    )


def away(why, day="2023-05-01"):
    return lambda p: local("OutOfAreaPlacement", p, PlacementID=f"H{p}", StartDate=day, Inappropriate=why)


def dead(day, **more):
    return lambda p: merge(person(p, PersDeathDate=day), left(p, **more))


def sent(reason):
    return lambda p: ref(p, ReasonOAT=reason)


OWN = {
    "wait_second_contact": WAITS | {"seen before receipt": (0, 0, 0, pair(("2023-04-02", "2023-04-03")))},
    "employment_support": {
        "seen": (1, pair((SEEN,), ("01",), team="D05")),
        "another team": (0, pair((SEEN,), ("01",))),
        "not attended": (0, lambda p: merge(ref(p, team="D05"), seen(p, SEEN, status="3"))),
        "a text": (0, pair((SEEN,), ("09",), team="D05")),
        "twice": (1, pair((SEEN, "2023-05-10"), team="D05")),
        "before": (0, pair(("2023-03-31",), ("01",), day="2023-03-01", team="D05")),
    },
    "out_of_area_received": {
        "for want of a bed": (1, 1, sent("10")),
        "another reason": (0, 1, sent("11")),
        "no reason": (0, 1, sent(None)),
    },
    "concerns_upheld": {
        "upheld": (1, 1, complaint("PALS", "Y")),
        "in part": (1, 1, complaint("PALS", "P")),
        "not": (0, 1, complaint("PALS", "N")),
        "open": (0, 0, complaint("PALS", None)),
        "a complaint": (0, 0, complaint("COMPLAINT", "Y")),
    },
    "referrals_rejected": {
        "rejected": (1, 1, lambda p: ref(p, ReferRejectionDate="2023-04-12")),
        "taken": (0, 1, ref),
    },
    "non_attendance_offered": {
        "missed": (3, 3, planned("2", "3", "7")),
        "attended": (0, 2, planned("5", "6")),
        "cancelled by us or not recorded": (0, 0, planned("4", None)),
    },
    "out_of_area_placements": {
        "for want of a bed": (1, away("Y")),
        "for special care": (0, away("N")),
        "before": (0, away("Y", "2023-03-31")),
    },
    "cto_length": {
        "ended": (1, 1, 92, lambda p: order(p, "2023-05-01", "2023-08-01", "01")),
        "open": (0, 0, 0, lambda p: order(p, "2023-05-01")),
    },
    "restraint_length": {
        name: (
            n,
            n,
            minutes,
            lambda p, k=kind: merge(
                INPATIENT(p), used(p, k, StartTimeRestrictiveIntType="10:00", EndTimeRestrictiveIntType="10:12")
            ),
        )
        for name, n, minutes, kind in [("held", 1, 12, "08"), ("secluded", 0, 0, "05")]
    },
    "restraint_injury": {
        name: (e, n, lambda p, v=value: merge(INPATIENT(p), used(p, "08", RestraintInjuryPatient=v)))
        for name, e, n, value in [("injured", 1, 1, "Y"), ("not", 0, 1, "N"), ("not recorded", 0, 0, None)]
    },
    "force_outside_care_plan": {
        name: (e, n, lambda p, v=value: merge(INPATIENT(p), used(p, "08", InCarePlan=v)))
        for name, e, n, value in [("outside", 1, 1, "N"), ("in it", 0, 1, "Y"), ("not recorded", 0, 0, None)]
    },
    "interpreter_needed": {
        "professional": (1, 1, interpreted("1")),
        "did not attend": (1, 1, interpreted("5")),
        "not required": (0, 1, interpreted("4")),
        "not known": (0, 0, interpreted("X")),
        "not recorded": (0, 0, interpreted(None)),
        "prefers English": (0, 0, interpreted("1", "en")),
        "not attended": (0, 0, interpreted("1", status="3")),
    },
    "interpreter_present": {
        "professional": (1, 1, interpreted("1")),
        "family or friend": (1, 1, interpreted("2")),
        "another person": (1, 1, interpreted("3")),
        "did not attend": (0, 1, interpreted("5")),
        "not required": (0, 0, interpreted("4")),
    },
    "response_rate": {
        name: (
            n,
            1,
            lambda p, v=value: local("Invitation", p, InvitationID=f"V{p}", InvitedDate="2023-05-01", Answered=v),
        )
        for name, n, value in [("answered", 1, "Y"), ("not", 0, "N")]
    },
    "complaints": {
        "a complaint": (1, 1, complaint("COMPLAINT", None)),
        "a concern": (1, 1, complaint("PALS", None)),
        "before": (0, 1, complaint("PALS", None, "2023-03-31")),
        "none": (0, 1, ref),
    },
    "complaints_upheld": {
        "upheld": (1, 1, complaint("COMPLAINT", "Y")),
        "in part": (1, 1, complaint("COMPLAINT", "P")),
        "not": (0, 1, complaint("COMPLAINT", "N")),
        "open": (0, 0, complaint("COMPLAINT", None)),
        "a concern": (0, 0, complaint("PALS", "Y")),
    },
    "carer_offered_assessment": {
        "offered": (1, 1, carer("Y", "Y")),
        "not": (0, 1, carer("Y", "N")),
        "not recorded": (0, 0, carer("Y", None)),
        "no carer": (0, 0, carer("N", None)),
    },
    "reqol_improved": {
        "by 5": (1, 1, reqol(("2023-05-01", 10), ("2023-08-01", 15))),
        "by 4": (0, 1, reqol(("2023-05-01", 10), ("2023-08-01", 14))),
        "once": (0, 0, reqol(("2023-05-01", 10))),
        "another measure": (0, 0, reqol(("2023-05-01", 10), ("2023-08-01", 15), tool="DIALOG")),
        "after closing": (0, 0, reqol(("2023-05-01", 10), ("2023-09-02", 15))),
        "first and last decide": (0, 1, reqol(("2023-05-01", 10), ("2023-06-01", 30), ("2023-08-01", 12))),
    },
    "deaths_within_year": {
        "after 365 days": (1, 1, dead("2024-06-09")),
        "after 366 days": (0, 1, dead("2024-06-10")),
        "died in hospital": (0, 0, dead("2023-06-10", died="4")),
        "destination died": (0, 0, dead("2023-06-10", to="79")),
        "no destination": (1, 1, dead("2023-06-11", to=None, died=None)),
    },
}
BACK = {"MethAdmMHHospProvSpell": "22"}
EDGES = {  # found by the count by hand (tests/oracle/plain_count)
    "cyp_access": {
        "gender not known": (
            1,
            lambda p: merge(person(p, Gender="X", PersonBirthDate="2010-01-01"), ref(p), seen(p, SEEN)),
        ),
    },
    "adult_community_access": {
        "gender not known": (1, lambda p: merge(person(p, Gender="X"), pair((SEEN, "2023-05-10"))(p))),
    },
    "admission_without_contact": {
        "moved on the first day": (
            1,
            1,
            lambda p: merge(
                left(p, "203"),
                table(
                    "MHS502WardStay",
                    stay(p, "2023-05-01", "2023-05-01", "200", of="2023-05-01") | {"UniqWardStayID": "Z"},
                ),
            ),
        ),
    },
    "eip_two_weeks": {
        "a coordinator on the day of receipt": (1, 1, psychosis("2023-05-01", "2023-05-10", "2023-05-01")),
        "a coordinator since before receipt": (0, 0, psychosis("2023-05-01", "2023-05-10", "2023-04-20")),
        "a coordinator after closing": (
            0,
            0,
            lambda p: merge(
                ref(p, "2023-05-01", "2023-05-20", "A14", PrimReasonReferralMH="01"),
                seen(p, "2023-05-10"),
                coordinator(p, "2023-05-21"),
            ),
        ),
    },
    "delayed_discharge_days": {
        "left open when the stay ended": (
            4,
            40,
            lambda p: merge(INPATIENT(p), delay(p, ("2023-06-05", None), of="2023-05-01")),
        ),
        "the ward left open as well": (
            4,
            40,
            lambda p: merge(
                stays(p, "2023-05-01", "2023-06-10", ("200", None)), delay(p, ("2023-06-05", None), of="2023-05-01")
            ),
        ),
        "begun after the stay had ended": (
            0,
            40,
            lambda p: merge(INPATIENT(p), delay(p, ("2023-06-12", None), of="2023-05-01")),
        ),
    },
    "follow_up_72_hours": {
        "moved to a ward left open, a month before the discharge": (
            0,
            0,
            lambda p: stays(p, "2023-05-01", "2023-06-10", ("200", "2023-05-05"), ("206", None)),
        ),
        "and to one that is followed up": (
            0,
            1,
            lambda p: stays(p, "2023-05-01", "2023-06-10", ("206", "2023-05-05"), ("200", None)),
        ),
        "a ward left open after another of the last month": (
            0,
            1,
            lambda p: stays(p, "2023-05-01", "2023-06-10", ("200", "2023-06-05"), ("206", None)),
        ),
        "an earlier ward left open": (
            0,
            1,
            lambda p: merge(
                stays(p, "2023-05-01", "2023-06-10", ("206", None)),
                table(
                    "MHS502WardStay",
                    stay(p, "2023-05-05", "2023-06-10", "200", of="2023-05-01") | {"UniqWardStayID": f"W{p}"},
                ),
            ),
        ),
    },
    "detentions_as_published": {
        "on a later day than a discharge time without its day": (
            1,
            lambda p: merge(
                left(p, end=None, DischTimeHospProvSpell="09:00"),
                table("MHS401MHActPeriod", act(p, "02", "2023-05-03") | {"StartTimeMHActLegalStatusClass": "10:00"}),
            ),
        ),
        "on the day of discharge, after its time": (
            0,
            lambda p: merge(
                left(p, DischTimeHospProvSpell="09:00"),
                table("MHS401MHActPeriod", act(p, "02", "2023-06-10") | {"StartTimeMHActLegalStatusClass": "10:00"}),
            ),
        ),
        "on the day of discharge, without its time": (
            1,
            lambda p: merge(
                left(p),
                table("MHS401MHActPeriod", act(p, "02", "2023-06-10") | {"StartTimeMHActLegalStatusClass": "10:00"}),
            ),
        ),
        "hospital order, planned, after a holding order left open": (
            1,
            lambda p: merge(
                left(p, MethAdmMHHospProvSpell="12"), held(p, ("05", "2023-04-30", None), ("10", "2023-05-01", None))
            ),
        ),
        "after one that ended later": (
            0,
            lambda p: merge(
                left(p, MethAdmMHHospProvSpell="12"),
                held(p, ("05", "2023-04-30", "2023-05-02"), ("10", "2023-05-01", None)),
            ),
        ),
    },
    "section_3_uses": {
        "order ended on the day of admission: new, and no recall": (
            1,
            lambda p: merge(
                INPATIENT(p),
                held(p, ("03", "2023-05-02", "2023-05-20")),
                order(p, "2022-06-01", "2023-05-01", "02", of=f"M{p}032023-05-02"),
            ),
        ),
    },
    "section_length": {
        "expired before it began": (
            0,
            0,
            0,
            lambda p: merge(
                INPATIENT(p),
                table(
                    "MHS401MHActPeriod", act(p, "02", "2023-05-03") | {"ExpiryDateMHActLegalStatusClass": "2023-05-02"}
                ),
            ),
        ),
        "one that ended": (1, 1, 10, lambda p: merge(INPATIENT(p), held(p, ("02", "2023-05-03", "2023-05-13")))),
        "section 3 begun before admission is none after section 2": (
            1,
            1,
            3,
            lambda p: merge(
                INPATIENT(p), held(p, ("02", "2023-04-28", "2023-05-01"), ("03", "2023-05-01", "2023-05-04"))
            ),
        ),
    },
    "readmission_30_days": {
        "back": (1, 1, lambda p: merge(left(p), stays(p, "2023-06-20", None, ("200", None), **BACK))),
        "back by transfer, as the method says": (
            0,
            1,
            lambda p: merge(left(p), stays(p, "2023-06-20", None, ("200", None), MethAdmMHHospProvSpell="81")),
        ),
    },
    "deaths_within_year": {
        "dead before the discharge": (0, 0, dead("2023-06-09")),
        "died on the day": (1, 1, dead("2023-06-10")),
    },
}
SETS = [*MEASURES.items(), ("follow_up_72_hours", DESTINATIONS), *OWN.items(), *EDGES.items()]


def check(extract, count, indicator, conditions):
    """Count all conditions at once, a person and an ethnic group each, and compare group by group."""
    groups = dict(zip(*(ethnicity.categories()[c] for c in ("code", "ethnic_group")), strict=True))
    assert len(conditions) <= len(CODES)
    tables, expected = {}, {}
    for code, (name, (*wanted, rows)) in zip(CODES, conditions.items(), strict=False):
        made = rows(f"P{code}")
        made.setdefault("MHS001MPI", [{"Person_ID": f"P{code}"}])
        made["MHS001MPI"] = [line | {"EthnicCategory": code} for line in made["MHS001MPI"][:1]]
        tables = merge(tables, made)
        expected[groups[code]] = (name, wanted)
    needs = {"MHS501HospProvSpell", "MHS201CareContact", "MHS101Referral", "MHS502WardStay"}
    for name in needs - tables.keys():
        tables[name] = []
    tables |= {"MHS101Referral": tables["MHS101Referral"] or [referral("nobody", "2020-01-01")]}
    tables |= {"MHS201CareContact": tables["MHS201CareContact"] or [contact("nobody", "2020-01-01")]}
    tables |= {"MHS501HospProvSpell": tables["MHS501HospProvSpell"] or [spell("nobody", "2020-01-01", "2020-01-02")]}
    found, ledger = count(extract(**tables), indicator)
    assert not ledger["reason"].str.startswith("not available").any(), ledger["reason"].tolist()
    sums = found.groupby("ethnic_group")[["events", "at_risk", "total"]].sum()
    for group, (name, wanted) in expected.items():
        got = sums.loc[group, ["events", "at_risk", "total"][: len(wanted)]].tolist() if group in sums.index else None
        assert (got or [0.0] * len(wanted)) == [float(n) for n in wanted], (indicator, name)


@pytest.mark.parametrize(("indicator", "conditions"), SETS, ids=[f"{n}-{i}" for i, (n, _c) in enumerate(SETS)])
def test_measure(extract, count, indicator, conditions):
    check(extract, count, indicator, conditions)


def test_what_computes_a_measure_has_a_literal_test():
    """And what has one says so."""
    assert set(MEASURES) == {name for name, entry in catalogue().items() if entry.computes}
    assert len(MEASURES) >= 25


IDENTIFIER = re.compile(r"\b(?:MHS|EIP|CCR|OAP|MRS)\d+[a-z]?\b|Bulletin \d+[a-z]")


def test_no_measure_is_cited_that_is_neither_computed_nor_followed():
    for entry in catalogue().values():
        named = set(IDENTIFIER.findall(f"{entry.source} {entry.differs}"))
        tables = {"MHS001", "MHS101", "MHS201", "MHS404", "MHS501", "MHS515"}  # tables of MHSDS, no measures
        assert named - tables <= set(entry.computes + entry.after), entry.id
        assert bool(entry.after) == bool(entry.differs), entry.id


def test_one_policy_within_a_topic():
    """One severity and one domain; all are ranked or none; a rate, a share and a count of one thing are one topic."""
    for story in {entry.story for entry in catalogue().values()}:
        entries = [entry for entry in catalogue().values() if entry.story == story]
        assert len({(entry.severity, entry.domain) for entry in entries}) == 1, story
        assert len({entry.polarity == "context" for entry in entries if entry.domain != "recording"}) <= 1, story


def test_every_indicator_serves_a_part_of_the_framework():
    assert all(entry.pcref for entry in catalogue().values())
    assert all(entry.competency or entry.pcref == "leadership and governance" for entry in catalogue().values())


def test_the_definitions_stand_by_part_and_competency_and_warn_before_what_is_hard_to_read():
    shipped = catalogue()
    page = render.fragment(
        "definitions.html.j2",
        parts=by_part(shipped.values()),
        terms=(),
        badges=dict.fromkeys(shipped),
    )
    heads = re.findall(r"<h2>(.*?)</h2>", page)
    assert heads == sorted(heads) and len(heads) == 7 and "Competencies: workforce" in heads
    for entry in shipped.values():
        section = page.split(f'id="{entry.id}"')[1].split("</section>")[0]
        above = page.split(f'id="{entry.id}"')[0].rpartition("<h2>")[2]
        assert above.startswith(": ".join(filter(None, (entry.pcref, entry.competency))).capitalize())
        assert bool(entry.hard) == ("hard to read" in section)
        assert bool(entry.count) == (f"<strong>Ages:</strong> {entry.ages}" in section)  # of our own counting alone
        assert all(measure in section for measure in entry.computes + entry.after)
        assert f"Defined in this way since:</strong> {formats.dates(entry.valid_from)}." in section
        if entry.story in ("force", "force_harm", "deaths", "detention", "section_136", "police_conveyance"):
            assert entry.hard, entry.id
    assert shipped["adult_community_access"].ages == "at the referral"
    assert shipped["cyp_access"].ages == "at the referral and at the contact"
    assert shipped["long_stay_60_days"].ages == "at the end of the month"
    assert shipped["detentions"].ages == "at the start of the financial year"


@pytest.mark.parametrize("words", ["on the patient's side", "refus"])
def test_words_that_blame_stand_in_no_name_or_definition(words):
    """Rapid tranquillisation is an urgent sedating injection: the record does not say whether the person refused."""
    for entry in catalogue().values():
        assert words not in f"{entry.name} {entry.question} {entry.numerator} {entry.denominator}", entry.id
    assert catalogue()["non_attendance"].name == "Appointments that did not take place"
    assert "urgent sedating injection" in catalogue()["rapid_tranquillisation"].name


def test_every_code_list_is_used_and_says_where_it_is_from():
    """By an indicator or a counting rule; its codes have labels."""
    lists = codelists.table()
    package = Path(codelists.__file__).parents[1]
    texts = [p.read_text(encoding="utf-8") for p in (*package.rglob("counting/*.py"), *package.rglob("indicators.yml"))]
    unused = [name for name in lists["list"].unique() if not any(re.search(rf"\b{name}\b", text) for text in texts)]
    assert unused == ["restraint_types"]  # of the contract:
    allowed = declared()["MHS515RestrictiveInterventType"].columns["RestrictiveIntType"].codes
    assert {code.code for code in codelists.named("restraint_types")} == set(allowed)
    assert (lists["meaning"].str.len() > 3).all()


def test_code_lists_have_sources_and_days_that_fit():
    lists = codelists.table()
    assert lists["source"].str.len().gt(10).all()
    assert not lists.duplicated(["list", "code"]).any()
    both = lists[(lists["counts_from"] != "") & (lists["counts_to"] != "")]
    assert (both["counts_from"] <= both["counts_to"]).all()
    assert not {"02", "03"} & {code.code for code in codelists.named("restraint_types")}


def test_every_indicator_is_worked_by_hand():
    """Here, or in test_indicators.py."""
    counted = {name for name, entry in catalogue().items() if entry.count and entry.count.rows}
    assert counted - set(MEASURES) - set(OWN) - set(OTHERS["CASES"]) == set()


def test_the_page_of_indicators_says_what_the_catalogue_says():
    page = Path(__file__).parents[2] / "docs" / "indicators.md"
    assert page.read_text(encoding="utf-8").endswith(measures())


def uses(indicator, tables):
    """Build the expressions of an indicator: an error if it asks for a column that is not there."""
    count = catalogue()[indicator].count
    sides = [(count.rows, [*count.where, *(count.event or [])])]
    sides += [(count.among.rows, count.among.where)] if count.among and count.among.rows in RULES else []
    for rule, conditions in sides:
        found = row_conditions.in_periods(RULES[rule].rows(tables), [2023])
        found = row_conditions.of_people(found, row_conditions.people(tables, ["LSOA2021"]), [0])
        found.filter(row_conditions.where(found, conditions))


def test_what_an_optional_column_makes_exact_asks_for_it():
    """And what rests on none of them says what holds without."""
    tables = row_conditions.declared_tables()
    for name, declared_table in declared().items():
        assert set(declared_table.exact) <= set(catalogue()), name
        for column, facts in declared_table.columns.items():
            assert facts.required or name in POPULATION_TABLES or facts.without, (name, column)
            without = tables | {name: tables[name].drop(column)}
            for indicator in (i for i in facts.exact if catalogue()[i].count.rows):
                with pytest.raises((AttributeError, ibis.common.exceptions.IbisError)):
                    uses(indicator, without)


def brought(kind, *lines):
    names = ("PeriodStart", "ethnic_group", "Events", "AtRisk")
    return table("GroupCounts", *({"Measure": kind} | dict(zip(names, line, strict=True)) for line in lines))


BROUGHT = [name for name, entry in catalogue().items() if entry.count and entry.count.counts]


@pytest.mark.parametrize("name", [name for name in BROUGHT if not catalogue()[name].count.at_risk_of])
def test_counts_by_ethnic_group_are_taken_as_they_are(extract, count, name):
    """Years apart, faulty rows in the ledger, another kind of count left alone."""
    kind = catalogue()[name].count.counts
    tables = merge(
        person("PA"),
        brought(
            kind,
            ("2023-04-01", "White British", 40.0, 100.0),
            ("2023-04-01", "Caribbean", 9.0, 12.0),
            ("2023-04-01", "Not known", 2.0, 4.0),
            ("2023-04-01", "Chinese", 3.0, None),
            ("2023-04-01", "Indian", 5.0, 4.0),
            ("2022-04-01", "Caribbean", 1.0, 12.0),
            ("2021-04-01", "Caribbean", 1.0, 12.0),
        ),
        brought("ANOTHER", ("2023-04-01", "Caribbean", 1.0, 2.0)),
    )
    found, ledger = count(extract(**tables), name, periods=["2022-23", "2023-24"])
    sums = found.set_index(["period", "ethnic_group"])[["events", "at_risk"]]
    assert sums.loc["2023-24"].T.to_dict("list") == {
        "White British": [40, 100],
        "Caribbean": [9, 12],
        "Not known": [2, 4],
    }
    assert sums.loc[("2022-23", "Caribbean")].tolist() == [1, 12]
    assert set(found["sex"]) == set(found["age_band"]) == {"Not known"}
    lines = ledger.groupby(["period", "reason"])["rows"].sum()
    assert lines["2023-24", "nobody at risk is given"] == lines["2023-24", "more events than people at risk"] == 1
    assert lines["other periods", "not what is counted"] == 1
    assert ledger["rows"].sum() == 7  # every row of the kind


def test_staff_are_compared_with_the_people_in_care_of_the_same_group(extract, settings):
    tables = extract(
        **merge(
            person("PA"),
            person("PB"),
            person("PC", EthnicCategory="M"),
            *map(ref, ("PA", "PB", "PC")),
            brought("STAFF", ("2023-04-01", "White British", 6.0, None), ("2023-04-01", "Indian", 1.0, None)),
        )
    )
    entries = {name: catalogue()[name] for name in ("ethnicity_known", "staff_and_caseload")}
    found, ledger = cells.build(tables, settings(), entries)
    sums = found[found["indicator"] == "staff_and_caseload"].set_index("ethnic_group")[["events", "at_risk"]]
    assert sums.T.to_dict("list") == {"White British": [6, 2], "Indian": [1, 0], "Caribbean": [0, 1]}
    assert not ledger["reason"].str.startswith("not available").any()
    alone, ledger = cells.build(tables, settings(), {"staff_and_caseload": entries["staff_and_caseload"]})
    assert alone.empty and ledger["reason"].str.contains("ethnicity_known is not available").any()


def test_counts_by_ethnic_group_have_a_crude_ratio_and_no_other():
    rows = [("White British", 40.0, 400.0), ("Caribbean", 30.0, 100.0)]
    found = pd.DataFrame(rows, columns=["ethnic_group", "events", "at_risk"])
    found = found.assign(indicator="police_conveyance", period="2023-24", sex="Not known", age_band="Not known")
    found = aggregate.squared(found.assign(imd_quintile=pd.array([pd.NA] * 2, dtype="Int64")))
    ratios = levels_and_gaps.ladder(found, "White British").query("measure == 'ratio'").set_index("adjustment")
    assert ratios["estimate"].to_dict() == pytest.approx({"crude": 3.0})
    assert ratios.loc["crude", "lower"] > 1.5 and ratios.loc["crude", "note"] == ""


@pytest.mark.parametrize("name", BROUGHT)
def test_without_the_table_of_counts_the_ledger_says_what_brings_them(extract, count, name):
    found, ledger = count(extract(**merge(person("PA"), ref("PA"))), name)
    kind = catalogue()[name].count.counts
    wanted = f"not available: the extract has no table GroupCounts; its rows of {kind} bring it"
    assert found.empty and ledger["reason"].tolist() == [wanted]


def test_a_trust_without_teams_of_a_kind_has_not_seen_nobody_with_them(extract, count):
    tables = extract(**merge(person("PA"), ref("PA"), seen("PA", SEEN)))
    for name, types in [("employment_support", "D05"), ("perinatal_access", "C02, F02")]:
        found, ledger = count(tables, name)
        assert found.empty
        assert ledger["reason"].tolist() == [f"not available: no team of the extract has the type {types}"]


@pytest.mark.parametrize("name", ["follow_up_72_hours", "admission_without_contact", "non_attendance", "cyp_access"])
def test_a_year_in_which_nobody_recorded_attendance_is_not_available(extract, count, name):
    """It would be read as nobody having been seen. In the year before it was recorded."""
    tables = merge(
        person("PA", PersonBirthDate="2010-01-01"),
        left("PA"),
        ref("PA", "2022-04-01"),
        seen("PA", "2022-06-01"),
        seen("PA", "2023-06-12", status=None),
    )
    found, ledger = count(extract(**tables), name, periods=["2022-23", "2023-24"])
    said = ledger[ledger["reason"].str.startswith("not available")].set_index("period")["reason"]
    assert said["2023-24"] == "not available: the column MHS201CareContact.AttendStatus has no values in the period"
    assert "2023-24" not in set(found["period"])
