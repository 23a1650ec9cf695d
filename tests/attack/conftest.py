"""Invented tables of many shapes for the attack, and the rules they are released under."""

import numpy as np
import pandas as pd
import pytest

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


def random_tables(seed: int) -> dict[str, pd.DataFrame]:
    """Return one to three tables of counts with margins, hierarchies, zeros, links and gaps."""
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
    if rng.random() < 0.3:  # leave some rows out: the parts do not make the whole
        cube = cube.drop(cube.index[rng.random(len(cube)) < 0.1])
    if rng.random() < 0.25:
        cube["at_risk"] = cube["events"] + rng.poisson(rng.choice([0.5, 3.0, 40.0]), len(cube))
        cube["measure"] = "percent"
    parts = rng.integers(0, int(rng.integers(1, 4)), len(cube)) if rng.random() < 0.4 else np.zeros(len(cube), int)
    return {f"t{i}": cube[parts == i].reset_index(drop=True) for i in np.unique(parts)}


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


@pytest.fixture(scope="session")
def tables():
    return random_tables


@pytest.fixture(scope="session")
def rules():
    return RULES
