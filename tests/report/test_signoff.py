"""Two different people sign exactly these tables, or nothing is published."""

import datetime

import pytest
import yaml

from pcref_analysis.report import signoff, unchanged
from pcref_analysis.vocabulary import parameters
from pcref_analysis.vocabulary.errors import PcrefError

ONE = {"name": "Anna Analyst", "role": "Lead analyst", "date": "2026-11-20", "checked": "figures"}
TWO = {"name": "Grace Guardian", "role": "Caldicott guardian", "date": "2026-11-21", "checked": "small numbers"}


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
    assert [one["name"] for one in signoff.read("local", "abc")] == ["Anna Analyst", "Grace Guardian"]


@pytest.mark.parametrize(
    ("signatures", "words"),
    [
        ([ONE], "two different people"),
        ([ONE, TWO | {"name": "anna  analyst"}], "two different people"),
        ([ONE, TWO | {"role": ""}], "role"),
        ([ONE, TWO | {"date": "yesterday"}], "date"),
        ([ONE, {k: v for k, v in TWO.items() if k != "checked"}], "checked"),
    ],
)
def test_a_sign_off_that_is_none_is_refused_in_words(sign, signatures, words):
    sign(*signatures)
    with pytest.raises(PcrefError, match=words):
        signoff.read("local", "abc")


@pytest.mark.parametrize(
    "name",
    [
        "\u0410nna Analyst",  # a Cyrillic A
        "\u0391\u03bd\u03bda Analyst",  # Greek letters
        "\uff21nna \uff21nalyst",  # full width
        "Anna\u200b Analyst",  # zero width
        "Ann\u00e1 Analyst",
        "Dr Anna Analyst",
        "Analyst, Anna",
        "ANALYST Anna",
        "Anna B. Analyst",
        "Anna Analyst, PhD",
        "A. Analyst",
        "Analyst, A.",
        "Analyst",
        "...",
    ],
)
def test_one_person_does_not_sign_twice_in_another_spelling(sign, name):
    sign(ONE, TWO | {"name": name})
    with pytest.raises(PcrefError, match=r"two different people|full name|several scripts"):
        signoff.read("local", "abc")


@pytest.mark.parametrize("name", ["Anna Guardian", "Grace Analyst", "Thi Minh", "S\u00edle O'Brien-Jones"])
def test_other_people_are_other_people(sign, name):
    sign(ONE, TWO | {"name": name})
    assert len(signoff.read("local", "abc")) == 2


@pytest.mark.parametrize("date", ["1900-01-01", "2199-12-31", str(datetime.date.today() + datetime.timedelta(days=2))])
def test_a_date_that_cannot_be_is_refused(sign, date):
    sign(ONE, TWO | {"date": date})
    with pytest.raises(PcrefError, match="date"):
        signoff.read("local", "abc")


def test_nobody_has_checked_a_draft_before_it_was_made(sign):
    sign(ONE, TWO)
    assert signoff.read("local", "abc", datetime.date(2026, 11, 20))
    with pytest.raises(PcrefError, match="before the draft was made"):
        signoff.read("local", "abc", datetime.date(2026, 11, 21))


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
    assert unchanged.place(run, ()) == tmp_path / place
    if "audience" not in change:
        assert unchanged.place(run, [ONE, TWO]) == tmp_path / "reports" / "demo"


def test_an_unsigned_edition_never_takes_the_place_of_a_signed_one(tmp_path, monkeypatch):
    base = parameters.load("demo").model_dump() | {"synthetic": False, "source": {"kind": "published"}}
    monkeypatch.setenv("PCREF_HOME", str(tmp_path))
    (tmp_path / "reports" / "demo").mkdir(parents=True)
    (tmp_path / "reports" / "demo" / "manifest.json").write_text('{"signed": [1, 2]}', encoding="utf-8")
    run = parameters.check(base, "test")
    assert unchanged.place(run, ()) == tmp_path / "data" / "processed" / "demo" / "draft"
