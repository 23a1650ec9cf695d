"""What every figure is drawn with: a picture of a phone's width, intervals with arrows, axes, the key of its marks."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from pcref_analysis.display.output import INTERNAL
from pcref_analysis.display.palette import GREY

AXIS = (0.1, 10.0)  # a ratio's axis goes no further; an arrow says where an interval does
RATIOS = (0.1, 0.2, 0.5, 1, 2, 5, 10)  # what stands at a ratio's axis
MIDDLE = (0.5, 0.75, 1, 1.5, 2, 3, 4, 5)  # the same where they span less than eightfold
FINE = (0.5, 0.67, 0.8, 1, 1.25, 1.5, 2)  # and where all are close to 1; at least three of a set stand at any axis
EVEN = "half and twice are as far from 1"  # a logarithmic axis, in words for everybody
LINES = ("-", "--", ":")
STEPS = (1, 2, 2.5, 5)  # of any other axis, and ten times as many
WIDTH, NAMES, NUMBERS, ABOVE, BELOW = 360, 152, 52, 12, 50  # points; a phone shows 360 whole
LOOK: dict[Any, Any] = {"text.parse_math": False, "font.size": 12,
        "xtick.labelsize": 12, "ytick.labelsize": 12, "grid.color": "#E3E6E8", "axes.spines.top": False,
        "axes.spines.right": False, "font.family": "DejaVu Sans"}  # fmt: skip


class Picture(NamedTuple):
    """One picture of a figure, drawn, and what it says."""

    drawn: Any
    title: str
    alt: str


@contextmanager
def theme() -> Iterator[None]:
    """Give everything that is drawn the look of the pages; nothing stays set."""
    import seaborn as sns
    from matplotlib import rc_context

    with rc_context({**sns.axes_style("whitegrid"), **LOOK}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")  # a rare letter in a name stops no page
        yield


def picture(released: Any, title: str, body: float, left: float = NAMES, below: float = BELOW) -> tuple[Any, Any]:
    """Return a figure of a phone's width and its axes, ``body`` points high, the title above, marks below."""
    from matplotlib.figure import Figure

    lines = textwrap.wrap(title, 48)
    height = ABOVE + 17 * len(lines) + body + below
    figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72)
    box = (left / WIDTH, below / height, (WIDTH - left - 14) / WIDTH, body / height)
    axis = figure.add_axes(box, facecolor="none") if body else None
    for number, line in enumerate(lines):
        figure.text(6 / WIDTH, 1 - (15 + 17 * number) / height, line, fontsize=13, fontweight="bold")
    if words := marks(released):
        figure.text(1 - 6 / WIDTH, 5 / height, words, ha="right", fontsize=11, color="#7A5200", fontweight="bold")
    return figure, axis


def below(figure: Any, words: str) -> None:
    height = figure.get_figheight() * 72
    for number, line in enumerate(textwrap.wrap(words, 62)[:2]):
        figure.text(6 / WIDTH, (21 - 13 * number) / height, line, fontsize=11, color=GREY)


def marks(released: Any) -> str:
    """Say what every picture of such a table carries, wherever it is taken to."""
    marks = ["Synthetic data"] if released.synthetic else []
    return ". ".join([*marks, *([INTERNAL] if released.audience == "internal" else [])])


def interval(
    axis: Any, rows: pd.DataFrame, at: Any, ends: tuple[float, float], colour: str, marker: str, along: str = "x",
    size: float = 6.5,
) -> bool:  # fmt: skip
    """Draw estimates with their intervals; an arrow stands where one leaves the axis. Says whether one does."""
    estimate, lower, upper = (rows[name].to_numpy(float) for name in ("estimate", "lower", "upper"))
    places = np.asarray(at, dtype=float)
    gap, inside = np.full(len(places), np.nan), (estimate >= ends[0]) & (estimate <= ends[1])

    def plot(value: Any, place: Any, *mark: str, **look: Any) -> None:
        axis.plot(*((value, place) if along == "x" else (place, value)), *mark, color=colour, **look)

    along_x, along_y = (
        np.column_stack(three).ravel() for three in ((*np.clip([lower, upper], *ends), gap), (places, places, gap))
    )
    plot(along_x, along_y, linewidth=2, solid_capstyle="butt")
    plot(estimate[inside], places[inside], marker, markersize=size)
    beyond = [lower < ends[0], upper > ends[1]]
    for end, over, arrow in zip(ends, beyond, ("<", ">") if along == "x" else ("v", "^"), strict=True):
        if over.any():
            plot([end] * int(over.sum()), places[over], arrow, markersize=7, clip_on=False)
    return bool(np.any(beyond))


