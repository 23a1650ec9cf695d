"""Teams compared in how they record ethnic group: who may be named, the limits, what is hidden and what is said."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pcref_analysis.analysis import teams
from pcref_analysis.disclosure import release_tables
from pcref_analysis.display import figures, funnel_axes, sentences, tables
from pcref_analysis.estimates import funnel
from pcref_analysis.report import derived_tables, release_check, study
from pcref_analysis.vocabulary import parameters

MANY = {"A1": (40, 400), "A2": (90, 500), "B1": (55, 610), "B2": (12, 120), "C1": (70, 900), "C2": (21, 300)}
EXACT = {"owner": "nobody", "agreed": "2026-01-01", "threshold": 5, "rounding": 1}


def counted(lines, period="2023-24"):
    rows = [{"period": period, "team": t, "events": float(e), "at_risk": float(n)} for t, (e, n) in lines.items()]
    return pd.DataFrame(rows, columns=["period", "team", "events", "at_risk"])


def rule(kind="folder", **disclosed):
    values = {"run": "t", "trust": {"name": "T"}, "source": {"kind": kind, "location": "x"}, "period": "2023-24"}
    values |= {"priorities": {"owner": "x", "agreed": "2026-01-01"}, "disclosure": EXACT | disclosed}
    return parameters.check(values, "t.yml")


def shown(lines, **disclosed):
    """Return the released counts, what is worked out from them, and the limits to draw."""
    given = rule(**disclosed)
    released = release_tables.release_all({"teams": teams.named(counted(lines), "2023-24")}, given)[0]
    return released, *derived_tables.by_team(released)


@pytest.mark.parametrize(("people", "named"), [(49, False), (50, True)])
def test_a_team_of_few_people_has_no_name(people, named):
    found = teams.named(counted(MANY | {"Z9": (4, people)}), "2023-24").set_index("team")
    assert ("Team Z9" in found.index) is named
    assert (teams.REST in found.index) is not named
    assert found.loc[teams.ALL, ["events", "at_risk"]].tolist() == [288 + 4, 2830 + people]


def test_a_name_is_no_code_and_stays_out():
    """Free text may hold a person's name, whatever the number of people; nor is a missing team one."""
    found = teams.named(counted(MANY | {"Dr Jones's clinic": (30, 300), None: (5, 60), "x" * 21: (1, 70)}), "2023-24")
    rest = found.set_index("team").loc[teams.REST]
    assert found["team"].tolist() == [*(f"Team {code}" for code in MANY), teams.REST, teams.ALL]
    assert rest[["events", "at_risk"]].tolist() == [36, 430]


@pytest.mark.parametrize("lines", [{}, {None: (10, 900)}, {"A1": (40, 400), "A2": (3, 20)}])
def test_fewer_than_two_teams_are_not_compared(lines):
    assert teams.named(counted(lines), "2023-24").empty
    assert teams.named(counted(MANY), "2022-23").empty


def test_limits_against_the_formula():
    """Additive over-dispersion by DerSimonian and Laird on the arcsine scale, the z-scores winsorised at a tenth."""
    found = teams.compared(teams.named(counted(MANY), "2023-24")).set_index("team")
    o, n = np.array(list(MANY.values()), dtype=float).T
    aim = o.sum() / n.sum()
    s = 1 / (2 * np.sqrt(n))
    z = (np.arcsin(np.sqrt(o / n)) - np.arcsin(np.sqrt(aim))) / s
    z = np.clip(z, *np.quantile(z, [0.1, 0.9]))
    w = 1 / s**2
    tau2 = (np.sum(z**2) - (len(z) - 1)) / (w.sum() - (w**2).sum() / w.sum())
    assert tau2 > 0
    for name, tail in (("lower_95", 0.025), ("upper_95", 0.975), ("lower_99_8", 0.001), ("upper_99_8", 0.999)):
        limit = 100 * np.sin(np.arcsin(np.sqrt(aim)) + stats.norm.ppf(tail) * np.sqrt(s**2 + tau2)) ** 2
        np.testing.assert_allclose(found.loc[[f"Team {code}" for code in MANY], name], limit, rtol=1e-12)
    assert found.loc[teams.ALL, "estimate"] == pytest.approx(100 * aim)
    assert found.loc[teams.ALL, ["target", "lower_95"]].isna().all()  # a target has no limits


