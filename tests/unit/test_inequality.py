"""Measures across unordered groups: hand arithmetic, other software, known distributions, invariances, refusals."""

import json
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from scipy import optimize, stats
from statsmodels.stats.weightstats import DescrStatsW

from pcref_analysis.estimates.inequality import sampling_model, unordered
from pcref_analysis.vocabulary.errors import PcrefError

ORACLE = Path(__file__).resolve().parents[1] / "oracle"


def rates(events, at_risk, per=100_000, names=None):
    """Crude rates with exact limits, as a rate function gives them."""
    events, at_risk = np.asarray(events, float), np.asarray(at_risk, float)
    low = np.where(events > 0, stats.gamma.ppf(0.025, np.maximum(events, 1)), 0)
    high = stats.gamma.isf(0.025, events + 1)
    names = names or [f"g{number}" for number in range(len(events))]
    table = {"ethnic_group": names, "estimate": events, "lower": low, "upper": high}
    frame = pd.DataFrame(table).assign(level=0.95, events=events, at_risk=at_risk, measure="rate")
    frame[["estimate", "lower", "upper"]] = frame[["estimate", "lower", "upper"]].mul(per / at_risk, axis=0)
    return frame


def means(values, errors, at_risk=1000):
    frame = pd.DataFrame({"ethnic_group": [f"g{n}" for n in range(len(values))], "estimate": values})
    return frame.assign(std_error=errors, lower=np.nan, upper=np.nan, level=0.95, at_risk=at_risk, measure="mean")


def by_measure(*arguments, **more):
    return unordered.summary(*arguments, **more).set_index("measure")


def test_every_measure_by_hand():
    table = rates([50, 60, 80], [500, 300, 200], per=100)  # 10, 20, 40 per 100; shares 0.5, 0.3, 0.2; mean 19
    found = by_measure(table, None, "g1", polarity="higher_is_worse")["estimate"]
    thirds = [10 / 19, 20 / 19, 40 / 19]
    logs = np.log(thirds)
    expected = {
        "difference": 30,
        "ratio": 4,
        "between_group_variance": 0.5 * 81 + 0.3 * 1 + 0.2 * 441,
        "between_group_sd": 129**0.5,
        "coefficient_of_variation": 100 * 129**0.5 / 19,
        "index_of_disparity": 100 * (9 + 1 + 21) / 3 / 19,
        "index_of_disparity_weighted": 100 * 9 / 19,
        "mean_difference_from_mean": 31 / 3,
        "mean_difference_from_mean_weighted": 9,
        "mean_difference_from_best": 40 / 3,
        "mean_difference_from_best_weighted": 9,
        "mean_difference_from_reference": 10,
        "mean_difference_from_reference_weighted": 9,
        "theil_index": 0.5 * thirds[0] * logs[0] + 0.3 * thirds[1] * logs[1] + 0.2 * thirds[2] * logs[2],
        "mean_log_deviation": -(0.5 * logs[0] + 0.3 * logs[1] + 0.2 * logs[2]),
        "attributable_risk_best": 9,
        "attributable_fraction_best": 100 * 9 / 19,
        "attributable_risk_reference": -1,
        "attributable_fraction_reference": -100 / 19,
    }
    assert found.to_dict() == pytest.approx(expected, rel=1e-12)
    best_is_high = by_measure(table, None, polarity="lower_is_worse")["estimate"]
    assert best_is_high["attributable_risk_best"] == pytest.approx(21)
    assert best_is_high["mean_difference_from_best"] == pytest.approx((30 + 20 + 0) / 3)


