"""From what an extract holds to declared types, step by step, as expressions that every engine can run.

A value that cannot be read becomes missing; what it was is never kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import ibis
import ibis.expr.types as ir

from pcref_analysis.extract import dates
from pcref_analysis.extract.schema import Column, Table
from pcref_analysis.extract.sources import engines
from pcref_analysis.extract.sources.engines import fence
from pcref_analysis.extract.sources.portable import (
    DIGITS,
    among,
    as_text,
    countable,
    first,
    flag,
    missing_text,
    only_digits,
    seen,
    visible,
    when,
)

MISSING_WORDS = ("", "NULL", "(NULL)", "N/A", "#N/A", "NA", "NAN", "<NA>", "NAT", "NONE", "NIL", "-", "--", "\\N")


def without_words(text: ir.StringValue) -> ir.StringValue:
    """Turn the words that systems write for a missing value into missing."""
    return when(~among(text.upper(), MISSING_WORDS), text)


def is_word(text: ir.StringValue) -> ir.BooleanValue:
    """Tell a word that stands for a missing value (an empty text is none)."""
    return among(text.upper(), MISSING_WORDS) & (text.length() > 0)


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
    lost = (plain.length() == 1) & among(plain, DIGITS) & (column.width == 2)
    return {f"{name}__full": ibis.cases((lost, ibis.literal("0") + plain), else_=plain), f"{name}__zero": flag(lost)}


def _code(rows: ibis.Table, name: str, column: Column) -> dict[str, ir.Value]:
    """Keep what stands in the list of codes, in the list's own letter case; without a list, in the declared case."""
    full, codes = rows[f"{name}__full"], column.allowed()
    if column.type == "text" and not codes:
        return {name: rows[f"{name}__text"]}
    if column.area:
        size = len(column.area.starts[0])
        fits = among(first(full, ibis.literal(size)), column.area.starts) & only_digits(full.substr(size))
        return {name: when(fits & (full.length() == size + column.area.digits), full)}
    if not codes:
        return {name: full.lower() if column.case == "lower" else full.upper()}
    if all(code == code.upper() for code in codes):
        return {name: when(among(full.upper(), codes), full.upper())}
    return {name: ibis.cases(*((full.upper() == code.upper(), code) for code in codes), else_=missing_text())}


def _power(rows: ibis.Table, name: str) -> dict[str, ir.Value]:
    """Split 1.0E+05 before and behind the E."""
    text = rows[f"{name}__text"].upper()
    split = text.find("E")
    return {
        f"{name}__mantissa": ibis.cases((split > 0, first(text, split)), else_=text),
        f"{name}__exponent": ibis.cases((split > 0, text.substr(split + 1)), else_="0"),
    }


def _unsigned(rows: ibis.Table, name: str) -> dict[str, ir.Value]:
    parts = {part: rows[f"{name}__{part}"] for part in ("mantissa", "exponent")}
    bare = {p: ibis.cases((t.substr(0, 1).isin(("+", "-")), t.substr(1)), else_=t) for p, t in parts.items()}
    point = bare["mantissa"].find(".")
    return {
        f"{name}__whole": ibis.cases((point >= 0, first(bare["mantissa"], point)), else_=bare["mantissa"]),
        f"{name}__digits": bare["mantissa"],
        f"{name}__tail": bare["exponent"],
    }


def _number(rows: ibis.Table, name: str) -> dict[str, ir.Value]:
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
    "number": (_bounded,),
    "integer": (_bounded,),
    "code": (_without_decimal, _padded, _code),
    "text": (_without_decimal, _padded, _code),
    "id": (_without_decimal, _id),
}
NUMBERS = ("number", "integer")
NUMBER_STEPS = (_power, _unsigned, _number)


def _mapped(text: ir.StringValue, codes: dict[str, str]) -> ir.StringValue:
    """Put the contract's code for a local value; a number written 1.0 is 1."""
    pairs = {visible(local).upper(): code for local, code in codes.items()}
    pairs = {f"{local}.0": code for local, code in pairs.items() if local.isdigit()} | pairs
    return ibis.cases(*((text.upper() == local, code) for local, code in pairs.items()), else_=text)


