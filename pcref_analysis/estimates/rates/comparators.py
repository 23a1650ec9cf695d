"""What a group is compared with: the comparator's sums, laid beside the group's own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pcref_analysis.estimates.rates.aggregate import REFUSE, TELL, Remark, Tally, keys, labels, said, tally, variance
from pcref_analysis.estimates.rates.mover import Sums
from pcref_analysis.vocabulary import notes, standards
from pcref_analysis.vocabulary.errors import PcrefError

ALL_OTHERS = "All other groups"
POPULATION = "Whole population"


def sums(t: Tally, kind: str) -> Sums:
    sizes = t.sums.get("at_risk_sq", t.sums["at_risk"])
    return {
        "events": t.sums["events"],
        "at_risk": t.sums["at_risk"],
        "variance": variance(t, shares=kind == "percent"),
        "sizes": np.where(np.isnan(sizes), t.sums["at_risk"], sizes),
    }


def inside(
    t: Tally, own: Sums, comparator: str, exposure: str, within: Sequence[str]
) -> tuple[Sums, np.ndarray, list[Remark]]:
    """Return the comparator's sums from the cells themselves, and 1 where it holds the group itself."""
    context = keys(t.groups, within)[0]
    number = context.max(initial=-1) + 1
    if comparator not in (ALL_OTHERS, POPULATION):
        rows = np.flatnonzero(t.groups[exposure] == comparator)
        if not len(rows):
            raise PcrefError(
                f"comparator: '{comparator}' is no value of {exposure}. Name one of those, '{ALL_OTHERS}', "
                f"'{POPULATION}', or give a reference."
            )
        place = np.full(number, -1)
        place[context[rows]] = rows
        absent = place[context] < 0
        other = {name: np.where(absent[:, np.newaxis], np.nan, values[place[context]]) for name, values in own.items()}
        return other, np.zeros(len(context)), [(absent, "the comparator has no cells here", REFUSE)]
    known = ~standards.unknown(t.groups, [exposure]).to_numpy()
    other = {}
    for name, values in own.items():
        total = np.zeros((number, values.shape[1]))
        np.add.at(total, context[known], values[known])
        other[name] = total[context]
        if comparator == ALL_OTHERS:
            other[name] = np.maximum(other[name] - np.where(known[:, np.newaxis], values, 0.0), 0.0)
    hidden = np.bincount(context[~known], weights=np.nan_to_num(own["events"][~known]).sum(axis=1), minlength=number)
    lost = hidden[context]
    what = exposure.replace("_", " ")
    remarks = [(lost > 0, lambda i: notes.say("in_no_comparator", number=said(lost[i], "event"), what=what), TELL)]
    return other, known * float(comparator == POPULATION), remarks


def outside(
    t: Tally, within: Sequence[str], reference: pd.DataFrame, repeat_events: bool | None, kind: str
) -> tuple[Sums, np.ndarray, list[Remark]]:
    """Return the sums of an outside reference, matched on those columns of ``within`` that it has."""
    shared = [column for column in within if column in reference]
    r = tally(reference, shared, strata=t.strata, repeat_events=repeat_events and "events_sq" in reference)
    places = {key: place for place, key in enumerate(labels(r.groups))} if shared else {}
    place = np.array([places.get(key, -1) for key in labels(t.groups[shared])] if shared else [0] * len(t.groups), int)
    absent = place < 0
    other = {name: np.where(absent[:, np.newaxis], np.nan, values[place]) for name, values in sums(r, kind).items()}
    return other, np.zeros(len(place)), [(absent, "the reference has no rows here", REFUSE)]
