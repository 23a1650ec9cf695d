"""Comparisons by hand, each comparator, each refusal, and limits that agree with each other."""

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.estimates import intervals
from pcref_analysis.estimates.rates import comparison, rates
from pcref_analysis.estimates.rates.comparison import ALL_OTHERS, POPULATION, compare
from pcref_analysis.vocabulary.errors import PcrefError

SHAPE = "indicator period ethnic_group comparator adjustment measure estimate lower upper level events at_risk note"
CELLS = pd.DataFrame(
    [
        ("African", "Female", 20, 1_000),
        ("African", "Male", 60, 2_000),
        ("Irish", "Female", 15, 3_000),
        ("Irish", "Male", 25, 2_000),
        ("White British", "Female", 100, 40_000),
        ("White British", "Male", 300, 60_000),
    ],
    columns=["ethnic_group", "sex", "events", "at_risk"],
).assign(indicator="detentions", period="2023-24")
SEXES = pd.DataFrame({"sex": ["Female", "Male"], "weight": [1, 1]})
ENGLAND = pd.DataFrame({"sex": ["Female", "Male"], "events": [5_000, 9_000], "at_risk": [1e6, 1e6]})


def one(frame, group="African", measure="ratio"):
    found = frame[(frame["ethnic_group"] == group) & (frame["measure"] == measure)]
    assert len(found) == 1
    return found.iloc[0]


def test_the_shape_is_that_of_estimates():
    got = compare(CELLS, "White British")
    assert list(got) == SHAPE.split() and len(got) == 6 and (got["adjustment"] == "crude").all()
    assert "White British" not in set(got["ethnic_group"])  # a comparator is not compared with itself
    assert len(compare(CELLS, "White British", level=[0.95, 0.998])) == 12


@pytest.mark.parametrize(
    ("comparator", "rate"),
    [("White British", 400 / 1e5), (ALL_OTHERS, 440 / 105e3), (POPULATION, 520 / 108e3), ("England", 14e3 / 2e6)],
)
def test_crude_by_hand_for_each_comparator(comparator, rate):
    got = compare(CELLS, comparator, per=1000, reference=ENGLAND if comparator == "England" else None)
    assert one(got)["estimate"] == pytest.approx(80 / 3000 / rate)
    assert one(got, measure="difference")["estimate"] == pytest.approx(1000 * (80 / 3000 - rate))
    assert one(got, measure="excess")["estimate"] == pytest.approx(80 - 3000 * rate)
    assert one(got)["events"] == 80 and one(got)["at_risk"] == 3000


def test_standardised_by_hand():
    got = compare(CELLS, "White British", standard=SEXES, over=["sex"], per=1000)
    theirs, ours = (0.0025 + 0.005) / 2, (0.02 + 0.03) / 2
    assert one(got)["estimate"] == pytest.approx(ours / theirs)
    assert one(got, measure="difference")["estimate"] == pytest.approx(1000 * (ours - theirs))
    assert one(got, measure="excess")["estimate"] == pytest.approx(80 - 1000 * 0.0025 - 2000 * 0.005)
    assert (got["adjustment"] == "sex").all()


def test_log_limits_by_hand():
    got = one(compare(CELLS, "White British", method="log"))
    step = np.exp(1.959964 * np.sqrt(1 / 80 + 1 / 400))
    np.testing.assert_allclose(
        [got["lower"], got["upper"]], [got["estimate"] / step, got["estimate"] * step], rtol=1e-6
    )
    # the whole population holds the group: the variance of the log ratio is 1/80 - 1/520
    got = one(compare(CELLS, POPULATION, method="log"))
    step = np.exp(1.959964 * np.sqrt(1 / 80 - 1 / 520))
    np.testing.assert_allclose(
        [got["lower"], got["upper"]], [got["estimate"] / step, got["estimate"] * step], rtol=1e-6
    )


def test_mover_limits_by_hand():
    got = one(compare(CELLS, "White British", per=1), measure="difference")
    (l1, u1), (l2, u2) = np.divide(intervals.byar(80), 3000), np.divide(intervals.byar(400), 1e5)
    a, b = 80 / 3000, 400 / 1e5
    expected = [a - b - np.hypot(a - l1, u2 - b), a - b + np.hypot(u1 - a, b - l2)]
    np.testing.assert_allclose([got["lower"], got["upper"]], expected)


