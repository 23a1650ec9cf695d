"""How often the intervals of the measures of inequality hold the truth, by simulation with a known truth.

    python benchmarks/coverage_inequality.py [repetitions] [scenario ...]

Prints, per scenario and measure, the percentage of simulated tables whose interval lies above the truth and below
it (nominal: 2.5 and 2.5), as a Markdown table. In the "equal" scenarios "above" is how often a gap is claimed where
there is none. About 0.15 s a table on one core.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from scipy import stats

from pcref_analysis.estimates.inequality import gradient, measures, unordered

SIX = np.array([500_000, 20_000, 60_000, 40_000, 15_000, 8_000.0])
SIXTEEN = np.array([450, 8, 30, 5, 3, 6, 4, 25, 12, 6, 9, 7, 15, 3, 4, 9]) * 1_000.0
FIFTHS = np.array([30_000, 26_000, 22_000, 20_000, 18_000.0])
MIXED = [80, 100, 90, 150, 200, 120, 60, 60, 70, 80, 90, 200, 150, 300, 50, 100]
# name: (true rates, at risk, kind, share of people with three events)
UNORDERED = {
    "equal, 6 groups, 8 to 500 events": ([100] * 6, SIX, "rate", 0),
    "equal, 6 groups, 2 to 125 events": ([25] * 6, SIX, "rate", 0),
    "equal, 16 groups, 3 to 450 events": ([100] * 16, SIXTEEN, "rate", 0),
    "equal, 6 groups, repeat events": ([100] * 6, SIX, "rate", 0.2),
    "equal, percentages of 20 to 1,250": ([30] * 6, SIX / 400, "percent", 0),
    "one small group differs": ([100] * 5 + [250], SIX, "rate", 0),
    "all differ, 6 groups": ([80, 150, 60, 250, 150, 200], SIX, "rate", 0),
    "all differ, 6 groups, 4 to 100 events": ([20, 37, 15, 60, 37, 50], SIX, "rate", 0),
    "all differ, 6 groups, repeat events": ([80, 150, 60, 250, 150, 200], SIX, "rate", 0.2),
    "all differ, 16 groups": (MIXED, SIXTEEN, "rate", 0),
    "all differ, percentages": ([50, 40, 45, 30, 35, 60], SIX / 400, "percent", 0),
    "all differ, means": ([10, 12, 9, 14, 11, 10], SIX / 400, "mean", 0),
}
ORDERED = {
    "equal, 5 fifths, 18 to 30 events": ([100] * 5, FIFTHS, "rate", 0),
    "gradient, 5 fifths, 11 to 45 events": ([150, 120, 100, 80, 60], FIFTHS, "rate", 0),
    "gradient, 5 fifths, 2 to 9 events": ([30, 24, 20, 16, 12], FIFTHS, "rate", 0),
    "gradient, percentages": ([50, 45, 40, 35, 30], FIFTHS / 200, "percent", 0),
    "curve, repeat events": ([200, 110, 100, 95, 90], FIFTHS, "rate", 0.2),
}


def estimates(events: np.ndarray, squares: np.ndarray, at_risk: np.ndarray, kind: str, level: float) -> pd.DataFrame:
    """Return estimates with textbook intervals: exact and Byar, scaled for repeat events; Wilson; Student."""
    z, tail = stats.norm.isf((1 - level) / 2), (1 - level) / 2
    scale = {"rate": 100_000, "percent": 100, "mean": 1}[kind] / at_risk
    value = events * scale
    if kind == "rate":
        more = events + 1
        some = np.maximum(events, 1)
        low = np.where(events < 10, stats.chi2.ppf(tail, 2 * events) / 2, some * _byar(some, -z))
        low = np.where(events == 0, 0, low)
        high = np.where(events < 10, stats.chi2.isf(tail, 2 * more) / 2, more * _byar(more, z))
        wide = np.sqrt(np.where(events > 0, squares / some, 1))
        low, high = value + scale * wide * (low - events), value + scale * wide * (high - events)
    elif kind == "percent":
        share = value / 100
        middle = (share + z**2 / (2 * at_risk)) / (1 + z**2 / at_risk)
        half = z * np.sqrt(share * (1 - share) / at_risk + z**2 / (4 * at_risk**2)) / (1 + z**2 / at_risk)
        low, high = 100 * (middle - half), 100 * (middle + half)
    else:
        half = stats.t.isf(tail, at_risk - 1) * np.sqrt(squares / at_risk)
        low, high = value - half, value + half
    return pd.DataFrame({"estimate": value, "lower": low, "upper": high, "events": events, "at_risk": at_risk}).assign(
        group=range(1, len(value) + 1), level=level, measure=kind
    )


def _byar(count: np.ndarray, z: float) -> np.ndarray:
    return (1 - 1 / (9 * count) + z / (3 * np.sqrt(count))) ** 3


def table(truth, at_risk, kind: str, thrice: float, generator: np.random.Generator, level: float = 0.95):
    """Return one simulated table of estimates."""
    truth = np.asarray(truth, float)
    if kind == "percent":
        events = generator.binomial(at_risk.astype(int), truth / 100)
        squares = events
    elif kind == "mean":
        spread = 5.0
        events = at_risk * (truth + generator.normal(size=len(truth)) * spread / np.sqrt(at_risk))
        squares = spread**2 * generator.chisquare(at_risk - 1) / (at_risk - 1)
    else:
        people = truth * at_risk / 100_000 / (1 + 2 * thrice)
        once, three = generator.poisson(people * (1 - thrice)), generator.poisson(people * thrice)
        events, squares = once + 3 * three, once + 9 * three
    return estimates(events, squares, at_risk, kind, level)


def truths(truth, at_risk, ordered: bool) -> pd.Series:
    """Return the measures of the true rates."""
    truth, weight = np.asarray(truth, float), at_risk / at_risk.sum()
    if not ordered:
        found = {**measures.spread(truth, weight, 0), **measures.picked(truth, weight, "lowest")}
        return pd.Series(found | measures.against(truth, weight, 0))
    exact = estimates(truth, truth, at_risk, "mean", 0.95).assign(estimate=truth, std_error=1e-9)
    return gradient.summary(exact, group="group").set_index("measure")["estimate"]


def misses(truth, at_risk, kind, thrice, ordered, repetitions=200, seed=1, draws=1024, level=0.95) -> pd.DataFrame:
    """Return per measure the percentage of intervals ``above`` and ``below`` the truth, and ``refused``."""
    generator = np.random.default_rng(seed)
    true, rows = truths(truth, at_risk, ordered), []
    slack = 1e-9 * (1 + true.abs())
    for turn in range(repetitions):
        drawn = table(truth, at_risk, kind, thrice, generator)
        if ordered:
            found = gradient.summary(drawn, level=level, group="group")
        else:
            found = unordered.summary(
                drawn, None, 1, level, group="group", polarity="higher_is_worse", draws=draws, seed=turn
            )
        found = found.set_index("measure").loc[true.index]
        above, below = found["lower"] > true + slack, found["upper"] < true - slack
        rows.append(pd.DataFrame({"above": above, "below": below, "refused": found["lower"].isna()}))
    return 100 * sum(row.astype(float) for row in rows) / repetitions


def main(repetitions: int, chosen: list[str]) -> None:
    for scenarios, ordered in ((UNORDERED, False), (ORDERED, True)):
        found = {}
        for name, scenario in scenarios.items():
            if not chosen or any(word in name for word in chosen):
                found[name] = misses(*scenario, ordered, repetitions)
                print("done:", name, file=sys.stderr, flush=True)
        if not found:
            continue
        text = {name: [f"{a:.1f} / {b:.1f}" for a, b in t[["above", "below"]].to_numpy()] for name, t in found.items()}
        names = next(iter(found.values())).index
        print(f"\n{repetitions} tables a scenario; above / below, %\n")
        print("| | " + " | ".join(text) + " |\n|---|" + "---|" * len(text))
        for row, name in enumerate(names):
            print(f"| {name} | " + " | ".join(column[row] for column in text.values()) + " |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, sys.argv[2:])
