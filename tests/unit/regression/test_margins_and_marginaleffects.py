"""Standardised rates, differences and ratios against the marginaleffects package on rows with clustered errors."""

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.estimates.regression import adjusted_ratios
from pcref_analysis.vocabulary.errors import PcrefError

Z = 1.959963984540054
ADJUST = ["age_band", "sex", "imd_quintile"]
CASES = {
    "rate": ("rate", "poisson", False),
    "proportion, modified poisson": ("proportion", "poisson", False),
    "proportion, logistic": ("proportion", "logistic", False),
    "mean, gamma": ("value", "gamma", True),
}


def row_fit(rows, family):
    import statsmodels.api as sm
    import statsmodels.formula.api as smf

    families = {
        "poisson": sm.families.Poisson(),
        "logistic": sm.families.Binomial(),
        "gamma": sm.families.Gamma(sm.families.links.Log()),
    }
    for name in ["ethnic_group", *ADJUST]:
        rows[name] = rows[name].astype("str").astype("category")
    rows["ethnic_group"] = rows["ethnic_group"].cat.reorder_categories(
        ["White British", *[g for g in rows["ethnic_group"].cat.categories if g != "White British"]]
    )
    offset = np.log(rows["t"]) if family == "poisson" else None
    model = smf.glm("y ~ " + " + ".join(["ethnic_group", *ADJUST]), rows, family=families[family], offset=offset)
    clusters = {"groups": rows["person"], "use_correction": False}
    return model.fit(tol=1e-12, tol_criterion="params", maxiter=200, cov_type="cluster", cov_kwds=clusters)


def ours(found, measure, scale):
    """Return estimate and standard error on the scale of the interval, by group."""
    part = found[found["measure"] == measure].set_index("ethnic_group")[["estimate", "lower", "upper"]]
    part = {"log": np.log, "logit": lambda p: np.log(p / (1 - p)), "identity": lambda p: p}[scale](part)
    return pd.DataFrame({"estimate": part["estimate"], "std_error": (part["upper"] - part["lower"]) / (2 * Z)})


def theirs(result, groups):
    found = result.to_pandas() if hasattr(result, "to_pandas") else result.data.to_pandas()
    return found.set_axis(groups, axis=0)[["estimate", "std_error"]]


def compare(found, expected, errors=1e-5):
    found = found.loc[expected.index]
    assert np.allclose(found["estimate"], expected["estimate"], rtol=1e-8, atol=1e-8)
    # marginaleffects differentiates numerically
    assert np.allclose(found["std_error"], expected["std_error"], rtol=errors, atol=0)


@pytest.mark.parametrize("case", CASES)
def test_rates_differences_and_ratios(case, make_rows, make_cells):
    me = pytest.importorskip("marginaleffects")
    kind, family, value = CASES[case]
    rows = make_rows(11, kind, size=1200)
    found = adjusted_ratios.standardised(
        make_cells(rows, value=value), adjust=ADJUST, family=family, per=1, interval="normal"
    )
    fit = row_fit(rows, family)
    weights = {"wts": "t"} if kind == "rate" else {}
    levels = list(rows["ethnic_group"].cat.categories)
    measure = "mean" if value else {"poisson": "rate", "logistic": "percent"}[family]
    scale = "logit" if family == "logistic" else "log"
    rates = ours(found, measure, scale)
    for level in levels[:3]:  # by="ethnic_group" has one level each time; with by=True version 0.6 ignores the weights
        everyone = rows.assign(ethnic_group=pd.Categorical([level] * len(rows), categories=levels))
        expected = theirs(me.avg_predictions(fit, newdata=everyone, by="ethnic_group", **weights), [level])
        rate = expected["estimate"]
        expected["std_error"] /= rate * (1 - rate) if scale == "logit" else rate
        expected["estimate"] = np.log(rate / (1 - rate) if scale == "logit" else rate)
        compare(rates, expected)
    others = sorted(levels[1:])
    for measure, scale, contrast in [("difference", "identity", "difference"), ("ratio", "log", "lnratioavg")]:
        options = {"variables": {"ethnic_group": "reference"}, "comparison": contrast}
        result = me.avg_comparisons(fit, **options, **weights)
        compare(ours(found, measure, scale), theirs(result, others))


@pytest.mark.parametrize("case", CASES)
def test_errors_against_the_delta_method_written_out_over_rows(case, make_rows, make_cells):
    """To 1e-8: the same averages with their derivative by the chain rule, row by row."""
    kind, family, value = CASES[case]
    rows = make_rows(12, kind)
    found = adjusted_ratios.standardised(
        make_cells(rows, value=value), adjust=ADJUST, family=family, per=1, interval="normal"
    )
    fit = row_fit(rows, family)
    names, levels = fit.model.exog_names, list(rows["ethnic_group"].cat.categories)
    weight = rows["t"].to_numpy() / rows["t"].sum()
    averages = {}
    for level in levels:
        x = fit.model.exog.copy()
        for other in levels[1:]:
            x[:, names.index(f"ethnic_group[T.{other}]")] = other == level
        eta = x @ fit.params.to_numpy()
        mean = 1 / (1 + np.exp(-eta)) if family == "logistic" else np.exp(eta)
        slope = mean * (1 - mean) if family == "logistic" else mean
        averages[level] = weight @ mean, (weight * slope) @ x
    base, base_slope = averages["White British"]
    for level in levels[1:]:
        rate, slope = averages[level]
        for measure, scale, estimate, gradient in [
            ("difference", "identity", rate - base, slope - base_slope),
            ("ratio", "log", np.log(rate / base), slope / rate - base_slope / base),
        ]:
            error = np.sqrt(gradient @ fit.cov_params().to_numpy() @ gradient)
            assert np.allclose(ours(found, measure, scale).loc[level], [estimate, error], rtol=1e-8, atol=1e-8)


