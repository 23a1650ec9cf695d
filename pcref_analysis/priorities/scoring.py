"""From findings to scores: every criterion at every draw, which list a finding belongs to, rank, band."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from pcref_analysis.analysis.levels_and_gaps import PAIR
from pcref_analysis.estimates import random_effects
from pcref_analysis.priorities import evidence_model, ranking
from pcref_analysis.priorities.findings import years_of
from pcref_analysis.vocabulary.priority_rule import CRITERIA, PriorityRule

ABSOLUTE_PER = {"residents": 100_000, "bed_days": 1_000, "percent": 100, "mean": 1}
LISTS = ("priority", "watch", "supporting", "strength", "unclear", "evidence_gap", "recording", "context")
LISTED = ["priority", "watch"]
# Which finding of a story and group leads: the gap among residents is the whole one; among people in contact and in
# hospital it asks where on the way it arises. The others follow by score.
DENOMINATORS = ("residents", "caseload", "inpatients")
WEIGHTINGS = 1_000
COUNTED = ("rank", "band", "rank_low", "rank_high", "weights_rank_low", "weights_rank_high")  # whole numbers


def rank(findings: pd.DataFrame, rule: PriorityRule) -> pd.DataFrame:
    """Return the findings with criteria, list, score, rank, band and probabilities, ranked ones first.

    Everything is computed from the columns of ``findings`` (:data:`pcref_analysis.priorities.findings.COLUMNS`) and
    the rule, so the same table gives the same list again.
    """
    table = findings.sort_values(PAIR, ignore_index=True)
    table, draws = with_draws(table, rule)
    modelled = is_modelled(table)
    table = _with_multiplicity(table, modelled)
    table["evidence"] = _evidence(table, modelled, rule)
    moving = moving_criteria(table[modelled], draws, rule)
    table = _with_criteria(table, modelled, moving, rule)
    table = _with_lists(table)
    table = _with_ranks(table, modelled, moving, rule)
    place = table["list"].map({name: i for i, name in enumerate(LISTS)})
    table = table.assign(_place=place).sort_values(
        ["_place", "rank", "score", *PAIR], ascending=[True, True, False, True, True]
    )
    return table.drop(columns="_place").reset_index(drop=True)


def level_of(table: pd.DataFrame) -> float:
    """Return the level of the findings' intervals, which those of shrunken ratios and of places keep: 0.95, say."""
    levels = table["level"].astype(float).dropna()
    return float(levels.mode().iloc[0]) if len(levels) else 0.95


def is_modelled(table: pd.DataFrame) -> pd.Series:
    """Mark the findings that take part in the model: a gap, a polarity, and no fault of recording."""
    ranked = (table["polarity"] != "context") & (table["domain"] != "recording")
    return ranked & table["gap"].notna() & table["flag"].isna()


def with_draws(table: pd.DataFrame, rule: PriorityRule) -> tuple[pd.DataFrame, np.ndarray]:
    """Add the shrunken ratio (as printed, not turned to harm), its interval, and the chance to exceed the margin.

    ``table`` must be in the order of indicator and ethnic group; returns the draws (draws x modelled findings) too.
    """
    modelled = is_modelled(table)
    gaps = table.loc[modelled, [*PAIR, "gap", "se", "shared_variance", "none_of"]]
    sign = np.where(table.loc[modelled, "polarity"] == "higher_is_worse", 1.0, -1.0)
    people = table.loc[modelled, "at_risk"].astype(float).where(table.loc[modelled, "measure"] == "percent")
    share = table.loc[modelled, "events"] / people.where(people > 0)
    gaps = gaps.assign(sign=sign, share=share, people=people)
    draws = evidence_model.draw_gaps(gaps, rule.draws, rule.seed)
    within = np.exp(sign * np.median(draws, axis=0)) if draws.size else np.empty(0)
    draws = _towards_other_boards(table[modelled], gaps, draws, rule)
    tail = (1 - level_of(table)) / 2
    low, middle, high = np.quantile(draws, [tail, 0.5, 1 - tail], axis=0) if draws.size else np.empty((3, 0))
    ends = np.sort(np.vstack([sign * low, sign * high]), axis=0)
    margin = np.log(table.loc[modelled, "margin"].to_numpy(float))
    values = {"shrunk": np.exp(sign * middle), "shrunk_lower": np.exp(ends[0]), "shrunk_upper": np.exp(ends[1])}
    if "prior_mean" in table:
        values["within"] = within
    values["certainty"] = (draws > margin).mean(axis=0)
    table = table.copy()
    for name, value in values.items():
        table[name] = np.nan
        table.loc[modelled, name] = value
    return table, draws


