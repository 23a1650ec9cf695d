"""Eight figures worked out from rows by plain pandas, scipy and statsmodels; nothing of pcref_analysis is used.

Rows are those of :func:`trust.truth`. Residents by age, sex and deprivation are taken as given (a frame) by the rates
that need them; :func:`residents` works out from the census how many there are of each group.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

BROAD = {
    **dict.fromkeys("ABC", "White"),
    **dict.fromkeys("DEFG", "Mixed"),
    **dict.fromkeys("HJKL", "Asian or Asian British"),
    **dict.fromkeys("MNP", "Black or Black British"),
    **dict.fromkeys("RS", "Other ethnic groups"),
}
BANDS = [0, 16, 20, 25, 35, 50, 65]
STRATA = ["age_band", "sex", "imd_quintile"]
DAY = pd.Timedelta(days=1)
ATTENDED, MISSED = ["5", "6"], ["2", "3", "7"]


def persons(rows: dict[str, pd.DataFrame], open_data: Path, board: str, year: int) -> pd.DataFrame:
    """Return one row a person: broad group, sex, age band on 1 April, quintile of the home, whether in the board."""
    people = rows["MHS001MPI"].set_index("Person_ID")
    areas = pd.read_csv(open_data / "imd2025_lsoa21.csv.gz").set_index("lsoa21_code")
    birth = people["PersonBirthDate"]
    age = year - birth.dt.year - ((birth.dt.month > 4) | ((birth.dt.month == 4) & (birth.dt.day > 1)))
    names = [f"{low}-{high - 1}" for low, high in pairwise(BANDS)] + [f"{BANDS[-1]}+"]
    band = pd.cut(age.clip(0), [*BANDS, 200], right=False, labels=names).astype("object")
    return pd.DataFrame(
        {
            "ethnic_group": people["EthnicCategory"].map(BROAD).fillna("Unknown"),
            "sex": people["Gender"].map({"1": "Male", "2": "Female"}).fillna("Not known"),
            "age_band": band.fillna("Not known"),
            "imd_quintile": people["LSOA2021"].map(areas["imd_quintile"]),
            "resident": people["LSOA2021"].map(areas["icb24_ods_code"]) == board,
            "gone": people["PersDeathDate"] < pd.Timestamp(year, 4, 1),
        }
    )


def of_year(frame: pd.DataFrame, column: str, year: int) -> pd.DataFrame:
    """Return the rows of a financial year."""
    day = frame[column]
    return frame[(day >= pd.Timestamp(year, 4, 1)) & (day < pd.Timestamp(year + 1, 4, 1))]


def residents(open_data: Path, board: str) -> pd.Series:
    """Return the board's residents by NHS broad group: Chinese counted in Other, as the NHS codes do.

    A district's share of Chinese people among its census group Asian is taken for the part of it in the board.
    """
    small = pd.read_csv(open_data / "census2021_lsoa21_ethnic5.csv.gz")
    small = small[small["icb24_ods_code"] == board]
    district = pd.read_csv(open_data / "lookup_lsoa11_lsoa21_lad22.csv.gz").drop_duplicates("lsoa21_code")
    small = small.merge(district[["lsoa21_code", "lad22_code"]], on="lsoa21_code")
    parts = small.groupby("lad22_code")[["white", "mixed", "asian", "black", "other"]].sum()
    detail = pd.read_csv(open_data / "census2021_lad21_ethnic19.csv")
    asian = detail[detail["ethnic_group19"].str.startswith("Asian")]
    chinese = asian[asian["ethnic_group19"].str.endswith("Chinese")].groupby("lad21_code")["residents"].sum()
    moved = parts["asian"] * (chinese / asian.groupby("lad21_code")["residents"].sum()).reindex(parts.index)
    return pd.Series(
        {
            "White": parts["white"].sum(),
            "Mixed": parts["mixed"].sum(),
            "Asian or Asian British": (parts["asian"] - moved).sum(),
            "Black or Black British": parts["black"].sum(),
            "Other ethnic groups": (parts["other"] + moved).sum(),
        },
        dtype=float,
    )


# --- which periods under the Act are detentions -----------------------------------------------------------------------


def detentions(rows: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the periods that NHS England's annual figures count as detentions, person by person.

    Written from the published order of cases, with the docs' own differences: whole days, and what follows a day later
    goes on; a revoked community treatment order about the admission makes a section 3 a recall.
    """
    periods = rows["MHS401MHActPeriod"].rename(
        columns=lambda c: {"UniqMHActEpisodeID": "id", "LegalStatusCode": "law"}.get(c, c)
    )
    periods = periods.rename(columns={"StartDateMHActLegalStatusClass": "start", "EndDateMHActLegalStatusClass": "end"})
    spells = rows["MHS501HospProvSpell"].sort_values(["StartDateHospProvSpell", "UniqHospProvSpellID"])
    orders = rows["MHS404CommTreatOrder"].query("CommTreatOrdEndReason == '02'")
    stays = dict(tuple(spells.groupby("Person_ID")))
    recalls = dict(tuple(orders.groupby("Person_ID")))
    found = []
    for person, mine in periods.groupby("Person_ID"):
        found += _of_person(mine, stays.get(person, spells.head(0)), recalls.get(person, orders.head(0)))
    return periods[periods["id"].isin(found)]