def test_own_standard_asks_what_the_group_would_have_had(make_rows, make_cells):
    rows = make_rows(13, "rate")
    found = adjusted_ratios.standardised(make_cells(rows), adjust=ADJUST, standard="own", per=1)
    fit = row_fit(rows, "poisson")
    group = "Black or Black British"
    own = rows[rows["ethnic_group"] == group]
    as_comparator = own.assign(
        ethnic_group=pd.Categorical(["White British"] * len(own), own["ethnic_group"].cat.categories)
    )
    here, there = (np.average(fit.predict(f, offset=np.zeros(len(f))), weights=f["t"]) for f in (own, as_comparator))
    part = found[found["ethnic_group"] == group].set_index("measure")["estimate"]
    assert np.allclose(part[["rate", "difference", "ratio"]], [here, here - there, here / there], rtol=1e-8)
    assert np.isclose(part["rate"], own["y"].sum() / own["t"].sum())  # Poisson: a group's fitted events are its events


def test_a_given_standard_is_joined_by_name_and_must_have_every_stratum(make_rows, make_cells):
    cells = make_cells(make_rows(14, "rate"))
    standard = cells.groupby("sex", as_index=False)["at_risk"].sum().rename(columns={"at_risk": "weight"})
    catchment = adjusted_ratios.standardised(cells, adjust=["sex"])
    for given in (standard, standard.iloc[::-1], standard.assign(weight=standard["weight"] * 7)):
        pd.testing.assert_frame_equal(adjusted_ratios.standardised(cells, adjust=["sex"], standard=given), catchment)
    more = pd.concat([standard, pd.DataFrame({"sex": ["Other"], "weight": [standard["weight"].sum() / 9]})])
    wider = adjusted_ratios.standardised(cells, adjust=["sex"], standard=more)
    assert np.allclose(wider["estimate"], catchment["estimate"])
    assert wider["note"].str.contains(r"standard without strata where no group has anyone \(10% of it\)").all()
    with pytest.raises(PcrefError, match=r"1 of the cells' strata \(sex\) are not in it: Male"):
        adjusted_ratios.standardised(cells, adjust=["sex"], standard=standard[standard["sex"] == "Female"])
    with pytest.raises(PcrefError, match="no column weight"):
        adjusted_ratios.standardised(cells, adjust=["sex"], standard=standard[["sex"]])
    with pytest.raises(PcrefError, match="one row a stratum"):
        adjusted_ratios.standardised(cells, adjust=["sex"], standard=pd.concat([standard, standard]))


def test_a_shipped_standard_by_name(make_rows, make_cells):
    from pcref_analysis.vocabulary import standards

    cells = make_cells(make_rows(16, "rate"))
    over = ["age_band", "sex"]
    frame = standards.load("england_2021", bands=cells["age_band"].unique(), over=over)
    named, given = (adjusted_ratios.standardised(cells, adjust=over, standard=s) for s in ("england_2021", frame))
    pd.testing.assert_frame_equal(named, given)
    assert not np.allclose(named["estimate"], adjusted_ratios.standardised(cells, adjust=over)["estimate"])
    with pytest.raises(PcrefError, match="not by imd_quintile"):
        adjusted_ratios.standardised(cells, adjust=ADJUST, standard="england_2021")


def test_saturated_it_is_direct_standardisation(make_rows, make_cells):
    """With every stratum its own term the model assumes nothing: the same rate as the direct method's."""
    from pcref_analysis.estimates.rates import rates
    from pcref_analysis.vocabulary import standards

    cells = make_cells(make_rows(17, "rate"), by=["ethnic_group", "sex"])
    standard = standards.catchment(cells, ["sex"])
    direct = rates.direct(cells, ["ethnic_group"], standard=standard, over=["sex"]).set_index("ethnic_group")
    for group in ("Mixed", "Black or Black British"):  # a group alone, with a term for each sex
        alone = adjusted_ratios.standardised(
            cells[cells["ethnic_group"] == group], comparator=group, adjust=["sex"], standard=standard
        )
        assert np.isclose(alone["estimate"].iloc[0], direct.loc[group, "estimate"], rtol=1e-9)


def test_whole_population_and_all_others(make_rows, make_cells):
    cells = make_cells(make_rows(15, "rate"))
    found = adjusted_ratios.standardised(cells, comparator="Whole population", adjust=ADJUST, per=1)
    part = found.pivot_table("estimate", "ethnic_group", "measure")
    overall = cells["events"].sum() / cells["at_risk"].sum()
    assert np.allclose(part["rate"] / part["ratio"], overall) and np.allclose(
        part["rate"] - part["difference"], overall
    )
    ratios = adjusted_ratios.adjusted(cells, comparator="Whole population", adjust=ADJUST).set_index("ethnic_group")
    assert np.allclose(ratios["estimate"], part.loc[ratios.index, "ratio"])
    others = adjusted_ratios.standardised(cells, comparator="All other groups", adjust=ADJUST)
    ratio = others[others["measure"] == "ratio"].set_index("ethnic_group")
    again = adjusted_ratios.adjusted(cells, comparator="All other groups", adjust=ADJUST).set_index("ethnic_group")
    columns = ["estimate", "lower", "upper"]
    assert np.allclose(ratio[columns], again.loc[ratio.index, columns])
