"""What holds between rows and between tables: one row a key, every row a person, identifiers that point somewhere."""

from __future__ import annotations

import ibis
from ibis import _

from pcref_analysis.extract import deduplicate
from pcref_analysis.extract.breach_report import breach, count, one
from pcref_analysis.extract.schema import AREA_COLUMNS, PERSONS, SUBMISSION, Table, declared
from pcref_analysis.extract.sources.portable import flag
from pcref_analysis.vocabulary import ethnicity
from pcref_analysis.vocabulary.parameters import Parameters

SPELLS = "MHS501HospProvSpell"
GOES_ON = (  # what a spell would have ended: many days in the bed of somebody who may have left long ago
    "Every day to the end of the last year counts, since no discharge ends them. Extract the spells of all ward stays."
)
ORPHANS_THAT_STOP = 0.5  # more than this share of rows without a person: identifiers differ between tables


def unique(table: Table, rows: ibis.Table, kept: int) -> tuple[ibis.Table, list[dict]]:
    """Keep one row a key: that of the last submission, with what it leaves empty; count the others.

    Where nothing tells the order of submissions (:data:`SUBMISSION`), or one submission holds several rows of a key,
    the row with the latest end stands, then the greatest: the same on every run. Rows that contradict one another
    there are counted, since nobody knows which is right.
    """
    keys = count(rows.select(*table.key).distinct())
    if keys == kept:
        return rows.select(*table.columns), []
    dates = [name for name in (table.end(), table.start()) if name]
    others = [name for name in table.columns if name not in (*table.key, *dates)]
    order = [ibis.coalesce(rows[name].cast("string"), "").desc() for name in [*dates, *others]]
    group, latest = [rows[name] for name in table.key], [value.desc() for value in deduplicate.submitted(rows)]
    text = ibis.literal("|").join([ibis.coalesce(rows[name].cast("string"), "") for name in table.columns])
    ranked = rows.mutate(
        __rank=ibis.row_number().over(ibis.window(group_by=group, order_by=[*latest, *order])),
        __turn=ibis.dense_rank().over(ibis.window(group_by=group, order_by=latest)) if latest else ibis.literal(0),
        __text=text,
    )
    standing = ibis.window(group_by=[ranked[name] for name in table.key], order_by=ranked["__rank"])
    ranked = ranked.mutate(__other=flag(ranked["__text"] != ranked["__text"].first().over(standing)))
    corrected, unsure = ranked["__turn"] > 0, ranked["__turn"] == 0
    counts = one(
        ranked.aggregate(
            corrected=(flag(corrected) * ranked["__other"]).sum(), unsure=(flag(unsure) * ranked["__other"]).sum()
        )
    )
    key, by = " + ".join(table.key), [name for name in SUBMISSION if name in rows.columns]
    stands = (
        f"The row of the last submission stands (by {', '.join(by)})." if by else "The one with the latest end stands."
    )
    todo = f"Add {', '.join(name for name in SUBMISSION)} to the extract (one is enough), so that the last one stands."
    told = [
        (f"several rows with one {key}", "superseded", stands, kept - keys),
        ("rows that a later submission corrects", "noted", "The last submission stands.", counts["corrected"]),
        (
            f"rows that contradict another with the same {key}",
            "noted",
            f"Nothing tells which is later: the one with the latest end stands, else the greatest. {todo}",
            counts["unsure"],
        ),
    ]
    found = [breach(table.name, key, rule, severity, todo, rows) for rule, severity, todo, rows in told]
    return ranked.filter(ranked["__rank"] == 0).select(*table.columns), found


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
    counts = one(deduplicate.conflicts(rows))
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
        deduplicate.DEATH: (
            "people whose date of death the latest submission does not hold",
            counts[deduplicate.DEATH],
            "Taken as alive.",
        ),
    }
    found = [breach(table.name, column, rule, "noted", todo, n) for column, (rule, n, todo) in told.items()]
    todo = "EthnicCategory is used. Compare both before a gap is read as settled."
    for key, rule in (("newer", "is another than in EthnicCategory"), ("only_newer", "is known and no other is")):
        found.append(
            breach(table.name, deduplicate.NEWER, f"people whose category of 2021 {rule}", "noted", todo, counts[key])
        )
    return found, counts["people"]


def between(kept: dict[str, ibis.Table], parameters: Parameters) -> list[dict]:
    """Count identifiers that point nowhere, and people whose home area the catchment does not know."""
    found = []
    todo = "Kept, but not counted where the other table is needed. Extract both for the same window."
    for name, rows in kept.items():
        for column, facts in declared()[name].columns.items():
            if facts.references in kept:
                loose = rows.filter(rows[column].notnull()).anti_join(kept[facts.references], column)
                rule = f"points to no row of {facts.references}"
                found.append(breach(name, column, rule, "noted", todo, count(loose)))
                if (end := declared()[name].end()) and facts.references == SPELLS:
                    still = count(loose.filter(loose[end].isnull()))
                    found.append(breach(name, end, f"has not ended, and {rule}", "noted", GOES_ON, still))
    return found + _homes(kept, parameters)


def homes(kept: dict[str, ibis.Table], parameters: Parameters) -> ibis.Table:
    """Return the home area of each person that has one: ``lsoa``."""
    persons = kept[PERSONS]
    found = persons.select(lsoa=ibis.coalesce(*(persons[name] for name in AREA_COLUMNS[parameters.imd_version])))
    return found.filter(found.lsoa.notnull())


def comparator(kept: dict[str, ibis.Table], parameters: Parameters) -> list[dict]:
    """Tell of a comparator that is the ethnic group of nobody in the extract: no gap could be worked out.

    Not kept with the cells, which do not rest on the comparator.
    """
    column = {"detailed": "ethnic_group", "broad": "broad_group"}[parameters.detail]
    table = ethnicity.categories()
    codes = table.loc[table[column] == parameters.comparator, "code"].tolist()
    if PERSONS not in kept or count(kept[PERSONS].filter(_.EthnicCategory.isin(codes)).limit(1)):
        return []
    rule = f"nobody has a code of the comparator {parameters.comparator} ({', '.join(codes)})"
    todo = "No gap can be worked out. Set comparator to another group, or look at how ethnic groups are coded."
    return [breach(PERSONS, "EthnicCategory", rule, "noted", todo)]


def _homes(kept: dict[str, ibis.Table], parameters: Parameters) -> list[dict]:
    if "Areas" not in kept or PERSONS not in kept:
        return []
    found, column = homes(kept, parameters), AREA_COLUMNS[parameters.imd_version][0]
    recorded, outside = count(found), count(found.anti_join(kept["Areas"], "lsoa"))
    if recorded and recorded == outside:
        todo = (
            f"Is trust.icb_code right? If the extract brings Areas: does it hold the LSOA year that goes with "
            f"imd_version {parameters.imd_version}?"
        )
        return [breach(PERSONS, column, "no home area is in Areas", "stops", todo, outside)]
    todo = "They live elsewhere, or the LSOA is of another year; not counted among residents. "
    todo += "Elsewhere they count, with the deprivation of their own area where it is published."
    return [breach(PERSONS, column, "people whose home area is not in Areas", "noted", todo, outside)]
