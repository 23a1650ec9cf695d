"""Ratios to the whole population and to all others, against statsmodels on rows with clustered errors."""

import numpy as np
import pandas as pd

from pcref_analysis.estimates.regression import adjusted_ratios

ADJUST = ["age_band", "sex"]


def row_fit(rows, group):
    """Fit rows with a term for one group against ``group``'s reference, errors clustered by person."""
    import statsmodels.api as sm

    levels = [group, *sorted(set(rows["ethnic_group"]) - {group})]
    exposure = pd.get_dummies(pd.Categorical(rows["ethnic_group"], categories=levels), drop_first=True, dtype=float)
    others = pd.get_dummies(rows[ADJUST].astype("str"), drop_first=True, dtype=float)
    x = pd.concat([exposure.set_axis(rows.index), others], axis=1).assign(one=1.0)
    model = sm.GLM(rows["y"], x, sm.families.Poisson(), offset=np.log(rows["t"]))
    clusters = {"groups": rows["person"], "use_correction": False}
    return x, levels[1:], model.fit(tol=1e-12, tol_criterion="params", cov_type="cluster", cov_kwds=clusters)


def same(row, log_ratio, variance):
    reach = 1.959963984540054 * np.sqrt(variance)
    expected = np.exp([log_ratio, log_ratio - reach, log_ratio + reach])
    assert np.allclose(row[["estimate", "lower", "upper"]].astype(float), expected, rtol=1e-6)


def test_whole_population(make_rows, make_cells):
    rows = make_rows(15, "rate")
    found = adjusted_ratios.adjusted(make_cells(rows), comparator="Whole population", adjust=ADJUST)
    x, groups, fit = row_fit(rows, "White British")

    def rate(rows_as):
        """Return the mean fitted rate, everyone being of one group, and the gradient of its logarithm."""
        mean = np.exp(rows_as @ fit.params) * rows["t"]
        return mean.sum(), (rows_as.mul(mean, axis=0)).sum() / mean.sum()

    whole, base = rate(x)
    for group in groups:
        moved, slope = rate(x.assign(**dict.fromkeys(groups, 0.0)).assign(**{group: 1.0}))
        gradient = slope - base
        row = found[found["ethnic_group"] == group].iloc[0]
        same(row, np.log(moved / whole), gradient @ fit.cov_params() @ gradient)


def test_all_others(make_rows, make_cells):
    rows = make_rows(15, "rate")
    found = adjusted_ratios.adjusted(make_cells(rows), comparator="All other groups", adjust=ADJUST)
    for group in ("Mixed", "White British"):
        recoded = rows.assign(ethnic_group=np.where(rows["ethnic_group"] == group, group, "others"))
        _, _, fit = row_fit(recoded, "others")
        row = found[found["ethnic_group"] == group].iloc[0]
        same(row, fit.params[group], fit.cov_params().loc[group, group])
