"""A messy invented extract: every code of every list, missing values, days at every edge, repeats, superseded rows.

:func:`truth` draws the records as they ought to be read: one row a record, days as days. :func:`written` writes them
down as a warehouse would: dates in several forms, stand-in dates, earlier submissions of the same record, exact
repeats, rows that cannot be used. Whoever counts the first by hand must find what the library finds in the second.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

FIRST, LAST = pd.Timestamp("2020-04-01"), pd.Timestamp("2025-03-31")
BANDS = [0, 16, 20, 25, 35, 50, 65]
GROUPS = {
    **{"A": "White British", "B": "White Irish", "C": "Any other White background"},
    **{"D": "White and Black Caribbean", "E": "White and Black African", "F": "White and Asian"},
    **{"G": "Any other Mixed background", "H": "Indian", "J": "Pakistani", "K": "Bangladeshi"},
    **{"L": "Any other Asian background", "M": "Caribbean", "N": "African", "P": "Any other Black background"},
    **{"R": "Chinese", "S": "Any other ethnic group"},
}


def _codes(text: str) -> list[str]:
    return text.split()


BEDS = {
    5: ["10", "11", "12", "16", "17", "18", "14", "23", "34"],
    6: ["200", "201", "202", "205", "212", "213", "204", "209", "300"],
}
TEAMS = _codes(
    "A02 A05 A06 A08 A09 A10 A11 A12 A13 A14 A16 A18 A19 B02 C01 C02 C03 C05 C10 D01 D05 E01 E02 E03 E04 F02"
)
LEGAL = _codes("01 02 03 04 05 06 07 08 09 10 12 13 14 15 16 17 18 19 20 31 32 34 35 36 37 38")
DEST = _codes("19 29 30 37 38 40 42 48 49 50 51 52 53 79 84 87 89")
SOURCE = _codes("19 29 37 40 49 51 52 53 79 87")
METHOD = _codes("11 12 13 21 22 24 28 2A 2B 2D 81")
TYPES = _codes("01 04 05 06 07 08 09 10 11 12 13 14 15 16 17 99")
MECHANISM = _codes("01 02 03 04 05 06 09 10 11 12 13 98")
EDGES = [pd.Timestamp(year, *day) for year in range(2021, 2026) for day in ((3, 27), (3, 28), (3, 31), (4, 1))]
EDGES = [day for day in [*EDGES, *pd.to_datetime(["2024-02-29", "2021-09-30", "2021-10-01"])] if day <= LAST]
KEYS = {
    "MHS101Referral": "UniqServReqID",
    "MHS201CareContact": "UniqCareContID",
    "MHS006MHCareCoord": "CareCoordID",
    "MHS102OtherServiceType": "OtherServiceID",
    "MHS902ServiceTeamDetails": "TeamID",
    "MHS105OnwardReferral": "OnwardReferID",
    "MHS204IndirectActivity": "UniqIndirectActID",
    "MHS401MHActPeriod": "UniqMHActEpisodeID",
    "MHS403ConditionalDischarge": "UniqMHActEpisodeID",
    "MHS404CommTreatOrder": "UniqMHActEpisodeID",
    "MHS405CommTreatOrderRecall": "RecallID",
    "MHS501HospProvSpell": "UniqHospProvSpellID",
    "MHS502WardStay": "UniqWardStayID",
    "MHS515RestrictiveInterventType": "UniqRestrictiveIntTypeID",
    "MHS518ClinReadyforDischarge": "UniqClinReadyforDischID",
    "MHS606CodedScoreAssessmentRefer": "UniqScoreID",
    "IDS101Referral": "PathwayID",
    "Experience": "ResponseID",
    "Invitation": "InvitationID",
    "Complaint": "ComplaintID",
    "Carer": "CarerRecordID",
    "OutOfAreaPlacement": "PlacementID",
}
STAND_IN = ["1900-01-01", "9999-12-31", "31/12/9999", "1753-01-01", "1970-01-01", "NULL", "N/A", ""]


class Draw:
    """Random draws of one seed, in the forms that are needed here."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def code(self, codes: list[str], size: int, missing: float = 0.04, first: float = 0.0) -> pd.Series:
        """Draw codes: the first with a share of its own, some missing."""
        drawn = np.array(codes, dtype=object)[self.rng.integers(0, len(codes), size)]
        drawn = np.where(self.rng.random(size) < first, codes[0], drawn)
        return pd.Series(drawn, dtype="object").where(self.rng.random(size) >= missing, None)

    def days(self, size: int, edges: float = 0.12) -> pd.Series:
        """Draw days of the extract, some of them exactly where a year or a list begins or ends."""
        day = FIRST + pd.to_timedelta(self.rng.integers(0, (LAST - FIRST).days + 1, size), unit="D")
        edge = pd.DatetimeIndex(EDGES)[self.rng.integers(0, len(EDGES), size)]
        return pd.Series(np.where(self.rng.random(size) < edges, edge, day)).astype("datetime64[ns]")

    def later(self, day: pd.Series, steps: list[int], missing: float = 0.0) -> pd.Series:
        """Add one of these numbers of days; none after the extract's end (then missing), some missing."""
        moved = day + pd.to_timedelta(np.array(steps)[self.rng.integers(0, len(steps), len(day))], unit="D")
        return moved.where((moved <= LAST) & (self.rng.random(len(day)) >= missing))

    def time(self, size: int, missing: float = 0.25) -> pd.Series:
        """Draw times of the day."""
        minutes = self.rng.choice([0, 1, 540, 600, 601, 720, 840, 841, 1080, 1439], size)
        text = pd.Series([f"{m // 60:02d}:{m % 60:02d}" for m in minutes], dtype="object")
        return text.where(self.rng.random(size) >= missing, None)

    def some(self, frame: pd.DataFrame, number: int) -> pd.DataFrame:
        """Draw rows, with repeats."""
        return frame.iloc[self.rng.integers(0, len(frame), number)].reset_index(drop=True)


