"""Noisy gaps pulled together: a hierarchical model over indicators and ethnic groups, and draws from it.

A gap of a small group is large by luck more often than a gap of a large one. The model lets every gap
borrow from the gaps of the same group and of the same indicator, by as much as the data bear out::

    y[i, g] ~ Normal(theta[i, g] + e[i], se[i, g]^2 - v[i]),      e[i] ~ Normal(0, v[i])
    theta[i, g] = mu + a[i] + b[g] + c[i, g],      a ~ Normal(0, ta^2),      b ~ Normal(0, tb^2)
    c ~ a mixture of Normal(0, s[k]^2) over a fixed range of s, with the shares learned from the data

``y`` is a gap on the log scale, positive where the group is worse off, and ``v`` the part of its variance
that comes from the comparator and is the same for every group. The mixture keeps what one normal
distribution would lose: a large, well-measured gap among many small ones stays large, while a large,
badly-measured one does not. Drawn by Gibbs sampling; given the component of each gap everything is normal.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.linalg import lapack

SPREADS = np.array([0.01, 0.03, 0.06, 0.12, 0.25, 0.5, 1.0])  # s: from "all alike" to ratios of 2.7 and more
EFFECT_SDS = np.geomspace(0.005, 1.5, 40)  # values that ta and tb may take, half-normal prior
EFFECT_PRIOR = np.log(EFFECT_SDS) - 0.5 * (EFFECT_SDS / 0.5) ** 2
MEAN_SD = 0.5  # prior of mu
BURN_IN, SHORT, STATES = 200, 300, 2_500
LOOKS = 2
_LOG_SDS, _VARIANCES = np.log(EFFECT_SDS), EFFECT_SDS**2
_SOLVE = lapack.dtrtrs  # of a triangle: thousands of small ones, for which checks of what is given would take longer


class _Data(NamedTuple):
    y: np.ndarray
    own: np.ndarray  # variance of y without the comparator's part
    indicator: np.ndarray
    group: np.ndarray
    place: np.ndarray  # in the table of indicators by groups
    shared: np.ndarray  # the comparator's variance, one an indicator
    groups: int


def draw_gaps(gaps: pd.DataFrame, draws: int = 10_000, seed: int = 0) -> np.ndarray:
    """Draw the true gaps from their joint posterior.

    Parameters
    ----------
    gaps
        One row per gap: ``indicator``, ``ethnic_group``, ``gap`` (log ratio, positive is worse), ``se``
        (its standard error) and, where there are any, ``shared_variance`` (the comparator's part of ``se``
        squared), ``sign`` (-1 where a low ratio is worse), ``none_of`` (for a group without any event: the
        number expected; ``gap`` and ``se`` are then only a start), ``share`` and ``people`` (of a percentage).
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
    Stephens M (2017). False discovery rates: a new deal. Biostatistics 18, 275-294 (the mixture).
    Gelman A (2006). Prior distributions for variance parameters in hierarchical models. Bayesian Analysis 1, 515-534.

    Notes
    -----
    Not an estimate of one group's ratio to be published on its own: show the unshrunken ratio and its
    interval beside it.
    """
    if gaps.empty:
        return np.empty((draws, 0))
    rng = np.random.default_rng(seed)
    data = _data(gaps)
    for _ in range(LOOKS):
        middle = np.mean(_chain(data, BURN_IN, SHORT, 1, rng), axis=(0, 1))
        data = _look_again(gaps, data, middle)
    states = min(STATES, draws)
    return np.vstack(_chain(data, BURN_IN, states, -(-draws // states), rng))[:draws]


def _chain(data: _Data, burn_in: int, states: int, each: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Gibbs sampling: effects given components, components given effects, then SDs and shares."""
    sds, shares = [0.2, 0.2], np.full(len(SPREADS), 1 / len(SPREADS))
    kind = np.full(len(data.y), len(SPREADS) // 2)
    variance = data.own + SPREADS[:, None] ** 2
    weigh = (0.5 * np.log(variance), 0.5 / variance)
    kept = []
    for step in range(burn_in + states):
        n = each if step >= burn_in else 1
        noisy, true, effects = _draw_lines(data, sds, SPREADS[kind] ** 2, n, rng)
        kinds = _draw_kinds(data.y - noisy, *weigh, shares, rng)
        if step >= burn_in:
            kept.append(true + _draw_cells(data.y - noisy, data.own, SPREADS[kinds] ** 2, rng))
        kind = kinds[0]
        sds = [_draw_sd(values, rng) for values in effects]
        shares = rng.dirichlet(1 + np.bincount(kind, minlength=len(SPREADS)))
    return kept


def _data(gaps: pd.DataFrame) -> _Data:
    indicator = pd.factorize(gaps["indicator"], sort=True)[0]
    variance = gaps["se"].to_numpy(float) ** 2
    shared = gaps["shared_variance"].astype(float).fillna(0) if "shared_variance" in gaps else 0 * variance
    shared = pd.Series(np.minimum(shared, 0.9 * variance)).groupby(indicator).min().to_numpy()
    group = pd.factorize(gaps["ethnic_group"], sort=True)[0]
    groups = int(group.max()) + 1
    place, own = indicator * groups + group, variance - shared[indicator]
    return _Data(gaps["gap"].to_numpy(float), own, indicator, group, place, shared, groups)


def _look_again(gaps: pd.DataFrame, data: _Data, middle: np.ndarray) -> _Data:
    """Take the standard errors at the fitted gap and not at the observed one.

    A count that is high by luck also has a small standard error, so inverse-variance weights lean to the high side.
    """
    sign = gaps["sign"].to_numpy(float) if "sign" in gaps else np.ones(len(gaps))
    first = _data(gaps)
    off = np.clip(sign * (first.y - middle), -3, 3)
    y, own = middle + sign * np.expm1(off), first.own * np.exp(off)
    if "share" in gaps:
        share = np.clip(gaps["share"].to_numpy(float) * np.exp(-off), 1e-6, 0.999)
        own = np.fmax(own, (1 - share) / (share * gaps["people"].to_numpy(float)))
    if "none_of" in gaps:
        none_of = gaps["none_of"].to_numpy(float)
        y = np.where(none_of > 0, middle - sign, y)
        own = np.where(none_of > 0, np.exp(-sign * middle) / np.where(none_of > 0, none_of, 1), own)
    return data._replace(y=y, own=own)


def _draw_lines(data: _Data, sds: list[float], cell: np.ndarray, n: int, rng: np.random.Generator) -> tuple:
    """Draw the effects ``n`` times given the component of each gap; return the fitted line with and without
    the comparator's error, and the indicator and group effects of the first draw.
    """
    many, groups = len(data.shared), data.groups
    weight = 1 / (data.own + cell)
    prior = np.concatenate([[MEAN_SD**2], sds[0] ** 2 + data.shared, np.full(groups, sds[1] ** 2)])
    precision, right = _normal_equations(data, weight, prior)
    root = np.linalg.cholesky(precision)
    half = _SOLVE(root, right[:, None], lower=1)[0] + rng.standard_normal((len(right), n))
    drawn = _SOLVE(root, half, lower=1, trans=1)[0].T
    noisy = drawn[:, 1 : 1 + many]
    part = sds[0] ** 2 / (sds[0] ** 2 + data.shared)
    own = part * noisy + np.sqrt((1 - part) * sds[0] ** 2) * rng.standard_normal(noisy.shape)
    rest = drawn[:, :1] + drawn[:, 1 + many :][:, data.group]
    return rest + noisy[:, data.indicator], rest + own[:, data.indicator], (own[0], drawn[0, 1 + many :])


def _normal_equations(data: _Data, weight: np.ndarray, prior: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Posterior precision and right-hand side of (mu, indicators, groups), from the table of weights."""
    many, groups = len(data.shared), data.groups
    table = np.bincount(data.place, weight, many * groups).reshape(many, groups)
    total = np.bincount(data.place, weight * data.y, many * groups).reshape(many, groups)
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    precision = np.diag(np.concatenate([[rows.sum()], rows, columns]) + 1 / prior)
    precision[0, 1 : 1 + many] = precision[1 : 1 + many, 0] = rows
    precision[0, 1 + many :] = precision[1 + many :, 0] = columns
    precision[1 : 1 + many, 1 + many :], precision[1 + many :, 1 : 1 + many] = table, table.T
    return precision, np.concatenate([[total.sum()], total.sum(axis=1), total.sum(axis=0)])


def _draw_kinds(
    rest: np.ndarray, level: np.ndarray, slope: np.ndarray, shares: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draw which component each gap comes from, given what the line leaves of it (draws x gaps)."""
    fixed = np.log(np.maximum(shares, 1e-300))[:, None] - level
    log = fixed[:, None] - slope[:, None] * rest**2  # the components first: their sums run over whole rows
    chance = np.cumsum(np.exp(log - log.max(axis=0)), axis=0)
    return (rng.random(rest.shape) * chance[-1] > chance).sum(axis=0)


def _draw_cells(rest: np.ndarray, own: np.ndarray, spread: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    keep = spread / (spread + own)
    return keep * rest + np.sqrt(keep * own) * rng.standard_normal(rest.shape)


def _draw_sd(effects: np.ndarray, rng: np.random.Generator) -> float:
    log = EFFECT_PRIOR - len(effects) * _LOG_SDS - 0.5 * (effects @ effects) / _VARIANCES
    below = np.exp(log - log.max()).cumsum()  # as rng.choice draws, without its checks of what was just made
    return float(EFFECT_SDS[below.searchsorted(rng.random() * below[-1], side="right")])
