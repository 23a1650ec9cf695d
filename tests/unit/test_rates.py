"""Rates as literal tables: the boundaries, the refusals for one group, and other packages' faults."""

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.estimates.rates import rates
from pcref_analysis.vocabulary import standards
from pcref_analysis.vocabulary.errors import PcrefError

RESULT = ["estimate", "lower", "upper", "level", "events", "at_risk", "note"]
SEXES = pd.DataFrame({"sex": ["Female", "Male"], "weight": [3, 1]})


def table(text):
    lines = [line.split() for line in text.strip().splitlines()]
    frame = pd.DataFrame(lines[1:], columns=lines[0])
    return frame.apply(_number)


def _number(column):
    numbers = pd.to_numeric(column.replace("-", np.nan), errors="coerce")
    return numbers if numbers.notna().any() or (column == "-").all() else column


def row(frame, **where):
    for column, value in where.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def test_crude_boundaries():
    cells = table("""
        group  events  at_risk
        n0     0       1000
        n1     1       1000
        n9     9       1000
        n10    10      1000
        n11    11      1000
    """)
    expected = table("""
        group  estimate  lower  upper
        n0     0         0.000  3.689
        n1     1         0.025  5.572
        n9     9         4.115  17.085
        n10    10        4.787  18.391
        n11    11        5.484  19.683
    """)
    got = rates.crude(cells, ["group"], per=1000).set_index("group").loc[expected["group"]]
    np.testing.assert_allclose(got[["estimate", "lower", "upper"]], expected.drop(columns="group"), atol=6e-4)
    assert list(got) == RESULT and (got["note"] == "").all()


@pytest.mark.parametrize(("events", "given"), [(0, False), (1, False), (9, False), (10, True), (11, True)])
def test_direct_gives_nothing_below_ten_events(events, given):
    cells = pd.DataFrame({"sex": ["Female", "Male"], "events": [events, 0], "at_risk": [1000, 1000]})
    got = row(rates.direct(cells, [], SEXES, ["sex"], per=1000))
    assert np.isfinite([got["estimate"], got["lower"], got["upper"]]).all() == given
    assert got["events"] == events and got["at_risk"] == 2000
    assert ("fewer than ten events" in got["note"]) == (not given)
    if given:
        assert got["estimate"] == pytest.approx(0.75 * events)


def test_indirect_boundaries():
    reference = pd.DataFrame({"sex": ["Female", "Male"], "events": [100, 300], "at_risk": [10_000, 10_000]})
    cells = pd.DataFrame({"group": list("abcde"), "sex": "Female", "events": [0, 1, 9, 10, 11], "at_risk": 1000})
    got = rates.indirect(cells, ["group"], reference, ["sex"])
    np.testing.assert_allclose(got["estimate"], [0, 0.1, 0.9, 1.0, 1.1])
    np.testing.assert_allclose(got["lower"], [0, 0.00253, 0.41154, 0.47874, 0.54837], atol=1e-5)
    np.testing.assert_allclose(got["upper"], [0.36889, 0.55716, 1.70848, 1.83915, 1.96832], atol=1e-5)
    # as a rate: the ratio times the reference's 400 events among 20,000
    np.testing.assert_allclose(rates.indirect(cells, ["group"], reference, ["sex"], per=100)["estimate"][4], 2.2)


