"""All indicators of a domain at once: levels and gaps by ethnic group, as the catalogue says each is measured.

What comes in is either cells (a Trust's own records) or published counts, which are known to an interval only;
both come out in the shared shape of estimates, so that one notebook serves both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pandas as pd

from pcref_analysis.estimates import interval_counts
from pcref_analysis.estimates.rates import rates
from pcref_analysis.estimates.regression import adjusted_ratios
from pcref_analysis.vocabulary import ethnicity, indicators
from pcref_analysis.vocabulary.errors import PcrefError, did_you_mean
from pcref_analysis.vocabulary.indicators import Indicator
from pcref_analysis.vocabulary.parameters import Parameters

KEYS = ["indicator", "period", "ethnic_group"]
PAIR = ["indicator", "ethnic_group"]  # which one finding or gap is of, within a year
SHAPE = [*KEYS, "comparator", "adjustment", "measure", "estimate", "lower", "upper", "level", "events", "at_risk"]
SHAPE += ["note"]
FAMILY = {"rate": "poisson", "percent": "poisson", "mean": "quasipoisson"}
COMPARATORS = (ethnicity.ALL_OTHERS, ethnicity.WHOLE_POPULATION)  # offered beside the comparator of the run
CHANGE, STEPS = adjusted_ratios.CHANGE, tuple(adjusted_ratios.STEPS)


def is_published(data: pd.DataFrame) -> bool:
    """Say whether these are published counts (known to an interval) rather than cells."""
    return "events_low" in data


def select(data: pd.DataFrame, parameters: Parameters, domain: str | None = None) -> pd.DataFrame:
    """Return what belongs to a domain, with ethnic groups at the run's level of detail.

    Unknown ethnic group (not stated, not known, missing) stays a group of its own. Of published counts, rates among
    residents are those of the integrated care board, percentages those of the Trust itself.
    """
    catalogue = indicators.catalogue()
    if domain not in (None, *(known := {entry.domain for entry in catalogue.values()})):
        raise PcrefError(
            f"cells: there is no domain '{domain}'.{did_you_mean(domain, known)} {', '.join(sorted(known))}."
        )
    part = data[data["indicator"].isin([k for k, entry in catalogue.items() if domain in (None, entry.domain)])]
    if is_published(part):
        return part[part["own"]]
    groups = ethnicity.to_broad(part["ethnic_group"])
    if parameters.detail == "detailed":
        groups = groups.where(groups == ethnicity.UNKNOWN, part["ethnic_group"])
    return part.assign(ethnic_group=groups)


def compared(cells: pd.DataFrame) -> pd.DataFrame:
    """Return cells without the indicators that tell of recording: groups are not compared on those."""
    kinds = cells["indicator"].map(indicators.of_each("domain"))
    return cells[kinds != "recording"]


def by_measure(cells: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return the cells in parts: rates, percentages and means, as the catalogue says."""
    return _split(cells, lambda entry: entry.measure)


def comparable(cells: pd.DataFrame, comparator: str) -> list[tuple[str, pd.DataFrame]]:
    """Return :func:`by_measure` without the measures that nobody of the comparator has.

    A comparator that is no ethnic group is a name to correct, which the fit says.
    """
    parts = by_measure(cells)
    if comparator not in (*ethnicity.known_groups("broad"), *ethnicity.known_groups("detailed")):
        return parts
    return [(measure, part) for measure, part in parts if comparator in set(part["ethnic_group"])]


