"""NHS Talking Therapies by ethnic group: who is referred, who finishes a course, who recovers, as published."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pandas as pd

from pcref_analysis.population import catchment, resident_counts
from pcref_analysis.published import organisations, publisher_rounding
from pcref_analysis.published.mental_health_act import group_names
from pcref_analysis.store import open_data
from pcref_analysis.vocabulary import ethnicity
from pcref_analysis.vocabulary.errors import NotPublishedError, PcrefError

FILE = "nhs_talking_therapies_annual_by_ethnic_group.csv.gz"
CHARACTERISTICS = "nhs_talking_therapies_annual_local_all_characteristics.csv.gz"
KINDS = {
    "Age Group": "by age",
    "Gender": "by gender",
    "Indices of Deprivation Decile": "by deprivation of the home area",
}
# indicator -> numerator and the published percentage of courses (None: a rate of residents aged 16 and over)
MEASURES: dict[str, tuple[str, str]] = {
    "talking_therapies_referrals": ("referrals_received_n", ""),
    "talking_therapies_finished": ("finished_course_treatment_n", ""),
    "talking_therapies_recovery": ("recovery_n", "recovery_pct"),
    "talking_therapies_reliable_recovery": ("reliable_recovery_n", "reliable_recovery_pct"),
    "talking_therapies_improvement": ("improvement_n", "improvement_pct"),
    "talking_therapies_deterioration": ("deterioration_n", "deterioration_pct"),
}
OF_ALL_FINISHED = ("talking_therapies_improvement", "talking_therapies_deterioration")  # at caseness at first or not
RESIDENTS_NOTE = "residents aged 16 and over on census day 2021, for every year"
UNKNOWN_NOTE = "ethnic group not stated, not known or invalid"
SUMMED_NOTE = "sum of {} rows of the publication"
PART_SUPPRESSED = "a part of the sum is below 5, suppressed by the publisher"


def by_ethnic_group(
    folder: Path, area: str, kind: str, indicator: str, detail: str = "broad", periods: list[str] | None = None
) -> pd.DataFrame:
    """Return one measure of NHS Talking Therapies by ethnic group and financial year.

    Parameters
    ----------
    area
        "England", the code of an integrated care board, or the ODS code of a Trust.
    kind
        ``england``, ``icb`` or ``provider``. A board's row counts its patients at every service and answers
        who reaches therapy and how they fare; a Trust's row counts its own service and answers only how
        the people it treats fare: there are no residents of a Trust to set referrals against.
    indicator
        A key of :data:`MEASURES`.
    detail
        ``broad`` or ``detailed``.
    periods
        Financial years; all by default (2017-18 to 2024-25).

    Returns
    -------
    pandas.DataFrame
        The columns ``rounding.COLUMNS``. For percentages ``at_risk`` is what the published percentage divides by:
        finished courses for improvement and deterioration; for recovery the same less those of people not at
        caseness when they began, both rounded.
        Where the latter are suppressed, the number published as at caseness, which is a little lower, stands for
        the difference within the interval of the two. For rates it is residents aged 16 and over, NHS basis.
        Where a Trust reports under several codes in one year the counts and their intervals are summed.

    Raises
    ------
    NotPublishedError
        If the area has no rows.
    PcrefError
        If a rate is asked for a Trust.

    Notes
    -----
    Do not compare a Trust's recovery with another's: services differ in whom they take.
    """
    numerator, percent = MEASURES[indicator]
    if kind == "provider" and not percent:
        raise PcrefError(f"published figures: {indicator} needs residents; a Trust has none. Use its board's row.")
    rows = _rows(folder, area, kind, detail)
    if periods:
        rows = rows[rows["reporting_period"].isin(periods)]
        if rows.empty:
            raise NotPublishedError(f"published figures: {FILE} has no rows of {', '.join(periods)} for '{area}'.")
    keys = ["reporting_period", "ethnic_group"]
    exact = kind == "england"
    out = _sum(rows, keys, numerator, "events", exact)
    if percent:
        out = _with_treated(out, rows, keys, indicator, exact)
    else:
        out["at_risk"] = out["ethnic_group"].map(adults(folder, area, kind, detail))
        out["at_risk_low"], out["at_risk_high"] = out["at_risk"], out["at_risk"]
        out["published_rate"] = float("nan")
    out = out.rename(columns={"reporting_period": "period"}).assign(
        indicator=indicator,
        area=area,
        area_kind=kind,
        measure="percent" if percent else "rate",
        per=100 if percent else 100_000,
    )
    out["note"] = _notes(out, area)
    order = {name: place for place, name in enumerate(_wanted(detail))}
    return out.sort_values(["period", "ethnic_group"], key=lambda c: c.map(order) if c.name == "ethnic_group" else c)[
        publisher_rounding.COLUMNS
    ].reset_index(drop=True)


def by_characteristic(folder: Path, area: str, kind: str, indicator: str, period: str) -> pd.DataFrame:
    """Return a percentage of NHS Talking Therapies by age, gender and deprivation, one at a time, in a year.

    ``area, kind, indicator`` as in :func:`by_ethnic_group`: a percentage, of a Trust or England.

    Returns
    -------
    pandas.DataFrame
        The columns of counts and ``name`` (:data:`KINDS`); ``ethnic_group`` holds the category as published. Deciles
        are numbered from the least deprived.

    Raises
    ------
    NotPublishedError
        If the file at hand does not hold the area in that year: it holds England and few organisations.
    """
    numerator, _ = MEASURES[indicator]
    table = open_data.read(folder, CHARACTERISTICS)
    rows = table[of_area(table, area, kind) & table["variable_type"].isin(KINDS) & table["reporting_period"].eq(period)]
    if rows.empty:
        raise NotPublishedError(f"published figures: {CHARACTERISTICS} has no {kind} rows of {period} for '{area}'.")
    rows = rows.assign(ethnic_group=rows["variable_a"], name=rows["variable_type"].map(KINDS))
    keys, exact = ["name", "reporting_period", "ethnic_group"], kind == "england"
    out = _with_treated(_sum(rows, keys, numerator, "events", exact), rows, keys, indicator, exact)
    out = out.assign(indicator=indicator, area=area, area_kind=kind, measure="percent", per=100, note="")
    return out.rename(columns={"reporting_period": "period"})[["name", *publisher_rounding.COLUMNS]]


def by_board(folder: Path, period: str) -> pd.DataFrame:
    """Return the counts of every board in a year as published, by ``area, ethnic_group`` (broad)."""
    table = open_data.read(folder, FILE)
    here = table["org_type"].isin(["STP", "ICB"]) & table["reporting_period"].eq(period) & table["variable_b"].eq("All")
    rows = table[here & table["org_code"].ne("UNKNOWN")]
    rows = rows.assign(ethnic_group=group_names(rows["variable_a"]), area=rows["org_code"])
    return rows[rows["ethnic_group"].isin(ethnicity.BROAD_GROUPS)].set_index(["area", "ethnic_group"])


@lru_cache(maxsize=16)
def _rows(folder: Path, area: str, kind: str, detail: str) -> pd.DataFrame:
    """Return an area's rows, read once for all its measures; never to be changed."""
    table = open_data.read(folder, FILE)
    table = table[of_area(table, area, kind)]  # names are looked up for these rows alone
    unknown = table["variable_a"].str.startswith("Not stated", na=False)
    broad = table["variable_b"].eq("All")
    labels = table["variable_a"] if detail == "broad" else table["variable_b"].mask(unknown, table["variable_a"])
    table = table.assign(ethnic_group=group_names(labels))
    level = broad if detail == "broad" else ~broad | unknown
    rows = table[level & table["ethnic_group"].isin(_wanted(detail))]
    if rows.empty:
        raise NotPublishedError(f"published figures: {FILE} has no {kind} rows for '{area}'.")
    return rows


