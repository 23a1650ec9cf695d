"""From what an extract holds to declared types, step by step, as expressions that every engine can run.

A value that cannot be read becomes missing; what it was is never kept.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from pcref_analysis.intake.declarations import Column, Table
from pcref_analysis.intake.engines import fence
from pcref_analysis.intake.portable import DIGITS, as_text, countable, first, flag, missing_text, only_digits, when

MISSING_WORDS = ("", "NULL", "(NULL)", "N/A", "#N/A", "NA", "NAN", "<NA>", "NAT", "NONE", "NIL", "-", "--", "\\N")
_MONTHS = dict(
    zip(
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
        (f"{m:02d}" for m in range(1, 13)),
        strict=True,
    )
)
_CENTURIES = ("18", "19", "20", "21", "29", "99")
_MONTH_NUMBERS, _DAY_NUMBERS = tuple(_MONTHS.values()), tuple(f"{d:02d}" for d in range(1, 32))
_NO_DAYS = ("0230", "0231", "0431", "0631", "0931", "1131")
_FOURTH_YEARS = tuple(f"{y:02d}" for y in range(0, 100, 4))
_NOT_LEAP = ("1800", "1900", "2100", "2900", "9900")


def without_words(text: ir.StringValue) -> ir.StringValue:
    """Turn the words that systems write for a missing value into missing."""
    return when(~text.upper().isin(MISSING_WORDS), text)


def is_word(text: ir.StringValue) -> ir.BooleanValue:
    """Tell a word that stands for a missing value (an empty text is none)."""
    return text.upper().isin(MISSING_WORDS) & (text.length() > 0)


def mangled(text: ir.StringValue) -> ir.BooleanValue:
    """Tell an identifier in scientific notation (1.23457E+11): a spreadsheet has thrown its digits away."""
    upper = text.upper()
    split = upper.find("E+")
    return (split > 0) & only_digits(first(upper, split).replace(".", "")) & only_digits(upper.substr(split + 2))


def _without_decimal(rows: ibis.Table, name: str, column: Column) -> dict[str, ir.Value]:
    """Turn "12345.0" (a number written by a data frame or a spreadsheet) back into "12345"."""
    text = rows[f"{name}__text"]
    head = first(text, text.length() - 2)
    return {f"{name}__plain": ibis.cases((text.endswith(".0") & only_digits(head), head), else_=text)}


def _id(rows: ibis.Table, name: str, column: Column) -> dict[str, ir.Value]:
    return {name: rows[f"{name}__plain"]}


def _padded(rows: ibis.Table, name: str, column: Column) -> dict[str, ir.Value]:
    """Put back the leading zero of a two-character code, and take blanks out of an area code."""
    plain = rows[f"{name}__plain"]
    if column.area:
        return {f"{name}__full": plain.replace(" ", "").upper()}
    lost = (plain.length() == 1) & plain.isin(tuple(DIGITS)) & (column.width == 2)
    return {f"{name}__full": ibis.cases((lost, ibis.literal("0") + plain), else_=plain), f"{name}__zero": flag(lost)}


def _code(rows: ibis.Table, name: str, column: Column) -> dict[str, ir.Value]:
    """Keep what stands in the list of codes, in the list's own letter case; without a list, in the declared case."""
    full, codes = rows[f"{name}__full"], column.allowed()
    if column.type == "text" and not codes:
        return {name: rows[f"{name}__text"]}
    if column.area:
        size = len(column.area.starts[0])
        fits = first(full, ibis.literal(size)).isin(column.area.starts) & only_digits(full.substr(size))
        return {name: when(fits & (full.length() == size + column.area.digits), full)}
    if not codes:
        return {name: full.lower() if column.case == "lower" else full.upper()}
    if all(code == code.upper() for code in codes):
        return {name: when(full.upper().isin(codes), full.upper())}
    return {name: ibis.cases(*((full.upper() == code.upper(), code) for code in codes), else_=missing_text())}


