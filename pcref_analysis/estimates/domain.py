"""All indicators of a domain at once: levels and gaps by ethnic group, as the catalogue says each is measured.

What comes in is either cells (a Trust's own records) or published counts, which are known to an interval only;
both come out in the shared shape of estimates, so that one notebook serves both.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from pcref_analysis.estimates import rates, regression, rounded
from pcref_analysis.vocabulary import ethnicity, indicators
from pcref_analysis.vocabulary.indicators import Indicator
from pcref_analysis.vocabulary.parameters import Parameters

KEYS = ["indicator", "period", "ethnic_group"]
SHAPE = [
    *KEYS,
    "comparator",
    "adjustment",
    "measure",
    "estimate",
    "lower",
    "upper",
    "level",
    "events",
    "at_risk",
    "note",
]
FAMILY = {"rate": "poisson", "percent": "poisson", "mean": "quasipoisson"}
COMPARATORS = ("All other groups", "Whole population")  # offered beside the comparator of the run
CHANGE = ["change_from", "change", "change_lower", "change_upper"]  # from the step of adjustment before
STEPS = ("crude", "age_sex", "age_sex_imd")


def is_published(data: pd.DataFrame) -> bool:
    """Say whether these are published counts (known to an interval) rather than cells."""
    return "events_low" in data


def select(data: pd.DataFrame, parameters: Parameters, domain: str | None = None) -> pd.DataFrame:
    """Return what belongs to a domain, with ethnic groups at the run's level of detail.

    Unknown ethnic group (not stated, not known, missing) stays a group of its own. Of published counts, rates among
    residents are those of the integrated care board, percentages those of the Trust itself.
    """
    catalogue = indicators.catalogue()
    part = data[data["indicator"].isin([k for k, entry in catalogue.items() if domain in (None, entry.domain)])]
    if is_published(part):
        return part[part["own"]]
    groups = ethnicity.to_broad(part["ethnic_group"])
    if parameters.detail == "detailed":
        groups = groups.where(groups == ethnicity.UNKNOWN, part["ethnic_group"])
    return part.assign(ethnic_group=groups)


def compared(data: pd.DataFrame, parameters: Parameters, domain: str | None = None) -> pd.DataFrame:
    """Return :func:`select` without the indicators that tell of recording: groups are not compared on those."""
    part = select(data, parameters, domain)
    return part[part["indicator"].map({k: e.domain for k, e in indicators.catalogue().items()}) != "recording"]


def by_measure(cells: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return the cells in parts: rates, percentages and means, as the catalogue says."""
    return _split(cells, lambda entry: entry.measure)


def comparable(cells: pd.DataFrame, comparator: str) -> list[tuple[str, pd.DataFrame]]:
    """Return :func:`by_measure` without the measures that nobody of the comparator has, unless all lack it.

    A comparator that occurs nowhere is a name to correct, which the fit says.
    """
    parts = by_measure(cells)
    there = [(m, part) for m, part in parts if comparator in COMPARATORS or comparator in set(part["ethnic_group"])]
    return there or parts


def levels(data: pd.DataFrame, parameters: Parameters, domain: str | None = None) -> pd.DataFrame:
    """Return each indicator's level by period and ethnic group: crude, and standardised by age and sex.

    Parameters
    ----------
    data
        Cells or published counts, as :func:`pcref_analysis.intake.prepare.load` returns them.
    parameters
        ``standard``, ``level``, ``detail`` and, for published counts, the Trust's codes are used.
    domain
        One of the catalogue's domains; all of them when left out.

    Returns
    -------
    pandas.DataFrame
        The shared shape of estimates, with ``indicator_name`` and ``unit``; ``measure`` is rate, percent or mean.
        Rates among residents are also standardised directly; other measures stand as they are (their gaps are
        adjusted in :func:`gaps`).

    Notes
    -----
    Not to be used to rank Trusts: case mix and recording differ.
    """
    part = select(data, parameters, domain)
    if is_published(part):
        table = rounded.crude(part, parameters.level).assign(adjustment="crude", comparator="", level=parameters.level)
        return finished(table, ["events_low", "events_high", "area"])
    tables = [
        _crude(mine, measure, parameters.level).assign(adjustment="crude", measure=measure)
        for measure, mine in by_measure(part)
    ]
    tables += [
        rates.direct(
            mine, KEYS, parameters.standard, ["age_band", "sex"], per=1, level=parameters.level, repeat_events=True
        ).assign(adjustment="age_sex", measure="rate")
        for _, mine in _split(part, _standardised)
    ]
    if not tables:
        return finished(pd.DataFrame(columns=SHAPE))
    table = one_count(pd.concat(tables, ignore_index=True), part)
    per = table["indicator"].map({key: entry.per for key, entry in indicators.catalogue().items()})
    per = per.where(table["measure"] != "mean", 1).astype(float)
    figures = {name: table[name] * per for name in ("estimate", "lower", "upper")}
    return finished(table.assign(comparator="", **figures))


