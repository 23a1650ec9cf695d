"""The little language of the catalogue: what fits, what does not and how that is said, and the SQL that comes of it."""

import os
import re
from functools import cache

import ibis
import pytest
import yaml

from pcref_analysis.analysis import levels_and_gaps
from pcref_analysis.counting import aggregate, availability, cells, row_conditions
from pcref_analysis.vocabulary import indicators
from pcref_analysis.vocabulary.errors import PcrefError

WORDS = """
name: Referrals by the police
domain: access
question: How often do the police refer residents?
numerator: Referrals by the police
denominator: Residents
at_risk: residents
measure: rate
per: 100000
unit: referrals
polarity: context
severity: 2
story: police
repeat_events: true
source: This Trust
caveat: None known.
valid_from: "2020-01-01"
"""
COUNT = "{rows: referrals_received, where: [{column: SourceOfReferralMH, eq: F1}], among: {rows: residents}}"


def entry(count=COUNT, **changes):
    at_risk = "residents" if "residents" in count else "contacts"  # so that a fault is the count's own
    fields = yaml.safe_load(WORDS) | {"at_risk": at_risk, "count": yaml.safe_load(count)} | changes
    return {"police_referrals": {key: value for key, value in fields.items() if value is not None}}


def faults(count=COUNT, **changes):
    with pytest.raises(PcrefError) as error:
        availability.check(indicators.read(entry(count, **changes), "mine.yml"), "mine.yml")
    message = str(error.value)
    assert message.startswith("indicators: mine.yml has ")
    assert "Traceback" not in message
    return [line.strip() for line in message.splitlines()[1:]]


def test_the_shipped_catalogue_fits():
    shipped = indicators.catalogue()
    assert sum(e.count is not None for e in shipped.values()) >= 35
    availability.check(shipped)
    assert all(text.strip() for e in shipped.values() for text in (e.name, e.question, e.caveat, e.source, e.story))
    assert {e.domain for e in shipped.values()} == {"recording", "prevalence", "access", "experience", "outcomes"}
    assert {n for n, e in shipped.items() if e.story == "detention"} == {
        "detentions",
        "people_detained_caseload",
        "people_detained_inpatients",
    }
    published = {"talking_therapies_referrals", "talking_therapies_finished"}
    assert published <= {name for name, e in shipped.items() if e.count is None}


def test_severity_is_highest_where_force_is_used_or_liberty_lost():
    worst = {name for name, e in indicators.catalogue().items() if e.severity == 4}
    assert {"detentions", "seclusion", "section_136", "cto_starts", "restrictive_interventions"} <= worst
    assert not {"new_referrals", "non_attendance", "ethnicity_known"} & worst


def test_words_say_nothing_that_the_house_does_not_say():
    text = indicators.Path(indicators.__file__).with_name("indicators.yml").read_text(encoding="utf-8")
    assert not re.search(r"BAME|explained (away|by)|baseline|normal\b|caused by|because of their", text)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"polarity": "up"}, "police_referrals.polarity: "),
        ({"severity": 5}, "police_referrals.severity: "),
        ({"domain": None}, "police_referrals.domain: is missing"),
        ({"caveat": None}, "police_referrals.caveat: is missing"),
        ({"sql": "drop table x"}, "police_referrals.sql: unknown key"),
        ({"valid_from": "01/04/2021"}, "police_referrals.valid_from: must be a day, year-month-day"),
        ({"computes": "MHS1"}, "police_referrals.computes: must be a list"),
        ({"measure": "mean"}, "police_referrals.entry: measure: mean and count.value go together"),
        ({"caveat": " "}, "police_referrals.caveat: is empty"),
        ({"per": 0}, "police_referrals.per: must be more than 0"),
        ({"per": None}, "police_referrals.per: is missing"),
        ({"measure": "percent"}, "police_referrals.entry: measure: percent is per 100"),
        ({"measure": "percent", "per": 100}, "police_referrals.entry: measure: percent among others needs"),
        ({"at_risk": "caseload"}, "police_referrals.entry: at_risk: residents and count.among"),  # shown unrounded
        ({"repeat_events": False}, "police_referrals.entry: repeat_events: false and count.unit: people"),
        ({"valid_from": "2021-02-31"}, "police_referrals.valid_from: day is out of range"),
    ],
)
def test_a_field_that_does_not_fit_is_named(changes, line):
    assert any(fault.startswith(line) for fault in faults(**changes)), faults(**changes)


