"""The unknown ethnic group, all known groups and the comparator laid beside each group's counts, stratum by stratum."""

from __future__ import annotations

import pandas as pd

from pcref_analysis.estimates.rates.comparators import ALL_OTHERS, POPULATION
from pcref_analysis.estimates.rates.strata import resolve
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.ethnicity import UNKNOWN, categories

COUNTS = ["events", "at_risk"]


def strata(
    cells: pd.DataFrame,
    by: list[str],
    group: str,
    over: list[str],
    standard: str | pd.DataFrame | None,
    comparator: str,
) -> pd.DataFrame:
    """Return one row per table, known group and stratum, with the unknown, all known and the comparator beside it."""
    lost = [name for name in (*by, group, *over, *COUNTS) if name not in cells or cells[name].isna().all()]
    if lost:
        raise PcrefError(f"cells: column(s) {', '.join(lost)} are missing or hold nothing.")
    frame = cells.assign(_unknown=cells[group].isin({UNKNOWN, *_unknown_groups()}) | cells[group].isna())
    wrong = frame["events"].isna() | (frame["events"] < 0) | (frame["at_risk"] < 0)
    wrong |= frame["at_risk"].isna() & ~frame["_unknown"]
    if wrong.any():
        raise PcrefError(f"cells: events or at_risk is missing or negative in {int(wrong.sum())} row(s). Give counts.")
    if comparator not in (ALL_OTHERS, POPULATION, *frame.loc[~frame["_unknown"], group]):
        raise PcrefError(f"cells: the comparator '{comparator}' is not a known group of column '{group}'.")
    frame["_left"] = 0.0
    frame["weight"] = 1.0
    weights = _weights(frame[~frame["_unknown"]], standard, over)
    if over:
        frame = frame.drop(columns="weight").merge(weights, on=over, how="left")
        frame["_left"] = frame["events"].where(frame["weight"].isna(), 0.0)
    placed = frame[frame["weight"].notna()]
    keys = [*by, *over]
    known = placed[~placed["_unknown"]]
    table = known[[*by, group]].drop_duplicates().merge(weights, how="cross")
    table = table.merge(_sums(known, [*keys, group]), on=[*keys, group], how="left").fillna({"events": 0, "at_risk": 0})
    for name, part in (("known", known), ("unknown", placed[placed["_unknown"]])):
        sums = _sums(part, keys).rename(columns={c: f"{name}_{c}" for c in COUNTS})
        table = table.merge(sums, on=keys, how="left") if keys else table.merge(sums, how="cross")
    left = frame.groupby(by, dropna=False)["_left"].sum().reset_index() if by else frame[["_left"]].sum().to_frame().T
    table = table.merge(left, on=by, how="left") if by else table.merge(left, how="cross")
    table = table.fillna({f"unknown_{c}": 0.0 for c in COUNTS})
    return _beside(table, keys, group, comparator)


def _weights(known: pd.DataFrame, standard: str | pd.DataFrame | None, over: list[str]) -> pd.DataFrame:
    """Return the strata that anyone known is in, with weights that add to one; one stratum without ``over``."""
    if not over:
        return pd.DataFrame({"weight": [1.0]})
    if standard is None:
        raise PcrefError(f"bounds: strata {', '.join(over)} need a standard with these columns and 'weight'.")
    there = known.loc[known["at_risk"] > 0, over].drop_duplicates()
    weights = resolve(known, standard, over)[[*over, "weight"]].merge(there, on=over)
    return weights.assign(weight=weights["weight"] / weights["weight"].sum())


def _beside(table: pd.DataFrame, keys: list[str], group: str, comparator: str) -> pd.DataFrame:
    """Put the comparator's events and at_risk beside each row."""
    for count in COUNTS:
        if comparator == POPULATION:
            table[f"other_{count}"] = table[f"known_{count}"]
        elif comparator == ALL_OTHERS:
            table[f"other_{count}"] = table[f"known_{count}"] - table[count]
    if comparator in (POPULATION, ALL_OTHERS):
        return table
    other = table.loc[table[group] == comparator, [*keys, *COUNTS]].rename(columns={c: f"other_{c}" for c in COUNTS})
    return table.merge(other, on=keys, how="left") if keys else table.merge(other, how="cross")


def _sums(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    if not keys:
        return frame[COUNTS].sum().to_frame().T
    return frame.groupby(keys, dropna=False, sort=False)[COUNTS].sum().reset_index()


def summed(table: pd.DataFrame, by: list[str], group: str, columns: list[str], whole: list[str]) -> pd.DataFrame:
    """Sum over strata; a column of ``whole`` that is missing in any stratum is missing in the sum."""
    parts = table.groupby([*by, group], dropna=False, sort=False)
    out = parts[columns].sum()
    for name in whole:
        out[name] = out[name].where(~table[name].isna().groupby([table[k] for k in (*by, group)], dropna=False).any())
    return out.reset_index()


def _unknown_groups() -> list[str]:
    table = categories()
    return list(table.loc[table["broad_group"] == UNKNOWN, "ethnic_group"])