def texts(
    raw: ibis.Table, table: Table, names: dict[str, str], codes: Mapping[str, dict[str, str]] | None = None
) -> ibis.Table:
    """Return the table with the text of each declared column, as it stands in the extract.

    Parameters
    ----------
    raw
        The table as it stands in the extract.
    table
        Its declaration.
    names
        Declared name to the name in ``raw``; a declared column that is not named becomes missing.
    codes
        Column to {local value: code of the contract} (``source.codes``); letter case, outer blanks and what cannot be
        seen do not count.

    Notes
    -----
    ``<name>__text`` is missing where nothing was recorded; ``<name>__word`` is 1 where a word such as NULL stood;
    ``<name>__native`` is the day of a column that the source holds as days or moments. Hold the result
    (:func:`pcref_analysis.extract.sources.engines.hold`) before it is read: several statements ask for it.
    """
    sources = {n: raw[names[n]] if n in names else missing_text() for n in table.columns}
    days = [n for n, c in table.columns.items() if c.type == "date" and dates.is_day(sources[n])]
    native = {f"{n}__{key}": value for n in days for key, value in dates.native(raw, sources[n]).items()}
    texts = {f"{n}__text": as_text(value) for n, value in sources.items()}
    kind = engines.engine(raw)
    texts |= {
        f"{n}__text": seen(texts[f"{n}__text"], kind) for n in sources if n in names and sources[n].type().is_string()
    }
    rows = fence(raw.select(**texts, **native))  # else written again for every word that is compared below
    rows = rows.mutate(**{f"{n}__text": _mapped(rows[f"{n}__text"], local) for n, local in (codes or {}).items()})
    return rows.select(
        **{f"{n}__text": without_words(rows[f"{n}__text"]) for n in table.columns},
        **{f"{n}__word": flag(is_word(rows[f"{n}__text"])) for n in table.columns},
        **{name: rows[name] for name in native},
    )


def staged(rows: ibis.Table, table: Table) -> ibis.Table:
    """Return the rows of :func:`texts` with what was read of each declared column (``<name>``) and how.

    Each different text of the dates, and of the numbers, is read once. The steps stand in nested selects, so that each
    is written, and run, once. Columns with a double underscore are for the checks and are never kept.
    """
    days = [n for n, c in table.columns.items() if c.type == "date"]
    native = [n for n in days if f"{n}__native" in rows.columns]
    rows = rows.mutate(**{key: value for n in native for key, value in dates.take_native(rows, n).items()})
    as_days = [n for n in days if n not in native]
    rows = _looked_up(rows, as_days, dates.STEPS, "", {f"__{key}": 0 for key in dates.NAMED})
    numbers = [n for n, c in table.columns.items() if c.type in NUMBERS]
    rows = fence(_looked_up(rows, numbers, NUMBER_STEPS, "__number", {}))
    steps = {n: _STEPS[column.type] for n, column in table.columns.items() if column.type in _STEPS}
    for number in range(max(map(len, steps.values()), default=0)):
        new: dict[str, ir.Value] = {}
        for name in steps:
            if number < len(steps[name]):
                new |= steps[name][number](rows, name, table.columns[name])
        rows = fence(rows.mutate(**new))
    return rows


def _looked_up(rows: ibis.Table, names: list[str], steps: tuple, ending: str, flags: dict[str, int]) -> ibis.Table:
    """Read each different text of these columns by the steps, once, and join what was read to each row."""
    if not names:
        return rows
    different = reduce(lambda one, two: one.union(two), (rows.select(value__text=rows[f"{n}__text"]) for n in names))
    known = read_by(engines.hold(different.distinct()), steps, (ending, *flags))
    for n in names:
        read = known.view()
        new = {f"{n}{ending}": read[f"value{ending}"]}
        new |= {f"{n}{end}": ibis.coalesce(read[f"value{end}"], least) for end, least in flags.items()}
        rows = rows.left_join(read, rows[f"{n}__text"] == read["value__text"]).select(rows, **new)
    return rows


def read_by(different: ibis.Table, steps: tuple, endings: tuple[str, ...]) -> ibis.Table:
    """Return different texts (``value__text``) with what the steps read of each; the same statement for every table."""
    known = different
    for step in steps:
        known = fence(known.mutate(**step(known, "value")))
    return engines.hold(known.select("value__text", *(f"value{end}" for end in endings)))
