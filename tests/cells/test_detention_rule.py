"""The Mental Health Act rule: a literal history for every category, and which of them are a detention."""

import pytest

from pcref_analysis.counting import detention

ADMITTED = "2023-05-10"


def period(status, start, end=None, name=None, person="P1"):
    return {
        "UniqMHActEpisodeID": name or f"M-{person}-{status}-{start}",
        "Person_ID": person,
        "LegalStatusCode": status,
        "StartDateMHActLegalStatusClass": start,
        "EndDateMHActLegalStatusClass": end,
    }


def spell(start=ADMITTED, end="2024-01-10", method="21", to="19", name="S1", person="P1"):
    return {
        "UniqHospProvSpellID": name,
        "Person_ID": person,
        "StartDateHospProvSpell": start,
        "DischDateHospProvSpell": end,
        "MethAdmMHHospProvSpell": method,
        "DestOfDischHospProvSpell": to,
    }


def order(start, end, reason="02", person="P1"):
    return {
        "UniqMHActEpisodeID": f"O-{start}",
        "Person_ID": person,
        "StartDateCommTreatOrd": start,
        "EndDateCommTreatOrd": end,
        "CommTreatOrdEndReason": reason,
    }


def discharge(start, end, reason="02", person="P1"):
    return {
        "UniqMHActEpisodeID": f"D-{start}",
        "Person_ID": person,
        "StartDateMHCondDisch": start,
        "EndDateMHCondDisch": end,
        "CondDischEndReason": reason,
    }


