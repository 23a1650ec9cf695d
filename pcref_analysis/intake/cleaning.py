"""From what an extract holds to declared types: Ibis expressions that every engine can run.

Only portable functions are used (no regular expressions, no casts that can fail), so that one expression runs on
DuckDB, PostgreSQL, SQL Server and Spark alike. A value that cannot be read becomes missing; what it was is never kept.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from pcref_analysis.intake.declarations import Column, Table

MISSING_WORDS = ("", "NULL", "(NULL)", "N/A", "#N/A", "NA", "NAN", "<NA>", "NAT", "NONE", "NIL", "-", "--", "\\N")
OPEN_YEAR = 2900  # an end date in or after this year means "not ended" in many systems (31/12/9999)
_DIGITS = tuple("0123456789")
_MONTHS = dict(
    zip(
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
        (f"{m:02d}" for m in range(1, 13)),
        strict=True,
    )
)
_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DAYS_OF_YEAR = tuple(f"{m:02d}{d:02d}" for m, n in enumerate(_LENGTHS, 1) for d in range(1, n + 1))
_CENTURIES = ("18", "19", "20", "21", "29", "99")
_TWO_DIGITS = tuple(f"{n:02d}" for n in range(100))
_LEAP_YEARS = tuple(
    f"{y}"
    for c in _CENTURIES
    for y in range(int(c) * 100, int(c) * 100 + 100)
    if y % 4 == 0 and (y % 100 or not y % 400)
)


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
    rest = value
    for digit in _DIGITS:
        rest = rest.replace(digit, "")
    return (rest.length() == 0) & (value.length() > 0)


def as_text(value: ir.Value) -> ir.StringValue:
    """Return the column as trimmed text, whatever its type; 2.0 becomes "2"."""
    kind = value.type()
    if kind.is_string():
        return value.strip()
    if kind.is_boolean():
        return ibis.cases((value, "Y"), (~value, "N"), else_=missing_text())
    if kind.is_timestamp():
        return value.date().cast("string")
    if kind.is_floating() or kind.is_decimal():
        whole = value == value.cast("float64").floor()
        small = value.cast("float64").abs() < 1e15
        return ibis.cases(
            (whole & small, when(whole & small, value.cast("float64")).cast("int64").cast("string")),
            else_=value.cast("string"),
        )
    return value.cast("string").strip()


def without_words(text: ir.StringValue) -> ir.StringValue:
    """Turn the words that systems write for a missing value into missing."""
    return when(~text.upper().isin(MISSING_WORDS), text)


def read(text: ir.StringValue, column: Column) -> ir.Value:
    """Read a text (already without missing words) as the declared type; missing where it cannot be read."""
    if column.type == "date":
        return _date(text)
    if column.type == "number":
        return _limits(_number(text), column)
    if column.type == "integer":
        return _limits(_integer(text), column)
    if column.type == "code":
        return _code(text, column)
    if column.type == "id":
        return _without_decimal(text)
    return _listed(text, column.allowed())


def _limits(value: ir.NumericValue, column: Column) -> ir.NumericValue:
    if column.minimum is not None:
        value = when(value >= column.minimum, value)
    if column.maximum is not None:
        value = when(value <= column.maximum, value)
    return value


def _without_decimal(text: ir.StringValue) -> ir.StringValue:
    """Turn "12345.0" (a number written by a data frame or a spreadsheet) back into "12345"."""
    head = first(text, text.length() - 2)
    return ibis.cases((text.endswith(".0") & only_digits(head), head), else_=text)


def mangled(text: ir.StringValue) -> ir.BooleanValue:
    """Tell an identifier in scientific notation (1.23457E+11): a spreadsheet has thrown its digits away."""
    upper = text.upper()
    head = first(upper, upper.find("E+"))
    tail = upper.substr(upper.find("E+") + 2)
    return upper.contains("E+") & only_digits(head.replace(".", "")) & only_digits(tail)


def _listed(text: ir.StringValue, codes: tuple[str, ...]) -> ir.StringValue:
    """Keep what stands in the list, in the list's own letter case."""
    if not codes:
        return text
    folded = text.upper()
    if all(code == code.upper() for code in codes):
        return when(folded.isin(codes), folded)
    return ibis.cases(*((folded == code.upper(), code) for code in codes), else_=missing_text())


def _code(text: ir.StringValue, column: Column) -> ir.StringValue:
    plain = _without_decimal(text)
    if column.area:
        area = plain.replace(" ", "").upper()
        size = len(column.area.starts[0])
        fits = area.substr(0, size).isin(column.area.starts) & only_digits(area.substr(size))
        return when(fits & (area.length() == size + column.area.digits), area)
    if column.width == 2:
        plain = ibis.cases((lost_zero(plain, column), ibis.literal("0") + plain), else_=plain)
    if column.allowed():
        return _listed(plain, column.allowed())
    return plain.lower() if column.case == "lower" else plain.upper()


def lost_zero(text: ir.StringValue, column: Column) -> ir.BooleanValue:
    """Tell a one-digit code of a two-character list ("1" for "01")."""
    return (_without_decimal(text).length() == 1) & _without_decimal(text).isin(_DIGITS) & (column.width == 2)


