"""An outsider's attempt to work out what is hidden, from what is about to be published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from pcref_analysis.disclosure import primary
from pcref_analysis.disclosure.disclosure_rule import SUPPRESSED, ZERO
from pcref_analysis.disclosure.linked_tables import calculator, constraints, feasible_ranges, intruder_view
from pcref_analysis.disclosure.linked_tables.constraints import Sums
from pcref_analysis.disclosure.linked_tables.schema import ALL, DIMENSION
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import Disclosure

COLUMNS = ["table", "cell", "column", "how"]
LAST = "last edition: "
REVISED = 0.1  # share of moved numbers from which a series is taken for revised
HOW = {
    "count": "a hidden count follows from what is shown",
    "rest": "a small count follows: what the parts leave of the whole",
    "unlisted": "a small count follows: what stands in no table",
    "others": "a small count follows: those at risk without the event",
    "left out": "a small count follows: what one of two ways of counting leaves out",
}


def find(
    released: Sequence[Any],
    rule: Disclosure,
    previous: Sequence[Any] = (),
    population: pd.DataFrame | None = None,
    revision: int = 1,
    together: bool = False,
) -> pd.DataFrame:
    """Return ``table, cell, column, how`` of every count that can be pinned closer than the rule allows.

    ``together``: the last editions are of the same people, and their counts go into the same sums.
    See :func:`pcref_analysis.disclosure.release_tables.attack`.
    """
    for one in [*released, *previous]:
        if one.audience == "internal":
            raise PcrefError(f"attack: {one.name} is for internal use and hides nothing; give what is to be published.")
    if not released:
        return pd.DataFrame(columns=COLUMNS)
    last = "" if together else LAST
    now = [_read(one, rule, "", population) for one in released]
    before = [_read(one, one.rules, last, population) for one in previous]  # each by the rule of its day
    parts = [part.assign(table=f"{i}|" + part["table"]) for i, part in enumerate([*now, *before])]  # names may recur
    rows = pd.concat(parts, ignore_index=True)
    if previous and rule.show_zero:
        rows["low"] = rows["low"].mask(_somebody(rows, sum(map(len, now))), np.maximum(rows["low"], 1.0))
    links = [("", one.links) for one in released] + [(last, one.links) for one in previous]
    found = constraints.gather(rows, _hierarchies(links), _shares(links), _gaps(links))
    low, high = _limits(found)
    matrix, low, high, current = _with_last_edition(found, low, high, revision)
    suspects = _suspects(found, rows, len(low))
    kind = np.pad(found.cells["kind"].to_numpy(object), (0, len(low) - len(found.cells)), constant_values="")
    pinned = _pinned(matrix, low, high, suspects, kind, current, rule)
    return _named(found, pinned)


def _read(released: Any, rule: Disclosure, prefix: str, population: pd.DataFrame | None) -> pd.DataFrame:
    """Return what a table says of each count, its figures used as well."""
    rows = intruder_view.read(released, rule, prefix)
    frame = released.table
    if not released.figures or "events" not in released.counts:
        return rows
    if population is not None and "at_risk" not in frame:
        by = [c for c in population if c != "at_risk" and c in frame]
        frame = frame.merge(population, on=by, how="left") if by else frame
    least, most = calculator.counts_behind(frame, rule)
    events = rows["column"] == "events"
    at = rows.loc[events, "row"].to_numpy()
    low = np.fmax(rows.loc[events, "low"].to_numpy(float), least[at])
    high = np.fmin(rows.loc[events, "high"].to_numpy(float), most[at])
    fits = low <= high  # a figure that no count explains is of another make
    rows.loc[events, "low"] = np.where(fits, low, rows.loc[events, "low"])
    rows.loc[events, "high"] = np.where(fits, high, rows.loc[events, "high"])
    return rows


def _somebody(rows: pd.DataFrame, now: int) -> np.ndarray:
    """Return which counts are hidden for the first time (in the first ``now`` rows) and not for being none.

    A later edition hides what the last one hid, be there somebody or not; and none of a series' other zeros or all.
    """
    key = ["indicator", "column", "way", *constraints.dimensions_of(rows)]
    names = pd.MultiIndex.from_frame(rows[key].fillna(ALL))
    hidden, new = (rows["status"] == SUPPRESSED).to_numpy(), np.arange(len(rows)) < now
    series_with_zeros = rows.loc[new & (rows["status"] == ZERO).to_numpy(), "series"]
    return hidden & new & rows["series"].isin(series_with_zeros).to_numpy() & ~names.isin(names[hidden & ~new])


def _hierarchies(links: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, dict[str, list[str]]]:
    result: dict[str, dict[str, list[str]]] = {}
    for _, link in links:
        for dimension, tree in link.get("hierarchies", {}).items():
            result.setdefault(dimension, {}).update(tree)
    return result


def _shares(links: Iterable[tuple[str, Mapping[str, Any]]]) -> list[str]:
    return sorted({indicator for _, link in links for indicator in link["shares"]})


def _gaps(links: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, str]:
    return {prefix + name: gap for prefix, link in links for name, gap in link["gaps"].items()}


def _limits(found: Sums) -> tuple[np.ndarray, np.ndarray]:
    kind = found.cells["kind"].to_numpy()
    low, high = found.cells["low"].to_numpy(float), found.cells["high"].to_numpy(float)
    count = kind == "count"
    return np.where(count, low, np.where(kind == "rest", 1.0, 0.0)), np.where(count, high, np.inf)


def _with_last_edition(
    found: Sums, low: np.ndarray, high: np.ndarray, revision: int
) -> tuple[sparse.csr_array, np.ndarray, np.ndarray, np.ndarray]:
    """Tie each count to the same count of the last edition: they differ by no more than the revision.

    Unless the editions themselves say otherwise: where more than a tenth of the numbers that both show for a series
    and period are further apart, nobody can take its other counts for unrevised. Also returns which counts this
    edition shows or hides itself.
    """
    cells = found.cells
    old = cells["series"].str.startswith(LAST).to_numpy()
    now = ~old & (cells["kind"] == "count").to_numpy() & ~cells["public"].to_numpy(bool)
    if not old.any():
        return found.matrix, low, high, now
    dims = list(found.dimensions)
    keyed = cells[(cells["kind"] == "count") & ~cells["public"]].reset_index(names="cell")
    keyed["series"] = keyed["series"].str.removeprefix(LAST)
    before = old[keyed["cell"]]
    pairs = keyed[~before].merge(keyed[before], on=["series", *dims], suffixes=("", "_old"))
    new_cell, old_cell = pairs["cell"].to_numpy(), pairs["cell_old"].to_numpy()
    apart = np.maximum(low[new_cell] - high[old_cell], low[old_cell] - high[new_cell])
    both = ~np.isinf(high[new_cell]) & ~np.isinf(high[old_cell])
    alike = ["series", *(d for d in dims if d == f"{DIMENSION}period")]
    moved = pd.Series(np.where(both, apart > revision, np.nan)).groupby([pairs[c] for c in alike]).transform("mean")
    tied = (apart <= revision) & ~(moved.to_numpy() > REVISED)
    new_cell, old_cell = new_cell[tied], old_cell[tied]
    count, size = len(new_cell), len(low)
    ties = np.tile(np.arange(count), 3)
    columns = np.concatenate([new_cell, old_cell, size + np.arange(count)])
    signs = np.repeat([1.0, -1.0, -1.0], count)
    wide = sparse.csr_array((found.matrix.shape[0], count))
    tie = sparse.csr_array((signs, (ties, columns)), shape=(count, size + count))
    matrix = sparse.csr_array(sparse.vstack([sparse.hstack([found.matrix, wide]), tie]))
    moves = np.full(count, float(revision))
    return (
        matrix,
        np.concatenate([low, -moves]),
        np.concatenate([high, moves]),
        np.concatenate([now, np.zeros(count, bool)]),
    )


def _suspects(found: Sums, rows: pd.DataFrame, size: int) -> np.ndarray:
    """Return which counts must not be pinned: the hidden ones and what is left over by subtraction."""
    hidden = found.places["cell"][(rows["status"] == SUPPRESSED).to_numpy()]
    result = np.zeros(size, bool)
    result[hidden.to_numpy()] = True
    kind = found.cells["kind"].to_numpy()
    result[: len(kind)] |= primary.left_over(kind)
    result[: len(kind)] &= ~found.cells["public"].to_numpy(bool)
    return result


def _pinned(
    matrix: sparse.csr_array,
    low: np.ndarray,
    high: np.ndarray,
    suspects: np.ndarray,
    kind: np.ndarray,
    now: np.ndarray,
    rule: Disclosure,
) -> np.ndarray:
    """Return the suspects that can be pinned; those of which there are perhaps none only where there is someone.

    That a hidden count is none says what the rule shows anyway; that nobody is left over says it of everyone else.
    """
    need, perhaps_none = rule.values_left - 1.0, kind == "unlisted"
    may_be_none = np.where(kind == "count", rule.show_zero, rule.show_all)
    result = []
    for system in feasible_ranges.systems(matrix, low, high, np.ones(len(low), bool)):
        wanted = np.flatnonzero(suspects[system.cells])
        wanted = wanted[low[system.cells[wanted]] < rule.threshold] if system.matrix.shape[0] else wanted
        if not len(wanted):
            continue
        least, most = feasible_ranges.ranges(system, wanted, np.full(len(wanted), need))
        if np.isnan(least).any():
            system = feasible_ranges.relaxed(system)
            least, most = feasible_ranges.ranges(system, wanted, np.full(len(wanted), need))
        bad = (most - least < need) & (least < rule.threshold) & (most > 0)
        none = np.flatnonzero((most == 0) & ~may_be_none[system.cells[wanted]].astype(bool))
        bad[none] = [_anybody(system, cell) for cell in wanted[none]]
        bad = wanted[bad & ((least > 0) | ~perhaps_none[system.cells[wanted]])]
        if len(bad):
            result.append(system.cells[_beyond_public(system, bad, now, need)])
    return np.concatenate(result) if result else np.array([], int)


def _anybody(system: feasible_ranges.System, rest: int) -> bool:
    """Say whether there may be somebody in the wholes of which this is a part, or in itself: of none, none is known."""
    near = system.matrix[np.unique(system.matrix[:, [rest]].nonzero()[0])]
    wholes = np.unique((near > 0).nonzero()[1])
    _, most = feasible_ranges.ranges(system, wholes, np.ones(len(wholes)))
    return not (most == 0).any()


def _beyond_public(system: feasible_ranges.System, bad: np.ndarray, now: np.ndarray, need: float) -> np.ndarray:
    """Return those that would be less certain if this edition showed nothing."""
    low, high = system.low.copy(), system.high.copy()
    least, most = feasible_ranges.ranges(system, bad, np.full(len(bad), need))
    mine = now[system.cells]
    system.low, system.high = np.where(mine, np.minimum(low, 1.0), low), np.where(mine, feasible_ranges.FAR, high)
    free_least, free_most = feasible_ranges.ranges(system, bad, np.full(len(bad), need))
    system.low, system.high = low, high
    return bad[(free_most - free_least > most - least) | np.isnan(free_most)]


def _named(found: Sums, pinned: np.ndarray) -> pd.DataFrame:
    dims = list(found.dimensions)
    places = found.places.drop_duplicates("cell").set_index("cell")
    shown = found.cells.loc[found.places["cell"].unique(), ["series", *dims]].reset_index(names="cell")
    result = []
    for cell in pinned:
        facts = found.cells.loc[cell]
        match = (shown[["series", *dims]] == facts[["series", *dims]].to_numpy()).all(axis=1)
        at = places.loc[shown.loc[match, "cell"]]
        labels = [
            facts["series"].removeprefix(LAST).split("/")[0],
            *(f"{d.removeprefix(DIMENSION)} {facts[d]}" for d in dims if facts[d] != ALL),
        ]
        result.append(
            {
                "table": at["table"].iloc[0].partition("|")[2] if len(at) else "",
                "cell": ", ".join(label for label in labels if label) or ALL,
                "column": facts["series"].split("/")[-1].split("#")[0],
                "how": HOW[facts["kind"]],
            }
        )
    return pd.DataFrame(result, columns=COLUMNS).drop_duplicates(ignore_index=True)
