"""The draft priorities list: a written rule over released estimates, for people to question and change."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from pcref_analysis.release import findings, scoring, wording
from pcref_analysis.vocabulary import indicators
from pcref_analysis.vocabulary.indicators import Indicator
from pcref_analysis.vocabulary.priority_rule import CRITERIA, PriorityRule


def draft(
    estimates: pd.DataFrame,
    rule: PriorityRule,
    *,
    catalogue: Mapping[str, Indicator] | None = None,
    bounds: pd.DataFrame | None = None,
    flags: pd.DataFrame | None = None,
    comparator: str | None = None,
    period: str | None = None,
    terms: dict[str, str] | None = None,
) -> pd.DataFrame:
    """Rank the gaps of one Trust by the written rule.

    Parameters
    ----------
    estimates
        The shared shape: ratios, differences and excess against one or more comparators, for one or more periods.
    rule
        The rule of the parameters file.
    catalogue
        The indicators; the shipped catalogue when left out.
    bounds
        ``indicator, ethnic_group, ratio_low, ratio_high``: the ratio with unknown ethnic group placed at worst.
    flags
        ``indicator, ethnic_group, flag, reason``: figures that a recording fault makes unfit to rank.
    comparator, period
        Which comparator and period the list is for; see the rule, and the last period.
    terms
        Words to use in place of :data:`pcref_analysis.release.wording.TERMS`.

    Returns
    -------
    pandas.DataFrame
        One row per finding; ``list`` says where it belongs. ``rank``, ``band``, ``score``, the criteria (each
        0 to 1), ``probability`` (of being among the first ``rule.first``), ``rank_low``, ``rank_high`` and
        ``wording``, with every input beside them.
    """
    catalogue = indicators.catalogue() if catalogue is None else catalogue
    table = findings.make(estimates, rule, catalogue, comparator, period, bounds, flags)
    ranked = scoring.rank(table, rule)
    ranked["wording"] = wording.first_draft(ranked, terms)
    return ranked


def rule_text(rule: PriorityRule) -> pd.DataFrame:
    """Return the rule as a table for the report: criterion, question, definition, scale, weight."""
    scales = rule.absolute_full
    absolute = (
        f"{scales['residents']:g} per 100,000 residents, {scales['bed_days']:g} per 1,000 bed days, "
        f"{scales['percent']:g} percentage points, {scales['mean']:g} days"
    )
    values = rule.model_dump() | {"absolute_full": absolute}
    shares = rule.shares()
    return pd.DataFrame(
        [
            {
                "criterion": name.replace("_", " ").capitalize(),
                "question": item.question,
                "definition": item.definition.format(**values),
                "scale": item.scale.format(**values),
                "weight": round(shares[name], 4),
            }
            for name, item in CRITERIA.items()
        ]
    )
