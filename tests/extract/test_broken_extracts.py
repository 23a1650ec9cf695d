"""Extracts broken on purpose, made from the declarations: each fault is named and counted, and no value is shown."""

from __future__ import annotations

import os
from collections import Counter
from datetime import date

import ibis
import pytest

from pcref_analysis.extract import validate
from pcref_analysis.extract.row_checks import essential, unread
from pcref_analysis.extract.schema import PERSONS, declared

MARK = "QQ-MARK-7361"  # planted in broken values; no message may hold it
TODAY = date(2026, 11, 22)
END_OF_TIME = "31/12/9999"


# A rule is tried on one column of each kind; with PCREF_EVERY_CASE=1 on every column of every table.
EVERY = bool(os.environ.get("PCREF_EVERY_CASE"))
FEW = (PERSONS, "MHS101Referral", "MHS401MHActPeriod", "MHS606CodedScoreAssessmentRefer", "Population", "Areas")


def cases(test, apart=lambda table, name, column: False):
    """Return the tables with those of their columns for which ``test(table, column name, column)`` holds.

    One extract is broken in all of them at once; those that ``apart`` names have an extract of their own.
    """
    kinds: dict[str, dict[tuple[str, bool], list[str]]] = {}
    for table in declared().values():
        for name, column in table.columns.items():
            if test(table, name, column):
                kind = column.model_dump(exclude={"meaning", "codes", "after", "references"})
                kind |= {
                    "closed": bool(column.allowed()),
                    "end": bool(column.after),
                    "essential": name in essential(table),
                }
                place = (table.name, apart(table, name, column))
                kinds.setdefault(f"{table.name} {name}" if EVERY else str(kind), {}).setdefault(place, []).append(name)
    together: dict[tuple[str, bool], list[str]] = {}
    while kinds:  # the table that has the most kinds first, so that few extracts show all of them
        best = Counter(place for places in kinds.values() for place in places).most_common(1)[0][0]
        together[best] = [places[best][0] for places in kinds.values() if best in places]
        kinds = {kind: places for kind, places in kinds.items() if best not in places}
    return [pytest.param(name, columns, id=f"{name}-{'-'.join(columns)}") for (name, _), columns in together.items()]


def whole(test=lambda table: True, every=False):
    """Return the tables for which ``test(table)`` holds."""
    tables = [t.name for t in declared().values() if test(t) and (every or EVERY or t.name in FEW)]
    return [pytest.param(name, id=name) for name in tables]


@pytest.fixture
def broken(extract):
    """Return a function that breaks one table and returns what was found about it."""

    def run(name, change, **parameters):
        frame = change(extract.tables()[name].copy())
        connection = ibis.duckdb.connect()
        tables = {name: connection.create_table(name, frame)}
        checked = validate.examine(tables, extract.parameters(**parameters), TODAY)
        for text in (validate.render(checked.breaches), checked.breaches.to_csv(), checked.counts.to_csv()):
            shown = [value for value in (MARK, "P0001", "1951-02-15", "E01000001") if value in text]
            assert shown in ([], ["E01000001"]), (
                f"a value of a row is shown: {shown}"
            )  # E01000001: the example of a form
        conserved(checked, name)
        return checked

    return run


def conserved(checked, name):
    """Rows read are rows kept and rows dropped, by reason; nothing disappears."""
    counts = checked.counts.set_index("table")
    if name not in counts.index or "stops" in set(checked.breaches.query("table == @name")["severity"]):
        return
    line = counts.loc[name]
    said = checked.breaches.query("table == @name").groupby("severity")["rows"].sum()
    assert line["read"] == line["kept"] + line["dropped"] + line["superseded"]
    assert [line[kind] for kind in ("dropped", "superseded")] == [said.get(k, 0) for k in ("dropped", "superseded")]
    rows = checked.tables[name].count().to_pyarrow().as_py()
    assert rows == (line["people"] if name == PERSONS else line["kept"])


