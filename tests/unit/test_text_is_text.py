"""Words that people write stay words: in pages, workbook, CSV, JSON and figures; and what a page may hold."""

from __future__ import annotations

import io
import json
import re
import zipfile
from html import unescape
from html.parser import HTMLParser

import pandas as pd
import pytest

from pcref_analysis.disclosure import release_tables
from pcref_analysis.display import figures, output, safe_html, sentences, svg, tables
from pcref_analysis.report import list_export, output_check, pipeline, provenance
from pcref_analysis.report.pages import landing, main_points, render, workbook
from pcref_analysis.store import csv_text
from pcref_analysis.vocabulary import parameters
from pcref_analysis.vocabulary.errors import PcrefError

WRITTEN = [  # what somebody may type into a name, a reason, a code or a term
    "<svg onload=alert(1)>",
    "<SCRIPT>alert(1)</SCRIPT>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<base href=https://evil.example/>",
    "[see](javascript:alert(1))",
    "[see](https://evil.example/)",
    "<img src=x onerror=alert(1)>",
    "![p](https://evil.example/p.png)",
    "<style>body{display:none}</style>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<form action=https://evil.example><input name=a></form>",
    "<object data=x></object><embed src=x>",
    "<math><mtext></table><img src=x onerror=alert(1)></math>",
    "https://evil.example/log",
    "mailto:a@evil.example",
    '=HYPERLINK("https://evil.example","x")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1+1)",
    "\t=1+1",
    "=1+1\n=2",
    "internal:Table_1!A1",
    "external:c:/x.xlsx",
    "$\\frac{1}{0$ and $$note$$",
    "**bold** _it_ `code` | a | ~~b~~",
    "*** --- ***",
    "</td></tr></table><h1>x",
    '" onmouseover="alert(1)',
    "'=already quoted",
]
GROUPS = ["White", "Mixed"]
NEVER = ["script", "svg", "iframe", "object", "embed", "base", "form", "input", "style", "math", "meta", "link"]


