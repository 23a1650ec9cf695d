"""From cells to strata: one row for each exposure and adjustment level, with the sums over people that a fit needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from pcref_analysis.vocabulary.errors import PcrefError

UNKNOWN_WORDS = ("Not stated", "Not known", "Unknown")
ALL_OTHERS = "All other groups"
WHOLE_POPULATION = "Whole population"
SUMS = ["y", "t", "yy", "yt", "tt"]
NAMES = {"age_band": "age", "age_spline": "age", "sex": "sex", "imd_quintile": "imd"}
AS_GIVEN = ("quasipoisson", "negbin")  # their dispersion is that of the cells as given, so these are not summed


def columns_of(adjust: list[str]) -> list[str]:
    """Return the cell columns behind the adjustment terms (``age_spline`` stands on ``age_band``)."""
    return list(dict.fromkeys("age_band" if term == "age_spline" else term for term in adjust))


def adjustment_name(adjust: list[str]) -> str:
    """Name the adjustment: ``crude``, ``age_sex``, ``age_sex_imd`` (period is a matter of pooling, not of naming)."""
    words = [NAMES.get(term, term) for term in adjust if term != "period"]
    known = [word for word in ("age", "sex", "imd") if word in words]
    return "_".join(known + [word for word in words if word not in known]) or "crude"


def is_unknown(column: pd.Series) -> pd.Series:
    """Mark missing values and the words of the vocabulary for an unknown value."""
    return column.isna() | column.isin(UNKNOWN_WORDS)


def person_sums(cells: pd.DataFrame, family: str, outcome: str = "auto") -> pd.DataFrame:
    """Add the sums over people that the fit and its clustered variance need.

    With ``y`` a person's events (or total, for a mean) and ``t`` that person's time or number of observations:
    ``y``, ``t``, ``yy`` = sum of y^2, ``yt`` = sum of y t, ``tt`` = sum of t^2 over the people of a cell. They are
    read from ``events, at_risk, events_sq, events_at_risk, at_risk_sq`` or ``total, at_risk, total_sq,
    total_at_risk, at_risk_sq``. Where a column is absent or missing each person is taken to count once
    (``t`` = 1): exact for residents counted by the census, stated in ``assumed`` otherwise.

    Raises
    ------
    PcrefError
        If a column is missing, a count is negative, or the sums cannot come from the same people.
    """
    need = {"events", "at_risk"} if outcome == "events" else {"at_risk"}
    absent = sorted(need - set(cells.columns))
    if absent or not {"events", "total"} & set(cells.columns):
        raise PcrefError(f"regression: the cells lack column(s) {', '.join(absent or ['events'])}.")

    def column(name: str) -> pd.Series:
        if name in cells:
            return cells[name].astype("float64")
        return pd.Series(np.nan, index=cells.index)

    total = column("total")
    mean = total.notna() & (outcome != "events")
    if outcome == "total" and not mean.any():
        raise PcrefError("regression: a mean was asked for, but the cells have no total.")
    frame = cells.copy()
    frame["count"] = column("events")
    frame["y"] = total.where(mean, column("events"))
    frame["t"] = column("at_risk")
    frame["tt"] = column("at_risk_sq").fillna(frame["t"])
    square, cross = column("total_sq").where(mean, column("events_sq")), column("total_at_risk")
    cross = cross.where(mean, column("events_at_risk"))
    frame["assumed"] = square.isna() | (cross.isna() & ~np.isclose(frame["tt"], frame["t"]))
    frame["tt"] = frame["tt"].where(~(cross.isna() & frame["assumed"]), frame["t"])
    frame["yy"] = square.where(square.notna(), frame["y"].where(~mean))
    frame["yt"] = cross.fillna(frame["y"])
    frame["is_mean"] = mean
    frame["left_out"] = frame[["y", "t"]].isna().any(axis=1)
    _refuse_impossible(frame, family)
    return frame


def _refuse_impossible(frame: pd.DataFrame, family: str) -> None:
    known = frame[~frame["left_out"]]
    faults = {
        "negative counts or times at risk": (known["y"] < 0) & ~known["is_mean"] | (known["t"] < 0),
        "sums of squares that cannot come from the same people as the sums (events_sq, events_at_risk, at_risk_sq)": (
            (known["yt"] ** 2 > known["yy"] * known["tt"] * (1 + 1e-9) + 1e-6) & (known["t"] > 0) & False
        ),
    }
    if family == "logistic":
        faults["more events than at risk, so no proportion (use family='poisson')"] = (
            known["y"] > known["t"] * (1 + 1e-9)
        ) & (known["t"] > 0)
    for words, where in faults.items():
        if where.any():
            raise PcrefError(f"regression: {int(where.sum())} cell(s) have {words}. Check how the cells were counted.")


def collapse(frame: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Sum the person sums over everything but ``by``; exact, since a stratum's rate is the same for all its cells."""
    sums = [*SUMS, "count"] + [name for name in ("people", "rows") if name in frame]
    grouped = frame.groupby(by, dropna=False, observed=True, sort=True)
    out = grouped[sums].sum(min_count=1)
    out["assumed"] = grouped["assumed"].any()
    out["is_mean"] = grouped["is_mean"].any()
    return out.reset_index()


