"""The one check of what comes in: numbers that are numbers, columns that stand once, sums that are possible."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from pcref_analysis.vocabulary.errors import PcrefError

COUNTS = ("events", "at_risk", "events_sq", "at_risk_sq", "events_at_risk", "people", "rows", "count", "residents")
ESTIMATES = ("estimate", "lower", "upper", "std_error", "level")
NUMBERS = (*COUNTS, "total", "total_sq", "total_at_risk", "weight", *ESTIMATES)
FRAMES = ("cells", "estimates", "histogram", "units", "population", "residents", "reference", "counts", "england")
SLACK = 1 + 1e-6  # sums of fractions differ in their last digits
Function = TypeVar("Function", bound=Callable[..., Any])


def checked(function: Function) -> Function:
    """Return the function with every frame that it is given checked by :func:`plain` first."""
    names = [name for name in inspect.signature(function).parameters if name in FRAMES]
    signature = inspect.signature(function)

    @functools.wraps(function)
    def entered(*arguments: Any, **named: Any) -> Any:
        bound = signature.bind(*arguments, **named)
        for name in names:
            if isinstance(bound.arguments.get(name), pd.DataFrame):
                bound.arguments[name] = plain(bound.arguments[name], name)
        return function(*bound.args, **bound.kwargs)

    return entered  # type: ignore[return-value]


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
        If a column stands twice or has several levels, a number is text, true or false, a count is infinite, or sums
        over people are impossible; with the column, how many rows, and what to do. A negative count is left to the
        function: it refuses that group, or all.

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
