"""What must not matter does not matter: row order, names, how cells are split, the unit of time."""

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pcref_analysis.estimates.regression import adjusted_ratios

FIGURES = ["estimate", "lower", "upper", "change", "change_lower", "change_upper"]
SUMS = ["events", "at_risk", "events_sq", "events_at_risk", "at_risk_sq"]
STEPS = {"crude": [], "sex": ["sex"], "age_sex": ["sex", "age_band"]}
CALM = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def cells(draw):
    seed = draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    keys = pd.MultiIndex.from_product(
        [["White British", "Indian", "Mixed"], ["Female", "Male"], ["16-19", "20-24", "25-34"]],
        names=["ethnic_group", "sex", "age_band"],
    ).to_frame(index=False)
    keys = keys[rng.uniform(size=len(keys)) < draw(st.sampled_from([1.0, 0.8]))].reset_index(drop=True)
    rows = keys.loc[keys.index.repeat(rng.integers(1, 30, len(keys)))]
    t = rng.uniform(0.1, 2, len(rows))
    y = rng.poisson(draw(st.sampled_from([0.2, 1.0])) * t * rng.gamma(0.7, 1 / 0.7, len(rows))).astype(float)
    rows = rows.assign(events=y, at_risk=t, events_sq=y**2, events_at_risk=y * t, at_risk_sq=t**2)
    out = rows.groupby(list(keys), as_index=False)[SUMS].sum()
    keep = out["ethnic_group"].eq("White British").any()
    return (out if keep else rows.assign(ethnic_group="White British")).assign(indicator="x", period="2023-24")


def figures(table):
    found = adjusted_ratios.ladder(table, steps=STEPS).sort_values(["ethnic_group", "adjustment"])
    return found[FIGURES].to_numpy(float)


def same(left, right):
    assert left.shape == right.shape
    assert np.allclose(left, right, rtol=1e-6, atol=1e-8, equal_nan=True)


@CALM
@given(cells(), st.integers(0, 1000))
def test_row_order(table, seed):
    same(figures(table), figures(table.sample(frac=1, random_state=seed)))


@CALM
@given(cells(), st.floats(0.1, 0.9))
def test_splitting_cells(table, share):
    """Any part of the people of a cell may stand in a row of its own."""
    halves = pd.concat([table.assign(**{n: table[n] * f for n in SUMS}) for f in (share, 1 - share)])
    same(figures(table), figures(halves))


@CALM
@given(cells())
def test_names_of_groups(table):
    names = {"Indian": "Zulu", "Mixed": "Aztec"}
    found = adjusted_ratios.ladder(table, steps=STEPS)
    renamed = adjusted_ratios.ladder(table.assign(ethnic_group=table["ethnic_group"].replace(names)), steps=STEPS)
    renamed["ethnic_group"] = renamed["ethnic_group"].replace({v: k for k, v in names.items()})
    order = ["ethnic_group", "adjustment"]
    same(*(f.sort_values(order)[FIGURES].to_numpy(float) for f in (found, renamed)))


@CALM
@given(cells(), st.sampled_from([1 / 365.25, 12.0, 1000.0]))
def test_unit_of_time(table, unit):
    scaled = table.assign(
        at_risk=table["at_risk"] * unit,
        events_at_risk=table["events_at_risk"] * unit,
        at_risk_sq=table["at_risk_sq"] * unit**2,
    )
    same(figures(table), figures(scaled))


@CALM
@given(cells())
def test_ratio_turns_over_with_the_comparator(table):
    there = adjusted_ratios.adjusted(table, adjust=["sex"])
    for group in there.loc[there["estimate"].notna(), "ethnic_group"]:
        back = adjusted_ratios.adjusted(table, comparator=group, adjust=["sex"]).set_index("ethnic_group")
        row = there.set_index("ethnic_group").loc[group]
        turned = back.loc["White British"]
        same(
            np.array([row["estimate"], row["lower"], row["upper"]], float),
            1 / np.array([turned["estimate"], turned["upper"], turned["lower"]], float),
        )


@CALM
@given(cells())
def test_every_row_is_a_figure_or_a_reason(table):
    found = adjusted_ratios.ladder(table, steps=STEPS)
    finite = np.isfinite(found["estimate"])
    assert (found.loc[~finite, "note"] != "").all()
    assert (found.loc[finite, "events"] > 0).all() and (found.loc[finite, "estimate"].between(1e-4, 1e4)).all()
    inside = found[finite]
    assert ((inside["lower"] <= inside["estimate"]) & (inside["estimate"] <= inside["upper"])).all()
