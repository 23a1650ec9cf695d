"""Of several rows with one key the one of the last submission stands; what contradicts is counted."""

from __future__ import annotations

from datetime import date

import ibis
import pandas as pd
import pytest

from pcref_analysis.extract import validate
from pcref_analysis.extract.schema import PERSONS, declared
from pcref_analysis.extract.sources import connect

TODAY = date(2026, 11, 22)
KEYED = [table.name for table in declared().values() if table.person]


def examined(extract, frames, *names, **parameters):
    connection = ibis.duckdb.connect()
    tables = {name: connection.create_table(name, frames[name]) for name in (PERSONS, *names)}
    return validate.examine(tables, extract.parameters(**parameters), TODAY)


def said(checked, name):
    found = checked.breaches[(checked.breaches["table"] == name) & checked.breaches["rows"].gt(0)]
    return {line.rule: (line.severity, line.rows) for line in found.itertuples() if "rows" in line.rule}


def test_contacts_corrected_to_not_attended_count_as_corrected(extract):
    """All were submitted as attended; a month later as not attended. 5 is the greater code, and not what stands."""
    frames = extract.tables()
    first = frames["MHS201CareContact"].assign(AttendStatus="5", UniqMonthID="1489")
    frames["MHS201CareContact"] = pd.concat([first.assign(AttendStatus="3", UniqMonthID="1490"), first])
    checked = examined(extract, frames, "MHS201CareContact")
    kept = checked.tables["MHS201CareContact"].to_pandas()
    assert kept["AttendStatus"].tolist() == ["3"] * 60
    assert list(kept) == list(declared()["MHS201CareContact"].columns)
    assert said(checked, "MHS201CareContact") == {
        "several rows with one UniqCareContID": ("superseded", 60),
        "rows that a later submission corrects": ("noted", 60),
    }
    line = checked.counts.set_index("table").loc["MHS201CareContact"]
    assert line[["read", "dropped", "superseded", "kept"]].tolist() == [120, 0, 60, 60]


@pytest.mark.parametrize("name", ["UniqMonthID", "SubmissionDate", "RecordNumber"])
def test_the_column_that_orders_submissions_may_have_a_local_name(extract, tmp_path, name):
    table, frames = "MHS201CareContact", extract.tables()
    late = {"UniqMonthID": "1490", "SubmissionDate": "2024-07-01", "RecordNumber": "100"}[name]
    early = {"UniqMonthID": "1489", "SubmissionDate": "2024-06-01", "RecordNumber": "99"}[name]
    first = frames[table].assign(AttendStatus="5", local=early)
    frames[table] = pd.concat([first.assign(AttendStatus="3", local=late), first])
    folder = extract.csv({PERSONS: frames[PERSONS], table: frames[table]}, tmp_path / "x")
    source = {"kind": "folder", "location": str(folder), "columns": {table: {name: "local"}}}
    parameters = extract.parameters(source=source)
    kept = validate.examine(connect.open(parameters), parameters, TODAY).tables[table].to_pandas()
    assert kept["AttendStatus"].tolist() == ["3"] * 60


def test_a_stay_of_30_days_that_was_once_submitted_as_longer_lasts_30_days(extract):
    frames, start, end = extract.tables(), "StartDateHospProvSpell", "DischDateHospProvSpell"
    stays = frames["MHS501HospProvSpell"].assign(**{start: "2024-05-01"})
    wrong, right = stays.assign(**{end: "2025-01-01", "RecordNumber": "99"}), stays.assign(**{end: "2024-05-31"})
    frames["MHS501HospProvSpell"] = pd.concat([right.assign(RecordNumber="100"), wrong])  # as text, 99 is greater
    kept = examined(extract, frames, "MHS501HospProvSpell").tables["MHS501HospProvSpell"].to_pandas()
    assert (pd.to_datetime(kept[end]) - pd.to_datetime(kept[start])).dt.days.mean() == 30


@pytest.mark.parametrize("name", [name for name in KEYED if declared()[name].end()])
def test_an_end_that_the_last_submission_leaves_empty_is_empty(extract, name):
    frames, table = extract.tables(), declared()[name]
    frame = frames[name].assign(**{table.start(): "2024-05-01", table.end(): "2024-05-31"})
    again = frame.assign(**{table.end(): ""})
    frames[name] = pd.concat([again.assign(SubmissionDate="2024-07-01"), frame.assign(SubmissionDate="2024-06-01")])
    kept = examined(extract, frames, name).tables[name].to_pandas()
    assert len(kept) == 60 and kept[table.end()].isna().all()


