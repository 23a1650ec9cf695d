"""An extract without the codes of teams: no team is compared, and nothing else is lost."""

from pcref_analysis.analysis import teams as comparison
from pcref_analysis.counting import team_counts
from pcref_analysis.extract import validate
from pcref_analysis.extract.sources import connect


def test_an_extract_that_does_not_name_teams_compares_none(extract, tmp_path):
    needed = ("MHS001MPI", "MHS101Referral", "MHS401MHActPeriod", "MHS501HospProvSpell", "Areas", "Population")
    frames = {name: frame for name, frame in extract.tables().items() if name in needed}
    frames["MHS101Referral"] = frames["MHS101Referral"].drop(columns="TeamID")
    parameters = extract.parameters(location=extract.csv(frames, tmp_path / "extract"))
    checked = validate.clean(connect.open(parameters), parameters)
    found = team_counts.counted(checked.tables, parameters)
    assert found["team"].isna().all() and found["at_risk"].sum() > 0
    assert comparison.named(found, parameters.period).empty
