"""Who lives in the invented catchment, how often which of them meets the invented Trust, and the gaps built in.

Nobody in it exists. Residents are laid out by ethnic group, sex, age band and deprivation; minority groups are younger
and live in more deprived areas, so that crude and adjusted gaps differ. Who is referred, seen and severely ill is drawn
with rates that depend on age, sex and deprivation and, by the ratios of :func:`planted`, on ethnic group.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from pcref_analysis.vocabulary import ethnicity

FIRST, BEGIN, END = (np.datetime64(day) for day in ("2018-04-01", "2021-04-01", "2024-03-31"))
YEARS = 6
RESIDENTS = 600_000
BANDS = {"0-15": (0, 16), "16-19": (16, 20), "20-24": (20, 25), "25-34": (25, 35), "35-49": (35, 50), "50-64": (50, 65)}
BANDS |= {"65+": (65, 95)}
SEXES = {"Female": 0.505, "Male": 0.495}

# By NHS code: share of residents, how much older (above 0) or younger, how much more deprived (above 0), and the share
# that prefers another language than English.
GROUPS = {
    "A": (0.7150, 0.00, 0.00, 0.000),
    "B": (0.0090, 0.35, 0.10, 0.005),
    "C": (0.0620, -0.25, 0.15, 0.250),
    "D": (0.0120, -0.70, 0.45, 0.002),
    "E": (0.0040, -0.75, 0.45, 0.020),
    "F": (0.0060, -0.60, 0.00, 0.010),
    "G": (0.0060, -0.55, 0.10, 0.020),
    "H": (0.0350, -0.25, -0.10, 0.090),
    "J": (0.0330, -0.45, 0.45, 0.150),
    "K": (0.0012, -0.55, 0.60, 0.220),
    "L": (0.0160, -0.30, 0.05, 0.150),
    "M": (0.0220, -0.05, 0.55, 0.005),
    "N": (0.0420, -0.50, 0.55, 0.120),
    "P": (0.0080, -0.55, 0.50, 0.050),
    "R": (0.0068, -0.20, -0.20, 0.250),
    "S": (0.0220, -0.35, 0.25, 0.250),
}
AGE_SHARE = np.array([0.185, 0.045, 0.060, 0.135, 0.200, 0.190, 0.185])
IMD_SHARE = np.array([0.22, 0.21, 0.20, 0.19, 0.18])

# Relative rates by age band, by sex (Female, Male) and by deprivation quintile (most deprived first).
CONTACT = ([1.1, 2.0, 1.6, 1.2, 1.0, 0.8, 1.0], [1.1, 0.9], [1.6, 1.3, 1.0, 0.8, 0.7])
DETAINED = ([0.05, 0.7, 1.4, 1.5, 1.3, 0.9, 0.6], [0.8, 1.2], [2.2, 1.5, 1.0, 0.7, 0.5])
THERAPY = ([0.0, 1.0, 1.5, 1.3, 1.0, 0.8, 0.3], [1.3, 0.7], [1.1, 1.05, 1.0, 0.95, 0.9])
MISSED = ([0.9, 1.3, 1.3, 1.1, 1.0, 0.8, 0.7], [0.95, 1.05], [1.3, 1.1, 1.0, 0.9, 0.8])
FORCE = ([1.6, 1.6, 1.4, 1.2, 1.0, 0.7, 0.4], [0.9, 1.1], [1.1, 1.05, 1.0, 0.95, 0.9])
WAIT = ([1.3, 1.1, 1.0, 1.0, 1.0, 0.95, 0.9], [1.0, 1.0], [1.1, 1.05, 1.0, 0.95, 0.95])
BETTER = ([0.95, 0.95, 0.95, 1.0, 1.0, 1.05, 1.08], [1.0, 1.0], [0.92, 0.96, 1.0, 1.03, 1.05])
WORSE = ([1.0, 1.1, 1.1, 1.05, 1.0, 0.95, 0.9], [1.0, 1.0], [1.15, 1.05, 1.0, 0.95, 0.9])


def _ratios(**by_code: float) -> dict[str, float]:
    return {code: by_code.get(code, 1.0) for code in GROUPS}


# Ratios against White British (A) after age, sex and deprivation; a group that is not named has 1.
RATIOS = {
    "new_referrals": _ratios(C=0.80, D=1.25, H=0.75, J=0.80, K=0.70, L=0.85, M=1.15, N=0.80, R=0.55),
    "seen_of_referred": _ratios(J=0.92, N=0.90, R=0.90),
    "detentions": _ratios(C=1.2, D=2.2, J=1.4, K=1.6, M=3.5, N=2.4, P=3.0, R=0.7, S=1.5),
    "orders_of_detained": _ratios(J=1.2, M=1.8, N=1.6, P=1.7),
    "non_attendance": _ratios(D=1.2, J=1.25, K=1.3, M=1.35, N=1.3, P=1.3, R=0.85, S=1.1),
    "wait_second_contact": _ratios(C=1.1, J=1.2, K=1.25, M=1.1, N=1.15, S=1.2),
    "restrictive_interventions": _ratios(D=1.5, H=0.8, M=1.8, N=1.6, P=1.7),
    "talking_therapies_entering": _ratios(C=0.75, D=0.9, H=0.7, J=0.6, K=0.5, L=0.65, M=0.7, N=0.5, R=0.5, S=0.7),
    "talking_therapies_recovery": _ratios(D=0.88, J=0.80, K=0.80, L=0.90, M=0.85, N=0.90, S=0.85),
    "readmission_30_days": _ratios(M=1.6, N=1.3),
    "follow_up_72_hours": _ratios(J=0.90, M=0.85, N=0.88, P=0.85),
    "positive_experience": _ratios(D=0.88, H=1.03, J=0.93, M=0.85, N=0.92, P=0.85, S=0.92),
}


def planted() -> pd.DataFrame:
    """Return the gaps that were built in: ``indicator, ethnic_group, comparator, ratio, adjustment``.

    Each ratio is the expected one after age, sex and deprivation; an analysis of the invented Trust should find most
    of them within its interval. Unknown ethnic groups are missing alike in every group, and seldom among people
    detained, so that they lower rates and leave ratios.
    """
    found = {name: ratios for name, ratios in RATIOS.items() if name not in ("seen_of_referred", "orders_of_detained")}
    found["treated_prevalence"] = _product("new_referrals", "seen_of_referred")
    found["cto_starts"] = _product("detentions", "orders_of_detained")
    found["section_136"] = RATIOS["detentions"]
    names = group_names()
    lines = [
        (indicator, names[code], names["A"], round(ratio, 6), "age_sex_imd")
        for indicator, ratios in sorted(found.items())
        for code, ratio in ratios.items()
        if code != "A"
    ]
    return pd.DataFrame(lines, columns=["indicator", "ethnic_group", "comparator", "ratio", "adjustment"])


def _product(first: str, second: str) -> dict[str, float]:
    return {code: RATIOS[first][code] * RATIOS[second][code] for code in GROUPS}


def group_names() -> dict[str, str]:
    """Return NHS code to ethnic group."""
    return ethnicity.categories().set_index("code")["ethnic_group"].to_dict()


def residents() -> pd.DataFrame:
    """Return the invented residents: ``code, age_band, sex, imd_quintile, residents``, one row a stratum."""
    index = pd.MultiIndex.from_product([BANDS, SEXES, range(1, 6)], names=["age_band", "sex", "imd_quintile"])
    frames = []
    for code, (share, older, deprived, _language) in GROUPS.items():
        age = AGE_SHARE * np.exp(older * np.linspace(-1, 1, 7))
        imd = IMD_SHARE * np.exp(deprived * np.linspace(1, -1, 5))
        grid = np.einsum("a,s,d->asd", age / age.sum(), list(SEXES.values()), imd / imd.sum())
        counts = pd.Series(np.rint(RESIDENTS * share * grid.ravel()).astype("int64"), index=index, name="residents")
        frames.append(counts.reset_index().assign(code=code))
    return pd.concat(frames, ignore_index=True)


def areas() -> pd.DataFrame:
    """Return the invented small areas: ``lsoa, imd_quintile``; codes that start with X01 belong to no real place."""
    quintile = np.repeat(np.arange(1, 6), np.rint(360 * IMD_SHARE).astype(int))
    return pd.DataFrame({"lsoa": ids("X01", len(quintile), 6), "imd_quintile": quintile})


def ids(letters: str, n: int, digits: int = 7, start: int = 1) -> list[str]:
    """Number ``n`` things."""
    return [f"{letters}{i:0{digits}d}" for i in range(start, start + n)]


def days(number: np.ndarray) -> np.ndarray:
    """Turn numbers into whole days."""
    return np.rint(np.asarray(number, dtype=float)).astype("timedelta64[D]")


def relative(table: pd.DataFrame, shape: tuple) -> np.ndarray:
    """Return the relative rate of each row by its age band, sex and deprivation."""
    age, sex, imd = shape
    factor = table["age_band"].map(dict(zip(BANDS, age, strict=True))).to_numpy(float)
    factor = factor * table["sex"].map(dict(zip(SEXES, sex, strict=True))).to_numpy(float)
    return factor * table["imd_quintile"].map(dict(enumerate(imd, 1))).to_numpy(float)


def ratio(table: pd.DataFrame, name: str) -> np.ndarray:
    """Return the planted ratio of each row's ethnic group."""
    return table["code"].map(RATIOS[name]).to_numpy(float)