def test_each_group_has_its_own_answer_or_its_own_reason():
    cells = table("""
        group     sex     events  at_risk
        fine      Female  40      1000
        fine      Male    60      1000
        zero      Female  0       500
        zero      Male    0       500
        nobody    Female  0       0
        nobody    Male    0       0
        orphans   Female  3       0
        orphans   Male    4       0
        missing   Female  -       500
        missing   Male    20      500
        unknown   Female  20      -
        unknown   Male    20      500
        above     Female  900     300
        above     Male    20      300
        huge      Female  4e12    9e15
        huge      Male    5e12    9e15
        negative  Female  -5      100
        negative  Male    50      100
    """)
    crude = rates.crude(cells, ["group"], per=1).set_index("group")
    direct = rates.direct(cells, ["group"], SEXES, ["sex"], per=1).set_index("group")
    share = rates.proportion(cells, ["group"], per=1).set_index("group")
    reference = pd.DataFrame({"sex": ["Female", "Male"], "events": [10, 30], "at_risk": [1000, 1000]})
    ratio = rates.indirect(cells, ["group"], reference, ["sex"]).set_index("group")
    for name, frame in {"crude": crude, "direct": direct, "share": share, "ratio": ratio}.items():
        given = set(frame.index[frame["estimate"].notna()])
        expected = {
            "crude": {"fine", "zero", "above", "huge"},
            "direct": {"fine", "above", "huge"},
            "share": {"fine", "zero", "huge"},
            "ratio": {"fine", "zero", "above", "huge"},
        }[name]
        assert given == expected, name
        assert (frame.loc[sorted(set(frame.index) - expected), "note"] != "").all(), name
        assert frame.loc[sorted(set(frame.index) - expected), ["estimate", "lower", "upper"]].isna().all().all()
        assert frame.loc[sorted(expected), ["lower", "upper"]].notna().all().all(), name
    assert "missing" in crude.loc["missing", "note"]
    assert "not known" in crude.loc["unknown", "note"]
    assert "no denominator" in crude.loc["nobody", "note"] and "no denominator" in crude.loc["orphans", "note"]
    assert "below zero" in crude.loc["negative", "note"]
    assert "more events than at risk" in share.loc["above", "note"]
    assert crude.loc["above", "estimate"] == pytest.approx(920 / 600)
    assert crude.loc["orphans", "events"] == 7 and crude.loc["zero", "estimate"] == 0


def test_a_missing_count_is_never_zero():
    cells = pd.DataFrame({"sex": ["Female", "Male"], "events": [50, np.nan], "at_risk": [1000, 1000]})
    for got in (rates.crude(cells, []), rates.direct(cells, [], SEXES, ["sex"])):
        assert np.isnan(got["estimate"][0]) and "missing" in got["note"][0]


def test_unknown_ethnic_group_has_no_rate_and_costs_no_other_group_theirs():
    cells = pd.DataFrame(
        {"ethnic_group": ["Indian", "Unknown", "Not stated"], "events": [20, 35, 2], "at_risk": [5000, 0, np.nan]}
    )
    got = rates.crude(cells, ["ethnic_group"])
    assert row(got, ethnic_group="Indian")["estimate"] == pytest.approx(400)
    assert row(got, ethnic_group="Unknown")[["events", "note"]].tolist() == [35, "no one at risk: no denominator"]
    assert row(got, ethnic_group="Not stated")["note"] == "the number at risk is not known"


TOY = table("""
    age_band  events  at_risk
    18-34     60      30000
    35-64     27      36000
    65+       0       4000
""")
TOY_STANDARD = pd.DataFrame({"age_band": ["65+", "35-64", "18-34"], "weight": [40, 40, 20]})


def test_weights_come_from_the_standard_and_a_stratum_without_events_keeps_its_own():
    """NHS England's MHS95b, 157b and 158b weight by the group's own strata and drop those without events.

    That returns the crude rate over the strata that have events (here 131.8), whatever the standard.
    """
    crude = row(rates.crude(TOY, []))["estimate"]
    direct = row(rates.direct(TOY, [], TOY_STANDARD, ["age_band"]))["estimate"]
    with_events = TOY[TOY["events"] > 0]
    faulty = 1e5 * with_events["events"].sum() / with_events["at_risk"].sum()
    assert [round(crude, 1), round(faulty, 1), round(direct, 1)] == [124.3, 131.8, 70.0]


def test_the_standard_is_joined_by_name_not_by_position():
    shuffled = TOY_STANDARD.iloc[[1, 2, 0]]
    a, b = (rates.direct(TOY, [], standard, ["age_band"]) for standard in (TOY_STANDARD, shuffled))
    pd.testing.assert_frame_equal(a, b)


LACKING = table("""
    group  sex     events  at_risk
    a      Female  30      1000
    a      Male    30      500
    b      Female  20      400
    c      Female  15      300
    c      Male    5       100
    d      Male    0       0
""")


def test_a_group_that_lacks_a_stratum_is_refused():
    got = rates.direct(LACKING, ["group"], SEXES, ["sex"], per=1000)
    assert np.isnan(row(got, group="b")["estimate"])
    assert row(got, group="b")["note"] == "no one at risk in Male: not standardised"
    assert row(got, group="a")["estimate"] == pytest.approx(0.75 * 30 + 0.25 * 60)
    assert row(got, group="a")["note"] == ""


