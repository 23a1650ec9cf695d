"""Tables as people read them: each takes a Releasable and shows only what it holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from html import escape
from typing import Any

import pandas as pd

from pcref_analysis.disclosure.disclosure_rule import NOT_AVAILABLE, SUPPRESSED, TEXT_NOT_AVAILABLE, TEXT_SUPPRESSED
from pcref_analysis.display import formats, html_table
from pcref_analysis.display.formats import STEPS
from pcref_analysis.display.list_columns import FOLDED, ITEMS, TITLES, VIEWS, of_item, of_setting, of_value
from pcref_analysis.display.output import FIGURES, Shown
from pcref_analysis.estimates import interval_counts
from pcref_analysis.vocabulary import indicators

RATIO = {"estimate": "ratio", "lower": "ratio_lower", "upper": "ratio_upper"}
THAN, BOARDS = "Than the comparator", "In the boards of England, before adjustment"
CHANGES = {"age_sex": "Change with age and sex", "age_sex_imd": "Further change with deprivation"}


def plain(released: Any, id: str, title: str, columns: dict[str, str] | None = None) -> Shown:
    """Show a released table as it stands; ``columns`` picks, orders and names what is shown."""
    text = released.text
    names = columns or {c: c.replace("_", " ").capitalize() for c in text.columns}
    counted = (*released.counts, *released.figures)
    numeric = {head for c, head in names.items() if c in counted or c.endswith("_text")}
    called = indicators.of_each("name")
    read: dict[str, Callable[[Any], str]] = dict.fromkeys(ITEMS, of_item)
    read |= {"setting": of_setting, "indicator": lambda key: called.get(key, key)}
    if "setting" in names:
        read |= dict.fromkeys(("value", "before", "now"), of_value)
    read |= {"list": lambda key: key.replace("_", " ")}
    rows = [[read.get(c, str)(formats.dates(row[c])) for c in names] for row in text.to_dict("records")]
    return html_table.of(released, id, title, list(names.values()), [("", rows)], numeric)


def levels(released: Any, id: str, title: str, period: str) -> Shown:
    """Show levels by indicator and ethnic group: events, people at risk, crude and standardised with intervals.

    Published figures that lack the period are shown of the last year before it, which is said.
    """
    frame = _of(released.table, period)
    between = _interval_of(frame)
    heads = ["Ethnic group", "Events", "At risk", f"Before adjustment {between}", f"After age and sex {between}"]
    if not (frame["adjustment"] == "age_sex").any():
        heads = heads[:4]
    steps = ("crude", "age_sex")[: len(heads) - 3]
    national = "england" in frame and frame["england"].notna().any()
    heads += [f"England {between}", "Than England"] if national else []
    blocks = []
    for (name, unit), part in frame.groupby(["indicator_name", "unit"], sort=False):
        rows = []
        for group, lines in _by_group(part):
            first = next((line for line in lines if line["adjustment"] == "crude"), lines[0])
            row = [str(group), _count(first, "events"), _count(first, "at_risk")]
            row += [_interval(lines, step) for step in steps]
            row += _england(_national(lines)) if national else []
            rows.append(row)
        blocks.append((f"{name} ({unit}){_year(part, period)}{_england_is(part)}", rows))
    return html_table.of(released, id, title, heads, blocks, set(heads[1:]) - {"Than England"})


def gaps(released: Any, id: str, title: str, period: str) -> Shown:
    """Show ratios by indicator, comparator and ethnic group, a column a step, and the change that each step makes."""
    frame = _of(released.table, period)
    steps = [step for step in STEPS if (frame["adjustment"] == step).any()]
    changes = [step for step in steps if step in CHANGES] if "change" in frame else []
    between = _interval_of(frame)
    heads = ["Ethnic group", *(f"Ratio {STEPS[step]} {between}" for step in steps)]
    heads += [f"{CHANGES[step]} {between}" for step in changes]
    heads += ["England's ratio"] if (england := "england" in frame) else []
    heads += [BOARDS] if (boards := "boards" in frame) else []
    heads += [THAN]
    blocks = []
    for (name, comparator), part in frame.groupby(["indicator_name", "comparator"], sort=False):
        rows = [
            [
                str(group),
                *(_interval(lines, step, _decimals(lines)) for step in steps),
                *(_change(lines, step) for step in changes),
                *([_ratio(_national(lines)["england"])] if england else []),
                *([_boards(lines[0])] if boards else []),
                _than(lines),
            ]
            for group, lines in _by_group(part)
        ]
        against = f"{name}, compared with {comparator}{_year(part, period)}{_england_is(part)}"
        blocks.append((against, rows))
    return html_table.of(released, id, title, heads, blocks, set(heads[1:-1]) - {BOARDS})


def changes(released: Any, id: str, title: str) -> Shown:
    """Show how each gap has changed since the first year and since the last one: a ratio of ratios, and a word."""

    def line(row: Mapping[str, Any]) -> list[str]:
        both = [_one({end: row.get(f"{end}_{when}") for end in (*FIGURES, "rounded_to")}) for when in ("then", "now")]
        moved = formats.change(row["times"], row["times_lower"], row["times_upper"])
        word = row["verdict"] if row["verdict"] == "cannot tell" else f"{row['verdict']} than in {row['period_then']}"
        return [row["ethnic_group"], f"{row['period_then']} to {row['period_now']}", *both, moved, word]

    blocks = _by_indicator(released.table, line)
    heads = ["Ethnic group", "Years", "Ratio then", "Ratio now", "Change of the ratio", "The gap is"]
    return html_table.of(released, id, title, heads, blocks, set(heads[2:5]))


def inequality(released: Any, id: str, title: str) -> Shown:
    """Show inequality in one number an indicator: how many times the lowest level the highest is."""
    rows = [
        [row["indicator_name"], row["highest"], row["lowest"], f"{row['groups']:.0f}", _one(row)]
        for row in released.table.to_dict("records")
    ]
    heads = ["Indicator", "Highest", "Lowest", "Groups compared", f"Highest over lowest {_interval_of(released.table)}"]
    return html_table.of(released, id, title, heads, [("", rows)], set(heads[3:]))


def targets(released: Any, id: str, title: str) -> Shown:
    """Show each target that was agreed, the level now, and how far it is from the target in words."""
    rows = [[row["indicator_name"], row["ethnic_group"],
             f"{row['way']} {formats.figure(row['target'])} {row['unit']}",
             formats.dates(row["by"]), f"{row['who']}, {formats.dates(row['when'])}",
             _one(row), row["distance"]] for row in released.table.to_dict("records")]  # fmt: skip
    heads = ["Indicator", "Ethnic group", "Target", "By", "Agreed", "Level now", "How far"]
    return html_table.of(released, id, title, heads, [("", rows)], {"Level now"})


def _of(frame: pd.DataFrame, period: str) -> pd.DataFrame:
    """Return the rows of a period; of published figures those of the last year before it where it has none."""
    wanted = frame["period"].eq(period)
    if "area" in frame:
        single = frame["period"].le(period) & ~frame["period"].str.contains(" to ", regex=False)
        last = frame["period"].where(single).groupby(frame["indicator"]).transform("max")
        wanted = frame["period"].eq(last)
    return frame[wanted].reset_index(drop=True)


def _year(part: pd.DataFrame, period: str) -> str:
    last = part["period"].iloc[0]
    return "" if last == period else f", {last}: no figure of {period} is published"


def fitness(released: Any, id: str, title: str) -> Shown:
    """Show what the diagnostics of each indicator's model found, in words."""
    return plain(released, id, title, {"indicator_name": "Indicator", "words": "What to keep in mind"})


