"""What the unknown ethnic group could do to a comparison: bounds without assumptions, and tipping points.

Nothing here guesses an ethnic group. The bounds hold whatever the unknown ethnic groups are; they say nothing about
which value between them is likely, and nothing about people recorded under a wrong group.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from pcref_analysis.estimates.entry import checked
from pcref_analysis.estimates.rates.comparators import ALL_OTHERS, POPULATION
from pcref_analysis.estimates.unknown.unknown_strata import COUNTS, strata, summed
from pcref_analysis.vocabulary.errors import PcrefError

ENDS = ("", "_low", "_high", "_proportional")
SHOWN = [*COUNTS, "unknown_events", "unknown_at_risk", "unknown_share"]
SHOWN += [name + end for name in ("rate", "ratio") for end in ENDS] + ["note"]


@checked
def bounds(
    cells: pd.DataFrame,
    comparator: str = "White British",
    *,
    by: Sequence[str] = ("indicator", "period"),
    group: str = "ethnic_group",
    percent: bool | Collection[str] = False,
    per: float = 100_000,
    over: Sequence[str] = (),
    standard: str | pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Bound each group's rate, and its ratio to the comparator, over every possible ethnic group of the unknown.

    Beside the figure from the known groups alone stand the lowest, the highest, and one with the unknown allocated in
    proportion to the known (within each stratum; in ``percent``, people with and without an event separately):

    - *Population denominators* (the unknown have events but are nobody's residents): lowest when none of the unknown
      events belongs to the group (and, for the ratio, all belong to the comparator); highest when all do.
    - *Caseload denominators* (the unknown have ``at_risk`` too): lowest when the group gains the people without an
      event and the comparator those with one; highest the other way round.

    Parameters
    ----------
    cells
        Columns ``by``, ``group``, ``over``, ``events``, ``at_risk``; rows of one group are summed. Unknown groups
        carry the vocabulary's names (Not stated, Not known, Unknown). Which denominator a table has is read from the
        ``at_risk`` of its unknown rows: none (0 or missing) means population.
    comparator
        A group, ``"All other groups"`` or ``"Whole population"``.
    by, group
        Columns that keep tables apart, and the column of the groups.
    percent
        True, or the indicators, where a unit of ``at_risk`` has at most one event (a proportion of people): unknown
        people with an event then bring their ``at_risk`` with them, which narrows caseload bounds. Elsewhere an event
        is allowed to come without any: such bounds hold but can be wider than possible.
    per
        Rates are per this many ``at_risk`` (100 for those in ``percent``).
    over, standard
        Strata and their weights (columns ``over`` and ``weight``, or the name of a shipped standard) for directly
        standardised rates, over the strata that anyone known is in. Events in strata
        that the standard does not have (an unknown age, say) are left out and counted in the note.

    Returns
    -------
    pandas.DataFrame
        ``by``, ``group``, ``comparator``, ``denominator`` (population or caseload), ``events, at_risk`` (known),
        ``unknown_events, unknown_at_risk, unknown_share`` (of all events), ``rate, rate_low, rate_high,
        rate_proportional``, ``ratio, ratio_low, ratio_high, ratio_proportional``, ``note``.

    Raises
    ------
    PcrefError
        If a column is missing, a count is missing or negative, or the comparator is not a known group of the cells.

    Examples
    --------
    >>> cells = pd.DataFrame({"ethnic_group": ["White British", "African", "Not known"],
    ...                       "events": [80, 30, 10], "at_risk": [1000, 100, 0]})
    >>> bounds(cells, by=[])[["ethnic_group", "ratio_low", "ratio", "ratio_high"]].round(2)
        ethnic_group  ratio_low  ratio  ratio_high
    0  White British       1.00   1.00         1.0
    1        African       3.33   3.75         5.0

    Notes
    -----
    Not confidence limits: chance comes on top. Not for saying what the ethnic groups of the unknown are.

    References
    ----------
    Manski CF. Nonparametric bounds on treatment effects. American Economic Review 1990;80:319-23. Horowitz JL, Manski
    CF. Nonparametric analysis of randomized experiments with missing covariate and outcome data. JASA 2000;95:77-84.
    """
    by, over = list(by), list(over)
    table = strata(cells, by, group, over, standard, comparator)
    if isinstance(percent, bool):
        binary = pd.Series(percent, table.index)
    else:
        binary = table["indicator"].isin(list(percent)) if "indicator" in table else pd.Series(False, table.index)
    gained, held = table["unknown_events"], table["unknown_at_risk"]
    _people_fit(table[[*by, *over]], binary & (held > 0) & (gained > held))
    with_event = gained.where(binary & (held > 0), 0.0)  # at_risk that the unknown events bring along
    without = held - with_event
    scale = table["weight"] * np.where(binary, 100.0, per)
    for side, events, at_risk in (("", "events", "at_risk"), ("other_", "other_events", "other_at_risk")):
        event, risk = table[events], table[at_risk].where(table[at_risk] > 0)
        table[f"{side}rate"] = scale * event / risk
        table[f"{side}rate_low"] = scale * event / (risk + without)
        table[f"{side}rate_high"] = scale * (event + gained) / (risk + with_event)
        table[f"{side}rate_proportional"] = scale * _proportional(table, event, risk, with_event > 0)
    if comparator == POPULATION:  # the whole holds the unknown, wherever they belong
        whole = scale * (table["other_events"] + gained) / (table["other_at_risk"] + held)
        table[["other_rate_low", "other_rate_high", "other_rate_proportional"]] = np.column_stack([whole] * 3)
    return _over_strata(table, by, group, comparator)


