"""The counts behind each row's figures: its own and its comparator's, true and as released."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pcref_analysis.disclosure import disclosure_rule
from pcref_analysis.disclosure.linked_tables.back_calculation import COMPARED
from pcref_analysis.disclosure.linked_tables.constraints import Sums
from pcref_analysis.disclosure.linked_tables.schema import ALL, DIMENSION, Table, indicator_of, labels, per_of
from pcref_analysis.disclosure.rounded_figures import FIGURES, UNITS
from pcref_analysis.vocabulary import ethnicity, indicators
from pcref_analysis.vocabulary.parameters import Disclosure
from pcref_analysis.vocabulary.significant_digits import TOLERANCE

OTHERS = (ethnicity.ALL_OTHERS, "All other groups together")
ROLES = {"events": ("o", "r"), "at_risk": ("n", "m")}


def rows(table: Table, linked: Sums, released: np.ndarray, settled: np.ndarray, rule: Disclosure) -> pd.DataFrame:
    """Return what :func:`pcref_analysis.disclosure.rounded_figures.figures` needs, a row for each row of the table.

    ``released`` holds the released number of each count (missing: hidden); ``settled`` says which numbers are
    those of the last edition. ``lost``: a count that the figure rests on is hidden, or none in the last edition and
    so perhaps a few people now, whom a new figure would tell; ``steady``: the group's own are settled, so that a new
    figure would tell how they moved; ``few_others``: of those at risk fewer than the
    threshold may lack the event, and the count would tell them.
    """
    frame = table.frame
    out = figures_of(frame)
    out["base"] = float(rule.rounding)
    out["lost"], out["steady"] = False, bool(len(settled))
    compared = out["measure"].isin(COMPARED).to_numpy()
    for column, (true, shown) in ROLES.items():
        cell = cells_of(linked, table, column)
        other, total = _comparator_cells(linked, table, cell)
        out[true], out[shown] = _values(linked, released, cell)
        one, whole = _values(linked, released, other), _values(linked, released, total)
        out[f"{true}0"] = np.where(total >= 0, whole[0] - out[true].to_numpy(), one[0])
        out[f"{shown}0"] = np.where(total >= 0, whole[1] - out[shown].to_numpy(), one[1])
        out["lost"] |= (cell >= 0) & out[shown].isna().to_numpy()
        used = compared & ((other >= 0) | (total >= 0))
        out["lost"] |= used & out[f"{shown}0"].isna().to_numpy() & out[f"{true}0"].notna().to_numpy()
        again = settled[np.maximum(cell, 0)] & (cell >= 0)
        out["steady"] &= (cell < 0) | again
        if column == "events":
            stood = again
            out["lost"] |= stood & (out["r"] == 0).to_numpy()
    half = out["o0"].isna() | out["n0"].isna()
    out.loc[half, ["o0", "n0", "r0", "m0"]] = np.nan
    out["low"], out["high"] = _known(out["r"], rule, stood)
    out["low0"], out["high0"] = _known(out["r0"], rule)
    fine = rule.rounding < rule.values_left  # else the rounding of those at risk leaves enough values by itself
    out["few_others"] = fine & (out["m"] - rule.rounding / 2 - out["high"] < rule.threshold)
    out["external"] = compared & half.to_numpy() & ~_inside(frame)
    out["per"] = _per(out, frame)
    out["values"] = of_values(out["r"], out["m"])
    catalogue = indicators.catalogue()
    out["means"] = [i in catalogue and catalogue[i].measure == "mean" for i in indicator_of(frame)]
    before = frame["adjustment"].eq("crude").to_numpy(bool) if "adjustment" in frame else np.zeros(len(frame), bool)
    out["crude"] = before & compared & ~out["values"]
    return out


def of_values(events: pd.Series, at_risk: pd.Series) -> np.ndarray:
    """Return which figures are of values rather than of events: everyone at risk has one."""
    return (events == at_risk).to_numpy(bool)


def before_adjustment(frame: pd.DataFrame) -> np.ndarray:
    """Return which figures are crude: all of a table that names no adjustment."""
    if "adjustment" not in frame:
        return np.ones(len(frame), bool)
    return frame["adjustment"].astype("string").fillna("crude").isin(["crude", ""]).to_numpy(bool)


def figures_of(frame: pd.DataFrame) -> pd.DataFrame:
    """Return ``measure, level, estimate, lower, upper`` of a table, filled in where it lacks them."""
    out = pd.DataFrame(index=frame.index)
    for column in FIGURES:
        out[column] = frame[column].astype(float) if column in frame else np.nan
    out["level"] = frame["level"].astype(float) if "level" in frame else 0.95
    catalogue = indicators.catalogue()
    usual = indicator_of(frame).map(lambda i: catalogue[i].measure if i in catalogue else "rate").astype(object)
    out["measure"] = frame["measure"].astype(object) if "measure" in frame else usual
    return out


def cells_of(linked: Sums, table: Table, column: str) -> np.ndarray:
    """Return the count of each row in a column (-1: none)."""
    places = linked.places
    here = places[(places["table"] == table.name) & (places["column"] == column)].set_index("row")["cell"]
    return here.reindex(range(len(table.frame))).fillna(-1).astype(int).to_numpy()


def _known(shown: pd.Series, rule: Disclosure, repeated: Any = False) -> tuple[np.ndarray, np.ndarray]:
    low, high = disclosure_rule.possible(shown, rule, repeated)
    hidden = shown.isna().to_numpy()
    return np.where(hidden, np.nan, low), np.where(hidden, np.nan, high)


def _inside(frame: pd.DataFrame) -> np.ndarray:
    """Return whether a row's comparator is one of the Trust's own groups."""
    if "comparator" not in frame:
        return np.ones(len(frame), bool)
    own = {ethnicity.WHOLE_POPULATION, *OTHERS, ALL, *ethnicity.BROAD_GROUPS, *ethnicity.categories()["ethnic_group"]}
    for column in frame.columns.intersection(["sex", "age_band", "imd_quintile"]):
        own |= set(labels(frame[column]))
    return labels(frame["comparator"]).isin(own).to_numpy()


def _comparator_cells(linked: Sums, table: Table, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the comparator's count, and the whole's where the comparator is all others (-1: not in the tables)."""
    nothing = np.full(len(own), -1)
    dims = list(linked.dimensions)
    if "comparator" not in table.frame or not dims or not len(linked.cells) or not len(own):
        return nothing, nothing
    name = labels(table.frame["comparator"])
    name = name.mask(name.isin([ethnicity.WHOLE_POPULATION]), ALL).mask(name.isin(OTHERS), "")
    cells = linked.cells[linked.cells["kind"] == "count"]
    found_in = [d for d in dims if cells[d].isin(set(name) - {ALL, ""}).any()]
    exposure = f"{DIMENSION}ethnic_group" if f"{DIMENSION}ethnic_group" in dims else (found_in or dims)[0]
    key = ["series", *dims]
    look = cells[key].reset_index(names="found").drop_duplicates(key)
    mine = linked.cells[key].iloc[np.maximum(own, 0)].reset_index(drop=True).astype(object)
    base = mine.assign(series=mine["series"].str.partition("#")[0])
    result = []
    for label in (name.to_numpy(), np.array([ALL if one == "" else None for one in name], object)):
        tries = [m.assign(**{exposure: label}).merge(look, on=key, how="left")["found"] for m in (mine, base)]
        found = tries[0].fillna(tries[1]).fillna(-1).astype(int).to_numpy()
        result.append(np.where(own >= 0, found, -1))
    return result[0], result[1]


def _values(linked: Sums, released: np.ndarray, cell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if not len(released):
        return cell * np.nan, cell * np.nan
    at = np.maximum(cell, 0)
    true = linked.cells["low"].to_numpy(float)
    return np.where(cell >= 0, true[at], np.nan), np.where(cell >= 0, released[at], np.nan)


def _per(out: pd.DataFrame, frame: pd.DataFrame) -> np.ndarray:
    """Return the number at risk that differences are for: given, from the catalogue, or as the figures show."""
    per = per_of(frame)
    if "per" in frame:
        per = frame["per"].astype(float).fillna(per)
    with np.errstate(divide="ignore", invalid="ignore"):
        mine, theirs, value = (
            x.to_numpy(float)[:, None] for x in (out["o"] / out["n"], out["o0"] / out["n0"], out["estimate"])
        )
        near = (mine != theirs) & (np.abs(value / UNITS - mine + theirs) < TOLERANCE * np.fmax(mine, theirs))
    shown = np.where(near.any(axis=1), UNITS[near.argmax(axis=1)], np.nan)
    return np.where(near.any(axis=1), shown, per.to_numpy(float))