def medians(released: Any, id: str, title: str) -> Shown:
    """Show the median length of what lasts (a wait, a stay), by indicator and ethnic group."""
    blocks = _by_indicator(released.table, lambda row: [row["ethnic_group"], _count(row, "at_risk"), _one(row)])
    heads = ["Ethnic group", "Counted", f"Median days {_interval_of(released.table)}"]
    return html_table.of(released, id, title, heads, blocks, set(heads[1:]))


def unknown(released: Any, id: str, title: str) -> Shown:
    """Show the share of events without a known ethnic group, a line an indicator."""
    rows = []
    for row in released.table.to_dict("records"):
        most = formats.figure(row["upper"])
        share = f"at most {most}" if most else _one(row | {"upper": None})
        rows.append([row["indicator_name"], _count(row, "events"), _count(row, "at_risk"), share])
    heads = ["Indicator", "Ethnic group not known", "All", "Per cent"]
    return html_table.of(released, id, title, heads, [("", rows)], set(heads[1:]))


def teams(released: Any, id: str, title: str) -> Shown:
    """Show the share of people without a known ethnic group by team, in the order of their codes, with its limits."""
    rows = []
    for row in released.table.to_dict("records"):
        ends = [formats.figure(row[end]) for end in ("lower_95", "upper_95")]
        limits = " to ".join(ends) if all(ends) else ""
        name = "All lines together" if row["team"] == "All" else row["team"]
        rows.append([name, _count(row, "events"), _count(row, "at_risk"), _one(row), limits, row["signal"] or ""])
    heads = ["Team", "Ethnic group not known", "People", "Per cent", "95% limits", "Beyond the limits"]
    return html_table.of(released, id, title, heads, [("", rows)], set(heads[1:-1]))


