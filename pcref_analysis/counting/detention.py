"""Counting rules for the Mental Health Act: which periods under the Act are a detention, and which are not.

A stay under the Act is often several rows (section 136, then 2, then 3, then renewals), so that a count of rows is
far too high. NHS England puts each row into a category and counts some of them: :func:`published_periods` does so by
its order of cases (times, expiry dates and the section that a treatment order rests on where they are recorded). This
project ranks by :func:`act_periods`, which differs knowingly:

* What follows on the day after is a continuation. The published order of cases counts a section 3 that starts on the
  day after a section 2 ended as a new detention (B); on the same day it does not (L).
* A recall from conditional discharge counts like the revocation of a treatment order, as the definition of category D
  says; the published code reads conditional discharges and uses them nowhere.
* Legal status 37 and 38 (hospital and limitation directions) count as detention through the courts (P) or as transfers
  (H); the published code never counts them.
* A revoked order belongs to the person and the days about the admission; the published code asks that the order rests
  on the present or the previous section.
* No times: what happens on the day of admission counts as on admission. No look-back of 12 months.

References
----------
NHS England, Mental Health Act Statistics, Annual Figures: the categories A to P of ``MHA_Logic_Cat_full``.
Mental Health Act 1983 (sections 2, 3, 4, 5, 17A, 35 to 48, 135, 136). The Mental Health Act 2025 will change these
from dates not yet set: add a line to ``COUNTED`` when they are.
"""

from __future__ import annotations

import ibis
from ibis import _

from pcref_analysis.counting.row_conditions import Tables, days_from, in_list, missing, once, present, rule, yes
from pcref_analysis.extract.sources.engines import hold
from pcref_analysis.extract.sources.portable import stack
from pcref_analysis.vocabulary import codelists

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


def _codes(*lists: str) -> tuple[str, ...]:
    return tuple(code.code for name in lists for code in codelists.named(name))


CIVIL, HOLDING, PLACE_OF_SAFETY = _codes("section_2", "section_3"), _codes("holding_powers"), _codes("place_of_safety")
LISTED, GUARDIANSHIP = _codes("part_3"), _codes("guardianship")  # Part 3 and other Acts
CRIMINAL = LISTED + _codes("limitation_directions")
DETAINED = CIVIL + CRIMINAL
RENEWED, REVOKED_TO, OTHER_HOSPITAL = map(_codes, ("renewable", "revoked_to", "other_hospital_destinations"))
METHODS = ("planned_methods", "transferred_in_methods", "admitted_from_emergency_department")
PLANNED, TRANSFERRED_IN, EMERGENCY = map(_codes, METHODS)
STILL = (2999, 12, 31)
ACT, SPELL = "UniqMHActEpisodeID", "UniqHospProvSpellID"
BEGAN, ENDED = "StartDateMHActLegalStatusClass", "EndDateMHActLegalStatusClass"
EXPIRY, BEGAN_AT = "ExpiryDateMHActLegalStatusClass", "StartTimeMHActLegalStatusClass"


@rule("MHS401MHActPeriod", "MHS501HospProvSpell")
@once
def act_periods(tables: Tables) -> ibis.Table:
    """Periods under one legal status, on their first day, with their ``category``.

    The first hospital spell that overlaps a period, the person's previous period in the same spell, and a community
    treatment order revoked (or a conditional discharge recalled) about then decide the category; see ``MEANINGS``.
    """
    rows = _with_spell(_distinct(tables["MHS401MHActPeriod"]), tables["MHS501HospProvSpell"])
    rows = hold(_with_previous(rows))  # kept, or each step would be written out again in the next
    rows = _with_recall(rows, tables)
    return rows.mutate(category=_category(rows), date=rows[BEGAN])


@rule("MHS401MHActPeriod", "MHS501HospProvSpell")
@once
def published_periods(tables: Tables) -> ibis.Table:
    """Periods under one legal status, on their first day, with the category ``published`` code gives them."""
    rows = _published(hold(_distinct(tables["MHS401MHActPeriod"])), tables)
    return rows.mutate(date=rows[BEGAN])


@rule("MHS401MHActPeriod", "MHS501HospProvSpell")
def detention_episodes(tables: Tables) -> ibis.Table:
    """Detentions as NHS England counts them, on their first day, by the categories of :data:`COUNTED` for it."""
    rows = act_periods(tables)
    found = ibis.literal(1) == ibis.literal(0)
    days = [day for day, _categories in COUNTED]
    for (day, categories), following in zip(COUNTED, [*days[1:], None], strict=True):
        now = rows.category.isin(categories) & (rows.date >= ibis.date(day))
        found = found | (now & (rows.date < ibis.date(following)) if following else now)
    return rows.filter(found)


