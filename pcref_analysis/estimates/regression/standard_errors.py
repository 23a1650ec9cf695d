"""Standard errors of what is read off a fit, and the degrees of freedom of their intervals."""

from __future__ import annotations

import numpy as np

from pcref_analysis.estimates.regression.glm import Model, person_squares, root


def spread(model: Model, gradient: np.ndarray, interval: str = "t") -> tuple[float, float]:
    """Return the standard error of a function of the coefficients and its degrees of freedom.

    ``gradient``: its derivative in the coefficients. The degrees of freedom are infinite for ``interval="normal"``
    and for model-based covariances; see :func:`degrees_of_freedom`.
    """
    error = float(root(gradient @ model.covariance @ gradient))
    if interval != "t" or not model.robust:
        return error, np.inf
    pull = _pull(model, gradient)
    return error, degrees_of_freedom(model, pull**2 * model.squares)


def spread_between(before: Model, g: np.ndarray, after: Model, h: np.ndarray, interval: str) -> tuple[float, float]:
    """Return the same for the difference of two functions, of two fits to the same strata (and so the same people)."""
    old, new = _pull(before, g), _pull(after, h)
    both = person_squares(before.design.frame, before.mean, after.mean, after.family)
    parts = np.clip(old**2 * before.squares + new**2 * after.squares - 2 * old * new * both, 0, None)
    return float(np.sqrt(parts.sum())), degrees_of_freedom(after, parts) if interval == "t" else np.inf


def degrees_of_freedom(model: Model, parts: np.ndarray) -> float:
    """Return Satterthwaite's degrees of freedom of a clustered variance that is the sum of ``parts`` over strata.

    For independent people they are ``2 (sum e^2)^2 / sum e^4`` with ``e`` a person's part in the error. Cells hold no
    fourth powers; taking the people of a stratum who carry its events as alike, their number ``n = y^2 / yy`` gives
    ``sum e^4 = sum of part^2 / n``. So a group whose events come from 20 people gets about 40 degrees of freedom.
    """
    people = model.design.carriers
    used = parts > 0
    total = float(parts[used].sum())
    return max(2 * total**2 / float((parts[used] ** 2 / people[used]).sum()), 1.0) if total > 0 else np.nan


def _pull(model: Model, gradient: np.ndarray) -> np.ndarray:
    """Return by how much a residual of one in each stratum moves the function."""
    return model.design.x @ (model.bread @ gradient) * model.factor
