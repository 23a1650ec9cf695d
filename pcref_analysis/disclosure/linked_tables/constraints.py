"""Every count of several tables once, and the sums that hold among them: what an outsider could subtract."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import linprog

from pcref_analysis.disclosure.linked_tables.feasible_ranges import WHOLE
from pcref_analysis.disclosure.linked_tables.schema import (
    ALL,
    DIMENSION,
    YEARS,
    adds_over_years,
    partitions,
    with_totals,
)
from pcref_analysis.vocabulary.significant_digits import TOLERANCE

UNSEEN = "unseen"
NAMED = "; unseen"  # after a series' name, among the gaps: its missing crossings do not make up its gaps


@dataclass(frozen=True)
class Sums:
    """Counts and the equations among them, ``matrix @ counts = 0``.

    ``cells``: a row a count with ``series``, the dimensions, ``low`` and ``high`` (what is known of it; equal
    where the true count is), ``public``, and ``kind``: "count" (stands in a table), "implied" (a total that no
    table shows but two tables share), "rest" (what parts leave of a whole), "overlap" (what they have too much),
    "left out" (of one way of counting), "others" (at risk without the event), "unseen" (a crossing of labels that no
    table shows) or "unlisted" (what such crossings come to in a sum). ``places``: where each count
    stands. ``gaps``: equations whose parts do not make the whole.
    """

    cells: pd.DataFrame
    matrix: sparse.csr_array
    places: pd.DataFrame
    dimensions: tuple[str, ...]
    gaps: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Term:
    """An equation: a whole less its parts is nothing, or a gap; one "unlisted" is the sum of the unknown parts."""

    whole: int
    parts: np.ndarray
    gap: str = ""
    unknown: np.ndarray = field(default_factory=lambda: np.array([], int))


def dimensions_of(rows: pd.DataFrame) -> list[str]:
    """Return the columns of a list of counts that are dimensions."""
    return [c for c in rows.columns if c.startswith(DIMENSION)]


def gather(
    rows: pd.DataFrame,
    hierarchies: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
    shares: Sequence[str] = (),
    gaps: Mapping[str, str] | None = None,
) -> Sums:
    """Find the distinct counts in ``rows`` and the sums that link them.

    Parameters
    ----------
    rows
        A row a count: ``table, row, column, indicator, series, public, low, high`` and dimensions. Without ``gaps``,
        ``low`` and ``high`` are the true count; where they are not equal a number that fits is found.
    hierarchies
        ``{dimension: {parent: [children]}}`` besides the known ones.
    shares
        Indicators whose events are some of those at risk.
    gaps
        What an earlier call found; without it parts and wholes are compared.
    """
    dims = dimensions_of(rows)
    rows, cells, trees = _counts(rows, dims, hierarchies or {})
    cells = with_implied(cells, dims, trees)
    at_risk, places = rows[rows["indicator"].isin(shares)], rows[["table", "row", "column", "cell"]]
    found, wrong = _gather(cells, dims, trees, at_risk, places, gaps or {}, settle=gaps is None)
    if wrong:
        left_alone = {name + NAMED: "no" for name in wrong}
        found, wrong = _gather(cells, dims, trees, at_risk, places, left_alone, settle=True)
    exact = rows["low"] == rows["high"]
    return found if not wrong or exact.all() else gather(rows[exact], hierarchies, shares)


def totals(rows: pd.DataFrame, hierarchies: Mapping[str, Mapping[str, Sequence[str]]]) -> pd.DataFrame:
    """Return ``series``, the dimensions and ``value`` of every sum that follows from ``rows`` and stands in none."""
    dims = dimensions_of(rows)
    _, cells, trees = _counts(rows, dims, hierarchies)
    found = with_implied(cells, dims, trees, everywhere=True)
    found = found[found["kind"] == "implied"].rename(columns={"low": "value"})
    return found[["series", *dims, "value"]]


def _counts(
    rows: pd.DataFrame, dims: list[str], hierarchies: Mapping[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Return the rows with the number of their count, each count once, and what is a sum of what by dimension."""
    key = ["series", *dims]
    rows = with_totals(rows, dims)
    rows["cell"] = rows.groupby(key, sort=False).ngroup()
    cells = rows.drop_duplicates("cell").set_index("cell")[[*key, "public"]]
    known = rows.groupby("cell").agg(low=("low", "max"), high=("high", "min"))
    cells = cells.assign(low=known.min(axis=1), high=known.max(axis=1), kind="count")
    return rows, cells, {d: partitions(d.removeprefix(DIMENSION), cells[d], hierarchies) for d in dims}