@rule("MHS401MHActPeriod", "MHS501HospProvSpell")
def periods_ended(tables: Tables) -> ibis.Table:
    """Periods under one legal status that ended, each by itself, on the last day, with their ``length`` in days.

    Without an end the expiry date ends it, unless that lies before its start; a transfer in while detained begins on
    the day of admission.
    """
    rows = published_periods(tables)
    end = ibis.coalesce(rows[ENDED], (rows[EXPIRY] >= rows[BEGAN]).ifelse(rows[EXPIRY], None))
    begun = (rows.published == "H").ifelse(rows.admitted, rows[BEGAN])
    rows = rows.mutate(date=end, length=days_from(begun, end))
    return rows.filter(present(rows.date))


@rule("MHS404CommTreatOrder")
@once
def cto_starts(tables: Tables) -> ibis.Table:
    """Community treatment orders, on their first day; one a person and day."""
    first = _orders_once(tables["MHS404CommTreatOrder"])
    recalled = ibis.literal(0)
    if "MHS405CommTreatOrderRecall" in tables:
        recalls = tables["MHS405CommTreatOrderRecall"].group_by(ACT).agg(recalls=_.count())
        first = first.left_join(recalls, ACT).drop(f"{ACT}_right")
        recalled = yes(first.recalls > 0)
    revoked = in_list(first.CommTreatOrdEndReason, codelists.named("orders_revoked"))
    return first.mutate(date=first.StartDateCommTreatOrd, recalled=recalled, revoked=yes(revoked))


@rule("MHS404CommTreatOrder", "MHS405CommTreatOrderRecall")
def cto_recalls(tables: Tables) -> ibis.Table:
    """Community treatment orders, on their first day, with whether the person was ``recalled`` under the order."""
    return cto_starts(tables)


@rule("MHS404CommTreatOrder")
def cto_ends(tables: Tables) -> ibis.Table:
    """Community treatment orders that ended, on their last day, with their ``length``."""
    rows = cto_starts(tables).drop("date")
    rows = rows.filter(present(_.EndDateCommTreatOrd))
    length = days_from(rows.StartDateCommTreatOrd, rows.EndDateCommTreatOrd)
    return rows.mutate(date=rows.EndDateCommTreatOrd, length=length)


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


def _orders_once(rows: ibis.Table) -> ibis.Table:
    """Keep one treatment order a person and first day: of a copy that was sent before the end, the later."""
    ended = rows.EndDateCommTreatOrd
    order = [yes(missing(ended)), ended.desc(), rows[ACT].desc()]
    same = ibis.window(group_by=["Person_ID", "StartDateCommTreatOrd"], order_by=order)
    return rows.mutate(copy=ibis.row_number().over(same)).filter(_.copy == 0).drop("copy")