def truth(people: int, seed: int = 20) -> dict[str, pd.DataFrame]:
    """Draw the extract: table to frame, one row a record (of MHS001MPI one row a person and submission)."""
    draw = Draw(seed)
    person = pd.DataFrame({"Person_ID": "P" + pd.Series(draw.rng.permutation(people) + 7_000_000).astype(str)})
    rows: dict[str, pd.DataFrame] = {}
    _community(rows, person, draw)
    _hospital(rows, person, draw)
    _act(rows, draw)
    _force(rows, draw)
    _local(rows, person, draw)
    rows["MHS001MPI"] = _people(rows, person, draw)
    for name, frame in rows.items():
        if name in KEYS and KEYS[name] not in frame:
            frame.insert(0, KEYS[name], [f"{name[:6]}-{i}" for i in range(len(frame))])
    return rows


def _community(rows: dict, person: pd.DataFrame, draw: Draw) -> None:
    referral = draw.some(person, int(1.7 * len(person)))
    size = len(referral)
    referral.insert(0, "UniqServReqID", [f"R{i}" for i in range(size)])
    received = referral["ReferralRequestReceivedDate"] = draw.days(size)
    referral["ReferralRequestReceivedTime"] = draw.time(size)
    referral["SourceOfReferralMH"] = draw.code(["A1", "B1", "F1", "H1", "M9"], size)
    referral["ServTeamTypeMH"] = draw.code(TEAMS, size, 0.1)
    referral["TeamID"] = draw.code([f"T{i}" for i in range(40)], size, 0.5)
    referral["PrimReasonReferralMH"] = draw.code(["01", "02", "05", "18"], size, 0.05, 0.3)
    referral["ClinRespPriorityType"] = draw.code(["1", "2", "3", "4"], size, 0.05)
    referral["ReferRejectionDate"] = draw.later(received, [0, 3, 20], 0.93)
    referral["ServDischDate"] = draw.later(received, [0, 1, 13, 90, 181, 300, 600], 0.3)
    referral["ReasonOAT"] = draw.code(["10", "11", "12"], size, 0.6)
    rows["MHS101Referral"] = referral
    rows["MHS902ServiceTeamDetails"] = pd.DataFrame(
        {"TeamID": [f"T{i}" for i in range(36)], "ServTeamTypeMH": [*TEAMS, *TEAMS[:10]]}
    )
    other = draw.some(referral[["UniqServReqID", "Person_ID"]], int(0.3 * size))
    other["ServTeamTypeMH"] = draw.code(TEAMS, len(other), 0.3)
    other["TeamID"] = draw.code([f"T{i}" for i in range(40)], len(other), 0.5)
    rows["MHS102OtherServiceType"] = other
    contact = draw.some(
        referral[
            [
                "UniqServReqID",
                "Person_ID",
                "ReferralRequestReceivedDate",
                "ReferralRequestReceivedTime",
                "ServTeamTypeMH",
            ]
        ],
        5 * size,
    )
    received = contact.pop("ReferralRequestReceivedDate")
    contact["CareContDate"] = draw.later(received, [-1, 0, 0, 1, 3, 14, 14, 15, 40, 60, 170, 180, 200, 365, 366, 400])
    contact["AttendStatus"] = draw.code(["5", "6", "2", "3", "4", "7"], len(contact), 0.02, 0.5)
    contact["ConsMechanismMH"] = draw.code(MECHANISM, len(contact), 0.03, 0.3)
    contact["InterpreterPresentInd"] = draw.code(["4", "1", "2", "3", "5", "X", "Y", "N"], len(contact), 0.2)
    time, contact["CareContTime"] = contact.pop("ReferralRequestReceivedTime"), draw.time(len(contact))
    contact.loc[draw.rng.random(len(contact)) < 0.1, "CareContTime"] = time  # at the very minute of the referral
    contact["ContactTeamTypeMH"] = draw.code(["A14", "A06", "C02"], len(contact), 0.8)
    contact = contact.drop(columns="ServTeamTypeMH").dropna(subset="CareContDate").reset_index(drop=True)
    rows["MHS201CareContact"] = contact
    indirect = draw.some(referral[["UniqServReqID", "Person_ID", "ReferralRequestReceivedDate"]], size // 2)
    indirect["IndirectActDate"] = draw.later(indirect.pop("ReferralRequestReceivedDate"), [0, 0, 2, 30, 200])
    indirect["IndirectActTime"] = draw.time(len(indirect))
    rows["MHS204IndirectActivity"] = indirect.dropna(subset="IndirectActDate").reset_index(drop=True)
    coordinator = draw.some(
        referral.loc[referral["ServTeamTypeMH"].eq("A14"), ["Person_ID", "ReferralRequestReceivedDate"]], size // 12
    )
    start = draw.later(coordinator.pop("ReferralRequestReceivedDate"), [-30, 0, 13, 14, 15, 40])
    coordinator["StartDateAssCareCoord"] = start
    coordinator["EndDateAssCareCoord"] = draw.later(start, [0, 20, 200], 0.5)
    coordinator["CareProfServOrTeamTypeAssoc"] = draw.code(["A14", "A06"], len(coordinator), 0.05, 0.7)
    rows["MHS006MHCareCoord"] = coordinator.dropna(subset="StartDateAssCareCoord").reset_index(drop=True)
    score = draw.some(contact[["UniqServReqID", "Person_ID", "CareContDate"]], size)
    score["AssToolCompDate"] = draw.later(score.pop("CareContDate"), [-20, 0, 0, 1, 30])
    score["CodedAssToolType"] = draw.code(["REQOL10", "SDQ", "DIALOG"], len(score), 0, 0.4)
    score["PersScore"] = draw.rng.integers(0, 41, len(score))
    same = [
        "UniqServReqID",
        "AssToolCompDate",
        "CodedAssToolType",
    ]  # two scores of one day: which is first, nobody knows
    rows["MHS606CodedScoreAssessmentRefer"] = score.dropna().drop_duplicates(same).reset_index(drop=True)


def _hospital(rows: dict, person: pd.DataFrame, draw: Draw) -> None:
    referral = rows["MHS101Referral"]
    spell = draw.some(person, int(0.7 * len(person)))
    again = draw.some(spell, len(spell) // 5)
    spell = pd.concat([spell, again], ignore_index=True)
    size = len(spell)
    start = draw.days(size)
    spell.insert(0, "UniqHospProvSpellID", [f"S{i}" for i in range(size)])
    spell["StartDateHospProvSpell"] = start
    spell["DischDateHospProvSpell"] = draw.later(start, [0, 1, 5, 17, 59, 60, 61, 89, 90, 91, 200], 0.05)
    # a stay that begins again on, or soon after, the day on which the person left
    left = spell.groupby("Person_ID")["DischDateHospProvSpell"].shift()
    soon = left.notna() & (draw.rng.random(size) < 0.7)
    spell.loc[soon, "StartDateHospProvSpell"] = draw.later(left, [0, 1, 2, 3, 4, 29, 30, 31])[soon]
    spell = spell.dropna(subset="StartDateHospProvSpell").reset_index(drop=True)
    size, start = len(spell), spell["StartDateHospProvSpell"]
    spell["DischDateHospProvSpell"] = draw.later(start, [0, 1, 5, 17, 59, 60, 61, 89, 90, 91, 200], 0.05)
    spell["MethAdmMHHospProvSpell"] = draw.code(METHOD, size)
    spell["SourceAdmMHHospProvSpell"] = draw.code(SOURCE, size, 0.05, 0.5)
    gone = spell["DischDateHospProvSpell"].notna()
    spell["DestOfDischHospProvSpell"] = draw.code(DEST, size, 0.05, 0.5).where(gone, None)
    spell["MethOfDischMHHospProvSpell"] = draw.code(["1", "2", "3", "4", "5"], size, 0.05, 0.7).where(gone, None)
    spell["StartTimeHospProvSpell"] = draw.time(size)
    spell["DischTimeHospProvSpell"] = draw.time(size).where(gone, None)
    own = draw.some(referral[["UniqServReqID", "Person_ID"]], size).set_index("Person_ID")["UniqServReqID"]
    own = own[~own.index.duplicated()]
    spell["UniqServReqID"] = spell["Person_ID"].map(own)
    rows["MHS501HospProvSpell"] = spell
    ward = spell[["UniqHospProvSpellID", "Person_ID", "StartDateHospProvSpell", "DischDateHospProvSpell"]]
    moved = ward["StartDateHospProvSpell"] + pd.to_timedelta(draw.rng.choice([0, 1, 10, 60], size), unit="D")
    end = ward["DischDateHospProvSpell"].fillna(LAST)
    twice = (draw.rng.random(size) < 0.4) & (moved <= end)
    first = pd.DataFrame(
        {
            **ward[["UniqHospProvSpellID", "Person_ID"]],
            "StartDateWardStay": ward["StartDateHospProvSpell"],
            "EndDateWardStay": moved.where(twice, ward["DischDateHospProvSpell"]),
        }
    )
    late = draw.rng.random(size) < 0.04  # a ward stay closed a day before the discharge, so that none ends on its day
    first.loc[late & ~twice & (end > ward["StartDateHospProvSpell"]), "EndDateWardStay"] -= pd.Timedelta(days=1)
    second = first[twice].assign(
        StartDateWardStay=moved[twice], EndDateWardStay=ward.loc[twice, "DischDateHospProvSpell"]
    )
    stay = pd.concat([first[draw.rng.random(size) > 0.02], second], ignore_index=True)
    stay = stay.sample(frac=1, random_state=3, ignore_index=True)
    new = stay["StartDateWardStay"] >= pd.Timestamp("2024-04-01")
    bed = [draw.code(BEDS[version], len(stay), 0.03, 0.35) for version in (5, 6)]
    stay["MHAdmittedPatientClass"] = bed[0].where(~new, bed[1])
    stay.loc[draw.rng.random(len(stay)) < 0.02, "EndDateWardStay"] = pd.NaT  # left open in a stay that may have ended
    stay["SiteIDOfWard"] = draw.code(["RX101", "RX102"], len(stay))
    rows["MHS502WardStay"] = stay
    _afterwards(rows, draw)
    onward = draw.some(spell[["Person_ID", "StartDateHospProvSpell", "DischDateHospProvSpell"]], size // 10)
    begin = draw.later(onward.pop("StartDateHospProvSpell"), [-1, 0, 5])
    onward["OnwardReferDate"] = onward.pop("DischDateHospProvSpell").where(draw.rng.random(len(onward)) < 0.4, begin)
    rows["MHS105OnwardReferral"] = onward.dropna().reset_index(drop=True)
    delay = draw.some(spell, size // 4)
    start = draw.later(delay["StartDateHospProvSpell"], [0, 3, 30])
    delay = delay[["UniqHospProvSpellID", "Person_ID"]].assign(
        StartDateClinReadyforDisch=start, EndDateClinReadyforDisch=draw.later(start, [0, 1, 2, 14, 100], 0.15)
    )
    delay = delay.dropna(subset="StartDateClinReadyforDisch")
    follow = draw.some(delay.dropna(), len(delay) // 5)
    start = draw.later(follow["EndDateClinReadyforDisch"], [0, 1, 2])
    follow = follow.assign(StartDateClinReadyforDisch=start, EndDateClinReadyforDisch=draw.later(start, [1, 9, 40]))
    delay = pd.concat([delay, follow.dropna(subset="StartDateClinReadyforDisch")])
    same = ["UniqHospProvSpellID", "StartDateClinReadyforDisch"]
    rows["MHS518ClinReadyforDischarge"] = delay.drop_duplicates(same).reset_index(drop=True)


def _afterwards(rows: dict, draw: Draw) -> None:
    """Add contacts on the days around discharge and 3 and 365 days before admission."""
    spell, contact = rows["MHS501HospProvSpell"], rows["MHS201CareContact"]
    own = rows["MHS101Referral"].drop_duplicates("Person_ID").set_index("Person_ID")["UniqServReqID"]
    for day, steps in (
        ("DischDateHospProvSpell", [0, 1, 2, 3, 4, 30]),
        ("StartDateHospProvSpell", [-366, -365, -3, -2]),
    ):
        near = spell[spell["Person_ID"].isin(own.index)].dropna(subset=day).sample(frac=0.5, random_state=11)
        near = near[["Person_ID", day]].reset_index(drop=True)
        near["CareContDate"] = draw.later(near.pop(day), steps)
        near["UniqServReqID"] = near["Person_ID"].map(own)
        near["AttendStatus"] = draw.code(["5", "6", "3"], len(near), 0.02, 0.5)
        near["ConsMechanismMH"] = draw.code(MECHANISM, len(near), 0.03, 0.5)
        contact = pd.concat([contact, near.dropna(subset="CareContDate")], ignore_index=True)
    rows["MHS201CareContact"] = contact


def _act(rows: dict, draw: Draw) -> None:
    spell = rows["MHS501HospProvSpell"]
    chosen = draw.some(spell, int(0.6 * len(spell)))[["Person_ID", "StartDateHospProvSpell", "StartTimeHospProvSpell"]]
    chosen = chosen.drop_duplicates(["Person_ID", "StartDateHospProvSpell"]).reset_index(drop=True)
    day, time, made, size = chosen["StartDateHospProvSpell"], chosen["StartTimeHospProvSpell"], [], len(chosen)
    start = draw.later(day, [-40, -6, -5, -2, -1, 0, 0, 0, 0, 0, 1, 2, 10])
    common = ["02", "03", "20", "05", "04", "06", "19", "01"]
    code = draw.code(common, size, 0, 0.3).where(draw.rng.random(size) < 0.6, draw.code(LEGAL, size, 0))
    for _ in range(4):  # a chain of periods: each begins soon after the one before
        held = pd.DataFrame({"Person_ID": chosen["Person_ID"], "LegalStatusCode": code})
        held["StartDateMHActLegalStatusClass"] = start
        at = draw.time(size)
        held["StartTimeMHActLegalStatusClass"] = at.where(draw.rng.random(size) < 0.7, time)
        held["EndDateMHActLegalStatusClass"] = draw.later(start, [0, 0, 1, 1, 3, 10, 28, 100], 0.06)
        held["ExpiryDateMHActLegalStatusClass"] = draw.later(start, [0, 1, 3, 28, 182], 0.6)
        made.append(held)
        start = draw.later(held["EndDateMHActLegalStatusClass"], [-1, 0, 0, 0, 1, 1, 1, 2, 30])
        after = {"02": "03", "03": "03", "20": "02", "19": "03", "06": "05", "05": "02", "04": "02", "07": "10"}
        code = code.map(after).where(draw.rng.random(size) < 0.6, draw.code(LEGAL, size, 0)).fillna("02")
        start = start.where(draw.rng.random(size) < 0.55)
    held = pd.concat(made).dropna(subset="StartDateMHActLegalStatusClass").sample(frac=1, random_state=5)
    held = held.reset_index(drop=True)
    same = ["Person_ID", "StartDateMHActLegalStatusClass", "LegalStatusCode"]
    double = draw.some(held, len(held) // 50)  # the same period under a second identifier
    held = pd.concat([held.drop_duplicates(same), double.drop_duplicates(same)], ignore_index=True)
    held.insert(0, "UniqMHActEpisodeID", [f"M{i}" for i in range(len(held))])
    rows["MHS401MHActPeriod"] = held
    rests = held[held["LegalStatusCode"].isin(["03", "09", "10", "15", "16"])]
    order = draw.some(rests, len(rests) // 2).drop_duplicates("UniqMHActEpisodeID").reset_index(drop=True)
    start = draw.later(order["StartDateMHActLegalStatusClass"], [1, 10, 60])
    back = draw.later(order["StartDateMHActLegalStatusClass"], [-90, -10, -1])  # an order that was there before
    start = start.where(draw.rng.random(len(order)) < 0.5, back)
    at = order["StartDateMHActLegalStatusClass"]
    end = draw.later(at, [-1, 0, 0, 1, 2]).where(
        draw.rng.random(len(order)) < 0.5, draw.later(start, [0, 30, 400], 0.2)
    )
    order = order[["UniqMHActEpisodeID", "Person_ID"]].assign(
        StartDateCommTreatOrd=start, EndDateCommTreatOrd=end.where(end >= start)
    )
    order["CommTreatOrdEndReason"] = draw.code(["02", "01", "03"], len(order), 0.05, 0.5)
    order["CommTreatOrdEndReason"] = order["CommTreatOrdEndReason"].where(order["EndDateCommTreatOrd"].notna(), None)
    order = order.dropna(subset="StartDateCommTreatOrd").reset_index(drop=True)
    twice = draw.some(order, len(order) // 20).drop_duplicates("UniqMHActEpisodeID")
    twice["UniqMHActEpisodeID"] += "b"  # the same order under a second identifier
    rows["MHS404CommTreatOrder"] = order = pd.concat([order, twice], ignore_index=True)
    recall = draw.some(order, len(order) // 3)
    recall["StartDateCommTreatOrdRecall"] = draw.later(recall["StartDateCommTreatOrd"], [0, 20, 300])
    columns = ["UniqMHActEpisodeID", "Person_ID", "StartDateCommTreatOrdRecall"]
    rows["MHS405CommTreatOrderRecall"] = recall[columns].dropna().reset_index(drop=True)
    freed = draw.some(held[held["LegalStatusCode"].isin(["09", "10", "15", "16", "03"])], len(rests) // 8)
    freed = freed.drop_duplicates("UniqMHActEpisodeID").reset_index(drop=True)
    end = draw.later(freed["StartDateMHActLegalStatusClass"], [-1, 0, 1, 5], 0.2)
    freed = freed[["UniqMHActEpisodeID", "Person_ID"]].assign(
        StartDateMHCondDisch=freed["StartDateMHActLegalStatusClass"] - pd.Timedelta(days=60), EndDateMHCondDisch=end
    )
    freed["CondDischEndReason"] = draw.code(["02", "01"], len(freed)).where(end.notna(), None)
    rows["MHS403ConditionalDischarge"] = freed


def _force(rows: dict, draw: Draw) -> None:
    spell = rows["MHS501HospProvSpell"]
    force = draw.some(spell, len(spell))[["Person_ID", "StartDateHospProvSpell"]]
    start = draw.later(force.pop("StartDateHospProvSpell"), [-1, 0, 0, 1, 4, 16, 60])
    size = len(force)
    force["UniqRestrictiveIntIncID"] = [f"I{i}" for i in draw.rng.integers(0, size, size)]
    force["RestrictiveIntType"] = draw.code(TYPES, size, 0)
    force["StartDateRestrictiveIntType"] = start
    force["EndDateRestrictiveIntType"] = draw.later(start, [0, 0, 0, 0, 1, 2, 30, 400], 0.05)
    force["StartTimeRestrictiveIntType"], force["EndTimeRestrictiveIntType"] = (
        draw.time(size, 0.1),
        draw.time(size, 0.1),
    )
    force["RestraintInjuryPatient"] = draw.code(["N", "Y"], size, 0.2, 0.5)
    force["InCarePlan"] = draw.code(["Y", "N"], size, 0.2, 0.5)
    force["UniqRestrictiveIntIncID"] = force["Person_ID"] + force["UniqRestrictiveIntIncID"]
    force = force.dropna(subset="StartDateRestrictiveIntType")
    more = draw.some(force, size // 3).assign(RestrictiveIntType=lambda f: draw.code(TYPES, len(f), 0))
    force = pd.concat([force, more])
    rows["MHS515RestrictiveInterventType"] = force.drop_duplicates(
        ["UniqRestrictiveIntIncID", "RestrictiveIntType"]
    ).reset_index(drop=True)


def _local(rows: dict, person: pd.DataFrame, draw: Draw) -> None:
    def some(share: float, day: str) -> pd.DataFrame:
        frame = draw.some(person, int(share * len(person)))
        return frame.assign(**{day: draw.days(len(frame))})

    therapy = some(0.5, "ReferralRequestReceivedDate")
    received, size = therapy["ReferralRequestReceivedDate"], len(therapy)
    therapy["TherapySession_FirstDate"] = draw.later(received, [0, 20, 90], 0.2)
    therapy["ServDischDate"] = draw.later(received, [0, 60, 200, 400], 0.2)
    for flag in (
        "CompletedTreatment",
        "UsePathway",
        "NotCaseness",
        "Recovery",
        "ReliableImprovement",
        "ReliableDeterioration",
    ):
        therapy[f"{flag}_Flag"] = draw.code(["Y", "N"], size, 0.1, 0.4 if flag != "NotCaseness" else 0)
    rows["IDS101Referral"] = therapy
    answer = some(0.3, "ResponseDate")
    answer["Question"] = draw.code(["FFT", "SURVEY", "COMPLAINT"], len(answer), 0)
    answer["Positive"] = draw.code(["Y", "N"], len(answer), 0)
    rows["Experience"] = answer
    rows["Invitation"] = some(0.3, "InvitedDate").assign(Answered=lambda f: draw.code(["Y", "N"], len(f), 0))
    complaint = some(0.3, "ReceivedDate")
    complaint["Kind"] = draw.code(["COMPLAINT", "PALS"], len(complaint), 0)
    complaint["Upheld"] = draw.code(["Y", "P", "N"], len(complaint), 0.2)
    rows["Complaint"] = complaint
    carer = some(0.3, "RecordedDate")
    carer["HasCarer"] = draw.code(["Y", "N"], len(carer), 0)
    carer["AssessmentOffered"] = draw.code(["Y", "N"], len(carer), 0.2)
    rows["Carer"] = carer
    away = some(0.2, "StartDate")
    away["EndDate"] = draw.later(away["StartDate"], [0, 30], 0.2)
    rows["OutOfAreaPlacement"] = away.assign(Inappropriate=draw.code(["Y", "N"], len(away), 0))


def _people(rows: dict, person: pd.DataFrame, draw: Draw) -> pd.DataFrame:
    """Return one to three submissions of each person; birthdays fall on the days that count, deaths at the edges."""
    size, named = len(person), person["Person_ID"]
    age = np.where(draw.rng.random(size) < 0.4, draw.rng.uniform(8, 21, size), draw.rng.uniform(16, 92, size))
    birth = pd.Series(pd.Timestamp("2023-04-01") - pd.to_timedelta((age * 365.25).astype(int), unit="D"))
    for table, column, limits in (
        ("MHS101Referral", "ReferralRequestReceivedDate", [16, 18]),
        ("MHS201CareContact", "CareContDate", [18]),
        ("MHS501HospProvSpell", "DischDateHospProvSpell", [18, 65]),
    ):
        day = named.map(rows[table].dropna(subset=column).groupby("Person_ID")[column].first())
        years = pd.Series(draw.rng.choice(limits, size))
        shift = draw.rng.choice([-1, 0, 0, 1, 20], size)
        exact = pd.to_datetime(
            {"year": day.dt.year.fillna(2000) - years, "month": day.dt.month.fillna(1), "day": day.dt.day.fillna(1)},
            errors="coerce",
        ) + pd.to_timedelta(shift, unit="D")
        birth = exact.where((draw.rng.random(size) < 0.15) & day.notna() & exact.notna(), birth)
    leap = pd.to_datetime(pd.Series(draw.rng.choice(["2004-02-29", "2008-02-29", "1960-02-29", "1956-02-29"], size)))
    birth = birth.where(draw.rng.random(size) >= 0.03, leap)
    left = named.map(rows["MHS501HospProvSpell"].groupby("Person_ID")["DischDateHospProvSpell"].max())
    death = draw.later(left, [-1, 0, 1, 3, 4, 30, 365, 366], 0.85)
    people = pd.DataFrame(
        {
            "Person_ID": named,
            "EthnicCategory": draw.code([*GROUPS, "Z", "99"], size, 0.04, 0.2),
            "Gender": draw.code(["2", "1", "3", "4", "9", "X", "Z"], size, 0.02, 0.35).where(
                draw.rng.random(size) < 0.7, "1"
            ),
            "PersonBirthDate": birth.where(draw.rng.random(size) > 0.02),
            "LSOA2021": draw.code([*(f"E01{i:06d}" for i in range(50)), "E01999999"], size, 0.03),
            "LanguageCodePreferred": draw.code(["en", "pl", "ur", "so"], size, 0.05, 0.4),
            "GenderSameAtBirth": draw.code(["Y", "N", "X", "Z"], size, 0.1, 0.5),
            "PersDeathDate": death,
            "UniqMonthID": 1500,
        }
    )
    before = [
        people.sample(frac=0.4, random_state=9 + back).assign(
            UniqMonthID=1500 - 7 * back,
            EthnicCategory=lambda f: draw.code([*GROUPS, "Z", "99"], len(f), 0.1).to_numpy(),
            PersDeathDate=pd.NaT,
        )
        for back in (1, 2)
    ]
    return pd.concat([people, *before], ignore_index=True)


def residents() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tables of residents and of areas that this Trust brings itself."""
    names = [f"{low}-{high - 1}" for low, high in pairwise(BANDS)] + [f"{BANDS[-1]}+"]
    cells = [(g, s, b, q) for g in GROUPS.values() for s in ("Female", "Male") for b in names for q in range(1, 6)]
    population = pd.DataFrame(cells, columns=["ethnic_group", "sex", "age_band", "imd_quintile"])
    population["residents"] = 100 + np.arange(len(population)) % 37
    areas = pd.DataFrame({"lsoa": [f"E01{i:06d}" for i in range(50)], "imd_quintile": [1 + i % 5 for i in range(50)]})
    return population, areas


# --- written down -----------------------------------------------------------------------------------------------------

FORMS = ["%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%Y%m%d", "%d-%b-%Y", "%d %B %Y", "%Y-%m-%d 00:00:00", "%Y-%m-%dT09:30:00"]


def written(rows: dict[str, pd.DataFrame], seed: int = 21) -> dict[str, pd.DataFrame]:
    """Write the records down as text, with earlier submissions, repeats and rows that cannot be used."""
    draw, made = Draw(seed), {}
    for name, frame in rows.items():
        frame = frame.copy()
        dates = [c for c in frame if pd.api.types.is_datetime64_any_dtype(frame[c])]
        if name != "MHS001MPI":
            frame = _submissions(frame, name, dates, draw)
        for column in dates:
            frame[column] = _days(frame[column], column, draw)
        for column in set(frame) - set(dates) - {"UniqMonthID", "PersScore"}:
            if "ID" not in column:
                text = frame[column]
                frame[column] = text.where(draw.rng.random(len(text)) >= 0.03, " " + text + " ")
        frame = frame.astype("object").where(frame.notna(), "")
        made[name] = frame.astype(str).sample(frac=1, random_state=seed, ignore_index=True)
    made["Population"], made["Areas"] = residents()
    return made


def _submissions(frame: pd.DataFrame, name: str, dates: list[str], draw: Draw) -> pd.DataFrame:
    """Add earlier submissions that say something else, repeats, people nobody knows, ends before starts."""
    frame = frame.assign(UniqMonthID=1500)
    old = frame.sample(frac=0.12, random_state=1).assign(UniqMonthID=1490)
    for column in set(old) - {KEYS[name], "Person_ID", "UniqMonthID", *dates}:
        if "ID" not in column:
            old[column] = old[column].sample(frac=1, random_state=2).to_numpy()
    for column in dates[1:]:
        old[column] = old[column].where(draw.rng.random(len(old)) < 0.5, old[dates[0]] + pd.Timedelta(days=5))
        old[column] = old[column].where(old[column] >= old[dates[0]])
    extra = [frame, old, frame.sample(frac=0.03, random_state=4)]
    if "Person_ID" in frame:
        lost = frame.sample(frac=0.01, random_state=5)
        extra.append(lost.assign(**{KEYS[name]: lost[KEYS[name]] + "x", "Person_ID": "P1"}))
    if len(dates) > 1 and name not in ("MHS101Referral", "IDS101Referral", "MHS401MHActPeriod"):
        wrong = frame.sample(frac=0.01, random_state=6)  # ends before it starts: the row is left out
        wrong[dates[1]] = wrong[dates[0]] - pd.Timedelta(days=3)
        extra.append(wrong.assign(**{KEYS[name]: wrong[KEYS[name]] + "y"}))
    return pd.concat(extra, ignore_index=True)


def _days(day: pd.Series, column: str, draw: Draw) -> pd.Series:
    """Return days in several forms; some of those that are missing as stand-in dates."""
    text, form = pd.Series("", index=day.index, dtype="object"), draw.rng.integers(0, len(FORMS), len(day))
    for number, pattern in enumerate(FORMS):
        chosen = (form == number) & day.notna()
        text[chosen] = day[chosen].dt.strftime(pattern)
    stand_in = pd.Series(draw.rng.choice(STAND_IN[:4] if "Birth" in column else STAND_IN, len(day)), index=day.index)
    return text.where(day.notna(), stand_in.where(draw.rng.random(len(day)) < 0.05, ""))


def write_folder(tables: dict[str, pd.DataFrame], folder: Path, parquet: bool = False) -> None:
    """Write the tables as CSV or Parquet files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in tables.items():
        if parquet:
            frame.to_parquet(folder / f"{name}.parquet", index=False)
        else:
            frame.to_csv(folder / f"{name}.csv", index=False, encoding="utf-8", lineterminator="\n")


def write_duckdb(tables: dict[str, pd.DataFrame], path: Path) -> None:
    """Write the tables into a DuckDB file."""
    import duckdb

    with duckdb.connect(str(path)) as connection:
        for name, frame in tables.items():
            connection.register("frame", frame)
            connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM frame')
            connection.unregister("frame")


def write_postgres(tables: dict[str, pd.DataFrame], address: str, schema: str) -> None:
    """Write the tables into a schema of a PostgreSQL server, all columns as text."""
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        for name, frame in tables.items():
            columns = ", ".join(f'"{column}" text' for column in frame)
            connection.execute(f'CREATE TABLE {schema}."{name}" ({columns})')
            with connection.cursor().copy(f'COPY {schema}."{name}" FROM STDIN') as copy:
                for row in frame.astype(str).itertuples(index=False):
                    copy.write_row(row)
