"""Linear programs that start from the last one's solution give what each gives on its own."""

import os

import numpy as np
import pytest
from scipy import sparse

from pcref_analysis.disclosure import release_tables, secondary
from pcref_analysis.disclosure.linked_tables import feasible_ranges


@pytest.mark.parametrize("seed", range(5))
def test_extremes_are_those_of_programs_built_anew(seed):
    rng = np.random.default_rng(seed)
    value = rng.integers(0, 30, (4, 3))
    whole = np.hstack([value, value.sum(axis=1, keepdims=True)])
    whole = np.vstack([whole, whole.sum(axis=0)])
    place = np.arange(whole.size).reshape(whole.shape)
    sums = [(*row[:-1], row[-1]) for row in place] + [(*column[:-1], column[-1]) for column in place.T]
    matrix = np.zeros((len(sums), whole.size))
    for line, cells in enumerate(sums):
        matrix[line, cells] = [*[1.0] * (len(cells) - 1), -1.0]
    low, high = np.maximum(whole.ravel() - 2.0, 0), whole.ravel() + 2.0
    hidden = rng.random(whole.size) < 0.4
    low, high = np.where(hidden, 0.0, low), np.where(hidden, feasible_ranges.FAR, high)
    system = feasible_ranges.System(
        np.arange(whole.size), sparse.csr_array(matrix), low, high, np.ones(whole.size, bool)
    )
    programs = feasible_ranges.Extremes(system)
    for cell in range(whole.size):
        for sign in (1.0, -1.0):
            direction = np.zeros(whole.size)
            direction[cell] = sign
            x, impossible = programs.find(np.array([cell]), np.array([sign]))
            assert not impossible
            assert sign * x[cell] == pytest.approx(system.extreme(direction)[0] @ direction)
            costs = programs.reduced_costs()  # the limits that hold the counts prove the smallest sum
            assert np.maximum(costs, 0) @ low + np.minimum(costs, 0) @ high == pytest.approx(sign * x[cell])
    system.low, system.high = np.full(whole.size, 1.0), np.full(whole.size, 1.0)
    assert feasible_ranges.Extremes(system).find(np.array([0]), np.array([1.0])) == (None, True)


@pytest.mark.skipif(not os.environ.get("PCREF_EVERY_CASE"), reason="takes long: set PCREF_EVERY_CASE=1")
def test_after_many_programs_no_more_is_tried_and_nothing_is_found(bench, monkeypatch):
    """Set 3 without rounding asks 9,600 programs where there is no bound: 20 s."""
    asked, find = [], feasible_ranges.Extremes.find
    monkeypatch.setattr(feasible_ranges.Extremes, "find", lambda *given: asked.append(1) or find(*given))
    monkeypatch.setattr(secondary, "PROGRAMS", 300)
    released = release_tables.release_all(bench.random_tables(3), bench.RULES["exact"])
    assert len(asked) < 5_000
    assert release_tables.attack(released).empty
