"""Cells that no table shows and that an outsider knows to exist: the crossings of labels that tables leave out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import linprog

from pcref_analysis.release.protection.linkage import ALL

UNSEEN = "unseen"
NAMED = "; unseen"  # after a series' name, among the gaps: its missing crossings do not make up its gaps
WHOLE = 1e-6


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


def settle(cells: pd.DataFrame, matrix: sparse.csr_array, free: np.ndarray) -> tuple[pd.DataFrame, list[str]]:
    """Give the unknown cells numbers that fit the true ones; also return the series for which there are none.

    Any numbers that fit will do: they only start the search for what an outsider can tell.
    """
    value, names, wrong = cells["low"].to_numpy(float).copy(), cells["series"].to_numpy(), []
    by_column = sparse.csc_array(matrix)
    for name in pd.unique(names[free]):
        mine = np.flatnonzero(free & (names == name))
        touched = np.unique(by_column[:, mine].indices)
        rows = matrix[touched]
        known = value.copy()
        known[mine] = 0.0
        equal, wanted = sparse.csc_array(rows)[:, mine], -(rows @ known)
        answer = linprog(np.zeros(len(mine)), A_eq=equal, b_eq=wanted, bounds=(0, None), method="highs")
        if answer.x is None:
            wrong.append(str(name))
            continue
        near = np.round(answer.x)
        value[mine] = np.where(np.abs(answer.x - near) < WHOLE, near, answer.x)
    settled = np.where(free, value, cells["low"]), np.where(free, value, cells["high"])
    return cells.assign(low=settled[0], high=settled[1]), wrong
