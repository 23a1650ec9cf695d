"""One row a person: which of several recorded values stands, by a written rule; conflicts are counted."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from pcref_analysis.extract.schema import PERSONS, SUBMISSION, declared
from pcref_analysis.extract.sources.portable import flag, when
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
        most months, the latest of them on a tie, else as above. ``submitted``: the category of the latest
        submission, also when it is missing. The date of death is that of the latest submission, also when it is
        missing: who was recorded as dead by mistake is not left out of every later year. Every other column takes its
        latest recorded value. Several submissions of one month are in the order of :func:`submitted`.

    Notes
    -----
    The choice changes who counts as whose; run the analysis under two rules before a gap is read as settled.
    """
    rows = rows.mutate(__turn=_turn(rows))
    month = rows["__turn"]
    columns = {name: _latest(rows[name], month) for name in declared()[PERSONS].columns if name not in _APART}
    columns[DEATH] = _submitted(rows[DEATH], month)
    known = rows.EthnicCategory.isin(_known())
    packed = rows.group_by("Person_ID").aggregate(
        UniqMonthID=rows.UniqMonthID.max(),
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
DEATH = "PersDeathDate"
NEWER = "EthnicCategory2021"


def submitted(rows: ibis.Table) -> list[ir.Value]:
    """Return what rows are ordered by to have the last submission last; nothing where no column tells the order.

    A number of a record is compared as a number, of whatever length; a row without a value comes first.
    """
    order: list[ir.Value] = []
    for name, column in SUBMISSION.items():
        if name in rows.columns and column.type == "integer":
            order.append(rows[name].coalesce(0))
        elif name in rows.columns:
            text = ibis.coalesce(rows[name].cast("string"), "")
            order += [text.length(), text]
    return order


def _turn(rows: ibis.Table) -> ir.IntegerValue:
    """Return a number that grows from one submission of a person to the next."""
    order = submitted(rows)
    if len(order) == 1:
        return order[0].cast("int64")
    return ibis.dense_rank().over(ibis.window(group_by=rows.Person_ID, order_by=order)).cast("int64")


def _known() -> list[str]:
    table = ethnicity.categories()
    return table.loc[table["broad_group"] != ethnicity.UNKNOWN, "code"].tolist()


def _latest(value: ir.Value, month: ir.IntegerValue) -> ir.Value:
    """Return the value of the latest month in which one was recorded, packed behind its month."""
    if value.type().is_date():
        return when(value.notnull(), month * _DAYS + _day(value)).max()
    return when(value.notnull(), (month + _BASE).cast("string") + value).max()


def _submitted(value: ir.DateValue, month: ir.IntegerValue) -> ir.Value:
    """Return the day of the latest month, or none (nought), packed behind its month."""
    return (month * _DAYS + ibis.coalesce(_day(value), 0)).max()


def _day(value: ir.DateValue) -> ir.IntegerValue:
    return value.year().cast("int64") * 10_000 + value.month().cast("int64") * 100 + value.day().cast("int64")


def _unpacked(packed: ibis.Table, rows: ibis.Table) -> ibis.Table:
    names = [name for name in declared()[PERSONS].columns if name not in _APART]
    texts = ["known", "recorded", "submitted", *(n for n in names if rows[n].type().is_string())]
    values = {name: packed[name].substr(len(str(_BASE))) for name in texts}
    for name in names:
        if rows[name].type().is_date():
            days = (packed[name] % _DAYS).nullif(0)
            values[name] = ibis.date(days // 10_000, days // 100 % 100, days % 100)
    return packed.mutate(**values)


def _most_frequent(rows: ibis.Table, month: ir.IntegerValue, known: ir.BooleanValue) -> ibis.Table:
    # Months, and not rows: a table of people joined to another holds the rows of who is in care most many times over.
    counted = (rows.mutate(month=month).filter(known).group_by("Person_ID", "EthnicCategory")).aggregate(
        months=ibis._.UniqMonthID.nunique(), month=ibis._.month.max()
    )
    pack = (counted.months + _BASE).cast("string") + (counted.month + _BASE).cast("string") + counted.EthnicCategory
    return (
        counted.mutate(pack=pack)
        .group_by("Person_ID")
        .aggregate(frequent=ibis._.pack.max().substr(2 * len(str(_BASE))))
    )


def _in_order(people: ibis.Table) -> ibis.Table:
    return people.select(*declared()[PERSONS].columns)


def conflicts(rows: ibis.Table) -> ibis.Table:
    """Return one row: people with several known ethnic categories, genders or birth dates, or a death withdrawn.

    ``newer`` are people whose category of 2021 is another of the sixteen than their category, ``only_newer`` those who
    have a category of 2021 alone.
    """
    known = rows.EthnicCategory.isin(_known())
    values = {
        "EthnicCategory": when(known, rows.EthnicCategory),
        "Gender": when(rows.Gender.isin(["1", "2", "3", "4"]), rows.Gender),
        "PersonBirthDate": rows.PersonBirthDate,
    }
    rows = rows.mutate(__turn=_turn(rows))
    each = rows.group_by("Person_ID").aggregate(
        withdrawn=_submitted(rows[DEATH], rows["__turn"]) % _DAYS,
        died=rows[DEATH].max(),
        known=_latest(when(known, rows.EthnicCategory), rows["__turn"]).substr(len(str(_BASE))),
        newer=_latest(when(rows[NEWER].isin(_known()), rows[NEWER]), rows["__turn"]).substr(len(str(_BASE))),
        **{f"{n}__least": v.min() for n, v in values.items()},
        **{f"{n}__most": v.max() for n, v in values.items()},
    )
    return each.aggregate(
        people=each.count(),
        newer=flag(each.newer != each.known).sum(),
        only_newer=flag(each.newer.notnull() & each.known.isnull()).sum(),
        **{DEATH: flag((each.withdrawn == 0) & each.died.notnull()).sum()},
        **{n: flag(each[f"{n}__least"] != each[f"{n}__most"]).sum() for n in values},
    )
