"""Nothing is taken for released because a notebook says so: what pages show is made again from released tables."""

import copy

import nbformat
import pandas as pd
import pytest

from pcref_analysis.analysis import levels_and_gaps, topics
from pcref_analysis.disclosure import release_tables
from pcref_analysis.display import sentences, svg, tables
from pcref_analysis.published import published_counts
from pcref_analysis.report import release_check
from pcref_analysis.report.study import as_published
from pcref_analysis.vocabulary import parameters
from pcref_analysis.vocabulary.errors import PcrefError

ROWS = pd.DataFrame({"what": "contacts", "reason": ["no date", "twice"], "rows": [40, 3]})
RUN = parameters.load("demo")


def record(shown, source="", calls=("tables.plain",)):
    bundle = shown._repr_mimebundle_()[0]
    return shown.record | {"output": {"data": bundle}, "source": source or shown.record["title"], "calls": list(calls)}


@pytest.fixture
def known(monkeypatch):
    released = release_tables.release(ROWS, RUN, name="left_out", counts=["rows"])
    found = object.__new__(release_check.Known)
    found.parameters, found.pages, found.made = RUN, [released], []
    found.sentences, found.numbers = {"- No month is lacking.": "- No month is lacking."}, set()
    monkeypatch.setattr(release_check, "Known", lambda _: found)
    return released


def plain(released, title="Rows left out"):
    return tables.plain(released, id="rows", title=title)


def test_what_was_released_is_published(known):
    release_check.check(
        [record(plain(known)), record(sentences.listed(["No month is lacking."], "lacking"))], release_check.Known(RUN)
    )


def picture(alt, *texts):
    """Return a figure's page: one picture with an axis and texts."""
    drawn = "".join(f"<text>{text}</text>" for text in ("0", "20", "40", "no date", *texts))
    drawn = svg.uri(f"<svg xmlns='http://www.w3.org/2000/svg'><title>Rows left out</title>{drawn}</svg>")
    head = '<figure id="chart" class="charts one"><figcaption>Rows left out</figcaption>'
    return f'{head}<img src="{drawn}" alt="{alt}"></figure>'


def figure(released, alt="Rows left out. Highest: no date, 40.", text="", form="", content=""):
    """Return the record of a figure of the released rows, as a kept notebook holds it."""
    facts = {
        "id": "chart",
        "kind": "figure",
        "title": "Rows left out",
        "alt": alt,
        "source_table": "rows",
        "data": "0a",
    }
    data = {"text/plain": text or f"Figure chart, data 0a. {alt}", "text/html": picture(alt)} | {
        form or "text/html": content or picture(alt)
    }
    return facts | {"output": {"data": data}, "source": "Rows left out", "calls": ["figures.bars"]}


