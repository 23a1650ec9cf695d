"""Rates and ratios of counts that are known to an interval only (published, rounded or suppressed counts)."""

from __future__ import annotations

import pandas as pd
from scipy import stats

TABLE = [
    *("ethnic_group", "events", "events_low", "events_high", "at_risk", "estimate", "lower", "upper"),
    *("published_rate", "note", "ratio", "ratio_lower", "ratio_upper", "comparator"),
]


def rate_table(counts: pd.DataFrame, comparator: str = "White", per: float = 100_000, level: float = 0.95):
    """Return crude rates by ethnic group and their ratios to the comparator, with rounding carried through.

    Parameters
    ----------
    counts
        ``ethnic_group, events, events_low, events_high, at_risk, published_rate, note`` (a row an ethnic
        group); ``events`` missing is suppressed, ``at_risk`` missing has no rate.
    comparator
        The ethnic group in the denominator of ``ratio``.
    per
        The unit of the rate.
    level
        The coverage that the intervals keep at least.

    Returns
    -------
    pandas.DataFrame
        The columns :data:`TABLE`. ``lower`` is the exact Poisson limit at ``events_low``, ``upper`` that at
        ``events_high``: whatever the true count was, its own interval lies inside. ``ratio_lower`` and
        ``ratio_upper`` are exact conditional limits at the least favourable counts, on the same ground. For
        a suppressed count the estimates are missing and the bounds are given.

    Notes
    -----
    Do not use the result to rank areas, nor to infer the true count. The limits do not cover people who
    are counted more than once, wrong recording of ethnic group, or change of the population since the census.

    References
    ----------
    Garwood F (1936), Fiducial limits for the Poisson distribution. Biometrika 28. Clopper CJ, Pearson ES
    (1934), Biometrika 26, for the ratio, conditional on the sum of both counts (Przyborowski and
    Wilenski 1940, Biometrika 31).
    """
    out = counts.copy()
    scale = per / out["at_risk"]
    low, high = poisson_limits(out["events_low"], out["events_high"], level)
    out["estimate"], out["lower"], out["upper"] = out["events"] * scale, low * scale, high * scale
    return _with_ratio(out, comparator, level)[TABLE]


def poisson_limits(events_low: pd.Series, events_high: pd.Series, level: float = 0.95):
    """Return the exact Poisson lower limit at ``events_low`` and the upper limit at ``events_high``.

    References
    ----------
    Garwood F (1936), Biometrika 28: half the chi-squared quantiles with 2O and 2O + 2 degrees of freedom.
    """
    tail = (1 - level) / 2
    lower = stats.chi2.ppf(tail, 2 * events_low) / 2
    upper = stats.chi2.isf(tail, 2 * events_high + 2) / 2
    return pd.Series(lower, events_low.index).mask(events_low.eq(0), 0.0), pd.Series(upper, events_high.index)


def ratio_limits(one: pd.DataFrame, other: pd.DataFrame, level: float = 0.95) -> tuple[pd.Series, pd.Series]:
    """Return exact limits of the ratio of two Poisson rates, each ``events_low, events_high, at_risk``.

    The lower limit takes the fewest events in ``one`` and the most in ``other``; the upper limit the reverse.
    """
    tail = (1 - level) / 2
    size = other["at_risk"] / one["at_risk"]
    fewest, most = one["events_low"], other["events_high"]
    share = pd.Series(stats.beta.ppf(tail, fewest, most + 1), one.index).mask(fewest.eq(0), 0.0)
    lower = share / (1 - share) * size
    most, fewest = one["events_high"], other["events_low"]
    share = pd.Series(stats.beta.isf(tail, most + 1, fewest), one.index)
    upper = (share / (1 - share) * size).mask(fewest.eq(0))
    return lower, upper


def _with_ratio(out: pd.DataFrame, comparator: str, level: float) -> pd.DataFrame:
    """Add the ratio of crude rates to the comparator's; the comparator itself is 1 by definition."""
    out["comparator"] = comparator
    row = out[out["ethnic_group"].eq(comparator)]
    columns = ["events", "events_low", "events_high", "at_risk"]
    if len(row) != 1:
        return out.assign(ratio=float("nan"), ratio_lower=float("nan"), ratio_upper=float("nan"))
    other = pd.concat([row[columns]] * len(out)).set_index(out.index)
    itself = out["ethnic_group"].eq(comparator)
    lower, upper = ratio_limits(out, other, level)
    ratio = (out["events"] / out["at_risk"]) / (other["events"] / other["at_risk"])
    out["ratio"] = ratio.mask(itself & out["events"].notna(), 1.0)
    out["ratio_lower"], out["ratio_upper"] = lower.mask(itself, out["ratio"]), upper.mask(itself, out["ratio"])
    return out
