"""What the list owes to choices: other weights, one weight at a time, another comparator."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pcref_analysis.analysis.levels_and_gaps import PAIR
from pcref_analysis.priorities import findings, ranking, scoring
from pcref_analysis.vocabulary import indicators
from pcref_analysis.vocabulary.priority_rule import CRITERIA, PriorityRule

DRAWS = 1_000  # enough for a chance of one in ten; the list itself uses the rule's draws
WEIGHTINGS = 500  # the first is the rule's own


def other_weights(ranked: pd.DataFrame, rule: PriorityRule) -> pd.DataFrame:
    """Show how far each priority moves over :data:`WEIGHTINGS` sets of weights within the rule's limits.

    Parameters
    ----------
    ranked
        A draft list (:func:`pcref_analysis.priorities.draft_list.draft`), or one read back from its CSV.

    Returns
    -------
    pandas.DataFrame
        One row per priority: ``item, rank, band``, ``weights_first`` (share of weightings with the item among the
        first ``rule.first``), ``weights_rank_low``, ``weights_rank_high``, ``band_low``, ``band_high`` (best and worst
        band) and ``same_band`` (share of weightings that leave it in its band).
    """
    lead, still, moving = _criteria_draws(ranked, rule)
    shares = np.array(list(rule.shares().values()))
    weights = ranking.weightings(shares, rule.weight_limits, WEIGHTINGS, rule.seed)
    names = list(CRITERIA)
    bands = np.empty((WEIGHTINGS, len(lead)), dtype=int)
    for number, weight in enumerate(weights):
        scores = sum(weight[names.index(name)] * values for name, values in moving.items())
        scores = scores + still.to_numpy() @ weight[[names.index(name) for name in still]]
        bands[number] = ranking.bands(scores, rule.same_band)
    table = lead[["item", "rank", "band"]].reset_index(drop=True)
    criteria = lead[names].astype(float).fillna(rule.unknown).to_numpy()
    table = table.join(ranking.under_weightings(criteria, weights, rule.first))
    if len(table):
        table["band_low"], table["band_high"] = bands.min(axis=0), bands.max(axis=0)
        table["same_band"] = (bands == bands[0]).mean(axis=0)
    return table


def one_weight(ranked: pd.DataFrame, rule: PriorityRule) -> pd.DataFrame:
    """Show what a change of one weight would change, the others keeping their proportions.

    Returns
    -------
    pandas.DataFrame
        Per criterion and change (left out, at the lower limit, at the upper limit): ``enters`` and ``leaves`` (items
        that come among the first ``rule.first`` or drop out) and ``largest_move`` in words.
    """
    lead = ranked[ranked["list"] == "priority"]
    criteria = lead[list(CRITERIA)].astype(float).fillna(rule.unknown)
    shares = pd.Series(rule.shares())
    before = _places(criteria, shares)
    low, high = rule.weight_limits
    rows = []
    for name in CRITERIA:
        for change, factor in {"left out": 0.0, f"times {low:g}": low, f"times {high:g}": high}.items():
            weights = shares.where(shares.index != name, shares * factor)
            after = _places(criteria, weights / weights.sum()) if weights.sum() else before
            items = lead["item"].to_numpy()
            rows.append(
                {
                    "criterion": name.replace("_", " "),
                    "change": change,
                    "enters": "; ".join(items[(after <= rule.first) & (before > rule.first)]),
                    "leaves": "; ".join(items[(after > rule.first) & (before <= rule.first)]),
                    "largest_move": _largest_move(items, before, after),
                }
            )
    return pd.DataFrame(rows)


def _places(criteria: pd.DataFrame, weights: pd.Series) -> np.ndarray:
    return ranking.ranks((criteria @ weights).to_numpy()[None, :])[0]


def _largest_move(items: np.ndarray, before: np.ndarray, after: np.ndarray) -> str:
    if not len(items) or (before == after).all():
        return "none"
    most = int(np.argmax(np.abs(after - before)))
    return f"{items[most]}: {before[most]} to {after[most]}"


def _criteria_draws(ranked: pd.DataFrame, rule: PriorityRule) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    """The priorities in rank order, their criteria that stand still, and those that depend on the gap, at draws."""
    table = ranked[findings.columns(ranked)].sort_values(PAIR, ignore_index=True)
    few = rule.model_copy(update={"draws": min(DRAWS, rule.draws)})
    _, draws = scoring.with_draws(table, few)
    modelled = table[scoring.is_modelled(table)]
    moving = scoring.moving_criteria(modelled, draws, few)
    lead = ranked[ranked["list"] == "priority"]
    place = pd.MultiIndex.from_frame(modelled[PAIR]).get_indexer(pd.MultiIndex.from_frame(lead[PAIR]))
    still = lead[[name for name in CRITERIA if name not in moving]].astype(float).fillna(rule.unknown)
    return lead, still, {name: np.nan_to_num(v[:, place], nan=rule.unknown) for name, v in moving.items()}


def side_by_side(estimates: pd.DataFrame, ranked: pd.DataFrame, rule: PriorityRule) -> pd.DataFrame:
    """Show each listed finding, and each that another comparator would make a priority, against every comparator.

    Returns
    -------
    pandas.DataFrame
        One row per finding and comparator: ``item, name, ethnic_group, comparator, list, ratio, lower, upper``. Places
        are not compared: earlier periods and unknown ethnic group are worked out for the list's own comparator only.
    """
    columns = ["item", "name", "ethnic_group", "comparator", "list", "ratio", "lower", "upper"]
    own = ranked["comparator"].iloc[0]
    names = sorted(set(estimates.loc[estimates["measure"] == "ratio", "comparator"].dropna()) - {own})
    flags = ranked.loc[ranked["flag"].notna(), [*PAIR, "flag", "flag_reason"]]
    given = {"period": ranked["period"].iloc[0], "flags": flags.rename(columns={"flag_reason": "reason"})}
    few = rule.model_copy(update={"draws": min(DRAWS, rule.draws)})
    catalogue = indicators.catalogue()
    others = [scoring.rank(findings.make(estimates, few, catalogue, name, **given), few) for name in names]
    table = pd.concat([ranked, *others], ignore_index=True)
    wanted = table["list"].eq("priority") | (table["list"].eq("watch") & table["comparator"].eq(own))
    keys = pd.MultiIndex.from_frame(table[PAIR])
    order = keys[wanted].unique()
    place = {key: number for number, key in enumerate(order)}
    table = table[keys.isin(order)].assign(
        _order=lambda rows: [place[key] for key in rows[PAIR].itertuples(index=False, name=None)]
    )
    return table.sort_values("_order", kind="stable", ignore_index=True)[columns]