@pytest.mark.parametrize(
    ("count", "line"),
    [
        ("{rows: referals, event: []}", "police_referrals.count.rows: there is no counting rule 'referals'"),
        (
            "{rows: contacts, event: [{column: Attended, eq: Y}]}",
            "police_referrals.count.event: there is no column 'Attended' in these rows",
        ),
        (
            "{rows: contacts, event: [{column: AttendStatus, eq: 5}]}",
            "police_referrals.count.event: 'AttendStatus' is compared with text in quotes",
        ),
        (
            "{rows: discharges, event: [{column: length, ge: '60'}]}",
            "police_referrals.count.event: 'length' is compared with a number",
        ),
        (
            "{rows: contacts, event: [{column: AttendStatus, like: '%'}]}",
            "police_referrals.count.event.0.like: unknown key",
        ),
        (
            "{rows: contacts, event: [{column: AttendStatus}]}",
            "police_referrals.count.event.0: needs exactly one of in, not_in, eq",
        ),
        (
            "{rows: contacts, event: [{column: AttendStatus, eq: '5', ne: '6'}]}",
            "police_referrals.count.event.0: needs exactly one of in, not_in, eq",
        ),
        ("{rows: contacts}", "police_referrals.count: needs exactly one of event, value, among"),
        ("{rows: residents, event: []}", "police_referrals.count: rows: residents stands under among alone"),
        ("{rows: contacts, event: [{column: AttendStatus, in: []}]}", "police_referrals.count.event.0: holds no code"),
        (
            "{rows: contacts, among: {rows: residents}, where: [{column: AttendStatus, eq: '05'}]}",
            "police_referrals.count.where: 'AttendStatus' has no code '05'; codes: 2, 3",
        ),
        (
            "{rows: contacts, among: {rows: residents}, where: [{column: teams, in: [A14]}]}",
            "police_referrals.count.where: 'teams': any_of and none_of are for teams",
        ),
        (
            "{rows: contacts, among: {rows: residents}, where: [{column: CareContDate, ge: 2021}]}",
            "police_referrals.count.where: 'CareContDate' is a day, of which missing alone",
        ),
        (
            "{counts: STAFF, at_risk_of: ethnicity_known}",
            "police_referrals.at_risk: must be caseload, which ethnicity_known has at risk",
        ),
        (
            "{rows: delays, among: {rows: residents, ages: [17, 0]}}",
            "police_referrals.count.among: ages must be from and to",
        ),
        (
            "{rows: contacts, at_least: 2, event: []}",
            "police_referrals.count: at_least needs unit: people and among",
        ),
        (
            "{rows: delays, total: UniqHospProvSpellID, among: {rows: bed_days, at_risk: days}}",
            "police_referrals.count.total: 'UniqHospProvSpellID' is not a column of numbers in these rows",
        ),
        (
            "{rows: delays, among: {rows: bed_days, at_risk: nights}}",
            "police_referrals.count.among.at_risk: 'nights' is not a column of numbers in these rows",
        ),
        ("{rows: delays, among: {rows: everybody}}", "police_referrals.count.among.rows: there is no counting rule"),
        (
            "{rows: delays, among: {rows: residents, where: [{column: age, lt: 18}]}}",
            "police_referrals.count.among.where: there is no column 'age' in these rows",
        ),
        ("drop table MHS001MPI", "police_referrals.count: "),
        (
            "{rows: contacts, event: [{column: 'AttendStatus) --', eq: x}]}",
            "police_referrals.count.event: there is no column",
        ),
    ],
)
def test_a_count_that_does_not_fit_is_named_with_its_field(count, line):
    assert any(fault.startswith(line) for fault in faults(count)), faults(count)


@pytest.mark.parametrize(
    ("needs", "rows", "said"),
    [
        (("MHS101Referral",), lambda t: t["MHS101Referral"], "must have Person_ID, and date or start and until"),
        (
            ("MHS101Referral.Nothing",),
            lambda t: t["MHS101Referral"],
            "needs MHS101Referral.Nothing, which is not in the",
        ),
    ],
)
def test_a_counting_rule_that_lacks_what_a_row_must_have_is_said(needs, rows, said, monkeypatch):
    monkeypatch.setitem(row_conditions.RULES, "new_rule", row_conditions.Rule("new_rule", needs, rows))
    with pytest.raises(PcrefError, match=f"counting rule 'new_rule': .*{said}"):
        availability.check(indicators.read(entry("{rows: new_rule, event: []}"), "mine.yml"))


