"""The adjusted list: the draft with the changes of the engagement record, and a log of each with its reason."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pcref_analysis.priorities import changes_since, findings, scoring, wording
from pcref_analysis.priorities.engagement import Add, Engagement, Merge, Move, Reword, SetAside, Split, Weight
from pcref_analysis.vocabulary.errors import PcrefError, did_you_mean
from pcref_analysis.vocabulary.priority_rule import PriorityRule

COLUMNS = ["place", "item", "wording", "status", "evidence", "draft_rank", "draft_band", "score", "holds", "reason"]
LOG = ["number", "when", "who", "action", "item", "before", "after", "why"]


def adjust(
    ranked: pd.DataFrame,
    record: Engagement,
    rule: PriorityRule | None = None,
    *,
    previous: pd.DataFrame | None = None,
    terms: dict[str, Any] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Apply the changes of the engagement record to a draft list.

    Parameters
    ----------
    ranked
        The draft list; it is left as it is.
    record
        From :func:`pcref_analysis.priorities.engagement.load`.
    rule
        Needed where a weight was changed: the list is then scored again first.
    previous
        The adjusted list of an earlier period: the list then starts from it, with what is new at its end
        (:func:`pcref_analysis.priorities.changes_since.start_from`).

    Returns
    -------
    tuple of pandas.DataFrame
        The adjusted list (``place``, ``item``, ``wording``, ``status``, ``evidence``, ``draft_rank``, ``draft_band``,
        ``score``, ``holds``, ``reason``), what was set aside last and without a place; and the log of changes
        (``number, when, who, action, item, before, after, why``).

    Raises
    ------
    PcrefError
        If a change names an item that is not on the list, or two changes of one meeting contradict each other.

    Notes
    -----
    Within one meeting (same date), merging, splitting, adding, setting aside and rewording come first and moving
    last, so that every place asked for is the place in the final list of that meeting.
    """
    record_changes = sorted(enumerate(record.changes, 1), key=lambda pair: pair[1].when)
    log: list[dict[str, Any]] = []
    ranked = _reweighted(ranked, record_changes, rule, log, terms)
    listed = ranked[ranked["list"].eq("priority")].sort_values("rank")
    state = [_start(row) for row in listed.to_dict("records")]
    aside: list[dict[str, Any]] = []
    if previous is not None:
        start = changes_since.as_start(previous, ranked)
        state, aside = (
            start.loc[rows, COLUMNS].to_dict("records") for rows in (start["place"].notna(), start["place"].isna())
        )
    others = ranked[~ranked["item"].isin([row["item"] for row in state])]
    for when in dict.fromkeys(change.when for _, change in record_changes):
        meeting = [(n, c) for n, c in record_changes if c.when == when and not isinstance(c, Weight)]
        _check_meeting(meeting)
        seen = {row["item"]: f"place {place}" for place, row in enumerate(state, 1)}  # what the meeting had before it
        for number, change in sorted(meeting, key=lambda pair: isinstance(pair[1], Move)):
            if not isinstance(change, Move):
                state = _apply(state, aside, change, others, number, log, seen)
        state = _place(state, meeting, log, seen)
    table = pd.DataFrame(state + aside, columns=COLUMNS)
    table["place"] = pd.array([*range(1, len(state) + 1), *[pd.NA] * len(aside)], dtype="Int64")
    for name in ("draft_rank", "draft_band"):
        table[name] = table[name].astype("Int64")
    return table, pd.DataFrame(log, columns=LOG).sort_values("number", ignore_index=True)


def _start(row: dict[str, Any]) -> dict[str, Any]:
    same = {name: row[name] for name in ("item", "wording", "evidence", "score")}
    return same | {
        "status": "draft",
        "draft_rank": row["rank"],
        "draft_band": row["band"],
        "holds": row["item"],
        "reason": "",
    }


