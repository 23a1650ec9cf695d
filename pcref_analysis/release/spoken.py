"""Numbers as people say them: a count, a ratio, a chance."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd


def count(number: int, word: str) -> str:
    """A number of things: 1 gap, 2 gaps."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def times(ratio: float) -> str:
    """How one level stands to another: 2.9 times that (among), 27% lower than (among)."""
    if abs(ratio - 1) < 0.005:
        return "the same as"
    if ratio >= 1.5:
        return f"{ratio:.1f} times that"
    return f"{abs(ratio - 1):.0%} {'higher' if ratio > 1 else 'lower'} than"


def chance(probability: float) -> str:
    """A probability in words of one place; nothing is certain."""
    if probability > 0.99:
        return "at least 99%"
    return "at most 1%" if probability < 0.01 else f"{probability:.0%}"


def ratio(value: float) -> str:
    """As many figures of a ratio as it can bear: 3.3, 1.3, 0.73, 12; near 1 the side of it must show, so 1.03."""
    if value >= 9.95:
        return f"{value:.0f}"
    fine = value < 0.995 or (value < 2 and round(value, 2) != round(value, 1))
    return f"{value:.2f}" if fine else f"{value:.1f}"


def rounded(number: float) -> str:
    """Two figures are enough in a sentence, and no fraction of a person."""
    if number < 10:
        return f"{number:.0f}"
    digits = max(0, math.floor(math.log10(number)) - 1)
    return f"{round(number / 10**digits) * 10**digits:,}"


def has(value: Any) -> bool:
    """Whether there is a value to speak of."""
    return value is not None and not pd.isna(value)
