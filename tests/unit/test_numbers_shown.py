"""Numbers as pages show them: finite, written in one way, at the run's own level; marks where one is missing."""

from __future__ import annotations

import io
import re
import zipfile
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.disclosure import release_tables
from pcref_analysis.display import formats, list_columns, output, sentences, tables
from pcref_analysis.priorities import wording
from pcref_analysis.report import derived_tables, pipeline
from pcref_analysis.report.pages import landing, main_points, render, workbook
from pcref_analysis.store import csv_text
from pcref_analysis.vocabulary import parameters

AWKWARD = [np.nan, None, pd.NA, np.inf, -np.inf]


def _rows(level: float = 0.95, **values: object) -> release_tables.Releasable:
    """A released table of two groups and three steps; ``values`` replace columns."""
    steps = ["crude", "age_sex", "age_sex_imd"]
    frame = pd.DataFrame({"ethnic_group": np.repeat(["White", "Mixed"], 3), "adjustment": steps * 2})
    frame = frame.assign(
        indicator="own_one", indicator_name="Own", unit="per cent", period="2023-24", comparator="White",
        measure="ratio", estimate=3.5, lower=2.5, upper=4.0, level=level, events=100.0, at_risk=500.0,
        change_from=["", "crude", "age_sex"] * 2, change=1.07, change_lower=0.98, change_upper=1.15, status="shown",
    )  # fmt: skip
    counts = release_tables.release(frame[["ethnic_group", "adjustment", "events"]], "mhsds")
    return release_tables.derive(lambda _: frame.assign(**values), counts, name="own")


@pytest.mark.parametrize("column", ["estimate", "lower", "upper", "change", "change_lower", "change_upper", "events"])
@pytest.mark.parametrize("value", AWKWARD)
def test_a_number_that_is_not_finite_never_reaches_a_page(column, value):
    released = _rows(**{column: value})
    for one in (
        tables.gaps(released, "g", "t", "2023-24"),
        tables.levels(released, "l", "t", "2023-24"),
        tables.medians(released, "m", "t"),
        tables.expected(released, "e", "t"),
        tables.plain(released, "p", "t", {column: "Number"}),
    ):
        words = one.html.lower()
        for bad in ("nan", ">inf", " inf", "-inf", "infinity", ">none<", "none to", "&lt;na"):
            assert bad not in words


def test_ratios_to_two_comparators_stand_apart_each_with_its_own_word():
    """One block held both: the first comparator's ratio beside the word of the second, which was not shown."""
    among = _rows(comparator=["All other groups", "Whole population"] * 3, adjustment="age_sex_imd",
                  estimate=[1.0, 0.92] * 3, lower=[0.9, 0.88] * 3, upper=[1.2, 0.95] * 3)  # fmt: skip
    text = tables.gaps(among, "g", "t", "2023-24").text
    first, second = text.split("Own, compared with ")[1:]
    assert first.startswith("All other groups") and "1.0 (0.9 to 1.2)" in first and "cannot tell" in first
    assert second.startswith("Whole population") and "0.92 (0.88 to 0.95)" in second and "lower" in second


def test_the_change_where_all_live_in_one_quintile_has_no_upper_limit():
    text = tables.gaps(_rows(change_upper=np.inf), "g", "t", "2023-24").text
    assert "+7% (−2 to no upper limit)" in text


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((5, 3, 9), "5.0 (3.0 to 9.0)"),
        ((3.5, 2.5, 4), "3.5 (2.5 to 4.0)"),
        ((1.61, 0.73, 3.0), "1.61 (0.73 to 3.00)"),
        ((1, 0.94, 1.1), "1.00 (0.94 to 1.10)"),
        ((1.4, 0.98, 2), "1.40 (0.98 to 2.00)"),
        ((0.44, 0.012, 16), "0.440 (0.012 to 16.000)"),
        ((13.6, 12.9, 14.4), "13.6 (12.9 to 14.4)"),
        ((1234.0, 1100.0, 1400.0), "1,234 (1,100 to 1,400)"),
        ((0, 0, 2.7), "0.0 (0.0 to 2.7)"),
    ],
)
def test_an_interval_is_written_in_one_way(numbers, text):
    assert formats.interval(*numbers) == text
    row = {"certainty": 0.5, "ratio": numbers[0], "lower": numbers[1], "upper": numbers[2], "measure": "rate"}
    row |= {"excess": 5.0, "rank_low": np.nan, "rank_high": np.nan}
    assert wording._in_figures(row)[0] == text
    estimate, lower, upper = numbers
    assert text in tables.gaps(_rows(estimate=estimate, lower=lower, upper=upper), "g", "t", "2023-24").text


def test_an_interval_as_written_contains_its_estimate():
    rng = np.random.default_rng(5)
    for _ in range(3000):
        middle = float(f"{np.exp(rng.normal(0, 2)):.2g}")
        low, high = (float(f"{middle * np.exp(s * abs(rng.normal(0, 0.7))):.2g}") for s in (-1, 1))
        estimate, lower, upper = (float(x.replace(",", "")) for x in formats.three(middle, low, high))
        assert lower <= estimate <= upper
        assert (lower > 1) == (low > 1) and (upper < 1) == (high < 1)


