"""The indicator catalogue: what each measure counts, among whom, which way is worse, and its caveat.

An entry of ``indicators.yml`` holds words for people and, in ``count``, a declaration of how rows become
cells: a named counting rule, conditions on its columns, and the people or rows at risk. Adding an indicator
is an entry, not code.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from pcref_analysis.vocabulary import codelists
from pcref_analysis.vocabulary.codelists import Code
from pcref_analysis.vocabulary.errors import PcrefError, in_words
from pcref_analysis.vocabulary.parameters import Section, parameters_folder, read_yaml

LOCAL = "-indicators.yml"
COMPETENCIES = (
    "cultural awareness",
    "staff knowledge and awareness",
    "partnership working",
    "co-production",
    "workforce",
    "co-learning",
)
START_OF_YEAR = "at the start of the financial year"
AGES = {"age_at_referral": "at the referral", "age_on_day": "on the day", "age_at_month_end": "at the end of the month"}
PER = {"percent": 100, "mean": 1}  # a rate says its own
Value = str | int | float
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Condition(Section):
    """One condition on one column; a missing value fulfils none of them except ``missing: true``.

    ``in``, ``not_in``, ``any_of`` and ``none_of`` take codes or the name of a code list (``reference/code_lists.csv``).
    The last two are for ``teams``, the types of all teams of a referral. ``if_missing`` says that a missing value is an
    answer: it fulfils the condition ("holds") or does not ("fails"); without it, a row that lacks a value which the
    extract records is left out and counted as not recorded.
    """

    model_config = ConfigDict(populate_by_name=True)

    column: str
    is_in: list[Value] | str | None = Field(default=None, alias="in")
    not_in: list[Value] | str | None = None
    any_of: list[str] | str | None = None
    none_of: list[str] | str | None = None
    eq: Value | None = None
    ne: Value | None = None
    lt: Value | None = None
    le: Value | None = None
    gt: Value | None = None
    ge: Value | None = None
    between: tuple[Value, Value] | None = None
    missing: bool | None = None
    if_missing: Literal["holds", "fails"] | None = None

    @model_validator(mode="after")
    def _one_operator(self) -> Condition:
        if len(self.operators()) != 1:
            raise ValueError(
                "needs exactly one of in, not_in, eq, ne, lt, le, gt, ge, between, missing, any_of, none_of"
            )
        try:
            if not self.codes() and self.operators().keys() & {"in", "not_in", "any_of", "none_of"}:
                raise ValueError("holds no code")
        except PcrefError as error:
            raise ValueError(str(error)) from None
        return self

    def operators(self) -> dict[str, Any]:
        """Return the operator that is set, with its value."""
        named = self.model_dump(exclude={"column", "if_missing"}, exclude_none=True)
        return {name.removeprefix("is_"): value for name, value in named.items()}

    def codes(self) -> tuple[codelists.Code, ...]:
        """Return the codes of an operator that takes several, with the days between which each counts."""
        ((name, value),) = self.operators().items()
        if name not in ("in", "not_in", "any_of", "none_of"):
            return ()
        return codelists.named(value) if isinstance(value, str) else tuple(Code(v, None, None) for v in value)

    def columns(self) -> list[str]:
        """Return the columns that the condition looks at: its own, and the row's date where codes depend on it."""
        return [self.column, *(["date"] if any(c.first or c.last for c in self.codes()) else [])]


class Among(Section):
    """The people or rows at risk: ``residents``, or a counting rule whose rows are matched by person.

    ``at_risk`` names the column to add up (days in bed); without it each person counts once a period. ``ages`` limits
    residents to ages from and to: a band that the limit cuts counts with the share of its years of age within it, since
    the census table may have no cut there (of 16 to 19, half is under 18).
    """

    rows: str
    where: list[Condition] = Field(default_factory=list)
    at_risk: str | None = None
    ages: tuple[int, int] | None = None

    @model_validator(mode="after")
    def _ages_of_residents(self) -> Among:
        if self.ages and self.rows != "residents":
            raise ValueError("ages needs rows: residents")
        if self.ages and not 0 <= self.ages[0] <= self.ages[1]:
            raise ValueError("ages must be from and to, such as [0, 17]")
        return self


class Count(Section):
    """How rows become cells.

    ``rows`` is a counting rule. Without ``among`` the rows that fulfil ``where`` are the denominator and
    those that also fulfil ``event`` the numerator (or ``value`` is averaged over them). With ``among`` the rows
    that fulfil ``where`` are the numerator. ``unit: people`` counts each person once a period, if at least
    ``at_least`` rows are theirs.

    Or ``counts`` names a kind of the table GroupCounts: numbers by ethnic group from a record outside MHSDS, which are
    taken as they are. Where ``at_risk_of`` names an indicator, its people at risk are the denominator.
    """

    rows: str = ""
    counts: str = ""
    at_risk_of: str = ""
    where: list[Condition] = Field(default_factory=list)
    unit: Literal["rows", "people"] = "rows"
    at_least: int = Field(default=1, ge=1)
    event: list[Condition] | None = None
    value: str | None = None
    total: str | None = None  # numerator: add this column up instead of counting rows
    among: Among | None = None

    @model_validator(mode="after")
    def _one_shape(self) -> Count:
        if self.counts:
            if self.model_fields_set - {"counts", "at_risk_of"}:
                raise ValueError("counts goes with at_risk_of only")
            return self
        if not self.rows or self.at_risk_of:
            raise ValueError("needs rows, or counts (and at_risk_of)")
        if self.rows == "residents":
            raise ValueError("rows: residents stands under among alone")
        shapes = [self.event is not None, self.value is not None, self.among is not None]
        if sum(shapes) != 1:
            raise ValueError("needs exactly one of event, value, among")
        if self.at_least > 1 and not (self.unit == "people" and self.among):
            raise ValueError("at_least needs unit: people and among")
        if self.total and not self.among:
            raise ValueError("total needs among")
        return self


