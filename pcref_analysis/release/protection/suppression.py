"""Which counts to hide so that no small count can be worked out from what is left, with least information lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from pcref_analysis.release import rules
from pcref_analysis.release.protection import bounds, primary
from pcref_analysis.release.protection.bounds import FAR, Puzzle
from pcref_analysis.release.protection.sums import Sums
from pcref_analysis.vocabulary.parameters import Disclosure

ROUNDS, SECONDS = 40, 5.0  # cutting rounds before counts are hidden greedily; time of one choice


@dataclass
class Choice:
    """A puzzle as the defender sees it: what an outsider knows of each count if it is shown, and if it is hidden."""

    puzzle: Puzzle
    shown: tuple[np.ndarray, np.ndarray]
    unseen: tuple[np.ndarray, np.ndarray]
    free: np.ndarray  # counts that may be hidden
    value: np.ndarray
    cost: np.ndarray

    def set(self, hidden: np.ndarray) -> Puzzle:
        self.puzzle.low = np.where(hidden, self.unseen[0], self.shown[0])
        self.puzzle.high = np.where(hidden, self.unseen[1], self.shown[1])
        return self.puzzle


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
        Which counts must be hidden (:func:`pcref_analysis.release.protection.primary.small_counts`).
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
    numbers = rules.round_counts(value, rule)
    numbers = numbers if before is None else np.where(repeated, before["number"], numbers)
    shown, unseen = outside_view(value, numbers, kind, public, rule, repeated, before is not None)
    integer = value == np.round(value)
    guarded = small | primary.guarded_rest(value, kind, rule)
    free = (kind == "count") & ~public & ~small & ~repeated & ((value > 0) | (not rule.show_zero))
    cost = np.where(free, 1.0 + 0.01 * np.log1p(np.abs(value)), 0.0)
    for puzzle in bounds.puzzles(sums.matrix, *unseen, integer):
        cells = puzzle.cells
        if not guarded[cells].any() or not puzzle.matrix.shape[0]:
            continue
        choice = Choice(
            puzzle,
            tuple(x[cells] for x in shown),
            tuple(np.minimum(x[cells], FAR) for x in unseen),
            free[cells],
            value[cells],
            cost[cells],
        )
        hidden[cells] = _choose(choice, small[cells], guarded[cells], kind[cells], rule)
    return hidden


def outside_view(
    value: np.ndarray,
    numbers: np.ndarray,
    kind: np.ndarray,
    public: np.ndarray,
    rule: Disclosure,
    repeated: np.ndarray,
    later: bool,
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return what an outsider knows of counts if they are shown and if they are hidden: two pairs of limits."""
    low, high = rules.possible(numbers, rule, repeated, later)
    low, high = np.where(public, value, low), np.where(public, value, high)
    count = kind == "count"
    least = np.where(count, float(rule.show_zero and not later), np.where(kind == "rest", 1.0, 0.0))
    most = np.full(len(value), np.inf)
    return (np.where(count, low, least), np.where(count, high, most)), (least, most)


def _choose(choice: Choice, small: np.ndarray, guarded: np.ndarray, kind: np.ndarray, rule: Disclosure) -> np.ndarray:
    hidden, cuts = small.copy(), []
    need = np.full(len(small), rule.values_left - 1.0)
    for turn in range(ROUNDS * 5):
        exposed = _exposed(choice, hidden, guarded, need)
        if not len(exposed):
            more = np.flatnonzero(hidden & ~guarded)
            late = _exposed(choice, hidden, hidden & ~guarded, need, rule.threshold) if len(more) else more
            if not len(late):
                return hidden
            guarded = guarded.copy()
            guarded[late] = True
            continue
        fresh = [cut for cut in (_cut(choice, hidden | small, k, need[k], small) for k in exposed) if cut is not None]
        if not fresh:  # whole numbers say more than the cuts can: hide one more, whichever
            rest = np.where(choice.free & ~hidden, 1.0, 0.0)
            if not rest.any():
                return hidden  # all is hidden: what is left is known from elsewhere
            fresh = [(rest, 1.0)]
        cuts += fresh
        hidden = _least(choice, cuts, small) if turn < ROUNDS else _greedy(choice, fresh, hidden)
    return hidden


def _exposed(choice: Choice, hidden: np.ndarray, guarded: np.ndarray, need: np.ndarray, below: float = np.inf):
    puzzle = choice.set(hidden)
    wanted = np.flatnonzero(guarded)
    low, high = bounds.ranges(puzzle, wanted, need[wanted], choice.value)
    return wanted[~(high - low >= need[wanted]) & (low < below)]


def _cut(choice: Choice, hidden: np.ndarray, cell: int, need: float, small: np.ndarray):
    """Return ``(gain, wanted)``: hidden counts must gain at least so much room for this one (weak duality)."""
    puzzle = choice.set(hidden)
    above, below = np.zeros(len(hidden)), np.zeros(len(hidden))
    for side in (1.0, -1.0):
        direction = np.zeros(len(hidden))
        direction[cell] = side
        x, answer = puzzle.extreme(direction)
        if x is None:
            return None
        above -= answer.upper.marginals
        below += answer.lower.marginals
    above, below = np.where(above > 1e-9, above, 0.0), np.where(below > 1e-9, below, 0.0)
    fixed = ~choice.free
    low = np.where(fixed & hidden, choice.unseen[0], choice.shown[0])
    high = np.where(fixed & hidden, choice.unseen[1], choice.shown[1])
    with np.errstate(invalid="ignore"):
        wanted = need - (above @ high - below @ low)
        gain = above * (choice.unseen[1] - choice.shown[1]) + below * (choice.shown[0] - choice.unseen[0])
    gain = np.where(choice.free, np.clip(gain, 0.0, max(wanted, 0.0)), 0.0)
    return (gain, wanted) if wanted > 1e-7 and gain.any() else None


def _least(choice: Choice, cuts: list[tuple[np.ndarray, float]], small: np.ndarray) -> np.ndarray:
    """Return the cheapest counts to hide that meet all cuts so far."""
    places = np.flatnonzero(choice.free)
    gains = np.array([gain[places] / wanted for gain, wanted in cuts])
    answer = milp(
        choice.cost[places],
        constraints=LinearConstraint(sparse.csr_array(gains), lb=1.0),
        integrality=np.ones(len(places)),
        bounds=Bounds(0, 1),
        options={"time_limit": SECONDS},
    )
    hidden = small.copy()
    if answer.x is not None:
        hidden[places[answer.x > 0.5]] = True
    else:
        hidden[places] = True
    return hidden


def _greedy(choice: Choice, cuts: list[tuple[np.ndarray, float]], hidden: np.ndarray) -> np.ndarray:
    hidden = hidden.copy()
    for gain, _ in cuts:
        worth = np.where(hidden, 0.0, gain) / np.maximum(choice.cost, 1e-9)
        hidden[worth.argmax()] |= worth.max() > 0
    return hidden
