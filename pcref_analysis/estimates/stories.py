"""Tables that only some indicators have: detention in every denominator, what was to be expected, medians of stays."""

from __future__ import annotations

import pandas as pd

from pcref_analysis.estimates import domain, durations, rates, rounded
from pcref_analysis.intake import prepare
from pcref_analysis.vocabulary import indicators
from pcref_analysis.vocabulary.parameters import Parameters


def detentions(data: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Return detention in every denominator that the data allow, for the run's period.

    Cells: crude levels among residents, people in contact and inpatients. Published counts: the table of
    :func:`pcref_analysis.estimates.rounded.table`, with the published rate beside ours.
    """
    part = data[data["period"] == parameters.period]
    if domain.is_published(data):
        board = part[part["indicator"].eq("detentions") & part["area"].eq(parameters.trust.icb_code)]
        return rounded.table(board, parameters.comparator, parameters.level)
    story = [key for key, entry in indicators.catalogue().items() if entry.story == "detention"]
    table = domain.levels(part[part["indicator"].isin(story)], parameters)
    return table[table["adjustment"] == "crude"].reset_index(drop=True)


def medians(run: str, data: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Return the median length, by ethnic group, of what lasts (stays, detentions) in the run's period.

    From the histograms that are counted beside the cells; published counts hold none. ``beyond`` is for disclosure
    control. Not to be used as a target: a short stay is not always a good one.
    """
    columns = [*domain.SHAPE, "beyond"]
    if domain.is_published(data):
        return domain.named(pd.DataFrame(columns=columns))
    histogram = domain.select(prepare.load(run, "lengths").query("period == @parameters.period"), parameters)
    cells = domain.select(data[data["period"] == parameters.period], parameters)
    cells = cells[cells["indicator"].isin(histogram["indicator"])]
    if histogram.empty:
        return domain.named(pd.DataFrame(columns=columns))
    table = durations.quantile(histogram, domain.KEYS, level=parameters.level, cells=cells)
    table = domain.one_count(table.assign(comparator="", adjustment="crude", events=float("nan")), cells)
    return domain.finished(table, ["beyond"]).assign(unit="median days")


def expected(run: str, data: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Return detentions observed over expected, given the ages of each ethnic group (indirect standardisation).

    Published counts: expected at England's rates by age. Cells: at the rates by age and sex of the whole catchment.
    """
    part = data[data["indicator"].eq("detentions") & data["period"].eq(parameters.period)]
    if domain.is_published(data):
        board = part[part["area"] == parameters.trust.icb_code]
        residents, england = prepare.load(run, "residents_by_age"), prepare.load(run, "england_by_age")
        return rounded.indirect(board, residents, england, parameters.comparator, parameters.level)
    over, groups = ["age_band", "sex"], domain.select(part, parameters)
    whole = part[~part["age_band"].eq("Not known") & part["sex"].isin(["Female", "Male"])]
    if not (whole["at_risk"] > 0).any():  # detentions are not available, or nobody's age and sex is known
        return domain.finished(pd.DataFrame(columns=domain.SHAPE))
    table = rates.indirect(groups, domain.KEYS, whole, over, level=parameters.level, repeat_events=True)
    table = domain.one_count(table.assign(comparator="Whole population", adjustment="age_sex", measure="ratio"), groups)
    return domain.finished(table)