def gaps(
    data: pd.DataFrame,
    parameters: Parameters,
    domain: str | None = None,
    comparator: str | None = None,
    steps: tuple[str, ...] = STEPS,
) -> pd.DataFrame:
    """Return each group's ratio to the comparator: before adjustment, after age and sex, and after deprivation too.

    Parameters
    ----------
    data, domain
        As in :func:`levels`.
    parameters
        ``comparator``, ``detail`` and ``level`` are used.
    comparator
        Replaces the comparator of the parameters: a group, "All other groups" or "Whole population".
    steps
        Which adjustments to make, in order.

    Returns
    -------
    pandas.DataFrame
        The shared shape of estimates (``measure`` is ratio), with ``indicator_name`` and ``unit``, and the ``change``
        from the step of adjustment before (this ratio divided by that one, with ``change_lower``, ``change_upper``).
        Published counts hold no ages: their ratios are crude only.

    Notes
    -----
    Ratios of percentages are ratios of proportions (modified Poisson regression), not odds ratios. A ratio does not
    say why groups differ.
    """
    part = compared(data, parameters, domain)
    comparator = comparator or parameters.comparator
    if is_published(part):
        table = rounded.compare(rounded.crude(part, parameters.level), comparator, parameters.level)
        table = table[(table["ethnic_group"] != comparator) & table["at_risk_high"].notna()]
        figures = {"estimate": table["ratio"], "lower": table["ratio_lower"], "upper": table["ratio_upper"]}
        table = table.assign(adjustment="crude", measure="ratio", level=parameters.level, **figures)
        return finished(table, ["events_low", "events_high", "area"])
    options = {"steps": {name: regression.STEPS[name] for name in steps}, "level": parameters.level, "interval": "t"}
    tables = [
        regression.ladder(mine, "ethnic_group", comparator, family=FAMILY[measure], **options)
        for measure, mine in comparable(part, comparator)
    ]
    if not tables:
        return finished(pd.DataFrame(columns=[*SHAPE, *CHANGE]), CHANGE)
    table = one_count(pd.concat(tables, ignore_index=True), part)
    nobody = (table["ethnic_group"] == ethnicity.UNKNOWN) & ~(table["at_risk"] > 0)
    return finished(table[~nobody], CHANGE)


def other_comparators(data: pd.DataFrame, parameters: Parameters, domain: str | None = None) -> pd.DataFrame:
    """Return the fullest ratios of the run's period against all other groups together and the whole population.

    Published counts are compared with the named group only, since the others are known to an interval only.
    """
    part = data[data["period"] == parameters.period]
    if is_published(data):
        return gaps(part, parameters, domain).head(0)
    tables = [gaps(part, parameters, domain, comparator, STEPS[-1:]) for comparator in COMPARATORS]
    return pd.concat(tables, ignore_index=True).drop(columns=CHANGE)


def named(estimates: pd.DataFrame) -> pd.DataFrame:
    """Add what people read: ``indicator_name``, and ``unit``: what a figure says ("% of discharges", "ratio")."""
    catalogue = indicators.catalogue()
    names = {key: entry.name for key, entry in catalogue.items()}
    scales = estimates["indicator"].map({key: entry.scale for key, entry in catalogue.items()})
    units = estimates["measure"].where(~estimates["measure"].isin(list(FAMILY)), scales)
    return estimates.assign(indicator_name=estimates["indicator"].map(names), unit=units)


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


def _standardised(entry: Indicator) -> str:
    return "rate" if (entry.at_risk, entry.measure) == ("residents", "rate") else ""


def _split(cells: pd.DataFrame, kind: Callable[[Indicator], str]) -> list[tuple[str, pd.DataFrame]]:
    """Return the cells by a property of their indicators, those of an empty property left out."""
    kinds = cells["indicator"].map({key: kind(entry) for key, entry in indicators.catalogue().items()})
    return [(name, part) for name, part in cells.groupby(kinds, sort=True) if name]


def finished(table: pd.DataFrame, more: list[str] | None = None) -> pd.DataFrame:
    """Return the shared shape in the order that people read: catalogue, period, NHS order of groups, steps."""
    table = named(table[[*SHAPE, *(more or [])]])
    groups = [*ethnicity.BROAD_GROUPS, *ethnicity.known_groups("detailed"), ethnicity.UNKNOWN]
    ranks = pd.DataFrame(
        {
            "indicator": table["indicator"].map(_places(indicators.catalogue())),
            "period": table["period"],
            "ethnic_group": table["ethnic_group"].map(_places(groups)),
            "adjustment": table["adjustment"].map(_places(STEPS)),
        }
    )
    return table.loc[ranks.sort_values(list(ranks), kind="stable").index].reset_index(drop=True)


def _places(names: object) -> dict[str, int]:
    return {name: place for place, name in enumerate(dict.fromkeys(names))}
