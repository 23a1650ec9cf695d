"""How far an outsider can narrow down counts, from sums and from what is known of each count."""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from scipy import sparse
from scipy.optimize import linprog
from scipy.sparse.csgraph import connected_components

WHOLE = 1e-6  # a solution this close to a whole number is one
FAR = 1e7  # stands for "no limit" where the solver needs a number
AS_MANY = 20  # linear programs as one in whole numbers takes the time of


@dataclass
class System:
    """Counts that are linked with one another: ``matrix @ x = 0`` and ``low <= x <= high``.

    ``cells`` are their places in the whole; ``integer`` says which must be whole numbers; ``asked`` counts programs.
    """

    cells: np.ndarray
    matrix: sparse.csr_array
    low: np.ndarray
    high: np.ndarray
    integer: np.ndarray
    asked: int = 0

    def extreme(self, direction: np.ndarray, whole: bool = False) -> tuple[np.ndarray | None, object]:
        """Return the solution that makes ``direction @ x`` smallest (None: there is none), and the solver's answer."""
        self.asked += AS_MANY if whole else 1
        answer = linprog(
            direction,
            A_eq=self.matrix if self.matrix.shape[0] else None,
            b_eq=np.zeros(self.matrix.shape[0]) if self.matrix.shape[0] else None,
            bounds=np.column_stack([self.low, self.high]),
            method="highs",
            integrality=self.integer.astype(int) if whole else None,
        )
        return answer.x, answer


class Extremes:
    """The linear programs of one system, as its limits are now: each starts from the last one's solution.

    Many times faster than :meth:`System.extreme`, which builds the problem each time; the smallest values are the same.
    """

    def __init__(self, system: System) -> None:
        self._system, (rows, size) = system, system.matrix.shape
        columns, program = sparse.csc_array(system.matrix), highspy.HighsLp()
        program.num_col_, program.num_row_ = size, rows
        program.col_cost_, program.col_lower_, program.col_upper_ = np.zeros(size), system.low, system.high
        program.row_lower_ = program.row_upper_ = np.zeros(rows)
        matrix = program.a_matrix_
        matrix.num_col_, matrix.num_row_, matrix.format_ = size, rows, highspy.MatrixFormat.kColwise
        matrix.start_, matrix.index_, matrix.value_ = columns.indptr, columns.indices, columns.data
        self._solver, self._costly = highspy.Highs(), np.array([], int)
        self._solver.setOptionValue("output_flag", False)
        self._solver.passModel(program)

    def find(self, places: np.ndarray, signs: np.ndarray) -> tuple[np.ndarray | None, bool]:
        """Return the solution with the smallest sum of these counts times their signs, and whether there is none."""
        for place in self._costly:
            self._solver.changeColCost(int(place), 0.0)
        for place, sign in zip(places, signs, strict=True):
            self._solver.changeColCost(int(place), float(sign))
        self._costly = places
        self._system.asked += 1
        self._solver.run()
        status = self._solver.getModelStatus()
        if status != highspy.HighsModelStatus.kOptimal:
            return None, status == highspy.HighsModelStatus.kInfeasible
        return np.array(self._solver.getSolution().col_value), False

    def reduced_costs(self) -> np.ndarray:
        """Return by how much the last smallest sum grows with the limit that holds each count (lower: 0 or more)."""
        return np.array(self._solver.getSolution().col_dual)


def systems(matrix: sparse.csr_array, low: np.ndarray, high: np.ndarray, integer: np.ndarray) -> list[System]:
    """Cut the whole into systems that have no count in common."""
    count = matrix.shape[1]
    links = sparse.csr_array(abs(matrix).T @ abs(matrix)) if matrix.shape[0] else sparse.csr_array((count, count))
    number, label = connected_components(links, directed=False)
    order = np.argsort(label, kind="stable")
    starts = np.searchsorted(label[order], np.arange(number + 1))
    by_column = sparse.csc_array(matrix)
    found = []
    for i in range(number):
        cells = order[starts[i] : starts[i + 1]]
        part = sparse.csr_array(by_column[:, cells])
        part = part[np.flatnonzero(np.diff(part.indptr))]
        found.append(System(cells, part, low[cells].copy(), np.minimum(high[cells], FAR), integer[cells]))
    return found


def ranges(
    system: System, wanted: np.ndarray, enough: np.ndarray, known: np.ndarray | None = None, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return for each wanted count the smallest and largest value that fits, as far as is needed.

    A range at least ``enough`` wide (largest less smallest) is not widened further; a narrower one is exact.

    Parameters
    ----------
    wanted
        Places of the counts in the system.
    enough
        The width from which a range is wide enough, one for each.
    known
        A solution, where one is known (the true counts).

    Returns
    -------
    tuple of numpy.ndarray
        ``low``, ``high``; missing where nothing fits.
    """
    size = len(system.cells)
    seen_low, seen_high = np.full(size, np.inf), np.full(size, -np.inf)

    def see(x: np.ndarray) -> bool:
        if np.abs(x - np.round(x))[system.integer].max(initial=0) > WHOLE:
            return False
        x = np.where(system.integer, np.round(x), x)
        np.minimum(seen_low, x, out=seen_low)
        np.maximum(seen_high, x, out=seen_high)
        return True

    if known is not None:
        see(known)
    rng, programs = np.random.default_rng(seed), Extremes(system)
    for attempt in range(4):  # one solution often shows room for many counts at once
        todo = wanted[~(seen_high[wanted] - seen_low[wanted] >= enough)]
        if not len(todo):
            return seen_low[wanted], seen_high[wanted]
        signs = np.full(len(todo), [-1.0, 1.0][attempt]) if attempt < 2 else rng.choice([-1.0, 1.0], len(todo))
        x, impossible = programs.find(todo, signs)
        if impossible:
            return np.full(len(wanted), np.nan), np.full(len(wanted), np.nan)
        if x is not None:
            see(x)
    low, high = seen_low[wanted], seen_high[wanted]
    for i, cell in enumerate(wanted):
        for side in (-1.0, 1.0):
            if seen_high[cell] - seen_low[cell] >= enough[i]:
                break
            x, _ = programs.find(np.array([cell]), np.array([side]))
            if x is not None and not see(x):  # not whole numbers: ask again for whole ones
                direction = np.zeros(size)
                direction[cell] = side
                x, _ = system.extreme(direction, whole=True)
                if x is not None:
                    see(x)
        low[i], high[i] = seen_low[cell], seen_high[cell]
    return low, high


def relaxed(system: System) -> System:
    """Return the system without the sums that contradict the others (data revised, or people counted twice)."""
    rows, size = system.matrix.shape
    slack = sparse.eye_array(rows)
    matrix = sparse.csr_array(sparse.hstack([system.matrix, slack, -slack]))
    low = np.concatenate([system.low, np.zeros(2 * rows)])
    high = np.concatenate([system.high, np.full(2 * rows, FAR)])
    wide = System(np.arange(size + 2 * rows), matrix, low, high, np.zeros(size + 2 * rows, bool))
    x, _ = wide.extreme(np.concatenate([np.zeros(size), np.ones(2 * rows)]))
    if x is None:
        return system
    holds = (x[size : size + rows] + x[size + rows :]) < WHOLE
    return System(system.cells, system.matrix[np.flatnonzero(holds)], system.low, system.high, system.integer)
