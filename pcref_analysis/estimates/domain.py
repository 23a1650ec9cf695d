"""All indicators of a domain at once: levels and gaps by ethnic group, as the catalogue says each is measured."""

from __future__ import annotations

import pandas as pd

from pcref_analysis.estimates import rates, regression
from pcref_analysis.vocabulary import ethnicity, indicators
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


def select(cells: pd.DataFrame, parameters: Parameters, domain: str | None = None) -> pd.DataFrame:
    """Return the cells of a domain with ethnic groups at the level of detail of the run.

    Unknown ethnic group (not stated, not known, missing) stays a group of its own.
    """
    catalogue = indicators.catalogue()
    wanted = [key for key, entry in catalogue.items() if domain in (None, entry.domain)]
    part = cells[cells["indicator"].isin(wanted)]
    groups = ethnicity.to_broad(part["ethnic_group"])
    if parameters.detail == "detailed":
        groups = groups.where(groups == ethnicity.UNKNOWN, part["ethnic_group"])
    return part.assign(ethnic_group=groups)


def levels(cells: pd.DataFrame, parameters: Parameters, domain: str | None = None) -> pd.DataFrame:
    """Return each indicator's level by period and ethnic group: crude, and standardised by age and sex.

    Rates among residents are also standardised directly to ``parameters.standard``; other rates, percentages and
    means stand as they are (their gaps are adjusted in :func:`gaps`).

    Returns
    -------
    pandas.DataFrame
        The shared shape of estimates, with ``indicator_name`` and ``unit``; ``measure`` is rate, percent or
        mean, per what the catalogue says.

    Notes
    -----
    Not to be used to rank Trusts: case mix and recording differ.
    """
    part = select(cells, parameters, domain)
    catalogue = indicators.catalogue()
    tables = []
    for measure, keys in _by_measure(part, lambda entry: entry.measure).items():
        mine = part[part["indicator"].isin(keys)]
        tables.append(_crude(mine, measure, parameters.level).assign(adjustment="crude", measure=measure))
    for keys in _by_measure(part, _standardised).values():
        mine = part[part["indicator"].isin(keys)]
        direct = rates.direct(
            mine, KEYS, parameters.standard, ["age_band", "sex"], per=1, level=parameters.level, repeat_events=True
        )
        tables.append(direct.assign(adjustment="age_sex", measure="rate"))
    table = pd.concat(tables, ignore_index=True) if tables else _empty()
    per = table["indicator"].map({key: entry.per for key, entry in catalogue.items()}).astype(float)
    scale = per.where(table["measure"] != "mean", 1.0)
    for column in ("estimate", "lower", "upper"):
        table[column] = table[column] * scale
    return named(_ordered(_one_count(table.assign(comparator=""), part)[SHAPE]))


def gaps(
    cells: pd.DataFrame, parameters: Parameters, domain: str | None = None, comparator: str | None = None
) -> pd.DataFrame:
    """Return each group's ratio to the comparator: before adjustment, after age and sex, and after deprivation too.

    Parameters
    ----------
    cells, domain
        As in :func:`levels`.
    parameters
        ``comparator`` (a group, "All other groups" or "Whole population"), ``detail`` and ``level`` are used.
    comparator
        Replaces the comparator of the parameters.

    Returns
    -------
    pandas.DataFrame
        The shared shape of estimates (``measure`` is ratio), with ``indicator_name``.

    Notes
    -----
    Ratios of percentages are ratios of proportions (modified Poisson regression), not odds ratios. A ratio does not say
    why groups differ.
    """
    part = select(cells, parameters, domain)
    part = part[~part["indicator"].isin(NOT_COMPARED)]
    tables = [
        regression.ladder(
            part[part["indicator"].isin(keys)], "ethnic_group", comparator or parameters.comparator,
            family=FAMILY[measure], level=parameters.level,
        )
        for measure, keys in _by_measure(part, lambda entry: entry.measure).items()
    ]  # fmt: skip
    table = pd.concat(tables, ignore_index=True) if tables else _empty()
    table = _one_count(table, part)
    nobody = (table["ethnic_group"] == ethnicity.UNKNOWN) & ~(table["at_risk"] > 0)
    return named(_ordered(table.loc[~nobody, SHAPE]))


NOT_COMPARED = ("ethnicity_known", "ethnicity_other_codes")  # a group cannot be compared on whether its group is known


def named(estimates: pd.DataFrame) -> pd.DataFrame:
    """Add what people read: ``indicator_name`` and ``unit`` from the catalogue."""
    catalogue = indicators.catalogue()
    names = {key: entry.name for key, entry in catalogue.items()}
    units = {key: entry.unit for key, entry in catalogue.items()}
    return estimates.assign(indicator_name=estimates["indicator"].map(names), unit=estimates["indicator"].map(units))


def _one_count(table: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Give every figure of a group the same events and people at risk: all of them, as counted.

    A standardised or adjusted figure leaves out people of unknown age or sex and says so in ``note``; were its own
    counts shown beside the crude ones, the difference would show how many they are.
    """
    counts = cells.groupby(KEYS, as_index=False, dropna=False)[["events", "at_risk"]].sum(min_count=1)
    return table.drop(columns=["events", "at_risk"]).merge(counts, on=KEYS, how="left", validate="many_to_one")


def _standardised(entry: indicators.Indicator) -> str:
    return "rate" if (entry.at_risk, entry.measure) == ("residents", "rate") else ""


def _crude(cells: pd.DataFrame, measure: str, level: float) -> pd.DataFrame:
    if measure == "percent":
        return rates.proportion(cells, KEYS, per=1, level=level)
    if measure == "mean":
        return rates.mean(cells, KEYS, level=level)
    return rates.crude(cells, KEYS, per=1, level=level)


def _by_measure(cells: pd.DataFrame, kind: object) -> dict[str, list[str]]:
    catalogue = indicators.catalogue()
    groups: dict[str, list[str]] = {}
    for key in [key for key in catalogue if key in set(cells["indicator"])]:
        groups.setdefault(kind(catalogue[key]), []).append(key)
    groups.pop("", None)
    return groups


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    """Sort as people read: indicators as in the catalogue, groups in the NHS order, steps from crude on."""
    orders = {
        "indicator": list(indicators.catalogue()),
        "ethnic_group": [*ethnicity.known_groups("broad"), *ethnicity.known_groups("detailed"), ethnicity.UNKNOWN],
        "adjustment": ["crude", "age_sex", "age_sex_imd"],
    }
    ranks = {c: table[c].map({v: i for i, v in enumerate(dict.fromkeys(order))}) for c, order in orders.items()}
    keys = table.assign(**{f"_{c}": rank for c, rank in ranks.items()})
    return keys.sort_values(["_indicator", "period", "_ethnic_group", "_adjustment"], kind="stable")[
        list(table)
    ].reset_index(drop=True)


def _empty() -> pd.DataFrame:
    return pd.DataFrame(columns=SHAPE)
