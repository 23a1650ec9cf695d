"""Cells and ledger: sums by hand, totals conserved, nothing dropped unseen, one place a person."""

import ibis
import numpy as np
import pandas as pd
import pytest

from pcref_analysis.analysis import lengths_of_stay, levels_and_gaps
from pcref_analysis.counting import aggregate, availability, cells, detention, row_conditions
from pcref_analysis.synthetic import demo, demo_hospital, demo_people
from pcref_analysis.vocabulary import ethnicity
from pcref_analysis.vocabulary.indicators import catalogue


def mpi(*lines):
    return [{"Person_ID": f"P{i}"} | line for i, line in enumerate(lines, 1)]


def referred(person, *days):
    return [
        {"UniqServReqID": f"R{person}{day}", "Person_ID": person, "ReferralRequestReceivedDate": day} for day in days
    ]


def left(person, *lengths):
    """Spells of these many days in May to the end of the year, one a month."""
    return [
        {
            "UniqHospProvSpellID": f"S{person}{month}",
            "Person_ID": person,
            "StartDateHospProvSpell": f"2023-{month:02d}-01",
            "DischDateHospProvSpell": f"2023-{month:02d}-{1 + days:02d}",
        }
        for month, days in enumerate(lengths, 5)
    ]


def beds(spells):
    """A ward stay in an acute adult bed for all of each spell."""
    return [
        {
            "UniqWardStayID": f"W{line['UniqHospProvSpellID']}",
            "UniqHospProvSpellID": line["UniqHospProvSpellID"],
            "Person_ID": line["Person_ID"],
            "StartDateWardStay": line["StartDateHospProvSpell"],
            "EndDateWardStay": line["DischDateHospProvSpell"],
            "MHAdmittedPatientClass": "200",
        }
        for line in spells
    ]


BED = [{"UniqWardStayID": "W", "UniqHospProvSpellID": "SP15", "Person_ID": "P1", "StartDateWardStay": "2023-05-01"}]


# --- the sums ---------------------------------------------------------------------------------------------------------


def test_events_of_people_who_count_more_than_once(extract, count):
    """P1 is referred three times, P2 once, both White British women of 42 in quintile 1; P3, in quintile 5, once."""
    tables = extract(
        MHS001MPI=mpi({}, {}, {"LSOA2021": "X01000002"}),
        MHS101Referral=[
            *referred("P1", "2023-04-01", "2023-05-01", "2023-06-01"),
            *referred("P2", "2023-05-01"),
            *referred("P3", "2023-05-01"),
        ],
    )
    found, _ledger = count(tables, "new_referrals")
    cell = found.query("ethnic_group == 'White British' and sex == 'Female' and age_band == '16-64'")
    cell = cell.set_index("imd_quintile")
    assert cell.loc[1, ["events", "at_risk", "events_sq", "events_at_risk", "at_risk_sq"]].tolist() == [
        4,
        100,
        9 + 1,
        3 + 1,
        100,
    ]
    assert cell.loc[5, ["events", "events_sq"]].tolist() == [1, 1]
    assert found["events"].sum() == 5
    assert len(found) == 3 * 2 * 3 * 2  # residents without an event are cells too


def test_shares_of_rows_carry_the_products_of_each_persons_sums(extract, count):
    """P1 attends 2 of 3 contacts, P2 misses 1 of 1: events are those missed."""
    tables = extract(
        MHS001MPI=mpi({}, {}),
        MHS101Referral=referred("P1", "2023-01-01"),
        MHS201CareContact=[
            {
                "UniqCareContID": f"C{i}",
                "UniqServReqID": "RP12023-01-01",
                "Person_ID": person,
                "CareContDate": "2023-05-01",
                "AttendStatus": status,
            }
            for i, (person, status) in enumerate([("P1", "5"), ("P1", "6"), ("P1", "3"), ("P2", "2")])
        ],
    )
    found, _ledger = count(tables, "non_attendance")
    assert len(found) == 1
    assert found.loc[0, ["events", "at_risk"]].tolist() == [2, 4]
    assert found.loc[0, ["events_sq", "events_at_risk", "at_risk_sq"]].tolist() == [1 + 1, 1 * 3 + 1 * 1, 9 + 1]
    assert found[["total", "total_sq", "total_at_risk"]].isna().all(axis=None)