def test_or_all_groups_are_restricted_to_the_common_strata():
    got = rates.direct(LACKING, ["group"], SEXES, ["sex"], per=1000, missing_strata="common")
    np.testing.assert_allclose(got["estimate"], [30, 50, 50, np.nan])  # women only, for everyone with anyone
    assert "standard without Male: some group has no one there" in row(got, group="a")["note"]
    assert "30 events in strata outside the standard left out" in row(got, group="a")["note"]
    assert row(got, group="a")["events"] == 30


def test_common_strata_are_settled_for_each_indicator():
    other = LACKING.query("group == 'a'").assign(indicator="other")
    cells = pd.concat([LACKING.assign(indicator="one"), other])
    got = rates.direct(cells, ["indicator", "group"], SEXES, ["sex"], per=1000, missing_strata="common")
    assert row(got, indicator="other", group="a")["estimate"] == pytest.approx(0.75 * 30 + 0.25 * 60)
    assert row(got, indicator="one", group="a")["estimate"] == pytest.approx(30)


def test_strata_that_no_group_has_leave_the_standard_with_a_note():
    women = LACKING[LACKING["sex"] == "Female"]
    got = rates.direct(women, ["group"], SEXES, ["sex"], per=1000)
    np.testing.assert_allclose(got["estimate"], [30, 50, 50])
    assert (got["note"] == "standard without Male: no group has anyone there").all()


def test_events_of_unknown_age_or_sex_are_left_out_and_counted():
    extra = pd.DataFrame({"sex": ["Not known", None], "events": [3, 4], "at_risk": [0, 0]})
    cells = pd.concat([pd.DataFrame({"sex": ["Female", "Male"], "events": [30, 30], "at_risk": [1000, 1000]}), extra])
    got = row(rates.direct(cells, [], SEXES, ["sex"]))
    assert got["events"] == 60 and got["note"] == "7 events of unknown sex left out"
    reference = pd.DataFrame({"sex": ["Female", "Male"], "events": [1, 1], "at_risk": [100, 100]})
    assert row(rates.indirect(cells, [], reference, ["sex"]))["note"] == "7 events of unknown sex left out"
    assert row(rates.crude(cells, []))["events"] == 67


def test_strata_that_match_no_weight_are_an_error_that_lists_both_sides():
    cells = pd.DataFrame({"age_band": ["0-17", "18+"], "events": [30, 30], "at_risk": [1000, 1000]})
    with pytest.raises(PcrefError, match=r"0-17, 18\+[\s\S]*18-34, 35-64|0-17, 18\+[\s\S]*65\+, 35-64, 18-34"):
        rates.direct(cells, [], TOY_STANDARD, ["age_band"])
    with pytest.raises(PcrefError, match="0-15, 16-19"):
        rates.direct(cells, [], "england_2021", ["age_band"])


@pytest.mark.parametrize(
    "standard",
    [
        pd.DataFrame({"sex": ["Female", "Female"], "weight": [1, 2]}),
        pd.DataFrame({"sex": ["Female", "Male"], "weight": [1, -2]}),
        pd.DataFrame({"sex": ["Female", "Male"], "weight": [1, np.nan]}),
        pd.DataFrame({"sex": ["Female", "Male"], "weight": [0, 0]}),
        pd.DataFrame({"sex": ["Female", "Male"]}),
    ],
)
def test_a_faulty_standard_is_refused(standard):
    with pytest.raises(PcrefError, match="standard"):
        rates.direct(LACKING, ["group"], standard, ["sex"])


def test_a_reference_without_a_rate_for_a_stratum_is_refused():
    reference = pd.DataFrame({"sex": ["Female", "Male"], "events": [10, 0], "at_risk": [1000, 0]})
    with pytest.raises(PcrefError, match="Male"):
        rates.indirect(LACKING, ["group"], reference, ["sex"])


REPEATS = table("""
    sex     events  at_risk  events_sq
    Female  10      1000     16
    Male    30      1000     50
""")


def test_repeat_events_widen_every_interval_and_move_no_estimate():
    reference = REPEATS[["sex", "events", "at_risk"]]
    for call in (
        lambda **k: rates.crude(REPEATS, [], **k),
        lambda **k: rates.direct(REPEATS, [], SEXES, ["sex"], **k),
        lambda **k: rates.direct(REPEATS, [], SEXES, ["sex"], method="gamma", **k),
        lambda **k: rates.indirect(REPEATS, [], reference, ["sex"], **k),
    ):
        plain, wide, asked = (row(call(repeat_events=how)) for how in (False, True, None))
        assert plain["estimate"] == wide["estimate"]
        assert wide["lower"] < plain["lower"] and wide["upper"] > plain["upper"]
        assert asked.equals(wide)  # by default the cells decide