def told(checked, table, column, severity):
    """Return rule -> rows of what was said about a column with that severity."""
    found = checked.breaches
    found = found[(found["table"] == table) & (found["column"] == column) & (found["severity"] == severity)]
    return dict(zip(found["rule"], found["rows"], strict=True))


def put(column, value, rows=(3, 4)):
    """Return a change that puts a value into some rows."""

    def change(frame):
        frame.loc[list(rows), column] = value
        return frame

    return change


def column_of(checked, table, column):
    return checked.tables[table].select(column).to_pyarrow().to_pydict()[column]


# --- tables and columns that are not there ---


def test_absent_tables(extract):
    connection = ibis.duckdb.connect()
    checked = validate.examine(
        {"Areas": connection.create_table("Areas", extract.tables()["Areas"])}, extract.parameters()
    )
    assert list(checked.tables) == ["Areas"]
    for name in set(declared()) - {"Areas"}:
        assert told(checked, name, "", "stops" if name == PERSONS else "noted") == {"table is not in the extract": 0}
    todo = checked.breaches.set_index("table")["todo"]
    words = "Without it this Trust is taken to be responsible for every discharge. Less exact then: Seen within 72"
    assert todo["MHS105OnwardReferral"].startswith(words)
    assert todo["Carer"].startswith("Not available without it: Carers offered an assessment")
    assert not [name for name in declared() if "No indicator needs it" in todo.get(name, "")]


@pytest.mark.parametrize("name", whole())
def test_empty_table(broken, name):
    checked = broken(name, lambda frame: frame.head(0))
    assert told(checked, name, "", "stops" if name == PERSONS else "noted") == {"table is empty": 0}
    assert checked.counts.set_index("table").loc[name, "read"] == 0
    if name == PERSONS:
        assert "There is nobody to count" in set(checked.breaches["todo"].str.partition(".")[0])


@pytest.mark.parametrize("name", whole(every=True))
def test_absent_required_column(broken, name):
    column = next(n for n, facts in declared()[name].columns.items() if facts.required)
    checked = broken(name, lambda frame: frame.drop(columns=column))
    assert told(checked, name, column, "stops") == {"required column is missing": 0}
    assert name not in checked.tables


def test_misspelt_column_gets_the_nearest_name(broken):
    checked = broken("MHS101Referral", lambda f: f.rename(columns={"ServDischDate": "ServDischDat"}))
    line = checked.breaches.query("column == 'ServDischDate' and table == 'MHS101Referral'").iloc[0]
    assert line["severity"] == "noted" and "Is it 'servdischdat'" in line["todo"].lower().replace("is it", "Is it")
    assert column_of(checked, "MHS101Referral", "ServDischDate") == [None] * 60


def test_mapped_column_that_is_not_there(broken):
    source = {"columns": {"MHS101Referral": {"TeamID": "LocalTeam"}}}
    checked = broken("MHS101Referral", lambda frame: frame, source=source)
    assert told(checked, "MHS101Referral", "TeamID", "stops") == {
        "column mapped in source.columns is not in the table": 0
    }


@pytest.mark.parametrize("name", whole())
@pytest.mark.parametrize("dress", ["{}  ", "{}__7"], ids=["blanks", "numbered"])
def test_a_column_that_stands_there_twice_stops(broken, name, dress):
    """Which of two is meant cannot be told; "__7" is how a name that stands twice in a file is told apart."""
    column = next(iter(declared()[name].columns))
    checked = broken(name, lambda frame: frame.assign(**{dress.format(column): MARK}))
    assert told(checked, name, column, "stops") == {"column stands there more than once": 0}


def test_a_table_without_column_names_shows_no_value(broken):
    def headless(frame):
        frame.columns = [MARK, *(f"{MARK}{i}" for i in range(1, frame.shape[1]))]
        return frame

    checked = broken("MHS101Referral", headless)
    assert told(checked, "MHS101Referral", "", "stops") == {"none of the columns has a name of the contract": 0}


