"""From one edition to the next: what moved, whether the evidence agrees, and what became of each priority."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pcref_analysis.priorities.engagement import Engagement, Outcome
from pcref_analysis.vocabulary.priority_rule import PriorityRule

COLUMNS = ["item", "place_before", "rank_now", "band_now", "moved", "evidence_before", "evidence_now", "agrees"]
COLUMNS += ["words"]
CHOSEN = ("added", "merged", "split", "reworded")  # what people did that makes an item's words theirs
OPEN = ("clear", "possible", "not clear", "recording", "no figure", "equal", "better", "context")
AGREES = {
    "clear": ("yes", "The gap is clear in this edition too."),
    "possible": ("weaker", "The gap may still be there; it is not clear of chance in this edition."),
    "not clear": ("no longer", "These figures do not tell whether there is a gap. That is not proof that it closed."),
    "equal": ("no longer", "A gap, if there is one, is now smaller than the margin."),
    "better": ("no longer", "The figures now show a difference in favour of this group."),
    "recording": ("no figure", "The figure is in doubt in this edition: a matter of recording."),
}


def compare(before: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Compare an earlier list with a draft of now, item by item.

    Parameters
    ----------
    before
        The adjusted list of the earlier edition (``place, item, status, evidence, holds``) or its draft list.
    now
        The draft list of this edition.

    Returns
    -------
    pandas.DataFrame
        One row per item of either list: ``item, place_before, rank_now, band_now, moved`` (places up, negative is
        down; missing where it stood on one list only), ``evidence_before, evidence_now, agrees`` ("yes", "weaker",
        "no longer", "no figure", "new", "not measured") and ``words``.

    Notes
    -----
    A change of place is not a change of care: ranks of neighbours cross by chance. Look at the band and the words. Do
    not compare editions across a change of population basis, deprivation index or counting rule.
    """
    earlier = _as_list(before)
    best = _state_of_items(now)
    rows = []
    for row in earlier.to_dict("records"):
        parts = [item for item in str(row["holds"]).split("; ") if item in best.index]
        found = best.loc[parts].sort_values("rank").iloc[0] if parts else None
        rows.append(_compared(row["item"], row["place"], row["evidence"], found))
    held = {item for holds in earlier["holds"] for item in str(holds).split("; ")}
    fresh = now[(now["list"] == "priority") & ~now["item"].isin(held)].sort_values("rank")
    rows += [_compared(row["item"], pd.NA, "", row) for row in fresh.to_dict("records")]
    table = pd.DataFrame(rows, columns=COLUMNS)
    for name in ("place_before", "rank_now", "band_now", "moved"):
        table[name] = table[name].astype("Int64")
    return table


def _state_of_items(now: pd.DataFrame) -> pd.DataFrame:
    """One row per item: its leading finding where it is listed, else the one that leaves most open."""
    place = now["evidence"].map({word: i for i, word in enumerate(OPEN)})
    ordered = now.assign(_place=place).sort_values(["rank", "_place", "score"], ascending=[True, True, False])
    return ordered.drop_duplicates("item").set_index("item")


def _as_list(before: pd.DataFrame) -> pd.DataFrame:
    """An adjusted list as it stands; of a draft list the priorities."""
    if "place" in before:
        return before[before["place"].notna()].sort_values("place")
    listed = before[before["list"] == "priority"].sort_values("rank")
    return listed.assign(place=listed["rank"], holds=listed["item"])


def _compared(item: str, place: object, evidence: str, found: Any) -> dict[str, object]:
    lived = "no figures" in str(evidence)
    now = "" if found is None else str(found["evidence"])
    if pd.isna(place):
        agrees, words = "new", "New on the list."
    elif lived and not now:
        agrees, words = "not measured", "Known from people's experience; there are still no figures."
    else:
        agrees, words = AGREES.get(now, ("no figure", "There is no figure in this edition."))
    rank = pd.NA if found is None else found["rank"]
    listed = not pd.isna(place) and not pd.isna(rank)
    band, moved = pd.NA if found is None else found["band"], place - rank if listed else pd.NA
    said = (item, place, rank, band, moved, evidence, now or "no figure", agrees, words)
    return dict(zip(COLUMNS, said, strict=True))


