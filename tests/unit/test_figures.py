"""Figures: a group looks the same in every chart, colours can be seen, and an interval that leaves the axis says so."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from pcref_analysis.disclosure import release_tables
from pcref_analysis.display import figures, palette
from pcref_analysis.vocabulary import ethnicity

BROAD, DETAILED = ethnicity.known_groups("broad"), ethnicity.known_groups("detailed")


def _contrast(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


@pytest.mark.parametrize(
    "colour", [palette.BLUE, palette.TEAL, palette.PLUM, palette.ORANGE, palette.GREY, palette.LILAC]
)
def test_every_colour_can_be_seen_on_white(colour):
    assert _contrast(colour) >= 3.9  # 3 is asked for; the old teal, orange and lilac were barely above it


@pytest.mark.parametrize("groups", [[*BROAD, "Unknown"], DETAILED])
def test_no_two_groups_of_a_chart_look_alike(groups):
    assert len({palette.of_group(group) for group in groups}) == len(groups)


def _released(frame: pd.DataFrame) -> release_tables.Releasable:
    counts = release_tables.release(pd.DataFrame({"ethnic_group": ["White", "Mixed"], "events": [90, 60]}), "mhsds")
    return release_tables.derive(lambda _: frame, counts, name="own")


@pytest.fixture
def drawn(monkeypatch):
    """The figure just before it is closed."""
    kept = []
    monkeypatch.setattr(plt, "close", kept.append)
    yield kept
    monkeypatch.undo()
    plt.close("all")


def _lines(figure) -> list:
    return [line for axis in figure.axes for line in axis.get_lines()]


@pytest.mark.parametrize("groups", [["White", "Mixed", "Unknown"], ["Unknown", "Mixed", "White"], ["Mixed", "Indian"]])
def test_a_group_keeps_its_colour_and_marker_whatever_stands_before_it(groups, drawn):
    years = ["2022-23", "2023-24"]
    frame = pd.DataFrame([(group, year) for group in groups for year in years], columns=["ethnic_group", "period"])
    frame = frame.assign(
        indicator="a", indicator_name="A", unit="%", adjustment="crude", estimate=2.0, lower=1.0, upper=3.0
    )
    figures.periods(_released(frame), "f", "F", "t")
    found = {line.get_label(): (line.get_color(), line.get_marker()) for line in _lines(drawn[0])}
    assert {group: found[group] for group in groups} == {group: palette.of_group(group) for group in groups}


@pytest.mark.parametrize(
    ("lower", "upper", "arrows"), [(0.5, 3.0, []), (0.012, 3.0, ["<"]), (0.5, 16.0, [">"]), (0.012, 16.0, ["<", ">"])]
)
def test_an_interval_that_leaves_the_axis_ends_in_an_arrow(lower, upper, arrows, drawn):
    frame = pd.DataFrame(
        {"ethnic_group": ["Mixed", "Unknown"], "estimate": [1.2, np.inf], "lower": lower, "upper": upper}
    )
    frame = frame.assign(indicator_name="A", adjustment="crude", comparator="White", period="2023-24")
    shown = figures.forest(_released(frame), "f", "F", "t", "2023-24")
    assert (
        sorted(line.get_marker() for line in _lines(drawn[0]) if line.get_marker() in "<>" and len(line.get_xdata()))
        == arrows
    )
    assert ("goes on beyond the axis" in shown.record["alt"]) == bool(arrows)


def test_england_is_a_tick_on_the_line_of_the_same_group_where_both_are_before_adjustment(drawn):
    frame = pd.DataFrame({"indicator": ["a", "a", "b"], "ethnic_group": ["White", "Mixed", "White"]}).assign(
        period="2023-24", unit="%", estimate=2.0, lower=1.0, upper=3.0
    )
    frame = frame.assign(indicator_name=frame["indicator"], adjustment=["crude", "crude", "age_sex"])
    england = frame[["indicator", "ethnic_group", "period"]].assign(estimate=[4.0, 5.0, 6.0])
    shown = figures.levels(_released(frame), "f", "F", "t", "2023-24", england=_released(england))
    ticks = [line for line in _lines(drawn[0]) if line.get_label().startswith("England")]
    assert [(list(line.get_xdata()), list(line.get_ydata())) for line in ticks] == [([4.0, 5.0], [0.0, 1.0])]
    assert all(line.axes.get_xlim()[1] > 5 for line in ticks) and "England" in shown.record["alt"]
