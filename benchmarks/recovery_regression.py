"""Do the intervals of adjusted ratios cover what was planted? Simulated Trusts with people who repeat.

    python benchmarks/recovery_regression.py [trusts] [seed]

For each scenario and group: the share of simulated Trusts whose 95 % interval holds the planted ratio, with
person-clustered errors and with the model's own (naive) errors, and how often a ratio of 1 is called a gap that
nobody planted. ``people`` is the effective number that the events come from, (sum y)^2 / sum y^2.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from pcref_analysis.estimates.regression import adjusted_ratios

GROUPS = ["White British", "Asian or Asian British", "Black or Black British", "Mixed", "Other ethnic groups"]
SHARES = np.array([0.74, 0.11, 0.08, 0.045, 0.025])
PLANTED = {"Asian or Asian British": 1.0, "Black or Black British": 2.5, "Mixed": 1.5, "Other ethnic groups": 1.0}
BANDS = ["16-19", "20-24", "25-34", "35-49", "50-64", "65+"]
AGE_RATE = np.array([1.0, 1.4, 1.5, 1.2, 0.9, 0.6])
AGES = np.array(  # make-up by group: younger in the smaller ones
    [
        [0.05, 0.07, 0.16, 0.25, 0.24, 0.23],
        [0.08, 0.11, 0.23, 0.30, 0.18, 0.10],
        [0.09, 0.12, 0.22, 0.28, 0.20, 0.09],
        [0.15, 0.17, 0.26, 0.24, 0.12, 0.06],
        [0.07, 0.10, 0.24, 0.32, 0.18, 0.09],
    ]
)
DEPRIVED = np.array(
    [
        [0.12, 0.17, 0.21, 0.24, 0.26],
        [0.24, 0.23, 0.20, 0.18, 0.15],
        [0.38, 0.27, 0.17, 0.11, 0.07],
        [0.26, 0.23, 0.20, 0.17, 0.14],
        [0.30, 0.25, 0.19, 0.14, 0.12],
    ]
)
KEYS = ["ethnic_group", "sex", "age_band", "imd_quintile"]
ADJUST = ["age_band", "sex", "imd_quintile"]


def _strata() -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Return strata, the share of people in each, and the rate relative to a White British woman of the first band."""
    g, s, a, q = (part.ravel() for part in np.meshgrid(range(5), range(2), range(6), range(5), indexing="ij"))
    share = SHARES[g] * 0.5 * AGES[g, a] * DEPRIVED[g, q]
    planted = np.array([PLANTED.get(group, 1.0) for group in GROUPS])
    rate = planted[g] * np.array([1.0, 1.25])[s] * AGE_RATE[a] * 1.18 ** (4 - q)
    frame = pd.DataFrame(
        {
            "ethnic_group": np.array(GROUPS)[g],
            "sex": np.array(["Female", "Male"])[s],
            "age_band": np.array(BANDS)[a],
            "imd_quintile": q + 1,
        }
    )
    return frame.assign(indicator="simulated", period="2023-24"), share, rate


STRATA, SHARE, RATE = _strata()


def _cells(where: np.ndarray, y: np.ndarray, t: np.ndarray, value: bool = False) -> pd.DataFrame:
    """Add people (their stratum, events and time) up to cells."""
    name = "total" if value else "events"
    sums = {name: y, "at_risk": t, f"{name}_sq": y * y, f"{name}_at_risk": y * t, "at_risk_sq": t * t}
    return STRATA.assign(**{k: np.bincount(where, weights=v, minlength=len(STRATA)) for k, v in sums.items()})


def detentions(rng: np.random.Generator, residents: int = 800_000) -> pd.DataFrame:
    """Detentions of residents: rare, and a person who is detained has 1.5 of them on average (at most about ten)."""
    at_risk = np.round(residents * SHARE)
    people = rng.poisson(at_risk * RATE * 45e-5)
    where = np.repeat(np.arange(len(STRATA)), people)
    times = rng.geometric(1 / 1.5, len(where)).astype(float)
    cells = _cells(where, times, np.ones(len(where)))
    return cells.assign(at_risk=at_risk, at_risk_sq=at_risk)


