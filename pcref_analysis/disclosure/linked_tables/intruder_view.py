"""What an outsider reads in released tables: a row a count, with the limits that its mark allows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from pcref_analysis.disclosure import disclosure_rule
from pcref_analysis.disclosure.disclosure_rule import NOT_AVAILABLE, REPEATED
from pcref_analysis.disclosure.linked_tables import schema
from pcref_analysis.vocabulary.parameters import Disclosure


def read(released: Any, rule: Disclosure, prefix: str = "") -> pd.DataFrame:
    """Return a row for each count in a released table.

    Columns of :func:`pcref_analysis.disclosure.linked_tables.schema.in_rows`, ``status``, ``series``, ``low``,
    ``high``.
    """
    frame, links = released.table, released.links
    table = schema.Table(
        prefix + released.name,
        frame,
        released.dimensions,
        released.counts,
        (),
        (),
        tuple(links["public"]),
        tuple(links["shares"]),
    )
    rows = schema.in_rows(table)
    if not len(rows):
        return rows.assign(status="", way="", series="", low=0.0, high=0.0)
    rows["status"] = pd.concat([frame[f"{c}_status"] for c in released.counts], ignore_index=True).to_numpy()
    rows["way"] = way(rows)
    series = {tuple(name): to for *name, to in links["series"]}
    names = zip(rows["way"], rows["indicator"], rows["column"], strict=True)
    rows["series"] = [prefix + series.get(name, f"{name[1]}/{name[2]}") for name in names]
    shown, public = rows["value"].to_numpy(float), rows["public"].to_numpy(bool)
    hold = hold_of(rows["indicator"], rows["column"], links.get("holds", {}), rule)
    repeated = rows["status"].to_numpy() == REPEATED
    low, high = disclosure_rule.possible(shown, rule, repeated, links.get("later", False), hold)
    rows["low"], rows["high"] = np.where(public, shown, low), np.where(public, shown, high)
    return rows[rows["status"] != NOT_AVAILABLE].reset_index(drop=True)


def hold_of(indicator: pd.Series, column: pd.Series, known: Mapping[str, float], rule: Disclosure) -> np.ndarray:
    """Return the hold of each count."""
    usual, names = disclosure_rule.holds(rule), zip(indicator, column, strict=True)
    return np.array([known.get(f"{i}/{c}", usual) for i, c in names], float)


def way(rows: pd.DataFrame) -> pd.Series:
    """Return by which adjustment and measure a count was made, whatever the table is called."""
    return pd.Series(
        [t.removeprefix(n) for t, n in zip(rows["tag"], rows["table"], strict=True)], rows.index, dtype=object
    )


def all_of(released: Iterable[Any]) -> pd.DataFrame:
    """Return the rows of several released tables together, each read by its own rule."""
    parts = [read(one, one.rules) for one in released]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
