"""The Trust's own assessment of its organisational competencies, which the framework asks for: a page of its words."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from pcref_analysis.display import safe_html
from pcref_analysis.priorities.engagement import Group, Text, Typed, a_group
from pcref_analysis.store import edition_files
from pcref_analysis.vocabulary.errors import PcrefError, in_words
from pcref_analysis.vocabulary.indicators import COMPETENCIES
from pcref_analysis.vocabulary.parameters import Parameters, parameters_folder, read_yaml

FILE = "competencies.html"


class Evidence(Typed):
    """What shows it, and where it can be read: an address, or a page of this report."""

    words: Text
    link: str = ""

    @field_validator("link")
    @classmethod
    def _leads_somewhere(cls, value: str) -> str:
        if value and not safe_html.is_link(value):
            raise ValueError("give an https address, a mail address, or a page of the report")
        return value


class Competency(Typed):
    """One competency: where the Trust stands, what shows it, what comes next."""

    name: Literal[COMPETENCIES]  # type: ignore[valid-type]
    state: Literal["planned", "under way", "done", "stopped"]
    now: Text
    next: str = ""
    owner: Group = ""  # a role or a group
    evidence: list[Evidence] = Field(default_factory=list)


class Assessment(Typed):
    """Who assessed it, when, and each competency once; those that are left out stand on the page as not assessed."""

    who: Text
    when: datetime.date
    competencies: list[Competency] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> Assessment:
        names = [one.name for one in self.competencies]
        if len(set(names)) < len(names):
            raise ValueError("a competency stands twice")
        a_group(self.who)
        return self


def path_of(parameters: Parameters) -> Path:
    """Return where a run's assessment stands; nobody has to write one."""
    return parameters_folder() / "competencies" / f"{parameters.run}.yml"


def digest(parameters: Parameters) -> str:
    """Return a hash of a run's assessment, empty where there is none; a fault in it is raised before the work."""
    path = path_of(parameters)
    if not path.is_file():
        return ""
    read(path)
    return edition_files.digest(path)


def read(path: Path) -> Assessment:
    """Read and check an assessment.

    Raises
    ------
    PcrefError
        If it is no YAML or an entry does not fit; the message names the file, the place in it, and what is wrong.
    """
    try:
        return Assessment.model_validate(read_yaml(path, "competencies"))
    except ValidationError as error:
        faults = [f"  {'.'.join(str(part) for part in fault['loc']) or 'the file'}: {in_words(fault, Assessment)}."
                  for fault in error.errors()]  # fmt: skip
        lines = [f"competencies: {path.name} has {len(faults)} fault(s):", *faults]
        raise PcrefError("\n".join(lines)) from None


def body(assessment: Assessment) -> str:
    """Return the body of the page: the six competencies in the framework's order, those not assessed said to be so."""
    from pcref_analysis.report.pages import render

    given = {one.name: one for one in assessment.competencies}
    return render.fragment(
        "competencies.html.j2", assessment=assessment, competencies=[(name, given.get(name)) for name in COMPETENCIES]
    )