def _day_text(rows: ibis.Table, name: str, column: Column) -> dict[str, ir.Value]:
    """Cut a time off and write every separator as a hyphen."""
    text = rows[f"{name}__text"].upper()
    timed = (text.substr(10, 1) == "T") & (text.length() > 11)
    space = text.find(" ")
    head = ibis.cases((timed, text.substr(0, 10)), (space > 0, first(text, space)), else_=text)
    return {f"{name}__day": head.replace("/", "-").replace(".", "-")}


def _compact(rows: ibis.Table, name: str, column: Column) -> dict[str, ir.Value]:
    """Bring the accepted ways to write a date to eight characters, year first; missing for any other form.

    Accepted: 2024-03-31 (also with a time), 2024/03/31, 20240331, 31/03/2024 (also 31.03.2024, 31-03-2024, with
    one-digit day or month, and with a time), 31-Mar-2024.
    """
    day = rows[f"{name}__day"]
    size, at = day.length(), lambda position: day.substr(position, 1) == "-"
    month = ibis.cases(*((day.substr(3, 3) == word, number) for word, number in _MONTHS.items()), else_="")
    zero = ibis.literal("0")
    compact = ibis.cases(
        ((size == 10) & at(4) & at(7), day.substr(0, 4) + day.substr(5, 2) + day.substr(8, 2)),
        ((size == 10) & at(2) & at(5), day.substr(6, 4) + day.substr(3, 2) + day.substr(0, 2)),
        ((size == 9) & at(1) & at(4), day.substr(5, 4) + day.substr(2, 2) + zero + day.substr(0, 1)),
        ((size == 9) & at(2) & at(4), day.substr(5, 4) + zero + day.substr(3, 1) + day.substr(0, 2)),
        ((size == 8) & at(1) & at(3), day.substr(4, 4) + zero + day.substr(2, 1) + zero + day.substr(0, 1)),
        ((size == 11) & at(2) & at(6), day.substr(7, 4) + month + day.substr(0, 2)),
        (size == 8, day),
        else_=missing_text(),
    )
    return {f"{name}__compact": compact}


def _date(rows: ibis.Table, name: str, column: Column) -> dict[str, ir.Value]:
    """Turn eight characters into a date; missing where there is no such day."""
    compact, hyphen = rows[f"{name}__compact"], ibis.literal("-")
    year, month, day, monthday = compact.substr(0, 4), compact.substr(4, 2), compact.substr(6, 2), compact.substr(4, 4)
    exists = (
        year.substr(0, 2).isin(_CENTURIES)
        & year.substr(2, 1).isin(tuple(DIGITS))
        & year.substr(3, 1).isin(tuple(DIGITS))
    )
    exists &= month.isin(_MONTH_NUMBERS) & day.isin(_DAY_NUMBERS) & monthday.notin(_NO_DAYS) & (compact.length() == 8)
    exists &= (monthday != "0229") | (compact.substr(2, 2).isin(_FOURTH_YEARS) & year.notin(_NOT_LEAP))
    turned = month.isin(_DAY_NUMBERS[12:]) & day.isin(_MONTH_NUMBERS)  # month/day/year, as in the USA
    iso = year + hyphen + month + hyphen + day
    return {name: when(exists, iso).cast("date"), f"{name}__american": flag(turned)}


def _power(rows: ibis.Table, name: str, column: Column) -> dict[str, ir.Value]:
    """Split 1.0E+05 before and behind the E."""
    text = rows[f"{name}__text"].upper()
    split = text.find("E")
    return {
        f"{name}__mantissa": ibis.cases((split > 0, first(text, split)), else_=text),
        f"{name}__exponent": ibis.cases((split > 0, text.substr(split + 1)), else_="0"),
    }


