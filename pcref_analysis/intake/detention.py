"""Counting rules for the Mental Health Act: which periods under the Act are a detention, and which are not.

A stay under the Act is often several rows (section 136, then 2, then 3, then renewals), so that a count of rows is
far too high. NHS England puts each row into a category and counts some of them; :func:`act_periods` does the same
from dates. Three points differ knowingly from the published code: rows carry no times, so that what happens on the day
of admission counts as on admission; what follows the day after is a continuation (the published order of cases counts
a section 3 that starts the day after a section 2 as new); and the end of a conditional discharge by recall counts like
the revocation of a community treatment order, as the definition says.

References
----------
NHS England, Mental Health Act Statistics, Annual Figures: the categories A to P of ``MHA_Logic_Cat_full``.
Mental Health Act 1983 (sections 2, 3, 4, 5, 17A, 35 to 48, 135, 136). The Mental Health Act 2025 will change these
from dates not yet set: add a line to ``COUNTED`` when they are.
"""

from __future__ import annotations

import ibis
from ibis import _

from pcref_analysis.intake.rows import Tables, days_from, missing, present, rule, yes

# From which day on which categories are a detention; an episode falls under the last line on or before its first day.
COUNTED = (("1983-09-30", ("A", "B", "C", "D", "P")),)
MEANINGS = {
    "A": "detention on admission",
    "B": "detention after admission",
    "C": "detention after a place of safety order",
    "D": "detention after revocation of a community treatment order, or recall from conditional discharge",
    "E": "place of safety order",
    "F": "other short-term holding order",
    "G": "renewal",
    "H": "transfer in while detained",
    "J": "section 5(2) after 5(4)",
    "K": "section 37 after 35",
    "L": "section 3 after 2",
    "M": "guardianship",
    "N": "does not fit (no hospital spell, or dates that contradict each other)",
    "P": "detention through the courts or prison",
}
CIVIL = ("02", "03")
HOLDING = ("04", "05", "06")
PLACE_OF_SAFETY = ("19", "20")
CRIMINAL = ("07", "08", "09", "10", "12", "13", "14", "15", "16", "17", "18", "31", "32", "34", "37", "38")
DETAINED = CIVIL + CRIMINAL
RENEWED = ("03", "07", "08", "09", "10", "12", "15", "16", "17", "18")
GUARDIANSHIP = ("35", "36")
OTHER_HOSPITAL = ("49", "50", "51", "52", "53", "87")
TRANSFERRED_IN = ("81", "2B", "11", "12", "13")
PLANNED = ("11", "12", "13")
STILL = (2999, 12, 31)
ACT, SPELL = "UniqMHActEpisodeID", "UniqHospProvSpellID"
BEGAN, ENDED = "StartDateMHActLegalStatusClass", "EndDateMHActLegalStatusClass"


@rule("MHS401MHActPeriod", "MHS501HospProvSpell")
def act_periods(tables: Tables) -> ibis.Table:
    """Periods under one legal status, on their first day, with their ``category``.

    The first hospital spell that overlaps a period, the person's previous period in the same spell, and a community
    treatment order revoked (or a conditional discharge recalled) about then decide the category; see ``MEANINGS``.
    """
    rows = _with_spell(_distinct(tables["MHS401MHActPeriod"]), tables["MHS501HospProvSpell"])
    rows = _with_previous(rows)
    rows = _with_recall(rows, tables)
    return rows.mutate(category=_category(rows), date=rows[BEGAN])


@rule("MHS401MHActPeriod", "MHS501HospProvSpell")
def detention_episodes(tables: Tables) -> ibis.Table:
    """Detentions as NHS England counts them, on their first day (categories A, B, C, D and P)."""
    rows = act_periods(tables)
    found = ibis.literal(1) == ibis.literal(0)
    days = [day for day, _categories in COUNTED]
    for (day, categories), following in zip(COUNTED, [*days[1:], None], strict=True):
        now = rows.category.isin(categories) & (rows.date >= ibis.date(day))
        found = found | (now & (rows.date < ibis.date(following)) if following else now)
    return rows.filter(found)