def _gather(
    cells: pd.DataFrame,
    dims: list[str],
    trees: Mapping[str, Any],
    at_risk: pd.DataFrame,
    places: pd.DataFrame,
    gaps: Mapping[str, str],
    settle: bool,
) -> tuple[Sums, list[str]]:
    """Return the sums, and the series whose unseen cells fit no numbers (the unknown ones get theirs by ``settle``)."""
    gaps = dict(gaps)
    cells = complete(cells, dims, trees, gaps)
    groups = _groups(cells, dims, trees)
    free = unknown(cells, groups)
    cells = cells.assign(low=cells["low"].mask(free, 0.0), high=cells["high"].mask(free, np.inf))
    terms = _equations(cells, groups, free, gaps)
    terms += _left_out(cells[~free], dims, gaps)
    terms += _events_at_risk(at_risk, cells)
    found = _assemble(cells, terms, places, tuple(dims), gaps)
    if not settle:
        return found, []
    numbered, wrong = settled(found.cells, found.matrix)
    return replace(found, cells=numbered), wrong


def _groups(cells: pd.DataFrame, dims: list[str], trees: Mapping[str, Any]) -> list[tuple[int, np.ndarray, str]]:
    """Return each whole with its parts and the name of their sum."""
    inside = cells[~cells["public"]]
    adds = adds_over_years(inside["series"])
    found, seen = [], set()
    for d in dims:
        others = ["series", *[x for x in dims if x != d]]
        other = inside.groupby(others, sort=False).ngroup()
        for (kind, parent), children in trees[d].items():
            up = pd.Series(inside.index, index=other)[((inside[d] == parent) & (adds | (kind != YEARS))).to_numpy()]
            down = other[inside[d].isin(children) & other.isin(up.index)]
            for group, part in down.groupby(down, sort=False):
                whole, parts = up[group], part.index.to_numpy()
                if (names := (whole, *parts)) not in seen:
                    seen.add(names)
                    found.append((whole, parts, _name(cells.loc[whole], dims, d, kind)))
    return found


def _equations(
    cells: pd.DataFrame, groups: list[tuple[int, np.ndarray, str]], free: np.ndarray, gaps: dict[str, str]
) -> list[Term]:
    """Return the equations, and put their gaps into ``gaps``: what a whole has more than its parts, or less.

    What unknown parts come to is no gap with a name, as nobody is told whether it is anything.
    """
    low, high = cells["low"].to_numpy(), cells["high"].to_numpy()
    terms = []
    for whole, parts, name in groups:
        if free[whole]:
            terms.append(Term(whole, parts))
            continue
        known, unknown = parts[~free[parts]], parts[free[parts]]
        gap = gaps.get(name) or _gap(low[whole], high[whole], low[known].sum(), high[known].sum())
        if gap == "less" or (gap and not len(unknown)):
            gaps[name] = gap
        elif len(unknown):
            gap = "unlisted"
        terms.append(Term(whole, known, gap, unknown))
    return terms


def _name(whole: pd.Series, dims: list[str], dimension: str, kind: str) -> str:
    labels = [f"{d}={whole[d]}" for d in dims if whole[d] != ALL]
    return "; ".join([whole["series"], *labels, f"{kind} {dimension}"]).replace(DIMENSION, "")


def _gap(low: float, high: float, parts_low: float, parts_high: float) -> str:
    """Return "" where the parts can make the whole, "more" where the whole has more, "less" where it has less."""
    slack = TOLERANCE * max(1.0, abs(low))
    if low > parts_high + slack:
        return "more"
    return "less" if high < parts_low - slack else ""


