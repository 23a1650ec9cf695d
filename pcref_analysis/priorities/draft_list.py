"""The draft priorities list: a written rule over released estimates, for people to question and change."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from pcref_analysis.priorities import findings, scoring, wording
from pcref_analysis.store import csv_text
from pcref_analysis.vocabulary import indicators
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.indicators import Indicator
from pcref_analysis.vocabulary.priority_rule import CRITERIA, PriorityRule
from pcref_analysis.vocabulary.significant_digits import same_everywhere

NOTEBOOKS = {"recording": "00_recording", "prevalence": "01_prevalence", "access": "02_access"}
NOTEBOOKS |= {"experience": "03_experience", "outcomes": "04_outcomes"}
UNCLEAR = ["domain", "name", "ethnic_group", "ratio", "lower", "upper", "level", "ratio_text", "certainty_text"]
UNCLEAR += ["would_close"]
TRACE = ["estimate_table", "notebook", "method_page"]
METHODS = {
    "crude": "ladder",
    "age": "indirect-standardisation",
    "age_sex": "regression",
    "age_sex_imd": "regression",
}  # pages of docs/methods


def draft(
    estimates: pd.DataFrame,
    rule: PriorityRule,
    *,
    catalogue: Mapping[str, Indicator] | None = None,
    bounds: pd.DataFrame | None = None,
    flags: pd.DataFrame | None = None,
    comparator: str | None = None,
    period: str | None = None,
    terms: Mapping[str, object] | None = None,
) -> pd.DataFrame:
    """Rank the gaps of one Trust by the written rule.

    Parameters
    ----------
    estimates
        The shared shape: ratios (and, where there are any, differences, excess and levels) against one or more
        comparators, for one or more periods. Intervals may include rounding.
    rule
        The rule of the parameters file.
    catalogue
        The indicators; the shipped catalogue when left out.
    bounds
        ``indicator, ethnic_group, ratio_low, ratio_high``: the listed ratio with unknown ethnic group placed at worst.
    flags
        ``indicator, ethnic_group, flag, reason``: figures that a recording fault makes unfit to rank. A missing
        ``ethnic_group`` means all; an empty ``flag`` means none.
    comparator, period
        Which comparator and period the list is for: the only one, White British or White, and the last period.
    terms
        Words to use in place of :data:`pcref_analysis.priorities.wording.TERMS`.

    Returns
    -------
    pandas.DataFrame
        One row per indicator and ethnic group. ``list`` says where it belongs: priority, watch, supporting (another
        finding of a listed story and group), strength, unclear, evidence_gap, recording or context. Priorities come
        first, with ``rank``, ``band``, ``score``, the nine criteria (each 0 to 1, missing where not known),
        ``probability`` (of being among the first ``rule.first``), ``rank_low``, ``rank_high``, ``wording``,
        ``how_sure``, ``not_shown``, ``would_close``, and every input.

    Raises
    ------
    PcrefError
        If columns, an indicator, the comparator or the period are not there, an estimate stands twice, or the rule
        names an indicator or story that does not exist.

    Examples
    --------
    See ``docs/methods/priorities.md``.

    Notes
    -----
    A draft for discussion. Not to be used to set priorities without the people concerned, to rank Trusts, or to
    compare ethnic groups with one another.

    References
    ----------
    National Collaborating Centre for Mental Health (2019). Advancing Mental Health Equality: steps and guidance on
    commissioning and delivering equality in mental health care. Public Health England, The Prioritisation Framework.
    Lin R, Louis TA, Paddock SM, Ridgeway G (2006). Loss function based ranking in two-stage, hierarchical models.
    Bayesian Analysis 1, 915-946.
    """
    catalogue = indicators.catalogue() if catalogue is None else catalogue
    table = findings.make(estimates, rule, catalogue, comparator, period, bounds, flags)
    return _ranked(same_everywhere(table), rule, terms)  # ranked from the digits that are published


def _ranked(table: pd.DataFrame, rule: PriorityRule, terms: Mapping[str, object] | None) -> pd.DataFrame:
    ranked = scoring.rank(table, rule)
    return ranked.join(wording.first_draft(ranked, terms))


def rule_text(rule: PriorityRule) -> pd.DataFrame:
    """Return the rule as a table for the report: criterion, question, definition, scale, weight (shares of 1)."""
    scales = rule.absolute_full
    absolute = (
        f"{scales['residents']:g} per 100,000 residents, {scales['bed_days']:g} per 1,000 bed days, "
        f"{scales['percent']:g} percentage points, {scales['mean']:g} days"
    )
    values = rule.model_dump() | {"absolute_full": absolute}
    shares = rule.shares()
    rows = [
        {
            "criterion": name.replace("_", " ").capitalize(),
            "question": item.question,
            "definition": item.definition.format(**values),
            "scale": item.scale.format(**values),
            "weight": round(shares[name], 4),
        }
        for name, item in CRITERIA.items()
    ]
    return pd.DataFrame(rows)


def settings(rule: PriorityRule) -> pd.DataFrame:
    """Return every setting of the rule as ``setting, value`` (``weights.severity``, 0.15), to be read back."""
    rows = [(name, json.dumps(value, ensure_ascii=False)) for name, value in rule.settings("json").items()]
    return pd.DataFrame(rows, columns=["setting", "value"])


def _rule(rows: pd.DataFrame) -> PriorityRule:
    values: dict[str, Any] = {}
    for setting, value in zip(rows["setting"], rows["value"], strict=True):
        name, _, key = setting.partition(".")
        if key:
            values.setdefault(name, {})[key] = json.loads(value)
        else:
            values[name] = json.loads(value)
    return PriorityRule.model_validate(values)


def tables(ranked: pd.DataFrame, rule: PriorityRule) -> dict[str, pd.DataFrame]:
    """Return the tables of a workbook or of a folder of CSV files, by name.

    ``draft``, ``to_watch``, ``unclear``, ``strengths``, ``evidence_gaps``, ``recording``, ``rule`` are for reading;
    ``findings`` and ``rule_settings`` are enough to make the list again (:func:`rebuild`). Each finding names the
    table, notebook and method page that its estimate comes from.
    """
    listed = [
        *("rank", "band", "item", "name", "ethnic_group", "wording", "how_sure", "not_shown"),
        *("ratio", "lower", "upper", "level", "ratio_text", "amount", "certainty_text", "rank_text", "also"),
        *("expected", "score", "score_low", "score_high", "probability", "rank_low", "rank_high", "weights_first"),
        *("weights_rank_low", "weights_rank_high", *CRITERIA, "not_known", *TRACE),
    ]
    ranked = ranked.assign(also=_also(ranked), **_trace(ranked))
    return {
        "draft": ranked.loc[ranked["list"] == "priority", listed],
        "words": ranked.loc[ranked["list"].isin(scoring.LISTED), [*listed[:8], "also"]],
        "to_watch": ranked.loc[ranked["list"] == "watch", [*listed, "would_close"]],
        "unclear": ranked.loc[ranked["list"] == "unclear", UNCLEAR],
        "strengths": _by_indicator(ranked[ranked["list"] == "strength"], "evidence"),
        "evidence_gaps": _by_indicator(ranked[ranked["list"] == "evidence_gap"], "would_close"),
        "recording": _by_reason(ranked[ranked["flag"].notna()]),
        "rule": rule_text(rule),
        "rule_settings": settings(rule),
        "findings": ranked.drop(columns="also"),
    }


def _trace(ranked: pd.DataFrame) -> dict[str, pd.Series]:
    """Where the estimate of each finding is published, made and explained."""
    measured, pages = ranked["ratio"].notna(), ranked["adjustment"].map(METHODS)
    pages = pages.mask(ranked["measure"].eq("mean"), "length-of-stay")
    return {
        "estimate_table": (ranked["domain"] + "-gaps.csv").where(measured),
        "notebook": "notebooks/" + ranked["domain"].map(NOTEBOOKS) + ".ipynb",
        "method_page": ("docs/methods/" + pages + ".md").where(measured),
    }


def _also(ranked: pd.DataFrame) -> pd.Series:
    """What the other findings of the same story and group show, in words."""
    rest = ranked[~ranked["list"].isin(scoring.LISTED) & ranked["item"].notna()]
    words = (rest["name"] + ", " + rest["ethnic_group"] + ": " + rest["evidence"]).groupby(rest["item"]).agg("; ".join)
    return ranked["item"].map(words).fillna("")


def _by_indicator(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """One row per indicator and ``column``, the ethnic groups joined."""
    grouped = rows.groupby(["domain", "name", column], sort=False, as_index=False)
    return grouped.agg(ethnic_groups=("ethnic_group", "; ".join), comparisons=("ethnic_group", "size"))


def _by_reason(flagged: pd.DataFrame) -> pd.DataFrame:
    """One row per indicator and reason: what holds for every group first, since no gap there can be read at all."""
    keys = ["name", "flag", "flag_reason"]
    found = flagged.groupby(keys, sort=False, as_index=False).agg(
        ethnic_group=("ethnic_group", "; ".join), groups=("ethnic_group", "size")
    )
    found = found.sort_values("groups", ascending=False, kind="stable", ignore_index=True)
    return found[["name", "ethnic_group", "flag", "flag_reason"]]


def as_text(ranked: pd.DataFrame, width: int = 100, terms: Mapping[str, object] | None = None) -> str:
    """Return the list as lines for a terminal: bands, items, what is known and how sure, then what is to be watched."""
    lines = [textwrap.fill(f"{wording.in_short(ranked, terms)} {wording.words(terms)['not_decided']}", width)]
    names = {"priority": "Band {band}", "watch": "To watch: the evidence is not clear"}
    for row in ranked[ranked["list"].isin(scoring.LISTED)].to_dict("records"):
        head = names[row["list"]].format(band=row["band"])
        if head not in lines:
            lines += ["", head]
        chance = f"score {row['score']:.2f}; chance alone could place it {row['rank_text']}"
        lines.append(f"{row['rank']:>3}. {row['item']} ({chance})")
        lines += textwrap.wrap(row["wording"], width - 5, initial_indent=" " * 5, subsequent_indent=" " * 5)
    return "\n".join(lines)


def write(ranked: pd.DataFrame, rule: PriorityRule, folder: Path) -> list[Path]:
    """Write the tables as CSV files (UTF-8, every digit) into ``folder``, named as in a report; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, table in tables(ranked, rule).items():
        paths.append(folder / file_name(name))
        paths[-1].write_text(csv_text.to_csv(table), encoding="utf-8", newline="\n")
    return paths


