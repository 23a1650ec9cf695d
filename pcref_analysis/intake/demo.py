"""An invented Trust with planted, known gaps: MHSDS-shaped tables made from a seed in seconds.

Nobody in it exists. Residents are laid out by ethnic group, sex, age band and deprivation; people come into
contact, are detained, admitted and asked by chance, with rates that depend on age, sex, deprivation and, by the
ratios of :func:`planted`, on ethnic group. Minority groups are younger and live in more deprived areas, so that
crude and adjusted gaps differ. What happens to a person after that depends on ethnic group only where a ratio says so.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pcref_analysis.vocabulary import ethnicity

SEED = 20260101
PERIODS = ("2021-22", "2022-23", "2023-24")
FIRST, BEGIN, END = (np.datetime64(day) for day in ("2018-04-01", "2021-04-01", "2024-03-31"))
BANDS = {"0-15": (0, 16), "16-19": (16, 20), "20-24": (20, 25), "25-34": (25, 35), "35-49": (35, 50), "50-64": (50, 65)}
BANDS |= {"65+": (65, 95)}
RESIDENTS = 600_000

# Share of residents, mean relative age (younger below 0), deprivation tilt (more deprived above 0).
GROUPS = {
    "A": (0.715, 0.00, 0.00),
    "B": (0.009, 0.35, 0.10),
    "C": (0.062, -0.25, 0.15),
    "D": (0.012, -0.70, 0.45),
    "E": (0.004, -0.75, 0.45),
    "F": (0.006, -0.60, 0.00),
    "G": (0.006, -0.55, 0.10),
    "H": (0.035, -0.25, -0.10),
    "J": (0.033, -0.45, 0.45),
    "K": (0.0012, -0.55, 0.60),
    "L": (0.016, -0.30, 0.05),
    "M": (0.022, -0.05, 0.55),
    "N": (0.042, -0.50, 0.55),
    "P": (0.008, -0.55, 0.50),
    "R": (0.0068, -0.20, -0.20),
    "S": (0.022, -0.35, 0.25),
}
AGE_SHARE = np.array([0.185, 0.045, 0.060, 0.135, 0.200, 0.190, 0.185])
IMD_SHARE = np.array([0.22, 0.21, 0.20, 0.19, 0.18])

# Relative rates by age band, sex (Female, Male) and deprivation quintile (most deprived first).
CONTACT = ([1.1, 2.0, 1.6, 1.2, 1.0, 0.8, 1.0], [1.1, 0.9], [1.6, 1.3, 1.0, 0.8, 0.7])
DETAINED = ([0.05, 0.7, 1.4, 1.5, 1.3, 0.9, 0.6], [0.8, 1.2], [2.2, 1.5, 1.0, 0.7, 0.5])
MISSED = ([0.9, 1.3, 1.3, 1.1, 1.0, 0.8, 0.7], [0.95, 1.05], [1.3, 1.1, 1.0, 0.9, 0.8])
FORCE = ([1.6, 1.6, 1.4, 1.2, 1.0, 0.7, 0.4], [0.9, 1.1], [1.1, 1.05, 1.0, 0.95, 0.9])
FLAT = ([1.0] * 7, [1.0, 1.0], [1.08, 1.04, 1.0, 0.97, 0.94])

# Planted ratios against White British (code A), after age, sex and deprivation; groups not named have 1.
BLACK = ("M", "N", "P")
ASIAN = ("H", "J", "K", "L")


def _ratios(**by_code: float) -> dict[str, float]:
    return {code: by_code.get(code, 1.0) for code in GROUPS}


RATIOS = {
    "new_referrals": _ratios(H=0.75, J=0.80, K=0.70, L=0.85, M=1.15, N=0.80, R=0.55, C=0.80, D=1.25),
    "seen": _ratios(J=0.92, N=0.90, R=0.90),
    "detentions": _ratios(M=3.5, N=2.4, P=3.0, D=2.2, J=1.4, K=1.6, S=1.5, C=1.2, R=0.7),
    "cto_given_detention": _ratios(M=1.8, N=1.6, P=1.7, J=1.2),
    "non_attendance": _ratios(M=1.35, N=1.3, P=1.3, J=1.25, K=1.3, D=1.2, S=1.1, R=0.85),
    "restrictive_interventions": _ratios(M=1.8, N=1.6, P=1.7, D=1.5, H=0.8),
    "readmission_30_days": _ratios(M=1.4, N=1.2),
    "follow_up_72_hours": _ratios(M=0.9, N=0.92, P=0.9, J=0.95),
    "positive_experience": _ratios(M=0.85, N=0.92, P=0.85, D=0.88, J=0.93, S=0.92, H=1.03),
}


def planted() -> pd.DataFrame:
    """Return the gaps that were built in: ``indicator, ethnic_group, comparator, ratio, adjustment``.

    Each ratio is the expected one after age, sex and deprivation; an analysis of :func:`tables` should find most of
    them within its interval.
    """
    ratio = {name: RATIOS[name] for name in RATIOS if name not in ("seen", "cto_given_detention")}
    ratio["treated_prevalence"] = {g: RATIOS["new_referrals"][g] * RATIOS["seen"][g] for g in GROUPS}
    ratio["cto_starts"] = {g: RATIOS["detentions"][g] * RATIOS["cto_given_detention"][g] for g in GROUPS}
    ratio["section_136"] = RATIOS["detentions"]
    names = ethnicity.categories().set_index("code")["ethnic_group"]
    lines = [
        (indicator, names[group], names["A"], round(value, 6), "age_sex_imd")
        for indicator, by_group in sorted(ratio.items())
        for group, value in by_group.items()
        if group != "A"
    ]
    return pd.DataFrame(lines, columns=["indicator", "ethnic_group", "comparator", "ratio", "adjustment"])


def population() -> pd.DataFrame:
    """Return the invented residents: ``ethnic_group, sex, age_band, imd_quintile, residents``."""
    names = ethnicity.categories().set_index("code")["ethnic_group"]
    frames = []
    for code, (share, younger, deprived) in GROUPS.items():
        age = AGE_SHARE * np.exp(younger * np.linspace(-1, 1, 7))
        imd = IMD_SHARE * np.exp(deprived * np.linspace(1, -1, 5))
        grid = np.einsum("a,s,d->asd", age / age.sum(), [0.505, 0.495], imd / imd.sum())
        index = pd.MultiIndex.from_product([BANDS, ["Female", "Male"], range(1, 6)])
        index.names = ["age_band", "sex", "imd_quintile"]
        counts = np.rint(RESIDENTS * share * grid.ravel()).astype("int64")
        frames.append(pd.Series(counts, index=index, name="residents").reset_index().assign(code=code))
    table = pd.concat(frames, ignore_index=True)
    table.insert(0, "ethnic_group", table["code"].map(names))
    return table[["ethnic_group", "sex", "age_band", "imd_quintile", "residents", "code"]]


def areas() -> pd.DataFrame:
    """Return the invented small areas: ``lsoa, imd_quintile``; codes X01... belong to no real place."""
    quintile = np.repeat(np.arange(1, 6), np.rint(360 * IMD_SHARE).astype(int))
    return pd.DataFrame({"lsoa": [f"X01{i:06d}" for i in range(1, len(quintile) + 1)], "imd_quintile": quintile})


def _relative(table: pd.DataFrame, shape: tuple) -> np.ndarray:
    """Return the relative rate of each row by age band, sex and deprivation."""
    ages, sexes, imd = shape
    age = table["age_band"].map(dict(zip(BANDS, ages, strict=True))).to_numpy(float)
    sex = table["sex"].map({"Female": sexes[0], "Male": sexes[1]}).to_numpy(float)
    return age * sex * table["imd_quintile"].map(dict(enumerate(imd, 1))).to_numpy(float)


def _ratio(table: pd.DataFrame, name: str) -> np.ndarray:
    return table["code"].map(RATIOS[name]).to_numpy(float)


def _days(number: np.ndarray) -> np.ndarray:
    return np.asarray(number).astype("timedelta64[D]")


def _ids(letter: str, n: int) -> list[str]:
    return [f"{letter}{i:07d}" for i in range(1, n + 1)]


def _make_people(rng: np.random.Generator) -> pd.DataFrame:
    """Draw who is referred in the five years to 2024, from the residents and a few from elsewhere."""
    cells = population()
    expected = cells["residents"] * 0.0125 * 6 * _relative(cells, CONTACT) * _ratio(cells, "new_referrals")
    people = cells.loc[cells.index.repeat(rng.poisson(expected))].drop(columns="residents")
    people = people.reset_index(drop=True)
    n = len(people)
    people["entry"] = FIRST + _days(rng.integers(0, 6 * 365 + 1, n))
    people["seen"] = rng.random(n) < 0.85 * _ratio(people, "seen")
    people["long"] = people["seen"] & (rng.random(n) < 0.35)
    stay = np.where(people["long"], 150 + rng.exponential(600, n), 30 + rng.exponential(70, n))
    people["leave"] = people["entry"] + stay.astype("timedelta64[D]")
    low = people["age_band"].map({k: v[0] for k, v in BANDS.items()}).to_numpy()
    high = people["age_band"].map({k: v[1] for k, v in BANDS.items()}).to_numpy()
    age_days = ((low + rng.random(n) * (high - low)) * 365.25).astype("timedelta64[D]")
    people["birth"] = np.datetime64("2022-10-01") - age_days
    people["Person_ID"] = _ids("P", n)
    ratio = _relative(people, DETAINED) * _ratio(people, "detentions")
    ratio /= _relative(people, CONTACT) * _ratio(people, "new_referrals") * _ratio(people, "seen")
    chance = 0.11 * ratio
    people["severe"] = people["long"] & (rng.random(n) < np.minimum(chance, 0.97))
    people["outside"] = rng.random(n) < 0.04
    return people


def _person_table(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write people as the person table, with unknown ethnic groups that are not missing at random."""
    n = len(people)
    lacking = np.select([people["severe"], people["long"], people["seen"]], [0.01, 0.05, 0.12], 0.25)
    code = people["code"].to_numpy(object).copy()
    code = np.where(rng.random(n) < lacking, rng.choice(["Z", "99"], n, p=[0.6, 0.4]), code)
    homes = areas().groupby("imd_quintile")["lsoa"].agg(list)
    pick = rng.random(n)
    home = [homes[q][int(p * len(homes[q]))] for q, p in zip(people["imd_quintile"], pick, strict=True)]
    away = [f"X01{900000 + int(p * 400):06d}" for p in pick]
    home = np.where(people["outside"], away, home).astype(object)
    home[rng.random(n) < 0.01] = None
    gender = np.where(people["sex"] == "Female", "2", "1").astype(object)
    odd = rng.random(n) < 0.003
    gender[odd] = rng.choice(["3", "4", "X", "Z", "9"], odd.sum())
    return pd.DataFrame(
        {
            "Person_ID": people["Person_ID"],
            "UniqMonthID": 1488,
            "EthnicCategory": code,
            "Gender": gender,
            "PersonBirthDate": people["birth"],
            "LSOA2021": home,
            "LSOA2011": None,
            "LanguageCodePreferred": "en",
            "PersDeathDate": pd.Series(pd.NaT, index=people.index, dtype="datetime64[s]"),
        }
    )