def _left_out(cells: pd.DataFrame, dims: list[str], gaps: dict[str, str]) -> list[Term]:
    """Link the ways of counting one thing: without rows of unknown age, say, against with them."""
    if cells.empty:  # no indicator is available
        return []
    name = cells["series"].str.partition("#")
    keyed = cells.assign(base=name[0], way=name[1] != "", cell=cells.index)[~cells["public"]]
    pairs = keyed[~keyed["way"]].merge(keyed[keyed["way"]], on=["base", *dims], suffixes=("", "_way"))
    terms = []
    for row in pairs.to_dict("records"):
        label = _name(cells.loc[row["cell"]], dims, row["series_way"], "left out of")
        gap = gaps.get(label) or ("less" if row["high"] < row["low_way"] else "left out")
        if gap == "less":
            gaps[label] = gap
        terms.append(Term(row["cell"], np.array([row["cell_way"]]), gap))
    return terms


def _events_at_risk(rows: pd.DataFrame, cells: pd.DataFrame) -> list[Term]:
    pairs = rows[rows["column"].isin(["events", "at_risk"])]
    pairs = pairs.pivot_table(index=["table", "row"], columns="column", values="cell", aggfunc="first")
    if not {"events", "at_risk"} <= set(pairs):
        return []
    pairs = pairs.dropna().drop_duplicates().astype(int)
    most, least = cells["high"].to_numpy()[pairs["at_risk"]], cells["low"].to_numpy()[pairs["events"]]
    possible = (most >= least) & (most > 0)
    pairs = pairs[possible & (pairs["events"] != pairs["at_risk"]).to_numpy()]
    return [Term(n, np.array([o]), "others") for o, n in zip(pairs["events"], pairs["at_risk"], strict=True)]


def _assemble(
    cells: pd.DataFrame, terms: list[Term], places: pd.DataFrame, dims: tuple[str, ...], gaps: dict[str, str]
) -> Sums:
    """Put the equations into one matrix, with a further cell for what is left over in each that has a gap."""
    lines: list[dict[int, float]] = []
    extra: list[dict[str, Any]] = []
    low, high = cells["low"].to_numpy(), cells["high"].to_numpy()
    for term in terms:
        line = {term.whole: 1.0} | dict.fromkeys(term.parts.tolist(), -1.0)
        over: dict[int, float] = {}
        if term.gap:
            rest = (low[term.whole] - high[term.parts].sum(), high[term.whole] - low[term.parts].sum())
            if term.gap == "less":
                rest = (-rest[1], -rest[0])
            kind = {"more": "rest", "less": "overlap"}.get(term.gap, term.gap)
            like = cells.loc[term.whole].to_dict()
            extra.append(like | {"low": rest[0], "high": rest[1], "kind": kind, "public": False})
            over = {len(cells) + len(extra) - 1: 1.0 if term.gap == "less" else -1.0}
        lines.append(line | over)
        if term.gap == "unlisted":
            lines.append(over | dict.fromkeys(term.unknown.tolist(), 1.0))
    every = pd.concat([cells, pd.DataFrame(extra)], ignore_index=True) if extra else cells.reset_index(drop=True)
    rows = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
    columns, signs = [c for line in lines for c in line], [s for line in lines for s in line.values()]
    matrix = sparse.csr_array((signs, (rows, columns)), shape=(len(lines), len(every)))
    return Sums(every, matrix, places, dims, gaps)


def with_implied(
    cells: pd.DataFrame, dims: list[str], trees: Mapping[str, Any], everywhere: bool = False
) -> pd.DataFrame:
    """Add the totals that follow from tables of different dimensions, where a series has several (or everywhere)."""
    level = pd.DataFrame(index=cells.index)
    for d in dims:
        parents = {parent for _, parent in trees[d]}
        level[d] = np.select([cells[d] == ALL, cells[d].isin(parents)], [0, 1], 2)
    several = level.assign(s=cells["series"]).drop_duplicates().groupby("s").size()
    inside = cells[~cells["public"] & cells["series"].isin(several.index[(several > 1) | everywhere])]
    found = inside
    for d in dims:
        others = ["series", *[x for x in dims if x != d]]
        for (kind, parent), children in trees[d].items():
            part = found[found[d].isin(children)]
            part = part[adds_over_years(part["series"])] if kind == YEARS else part
            total = part.groupby(others, sort=False, as_index=False)[["low", "high"]].sum().assign(**{d: parent})
            total = total.assign(public=False, kind="implied")
            both = pd.concat([found, total], ignore_index=True)
            largest = both[both["kind"] == "implied"].groupby(["series", *dims], sort=False)[["low", "high"]].max()
            found = both.drop_duplicates(["series", *dims])
            found = found.merge(largest.reset_index(), on=["series", *dims], how="left", suffixes=("", "_max"))
            for side in ("low", "high"):
                new = (found["kind"] == "implied") & found[f"{side}_max"].notna()
                found[side] = found[side].where(~new, found[f"{side}_max"])
            found = found.drop(columns=["low_max", "high_max"])
    extra = found[found["kind"] == "implied"]
    return pd.concat([cells, extra[cells.columns]], ignore_index=True)


