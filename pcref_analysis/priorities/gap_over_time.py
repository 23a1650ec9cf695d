"""Whether a gap has become narrower or wider since an earlier year: from released ratios and their intervals alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import norm

COLUMNS = ["indicator", "ethnic_group", "adjustment", "period_then", "estimate_then", "lower_then", "upper_then"]
COLUMNS += ["period_now", "estimate_now", "lower_now", "upper_now", "times", "times_lower", "times_upper"]
COLUMNS += ["verdict", "grown"]
ORDER = ("crude", "age", "age_sex", "age_sex_imd")


def compared(
    gaps: pd.DataFrame, comparator: str, period: str, breaks: Sequence[str] = (), since: str = "first"
) -> pd.DataFrame:
    """Compare each gap of a year with the same gap in the first year that has one, or in the last one before.

    Parameters
    ----------
    gaps
        Released ratios: ``indicator, period, ethnic_group, comparator, adjustment, estimate, lower, upper, level``; of
        rates whose residents are of one census for every year also ``growth``: how many times as many people of the
        group, against the comparator, there are a year later (England's: the area's own is not published).
    comparator
        The group that the others are compared with.
    period
        The financial year of now.
    breaks
        The first years after a declared change of counting, population or data set: no year before one is compared.
    since
        "first" or "last": the first year that has the gap, or the last one before ``period``.

    Returns
    -------
    pandas.DataFrame
        One row per indicator and ethnic group that has an interval in both years, by the fullest adjustment that both
        have: the ratio of then and of now with limits; ``times`` (ratio of now over ratio of then) with limits; and
        ``verdict``: "narrower", "wider" or "cannot tell". ``grown``: how many times as high growth alone would have
        made the ratio; a change has a word only if it has the same one with and without it. ``rounded_to_then,
        rounded_to_now`` and ``england_then, england_now`` where the gaps hold ``rounded_to`` and England's ratio.

    Notes
    -----
    The standard error of a log ratio is taken back from its interval; the two years are treated as independent, so the
    interval of the change is too wide rather than too narrow where people count in both (Altman and Bland 2003). Ratios
    are those released: where one is rounded more coarsely (``rounded_to``), half the step counts as one more standard
    error; rounding to two digits can move a limit of the change by a few per cent. A gap that has crossed to the other
    side of 1 is "cannot tell": neither word fits. Must not be used across a change of counting
    rule, population basis or data set version, nor to say why a gap changed.

    References
    ----------
    Altman DG, Bland JM. Interaction revisited: the difference between two estimates. BMJ 2003;326:219.

    Examples
    --------
    >>> years = pd.DataFrame({"indicator": "d", "period": ["2021-22", "2023-24"], "ethnic_group": "Mixed",
    ...     "comparator": "White", "adjustment": "crude", "estimate": [3.0, 1.5], "lower": [2.5, 1.2],
    ...     "upper": [3.6, 1.9], "level": 0.95})
    >>> compared(years, "White", "2023-24")["verdict"].tolist()
    ['narrower']
    """
    mine = gaps[gaps["comparator"].eq(comparator) & gaps["ethnic_group"].ne(comparator) & gaps["period"].le(period)]
    mine = mine[mine["adjustment"].isin(ORDER)]
    if "england_year" in mine:  # no year's figure is compared with itself under another name
        mine = mine.assign(england=mine["england"].where(mine["england_year"].eq(mine["period"])))
    figures = mine[["estimate", "lower", "upper"]].apply(pd.to_numeric, errors="coerce").astype(float)
    whole = np.isfinite(figures).all(axis=1) & figures.gt(0).all(axis=1)
    mine = mine[whole].assign(**figures[whole], step=lambda rows: rows["adjustment"].map(ORDER.index))
    keys = ["indicator", "ethnic_group", "adjustment"]
    before = mine[mine["period"].ne(period) & mine["period"].ge(max([b for b in breaks if b <= period], default=""))]
    both = before.sort_values("period").drop_duplicates(keys, keep=since)
    both = both.merge(mine[mine["period"].eq(period)], on=[*keys, "step"], suffixes=("_then", "_now"))
    both = both.sort_values("step").drop_duplicates(keys[:2], keep="last").sort_index()
    z = norm.ppf((1 + both["level_now"].astype(float)) / 2)
    spread = [np.log(both[f"upper_{end}"] / both[f"lower_{end}"]) / (2 * z) for end in ("then", "now")]
    steps = [both[name] for name in ("rounded_to_then", "rounded_to_now") if name in both]
    spread += [step.fillna(0.0) / 2 / both[f"estimate_{step.name.removeprefix('rounded_to_')}"] for step in steps]
    change, half = np.log(both["estimate_now"] / both["estimate_then"]), z * np.sqrt(sum(one**2 for one in spread))
    side = np.sign(np.log(both["estimate_then"]))
    same = side.eq(np.sign(np.log(both["estimate_now"]))) & side.ne(0)
    years = both["period_now"].str[:4].astype(int) - both["period_then"].str[:4].astype(int)
    grown = both["growth_now"].astype(float).fillna(1) ** years if "growth_now" in both else pd.Series(1.0, both.index)
    away = [change * side, (change - np.log(grown)) * side]
    down, up = (
        np.logical_and(*(which(one) for one in away)) for which in (lambda a: a + half < 0, lambda a: a - half > 0)
    )
    verdict = np.select([same & down, same & up], ["narrower", "wider"], "cannot tell")
    limits = {"times": np.exp(change), "times_lower": np.exp(change - half), "times_upper": np.exp(change + half)}
    more = [f"{name}_{end}" for name in ("rounded_to", "england") for end in ("then", "now")]
    more = [name for name in more if name in both]
    return both.assign(**limits, verdict=verdict, grown=grown)[[*COLUMNS, *more]].reset_index(drop=True)
