"""A released note says nothing that was made of a confidential number, in its words, its grammar or its presence."""

import re
import string
from pathlib import Path

import pandas as pd
import pytest

from pcref_analysis.disclosure import release_tables
from pcref_analysis.vocabulary import notes


def released(note, events=40, measure="rate", **columns):
    frame = pd.DataFrame({"indicator": "detentions", "ethnic_group": ["African"], "events": [events], "note": [note]})
    frame = frame.assign(at_risk=2000.0, estimate=1.0, lower=0.5, upper=2.0, measure=measure, **columns)
    return release_tables.release(frame, "mhsds").table["note"].iloc[0]


def filled(kind, value):
    fields = [name for _, name, _, _ in string.Formatter().parse(notes.KINDS[kind].words) if name]
    return notes.say(kind, **dict.fromkeys(fields, value))


@pytest.fixture(scope="module")
def by_number():
    """Every kind of note with several numbers, a group each, in one release."""
    frame = pd.DataFrame(
        [(kind, filled(kind, value)) for kind in notes.KINDS for value in ("1 event", "2 events", "17", "under 1%")],
        columns=["kind", "note"],
    )
    frame = frame.assign(indicator="detentions", ethnic_group=[f"group {n}" for n in range(len(frame))], events=40)
    frame = frame.assign(at_risk=2000.0, estimate=1.0, lower=0.5, upper=2.0, measure="rate", adjustment="age_sex")
    return release_tables.release(frame, "mhsds").table.groupby("kind")["note"].agg(list)


@pytest.mark.parametrize("kind", notes.KINDS)
def test_a_released_note_is_the_same_whatever_the_number(kind, by_number):
    assert by_number[kind] == [notes.KINDS[kind].public] * 4


@pytest.mark.parametrize(
    "note",
    [
        "1 event of unknown age band or sex left out",
        "2 events of unknown age band or sex left out",
        "few people hold most events, as if 8: limits may be too narrow",
        "interval widened for people with several stays (design effect 1.10)",
        "under 1% of events left out: age unknown",
        "three of them left early",  # no known kind
        "no one at risk in 65+ Male: not standardised",
    ],
)
def test_nothing_of_a_confidential_note_is_released(note):
    assert released(note) == ""
    assert released(f"{note}; {notes.say('unsettled')}") == notes.KINDS["unsettled"].public


def test_few_events_are_noted_by_the_count_as_released():
    """True counts of 8 to 12 are all shown as 10, so all or none of them have the note."""
    assert {released("fewer than 10 events: the interval is only approximate", n) for n in (8, 9)} == {notes.FEW_EVENTS}
    assert {released("", n) for n in (10, 12)} == {notes.FEW_EVENTS}
    assert {released("", n) for n in (13, 17, 40)} == {""}


def test_for_internal_use_the_analysts_words_stand():
    frame = pd.DataFrame({"ethnic_group": ["African"], "events": [40], "note": ["3 events of unknown age left out"]})
    assert release_tables.release(frame, "mhsds", audience="internal").table["note"].equals(frame["note"])
    assert release_tables.release(frame, "mhsds").table["note"].tolist() == [""]


def test_every_reason_of_a_missing_figure_stands_among_the_kinds():
    """Words of refusals stood in six modules, "no events" twice and differently."""
    root = Path(notes.__file__).parents[1] / "estimates"
    typed = re.compile(r'"[^"\n]+", (?:REFUSE|WARN|TELL)\)')
    found = {path.name: typed.findall(path.read_text(encoding="utf-8")) for path in root.rglob("*.py")}
    assert not {name: words for name, words in found.items() if words}
