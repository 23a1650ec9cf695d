"""Successive editions: what was hidden stays hidden, and a change too small to show is not shown.

Two editions that differ by one person would otherwise tell the count on the day that a rounded figure moves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pcref_analysis.disclosure import disclosure_rule
from pcref_analysis.disclosure.disclosure_rule import SUPPRESSED
from pcref_analysis.disclosure.linked_tables import constraints, intruder_view, schema
from pcref_analysis.disclosure.linked_tables.constraints import Sums, dimensions_of
from pcref_analysis.disclosure.linked_tables.schema import ALL, Table
from pcref_analysis.disclosure.rounded_figures import step_up
from pcref_analysis.vocabulary.parameters import Disclosure

LAST = "last edition:"  # the table that its counts stand in here
ABOUT_FIGURES = ["measure", "comparator", "adjustment", "level"]


def beyond(rows: pd.DataFrame, previous: Sequence[Any], hierarchies: Mapping[str, Any]) -> pd.DataFrame:
    """Return the counts that the last edition had and this one lacks, as rows beside ``rows``.

    Readers still hold them: a detailed edition is protected together with the broad one before it. ``low`` and ``high``
    are equal where this edition's counts make up the count, and otherwise what the last edition said of it; the
    latter only for what has not changed since, as nobody can put other people's counts into one sum.
    """
    old = intruder_view.all_of(previous)
    if not len(old):
        return rows.iloc[:0]
    dims, name = dimensions_of(rows), ["indicator", "column", "way"]
    key = ["series", *dims]
    old = schema.with_totals(old, dims)
    elsewhere = [d for d in dimensions_of(old) if d not in dims]
    old = old[(old[elsewhere].fillna(ALL) == ALL).all(axis=1)]
    named = rows.assign(way=intruder_view.way(rows))[~rows["public"].to_numpy(bool)].drop_duplicates(name)
    old = old.drop(columns=["series", "value"]).merge(named[[*name, "series"]], on=name).drop_duplicates(key)
    mine = schema.with_totals(rows, dims).drop_duplicates(key)[[*key, "value"]]
    made = pd.concat([mine.assign(shown=True), constraints.totals(rows, hierarchies).assign(shown=False)])
    old = old.merge(made, on=key, how="left")
    fits = old["value"].between(old["low"], old["high"]) | old["value"].isna()
    same = fits.groupby(old["series"]).transform("all")
    found = old[old["shown"].ne(True) & fits & (same | old["value"].notna())].reset_index(drop=True)
    known = found["value"].notna()
    low, high = found["low"].mask(known, found["value"]), found["high"].mask(known, found["value"])
    found = found.assign(table=LAST, row=found.index, tag=LAST + found["way"], low=low, high=high)
    return found[list(rows)]


def holds(
    tables: Sequence[Table], previous: Sequence[Any], rule: Disclosure, largest: Mapping[str, float]
) -> dict[str, float]:
    """Return by how much a series must change to be shown anew where one person can move it by more than usual.

    The most that one person can hold of it, now or in the last edition, as ``{"bed_days/events": 200.0}``. In coarse
    steps, as readers of the files see them; from ``largest`` and the tables' sums of squares.
    """
    found = dict(largest)
    for table in tables:
        for column in set(table.counts) & {"events", "at_risk"}:
            if f"{column}_sq" not in table.frame:
                continue
            share = disclosure_rule.largest_share(table.frame[column], table.frame[f"{column}_sq"])
            most = pd.Series(share).groupby(schema.indicator_of(table.frame).to_numpy()).max().dropna()
            found |= {f"{i}/{column}": max(value, found.get(f"{i}/{column}", 0.0)) for i, value in most.items()}
    steps = {name: float(step_up(np.array([value + 1]))[0]) for name, value in found.items()}
    for link in [one.links.get("holds", {}) for one in previous]:
        steps |= {name: max(value, steps.get(name, 0.0)) for name, value in link.items()}
    return {name: value for name, value in steps.items() if value > disclosure_rule.holds(rule)}


def recall(
    rows: pd.DataFrame, linked: Sums, previous: Sequence[Any], rule: Disclosure, known: Mapping[str, float]
) -> pd.DataFrame | None:
    """Return what the last edition said of each count: ``repeated, number, hidden, hold``; None without one.

    ``rows`` are those that ``linked`` was gathered from; ``known``: see :func:`holds`.
    """
    if not previous:
        return None
    old = intruder_view.all_of(previous)
    dims = dimensions_of(rows)
    key = ["indicator", "column", "way", *dims]
    old = schema.with_totals(old, dims).drop_duplicates(key)
    new = schema.with_totals(rows, dims).assign(way=intruder_view.way(rows))
    new = new.merge(linked.places, on=["table", "row", "column"]).merge(
        old[[*key, "value", "status"]].rename(columns={"value": "was"}), on=key
    )
    result = pd.DataFrame({"repeated": False, "number": np.nan, "hidden": False}, index=linked.cells.index)
    result["hold"] = disclosure_rule.holds(rule)
    new = new[~new["public"]].drop_duplicates("cell").set_index("cell")
    gone = new.index[new["status"] == SUPPRESSED]
    hold = intruder_view.hold_of(new["indicator"], new["column"], known, rule)
    result.loc[new.index, "hold"] = hold
    small_move = ((new["low"] - new["was"]).abs() < hold) | (new["table"] == LAST)
    still = new.index[(new["status"] != SUPPRESSED) & small_move]
    result.loc[gone, "hidden"] = True
    result.loc[still, "repeated"] = True
    result.loc[still, "number"] = new.loc[still, "was"]
    return result


def same_counts(released: Sequence[Any], previous: Sequence[Any]) -> bool:
    """Say whether every count that both editions have is shown with the same number, or hidden, in both."""
    found = _in_both(released, previous)
    return len(found) > 0 and bool((found["value"].fillna(-1.0) == found["value_old"].fillna(-1.0)).all())


def same_figures(released: Sequence[Any], previous: Sequence[Any]) -> bool:
    """Say whether every figure of a line that both editions have is the same; a figure may move where no count does."""
    last = {one.name: one for one in previous}
    for one in released:
        old = last.get(one.name)
        if old is None or not (figures := [c for c in one.figures if c in old.table]):
            continue
        key = [c for c in (*one.dimensions, *ABOUT_FIGURES) if c in one.table and c in old.table]
        both = one.table.merge(old.table, on=list(dict.fromkeys(key)), suffixes=("", "_old"))
        if any(not both[c].fillna(np.inf).equals(both[f"{c}_old"].fillna(np.inf)) for c in figures):
            return False
    return True


def nothing_moved(released: Sequence[Any], previous: Sequence[Any]) -> bool:
    """Say whether no number that both editions show differs: for all that readers see, the data are the same."""
    found = _in_both(released, previous).dropna(subset=["value", "value_old"])
    return bool((found["value"] == found["value_old"]).all())


def _in_both(released: Sequence[Any], previous: Sequence[Any]) -> pd.DataFrame:
    new, old = intruder_view.all_of(released), intruder_view.all_of(previous)
    if not len(new) or not len(old):
        return pd.DataFrame(columns=["value", "value_old"])
    dims = sorted({*dimensions_of(new), *dimensions_of(old)})
    key = ["indicator", "column", "way", *dims]
    both = [schema.with_totals(part, dims).drop_duplicates(key) for part in (new, old)]
    return both[0].merge(both[1], on=key, suffixes=("", "_old"))


def figures_again(
    out: pd.DataFrame, released: Sequence[Any], name: str, figures: list[str], steady: np.ndarray
) -> None:
    """Put the last edition's figures where the counts of the group are repeated: the model's would tell what moved."""
    old = [r.table for r in released if r.name == name and set(figures) <= set(r.table)]
    if not old or not steady.any():
        return
    key = [c for c in old[0] if c in out and c not in (*figures, "note", "status") and not c.endswith("_status")]
    key = [c for c in key if out[c].dtype == object or c in ABOUT_FIGURES or pd.api.types.is_string_dtype(out[c])]
    again = [*figures, "status", *(c for c in ("note", "rounded_to", "change_rounded_to") if c in out and c in old[0])]
    words = [c for c in key if not pd.api.types.is_numeric_dtype(out[c])]  # a missing word is "" in a file
    now, before = (t.assign(**{c: t[c].astype(object).fillna("") for c in words}) for t in (out, old[0]))
    found = now[key].merge(before.drop_duplicates(key)[[*key, *again]], on=key, how="left")
    take = steady & found["status"].notna().to_numpy()
    for column in again:
        out.loc[take, column] = found.loc[take, column].to_numpy()
