"""Measures across ordered groups: hand arithmetic, statsmodels, other software, closed forms, refusals."""

import json
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings

from pcref_analysis.estimates.inequality import gradient
from pcref_analysis.vocabulary.errors import PcrefError

ORACLE = Path(__file__).resolve().parents[1] / "oracle"
SII, RII, ACI, RCI = gradient.UNITS


def fifths(values, errors=2.0, residents=None, kind="mean"):
    count = len(values)
    frame = pd.DataFrame({"imd_quintile": pd.array(range(1, count + 1), dtype="Int64"), "estimate": values})
    return frame.assign(
        std_error=errors, lower=np.nan, upper=np.nan, level=0.95, at_risk=residents or 1000, measure=kind
    ).astype({"estimate": float})


def by_measure(*arguments, **more):
    return gradient.summary(*arguments, **more).set_index("measure")


def test_by_hand():
    found = by_measure(fifths([90, 80, 70, 60, 50]))
    assert found["estimate"].tolist() == pytest.approx([50, 95 / 45, 8, 8 / 70])
    # slopes 1, 0.5, 0, -0.5, -1 times the values: variance 2.5 x 4; index weights 0.16, 0.08, ...: variance 0.064 x 4
    assert found.loc[SII, "upper"] - 50 == pytest.approx(1.959964 * 10**0.5, rel=1e-6)
    assert found.loc[ACI, "upper"] - 8 == pytest.approx(1.959964 * 0.256**0.5, rel=1e-6)
    assert by_measure(fifths([50, 60, 70, 80, 90])).loc[SII, "estimate"] == pytest.approx(-50)


def test_direction_is_the_same_for_all_four():
    up, down = (by_measure(fifths(v))["estimate"] for v in ([9, 8, 8, 6, 5], [5, 6, 8, 8, 9]))
    assert (up[[SII, ACI, RCI]] > 0).all() and up[RII] > 1
    assert (down[[SII, ACI, RCI]] < 0).all() and down[RII] < 1


def test_slope_is_weighted_least_squares():
    values, residents = [93.1, 70.4, 75.0, 52.9, 50.3], [900, 1400, 1100, 600, 1300]
    found = by_measure(fifths(values, residents=residents))
    share = np.array(residents[::-1]) / sum(residents)
    rank = np.cumsum(share) - share / 2
    fit = sm.WLS(values[::-1], sm.add_constant(rank), weights=share).fit()
    constant, slope = fit.params
    assert found.loc[SII, "estimate"] == pytest.approx(slope, rel=1e-10)
    assert found.loc[RII, "estimate"] == pytest.approx((constant + slope) / constant, rel=1e-10)
    # the same limits from the fit's hat matrix and the known errors of 2
    influence = np.linalg.pinv(np.sqrt(share)[:, None] * sm.add_constant(rank)) * np.sqrt(share)
    error = 2 * np.sqrt((influence[1] ** 2).sum())
    assert found.loc[SII, "lower"] == pytest.approx(slope - 1.9599639845 * error, rel=1e-8)


def test_ratio_limits_are_fieller_s():
    values, residents = np.array([93.1, 70.4, 75.0, 52.9, 50.3]), [900, 1400, 1100, 600, 1300]
    found = by_measure(fifths(values, 6.0, residents))
    share = np.array(residents) / sum(residents)
    rank = 0.5 - (np.cumsum(share) - share / 2)  # the first is the most deprived
    slope = share * rank / (share @ rank**2)
    for name, top, bottom in ((RII, share + slope / 2, share - slope / 2), (RCI, 2 * share * rank, share)):
        a, b = top @ values, bottom @ values
        vaa, vbb, vab = (36 * 1.9599639845**2 * x for x in (top @ top, bottom @ bottom, top @ bottom))
        low, high = sorted(np.roots([b**2 - vbb, -2 * (a * b - vab), a**2 - vaa]).real)
        assert found.loc[name, ["lower", "upper"]].tolist() == pytest.approx([low, high], rel=1e-8)


def test_agrees_with_other_software():
    case = json.loads((ORACLE / "inequality_packages.json").read_text(encoding="utf-8"))
    found = by_measure(fifths(case["rates"], residents=case["residents"]))["estimate"]
    # moveq-core's is positive where the figure is higher among the least deprived
    assert found[RCI] == pytest.approx(-case["relative_concentration_index"], rel=1e-8)
    case = json.loads((ORACLE / "inequality_healthequal.json").read_text(encoding="utf-8"))["ordered"]
    table = pd.read_csv(ORACLE / "inequality_healthequal_ordered.csv")
    frame = fifths(table["estimate"], residents=table["residents"].tolist())
    found = by_measure(frame, order=[5, 4, 3, 2, 1])["estimate"]
    assert found[ACI] == pytest.approx(case["absolute_concentration_index"], rel=1e-7)
    assert found[RCI] == pytest.approx(case["relative_concentration_index"], rel=1e-6)


