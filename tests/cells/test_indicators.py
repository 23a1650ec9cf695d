"""Every indicator on a little literal extract whose answer is worked by hand beside it (period 2023-24)."""

import pytest

RESIDENTS = 3 * 2 * 3 * 2 * 100  # groups x sexes x bands x quintiles x residents of the literal population


def people(*changes, n=4):
    """P1, P2, ...: women born in 1980 in the catchment unless changed."""
    lines = [{"Person_ID": f"P{i}"} for i in range(1, n + 1)]
    return [line | (changes[i] if i < len(changes) else {}) for i, line in enumerate(lines)]


def referral(person, received, closed=None, team="A06", name=None, rejected=None):
    return {
        "UniqServReqID": name or f"R{person}",
        "Person_ID": person,
        "ReferralRequestReceivedDate": received,
        "ServTeamTypeMH": team,
        "ServDischDate": closed,
        "ReferRejectionDate": rejected,
    }


def contact(person, day, status="5", name=None, interpreter=None):
    return {
        "UniqCareContID": f"C{person}{day}{status}",
        "UniqServReqID": name or f"R{person}",
        "Person_ID": person,
        "CareContDate": day,
        "AttendStatus": status,
        "InterpreterPresentInd": interpreter,
    }


def act(person, status, start, end=None):
    return {
        "UniqMHActEpisodeID": f"M{person}{status}{start}",
        "Person_ID": person,
        "LegalStatusCode": status,
        "StartDateMHActLegalStatusClass": start,
        "EndDateMHActLegalStatusClass": end,
    }


def spell(person, start, end=None, to="19", method="21"):
    return {
        "UniqHospProvSpellID": f"S{person}{start}",
        "Person_ID": person,
        "StartDateHospProvSpell": start,
        "DischDateHospProvSpell": end,
        "DestOfDischHospProvSpell": to if end else None,
        "MethAdmMHHospProvSpell": method,
    }


def stay(person, start, end=None, bed="200", of=None):
    return {
        "UniqWardStayID": f"W{person}{start}{bed}",
        "UniqHospProvSpellID": f"S{person}{of or start}",
        "Person_ID": person,
        "StartDateWardStay": start,
        "EndDateWardStay": end,
        "MHAdmittedPatientClass": bed,
    }


def force(person, day, kind="08", number=1):
    return {
        "UniqRestrictiveIntTypeID": f"Y{person}{day}{kind}{number}",
        "UniqRestrictiveIntIncID": f"I{person}{day}",
        "Person_ID": person,
        "RestrictiveIntType": kind,
        "StartDateRestrictiveIntType": day,
    }


def score(person, day, tool="DIALOG"):
    return {
        "UniqScoreID": f"G{person}{day}{tool}",
        "UniqServReqID": f"R{person}",
        "Person_ID": person,
        "AssToolCompDate": day,
        "CodedAssToolType": tool,
        "PersScore": 1.0,
    }


def therapy(person, received, first=None, closed=None, done=None, well=None, recovered=None, improved=None):
    return {
        "PathwayID": f"K{person}{received}",
        "Person_ID": person,
        "ReferralRequestReceivedDate": received,
        "TherapySession_FirstDate": first,
        "ServDischDate": closed,
        "CompletedTreatment_Flag": done,
        "NotCaseness_Flag": well,
        "Recovery_Flag": recovered,
        "ReliableImprovement_Flag": improved,
    }


def answer(person, day, positive="Y", question="FFT"):
    return {
        "ResponseID": f"E{person}{day}{question}",
        "Person_ID": person,
        "ResponseDate": day,
        "Question": question,
        "Positive": positive,
    }