@rule("MHS401MHActPeriod")
def section_136_episodes(tables: Tables) -> ibis.Table:
    """Periods under section 136 (removed by the police to a place of safety), on their first day."""
    return _distinct(tables["MHS401MHActPeriod"]).filter(_.LegalStatusCode == "20").mutate(date=_[BEGAN])


@rule("MHS404CommTreatOrder")
def cto_starts(tables: Tables) -> ibis.Table:
    """Community treatment orders, on their first day; one a person and day."""
    rows = tables["MHS404CommTreatOrder"]
    same = ibis.window(group_by=["Person_ID", "StartDateCommTreatOrd"], order_by=ACT)
    first = rows.mutate(copy=ibis.row_number().over(same)).filter(_.copy == 0)
    return first.mutate(date=_.StartDateCommTreatOrd)


@rule("MHS401MHActPeriod")
def joined_detentions(tables: Tables) -> ibis.Table:
    """Detentions that have ended, periods that follow each other joined, on their last day, with their ``length``.

    Periods under detaining sections (2, 3 and Part 3) that overlap, or of which one starts at most a day after
    the other, are one detention; holding orders, places of safety and guardianship are left out.
    """
    rows = tables["MHS401MHActPeriod"].filter(_.LegalStatusCode.isin(DETAINED))
    rows = rows.select("Person_ID", ACT, start=_[BEGAN], end=ibis.coalesce(_[ENDED], ibis.date(*STILL)))
    order = ["start", "end", ACT]
    before = ibis.window(group_by="Person_ID", order_by=order, rows=(None, -1))
    rows = rows.mutate(reached=rows.end.max().over(before))
    rows = rows.mutate(new=yes(missing(rows.reached) | (days_from(rows.reached, rows.start) > 1)))
    sofar = ibis.window(group_by="Person_ID", order_by=order, rows=(None, 0))
    rows = rows.mutate(spell_no=rows.new.sum().over(sofar))
    joined = rows.group_by(["Person_ID", "spell_no"]).agg(start=_.start.min(), date=_.end.max())
    joined = joined.filter(_.date < ibis.date(*STILL))
    return joined.mutate(length=days_from(joined.start, joined.date))


def _distinct(rows: ibis.Table) -> ibis.Table:
    """Keep one row a person, first day and legal status: the one that has ended, and last; then the last identifier."""
    same = ibis.window(
        group_by=["Person_ID", BEGAN, "LegalStatusCode"],
        order_by=[yes(missing(rows[ENDED])), rows[ENDED].desc(), rows[ACT].desc()],
    )
    return rows.mutate(copy=ibis.row_number().over(same)).filter(_.copy == 0).drop("copy")


def _with_spell(rows: ibis.Table, spells: ibis.Table) -> ibis.Table:
    """Attach the first hospital spell that overlaps each period, and where the person's spell before it ended."""
    by_person = ibis.window(group_by="Person_ID", order_by=["StartDateHospProvSpell", SPELL])
    spells = spells.mutate(came_from=spells.DestOfDischHospProvSpell.lag().over(by_person))
    spells = spells.select(
        SPELL,
        "Person_ID",
        "came_from",
        spell_start="StartDateHospProvSpell",
        spell_end="DischDateHospProvSpell",
        method="MethAdmMHHospProvSpell",
    )
    near = rows.inner_join(spells, "Person_ID")
    near = near.filter(
        (missing(_[ENDED]) | (_.spell_start <= _[ENDED])) & (missing(_.spell_end) | (_.spell_end >= _[BEGAN]))
    )
    turn = ibis.row_number().over(ibis.window(group_by=ACT, order_by=["spell_start", SPELL]))
    first = near.mutate(turn=turn).filter(_.turn == 0)
    first = first.select(ACT, SPELL, "spell_start", "spell_end", "method", "came_from")
    return rows.left_join(first, ACT).drop(f"{ACT}_right")


def _with_previous(rows: ibis.Table) -> ibis.Table:
    """Attach the person's previous period in the same spell, and the days from its end."""
    within = ibis.window(
        group_by=["Person_ID", SPELL], order_by=[rows[BEGAN], yes(missing(rows[ENDED])), rows[ENDED], rows[ACT]]
    )
    rows = rows.mutate(previous=rows.LegalStatusCode.lag().over(within), previous_end=rows[ENDED].lag().over(within))
    rows = rows.mutate(previous=present(rows[SPELL]).ifelse(rows.previous, None))
    return rows.mutate(gap=days_from(rows.previous_end, rows[BEGAN]))


