"""Rates, ratios, differences and their limits, worked out again from the counts that are released.

A released figure depends on the released counts and on two factors without a unit: how far adjustment
moves the figure, and how much wider its interval is than chance among the counts alone. Both factors are
shown to few digits. So dividing a rate by its population, or reading a count from the width of an
interval, gives back the rounded count and no more.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import gammainccinv, gammaincinv, ndtri

RATIOS, SHARES = ("rate", "percent", "ratio"), ("percent",)
UNITS = np.array([1.0, 100.0, 1_000.0, 10_000.0, 100_000.0, 1_000_000.0])


def significant(values: np.ndarray, digits: np.ndarray | int) -> np.ndarray:
    """Round to a number of significant digits."""
    values = np.asarray(values, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        power = 10.0 ** (np.floor(np.log10(np.abs(values))) + 1 - digits)
        return np.where((values == 0) | ~np.isfinite(values), values, np.round(values / power) * power)


def again(rows: pd.DataFrame) -> pd.DataFrame:
    """Return ``estimate, lower, upper`` from released counts.

    ``rows`` holds measure, estimate, lower, upper, level and the counts of the group and its comparator, true
    (``o, n, o0, n0``) and released (``r, m, r0, m0``); a comparator that is not in the table is missing.
    """
    out = pd.DataFrame(np.nan, index=rows.index, columns=["estimate", "lower", "upper"])
    for kind, work in (("relative", _relative), ("difference", _difference), ("excess", _excess), ("mean", _mean)):
        measures = RATIOS if kind == "relative" else (kind,)
        part = rows[rows["measure"].isin(measures)]
        if len(part):
            out.loc[part.index] = work(part)
    return out


def _z(rows: pd.DataFrame) -> np.ndarray:
    return -ndtri((1 - rows["level"].to_numpy(float)) / 2)


def poisson(count: np.ndarray, level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return exact limits of a Poisson count."""
    alpha = (1 - level) / 2
    return np.where(count == 0, 0.0, gammaincinv(count, alpha)), gammainccinv(count + 1, alpha)


def _spread(rows: pd.DataFrame, names: tuple[str, str, str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Return how far the limits of chance lie from the figure, on the log scale, below and above."""
    o, n, o0, _ = (rows[name].to_numpy(float) for name in names)
    level, z = rows["level"].to_numpy(float), _z(rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = poisson(o, level)
        down, up = np.log(o / low), np.log(high / o)
        share = rows["measure"].isin(SHARES).to_numpy() & (n >= o)
        p, root = o / n, z * np.sqrt(o / n * (1 - o / n) / n + z**2 / (4 * n**2))
        wilson = [(p + z**2 / (2 * n) + side * root) / (1 + z**2 / n) for side in (-1, 1)]
        down, up = np.where(share, np.log(p / wilson[0]), down), np.where(share, np.log(wilson[1] / p), up)
        ratio = z * np.sqrt(1 / o + np.where(o0 > 0, 1 / o0, 0.0))
    is_ratio = (rows["measure"] == "ratio").to_numpy()
    return np.where(is_ratio, ratio, down), np.where(is_ratio, ratio, up)


def _factor(true: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Return how many times wider than chance an interval is, rounded up to a tenth."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.ceil(true / chance * 10 - 0.2) / 10


def _relative(rows: pd.DataFrame) -> np.ndarray:
    o, n, o0, n0, r, m, r0, m0 = (rows[c].to_numpy(float) for c in ("o", "n", "o0", "n0", "r", "m", "r0", "m0"))
    value, lower, upper = (rows[c].to_numpy(float) for c in ("estimate", "lower", "upper"))
    compared = (rows["measure"] == "ratio").to_numpy() & ~np.isnan(o0)
    with np.errstate(divide="ignore", invalid="ignore"):
        base = np.where(compared, o0 / n0, 1.0)
        shown = np.where(compared, r0 / m0, 1.0)
        factor = value / (o / n / base)
        unit = UNITS[np.argmin(np.abs(np.log(np.where(factor > 0, factor, 1.0))[:, None] - np.log(UNITS)), axis=1)]
        digits = np.where((rows["measure"] == "ratio").to_numpy() & ~compared, 2, 3)
        factor = np.where(np.abs(factor / unit - 1) < 1e-6, unit, significant(factor, digits))
        estimate = factor * (r / m / shown)
        down, up = _spread(rows, ("o", "n", "o0", "n0"))
        down_shown, up_shown = _spread(rows, ("r", "m", "r0", "m0"))
        low = estimate * np.exp(-_factor(np.log(value / lower), down) * down_shown)
        high = estimate * np.exp(_factor(np.log(upper / value), up) * up_shown)
        low = np.where(lower <= 0, 0.0, low)
    itself = compared & (rows["ethnic_group"] == rows["comparator"]).to_numpy() if "ethnic_group" in rows else False
    estimate, low, high = (
        np.where(itself & (value == 1), old, new) for old, new in ((value, estimate), (lower, low), (upper, high))
    )
    none = o == 0
    top = significant(upper * np.where(n > 0, n, np.nan), 2) / m
    high = np.where(
        (rows["measure"] == "percent").to_numpy(),
        np.minimum(np.where(none, top, high), 100.0),
        np.where(none, top, high),
    )
    values = np.column_stack([np.where(none, 0.0, estimate), np.where(none, 0.0, low), high])
    return significant(values, 3)


def _difference(rows: pd.DataFrame) -> np.ndarray:
    o, n, o0, n0, r, m, r0, m0 = (rows[c].to_numpy(float) for c in ("o", "n", "o0", "n0", "r", "m", "r0", "m0"))
    value, lower, upper, per = (rows[c].to_numpy(float) for c in ("estimate", "lower", "upper", "per"))
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = value + per * ((r / m - r0 / m0) - (o / n - o0 / n0))
        chance = _z(rows) * per * np.sqrt(o / n**2 + o0 / n0**2)
        shown = _z(rows) * per * np.sqrt(r / m**2 + r0 / m0**2)
        low, high = (
            estimate + side * _factor(side * (limit - value), chance) * shown
            for side, limit in ((-1, lower), (1, upper))
        )
        step = significant(per * r / m, 1) / 100  # a hundredth of the group's own rate
        return np.column_stack([np.round(x / step) * step for x in (estimate, low, high)])


def _excess(rows: pd.DataFrame) -> np.ndarray:
    o, n, o0, r, m, r0, base = (rows[c].to_numpy(float) for c in ("o", "n", "o0", "r", "m", "r0", "base"))
    value, lower, upper = (rows[c].to_numpy(float) for c in ("estimate", "lower", "upper"))
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = significant((o - value) * np.where(np.isnan(o0), 1.0, r0 / o0) * (m / n), 2)
        estimate = r - expected
        true, shown = poisson(o, rows["level"].to_numpy(float)), poisson(r, rows["level"].to_numpy(float))
        low = estimate - _factor(value - lower, o - true[0]) * (r - shown[0])
        high = estimate + _factor(upper - value, true[1] - o) * (shown[1] - r)
        return np.column_stack([np.round(x / base) * base for x in (estimate, low, high)])


def _mean(rows: pd.DataFrame) -> np.ndarray:
    """Round a mean and its limits so coarsely that every count behind the released one could give it."""
    m, base = rows["m"].to_numpy(float), rows["base"].to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        step = 10.0 ** np.ceil(np.log10(1.0 / np.maximum(m - base / 2, 1.0)))
    return np.column_stack([np.round(rows[c].to_numpy(float) / step) * step for c in ("estimate", "lower", "upper")])