def _towards_other_boards(table: pd.DataFrame, gaps: pd.DataFrame, draws: np.ndarray, rule: PriorityRule) -> np.ndarray:
    """Return the draws with those of a gap that other boards tell of taken from its posterior given them.

    Normal on the scale of the gap: the prior is what one more board could have, the data are this one's ratio. The
    prior assumes that this board is like the others; the model within the Trust, that its groups are like one another.
    """
    if "prior_mean" not in table or not draws.size:
        return draws
    draws, rng = draws.copy(), np.random.default_rng(rule.seed + 1)
    mean = gaps["sign"].to_numpy(float) * table["prior_mean"].to_numpy(float)
    own = (gaps["gap"].to_numpy(float), gaps["se"].to_numpy(float))
    middle, spread = random_effects.posterior(*own, mean, table["prior_sd"].to_numpy(float))
    known = np.isfinite(middle) & np.isfinite(spread)
    draws[:, known] = middle[known] + spread[known] * rng.standard_normal((len(draws), int(known.sum())))
    return draws


def _with_multiplicity(table: pd.DataFrame, modelled: pd.Series) -> pd.DataFrame:
    """Add the two-sided p-value and its Benjamini-Hochberg adjustment over all findings of the list."""
    p = 2 * stats.norm.sf((table["gap"] / table["se"]).abs())
    none_of = table["none_of"].astype(float)
    p = np.where(none_of > 0, np.minimum(1, 2 * np.exp(-none_of.fillna(0))), p)  # no event where so many were expected
    known = pd.Series(p, index=table.index).where(modelled).dropna()
    return table.assign(p_value=known, q_value=pd.Series(stats.false_discovery_control(known), index=known.index))


def _evidence(table: pd.DataFrame, modelled: pd.Series, rule: PriorityRule) -> pd.Series:
    """Say in a word what each finding shows; see docs/methods/priorities.md for the words."""
    high = table["gap"] + stats.norm.ppf(0.975) * table["se"]
    enough = table[["events", "expected"]].max(axis=1) >= rule.minimum_events
    own = (table["gap"] > np.log(table["margin"].astype(float))) & ~(table["none_of"].astype(float) < 3)
    within = enough & (high < np.log(table["margin"])) & (table["certainty"] <= 0.025) & table["none_of"].isna()
    clear = (table["gap"] > 0) & (table["q_value"] <= rule.false_discovery) & (table["certainty"] >= rule.sure) & enough
    choices = {
        "recording": table["flag"].notna() | (table["domain"] == "recording"),
        "context": table["polarity"] == "context",
        "no figure": ~modelled,
        "clear": clear,
        "better": within & (high < 0) & (table["q_value"] <= rule.false_discovery),
        "equal": within,
        "possible": (table["certainty"] >= rule.possible) & own,
    }
    if "newest_ratio" in table:  # what the newest year denies is not listed, whatever older ones say
        newest = np.log(table["newest_ratio"].astype(float)) * table["polarity"].eq("higher_is_worse").mul(2).sub(1)
        choices = {
            word: mask & ~(newest <= 0) if word in ("clear", "possible") else mask for word, mask in choices.items()
        }
    words = np.select(list(choices.values()), list(choices), default="not clear")
    return pd.Series(words, index=table.index, dtype=object)


def moving_criteria(table: pd.DataFrame, draws: np.ndarray, rule: PriorityRule) -> dict[str, np.ndarray]:
    """Return the four criteria that depend on the gap, at every draw (draws x findings)."""
    worse = table["polarity"].to_numpy() == "higher_is_worse"
    more = np.expm1(np.where(worse, draws, -draws))  # ratio minus one, as printed
    harm = np.clip(np.where(worse, more, -more), 0, None)
    own_scale = (table["measure"] == "rate") & table["at_risk_kind"].isin(["residents", "bed_days"])
    kind = table["at_risk_kind"].where(own_scale, "percent").mask(table["measure"] == "mean", "mean")
    per = table["per"].astype(float).where(kind != "mean", 1.0)
    unit = kind.map(ABSOLUTE_PER).astype(float) / per / kind.map(rule.absolute_full).astype(float)
    level = (table["comparator_level"].astype(float) * unit).to_numpy()
    expected = table["expected"].mask(table["measure"] == "mean", table["at_risk"]).to_numpy(float)
    expected = expected / (table["years"].map(years_of).to_numpy(float) if "years" in table else 1.0)
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
        table[name] = np.nan
        table.loc[modelled, name] = values.mean(axis=0)
    table["severity"] = (table["severity_level"] - 1) / 3
    table["unmet_need"] = _unmet_need(table)
    table["robustness"] = _robustness(table)
    table["community"] = [
        rule.community.get(item, rule.community.get(story, np.nan))
        for item, story in zip(table["item"], table["story"], strict=True)
    ]
    scores, weights = table[list(CRITERIA)].astype(float), pd.Series(rule.shares())
    for name, fill in {"score": rule.unknown, "score_low": 0, "score_high": 1}.items():
        table[name] = (scores.fillna(fill) @ weights).where(modelled)
    unknown = scores.isna().to_dict("records")
    words = [", ".join(name for name in CRITERIA if row[name]) for row in unknown]
    table["not_known"] = pd.Series(words, index=table.index, dtype=object).where(modelled, "")
    return table


