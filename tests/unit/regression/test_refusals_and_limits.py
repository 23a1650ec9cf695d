"""What is not given, and why: groups without events, untold terms, unknown values, missing figures."""

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.estimates.regression import adjusted_ratios, glm
from pcref_analysis.vocabulary.errors import PcrefError

COLUMNS = ["estimate", "lower", "upper"]


def table(rows, names="ethnic_group sex events at_risk"):
    """Cells from a literal table."""
    return pd.DataFrame(rows, columns=names.split()).assign(indicator="detentions", period="2023-24")


def small(mixed=(0, 0)):
    return table(
        [
            ("White British", "Female", 40, 40_000),
            ("White British", "Male", 60, 40_000),
            ("Indian", "Female", 30, 10_000),
            ("Indian", "Male", 10, 2_500),
            ("Mixed", "Female", mixed[0], 1_000),
            ("Mixed", "Male", mixed[1], 500),
        ]
    )


def row_of(found, group="Mixed"):
    (row,) = found[found["ethnic_group"] == group].to_dict("records")
    return row


class TestNoEvents:
    def test_only_a_one_sided_limit_and_never_a_coefficient(self):
        row = row_of(adjusted_ratios.adjusted(small(), adjust=["sex"]))
        assert np.isnan(row["estimate"]) and row["lower"] == 0.0 and row["events"] == 0
        assert row["note"].startswith("no events in this group: only a one-sided limit exists")
        # about 1.0 female and 0.75 male events were expected: 3.0 / 1.75 = 1.71, and a little more for their error
        assert 1.71 < row["upper"] < 1.80

    def test_the_others_are_as_if_it_were_not_there(self):
        with_, without = (
            adjusted_ratios.adjusted(cells, adjust=["sex"])
            for cells in (small(), small().query("ethnic_group != 'Mixed'"))
        )
        assert np.allclose(with_.query("ethnic_group == 'Indian'")[COLUMNS], without[COLUMNS], rtol=1e-9)

    def test_repeats_make_it_wider(self):
        plain = row_of(adjusted_ratios.adjusted(small(), adjust=["sex"]))
        repeats = small()
        repeats["events_sq"] = 2.0 * repeats["events"]
        assert 1.9 < row_of(adjusted_ratios.adjusted(repeats, adjust=["sex"]))["upper"] / plain["upper"] < 2.3

    def test_fewer_comparators_make_it_wider(self):
        few = small().assign(events=[4, 6, 3, 1, 0, 0], at_risk=[4_000, 4_000, 1_000, 250, 1_000, 500])
        assert row_of(adjusted_ratios.adjusted(few, adjust=["sex"]))["upper"] > 1.9

    def test_against_the_whole_population(self):
        cells = small()
        row = row_of(adjusted_ratios.adjusted(cells, comparator="Whole population", adjust=[]))
        expected = 1_500 * cells["events"].sum() / cells["at_risk"].sum()
        assert 3.0 / expected < row["upper"] < 3.1 / expected

    def test_against_all_others(self):
        cells = small()
        row = row_of(adjusted_ratios.adjusted(cells, comparator="All other groups", adjust=[]))
        assert 3.0 / (1_500 * 140 / 92_500) < row["upper"] < 3.1 / (1_500 * 140 / 92_500)

    def test_odds(self):
        cells = small().assign(events=[40_000, 60_000, 30, 10, 0, 0], at_risk=[400_000, 400_000, 60, 20, 20, 10])
        row = row_of(adjusted_ratios.adjusted(cells, adjust=[], family="logistic"))
        assert row["measure"] == "odds_ratio"
        # the comparator's odds are 1:7; (1 + R/7)^-30 = 0.05
        assert np.isclose(row["upper"], 7 * (0.05 ** (-1 / 30) - 1), rtol=1e-3)

    def test_nothing_but_events(self):
        cells = small().assign(events=[40_000, 60_000, 30, 10, 20, 10], at_risk=[400_000, 400_000, 60, 20, 20, 10])
        row = row_of(adjusted_ratios.adjusted(cells, adjust=[], family="logistic"))
        assert np.isnan(row["estimate"]) and np.isnan(row["upper"])
        assert np.isclose(row["lower"], 7 / (0.05 ** (-1 / 30) - 1), rtol=1e-3)

    def test_no_group_has_events_at_some_age(self, make_rows, make_cells):
        cells = make_cells(make_rows(21, "rate"))
        young = cells["age_band"] == "0-15"
        cells.loc[young, ["events", "events_sq", "events_at_risk"]] = 0.0
        found = adjusted_ratios.adjusted(cells, adjust=["age_band", "sex"])
        assert np.allclose(found[COLUMNS], adjusted_ratios.adjusted(cells[~young], adjust=["age_band", "sex"])[COLUMNS])

    def test_a_mean_of_nothing_has_no_limit(self):
        cells = small().rename(columns={"events": "total"}).assign(total_sq=lambda f: f["total"] * 9.0)
        row = row_of(adjusted_ratios.adjusted(cells, adjust=["sex"], family="gamma"))
        assert np.isnan(row["estimate"]) and np.isnan(row["upper"]) and row["note"].startswith("no events")