def detentions(released: Any, id: str, title: str) -> Shown:
    """Show detention in every denominator; of published figures, ours beside the published rate."""
    if "published_rate" not in released.table:
        return levels(released, id, title, released.table["period"].max())
    rows, comparator = [], "".join(released.table["comparator"].head(1))
    for row in released.table.to_dict("records"):
        ends = [formats.figure(row[end], 0) for end in ("events_low", "events_high")]
        between = " to ".join(ends) if all(ends) else TEXT_NOT_AVAILABLE
        rate = formats.figure(row["published_rate"]) or TEXT_NOT_AVAILABLE
        ratio = _one(row | {end: row[name] for end, name in RATIO.items()})
        counts = [_count(row, "events"), between, _count(row, "at_risk")]
        rows.append([row["ethnic_group"], *counts, _one(row), rate, ratio, row["note"]])
    between = _interval_of(released.table)
    heads = ["Ethnic group", "Detentions, as published", "True count lies in", "Residents",
             f"Our rate per 100,000 {between}", "Published rate", f"Ratio to {comparator} {between}",
             "Note"]  # fmt: skip
    return html_table.of(released, id, title, heads, [("", rows)], set(heads[1:-1]))


def expected(released: Any, id: str, title: str) -> Shown:
    """Show events observed over expected at the ages of each group: 1 is as often as the reference at the same ages."""
    rows = [[row["ethnic_group"], _count(row, "events"), _one(row)] for row in released.table.to_dict("records")]
    heads = ["Ethnic group", "Detentions", f"Observed over expected {_interval_of(released.table)}"]
    return html_table.of(released, id, title, heads, [("", rows)], set(heads[1:]))


def england(released: Any, id: str, title: str) -> Shown:
    """Show England's levels and ratios by ethnic group, of one indicator after the other."""
    blocks, between = [], _interval_of(released.table)
    for (name, unit), part in released.table.groupby(["indicator_name", "unit"], sort=False):
        rows = [
            [row["ethnic_group"], _count(row, "events"), _one(row), _named(row, RATIO)]
            for row in part.to_dict("records")
        ]
        blocks.append((f"{name} ({unit})", rows))
    comparator = "".join(released.table["comparator"].head(1))
    heads = ["Ethnic group", "Events", f"Level {between}", f"Ratio to {comparator} {between}"]
    return html_table.of(released, id, title, heads, blocks, set(heads[1:]))


