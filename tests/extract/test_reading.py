"""What each way to write a value is read as: literal tables, one column a kind."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time
from decimal import Decimal
from operator import itemgetter

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcref_analysis.extract import parsing, values
from pcref_analysis.extract.schema import Area, Column, Table
from pcref_analysis.extract.sources import portable

CONNECTION = ibis.duckdb.connect()


def read(values, kind="string", **facts):
    """Return what a column of these values is read as."""
    column = Column(required=False, meaning="", **facts)
    columns = {"c": column, "row": Column(required=False, meaning="", type="integer")}
    table = Table(name="T", meaning="", bears="", cannot_bear="", key=("c",), columns=columns)
    data = pa.table({"c": pa.array(values, kind), "row": range(len(values))})
    raw = CONNECTION.create_table("values", data, overwrite=True)
    texts = parsing.texts(raw, table, {"c": "c", "row": "row"})
    known = parsing.read(texts, table, {}, date(1800, 1, 1), date(2250, 1, 1))
    rows = parsing.joined(texts, table, known)
    return [
        c
        for _, c in sorted(
            zip(*rows.select("row", "c").to_pyarrow().to_pydict().values(), strict=True), key=itemgetter(0)
        )
    ]


def test_dates():
    day = date(2024, 2, 29)
    same = [
        "2024-02-29",
        "29/02/2024",
        "29-02-2024",
        "29.02.2024",
        "20240229",
        "29-Feb-2024",
        "29-FEB-2024",
        "2024/02/29",
    ]
    same += [
        "2024-02-29T00:00:00",
        "2024-02-29 23:59:59.997",
        "29/02/2024 00:00",
        "2024-02-29T12:00:00Z",
        " 2024-02-29 ",
    ]
    assert read(same, type="date") == [day] * len(same)
    assert read(["1/2/2024", "01/2/2024", "1/02/2024"], type="date") == [date(2024, 2, 1)] * 3
    none = [
        "2023-02-29",
        "31/04/2024",
        "2024-13-01",
        "00/01/2024",
        "1900-02-29",
        "29/02/24",
        "45351",
        "2024",
        "x",
        "30-Foo-2024",
    ]
    none += [
        "2024-02",
        "2024-02-2x",
        "0024-02-29",
        "1-1-1",
        "",
        "NULL",
        "n/a",
        "2024--2-29",
        "2O24-02-29",
        "20-2-2024x",
    ]
    assert read(none, type="date") == [None] * len(none)
    assert read(["2000-02-29", "31/12/9999", "infinity"], type="date") == [date(2000, 2, 29), None, None]
    assert values.day_of("31/12/9999") == (date(9999, 12, 31), ("dayfirst",))


@settings(max_examples=3, deadline=None)
@given(st.lists(st.dates(date(1800, 1, 1), date(2199, 12, 31)), min_size=50, max_size=400))
def test_every_day_is_read_in_every_form(days):
    for form in ("{0:%Y-%m-%d}", "{0.day:02d}/{0.month:02d}/{0.year}", "{0.day}/{0.month}/{0.year}", "{0:%Y%m%d}"):
        assert [values.day_of(form.format(day))[0] for day in days] == days


@settings(max_examples=8, deadline=None)
@given(st.lists(st.text("0123456789-/T. ", min_size=6, max_size=12), min_size=50, max_size=400))
def test_no_text_of_digits_and_strokes_breaks_the_reading(texts):
    """What is read exists in the calendar, and Python reads the same where it reads the text at all."""
    for text in texts:
        found = values.day_of(text.strip())[0]
        for form in ("%Y-%m-%d", "%Y%m%d", "%d/%m/%Y"):
            try:
                wanted = datetime.strptime(text.strip(), form).date()
            except ValueError:
                continue
            # Python takes a blank for a nought, and days of one digit
            full = len(text.strip()) == (8 if form == "%Y%m%d" else 10) and " " not in text.strip()
            if full and 1800 <= wanted.year < 2200:
                assert found == wanted


def test_dates_that_are_dates_already():
    moments = [datetime(2024, 3, 31, 23, 30), None]
    assert read(moments, pa.timestamp("us"), type="date") == [date(2024, 3, 31), None]
    assert read([date(2024, 3, 31), None], pa.date32(), type="date") == [date(2024, 3, 31), None]
    assert read([20240331, 7], pa.int64(), type="date") == [date(2024, 3, 31), None]


def test_of_moments_without_a_zone_days_are_asked_for_and_not_seconds():
    texts = [
        f"{day} 10:{minute:02d}:07{rest}"
        for minute in range(60)
        for day in ("2024-03-31", "31/03/2024")
        for rest in ("", ".997")
    ]
    assert read(texts, type="date") == [date(2024, 3, 31)] * 240
    held = CONNECTION.create_table("moments", pa.table({"d": texts}), overwrite=True)
    table = Table(
        name="T",
        meaning="",
        bears="",
        cannot_bear="",
        key=("d",),
        columns={"d": Column(type="date", required=True, meaning="")},
    )
    assert set(parsing.texts(held, table, {"d": "d"})["d"].to_pyarrow().to_pylist()) == {"2024-03-31", "31/03/2024"}
    for text in ("2024-03-31 23:00:00", "2024-03-31 10:23+01", "2024-03-31T10:23:45Z"):
        assert read([text], type="date") == [date(2024, 3, 31)], text
    assert values.day_of("2024-03-31 23:00:00")[1] == ("eleven",)


def test_moments_are_local_days():
    day = date(2024, 4, 10)
    same = ["2024-04-09T23:00:00Z", "2024-04-09 23:00:00+00", "2024-04-10T00:00:00+01:00", "20240409T230000Z"]
    same += ["2024-04-09 23:00:00.0000000 +00:00", "09/04/2024 23:00:00+0000", "2024-04-09 23:00 UTC"]
    assert read(same, type="date") == [day] * len(same)
    assert read(["2024-12-31T23:30:00Z", "2024-12-31T23:30:00-01:00"], type="date") == [
        date(2024, 12, 31),
        date(2025, 1, 1),
    ]
    assert read(["2024-04-09T25:00:00Z", "01-Apr-2023 23:00:00 +00:00"], type="date") == [None, None]
    moment = datetime(2024, 4, 9, 23, tzinfo=UTC)
    for zone in ("UTC", "Europe/London", "+05:00"):
        assert read([moment, None], pa.timestamp("us", zone), type="date") == [day, None]


def test_months_by_name():
    same = ["1 Apr 2023", "01 April 2023", "Apr  1 2023 12:00AM", "April 1, 2023", "01APR2023:00:00:00", "2023-Apr-01"]
    assert read([*same, "20230401.0"], type="date") == [date(2023, 4, 1)] * 7


def test_times_of_day():
    """As systems write them: those that a query gave as moments bear a day, which is no hour of theirs."""
    same = [
        "09:05",
        "9:05",
        "09:05:00",
        "09:05:59.9970000",
        "09.05",
        "0905",
        "090500",
        "9:05 AM",
        "9:05:00AM",
        " 09:05 ",
    ]
    same += [
        "1900-01-01 09:05:00.000",
        "1899-12-30 09:05:00",
        "2024-03-31T09:05:00",
        "31/03/2024 9:05",
        "Jan  1 1900  9:05AM",
    ]
    assert read(same, type="time") == ["09:05"] * len(same)
    assert read(["21:05", "9:05 PM", "12:05 am", "12:05pm"], type="time") == ["21:05", "21:05", "00:05", "12:05"]
    assert read([time(9, 5), None], pa.time64("us"), type="time") == ["09:05", None]
    assert read([datetime(1900, 1, 1, 21, 5), None], pa.timestamp("us"), type="time") == ["21:05", None]
    none = [
        "24:00",
        "09:60",
        "905",
        "9",
        "0.378472",
        "13:05 PM",
        "2024-03-31",
        "09:05Z",
        "09:05+01:00",
        "",
        "NULL",
        "x",
    ]
    assert read(none, type="time") == [None] * len(none)


def test_numbers():
    wanted = {
        "1489": 1489, "1,489": 1489, "1,234,567": 1234567, "1489.0": 1489, "-3.5": -3.5, "+2": 2, ".5": 0.5, "1.": 1,
        "1.0E+05": 1e5, "1E5": 1e5, "1.5e-1": 0.15, "1,489.5": 1489.5, " 12 ": 12,
        "1,48": None, "14,89": None, "1,2345": None, ",489": None, "1,489,0": None, "1.2.3": None, "1-2": None,
        "E5": None, "1E": None, "1E999": None, "--1": None, "1.5,000": None, "£5": None, "1 489": None, "": None,
        "NaN": None, "inf": None, "-": None, ".": None, "0x10": None, "1,489,000,000": None, "٣": None, "1E90": 1e90,
    }  # fmt: skip
    assert dict(zip(wanted, read(list(wanted), type="number"), strict=True)) == wanted
    whole = {text: value if value is None or float(value).is_integer() else None for text, value in wanted.items()}
    whole["1E90"] = None
    assert dict(zip(wanted, read(list(wanted), type="integer"), strict=True)) == whole
    assert read([1, 6, 0, None], pa.int64(), type="integer", minimum=1, maximum=5) == [1, None, None, None]
    assert read([1.0, 2.5, float("nan"), float("inf"), 1e300, None], pa.float64(), type="integer") == [
        1,
        None,
        None,
        None,
        None,
        None,
    ]
    assert read([Decimal("2.50")], pa.decimal128(5, 2), type="number") == [2.5]


@settings(max_examples=3, deadline=None)
@given(st.lists(st.floats(-1e15, 1e15), min_size=50, max_size=400))
def test_every_number_is_read_back(numbers):
    numbers = [
        number for number in numbers if abs(number) > 1e-90 or number == 0
    ]  # smaller exponents have three digits
    found = read([repr(number) for number in numbers], type="number")
    assert all(math.isclose(a, b, rel_tol=1e-15, abs_tol=1e-99) for a, b in zip(found, numbers, strict=True))


@settings(max_examples=8, deadline=None)
@given(st.lists(st.text("0123456789,.+-Ee ", max_size=8), min_size=50, max_size=400))
def test_no_text_of_digits_and_signs_breaks_the_reading(texts):
    for text, found in zip(texts, read(texts, type="number"), strict=True):
        if found is not None:
            assert found == float(text.replace(",", ""))


def test_codes():
    codes = {"type": "code", "codes": ("01", "02", "10", "99", "A"), "width": 2}
    wanted = {
        "01": "01",
        "1": "01",
        "1.0": "01",
        "a": "A",
        " A ": "A",
        "10": "10",
        "10.0": "10",
        "99.0": "99",
        "3": None,
    }
    wanted |= {"001": None, "1.5": None, "0": None, "AA": None, "NULL": None, "": None}
    assert dict(zip(wanted, read(list(wanted), **codes), strict=True)) == wanted
    assert read([1, 10, 7], pa.int32(), **codes) == ["01", "10", None]
    assert read([1.0, 10.0, None], pa.float64(), **codes) == ["01", "10", None]
    assert read([True, False, None], pa.bool_(), type="code", codes=("Y", "N")) == ["Y", "N", None]
    assert read(["female", "MALE", "x"], type="code", codes=("Female", "Male")) == ["Female", "Male", None]
    assert read(["EN", "pl"], type="code", case="lower") == ["en", "pl"]
    assert read(["a06", "1"], type="code") == ["A06", "1"]
    assert read(["1", "11"], type="code", width=2) == ["01", "11"]


def test_a_column_that_reads_as_it_stands_is_not_looked_up():
    """A word for missing that happens to be written as Python writes it is still none of its codes."""
    assert read(["A06", "None", "A14"], type="code") == ["A06", None, "A14"]
    assert read(["A06", "A14", None], type="code") == ["A06", "A14", None]
    assert read(["2024-03-31", "2024-04-01", None], type="date") == [date(2024, 3, 31), date(2024, 4, 1), None]
    assert read(["2024-03-31", "1900-01-01"], type="date") == [date(2024, 3, 31), None]
    assert read(["7", "08"], type="integer") == [7, 8]


def test_what_cannot_be_seen_is_no_part_of_a_value():
    zero, blank = "\u200b\u200d\ufeff\u2060\xad\0", "\xa0\t\r\n\u2009\u202f\u3000"
    odd = [*(f"0{c}5" for c in zero), *(f"05{c} " for c in zero + blank), *(f"{c}05" for c in blank), "05"]
    assert read(odd, type="code", codes=("05", "06"), width=2) == ["05"] * len(odd)
    assert read(odd, type="id") == ["05"] * len(odd)
    day = date(2024, 3, 31)
    dates = [f"2024-03-31{c}" for c in zero + blank] + ["31\xa0Mar\xa02024", "31\u200b/03/2024", "2024-03-31\t10:00"]
    assert read(dates, type="date") == [day] * len(dates)
    assert read(["\u200b", "\xa0NULL\xa0", "\0", " \t"], type="text") == [None] * 4
    assert read(["a\xa0b", "é\u200bü", "?"], type="text") == ["a b", "éü", "?"], "what is seen stays"


def test_areas():
    area = {"type": "code", "area": Area(starts=("E01", "W01"), digits=6)}
    wanted = {"E01000001": "E01000001", "e01000001": "E01000001", "E01 000 001": "E01000001", "W01000001": "W01000001"}
    wanted |= {
        "E0100001": None,
        "E010000012": None,
        "E02000001": None,
        "E01OOOOO1": None,
        "S01000001": None,
        "N/A": None,
    }
    assert dict(zip(wanted, read(list(wanted), **area), strict=True)) == wanted


def test_identifiers():
    wanted = {
        "12345.0": "12345",
        "00123": "00123",
        "a-1": "a-1",
        "A-1": "A-1",
        "x.0": "x.0",
        "1.50": "1.50",
        ".0": ".0",
    }
    wanted |= {" 7 ": "7", "NULL": None, "null": None, "": None, "-": None}
    assert dict(zip(wanted, read(list(wanted), type="id"), strict=True)) == wanted
    assert read([12345, None], pa.int64(), type="id") == ["12345", None]
    assert read([12345.0, 2.5], pa.float64(), type="id") == ["12345", "2.5"]
    assert read([Decimal("12345.00")], pa.decimal128(9, 2), type="id") == ["12345"]


@pytest.mark.parametrize(
    ("text", "is_mangled"), [("1.2E+11", 1), ("1E+05", 1), ("7e+3", 1), ("1E5", 0), ("AE+05", 0), ("E+05", 0)]
)
def test_identifiers_in_scientific_notation(text, is_mangled):
    assert portable.flag(parsing.mangled(ibis.literal(text))).to_pyarrow().as_py() == is_mangled
