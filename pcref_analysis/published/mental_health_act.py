"""The Mental Health Act statistics: counts by ethnic group, by age and by deprivation, as published."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from pcref_analysis.population import catchment, resident_counts
from pcref_analysis.published import publisher_rounding
from pcref_analysis.store import open_data
from pcref_analysis.vocabulary import ethnicity
from pcref_analysis.vocabulary.errors import NotPublishedError

ENGLAND = "England"
EVERY_BOARD = "every board"
SUMMED = "sum of the boards' rounded counts; a suppressed one counts as 2"
FILE = "mha_2023_24_annual.csv.gz"
UNKNOWN_LOCAL = "ethnic group not stated, not known or missing; no residents to set against it"
UNKNOWN_ENGLAND = "ethnic group not stated or not known; events with no code at all are not in this table"
_DENOMINATORS = {
    ("local", "Asian or Asian British"): "published rate divides by the census' Asian, with Chinese; ours leaves "
    "Chinese out of both",
    ("local", "Other ethnic groups"): "published rate divides by the census' Other, without Chinese; ours counts "
    "Chinese in both",
    ("England", "White"): "published rate leaves Roma out of the residents; ours counts them in White",
    ("England", "Any other White background"): "published rate leaves Gypsy or Irish Traveller and Roma out of the "
    "residents; ours counts them here",
    ("England", "Any other ethnic group"): "published rate leaves Arab out of the residents; ours counts them here",
}
# indicator -> measure and subcategory, and where it is given by ethnic group
MEASURES = {
    "detentions": ("All detentions", "All", "boards and England"),
    "short_term_orders": ("Short term orders", "All", "boards and England"),  # sections 4, 5(2), 5(4), 135, 136
    "section_136": ("Short term orders", "Section 136", "England"),
    "cto_starts": ("Uses of CTOs", "All", "England"),
}
_ADMITTED, _AFTER = "Detentions on admission to hospital", "Detentions following admission to hospital"
_SAFETY = "Detentions following use of Place of Safety Order"
ROUTES = {  # by ethnic group for boards; the sections are part of the line above them
    "Detained on admission to hospital": (_ADMITTED, "All", "boards"),
    "On admission: section 2 (assessment)": (_ADMITTED, "Section 2", "boards"),
    "On admission: section 3 (treatment)": (_ADMITTED, "Section 3", "boards"),
    "On admission: Part 3 (courts and prisons)": (_ADMITTED, "All detentions under Part 3", "boards"),
    "Detained after admission to hospital": (_AFTER, "All", "boards"),
    "After admission: section 2 (assessment)": (_AFTER, "Section 2", "boards"),
    "After admission: section 3 (treatment)": (_AFTER, "Section 3", "boards"),
    "Detained after a place of safety order": (_SAFETY, "All", "boards"),
    "Detained when a community treatment order was revoked": (
        "Detentions following revocation of CTO",
        "All",
        "boards",
    ),
}
AGE_GROUPS = {  # of the publication; 16 to 17 cannot be told apart from 18 and 19 in the census by ethnic group
    "15 and under": "0-15",
    "16 to 17": "16-34",
    "18 to 34": "16-34",
    "35 to 49": "35-49",
    "50 to 64": "50-64",
    "65 and over": "65+",
}
AGE_CUTS = (0, 16, 35, 50, 65)


def by_ethnic_group(folder: Path, area: str, indicator: str = "detentions", detail: str = "broad") -> pd.DataFrame:
    """Return one measure of the Mental Health Act statistics by ethnic group, with its residents.

    Parameters
    ----------
    area
        The code of an integrated care board ("QUE"), or "England".
    indicator
        ``detentions`` or ``short_term_orders`` (boards and England), ``section_136`` or ``cto_starts`` (England
        only): what is published by ethnic group, and where; or one of :data:`ROUTES`. Short-term orders and routes
        are given for boards alone; England is their sum, records without a board among them, and so an interval too.
    detail
        ``broad``; for England also ``detailed``.

    Returns
    -------
    pandas.DataFrame
        The columns ``rounding.COLUMNS``, a row an ethnic group, Unknown last and without residents. ``events``
        is as published (missing: suppressed). ``at_risk`` is residents on the NHS basis, all ages.

    Raises
    ------
    NotPublishedError
        If the measure is not published by ethnic group for the area.

    Notes
    -----
    Only what is reported to the Mental Health Services Data Set is counted; detentions in acute hospitals
    are published without ethnic group. A board's figure counts its patients wherever they were detained:
    it is not the Trust's figure, which is not published by ethnic group. England leaves out people whose
    sex is not female or male; boards do not. England's "unknown" leaves out records without any code; boards' do not.
    """
    measure, subcategory, where = (MEASURES | ROUTES)[indicator]
    summed = area == ENGLAND and (indicator == "short_term_orders" or indicator in ROUTES)
    rows = _measured(folder, EVERY_BOARD if summed else area, "Ethnicity", measure, subcategory)
    unknown = [ethnicity.UNKNOWN] if detail == "broad" else ["Not stated", "Not known"]
    rows = rows.assign(ethnic_group=group_names(rows["demographic_breakdown"])).set_index("ethnic_group")
    wanted = [*ethnicity.known_groups(detail), *unknown]
    if not set(wanted) <= set(rows.index):
        raise NotPublishedError(
            f"published figures: {indicator} is published by {detail} ethnic group for {where}, not for {area}."
        )
    rows = _add_up(rows, wanted) if summed else rows.loc[wanted].reset_index()
    people = resident_counts.totals(folder, None if area == ENGLAND else catchment.lsoas(folder, area), detail)
    at_risk = rows["ethnic_group"].map(people.set_index("ethnic_group")["residents"])
    return _finish(folder, rows, at_risk, indicator, area, "rate", 100_000)


def repeat_detention(folder: Path) -> pd.DataFrame:
    """Return people detained at least twice among people detained, England: columns ``rounding.COLUMNS``.

    Broad groups, summed from the detailed ones: the published "Other Ethnic Groups" of this table
    has *not stated* and *not known* added to it. The table counts more detentions (71,458) than the headline
    (50,437); it says how often detention repeats, not how often people are detained.
    """
    rows = _rows(folder, ENGLAND, "Ethnicity")
    rows = rows[rows["measure"].eq("People subject to repeat detentions")]
    rows = rows.assign(ethnic_group=group_names(rows["demographic_breakdown"]))
    detailed = rows[rows["ethnic_group"].isin(ethnicity.categories()["ethnic_group"])]
    groups = ethnicity.to_broad(detailed["ethnic_group"])
    people = detailed["mhsds_count"].groupby(groups).sum()
    repeat = detailed["mhsds_count"].where(detailed["measure_subcategory"].ne("1"), 0).groupby(groups).sum()
    order = [group for group in ethnicity.BROAD_GROUPS if group in people.index]
    table = pd.DataFrame({"ethnic_group": order, "mhsds_count": repeat.loc[order].to_numpy()})
    table["crude_rate_per_100k"] = float("nan")
    return _finish(folder, table, people.loc[order].reset_index(drop=True), "repeat_detention", ENGLAND, "percent", 100)


def england_by_age(folder: Path) -> pd.DataFrame:
    """Return England's detentions and residents by age, all ethnic groups together: ``age_band, events, at_risk``.

    Ages 16 to 17 and 18 to 34 are one band, since the census by ethnic group has no cut at 18. Residents
    are those of the census, the same source as the local ones, and not the publication's mid-year estimate.
    """
    rows = _measured(folder, ENGLAND, "Age", *MEASURES["detentions"][:2])
    events = rows["mhsds_count"].groupby(rows["demographic_breakdown"].map(AGE_GROUPS)).sum()
    people = resident_counts.by_age(folder, None, AGE_CUTS).groupby("age_band")["residents"].sum()
    return pd.DataFrame({"events": events, "at_risk": people}).rename_axis("age_band").reset_index()


def by_deprivation(folder: Path, area: str) -> pd.DataFrame:
    """Return detentions by deprivation, 1 the most deprived: ``imd_decile, imd_quintile, events, low, high, rate``.

    This publication numbers the deciles from the least deprived ("01 Least deprived"); they are turned round
    here. The last row, without a decile, is people whose home area is not known. The version is that of 2019.
    """
    rows = _rows(folder, area, "IMD")
    rows = rows[rows["measure"].eq("All detentions") & rows["demographic_breakdown"].ne("All")].reset_index(drop=True)
    number = pd.to_numeric(rows["demographic_breakdown"].str[:2], errors="coerce")
    least_first = rows.loc[number.eq(1), "demographic_breakdown"].str.contains("Least").all()
    decile = (11 - number if least_first else number).astype("Int64")
    out = pd.DataFrame({"imd_decile": decile, "imd_quintile": (decile + 1) // 2, "events": rows["mhsds_count"]})
    out[["events_low", "events_high"]] = publisher_rounding.interval(out["events"], exact=area == ENGLAND)
    return out.assign(published_rate=rows["crude_rate_per_100k"]).sort_values("imd_decile", ignore_index=True)


def board_totals(folder: Path, indicator: str) -> pd.Series:
    """Return each integrated care board's total as published, all ethnic groups, by its code (42 boards)."""
    rows = _measured(folder, EVERY_BOARD, "All", *MEASURES[indicator][:2])
    return rows[rows["org_code"].ne("UNKNOWN")].set_index("org_code")["mhsds_count"].astype(float)


