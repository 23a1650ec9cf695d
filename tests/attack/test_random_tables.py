"""The attack finds nothing in tables of many shapes that went through the door."""

import pytest

from pcref_analysis.release import disclosure

SEEDS = [0, 1, 2, 4, 5, 6, 8, 9, 11, 12, 14, 16, 17, 19, 21, 22, 23, 24]  # one to four dimensions, linked, with gaps


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_found_in_what_was_released(seed, tables, rules):
    released = disclosure.release_all(tables(seed), rules["mhsds"])
    assert disclosure.attack(released).empty