def test_a_coarser_figure_says_its_step():
    row = {"o": 31.0, "n": 400.0}
    frame = pd.DataFrame(
        {
            "indicator": "detentions", "ethnic_group": ["Mixed", "White"], "measure": "ratio", "comparator": "White",
            "adjustment": "age_sex", "estimate": [3.327, 1.0], "lower": [2.31, 1.0], "upper": [4.81, 1.0],
            "level": 0.95, "events": [row["o"], 900.0], "at_risk": [row["n"], 40000.0], "period": "2023-24",
        }
    )  # fmt: skip
    released = release_tables.release(frame, "mhsds").table
    step = released["rounded_to"].iloc[0]
    assert np.isnan(step) or step in (0.2, 0.5, 1.0)
    shows = tables.gaps(_rows(rounded_to=0.5), "g", "t", "2023-24").text
    assert "3.5 (2.5 to 4.0), to the nearest 0.5" in shows


def test_nothing_says_95_where_the_run_asks_for_another_level(tmp_path):
    released = _rows(level=0.9)
    run = parameters.load("demo").model_copy(update={"level": 0.9})
    about = pipeline.about(run)
    made = [
        tables.gaps(released, "g", "t", "2023-24"), tables.levels(released, "l", "t", "2023-24"),
        tables.medians(released, "m", "t"), tables.expected(released, "e", "t"),
    ]  # fmt: skip
    heads = {name: list(view.values()) for name, view in list_columns.VIEWS.items()}
    assert "95" not in str(heads) + str(list_columns.TITLES)
    for one in made:
        assert "90% interval" in one.html
        assert "95" not in one.html
    index = landing.bodies(run, [], about, main_points.of([], run))["index.html"]
    method = render.fragment("method.html.j2", about=about, parameters=run)
    assert "A 90% interval" in render.text_of(re.sub(r"</?a\b[^>]*>", "", index))
    assert "An 80% <" in landing.bodies(run, [], about | {"level": "80%"}, main_points.of([], run))["index.html"]
    assert not re.search(r"(?<!19)95", index + method)  # 1995 is a year of a reference
    workbook.write([one.record for one in made], tmp_path / "t.xlsx", about)
    with zipfile.ZipFile(tmp_path / "t.xlsx") as book:
        assert "95" not in book.read("xl/sharedStrings.xml").decode()


def test_the_workbook_marks_what_is_missing_as_the_page_does(tmp_path):
    frame = pd.DataFrame(
        {
            "period": ["2021-22", "2022-23", "2023-24"], "adjustment": ["crude", "age_sex", "age_sex"],
            "events": [np.nan, np.nan, 40.0], "events_status": ["suppressed", "not available", "shown"],
            "estimate": [np.nan, 2.0, 2.5], "status": ["suppressed", "shown", "shown"],
            "change": [np.nan, np.nan, 1.1], "upper": [np.nan, 3.5, np.inf], "note": ["", "few events", ""],
        }
    )  # fmt: skip
    marked = output.marked(frame)
    assert marked["events"].tolist() == ["[c]", "[x]", 40.0]
    assert marked["estimate"].tolist() == ["[c]", 2.0, 2.5]
    assert marked["change"].tolist() == ["[z]", "[x]", 1.1]
    assert marked["upper"].tolist() == ["[c]", 3.5, "no limit"]  # no workbook can hold it as a number
    assert marked["note"].tolist() == ["[z]", "few events", "[z]"]
    about = pipeline.about(parameters.load("demo"))
    workbook.write([{"id": "t", "title": "T", "csv": csv_text.to_csv(frame)}], tmp_path / "t.xlsx", about)
    with zipfile.ZipFile(tmp_path / "t.xlsx") as book:
        strings, sheet = (
            book.read(f"xl/{n}").decode() for n in ("sharedStrings.xml", "worksheets/sheet4.xml")
        )  # after cover, contents, notes
    assert "Financial years 2021-22, 2022-23, 2023-24" in strings
    assert "pane" in sheet
    pd.testing.assert_frame_equal(csv_text.read_csv(io.StringIO(csv_text.to_csv(frame))), frame.replace("", np.nan))


def _released(frame: pd.DataFrame) -> release_tables.Releasable:
    return release_tables.derive(lambda _: frame, _rows(), name="findings")


def test_every_finding_that_could_not_tell_is_counted_and_listed():
    lists = ["priority", "unclear", "unclear", "unclear", "strength"]
    ranked = pd.DataFrame(
        {
            "list": lists, "band": [1, None, None, None, None], "indicator": list("abcde"), "flag": None,
            "lower": [1.5, 1.4, 0.6, 0.8, 0.9], "upper": [3.0, 4.6, 0.9, 2.0, 1.1], "item": list("abcde"),
            "name": list("abcde"), "flag_reason": None,
        }
    )  # fmt: skip
    words = sentences.in_short(_released(ranked), "s").text
    assert "3 comparisons that could not tell" in words
    assert "2 have an interval wholly on one side of 1" in words
    assert "unclear" in list_columns.FOLDED and "unclear" in derived_tables.PARTS


def test_a_table_as_it_stands_names_indicators_items_and_settings_in_words():
    table = pd.DataFrame({"indicator": ["section_136"], "item": ["deaths: Mixed"], "setting": ["weights.unmet_need"]})
    parts = {"counts": (), "figures": (), "synthetic": False, "audience": "release", "explanation": "", "name": "n"}
    shown = tables.plain(SimpleNamespace(table=table, text=table, **parts), "i", "T")
    assert "Taken to a place of safety by the police (section 136) | Deaths: Mixed | Weights: unmet need" in shown.text
    assert "section_136,deaths: Mixed,weights.unmet_need" in shown.record["csv"]
