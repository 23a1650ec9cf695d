"""Standard populations: fixed weights by age and sex, joined by name and never by position.

Shipped: ``england_2021`` (Census 2021, the weights that NHS England uses for the Mental Health Act
figures), ``esp2013`` (European, by age) and ``who`` (world, by age). :func:`catchment` makes the
standard of the Trust's own residents, the only one that can carry deprivation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from math import inf

import pandas as pd

from pcref_analysis.vocabulary.errors import PcrefError

UNKNOWN_VALUES = ("Not known", "Not stated", "Unknown")


@cache
def _shipped() -> pd.DataFrame:
    source = files("pcref_analysis.vocabulary") / "reference" / "standard_populations.csv"
    with source.open(encoding="utf-8") as text:
        return pd.read_csv(text, dtype={"weight": float}, keep_default_na=False)


def sources() -> pd.DataFrame:
    """Return the shipped standards: ``standard`` and ``source``, one row each."""
    return _shipped()[["standard", "source"]].drop_duplicates(ignore_index=True)


def load(
    name: str, bands: Iterable[str] | None = None, over: Sequence[str] = ("age_band", "sex"), rest: bool = False
) -> pd.DataFrame:
    """Return a shipped standard as the columns ``over`` plus ``weight``, in the age bands asked for.

    Parameters
    ----------
    name
        ``england_2021``, ``esp2013`` or ``who``.
    bands
        Age bands such as ``"0-15"`` or ``"65+"`` that the standard's own bands nest in; theirs are
        summed. Without, the standard's own bands.
    over
        ``age_band``, ``sex`` or both; weights are summed over what is not asked for.
    rest
        Keep the standard's own bands that no asked band touches (people outside the ages asked for).

    Raises
    ------
    PcrefError
        If the name is unknown, the standard lacks a column, or the bands do not nest: the message
        lists the bands on both sides.

    Examples
    --------
    >>> load("england_2021", bands=["0-15", "16-64", "65+"], over=["age_band"])["weight"].tolist()
    [10483166.0, 35605660.0, 10401204.0]
    """
    table = _shipped().query("standard == @name")
    if table.empty:
        raise PcrefError(f"standard: there is no '{name}'. Shipped are {', '.join(sources()['standard'])}.")
    have = [column for column in ("age_band", "sex") if (table[column] != "").all()]
    if lacking := [column for column in over if column not in have]:
        raise PcrefError(
            f"standard: '{name}' is given by {' and '.join(have)}, not by {', '.join(lacking)}. "
            "Leave that out of `over`, or use standards.catchment(...), which takes any columns."
        )
    if bands is not None and "age_band" in over:
        table = table.assign(age_band=table["age_band"].map(_nesting(name, list(table["age_band"]), list(bands), rest)))
        table = table.dropna(subset=["age_band"])
    if not over:
        return pd.DataFrame({"weight": [table["weight"].sum()]})
    return table.groupby(list(over), sort=False, as_index=False)["weight"].sum()


def catchment(population: pd.DataFrame, over: Sequence[str], count: str = "at_risk") -> pd.DataFrame:
    """Return the residents themselves as the standard: ``over`` plus ``weight``.

    Parameters
    ----------
    population
        Residents, or the cells of one indicator and period; all ethnic groups together.
    over
        Any columns, ``imd_quintile`` among them. Rows where one is unknown are left out.
    count
        The column that counts residents.

    Raises
    ------
    PcrefError
        If a column is missing, or several indicators or periods would be added up.
    """
    if lacking := [column for column in [*over, count] if column not in population]:
        raise PcrefError(f"standard: the population has no column {', '.join(lacking)}.")
    for column in {"indicator", "period"} & set(population):
        if len(population[column].unique()) > 1:
            raise PcrefError(f"standard: the population holds more than one {column}; choose one first.")
    known = population[~unknown(population, over)]
    table = known.groupby(list(over), observed=True, as_index=False)[count].sum(min_count=1)
    return table.rename(columns={count: "weight"}).query("weight > 0").reset_index(drop=True)


def unknown(frame: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """Return which rows have an unknown value (missing, not known, not stated) in any of the columns."""
    rows = pd.Series(False, index=frame.index)
    for column in columns:
        rows |= frame[column].isna() | frame[column].isin(UNKNOWN_VALUES)
    return rows


def _nesting(name: str, own: list[str], asked: list[str], rest: bool) -> dict[str, str | None]:
    """Return the asked band that each own band lies in."""
    spans = {band: span for band in [*own, *asked] if (span := _span(band)) is not None}
    nest: dict[str, str | None] = {}
    good = spans.keys() == {*own, *asked}
    for band in own if good else ():
        low, high = spans[band]
        touching = [a for a in dict.fromkeys(asked) if spans[a][0] <= high and low <= spans[a][1]]
        good &= len(touching) <= 1 and all(spans[a][0] <= low and high <= spans[a][1] for a in touching)
        nest[band] = touching[0] if touching else (band if rest else None)
    if not good:
        raise PcrefError(
            f"standard: the age bands of '{name}' do not nest in those of the cells.\n"
            f"  standard: {', '.join(dict.fromkeys(own))}\n"
            f"  cells:    {', '.join(sorted(set(map(str, asked)), key=lambda b: (_span(b) or (inf, inf), b)))}\n"
            "Choose age bands whose cuts are all cuts of the standard, or another standard."
        )
    return nest


def _span(band: str) -> tuple[float, float] | None:
    """Return the first and last year of age of ``"16-19"`` or ``"65+"``."""
    match = re.fullmatch(r"\s*(\d+)\s*(?:[-–]\s*(\d+)|(\+))\s*", str(band))
    return (int(match[1]), inf if match[3] else int(match[2])) if match else None
