"""The same people as rows and as cells: coefficients, clustered errors, marginal rates must be the same numbers."""

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.estimates.regression import adjusted_ratios

EXACT = {"rtol": 1e-8, "atol": 1e-8}
TERMS = "C(age_band) + C(sex) + C(imd_quintile)"
ADJUST = ["age_band", "sex", "imd_quintile"]
CASES = {
    "poisson": ("rate", "poisson", False),
    "modified poisson": ("proportion", "poisson", False),
    "logistic": ("proportion", "logistic", False),
    "gamma": ("value", "gamma", True),
    "quasi-poisson of totals": ("value", "quasipoisson", True),
}


def row_fit(rows, family, terms=TERMS, **options):
    import statsmodels.api as sm
    import statsmodels.formula.api as smf

    families = {
        "poisson": sm.families.Poisson(),
        "quasipoisson": sm.families.Poisson(),
        "logistic": sm.families.Binomial(),
        "gamma": sm.families.Gamma(sm.families.links.Log()),
    }
    offset = np.log(rows["t"]) if family in ("poisson", "quasipoisson") else None
    formula = f"y ~ C(ethnic_group, Treatment('White British')) + {terms}"
    model = smf.glm(formula, rows, family=families[family], offset=offset)
    return model.fit(tol=1e-12, tol_criterion="params", maxiter=200, **options)


def clustered(rows, correction=False):
    return {"cov_type": "cluster", "cov_kwds": {"groups": rows["person"], "use_correction": correction}}


def by_group(result):
    table = pd.DataFrame({"coefficient": result.params, "std_error": result.bse})
    table = table[table.index.str.startswith("C(ethnic_group")]
    return table.set_axis(table.index.str.extract(r"\[T\.(.*)\]")[0], axis=0)


def model_of(cells, **options):
    (model,) = adjusted_ratios.fit(cells, adjust=options.pop("adjust", ADJUST), **options).values()
    return model


def groups_of(model):
    table = model.coefficients.set_index("term")
    table = table[table.index.str.startswith("ethnic_group: ")]
    return table.set_axis(table.index.str.removeprefix("ethnic_group: "), axis=0)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", [1, 2])
def test_coefficients_and_clustered_errors(case, seed, make_rows, make_cells):
    kind, family, value = CASES[case]
    rows = make_rows(seed, kind)
    expected = by_group(row_fit(rows, family, **clustered(rows)))
    found = groups_of(model_of(make_cells(rows, value=value), family=family))
    pd.testing.assert_frame_equal(found, expected, check_names=False, **EXACT)


@pytest.mark.parametrize("case", CASES)
def test_every_fitted_rate_and_not_only_the_groups(case, make_rows, make_cells):
    kind, family, value = CASES[case]
    rows = make_rows(3, kind)
    expected = row_fit(rows, family).fittedvalues / rows["t"]
    model = model_of(make_cells(rows, value=value), family=family)
    keys = ["ethnic_group", *ADJUST]
    joined = rows.merge(model.design.frame[keys].assign(rate=model.mean), on=keys, how="left")
    assert np.allclose(joined["rate"], expected, **EXACT)


@pytest.mark.parametrize("case", ["poisson", "logistic", "gamma"])
def test_model_errors_without_clustering(case, make_rows, make_cells):
    kind, family, value = CASES[case]
    rows = make_rows(4, kind)
    if family == "gamma":  # the scale of a gamma is that of single observations: one a person
        rows = rows.drop_duplicates("person")
    expected = by_group(row_fit(rows, family))
    found = groups_of(model_of(make_cells(rows, value=value), family=family, robust=False))
    pd.testing.assert_frame_equal(found, expected, check_names=False, **EXACT)


@pytest.mark.parametrize("case", ["poisson", "logistic"])
def test_small_sample_factor(case, make_rows, make_cells):
    kind, family, _ = CASES[case]
    rows = make_rows(5, kind, size=400)
    rows["ethnic_group"] = rows["ethnic_group"].where(rows["ethnic_group"] == "White British", "Black or Black British")
    terms, adjust = "C(sex)", ["sex"]
    expected = by_group(row_fit(rows, family, terms, **clustered(rows, correction=True)))
    found = groups_of(model_of(make_cells(rows), family=family, adjust=adjust, small_sample=True))
    pd.testing.assert_frame_equal(found, expected, check_names=False, **EXACT)
    plain = groups_of(model_of(make_cells(rows), family=family, adjust=adjust))
    assert (found["std_error"] > plain["std_error"]).all()


