"""What `pcref check` prints to paste into source.codes, and what it never prints."""

from __future__ import annotations

import yaml

from pcref_analysis.extract import local_codes, validate
from pcref_analysis.extract.sources import connect

LONG = "a story of one person that is far too long to be a code"


def test_lines_to_paste(extract, tmp_path):
    people = extract.tables()["MHS001MPI"]
    local = ["White - British"] * 12 + ["mixed\xa0local"] * 11 + ["9434765919"] * 10 + [LONG] * 5 + ["rare"]
    people["EthnicCategory"] = [*local, "A"]
    people["Gender"] = ["Female"] * 20 + ["1"] * 20
    many = people.assign(UniqMonthID="1490")
    folder = extract.csv({"MHS001MPI": people.merge(many, how="outer")}, tmp_path / "x")
    parameters = extract.parameters("folder", folder)
    tables = connect.open(parameters)
    checked = validate.examine(tables, parameters)
    text = "\n".join(local_codes.lines(tables, parameters, checked.breaches))
    assert yaml.safe_load(text)["source"]["codes"]["MHS001MPI"] == {
        "EthnicCategory": {"White - British": "A", "mixed local": None},
        "Gender": {"Female": "2"},
    }
    assert "# 3 values" in text
    assert not any(word in text for word in ("rare", "94347", "story"))
    pasted = extract.parameters(
        "folder", folder, source={"codes": yaml.safe_load(text.replace('local":', 'local": G'))["source"]["codes"]}
    )
    again = validate.examine(connect.open(pasted), pasted)
    assert not local_codes.lines(connect.open(pasted), pasted, again.breaches.query("column == 'Gender'"))


def test_ten_rows_of_one_person_are_not_ten_people(extract, tmp_path):
    tables = extract.tables()
    people, contacts = tables["MHS001MPI"], tables["MHS201CareContact"]
    contacts.loc[:11, ["Person_ID", "AttendStatus"]] = ["P0001", "only hers"]
    parameters = extract.parameters(
        "folder", extract.csv({"MHS001MPI": people, "MHS201CareContact": contacts}, tmp_path / "x")
    )
    raw = connect.open(parameters)
    lines = local_codes.lines(raw, parameters, validate.examine(raw, parameters).breaches)
    assert "hers" not in "".join(lines) and "# 1 value " in lines[-1]
