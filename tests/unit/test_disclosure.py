"""What disclosure control lets out: marks, rounding, protection by hiding more, no way round."""

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.analysis import levels_and_gaps
from pcref_analysis.disclosure import release_tables, rounded_figures
from pcref_analysis.display import tables
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.significant_digits import same_everywhere


def counts(**columns):
    return pd.DataFrame(columns)


@pytest.mark.parametrize(
    ("rule", "count", "text"),
    [
        ("mhsds", 0, "0"),
        ("mhsds", 4, "[c]"),
        ("mhsds", 5, "5"),
        ("mhsds", 6, "5"),
        ("mhsds", 8, "10"),
        ("hes", 7, "[c]"),
        ("hes", 8, "10"),
        ("opensafely", 0, "[c]"),
        ("opensafely", 7, "[c]"),
        ("opensafely", 8, "10"),
    ],
)
def test_boundaries_of_the_presets(rule, count, text):
    assert release_tables.release(counts(team=["a"], events=[count]), rule).text["events"].tolist() == [text]


def test_three_marks_are_three():
    released = release_tables.release(counts(team=list("abcd"), events=[0, 3, None, 40]), "mhsds")
    assert released.table["events_status"].tolist() == ["zero", "suppressed", "not available", "shown"]
    assert released.text["events"].tolist() == ["0", "[c]", "[x]", "40"]


def test_a_releasable_is_made_by_the_door_only():
    with pytest.raises(PcrefError):
        release_tables.Releasable(pd.DataFrame(), "t", None, "", False, "release", (), (), (), {})


def test_undeclared_numbers_do_not_leave():
    with pytest.raises(PcrefError, match="'score'"):
        release_tables.release(counts(team=["a"], events=[9], score=[1.5]), "mhsds")


def test_input_is_not_changed():
    frame = counts(team=list("abc"), events=[3, 21, 24])
    before = frame.copy(deep=True)
    release_tables.release(frame, "mhsds")
    pd.testing.assert_frame_equal(frame, before)


def released_change(events, change):
    """The change shown for a group of 20,000 census residents with an adjusted ratio that the reader knows exactly."""
    rate = 4_213 / 500_000
    adjusted = events / 20_000 / rate * change
    frame = pd.DataFrame(
        {
            "indicator": "detentions",
            "ethnic_group": ["White", "Mixed"],
            "comparator": "White",
            "adjustment": ["crude", "age_sex"],
            "measure": ["rate", "ratio"],
            "events": [4_213, events],
            "at_risk": [500_000.0, 20_000.0],
            "estimate": [rate * 100_000, adjusted],
            "lower": [rate * 95_000, adjusted * 0.8],
            "upper": [rate * 105_000, adjusted * 1.25],
            "change_from": ["", "crude"],
            "change": [float("nan"), change],
            "change_lower": [float("nan"), change - 0.013],
            "change_upper": [float("nan"), change + 0.013],
        }
    )
    return release_tables.release(frame, "mhsds", name="gaps").table.iloc[1]


@pytest.mark.parametrize("factor", [1.234, 0.871, 1.05])
def test_a_change_between_steps_does_not_tell_the_count_that_rounding_hides(factor):
    """The adjusted ratio divided by its change is the crude ratio; with public residents that is the count.

    A reader knows the adjusted ratio to the step that it is shown in: divided by the change, it leaves every count that
    was rounded to 405 possible, whichever it was.
    """
    shown = [released_change(events, factor * 405 / events) for events in range(403, 408)]
    assert {row["events"] for row in shown} == {405}
    for events, row in zip(range(403, 408), shown, strict=True):
        half = rounded_figures.steps(row.to_frame().T)[0] / 2
        to = np.nan_to_num(float(row["change_rounded_to"]), nan=0.01) / 2
        least, most = (row["estimate"] - half) / (row["change"] + to), (row["estimate"] + half) / (row["change"] - to)
        crude = row["estimate"] / (factor * 405 / events)
        assert least <= crude * 403 / events * 1.001 and crude * 407 / events <= most * 1.001
        own = factor * 405 / events
        assert row["change_lower"] <= own - 0.013 and row["change_upper"] >= own + 0.013


