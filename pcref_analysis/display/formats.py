"""Numbers as people say them: a count, a ratio, a chance."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

MINUS = "\u2212"  # the minus sign: a hyphen is read as a dash, or not at all
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
STEPS = {"crude": "before adjustment", "age_sex": "after age and sex", "age_sex_imd": "after age, sex and deprivation"}
SIMILAR = 1.1  # a ratio closer to 1 than this is "similar": the margin that the priority rule starts from
ISO_DAY = re.compile(r"\b(20[0-9]{2})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\b")


def count(number: int, word: str) -> str:
    """A number of things: 1 gap, 2 gaps."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def joined(words: Iterable[str]) -> str:
    """Words as a list in a sentence: "A", "A and B", "A, B and C"."""
    *some, last = [*words] or [""]
    return f"{', '.join(some)} and {last}" if some else last


def values(table: pd.DataFrame) -> str:
    """All values of a table as text, apart from each other, to compare the numbers of a document with."""
    return " | ".join(str(value) for value in table.to_numpy().ravel() if has(value))


def several(one: str, more: str, number: int, **values: Any) -> str:
    """The sentence for one thing or for more, its number put in as ``n``.

    Examples
    --------
    >>> several("{n} gap", "{n} gaps", 1), several("{n} gap", "{n} gaps", 2)
    ('1 gap', '2 gaps')
    """
    return (one if number == 1 else more).format(n=number, **values)


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


def side(lower: Any, upper: Any) -> str:
    """On which side of 1 a ratio lies, by its whole interval: "higher", "lower" or "cannot tell".

    Examples
    --------
    >>> side(1.2, 3), side(0.4, 0.9), side(0.9, 1.4), side(1.2, float("inf"))
    ('higher', 'lower', 'cannot tell', 'higher')
    """
    if has(lower) and lower > 1:
        return "higher"
    return "lower" if known(upper) and upper < 1 else "cannot tell"


def compared(lower: Any, upper: Any, polarity: str = "context") -> str:
    """How a level stands to another, by the whole interval of their ratio and by what is worse, in words.

    "similar" where all of the interval lies within a tenth of 1; "cannot tell" where it holds 1 and is wider.

    Examples
    --------
    >>> compared(1.2, 3, "higher_is_worse"), compared(1.2, 3, "lower_is_worse"), compared(0.4, 0.9)
    ('worse (higher)', 'better (higher)', 'lower')
    >>> compared(0.95, 1.04), compared(0.5, 2), compared(None, None)
    ('similar', 'cannot tell', 'cannot tell')
    """
    if known(lower) and known(upper) and lower >= 1 / SIMILAR and upper <= SIMILAR:
        return "similar"
    found = side(lower, upper)
    if polarity == "context" or found == "cannot tell":
        return found
    return f"{'worse' if (found == 'higher') == (polarity == 'higher_is_worse') else 'better'} ({found})"


def ratio_of(one: Sequence[Any], other: Sequence[Any]) -> tuple[float, float]:
    """Limits of the ratio of two levels that are known with their limits (estimate, lower, upper), independent.

    On the logarithm, each side from its own limits (Zou and Donner 2008); not a number where a limit is none. Where one
    area is part of the other the interval is somewhat too wide.

    Examples
    --------
    >>> [round(end, 2) for end in ratio_of((30, 24, 37.5), (10, 9.5, 10.5))]
    [2.39, 3.77]
    """
    if not all(known(value) and value > 0 for value in (*one, *other)):
        return float("nan"), float("nan")
    (mid, low, high), (mid_2, low_2, high_2) = ([math.log(value) for value in three] for three in (one, other))
    down, up = math.hypot(mid - low, high_2 - mid_2), math.hypot(high - mid, mid_2 - low_2)
    return math.exp(mid - mid_2 - down), math.exp(mid - mid_2 + up)


def rounded(number: float) -> str:
    """Two figures are enough in a sentence, and no fraction of a person."""
    if number < 10:
        return f"{number:.0f}"
    digits = max(0, math.floor(math.log10(number)) - 1)
    return f"{round(number / 10**digits) * 10**digits:,}"


def has(value: Any) -> bool:
    """Whether there is a value to speak of."""
    return value is not None and not pd.isna(value)


def known(value: Any) -> bool:
    """Whether a number is there and finite: only such a number is ever written on a page."""
    return has(value) and math.isfinite(float(value))


def figure(value: Any, decimals: int | None = None) -> str:
    """A figure as a page shows it: three digits, a thousand and more whole; nothing where there is no finite one.

    Examples
    --------
    >>> figure(13.6054), figure(1234.5), figure(float("inf")), figure(3.5, 2)
    ('13.6', '1,234', '', '3.50')
    """
    if not known(value):
        return ""
    value = float(value)
    if decimals is None:
        text = f"{value:,.{max(0, min(6, _places(value, 3)))}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:,.{decimals}f}"


def interval(estimate: Any, lower: Any, upper: Any, rounded_to: Any = None, decimals: int | None = None) -> str:
    """An estimate with its limits, all to the same number of decimals: "3.5 (2.5 to 4.0)".

    A limit that is not finite is said in words. ``rounded_to`` is the step of a figure that is rounded more coarsely
    than others to protect people: it is said, and no decimal is written that it has not. ``decimals``: as many as the
    others of a line have.

    Examples
    --------
    >>> interval(5, 3, 9), interval(1.61, 0.732, 3.02), interval(0.44, 0.01, 16)
    ('5.0 (3.0 to 9.0)', '1.61 (0.73 to 3.02)', '0.44 (0.01 to 16.00)')
    >>> interval(3.5, 2.5, 4, rounded_to=0.5), interval(5, 3, 9, rounded_to=1), interval(2.1, 0.3, float("inf"))
    ('3.5 (2.5 to 4.0), to the nearest 0.5', '5 (3 to 9), to the nearest 1', '2.1 (0.3 to no upper limit)')
    """
    if not known(estimate):
        return ""
    shown, low, high = three(estimate, lower, upper, decimals, rounded_to)
    text = f"{shown} ({low} to {high})" if has(lower) or has(upper) else shown
    return text + nearest(rounded_to)


