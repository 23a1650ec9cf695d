"""From cells to strata: one row for each exposure and adjustment level, with the sums over people that a fit needs.

With ``y`` a person's events (or total, where the indicator is a mean) and ``t`` that person's time at risk or number
of observations, a stratum carries ``y, t, yy, yt, tt``: the sums over its people of y, t, y^2, y t and t^2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from pcref_analysis.vocabulary import notes
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.ethnicity import ALL_OTHERS, WHOLE_POPULATION
from pcref_analysis.vocabulary.standards import UNKNOWN_VALUES

SUMS = ["y", "t", "yy", "yt", "tt"]
STRATUM = ["ethnic_group", "sex", "age_band", "imd_quintile", "period"]
NAMES = {"age_band": "age", "age_spline": "age", "sex": "sex", "imd_quintile": "imd"}
AS_GIVEN = ("quasipoisson", "negbin")  # their dispersion is between the strata of the cells, so none are merged


@dataclass(frozen=True)
class Options:
    """What a fit is asked for, as :func:`pcref_analysis.estimates.regression.adjusted_ratios.adjusted` explains it."""

    exposure: str
    comparator: object
    family: str = "poisson"
    outcome: str = "auto"
    unknown_exposure: str = "keep"
    unknown_adjust: str = "exclude"
    robust: bool = True
    small_sample: bool = False
    level: float = 0.95
    interval: str = "normal"

    @property
    def measure(self) -> str:
        """What is compared: ``ratio``, or ``odds_ratio``."""
        return "odds_ratio" if self.family == "logistic" else "ratio"

    def check(self, cells: pd.DataFrame, pooled: bool = True) -> None:
        """Raise for a comparator that no cell has (or that is ``pooled``, where it may not be) or an odd option."""
        if self.interval not in ("t", "normal"):
            raise PcrefError("regression: interval must be 't' or 'normal'.")
        if not 0 < self.level < 1:
            raise PcrefError(f"regression: level must lie between 0 and 1 (0.95 for 95%), not {self.level}.")
        if self.exposure not in cells:
            raise PcrefError(f"regression: the cells have no column '{self.exposure}'.")
        if self.comparator in (ALL_OTHERS, WHOLE_POPULATION):
            if not pooled:
                raise PcrefError("regression: this needs one level of the exposure as comparator.")
        elif not cells[self.exposure].isin([self.comparator]).any():
            raise PcrefError(
                f"regression: no cell has the comparator '{self.comparator}' in {self.exposure}. "
                f"Choose one of its levels, '{ALL_OTHERS}' or '{WHOLE_POPULATION}'."
            )
        for name in ("unknown_exposure", "unknown_adjust"):
            if getattr(self, name) not in ("keep", "exclude"):
                raise PcrefError(f"regression: {name} must be 'keep' or 'exclude'.")


def columns_of(adjust: list[str]) -> list[str]:
    """Return the cell columns behind the adjustment terms (``age_spline`` stands on ``age_band``)."""
    return list(dict.fromkeys("age_band" if term == "age_spline" else term for term in adjust))


def adjustment_name(adjust: list[str]) -> str:
    """Name the adjustment: ``crude``, ``age_sex``, ``age_sex_imd`` (period is a matter of pooling, not of naming)."""
    words = [NAMES.get(term, term) for term in adjust if term != "period"]
    known = [word for word in ("age", "sex", "imd") if word in words]
    return "_".join(known + [word for word in dict.fromkeys(words) if word not in known]) or "crude"


def is_unknown(column: pd.Series) -> pd.Series:
    """Mark missing values and the words of the vocabulary for an unknown value."""
    return column.isna() | column.isin(UNKNOWN_VALUES)


def person_sums(cells: pd.DataFrame, outcome: str = "auto") -> pd.DataFrame:
    """Add ``y, t, yy, yt, tt`` to the cells.

    They are read from ``events, at_risk, events_sq, events_at_risk, at_risk_sq``, or for a mean (``total`` present)
    from ``total, at_risk, total_sq, total_at_risk, at_risk_sq``. Where only ``at_risk_sq`` is absent each person is
    taken as ``t`` = 1: exact for residents counted by the census (those whom the Trust never met have y = 0 and
    t = 1). Where the sums of events over people are absent too, or rule that out, ``assumed`` says so: the variance
    of a rate is then at least Poisson's.

    Raises
    ------
    PcrefError
        If a column is absent or a count is negative.
    """
    given = {"events": {"events", "at_risk"}, "total": {"total", "at_risk"}}.get(outcome, {"at_risk"})
    absent = sorted(given - set(cells.columns)) or ([] if {"events", "total"} & set(cells.columns) else ["events"])
    if absent:
        raise PcrefError(f"regression: the cells lack column(s) {', '.join(absent)}.")
    events, total, square, total_square, cross, total_cross, t, tt = (
        cells[name].astype("float64") if name in cells else pd.Series(np.nan, index=cells.index)
        for name in (
            *("events", "total", "events_sq", "total_sq", "events_at_risk", "total_at_risk", "at_risk", "at_risk_sq"),
        )
    )
    mean = pd.Series(outcome == "total", index=cells.index)
    if outcome == "auto":  # an indicator is a mean if any of its cells has a total
        mean = total.notna().groupby(cells.get("indicator", mean).to_numpy(), dropna=False).transform("any")
    y, yy, yt = total.where(mean, events), total_square.where(mean, square), total_cross.where(mean, cross)
    if bad := int(((events < 0) | (t < 0)).sum()):
        raise PcrefError(f"regression: {bad} cell(s) have events or at_risk below zero. Check how they were counted.")
    untold = yt.isna() & tt.notna() & ~np.isclose(tt, t)
    frame = cells.assign(count=events, y=y, t=t, is_mean=mean, left_out=y.isna() | t.isna())
    disproved = tt.isna() & (yy < y**2 / t * (1 - 1e-9))  # not one unit of time each
    frame["assumed"] = ((yy.isna() | disproved) & ~mean) | untold
    frame["yy"], frame["yt"], frame["tt"] = yy.where(yy.notna() | mean, y), yt.fillna(y), tt.mask(untold).fillna(t)
    return frame


def collapse(frame: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Add strata up over everything but ``by``; exact where the fitted rate is the same for all that is merged."""
    more = [name for name in ("people", "rows") if name in frame]
    code, keys = np.zeros(len(frame), dtype=np.int64), {}
    for name in by:  # a fit a group and year makes many small frames, for which pandas' own grouping takes ten times
        codes, values = pd.factorize(frame[name], sort=True, use_na_sentinel=False)
        keys[name], code = (codes, values), code * len(values) + codes
    _, first, stratum = np.unique(code, return_index=True, return_inverse=True)
    out: dict[str, Any] = {}
    for name, (codes, values) in keys.items():
        out[name] = pd.Series(np.array(values, dtype=object)[codes[first]], dtype=object)
    for name in [*SUMS, "count", *more]:
        out[name] = np.bincount(stratum, frame[name].to_numpy(float), len(first))
    for name in ("assumed", "is_mean"):
        out[name] = np.bincount(stratum, frame[name].to_numpy(float), len(first)) > 0
    return pd.DataFrame(out)


