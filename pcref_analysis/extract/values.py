"""From one text of an extract to its value, and what was odd about it; plain Python, no rows.

A value that cannot be read becomes missing; what it was is never kept. A moment (with Z or an offset) becomes the day
in Europe/London: local midnight in summer is 23:00 of the day before in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import NamedTuple
from zoneinfo import ZoneInfo

import yaml

from pcref_analysis.extract.schema import Column
from pcref_analysis.extract.sources.portable import BEYOND_WHOLE, MISSING_WORDS, visible
from pcref_analysis.vocabulary.parameters import LOADER

ZONE = "Europe/London"
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_CENTURIES = (18, 19, 20, 21, 29, 99)
_ENDLESS = {"infinity": date.max, "-infinity": date.min}  # of PostgreSQL and DuckDB
_PLAIN = re.compile(r"([12][089]\d\d)-(\d\d)-(\d\d)(?: 00:00(?::00)?(?:\.0+)?)?", re.ASCII)
_SEPARATORS, _TO_BLANKS = str.maketrans("/.", "--"), str.maketrans("-/,.", "    ")
_NOT_DIGITS = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ-/,.", " " * 30)
_TIME = re.compile(  # after a day or alone
    r"(?:(?:\d{4}-\d\d-\d\d|\d{1,2}[/.-]\d{1,2}[/.-]\d{4}|\d{1,2}[- ][A-Z]{3,9}[- ]\d{4}|[A-Z]{3,9} \d{1,2} \d{4})"
    r"[ T])?"
    r"(?:(\d{1,2})[:.](\d\d)(?:[:.]\d\d(?:[.,:]\d{1,9})?)?|(\d\d)(\d\d)(?:\d\d)?) ?([AP]M)?",
    re.ASCII,
)
_NUMBER = re.compile(
    r"(?=[+-]?\.?\d)[+-]?(?:\d{0,30}|\d{1,3},\d{3}|\d{1,3},\d{3},\d{3})(?:\.\d*)?(?:E[+-]?\d{1,2})?", re.ASCII
)


class Read(NamedTuple):
    """What a text was read as: ``value`` (missing where it cannot be read), whether anything was recorded, oddities."""

    value: date | float | int | str | None
    recorded: bool = True
    odd: tuple[str, ...] = ()


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


def reader(column: Column, codes: Mapping[str, str], oldest: date, today: date) -> Callable[[str], Read]:
    """Return what reads the texts of a column.

    Parameters
    ----------
    column
        Its declaration; of any type but an identifier, which is read where the rows live.
    codes
        Local value to the code of the contract; letter case, outer blanks and what cannot be seen do not count.
    oldest
        Who was born before it is older than can be; an event before it is no event.
    today
        Dates after it lie in the future.
    """
    local = {visible(value).upper(): code for value, code in codes.items()}
    local = {f"{value}.0": code for value, code in local.items() if value.isdigit()} | local
    of_type = {"date": _date_of, "time": _time_of, "integer": _number_of, "number": _number_of}.get(
        column.type, _code_of
    )

    def read(text: str) -> Read:
        text = visible(text)
        text = local.get(text.upper(), text)
        if text.upper() in MISSING_WORDS:
            return Read(None, recorded=False, odd=("word",) if text else ())
        return of_type(text, column, oldest, today)

    return read


def _code_of(text: str, column: Column, oldest: date, today: date) -> Read:
    """Keep what stands in the list of codes, in the list's own letter case; without a list, in the declared case."""
    if text.endswith(".0") and _digits(text[:-2]):
        text = text[:-2]
    if column.area:
        text = text.replace(" ", "").upper()
        size = len(column.area.starts[0])
        fits = text[:size] in column.area.starts and _digits(text[size:]) and len(text) == size + column.area.digits
        return Read(text if fits else None)
    lost = column.width == 2 and len(text) == 1 and _digits(text)
    text, codes = f"0{text}" if lost else text, column.allowed()
    if codes:
        value = {code.upper(): code for code in codes}.get(text.upper())
    else:
        value = text if column.type == "text" else text.lower() if column.case == "lower" else text.upper()
    return Read(value, odd=("zero",) if lost and value is not None else ())