def crude(cells: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Return each indicator's crude level by period and ethnic group: a rate, a percentage or a mean.

    Parameters
    ----------
    cells
        Cells, or published counts, with ethnic groups as they are to be shown (:func:`select`).
    level
        Of the intervals.

    Returns
    -------
    pandas.DataFrame
        The shared shape of estimates, with ``indicator_name`` and ``unit``; ``measure`` is rate, percent or mean, and
        a rate is per the number that the catalogue names.

    Notes
    -----
    Not to be used to rank Trusts: case mix and recording differ.
    """
    if is_published(cells):
        table = interval_counts.crude(cells, level).assign(adjustment="crude", comparator="", level=level)
        england = [name for name in interval_counts.ENGLAND.values() if name in table]
        return finished(table, ["events_low", "events_high", "area", *england])
    tables = [
        _crude(mine, measure, level).assign(adjustment="crude", measure=measure) for measure, mine in by_measure(cells)
    ]
    return _scaled(tables, cells)


def standardised(
    cells: pd.DataFrame, standard: str, over: Sequence[str] = ("age_band", "sex"), level: float = 0.95
) -> pd.DataFrame:
    """Return directly standardised rates among residents by period and ethnic group; other measures have none.

    Parameters
    ----------
    cells
        As in :func:`crude`; published counts hold no ages and give no rows.
    standard
        A standard population (:mod:`pcref_analysis.vocabulary.standards`).
    over
        The columns of the strata.
    level
        Of the intervals.

    Returns
    -------
    pandas.DataFrame
        The shared shape of estimates; ``adjustment`` is age_sex. Events and people at risk are all of them, as in
        :func:`crude`: what is left out for want of an age or a sex stands in ``note``.
    """
    parts = [] if is_published(cells) else _split(cells, _standardised)
    tables = [
        rates.direct(mine, KEYS, standard, list(over), per=1, level=level, repeat_events=True).assign(
            adjustment="age_sex", measure="rate"
        )
        for _, mine in parts
    ]
    return _scaled(tables, cells)


def ladder(cells: pd.DataFrame, comparator: str, steps: Sequence[str] = STEPS, level: float = 0.95) -> pd.DataFrame:
    """Return each group's ratio to the comparator: before adjustment, after age and sex, and after deprivation too.

    Parameters
    ----------
    cells
        As in :func:`crude`. Indicators that tell of recording are left out: groups are not compared on those.
    comparator
        A group, "All other groups" or "Whole population".
    steps
        Which adjustments to make, in order: of ``crude, age_sex, age_sex_imd``.
    level
        Of the intervals.

    Returns
    -------
    pandas.DataFrame
        The shared shape of estimates (``measure`` is ratio), with ``indicator_name`` and ``unit``, and the ``change``
        from the step of adjustment before (this ratio divided by that one, with ``change_lower``, ``change_upper``).
        Counts by ethnic group alone (GroupCounts) have a crude ratio only. Published counts hold no ages: their ratios
        are crude only, and to a named group only; a year's and those of the newest years together (``period``
        "2022-23 to 2024-25", see :func:`pcref_analysis.estimates.interval_counts.pooled`), of which the draft list is
        made.

    Notes
    -----
    Ratios of percentages are ratios of proportions (modified Poisson regression), not odds ratios. A ratio does not
    say why groups differ.
    """
    if odd := [name for name in steps if name not in STEPS]:
        raise PcrefError(f"ladder: steps are of {', '.join(STEPS)}, not {', '.join(map(str, odd))}.")
    part = compared(cells)
    if is_published(part):
        part = part.head(0) if comparator in COMPARATORS else part  # the others are known to an interval only
        together = [one for one in (part, interval_counts.pooled(part)) if len(one)] or [part]
        counts = pd.concat(together, ignore_index=True)
        table = interval_counts.compare(interval_counts.crude(counts, level), comparator, level)
        table = table[(table["ethnic_group"] != comparator) & table["at_risk_high"].notna()]
        figures = {"estimate": table["ratio"], "lower": table["ratio_lower"], "upper": table["ratio_upper"]}
        table = table.assign(adjustment="crude", measure="ratio", level=level, **figures)
        for name in [name for name in ("growth", "england") if name in table]:
            table[name] = _against(table, part, name, comparator)
        return finished(table, ["events_low", "events_high", "area", *(n for n in ("growth", "england") if n in table)])
    known = {key for key, entry in indicators.catalogue().items() if entry.count and entry.count.counts}
    whole = part["indicator"].isin(known)  # counts by group alone: nothing can be adjusted for, and nobody is left out
    every = part[whole].assign(sex="All", age_band="All", imd_quintile=1)
    tables = []
    for cut, names in ((part[~whole], steps), (every, [name for name in steps if name == "crude"])):
        options: dict[str, Any] = {"steps": {name: adjusted_ratios.STEPS[name] for name in names}, "level": level}
        tables += [
            adjusted_ratios.ladder(mine, "ethnic_group", comparator, family=FAMILY[measure], interval="t", **options)
            for measure, mine in (comparable(cut, comparator) if names else ())
        ]
    tables = [table for table in tables if len(table)]  # figures of one without rows are no numbers to pandas
    if not tables:
        return empty(CHANGE)
    table = one_count(pd.concat(tables, ignore_index=True), part)
    nobody = (table["ethnic_group"] == ethnicity.UNKNOWN) & ~(table["at_risk"] > 0)
    return finished(table[~nobody], CHANGE)


def _against(table: pd.DataFrame, counts: pd.DataFrame, column: str, comparator: str) -> pd.Series:
    """Return what stands next to each group's figure (England's level, growth), divided by the comparator's."""
    known = counts.drop_duplicates(KEYS).set_index(KEYS)[column].astype(float)
    keys = [table[KEYS], table[KEYS].assign(ethnic_group=comparator)]
    own, theirs = (known.reindex(pd.MultiIndex.from_frame(one)).to_numpy() for one in keys)
    return pd.Series(own / theirs, table.index)


