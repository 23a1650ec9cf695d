"""Figures: each takes a Releasable, says what it shows in words, and stands beside its table.

A figure never computes: what it draws are released numbers. Shape repeats what colour says.
"""

from __future__ import annotations

import io
import textwrap
import warnings
from html import escape
from typing import Any

import pandas as pd

from pcref_analysis.display import formats, funnel_axes, palette
from pcref_analysis.display.output import INTERNAL, Shown, fingerprint
from pcref_analysis.display.palette import BLUE, GREY, ORANGE, TEAL

ADJUSTMENTS = {  # how each step is drawn: label, colour, marker, offset
    "crude": ("before adjustment", GREY, "o", -0.2),
    "age_sex": ("after age and sex", TEAL, "s", 0.0),
    "age_sex_imd": ("after age, sex and deprivation", BLUE, "D", 0.2),
}
AXIS = (0.1, 10.0)  # a ratio's axis goes no further; an arrow says where an interval does


def forest(released: Any, id: str, title: str, table: str, period: str) -> Shown:
    """Draw ratios with intervals, a panel an indicator, a line an ethnic group, the steps of adjustment side by side.

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
        return _nothing(released, id, title)
    import matplotlib.pyplot as plt

    comparator = frame["comparator"].iloc[0]
    panels = list(dict.fromkeys(frame["indicator_name"]))
    groups = list(dict.fromkeys(frame["ethnic_group"]))
    low, high = max(frame["lower"].min(), AXIS[0]), min(frame["upper"].max(), AXIS[1])
    ends = min(low * 0.9, 0.8), max(high * 1.1, 1.25)
    figure, axes = _panels(panels, height=0.95 + 0.42 * len(groups))
    for axis, panel in zip(axes, panels, strict=True):
        part = frame[frame["indicator_name"] == panel]
        for step, (label, colour, marker, shift) in ADJUSTMENTS.items():
            rows = part[part["adjustment"] == step]
            y = rows["ethnic_group"].map(groups.index).astype(float) + shift
            axis.hlines(y, rows["lower"], rows["upper"], color=colour, linewidth=1.6)
            axis.plot(rows["estimate"], y, marker, color=colour, markersize=5.5, label=label, linestyle="none")
            for end, beyond, arrow in zip(ends, (rows["lower"] < ends[0], rows["upper"] > ends[1]), "<>", strict=True):
                axis.plot([end] * int(beyond.sum()), y[beyond], arrow, color=colour, markersize=6, clip_on=False)
        axis.axvline(1, color=GREY, linewidth=1, linestyle="--")
        axis.set_xscale("log")
        axis.set_yticks(range(len(groups)), groups)
        axis.set_ylim(len(groups) - 0.45, -0.55)
        axis.set_title(textwrap.fill(panel, 40), loc="left", y=1, fontsize=10, fontweight="bold")
    _ratio_axis(axes, low, high, ends)
    cut = bool(((frame["lower"] < ends[0]) | (frame["upper"] > ends[1])).any())
    scale = "log scale; arrow: the interval goes on" if cut else "log scale"
    for axis in axes[-2:]:
        axis.set_xlabel(f"Ratio to {comparator} ({scale})")
    _legend(figure, axes)
    arrows = " An arrow at the end of a line says that the interval goes on beyond the axis." if cut else ""
    alt = f"{title}. {_words(frame, comparator)}{arrows} The table {table} holds every number."
    return _shown(figure, plt, released, frame, id, title, alt, table)


def levels(released: Any, id: str, title: str, table: str, period: str, england: Any = None) -> Shown:
    """Draw the level of each ethnic group with its interval, a panel an indicator, after age and sex where known.

    Parameters
    ----------
    released
        A Releasable with ``indicator_name, unit, ethnic_group, adjustment, period, estimate, lower, upper``.
    id, title, table, period
        As for :func:`forest`.
    england
        A Releasable with England's levels before adjustment (``indicator, period, ethnic_group, estimate``): each is
        a tick across the line of the same ethnic group, where ours are before adjustment too. ``None`` draws none.
    """
    frame = _best_levels(_drawn(released, ["estimate", "lower", "upper"]))
    frame = frame[frame["period"] == period].reset_index(drop=True)
    if frame.empty:
        return _nothing(released, id, title)
    import matplotlib.pyplot as plt

    panels, groups = (list(dict.fromkeys(frame[name])) for name in ("indicator_name", "ethnic_group"))
    national = _national(frame, england)
    figure, axes = _panels(panels, height=0.95 + 0.24 * len(groups))
    for axis, panel in zip(axes, panels, strict=True):
        part = frame[frame["indicator_name"] == panel]
        england_level = national[national["indicator"].eq(part["indicator"].iloc[0])]
        y = england_level["ethnic_group"].map(groups.index).astype(float)
        if len(england_level):
            axis.plot(england_level["estimate"], y, "|", color="black", markersize=15, markeredgewidth=2.2, zorder=3,
                      label="England, the same ethnic group")  # fmt: skip
        for row in part.itertuples():
            (colour, marker), y = palette.of_group(row.ethnic_group), groups.index(row.ethnic_group)
            axis.hlines(y, row.lower, row.upper, color=colour, linewidth=2)
            axis.plot(row.estimate, y, marker, color=colour, markersize=7)
        axis.set_yticks(range(len(groups)), groups)
        axis.set_ylim(len(groups) - 0.45, -0.55)
        axis.set_xlim(
            0, max(part["upper"].max(), england_level["estimate"].max() if len(england_level) else 0) * 1.05 or 1
        )
        axis.locator_params(axis="x", nbins=5)
        axis.set_title(textwrap.fill(panel, 44), loc="left", y=1, fontsize=10, fontweight="bold")
        step = "after age and sex" if part["adjustment"].iloc[0] == "age_sex" else "before adjustment"
        axis.set_xlabel(f"{part['unit'].iloc[0]}, {step}", fontsize=8)
    top = frame.loc[frame.groupby("indicator_name", sort=False)["estimate"].idxmax()]
    said = "; ".join(f"{r.indicator_name}, {r.ethnic_group}, {formats.interval(r.estimate, r.lower, r.upper)} {r.unit}"
                     for r in top.head(6).itertuples())  # fmt: skip
    _legend(figure, axes)
    ticks = " A tick is England's level of the same ethnic group." if len(national) else ""
    alt = f"{title}, {period}. Highest of each: {said}.{ticks} The table {table} holds every number."
    drawn = pd.concat([frame, national.assign(area="England")]) if len(national) else frame
    return _shown(figure, plt, released, drawn, id, title, alt, table)


def _national(ours: pd.DataFrame, england: Any) -> pd.DataFrame:
    """Return England's levels of the groups, indicators and year that are drawn before adjustment."""
    keys = ["indicator", "period", "ethnic_group"]
    if england is None:
        return pd.DataFrame(columns=[*keys, "estimate"])
    mine = ours.loc[ours["adjustment"].eq("crude"), keys].drop_duplicates()
    return _drawn(england, ["estimate"])[[*keys, "estimate"]].merge(mine, on=keys)


