"""The Mental Health Services Monthly Statistics: a Trust's own detentions and restraint, as published month by month.

Two CSV layouts are read, whichever files a folder holds (``open_data.MONTHLY``): the monthly data file and the file of
restrictive interventions. Their columns are those that NHS England's publication code writes (repository
NHSDigital/mental-health-monthly-statistics: ``menh_bbrb``, and ``Restraints_Suppression/Published_CSV_Suppression``).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pandas as pd

from pcref_analysis.published import mental_health_act, organisations, publisher_rounding
from pcref_analysis.published.mental_health_act import ENGLAND, group_names
from pcref_analysis.store import open_data
from pcref_analysis.vocabulary import ethnicity
from pcref_analysis.vocabulary.errors import NotPublishedError, PcrefError

LAYOUT = [
    *("REPORTING_PERIOD_START", "REPORTING_PERIOD_END", "STATUS", "BREAKDOWN", "PRIMARY_LEVEL"),
    *("SECONDARY_LEVEL", "SECONDARY_LEVEL_DESCRIPTION", "MEASURE_ID", "MEASURE_VALUE"),
]
ALSO = {  # what the file of restrictive interventions calls them
    "LEVEL_ONE": "PRIMARY_LEVEL",
    "LEVEL_TWO": "SECONDARY_LEVEL",
    "LEVEL_TWO_DESCRIPTION": "SECONDARY_LEVEL_DESCRIPTION",
    "METRIC": "MEASURE_ID",
    "METRIC_VALUE": "MEASURE_VALUE",
}
DETENTIONS, PEOPLE, INTERVENTIONS, PER_BED_DAYS = "MHS81", "MHS76", "MHS77", "MHS96"
MADE_OF = (INTERVENTIONS, PER_BED_DAYS)  # bed days
MEASURES = {"detentions": DETENTIONS, "people_restrained": PEOPLE}
STATUSES = ("Performance", "Provisional", "Final")  # a later one replaces an earlier one of the same month
BROAD = "Upper Ethnicity"
UNKNOWNS = ("unknown", "not stated", "not known", "invalid", "missing/invalid")
ENDS = {"events": "at_risk", "events_low": "at_risk_low", "events_high": "at_risk_high"}
HALF = 0.5  # MHS96 is published as a whole number
EXTRACT = "mhsds_monthly_provider_2021_22_restraint_detention_beds.csv.gz"  # by name, without ethnic group
_WHERE = "Copy it again from the publisher and do not edit it in a spreadsheet"


def at_hand(folder: Path) -> list[Path]:
    """Return the monthly files that a folder of published figures holds."""
    return sorted(path for pattern in open_data.MONTHLY for path in Path(folder).glob(pattern))


def monthly(folder: Path) -> pd.DataFrame:
    """Return the counts that are used here, by month, organisation and ethnic group, as published.

    Returns
    -------
    pandas.DataFrame
        ``measure`` (MHS76, MHS77, MHS81, MHS96), ``month`` ("2023-04"), ``year`` (financial), ``org`` (a provider's
        code, or England), ``ethnic_group`` (broad) and ``value``; missing is suppressed ("*").
        Of a month that is published more than once the latest status is kept.

    Raises
    ------
    NotPublishedError
        If no such file is at hand.
    PcrefError
        If a file lacks a column, or a date or value is none: file, column and number of rows.
    """
    files = at_hand(folder)
    if not files:
        raise NotPublishedError(
            f"published figures: published by provider and ethnic group ({open_data.NHS_MHSDS}), but no file "
            f"{' or '.join(open_data.MONTHLY)} is in the folder"
        )
    facts = tuple((path, path.stat().st_mtime_ns) for path in files)
    return _monthly(facts).copy()


@lru_cache(maxsize=2)
def _monthly(files: tuple[tuple[Path, int], ...]) -> pd.DataFrame:
    table = pd.concat([_read(path) for path, _ in files], ignore_index=True)
    table["status"] = pd.Categorical(table["status"], STATUSES, ordered=True)
    keys = ["measure", "month", "org", "label"]
    table = table.sort_values("status", kind="stable").drop_duplicates(keys, keep="last")
    missing = table["value"].isna()  # of labels that are one group here (not stated, not known) a part is suppressed
    sums = table.assign(missing=missing).groupby(["measure", "month", "year", "org", "ethnic_group"])
    found = sums.agg(value=("value", "sum"), missing=("missing", "any")).reset_index()
    return found.assign(value=found["value"].mask(found["missing"])).drop(columns="missing")


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, OSError, EOFError) as error:
        raise PcrefError(f"open data: {path.name} cannot be read as CSV ({type(error).__name__}). {_WHERE}.") from None
    table = table.rename(columns=lambda name: name.strip().upper()).rename(columns=ALSO)
    if lacking := [name for name in LAYOUT if name not in table]:
        raise PcrefError(f"open data: {path.name} has no column {', '.join(lacking)}. {_WHERE}.")
    table = table[LAYOUT][table["MEASURE_ID"].isin([DETENTIONS, PEOPLE, INTERVENTIONS, PER_BED_DAYS])]
    where = table["BREAKDOWN"].str.split("; ", n=1, expand=True).reindex(columns=[0, 1])
    table = table.assign(kind=where[0])[where[0].isin(["Provider", ENGLAND]) & where[1].eq(BROAD)]
    start = _dates(path, table, "REPORTING_PERIOD_START")
    one = start.dt.to_period("M").eq(_dates(path, table, "REPORTING_PERIOD_END").dt.to_period("M"))
    value = pd.to_numeric(table["MEASURE_VALUE"].where(table["MEASURE_VALUE"].ne("*")), errors="coerce")
    if wrong := int((value.isna() & table["MEASURE_VALUE"].ne("*") | value.lt(0)).sum()):
        raise PcrefError(
            f"open data: {path.name}, MEASURE_VALUE is neither a count nor '*' in {wrong} row(s). {_WHERE}."
        )
    second = table["SECONDARY_LEVEL_DESCRIPTION"].where(table["SECONDARY_LEVEL_DESCRIPTION"].ne("NONE"))
    label = second.fillna(table["SECONDARY_LEVEL"]).where(table["SECONDARY_LEVEL"].ne("NONE"), table["PRIMARY_LEVEL"])
    group = group_names(label).mask(label.str.casefold().isin(UNKNOWNS), ethnicity.UNKNOWN)
    first = start.dt.year - start.dt.month.lt(4)
    found = pd.DataFrame(
        {
            "measure": table["MEASURE_ID"],
            "status": table["STATUS"],
            "month": start.dt.strftime("%Y-%m"),
            "year": first.astype(str) + "-" + ((first + 1) % 100).astype(str).str.zfill(2),
            "org": table["PRIMARY_LEVEL"].mask(table["kind"].eq(ENGLAND), ENGLAND),
            "label": label,
            "ethnic_group": group,
            "value": value,
        }
    )
    return found[one & group.notna()]


def _dates(path: Path, table: pd.DataFrame, column: str) -> pd.Series:
    text = table[column]
    found = pd.to_datetime(text, format="%Y-%m-%d", errors="coerce")
    found = found.fillna(pd.to_datetime(text, format="%d/%m/%Y", errors="coerce"))
    if wrong := int(found.isna().sum()):
        raise PcrefError(f"open data: {path.name}, {column} is no date (2023-04-01 or 01/04/2023) in {wrong} row(s).")
    return found


def by_ethnic_group(folder: Path, area: str, indicator: str, period: str) -> pd.DataFrame:
    """Return a Trust's own detentions, or people restrained, by broad ethnic group in a financial year.

    Parameters
    ----------
    area
        The ODS code of a Trust (its sites and merged Trusts are added up), or "England".
    indicator
        ``detentions``: per cent of the detentions with a known ethnic group, months added up. ``people_restrained``:
        people subject to restrictive intervention, counted again in each month, per 1,000 bed days.

    Returns
    -------
    pandas.DataFrame
        The columns of ``publisher_rounding``; the note says how many months are published. Bed days are not
        published by ethnic group: they are what MHS77 and MHS96 of the month leave, with the limits of both roundings.
        A group with a month in which one of them is suppressed has no rate: leaving it out would raise the rate.

    Raises
    ------
    NotPublishedError
        If there is no file, or it has no rows of the Trust in the year.

    Notes
    -----
    Detentions are no rate: a Trust has no residents. People are counted once a month, so one who is restrained in
    several months counts as many; interventions (MHS77) are not compared, since a few people have very many of them
    and the publication does not say how many.
    """
    table = monthly(folder)
    own = table["org"].eq(ENGLAND) if area == ENGLAND else organisations.is_providers(table["org"], table["year"], area)
    table = table[own & table["year"].eq(period)]
    here = table[table["measure"].eq(MEASURES[indicator])]
    groups = [*ethnicity.known_groups("broad"), ethnicity.UNKNOWN]
    here = here[here["ethnic_group"].isin(groups)]
    if here.empty:
        raise NotPublishedError(f"published figures: MHSDS monthly files have no {indicator} of '{area}' in {period}.")
    months = sorted(here["month"].unique())
    every = pd.MultiIndex.from_product([here["org"].unique(), months, groups], names=["org", "month", "ethnic_group"])
    keys = list(every.names)
    sent = pd.MultiIndex.from_frame(here[["org", "month"]].drop_duplicates())
    every = every[every.droplevel("ethnic_group").isin(sent)]  # a group without a row in a month that was sent: below 5
    counts = here.set_index(keys)[["value"]].reindex(every).reset_index()
    exact = area == ENGLAND and indicator == "detentions"
    if exact:
        counts["value"] = counts["value"].fillna(0)
    counts[["events_low", "events_high"]] = publisher_rounding.interval(counts["value"], exact=exact)
    found = counts.rename(columns={"value": "events"}).groupby("ethnic_group")[list(ENDS)].agg(_whole).reindex(groups)
    if indicator == "detentions":
        known = found.index != ethnicity.UNKNOWN
        for column, name in ENDS.items():
            found[name] = pd.Series(_whole(found.loc[known, column]), found.index).where(known)
    else:
        found = found.join(_bed_days(table, every).groupby("ethnic_group").agg(_whole))
    hidden = pd.Series("", found.index).mask(found["events"].isna(), publisher_rounding.SUPPRESSED)
    said = pd.Series(_months(len(months)), found.index)
    found = found.assign(area=area, note=publisher_rounding.join_notes(said, hidden))
    return _finish(found.rename_axis("ethnic_group").reset_index(), indicator, period)


def _months(months: int) -> str:
    return f"{months} of 12 months published" + (", the others perhaps not submitted" if months < 12 else "")


def _whole(values: pd.Series) -> float:
    return float(values.sum(skipna=False))


def _bed_days(table: pd.DataFrame, every: pd.MultiIndex) -> pd.DataFrame:
    """Return ``at_risk`` with its limits by organisation, month and group: MHS77 over MHS96, missing where one is."""
    both = table.set_index(["measure", *every.names])["value"]
    counts, rate = (both[name].reindex(every) if name in both else pd.Series(float("nan"), every) for name in MADE_OF)
    rate = rate.where(rate > HALF)
    ends = publisher_rounding.interval(counts)  # of a suppressed count there is no rate either
    low, high = ends["events_low"] / (rate + HALF), ends["events_high"] / (rate - HALF)
    return 1000 * pd.DataFrame({"at_risk": counts / rate, "at_risk_low": low, "at_risk_high": high})


def all_groups(folder: Path, trust: str) -> pd.DataFrame:
    """Return people restrained, all ethnic groups together, September 2021 to August 2022: of a Trust and England.

    The rows are those of :func:`by_ethnic_group` with the group "All"; the note says in how many of the twelve months
    there is a figure. It shows how complete records were, not what groups differ by. England is the sum of providers.

    Raises
    ------
    NotPublishedError
        If the extract is not at hand, or has no month of the Trust with both people and bed days.
    """
    names = open_data.read(folder, mental_health_act.FILE, ["org_code", "org_name"])
    names = names.loc[names["org_code"].isin(organisations.parts(trust)), "org_name"]
    table = open_data.read(folder, EXTRACT, ["month", "org_name", "series", "value"])
    keys = ["org_name", "month"]
    people, beds = (table[table["series"].eq(name)].set_index(keys)["value"] for name in ("rstr", "beds"))
    rows = pd.DataFrame({"events": people, "at_risk": beds.reindex(people.index)}).dropna(subset=["at_risk"])
    rows = rows.assign(**publisher_rounding.interval(rows["events"])).reset_index()
    parts = {trust: rows[rows["org_name"].isin(names)], ENGLAND: rows}
    if parts[trust].empty:
        raise NotPublishedError(f"published figures: {EXTRACT} has no month of '{trust}' with people restrained.")
    found = pd.DataFrame({area: part[[*ENDS, "at_risk"]].sum() for area, part in parts.items()}).T
    found = found.assign(at_risk_low=found["at_risk"], at_risk_high=found["at_risk"], ethnic_group="All")
    found["note"] = [_months(part["month"].nunique()) for part in parts.values()]
    return _finish(found.rename_axis("area").reset_index(), "people_restrained", "2021-22")


def _finish(found: pd.DataFrame, indicator: str, period: str) -> pd.DataFrame:
    share = indicator == "detentions"
    out = found.assign(
        indicator=indicator,
        period=period,
        area_kind=found["area"].map({ENGLAND: "england"}).fillna("provider"),
        measure="percent" if share else "rate",
        per=100 if share else 1000,
        published_rate=float("nan"),
    )
    return out[publisher_rounding.COLUMNS]
