"""Periods under the Mental Health Act in the invented Trust: detentions, short orders, renewals, treatment orders."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pcref_analysis.synthetic.demo_people import END, days, ids, ratio

FAR = np.datetime64("2100-01-01")
ACT_COLUMNS = ["Person_ID", "LegalStatusCode", "StartDateMHActLegalStatusClass", "EndDateMHActLegalStatusClass"]


def act_tables(rng: np.random.Generator, people: pd.DataFrame, spells: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Write MHS401, MHS403 and MHS404: every kind of history that the counting rule tells apart."""
    held = _histories(rng, spells)
    orders = _treatment_orders(rng, held)
    held = _recalled(held, orders)
    lasts = (held["ended"].fillna(FAR) - held["admission"]).dt.days
    recall = held[(held["route"] == "P") & (lasts > 2) & (rng.random(len(held)) < 0.2)]
    held.loc[recall.index, ["status", "offset"]] = ["09", 1]
    held["start"] = held["admission"] + days(held["offset"])
    act = pd.concat([*_around(rng, held), *_sections(held), *_not_detained(rng, people, spells)], ignore_index=True)
    act = act[act[ACT_COLUMNS[2]] <= END]
    act[ACT_COLUMNS[3]] = act[ACT_COLUMNS[3]].where(act[ACT_COLUMNS[3]] <= END)
    act = pd.concat([act, act.sample(frac=0.01, random_state=rng)])  # sent twice under another identifier
    act = act.sort_values(ACT_COLUMNS, kind="stable").reset_index(drop=True)
    act.insert(0, "UniqMHActEpisodeID", ids("M", len(act)))
    return {
        "MHS401MHActPeriod": act,
        "MHS403ConditionalDischarge": _conditional_discharges(rng, recall),
        "MHS404CommTreatOrder": orders.drop(columns=["spell", "next_admission", "next_spell"]),
    }


def _histories(rng: np.random.Generator, spells: pd.DataFrame) -> pd.DataFrame:
    """Give each detention its route, first section, day of start after admission and last day under the Act."""
    held = spells[spells["detained"]].reset_index(drop=True)
    n = len(held)
    stay = (held["discharge"].fillna(FAR) - held["admission"]).dt.days.to_numpy()
    route = np.where(held["court"], "P", rng.choice(["A", "B", "C"], n, p=[0.53, 0.19, 0.28]))
    route = np.where((route == "B") & (stay < 3), "A", route)
    offset = np.where(route == "B", np.minimum(rng.integers(1, 6, n), stay - 1), 0)
    status = np.where(route == "P", rng.choice(["10", "17", "07"], n, p=[0.6, 0.25, 0.15]), "02")
    status = np.where((route != "P") & (rng.random(n) < 0.3), "03", status)
    share = np.where(rng.random(n) < 0.5, 1.0, rng.uniform(0.6, 1.0, n))
    under = np.floor((np.minimum(stay, 2000) - offset) * share)
    ended = held["admission"] + days(offset + under)
    ended = ended.where(held["discharge"].notna() | (ended <= END))
    return held.assign(route=route, offset=offset, status=status, ended=ended, whole=share == 1.0)


def _treatment_orders(rng: np.random.Generator, held: pd.DataFrame) -> pd.DataFrame:
    """Draw community treatment orders at discharge of those last under section 3; most end by recall or expiry."""
    under = (held["ended"] - held["admission"]).dt.days - held["offset"]
    third = (held["status"] == "03") | ((held["status"] == "02") & (under > 28))
    follow = held.sort_values(["Person_ID", "admission"], kind="stable").groupby("Person_ID")
    held = held.assign(next_admission=follow["admission"].shift(-1), next_spell=follow["spell"].shift(-1))
    chance = 0.40 * ratio(held, "orders_of_detained")
    rows = held[third & held["whole"] & held["discharge"].notna() & (rng.random(len(held)) < chance)]
    n = len(rows)
    start = rows["discharge"]
    recalled = rows["next_admission"].notna() & (rng.random(n) < 0.7)
    expiry = np.minimum(start + days(rng.integers(90, 360, n)), rows["next_admission"].fillna(FAR))
    end = (rows["next_admission"] + days(rng.integers(0, 3, n))).where(recalled, expiry)
    end = end.where(end <= END)
    return pd.DataFrame(
        {
            "UniqMHActEpisodeID": ids("O", n),
            "Person_ID": rows["Person_ID"].to_numpy(),
            "StartDateCommTreatOrd": start.to_numpy(),
            "EndDateCommTreatOrd": end.to_numpy(),
            "CommTreatOrdEndReason": pd.Series(np.where(recalled, "02", "01")).where(end.notna().to_numpy()),
            "spell": rows["spell"].to_numpy(),
            "next_admission": rows["next_admission"].to_numpy(),
            "next_spell": rows["next_spell"].where(recalled & end.notna()).to_numpy(),
        }
    )


