"""What is wrong with a value of a file that people write, in plain words and with the nearest name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from pcref_analysis.vocabulary.errors import did_you_mean

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