def _number_of(text: str, column: Column, oldest: date, today: date) -> Read:
    """Read 1489, 1,489, 1489.0, -3.5 and 1.0E+05; a comma must stand before three digits."""
    if not _NUMBER.fullmatch(text.upper()):
        return Read(None)
    value = float(text.replace(",", ""))
    fits = column.type == "number" or (abs(value) < BEYOND_WHOLE and value.is_integer())
    fits &= column.minimum is None or value >= column.minimum
    fits &= column.maximum is None or value <= column.maximum
    return Read((int(value) if column.type == "integer" else value) if fits else None)


def _date_of(text: str, column: Column, oldest: date, today: date) -> Read:
    """Read a day, and take out a day that cannot be.

    A stand-in date (``stand_in_dates.yml``) is no date, as if nothing were recorded.
    """
    value, odd = day_of(text)
    if value is None:
        return Read(None, odd=odd)
    always, events, ahead = stand_ins()
    early = value in always if column.birth else value in events or value < oldest
    late, far = value > today, value > date(today.year + ahead, today.month, 1)
    old = column.birth and value < oldest and not early
    odd += tuple(
        key for key, there in (("early", early), ("far", far), ("future", late and not far), ("old", old)) if there
    )
    out = early or far or old or (column.birth and late)
    return Read(None if out else value, recorded=not (early or far), odd=odd)


def _time_of(text: str, column: Column, oldest: date, today: date) -> Read:
    """Read a time of day as 14:05, which is compared and counted with.

    Accepted: 14:05, 9:05, 14.05, 1405, 2:05 PM, each with or without seconds and with or without a day before it
    (which counts for nothing). A time with Z or an offset is not: on which day it would be local cannot be told.

    Examples
    --------
    >>> column = Column(type="time", required=False, meaning="", without="")
    >>> [_time_of(text, column, date.min, date.max).value for text in ("9:05", "1900-01-01 21:05:30.000", "24:05")]
    ['09:05', '21:05', None]
    """
    found = _TIME.fullmatch(" ".join(text.upper().split()))
    if not found:
        return Read(None)
    hours, minutes, half = int(found[1] or found[3]), int(found[2] or found[4]), found[5]
    if half and not 1 <= hours <= 12:
        return Read(None)
    hours = hours % 12 + 12 * (half == "PM") if half else hours
    return Read(f"{hours:02d}:{minutes:02d}" if hours < 24 and minutes < 60 else None)


def day_of(text: str) -> tuple[date | None, tuple[str, ...]]:
    """Read a day in one of the accepted forms, and say how it was written.

    Accepted: 2024-03-31, 2024/03/31, 20240331, 31/03/2024 (also 31.03.2024, 31-03-2024, and with one-digit day or
    month), 31-Mar-2024, 1 Apr 2023, 1 April 2023, Apr 1 2023, 01APR2023; each with or without a time, and the first
    ones with Z or an offset.

    Examples
    --------
    >>> day_of("31/03/2024"), day_of("2024-03-30T23:30:00-01:00"), day_of("03/31/2024")
    ((datetime.date(2024, 3, 31), ('dayfirst',)), (datetime.date(2024, 3, 31), ()), (None, ('american',)))
    """
    if (plain := _PLAIN.fullmatch(text)) and (value := _exists("".join(plain.groups()))):
        return value, ()
    if text in _ENDLESS:
        return _ENDLESS[text], ()
    text = text.upper()
    compact, clock, odd = _named_month(text) if (at := max(map(text.find, _MONTHS))) >= 0 else _of_digits(text)
    value = _exists(compact)
    zone = _offset(clock, named=at >= 0)
    if value is None:
        return None, odd
    if zone is None:
        sharp = clock[:5] in ("23:00", "11:00") and _only_zeros(clock)
        return value, (*odd, "eleven") if sharp else odd
    local = _in_london(value, clock, zone)
    return local, odd if local else (*odd, "zoned")


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _named_month(text: str) -> tuple[str, str, tuple[str, ...]]:
    """Return year, month and day of a form that names the month as eight digits, the whole text as clock, oddities."""
    at = max(map(text.find, _MONTHS))
    month = f"{_MONTHS.index(text[at : at + 3]) + 1:02d}"
    before = text[:at].translate(_TO_BLANKS).strip()
    behind = text[at + 3 :].translate(_NOT_DIGITS).strip()
    first, _, rest = behind.partition(" ")
    day, year = (before, behind) if before else (first if rest else "", rest.strip() if rest else behind)
    if len(before) == 4:
        day, year = behind[:2], before
    day = day.strip()
    ends = year[4:5] in ("", " ", ":")
    short = _digits(year) and len(year) == 2
    return f"{year[:4]}{month}{day.zfill(2) if len(day) == 1 else day}" if ends else "", text, ("short",) * short