def _distinct(rows: ibis.Table) -> ibis.Table:
    """Keep one row a person, first day and legal status: the latest expiry, then end, then identifier."""
    same = ibis.window(
        group_by=["Person_ID", BEGAN, "LegalStatusCode"],
        order_by=[
            yes(missing(rows[EXPIRY])),
            rows[EXPIRY].desc(),
            yes(missing(rows[ENDED])),
            rows[ENDED].desc(),
            rows[ACT].desc(),
        ],
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
    later = rows.LegalStatusCode.isin((*HOLDING, *PLACE_OF_SAFETY)).ifelse(0, 1)  # a short order comes first on its day
    order = [rows[BEGAN], later, yes(missing(rows[ENDED])), rows[ENDED], rows[ACT]]
    within = ibis.window(group_by=["Person_ID", SPELL], order_by=order)
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
        return rows.mutate(recalled=ibis.literal(0), resumed=ibis.literal(0), just_recalled=ibis.literal(0))
    ended = stack(ends)
    near = rows.select("Person_ID", ACT, "spell_start", began=_[BEGAN]).inner_join(ended, "Person_ID")
    near = near.filter((_.since < _.spell_start) & (days_from(_.spell_start, _.ended) >= -1))
    since = days_from(near.ended, near.began)
    near = near.mutate(
        recalled=yes((near.began >= near.spell_start) & (since >= -1)),
        just_recalled=yes((near.began >= near.spell_start) & since.between(-1, 1)),
        resumed=yes((near.began < near.spell_start) & (days_from(near.spell_start, near.ended) <= 2)),
    )
    flags = ["recalled", "just_recalled", "resumed"]
    found = near.group_by(ACT).agg(**{name: _[name].max() for name in flags})
    joined = rows.left_join(found, ACT).drop(f"{ACT}_right")
    return joined.mutate(**{name: ibis.coalesce(joined[name], 0) for name in flags})


def _category(rows: ibis.Table) -> ibis.Value:
    """Return the category of each period; the order of the cases matters."""
    status, previous, gap = rows.LegalStatusCode, rows.previous, rows.gap
    offset = days_from(rows.spell_start, rows[BEGAN])
    on, after, before = offset == 0, offset > 0, offset < 0
    fresh = missing(previous) | (previous == "01") | (gap > 1)
    follows = present(previous) & (missing(rows.previous_end) | (gap <= 1))
    new = rows.just_recalled == 0
    civil = status.isin(CIVIL)
    moved = rows.method.isin(TRANSFERRED_IN) | rows.came_from.isin(OTHER_HOSPITAL)
    return ibis.cases(
        (status == "01", "informal"),
        (status.isin(GUARDIANSHIP), "M"),
        (civil & on & fresh, "A"),
        ((status == "02") & rows.method.isin(EMERGENCY) & offset.between(0, 5), "A"),
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


def _published(periods: ibis.Table, tables: Tables) -> ibis.Table:
    """Return periods with ``published``, the category by the published code, and ``admitted``, the day of its spell."""
    spells = tables["MHS501HospProvSpell"]
    begun, gone = spells.StartDateHospProvSpell, spells.DischDateHospProvSpell
    same = ibis.window(group_by=["Person_ID", begun, gone], order_by=spells[SPELL].desc())
    spells = spells.mutate(copy=ibis.row_number().over(same)).filter(_.copy == 0)
    begun, gone = spells.StartDateHospProvSpell, spells.DischDateHospProvSpell
    times = [ibis.coalesce(spells[f"{name}TimeHospProvSpell"], "") for name in ("Start", "Disch")]
    order = [begun, times[0], yes(missing(gone)), gone, times[1], spells[SPELL]]
    by_person = ibis.window(group_by="Person_ID", order_by=order)
    spells = spells.mutate(came=spells.DestOfDischHospProvSpell.lag().over(by_person))
    spells = spells.select(
        "Person_ID",
        spell=SPELL,
        came="came",
        admitted="StartDateHospProvSpell",
        admitted_at="StartTimeHospProvSpell",
        left="DischDateHospProvSpell",
        left_at="DischTimeHospProvSpell",
        method="MethAdmMHHospProvSpell",
    )
    rows = periods.mutate(
        status=_.LegalStatusCode, began=_[BEGAN], began_at=_[BEGAN_AT], end=_[ENDED], expiry=_[EXPIRY]
    )
    late = (rows.began == spells.left) & present(rows.began_at) & present(spells.left_at)
    late &= rows.began_at > spells.left_at  # written 14:05, so that text compares as time
    overlaps = (
        (missing(rows.end) | (spells.admitted <= rows.end))
        & (missing(rows.expiry) | (spells.admitted <= rows.expiry))
        & (missing(spells.left) | (spells.left >= rows.began))
        & (yes(late) == 0)  # without a day of discharge it cannot be told, and is not
    )
    # by person first: an outer join whose condition compares days is planned as a loop over all pairs
    near = (
        rows.inner_join(spells, "Person_ID")
        .filter(overlaps)
        .select(ACT, *(n for n in spells.columns if n != "Person_ID"))
    )
    rows = rows.left_join(near, ACT).drop(f"{ACT}_right")
    # Without a time an order that came before a section of the same day would be sorted after an open one.
    short = missing(rows.began_at) & rows.status.isin((*HOLDING, *PLACE_OF_SAFETY))
    at = ibis.coalesce(rows.began_at, "")  # first, on every engine
    order = [rows.began, at, short.ifelse(0, 1), yes(present(rows.end)), rows.end, rows[ACT]]
    within = ibis.window(group_by=["Person_ID", "spell"], order_by=order)
    before = {"was": rows.status, "was_began": rows.began, "was_end": rows.end, "was_id": rows[ACT]}
    rows = rows.mutate(**{name: column.lag().over(within) for name, column in before.items()})
    rows = rows.mutate(**{name: present(rows.spell).ifelse(rows[name], None) for name in before})
    first = ibis.window(group_by=ACT, order_by=["admitted", "spell"])
    rows = rows.mutate(turn=ibis.row_number().over(first)).filter(_.turn == 0)
    rows = hold(_with_order(hold(rows), tables))
    return rows.select(*periods.columns, "admitted", published=_published_category(rows))


def _with_order(rows: ibis.Table, tables: Tables) -> ibis.Table:
    """Attach the revoked treatment order that rests on the previous period, or else on this one.

    It began before the admission, and ended after it or is open.
    """
    if "MHS404CommTreatOrder" not in tables:
        return rows.mutate(cto=ibis.literal(0), cto_start=ibis.null("date"), cto_end=ibis.null("date"))
    orders = _orders_once(tables["MHS404CommTreatOrder"])
    orders = orders.filter(in_list(orders.CommTreatOrdEndReason, codelists.named("orders_revoked")))
    orders = orders.select(order_id=ACT, since="StartDateCommTreatOrd", until="EndDateCommTreatOrd")
    near = rows.inner_join(orders, (orders.order_id == rows[ACT]) | (orders.order_id == rows.was_id))
    near = near.filter((near.since < near.admitted) & (missing(near.until) | (near.until > near.admitted)))
    last = ibis.window(group_by=ACT, order_by=[yes(near.order_id != near.was_id), near.since.desc(), near.order_id])
    near = near.mutate(place=ibis.row_number().over(last)).filter(_.place == 0)
    near = near.select(ACT, cto=ibis.literal(1), cto_start="since", cto_end="until")
    rows = rows.left_join(near, ACT).drop(f"{ACT}_right")
    return rows.mutate(cto=ibis.coalesce(rows.cto, 0))


def _published_category(rows: ibis.Table) -> ibis.Value:
    """Return the category by the published order of cases; the first that fits."""
    status, was, began = rows.status, rows.was, rows.began
    offset, gap = days_from(rows.admitted, began), days_from(rows.was_end, began)
    timed = present(rows.began_at) & present(rows.admitted_at)
    later = timed & (rows.began_at > rows.admitted_at)
    civil, none = status.isin(CIVIL), missing(was)
    free = none | (was == "01")
    over = (rows.cto == 0) | (present(rows.cto_end) & (days_from(rows.cto_end, began) > 1))
    next_to = present(was) & (missing(rows.was_end) | gap.between(0, 1))
    holding = present(was) & was.isin(HOLDING)
    still = missing(rows.end) | (rows.end >= rows.admitted)
    recalled = (rows.cto == 1) & (missing(rows.cto_end) | (days_from(rows.cto_end, began) >= -1))
    moved = rows.method.isin(TRANSFERRED_IN) | rows.came.isin(OTHER_HOSPITAL)
    placed = present(was) & was.isin(PLACE_OF_SAFETY)
    return ibis.cases(
        (status == "01", "informal"),
        (civil & (offset == 0) & ~later & (free | (days_from(rows.was_end, rows.admitted) > 1)), "A"),
        ((status == "02") & offset.between(0, 5) & rows.method.isin(EMERGENCY), "A"),
        (
            civil
            & (((offset == 0) & (later | ~timed)) | (offset > 0))
            & over
            & (none | (gap > 0) | (holding & gap.between(0, 1))),
            "B",
        ),
        (
            civil
            & placed
            & (gap.between(0, 1) | (began == rows.was_began))
            & ((offset == 0) | (rows.admitted >= rows.was_began) | (gap == 0)),
            "C",
        ),
        (status.isin(REVOKED_TO) & recalled & ((offset == 0) | (rows.admitted >= rows.cto_start)), "D"),
        (
            (status == "03") & (offset < 0) & (rows.cto == 1) & days_from(rows.admitted, rows.cto_end).between(-1, 2),
            "D",
        ),
        (status.isin(PLACE_OF_SAFETY) & (free | (gap > 0)), "E"),
        (
            ((status.isin(HOLDING) & (offset == 0)) | (status.isin(("05", "06")) & (offset > 0))) & (free | (gap >= 0)),
            "F",
        ),
        (status.isin(RENEWED) & (offset > 0) & (status == was) & next_to, "G"),
        (status.isin((*CIVIL, *LISTED)) & (offset < 0) & moved, "H"),
        (
            (status == "05")
            & (offset >= 0)
            & (was == "06")
            & (began >= rows.was_began)
            & (missing(rows.was_end) | missing(rows.end) | (rows.was_end <= rows.end)),
            "J",
        ),
        ((status == "10") & (offset >= 0) & (was == "07") & next_to, "K"),
        ((status == "03") & (offset >= 0) & (was == "02") & next_to, "L"),
        (status.isin(GUARDIANSHIP), "M"),
        (
            status.isin(LISTED)
            & (offset <= 0)
            & still
            & rows.method.isin(PLANNED)
            & (none | (was.isin(("01", *CIVIL, *HOLDING)) & (missing(rows.was_end) | (gap >= 0))))
            & over,
            "P",
        ),
        else_="N",
    ).cast("string")
