"""Words that every engine understands: DuckDB, PostgreSQL, SQL Server and Spark run the same expressions.

No regular expressions on SQL Server, and no cast that can fail: what might not fit is made missing before it is cast.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import reduce
from operator import or_
from typing import Any

import ibis
import ibis.expr.types as ir

DIGITS = "0123456789"
BEYOND_WHOLE = 1e15  # whole numbers of more digits are no counts and no codes
MISSING_WORDS = ("", "NULL", "(NULL)", "N/A", "#N/A", "NA", "NAN", "<NA>", "NAT", "NONE", "NIL", "-", "--", "\\N")
BLANKS = "\t\n\x0b\x0c\r\x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
ZERO_WIDTH = "\xad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"  # soft hyphen, joiners, marks of direction and order
_VISIBLE = str.maketrans(BLANKS, " " * len(BLANKS), ZERO_WIDTH + "\0")


@ibis.udf.scalar.builtin(name="nchar", signature=(("int32",), "string"))
def _nchar(code: Any) -> Any:  # SQL Server, where a literal would be brought to the letters of the database first
    ...


def stack(tables: Sequence[ibis.Table]) -> ibis.Table:
    """Put the rows of one or several tables under one another."""
    return tables[0] if len(tables) == 1 else ibis.union(*tables)


def visible(text: str) -> str:
    """Return a text without what cannot be seen: any blank as a plain one, none at the ends, nothing of no width."""
    return text.translate(_VISIBLE).strip()


def seen(text: ir.StringValue, engine: str) -> ir.StringValue:
    """Do as :func:`visible` does where the rows live; SQL Server compares without regard to what has no width."""
    if engine == "mssql":
        for code in (0xA0, 9, 10, 13):
            text = text.replace(_nchar(ibis.literal(code, "int32")), ibis.literal(" "))
        return text.strip()
    form = r"\u{:04x}" if engine == "postgres" else r"\x{{{:x}}}"  # plain letters: the server may not keep UTF-8
    blanks, none = ("".join(form.format(ord(sign)) for sign in signs) for signs in (BLANKS, ZERO_WIDTH))
    none += "" if engine == "postgres" else form.format(0)  # PostgreSQL holds no NUL, and knows no escape for it
    clean = text.re_replace(f"[{blanks}]", " ").re_replace(f"[{none}]", "").strip()
    return ibis.cases((text.re_search(f"^ | $|[{blanks}{none}]"), clean), else_=text)


def missing_text() -> ir.StringScalar:
    """Return the missing value of text."""
    return ibis.null("string")


def when(condition: ir.BooleanValue, value: ir.Value) -> ir.Value:
    """Return the value where the condition holds, else missing."""
    return ibis.cases((condition, value), else_=ibis.null(value.type()))


def flag(condition: ir.BooleanValue) -> ir.IntegerValue:
    """Return 1 where the condition holds, else 0 (also where it cannot be told)."""
    return ibis.cases((condition, 1), else_=0)


def first(text: ir.StringValue, size: ir.IntegerValue) -> ir.StringValue:
    """Return the first characters; none where the size is negative (which PostgreSQL and SQL Server refuse)."""
    return text.substr(0, ibis.cases((size > 0, size), else_=0))


def only_digits(value: ir.StringValue) -> ir.BooleanValue:
    """Tell whether a text consists of digits and nothing else."""
    return (value.translate(DIGITS, "0" * 10).replace("0", "").length() == 0) & (value.length() > 0)


def among(value: ir.Value, options: Iterable[str | date | int]) -> ir.BooleanValue:
    """Tell whether a value is one of several, without an IN list (DuckDB makes a join of each: seconds a column).

    More than a few texts are looked for in one line of all of them, which is written once however many they are.
    """
    options = list(options)
    if not value.type().is_string() or len(options) < 5:
        return reduce(or_, (value == option for option in options))
    line = ibis.literal("".join(f"~{option}" for option in options) + "~")
    within = (line.find(ibis.literal("~") + value + "~") >= 0) & (value.find("~") < 0)
    return ibis.cases((value.length() <= max(len(str(option)) for option in options), within), else_=False)


def countable(number: ir.FloatingValue) -> ir.FloatingValue:
    """Keep numbers of at most fifteen digits: others, and "not a number", cannot become whole without an error."""
    return when(number.abs() < BEYOND_WHOLE, number)


def as_text(value: ir.Value) -> ir.StringValue:
    """Return the column as text, whatever its type; 2.0 becomes "2"."""
    kind = value.type()
    if kind.is_string():
        return value
    if kind.is_boolean():
        return ibis.cases((value, "Y"), (~value, "N"), else_=missing_text())
    if kind.is_timestamp():
        return value.date().cast("string")
    if kind.is_floating() or kind.is_decimal():
        number = countable(value.cast("float64"))
        whole = when(number == number.floor(), number)
        return ibis.cases((whole.notnull(), whole.cast("int64").cast("string")), else_=value.cast("string"))
    return value.cast("string").strip()
