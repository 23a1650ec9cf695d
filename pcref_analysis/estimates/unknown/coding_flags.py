"""Signs that a figure tells of recording rather than of care: a finding of its own kind, never a priority.

Ethnic group is recorded worst where a category gathers what does not fit elsewhere. In hospital records of
England 41% of codes other than White British differed from what people said of themselves, and Mixed
was right in 12 to 42% (Saunders 2013); rates of "Other" come out too high and those of named groups too low. A rate
of Other many times its national level is therefore first a question about the records.

References
----------
Saunders CL et al (2013), Accuracy of routinely recorded ethnic group information compared with self-reported
ethnicity. BMJ Open 3:e002882.
"""

from __future__ import annotations

import pandas as pd

from pcref_analysis.estimates import interval_counts

# The rule, in one place. Of the 42 boards' detentions in 2023-24 it marks "Other" in two (QJ2, QPM), whose lower
# limits are 4.9 and 6.8 times England's ratio; the next is 1.0 times. Any `england_times` from 1 to 4.9 marks the same.
RULE = {
    "groups": ("Other ethnic groups", "Mixed"),  # the categories that gather what does not fit elsewhere
    "england_times": 2.0,  # the ratio's lower limit is at least this many times England's ratio,
    "england_unknown": 2.0,  # what stands for England's ratio where it is not published; and
    "share_times": 3.0,  # the share of known events is at least this many times the share of residents
    "unknown_share": 0.10,  # the share of events without a known ethnic group is at least this
}
RECORDING = "probable recording matter"
UNKNOWN = "many without a known ethnic group"
COLUMNS = ["indicator", "period", "area", "ethnic_group", "flag", "reason"]


def flags(counts: pd.DataFrame, england: pd.DataFrame, comparator: str = "White", rule: dict | None = None):
    """Return, for each indicator, period and ethnic group, whether the figure is probably a matter of recording.

    Parameters
    ----------
    counts
        Counts of a local area by broad ethnic group with residents (``published.publisher_rounding.COLUMNS``).
    england
        The same of England; for what it lacks ``rule["england_unknown"]`` stands.
    comparator
        The ethnic group that ratios are taken to.
    rule
        Values that win over :data:`RULE`.

    Returns
    -------
    pandas.DataFrame
        :data:`COLUMNS`, a row for each row of ``counts``: ``flag`` is "probable recording matter", "many without
        a known ethnic group" or empty; ``reason`` says in words what was compared.

    Notes
    -----
    A flag does not say that the events did not happen, nor whose they were. Without a flag a figure may still
    be wrongly recorded. Do not take flagged events out, and do not share them among other groups.
    """
    rule = RULE | (rule or {})
    here = interval_counts.compare(interval_counts.crude(counts), comparator)
    keys = ["indicator", "period", "ethnic_group"]
    national = interval_counts.compare(interval_counts.crude(england), comparator).set_index(keys)["ratio"]
    here["england"] = national.reindex(pd.MultiIndex.from_frame(here[keys])).to_numpy()
    series = here.groupby(interval_counts.SERIES)
    known = here["at_risk"].notna() & here["ethnic_group"].ne("Unknown")
    here["share"] = here["events"] / here["events"].where(known).groupby(
        [here[k] for k in interval_counts.SERIES]
    ).transform("sum")
    here["of_residents"] = here["at_risk"] / series["at_risk"].transform("sum")
    most = here["events_high"].where(known).groupby([here[k] for k in interval_counts.SERIES]).transform("sum")
    here["unknown"] = here["events_low"] / (here["events_low"] + most)
    odd = (
        here["ethnic_group"].isin(rule["groups"])
        & here["measure"].eq("rate")
        & here["ratio_lower"].ge(rule["england_times"] * here["england"].fillna(rule["england_unknown"]))
        & here["share"].ge(rule["share_times"] * here["of_residents"])
    )
    blank = here["ethnic_group"].eq("Unknown") & here["unknown"].ge(rule["unknown_share"])
    out = here.assign(flag="", reason="")
    out.loc[odd, "flag"], out.loc[blank, "flag"] = RECORDING, UNKNOWN
    here["named"] = known & ~odd
    out.loc[odd, "reason"] = out[odd].apply(_odd_reason, axis=1, here=here) if odd.any() else ""
    out.loc[blank, "reason"] = out[blank].apply(_blank_reason, axis=1) if blank.any() else ""
    return out[COLUMNS]


def _odd_reason(row: pd.Series, here: pd.DataFrame) -> str:
    national = "not published for England" if pd.isna(row["england"]) else f"in England {row['england']:.1f}"
    return (
        f"{row['share']:.1%} of events with a known ethnic group are recorded as {row['ethnic_group']}, which "
        f"{row['of_residents']:.1%} of residents belong to; the ratio to {row['comparator']} is {row['ratio']:.1f} "
        f"(at least {row['ratio_lower']:.1f}), {national}. Named groups may be too low here: {_too_low(row, here)}."
    )


def _too_low(row: pd.Series, here: pd.DataFrame) -> str:
    """Say how many times as high each named group would be if all of the suspect events were its own: the most."""
    same = (here[interval_counts.SERIES] == row[interval_counts.SERIES]).all(axis=1) & here["named"]
    times = (1 + row["events_high"] / here.loc[same, "events_low"]).replace(float("inf"), float("nan"))
    words = [
        f"{group} {most:.2f} times" if most == most else f"{group} not known, since its count is suppressed"
        for group, most in zip(here.loc[same, "ethnic_group"], times, strict=True)
    ]
    return f"if all {row['events']:,.0f} belonged to one of them, its rate would be at most: {', '.join(words)}"


def _blank_reason(row: pd.Series) -> str:
    what = (
        "rates of every group are too low"
        if row["measure"] == "rate"
        else "they are in no group's percentage, and could change each of them"
    )
    return f"At least {row['unknown']:.1%} of events have no known ethnic group; {what}."
