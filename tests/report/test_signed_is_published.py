"""What two people signed is what is published, byte by byte: a kept notebook that was written over stops it."""

import datetime

import nbformat
import pandas as pd
import pytest
import yaml

from pcref_analysis.disclosure import release_tables
from pcref_analysis.display import tables
from pcref_analysis.report import pipeline, signoff
from pcref_analysis.report.pages import render
from pcref_analysis.store import edition_files
from pcref_analysis.vocabulary import parameters
from pcref_analysis.vocabulary.errors import PcrefError

COUNTS = pd.DataFrame({"team": ["a", "b", "c"], "events": [3, 21, 34]})


@pytest.fixture
def way(tmp_path, monkeypatch):
    """Return a run with a draft made of one kept notebook; what needs a Trust's rows is left out of the pipeline."""
    base = parameters.load("demo").model_dump()
    monkeypatch.setenv("PCREF_HOME", str(tmp_path))
    base |= {"run": "local", "synthetic": False, "source": {"kind": "folder", "location": "rows"}}
    run = parameters.check(base, "test")
    released = release_tables.release(COUNTS, run, name="counts")
    shown = tables.plain(released, id="counts", title="Counts")
    output = nbformat.v4.new_output("execute_result", data=shown._repr_mimebundle_()[0], execution_count=1)
    cell = nbformat.v4.new_code_cell('pcref.tables.plain(c, title="Counts")', outputs=[output], execution_count=1)
    kept = tmp_path / "data" / "processed" / "local" / "notebooks" / "02_access.ipynb"
    for place in (kept, tmp_path / "notebooks" / kept.name):
        place.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), place)

    def write_pages(parameters, executed, records, fresh, facts):
        for path in executed:
            body = render.notebook_body(path) + str(facts["sign_off"])
            (fresh / f"{path.stem}.html").write_text(body, encoding="utf-8")

    def attack_files(parameters, folder):
        release_tables.write([released], folder)
        return {}

    monkeypatch.setattr(pipeline.prepare, "fingerprint", lambda _: {"rows": "1"})
    monkeypatch.setattr(pipeline.prepare, "prepare", lambda run, say: kept.parents[1])
    monkeypatch.setattr(pipeline.prepare, "inputs", lambda _: [])
    monkeypatch.setattr(pipeline, "_executed", lambda *_: ([kept], dict))
    monkeypatch.setattr(pipeline.release_check, "faults", lambda *_: [])
    monkeypatch.setattr(pipeline, "_write_pages", write_pages)
    monkeypatch.setattr(pipeline, "_attack_files", attack_files)
    monkeypatch.setattr(pipeline.provenance, "write", lambda *_: None)
    draft = pipeline.make(run, lambda _: None)
    assert draft.name == "draft" and "[c]" in (draft / "02_access.html").read_text(encoding="utf-8")
    return run, kept, draft, tmp_path / "reports" / "local"


def sign(run, draft):
    today = str(datetime.date.today())
    people = [("Anna Analyst", "Lead analyst"), ("Grace Guardian", "Caldicott guardian")]
    signed = [{"name": name, "role": role, "date": today, "checked": "figures"} for name, role in people]
    path = signoff.file(run.run)
    path.parent.mkdir(parents=True, exist_ok=True)
    facts = {"edition": edition_files.read_manifest(draft)["content"], "signed": signed}
    path.write_text(yaml.safe_dump(facts), encoding="utf-8")


def write_over(kept):
    text = kept.read_text(encoding="utf-8")
    assert "[c]" in text
    kept.write_text(text.replace("[c]", "777"), encoding="utf-8")


def test_what_was_signed_is_published(way):
    run, _kept, draft, published = way
    sign(run, draft)
    assert pipeline.publish(run, lambda _: None) == published
    assert "Grace Guardian" in (published / "02_access.html").read_text(encoding="utf-8")
    assert not draft.exists()


def test_a_notebook_that_was_written_over_after_two_signatures_is_not_published(way):
    run, kept, draft, published = way
    sign(run, draft)
    write_over(kept)
    with pytest.raises(PcrefError, match="another edition"):
        pipeline.publish(run, lambda _: None)
    assert not published.exists()
    assert draft.exists() and edition_files.is_whole(draft, edition_files.read_manifest(draft))


def test_a_published_edition_stands_where_the_next_is_not_what_was_signed(way):
    run, kept, draft, published = way
    sign(run, draft)
    pipeline.publish(run, lambda _: None)
    before = edition_files.tree_digest(sorted(p for p in published.rglob("*") if p.is_file()), published)
    later = run.model_copy(update={"edition": 2})
    draft = pipeline.make(later, lambda _: None)
    sign(later, draft)
    write_over(kept)
    with pytest.raises(PcrefError, match="another edition"):
        pipeline.publish(later, lambda _: None)
    assert edition_files.tree_digest(sorted(p for p in published.rglob("*") if p.is_file()), published) == before


def test_a_draft_that_was_written_over_is_made_again(way):
    """The draft itself is never what is published: it is made again of what is kept, and compared."""
    run, _kept, draft, published = way
    sign(run, draft)
    page = draft / "02_access.html"
    page.write_text(page.read_text(encoding="utf-8").replace("[c]", "777"), encoding="utf-8")
    pipeline.publish(run, lambda _: None)
    assert "777" not in (published / "02_access.html").read_text(encoding="utf-8")


def test_what_was_not_released_stops_the_report(way, monkeypatch):
    run, kept, draft, _ = way
    before = (draft / "02_access.html").read_bytes()
    write_over(kept)
    monkeypatch.setattr(
        pipeline.release_check, "faults", lambda *_: ["the table 'counts' is none of the released tables"]
    )
    with pytest.raises(PcrefError, match="nothing was published"):
        pipeline.make(run, lambda _: None, force=True)
    assert (draft / "02_access.html").read_bytes() == before
