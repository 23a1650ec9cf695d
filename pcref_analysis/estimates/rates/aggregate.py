"""Cells added up into a table of groups by strata, and results put back into frames with their notes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from pcref_analysis.estimates.entry import needs
from pcref_analysis.vocabulary import notes, standards
from pcref_analysis.vocabulary.errors import PcrefError

# groups it concerns, what to say (one text, or one for each), and what it does
Remark = tuple[np.ndarray, str | Callable[[int], str], Literal["refuse", "warn", "tell"]]
REFUSE: Literal["refuse"] = "refuse"  # the figure is not given; only the first reason is said
WARN: Literal["warn"] = "warn"  # said of figures that are given
TELL: Literal["tell"] = "tell"  # always said
REPEATS = ("events_sq", "events_at_risk", "at_risk_sq")


@dataclass(frozen=True)
class Tally:
    """Sums of cells: ``sums[column]`` has a row a group and a column a stratum."""

    groups: pd.DataFrame
    strata: pd.DataFrame
    sums: dict[str, np.ndarray]
    unknown: dict[str, np.ndarray]  # sums of rows of unknown stratum, a place a group
    negative: np.ndarray  # groups with a count below zero


def keys(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[np.ndarray, pd.DataFrame]:
    """Return for each row the number of its key, and the distinct keys in order (missing is a key, the last)."""
    if isinstance(columns, str):
        raise PcrefError(f"'{columns}' must be a list of columns: ['{columns}'].")
    needs(frame, columns, "cells")
    if not columns:
        return np.zeros(len(frame), np.intp), pd.DataFrame(index=pd.RangeIndex(1))
    codes, size = np.zeros(len(frame), np.intp), 1
    for column in columns:
        code, values = pd.factorize(frame[column], sort=True, use_na_sentinel=False)
        codes, size = codes * len(values) + code, size * len(values)
        if size > 4 * len(frame):  # keep the numbers small: renumber those that occur
            codes, seen = pd.factorize(codes, sort=True)
            size = len(seen)
    if len(columns) > 1:
        codes, seen = pd.factorize(codes, sort=True)
        size = len(seen)
    first = np.empty(size, np.intp)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    return codes, frame[list(columns)].iloc[first].reset_index(drop=True)


def tally(
    cells: pd.DataFrame,
    by: Sequence[str],
    columns: Sequence[str] = ("events", "at_risk"),
    strata: pd.DataFrame | None = None,
    repeat_events: bool | None = False,
) -> Tally:
    """Add cells up by group, and by the given strata (matched by name; unknown ones kept apart)."""
    columns = [*columns, *_repeat_columns(cells, repeat_events)]
    needs(cells, columns, "cells")
    group, groups = keys(cells, by)
    strata = pd.DataFrame(index=pd.RangeIndex(1)) if strata is None else strata
    stratum, seen = keys(cells, list(strata.columns))
    place = np.append(match(seen, strata), -1)[stratum] if len(strata.columns) else stratum
    shape = (len(groups), len(strata) + 1)
    index = group * shape[1] + np.where(place < 0, len(strata), place)
    sums, negative = {}, np.zeros(len(groups), bool)
    for column in columns:
        values = _numbers(cells, column)
        negative[group[values < 0]] |= column in ("events", "at_risk")
        sums[column] = np.bincount(index, weights=values, minlength=shape[0] * shape[1]).reshape(shape)
    known = {column: values[:, :-1] for column, values in sums.items()}
    return Tally(groups, strata, known, {column: values[:, -1] for column, values in sums.items()}, negative)


def _numbers(cells: pd.DataFrame, column: str) -> np.ndarray:
    try:
        return cells[column].to_numpy(float, na_value=np.nan)
    except (TypeError, ValueError):
        raise PcrefError(f"cells: column {column} must hold numbers; leave suppressed counts empty.") from None


def match(seen: pd.DataFrame, strata: pd.DataFrame) -> np.ndarray:
    """Return the place of each seen stratum among the strata, by name; -1 where it is unknown.

    Raises
    ------
    PcrefError
        If a known stratum is not among them; both sides are listed.
    """
    places = {key: place for place, key in enumerate(_named(strata))}
    unknown = standards.unknown(seen, list(strata.columns)).to_numpy()
    found = np.array([-1 if u else places.get(key, -2) for key, u in zip(_named(seen), unknown, strict=True)], np.intp)
    if (found == -2).any():
        odd = [label for label, place in zip(labels(seen), found, strict=True) if place == -2]
        raise PcrefError(
            f"strata ({', '.join(strata.columns)}): {len(odd)} of the cells' are not in the standard or reference.\n"
            f"  cells only:            {_listed(odd, 40)}\n"
            f"  standard or reference: {_listed(labels(strata), 40)}\n"
            "Use the same bands and names on both sides."
        )
    return found


def _named(frame: pd.DataFrame) -> Iterable[tuple[object, ...]]:
    return zip(*(frame[column].astype(object) for column in frame), strict=True)


def labels(strata: pd.DataFrame) -> list[str]:
    """Return a name a stratum: ``"65+ Male"``."""
    return [" ".join(map(str, key)) for key in _named(strata)]


def _listed(names: Sequence[str], most: int) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _repeat_columns(cells: pd.DataFrame, repeat_events: bool | None) -> list[str]:
    if repeat_events and "events_sq" not in cells:
        raise PcrefError(
            "cells: repeat_events needs the column events_sq (the sum over people of their events squared)."
        )
    wanted = repeat_events is not False and "events_sq" in cells
    return [column for column in REPEATS if wanted and column in cells]


def variance(t: Tally, shares: bool = False) -> np.ndarray:
    """Return the variance of the events of each group and stratum, never less than Poisson's.

    People, not events, are taken as independent: the sum over people of ``(events - rate * at_risk)**2``.
    Without ``events_at_risk`` and ``at_risk_sq`` it is the sum of ``events**2``, which is no smaller.
    With ``shares`` each of those at risk can count once, and the least variance is the binomial one.
    """
    events = t.sums["events"]
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = events / t.sums["at_risk"]
        least = events * np.clip(1 - rate, 0, 1) if shares else events
        if "events_sq" not in t.sums:
            return least
        spread = t.sums["events_sq"] * (least / events) if shares else t.sums["events_sq"]
        if "at_risk_sq" in t.sums and "events_at_risk" in t.sums:
            residual = t.sums["events_sq"] - 2 * rate * t.sums["events_at_risk"] + rate**2 * t.sums["at_risk_sq"]
            spread = np.where(np.isfinite(residual), residual, spread)
    return np.fmax(spread, least)


def faults(t: Tally, events: np.ndarray, at_risk: np.ndarray) -> list[Remark]:
    """Return the remarks that refuse any figure: missing or negative counts, no one at risk."""
    found: list[Remark] = [
        (np.isnan(events), notes.say("no_count"), REFUSE),
        (np.isnan(at_risk), notes.say("unknown_risk"), REFUSE),
        (t.negative, notes.say("below_zero"), REFUSE),
        (at_risk == 0, notes.say("no_denominator"), REFUSE),
    ]
    return found


def results(
    groups: pd.DataFrame,
    figures: tuple[np.ndarray, np.ndarray, np.ndarray],
    level: float | Sequence[float],
    events: np.ndarray,
    at_risk: np.ndarray,
    remarks: Sequence[Remark],
) -> pd.DataFrame:
    """Return ``by, estimate, lower, upper, level, events, at_risk, note``, a row a group and level."""
    levels = np.atleast_1d(np.asarray(level, float))
    note, refused = _notes(len(groups), remarks)
    estimate, lower, upper = (_grid(figure, len(levels)) for figure in figures)
    bad = refused[:, np.newaxis] | ~np.isfinite(estimate)
    note[bad.any(axis=1) & (note == "")] = notes.say("no_figure")
    frame = groups.loc[groups.index.repeat(len(levels))].reset_index(drop=True)
    for name, figure in (("estimate", estimate), ("lower", lower), ("upper", upper)):
        frame[name] = np.where(bad | ~np.isfinite(figure), np.nan, figure).ravel()
    frame["level"] = np.tile(levels, len(groups))
    for name, values in (("events", events), ("at_risk", at_risk), ("note", note)):
        frame[name] = np.repeat(values, len(levels))
    return frame.astype({"note": "str"})


def _grid(figure: np.ndarray, levels: int) -> np.ndarray:
    figure = figure if figure.ndim > 1 else figure[:, np.newaxis]
    return np.broadcast_to(figure, (len(figure), levels))


def _notes(size: int, remarks: Sequence[Remark]) -> tuple[np.ndarray, np.ndarray]:
    """Join remarks into a note a group, and return which groups are refused."""
    note, refused = np.full(size, "", dtype=object), np.zeros(size, bool)
    for rows, say, does in sorted(remarks, key=lambda remark: remark[2] != REFUSE):
        rows = rows if does == TELL else rows & ~refused
        for i in np.flatnonzero(rows):
            text = say if isinstance(say, str) else say(int(i))
            note[i] = f"{note[i]}; {text}" if note[i] else text
        if does == REFUSE:
            refused |= rows
    return note, refused


def said(number: float, noun: str) -> str:
    """Return a count with its noun: ``1 event``, ``2 events``."""
    return f"{number:.0f} {noun}" + ("" if number == 1 else "s")


def totals(t: Tally) -> tuple[np.ndarray, np.ndarray]:
    """Return events and people at risk of a tally without strata."""
    return t.sums["events"][:, 0], t.sums["at_risk"][:, 0]


def scaled(limits: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Multiply limits (a row a group, perhaps a column a level) by a number a group."""
    return limits * (scale if limits.ndim == 1 else scale[:, np.newaxis])
