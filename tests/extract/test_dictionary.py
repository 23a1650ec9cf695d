"""The declarations themselves, and what is made from them for people."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
import sqlglot

from pcref_analysis.extract import dictionary, schema, validate
from pcref_analysis.extract.schema import PERSONS, declared
from pcref_analysis.extract.sources import connect
from pcref_analysis.vocabulary import ethnicity
from pcref_analysis.vocabulary.errors import PcrefError

GOOD = {"meaning": "m", "bears": "b", "cannot_bear": "c", "key": ["a"]}
COLUMN = {"type": "id", "required": True, "meaning": "m"}


def test_codes_are_text_and_those_of_the_vocabulary():
    codes = declared()[PERSONS].columns["EthnicCategory"].codes
    assert list(codes) == ethnicity.categories()["code"].tolist()
    assert all(isinstance(code, str) for t in declared().values() for c in t.columns.values() for code in c.allowed())
    assert list(declared()["Population"].columns["ethnic_group"].allowed()) == ethnicity.known_groups("detailed")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (GOOD | {"columns": {"b": COLUMN}}, r"T\.: .*names columns that are not declared: \['a'\]"),
        (GOOD | {"columns": {"a": COLUMN | {"type": "uuid"}}}, r"T\.columns\.a\.type"),
        (GOOD | {"columns": {"a": COLUMN | {"typo": 1}}}, r"T\.columns\.a\.typo"),
        (GOOD | {"columns": {"a": COLUMN | {"after": "z"}}}, "not declared"),
        (GOOD | {"columns": {"a": COLUMN | {"references": "Other"}}}, r"T\.columns\.a\.references"),
        (GOOD | {"columns": {}}, r"T\.columns"),
        ({}, r"T\.meaning"),
    ],
)
def test_a_declaration_that_does_not_fit_is_named(entry, message):
    with pytest.raises(PcrefError, match=message):
        schema.read({"T": entry}, "contracts.yml")


def test_the_dictionary_holds_every_column_once():
    frame = dictionary.dictionary()
    assert len(frame) == sum(len(t.columns) for t in declared().values())
    assert not frame.duplicated(["table", "column"]).any()
    assert (frame["meaning"] != "").all() and list(frame) == dictionary.COLUMNS
    assert list(dictionary.tables()["table"]) == list(declared())
    line = frame.set_index(["table", "column"]).loc[("MHS401MHActPeriod", "EndDateMHActLegalStatusClass")]
    assert line["rules"] == "not before StartDateMHActLegalStatusClass" and not line["required"]


def test_markdown_and_html_are_whole():
    text = dictionary.markdown()
    tables = re.findall(r"^\|.*\|$", text, re.MULTILINE)
    assert len(tables) == len(dictionary.dictionary()) + 2 * len(declared())
    assert {line.replace("\\|", "").count("|") for line in tables} == {len(dictionary.HEADINGS) + 1}

    class Reader(HTMLParser):
        def __init__(self):
            super().__init__()
            self.open, self.rows, self.scopes = [], 0, 0

        def handle_starttag(self, tag, attributes):
            self.open.append(tag)
            self.rows += tag == "tr"
            self.scopes += "scope" in dict(attributes)

        def handle_endtag(self, tag):
            assert self.open.pop() == tag

    reader = Reader()
    reader.feed(dictionary.html())
    assert not reader.open
    assert reader.rows == len(dictionary.dictionary()) + len(declared())
    assert reader.scopes == len(dictionary.dictionary()) + len(declared()) * len(dictionary.HEADINGS)


def test_templates_can_be_filled_and_read(tmp_path, extract):
    folder = tmp_path / "new" / "templates"
    paths = dictionary.templates(folder)
    assert {path.suffix for path in paths} == {".csv", ".sql"} and len(paths) == 2 * len(declared())
    for name, frame in extract.tables().items():
        blank = (folder / f"{name}.csv").read_text(encoding="utf-8")
        filled = frame.to_csv(index=False, header=False)
        (folder / f"{name}.csv").write_text(blank + filled, encoding="utf-8")
    parameters = extract.parameters("folder", folder)
    raw = connect.open(parameters)
    found = validate.examine({name: raw[name] for name in (PERSONS, "Areas")}, parameters)
    assert set(raw) == set(declared())
    assert found.breaches.query("table in ('MHS001MPI', 'Areas')").empty


def test_templates_never_write_over_a_file(tmp_path):
    (tmp_path / "Areas.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(PcrefError, match="Nothing was written"):
        dictionary.templates(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["Areas.csv"]
    assert (tmp_path / "Areas.csv").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", list(declared()))
def test_sql_templates_are_tsql_with_the_names_of_the_contract(name):
    text = dictionary.sql_server(declared()[name])
    filled = re.sub(r"<<([^>]*)>>", r"\1", text)
    *declarations_of_dates, query = sqlglot.parse(filled, dialect="tsql")
    assert [column.alias for column in query.selects] == list(declared()[name].columns)
    windows = [part for part in declarations_of_dates if isinstance(part, sqlglot.exp.Declare)]
    assert len(windows) == (2 if declared()[name].start() else 0)
    assert "<<" in text and "\t" not in text
    for facts in declared()[name].columns.values():
        assert facts.meaning in text
