"""The choice of counts to hide in one puzzle: least lost, and an outsider left uncertain enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from pcref_analysis.disclosure.linked_tables import feasible_ranges
from pcref_analysis.disclosure.linked_tables.feasible_ranges import Puzzle
from pcref_analysis.vocabulary.parameters import Disclosure

SMALL_PUZZLE, ROUNDS, FEWER_ROUNDS = 250, 30, 6  # counts; rounds of cuts in small and in large puzzles
TIDY = 40  # so many counts hidden for others' sake are tried open again
PROGRAMS = 5_000  # linear programs of one puzzle after which no more is tried: a count, so every machine hides alike
AT_ONCE = 16  # exposed counts for which others are hidden before all are looked at again, once no more is tried
NODES = 2_000  # of one choice's search tree: a count, not a time, so that every machine chooses alike
MANY_CUTS, BEST = 120, 2  # beyond, the best choice takes a second each: in the last so many rounds only


@dataclass
class Choice:
    """A puzzle as the defender sees it: what an outsider knows of each count if it is shown, and if it is hidden."""

    puzzle: Puzzle
    shown: tuple[np.ndarray, np.ndarray]
    unseen: tuple[np.ndarray, np.ndarray]
    free: np.ndarray  # counts that may be hidden for others' sake
    value: np.ndarray
    cost: np.ndarray
    left_over: np.ndarray  # what follows by subtraction and is somebody: not to be pinned below the threshold either

    def with_hidden(self, hidden: np.ndarray) -> Puzzle:
        """Return the outsider's puzzle when these are hidden."""
        self.puzzle.low = np.where(hidden, self.unseen[0], self.shown[0])
        self.puzzle.high = np.where(hidden, self.unseen[1], self.shown[1])
        return self.puzzle

    def exposed(self, hidden: np.ndarray, guarded: np.ndarray, need: np.ndarray, below: float = np.inf) -> np.ndarray:
        """Return which guarded counts an outsider can bound more closely than ``need`` (and below a number)."""
        wanted = np.flatnonzero(guarded)
        low, high = feasible_ranges.ranges(self.with_hidden(hidden), wanted, need[wanted], self.value)
        return wanted[~(high - low >= need[wanted]) & (low < below)]

    def also_exposed(self, hidden: np.ndarray, guarded: np.ndarray, need: np.ndarray, threshold: int) -> np.ndarray:
        """Return which other hidden or left-over counts seem to be small, to an outsider who bounds them closely."""
        return self.exposed(hidden, (hidden | self.left_over) & ~guarded, need, threshold)


def choose(choice: Choice, small: np.ndarray, guarded: np.ndarray, rule: Disclosure) -> np.ndarray:
    """Return the counts to hide: the small ones and the cheapest others that leave every guarded one uncertain.

    Cuts from the outsider's linear programs first, which find the least loss where they come to an end; where
    they do not, counts are added for each exposed one in turn and then tried open again. After ``PROGRAMS`` linear
    programs they are added for many exposed ones at once and stay hidden: that hides more, never less.
    """
    need = reachable(choice, small, guarded | small | choice.free | choice.left_over, rule)
    hidden, cuts, near = small.copy(), [], False
    rounds = ROUNDS if len(small) <= SMALL_PUZZLE else FEWER_ROUNDS
    for turn in range(rounds):
        exposed = choice.exposed(hidden, guarded, need)
        if not len(exposed):
            break
        programs = feasible_ranges.Extremes(choice.with_hidden(hidden))
        fresh = [_cut(choice, programs, hidden, cell, need[cell]) for cell in exposed]
        fresh = [cut for cut in fresh if cut is not None]
        if not fresh:
            break
        cuts += fresh
        near = len(cuts) > MANY_CUTS and turn < rounds - BEST
        hidden = _least(choice, cuts, small, near)
    started, guarded, need = hidden.copy(), guarded.copy(), need.copy()
    while True:
        exposed = choice.exposed(hidden, guarded, need)
        if not len(exposed):
            exposed = choice.also_exposed(hidden, guarded, need, rule.threshold)
            if not len(exposed):
                break
            guarded[exposed] = True
        for cell in exposed[: AT_ONCE if choice.puzzle.asked > PROGRAMS else 1]:
            more = _add(choice, hidden, cell, need[cell])
            if not more.any():
                need[cell] = 0.0  # nothing that is left to hide helps it: the attack will say so
            hidden = hidden | more
    if (hidden == started).all() and not near:
        return hidden

    def safe(trial: np.ndarray) -> bool:
        if len(choice.exposed(trial, guarded, need)):
            return False
        return not len(choice.also_exposed(trial, guarded, need, rule.threshold))

    return _tidy(choice, hidden, small, safe)


def reachable(choice: Choice, small: np.ndarray, counts: np.ndarray, rule: Disclosure) -> np.ndarray:
    """Return how uncertain each count is to be left: as the rule says, or as it is when all are hidden."""
    need = np.full(len(small), rule.values_left - 1.0)
    wanted = np.flatnonzero(counts)
    low, high = feasible_ranges.ranges(choice.with_hidden(small | choice.free), wanted, need[wanted], choice.value)
    need[wanted] = np.minimum(need[wanted], np.nan_to_num(high - low))
    return need


