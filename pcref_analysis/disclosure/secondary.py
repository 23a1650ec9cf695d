"""Which counts to hide so that no small count can be worked out from what is left, with least information lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pandas as pd

from pcref_analysis.disclosure import disclosure_rule, primary
from pcref_analysis.disclosure.linked_tables import feasible_ranges
from pcref_analysis.disclosure.linked_tables.constraints import Sums
from pcref_analysis.disclosure.linked_tables.feasible_ranges import FAR
from pcref_analysis.disclosure.linked_tables.solver import Choice, choose, reachable
from pcref_analysis.vocabulary.parameters import Disclosure


def protect(
    sums: Sums, rule: Disclosure, small: np.ndarray, before: pd.DataFrame | None = None, complementary: bool = True
) -> np.ndarray:
    """Return which counts to hide: the small ones, and with least loss those that would give them away.

    Every small count (and every small number that follows by subtraction) keeps
    ``rule.values_left`` possible values for an outsider who knows the rule, all tables and their sums.

    Parameters
    ----------
    sums
        The counts (true: ``low`` equals ``high``) and their sums.
    small
        Which counts must be hidden (:func:`pcref_analysis.disclosure.primary.small_counts`).
    before
        ``repeated`` and ``number``: which counts repeat the last edition, and what it showed.
    complementary
        False leaves out the second step; for tests of the attack only.

    References
    ----------
    Fischetti M, Salazar JJ. Solving the cell suppression problem on tabular data with linear constraints.
    Management Science 2001;47:1008-1027 (cuts from the outsider's linear programs).
    """
    if not complementary or rule.threshold == 0:
        return small.copy()
    value, kind = sums.cells["low"].to_numpy(), sums.cells["kind"].to_numpy()
    public = sums.cells["public"].to_numpy(bool)
    repeated = np.zeros(len(value), bool) if before is None else before["repeated"].to_numpy(bool)
    numbers = disclosure_rule.round_counts(value, rule)
    numbers = numbers if before is None else np.where(repeated, before["number"], numbers)
    hold = None if before is None else before["hold"].to_numpy(float)
    shown, unseen = outside_view(value, numbers, kind, public, rule, repeated, before is not None, hold)
    integer = value == np.round(value)
    guarded = small | primary.guarded_rest(value, kind, rule)
    watched = primary.left_over(kind) & (value > 0)
    cost = 1.0 + 0.01 * np.log1p(np.abs(value))

    def choices(small: np.ndarray, low: np.ndarray) -> Iterator[Choice]:
        free = (kind == "count") & ~public & ~small & ~repeated & ((value > 0) | (not rule.show_zero))
        columns = (free, value, np.where(free, cost, 0.0), watched)
        for puzzle in feasible_ranges.puzzles(sums.matrix, low, unseen[1], integer):
            if (guarded | watched)[puzzle.cells].any() and puzzle.matrix.shape[0]:
                limits = shown, (low, unseen[1])
                views = (tuple(x[puzzle.cells] for x in pair) for pair in limits)
                yield Choice(puzzle, *views, *(x[puzzle.cells] for x in columns))

    low = unseen[0]
    if before is not None and rule.show_zero:
        fresh = (kind == "count") & ~public & ~repeated & ~before["hidden"].to_numpy(bool)
        small, low = _with_zeros(choices, sums.cells["series"].to_numpy(), (value, fresh, guarded), (small, low), rule)
    hidden = small.copy()
    for choice in choices(small, low):
        cells = choice.puzzle.cells
        hidden[cells] = choose(choice, small[cells], guarded[cells], rule)
    return hidden


def _with_zeros(
    choices: Callable[[np.ndarray, np.ndarray], Iterable[Choice]],
    series: np.ndarray,
    facts: tuple[np.ndarray, np.ndarray, np.ndarray],
    start: tuple[np.ndarray, np.ndarray],
    rule: Disclosure,
) -> tuple[np.ndarray, np.ndarray]:
    """Return what to hide, and the least that a hidden count can be, with the zeros of series that need it hidden too.

    Where zeros are shown, a mark says that there is somebody; what an earlier edition showed of a whole may leave no
    room for that. Then a series shows none of its zeros for the first time, so that its marks may each be none.
    """
    value, fresh, guarded = facts

    def open_with(names: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
        mine = fresh & np.isin(series, list(names))
        return start[0] | (mine & (value == 0)), np.where(mine, 0.0, start[1])

    def room(names: Iterable[str], among: np.ndarray) -> float:
        small, low = open_with(names)
        found = 0.0
        for choice in choices(small, low):
            cells = choice.puzzle.cells
            if among[cells].any():
                found += reachable(choice, small[cells], (guarded & among)[cells], rule)[guarded[cells]].sum()
        return found

    wanted: list[str] = []
    for choice in choices(*start):
        cells = choice.puzzle.cells
        need = reachable(choice, start[0][cells], guarded[cells], rule)
        if (need >= rule.values_left - 1).all():
            continue
        mine = np.isin(np.arange(len(value)), cells)
        names = list(pd.unique(series[mine & fresh & start[0]]))
        most = room(names, mine)
        if most <= room([], mine):
            continue
        for name in list(names):
            fewer = [other for other in names if other != name]
            names = fewer if room(fewer, mine) >= most else names
        wanted += names
    return open_with(wanted)


def outside_view(
    value: np.ndarray,
    numbers: np.ndarray,
    kind: np.ndarray,
    public: np.ndarray,
    rule: Disclosure,
    repeated: np.ndarray,
    later: bool,
    hold: np.ndarray | None = None,
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return what an outsider knows of counts if they are shown and if they are hidden: two pairs of limits.

    What a later edition repeats is taken to be as it was, where it is: an outsider cannot tell, and may guess it.
    """
    strict, low, high = (
        disclosure_rule.possible(numbers, rule),
        *disclosure_rule.possible(numbers, rule, repeated, later, hold),
    )
    fits = (strict[0] <= value) & (value <= strict[1])
    low, high = np.where(fits, strict[0], low), np.where(fits, strict[1], high)
    low, high = np.where(public, value, low), np.where(public, value, high)
    count = kind == "count"
    some = rule.show_zero & ((value >= 1) | (not later))
    least = np.where(count, some, kind == "rest").astype(float)
    most = np.full(len(value), FAR)
    return (np.where(count, low, least), np.where(count, np.minimum(high, FAR), most)), (least, most)
