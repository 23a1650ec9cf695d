"""Figures: each takes a Releasable, says what it shows in words, and stands beside its table.

A figure never computes: what it draws are released numbers. Shape repeats what colour says. A chart of many indicators
is many pictures of a phone's width, each with its own description; a page sets as many side by side as it has room for.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from pcref_analysis.analysis.levels_and_gaps import STEPS, fullest
from pcref_analysis.display import drawing, formats, funnel_axes, palette, svg
from pcref_analysis.display.output import INTERNAL, Shown, fingerprint, mark, nothing
from pcref_analysis.display.palette import BLUE, GREY, ORANGE, TEAL
from pcref_analysis.vocabulary import ethnicity

ADJUSTMENTS = {  # how each step is drawn: label, colour, marker, offset
    "crude": (formats.STEPS["crude"], GREY, "o", -0.22),
    "age_sex": (formats.STEPS["age_sex"], TEAL, "s", 0.0),
    "age_sex_imd": (formats.STEPS["age_sex_imd"], BLUE, "D", 0.22),
}
KEY = 'class="key" '
NOTHING = "nothing to draw from these data."
BARS = 15  # as many as a reader takes in


@drawing.theme()
def forest(released: Any, id: str, title: str, table: str, period: str) -> Shown:
    """Draw ratios with intervals, a picture an indicator, a line an ethnic group, the steps of adjustment together.

    Parameters
    ----------
    released
        A Releasable with ``indicator_name, ethnic_group, adjustment, estimate, lower, upper``.
    id, title
        Name of the figure in the report, and its heading.
    table
        The id of the table that holds the same numbers.
    period
        The financial year to draw.
    """
    frame = _drawn(released, ["estimate", "lower", "upper"])
    frame = frame[(frame["period"] == period) & (frame["lower"] > 0) & (frame["ethnic_group"] != "Unknown")]
    frame = frame.reset_index(drop=True)
    if frame.empty:
        return nothing(released, id, title, NOTHING)
    comparator = frame["comparator"].iloc[0]
    pictures, cut = [], False
    for panel, part in frame.groupby("indicator_name", sort=False):
        groups, ends = list(dict.fromkeys(part["ethnic_group"])), drawing.ends(part)
        figure, axis = drawing.picture(released, panel, 38 * len(groups))
        for step, (_, colour, marker, shift) in ADJUSTMENTS.items():
            rows = part[part["adjustment"] == step]
            y = rows["ethnic_group"].map(groups.index).astype(float) + shift
            cut |= drawing.interval(axis, rows, y, ends, colour, marker)
        drawing.by_group(axis, groups)
        drawing.ratio_axis(axis, ends)
        drawing.below(figure, f"Ratio to {comparator}; {drawing.EVEN}")
        full = part[part["adjustment"] == part["adjustment"].iloc[-1]]
        pictures.append(drawing.Picture(figure, panel, f"{panel}, {ADJUSTMENTS[full['adjustment'].iloc[0]][0]}: "
                                               f"{_against(full, comparator)}"))  # fmt: skip
    arrows = " An arrow at the end of a line says that the interval goes on beyond the axis." if cut else ""
    alt = f"{title}. {_words(frame, comparator)}{arrows} The table {table} holds every number."
    steps = [ADJUSTMENTS[step][:3] for step in ADJUSTMENTS if (frame["adjustment"] == step).any()]
    return _shown([drawing.key(released, steps), *pictures], released, frame, id, title, alt, table)


@drawing.theme()
def levels(released: Any, id: str, title: str, table: str, period: str, targets: Any = None) -> Shown:
    """Draw the level of each ethnic group with its interval, a picture an indicator, after age and sex where known.

    Parameters
    ----------
    released
        A Releasable with ``indicator_name, unit, ethnic_group, adjustment, period, estimate, lower, upper``; where it
        has ``england``, England's level of the same ethnic group is a tick, where both are of the same adjustment.
    id, title, table, period
        As for :func:`forest`.
    targets
        A Releasable of :func:`pcref_analysis.report.derived_tables.targets`: each is a line; ``None`` draws none.
    """
    frame = fullest(_drawn(released, ["estimate", "lower", "upper"]), STEPS[:2])
    frame = frame[frame["period"] == period].reset_index(drop=True)
    if frame.empty:
        return nothing(released, id, title, NOTHING)
    if "england" not in frame:
        frame["england"] = float("nan")
    if "england_year" not in frame:  # published figures: England's before adjustment
        frame["england"] = frame["england"].where(frame["adjustment"] == "crude")
    aims = targets.table if targets is not None else pd.DataFrame(columns=["indicator", "ethnic_group", "target"])
    pictures = []
    for panel, part in frame.groupby("indicator_name", sort=False):
        groups, aim = list(part["ethnic_group"]), aims[aims["indicator"].eq(part["indicator"].iloc[0])]
        figure, axis = drawing.picture(released, panel, 24 * len(groups))
        most = max(part[["upper", "england"]].max().max(), aim["target"].max() if len(aim) else 0) * 1.05 or 1
        for place, row in enumerate(part.itertuples()):
            drawing.interval(
                axis, part[part.index == row.Index], [place], (0, most), *palette.of_group(row.ethnic_group)
            )
        known = part["england"].notna().to_numpy()
        axis.plot(part["england"][known], [i for i, has in enumerate(known) if has], "|", color="black",
                  markersize=16, markeredgewidth=2.5, zorder=4)  # fmt: skip
        for one in aim.itertuples():
            at = groups.index(one.ethnic_group) if one.ethnic_group in groups else None
            limits = (at - 0.5, at + 0.5) if at is not None else (-0.5, len(groups) - 0.5)
            axis.vlines(one.target, *limits, color=palette.PLUM, linewidth=2.5, linestyle=(0, (2, 1)), zorder=3)
        drawing.by_group(axis, groups)
        drawing.number_axis(axis, "x", most)
        step = formats.STEPS[part["adjustment"].iloc[0]]
        unit = part["unit"].iloc[0]
        drawing.below(figure, f"{unit}, {step}{_other_year(part, period)}")
        pictures.append(
            drawing.Picture(figure, panel, f"{panel}: {_highest(part)} {unit}, {step}.{_england_words(part)}")
        )
    top = frame.loc[frame.groupby("indicator_name", sort=False)["estimate"].idxmax()].head(6)
    said = "; ".join(f"{r.indicator_name}, {r.ethnic_group}, {formats.interval(r.estimate, r.lower, r.upper)} {r.unit}"
                     for r in top.itertuples())  # fmt: skip
    ticks = " A tick is England's level of the same ethnic group." if frame["england"].notna().any() else ""
    alt = f"{title}, {period}. Highest of each: {said}.{ticks} The table {table} holds every number."
    entries = [("England, the same ethnic group (published)", "black", "|")] if ticks else []
    entries += [("target that was agreed", palette.PLUM, ":")] if len(aims) else []
    key = [drawing.key(released, entries)] if entries else []
    return _shown([*key, *pictures], released, frame, id, title, alt, table)


def periods(released: Any, id: str, title: str, table: str) -> Shown:
    """Draw a level by year, a picture an indicator, a line an ethnic group, with intervals."""
    frame = fullest(_drawn(released, ["estimate", "lower", "upper"]), STEPS[:2])
    return _by_year(released, frame, id, title, table, ratio="")


def gap_periods(released: Any, id: str, title: str, table: str, breaks: Sequence[str] = ()) -> Shown:
    """Draw the gap by year: each group's ratio to the comparator by the fullest adjustment, with intervals.

    ``breaks`` are the first years after a declared change of counting; no line is drawn across one.
    """
    frame = _drawn(released, ["estimate", "lower", "upper"])
    frame = frame[(frame["lower"] > 0) & (frame["ethnic_group"] != "Unknown") & frame["period"].str.len().eq(7)]
    frame = fullest(frame, STEPS)
    comparator = frame["comparator"].iloc[0] if len(frame) else ""
    return _by_year(released, frame, id, title, table, comparator, breaks)


@drawing.theme()
def _by_year(
    released: Any, frame: pd.DataFrame, id: str, title: str, table: str, ratio: str, breaks: Sequence[str] = ()
) -> Shown:
    frame = frame[frame.groupby("indicator")["period"].transform("nunique") > 1].reset_index(drop=True)
    if frame.empty:
        return nothing(released, id, title, NOTHING)
    every, years = list(dict.fromkeys(frame["ethnic_group"])), sorted(frame["period"].unique())
    pictures = []
    for panel, part in frame.groupby("indicator_name", sort=False):
        unit, said = part["unit"].iloc[0] if "unit" in part else "", []
        top, ends = part["upper"].max() * 1.05 or 1, drawing.ends(part) if ratio else (0.0, 0.0)
        figure, axis = drawing.picture(released, panel, 190, drawing.NUMBERS)
        limits, of_group = ends if ratio else (0.0, top), dict(iter(part.sort_values("period").groupby("ethnic_group")))
        for group in [one for one in every if one in of_group]:
            rows, (colour, marker) = of_group[group], palette.of_group(group)
            x = np.array([years.index(y) for y in rows["period"]]) + (every.index(group) - (len(every) - 1) / 2) * 0.1
            drawing.interval(axis, rows, x, limits, colour, marker, along="y")
            value = np.clip(rows["estimate"].to_numpy(float), *limits)
            since = np.array([sum(y >= b for b in breaks) for y in rows["period"]])
            for run in [since == number for number in np.unique(since)]:
                axis.plot(x[run], value[run], color=colour, linewidth=1.2)
            first, last = rows.iloc[0], rows.iloc[-1]
            ends_in = [f"{formats.figure(one['estimate'])} in {one['period']}" for one in (first, last)]
            said.append(f"{group} {' and '.join(dict.fromkeys(ends_in))}")
        each = -(-len(years) // 4)
        axis.set_xticks(range(len(years)), [y if not (len(years) - 1 - i) % each else "" for i, y in enumerate(years)])
        axis.set_xlim(-0.5, len(years) - 0.5)
        axis.grid(False, axis="x")
        drawing.ratio_axis(axis, ends, "y") if ratio else drawing.number_axis(axis, "y", top)
        drawing.below(figure, f"Ratio to {ratio}; {drawing.EVEN}" if ratio else unit)
        pictures.append(
            drawing.Picture(figure, panel, f"{panel}, {f'ratio to {ratio}' if ratio else unit}: {'; '.join(said)}.")
        )
    what = f"{len(pictures)} panel(s), {', '.join(years)}, for {', '.join(every)}"
    alt = f"{title}: {what}. The table {table} holds every number."
    key = drawing.key(released, [(group, *palette.of_group(group)) for group in every])
    return _shown([key, *pictures], released, frame, id, title, alt, table)


@drawing.theme()
def bars(released: Any, id: str, title: str, table: str, label: str, unit: str) -> Shown:
    """Draw the highest levels, one a row with its interval, its name above it: shares of a whole, or probabilities."""
    every = _drawn(released, ["estimate"])
    frame = every.sort_values("estimate", ascending=False, kind="stable").head(BARS).reset_index(drop=True)
    rest = f"; {len(every) - len(frame)} more in the table" if len(every) > len(frame) else ""
    if frame.empty:
        return nothing(released, id, title, NOTHING)
    both = {"lower", "upper"} <= set(frame)
    most = frame[["estimate", "upper"] if both else ["estimate"]].max().max() * 1.05 or 1
    figure, axis = drawing.picture(released, "", 34 * len(frame), 12)
    axis.barh(range(len(frame)), frame["estimate"], color=BLUE, height=0.28)
    if both:
        axis.hlines(range(len(frame)), frame["lower"], frame["upper"], color=ORANGE, linewidth=2.5)
    drawing.names_above(axis, frame[label])
    drawing.number_axis(axis, "x", most)
    drawing.below(figure, f"{unit}{rest}")
    top = frame.head(1)
    lead = f" Highest: {top[label].iloc[0]}, {formats.figure(top['estimate'].iloc[0])}." if len(top) else ""
    alt = f"{title}: bar chart of {len(frame)} item(s) in {unit}{rest}.{lead} The table {table} holds every number."
    return _shown([drawing.Picture(figure, title, alt)], released, frame, id, title, alt, table)


@drawing.theme()
def funnel(released: Any, limits: Any, id: str, title: str, table: str, x: str, y: str) -> Shown:
    """Draw a share against the number of people, a point a team, between the limits of chance; name those beyond.

    ``released`` and ``limits`` are those of :func:`pcref_analysis.report.derived_tables.by_team`; teams of which a
    count is suppressed are not drawn.
    """
    frame = _drawn(released, ["target", "estimate"])
    if frame.empty:
        return nothing(released, id, title, NOTHING)
    figure, axis = drawing.picture(released, "", 300, drawing.NUMBERS)
    entries = funnel_axes.draw(axis, frame, limits.table)
    drawing.below(figure, x)
    axis.set_title(y, loc="left", x=-0.14, fontsize=12, y=0.98)
    beyond = frame[frame["signal"].fillna("") != ""].itertuples()
    names = "; ".join(f"{row.team}, {row.estimate:.3g}% of {row.at_risk:,.0f}, {row.signal}" for row in beyond)
    alt = (
        f"{title}: funnel plot of {len(frame)} teams, {y.lower()} against {x.lower()}; all teams together "
        f"{frame['target'].iloc[0]:.3g}%. Beyond the limits: {names or 'none'}. The table {table} holds every number."
    )
    return _shown(
        [drawing.key(released, entries), drawing.Picture(figure, title, alt)], released, frame, id, title, alt, table
    )


@drawing.theme()
def boards(released: Any, id: str, title: str, table: str, indicator: str) -> Shown:
    """Draw a funnel of the boards, a picture an ethnic group: each board's ratio by its precision, ours marked.

    The limits allow for how much boards differ (over-dispersion), about the mean of the other boards. Not a league
    table: no board is named but ours, and none is ranked.

    Parameters
    ----------
    released
        A Releasable of :func:`pcref_analysis.published.other_boards.each`.
    id, title, table
        As for :func:`forest`.
    indicator
        The one to draw.
    """
    frame = _drawn(released, ["ratio", "precision", "mean"])
    frame = frame[frame["indicator"].eq(indicator)].reset_index(drop=True)
    if frame.empty:
        return nothing(released, id, title, NOTHING)
    pictures = []
    for group, part in frame.groupby("ethnic_group", sort=False):
        figure, axis = drawing.picture(released, group, 230, drawing.NUMBERS)
        ends = drawing.ends(part.assign(lower=part["ratio"], upper=part["ratio"]))
        limits = funnel_axes.around(axis, part, ends)
        for own, style, size in (("another", (GREY, "o"), 5), ("ours", (ORANGE, "D"), 10)):
            rows = part[part["own"] == own]
            for marker, there in ((style[1], rows["ratio"].between(*ends)), ("^", rows["ratio"] > ends[1]),
                                  ("v", rows["ratio"] < ends[0])):  # fmt: skip
                at = rows[there]
                axis.plot(at["precision"], at["ratio"].clip(*ends), marker, color=style[0], markersize=size)
        drawing.ratio_axis(axis, ends, "y")
        drawing.number_axis(axis, "x", part["precision"].max() * 1.05)
        drawing.below(figure, "About the number of events of the group in a board")
        ours = part[part["own"] == "ours"]
        said = f"ours is {limits}" if len(ours) else "ours has no figure"
        pictures.append(drawing.Picture(figure, group, f"{group}: {said}; the other boards' mean "
                                               f"{formats.ratio(part['mean'].iloc[0])}."))  # fmt: skip
    key = drawing.key(released, [("our board", ORANGE, "D"), ("another board", GREY, "o"), ("95% limits", GREY, "--"),
                          ("99.8% limits", GREY, ":"), ("beyond the axis", GREY, "^")])  # fmt: skip
    to = part["comparator"].iloc[0]
    alt = f"{title}: each board's ratio to {to}, between limits that allow for how much boards differ. "
    alt += f"{' '.join(one.alt for one in pictures)} The table {table} holds every number."
    return _shown([key, *pictures], released, frame, id, title, alt, table)


@drawing.theme()
def priorities(released: Any, id: str, title: str, table: str) -> Shown:
    """Draw the draft list: an item a row in its order, its ratio with interval, coloured and shaped by band."""
    frame = _drawn(released, ["ratio", "lower", "upper"]).head(20)
    if frame.empty:
        return nothing(released, id, title, NOTHING)
    bands = {b: palette.BANDS[i % len(palette.BANDS)] for i, b in enumerate(sorted(frame["band"].unique()))}
    names = [f"{row.name}: {row.ethnic_group}" for row in frame[["name", "ethnic_group"]].itertuples(name="Row")]
    styles = [bands[band] for band in frame["band"]]
    figure = _one_below_the_other(released, frame, names, styles, "Ratio to the comparator, fullest adjustment")
    first = "; ".join(f"{n}, {formats.interval(r, lo, up)}" for n, r, lo, up in
                      zip(names, frame["ratio"], frame["lower"], frame["upper"], strict=True))  # fmt: skip
    alt = f"{title}: the items in order with their ratios and intervals: {first}. The table {table} holds every number."
    key = drawing.key(released, [(f"band {band:g}", *style) for band, style in bands.items()])
    return _shown([key, drawing.Picture(figure, title, alt)], released, frame, id, title, alt, table)


@drawing.theme()
def main_points(released: Any, id: str, title: str, table: str) -> Shown:
    """Draw the main points one below the other, each name above its ratio; with a PNG for papers."""
    frame = _drawn(released, ["ratio", "lower", "upper"])
    if frame.empty:
        return nothing(released, id, title, NOTHING)
    comparator, styles = ethnicity.the_group(frame["comparator"].iloc[0]), [(GREY, "o")] * len(frame)
    figure = _one_below_the_other(released, frame, frame["title"], styles, f"times the level of {comparator}")
    said = "; ".join(
        f"{r.title}, {formats.interval(r.ratio, r.lower, r.upper, r.rounded_to)}" for r in frame.itertuples()
    )
    alt = f"{title}. How many times the level of {comparator}, with intervals: {said}. 1 is the same level."
    return _shown([drawing.Picture(figure, title, alt)], released, frame, id, title, alt, table, paper=True)


def _one_below_the_other(
    released: Any, frame: pd.DataFrame, names: Sequence[str], styles: list[tuple[str, str]], under: str
) -> Any:
    rows = frame.assign(estimate=frame["ratio"])
    ends = drawing.ends(rows)
    row = 62 if max(map(len, names)) > drawing.WIDE else 46  # two lines of a name
    figure, axis = drawing.picture(released, "", row * len(frame), 12)
    for y, (colour, marker) in enumerate(styles):
        drawing.interval(axis, rows[y : y + 1], [y], ends, colour, marker, size=8)
    drawing.names_above(axis, names)
    drawing.ratio_axis(axis, ends)
    drawing.below(figure, f"{under}; {drawing.EVEN}")
    return figure


def _drawn(released: Any, numbers: list[str]) -> pd.DataFrame:
    frame = released.table.copy()
    for column in {*numbers, "lower", "upper"} & set(frame):
        frame[column] = pd.to_numeric(frame[column], errors="coerce").replace(
            [float("inf"), float("-inf")], float("nan")
        )
    return frame.dropna(subset=numbers).reset_index(drop=True)


def _highest(part: pd.DataFrame) -> str:
    """Say which group has the highest and which the lowest level."""
    ends = part.loc[[part["estimate"].idxmax(), part["estimate"].idxmin()]]
    said = [f"{r.ethnic_group} {formats.interval(r.estimate, r.lower, r.upper)}" for r in ends.itertuples()]
    return f"highest {said[0]}, lowest {said[1]}" if len(part) > 1 else said[0]


def _england_words(part: pd.DataFrame) -> str:
    known = part.dropna(subset=["england"])
    said = "; ".join(f"{r.ethnic_group} {formats.figure(r.england)}" for r in known.itertuples())
    return f" England, the same groups{_other_year(part, part['period'].iloc[0])}: {said}." if said else ""


def _other_year(part: pd.DataFrame, period: str) -> str:
    """Say of which year England's levels are where that is not ours."""
    years = part.get("england_year", pd.Series(period, part.index))[part["england"].notna()]
    return f"; England {years.iloc[0]}" if len(years) and years.iloc[0] != period else ""


