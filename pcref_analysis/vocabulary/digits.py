"""How many digits of a computed figure are kept, so that every machine keeps the same ones."""

from __future__ import annotations

import math

import pandas as pd

DIGITS = 7  # significant; processors differ in the fifteenth, and what is hidden or ranked must not turn on that


def same_everywhere(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with computed figures at :data:`DIGITS` significant digits.

    Whole numbers (counts) stay as they are. Sums and matrix products come out a little differently on another
    processor; without this, two machines would publish files that differ in digits that nobody reads.

    Examples
    --------
    >>> same_everywhere(pd.DataFrame({"events": [12345678.0], "estimate": [0.1 + 0.2]}))
           events  estimate
    0  12345678.0       0.3
    """
    figures = {name: column for name, column in table.items() if pd.api.types.is_float_dtype(column)}
    return table.assign(**{name: column.map(_kept).astype(column.dtype) for name, column in figures.items()})


def _kept(value: float) -> float:
    if pd.isna(value) or not math.isfinite(value) or float(value).is_integer():
        return value
    return float(f"{value:.{DIGITS}g}")