def test_agrees_with_healthequal():
    table = pd.read_csv(ORACLE / "inequality_healthequal_unordered.csv")
    expected = json.loads((ORACLE / "inequality_healthequal.json").read_text(encoding="utf-8"))["unordered"]
    frame = means(table["estimate"].astype(float), 3.0)
    population = pd.DataFrame({"ethnic_group": frame["ethnic_group"], "residents": table["residents"]})
    reference = frame.loc[table["reference"] == 1, "ethnic_group"].item()
    found = by_measure(frame, population, reference, polarity="lower_is_worse", draws=128)["estimate"]
    for name, value in expected.items():  # printed from single precision; its own tests allow 1e-4, of the mld 1e-3
        assert found[name] == pytest.approx(value, rel=2e-5 if name in ("theil_index", "mean_log_deviation") else 1e-6)


def test_agrees_with_other_software_to_eight_digits():
    case = json.loads((ORACLE / "inequality_packages.json").read_text(encoding="utf-8"))
    residents, values = np.array(case["residents"], float), np.array(case["rates"])
    found = by_measure(means(values, 5.0, residents), None, draws=128)["estimate"]
    assert found["theil_index"] == pytest.approx(case["theil_index"], rel=1e-8)  # PySAL inequality
    weighted = DescrStatsW(values, residents, ddof=0)  # statsmodels
    assert found["between_group_variance"] == pytest.approx(weighted.var, rel=1e-10)
    assert found["between_group_sd"] == pytest.approx(weighted.std, rel=1e-10)
    some = values > 0
    found = by_measure(means(values[some], 5.0, residents[some]), None, draws=128)["estimate"]
    share = residents[some] / residents[some].sum()
    part = share * values[some] / (share @ values[some])
    assert found["theil_index"] == pytest.approx(stats.entropy(part, share), rel=1e-10)  # SciPy: both are divergences
    assert found["mean_log_deviation"] == pytest.approx(stats.entropy(share, part), rel=1e-10)


@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize("values", [[10, 12, 9, 14, 11, 10], [10, 30, 20, 40, 0, 5], [10, 10.4, 10.1, 9.8, 9.9, 10.0]])
def test_variance_interval_is_the_noncentral_chi_square_one(values, level):
    error, count = 2.0, len(values)
    row = by_measure(means(values, error), None, level=level, draws=4096).loc["between_group_variance"]
    seen = np.var(values) * count / error**2

    def limit(tail):
        def far(noncentral):
            return stats.ncx2.cdf(seen, count - 1, noncentral) - tail

        return 0.0 if far(0.0) < 0 else optimize.brentq(far, 0, 1e4) * error**2 / count

    lower, upper = limit((1 + level) / 2), limit((1 - level) / 2)
    size = np.var(values) + error**2 / count
    assert row["lower"] == pytest.approx(lower, abs=0.03 * size, rel=0.03)
    assert row["upper"] == pytest.approx(max(upper, row["estimate"]), rel=0.03)
    assert row["expected_if_equal"] == pytest.approx(stats.chi2.median(count - 1) * error**2 / count, rel=0.03)


def test_extremes_by_hand():
    row = by_measure(means([10, 14, 19], 1.0), None).loc["difference"]
    # studentised range 0.975 for three means and infinite degrees of freedom: 3.6820 (Tukey's table: 3.31 at 0.95)
    assert row["lower"] == pytest.approx(9 - stats.studentized_range.ppf(0.975, 3, np.inf), rel=1e-9)
    assert row["lower"] == pytest.approx(9 - 3.682, abs=0.001)
    assert row["upper"] == pytest.approx(9 + 1.959964 * 2**0.5, rel=1e-6)
    found = by_measure(rates([30, 60], [1e5, 1e5]), None)
    assert found.loc["ratio", "lower"] > 1 and found.loc["difference", "lower"] > 0
    found = by_measure(rates([30, 34], [1e5, 1e5]), None)
    assert found.loc["ratio", "lower"] == 1 and found.loc["difference", "lower"] == 0


