"""Countries of 42 boards with known gaps: is the prior from the other boards honest, and incompleteness seen?"""

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.estimates import funnel, random_effects
from pcref_analysis.published import other_boards

BOARDS, COUNTRIES = 42, 200


@pytest.fixture(scope="module")
def country():
    """Return what was true of the smallest boards and how it was estimated, alone and with the other boards."""
    rng = np.random.default_rng(7)
    rows = []
    for _ in range(COUNTRIES):
        true = rng.normal(1.05, 0.2, BOARDS)
        white, small = rng.uniform(200, 1500, BOARDS), rng.uniform(0.01, 0.08, BOARDS)
        group, other = rng.poisson(white * small * np.exp(true)), rng.poisson(white)
        seen = group >= 5  # fewer are suppressed
        effect = np.log(np.where(seen, group, np.nan) / (other * small))
        variance = 1 / np.where(seen, group, np.nan) + 1 / other
        for board in np.flatnonzero(seen & (group < 30)):
            rest = np.arange(BOARDS) != board
            found = random_effects.dersimonian_laird(effect[rest], variance[rest])
            middle, spread = random_effects.posterior(
                effect[board], variance[board] ** 0.5, found.mean, np.hypot(found.tau, found.se)
            )
            rows.append((true[board], effect[board], variance[board] ** 0.5, middle, spread))
    return pd.DataFrame(rows, columns=["true", "alone", "se", "drawn", "spread"])


def test_a_funnel_names_no_board_and_takes_its_middle_from_the_others(monkeypatch):
    others = [2.0, 2.2, 1.8] * 5
    names = [*"ABCEFGHIJKLMNOP", "D"]
    effects = pd.DataFrame({"area": names, "effect": np.log([*others, 6.0]), "variance": 0.01})
    effects = effects.assign(indicator="detentions", period="2023-24", ethnic_group="Mixed")
    monkeypatch.setattr(other_boards, "_ratios", lambda *_: effects)
    found = other_boards.each("folder", other_boards.THERAPIES, "D", "2023-24")
    assert "area" not in found and sorted(found["own"]) == ["another"] * 15 + ["ours"]
    assert found["ratio"].round(2).tolist() == [*others, 6.0] and found["precision"].round(6).unique() == [100]
    assert found["mean"].unique() == pytest.approx(np.exp(np.log(others).mean()))


def test_intervals_with_the_other_boards_keep_their_level_and_are_nearer(country):
    off = (country["drawn"] - country["true"]).abs()
    assert len(country) > 500
    assert 0.93 < (off < 1.96 * country["spread"]).mean() < 0.98
    nearer = (off**2).mean() ** 0.5 / ((country["alone"] - country["true"]) ** 2).mean() ** 0.5
    assert nearer < 0.75
    print(f"coverage {(off < 1.96 * country['spread']).mean():.3f}, error {nearer:.2f} of the board's own")


def test_a_gap_that_is_there_is_missed_less_often(country):
    sure = np.log(1.1)
    before = (country["alone"] - 0.84 * country["se"] > sure).mean()  # at least 80% probable to exceed the margin
    after = (country["drawn"] - 0.84 * country["spread"] > sure).mean()
    print(f"sure of a gap that matters: alone {before:.3f}, with the other boards {after:.3f}")
    assert after > before and after > 0.99 and (country["true"] > sure).mean() > 0.99


def test_boards_without_half_of_their_records_are_seen_and_whole_ones_seldom_suspected():
    rng = np.random.default_rng(11)
    missed, suspected, hidden = [], [], []
    for _ in range(COUNTRIES):
        expected = rng.uniform(300, 3000, BOARDS)
        level = np.exp(rng.normal(0, 0.25, BOARDS))  # boards truly differ
        share = np.where(np.arange(BOARDS) < 2, 0.45, 1.0)  # two boards lack a site, most of whose patients are Black
        events = rng.poisson(expected * level * share)
        ratio = np.where(share < 1, 1.2, 2.9)
        table = pd.DataFrame({"area": np.arange(BOARDS).astype(str), "events": events, "expected": expected})
        table["expected"] *= table["events"].sum() / table["expected"].sum()
        found = funnel.limits(table, "area", "ratio", target=1.0, overdispersion="additive")
        low = (found["signal"].str.startswith("below") | found["estimate"].lt(0.5)).to_numpy()
        missed.append((~low[share < 1]).mean())
        suspected.append(low[share == 1].mean())
        hidden.append((ratio[~low] < 1.5).sum() / (ratio < 1.5).sum())
    assert np.mean(missed) < 0.2 and np.mean(hidden) < 0.2  # without the check all of them: no gap that is clear
    assert np.mean(suspected) < 0.05  # the lower limit alone passes over 2.5% by chance
    print(f"missed {np.mean(missed):.3f}, suspected {np.mean(suspected):.3f}")
