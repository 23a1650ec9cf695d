"""From estimates to findings: one row per indicator and ethnic group with everything the rule needs.

A findings table is what is published: from its columns alone, and the rule, the list can be made again.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from pcref_analysis.analysis.levels_and_gaps import PAIR
from pcref_analysis.vocabulary import ethnicity
from pcref_analysis.vocabulary.errors import PcrefError, did_you_mean
from pcref_analysis.vocabulary.indicators import Indicator
from pcref_analysis.vocabulary.priority_rule import ADJUSTMENTS, PriorityRule

ESTIMATES = ["indicator", "period", "ethnic_group", "comparator", "adjustment", "measure", "estimate", "lower", "upper"]
ESTIMATES += ["level", "events", "at_risk", "note"]
FIGURES = ("estimate", "lower", "upper", "rounded_to", "level", "events", "at_risk", "note")
LEVELS = ("rate", "percent", "mean")  # measures that are a level and not a contrast
NOT_GROUPS = ("Not stated", ethnicity.NOT_KNOWN, ethnicity.UNKNOWN)
EVERY_GROUP = "Every ethnic group"
COLUMNS = [  # what a published list holds of each finding; the list can be made again from these and the rule
    *("item", "indicator", "name", "ethnic_group", "comparator", "period", "adjustment", "domain", "story", "polarity"),
    *("severity_level", "measure", "per", "unit", "at_risk_kind", "caveat", "source", "margin"),
    *("ratio", "lower", "upper", "rounded_to", "level", "events", "at_risk", "note", "difference", "difference_lower"),
    *("difference_upper", "excess", "excess_lower", "excess_upper", "comparator_level", "comparator_se", "expected"),
    *("ratio_crude", "ratio_age_sex", "ratio_age_sex_imd", "ratio_low", "ratio_high", "flag", "flag_reason"),
    *("gap", "se", "shared_variance", "none_of", "persistence"),
]

MORE = [  # of published figures alone: years added up, the newest, the same group elsewhere, a category in doubt
    *("years", "newest_year", "newest_ratio", "prior_mean", "prior_sd", "prior_boards", "suspect")
]


def years_of(words: object) -> int:
    """Return how many years a finding's events are of: as many as were added up ("2022-23 to 2024-25": 3), or 1."""
    return int(words[-7:-3]) - int(words[:4]) + 1 if isinstance(words, str) else 1


def columns(table: pd.DataFrame) -> list[str]:
    """Return the columns that a list is made again from, in order: those of every list, and what this one holds more.

    An edition of before a column was there can still be read.
    """
    return [*COLUMNS, *(name for name in MORE if name in table)]