class _Seen(HTMLParser):
    """What a browser would make of a page: elements, attributes, words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements, self.attributes, self.words = set(), [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data):
        self.words += data


def _live(html: str) -> list[str]:
    """What in a page could run, load or lead away."""
    seen = _Seen(html)
    bad = sorted(seen.elements & {*NEVER, "img", "h1"})
    bad += [f"{name} of {tag}" for tag, name, _ in seen.attributes if name.startswith("on")]
    return bad + [value for _, name, value in seen.attributes if name in ("href", "src", "action", "data", "srcdoc")]


def _plain(words: str) -> str:
    return " ".join(words.split())


def _released(words: str) -> release_tables.Releasable:
    rows = pd.DataFrame(
        {
            "indicator": "own_one",
            "indicator_name": words,
            "unit": words,
            "period": "2023-24",
            "ethnic_group": GROUPS,
            "comparator": "White",
            "adjustment": "crude",
            "measure": "ratio",
            "estimate": [1.0, 2.0],
            "lower": [1.0, 1.4],
            "upper": [1.0, 2.9],
            "events": [200, 100],
            "at_risk": [2000, 500],
            "team": words,
            "why": words,
        }
    )
    return release_tables.derive(
        lambda _: rows, release_tables.release(rows[["ethnic_group", "events"]], "mhsds"), name="t"
    )


def _about(words: str) -> dict:
    run = parameters.load("demo")
    trust, rule = run.trust.model_copy(update={"name": words}), run.disclosure.model_copy(update={"owner": words})
    return pipeline.about(run.model_copy(update={"trust": trust, "disclosure": rule}))


def _shown(words: str) -> list[output.Shown]:
    released = _released(words)
    return [
        tables.plain(released, "plain", words),
        tables.gaps(released, "gaps", words, "2023-24"),
        tables.levels(released, "levels", words, "2023-24"),
        sentences.available([words], "access", "available"),
        sentences.listed([words], "listed"),
        sentences.listed([], "none", none=words),
        sentences.agreed({"changes": _changes(words), "since": _changes(words)}, None, "agreed"),
    ]


def _changes(words: str) -> release_tables.Releasable:
    rows = pd.DataFrame({"who": [words], "when": ["2026-01-01"], "why": [words]})
    return release_tables.derive(lambda _: rows, _released("x"), name="changes")


def _notebook(outputs: list, source: str = "") -> object:
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

    cells = [new_markdown_cell(source)] if source else []
    for one in outputs:
        data, _ = one._repr_mimebundle_()
        cells.append(new_code_cell(outputs=[new_output("display_data", data=data)]))
    return new_notebook(cells=cells)


@pytest.mark.parametrize("words", WRITTEN)
def test_written_words_are_text_on_a_page(words):
    about, body = _about(words), render._rendered(_notebook(_shown(words)))
    assert _live(body) == []
    assert _plain(_Seen(body).words).count(_plain(words)) >= 7
    html = render.page(body, words, "index.html", [{"file": "index.html", "short": "In short"}], about)
    own = {"index.html", "#main", "manifest.json", "release-record.json"}
    assert set(_live(html)) <= own | {"meta", "style"}
    assert _plain(words) in _plain(_Seen(html).words)


@pytest.mark.parametrize("words", WRITTEN)
def test_written_words_are_text_on_the_landing_page_and_in_definitions(words):
    entry = {"id": "t", "kind": "table", "title": words, "csv": "a\n1\n"}
    entry["output"] = _notebook([sentences.listed([words], "in-short")]).cells[0].outputs[0]
    run, made = parameters.load("demo"), [entry | {"id": "priorities-in-short", "kind": "text"}, entry]
    html = landing.bodies(run, made, _about(words), main_points.of(made, run))["index.html"]
    assert not {"script", "svg", "iframe", "base", "img", "style", "form", "meta"} & _Seen(html).elements
    assert _plain(words) in _plain(_Seen(html).words)


@pytest.mark.parametrize("words", WRITTEN)
def test_written_words_are_text_in_the_workbook(words, tmp_path):
    records = [
        {"id": "t", "title": words, "marks": words, "csv": tables.plain(_released(words), "t", words).record["csv"]}
    ]
    workbook.write(records, tmp_path / "tables.xlsx", _about(words))
    with zipfile.ZipFile(tmp_path / "tables.xlsx") as book:
        sheets = "".join(book.read(n).decode() for n in book.namelist() if n.startswith("xl/worksheets/"))
        strings = book.read("xl/sharedStrings.xml").decode()
    assert "<f>" not in sheets
    assert set(re.findall(r'<hyperlink [^>]*location="([^"]*)"', sheets)) <= {"T!A1", "'T'!A1", "'Contents'!A1"}
    assert "TargetMode" not in sheets and "r:id" not in re.sub(r"<tablePart[^>]*>", "", sheets)
    assert _plain(words) in _plain(_Seen(strings).words)


@pytest.mark.parametrize("words", WRITTEN)
def test_written_words_are_text_in_csv_and_come_back_as_they_were(words):
    table = pd.DataFrame({"why": [words, "plain"], "events": [-5.0, 10.25]})
    made = csv_text.to_csv(table)
    assert pd.read_csv(io.StringIO(made))["why"].iloc[0].lstrip(" ")[0] not in "=+-@\t\r\n"
    assert "-5.0" in made
    pd.testing.assert_frame_equal(csv_text.read_csv(io.StringIO(made)), table)


@pytest.mark.parametrize("words", WRITTEN)
def test_released_files_hold_text_and_are_read_back(words, tmp_path):
    one = release_tables.release(
        pd.DataFrame({"ethnic_group": [words, "Mixed"], "events": [30, 45]}), "mhsds", name="t"
    )
    release_tables.write([one], tmp_path)
    cells = pd.read_csv(tmp_path / "t.csv")["ethnic_group"]
    assert cells.iloc[0].lstrip(" ")[0] not in "=+-@\t\r\n"
    assert release_tables.read(tmp_path)[0].table["ethnic_group"].tolist() == one.table["ethnic_group"].tolist()
    json.loads((tmp_path / "t.disclosure.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("words", WRITTEN)
def test_written_words_in_a_figure_are_drawn_and_described(words):
    one = figures.forest(_released(words), "f", words, "t", "2023-24")
    assert svg.texts(unescape(re.search(r'src="([^"]+)"', one.html)[1]))
    body = render._rendered(_notebook([one]))
    seen = _Seen(body)
    assert not [name for _, name, _ in seen.attributes if name.startswith("on")]
    assert {"script", "svg", "iframe", "base", "style"}.isdisjoint(seen.elements)
    assert len([value for _, name, value in seen.attributes if name == "alt"]) == one.html.count("<img ") == 2


HTML = [  # what somebody may write into a notebook as HTML or Markdown
    "<svg onload=alert(1)>",
    "<ScRiPt>alert(1)</sCrIpT>",
    "<iframe srcdoc='x'>",
    "<BASE href=//evil.example>",
    "<img src=https://evil.example/p.png alt=x>",
    "<img src=x alt=x onerror=alert(1)>",
    "<style>*{}</style>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html,x)",
    "[x](http://evil.example)",
    "[x](//evil.example)",
    "[x](vbscript:x)",
    "[x](file:///etc/passwd)",
    "<p onclick='alert(1)'>x</p>",
    "<p style='position:fixed'>x</p>",
    "<meta http-equiv=refresh content=0>",
    "<form><input></form>",
    "<object data=x>",
    "<a href=' javascript:alert(1)'>x</a>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<a href='\\\\evil.example'>x</a>",
]


@pytest.mark.parametrize("source", HTML)
def test_a_notebook_that_holds_what_a_page_may_not_is_refused(source, tmp_path):
    import nbformat

    path = tmp_path / "01_prevalence.ipynb"
    nbformat.write(_notebook([sentences.listed(["x"], "t")], source), path)
    with pytest.raises(PcrefError, match=r"01_prevalence\.ipynb, cell 1: text holds"):
        output_check.collect([path])
    seen = _Seen(safe_html.clean(render.markdown(source)))
    assert seen.elements.isdisjoint(NEVER)
    assert not [name for _, name, _ in seen.attributes if name in ("href", "src", "style", "onclick", "onerror")]


def test_links_of_the_report_https_and_mail_stay():
    for target in (
        "05_priorities.html",
        "tables/a.csv",
        "#main",
        "https://www.england.nhs.uk/x?y=1",
        "mailto:a@nhs.net",
    ):
        assert f'href="{target}"' in safe_html.clean(f'<a href="{target}">x</a>')


def test_every_page_has_a_policy_that_fits_its_only_style():
    import base64
    import hashlib

    html = render.page("<p>x</p>", "t", "index.html", [], _about("Trust"))
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)[1]
    assert f"style-src 'sha256-{digest}'" in policy and "default-src 'none'" in policy
    assert html.count("<style") == 1 and "style=" not in html and "<script" not in html


def test_crate_and_list_hold_words_as_given(tmp_path):
    words = WRITTEN[0]
    assert (
        provenance._shown({"id": "t", "title": words, "kind": "table", "notebook": "n", "cell_id": "c", "call": "x"})[
            "name"
        ]
        == words
    )
    assert list_export._wrapped(words) == [f"  {words}"]
