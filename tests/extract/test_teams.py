"""An extract without the codes of teams: no team is compared, and nothing else is lost."""

from pcref_analysis.estimates import teams as comparison
from pcref_analysis.intake import contracts, sources, teams


def test_an_extract_that_does_not_name_teams_compares_none(extract, tmp_path):
    frames = extract.tables()
    frames["MHS101Referral"] = frames["MHS101Referral"].drop(columns="TeamID")
    parameters = extract.parameters(location=extract.csv(frames, tmp_path / "extract"))
    checked = contracts.clean(sources.open(parameters), parameters)
    found = teams.counted(checked.tables, parameters)
    assert found["team"].isna().all() and found["at_risk"].sum() > 0
    assert comparison.named(found, parameters.period).empty