@checked
def tipping_point(
    cells: pd.DataFrame,
    comparator: str = "White British",
    *,
    by: Sequence[str] = ("indicator", "period"),
    group: str = "ethnic_group",
    over: Sequence[str] = (),
    standard: str | pd.DataFrame | None = None,
    ratio: float = 1.0,
    rest: str = "proportional",
) -> pd.DataFrame:
    """Return the share of the unknown events that would have to belong to a group for its ratio to reach ``ratio``.

    Parameters
    ----------
    cells, comparator, by, group, over, standard
        As in :func:`bounds`. Unknown ``at_risk`` (caseloads) is allocated in proportion to the known.
    ratio
        The ratio to reach; 1 means no gap.
    rest
        Where the other unknown events go: ``"proportional"`` to the known events of the other groups, or all to the
        ``"comparator"``, which makes tipping easiest for a group above the comparator.

    Returns
    -------
    pandas.DataFrame
        ``by``, ``group``, ``comparator``, ``events``, ``unknown_events``, ``known_share`` (the group's share of the
        known events), ``tipping_share`` (missing where no share between 0 and 1 does it), ``note``. A tipping share
        far from the known share means that the unknown are an unlikely reason for the gap.

    Examples
    --------
    >>> cells = pd.DataFrame({"ethnic_group": ["White British", "African", "Not known"],
    ...                       "events": [80, 6, 20], "at_risk": [1000, 100, 0]})
    >>> tipping_point(cells, by=[])[["ethnic_group", "known_share", "tipping_share"]].round(2).tail(1)
      ethnic_group  known_share  tipping_share
    1      African         0.07           0.18
    """
    if rest not in ("proportional", "comparator"):
        raise PcrefError(f"tipping_point: rest is '{rest}'; it must be 'proportional' or 'comparator'.")
    by = list(by)
    table = strata(cells, by, group, list(over), standard, comparator)
    fold = 1 + table["unknown_at_risk"] / table["known_at_risk"]
    own, other = (
        table["weight"] / (table[name] * fold).where(lambda n: n > 0) for name in ("at_risk", "other_at_risk")
    )
    others = table["known_events"] - table["events"]
    part = (table["other_events"] / others.where(others > 0)).fillna(0.0)
    if comparator in (POPULATION, ALL_OTHERS) or rest == "comparator":
        part = pd.Series(1.0, table.index)
    table["base"], table["gain"] = table["events"] * own, table["unknown_events"] * own
    table["other_base"], table["other_gain"] = table["other_events"] * other, table["unknown_events"] * part * other
    sums = ["base", "gain", "other_base", "other_gain"]
    out = summed(table, by, group, [*sums, "events", "unknown_events", "known_events"], sums)
    # base + s gain = ratio (other_base + (1 - s) other_gain); the whole population gains all of them whatever s is
    kept = 0.0 if comparator == POPULATION else 1.0
    need = ratio * (out["other_base"] + out["other_gain"]) - out["base"]
    share = need / (out["gain"] + kept * ratio * out["other_gain"]).where(lambda gain: gain > 0)
    out["known_share"] = out["events"] / out["known_events"].where(out["known_events"] > 0)
    out["tipping_share"] = share.where((share >= 0) & (share <= 1) & (out[group] != comparator))
    out["comparator"] = comparator
    out["note"] = _why_not(share, out[group] == comparator, ratio)
    columns = ["comparator", "events", "unknown_events", "known_share", "tipping_share", "note"]
    return out[[*by, group, *columns]]