def _best_levels(frame: pd.DataFrame) -> pd.DataFrame:
    """Return of each indicator the fullest adjustment that it has: after age and sex, else before adjustment."""
    order = {"crude": 0, "age_sex": 1}
    best = frame["adjustment"].map(order).groupby(frame["indicator"]).transform("max")
    return frame[frame["adjustment"].map(order) == best]


def periods(released: Any, id: str, title: str, table: str) -> Shown:
    """Draw a level by period, a panel an indicator, a line an ethnic group, with intervals."""
    frame = _drawn(released, ["estimate", "lower", "upper"])
    frame = _best_levels(frame)
    frame = frame[frame.groupby("indicator")["period"].transform("nunique") > 1].reset_index(drop=True)
    if frame.empty:
        return _nothing(released, id, title)
    import matplotlib.pyplot as plt

    panels = list(dict.fromkeys(frame["indicator_name"]))
    groups, years = list(dict.fromkeys(frame["ethnic_group"])), sorted(frame["period"].unique())
    figure, axes = _panels(panels, height=2.9, sharey=False, wide=True)
    for axis, panel in zip(axes, panels, strict=True):
        part = frame[frame["indicator_name"] == panel]
        for number, group in enumerate(groups):
            rows = part[part["ethnic_group"] == group].sort_values("period")
            colour, marker = palette.of_group(group)
            x = rows["period"].map(years.index).astype(float) + (number - (len(groups) - 1) / 2) * 0.06
            axis.vlines(x, rows["lower"], rows["upper"], color=colour, linewidth=1.1, alpha=0.75)
            axis.plot(x, rows["estimate"], marker=marker, color=colour, markersize=5, linewidth=1.2, label=group)
        many = {"rotation": 45, "ha": "right"} if len(years) > 4 else {}
        axis.set_xticks(range(len(years)), years, **many)
        axis.set_ylim(bottom=0)
        axis.set_title(textwrap.fill(panel, 44), loc="left", y=1, fontsize=10, fontweight="bold")
        unit = part["unit"].iloc[0] if "unit" in part and len(part) else ""
        axis.set_ylabel(textwrap.fill(unit, 20), fontsize=8)
    _legend(figure, axes)
    what = f"{len(panels)} panel(s), {', '.join(years)}, for {', '.join(groups)}"
    alt = f"{title}: {what}. The table {table} holds every number."
    return _shown(figure, plt, released, frame, id, title, alt, table)


