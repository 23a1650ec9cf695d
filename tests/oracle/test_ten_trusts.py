"""Every published figure of ten Trusts worked out again straight from the source files, by other code.

The codes of sites and mergers are written out by hand here, from the names in the publications; nothing of the package
is used on the other side but the names of ethnic groups.
"""

import csv
import gzip
from collections import defaultdict
from functools import cache

import pytest

from pcref_analysis.published import context, mental_health_act, published_counts

TRUSTS = {  # board, and every code of its Talking Therapies services, by hand
    "RT1": ("QUE", ["RT1", "RT119"]),
    "RXM": ("QJ2", ["RXM"]),
    "RV5": ("QKK", ["RV5CG", "RV5CH", "RV5CJ", "RV5CK"]),
    "RQY": ("QWE", ["RQY12", "RQY58", "RQYMI", "RQYPR"]),
    "RKL": ("QRV", ["RKL07", "RKL14", "RKL42"]),
    "RVN": ("QOX", ["RVN", "RVNCG"]),
    "RXV": ("QOP", ["RXV"]),
    "RJ8": ("QT6", ["RJ8"]),
    "G6V2S": ("QMJ", ["G6V2S", "RRP", "RRPJ3", "RRPJ4", "TAF87", "TAF88", "TAF90"]),
    "RCU": ("QF7", []),
}
GROUPS = {
    "WHITE": "White", "MIXED": "Mixed", "ASIAN OR ASIAN BRITISH": "Asian or Asian British",
    "BLACK OR BLACK BRITISH": "Black or Black British", "OTHER ETHNIC GROUPS": "Other ethnic groups",
}  # fmt: skip
ACT = {"detentions": "All detentions", "short_term_orders": "Short term orders"}
PERCENT = {
    "talking_therapies_recovery": "recovery_n", "talking_therapies_reliable_recovery": "reliable_recovery_n",
    "talking_therapies_improvement": "improvement_n", "talking_therapies_deterioration": "deterioration_n",
}  # fmt: skip
EARLIER = {
    "QUE": "E54000021", "QJ2": "E54000012", "QKK": "E54000030", "QWE": "E54000031", "QRV": "E54000027",
    "QOX": "E54000040", "QOP": "E54000007", "QT6": "E54000036", "QMJ": "E54000028", "QF7": "E54000009",
}  # fmt: skip


def lines(path):
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def add(total, key, text):
    """Add up as long as nothing is suppressed: None stays None."""
    total[key] = None if text == "" or total.get(key, 0.0) is None else total.get(key, 0.0) + float(text)


@pytest.fixture(scope="module")
def act(open_data):
    found = {}
    for row in lines(open_data / "mha_2023_24_annual.csv.gz"):
        group = GROUPS.get(row["demographic_breakdown"].upper())
        if row["organisation_breakdown"] == "ICB" and row["demographic"] == "Ethnicity" and group:
            for name, measure in ACT.items():
                if (row["measure"], row["measure_subcategory"]) == (measure, "All"):
                    found[name, row["org_code"], group] = float(row["mhsds_count"]) if row["mhsds_count"] else None
    return found


@pytest.fixture(scope="module")
def therapies(open_data):
    """Sums by area or Trust, year and group of each column."""
    found = defaultdict(dict)
    boards = {code: board for board, _ in TRUSTS.values() for code in (board, EARLIER[board])}
    mine = {code: trust for trust, (_, codes) in TRUSTS.items() for code in codes}
    for row in lines(open_data / "nhs_talking_therapies_annual_by_ethnic_group.csv.gz"):
        group = GROUPS.get(row["variable_a"].upper())
        kind, code = row["org_type"], row["org_code"]
        area = mine.get(code) if kind == "Provider" else boards.get(code) if kind in ("STP", "ICB") else None
        if area and group and row["variable_b"] == "All":
            for column in ("referrals_received_n", "finished_course_treatment_n", "not_at_caseness_n",
                           *PERCENT.values()):  # fmt: skip
                add(found[column], (area, row["reporting_period"], group), row[column])
            found["published", row["reporting_period"]].setdefault((area, group), []).append(row["recovery_pct"])
    return found


@cache
def residents(open_data):
    """Return residents by board on the NHS basis: Chinese out of the census' Asian, by the share in their district."""
    district = {}
    for row in lines(open_data / "lookup_lsoa11_lsoa21_lad22.csv.gz"):
        district[row["lsoa21_code"]] = row["lad22_code"]
    asian, chinese = defaultdict(float), defaultdict(float)
    for row in lines(open_data / "census2021_lad21_ethnic19.csv"):
        code, name, people = (row[key] for key in ("lad21_code", "ethnic_group19", "residents"))
        if name.startswith("Asian, Asian British"):
            asian[code] += float(people)
            chinese[code] += float(people) if "chinese" in name.lower() else 0.0
    total = defaultdict(lambda: defaultdict(float))
    for row in lines(open_data / "census2021_lsoa21_ethnic5.csv.gz"):
        moved = float(row["asian"]) * chinese[district[row["lsoa21_code"]]] / asian[district[row["lsoa21_code"]]]
        parts = zip(GROUPS.values(), ("white", "mixed", "asian", "black", "other"), strict=True)
        here = total[row["icb24_ods_code"]]
        for group, column in parts:
            here[group] += float(row[column])
        here["Asian or Asian British"] -= moved
        here["Other ethnic groups"] += moved
    return total