def test_repeat_events_by_hand():
    # rate 0.015; variance (0.5625 x 16 + 0.0625 x 50) / 1e6 = 12.125e-6; Byar's limits of 40: 28.573, 54.469
    got = row(rates.direct(REPEATS, [], SEXES, ["sex"], per=1))
    step = (12.125e-6 / 40) ** 0.5
    np.testing.assert_allclose(
        [got["estimate"], got["lower"], got["upper"]], [0.015, 0.015 - step * 11.427, 0.015 + step * 14.469], atol=1e-6
    )


def test_where_nobody_repeats_events_sq_changes_nothing():
    cells = REPEATS.assign(events_sq=REPEATS["events"], events_at_risk=REPEATS["events"], at_risk_sq=REPEATS["at_risk"])
    for call in (lambda f: rates.crude(f, []), lambda f: rates.direct(f, [], SEXES, ["sex"])):
        pd.testing.assert_frame_equal(call(cells), call(cells[["sex", "events", "at_risk"]]))


def test_bed_days_that_differ_by_person_use_their_residuals():
    # three people: events 0, 2, 4 over 10, 20, 40 days; rate 6/70; residuals -0.857, 0.286, 0.571: sum of squares 1.14,
    # which is below the Poisson 6, so the limits stay Poisson's; with events_sq alone they would be those of 20
    cells = pd.DataFrame(
        {"events": [6], "at_risk": [70], "events_sq": [20], "events_at_risk": [200], "at_risk_sq": [2100]}
    )
    plain = rates.crude(cells, [], repeat_events=False)
    pd.testing.assert_frame_equal(rates.crude(cells, []), plain)
    assert (rates.crude(cells.drop(columns="at_risk_sq"), [])["upper"] > plain["upper"]).all()


def test_repeat_events_need_their_column():
    with pytest.raises(PcrefError, match="events_sq"):
        rates.crude(TOY, [], repeat_events=True)


def test_few_people_with_most_events_are_noted():
    cells = pd.DataFrame({"events": [40], "at_risk": [1000], "events_sq": [400]})
    assert row(rates.crude(cells, []))["note"] == "few people hold most events, as if 4: limits may be too narrow"


def test_a_rate_that_hangs_on_one_event_is_noted():
    cells = pd.DataFrame({"sex": ["Female", "Male"], "events": [14, 0], "at_risk": [5000, 20]})
    note = row(rates.direct(cells, [], SEXES, ["sex"]))["note"]
    assert note.startswith("one event more in Male moves the rate by 595%")
    assert row(rates.direct(cells, [], SEXES, ["sex"], method="gamma"))["note"] == ""


def test_contacts_of_one_person_widen_a_proportion():
    # 10 people with 10 contacts each, five of them missed all: as good as 5 of 10 people, not 50 of 100
    cells = pd.DataFrame({"events": [50], "at_risk": [100], "events_sq": [500], "events_at_risk": [500]})
    got = row(rates.proportion(cells.assign(at_risk_sq=1000), [], per=1))
    people = row(rates.proportion(pd.DataFrame({"events": [5], "at_risk": [10]}), [], per=1))
    np.testing.assert_allclose([got["lower"], got["upper"]], [people["lower"], people["upper"]])
    none = cells.assign(events=0, events_sq=0, events_at_risk=0, at_risk_sq=1000)
    assert row(rates.proportion(none, [], per=1))["upper"] == pytest.approx(0.2775, abs=1e-4)  # 0 of 10 people


def test_means_by_hand():
    # values 1, 2, 6: mean 3, sd 2.6458, t(2) = 4.3027
    cells = pd.DataFrame({"at_risk": [2, 1], "total": [3.0, 6.0], "total_sq": [5.0, 36.0]})
    got = row(rates.mean(cells, []))
    np.testing.assert_allclose([got["estimate"], got["lower"], got["upper"]], [3, -3.5724, 9.5724], atol=1e-4)
    assert got["at_risk"] == 3 and got["note"] == ""
    one = row(rates.mean(cells.iloc[[1]], []))
    assert one["estimate"] == 6 and np.isnan(one["lower"]) and one["note"] == "one person or observation: no limits"
    assert row(rates.mean(cells.assign(at_risk=0), []))["note"] == "no observations"