def other_comparators(cells: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Return the fullest ratios against all other groups together and against the whole population (:func:`ladder`)."""
    tables = [ladder(cells, comparator, STEPS[-1:], level) for comparator in COMPARATORS]
    return pd.concat(tables, ignore_index=True).drop(columns=CHANGE, errors="ignore")


def together(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return several tables of estimates as one, in the order that people read."""
    filled = [table for table in tables if len(table)] or list(tables[:1])
    return in_order(pd.concat(filled, ignore_index=True))


def named(estimates: pd.DataFrame) -> pd.DataFrame:
    """Add what people read: ``indicator_name``, and ``unit``: what a figure says ("% of discharges", "ratio").

    A published rate among residents is that of the integrated care board, whichever Trust the report is for: its name
    says so ("Detentions under the Mental Health Act, whole board"); the head of each page names the board.
    """
    catalogue = indicators.catalogue()
    names = indicators.of_each("name")
    scales = estimates["indicator"].map(indicators.of_each("scale"))
    units = estimates["measure"].where(~estimates["measure"].isin(list(FAMILY)), scales)
    called = estimates["indicator"].map(names)
    if "area" in estimates:
        residents = {key for key, entry in catalogue.items() if entry.at_risk == "residents"}
        board = estimates["indicator"].isin(residents) & estimates["area"].ne("England")
        called = called.mask(board, called + ", whole board")
    return estimates.assign(indicator_name=called, unit=units)


def one_count(table: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Give every figure of a group the same events and people at risk: all of them, as counted.

    A standardised or adjusted figure leaves out people of unknown age or sex and says so in ``note``; were its own
    counts shown beside the crude ones, the difference would show how many they are.
    """
    counts = cells.groupby(KEYS, as_index=False, dropna=False)[["events", "at_risk"]].sum(min_count=1)
    return table.drop(columns=["events", "at_risk"]).merge(counts, on=KEYS, how="left", validate="many_to_one")


def _crude(cells: pd.DataFrame, measure: str, level: float) -> pd.DataFrame:
    if measure == "percent":
        return rates.proportion(cells, KEYS, per=1, level=level)
    if measure == "mean":
        return rates.mean(cells, KEYS, level=level)
    return rates.crude(cells, KEYS, per=1, level=level)


def _scaled(tables: list[pd.DataFrame], cells: pd.DataFrame) -> pd.DataFrame:
    """Return levels as one table, each per the number of people or bed days that the catalogue names."""
    if not tables:
        return empty()
    table = one_count(pd.concat(tables, ignore_index=True), cells)
    per = table["indicator"].map(indicators.of_each("per"))
    per = per.where(table["measure"] != "mean", 1).astype(float)
    figures = {name: table[name] * per for name in ("estimate", "lower", "upper")}
    return finished(table.assign(comparator="", **figures))


def _standardised(entry: Indicator) -> str:
    return "rate" if (entry.at_risk, entry.measure) == ("residents", "rate") else ""


def _split(cells: pd.DataFrame, kind: Callable[[Indicator], str]) -> list[tuple[str, pd.DataFrame]]:
    """Return the cells by a property of their indicators, those of an empty property left out."""
    kinds = cells["indicator"].map({key: kind(entry) for key, entry in indicators.catalogue().items()})
    return [(name, part) for name, part in cells.groupby(kinds, sort=True) if name]


def finished(table: pd.DataFrame, more: list[str] | None = None) -> pd.DataFrame:
    """Return the shared shape in the order that people read: catalogue, period, NHS order of groups, steps."""
    return in_order(named(table[[*SHAPE, *(more or [])]]))


def empty(more: Sequence[str] = ()) -> pd.DataFrame:
    """Return the shared shape without rows; its figures stay numbers in what is written and read again."""
    table = pd.DataFrame(columns=[*SHAPE, *more])
    numbers = ["estimate", "lower", "upper", "level", "events", "at_risk", *CHANGE[1:], "beyond"]
    return finished(table.astype({name: float for name in numbers if name in table}), list(more))


def fullest(table: pd.DataFrame, steps: Sequence[str]) -> pd.DataFrame:
    """Return of each indicator the rows by the fullest adjustment that it has, of ``steps`` (the fullest last)."""
    part = table[table["adjustment"].isin(steps)]
    step = part["adjustment"].map(list(steps).index)
    return part[step == step.groupby(part["indicator"]).transform("max")]


def in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Return rows in the order that people read: comparator, catalogue, period, NHS order of groups, adjustment."""
    groups = [*ethnicity.BROAD_GROUPS, *ethnicity.known_groups("detailed"), ethnicity.UNKNOWN]
    order: dict[str, Any] = {"comparator": _places(table["comparator"])} if "comparator" in table else {}
    order |= {"indicator": _places(indicators.catalogue()), "period": None, "ethnic_group": _places(groups)}
    order["adjustment"] = _places(STEPS)
    there = {
        name: table[name].map(places) if places else table[name] for name, places in order.items() if name in table
    }
    ranks = pd.DataFrame(there, index=table.index)
    return table.loc[ranks.sort_values(list(ranks), kind="stable").index].reset_index(drop=True)


def _places(names: Iterable[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(dict.fromkeys(names))}