@dataclass(frozen=True)
class Problem:
    """One indicator in one period (or pooled periods): its strata, and what was left out, in words."""

    indicator: object
    period: object
    frame: pd.DataFrame
    notes: tuple[str, ...]
    without: tuple[object, ...]  # levels of the exposure that have events or cells but no one at risk


def problems(
    cells: pd.DataFrame,
    exposure: str,
    adjust: list[str],
    family: str,
    outcome: str = "auto",
    unknown_exposure: str = "keep",
    unknown_adjust: str = "exclude",
) -> Iterator[Problem]:
    """Split cells by indicator and period (pooled where ``period`` is adjusted for) and sum them to strata.

    Raises
    ------
    PcrefError
        If a column is absent, an option is unknown, or the cells hold impossible numbers.
    """
    for name, value in (("unknown_exposure", unknown_exposure), ("unknown_adjust", unknown_adjust)):
        if value not in ("keep", "exclude"):
            raise PcrefError(f"regression: {name} must be 'keep' or 'exclude'.")
    over = columns_of(adjust)
    absent = [name for name in [exposure, *over] if name not in cells]
    if absent or exposure in over:
        raise PcrefError(f"regression: {', '.join(absent) or exposure}: not a column of the cells that can be used so.")
    frame = person_sums(cells, family, outcome)
    for name in ("indicator", "period"):
        frame[name] = frame[name] if name in frame else ""
    frame["unknown"] = _any_unknown(frame, over)
    split = ["indicator"] + ([] if "period" in over else ["period"])
    for key, part in frame.groupby(split, dropna=False, observed=True, sort=False):
        period = part["period"].dropna().drop_duplicates().sort_values()
        label = key[1] if len(key) > 1 else " to ".join(dict.fromkeys(map(str, [period.iloc[0], period.iloc[-1]])))
        yield _problem(key[0], label, part, exposure, over, family, (unknown_exposure, unknown_adjust))


def _any_unknown(frame: pd.DataFrame, over: list[str]) -> pd.Series:
    out = pd.Series(False, index=frame.index)
    for name in over:
        out |= is_unknown(frame[name])
    return out


def _problem(
    indicator: object,
    period: object,
    part: pd.DataFrame,
    exposure: str,
    over: list[str],
    family: str,
    unknown: tuple[str, str],
) -> Problem:
    notes, total = [], part["y"].sum()
    gone = part["unknown"] & (unknown[1] == "exclude")
    if gone.any():
        notes.append(f"{_share(part.loc[gone, 'y'].sum(), total)} left out: {_list(over)} unknown")
    hidden = is_unknown(part[exposure]) & (unknown[0] == "exclude")
    if hidden.any():
        notes.append(f"{_share(part.loc[hidden, 'y'].sum(), total)} left out: {exposure.replace('_', ' ')} unknown")
    if part["left_out"].any():
        notes.append(f"{int(part['left_out'].sum())} cell(s) without a figure left out")
    used = part[~gone & ~hidden & ~part["left_out"]]
    if used["period"].nunique() > 1:
        notes.append("periods pooled: a person seen in several periods counts as several people in the interval")
    if used["assumed"].any():
        notes.append("interval takes each person to count once (no sums over people given)")
    by = [exposure, *over]
    strata = used if family in AS_GIVEN else collapse(used, by)
    at_risk = strata.groupby(exposure, dropna=False, observed=True)["t"].sum()
    levels = part.loc[~hidden, exposure].drop_duplicates()
    without = tuple(level for level in levels if not at_risk.get(level, 0) > 0)
    strata = strata[strata["t"] > 0].reset_index(drop=True)
    return Problem(indicator, period, strata, tuple(notes), without)


def _share(part: float, total: float) -> str:
    percent = 100 * part / total if total else 0.0
    return f"{'under 1' if 0 < percent < 1 else f'{percent:.0f}'} % of events"


def _list(columns: list[str]) -> str:
    words = {"age_band": "age", "imd_quintile": "deprivation"}
    return " or ".join(words.get(name, name.replace("_", " ")) for name in columns)


def against_all_others(problem: Problem, exposure: str, group: object, over: list[str], family: str) -> Problem:
    """Recode the exposure to one group and all other known groups together."""
    known = problem.frame[~is_unknown(problem.frame[exposure])]
    frame = known.assign(**{exposure: known[exposure].astype(object).where(known[exposure] == group, ALL_OTHERS)})
    return replace(problem, frame=frame if family in AS_GIVEN else collapse(frame, [exposure, *over]))
