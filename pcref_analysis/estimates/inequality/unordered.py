"""Summary measures of inequality across unordered groups, with intervals that do not find gaps in noise.

Each measure is one number for all groups: it says how much groups differ, never which group or why. All but the two
against a fixed reference are zero (the ratio: one) when groups are equal and can only go up from there, so chance
alone makes them positive. Their intervals allow for that: they reach zero (one) where the groups could be equal.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from pcref_analysis.estimates.entry import checked
from pcref_analysis.estimates.inequality import confidence_sets, extremes, grouped, measures, sampling_model
from pcref_analysis.vocabulary.errors import PcrefError

BEST = {"higher_is_worse": "lowest", "lower_is_worse": "highest"}
NOTES = {
    "one": "fewer than two groups have an estimate",
    "zero": "a group's estimate is zero, and this measure needs its logarithm or divides by it",
    "mean": "estimates are not all above zero, and this measure divides by them or their mean",
    "best": "needs a polarity: whether the highest or the lowest estimate is best",
    "reference": "needs a reference group",
    "lost": "the reference group has no estimate",
    "interval": "no interval: an estimate has none",
    "still": "no interval: every estimate is zero",
    "open": "no upper limit: a group's rate could be zero",
}


@checked
def summary(
    estimates: pd.DataFrame,
    population: pd.DataFrame | None = None,
    reference: str | None = None,
    level: float = 0.95,
    *,
    group: str = "ethnic_group",
    polarity: str | None = None,
    kind: str | None = None,
    draws: int = 2048,
    seed: int = 20260101,
) -> pd.DataFrame:
    """Return one row per measure of inequality across unordered groups.

    Parameters
    ----------
    estimates
        One row per group (and per indicator, period and adjustment, where these columns stand): ``group``,
        ``estimate, lower, upper, level``; with ``events`` and ``at_risk`` the standard errors behind the intervals
        are exact; a column ``std_error`` wins over the interval. ``measure`` says rate, percent or mean. Rows of an
        unknown ethnic group are no group and are left out.
    population
        ``group`` and ``residents``, also by ``indicator`` or ``period`` where these stand; None: groups are weighted
        by ``at_risk`` (for a caseload, say).
    reference
        The comparator for the measures against a fixed group; None leaves them out.
    level
        Confidence level of the result.
    group
        Column of the groups.
    polarity
        ``higher_is_worse`` or ``lower_is_worse`` (of the indicator), for the measures against the best group; None or
        ``context`` leaves them out.
    kind
        ``rate``, ``percent`` or ``mean`` where ``estimates`` has no column ``measure``.
    draws, seed
        Size and seed of the simulation behind the intervals of distances.

    Returns
    -------
    pandas.DataFrame
        Keys, ``measure, estimate, lower, upper, level, unit, method, expected_if_equal, groups, note``.
        ``expected_if_equal`` is the median that chance alone would give if all groups had the mean's rate: the part
        of the estimate that noise explains. A measure that cannot be given is missing, with the reason in ``note``,
        as are groups without an estimate, which are left out.

    Raises
    ------
    PcrefError
        If columns are missing, a group repeats, estimates are ratios or differences, a group with an estimate has no
        residents, or ``polarity`` is not one of the vocabulary's.

    Examples
    --------
    >>> rates = pd.DataFrame({"ethnic_group": ["White", "Mixed", "Asian or Asian British"], "level": 0.95,
    ...                       "estimate": [90.0, 180, 60], "lower": [84.2, 124, 41], "upper": [96.1, 253, 85],
    ...                       "events": [900, 36, 30], "at_risk": [1e6, 2e4, 5e4], "measure": "rate"})
    >>> summary(rates, reference="White")[["measure", "estimate", "lower", "upper"]].head(2).round(1)
          measure  estimate  lower  upper
    0  difference     120.0   40.7  196.1
    1       ratio       3.0    1.5    5.0

    Notes
    -----
    Not for saying which group is affected, nor for ranking groups or organisations; not for trends where the groups
    or their coding changed. "Attributable" is the name of a measure, not a finding of cause. A small group moves the
    unweighted measures and the extremes most and is known least: read them with their intervals.

    References
    ----------
    Schlotheuber A, Hosseinpoor AR. Summary measures of health inequality. Int J Environ Res Public Health
    2022;19:3697 (definitions). Ahn J, Harper S, Yu M, Feuer EJ, Liu B. PLoS One 2019;14:e0219542 (why naive intervals
    fail). Intervals: see :mod:`pcref_analysis.estimates.inequality.confidence_sets` and
    :mod:`pcref_analysis.estimates.inequality.extremes`.
    """
    if polarity not in (None, "context", *BEST):
        raise PcrefError(f"inequality: polarity is '{polarity}'; it must be one of {', '.join(BEST)}, context.")
    best = BEST.get(polarity or "")
    tables = []
    for key, which, part, note in grouped.sets(estimates, population, group, kind):
        table = _points(part, which, best, reference)
        _add_intervals(
            table, part, which, best, reference, level, sampling_model.normals(draws, max(len(part), 1), seed)
        )
        table["note"] = [". ".join(filter(None, (text, note))) for text in table["note"]]
        tables.append(table.reset_index().assign(groups=len(part)).pipe(grouped.keyed, key))
    columns = [
        "measure",
        "estimate",
        "lower",
        "upper",
        "level",
        "unit",
        "method",
        "expected_if_equal",
        "groups",
        "note",
    ]
    out = pd.concat(tables, ignore_index=True)
    return out[[*(name for name in out if name not in columns), *columns]]


def _points(groups: pd.DataFrame, kind: str, best: str | None, reference: str | None) -> pd.DataFrame:
    """Return the measures by name, with a note where one is not given."""
    value, weight, place = _arrays(groups, reference)
    out = pd.DataFrame({"estimate": np.nan, "unit": pd.Series(measures.UNITS), "note": ""}).rename_axis("measure")

    def refuse(names: list[str], note: str) -> None:
        out.loc[names, "estimate"] = np.nan
        out.loc[names, "note"] = NOTES[note]

    if len(groups) < 2:
        refuse(list(measures.UNITS), "one")
        return out
    with np.errstate(divide="ignore", invalid="ignore"):
        found = {
            **measures.spread(value, weight, place),
            **measures.picked(value, weight, best),
            **measures.against(value, weight, place),
        }
    out["estimate"] = pd.Series(found, dtype=float)
    if (value == 0).any():
        refuse(["ratio", "mean_log_deviation"], "zero")
    if (value < 0).any() or not value.any():
        refuse(measures.RELATIVE, "mean")
    if best is None:
        refuse([name for name in measures.UNITS if "best" in name], "best")
    if place is None:
        refuse([name for name in measures.UNITS if "reference" in name], "lost" if reference else "reference")
    return out


def _add_intervals(
    table: pd.DataFrame,
    groups: pd.DataFrame,
    kind: str,
    best: str | None,
    reference: str | None,
    level: float,
    normals: np.ndarray,
) -> None:
    """Write ``lower, upper, level, method, expected_if_equal`` into the table of measures."""
    value, weight, place = _arrays(groups, reference)
    table[["lower", "upper", "expected_if_equal"]] = np.nan
    table["level"], table["method"] = level, ""
    given = table["estimate"].notna()
    if not given.any():
        return
    if groups["step" if kind != "mean" else "std_error"].isna().any():
        table.loc[given, "note"] = NOTES["interval"]
    elif kind != "mean" and not value.any():
        table.loc[given, "note"] = NOTES["still"]
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            distances = _inverted(groups, kind, weight, place, best, level, normals)
            picks = extremes.intervals(groups, kind, weight, place, best, level)
        for source in (distances, picks):
            names = [name for name in source.index if given[name]]
            table.loc[names, source.columns] = source.loc[names]
        table.loc[np.isinf(table["upper"]), "note"] = NOTES["open"]


def _arrays(groups: pd.DataFrame, reference: str | None) -> tuple[np.ndarray, np.ndarray, int | None]:
    names = list(groups["group"])
    place = names.index(reference) if reference in names else None
    return groups["estimate"].to_numpy(float), groups["weight"].to_numpy(float), place


def _inverted(
    groups: pd.DataFrame,
    kind: str,
    weight: np.ndarray,
    reference: int | None,
    best: str | None,
    level: float,
    normals: np.ndarray,
) -> pd.DataFrame:
    """Intervals of the measures of distance by test inversion, each family on its own path.

    The measures that pick a group ride along for what they would be in equal groups.
    """
    even = np.full(len(groups), 1 / len(groups))
    families = [
        (
            confidence_sets.proportional(groups, weight),
            lambda y: {**measures.picked(y, weight, best), **measures.squared(y, weight)},
        ),
        (confidence_sets.threshold(groups, weight, even), lambda y: measures.absolute(y, weight, even, reference)),
        (
            confidence_sets.threshold(groups, weight, weight),
            lambda y: measures.absolute(y, weight, weight, reference, "_weighted"),
        ),
    ]
    found = [confidence_sets.intervals(groups, kind, path, every, normals, level) for path, every in families]
    high = confidence_sets.upward(groups, weight)
    upper = confidence_sets.intervals(groups, kind, high, lambda y: measures.squared(y, weight), normals, level)[
        "upper"
    ]
    found[0].loc[upper.index, "upper"] = np.maximum(found[0].loc[upper.index, "upper"], upper)
    return pd.concat(found).assign(method="test inversion by simulation")