def bars(released: Any, id: str, title: str, table: str, label: str, unit: str) -> Shown:
    """Draw one level a row with its interval: shares of a whole, or probabilities."""
    frame = _drawn(released, ["estimate"])
    if frame.empty:
        return _nothing(released, id, title)
    import matplotlib.pyplot as plt

    _theme({"axes.grid.axis": "x"})
    figure, axis = plt.subplots(figsize=(8.5, 0.9 + 0.36 * len(frame)))
    axis.barh(range(len(frame)), frame["estimate"], color=BLUE, height=0.6)
    axis.set_yticks(range(len(frame)), frame[label])
    axis.set_ylim(len(frame) - 0.5, -0.5)
    if {"lower", "upper"} <= set(frame):
        axis.hlines(range(len(frame)), frame["lower"], frame["upper"], color=ORANGE, linewidth=2)
    axis.set(xlabel=unit, ylabel="")
    top = frame.sort_values("estimate", ascending=False).head(1)
    lead = f" Highest: {top[label].iloc[0]}, {formats.figure(top['estimate'].iloc[0])}." if len(top) else ""
    alt = f"{title}: bar chart of {len(frame)} item(s) in {unit}.{lead} The table {table} holds every number."
    return _shown(figure, plt, released, frame, id, title, alt, table)


def funnel(released: Any, limits: Any, id: str, title: str, table: str, x: str, y: str) -> Shown:
    """Draw a share against the number of people, a point a team, between the limits of chance; name those beyond.

    ``released`` and ``limits`` are those of :func:`pcref_analysis.report.notebook_tables.by_team`; teams of which a
    count is
    suppressed are not drawn.
    """
    frame = _drawn(released, ["target", "estimate"])
    if frame.empty:
        return _nothing(released, id, title)
    import matplotlib.pyplot as plt

    _theme({"grid.color": "#E3E6E8"})
    figure, axis = plt.subplots(figsize=(8.8, 5.2), gridspec_kw={"top": 0.94, "right": 0.97})
    funnel_axes.draw(axis, frame, limits.table)
    axis.set(xlabel=x, ylabel=y)
    axis.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=3)
    beyond = frame[frame["signal"].fillna("") != ""].itertuples()
    names = "; ".join(f"{row.team}, {row.estimate:.3g}% of {row.at_risk:,.0f}, {row.signal}" for row in beyond)
    alt = (
        f"{title}: funnel plot of {len(frame)} teams, {y.lower()} against {x.lower()}; all teams together "
        f"{frame['target'].iloc[0]:.3g}%. Beyond the limits: {names or 'none'}. The table {table} holds every number."
    )
    return _shown(figure, plt, released, frame, id, title, alt, table)


