"""From tables to what may be shown of them: hide, round, and work the figures out again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from pcref_analysis.disclosure import (
    comparators,
    disclosure_rule,
    previous_release,
    primary,
    rounded_figures,
    secondary,
)
from pcref_analysis.disclosure.disclosure_rule import NOT_AVAILABLE, REPEATED, SHOWN, SUPPRESSED, ZERO
from pcref_analysis.disclosure.linked_tables import constraints, intruder_view, schema, series
from pcref_analysis.disclosure.linked_tables.back_calculation import COMPARED
from pcref_analysis.disclosure.linked_tables.constraints import Sums
from pcref_analysis.disclosure.linked_tables.schema import Table
from pcref_analysis.vocabulary import notes
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import Disclosure

PROTECTED = "suppressed to protect people"


@dataclass(frozen=True)
class Plan:
    """Which counts are hidden and how each other one is shown: decided once, jointly, for all that pages may show.

    ``tables`` hold the exact counts, and ``decided`` (``series``, the dimensions, ``shown``, ``hidden``, ``repeated``)
    rests on them: both are confidential. ``later``: an earlier edition was taken into account. ``gathered``: the
    sums of these tables alone, where they are at hand.
    """

    tables: tuple[Table, ...]
    rule: Disclosure
    decided: pd.DataFrame
    hierarchies: Mapping[str, Any] = field(default_factory=dict)
    same: Sequence[Sequence[str]] = ()
    internal: bool = False
    later: bool = False
    holds: Mapping[str, float] = field(default_factory=dict)
    gathered: tuple[pd.DataFrame, Sums] | None = field(default=None, repr=False, compare=False)


def joint_plan(
    tables: Sequence[Table],
    rule: Disclosure,
    hierarchies: Mapping[str, Any],
    same: Sequence[Sequence[str]] = (),
    previous: Sequence[Any] = (),
    complementary: bool = True,
    internal: bool = False,
    largest: Mapping[str, float] | None = None,
) -> Plan:
    """Decide which counts of these tables are hidden, and what number each other one is shown as."""
    rows, linked = link(tables, hierarchies, same, () if internal else previous)
    value, before = linked.cells["low"].to_numpy(float), None
    holds = previous_release.holds(tables, previous, rule, largest or {})
    if internal:
        shown, hidden = value, np.zeros(len(value), bool)
    else:
        before = previous_release.recall(rows, linked, previous, rule, holds)
        hidden = primary.small_counts(tables, linked, rule)
        if before is not None:
            hidden = (hidden & ~before["repeated"].to_numpy()) | before["hidden"].to_numpy()
        hidden = secondary.protect(linked, rule, hidden, before, complementary)
        shown = _numbers(linked, hidden, before, rule)
    repeated = np.zeros(len(value), bool) if before is None else before["repeated"].to_numpy(bool)
    decided = linked.cells.assign(shown=shown, hidden=hidden, repeated=repeated)
    decided = decided.loc[linked.cells["kind"] == "count", [*_key(linked), "shown", "hidden", "repeated"]]
    trees = {d: {p: list(c) for p, c in tree.items()} for d, tree in hierarchies.items()}
    gathered = None if previous and not internal else (rows, linked)
    return Plan(tuple(tables), rule, decided, trees, tuple(same), internal, before is not None, holds, gathered)


def apply(
    tables: Sequence[Table], decided: Plan, previous: Sequence[Any] = ()
) -> list[tuple[pd.DataFrame, dict[str, Any]]]:
    """Return tables (without any: the plan's own) as they may be shown by a plan, and what adds up to what in each.

    Raises
    ------
    PcrefError
        If a table holds a count that the plan does not know, or knows otherwise.
    """
    own = [replace(table, name=f"plan: {table.name}") for table in decided.tables] if tables else list(decided.tables)
    known = None if tables else decided.gathered
    rows, linked = known or link([*own, *tables], decided.hierarchies, decided.same)
    shown, hidden, repeated = _looked_up(linked, decided)
    settled = repeated | linked.cells["public"].to_numpy(bool)
    result = []
    for table in tables or own:
        links = {
            "later": decided.later,
            "hierarchies": decided.hierarchies,
            "holds": decided.holds,
            **_links(table, rows, linked),
        }
        out = _counts(table, linked, shown, hidden, repeated)
        if table.figures:
            counts = (shown, settled)
            steady = _figures(out, table, linked, counts, decided.rule, decided.internal)
            previous_release.figures_again(out, previous, table.name, list(table.figures), steady)
        elif "note" in out and not decided.internal:
            out["note"] = [notes.BETWEEN.join(notes.public(note)) for note in out["note"]]
        order = [c for c in table.frame.columns if c in out] + [c for c in out if c not in table.frame.columns]
        result.append((out[order], links))
    return result


def _key(linked: Sums) -> list[str]:
    return ["series", *linked.dimensions]


def _looked_up(linked: Sums, decided: Plan) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the number shown of each count, whether it is hidden, and whether it repeats the last edition's."""
    key, cells = _key(linked), linked.cells
    have = decided.decided.reindex(columns=[*key, "shown", "hidden", "repeated"])
    have[key] = have[key].fillna(schema.ALL)
    found = cells[key].merge(have, on=key, how="left").set_index(cells.index)
    unknown = (cells["kind"] == "count").to_numpy() & found["hidden"].isna().to_numpy()
    if unknown.any():
        names = ", ".join(sorted({str(name).partition("/")[0] or "a table" for name in cells.loc[unknown, "series"]}))
        raise PcrefError(
            f"disclosure: {int(unknown.sum())} count(s) of {names} stand in no table of this run's disclosure plan, so "
            "they cannot be shown next to the others. Show a breakdown of the plan, or add the table to the plan."
        )
    return (
        found["shown"].to_numpy(float),
        found["hidden"].eq(True).to_numpy(bool),
        found["repeated"].eq(True).to_numpy(bool),
    )


def link(
    tables: Sequence[Table], hierarchies: Mapping[str, Any], same: Sequence[Sequence[str]], previous: Sequence[Any] = ()
) -> tuple[pd.DataFrame, Sums]:
    """Return the counts row by row, what only the last edition had of them too, and each once with their sums."""
    rows = pd.concat([schema.in_rows(table) for table in tables], ignore_index=True).dropna(subset="value")
    rows = rows.assign(low=rows["value"], high=rows["value"]).reset_index(drop=True)
    dims = constraints.dimensions_of(rows)
    rows["series"] = series.series(rows, dims, same)
    if previous:
        rows = pd.concat([rows, previous_release.beyond(rows, previous, hierarchies)], ignore_index=True)
    return rows, constraints.gather(rows, hierarchies, sorted({i for table in tables for i in table.shares}))


def _links(table: Table, rows: pd.DataFrame, linked: Sums) -> dict[str, Any]:
    mine = rows[rows["table"] == table.name]
    mine = mine.assign(way=intruder_view.way(mine))[["way", "indicator", "column", "series"]].drop_duplicates()
    odd = mine[mine["series"] != mine["indicator"] + "/" + mine["column"]]
    return {
        "public": list(table.public),
        "shares": list(table.shares),
        "series": odd.astype(str).to_numpy().tolist(),
        "gaps": linked.gaps,
    }


def _numbers(linked: Sums, hidden: np.ndarray, before: pd.DataFrame | None, rule: Disclosure) -> np.ndarray:
    value = linked.cells["low"].to_numpy(float)
    shown = np.where(linked.cells["public"].to_numpy(bool), value, disclosure_rule.round_counts(value, rule))
    if before is not None:
        shown = np.where(before["repeated"], before["number"], shown)
    return np.where(hidden, np.nan, shown)


def _counts(table: Table, linked: Sums, shown: np.ndarray, hidden: np.ndarray, repeated: np.ndarray) -> pd.DataFrame:
    frame = table.frame
    out = frame[[c for c in frame.columns if c in (*table.dimensions, *table.context)]].copy()
    for column in table.counts:
        cell = comparators.cells_of(linked, table, column)
        known, at = cell >= 0, np.maximum(cell, 0)
        out[column] = np.where(known, shown[at], np.nan) if len(shown) else np.nan
        status = (
            [~known, known & hidden[at], known & repeated[at], out[column].to_numpy(float) == 0]
            if len(shown)
            else [~known]
        )
        out[f"{column}_status"] = np.select(status, [NOT_AVAILABLE, SUPPRESSED, REPEATED, ZERO][: len(status)], SHOWN)
    return out


def _figures(
    out: pd.DataFrame,
    table: Table,
    linked: Sums,
    counts: tuple[np.ndarray, np.ndarray],
    rule: Disclosure,
    internal: bool,
) -> np.ndarray:
    """Put the figures into ``out``: as they are for internal use, otherwise from the released counts.

    Returns the rows of which every count of the group is that of the last edition.
    """
    frame, figures = table.frame, list(table.figures)
    given = frame[figures].notna().any(axis=1).to_numpy()
    if internal:
        out[figures] = frame[figures]
        out["status"] = np.where(given, SHOWN, NOT_AVAILABLE)
        return np.zeros(len(out), bool)
    rows = comparators.rows(table, linked, *counts, rule)
    alike = [c for c in (*table.dimensions, "comparator", "measure") if c in frame]
    rows["line"] = frame.groupby(alike, dropna=False).ngroup() if alike else 0
    mean = (rows["measure"] == "mean").to_numpy()
    lost = rows["lost"].to_numpy(bool) | (mean & primary.dominated(frame, rule)) | primary.few_beyond(frame, rule)
    few = (rows["low"] < disclosure_rule.MINIMUM_EVENTS).to_numpy() & (rows["r"] > 0).to_numpy()
    standardised = (rows["measure"] == "rate").to_numpy() & ~comparators.before_adjustment(frame)
    values = rounded_figures.figures(rows)
    if set(rounded_figures.CHANGES) <= set(figures):
        values = values.join(rounded_figures.changes(frame, rows, values))
        out["change_rounded_to"] = values["change_rounded_to"].where(~lost)
    for column in figures:
        limited = rounded_figures.significant(frame[column].to_numpy(float), rounded_figures.FEW_DIGITS)
        new = values[column].to_numpy() if column in values else limited
        out[column] = np.where(lost | ~given | (standardised & few), np.nan, new)
    if {"estimate", "lower", "upper"} <= set(figures):  # the step of a figure that is coarser than its neighbours
        out["rounded_to"] = values["rounded_to"].where(out["estimate"].notna() | out["upper"].notna())
    missing = out[figures].isna().all(axis=1).to_numpy()
    zero = (rows["o"] == 0).to_numpy() & (out[figures[0]] == 0).to_numpy()
    out["status"] = np.select([lost, missing, zero], [SUPPRESSED, NOT_AVAILABLE, ZERO], SHOWN)
    if "note" in out:
        out["note"] = np.where(lost, PROTECTED, _notes(frame["note"], rows))
    return rows["steady"].to_numpy(bool)


def _notes(given: pd.Series, rows: pd.DataFrame) -> list[str]:
    """Return what may be said of each row: sentences that rest on no count, and what the counts as released say."""
    r, m, r0 = (rows[c].to_numpy(float) for c in ("r", "m", "r0"))
    compared = rows["measure"].isin(COMPARED).to_numpy()
    few, few0 = (rows[c].to_numpy(float) < disclosure_rule.MINIMUM_EVENTS for c in ("low", "low0"))
    counted = {
        notes.NO_ONE: m == 0,
        notes.NO_EVENTS: compared & (r == 0),
        notes.FEW_EVENTS: few & (r > 0),
        notes.NO_COMPARATOR: compared & (r0 == 0),
        notes.FEW_COMPARATOR: compared & few0 & (r0 > 0),
    }
    said = [[words for words, where in counted.items() if where[i]] for i in range(len(rows))]
    return [notes.BETWEEN.join([*notes.public(note), *found]) for note, found in zip(given, said, strict=True)]