def test_means_carry_sums_over_people_of_their_totals(extract, count):
    """P1 stays 2 and 5 days, P2 stays 10."""
    spells = [*left("P1", 2, 5), *left("P2", 10)]
    tables = extract(MHS001MPI=mpi({}, {}), MHS501HospProvSpell=spells, MHS502WardStay=beds(spells))
    found, _ledger = count(tables, "length_of_stay")
    assert found.loc[0, ["events", "at_risk", "total"]].tolist() == [3, 3, 17]
    assert found.loc[0, ["total_sq", "total_at_risk", "at_risk_sq"]].tolist() == [49 + 100, 7 * 2 + 10, 4 + 1]


def test_lengths_by_the_day_then_week(extract, settings):
    long = {"UniqHospProvSpellID": "S9", "Person_ID": "P2"}
    long |= {"StartDateHospProvSpell": "2020-01-01", "DischDateHospProvSpell": "2023-05-01"}
    spells = [*left("P1", 2, 2, 29), long]
    tables = extract(MHS001MPI=mpi({}, {}), MHS501HospProvSpell=spells, MHS502WardStay=beds(spells))
    found = cells.lengths(tables, settings(), {"length_of_stay": catalogue()["length_of_stay"]})
    assert found[["lower_day", "upper_day", "count"]].fillna(-1).to_numpy().tolist() == [
        [2, 2, 2],
        [29, 35, 1],
        [715, -1, 1],
    ]
    median = lengths_of_stay.quantile(found, ["indicator", "period"], cells=None)
    assert median["at_risk"].tolist() == [4] and median["estimate"].between(2, 35).all()


def test_the_invented_trust_has_lengths_of_every_stay(demo_run):
    """Medians of stays and of detentions by ethnic group, from counts alone."""
    found = cells.lengths(demo_run["tables"], demo_run["parameters"])
    by = ["indicator", "period"]
    means = demo_run["cells"].dropna(subset=["total"])
    assert found.groupby(by)["count"].sum().to_dict() == means.groupby(by)["at_risk"].sum().to_dict()
    assert {"length_of_stay", "detention_length"} <= set(found["indicator"])
    parameters, by = demo_run["parameters"], [*by, "ethnic_group"]
    broad = levels_and_gaps.select(found, parameters)
    told = lengths_of_stay.quantile(broad, by, cells=levels_and_gaps.select(means, parameters))
    told = told.dropna(subset=["lower", "upper"])
    assert len(told) > 20
    assert ((told["lower"] <= told["estimate"]) & (told["estimate"] <= told["upper"])).all()


# --- who is in which cell ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("birth", "band"),
    [
        ("2007-04-01", "16-64"),  # 16 on the first day of the period
        ("2007-04-02", "0-15"),
        ("2008-02-29", "0-15"),
        ("1958-04-01", "65+"),
        ("1958-04-02", "16-64"),
        ("2023-12-01", "0-15"),  # born within the period
        (None, "Not known"),
    ],
)
def test_age_is_that_on_the_first_day_of_the_period(extract, count, birth, band):
    tables = extract(
        MHS001MPI=mpi({"PersonBirthDate": birth, "Gender": "1"}), MHS101Referral=referred("P1", "2024-03-31")
    )
    found, _ledger = count(tables, "ethnicity_known")
    assert found["age_band"].tolist() == [band]


@pytest.mark.parametrize(
    ("code", "sex"),
    [("1", "Male"), ("2", "Female"), ("3", "Not known"), ("4", "Not known"), ("9", "Not known"), (None, "Not known")],
)
def test_sex_as_the_census_has_it_or_not_known(extract, count, code, sex):
    tables = extract(MHS001MPI=mpi({"Gender": code}), MHS101Referral=referred("P1", "2023-05-01"))
    found, _ledger = count(tables, "ethnicity_known")
    assert found["sex"].tolist() == [sex]


def test_a_person_is_in_one_cell_a_period_even_after_a_birthday(extract, count):
    tables = extract(
        MHS001MPI=mpi({"PersonBirthDate": "2007-05-01"}),
        MHS101Referral=referred("P1", "2023-04-01", "2024-03-01", "2024-04-01"),
    )
    found, _ledger = count(tables, "new_referrals", periods=["2023-24", "2024-25"], period="2024-25")
    assert found.groupby(["period", "age_band"])["events"].sum().loc[lambda s: s > 0].to_dict() == {
        ("2023-24", "0-15"): 2,
        ("2024-25", "16-64"): 1,
    }