# name: (periods, spells, orders, conditional discharges, the category of each period in order of its start and end)
HISTORIES = {
    "section 2 on the day of admission": ([period("02", "2023-05-10", "2023-06-06")], [spell()], [], [], "A"),
    "section 3 on the day of admission": ([period("03", "2023-05-10")], [spell()], [], [], "A"),
    "section 2 by way of an emergency department, two days on": (
        [period("02", "2023-05-12", "2023-06-06")],
        [spell(method="2A")],
        [],
        [],
        "A",
    ),
    "section 2 three days after admission": ([period("02", "2023-05-13", "2023-06-06")], [spell()], [], [], "B"),
    "informal, then section 3": (
        [period("01", "2023-05-10", "2023-05-20"), period("03", "2023-05-20")],
        [spell()],
        [],
        [],
        "- B",
    ),
    "section 5(2), then section 2 the same day as it ends": (
        [period("05", "2023-05-14", "2023-05-16"), period("02", "2023-05-16", "2023-06-10")],
        [spell()],
        [],
        [],
        "F B",
    ),
    "section 5(4), then 5(2), then 3": (
        [
            period("06", "2023-05-14", "2023-05-14"),
            period("05", "2023-05-14", "2023-05-16"),
            period("03", "2023-05-16"),
        ],
        [spell()],
        [],
        [],
        "F J B",
    ),
    "section 136, then section 2 on the day of admission": (
        [period("20", "2023-05-10", "2023-05-10"), period("02", "2023-05-10", "2023-06-06")],
        [spell()],
        [],
        [],
        "E C",
    ),
    "section 136 the day before, then section 3": (
        [period("20", "2023-05-09", "2023-05-10"), period("03", "2023-05-10")],
        [spell()],
        [],
        [],
        "E C",
    ),
    "section 135, then section 2 the day after it ended": (
        [period("19", "2023-05-10", "2023-05-10"), period("02", "2023-05-11", "2023-06-06")],
        [spell()],
        [],
        [],
        "E C",
    ),
    "section 3 on the day a treatment order is revoked, a day after recall": (
        [period("03", "2023-05-11")],
        [spell()],
        [order("2023-01-03", "2023-05-11")],
        [],
        "D",
    ),
    "section 3 long after a treatment order lapsed": (
        [period("03", "2023-05-13")],
        [spell()],
        [order("2022-01-03", "2022-12-11", "01")],
        [],
        "B",
    ),
    "section 3 after a revocation months ago": (
        [period("03", "2023-05-13")],
        [spell()],
        [order("2022-01-03", "2022-12-11")],
        [],
        "B",
    ),
    "section 2 weeks after a revocation in the same stay": (
        [period("03", "2023-05-11", "2023-06-01"), period("02", "2023-07-01", "2023-07-20")],
        [spell()],
        [order("2023-01-03", "2023-05-11")],
        [],
        "D B",
    ),
    "section 2 on the day of revocation contradicts it": (
        [period("02", "2023-05-12", "2023-06-01")],
        [spell()],
        [order("2023-01-03", "2023-05-11")],
        [],
        "N",
    ),
    "place of safety left open, then section 3 on its day": (
        [period("20", "2023-05-10"), period("03", "2023-05-10", "2023-06-06")],
        [spell()],
        [],
        [],
        "E C",
    ),
    "section 3 of before resumed by revocation": (
        [period("03", "2022-06-01")],
        [spell()],
        [order("2022-12-01", "2023-05-11")],
        [],
        "D",
    ),
    "restricted patient recalled from conditional discharge": (
        [period("09", "2023-05-11")],
        [spell()],
        [],
        [discharge("2021-03-01", "2023-05-10")],
        "D",
    ),
    "section 136 alone, no hospital": ([period("20", "2023-05-10", "2023-05-11")], [], [], [], "E"),
    "section 5(2) that came to nothing": ([period("05", "2023-05-11", "2023-05-14")], [spell()], [], [], "F"),
    "section 3 renewed after six months": (
        [period("03", "2023-05-10", "2023-11-09"), period("03", "2023-11-10")],
        [spell()],
        [],
        [],
        "A G",
    ),
    "section 3 renewed on the day": (
        [period("03", "2023-05-10", "2023-11-09"), period("03", "2023-11-09")],
        [spell()],
        [],
        [],
        "A G",
    ),
    "detained elsewhere, moved here": ([period("03", "2023-03-01")], [spell(method="81")], [], [], "H"),
    "detained here, moved back from another hospital": (
        [period("03", "2023-04-20")],
        [spell("2023-01-01", "2023-01-20", to="49", name="S0"), spell()],
        [],
        [],
        "H",
    ),
    "section 37 after 35": (
        [period("07", "2023-05-10", "2023-06-07"), period("10", "2023-06-07")],
        [spell(method="11")],
        [],
        [],
        "P K",
    ),
    "section 3 follows 2 on its last day": (
        [period("02", "2023-05-10", "2023-06-06"), period("03", "2023-06-06")],
        [spell()],
        [],
        [],
        "A L",
    ),
    "section 3 follows 2 the day after (the published order of cases counts it again)": (
        [period("02", "2023-05-10", "2023-06-06"), period("03", "2023-06-07")],
        [spell()],
        [],
        [],
        "A L",
    ),
    "section 3 overlaps 2, whose end was recorded late": (
        [period("02", "2023-05-10", "2023-06-08"), period("03", "2023-06-06")],
        [spell()],
        [],
        [],
        "A L",
    ),
    "section 3 weeks after 2 lapsed: a new detention": (
        [period("02", "2023-05-10", "2023-06-06"), period("03", "2023-06-20")],
        [spell()],
        [],
        [],
        "A B",
    ),
    "guardianship": ([period("35", "2023-05-10")], [], [], [], "M"),
    "hospital order from court": ([period("10", "2023-05-10")], [spell(method="12")], [], [], "P"),
    "section 3 without any hospital spell": ([period("03", "2023-05-10")], [], [], [], "N"),
    "section 2 that ended before the spell began": (
        [period("02", "2023-03-01", "2023-03-20")],
        [spell()],
        [],
        [],
        "N",
    ),
}


@pytest.fixture(scope="module")
def found(extract):
    """Return what the rule makes of every history: all periods with their category, and those that are counted.

    All stand in one extract, each with people and identifiers of its own: to write the statement takes long.
    """
    names = ("MHS401MHActPeriod", "MHS501HospProvSpell", "MHS404CommTreatOrder", "MHS403ConditionalDischarge")
    lines = {name: [] for name in names}
    for history, (*parts, _expected) in HISTORIES.items():
        for name, part in zip(names, parts, strict=True):
            lines[name] += [{key: own(history, key, value) for key, value in line.items()} for line in part]
    tables = extract(**lines)
    return detention.act_periods(tables).execute(), detention.detention_episodes(tables).execute()


def own(history, column, value):
    return f"{history}: {value}" if column == "Person_ID" or column.startswith("Uniq") else value


def of(history, rows):
    """Return the rows of a history, in the order in which its periods are written."""
    names = [own(history, "UniqMHActEpisodeID", line["UniqMHActEpisodeID"]) for line in HISTORIES[history][0]]
    mine = rows[rows["UniqMHActEpisodeID"].isin(names)]
    return mine.sort_values("UniqMHActEpisodeID", key=lambda found: found.map(names.index))