def by_board(folder: Path, indicator: str) -> pd.Series:
    """Return each board's count as published by ``area, ethnic_group`` (broad); missing is suppressed."""
    rows = _measured(folder, EVERY_BOARD, "Ethnicity", *MEASURES[indicator][:2])
    rows = rows.assign(ethnic_group=group_names(rows["demographic_breakdown"]), area=rows["org_code"])
    rows = rows[rows["ethnic_group"].isin(ethnicity.BROAD_GROUPS) & rows["area"].ne("UNKNOWN")]
    return rows.set_index(["area", "ethnic_group"])["mhsds_count"].astype(float)


def period(folder: Path) -> str:
    """Return the financial year of the file at hand ("2023-24")."""
    return str(open_data.read(folder, FILE, columns=["year"])["year"].iloc[0]).replace("/", "-")


def trust_total(folder: Path, codes: list[str]) -> float:
    """Return the detentions that a Trust reports, its codes summed; missing where none is published."""
    table = open_data.read(folder, FILE)
    here = table["organisation_breakdown"].eq("NHS Trust") & table["org_code"].isin(codes)
    rows = table[here & table["measure"].eq("All detentions") & table["demographic"].eq("All")]
    return float(rows["mhsds_count"].sum(min_count=1))


def group_names(labels: pd.Series) -> pd.Series:
    """Turn the labels of the NHS files into ethnic groups of the vocabulary; others become missing."""
    names = [*ethnicity.BROAD_GROUPS, *ethnicity.categories()["ethnic_group"]]
    mapping = {name.casefold(): name for name in names}
    mapping |= {"british": "White British", "irish": "White Irish", "not stated/not known/invalid": ethnicity.UNKNOWN}
    return labels.str.casefold().map(mapping)


