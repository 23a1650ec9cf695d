"""Two different people sign exactly these tables, or nothing is published."""

import pytest
import yaml

from pcref_analysis.release import report, signoff
from pcref_analysis.vocabulary import parameters
from pcref_analysis.vocabulary.errors import PcrefError

ONE = {"name": "A. Analyst", "role": "Lead analyst", "date": "2026-11-20", "checked": "figures"}
TWO = {"name": "G. Guardian", "role": "Caldicott guardian", "date": "2026-11-21", "checked": "small numbers"}


@pytest.fixture
def sign(tmp_path, monkeypatch):
    monkeypatch.setenv("PCREF_HOME", str(tmp_path))

    def write(*signatures, edition="abc"):
        path = signoff.file("local")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump({"edition": edition, "signed": list(signatures)}), encoding="utf-8")

    return write


def test_two_people_sign(sign):
    sign(ONE, TWO)
    assert [one["name"] for one in signoff.read("local", "abc")] == ["A. Analyst", "G. Guardian"]


@pytest.mark.parametrize(
    ("signatures", "words"),
    [
        ([ONE], "two different people"),
        ([ONE, TWO | {"name": "a.  analyst"}], "two different people"),
        ([ONE, TWO | {"role": ""}], "role"),
        ([ONE, TWO | {"date": "yesterday"}], "date"),
        ([ONE, {k: v for k, v in TWO.items() if k != "checked"}], "checked"),
    ],
)
def test_a_sign_off_that_is_none_is_refused_in_words(sign, signatures, words):
    sign(*signatures)
    with pytest.raises(PcrefError, match=words):
        signoff.read("local", "abc")


def test_other_tables_are_not_signed(sign):
    sign(ONE, TWO, edition="abd")
    with pytest.raises(PcrefError, match="another edition"):
        signoff.read("local", "abc")


def test_without_a_file_the_lines_to_write_are_shown(sign):
    with pytest.raises(PcrefError, match='edition: "abc"'):
        signoff.read("local", "abc")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({}, "data/processed/demo/draft"),
        ({"synthetic": True}, "data/processed/demo/draft"),  # copied from demo.yml: real records, not signed
        ({"synthetic": True, "source": {"kind": "demo"}}, "reports/demo"),
        ({"audience": "internal"}, "data/processed/demo/internal"),
        ({"audience": "internal", "synthetic": True}, "data/processed/demo/internal"),
        ({"source": {"kind": "published"}}, "reports/demo"),
    ],
)
def test_where_an_unsigned_edition_stands(tmp_path, monkeypatch, change, place):
    base = parameters.load("demo").model_dump() | {"synthetic": False, "source": {"kind": "folder", "location": "x"}}
    monkeypatch.setenv("PCREF_HOME", str(tmp_path))
    run = parameters.check(base | change, "test")
    assert report._place(run, ()) == tmp_path / place
    if "audience" not in change:
        assert report._place(run, [ONE, TWO]) == tmp_path / "reports" / "demo"


def test_an_unsigned_edition_never_takes_the_place_of_a_signed_one(tmp_path, monkeypatch):
    base = parameters.load("demo").model_dump() | {"synthetic": False, "source": {"kind": "published"}}
    monkeypatch.setenv("PCREF_HOME", str(tmp_path))
    (tmp_path / "reports" / "demo").mkdir(parents=True)
    (tmp_path / "reports" / "demo" / "manifest.json").write_text('{"signed": [1, 2]}', encoding="utf-8")
    run = parameters.check(base, "test")
    assert report._place(run, ()) == tmp_path / "data" / "processed" / "demo" / "draft"
