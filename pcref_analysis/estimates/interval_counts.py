"""Rates, ratios and observed over expected of counts that are known only to an interval.

A publisher's count is rounded or suppressed: it lay between ``events_low`` and ``events_high``. Every limit here
is taken at the end of that interval that is least favourable, so that whatever the true count was, its own
interval lies inside the one that is given. A suppressed count has no estimate, but it has limits.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtri

from pcref_analysis.estimates import intervals
from pcref_analysis.estimates.entry import checked, needs
from pcref_analysis.vocabulary.errors import PcrefError

TABLE = [
    *("ethnic_group", "events", "events_low", "events_high", "at_risk", "estimate", "lower", "upper"),
    *("published_rate", "note", "ratio", "ratio_lower", "ratio_upper", "comparator"),
]
SERIES = ["indicator", "period", "area"]  # a comparison is made within these
ENGLAND = {"estimate": "england", "lower": "england_lower", "upper": "england_upper"}  # next to a figure
YEARS = 3  # that are added up at most
HALF_A_POINT = 0.5  # local percentages are published as whole numbers
_PARTS = ("events", "events_low", "events_high", "at_risk", "at_risk_low", "at_risk_high")


@checked
def table(counts: pd.DataFrame, comparator: str = "White", level: float = 0.95) -> pd.DataFrame:
    """Return the table of one indicator, period and area by ethnic group, with exactly the columns :data:`TABLE`.

    Examples
    --------
    >>> table(mental_health_act.by_ethnic_group(folder, "QUE"))          # doctest: +SKIP
    """
    needs(counts, ["published_rate", "note", *SERIES], "counts")
    return compare(crude(counts, level), comparator, level)[TABLE]


@checked
def crude(counts: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Return the counts with ``estimate, lower, upper``: rates or percentages by ethnic group.

    Parameters
    ----------
    counts
        The columns of ``published.publisher_rounding``: ``events`` and ``at_risk`` with their ``_low`` and ``_high``,
        ``measure`` (``rate`` or ``percent``) and ``per``. ``events`` missing is suppressed; ``at_risk_high``
        missing has nobody to set against it.
    level
        The coverage that the intervals keep at least, as far as chance and rounding go.

    Notes
    -----
    The estimate divides the counts as published; of a percentage that the publisher gives (``published_rate``, made
    before counts were rounded) it is what comes nearest to that within half a point of the publisher's. Rates: exact
    Poisson limits. Percentages: Wilson's, at the fewest events of the most people and the reverse. The limits do not
    cover repeated events of one person, wrong recording of ethnic group, or change of the population since the census.
    Do not use them to infer a count.

    References
    ----------
    Garwood F (1936), Fiducial limits for the Poisson distribution. Biometrika 28. Wilson EB (1927), JASA 22.
    """
    _known(counts, ["ethnic_group", "per"])
    out = counts.copy()
    rate = out["measure"].eq("rate")
    scale = out["per"]
    low, high = poisson_limits(out["events_low"], out["events_high"], level)
    least, most = _wilson(out, level)
    out["estimate"] = out["events"] / out["at_risk"] * scale
    if "published_rate" in out:
        given = out["published_rate"].where(out["measure"].eq("percent"))  # missing: no bound
        out["estimate"] = out["estimate"].clip(given - HALF_A_POINT, given + HALF_A_POINT)
    out["lower"] = (low / out["at_risk_high"]).where(rate, least) * scale
    out["upper"] = (high / out["at_risk_low"]).where(rate, most) * scale
    return out


def with_england(own: pd.DataFrame, national: pd.DataFrame, on: list[str], level: float = 0.95) -> pd.DataFrame:
    """Return figures of an area with England's of the same ``on``, and its limits, in the columns :data:`ENGLAND`."""
    whole = crude(national.reset_index(drop=True), level)[[*on, *ENGLAND]].rename(columns=ENGLAND)
    return own.merge(whole, on=on, how="left", validate="many_to_one")


