"""Details of the invented Trust that NHS measures ask for: mechanisms, sources, times, coordinators, local records.

Drawn last and from a generator of their own, alike for every ethnic group, so that no planted gap hangs on them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from pcref_analysis.synthetic.demo_people import BEGIN, END, days, ids

SEEN = ("5", "6")
Frames = dict[str, pd.DataFrame]


def add(seed: int, made: Frames) -> Frames:
    """Return the tables of the invented Trust with the columns and tables that were not drawn before."""
    rng = np.random.default_rng((seed, 15))
    made = dict(made)
    made["MHS001MPI"] = made["MHS001MPI"].assign(EthnicCategory2021=None, GenderSameAtBirth=None)
    made["MHS101Referral"] = referrals = _referrals(rng, made["MHS101Referral"])
    made["MHS201CareContact"] = contacts = _contacts(rng, made["MHS201CareContact"])
    made |= _teams(rng, referrals, contacts)
    act = made["MHS401MHActPeriod"]
    made["MHS401MHActPeriod"] = act.assign(ExpiryDateMHActLegalStatusClass=pd.NaT, StartTimeMHActLegalStatusClass=None)
    orders = made["MHS404CommTreatOrder"]
    made["MHS405CommTreatOrderRecall"] = _recalls(rng, orders)
    made["MHS501HospProvSpell"] = _spells(rng, made["MHS501HospProvSpell"])
    made["MHS515RestrictiveInterventType"] = _force(rng, made["MHS515RestrictiveInterventType"])
    therapy = made["IDS101Referral"]
    done = therapy["ReliableImprovement_Flag"].notna()
    worse = done & (therapy["ReliableImprovement_Flag"] == "N") & (rng.random(len(therapy)) < 0.12)
    flag = pd.Series(np.where(worse, "Y", "N"), index=therapy.index).where(done)
    made["IDS101Referral"] = therapy.assign(UsePathway_Flag="Y", ReliableDeterioration_Flag=flag)
    return made | _local(rng, contacts)


def _some(rng: np.random.Generator, frame: pd.DataFrame, share: float) -> pd.DataFrame:
    return frame[rng.random(len(frame)) < share].reset_index(drop=True)


def _clock(rng: np.random.Generator, n: int) -> list[str]:
    return [f"{m // 60:02d}:{m % 60:02d}" for m in rng.integers(8 * 60, 20 * 60, n).tolist()]


def _referrals(rng: np.random.Generator, table: pd.DataFrame) -> pd.DataFrame:
    n, psychosis = len(table), table["ServTeamTypeMH"] == "A14"
    reason = np.where(psychosis & (rng.random(n) < 0.9), "01", rng.choice(["04", "10", "12"], n))
    return table.assign(
        ReferralRequestReceivedTime=_clock(rng, n),
        PrimReasonReferralMH=reason,
        ClinRespPriorityType=rng.choice(["2", "3", "4"], n, p=[0.3, 0.5, 0.2]),
        ReasonOAT=None,
    )


def _contacts(rng: np.random.Generator, table: pd.DataFrame) -> pd.DataFrame:
    """Write how contacts were made; e-mails and texts from the third of a referral on, so that waits stay as drawn."""
    n = len(table)
    late = table.groupby("UniqServReqID").cumcount().to_numpy() >= 4
    how = rng.choice(["01", "02", "11"], n, p=[0.62, 0.23, 0.15])
    how = np.where(late & (rng.random(n) < 0.06), rng.choice(["05", "09"], n), how)
    before = (table["CareContDate"] < np.datetime64("2021-10-01")).to_numpy()
    how = np.where(before & (how == "11"), "03", np.where(before & (how == "09"), "06", how))
    yes, no = table["InterpreterPresentInd"] == "Y", table["InterpreterPresentInd"] == "N"
    kind = np.select(
        [yes, no], [rng.choice(["1", "2", "3"], n, p=[0.8, 0.15, 0.05]), rng.choice(["4", "5"], n, p=[0.4, 0.6])], ""
    )
    times = _clock(rng, n)
    interpreter = pd.Series(kind, index=table.index).where(yes | no)
    return table.assign(
        InterpreterPresentInd=interpreter, ConsMechanismMH=how, CareContTime=times, ContactTeamTypeMH=None
    )


def _teams(rng: np.random.Generator, referrals: pd.DataFrame, contacts: pd.DataFrame) -> Frames:
    more = _some(rng, referrals, 0.02)
    ours = referrals[referrals["ServTeamTypeMH"] == "A14"].reset_index(drop=True)
    seen = contacts[contacts["AttendStatus"].isin(SEEN)].groupby("UniqServReqID")["CareContDate"].min()
    first = ours["UniqServReqID"].map(seen).fillna(ours["ReferralRequestReceivedDate"])
    types = referrals[["TeamID", "ServTeamTypeMH"]].drop_duplicates("TeamID").sort_values("TeamID")
    some = _some(rng, contacts, 0.02)
    return {
        "MHS006MHCareCoord": pd.DataFrame(
            {
                "CareCoordID": ids("Q", len(ours)),
                "Person_ID": ours["Person_ID"],
                "StartDateAssCareCoord": first + days(rng.integers(0, 6, len(ours))),
                "EndDateAssCareCoord": pd.NaT,
                "CareProfServOrTeamTypeAssoc": "A14",
            }
        ),
        "MHS102OtherServiceType": pd.DataFrame(
            {
                "OtherServiceID": ids("T", len(more)),
                "UniqServReqID": more["UniqServReqID"],
                "Person_ID": more["Person_ID"],
                "ServTeamTypeMH": "A12",
                "TeamID": None,
            }
        ),
        "MHS902ServiceTeamDetails": types.reset_index(drop=True),
        "MHS105OnwardReferral": pd.DataFrame(
            {
                "OnwardReferID": ids("N", len(more)),
                "Person_ID": more["Person_ID"],
                "OnwardReferDate": more["ReferralRequestReceivedDate"] + np.timedelta64(3, "D"),
            }
        ),
        "MHS204IndirectActivity": pd.DataFrame(
            {
                "UniqIndirectActID": ids("X", len(some)),
                "UniqServReqID": some["UniqServReqID"],
                "Person_ID": some["Person_ID"],
                "IndirectActDate": some["CareContDate"],
                "IndirectActTime": None,
            }
        ),
    }


def _recalls(rng: np.random.Generator, orders: pd.DataFrame) -> pd.DataFrame:
    back = _some(rng, orders[orders["EndDateCommTreatOrd"].notna()], 0.6)
    return pd.DataFrame(
        {
            "RecallID": ids("L", len(back)),
            "UniqMHActEpisodeID": back["UniqMHActEpisodeID"],
            "Person_ID": back["Person_ID"],
            "StartDateCommTreatOrdRecall": back["EndDateCommTreatOrd"],
        }
    )


def _spells(rng: np.random.Generator, table: pd.DataFrame) -> pd.DataFrame:
    n, moved = len(table), table["MethAdmMHHospProvSpell"] == "81"
    died = table["DestOfDischHospProvSpell"] == "79"
    method = pd.Series(np.where(died, "4", "1"), index=table.index).where(table["DischDateHospProvSpell"].notna())
    return table.assign(
        SourceAdmMHHospProvSpell=np.where(moved, "53", rng.choice(["19", "29"], n, p=[0.97, 0.03])),
        MethOfDischMHHospProvSpell=method,
        UniqServReqID=None,
        StartTimeHospProvSpell=None,
        DischTimeHospProvSpell=None,
    )


def _force(rng: np.random.Generator, table: pd.DataFrame) -> pd.DataFrame:
    n = len(table)
    long = table["RestrictiveIntType"].isin(["05", "06"]).to_numpy()
    start = rng.integers(0, 1200, n)
    lasts = np.where(long, rng.integers(30, 200, n), rng.integers(1, 40, n))
    end = start + lasts
    clock = [[f"{m % 1440 // 60:02d}:{m % 60:02d}" for m in part] for part in (start, end)]
    return table.assign(
        EndDateRestrictiveIntType=table["StartDateRestrictiveIntType"] + days(end // 1440),
        StartTimeRestrictiveIntType=clock[0],
        EndTimeRestrictiveIntType=clock[1],
        RestraintInjuryPatient=np.where(rng.random(n) < 0.06, "Y", "N"),
        InCarePlan=np.where(rng.random(n) < 0.55, "Y", "N"),
    )


def _local(rng: np.random.Generator, contacts: pd.DataFrame) -> Frames:
    """Draw what MHSDS does not hold: invitations, complaints, carers, placements elsewhere."""
    seen = contacts[contacts["AttendStatus"].isin(SEEN) & (contacts["CareContDate"] >= BEGIN)]
    asked, unhappy, cared, away = (_some(rng, seen, share) for share in (0.08, 0.012, 0.03, 0.004))
    return {
        "Invitation": pd.DataFrame(
            {
                "InvitationID": ids("V", len(asked)),
                "Person_ID": asked["Person_ID"],
                "InvitedDate": asked["CareContDate"],
                "Answered": np.where(rng.random(len(asked)) < 0.22, "Y", "N"),
            }
        ),
        "Complaint": pd.DataFrame(
            {
                "ComplaintID": ids("B", len(unhappy)),
                "Person_ID": unhappy["Person_ID"],
                "ReceivedDate": unhappy["CareContDate"],
                "Kind": rng.choice(["COMPLAINT", "PALS"], len(unhappy), p=[0.4, 0.6]),
                "Upheld": rng.choice(["Y", "P", "N"], len(unhappy), p=[0.2, 0.3, 0.5]),
            }
        ),
        "Carer": pd.DataFrame(
            {
                "CarerRecordID": ids("F", len(cared)),
                "Person_ID": cared["Person_ID"],
                "RecordedDate": cared["CareContDate"],
                "HasCarer": (has := np.where(rng.random(len(cared)) < 0.4, "Y", "N")),
                "AssessmentOffered": pd.Series(np.where(rng.random(len(cared)) < 0.5, "Y", "N")).where(has == "Y"),
            }
        ),
        "OutOfAreaPlacement": pd.DataFrame(
            {
                "PlacementID": ids("H", len(away)),
                "Person_ID": away["Person_ID"],
                "StartDate": away["CareContDate"],
                "EndDate": (away["CareContDate"] + days(rng.integers(5, 60, len(away)))).clip(upper=END),
                "Inappropriate": np.where(rng.random(len(away)) < 0.7, "Y", "N"),
            }
        ),
    }


TEAMS = {"A06": 9, "A05": 4, "A08": 2, "A14": 3, "A18": 2, "C10": 5, "C02": 1}  # how many of each type
SMALL = {"A08-2": 0.3, "A18-2": 0.04}  # one whose unknown are too few to show, one that is counted with others
SPREAD = 0.15  # teams differ a little in how well they record (standard deviation of the log of the odds)
ODD = {"A06-2": 2.4, "C10-3": 1.9, "A05-1": 0.45, "A08-2": 0.4}  # and these much: odds of not knowing, times others'


def teams(seed: int, referrals: pd.DataFrame, unknown: pd.Series) -> np.ndarray:
    """Return the code of each referral's team, one of its team type.

    Parameters
    ----------
    seed
        The seed of the invented Trust.
    referrals
        ``ServTeamTypeMH`` is used.
    unknown
        Whether the ethnic group of the referral's person is unknown. Who is in which team is drawn so that it is
        unknown more often where a team records badly; nobody's ethnic group changes.
    """
    rng = np.random.default_rng((seed, 102))
    out = np.empty(len(referrals), dtype=object)
    for kind, number in TEAMS.items():
        names = [f"{kind}-{turn}" for turn in range(1, number + 1)]
        size = np.linspace(1.0, 0.3, number) * [SMALL.get(name, 1.0) for name in names]
        odds = np.exp(SPREAD * rng.standard_normal(number))
        odds = np.array([ODD.get(name, own) for name, own in zip(names, odds, strict=True)])
        mine = (referrals["ServTeamTypeMH"] == kind).to_numpy()
        for share, of in ((size, mine & ~unknown.to_numpy()), (size * odds, mine & unknown.to_numpy())):
            out[of] = rng.choice(names, of.sum(), p=share / share.sum())
    return out