def _reweighted(ranked: pd.DataFrame, changes: list, rule: PriorityRule | None, log: list, terms: Any) -> pd.DataFrame:
    """Score the list again under the weights that people changed; the log shows each weight before and after."""
    weights = [(number, change) for number, change in changes if isinstance(change, Weight)]
    if not weights:
        return ranked
    if rule is None:
        raise PcrefError("engagement: a weight was changed; give the rule, so that the list can be scored again.")
    known = set(ranked["item"]) | set(ranked["story"])
    criteria, community = dict(rule.weights), dict(rule.community)
    for number, change in weights:
        if change.item and change.item not in known:
            raise PcrefError(_unknown(number, change.item, known))
        values, key = (criteria, change.criterion) if change.criterion else (community, change.item)
        before = f"{values[key]:g}" if key in values else "not given"
        values[key] = change.weight
        log.append(_entry(number, change, _weighed(change), before, f"{change.weight:g}"))
    new = PriorityRule.model_validate(rule.model_dump() | {"weights": criteria, "community": community})
    again = scoring.rank(ranked[findings.columns(ranked)], new)
    return again.join(wording.first_draft(again, terms))


def _weighed(change: Weight) -> str:
    """Return what a weight is of, as the list names it: a criterion, a story or an item."""
    return (f"weight: {change.criterion}" if change.criterion else change.item).replace("_", " ")


def _check_meeting(meeting: list[tuple[int, Any]]) -> None:
    """Refuse contradictions within one meeting: one item twice in the same way, or two items at one place."""
    seen: dict[tuple, int] = {}
    for number, change in meeting:
        keys: list[tuple] = [(change.action, item) for item in _items(change)]
        if isinstance(change, Move | Add | Merge) and change.to is not None:
            keys.append(("place", change.to))
        if isinstance(change, SetAside | Split | Merge):
            keys += [("gone", item) for item in _items(change)]
        for key in keys:
            if key in seen:
                what = f"place {key[1]}" if key[0] == "place" else f"'{key[1]}'"
                raise PcrefError(
                    f"engagement: changes {seen[key]} and {number}, both of {change.when}, contradict each other about "
                    f"{what}. Keep the one that was agreed."
                )
            seen[key] = number
    for number, change in meeting:
        for item in _items(change) if isinstance(change, Move | Reword) else []:
            if ("gone", item) in seen:
                raise PcrefError(
                    f"engagement: change {number} ({change.action}) is about '{item}', which change "
                    f"{seen['gone', item]} of the same meeting merges, splits or sets aside."
                )


def _items(change: Any) -> list[str]:
    return list(change.items) if isinstance(change, Merge) else [change.item]


def _apply(
    state: list, aside: list, change: Any, others: pd.DataFrame, number: int, log: list, seen: dict[str, str]
) -> list:
    """Apply one change other than a move; return the new list."""
    if isinstance(change, Add):
        return _add(state, aside, change, others, number, log)
    at = [_find(state, item, number) for item in _items(change)]
    rows = [state[i] for i in at]
    rest = [row for i, row in enumerate(state) if i not in at]
    if isinstance(change, Reword):
        log.append(_entry(number, change, change.item, rows[0]["wording"], change.wording))
        new = _marked(rows[0], "reworded", change.why) | {"wording": change.wording}
        return [new if i == at[0] else row for i, row in enumerate(state)]
    if isinstance(change, SetAside):
        aside.append(rows[0] | {"status": "set aside", "reason": change.why})
        log.append(_entry(number, change, change.item, _before(seen, change.item), "set aside"))
        return rest
    if isinstance(change, Split):
        parts = [_new(state, rows[0], part.name, part.wording, "split", change.why, number) for part in change.into]
        log.append(_entry(number, change, change.item, _before(seen, change.item), "; ".join(p["item"] for p in parts)))
        return rest[: at[0]] + parts + rest[at[0] :]
    best = rows[at.index(min(at))]
    text = change.wording or " ".join(str(row["wording"]) for row in rows)
    merged = _new(rest, best, change.name, text, "merged", change.why, number)
    merged["holds"] = "; ".join(str(row["holds"]) for row in rows)
    before = ", ".join(_before(seen, item) for item in change.items)
    log.append(_entry(number, change, "; ".join(change.items), before, change.name))
    return [*rest[: min(at)], merged, *rest[min(at) :]]


