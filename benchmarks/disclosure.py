"""Can what was hidden be worked out? Invented tables of many shapes, released and attacked.

    python benchmarks/disclosure.py --tables 1000          # attacked with and without hiding more
    python benchmarks/disclosure.py --tables 0 --tau 30    # hidden cells beside pytauargus, where it is installed

Tables have one to four dimensions, broad and detailed ethnic groups, linked parts, missing rows and zero margins. Each
is attacked twice: by the package, from what is published, and by a second program here that shares no code with
it and is told more: which cells each published number sums. The second bounds counts only, not figures.
"""

from __future__ import annotations

import argparse
import itertools
import time
from contextlib import chdir
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp

from pcref_analysis.disclosure import release_tables
from pcref_analysis.vocabulary import ethnicity
from pcref_analysis.vocabulary.parameters import Disclosure

AGREED = {"owner": "test", "agreed": "2026-01-01"}
RULES = {
    "mhsds": Disclosure(**AGREED, preset="mhsds"),
    "hes": Disclosure(**AGREED, preset="hes"),
    "opensafely": Disclosure(**AGREED, preset="opensafely"),
    "exact": Disclosure(**AGREED, threshold=5, rounding=1),
    "ten": Disclosure(**AGREED, threshold=10, rounding=10),
}
TURNS = ("mhsds", "hes", "mhsds", "ten", "mhsds", "mhsds", "hes", "mhsds", "ten", "mhsds", "mhsds", "opensafely")


def random_tables(seed: int, linked: bool = True) -> dict[str, pd.DataFrame]:
    """Return one to three tables of counts with margins, hierarchies, zeros, links and gaps (or one, whole)."""
    return _random(seed, linked)[0]


