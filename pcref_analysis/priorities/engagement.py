"""The engagement record: what groups of people changed in the draft list, when, and why.

It stands next to the parameters (``engagement/<run>-<period>.yml``) and names groups, never persons; nothing is changed
without a reason.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from pcref_analysis.store import edition_files
from pcref_analysis.vocabulary.errors import PcrefError, in_words
from pcref_analysis.vocabulary.parameters import Parameters, Section, parameters_folder, project_path, read_yaml
from pcref_analysis.vocabulary.priority_rule import CRITERIA

LIKE_AN_NHS_NUMBER = re.compile(r"(?<!\d)\d{3}[ -]?\d{3}[ -]?\d{4}(?!\d)")
PERSON = re.compile(r"@|^(mr|mrs|ms|miss|mx|dr|prof|professor|sir|dame|cllr|councillor)\b", re.IGNORECASE)
NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
PEOPLE = (
    "people|persons?|patients?|inpatients?|(wo)?m[ae]n|boys?|girls?|child(ren)?|adults?|carers?|users?|members?|"
    "famil(y|ies)|deaths?|detentions?|suicides?|of (us|them)"
)
NO_RECORD = "none"


def a_group(value: str) -> str:
    if PERSON.search(value):
        raise ValueError("name a group, not a person")
    return value


def no_nhs_number(value: str) -> str:
    """Refuse a text with ten digits whose last one checks the others, as an NHS number's does (modulus 11)."""
    for found in LIKE_AN_NHS_NUMBER.finditer(value):
        *nine, last = (int(digit) for digit in re.sub(r"\D", "", found[0]))
        if (11 - sum(digit * (10 - place) for place, digit in enumerate(nine))) % 11 == last:
            raise ValueError("holds a number like an NHS number")
    return value


Text = Annotated[str, Field(min_length=1)]
Group = Annotated[str, AfterValidator(a_group)]  # "Advisory group", "Carers' forum", never a person


class Typed(Section):
    """What people typed: spaces around it do not count."""

    model_config = ConfigDict(str_strip_whitespace=True)

    @field_validator("*")
    @classmethod
    def _of_nobody(cls, value: Any) -> Any:
        for text in value if isinstance(value, list) else [value]:
            no_nhs_number(text) if isinstance(text, str) else None
        return value


class _Entry(Typed):
    who: Annotated[Text, AfterValidator(a_group)]
    when: Annotated[datetime.date, Field(ge=datetime.date(2010, 1, 1), le=datetime.date(2099, 12, 31))]


class _Change(_Entry):
    why: Text


class Move(_Change):
    """Put an item at another place."""

    action: Literal["move"]
    item: Text
    to: int = Field(ge=1)


class Merge(_Change):
    """Make one item of several; it stands at the best place of its parts, or at ``to``."""

    action: Literal["merge"]
    items: list[Text] = Field(min_length=2)
    name: Text
    wording: str = ""
    to: int | None = Field(default=None, ge=1)


class Part(Typed):
    """One part of an item that was split."""

    name: Text
    wording: Text


class Split(_Change):
    """Make several items of one; they stand one after another in its place."""

    action: Literal["split"]
    item: Text
    into: list[Part] = Field(min_length=2)


class Add(_Change):
    """Add an item: one the figures found but did not list, or one that people know and the figures do not."""

    action: Literal["add"]
    item: Text
    wording: Text
    evidence: Literal["data", "lived experience", "other"] = "lived experience"
    to: int | None = Field(default=None, ge=1)


class SetAside(_Change):
    """Take an item off the list, for a reason that stays on record."""

    action: Literal["set_aside"]
    item: Text


class Reword(_Change):
    """Say an item in other words."""

    action: Literal["reword"]
    item: Text
    wording: Text


class Weight(_Change):
    """Change the weight of a criterion, or give a story or item its community weight (0 to 1)."""

    action: Literal["weight"]
    weight: float = Field(ge=0)
    criterion: str = ""
    item: str = ""

    @model_validator(mode="after")
    def _one_of_both(self) -> Weight:
        if bool(self.criterion) == bool(self.item):
            raise ValueError("give either a criterion, or a story or item")
        if self.criterion and self.criterion not in CRITERIA:
            raise ValueError(f"unknown criterion '{self.criterion}'; criteria are {', '.join(CRITERIA)}")
        if self.item and self.weight > 1:
            raise ValueError("a community weight lies between 0 and 1")
        return self


class Outcome(_Entry):
    """What is done about an item: "you said, we did", who answers for it, until when, and how success will be seen."""

    item: Text
    said: Text
    did: Text
    status: Literal["planned", "under way", "done", "stopped"]
    owner: Group = ""  # a role or a group that answers for it
    due: datetime.date | None = None
    measure: str = ""  # how people will see that it worked


class Target(_Entry):
    """A level that was agreed to be reached: whose, how high, by when; ``who`` and ``when`` say who agreed it."""

    indicator: Text
    ethnic_group: str = ""  # empty: every group
    value: float = Field(ge=0)  # in the unit of the indicator
    way: Literal["at most", "at least"]
    by: datetime.date

    @model_validator(mode="after")
    def _still_to_come(self) -> Target:
        if self.by <= self.when:
            raise ValueError(f"by {self.by} is no later than the day it was agreed ({self.when})")
        return self


Change = Annotated[Move | Merge | Split | Add | SetAside | Reword | Weight, Field(discriminator="action")]


class Engagement(Section):
    """Everything the record holds: the changes in the order made, and what became of earlier priorities."""

    comparator: str = ""  # of the list that was talked about; where given, the record is refused for another list
    changes: list[Change] = Field(default_factory=list)
    outcomes: list[Outcome] = Field(default_factory=list)
    targets: list[Target] = Field(default_factory=list)

    @field_validator("changes", "outcomes", "targets", mode="before")
    @classmethod
    def _nothing_is_an_empty_list(cls, value: Any) -> Any:
        return value or []