def make(
    estimates: pd.DataFrame,
    rule: PriorityRule,
    catalogue: Mapping[str, Indicator],
    comparator: str | None = None,
    period: str | None = None,
    bounds: pd.DataFrame | None = None,
    flags: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return one row per indicator and ethnic group, in a fixed order, with the inputs of the rule.

    See :func:`pcref_analysis.priorities.draft_list.draft` for the arguments.
    """
    check_rule(rule, catalogue)
    _check(estimates, catalogue)
    comparator = choose_comparator(estimates, comparator)
    period = period or str(estimates["period"].max())
    ours = estimates[~estimates["ethnic_group"].isin(NOT_GROUPS)]
    contrasts = ours[(ours["comparator"] == comparator) & (ours["ethnic_group"] != comparator)]
    now = contrasts[contrasts["period"] == period]
    if now.empty:
        raise PcrefError(f"priorities: the estimates hold no ratio against '{comparator}' for {period}.")
    table = _grid(now, catalogue, flags).merge(_contrasts(now, rule), on=PAIR, how="left")
    if "area" in now:  # published figures
        catalogue = {key: entry.of_publisher() for key, entry in catalogue.items()}
    table = _with_catalogue(table.assign(period=period, comparator=comparator), catalogue, rule)
    if "indicator_name" in now:  # which says whose figure it is, where that is not the Trust's
        table["name"] = table["indicator"].map(now.groupby("indicator")["indicator_name"].first()).fillna(table["name"])
    table = _with_levels(table, ours[ours["period"] == period], comparator)
    table["margin"] = _margins(table, rule)
    table = table.merge(_ladder(now), on=PAIR, how="left")
    table = on_the_scale_of_harm(table)
    table["persistence"] = persistence(table, contrasts[contrasts["period"] < period])
    table = _with_bounds(table, bounds)
    table = _with_flags(table, flags, period)
    return table[columns(table)].sort_values(PAIR, ignore_index=True)


def check_rule(rule: PriorityRule, catalogue: Mapping[str, Indicator]) -> None:
    """Refuse a rule that names an indicator or a story which the catalogue does not know."""
    if odd := sorted(set(rule.margins) - set(catalogue)):
        raise PcrefError(f"priorities: the rule has a margin for {', '.join(odd)}, which the catalogue does not know.")
    stories = {entry.story for entry in catalogue.values()}
    for name in rule.community:
        if name.split(": ")[0].replace(" ", "_") not in {story.replace(" ", "_") for story in stories}:
            hint = did_you_mean(name, sorted(stories))
            raise PcrefError(f"priorities: the rule has a community weight for '{name}', which is no story.{hint}")


def _check(estimates: pd.DataFrame, catalogue: Mapping[str, Indicator]) -> None:
    if absent := [name for name in ESTIMATES if name not in estimates]:
        raise PcrefError(f"priorities: the estimates lack the column(s) {', '.join(absent)}.")
    if odd := sorted(set(estimates["indicator"]) - set(catalogue)):
        raise PcrefError(f"priorities: the catalogue has no indicator {', '.join(map(str, odd))}.")
    key = ["indicator", "period", "ethnic_group", "comparator", "adjustment", "measure"]
    contrasts = estimates[~estimates["measure"].isin(LEVELS)]
    if twice := int(contrasts.duplicated(key).sum()):
        raise PcrefError(f"priorities: {twice} estimate(s) stand twice (same {', '.join(key)}).")


def choose_comparator(estimates: pd.DataFrame, comparator: str | None) -> str:
    """Return the comparator asked for, the only one, or White British / White; else an error."""
    have = sorted(estimates.loc[estimates["measure"] == "ratio", "comparator"].dropna().unique())
    if comparator:
        if comparator not in have:
            raise PcrefError(f"priorities: no ratio against '{comparator}'; there are {', '.join(have) or 'none'}.")
        return comparator
    for name in [*have] if len(have) == 1 else ["White British", "White"]:
        if name in have:
            return name
    raise PcrefError(f"priorities: say which comparator the list is for: {', '.join(have) or 'there is none'}.")


def _grid(now: pd.DataFrame, catalogue: Mapping[str, Indicator], flags: pd.DataFrame | None) -> pd.DataFrame:
    """Every indicator seen x every group seen, each indicator without any figure, and what was flagged."""
    seen = sorted(now["indicator"].unique())
    grid = pd.MultiIndex.from_product([seen, sorted(now["ethnic_group"].unique())], names=PAIR).to_frame(index=False)
    compared = [key for key, entry in catalogue.items() if entry.polarity != "context" and entry.domain != "recording"]
    unseen = [key for key in compared if key not in seen]
    rows = [grid, pd.DataFrame({"indicator": unseen, "ethnic_group": EVERY_GROUP})]
    if flags is not None and {*PAIR, "flag"} <= set(flags):
        flagged = flags.loc[flags["flag"].fillna("").ne("") & flags["ethnic_group"].notna(), PAIR]
        rows.append(flagged[flagged["indicator"].isin(list(catalogue))])
    return pd.concat(rows, ignore_index=True).drop_duplicates(PAIR)


def _contrasts(now: pd.DataFrame, rule: PriorityRule) -> pd.DataFrame:
    """Ratio, difference and excess of each finding at the first adjustment of the rule that has a ratio."""
    place = {name: i for i, name in enumerate(rule.adjustments)}
    rows = now[now["adjustment"].isin(list(place))]
    ratios = rows[rows["measure"] == "ratio"].assign(
        place=lambda r: r["adjustment"].map(place), refused=lambda r: r["estimate"].isna()
    )
    ratios = ratios.sort_values([*PAIR, "refused", "place"]).drop_duplicates(PAIR)
    ratios = ratios.assign(rounded_to=ratios.get("rounded_to", np.nan))  # estimates from elsewhere do not say
    ratios = ratios[[*PAIR, "adjustment", *FIGURES, *(name for name in MORE if name in ratios)]]
    table = ratios.rename(columns={"estimate": "ratio"})
    for measure in ("difference", "excess"):
        part = rows.loc[rows["measure"] == measure, [*PAIR, "adjustment", "estimate", "lower", "upper"]]
        names = {"estimate": measure, "lower": f"{measure}_lower", "upper": f"{measure}_upper"}
        table = table.merge(part.rename(columns=names), on=[*PAIR, "adjustment"], how="left", validate="one_to_one")
    return table


def _with_levels(table: pd.DataFrame, now: pd.DataFrame, comparator: str) -> pd.DataFrame:
    """Add the comparator's level, the events expected at it, and how sure the comparator's is (log scale)."""
    levels = now[now["measure"].isin(LEVELS) & now["estimate"].notna()].drop_duplicates([*PAIR, "adjustment"])
    own = levels[[*PAIR, "adjustment", "estimate"]].rename(columns={"estimate": "group_level"})
    theirs = levels[levels["ethnic_group"] == comparator]
    theirs = theirs.assign(comparator_se=standard_error(theirs["estimate"], theirs["lower"], theirs["upper"], theirs))
    theirs = theirs.rename(columns={"estimate": "comparator_level"})
    theirs = theirs[["indicator", "adjustment", "comparator_level", "comparator_se"]]
    table = table.merge(own, on=[*PAIR, "adjustment"], how="left")
    table = table.merge(theirs, on=["indicator", "adjustment"], how="left")
    order = theirs["adjustment"].map({name: place for place, name in enumerate(ADJUSTMENTS)})
    fallback = theirs.assign(_order=order).sort_values("_order").drop_duplicates("indicator").set_index("indicator")
    table["comparator_se"] = table["comparator_se"].fillna(table["indicator"].map(fallback["comparator_se"]))
    per = table["per"].where(table["measure"] != "mean")
    counted = table["events"] / table["at_risk"].where(table["at_risk"] > 0) * per
    ratio = table["ratio"].where(table["ratio"] > 0)
    implied = (table["group_level"] - table["difference"]).where(lambda level: level > 0)
    implied = implied.fillna((table["difference"] / (ratio - 1)).where((ratio - 1).abs() > 0.02))
    implied = implied.fillna(table["group_level"] / ratio).fillna(counted / ratio)
    implied = implied.fillna(table["indicator"].map(fallback["comparator_level"]))
    table["comparator_level"] = table["comparator_level"].fillna(implied)
    expected = (table["events"] - table["excess"]).where(lambda x: x > 0)
    expected = expected.fillna(table["events"] / ratio)
    table["expected"] = expected.fillna(table["comparator_level"] * table["at_risk"] / per)
    return table.drop(columns="group_level")


def _with_catalogue(table: pd.DataFrame, catalogue: Mapping[str, Indicator], rule: PriorityRule) -> pd.DataFrame:
    entries = [catalogue[name] for name in table["indicator"]]
    for field in ("name", "domain", "story", "polarity", "severity", "measure", "per", "unit", "caveat", "source"):
        table["severity_level" if field == "severity" else field] = [getattr(entry, field) for entry in entries]
    table["at_risk_kind"] = [entry.at_risk for entry in entries]
    groups = table["ethnic_group"]
    if rule.group_by == "broad":
        names = ethnicity.categories().set_index("ethnic_group")["broad_group"]
        groups = groups.map(names).fillna(groups)
    table["item"] = table["story"].str.replace("_", " ") + ": " + groups
    return table


def _margins(table: pd.DataFrame, rule: PriorityRule) -> pd.Series:
    """Return the smallest ratio that matters; of a percentage that of the points that matter, where it is smaller.

    So that a gap of 60% against 54% is not lost because the same gap in those left out, 46% against 40%, is larger.
    An indicator with a margin of its own keeps it.
    """
    level = table["comparator_level"].astype(float)
    worse = level.where(table["polarity"] == "higher_is_worse", level - rule.margin_points)
    ratio = ((worse + rule.margin_points) / worse).where((table["measure"] == "percent") & (worse > 0))
    return table["indicator"].map(rule.margins).astype(float).fillna(ratio.clip(upper=rule.margin)).fillna(rule.margin)


def _ladder(now: pd.DataFrame) -> pd.DataFrame:
    """The ratio at each adjustment side by side."""
    ratios = now[now["measure"] == "ratio"].pivot_table(
        index=PAIR, columns="adjustment", values="estimate", dropna=False
    )
    ratios = ratios.reindex(columns=["crude", "age_sex", "age_sex_imd"])
    return ratios.add_prefix("ratio_").rename_axis(columns=None).reset_index()


def _with_bounds(table: pd.DataFrame, bounds: pd.DataFrame | None) -> pd.DataFrame:
    """Add the worst-case ``ratio_low`` and ``ratio_high`` over where the unknown ethnic group may lie."""
    columns = [*PAIR, "ratio_low", "ratio_high"]
    if bounds is None:
        return table.assign(ratio_low=np.nan, ratio_high=np.nan)
    if absent := [name for name in columns if name not in bounds]:
        raise PcrefError(f"priorities: the bounds lack the column(s) {', '.join(absent)}.")
    if twice := int(bounds.duplicated(PAIR).sum()):
        raise PcrefError(f"priorities: {twice} row(s) of the bounds stand twice (same indicator and ethnic group).")
    columns += [name for name in ("suspect",) if name in bounds]
    return table.merge(bounds[columns], on=PAIR, how="left", validate="one_to_one")


def _with_flags(table: pd.DataFrame, flags: pd.DataFrame | None, period: str) -> pd.DataFrame:
    """Add ``flag`` and ``flag_reason``; a flag without an ethnic group holds for the whole indicator."""
    if flags is None or flags.empty:
        return table.assign(flag=np.nan, flag_reason=np.nan)
    if absent := [name for name in (*PAIR, "flag", "reason") if name not in flags]:
        raise PcrefError(f"priorities: the recording flags lack the column(s) {', '.join(absent)}.")
    flags = flags[flags["flag"].fillna("").ne("") & (flags["period"].eq(period) if "period" in flags else True)]
    flags = flags.rename(columns={"reason": "flag_reason"})[[*PAIR, "flag", "flag_reason"]]
    one = _joined(flags[flags["ethnic_group"].notna()], PAIR)
    whole = _joined(flags[flags["ethnic_group"].isna()], ["indicator"])
    table = table.merge(one, on=PAIR, how="left").merge(whole, on="indicator", how="left", suffixes=("", "_whole"))
    for name in ("flag", "flag_reason"):
        table[name] = table[name].fillna(table.pop(f"{name}_whole"))
    return table


def _joined(flags: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """One row per key; several flags of one key stand side by side."""
    groups = flags.groupby(by)[["flag", "flag_reason"]]
    return groups.agg(lambda words: "; ".join(words.dropna().astype(str))).reset_index()


def standard_error(estimate: pd.Series, lower: pd.Series, upper: pd.Series, rows: pd.DataFrame) -> pd.Series:
    """Standard error of the logarithm from an interval; from one side where the other is zero or missing."""
    z = stats.norm.ppf(0.5 + rows["level"].astype(float).fillna(0.95) / 2)
    values = [x.astype(float).where(lambda v: v > 0) for x in (estimate, lower, upper)]
    point, low, high = (np.log(value) for value in values)
    se = ((high - low) / (2 * z)).fillna((high - point) / z).fillna((point - low) / z)
    return se.where((se > 0) & np.isfinite(se))


def careful(se: pd.Series, table: pd.DataFrame) -> pd.Series:
    """Take no standard error to be smaller than numbers of this size allow.

    Robust errors of two or three people can come out near zero. Rates: at least Poisson's; percentages: with two
    people with and two without an event added (Agresti and Coull 1998), so that 2 of 2 is not certain; means: as wide
    as Student's t.
    """
    events, people = table["events"].astype(float), table["at_risk"].astype(float)
    share = (events + 2) / (people + 4)
    percent = np.sqrt(((1 - share) / (events + 2)).clip(lower=0))
    rate = np.sqrt(1 / events.where(events > 0))
    least = rate.mask(table["measure"] == "percent", percent).mask(table["measure"] == "mean", 0.0)
    upper = 0.5 + table["level"].astype(float).fillna(0.95) / 2
    wider = pd.Series(stats.t.ppf(upper, (people - 1).clip(lower=1)) / stats.norm.ppf(upper), index=table.index)
    return np.fmax(se * wider.where((table["measure"] == "mean") & people.notna(), 1.0), least).where(se.notna())


def on_the_scale_of_harm(table: pd.DataFrame) -> pd.DataFrame:
    """Add ``gap`` (log ratio, positive where the group is worse off), its ``se`` and the comparator's part."""
    table = table.copy()
    sign = table["polarity"].map({"higher_is_worse": 1.0, "lower_is_worse": -1.0})
    table["se"] = careful(standard_error(table["ratio"], table["lower"], table["upper"], table), table)
    table["gap"] = (sign * np.log(table["ratio"].astype(float).where(lambda r: r > 0))).where(table["se"].notna())
    none = (table["events"] == 0) & (table["expected"] > 0) & table["gap"].isna()
    table["none_of"] = table["expected"].where(none)
    table["gap"] = table["gap"].fillna(sign * np.log(0.5 / (table["none_of"] + 0.5)))
    table["se"] = table["se"].fillna(np.sqrt(2 + table["comparator_se"].astype(float).fillna(0) ** 2).where(none))
    table["se"] = table["se"].where(table["gap"].notna())
    table["shared_variance"] = (table["comparator_se"].astype(float) ** 2).where(table["gap"].notna())
    return table


def persistence(table: pd.DataFrame, earlier: pd.DataFrame) -> pd.Series:
    """Average over earlier periods of the probability that the gap exceeded the margin then (no shrinkage)."""
    known = table[[*PAIR, "adjustment", "polarity", "margin", "measure"]]
    rows = earlier[earlier["measure"] == "ratio"].drop(columns="measure").merge(known, on=[*PAIR, "adjustment"])
    rows = on_the_scale_of_harm(
        rows.rename(columns={"estimate": "ratio"}).assign(comparator_se=np.nan, expected=np.nan)
    )
    rows["beyond"] = stats.norm.cdf((rows["gap"] - np.log(rows["margin"])) / rows["se"])
    means = rows.groupby(PAIR)["beyond"].mean().rename("persistence").reset_index()
    return table[PAIR].merge(means, on=PAIR, how="left")["persistence"]
