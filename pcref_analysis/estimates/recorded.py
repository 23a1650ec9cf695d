"""How far the record of ethnic group can be trusted for each indicator: unknown share, worst case, recording flags."""

from __future__ import annotations

import pandas as pd

from pcref_analysis.estimates import missing, recording
from pcref_analysis.estimates.domain import KEYS, is_published, select
from pcref_analysis.vocabulary import ethnicity, indicators
from pcref_analysis.vocabulary.parameters import Parameters

IN_CARE = "ethnicity_known"


def unknown(table: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Return, for people in care and for each indicator, how many have no known ethnic group, in per cent.

    Parameters
    ----------
    table
        Levels as released (:func:`levels`): the total is the sum of what is shown, so it tells no more than they do.
    parameters
        ``period`` is used.

    Returns
    -------
    pandas.DataFrame
        ``indicator, indicator_name, period, events`` (not known), ``at_risk`` (all), ``estimate`` (per cent) and their
        ``_status`` columns; missing where a count of the indicator is suppressed.
    """
    domains = {key: entry.domain for key, entry in indicators.catalogue().items()}
    part = table[table["adjustment"].eq("crude") & table["period"].eq(parameters.period)]
    care = part["indicator"].eq(IN_CARE)  # who is in care is the denominator of this one, by recorded group
    part = part.assign(events=part["events"].mask(care, part["at_risk"]))
    part["indicator_name"] = part["indicator_name"].mask(care, "People in our care")
    part = part[part["indicator"].map(domains).ne("recording") | care]
    keys = ["indicator", "indicator_name", "period"]
    total = part.groupby(keys, sort=False)["events"].agg(lambda counts: counts.sum(skipna=False))
    nobody = part[part["ethnic_group"].eq(ethnicity.UNKNOWN)].set_index(keys)["events"]
    found = pd.DataFrame({"events": nobody.reindex(total.index), "at_risk": total}).reset_index()
    found["estimate"] = (100 * found["events"] / found["at_risk"]).where(found["at_risk"] > 0)
    some = part.groupby(keys, sort=False)["events"].max().reindex(total.index).to_numpy() > 0
    found.loc[found["events"].eq(0) & some, "estimate"] = 0.0  # none of some, however many these are
    for column, status in (("events", "events_status"), ("at_risk", "at_risk_status"), ("estimate", "status")):
        found[status] = found[column].isna().map({True: "suppressed", False: "shown"})
    return found


def worst_case(table: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Return between which values each crude ratio lies, whatever the ethnic group of those not recorded.

    Parameters
    ----------
    table
        Levels as released (:func:`levels`): what is suppressed stays so. A suppressed count of unknown ethnic group is
        taken at the most that it can be.
    parameters
        ``period``, ``comparator`` and the disclosure threshold are used.

    Returns
    -------
    pandas.DataFrame
        ``indicator, ethnic_group, ratio, ratio_low, ratio_high``, among others, as the priorities rule takes them.
    """
    entries = indicators.catalogue()
    part = table[table["adjustment"].eq("crude") & table["period"].eq(parameters.period)].copy()
    part = part[
        part["measure"].ne("mean") & part["indicator"].map({k: e.domain for k, e in entries.items()}).ne("recording")
    ]
    nobody = part["ethnic_group"].eq(ethnicity.UNKNOWN)
    part.loc[nobody, "events"] = part.loc[nobody, "events"].fillna(parameters.disclosure.threshold - 1)
    part.loc[nobody, "at_risk"] = part.loc[nobody, "at_risk"].fillna(0)
    part = part.dropna(subset=["events", "at_risk"])
    there = part.loc[part["ethnic_group"].eq(parameters.comparator), "indicator"]
    part = part[part["indicator"].isin(there)]
    if part.empty:
        return pd.DataFrame(columns=["indicator", "ethnic_group", "ratio", "ratio_low", "ratio_high"])
    single = [k for k, e in entries.items() if e.measure == "percent" and not e.repeat_events]
    found = missing.bounds(part[[*KEYS, "events", "at_risk"]], parameters.comparator, percent=single)
    return found[found["ethnic_group"] != parameters.comparator].reset_index(drop=True)


def recording_flags(data: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Return figures that tell of recording rather than of care (published counts; cells have none yet).

    Columns as in :func:`pcref_analysis.estimates.recording.flags`; only flagged rows.
    """
    if not is_published(data):
        return pd.DataFrame(columns=recording.COLUMNS)
    england = data[data["area"] == "England"]
    found = recording.flags(select(data, parameters), england, parameters.comparator)
    return found[found["flag"].ne("")].reset_index(drop=True)
