"""Confidence limits: published and hand-worked values, shapes, and what happens at the edges."""

import numpy as np
import pytest

from pcref_analysis.estimates import intervals
from pcref_analysis.vocabulary.errors import PcrefError

# Garwood's 95% limits, as printed in tables since 1936
GARWOOD = {0: (0.000, 3.689), 1: (0.025, 5.572), 9: (4.115, 17.085), 10: (4.795, 18.390), 11: (5.491, 19.682)}
# Byar's by hand: 10 (1 - 1/90 - 1.959964/9.486833)^3 and 11 (1 - 1/99 + 1.959964/9.949874)^3
BYAR = {0: (0.000, 4.574), 1: (0.013, 5.564), 9: (4.107, 17.086), 10: (4.787, 18.391), 11: (5.484, 19.683)}


@pytest.mark.parametrize("events", [0, 1, 9, 10, 11])
def test_counts_at_the_boundaries(events):
    np.testing.assert_allclose(intervals.exact_poisson(events), GARWOOD[events], atol=6e-4)
    if events:
        np.testing.assert_allclose(intervals.byar(events), BYAR[events], atol=6e-4)
    table = GARWOOD if events < 10 else BYAR
    np.testing.assert_allclose(intervals.count(events), table[events], atol=6e-4)


def test_byar_of_a_hundred_is_an_interval_at_the_level_asked():
    # A package's public byars(100) gave 99.0 to 101.3: it took the complement of the level twice.
    np.testing.assert_allclose(intervals.byar(100), (81.36, 121.63), atol=0.01)


def test_byar_at_zero_starts_at_zero():
    lower, upper = intervals.byar([0.0])
    assert lower[0] == 0 and upper[0] > 0


def test_dobson_by_hand():
    # two strata, weights 3 and 1, 10 and 30 events among 1,000 each: rate 0.015,
    # variance (0.75^2 x 10 + 0.25^2 x 30) / 1000^2 = 7.5e-6, Byar's limits of 40 are 28.573 and 54.469
    lower, upper = intervals.dobson(0.015, 7.5e-6, 40)
    step = (7.5e-6 / 40) ** 0.5
    np.testing.assert_allclose([lower, upper], [0.015 - step * 11.427, 0.015 + step * 14.469], atol=1e-6)


def test_dobson_is_byar_when_there_is_one_stratum():
    np.testing.assert_allclose(intervals.dobson(0.05, 0.05 / 1000, 50), np.divide(intervals.byar(50), 1000), rtol=1e-12)


def test_a_count_with_repeaters_is_wider_by_the_root_of_its_dispersion():
    lower, upper = intervals.count(50, variance=200)
    low, high = intervals.count(50)
    np.testing.assert_allclose([50 - lower, upper - 50], [2 * (50 - low), 2 * (high - 50)])
    assert intervals.count(0, variance=0)[1] == pytest.approx(3.6888795, rel=1e-7)


def test_fay_feuer_with_equal_weights_is_exact_poisson():
    # with equal weights the weighted sum is a scaled count
    got = intervals.gamma(12 * 0.001, 12 * 0.001**2, 0.001)
    np.testing.assert_allclose(got, np.multiply(intervals.exact_poisson(12), 0.001), rtol=1e-12)
    lower, upper = intervals.gamma(0.0, 0.0, 0.001)
    assert lower == 0 and upper == pytest.approx(0.0036888795, rel=1e-7)


def test_proportions_at_the_edges():
    np.testing.assert_allclose(intervals.wilson([0, 20], [20, 20]), [[0, 0.83887484], [0.16112516, 1]], atol=1e-8)
    lower, upper = intervals.clopper_pearson([0, 20], [20, 20])
    np.testing.assert_allclose([upper[0], lower[1]], [1 - 0.025 ** (1 / 20), 0.025 ** (1 / 20)])
    assert lower[0] == 0 and upper[1] == 1


@pytest.mark.parametrize("method", [intervals.wilson, intervals.clopper_pearson])
@pytest.mark.parametrize(("events", "at_risk"), [(5, 4), (1, 0), (0, 0), (-1, 5), (np.nan, 5), (1, np.nan)])
def test_an_impossible_proportion_has_no_limits(method, events, at_risk):
    assert np.isnan(method(events, at_risk)).all()


def test_student_t_needs_two_observations_and_takes_negative_means():
    lower, upper = intervals.student_t([5.0, -3.5], [1.0, np.sqrt(0.5)], [1, 2])
    assert np.isnan([lower[0], upper[0]]).all()
    np.testing.assert_allclose([lower[1], upper[1]], [-3.5 - 12.706205 * 0.5, -3.5 + 12.706205 * 0.5], rtol=1e-7)


def test_several_levels_at_once():
    events = np.array([5, 50])
    lower, upper = intervals.count(events, [0.95, 0.998])
    assert lower.shape == (2, 2)
    for place, level in enumerate((0.95, 0.998)):
        np.testing.assert_array_equal([lower[:, place], upper[:, place]], intervals.count(events, level))
    assert intervals.dobson([0.1, 0.2], [0.01, 0.01], [20, 30], [0.9, 0.95, 0.99])[0].shape == (2, 3)


def test_a_negative_or_missing_count_has_no_limits():
    for method in (intervals.byar, intervals.exact_poisson, intervals.count):
        assert np.isnan(method([-1.0, np.nan])).all()


def test_huge_counts_stay_finite_and_narrow():
    lower, upper = intervals.count(1e12)
    np.testing.assert_allclose([lower, upper], [1e12 - 1.96e6, 1e12 + 1.96e6], rtol=1e-10)


@pytest.mark.parametrize("level", [0, 1, 95, -0.1, [0.95, 1.2], [[0.95]]])
def test_a_level_outside_zero_to_one_is_refused(level):
    with pytest.raises(PcrefError, match="level"):
        intervals.byar(10, level)