def priorities(released: Any, id: str, title: str, table: str) -> Shown:
    """Draw the draft list: an item a row in its order, its ratio with interval, coloured and shaped by band."""
    frame = _drawn(released, ["ratio", "lower", "upper"]).head(20)
    if frame.empty:
        return _nothing(released, id, title)
    import matplotlib.pyplot as plt

    _theme({"axes.grid.axis": "x"})
    figure, axis = plt.subplots(figsize=(8.8, 1.3 + 0.45 * len(frame)))
    names = [f"{row.name}: {row.ethnic_group}" for row in frame[["name", "ethnic_group"]].itertuples(name="Row")]
    for number, band in enumerate(sorted(frame["band"].unique())):
        rows = frame[frame["band"] == band]
        colour, marker = palette.BANDS[number % len(palette.BANDS)]
        axis.hlines(rows.index, rows["lower"], rows["upper"], color=colour, linewidth=2)
        axis.plot(rows["ratio"], rows.index, marker, color=colour, markersize=8, label=f"band {band:g}")
    axis.axvline(1, color=GREY, linewidth=1, linestyle="--")
    axis.set_xscale("log")
    axis.set_yticks(range(len(frame)), names)
    axis.set_ylim(len(frame) - 0.5, -0.5)
    ticks = [
        t
        for t in (0.1, 0.2, 0.33, 0.5, 0.67, 1, 1.5, 2, 3, 5, 10)
        if min(frame["lower"].min() * 0.8, 1) <= t <= max(frame["upper"].max() * 1.2, 1)
    ]
    axis.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axis.minorticks_off()
    axis.set_xlabel("Ratio to the comparator, fullest adjustment (log scale)")
    axis.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=6)
    first = "; ".join(f"{n}, {formats.interval(r, lo, up)}" for n, r, lo, up in
                      zip(names, frame["ratio"], frame["lower"], frame["upper"], strict=True))  # fmt: skip
    alt = f"{title}: the items in order with their ratios and intervals: {first}. The table {table} holds every number."
    return _shown(figure, plt, released, frame, id, title, alt, table)


def main_points(released: Any, id: str, title: str, table: str) -> Shown:
    """Draw the main points one below the other, each name above its ratio: narrow, so that a phone shows it whole."""
    frame = _drawn(released, ["ratio", "lower", "upper"])
    if frame.empty:
        return _nothing(released, id, title)
    import matplotlib.pyplot as plt

    _theme({"axes.grid.axis": "x", "font.size": 11})
    figure, axis = plt.subplots(figsize=(5.4, 0.9 + 0.85 * len(frame)), gridspec_kw={"top": 0.97})
    ends = min(frame["lower"].min() * 0.9, 0.5), max(frame["upper"].max() * 1.1, 2.0)
    for y, row in enumerate(frame.itertuples(name="Row")):
        colour = BLUE if row.ratio > 1 else ORANGE
        axis.hlines(y, row.lower, row.upper, color=colour, linewidth=3)
        axis.plot(row.ratio, y, "o" if row.ratio > 1 else "s", color=colour, markersize=9)
        name, on = textwrap.fill(row.title, 44), {"facecolor": "white", "edgecolor": "none", "pad": 1}
        axis.text(ends[0] * 1.02, y - 0.22, name, ha="left", va="bottom", fontsize=11, fontweight="bold", bbox=on)
    axis.axvline(1, color=GREY, linewidth=1.5, linestyle="--")
    axis.set_xscale("log")
    axis.set_xlim(*ends)
    ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 3, 5, 10) if ends[0] <= t <= ends[1]]
    axis.set_xticks(ticks, [f"{t:g}" for t in ticks], fontsize=11)
    axis.minorticks_off()
    axis.set_yticks([])
    axis.set_ylim(len(frame) - 0.5, -0.85)
    comparator = frame["comparator"].iloc[0]
    axis.set_xlabel(f"times the level of the {comparator} group (log scale)", fontsize=11)
    said = "; ".join(
        f"{r.title}, {formats.interval(r.ratio, r.lower, r.upper, r.rounded_to)}" for r in frame.itertuples()
    )
    alt = f"{title}. How many times the level of the {comparator} group, with intervals: {said}. 1 is the same level."
    return _shown(figure, plt, released, frame, id, title, alt, table)


def _few_colours(picture: io.BytesIO) -> io.BytesIO:
    """Return a picture in 128 colours, as many as a chart needs: a third of the size."""
    from PIL import Image

    small = io.BytesIO()
    Image.open(picture).convert("RGB").quantize(128).save(small, format="png", optimize=True)
    return small


def _nothing(released: Any, id: str, title: str) -> Shown:
    words = f"{title}: nothing to draw from these data."
    record = {"id": id, "kind": "text", "title": title, "text": words, "sources": [released.name]}
    return Shown(record=record, text=words, html=f'<p id="{escape(id)}">{escape(words)}</p>')