def test_few_teams_have_the_limits_of_chance_alone():
    few = {code: MANY[code] for code in ("A1", "A2", "B1")}
    found = teams.compared(teams.named(counted(few), "2023-24"))
    aim = 100 * 185 / 1510
    expected = funnel.curve([400, 500, 610], aim, "percent")[teams.LIMITS]
    np.testing.assert_allclose(found.loc[:2, teams.LIMITS].astype(float), expected)
    assert found["signal"].tolist() == ["", "above 99.8%", "below 95%", ""]


def test_a_small_count_is_marked_and_not_drawn():
    lines = MANY | {"D1": (3, 80), "D2": (2, 70)}
    released, found, limits = shown(lines)
    table = found.table.set_index("team")
    assert set(table.index[table["events_status"] == "suppressed"]) == {"Team D1", "Team D2"}
    assert table.loc[["Team D1", "Team D2"], ["events", "estimate", "target"]].isna().all(axis=None)
    assert tables.teams(found, id="x", title="X").text.count("Team D1 | [c] | 80 | [c] |  | ") == 1
    figure = figures.funnel(found, limits, id="f", title="F", table="x", x="People", y="Not known (%)")
    assert "funnel plot of 6 teams" in figure.record["alt"] and "D1" not in figure.record["alt"]
    assert "2 teams whose numbers cannot be shown" in sentences.teams(found, rule(), id="t").text
    assert release_tables.attack([released]).empty


@pytest.mark.parametrize("size", [18, 43])
def test_the_number_of_teams_that_are_drawn_is_no_number_from_elsewhere(size):
    """A count of the rows of its table: the report of a Trust stopped unless one of its figures was that number."""
    lines = {f"T{i}-{i % 3}": (60, 820) for i in range(size)} | {"D1": (3, 80), "D2": (2, 70)}
    _, found, limits = shown(lines)
    made = figures.funnel(found, limits, id="f", title="Of teams", table="x", x="People", y="Not known (%)")
    record = made.record | {"output": {"data": made._repr_mimebundle_()[0]}}
    assert f"{size} teams" in record["alt"]
    table = tables.teams(found, id="x", title="X").record["csv"]
    assert release_check._described(record, table)
    assert not release_check._described(record, "\n".join(table.splitlines()[:5]))


def test_a_small_count_cannot_be_subtracted_from_the_total():
    """One team is small: the total less the others would tell its count, so another team is hidden too."""
    lines = MANY | {"D1": (3, 80)}
    named = teams.named(counted(lines), "2023-24")
    bare = release_tables.release_all({"teams": named}, rule(), complementary=False)
    assert (bare[0].table["events_status"] == "suppressed").sum() == 1
    assert release_tables.attack(bare)["cell"].str.contains("Team D1").any()
    released, found, _ = shown(lines)
    assert (released.table["events_status"] == "suppressed").sum() == 2
    assert release_tables.attack([released]).empty
    assert released.table.set_index("team").loc["All", "events"] == 291  # the target is kept
    assert "2 teams whose" in sentences.teams(found, rule(), id="t").text


def test_all_known_or_nothing_shown_is_said_and_not_drawn():
    for lines in ({"A1": (0, 400), "A2": (0, 300)}, {"A1": (2, 400), "A2": (2, 300)}):
        _, found, limits = shown(lines)
        assert limits.table.empty
        assert "too few counts can be shown, or all teams are alike" in sentences.teams(found, rule(), id="t").text
        assert figures.funnel(found, limits, "f", "F", "x", "People", "%").record["kind"] == "text"
        assert "Team A1" in tables.teams(found, id="x", title="X").text


