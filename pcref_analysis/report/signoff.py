"""Two people's sign-off: what was made is a draft until two names stand under exactly these tables."""

from __future__ import annotations

import datetime
import re
import unicodedata
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator, model_validator

from pcref_analysis.vocabulary.errors import PcrefError, in_words
from pcref_analysis.vocabulary.parameters import Parameters, Section, parameters_folder, read_yaml

FIRST_DAY = datetime.date(2020, 1, 1)
TITLES = re.compile("dr|mr|mrs|ms|miss|mx|prof|professor|sir|dame|lady|lord|rev|reverend|phd|md|msc|bsc|mbe|obe|cbe")
LOOK_ALIKE = str.maketrans(  # letters of other scripts that look like Latin ones
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0406\u0408\u0405"
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03b1\u03bf\u03bd\u03c1",
    "ABEKMHOPCTYXIJSaeopcyxijsABEZHIKMNOPTYXaovp",
)
EXAMPLE = 'edition: "{content}"\nsigned:' + 2 * (
    '\n  - name: ...\n    role: ...\n    date: "YYYY-MM-DD"\n    checked: what was looked at'
)


class Signature(Section):
    """One person: who, in which role, when, and what they checked."""

    name: str = Field(min_length=3)
    role: str = Field(min_length=3)
    date: str
    checked: str = Field(min_length=3)

    @field_validator("name")
    @classmethod
    def _a_full_name(cls, value: str) -> str:
        parts = same_person(value)
        if len(parts) < 2 or min(map(len, parts)) < 2:
            raise ValueError("give the full name, first name and surname, not initials")
        scripts = {unicodedata.name(c, "").split(" ")[0] for c in unicodedata.normalize("NFKC", value) if c.isalpha()}
        if len(scripts) > 1:
            raise ValueError("the name mixes letters of several scripts: type it again")
        return value

    @field_validator("date")
    @classmethod
    def _a_day(cls, value: str) -> str:
        try:
            day = datetime.date.fromisoformat(value)
        except ValueError:
            raise ValueError("must be a day, year-month-day, such as 2026-10-14") from None
        if not FIRST_DAY <= day <= datetime.date.today() + datetime.timedelta(days=1):
            raise ValueError("the date is long past, or still to come")
        return value


class SignedBy(Section):
    """A sign-off file: the edition by its hash, and at least two different people."""

    edition: str
    signed: list[Signature]

    @model_validator(mode="after")
    def _two_people(self) -> SignedBy:
        if len({same_person(one.name) for one in self.signed}) < 2:
            raise ValueError("two different people must sign")
        return self


def same_person(name: str) -> frozenset[str]:
    """Return the first name and the surname as they are compared: whatever the script, width, accents, order or title.

    Examples
    --------
    >>> same_person("Dr Anna B. Analyst") == same_person("ANALYST, Anna")
    True
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if unicodedata.category(c) not in ("Mn", "Cf"))
    words = re.findall(r"\w+", plain.translate(LOOK_ALIKE).casefold().replace("'", ""))
    words = [word for word in words if not TITLES.fullmatch(word)]
    return frozenset(words[:2] if "," in name else [*words[:1], *words[-1:]])  # Surname, First


def wanted(parameters: Parameters) -> bool:
    """Say whether a run's report needs sign-off: anything but the Trust that pcref invents itself, and internal use.

    ``synthetic: true`` over any other source marks every page and waives nothing: the line is easily copied from
    ``demo.yml`` into the parameters of real records.
    """
    invented = parameters.synthetic and parameters.source.kind == "demo"
    return parameters.audience == "release" and not invented


def file(run: str) -> Path:
    """Return where the sign-off of a run stands: beside the parameters."""
    return parameters_folder() / "signed-by" / f"{run}.yml"


def read(run: str, content: str, since: datetime.date | None = None) -> list[dict[str, Any]]:
    """Return the signatures under an edition.

    ``content`` is the edition's hash, as its manifest gives it; ``since`` the day on which the draft was made: nobody
    can have checked it before.

    Raises
    ------
    PcrefError
        If the file is missing, is not signed by two people, or is for another edition.

    Notes
    -----
    A signature here is a line that somebody wrote into a file. It proves which bytes were meant, not who wrote it: who
    can write the file can write both names. Keep the file where changes are recorded with their author.
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
        lines = [f"  {'.'.join(map(str, f['loc'])) or 'file'}: {in_words(f, SignedBy)}" for f in error.errors()]
        raise PcrefError("\n".join([f"publish: {where} has {len(lines)} fault(s):", *lines])) from None
    if found.edition != content:
        raise PcrefError(
            f"publish: {where} signs another edition. Check the draft again; then give new dates and edition: {content}"
        )
    if since and min(datetime.date.fromisoformat(one.date) for one in found.signed) < since:
        raise PcrefError(
            f"publish: {where} is dated before the draft was made ({since}). Check the draft, then date it."
        )
    return [one.model_dump() for one in found.signed]


def words(parameters: Parameters, signed: list[dict[str, Any]]) -> str:
    """Return what every page says of the sign-off ("" where none is wanted)."""
    if not wanted(parameters):
        return ""
    if not signed and parameters.source.kind == "published":
        return "Draft: not signed off. Made of published figures alone; nobody has checked it for this Trust yet."
    if not signed:
        return "Draft: not signed off. Not to be passed on."
    people = [f"{one['name']}, {one['role']} ({one['date']})" for one in signed]
    return f"Signed off by {' and '.join(people)}."
