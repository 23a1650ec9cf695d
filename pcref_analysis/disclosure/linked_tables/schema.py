"""What stands in a table: dimensions, counts, figures; and which labels of a dimension add up to which."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Number

import numpy as np
import pandas as pd

from pcref_analysis.vocabulary import ethnicity, indicators
from pcref_analysis.vocabulary.errors import PcrefError

ALL = "All"
TOTAL_WORDS = {"all", "total", "everyone", "persons", "all people", "all groups", "all ethnic groups", "all ages"}
DIMENSION = "~"  # before the name of a dimension, in the list of counts
COUNTS = ("events", "at_risk")
FIGURES = ("estimate", "lower", "upper", "change", "change_lower", "change_upper")
CONTEXT = (
    *("comparator", "adjustment", "change_from", "measure", "level", "rounded_to", "change_rounded_to", "note"),
    *("indicator_name", "domain", "unit", "per", "method"),
)
INSIDE = ("events_sq", "events_at_risk", "at_risk_sq", "total", "total_sq", "largest", "beyond")  # used, never shown
YEARS = "years"  # the kind of sum that makes all years
NUMBERED = ("imd_quintile", "imd_decile", "year")  # numbers that are categories


@dataclass(frozen=True)
class Table:
    """One table and what its columns are; ``public`` and ``shares`` are indicator ids.

    ``public``: the at-risk numbers are published by others. ``shares``: the events are some of those at risk.
    """

    name: str
    frame: pd.DataFrame
    dimensions: tuple[str, ...]
    counts: tuple[str, ...]
    figures: tuple[str, ...]
    context: tuple[str, ...]
    public: tuple[str, ...] = ()
    shares: tuple[str, ...] = ()


def declare(
    name: str,
    frame: pd.DataFrame,
    dimensions: Sequence[str] | None = None,
    counts: Sequence[str] | None = None,
    figures: Sequence[str] = (),
    public: bool | Sequence[str] | None = None,
) -> Table:
    """Sort a table's columns into dimensions, counts, figures and context.

    Raises
    ------
    PcrefError
        If a numeric column is none of the known ones: nothing leaves undeclared.
    """
    frame = frame.reset_index(drop=True)
    counts = tuple(counts) if counts is not None else tuple(c for c in COUNTS if c in frame)
    figures = tuple(dict.fromkeys([*(c for c in FIGURES if c in frame), *figures]))
    _refuse_undeclared(name, frame, {*counts, *figures, *(dimensions or ())})
    free = [c for c in frame.columns if c not in {*counts, *figures, *CONTEXT, *INSIDE}]
    dims = tuple(dimensions) if dimensions is not None else tuple(free)
    context = tuple(c for c in frame.columns if (c in CONTEXT or c in free) and c not in dims)
    residents, shares = _from_catalogue(frame)
    if public is not None:
        ids = tuple(indicator_of(frame).unique())
        residents = (ids if public else ()) if isinstance(public, bool) else tuple(public)
    return Table(name, frame, dims, counts, figures, context, residents, shares)


def _refuse_undeclared(name: str, frame: pd.DataFrame, declared: set[str]) -> None:
    def number(column: str) -> bool:
        values = frame[column]
        if pd.api.types.is_bool_dtype(values.dtype):
            return False
        if values.dtype == object:
            return any(isinstance(v, Number) and not isinstance(v, bool) for v in values.dropna())
        return pd.api.types.is_numeric_dtype(values.dtype)

    known = {*declared, *CONTEXT, *INSIDE, *NUMBERED}
    faults = [f"column '{c}': a number whose kind is not declared" for c in frame if c not in known and number(c)]
    faults += [f"column '{c}': declared, but not in the table" for c in sorted(declared - set(frame))]
    faults += [f"column '{c}': a count that is not a number" for c in COUNTS if c in frame and _is_text(frame[c])]
    if faults:
        raise PcrefError(
            "\n  ".join([f"disclosure: {name} cannot be released:", *faults])
            + "\n  Name it under counts=[...], figures=[...] or dimensions=[...], or drop it."
        )


def _is_text(column: pd.Series) -> bool:
    return bool((pd.to_numeric(column, errors="coerce").isna() & column.notna()).any())


def indicator_of(frame: pd.DataFrame) -> pd.Series:
    """Return the indicator of each row ("" where the table has none)."""
    if "indicator" not in frame:
        return pd.Series("", index=frame.index, dtype=object)
    return frame["indicator"].astype("string").fillna("").astype(object)


def per_of(frame: pd.DataFrame) -> pd.Series:
    """Return the number at risk that the catalogue gives each row's indicator per; missing where it knows none."""
    catalogue = indicators.catalogue()
    return indicator_of(frame).map(lambda i: float(catalogue[i].per) if i in catalogue else np.nan).astype(float)


