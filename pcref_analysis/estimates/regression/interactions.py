"""Does the gap between ethnic groups differ by sex, age or deprivation?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pcref_analysis.estimates.entry import checked
from pcref_analysis.estimates.regression import model_data, results
from pcref_analysis.estimates.regression.glm import Model, fitted
from pcref_analysis.estimates.regression.model_data import Options, Problem
from pcref_analysis.vocabulary import notes
from pcref_analysis.vocabulary.errors import PcrefError

MORE = ["within", "stratum", "wald", "df", "p_value"]


@checked
def interaction(
    cells: pd.DataFrame,
    with_: str = "sex",
    exposure: str = "ethnic_group",
    comparator: object = "White British",
    adjust: list[str] | tuple[str, ...] = ("age_band", "sex"),
    family: str = "poisson",
    robust: bool = True,
    level: float = 0.95,
    *,
    outcome: str = "auto",
    unknown_exposure: str = "exclude",
    unknown_adjust: str = "exclude",
    interval: str = "normal",
) -> pd.DataFrame:
    """Return each group's ratio within each level of ``with_``, and one joint test that the ratios do not differ.

    Parameters
    ----------
    with_
        The column that the gap may differ by; it is adjusted for too.
    cells, exposure, comparator, adjust, family, robust, level, outcome, unknown_exposure, unknown_adjust, interval
        As in :func:`pcref_analysis.estimates.regression.adjusted_ratios.adjusted`; ``comparator`` is a level of the
        exposure, and unknown ethnic group is left out unless kept.

    Returns
    -------
    pandas.DataFrame
        The estimates shape plus ``within`` (the column), ``stratum`` (its level), and the joint Wald test of all
        products at once, the same in every row of an indicator and period: ``wald``, ``df``, ``p_value`` (chi-squared,
        person-clustered covariance). Products that the data cannot tell (no events) leave the test, and ``df`` falls.

    Raises
    ------
    PcrefError
        As ``adjusted``; also for a pooled comparator, a spline, or ``with_`` equal to the exposure.

    Examples
    --------
    >>> import pandas as pd
    >>> cells = pd.DataFrame({
    ...     "indicator": "detentions", "period": "2023-24", "ethnic_group": ["White British"] * 2 + ["Indian"] * 2,
    ...     "sex": ["Female", "Male"] * 2, "events": [40, 60, 30, 10], "at_risk": [40_000, 40_000, 10_000, 2_500]})
    >>> out = interaction(cells, "sex", adjust=[])
    >>> out[["stratum", "estimate", "p_value"]].round(2).values.tolist()
    [['Female', 3.0, 0.78], ['Male', 2.67, 0.78]]

    References
    ----------
    Wald A. Trans Am Math Soc 1943;54:426-482. A large p-value must not be read as "no difference": most Trusts have
    too few events to see one. Stratum ratios must not be ranked.
    """
    handling = (outcome, unknown_exposure, unknown_adjust)
    ask = Options(exposure, comparator, family, *handling, robust, level=level, interval=interval)
    ask.check(cells, pooled=False)
    if with_ in (exposure, "age_spline"):
        raise PcrefError("regression: an interaction needs a column other than the exposure, and no spline.")
    terms = list(adjust) if with_ in adjust else [*adjust, with_]
    rows: list[dict[str, Any]] = []
    for p in model_data.problems(cells, terms, ask):
        model = fitted(p, terms, ask, cross=with_)
        test = dict(zip(("wald", "df", "p_value"), _wald(model) if model else (np.nan,) * 3, strict=True))
        for group in [*dict.fromkeys(p.frame[exposure]), *p.empty]:
            for stratum in sorted(p.frame[with_].unique(), key=str) if group != comparator else ():
                rows.append(_row(p, model, group, with_, stratum, ask) | test)
    return results.finished(rows, ask, MORE, adjustment=model_data.adjustment_name(terms), within=with_)


def _wald(model: Model) -> tuple[float, float, float]:
    """Return the Wald statistic of every combination of products that the data can tell, its df and p-value."""
    from scipy.linalg import null_space
    from scipy.stats import chi2

    products = np.array([" x " in name for name in model.design.names])
    told = np.eye(int(products.sum()))
    if model.design.null.size:
        told = null_space(model.design.null[products].T, rcond=1e-9)
    if not told.size:
        return np.nan, 0.0, np.nan
    value = told.T @ model.beta[products]
    covariance = told.T @ model.covariance[np.ix_(products, products)] @ told
    df = float(np.linalg.matrix_rank(covariance, hermitian=True))
    wald = float(value @ np.linalg.pinv(covariance, hermitian=True) @ value)
    return wald, df, float(chi2.sf(wald, df))


def _row(p: Problem, model: Any, group: object, with_: str, stratum: object, ask: Options) -> dict[str, Any]:
    exposed, here = p.frame[ask.exposure], p.frame[with_] == stratum
    own, base = p.frame[here & (exposed == group)], p.frame[here & (exposed == ask.comparator)]
    sums = results.totals(own)
    row = results.row_of(p, ask.exposure, group, sums) | {"stratum": stratum}
    reason = results.refusal(p, sums, model)
    if model is not None and reason != "nobody" and not base["y"].sum() > 0:
        reason = "no_comparator_here"
    said = [notes.say(reason or "inseparable", comparator=ask.comparator)]
    if reason == "no_events":
        row["lower"], row["upper"] = results.one_sided(model, group, ask.level, (here & (exposed == group)).to_numpy())
    elif not reason:
        contrast = model.design.at(group, base.iloc[:1])[0] - model.design.at(ask.comparator, base.iloc[:1])[0]
        if model.design.estimable(contrast):
            row |= results.figures(model, float(contrast @ model.beta), contrast, ask)
            said = results.cautions(sums, model)
    return row | {"note": "; ".join([*said, *p.notes])}
