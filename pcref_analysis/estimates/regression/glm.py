"""Fit a generalised linear model to strata, with the person-clustered variance exact from sums over people.

A person stays in one stratum, so the covariates ``x`` are the same for all of that person's rows and the score of
person *i* in stratum *c* is ``x_c f_c (y_i - m_c t_i)`` with ``m_c`` the fitted rate (or proportion, or mean) and
``f_c`` a factor of the family (1 for Poisson and logistic, 1/m for gamma). The middle of the sandwich is then

    sum over c of  x_c x_c' f_c^2 (S_yy - 2 m_c S_yt + m_c^2 S_tt),

which needs only the sums over people ``S_yy = events_sq``, ``S_yt = events_at_risk``, ``S_tt = at_risk_sq``.

References
----------
Liang & Zeger, Biometrika 1986, 73:13-22. White, Econometrica 1980, 48:817-838.
Zou, American Journal of Epidemiology 2004, 159:702-706 (modified Poisson).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from pcref_analysis.estimates.regression.design import Design, design
from pcref_analysis.estimates.regression.model_data import Options, Problem
from pcref_analysis.vocabulary.errors import PcrefError

LEAST = 1e-12  # of the variance that the model alone would give
FAMILIES = ("poisson", "quasipoisson", "negbin", "logistic", "gamma")


@dataclass(frozen=True)
class Model:
    """A fitted model: coefficients and covariance over all columns of its design (zero where not fitted).

    ``result`` is the statsmodels result on the strata; its own standard errors are model-based.
    """

    design: Design
    family: str
    beta: np.ndarray
    covariance: np.ndarray
    bread: np.ndarray  # inverse of the observed information, without dispersion
    mean: np.ndarray  # fitted rate, proportion or mean of each stratum (0 or 1 where it runs to its limit)
    squares: np.ndarray  # sum over the people of each stratum of their squared residual
    factor: np.ndarray  # the family's factor on a person's residual; 0 where the stratum bears nothing
    dispersion: float  # Pearson chi-squared over its degrees of freedom
    alpha: float  # negative binomial: variance = mean + alpha mean^2
    robust: bool
    converged: bool
    result: Any

    @property
    def coefficients(self) -> pd.DataFrame:
        """Coefficients with the standard errors that the intervals use."""
        error = root(np.diag(self.covariance))
        table = pd.DataFrame({"term": self.design.names, "coefficient": self.beta, "std_error": error})
        return table[self.design.free].reset_index(drop=True)


def root(variance: np.ndarray) -> np.ndarray:
    """Return the square roots of variances; missing where one is negative, so that no interval is made of it."""
    return np.sqrt(np.where(variance < 0, np.nan, variance))


def fitted(
    p: Problem, adjust: list[str], ask: Options, reference: object = None, cross: str | None = None
) -> Model | None:
    """Return a fitted model; none where the reference (the comparator) has no events, or no stratum bears on a fit."""
    reference = ask.comparator if reference is None else reference
    if p.refused or not p.frame.loc[p.frame[ask.exposure] == reference, "y"].sum() > 0:
        return None
    d = design(p.frame, ask.exposure, reference, adjust, ask.family, cross)
    return fit_design(d, ask.family, ask.robust, ask.small_sample) if d.fitted.any() else None


def fit_design(d: Design, family: str, robust: bool = True, small_sample: bool = False) -> Model:
    """Fit one family to one design and return it with its covariance.

    ``robust``: the person-clustered sandwich, with the observed information as its bread (as statsmodels has it);
    otherwise the inverse of the expected information, times the dispersion for ``quasipoisson`` and ``gamma``.
    ``small_sample`` multiplies by ``G/(G-1) (n-1)/(n-k)``, where ``G`` is the sum of ``people`` and ``n`` that of
    ``rows`` (``people`` where absent).
    """
    if family not in FAMILIES:
        raise PcrefError(f"regression: family '{family}' is not one of {', '.join(FAMILIES)}.")
    result, alpha = _fit(d, family)
    beta = np.zeros(len(d.names))
    beta[d.free] = result.params
    mean = predicted(d, beta, family, d.x)
    factor, curve, expected_curve = _score_parts(d, mean, family, alpha)
    bread, dispersion = _inverse(d, curve), _dispersion(d, mean, family)
    squares = person_squares(d.frame, mean, mean, family)
    settled = bool(result.converged) and bool(np.isfinite(bread).all())
    model = Model(d, family, beta, bread, bread, mean, squares, factor, dispersion, alpha, robust, settled, result)
    covariance = _sandwich(model) if robust else _inverse(d, expected_curve)
    if not robust and family in ("quasipoisson", "gamma"):
        covariance = covariance * dispersion
    covariance = covariance * (_small_sample(d) if small_sample else 1.0)
    # Where the strata leave nothing to vary, what is left of sums that cancel is no variance, of whatever sign.
    settled = settled and bool((np.diag(covariance)[d.free] > LEAST * np.diag(bread)[d.free]).all())
    return replace(model, covariance=covariance, converged=settled)


def residual_squares(frame: pd.DataFrame, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Sum over people of ``(y - left t)(y - right t)`` in each stratum."""
    yy, yt, tt = (frame[name].to_numpy(float) for name in ("yy", "yt", "tt"))
    return yy - (left + right) * yt + left * right * tt


