"""What must be hidden for its own sake: small counts, whole groups, small denominators, means and medians of few."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtri

from pcref_analysis.disclosure import disclosure_rule
from pcref_analysis.disclosure.linked_tables.constraints import Sums
from pcref_analysis.disclosure.linked_tables.schema import Table, indicator_of
from pcref_analysis.vocabulary.parameters import Disclosure


def small_counts(tables: Sequence[Table], linked: Sums, rule: Disclosure) -> np.ndarray:
    """Return which counts must be hidden: small, of a small denominator, or everyone in a group."""
    value = linked.cells["low"].to_numpy(float)
    public = linked.cells["public"].to_numpy(bool)
    count = (linked.cells["kind"] == "count").to_numpy()
    hide = count & ~public & disclosure_rule.primary(value, rule)
    shown = np.where(public, value, disclosure_rule.round_counts(value, rule))
    for table in tables:
        places = linked.places[linked.places["table"] == table.name]
        pairs = places.pivot_table(index="row", columns="column", values="cell", aggfunc="first")
        if not {"events", "at_risk"} <= set(pairs):
            continue
        pairs = pairs.dropna(subset=["events", "at_risk"]).astype(int)
        share = indicator_of(table.frame).isin(table.shares).to_numpy()[pairs.index]
        events, at_risk = pairs["events"].to_numpy(), pairs["at_risk"].to_numpy()
        everyone = share & (shown[events] >= shown[at_risk]) & (value[events] > 0)
        few = value[at_risk] < rule.minimum_denominator
        hide[events[(everyone & (not rule.show_all)) | few]] = True
        hide[at_risk[few]] = True
    return hide & ~public & ~((value == 0) & rule.show_zero)


def left_over(kind: np.ndarray) -> np.ndarray:
    """Return which numbers follow by subtraction and stand in no table."""
    return np.isin(kind, ["rest", "left out", "others", "unlisted"])


def guarded_rest(value: np.ndarray, kind: np.ndarray, rule: Disclosure) -> np.ndarray:
    """Return which left-over numbers are small: nobody may learn them by subtraction."""
    none = (value == 0) & (kind == "others") & (not rule.show_all)
    return left_over(kind) & (((value > 0) & (value < rule.threshold)) | none)


def dominated(frame: pd.DataFrame, rule: Disclosure) -> np.ndarray:
    """Return which means are withheld because one person may hold too large a share of the total.

    The largest value is taken from a column ``largest``; without it, it is the largest that the mean, the spread
    and the number of values allow (``total_sq``, or the width of the interval).

    References
    ----------
    Samuelson PA. How deviant can you be? J Am Stat Assoc 1968;63:1522-1525 (the bound).
    """
    if "estimate" not in frame or "at_risk" not in frame:
        return np.zeros(len(frame), bool)
    size, centre = frame["at_risk"].to_numpy(float), frame["estimate"].to_numpy(float)
    total = size * centre
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.full(len(frame), np.nan)
        if "total_sq" in frame:
            spread = np.sqrt(np.maximum(frame["total_sq"].to_numpy(float) / size - centre**2, 0.0))
        elif {"lower", "upper", "level"} <= set(frame):
            z = -ndtri((1 - frame["level"].to_numpy(float)) / 2)
            spread = (frame["upper"] - frame["lower"]).to_numpy(float) / 2 / z * np.sqrt(size)
        largest = centre + spread * np.sqrt(np.maximum(size - 1, 0.0))
        if "largest" in frame:
            largest = frame["largest"].to_numpy(float)
        return ~(largest / total <= rule.dominance) & ~np.isnan(centre)


def few_beyond(frame: pd.DataFrame, rule: Disclosure) -> np.ndarray:
    """Return which medians and other quantiles are withheld: they or their limits are the values of few people.

    ``beyond`` in the table says how many people's values lie at or beyond one of the figure's limits, whichever has
    fewer; where that is not known the quantile is withheld. Of five people the middle value is one person's.
    """
    if "measure" not in frame:
        return np.zeros(len(frame), bool)
    quantile = frame["measure"].astype("string").fillna("").str.match("median|quantile").to_numpy(bool)
    beyond = frame["beyond"].to_numpy(float) if "beyond" in frame else np.full(len(frame), np.nan)
    return quantile & ~(beyond >= (rule.minimum_beyond or rule.threshold))
