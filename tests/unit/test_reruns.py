"""A changed parameter makes again what rests on it, and nothing else."""

import pytest

from pcref_analysis import prepare
from pcref_analysis.report import pipeline, run_notebooks
from pcref_analysis.vocabulary import indicators, parameters
from pcref_analysis.vocabulary.parameters import NOT_FOR_ESTIMATES


def changed(**update):
    return parameters.load("demo").model_copy(update=update)


def stricter():
    rule = parameters.load("demo").disclosure
    return {"disclosure": rule.model_copy(update={"threshold": 10})}


def other_weights():
    rule = parameters.load("demo").priorities
    return {"priorities": rule.model_copy(update={"agreed": "2027-01-01"})}


def notebooks_again(update, tmp_path):
    plans = [
        {path.stem: run_notebooks._plan(path, one, tmp_path, "code")["key"] for path in run_notebooks.notebooks()}
        for one in (parameters.load("demo"), changed(**update))
    ]
    return {name for name in plans[0] if plans[0][name] != plans[1][name]}


ALL = {path.stem for path in run_notebooks.notebooks()}


@pytest.mark.parametrize(
    ("update", "pages"),
    [
        (stricter(), ALL),  # else figures hidden under the old rule would be published under the new one
        ({"audience": "internal"}, ALL),
        ({"comparator": "Asian or Asian British"}, ALL),
        (other_weights(), {"05_priorities"}),
        ({"edition": 2}, set()),
    ],
)
def test_notebooks(update, pages, tmp_path):
    assert notebooks_again(update, tmp_path) == pages


@pytest.mark.parametrize("update", [{"name": "Another name"}, {"polarity": "higher_is_worse"}, {"measure": "percent"}])
def test_an_indicator_that_is_read_otherwise_makes_plan_and_pages_again(update, tmp_path, monkeypatch):
    """Its cells can stay as they are: pages kept the old name, and the list the old polarity."""
    before = pipeline._rests_on(tmp_path, [])
    assert before == pipeline._rests_on(tmp_path, [])
    entries = dict(indicators.catalogue())
    entries["new_referrals"] = entries["new_referrals"].model_copy(update=update)
    monkeypatch.setattr(pipeline.indicators, "catalogue", lambda: entries)
    assert pipeline._rests_on(tmp_path, []) != before


@pytest.mark.parametrize(
    ("update", "again"),
    [(stricter(), False), (other_weights(), False), ({"comparator": "Mixed"}, False), ({"level": 0.9}, False),
     ({"imd_version": 2019}, True), ({"ethnicity_rule": "submitted"}, True), ({"seed": 1}, True)],
)  # fmt: skip
def test_cells(update, again):
    assert (prepare._key("same", changed(**update)) != prepare._key("same", parameters.load("demo"))) == again


@pytest.mark.parametrize(
    ("update", "again"),
    [(stricter(), False), (other_weights(), False), ({"comparator": "Mixed"}, True), ({"standard": "who"}, True)],
)
def test_estimates(update, again):
    before, after = (one.but(NOT_FOR_ESTIMATES) for one in (parameters.load("demo"), changed(**update)))
    assert (before != after) == again


def test_outputs_of_the_committed_notebooks_do_not_count_as_their_text(tmp_path):
    source = run_notebooks.notebooks()[0]
    copy = tmp_path / source.name
    text = source.read_text(encoding="utf-8")
    copy.write_text(text.replace('"execution_count": 1', '"execution_count": 9'), encoding="utf-8")
    assert run_notebooks.source_digest(copy) == run_notebooks.source_digest(source)
    copy.write_text(text.replace("recorded well enough", "recorded badly"), encoding="utf-8")
    assert run_notebooks.source_digest(copy) != run_notebooks.source_digest(source)
