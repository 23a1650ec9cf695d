"""Rows of the estimates shape for regression results: intervals, refusals and cautions in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pcref_analysis.estimates.regression.glm import Model
from pcref_analysis.estimates.regression.model_data import ALL_OTHERS, WHOLE_POPULATION, Problem
from pcref_analysis.vocabulary import notes
from pcref_analysis.vocabulary.errors import PcrefError

FEW = 10
NO_EVENTS = "no events in this group: only a one-sided limit exists"
ALL_EVENTS = "nothing but events in this group: only a one-sided limit exists"
INSEPARABLE = notes.say("inseparable")


def check(cells: pd.DataFrame, exposure: str, comparator: object, level: float, interval: str = "t") -> None:
    """Raise for a comparator that no cell has, a level not between 0 and 1, or an interval of neither kind."""
    if interval not in ("t", "normal"):
        raise PcrefError("regression: interval must be 't' or 'normal'.")
    if not 0 < level < 1:
        raise PcrefError(f"regression: level must lie between 0 and 1 (0.95 for 95%), not {level}.")
    if exposure not in cells:
        raise PcrefError(f"regression: the cells have no column '{exposure}'.")
    if comparator not in (ALL_OTHERS, WHOLE_POPULATION) and not cells[exposure].isin([comparator]).any():
        raise PcrefError(
            f"regression: no cell has the comparator '{comparator}' in {exposure}. "
            f"Choose one of its levels, '{ALL_OTHERS}' or '{WHOLE_POPULATION}'."
        )


def totals(own: pd.DataFrame) -> dict[str, Any]:
    """Return the sums of a group's strata, which :func:`refusal` and :func:`cautions` look at."""
    sums = {name: own[name].sum(skipna=name != "count") for name in ("y", "t", "yy", "count")}
    return sums | {"is_mean": bool(own["is_mean"].any())}


def group_row(p: Problem, exposure: str, group: object) -> tuple[pd.DataFrame, dict[str, Any], dict[str, Any]]:
    """Return a group's strata, their :func:`totals`, and the row that its results start from."""
    own = p.frame[p.frame[exposure] == group]
    sums = totals(own)
    row = {"indicator": p.indicator, "period": p.period, exposure: group}
    row |= {"events": sums["count"], "at_risk": sums["t"]}
    return own, sums, row | dict.fromkeys(("estimate", "lower", "upper"), np.nan)


def refusal(p: Problem, sums: dict[str, Any], model: Model | None, comparator: object) -> str:
    """Say why a group gets no figure; empty where it gets one."""
    if p.refused:
        return p.refused
    if not sums["t"] > 0:
        return "no one at risk recorded in this group"
    if model is None:
        return f"the comparator ({comparator}) has no events or no one at risk, so nothing to compare with"
    if sums["y"] <= 0:
        return NO_EVENTS
    if model.family == "logistic" and np.isclose(sums["y"], sums["t"]):
        return ALL_EVENTS
    return ""


def cautions(sums: dict[str, Any], model: Model) -> list[str]:
    """Say what makes a figure that is given weak."""
    mean, y = sums["is_mean"], sums["y"]
    words = []
    if (sums["t"] if mean else y) < FEW:
        words.append(notes.say("few", number=FEW, what="observations" if mean else "events"))
    elif y**2 < FEW * sums["yy"]:
        words.append(notes.say("few_people", number=FEW))
    if model.family == "negbin" and model.alpha == 0:
        words.append(notes.say("as_poisson"))
    return words + ([] if model.converged else [notes.say("unsettled")])


def limits(value: float, spread: tuple[float, float], level: float, scale: str = "log") -> tuple[float, float, float]:
    """Return estimate and limits of a value on the ``log``, ``logit`` or ``identity`` scale.

    ``spread``: its standard error and degrees of freedom (infinite: normal).
    """
    from scipy.special import ndtri, stdtrit

    error, df = spread
    quantile = ndtri(0.5 + level / 2) if np.isinf(df) else stdtrit(df, 0.5 + level / 2)
    back = {"log": np.exp, "logit": lambda v: 1 / (1 + np.exp(-v)), "identity": lambda v: v}[scale]
    width = quantile * error
    return float(back(value)), float(back(value - width)), float(back(value + width))


def finished(rows: list[dict[str, Any]], exposure: str, more: list[str], **same: object) -> pd.DataFrame:
    """Return rows as a frame with the columns of the estimates shape, and ``more``."""
    columns = ["indicator", "period", exposure, "comparator", "adjustment", "measure", "estimate", "lower", "upper"]
    columns += ["level", "events", "at_risk", "note", *more]
    return pd.DataFrame(rows).assign(**same).reindex(columns=columns) if rows else pd.DataFrame(columns=columns)