def test_residents_only_for_rates_among_residents_and_everybody_else_elsewhere(extract, count):
    lines = mpi({}, {"LSOA2021": "X01900001"}, {"LSOA2021": None}, {"PersDeathDate": "2023-03-31"})
    tables = extract(
        MHS001MPI=lines,
        MHS101Referral=[line for i in range(1, 6) for line in referred(f"P{i}", "2023-05-01")],
    )
    found, ledger = count(tables, "new_referrals")
    assert found["events"].sum() == 1
    assert ledger.set_index("reason")["rows"].to_dict() == {
        "counted": 1,
        "lives outside the catchment": 1,
        "home area not known": 1,
        "died before the period": 1,
        "no person record": 1,
    }
    known, _ledger = count(tables, "ethnicity_known")
    assert known["at_risk"].sum() == 3
    assert known.set_index("imd_quintile")["at_risk"].to_dict() == {1: 1, pd.NA: 2}


def test_the_lsoa_year_follows_the_deprivation_version(extract, count):
    lines = mpi({"LSOA2011": "X01000002", "LSOA2021": "X01000001"})
    tables = extract(MHS001MPI=lines, MHS101Referral=referred("P1", "2023-05-01"))
    for version, quintile in ((2025, 1), (2019, 5)):
        found, _ledger = count(tables, "new_referrals", imd_version=version)
        assert found.loc[found["events"] > 0, "imd_quintile"].tolist() == [quintile]


def test_the_other_lsoa_year_stands_in_where_the_ranked_one_is_missing(extract, count):
    lines = mpi({"LSOA2021": None, "LSOA2011": "X01000002"}, {"LSOA2021": None})
    tables = extract(MHS001MPI=lines, MHS101Referral=[*referred("P1", "2023-05-01"), *referred("P2", "2023-05-01")])
    found, ledger = count(tables, "new_referrals")
    assert found.loc[found["events"] > 0, "imd_quintile"].tolist() == [5]
    assert ledger.set_index("reason")["rows"].to_dict() == {"counted": 1, "home area not known": 1}


# --- what cannot be counted -------------------------------------------------------------------------------------------


def test_an_absent_table_makes_its_indicators_not_available(extract, count):
    found, ledger = count(extract(MHS001MPI=mpi({})), "new_referrals")
    assert found.empty
    assert ledger["reason"].tolist() == ["not available: the extract has no table MHS101Referral"]


def test_an_empty_table_is_not_a_rate_of_nought(extract, count):
    """Nothing else says that the year was extracted; and of no contacts no share can be taken."""
    found, ledger = count(extract(MHS001MPI=mpi({}), MHS101Referral=[]), "new_referrals")
    assert found.empty
    (reason,) = ledger["reason"]
    assert reason == "not available: no rows in the period, and nothing else says that the extract covers it"
    tables = extract(MHS001MPI=mpi({}), MHS101Referral=referred("P1", "2023-05-01"), MHS201CareContact=[])
    found, ledger = count(tables, "non_attendance")
    assert found.empty
    assert ledger["reason"].tolist() == ["not available: the table MHS201CareContact has no rows"]


def both(tables, settings, *names, **changes):
    return cells.build(tables, settings(**changes), {name: catalogue()[name] for name in names})


def test_none_is_a_finding_where_the_table_is_there_and_the_year_was_extracted(extract, settings):
    """A Trust that started no community treatment order: nought per 100 residents, not a gap in the data."""
    tables = extract(MHS001MPI=mpi({}), MHS101Referral=referred("P1", "2023-05-01"), MHS404CommTreatOrder=[])
    found, ledger = both(tables, settings, "cto_starts", "new_referrals")
    assert found.query("indicator == 'cto_starts'")[["events", "at_risk"]].sum().tolist() == [0, 36 * 100]
    assert ledger.query("indicator == 'cto_starts'")["reason"].tolist() == ["counted"]
    absent = {name: table for name, table in tables.items() if name != "MHS404CommTreatOrder"}
    found, ledger = both(absent, settings, "cto_starts", "new_referrals")
    assert "cto_starts" not in set(found["indicator"])
    (reason,) = ledger.query("indicator == 'cto_starts'")["reason"]
    assert reason == "not available: the extract has no table MHS404CommTreatOrder"