def complete(
    cells: pd.DataFrame, dims: list[str], trees: Mapping[str, Any], gaps: Collection[str] = ()
) -> pd.DataFrame:
    """Add the cells that a series leaves out of the crossing of its labels, where it shows at least half of them.

    Parameters
    ----------
    cells
        ``series``, the dimensions, ``low, high, public, kind``.
    trees
        For each dimension which labels are sums of which (see ``linkage.partitions``).
    gaps
        Names of gaps; a series named there as :data:`NAMED` is left as it is.
    """
    confidential = cells[~cells["public"]]
    level = pd.DataFrame(
        {
            d: np.select([confidential[d] == ALL, confidential[d].isin([p for _, p in trees[d]])], "01", "2")
            for d in dims
        },
        index=confidential.index,
    )
    parts = [cells]
    for key, part in confidential.groupby(["series", *(level[d] for d in dims)], sort=False):
        fine = [d for d, one in zip(dims, key[1:], strict=True) if one]
        size = int(np.prod([part[d].nunique() for d in fine]))
        if not len(part) < size <= 2 * len(part) or key[0] + NAMED in gaps:
            continue
        crossing = pd.MultiIndex.from_product([part[d].unique() for d in fine], names=fine)
        absent = crossing.difference(pd.MultiIndex.from_frame(part[fine]), sort=False).to_frame(index=False)
        others = {d: ALL for d in dims if d not in fine}
        parts.append(absent.assign(**others, series=key[0], low=0.0, high=np.inf, public=False, kind=UNSEEN))
    return pd.concat([part[cells.columns] for part in parts], ignore_index=True)


def unknown(cells: pd.DataFrame, groups: list[tuple[int, np.ndarray, str]]) -> np.ndarray:
    """Return which cells no table shows and no sum of shown ones gives: the unseen, and totals that hold such.

    ``groups``: each whole with its parts.
    """
    kind = cells["kind"].to_numpy()
    result = kind == UNSEEN
    more = result.any()
    while more:
        wholes = [whole for whole, parts, _ in groups if kind[whole] == "implied" and result[parts].any()]
        more = not result[wholes].all()
        result[wholes] = True
    return result


def settled(cells: pd.DataFrame, matrix: sparse.csr_array) -> tuple[pd.DataFrame, list[str]]:
    """Give the cells of which only limits are known numbers that fit the true ones; also return the series without any.

    Any numbers that fit will do: they only start the search for what an outsider can tell.
    """
    low, high = cells["low"].to_numpy(float).copy(), cells["high"].to_numpy(float).copy()
    free, count = low != high, (cells["kind"] == "count").to_numpy()
    low, high = np.where(free & ~count, 0.0, low), np.where(free & ~count, np.inf, high)
    names, by_column, wrong = cells["series"].to_numpy(), sparse.csc_array(matrix), []
    for name in pd.unique(names[free]):
        mine = np.flatnonzero(free & (names == name))
        rows = matrix[np.unique(by_column[:, mine].indices)]
        wanted = -(rows @ np.where(np.isin(np.arange(len(low)), mine), 0.0, low))
        limits = np.column_stack([low[mine], high[mine]])
        answer = linprog(
            np.zeros(len(mine)),
            A_eq=sparse.csc_array(rows)[:, mine],
            b_eq=wanted,
            bounds=limits,
            method="highs",
        )
        if answer.x is None:
            wrong.append(str(name))
            continue
        near = np.round(answer.x)
        low[mine] = high[mine] = np.where(np.abs(answer.x - near) < WHOLE, near, answer.x)
    return cells.assign(low=low, high=high), wrong