CASELOAD = [
    referral("P1", "2020-01-01"),  # open all through
    referral("P2", "2023-03-01", "2023-04-01"),  # closed on the first day of the period: still in it
    referral("P3", "2024-03-31", "2024-05-01"),  # received on its last day: in it
    referral("P4", "2022-01-01", "2023-03-31"),  # closed the day before: not in it
    referral("P5", "2023-06-01", rejected="2023-06-10"),  # rejected: not in it
    referral("P1", "2023-07-01", name="R1b"),  # the same person again: once
]
SEEN = [
    contact("P1", "2023-04-01"),
    contact("P1", "2024-03-31", "6"),  # late but seen
    contact("P2", "2023-05-01", "3"),  # not attended
    contact("P3", "2023-03-31"),  # the day before the period
    contact("P4", "2023-06-01"),
    contact("P4", "2023-07-01"),
]
BEDS = [
    spell("P1", "2023-05-01", "2023-06-10"),
    spell("P2", "2023-03-20", "2023-04-05"),  # touches the period
    spell("P3", "2024-03-20"),  # still in
    spell("P4", "2023-01-01", "2023-03-31"),  # before
]
DETAINED = [
    act("P1", "02", "2023-05-01", "2023-05-28"),
    act("P1", "03", "2023-05-28", "2023-06-05"),  # section 3 following 2: not again
    act("P2", "02", "2023-03-21", "2023-04-01"),  # began before the period
    act("P3", "20", "2024-03-20", "2024-03-20"),
    act("P3", "02", "2024-03-20"),
]
STAYS = [
    stay("P1", "2023-05-01", "2023-05-11"),  # 10 nights
    stay("P1", "2023-05-11", "2023-06-10", of="2023-05-01"),  # 30 nights
    stay("P2", "2023-03-20", "2023-04-05"),  # 1 to 5 April: 4 nights in the period
    stay("P3", "2024-03-20"),  # 20 March to the end of 31 March: 12 nights
    stay("P4", "2023-01-01", "2023-03-31"),  # none
]
FORCE = [
    force("P1", "2023-05-02", "01"),
    force("P1", "2023-05-02", "14"),
    force("P1", "2023-06-02", "05"),
    force("P2", "2023-04-02", "05"),
    force("P3", "2024-03-19", "07"),  # the day before the bed: a person at risk all the same
    force("P4", "2023-06-02", "01"),  # not in a bed in the period: left out, and counted in the ledger
]
DISCHARGED = [
    spell("P1", "2023-05-01", "2023-05-31"),  # 30 days
    spell("P1", "2023-06-30", "2023-07-10"),  # back after 30 days; 10 days
    spell("P2", "2023-04-01", "2023-06-05", to="49"),  # to another hospital; 65 days
    spell("P3", "2023-01-31", "2023-04-01"),  # 60 days
    spell("P3", "2023-05-02", "2023-05-02"),  # back after 31 days; 0 days
    spell("P4", "2023-05-01", "2023-05-04"),  # in a bed of another kind
    spell("P5", "2024-01-01", "2024-01-05", to=None),  # not recorded where to
]
DISCHARGED_BEDS = [
    stay("P1", "2023-05-01", "2023-05-31"),
    stay("P1", "2023-06-30", "2023-07-10", "202"),
    stay("P2", "2023-04-01", "2023-06-05"),
    stay("P3", "2023-01-31", "2023-02-05"),
    stay("P3", "2023-02-05", "2023-04-01", "203", of="2023-01-31"),  # the bed at discharge decides
    stay("P3", "2023-05-02", "2023-05-02", "10"),
    stay("P4", "2023-05-01", "2023-05-04", "203"),
    stay("P5", "2024-01-01", "2024-01-05"),
]
AFTER = [
    contact("P1", "2023-05-31"),  # on the day: does not count
    contact("P1", "2023-06-03"),  # the third day: counts
    contact("P1", "2023-07-11", "3"),  # not attended
    contact("P1", "2023-07-14"),  # the fourth day
    contact("P3", "2023-04-02"),  # the first day
    contact("P3", "2023-05-02"),  # on the day of the second discharge
    contact("P2", "2023-06-06"),
]

