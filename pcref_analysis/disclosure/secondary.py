"""Which counts to hide so that no small count can be worked out from what is left, with least information lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from pcref_analysis.disclosure import disclosure_rule, primary
from pcref_analysis.disclosure.linked_tables import feasible_ranges
from pcref_analysis.disclosure.linked_tables.constraints import Sums
from pcref_analysis.disclosure.linked_tables.feasible_ranges import FAR, System
from pcref_analysis.vocabulary.parameters import Disclosure

TIDY = 40  # so many counts hidden for others' sake are tried open again
PROGRAMS = 5_000  # linear programs of one system after which no more is tried: a count, so every machine hides alike
AT_ONCE = 16  # exposed counts for which others are hidden before all are looked at again, once no more is tried
NODES = 2_000  # of one choice's search tree: a count, not a time, so that every machine chooses alike
MANY_CUTS, BEST = 120, 2  # beyond, the best choice takes a second each: in the last so many rounds only


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
        for system in feasible_ranges.systems(sums.matrix, low, unseen[1], integer):
            if (guarded | watched)[system.cells].any() and system.matrix.shape[0]:
                limits = shown, (low, unseen[1])
                views = [tuple(x[system.cells] for x in pair) for pair in limits]
                yield Choice(system, views[0], views[1], *(x[system.cells] for x in columns))

    low = unseen[0]
    if before is not None and rule.show_zero:
        fresh = (kind == "count") & ~public & ~repeated & ~before["hidden"].to_numpy(bool)
        small, low = _with_zeros(choices, sums.cells["series"].to_numpy(), (value, fresh, guarded), (small, low), rule)
    hidden = small.copy()
    for choice in choices(small, low):
        cells = choice.system.cells
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
            cells = choice.system.cells
            if among[cells].any():
                found += reachable(choice, small[cells], (guarded & among)[cells], rule)[guarded[cells]].sum()
        return found

    wanted: list[str] = []
    for choice in choices(*start):
        cells = choice.system.cells
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


SMALL_SYSTEM, ROUNDS, FEWER_ROUNDS = 250, 30, 6  # counts; rounds of cuts in small and in large systems


@dataclass
class Choice:
    """A system as the defender sees it: what an outsider knows of each count if it is shown, and if it is hidden."""

    system: System
    shown: tuple[np.ndarray, np.ndarray]
    unseen: tuple[np.ndarray, np.ndarray]
    free: np.ndarray  # counts that may be hidden for others' sake
    value: np.ndarray
    cost: np.ndarray
    left_over: np.ndarray  # what follows by subtraction and is somebody: not to be pinned below the threshold either

    def with_hidden(self, hidden: np.ndarray) -> System:
        """Return the outsider's system when these are hidden."""
        self.system.low = np.where(hidden, self.unseen[0], self.shown[0])
        self.system.high = np.where(hidden, self.unseen[1], self.shown[1])
        return self.system

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
    rounds = ROUNDS if len(small) <= SMALL_SYSTEM else FEWER_ROUNDS
    for turn in range(rounds):
        exposed = choice.exposed(hidden, guarded, need)
        if not len(exposed):
            break
        programs = feasible_ranges.Extremes(choice.with_hidden(hidden))
        tried = (_cut(choice, programs, hidden, cell, need[cell]) for cell in exposed)
        fresh = [cut for cut in tried if cut is not None]
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
        for cell in exposed[: AT_ONCE if choice.system.asked > PROGRAMS else 1]:
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
    gain = np.where(choice.free, np.clip(gain, 0.0, np.fmax(wanted, 0.0)), 0.0)
    return (gain, float(wanted)) if wanted > 1e-7 and (gain * ~hidden).any() else None


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
    system, size = choice.with_hidden(hidden), len(hidden)
    open_ones = choice.free & ~hidden
    matrix, none = system.matrix, sparse.csr_array(system.matrix.shape)
    eye = sparse.eye_array(size, format="csr")[np.flatnonzero(open_ones)]
    blank, slack = sparse.csr_array(eye.shape), sparse.eye_array(eye.shape[0])
    above = [sparse.hstack([eye, blank, -slack]), sparse.hstack([blank, eye, -slack])]
    under = [sparse.hstack([-eye, blank, -slack]), sparse.hstack([blank, -eye, -slack])]
    apart = sparse.csr_array(([-1.0, 1.0], ([0, 0], [cell, size + cell])), shape=(1, 2 * size + eye.shape[0]))
    low, high = np.where(open_ones, choice.unseen[0], system.low), np.where(open_ones, choice.unseen[1], system.high)
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
        if choice.system.asked > PROGRAMS:
            break
        without = hidden.copy()
        without[cell] = False
        if safe(without):
            hidden = without
    return hidden
