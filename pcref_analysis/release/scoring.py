"""From findings to scores: every criterion at every draw, which list a finding belongs to, rank, band."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from pcref_analysis.estimates import ranking, shrinkage
from pcref_analysis.vocabulary.priority_rule import CRITERIA, PriorityRule

ABSOLUTE_PER = {"residents": 100_000, "bed_days": 1_000, "percent": 100, "mean": 1}
LISTS = ("priority", "watch", "supporting", "strength", "unclear", "evidence_gap", "recording", "context")


def rank(findings: pd.DataFrame, rule: PriorityRule) -> pd.DataFrame:
    """Return the findings with criteria, list, score, rank, band and probabilities, ranked ones first.

    Everything is computed from the columns of ``findings`` and the rule, so the same table gives the
    same list again.
    """
    table = findings.sort_values(["indicator", "ethnic_group"], ignore_index=True)
    modelled = _modelled(table)
    gaps = table.loc[modelled, ["indicator", "ethnic_group", "gap", "se", "shared_variance", "none_of"]]
    gaps["sign"] = np.where(table.loc[modelled, "polarity"] == "higher_is_worse", 1.0, -1.0)
    draws = shrinkage.draw_gaps(gaps, rule.draws, rule.seed)
    table = _with_posterior(table, modelled, draws)
    table = _with_multiplicity(table, modelled)
    table["list"] = _which_list(table, modelled, rule)
    moving = moving_criteria(table[modelled], draws, rule)
    table = _with_criteria(table, modelled, moving, rule)
    return _with_ranks(table, modelled, moving, rule)


def _modelled(table: pd.DataFrame) -> pd.Series:
    ranked = (table["polarity"] != "context") & (table["domain"] != "recording")
    return ranked & table["gap"].notna() & table["flag"].isna()


def _with_posterior(table: pd.DataFrame, modelled: pd.Series, draws: np.ndarray) -> pd.DataFrame:
    """Add the shrunken ratio (as printed, not turned to harm), its interval, and the chance to exceed the margin."""
    low, middle, high = np.quantile(draws, [0.025, 0.5, 0.975], axis=0) if draws.size else np.empty((3, 0))
    sign = np.where(table.loc[modelled, "polarity"] == "higher_is_worse", 1.0, -1.0)
    margin = np.log(table.loc[modelled, "margin"].to_numpy(float))
    ends = np.sort(np.vstack([sign * low, sign * high]), axis=0)
    values = {"shrunk": np.exp(sign * middle), "shrunk_lower": np.exp(ends[0]), "shrunk_upper": np.exp(ends[1])}
    values["certainty"] = (draws > margin).mean(axis=0)
    for name, value in values.items():
        table.loc[modelled, name] = value
    return table


def _with_multiplicity(table: pd.DataFrame, modelled: pd.Series) -> pd.DataFrame:
    """Add the two-sided p-value and its Benjamini-Hochberg adjustment over all findings of the list."""
    p = 2 * stats.norm.sf((table.loc[modelled, "gap"] / table.loc[modelled, "se"]).abs())
    none_of = table.loc[modelled, "none_of"].to_numpy(float)
    p = np.where(none_of > 0, np.minimum(1, 2 * np.exp(-none_of)), p)  # no event where so many were expected
    table.loc[modelled, "p_value"] = p
    table.loc[modelled, "q_value"] = stats.false_discovery_control(p) if len(p) else p
    return table


def _which_list(table: pd.DataFrame, modelled: pd.Series, rule: PriorityRule) -> pd.Series:
    worse = table["gap"] > 0
    clear = worse & (table["q_value"] <= rule.false_discovery) & (table["certainty"] >= rule.sure)
    high = table["gap"] + stats.norm.ppf(0.975) * table["se"]
    strong = (high < np.log(table["margin"])) & (table["certainty"] <= 0.025)
    choices = [
        (table["flag"].notna() | (table["domain"] == "recording"), "recording"),
        (table["polarity"] == "context", "context"),
        (~modelled, "evidence_gap"),
        (clear, "priority"),
        (strong, "strength"),
        (table["certainty"] >= rule.possible, "watch"),
    ]
    names = np.select([condition for condition, _ in choices], [name for _, name in choices], default="unclear")
    return pd.Series(names, index=table.index)


def moving_criteria(table: pd.DataFrame, draws: np.ndarray, rule: PriorityRule) -> dict[str, np.ndarray]:
    """Return the four criteria that depend on the gap, at every draw (draws x findings)."""
    worse = table["polarity"].to_numpy() == "higher_is_worse"
    more = np.expm1(np.where(worse, draws, -draws))  # ratio minus one, as printed
    harm = np.clip(np.where(worse, more, -more), 0, None)
    kind = np.where(
        table["measure"] == "mean",
        "mean",
        np.where(
            (table["measure"] == "rate") & table["at_risk_kind"].isin(["residents", "bed_days"]),
            table["at_risk_kind"],
            "percent",
        ),
    )
    per = np.where(kind == "mean", 1.0, table["per"].to_numpy(float))
    unit = np.array([ABSOLUTE_PER[k] for k in kind]) / per / np.array([rule.absolute_full[k] for k in kind])
    level = table["comparator_level"].to_numpy(float) * unit
    expected = np.where(table["measure"] == "mean", table["at_risk"], table["expected"]).astype(float)
    return {
        "relative_gap": np.clip(draws / np.log(rule.relative_full), 0, 1),
        "absolute_gap": np.clip(harm * level, 0, 1),
        "people_affected": np.clip(np.log1p(harm * expected) / np.log1p(rule.people_full), 0, 1),
        "certainty": (draws > np.log(table["margin"].to_numpy(float))).astype(float),
    }


def _with_criteria(
    table: pd.DataFrame, modelled: pd.Series, moving: dict[str, np.ndarray], rule: PriorityRule
) -> pd.DataFrame:
    for name, values in moving.items():
        table.loc[modelled, name] = values.mean(axis=0)
    table["severity"] = (table["severity_level"] - 1) / 3
    table["unmet_need"] = _unmet_need(table)
    table["robustness"] = _robustness(table)
    table["community"] = [
        rule.community.get(item, rule.community.get(story, np.nan))
        for item, story in zip(table["item"], table["story"], strict=True)
    ]
    scores = table[list(CRITERIA)].astype(float)
    weights = pd.Series(rule.shares())
    table["score"] = (scores.fillna(rule.unknown) @ weights).where(modelled)
    table["score_low"] = (scores.fillna(0) @ weights).where(modelled)
    table["score_high"] = (scores.fillna(1) @ weights).where(modelled)
    table["not_known"] = [
        ", ".join(name for name in CRITERIA if missing[name]) for missing in scores.isna().to_dict("records")
    ]
    table["not_known"] = table["not_known"].where(modelled, "")
    return table


def _unmet_need(table: pd.DataFrame) -> pd.Series:
    access = table["domain"] == "access"
    chance = table["certainty"].where(access).groupby(table["ethnic_group"]).transform("mean")
    return chance.mask(access, 1.0)


def _robustness(table: pd.DataFrame) -> pd.Series:
    worse = table["polarity"] == "higher_is_worse"
    low, high = np.log(table["ratio_low"].astype(float)), np.log(table["ratio_high"].astype(float))
    low, high = low.where(worse, -high), high.where(worse, -low)
    margin = np.log(table["margin"])
    wide = (high - low).where(high > low, 1e-9)
    return ((high - margin) / wide).clip(0, 1).where(low.notna() & high.notna())


def _with_ranks(
    table: pd.DataFrame, modelled: pd.Series, moving: dict[str, np.ndarray], rule: PriorityRule
) -> pd.DataFrame:
    """Give each story and group one place: its highest scoring finding leads, the others support it."""
    listed = table["list"].isin(["priority", "watch"])
    table["_order"] = table["list"].map({"priority": 0, "watch": 1})
    lead = table[listed].sort_values(["_order", "score"], ascending=[True, False], kind="stable")
    lead = lead.drop_duplicates("item").index
    related = table["item"].isin(table.loc[lead, "item"]) & ~table.index.isin(lead)
    table.loc[related & listed, "list"] = "supporting"
    scores = score_draws(table, modelled, moving, lead, rule)
    summary = ranking.rank_summary(scores, rule.first).set_axis(lead)
    table.loc[lead, "rank"] = np.arange(1, len(lead) + 1)
    table.loc[lead, "band"] = ranking.bands(scores, rule.same_band)
    table = table.join(summary)
    place = table["list"].map({name: i for i, name in enumerate(LISTS)})
    table = table.assign(_place=place).sort_values(
        ["_place", "rank", "score"], ascending=[True, True, False], kind="stable"
    )
    for name in ("rank", "band", "rank_low", "rank_high"):
        table[name] = table[name].astype("Int64")
    return table.drop(columns=["_order", "_place"]).reset_index(drop=True)


def score_draws(
    table: pd.DataFrame, modelled: pd.Series, moving: dict[str, np.ndarray], rows: pd.Index, rule: PriorityRule
) -> np.ndarray:
    """Return the score of ``rows`` at every draw; criteria that do not depend on the gap stay as they are."""
    shares = rule.shares()
    column = pd.Series(np.arange(modelled.sum()), index=table.index[modelled])[rows].to_numpy()
    still = [name for name in CRITERIA if name not in moving]
    fixed = table.loc[rows, still].astype(float).fillna(rule.unknown) @ pd.Series(
        {name: shares[name] for name in still}
    )
    moved = sum(shares[name] * np.nan_to_num(values[:, column], nan=rule.unknown) for name, values in moving.items())
    return moved + fixed.to_numpy()[None, :]
