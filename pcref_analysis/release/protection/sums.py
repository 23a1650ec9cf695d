"""Every count of several tables once, and the sums that hold among them: what an outsider could subtract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from pcref_analysis.release.protection.linkage import ALL, DIMENSION, partitions
from pcref_analysis.vocabulary.errors import PcrefError

SAME_SUM = 1e-6
SAME_FROM = 5  # numbers that must agree before two series are taken for one


@dataclass(frozen=True)
class Sums:
    """Counts and the equations among them, ``matrix @ counts = 0``.

    ``cells``: a row a count with ``series``, the dimensions, ``low`` and ``high`` (what is known of it; equal
    where the true count is), ``public``, and ``kind``: "count" (stands in a table), "implied" (a total that no
    table shows but two tables share), "rest" (what parts leave of a whole), "overlap" (what they have too much),
    "left out" (of one way of counting) or "others" (at risk without the event). ``places``: where each count
    stands. ``gaps``: equations whose parts do not make the whole.
    """

    cells: pd.DataFrame
    matrix: sparse.csr_array
    places: pd.DataFrame
    dimensions: tuple[str, ...]
    gaps: dict[str, str] = field(default_factory=dict)


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
        A row a count shown: ``table, row, column, indicator, series, public, low, high`` and dimensions.
    hierarchies
        ``{dimension: {parent: [children]}}`` besides the known ones.
    shares
        Indicators whose events are some of those at risk.
    gaps
        What an earlier call found; without it parts and wholes are compared.
    """
    dims = dimensions_of(rows)
    key = ["series", *dims]
    rows = rows.assign(**{d: rows[d].fillna(ALL) for d in dims})
    rows["cell"] = rows.groupby(key, sort=False).ngroup()
    cells = rows.drop_duplicates("cell").set_index("cell")[[*key, "public"]]
    known = rows.groupby("cell").agg(low=("low", "max"), high=("high", "min"))
    cells = cells.assign(low=known.min(axis=1), high=known.max(axis=1), kind="count")
    trees = {d: partitions(d.removeprefix(DIMENSION), cells[d], hierarchies or {}) for d in dims}
    cells = _with_implied(cells, dims, trees)
    terms, gaps = _equations(cells, dims, trees, dict(gaps or {}))
    terms += _left_out(cells, dims, gaps)
    terms += _events_at_risk(rows[rows["indicator"].isin(shares)], cells)
    return _assemble(cells, terms, rows[["table", "row", "column", "cell"]], tuple(dims), gaps)


def _with_implied(cells: pd.DataFrame, dims: list[str], trees: Mapping[str, Any]) -> pd.DataFrame:
    """Add the totals that follow from tables of different dimensions, where a series has several of these."""
    level = pd.DataFrame(index=cells.index)
    for d in dims:
        parents = {parent for _, parent in trees[d]}
        level[d] = np.select([cells[d] == ALL, cells[d].isin(parents)], [0, 1], 2)
    several = level.assign(s=cells["series"]).drop_duplicates().groupby("s").size()
    inside = cells[~cells["public"] & cells["series"].isin(several.index[several > 1])]
    found = inside
    for d in dims:
        others = ["series", *[x for x in dims if x != d]]
        for (_, parent), children in trees[d].items():
            part = found[found[d].isin(children)]
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


def _equations(
    cells: pd.DataFrame, dims: list[str], trees: Mapping[str, Any], gaps: dict[str, str]
) -> tuple[list[tuple[np.ndarray, np.ndarray, str]], dict[str, str]]:
    """Return the equations as (cells, signs, gap), with the gaps by the equations' names."""
    inside = cells[~cells["public"]]
    low, high = cells["low"].to_numpy(), cells["high"].to_numpy()
    terms, seen = [], set()
    for d in dims:
        others = ["series", *[x for x in dims if x != d]]
        other = inside.groupby(others, sort=False).ngroup()
        for (kind, parent), children in trees[d].items():
            up = pd.Series(inside.index, index=other)[(inside[d] == parent).to_numpy()]
            down = other[inside[d].isin(children) & other.isin(up.index)]
            for group, part in down.groupby(down, sort=False):
                whole, parts = up[group], part.index.to_numpy()
                if (names := (whole, *parts)) in seen:
                    continue
                seen.add(names)
                name = _name(cells.loc[whole], dims, d, kind)
                gap = gaps.get(name) or _gap(low[whole], high[whole], low[parts].sum(), high[parts].sum())
                if gap:
                    gaps[name] = gap
                terms.append((np.array(names), np.array([1.0, *[-1.0] * len(parts)]), gap))
    return terms, gaps


def _name(whole: pd.Series, dims: list[str], dimension: str, kind: str) -> str:
    labels = [f"{d}={whole[d]}" for d in dims if whole[d] != ALL]
    return "; ".join([whole["series"], *labels, f"{kind} {dimension}"]).replace(DIMENSION, "")


def _gap(low: float, high: float, parts_low: float, parts_high: float) -> str:
    """Return "" where the parts can make the whole, "more" where the whole has more, "less" where it has less."""
    slack = SAME_SUM * max(1.0, abs(low))
    if low > parts_high + slack:
        return "more"
    return "less" if high < parts_low - slack else ""