@dataclass(frozen=True)
class Problem:
    """One indicator in one period (or pooled periods): its strata, and what is said about it."""

    indicator: object
    period: object
    frame: pd.DataFrame
    notes: tuple[str, ...] = ()
    empty: tuple[object, ...] = ()  # levels of the exposure with no one at risk
    refused: str = ""  # the kind of note that says why nothing can be fitted
    left_out: float = 0.0  # events that are not in the fit


def problems(cells: pd.DataFrame, adjust: list[str], ask: Options) -> Iterator[Problem]:
    """Split cells by indicator and period (pooled where ``period`` is adjusted for) and add them up to strata.

    Raises
    ------
    PcrefError
        If a column is absent, or the cells hold impossible numbers.
    """
    exposure = ask.exposure
    over = columns_of(adjust)
    absent = [name for name in [exposure, *over] if name not in cells]
    if absent or exposure in over:
        raise PcrefError(f"regression: {', '.join(absent) or exposure} cannot be adjusted for: not a column to spare.")
    frame = _plain(person_sums(cells, ask.outcome), exposure, over)
    frame["no_exposure"] = is_unknown(frame[exposure]) & (ask.unknown_exposure == "exclude")
    frame["no_adjuster"] = False
    for name in over if ask.unknown_adjust == "exclude" else []:
        frame["no_adjuster"] |= is_unknown(frame[name])
    for key, part in frame.groupby(["indicator"] if "period" in over else ["indicator", "period"], sort=False):
        years = sorted(set(map(str, part["period"])))
        period = key[1] if len(key) > 1 else " to ".join(dict.fromkeys([years[0], years[-1]]))
        yield _problem(key[0], period, part, exposure, over, ask.family)


