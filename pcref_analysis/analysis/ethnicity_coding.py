"""How far the record of ethnic group can be trusted for each indicator: unknown share, worst case, recording flags."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pcref_analysis.analysis.levels_and_gaps import PAIR, is_published, select
from pcref_analysis.estimates import interval_counts
from pcref_analysis.published.completeness import COLUMNS
from pcref_analysis.store import runs
from pcref_analysis.vocabulary import ethnicity, indicators
from pcref_analysis.vocabulary.parameters import Parameters

IN_CARE = "ethnicity_known"


def unknown(table: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Return, for people in care and for each indicator, how many have no known ethnic group, in per cent.

    Parameters
    ----------
    table
        Levels as released, with the true counts that each leaves possible (:func:`worst_case`): the total is the sum of
        what is shown, so it tells no more than they do.
    parameters
        ``period``, ``source.kind`` and the disclosure rule are used.

    Returns
    -------
    pandas.DataFrame
        ``indicator, indicator_name, period, events`` (not known), ``at_risk`` (all), ``estimate`` (per cent) and their
        ``_status`` columns; missing where a count of the indicator is suppressed. Where only others' counts are,
        ``upper`` is the most that the share can be, rounded up to a tenth. No line of unknown ethnic group is none of
        them in own records; a publisher may only not say.
    """
    domains = indicators.of_each("domain")
    part = table[table["adjustment"].eq("crude") & table["period"].eq(parameters.period)]
    care = part["indicator"].eq(IN_CARE)  # who is in care is the denominator of this one, by recorded group
    ends = {f"events{end}": part[f"events{end}"].mask(care, part[f"at_risk{end}"]) for end in ("", "_low", "_high")}
    part = part.assign(**ends)
    part["indicator_name"] = part["indicator_name"].mask(care, "People in our care")
    part = part[part["indicator"].map(domains).ne("recording") | care]
    keys = ["indicator", "indicator_name", "period"]
    total = part.groupby(keys, sort=False)["events"].agg(lambda counts: counts.sum(skipna=False))
    nobody = part[part["ethnic_group"].eq(ethnicity.UNKNOWN)].set_index(keys)[[*ends]]
    others = part[part["ethnic_group"].ne(ethnicity.UNKNOWN)].groupby(keys, sort=False)["events_low"].sum()
    said = total.index.isin(nobody.index)
    nobody, others = nobody.reindex(total.index), others.reindex(total.index, fill_value=0.0)
    if parameters.source.kind != "published" and parameters.disclosure.show_zero:
        nobody.loc[~said] = 0.0
    found = pd.DataFrame({"events": nobody["events"], "at_risk": total}).reset_index()
    found["estimate"] = (100 * found["events"] / found["at_risk"]).where(found["at_risk"] > 0)
    some = part.groupby(keys, sort=False)["events"].max().reindex(total.index).to_numpy() > 0
    found.loc[found["events"].eq(0) & some, "estimate"] = 0.0  # none of some, however many these are
    most = np.ceil(1000 * nobody["events_high"] / (nobody["events_high"] + others)).to_numpy() / 10
    found["upper"] = np.where(found["estimate"].isna() & np.isfinite(most) & (most < 100), most, np.nan)
    for column, status in (("events", "events_status"), ("at_risk", "at_risk_status"), ("estimate", "status")):
        found[status] = found[column].isna().map({True: "suppressed", False: "shown"})
    nothing = found["at_risk"].eq(0) | ~(said | found["events"].notna())  # of nobody, or not said by a publisher
    found["status"] = found["status"].mask(nothing, "not available")
    found["events_status"] = found["events_status"].mask(found["events"].isna() & ~said, "not available")
    return found