def _unsigned(rows: ibis.Table, name: str, column: Column) -> dict[str, ir.Value]:
    parts = {part: rows[f"{name}__{part}"] for part in ("mantissa", "exponent")}
    bare = {p: ibis.cases((t.substr(0, 1).isin(("+", "-")), t.substr(1)), else_=t) for p, t in parts.items()}
    point = bare["mantissa"].find(".")
    return {
        f"{name}__whole": ibis.cases((point >= 0, first(bare["mantissa"], point)), else_=bare["mantissa"]),
        f"{name}__digits": bare["mantissa"],
        f"{name}__tail": bare["exponent"],
    }


def _number(rows: ibis.Table, name: str, column: Column) -> dict[str, ir.Value]:
    """Read 1489, 1,489, 1489.0, -3.5 and 1.0E+05; a comma must stand before three digits."""
    whole, body, tail = (rows[f"{name}__{part}"] for part in ("whole", "digits", "tail"))
    size, commas = whole.length(), whole.length() - whole.replace(",", "").length()
    grouped = (
        (commas == 0)
        | ((commas == 1) & (whole.find(",") == size - 4) & (size >= 5) & (size <= 7))
        | (
            (commas == 2)
            & (whole.find(",") == size - 8)
            & (whole.substr(size - 4, 1) == ",")
            & (size >= 9)
            & (size <= 11)
        )
    )
    bare = body.replace(",", "").replace(".", "")
    points = body.length() - body.replace(".", "").length()
    all_commas = body.length() - body.replace(",", "").length()
    fits = grouped & only_digits(bare) & (bare.length() <= 30) & (points <= 1) & (all_commas == commas)
    fits &= only_digits(tail) & (tail.length() <= 2)
    return {f"{name}__number": when(fits, rows[f"{name}__text"].replace(",", "")).cast("float64")}


def _bounded(rows: ibis.Table, name: str, column: Column) -> dict[str, ir.Value]:
    value = rows[f"{name}__number"]
    fits = ibis.literal(True)
    if column.type == "integer":
        value = countable(value)
        fits &= value == value.floor()
    if column.minimum is not None:
        fits &= value >= column.minimum
    if column.maximum is not None:
        fits &= value <= column.maximum
    value = when(fits, value)
    return {name: value.cast("int64") if column.type == "integer" else value}


_STEPS = {
    "date": (_day_text, _compact, _date),
    "number": (_power, _unsigned, _number, _bounded),
    "integer": (_power, _unsigned, _number, _bounded),
    "code": (_without_decimal, _padded, _code),
    "text": (_without_decimal, _padded, _code),
    "id": (_without_decimal, _id),
}


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
    The steps stand in nested selects, so that each is written, and run, once. Columns with a double underscore
    are for the checks and are never kept.
    """
    sources = {n: raw[names[n]] if n in names else missing_text() for n in table.columns}
    days = {n for n, c in table.columns.items() if c.type == "date" and _is_day(sources[n])}
    native = {f"{n}__native": sources[n].cast("date") for n in days}
    rows = raw.select(**{f"{n}__text": as_text(value) for n, value in sources.items()}, **native)
    rows = rows.select(
        **{f"{n}__text": without_words(rows[f"{n}__text"]) for n in table.columns},
        **{f"{n}__word": flag(is_word(rows[f"{n}__text"])) for n in table.columns},
        **{name: rows[name] for name in native},
    )
    rows = fence(rows)
    steps = {n: (_native,) if n in days else _STEPS[column.type] for n, column in table.columns.items()}
    for number in range(max(map(len, steps.values()))):
        new: dict[str, ir.Value] = {}
        for name, column in table.columns.items():
            if number < len(steps[name]):
                new |= steps[name][number](rows, name, column)
        rows = fence(rows.mutate(**new))
    return rows


def _is_day(value: ir.Value) -> bool:
    return value.type().is_date() or value.type().is_timestamp()


def _native(rows: ibis.Table, name: str, column: Column) -> dict[str, ir.Value]:
    """Take a date that the source holds as a date."""
    return {name: rows[f"{name}__native"], f"{name}__american": ibis.literal(0)}