def test_expected_events_carry_their_own_uncertainty():
    few = CELLS.assign(events=np.where(CELLS["ethnic_group"] == "White British", CELLS["events"] / 10, CELLS["events"]))
    few["at_risk"] = np.where(few["ethnic_group"] == "White British", few["at_risk"] / 10, few["at_risk"])
    wide, narrow = (
        one(compare(frame, "White British", over=["sex"], measures=["excess"]), measure="excess")
        for frame in (few, CELLS)
    )
    assert wide["estimate"] == pytest.approx(narrow["estimate"])
    assert wide["upper"] - wide["lower"] > narrow["upper"] - narrow["lower"]
    # and with England's millions the limits are nearly those of the count alone
    sure = one(compare(CELLS, "England", over=["sex"], measures=["excess"], reference=ENGLAND), measure="excess")
    low, high = intervals.byar(80)
    np.testing.assert_allclose([sure["lower"], sure["upper"]], [low - 23, high - 23], rtol=5e-3)


@pytest.mark.parametrize("kind", ["rate", "percent"])
def test_ratio_and_difference_agree_on_whether_there_is_a_gap(kind):
    rng = np.random.default_rng(5)
    cells = pd.DataFrame({"ethnic_group": [f"g{n}" for n in range(400)], "at_risk": 300})
    cells["events"] = rng.binomial(300, 0.12, 400)
    for comparator in ("g0", ALL_OTHERS, POPULATION):
        got = compare(cells, comparator, kind=kind, measures=["ratio", "difference"])
        ratio, gap = (got[got["measure"] == m].reset_index(drop=True) for m in ("ratio", "difference"))
        assert ((ratio["lower"] > 1) == (gap["lower"] > 0)).all() and ((ratio["upper"] < 1) == (gap["upper"] < 0)).all()
        assert (ratio["lower"] > 1).any() or comparator == "g0"


def test_zero_events_in_the_group_have_an_answer():
    cells = CELLS.assign(events=np.where(CELLS["ethnic_group"] == "African", 0, CELLS["events"]))
    got = one(compare(cells, "White British"))
    assert got["estimate"] == 0 and got["lower"] == 0 and 0.25 < got["upper"] < 0.4
    assert np.isnan(one(compare(cells, "White British", method="log"))["estimate"])
    gap = one(compare(cells, "White British", over=["sex"], measures=["excess"]), measure="excess")
    assert gap["estimate"] == pytest.approx(-12.5) and gap["upper"] < 0


def test_an_uncertain_comparator_may_leave_the_ratio_without_an_upper_limit():
    cells = pd.DataFrame({"ethnic_group": ["a", "b", "c"], "events": [20, 1, 0], "at_risk": [100, 100, 100]})
    got = one(compare(cells, "b", measures=["ratio"]), "a")
    assert got["lower"] > 1 and got["upper"] > 100
    refused = one(compare(cells, "c", measures=["ratio"]), "a")
    assert np.isnan(refused["estimate"]) and refused["note"] == "comparator: no events"


def test_unknown_ethnic_group_is_in_no_comparator_and_is_counted():
    unknown = CELLS.iloc[:1].assign(ethnic_group="Unknown", events=35, at_risk=0, sex="Female")
    cells = pd.concat([CELLS, unknown])
    a, b = one(compare(CELLS, ALL_OTHERS)), one(compare(cells, ALL_OTHERS))
    assert a["estimate"] == b["estimate"] and b["note"] == "35 events of unknown ethnic group are in no comparator"
    refused = one(compare(cells, ALL_OTHERS), "Unknown")
    assert np.isnan(refused["estimate"]) and "no denominator" in refused["note"]


def test_refusals_are_for_the_group():
    small = pd.DataFrame(
        {"ethnic_group": ["Arab"] * 2, "sex": ["Female", "Male"], "events": [4, 5], "at_risk": [500, 500]}
    )
    lone = pd.DataFrame({"ethnic_group": ["Roma"], "sex": ["Female"], "events": [30], "at_risk": [900]})
    cells = pd.concat([CELLS, small.assign(indicator="detentions", period="2023-24")])
    cells = pd.concat([cells, lone.assign(indicator="detentions", period="2023-24")])
    got = compare(cells, "White British", standard=SEXES, over=["sex"])
    assert one(got, "Arab")["note"] == "fewer than ten events: not standardised"
    assert one(got, "Roma")["note"] == "no one at risk in Male: not standardised"
    assert np.isfinite(one(got, "Roma", "excess")["estimate"])  # needs the comparator's strata only
    assert np.isfinite(one(got)["estimate"])
    assert one(compare(cells, "Roma", standard=SEXES, over=["sex"]))["note"] == "comparator: no one at risk in Male"
    assert one(compare(cells, "Arab", standard=SEXES, over=["sex"]))["note"].startswith("comparator: fewer than ten")