@pytest.mark.parametrize("name", HISTORIES)
def test_category(found, name):
    assert " ".join(of(name, found[0])["category"].replace("informal", "-")) == HISTORIES[name][4]


@pytest.mark.parametrize("name", HISTORIES)
def test_counted_are_a_b_c_d_and_p(found, name):
    counted = of(name, found[1])
    assert sorted(counted["category"]) == sorted(c for c in HISTORIES[name][4].split() if c in "ABCDP")


def test_no_period_comes_from_nowhere(found):
    expected = sum(len(expected.split()) for *_rest, expected in HISTORIES.values())
    assert [len(rows) for rows in found] == [expected, sum(len(of(name, found[1])) for name in HISTORIES)]


def test_every_category_has_a_history():
    shown = {category for *_rest, expected in HISTORIES.values() for category in expected.split()}
    assert shown - {"-"} == set(detention.MEANINGS)


def test_the_same_period_sent_twice_counts_once(extract):
    tables = extract(
        MHS401MHActPeriod=[
            period("02", "2023-05-10", None, "M1"),
            period("02", "2023-05-10", "2023-05-30", "M2"),
            period("02", "2023-05-10", "2023-05-30", "M3"),
        ],
        MHS501HospProvSpell=[spell()],
    )
    found = detention.detention_episodes(tables).execute()
    assert found["UniqMHActEpisodeID"].tolist() == ["M3"]  # an ended one before an open one, then the last identifier


def test_two_spells_touch_one_period_and_the_first_decides(extract):
    tables = extract(
        MHS401MHActPeriod=[period("03", "2023-05-10")],
        MHS501HospProvSpell=[spell(end="2023-06-01"), spell("2023-06-01", None, name="S2")],
    )
    found = detention.act_periods(tables).execute()
    assert found[["UniqHospProvSpellID", "category"]].to_numpy().tolist() == [["S1", "A"]]


def test_another_persons_rows_do_not_matter(extract):
    tables = extract(
        MHS401MHActPeriod=[
            period("20", "2023-05-10", "2023-05-10", person="P2"),
            period("02", "2023-05-10", "2023-06-06"),
        ],
        MHS501HospProvSpell=[spell(), spell(name="S2", person="P2")],
        MHS404CommTreatOrder=[order("2023-01-03", "2023-05-10", person="P2")],
    )
    found = detention.act_periods(tables).execute().set_index("Person_ID")["category"]
    assert found.to_dict() == {"P1": "A", "P2": "E"}


def test_a_rule_with_a_new_date_leaves_what_was_before(extract, monkeypatch):
    """The Mental Health Act 2025 will change what counts, from a date: before it nothing may move."""
    monkeypatch.setattr(detention, "COUNTED", (*detention.COUNTED, ("2023-06-01", ("A",))))
    tables = extract(
        MHS401MHActPeriod=[
            period("03", "2023-05-13", "2023-05-20"),
            period("03", "2023-06-13", "2023-06-20", person="P2"),
            period("03", "2023-06-11", "2023-06-20", person="P3"),
        ],
        MHS501HospProvSpell=[spell(), spell(name="S2", person="P2"), spell("2023-06-11", name="S3", person="P3")],
    )
    found = detention.detention_episodes(tables).execute().set_index("Person_ID")["category"].to_dict()
    assert found == {"P1": "B", "P3": "A"}


def test_joined_detentions(extract):
    tables = extract(
        MHS401MHActPeriod=[
            period("20", "2023-05-09", "2023-05-10"),  # a place of safety is not part of it
            period("02", "2023-05-10", "2023-06-06"),
            period("03", "2023-06-07", "2023-07-01"),  # the day after: joined, 52 days in all
            period("03", "2023-07-03", "2023-07-10"),  # two days after: another, 7 days
            period("02", "2023-08-01", "2023-08-20"),  # overlapping and within: one of 19 days
            period("03", "2023-08-05", "2023-08-10"),
            period("03", "2023-09-01", None),  # still lasting: not counted
            period("03", "2023-09-01", "2023-09-02", "M9", "P2"),
        ],
    )
    found = detention.joined_detentions(tables).execute().sort_values(["Person_ID", "date"])
    assert found[["Person_ID", "length"]].to_numpy().tolist() == [["P1", 52], ["P1", 7], ["P1", 19], ["P2", 1]]
