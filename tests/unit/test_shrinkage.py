"""The hierarchical model against exact sums over its discrete parts, and what it is for."""

import itertools

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.priorities import evidence_model
from pcref_analysis.priorities.evidence_model import EFFECT_PRIOR, EFFECT_SDS, MEAN_SD, SPREADS


def exact(y: np.ndarray, variance: np.ndarray, shared: float, same_indicator: bool) -> tuple[np.ndarray, np.ndarray]:
    """Posterior mean and SD of two gaps of different groups, summed over every SD and pair of components.

    Components have a Dirichlet(1, ..., 1) prior: two gaps share a component twice as often as any other pair.
    """
    prior = np.exp(EFFECT_PRIOR - EFFECT_PRIOR.max())
    ones, eye, kinds = np.ones((2, 2)), np.eye(2), np.arange(len(SPREADS))
    a, b, k, m = (g.ravel() for g in np.meshgrid(range(40), range(40), kinds, kinds, indexing="ij"))
    weight = prior[a] * prior[b] * (1 + (k == m))
    part = ones if same_indicator else eye
    square = [x[:, None, None] for x in (EFFECT_SDS[a] ** 2, EFFECT_SDS[b] ** 2, SPREADS[k] ** 2, SPREADS[m] ** 2)]
    theta = MEAN_SD**2 * ones + square[0] * part + square[1] * eye
    theta = theta + square[2] * np.diag([1.0, 0.0]) + square[3] * np.diag([0.0, 1.0])
    v = theta + np.diag(variance - shared) + shared * part
    inverse = np.linalg.inv(v)
    weight = weight * np.exp(-0.5 * np.einsum("i,nij,j->n", y, inverse, y)) / np.sqrt(np.linalg.det(v))
    weight /= weight.sum()
    means = np.einsum("nij,njk,k->ni", theta, inverse, y)
    spread = np.einsum("nii->ni", theta - theta @ inverse @ theta)
    mean = weight @ means
    return mean, np.sqrt(weight @ (spread + means**2) - mean**2)


@pytest.mark.parametrize("shared", [0.0, 0.01])
@pytest.mark.parametrize("same_indicator", [True, False])
def test_the_sampler_agrees_with_the_exact_sum(shared, same_indicator):
    y, se = np.array([1.0, 0.1]), np.array([0.2, 0.4])
    gaps = pd.DataFrame({"indicator": ["a", "a" if same_indicator else "b"], "ethnic_group": ["x", "y"]})
    gaps = gaps.assign(gap=y, se=se, shared_variance=shared)
    data = evidence_model._data(gaps)
    chain = np.vstack(evidence_model._chain(data, 500, 5_000, 8, np.random.default_rng(1)))
    mean, sd = exact(y, se**2, shared, same_indicator)
    assert chain.mean(axis=0) == pytest.approx(mean, abs=0.012)
    assert chain.std(axis=0) == pytest.approx(sd, abs=0.012)


def family(rng, n=20, groups=12):
    """Mostly no gap; one large and well measured, one large and badly measured."""
    table = pd.DataFrame(list(itertools.product(range(n), range(groups))), columns=["indicator", "ethnic_group"])
    table["se"] = 0.08
    table["gap"] = 0.08 * rng.standard_normal(len(table))
    table.loc[0, ["gap", "se"]] = [1.0, 0.1]
    table.loc[50, ["gap", "se"]] = [1.0, 0.8]
    return table


def test_a_large_gap_stays_where_it_is_well_measured_and_shrinks_where_it_is_not():
    drawn = evidence_model.draw_gaps(family(np.random.default_rng(5)), draws=1_000, seed=1)
    middle = np.median(drawn, axis=0)
    assert middle[0] > 0.8
    assert abs(middle[50]) < 0.2
    assert drawn[:, 50].max() > 0.8  # not lost: it remains possible


def test_the_same_seed_gives_the_same_draws_and_another_does_not():
    gaps = family(np.random.default_rng(5)).head(12)
    one, two, three = (evidence_model.draw_gaps(gaps, draws=200, seed=s) for s in (1, 1, 2))
    assert (one == two).all()
    assert not (one == three).all()


def test_a_group_borrows_from_its_own_gaps_elsewhere():
    table = family(np.random.default_rng(5)).query("ethnic_group < 6").reset_index(drop=True)
    table["gap"] = np.where(table["ethnic_group"] == 3, 0.6, 0.0) + 0.05 * np.sin(np.arange(len(table)))
    noisy = table["indicator"].eq(7) & table["ethnic_group"].isin([3, 4])
    table.loc[noisy, ["gap", "se"]] = [0.3, 1.0]
    middle = np.median(evidence_model.draw_gaps(table, draws=1_000, seed=1), axis=0)[noisy]
    assert middle[0] > 0.45  # group 3 is worse off everywhere
    assert middle[1] < 0.15


def test_no_event_where_none_was_expected_says_little_and_where_many_were_says_much():
    gaps = family(np.random.default_rng(5)).assign(sign=1.0, none_of=np.nan)
    gaps.loc[[10, 20], "gap"], gaps.loc[[10, 20], "se"] = -2.0, 1.4
    gaps.loc[10, "none_of"], gaps.loc[20, "none_of"] = 0.5, 60.0
    middle = np.median(evidence_model.draw_gaps(gaps, draws=1_000, seed=1), axis=0)
    assert middle[10] > -0.2
    assert middle[20] < -0.8


def test_nothing_in_gives_nothing_out():
    empty = pd.DataFrame({"indicator": [], "ethnic_group": [], "gap": [], "se": []})
    assert evidence_model.draw_gaps(empty, draws=10).shape == (10, 0)