def file_name(name: str) -> str:
    """Return the name of a published table's file: ``priorities-rule-settings.csv``."""
    return f"priorities-{name.replace('_', '-')}.csv"


def rebuild(folder: Path, terms: Mapping[str, object] | None = None) -> pd.DataFrame:
    """Make the list again from the published findings and rule settings of a folder, and nothing else.

    Raises
    ------
    PcrefError
        If a file or a column is missing, or the settings do not make a rule.
    """
    table, rule = read(folder)
    if absent := [name for name in findings.COLUMNS if name not in table]:
        raise PcrefError(f"priorities: {file_name('findings')} lacks the column(s) {', '.join(absent)}.")
    return _ranked(table[findings.columns(table)], rule, terms)


def read(folder: Path) -> tuple[pd.DataFrame, PriorityRule]:
    """Read a published list and its rule from the CSV files of a folder."""
    for name in map(file_name, ("findings", "rule_settings")):
        if not (folder / name).is_file():
            raise PcrefError(f"priorities: {folder.name} has no {name}; it is written with every list.")
    path = folder / file_name("rule_settings")
    try:
        rule = _rule(pd.read_csv(path, encoding="utf-8", dtype=str))
    except (ValidationError, json.JSONDecodeError, KeyError, AttributeError):
        raise PcrefError(f"priorities: {path.name} does not make a rule; was it changed by hand?") from None
    table = csv_text.read_csv(folder / file_name("findings"))
    return table.astype({name: "Int64" for name in scoring.COUNTED if name in table}), rule
