"""Ranks of uncertain scores: probability of being among the first, rank intervals, bands, other weights."""

from __future__ import annotations

import numpy as np
import pandas as pd


def ranks(scores: np.ndarray) -> np.ndarray:
    """Rank each row of ``scores`` (draws x items); 1 is the highest score, ties in the order given."""
    order = np.argsort(-scores, axis=1, kind="stable")
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.arange(1, scores.shape[1] + 1)[None, :], axis=1)
    return places


def rank_summary(scores: np.ndarray, first: int, level: float = 0.95) -> pd.DataFrame:
    """Summarise the ranks over draws.

    Parameters
    ----------
    scores
        Draws x items.
    first
        ``probability`` is that of a rank among the first so many.
    level
        Of the rank interval.

    Returns
    -------
    pandas.DataFrame
        One row per item: ``probability``, ``expected_rank``, ``rank_low``, ``rank_high``.

    Examples
    --------
    >>> import numpy as np
    >>> rank_summary(np.array([[3.0, 1.0], [2.0, 1.0], [0.0, 1.0], [4.0, 1.0]]), first=1)["probability"].tolist()
    [0.75, 0.25]

    References
    ----------
    Laird NM, Louis TA (1989). Empirical Bayes ranking methods. Journal of Educational Statistics 14, 29-46.
    Goldstein H, Spiegelhalter DJ (1996). League tables and their limitations. JRSS A 159, 385-443.
    Lin R, Louis TA, Paddock SM, Ridgeway G (2006). Loss function based ranking in two-stage, hierarchical
    models. Bayesian Analysis 1, 915-946.
    """
    if not scores.shape[1]:
        return pd.DataFrame(columns=["probability", "expected_rank", "rank_low", "rank_high"], dtype=float)
    places = ranks(scores)
    tail = (1 - level) / 2
    low, high = np.quantile(places, [tail, 1 - tail], axis=0, method="inverted_cdf")
    return pd.DataFrame(
        {
            "probability": (places <= first).mean(axis=0),
            "expected_rank": places.mean(axis=0),
            "rank_low": low.astype(int),
            "rank_high": high.astype(int),
        }
    )


def bands(scores: np.ndarray, chance: float = 0.1) -> np.ndarray:
    """Put items into bands that the data cannot order within.

    Going down by mean score, an item stays in the band as long as it has at least this ``chance`` of standing
    above the band's first item; the first that has not opens the next band.

    Returns
    -------
    numpy.ndarray
        The band of each item (1 is the first), in the order of the columns of ``scores``.
    """
    order = np.argsort(-scores.mean(axis=0), kind="stable")
    band = np.zeros(scores.shape[1], dtype=int)
    head, current = None, 0
    for item in order:
        if head is None or (scores[:, item] > scores[:, head]).mean() < chance:
            head, current = item, current + 1
        band[item] = current
    return band


def weightings(shares: np.ndarray, limits: tuple[float, float], n: int, seed: int) -> np.ndarray:
    """Draw ``n`` sets of weights: each weight times a factor between the limits, made to sum to 1 again.

    Factors are uniform on the logarithm, so that halving is as likely as doubling; the first row is the
    given weights themselves. A lower limit of 0 stands for leaving a criterion out: factors are then uniform.
    """
    low, high = limits
    rng = np.random.default_rng(seed)
    size = (n - 1, len(shares))
    factors = np.exp(rng.uniform(np.log(low), np.log(high), size)) if low > 0 else rng.uniform(low, high, size)
    weights = np.vstack([np.ones(len(shares)), factors]) * np.asarray(shares, float)
    return weights / weights.sum(axis=1, keepdims=True)


def under_weightings(criteria: np.ndarray, weights: np.ndarray, first: int) -> pd.DataFrame:
    """Summarise the ranks of items (rows of ``criteria``) over sets of weights (rows of ``weights``).

    Returns
    -------
    pandas.DataFrame
        ``weights_first`` (share of the sets that put the item among the first so many), ``weights_rank_low`` and
        ``weights_rank_high`` (its best and worst rank over all sets).
    """
    places = ranks(weights @ criteria.T) if len(criteria) else np.empty((len(weights), 0), dtype=int)
    return pd.DataFrame(
        {
            "weights_first": (places <= first).mean(axis=0),
            "weights_rank_low": places.min(axis=0),
            "weights_rank_high": places.max(axis=0),
        }
    )
