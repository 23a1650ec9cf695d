"""Ratios within strata with their joint test, and what diagnostics say in words."""

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.estimates.regression import adjusted_ratios
from pcref_analysis.vocabulary.errors import PcrefError

COLUMNS = ["estimate", "lower", "upper"]


class TestInteraction:
    def test_with_only_the_product_each_stratum_is_its_own_fit(self, make_rows, make_cells):
        cells = make_cells(make_rows(31, "rate"))
        found = adjusted_ratios.interaction(cells, "sex", adjust=["sex"])
        for sex in ("Female", "Male"):
            alone = adjusted_ratios.adjusted(cells[cells["sex"] == sex], adjust=[])
            part = found[found["stratum"] == sex]
            assert list(part["ethnic_group"]) == list(alone["ethnic_group"])
            assert np.allclose(part[COLUMNS], alone[COLUMNS], rtol=1e-8)
        assert (found["within"] == "sex").all() and (found["df"] == 4).all()

    def test_wald_of_two_independent_strata_by_hand(self, make_rows, make_cells):
        """One group, two strata of different people: the statistic is the squared difference over its variance."""
        cells = make_cells(make_rows(32, "rate"))
        cells = cells[cells["ethnic_group"].isin(["White British", "Black or Black British"])]
        found = adjusted_ratios.interaction(cells, "sex", adjust=[], interval="normal")
        logs = np.log(found[COLUMNS].to_numpy())
        errors = (logs[:, 2] - logs[:, 1]) / (2 * 1.959963984540054)
        wald = (logs[0, 0] - logs[1, 0]) ** 2 / (errors**2).sum()
        assert np.isclose(found["wald"].iloc[0], wald, rtol=1e-8)

    def test_a_stratum_without_events_is_limited_and_leaves_the_test(self, make_rows, make_cells):
        cells = make_cells(make_rows(33, "rate"))
        gone = (cells["ethnic_group"] == "Mixed") & (cells["imd_quintile"] == 2)
        cells.loc[gone, ["events", "events_sq", "events_at_risk"]] = 0.0
        found = adjusted_ratios.interaction(cells, "imd_quintile")
        row = found[(found["ethnic_group"] == "Mixed") & (found["stratum"] == 2)].iloc[0]
        assert np.isnan(row["estimate"]) and row["lower"] == 0 and row["upper"] > 0 and "no events" in row["note"]
        given = found["estimate"].notna()
        assert (given == (found["events"] > 0)).all() and given.sum() < len(found)
        assert (found["df"] == given.sum() - 4).all()  # the ratios that can be told, less one for each group
        assert 0 < found["p_value"].iloc[0] < 1

    def test_a_comparator_without_events_in_a_stratum(self, make_rows, make_cells):
        cells = make_cells(make_rows(34, "rate"))
        gone = (cells["ethnic_group"] == "White British") & (cells["sex"] == "Male")
        cells.loc[gone, ["events", "events_sq", "events_at_risk"]] = 0.0
        found = adjusted_ratios.interaction(cells, "sex")
        male = found[found["stratum"] == "Male"]
        assert male["estimate"].isna().all() and male["note"].str.contains("comparator has no events in this").all()
        assert found[found["stratum"] == "Female"]["estimate"].notna().all()

    def test_pooled_comparators_and_the_exposure_itself_are_errors(self, make_rows, make_cells):
        cells = make_cells(make_rows(35, "rate", size=500))
        with pytest.raises(PcrefError, match="one level of the exposure as comparator"):
            adjusted_ratios.interaction(cells, "sex", comparator="All other groups")
        with pytest.raises(PcrefError, match="a column other than the exposure"):
            adjusted_ratios.interaction(cells, "ethnic_group")


def said(cells, **options):
    found = adjusted_ratios.diagnostics(cells, **options)
    assert list(found.columns) == ["indicator", "period", "adjustment", "check", "value", "concern", "words"]
    return found.set_index("check")