@checked
def compare(estimates: pd.DataFrame, comparator: str = "White", level: float = 0.95) -> pd.DataFrame:
    """Return the result of :func:`crude` with ``ratio, ratio_lower, ratio_upper, comparator``.

    The ratio of a group's rate (or percentage) to the comparator's of the same indicator, period and area.
    The comparator's own ratio is 1. Where the comparator is suppressed the ratio has no estimate, and no upper
    limit either if its count may have been zero.

    References
    ----------
    Rates: exact, conditional on the sum of both counts (Przyborowski J, Wilenski H 1940, Biometrika 31;
    Clopper CJ, Pearson ES 1934, Biometrika 26). Percentages: Katz D et al (1978), Biometrics 34.
    """
    _known(estimates, [*SERIES, "ethnic_group", "estimate"])
    other = estimates.loc[estimates["ethnic_group"].eq(comparator), [*SERIES, *_PARTS, "estimate"]]
    both = estimates[SERIES].merge(other, on=SERIES, how="left", validate="many_to_one").set_index(estimates.index)
    out = estimates.assign(comparator=comparator)
    rate = out["measure"].eq("rate")
    exact, katz = ratio_limits(out, both, level), _katz(out, both, level)
    ratio = out["estimate"] / both["estimate"]
    itself = out["ethnic_group"].eq(comparator)
    out["ratio"] = ratio.mask(itself & ratio.notna(), 1.0)
    for name, a, b in zip(("ratio_lower", "ratio_upper"), exact, katz, strict=True):
        out[name] = a.where(rate, b).mask(itself, out["ratio"])
    return out


@checked
def pooled(counts: pd.DataFrame, years: int = YEARS) -> pd.DataFrame:
    """Return the newest years of each indicator and area added up, for a steadier figure than a year's.

    Parameters
    ----------
    counts
        As for :func:`crude`, of several financial years; those that a column ``comparable`` denies are left out.
    years
        How many at most; those that follow one another without a gap are added up, at least two.

    Returns
    -------
    pandas.DataFrame
        The columns of ``counts``; ``period`` is "2022-23 to 2024-25". Counts and their intervals are sums (of a rate
        the residents too: person-years); a count with a suppressed part is missing, its interval is not.

    Notes
    -----
    Years are added up as if they were alike: show the newest beside it. Events of one person in several years count
    as many, which the intervals do not know.
    """
    _known(counts, [*SERIES, "ethnic_group"])
    if odd := sum(not (isinstance(period, str) and period[:4].isdigit()) for period in counts["period"]):
        raise PcrefError(f"counts: period is no financial year, such as 2023-24, in {odd} row(s).")
    keys, parts = ["indicator", "area"], []
    usable = counts[counts["comparable"].astype(bool)] if "comparable" in counts else counts
    for _, part in usable.groupby(keys, sort=False):
        have = sorted(part["period"].unique(), reverse=True)
        run = [year for place, year in enumerate(have[:years]) if int(have[0][:4]) - int(year[:4]) == place]
        if len(run) < 2:
            continue
        rows = part[part["period"].isin(run)]
        each = rows.groupby("ethnic_group", sort=False)
        sums = each[list(_PARTS)].sum(min_count=len(run))
        whole = sums[each.size().eq(len(run))].reset_index()
        first = rows.drop(columns=[*_PARTS, "ethnic_group", "period", "published_rate", "note"], errors="ignore").iloc[
            0
        ]
        label = f"{run[-1]} to {run[0]}"
        parts.append(whole.assign(**first.to_dict(), period=label, published_rate=float("nan"), note=""))
    return pd.concat(parts, ignore_index=True)[list(counts)] if parts else counts.head(0)


@checked
def indirect(
    counts: pd.DataFrame,
    residents: pd.DataFrame,
    reference: pd.DataFrame,
    comparator: str = "White",
    level: float = 0.95,
) -> pd.DataFrame:
    """Return observed over expected by ethnic group: expected at the reference's rates by age.

    Parameters
    ----------
    counts
        One indicator and period of an area, as for :func:`crude`, with rates.
    residents
        ``ethnic_group, age_band, residents`` (other columns are summed over).
    reference
        ``age_band, events, at_risk`` of the reference population (England), all ethnic groups together.
    comparator, level
        As in :func:`compare`.

    Returns
    -------
    pandas.DataFrame
        ``ethnic_group, events, events_low, events_high, expected, estimate, lower, upper``: ``estimate`` is
        observed over expected, 1 as often as in England at the same ages; ``ratio, ratio_lower, ratio_upper,
        comparator``: the same divided by the comparator's; ``note``.

    Notes
    -----
    Adjusts for age only, since England's events are published by age or by ethnic group but not by both. The
    reference is taken as known. Events of people whose ethnic group is unknown are in England's rates but in no
    local group, so every group's figure is somewhat low. Ratios of two such figures compare groups of different
    age structure and are not strictly comparable (Yule 1934, J R Stat Soc 97), though close where
    the age pattern of the groups is alike.

    References
    ----------
    Breslow NE, Day NE (1987), Statistical methods in cancer research II, chapter 2. IARC.
    """
    needs(counts, [*SERIES, "ethnic_group", "events", "note"], "counts")
    needs(residents, ["ethnic_group", "age_band", "residents"], "residents")
    needs(reference, ["age_band", "events", "at_risk"], "reference")
    rates = reference["events"] / reference["at_risk"]
    rates.index = reference["age_band"]
    expected = (residents["age_band"].astype(object).map(rates) * residents["residents"]).groupby(
        residents["ethnic_group"]
    )
    out = counts.assign(
        at_risk=counts["ethnic_group"].astype(object).map(expected.sum(min_count=1)), per=1, measure="rate"
    )
    out["at_risk_low"], out["at_risk_high"] = out["at_risk"], out["at_risk"]
    out = compare(crude(out, level), comparator, level).rename(columns={"at_risk": "expected"})
    out["note"] = out["note"].where(~out["note"].str.startswith("published rate"), "")
    keep = [name for name in TABLE if name not in ("at_risk", "published_rate")]
    keep.insert(4, "expected")
    return out[[*SERIES, *keep]]


