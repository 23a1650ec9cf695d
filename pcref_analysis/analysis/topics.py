"""Tables that only some indicators have: detention in every denominator, what was to be expected, medians of stays."""

from __future__ import annotations

import pandas as pd

from pcref_analysis.analysis import lengths_of_stay, levels_and_gaps
from pcref_analysis.estimates import interval_counts
from pcref_analysis.estimates.rates import rates
from pcref_analysis.vocabulary import ethnicity, indicators
from pcref_analysis.vocabulary.parameters import Parameters

CONTEXT = ("detentions", "short_term_orders", "section_136", "cto_starts", "repeat_detention")


def detentions(cells: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Return detention in every denominator that the data allow, of one period.

    Cells: crude levels among residents, people in contact and inpatients. Published counts: the table of
    :func:`pcref_analysis.estimates.interval_counts.table`, with the published rate beside ours.
    """
    if levels_and_gaps.is_published(cells):
        board = cells[cells["indicator"].eq("detentions") & cells["area"].eq(parameters.trust.icb_code)]
        return interval_counts.table(board, parameters.comparator, parameters.level)
    story = [key for key, entry in indicators.catalogue().items() if entry.story == "detention"]
    return levels_and_gaps.crude(cells[cells["indicator"].isin(story)], parameters.level)


def medians(histogram: pd.DataFrame, cells: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Return the median length, by ethnic group, of what lasts (waits, stays, detentions), in days.

    Parameters
    ----------
    histogram
        Lengths counted by day and week (``study.lengths``); published counts hold none.
    cells
        The cells of the same indicators, periods and groups.
    level
        Of the intervals.

    Notes
    -----
    ``beyond`` is for disclosure control. Not to be used as a target: a short stay is not always a good one.
    """
    if histogram.empty:
        return levels_and_gaps.empty(["beyond"])
    cells = cells[cells["indicator"].isin(histogram["indicator"])]
    table = lengths_of_stay.quantile(histogram, levels_and_gaps.KEYS, level=level, cells=cells)
    table = levels_and_gaps.one_count(table.assign(comparator="", adjustment="crude", events=float("nan")), cells)
    return levels_and_gaps.finished(table, ["beyond"]).assign(unit="median days")


def england(counts: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Return England's levels and ratios of the Mental Health Act by ethnic group: context for every published report.

    Parameters
    ----------
    counts
        Published counts of all areas (:func:`pcref_analysis.published.published_counts.load`).
    parameters
        ``period``, ``comparator`` and ``level`` are used.

    Returns
    -------
    pandas.DataFrame
        ``indicator, indicator_name, unit, period, ethnic_group, events, at_risk, estimate, lower, upper, ratio,
        ratio_lower, ratio_upper, comparator, level``: community treatment orders, section 136 and repeat detention
        are published by ethnic group for England alone.
    """
    rows = counts[counts["area"].eq("England") & counts["period"].eq(parameters.period)]
    rows = rows[rows["indicator"].isin(CONTEXT) & rows["at_risk"].notna()]
    found = interval_counts.compare(
        interval_counts.crude(rows, parameters.level), parameters.comparator, parameters.level
    )
    found = levels_and_gaps.named(found).assign(level=parameters.level)
    keep = ["indicator", "indicator_name", "unit", "period", "ethnic_group", "events", "at_risk", "estimate", "lower"]
    keep += ["upper", "ratio", "ratio_lower", "ratio_upper", "comparator", "level"]
    return found.dropna(subset=["indicator_name"])[keep].reset_index(drop=True)


def expected(
    cells: pd.DataFrame,
    parameters: Parameters,
    residents: pd.DataFrame | None = None,
    england: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return detentions observed over expected, given the ages of each ethnic group (indirect standardisation).

    Parameters
    ----------
    cells
        Cells of one period: expected at the rates by age and sex of the whole catchment. Or published counts.
    parameters
        ``comparator``, ``level`` and the board are used.
    residents, england
        For published counts: residents by age, and England's rates by age, at which events are expected.
    """
    part = cells[cells["indicator"].eq("detentions")]
    if levels_and_gaps.is_published(cells):
        board = part[part["area"] == parameters.trust.icb_code]
        return interval_counts.indirect(board, residents, england, parameters.comparator, parameters.level)
    whole = part[~part["age_band"].eq("Not known") & part["sex"].isin(["Female", "Male"])]
    if not (whole["at_risk"] > 0).any():  # detentions are not available, or nobody's age and sex is known
        return levels_and_gaps.empty()
    table = rates.indirect(
        part, levels_and_gaps.KEYS, whole, ["age_band", "sex"], level=parameters.level, repeat_events=True
    )
    table = levels_and_gaps.one_count(
        table.assign(comparator=ethnicity.WHOLE_POPULATION, adjustment="age_sex", measure="ratio"), part
    )
    return levels_and_gaps.finished(table)
