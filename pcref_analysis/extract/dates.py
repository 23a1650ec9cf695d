"""From a text, a day or a moment to the day in the United Kingdom, in steps that every engine can run.

A moment (with Z, an offset, or of a type with a time zone) becomes the day in Europe/London: local midnight in summer
is 23:00 of the day before in UTC.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from importlib.resources import files

import ibis
import ibis.expr.types as ir
import yaml

from pcref_analysis.extract.sources import engines
from pcref_analysis.extract.sources.portable import among, first, flag, missing_text, only_digits, when
from pcref_analysis.vocabulary.parameters import LOADER

ZONE = "Europe/London"
WINDOWS_ZONE = "GMT Standard Time"  # its name on SQL Server; summer time is in it
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CENTURIES = ("18", "19", "20", "21", "29", "99")
_NO_DAYS = ("0230", "0231", "0431", "0631", "0931", "1131")
_NOT_LEAP = ("1800", "1900", "2100", "2900", "9900")
NAMED = (
    "american",
    "dayfirst",
    "either",
    "serial",
    "short",
    "zoned",
    "eleven",
)  # what is counted of how days are written


@cache
def stand_ins() -> tuple[tuple[date, ...], tuple[date, ...], int]:
    """Return the days that systems write for a missing date (always; in dates of events too) and the years ahead.

    Examples
    --------
    >>> date(1900, 1, 1) in stand_ins()[0], date(1970, 1, 1) in stand_ins()[1]
    (True, True)
    """
    text = (files("pcref_analysis.extract") / "stand_in_dates.yml").read_text(encoding="utf-8")
    read = yaml.load(text, LOADER)
    always, events = (tuple(date.fromisoformat(day) for day in read[part]) for part in ("always", "events"))
    return always, (*always, *events), read["years_ahead"]


@ibis.udf.scalar.builtin(name="timezone", signature=(("string", "timestamp('UTC')"), "timestamp"))
def _timezone(zone, moment):  # DuckDB and PostgreSQL
    ...


@ibis.udf.scalar.builtin(name="from_utc_timestamp", signature=(("timestamp('UTC')", "string"), "timestamp"))
def _from_utc_timestamp(moment, zone):  # Spark, whose sessions Ibis sets to UTC
    ...


@ibis.udf.scalar.builtin(name="convert_timezone", signature=(("string", "timestamp('UTC')"), "timestamp"))
def _at_time_zone(zone, moment):  # SQL Server: written as moment AT TIME ZONE zone
    ...


def _local(rows: ibis.Table, moment: ir.TimestampValue) -> ir.DateValue:
    moment = moment.cast("timestamp('UTC')") if not moment.type().is_timestamp() else moment
    kind = engines.engine(rows)
    if kind == "pyspark":
        return _from_utc_timestamp(moment, ibis.literal(ZONE)).date()
    if kind == "mssql":  # a cast alone would give the day at the offset that the value bears
        return _at_time_zone(ibis.literal(WINDOWS_ZONE), moment).date()
    return _timezone(ibis.literal(ZONE), moment).date()


def is_day(value: ir.Value) -> bool:
    """Tell a column that the source holds as days or moments."""
    return value.type().is_date() or value.type().is_timestamp()


def is_moment(value: ir.Value) -> bool:
    """Tell a column that the source holds as moments with a time zone."""
    return value.type().is_timestamp() and value.type().timezone is not None


def native(raw: ibis.Table, value: ir.Value) -> dict[str, ir.Value]:
    """Return the day of a column that the source holds as days or moments, and whether it was 23:00 sharp there."""
    if is_moment(value):
        return {"native": _local(raw, value), "at_eleven": ibis.literal(0)}
    if value.type().is_date():
        return {"native": value, "at_eleven": ibis.literal(0)}
    sharp = (value.hour() == 23) & (value.minute() == 0) & (value.second() == 0)
    return {"native": value.cast("date"), "at_eleven": flag(sharp)}


def take_native(rows: ibis.Table, name: str) -> dict[str, ir.Value]:
    """Take a day that the source holds as one."""
    return {name: rows[f"{name}__native"], f"{name}__eleven": rows[f"{name}__at_eleven"]}


def _upper(rows: ibis.Table, name: str) -> dict[str, ir.Value]:
    return {f"{name}__upper": rows[f"{name}__text"].upper()}


def _opened(rows: ibis.Table, name: str) -> dict[str, ir.Value]:
    """Find the name of a month, and open the forms that are written without separators."""
    text, hyphen = rows[f"{name}__upper"], ibis.literal("-")
    head = text.substr(0, 8)
    opened = text.substr(0, 4) + hyphen + text.substr(4, 2) + hyphen + text.substr(6)
    return {
        f"{name}__at": ibis.greatest(*(text.find(word) for word in _MONTHS)),
        f"{name}__text8": ibis.cases(
            (only_digits(head) & (text.substr(8, 1) == "T"), opened),
            ((text.length() == 10) & text.endswith(".0") & only_digits(head), head),
            else_=text,
        ),
    }


def _split(rows: ibis.Table, name: str) -> dict[str, ir.Value]:
    """Part the day from the time; around the name of a month, part what stands before from what follows."""
    text, at = rows[f"{name}__text8"], rows[f"{name}__at"]
    space, letter = text.find(" "), text.find("T")
    month = ibis.literal("".join(_MONTHS)).find(text.substr(ibis.cases((at >= 0, at), else_=0), 3))
    behind = text.substr(ibis.cases((at >= 0, at), else_=0) + 3).translate(_LETTERS + "-/,.", " " * 30)
    timed = (letter >= 8) & (letter <= 10) & (text.length() > letter + 1)
    return {
        f"{name}__month": ibis.cases(
            (at >= 0, ibis.literal("010203040506070809101112").substr((month / 3 * 2).cast("int32"), 2)), else_=""
        ),
        f"{name}__before": first(text, at).translate("-/,.", " " * 4).strip(),
        f"{name}__behind": behind.strip(),
        f"{name}__cut": ibis.cases((timed, letter), (space > 0, space), else_=text.length()),
    }


def _parted(rows: ibis.Table, name: str) -> dict[str, ir.Value]:
    text, cut = rows[f"{name}__text8"], rows[f"{name}__cut"]
    before, behind = rows[f"{name}__before"], rows[f"{name}__behind"]
    space = behind.find(" ")
    first_word = first(behind, space)
    return {
        f"{name}__day": first(text, cut).translate("/.", "--"),
        f"{name}__clock": ibis.cases((rows[f"{name}__month"] != "", text), else_=text.substr(cut + 1)).strip(),
        f"{name}__number": ibis.cases(
            (before.length() == 0, first_word), (before.length() == 4, behind.substr(0, 2)), else_=before
        ),
        f"{name}__year": ibis.cases(
            (before.length() == 0, behind.substr(ibis.cases((space > 0, space), else_=0)).strip()),
            (before.length() == 4, before),
            else_=behind,
        ),
    }


def _compact(rows: ibis.Table, name: str) -> dict[str, ir.Value]:
    """Bring the accepted ways to write a date to eight characters, year first; missing for any other form.

    Accepted: 2024-03-31, 2024/03/31, 20240331, 31/03/2024 (also 31.03.2024, 31-03-2024, and with one-digit day or
    month), 31-Mar-2024, 1 Apr 2023, 1 April 2023, Apr 1 2023, 01APR2023; each with or without a time.
    """
    day, month, year = rows[f"{name}__day"], rows[f"{name}__month"], rows[f"{name}__year"]
    number, clock = rows[f"{name}__number"].strip(), rows[f"{name}__clock"]
    size, at = day.length(), lambda position: day.substr(position, 1) == "-"
    zero = ibis.literal("0")
    padded = ibis.cases((number.length() == 1, zero + number), else_=number)
    compact = ibis.cases(
        ((month != "") & among(year.substr(4, 1), ("", " ", ":")), year.substr(0, 4) + month + padded),
        (month != "", missing_text()),
        ((size == 10) & at(4) & at(7), day.substr(0, 4) + day.substr(5, 2) + day.substr(8, 2)),
        ((size == 10) & at(2) & at(5), day.substr(6, 4) + day.substr(3, 2) + day.substr(0, 2)),
        ((size == 9) & at(1) & at(4), day.substr(5, 4) + day.substr(2, 2) + zero + day.substr(0, 1)),
        ((size == 9) & at(2) & at(4), day.substr(5, 4) + zero + day.substr(3, 1) + day.substr(0, 2)),
        ((size == 8) & at(1) & at(3), day.substr(4, 4) + zero + day.substr(2, 1) + zero + day.substr(0, 1)),
        (size == 8, day),
        else_=missing_text(),
    )
    bare = day.replace("-", "")
    short = (size <= 8) & ((size - bare.length()) == 2) & only_digits(bare) & at(size - 3)
    plus, minus = clock.find("+"), clock.find("-")
    return {
        f"{name}__compact": compact,
        f"{name}__slashed": flag((month == "") & (size >= 8) & (size <= 10) & (at(1) | at(2))),
        f"{name}__short": flag(((month == "") & short) | ((month != "") & only_digits(year) & (year.length() == 2))),
        f"{name}__serial": flag((size == 5) & only_digits(day)),
        f"{name}__sign": ibis.cases((plus > 0, plus), ((minus > 0) & (month == ""), minus), else_=-1),
        f"{name}__utc": flag(clock.endswith("Z") | clock.endswith("UTC") | clock.endswith("GMT")),
    }


def _timed(rows: ibis.Table, name: str) -> dict[str, ir.Value]:
    clock, sign, utc = rows[f"{name}__clock"], rows[f"{name}__sign"], rows[f"{name}__utc"] == 1
    month, minute = rows[f"{name}__month"], ibis.cases((clock.substr(2, 1) == ":", 3), else_=2)
    return {
        f"{name}__time": clock.substr(0, 2) + ":" + clock.substr(minute, 2),
        f"{name}__offset": ibis.cases(
            ((month != "") & (utc | (sign > 0)), "?"),
            (utc, "+0000"),
            (sign > 0, clock.substr(ibis.cases((sign > 0, sign), else_=0)).replace(":", "")),
            else_="",
        ),
        f"{name}__sharp": flag(among(clock.substr(0, 5), ("23:00", "11:00")) & _only_zeros(clock)),
    }


def _only_zeros(clock: ir.StringValue) -> ir.BooleanValue:
    """Tell 23:00, 23:00:00.000 and 11:00:00 PM."""
    rest = clock.substr(5).replace("0", "").replace(":", "").replace(".", "").strip()
    return ((clock.substr(0, 2) == "23") & (rest == "")) | ((clock.substr(0, 2) == "11") & (rest == "PM"))


def _pieces(rows: ibis.Table, name: str) -> dict[str, ir.Value]:
    """Cut the day, the time and the offset into the pieces that are tested."""
    compact, time, offset = (rows[f"{name}__{part}"] for part in ("compact", "time", "offset"))
    cuts = {"cc": (0, 2), "yyyy": (0, 4), "tens": (2, 1), "unit": (3, 1), "mm": (4, 2), "dd": (6, 2), "mmdd": (4, 4)}
    return {f"{name}__{key}": compact.substr(*cut) for key, cut in cuts.items()} | {
        f"{name}__hour": time.substr(0, 2),
        f"{name}__minute": time.substr(3, 2),
        f"{name}__ahead": offset.substr(1, 2),
        f"{name}__minutes": ibis.cases((offset.length() == 3, "00"), else_=offset.substr(3, 2)),
    }


def _within(two: ir.StringValue, least: str, most: str) -> ir.BooleanValue:
    """Tell two digits between two bounds."""
    return only_digits(two) & (two.length() == 2) & (two >= least) & (two <= most)


def _exists(rows: ibis.Table, name: str) -> dict[str, ir.Value]:
    """Write the day as year-month-day, missing where there is no such day, and the moment in one form."""
    compact, hyphen = rows[f"{name}__compact"], ibis.literal("-")
    century, year, month, day, monthday = (rows[f"{name}__{piece}"] for piece in ("cc", "yyyy", "mm", "dd", "mmdd"))
    tens, unit = rows[f"{name}__tens"], rows[f"{name}__unit"]
    fourth = ibis.cases((among(tens, "02468"), among(unit, "048")), else_=among(unit, "26")) & ~among(year, _NOT_LEAP)
    exists = (compact.length() == 8) & only_digits(compact) & among(century, _CENTURIES)
    exists &= _within(month, "01", "12") & _within(day, "01", "31") & ~among(monthday, _NO_DAYS)
    exists &= (monthday != "0229") | fourth
    exists |= among(compact, (day.isoformat().replace("-", "") for day in stand_ins()[1]))
    named, slashed = rows[f"{name}__month"] != "", rows[f"{name}__slashed"] == 1
    turned = ~named & _within(month, "13", "31") & _within(day, "01", "12")  # month/day/year, as in the USA
    first_is_day = slashed & _within(day, "13", "31") & _within(month, "01", "12")
    either = slashed & _within(day, "01", "12") & _within(month, "01", "12") & (day != month)
    offset = rows[f"{name}__offset"]
    ahead, minutes = rows[f"{name}__ahead"], rows[f"{name}__minutes"]
    clear = _within(rows[f"{name}__hour"], "00", "23") & _within(rows[f"{name}__minute"], "00", "59")
    clear &= _within(ahead, "00", "14") & among(minutes, ("00", "30", "45")) & among(offset.length(), (3, 5))
    return {
        f"{name}__iso": when(exists, year + hyphen + month + hyphen + day),
        f"{name}__zone": ibis.cases((clear, offset.substr(0, 3) + ":" + minutes), else_=""),
        f"{name}__american": flag(turned),
        f"{name}__dayfirst": flag(first_is_day),
        f"{name}__either": flag(either),
    }


def _day(rows: ibis.Table, name: str) -> dict[str, ir.Value]:
    """Turn the text into a day; a moment into the local day, or into missing where that cannot be told."""
    iso, zone, zoned = rows[f"{name}__iso"], rows[f"{name}__zone"], rows[f"{name}__offset"] != ""
    plain, eleven = when(~zoned, iso).cast("date"), flag((rows[f"{name}__sharp"] == 1) & iso.notnull() & ~zoned)
    if engines.engine(rows) not in ("duckdb", "postgres", "pyspark"):  # SQL Server: named, and it stops
        return {name: plain, f"{name}__eleven": eleven, f"{name}__zoned": flag(zoned & iso.notnull())}
    moment = when(zoned & (zone != ""), iso + ibis.literal(" ") + rows[f"{name}__time"] + ibis.literal(":00") + zone)
    return {
        name: ibis.coalesce(plain, _local(rows, moment)),
        f"{name}__eleven": eleven,
        f"{name}__zoned": flag(zoned & (zone == "") & iso.notnull()),
    }


STEPS = (_upper, _opened, _split, _parted, _compact, _timed, _pieces, _exists, _day)