def other_boards(released: Any, id: str, title: str) -> Shown:
    """Show what the ratio of each ethnic group is in the other boards: their mean and how much boards differ."""
    ends = {"estimate": "ratio", "lower": "lower", "upper": "upper"}

    def line(row: Mapping[str, Any]) -> list[str]:
        spread = formats.ratio(math.exp(row["tau"]))
        return [row["ethnic_group"], f"{row['boards']:.0f}", _named(row, ends), spread]

    blocks = _by_indicator(released.table, line)
    mean, spread = f"Mean ratio {_interval_of(released.table)}", "Boards typically differ by a factor of"
    heads = ["Ethnic group", "Boards", mean, spread]
    return html_table.of(released, id, title, heads, blocks, set(heads[1:]))


def context(released: Any, id: str, title: str) -> Shown:
    """Show what is published besides the indicators of the list, with England's level next to each figure."""
    frame = released.table
    between = _interval_of(frame)
    heads = ["Group", "Events", f"Level {between}", f"England {between}"]
    compared = frame["ratio"].notna().any()
    heads += [f"Ratio {between}"] if compared else []
    blocks = []
    for (part, name, indicator), rows in frame.groupby(["part", "name", "indicator_name"], sort=False):
        first = rows.iloc[0]
        people = "bed days" if first["per"] == 1000 else "residents"
        unit = "per cent" if first["measure"] == "percent" else f"per {first['per']:,.0f} {people}"
        to = f", compared with {first['comparator']}" if first["comparator"] else ""
        what = " ".join(word for word in (indicator, name or part.partition("Talking Therapies ")[2]) if word)
        lines = [
            [row["category"], _count(row, "events"), _one(row), _named(row, interval_counts.ENGLAND)]
            + ([_named(row, RATIO) if to else ""] if compared else [])
            for row in rows.to_dict("records")
        ]
        blocks.append((f"{what}, {first['area']}, {first['period']} ({unit}{to})", lines))
    return html_table.of(released, id, title, heads, blocks, set(heads[1:]))


def listed(released: Any) -> Shown:
    """Show a part of the draft or agreed list as :mod:`pcref_analysis.display.list_columns` says; long ones stand
    folded.

    The file of the table holds every column.
    """
    name = released.name
    level = formats.level_of(released.table)
    title = TITLES[name]
    have = {c: head.format(level=level) for c, head in VIEWS[name].items() if c in released.table}
    shown = plain(released, f"priorities-{name.replace('_', '-')}", title, have)
    html = shown.html
    if "[c]" not in shown.text and "[x]" not in shown.text:  # no mark, so none to explain
        html = html.replace(f'<p class="marks">{escape(released.explanation)}</p>', "")
    if name in FOLDED and shown.record["kind"] == "table":
        html = f"<details><summary>{escape(title)} ({len(released.table)} lines)</summary>{html}</details>"
    return replace(shown, html=html)


def rule(parameters: Any, table: pd.DataFrame, id: str, title: str) -> Shown:
    """Show the written rule: it is part of the parameters, set before results are seen."""
    owner = f"Owner: {parameters.priorities.owner}; agreed {formats.dates(parameters.priorities.agreed)}."
    rows = [[str(value) for value in line] for line in table.itertuples(index=False)]
    heads = [name.capitalize() for name in table.columns]
    return html_table.table(id, title, heads, [("", rows)], {"Weight"}, owner, parameters, table)


def _by_indicator(
    table: pd.DataFrame, line: Callable[[Mapping[str, Any]], list[str]]
) -> list[tuple[str, list[list[str]]]]:
    """Return a block of lines for each indicator."""
    blocks = table.groupby("indicator_name", sort=False)
    return [(name, [line(row) for row in part.to_dict("records")]) for name, part in blocks]


def _by_group(part: pd.DataFrame) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return each ethnic group with its lines, in the order of the table."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for line in part.to_dict("records"):
        groups.setdefault(line["ethnic_group"], []).append(line)
    return list(groups.items())


def _decimals(lines: list[dict[str, Any]]) -> int | None:
    """Return the decimals of a line of adjustment steps: those of the adjusted ratios, which have the fewest digits."""
    rows = (row for row in lines if row["adjustment"] != "crude" and pd.notna(row["estimate"]))
    return max((formats.decimals_of(*(row[name] for name in FIGURES)) for row in rows), default=None)