def _referrals(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    n = len(people)
    closed = people["leave"].where(people["leave"] <= END)
    rejected = ~people["seen"] & (rng.random(n) < 0.5)
    adult = people["age_band"].isin(["0-15", "16-19"])
    team = np.where(adult, "C10", rng.choice(["A06", "A05", "A14", "A08"], n, p=[0.6, 0.2, 0.08, 0.12]))
    return pd.DataFrame(
        {
            "UniqServReqID": _ids("R", n),
            "Person_ID": people["Person_ID"],
            "ReferralRequestReceivedDate": people["entry"],
            "SourceOfReferralMH": rng.choice(["A1", "B1", "D1", "H1", "F1"], n, p=[0.55, 0.12, 0.1, 0.18, 0.05]),
            "ServTeamTypeMH": team,
            "ReferRejectionDate": (people["entry"] + _days(rng.integers(1, 15, n))).where(rejected),
            "ServDischDate": closed.where(~rejected),
            "TeamID": np.char.add("T", rng.integers(1, 25, n).astype(str)),
        }
    )


def _contacts(rng: np.random.Generator, people: pd.DataFrame, spells: pd.DataFrame) -> pd.DataFrame:
    """Attended contacts by chance while open, missed ones by a planted ratio, and follow-up after discharge."""
    seen = people[people["seen"]].reset_index(drop=True)
    until = np.minimum(seen["leave"], END + 1)
    span = np.maximum((until - seen["entry"]).dt.days.to_numpy(), 1)
    many = 1 + rng.poisson(np.where(seen["long"], span / 30, 1.8))
    rows = seen.loc[seen.index.repeat(many)].assign(span=np.repeat(span, many))
    date = rows["entry"].to_numpy() + (rng.random(len(rows)) * rows["span"]).astype("timedelta64[D]")
    rows = rows.assign(date=date, status="5")
    rows = rows[~_soon_after_discharge(rows, spells)]
    missed = rows[rng.random(len(rows)) < _missed_odds(rows)]
    away = missed.assign(status=rng.choice(["2", "3", "7"], len(missed), p=[0.3, 0.62, 0.08]))
    cancelled = rows[rng.random(len(rows)) < 0.03].assign(status="4")
    followed = _follow_up(rng, people, spells)
    every = pd.concat([rows, away, cancelled, followed], ignore_index=True)
    every = every[every["date"] <= END].sort_values(["date", "Person_ID", "status"], kind="stable")
    number = people["Person_ID"].str.slice(1)
    return pd.DataFrame(
        {
            "UniqCareContID": _ids("C", len(every)),
            "UniqServReqID": every["Person_ID"].map(dict(zip(people["Person_ID"], "R" + number, strict=True))),
            "Person_ID": every["Person_ID"],
            "CareContDate": every["date"],
            "AttendStatus": every["status"],
            "InterpreterPresentInd": None,
        }
    ).reset_index(drop=True)


def _missed_odds(rows: pd.DataFrame) -> np.ndarray:
    share = 0.13 * _relative(rows, MISSED) * _ratio(rows, "non_attendance")
    return share / (1 - share)


def _soon_after_discharge(rows: pd.DataFrame, spells: pd.DataFrame) -> np.ndarray:
    """Say which contacts fall in the three days after a discharge, where follow-up is planted."""
    days = pd.concat(
        [spells[["Person_ID"]].assign(date=spells["discharge"] + np.timedelta64(i, "D")) for i in (1, 2, 3)]
    )
    taken = pd.MultiIndex.from_frame(days)
    return pd.MultiIndex.from_arrays([rows["Person_ID"], rows["date"]]).isin(taken)


def _follow_up(rng: np.random.Generator, people: pd.DataFrame, spells: pd.DataFrame) -> pd.DataFrame:
    ended = spells[spells["discharge"].notna()]
    chance = 0.78 * _relative(ended, FLAT) * _ratio(ended, "follow_up_72_hours")
    ended = ended[rng.random(len(ended)) < chance]
    date = ended["discharge"] + rng.integers(1, 4, len(ended)).astype("timedelta64[D]")
    return ended.assign(date=date, status="5")[["Person_ID", "date", "status"]]


def _admissions(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Detentions of severely ill people, spaced out, each with a spell; informal admissions; readmissions."""
    severe = people[people["severe"]]
    begin = severe["entry"] + np.timedelta64(3, "D")
    room = (severe["leave"] - begin).dt.days.to_numpy()
    many = np.minimum(rng.geometric(0.6, len(severe)), np.minimum(1 + room // 180, 5))
    many = np.where(room > 0, many, 0)
    rows = severe.loc[severe.index.repeat(many)]
    turn = rows.groupby("Person_ID").cumcount().to_numpy()
    free = np.repeat(room - (many - 1) * 180, many)
    order = pd.DataFrame({"p": rows["Person_ID"].to_numpy(), "u": rng.random(len(rows))})
    order = order.sort_values(["p", "u"], kind="stable")
    rows = rows.sort_values("Person_ID", kind="stable")
    start = np.repeat(begin.to_numpy(), many) + (order["u"].to_numpy() * free).astype("timedelta64[D]")
    start = start + (turn * 180).astype("timedelta64[D]")
    length = np.clip(1 + rng.gamma(1.1, 28, len(rows)), 1, 110).astype("timedelta64[D]")
    held = rows.assign(admission=start, discharge=start + length, detained=True)
    informal = people[people["long"] & ~people["severe"]]
    informal = informal[rng.random(len(informal)) < 0.06]
    start = informal["entry"].to_numpy() + rng.integers(1, 140, len(informal)).astype("timedelta64[D]")
    length = (1 + rng.gamma(1.1, 18, len(informal))).astype("timedelta64[D]")
    free = informal.assign(admission=start, discharge=start + length, detained=False)
    spells = pd.concat([held, free], ignore_index=True)
    again = spells[rng.random(len(spells)) < 0.10 * _relative(spells, FLAT) * _ratio(spells, "readmission_30_days")]
    start = again["discharge"].to_numpy() + rng.integers(4, 21, len(again)).astype("timedelta64[D]")
    length = rng.integers(1, 13, len(again)).astype("timedelta64[D]")
    spells = pd.concat([spells, again.assign(admission=start, discharge=start + length, detained=False)])
    spells = spells[spells["admission"] <= END].sort_values(["admission", "Person_ID"], kind="stable")
    spells["discharge"] = spells["discharge"].where(spells["discharge"] <= END)
    return spells.assign(spell=_ids("S", len(spells))).reset_index(drop=True)


def tables(seed: int = SEED) -> dict[str, pd.DataFrame]:
    """Return the invented extract: contract table name to frame, ``Population`` and ``Areas`` included."""
    rng = np.random.default_rng(seed)
    people = _make_people(rng)
    spells = _admissions(rng, people)
    made = {"MHS001MPI": _person_table(rng, people), "MHS101Referral": _referrals(rng, people)}
    made["MHS201CareContact"] = _contacts(rng, people, spells)
    made["MHS401MHActPeriod"] = _act_periods(rng, spells)
    made["MHS501HospProvSpell"] = _spell_table(rng, spells)
    made["MHS502WardStay"] = _ward_stays(rng, spells)
    made["MHS515RestrictiveInterventType"] = _interventions(rng, spells)
    made["Experience"] = _experience(rng, people)
    made["Population"] = population().drop(columns="code")
    made["Areas"] = areas()
    return made


def _act_periods(rng: np.random.Generator, spells: pd.DataFrame) -> pd.DataFrame:
    held = spells[spells["detained"]]
    via_136 = rng.random(len(held)) < 0.3
    police = held[via_136].assign(code="20", start=held["admission"], end=held["admission"])
    second = held.assign(
        code=rng.choice(["02", "03"], len(held), p=[0.7, 0.3]), start=held["admission"], end=held["discharge"]
    )
    every = pd.concat([police, second]).sort_values(["start", "Person_ID", "code"], kind="stable")
    return pd.DataFrame(
        {
            "UniqMHActEpisodeID": _ids("M", len(every)),
            "Person_ID": every["Person_ID"].to_numpy(),
            "LegalStatusCode": every["code"].to_numpy(),
            "StartDateMHActLegalStatusClass": every["start"].to_numpy(),
            "EndDateMHActLegalStatusClass": every["end"].to_numpy(),
        }
    )


def _spell_table(rng: np.random.Generator, spells: pd.DataFrame) -> pd.DataFrame:
    where = pd.Series(rng.choice(["19", "49", "79"], len(spells), p=[0.95, 0.04, 0.01]))
    return pd.DataFrame(
        {
            "UniqHospProvSpellID": spells["spell"],
            "Person_ID": spells["Person_ID"],
            "StartDateHospProvSpell": spells["admission"],
            "DischDateHospProvSpell": spells["discharge"],
            "MethAdmMHHospProvSpell": rng.choice(["11", "21", "28"], len(spells), p=[0.1, 0.6, 0.3]),
            "DestOfDischHospProvSpell": where.where(spells["discharge"].notna()),
        }
    )


def _ward_stays(rng: np.random.Generator, spells: pd.DataFrame) -> pd.DataFrame:
    older = spells["age_band"] == "65+"
    kind = np.where(older, "201", np.where(rng.random(len(spells)) < 0.12, "202", "200"))
    return pd.DataFrame(
        {
            "UniqWardStayID": _ids("W", len(spells)),
            "UniqHospProvSpellID": spells["spell"],
            "Person_ID": spells["Person_ID"],
            "StartDateWardStay": spells["admission"],
            "EndDateWardStay": spells["discharge"],
            "MHAdmittedPatientClass": kind,
            "SiteIDOfWard": np.char.add("SITE", rng.integers(1, 5, len(spells)).astype(str)),
        }
    )


def _interventions(rng: np.random.Generator, spells: pd.DataFrame) -> pd.DataFrame:
    """Draw restrictive interventions by bed day, with a frailty a person so that few people have many."""
    frail = dict(zip(people := spells["Person_ID"].unique(), rng.gamma(0.6, 1 / 0.6, len(people)), strict=True))
    nights = (spells["discharge"].fillna(END + 1) - spells["admission"]).dt.days.to_numpy()
    expected = nights * 0.02 * _relative(spells, FORCE) * _ratio(spells, "restrictive_interventions")
    many = rng.poisson(expected * spells["Person_ID"].map(frail).to_numpy())
    rows = spells.loc[spells.index.repeat(many)].assign(nights=np.repeat(nights, many))
    date = rows["admission"].to_numpy() + (rng.random(len(rows)) * rows["nights"]).astype("timedelta64[D]")
    rows = rows.assign(date=date).sort_values(["date", "Person_ID"], kind="stable")
    kinds, chance = ["01", "04", "05", "06", "07", "08", "10", "14", "15", "17"], [8, 1, 11, 2, 24, 16, 12, 20, 4, 2]
    return pd.DataFrame(
        {
            "UniqRestrictiveIntTypeID": _ids("Y", len(rows)),
            "UniqRestrictiveIntIncID": _ids("I", len(rows)),
            "Person_ID": rows["Person_ID"].to_numpy(),
            "RestrictiveIntType": rng.choice(kinds, len(rows), p=np.array(chance) / 100),
            "StartDateRestrictiveIntType": rows["date"].to_numpy(),
        }
    )


def _experience(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    asked = people[people["seen"] & (people["leave"] >= BEGIN) & (rng.random(len(people)) < 0.30)]
    date = asked["leave"].clip(BEGIN, END)
    good = rng.random(len(asked)) < 0.82 * _relative(asked, FLAT) * _ratio(asked, "positive_experience")
    return pd.DataFrame(
        {
            "ResponseID": _ids("E", len(asked)),
            "Person_ID": asked["Person_ID"].to_numpy(),
            "ResponseDate": date.to_numpy(),
            "Question": rng.choice(["FFT", "SURVEY"], len(asked), p=[0.8, 0.2]),
            "Positive": np.where(good, "Y", "N"),
        }
    )


def typed(frame: pd.DataFrame) -> pa.Table:
    """Return a frame with days as dates and text as text, as the tables of an extract are once cleaned."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    fields = []
    for field in table.schema:
        kind = pa.date32() if pa.types.is_timestamp(field.type) else field.type
        fields.append(
            field.with_type(pa.string() if pa.types.is_null(kind) or pa.types.is_large_string(kind) else kind)
        )
    return table.cast(pa.schema(fields)).replace_schema_metadata(None)


def write(folder: Path, seed: int = SEED, kind: str = "parquet") -> list[Path]:
    """Write the invented extract into a folder, a file a table (``kind`` "parquet" or "csv")."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, frame in tables(seed).items():
        path = folder / f"{name}.{kind}"
        if kind == "csv":
            frame.to_csv(path, index=False, encoding="utf-8", date_format="%Y-%m-%d", lineterminator="\n")
        else:
            pq.write_table(typed(frame), path)
        written.append(path)
    return written