@pytest.mark.parametrize("text", ["- a\n- b\n", "police: 3\n", "police:\n", "a: [\n"])
def test_a_file_that_is_no_catalogue_is_said_to_be_none(tmp_path, text):
    path = tmp_path / "demo-indicators.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PcrefError, match=r"indicators: demo-indicators.yml"):
        indicators.with_local(path)


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A project whose run "tiny" has an indicator of its own, and one that is none of its business."""
    folder = tmp_path / "notebooks" / "parameters"
    folder.mkdir(parents=True)
    (folder / "tiny-indicators.yml").write_text(yaml.safe_dump(entry()), encoding="utf-8")
    other = {"other_referrals": entry()["police_referrals"]}
    (folder / "other-indicators.yml").write_text(yaml.safe_dump(other), encoding="utf-8")
    monkeypatch.setenv("PCREF_HOME", str(tmp_path))
    return folder


@pytest.fixture
def referrals(extract):
    lines = [
        {
            "UniqServReqID": f"R{source}",
            "Person_ID": "P1",
            "ReferralRequestReceivedDate": "2023-05-01",
            "SourceOfReferralMH": source,
        }
        for source in ("F1", "A1", None)
    ]
    return extract(MHS001MPI=[{"Person_ID": "P1"}], MHS101Referral=lines)


def test_a_trusts_own_indicator_is_an_entry_not_code(own, referrals, settings):
    found, ledger = cells.build(referrals, settings())
    assert found.query("indicator == 'police_referrals'")["events"].sum() == 1
    assert found.query("indicator == 'new_referrals'")["events"].sum() == 3
    mine = ledger.query("indicator == 'police_referrals'").set_index("reason")["rows"]
    assert mine.to_dict() == {"counted": 1, "not recorded whether it counts": 1, "not what is counted": 1}
    assert "other_referrals" not in set(ledger["indicator"]), "another run's own"


def test_a_trusts_own_indicator_reaches_the_pages(own, referrals, settings):
    parameters = settings(comparator="Black or Black British")
    levels = levels_and_gaps.crude(levels_and_gaps.select(cells.build(referrals, parameters)[0], parameters))
    mine = levels.query("indicator == 'police_referrals' and adjustment == 'crude'")
    assert set(mine["indicator_name"]) == {"Referrals by the police"}
    assert set(mine["unit"]) == {"referrals per 100,000 residents"}
    assert "police_referrals" in set(levels_and_gaps.select(levels, parameters, "access")["indicator"])
    assert "police_referrals" not in set(levels_and_gaps.select(levels, parameters, "outcomes")["indicator"])


def test_a_local_entry_whose_columns_do_not_fit_is_named_with_its_file(own, referrals, settings):
    text = yaml.safe_dump(entry("{rows: contacts, event: [{column: Attended, eq: Y}]}"))
    (own / "tiny-indicators.yml").write_text(text, encoding="utf-8")
    with pytest.raises(
        PcrefError, match=r"tiny-indicators\.yml has 1 fault.*\n.*police_referrals\.count\.event: .*Attended"
    ):
        cells.build(referrals, settings())


def test_one_id_cannot_mean_two_things(own):
    (own / "other-indicators.yml").write_text(yaml.safe_dump(entry(name="Other")), encoding="utf-8")
    with pytest.raises(PcrefError, match="means something else by police_referrals"):
        indicators.catalogue()


def test_a_local_entry_may_not_redefine_a_shipped_one(tmp_path):
    path = tmp_path / "demo-indicators.yml"
    path.write_text(yaml.safe_dump({"detentions": entry()["police_referrals"]}), encoding="utf-8")
    with pytest.raises(PcrefError, match="redefines detentions"):
        indicators.with_local(path)


def test_a_local_entry_that_counts_nothing_is_refused(tmp_path):
    path = tmp_path / "demo-indicators.yml"
    fields = entry()["police_referrals"]
    path.write_text(yaml.safe_dump({"mine": {k: v for k, v in fields.items() if k != "count"}}), encoding="utf-8")
    with pytest.raises(PcrefError, match=r"demo-indicators.yml: mine: count is missing"):
        indicators.with_local(path)


def test_no_file_of_local_entries_is_no_fault(tmp_path):
    assert indicators.with_local(tmp_path / "demo-indicators.yml") == indicators.catalogue()


# --- conditions -------------------------------------------------------------------------------------------------------

NUMBERS = {"n": [1, 2, 3, None]}


@pytest.mark.parametrize(
    ("operator", "holds"),
    [
        ({"in": [1, 3]}, [1, 3]),
        ({"not_in": [1]}, [2, 3]),
        ({"eq": 2}, [2]),
        ({"ne": 2}, [1, 3]),
        ({"lt": 2}, [1]),
        ({"le": 2}, [1, 2]),
        ({"gt": 2}, [3]),
        ({"ge": 2}, [2, 3]),
        ({"between": [2, 3]}, [2, 3]),
        ({"missing": False}, [1, 2, 3]),
        ({"missing": True}, [None]),
    ],
)
def test_conditions(operator, holds):
    table = ibis.memtable(NUMBERS)
    condition = indicators.Condition.model_validate({"column": "n"} | operator)
    found = table.filter(row_conditions.where(table, [condition])).execute()["n"]
    assert [None if value != value else int(value) for value in found] == holds


def test_no_condition_holds_always():
    table = ibis.memtable(NUMBERS)
    assert table.filter(row_conditions.where(table, [])).count().execute() == 4


# --- SQL --------------------------------------------------------------------------------------------------------------

# What SQL Server before 2022, or at all, does not know.
NOT_TSQL = r"\b(GREATEST|LEAST|DATE_DIFF|MAKE_DATE|EXTRACT|FILTER|QUALIFY|ILIKE|BOOL_OR|INTERVAL|TRUE|FALSE)\b|::"


class Spark(ibis.config.Config):
    """The option that the Spark compiler asks for, which is there only where pyspark is installed."""

    treat_nan_as_null: bool = False


YEARS = [2022, 2023]
COUNTED = {name: e for name, e in indicators.catalogue().items() if e.count and e.count.rows}
EACH_RULE = {entry.count.rows: name for name, entry in COUNTED.items()}.values()


@cache
def people():
    return row_conditions.people(row_conditions.declared_tables(), ["LSOA2021", "LSOA2011"])


@cache
def rows_of(rule):
    found = row_conditions.in_periods(row_conditions.RULES[rule].rows(row_conditions.declared_tables()), YEARS)
    known = ibis.table(people().schema(), name="known")  # written out once, as a case of its own
    return row_conditions.of_people(found, known, [0, 16, 65]).mutate(stranger=ibis.null("string"))


@cache
def by_year():
    return aggregate.people_by_year(people(), [0, 16, 65], YEARS)


@cache
def kept(name):
    """Return the rows of a rule, or the people, as the table of the session in which a count keeps them."""
    return ibis.table((rows_of(name) if name else by_year()).schema(), name=name or "people")


def statement(entry):
    rules = [entry.count.rows] + ([entry.count.among.rows] if entry.count.among else [])
    rows = {rule: kept(rule) for rule in rules if rule != "residents"}
    return aggregate.expression([entry], aggregate.Held(rows, kept("")), YEARS)


def becomes_sql(expression, *dialects):
    """Check that an expression becomes SQL; SQL Server's has words of its own to avoid."""
    for dialect in dialects:
        text = ibis.to_sql(expression, dialect=dialect)
        assert "SELECT" in text
        assert dialect != "mssql" or not re.search(NOT_TSQL, text), re.findall(NOT_TSQL, text)