def _interval(lines: list[dict[str, Any]], step: str, decimals: int | None = None) -> str:
    return next((_one(line, decimals) for line in lines if line["adjustment"] == step), "")


def _england(row: Mapping[str, Any]) -> list[str]:
    """Return England's level of the same group and how ours stands to it."""
    theirs = [row["england"], row["england_lower"], row["england_upper"]]
    word = formats.compared(*formats.ratio_of([row[end] for end in FIGURES], theirs), _polarity(row["indicator"]))
    if not formats.known(theirs[0]):
        return [TEXT_NOT_AVAILABLE, TEXT_NOT_AVAILABLE]
    return [formats.interval(*theirs), word]


def _national(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the fullest line of a group that has England's figure, else the one before adjustment."""
    crude = next((line for line in lines if line["adjustment"] == "crude"), lines[0])
    return next((line for line in reversed(lines) if formats.known(line["england"])), crude)


def _england_is(part: pd.DataFrame) -> str:
    """Say of which year and adjustment England's figures are, next to own records."""
    known = part[part["england"].notna()] if "england_year" in part else part.head(0)
    return "" if known.empty else f"; England: {known['england_year'].iloc[-1]}, {STEPS[known['adjustment'].iloc[-1]]}"


def _boards(row: Mapping[str, Any]) -> str:
    """Return the mean ratio over the boards, and between which values nine in ten of them lie."""
    if not formats.known(row["boards"]):
        return TEXT_NOT_AVAILABLE
    mean, low, high = (formats.ratio(row[f"boards_{end}"]) for end in ("ratio", "lower", "upper"))
    spread = f"; about nine in ten from {low} to {high}" if low != high else ", which hardly differ"
    return f"{mean} on average in {row['boards']:.0f} boards{spread}"


def _than(lines: list[dict[str, Any]]) -> str:
    """Return how a group stands to the comparator by its fullest ratio that is shown."""
    row = next((line for line in reversed(lines) if pd.notna(line["estimate"])), dict[str, Any]())
    return formats.compared(row.get("lower"), row.get("upper"), _polarity(lines[0]["indicator"]))


def _polarity(indicator: str) -> str:
    entry = indicators.catalogue().get(indicator)
    return entry.polarity if entry else "context"


def _interval_of(frame: pd.DataFrame) -> str:
    return f"({formats.level_of(frame)}interval)"


def _named(row: Mapping[str, Any], columns: Mapping[str, str]) -> str:
    return _one({end: row[column] for end, column in columns.items()})


def _one(row: Mapping[str, Any], decimals: int | None = None) -> str:
    if row.get("status") == SUPPRESSED:
        return TEXT_SUPPRESSED
    if not formats.known(row["estimate"]):
        most = formats.figure(row.get("upper"))
        return f"{TEXT_NOT_AVAILABLE} (at most {most})" if most else TEXT_NOT_AVAILABLE
    return formats.interval(row["estimate"], row.get("lower"), row.get("upper"), row.get("rounded_to"), decimals)


def _ratio(value: float) -> str:
    return formats.ratio(value) if formats.known(value) else TEXT_NOT_AVAILABLE


def _change(lines: list[dict[str, Any]], step: str) -> str:
    """Return the change at a step; nothing where the ratio itself is not shown (its own cell says why)."""
    row = next((line for line in lines if line["adjustment"] == step and pd.notna(line["estimate"])), None)
    if row is None:
        return ""
    three = row["change"], row["change_lower"], row["change_upper"]
    return formats.change(*three, row.get("change_rounded_to")) or TEXT_NOT_AVAILABLE


def _count(row: Mapping[str, Any], column: str) -> str:
    status = row.get(f"{column}_status")
    if status == SUPPRESSED:
        return TEXT_SUPPRESSED
    return TEXT_NOT_AVAILABLE if status == NOT_AVAILABLE or not formats.known(row[column]) else f"{row[column]:,.0f}"