class TestRefusals:
    def test_a_comparator_without_events_refuses_each_group_and_not_the_table(self):
        cells = pd.concat([small((3, 2)), small((3, 2)).assign(indicator="restraint")])
        lost = (cells["indicator"] == "restraint") & (cells["ethnic_group"] == "White British")
        cells.loc[lost, "events"] = 0
        found = adjusted_ratios.ladder(cells, steps={"crude": [], "sex": ["sex"]})
        assert found.loc[found["indicator"] == "detentions", "estimate"].notna().all()
        refused = found[found["indicator"] == "restraint"]
        assert refused[[*COLUMNS, "change"]].isna().all(axis=None) and len(refused) == 4
        assert refused["note"].str.contains("the comparator (White British) has no events", regex=False).all()

    def test_no_one_at_risk(self):
        cells = small((4, 3)).assign(at_risk=[40_000, 40_000, 10_000, 2_500, 0, 0])
        row = row_of(adjusted_ratios.adjusted(cells, adjust=["sex"]))
        assert np.isnan(row["estimate"]) and row["note"].startswith("no one at risk recorded in this group")
        assert "5% of events left out: no one at risk in their stratum" in row["note"]

    def test_a_group_that_cannot_be_told_from_a_stratum(self):
        cells = pd.concat(
            [small((4, 3)).query("ethnic_group != 'Mixed'"), table([("Mixed", "Not stated here", 9, 70)])]
        )
        found = adjusted_ratios.adjusted(cells, adjust=["sex"])
        assert "cannot tell this group apart" in row_of(found)["note"] and np.isnan(row_of(found)["upper"])
        plain = adjusted_ratios.adjusted(cells.query("ethnic_group != 'Mixed'"), adjust=["sex"])
        assert np.allclose(found.query("ethnic_group == 'Indian'")[COLUMNS], plain[COLUMNS])

    def test_few_events_are_given_with_a_caution(self):
        row = row_of(adjusted_ratios.adjusted(small((4, 3)), adjust=["sex"]))
        assert row["estimate"] > 0 and row["note"].startswith("fewer than 10 events: the interval is only")

    def test_more_events_than_at_risk_is_no_proportion(self):
        cells = small((600, 600))
        found = adjusted_ratios.adjusted(cells, adjust=["sex"], family="logistic")
        assert found["estimate"].isna().all() and found["note"].str.contains("not a proportion").all()
        assert adjusted_ratios.adjusted(cells, adjust=["sex"])["estimate"].notna().all()

    def test_values_below_zero(self):
        cells = small().rename(columns={"events": "total"}).assign(total_sq=9.0, total=[-1.0, 2, 3, 4, 5, 6])
        found = adjusted_ratios.adjusted(cells, adjust=["sex"], family="gamma")
        assert found["estimate"].isna().all() and found["note"].str.contains("below zero").all()

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"comparator": "White Brittish"}, "no cell has the comparator 'White Brittish'"),
            ({"adjust": ["gender"]}, "gender"),
            ({"family": "posson"}, "family 'posson' is not one of poisson"),
            ({"level": 95}, "level must lie between 0 and 1"),
            ({"interval": "z"}, "interval must be 't' or 'normal'"),
            ({"exposure": "ethnicity"}, "no column 'ethnicity'"),
            ({"unknown_adjust": "drop"}, "unknown_adjust must be 'keep' or 'exclude'"),
            ({"small_sample": True}, "needs the column 'people'"),
            ({"comparator": "Whole population", "family": "logistic"}, "against the whole population"),
        ],
    )
    def test_errors_name_the_fault(self, change, words):
        with pytest.raises(PcrefError, match=words):
            adjusted_ratios.adjusted(small((3, 3)), **{"adjust": ["sex"], **change})

    def test_errors_of_the_cells(self):
        with pytest.raises(PcrefError, match="1 cell"):
            adjusted_ratios.adjusted(small((-3, 3)), adjust=["sex"])
        with pytest.raises(PcrefError, match="lack column"):
            adjusted_ratios.adjusted(small().drop(columns="at_risk"), adjust=["sex"])
        with pytest.raises(PcrefError, match="odds ratios change between the steps"):
            adjusted_ratios.ladder(small(), family="logistic", steps={"crude": [], "sex": ["sex"]})
        with pytest.raises(PcrefError, match="without limits"):
            adjusted_ratios.adjusted(small().assign(age_band="young"), adjust=["age_spline"])


