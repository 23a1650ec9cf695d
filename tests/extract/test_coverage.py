"""Months without rows are named, and rare events are not taken for a gap."""

from datetime import date

import ibis
import pandas as pd
import pytest

from pcref_analysis.extract import month_coverage, validate
from pcref_analysis.extract.schema import PERSONS, declared

TODAY = date(2026, 11, 22)
START = "ReferralRequestReceivedDate"


@pytest.fixture
def rules(extract):
    """Return what is said of referrals received on these days, for these periods."""

    def run(days, *periods, today=TODAY):
        rows = ibis.memtable(pd.DataFrame({START: pd.to_datetime(days)})).cast({START: "date"})
        parameters = extract.parameters(period=periods[-1], periods=list(periods))
        found = month_coverage.months(declared()["MHS101Referral"], rows, parameters, today)
        assert {b["severity"] for b in found} <= {"noted"} and {b["rows"] for b in found} <= {None}
        return [b["rule"] for b in found]

    return run


def monthly(first, months, a_month=10):
    return [day for day in pd.date_range(first, periods=months, freq="MS") for _ in range(a_month)]


def test_an_extract_that_stops_in_december(rules):
    said = rules(monthly("2022-04-01", 21), "2022-23", "2023-24")
    assert said == ["no rows in 3 of 12 months of 2023-24: 2024-01, 2024-02, 2024-03"]


def test_a_month_in_the_middle_and_a_year_that_is_not_there(rules):
    days = [day for day in monthly("2023-04-01", 12, a_month=20) if day.month != 8]
    assert rules(days, "2022-23", "2023-24") == [
        "no rows in 12 of 12 months of 2022-23",
        "no rows in 1 of 12 months of 2023-24: 2023-08",
    ]


def test_whole_years_and_months_to_come_are_no_gap(rules):
    assert rules(monthly("2023-04-01", 12), "2023-24") == []
    assert rules(monthly("2023-04-01", 4), "2023-24", today=date(2023, 8, 9)) == []


def test_a_few_a_year_are_no_gap(rules):
    assert rules(monthly("2023-04-01", 4, a_month=1), "2023-24") == []
    assert rules(monthly("2023-04-01", 8, a_month=1), "2023-24") == []


def test_check_tells_it_of_the_table(extract):
    frames = {name: extract.tables()[name] for name in (PERSONS, "MHS101Referral")}
    connection = ibis.duckdb.connect()
    tables = {name: connection.create_table(name, frame) for name, frame in frames.items()}
    found = validate.examine(tables, extract.parameters(), TODAY).breaches
    (rule,) = found.query("table == 'MHS101Referral' and column == ''")["rule"]
    assert rule.startswith("no rows in 9 of 12 months of 2024-25: 2024-07, ")
    (todo,) = found.query("table == 'MHS404CommTreatOrder'")["todo"]
    lost = "Community treatment orders; Community treatment orders revoked; Recalls under a community treatment order; "
    assert todo == (
        f"Not available without it: {lost}Length of community treatment orders. Add the table if the Trust has it."
    )