def _of_person(periods: pd.DataFrame, spells: pd.DataFrame, orders: pd.DataFrame) -> list[str]:
    located: dict[str, list] = {}
    for period in periods.itertuples():
        for spell in spells.itertuples():
            begun = pd.isna(period.end) or spell.StartDateHospProvSpell <= period.end
            if begun and (pd.isna(spell.DischDateHospProvSpell) or spell.DischDateHospProvSpell >= period.start):
                located.setdefault(spell.UniqHospProvSpellID, [spell]).append(period)
                break
    found = []
    far = pd.Timestamp.max
    for spell, *mine in located.values():
        mine.sort(key=lambda p: (p.start, pd.isna(p.end), far if pd.isna(p.end) else p.end, p.id))
        for before, period in zip([None, *mine], mine, strict=False):
            if _is_detention(period, before, spell, orders):
                found.append(period.id)
    return found


def _is_detention(period, before, spell, orders) -> bool:
    offset = (period.start - spell.StartDateHospProvSpell).days
    gap = None if before is None or pd.isna(before.end) else (period.start - before.end).days
    fresh = before is None or before.law == "01" or (gap is not None and gap > 1)
    follows = before is not None and (gap is None or gap <= 1)
    near = [
        order
        for order in orders.itertuples()
        if order.StartDateCommTreatOrd < spell.StartDateHospProvSpell
        and (order.EndDateCommTreatOrd - spell.StartDateHospProvSpell).days >= -1
    ]
    recalled = offset >= 0 and any((period.start - order.EndDateCommTreatOrd).days >= -1 for order in near)
    resumed = offset < 0 and any((order.EndDateCommTreatOrd - spell.StartDateHospProvSpell).days <= 2 for order in near)
    if period.law in ("02", "03"):
        if offset == 0 and fresh:
            return True  # A, on admission
        if period.law == "02" and spell.MethAdmMHHospProvSpell == "2A" and 0 <= offset <= 5:
            return True  # A
        if offset > 0 and fresh and not recalled and not resumed:
            return True  # B, after admission
        if offset >= 0 and follows and before.law in ("04", "05", "06") and not recalled and not resumed:
            return True  # B, after a holding order
        if offset >= 0 and follows and before.law in ("19", "20"):
            return True  # C, after a place of safety
    court = ("07", "08", "09", "10", "12", "13", "14", "15", "16", "17", "18", "31", "32", "34", "37", "38")
    if period.law in ("03", *court) and recalled and (fresh or before.law in ("04", "05", "06")):
        return True  # D, recalled
    if period.law == "03" and resumed:
        return True  # D
    planned = spell.MethAdmMHHospProvSpell in ("11", "12", "13")
    known = fresh or before.law in ("02", "03", "04", "05", "06")
    return period.law in court and offset <= 0 and planned and known and not recalled and not resumed  # P, by a court


# --- figures ----------------------------------------------------------------------------------------------------------


def limits_of_count(events: float, level: float = 0.95) -> tuple[float, float]:
    """Return Garwood's exact limits below ten events, Byar's from ten up."""
    z = stats.norm.ppf(0.5 + level / 2)
    if events < 10:
        return stats.chi2.ppf((1 - level) / 2, 2 * events) / 2, stats.chi2.ppf(0.5 + level / 2, 2 * events + 2) / 2
    more = events + 1
    lower = events * (1 - 1 / (9 * events) - z / (3 * np.sqrt(events))) ** 3
    return lower, more * (1 - 1 / (9 * more) + z / (3 * np.sqrt(more))) ** 3


def each_person(events: pd.DataFrame, who: pd.DataFrame) -> pd.DataFrame:
    """Return how many events each person of the board has, with who the person is."""
    number = events.groupby("Person_ID").size().rename("events")
    mine = who.loc[number.index].assign(events=number)
    return mine[mine["resident"] & ~mine["gone"]]


def _spread(events: pd.Series, at_risk: float) -> float:
    """Return the variance of a sum of events where people are independent and events of one person are not."""
    rate = events.sum() / at_risk
    squares = (events.astype(float) ** 2).sum() - 2 * rate * events.sum() + rate**2 * at_risk
    return max(squares, events.sum())


def crude_rate(events: pd.DataFrame, who: pd.DataFrame, at_risk: float, group: str, per: float) -> np.ndarray:
    """Return a crude rate and its limits, which allow for people who count more than once."""
    mine = each_person(events, who).query("ethnic_group == @group")["events"]
    total = mine.sum()
    stretch = np.sqrt(_spread(mine, at_risk) / total)
    low, high = (max(total + stretch * (limit - total), 0) for limit in limits_of_count(total))
    return np.array([total, low, high]) / at_risk * per


