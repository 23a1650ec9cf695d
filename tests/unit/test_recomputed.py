"""Nothing is taken for released because a notebook says so: what pages show is made again from released tables."""

import pandas as pd
import pytest

from pcref_analysis.release import disclosure, recomputed, tables, text
from pcref_analysis.vocabulary import parameters
from pcref_analysis.vocabulary.errors import PcrefError

ROWS = pd.DataFrame({"what": "contacts", "reason": ["no date", "twice"], "rows": [40, 3]})
RUN = parameters.load("demo")


def record(shown, source="", calls=("tables.plain",)):
    bundle = shown._repr_mimebundle_()[0]
    return shown.record | {"output": {"data": bundle}, "source": source or shown.record["title"], "calls": list(calls)}


@pytest.fixture
def known(monkeypatch):
    released = disclosure.release(ROWS, RUN, name="left_out", counts=["rows"])
    found = object.__new__(recomputed._Known)
    found.parameters, found.pages, found.made = RUN, [released], []
    found.sentences, found.numbers = {text.listed(["No month is lacking."], "").record["text"]}, set()
    monkeypatch.setattr(recomputed, "_Known", lambda _: found)
    return released


def plain(released, title="Rows left out"):
    return tables.plain(released, id="rows", title=title)


def test_what_was_released_is_published(known):
    recomputed.check([record(plain(known)), record(text.listed(["No month is lacking."], "lacking"))], RUN)


def ways():
    """Return what a caller can hand to the functions that show results, each once published."""
    alone = disclosure.release(ROWS.assign(rows=[40, 7]), RUN, name="left_out", counts=["rows"])
    somebody = disclosure.release_published(ROWS, "somebody", name="left_out", counts=["rows"])
    closure = disclosure.derive(lambda _: ROWS, alone, name="left_out")
    good = disclosure.release(ROWS, RUN, name="left_out", counts=["rows"])
    forged = record(plain(good))
    forged["output"]["data"]["text/html"] = forged["output"]["data"]["text/html"].replace("[c]", "3")
    return {
        "a sentence": record(text.listed(["3 women were restrained."], "x")),
        "a closure": record(plain(closure)),
        "somebody's figures": record(plain(somebody)),
        "a count in a title": record(plain(good, "Rows left out: 3")),
        "a title that was worked out": record(plain(good), source="title=f'{what} left out'"),
        "a forged output": forged,
        "a table released alone": record(plain(alone)),
    }


@pytest.mark.parametrize("way", ways())
def test_what_a_caller_made_up_stops_the_report(way, known):
    with pytest.raises(PcrefError, match="nothing was published"):
        recomputed.check([ways()[way]], RUN)