def test_spline_of_age(make_rows, make_cells):
    from scipy.interpolate import CubicSpline

    rows = make_rows(6, "rate")
    model = model_of(make_cells(rows), adjust=["age_spline", "sex"])
    frame, x = model.design.frame, model.design.x
    columns = [i for i, name in enumerate(model.design.names) if name.startswith("age spline")]
    assert len(columns) == 3
    keys = frame[["ethnic_group", "sex", "age_band"]].assign(**{f"s{i}": x[:, c] for i, c in enumerate(columns)})
    joined = rows.merge(keys.drop_duplicates(), on=["ethnic_group", "sex", "age_band"], how="left")
    expected = by_group(row_fit(joined, "poisson", "s0 + s1 + s2 + C(sex)", **clustered(joined)))
    pd.testing.assert_frame_equal(groups_of(model), expected, check_names=False, **EXACT)
    # the columns span natural cubic splines: an interpolating one through any heights at the knots is in their span
    knots = np.array(model.design.terms[1].knots)
    ages = np.linspace(knots[0], knots[-1], 60)
    from pcref_analysis.estimates.regression.design import _spline

    basis = np.column_stack([np.ones(60), _spline(ages, knots)])
    wanted = CubicSpline(knots, [0.3, 1.0, -0.4, 0.2], bc_type="natural")(ages)
    assert np.allclose(basis @ np.linalg.lstsq(basis, wanted, rcond=None)[0], wanted, atol=1e-9)


def test_periods_adjusted_for_count_a_person_once_in_each(make_rows, make_cells):
    rows = make_rows(7, "rate")
    rows["period"] = np.where(rows["person"] % 3 == 0, "2022-23", "2023-24")
    cells = make_cells(rows, by=["ethnic_group", "sex", "age_band", "imd_quintile", "period"])
    expected = by_group(row_fit(rows, "poisson", "C(sex) + C(period)", **clustered(rows)))
    found = groups_of(model_of(cells, adjust=["sex", "period"]))
    pd.testing.assert_frame_equal(found, expected, check_names=False, **EXACT)
    (key,) = adjusted_ratios.fit(cells, adjust=["sex", "period"])
    assert key == ("detentions", "2022-23 to 2023-24")
    assert adjusted_ratios.adjusted(cells, adjust=["sex", "period"])["note"].str.contains("periods pooled").all()
    assert set(adjusted_ratios.adjusted(cells, adjust=["sex"])["period"]) == {"2022-23", "2023-24"}


def test_all_other_groups_is_a_fit_against_the_rest(make_rows, make_cells):
    rows = make_rows(8, "rate")
    found = adjusted_ratios.adjusted(make_cells(rows), comparator="All other groups", adjust=ADJUST, interval="normal")
    for group in ["Mixed", "White British"]:
        recoded = rows.assign(ethnic_group=np.where(rows["ethnic_group"] == group, group, "all others"))
        recoded["ethnic_group"] = recoded["ethnic_group"].replace({"all others": "White British", "White British": "W"})
        result = by_group(row_fit(recoded, "poisson", **clustered(rows))).iloc[0]
        row = found.set_index("ethnic_group").loc[group]
        width = (np.log(row["upper"]) - np.log(row["lower"])) / (2 * 1.959963984540054)
        assert np.allclose([np.log(row["estimate"]), width], result, **EXACT)


def test_change_between_steps_is_that_of_the_stacked_rows(make_rows, make_cells):
    """Both steps' equations solved at once over rows (stacked scores), the sandwich clustered by person."""
    rows = make_rows(9, "rate")
    crude, full = (row_fit(rows, "poisson", terms) for terms in ("1", TERMS))
    scores, breads = [], []
    for result in (crude, full):
        exog = result.model.exog
        scores.append(exog * (rows["y"].to_numpy() - result.fittedvalues.to_numpy())[:, None])
        breads.append(np.linalg.inv((exog * result.fittedvalues.to_numpy()[:, None]).T @ exog))
    person = pd.DataFrame(np.hstack(scores)).groupby(rows["person"].to_numpy()).sum().to_numpy()
    bread = np.zeros((person.shape[1],) * 2)
    cut = scores[0].shape[1]
    bread[:cut, :cut], bread[cut:, cut:] = breads
    covariance = bread @ (person.T @ person) @ bread
    found = adjusted_ratios.ladder(make_cells(rows), steps={"crude": [], "age_sex_imd": ADJUST}, interval="normal")
    found = found[found["adjustment"] == "age_sex_imd"].set_index("ethnic_group")
    for i, group in enumerate(by_group(crude).index):
        contrast = np.zeros(len(bread))
        contrast[1 + i], contrast[cut + 1 + i] = -1, 1
        change = by_group(full)["coefficient"].iloc[i] - by_group(crude)["coefficient"].iloc[i]
        error = np.sqrt(contrast @ covariance @ contrast)
        row = np.log(found.loc[group, ["change", "change_lower", "change_upper"]].astype(float))
        assert np.allclose(row, change + np.array([0, -1, 1]) * 1.959963984540054 * error, **EXACT)
