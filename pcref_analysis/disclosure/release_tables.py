"""Released tables: only this module makes a :class:`Releasable`, and nothing is shown that is not one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from pcref_analysis.disclosure import as_text, csv_files, denominators, planning, previous_release
from pcref_analysis.disclosure import audit as attacker
from pcref_analysis.disclosure import disclosure_rule as ruled
from pcref_analysis.disclosure.disclosure_rule import NOT_AVAILABLE, SHOWN, SUPPRESSED, ZERO
from pcref_analysis.disclosure.linked_tables import schema
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import Disclosure, Parameters
from pcref_analysis.vocabulary.significant_digits import same_everywhere

_HERE = object()
Previous = Iterable["Releasable"] | Path | str


@dataclass(frozen=True, eq=False)
class Releasable:
    """A table that may be shown, with its marks; made by this module and by nothing else.

    Attributes
    ----------
    table
        Released values only (a copy each time), with a status column beside each count (``events_status``)
        and one for the figures (``status``): "shown", "suppressed", "zero", "not available" or "repeated".
    marks
        The status columns alone.
    text
        The table as it is read: "[c]" suppressed, "[x]" not available.
    explanation
        What the marks mean, in words.
    source_id
        The run or publication that the numbers come from.
    synthetic, audience
        For the marks that every page must carry ("internal" is not for release).
    """

    _table: pd.DataFrame = field(repr=False)
    name: str
    rules: Disclosure
    source_id: str
    synthetic: bool
    audience: str
    dimensions: tuple[str, ...]
    counts: tuple[str, ...]
    figures: tuple[str, ...]
    links: Mapping[str, Any] = field(repr=False)  # what adds up to what: for the attack
    made: InitVar[object] = None

    def __post_init__(self, made: object) -> None:
        if made is not _HERE:
            raise PcrefError("disclosure: a Releasable is made by release(table, rules) only.")

    @property
    def table(self) -> pd.DataFrame:
        return self._table.copy()

    @property
    def marks(self) -> pd.DataFrame:
        return self._table[[c for c in self._table if c == "status" or c.endswith("_status")]].copy()

    @property
    def explanation(self) -> str:
        words = ruled.explain(self.rules, self.links.get("later", False)) + self.links.get("reference", "")
        if published := self.links.get("published"):
            return f"As published by {published}, with its own suppression and rounding. [c] suppressed there."
        return f"Internal: small numbers are shown. On release: {words}" if self.audience == "internal" else words

    @property
    def text(self) -> pd.DataFrame:
        numbers = {c: f"{c}_status" for c in self.counts} | dict.fromkeys(self.figures, "status")
        return as_text.text(self._table, numbers)

    def _repr_html_(self) -> str:
        return as_text.html(self)


def release(
    table: pd.DataFrame, rules: Disclosure | Parameters | str, *, name: str = "table", **options: Any
) -> Releasable:
    """Turn a table into one that may be shown: suppressed, protected, rounded, and worked out again.

    Parameters
    ----------
    table
        Estimates or counts. Known columns need no declaration: ``events``, ``at_risk``, ``estimate``,
        ``lower``, ``upper``, ``comparator``, ``adjustment``, ``measure``, ``level``, ``note``; text columns are
        dimensions. Sums of squares are used for the dominance rule and dropped.
    rules
        The disclosure section of the parameters, all parameters (then audience and the synthetic mark come
        from there), or a preset: "mhsds", "hes", "opensafely".
    name
        The caption, and the file name when written.
    **options
        See :func:`release_all`, which is the way for tables that share counts.

    Raises
    ------
    PcrefError
        If a numeric column is not declared, or the rule is not known.

    Examples
    --------
    >>> frame = pd.DataFrame({"ethnic_group": ["African", "Caribbean", "Indian"], "events": [3, 21, 0]})
    >>> release(frame, "mhsds").text["events"].tolist()
    ['[c]', '20', '0']
    """
    return release_all({name: table}, rules, **options)[0]


def release_all(
    tables: Mapping[str, pd.DataFrame] | Sequence[pd.DataFrame],
    rules: Disclosure | Parameters | str,
    *,
    dimensions: Sequence[str] | None = None,
    counts: Sequence[str] | None = None,
    figures: Sequence[str] = (),
    hierarchies: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
    public: bool | Sequence[str] | None = None,
    residents: pd.DataFrame | None = None,
    same: Sequence[Sequence[str]] = (),
    previous: Previous = (),
    largest: Mapping[str, float] | None = None,
    complementary: bool = True,
    source_id: str = "",
    synthetic: bool | None = None,
    audience: str | None = None,
) -> list[Releasable]:
    """Release several tables together, so that none gives away what another hides.

    Parameters
    ----------
    tables
        Tables by name (or a list of them). A dimension that a table lacks counts as its total; so do the
        labels "All", "Total", "Everyone", "Persons".
    dimensions, counts, figures
        Names of columns where they are not the known ones; other figures are given to two digits.
    hierarchies
        ``{dimension: {parent: [children]}}``; broad and detailed ethnic groups and pooled years are known.
    public
        Whose ``at_risk`` is published by others (census residents): True for all, or indicator ids; by
        default those whose catalogue entry says residents.
    residents
        The public numbers (``indicator``, dimensions, ``at_risk``) that such an ``at_risk`` must agree with.
    same
        Groups of series that are one number, such as ``("people_detained_caseload/events",
        "people_detained_inpatients/events")``; series with equal numbers throughout are found.
    previous
        The last published edition, Releasables or a folder: what it hid stays hidden, and a count that
        changed by less than the rule's base (or threshold) is repeated; an amount, by less than one person can hold.
    largest
        The most that one person holds of an amount, as ``{"bed_days/events": 120}``; also read from ``events_sq``.
    complementary
        False leaves out the protection by hiding more: for tests of the attack only.
    source_id, synthetic, audience
        Carried along; ``audience="internal"`` hides nothing and says so.
    """
    marks = _marks(rules, audience, synthetic, source_id)
    declared = _declared(tables, dimensions, counts, figures, public)
    denominators.check(declared, residents)
    before = _attackable(_read_in(previous))
    internal = marks["audience"] == "internal"
    given = declared, ruled.read(rules), hierarchies or {}, same, before, complementary, internal, largest
    made = planning.joint_plan(*given)
    return _released(declared, planning.apply((), made, before), made.rule, marks)


def plan(
    tables: Mapping[str, pd.DataFrame],
    rules: Parameters,
    *,
    residents: pd.DataFrame | None = None,
    previous: Previous = (),
    largest: Mapping[str, float] | None = None,
) -> planning.Plan:
    """Decide which counts of a run are hidden, jointly for every table that a page may show: confidential.

    Parameters
    ----------
    tables
        The exact counts by name, as :func:`release_all` takes them; figures are not needed.
    rules
        The run's parameters: rule and audience.
    residents, previous
        As in :func:`release_all`.

    Raises
    ------
    PcrefError
        If a number that would pass as residents is another one.
    """
    declared = _declared(tables)
    denominators.check(declared, residents)
    internal = rules.audience == "internal"
    before = _attackable(_read_in(previous))
    return planning.joint_plan(declared, ruled.read(rules), {}, (), before, internal=internal, largest=largest)


def release_by_plan(
    tables: Mapping[str, pd.DataFrame], plan: planning.Plan, rules: Parameters, previous: Previous = ()
) -> list[Releasable]:
    """Release tables by the plan of their run, so that none gives away what another page hides.

    Parameters
    ----------
    tables
        Estimates by name. Every count in them must stand in the plan.
    plan
        From :func:`plan`, with the same rule.
    rules
        The run's parameters: audience, synthetic mark and name.
    previous
        The edition that readers have, where the plan took one into account.

    Raises
    ------
    PcrefError
        If a count is not in the plan; names the indicator, never a value.
    """
    declared = _declared(tables)
    treated = planning.apply(declared, plan, _attackable(_read_in(previous)))
    return _released(declared, treated, plan.rule, _marks(rules, None, None, ""))


def joined(released: Sequence[Releasable], combine: Callable[[Sequence[pd.DataFrame]], pd.DataFrame]) -> Releasable:
    """Put the parts of one table that several pages released into one; a line that two of them have stands once.

    ``combine`` puts frames together, as :func:`pandas.concat` does.
    """
    first = released[0]
    if len(released) == 1:
        return first
    out = combine([one.table for one in released])
    out = out.fillna(dict.fromkeys(out.select_dtypes(exclude="number"), ""))  # of columns that one page has alone
    out = out.drop_duplicates(ignore_index=True)
    links = dict(first.links)
    if "series" in links:
        for key in ("public", "shares", "series"):
            every = [entry for one in released for entry in one.links[key]]
            links[key] = [entry for place, entry in enumerate(every) if entry not in every[:place]]
        links["gaps"] = {name: way for one in released for name, way in one.links["gaps"].items()}
    return replace(first, _table=out, links=links, made=_HERE)


def _marks(
    rules: Disclosure | Parameters | str, audience: str | None, synthetic: bool | None, source_id: str
) -> dict[str, Any]:
    if isinstance(rules, Parameters):
        audience, synthetic = audience or rules.audience, rules.synthetic if synthetic is None else synthetic
        source_id = source_id or rules.run
    return {"audience": audience or "release", "synthetic": bool(synthetic), "source_id": source_id}


def _declared(tables: Mapping[str, pd.DataFrame] | Sequence[pd.DataFrame], *columns: Any) -> list[schema.Table]:
    if not isinstance(tables, Mapping):
        tables = {f"table {number}": table for number, table in enumerate(tables, 1)}
    return [schema.declare(name, table, *columns) for name, table in tables.items()]


def _released(
    declared: Sequence[schema.Table],
    treated: Sequence[tuple[pd.DataFrame, dict[str, Any]]],
    rule: Disclosure,
    marks: Mapping[str, Any],
) -> list[Releasable]:
    return [
        Releasable(_table=frame, rules=rule, links=links, made=_HERE, **_columns_of(table), **marks)
        for table, (frame, links) in zip(declared, treated, strict=True)
    ]


def _columns_of(table: schema.Table) -> dict[str, Any]:
    return {name: getattr(table, name) for name in ("name", "dimensions", "counts", "figures")}


def release_published(
    table: pd.DataFrame,
    publisher: str,
    *,
    name: str = "table",
    counts: Sequence[str] | None = None,
    figures: Sequence[str] = (),
    dimensions: Sequence[str] | None = None,
    suppressed: Mapping[str, pd.Series] | None = None,
    source_id: str = "",
) -> Releasable:
    """Pass on figures that an official publisher has already released, with its own marks.

    Nothing is suppressed, rounded or worked out again, and the attack leaves such tables alone.

    Parameters
    ----------
    publisher
        Who released them, and where: stands in the explanation.
    suppressed
        ``{column: where the publisher suppressed it}``; other missing numbers are "not available".

    Raises
    ------
    PcrefError
        If no publisher is named, or a numeric column is not declared.
    """
    if not publisher.strip():
        raise PcrefError("disclosure: name the publisher of figures that are already released.")
    declared = schema.declare(name, table, dimensions, counts, figures)
    out = declared.frame[[c for c in declared.frame if c not in schema.INSIDE]].copy()
    gone = {c: pd.Series(mask).to_numpy(bool) for c, mask in (suppressed or {}).items()}
    for column in declared.counts:
        out[f"{column}_status"] = _publishers_marks(out[[column]], gone.get(column))
    if declared.figures:
        out["status"] = _publishers_marks(out[list(declared.figures)], gone.get(declared.figures[0]))
    marks = _marks("mhsds", None, False, source_id or publisher)
    links = {"published": publisher}
    return Releasable(_table=out, rules=ruled.read("mhsds"), links=links, made=_HERE, **_columns_of(declared), **marks)


def _publishers_marks(columns: pd.DataFrame, gone: Any) -> pd.Series:
    missing = columns.isna().all(axis=1)
    marks = pd.Series(SHOWN, columns.index).mask((columns == 0).all(axis=1), ZERO).mask(missing, NOT_AVAILABLE)
    return marks if gone is None else marks.mask(missing & gone, SUPPRESSED)


def derive(function: Callable[..., pd.DataFrame], *released: Releasable, name: str, **arguments: Any) -> Releasable:
    """Release what a function makes of released tables alone (a summary, a ranking, a reshaped table).

    The function gets a copy of each released table and nothing else that is confidential, so its answer
    can tell no more than they do. Pass public figures (population) as keyword arguments, never cells or estimates.

    Examples
    --------
    >>> frame = pd.DataFrame({"ethnic_group": ["African", "Indian"], "events": [21, 34]})
    >>> counted = release(frame, "mhsds", name="counts")
    >>> derive(lambda t: t.nlargest(1, "events")[["ethnic_group", "events"]], counted, name="most").table
      ethnic_group  events
    0       Indian    35.0
    """
    if not released or any(not isinstance(one, Releasable) for one in released):
        raise PcrefError("disclosure: derive() takes released tables only.")
    out = same_everywhere(function(*(one.table for one in released), **arguments)).reset_index(drop=True)
    first, audiences = released[0], {one.audience for one in released}
    numbers = tuple(c for c in out if pd.api.types.is_numeric_dtype(out[c]) and c not in schema.NUMBERED)
    links = {"derived": [one.name for one in released], "later": first.links.get("later", False)}
    if all("published" in one.links for one in released):  # what their publisher hid, no rule of ours did
        links["published"] = first.links["published"]
    return Releasable(
        _table=out.copy(),
        name=name,
        rules=first.rules,
        source_id=", ".join(dict.fromkeys(one.source_id for one in released)),
        synthetic=any(one.synthetic for one in released),
        audience="internal" if "internal" in audiences else "release",
        dimensions=tuple(c for c in out if c not in numbers),
        counts=(),
        figures=numbers,
        links=links,
        made=_HERE,
    )


def with_public(released: Releasable, public: pd.DataFrame, on: Sequence[str], words: str) -> Releasable:
    """Put figures that others have published next to the rows of a released table: no released value changes.

    Parameters
    ----------
    public
        The columns ``on`` and the published figures: none of the Trust's own, which this does not protect.
    words
        What a reader has to know of them: stands in the explanation.

    Returns
    -------
    Releasable
        The table itself where none of its rows has a published figure.
    """
    frame = released.table
    if odd := sorted(set(public) - set(on) & set(frame)):
        raise PcrefError(f"disclosure: {released.name} has {', '.join(odd)} already; published figures go next to it.")
    if not len(frame) or not len(frame.merge(public, on=list(on))):
        return released
    both = frame.merge(same_everywhere(public), on=list(on), how="left", validate="many_to_one")
    both = both.fillna({name: "" for name in set(both) - set(frame) if not pd.api.types.is_numeric_dtype(both[name])})
    return replace(released, _table=both, links={**released.links, "reference": f" {words}"}, made=_HERE)


def attack(
    released: Iterable[Releasable],
    rules: Disclosure | Parameters | str | None = None,
    previous: Previous = (),
    population: pd.DataFrame | None = None,
    revision: int = 1,
) -> pd.DataFrame:
    """Try to work out what is hidden, as an outsider could, and name what can be pinned too closely.

    Every hidden count, and every small number that follows by subtraction, is bounded by linear and integer
    programs from: sums (margins, broad and detailed groups, pooled years, tables that share counts), the
    rounding of what is shown, the thresholds, rates and intervals read back to counts, and the last edition.

    Parameters
    ----------
    released
        Everything about to be published.
    rules
        The rule; by default the one that the tables carry.
    previous
        The last published edition: Releasables or a folder.
    population
        Public denominators (dimensions and ``at_risk``) for tables that show rates without them.
    revision
        By how many people a count may have changed between editions.

    Returns
    -------
    pandas.DataFrame
        ``table, cell, column, how``: a row a finding, never a value; empty when nothing was found.

    Notes
    -----
    An empty answer is no proof of safety: see docs/methods/disclosure.md for what is not tried.
    """
    tables = _attackable(released)
    rule = ruled.read(rules) if rules is not None else (tables[0].rules if tables else ruled.read("mhsds"))
    before = _attackable(_read_in(previous))
    strict, rule = rule, _beside(rule, before)
    found = attacker.find(tables, rule, before, population, revision)
    if rule.values_left < strict.values_left:
        found = pd.concat([found, attacker.find(tables, strict, (), population)], ignore_index=True)
    if before and previous_release.nothing_moved(tables, before):  # then an outsider can put both editions into one sum
        together = attacker.find(tables, rule, before, population, together=True)
        found = pd.concat([found, together], ignore_index=True).drop_duplicates(["cell", "column"], ignore_index=True)
    return found


def _beside(rule: Disclosure, before: Iterable[Releasable]) -> Disclosure:
    """Return a rule that asks of hidden counts no more values than earlier editions, perhaps of a laxer one, left."""
    left = min([rule.values_left, *(one.rules.values_left for one in before)])
    return rule.model_copy(update={"uncertainty": left})


def attack_beside(
    released: Iterable[Releasable], earlier: Iterable[Previous], rules: Disclosure | Parameters | str | None = None
) -> pd.DataFrame:
    """Attack what is about to be published together with each earlier edition, and with all at once where none moved.

    ``earlier`` holds an entry an edition, from whatever run: folders, or the released tables. See :func:`attack`.
    """
    released, before = list(released), [_read_in(one) for one in earlier]
    found = [attack(released, rules, one) for one in before or [[]]]
    tables, every = _attackable(released), _attackable([table for one in before for table in one])
    if len(before) > 1 and all(previous_release.nothing_moved(tables, _attackable(one)) for one in before):
        by = tables[0].rules if rules is None else ruled.read(rules)
        found.append(attacker.find(tables, _beside(by, every), every, together=True))
    return pd.concat(found, ignore_index=True).drop_duplicates(["cell", "column"], ignore_index=True)


def attack_files(folder: Path | str, previous: Path | str | None = None, **options: Any) -> pd.DataFrame:
    """Attack what lies in a folder: the published CSV and JSON files alone (see :func:`attack`)."""
    return attack(read(folder), previous=previous or (), **options)


def says_the_same(released: Iterable[Releasable], previous: Previous) -> bool:
    """Say whether every count and figure that the last edition has too is shown with the same number, or hidden."""
    now, before = _attackable(released), _attackable(_read_in(previous))
    return previous_release.same_counts(now, before) and previous_release.same_figures(now, before)


def stop_on(leaks: pd.DataFrame) -> None:
    """Raise where an attack found something; names table and cell, never a value."""
    if len(leaks):
        cells = "; ".join(f"{leak.table}: {leak.cell} ({leak.column})" for leak in leaks.head(5).itertuples())
        raise PcrefError(
            f"disclosure: {len(leaks)} hidden count(s) could be worked out; nothing was published: {cells}. Counts "
            "rounded more coarsely (disclosure.rounding) or fewer years (periods) leave less to work out. This is a "
            "fault of pcref, not of your data: please report it with these names, which hold no count."
        )


def write(released: Iterable[Releasable], folder: Path | str) -> list[Path]:
    """Write each table as CSV with a JSON beside it that :func:`read` and :func:`attack_files` need."""
    return csv_files.write(released, folder)


def read(folder: Path | str) -> list[Releasable]:
    """Read what :func:`write` wrote, here or in folders below."""
    return [Releasable(_table=frame, made=_HERE, **facts) for frame, facts in csv_files.read(folder)]


def _attackable(released: Iterable[Releasable]) -> list[Releasable]:
    return [one for one in released if "series" in one.links]


def _read_in(previous: Previous) -> list[Releasable]:
    return read(previous) if isinstance(previous, (str, Path)) else list(previous)