def person_squares(frame: pd.DataFrame, left: np.ndarray, right: np.ndarray, family: str) -> np.ndarray:
    """Return :func:`residual_squares`, at least Poisson's where sums over people were not given (``assumed``).

    Taking each person as one unit of time with at most one event makes the variance binomial: at 0.9 events a
    person-year a tenth of Poisson's. Nothing in such cells says so, except of proportions (``logistic``).
    """
    found = residual_squares(frame, left, right)
    if left is right:
        found = np.clip(found, 0, None)  # a sum of squares is below zero by the last digits only
    if family in ("logistic", "gamma") or "assumed" not in frame:
        return found
    least = np.sqrt(left * right) * frame["t"].to_numpy(float)
    floored = frame["assumed"].to_numpy(bool) & ~frame["is_mean"].to_numpy(bool)
    return np.where(floored, np.fmax(found, least), found)


def _sandwich(model: Model) -> np.ndarray:
    weight = model.factor**2 * model.squares
    used = weight != 0
    middle = (model.design.x[used] * weight[used, None]).T @ model.design.x[used]
    return model.bread @ middle @ model.bread


def predicted(d: Design, beta: np.ndarray, family: str, x: np.ndarray) -> np.ndarray:
    """Return the fitted rate, proportion or mean at rows ``x``: 0, 1 or infinite at a limit, missing if untold."""
    eta, top = x @ beta, 1.0 if family == "logistic" else np.inf
    mean = 1 / (1 + np.exp(-eta)) if family == "logistic" else np.exp(np.clip(eta, -700, 700))
    if not d.null.size:
        return mean
    toward = x @ d.limit
    untold = np.where(toward < -1e-7, 0.0, np.where(toward > 1e-7, top, np.nan))
    return np.where(np.abs(x @ d.null).max(axis=1) < 1e-7, mean, untold)