def _unmet_need(table: pd.DataFrame) -> pd.Series:
    access = table["domain"] == "access"
    chance = table["certainty"].where(access).groupby(table["ethnic_group"]).transform("mean")
    return chance.mask(access, 1.0)


def _robustness(table: pd.DataFrame) -> pd.Series:
    worse = table["polarity"] == "higher_is_worse"
    ends = [np.log(table[name].astype(float).where(lambda r: r > 0)) for name in ("ratio_low", "ratio_high")]
    low, high = ends[0].where(worse, -ends[1]), ends[1].where(worse, -ends[0])
    margin = np.log(table["margin"].astype(float))
    wide = (high - low).where(high > low, 1e-9)
    return ((high - margin) / wide).clip(0, 1).where(low.notna() & high.notna())


def _with_lists(table: pd.DataFrame) -> pd.DataFrame:
    """Give each story and group one place: its clearest finding leads (``DENOMINATORS``), the others support it."""
    names = {"clear": "priority", "possible": "watch", "better": "strength", "equal": "strength"}
    names |= {"not clear": "unclear", "no figure": "evidence_gap"}
    table["list"] = table["evidence"].replace(names)
    found = table.loc[_in_order(table)]
    kinds = found["at_risk_kind"].map({kind: place for place, kind in enumerate(DENOMINATORS)})
    found = found.assign(_order=found["list"].map(LISTED.index), _place=kinds.fillna(len(DENOMINATORS)))
    found = found.sort_values(["_order", "_place"], kind="stable")  # by score within
    table.loc[found.index[found["item"].duplicated()], "list"] = "supporting"
    return table


def _in_order(table: pd.DataFrame) -> pd.Index:
    """The rows that are listed: priorities by score, then what is to be watched by score."""
    order = table["list"].map({name: place for place, name in enumerate(LISTED)})
    whole = table.assign(_order=order).sort_values(["_order", "score"], ascending=[True, False])
    return whole.index[: order.notna().sum()]  # those without an order stand last


def _with_ranks(
    table: pd.DataFrame, modelled: pd.Series, moving: dict[str, np.ndarray], rule: PriorityRule
) -> pd.DataFrame:
    """Rank the priorities among themselves; what is to be watched follows, its interval taken among both."""
    lead = _in_order(table)
    first = table.loc[lead, "list"].eq("priority").to_numpy()
    scores = score_draws(table, modelled, moving, lead, rule)
    level = level_of(table)
    among_both = ranking.rank_summary(scores, rule.first, level).set_axis(lead)
    among_first = ranking.rank_summary(scores[:, first], rule.first, level).set_axis(lead[first])
    weights = ranking.weightings(np.array(list(rule.shares().values())), rule.weight_limits, WEIGHTINGS, rule.seed)
    criteria = table.loc[lead[first], list(CRITERIA)].astype(float).fillna(rule.unknown).to_numpy()
    stability = ranking.under_weightings(criteria, weights, rule.first).set_axis(lead[first])
    summary = pd.concat([among_first, among_both[~first]]).join(stability)
    summary.loc[lead, "rank"] = np.arange(1, len(lead) + 1)
    summary.loc[lead[first], "band"] = ranking.bands(scores[:, first], rule.same_band)
    table = table.join(summary)
    for name in COUNTED:
        table[name] = (table[name] if name in table else pd.Series(np.nan, table.index)).astype("Int64")
    return table


def score_draws(
    table: pd.DataFrame, modelled: pd.Series, moving: dict[str, np.ndarray], rows: pd.Index, rule: PriorityRule
) -> np.ndarray:
    """Return the score of ``rows`` at every draw; criteria that do not depend on the gap stay as they are."""
    shares = pd.Series(rule.shares())
    column = pd.Series(np.arange(modelled.sum()), index=table.index[modelled])[rows].to_numpy()
    still = [name for name in CRITERIA if name not in moving]
    fixed = (table.loc[rows, still].astype(float).fillna(rule.unknown) @ shares[still]).to_numpy()
    moved = sum(shares[name] * np.nan_to_num(values[:, column], nan=rule.unknown) for name, values in moving.items())
    return moved + fixed[None, :]