def _plain(frame: pd.DataFrame, exposure: str, over: list[str]) -> pd.DataFrame:
    """Keep what is used, keys as plain objects; a missing key becomes "Not known"."""
    frame = frame.assign(**{name: "" for name in ("indicator", "period") if name not in frame})
    keys = list(dict.fromkeys(["indicator", "period", exposure, *over, *[n for n in STRATUM if n in frame]]))
    more = [name for name in (*SUMS, "count", "is_mean", "left_out", "assumed", "people", "rows") if name in frame]
    for name in keys:
        codes, values = pd.factorize(frame[name])  # each distinct value is made an object once
        plain = np.append(np.array(values, dtype=object), "Not known")[codes]
        frame[name] = pd.Series(plain, index=frame.index, dtype=object)
    return frame[[*keys, *more]]


def _problem(
    indicator: object, period: object, part: pd.DataFrame, exposure: str, over: list[str], family: str
) -> Problem:
    used = part[~part["no_adjuster"] & ~part["no_exposure"] & ~part["left_out"]]
    rest = [name for name in STRATUM if name in part and name not in (exposure, *over)] if family in AS_GIVEN else []
    frame = collapse(used, [exposure, *over, *rest])
    idle = frame.loc[~(frame["t"] > 0), "y"].sum()
    at_risk = frame.groupby(exposure)["t"].sum()
    shown = dict.fromkeys(part.loc[~part["no_exposure"], exposure])
    empty = tuple(level for level in shown if not at_risk.get(level, 0) > 0)
    left_out = part["y"].sum() - frame.loc[frame["t"] > 0, "y"].sum()
    frame = frame[frame["t"] > 0].reset_index(drop=True)
    said = tuple(_notes(part, used, idle, exposure, over, family))
    return Problem(indicator, period, frame, said, empty, _refusal(frame, family), float(left_out))


def _notes(
    part: pd.DataFrame, used: pd.DataFrame, idle: float, exposure: str, over: list[str], family: str
) -> Iterator[str]:
    total, what = part["y"].sum(), "the total" if part["is_mean"].any() else "events"
    words = {"age_band": "age", "imd_quintile": "deprivation"}
    adjusters = " or ".join(words.get(name, name.replace("_", " ")) for name in over)
    for flag, reason in (("no_adjuster", adjusters), ("no_exposure", exposure.replace("_", " "))):
        if part[flag].any():
            share = _share(part.loc[part[flag], "y"].sum(), total)
            yield notes.say("share_left_out", share=share, what=what, why=f"{reason} unknown")
    if idle > 0:
        yield notes.say("share_left_out", share=_share(idle, total), what=what, why="no one at risk in their stratum")
    if part["left_out"].any():
        yield notes.say("cells_left_out", number=int(part["left_out"].sum()))
    if len(set(used["period"])) > 1:
        yield notes.say("pooled")
    if used["assumed"].any():
        yield notes.say("once" if family == "logistic" else "independent")
    if used["yy"].isna().any():
        yield notes.say("no_squares")


def _share(part: float, total: float) -> str:
    percent = 100 * part / total if total else 0.0
    return "under 1%" if 0 < percent < 1 else f"{percent:.0f}%"


def _refusal(frame: pd.DataFrame, family: str) -> str:
    if (frame["y"] < 0).any():
        return "negative_mean"
    if family == "logistic" and (frame["y"] > frame["t"] * (1 + 1e-9)).any():
        return "no_odds"
    return ""


def jobs(p: Problem, over: list[str], ask: Options) -> Iterator[tuple[Problem, object, list[object]]]:
    """Yield (problem, reference level of the fit, groups to compare) for the three kinds of comparator.

    All other groups: the exposure recoded to one known group and all other known groups, a fit for each. The whole
    population: one fit; the largest group is only the reference of the coding.
    """
    exposure, comparator = ask.exposure, ask.comparator
    levels = list(dict.fromkeys(p.frame[exposure]))
    if comparator == ALL_OTHERS:
        known = p.frame[~is_unknown(p.frame[exposure])]
        by = [exposure, *over, *[n for n in STRATUM if n in known and n not in (exposure, *over)]]
        for group in dict.fromkeys(known[exposure]):
            frame = known.assign(**{exposure: known[exposure].where(known[exposure] == group, ALL_OTHERS)})
            yield replace(p, frame=collapse(frame, by)), ALL_OTHERS, [group]
    elif comparator == WHOLE_POPULATION:
        events = p.frame.groupby(exposure)["y"].sum()
        yield p, events.idxmax() if len(events) else None, levels
    else:
        yield p, comparator, [level for level in levels if level != comparator]