def of_area(table: pd.DataFrame, area: str, kind: str) -> pd.Series:
    """Say which rows are an area's: England's, a Trust's own, or a board's under any code that it has had."""
    if kind == "england":
        return table["org_type"].eq("England")
    if kind == "provider":
        own = organisations.is_providers(table["org_code"], table["reporting_period"], area)
        return table["org_type"].eq("Provider") & own
    codes = [area, *organisations.reference("area_formerly", area)["other_code"]]
    return table["org_type"].isin(["STP", "ICB"]) & table["org_code"].isin(codes)


def _wanted(detail: str) -> list[str]:
    return [*ethnicity.known_groups(detail), ethnicity.UNKNOWN]


def _sum(rows: pd.DataFrame, keys: list[str], column: str, name: str, exact: bool) -> pd.DataFrame:
    """Return the sum of a count and of its limits over the rows of a group; missing if a part is suppressed."""
    parts = rows[keys].assign(**{name: rows[column].astype(float)})
    parts[[f"{name}_low", f"{name}_high"]] = publisher_rounding.interval(parts[name], name, exact)
    grouped = parts.groupby(keys, as_index=False)
    out = grouped[[f"{name}_low", f"{name}_high"]].sum()
    complete = parts.assign(missing=parts[name].isna(), rows=1).groupby(keys, as_index=False)
    total = complete.agg(value=(name, "sum"), missing=("missing", "any"), rows=("rows", "sum"))
    return out.assign(**{name: total["value"].mask(total["missing"]), "rows": total["rows"]})