def _add(state: list, aside: list, change: Add, others: pd.DataFrame, number: int, log: list) -> list:
    if any(row["item"] == change.item for row in state):
        raise PcrefError(
            f"engagement: change {number} (add): '{change.item}' is on the list already; move or reword it."
        )
    aside[:] = [row for row in aside if row["item"] != change.item]
    found = others[others["item"] == change.item]
    if change.evidence == "data" and found.empty:
        raise PcrefError(_unknown(number, change.item, set(others["item"])))
    known = _start(found.iloc[0].to_dict()) if len(found) else dict.fromkeys(COLUMNS)
    evidence = f"{change.evidence}; figures: {known['evidence']}" if len(found) else f"{change.evidence}; no figures"
    new = known | {"item": change.item, "wording": change.wording, "status": "added", "evidence": evidence}
    log.append(_entry(number, change, change.item, "not on the list", f"place {change.to or len(state) + 1}"))
    return [*state, new | {"holds": change.item, "reason": change.why, "draft_rank": pd.NA, "draft_band": pd.NA}]


def _place(state: list, meeting: list[tuple[int, Any]], log: list, seen: dict[str, str]) -> list:
    """Give every item the place the meeting asked for; the others keep their order in the places left."""
    wanted: dict[int, dict[str, Any]] = {}
    for number, change in meeting:
        place = getattr(change, "to", None)
        if place is None:
            continue
        if place > len(state):
            raise PcrefError(f"engagement: change {number} asks for place {place}, but the list has {len(state)}.")
        index = _find(state, change.name if isinstance(change, Merge) else change.item, number)
        if isinstance(change, Move):
            log.append(_entry(number, change, change.item, _before(seen, change.item), f"place {place}"))
            state[index] = _marked(state[index], "moved", change.why)
        wanted[place] = state[index]
    rest = iter([row for row in state if not any(row is taken for taken in wanted.values())])
    return [wanted[place] if place in wanted else next(rest) for place in range(1, len(state) + 1)]


def _before(seen: dict[str, str], item: str) -> str:
    """Return the place that people saw before a meeting, whatever its other changes did to the order."""
    return seen.get(item, "new at this meeting")


def _marked(row: dict[str, Any], what: str, why: str) -> dict[str, Any]:
    """Add to an item's status and reason; what was done to it before stays on record."""
    status = what if row["status"] == "draft" else f"{row['status']}, {what}"
    return row | {"status": status, "reason": f"{row['reason']} {why}".strip()}


def _new(others: list, row: dict, name: str, text: str, status: str, why: str, number: int) -> dict[str, Any]:
    if any(other["item"] == name for other in others if other is not row):
        raise PcrefError(
            f"engagement: change {number}: '{name}' is the name of another item; choose a name of its own."
        )
    return row | {"item": name, "wording": text, "status": status, "reason": why}


def _find(state: list, item: str, number: int) -> int:
    for index, row in enumerate(state):
        if row["item"] == item:
            return index
    raise PcrefError(_unknown(number, item, {row["item"] for row in state}))


def _unknown(number: int, item: str, known: set[str]) -> str:
    hint = did_you_mean(item, sorted(map(str, known)), 0.5)
    return f"engagement: change {number}: '{item}' is not on the list at that point.{hint}"


def _entry(number: int, change: Any, item: str, before: object, after: object) -> dict[str, Any]:
    action = change.action.replace("_", " ")
    return dict(
        zip(LOG, (number, change.when.isoformat(), change.who, action, item, before, after, change.why), strict=True)
    )