def test_values_in_the_header_line_are_not_offered_as_names(broken):
    checked = broken("MHS101Referral", lambda f: f.rename(columns={"TeamID": MARK}))
    assert told(checked, "MHS101Referral", "TeamID", "noted") == {"optional column is missing": 0}


# --- values that cannot be read ---


def is_key(table, name):
    return name in table.key


def only_value(table, name, facts):
    """Tell a column of which nothing but the broken values is left: it stops."""
    return table.name != "Areas" and not facts.required and facts.type == "date" and not facts.after


@pytest.mark.parametrize(
    ("name", "columns"),
    cases(lambda t, n, c: c.type in ("date", "time", "integer", "number") or c.area or c.allowed(), apart=only_value),
)
def test_unreadable_values_are_dropped_or_taken_as_missing(broken, name, columns):
    table = declared()[name]
    n = 1 if name == "Areas" else 3
    needed = [column for column in columns if column in essential(table)]
    # a row that is left out has one reason: each column of the key breaks rows of its own, the others break the last
    places = {
        c: range(n * needed.index(c), n * needed.index(c) + n) if c in needed else (-1, -2, -3)[:n] for c in columns
    }

    def change(frame):
        for column, rows in places.items():
            frame = put(column, MARK, rows=frame.index[list(rows)])(frame)
        return frame

    checked = broken(name, change)
    for column in columns:
        facts = table.columns[column]
        if only_value(table, column, facts):
            assert told(checked, name, column, "stops") == {unread(facts): 3}  # nothing else stands in this column
        elif column in needed:
            assert told(checked, name, column, "dropped") == {unread(facts): n}
        else:
            assert told(checked, name, column, "noted")[unread(facts)] == n
            assert column_of(checked, name, column).count(None) >= n
    assert checked.counts.set_index("table").loc[name, "dropped"] == n * len(needed)


@pytest.mark.parametrize("text", ["0.586805", "905", "2024-03-31", "14:05Z"])
def test_times_that_are_no_time_of_day_stop_and_are_not_midnight(broken, text):
    checked = broken("MHS201CareContact", put("CareContTime", text, rows=range(7)))
    assert told(checked, "MHS201CareContact", "CareContTime", "stops") == {"not a time of day": 7}


@pytest.mark.parametrize(("name", "columns"), cases(lambda t, n, c: bool(c.codes)))
def test_local_codes_stop(broken, name, columns):
    checked = broken(name, lambda frame: frame.assign(**dict.fromkeys(columns, MARK)))
    for column in columns:
        assert told(checked, name, column, "stops") == {"code is not in the list": len(checked_rows(name))}


def checked_rows(name):
    return range({PERSONS: 40, "Areas": 20}.get(name, 60))


@pytest.mark.parametrize(("name", "columns"), cases(lambda t, n, c: n in essential(t) and c.type == "date"))
def test_missing_required_values_are_dropped(broken, name, columns):
    (column,) = columns
    checked = broken(name, put(column, "", rows=(7, 8)))
    assert told(checked, name, column, "dropped") == {"required value is missing": 2}


@pytest.mark.parametrize(("name", "columns"), cases(lambda t, n, c: c.required and c.type != "id"))
def test_a_required_column_without_values_stops(broken, name, columns):
    checked = broken(name, lambda frame: frame.assign(**dict.fromkeys(columns)).astype(dict.fromkeys(columns, "str")))
    for column in columns:
        assert told(checked, name, column, "stops") == {"required column holds no value": 0}


