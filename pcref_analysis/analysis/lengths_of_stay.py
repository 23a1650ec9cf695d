"""Length of stay and of detention from a histogram of days: quantiles with intervals.

A histogram has a row for each group and length: ``upper_day`` (the length in days), ``count`` (how many stays), and
the columns to group by. Lengths that are binned also have ``lower_day`` (a bin holds stays of ``lower_day`` to
``upper_day`` days); an open last bin has no ``upper_day``. Single days make every result exact. The ratio of mean
lengths, person-clustered and adjusted, comes from the cells: ``regression.adjusted(cells, family="gamma")``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pcref_analysis.estimates.entry import checked
from pcref_analysis.estimates.regression.model_data import person_sums
from pcref_analysis.estimates.regression.results import FEW
from pcref_analysis.vocabulary import notes
from pcref_analysis.vocabulary.errors import PcrefError

COLUMNS = ["measure", "estimate", "lower", "upper", "level", "at_risk", "note", "beyond"]


@checked
def quantile(
    histogram: pd.DataFrame, by: Sequence[str], q: float = 0.5, level: float = 0.95, cells: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return a quantile of the length in each group (the median by default) with a distribution-free interval.

    The limits are lengths that occurred (placed in proportion within a bin of several days): those whose ranks the
    binomial distribution gives for a quantile. Where a person has several stays, give the ``cells`` of the mean
    length: the number of stays is then divided by the design effect of the mean, the person-clustered variance over
    that of independent stays (Kish 1965; never below 1), and ranks are taken at the same shares of all stays.

    Parameters
    ----------
    histogram
        ``by``, ``upper_day``, ``count`` and perhaps ``lower_day``, as the module says.
    by
        Columns that make a group, such as ``["indicator", "period", "ethnic_group"]``.
    q
        0.5 for the median, 0.9 for the length that one stay in ten exceeds.
    level
        Confidence level.
    cells
        Cells with ``by`` columns and ``total, at_risk, total_sq, total_at_risk, at_risk_sq``; without, stays are
        taken as independent.

    Returns
    -------
    pandas.DataFrame
        ``by``, ``measure`` (``median``, or ``quantile 0.9``), ``estimate, lower, upper`` in days, ``level``,
        ``at_risk`` (stays), ``note``, ``beyond`` (how many people's stays are at or beyond a limit of the figure,
        whichever has fewer, none where a limit is missing: for disclosure control; with ``cells``, stays are taken for
        as many people as equal shares of them would need). A limit beyond the data is missing.

    Raises
    ------
    PcrefError
        If a column is missing, a count is negative, or ``q`` or ``level`` is not between 0 and 1.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.DataFrame({"ethnic_group": "Indian", "upper_day": [2, 5, 9, 14, 30, 61], "count": [2, 2, 2, 2, 1, 1]})
    >>> quantile(days, ["ethnic_group"])[["estimate", "lower", "upper"]].iloc[0].tolist()
    [9.0, 2.0, 30.0]

    References
    ----------
    Conover WJ. Practical Nonparametric Statistics, 3rd ed. 1999, section 3.2. Woodruff RS. J Am Stat Assoc
    1952;47:635-646 (the interval inverted from shares). Must not be used for stays that have not ended.
    """
    if not 0 < q < 1 or not 0 < level < 1:
        raise PcrefError("length of stay: q and level must lie between 0 and 1.")
    from scipy.stats import binom

    rows = []
    for key, part, effect, people in _groups(histogram, by, cells):
        n = float(part["count"].sum())
        size = int(n / np.fmax(effect, 1.0))
        low, high = binom.ppf([(1 - level) / 2, (1 + level) / 2], size, q) if size else (0, size)
        figures, ends = (_at(part, q * n, n), np.nan, np.nan), [0.0, 0.0]
        if low >= 1:
            ends[0] = np.floor((low - 1) * n / size) + 1
            figures = figures[0], _ranked(part, ends[0]), figures[2]
        if high + 1 <= size:
            ends[1] = n + 1 - np.ceil((high + 1) * n / size)
            figures = figures[0], figures[1], _ranked(part, np.ceil((high + 1) * n / size))
        note, beyond = _note(part, n, effect, figures[0]), np.floor(min(ends) * people)
        rows.append((*key, *figures, n, note, beyond))
    table = pd.DataFrame(rows, columns=[*by, "estimate", "lower", "upper", "at_risk", "note", "beyond"])
    measure = "median" if q == 0.5 else f"quantile {q:g}"
    return table.assign(measure=measure, level=level)[[*by, *COLUMNS]]


