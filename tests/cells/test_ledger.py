"""A messy extract of a few rows a table: every row is in the ledger, and whatever is left out, cells are made."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from ibis import _

from pcref_analysis.analysis import levels_and_gaps, model_checks, topics
from pcref_analysis.counting import aggregate, cells, detention, row_conditions, team_counts
from pcref_analysis.counting.row_conditions import RULES
from pcref_analysis.extract.schema import PERSONS, POPULATION_TABLES, declared
from pcref_analysis.vocabulary.ethnicity import categories
from pcref_analysis.vocabulary.indicators import catalogue

PERIODS = ["2022-23", "2023-24"]
SIZES = {PERSONS: 60, "MHS201CareContact": 400, "MHS401MHActPeriod": 150}
CODES = {
    "ServTeamTypeMH": ["A06", "A14", "C02", "C10", "A05"],
    "SourceOfReferralMH": ["A1", "F1", None],
    "MHAdmittedPatientClass": ["200", "201", "10", None],
    "MethAdmMHHospProvSpell": ["2A", "11", "81", None],
    "CommTreatOrdEndReason": ["02", "01", None],
    "CondDischEndReason": ["02", None],
    "LanguageCodePreferred": ["en", "pl", None],
    "LSOA2021": ["X01000001", "X01000002", "X01999999", None],
}
ALL = {name: entry for name, entry in catalogue().items() if entry.count and entry.count.rows}
SOME = ("detentions", "people_detained_caseload", "length_of_stay", "non_attendance", "ethnicity_known")


def lines(table, rng):
    """Return valid rows of a table, made of its declaration: optional values are missing now and then."""
    made = []
    for i in range(SIZES.get(table.name, 80)):
        begun, line = date(2021, 10, 1) + timedelta(int(rng.integers(0, 1200))), {}
        for name, column in table.columns.items():
            if name == "Person_ID":
                value = f"P{i if table.name == PERSONS else rng.integers(63)}"  # three people nobody knows
            elif column.type == "id":
                value = f"{column.references}{rng.integers(80)}" if column.references else f"{table.name}{i}"
            elif name in CODES:
                value = rng.choice(CODES[name])
            elif column.allowed():
                value = rng.choice(column.allowed())
            elif column.birth:
                value = f"{rng.integers(1930, 2016)}-06-01"
            elif column.type == "date" and column.required:
                value = begun.isoformat()
            elif column.type == "date":
                value = (begun + timedelta(int(rng.integers(0, 300)))).isoformat()
                value = value if rng.random() < (0.05 if "Death" in name or "Reject" in name else 0.7) else None
            elif column.type in ("integer", "number"):
                value = int(rng.integers(1, 30))
            else:
                value = "1"
            line[name] = None if not column.required and rng.random() < 0.05 else value
        made.append(line)
    return made


@pytest.fixture(scope="module")
def made():
    rng = np.random.default_rng(20260101)
    return {t.name: lines(t, rng) for t in declared().values() if t.name not in POPULATION_TABLES}


@pytest.fixture
def messy(extract, made):
    return extract(**made)


def test_every_row_of_every_table_is_counted_or_in_the_ledger_with_its_reason(messy, settings):
    """Rows with a day are in one period; what lasts is in each that it touches, and its rest in none."""
    found, ledger = cells.build(messy, settings(periods=PERIODS, period="2023-24"), ALL)
    assert set(found["period"]) == set(PERIODS)
    rows = ledger.groupby(["indicator", "side"])["rows"].sum()
    gone = set(ledger.loc[ledger["reason"].str.startswith("not available"), "indicator"])
    checked, lasting, loose = set(), set(), set()
    indirect = RULES["young_contacts"].rows(messy).filter(_.indirect == 1)
    again = row_conditions.in_periods(indirect, [2022, 2023]).count().execute()
    twice = RULES["second_contacts_in_year"].rows(messy).filter(_.seen_year.isin([2022, 2023]))
    twice = twice.count().execute() - twice["UniqServReqID"].nunique().execute()
    more = {"young_contacts": again, "second_contacts_in_year": twice}  # rows of another table; a year apart
    for name in set(ALL) - gone:
        count = ALL[name].count
        sides = [("events" if count.among else "at_risk", count.rows)]
        if count.among and not aggregate.of_residents(count):
            sides.append(("at_risk", count.among.rows))
        for side, rule in sides:
            columns, table = RULES[rule].rows(messy).columns, aggregate.source(rule)
            there = messy[table.name].count().execute()
            if table.key[0] not in columns:
                loose.add(rule)
            elif "date" in columns:
                assert rows[name, side] == there + more.get(rule, 0), (name, side, rule)
                checked.add(rule)
            else:
                assert rows[name, side] >= there, (name, side, rule)
                lasting.add(rule)
    assert loose <= {"joined_detentions"}  # its rows are several of the table's, joined
    counted = {e.count.rows for n, e in ALL.items() if n not in gone}
    assert counted <= checked | lasting | loose and len(checked) > 20
    referrals = messy["MHS101Referral"].execute()
    end = pd.to_datetime(referrals["ServDischDate"]).fillna(pd.Timestamp("2099-01-01"))
    start = pd.to_datetime(referrals["ReferralRequestReceivedDate"])
    inside = referrals["ReferRejectionDate"].isna() & (start <= "2024-03-31") & (end >= "2022-04-01")
    other = ledger.query("indicator == 'people_detained_caseload' and side == 'at_risk'")
    rest = other[other["reason"].eq(aggregate.NOT_COUNTED)]
    assert rest["rows"].sum() == (~inside).sum() > 0


def test_periods_under_the_act_that_fit_no_category_are_in_the_ledger(messy, settings):
    _, ledger = cells.build(messy, settings(periods=PERIODS, period="2023-24"), {"detentions": ALL["detentions"]})
    unfit = detention.act_periods(messy).execute().query("category == 'N'")
    year = pd.to_datetime(unfit["StartDateMHActLegalStatusClass"])
    year = year.dt.year - (year.dt.month < 4)
    told = ledger[ledger["reason"].str.startswith("period under the Act does not fit")].set_index("period")["rows"]
    assert told["2023-24"] == (year == 2023).sum() > 0 and told.sum() == len(unfit)


def users(table):
    return {n: e for n, e in ALL.items() if table in needs(e)}


def needs(entry):
    from pcref_analysis.counting import availability

    return availability.needs(entry)


TABLES = [name for name in declared() if name != PERSONS]


@pytest.mark.parametrize("name", TABLES)
def test_without_a_table_or_any_optional_column_cells_are_made_and_the_ledger_says_why(messy, settings, name):
    """Each case with every indicator that needs the table; the two tables of residents bring many of them."""
    parameters = settings(periods=PERIODS, period="2023-24")
    wanted = dict(list(users(name).items())[:4])
    _, ledger = cells.build({n: t for n, t in messy.items() if n != name}, parameters, wanted)
    said = ledger.groupby("indicator")["reason"].unique()
    assert all(any(name in reason for reason in said[n]) for n in wanted)
    team_counts.counted({n: t for n, t in messy.items() if n != name}, parameters)
    whole = messy[name].to_pyarrow()
    for place, (column, facts) in enumerate(declared()[name].columns.items()):
        if not facts.required:  # a table of the same name and columns: its statements are written once
            blank = whole.set_column(place, whole.field(column), pa.nulls(len(whole), whole.field(column).type))
            messy[name].get_backend().create_table(name, blank, overwrite=True)
            found, ledger = cells.build(messy, parameters, wanted)
            assert set(ledger["indicator"]) == set(wanted)
            counted = ledger[ledger["reason"].eq("counted")].groupby("indicator")["rows"].sum()
            assert set(counted.index) >= set(found["indicator"])


def estimated(data, parameters):
    """Return every table of estimates that the notebooks of a run make of these cells."""
    shown = levels_and_gaps.select(data, parameters)
    year = shown[shown["period"] == parameters.period]
    return {
        "levels": levels_and_gaps.together(
            [levels_and_gaps.crude(shown), levels_and_gaps.standardised(shown, parameters.standard)]
        ),
        "gaps": levels_and_gaps.ladder(shown, parameters.comparator),
        "others": levels_and_gaps.other_comparators(year),
        "detentions": topics.detentions(year, parameters),
        "expected": topics.expected(year, parameters),
        "fitness": model_checks.model_checks(year, parameters.comparator),
        "medians": topics.medians(pd.DataFrame(columns=[*cells.KEYS, "lower_day", "upper_day", "count"]), year),
    }


WHITE = categories().query("broad_group == 'White'")["ethnic_group"].tolist()
CASES = {
    "detentions": lambda cells: cells[cells["indicator"] != "detentions"],
    "everything": lambda cells: cells.head(0),
    "the period": lambda cells: cells[cells["period"] != "2023-24"],
    "the year before": lambda cells: cells[cells["period"] == "2023-24"],
    "the comparator, but for residents": lambda cells: cells[
        ~cells["ethnic_group"].isin(WHITE) | cells["indicator"].eq("detentions")
    ],
    "all groups but one": lambda cells: cells[cells["ethnic_group"].isin(WHITE)],
    "all ages": lambda cells: cells.assign(age_band="Not known"),
    "all areas": lambda cells: cells.assign(imd_quintile=pd.array([pd.NA] * len(cells), dtype="Int64")),
    "all events": lambda cells: cells.assign(events=0.0, events_sq=0.0, events_at_risk=0.0),
}


@pytest.fixture(scope="module")
def counted(extract, made, settings):
    parameters = settings(periods=PERIODS, period="2023-24", comparator="White")
    return cells.build(extract(**made), parameters, {name: ALL[name] for name in SOME})[0]


@pytest.mark.parametrize("gone", CASES)
def test_whatever_is_lacking_every_estimate_ends(counted, settings, gone):
    parameters, found = settings(periods=PERIODS, period="2023-24", comparator="White"), counted.copy()
    made = estimated(CASES[gone](found), parameters)
    there = set(CASES[gone](found).query("period == '2023-24'")["indicator"])
    assert set(made["levels"].query("period == '2023-24'")["indicator"]) == there
    assert ("detentions" in there and gone != "all ages") == (len(made["expected"]) > 0)
    assert set(made["fitness"]["indicator"]) <= there
    if gone.startswith("the comparator"):
        assert set(made["gaps"]["indicator"]) == {"detentions"} == set(made["fitness"]["indicator"])


def test_when_all_have_died_before_nobody_is_counted(extract, settings):
    """The rows are in the ledger, the indicators of people in care not available, those of residents nought."""
    rng = np.random.default_rng(1)
    made = {t.name: lines(t, rng) for t in declared().values() if t.name not in POPULATION_TABLES}
    made[PERSONS] = [line | {"PersDeathDate": "2020-01-01"} for line in made[PERSONS]]
    found, ledger = cells.build(extract(**made), settings(), {name: ALL[name] for name in SOME})
    assert set(found["indicator"]) == {"detentions"} and found["events"].sum() == 0
    reasons = ledger.groupby("indicator")["reason"].unique()
    assert "died before the period" in reasons["non_attendance"]
    assert "not available: nobody was at risk in the period" in reasons["non_attendance"]
