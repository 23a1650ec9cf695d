"""An invented Trust with planted, known gaps: MHSDS-shaped tables made from a seed in seconds.

Nobody in it exists. It is awkward on purpose: unknown ethnic groups that are not missing at random, people with
several detentions and many restrictive interventions, groups of a handful of people, open episodes, people who live
elsewhere, periods under the Act sent twice. Use it to learn, to test, and never to say anything about a real group.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pcref_analysis.counting.row_conditions import schemas
from pcref_analysis.synthetic import demo_act, demo_details, demo_hospital, demo_people
from pcref_analysis.synthetic.demo_people import BEGIN, BETTER, END, MISSED, days, ids, planted, ratio, relative

__all__ = ["PERIODS", "SEED", "one_row_a_person", "planted", "tables", "typed", "write"]

SEED = 20260101
PERIODS = ("2021-22", "2022-23", "2023-24")
TEAMS = ["A06", "A05", "A08", "A14", "A18"]
UNKNOWN = ("Z", "99")


def tables(seed: int = SEED) -> dict[str, pd.DataFrame]:
    """Return the invented extract: contract table name to frame, ``Population`` and ``Areas`` included.

    Examples
    --------
    >>> tables()["Areas"]["imd_quintile"].nunique()
    5
    """
    rng = np.random.default_rng(seed)
    people = demo_people.draw_people(rng)
    others = demo_people.draw_therapy_people(rng, len(people) + 1)
    spells = demo_hospital.draw_spells(rng, people)
    made = {"MHS001MPI": demo_people.person_table(rng, pd.concat([people, others], ignore_index=True))}
    language = made["MHS001MPI"].set_index("Person_ID")["LanguageCodePreferred"]
    made["MHS101Referral"] = referrals = _referrals(rng, people)
    made["MHS201CareContact"] = contacts = _contacts(rng, people, spells, language[~language.index.duplicated()])
    made |= demo_act.act_tables(rng, people, spells)
    made |= demo_hospital.hospital_tables(rng, spells)
    made["MHS606CodedScoreAssessmentRefer"] = _scores(rng, referrals, contacts, people)
    made["IDS101Referral"] = _therapy(rng, others)
    made["Experience"] = _experience(rng, people)
    population = demo_people.residents()
    population.insert(0, "ethnic_group", population.pop("code").map(demo_people.group_names()))
    made["Population"] = population[["ethnic_group", "sex", "age_band", "imd_quintile", "residents"]]
    made["Areas"] = demo_people.areas()
    known = one_row_a_person(made["MHS001MPI"]).set_index("Person_ID")["EthnicCategory"]
    unknown = referrals["Person_ID"].map(known).isin(UNKNOWN)
    made["MHS101Referral"] = referrals.assign(TeamID=demo_details.teams(seed, referrals, unknown))
    made = demo_details.add(seed, made)
    return {name: made[name][list(schema.names)] for name, schema in schemas().items() if name in made}


def _referrals(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """One referral a person, which the contacts belong to, and for some another that came to nothing."""
    more = people[rng.random(len(people)) < 0.15]
    more = more.assign(entry=more["entry"] + days(rng.integers(30, 700, len(more))), seen=False)
    more = more[more["entry"] <= END]
    more = more.assign(leave=more["entry"] + days(rng.integers(5, 60, len(more))))
    rows = pd.concat([people, more], ignore_index=True)
    n = len(rows)
    rejected = ~rows["seen"] & (rng.random(n) < 0.5)
    young = rows["age_band"].isin(["0-15", "16-19"])
    mother = (rows["sex"] == "Female") & rows["age_band"].isin(["20-24", "25-34", "35-49"]) & (rng.random(n) < 0.06)
    team = np.where(young, "C10", rng.choice(TEAMS, n, p=[0.5, 0.2, 0.1, 0.12, 0.08]))
    return pd.DataFrame(
        {
            "UniqServReqID": ids("R", n),
            "Person_ID": rows["Person_ID"],
            "ReferralRequestReceivedDate": rows["entry"],
            "SourceOfReferralMH": rng.choice(["A1", "B1", "D1", "H1", "F1"], n, p=[0.55, 0.12, 0.1, 0.18, 0.05]),
            "ServTeamTypeMH": np.where(mother, "C02", team),
            "ReferRejectionDate": (rows["entry"] + days(rng.integers(1, 15, n))).where(rejected),
            "ServDischDate": rows["leave"].where(~rejected & (rows["leave"] <= END)),
            "TeamID": rng.integers(1, 25, n).astype(str),  # drawn over in the end; all draws after this one rest on it
        }
    )


def _contacts(
    rng: np.random.Generator, people: pd.DataFrame, spells: pd.DataFrame, language: pd.Series
) -> pd.DataFrame:
    """Attended contacts while a referral is open, missed ones by a planted ratio, and follow-up after discharge."""
    rows = _attended(rng, people)
    rows = rows[~_in_three_days(rows, spells)]
    share = 0.13 * relative(rows, MISSED) * ratio(rows, "non_attendance")
    missed = rows[rng.random(len(rows)) < share / (1 - share)]
    missed = missed.assign(status=rng.choice(["2", "3", "7"], len(missed), p=[0.3, 0.62, 0.08]))
    cancelled = rows[rng.random(len(rows)) < 0.03].assign(status="4")
    rows = rows.assign(status=rng.choice(["5", "6"], len(rows), p=[0.95, 0.05]))
    every = pd.concat([rows, missed, cancelled, _follow_up(rng, spells)], ignore_index=True)
    every = every[every["date"] <= END].sort_values(["date", "Person_ID", "status"], kind="stable")
    foreign = (every["Person_ID"].map(language) != "en").to_numpy()
    there = np.where(rng.random(len(every)) < np.where(foreign, 0.45, 0.0), "Y", "N").astype(object)
    there[rng.random(len(every)) < np.where(foreign, 0.10, 0.80)] = None
    return pd.DataFrame(
        {
            "UniqCareContID": ids("C", len(every)),
            "UniqServReqID": ("R" + every["Person_ID"].str.slice(1)).to_numpy(),
            "Person_ID": every["Person_ID"].to_numpy(),
            "CareContDate": every["date"].to_numpy(),
            "AttendStatus": every["status"].to_numpy(),
            "InterpreterPresentInd": there,
        }
    )


def _attended(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """First contact within the wait, the second at its end, further ones by chance until the referral closes."""
    seen = people[people["seen"]].reset_index(drop=True)
    rest = (np.minimum(seen["leave"], END + 1) - seen["entry"]).dt.days.to_numpy() - seen["wait"].to_numpy()
    many = np.where(seen["long"], 2 + rng.poisson(np.maximum(rest, 0) / 30), 1 + rng.poisson(1.8, len(seen)))
    rows = seen.loc[seen.index.repeat(many)]
    turn = rows.groupby(level=0).cumcount().to_numpy()
    wait, spare, u = rows["wait"].to_numpy(), np.maximum(np.repeat(rest, many), 1), rng.random(len(rows))
    day = np.select([turn == 0, turn == 1], [np.floor(wait * (0.1 + 0.6 * u)), wait], wait + np.ceil(u * spare))
    return rows.assign(date=rows["entry"] + days(day))


def _in_three_days(rows: pd.DataFrame, spells: pd.DataFrame) -> np.ndarray:
    """Say which contacts fall in the three days after a discharge, where follow-up is planted."""
    after = [spells["discharge"] + np.timedelta64(day, "D") for day in (1, 2, 3)]
    taken = pd.concat([spells[["Person_ID"]].assign(date=date) for date in after])
    return pd.MultiIndex.from_arrays([rows["Person_ID"], rows["date"]]).isin(pd.MultiIndex.from_frame(taken))


def _follow_up(rng: np.random.Generator, spells: pd.DataFrame) -> pd.DataFrame:
    ended = spells[spells["discharge"].notna()]
    ended = ended[rng.random(len(ended)) < 0.78 * relative(ended, BETTER) * ratio(ended, "follow_up_72_hours")]
    return ended.assign(date=ended["discharge"] + days(rng.integers(1, 4, len(ended))), status="5")


def _scores(
    rng: np.random.Generator, referrals: pd.DataFrame, contacts: pd.DataFrame, people: pd.DataFrame
) -> pd.DataFrame:
    """Scores on the day of contacts: a first for most, a second for fewer, sometimes on another measure."""
    seen = contacts[contacts["AttendStatus"].isin(["5", "6"])]
    by_referral = seen.groupby("UniqServReqID")["CareContDate"].agg(["min", "max"])
    rows = referrals.merge(by_referral, left_on="UniqServReqID", right_index=True)
    young = rows["Person_ID"].isin(people.loc[people["age_band"].isin(["0-15", "16-19"]), "Person_ID"])
    tool = np.where(young, rng.choice(["SDQ", "RCADS"], len(rows)), rng.choice(["DIALOG", "REQOL10"], len(rows)))
    first = rows.assign(tool=tool, date=rows["min"])[rng.random(len(rows)) < 0.6]
    second = first[(first["max"] > first["min"]) & (rng.random(len(first)) < 0.65)]
    other = rng.random(len(second)) < 0.1
    second = second.assign(date=second["max"], tool=second["tool"].mask(other, "GBO"))
    both = pd.concat([first, second]).sort_values(["date", "UniqServReqID"], kind="stable")
    return pd.DataFrame(
        {
            "UniqScoreID": ids("G", len(both)),
            "UniqServReqID": both["UniqServReqID"].to_numpy(),
            "Person_ID": both["Person_ID"].to_numpy(),
            "AssToolCompDate": both["date"].to_numpy(),
            "CodedAssToolType": both["tool"].to_numpy(),
            "PersScore": np.round(rng.uniform(0, 40, len(both)), 1),
        }
    )


def _therapy(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Talking Therapies referrals: seven in ten start, over half of these finish, about half recover."""
    n = len(people)
    first = people["entry"] + days(rng.integers(3, 60, n))
    starts = rng.random(n) < 0.7
    ends = first.where(starts, people["entry"]) + days(rng.integers(10, 200, n))
    closed = ends <= END
    done = starts & closed & (rng.random(n) < 0.6)
    well = done & (rng.random(n) < 0.08)
    chance = 0.50 * relative(people, BETTER) * ratio(people, "talking_therapies_recovery")
    recovered = done & ~well & (rng.random(n) < chance)
    improved = done & (recovered & (rng.random(n) < 0.95) | (rng.random(n) < 0.3))

    def flag(holds: pd.Series, among: pd.Series) -> pd.Series:
        return pd.Series(np.where(holds, "Y", "N"), index=holds.index).where(among)

    return pd.DataFrame(
        {
            "PathwayID": ids("K", n),
            "Person_ID": people["Person_ID"],
            "ReferralRequestReceivedDate": people["entry"],
            "TherapySession_FirstDate": first.where(starts & (first <= END)),
            "ServDischDate": ends.where(closed),
            "CompletedTreatment_Flag": flag(done, closed),
            "NotCaseness_Flag": flag(well, done),
            "Recovery_Flag": flag(recovered, done),
            "ReliableImprovement_Flag": flag(improved, done),
        }
    )


