"""The same ethnic group in the other integrated care boards: what a ratio could be expected to be before looking here.

Gaps of one group are more alike over boards than gaps of different groups are within one: Black people are detained
about three times as often as White people nearly everywhere.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import ndtri

from pcref_analysis.estimates import random_effects
from pcref_analysis.population import catchment, resident_counts
from pcref_analysis.published import completeness, mental_health_act, talking_therapies
from pcref_analysis.published.mental_health_act import ENGLAND
from pcref_analysis.vocabulary import ethnicity

COLUMNS = ["indicator", "period", "ethnic_group", "boards", "ratio", "lower", "upper", "tau", "prior_mean", "prior_sd"]
COLUMNS += ["level"]
EACH_KEYS = ["indicator", "period", "ethnic_group"]
EACH = [*EACH_KEYS, "own", "ratio", "precision", "mean", "tau", "comparator", "level"]
ACT, THERAPIES = "Mental Health Act", "Talking Therapies"


@lru_cache(maxsize=4)
def _ratios(folder: Path, source: str, period: str, comparator: str) -> pd.DataFrame:
    people = _residents(folder)
    act = source == ACT
    parts = []
    for name in completeness.LEVELS if act and period == mental_health_act.period(folder) else ():
        parts.append(_of(name, mental_health_act.by_board(folder, name), people, once=False))
    counts = pd.DataFrame() if act else talking_therapies.by_board(folder, period)
    adults = people if act else people.mul(_share_of_adults(folder), level="ethnic_group")
    for name, (events, percent) in talking_therapies.MEASURES.items() if len(counts) else ():
        treated = counts["finished_course_treatment_n"]
        if name not in talking_therapies.OF_ALL_FINISHED:
            treated = treated - counts["not_at_caseness_n"]
        parts.append(_of(name, counts[events], treated if percent else adults, once=bool(percent)))
    if not parts:
        return pd.DataFrame(columns=["indicator", "period", "area", "ethnic_group", "effect", "variance"])
    table = pd.concat(parts, ignore_index=True).assign(period=period)
    ours = table[table["ethnic_group"].eq(comparator)].set_index(["indicator", "area"])[["level", "variance"]]
    theirs = ours.reindex(pd.MultiIndex.from_frame(table[["indicator", "area"]])).reset_index(drop=True)
    table["effect"] = np.log(table["level"]) - np.log(theirs["level"])
    table["variance"] += theirs["variance"]
    wanted = table["ethnic_group"].ne(comparator) & table["ethnic_group"].ne(ethnicity.UNKNOWN)
    return table.loc[wanted, ["indicator", "period", "area", "ethnic_group", "effect", "variance"]]


def _of(name: str, events: pd.Series, people: pd.Series, once: bool) -> pd.DataFrame:
    """Return levels and the variance of their logarithm by board and group; a suppressed count has neither."""
    both = pd.DataFrame({"events": events, "people": people.reindex(events.index)}).dropna()
    both = both[(both > 0).all(axis=1)]
    variance = 1 / both["events"] - (1 / both["people"] if once else 0.0)
    found = both.assign(indicator=name, level=both["events"] / both["people"], variance=variance)
    return found.rename_axis(["area", "ethnic_group"]).reset_index()


def _residents(folder: Path) -> pd.Series:
    """Return residents of all ages by board and broad group of the NHS basis."""
    parts = {
        board: resident_counts.totals(folder, catchment.lsoas(folder, board), "broad").set_index("ethnic_group")[
            "residents"
        ]
        for board in catchment.boards(folder)
    }
    return pd.concat(parts).rename_axis(["area", "ethnic_group"])


def _share_of_adults(folder: Path) -> pd.Series:
    """Return the share of each group's residents who are 16 and over, in England: for boards it is taken to be so."""
    people = resident_counts.by_age(folder, None, (0, 16)).groupby("ethnic_group")["residents"].sum()
    return talking_therapies.adults(folder, ENGLAND, "england") / people


def each(
    folder: Path, source: str, board: str, period: str, comparator: str = "White", level: float = 0.95
) -> pd.DataFrame:
    """Return each board's crude ratio of each ethnic group for a funnel: no names, and no order to rank by.

    The arguments are those of :func:`prior`; ``board`` is marked ``own``, all others are unnamed.

    Returns
    -------
    pandas.DataFrame
        ``indicator, period, ethnic_group, own, ratio, precision`` (1 over the variance of the logarithm: about the
        number of events of the group), ``mean, tau`` of the other boards (random effects), ``comparator, level``;
        sorted by precision.
    """
    table = _ratios(Path(folder), source, period, comparator)
    found = prior(folder, source, board, period, comparator, level)
    table = table.merge(found[["indicator", "period", "ethnic_group", "ratio", "tau"]], on=EACH_KEYS)
    table = table.rename(columns={"ratio": "mean"}).assign(
        own=table["area"].eq(board).map({True: "ours", False: "another"}), comparator=comparator, level=level,
        ratio=np.exp(table["effect"]), precision=1 / table["variance"],
    )  # fmt: skip
    return table.sort_values([*EACH_KEYS, "precision"])[EACH].reset_index(drop=True)


def prior(
    folder: Path, source: str, board: str, period: str, comparator: str = "White", level: float = 0.95
) -> pd.DataFrame:
    """Return what the other boards say of each ethnic group's crude ratio: a summary and a prior.

    Parameters
    ----------
    source
        :data:`ACT` or :data:`THERAPIES`.
    board
        The board that is left out, so that its own figure is not counted twice.
    period, comparator
        Financial year, and the group that ratios are taken to.
    level
        Of the intervals.

    Returns
    -------
    pandas.DataFrame
        :data:`COLUMNS`: ``ratio, lower, upper`` the mean of ``boards`` boards and its interval; ``tau`` the spread
        between boards; ``prior_mean, prior_sd`` of the logarithm of the ratio of one more board, chance apart.
        No rows of a year that the source does not hold.

    Raises
    ------
    NotPublishedError
        If a file that this rests on is not at hand.

    Notes
    -----
    Random effects (:func:`pcref_analysis.estimates.random_effects.dersimonian_laird`) over boards whose records are
    not in doubt and whose counts are not suppressed; where many are, as of small groups, the mean leans to areas with
    more events. Residents of 16 and over are taken to be the same share of a group everywhere.
    Rates count events, not people: the variance of chance is somewhat small and tau takes up the rest.
    It says what is usual, never what is right: a gap that is the same everywhere is a gap.
    """
    table = _ratios(Path(folder), source, period, comparator)
    if source == ACT:
        doubt = completeness.in_doubt(completeness.boards(folder, period))
        doubt = pd.MultiIndex.from_frame(doubt[["indicator", "area"]])
        table = table[~pd.MultiIndex.from_frame(table[["indicator", "area"]]).isin(doubt)]
    rows, score = [], float(ndtri(0.5 + level / 2))
    for keys, part in table[table["area"].ne(board)].groupby(["indicator", "period", "ethnic_group"]):
        found = random_effects.dersimonian_laird(part["effect"].to_numpy(), part["variance"].to_numpy())
        ends = np.exp(found.mean + np.array([0, -score, score]) * found.se)
        rows.append((*keys, found.areas, *ends, found.tau, found.mean, np.hypot(found.tau, found.se), level))
    return pd.DataFrame(rows, columns=COLUMNS).dropna(subset=["prior_mean"]).reset_index(drop=True)