def test_attributable_risk_by_hand():
    found = by_measure(means([10, 14], 1.0, [300, 100]), None, "g0")
    risk = found.loc["attributable_risk_reference"]  # mean 11, a quarter of the difference of 4
    assert risk["estimate"] == pytest.approx(1)
    assert risk["upper"] - 1 == pytest.approx(1.959964 * (2 * 0.25**2) ** 0.5, rel=1e-6)
    fraction = found.loc["attributable_fraction_reference"]
    assert fraction["lower"] < 100 / 11 < fraction["upper"]
    assert (fraction["lower"] > 0) == (risk["lower"] > 0)


def test_zero_rates_are_handled_by_definition_or_refused():
    found = by_measure(rates([40, 10, 0], [4e5, 1e5, 2e4]), None, polarity="higher_is_worse")
    assert found.loc[["ratio", "mean_log_deviation"], "estimate"].isna().all()
    assert found.loc["ratio", "note"].startswith("a group's estimate is zero")
    assert found.loc["theil_index", "estimate"] == pytest.approx(50 / 52 * 0 + np.log(52 / 50))  # two at 10, one at 0
    assert found.loc["attributable_fraction_best", ["estimate", "upper"]].tolist() == [100, 100]
    assert found.loc["difference", "lower"] == 0  # two people more would close the gap
    none = by_measure(rates([0, 0, 0], [4e5, 1e5, 2e4]), None)
    assert none.loc["difference", "estimate"] == 0 and np.isnan(none.loc["difference", "upper"])
    assert none.loc["difference", "note"] == "no interval: every estimate is zero"
    assert np.isnan(none.loc["theil_index", "estimate"])


def test_missing_unknown_and_single_groups():
    names = ["White British", "Indian", "African", "Not stated"]
    table = rates([40, 10, 6, 3], [4e5, 1e5, 2e4, 1e3], names=names)
    table.loc[2, ["estimate", "lower", "upper"]] = np.nan
    population = pd.DataFrame({"ethnic_group": names[:3], "residents": [4e5, 1e5, 2e4]})
    before = table.copy()
    found = by_measure(table, population, "White British")
    pd.testing.assert_frame_equal(table, before)
    assert (found["groups"] == 2).all()
    assert found.loc["difference", "note"] == "1 of 3 groups, 3.8% of residents, have no estimate and are left out"
    assert found.loc["attributable_risk_best", "note"].startswith("needs a polarity")
    table.loc[1, "estimate"] = np.nan
    found = by_measure(table, population, "Indian")
    assert found["estimate"].isna().all() and found["note"].str.startswith("fewer than two").all()
    table = rates([40, 10, 6, 3], [4e5, 1e5, 2e4, 1e3], names=names)
    table.loc[0, ["lower", "upper"]] = np.nan
    found = by_measure(table, population)
    assert found.loc["difference", "estimate"] == pytest.approx(20) and np.isnan(found.loc["difference", "lower"])
    assert found.loc["difference", "note"] == "no interval: an estimate has none"


def test_tables_stand_apart():
    table = pd.concat(
        [rates([40, 10], [4e5, 1e5]).assign(period=p, indicator="detentions") for p in ("2022-23", "2023-24")]
    )
    population = pd.DataFrame({"ethnic_group": ["g0", "g1"] * 2, "period": ["2022-23"] * 2 + ["2023-24"] * 2})
    population["residents"] = [3, 1, 1, 1]
    table.loc[table["period"] == "2023-24", "estimate"] += [0, 10]
    found = unordered.summary(table, population).set_index(["period", "measure"])["estimate"]
    assert found["2022-23", "between_group_variance"] == 0
    assert found["2023-24", "between_group_variance"] == pytest.approx(25)
    assert list(unordered.summary(table, population).columns[:3]) == ["indicator", "period", "measure"]