def _with_treated(out: pd.DataFrame, rows: pd.DataFrame, keys: list[str], indicator: str, exact: bool) -> pd.DataFrame:
    """Return the sums with the courses that the percentage divides by, and the percentage as published."""
    if indicator in OF_ALL_FINISHED:
        courses = _sum(rows, keys, "finished_course_treatment_n", "at_risk", exact).drop(columns="rows")
    else:
        courses = _treated(rows, keys, exact)
    out = out.merge(courses, on=keys)
    published = _only(rows, keys, MEASURES[indicator][1]).reindex(pd.MultiIndex.from_frame(out[keys]))
    return out.assign(published_rate=published.to_numpy())


def _treated(rows: pd.DataFrame, keys: list[str], exact: bool) -> pd.DataFrame:
    """Return ``at_risk`` with its limits: people who finished a course less those not at caseness at its start."""
    finished = _sum(rows, keys, "finished_course_treatment_n", "finished", exact)
    well = _sum(rows, keys, "not_at_caseness_n", "well", exact)
    out = finished.merge(well, on=keys).merge(_sum(rows, keys, "at_caseness_n", "ill", exact), on=keys)
    out["at_risk_low"] = (out["finished_low"] - out["well_high"]).clip(lower=0)
    out["at_risk_high"] = out["finished_high"] - out["well_low"]
    stand_in = out["ill"].clip(lower=out["at_risk_low"], upper=out["at_risk_high"])
    out["at_risk"] = (out["finished"] - out["well"]).fillna(stand_in)
    return out[[*keys, "at_risk", "at_risk_low", "at_risk_high"]]


def _only(rows: pd.DataFrame, keys: list[str], column: str) -> pd.Series:
    """Return the published percentage where one row makes the figure; a sum of rows has none."""
    grouped = rows.groupby(keys)[column]
    return grouped.first().mask(grouped.size() > 1)


@lru_cache(maxsize=16)
def adults(folder: Path, area: str, kind: str, detail: str = "broad") -> pd.Series:
    """Return residents of 16 and over by ethnic group of a board or England; never to be changed."""
    lsoas = None if kind == "england" else catchment.lsoas(folder, area)
    people = resident_counts.by_age(folder, lsoas, (0, 16), detail)
    return people[people["age_band"].eq("16+")].groupby("ethnic_group")["residents"].sum()


def _notes(out: pd.DataFrame, area: str) -> pd.Series:
    blank = pd.Series("", out.index)
    unknown = blank.mask(out["ethnic_group"].eq(ethnicity.UNKNOWN), UNKNOWN_NOTE)
    missing = out["events"].isna() | (out["at_risk"].isna() & out["at_risk_high"].notna())
    hidden = blank.mask(missing, publisher_rounding.SUPPRESSED).mask(missing & out["rows"].gt(1), PART_SUPPRESSED)
    summed = blank.mask(out["rows"].gt(1), out["rows"].map(SUMMED_NOTE.format))
    rate = out["measure"].eq("rate")
    basis = blank.mask(rate & out["at_risk"].notna(), RESIDENTS_NOTE)
    moved = [
        blank.mask(rate & out["at_risk"].notna() & out["period"].le(one.last_year), one.words + _checked(one.source))
        for one in organisations.reference("area_changed", area).itertuples(index=False)
    ]
    return publisher_rounding.join_notes(hidden, unknown, summed, basis, *moved)


def _checked(source: str) -> str:
    return " (to be checked at the Organisation Data Service)" if "background knowledge" in source else ""
