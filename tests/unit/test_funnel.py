"""Funnel limits: R's distribution functions, tail areas, over-dispersion by hand and by statsmodels, refusals."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from pcref_analysis.estimates import funnel
from pcref_analysis.vocabulary.errors import PcrefError

ORACLE = Path(__file__).resolve().parents[1] / "oracle"


def wards(events, size, name="at_risk"):
    return pd.DataFrame({"ward": [f"ward {n}" for n in range(len(events))], "events": events, name: size})


def test_limits_agree_with_r():
    table = pd.read_csv(ORACLE / "funnel_limits.csv")
    for (kind, target, level), part in table.groupby(["kind", "target", "level"]):
        found = funnel.curve(part["size"], target, kind, levels=[level], per=1)
        name = f"{100 * level:g}".replace(".", "_")
        np.testing.assert_allclose(found[f"lower_{name}"], part["lower"], rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(found[f"upper_{name}"], part["upper"], rtol=1e-8)


@pytest.mark.parametrize("kind", ["percent", "rate", "ratio"])
@pytest.mark.parametrize("level", [0.95, 0.998])
def test_chance_passes_a_limit_no_more_often_than_stated(kind, level):
    size, target = np.array([5, 12, 40, 150, 1000.0]), 0.3
    found = funnel.curve(size, target, kind, levels=[level], per=1)
    low, high = (found.filter(like=side).iloc[:, 0].to_numpy() * size for side in ("lower", "upper"))
    law = stats.binom(size, target) if kind == "percent" else stats.poisson(size * target)
    above, below = law.sf(np.floor(high)), law.cdf(np.ceil(low) - 1)
    assert (above <= (1 - level) / 2).all() and (below <= (1 - level) / 2).all()
    nearer = law.sf(np.floor(high) - 1)  # one event fewer would be too many
    assert (nearer > (1 - level) / 2).all()


def test_one_hundred_expected_by_hand():
    row = funnel.curve([100], 1.0, "ratio", levels=[0.95]).iloc[0]
    cdf = stats.poisson(100).cdf
    assert cdf(80) < 0.025 < cdf(81) and 1 - cdf(120) < 0.025 < 1 - cdf(119)
    assert 0.80 < row["lower_95"] < 0.81 and 1.20 < row["upper_95"] < 1.21


def test_figures_signals_and_custom_levels():
    table = wards([10, 30, 3, 5], [100, 100, 50, 0])
    table.loc[3, "events"] = 0
    before = table.copy()
    found = funnel.limits(table, "ward", "percent", target=15, levels=(0.9, 0.95, 0.998))
    pd.testing.assert_frame_equal(table, before)
    assert found["estimate"].tolist()[:3] == pytest.approx([10, 30, 6])
    assert found["signal"].tolist() == ["", "above 99.8%", "below 90%", ""]
    assert found["note"].tolist() == ["", "", "", "no at_risk: no figure"]
    assert np.isnan(found.loc[3, "estimate"]) and np.isnan(found.loc[3, "upper_95"])
    assert {"lower_90", "lower_95", "lower_99_8"} <= set(found.columns)
    pooled = funnel.limits(table, "ward", "rate")
    assert pooled["target"].iloc[0] == pytest.approx(100_000 * 43 / 250)
    z = found.loc[0, "z"]
    assert z == pytest.approx(2 * 10 * (np.arcsin(0.1**0.5) - np.arcsin(0.15**0.5)))


def test_overdispersion_by_hand():
    z = pd.Series([-3.0, -1, 0, 1, 1, 2, 2, 3, 4, 12])
    spread = pd.Series(np.linspace(0.1, 0.3, 10))
    phi, tau = funnel.dispersion(z, spread, None)
    total = 9 + 1 + 0 + 1 + 1 + 4 + 4 + 9 + 16 + 144
    weight = 1 / spread**2
    assert phi == pytest.approx(total / 10)
    assert tau == pytest.approx((total - 9) / (weight.sum() - (weight**2).sum() / weight.sum()))
    phi, _ = funnel.dispersion(z, spread, "winsorise", 0.1)
    low, high = np.quantile(z, [0.1, 0.9])
    assert (low, high) == pytest.approx((-1.2, 4.8))
    assert phi == pytest.approx((1.44 + 1 + 0 + 1 + 1 + 4 + 4 + 9 + 16 + 4.8**2) / 10)
    phi, tau = funnel.dispersion(z, spread, "truncate", 0.1)
    weight = weight[1:9]
    assert phi == pytest.approx(36 / 8)
    assert tau == pytest.approx((36 - 7) / (weight.sum() - (weight**2).sum() / weight.sum()))
    assert funnel.dispersion(z / 10, spread, None) == (1.0, 0.0)
    assert funnel.dispersion(z[:4], spread[:4], None) == (1.0, 0.0)


def test_tau_squared_is_dersimonian_and_laird_s():
    generator = np.random.default_rng(3)
    expected = generator.uniform(20, 300, 30)
    events = generator.poisson(expected * generator.gamma(20, 1 / 20, 30))
    root = np.sqrt(events / expected)
    combined = combine_effects(root, 0.25 / expected, method_re="chi2")
    target = float((root * expected).sum() / expected.sum()) ** 2  # the mean that statsmodels measures from
    found = funnel.limits(
        wards(events, expected, "expected"), "ward", "ratio", target, overdispersion="additive", trim=None
    )
    assert found["tau_squared"].iloc[0] == pytest.approx(combined.tau2, rel=1e-10)
    wide = np.sqrt(0.25 / expected + combined.tau2)
    np.testing.assert_allclose(found["upper_95"], (target**0.5 + 1.9599639845 * wide) ** 2, rtol=1e-8)
    np.testing.assert_allclose(found["z_adjusted"], (root - target**0.5) / wide, rtol=1e-8)
    more = funnel.limits(wards(events, expected, "expected"), "ward", "ratio", target, overdispersion="multiplicative")
    assert more["phi"].iloc[0] > 1
    np.testing.assert_allclose(more["z_adjusted"], more["z"] / more["phi"] ** 0.5)


@pytest.mark.parametrize("kind", ["percent", "rate"])
def test_without_overdispersion_widened_limits_are_near_the_exact(kind):
    size = [100, 400, 2000]
    exact = funnel.curve(size, 0.3, kind, per=1)
    nearly = funnel.curve(size, 0.3, kind, per=1, tau_squared=1e-12)
    np.testing.assert_allclose(exact, nearly, rtol=0.1)


def test_planted_overdispersion_is_found_and_its_absence_is_not():
    generator = np.random.default_rng(5)
    signals, plain = [], []
    for _ in range(25):
        size = generator.uniform(100, 2000, 60)
        lift = generator.normal(0, 0.05, 60)  # on the square-root scale
        events = generator.poisson(size * (0.2**0.5 + lift) ** 2)
        found = funnel.limits(wards(events, size), "ward", "rate", 0.2, per=1, overdispersion="additive", trim=None)
        signals.append((found["tau_squared"].iloc[0], (found["signal"] != "").mean()))
        calm = wards(generator.poisson(size * 0.2), size)
        found = funnel.limits(calm, "ward", "rate", 0.2, per=1, overdispersion="additive")
        plain.append(found["tau_squared"].iloc[0])
    tau, signal = np.mean(signals, axis=0)
    assert tau == pytest.approx(0.05**2, rel=0.15)
    assert signal == pytest.approx(0.05, abs=0.015)
    assert np.mean(plain) < 1e-5


def test_never_ethnic_groups():
    table = wards([10, 30], [100, 100])
    with pytest.raises(PcrefError, match="does not rank ethnic groups"):
        funnel.limits(table.rename(columns={"ward": "ethnic_group"}), "ethnic_group", "rate")
    with pytest.raises(PcrefError, match="does not rank ethnic groups"):
        funnel.limits(table.assign(ward=["White British", "African"]), "ward", "rate")


def test_bad_input_is_named():
    table = wards([10, 30], [100, 20])
    with pytest.raises(PcrefError, match="1 row"):
        funnel.limits(table, "ward", "percent")
    with pytest.raises(PcrefError, match="repeat a unit"):
        funnel.limits(table.assign(ward="Ash"), "ward", "rate")
    with pytest.raises(PcrefError, match="expected are missing"):
        funnel.limits(table, "ward", "ratio")
    with pytest.raises(PcrefError, match="kind"):
        funnel.limits(table, "ward", "proportion")
    with pytest.raises(PcrefError, match="trim"):
        funnel.limits(table, "ward", "rate", trim="clip")
    with pytest.raises(PcrefError, match=r"target .*is 0"):
        funnel.limits(table.assign(events=0), "ward", "rate")
