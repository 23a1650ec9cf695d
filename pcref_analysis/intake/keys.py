"""What holds between rows and between tables: one row a key, every row a person, identifiers that point somewhere."""

from __future__ import annotations

import ibis

from pcref_analysis.intake import people
from pcref_analysis.intake.availability import AREA_COLUMNS
from pcref_analysis.intake.declarations import PERSONS, Table, declared
from pcref_analysis.intake.findings import breach, count, one
from pcref_analysis.vocabulary.parameters import Parameters

ORPHANS_THAT_STOP = 0.5  # more than this share of rows without a person: identifiers differ between tables


def unique(table: Table, rows: ibis.Table, kept: int) -> tuple[ibis.Table, list[dict]]:
    """Keep one row a key: the one that ended last, else the greatest; count the others."""
    keys = count(rows.select(*table.key).distinct())
    if keys == kept:
        return rows, []
    dates = [name for name in (table.end(), table.start()) if name]
    others = [name for name in table.columns if name not in (*table.key, *dates)]
    order = [ibis.coalesce(rows[name].cast("string"), "").desc() for name in [*dates, *others]]
    window = ibis.window(group_by=[rows[name] for name in table.key], order_by=order)
    ranked = rows.mutate(__rank=ibis.row_number().over(window))
    key = " + ".join(table.key)
    todo = "One row is kept, the one with the latest end; the others are left out."
    found = breach(table.name, key, f"several rows with one {key}", "dropped", todo, kept - keys)
    return ranked.filter(ranked["__rank"] == 0).select(*table.columns), [found]


def of_people(table: Table, rows: ibis.Table, persons: ibis.Table, kept: int) -> tuple[ibis.Table, list[dict]]:
    """Keep the rows of people that stand in the table of people; count the others."""
    known = rows.semi_join(persons, "Person_ID")
    orphans = kept - count(known)
    if not orphans:
        return rows, []
    if orphans > ORPHANS_THAT_STOP * kept:
        todo = f"More than half. Are identifiers written alike in {table.name} and {PERSONS}?"
        return known, [breach(table.name, "Person_ID", f"person is not in {PERSONS}", "stops", todo, orphans)]
    todo = "The rows are left out. Extend the table of people to everyone in the other tables."
    return known, [breach(table.name, "Person_ID", f"person is not in {PERSONS}", "dropped", todo, orphans)]


def several(table: Table, rows: ibis.Table, kept: int) -> tuple[list[dict], int]:
    """Count people whose submissions disagree, and rows beyond the first of a person and month."""
    counts = one(people.conflicts(rows))
    doubles = kept - count(rows.select(*table.key).distinct())
    told = {
        " + ".join(table.key): ("several rows of one person and month", doubles, "Merged into one person."),
        "EthnicCategory": (
            "people with several known ethnic categories",
            counts["EthnicCategory"],
            "One is chosen by ethnicity_rule; compare the rules before a gap is read as settled.",
        ),
        "Gender": ("people with several genders", counts["Gender"], "The latest is used."),
        "PersonBirthDate": (
            "people with several birth dates",
            counts["PersonBirthDate"],
            "The latest is used. Are two people under one identifier?",
        ),
    }
    found = [breach(table.name, column, rule, "noted", todo, n) for column, (rule, n, todo) in told.items()]
    return found, counts["people"]


def between(kept: dict[str, ibis.Table], parameters: Parameters) -> list[dict]:
    """Count identifiers that point nowhere, and people whose home area the catchment does not know."""
    found = []
    todo = "Kept, but not counted where the other table is needed. Extract both for the same window."
    for name, rows in kept.items():
        for column, facts in declared()[name].columns.items():
            if facts.references in kept:
                loose = rows.filter(rows[column].notnull()).anti_join(kept[facts.references], column)
                found.append(
                    breach(name, column, f"points to no row of {facts.references}", "noted", todo, count(loose))
                )
    return found + _homes(kept, parameters)


def _homes(kept: dict[str, ibis.Table], parameters: Parameters) -> list[dict]:
    if "Areas" not in kept or PERSONS not in kept:
        return []
    columns = AREA_COLUMNS[parameters.imd_version]
    homes = kept[PERSONS].select(lsoa=ibis.coalesce(*(kept[PERSONS][name] for name in columns)))
    homes, column = homes.filter(homes.lsoa.notnull()), columns[0]
    recorded, outside = count(homes), count(homes.anti_join(kept["Areas"], "lsoa"))
    if recorded and recorded == outside:
        todo = (
            f"Is trust.icb_code right? If the extract brings Areas: does it hold the LSOA year that goes with "
            f"imd_version {parameters.imd_version}?"
        )
        return [breach(PERSONS, column, "no home area is in Areas", "stops", todo, outside)]
    todo = "They live elsewhere, or the LSOA is of another year; not counted among residents."
    return [breach(PERSONS, column, "people whose home area is not in Areas", "noted", todo, outside)]
