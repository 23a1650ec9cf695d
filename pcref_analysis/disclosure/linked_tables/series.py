"""What each row of a table counts: which rows, of whatever table, hold one and the same number."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose
from typing import Any

import pandas as pd

from pcref_analysis.disclosure.linked_tables.schema import DIMENSION, with_totals
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.significant_digits import TOLERANCE
from pcref_analysis.vocabulary.significant_digits import same as alike

ONE_NUMBER = {"rel_tol": TOLERANCE, "abs_tol": TOLERANCE}
SAME_FROM = 5  # numbers that must agree before two series are taken for one


def series(rows: pd.DataFrame, dims: Sequence[str], same: Sequence[Sequence[str]] = ()) -> pd.Series:
    """Return what each row counts: rows of one series with the same labels hold the same number.

    An indicator's events (or its at-risk) are one series, unless tables or adjustments count it differently
    (rows of unknown age left out): then each way is a series. Series with the same numbers throughout are one.

    Raises
    ------
    PcrefError
        If two rows of one table and adjustment give different numbers for the same labels.
    """
    dims = list(dims)
    filled = with_totals(rows, dims)
    name = filled["indicator"].astype(object) + "/" + filled["column"].astype(object)
    for word, part in filled.groupby(name, sort=False):
        per_cell = part.groupby(dims, sort=False)["value"] if dims else part.groupby("indicator")["value"]
        if not alike(per_cell.transform("max"), per_cell.transform("min")).all():
            name.loc[part.index] = _ways(str(word), part, dims)
    return name.map(_aliases(filled.assign(series=name), dims, same))


def _ways(word: str, part: pd.DataFrame, dims: list[str]) -> pd.Series:
    ways: list[dict[Any, float]] = []
    result = pd.Series(word, index=part.index)
    for _, rows in part.groupby("tag", sort=False):
        keys = list(zip(*(rows[d] for d in dims), strict=True)) if dims else [()] * len(rows)
        mine: dict[Any, float] = {}
        for key, value in zip(keys, rows["value"], strict=True):
            if not isclose(mine.setdefault(key, value), value, **ONE_NUMBER):
                of = ", ".join(dims).replace(DIMENSION, "") or "cell"
                raise PcrefError(
                    f"disclosure: two rows of {rows['table'].iloc[0]} give different {word.split('/')[1]} for the same "
                    f"{of}. Name the column that tells them apart under dimensions=[...]."
                )
        fits = [way for way in ways if all(isclose(way.get(k, v), v, **ONE_NUMBER) for k, v in mine.items())]
        way = fits[0] if fits else {}
        if not fits:
            ways.append(way)
        way |= mine
        result.loc[rows.index] = word if way is ways[0] else f"{word}#{ways.index(way) + 1}"
    return result


def _aliases(rows: pd.DataFrame, dims: list[str], same: Sequence[Sequence[str]]) -> dict[str, str]:
    """Return the name under which each series goes: one shares another's where all its numbers are among those."""
    alias = {str(name): str(name) for name in rows["series"].unique()}
    kept: list[tuple[str, str, set[Any]]] = []
    holders: dict[tuple[bool, Any], list[int]] = {}  # the series so far that hold a number
    parts = list(rows.drop_duplicates(["series", *dims]).groupby("series", sort=False))
    for name, part in sorted(parts, key=lambda item: -len(item[1])):
        if len(part) < SAME_FROM or part["value"].nunique() < 3:
            continue  # too few to be more than chance
        content = set(zip(*(part[d] for d in dims), part["value"], strict=True))
        public, own = bool(part["public"].all()), str(name).split("/")[0]
        possible = min((holders.get((public, number), []) for number in content), key=len)
        wider = (kept[i][0] for i in possible if kept[i][1] != own and content <= kept[i][2])
        first = next(wider, None)
        if first is not None:
            alias[str(name)] = first
            continue
        for number in content:
            holders.setdefault((public, number), []).append(len(kept))
        kept.append((str(name), own, content))
    for group in same:
        known = [name for name in group if name in alias]
        alias |= dict.fromkeys(known, alias[known[0]])
    return alias