@pytest.mark.parametrize(("orders", "reason"), [(2, ""), (20, "though other periods have many")])
def test_a_year_without_rows_is_none_only_where_other_years_have_but_a_few(extract, settings, orders, reason):
    started = [
        {"UniqMHActEpisodeID": f"T{i}", "Person_ID": f"P{i}", "StartDateCommTreatOrd": "2023-06-01"}
        for i in range(1, orders + 1)
    ]
    days = ["2022-05-01", "2023-05-01"]
    tables = extract(MHS001MPI=mpi(*[{}] * orders), MHS101Referral=referred("P1", *days), MHS404CommTreatOrder=started)
    found, ledger = both(tables, settings, "cto_starts", "new_referrals", periods=["2022-23", "2023-24"])
    (said,) = ledger.query("indicator == 'cto_starts' and period == '2022-23'")["reason"]
    assert said.endswith(reason) if reason else said == "counted"
    periods = set(found.query("indicator == 'cto_starts'")["period"])
    assert periods == ({"2023-24"} if reason else {"2022-23", "2023-24"})


def test_nobody_at_risk_is_no_rate(extract, settings):
    """Force used in a year without a day in bed: the extract of ward stays must be wrong."""
    used = {"UniqRestrictiveIntTypeID": "X", "UniqRestrictiveIntIncID": "X", "Person_ID": "P1"}
    used |= {"RestrictiveIntType": "01", "StartDateRestrictiveIntType": "2023-05-01"}
    stay = BED[0] | {"StartDateWardStay": "2020-01-01", "EndDateWardStay": "2020-02-01"}
    tables = extract(
        MHS001MPI=mpi({}),
        MHS515RestrictiveInterventType=[used],
        MHS502WardStay=[stay],
        MHS501HospProvSpell=left("P1", 3),
    )
    found, ledger = both(tables, settings, "restrictive_interventions")
    assert found.empty
    assert "not available: nobody was at risk in the period" in set(ledger["reason"])


def test_a_period_without_rows_is_not_a_rate_of_nought(extract, count):
    tables = extract(MHS001MPI=mpi({}), MHS101Referral=referred("P1", "2023-05-01"))
    found, ledger = count(tables, "new_referrals", periods=["2022-23", "2023-24"])
    assert found["period"].unique().tolist() == ["2023-24"]
    gap = ledger[ledger["period"] == "2022-23"]
    (reason,) = gap["reason"]
    assert reason == "not available: no rows in the period, and nothing else says that the extract covers it"


def test_a_column_nobody_filled_makes_its_indicators_not_available(extract, count):
    tables = extract(
        MHS001MPI=mpi({}),
        MHS101Referral=referred("P1", "2023-05-01"),
        MHS201CareContact=[
            {
                "UniqCareContID": "C",
                "UniqServReqID": "R",
                "Person_ID": "P1",
                "CareContDate": "2023-05-02",
                "AttendStatus": "5",
            }
        ],
    )
    _found, ledger = count(tables, "perinatal_access")
    assert ledger["reason"].tolist() == ["not available: the column MHS101Referral.ServTeamTypeMH has no values"]
    tables = extract(MHS001MPI=mpi({"LSOA2021": None}), MHS101Referral=referred("P1", "2023-05-01"))
    _found, ledger = count(tables, "new_referrals", imd_version=2019)
    assert ledger["reason"].tolist() == ["not available: the column MHS001MPI.LSOA2011 has no values"]
    assert availability._lack("column", ["A.x", "B.y"], "no values") == "the columns A.x, B.y have no values"


def test_without_population_or_areas_only_rates_among_residents_are_missing(extract, count):
    tables = extract(MHS001MPI=mpi({}), MHS101Referral=referred("P1", "2023-05-01"))
    tables = {name: table for name, table in tables.items() if name not in ("Population", "Areas")}
    found, ledger = count(tables, "new_referrals")
    assert found.empty
    assert ledger["reason"].tolist() == ["not available: the extract has no table Population, Areas"]
    found, _ledger = count(tables, "ethnicity_known")
    assert found[["events", "at_risk"]].to_numpy().tolist() == [[1, 1]]
    assert found["imd_quintile"].isna().all()


def test_a_population_in_other_age_bands_is_not_used(extract, count):
    tables = extract(MHS001MPI=mpi({}), MHS101Referral=referred("P1", "2023-05-01"))
    _found, ledger = count(tables, "new_referrals", age_bands=[0, 20, 65])
    assert ledger["reason"].tolist() == ["not available: the table Population has other age bands than the parameters"]