# indicator: (tables, events, at_risk, total or None)
CASES = {
    # P1 A and P2 M known, P3 Z not; P4 and P5 are not in the caseload.
    "ethnicity_known": (
        {
            "MHS001MPI": people({}, {"EthnicCategory": "M"}, {"EthnicCategory": "Z"}, n=5),
            "MHS101Referral": CASELOAD,
        },
        2,
        3,
        None,
    ),
    # Known are P1 (A) and P2 (S); S is an "other" code. P3 has none recorded and is neither.
    "ethnicity_other_codes": (
        {
            "MHS001MPI": people({}, {"EthnicCategory": "S"}, {"EthnicCategory": None}, n=5),
            "MHS101Referral": CASELOAD,
        },
        1,
        2,
        None,
    ),
    # P1 and P4 attended in the period, P1 twice: two people.
    "treated_prevalence": (
        {"MHS001MPI": people(), "MHS101Referral": [referral("P1", "2020-01-01")], "MHS201CareContact": SEEN},
        2,
        RESIDENTS,
        None,
    ),
    # Received in the period: P3 on its last day, P5 (rejected ones count), P1 again. P5 lives elsewhere: 2 are left.
    "new_referrals": (
        {"MHS001MPI": people({}, {}, {}, {}, {"LSOA2021": "X01900001"}, n=5), "MHS101Referral": CASELOAD},
        2,
        RESIDENTS,
        None,
    ),
    # P1 was 12 at the referral and 16 at the contacts; of P4 there is no referral. Residents of 0 to 15, and
    # of 16 to 64 the share of its years of age under 18.
    "cyp_access": (
        {
            "MHS001MPI": people({"PersonBirthDate": "2007-04-02"}, {}, {}, {"PersonBirthDate": "2007-04-01"}),
            "MHS101Referral": [referral("P1", "2020-01-01")],
            "MHS201CareContact": SEEN,
        },
        1,
        RESIDENTS / 3 * (1 + 2 / 49),
        None,
    ),
    # P1 and P4 attended twice, but P1's team is no community team. Residents of 18 and over: of 16 to 64 the share of
    # its years of age from 18.
    "adult_community_access": (
        {
            "MHS001MPI": people(),
            "MHS101Referral": [referral("P1", "2020-01-01", team="A18"), referral("P4", "2020-01-01")],
            "MHS201CareContact": SEEN,
        },
        1,
        RESIDENTS / 3 * (47 / 49 + 1),
        None,
    ),
    # Second attended contacts in the period: P4's after 61 days (1 May to 1 July). P1's was before it.
    "wait_second_contact": (
        {
            "MHS001MPI": people(),
            "MHS101Referral": [referral("P1", "2023-01-01"), referral("P4", "2023-05-01")],
            "MHS201CareContact": [contact("P1", "2023-02-01"), contact("P1", "2023-03-01"), *SEEN],
        },
        1,
        1,
        61,
    ),
    # P1, a woman of 42, and P4, a man, attended with a perinatal team. Female residents of 16 to 64 with the share of
    # its years of age up to 49.
    "perinatal_access": (
        {
            "MHS001MPI": people({}, {}, {}, {"Gender": "1"}),
            "MHS101Referral": [referral("P1", "2020-01-01", team="C02"), referral("P4", "2020-01-01", team="C02")],
            "MHS201CareContact": SEEN,
        },
        1,
        RESIDENTS / 3 / 2 * 34 / 49,
        None,
    ),
    # P1 started twice in the period (one person), P2 before it, P3 is a child.
    "talking_therapies_entering": (
        {
            "MHS001MPI": people({}, {}, {"PersonBirthDate": "2012-01-01"}),
            "IDS101Referral": [
                therapy("P1", "2023-04-01", "2023-05-01"),
                therapy("P1", "2023-09-01", "2023-10-01"),
                therapy("P2", "2023-02-01", "2023-03-31"),
                therapy("P3", "2023-04-01", "2023-05-01"),
                therapy("P4", "2023-04-01"),
            ],
        },
        1,
        RESIDENTS * 2 / 3,
        None,
    ),
    # First attended contacts of team A14: P1 after 14 days, P2 after 15; P4 belongs to another team.
    "eip_two_weeks": (
        {
            "MHS001MPI": people(),
            "MHS101Referral": [
                referral("P1", "2023-05-01", team="A14"),
                referral("P2", "2023-05-01", team="A14"),
                referral("P4", "2023-05-31"),
            ],
            "MHS201CareContact": [
                contact("P1", "2023-05-10", "3"),
                contact("P1", "2023-05-15"),
                contact("P2", "2023-05-16"),
                *SEEN[4:],
            ],
        },
        1,
        2,
        None,
    ),
    # Acute admissions: P1 seen 3 days before, P2 only 2 days before, P3 366 days before; P4 came by transfer.
    "admission_without_contact": (
        {
            "MHS001MPI": people(),
            "MHS201CareContact": [
                contact("P1", "2023-04-28"),
                contact("P2", "2023-04-29"),
                contact("P3", "2022-04-30"),
                contact("P3", "2023-04-20", "3"),
            ],
            "MHS501HospProvSpell": [
                *(spell(person, "2023-05-01") for person in ("P1", "P2", "P3")),
                spell("P4", "2023-05-01", method="81"),
            ],
            "MHS502WardStay": [stay(person, "2023-05-01") for person in ("P1", "P2", "P3", "P4")],
        },
        2,
        3,
        None,
    ),
    # Six planned contacts, one cancelled by the provider (4), which stays in the denominator; 2, 3 and 7 missed.
    "non_attendance": (
        {
            "MHS001MPI": people(),
            "MHS101Referral": [referral("P1", "2020-01-01")],
            "MHS201CareContact": [contact("P1", f"2023-05-0{code}", code) for code in "234567"],
        },
        3,
        6,
        None,
    ),
    # P3's section 136 is in the period.
    "section_136": (
        {"MHS001MPI": people(), "MHS401MHActPeriod": DETAINED, "MHS501HospProvSpell": BEDS},
        1,
        RESIDENTS,
        None,
    ),
    # P1's section 2 and P3's; P1's section 3 follows 2, P2's began before.
    "detentions": (
        {"MHS001MPI": people(), "MHS401MHActPeriod": DETAINED, "MHS501HospProvSpell": BEDS},
        2,
        RESIDENTS,
        None,
    ),
    # Caseload P1, P2, P3; detained P1 and P3.
    "people_detained_caseload": (
        {
            "MHS001MPI": people(n=5),
            "MHS101Referral": CASELOAD,
            "MHS401MHActPeriod": DETAINED,
            "MHS501HospProvSpell": BEDS,
        },
        2,
        3,
        None,
    ),
    # In hospital in the period P1, P2, P3; detained in it P1 and P3.
    "people_detained_inpatients": (
        {"MHS001MPI": people(), "MHS401MHActPeriod": DETAINED, "MHS501HospProvSpell": BEDS},
        2,
        3,
        None,
    ),
    # P1 is detained again in August; P3 once.
    "repeat_detention": (
        {
            "MHS001MPI": people(),
            "MHS401MHActPeriod": [*DETAINED, act("P1", "03", "2023-08-01", "2023-08-20")],
            "MHS501HospProvSpell": [*BEDS, spell("P1", "2023-08-01", "2023-08-20")],
        },
        1,
        2,
        None,
    ),
    # Ended in the period: P1's joined 1 May to 5 June, 35 days; P2's 21 March to 1 April, 11 days.
    "detention_length": (
        {"MHS001MPI": people(), "MHS401MHActPeriod": DETAINED},
        2,
        2,
        46,
    ),
    # Two orders start in the period; one of them was sent twice; one is from before.
    "cto_starts": (
        {
            "MHS001MPI": people(),
            "MHS404CommTreatOrder": [
                {"UniqMHActEpisodeID": name, "Person_ID": person, "StartDateCommTreatOrd": day}
                for name, person, day in [
                    ("O1", "P1", "2023-04-01"),
                    ("O2", "P2", "2023-09-01"),
                    ("O3", "P2", "2023-09-01"),
                    ("O4", "P3", "2023-03-31"),
                ]
            ],
        },
        2,
        RESIDENTS,
        None,
    ),
    # Bed days 40 + 4 + 12 = 56. P4 was in no bed in the period.
    "restrictive_interventions": (
        {
            "MHS001MPI": people(),
            "MHS515RestrictiveInterventType": FORCE,
            "MHS502WardStay": STAYS,
            "MHS501HospProvSpell": BEDS,
        },
        5,
        56,
        None,
    ),
    # In hospital P1, P2, P3: all of them.
    "people_restrained": (
        {"MHS001MPI": people(), "MHS515RestrictiveInterventType": FORCE, "MHS501HospProvSpell": BEDS},
        3,
        3,
        None,
    ),
    # Held face down P1 (P4 was not in hospital).
    "prone_restraint": (
        {"MHS001MPI": people(), "MHS515RestrictiveInterventType": FORCE, "MHS501HospProvSpell": BEDS},
        1,
        3,
        None,
    ),
    "seclusion": (  # P1 and P2
        {"MHS001MPI": people(), "MHS515RestrictiveInterventType": FORCE, "MHS501HospProvSpell": BEDS},
        2,
        3,
        None,
    ),
    "rapid_tranquillisation": (  # P1
        {"MHS001MPI": people(), "MHS515RestrictiveInterventType": FORCE, "MHS501HospProvSpell": BEDS},
        1,
        3,
        None,
    ),
    # P1 prefers Polish: attended with, without, and one not recorded (left out); one missed. P2 prefers English.
    "interpreter_present": (
        {
            "MHS001MPI": people({"LanguageCodePreferred": "pl"}, {"LanguageCodePreferred": "en"}),
            "MHS101Referral": [referral("P1", "2020-01-01")],
            "MHS201CareContact": [
                contact("P1", "2023-05-01", interpreter="Y"),
                contact("P1", "2023-05-02", interpreter="N"),
                contact("P1", "2023-05-03"),
                contact("P1", "2023-05-04", "3", interpreter="Y"),
                contact("P2", "2023-05-01", interpreter="N"),
            ],
        },
        1,
        2,
        None,
    ),
    # Three answers in the period, one positive; a complaint is none; one answer is from before.
    "positive_experience": (
        {
            "MHS001MPI": people(),
            "Experience": [
                answer("P1", "2023-05-01"),
                answer("P1", "2023-06-01", "N"),
                answer("P2", "2023-06-01", "N", "SURVEY"),
                answer("P3", "2023-06-01", "N", "COMPLAINT"),
                answer("P3", "2023-03-01"),
            ],
        },
        1,
        3,
        None,
    ),
    # Finished and at caseness: P1 recovered, P2 not. P3 was well at the start, P4 did not finish.
    "talking_therapies_recovery": (
        {
            "MHS001MPI": people(),
            "IDS101Referral": [
                therapy("P1", "2023-01-01", "2023-02-01", "2023-06-01", "Y", "N", "Y", "N"),
                therapy("P2", "2023-01-01", "2023-02-01", "2023-06-01", "Y", "N", "N", "Y"),
                therapy("P3", "2023-01-01", "2023-02-01", "2023-06-01", "Y", "Y", "N", "N"),
                therapy("P4", "2023-01-01", "2023-02-01", "2023-06-01", "N", "N", "Y", "Y"),
            ],
        },
        1,
        2,
        None,
    ),
    # P1 recovered and improved reliably, P2 recovered only; P3's improvement is not recorded: not improved.
    "talking_therapies_reliable_recovery": (
        {
            "MHS001MPI": people(),
            "IDS101Referral": [
                therapy("P1", "2023-01-01", "2023-02-01", "2023-06-01", "Y", "N", "Y", "Y"),
                therapy("P2", "2023-01-01", "2023-02-01", "2023-06-01", "Y", "N", "Y", "N"),
                therapy("P3", "2023-01-01", "2023-02-01", "2023-06-01", "Y", "N", "Y", None),
            ],
        },
        1,
        3,
        None,
    ),
    # Under 18 and closed: P1 and P4 (open for 14 days) paired; P2 scored once; P3 on two measures is none.
    "cyp_paired_score": (
        {
            "MHS001MPI": people(*[{"PersonBirthDate": "2010-01-01"}] * 4),
            "MHS101Referral": [
                *(referral(person, "2023-05-01", "2023-09-01") for person in ("P1", "P2", "P3")),
                referral("P4", "2023-05-01", "2023-05-15"),
            ],
            "MHS201CareContact": [
                contact(person, day) for person in ("P1", "P2", "P3", "P4") for day in ("2023-05-03", "2023-05-10")
            ],
            "MHS606CodedScoreAssessmentRefer": [
                score("P1", "2023-05-03", "SDQ"),
                score("P1", "2023-05-10", "SDQ"),
                score("P2", "2023-05-03", "SDQ"),
                score("P3", "2023-05-03", "SDQ"),
                score("P3", "2023-05-10", "RCADS"),
                score("P4", "2023-05-03", "SDQ"),
                score("P4", "2023-05-10", "SDQ"),
            ],
        },
        2,
        4,
        None,
    ),
    # P1 closed with a pair; P2 seen 180 days after receipt, paired only later: not; P3 had one contact; P4 is a child.
    "adult_paired_outcome": (
        {
            "MHS001MPI": people({}, {}, {}, {"PersonBirthDate": "2010-01-01"}),
            "MHS101Referral": [
                referral("P1", "2023-05-01", "2023-09-01"),
                referral("P2", "2023-05-01"),
                referral("P3", "2023-05-01", "2023-09-01"),
                referral("P4", "2023-05-01", "2023-09-01"),
            ],
            "MHS201CareContact": [
                contact("P1", "2023-05-03"),
                contact("P1", "2023-05-10"),
                contact("P2", "2023-05-03"),
                contact("P2", "2023-10-28"),
                contact("P3", "2023-05-03"),
                contact("P4", "2023-05-03"),
                contact("P4", "2023-05-10"),
            ],
            "MHS606CodedScoreAssessmentRefer": [
                score("P1", "2023-05-03"),
                score("P1", "2023-05-10"),
                score("P2", "2023-05-03"),
                score("P2", "2023-12-01"),
            ],
        },
        1,
        2,
        None,
    ),
    # Discharges to follow up: P1 twice, P3's from bed 10, P5's without a destination. P2 went to hospital 49; P3 first
    # and P4 left from beds of another kind. Seen within three days: P1's first.
    "follow_up_72_hours": (
        {
            "MHS001MPI": people(n=5),
            "MHS201CareContact": AFTER,
            "MHS501HospProvSpell": DISCHARGED,
            "MHS502WardStay": DISCHARGED_BEDS,
        },
        1,
        4,
        None,
    ),
    # Of the same four: P1 is back after 30 days.
    "readmission_30_days": (
        {"MHS001MPI": people(n=5), "MHS501HospProvSpell": DISCHARGED, "MHS502WardStay": DISCHARGED_BEDS},
        1,
        4,
        None,
    ),
    # People who left acute adult beds: P1, P2 after 65 days, P3 (bed 10), P5. P3's 60 days ended in another bed.
    "long_stay_60_days": (
        {"MHS001MPI": people(n=5), "MHS501HospProvSpell": DISCHARGED, "MHS502WardStay": DISCHARGED_BEDS},
        1,
        4,
        None,
    ),
    # Bed days 56. P1 from 5 to 10 June, the first day not counted: 4 days; P2 from 30 March to 5 April: 4.
    "delayed_discharge_days": (
        {
            "MHS001MPI": people(),
            "MHS502WardStay": STAYS,
            "MHS518ClinReadyforDischarge": [
                {
                    "UniqClinReadyforDischID": f"Z{person}",
                    "Person_ID": person,
                    "StartDateClinReadyforDisch": start,
                    "EndDateClinReadyforDisch": end,
                }
                for person, start, end in [("P1", "2023-06-05", "2023-06-10"), ("P2", "2023-03-30", "2023-04-05")]
            ],
        },
        8,
        56,
        None,
    ),
    # Discharges from acute beds: 30 + 10 (bed 202) + 65 + 0 (bed 10) + 4.
    "length_of_stay": (
        {"MHS001MPI": people(n=5), "MHS501HospProvSpell": DISCHARGED, "MHS502WardStay": DISCHARGED_BEDS},
        5,
        5,
        109,
    ),
}


