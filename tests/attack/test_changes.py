"""What a ratio before and after adjustment, and the change between them, tell together of the counts behind them.

The attack here shares no code with the package and is told more than a reader: the true numbers at risk, and what
every change is rounded to.
"""

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.disclosure import release_tables

STEPS = ("crude", "age_sex", "age_sex_imd")


def ladder(seed: int, groups: int = 60) -> pd.DataFrame:
    """Return exact ratios of invented groups to White at three steps of adjustment, with changes, and their levels."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"ethnic_group": [f"group {i}" for i in range(groups)]})
    frame["events"] = np.maximum(rng.poisson(rng.choice([8, 15, 30, 70, 200], groups)), 5).astype(float)
    frame["at_risk"] = np.round(frame["events"] * 60 / rng.uniform(0.3, 4, groups))
    white = {"ethnic_group": "White", "events": float(rng.integers(30, 1500))}
    levels = pd.concat([frame, pd.DataFrame([white | {"at_risk": white["events"] * 60}])])
    parts = [levels.assign(adjustment="crude", measure="rate", comparator="")]
    ratio = frame["events"] / frame["at_risk"] * 60
    spread = np.exp(1.96 * np.sqrt(1 / frame["events"] + 1 / white["events"]) * rng.uniform(1, 1.4, groups))
    for place, adjustment in enumerate(STEPS):
        times = np.exp(rng.normal(0, 0.15, groups)) if place else 1.0
        ratio = ratio * times
        part = frame.assign(adjustment=adjustment, measure="ratio", comparator="White", estimate=ratio)
        part = part.assign(lower=ratio / spread, upper=ratio * spread)
        if place:
            part = part.assign(change_from=STEPS[place - 1], change=times)
            part = part.assign(change_lower=times * 0.97, change_upper=times * 1.04)
        parts.append(part)
    return pd.concat(parts, ignore_index=True).assign(indicator="detentions", level=0.95)


def limits(line: pd.Series) -> tuple[float, float]:
    """Return between what numbers a reader knows a ratio to lie, by the ratio and by the middle of its limits."""
    three = line[["estimate", "lower", "upper"]].to_numpy(float)
    if np.isnan(three).any():
        return 0.0, np.inf
    step = line["rounded_to"]
    if np.isnan(step):  # the coarsest power of ten that the digits allow
        step = 10.0 ** (np.floor(np.log10(three[0])) - 1)
        while not np.allclose(three / step, np.round(three / step), atol=1e-6):
            step /= 10
    least, most = three - step / 2, three + step / 2
    middle = np.sqrt(max(least[1], 0) * max(least[2], 0)), np.sqrt(most[1] * most[2])
    return max(least[0], middle[0]), min(most[0], middle[1])


def told(shown: pd.DataFrame, exact: pd.DataFrame) -> pd.DataFrame:
    """Return how many counts of each released ratio its ladder leaves possible, and how many the rounding leaves."""
    rows = []
    truth = exact[exact["measure"] == "rate"].set_index("ethnic_group")["at_risk"]
    counted = shown[shown["measure"] == "rate"].set_index("ethnic_group")["events"]
    for group, lines in shown[shown["measure"] == "ratio"].groupby("ethnic_group"):
        lines = lines.set_index("adjustment")
        known = {step: limits(lines.loc[step]) for step in STEPS[1:]} | {"crude": (0.0, np.inf)}
        for before, step in (STEPS[1:], STEPS[:2]):  # the last step tells of the one before it
            change = lines.loc[step, "change"]
            half = np.nan_to_num(lines.loc[step, "change_rounded_to"], nan=0.01) / 2
            if change > half:
                told = known[step][0] / (change + half), known[step][1] / (change - half)
                known[before] = max(known[before][0], told[0]), min(known[before][1], told[1])
        mine, others = (np.arange(max(5, counted[g] - 2), counted[g] + 3) for g in (group, "White"))
        ratio = mine[:, None] / truth[group] / (others[None, :] / truth["White"])
        fits = (ratio >= known["crude"][0] * (1 - 1e-5)) & (ratio <= known["crude"][1] * (1 + 1e-5))
        rows.append([fits.any(axis=1).sum() < len(mine) or fits.any(axis=0).sum() < len(others)])
    return pd.DataFrame(rows, columns=["narrowed"])


@pytest.mark.parametrize("seed", range(8))
def test_changes_leave_every_count_of_the_rounding_possible(seed):
    exact = ladder(seed)
    (shown,) = release_tables.release_all({"gaps": exact}, "mhsds", public=False)
    assert told(shown.table, exact)["narrowed"].sum() == 0
    assert release_tables.attack([shown]).empty
    adjusted = shown.table[shown.table["adjustment"].eq("age_sex") & shown.table["events"].ge(100)]
    assert adjusted["change"].notna().all()


def test_changes_to_a_hundredth_tell_many_counts():
    narrow, lines = 0, 0
    for seed in range(4):
        exact = ladder(seed)
        (shown,) = release_tables.release_all({"gaps": exact}, "mhsds", public=False)
        fine = shown.table.assign(change=exact["change"].round(2), change_rounded_to=np.nan)
        found = told(fine, exact)
        narrow, lines = narrow + found["narrowed"].sum(), lines + len(found)
    assert narrow > lines / 4


def test_a_missing_change_has_no_limits_and_a_coarse_one_says_its_step():
    """Rows before adjustment once had a lower limit of 0 for a change that they do not have."""
    exact = ladder(1)
    (shown,) = release_tables.release_all({"gaps": exact}, "mhsds", public=False)
    table = shown.table
    assert (
        table.loc[table["change"].isna(), ["change_lower", "change_upper", "change_rounded_to"]].isna().all(axis=None)
    )
    steps = table.loc[table["change"].notna(), "change_rounded_to"].fillna(0.01)
    number = table.loc[steps.index, ["change", "change_lower", "change_upper"]].div(steps, axis=0)
    assert np.allclose(number, np.round(number), atol=1e-6)
    assert steps.gt(0.01).any()