def _cut(
    choice: Choice, programs: feasible_ranges.Extremes, hidden: np.ndarray, cell: int, need: float
) -> tuple[np.ndarray, float] | None:
    """Return ``(gain, wanted)``: hidden counts must gain at least so much room for this one (weak duality)."""
    above, below = np.zeros(len(hidden)), np.zeros(len(hidden))
    for side in (1.0, -1.0):
        x, _ = programs.find(np.array([cell]), np.array([side]))
        if x is None:
            return None
        above -= np.minimum(programs.reduced_costs(), 0.0)
        below += np.maximum(programs.reduced_costs(), 0.0)
    above, below = np.where(above > 1e-9, above, 0.0), np.where(below > 1e-9, below, 0.0)
    always = hidden & ~choice.free
    low = np.where(always, choice.unseen[0], choice.shown[0])
    high = np.where(always, choice.unseen[1], choice.shown[1])
    wanted = need - (above @ high - below @ low)
    gain = above * (choice.unseen[1] - choice.shown[1]) + below * (choice.shown[0] - choice.unseen[0])
    gain = np.where(choice.free, np.clip(gain, 0.0, max(wanted, 0.0)), 0.0)
    return (gain, wanted) if wanted > 1e-7 and (gain * ~hidden).any() else None


def _least(choice: Choice, cuts: list[tuple[np.ndarray, float]], small: np.ndarray, near: bool) -> np.ndarray:
    """Return the cheapest counts to hide that meet all cuts so far, or (``near``) within a few per cent of them."""
    places = np.flatnonzero(choice.free)
    gains = np.array([gain[places] / wanted for gain, wanted in cuts])
    answer = milp(
        choice.cost[places],
        constraints=LinearConstraint(sparse.csr_array(gains), lb=1.0),
        integrality=np.full(len(places), not near),
        bounds=Bounds(0, 1),
        options={"node_limit": NODES, "mip_rel_gap": 0.005},
    )
    hidden, share = small.copy(), np.ones(len(places)) if answer.x is None else answer.x
    taken = share > (feasible_ranges.WHOLE if near else 0.5)
    for place in np.argsort(share, kind="stable") if near else ():  # those of which least is needed go again first
        if taken[place] and (gains[:, taken].sum(axis=1) - gains[:, place] >= 1 - feasible_ranges.WHOLE).all():
            taken[place] = False
    hidden[places] |= taken
    return hidden


def _add(choice: Choice, hidden: np.ndarray, cell: int, need: float) -> np.ndarray:
    """Return what else to hide so that this count can be ``need`` apart in two tables that look alike.

    One linear program holds both tables; leaving what is shown costs by how far, as in the incremental
    heuristics for cell suppression. Failing that, the cheapest count that shares a sum with it.
    """
    puzzle, size = choice.with_hidden(hidden), len(hidden)
    open_ones = choice.free & ~hidden
    matrix, none = puzzle.matrix, sparse.csr_array(puzzle.matrix.shape)
    eye = sparse.eye_array(size, format="csr")[np.flatnonzero(open_ones)]
    blank, slack = sparse.csr_array(eye.shape), sparse.eye_array(eye.shape[0])
    above = [sparse.hstack([eye, blank, -slack]), sparse.hstack([blank, eye, -slack])]
    under = [sparse.hstack([-eye, blank, -slack]), sparse.hstack([blank, -eye, -slack])]
    apart = sparse.csr_array(([-1.0, 1.0], ([0, 0], [cell, size + cell])), shape=(1, 2 * size + eye.shape[0]))
    low, high = np.where(open_ones, choice.unseen[0], puzzle.low), np.where(open_ones, choice.unseen[1], puzzle.high)
    equal = sparse.block_array([[matrix, none], [none, matrix]])
    equal = sparse.hstack([equal, sparse.csr_array((equal.shape[0], eye.shape[0]))])
    shown = [x[open_ones] for x in choice.shown]
    answer = linprog(
        np.concatenate([np.zeros(2 * size), choice.cost[open_ones]]),
        A_ub=sparse.vstack([*above, *under, apart]),
        b_ub=np.concatenate([shown[1], shown[1], -shown[0], -shown[0], [-need]]),
        A_eq=equal,
        b_eq=np.zeros(equal.shape[0]),
        bounds=np.column_stack([np.tile(low, 2), np.tile(high, 2)]).tolist() + [(0, None)] * eye.shape[0],
        method="highs",
    )
    result = np.zeros(size, bool)
    if answer.x is not None:
        result[np.flatnonzero(open_ones)] = answer.x[2 * size :] > feasible_ranges.WHOLE
    if not result.any() and open_ones.any():  # whole numbers say more than the program: the nearest one
        near = np.zeros(size, bool)
        near[matrix[np.unique(matrix[:, [cell]].nonzero()[0])].nonzero()[1]] = True
        pool = open_ones & near if (open_ones & near).any() else open_ones
        result[np.argmin(np.where(pool, choice.cost, np.inf))] = True
    return result


def _tidy(choice: Choice, hidden: np.ndarray, small: np.ndarray, safe: Callable[[np.ndarray], bool]) -> np.ndarray:
    """Show again what need not be hidden, the dearest first, while not too many programs were asked."""
    extra = np.flatnonzero(hidden & ~small)
    for cell in extra[np.argsort(-choice.cost[extra], kind="stable")][:TIDY]:
        if choice.puzzle.asked > PROGRAMS:
            break
        without = hidden.copy()
        without[cell] = False
        if safe(without):
            hidden = without
    return hidden