def _from_catalogue(frame: pd.DataFrame) -> tuple[tuple[str, ...], tuple[str, ...]]:
    ids = indicator_of(frame)
    catalogue = indicators.catalogue()
    known = [catalogue[i] for i in ids.unique() if i in catalogue]
    residents = tuple(i.id for i in known if i.at_risk == "residents")
    shares = {i.id for i in known if i.measure == "percent"}
    if "measure" in frame:
        shares |= set(ids[frame["measure"] == "percent"])
    shares -= {i.id for i in known if i.domain == "recording"}  # says something of the data, not of people
    return residents, tuple(sorted(shares))


def labels(column: pd.Series) -> pd.Series:
    """Return a dimension's labels as text: totals as "All", missing as "Not known"."""
    text = column.astype("string").fillna(ethnicity.NOT_KNOWN).astype(object)
    return text.where(~text.str.lower().isin(TOTAL_WORDS), ALL)


def with_totals(rows: pd.DataFrame, dims: Iterable[str]) -> pd.DataFrame:
    """Return rows with every dimension: where a row has no label of one, its number is of all of them."""
    return rows.assign(**{d: rows[d].fillna(ALL) if d in rows else ALL for d in dims})


def partitions(
    dimension: str, present: Iterable[str], hierarchies: Mapping[str, Mapping[str, Sequence[str]]]
) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the ways in which one label of a dimension is the sum of others: ``{(kind, parent): children}``.

    From fine to coarse. Broad and detailed ethnic groups and pooled years are known; other hierarchies
    are given. Where a table has no period, its numbers are of all years; events add up to them, people do not
    (:func:`adds_over_years`).
    """
    whole = ALL in (present := list(present))
    present = [label for label in dict.fromkeys(present) if label != ALL]
    tree = {parent: tuple(children) for parent, children in hierarchies.get(dimension, {}).items()}
    if dimension == "ethnic_group":
        groups = ethnicity.categories().groupby("broad_group", sort=False)["ethnic_group"]
        tree |= {broad: tuple(detailed) for broad, detailed in groups}
    if dimension == "period":
        tree |= {label: pooled for label in present if len(pooled := pooled_years(label)) > 1}
    found = {("part", parent): [c for c in children if c in present] for parent, children in tree.items()}
    if dimension != "period":
        below = {child for children in tree.values() for child in children}
        filled = {*present, *(parent for (_, parent), children in found.items() if children)}
        found["top", ALL] = [label for label in [*present, *tree] if label in filled and label not in below]
        found["bottom", ALL] = [label for label in present if label not in tree]
    elif whole and len(years := [label for label in present if len(pooled_years(label)) == 1]) > 1:
        found[YEARS, ALL] = years
    return {key: tuple(dict.fromkeys(children)) for key, children in found.items() if children}


def adds_over_years(series: pd.Series) -> pd.Series:
    """Say of each series (``indicator/column``) whether its years add up: people who come back in another do not.

    By the catalogue; what it does not know is taken to add up unless the numbers show otherwise.
    """
    catalogue = indicators.catalogue()

    def adds(name: str) -> bool:
        indicator, _, column = name.partition("#")[0].partition("/")
        entry = catalogue.get(indicator)
        if entry is None:
            return True
        return entry.repeat_events if column == "events" else entry.at_risk != "residents"

    return series.map({name: adds(name) for name in series.unique()}).astype(bool)


def pooled_years(label: str) -> tuple[str, ...]:
    """Return the financial years in a period such as "2021-24" (one year is its own).

    Examples
    --------
    >>> pooled_years("2021-24")
    ('2021-22', '2022-23', '2023-24')
    """
    match = re.fullmatch(r"(\d{4})-(\d{2})", label)
    if not match:
        return ()
    start = int(match[1])
    return tuple(f"{year}-{(year + 1) % 100:02d}" for year in range(start, start + (int(match[2]) - start) % 100))


def in_rows(table: Table) -> pd.DataFrame:
    """Return one row for each count in the table: where it stands, its labels, and its number.

    Columns ``table, row, column, tag, indicator, public, value``, and the dimensions but the indicator ("~" before the
    name, so that a dimension may have any name).
    """
    frame = table.frame
    ids = indicator_of(frame)
    base = pd.DataFrame(
        {DIMENSION + d: labels(frame[d]) for d in table.dimensions if d != "indicator"}, index=frame.index
    )
    tag = pd.Series(table.name, index=frame.index, dtype=object)
    for column in ("adjustment", "measure"):
        if column in frame:
            tag = tag + "|" + frame[column].astype("string").fillna("").astype(object)
    base = base.assign(table=table.name, row=np.arange(len(frame)), indicator=ids, tag=tag)
    parts = []
    for column in table.counts:
        known = ids.isin(table.public) if column == "at_risk" else False
        parts.append(base.assign(column=column, public=known, value=pd.to_numeric(frame[column]).astype(float)))
    empty = base.assign(column="", public=False, value=np.nan).iloc[:0]
    rows = pd.concat(parts, ignore_index=True) if parts else empty
    words = [c for c in rows if c in ("table", "indicator", "tag", "column") or c.startswith(DIMENSION)]
    return rows.astype(dict.fromkeys(words, object))