def test_a_missing_value_that_decides_is_left_out_and_counted_never_taken_for_no(extract, count):
    tables = extract(
        MHS001MPI=mpi({}),
        Carer=[
            {
                "CarerRecordID": f"K{i}",
                "Person_ID": "P1",
                "RecordedDate": "2023-06-01",
                "HasCarer": carer,
                "AssessmentOffered": offered,
            }
            for i, (carer, offered) in enumerate([("Y", "Y"), ("Y", "N"), ("Y", None), (None, "Y"), ("N", None)])
        ],
    )
    found, ledger = count(tables, "carer_offered_assessment")
    assert found[["events", "at_risk"]].to_numpy().tolist() == [[1, 2]]
    assert ledger.set_index(["side", "reason"])["rows"].to_dict() == {
        ("events", "counted"): 1,
        ("at_risk", "counted"): 2,
        ("at_risk", "not recorded whether it counts"): 2,
        ("at_risk", "not what is counted"): 1,  # the last one: that there is no carer is known
    }


# --- the faults of published national code ----------------------------------------------------------------------------


def by_group(extract, count, codes):
    lines = mpi(*[{"EthnicCategory": code} for code in codes])
    tables = extract(
        MHS001MPI=lines, MHS101Referral=[line for p in lines for line in referred(p["Person_ID"], "2023-05-01")]
    )
    found, _ledger = count(tables, "ethnicity_known")
    return found.groupby("ethnic_group")["at_risk"].sum()


def test_unknown_is_never_folded_into_other(extract, count):
    """Published code for repeat detentions puts Z and 99 into "Other Ethnic Groups", which invents a gap."""
    found = by_group(extract, count, ["S", "R", "Z", "99", None])
    assert found.to_dict() == {"Any other ethnic group": 1, "Chinese": 1, "Not stated": 1, "Not known": 2}
    broad = found.groupby(ethnicity.to_broad(found.index.to_series())).sum()
    assert broad.to_dict() == {"Other ethnic groups": 2, "Unknown": 3}


def test_no_group_swallows_another(extract, count):
    """Published code for restraint makes a group of White plus Other; another makes Chinese and Any other "Missing"."""
    codes = ethnicity.categories()["code"].tolist()
    found = by_group(extract, count, codes)
    assert found.to_dict() == dict.fromkeys(ethnicity.categories()["ethnic_group"], 1)
    broad = found.groupby(ethnicity.to_broad(found.index.to_series())).sum()
    assert broad.to_dict() == {
        "White": 3,
        "Mixed": 4,
        "Asian or Asian British": 4,
        "Black or Black British": 3,
        "Other ethnic groups": 2,
        "Unknown": 2,
    }


# --- the invented Trust: totals conserved -----------------------------------------------------------------------------


def test_every_indicator_is_computed_for_every_period(demo_run):
    found = demo_run["cells"].groupby(["indicator", "period"])["at_risk"].sum()
    lacking = {name for name, entry in catalogue().items() if entry.count and entry.count.counts}
    lacking |= {"employment_support", "out_of_area_received"}  # it has no such team and was sent nobody
    wanted = [name for name, entry in catalogue().items() if entry.count and name not in lacking]
    assert (found > 0).all()
    assert sorted(found.index) == sorted(
        (name, period) for name in wanted for period in ("2021-22", "2022-23", "2023-24")
    )
    ledger = demo_run["ledger"]
    assert set(ledger.loc[ledger["reason"].str.startswith("not available"), "indicator"]) == lacking


def test_cells_add_up_to_what_the_ledger_counted(demo_run):
    ledger = demo_run["ledger"].query("reason == 'counted'")
    for side in ("events", "at_risk"):
        counted = ledger[ledger["side"] == side].set_index(["indicator", "period"])["amount"]
        added = demo_run["cells"].groupby(["indicator", "period"])[side].sum()
        pd.testing.assert_series_equal(added.loc[counted.index], counted, check_names=False)


