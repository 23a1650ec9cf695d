"""People as rows and the same people as cells, for tests that hold the two against each other."""

import numpy as np
import pandas as pd
import pytest

GROUPS = ["White British", "Asian or Asian British", "Black or Black British", "Mixed", "Other ethnic groups"]
BANDS = ["0-15", "16-19", "20-24", "25-34", "35-49", "50-64", "65+"]
STRATUM = ["ethnic_group", "sex", "age_band", "imd_quintile"]


def people(seed: int, size: int = 3000) -> pd.DataFrame:
    """Unbalanced people whose make-up differs by ethnic group, with a personal liability to repeat."""
    rng = np.random.default_rng(seed)
    group = rng.choice(5, size, p=[0.62, 0.17, 0.12, 0.06, 0.03])
    age = np.minimum(rng.poisson(np.array([4.2, 3.0, 3.2, 2.4, 3.5])[group]), 6)
    imd = 1 + np.minimum(rng.binomial(4, np.array([0.55, 0.35, 0.2, 0.4, 0.5])[group]), 4)
    return pd.DataFrame(
        {
            "person": np.arange(size),
            "ethnic_group": np.array(GROUPS)[group],
            "sex": rng.choice(["Female", "Male"], size, p=[0.54, 0.46]),
            "age_band": np.array(BANDS)[age],
            "imd_quintile": imd,
            "liability": rng.gamma(0.4, 1 / 0.4, size),
        }
    )


def effect(who: pd.DataFrame) -> np.ndarray:
    group = who["ethnic_group"].map(dict(zip(GROUPS, [1.0, 0.8, 2.2, 1.3, 1.0], strict=True)))
    age = who["age_band"].map(dict(zip(BANDS, [0.5, 1.2, 1.5, 1.3, 1.0, 0.8, 0.6], strict=True)))
    return (group * age * (1 + 0.25 * (who["sex"] == "Male")) * 1.15 ** (5 - who["imd_quintile"])).to_numpy(float)


def rows(seed: int, kind: str, size: int = 3000) -> pd.DataFrame:
    """One to five rows a person (spells), each with an outcome ``y`` and a time at risk ``t``."""
    who = people(seed, size)
    rng = np.random.default_rng(seed + 1)
    who = who.loc[who.index.repeat(1 + rng.binomial(4, 0.25, len(who)))].reset_index(drop=True)
    strength = effect(who) * who["liability"]
    if kind == "rate":
        who["t"] = rng.uniform(0.05, 2.0, len(who))
        who["y"] = rng.poisson(0.15 * strength * who["t"]).astype(float)
    elif kind == "proportion":
        who["t"] = 1.0
        who["y"] = (rng.uniform(size=len(who)) < 1 - np.exp(-0.15 * strength)).astype(float)
    else:
        who["t"] = 1.0
        who["y"] = np.ceil(rng.gamma(1.5, 8 * effect(who) * (0.5 + 0.5 * who["liability"])))
    return who


def cells(frame: pd.DataFrame, by: list[str] | None = None, value: bool = False) -> pd.DataFrame:
    """Add rows up to people and people to cells; ``value``: the outcome is a value whose mean is wanted."""
    by = STRATUM if by is None else by
    person = frame.groupby([*by, "person"], as_index=False).agg(y=("y", "sum"), t=("t", "sum"), rows=("y", "size"))
    y, t = person["y"], person["t"]
    name = "total" if value else "events"
    sums = person[by].assign(
        **{name: y, "at_risk": t, f"{name}_sq": y**2, f"{name}_at_risk": y * t, "at_risk_sq": t**2},
        people=1.0,
        rows=person["rows"].astype(float),
    )
    out = sums.groupby(by, as_index=False).sum()
    if "period" not in by:
        out["period"] = "2023-24"
    return out.assign(indicator="detentions")


@pytest.fixture
def make_rows():
    return rows


@pytest.fixture
def make_cells():
    return cells
