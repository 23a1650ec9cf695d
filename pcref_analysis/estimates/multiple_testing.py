"""Many comparisons at once: p-values adjusted over a family that the caller names.

A family is the set of comparisons that are read together. Adjustment guards against taking chance for
a finding; it does not say that an unadjusted gap is absent, and it ranks nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from pcref_analysis.estimates.entry import checked, needs
from pcref_analysis.vocabulary.errors import PcrefError

GAP = ["measure", "estimate", "lower", "upper", "level"]


def benjamini_hochberg(p: Any) -> np.ndarray:
    """Return p-values adjusted to bound the expected share of false findings; missing ones stay missing.

    References
    ----------
    Benjamini Y, Hochberg Y. J R Stat Soc B 1995;57:289-300.
    """
    return _stepped(p, lambda ordered, rank, size: np.minimum.accumulate((ordered * size / rank)[::-1])[::-1])


def holm(p: Any) -> np.ndarray:
    """Return p-values adjusted to bound the chance of any false finding; missing ones stay missing.

    References
    ----------
    Holm S. Scandinavian Journal of Statistics 1979;6:65-70.
    """
    return _stepped(p, lambda ordered, rank, size: np.maximum.accumulate(ordered * (size - rank + 1)))


@checked
def p_values(estimates: pd.DataFrame) -> pd.Series:
    """Return two-sided p-values that agree with the limits: below 1 - level exactly if they exclude no gap.

    No gap is 1 for a ``ratio`` and 0 for a ``difference`` or ``excess``; other measures have no p-value.
    The distance to the limit on the side of no gap gives the standard error, on the log scale for ratios.
    A limit of zero that a ratio's log cannot take gives a missing p-value.
    """
    needs(estimates, GAP, "multiplicity")
    ratio = (estimates["measure"] == "ratio").to_numpy()
    gap = estimates["measure"].isin(["ratio", "difference", "excess"]).to_numpy()
    value = estimates[["estimate", "lower", "upper"]].to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(ratio[:, np.newaxis], np.log(value), value)
        middle, lower, upper = value.T
        reach = np.where(middle > 0, middle - lower, upper - middle)
        z = np.where(middle == 0, 0.0, np.abs(middle) / reach * -ndtri((1 - estimates["level"].to_numpy(float)) / 2))
    return pd.Series(np.where(gap & np.isfinite(reach), 2 * ndtr(-z), np.nan), index=estimates.index)


@checked
def adjust(
    estimates: pd.DataFrame,
    family: Sequence[str],
    method: Literal["benjamini_hochberg", "holm"] = "benjamini_hochberg",
    p: str | None = None,
) -> pd.DataFrame:
    """Return the estimates with ``p_value``, ``p_adjusted`` and ``family_size`` added.

    Parameters
    ----------
    estimates
        The shared estimates, one level of confidence; or any frame with a column of p-values.
    family
        The columns whose values make a family: ``["domain"]`` adjusts within each domain, ``[]`` over
        all rows. Rows without a figure have no p-value and are no part of the family.
    p
        The column of p-values; by default they are worked out by :func:`p_values`.

    Raises
    ------
    PcrefError
        If a column is missing, several levels would count each comparison twice, or the method is unknown.

    Examples
    --------
    >>> table = pd.DataFrame({"ethnic_group": ["Indian", "Irish", "Arab"], "p": [0.01, 0.02, 0.9]})
    >>> adjust(table, family=[], p="p")["p_adjusted"].round(3).tolist()
    [0.03, 0.03, 0.9]
    """
    needs(estimates, [*family, *([p] if p else GAP)], "multiplicity")
    if not p and len(estimates["level"].unique()) > 1:
        raise PcrefError("multiplicity: the estimates hold several levels; choose one, or each counts twice.")
    ways = {"benjamini_hochberg": benjamini_hochberg, "holm": holm}
    if method not in ways:
        raise PcrefError(f"multiplicity: '{method}' is not one of {', '.join(ways)}.")
    value = estimates[p].astype(float) if p else p_values(estimates)
    keys = [estimates[column] for column in family] or [pd.Series(0, index=estimates.index)]
    families = value.groupby(keys, dropna=False, observed=True)
    return estimates.assign(
        p_value=value,
        p_adjusted=families.transform(lambda part: pd.Series(ways[method](part), index=part.index)),
        family_size=families.transform("count").astype(int),
    )


def _stepped(p: Any, step: Any) -> np.ndarray:
    p = np.asarray(p, float)
    if np.any((p < 0) | (p > 1)):
        raise PcrefError("multiplicity: p-values must lie between 0 and 1.")
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    adjusted[order] = np.minimum(step(p[order], np.arange(1, len(order) + 1), len(order)), 1.0)
    return adjusted
