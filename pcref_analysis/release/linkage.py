"""Which counts stand in which table, and which of them add up to which: what an outsider could subtract."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pcref_analysis.vocabulary import ethnicity, indicators
from pcref_analysis.vocabulary.errors import PcrefError

ALL = "All"
TOTAL_WORDS = {"all", "total", "everyone", "persons", "people", "all groups", "all ethnic groups", "all ages", "any"}
COUNTS = ("events", "at_risk")
FIGURES = ("estimate", "lower", "upper")
CONTEXT = ("comparator", "adjustment", "measure", "level", "note", "name", "unit", "per")
INSIDE = ("events_sq", "events_at_risk", "at_risk_sq", "total", "total_sq", "largest")  # used, never shown
NUMBERED = ("imd_quintile", "imd_decile", "year")  # numbers that are categories


@dataclass(frozen=True)
class Declared:
    """What stands in one table: dimensions, counts (with their series), figures, and what goes with them."""

    frame: pd.DataFrame
    dimensions: tuple[str, ...]
    counts: tuple[str, ...]
    figures: tuple[str, ...]
    context: tuple[str, ...]


def declare(
    frame: pd.DataFrame,
    dimensions: Sequence[str] | None = None,
    counts: Sequence[str] | None = None,
    figures: Sequence[str] = (),
) -> Declared:
    """Sort a table's columns into dimensions, counts, figures and context.

    Raises
    ------
    PcrefError
        If a numeric column is none of the known ones: nothing leaves undeclared.
    """
    counts = tuple(counts) if counts is not None else tuple(c for c in COUNTS if c in frame)
    figures = tuple(dict.fromkeys([*(c for c in FIGURES if c in frame), *figures]))
    known = {*counts, *figures, *CONTEXT, *INSIDE}
    free = [c for c in frame.columns if c not in known]
    numeric = [c for c in free if pd.api.types.is_numeric_dtype(frame[c]) and not pd.api.types.is_bool_dtype(frame[c])]
    undeclared = [c for c in numeric if c not in NUMBERED and c not in (dimensions or ())]
    missing = [c for c in (*counts, *figures, *(dimensions or ())) if c not in frame]
    if undeclared or missing:
        lines = [f"column '{c}': numbers of a kind not declared" for c in undeclared]
        lines += [f"column '{c}': declared but not in the table" for c in missing]
        raise PcrefError(
            "\n  ".join(["disclosure: the table cannot be released:", *lines])
            + "\n  Name it under counts=[...], figures=[...] or dimensions=[...], or drop it."
        )
    dims = tuple(dimensions) if dimensions is not None else tuple(free)
    context = tuple(c for c in frame.columns if c in CONTEXT or (c in free and c not in dims))
    return Declared(frame, dims, counts, figures, context)


def labels(column: pd.Series) -> pd.Series:
    """Return a dimension's labels as text: totals as "All", missing as "Not known"."""
    text = column.astype("string").fillna(ethnicity.NOT_KNOWN).astype(object)
    return text.where(~text.str.lower().isin(TOTAL_WORDS), ALL)


def partitions(
    dimension: str, present: Iterable[str], hierarchies: Mapping[str, Mapping[str, Sequence[str]]]
) -> list[tuple[str, tuple[str, ...]]]:
    """Return the ways in which one label of a dimension is the sum of others: ``(parent, children)``."""
    present = [label for label in dict.fromkeys(present) if label != ALL]
    tree = {parent: tuple(children) for parent, children in hierarchies.get(dimension, {}).items()}
    if dimension == "ethnic_group":
        table = ethnicity.categories()
        tree |= {b: tuple(g) for b, g in table.groupby("broad_group", sort=False)["ethnic_group"]}
    if dimension == "period":
        tree |= {label: years for label in present if len(years := _years(label)) > 1}
    below = {child for children in tree.values() for child in children}
    top = tuple(label for label in present if label not in below)
    bottom = tuple(label for label in present if label not in tree)
    found = [] if dimension == "period" else [(ALL, top), (ALL, bottom)]
    if dimension != "period" and tree:  # each parent present, or else its children
        mixed = tuple(
            c
            for label in dict.fromkeys([*top, *tree])
            if label not in below
            for c in ([label] if label in present else tree.get(label, ()))
        )
        found.append((ALL, tuple(c for c in mixed if c in present)))
    found += [(parent, tuple(c for c in children if c in present)) for parent, children in tree.items()]
    return list(dict.fromkeys((parent, children) for parent, children in found if children))


