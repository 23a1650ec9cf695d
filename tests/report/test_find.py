"""The index: every indicator, table, chart and word, each with a link that leads somewhere; it needs no script."""

import re

import pandas as pd

from pcref_analysis.report import pipeline
from pcref_analysis.report.pages import landing, quality, render, terms
from pcref_analysis.store import csv_text
from pcref_analysis.vocabulary import parameters

TABLE = pd.DataFrame({"indicator": ["detentions", "no_such_indicator"], "events": [10, 20]})
RECORDS = [
    {"id": "experience-levels", "kind": "table", "title": "Experience", "notebook": "03_experience",
     "csv": csv_text.to_csv(TABLE)},
    {"id": "experience-forest", "kind": "figure", "title": "<b>Gaps", "notebook": "03_experience"},
    {"id": "words", "kind": "text", "title": "", "notebook": "03_experience"},
]  # fmt: skip


def body():
    return landing.find(RECORDS, pd.DataFrame(columns=quality.COLUMNS), {"03_experience": "Experience"})


def test_an_indicator_leads_to_its_tables_and_its_definition_and_a_word_to_its_meaning():
    html = body()
    links = set(re.findall(r'href="([^"]*)"', html))
    assert {"03_experience.html#experience-levels", "03_experience.html#experience-forest"} <= links
    assert "definitions.html#detentions" in links and "no_such_indicator" not in html
    assert {f"definitions.html#word-{one.name}" for one in terms.known()} <= links
    assert "&lt;b&gt;Gaps" in html and "<b>" not in html


def test_each_word_has_its_place_on_the_definitions_page():
    page = render.fragment("definitions.html.j2", parts={}, terms=terms.known(), badges={})
    assert {f"word-{one.name}" for one in terms.known()} == set(re.findall(r'<dt id="([^"]*)"', page))


def test_its_policy_knows_its_one_script_by_its_hash_and_other_pages_run_none():
    about = pipeline.about(parameters.load("demo"))
    html = render.page(body(), "Find", landing.FIND, [], about, landing.find_script())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1].replace("&#39;", "'")
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert (
        script == landing.find_script() and f"script-src {render.hash_of(script)}" in policy and "unsafe" not in policy
    )
    assert not re.search(r"\b(eval|Function|innerHTML)\b", script)
    other = render.page("<p>x</p>", "X", "x.html", [], about)
    assert "script-src" not in other and "<script" not in other