def average(model: Model, x: np.ndarray, weight: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the weighted mean of the fitted rates at rows ``x`` and its gradient in the coefficients."""
    mean = predicted(model.design, model.beta, model.family, x)
    mean = np.where(weight > 0, mean, 0.0)
    slope = mean * (1 - mean) if model.family == "logistic" else mean
    with np.errstate(invalid="ignore"):  # a group whose figure lies at a limit has no finite gradient
        return float(weight @ mean), (weight * slope) @ x


def _score_parts(d: Design, mean: np.ndarray, family: str, alpha: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the factor on a person's residual and the observed and expected information of each stratum."""
    y, t = d.sums["y"], d.sums["t"]
    mu = mean * t
    with np.errstate(divide="ignore", invalid="ignore"):
        if family == "gamma":
            parts = 1 / mean, y / mean, t
        elif family == "negbin":
            parts = 1 / (1 + alpha * mu), mu * (1 + alpha * y) / (1 + alpha * mu) ** 2, mu / (1 + alpha * mu)
        else:
            curve = mu * (1 - mean) if family == "logistic" else mu
            parts = np.ones_like(mean), curve, curve
    factor, curve, expected = (np.where(d.fitted, part, 0.0) for part in parts)
    return factor, curve, expected


def _inverse(d: Design, curve: np.ndarray) -> np.ndarray:
    x = d.x[:, d.free]
    inverse = np.zeros((len(d.names),) * 2)
    try:
        inverse[np.ix_(d.free, d.free)] = np.linalg.inv((x * curve[:, None]).T @ x)
    except np.linalg.LinAlgError:  # no information about a term: no limits
        inverse[np.ix_(d.free, d.free)] = np.nan
    return inverse


def _dispersion(d: Design, mean: np.ndarray, family: str) -> float:
    f = d.frame[d.fitted]
    m, free = mean[d.fitted], int(d.free.sum())
    y, t = f["y"].to_numpy(float), f["t"].to_numpy(float)
    if family == "gamma":
        chi, observed = residual_squares(f, m, m) / m**2, t.sum()
    else:
        chi, observed = (y - m * t) ** 2 / (m * t * ((1 - m) if family == "logistic" else 1)), len(f)
    return float(chi.sum() / (observed - free)) if observed > free else float("nan")


def _small_sample(d: Design) -> float:
    if "people" not in d.frame:
        raise PcrefError("regression: the small-sample factor needs the column 'people' (persons in each cell).")
    people = d.frame["people"].sum()
    rows = d.frame["rows"].sum() if "rows" in d.frame else people
    return float(people / (people - 1) * (rows - 1) / (rows - d.free.sum()))


def _fit(d: Design, family: str) -> tuple[Any, float]:
    from statsmodels.genmod import families

    x = d.x[np.ix_(d.fitted, d.free)]
    y, t = d.sums["y"][d.fitted], d.sums["t"][d.fitted]
    if family == "logistic":
        return _glm(y / t, x, families.Binomial(), var_weights=t), 0.0
    if family == "gamma":
        return _glm(y / t, x, families.Gamma(families.links.Log()), var_weights=t), 0.0
    offset = np.log(t)
    result = _glm(y, x, families.Poisson(), offset=offset)
    if family != "negbin":
        return result, 0.0
    alpha = _overdispersion(y, x, offset, result.fittedvalues)
    if alpha > 0:
        result = _glm(y, x, families.NegativeBinomial(alpha=alpha), offset=offset)
    return result, alpha


def _glm(y: np.ndarray, x: np.ndarray, family: Any, **weights: np.ndarray) -> Any:
    from statsmodels.genmod.generalized_linear_model import GLM

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what they warn of is told in words by the diagnostics
        return GLM(y, x, family=family, **weights).fit(maxiter=100, tol=1e-10, tol_criterion="params", wls_method="qr")


def _overdispersion(y: np.ndarray, x: np.ndarray, offset: np.ndarray, poisson: np.ndarray) -> float:
    """Maximum-likelihood alpha, coefficients refitted at each trial; 0 where strata vary no more than Poisson."""
    from scipy.optimize import brentq
    from scipy.special import digamma
    from statsmodels.genmod import families

    def slope(log_theta: float) -> float:
        theta = np.exp(log_theta)
        mu = _glm(y, x, families.NegativeBinomial(alpha=1 / theta), offset=offset).fittedvalues
        parts = digamma(y + theta) - digamma(theta) - np.log1p(mu / theta) + (mu - y) / (mu + theta)
        return float(parts.sum() * theta)

    if ((y - poisson) ** 2 - y).sum() <= 0:
        return 0.0
    low, high = -12.0, 14.0
    if slope(low) * slope(high) > 0:
        return 0.0
    return float(np.exp(-brentq(slope, low, high, xtol=1e-10)))
