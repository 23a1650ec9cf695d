"""Two people's sign-off: what was made is a draft until two names stand under exactly these tables."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import Parameters, project_root, read_yaml

EXAMPLE = """\
edition: "{content}"
signed:
  - name: ...
    role: ...
    date: "YYYY-MM-DD"
    checked: what was looked at
  - name: ...
    role: ...
    date: "YYYY-MM-DD"
    checked: what was looked at"""


class Signature(BaseModel):
    """One person: who, in which role, when, and what they checked."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(min_length=3)
    role: str = Field(min_length=3)
    date: str
    checked: str = Field(min_length=3)

    @field_validator("date")
    @classmethod
    def _a_day(cls, value: str) -> str:
        datetime.date.fromisoformat(value)
        return value


class SignedBy(BaseModel):
    """A sign-off file: the edition by its hash, and at least two different people."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    edition: str
    signed: list[Signature]

    @model_validator(mode="after")
    def _two_people(self) -> SignedBy:
        if len({" ".join(one.name.casefold().split()) for one in self.signed}) < 2:
            raise ValueError("two different people must sign")
        return self


def wanted(parameters: Parameters) -> bool:
    """Say whether a run's report needs sign-off: anything but the Trust that pcref invents itself, and internal use.

    ``synthetic: true`` over any other source marks every page and waives nothing: the line is easily copied from
    ``demo.yml`` into the parameters of real records.
    """
    invented = parameters.synthetic and parameters.source.kind == "demo"
    return parameters.audience == "release" and not invented


def file(run: str) -> Path:
    """Return where the sign-off of a run stands: beside the parameters."""
    return project_root() / "notebooks" / "parameters" / "signed-by" / f"{run}.yml"


def read(run: str, content: str) -> list[dict[str, Any]]:
    """Return the signatures under an edition.

    Parameters
    ----------
    run
        The name of the run.
    content
        The edition's hash, as its manifest gives it.

    Raises
    ------
    PcrefError
        If the file is missing, is not signed by two people, or is for other tables than these.
    """
    path = file(run)
    where = f"notebooks/parameters/signed-by/{path.name}"
    if not path.is_file():
        raise PcrefError(
            f"publish: {run} is not signed off. When two people have checked the draft, write {where}:\n"
            + EXAMPLE.format(content=content)
        )
    try:
        found = SignedBy.model_validate(read_yaml(path, "publish"))
    except ValidationError as error:
        lines = [f"  {'.'.join(map(str, f['loc'])) or 'file'}: {f['msg']}" for f in error.errors()]
        raise PcrefError("\n".join([f"publish: {where} has {len(lines)} fault(s):", *lines])) from None
    if found.edition != content:
        raise PcrefError(
            f"publish: {where} signs another edition. Check the draft again; then give new dates and edition: {content}"
        )
    return [one.model_dump() for one in found.signed]


def words(parameters: Parameters, signed: list[dict[str, Any]]) -> str:
    """Return what every page says of the sign-off ("" where none is wanted)."""
    if not wanted(parameters):
        return ""
    if not signed:
        return "Draft: not signed off. Not to be passed on."
    people = [f"{one['name']}, {one['role']} ({one['date']})" for one in signed]
    return f"Signed off by {' and '.join(people)}."