def _with_recall(rows: ibis.Table, tables: Tables) -> ibis.Table:
    """Say for each period whether the person was recalled to it: 1 or 0, and how the order ended about the spell."""
    ends = []
    if "MHS404CommTreatOrder" in tables:
        orders = tables["MHS404CommTreatOrder"].filter(_.CommTreatOrdEndReason == "02")
        ends.append(orders.select("Person_ID", since="StartDateCommTreatOrd", ended="EndDateCommTreatOrd"))
    if "MHS403ConditionalDischarge" in tables:
        discharges = tables["MHS403ConditionalDischarge"].filter(_.CondDischEndReason == "02")
        ends.append(discharges.select("Person_ID", since="StartDateMHCondDisch", ended="EndDateMHCondDisch"))
    if not ends:
        return rows.mutate(recalled=ibis.literal(0), resumed=ibis.literal(0))
    ended = ends[0] if len(ends) == 1 else ibis.union(*ends)
    near = rows.select("Person_ID", ACT, "spell_start", began=_[BEGAN]).inner_join(ended, "Person_ID")
    near = near.filter((_.since < _.spell_start) & (days_from(_.spell_start, _.ended) >= -1))
    near = near.mutate(
        recalled=yes((_.began >= _.spell_start) & (days_from(_.ended, _.began) >= -1)),
        resumed=yes((_.began < _.spell_start) & (days_from(_.spell_start, _.ended) <= 2)),
    )
    found = near.group_by(ACT).agg(recalled=_.recalled.max(), resumed=_.resumed.max())
    joined = rows.left_join(found, ACT).drop(f"{ACT}_right")
    return joined.mutate(recalled=ibis.coalesce(joined.recalled, 0), resumed=ibis.coalesce(joined.resumed, 0))


def _category(rows: ibis.Table) -> ibis.Value:
    """Return the category of each period; the order of the cases matters."""
    status, previous, gap = rows.LegalStatusCode, rows.previous, rows.gap
    offset = days_from(rows.spell_start, rows[BEGAN])
    on, after, before = offset == 0, offset > 0, offset < 0
    fresh = missing(previous) | (previous == "01") | (gap > 1)
    follows = present(previous) & (missing(rows.previous_end) | (gap <= 1))
    new = rows.recalled == 0
    civil = status.isin(CIVIL)
    moved = rows.method.isin(TRANSFERRED_IN) | rows.came_from.isin(OTHER_HOSPITAL)
    return ibis.cases(
        (status == "01", "informal"),
        (status.isin(GUARDIANSHIP), "M"),
        (civil & on & fresh, "A"),
        ((status == "02") & (rows.method == "2A") & offset.between(0, 5), "A"),
        (civil & after & fresh & new, "B"),
        (civil & (offset >= 0) & follows & previous.isin(HOLDING) & new, "B"),
        (civil & (offset >= 0) & follows & previous.isin(PLACE_OF_SAFETY), "C"),
        (status.isin(("03", *CRIMINAL)) & (offset >= 0) & (rows.recalled == 1) & (fresh | previous.isin(HOLDING)), "D"),
        ((status == "03") & before & (rows.resumed == 1), "D"),
        (status.isin(PLACE_OF_SAFETY) & (fresh | (gap >= 1)), "E"),
        ((status == "05") & (previous == "06") & follows, "J"),
        (status.isin(HOLDING) & (offset >= 0) & (fresh | missing(gap) | (gap >= 0)), "F"),
        (status.isin(RENEWED) & after & (status == previous) & follows, "G"),
        (status.isin(DETAINED) & before & moved, "H"),
        ((status == "10") & (offset >= 0) & (previous == "07") & follows, "K"),
        ((status == "03") & (offset >= 0) & (previous == "02") & follows, "L"),
        (
            status.isin(CRIMINAL)
            & (offset <= 0)
            & rows.method.isin(PLANNED)
            & (fresh | previous.isin((*CIVIL, *HOLDING)))
            & new,
            "P",
        ),
        else_="N",
    ).cast("string")