def by_group(axis: Any, groups: list[str]) -> None:
    axis.set_yticks(range(len(groups)), groups)
    axis.set_ylim(len(groups) - 0.5, -0.5)
    axis.grid(False, axis="y")


WIDE = 58  # letters of a name above its row; a longer one takes two lines


def names_above(axis: Any, names: Sequence[str]) -> None:
    axis.set_yticks([])
    axis.set_ylim(len(names) - 0.5, -0.75)
    for y, name in enumerate(names):
        lines = textwrap.wrap(str(name), WIDE, max_lines=2, placeholder=" …")
        for above, line in enumerate(reversed(lines)):  # each line by itself: the picture's text is one line a place
            axis.annotate(
                line,
                (0.005, y - 0.28),
                xycoords=axis.get_yaxis_transform(),
                xytext=(0, 15 * above),
                textcoords="offset points",
                va="bottom",
                fontsize=12,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            )  # where a line at 1 ends


def ends(frame: pd.DataFrame) -> tuple[float, float]:
    low, high = max(frame["lower"].min(), AXIS[0]), min(frame["upper"].max(), AXIS[1])
    return min(low * 0.9, 0.8), max(high * 1.1, 1.25)


def ratio_axis(axis: Any, ends: tuple[float, float], along: str = "x") -> None:
    low, high = ends
    given = FINE if high / low < 2.7 else MIDDLE if high / low < 8 else RATIOS
    ticks = [t for t in given if low <= t <= high]
    for name, value in (("scale", "log"), ("lim", ends)):
        getattr(axis, f"set_{along}{name}")(value)
    getattr(axis, f"set_{along}ticks")(ticks, [f"{t:g}" for t in ticks])
    axis.minorticks_off()
    (axis.axvline if along == "x" else axis.axhline)(1, color=GREY, linewidth=1.2, linestyle="--", zorder=1)


def number_axis(axis: Any, along: str, most: float) -> None:
    """Let an axis begin at 0, with at most four round steps."""
    from matplotlib.ticker import MaxNLocator

    getattr(axis, f"set_{along}lim")(0, most)
    ticks = [t for t in MaxNLocator(4, steps=[*STEPS, 10]).tick_values(0, most) if t <= most]
    getattr(axis, f"set_{along}ticks")(ticks, [f"{t:,.6g}" for t in ticks])


def key(released: Any, entries: Sequence[tuple[str, str, str]]) -> Picture:
    """Draw what marks mean: a label, a colour, a marker or one of :data:`LINES`."""
    figure, _ = picture(released, "", 0, below=20 * len(entries) + (24 if marks(released) else 6))
    from matplotlib.lines import Line2D

    height = figure.get_figheight() * 72
    for number, (label, colour, marker) in enumerate(entries):
        y = 1 - (14 + 20 * number) / height
        dashed = marker in LINES
        look: dict[str, Any] = {"linestyle": marker, "marker": ""} if dashed else {"linestyle": "", "marker": marker}
        x = [8 / WIDTH, 28 / WIDTH] if dashed else [18 / WIDTH]
        figure.add_artist(Line2D(x, [y] * len(x), color=colour, markersize=8, linewidth=2, **look))
        figure.text(36 / WIDTH, y, label, va="center_baseline", fontsize=12)
    return Picture(figure, "Key", f"Key: {'; '.join(label for label, _, _ in entries)}.")