def test_order_population_and_missing():
    frame = fifths([90, 80, 70, 60, 50]).assign(indicator="detentions", period="2023-24")
    names = frame.assign(imd_quintile=list("abcde"))
    order = list("abcde")
    assert by_measure(names.sample(frac=1, random_state=1), group="imd_quintile", order=order)["estimate"].tolist() == (
        pytest.approx(by_measure(frame)["estimate"].tolist())
    )
    population = pd.DataFrame({"imd_quintile": frame["imd_quintile"], "residents": [1, 1, 2, 1, 5]})
    weighted = by_measure(frame, population).loc[ACI, "estimate"]
    share = np.array([1, 1, 2, 1, 5]) / 10
    assert weighted == pytest.approx(
        2 * np.cov(frame["estimate"], 1 - (share.cumsum() - share / 2), aweights=share, ddof=0)[0, 1]
    )
    unknown = pd.concat([frame, frame.head(1).assign(imd_quintile=pd.NA)])
    pd.testing.assert_frame_equal(by_measure(unknown), by_measure(frame))
    frame.loc[1, "estimate"] = np.nan
    found = by_measure(frame)
    assert (found["groups"] == 4).all() and found.loc[SII, "note"].startswith("1 of 5 groups, 20.0% of residents")
    frame.loc[2:, "estimate"] = np.nan
    assert by_measure(frame)["note"].str.startswith("fewer than three").all()


def test_refusals():
    steep = by_measure(fifths([90, 20, 5, 1, 0], 0.5))
    assert np.isnan(steep.loc[RII, "estimate"]) and "not above zero at the least deprived" in steep.loc[RII, "note"]
    assert steep.loc[SII, "estimate"] > 0
    wide = by_measure(fifths([90, 70, 50, 30, 20], 30.0))
    assert np.isnan(wide.loc[RII, "upper"]) and wide.loc[RII, "note"].startswith("no upper limit")
    nothing = by_measure(fifths([0, 0, 0, 0, 0], 0.0, kind="rate").assign(lower=0, upper=1))
    assert nothing.loc[SII, "estimate"] == 0 and nothing.loc[SII, "note"].startswith("no interval")
    with pytest.raises(PcrefError, match="not in it"):
        gradient.summary(fifths([1, 2, 3]), order=[1, 2])


def test_a_group_without_limits_leaves_the_point_values():
    """A mean of one observation has no limits: a root finder's ValueError was the answer."""
    frame = fifths([10.0, 12.0, 13.0, 10.4, 15.0], residents=[30, 1, 40, 25, 60])
    found = by_measure(frame.assign(std_error=[0.7, np.nan, 0.5, 0.6, 0.5]))
    assert found["estimate"].tolist() == pytest.approx(by_measure(frame)["estimate"].tolist())
    assert found[["lower", "upper"]].isna().all(axis=None)
    assert (found["note"] == "no interval: an estimate has none").all()


def test_standard_errors_of_zero_give_no_interval():
    found = by_measure(fifths([90, 80, 70, 60, 50], 0.0))
    assert found.loc[RII, "estimate"] == pytest.approx(95 / 45)
    assert found[["lower", "upper"]].isna().all(axis=None) and found["note"].str.contains("every standard error").all()


def test_an_indicator_without_any_estimate_is_said_and_the_others_stay():
    frame = pd.concat([fifths([9.0, 8, 7, 6, 5]).assign(indicator="a"), fifths([np.nan] * 5).assign(indicator="b")])
    for kind in ("mean", "rate", "percent"):
        found = gradient.summary(frame.assign(measure=kind), level=0.9)
        assert found.loc[found["indicator"] == "b", "estimate"].isna().all()
        assert found.loc[found["indicator"] == "b", "note"].str.contains("fewer than three").all()
        assert found.loc[found["indicator"] == "a", "estimate"].notna().all()


@pytest.mark.parametrize("events", [[2, 3, 5, 9, 22], [22, 9, 5, 3, 2]])
def test_a_line_below_zero_at_either_end_has_no_ratio(events):
    """The relative index of 2, 3, 5, 9, 22 came out as -0.17; its mirror image was refused."""
    found = by_measure(fifths([float(n) for n in events], 0.5))
    assert found.loc[RII, ["estimate", "lower", "upper"]].isna().all()
    assert "not above zero at the" in found.loc[RII, "note"] and found.loc[SII, "estimate"] != 0


def test_text_is_ordered_by_number_and_never_by_the_alphabet():
    """Deciles "1", "10", "2" gave a slope index of 56."""
    deciles = fifths([float(v) for v in range(100, 0, -10)], residents=[100] * 10)
    text = deciles.assign(imd_quintile=deciles["imd_quintile"].astype(str)).sample(frac=1, random_state=2)
    assert by_measure(text).loc[[SII, RII], "estimate"].tolist() == pytest.approx([100, 21])
    names = fifths([9.0, 8, 7]).assign(imd_quintile=["low", "middle", "high"])
    with pytest.raises(PcrefError, match="order"):
        gradient.summary(names)
    ordered = pd.Categorical(names["imd_quintile"], ["low", "middle", "high"], ordered=True)
    assert by_measure(names.assign(imd_quintile=ordered)).loc[SII, "estimate"] > 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(5, 100), st.integers(100, 9000)), min_size=3, max_size=10), st.floats(0.01, 1000))
def test_invariant_to_unit_and_row_order(rows, factor):
    values, residents = zip(*rows, strict=True)
    frame = fifths(list(values), 1.0, list(residents))
    found = by_measure(frame.sample(frac=1, random_state=3))
    scaled = by_measure(frame.assign(estimate=frame["estimate"] * factor, std_error=factor))
    power = np.array([1, 0, 1, 0])
    for column in ("estimate", "lower", "upper"):
        np.testing.assert_allclose(scaled[column], found[column] * factor**power, rtol=1e-6, atol=1e-7 * factor)