def compact_date(text: ir.StringValue) -> ir.StringValue:
    """Bring the accepted ways to write a date to eight characters, year first; missing for any other form.

    Accepted: 2024-03-31 (also with a time), 2024/03/31, 20240331, 31/03/2024 (also 31.03.2024, 31-03-2024, with
    one-digit day or month, and with a time), 31-Mar-2024.
    """
    space = text.find(" ")
    head = ibis.cases((space > 0, first(text, space)), else_=text).upper()
    head = ibis.cases((head.substr(10, 1) == "T", head.substr(0, 10)), else_=head)
    head = head.replace("/", "-").replace(".", "-")
    size, at = head.length(), lambda position: head.substr(position, 1) == "-"
    month = ibis.cases(*((head.substr(3, 3) == name, number) for name, number in _MONTHS.items()), else_="")
    zero = ibis.literal("0")
    return ibis.cases(
        ((size == 10) & at(4) & at(7), head.substr(0, 4) + head.substr(5, 2) + head.substr(8, 2)),
        ((size == 10) & at(2) & at(5), head.substr(6, 4) + head.substr(3, 2) + head.substr(0, 2)),
        ((size == 9) & at(1) & at(4), head.substr(5, 4) + head.substr(2, 2) + zero + head.substr(0, 1)),
        ((size == 9) & at(2) & at(4), head.substr(5, 4) + zero + head.substr(3, 1) + head.substr(0, 2)),
        ((size == 8) & at(1) & at(3), head.substr(4, 4) + zero + head.substr(2, 1) + zero + head.substr(0, 1)),
        ((size == 11) & at(2) & at(6), head.substr(7, 4) + month + head.substr(0, 2)),
        (size == 8, head),
        else_=missing_text(),
    )


def month_first(compact: ir.StringValue) -> ir.BooleanValue:
    """Tell a date whose "month" is above 12 and whose "day" could be one: month/day/year, as in the USA."""
    month, day = compact.substr(4, 2), compact.substr(6, 2)
    return month.isin(_TWO_DIGITS[13:32]) & day.isin(_TWO_DIGITS[1:13]) & compact.substr(0, 2).isin(_CENTURIES)


def _date(compact: ir.StringValue) -> ir.DateValue:
    """Turn eight characters into a date; missing where there is no such day."""
    year, day = compact.substr(0, 4), compact.substr(4, 4)
    exists = compact.substr(0, 2).isin(_CENTURIES) & compact.substr(2, 2).isin(_TWO_DIGITS) & day.isin(_DAYS_OF_YEAR)
    exists &= (day != "0229") | year.isin(_LEAP_YEARS)
    iso = year + ibis.literal("-") + compact.substr(4, 2) + ibis.literal("-") + compact.substr(6, 2)
    return when(exists & (compact.length() == 8), iso).cast("date")


def _number(text: ir.StringValue) -> ir.FloatingValue:
    """Read 1489, 1,489, 1489.0, -3.5 and 1.0E+05; a comma must stand before three digits."""
    upper = text.upper()
    power = upper.find("E")
    mantissa = ibis.cases((power > 0, first(upper, power)), else_=upper)
    exponent = ibis.cases((power > 0, upper.substr(power + 1)), else_="0")
    sign = lambda part: ibis.cases((part.substr(0, 1).isin(("+", "-")), part.substr(1)), else_=part)  # noqa: E731
    body, tail = sign(mantissa), sign(exponent)
    point = body.find(".")
    whole = ibis.cases((point >= 0, first(body, point)), else_=body)
    size, commas = whole.length(), whole.length() - whole.replace(",", "").length()
    grouped = (
        (commas == 0)
        | ((commas == 1) & (whole.find(",") == size - 4) & (size <= 7))
        | ((commas == 2) & (whole.find(",") == size - 8) & (whole.substr(size - 4, 1) == ",") & (size <= 11))
    )
    digits = body.replace(",", "").replace(".", "")
    one_point = body.length() - body.replace(".", "").length() <= 1
    fraction = ibis.cases((point >= 0, body.substr(point + 1)), else_="0")
    fits = grouped & only_digits(digits) & one_point & (digits.length() <= 30) & ~fraction.contains(",")
    fits &= only_digits(tail) & (tail.length() <= 2)
    return when(fits, upper.replace(",", "")).cast("float64")


def _integer(text: ir.StringValue) -> ir.IntegerValue:
    number = _number(text)
    return when((number == number.floor()) & (number.abs() < 1e15), number).cast("int64")


def staged(raw: ibis.Table, table: Table, names: dict[str, str]) -> ibis.Table:
    """Return the table with, for each declared column, its text (``<name>__text``) and what was read (``<name>``).

    Parameters
    ----------
    raw
        The table as it stands in the extract.
    table
        Its declaration.
    names
        Declared name to the name in ``raw``; a declared column that is not named becomes missing.

    Notes
    -----
    ``<name>__text`` is missing where nothing was recorded; ``<name>__word`` is 1 where a word such as NULL stood.
    The steps stand in nested selects, so that each is written, and run, once.
    """
    first = {n: as_text(raw[names[n]]) if n in names else missing_text() for n in table.columns}
    text = raw.select(**{f"{n}__text": value for n, value in first.items()})
    second = {f"{n}__text": without_words(text[f"{n}__text"]) for n in table.columns}
    words = {f"{n}__word": flag(_is_word(text[f"{n}__text"])) for n in table.columns}
    known = text.select(**second, **words)
    dates = {
        f"{n}__compact": compact_date(known[f"{n}__text"])
        for n, column in table.columns.items()
        if column.type == "date"
    }
    form = known.mutate(**dates) if dates else known
    read_as = {
        n: read(form[f"{n}__compact" if column.type == "date" else f"{n}__text"], column)
        for n, column in table.columns.items()
    }
    return form.mutate(**read_as)


def _is_word(text: ir.StringValue) -> ir.BooleanValue:
    return text.upper().isin(MISSING_WORDS) & (text.length() > 0)