def worst_case(table: pd.DataFrame, parameters: Parameters, flags: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return between which values each crude ratio lies, whatever the ethnic group of those not recorded.

    Nor of those in a category that is probably a matter of recording: their events too may be anybody's.

    Parameters
    ----------
    table
        Levels as released (:func:`pcref_analysis.analysis.levels_and_gaps.crude`), with the least and the largest
        true count behind each released one: ``events_low, events_high, at_risk_low, at_risk_high``
        (:func:`pcref_analysis.disclosure.disclosure_rule.with_possible`). What is hidden has no largest count.
    parameters
        ``period`` and ``comparator`` are used.
    flags
        Recording flags (:func:`recording_flags`); of rates among residents alone.

    Returns
    -------
    pandas.DataFrame
        ``indicator, ethnic_group, ratio, ratio_low, ratio_high``: the bounds hold for every true count that the
        released ones leave, so they contain the bounds from exact counts. ``times_low, times_high``: the least and
        the most that the ratio can be multiplied by, for moving an adjusted ratio. ``note``: why bounds are missing;
        they are where a count of unknown ethnic group that they need is hidden, and of a category in doubt itself.
        ``suspect`` (only where there is one): the categories in doubt, which the bounds allow for.

    Notes
    -----
    Formulas: docs/methods/unknown-ethnicity.md, each count at the end that is least favourable.
    Residents have no unknown ethnic group here, caseloads have: which it is, the catalogue says. Not confidence limits.
    """
    entries = indicators.catalogue()
    part = table[table["adjustment"].eq("crude") & table["period"].eq(parameters.period) & table["measure"].ne("mean")]
    part = part[part["indicator"].map(indicators.of_each("domain")).ne("recording")]
    nobody = part["ethnic_group"].eq(ethnicity.UNKNOWN)
    shown = part[~nobody].dropna(subset=["events", "at_risk"])
    ours = shown["ethnic_group"].eq(parameters.comparator)
    found = shown[~ours].merge(shown[ours], on="indicator", suffixes=("", "_of"), validate="many_to_one")
    ends = ["events_low", "events_high", "at_risk_low", "at_risk_high"]
    suspect = _suspect(part, flags, entries)
    unknown_counts = part[nobody | suspect].groupby("indicator")[ends].sum()
    doubt = part[suspect].groupby("indicator")["ethnic_group"].agg("; ".join)
    u0, u1, v0, v1 = (found["indicator"].map(unknown_counts[end]).astype(float).fillna(0.0) for end in ends)
    of = found["indicator"].map(entries)
    residents = pd.Series([entry.at_risk == "residents" for entry in of], found.index, dtype=bool)
    v0, v1 = v0.mask(residents, 0.0), v1.mask(residents, 0.0)
    # each of those at risk has at most one event
    once = pd.Series([one.measure == "percent" and not one.repeat_events for one in of], found.index, dtype=bool)
    u1 = np.fmin(u1, v1.where(once, np.inf))
    bring0, bring1 = u0.where(once, 0.0), u1.where(once, 0.0)  # at_risk that the unknown events bring along
    e0, e1, n0, n1 = (found[end].astype(float) for end in ends)
    c0, c1, m0, m1 = (found[f"{end}_of"].astype(float) for end in ends)
    top = pd.Series(np.where(once, 1.0, np.inf), found.index)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = found["events"] / found["at_risk"] / (found["events_of"] / found["at_risk_of"])
        low = e0 / (n1 + v1 - bring0) / np.fmin((c1 + u1) / (m0 + bring1), top)
        high = np.fmin((e1 + u1) / (n0 + bring1), top) / (c0 / (m1 + v1 - bring0))
        times_low = n0 / (n0 + v1 - bring0) * c0 / (c0 + u1) * (1 + bring1 / m1)
        times_high = (e0 + u1) / e0 * n1 / (n1 + bring1) * (1 + (v1 - bring0) / m0)
    hidden = np.isinf(u1) | np.isinf(v1)
    figures = {"ratio_low": low, "ratio_high": high, "times_low": times_low, "times_high": times_high}
    itself = pd.MultiIndex.from_frame(found[PAIR]).isin(pd.MultiIndex.from_frame(part.loc[suspect, PAIR]))
    figures = {name: values.where(np.isfinite(values) & ~hidden & ~itself) for name, values in figures.items()}
    nothing = "the comparator may have no events: no highest ratio"
    note = np.select([hidden, c0.eq(0)], ["a count of unknown ethnic group is suppressed: no bounds", nothing], "")
    more = {"suspect": found["indicator"].map(doubt)} if len(doubt) else {}
    return found[PAIR].assign(ratio=ratio.where(np.isfinite(ratio)), **figures, note=note, **more)


def _suspect(part: pd.DataFrame, flags: pd.DataFrame | None, entries: dict[str, indicators.Indicator]) -> pd.Series:
    """Say which rows are of a category that gathers what belongs elsewhere, among residents."""
    if flags is None or flags.empty:
        return pd.Series(False, part.index)
    odd = flags[flags["flag"].eq(RECORDING)]
    keys = [*PAIR, "period"]
    found = pd.MultiIndex.from_frame(part[keys]).isin(pd.MultiIndex.from_frame(odd[keys]))
    return found & part["indicator"].map({key: entry.at_risk == "residents" for key, entry in entries.items()})


def recording_flags(
    data: pd.DataFrame, parameters: Parameters, completeness: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return figures that tell of recording rather than of care (published counts; cells have none yet).

    ``completeness`` is what the run found of it (:mod:`pcref_analysis.published.completeness`), and is read from
    the run when left out. Columns as in :func:`pcref_analysis.analysis.ethnicity_coding.flags`; only flagged rows,
    those of incomplete records first: they hold for every ethnic group.
    """
    if not is_published(data):
        return pd.DataFrame(columns=COLUMNS)
    england = data[data["area"] == "England"]
    found = flags(select(data, parameters), england, parameters.comparator)
    whole = runs.load(parameters.run, "completeness") if completeness is None else completeness
    parts = [whole, found[found["flag"].ne("")]]
    return pd.concat([part for part in parts if len(part)] or parts[1:], ignore_index=True)


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


def flags(
    counts: pd.DataFrame, england: pd.DataFrame, comparator: str = "White", rule: dict | None = None
) -> pd.DataFrame:
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

    References
    ----------
    Saunders CL et al (2013), Accuracy of routinely recorded ethnic group information compared with self-reported
    ethnicity. BMJ Open 3:e002882: in hospital records of England 41% of codes other than White British differed from
    what people said of themselves, and Mixed was right in 12 to 42%; rates of "Other" come out too high and those of
    named groups too low.
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
