"""Noisy gaps pulled together: a hierarchical model over indicators and ethnic groups, and draws from it.

A gap of a small group is large by luck more often than a gap of a large one. The model lets every gap
borrow from the gaps of the same group and of the same indicator, by as much as the data bear out::

    y[i, g] ~ Normal(theta[i, g] + e[i], se[i, g]^2 - shared[i]),    e[i] ~ Normal(0, shared[i])
    theta[i, g] = mu + a[i] + b[g] + c[i, g],    a ~ N(0, ta^2), b ~ N(0, tb^2), c ~ N(0, tc^2)

``y`` is a gap on the log scale, positive where the group is worse off, and ``shared`` the part of its
variance that comes from the comparator and is the same for every group. Given the three standard
deviations everything is normal and exact; they are drawn from their marginal posterior (a normal
approximation at its mode, corrected by importance weights), with mu ~ N(0, 1) and half-normal (scale
0.5) priors, so that the draws also carry our ignorance of them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import optimize

PRIOR_SCALE = 0.5  # half-normal, on the log ratio: between-group SDs of 1 (ratios of 2.7) stay possible
POINTS = 200  # how many values of the three SDs carry the draws


def draw_gaps(gaps: pd.DataFrame, draws: int = 10_000, seed: int = 0) -> np.ndarray:
    """Draw the true gaps from their joint posterior.

    Parameters
    ----------
    gaps
        One row per gap: ``indicator``, ``ethnic_group``, ``gap`` (log ratio, positive is worse), ``se``
        (its standard error) and optionally ``shared_variance`` (the comparator's part of ``se`` squared).
    draws, seed
        Number of draws, and the seed that makes them the same every time.

    Returns
    -------
    numpy.ndarray
        ``draws`` rows, one column per row of ``gaps``.

    Examples
    --------
    >>> import pandas as pd
    >>> gaps = pd.DataFrame({"indicator": ["a"] * 3, "ethnic_group": list("xyz"),
    ...                      "gap": [0.1, 0.0, 2.0], "se": [0.1, 0.1, 2.0]})
    >>> bool(draw_gaps(gaps, 500).mean(axis=0)[2] < 1.0)   # the noisy one is drawn in
    True

    References
    ----------
    Laird NM, Louis TA (1989). Empirical Bayes ranking methods. Journal of Educational Statistics 14, 29-46.
    Goldstein H, Spiegelhalter DJ (1996). League tables and their limitations. JRSS A 159, 385-443.
    Gelman A (2006). Prior distributions for variance parameters in hierarchical models. Bayesian Analysis 1, 515-534.

    Notes
    -----
    Not an estimate of a single group's ratio for publication on its own: report the unshrunken ratio and
    its interval beside it.
    """
    rng = np.random.default_rng(seed)
    if gaps.empty:
        return np.empty((draws, 0))
    model = _Design(gaps)
    points, log_weights = _hyperparameters(model, rng)
    weights = np.exp(log_weights - log_weights.max())
    times = rng.multinomial(draws, weights / weights.sum())
    parts = [model.sample(np.exp(point), int(n), rng) for point, n in zip(points, times, strict=True) if n]
    return np.vstack(parts)


class _Design:
    """The model's matrices, built once; every method takes the three SDs (indicator, group, cell)."""

    def __init__(self, gaps: pd.DataFrame) -> None:
        indicator = pd.factorize(gaps["indicator"], sort=True)[0]
        group = pd.factorize(gaps["ethnic_group"], sort=True)[0]
        self.y = gaps["gap"].to_numpy(float)
        variance = gaps["se"].to_numpy(float) ** 2
        shared = gaps["shared_variance"].to_numpy(float) if "shared_variance" in gaps else np.zeros(len(gaps))
        shared = pd.Series(np.minimum(np.nan_to_num(shared), 0.9 * variance)).groupby(indicator).transform("min")
        self.own = variance - shared.to_numpy()
        self.indicators = np.eye(indicator.max() + 1)[indicator]
        self.groups = np.eye(group.max() + 1)[group]
        self.noise = self.indicators * np.sqrt(shared.to_numpy())[:, None]

    def _parts(self, sds: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        effects = np.hstack([np.ones((len(self.y), 1)), self.indicators * sds[0], self.groups * sds[1]])
        both = np.hstack([effects, self.noise])
        spread = self.own + sds[2] ** 2
        scaled = both / spread[:, None]
        cholesky = np.linalg.cholesky(np.eye(both.shape[1]) + both.T @ scaled)
        return effects, both, spread, cholesky

    def log_posterior(self, log_sds: np.ndarray) -> float:
        """Log marginal posterior of the three log SDs, up to a constant."""
        sds = np.exp(np.clip(log_sds, -12, 3))
        _, both, spread, cholesky = self._parts(sds)
        solved = np.linalg.solve(cholesky, both.T @ (self.y / spread))
        likelihood = -0.5 * (np.log(spread).sum() + (self.y**2 / spread).sum() - solved @ solved)
        likelihood -= np.log(np.diag(cholesky)).sum()
        return float(likelihood - 0.5 * (sds**2).sum() / PRIOR_SCALE**2 + np.sum(log_sds))

    def sample(self, sds: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw the true gaps ``n`` times given the SDs."""
        effects, both, spread, cholesky = self._parts(sds)
        mean = np.linalg.solve(cholesky @ cholesky.T, both.T @ (self.y / spread))
        u = mean + np.linalg.solve(cholesky.T, rng.standard_normal((len(mean), n))).T
        keep = sds[2] ** 2 / spread
        cell = keep * (self.y - u @ both.T) + np.sqrt(keep * self.own) * rng.standard_normal((n, len(self.y)))
        return u[:, : effects.shape[1]] @ effects.T + cell


def _hyperparameters(model: _Design, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Points on the log SDs from a t distribution at the posterior's mode, with their importance weights."""
    best = optimize.minimize(lambda p: -model.log_posterior(p), np.log([0.2, 0.2, 0.2]), method="Nelder-Mead")
    step, where = 0.1, best.x
    shift = np.eye(3) * step
    value = np.vectorize(lambda i, j, a, b: model.log_posterior(where + a * shift[i] + b * shift[j]))
    i, j = np.meshgrid(range(3), range(3), indexing="ij")
    curvature = -(value(i, j, 1, 1) - value(i, j, 1, -1) - value(i, j, -1, 1) + value(i, j, -1, -1)) / (4 * step**2)
    values, vectors = np.linalg.eigh(curvature)
    root = vectors / np.sqrt(np.clip(values, 0.25, None))
    free = 5
    z = rng.standard_normal((POINTS, 3)) / np.sqrt(rng.chisquare(free, (POINTS, 1)) / free)
    points = where + z @ root.T
    density = -(free + 3) / 2 * np.log1p((z**2).sum(axis=1) / free)
    return points, np.array([model.log_posterior(point) for point in points]) - density