def test_what_is_said_of_teams_beyond_the_limits():
    lines = {f"T{i}": (30 + 4 * i, 400) for i in range(9)} | {"U1": (130, 400), "U2": (8, 400)}
    words = sentences.teams(shown(lines)[1], rule(), id="t").text
    assert "Of 11 teams, it is known less often in 1 (Team U1) and more often in 1 (Team U2) than chance and" in words
    alone = release_tables.derive(lambda table: table.head(1), shown(lines)[1], name="teams")
    assert "Of 1 team, none is beyond" in sentences.teams(alone, rule(), id="t").text
    assert "a question, not a verdict" in words and "never put on a funnel" in words
    alike = {f"T{i}": (40, 400) for i in range(9)}
    assert "none is beyond what chance would give" in sentences.teams(shown(alike)[1], rule(), id="t").text


def test_names_stand_apart_where_teams_are_close():
    import matplotlib.pyplot as plt

    lines = {f"T{i:02}": (34 + i % 13, 400 + 9 * i) for i in range(40)} | {f"U{i}": (90, 500 + 9 * i) for i in range(3)}
    _, found, limits = shown(lines)
    figure, axis = plt.subplots(figsize=(8.8, 5.2))
    funnel_axes.draw(axis, found.table.dropna(subset=["target"]), limits.table)
    names = [words for words in axis.texts if words.get_visible()]
    boxes = [words.get_window_extent() for words in names]
    plt.close(figure)
    assert {"Team U0", "Team U1", "Team U2"} <= {words.get_text() for words in names}
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_without_teams_it_is_said_why():
    for kind, why in (("folder", "MHS101Referral.TeamID"), ("published", "published figures do not name them")):
        given = rule(kind)
        none = teams.counts("t", given) if kind == "published" else teams.named(counted({}), "2023-24")
        levels = pd.DataFrame({"indicator": "ethnicity_known", "ethnic_group": ["White", "Mixed"], "events": [40, 50]})
        if kind == "folder":
            out = release_tables.release_all({"levels": levels, "teams": none}, given)[1]
        else:
            out = study.as_published(none, "teams")
        found, limits = derived_tables.by_team(out)
        assert why in sentences.teams(found, given, id="t").text
        assert tables.teams(found, id="x", title="X").record["kind"] == "text"
        assert figures.funnel(found, limits, "f", "F", "x", "People", "%").record["kind"] == "text"


def test_where_little_is_unknown_nobody_is_below_by_arithmetic_alone():
    """Of fifty people two in a hundred unknown is one: no team is below for having none, however teams differ."""
    lines = {f"A{i}": (0 if i % 2 else 9, 50 + i) for i in range(1, 13)} | {"B1": (10, 3000)}
    found = teams.compared(teams.named(counted(lines), "2023-24")).set_index("team")
    none = found.index.str.startswith("Team A") & found["events"].eq(0)
    assert none.sum() == 6 and found["tau_squared"].max() > 0
    assert (found.loc[none, "lower_95"] == 0).all() and (found.loc[none, "signal"] == "").all()


def test_teams_that_cannot_be_shown_leave_no_say_in_how_much_teams_differ():
    shown_ones = MANY | {"D1": (3, 80), "D2": (2, 70), "D3": (4, 90), "D4": (1, 60)}
    released = teams.named(counted(shown_ones), "2023-24")
    released["events"] = released["events"].where(released["events"] >= 5)
    assert teams.compared(released)["tau_squared"].dropna().unique().tolist() == [0.0]


def test_a_name_is_no_code():
    people = dict.fromkeys(
        ["Smith", "Dr.A.Jones", "Sue-Williams", "MARY_OKAFOR", "Gypsy-Traveller", "Okafor2"], (30, 300)
    )
    found = teams.named(counted(MANY | people), "2023-24")
    assert set(found["team"]) == {*(f"Team {code}" for code in MANY), teams.REST, teams.ALL}