def _groups(histogram: pd.DataFrame, by: Sequence[str], cells: pd.DataFrame | None) -> Iterator[Any]:
    """Yield (key, sorted bins, design effect, people a stay) of each group.

    People a stay: the number of people who would share all stays equally, over the stays ((sum n)^2 / sum n^2 over n).
    """
    by = list(by)
    if lacking := [name for name in [*by, "upper_day", "count"] if name not in histogram]:
        raise PcrefError(f"length of stay: the histogram has no column {', '.join(lacking)}.")
    if wrong := int(((histogram["count"] < 0) | histogram["count"].isna()).sum()):
        raise PcrefError(f"length of stay: {wrong} row(s) of the histogram have no count or a negative one.")
    bins = histogram.assign(lower_day=histogram.get("lower_day", histogram["upper_day"]))
    bins[["lower_day", "upper_day"]] = bins[["lower_day", "upper_day"]].astype("float64")
    bins["upper_day"] = bins["upper_day"].fillna(np.inf)
    people: Any = None
    if cells is not None:
        sums = person_sums(cells, "total")
        people = sums.groupby(by, dropna=False)[["y", "t", "yy", "yt", "tt"]].sum(skipna=False)
    for key, part in bins.groupby(by, dropna=False, sort=False):
        part = part.groupby(["upper_day", "lower_day"], as_index=False)["count"].sum().query("count > 0")
        index = key if len(by) > 1 else key[0]
        known = people is not None and index in people.index
        effect = _effect(part, people.loc[index]) if known else 1.0 if cells is None else np.nan
        yield key, part, effect, float(people.loc[index, "t"] / people.loc[index, "tt"]) if known else 1.0


def _effect(part: pd.DataFrame, p: pd.Series) -> float:
    mean = p["y"] / p["t"] if p["t"] > 0 else np.nan
    clustered = (p["yy"] - 2 * mean * p["yt"] + mean**2 * p["tt"]) / p["t"] ** 2
    n, value = part["count"].sum(), (part["lower_day"] + part["upper_day"]) / 2
    if not np.isfinite(value).all() or n < 2:
        return np.nan
    alone = (part["count"] * (value - np.average(value, weights=part["count"])) ** 2).sum() / n**2
    effect = clustered / alone if alone > 0 else 1.0
    return float(max(effect, 1.0)) if np.isfinite(effect) else np.nan


def _at(part: pd.DataFrame, rank: float, n: float) -> float:
    """Return the length at a rank; halfway between two lengths where the rank falls between two stays."""
    if n <= 0:
        return np.nan
    if np.isclose(rank, np.round(rank)) and 1 <= rank < n:
        return (_ranked(part, np.round(rank)) + _ranked(part, np.round(rank) + 1)) / 2
    return _ranked(part, np.ceil(rank))


def _ranked(part: pd.DataFrame, rank: float) -> float:
    """Return the length of the stay at a rank (1 the shortest); within a bin of several days, in proportion."""
    through = part["count"].cumsum().to_numpy()
    i = min(int(np.searchsorted(through, rank - 1e-9)), len(part) - 1)
    low, high = part["lower_day"].iloc[i], part["upper_day"].iloc[i]
    if low == high:
        return float(low)
    share = (rank - 0.5 - (through[i] - part["count"].iloc[i])) / part["count"].iloc[i]
    return float(low + share * (high - low)) if np.isfinite(high) else np.nan


def _note(part: pd.DataFrame, n: float, effect: float, estimate: float) -> str:
    said = []
    if n <= 0:
        return "no stays in this group"
    if np.isnan(estimate):
        longest = part.loc[~np.isfinite(part["upper_day"]), "lower_day"]
        said.append(notes.say("open_bin", number=f"{longest.min():.0f}") if len(longest) else "not given")
    if n < FEW:
        said.append(notes.say("few", number=FEW, what="stays"))
    if (part["upper_day"] > part["lower_day"]).any():
        said.append(notes.say("binned"))
    if np.isnan(effect):
        said.append(notes.say("no_effect"))
    if effect > 1:
        said.append(notes.say("widened", number=f"{effect:.2f}"))
    return notes.BETWEEN.join(said)
