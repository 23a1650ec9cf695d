"""A design matrix over strata, and what it can tell apart: strata and contrasts without a finite answer are marked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pcref_analysis.vocabulary.errors import PcrefError

TOP_WIDTH = 20  # an open age band (65+) is taken to be this many years wide when its midpoint is needed


@dataclass(frozen=True)
class Design:
    """A design matrix over strata; ``fitted`` marks the strata that bear on the fit, ``free`` the fitted columns."""

    frame: pd.DataFrame
    x: np.ndarray
    names: list[str]
    fitted: np.ndarray
    free: np.ndarray
    null: np.ndarray  # directions that the fitted strata cannot tell
    limit: np.ndarray  # the direction along which the strata that are not fitted run to their limit

    def contrast(self, exposure: str, level: object) -> np.ndarray:
        """Return the vector that picks the log ratio of one level against the comparator."""
        return np.array([name == f"{exposure}: {level}" for name in self.names], dtype=float)

    def at(self, exposure: str, level: object, rows: np.ndarray) -> np.ndarray:
        """Return rows of the matrix with the exposure set to ``level`` (the comparator if it has no column)."""
        x = self.x[rows] * np.array([not name.startswith(f"{exposure}: ") for name in self.names])
        return x + self.contrast(exposure, level)

    def estimable(self, contrast: np.ndarray) -> bool:
        """Say whether the data give this contrast one finite value."""
        return not self.null.size or float(np.abs(self.null.T @ contrast).max()) < 1e-7


def design(
    frame: pd.DataFrame, exposure: str, reference: object, adjust: list[str], family: str, cross: str | None = None
) -> Design:
    """Build the matrix: an intercept, the exposure's levels but ``reference``, the adjusters (and a product)."""
    exposed, exposure_names = _dummies(frame[exposure], exposure, reference)
    parts, names = [np.ones((len(frame), 1)), exposed], ["intercept", *exposure_names]
    for term in adjust:
        block, labels = _term(frame, term)
        if term == cross:
            products = [exposed[:, [i]] * block[:, [j]] for i in range(len(exposure_names)) for j in range(len(labels))]
            parts += products
            names += [f"{e} x {b}" for e in exposure_names for b in labels]
        parts.append(block)
        names += labels
    x = np.hstack(parts)
    y, t = frame["y"].to_numpy(float), frame["t"].to_numpy(float)
    fitted = (t > 0) & np.isfinite(y)
    fitted[fitted], limit = _without_limit(x[fitted], y[fitted] <= 0, (y >= t)[fitted] & (family == "logistic"))
    free, null = _independent(x[fitted])
    return Design(frame, x, names, fitted, free, null, limit)


def _dummies(column: pd.Series, name: str, reference: object = None) -> tuple[np.ndarray, list[str]]:
    words = column.astype(object).where(column.notna(), "Not known")
    levels = list(dict.fromkeys(sorted(words, key=str)))
    reference = levels[0] if reference is None else reference
    kept = [level for level in levels if level != reference]
    return np.column_stack([words == level for level in kept] or [np.empty((len(column), 0))]).astype(float), [
        f"{name}: {level}" for level in kept
    ]


def _term(frame: pd.DataFrame, term: str) -> tuple[np.ndarray, list[str]]:
    if term == "age_spline":
        return _spline(midpoints(frame["age_band"]))
    biggest = frame.groupby(term, dropna=False, observed=True)["y"].sum()
    reference = biggest.idxmax() if len(biggest) else None
    return _dummies(frame[term], term, "Not known" if pd.isna(reference) else reference)


def midpoints(bands: pd.Series) -> np.ndarray:
    """Return the middle age of bands such as ``16-19`` (18.0) and ``65+``."""
    parts = bands.astype("str").str.extract(r"^(\d+)(?:-(\d+)|\+)$").astype("float64")
    if parts[0].isna().any():
        raise PcrefError(
            f"regression: {int(parts[0].isna().sum())} cell(s) have an age band without limits, so it has no midpoint."
        )
    return ((parts[0] + (parts[1] + 1).fillna(parts[0] + TOP_WIDTH)) / 2).to_numpy()


def _spline(age: np.ndarray, knots: int = 4) -> tuple[np.ndarray, list[str]]:
    """Natural cubic spline (linear beyond the outer knots), truncated-power form."""
    distinct = np.unique(age)
    at = np.unique(np.quantile(distinct, np.linspace(0, 1, min(knots, len(distinct)))))
    scaled, at = (age - distinct[0]) / 10, (at - distinct[0]) / 10
    columns = [scaled]
    if len(at) > 2:
        last = [
            (np.clip(scaled - k, 0, None) ** 3 - np.clip(scaled - at[-1], 0, None) ** 3) / (at[-1] - k) for k in at[:-1]
        ]
        columns += [(part - last[-1]) / at[-1] ** 2 for part in last[:-1]]
    return np.column_stack(columns), [f"age spline {i + 1}" for i in range(len(columns))]


def _independent(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which columns to fit (earlier ones win) and a basis of the directions that the data cannot tell."""
    scale = np.sqrt((x**2).sum(axis=0))
    unit = x / np.where(scale > 0, scale, 1)
    _, values, directions = np.linalg.svd(np.linalg.qr(unit, mode="r") if len(unit) > unit.shape[1] else unit)
    rank = int((values > 1e-9 * max(values.max(initial=0), 1)).sum())
    free = np.ones(x.shape[1], dtype=bool)
    if rank == x.shape[1]:
        return free, np.empty((x.shape[1], 0))
    basis = np.empty((len(x), 0))
    for j, column in enumerate(unit.T):
        rest = column - basis @ (basis.T @ column)
        free[j] = np.linalg.norm(rest) > 1e-8
        basis = np.column_stack([basis, rest / np.linalg.norm(rest)]) if free[j] else basis
    null = directions[rank:].T / np.where(scale > 0, scale, 1)[:, None]
    return free, null / np.abs(null).max(axis=0)


def _without_limit(x: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mark strata that bear on the fit; the others' fitted values run to their limit along the direction returned.

    A direction along which only strata with no events go down (and full strata go up) raises the likelihood for
    ever; such strata bear nothing on the other coefficients and leave the fit (Albert & Anderson 1984; Correia,
    Guimaraes & Zylkin 2019). Found exactly, by one linear programme, and only if the rest leaves a direction open.
    """
    edge, keep, nowhere = low | high, np.ones(len(x), dtype=bool), np.zeros(x.shape[1])
    null = _independent(x[~edge])[1] if (~edge).any() else np.eye(x.shape[1])
    if not null.size or not edge.any():
        return keep, nowhere
    from scipy.optimize import linprog

    along = np.where(low, 1.0, -1.0)[edge, None] * (x[edge] @ null)
    rows, width = along.shape
    answer = linprog(
        np.r_[np.zeros(width), -np.ones(rows)],
        A_ub=np.hstack([along, np.eye(rows)]),
        b_ub=np.zeros(rows),
        bounds=[(None, None)] * width + [(0, 1)] * rows,
        method="highs",
    )
    if answer.status != 0:
        raise PcrefError("regression: the check for groups without events did not finish. Use fewer adjusters.")
    keep[edge] = answer.x[width:] < 0.5
    aliased = np.linalg.qr(_independent(x)[1])[0]
    limit = null @ answer.x[:width]
    return keep, limit - aliased @ (aliased.T @ limit)