def standardised_rate(
    events: pd.DataFrame, who: pd.DataFrame, population: pd.DataFrame, standard: pd.Series, group: str, per: float
) -> np.ndarray:
    """Return a directly standardised rate by age and sex, with Dobson's limits."""
    keys = ["age_band", "sex"]
    mine = each_person(events, who).query("ethnic_group == @group and age_band != 'Not known' and sex != 'Not known'")
    at_risk = population.query("ethnic_group == @group").groupby(keys)["residents"].sum()
    weight = standard.reindex(at_risk.index) / standard.reindex(at_risk.index).sum()
    parts = {key: part["events"] for key, part in mine.groupby(keys)}
    rate = spread = total = 0.0
    for key, people in at_risk.items():
        if key in parts:
            rate += weight[key] * parts[key].sum() / people
            spread += (weight[key] / people) ** 2 * _spread(parts[key], people)
            total += parts[key].sum()
    low, high = (max(rate + np.sqrt(spread / total) * (limit - total), 0) for limit in limits_of_count(total))
    return np.array([rate, low, high]) * per


def share(frame: pd.DataFrame, event: pd.Series, who: pd.DataFrame, group: str) -> np.ndarray:
    """Return a share in per cent with Wilson's limits on the effective number: rows of one person are alike."""
    rows = pd.DataFrame({"person": frame["Person_ID"], "y": event.astype(float), "n": 1.0})
    mine = who.loc[rows["person"]]
    rows = rows[((mine["ethnic_group"] == group) & ~mine["gone"]).to_numpy()]
    person = rows.groupby("person")[["y", "n"]].sum()
    size = person["n"].sum()
    p = person["y"].sum() / size
    effective = min(size, p * (1 - p) * size**2 / ((person["y"] - p * person["n"]) ** 2).sum())
    z = stats.norm.ppf(0.975)
    middle = p + z**2 / (2 * effective)
    half = z * np.sqrt(p * (1 - p) / effective + z**2 / (4 * effective**2))
    return np.array([p, (middle - half) / (1 + z**2 / effective), (middle + half) / (1 + z**2 / effective)]) * 100


def mean_stay(spells: pd.DataFrame, who: pd.DataFrame, group: str) -> np.ndarray:
    """Return the mean days from admission to discharge, with t limits by person."""
    mine = who.loc[spells["Person_ID"]]
    spells = spells[((mine["ethnic_group"] == group) & ~mine["gone"]).to_numpy()]
    days = (spells["DischDateHospProvSpell"] - spells["StartDateHospProvSpell"]).dt.days
    person = pd.DataFrame({"days": days, "n": 1}).groupby(spells["Person_ID"]).sum()
    size = person["n"].sum()
    centre = person["days"].sum() / size
    people = size**2 / (person["n"] ** 2).sum()
    error = np.sqrt(((person["days"] - centre * person["n"]) ** 2).sum() / size**2 * people / (people - 1))
    half = stats.t.ppf(0.975, people - 1) * error
    return np.array([centre, centre - half, centre + half])


def adjusted_ratio(
    events: pd.DataFrame, who: pd.DataFrame, population: pd.DataFrame, group: str, adjust: list[str]
) -> tuple[float, float]:
    """Return the log of the ratio of a group to White and its cluster-robust error, by a Poisson GLM of statsmodels.

    A row is a person with events, or the residents of a stratum without any, who are alike: each of them counts in the
    likelihood and in the middle of the sandwich once.
    """
    import statsmodels.api as sm

    keys = ["ethnic_group", *STRATA]
    person = each_person(events, who)
    known = (person["age_band"] != "Not known") & (person["sex"] != "Not known") & (person["ethnic_group"] != "Unknown")
    person = person[known][[*keys, "events"]].assign(people=1.0)
    taken = person.groupby(keys)["people"].sum()
    rest = population.set_index(keys)["residents"].sub(taken, fill_value=0.0).rename("people").reset_index()
    rows = pd.concat([person, rest.assign(events=0.0)], ignore_index=True)
    groups = ["White", *sorted(set(rows["ethnic_group"]) - {"White"})]
    rows["ethnic_group"] = pd.Categorical(rows["ethnic_group"], groups)
    x = sm.add_constant(
        pd.get_dummies(rows[["ethnic_group", *map(str, adjust)]].astype("category"), drop_first=True).astype(float)
    )
    people = rows["people"].to_numpy()
    fitted = sm.GLM(rows["events"], x, sm.families.Poisson(), freq_weights=people).fit(tol=1e-12, maxiter=100)
    design, mean = x.to_numpy(), fitted.fittedvalues.to_numpy()
    bread = np.linalg.inv(design.T @ (design * (people * mean)[:, None]))
    middle = design.T @ (design * (people * (rows["events"].to_numpy() - mean) ** 2)[:, None])
    place = list(x.columns).index(f"ethnic_group_{group}")
    return float(fitted.params.iloc[place]), float(np.sqrt((bread @ middle @ bread)[place, place]))