class Indicator(Section):
    """One entry of the catalogue.

    ``story`` joins indicators that tell one story in different denominators (detention by residents,
    by caseload and by inpatients); ``severity`` runs from 1 (service contact) to 4 (force or loss of liberty).
    ``computes`` names the NHS measures whose rows are counted exactly, over a year and the Trust's own extract;
    ``after`` those that are followed with the differences that ``differs`` names. ``pcref`` and ``competency`` are the
    part of the framework, and the national organisational competency, that the indicator serves. ``hard`` names what is
    painful to read about, which the definitions say first.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: Text
    domain: Literal["recording", "prevalence", "access", "experience", "outcomes"]
    question: Text
    numerator: Text
    denominator: Text
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
        "staff",
        "register",
    ]
    measure: Literal["rate", "percent", "mean"]
    per: int = Field(gt=0)
    unit: Text
    polarity: Literal["higher_is_worse", "lower_is_worse", "context"]
    severity: int = Field(ge=1, le=4)
    story: Text
    repeat_events: bool
    source: Text
    caveat: Text
    published_caveat: str = ""  # in place of the caveat where the figure is the publisher's
    valid_from: Annotated[
        str,
        Field(pattern=r"^(19|20)\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"),
        AfterValidator(lambda day: date.fromisoformat(day).isoformat()),
    ]
    computes: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    differs: str = ""
    hard: str = ""  # what may be hard to read, said before it is read
    pcref: Literal["", "leadership and governance", "competencies", "feedback"] = ""
    competency: Literal["", *COMPETENCIES] = ""  # type: ignore[valid-type]
    count: Count | None = None  # how rows become cells; none: published figures only

    @property
    def counting(self) -> Count:
        """How rows become cells, of an indicator that is counted from rows."""
        if self.count is None:
            raise ValueError(f"{self.id} is not counted from rows")
        return self.count

    def of_publisher(self) -> Indicator:
        """Return the entry as it describes a publisher's own figure: none of our counting rules, its own caveat."""
        source, caveat = self.source.removeprefix("This project, after "), self.published_caveat or self.caveat
        own = {"count": None, "computes": (), "after": (), "differs": ""}
        return self.model_copy(update={"source": source, "caveat": caveat, **own})

    @property
    def scale(self) -> str:
        """What a figure of this indicator says, in words: "% of discharges", "detentions per 100,000 residents"."""
        if self.measure == "percent":
            return f"% of {self.unit}"
        if self.measure == "mean":
            return f"mean {self.unit}"
        return f"{self.unit} per {self.per:,} {self.at_risk.replace('_', ' ')}"

    @property
    def ages(self) -> str:
        """When the ages are taken that this indicator asks for: at the referral, on the day, or at the year's start."""
        count = self.count or Count.model_construct()
        asked = {c.column for c in (*count.where, *(count.event or []), *(count.among.where if count.among else []))}
        taken = [words for column, words in AGES.items() if column in asked]
        taken = ["at the referral and at the contact"] if count.rows == "young_contacts" else taken
        return " and ".join(taken) if taken else START_OF_YEAR

    @model_validator(mode="before")
    @classmethod
    def _per_by_the_measure(cls, values: Any) -> Any:
        known = {"per": PER[values["measure"]]} if isinstance(values, dict) and values.get("measure") in PER else {}
        return known | values if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _words_fit_the_count(self) -> Indicator:
        """Refuse words that say another thing than what is counted: disclosure control believes them."""
        count, among = self.count, self.count.among if self.count else None
        if count and (self.measure == "mean") != (count.value is not None):
            raise ValueError("measure: mean and count.value go together")
        if self.per != PER.get(self.measure, self.per):
            raise ValueError(f"measure: {self.measure} is per {PER[self.measure]}: leave per out")
        if (
            count
            and not count.at_risk_of
            and (self.at_risk == "residents") != bool(among and among.rows == "residents")
        ):
            raise ValueError("at_risk: residents and count.among: {rows: residents} go together")
        if count and count.rows and self.repeat_events != (count.unit == "rows"):
            raise ValueError(
                "repeat_events: false and count.unit: people go together: both say that a person counts once"
            )
        if among and self.measure == "percent" and count.unit == "rows" and not count.total:  # type: ignore[union-attr]
            raise ValueError("measure: percent among others needs count.unit: people, or count.total")
        if bool(self.after) != bool(self.differs):
            raise ValueError("after and differs go together: name each difference from the measure")
        return self


