"""How often 95 % limits hold the truth: made-up groups whose true rate is known, through the public functions.

    python benchmarks/coverage_rates.py [--runs 20000] [--write docs/methods/coverage-rates.md]

A young group is standardised to an older population over 1 to 19 age bands, with 1 to 500 events expected. Events are
independent; or of people who repeat (geometric, 1.4 events a person); or mostly of a tenth who have eight each.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from pcref_analysis.estimates.rates import rates

EVENTS = (1, 3, 5, 10, 15, 20, 50, 100, 200, 500)
BANDS = (1, 3, 7, 13, 19)
REPEATS = {
    "independent": {1: 1.0},
    "people who repeat": {n: 0.7 * 0.3 ** (n - 1) for n in range(1, 15)},
    "few with most": {1: 0.75, 2: 0.15, 8: 0.10},
}
HEAD = """# How often the limits hold the truth

Made by `benchmarks/coverage_rates.py` ({runs} made-up groups a line, seed fixed; the error of a
share is about {error:.1f} points). Each entry is the percentage of 95 % intervals that hold the true value, among the
groups for which a figure is given; after the stroke, the percentage that lie wholly below the truth (2.5 would be
balanced). An empty entry: too few groups have ten events, so the figure is not given.

A young group (numbers at risk fall sixfold from the first band to the last) is standardised to an older population.
*Independent*: nobody counts twice. *People who repeat*: 1.4 events a person on average, 30 % have more than one.
*Few with most*: a tenth of the people have eight events each.

{reading}
"""
READING = """How to read it:

- Independent events: every limit holds the truth in about 95 % or more, at every number of events and of bands. Below
  about fifteen events they are conservative (up to 99 %), because counts are whole numbers.
- People who repeat: the same, from 94.5 % up.
- Fay and Feuer's gamma limits are the most cautious, and hold up best where people repeat.
- **Few with most: crude and indirect limits miss too often (84 to 93 % hold) between five and fifty events**,
  because a group may by chance show none of the people who would have had many. No method can see that from the
  group's own counts: pool years, count people as well as events, and prefer gamma limits for standardised rates
  (94 % and more over three bands or more, where Dobson's fall to 91 %)."""


def setting(bands: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the share at risk, the standard's weight and the true rate of each band."""
    place = (np.arange(bands) + 0.5) / bands
    return np.exp(-1.8 * place), np.exp(-0.3 * place), np.exp(-(((place - 0.4) / 0.3) ** 2)) + 0.15


def draw(rng: np.random.Generator, expected: np.ndarray, runs: int, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Return events and the sum over people of their events squared, a row a run."""
    sizes = REPEATS[kind]
    mean = sum(n * share for n, share in sizes.items()) / sum(sizes.values())
    people = {
        n: rng.poisson(expected * share / sum(sizes.values()) / mean, (runs, len(expected)))
        for n, share in sizes.items()
    }
    return sum(n * count for n, count in people.items()) * 1.0, sum(n * n * count for n, count in people.items()) * 1.0


def cells(rng: np.random.Generator, events: float, bands: int, runs: int, kind: str) -> pd.DataFrame:
    """Return cells of ``runs`` made-up groups that expect so many events in all."""
    at_risk, _, rate = setting(bands)
    at_risk = at_risk * events / (at_risk * rate).sum() / 1e-3
    count, squares = draw(rng, at_risk * rate * 1e-3, runs, kind)
    return pd.DataFrame(
        {
            "run": np.repeat(np.arange(runs), bands),
            "age_band": np.tile([f"band {n:02d}" for n in range(bands)], runs),
            "events": count.ravel(),
            "events_sq": squares.ravel(),
            "at_risk": np.tile(at_risk, runs),
        }
    )


def standard(bands: int) -> pd.DataFrame:
    return pd.DataFrame({"age_band": [f"band {n:02d}" for n in range(bands)], "weight": setting(bands)[1]})


def covered(table: pd.DataFrame, truth: float) -> tuple[float, float]:
    """Return the percentages of given intervals that hold the truth, and that lie below it."""
    given = table[table["estimate"].notna()]
    if len(given) < 0.2 * len(table):
        return np.nan, np.nan
    inside = (given["lower"] <= truth) & ~(given["upper"] < truth)  # a missing upper limit is none
    return 100 * inside.mean(), 100 * (given["upper"] < truth).mean()


def rate_coverage(events: float, bands: int, runs: int, kind: str, seed: int = 1) -> dict[str, tuple[float, float]]:
    """Return the coverage of each kind of rate."""
    rng = np.random.default_rng([seed, int(events), bands, len(kind)])
    table, weights = cells(rng, events, bands, runs, kind), standard(bands)
    at_risk, weight, rate = setting(bands)
    crude, direct = 1e-3 * (at_risk * rate).sum() / at_risk.sum(), 1e-3 * (weight * rate).sum() / weight.sum()
    reference = weights.assign(events=1e6 * rate * 1e-3, at_risk=1e6)
    got = {"crude": covered(rates.crude(table, ["run"], per=1), crude)}
    got["indirect"] = covered(rates.indirect(table, ["run"], reference, ["age_band"]), 1.0)
    for method in ("dobson", "gamma", "tiwari"):
        found = rates.direct(table, ["run"], weights, ["age_band"], per=1, method=method)
        got[f"direct, {method}"] = covered(found, direct)
    return got


def page(runs: int) -> str:
    """Return the whole grid as a page of text."""
    lines = [HEAD.format(runs=f"{runs:,}", reading=READING, error=100 * (0.05 * 0.95 / runs) ** 0.5 * 2)]
    for kind in REPEATS:
        lines += [f"\n## Rates, {kind}\n"]
        rows = [(n, b, rate_coverage(n, b, runs, kind)) for b in BANDS for n in EVENTS]
        lines += _table(("bands", "events expected"), [((b, n), got) for n, b, got in rows])
    return "\n".join(lines) + "\n"


def _table(keys: tuple[str, ...], rows: list[tuple[tuple[int, ...], dict[str, tuple[float, float]]]]) -> list[str]:
    names = list(rows[0][1])
    lines = ["| " + " | ".join([*keys, *names]) + " |", "|" + " ---: |" * (len(keys) + len(names))]
    for key, got in rows:
        shown = ["" if np.isnan(got[name][0]) else f"{got[name][0]:.1f} / {got[name][1]:.1f}" for name in names]
        lines.append("| " + " | ".join([*map(str, key), *shown]) + " |")
    return lines


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=20_000)
    options.add_argument("--write", type=Path)
    chosen = options.parse_args()
    text = page(chosen.runs)
    if chosen.write:
        chosen.write.write_text(text, encoding="utf-8", newline="\n")
    else:
        print(text)


if __name__ == "__main__":
    main()