def _experience(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Answers of some people, twice of a few, and a few complaints."""
    asked = people[people["seen"] & (people["leave"] >= BEGIN) & (people["entry"] <= END)]
    asked = asked[rng.random(len(asked)) < 0.30]
    asked = asked.loc[asked.index.repeat(rng.choice([1, 2], len(asked), p=[0.85, 0.15]))]
    n = len(asked)
    first, last = asked["entry"].clip(lower=BEGIN), asked["leave"].clip(upper=END)
    date = first + days(np.floor(rng.random(n) * ((last - first).dt.days + 1)))
    question = rng.choice(["FFT", "SURVEY", "COMPLAINT"], n, p=[0.72, 0.24, 0.04])
    good = rng.random(n) < 0.82 * relative(asked, BETTER) * ratio(asked, "positive_experience")
    return pd.DataFrame(
        {
            "ResponseID": ids("E", n),
            "Person_ID": asked["Person_ID"].to_numpy(),
            "ResponseDate": date.to_numpy(),
            "Question": question,
            "Positive": np.where(good & (question != "COMPLAINT"), "Y", "N"),
        }
    )


def one_row_a_person(people: pd.DataFrame) -> pd.DataFrame:
    """Return each person's latest row with a known ethnic group, or the latest if none is known."""
    known = ~people["EthnicCategory"].isin(UNKNOWN)
    order = people.assign(known=known).sort_values(["Person_ID", "known", "UniqMonthID"], kind="stable")
    return order.drop_duplicates("Person_ID", keep="last").drop(columns="known").reset_index(drop=True)


def typed(frame: pd.DataFrame) -> pa.Table:
    """Return a frame with days as dates and text as text, whatever is missing in it."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    fields = []
    for field in table.schema:
        kind = pa.date32() if pa.types.is_timestamp(field.type) else field.type
        text = pa.types.is_null(kind) or pa.types.is_large_string(kind)
        fields.append(field.with_type(pa.string() if text else kind))
    return table.cast(pa.schema(fields)).replace_schema_metadata(None)


def write(folder: Path, seed: int = SEED, kind: str = "parquet") -> list[Path]:
    """Write the invented extract into a folder, a file a table (``kind`` "parquet" or "csv"); return the files."""
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