RULES = {rule for e in COUNTED.values() for rule in (e.count.rows, e.count.among and e.count.among.rows)}


@pytest.mark.parametrize("rule", sorted(RULES - {None, "residents"}))
def test_the_rows_of_every_rule_become_sql(rule):
    """For SQL Server and Spark too (extract/test_sql_server.py)."""
    becomes_sql(rows_of(rule), "duckdb", "postgres")


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "pyspark", "mssql"])
def test_people_and_their_years_become_sql_for_every_engine(dialect, monkeypatch):
    monkeypatch.setattr(ibis.options, "pyspark", Spark())
    becomes_sql(people(), dialect)
    becomes_sql(by_year(), dialect)


@pytest.mark.parametrize("name", COUNTED)
def test_every_indicator_becomes_sql_for_every_engine(name, monkeypatch):
    """What is asked of the rows that are kept. DuckDB and PostgreSQL run all of it (extract/test_sources.py)."""
    monkeypatch.setattr(ibis.options, "pyspark", Spark())
    each = name in EACH_RULE or os.environ.get("PCREF_EVERY_CASE")
    becomes_sql(statement(indicators.catalogue()[name]), "mssql", *(("duckdb", "postgres", "pyspark") if each else ()))


def test_rows_leave_the_database_as_sums_only(demo_run):
    """No identifier of a person is a column of what comes back, nor a number per person."""
    assert not {"Person_ID", "PersonBirthDate"} & set(demo_run["cells"].columns)
    assert not any(column.startswith("Uniq") for column in demo_run["cells"].columns)
    assert not any(column in demo_run["ledger"].columns for column in ("Person_ID", "ethnic_group"))