def _years(label: str) -> tuple[str, ...]:
    """Return the financial years in a pooled period such as "2021-24"."""
    match = re.fullmatch(r"(\d{4})-(\d{2})", label)
    if not match:
        return ()
    start = int(match[1])
    span = (int(match[2]) - start) % 100
    return tuple(f"{y}-{(y + 1) % 100:02d}" for y in range(start, start + span))


@dataclass(frozen=True)
class Counts:
    """Every count in the tables once, and the sums that hold among them.

    ``cells``: ``series``, the dimensions, ``value``, ``public``. ``terms``: ``equation, cell, sign`` (the
    signed cells of an equation add up to 0); cells from ``len(places)`` on are remainders that no table shows.
    ``places``: a table, row and column for each count shown.
    """

    cells: pd.DataFrame
    terms: pd.DataFrame
    places: pd.DataFrame


def gather(tables: Mapping[str, Declared], hierarchies: Mapping[str, Any], public: Any = None) -> Counts:
    """Put the counts of several tables into one list of cells and find the sums that link them."""
    long = pd.concat([_long(name, table, public) for name, table in tables.items()], ignore_index=True)
    dims = [c for c in long.columns if c not in ("table", "row", "column", "series", "value", "public")]
    long[dims] = long[dims].fillna(ALL)
    key = ["series", *dims]
    long["cell"] = long.groupby(key, sort=False).ngroup()
    cells = long.drop_duplicates("cell").set_index("cell")[[*key, "value", "public"]]
    terms = _equations(cells, dims, hierarchies)
    return Counts(cells, terms, long[["table", "row", "column", "cell"]])


def _long(name: str, table: Declared, public: Any) -> pd.DataFrame:
    frame = table.frame.reset_index(drop=True)
    dims = [d for d in table.dimensions if d != "indicator"]
    base = pd.DataFrame({d: labels(frame[d]) for d in dims}, dtype=object)
    indicator = pd.Series("", frame.index, dtype=object)
    if "indicator" in frame:
        indicator = frame["indicator"].astype("string").fillna("").astype(object)
    parts = []
    for column in table.counts:
        part = base.assign(
            table=name,
            row=frame.index,
            column=column,
            series=indicator + "/" + column,
            value=pd.to_numeric(frame[column]).astype(float),
        )
        part["public"] = _is_public(indicator, column, public)
        parts.append(part)
    return pd.concat(parts, ignore_index=True).dropna(subset="value")


def _is_public(indicator: pd.Series, column: str, public: Any) -> Any:
    if public is not None:
        return (
            indicator.isin(list(public)) & (column == "at_risk")
            if not isinstance(public, bool)
            else (public and column == "at_risk")
        )
    try:
        residents = {i.id for i in indicators.catalogue().values() if i.at_risk == "residents"}
    except FileNotFoundError:
        residents = set()
    return indicator.isin(residents) & (column == "at_risk")


def _equations(cells: pd.DataFrame, dims: list[str], hierarchies: Mapping[str, Any]) -> pd.DataFrame:
    found, equation = [], 0
    for dim in dims:
        others = ["series", *[d for d in dims if d != dim]]
        other = cells.groupby(others, sort=False).ngroup()
        for parent, children in partitions(dim, cells[dim], hierarchies):
            up = pd.Series(cells.index[cells[dim] == parent], index=other[cells[dim] == parent])
            down = cells.index[cells[dim].isin(children)]
            down = pd.DataFrame({"cell": down, "group": other[down].to_numpy()})
            down = down[down["group"].isin(up.index)]
            for group, part in down.groupby("group", sort=False):
                found.append(
                    pd.DataFrame(
                        {"equation": equation, "cell": [up[group], *part["cell"]], "sign": [1.0, *[-1.0] * len(part)]}
                    )
                )
                equation += 1
    return (
        pd.concat(found, ignore_index=True)
        if found
        else pd.DataFrame({"equation": np.array([], int), "cell": np.array([], int), "sign": np.array([], float)})
    )