def start_from(adjusted: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Return the list that the next period starts from: the adjusted one, then what is new.

    Places are those people agreed on; the draft of now stands beside them (``rank_now``, ``evidence_now``, ``agrees``,
    ``words``). Words that people chose stay (``status`` says so); the others are those of now. What was set aside stays
    so, without a place; ``look_again`` marks it where its gap is clear now.
    """
    compared = compare(adjusted, now).set_index("item")
    kept = adjusted[adjusted["place"].notna()].sort_values("place")
    new = [item for item in compared.index[compared["agrees"] == "new"] if item not in set(adjusted["item"])]
    chosen = kept["status"].map(lambda status: ", ".join(word for word in CHOSEN if word in status))
    fresh = kept["item"].map(_state_of_items(now)["wording"]).fillna(kept["wording"])
    kept = kept.assign(
        wording=kept["wording"].where(chosen.ne(""), fresh),
        status=chosen.map(lambda words: f"kept, {words}" if words else "kept"),
    )
    table = pd.concat(
        [
            kept[["item", "wording", "status", "evidence", "holds"]],
            now.loc[now["item"].isin(new) & (now["list"] == "priority"), ["item", "wording", "evidence"]].assign(
                status="new", holds=lambda rows: rows["item"]
            ),
        ],
        ignore_index=True,
    )
    table.insert(0, "place", range(1, len(table) + 1))
    table = table.join(compared[["rank_now", "band_now", "evidence_now", "agrees", "words"]], on="item")
    aside = adjusted.loc[adjusted["place"].isna(), ["item", "wording", "status", "evidence", "holds", "reason"]]
    clear = set(now.loc[now["list"] == "priority", "item"])
    return pd.concat(
        [table.assign(look_again=False), aside.assign(look_again=aside["item"].isin(clear))], ignore_index=True
    )


def as_start(adjusted: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Return :func:`start_from` in the columns of an adjusted list, so that this period's meetings can change it."""
    start = start_from(adjusted, now).rename(columns={"rank_now": "draft_rank", "band_now": "draft_band"})
    scores = now.dropna(subset=["score"]).drop_duplicates("item").set_index("item")["score"]
    known = start["evidence_now"].where(start["evidence_now"].ne("no figure"))
    aside = start["look_again"].map({True: "set aside; look again, its gap is clear now", False: "set aside"})
    return start.assign(
        score=start["item"].map(scores),
        evidence=known.fillna(start["evidence"]),
        status=start["status"].where(start["place"].notna(), aside),
        reason=start["reason"].fillna("") if "reason" in start else "",
    )


def became(adjusted: pd.DataFrame, record: Engagement, now: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return "you said, we did": each priority with what was done, its state, and what the figures show now.

    A priority without an entry in ``outcomes`` is shown with the status "nothing recorded yet".
    """
    rows = pd.DataFrame([entry.model_dump() for entry in record.outcomes], columns=list(Outcome.model_fields))
    rows[["owner", "measure"]] = rows[["owner", "measure"]].replace("", None)
    latest = rows.sort_values("when", kind="stable").drop_duplicates("item", keep="last")
    table = adjusted.loc[adjusted["place"].notna(), ["place", "item"]].merge(latest, on="item", how="outer", sort=False)
    table["status"] = table["status"].fillna("nothing recorded yet")
    if now is not None:
        table = table.merge(compare(adjusted, now)[["item", "agrees", "words"]], on="item", how="left")
    return table.sort_values("place", ignore_index=True)


def rule_changes(before: PriorityRule, now: PriorityRule) -> pd.DataFrame:
    """Return what changed in the rule itself between two editions: ``setting, before, now``.

    Show it beside every comparison of editions: a place can move because the rule did.
    """
    old, new, order = before.settings(), now.settings(), list(PriorityRule.model_fields)
    names = sorted({*old, *new}, key=lambda name: (order.index(name.partition(".")[0]), name))
    rows = [(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)]
    return pd.DataFrame(rows, columns=["setting", "before", "now"])