class TestUnknown:
    def cells(self):
        more = [("Not stated", "Female", 20, 400), ("Indian", "Not known", 5, 100), ("White British", None, 5, 100)]
        return pd.concat([small((20, 20)), table(more)], ignore_index=True)

    def test_unknown_ethnic_group_is_a_level_of_its_own_or_left_out_with_a_note(self):
        kept = adjusted_ratios.adjusted(self.cells(), adjust=["sex"])
        assert row_of(kept, "Not stated")["estimate"] > 0
        gone = adjusted_ratios.adjusted(self.cells(), adjust=["sex"], unknown_exposure="exclude")
        assert "Not stated" not in set(gone["ethnic_group"])
        assert gone["note"].str.contains("10% of events left out: ethnic group unknown").all()

    def test_unknown_adjusters_are_left_out_with_a_note_or_kept(self):
        gone = adjusted_ratios.adjusted(self.cells(), adjust=["sex"])
        assert gone["note"].str.contains("5% of events left out: sex unknown").all()
        assert row_of(gone, "Indian")["events"] == 40
        kept = adjusted_ratios.adjusted(self.cells(), adjust=["sex"], unknown_adjust="keep")
        assert row_of(kept, "Indian")["events"] == 45 and not kept["note"].str.contains("left out").any()

    def test_names_of_steps_in_place_of_their_columns_are_refused_in_words(self):
        with pytest.raises(PcrefError, match="steps is a dict"):
            adjusted_ratios.ladder(pd.DataFrame({"ethnic_group": ["White"], "events": [1]}), steps=("crude",))

    def test_the_ladder_uses_the_same_people_at_every_step(self):
        found = adjusted_ratios.ladder(self.cells(), steps={"crude": [], "sex": ["sex"]})
        assert len(found[["ethnic_group", "events"]].drop_duplicates()) == 3
        assert row_of(found[found["adjustment"] == "crude"], "Indian")["events"] == 40

    def test_all_other_groups_are_known_groups(self):
        cells = self.cells()
        found = adjusted_ratios.adjusted(cells, comparator="All other groups", adjust=[])
        assert "Not stated" not in set(found["ethnic_group"])
        assert np.isclose(row_of(found, "Mixed")["estimate"], (40 / 1_500) / (150 / 92_700))


class TestMissing:
    def test_a_missing_figure_is_not_nought(self):
        cells = small((4, 3)).astype({"events": "Float64", "at_risk": "Int64"})
        cells.loc[2, "events"] = pd.NA
        found = adjusted_ratios.adjusted(cells, adjust=["sex"])
        assert found["note"].str.contains(r"1 cell\(s\) without a figure left out").all()
        assert row_of(found, "Indian")["events"] == 10 and row_of(found, "Indian")["at_risk"] == 2_500

    def test_missing_sums_over_people_are_said(self):
        cells = small((9, 9)).assign(events_sq=[60, 80, 50, 12, np.nan, 9], at_risk_sq=lambda f: f["at_risk"] * 3.0)
        found = adjusted_ratios.adjusted(cells, adjust=["sex"])
        assert found["note"].str.contains("events as independent (Poisson)", regex=False).all()

    def test_a_mean_without_sum_of_squares_has_no_interval(self):
        cells = small((9, 9)).rename(columns={"events": "total"})
        found = adjusted_ratios.adjusted(cells, adjust=["sex"], family="gamma")
        assert found["estimate"].notna().all() and found[["lower", "upper"]].isna().all(axis=None)
        assert found["note"].str.contains("no interval: the cells give no total_sq").all()

    def test_a_mean_with_a_missing_total_does_not_fall_back_on_its_events(self):
        cells = small((9, 9)).assign(total=[400.0, 600, 300, np.nan, 90, 90], total_sq=lambda f: 90 * f["total"])
        cells = pd.concat([cells, small((9, 9)).assign(indicator="detentions too")], ignore_index=True)
        found = adjusted_ratios.adjusted(cells, adjust=[])
        mean = found[found["indicator"] == "detentions"]
        assert mean["note"].str.contains(r"1 cell\(s\) without a figure left out").all()
        assert np.isclose(row_of(mean, "Indian")["estimate"], (300 / 10_000) / (1_000 / 80_000))
        counts = found[found["indicator"] == "detentions too"]
        assert np.isclose(row_of(counts, "Indian")["estimate"], (40 / 12_500) / (100 / 80_000))

    def test_deprivation_as_nullable_integers(self, make_rows, make_cells):
        cells = make_cells(make_rows(22, "rate"))
        plain = adjusted_ratios.ladder(cells)
        nullable = cells.astype({"imd_quintile": "Int64"})
        pd.testing.assert_frame_equal(adjusted_ratios.ladder(nullable), plain)
        nullable.loc[:3, "imd_quintile"] = pd.NA
        assert adjusted_ratios.ladder(nullable)["note"].str.contains("age or sex or deprivation unknown").all()