def measures() -> str:
    """Return the table of docs/indicators.md: a line an indicator, by part of the framework and competency.

    Examples
    --------
    >>> "| follow_up_72_hours |" in measures()
    True
    """
    lines = []
    for part, entries in by_part(shipped().values()).items():
        lines += ["", f"## {part}", ""]
        lines += ["| Indicator | Name | Computes | After | Differs |", "| --- | --- | --- | --- | --- |"]
        for e in entries:
            lines.append(f"| {e.id} | {e.name} | {', '.join(e.computes)} | {', '.join(e.after)} | {e.differs} |")
    return "\n".join(lines).strip() + "\n"


def of_each(field: str) -> dict[str, Any]:
    """Return one field of every entry of the catalogue by indicator, such as ``of_each("name")``."""
    return {key: getattr(entry, field) for key, entry in catalogue().items()}


def by_part(entries: Iterable[Indicator]) -> dict[str, list[Indicator]]:
    """Return indicators by the part of the framework, and the competency, that they serve, in a fixed order."""
    found: dict[str, list[Indicator]] = {}
    for entry in sorted(entries, key=lambda e: (e.pcref or "~", e.competency)):
        named = ": ".join(filter(None, (entry.pcref, entry.competency))).capitalize()
        found.setdefault(named or "Added by the Trust", []).append(entry)
    return found


@cache
def shipped() -> dict[str, Indicator]:
    """Return the entries of ``indicators.yml`` by indicator id."""
    return read(read_yaml(Path(__file__).with_name("indicators.yml"), "indicators"), "indicators.yml")


def catalogue() -> dict[str, Indicator]:
    """Return every indicator that may appear on a page: the shipped ones and those of every local file.

    Local files (``<run>-indicators.yml``) stand beside the parameters. What is counted for one run is :func:`of_run`.
    A file that cannot be read or has a fault stops its own run (:func:`of_run`) and no other: it is left out here
    (:func:`faulty` names it).

    Raises
    ------
    PcrefError
        If two local files mean different things by one id.
    """
    found = dict(shipped())
    for path in _local_files():
        try:
            local = with_local(path)
        except PcrefError:
            continue
        if other := sorted(key for key in found.keys() & local.keys() if found[key] != local[key]):
            raise PcrefError(
                f"indicators: {path.name} means something else by {', '.join(other)} than another local file. "
                "Give one of them an id of its own."
            )
        found |= local
    return found


def faulty() -> dict[str, str]:
    """Return the local files that cannot be used, each with what is wrong with it."""
    found = {}
    for path in _local_files():
        try:
            with_local(path)
        except PcrefError as error:
            found[path.name] = str(error)
    return found


def _local_files() -> list[Path]:
    return sorted(parameters_folder().glob(f"*{LOCAL}"))


def of_run(run: str) -> dict[str, Indicator]:
    """Return the indicators that are counted for a run: the shipped ones and its own ``<run>-indicators.yml``."""
    return with_local(parameters_folder() / f"{run}{LOCAL}")


def read(entries: dict[str, dict[str, Any]], name: str) -> dict[str, Indicator]:
    """Check a catalogue given as ``{id: fields}``; ``name`` stands in the error."""
    faults, good = [], {}
    if not isinstance(entries, dict):
        raise PcrefError(f"indicators: {name} must hold 'id:' entries, each with its fields below it.")
    for key, fields in entries.items():
        if not isinstance(fields, dict):
            faults.append(f"  {key}: must hold 'field: value' lines")
            continue
        try:
            good[key] = Indicator.model_validate({"id": key} | fields)
        except ValidationError as error:
            faults += [f"  {key}.{_place(f['loc'])}: {in_words(f, Indicator)}" for f in error.errors()]
    if faults:
        raise PcrefError("\n".join([f"indicators: {name} has {len(faults)} fault(s):", *faults]))
    return good


def with_local(path: Path) -> dict[str, Indicator]:
    """Return the catalogue with a Trust's own entries added; a missing file adds none.

    ``path`` is ``<run>-indicators.yml`` beside the run's parameters. A local entry may not take the id of a
    shipped one, so that a figure never changes its meaning between Trusts.
    """
    if not path.is_file():
        return dict(shipped())
    facts = path.stat()
    return shipped() | _local(path, facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=32)
def _local(path: Path, changed: int, size: int) -> dict[str, Indicator]:
    """Return the entries of one local file, read once while it does not change."""
    entries = read_yaml(path, "indicators") or {}
    local = read(entries, path.name)
    if bare := [key for key, entry in local.items() if entry.count is None]:
        raise PcrefError(f"indicators: {path.name}: {', '.join(bare)}: count is missing, so nothing would be counted.")
    if taken := sorted(local.keys() & shipped().keys()):
        raise PcrefError(f"indicators: {path.name} redefines {', '.join(taken)}. Give local entries ids of their own.")
    return local


def _place(loc: tuple[Any, ...]) -> str:
    return ".".join(map(str, loc)) or "entry"
