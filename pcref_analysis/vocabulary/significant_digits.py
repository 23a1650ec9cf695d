"""How many digits of a computed figure are kept, so that every machine keeps the same ones."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

DIGITS = 7  # significant; processors differ in the fifteenth, and what is hidden or ranked must not turn on that
TOLERANCE = 2 * 10.0 ** (1 - DIGITS)  # of the larger of two numbers: each may be cut by half a unit of its last digit


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


def same(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Say where two numbers are one, of which either may have been cut to :data:`DIGITS`; missing is never the same.

    Every comparison of a kept figure with a computed one is this one: at a fixed difference, residents that are no
    whole numbers (an estimate of a census) would differ from themselves.

    Examples
    --------
    >>> same([1234567.89, 3, 0.3], [1234568.0, 4, 0.1 + 0.2]).tolist()
    [True, False, True]
    """
    return np.isclose(one, other, rtol=TOLERANCE, atol=TOLERANCE)


def _kept(value: float) -> float:
    if pd.isna(value) or not math.isfinite(value) or float(value).is_integer():
        return value
    return float(f"{value:.{DIGITS}g}")