def load(path: Path) -> Engagement:
    """Read and check an engagement record.

    Raises
    ------
    PcrefError
        If the file is missing, is not YAML, or an entry does not fit: the message names the entry, its action and
        what is missing. A change without a reason is refused.
    """
    if not path.is_file():
        raise PcrefError(f"engagement: there is no {path.name}.")
    return read(read_yaml(path, "engagement"), path.name)


def path_of(parameters: Parameters) -> Path:
    """Return where the record of the run's period stands: next to the parameters files."""
    name = parameters.engagement or f"engagement/{parameters.run}-{parameters.period}.yml"
    return parameters_folder() / name


def of_run(parameters: Parameters) -> Engagement | None:
    """Return the engagement record of the run's period, or ``None`` where nobody has written one.

    ``engagement: none`` in the parameters makes the list without a record.

    Raises
    ------
    PcrefError
        If the parameters name a file that is not there, an entry does not fit, or the record is of a list with another
        comparator.
    """
    path = path_of(parameters)
    if parameters.engagement == NO_RECORD or not (parameters.engagement or path.is_file()):
        return None
    found = load(path)
    if found.comparator and found.comparator != parameters.comparator:
        raise PcrefError(
            f"engagement: {path.name} is about the list with comparator: {found.comparator}; this run has comparator: "
            f"{parameters.comparator}, which makes another list. Set comparator: {found.comparator}, or engagement: "
            f"{NO_RECORD} to make the other list without a record."
        )
    return found


def digest(parameters: Parameters) -> str:
    """Return a hash of the record and the earlier list, so that a change of either makes the priorities page again.

    Raises
    ------
    PcrefError
        If the record has a fault that can be seen without the list, or the earlier report is not there.
    """
    of_run(parameters)
    paths = [path_of(parameters)]
    if parameters.previous:
        folder = project_path(parameters.previous)
        if not folder.is_dir():
            raise PcrefError(f"previous: there is no folder '{parameters.previous}'; name that of an earlier report.")
        paths += sorted(edition_files.tables_folder(folder).glob("priorities-*.csv"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths if path.is_file())).hexdigest()


def read(values: Any, name: str = "engagement.yml") -> Engagement:
    """Check a record given as ``{"changes": [...], "outcomes": [...]}``; ``name`` stands in the error."""
    if values is None:
        return Engagement()
    if not isinstance(values, dict):
        raise PcrefError(f"engagement: {name} must hold 'changes:' and, where there are any, 'outcomes:'.")
    try:
        return TypeAdapter(Engagement).validate_python(values)
    except ValidationError as error:
        lines = [_fault(fault, values) for fault in error.errors()]
        raise PcrefError("\n".join([f"engagement: {name} has {len(lines)} fault(s):", *lines])) from None


def small_numbers(found: Engagement | None, below: int, more: Mapping[str, str] | None = None) -> list[str]:
    """Return where typed words count fewer people than ``below``, in words or figures: such as "change 3 (move), why".

    ``found`` is the engagement record; ``more`` other typed words that are published, by the name of their place.

    For a warning before people sign: words are published as typed. It knows no more than numbers next to a word for
    people, and never gives the words themselves.

    Examples
    --------
    >>> why = "Three Black men told us so"
    >>> small_numbers(read({"changes": [{"action": "move", "item": "a", "to": 1, "who": "Forum",
    ...     "when": "2026-01-01", "why": why}]}), 5)
    ['change 1 (move), why']
    """
    few = "|".join([*NUMBERS[: below - 1], *(str(number) for number in range(1, below)), "a single"])
    counted = re.compile(rf"\b(?<![\d.,])({few})(\s+[\w’'-]+){{0,3}}?\s+({PEOPLE})\b", re.IGNORECASE)
    places = [place for place, words in (more or {}).items() if counted.search(words)]
    records: dict[str, list[Any]] = {"change": found.changes, "outcome": found.outcomes} if found else {}
    for kind, entries in records.items():
        for number, entry in enumerate(entries, start=1):
            action = f" ({entry.action})" if kind == "change" else ""
            values = entry.model_dump(mode="json").items()
            places += [f"{kind} {number}{action}, {key}" for key, value in values if counted.search(str(value))]
    return places


def _fault(fault: Any, values: dict[str, Any]) -> str:
    """Say which entry is wrong, and how: 'change 3 (move): why is missing.'"""
    path = list(fault["loc"])
    where = str(path[0])
    if len(path) > 1 and isinstance(path[1], int):
        entry = values[path[0]][path[1]]
        action = f" ({entry['action']})" if isinstance(entry, dict) and isinstance(entry.get("action"), str) else ""
        where = f"{where[:-1]} {path[1] + 1}{action}"
        path = [part for part in path[2:] if not (isinstance(entry, dict) and part == entry.get("action"))]
        field = ".".join(str(part) for part in path)
    else:
        field = ".".join(str(part) for part in path[1:])
    kind = fault["type"]
    if kind == "union_tag_invalid":
        return f"  {where}: unknown action; actions are move, merge, split, add, set_aside, reword, weight."
    if kind == "union_tag_not_found":
        return f"  {where}: action is missing."
    words = in_words(fault, Engagement)
    if kind in ("missing", "string_too_short"):
        return f"  {where}: {field} {words}."
    if kind == "extra_forbidden":
        hint = words.removeprefix("unknown key").removeprefix(".")
        return f"  {where}: unknown key '{field or where}'.{hint}"
    return f"  {where}{': ' + field if field else ''}: {words}."