def _known(counts: pd.DataFrame, columns: list[str]) -> None:
    """Raise where a column is missing, or a count is below zero or not within its own interval."""
    needs(counts, [*columns, "measure", *_PARTS], "counts")
    for name in ("events", "at_risk"):
        low, high = counts[f"{name}_low"], counts[f"{name}_high"]
        wrong = (low < 0) | (high < low) | (counts[name] < low) | (counts[name] > high)
        if odd := int(wrong.sum()):
            raise PcrefError(
                f"counts: {name} is outside {name}_low to {name}_high, or below zero, in {odd} row(s). Check how the "
                "publisher's rounding was read."
            )


def poisson_limits(low: pd.Series, high: pd.Series, level: float = 0.95) -> tuple[pd.Series, pd.Series]:
    """Return the exact Poisson lower limit of the count ``low`` and the upper limit of the count ``high``."""
    lower, upper = intervals.exact_poisson(low, level)[0], intervals.exact_poisson(high, level)[1]
    return pd.Series(lower, low.index), pd.Series(upper, high.index)


def ratio_limits(one: pd.DataFrame, other: pd.DataFrame, level: float = 0.95) -> tuple[pd.Series, pd.Series]:
    """Return exact limits of the ratio of two Poisson rates, at the least favourable counts of both."""
    size = other["at_risk"] / one["at_risk"]
    low = intervals.clopper_pearson(one["events_low"], one["events_low"] + other["events_high"], level)[0]
    high = intervals.clopper_pearson(one["events_high"], one["events_high"] + other["events_low"], level)[1]
    with np.errstate(divide="ignore"):  # a comparator that may have had no events has no upper limit
        return low / (1 - low) * size, (high / (1 - high) * size).mask(other["events_low"].eq(0))


def _wilson(counts: pd.DataFrame, level: float) -> tuple[pd.Series, pd.Series]:
    """Return the lower limit of the fewest events of the most people and the upper limit of the reverse."""
    most = np.minimum(counts["events_high"], counts["at_risk_low"])
    lower = pd.Series(intervals.wilson(counts["events_low"], counts["at_risk_high"], level)[0], counts.index)
    upper = pd.Series(intervals.wilson(most, counts["at_risk_low"], level)[1], counts.index)
    return lower.mask(counts["at_risk_high"].eq(0), 0.0), upper.mask(counts["at_risk_low"].eq(0), 1.0)


def _katz(one: pd.DataFrame, other: pd.DataFrame, level: float) -> tuple[pd.Series, pd.Series]:
    """Return limits of the ratio of two proportions, at the least favourable counts of both."""
    z = ndtri(0.5 + level / 2)
    limits = []
    for sign, end, far in ((-1, "low", "high"), (1, "high", "low")):
        x, n = one[f"events_{end}"], one[f"at_risk_{far}"]
        y, m = other[f"events_{far}"], other[f"at_risk_{end}"]
        x, y = np.minimum(x, n), np.minimum(y, m)
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = np.sqrt((1 / x - 1 / n + 1 / y - 1 / m).astype(float))
            limit = (x / n) / (y / m) * np.exp(sign * z * spread)
        limits.append(limit.mask(x.eq(0) & y.gt(0), 0.0).mask(y.eq(0)) if sign < 0 else limit.mask(y.eq(0)))
    return limits[0], limits[1]