def _against(full: pd.DataFrame, comparator: str) -> str:
    """Say in words which groups have a higher or lower level than the comparator, and of which none can be told."""
    sides: dict[str, list[str]] = {"higher": [], "lower": [], "cannot tell": []}
    for r in full.itertuples():
        side = formats.side(r.lower, r.upper)
        shown = f" {formats.interval(r.estimate, r.lower, r.upper)}" if side != "cannot tell" else ""
        sides[side].append(f"{r.ethnic_group}{shown}")
    said = "; ".join(f"{side}: {', '.join(who)}" for side, who in sides.items() if who)
    return f"compared with {comparator}, {said}."


def _words(frame: pd.DataFrame, comparator: str) -> str:
    """Say in a sentence which ratios stand furthest from 1 after the fullest adjustment."""
    full = frame[frame["adjustment"] == frame["adjustment"].iloc[-1]]
    clear = full[(full["lower"] > 1) | (full["upper"] < 1)]
    if clear.empty:
        return f"No interval lies wholly above or below 1 compared with {comparator}."
    lines = [
        f"{r.ethnic_group}, {r.indicator_name}: {formats.interval(r.estimate, r.lower, r.upper)}"
        for r in clear.itertuples()
    ]
    more = f", and {len(lines) - 6} more" if len(lines) > 6 else ""
    return f"Compared with {comparator}, intervals that lie wholly above or below 1: {'; '.join(lines[:6])}{more}."


def _shown(
    pictures: Sequence[drawing.Picture], released: Any, frame: pd.DataFrame, id: str, title: str, alt: str, table: str,
    paper: bool = False,
) -> Shown:  # fmt: skip
    """Return a figure: its pictures in a row that breaks where the page ends, and its record."""
    alt = f"{INTERNAL}. {alt}" if released.audience == "internal" else alt
    images = "".join(
        f'<img {KEY if p.title == "Key" else ""}src="{svg.uri(svg.of(p.drawn, p.title))}" alt="{escape(p.alt)}">'
        for p in pictures
    )
    kind = "charts" if len(pictures) > 2 else "charts one"
    data = fingerprint(frame.astype(object).where(frame.notna(), None).astype(str).to_dict("records"))
    record = {
        "id": id, "kind": "figure", "title": title, "alt": alt, "source_table": table, "data": data,
        "synthetic": released.synthetic,
    }  # fmt: skip
    caption = f"<figcaption>{escape(title)}{mark(released)}</figcaption>"
    html = f'<figure id="{escape(id)}" class="{kind}">{caption}{images}</figure>'
    png = svg.png(pictures[-1].drawn) if paper else b""
    return Shown(record=record, text=f"Figure {id}, data {data}. {alt}", html=html, png=png)