def test_a_change_of_few_events_is_withheld_and_a_later_one_is_not():
    frame = pd.DataFrame(
        {
            "indicator": "detentions",
            "ethnic_group": "Mixed",
            "comparator": "White",
            "adjustment": ["age_sex", "age_sex_imd"],
            "measure": "ratio",
            "events": 11,
            "at_risk": 20_000.0,
            "estimate": [1.2, 1.1],
            "lower": [0.6, 0.55],
            "upper": [2.4, 2.2],
            "change_from": ["crude", "age_sex"],
            "change": [1.171, 0.918],
            "change_lower": [1.14, 0.9],
            "change_upper": [1.2, 0.93],
        }
    )
    table = release_tables.release(frame, "mhsds", name="gaps").table
    assert table["change"].isna().tolist() == [True, False]
    assert table["change"].iloc[1] == 0.92


def residents(**changed):
    frame = counts(indicator="detentions", ethnic_group=["African", "Caribbean"], events=[20, 30], at_risk=[1234, 2345])
    return frame.assign(**changed)


def test_residents_are_public_and_shown_to_the_person():
    known = residents().drop(columns="events")
    released = release_tables.release_all({"levels": residents()}, "mhsds", residents=known)[0]
    assert released.table["at_risk"].tolist() == [1234, 2345]


def test_another_denominator_does_not_pass_as_residents():
    """The number of detentions once stood as at_risk of an indicator of residents, and left to the person."""
    known = residents().drop(columns="events")
    with pytest.raises(PcrefError, match=r"levels.*detentions"):
        release_tables.release_all({"levels": residents(at_risk=[43, 57])}, "mhsds", residents=known)
    with pytest.raises(PcrefError, match="residents"):
        release_tables.release_all({"levels": residents(), "unknown": residents(at_risk=[43, 57])}, "mhsds")
    total = counts(indicator=["detentions"], events=[50], at_risk=[100])
    whole = pd.concat([known, counts(indicator=["detentions"], ethnic_group=["All"], at_risk=[3579])])
    with pytest.raises(PcrefError, match="unknown"):
        release_tables.release_all({"unknown": total}, "mhsds", residents=whole)
    private = release_tables.release_all({"unknown": total.assign(at_risk=[103])}, "mhsds", public=[])[0]
    assert private.table["at_risk"].tolist() == [105]


def mean(**columns):
    base = counts(team=["a", "b"], events=[40, 40], at_risk=[40, 40], estimate=[10.0, 10.0], measure="mean")
    return base.assign(**columns)


def test_a_mean_that_one_person_dominates_is_withheld():
    released = release_tables.release(mean(largest=[300.0, 30.0]), "mhsds")
    assert released.table["status"].tolist() == ["suppressed", "shown"]
    spread = mean(total_sq=[40 * 10.0**2 + 38 * 60.0**2, 40 * 10.0**2 + 40.0])  # no largest: what the spread allows
    assert release_tables.release(spread, "mhsds").table["status"].tolist() == ["suppressed", "shown"]


def test_a_rate_or_an_interval_does_not_give_a_hidden_count_back():
    from pcref_analysis.estimates.rates import rates

    cells = counts(
        indicator="detentions", ethnic_group=["African", "Caribbean", "Indian"], events=[3, 21, 140],
        at_risk=[2000.0, 3000.0, 50000.0],
    )  # fmt: skip
    levels = rates.crude(cells, ["indicator", "ethnic_group"]).assign(measure="rate", adjustment="crude", level=0.95)
    levels = levels.drop(columns=[c for c in levels if c.endswith("_sq")])
    (released,) = release_tables.release_all({"levels": levels}, "mhsds")
    table = released.table.set_index("ethnic_group")
    assert pd.isna(table.loc["African", ["events", "estimate", "lower", "upper"]]).all()
    assert table.loc["Caribbean", "estimate"] == pytest.approx(100_000 * 20 / 3000, rel=0.01)  # of the rounded count
    assert release_tables.attack([released]).empty


