"""From what an extract holds to declared types: each different text of a column is read once, in this program.

Identifiers, of which nearly every row has another, are read where the rows live and never leave. Of the other columns
come the different texts of each, with the number of their rows: not who has them, nor which stand in one row. What they
were read as goes back as a small table, and is joined to the rows there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis import _

from pcref_analysis.extract import values
from pcref_analysis.extract.schema import IBIS_TYPES, Table
from pcref_analysis.extract.sources import engines
from pcref_analysis.extract.sources.portable import (
    MISSING_WORDS,
    among,
    as_text,
    first,
    flag,
    missing_text,
    only_digits,
    seen,
    stack,
    when,
)

WINDOWS_ZONE = "GMT Standard Time"  # the name of Europe/London on SQL Server; summer time is in it
WORD, MANGLED = 1, 2  # what is odd about an identifier
_KINDS = {"string": pa.string(), "date": pa.date32(), "int64": pa.int64(), "float64": pa.float64()}


class Known(NamedTuple):
    """What the different texts were read as.

    ``table``: ``column, text, recorded`` (1 where more stands there than a word for missing or a stand-in date) and
    one column a type (``string, date, int64, float64``), where the rows live. ``counts``: ``column__oddity`` to rows.
    ``unread``: column to the texts that are recorded and cannot be read. ``plain``: the columns whose every text is
    its value as it stands, so that nothing has to be looked up.
    """

    table: ibis.Table
    counts: dict[str, int]
    unread: dict[str, list[str]]
    plain: frozenset[str] = frozenset()


@ibis.udf.scalar.builtin(name="timezone", signature=(("string", "timestamp('UTC')"), "timestamp"))
def _timezone(zone: Any, moment: Any) -> Any:  # DuckDB and PostgreSQL
    ...


@ibis.udf.scalar.builtin(name="from_utc_timestamp", signature=(("timestamp('UTC')", "string"), "timestamp"))
def _from_utc_timestamp(moment: Any, zone: Any) -> Any:  # Spark, whose sessions Ibis sets to UTC
    ...


@ibis.udf.scalar.builtin(name="convert_timezone", signature=(("string", "timestamp('UTC')"), "timestamp"))
def _at_time_zone(zone: Any, moment: Any) -> Any:  # SQL Server: written as moment AT TIME ZONE zone
    ...


def _local(moment: ir.TimestampValue, kind: str) -> ir.DateValue:
    """Return the day in London of a column that the source holds as moments with a time zone."""
    if kind == "pyspark":
        return _from_utc_timestamp(moment, ibis.literal(values.ZONE)).date()
    if kind == "mssql":  # a cast alone would give the day at the offset that the value bears
        return _at_time_zone(ibis.literal(WINDOWS_ZONE), moment).date()
    return _timezone(ibis.literal(values.ZONE), moment).date()


def texts(raw: ibis.Table, table: Table, names: Mapping[str, str]) -> ibis.Table:
    """Return the declared columns as text, as they stand in the extract; days that are held as days stay so.

    Parameters
    ----------
    raw
        The table as it stands in the extract.
    table
        Its declaration.
    names
        Declared name to the name in ``raw``; a declared column that is not named becomes missing.
    """
    kind = engines.engine(raw)
    columns = {n: raw[names[n]] if n in names else missing_text() for n in table.columns}
    return raw.select(**{n: _text(columns[n], c.type, kind) for n, c in table.columns.items()})


def _text(value: ir.Value, declared: str, kind: str) -> ir.StringValue:
    of, is_day = value.type(), declared == "date"
    if declared == "time" and of.is_timestamp() and of.timezone is None:  # datetime, of which the day means nothing
        return (value.hour() * 100 + value.minute() + 10_000).cast("string").substr(1, 4)
    if is_day and of.is_date():
        return value
    if is_day and of.is_timestamp() and of.timezone is not None:
        return _local(value, kind).cast("string")
    if is_day and of.is_timestamp():  # a moment without a zone: its day, and whether it was 23:00 sharp there
        sharp = (value.hour() == 23) & (value.minute() == 0) & (value.second() == 0)
        day = value.cast("date").cast("string")
        return ibis.cases((sharp, day + ibis.literal(" 23:00")), else_=day)
    return _day_of_moment(value) if is_day and of.is_string() else as_text(value)


def _day_of_moment(text: ir.StringValue) -> ir.StringValue:
    """Cut the time from 2024-03-31 10:23:45 and 31/03/2024 10:23:45.997, so that days are read and not seconds.

    Not from 23:00, which may be local midnight in summer written in UTC.
    """
    moment = (text.length() == 19) | (text.length() == 23)
    moment &= (text.substr(13, 1) == ":") & (text.substr(16, 1) == ":") & (text.substr(11, 5) != "23:00")
    return ibis.cases((moment, text.substr(0, 10)), else_=text)


def read(rows: ibis.Table, table: Table, codes: Mapping[str, Mapping[str, str]], oldest: date, today: date) -> Known:
    """Read each different text of the columns that are no identifiers, once.

    Parameters
    ----------
    rows
        As of :func:`texts`.
    table
        Its declaration.
    codes
        Column to {local value: code of the contract} (``source.codes``).
    oldest, today
        See :func:`pcref_analysis.extract.values.reader`.
    """
    names = [name for name, column in table.columns.items() if column.type != "id"]
    parts = []
    for name in names:
        each = rows.select(text=rows[name]).filter(_.text.notnull()).group_by("text").agg(rows=_.count())
        parts.append(each.select("rows", column=ibis.literal(name), text=each.text.cast("string")))
    found = engines.arrow(stack(parts)).to_pydict()
    counts: Counter[str] = Counter()
    unread: dict[str, list[str]] = {name: [] for name in names}
    plain = set(names) if engines.engine(rows) != "mssql" else set()  # there a text is equal to others, "a" to "A"
    readers = {n: values.reader(table.columns[n], codes.get(n, {}), oldest, today) for n in names}
    lines: list[tuple[str, str, Any, bool]] = []
    for name, text, number in zip(found["column"], found["text"], found["rows"], strict=True):
        value, recorded, odd = readers[name](text)
        counts[f"{name}__filled"] += number * recorded
        if recorded and value is None:
            counts[f"{name}__unread"] += number
            unread[name].append(text)
        for key in odd:
            counts[f"{name}__{key}"] += number
        if value is None or str(value) != text:
            plain.discard(name)
        lines.append((name, text, value, recorded))
    lines = [line for line in lines if line[0] not in plain]
    data = {"column": pa.array([name for name, *_rest in lines], pa.string())}
    data["text"] = pa.array([text for _name, text, *_rest in lines], pa.string())
    data["recorded"] = pa.array([int(recorded) for *_rest, recorded in lines], pa.int8())
    for kind, of in _KINDS.items():
        fits = {name for name in names if IBIS_TYPES[table.columns[name].type] == kind}
        data[kind] = pa.array([value if name in fits else None for name, _text, value, _rest in lines], of)
    return Known(engines.temporary_table(pa.table(data), rows), dict(counts), unread, frozenset(plain))


def joined(rows: ibis.Table, table: Table, known: Known) -> ibis.Table:
    """Return the rows of :func:`texts` with what was read of each declared column, and ``<name>__recorded`` (1 or 0).

    Of an identifier there is ``<name>__odd``: ``WORD`` where a word for missing stood, ``MANGLED`` where a spreadsheet
    has thrown digits away, else 0.
    """
    ids = [name for name, column in table.columns.items() if column.type == "id"]
    kind = engines.engine(rows)
    rows = engines.fence(rows.mutate(**{n: seen(rows[n], kind) for n in ids})) if ids else rows
    found = rows
    new: dict[str, ibis.Value] = {}
    for name, column in table.columns.items():
        kind, text = IBIS_TYPES[column.type], rows[name]
        if column.type == "id":
            new |= {name: _identifier(text), f"{name}__odd": _odd(text)}
        elif name in known.plain:
            new |= {name: text.cast(kind), f"{name}__recorded": flag(text.notnull())}
        else:
            read = known.table.filter(known.table.column == name)
            read = read.select(**{f"{name}__text": _.text, f"{name}__value": _[kind], f"{name}__found": _.recorded})
            found = found.left_join(read, text.cast("string") == read[f"{name}__text"])
            new |= {name: found[f"{name}__value"], f"{name}__recorded": ibis.coalesce(found[f"{name}__found"], 0)}
    return found.select(**new)


def _identifier(text: ir.StringValue) -> ir.StringValue:
    """Take words for missing out, and turn "12345.0" (written by a data frame or a spreadsheet) back into "12345"."""
    head = first(text, text.length() - 2)
    plain = ibis.cases((text.endswith(".0"), ibis.cases((only_digits(head), head), else_=text)), else_=text)
    return when(~is_word(text), plain)


def is_word(text: ir.StringValue) -> ir.BooleanValue:
    """Tell a word that is written for a missing value, the empty text among them."""
    return ibis.cases((text.length() <= max(map(len, MISSING_WORDS)), among(text.upper(), MISSING_WORDS)), else_=False)


def _odd(text: ir.StringValue) -> ir.IntegerValue:
    return ibis.cases(
        (text.length() == 0, 0),
        (is_word(text), WORD),
        (text.find("+") > 0, flag(mangled(text)) * MANGLED),  # upper case costs much, and few have a plus
        else_=0,
    )


def mangled(text: ir.StringValue) -> ir.BooleanValue:
    """Tell an identifier in scientific notation (1.23457E+11): a spreadsheet has thrown its digits away."""
    upper = text.upper()
    split = upper.find("E+")
    return (split > 0) & only_digits(first(upper, split).replace(".", "")) & only_digits(upper.substr(split + 2))
