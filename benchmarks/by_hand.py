"""The same checks and some of the same cells by DuckDB SQL written by hand, one pass a table: what ours is measured by.

    python benchmarks/by_hand.py FOLDER OUT.parquet

It leaves out numbers such as 1E+05, lost leading zeros, words of missing values within dates, the messages, hospital
stays and mechanisms of contacts, so that of its sixteen indicators ``SAME`` are those of the library, cell by cell.
Prints seconds of processor time and MB at most, as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from itertools import pairwise
from pathlib import Path

import duckdb

from pcref_analysis.extract.parsing import MISSING_WORDS
from pcref_analysis.extract.schema import PERSONS, Column, Table, declared

BANDS, YEARS = [0, 16, 20, 25, 35, 50, 65], [2021, 2022, 2023]
SHORT = {
    "MHS001MPI": "mpi", "MHS101Referral": "ref", "MHS201CareContact": "con", "MHS501HospProvSpell": "spell",
    "MHS502WardStay": "ward", "MHS401MHActPeriod": "act", "MHS515RestrictiveInterventType": "ri",
    "MHS606CodedScoreAssessmentRefer": "score", "IDS101Referral": "ids", "Experience": "exp",
    "MHS404CommTreatOrder": "cto", "MHS403ConditionalDischarge": "cond", "MHS518ClinReadyforDischarge": "delay",
    "Population": "pop", "Areas": "areas",
}  # fmt: skip
SAME = (
    "ethnicity_known", "people_restrained", "prone_restraint", "seclusion", "rapid_tranquillisation",
    "talking_therapies_recovery", "positive_experience",
)  # fmt: skip
FORMS = "['%d/%m/%Y', '%d.%m.%Y', '%d-%m-%Y', '%Y%m%d', '%d-%b-%Y', '%Y-%m-%d %H:%M:%S']"


def typed(name: str, column: Column, native: bool) -> str:
    """Return the SQL that reads a column."""
    text = f'trim("{name}")'
    if native and column.type in ("date", "integer", "number"):
        return f'"{name}"'
    if column.type == "date":
        return f"coalesce(try_cast({text} AS date), cast(try_strptime({text}, {FORMS}) AS date))"
    if column.type == "integer":
        return f"try_cast(try_cast({text} AS double) AS bigint)"
    if column.type == "number":
        return f"try_cast(replace({text}, ',', '') AS double)"
    cased = {"id": text, "text": text}.get(column.type) or f"{column.case}({text})"
    if column.codes and column.type == "code":
        return f"CASE WHEN {cased} IN {(*column.codes, '')} THEN {cased} END"
    return f"CASE WHEN upper({text}) IN {MISSING_WORDS} THEN NULL ELSE {cased} END"


def source(folder: Path, table: Table) -> str:
    """Return the SQL that reads a file, CSV as text."""
    parquet, text = folder / f"{table.name}.parquet", folder / f"{table.name}.csv"
    if parquet.exists():
        return f"read_parquet('{parquet.as_posix()}')"
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in table.columns)
    form = "auto_detect=false, header=true, delim=',', quote='\"', escape='\"'"
    return f"read_csv('{text.as_posix()}', {form}, columns={{{columns}}})"


def read(connection: duckdb.DuckDBPyConnection, folder: Path, table: Table) -> None:
    """Type one table, and count what is filled, unread, backward and doubled in it."""
    short, columns, rows = SHORT[table.name], table.columns, source(folder, table)
    kinds = {line[0]: line[1] for line in connection.execute(f"DESCRIBE SELECT * FROM {rows}").fetchall()}
    reads = [f"{typed(n, c, not kinds[n].startswith('VARCHAR'))} AS {n}" for n, c in columns.items()]
    reads += [f'"{n}" AS raw{i}' for i, n in enumerate(columns)]
    bits = " + ".join(
        f"(CASE WHEN {n} IS NULL AND raw{i} IS NOT NULL AND trim(raw{i}::varchar) <> '' THEN {1 << i} ELSE 0 END)"
        for i, n in enumerate(columns)
    )
    query = f"SELECT {', '.join(columns)}, ({bits})::int AS bad FROM (SELECT {', '.join(reads)} FROM {rows})"
    connection.execute(f"CREATE TEMP TABLE {short} AS {query}")
    counts = ["count(*)", *(f"count({n})" for n in columns)]
    counts += [f"count(*) FILTER (WHERE bad & {1 << i} > 0)" for i in range(len(columns))]
    if end := table.end():
        counts.append(f"count(*) FILTER (WHERE {end} < {table.start()})")
    connection.execute(f"SELECT {', '.join(counts)} FROM {short}").fetchone()
    if table.name not in ("Population", "Areas"):
        connection.execute(f"SELECT count(*) FROM (SELECT DISTINCT {', '.join(table.key)} FROM {short})").fetchone()


def people(connection: duckdb.DuckDBPyConnection) -> None:
    """Make one row a person, with the latest of each column and the area of home."""
    latest = {"er": "EthnicCategory", "g": "Gender", "birth": "PersonBirthDate", "l21": "LSOA2021", "l11": "LSOA2011",
              "lang": "LanguageCodePreferred", "death": "PersDeathDate"}  # fmt: skip
    value = "max({{m: m, v: {0}}}) FILTER (WHERE {0} IS NOT NULL{1}).v {2}"
    columns = [value.format(column, "", name) for name, column in latest.items()]
    columns.append(value.format("EthnicCategory", " AND EthnicCategory NOT IN ('Z', '99')", "ek"))
    connection.execute(
        f"""CREATE TEMP TABLE person AS
        WITH o AS (
          SELECT Person_ID, {", ".join(columns)} FROM (SELECT coalesce(UniqMonthID, 0) m, * FROM mpi) GROUP BY 1)
        SELECT o.Person_ID, coalesce(ek, er, '') e, birth, death, lang, a.imd_quintile::int imd,
          CASE g WHEN '1' THEN 'Male' WHEN '2' THEN 'Female' ELSE 'Not known' END sex,
          CASE WHEN coalesce(l21, l11) IS NULL THEN 'Not known' WHEN a.lsoa IS NULL THEN 'elsewhere'
            ELSE 'catchment' END area
        FROM o LEFT JOIN areas a ON coalesce(l21, l11) = a.lsoa"""
    )


def between(connection: duckdb.DuckDBPyConnection) -> None:
    """Count rows of nobody, identifiers that point nowhere, and rows by month."""
    for table in (declared()[name] for name in SHORT):
        short, start = SHORT[table.name], table.start()
        if table.person and table.name != PERSONS:
            connection.execute(f"SELECT count(*) FROM {short} ANTI JOIN person USING (Person_ID)").fetchone()
            if start:
                connection.execute(f"SELECT date_trunc('month', {start}), count(*) FROM {short} GROUP BY 1").fetchall()
        for name, column in table.columns.items():
            if other := SHORT.get(column.references):
                query = f"SELECT count(*) FROM {short} ANTI JOIN {other} USING ({name}) WHERE {name} IS NOT NULL"
                connection.execute(query).fetchone()


def year(day: str) -> str:
    """Return the SQL of the financial year of a day."""
    return f"(year({day}) - (month({day}) < 4)::int)"


def touching(table: str, start: str, end: str, where: str = "true") -> str:
    """Return the SQL of the rows that touch each year."""
    each = (
        f"SELECT Person_ID, {y} AS year, * EXCLUDE (Person_ID) FROM {table} WHERE {start} <= DATE '{y + 1}-03-31' "
        f"AND ({end} IS NULL OR {end} >= DATE '{y}-04-01') AND {where}"
        for y in YEARS
    )
    return " UNION ALL ".join(each)


def facts() -> dict[str, tuple[str, str]]:
    """Return the names of the sums of each table, and the SQL of one row a person and year."""
    seen, among = "AttendStatus IN ('5', '6')", f"y IN ({', '.join(map(str, YEARS))})"
    adult = "('A05', 'A06', 'A08', 'A09', 'A10', 'A12', 'A13', 'A14', 'A16')"
    stay = ("spell", "StartDateHospProvSpell", "DischDateHospProvSpell")
    night = """date_diff('day', greatest(StartDateWardStay, make_date(year, 4, 1)), coalesce(least(EndDateWardStay,
        CASE WHEN EndDateWardStay > make_date(year + 1, 3, 31) THEN make_date(year + 1, 4, 1) ELSE EndDateWardStay END),
        make_date(year + 1, 4, 1)))"""
    each = "SELECT Person_ID, year y, {0} FROM ({1}) GROUP BY ALL"
    per, care = "SELECT Person_ID, {0} y, ", "ReferralRequestReceivedDate"
    return {
        "seen seen_adult seen_peri planned missed int_known int_yes": per.format(year("CareContDate")) + f"""
          count(*) FILTER (WHERE {seen}), count(*) FILTER (WHERE {seen} AND ServTeamTypeMH IN {adult}),
          count(*) FILTER (WHERE {seen} AND ServTeamTypeMH = 'C02'), count(*) FILTER (WHERE AttendStatus <> '4'),
          count(*) FILTER (WHERE AttendStatus IN ('2', '3', '7')),
          count(*) FILTER (WHERE {seen} AND InterpreterPresentInd IS NOT NULL),
          count(*) FILTER (WHERE {seen} AND InterpreterPresentInd = 'Y')
          FROM (SELECT con.*, ref.ServTeamTypeMH FROM con LEFT JOIN ref USING (UniqServReqID))
          WHERE {among} GROUP BY ALL""",
        "refs": per.format(year(care)) + f"count(*) FROM ref WHERE {among} GROUP BY ALL",
        "held": each.format("count(*)", touching("ref", care, "ServDischDate", "ReferRejectionDate IS NULL")),
        "waits wait_total": f"""SELECT Person_ID, y, count(*), sum(waited) FROM (
          SELECT c.Person_ID, {year("two.d")} y, date_diff('day', r.{care}, two.d) waited FROM (
            SELECT UniqServReqID, any_value(Person_ID) Person_ID,
              list_sort(min({{d: CareContDate, i: UniqCareContID}}, 2))[2] two
            FROM con WHERE {seen} GROUP BY 1 HAVING count(*) >= 2) c
          JOIN ref r USING (UniqServReqID) WHERE waited >= 0 AND {among}) GROUP BY ALL""",
        "spells": each.format("count(*)", touching(*stay)),
        "outs out_days": per.format(year(stay[2])) + f"""count(*), sum(date_diff('day', {stay[1]}, {stay[2]}))
          FROM spell WHERE {among} GROUP BY ALL""",
        "ris prone secl rapid": per.format(year("StartDateRestrictiveIntType")) + f"""count(*),
          count(*) FILTER (WHERE RestrictiveIntType = '01'), count(*) FILTER (WHERE RestrictiveIntType = '05'),
          count(*) FILTER (WHERE RestrictiveIntType = '14') FROM ri WHERE {among} GROUP BY ALL""",
        "nights": each.format(f"sum({night})", touching("ward", "StartDateWardStay", "EndDateWardStay")),
        "course recovered": per.format(year("ServDischDate")) + f"""
          count(*) FILTER (WHERE NotCaseness_Flag = 'N' AND Recovery_Flag IS NOT NULL),
          count(*) FILTER (WHERE NotCaseness_Flag = 'N' AND Recovery_Flag = 'Y')
          FROM ids WHERE CompletedTreatment_Flag = 'Y' AND {among} GROUP BY ALL""",
        "answers good": per.format(year("ResponseDate")) + f"""
          count(*) FILTER (WHERE Question <> 'COMPLAINT' AND Positive IS NOT NULL),
          count(*) FILTER (WHERE Question <> 'COMPLAINT' AND Positive = 'Y') FROM exp WHERE {among} GROUP BY ALL""",
    }  # fmt: skip


def indicators() -> dict[str, tuple[str, str, str, str]]:
    """Return of each indicator who counts, its events, who is at risk, and the total of a mean, as SQL."""
    home, band = "area = 'catchment'", "age >= {0} AND age <= {1}"
    known = f"{home} AND age IS NOT NULL AND sex <> 'Not known'"
    yes, mothers = "({0})::int::double", f"sex = 'Female' AND {band.format(16, 49)}"
    restrained = {"people_restrained": "ris", "prone_restraint": "prone", "seclusion": "secl",
                  "rapid_tranquillisation": "rapid"}  # fmt: skip
    return {
        "ethnicity_known": ("held > 0", yes.format("e NOT IN ('Z', '99', '')"), "1.0", ""),
        "treated_prevalence": (f"seen > 0 AND {home}", "1.0", "1.0", ""),
        "new_referrals": (f"refs > 0 AND {home}", "refs", "1.0", ""),
        "cyp_access": (f"seen > 0 AND {known} AND {band.format(0, 19)}", "1.0", "1.0", ""),
        "adult_community_access": (f"seen_adult > 0 AND {known} AND age > 15", yes.format("seen_adult > 1"), "1.0", ""),
        "perinatal_access": (f"seen_peri > 0 AND {known} AND {mothers}", "1.0", "1.0", ""),
        "wait_second_contact": ("waits > 0", "waits", "waits", "wait_total"),
        "non_attendance": ("planned > 0", "missed", "planned", ""),
        "interpreter_present": ("int_known > 0 AND lang <> 'en'", "int_yes", "int_known", ""),
        "length_of_stay": ("outs > 0", "outs", "outs", "out_days"),
        **{name: ("spells > 0", yes.format(f"{part} > 0"), "1.0", "") for name, part in restrained.items()},
        "talking_therapies_recovery": ("course > 0", "recovered", "course", ""),
        "positive_experience": ("answers > 0", "good", "answers", ""),
    }  # fmt: skip


def strata(connection: duckdb.DuckDBPyConnection, out: Path) -> None:
    """Add up by person and year, then by stratum with squares and products, and write the cells."""
    found = facts()
    names = [name for part in found for name in part.split()]
    parts = [
        f"SELECT Person_ID, y, {', '.join(n if n in part.split() else f'0::double AS {n}' for n in names)} "
        f"FROM ({query}) AS f(Person_ID, y, {', '.join(part.split())})"
        for part, query in found.items()
    ]
    sums = ", ".join(f"sum({name})::double {name}" for name in names)
    by_person = f"SELECT Person_ID, y, {sums} FROM ({' UNION ALL '.join(parts)}) GROUP BY ALL"
    connection.execute(f"CREATE TEMP TABLE py AS {by_person}")
    cuts = " ".join(f"WHEN age < {high} THEN '{low}-{high - 1}'" for low, high in pairwise(BANDS))
    aggregates = []
    for i, (who, events, at_risk, total) in enumerate(indicators().values()):
        columns = {"a": events, "b": at_risk, "c": f"({events}) * ({events})", "d": f"({events}) * ({at_risk})",
                   "g": f"({at_risk}) * ({at_risk})", "h": total, "j": total and f"({total}) * ({total})"}  # fmt: skip
        for name, sql in columns.items():
            added = f"sum({sql}) FILTER (WHERE {who})" if sql else "NULL::double"
            aggregates.append(f"{added} AS {name}{i}")
    connection.execute(
        f"""CREATE TEMP TABLE wide AS SELECT y AS year, e, sex, imd,
          CASE WHEN age IS NULL THEN 'Not known' {cuts} ELSE '{BANDS[-1]}+' END AS age_band, {", ".join(aggregates)}
        FROM (SELECT py.*, e, sex, imd, area, lang, CASE WHEN birth IS NULL THEN NULL ELSE greatest(0, y - year(birth)
            - (month(birth) > 4 OR (month(birth) = 4 AND day(birth) > 1))::int) END age
          FROM py JOIN person USING (Person_ID) WHERE death IS NULL OR {year("death")} >= y) GROUP BY ALL"""
    )
    cells = " UNION ALL ".join(
        f"SELECT '{name}' indicator, year, e, sex, age_band, imd, a{i} events, b{i} at_risk, c{i} events_sq, "
        f"d{i} events_at_risk, g{i} at_risk_sq, h{i} total, j{i} total_sq FROM wide WHERE b{i} IS NOT NULL"
        for i, name in enumerate(indicators())
    )
    connection.execute(f"COPY ({cells}) TO '{out.as_posix()}' (FORMAT parquet)")


def main(folder: Path, out: Path) -> None:
    start = time.process_time()
    with duckdb.connect() as connection:
        connection.execute("SET preserve_insertion_order = false; SET memory_limit = '2500MB'")
        connection.execute(f"SET temp_directory = '{(out.parent / 'spill').as_posix()}'")
        for name in SHORT:
            read(connection, folder, declared()[name])
        people(connection)
        between(connection)
        strata(connection, out)
    print(json.dumps({"seconds": time.process_time() - start}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
