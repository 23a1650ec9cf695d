"""An invented Trust as its warehouse would export it, written from docs/extract.md and the data dictionary alone.

:func:`truth` draws what happened: one row a record, contract names, days as days. :func:`clean` writes that down as the
contract wants it. :func:`messy` writes the same down as warehouses do: local names and words, a row a submission with
later corrections, stand-in dates, moments with a zone, blanks that cannot be seen. Both must give the same cells.

By hand: ``python tests/whole_way/trust.py FOLDER --people 60000 --open-data ../shared/data/open``.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

BOARD = "QUE"
FIRST, LAST = pd.Timestamp("2020-07-01"), pd.Timestamp("2024-03-31")
QUARTERS = pd.date_range("2020-09-30", "2024-03-31", freq="QE")  # fifteen submissions
SUBMISSION = 1446 + 3 * np.arange(len(QUARTERS))  # UniqMonthID of September 2020, December 2020, ...
ETHNIC = {  # code: (share of the people in contact, how a local system words it)
    "A": (0.70, "White - British"),
    "B": (0.015, "White - Irish"),
    "C": (0.06, "White - Any other White background"),
    "D": (0.015, "Mixed - White and Black Caribbean"),
    "E": (0.01, "Mixed - White and Black African"),
    "F": (0.01, "Mixed - White and Asian"),
    "G": (0.01, "Mixed - Any other mixed background"),
    "H": (0.02, "Asian or Asian British - Indian"),
    "J": (0.015, "Asian or Asian British - Pakistani"),
    "K": (0.01, "Asian or Asian British - Bangladeshi"),
    "L": (0.015, "Asian or Asian British - Any other Asian background"),
    "M": (0.02, "Black or Black British - Caribbean"),
    "N": (0.025, "Black or Black British - African"),
    "P": (0.01, "Black or Black British - Any other Black background"),
    "R": (0.01, "Other Ethnic Groups - Chinese"),
    "S": (0.01, "Other Ethnic Groups - Any other ethnic group"),
    "Z": (0.025, "Not Stated"),
    "99": (0.02, "Not Known"),
}
BLACK = ["M", "N", "P"]
SEX = {"1": "Male", "2": "Female", "3": "Non-binary", "X": "Not recorded", "Z": "Declined"}
KEYS = {  # the record's own identifier, its first day and its last
    "MHS101Referral": ("UniqServReqID", "ReferralRequestReceivedDate", "ServDischDate"),
    "MHS201CareContact": ("UniqCareContID", "CareContDate", None),
    "MHS401MHActPeriod": ("UniqMHActEpisodeID", "StartDateMHActLegalStatusClass", "EndDateMHActLegalStatusClass"),
    "MHS404CommTreatOrder": ("UniqMHActEpisodeID", "StartDateCommTreatOrd", "EndDateCommTreatOrd"),
    "MHS501HospProvSpell": ("UniqHospProvSpellID", "StartDateHospProvSpell", "DischDateHospProvSpell"),
    "MHS502WardStay": ("UniqWardStayID", "StartDateWardStay", "EndDateWardStay"),
    "MHS515RestrictiveInterventType": ("UniqRestrictiveIntTypeID", "StartDateRestrictiveIntType", None),
    "MHS606CodedScoreAssessmentRefer": ("UniqScoreID", "AssToolCompDate", None),
    "IDS101Referral": ("PathwayID", "ReferralRequestReceivedDate", "ServDischDate"),
    "Experience": ("ResponseID", "ResponseDate", None),
}


# --- what happened ----------------------------------------------------------------------------------------------------


def truth(
    people: int, homes: list[str], elsewhere: list[str], seed: int = 12, stays: float = 0.12
) -> dict[str, pd.DataFrame]:
    """Draw the Trust: contract table to frame, one row a record, dates as days, missing where there is none.

    ``homes`` are the small areas of the board, ``elsewhere`` those of other boards; ``stays`` is the mean number of
    hospital stays of a person. Events after a death do not happen.
    """
    draw = np.random.default_rng(seed)
    person = _people(people, homes, elsewhere, draw)
    referral = _referrals(person, draw)
    contact = _contacts(referral, draw)
    spell = _spells(person, stays, draw)
    tables = {
        "MHS001MPI": person,
        "MHS101Referral": referral,
        "MHS201CareContact": contact,
        "MHS501HospProvSpell": spell,
        "MHS502WardStay": _ward_stays(spell, draw),
        "MHS606CodedScoreAssessmentRefer": _scores(referral, draw),
        "IDS101Referral": _therapies(person, draw),
        "Experience": _answers(contact, draw),
    }
    tables["MHS401MHActPeriod"], tables["MHS404CommTreatOrder"] = _under_the_act(spell, person, draw)
    tables["MHS515RestrictiveInterventType"] = _interventions(tables["MHS502WardStay"], draw)
    alive = {name: _until_death(frame, person, name) for name, frame in tables.items() if name != "MHS001MPI"}
    listed = person.drop(columns=["weight"])
    return {"MHS001MPI": listed} | {name: _numbered(frame, name) for name, frame in alive.items()}


def _people(people: int, homes: list[str], elsewhere: list[str], draw: np.random.Generator) -> pd.DataFrame:
    codes, shares = list(ETHNIC), np.array([share for share, _ in ETHNIC.values()])
    ethnic = draw.choice(codes, people, p=shares / shares.sum())
    age = np.where(draw.random(people) < 0.25, draw.uniform(6, 20, people), draw.gamma(5, 9, people).clip(16, 95))
    birth = pd.Timestamp("2022-04-01") - pd.to_timedelta((age * 365.25).astype(int), unit="D")
    home = draw.choice(homes, people, p=_uneven(len(homes), draw))
    away = draw.random(people) < 0.05
    home = np.where(away, draw.choice(elsewhere, people), home)
    died = draw.random(people) < 0.02
    death = FIRST + pd.to_timedelta(draw.integers(400, (LAST - FIRST).days, people), unit="D")
    language = np.where(draw.random(people) < 0.1, draw.choice(["pl", "ur", "bn", "so", "lt"], people), "en")
    return pd.DataFrame(
        {
            "Person_ID": "N" + pd.Series(draw.permutation(people) + 40_000_000).astype(str),
            "EthnicCategory": ethnic,
            "Gender": draw.choice(list(SEX), people, p=[0.475, 0.505, 0.005, 0.01, 0.005]),
            "PersonBirthDate": pd.Series(birth).where(draw.random(people) > 0.004),
            "LSOA2021": pd.Series(home).where(draw.random(people) > 0.03),
            "LanguageCodePreferred": pd.Series(language).where(draw.random(people) > 0.04),
            "PersDeathDate": pd.Series(death).where(died),
            "weight": 1 + 1.2 * np.isin(ethnic, BLACK),
        }
    )


def _uneven(size: int, draw: np.random.Generator) -> np.ndarray:
    share = draw.gamma(2, size=size)
    return share / share.sum()


def _referrals(person: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    number = np.where(draw.random(len(person)) < 0.04, 0, 1 + draw.poisson(0.7, len(person)))  # some have none
    rows = person.loc[person.index.repeat(number), ["Person_ID", "EthnicCategory", "LanguageCodePreferred"]]
    rows = rows.reset_index(drop=True)
    size = len(rows)
    received = FIRST + pd.to_timedelta(draw.integers(0, (LAST - FIRST).days + 1, size), unit="D")
    closed = received + pd.to_timedelta(draw.gamma(1.2, 200, size).astype(int), unit="D")
    rejected = draw.random(size) < 0.05
    refused = pd.Series(received + pd.to_timedelta(draw.integers(1, 20, size), unit="D")).where(rejected)
    closed = pd.Series(closed).where(~rejected, refused)
    teams = ["A06", "A05", "A08", "A14", "A16", "C02", "C01", "A02", "A18", "A13"]
    return rows.assign(
        UniqServReqID=[f"R{i:08d}" for i in range(size)],
        ReferralRequestReceivedDate=received,
        SourceOfReferralMH=draw.choice(["A1", "B1", "H1", "F1", "D1", "E1"], size),
        ServTeamTypeMH=draw.choice(teams, size, p=[0.3, 0.1, 0.1, 0.1, 0.1, 0.06, 0.04, 0.1, 0.05, 0.05]),
        ReferRejectionDate=refused.where(refused <= LAST),
        ServDischDate=closed.where(closed <= LAST),
        TeamID=[f"T{number:02d}" for number in draw.integers(1, 9, size)],
    )


def _contacts(referral: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    taken = referral[referral["ReferRejectionDate"].isna()]
    number = draw.poisson(5, len(taken))
    rows = taken.loc[taken.index.repeat(number)].reset_index(drop=True)
    size = len(rows)
    day = rows["ReferralRequestReceivedDate"] + pd.to_timedelta(draw.gamma(1, 70, size).astype(int), unit="D")
    missed = 0.10 + 0.08 * rows["EthnicCategory"].isin(BLACK).to_numpy()
    chance = draw.random(size)
    status = np.where(chance < missed, draw.choice(["2", "3", "7"], size), draw.choice(["5", "5", "6"], size))
    status = np.where(chance > 0.95, "4", status)
    spoken = draw.choice(["Y", "N"], size, p=[0.6, 0.4])
    other = rows["LanguageCodePreferred"].notna() & (rows["LanguageCodePreferred"] != "en")
    rows = rows.assign(
        UniqCareContID=[f"C{i:09d}" for i in range(size)],
        CareContDate=day,
        AttendStatus=status,
        InterpreterPresentInd=pd.Series(spoken).where(other & (draw.random(size) < 0.9)),
    )
    kept = (day <= LAST) & ~(day > rows["ServDischDate"])
    names = ["UniqCareContID", "UniqServReqID", "Person_ID", "CareContDate", "AttendStatus", "InterpreterPresentInd"]
    return rows.loc[kept, names].reset_index(drop=True)


def _spells(person: pd.DataFrame, stays: float, draw: np.random.Generator) -> pd.DataFrame:
    number = draw.poisson(stays * person["weight"])
    rows = person.loc[person.index.repeat(number), ["Person_ID", "weight"]].reset_index(drop=True)
    size = len(rows)
    start = FIRST + pd.to_timedelta(draw.integers(0, (LAST - FIRST).days, size), unit="D")
    rows = rows.assign(StartDateHospProvSpell=start).sort_values(["Person_ID", "StartDateHospProvSpell"])
    stay = draw.gamma(1.1, 32, size).astype(int) + 1
    leave = rows["StartDateHospProvSpell"] + pd.to_timedelta(stay, unit="D")
    following = rows.groupby("Person_ID")["StartDateHospProvSpell"].shift(-1)
    clash = leave >= following  # one bed at a time
    leave = leave.where(~clash, following - pd.Timedelta(days=1))
    rows = rows.assign(
        UniqHospProvSpellID=[f"S{i:07d}" for i in range(size)],
        DischDateHospProvSpell=leave.where(leave <= LAST),
        MethAdmMHHospProvSpell=draw.choice(["11", "12", "21", "22", "2A", "28", "81"], size),
        DestOfDischHospProvSpell=pd.Series(
            draw.choice(["19", "29", "51", "53", "54"], size, p=[0.7, 0.1, 0.05, 0.05, 0.1]), index=rows.index
        ).where(leave <= LAST),
    )
    return rows[leave > rows["StartDateHospProvSpell"]].reset_index(drop=True)


def _ward_stays(spell: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    """Return one or two stays a spell, of which the second begins on the day on which the first ends."""
    spell = spell.rename(columns={"StartDateHospProvSpell": "start", "DischDateHospProvSpell": "end"})
    length = (spell["end"].fillna(LAST) - spell["start"]).dt.days
    two = (draw.random(len(spell)) < 0.3) & (length > 4)
    moved = spell["start"] + pd.to_timedelta((length * draw.uniform(0.2, 0.8, len(spell))).astype(int), unit="D")
    first = spell.assign(end=spell["end"].where(~two, moved))
    stays = pd.concat([first, spell.assign(start=moved)[two]], ignore_index=True)
    size = len(stays)
    return pd.DataFrame(
        {
            "UniqWardStayID": [f"W{i:07d}" for i in range(size)],
            "UniqHospProvSpellID": stays["UniqHospProvSpellID"],
            "Person_ID": stays["Person_ID"],
            "StartDateWardStay": stays["start"],
            "EndDateWardStay": stays["end"],
            "MHAdmittedPatientClass": draw.choice(["200", "201", "202", "212"], size, p=[0.6, 0.15, 0.15, 0.1]),
            "SiteIDOfWard": draw.choice(["RX901", "RX902", "RX903"], size),
        }
    )


def _under_the_act(
    spell: pd.DataFrame, person: pd.DataFrame, draw: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return periods under the Act, of many categories, and community treatment orders.

    Of the stays: a place of safety first, an admission under section 2 or 3, an informal start with a holding order, a
    court order, a move from elsewhere. Then section 3 after 2, and its renewal. And periods that belong to no stay.
    """
    day = pd.Timedelta(days=1)
    spell = spell.rename(columns={"StartDateHospProvSpell": "start", "DischDateHospProvSpell": "end"})
    chance = np.minimum(0.35 + 0.2 * (spell["weight"] - 1), 0.9)
    stays = spell[draw.random(len(spell)) < chance].reset_index(drop=True)
    kind = draw.choice(
        ["two", "safety", "three", "held", "court", "moved"], len(stays), p=[0.4, 0.2, 0.15, 0.15, 0.05, 0.05]
    )
    until = stays["end"].fillna(pd.Timestamp("2030-01-01"))

    def part(chosen: np.ndarray, status: str, start: pd.Series, end: pd.Series) -> pd.DataFrame:
        rows = pd.DataFrame({"Person_ID": stays["Person_ID"], "status": status, "start": start})
        rows["end"] = np.minimum(end, until)
        return rows[chosen & (rows["start"] <= until) & (rows["end"] >= rows["start"])]

    begin = stays["start"] + pd.Series(np.where(kind == "held", 4, np.where(kind == "safety", 1, 0))).map(
        pd.Timedelta(days=1).__mul__
    )
    civil = np.isin(kind, ["two", "safety", "held"])
    on = draw.random(len(stays)) < 0.5  # section 2 turns into 3 on the day on which it ends
    second = begin + 27 * day
    parts = [
        part(kind == "safety", "20", stays["start"], begin),
        part(kind == "held", "01", stays["start"], stays["start"] + 2 * day),
        part(kind == "held", "05", stays["start"] + 2 * day, begin),
        part(civil, "02", begin, second),
        part(civil & on, "03", second, second + 180 * day),
        part(kind == "three", "03", stays["start"], stays["start"] + 180 * day),
        part(kind == "court", "10", stays["start"], until),
        part(kind == "moved", "03", stays["start"] - 20 * day, stays["start"] + 160 * day),
    ]
    renewed = parts[5][parts[5]["end"] == parts[5]["start"] + 180 * day]
    parts.append(renewed.assign(start=renewed["end"], end=renewed["end"] + 20 * day))
    some = max(len(stays) // 20, 3)  # no stay: a guardianship, a place of safety, a section that fits nowhere
    when = FIRST + pd.to_timedelta(draw.integers(0, (LAST - FIRST).days, some), unit="D")
    parts.append(
        pd.DataFrame(
            {
                "Person_ID": draw.choice(person["Person_ID"], some),
                "status": draw.choice(["35", "20", "02", "38", "19"], some),
                "start": when,
                "end": when + pd.to_timedelta(draw.integers(0, 40, some), unit="D"),
            }
        )
    )
    periods = pd.concat(parts, ignore_index=True)
    periods = periods[periods["start"] <= LAST].drop_duplicates(["Person_ID", "status", "start"], ignore_index=True)
    act = pd.DataFrame(
        {
            "UniqMHActEpisodeID": [f"M{i:07d}" for i in range(len(periods))],
            "Person_ID": periods["Person_ID"],
            "LegalStatusCode": periods["status"],
            "StartDateMHActLegalStatusClass": periods["start"],
            "EndDateMHActLegalStatusClass": periods["end"].where(periods["end"] <= LAST),
        }
    )
    threes = act[(act["LegalStatusCode"] == "03") & act["EndDateMHActLegalStatusClass"].notna()]
    threes = threes[draw.random(len(threes)) < 0.4].drop_duplicates(["Person_ID", "EndDateMHActLegalStatusClass"])
    ended = threes["EndDateMHActLegalStatusClass"] + pd.to_timedelta(draw.integers(20, 300, len(threes)), unit="D")
    orders = pd.DataFrame(
        {
            "UniqMHActEpisodeID": "X" + threes["UniqMHActEpisodeID"].str[1:],
            "Person_ID": threes["Person_ID"],
            "StartDateCommTreatOrd": threes["EndDateMHActLegalStatusClass"],
            "EndDateCommTreatOrd": ended.where(ended <= LAST),
            "CommTreatOrdEndReason": pd.Series(
                draw.choice(["01", "02", "03"], len(threes)), index=threes.index, dtype="str"
            ).where(ended <= LAST),
        }
    )
    return act, orders.reset_index(drop=True)


def _interventions(stays: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    length = (stays["EndDateWardStay"].fillna(LAST) - stays["StartDateWardStay"]).dt.days.clip(0)
    number = draw.poisson(draw.gamma(0.25, 0.06, len(stays)) * length)  # a few people have very many
    rows = stays.loc[stays.index.repeat(number)].reset_index(drop=True)
    far = (draw.random(len(rows)) * (rows["EndDateWardStay"].fillna(LAST) - rows["StartDateWardStay"]).dt.days).astype(
        int
    )
    return pd.DataFrame(
        {
            "UniqRestrictiveIntTypeID": [f"V{i:07d}" for i in range(len(rows))],
            "UniqRestrictiveIntIncID": [f"I{i:07d}" for i in range(len(rows))],
            "Person_ID": rows["Person_ID"],
            "RestrictiveIntType": draw.choice(["01", "05", "07", "09", "14", "13"], len(rows)),
            "StartDateRestrictiveIntType": rows["StartDateWardStay"] + pd.to_timedelta(far, unit="D"),
        }
    )


def _scores(referral: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    scored = referral[referral["ReferRejectionDate"].isna() & (draw.random(len(referral)) < 0.4)]
    end = scored["ServDischDate"].fillna(LAST)
    again = scored[draw.random(len(scored)) < 0.5]
    tool = pd.Series(draw.choice(["DIALOG", "REQOL10", "GBO", "SDQ"], len(referral)), index=referral.index)
    rows = pd.concat(
        [
            scored.assign(when=scored["ReferralRequestReceivedDate"] + pd.Timedelta(days=10)),
            again.assign(when=end.loc[again.index] - pd.Timedelta(days=2)),
        ]
    )
    rows = rows.assign(tool=tool.loc[rows.index])
    rows = rows[(rows["when"] >= rows["ReferralRequestReceivedDate"]) & (rows["when"] <= end.loc[rows.index])]
    rows = rows.reset_index(drop=True)
    return pd.DataFrame(
        {
            "UniqScoreID": [f"Q{i:07d}" for i in range(len(rows))],
            "UniqServReqID": rows["UniqServReqID"],
            "Person_ID": rows["Person_ID"],
            "AssToolCompDate": rows["when"],
            "CodedAssToolType": rows["tool"],
            "PersScore": draw.integers(5, 50, len(rows)).astype(str),
        }
    )


def _therapies(person: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    adult = person[person["PersonBirthDate"] < pd.Timestamp("2004-04-01")]
    rows = adult[draw.random(len(adult)) < 0.3].reset_index(drop=True)
    size = len(rows)
    received = FIRST + pd.to_timedelta(draw.integers(0, (LAST - FIRST).days, size), unit="D")
    first = pd.Series(received + pd.to_timedelta(draw.integers(5, 90, size), unit="D"))
    closed = first + pd.to_timedelta(draw.integers(30, 200, size), unit="D")
    finished = (draw.random(size) < 0.6) & (closed <= LAST).to_numpy()
    recovered = draw.random(size) < 0.5 - 0.12 * rows["EthnicCategory"].isin(BLACK)

    def flags(yes: np.ndarray) -> pd.Series:
        return pd.Series(np.where(yes, "Y", "N")).where(finished)

    return pd.DataFrame(
        {
            "PathwayID": [f"K{i:07d}" for i in range(size)],
            "Person_ID": rows["Person_ID"],
            "ReferralRequestReceivedDate": received,
            "TherapySession_FirstDate": first.where((first <= LAST) & (draw.random(size) < 0.8)),
            "ServDischDate": closed.where(closed <= LAST),
            "CompletedTreatment_Flag": np.where(finished, "Y", "N"),
            "NotCaseness_Flag": flags(draw.random(size) < 0.1),
            "Recovery_Flag": flags(recovered),
            "ReliableImprovement_Flag": flags(draw.random(size) < 0.7),
        }
    )


def _answers(contact: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    rows = contact[draw.random(len(contact)) < 0.08].reset_index(drop=True)
    return pd.DataFrame(
        {
            "ResponseID": [f"E{i:07d}" for i in range(len(rows))],
            "Person_ID": rows["Person_ID"],
            "ResponseDate": rows["CareContDate"],
            "Question": draw.choice(["FFT", "SURVEY", "COMPLAINT"], len(rows), p=[0.6, 0.3, 0.1]),
            "Positive": draw.choice(["Y", "N"], len(rows), p=[0.8, 0.2]),
        }
    )


def _until_death(frame: pd.DataFrame, person: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the records that began before their person died, ended by then."""
    _key, start, end = KEYS[name]
    death = frame["Person_ID"].map(person.set_index("Person_ID")["PersDeathDate"])
    frame = frame.assign(**({end: frame[end].where(~(frame[end].fillna(LAST) > death), death)} if end else {}))
    return frame[~(frame[start] > death)].reset_index(drop=True)


def _numbered(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    return frame.drop(columns=["EthnicCategory", "LanguageCodePreferred", "weight"], errors="ignore")


# --- as the contract wants it -----------------------------------------------------------------------------------------


def clean(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the truth as text under contract names: one row a record, days as 2024-03-31, "" where there is none."""
    people = tables["MHS001MPI"]
    first = {"MHS001MPI": people.assign(UniqMonthID=str(SUBMISSION[-1]))}
    return {name: _texts(frame) for name, frame in (tables | first).items()}


def _texts(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({name: _days(column, "%Y-%m-%d") for name, column in frame.items()}).astype("str")


def _days(column: pd.Series, form: str) -> pd.Series:
    if not pd.api.types.is_datetime64_any_dtype(column):
        return column.fillna("").astype("str")
    return column.dt.strftime(form).fillna("").astype("str")


# --- as a warehouse exports it ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Local:
    """How one table is called and written at the invented Trust."""

    name: str
    columns: dict[str, str]  # contract column: local column, where they differ
    delimiter: str = ","
    encoding: str = "utf-8"
    days: str = "%Y-%m-%d"  # or "zoned": the moment of local midnight, in UTC, with a Z
    open_end: str = ""  # what stands where there is no last day
    dashes: bool = False  # sqlcmd writes a line of dashes under the names


LOCAL = {
    "MHS001MPI": Local(
        "vw_Patients",
        {
            "Person_ID": "PatientKey",
            "UniqMonthID": "SubmissionNo",
            "EthnicCategory": "EthnicOrigin",
            "Gender": "StatedGender",
            "PersonBirthDate": "DOB",
            "LSOA2021": "HomeLSOA",
            "LanguageCodePreferred": "FirstLanguage",
            "PersDeathDate": "DateOfDeath",
        },
        encoding="utf-8-sig",
        days="%d/%m/%Y",
    ),
    "MHS101Referral": Local(
        "Referrals_All",
        {"Person_ID": "PatientKey", "ReferralRequestReceivedDate": "ReceivedOn", "ServDischDate": "ClosedOn"},
        delimiter=";",
        encoding="cp1252",
        days="%d/%m/%Y %H:%M",
        open_end="31/12/9999 00:00",
    ),
    "MHS201CareContact": Local(
        "Contacts",
        {"Person_ID": "PatientKey", "AttendStatus": "AttendOrDNACode"},
        delimiter="\t",
        days="%Y-%m-%dT%H:%M:%S",
    ),
    "MHS401MHActPeriod": Local(
        "MHA_Periods",
        {"Person_ID": "PatientKey", "LegalStatusCode": "NHSDLegalStatus"},
        delimiter="|",
        days="zoned",
        open_end="9999-12-31T00:00:00Z",
        dashes=True,
    ),
    "MHS404CommTreatOrder": Local("CTOs", {"Person_ID": "PatientKey"}, days="%Y-%m-%d %H:%M:%S.000"),
    "MHS501HospProvSpell": Local(
        "Spells", {"Person_ID": "PatientKey"}, delimiter=";", days="%d/%m/%Y", open_end="31/12/9999"
    ),
    "MHS502WardStay": Local("WardStays", {"Person_ID": "PatientKey"}, days="%Y-%m-%d"),
    "MHS515RestrictiveInterventType": Local("Restraint", {"Person_ID": "PatientKey"}, delimiter="|", days="%d/%m/%Y"),
    "MHS606CodedScoreAssessmentRefer": Local("Scores", {"Person_ID": "PatientKey"}, delimiter="\t"),
    "IDS101Referral": Local("TalkingTherapies", {"Person_ID": "PatientKey"}, days="%d/%m/%Y"),
    "Experience": Local("FFT", {"Person_ID": "PatientKey"}, encoding="cp1252"),
}


def messy(tables: dict[str, pd.DataFrame], seed: int = 34) -> dict[str, pd.DataFrame]:
    """Return the same truth as the warehouse holds it: text under contract names, a row a submission, words of its own.

    The last submission of a record is right; earlier ones may be open, or wrong and then corrected.
    """
    draw = np.random.default_rng(seed)
    found = {"MHS001MPI": _patients(tables["MHS001MPI"], draw)}
    for name, (key, start, end) in KEYS.items():
        rows = _submitted(tables[name], start, end, draw)
        if name == "MHS201CareContact":
            rows = _corrected(rows, "AttendStatus", ["5", "3"], draw)
        again = rows.sample(frac=0.003, random_state=int(draw.integers(1 << 30)))  # the same row twice
        lost = rows.sample(n=min(7, len(rows)), random_state=int(draw.integers(1 << 30)))
        lost = lost.assign(
            **{"Person_ID": "N99999999", key: lost[key] + "x"}
        )  # of people whom no table of people knows
        found[name] = pd.concat([rows, again, lost], ignore_index=True).sample(frac=1, random_state=seed)
    return {name: _written(frame, name, draw) for name, frame in found.items()}


def _submitted(frame: pd.DataFrame, start: str, end: str | None, draw: np.random.Generator) -> pd.DataFrame:
    """Return each record once a submission from its first day to its last; open until then, some ended too late."""
    final = frame[end].fillna(LAST) if end else frame[start]
    first, last = (np.searchsorted(QUARTERS, days.clip(upper=LAST).to_numpy()) for days in (frame[start], final))
    last = np.maximum(first, last)
    rows = frame.loc[frame.index.repeat(last - first + 1)]
    number = first.repeat(last - first + 1) + rows.groupby(level=0).cumcount().to_numpy()
    rows = rows.assign(UniqMonthID=SUBMISSION[number])
    if end:
        rows[end] = rows[end].where(rows[end] <= QUARTERS[number].to_numpy())
        wrong = frame[(draw.random(len(frame)) < 0.05) & (last < len(QUARTERS) - 1) & frame[end].notna()]
        late = rows["UniqMonthID"].eq(rows.index.map(pd.Series(SUBMISSION[last], index=frame.index))).to_numpy()
        hit = late & rows.index.isin(wrong.index)
        rows.loc[hit, end] = rows.loc[hit, end] + pd.Timedelta(days=25)
        rows = pd.concat([rows, wrong.assign(UniqMonthID=SUBMISSION[last[wrong.index] + 1])])
    return rows.reset_index(drop=True)


def _corrected(rows: pd.DataFrame, column: str, values: list[str], draw: np.random.Generator) -> pd.DataFrame:
    """Return some rows twice: wrong at first, right in the next submission."""
    some = (draw.random(len(rows)) < 0.08) & (rows["UniqMonthID"] < SUBMISSION[-1]).to_numpy()
    right = rows[some].assign(UniqMonthID=rows.loc[some, "UniqMonthID"] + 3)
    return pd.concat([rows.assign(**{column: rows[column].mask(some, draw.choice(values, len(rows)))}), right])


def _patients(person: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    """Return a row a person and submission: category and home change; what stands last, and known, is the truth."""
    number = draw.integers(1, 9, len(person))
    rows = person.loc[person.index.repeat(number)].reset_index(drop=True)
    turn = rows.groupby("Person_ID").cumcount().to_numpy()
    size = number.repeat(number)
    start = draw.integers(0, len(QUARTERS) - number + 1).repeat(number)
    known = ~rows["EthnicCategory"].isin(["Z", "99"])
    early, final = turn < size - 1, turn == size - 1
    chance = draw.random(len(rows))
    category = rows["EthnicCategory"].mask(known & early & (chance < 0.10), "99")
    category = category.mask(known & early & (chance > 0.97) & (turn < size - 2), "A")
    category = category.mask(known & final & (size > 1) & (chance < 0.02), "Z")  # asked again, and not answered
    before = np.r_[False, (known & early)[:-1]] & np.r_[False, (category == rows["EthnicCategory"])[:-1]]
    category = category.where(~(final & known & (category != rows["EthnicCategory"])) | before, rows["EthnicCategory"])
    moved = rows["LSOA2021"].notna() & early & (draw.random(len(rows)) < 0.05)
    home = rows["LSOA2021"].mask(moved, draw.choice(person["LSOA2021"].dropna(), len(rows)))
    return rows.assign(
        UniqMonthID=SUBMISSION[start + turn],
        EthnicCategory=category,
        LSOA2021=home,
        PersDeathDate=rows["PersDeathDate"].where(final),
    )


def _written(frame: pd.DataFrame, name: str, draw: np.random.Generator) -> pd.DataFrame:
    """Return a table's values as text, in the form and the words of the invented Trust."""
    local, end = LOCAL[name], KEYS.get(name, (None,) * 3)[2]
    columns = {}
    for column, values in frame.items():
        if local.days == "zoned" and pd.api.types.is_datetime64_any_dtype(values):
            moments = values.dt.tz_localize("Europe/London").dt.tz_convert("UTC")
            text = _days(moments, "%Y-%m-%dT%H:%M:%SZ")
        elif "%H" in local.days and column == KEYS[name][1]:
            text = _days(values + pd.to_timedelta(draw.integers(0, 86_340, len(values)), unit="s"), local.days)
        else:
            text = _days(values, local.days)
        columns[column] = text.where(text != "", local.open_end if column == end else "")
    rows = pd.DataFrame(columns, index=frame.index)
    if name == "MHS001MPI":
        rows["EthnicCategory"] = rows["EthnicCategory"].map({code: words for code, (_, words) in ETHNIC.items()})
        some = draw.random(len(rows)) < 0.2
        rows["EthnicCategory"] = rows["EthnicCategory"].mask(some, rows["EthnicCategory"].str.replace(" ", "\u00a0"))
        rows["Gender"] = rows["Gender"].map(SEX)
        rows["PersDeathDate"] = rows["PersDeathDate"].where(rows["PersDeathDate"] != "", "01/01/1900")
        rows["PersonBirthDate"] = rows["PersonBirthDate"].where(rows["PersonBirthDate"] != "", "01/01/1900")
        rows["LSOA2021"] = rows["LSOA2021"].where(rows["LSOA2021"] != "", "NULL")
    if name == "MHS101Referral":
        rows["ReferRejectionDate"] = rows["ReferRejectionDate"].where(
            rows["ReferRejectionDate"] != "", "01/01/1900 00:00"
        )
        rows["TeamName"] = "Équipe jeunes – Café"  # a column that nobody asked for, in Windows-1252
    if name == "MHS201CareContact":
        rows["AttendStatus"] = rows["AttendStatus"].where(
            draw.random(len(rows)) < 0.9, rows["AttendStatus"] + "\u200b "
        )
    if name == "MHS401MHActPeriod":
        rows["LegalStatusCode"] = rows["LegalStatusCode"].str.removeprefix("0")
    if name == "MHS515RestrictiveInterventType":
        rows["RestrictiveIntType"] = rows["RestrictiveIntType"].str.removeprefix("0")
    if name == "Experience":
        rows["Comment"] = "“So so” – très bien"
    return rows.reset_index(drop=True)


def local_names(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return tables under their local names, with their local column names."""
    return {LOCAL[name].name: frame.rename(columns=LOCAL[name].columns) for name, frame in tables.items()}


def source(kind: str, location: str, schema: str = "") -> dict:
    """Return what the parameters file says about the messy extract."""
    ending = {"folder": ".txt"}.get(kind, "")
    prefix = f"{schema}." if schema else ""
    words = {**{words: code for code, (_, words) in ETHNIC.items()}}
    return {
        "kind": kind,
        "location": location,
        "tables": {name: f"{prefix}{local.name}{ending}" for name, local in LOCAL.items()},
        "columns": {name: dict(local.columns) for name, local in LOCAL.items()},
        "codes": {"MHS001MPI": {"EthnicCategory": words, "Gender": {words: code for code, words in SEX.items()}}},
    }


# --- the three ways to hold it ----------------------------------------------------------------------------------------


def write_clean(tables: dict[str, pd.DataFrame], folder: Path) -> None:
    """Write clean tables as the templates ask for them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in clean(tables).items():
        frame.to_csv(folder / f"{name}.csv", index=False, encoding="utf-8", lineterminator="\n")


def write_folder(tables: dict[str, pd.DataFrame], folder: Path) -> None:
    """Write messy tables as text files: four delimiters, three encodings, a line of dashes."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in tables.items():
        local = LOCAL[name]
        frame = frame.rename(columns=local.columns)
        if local.dashes:
            line = pd.DataFrame([["-" * max(len(column), 8) for column in frame]], columns=frame.columns)
            frame = pd.concat([line, frame])
        path = folder / f"{local.name}.txt"
        frame.to_csv(path, index=False, sep=local.delimiter, encoding=local.encoding, lineterminator="\r\n")


def _typed(name: str) -> dict[str, str]:
    """Return the columns that a database holds as moments and not as text: those of referrals and of the Act."""
    kind = {"MHS101Referral": "timestamp", "MHS401MHActPeriod": "timestamptz"}.get(name)
    _key, start, end = KEYS.get(name, ("", "", None))
    return {column: kind for column in (start, end, "ReferRejectionDate") if column and kind}


def _iso(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the frame with the moments of :func:`_typed` written year first, as databases read them."""
    days = {}
    for column in set(_typed(name)) & set(frame):
        text = frame[column]
        turned = text.str.replace(r"^(\d\d)/(\d\d)/(\d{4})", r"\3-\2-\1", regex=True)
        days[column] = turned
    return frame.assign(**days)


def write_duckdb(tables: dict[str, pd.DataFrame], path: Path) -> None:
    """Write messy tables into a DuckDB file."""
    import duckdb

    with duckdb.connect(str(path)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, frame in tables.items():
            local, rows = LOCAL[name], _iso(frame, name)
            casts = {
                column: f"nullif(\"{column}\", '')::{kind}" for column, kind in _typed(name).items() if column in rows
            }
            words = [
                f'{casts.get(column, chr(34) + column + chr(34))} AS "{local.columns.get(column, column)}"'
                for column in rows
            ]
            connection.register("rows", rows)
            connection.execute(f'CREATE TABLE "{local.name}" AS SELECT {", ".join(words)} FROM rows')
            connection.unregister("rows")


def write_postgres(tables: dict[str, pd.DataFrame], address: str, schema: str) -> None:
    """Write messy tables into a schema of a PostgreSQL server."""
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        for name, frame in tables.items():
            local, kinds = LOCAL[name], _typed(name)
            rows = _iso(frame, name)
            columns = ", ".join(f'"{local.columns.get(c, c)}" {kinds.get(c, "text")}' for c in rows)
            connection.execute(f'CREATE TABLE {schema}."{local.name}" ({columns})')
            rows = rows.assign(**{c: rows[c].where(rows[c] != "", None) for c in kinds if c in rows})
            with connection.cursor().copy(f'COPY {schema}."{local.name}" FROM STDIN') as copy:
                for row in rows.itertuples(index=False):
                    copy.write_row([None if value is None or value != value else value for value in row])


# --- the parameters file, and the command -----------------------------------------------------------------------------


def small_areas(open_data: Path) -> tuple[list[str], list[str]]:
    """Return the small areas of the board, and some of other boards."""
    table = pd.read_csv(open_data / "imd2025_lsoa21.csv.gz", usecols=["lsoa21_code", "icb24_ods_code"], dtype="str")
    inside = table["icb24_ods_code"] == BOARD
    return table.loc[inside, "lsoa21_code"].tolist(), table.loc[~inside, "lsoa21_code"].iloc[::40].tolist()


def parameters(run: str, where: dict, period: str, periods: list[str], **more: object) -> dict:
    """Return a parameters file as docs/extract.md describes it."""
    return {
        "run": run,
        "trust": {"name": "Ouse Valley NHS Foundation Trust (invented)", "ods_code": "RX9", "icb_code": BOARD},
        "source": where,
        "open_data": "../shared/data/open",
        "period": period,
        "periods": periods,
        "comparator": "White",
        "disclosure": {"owner": "Information governance", "agreed": "2026-10-01", "preset": "mhsds"},
        "priorities": {"owner": "PCREF steering group", "agreed": "2026-10-01"},
    } | more


def main() -> None:
    """Write the messy extract of any size into a folder, with the parameters file that reads it."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("folder", type=Path)
    words.add_argument("--people", type=int, default=60_000)
    words.add_argument("--open-data", type=Path, required=True)
    words.add_argument("--stays", type=float, default=0.12)
    words.add_argument("--clean", action="store_true")
    asked = words.parse_args()
    tables = truth(asked.people, *small_areas(asked.open_data), stays=asked.stays)
    write_clean(tables, asked.folder) if asked.clean else write_folder(messy(tables), asked.folder)
    where = {"kind": "folder", "location": ""} if asked.clean else source("folder", "")
    years = ["2021-22", "2022-23", "2023-24"]
    made = parameters("ours", where | {"location": "data/raw/ours"}, years[-1], years)
    (asked.folder / "ours.yml").write_text(yaml.safe_dump(made, sort_keys=False, allow_unicode=True), encoding="utf-8")


if __name__ == "__main__":
    main()
