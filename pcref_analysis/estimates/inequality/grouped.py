"""Estimates and residents as one table of groups, for the measures that summarise all of them in one number."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from pcref_analysis.estimates.inequality import sampling_model
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.ethnicity import UNKNOWN, categories

KEYS = ("indicator", "period", "adjustment")


def sets(
    estimates: pd.DataFrame, population: pd.DataFrame | None, group: str, kind: str | None
) -> Iterator[tuple[dict[str, object], str, pd.DataFrame, str]]:
    """Yield, per indicator, period and adjustment, the key, the kind of estimate, the groups and a note.

    The groups are a sampling model (:func:`pcref_analysis.estimates.inequality.sampling_model.effective`) with
    ``group`` and ``weight``
    (shares of the residents, or of ``at_risk`` where ``population`` is None). The note counts groups without an
    estimate, which are left out, as is every row whose group is unknown.

    Raises
    ------
    PcrefError
        If columns are missing, a group repeats, the estimates are ratios or differences or out of range, or a group
        with an estimate has no residents.
    """
    frame = _checked(estimates, group)
    keys = [key for key in KEYS if key in frame]
    parts = frame.groupby(keys, sort=False, dropna=False) if keys else [((), frame)]
    for key, part in parts:
        named = dict(zip(keys, key, strict=True))
        which = _kind(part, kind)
        twice = int(part[group].duplicated().sum())
        if twice:
            raise PcrefError(
                f"estimates: {twice} row(s) repeat a value of '{group}' within {named or 'the table'}. Keep one "
                "estimate per group: one comparator, one measure."
            )
        weight = _weight(part, population, group, named)
        known = part["estimate"].notna()
        model = sampling_model.effective(part[known], which).assign(
            group=part.loc[known, group], weight=weight[known] / weight[known].sum()
        )
        yield named, which, model.reset_index(drop=True), _left_out(known, weight)


def keyed(table: pd.DataFrame, key: dict[str, object]) -> pd.DataFrame:
    """Put the key in front of the table."""
    return pd.concat([pd.DataFrame(key, index=table.index), table], axis=1)


def _checked(estimates: pd.DataFrame, group: str) -> pd.DataFrame:
    missing = [name for name in (group, "estimate", "lower", "upper", "level") if name not in estimates]
    if missing:
        raise PcrefError(f"estimates: column(s) {', '.join(missing)} are missing. Pass the result of a rate function.")
    unknown = set(categories().query("broad_group == @UNKNOWN")["ethnic_group"]) | {UNKNOWN}
    figures = estimates[["estimate", "lower", "upper"]].astype(float)
    estimates = estimates.assign(**figures.where(np.isfinite(figures)))  # a limit without end is no limit
    frame = estimates[~estimates[group].isin(unknown) & estimates[group].notna()]
    if frame.empty:
        raise PcrefError("estimates: no row with a known group.")
    return frame


def _kind(part: pd.DataFrame, kind: str | None) -> str:
    found = {kind} if kind else set(part["measure"].unique()) if "measure" in part else {"rate"}
    if len(found) != 1 or not found <= set(sampling_model.KINDS):
        raise PcrefError(
            f"estimates: measure is {', '.join(sorted(map(str, found)))}; use {', '.join(sampling_model.KINDS)}. "
            "Measures of inequality are taken of rates, percentages or means, not of ratios or differences."
        )
    which = found.pop()
    value = part["estimate"].astype(float)
    odd = int(((value < 0) | (value > (100 if which == "percent" else np.inf))).sum()) if which != "mean" else 0
    if odd:
        raise PcrefError(f"estimates: {odd} {which}(s) below 0 or, of percentages, above 100. Check what they measure.")
    return which


def _weight(part: pd.DataFrame, population: pd.DataFrame | None, group: str, key: dict[str, object]) -> pd.Series:
    """Return the residents (or, without a population, ``at_risk``) of each group."""
    if population is None:
        if "at_risk" not in part:
            raise PcrefError("estimates: without a population the column at_risk is needed as the weight.")
        weight = part["at_risk"].astype(float)
    else:
        on = [name for name in ("indicator", "period") if name in population and name in key]
        lost = [name for name in (group, "residents") if name not in population]
        if lost:
            raise PcrefError(f"population: column(s) {', '.join(lost)} are missing.")
        table = population
        for name in on:
            table = table[table[name] == key[name]]
        residents = table.groupby(group, dropna=False)["residents"].sum(min_count=1)
        weight = part[group].map(residents).astype(float)
    short = part.loc[part["estimate"].notna() & ~(weight > 0), group]
    if len(short):
        raise PcrefError(
            f"population: no residents for {len(short)} group(s) that have an estimate: {', '.join(map(str, short))}. "
            "Use the same group names in both."
        )
    return weight


def _left_out(known: pd.Series, weight: pd.Series) -> str:
    if known.all():
        return ""
    share = weight[~known].sum() / weight.sum()
    return f"{int((~known).sum())} of {len(known)} groups, {share:.1%} of residents, have no estimate and are left out"