def _left_out(cells: pd.DataFrame, dims: list[str], gaps: dict[str, str]) -> list[tuple[np.ndarray, np.ndarray, str]]:
    """Link the ways of counting one thing: without rows of unknown age, say, against with them."""
    name = cells["series"].str.partition("#")
    keyed = cells.assign(base=name[0], way=name[1] != "", cell=cells.index)[~cells["public"]]
    pairs = keyed[~keyed["way"]].merge(keyed[keyed["way"]], on=["base", *dims], suffixes=("", "_way"))
    terms = []
    for row in pairs.to_dict("records"):
        label = _name(cells.loc[row["cell"]], dims, row["series_way"], "left out of")
        gap = gaps.get(label) or ("less" if row["high"] < row["low_way"] else "left out")
        if gap == "less":
            gaps[label] = gap
        terms.append((np.array([row["cell"], row["cell_way"]]), np.array([1.0, -1.0]), gap))
    return terms


def _events_at_risk(rows: pd.DataFrame, cells: pd.DataFrame) -> list[tuple[np.ndarray, np.ndarray, str]]:
    pairs = rows[rows["column"].isin(["events", "at_risk"])]
    pairs = pairs.pivot_table(index=["table", "row"], columns="column", values="cell", aggfunc="first")
    if not {"events", "at_risk"} <= set(pairs):
        return []
    pairs = pairs.dropna().drop_duplicates().astype(int)
    most, least = cells["high"].to_numpy()[pairs["at_risk"]], cells["low"].to_numpy()[pairs["events"]]
    possible = (most >= least) & (most > 0)
    pairs = pairs[possible & (pairs["events"] != pairs["at_risk"]).to_numpy()]
    return [
        (np.array([n, o]), np.array([1.0, -1.0]), "others")
        for o, n in zip(pairs["events"], pairs["at_risk"], strict=True)
    ]


def _assemble(
    cells: pd.DataFrame, terms: list[Any], places: pd.DataFrame, dims: tuple[str, ...], gaps: dict[str, str]
) -> Sums:
    """Put the equations into one matrix, with a further cell for what is left over in each that has a gap."""
    columns, rows, signs, extra = [], [], [], []
    low, high = cells["low"].to_numpy(), cells["high"].to_numpy()
    for i, (members, sign, gap) in enumerate(terms):
        members, sign = list(members), list(sign)
        if gap:
            plus, minus = members[0], members[1:]
            rest = (low[plus] - high[minus].sum(), high[plus] - low[minus].sum())
            if gap == "less":
                rest = (-rest[1], -rest[0])
            like = cells.loc[plus].to_dict()
            kind = {"more": "rest", "less": "overlap"}.get(gap, gap)
            extra.append(like | {"low": rest[0], "high": rest[1], "kind": kind, "public": False})
            members.append(len(cells) + len(extra) - 1)
            sign.append(1.0 if gap == "less" else -1.0)
        columns += members
        rows += [i] * len(members)
        signs += sign
    every = pd.concat([cells, pd.DataFrame(extra)], ignore_index=True) if extra else cells.reset_index(drop=True)
    matrix = sparse.csr_array((signs, (rows, columns)), shape=(len(terms), len(every)))
    return Sums(every, matrix, places, dims, gaps)


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
    filled = rows.assign(**{d: rows[d].fillna(ALL) for d in dims})
    name = filled["indicator"].astype(object) + "/" + filled["column"].astype(object)
    for word, part in filled.groupby(name, sort=False):
        per_cell = part.groupby(dims, sort=False)["value"] if dims else part.groupby("indicator")["value"]
        if (per_cell.transform("max") - per_cell.transform("min")).max() > SAME_SUM:
            name.loc[part.index] = _ways(str(word), part, dims)
    return name.map(_aliases(filled.assign(series=name), dims, same))


def _ways(word: str, part: pd.DataFrame, dims: list[str]) -> pd.Series:
    ways: list[dict[Any, float]] = []
    result = pd.Series(word, index=part.index)
    for _, rows in part.groupby("tag", sort=False):
        keys = list(zip(*(rows[d] for d in dims), strict=True)) if dims else [()] * len(rows)
        mine: dict[Any, float] = {}
        for key, value in zip(keys, rows["value"], strict=True):
            if abs(mine.setdefault(key, value) - value) > SAME_SUM:
                of = ", ".join(dims).replace(DIMENSION, "") or "cell"
                raise PcrefError(
                    f"disclosure: two rows of {rows['table'].iloc[0]} give different {word.split('/')[1]} for the same "
                    f"{of}. Name the column that tells them apart under dimensions=[...]."
                )
        fits = [way for way in ways if all(abs(way.get(k, v) - v) <= SAME_SUM for k, v in mine.items())]
        way = fits[0] if fits else {}
        if not fits:
            ways.append(way)
        way |= mine
        result.loc[rows.index] = word if way is ways[0] else f"{word}#{ways.index(way) + 1}"
    return result


def _aliases(rows: pd.DataFrame, dims: list[str], same: Sequence[Sequence[str]]) -> dict[str, str]:
    """Return the name under which each series goes: series with the same numbers share one."""
    alias = {str(name): str(name) for name in rows["series"].unique()}
    contents: dict[Any, str] = {}
    for name, part in rows.drop_duplicates(["series", *dims]).groupby("series", sort=False):
        if len(part) < SAME_FROM or part["value"].nunique() < 3:
            continue  # too few to be more than chance
        content = tuple(sorted(zip(*(part[d] for d in dims), part["value"], strict=True)))
        first = contents.setdefault((content, bool(part["public"].all())), str(name))
        if first.split("/")[0] != str(name).split("/")[0]:
            alias[str(name)] = first
    for group in same:
        known = [name for name in group if name in alias]
        alias |= dict.fromkeys(known, alias[known[0]])
    return alias