def test_local_codes_are_mapped(broken):
    codes = {PERSONS: {"EthnicCategory": {"White -\u202fBritish\xad": "A", "1": "B"}}}
    local = put("EthnicCategory", " white\xa0-\u200b british\ufeff", range(20))
    change = lambda f: local(put("EthnicCategory", "1.0", (30,))(f))  # noqa: E731
    checked = broken(PERSONS, change, source={"codes": codes})
    assert not told(checked, PERSONS, "EthnicCategory", "stops") and not told(
        checked, PERSONS, "EthnicCategory", "noted"
    )
    found = column_of(checked, PERSONS, "EthnicCategory")
    assert found.count("A") >= 20 and found.count("B") >= 1 and None not in found


def test_former_names_are_known_and_no_column_with_its_own_place_is_offered(broken):
    old = {"AttendStatus": "AttendOrDNACode", "Person_ID": "PseudoNHSNumber"}
    checked = broken("MHS201CareContact", lambda frame: frame.rename(columns=old))
    for name, former in old.items():
        assert told(checked, "MHS201CareContact", name, "noted")[f"read from its former name {former}"] == 0
    checked = broken("MHS502WardStay", lambda frame: frame.drop(columns="EndDateWardStay"))
    line = checked.breaches.query("column == 'EndDateWardStay'").iloc[0]
    assert line["todo"].startswith("Taken as not recorded: every ward stay lasts")  # and no column is offered


# --- dates ---


@pytest.mark.parametrize("name", whole(lambda t: bool(t.start())))
def test_month_day_year_stops(broken, name):
    start = declared()[name].start()
    checked = broken(name, put(start, "04/23/2024", rows=range(30)))
    assert told(checked, name, start, "stops") == {"dates are month/day/year": 30}


@pytest.mark.parametrize("name", whole(lambda t: bool(t.end()), every=True))
def test_end_before_start_is_dropped(broken, name):
    table = declared()[name]
    checked = broken(name, put(table.end(), "2019-01-01", rows=(1, 4)))
    assert told(checked, name, table.end(), "dropped") == {f"is before {table.start()}": 2}


def test_two_columns_that_are_swapped_stop_where_a_slip_is_left_out(broken):
    """Of 197 spells 180 were left out with their dates swapped, and the analysis went on with the other 17."""
    start, end = "StartDateHospProvSpell", "DischDateHospProvSpell"

    def swapped(frame):
        both = frame[end].ne("") & frame[end].notna()
        return frame[both].rename(columns={start: end, end: start})

    checked = broken("MHS501HospProvSpell", swapped)
    (rows,) = told(checked, "MHS501HospProvSpell", end, "stops").values()
    assert rows >= 10 and not told(checked, "MHS501HospProvSpell", end, "dropped")


@pytest.mark.parametrize("name", whole(lambda t: bool(t.end())))
def test_far_end_is_open(broken, name):
    end = declared()[name].end()
    checked = broken(name, put(end, END_OF_TIME, rows=(1, 4)))
    assert told(checked, name, end, "noted") == {"date far in the future (9999)": 2, "has not ended": 22}
    assert column_of(checked, name, end).count(None) == 22


@pytest.mark.parametrize("day", ["31/02/2024", "2024-02-30", "30.02.2024"])
def test_an_end_on_a_day_that_does_not_exist_is_said_to_count_as_open(broken, day):
    """It was said to be missing; that what has ended then counts as going on was not."""
    checked = broken("MHS101Referral", put("ServDischDate", day, rows=(1, 4)))
    assert told(checked, "MHS101Referral", "ServDischDate", "noted") == {"not a date": 2, "has not ended": 22}
    todo = checked.breaches.query("column == 'ServDischDate' and rule == 'not a date'")["todo"].item()
    assert todo.startswith("Correct them: these rows are taken as not ended, and count as open.")


@pytest.mark.parametrize("name", whole(lambda t: bool(t.start())))
def test_start_in_the_future_is_noted_and_9999_is_no_start(broken, name):
    table = declared()[name]

    def change(frame):
        frame = put(table.start(), "2027-05-01", rows=(3,))(put(table.start(), END_OF_TIME, rows=(6,))(frame))
        return put(table.end(), "", rows=(3, 6))(frame) if table.end() else frame

    checked = broken(name, change)
    assert told(checked, name, table.start(), "noted") == {"date in the future": 1, "date far in the future (9999)": 1}
    assert told(checked, name, table.start(), "dropped") == {"required value is missing": 1}


