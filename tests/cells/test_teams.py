"""People by team, and of how many the ethnic group is not known: counted by hand, and as the indicator counts them."""

from pcref_analysis.counting import team_counts

CARE = {"ReferralRequestReceivedDate": "2023-06-01"}


def people(**categories):
    return [{"Person_ID": name, "EthnicCategory": category} for name, category in categories.items()]


def referrals(*lines):
    return [
        {"UniqServReqID": f"R{i}", "Person_ID": p, "TeamID": t} | CARE | more for i, (p, t, more) in enumerate(lines)
    ]


def test_people_are_counted_once_in_each_team(extract, settings):
    tables = extract(
        MHS001MPI=[
            *people(known="A", not_stated="Z", not_known="99", missing=None),
            {"Person_ID": "dead", "EthnicCategory": "Z", "PersDeathDate": "2022-05-01"},
        ],
        MHS101Referral=referrals(
            ("known", "T1", {}),
            ("known", "T1", {}),  # twice with one team: one person
            ("not_stated", "T1", {}),
            ("not_stated", "T2", {}),  # with two teams: once in each
            ("not_known", "T2", {}),
            ("missing", "T2", {}),
            ("known", None, {}),
            ("not_known", "T1", {"ReferRejectionDate": "2023-06-05"}),  # rejected
            ("not_known", "T1", {"ReferralRequestReceivedDate": "2022-05-01", "ServDischDate": "2023-03-31"}),  # before
            ("missing", "T1", {"ReferralRequestReceivedDate": "2022-05-01"}),  # still open
            ("dead", "T1", {}),
            ("nobody", "T1", {}),
        ),
    )
    found = team_counts.counted(tables, settings())
    expected = [("2023-24", "T1", 2.0, 3.0), ("2023-24", "T2", 3.0, 3.0), ("2023-24", None, 0.0, 1.0)]
    assert list(found.astype(object).where(found.notna(), None).itertuples(index=False, name=None)) == expected


def test_teams_add_up_to_the_indicator_where_nobody_has_two(extract, settings, count):
    tables = extract(
        MHS001MPI=people(a="A", b="Z", c="N", d="99", e="J"),
        MHS101Referral=referrals(*[(p, t, {}) for p, t in zip("abcde", ["T1", "T1", "T2", None, "T2"], strict=True)]),
    )
    found = team_counts.counted(tables, settings())
    cells, _ = count(tables, "ethnicity_known")
    assert found["at_risk"].sum() == cells["at_risk"].sum() == 5
    assert found["events"].sum() == (cells["at_risk"] - cells["events"]).sum() == 2


def test_every_period_of_the_run_is_counted(extract, settings):
    lines = [("a", "T1", {"ReferralRequestReceivedDate": "2022-06-01", "ServDischDate": "2023-05-01"})]
    tables = extract(MHS001MPI=people(a="A"), MHS101Referral=referrals(*lines))
    found = team_counts.counted(tables, settings(periods=["2021-22", "2022-23", "2023-24"]))
    assert found["period"].tolist() == ["2022-23", "2023-24"]


def test_without_referrals_there_are_no_teams(extract, settings):
    found = team_counts.counted(extract(MHS001MPI=people(a="A")), settings())
    assert found.empty and list(found) == team_counts.COLUMNS


def test_the_invented_trust_has_teams_of_its_types_that_record_unlike(demo_run):
    referrals = demo_run["frames"]["MHS101Referral"]
    assert (referrals["TeamID"].str.split("-").str[0] == referrals["ServTeamTypeMH"]).all()
    found = (
        team_counts.counted(demo_run["tables"], demo_run["parameters"]).query("period == '2023-24'").set_index("team")
    )
    share = found["events"] / found["at_risk"]
    assert share[["A06-2", "C10-3"]].min() > 1.3 * share.median() > share["A05-1"] * 1.3
    assert found.loc["A18-2", "at_risk"] < 50 < found.loc["A08-2", "at_risk"]
