"""What happens in the invented Trust's hospital: admissions, ward stays, force, delay.

Only what ``RATIOS`` names depends on ethnic group: who is severely ill (drawn before), community treatment orders of
those detained, restrictive interventions by bed day, readmission. Routes, sections and lengths are drawn alike for all.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from pcref_analysis.synthetic.demo_people import END, FORCE, WORSE, days, ids, ratio, relative

SPACE = 180  # days between two detentions of one person, so that a readmission is one because it was drawn


def draw_spells(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Draw hospital spells: one a detention of severely ill people, informal ones, and readmissions.

    Columns of people and ``admission, discharge`` (missing: still in), ``detained, transferred, court, method, spell``.
    """
    held, informal = _detained(rng, people), _informal(rng, people)
    spells = latest = pd.concat([held, informal], ignore_index=True)
    for _turn in range(3):
        chance = 0.10 * relative(latest, WORSE) * ratio(latest, "readmission_30_days")
        again = latest[rng.random(len(latest)) < chance]
        start = again["discharge"] + days(rng.integers(4, 21, len(again)))
        latest = again.assign(admission=start, discharge=start + days(rng.integers(1, 13, len(again))))
        latest = latest.assign(detained=False, transferred=False)
        spells = pd.concat([spells, latest], ignore_index=True)
    spells = spells[spells["admission"] <= END].sort_values(["admission", "Person_ID"], kind="stable")
    spells = spells.assign(discharge=spells["discharge"].where(spells["discharge"] <= END)).reset_index(drop=True)
    court = spells["detained"] & (rng.random(len(spells)) < 0.06)
    method = rng.choice(["11", "21", "28", "2A"], len(spells), p=[0.08, 0.55, 0.32, 0.05])
    method = np.select([spells["transferred"], court], ["81", "12"], method)
    return spells.assign(spell=ids("S", len(spells)), method=method, court=court)


