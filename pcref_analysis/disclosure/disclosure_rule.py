"""The disclosure rule as numbers: which counts are hidden, how the rest is rounded, what that tells an outsider."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pandas as pd
from pydantic import ValidationError

from pcref_analysis.vocabulary import indicators
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import DISCLOSURE_PRESETS, Disclosure, Parameters

SHOWN, SUPPRESSED, ZERO, NOT_AVAILABLE = "shown", "suppressed", "zero", "not available"
REPEATED = "repeated"  # from the last edition: a change too small to show
TEXT_SUPPRESSED, TEXT_NOT_AVAILABLE = "[c]", "[x]"
MINIMUM_EVENTS = 10  # standardised figures are not given below this many events (Morris et al. 2018)


def read(rules: Disclosure | Parameters | str) -> Disclosure:
    """Return the rule from a parameters section, from all parameters, or from the name of a preset.

    Raises
    ------
    PcrefError
        If a name is not one of the presets.

    Examples
    --------
    >>> read("hes").threshold
    8
    """
    if isinstance(rules, Parameters):
        return rules.disclosure
    if isinstance(rules, Disclosure):
        return rules
    try:
        return Disclosure(owner=f"preset {rules}", agreed="", preset=cast(Any, rules))  # checked by the model
    except ValidationError:
        raise PcrefError(
            f"disclosure rule: '{rules}' is not a preset. Presets: {', '.join(DISCLOSURE_PRESETS)}; or give the "
            "disclosure section of the parameters."
        ) from None


def primary(counts: Any, rule: Disclosure) -> np.ndarray:
    """Return which counts are below the threshold (zeros too where the rule does not show them)."""
    counts = np.asarray(counts, dtype=float)
    low = (counts < rule.threshold) & (counts > 0)
    return low if rule.show_zero or rule.threshold == 0 else low | (counts == 0)


def round_counts(counts: Any, rule: Disclosure) -> np.ndarray:
    """Round counts to the nearest multiple of the rule's base, halves up; missing stays missing.

    Examples
    --------
    >>> round_counts([0, 7, 8, 12], read("mhsds")).tolist()
    [0.0, 5.0, 10.0, 10.0]
    """
    return np.floor(np.asarray(counts, dtype=float) / rule.rounding + 0.5) * rule.rounding


def possible(
    shown: Any, rule: Disclosure, repeated: Any = False, later: bool = False, hold: Any = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the smallest and largest true count behind each shown count (missing: hidden).

    A shown zero is a true zero; what is shown is never below the threshold. A count ``repeated`` from the last
    edition may have moved by less than ``hold`` (:func:`holds`); in a ``later`` one what is hidden may be zero.
    """
    shown = np.asarray(shown, dtype=float)
    lower = np.maximum(np.ceil(shown - rule.rounding / 2), rule.threshold)
    upper = np.ceil(shown + rule.rounding / 2) - 1
    move = np.where(repeated, (holds(rule) if hold is None else hold) - 1, 0.0)
    lower, upper = np.where(shown == 0, 0.0, lower), np.where(shown == 0, 0.0, upper)
    lower = np.where(repeated, np.maximum(shown - move, 0.0), lower)
    upper = np.where(repeated, shown + move, upper)
    hidden = np.isnan(shown)
    return np.where(hidden, float(rule.show_zero and not later), lower), np.where(hidden, np.inf, upper)


def with_possible(table: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Add the least and largest true count behind each released one: ``events_low, events_high, at_risk_low`` ....

    Residents are published by the census and stand as they are; so does everything for internal use. Limits that
    a publisher's own rounding gave (``events_low`` already there) stay.
    """
    entries = indicators.catalogue()
    public = table["indicator"].map({key: entry.at_risk == "residents" for key, entry in entries.items()}).eq(True)
    out = table.copy()
    for column in ("events", "at_risk"):
        repeated = table[f"{column}_status"].eq(REPEATED) if f"{column}_status" in table else False
        ends = possible(table[column], parameters.disclosure, repeated, later=True)
        exact = parameters.audience == "internal" or (public if column == "at_risk" else False)
        for name, values in zip(("low", "high"), ends, strict=True):
            if f"{column}_{name}" in table:
                continue
            out[f"{column}_{name}"] = np.where(exact, table[column].astype(float), values)
    return out


def holds(rule: Disclosure) -> float:
    """Return by how much a published count of people must change before the next edition shows the change."""
    return float(max(rule.rounding, rule.threshold))


def largest_share(amount: Any, squares: Any) -> np.ndarray:
    """Return the most that one person can hold of an amount of whole units, from the sum over people of squares.

    Examples
    --------
    >>> largest_share([40, 465], [40, 9_000]).tolist()  # 40 people once each; days of few people
    [1.0, 92.0]
    """
    over = np.maximum(np.asarray(squares, dtype=float) - np.asarray(amount, dtype=float), 0.0)
    return np.floor((1 + np.sqrt(1 + 4 * over)) / 2)  # x (x - 1) of one person is no more than that of all together


def explain(rule: Disclosure, held: bool = False) -> str:
    """Return in words what the marks mean under this rule."""
    below = f"counts from {1 if rule.show_zero else 0} to {rule.threshold - 1}"
    parts = []
    if rule.threshold > int(rule.show_zero):
        parts.append(
            f"{TEXT_SUPPRESSED} suppressed to protect people: {below}, and other counts from which these could be "
            "worked out."
        )
    if rule.rounding > 1:
        parts.append(
            f"Other counts are rounded to the nearest {rule.rounding}, so that parts may not add up; figures before "
            "adjustment are worked out from rounded counts, standardised and adjusted ones are given to two digits."
        )
    parts.append("0 none." if rule.show_zero else "Zeros are suppressed too.")
    if held:
        parts.append(
            f"Figures published before are repeated unless the count has changed by {holds(rule):g} or more, and "
            "amounts (days, contacts) by more than one person can hold."
        )
        if rule.show_zero:
            parts.append("Where an earlier edition would narrow down what a mark can be, zeros are suppressed too.")
    parts.append(
        f"{TEXT_NOT_AVAILABLE} not available (not recorded, too few events, or no rounding of it would be true)."
    )
    if rule.minimum_denominator:
        parts.append(f"Groups of fewer than {rule.minimum_denominator} at risk are suppressed.")
    return " ".join(parts)