def nearest(rounded_to: Any) -> str:
    """Say the step of a figure that is rounded more coarsely than others; nothing of others."""
    return f", to the nearest {figure(rounded_to)}" if known(rounded_to) else ""


def three(
    estimate: Any, lower: Any, upper: Any, decimals: int | None = None, rounded_to: Any = None
) -> tuple[str, str, str]:
    """An estimate and its limits as :func:`interval` writes them, for a sentence of its own."""
    places = decimals_of(estimate, lower, upper) if decimals is None else decimals
    if known(rounded_to):
        places = len(figure(rounded_to).partition(".")[2])
    named = {"": estimate, "no lower limit": lower, "no upper limit": upper}
    first, second, third = (figure(value, places) if known(value) else word for word, value in named.items())
    return first, second, third


def decimals_of(estimate: Any, lower: Any, upper: Any) -> int:
    """How many decimals an interval is written with: those that its numbers have, up to three digits of the estimate.

    More where fewer would move a limit to the other side of 1 or onto it, or make it none.

    Examples
    --------
    >>> decimals_of(3.5, 2.5, 4), decimals_of(1.6123, 0.732, 3.02), decimals_of(1.6, 1.0004, 3)
    (1, 2, 4)
    """
    numbers = [float(value) for value in (estimate, lower, upper) if known(value)]
    two = max(0, _places(numbers[0], 2)) if numbers else 0
    three_digits = max(0, _places(next((n for n in numbers if n), 0.0), 3))
    written = max([two, *(len(f"{n:.6f}".rstrip("0").partition(".")[2]) for n in numbers)])
    for places in range(min(written, three_digits), 6):
        if all(
            np.sign(round(n, places) - 1) == np.sign(n - 1) and (round(n, places) == 0) == (n == 0) for n in numbers
        ):
            return places
    return 6


def change(factor: Any, lower: Any, upper: Any, rounded_to: Any = None) -> str:
    """What a step of adjustment does to a ratio, in per cent: "+7% (−2 to +15)"; "" where it is not estimated.

    ``rounded_to`` is the step of one that is given more coarsely than others: 0.2 is "to the nearest 20%".

    Examples
    --------
    >>> change(1.07, 0.98, 1.15), change(0.8, 0.5, float("inf")), change(float("nan"), 1, 2)
    ('+7% (−2 to +15)', '−20% (−50 to no upper limit)', '')
    """
    if not known(factor):
        return ""
    ends = {"lower": lower, "upper": upper}
    low, high = (_per_cent(end) if known(end) else f"no {name} limit" for name, end in ends.items())
    text = f"{_per_cent(factor)}% ({low} to {high})" if has(lower) or has(upper) else f"{_per_cent(factor)}%"
    return f"{text}, to the nearest {rounded_to:.0%}" if known(rounded_to) else text


def distance(estimate: Any, lower: Any, upper: Any, target: float, way: str) -> str:
    """How far a level is from a target in words, by its interval.

    Examples
    --------
    >>> distance(320, 290, 350, 250, "at most"), distance(240, 200, 280, 250, "at most")
    ('70 above the target', 'reached by the estimate; chance alone could move it past the target')
    >>> distance(80, 78, 82, 75, "at least")
    'reached'
    """
    if not known(estimate):
        return "no figure to compare"
    sign = 1 if way == "at most" else -1
    if sign * (float(estimate) - target) <= 0:
        worst = upper if sign > 0 else lower
        sure = known(worst) and sign * (float(worst) - target) <= 0
        return "reached" if sure else "reached by the estimate; chance alone could move it past the target"
    best = lower if sign > 0 else upper
    gap = f"{figure(abs(float(estimate) - target))} {'above' if sign > 0 else 'below'} the target"
    return gap if known(best) and sign * (float(best) - target) > 0 else f"{gap}, though it may have been reached"


def dates(text: Any) -> str:
    """A text with every day as people write it.

    Examples
    --------
    >>> dates("agreed 2026-11-02")
    'agreed 2 November 2026'
    """
    return ISO_DAY.sub(lambda day: f"{int(day[3])} {MONTHS[int(day[2]) - 1]} {day[1]}", str(text))


def level_of(frame: pd.DataFrame) -> str:
    """The level of a table's intervals in words ("90%"), from its column ``level``; "" where it has none.

    Examples
    --------
    >>> level_of(pd.DataFrame({"level": [0.9, None]}))
    '90% '
    """
    found = list(frame["level"].dropna().unique()) if "level" in frame else []
    return f"{100 * float(found[0]):.4g}% " if len(found) == 1 else ""


def _per_cent(factor: Any) -> str:
    number = round(100 * (float(factor) - 1))
    return f"{number:+d}".replace("-", MINUS) if number else "0"


def _places(value: float, digits: int) -> int:
    """How many decimals a number needs for so many digits; as it is after rounding (9.99 is 10.0)."""
    return digits - 1 - math.floor(math.log10(abs(float(f"{value:.{digits}g}")))) if value else digits - 1