class TestDiagnostics:
    def test_repeats_are_the_wider_intervals(self, make_rows, make_cells):
        cells = make_cells(make_rows(36, "rate"))
        (robust,), (plain,) = (adjusted_ratios.fit(cells, robust=r).values() for r in (True, False))
        ratio = robust.coefficients["std_error"] / plain.coefficients["std_error"]
        exposed = robust.coefficients["term"].str.startswith("ethnic_group")
        found = said(cells)
        assert np.isclose(found.loc["repeats", "value"], ratio[exposed].max()) and ratio[exposed].max() > 1.2
        assert found.loc["repeats", "concern"] == "look" and "% wider" in found.loc["repeats", "words"]

    def test_few_people_carry_the_events(self):
        cells = pd.DataFrame(
            {
                "indicator": "restraint",
                "period": "2023-24",
                "ethnic_group": ["White British", "Mixed"],
                "sex": "Male",
                "events": [200.0, 41.0],
                "events_sq": [260.0, 40.0**2 + 1],
                "at_risk": [20_000.0, 900.0],
            }
        )
        found = said(cells, adjust=[])
        assert np.isclose(found.loc["few_people", "value"], 41**2 / 1601)  # as good as one person
        assert found.loc["few_people", "words"].endswith(": Mixed.")
        assert "nothing left over" in found.loc["dispersion", "words"]

    def test_dispersion_is_pearson_over_degrees_of_freedom(self, make_rows, make_cells):
        import statsmodels.api as sm

        cells = make_cells(make_rows(37, "rate"))
        strata = cells.groupby(["ethnic_group", "sex", "age_band"], as_index=False)[["events", "at_risk"]].sum()
        x = pd.get_dummies(strata[["ethnic_group", "sex", "age_band"]], drop_first=True, dtype=float)
        fit = sm.GLM(
            strata["events"], sm.add_constant(x), sm.families.Poisson(), offset=np.log(strata["at_risk"])
        ).fit()
        assert np.isclose(said(cells).loc["dispersion", "value"], fit.pearson_chi2 / fit.df_resid)

    def test_influence_is_about_what_leaving_the_stratum_out_does(self, make_rows, make_cells):
        cells = make_cells(make_rows(38, "rate"), by=["ethnic_group", "sex", "age_band"]).assign(imd_quintile=1)
        odd = (cells["ethnic_group"] == "Mixed") & (cells["sex"] == "Male") & (cells["age_band"] == "25-34")
        cells.loc[odd, "events"] += 40
        cells.loc[odd, "events_sq"] += 40  # of forty people
        found = said(cells)
        assert found.loc["influence", "concern"] in ("look", "serious")
        assert "Mixed" in found.loc["influence", "words"] and "25-34" in found.loc["influence", "words"]
        with_, without = (
            adjusted_ratios.fit(c)[("detentions", "2023-24")].coefficients.set_index("term").loc["ethnic_group: Mixed"]
            for c in (cells, cells[~odd])
        )
        moved = abs(with_["coefficient"] - without["coefficient"]) / with_["std_error"]
        assert np.isclose(found.loc["influence", "value"], moved, rtol=0.5)

    def test_a_missing_interaction_is_seen_and_repeats_alone_are_not(self, make_rows, make_cells):
        cells = make_cells(make_rows(39, "rate", size=9000))
        assert said(cells).loc["fit_of_strata", "concern"] == "none"
        odd = (cells["ethnic_group"] == "Asian or Asian British") & (cells["sex"] == "Male")
        for name, power in (("at_risk", 1), ("events_at_risk", 1), ("at_risk_sq", 2)):
            cells.loc[odd, name] /= 5.0**power
        assert said(cells).loc["fit_of_strata", "concern"] == "look"

    def test_what_was_left_out_and_who_has_no_events(self, make_rows, make_cells):
        cells = make_cells(make_rows(40, "rate"))
        cells.loc[cells["ethnic_group"] == "Mixed", ["events", "events_sq", "events_at_risk"]] = 0.0
        cells.loc[cells.index % 9 == 0, "sex"] = "Not known"
        lost = cells.loc[cells["sex"] == "Not known", "events"].sum()
        found = said(cells)
        assert np.isclose(found.loc["left_out", "value"], lost) and found.loc["left_out", "concern"] in (
            "look",
            "serious",
        )
        assert found.loc["no_events", "words"].endswith(": Mixed.")
        assert "ethnic_group: Mixed" in found.loc["cannot_tell", "words"]

    def test_no_fit_is_a_finding_and_not_a_failure(self, make_rows, make_cells):
        cells = make_cells(make_rows(41, "rate", size=300))
        cells.loc[cells["ethnic_group"] == "White British", ["events", "events_sq", "events_at_risk"]] = 0.0
        found = said(cells)
        assert list(found.index) == ["fit"] and found.loc["fit", "concern"] == "serious"


def test_the_statsmodels_result_can_be_reached(make_rows, make_cells):
    (model,) = adjusted_ratios.fit(make_cells(make_rows(42, "rate")), adjust=["age_band"]).values()
    assert np.allclose(model.result.params, model.coefficients["coefficient"])
    assert type(model.result).__module__.startswith("statsmodels")


def test_negative_binomial_sandwich_of_strata_taken_as_people(make_rows, make_cells):
    """Each stratum as one person: the clustered sandwich is then statsmodels' HC0 for the same alpha."""
    import statsmodels.api as sm

    cells = make_cells(make_rows(43, "rate"), by=["ethnic_group", "sex", "age_band"])
    y, t = cells["events"], cells["at_risk"]
    cells = cells.assign(events_sq=y**2, events_at_risk=y * t, at_risk_sq=t**2)
    (model,) = adjusted_ratios.fit(cells, adjust=["sex"], family="negbin").values()
    assert model.alpha > 0.01
    f = model.design.frame
    family = sm.families.NegativeBinomial(alpha=model.alpha)
    glm = sm.GLM(f["y"], model.design.x, family, offset=np.log(f["t"]))
    fit = glm.fit(cov_type="HC0", tol=1e-12, tol_criterion="params")
    assert np.allclose(model.coefficients["std_error"], fit.bse, rtol=1e-8)
