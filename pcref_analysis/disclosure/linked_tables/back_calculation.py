"""Counts read back from rates, ratios and the width of their intervals, as an outsider with a calculator would."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtri

from pcref_analysis.estimates import intervals

COMPARED = ("ratio", "odds_ratio", "difference", "excess")
TENTH = 0.1


def z_of(rows: pd.DataFrame) -> np.ndarray:
    """Return the normal quantile of each row's level."""
    return -ndtri((1 - rows["level"].to_numpy(float)) / 2)


def chance(rows: pd.DataFrame, names: tuple[str, str, str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Return how far chance alone puts the limits from the figure on the log scale, below and above.

    ``names`` are the columns with the counts: events and at risk of the group and of its comparator.
    """
    o, n, o0, n0 = (rows[name].to_numpy(float) for name in names)
    measure, level = rows["measure"].to_numpy(), rows["level"].to_numpy(float)
    down, up = np.full(len(o), np.nan), np.full(len(o), np.nan)
    for value in np.unique(level[~np.isnan(level)]):
        here = level == value
        low, high = intervals.count(o[here], value)
        share = (measure[here] == "percent") & (n[here] >= o[here])
        wilson = intervals.wilson(o[here], n[here], value)
        rate = o[here] / n[here]
        down[here] = np.where(share, np.log(rate / wilson[0]), np.log(o[here] / low))
        up[here] = np.where(share, np.log(wilson[1] / rate), np.log(high / o[here]))
    spread = 1 / o + np.where(o0 > 0, 1 / o0, 0.0)
    odds = measure == "odds_ratio"
    spread += np.where(odds & (n > o), 1 / (n - o), 0.0) + np.where(odds & (n0 > o0), 1 / (n0 - o0), 0.0)
    both = z_of(rows) * np.sqrt(spread)
    compared = np.isin(measure, COMPARED)
    return np.where(compared, both, down), np.where(compared, both, up)


def widening(true: np.ndarray, by_chance: np.ndarray) -> np.ndarray:
    """Return how many times wider than chance an interval is, rounded up to a tenth."""
    return np.ceil(true / by_chance / TENTH - 0.2) * TENTH


def left(rows: pd.DataFrame, low: np.ndarray, high: np.ndarray, half: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which counts from ``low`` to ``high`` an interval as shown still allows: smallest and largest.

    For ratios the width is read as a model's (the variance of the log is one over the events, and one over
    the comparator's) and as Byar's; for standardised rates the lopsidedness as Dobson's. Where a reading fits no count
    at all it is not that interval, and says nothing.

    Parameters
    ----------
    rows
        ``measure, level, estimate, lower, upper`` as shown; ``low0, high0``: limits of the comparator's events;
        ``values``: the figure is of values (days), whose spread the count does not tell.
    half
        Half of the unit that estimate, lower and upper are shown to: three columns.
    """
    least, most = low.astype(float).copy(), high.astype(float).copy()
    value, lower, upper = (rows[c].to_numpy(float)[:, None] for c in ("estimate", "lower", "upper"))
    h, h_low, h_up = (half[:, i][:, None] for i in range(3))
    measure = rows["measure"].to_numpy()
    width = int(np.nanmax(np.append(high - low, 0.0))) + 1
    counts = low[:, None] + np.arange(width)
    inside = counts <= high[:, None]
    usable = ((lower - h_low > 0) & (lower <= value) & (value <= upper) & (upper > lower)).ravel()
    usable &= ~rows["values"].to_numpy(bool)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        readings = [
            (np.isin(measure, ["ratio", "odds_ratio"]), _as_model(rows, counts, lower, upper, h_low, h_up)),
            (measure == "ratio", _as_byar(rows, counts, (value, lower, upper), (h, h_low, h_up))),
            (measure == "rate", _as_dobson(rows, counts, (value, lower, upper), (h, h_low, h_up))),
        ]
    for applies, fits in readings:
        fits = fits & inside
        some = applies & usable & fits.any(axis=1)
        first = low + fits.argmax(axis=1)
        last = low + width - 1 - fits[:, ::-1].argmax(axis=1)
        least, most = np.where(some, np.maximum(least, first), least), np.where(some, np.minimum(most, last), most)
    return least, most


def _as_model(
    rows: pd.DataFrame, counts: np.ndarray, lower: np.ndarray, upper: np.ndarray, h_low: np.ndarray, h_up: np.ndarray
) -> np.ndarray:
    z = z_of(rows)[:, None]
    variance_low = (np.maximum(np.log(upper - h_up) - np.log(lower + h_low), 0.0) / (2 * z)) ** 2
    variance_high = ((np.log(upper + h_up) - np.log(lower - h_low)) / (2 * z)) ** 2
    low0, high0 = rows["low0"].to_numpy(float)[:, None], rows["high0"].to_numpy(float)[:, None]
    other_low = np.where(np.isnan(high0), 0.0, 1 / high0)
    other_high = np.where(np.isnan(low0) | (low0 <= 0), np.inf, 1 / low0)
    return (1 / counts + other_low <= variance_high) & (1 / counts + other_high >= variance_low)


def _by_level(rows: pd.DataFrame, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.full(counts.shape, np.nan), np.full(counts.shape, np.nan)
    level = rows["level"].to_numpy(float)
    for value in np.unique(level[~np.isnan(level)]):
        low[level == value], high[level == value] = intervals.count(counts[level == value], value)
    return low / counts, high / counts


def _as_byar(
    rows: pd.DataFrame, counts: np.ndarray, shown: Sequence[np.ndarray], half: Sequence[np.ndarray]
) -> np.ndarray:
    (value, lower, upper), (h, h_low, h_up) = shown, half
    low, high = _by_level(rows, counts)
    below = ((lower - h_low) / (value + h) <= low) & (low <= (lower + h_low) / np.maximum(value - h, 1e-300))
    above = ((upper - h_up) / (value + h) <= high) & (high <= (upper + h_up) / np.maximum(value - h, 1e-300))
    return below & above


def _as_dobson(
    rows: pd.DataFrame, counts: np.ndarray, shown: Sequence[np.ndarray], half: Sequence[np.ndarray]
) -> np.ndarray:
    (value, lower, upper), (h, h_low, h_up) = shown, half
    low, high = _by_level(rows, counts)
    lopsided = (high - 1) / (1 - low)
    least = (upper - h_up - value - h) / (value + h - lower + h_low)
    most = (upper + h_up - value + h) / np.maximum(value - h - lower - h_low, 1e-300)
    return (lopsided >= least) & (lopsided <= most)
