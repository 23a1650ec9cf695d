"""Which counts to hide so that no small count can be worked out from what is left."""

from __future__ import annotations

import numpy as np

from pcref_analysis.release.linkage import Counts
from pcref_analysis.release.rules import primary
from pcref_analysis.vocabulary.parameters import Disclosure


def protect(counts: Counts, rule: Disclosure, complementary: bool = True) -> np.ndarray:
    """Return which cells are hidden: the small ones and those that would give them away."""
    value = counts.cells["value"].to_numpy()
    public = counts.cells["public"].to_numpy(bool)
    hidden = primary(value, rule) & ~public
    if not complementary:
        return hidden
    groups = [part["cell"].to_numpy() for _, part in counts.terms.groupby("equation")]
    changed = True
    while changed:
        changed = False
        for cells in groups:
            small = cells[hidden[cells]]
            if len(small) != 1:
                continue
            free = cells[~hidden[cells] & ~public[cells] & (value[cells] > 0)]
            if len(free):
                hidden[free[np.argmin(value[free])]] = True
                changed = True
    return hidden
