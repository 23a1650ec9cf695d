"""Cells that no table shows and that an outsider knows to exist: totals, and crossings of labels that are left out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import linprog

from pcref_analysis.disclosure.linked_tables.feasible_ranges import WHOLE
from pcref_analysis.disclosure.linked_tables.schema import ALL, YEARS, adds_over_years

UNSEEN = "unseen"
NAMED = "; unseen"  # after a series' name, among the gaps: its missing crossings do not make up its gaps


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


def settle(cells: pd.DataFrame, matrix: sparse.csr_array) -> tuple[pd.DataFrame, list[str]]:
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