def test_what_has_ended_since_an_earlier_submission_is_not_said_to_be_open(extract):
    """Twelve submissions of a year said of each stay, once a month until it ended, that it has not ended."""
    frames, table = extract.tables(), declared()["MHS501HospProvSpell"]
    stays = frames[table.name].assign(**{table.start(): "2024-05-01", table.end(): ""})
    last = stays.assign(**{table.end(): ["2024-05-31"] * 55 + [""] * 5}, SubmissionDate="2024-07-01")
    frames[table.name] = pd.concat([last, stays.assign(SubmissionDate="2024-06-01")])
    found = examined(extract, frames, table.name).breaches.set_index(["table", "rule"])
    assert found.loc[(table.name, "has not ended"), "rows"] == 5


def test_the_month_goes_before_the_day_of_submission_and_that_before_the_number(extract):
    frames, name = extract.tables(), "MHS201CareContact"
    parts = [
        frames[name].assign(AttendStatus=status, UniqMonthID=month, SubmissionDate=day, RecordNumber=number)
        for status, month, day, number in (
            ("2", "1489", "2024-06-20", "7"),
            ("3", "1490", "2024-06-18", "5"),
            ("4", "1490", "2024-06-19", "1"),
            ("5", "1490", "2024-06-19", "2"),
            ("6", "", "2024-07-30", "9"),
        )
    ]
    frames[name] = pd.concat(parts)
    kept = examined(extract, frames, name).tables[name].to_pandas()
    assert kept["AttendStatus"].tolist() == ["5"] * 60


@pytest.mark.parametrize("more", [{}, {"UniqMonthID": "1489"}])
def test_rows_that_contradict_in_one_submission_are_counted_and_settled_the_same_way(extract, more):
    frames, name = extract.tables(), "MHS201CareContact"
    frame = frames[name].assign(AttendStatus="5", **more)
    other = frame.head(7).assign(AttendStatus="3")
    results = []
    for order in ([frame, other, frame.tail(4)], [other, frame.tail(4), frame]):
        checked = examined(extract, frames | {name: pd.concat(order)}, name)
        results.append(checked.tables[name].order_by("UniqCareContID").to_pandas())
        assert said(checked, name) == {
            "several rows with one UniqCareContID": ("superseded", 11),
            "rows that contradict another with the same UniqCareContID": ("noted", 7),
        }
    pd.testing.assert_frame_equal(*results)


def test_a_local_name_of_the_month_is_mapped_and_a_wrong_one_stops(extract):
    frames, name = extract.tables(), "MHS201CareContact"
    first = frames[name].assign(AttendStatus="5", period="1")
    frames[name] = pd.concat([first.assign(AttendStatus="3", period="2"), first])
    source = {"columns": {name: {"UniqMonthID": "period"}}}
    assert set(examined(extract, frames, name, source=source).tables[name].to_pandas()["AttendStatus"]) == {"3"}
    wrong = examined(extract, frames, name, source={"columns": {name: {"UniqMonthID": "month"}}})
    assert wrong.breaches.query("severity == 'stops'")["column"].tolist() == ["UniqMonthID"]


def test_a_death_that_the_last_submission_withdraws_is_no_death(extract):
    frames = extract.tables()
    died = frames[PERSONS].head(3).assign(PersDeathDate="2024-05-01", UniqMonthID="1488")
    still = frames[PERSONS].tail(2).assign(PersDeathDate="2024-05-01", UniqMonthID="1490")
    frames[PERSONS] = pd.concat([died, frames[PERSONS], still])
    checked = examined(extract, frames)
    assert checked.tables[PERSONS].PersDeathDate.count().execute() == 2
    found = checked.breaches.set_index("rule")["rows"]
    assert found["people whose date of death the latest submission does not hold"] == 3


def test_the_order_of_submissions_holds_within_a_month_of_a_person(extract):
    frames = extract.tables()
    first = frames[PERSONS].assign(EthnicCategory="N", Gender="2", RecordNumber="9")
    frames[PERSONS] = pd.concat([first.assign(EthnicCategory="A", Gender="", RecordNumber="10"), first])
    found = examined(extract, frames).tables[PERSONS].to_pandas()
    assert set(found["EthnicCategory"]) == {"A"} and set(found["Gender"]) == {"2"}
    assert list(found) == list(declared()[PERSONS].columns)