def ways():
    """Return what a caller can hand to the functions that show results, each once published."""
    alone = release_tables.release(ROWS.assign(rows=[40, 7]), RUN, name="left_out", counts=["rows"])
    somebody = release_tables.release_published(ROWS, "somebody", name="left_out", counts=["rows"])
    closure = release_tables.derive(lambda _: ROWS, alone, name="left_out")
    good = release_tables.release(ROWS, RUN, name="left_out", counts=["rows"])
    forged = record(plain(good))
    forged["output"]["data"]["text/html"] = forged["output"]["data"]["text/html"].replace("[c]", "3")
    words = record(sentences.listed(["No month is lacking."], "lacking"))
    written_over, other_form = copy.deepcopy(words), copy.deepcopy(words)
    written_over["output"]["data"]["text/markdown"] = "- 3 months are lacking."
    other_form["output"]["data"]["text/html"] = "<p>3 months are lacking.</p>"
    second_form = record(plain(good))
    second_form["output"]["data"]["text/markdown"] = "3"
    return {
        "a sentence that reads otherwise": written_over,
        "a sentence in a second form": other_form,
        "a table in a second form": second_form,
        "a number in a figure's description": figure(good, alt="Rows left out: 777 were left out."),
        "a number in a picture's description": figure(good, content=picture("Rows left out: 3 twice.")),
        "a number in a picture": figure(good, content=picture("Rows left out.", "3 twice")),
        "a number in a picture, as if at its axis": figure(good, content=picture("Rows left out.", "3")),
        "a picture that holds more than a chart": figure(good, content=picture("Rows left out.", "<a>3</a>")),
        "a second picture form": figure(good, form="image/png", content="iVBORw0KGgo="),
        "words below a figure": figure(good, content=picture("Rows left out.") + "<p>3</p>"),
        "a figure in words": figure(good, form="text/html", content="<p>3</p>"),
        "a figure whose words are others": figure(good, text="Figure rows, 3"),
        "a sentence": record(sentences.listed(["3 women were restrained."], "x")),
        "a closure": record(plain(closure)),
        "somebody's figures": record(plain(somebody)),
        "a count in a title": record(plain(good, "Rows left out: 3")),
        "a title that was worked out": record(plain(good), source="title=f'{what} left out'"),
        "a forged output": forged,
        "a table released alone": record(plain(alone)),
    }


@pytest.mark.parametrize("way", ways())
def test_what_a_caller_made_up_stops_the_report(way, known):
    made = ways()[way]
    table = [record(plain(known))] if made["kind"] == "figure" else []
    with pytest.raises(PcrefError, match=r"check: 1 thing.*nothing was published"):
        release_check.check([*table, made], release_check.Known(RUN))


def test_a_figure_described_by_its_own_table_is_published(known):
    release_check.check([record(plain(known)), figure(known)], release_check.Known(RUN))


def test_a_number_next_to_a_code_that_ends_in_a_digit_is_read_apart(known):
    """Oxford's board is QU9: "QU9,239.034" of a CSV file was read as 9,239.034, and no figure of it as its table's."""
    made = figure(known, alt="Rows left out, QU9: 239 and 69.3.")
    assert release_check._described(made, "area,england\nQU9,239.034\nQU9,69.315\n")
    assert not release_check._described(made, "area,england\nQU9,69.315\n")


def test_words_of_a_kept_notebook_are_those_of_the_project(known, tmp_path, monkeypatch):
    monkeypatch.setenv("PCREF_HOME", str(tmp_path))
    kept = tmp_path / "kept" / "02_access.ipynb"
    for folder, words in ((tmp_path / "notebooks", "Access to care"), (kept.parent, "Three people were refused")):
        folder.mkdir()
        cells = [nbformat.v4.new_markdown_cell(words)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / kept.name)
    assert release_check.prose([tmp_path / "notebooks" / kept.name]) == []
    with pytest.raises(PcrefError, match=r"02_access\.ipynb is not that of the notebook"):
        release_check.check([], release_check.Known(RUN), [kept])


def test_two_tables_of_one_cell_are_each_made_by_their_own_function(known, monkeypatch, open_data):
    """The table of events expected has no adjustment, which the other function of its cell reads."""
    run = parameters.load("published-cpft")
    counts = published_counts.load(run)
    year = levels_and_gaps.select(counts["counts"].query("own and period == '2023-24'"), run, "experience")
    reference = {"residents": counts["residents_by_age"], "england": counts["england_by_age"]}
    detentions = as_published(topics.detentions(year, run), "detentions")
    expected = as_published(topics.expected(year, run, **reference), "expected")
    found = release_check.Known(None)
    monkeypatch.setattr(found, "parameters", run)
    monkeypatch.setattr(found, "pages", [detentions, expected])
    one = tables.detentions(detentions, id="detentions", title="Detentions")
    two = tables.expected(expected, id="detentions-expected", title="Detentions expected")
    calls = ("tables.detentions", "tables.expected")
    release_check.check([record(one, calls=calls), record(two, calls=calls)], found)
