"""The declaration of every table that crosses the boundary, read from ``contracts.yml``."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pcref_analysis.vocabulary import ethnicity
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import read_yaml

POPULATION_TABLES = ("Population", "Areas")  # no rows of people; published figures may stand in for them
ELSEWHERE = "Elsewhere"  # areas outside the catchment with their deprivation; made, never in an extract
AREA_COLUMNS = {2019: ("LSOA2011", "LSOA2021"), 2025: ("LSOA2021", "LSOA2011")}  # the year that was ranked first

IBIS_TYPES = {
    "id": "string",
    "code": "string",
    "text": "string",
    "date": "date",
    "time": "string",
    "integer": "int64",
    "number": "float64",
}


class Area(BaseModel):
    """The form of an area code: how it may start, and how many digits follow."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    starts: tuple[str, ...]
    digits: int


class Column(BaseModel):
    """One declared column.

    ``codes`` is the closed list of allowed codes (empty: any); ``width`` the number of characters of a code
    whose leading zero a spreadsheet may have removed; ``area`` the form of an area code; ``after`` the date
    that this date may not precede; ``references`` the table whose rows this identifier points to; ``formerly`` the
    names that the field had in earlier versions, taken where the present one is absent. ``exact`` names the
    indicators that an optional column makes exact, and ``without`` says what holds without it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["id", "code", "date", "time", "integer", "number", "text"]
    required: bool
    meaning: str
    codes: tuple[str, ...] = ()
    vocabulary: Literal["", "ethnic_groups"] = ""
    width: int = 0
    case: Literal["upper", "lower"] = "upper"
    area: Area | None = None
    after: str = ""
    formerly: tuple[str, ...] = ()
    birth: bool = False
    references: str = ""
    minimum: float | None = None
    maximum: float | None = None
    exact: tuple[str, ...] = ()
    without: str = ""

    def said(self) -> str:
        """Return the meaning, what the column makes exact, and what holds without it."""
        return self.meaning + _use(self.exact, self.without)

    def allowed(self) -> tuple[str, ...]:
        """Return the codes that the column may hold; empty means any."""
        return tuple(ethnicity.known_groups("detailed")) if self.vocabulary == "ethnic_groups" else self.codes


def _use(exact: tuple[str, ...], without: str) -> str:
    parts = [f"makes exact: {', '.join(exact)}"] if exact else []
    parts += [f"without it: {without}"] if without else []
    return f" ({'; '.join(parts)})" if parts else ""


class Table(BaseModel):
    """One declared table: its meaning, what it can and cannot bear, its key and its columns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    meaning: str
    bears: str
    cannot_bear: str
    required: bool = False
    key: tuple[str, ...]
    person: bool = False
    exact: tuple[str, ...] = ()
    without: str = ""
    columns: dict[str, Column] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_exist(self) -> Table:
        named = [*self.key, *(c.after for c in self.columns.values() if c.after)]
        if unknown := [name for name in named if name not in self.columns]:
            raise ValueError(f"names columns that are not declared: {unknown}")
        return self

    def read_as(self, names: Iterable[str]) -> Table:
        """Return the table with those of :data:`SUBMISSION` that are among names and are no columns of its own."""
        more = {name: column for name, column in SUBMISSION.items() if name in names and name not in self.columns}
        return self.model_copy(update={"columns": self.columns | more})

    def said(self) -> str:
        """Return the meaning, what the table makes exact, and what holds without it."""
        return self.meaning + _use(self.exact, self.without)

    def start(self) -> str:
        """Return the required date that places a row in time ("" where the table has none)."""
        return next((n for n, c in self.columns.items() if c.type == "date" and c.required and not c.birth), "")

    def end(self) -> str:
        """Return the date that ends what :meth:`start` began ("" where a row is one moment)."""
        return next((n for n, c in self.columns.items() if c.after and c.after == self.start()), "")


PERSONS = "MHS001MPI"
# What says which of several rows with one key was submitted last, in this order; any table may have them.
SUBMISSION = {
    "UniqMonthID": Column(
        type="integer", required=False, minimum=0, maximum=999_999, meaning="Number of the submission month"
    ),
    "SubmissionDate": Column(type="date", required=False, meaning="Day on which the row was submitted"),
    "RecordNumber": Column(type="id", required=False, meaning="Number of the record; a later one is greater"),
}


@cache
def declared() -> dict[str, Table]:
    """Return the declared tables by name, in the order of ``contracts.yml``.

    Raises
    ------
    PcrefError
        If an entry does not fit; the message names the table and the field.

    Examples
    --------
    >>> declared()["MHS401MHActPeriod"].key
    ('UniqMHActEpisodeID',)
    """
    return read(read_yaml(Path(__file__).with_name("contracts.yml"), "contract"), "contracts.yml")


def read(entries: dict[str, dict], name: str) -> dict[str, Table]:
    """Check declarations given as ``{table: fields}``; ``name`` stands in the error."""
    faults, good = [], {}
    for key, fields in entries.items():
        try:
            good[key] = Table.model_validate({"name": key} | (fields or {}))
        except ValidationError as error:
            faults += [f"  {key}.{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
    for table in good.values():
        refers = {n: c.references for n, c in table.columns.items() if c.references}
        faults += [
            f"  {table.name}.columns.{n}.references: there is no table {r} with the key {n}"
            for n, r in refers.items()
            if r not in good or n not in good[r].columns
        ]
    if faults:
        raise PcrefError("\n".join([f"contracts: {name} has {len(faults)} fault(s):", *faults]))
    return good