def _recalled(held: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    """Turn detentions (on or after admission) that follow a revoked order into section 3 from the revocation."""
    ended = orders.dropna(subset="next_spell").set_index("next_spell")["EndDateCommTreatOrd"]
    back = held["spell"].isin(ended.index) & held["route"].isin(["A", "B"])
    offset = (held["spell"].map(ended) - held["admission"]).dt.days
    back &= (held["ended"].fillna(FAR) - held["admission"]).dt.days > 3
    return held.assign(
        route=held["route"].mask(back, "D"),
        status=held["status"].mask(back, "03"),
        offset=held["offset"].mask(back, offset).astype(int),
    )


def _act(person: pd.Series, status: object, start: object, end: object) -> pd.DataFrame:
    columns = dict(zip(ACT_COLUMNS, (np.asarray(person), status, np.asarray(start), np.asarray(end)), strict=True))
    return pd.DataFrame(columns)


def _around(rng: np.random.Generator, held: pd.DataFrame) -> list[pd.DataFrame]:
    """Periods that come before a detention: section 136, holding powers, and time as an informal patient."""
    place = held[held["route"] == "C"]
    after = held[held["route"] == "B"]
    kept = after[rng.random(len(after)) < 0.4]
    nurse = kept[rng.random(len(kept)) < 0.3]
    free = after.drop(kept.index)
    free = free[rng.random(len(free)) < 0.5]
    day = np.timedelta64(1, "D")
    return [
        _act(place["Person_ID"], "20", place["admission"] - days(rng.integers(0, 2, len(place))), place["admission"]),
        _act(kept["Person_ID"], "05", kept["start"] - day, kept["start"]),
        _act(nurse["Person_ID"], "06", nurse["start"] - day, nurse["start"] - day),
        _act(free["Person_ID"], "01", free["admission"], free["start"]),
    ]


def _sections(held: pd.DataFrame) -> list[pd.DataFrame]:
    """The detention itself: section 2 becomes 3 after 28 days, 3 is renewed after 182, 35 becomes 37."""
    end = held["ended"]
    lasts = (end.fillna(FAR) - held["start"]).dt.days
    found = []
    second = held["status"].isin(["02", "07"]) & (lasts > 28)
    first = held["start"] + np.timedelta64(28, "D")
    found.append(_act(held["Person_ID"], held["status"].to_numpy(), held["start"], first.where(second, end)))
    turned = held[second]
    found.append(_act(turned["Person_ID"], turned["status"].map({"02": "03", "07": "10"}), first[second], end[second]))
    renewed = (held["status"] == "03") & (lasts > 182)
    half = held["start"] + np.timedelta64(182, "D")
    found[0][ACT_COLUMNS[3]] = found[0][ACT_COLUMNS[3]].mask(renewed.to_numpy(), half.to_numpy())
    found.append(_act(held["Person_ID"][renewed], "03", half[renewed], end[renewed]))
    return found


def _not_detained(rng: np.random.Generator, people: pd.DataFrame, spells: pd.DataFrame) -> list[pd.DataFrame]:
    """Periods that are no detention: places of safety alone, holding alone, transfers in, guardianship, no spell."""
    severe = people[people["severe"]]
    rows = severe.loc[severe.index.repeat(rng.poisson(0.5, len(severe)))].reset_index(drop=True)
    open_days = (rows["leave"] - rows["entry"]).dt.days
    rows = rows.assign(date=rows["entry"] + days(np.floor(rng.random(len(rows)) * open_days)))
    rows = rows[~_in_hospital(rows, spells)]
    free = spells[~spells["detained"] & ~spells["transferred"]]
    short = free[rng.random(len(free)) < 0.06]
    moved = spells[spells["transferred"]]
    before = days(rng.integers(20, 60, len(moved)))
    long = people[people["long"] & ~people["severe"] & ~people["Person_ID"].isin(spells["Person_ID"])]
    some = long.sample(24, random_state=rng)
    day = np.timedelta64(1, "D")
    return [
        _act(rows["Person_ID"], "20", rows["date"], rows["date"] + day),
        _act(short["Person_ID"], "05", short["admission"], short["admission"] + 2 * day),
        _act(moved["Person_ID"], "03", moved["admission"] - before, moved["discharge"]),
        _act(some["Person_ID"], np.repeat(["35", "03"], 12), some["entry"] + 40 * day, some["entry"] + 200 * day),
    ]


def _in_hospital(rows: pd.DataFrame, spells: pd.DataFrame) -> np.ndarray:
    """Say which of the dated rows fall into a spell of the person, or within three days of one."""
    near = rows[["Person_ID", "date"]].reset_index(names="row").merge(spells[["Person_ID", "admission", "discharge"]])
    wide = np.timedelta64(3, "D")
    inside = near["date"].between(near["admission"] - wide, near["discharge"].fillna(FAR) + wide)
    return rows.index.isin(near.loc[inside, "row"])


def _conditional_discharges(rng: np.random.Generator, recall: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "UniqMHActEpisodeID": ids("D", len(recall)),
            "Person_ID": recall["Person_ID"].to_numpy(),
            "StartDateMHCondDisch": (recall["admission"] - days(rng.integers(200, 600, len(recall)))).to_numpy(),
            "EndDateMHCondDisch": recall["admission"].to_numpy(),
            "CondDischEndReason": "02",
        }
    )