def test_rows_counted_and_dropped_are_all_the_rows_there_are(demo_run):
    """Counted here again from the raw frames, without the code that counts."""
    frames, ledger = demo_run["frames"], demo_run["ledger"]
    ledger = ledger[ledger["reason"] != aggregate.NOT_COUNTED]
    told = ledger.groupby(["indicator", "side", "period"])["rows"].sum()

    def years(dates):
        dates = pd.to_datetime(dates)
        return (dates.dt.year - (dates.dt.month < 4)).value_counts()

    contacts = frames["MHS201CareContact"]
    orders = frames["MHS404CommTreatOrder"].drop_duplicates(["Person_ID", "StartDateCommTreatOrd"])
    spells = frames["MHS501HospProvSpell"]
    expected = {
        ("new_referrals", "events"): years(frames["MHS101Referral"]["ReferralRequestReceivedDate"]),
        ("treated_prevalence", "events"): years(contacts.query("AttendStatus in ['5', '6']")["CareContDate"]),
        ("non_attendance", "at_risk"): years(contacts["CareContDate"]),
        ("non_attendance_offered", "at_risk"): years(contacts.query("AttendStatus != '4'")["CareContDate"]),
        ("non_attendance", "events"): years(contacts.query("AttendStatus in ['2', '3', '7']")["CareContDate"]),
        ("hospital_admissions", "events"): years(spells["StartDateHospProvSpell"]),
        ("cto_starts", "events"): years(orders["StartDateCommTreatOrd"]),
        ("positive_experience", "at_risk"): years(
            frames["Experience"].query("Question != 'COMPLAINT'")["ResponseDate"]
        ),
        ("talking_therapies_entering", "events"): years(frames["IDS101Referral"]["TherapySession_FirstDate"]),
    }
    for (indicator, side), by_year in expected.items():
        for year in (2021, 2022, 2023):
            assert told[indicator, side, aggregate.label(year)] == by_year[year], (indicator, year)


def test_detentions_are_those_that_were_drawn(demo_run):
    """The invented Trust draws detentions, then buries them in rows of every kind: the rule finds them again."""
    rng = np.random.default_rng(demo.SEED)
    people = demo_people.draw_people(rng)
    demo_people.draw_therapy_people(rng, len(people) + 1)
    drawn = demo_hospital.draw_spells(rng, people)
    drawn = set(drawn.loc[drawn["detained"] & (drawn["admission"] < "2024-03-20"), "spell"])
    found = detention.detention_episodes(demo_run["tables"]).execute()
    found = found[found["spell_start"].astype(str) < "2024-03-20"]
    assert set(found["UniqHospProvSpellID"]) == drawn
    assert len(found) == len(drawn)
    assert len(demo_run["frames"]["MHS401MHActPeriod"]) > 1.8 * len(found)  # a count of rows would be far off


def test_residents_are_the_population_in_every_period(demo_run):
    residents = demo_run["frames"]["Population"]["residents"].sum()
    found = demo_run["cells"].query("indicator == 'detentions'").groupby("period")["at_risk"].sum()
    assert (found == residents).all()


def test_no_more_people_than_rows_and_squares_that_can_be(demo_run):
    found = demo_run["cells"]
    assert (found["events_sq"] >= found["events"] - 1e-9).all()
    assert (found["events_sq"] <= found["events"] ** 2 + 1e-9).all()
    own = found[found["indicator"].map({name: e.count.among is None for name, e in catalogue().items() if e.count})]
    assert (own["events"] <= own["at_risk"]).all()
    assert (own["events_at_risk"] ** 2 <= own["events_sq"] * own["at_risk_sq"] + 1e-6).all()  # Cauchy-Schwarz


def test_cells_do_not_depend_on_the_order_of_rows(demo_run, settings):
    """Shuffled tables give the same bytes; so do two runs."""
    connection = ibis.duckdb.connect()
    wanted = ["detentions", "restrictive_interventions", "length_of_stay", "follow_up_72_hours", "repeat_detention"]
    shuffled = {
        name: connection.create_table(
            name, table.execute().sample(frac=1, random_state=3), schema=row_conditions.schemas()[name]
        )
        for name, table in demo_run["tables"].items()
    }
    again, _ledger = cells.build(shuffled, demo_run["parameters"], {name: catalogue()[name] for name in wanted})
    before = demo_run["cells"].query("indicator in @wanted").reset_index(drop=True)
    pd.testing.assert_frame_equal(again, before)


def test_saved_cells_come_back(demo_run, tmp_path, monkeypatch):
    monkeypatch.setenv("PCREF_HOME", str(tmp_path))
    folder = cells.save("tiny", demo_run["cells"].head(50), demo_run["ledger"], breaches=demo_run["ledger"].head(0))
    assert {p.name for p in folder.iterdir()} == {"cells.parquet", "ledger.parquet", "breaches.parquet"}
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "cells.parquet"), demo_run["cells"].head(50))
