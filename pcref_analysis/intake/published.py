"""Official aggregates by ethnic group: counts as published, each with the interval that rounding leaves.

The result is not exact where the publisher rounded: ``events_low`` and ``events_high`` say between which
numbers the true count lies. Nothing is unpicked: a suppressed number is never worked out from totals,
from other groups, or from a published percentage.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from pcref_analysis.intake import catchment, open_data, population
from pcref_analysis.vocabulary import ethnicity
from pcref_analysis.vocabulary.errors import PcrefError

ENGLAND = "England"
MHA_PERIOD = "2023-24"
# Local counts below 5, zero among them, are suppressed; the others are rounded to the nearest 5. So a
# published 5 was 5 to 7, a published 30 was 28 to 32, and an empty cell was 0 to 4 (docs/published-figures.md).
SUPPRESSED_BELOW = 5
ROUNDED_TO = 5

COLUMNS = [
    *("indicator", "period", "area", "ethnic_group", "events", "events_low", "events_high"),
    *("at_risk", "at_risk_low", "at_risk_high", "published_rate", "note"),
]
NOTE_SUPPRESSED = "count below 5, suppressed by the publisher"
NOTE_UNKNOWN_LOCAL = "ethnic group not stated, not known or missing; no residents to set against it"
NOTE_UNKNOWN_ENGLAND = "ethnic group not stated or not known; events with no code at all are not in this table"
NOTE_WHITE_ENGLAND = "published rate leaves Roma out of the residents; ours counts them in White"
NOTE_OTHER = "published rate divides by the census' Other, without Chinese; ours counts Chinese in both"
NOTE_ASIAN = "published rate divides by the census' Asian, with Chinese; ours leaves Chinese out of both"

# indicator -> measure and subcategory in the Mental Health Act file, and where it is given by ethnic group
MHA_MEASURES = {
    "detentions": ("All detentions", "All"),
    "short_term_orders": ("Short term orders", "All"),  # sections 4, 5(2), 5(4), 135 and 136; boards only
    "section_136": ("Short term orders", "Section 136"),  # England only
    "cto_starts": ("Uses of CTOs", "All"),  # England only
}


def rounding_interval(counts: pd.Series, exact: bool = False) -> pd.DataFrame:
    """Return ``events_low`` and ``events_high``: between which whole numbers a published count lay.

    Parameters
    ----------
    counts
        Counts as published; missing is suppressed.
    exact
        True for England, whose counts are neither rounded nor suppressed.

    Examples
    --------
    >>> rounding_interval(pd.Series([30.0, 5.0, None])).values.tolist()
    [[28.0, 32.0], [5.0, 7.0], [0.0, 4.0]]
    """
    if exact:
        return pd.DataFrame({"events_low": counts, "events_high": counts})
    half = (ROUNDED_TO - 1) // 2
    low = (counts - half).clip(lower=SUPPRESSED_BELOW)
    return pd.DataFrame({"events_low": low.fillna(0), "events_high": (counts + half).fillna(SUPPRESSED_BELOW - 1)})


def mental_health_act(folder: Path, area: str, indicator: str = "detentions", detail: str = "broad") -> pd.DataFrame:
    """Return one measure of the Mental Health Act statistics by ethnic group, with its residents.

    Parameters
    ----------
    folder
        The folder of published figures.
    area
        The code of an integrated care board ("QUE"), or "England".
    indicator
        ``detentions`` (boards and England), ``short_term_orders`` (boards only), ``section_136`` or
        ``cto_starts`` (England only): what is published by ethnic group, and where.
    detail
        ``broad``; for England also ``detailed``.

    Returns
    -------
    pandas.DataFrame
        The columns :data:`COLUMNS`, a row an ethnic group, Unknown last and without residents. ``events``
        is as published (missing: suppressed). ``at_risk`` is residents on the NHS basis, all ages.

    Raises
    ------
    PcrefError
        If the measure is not published by ethnic group for the area.

    Notes
    -----
    Only detentions reported to the Mental Health Services Data Set are counted; detentions in acute
    hospitals are published without ethnic group. A board's figure counts its registered or resident
    patients wherever they were detained: it is not the Trust's figure, and is not published for a Trust.
    """
    measure, subcategory = MHA_MEASURES[indicator]
    table = open_data.read(folder, "mha_2023_24_annual.csv.gz")
    code = "All prov" if area == ENGLAND else area
    level = "All submissions" if area == ENGLAND else "ICB"
    here = table["organisation_breakdown"].eq(level) & table["org_code"].eq(code) & table["demographic"].eq("Ethnicity")
    rows = table[here & table["measure"].eq(measure) & table["measure_subcategory"].eq(subcategory)]
    rows = rows.assign(ethnic_group=_mha_groups(rows["demographic_breakdown"]))
    wanted = _wanted_groups(detail)
    rows = rows.set_index("ethnic_group").reindex(wanted).reset_index()
    if rows["measure"].isna().any():
        raise PcrefError(f"published figures: {indicator} is not published by {detail} ethnic group for {area}.")
    people = population.totals(folder, None if area == ENGLAND else catchment.lsoas(folder, area), detail)
    return _counts(rows, people, indicator, area)


def _counts(rows: pd.DataFrame, people: pd.DataFrame, indicator: str, area: str) -> pd.DataFrame:
    exact = area == ENGLAND
    out = rows[["ethnic_group"]].assign(
        indicator=indicator, period=MHA_PERIOD, area=area, events=rows["mhsds_count"].astype(float)
    )
    out[["events_low", "events_high"]] = rounding_interval(out["events"], exact)
    out["at_risk"] = out["ethnic_group"].map(people.set_index("ethnic_group")["residents"])
    out["at_risk_low"], out["at_risk_high"] = out["at_risk"], out["at_risk"]
    out["published_rate"] = rows["crude_rate_per_100k"]
    notes = pd.Series("", index=out.index)
    if exact:
        notes = notes.mask(out["ethnic_group"].eq("White"), NOTE_WHITE_ENGLAND)
    else:
        notes = notes.mask(out["ethnic_group"].eq("Other ethnic groups"), NOTE_OTHER)
        notes = notes.mask(out["ethnic_group"].eq("Asian or Asian British"), NOTE_ASIAN)
    unknown = NOTE_UNKNOWN_ENGLAND if exact else NOTE_UNKNOWN_LOCAL
    notes = notes.mask(out["at_risk"].isna(), unknown)
    suppressed = out["events"].isna()
    out["note"] = notes.mask(suppressed, (NOTE_SUPPRESSED + "; " + notes).str.removesuffix("; "))
    return out[COLUMNS]


def _wanted_groups(detail: str) -> list[str]:
    unknown = [ethnicity.UNKNOWN] if detail == "broad" else ["Not stated", "Not known"]
    return [*ethnicity.known_groups(detail), *unknown]


def _mha_groups(labels: pd.Series) -> pd.Series:
    """Turn the labels of the Mental Health Act file into ethnic groups of the vocabulary; others become missing."""
    names = [*ethnicity.BROAD_GROUPS, *ethnicity.categories()["ethnic_group"]]
    mapping = {name.casefold(): name for name in names}
    mapping |= {"british": "White British", "irish": "White Irish"}
    return labels.str.casefold().map(mapping)