def test_a_mean_of_people_with_several_spells_takes_people_as_independent():
    # two spells of 5 each for a, two of 15 for b, two of 25 for c: as good as one value a person
    people = pd.DataFrame({"at_risk": [3], "total": [45.0], "total_sq": [25.0 + 225 + 625]})
    spells = pd.DataFrame({"at_risk": [6], "total": [90.0], "total_sq": [100.0 + 900 + 2500]})
    spells = spells.assign(total_at_risk=2 * 90.0, at_risk_sq=12.0)
    a, b = (row(rates.mean(frame, []))[["estimate", "lower", "upper"]].astype(float) for frame in (people, spells))
    np.testing.assert_allclose(a, b)


def test_one_person_with_several_spells_has_no_limits():
    cells = pd.DataFrame(
        {"at_risk": [2], "total": [30.0], "total_sq": [900.0], "total_at_risk": [60], "at_risk_sq": [4]}
    )
    got = row(rates.mean(cells, []))
    assert got["estimate"] == 15 and np.isnan(got["upper"]) and got["note"] == "one person or observation: no limits"


def test_a_refused_figure_is_not_warned_of():
    cells = pd.DataFrame({"sex": ["Female", "Male"], "events": [5, 0], "at_risk": [5000, 20]})
    assert row(rates.direct(cells, [], SEXES, ["sex"]))["note"] == "fewer than ten events: not standardised"


def test_levels_become_rows():
    got = rates.crude(LACKING, ["group"], level=[0.95, 0.998])
    assert got["group"].tolist() == ["a", "a", "b", "b", "c", "c", "d", "d"]
    assert got["level"].tolist() == [0.95, 0.998] * 4
    for level in (0.95, 0.998):
        one = rates.crude(LACKING, ["group"], level=level)
        pd.testing.assert_frame_equal(got[got["level"] == level].reset_index(drop=True), one)


def test_nothing_passed_in_is_changed():
    cells, standard = LACKING.copy(), SEXES.copy()
    rates.direct(cells, ["group"], standard, ["sex"])
    rates.indirect(cells, ["group"], cells, ["sex"])
    pd.testing.assert_frame_equal(cells, LACKING)
    pd.testing.assert_frame_equal(standard, SEXES)


def test_an_empty_frame_gives_an_empty_frame():
    for got in (rates.crude(LACKING.iloc[:0], ["group"]), rates.direct(LACKING.iloc[:0], ["group"], SEXES, ["sex"])):
        assert list(got) == ["group", *RESULT] and len(got) == 0


def test_keys_keep_their_kind():
    cells = pd.DataFrame(
        {
            "imd_quintile": pd.array([1, None, 2], dtype="Int64"),
            "group": pd.Categorical(["z", "a", "z"], ["z", "a"]),
            "events": [10, 20, 30],
            "at_risk": [100, 100, 100],
        }
    )
    got = rates.crude(cells, ["imd_quintile"])
    assert got["imd_quintile"].dtype == "Int64" and got["imd_quintile"].isna().tolist() == [False, False, True]
    assert rates.crude(cells, ["group"])["group"].tolist() == ["z", "a"]  # a category's own order


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: rates.crude(TOY, ["borough"]), "borough"),
        (lambda: rates.crude(TOY, "age_band"), "list of columns"),
        (lambda: rates.crude(TOY.drop(columns="at_risk"), []), "at_risk"),
        (lambda: rates.crude(TOY.assign(events="*"), []), "numbers"),
        (lambda: rates.mean(TOY, []), "total"),
        (lambda: rates.direct(LACKING, [], SEXES, ["sex"], method="exact"), "dobson"),
        (lambda: rates.direct(LACKING, [], SEXES, ["sex"], missing_strata="drop"), "refuse"),
        (lambda: rates.direct(LACKING, [], "england_2011", ["sex"]), "england_2021"),
    ],
)
def test_misuse_is_said_in_words(call, says):
    with pytest.raises(PcrefError, match=says):
        call()


def test_a_shipped_standard_works_by_name():
    weights = standards.load("england_2021", over=["sex"])
    a = rates.direct(LACKING, ["group"], "england_2021", ["sex"])
    pd.testing.assert_frame_equal(a, rates.direct(LACKING, ["group"], weights, ["sex"]))
