"""The errors that people see: what is wrong, where, how often, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any, get_args

PLAIN = {
    "missing": "is missing",
    "string_type": "must be text: put it in quotation marks",
    "list_type": "must be a list, such as [one, two]",
    "dict_type": "must hold 'name: value' lines",
    "model_type": "must hold 'name: value' lines",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "tuple_type": "must be a list, such as [one, two]",
    "too_short": "must hold at least {min_length}",
    "string_too_long": "may have at most {max_length:,} characters",
}
FORMS = {  # of texts that are more than text
    "run": "may hold small letters, digits and hyphens alone, such as our-trust",
    "id": "may hold small letters, digits and underscores alone, such as police_referrals, a letter first",
    "valid_from": "must be a day, year-month-day, such as 2021-04-01",
}
KINDS = {
    "int": "must be a whole number",
    "float": "must be a number",
    "bool": "must be true or false",
    "date": "must be a day, year-month-day, such as 2026-10-14",
}


class PcrefError(Exception):
    """Something the analyst can mend: a file, a column, a code, a parameter.

    The message is written for a person, a few lines at most, and never holds a value from a
    patient's row (identifiers leak through error messages into notebooks). The ``pcref`` command
    prints it and ends with :attr:`status`; published reports are left as they were.
    """

    status = 2


class NotPublishedError(PcrefError):
    """A figure that a publication does not give for an area: it costs its indicator, and never the report."""


class SourceError(PcrefError):
    """What an engine (DuckDB, PostgreSQL, SQL Server, Spark) refused.

    Its own words may hold a value of a row and are not shown; raised ``from None`` inside the handler, so that the
    ``pcref`` command can write them into the run's confidential log.
    """


class FaultError(PcrefError):
    """A fault of pcref or of a notebook, which no change of the data mends; the log has been written."""

    status = 70  # EX_SOFTWARE of sysexits.h


def nearest(name: object, names: Iterable[object], cutoff: float = 0.6) -> str:
    """Return the nearest of the names; "" where none is near."""
    return next(iter(difflib.get_close_matches(str(name), list(map(str, names)), n=1, cutoff=cutoff)), "")


def did_you_mean(name: object, names: Iterable[object], cutoff: float = 0.6) -> str:
    """Return " Did you mean 'detentions'?" with the nearest of the names; nothing where none is near."""
    near = nearest(name, names, cutoff)
    return f" Did you mean '{near}'?" if near else ""


def in_words(fault: Any, model: Any) -> str:
    """Say what is wrong at ``fault["loc"]``, without the place: "must be a whole number".

    Parameters
    ----------
    fault
        One of pydantic's errors.
    model
        What the whole file is read as: an unknown key is answered with the nearest one that may stand there.

    Examples
    --------
    >>> in_words({"type": "int_parsing", "loc": ("to",), "msg": "Input should be a valid integer"}, None)
    'must be a whole number'
    """
    kind = fault["type"]
    given = {key: f"{value:g}" if isinstance(value, float) else value for key, value in fault.get("ctx", {}).items()}
    if kind == "extra_forbidden":
        return f"unknown key.{did_you_mean(fault['loc'][-1], known_keys(model, fault['loc'][:-1]), 0.5)}".rstrip(".")
    if kind == "string_too_short":
        return "is empty" if given["min_length"] == 1 else "is too short"
    if kind == "string_pattern_mismatch" and fault["loc"][-1] in FORMS:
        return FORMS[fault["loc"][-1]]
    if kind in PLAIN:
        return PLAIN[kind].format(**given)
    return KINDS.get(kind.split("_")[0]) or fault["msg"].removeprefix("Value error, ").rstrip(".")


def known_keys(model: Any, path: Sequence[Any]) -> list[str]:
    """Return the keys that may stand at a place of a file; the number of a list's entry leads no further."""
    found = [model] if hasattr(model, "model_fields") else []
    for part in path:
        below = [m for one in found if part in one.model_fields for m in _models(one.model_fields[part].annotation)]
        tagged = [one for one in found if any(part in get_args(f.annotation) for f in one.model_fields.values())]
        found = below or tagged or found
    return list(dict.fromkeys(key for one in found for key in one.model_fields))


def _models(kind: Any) -> list[Any]:
    if hasattr(kind, "model_fields"):
        return [kind]
    return [model for inner in get_args(kind) for model in _models(inner)]
