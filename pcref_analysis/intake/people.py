"""One row a person: which of several recorded values stands, by a written rule; conflicts are counted."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from pcref_analysis.intake.declarations import PERSONS, declared
from pcref_analysis.intake.portable import flag, when
from pcref_analysis.vocabulary import ethnicity

RULES = ("latest_known", "most_frequent", "submitted")
_BASE = 1_000_000  # months are packed before values, so that the greatest pack holds the latest value
_DAYS = 100_000_000


def one_row(rows: ibis.Table, rule: str) -> ibis.Table:
    """Return one row a person from several submissions.

    Parameters
    ----------
    rows
        Cleaned rows of MHS001MPI: declared names and types.
    rule
        How the ethnic category is chosen when submissions differ. ``latest_known``: the latest category that is
        known, else the latest of "not stated" and "not known". ``most_frequent``: the known category recorded in
        most rows, the latest of them on a tie, else as above. ``submitted``: the category of the latest
        submission, also when it is missing. Every other column takes its latest recorded value.

    Notes
    -----
    The choice changes who counts as whose; run the analysis under two rules before a gap is read as settled.
    """
    month = rows.UniqMonthID.coalesce(0)
    columns = {name: _latest(rows[name], month) for name in declared()[PERSONS].columns if name not in _APART}
    known = rows.EthnicCategory.isin(_known())
    packed = rows.group_by("Person_ID").aggregate(
        UniqMonthID=month.max().nullif(0),
        known=_latest(when(known, rows.EthnicCategory), month),
        recorded=_latest(rows.EthnicCategory, month),
        submitted=_latest(rows.EthnicCategory.coalesce(""), month),
        **columns,
    )
    chosen = _unpacked(packed, rows)
    if rule == "submitted":
        return _in_order(chosen.mutate(EthnicCategory=chosen.submitted.nullif("")))
    if rule == "most_frequent":
        chosen = chosen.left_join(_most_frequent(rows, month, known), "Person_ID")
        return _in_order(chosen.mutate(EthnicCategory=ibis.coalesce(chosen.frequent, chosen.known, chosen.recorded)))
    return _in_order(chosen.mutate(EthnicCategory=ibis.coalesce(chosen.known, chosen.recorded)))


_APART = ("Person_ID", "UniqMonthID", "EthnicCategory")


def _known() -> list[str]:
    table = ethnicity.categories()
    return table.loc[table["broad_group"] != ethnicity.UNKNOWN, "code"].tolist()


def _latest(value: ir.Value, month: ir.IntegerValue) -> ir.Value:
    """Return the value of the latest month in which one was recorded, packed behind its month."""
    if value.type().is_date():
        days = value.year().cast("int64") * 10_000 + value.month().cast("int64") * 100 + value.day().cast("int64")
        return when(value.notnull(), month * _DAYS + days).max()
    return when(value.notnull(), (month + _BASE).cast("string") + value).max()


def _unpacked(packed: ibis.Table, rows: ibis.Table) -> ibis.Table:
    texts = [
        "known",
        "recorded",
        "submitted",
        *(n for n in rows.columns if n not in _APART and rows[n].type().is_string()),
    ]
    values = {name: packed[name].substr(len(str(_BASE))) for name in texts}
    for name in rows.columns:
        if name not in _APART and rows[name].type().is_date():
            days = packed[name] % _DAYS
            values[name] = ibis.date(days // 10_000, days // 100 % 100, days % 100)
    return packed.mutate(**values)


def _most_frequent(rows: ibis.Table, month: ir.IntegerValue, known: ir.BooleanValue) -> ibis.Table:
    counted = (rows.mutate(month=month).filter(known).group_by("Person_ID", "EthnicCategory")).aggregate(
        rows=ibis._.count(), month=ibis._.month.max()
    )
    pack = (counted.rows + _BASE).cast("string") + (counted.month + _BASE).cast("string") + counted.EthnicCategory
    return (
        counted.mutate(pack=pack)
        .group_by("Person_ID")
        .aggregate(frequent=ibis._.pack.max().substr(2 * len(str(_BASE))))
    )


def _in_order(people: ibis.Table) -> ibis.Table:
    return people.select(*declared()[PERSONS].columns)


def conflicts(rows: ibis.Table) -> ibis.Table:
    """Return one row: people whose submissions hold several known ethnic categories, genders or birth dates."""
    known = rows.EthnicCategory.isin(_known())
    values = {
        "EthnicCategory": when(known, rows.EthnicCategory),
        "Gender": when(rows.Gender.isin(["1", "2", "3", "4"]), rows.Gender),
        "PersonBirthDate": rows.PersonBirthDate,
    }
    each = rows.group_by("Person_ID").aggregate(
        **{f"{n}__least": v.min() for n, v in values.items()}, **{f"{n}__most": v.max() for n, v in values.items()}
    )
    return each.aggregate(
        people=each.count(), **{n: flag(each[f"{n}__least"] != each[f"{n}__most"]).sum() for n in values}
    )
