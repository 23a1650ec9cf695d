"""The counts behind each row's figures: its own and its comparator's, true and as released."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pcref_analysis.release.protection.derived import UNITS
from pcref_analysis.release.protection.linkage import ALL, Table, indicator_of, labels
from pcref_analysis.release.protection.sums import Sums
from pcref_analysis.vocabulary import indicators
from pcref_analysis.vocabulary.parameters import Disclosure

WHOLE, OTHERS = ("Whole population",), ("All other groups", "All other groups together")
ROLES = {"events": ("o", "r"), "at_risk": ("n", "m")}


def rows(table: Table, linked: Sums, released: np.ndarray, settled: np.ndarray, rule: Disclosure) -> pd.DataFrame:
    """Return what :func:`pcref_analysis.release.protection.derived.again` needs, a row for each row of the table.

    ``released`` holds the released number of each count (missing: hidden); ``settled`` says which numbers are
    those of the last edition. ``lost``: a count that the figure rests on is hidden; ``steady``: all are settled.
    """
    frame = table.frame
    keep = [c for c in ("estimate", "lower", "upper", "indicator", "period", "comparator", "adjustment") if c in frame]
    out = frame[keep].copy()
    out["level"] = frame["level"].astype(float) if "level" in frame else 0.95
    out["measure"] = frame["measure"].astype(object) if "measure" in frame else _measure(frame)
    out["base"] = float(rule.rounding)
    out["lost"], out["steady"] = False, bool(len(settled))
    for column, (true, shown) in ROLES.items():
        cell = cells_of(linked, table, column)
        other, total = _comparator_cells(linked, table, cell)
        out[true], out[shown] = _values(linked, released, cell)
        whole = _values(linked, released, total)
        for name, own, value, all_of_them in ((true, out[true], 0, whole[0]), (shown, out[shown], 1, whole[1])):
            one = _values(linked, released, other)[value]
            out[f"{name}0"] = np.where(total >= 0, all_of_them - own.to_numpy(), one)
        compared = (out["measure"].isin(["ratio", "odds_ratio", "difference", "excess"])).to_numpy()
        out["lost"] |= (cell >= 0) & out[shown].isna().to_numpy()
        out["lost"] |= compared & ((other >= 0) | (total >= 0)) & out[f"{shown}0"].isna().to_numpy()
        for places, used in ((cell, cell >= 0), (other, compared & (other >= 0)), (total, compared & (total >= 0))):
            out["steady"] &= ~used | settled[np.maximum(places, 0)]
    half = out["o0"].isna() | out["n0"].isna()
    out.loc[half, ["o0", "n0", "r0", "m0"]] = np.nan
    out["per"] = _per(out, frame)
    return out


def _measure(frame: pd.DataFrame) -> pd.Series:
    catalogue = indicators.catalogue()
    return indicator_of(frame).map(lambda i: catalogue[i].measure if i in catalogue else "rate").astype(object)


def cells_of(linked: Sums, table: Table, column: str) -> np.ndarray:
    """Return the count of each row in a column (-1: none)."""
    places = linked.places
    here = places[(places["table"] == table.name) & (places["column"] == column)].set_index("row")["cell"]
    return here.reindex(range(len(table.frame))).fillna(-1).astype(int).to_numpy()


def _comparator_cells(linked: Sums, table: Table, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the comparator's count, and the whole's where the comparator is all others (-1: not in the tables)."""
    nothing = np.full(len(own), -1)
    dims = list(linked.dimensions)
    if "comparator" not in table.frame or not dims:
        return nothing, nothing
    name = labels(table.frame["comparator"])
    name = name.mask(name.isin(WHOLE), ALL).mask(name.isin(OTHERS), "")
    cells = linked.cells[linked.cells["kind"] == "count"]
    candidates = [d for d in dims if cells[d].isin(set(name) - {ALL, ""}).any()]
    exposure = "ethnic_group" if "ethnic_group" in dims else (candidates or dims)[0]
    look = cells[["series", *dims]].reset_index(names="found").drop_duplicates(["series", *dims])
    mine = linked.cells.reindex(np.where(own >= 0, own, 0))[["series", *dims]].reset_index(drop=True)
    mine["series"] = mine["series"].astype(object)
    base = mine.assign(series=mine["series"].str.partition("#")[0])
    result = []
    for label in (name.to_numpy(), np.where(name == "", ALL, None)):
        tries = [m.assign(**{exposure: label}).merge(look, on=["series", *dims], how="left") for m in (mine, base)]
        found = tries[0]["found"].fillna(tries[1]["found"]).fillna(-1).astype(int).to_numpy()
        result.append(np.where(own >= 0, found, -1))
    return result[0], result[1]


def _values(linked: Sums, released: np.ndarray, cell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    true = linked.cells["low"].to_numpy(float)
    return tuple(
        np.where(cell >= 0, x[np.maximum(cell, 0)], np.nan) if len(x) else cell * np.nan for x in (true, released)
    )


def _per(out: pd.DataFrame, frame: pd.DataFrame) -> np.ndarray:
    """Return the number at risk that differences are for: given, from the catalogue, or as the figures show."""
    catalogue = indicators.catalogue()
    known = indicator_of(frame).map(lambda i: float(catalogue[i].per) if i in catalogue else np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = out["estimate"] / (out["o"] / out["n"] - out["o0"] / out["n0"])
        ratio = gap.to_numpy(float)[:, None] / UNITS
    near = np.where(np.abs(ratio - 1) < 1e-6, UNITS, np.nan)
    shown = np.where(np.isnan(near).all(axis=1), np.nan, np.nanmax(np.nan_to_num(near, nan=-1.0), axis=1))
    given = frame["per"].astype(float) if "per" in frame else known
    return given.fillna(known).fillna(pd.Series(shown, frame.index)).to_numpy(float)