def test_bad_input_is_named():
    table = rates([40, 10], [4e5, 1e5])
    with pytest.raises(PcrefError, match="ratio"):
        unordered.summary(table.assign(measure="ratio"), None)
    with pytest.raises(PcrefError, match="1 row"):
        unordered.summary(table.assign(ethnic_group="Indian"), None)
    with pytest.raises(PcrefError, match="no residents for 1 group"):
        unordered.summary(table, pd.DataFrame({"ethnic_group": ["g0"], "residents": [1]}))
    with pytest.raises(PcrefError, match="above 100"):
        unordered.summary(table.assign(measure="percent", estimate=[50, 101]), None)
    with pytest.raises(PcrefError, match="polarity"):
        unordered.summary(table, None, polarity="bigger_is_worse")
    with pytest.raises(PcrefError, match="lower, upper"):
        unordered.summary(table.drop(columns=["lower", "upper"]), None)


NO_SHRINK = (Phase.explicit, Phase.generate)  # a table takes a tenth of a second
COUNTS = st.lists(st.tuples(st.integers(1, 400), st.integers(1000, 300_000)), min_size=2, max_size=7)


@settings(max_examples=8, deadline=None, phases=NO_SHRINK)
@given(COUNTS, st.randoms(use_true_random=False), st.sampled_from([0.01, 12.5, 1000]))
def test_invariant_to_order_names_and_unit(counts, random, factor):
    events, at_risk = np.array(counts, float).T
    found = by_measure(rates(events, at_risk), None, "g0", polarity="higher_is_worse", draws=256)
    order = list(range(len(counts)))
    random.shuffle(order)
    names = [f"name {number}" for number in order]
    table = rates(events[order], at_risk[order], names=names)
    shuffled = by_measure(table, None, "name 0", polarity="higher_is_worse", draws=256)
    np.testing.assert_allclose(found["estimate"], shuffled["estimate"], rtol=1e-9, atol=1e-9)
    closed = [name for name in found.index if found.loc[name, "method"].endswith("(MOVER)")]
    np.testing.assert_allclose(found.loc[closed, "upper"], shuffled.loc[closed, "upper"], rtol=1e-9)
    scaled = by_measure(rates(events, at_risk, 100_000 * factor), None, "g0", polarity="higher_is_worse", draws=256)
    power = found["unit"].map(lambda unit: 2 if "squared" in unit else 1 if unit == "unit of the estimates" else 0)
    for column in ("estimate", "lower", "upper"):
        np.testing.assert_allclose(scaled[column], found[column] * factor**power, rtol=1e-6, atol=1e-9)
    endless = found["upper"].isna() & found["lower"].notna()
    assert found.loc[endless, "note"].str.contains("no upper limit").all()
    ordered = found.assign(upper=found["upper"].mask(endless, np.inf))[["lower", "estimate", "upper"]].to_numpy()
    assert (np.diff(ordered, axis=1) >= -1e-9).all()