def _drawn(released: Any, numbers: list[str]) -> pd.DataFrame:
    frame = released.table.copy()
    for column in {*numbers, "lower", "upper"} & set(frame):
        frame[column] = pd.to_numeric(frame[column], errors="coerce").replace(
            [float("inf"), float("-inf")], float("nan")
        )
    return frame.dropna(subset=numbers).reset_index(drop=True)


def _theme(more: dict[str, Any]) -> None:
    """Set the look of a figure; a dollar sign in a name is a dollar sign and no formula."""
    import seaborn as sns

    warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")  # a rare letter in a name stops no page
    sns.set_theme(style="whitegrid", font="DejaVu Sans", rc={"text.parse_math": False, **more})


def _panels(names: list[str], height: float, sharey: bool = True, wide: bool = False) -> tuple[Any, list[Any]]:
    """Return a figure and its panels: two to a row, ``height`` inches each, ``wide`` where each has names.

    Distances are in inches, known before anything is drawn: to measure every label of a tall figure takes longer
    than to draw it.
    """
    import matplotlib.pyplot as plt

    _theme({"axes.titlepad": 6, "grid.color": "#E3E6E8"})
    columns = min(2, len(names))
    rows = -(-len(names) // columns)
    side, gap, above, below = 1.45, 0.95 if wide else 0.25, 0.45, 0.55
    width = 4.6 * columns
    room = {"left": side / width, "right": 0.99, "top": 1 - above / (height * rows), "bottom": below / (height * rows)}
    each = ((room["right"] - room["left"]) * width - gap * (columns - 1)) / columns, height - above - below
    room |= {"wspace": gap / each[0], "hspace": (above + below) / each[1]}
    figure, axes = plt.subplots(
        rows, columns, figsize=(width, height * rows), sharey=sharey, gridspec_kw=room, squeeze=False
    )
    for spare in list(axes.flat)[len(names) :]:
        spare.remove()
    for axis in list(axes.flat)[: len(names)]:
        axis.spines[["top", "right"]].set_visible(False)
    return figure, list(axes.flat)[: len(names)]


def _ratio_axis(axes: list[Any], low: float, high: float, ends: tuple[float, float]) -> None:
    fine = (0.1, 0.2, 0.33, 0.5, 0.67, 1, 1.5, 2, 3, 5, 10) if high / low < 8 else (0.1, 0.2, 0.5, 1, 2, 5, 10)
    ticks = [t for t in fine if low * 0.75 <= t <= high * 1.3]
    for axis in axes:
        axis.set_xlim(*ends)
        axis.set_xticks(ticks, [f"{t:g}" for t in ticks])
        axis.minorticks_off()


def _legend(figure: Any, axes: list[Any]) -> None:
    handles = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    if handles:
        figure.legend(
            handles.values(), handles.keys(), loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3, frameon=False
        )


def _words(frame: pd.DataFrame, comparator: str) -> str:
    """Say in a sentence which ratios stand furthest from 1 after the fullest adjustment."""
    if frame.empty:
        return "No ratio can be shown."
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
    figure: Any, plt: Any, released: Any, frame: pd.DataFrame, id: str, title: str, alt: str, table: str
) -> Shown:
    synthetic = bool(getattr(released, "synthetic", False))
    if synthetic:
        figure.text(
            0.99, 1.0, "SYNTHETIC DATA", ha="right", va="bottom", fontsize=9, color="#7A5200", fontweight="bold"
        )
    if released.audience == "internal":
        figure.text(0.01, 1.0, INTERNAL.upper(), ha="left", va="bottom", fontsize=9, color="#B00020", fontweight="bold")
        alt = f"{INTERNAL}. {alt}"
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=96, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)
    buffer = _few_colours(buffer)
    data = fingerprint(frame.astype(object).where(frame.notna(), None).astype(str).to_dict("records"))
    record = {
        "id": id, "kind": "figure", "title": title, "alt": alt, "source_table": table, "data": data,
        "synthetic": synthetic,
    }  # fmt: skip
    return Shown(record=record, text=f"Figure {id}, data {data}. {alt}", png=buffer.getvalue())