def _of_digits(text: str) -> tuple[str, str, tuple[str, ...]]:
    """Return year, month and day of a form without names as eight digits, the time of day, oddities."""
    if _digits(text[:8]) and text[8:9] == "T":
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    elif len(text) == 10 and text.endswith(".0") and _digits(text[:8]):
        text = text[:8]
    letter, space = text.find("T"), text.find(" ")
    cut = letter if 8 <= letter <= 10 and len(text) > letter + 1 else space if space > 0 else len(text)
    day, clock = text[:cut].translate(_SEPARATORS), text[cut + 1 :].strip()
    parts = day.split("-")
    sizes = tuple(map(len, parts))
    first = len(parts) == 3 and sizes[2] == 4 and sizes[0] in (1, 2) and sizes[1] in (1, 2)  # the day or the month
    if first:
        compact = f"{parts[2]}{parts[1].zfill(2)}{parts[0].zfill(2)}"
    elif sizes == (4, 2, 2):
        compact = "".join(parts)
    else:
        compact = day if len(day) == 8 and len(parts) == 1 else ""
    odd = []
    month, number = compact[4:6], compact[6:]
    if compact and _within(month, 13, 31) and _within(number, 1, 12):
        odd.append("american")
    if first and _within(number, 13, 31) and _within(month, 1, 12):
        odd.append("dayfirst")
    if first and _within(number, 1, 12) and _within(month, 1, 12) and month != number:
        odd.append("either")
    if len(day) == 5 and _digits(day):
        odd.append("serial")
    if len(parts) == 3 and len(day) <= 8 and _digits("".join(parts)) and sizes[2] == 2:
        odd.append("short")
    return compact, clock, tuple(odd)


def _exists(compact: str) -> date | None:
    """Return the day of eight digits, year first; missing where the calendar has none, or no year is meant."""
    if len(compact) != 8 or not _digits(compact):
        return None
    try:
        day = date(int(compact[:4]), int(compact[4:6]), int(compact[6:]))
    except ValueError:
        return None
    return day if day.year // 100 in _CENTURIES or day in stand_ins()[1] else None


def _within(text: str, least: int, most: int) -> bool:
    return len(text) == 2 and _digits(text) and least <= int(text) <= most


def _only_zeros(clock: str) -> bool:
    """Tell 23:00, 23:00:00.000 and 11:00:00 PM."""
    rest = re.sub(r"[0:.]", "", clock[5:]).strip()
    return (clock[:2] == "23" and not rest) or (clock[:2] == "11" and rest == "PM")


def _offset(clock: str, named: bool) -> str | None:
    """Return the offset from UTC as it is written, "?" where it cannot be told; ``None`` for a plain time."""
    utc = clock.endswith(("Z", "UTC", "GMT"))
    plus, minus = clock.find("+"), -1 if named else clock.find("-")
    sign = plus if plus > 0 else minus
    if named and (utc or sign > 0):
        return "?"
    return "+0000" if utc else clock[sign:].replace(":", "") if sign > 0 else None


def _in_london(day: date, clock: str, zone: str) -> date | None:
    """Return the day in London of a moment; missing where time or offset cannot be told."""
    time, ahead = f"{clock[:2]}:{clock[3:5] if clock[2:3] == ':' else clock[2:4]}", zone[1:3]
    minutes = "00" if len(zone) == 3 else zone[3:5]
    clear = _within(time[:2], 0, 23) and _within(time[3:], 0, 59) and _within(ahead, 0, 14)
    if not (clear and minutes in ("00", "30", "45") and len(zone) in (3, 5)):
        return None
    moment = datetime(day.year, day.month, day.day, int(time[:2]), int(time[3:]), tzinfo=UTC)
    offset = timedelta(hours=int(ahead), minutes=int(minutes))
    try:
        return (moment - offset if zone[0] == "+" else moment + offset).astimezone(ZoneInfo(ZONE)).date()
    except OverflowError:
        return None