def test_the_attack_reads_a_count_back_from_a_rate():
    """Were a true rate beside a hidden count ever shown, the attack would name it."""
    from pcref_analysis.disclosure.linked_tables import calculator

    shown = counts(indicator="detentions", ethnic_group=["African"], events=[float("nan")], at_risk=[2000.0])
    shown = shown.assign(estimate=150.0, lower=30.938, upper=438.36, measure="rate", adjustment="crude", level=0.95)
    low, high = calculator.counts_behind(shown, release_tables.ruled.read("mhsds"))
    assert low.tolist() == high.tolist() == [3.0]
    low, high = calculator.counts_behind(shown.assign(at_risk=float("nan")), release_tables.ruled.read("mhsds"))
    assert low.tolist() == high.tolist() == [3.0]  # from the interval alone


def test_published_figures_keep_their_publishers_marks():
    table = counts(ethnic_group=["African", "Indian"], events=[None, 15.0], estimate=[None, 3.25])
    passed = release_tables.release_published(
        table, "NHS England", suppressed={"events": pd.Series([True, False]), "estimate": pd.Series([True, False])}
    )
    assert passed.text["events"].tolist() == ["[c]", "15"] and passed.table["estimate"].tolist()[1] == 3.25
    assert "NHS England" in passed.explanation
    assert release_tables.attack([passed]).empty
    with pytest.raises(PcrefError, match="publisher"):
        release_tables.release_published(table, " ")


def test_residents_of_a_census_are_the_same_number_after_estimates_are_cut():
    """Residents raked to a census are no whole numbers, and estimates keep seven digits of them; 1 in 1,000 is seen."""
    exact = residents(at_risk=[1_234_567.8912, 98_765.43219])
    cut = same_everywhere(exact)
    assert (cut["at_risk"] != exact["at_risk"]).all()
    known = exact.drop(columns="events")
    both = {"levels": cut, "detentions": exact}
    released = release_tables.release_all(both, "mhsds", residents=known)
    assert [set(one.links["series"]) for one in released] == [set(), set()]  # one way of counting, not two
    whole = counts(indicator="detentions", ethnic_group=["All"], at_risk=[float(exact["at_risk"].sum())])
    total = same_everywhere(cut.groupby("indicator", as_index=False)[["events", "at_risk"]].sum())
    release_tables.release_all({"levels": cut, "total": total}, "mhsds", residents=pd.concat([known, whole]))
    with pytest.raises(PcrefError, match="residents that the run rests on"):
        release_tables.release_all({"levels": residents(at_risk=cut["at_risk"] * 1.001)}, "mhsds", residents=known)


def test_a_crude_ratio_among_fractional_residents_stays_a_crude_ratio():
    """The figure and both numbers of residents are each cut to seven digits: three errors, all to one side here."""
    exact = pd.DataFrame({"o": [3001.0], "n": [1_000_000.4999], "o0": [3000.0], "n0": [1_000_000.5001]})
    ratio = exact["o"] / exact["n"] / (exact["o0"] / exact["n0"])
    cut = same_everywhere(exact.assign(estimate=ratio)).assign(measure="ratio", per=1.0, crude=True)
    assert rounded_figures._kind(cut).tolist() == ["crude"]


def test_nothing_at_all_is_released_as_nothing():
    """An extract of people alone: no indicator is available, and the pages say that there is nothing to show."""
    nothing = levels_and_gaps.finished(pd.DataFrame(columns=levels_and_gaps.SHAPE))
    released = release_tables.release_all({"levels": nothing, "expected": nothing}, "mhsds")
    assert [len(one.table) for one in released] == [0, 0]
    assert tables.expected(released[1], id="x", title="Expected").text.startswith("Expected: nothing to show")
