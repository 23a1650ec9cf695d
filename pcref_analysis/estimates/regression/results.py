"""Rows of the estimates shape for regression results: intervals, refusals and cautions in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pcref_analysis.estimates.intervals import EXACT_BELOW
from pcref_analysis.estimates.regression.glm import Model
from pcref_analysis.estimates.regression.model_data import Options, Problem
from pcref_analysis.vocabulary import notes

FEW = EXACT_BELOW
FIGURES = ("estimate", "lower", "upper")
NO_EVENTS = "no events in this group: only a one-sided limit exists"
ALL_EVENTS = "nothing but events in this group: only a one-sided limit exists"
INSEPARABLE = notes.say("inseparable")


def totals(own: pd.DataFrame) -> dict[str, Any]:
    """Return the sums of a group's strata, which :func:`refusal` and :func:`cautions` look at."""
    sums = {name: own[name].sum(skipna=name != "count") for name in ("y", "t", "yy", "count")}
    return sums | {"is_mean": bool(own["is_mean"].any())}


def row_of(p: Problem, exposure: str, group: object, sums: dict[str, Any]) -> dict[str, Any]:
    """Return the row that a group's result starts from: keys, counts, no figure yet."""
    row = {"indicator": p.indicator, "period": p.period, exposure: group}
    row |= {"events": sums["count"], "at_risk": sums["t"]}
    return row | dict.fromkeys(FIGURES, np.nan)


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


def limits(log_ratio: float, spread: tuple[float, float], level: float) -> np.ndarray:
    """Return a ratio and its limits from the standard error and degrees of freedom (infinite: normal) of its log."""
    from scipy.special import ndtri, stdtrit

    error, df = spread
    quantile = ndtri(0.5 + level / 2) if np.isinf(df) else stdtrit(df, 0.5 + level / 2)
    return np.exp([log_ratio, log_ratio - quantile * error, log_ratio + quantile * error])


def finished(rows: list[dict[str, Any]], ask: Options, more: list[str], **same: object) -> pd.DataFrame:
    """Return rows as a frame with the columns of the estimates shape, and ``more``."""
    columns = ["indicator", "period", ask.exposure, "comparator", "adjustment", "measure", *FIGURES]
    columns += ["level", "events", "at_risk", "note", *more]
    same |= {"comparator": ask.comparator, "measure": ask.measure, "level": ask.level}
    return pd.DataFrame(rows).assign(**same).reindex(columns=columns) if rows else pd.DataFrame(columns=columns)
