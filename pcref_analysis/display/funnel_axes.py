"""A funnel on its axes: the limits, a point a team, and the names of those beyond the limits where they can be read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pcref_analysis.display.palette import BLUE, GREY, ORANGE, PLUM

STYLE = {"": (BLUE, "o"), "95%": (ORANGE, "^"), "99.8%": (PLUM, "D")}  # beyond which limits
BESIDE = ((9, 0, "left"), (-9, 0, "right"), (0, 13, "center"), (0, -13, "center"), (9, 13, "left"), (9, -13, "left"))


def draw(axis: Any, teams: pd.DataFrame, limits: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Draw teams (``team, at_risk, estimate, target, signal``) between limits (``size, lower_95, upper_95, ...``).

    Returns what the marks mean: label, colour, marker.
    """
    target, beyond = teams["target"].iloc[0], teams["signal"].fillna("")
    among = limits.loc[limits["size"] >= teams["at_risk"].min(), "upper_99_8"]  # at the left the limits run away
    top = 1.12 * max(teams["estimate"].max(), among.max())
    axis.axhline(target, color=GREY, linewidth=1.2)
    key = [(f"all teams together, {target:.3g}%", GREY, "-")]
    for level, dash in (("95", "--"), ("99_8", ":")):
        for end in ("lower", "upper"):
            line = limits[f"{end}_{level}"]
            axis.plot(limits["size"], line.where(line.between(0, top)), dash, color=GREY, linewidth=1.3)
        key.append((f"{level.replace('_', '.')}% limits", GREY, dash))
    for level, (colour, marker) in STYLE.items():
        rows = teams[beyond.str.endswith(f" {level}") if level else beyond == ""]
        words = f"beyond the {level} limits" if level else "within the limits"
        if len(rows):
            axis.plot(rows["at_risk"], rows["estimate"], marker, color=colour, markersize=7.5)
            key.append((words, colour, marker))
    axis.set_xlim(0, limits["size"].max())
    axis.set_ylim(0, top)
    for along in (axis.xaxis, axis.yaxis):
        along.get_major_locator().set_params(nbins=4, steps=[1, 2, 2.5, 5, 10])
    _name(axis, teams[beyond != ""], teams)
    return key


def around(axis: Any, boards: pd.DataFrame, ends: tuple[float, float]) -> str:
    """Draw the limits about the mean of boards (``precision, mean, tau``); say where ours lies."""
    mean, tau = boards["mean"].iloc[0], boards["tau"].iloc[0]
    at, found = np.geomspace(boards["precision"].min() * 0.8, boards["precision"].max() * 1.05, 60), "within the limits"
    axis.axhline(mean, color=GREY, linewidth=1)
    for z, dash, words in ((1.96, "--", "95%"), (3.09, ":", "99.8%")):
        half = z * np.sqrt(tau**2 + 1 / at)
        for sign in (-1, 1):
            line = mean * np.exp(sign * half)
            inside = np.where((line >= ends[0]) & (line <= ends[1]), line, np.nan)
            axis.plot(at, inside, dash, color=GREY, linewidth=1.3)
        ours = boards[boards["own"] == "ours"]
        away = np.log(ours["ratio"] / mean).abs() > z * np.sqrt(tau**2 + 1 / ours["precision"])
        found = f"beyond the {words} limits" if away.any() else found
    return found


def _name(axis: Any, rows: pd.DataFrame, every: pd.DataFrame) -> None:
    """Write the names of some teams beside their points, each where it covers no point and no other name."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(axis.figure).draw()  # to know how wide names are
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
    points, taken = axis.transData.transform(every[["at_risk", "estimate"]].to_numpy(float)), list[Any]()
    for row in rows.sort_values("at_risk").itertuples():
        for right, up, side in (*BESIDE, BESIDE[0]):  # where every place is taken, the first
            words = axis.annotate(
                row.team, (row.at_risk, row.estimate), xytext=(right, up), textcoords="offset points",
                ha=side, va="center", fontsize=9, bbox=paper, zorder=2.1,
            )  # fmt: skip
            box = words.get_window_extent()
            free = axis.bbox.x0 <= box.x0 and box.x1 <= axis.bbox.x1 and not box.count_contains(points)
            if free and not any(box.overlaps(other) for other in taken):
                break
            words.set_visible(False)
        words.set_visible(True)
        taken.append(box)