@settings(max_examples=8, deadline=None, phases=NO_SHRINK)
@given(COUNTS, st.integers(2, 4))
def test_weighted_measures_do_not_change_when_a_group_is_split(counts, parts):
    events, at_risk = np.array(counts, float).T
    one = by_measure(rates(events, at_risk), None, polarity="higher_is_worse", draws=64)["estimate"]
    first = np.r_[np.repeat(events[0] / parts, parts), events[1:]]
    split = by_measure(
        rates(first, np.r_[np.repeat(at_risk[0] / parts, parts), at_risk[1:]]),
        None,
        polarity="higher_is_worse",
        draws=64,
    )["estimate"]
    same = [name for name in one.index if name.endswith("_weighted") or not name.startswith(("mean_diff", "index_of"))]
    np.testing.assert_allclose(one[same].dropna(), split[same].dropna(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("events", [1, 2, 9, 10, 11, 150])
def test_standard_errors_come_back_out_of_intervals(events):
    count = float(events)
    if events < 10:
        low, high = stats.chi2.ppf(0.025, 2 * count) / 2, stats.chi2.isf(0.025, 2 * count + 2) / 2
    else:
        low = count * (1 - 1 / (9 * count) - 1.959963985 / (3 * count**0.5)) ** 3
        high = (count + 1) * (1 - 1 / (9 * (count + 1)) + 1.959963985 / (3 * (count + 1) ** 0.5)) ** 3
    variance = 2.5 * count  # as for a standardised rate or repeat events: Dobson's interval scales with its square root
    wide = (variance / count) ** 0.5
    ends = {"lower": [count + wide * (low - count)], "upper": [count + wide * (high - count)]}
    frame = pd.DataFrame({"estimate": [count], **ends, "level": 0.95, "events": [count]})
    assert sampling_model.std_error(frame, "rate")[0] == pytest.approx(variance**0.5, rel=1e-8)
    model = sampling_model.effective(frame, "rate").iloc[0]
    assert count / model["step"] == pytest.approx(count / 2.5, rel=1e-8)


@pytest.mark.parametrize(("events", "people"), [(0, 40), (1, 40), (20, 40), (40, 40), (300, 1000)])
def test_wilson_gives_the_people_back(events, people):
    share, z = events / people, 1.959963985
    middle = (share + z**2 / 2 / people) / (1 + z**2 / people)
    half = z * (share * (1 - share) / people + z**2 / 4 / people**2) ** 0.5 / (1 + z**2 / people)
    frame = pd.DataFrame({"estimate": [100 * share], "lower": 100 * (middle - half), "upper": 100 * (middle + half)})
    model = sampling_model.effective(frame.assign(level=0.95), "percent").iloc[0]
    assert model["size"] == pytest.approx(people, rel=1e-7)
    low, high = sampling_model.limits(model.to_frame().T, "percent", z)
    assert low[0] == pytest.approx(100 * (stats.beta.ppf(0.025, events, people - events + 1) if events else 0))
    assert high[0] == pytest.approx(
        100 * (stats.beta.isf(0.025, events + 1, people - events) if events < people else 1)
    )


def test_draws_follow_the_counts():
    model = pd.DataFrame({"estimate": [5.0, 40], "std_error": 1.0, "step": [1.0, 2], "size": [np.inf, 50]})
    drawn = sampling_model.draw(np.array([5.0, 40]), model, "rate", sampling_model.normals(2**14, 2, 1))
    assert drawn[:, 0].mean() == pytest.approx(5, rel=0.01) and drawn[:, 0].var() == pytest.approx(5, rel=0.05)
    assert (drawn[:, 0] == 0).mean() == pytest.approx(np.exp(-5), abs=0.003)
    assert drawn[:, 1].mean() == pytest.approx(40, rel=0.01)
    assert drawn[:, 1].var() == pytest.approx(4 * 20 * (1 - 20 / 50), rel=0.05)


def test_limits_of_sums_and_ratios_keep_the_skewness():
    value, low, high = np.array([10.0, 20]), np.array([8.0, 15]), np.array([15.0, 32])
    below, above = sampling_model.mover(np.array([[1.0, 0], [-1, 0], [1, 1], [2, -1]]), value, low, high)
    assert below.tolist() == pytest.approx([8, -15, 30 - (4 + 25) ** 0.5, -((16 + 144) ** 0.5)])
    assert above.tolist() == pytest.approx([15, -8, 30 + (25 + 144) ** 0.5, (100 + 25) ** 0.5])
    # a ratio's limits are where the limits of top - ratio x bottom reach zero
    for ratio, side in zip(sampling_model.mover_ratio(20, 15, 32, 10, 8, 15), (0, 1), strict=True):
        weights = np.array([[-ratio, 1.0]])
        assert sampling_model.mover(weights, value, low, high)[side][0] == pytest.approx(0, abs=1e-12)
    assert sampling_model.mover_ratio(20, 15, 32, 0, 0, 3.7)[1] == np.inf
    lower = sampling_model.mover_ratio(20, 15, 32, 0, 0, 3.7)[0]
    assert sampling_model.mover(
        np.array([[-lower, 1.0]]), np.array([0.0, 20]), np.array([0.0, 15]), np.array([3.7, 32])
    )[0][0] == pytest.approx(0, abs=1e-12)
