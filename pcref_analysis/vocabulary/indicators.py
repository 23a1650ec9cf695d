"""The indicator catalogue: what each measure counts, among whom, which way is worse, and its caveat."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pcref_analysis.vocabulary.errors import PcrefError


class Indicator(BaseModel):
    """One entry of the catalogue.

    ``story`` joins indicators that tell one story in different denominators (detention by residents,
    by caseload and by inpatients); ``severity`` runs from 1 (service contact) to 4 (force or loss of liberty).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: str
    domain: Literal["recording", "prevalence", "access", "experience", "outcomes"]
    question: str
    numerator: str
    denominator: str
    at_risk: Literal[
        "residents",
        "caseload",
        "inpatients",
        "bed_days",
        "referrals",
        "contacts",
        "spells",
        "episodes",
        "discharges",
        "pathways",
        "respondents",
    ]
    measure: Literal["rate", "percent", "mean"]
    per: int = 100
    unit: str
    polarity: Literal["higher_is_worse", "lower_is_worse", "context"]
    severity: int = Field(ge=1, le=4)
    story: str
    repeat_events: bool
    source: str
    caveat: str
    valid_from: str
    count: dict[str, Any] = Field(default_factory=dict)  # how rows become cells; empty: published figures only


@cache
def catalogue() -> dict[str, Indicator]:
    """Return the shipped catalogue by indicator id.

    Raises
    ------
    PcrefError
        If an entry does not fit; the message names the entry and the field.
    """
    text = (files("pcref_analysis.vocabulary") / "indicators.yml").read_text(encoding="utf-8")
    return read(yaml.safe_load(text), "indicators.yml")


def read(entries: dict[str, dict[str, Any]], name: str) -> dict[str, Indicator]:
    """Check a catalogue given as ``{id: fields}``; ``name`` stands in the error."""
    faults, good = [], {}
    for key, fields in (entries or {}).items():
        try:
            good[key] = Indicator.model_validate({"id": key} | (fields or {}))
        except ValidationError as error:
            faults += [f"  {key}.{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in error.errors()]
    if faults:
        raise PcrefError("\n".join([f"indicators: {name} has {len(faults)} fault(s):", *faults]))
    return good