def draw_people(rng: np.random.Generator) -> pd.DataFrame:
    """Draw who is referred in the six years to 2024: one row a person, with what the tables are made from.

    Columns: ``Person_ID, code, sex, age_band, imd_quintile, entry, leave, seen, long, severe, wait, birth, outside``.
    After the draw only ``seen``, ``severe`` and ``wait`` depend on ethnic group.
    """
    strata = residents()
    expected = strata["residents"] * 0.0115 * YEARS * relative(strata, CONTACT) * ratio(strata, "new_referrals")
    people = _repeat(strata, rng.poisson(expected))
    n = len(people)
    people["entry"] = FIRST + days(rng.integers(0, 365 * YEARS + 1, n))
    people["seen"] = rng.random(n) < 0.85 * ratio(people, "seen_of_referred")
    people["long"] = people["seen"] & (rng.random(n) < 0.35)
    stay = np.where(people["long"], 150 + rng.exponential(600, n), 30 + rng.exponential(70, n))
    people["wait"] = np.rint(
        rng.gamma(2.2, 55 / 2.2, n) * relative(people, WAIT) * ratio(people, "wait_second_contact")
    )
    people["leave"] = people["entry"] + days(np.maximum(stay, people["wait"] + 5))
    people["Person_ID"] = ids("P", n)
    # Drawn among people seen for long so that, among residents, severe illness has the planted ratio and shape.
    chance = relative(people, DETAINED) * ratio(people, "detentions") / relative(people, CONTACT)
    chance = 0.14 * chance / (ratio(people, "new_referrals") * ratio(people, "seen_of_referred"))
    people["severe"] = people["long"] & (rng.random(n) < chance)
    return _with_birth(rng, people)