def restraint(rng: np.random.Generator, inpatients: int = 6_000) -> pd.DataFrame:
    """Restraints of inpatients in their bed days: very unequal stays, a fifth of people has most of the events."""
    where = rng.choice(len(STRATA), inpatients, p=SHARE / SHARE.sum())
    days = np.ceil(rng.gamma(0.8, 45, inpatients))
    liability = rng.gamma(0.5, 2.0, inpatients)
    return _cells(where, rng.poisson(0.006 * RATE[where] * days * liability).astype(float), days)


def non_attendance(rng: np.random.Generator, people: int = 12_000) -> pd.DataFrame:
    """Contacts not attended: 1 to about 30 contacts a person, people alike with themselves (beta-binomial)."""
    where = rng.choice(len(STRATA), people, p=SHARE / SHARE.sum())
    contacts = rng.geometric(0.18, people).astype(float)
    chance = np.clip(0.035 * RATE[where], 0, 0.6)
    own = rng.beta(2 * chance, 2 * (1 - chance))
    return _cells(where, rng.binomial(contacts.astype(int), own).astype(float), contacts)


def length_of_stay(rng: np.random.Generator, people: int = 4_000) -> pd.DataFrame:
    """Days a stay: skewed, one to five stays a person, a person's stays alike."""
    where = rng.choice(len(STRATA), people, p=SHARE / SHARE.sum())
    stays = 1 + rng.binomial(4, 0.2, people)
    mean = 20 * RATE[where] * rng.gamma(3, 1 / 3, people)
    total = rng.gamma(1.2 * stays, mean / 1.2)
    return _cells(where, total, stays.astype(float), value=True)


SCENARIOS: dict[str, tuple[Callable[[np.random.Generator], pd.DataFrame], str]] = {
    "detentions of residents": (detentions, "poisson"),
    "restraints in bed days": (restraint, "poisson"),
    "contacts not attended": (non_attendance, "poisson"),
    "length of stay": (length_of_stay, "gamma"),
}


def simulate(scenario: str, trusts: int, seed: int, naive: int = 200) -> pd.DataFrame:
    """Return a row a Trust and group: planted and found ratio, both intervals (the naive one for the first Trusts)."""
    make, family = SCENARIOS[scenario]
    rng = np.random.default_rng(seed)
    frames = []
    for trust in range(trusts):
        cells = make(rng)
        found = adjusted_ratios.adjusted(cells, adjust=ADJUST, family=family, interval="t")
        limits = {"naive_lower": np.nan, "naive_upper": np.nan}
        if trust < naive:
            plain = adjusted_ratios.adjusted(cells, adjust=ADJUST, family=family, robust=False)
            limits = {"naive_lower": plain["lower"], "naive_upper": plain["upper"]}
        name = "total" if "total" in cells else "events"
        sums = cells.groupby("ethnic_group")[[name, f"{name}_sq"]].sum()
        frames.append(
            found[["ethnic_group", "estimate", "lower", "upper"]].assign(
                trust=trust,
                **limits,
                people=found["ethnic_group"].map(sums[name] ** 2 / sums[f"{name}_sq"]),
            )
        )
    table = pd.concat(frames, ignore_index=True)
    return table.assign(scenario=scenario, planted=table["ethnic_group"].map(PLANTED))


def coverage(table: pd.DataFrame) -> pd.DataFrame:
    """Return coverage of both intervals, the mean log ratio's error and false alarms, by scenario and group."""
    planted = table["planted"]
    table = table.assign(
        clustered=(table["lower"] <= planted) & (planted <= table["upper"]),
        naive=((table["naive_lower"] <= planted) & (planted <= table["naive_upper"]))
        .where(table["naive_lower"].notna())
        .astype(float),
        bias=np.log(table["estimate"] / planted),
        called=((table["lower"] > 1) | (table["upper"] < 1)).where(planted == 1).astype(float),
    )
    by = table.groupby(["scenario", "ethnic_group"], sort=False)
    columns = ["planted", "people", "clustered", "naive", "bias", "called"]
    return by[columns].mean().assign(trusts=by.size()).reset_index()


def main() -> None:
    trusts = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 20261122
    for scenario in SCENARIOS:
        start = time.perf_counter()
        table = coverage(simulate(scenario, trusts, seed))
        overall = table[["clustered", "naive"]].mean()
        print(table.round(4).to_string(index=False, header=True))
        print(f"all groups: clustered {overall['clustered']:.4f}, naive {overall['naive']:.4f}", end="; ")
        print(f"{trusts} Trusts in {time.perf_counter() - start:.0f} s\n", flush=True)


if __name__ == "__main__":
    main()
