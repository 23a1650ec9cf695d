"""Sort periods under the Act into NHS England's categories, in plain pandas, from the published order of cases.

Times matter where both are given. A period is seen in every spell that it touches; it is counted by the first of them.
Nothing of pcref_analysis is used.
"""

from __future__ import annotations

import pandas as pd

DAY = pd.Timedelta(days=1)
START, END = "StartDateMHActLegalStatusClass", "EndDateMHActLegalStatusClass"
TIME, EXPIRY = "StartTimeMHActLegalStatusClass", "ExpiryDateMHActLegalStatusClass"
ADMITTED, LEFT = "StartDateHospProvSpell", "DischDateHospProvSpell"
PART_3 = {"07", "08", "09", "10", "12", "13", "14", "15", "16", "17", "18", "31", "32", "34"}


def categories(rows: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the periods, once each, with ``category`` and the admission of their first spell."""
    held = _touching(_once(rows["MHS401MHActPeriod"]), _spells(rows["MHS501HospProvSpell"]))
    held = _with_previous(held)
    held = _with_order(held, rows["MHS404CommTreatOrder"])
    held["category"] = _cases(held)
    held = held.sort_values([ADMITTED, "UniqHospProvSpellID"], na_position="last")
    return held.drop_duplicates("UniqMHActEpisodeID").reset_index(drop=True)


def _spells(spell: pd.DataFrame) -> pd.DataFrame:
    """Return spells once each, with the destination of the one before."""
    spell = spell.sort_values("UniqHospProvSpellID").drop_duplicates(["Person_ID", ADMITTED, LEFT], keep="last")
    order = ["Person_ID", ADMITTED, "StartTimeHospProvSpell", LEFT, "DischTimeHospProvSpell"]
    spell = spell.assign(StartTimeHospProvSpell=spell["StartTimeHospProvSpell"].fillna(""))
    spell = spell.sort_values(order, na_position="last", kind="stable")
    spell["came_from"] = spell.groupby("Person_ID")["DestOfDischHospProvSpell"].shift()
    spell["StartTimeHospProvSpell"] = spell["StartTimeHospProvSpell"].replace("", None)
    return spell


def _once(held: pd.DataFrame) -> pd.DataFrame:
    """Return periods once a person, day and status: the latest expiry, then the latest end, then the highest name."""
    held = held.sort_values([EXPIRY, END, "UniqMHActEpisodeID"], ascending=False, na_position="last")
    return held.drop_duplicates(["Person_ID", START, "LegalStatusCode"])


def _touching(held: pd.DataFrame, spell: pd.DataFrame) -> pd.DataFrame:
    """Return a row a period and spell that it touches; a period without any stays, without a spell."""
    columns = ["Person_ID", "UniqHospProvSpellID", ADMITTED, LEFT, "StartTimeHospProvSpell", "DischTimeHospProvSpell"]
    both = held.merge(spell[[*columns, "MethAdmMHHospProvSpell", "came_from"]], on="Person_ID")
    after = (both[ADMITTED] > both[END]) | (both[ADMITTED] > both[EXPIRY]) | (both[LEFT] < both[START])
    late = (both[START] == both[LEFT]) & (both[TIME].fillna("00:00") > both["DischTimeHospProvSpell"].fillna("99"))
    late &= both[TIME].notna()
    both = both[~after & ~late]
    alone = held[~held["UniqMHActEpisodeID"].isin(both["UniqMHActEpisodeID"])]
    return pd.concat([both, alone], ignore_index=True)


def _with_previous(held: pd.DataFrame) -> pd.DataFrame:
    """Add the period before within the spell: ``p`` (status), ``p_start``, ``p_end``, ``p_id``."""
    # as docs/indicators.md says: without a time, a holding order or place of safety comes first on its day
    last = ~(held[TIME].isna() & held["LegalStatusCode"].isin(["04", "05", "06", "19", "20"]))
    held = held.assign(at=held[TIME].fillna(""), last=last, ended=held[END].notna())
    held = held.sort_values([START, "at", "last", "ended", END, "UniqMHActEpisodeID"], kind="stable")
    before = held.groupby(["Person_ID", "UniqHospProvSpellID"])  # without a spell there is none before
    for name, column in (("p", "LegalStatusCode"), ("p_start", START), ("p_end", END), ("p_id", "UniqMHActEpisodeID")):
        held[name] = before[column].shift()
    return held


def orders_once(order: pd.DataFrame) -> pd.DataFrame:
    """Return treatment orders once a person and day of start: the one that ended last, and not one that is open."""
    order = order.sort_values(["EndDateCommTreatOrd", "UniqMHActEpisodeID"], ascending=False, na_position="last")
    return order.drop_duplicates(["Person_ID", "StartDateCommTreatOrd"])


def _with_order(held: pd.DataFrame, order: pd.DataFrame) -> pd.DataFrame:
    """Add the revoked order that rests on the period before, or else on this one, and lasted into the admission."""
    order = orders_once(order)
    order = order[order["CommTreatOrdEndReason"].eq("02")].set_index("UniqMHActEpisodeID")
    for name, key in (("c", "p_id"), ("d", "UniqMHActEpisodeID")):
        start = held[key].map(order["StartDateCommTreatOrd"])
        end = held[key].map(order["EndDateCommTreatOrd"])
        fits = (start < held[ADMITTED]) & ((end > held[ADMITTED]) | end.isna())
        held[f"{name}_start"], held[f"{name}_end"] = start.where(fits), end.where(fits)
    held["cto_start"] = held["c_start"].fillna(held["d_start"])
    held["cto_end"] = held["c_end"].fillna(held["d_end"])
    return held


def _cases(h: pd.DataFrame) -> pd.Series:
    """Return the first category whose conditions hold; what is missing fulfils no comparison."""
    code, p, start, end, admitted = h["LegalStatusCode"], h["p"], h[START], h[END], h[ADMITTED]
    p_start, p_end, cto_end = h["p_start"], h["p_end"], h["cto_end"]
    at, came = h[TIME], h["StartTimeHospProvSpell"]
    no_time = at.isna() | came.isna()
    early, late = at.fillna("") <= came.fillna(""), at.fillna("") > came.fillna("")
    none = p.isna()
    revoked = h["cto_start"].notna()
    no_cto = ~revoked | (cto_end < start - DAY)
    short = p.isin(["04", "05", "06"]) & ((p_end == start) | (p_end == start - DAY))
    next_day = (p_end == start) | (start == p_end + DAY)
    two_three = code.isin(["02", "03"])
    on_or_after = start >= admitted
    cases = {
        "": code.eq("01"),
        "A": (
            (two_three & (start == admitted) & (early | no_time))
            & (none | p.eq("01") | ((admitted - p_end).dt.days > 1))
        )
        | (code.eq("02") & admitted.between(start - 5 * DAY, start) & h["MethAdmMHHospProvSpell"].eq("2A")),
        "B": two_three
        & (((start == admitted) & (late | no_time)) | (start > admitted))
        & (none | ((p_end < start) & no_cto) | short)
        & no_cto,
        "C": two_three
        & (next_day | (start == p_start))
        & p.isin(["19", "20"])
        & ((admitted == start) | (admitted >= p_start) | (start == p_end)),
        "D": (
            code.isin(["03", "09", "10", "15", "16"])
            & ((start >= cto_end - DAY) | cto_end.isna())
            & revoked
            & ((admitted == start) | (admitted >= h["cto_start"]))
        )
        | (code.eq("03") & revoked & (start < admitted) & cto_end.between(admitted - DAY, admitted + 2 * DAY)),
        "E": code.isin(["19", "20"]) & (none | p.eq("01") | (p_end < start)),
        "F": ((code.isin(["04", "05", "06"]) & (start == admitted)) | (code.isin(["05", "06"]) & on_or_after))
        & (none | (p_end <= start) | p.eq("01")),
        "G": code.isin(["03", "07", "08", "09", "10", "12", "15", "16", "17", "18"])
        & (start > admitted)
        & (code == p)
        & (next_day | p_end.isna()),
        "H": code.isin({"02", "03"} | PART_3)
        & (admitted > start)
        & (
            h["MethAdmMHHospProvSpell"].isin(["81", "2B", "11", "12", "13"])
            | h["came_from"].isin(["49", "50", "51", "52", "53", "87"])
        ),
        "J": (code.eq("05") & on_or_after & p.eq("06") & (start >= p_start))
        & (p_end.isna() | (p_end <= end) | end.isna()),
        "K": code.eq("10") & on_or_after & p.eq("07") & (p_end.isna() | next_day),
        "L": code.eq("03") & on_or_after & p.eq("02") & (p_end.isna() | next_day),
        "M": code.isin(["35", "36"]),
        "P": code.isin(PART_3)
        & (start <= admitted)
        & (end.isna() | (end >= admitted))
        & h["MethAdmMHHospProvSpell"].isin(["11", "12", "13"])
        & (none | (p.isin(["01", "02", "03", "04", "05", "06"]) & (p_end.isna() | (p_end <= start))))
        & no_cto,
    }
    found = pd.Series("N", index=h.index)
    for letter in reversed(cases):
        found = found.where(~cases[letter].fillna(False), letter)
    return found