class TestShape:
    def test_columns_are_the_shared_ones(self):
        found = adjusted_ratios.adjusted(small((3, 4)), adjust=["sex"])
        assert " ".join(found.columns) == (
            "indicator period ethnic_group comparator adjustment measure estimate lower upper level events at_risk note"
        )

    def test_names_of_adjustments(self, make_rows, make_cells):
        cells = make_cells(make_rows(23, "rate", size=800))
        assert list(adjusted_ratios.ladder(cells)["adjustment"].unique()) == ["crude", "age_sex", "age_sex_imd"]
        found = adjusted_ratios.adjusted(cells, adjust=["imd_quintile", "sex", "age_spline"])
        assert set(found["adjustment"]) == {"age_sex_imd"}
        assert set(adjusted_ratios.adjusted(cells, adjust=["sex", "period"])["adjustment"]) == {"sex"}

    def test_nothing_passed_in_is_changed(self, make_rows, make_cells):
        cells = make_cells(make_rows(24, "rate", size=800))
        before = cells.copy(deep=True)
        for comparator in ("White British", "All other groups", "Whole population"):
            adjusted_ratios.ladder(cells, comparator=comparator)
        adjusted_ratios.interaction(cells)
        adjusted_ratios.diagnostics(cells)
        pd.testing.assert_frame_equal(cells, before)

    def test_other_exposures(self, make_rows, make_cells):
        cells = make_cells(make_rows(25, "rate"))
        found = adjusted_ratios.adjusted(cells, exposure="imd_quintile", comparator=5, adjust=["age_band", "sex"])
        assert list(found["imd_quintile"]) == [1, 2, 3, 4] and found["estimate"].notna().all()

    def test_degrees_of_freedom_are_those_of_the_people(self):
        """Crude, everyone with one event: Satterthwaite's df of the two groups' variances 1/y, each with 2y."""
        from scipy.stats import t

        cells = table([("White British", "Male", 200, 1_000_000), ("Indian", "Male", 12, 10_000)])
        cells["events_sq"] = cells["events"]
        row = adjusted_ratios.adjusted(cells, adjust=[], interval="t").iloc[0]
        # variances (1 - rate) / y, near enough 1 / 200 and 1 / 12
        df = (1 / 200 + 1 / 12) ** 2 / ((1 / 200) ** 2 / 400 + (1 / 12) ** 2 / 24)
        error = np.sqrt(1 / 200 - 1 / 1_000_000 + 1 / 12 - 1 / 10_000)
        assert np.isclose(np.log(row["upper"] / row["estimate"]) / error, t.ppf(0.975, df), rtol=1e-4)
        plain = adjusted_ratios.adjusted(cells, adjust=[], robust=False).iloc[0]
        assert np.isclose(np.log(plain["upper"] / plain["estimate"]), 1.959964 * np.sqrt(1 / 200 + 1 / 12), rtol=1e-6)

    def test_level(self):
        wide, narrow = (
            adjusted_ratios.adjusted(small((9, 9)), adjust=["sex"], level=v, interval="normal") for v in (0.99, 0.8)
        )
        assert (wide["lower"] < narrow["lower"]).all() and (wide["upper"] > narrow["upper"]).all()
        ratio = np.log(wide["upper"] / wide["estimate"]) / np.log(narrow["upper"] / narrow["estimate"])
        assert np.allclose(ratio, 2.5758293035489 / 1.2815515655446)


def test_a_variance_below_nought_gives_no_interval_and_a_note(make_rows, make_cells, monkeypatch):
    """Where terms can all but not be told apart, the last digits of the computer decide its sign."""
    whole = glm._sandwich
    monkeypatch.setattr(glm, "_sandwich", lambda model: -whole(model))
    found = adjusted_ratios.adjusted(make_cells(make_rows(3, "rate")), adjust=["sex"], comparator="White British")
    asked = found[found["ethnic_group"] != "White British"]
    assert asked[["lower", "upper"]].isna().all(axis=None)
    assert asked["note"].str.contains("did not settle").all()


@pytest.mark.parametrize("comparator", ["A", "B"])
def test_groups_of_one_person_each_have_no_variance(comparator):
    """Nothing varies in the strata: what is left of sums that cancel has either sign, and is no narrow interval."""
    total = pd.Series([7.2, 20.533333333333335])
    cells = pd.DataFrame({"indicator": "length", "period": "2023-24", "ethnic_group": ["A", "B"], "total": total})
    cells = cells.assign(total_sq=total**2, at_risk=1.0, total_at_risk=total, at_risk_sq=1.0)
    found = adjusted_ratios.adjusted(cells, comparator=comparator, adjust=[])
    assert found[["lower", "upper"]].isna().all(axis=None)
    assert found["note"].str.contains("did not settle").all()