@pytest.mark.parametrize("trust", TRUSTS)
def test_every_published_figure_comes_out_of_the_source_files_again(trust, open_data, act, therapies):
    board = TRUSTS[trust][0]
    counts, _ = published_counts._counts(open_data, board, trust, "2023-24")
    own = counts[counts["own"] & counts["ethnic_group"].isin(list(GROUPS.values()))]
    people, compared = residents(open_data)[board], 0
    for row in own.itertuples():
        key = (row.area, row.period, row.ethnic_group)
        if row.indicator in ACT:
            events = act[row.indicator, board, row.ethnic_group]
            assert row.at_risk == pytest.approx(people[row.ethnic_group], rel=0.001)
        elif row.measure == "rate":
            column = "referrals_received_n" if "referrals" in row.indicator else "finished_course_treatment_n"
            events = therapies[column].get(key)
            most = (
                0.92 if trust == "RJ8" else 0.9
            )  # of 16 and over: few of Mixed, most of White; 91 % of Other in Cornwall
            assert 0.5 < row.at_risk / people[row.ethnic_group] < most
        else:
            events = therapies[PERCENT[row.indicator]].get(key)
            whole, well = (therapies[name].get(key) for name in ("finished_course_treatment_n", "not_at_caseness_n"))
            well = well if "recovery" in row.indicator else 0.0  # of the others all courses are counted
            if whole is not None and well is not None:
                assert row.at_risk == pytest.approx(whole - well)
        same = row.events != row.events if events is None else row.events == events
        assert same, f"{row.indicator}, {key}"
        compared += 1
    assert compared >= 10 + (160 if TRUSTS[trust][1] else 60)


def test_recovery_is_the_percentage_that_the_publisher_gives(open_data, therapies):
    """Where one row makes the figure, events over people treated is the published percentage within its rounding."""
    near = []
    for trust in ("RXM", "RXV", "RJ8"):
        counts, _ = published_counts._counts(open_data, TRUSTS[trust][0], trust, "2023-24")
        rows = counts[counts["area"].eq(trust) & counts["indicator"].eq("talking_therapies_recovery")]
        for row in rows[rows["events"].notna() & rows["ethnic_group"].isin(list(GROUPS.values()))].itertuples():
            (given,) = therapies["published", row.period][trust, row.ethnic_group]
            low, high = 100 * row.events_low / row.at_risk_high, 100 * row.events_high / row.at_risk_low
            near.append(low - 0.5 <= float(given) <= high + 0.5)
    assert len(near) > 60 and all(near)


@pytest.mark.parametrize("trust", TRUSTS)
def test_routes_and_sections_come_out_of_the_source_file_again(trust, open_data):
    board, wanted = TRUSTS[trust][0], {(m, s): name for name, (m, s, _) in mental_health_act.ROUTES.items()}
    counts = {}
    for row in lines(open_data / "mha_2023_24_annual.csv.gz"):
        name = wanted.get((row["measure"], row["measure_subcategory"]))
        group = GROUPS.get(row["demographic_breakdown"].upper())
        if name and group and row["organisation_breakdown"] == "ICB" and row["demographic"] == "Ethnicity":
            counts[row["org_code"], name, group] = float(row["mhsds_count"]) if row["mhsds_count"] else None
    people, found = residents(open_data)[board], context.routes(open_data, board)
    assert len(found) == 9 * 5
    for row in found.itertuples():
        events = counts[board, row.name, row.category]
        assert row.events == events or (events is None and row.events != row.events)
        assert row.at_risk == pytest.approx(people[row.category], rel=0.001)
    ratio = found.set_index(["name", "category"])["england"].unstack()
    for one in ratio.index:  # England: the sum of the boards, a suppressed count as 2 of 0 to 4
        every = {g: [c for (_, name, group), c in counts.items() if (name, group) == (one, g)] for g in ratio}
        total = {group: sum(2.0 if c is None else c for c in several) for group, several in every.items()}
        black, white = "Black or Black British", "White"
        people_of = {g: sum(each[g] for each in residents(open_data).values()) for g in (black, white)}
        assert ratio.loc[one, black] / ratio.loc[one, white] == pytest.approx(
            total[black] / people_of[black] / (total[white] / people_of[white]), rel=0.002
        )


@pytest.mark.parametrize(("trust", "codes"), [("RXM", ["RXM"]), ("RT1", ["RT119"])])
def test_age_gender_and_deprivation_are_as_published(trust, codes, open_data):
    found = context.characteristics(open_data, trust, "2023-24")
    found = found[~found["category"].str.startswith("Not stated")].set_index(["indicator", "category"])  # of two kinds
    seen = 0
    for row in lines(open_data / "nhs_talking_therapies_annual_local_all_characteristics.csv.gz"):
        kind = row["variable_type"] in ("Age Group", "Gender", "Indices of Deprivation Decile")
        if not kind or row["reporting_period"] != "2023-24" or row["variable_a"].startswith("Not stated"):
            continue
        for indicator, name in (
            ("talking_therapies_recovery", "recovery"),
            ("talking_therapies_deterioration", "deterioration"),
        ):
            ours, given = found.loc[(indicator, row["variable_a"])], row[f"{name}_pct"]
            if row["org_code"] in codes and row[f"{name}_n"]:
                assert ours["events"] == float(row[f"{name}_n"])
                assert ours["lower"] <= ours["estimate"] <= ours["upper"]
                assert abs(ours["estimate"] - float(given)) <= 0.5 + 1e-9 if given else True
                seen += 1
            if row["org_type"] == "England":
                assert abs(ours["england"] - float(given)) <= 0.0501
                seen += 1
    assert seen > 60
