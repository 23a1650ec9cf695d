"""What must hold of any counts: order and names do not matter, splitting changes nothing, scales scale."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from pcref_analysis.estimates.rates import rates

BANDS = ["0-15", "16-19", "20-24", "25-34", "35-49", "50-64", "65+"]
WEIGHTS = pd.DataFrame({"age_band": BANDS, "weight": [10, 3, 4, 8, 11, 12, 10]})
FIGURES = ["estimate", "lower", "upper"]


@st.composite
def cells(draw, least_at_risk=0, groups=3):
    rows = []
    for group in range(groups):
        for band in BANDS:
            at_risk = draw(st.integers(least_at_risk, 5000))
            events = draw(st.integers(0, 40)) if at_risk else 0
            rows.append((f"g{group}", band, float(events), float(at_risk), events * draw(st.integers(1, 5))))
    return pd.DataFrame(rows, columns=["ethnic_group", "age_band", "events", "at_risk", "events_sq"])


def all_rates(frame, standard=WEIGHTS, **options):
    by, over = ["ethnic_group"], ["age_band"]
    reference = WEIGHTS.assign(events=[5, 9, 8, 7, 6, 5, 4], at_risk=[900, 300, 400, 800, 900, 900, 700])
    return {
        "crude": rates.crude(frame, by),
        "proportion": rates.proportion(frame, by),
        "direct": rates.direct(frame, by, standard, over, **options),
        "common": rates.direct(frame, by, standard, over, missing_strata="common"),
        "gamma": rates.direct(frame, by, standard, over, method="gamma"),
        "indirect": rates.indirect(frame, by, reference, over),
    }


def same(one, two):
    for name in one:
        pd.testing.assert_frame_equal(one[name], two[name], rtol=1e-9, obj=name)


@settings(max_examples=12, deadline=None)
@given(cells(), st.randoms())
def test_row_order_does_not_matter(frame, random):
    order = list(range(len(frame)))
    random.shuffle(order)
    same(all_rates(frame), all_rates(frame.iloc[order]))


@settings(max_examples=12, deadline=None)
@given(cells(), st.permutations(["Irish", "African", "Any other Mixed background"]))
def test_names_of_groups_do_not_matter(frame, names):
    new = dict(zip(["g0", "g1", "g2"], names, strict=True))
    renamed = all_rates(frame.assign(ethnic_group=frame["ethnic_group"].map(new)))
    back = {name: table.sort_values("ethnic_group", ignore_index=True) for name, table in renamed.items()}
    expected = all_rates(frame)
    for table in expected.values():
        table["ethnic_group"] = table["ethnic_group"].map(new)
    same(back, {name: table.sort_values("ethnic_group", ignore_index=True) for name, table in expected.items()})


@settings(max_examples=12, deadline=None)
@given(cells())
def test_splitting_a_cell_into_rows_changes_nothing(frame):
    sums = ["events", "at_risk", "events_sq"]
    halves = pd.concat(
        [frame.assign(**{c: frame[c] // 2 for c in sums}), frame.assign(**{c: frame[c] - frame[c] // 2 for c in sums})]
    )
    same(all_rates(frame), all_rates(halves))


@settings(max_examples=12, deadline=None)
@given(cells(least_at_risk=1))
def test_splitting_a_stratum_in_two_alike_changes_no_standardised_rate(frame):
    def split(table, columns):
        parts = [table.assign(half=half, **{c: table[c] / 2 for c in columns}) for half in "ab"]
        return pd.concat(parts, ignore_index=True)

    whole = rates.direct(frame, ["ethnic_group"], WEIGHTS, ["age_band"])
    halves = split(frame, ["events", "at_risk", "events_sq"])
    got = rates.direct(halves, ["ethnic_group"], split(WEIGHTS, ["weight"]), ["age_band", "half"])
    np.testing.assert_allclose(got[FIGURES], whole[FIGURES], rtol=1e-9)


@settings(max_examples=12, deadline=None)
@given(cells(), st.floats(1e-6, 1e9))
def test_weights_matter_only_in_proportion(frame, factor):
    same(all_rates(frame), all_rates(frame, standard=WEIGHTS.assign(weight=WEIGHTS["weight"] * factor)))


@settings(max_examples=12, deadline=None)
@given(cells(least_at_risk=50), st.integers(2, 1000))
def test_rates_scale_with_those_at_risk(frame, factor):
    more = all_rates(frame.assign(at_risk=frame["at_risk"] * factor))
    for name, table in all_rates(frame).items():
        if name != "proportion":  # their limits do not scale
            np.testing.assert_allclose(more[name][FIGURES] * factor, table[FIGURES], rtol=1e-9, err_msg=name)


@settings(max_examples=12, deadline=None)
@given(cells(least_at_risk=1))
def test_a_standard_of_ones_own_gives_the_crude_rate(frame):
    frame = frame[frame["ethnic_group"] == "g0"].drop(columns="events_sq")
    own = frame[["age_band", "at_risk"]].rename(columns={"at_risk": "weight"})
    got, crude = rates.direct(frame, [], own, ["age_band"]), rates.crude(frame, [])
    if crude["events"][0] >= 10:
        np.testing.assert_allclose(got[FIGURES], crude[FIGURES], rtol=1e-9)


@settings(max_examples=12, deadline=None)
@given(cells())
def test_limits_hold_the_estimate_and_widen_with_the_level(frame):
    for name, table in all_rates(frame).items():
        given_rows = table[table["estimate"].notna()]
        assert (given_rows["note"].notna()).all()
        assert (given_rows["lower"] <= given_rows["estimate"] * (1 + 1e-12)).all(), name
        assert (given_rows["upper"] >= given_rows["estimate"] * (1 - 1e-12)).all(), name
        assert (given_rows["lower"] >= 0).all(), name
        assert (table.loc[table["estimate"].isna(), "note"] != "").all(), name
    narrow, wide = (rates.direct(frame, ["ethnic_group"], WEIGHTS, ["age_band"], level=v) for v in (0.9, 0.99))
    assert not (wide["upper"] < narrow["upper"]).any() and not (wide["lower"] > narrow["lower"]).any()