@pytest.mark.parametrize("day", ["1900-01-01 00:00:00", "30/12/1899", "1 Jan 1901", "0001-01-01", "2099-12-31"])
def test_a_stand_in_date_is_no_date(broken, day):
    rule = "date far in the future (9999)" if "2099" in day else "stand-in date (such as 1900-01-01)"
    checked = broken(PERSONS, put("PersDeathDate", day, rows=range(40)))
    assert told(checked, PERSONS, "PersDeathDate", "noted") == {rule: 40}
    assert set(column_of(checked, PERSONS, "PersDeathDate")) == {None}
    start, end = "StartDateHospProvSpell", "DischDateHospProvSpell"
    checked = broken("MHS501HospProvSpell", lambda frame: put(end, day, rows=(1, 2))(put(start, day, rows=(6,))(frame)))
    assert told(checked, "MHS501HospProvSpell", end, "noted") == {rule: 2, "has not ended": 21}
    assert told(checked, "MHS501HospProvSpell", start, "dropped") == {"required value is missing": 1}


def test_a_length_that_cannot_be_believed_is_noted(broken):
    checked = broken("MHS501HospProvSpell", put("StartDateHospProvSpell", "1985-05-05", rows=(1, 2, 3)))
    assert told(checked, "MHS501HospProvSpell", "DischDateHospProvSpell", "noted")["lasts more than 20 years"] == 3


def test_how_unreadable_dates_are_written_is_said(broken):
    change = lambda f: put("CareContDate", "45351", (1, 2))(put("CareContDate", "29/02/24", (3,))(f))  # noqa: E731
    checked = broken("MHS201CareContact", change)
    todo = checked.breaches.query("column == 'CareContDate' and severity == 'dropped'")["todo"].item()
    assert "2 numbers of days, as a spreadsheet counts them, 1 years of two digits" in todo


def test_a_few_dates_in_american_order_stop_where_others_could_be_read_either_way(broken):
    change = lambda f: put("CareContDate", "04/23/2024", (1, 2))(put("CareContDate", "04/05/2024", (3,))(f))  # noqa: E731
    checked = broken("MHS201CareContact", change)
    assert told(checked, "MHS201CareContact", "CareContDate", "stops") == {"dates are month/day/year": 2}


def test_moments_of_local_midnight_written_without_a_zone_stop(broken):
    checked = broken("MHS201CareContact", put("CareContDate", "2024-04-09 23:00:00", rows=range(20)))
    assert list(told(checked, "MHS201CareContact", "CareContDate", "stops").values()) == [20]


def test_birth_dates_that_cannot_be(broken):
    change = lambda f: put("PersonBirthDate", "2027-01-01", (1, 2))(put("PersonBirthDate", "1899-05-05", (3,))(f))  # noqa: E731
    checked = broken(PERSONS, change)
    assert told(checked, PERSONS, "PersonBirthDate", "noted") == {"birth in the future": 2, "age over 120": 1}
    assert column_of(checked, PERSONS, "PersonBirthDate").count(None) == 3
    assert checked.counts.loc[0, "people"] == 40


# --- keys and other tables ---


@pytest.mark.parametrize("name", whole(lambda t: t.name != PERSONS))
def test_duplicate_keys_are_superseded(broken, name):
    def double(frame):
        import pandas as pd

        return pd.concat([frame, frame.head(5)], ignore_index=True)

    checked = broken(name, double)
    key = " + ".join(declared()[name].key)
    assert told(checked, name, key, "superseded") == {f"several rows with one {key}": 5}
    assert not told(checked, name, key, "noted"), "the same row twice contradicts nothing"


