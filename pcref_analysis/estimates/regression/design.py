"""A design matrix over strata, and what it can tell apart: strata and contrasts without a finite answer are marked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from pcref_analysis.estimates.regression.model_data import SUMS
from pcref_analysis.vocabulary.errors import PcrefError

TOP_WIDTH = 20  # an open age band (65+) is taken to be this many years wide when its midpoint is needed
KNOTS = 4


@dataclass(frozen=True)
class Term:
    """How one column becomes columns of the matrix: an indicator a level, or a spline through ``knots``."""

    name: str
    column: str
    levels: tuple[object, ...] = ()
    reference: object = None
    knots: tuple[float, ...] = ()

    @property
    def labels(self) -> list[str]:
        if self.knots:
            return [f"age spline {i + 1}" for i in range(max(len(self.knots) - 1, 1))]
        return [f"{self.name}: {level}" for level in self.levels]

    def block(self, frame: pd.DataFrame) -> np.ndarray:
        """Return this term's columns for the rows of a frame."""
        if self.knots:
            return _spline(midpoints(frame[self.column]), np.array(self.knots))
        codes, values = pd.factorize(frame[self.column].to_numpy(dtype=object), use_na_sentinel=False)
        place = {self.reference: len(self.levels)} | {level: i for i, level in enumerate(self.levels)}
        strange = [level for level in values if level not in place]
        if strange:
            raise PcrefError(
                f"regression: {self.column} has level(s) that the fitted cells lack: {', '.join(map(str, strange))}."
            )
        return np.eye(len(self.levels) + 1)[np.array([place[level] for level in values], dtype=int)[codes], :-1]


@dataclass(frozen=True)
class Design:
    """A design matrix over strata; ``fitted`` marks the strata that bear on the fit, ``free`` the fitted columns."""

    frame: pd.DataFrame
    terms: tuple[Term, ...]  # the exposure first
    cross: str | None  # the term that the exposure is multiplied with
    x: np.ndarray
    names: list[str]
    fitted: np.ndarray
    free: np.ndarray
    null: np.ndarray  # directions that the fitted strata cannot tell
    limit: np.ndarray  # the direction along which the strata that are not fitted run to their limit

    @cached_property
    def sums(self) -> dict[str, np.ndarray]:
        """The sums over people of each stratum (``y, t, yy, yt, tt``), read out of the frame once."""
        return {name: self.frame[name].to_numpy(float) for name in SUMS}

    @cached_property
    def carriers(self) -> np.ndarray:
        """How many people, taken as alike, carry the events of each stratum (its time at risk where it has none)."""
        y, yy, t, tt = (self.sums[name] for name in ("y", "yy", "t", "tt"))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(y > 0, y**2 / yy, t**2 / tt)

    def at(self, level: object, frame: pd.DataFrame | None = None) -> np.ndarray:
        """Return the matrix of a frame (its own without) with everyone's exposure set to ``level``."""
        if frame is None and self.cross is None:
            return self.moved(self.x, level)
        frame, exposed = self.frame if frame is None else frame, self.terms[0].column
        return _matrix(frame.assign(**{exposed: pd.Series(level, frame.index, object)}), self.terms, self.cross)

    def moved(self, x: np.ndarray, level: object) -> np.ndarray:
        """Return rows of the matrix with the exposure set to ``level`` (without products)."""
        x, levels = x.copy(), self.terms[0].levels
        x[:, 1 : 1 + len(levels)] = [level == other for other in levels]
        return x

    def contrast(self, level: object) -> np.ndarray:
        """Return the vector that picks the log ratio of one level of the exposure against the comparator."""
        return np.array([name == f"{self.terms[0].name}: {level}" for name in self.names], dtype=float)

    def estimable(self, contrast: np.ndarray) -> bool:
        """Say whether the data give this contrast one finite value."""
        return not self.null.size or float(np.abs(self.null.T @ contrast).max()) < 1e-7


def design(
    frame: pd.DataFrame, exposure: str, reference: object, adjust: list[str], family: str, cross: str | None = None
) -> Design:
    """Build the matrix: an intercept, the exposure's levels but ``reference``, the adjusters (and one product)."""
    terms = (_term(frame, exposure, reference), *[_term(frame, name) for name in adjust])
    names = ["intercept"]
    for term in terms:
        if term.name == cross:
            names += [f"{e} x {b}" for e in terms[0].labels for b in term.labels]
        names += term.labels
    x = _matrix(frame, terms, cross)
    y, t = frame["y"].to_numpy(float), frame["t"].to_numpy(float)
    fitted, limit = _without_limit(x, y <= 0, (y >= t) & (family == "logistic"))
    return Design(frame, terms, cross, x, names, fitted, *_independent(x[fitted]), limit)


def _matrix(frame: pd.DataFrame, terms: tuple[Term, ...], cross: str | None) -> np.ndarray:
    exposed = terms[0].block(frame)
    parts = [np.ones((len(frame), 1)), exposed]
    for term in terms[1:]:
        block = term.block(frame)
        if term.name == cross:
            parts.append((exposed[:, :, None] * block[:, None, :]).reshape(len(frame), -1))
        parts.append(block)
    return np.hstack(parts)


def _term(frame: pd.DataFrame, name: str, reference: object = None) -> Term:
    if name == "age_spline":
        distinct = np.unique(midpoints(frame["age_band"]))
        knots = np.quantile(distinct, np.linspace(0, 1, min(KNOTS, len(distinct))))
        return Term(name, "age_band", knots=tuple(knots))
    codes, values = pd.factorize(frame[name].to_numpy(dtype=object), use_na_sentinel=False)
    found = sorted(values, key=str)
    if reference is None and found:
        events = dict(zip(values, np.bincount(codes, frame["y"].to_numpy(float)), strict=True))
        reference = max(found, key=events.__getitem__)  # of equals the first
    levels = [level for level in found if level != reference]
    return Term(name, name, tuple(levels), reference)


def midpoints(bands: pd.Series) -> np.ndarray:
    """Return the middle age of bands such as ``16-19`` (18.0) and ``65+``."""
    parts = bands.astype("str").str.extract(r"^(\d+)(?:-(\d+)|\+)$").astype("float64")
    if wrong := int(parts[0].isna().sum()):
        raise PcrefError(f"regression: {wrong} cell(s) have an age band without limits, so it has no midpoint.")
    return ((parts[0] + (parts[1] + 1).fillna(parts[0] + TOP_WIDTH)) / 2).to_numpy()


def _spline(age: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Natural cubic spline in tens of years (linear beyond the outer knots), truncated-power form."""
    scaled, at = (age - knots[0]) / 10, (knots - knots[0]) / 10
    columns = [scaled]
    if len(at) > 2:
        cubes = [np.clip(scaled - k, 0, None) ** 3 for k in at]
        parts = [(cube - cubes[-1]) / (at[-1] - k) for cube, k in zip(cubes[:-1], at[:-1], strict=True)]
        columns += [(part - parts[-1]) / at[-1] for part in parts[:-1]]
    return np.column_stack(columns)


def _independent(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which columns to fit (earlier ones win) and a basis of the directions that the data cannot tell."""
    scale = np.sqrt((x**2).sum(axis=0))
    unit = x / np.where(scale > 0, scale, 1)
    _, values, directions = np.linalg.svd(np.linalg.qr(unit, mode="r"), full_matrices=True)
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
