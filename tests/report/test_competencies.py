"""The assessment of competencies: the Trust's words, all six named, evidence linked, faults named; no file, no page."""

import re

import pytest
import yaml

from pcref_analysis.report.pages import competencies, render
from pcref_analysis.vocabulary import parameters
from pcref_analysis.vocabulary.errors import PcrefError

ONE = {"name": "workforce", "state": "planned", "now": "Posts are counted.", "owner": "Director of people",
       "evidence": [{"words": "The <plan>", "link": "https://trust.example/plan"}]}  # fmt: skip


def read(tmp_path, **more):
    path = tmp_path / "own.yml"
    given = {"who": "PCREF group", "when": "2026-11-09", "competencies": [ONE | more]}
    path.write_text(yaml.safe_dump(given), encoding="utf-8")
    return competencies.read(path)


def test_the_page_names_all_six_and_links_the_evidence(tmp_path):
    html = competencies.body(read(tmp_path))
    said = " ".join(render.text_of(html).split())
    assert html.count("<h2>") == 6 and said.count("Not assessed yet.") == 5
    assert "PCREF group on 9 November 2026" in said and "Planned Posts are counted." in said
    assert '<a href="https://trust.example/plan">The &lt;plan&gt;</a>' in html


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"name": "kindness"}, "own.yml has 1 fault(s):\n  competencies.0.name: must be 'cultural awareness'"),
        ({"state": "good"}, "competencies.0.state: must be 'planned', 'under way', 'done' or 'stopped'"),
        ({"owner": "Dr A Name"}, "competencies.0.owner: name a group, not a person"),
        ({"evidence": [{"words": "w", "link": "javascript:alert(1)"}]}, "evidence.0.link: give an https"),
        ({"score": 3}, "competencies.0.score: unknown key"),
    ],
)
def test_a_fault_is_named_with_its_place(tmp_path, more, message):
    with pytest.raises(PcrefError, match=re.escape(message)):
        read(tmp_path, **more)


def test_the_invented_trust_has_one_and_a_run_without_a_file_has_none():
    assert competencies.digest(parameters.load("demo"))
    assert competencies.digest(parameters.load("published-cpft")) == ""