def test_a_doubled_row_of_a_known_person_has_one_fault_only(extract):
    import pandas as pd

    frames, name = extract.tables(), "MHS401MHActPeriod"
    doubled = pd.concat([frames[name], frames[name].head(5)], ignore_index=True)
    connection = ibis.duckdb.connect()
    given = {PERSONS: frames[PERSONS], name: doubled}
    tables = {n: connection.create_table(n, frame) for n, frame in given.items()}
    checked = validate.examine(tables, extract.parameters(), TODAY)
    assert told(checked, name, "Person_ID", "dropped") == {}
    conserved(checked, name)


@pytest.mark.parametrize("name", whole(lambda t: t.person))
def test_people_nobody_knows_are_dropped(extract, name):
    frames = extract.tables()
    frames[name].loc[[2, 3, 5], "Person_ID"] = [MARK, f"{MARK}a", f"{MARK}b"]
    connection = ibis.duckdb.connect()
    tables = {n: connection.create_table(n, frames[n]) for n in (PERSONS, name)}
    checked = validate.examine(tables, extract.parameters(), TODAY)
    assert told(checked, name, "Person_ID", "dropped") == {f"person is not in {PERSONS}": 3}
    conserved(checked, name)
    assert MARK not in validate.render(checked.breaches)


def test_identifiers_that_never_match_stop(extract):
    frames = extract.tables()
    frames["Experience"]["Person_ID"] = "0" + frames["Experience"]["Person_ID"]
    connection = ibis.duckdb.connect()
    tables = {n: connection.create_table(n, frames[n]) for n in (PERSONS, "Experience")}
    checked = validate.examine(tables, extract.parameters(), TODAY)
    assert told(checked, "Experience", "Person_ID", "stops") == {f"person is not in {PERSONS}": 60}


@pytest.mark.parametrize(("name", "columns"), cases(lambda t, n, c: bool(c.references)))
def test_identifiers_that_point_nowhere_are_noted(extract, name, columns):
    frames = extract.tables()
    targets = {column: declared()[name].columns[column].references for column in columns}
    frames[name].loc[[1, 2], columns] = MARK  # both have ended
    connection = ibis.duckdb.connect()
    tables = {n: connection.create_table(n, frames[n]) for n in {*targets.values(), name}}
    checked = validate.examine(tables, extract.parameters(), TODAY)
    for column, target in targets.items():
        assert told(checked, name, column, "noted") == {f"points to no row of {target}": 2}
    assert checked.counts.set_index("table").loc[name, "dropped"] == 0


@pytest.mark.parametrize(
    ("name", "end"),
    [("MHS502WardStay", "EndDateWardStay"), ("MHS518ClinReadyforDischarge", "EndDateClinReadyforDisch")],
)
def test_what_was_left_open_and_has_no_spell_that_would_end_it_is_noted(extract, name, end):
    """Of three ward stays without a spell two are open: they would fill a bed on every day of every year."""
    frames = extract.tables()
    frames[name].loc[[1, 2, 3], "UniqHospProvSpellID"] = MARK
    frames[name].loc[[2, 3], end] = ""
    connection = ibis.duckdb.connect()
    tables = {n: connection.create_table(n, frames[n]) for n in (PERSONS, name, "MHS501HospProvSpell")}
    checked = validate.examine(tables, extract.parameters(), TODAY)
    found = checked.breaches.set_index(["table", "column", "rule"])["rows"]
    assert found[name, "UniqHospProvSpellID", "points to no row of MHS501HospProvSpell"] == 3
    assert found[name, end, "has not ended, and points to no row of MHS501HospProvSpell"] == 2


