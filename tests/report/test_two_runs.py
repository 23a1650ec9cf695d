"""What readers hold already is known by its source: another run's name over the same records tells nothing more."""

import pandas as pd
import pytest

from pcref_analysis.disclosure import release_tables
from pcref_analysis.report import pipeline
from pcref_analysis.vocabulary import parameters
from pcref_analysis.vocabulary.errors import PcrefError

ONE = pd.DataFrame({"team": ["a", "b", "All"], "events": [3, 21, 24]})
TWO = pd.DataFrame({"team": ["a"], "events": [30]})
DEMO = parameters.load("demo")


def run(name, **changed):
    base = DEMO.model_dump() | {"synthetic": False, "run": name}
    return parameters.check(base | {"source": {"kind": "folder", "location": "rows"}} | changed, "test")


def edition(home, parameters, table, content="1"):
    folder = home / "reports" / parameters.run
    release_tables.write([release_tables.release(table, parameters, name="counts")], folder / pipeline.RELEASED)
    facts = {"parameters": parameters.model_dump(mode="json"), "inputs": {"rows": "1"}, "content": content}
    pipeline.edition_files.write_manifest(folder, facts)
    return folder


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("PCREF_HOME", str(tmp_path))
    monkeypatch.setattr(pipeline.prepare, "fingerprint", lambda _: {"rows": "1"})
    return tmp_path


def kept(home, parameters):
    pipeline._keep_editions(parameters, home / "reports" / parameters.run, lambda _: None)
    return [release_tables.read(folder)[0] for folder in pipeline.runs.earlier(parameters.run)]


def test_an_edition_of_the_same_trust_or_files_is_known_under_any_name(home, monkeypatch):
    edition(home, run("broad"), ONE)
    assert len(kept(home, run("detailed", detail="detailed", comparator="White British"))) == 1
    other = {"name": "Another Trust", "ods_code": "RXX", "icb_code": ""}
    assert len(kept(home, run("moved", trust=other))) == 1  # the very files
    monkeypatch.setattr(pipeline.prepare, "fingerprint", lambda _: {"rows": "2"})
    assert kept(home, run("moved", trust=other)) == []
    edition(home, run("detailed"), TWO)
    assert [len(one.table) for one in kept(home, run("detailed"))] == [1, 3]  # its own first


def test_an_edition_that_was_replaced_is_still_known(home):
    folder = edition(home, run("local"), ONE)
    for _ in range(2):
        pipeline._keep_for_good(folder)
    pipeline.shutil.rmtree(folder)
    edition(home, run("local"), TWO, "2")
    assert [len(one.table) for one in kept(home, run("local"))] == [1, 3]


def test_another_runs_edition_that_was_changed_stops_the_report(home):
    folder = edition(home, run("broad"), ONE)
    (folder / pipeline.RELEASED / "counts.csv").write_text("team,events\n", encoding="utf-8")
    with pytest.raises(PcrefError, match="reports/broad is not as it was published"):
        kept(home, run("detailed"))


def test_published_figures_and_the_invented_trust_take_no_account(home):
    edition(home, run("broad"), ONE)
    assert kept(home, DEMO) == []
