"""Tables as the text of a CSV file: to the last digit, and without a cell that a spreadsheet would run."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

FORMULA = re.compile(r"'*(\s*[=+@\-\uff1d\uff0b\uff0d\uff20]|[\t\r\n])")  # what a spreadsheet may run


def to_csv(table: pd.DataFrame) -> str:
    """Return a table as the text of a CSV file in which no cell of text is a formula to a spreadsheet.

    Text that begins with = + - @, a tab or a line break gets an apostrophe before it, which a spreadsheet takes as
    "this is text"; :func:`read_csv` takes it away again. Numbers stay as they are.

    Examples
    --------
    >>> print(to_csv(pd.DataFrame({"why": ["=1+1", "-"], "events": [-5, 10]})), end="")
    why,events
    '=1+1,-5
    '-,10
    """
    texts = table.select_dtypes(exclude="number").columns
    safe = table.assign(**{name: table[name].map(_as_text) for name in texts})
    return safe.rename(columns=_as_text).to_csv(index=False, lineterminator="\n")


def read_csv(source: Any, **options: Any) -> pd.DataFrame:
    """Read what :func:`to_csv` wrote (a path or an open file), to the last digit; ``options`` are those of pandas."""
    table = pd.read_csv(source, encoding="utf-8", float_precision="round_trip", **options)
    texts = table.select_dtypes(exclude="number").columns
    return table.assign(**{name: table[name].map(_as_given) for name in texts}).rename(columns=_as_given)


def _as_text(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else value


def _as_given(value: Any) -> Any:
    return value[1:] if isinstance(value, str) and value[:1] == "'" and FORMULA.match(value[1:]) else value
