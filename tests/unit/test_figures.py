"""Figures: a group looks the same in every chart, colours can be seen, and an interval that leaves the axis says so."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.disclosure import release_tables
from pcref_analysis.display import drawing, figures, palette, safe_html, svg
from pcref_analysis.report import release_check
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
    """The figures as they are when their pictures are made: the key first where there is one."""
    kept, made = [], svg.of
    monkeypatch.setattr(svg, "of", lambda figure, title: kept.append(figure) or made(figure, title))
    return kept


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
    for one in (drawn[0].artists, _lines(drawn[1])):  # the key and the chart
        looks = [(line.get_color(), line.get_marker()) for line in one if line.get_marker() not in ("", "None")]
        assert dict(zip(groups, looks, strict=True)) == {group: palette.of_group(group) for group in groups}


@pytest.mark.parametrize(
    ("lower", "upper", "arrows"), [(0.5, 3.0, []), (0.012, 3.0, ["<"]), (0.5, 16.0, [">"]), (0.012, 16.0, ["<", ">"])]
)
def test_an_interval_that_leaves_the_axis_ends_in_an_arrow(lower, upper, arrows, drawn):
    frame = pd.DataFrame(
        {"ethnic_group": ["Mixed", "Unknown"], "estimate": [1.2, np.inf], "lower": lower, "upper": upper}
    )
    frame = frame.assign(indicator_name="A", adjustment="crude", comparator="White", period="2023-24")
    shown = figures.forest(_released(frame), "f", "F", "t", "2023-24")
    assert sorted(line.get_marker() for line in _lines(drawn[1]) if line.get_marker() in ("<", ">")) == arrows
    assert ("goes on beyond the axis" in shown.record["alt"]) == bool(arrows)


def test_england_is_a_tick_on_the_line_of_the_same_group_where_both_are_before_adjustment(drawn):
    frame = pd.DataFrame({"indicator": ["a", "a", "b"], "ethnic_group": ["White", "Mixed", "White"]}).assign(
        period="2023-24", unit="%", estimate=2.0, lower=1.0, upper=3.0, england=[4.0, 5.0, 6.0]
    )
    frame = frame.assign(indicator_name=frame["indicator"], adjustment=["crude", "crude", "age_sex"])
    shown = figures.levels(_released(frame), "f", "F", "t", "2023-24")
    ticks = [line for one in drawn[1:] for line in _lines(one) if line.get_marker() == "|" and len(line.get_xdata())]
    assert [(list(line.get_xdata()), list(line.get_ydata())) for line in ticks] == [([4.0, 5.0], [0, 1])]
    assert all(line.axes.get_xlim()[1] > 5 for line in ticks) and "England" in shown.record["alt"]


def _years(years) -> pd.DataFrame:
    frame = pd.DataFrame({"period": years, "indicator": "a", "indicator_name": "A", "unit": "ratio"})
    frame = frame.assign(estimate=2.0, lower=1.5, upper=3.0)
    return frame.assign(ethnic_group="Mixed", comparator="White", adjustment="crude")


def test_no_line_of_a_gap_goes_across_a_declared_break(drawn):
    figures.gap_periods(_released(_years(["2021-22", "2022-23", "2023-24"])), "f", "F", "t", breaks=["2022-23"])
    joined = [line for line in _lines(drawn[1]) if line.get_linewidth() == 1.2 and line.get_linestyle() == "-"]
    assert [list(line.get_xdata()) for line in joined] == [[0], [1, 2]]


def test_the_names_of_eight_years_stand_apart(drawn):
    years = [f"{year}-{year % 100 + 1}" for year in range(2016, 2024)]
    figures.gap_periods(_released(_years(years)), "f", "F", "t")
    named = [label.get_text() for label in drawn[1].axes[0].get_xticklabels() if label.get_text()]
    assert named[-1] == "2023-24" and 2 <= len(named) <= 4  # a name takes 46 points of about 290


def _pictures(shown) -> list[str]:
    return re.findall(r'src="(data:[^"]+)"', shown.html)


def test_a_picture_is_text_is_the_same_each_time_and_fits_a_phone():
    two = [figures.periods(_released(_years(["2022-23", "2023-24"])), "f", "F", "t") for _ in range(2)]
    assert two[0].html == two[1].html and len(_pictures(two[0])) == 2
    for one in _pictures(two[0]):
        assert re.search(r"role='img' width='(\d+)'", one)[1] == "360" and "Arial" in one
        assert min(map(float, re.findall(r"font-size:([\d.]+)px", one))) >= 11
    assert svg.texts(_pictures(two[0])[1])[:1] == ["A"]


@pytest.mark.parametrize(("ours", "where"), [(2.1, "within the limits"), (9.0, "beyond the 99.8% limits")])
def test_a_funnel_of_boards_marks_ours_alone_and_says_where_it_lies(drawn, ours, where):
    frame = pd.DataFrame({"ratio": [1.8, 2.2, ours], "own": ["another", "another", "ours"]}).assign(
        precision=[50.0, 80.0, 60.0], mean=2.0, tau=0.2, indicator="detentions", ethnic_group="Mixed",
        comparator="White", period="2023-24", level=0.95,
    )  # fmt: skip
    shown = figures.boards(_released(frame), "f", "F", "t", "detentions")
    assert where in shown.record["alt"]
    texts = svg.texts(_pictures(shown)[1])
    assert {text for text in texts if re.search("[A-Za-z]", text)} <= {"Mixed", *texts[-3:]}
    low, high = drawn[1].axes[0].get_ylim()
    for line in _lines(drawn[1]):  # nothing is drawn beyond the axis: a picture clips nothing
        y = np.asarray(line.get_ydata(), float)
        assert ((y[~np.isnan(y)] >= low - 1e-9) & (y[~np.isnan(y)] <= high + 1e-9)).all()


@pytest.mark.parametrize("upper", [1.01, 1.3, 1.9, 2.1, 2.6, 3.5, 5.0, 6.3, 7.0, 9.0, 30.0])
@pytest.mark.parametrize("lower", [0.02, 0.12, 0.2, 0.3, 0.45, 0.6, 0.75, 0.9])
def test_numbers_at_a_ratio_axis_are_known_as_such(lower, upper):
    from matplotlib.figure import Figure

    axis = Figure().add_axes((0, 0, 1, 1))
    drawing.ratio_axis(axis, drawing.ends(pd.DataFrame({"lower": [lower], "upper": [upper]})))
    texts = [label.get_text() for label in axis.get_xticklabels()]
    assert len(texts) >= 3 and release_check.off_axes(texts) == []


BAD = ["<script>1</script>", "<a href='x'/>", "<image href='https://evil.example/p.png'/>", "<path onload='x'/>",
       "<use href='https://evil.example/#a'/>", "<style>a{fill:url(https://evil.example)}</style>", "<g>3</g>",
       "<path d='M0 0'/>7 people", "<!--7-->"]  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_a_picture_that_holds_anything_else_is_none(bad):
    picture = "<svg xmlns='http://www.w3.org/2000/svg'><title>A</title>{}</svg>"
    assert svg.texts(svg.uri(picture.format(""))) == ["A"]
    assert svg.texts(svg.uri(picture.format(bad))) is None
    assert safe_html.refused(f'<img alt="A" src="{svg.uri(picture.format(bad))}">') == ["src of img"]
