"""A second count of many indicators in plain pandas, written from the definitions alone, on a messy invented extract.

Nothing of the package that counts is used here. The extract holds every code of every list, missing values, people
without a birth date, stays without a ward, and referrals with several teams. The numbers must be equal to the unit.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

DAY = np.timedelta64(1, "D")
FIRST, LAST = pd.Timestamp("2023-04-01"), pd.Timestamp("2024-03-31")
GROUPS = ["A", "M", "R", "Z"]
SEEN = ["5", "6"]
DIRECT = ["01", "02", "04", "11"]
NOT_FOLLOWED = ["30", "37", "40", "42", "48", "49", "50", "53", "79", "84", "87", "89"]
BEDS = ["200", "201", "202", "205", "212", "213", "10", "11", "12", "16", "17", "18"]
ACUTE = ["200", "201", "202", "10", "11", "12"]
COMMUNITY = ["A05", "A06", "A08", "A09", "A12", "A13", "A16", "C03", "C10", "A14", "D05"]


def messy(seed: int = 5, people: int = 3000) -> dict[str, pd.DataFrame]:
    """Return an invented extract of two years about 2023-24 with every code of every list."""
    rng = np.random.default_rng(seed)

    def day(n, low="2022-03-01", high="2024-06-01"):
        start, end = np.datetime64(low), np.datetime64(high)
        return start + rng.integers(0, (end - start).astype(int), n) * DAY

    def pick(codes, n):
        return rng.choice(np.array([*codes, None], dtype=object), n)

    names = np.array([f"P{i}" for i in range(people)], dtype=object)
    birth = pd.Series(day(people, "1930-01-01", "2018-01-01")).where(rng.random(people) > 0.03)
    mpi = pd.DataFrame(
        {
            "Person_ID": names,
            "EthnicCategory": rng.choice(GROUPS, people),
            "Gender": rng.choice(["1", "2"], people),
            "PersonBirthDate": birth,
            "PersDeathDate": pd.Series(day(people, "2023-04-01", "2025-01-01")).where(rng.random(people) < 0.1),
        }
    )
    n = 6000
    received = day(n)
    closed = pd.Series(received + rng.integers(0, 400, n) * DAY).where(rng.random(n) < 0.7)
    referrals = pd.DataFrame(
        {
            "UniqServReqID": [f"R{i}" for i in range(n)],
            "Person_ID": rng.choice(names, n),
            "ReferralRequestReceivedDate": received,
            "ServTeamTypeMH": pick([*COMMUNITY, "A02", "A18", "A19", "C02", "F02", "B02", "E01"], n),
            "ReferRejectionDate": pd.Series(received).where(rng.random(n) < 0.1),
            "ServDischDate": closed,
            "PrimReasonReferralMH": pick(["01", "04", "10"], n),
        }
    )
    more = referrals.sample(frac=0.1, random_state=rng).reset_index(drop=True)
    teams = more[["UniqServReqID", "Person_ID"]].assign(
        OtherServiceID=[f"T{i}" for i in range(len(more))], ServTeamTypeMH=pick([*COMMUNITY, "A18"], len(more))
    )
    n = 24000
    of = referrals.iloc[rng.integers(0, len(referrals), n)].reset_index(drop=True)
    contacts = pd.DataFrame(
        {
            "UniqCareContID": [f"C{i:06d}" for i in range(n)],
            "UniqServReqID": of["UniqServReqID"],
            "Person_ID": of["Person_ID"],
            "CareContDate": of["ReferralRequestReceivedDate"].to_numpy() + rng.integers(0, 300, n) * DAY,
            "AttendStatus": pick(["2", "3", "4", "5", "5", "5", "5", "6", "7"], n),
            "ConsMechanismMH": pick(["01", "02", "03", "04", "05", "09", "10", "11", "12", "13", "98"], n),
        }
    )
    n = 1500
    of = referrals.iloc[rng.integers(0, len(referrals), n)].reset_index(drop=True)
    indirect = of[["UniqServReqID", "Person_ID"]].assign(
        UniqIndirectActID=[f"X{i}" for i in range(n)],
        IndirectActDate=of["ReferralRequestReceivedDate"].to_numpy() + rng.integers(0, 300, n) * DAY,
    )
    n = 4000
    admitted = day(n)
    left = pd.Series(admitted + rng.integers(0, 150, n) * DAY).where(rng.random(n) < 0.9)
    of = referrals.iloc[rng.integers(0, len(referrals), n)].reset_index(drop=True)
    spells = pd.DataFrame(
        {
            "UniqHospProvSpellID": [f"S{i:05d}" for i in range(n)],
            "Person_ID": of["Person_ID"],
            "UniqServReqID": of["UniqServReqID"].where(rng.random(n) < 0.5),
            "StartDateHospProvSpell": admitted,
            "DischDateHospProvSpell": left,
            "SourceAdmMHHospProvSpell": pick(["19", "29", "49", "53", "87"], n),
            "DestOfDischHospProvSpell": pick([*NOT_FOLLOWED, "19", "19", "19", "29", "38", "51", "52"], n),
            "MethOfDischMHHospProvSpell": pick(["1", "1", "1", "2", "4", "5"], n),
        }
    )
    near = spells[spells["DischDateHospProvSpell"].notna()].reset_index(drop=True)
    soon = pd.DataFrame(
        {
            "UniqCareContID": [f"D{i:06d}" for i in range(len(near))],
            "UniqServReqID": near["UniqServReqID"].fillna("R0"),
            "Person_ID": near["Person_ID"],
            "CareContDate": near["DischDateHospProvSpell"].to_numpy() + rng.integers(0, 6, len(near)) * DAY,
            "AttendStatus": pick(["3", "5", "5", "6"], len(near)),
            "ConsMechanismMH": pick(["01", "02", "04", "05", "11"], len(near)),
        }
    )
    contacts = pd.concat([contacts, soon], ignore_index=True)
    wards = []
    for turn in range(2):
        part = spells[rng.random(n) < (0.97 if turn == 0 else 0.4)]
        stay = (part["DischDateHospProvSpell"].fillna(pd.Timestamp("2024-06-01")) - part["StartDateHospProvSpell"]).dt
        moved = part["StartDateHospProvSpell"] + pd.to_timedelta((stay.days // 2), unit="D")
        wards.append(
            pd.DataFrame(
                {
                    "UniqHospProvSpellID": part["UniqHospProvSpellID"],
                    "Person_ID": part["Person_ID"],
                    "StartDateWardStay": part["StartDateHospProvSpell"] if turn == 0 else moved,
                    "EndDateWardStay": moved if turn == 0 else part["DischDateHospProvSpell"],
                    "MHAdmittedPatientClass": pick([*BEDS, "203", "206", "300"], len(part)),
                }
            )
        )
    wards = pd.concat(wards, ignore_index=True)
    wards.insert(0, "UniqWardStayID", [f"W{i:06d}" for i in range(len(wards))])
    return {
        "MHS001MPI": mpi,
        "MHS101Referral": referrals,
        "MHS102OtherServiceType": teams,
        "MHS201CareContact": contacts,
        "MHS204IndirectActivity": indirect,
        "MHS501HospProvSpell": spells,
        "MHS502WardStay": wards,
    }


def _within(dates: pd.Series) -> pd.Series:
    return dates.between(FIRST, LAST)


def _age(birth: pd.Series, on: pd.Series) -> pd.Series:
    early = (birth.dt.month > on.dt.month) | ((birth.dt.month == on.dt.month) & (birth.dt.day > on.dt.day))
    return on.dt.year - birth.dt.year - early.astype(int)


def _alive(people: pd.DataFrame) -> pd.Series:
    """Who died before the period counts nowhere."""
    return ~(people["PersDeathDate"] < FIRST)


def _sum(rows: pd.DataFrame, mpi: pd.DataFrame, event: pd.Series | None = None) -> tuple[int, int]:
    alive = rows["Person_ID"].isin(mpi.loc[_alive(mpi), "Person_ID"])
    return int((event & alive).sum() if event is not None else alive.sum()), int(alive.sum())


def counts(made: dict[str, pd.DataFrame]) -> dict[str, tuple[int, int]]:
    """Return events and rows or people at risk of 2023-24 by indicator; of rates among residents the events twice."""
    mpi, referrals = made["MHS001MPI"], made["MHS101Referral"]
    birth = mpi.set_index("Person_ID")["PersonBirthDate"]
    received = referrals.set_index("UniqServReqID")["ReferralRequestReceivedDate"]
    contacts = made["MHS201CareContact"].assign(
        received=lambda t: t["UniqServReqID"].map(received), birth=lambda t: t["Person_ID"].map(birth)
    )
    direct = contacts[contacts["AttendStatus"].isin(SEEN) & contacts["ConsMechanismMH"].isin(DIRECT)]
    spells, wards = made["MHS501HospProvSpell"], made["MHS502WardStay"]
    found = {}

    inside = contacts[_within(contacts["CareContDate"])]
    found["non_attendance"] = _sum(inside, mpi, inside["AttendStatus"].isin(["2", "3", "7"]))
    found["cancelled_by_provider"] = _sum(inside, mpi, inside["AttendStatus"] == "4")
    kept = inside[inside["AttendStatus"].isin(["2", "3", "5", "6", "7"])]
    found["non_attendance_offered"] = _sum(kept, mpi, kept["AttendStatus"].isin(["2", "3", "7"]))
    new = referrals[_within(referrals["ReferralRequestReceivedDate"])]
    found["new_referrals"] = _sum(new, mpi)
    found["referrals_rejected"] = _sum(new, mpi, new["ReferRejectionDate"].notna())
    found["hospital_admissions"] = _sum(spells[_within(spells["StartDateHospProvSpell"])], mpi)
    touching = referrals[
        (referrals["ReferralRequestReceivedDate"] <= LAST) & ~(referrals["ServDischDate"] < FIRST)
    ].drop_duplicates("Person_ID")
    found["people_in_contact"] = _sum(touching, mpi)

    work = made["MHS204IndirectActivity"].assign(
        received=lambda t: t["UniqServReqID"].map(received), birth=lambda t: t["Person_ID"].map(birth)
    )
    month_end = work["IndirectActDate"] + pd.offsets.MonthEnd(0)
    young = pd.concat(
        [
            direct[
                _within(direct["CareContDate"])
                & (_age(direct["birth"], direct["CareContDate"]) < 18)
                & (_age(direct["birth"], direct["received"]) < 18)
            ],
            work[
                _within(work["IndirectActDate"])
                & (_age(work["birth"], month_end) < 18)
                & (_age(work["birth"], work["received"]) < 18)
            ],
        ]
    ).drop_duplicates("Person_ID")
    found["cyp_access"] = _sum(young, mpi)

    every = pd.concat([referrals, made["MHS102OtherServiceType"]])[["UniqServReqID", "ServTeamTypeMH"]]
    ours = set(every.loc[every["ServTeamTypeMH"].isin(COMMUNITY), "UniqServReqID"])
    year = direct["CareContDate"].dt.year - (direct["CareContDate"].dt.month < 4)
    stay_last = spells["DischDateHospProvSpell"].fillna(pd.Timestamp("2200-01-01"))
    held = spells[(spells["StartDateHospProvSpell"] <= LAST) & (stay_last >= FIRST)]["UniqServReqID"].dropna()
    adult = direct[
        direct["UniqServReqID"].isin(ours)
        & ~direct["UniqServReqID"].isin(held)
        & (_age(direct["birth"], direct["received"]) >= 18)
    ]
    two = adult[year[adult.index] == 2023].groupby("UniqServReqID")["Person_ID"].agg(["size", "first"])
    two = two[two["size"] >= 2].drop_duplicates("first").rename(columns={"first": "Person_ID"})
    found["adult_community_access"] = _sum(two, mpi)
    order = adult.sort_values(["UniqServReqID", "CareContDate", "UniqCareContID"])
    second = order[order.groupby("UniqServReqID").cumcount() == 1]
    second = second[_within(second["CareContDate"]) & (second["received"] <= second["CareContDate"])]
    found["wait_second_contact"] = _sum(second, mpi)

    first = wards.sort_values(["StartDateWardStay", "UniqWardStayID"]).drop_duplicates("UniqHospProvSpellID")
    bed = first.set_index("UniqHospProvSpellID")["MHAdmittedPatientClass"]
    came = spells[
        _within(spells["StartDateHospProvSpell"])
        & spells["UniqHospProvSpellID"].map(bed).isin(ACUTE)
        & spells["SourceAdmMHHospProvSpell"].notna()
        & ~spells["SourceAdmMHHospProvSpell"].isin(["49", "53", "87"])
    ]
    touched = pd.concat(
        [
            direct[["Person_ID", "CareContDate"]].rename(columns={"CareContDate": "day"}),
            work[["Person_ID", "IndirectActDate"]].rename(columns={"IndirectActDate": "day"}),
        ]
    )
    near = came[["UniqHospProvSpellID", "Person_ID", "StartDateHospProvSpell"]].merge(touched, on="Person_ID")
    gap = (near["StartDateHospProvSpell"] - near["day"]).dt.days
    known = set(near.loc[gap.between(3, 365), "UniqHospProvSpellID"])
    found["admission_without_contact"] = _sum(came, mpi, ~came["UniqHospProvSpellID"].isin(known))

    out = spells[spells["DischDateHospProvSpell"].notna()]
    gone = wards["UniqHospProvSpellID"].map(spells.set_index("UniqHospProvSpellID")["DischDateHospProvSpell"])
    month = wards["EndDateWardStay"].fillna(gone).dt.strftime("%Y%m")
    ended = (
        wards.assign(month=month)
        .sort_values(["month", "EndDateWardStay", "StartDateWardStay", "UniqWardStayID"], na_position="first")
        .drop_duplicates("UniqHospProvSpellID", keep="last")
    )
    last_bed = out["UniqHospProvSpellID"].map(ended.set_index("UniqHospProvSpellID")["MHAdmittedPatientClass"])
    died = out["Person_ID"].map(mpi.set_index("Person_ID")["PersDeathDate"])
    due = out[
        out["DischDateHospProvSpell"].between(FIRST - 4 * DAY, LAST - 4 * DAY)
        & last_bed.isin(BEDS)
        & ~out["DestOfDischHospProvSpell"].isin(NOT_FOLLOWED)
        & ~out["MethOfDischMHHospProvSpell"].isin(["4", "5"])
        & ~((died - out["DischDateHospProvSpell"]).dt.days <= 3)
    ]
    after = pd.concat(
        [
            direct[["Person_ID", "CareContDate"]].rename(columns={"CareContDate": "day"}),
            spells[["Person_ID", "StartDateHospProvSpell"]].rename(columns={"StartDateHospProvSpell": "day"}),
        ]
    )
    near = due[["UniqHospProvSpellID", "Person_ID", "DischDateHospProvSpell"]].merge(after, on="Person_ID")
    gap = (near["day"] - near["DischDateHospProvSpell"]).dt.days
    done = set(near.loc[gap.between(1, 3), "UniqHospProvSpellID"])
    found["follow_up_72_hours"] = _sum(due, mpi, due["UniqHospProvSpellID"].isin(done))

    left_on = wards["UniqHospProvSpellID"].map(out.set_index("UniqHospProvSpellID")["DischDateHospProvSpell"])
    final = wards[wards["EndDateWardStay"] == left_on].sort_values(["StartDateWardStay", "UniqWardStayID"])
    final = final.drop_duplicates("UniqHospProvSpellID", keep="last").set_index("UniqHospProvSpellID")
    gone = out[_within(out["DischDateHospProvSpell"])]
    gone = gone.assign(
        bed=gone["UniqHospProvSpellID"].map(final["MHAdmittedPatientClass"]),
        age=_age(gone["Person_ID"].map(birth), gone["DischDateHospProvSpell"] + pd.offsets.MonthEnd(0)),
        length=(gone["DischDateHospProvSpell"] - gone["StartDateHospProvSpell"]).dt.days,
    )
    stays = gone[gone["bed"].isin(ACUTE) & (gone["age"] >= 18)]
    found["length_of_stay"] = _sum(stays, mpi)
    groups = {
        "long_stay_60_days": (["200", "10"], 18, 64, 60),
        "long_stay_90_days": (["200", "10"], 18, 64, 90),
        "long_stay_older_60_days": (["201", "11"], 65, 200, 60),
        "long_stay_older_90_days": (["201", "11"], 65, 200, 90),
    }
    for name, (beds, low, high, days) in groups.items():
        chosen = gone[gone["bed"].isin(beds) & gone["age"].between(low, high)]
        people = chosen.groupby("Person_ID")["length"].max().reset_index()
        found[name] = _sum(people, mpi, people["length"] >= days)
    return found