def test_home_areas(extract):
    frames = extract.tables()
    frames[PERSONS].loc[[0, 1, 2], "LSOA2021"] = "E01999999"
    connection = ibis.duckdb.connect()
    tables = {n: connection.create_table(n, frames[n]) for n in (PERSONS, "Areas")}
    checked = validate.examine(tables, extract.parameters(), TODAY)
    assert told(checked, PERSONS, "LSOA2021", "noted") == {"people whose home area is not in Areas": 3}
    old = validate.examine(tables, extract.parameters(imd_version=2019), TODAY)
    assert not told(old, PERSONS, "LSOA2021", "noted"), "2019 is matched through LSOA2011"
    frames["Areas"]["lsoa"] = frames["Areas"]["lsoa"].str.replace("E01", "W01")
    tables["Areas"] = connection.create_table("Other", frames["Areas"])
    checked = validate.examine(tables, extract.parameters(), TODAY)
    assert told(checked, PERSONS, "LSOA2021", "stops") == {"no home area is in Areas": 40}


# --- spreadsheets ---


@pytest.mark.parametrize(("name", "columns"), cases(lambda t, n, c: c.type == "id"))
def test_identifiers_that_a_spreadsheet_rounded_stop(broken, name, columns):
    checked = broken(name, put(columns, "7.36101E+11"))
    for column in columns:
        assert told(checked, name, column, "stops") == {"identifier in scientific notation (such as 1.2E+11)": 2}
    assert "7.36101" not in validate.render(checked.breaches)


@pytest.mark.parametrize(("name", "columns"), cases(lambda t, n, c: c.width > 0))
def test_lost_zeros_come_back(broken, name, columns):
    codes = {c: [code for code in declared()[name].columns[c].codes if code.startswith("0")] for c in columns}
    ends = {column: (known[0], known[-1]) if known else ("02", "03") for column, known in codes.items()}

    def change(frame):
        for column, (one, other) in ends.items():
            frame = put(column, one[1:], (1, 2, 3))(put(column, f"{other[1:]}.0", (4,))(frame))
        return frame

    checked = broken(name, change)
    for column, (one, other) in ends.items():
        assert told(checked, name, column, "noted") == {"code had lost its leading zero": 4}
        assert {one, other} <= set(column_of(checked, name, column))


@pytest.mark.parametrize("name", whole())
def test_blanks_and_words_for_missing(broken, extract, name):
    """Outer blanks change nothing; NULL and N/A in a column that may be missing are missing."""
    table = declared()[name]
    plain = broken(name, lambda frame: frame)
    dressed = broken(name, lambda frame: frame.map(lambda text: f"  {text}\t" if text else text))
    assert_same(plain, dressed, name)
    columns = [n for n, c in table.columns.items() if n not in essential(table) and c.type != "id" and not c.after]
    for column in columns[:1]:
        worded = broken(name, lambda f, c=column: put(c, "N/A", (2,))(put(c, " null ", (1,))(f)))
        assert told(worded, name, column, "noted")["missing value written as a word (NULL, N/A)"] == 2
        assert column_of(worded, name, column).count(None) >= 2


@pytest.mark.parametrize("name", whole(lambda t: any(c.codes or c.area for c in t.columns.values())))
def test_lower_case_codes(broken, name):
    columns = [n for n, c in declared()[name].columns.items() if c.codes or c.area]
    lower = lambda frame: frame.assign(**{n: frame[n].str.lower() for n in columns})  # noqa: E731
    spaced = lambda frame: frame.assign(  # noqa: E731
        **{
            n: frame[n].str.slice(0, 3) + " " + frame[n].str.slice(3)
            for n in columns
            if declared()[name].columns[n].area
        }
    )
    plain = broken(name, lambda frame: frame)
    assert_same(plain, broken(name, lower), name)
    assert_same(plain, broken(name, spaced), name)


def assert_same(one, other, name):
    key = list(declared()[name].key)
    left, right = (c.tables[name].order_by(key).to_pyarrow().to_pylist() for c in (one, other))
    assert left == right
    assert one.breaches.to_csv() == other.breaches.to_csv()
