"""Which counts to hide so that no small count can be worked out from what is left, with least information lost."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pcref_analysis.disclosure import disclosure_rule, primary
from pcref_analysis.disclosure.linked_tables import feasible_ranges
from pcref_analysis.disclosure.linked_tables.constraints import Sums
from pcref_analysis.disclosure.linked_tables.feasible_ranges import FAR
from pcref_analysis.disclosure.linked_tables.solver import Choice, choose
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
    hidden = small.copy()
    if not complementary or rule.threshold == 0:
        return hidden
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
    free = (kind == "count") & ~public & ~small & ~repeated & ((value > 0) | (not rule.show_zero))
    cost = np.where(free, 1.0 + 0.01 * np.log1p(np.abs(value)), 0.0)
    for puzzle in feasible_ranges.puzzles(sums.matrix, *unseen, integer):
        cells = puzzle.cells
        if not (guarded | watched)[cells].any() or not puzzle.matrix.shape[0]:
            continue
        choice = Choice(
            puzzle,
            tuple(x[cells] for x in shown),
            tuple(x[cells] for x in unseen),
            free[cells],
            value[cells],
            cost[cells],
            watched[cells],
        )
        hidden[cells] = choose(choice, small[cells], guarded[cells], rule)
    return hidden


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