def test_a_comparator_is_that_of_the_same_indicator_and_period():
    other = CELLS.assign(period="2022-23", events=CELLS["events"] * 2)
    without = CELLS[CELLS["ethnic_group"] != "White British"].assign(period="2021-22")
    got = compare(pd.concat([CELLS, other, without]), "White British", measures=["ratio"])
    got = got[got["ethnic_group"] == "African"].set_index("period")
    assert got["estimate"]["2023-24"] == pytest.approx(got["estimate"]["2022-23"])
    assert got["note"]["2021-22"] == "the comparator has no cells here"
    england = pd.concat(
        [ENGLAND.assign(period="2023-24"), ENGLAND.assign(period="2022-23", events=ENGLAND["events"] * 4)]
    )
    got = compare(pd.concat([CELLS, other, without]), "England", measures=["ratio"], reference=england)
    got = got[got["ethnic_group"] == "African"].set_index("period")
    assert got["estimate"]["2023-24"] == pytest.approx(2 * got["estimate"]["2022-23"])
    assert got["note"]["2021-22"] == "the reference has no rows here"


def test_repeat_events_widen_all_three():
    cells = CELLS.assign(events_sq=CELLS["events"] * 3)
    wide, narrow = compare(cells, "White British"), compare(CELLS, "White British")
    assert (wide["lower"] < narrow["lower"]).all() and (wide["upper"] > narrow["upper"]).all()
    pd.testing.assert_frame_equal(compare(cells, "White British", repeat_events=False), narrow)


def test_percentages_use_the_limits_of_proportions():
    cells = pd.DataFrame({"ethnic_group": ["a", "b"], "events": [45, 50], "at_risk": [50, 50]})
    got = one(compare(cells, "b", kind="percent", measures=["difference"], per=1), "a", "difference")
    # Newcombe's method 10 (hybrid score) by hand
    (l1, u1), (l2, u2) = intervals.wilson(45, 50), intervals.wilson(50, 50)
    np.testing.assert_allclose(
        [got["lower"], got["upper"]], [-0.1 - np.hypot(0.9 - l1, u2 - 1), -0.1 + np.hypot(u1 - 0.9, 1 - l2)]
    )
    assert got["upper"] - got["lower"] < compare(cells, "b", measures=["difference"], per=1).eval("upper - lower")[0]


def test_the_ratio_is_that_of_the_two_rates():
    direct = rates.direct(CELLS, ["ethnic_group"], SEXES, ["sex"]).set_index("ethnic_group")["estimate"]
    got = one(compare(CELLS, "Irish", standard=SEXES, over=["sex"]))
    assert got["estimate"] == pytest.approx(direct["African"] / direct["Irish"])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"comparator": "Martian"}, "Martian"),
        ({"comparator": "Irish", "measures": ["odds"]}, "ratio"),
        ({"comparator": "Irish", "method": "exact"}, "mover"),
        ({"comparator": "Irish", "kind": "mean"}, "percent"),
        ({"comparator": "Irish", "over": ["sex"]}, "standard"),
        ({"comparator": "Irish", "standard": SEXES}, "over"),
        ({"comparator": "Irish", "exposure": "faith"}, "faith"),
        ({"comparator": "England", "over": ["sex"], "measures": ["excess"], "reference": ENGLAND.iloc[:1]}, "Male"),
    ],
)
def test_misuse_is_said_in_words(options, says):
    with pytest.raises(PcrefError, match=says):
        compare(CELLS, **options)


def test_adjustments_have_the_words_of_estimates():
    assert comparison.adjustment([]) == "crude"
    assert comparison.adjustment(["sex", "age_band"]) == "age_sex"
    assert comparison.adjustment(["imd_quintile", "age_band", "sex"]) == "age_sex_imd"
