"""Teams compared in how often they know the ethnic group of the people in their care; never ethnic groups.

Asking people their ethnic group is one task, the same in every team, so that a funnel is the right picture of it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from pcref_analysis.estimates import funnel
from pcref_analysis.store import runs
from pcref_analysis.vocabulary.parameters import Parameters

INDICATOR = "ethnicity_unknown_by_team"
ALL, REST, TEAM = "All", "Smaller teams, or no team recorded", "Team "
FEWEST = 50  # people: a team of fewer is counted with others, so that no name stands for a handful of people
# What passes for a code of a team: with a digit, and no five letters on end. A name may be a person's, or a place's.
CODE = r"(?=.*\d)(?!.*[A-Za-z]{5})[A-Za-z0-9][A-Za-z0-9._/-]{0,19}"
MOST_HIDDEN = 0.1  # share of teams that cannot be shown, above which the others do not tell how much teams differ
COLUMNS = ["indicator", "period", "team", "events", "at_risk"]
LIMITS = ["lower_95", "upper_95", "lower_99_8", "upper_99_8"]


def counts(run: str, parameters: Parameters) -> pd.DataFrame:
    """Return the counts of a run's teams (see :func:`named`); none of published figures, which name no teams."""
    if parameters.source.kind == "published":
        return _none()
    return named(runs.load(run, "teams"), parameters.period)


def named(counted: pd.DataFrame, period: str) -> pd.DataFrame:
    """Return the counts of the teams that may be named, of the others together, and of all.

    Parameters
    ----------
    counted
        ``period, team, events, at_risk``, as :func:`pcref_analysis.counting.team_counts.counted` returns them.
    period
        The financial year to compare.

    Returns
    -------
    pandas.DataFrame
        ``indicator, period, team, events, at_risk``: teams in the order of their codes, then those of fewer than 50
        people and people without a team's code together, then "All", the sum. Empty where fewer than two teams can
        be named: then nothing is compared.

    Examples
    --------
    >>> year = {"period": "2023-24"}
    >>> lines = [("A1", 6, 80), ("A2", 4, 60), ("B1", 2, 9), (None, 1, 5)]
    >>> found = named(pd.DataFrame([dict(year, team=t, events=e, at_risk=n) for t, e, n in lines]), "2023-24")
    >>> found[["team", "events", "at_risk"]]
                                     team  events  at_risk
    0                             Team A1       6       80
    1                             Team A2       4       60
    2  Smaller teams, or no team recorded       3       14
    3                                 All      13      154
    """
    part = counted[counted["period"] == period]
    code = part["team"].astype("string")
    fit = code.str.fullmatch(CODE).fillna(False).astype(bool) & (part["at_risk"] >= FEWEST)
    if fit.sum() < 2:
        return _none()
    teams = part[fit].assign(team=TEAM + code[fit].astype(object)).sort_values("team")
    rest, whole = part.loc[~fit, COLUMNS[3:]].sum(), part[COLUMNS[3:]].sum()
    more = [{"team": REST} | rest.to_dict()] if rest["at_risk"] else []
    out = pd.concat([teams, pd.DataFrame([*more, {"team": ALL} | whole.to_dict()])], ignore_index=True)
    return out.assign(indicator=INDICATOR, period=period)[COLUMNS]


def compared(released: pd.DataFrame) -> pd.DataFrame:
    """Return each team's share without a known ethnic group, with funnel limits about that of all teams together.

    Parameters
    ----------
    released
        Counts as released, from :func:`named`: teams of which one is suppressed get no figure.

    Returns
    -------
    pandas.DataFrame
        The table with ``estimate`` (per cent), ``target`` (of all teams together), ``lower_95, upper_95, lower_99_8,
        upper_99_8``, ``tau_squared`` (additive over-dispersion of :func:`pcref_analysis.estimates.funnel.limits`; none
        where more than a tenth of the teams cannot be shown), ``signal``, ``status``. Limits are given to teams alone,
        and are nowhere narrower than the exact ones of chance alone.
    """
    out = released.reset_index(drop=True)
    out["estimate"] = (100 * out["events"] / out["at_risk"]).where(out["at_risk"] > 0).astype(float)
    out["status"] = np.where(out["estimate"].isna(), "suppressed", "shown")
    out = out.assign(target=np.nan, **dict.fromkeys([*LIMITS, "tau_squared"], np.nan), signal="")
    goal = out.loc[out["team"].eq(ALL), "estimate"]
    drawn = out[out["team"].str.startswith(TEAM) & out["estimate"].notna()]
    if drawn.empty or goal.isna().any() or not 0 < goal.iloc[0] < 100:
        return out  # all known or all unknown: chance has no room
    tau_squared = 0.0
    if len(drawn) >= (1 - MOST_HIDDEN) * out["team"].str.startswith(TEAM).sum():
        shown = drawn[["team", "events", "at_risk"]]
        found = funnel.limits(shown, "team", "percent", goal.iloc[0], overdispersion="additive")
        tau_squared = float(found["tau_squared"].iloc[0])
    edges = _edges(drawn["at_risk"], goal.iloc[0], tau_squared).set_axis(drawn.index)
    out.loc[drawn.index, LIMITS] = edges[LIMITS]
    out.loc[drawn.index, ["target", "tau_squared"]] = goal.iloc[0], tau_squared
    return out.assign(signal=funnel.signals(out))


def lines(compared: pd.DataFrame) -> pd.DataFrame:
    """Return the limits for any number of people up to the largest team's, to draw the funnel: ``size`` and limits."""
    drawn = compared.dropna(subset=["target"])
    if drawn.empty:
        return pd.DataFrame(columns=["size", *LIMITS]).astype(float)
    size = np.unique(np.geomspace(FEWEST / 2, 1.08 * drawn["at_risk"].max(), 80).round())
    first = drawn.iloc[0]
    return _edges(size, first["target"], first["tau_squared"])


def _edges(size: np.ndarray, target: float, tau_squared: float) -> pd.DataFrame:
    """Return the limits with over-dispersion, or those of chance alone where these are wider (small shares)."""
    spread, chance = (funnel.curve(size, target, "percent", tau_squared=tau) for tau in (tau_squared, 0.0))
    wider = {c: (np.fmin if c.startswith("lower") else np.fmax)(spread[c], chance[c]) for c in LIMITS}
    return spread.assign(**wider)


def _none() -> pd.DataFrame:
    return pd.DataFrame(columns=COLUMNS).astype({"events": float, "at_risk": float})