def _why_not(share: pd.Series, same: pd.Series, ratio: float) -> np.ndarray:
    reasons = {
        "the comparator itself": same,
        "no unknown events, or no one at risk in some stratum": share.isna(),
        f"the ratio stays above {ratio:g} even if none of the unknown events belongs to the group": share < 0,
        f"the ratio stays below {ratio:g} even if all unknown events belong to the group": share > 1,
    }
    return np.select(list(reasons.values()), list(reasons), "")


def _proportional(table: pd.DataFrame, event: pd.Series, risk: pd.Series, people: pd.Series) -> pd.Series:
    """Allocate the unknown in proportion to the known; people with and without an event each on their own."""
    gained, held = table["unknown_events"], table["unknown_at_risk"]
    every, total = table["known_events"], table["known_at_risk"]
    events = event * (1 + (gained / every.where(every > 0)).fillna(0.0))
    spared = (held - gained) / (total - every).where(total > every)
    return events / (events + (risk - event) * (1 + spared.fillna(0.0))).where(people, risk * (1 + held / total))


def _over_strata(table: pd.DataFrame, by: list[str], group: str, comparator: str) -> pd.DataFrame:
    rates = [f"{side}rate{end}" for side in ("", "other_") for end in ENDS]
    counts = [*COUNTS, "unknown_events", "unknown_at_risk", "known_events"]
    out = summed(table, by, group, [*counts, *rates], rates)
    out["_left"] = table.groupby([*by, group], dropna=False, sort=False)["_left"].first().to_numpy()
    opposite = {"_low": "_high", "_high": "_low"}
    for end in ENDS:
        own, other = f"rate{end}", f"other_rate{opposite.get(end, end)}"
        ratio = out[own] / out[other].where(out[other] > 0)
        out[f"ratio{end}"] = ratio.mask(out[group] == comparator, 1.0)
    every = out["known_events"] + out["unknown_events"]
    out["unknown_share"] = out["unknown_events"] / every.where(every > 0)
    out["denominator"] = np.where(out["unknown_at_risk"] > 0, "caseload", "population")
    out["comparator"] = comparator
    notes = {
        "no one at risk (in some stratum): no rate": out["rate"].isna(),
        "the comparator has no one at risk: no ratio": out["other_rate"].isna(),
        "the comparator may have no events: no highest ratio": out["other_rate_low"].eq(0) & (out[group] != comparator),
    }
    texts = [pd.Series(np.where(where, note + ". ", ""), out.index) for note, where in notes.items()]
    left = out["_left"].map(lambda n: f"{n:g} events in strata that the standard lacks are left out." if n else "")
    out["note"] = (texts[0] + texts[1] + texts[2] + left).str.strip()
    return out[[*by, group, "comparator", "denominator", *SHOWN]]


def _people_fit(tables: pd.DataFrame, wrong: pd.Series) -> None:
    if wrong.any():
        count = max(1, len(tables[wrong].drop_duplicates()))
        raise PcrefError(
            f"cells: {count} table(s) given as percent have more events than at_risk among the unknown. "
            "Leave the indicator out of percent if a person can have several events."
        )