def _random(seed: int, linked: bool = True) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    rng = np.random.default_rng(seed)
    shape = int(rng.integers(1, 5))
    size = {1: 8, 2: 5, 3: 3, 4: 2}[shape]
    names = ["ethnic_group", "sex", "age_band", "team"]
    rng.shuffle(names)
    labels = {}
    for name in names[:shape]:
        if name == "ethnic_group":
            broad = list(rng.permutation(ethnicity.known_groups("broad"))[: max(2, size // 2)])
            known = ethnicity.categories()
            known = known[known["broad_group"].isin(broad)].groupby("broad_group").head(3)
            labels[name] = list(known["ethnic_group"])[: max(3, size)]
        else:
            labels[name] = [f"{name} {i}" for i in range(int(rng.integers(2, size + 1)))]
    leaves = pd.MultiIndex.from_product(labels.values(), names=labels.keys()).to_frame(index=False)
    mean = rng.choice([0.0, 1.0, 3.0, 6.0, 15.0, 60.0], len(leaves), p=[0.15, 0.2, 0.2, 0.2, 0.15, 0.1])
    leaves["events"] = rng.poisson(mean)
    cube = _with_margins(leaves, list(labels), rng)
    cube["indicator"] = "things"
    if not linked:
        return {"t0": cube}, leaves
    if rng.random() < 0.3:  # leave some rows out: the parts do not make the whole
        cube = cube.drop(cube.index[rng.random(len(cube)) < 0.1])
    if rng.random() < 0.25:
        cube["at_risk"] = cube["events"] + rng.poisson(rng.choice([0.5, 3.0, 40.0]), len(cube))
        cube["measure"] = "percent"
    parts = rng.integers(0, int(rng.integers(1, 4)), len(cube)) if rng.random() < 0.4 else np.zeros(len(cube), int)
    return {f"t{i}": cube[parts == i].reset_index(drop=True) for i in np.unique(parts)}, leaves


def _with_margins(leaves: pd.DataFrame, dims: list[str], rng: np.random.Generator) -> pd.DataFrame:
    cube = leaves
    for dim in dims:
        others = [d for d in dims if d != dim]
        if dim == "ethnic_group" and rng.random() < 0.6:
            broad = cube.assign(ethnic_group=ethnicity.to_broad(cube["ethnic_group"]))
            cube = pd.concat([cube, broad.groupby(dims, as_index=False)["events"].sum()])
        if rng.random() < 0.85:
            fine = cube[~cube[dim].isin(ethnicity.BROAD_GROUPS)]
            total = (
                fine.groupby(others, as_index=False)["events"].sum() if others else fine[["events"]].sum().to_frame().T
            )
            cube = pd.concat([cube, total.assign(**{dim: "All"})])
    return cube.drop_duplicates(dims).reset_index(drop=True)


def second_opinion(released: list[pd.DataFrame], leaves: pd.DataFrame, rule: Disclosure) -> tuple[int, int]:
    """Return how many counts are hidden, and how many of them an outsider can pin closer than the rule allows.

    Only ``leaves``' labels are used. Each published number is a sum of unknown whole numbers, one a leaf, within what
    its rounding allows; each hidden one is made smallest and largest.
    """
    rows = pd.concat(released, ignore_index=True)
    rows = rows[rows["events_status"] != "not available"].drop_duplicates([*leaves.columns.drop("events")])
    matrix = np.ones((len(rows), len(leaves)))
    for dim in leaves.columns.drop("events"):
        leaf = leaves[dim].to_numpy()
        broad = ethnicity.to_broad(leaves[dim]).to_numpy() if dim == "ethnic_group" else leaf
        label = rows[dim].to_numpy()[:, None]
        matrix *= (label == "All") | (label == leaf) | (label == broad)
    shown = rows["events"].to_numpy(float)
    hidden = np.isnan(shown)
    low = np.maximum(np.ceil(shown - rule.rounding / 2), rule.threshold)
    high = np.ceil(shown + rule.rounding / 2) - 1
    low, high = np.where(shown == 0, 0, low), np.where(shown == 0, 0, high)
    low, high = np.where(hidden, int(rule.show_zero), low), np.where(hidden, np.inf, high)
    fits = [LinearConstraint(matrix, low, high)]
    far = Bounds(0, 10_000)
    pinned = 0
    for row in np.flatnonzero(hidden):
        ends = [milp(sign * matrix[row], constraints=fits, bounds=far, integrality=1) for sign in (1, -1)]
        least, most = round(ends[0].fun), round(-ends[1].fun)
        pinned += most - least < rule.values_left - 1 and least < rule.threshold and most > 0
    return int(hidden.sum()), pinned


def attacked(seed: int, rule: Disclosure, complementary: bool = True) -> dict[str, int]:
    """Release and attack the tables of a seed; return hidden counts and how many each attack can pin."""
    tables, leaves = _random(seed)
    clock = time.perf_counter()
    released = release_tables.release_all(tables, rule, complementary=complementary)
    seconds = time.perf_counter() - clock
    hidden, second = second_opinion([one.table for one in released], leaves, rule)
    pinned = len(release_tables.attack(released))
    return {"hidden": hidden, "pinned": pinned, "pinned, second attack": second, "seconds": round(seconds, 2)}


def many(count: int, start: int = 0, rule: str = "") -> pd.DataFrame:
    """Attack ``count`` sets of tables under one rule, or some in turn, with and without hiding more; a row each."""
    rows = []
    for seed in range(start, start + count):
        name = rule or TURNS[seed % len(TURNS)]
        for complementary in (True, False):
            found = attacked(seed, RULES[name], complementary)
            rows.append({"seed": seed, "rule": name, "hiding more": complementary, **found})
            print(*rows[-1].values(), flush=True)
    return pd.DataFrame(rows)


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Return by rule and way: sets, sets in which either attack found something, hidden and pinned counts."""
    runs = runs.assign(found=runs["pinned"] > 0, found_second=runs["pinned, second attack"] > 0, sets=1)
    columns = ["sets", "found", "found_second", "hidden", "pinned", "pinned, second attack", "seconds"]
    return runs.groupby(["hiding more", "rule"], sort=False)[columns].sum().round(1)


def cube(seed: int) -> pd.DataFrame:
    """Return people of two or three dimensions: a row each."""
    rng = np.random.default_rng(seed)
    sizes = [(6, 5), (8, 6), (4, 3, 3), (5, 3, 2)][seed % 4]
    mean = rng.choice([0.0, 2.0, 6.0, 15.0, 60.0], sizes, p=[0.1, 0.25, 0.25, 0.25, 0.15])
    places = np.argwhere(mean >= 0).repeat(rng.poisson(mean).ravel(), axis=0)
    return pd.DataFrame({f"d{i}": [f"v{value}" for value in places[:, i]] for i in range(len(sizes))})


def with_all_margins(people: pd.DataFrame) -> pd.DataFrame:
    """Return the counts of people with every margin."""
    dims = list(people)
    parts = [people.assign(**{d: "All" for d, out in zip(dims, drop, strict=True) if out})
             for drop in itertools.product([False, True], repeat=len(dims))]  # fmt: skip
    found = pd.concat(parts).groupby(dims).size()
    every = pd.MultiIndex.from_product([found.index.unique(d) for d in dims])
    return found.reindex(every, fill_value=0).rename("events").reset_index().assign(indicator="things")


def tau_hidden(people: pd.DataFrame) -> int:
    """Return how many cells pytauargus hides (below 5, and optimally others); it leaves true values in the folder.

    Its protection is a percentage of the hidden count: 50 leaves a count of 3 about as open as four possible values do.
    """
    from pytauargus import protect

    with TemporaryDirectory() as folder, chdir(folder):
        done = protect(people.assign(one=1.0), list(people), "one", "FREQ(5,50)", "OPT(1)", workdir=folder)
        return int(pd.Series(done.tables[0].safe(None)).isna().sum())


def beside_tau(count: int) -> pd.DataFrame:
    """Return hidden cells and seconds of ours (unrounded and rounded) and of pytauargus on the same tables."""
    rows = []
    for seed in range(count):
        people = cube(seed)
        table = with_all_margins(people)
        row: dict[str, float] = {"seed": seed, "cells": len(table), "small": int(table["events"].between(1, 4).sum())}
        for name, rule in (("ours, unrounded", "exact"), ("ours, nearest 5", "mhsds")):
            clock = time.perf_counter()
            released = release_tables.release(table, RULES[rule])
            row[name] = int(released.table["events"].isna().sum())
            row[f"{name}, seconds"] = round(time.perf_counter() - clock, 2)
        clock = time.perf_counter()
        row["pytauargus"] = tau_hidden(people)
        row["pytauargus, seconds"] = round(time.perf_counter() - clock, 2)
        rows.append(row)
        print(row, flush=True)
    return pd.DataFrame(rows)


def main() -> None:
    """Print what was measured."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--tables", type=int, default=100)
    words.add_argument("--start", type=int, default=0)
    words.add_argument("--tau", type=int, default=0)
    words.add_argument("--rule", default="", choices=["", *RULES])
    chosen = words.parse_args()
    if chosen.tables:
        runs = many(chosen.tables, chosen.start, chosen.rule)
        print(summary(runs).to_string())
        found = runs[runs["hiding more"] & ((runs["pinned"] > 0) | (runs["pinned, second attack"] > 0))]
        print("seeds in which something was found with hiding more:", sorted(found["seed"].unique().tolist()))
    if chosen.tau:
        print(beside_tau(chosen.tau).drop(columns="seed").sum().round(1).to_string())


if __name__ == "__main__":
    main()
