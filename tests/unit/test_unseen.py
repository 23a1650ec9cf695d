"""Crossings of labels that tables leave out are unknowns of their own."""

import numpy as np
import pandas as pd

from pcref_analysis.disclosure import planning, release_tables
from pcref_analysis.disclosure.linked_tables import constraints, schema

# Two teams and three groups with all totals; African in team B stands in no table: it is 23 - 2 = 21.
COUNTS = pd.DataFrame(
    {
        "ethnic_group": ["African", "Caribbean", "Indian", "Caribbean", "Indian", "African", "Caribbean", "Indian"],
        "team": ["A", "A", "A", "B", "B", "All", "All", "All"],
        "events": [2, 30, 40, 3, 25, 23, 33, 65],
    }
)
TOTALS = pd.DataFrame({"ethnic_group": "All", "team": ["A", "B", "All"], "events": [72, 49, 121]})
COUNTS = pd.concat([COUNTS, TOTALS], ignore_index=True)


def linked(counts):
    return planning.link([schema.declare("counts", counts)], {}, ())[1]


def test_the_missing_crossing_is_found_with_the_number_that_fits():
    cells = linked(COUNTS).cells
    found = cells[cells["kind"] == "unseen"]
    assert found[["~ethnic_group", "~team", "low", "high"]].to_numpy().tolist() == [["African", "B", 21.0, 21.0]]


def test_every_sum_holds_of_the_numbers_that_were_found():
    sums = linked(COUNTS)
    assert np.abs(sums.matrix @ sums.cells["low"].to_numpy(float)).max() == 0


def test_numbers_that_contradict_it_leave_the_series_as_it_was():
    odd = COUNTS.assign(events=COUNTS["events"].where(COUNTS["ethnic_group"] != "African", 3 * COUNTS["events"]))
    sums = linked(odd)  # the groups of team B no longer leave what the African total does
    assert "unseen" not in set(sums.cells["kind"])
    assert f"/events{constraints.NAMED}" in sums.gaps


def test_a_mostly_empty_crossing_is_not_filled():
    apart = pd.DataFrame({"ethnic_group": ["African", "Caribbean", "Indian"], "team": list("ABC"), "events": [9, 8, 7]})
    assert "unseen" not in set(linked(apart).cells["kind"])


def test_a_small_count_that_the_left_out_row_would_give_is_protected():
    alone = COUNTS.assign(events=COUNTS["events"].replace({23: 4, 121: 102, 49: 30}))  # African in team B: 2
    released = release_tables.release(
        alone, release_tables.release(COUNTS, "mhsds").rules.model_copy(update={"rounding": 1})
    )
    table = released.table.set_index(["ethnic_group", "team"])["events"]
    known = table["All", "B"] - table["Caribbean", "B"] - table["Indian", "B"]
    assert np.isnan(known)
    assert release_tables.attack([released]).empty
