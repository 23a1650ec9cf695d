"""Which strata a standardised figure uses, with which weights, and what is said of those it cannot use."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pcref_analysis.estimates.intervals import EXACT_BELOW
from pcref_analysis.estimates.rates.aggregate import (
    REFUSE,
    TELL,
    WARN,
    Remark,
    Tally,
    keys,
    labels,
    said,
    tally,
    totals,
)
from pcref_analysis.vocabulary import notes, standards
from pcref_analysis.vocabulary.errors import PcrefError


def resolve(cells: pd.DataFrame, standard: str | pd.DataFrame, over: Sequence[str]) -> pd.DataFrame:
    """Return ``over`` plus ``weight`` with a row a stratum."""
    if isinstance(standard, str):
        _, seen = keys(cells, over)
        bands = seen.loc[~standards.unknown(seen, over), "age_band"].unique() if "age_band" in over else None
        return standards.load(standard, bands, over, rest=True)
    if lacking := [column for column in [*over, "weight"] if column not in standard]:
        raise PcrefError(f"standard: no column {', '.join(lacking)}; it needs {', '.join([*over, 'weight'])}.")
    weight = standard["weight"].to_numpy(float, na_value=np.nan)
    if standard.duplicated(list(over)).any() or not (weight >= 0).all() or weight.sum() <= 0:
        raise PcrefError("standard: needs one row a stratum, each with a weight of zero or more.")
    return standard.reset_index(drop=True)


def strata_used(t: Tally, missing_strata: str) -> tuple[np.ndarray, list[Remark]]:
    """Return which strata count for each group, and the remarks on those that lack some."""
    if missing_strata not in ("refuse", "common"):
        raise PcrefError(f"missing_strata: '{missing_strata}' is not one of refuse, common.")
    people = t.sums["at_risk"]
    has = people > 0
    usable = has.any(axis=1) & ~np.isnan(people).any(axis=1)
    family = keys(t.groups, [column for column in ("indicator",) if column in t.groups])[0]
    families = family.max(initial=0) + 1
    holders = np.zeros((families, people.shape[1]))
    np.add.at(holders, family[usable], has[usable].astype(float))
    anyone = holders > 0
    shared = holders == np.bincount(family[usable], minlength=families)[:, np.newaxis]
    chosen = anyone & shared if missing_strata == "common" else anyone
    used = chosen[family]
    names = np.array(labels(t.strata), dtype=object)

    def named(strata: np.ndarray) -> str:
        few = names[np.flatnonzero(strata)]
        return ", ".join(few) if len(few) <= 4 else f"{len(few)} of {len(names)} strata"

    outside = ~anyone[family] & usable[:, np.newaxis]
    dropped = anyone[family] & ~used & usable[:, np.newaxis]
    lacking = used & ~has & usable[:, np.newaxis]
    lost = np.where(used, 0.0, t.sums["events"]).sum(axis=1)
    return used, [
        (lacking.any(axis=1), lambda i: notes.say("empty_strata", where=named(lacking[i])), REFUSE),
        (outside.any(axis=1), lambda i: notes.say("nobody_there", where=named(outside[i])), TELL),
        (dropped.any(axis=1), lambda i: notes.say("not_in_every_group", where=named(dropped[i])), TELL),
        (lost > 0, lambda i: notes.say("outside_standard", number=said(lost[i], "event")), TELL),
    ]


def left_out(t: Tally) -> list[Remark]:
    """Remark on rows whose stratum is unknown: they cannot be standardised."""
    what = " or ".join(column.replace("_", " ") for column in t.strata)
    events, people = t.unknown["events"], t.unknown["at_risk"]
    return [
        (events > 0, lambda i: notes.say("unknown_strata", number=said(events[i], "event"), what=what), TELL),
        (np.isnan(events), notes.say("uncounted_strata", what=what), TELL),
        (people > 0, lambda i: notes.say("unknown_strata", number=f"{people[i]:.0f} at risk", what=what), TELL),
    ]


def few_people(events: np.ndarray, spread: np.ndarray) -> list[Remark]:
    """Remark on figures that rest on few people who count often: by simulation their limits miss too often."""
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = events**2 / spread
    rows = (events >= EXACT_BELOW) & (effective < EXACT_BELOW)
    return [(rows, lambda i: notes.say("repeated", number=f"{effective[i]:.0f}"), WARN)]


def heavy_strata(t: Tally, share: np.ndarray, rate: np.ndarray, method: str) -> list[Remark]:
    """Remark on rates that one event more would move by two fifths: by simulation Dobson's limits miss too often."""
    with np.errstate(divide="ignore", invalid="ignore"):
        move = share.max(axis=1, initial=0) / rate
    rows = np.isfinite(move) & (move >= 0.4) & (method != "gamma")
    names = labels(t.strata)

    def say(i: int) -> str:
        return notes.say("heavy", where=names[share[i].argmax()], number=f"{100 * move[i]:.0f}")

    return [(rows, say, WARN)]


def reference_rates(reference: pd.DataFrame, over: Sequence[str]) -> tuple[pd.DataFrame, float]:
    """Return ``over`` plus ``rate`` of the strata that have one, and the crude rate of these strata."""
    if lacking := [column for column in [*over, "events", "at_risk"] if column not in reference]:
        raise PcrefError(f"reference: no column {', '.join(lacking)}; it needs {', '.join(over)}, events, at_risk.")
    t = tally(reference, over)
    events, people = totals(t)
    given = ~standards.unknown(t.groups, over).to_numpy() & (people > 0) & (events >= 0)
    if not given.any():
        raise PcrefError("reference: no stratum has both a count of events and people at risk.")
    rates = t.groups[given].assign(rate=events[given] / people[given]).reset_index(drop=True)
    return rates, events[given].sum() / people[given].sum()
