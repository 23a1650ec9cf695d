"""One validated YAML file a run: what is analysed, for whom, compared with whom, under which rules."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Literal

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from pcref_analysis.vocabulary import ethnicity
from pcref_analysis.vocabulary.errors import PcrefError, did_you_mean, in_words
from pcref_analysis.vocabulary.priority_rule import PriorityRule, Section

# the compiled one, where there is one, is ten times as fast
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DAY = "tag:yaml.org,2002:timestamp"
GIVEN = "PCREF_PARAMETERS"  # variable: the checked parameters of the run that a notebook is executed for, as JSON
CENSUS_CUTS = (0, 16, 20, 22, 25, 30, 35, 40, 45, 50, 55, 60, 65)


class Written(LOADER):
    """What people write: no key stands twice at one place, and a day is text with or without quotation marks."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, Any]]]] = {
        first: [(tag, pattern) for tag, pattern in found if tag != DAY]
        for first, found in LOADER.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """Refuse a second line for one key: the first would be passed over without a word."""
        seen: set[str] = set()
        for key in [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(problem=f"'{key.value}' twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


class Trust(Section):
    """Who the analysis is for."""

    name: str
    ods_code: str = ""
    icb_code: str = ""


class Source(Section):
    """Where rows (or published figures) come from; credentials never stand here."""

    kind: Literal["demo", "folder", "duckdb", "postgres", "sqlserver", "spark", "published"]
    location: str = ""  # a folder, a file, or the name of the variable that holds the connection
    columns: dict[str, dict[str, str]] = Field(default_factory=dict)  # table -> {contract name: local name}
    tables: dict[str, str] = Field(default_factory=dict)  # contract table -> local table or file name
    codes: dict[str, dict[str, dict[str, str]]] = Field(default_factory=dict)  # table -> column -> {local: contract's}

    @field_validator("codes", mode="before")
    @classmethod
    def _codes_are_text(cls, value: Any) -> Any:
        """Take numbers as text; Yes and No without quotation marks are true and false to YAML."""
        if not isinstance(value, dict) or not all(isinstance(columns, dict) for columns in value.values()):
            return value
        for columns in value.values():
            for name, codes in columns.items():
                items = [*codes, *codes.values()] if isinstance(codes, dict) else []
                if any(isinstance(item, bool) or not isinstance(item, str | int) for item in items):
                    raise ValueError(f'{name}: put codes in quotation marks, as in "Yes": "Y"')
        return {
            table: {n: {str(k): str(v) for k, v in c.items()} if isinstance(c, dict) else c for n, c in columns.items()}
            for table, columns in value.items()
        }


DISCLOSURE_PRESETS: dict[str, dict[str, Any]] = {
    "mhsds": {"threshold": 5, "rounding": 5},  # provider level: below 5 hidden, nearest 5
    "hes": {"threshold": 8, "rounding": 5},  # 1 to 7 hidden, nearest 5, zeros shown
    "opensafely": {"threshold": 8, "rounding": 5, "show_zero": False},  # 7 or fewer hidden, zeros too, then nearest 5
}


class Disclosure(Section):
    """The disclosure rule, with the person who owns it and the date it was agreed.

    ``preset`` fills in what is not given: "mhsds", "hes" or "opensafely".
    """

    owner: str
    agreed: str
    preset: Literal["", "mhsds", "hes", "opensafely"] = ""
    threshold: int = Field(default=5, ge=0)  # counts below this are suppressed
    rounding: int = Field(default=5, ge=1)  # counts are rounded to the nearest
    show_zero: bool = True
    show_all: bool = False  # a percent of 100 (everyone in the group) is shown
    minimum_denominator: int = Field(default=0, ge=0)
    dominance: float = Field(default=0.5, gt=0, le=1)  # no mean where one person may hold more of the total than this
    minimum_beyond: int = Field(default=0, ge=0)  # no median with fewer people at or beyond a limit; 0: threshold
    uncertainty: int = Field(default=0, ge=0)  # values a hidden count must leave possible; 0: threshold - 1, at least 2

    @model_validator(mode="before")
    @classmethod
    def _preset_fills_in(cls, values: Any) -> Any:
        if isinstance(values, dict):
            return DISCLOSURE_PRESETS.get(values.get("preset", ""), {}) | values
        return values

    @model_validator(mode="after")
    def _nobody_is_rounded_away(self) -> Disclosure:
        if self.threshold < self.rounding / 2:
            raise ValueError(f"threshold {self.threshold} with rounding {self.rounding} would show some people as 0")
        return self

    @property
    def values_left(self) -> int:
        """How many values of a hidden count must stay possible for an outsider."""
        return self.uncertainty or max(2, self.threshold - int(self.show_zero))


# What a step does not look at: a change of these alone need not run it again.
NOT_FOR_PAGES = frozenset({"edition", "edition_date", "next_edition", "contact", "introduction"})
NOT_FOR_OTHER_PAGES = NOT_FOR_PAGES | {"priorities", "engagement", "previous", "terms"}  # the last page's own
NOT_FOR_ESTIMATES = NOT_FOR_OTHER_PAGES | {"disclosure", "audience"}
NOT_FOR_CELLS = NOT_FOR_ESTIMATES | {"comparator", "detail", "standard", "level"}


class Parameters(Section):
    """Everything an analyst sets for one run.

    Notebook parameters are plain values with the names of these fields (see :meth:`for_notebooks`).
    """

    run: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    trust: Trust
    synthetic: bool = False
    audience: Literal["release", "internal"] = "release"
    edition: int = Field(default=1, ge=1)
    edition_date: str = ""
    next_edition: str = ""  # when readers may expect the next one: a day, or words ("autumn 2027")
    contact: str = ""  # whom readers may ask: a team and its address, never a person
    introduction: str = Field(default="", max_length=1_500)  # the Trust's own words on the landing page, marked as such
    source: Source
    open_data: str = ""  # folder of published figures; the variable PCREF_OPEN_DATA wins
    period: str
    periods: list[str] = Field(default_factory=list)  # all periods to build cells for; the last is `period`
    breaks: dict[str, str] = Field(default_factory=dict)  # first year after a change of counting -> what changed
    comparator: str = ""  # an ethnic group of `detail`; where empty White, or White British of the detailed groups
    detail: Literal["broad", "detailed"] = "broad"
    age_bands: list[int] = Field(default_factory=lambda: [0, 16, 20, 25, 35, 50, 65])
    imd_version: Literal[2019, 2025] = 2025
    ethnicity_rule: Literal["latest_known", "most_frequent", "submitted"] = "latest_known"
    standard: str = "england_2021"
    level: float = Field(default=0.95, gt=0.5, lt=1)
    seed: int = 20260101
    disclosure: Disclosure
    priorities: PriorityRule
    engagement: str = ""  # record of meetings, a file beside this one (empty: engagement/<run>-<period>.yml), or none
    previous: str = ""  # folder of an earlier period's report (reports/...): the list starts from its adjusted one
    terms: dict[str, Any] = Field(default_factory=dict)  # words of the draft list that replace priorities.wording.TERMS

    @field_validator("age_bands")
    @classmethod
    def _bands_fit_the_census(cls, value: list[int]) -> list[int]:
        if value != sorted(set(value)) or not value or value[0] != 0:
            raise ValueError("must start at 0 and rise")
        odd = [cut for cut in value if cut not in CENSUS_CUTS]
        if odd:
            raise ValueError(f"the census has no cut at {odd}; possible are {list(CENSUS_CUTS)}")
        return value

    @field_validator("edition_date")
    @classmethod
    def _a_day(cls, value: str) -> str:
        with contextlib.suppress(ValueError):
            return value and datetime.date.fromisoformat(value).isoformat()
        raise ValueError("must be a day, year-month-day, such as 2026-10-14")

    @field_validator("standard")
    @classmethod
    def _is_shipped_by_sex(cls, value: str) -> str:
        rows = ethnicity.rows_of("standard_populations.csv")
        names = sorted({row["standard"] for row in rows if row["sex"]})
        if value in {row["standard"] for row in rows} - {*names}:
            raise ValueError(f"'{value}' is by age alone; a report allows for age and sex. Write {' or '.join(names)}")
        if value not in names:
            raise ValueError(f"there is no '{value}'.{did_you_mean(value, names)} Shipped: {', '.join(names)}")
        return value

    @field_validator("period", "periods", mode="after")
    @classmethod
    def _years_follow(cls, value: str | list[str]) -> str | list[str]:
        for period in [value] if isinstance(value, str) else value:
            start, end = period.split("-") if period.count("-") == 1 else ("", "")
            if not (re.fullmatch(r"(19|20)[0-9]{2}-[0-9]{2}", period) and (int(start) + 1) % 100 == int(end)):
                raise ValueError(f"'{period}' is not a financial year such as 2023-24")
        return value

    @model_validator(mode="after")
    def _period_is_built(self) -> Parameters:
        if self.periods and self.period not in self.periods:
            raise ValueError(f"period '{self.period}' is not among periods {self.periods}")
        return self

    @model_validator(mode="before")
    @classmethod
    def _comparator_fills_in(cls, values: Any) -> Any:
        if isinstance(values, dict) and not values.get("comparator"):
            detailed = values.get("detail") == "detailed"
            return values | {"comparator": "White British" if detailed else "White"}
        return values

    @model_validator(mode="after")
    def _comparator_is_a_group(self) -> Parameters:
        groups, other = ethnicity.known_groups(self.detail), {"broad": "detailed", "detailed": "broad"}[self.detail]
        if self.comparator not in groups:
            hint = did_you_mean(self.comparator, groups)
            if self.comparator.casefold() in [group.casefold() for group in ethnicity.known_groups(other)]:
                hint = f" It is one of detail: {other}; set that, or another group."
            raise ValueError(
                f"comparator: '{self.comparator}' is no ethnic group of detail: {self.detail}.{hint} "
                f"Groups: {', '.join(groups)}"
            )
        return self

    def but(self, left_out: Iterable[str]) -> str:
        """Return all parameters but these as text, to compare with those of the last run."""
        return json.dumps(self.model_dump(mode="json", exclude=set(left_out)), sort_keys=True, ensure_ascii=False)

    def for_notebooks(self) -> dict[str, Any]:
        """Return the plain values that papermill may put into a notebook's parameters cell."""
        plain = (str, int, float, bool)
        return {key: value for key, value in self.model_dump().items() if isinstance(value, plain)}


def project_root() -> Path:
    """Return the folder that holds ``notebooks/`` and ``data/``.

    The variable ``PCREF_HOME`` wins; then the nearest folder at or above the working directory that has
    ``notebooks/parameters``; then the checkout that the package was installed from.
    """
    if home := os.environ.get("PCREF_HOME"):
        return Path(home).resolve()
    for folder in (Path.cwd(), *Path.cwd().parents):
        if (folder / "notebooks" / "parameters").is_dir():
            return folder
    return Path(__file__).resolve().parents[2]


def parameters_folder() -> Path:
    """Return the folder of the files that people write for their runs: parameters, records, catalogues."""
    return project_root() / "notebooks" / "parameters"


def report_folder(run: str) -> Path:
    """Return where the published report of a run stands, whether it is there or not."""
    return project_root() / "reports" / run


def shown(path: Path) -> str:
    """Return a path as people see it: from the project's folder, where it lies in it."""
    root = project_root()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def project_path(text: str) -> Path:
    """Return a path as parameters give it: relative to the project; ``~`` is the home of the user."""
    return project_root() / Path(text).expanduser()


def extract_path(parameters: Parameters) -> Path:
    """Return the folder or file that a run reads its rows from: ``data/raw/<run>`` where no location is given."""
    return project_path(parameters.source.location or f"data/raw/{parameters.run}")


def load(run: str, **overrides: Any) -> Parameters:
    """Read and check the parameters of a run.

    A notebook that a report executes gets the parameters that the command has checked (the file that the variable
    ``PCREF_PARAMETERS`` names), so that both work by the same rules; everyone else reads the YAML file.

    Parameters
    ----------
    run
        The name of a file in ``notebooks/parameters`` without its ending, or a path to a YAML file.
    **overrides
        Values that win over the file (``period="2022-23"``); ``None`` is ignored.

    Raises
    ------
    PcrefError
        If the file is missing, is not YAML, is named otherwise than its ``run:``, or has an unknown key or a value
        that does not fit; an unknown key is answered with the nearest name.

    Examples
    --------
    >>> load("demo").trust.name                                                  # doctest: +SKIP
    'Fenmoor and Vale NHS Trust (invented)'
    """
    over = {key: value for key, value in overrides.items() if value is not None}
    if (given := _given()) and given.get("run") == run:
        return check(given | over, "the parameters that this report was started with")
    path = known_file(run)
    values = read_yaml(path, "parameters")
    if not isinstance(values, dict):
        raise PcrefError(f"parameters: {path.name} must hold 'name: value' lines.")
    checked = check(values | over, path.name)
    if checked.run != path.stem:
        raise PcrefError(
            f"parameters: {path.name} says run: {checked.run}. A run has the name of its file, so that no run takes "
            f"another's extract, rules or report: write run: {path.stem}, or rename the file to {checked.run}.yml."
        )
    return checked


def run_file(run: str) -> Path:
    """Return the parameters file of a run that is given by its name, or by a path to the file."""
    return Path(run) if run.endswith((".yml", ".yaml")) else parameters_folder() / f"{run}.yml"


def known_file(run: str) -> Path:
    """Return the parameters file of a run.

    Raises
    ------
    PcrefError
        If there is none: names the nearest run, and all of them.
    """
    path = run_file(run)
    if not path.is_file():
        have = sorted(p.stem for p in path.parent.glob("*.yml") if not p.stem.endswith("-indicators"))
        hint = did_you_mean(path.stem, have)
        raise PcrefError(f"parameters: there is no {path.name}.{hint} Runs: {', '.join(have) or 'none'}.")
    return path


def read_yaml(path: Path, who: str) -> Any:
    """Read a YAML file that people write; ``who`` starts the error ("parameters", "engagement").

    Raises
    ------
    PcrefError
        If the file cannot be opened, is not UTF-8 text, is not YAML or has a key twice; names the file and the line.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8-sig"), Written)
    except OSError as error:
        raise PcrefError(f"{who}: {path.name} cannot be opened ({type(error).__name__}).") from None
    except UnicodeDecodeError:
        raise PcrefError(f"{who}: {path.name} is not UTF-8 text. Save it with the encoding UTF-8.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" near line {mark.line + 1}" if mark else ""
        if isinstance(error, yaml.constructor.ConstructorError) and str(error.problem).endswith(" twice"):
            raise PcrefError(f"{who}: {path.name} has {error.problem} at one place{where}. Keep one.") from None
        raise PcrefError(
            f"{who}: {path.name} is not valid YAML{where}. Check the indentation, and put a text that holds a colon in "
            "quotation marks."
        ) from None


def hand_over(parameters: Parameters, folder: Path) -> Path:
    """Write checked parameters for the notebooks that are executed for a run; the variable ``GIVEN`` names the file."""
    path = folder / "parameters.json"
    path.write_text(parameters.model_dump_json(indent=1), encoding="utf-8")
    return path


def _given() -> dict[str, Any]:
    """Return the parameters that this process was started with, if it was started for a run."""
    name = os.environ.get(GIVEN)
    return json.loads(Path(name).read_text(encoding="utf-8")) if name else {}


def check(values: dict[str, Any], name: str) -> Parameters:
    """Return the validated parameters, or raise one :class:`PcrefError` that names every fault."""
    try:
        return Parameters.model_validate(values)
    except ValidationError as error:
        lines = [f"  {_fault(fault)}" for fault in error.errors()]
        raise PcrefError("\n".join([f"parameters: {name} has {len(lines)} fault(s):", *lines])) from None


def _fault(fault: Any) -> str:
    where = ".".join(str(part) for part in fault["loc"])
    words = in_words(fault, Parameters)
    words += "" if words.endswith("?") else "."
    return f"{where}: {words}" if where else words  # what concerns several keys names them itself