def draw_therapy_people(rng: np.random.Generator, start: int) -> pd.DataFrame:
    """Draw who is referred to Talking Therapies in the three years; other people, numbered from ``start``."""
    strata = residents()
    expected = (
        strata["residents"] * 0.0095 * 3 * relative(strata, THERAPY) * ratio(strata, "talking_therapies_entering")
    )
    people = _repeat(strata, rng.poisson(expected))
    people["entry"] = BEGIN + days(rng.integers(0, 3 * 365, len(people)))
    people["Person_ID"] = ids("P", len(people), start=start)
    return _with_birth(
        rng, people.assign(leave=people["entry"] + np.timedelta64(260, "D"), seen=True, long=False, severe=False)
    )


def _repeat(strata: pd.DataFrame, many: np.ndarray) -> pd.DataFrame:
    return strata.loc[strata.index.repeat(many)].drop(columns="residents").reset_index(drop=True)


def _with_birth(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Add a birth date that puts the person into the age band in mid 2022, and who lives elsewhere."""
    low, high = (people["age_band"].map({name: cut[i] for name, cut in BANDS.items()}).to_numpy() for i in (0, 1))
    age = (low + rng.random(len(people)) * (high - low)) * 365.25
    return people.assign(birth=np.datetime64("2022-10-01") - days(age), outside=rng.random(len(people)) < 0.04)


def person_table(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Write people as MHS001MPI: unknown ethnic groups not at random, some people with an earlier row that differs."""
    n = len(people)
    lacking = np.select([people["severe"], people["long"], people["seen"]], [0.01, 0.05, 0.12], 0.25)
    unknown = rng.random(n) < lacking
    code = np.where(unknown, rng.choice(["Z", "99"], n, p=[0.6, 0.4]), people["code"].to_numpy(object))
    gender = np.where(people["sex"] == "Female", "2", "1").astype(object)
    odd = rng.random(n) < 0.003
    gender[odd] = rng.choice(["3", "4", "X", "Z", "9"], odd.sum())
    other = rng.random(n) < people["code"].map({code: facts[3] for code, facts in GROUPS.items()})
    gone = (people["age_band"] == "65+") & (rng.random(n) < 0.04)
    death = people["leave"] + days(rng.integers(0, 300, n))
    table = pd.DataFrame(
        {
            "Person_ID": people["Person_ID"],
            "UniqMonthID": 1488,
            "EthnicCategory": code,
            "Gender": gender,
            "PersonBirthDate": people["birth"],
            "LSOA2021": _homes(rng, people),
            "LSOA2011": None,
            "LanguageCodePreferred": np.where(other, rng.choice(["pl", "ur", "ar", "zh", "so"], n), "en"),
            "PersDeathDate": death.where(gone & (death <= END)),
        }
    )
    earlier = table[rng.random(n) < 0.12].assign(UniqMonthID=1476)
    earlier["EthnicCategory"] = rng.choice(["Z", "99", "S"], len(earlier), p=[0.6, 0.3, 0.1])
    earlier.loc[earlier["Person_ID"].isin(table["Person_ID"][unknown]), "EthnicCategory"] = "99"
    both = pd.concat([table, earlier]).sort_values(["Person_ID", "UniqMonthID"], kind="stable")
    return both.reset_index(drop=True)


def _homes(rng: np.random.Generator, people: pd.DataFrame) -> np.ndarray:
    """Return an area of each person's quintile; one outside for those who live elsewhere; one in a hundred missing."""
    place, n = areas(), len(people)
    pick, home = rng.random(n), np.empty(n, dtype=object)
    for quintile, choice in place.groupby("imd_quintile")["lsoa"]:
        here = (people["imd_quintile"] == quintile).to_numpy()
        home[here] = choice.to_numpy(object)[(pick[here] * len(choice)).astype(int)]
    away = people["outside"].to_numpy()
    home[away] = np.array(ids("X01", 400, 6, start=900_001), dtype=object)[(pick[away] * 400).astype(int)]
    home[rng.random(n) < 0.01] = None
    return home