def _detained(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    severe = people[people["severe"]].reset_index(drop=True)
    begin = severe["entry"] + np.timedelta64(3, "D")
    room = (severe["leave"] - begin).dt.days.to_numpy()
    many = np.minimum(rng.geometric(0.55, len(severe)), np.minimum(1 + room // SPACE, 6))
    rows = severe.loc[severe.index.repeat(many)]
    turn = rows.groupby(level=0).cumcount().to_numpy()
    draws = pd.DataFrame({"who": rows.index, "u": rng.random(len(rows))}).sort_values(["who", "u"], kind="stable")
    free = np.repeat(room - (many - 1) * SPACE, many)
    start = begin.to_numpy()[rows.index] + days(np.floor(draws["u"].to_numpy() * free) + turn * SPACE)
    last = turn == np.repeat(many, many) - 1
    longer = last & (rng.random(len(rows)) < 0.06)
    length = np.where(longer, rng.gamma(2, 110, len(rows)), np.clip(rng.gamma(1.1, 28, len(rows)), 0, 110))
    rows = rows.assign(admission=start, discharge=start + days(length), detained=True, transferred=False)
    return rows.reset_index(drop=True)


def _informal(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    rows = people[people["long"] & ~people["severe"]]
    rows = rows[rng.random(len(rows)) < 0.06].reset_index(drop=True)
    start = rows["entry"] + days(rng.integers(1, 140, len(rows)))
    moved = rng.random(len(rows)) < 0.05
    length = days(rng.gamma(1.1, 18, len(rows)))
    return rows.assign(admission=start, discharge=start + length, detained=False, transferred=moved)


def hospital_tables(rng: np.random.Generator, spells: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Write MHS501, MHS502, MHS515 and MHS518."""
    n = len(spells)
    to = pd.Series(rng.choice(np.array(["19", "49", "79", None], object), n, p=[0.93, 0.04, 0.01, 0.02]))
    spell = pd.DataFrame(
        {
            "UniqHospProvSpellID": spells["spell"],
            "Person_ID": spells["Person_ID"],
            "StartDateHospProvSpell": spells["admission"],
            "DischDateHospProvSpell": spells["discharge"],
            "MethAdmMHHospProvSpell": spells["method"],
            "DestOfDischHospProvSpell": to.where(spells["discharge"].notna()),
        }
    )
    return {
        "MHS501HospProvSpell": spell,
        "MHS502WardStay": _ward_stays(rng, spells),
        "MHS515RestrictiveInterventType": _interventions(rng, spells),
        "MHS518ClinReadyforDischarge": _delays(rng, spells),
    }


def _ward_stays(rng: np.random.Generator, spells: pd.DataFrame) -> pd.DataFrame:
    """One stay a spell, or two where somebody moves from intensive care to an acute ward."""
    stay = (spells["discharge"].fillna(END + 1) - spells["admission"]).dt.days
    moved = (stay > 10) & (rng.random(len(spells)) < 0.12)
    kind = np.where(spells["age_band"] == "65+", "201", np.where(rng.random(len(spells)) < 0.04, "203", "200"))
    change = spells["admission"] + np.timedelta64(6, "D")
    first = spells.assign(start=spells["admission"], end=spells["discharge"].mask(moved, change))
    first = first.assign(kind=np.where(moved, "202", kind))
    second = spells.assign(start=change, end=spells["discharge"], kind=kind)[moved]
    rows = pd.concat([first, second]).sort_values(["start", "spell"], kind="stable")
    return pd.DataFrame(
        {
            "UniqWardStayID": ids("W", len(rows)),
            "UniqHospProvSpellID": rows["spell"].to_numpy(),
            "Person_ID": rows["Person_ID"].to_numpy(),
            "StartDateWardStay": rows["start"].to_numpy(),
            "EndDateWardStay": rows["end"].to_numpy(),
            "MHAdmittedPatientClass": rows["kind"].to_numpy(),
            "SiteIDOfWard": np.char.add("SITE", rng.integers(1, 5, len(rows)).astype(str)),
        }
    )


def _interventions(rng: np.random.Generator, spells: pd.DataFrame) -> pd.DataFrame:
    """Draw restrictive interventions by bed day, with a frailty a person so that few people have many."""
    names = spells["Person_ID"].unique()
    frail = pd.Series(rng.gamma(0.7, 1 / 0.7, len(names)), index=names)
    nights = (spells["discharge"].fillna(END + 1) - spells["admission"]).dt.days.to_numpy()
    expected = nights * 0.03 * relative(spells, FORCE) * ratio(spells, "restrictive_interventions")
    many = rng.poisson(expected * spells["Person_ID"].map(frail).to_numpy())
    rows = spells.loc[spells.index.repeat(many)].assign(nights=np.repeat(nights, many))
    date = rows["admission"] + days(np.floor(rng.random(len(rows)) * rows["nights"]))
    rows = rows.assign(date=date).sort_values(["date", "Person_ID"], kind="stable")
    kinds, chance = ["01", "04", "05", "06", "07", "08", "10", "14", "15", "17"], [8, 1, 11, 2, 24, 16, 12, 20, 4, 2]
    same = rows.duplicated(["Person_ID", "date"])
    return pd.DataFrame(
        {
            "UniqRestrictiveIntTypeID": ids("Y", len(rows)),
            "UniqRestrictiveIntIncID": [f"I{i:07d}" for i in (~same).cumsum()],
            "Person_ID": rows["Person_ID"].to_numpy(),
            "RestrictiveIntType": rng.choice(kinds, len(rows), p=np.array(chance) / 100),
            "StartDateRestrictiveIntType": rows["date"].to_numpy(),
        }
    )


def _delays(rng: np.random.Generator, spells: pd.DataFrame) -> pd.DataFrame:
    """Draw the last days of some longer stays as spent ready to leave; some still wait."""
    stay = (spells["discharge"].fillna(END + 1) - spells["admission"]).dt.days
    rows = spells[(stay > 25) & (rng.random(len(spells)) < 0.2)]
    waiting = np.minimum(rng.integers(3, 40, len(rows)), stay[rows.index] - 10)
    return pd.DataFrame(
        {
            "UniqClinReadyforDischID": ids("Z", len(rows)),
            "UniqHospProvSpellID": rows["spell"].to_numpy(),
            "Person_ID": rows["Person_ID"].to_numpy(),
            "StartDateClinReadyforDisch": (rows["discharge"].fillna(END + 1) - days(waiting)).to_numpy(),
            "EndDateClinReadyforDisch": rows["discharge"].to_numpy(),
        }
    )
