"""Does the draft list find what was planted? Simulated Trusts whose true gaps are known.

    python benchmarks/priorities.py --trusts 200          # tables for docs/methods/priorities.md
    python benchmarks/priorities.py --trusts 0 --speed    # 30 indicators x 16 groups x 3 comparators

A Trust has 30 indicators and 16 ethnic groups of very unequal size. Each indicator has a level, a severity and a
polarity; true log ratios are small noise plus effects of group and indicator plus planted gaps. Events are Poisson,
the comparator's included, so that its error is shared. What is compared is which findings come first.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from pcref_analysis.priorities import draft_list, findings, scoring, sensitivity
from pcref_analysis.vocabulary import indicators
from pcref_analysis.vocabulary.priority_rule import PriorityRule

# Residents of 16 groups in an invented catchment of 850,000, the comparator first.
RESIDENTS = np.array(
    [
        680_000,
        6_000,
        48_000,
        6_500,
        3_000,
        6_000,
        5_000,
        22_000,
        17_000,
        4_500,
        10_000,
        5_000,
        14_000,
        3_000,
        8_000,
        12_000,
    ]
)
GROUPS = ["White British", *[f"Group {letter}" for letter in "BCDEFGHJKLMNPRS"]]
RULE = PriorityRule(owner="simulation", agreed="2026-01-01")


def catalogue(n: int = 30) -> dict:
    """Thirty invented indicators, each its own story; every third one is an access indicator (low is worse)."""
    entries = {}
    for i in range(n):
        entries[f"indicator_{i:02d}"] = {
            "name": f"Indicator {i}",
            "domain": ["access", "experience", "outcomes"][i % 3],
            "question": "?",
            "numerator": "events",
            "denominator": "residents",
            "at_risk": "residents",
            "measure": "rate",
            "per": 100_000,
            "unit": "events",
            "polarity": "lower_is_worse" if i % 3 == 0 else "higher_is_worse",
            "severity": 1 + i % 4,
            "story": f"story {i}",
            "repeat_events": False,
            "source": "simulation",
            "caveat": "invented",
            "valid_from": "2020-04-01",
        }
    return indicators.read(entries, "simulation")


SCENARIOS = {
    "no gaps": {"planted": 0, "noise": 0.0, "spread": 0.0},
    "few large gaps": {"planted": 8, "noise": 0.04, "spread": 0.0},
    "gaps everywhere": {"planted": 8, "noise": 0.10, "spread": 0.2},
}


def truth(
    rng: np.random.Generator, n: int = 30, planted: int = 8, noise: float = 0.04, spread: float = 0.0
) -> pd.DataFrame:
    """True harm (log ratio) of each finding, its expected events at the comparator's level, and what was planted.

    ``noise`` is the SD of a finding by itself, ``spread`` that of the effects of indicators and of groups;
    planted gaps are ratios of 1.4 to 3 in the direction of harm, put anywhere.
    """
    per_100k = rng.choice([20, 80, 300, 1_000, 4_000], n)
    harm = noise * rng.standard_normal((n, 15))
    harm += spread * (rng.standard_normal((n, 1)) + rng.standard_normal((1, 15)))
    where = rng.choice(n * 15, planted, replace=False)
    harm.flat[where] += np.log(rng.uniform(1.4, 3.0, planted))
    table = pd.DataFrame(
        {
            "indicator": np.repeat([f"indicator_{i:02d}" for i in range(n)], 15),
            "ethnic_group": np.tile(GROUPS[1:], n),
            "harm": harm.ravel(),
            "expected": (per_100k[:, None] * RESIDENTS[None, 1:] / 1e5).ravel(),
            "comparator_events": np.repeat(per_100k * RESIDENTS[0] / 1e5, 15),
            "comparator_level": np.repeat(per_100k, 15).astype(float),
        }
    )
    table["planted"] = False
    table.loc[where, "planted"] = True
    return table


def estimates(true: pd.DataFrame, entries: dict, rng: np.random.Generator, period: str = "2023-24") -> pd.DataFrame:
    """Estimates in the shared shape, with Wald intervals of the log ratio; no figure where there are no events."""
    worse = true["indicator"].map(lambda name: 1 if entries[name].polarity == "higher_is_worse" else -1)
    events = rng.poisson(true["expected"] * np.exp(worse * true["harm"]))
    first = true.drop_duplicates("indicator").set_index("indicator")
    comparator = pd.Series(rng.poisson(first["comparator_events"]), index=first.index)
    theirs = true["indicator"].map(comparator).to_numpy()
    level = theirs / RESIDENTS[0] * 1e5
    at_risk = true["ethnic_group"].map(dict(zip(GROUPS, RESIDENTS, strict=True))).to_numpy()
    with np.errstate(divide="ignore"):
        ratio = np.where(events > 0, events / at_risk * 1e5 / level, np.nan)
        se = np.sqrt(1 / np.where(events > 0, events, np.nan) + 1 / theirs)
    base = true[["indicator", "ethnic_group"]].assign(
        period=period,
        comparator=GROUPS[0],
        adjustment="age_sex",
        level=0.95,
        events=events.astype(float),
        at_risk=at_risk,
    )
    base["note"] = np.where(events > 0, None, "no events")
    z = 1.959963984540054
    low, high = ratio * np.exp(-z * se), ratio * np.exp(z * se)
    excess = events - at_risk * level / 1e5
    parts = [
        base.assign(measure="ratio", estimate=ratio, lower=low, upper=high),
        base.assign(measure="difference", estimate=(ratio - 1) * level, lower=np.nan, upper=np.nan),
        base.assign(measure="excess", estimate=excess, lower=np.nan, upper=np.nan),
    ]
    own = pd.DataFrame({"indicator": first.index, "ethnic_group": GROUPS[0], "events": comparator.to_numpy(float)})
    own = own.assign(period=period, comparator=None, adjustment="age_sex", measure="rate", level=0.95, note=None)
    own["at_risk"] = float(RESIDENTS[0])
    own["estimate"] = own["events"] / RESIDENTS[0] * 1e5
    own["lower"], own["upper"] = (own["estimate"] * np.exp(s * z / np.sqrt(own["events"])) for s in (-1, 1))
    return pd.concat([*parts, own], ignore_index=True)[findings.ESTIMATES]


def true_scores(ranked: pd.DataFrame, true: pd.DataFrame, rule: PriorityRule) -> pd.Series:
    """The score each finding of the list would have if its true gap were known."""
    columns = ["indicator", "ethnic_group", "harm", "expected", "comparator_level"]
    table = ranked.drop(columns=columns[2:], errors="ignore").merge(true[columns], on=["indicator", "ethnic_group"])
    moving = scoring.moving_criteria(table, table["harm"].to_numpy()[None, :], rule)
    known = table.assign(**{name: values[0] for name, values in moving.items()})
    share = pd.Series(rule.shares())
    return (known[list(share.index)].astype(float).fillna(rule.unknown) @ share).set_axis(ranked.index)


def one_trust(seed: int, scenario: str, rule: PriorityRule, entries: dict) -> dict[str, float]:
    """Make one Trust, draft its list, and compare with the truth and with simpler ways to rank."""
    rng = np.random.default_rng(seed)
    true = truth(rng, len(entries), **SCENARIOS[scenario])
    ranked = draft_list.draft(estimates(true, entries, rng), rule, catalogue=entries)
    known = ranked[ranked["score"].notna()].merge(true[["indicator", "ethnic_group", "harm", "planted"]])
    known["true_score"] = true_scores(known, true, rule)
    sign = np.where(known["polarity"] == "higher_is_worse", 1, -1)
    low, high = np.sort(np.log(known[["shrunk_lower", "shrunk_upper"]]) * sign[:, None], axis=1).T
    listed, lead = known["list"] == "priority", known[known["list"] == "priority"]
    result = {
        "priorities": float(listed.sum()),
        "to watch": float((known["list"] == "watch").sum()),
        "an empty list": float(not listed.any()),
        "priorities without any true gap": float((known["harm"] <= 0)[listed].sum()),
        "true gap inside its interval": float(((known["harm"] >= low) & (known["harm"] <= high)).mean()),
        "chance to exceed the margin, mean": float(known["certainty"].mean()),
        "share that exceeds the margin": float((known["harm"] > np.log(known["margin"])).mean()),
    }
    if len(lead) > 1:
        place = lead["true_score"].rank(ascending=False, method="first")
        result["true rank inside its interval"] = float(
            ((place >= lead["rank_low"]) & (place <= lead["rank_high"])).mean()
        )
        result["width of the rank interval / list"] = float(
            (lead["rank_high"] - lead["rank_low"] + 1).mean() / len(lead)
        )
    return result | _found(known, sign, rule)


def _found(known: pd.DataFrame, sign: np.ndarray, rule: PriorityRule) -> dict[str, float]:
    """Where the truly largest gaps stand by each way to rank; every way may name as many as our first band holds."""
    z = (known["gap"] / known["se"]).fillna(0)
    orders = {
        "list": known.assign(by=known["score"] - known["rank"].astype(float).fillna(1e6)),
        "p-value": known.assign(by=z),
        "ratio": known.assign(by=known["gap"]),
        "excess": known.assign(by=known["excess"] * sign),
    }
    orders = {way: table.sort_values("by", ascending=False)["item"].to_numpy() for way, table in orders.items()}
    band = int((known["band"] == 1).sum())
    real = known[known["harm"] > np.log(known["margin"])].assign(
        people=lambda t: np.expm1(t["harm"].abs()) * t["expected"]
    )
    found = {}
    for largest, by in {"score": "true_score", "ratio": "harm", "excess": "people"}.items():
        items = real.sort_values(by, ascending=False)["item"].to_numpy()[: rule.first]
        for way, order in orders.items() if len(items) == rule.first and band else []:
            found[f"largest true {largest} in the first band, {way}"] = float(items[0] in order[:band])
            found[f"of the 5 largest true {largest}s among the first 5, {way}"] = float(
                np.isin(items, order[:5]).mean()
            )
    return found


def run(trusts: int, rule: PriorityRule = RULE, seed: int = 1, scenarios: tuple[str, ...] = ()) -> pd.DataFrame:
    """Mean of every measure over simulated Trusts, one column a scenario."""
    entries = catalogue()
    names = scenarios or tuple(SCENARIOS)
    parts = {n: pd.DataFrame([one_trust(seed + i, n, rule, entries) for i in range(trusts)]).mean() for n in names}
    return pd.DataFrame(parts)


def speed() -> pd.DataFrame:
    """Time a whole Trust: 30 indicators x 16 groups x 3 comparators, 10,000 draws, other weights."""
    entries, rng = catalogue(), np.random.default_rng(1)
    true = truth(rng, **SCENARIOS["gaps everywhere"])
    table = estimates(true, entries, rng)
    three = pd.concat(
        [table.assign(comparator=table["comparator"].replace(GROUPS[0], n)) for n in ("White British", "A", "B")]
    )
    steps = {}
    ranked = _timed(
        steps, "draft, one comparator", draft_list.draft, three, RULE, catalogue=entries, comparator="White British"
    )
    _timed(steps, "500 other sets of weights with bands", sensitivity.other_weights, ranked, RULE)
    _timed(steps, "each weight alone", sensitivity.one_weight, ranked, RULE)
    table = pd.DataFrame(steps, index=["seconds", "of processor time"]).T
    return pd.concat([table, table.sum().to_frame("together").T])


def _timed(steps: dict, name: str, function: Callable, *given: object, **named: object) -> object:
    wall, processor = time.perf_counter(), time.process_time()
    answer = function(*given, **named)
    steps[name] = (time.perf_counter() - wall, time.process_time() - processor)
    return answer


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--trusts", type=int, default=200)
    arguments.add_argument("--draws", type=int, default=1_000)
    arguments.add_argument("--speed", action="store_true")
    given = arguments.parse_args()
    if given.speed:
        print(speed().round(1).to_string())
    if given.trusts:
        start = time.perf_counter()
        table = run(given.trusts, RULE.model_copy(update={"draws": given.draws}))
        print(table.round(3).to_string())
        print(f"{given.trusts} Trusts a scenario, {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
