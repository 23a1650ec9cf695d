"""Sort periods under the Act by this project's own rule (docs/indicators.md, "Detentions"), in plain pandas.

It differs from :mod:`act` where that page says so. Nothing of pcref_analysis is used.
"""

from __future__ import annotations

import act
import numpy as np
import pandas as pd

DAY = pd.Timedelta(days=1)
START, END = act.START, act.END
ADMITTED, LEFT = act.ADMITTED, act.LEFT
PART_3 = act.PART_3 | {"37", "38"}
HELD = {"02", "03"} | PART_3


def detentions(rows: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the periods that count as a detention (A, B, C, D, P), once each."""
    held = categories(rows)
    return held[held["category"].isin(list("ABCDP"))]


def categories(rows: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the periods, once each, with ``category``."""
    order = [act.EXPIRY, END, "UniqMHActEpisodeID"]
    held = rows["MHS401MHActPeriod"].sort_values(order, ascending=False, na_position="last")
    held = held.drop_duplicates(["Person_ID", START, "LegalStatusCode"])
    held = _in_first_spell(held, rows["MHS501HospProvSpell"])
    held = _after_release(_after_the_one_before(held), rows)
    held["category"] = _cases(held)
    return held


def _in_first_spell(held: pd.DataFrame, spell: pd.DataFrame) -> pd.DataFrame:
    spell = spell.sort_values(["Person_ID", ADMITTED, "UniqHospProvSpellID"])
    spell["came_from"] = spell.groupby("Person_ID")["DestOfDischHospProvSpell"].shift()
    columns = ["Person_ID", "UniqHospProvSpellID", ADMITTED, LEFT, "MethAdmMHHospProvSpell", "came_from"]
    both = held.merge(spell[columns], on="Person_ID", how="left")
    touch = ~(both[ADMITTED] > both[END]) & ~(both[LEFT] < both[START]) & both[ADMITTED].notna()
    both = both[touch].sort_values([ADMITTED, "UniqHospProvSpellID"]).drop_duplicates("UniqMHActEpisodeID")
    return pd.concat([both, held[~held["UniqMHActEpisodeID"].isin(both["UniqMHActEpisodeID"])]], ignore_index=True)


def _after_the_one_before(held: pd.DataFrame) -> pd.DataFrame:
    """Add the period before within the spell: ``p``, ``p_end``; a short order comes first on its day."""
    last = ~held["LegalStatusCode"].isin(["04", "05", "06", "19", "20"])
    held = held.assign(last=last, ended=held[END].fillna(pd.Timestamp("2199-12-31")))
    held = held.sort_values([START, "last", "ended", "UniqMHActEpisodeID"], kind="stable")
    before = held.groupby(["Person_ID", "UniqHospProvSpellID"])  # without a spell there is none before
    for name, column in (("p", "LegalStatusCode"), ("p_end", END)):
        held[name] = before[column].shift()
    return held


def _after_release(held: pd.DataFrame, rows: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Say which periods follow a treatment order that was revoked, or a conditional discharge that was recalled."""
    days, parts = ["Person_ID", "from", "until", "reason"], []
    for table, start, end, reason in (
        ("MHS404CommTreatOrder", "StartDateCommTreatOrd", "EndDateCommTreatOrd", "CommTreatOrdEndReason"),
        ("MHS403ConditionalDischarge", "StartDateMHCondDisch", "EndDateMHCondDisch", "CondDischEndReason"),
    ):
        parts.append(rows[table][["Person_ID", start, end, reason]].set_axis(days, axis=1))
    release = pd.concat(parts).query("reason == '02'").dropna(subset="until")
    both = held[["UniqMHActEpisodeID", "Person_ID", START, ADMITTED]].merge(release, on="Person_ID")
    both = both[(both["from"] < both[ADMITTED]) & (both["until"] >= both[ADMITTED] - DAY)]
    since = (both[START] - both["until"]).dt.days
    inside = both[START] >= both[ADMITTED]
    flags = {
        "released": inside & (since >= -1),
        "just_released": inside & since.between(-1, 1),
        "resumed": ~inside & (both["until"] <= both[ADMITTED] + 2 * DAY),
    }
    names = held["UniqMHActEpisodeID"]
    return held.assign(**{name: names.isin(both.loc[yes, "UniqMHActEpisodeID"]) for name, yes in flags.items()})


def _cases(h: pd.DataFrame) -> pd.Series:
    """Return the first case that holds; what is missing fulfils no comparison."""
    code, p, start, admitted, method = h["LegalStatusCode"], h["p"], h[START], h[ADMITTED], h["MethAdmMHHospProvSpell"]
    open_ = p.notna() & h["p_end"].isna()
    fresh = p.isna() | p.eq("01") | (start > h["p_end"] + DAY)
    follows = open_ | (start <= h["p_end"] + DAY)
    two_three, short, inside = code.isin(["02", "03"]), p.isin(["04", "05", "06"]), start >= admitted
    planned = method.isin(["11", "12", "13"])
    moved = planned | method.isin(["81", "2B"]) | h["came_from"].isin(["49", "50", "51", "52", "53", "87"])
    cases = {
        "informal": code.eq("01"),
        "M": code.isin(["35", "36"]),
        "A": (two_three & (start == admitted) & fresh)
        | (code.eq("02") & admitted.between(start - 5 * DAY, start) & method.eq("2A")),
        "B": two_three & (((start > admitted) & fresh) | (inside & follows & short)) & ~h["just_released"],
        "C": two_three & inside & follows & p.isin(["19", "20"]),
        "D": (code.isin(PART_3 | {"03"}) & h["released"] & (fresh | (follows & short)))
        | (code.eq("03") & h["resumed"]),
        "E": code.isin(["19", "20"]) & (fresh | (h["p_end"] < start)),
        "J": code.eq("05") & p.eq("06") & follows,
        "F": code.isin(["04", "05", "06"]) & inside & (fresh | open_ | (h["p_end"] <= start)),
        "G": code.isin(["03", "07", "08", "09", "10", "12", "15", "16", "17", "18"])
        & ((start > admitted) & code.eq(p) & follows),
        "H": code.isin(HELD) & (start < admitted) & moved,
        "K": code.eq("10") & inside & p.eq("07") & follows,
        "L": code.eq("03") & inside & p.eq("02") & follows,
        "P": code.isin(PART_3)
        & ((start <= admitted) & planned & (fresh | short | p.isin(["02", "03"])) & ~h["just_released"]),
    }
    return pd.Series(np.select([case.fillna(False) for case in cases.values()], list(cases), "N"), index=h.index)


def joined(rows: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return detentions, sections that follow each other joined, that ended: ``last`` day and ``length``."""
    held = rows["MHS401MHActPeriod"]
    held = held[held["LegalStatusCode"].isin(HELD)]
    held = held.assign(until=held[END].fillna(pd.Timestamp("2199-12-31"))).sort_values(["Person_ID", START])
    reached = held.groupby("Person_ID")["until"].cummax().groupby(held["Person_ID"]).shift()
    new = reached.isna() | (held[START] > reached + DAY)
    run = held.assign(run=new.cumsum()).groupby("run")
    made = run.agg(Person_ID=("Person_ID", "first"), first=(START, "min"), until=("until", "max"))
    made = made[made["until"] < "2199-01-01"]
    return made.assign(length=(made["until"] - made["first"]).dt.days)