@pytest.mark.parametrize("indicator", CASES)
def test_worked_by_hand(extract, count, indicator):
    tables, events, at_risk, total = CASES[indicator]
    cells, ledger = count(extract(**tables), indicator)
    assert not ledger["reason"].str.startswith("not available").any(), ledger["reason"].tolist()
    assert cells["events"].sum() == events
    assert cells["at_risk"].sum() == pytest.approx(at_risk)
    assert total is None or cells["total"].sum() == total


def test_perinatal_teams_see_women_of_the_bands_within_16_to_49(extract, count):
    """With a cut at 50 the same extract has P1 (a woman of 42) among the women of 16 to 49."""
    tables, *_rest = CASES["perinatal_access"]
    bands = ["0-15", "16-49", "50+"]
    population = [
        {"ethnic_group": "White British", "sex": s, "age_band": b, "imd_quintile": 1, "residents": 10}
        for s in ("Female", "Male")
        for b in bands
    ]
    cells, ledger = count(extract(Population=population, **tables), "perinatal_access", age_bands=[0, 16, 50])
    assert (cells["events"].sum(), cells["at_risk"].sum()) == (1, 10)
    left_out = ledger[ledger["reason"] == "outside the population of the measure"]
    assert left_out["rows"].sum() == 2  # P4, a man, attended twice