def _rows(folder: Path, area: str, demographic: str) -> pd.DataFrame:
    table = open_data.read(folder, FILE)
    level, code = ("All submissions", "All prov") if area == ENGLAND else ("ICB", area)
    here = table["org_code"].ne("All prov") if area == EVERY_BOARD else table["org_code"].eq(code)
    found = table[table["organisation_breakdown"].eq(level) & here]
    if found.empty:
        raise NotPublishedError(f"published figures: {FILE} has no integrated care board '{area}'.")
    return found[found["demographic"].eq(demographic)]


def _measured(folder: Path, area: str, demographic: str, measure: str, subcategory: str) -> pd.DataFrame:
    rows = _rows(folder, area, demographic)
    return rows[rows["measure"].eq(measure) & rows["measure_subcategory"].eq(subcategory)]


def _add_up(rows: pd.DataFrame, wanted: list[str]) -> pd.DataFrame:
    """Return the sum of all boards with its interval; a suppressed count goes in as the middle of what it may be."""
    parts = rows[["mhsds_count"]].assign(**publisher_rounding.interval(rows["mhsds_count"]))
    middle = (parts["events_low"] + parts["events_high"]) / 2
    parts["mhsds_count"] = parts["mhsds_count"].fillna(middle)
    return parts.groupby(level=0).sum().loc[wanted].reset_index().assign(crude_rate_per_100k=float("nan"))


def _finish(
    folder: Path, rows: pd.DataFrame, at_risk: pd.Series, indicator: str, area: str, measure: str, per: int
) -> pd.DataFrame:
    exact = area == ENGLAND
    out = rows[["ethnic_group"]].assign(
        indicator=indicator,
        period=period(folder),
        area=area,
        area_kind="england" if exact else "icb",
        measure=measure,
        per=per,
    )
    out["events"], out["at_risk"] = rows["mhsds_count"].astype(float), at_risk.astype(float)
    out[["events_low", "events_high"]] = publisher_rounding.interval(out["events"], exact=exact)
    summed = "events_low" in rows
    if summed:
        out[["events_low", "events_high"]] = rows[["events_low", "events_high"]]
    out["at_risk_low"], out["at_risk_high"] = out["at_risk"], out["at_risk"]
    out["published_rate"] = rows["crude_rate_per_100k"].astype(float)
    kind = "England" if exact else "local"
    told = measure == "rate" and not summed  # where a published rate stands beside ours
    why = out["ethnic_group"].map(lambda group: _DENOMINATORS.get((kind, group), "") if told else "")
    nobody = pd.Series("", out.index).mask(out["at_risk"].isna(), UNKNOWN_ENGLAND if exact else UNKNOWN_LOCAL)
    hidden = pd.Series("", out.index).mask(out["events"].isna(), publisher_rounding.SUPPRESSED)
    added = pd.Series(SUMMED if summed else "", out.index)
    out["note"] = publisher_rounding.join_notes(hidden, nobody, added, why)
    return out[publisher_rounding.COLUMNS]
