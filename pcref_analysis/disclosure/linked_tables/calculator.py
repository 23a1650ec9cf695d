"""What the figures of a published table say of its counts, beyond what the shown counts say."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pcref_analysis.disclosure import disclosure_rule, rounded_figures
from pcref_analysis.disclosure.comparators import before_adjustment, figures_of, of_values
from pcref_analysis.disclosure.linked_tables import back_calculation
from pcref_analysis.disclosure.linked_tables.schema import indicator_of, per_of
from pcref_analysis.estimates import intervals
from pcref_analysis.vocabulary.parameters import Disclosure

CLOSE = 0.006  # a figure of three digits is this close to what it was worked out from
MANY = 60  # hidden counts up to this are tried


def counts_behind(frame: pd.DataFrame, rule: Disclosure) -> tuple[np.ndarray, np.ndarray]:
    """Return the smallest and largest events that each row's figures allow (missing: they say nothing).

    A crude rate or percentage times its denominator gives the count; so does the width of a crude interval
    (Byar's, exact, Wilson's, Clopper and Pearson's), of a ratio's, and the lopsidedness of a standardised
    rate's. Crude figures that follow from the shown counts say no more than these and are passed over.
    """
    nothing = np.full(len(frame), np.nan)
    if not {"estimate", "events"} <= set(frame) or not len(frame):
        return nothing, nothing.copy()
    rows = figures_of(frame)
    rows["r"] = frame["events"].astype(float)
    rows["m"] = frame["at_risk"].astype(float) if "at_risk" in frame else np.nan
    hidden = rows["r"].isna().to_numpy()
    low, high = disclosure_rule.possible(rows["r"], rule)
    high = np.where(hidden, MANY, high)
    crude = _crude(frame, rows)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        least, most = _from_width(rows, frame, (low, high))
        value_low, value_high = _from_value(rows, frame, rule, crude)
        explained = crude & ~hidden & _explained(rows)
        width_low, width_high = _from_crude_width(rows, (low, high), crude & ~explained)
    least = np.fmax(np.fmax(least, value_low), width_low)
    most = np.fmin(np.fmin(most, value_high), width_high)
    usable = rows["estimate"].notna().to_numpy() & ~explained & (rows["estimate"] > 0).to_numpy()
    return np.where(usable & (least > low), least, np.nan), np.where(usable & (most < high), most, np.nan)


def _crude(frame: pd.DataFrame, rows: pd.DataFrame) -> np.ndarray:
    return rows["measure"].isin(["rate", "percent"]).to_numpy() & before_adjustment(frame)


def _half(values: np.ndarray) -> np.ndarray:
    """Return half the unit to which numbers are written."""
    texts = [f"{x:.10g}" for x in values]
    decimals = np.array([len(t.partition(".")[2]) if "e" not in t else 0 for t in texts])
    return 0.5 * 10.0**-decimals


def _per(frame: pd.DataFrame, rows: pd.DataFrame) -> np.ndarray:
    ids = indicator_of(frame)
    per = per_of(frame).mask((rows["measure"] == "percent"), 100.0)
    guess = (rows["estimate"] * rows["m"] / rows["r"]).where(rows["r"] > 0).groupby(ids).transform("median")
    near = rounded_figures.UNITS[
        np.argmin(np.abs(np.log(guess.to_numpy(float)[:, None] / rounded_figures.UNITS)), axis=1)
    ]
    return per.fillna(pd.Series(near, per.index).where(guess > 0)).to_numpy(float)


def _from_value(
    rows: pd.DataFrame, frame: pd.DataFrame, rule: Disclosure, crude: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    per, value, at_risk = _per(frame, rows), rows["estimate"].to_numpy(float), rows["m"].to_numpy(float)
    explained = np.abs(rows["r"].to_numpy(float) * per / at_risk / value - 1) < CLOSE
    low, high = disclosure_rule.possible(at_risk, rule)
    half = _half(value)
    least, most = np.ceil((value - half) * low / per - 1e-6), np.floor((value + half) * high / per + 1e-6)
    says = crude & ~explained & ~np.isnan(at_risk)
    return np.where(says, least, np.nan), np.where(says, most, np.nan)


def _from_crude_width(
    rows: pd.DataFrame, limits: tuple[np.ndarray, np.ndarray], wanted: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    least, most = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    value, lower, upper = (rows[c].to_numpy(float) for c in ("estimate", "lower", "upper"))
    for i in np.flatnonzero(wanted & (lower > 0) & (lower < value) & (value < upper)):
        counts = np.arange(max(limits[0][i], 1.0), limits[1][i] + 1)
        at_risk, level = rows["m"].iloc[i], float(rows["level"].iloc[i])
        half = _half(np.array([value[i], lower[i], upper[i]]))
        methods = [intervals.byar(counts, level), intervals.exact_poisson(counts, level)]
        if rows["measure"].iloc[i] == "percent" and at_risk >= 1:
            inside = np.minimum(counts, at_risk)
            methods = [m(inside, at_risk, level) for m in (intervals.wilson, intervals.clopper_pearson)]
            methods = [(low * at_risk, high * at_risk) for low, high in methods]
        fits = np.zeros(len(counts), bool)
        for low, high in methods:
            below = np.abs(low / counts * value[i] - lower[i]) <= half[1] + half[0] * low / counts
            above = np.abs(high / counts * value[i] - upper[i]) <= half[2] + half[0] * high / counts
            fits |= below & above
        if fits.any():
            least[i], most[i] = counts[fits].min(), counts[fits].max()
    return least, most


def _from_width(
    rows: pd.DataFrame, frame: pd.DataFrame, limits: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Read the intervals of adjusted figures, knowing to how many digits they are given."""
    low, high = limits
    given = np.column_stack([rows[c].to_numpy(float) for c in ("estimate", "lower", "upper")])
    half = np.repeat(
        rounded_figures.steps(rows.join(frame[frame.columns.intersection(["rounded_to"])]))[:, None] / 2, 3, 1
    )
    rows = rows.assign(low0=np.nan, high0=np.nan, values=of_values(rows["r"], rows["m"]))
    least, most = low.copy(), high.copy()
    todo = np.flatnonzero(~np.isnan(given).any(axis=1) & ~_crude(frame, rows))
    if len(todo):
        least[todo], most[todo] = back_calculation.left(rows.iloc[todo], low[todo], high[todo], half[todo])
    return least, most


def _explained(rows: pd.DataFrame) -> np.ndarray:
    """Say whether the limits follow from the released counts and a widening given to a tenth."""
    down, up = back_calculation.chance(rows.assign(r0=np.nan, m0=np.nan), ("r", "m", "r0", "m0"))
    value, lower, upper = (rows[c].to_numpy(float) for c in ("estimate", "lower", "upper"))
    good = np.ones(len(rows), bool)
    capped = (rows["measure"] == "percent").to_numpy() & (upper == 100)
    for shown, by_chance, free in ((value / lower, down, lower <= 0), (upper / value, up, capped)):
        times = np.log(shown) / by_chance / back_calculation.TENTH
        slack = 2 * CLOSE / by_chance / back_calculation.TENTH
        good &= free | (np.abs(times - np.round(times)) <= slack) | np.isnan(shown)
    return good
