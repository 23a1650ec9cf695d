"""The one check of what comes in: numbers that are numbers, columns that stand once, sums that are possible."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from pcref_analysis.vocabulary import notes
from pcref_analysis.vocabulary.errors import PcrefError

BETWEEN = ("events_low", "events_high", "at_risk_low", "at_risk_high")  # a count that is known to an interval
COUNTS = (
    *("events", "at_risk", "events_sq", "at_risk_sq", "events_at_risk", "people", "rows", "count", "residents"),
    *BETWEEN,
)
ESTIMATES = ("estimate", "lower", "upper", "std_error", "level")
NUMBERS = (*COUNTS, "total", "total_sq", "total_at_risk", "weight", *ESTIMATES)
FRAMES = ("cells", "estimates", "histogram", "units", "population", "residents", "reference", "counts", "england")
MOST = 1e16  # above it whole numbers are no longer exact, and nothing that is counted comes near
SQUARES = ("events_sq", "at_risk_sq", "events_at_risk", "total_sq", "total_at_risk")
SLACK = 1 + 1e-6  # sums of fractions differ in their last digits
FIGURES = ("estimate", "lower", "upper")
MORE = ("change", "change_lower", "change_upper", "ratio", "ratio_lower", "ratio_upper")
Function = TypeVar("Function", bound=Callable[..., Any])


def checked(function: Function) -> Function:
    """Return the function with frames checked by :func:`plain` before it, and by :func:`finite` after it."""
    signature = inspect.signature(function)
    names = [n for n, p in signature.parameters.items() if n in FRAMES and "DataFrame" in str(p.annotation)]

    @functools.wraps(function)
    def entered(*arguments: Any, **named: Any) -> Any:
        bound = signature.bind(*arguments, **named)
        for name in names:
            given = bound.arguments.get(name)
            if isinstance(given, pd.DataFrame):
                bound.arguments[name] = plain(given, name)
            elif given is not None or signature.parameters[name].default is not None:
                raise PcrefError(f"{name}: this is of type {type(given).__name__}; give a pandas DataFrame.")
        _sane(bound.arguments)
        found = function(*bound.args, **bound.kwargs)
        return finite(found) if isinstance(found, pd.DataFrame) and {*FIGURES, "note"} <= set(found) else found

    return entered  # type: ignore[return-value]


def _sane(given: Mapping[str, Any]) -> None:
    """Refuse numbers that are text, and a rate per nobody."""
    per, level = given.get("per", 1), given.get("level", 0.95)
    if isinstance(per, str) or (np.ndim(per) == 0 and not per > 0):
        raise PcrefError("per: must be a number above 0, such as 100_000.")
    if isinstance(level, str):
        raise PcrefError("level: must be a number between 0 and 1, such as 0.95.")


def finite(table: pd.DataFrame) -> pd.DataFrame:
    """Return the estimates with what is not finite as missing, and a note on every figure or limit that is missing.

    Examples
    --------
    >>> finite(pd.DataFrame({"estimate": [2.0], "lower": [1.5], "upper": [np.inf], "note": [""]})).loc[0, "note"]
    'a limit cannot be worked out from these figures'
    """
    given = table[[*FIGURES, *(name for name in MORE if name in table)]].astype(float)
    known = given.where(np.isfinite(given))
    silent = table["note"].fillna("").astype(str).eq("")
    nothing = silent & known["estimate"].isna()
    endless = silent & ~nothing & known[["lower", "upper"]].isna().any(axis=1)
    if not (silent & (nothing | endless)).any() and known.notna().equals(given.notna()):
        return table
    note = table["note"].mask(nothing, notes.say("no_figure")).mask(endless, notes.say("no_limit"))
    return table.assign(**{name: known[name] for name in known}, note=note)


def plain(frame: pd.DataFrame, name: str = "cells") -> pd.DataFrame:
    """Return the frame with known columns of numbers as floats (missing: NaN), other columns as they are.

    Parameters
    ----------
    frame
        Cells, estimates, residents, ...; Int64, Decimal, pyarrow and whole numbers are read, the frame is not changed.
    name
        What the frame is called in messages.

    Raises
    ------
    PcrefError
        If a column stands twice or has several levels, a number is text, true or false, a count is infinite or above
        ``MOST``, a level is not between 0 and 1, or sums over people are impossible; with the column, how many rows,
        and what to do. A negative count is left to the function: it refuses that group, or all.

    Examples
    --------
    >>> plain(pd.DataFrame({"events": pd.array([3, None], "Int64")}))["events"].tolist()
    [3.0, nan]
    """
    if isinstance(frame.columns, pd.MultiIndex):
        raise PcrefError(f"{name}: the columns have {frame.columns.nlevels} levels. Give each column one name.")
    if twice := sorted({str(column) for column in frame.columns[frame.columns.duplicated()]}):
        raise PcrefError(f"{name}: column(s) {', '.join(twice)} stand twice. Keep one of each.")
    found = {column: _floats(frame[column], name) for column in NUMBERS if column in frame}
    out = frame if frame.index.is_unique else frame.reset_index(drop=True)
    out = out.assign(**{c: v.to_numpy() for c, v in found.items()})
    _possible(out, name)
    return out


def needs(frame: pd.DataFrame, columns: Iterable[str], name: str) -> None:
    """Raise a PcrefError that names the columns which a frame lacks."""
    if lacking := [column for column in columns if column not in frame]:
        there = ", ".join(map(str, frame.columns)) or "none"
        raise PcrefError(f"{name}: no column {', '.join(lacking)}; there are {there}.")


def _floats(column: pd.Series, name: str) -> pd.Series:
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "if":  # most columns of most calls
        return _finite(column.astype(float), name)
    known = column.astype(object)[column.notna()]
    words = known.map(lambda value: isinstance(value, (bool, np.bool_)) or not hasattr(value, "as_integer_ratio"))
    words &= ~known.map(lambda value: isinstance(value, np.number))
    if odd := int(words.sum()):
        raise PcrefError(
            f"{name}: column {column.name} must hold numbers; {odd} row(s) hold something else. Leave "
            "suppressed counts empty, read numbers that are text as numbers."
        )
    values = pd.Series(np.nan, index=column.index)
    try:
        values = values.where(
            column.isna().to_numpy(), column.astype(object).where(column.notna(), np.nan).astype(float)
        )
    except (TypeError, ValueError, OverflowError):
        raise PcrefError(f"{name}: column {column.name} must hold numbers. Leave suppressed counts empty.") from None
    return _finite(values.rename(column.name), name)


def _finite(column: pd.Series, name: str) -> pd.Series:
    if column.name not in ESTIMATES and (odd := int(np.isinf(column).sum())):
        raise PcrefError(f"{name}: column {column.name} is infinite in {odd} row(s). Leave empty what is not known.")
    most = 1.0 if column.name == "level" else MOST**2 if column.name in SQUARES else MOST
    wrong = (column.abs() > most) & np.isfinite(column)
    if column.name == "level":
        wrong = column.notna() & ~column.between(0, 1, inclusive="neither")
    if odd := int(wrong.sum()):
        raise PcrefError(
            f"{name}: column {column.name} is outside what it can be in {odd} row(s) (a level lies between 0 and 1, a "
            f"number below {most:g}). Check how it was made."
        )
    return column


def _possible(frame: pd.DataFrame, name: str) -> None:
    """Raise where sums over people contradict each other; each person has whole events, and squares are squares."""

    def has(*columns: str) -> bool:
        return set(columns) <= set(frame)

    rules = []
    if has("events", "events_sq"):
        rules.append(("events_sq is below events", frame["events_sq"] * SLACK < frame["events"]))
    if has("events_sq", "at_risk_sq", "events_at_risk"):
        apart = frame["events_at_risk"] ** 2 > frame["events_sq"] * frame["at_risk_sq"] * SLACK
        if has("events", "at_risk"):  # residents come from the census: a cell can have fewer of them than were met
            apart &= frame["events_at_risk"].ne(frame["events"]) | frame["at_risk_sq"].ne(frame["at_risk"])
        rules.append(("events_at_risk is above what events_sq and at_risk_sq allow", apart))
    if has("total_sq", "at_risk_sq", "total_at_risk"):
        apart = frame["total_at_risk"] ** 2 > frame["total_sq"] * frame["at_risk_sq"] * SLACK
        rules.append(("total_at_risk is above what total_sq and at_risk_sq allow", apart))
    elif has("total", "total_sq", "at_risk"):
        apart = (frame["at_risk"] > 0) & (frame["total"] ** 2 > frame["total_sq"] * frame["at_risk"] * SLACK)
        rules.append(("total_sq is below total squared over at_risk", apart))
    for what, wrong in rules:
        if odd := int(wrong.sum()):
            raise PcrefError(
                f"{name}: {what} in {odd} row(s), which no people can add up to. Check how they were counted."
            )
