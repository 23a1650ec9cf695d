"""The engagement record: what it refuses, what it does to the list, and what the log keeps."""

import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from pcref_analysis.priorities import changes_since, engagement, engagement_changes
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.priority_rule import PriorityRule

BASE = {"who": "Advisory group", "when": "2026-10-14", "why": "Members said so."}
AGREED = {"who": "Advisory group", "when": "2026-10-14"}


def ranked():
    """Five priorities in a literal list, one finding that is not clear, one without a figure."""
    items = ["detention: Black", "access: Asian", "force: Black", "recovery: Asian", "follow-up: Mixed"]
    rows = [
        {"item": item, "list": "priority", "rank": i, "band": 1 + i // 3, "score": 0.9 - i / 10, "evidence": "clear"}
        for i, item in enumerate(items, 1)
    ]
    rows.append({"item": "waits: Mixed", "list": "unclear", "evidence": "not clear", "score": 0.2})
    rows.append({"item": "carers: Every ethnic group", "list": "evidence_gap", "evidence": "no figure"})
    table = pd.DataFrame(rows).assign(wording=lambda t: "About " + t["item"])
    return table.astype({"rank": "Int64", "band": "Int64"})


def record(*changes, outcomes=()):
    return engagement.read({"changes": [BASE | change for change in changes], "outcomes": list(outcomes)})


def places(*changes):
    table, _ = engagement_changes.adjust(ranked(), record(*changes))
    return table.loc[table["place"].notna(), "item"].tolist()


def test_without_changes_the_adjusted_list_is_the_draft():
    table, log = engagement_changes.adjust(ranked(), engagement.read(None))
    assert table["item"].tolist() == ranked()["item"].head(5).tolist()
    assert table["status"].eq("draft").all()
    assert log.empty


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            [{"action": "move", "item": "recovery: Asian", "to": 1}],
            ["recovery", "detention", "access", "force", "follow"],
        ),
        (  # every place asked for is the place in the end
            [
                {"action": "move", "item": "detention: Black", "to": 3},
                {"action": "move", "item": "force: Black", "to": 5},
            ],
            ["access", "recovery", "detention", "follow", "force"],
        ),
        ([{"action": "set_aside", "item": "access: Asian"}], ["detention", "force", "recovery", "follow"]),
        (
            [{"action": "merge", "items": ["force: Black", "detention: Black"], "name": "coercion: Black"}],
            ["coercion", "access", "recovery", "follow"],
        ),
        (
            [{"action": "merge", "items": ["force: Black", "recovery: Asian"], "name": "both", "to": 4}],
            ["detention", "access", "follow", "both"],
        ),
        (
            [
                {
                    "action": "split",
                    "item": "access: Asian",
                    "into": [{"name": "men", "wording": "m"}, {"name": "women", "wording": "w"}],
                }
            ],
            ["detention", "men", "women", "force", "recovery", "follow"],
        ),
        (
            [{"action": "add", "item": "carers: not asked", "wording": "Carers are not asked.", "to": 2}],
            ["detention", "carers", "access", "force", "recovery", "follow"],
        ),
        (
            [{"action": "add", "item": "waits: Mixed", "wording": "Waits.", "evidence": "data"}],
            ["detention", "access", "force", "recovery", "follow", "waits"],
        ),
    ],
)
def test_what_each_change_does(changes, expected):
    got = places(*changes)
    assert len(got) == len(expected)
    assert all(item.startswith(start) for item, start in zip(got, expected, strict=True)), got


def test_nothing_passed_in_is_changed_and_the_log_keeps_every_reason():
    draft = ranked()
    before = draft.copy(deep=True)
    changes = [
        {"action": "reword", "item": "access: Asian", "wording": "Reaching care", "why": "Plainer."},
        {"action": "set_aside", "item": "force: Black", "why": "Work is under way."},
        {"action": "move", "item": "follow-up: Mixed", "to": 1, "why": "It matters most."},
    ]
    table, log = engagement_changes.adjust(draft, record(*changes))
    pd.testing.assert_frame_equal(draft, before)
    table = table.set_index("item")
    assert table.loc["access: Asian", ["wording", "status", "reason"]].tolist() == [
        "Reaching care",
        "reworded",
        "Plainer.",
    ]
    assert table.loc["force: Black", "status"] == "set aside" and pd.isna(table.loc["force: Black", "place"])
    assert table.loc["follow-up: Mixed", ["place", "draft_rank"]].tolist() == [1, 5]
    assert log["why"].tolist() == ["Plainer.", "Work is under way.", "It matters most."]
    assert log.loc[2, ["who", "when", "action", "before", "after"]].tolist() == [
        *("Advisory group", "2026-10-14", "move", "place 5", "place 1")  # its place in the draft that the meeting saw
    ]


def test_a_later_meeting_may_change_what_an_earlier_one_did():
    table, log = engagement_changes.adjust(
        ranked(),
        record(
            {"action": "move", "item": "access: Asian", "to": 4, "when": "2026-11-20"},
            {"action": "move", "item": "access: Asian", "to": 1},
        ),
    )
    assert table.loc[table["item"] == "access: Asian", "place"].item() == 4
    assert log["after"].tolist() == ["place 4", "place 1"]  # in the order of the record


def test_an_item_from_experience_says_that_there_are_no_figures():
    table, _ = engagement_changes.adjust(
        ranked(), record({"action": "add", "item": "faith: Muslim patients", "wording": "Prayer space is lacking."})
    )
    assert table["evidence"].iloc[-1] == "lived experience; no figures"
    assert pd.isna(table["draft_rank"].iloc[-1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([{"action": "move", "item": "detention: Blak", "to": 1}], "Did you mean 'detention: Black'"),
        ([{"action": "move", "item": "force: Black", "to": 9}], "place 9, but the list has 5"),
        ([{"action": "add", "item": "force: Black", "wording": "x"}], "on the list already"),
        ([{"action": "add", "item": "waitings", "wording": "x", "evidence": "data"}], "Did you mean 'waits: Mixed'"),
        (
            [{"action": "move", "item": "force: Black", "to": 1}, {"action": "move", "item": "force: Black", "to": 2}],
            "changes 1 and 2, both of 2026-10-14, contradict each other about 'force: Black'",
        ),
        (
            [{"action": "move", "item": "force: Black", "to": 1}, {"action": "move", "item": "access: Asian", "to": 1}],
            "contradict each other about place 1",
        ),
        (
            [{"action": "set_aside", "item": "force: Black"}, {"action": "move", "item": "force: Black", "to": 1}],
            "which change 1 of the same meeting",
        ),
        (
            [
                {"action": "set_aside", "item": "force: Black"},
                {"action": "merge", "items": ["force: Black", "access: Asian"], "name": "x"},
            ],
            "contradict each other about 'force: Black'",
        ),
        (
            [{"action": "merge", "items": ["force: Black", "access: Asian"], "name": "detention: Black"}],
            "name of another item",
        ),
        (
            [
                {"action": "set_aside", "item": "force: Black"},
                {"action": "reword", "item": "force: Black", "wording": "x", "when": "2026-11-20"},
            ],
            "'force: Black' is not on the list at that point",
        ),
        ([{"action": "weight", "criterion": "severity", "weight": 0.3}], "give the rule"),
    ],
)
def test_changes_that_cannot_be_made_are_named(changes, message):
    with pytest.raises(PcrefError, match=message):
        engagement_changes.adjust(ranked(), record(*changes))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"action": "move", "item": "a", "to": 1, "who": "x", "when": "2026-10-14"},
            r"change 1 \(move\): why is missing",
        ),
        ({"action": "move", "item": "a", "to": 1} | BASE | {"why": "  "}, "why is empty"),
        ({"action": "move", "item": "a", "to": 0} | BASE, r"change 1 \(move\): to: must be at least 1"),
        ({"action": "promote", "item": "a"} | BASE, "unknown action; actions are move, merge"),
        ({"item": "a"} | BASE, "change 1: action is missing"),
        ({"action": "set_aside", "item": "a", "place": 3} | BASE, "unknown key 'place'"),
        ({"action": "set_aside", "item": "a"} | BASE | {"who": "Dr A Name"}, "name a group, not a person"),
        ({"action": "set_aside", "item": "a"} | BASE | {"who": "someone@trust.example"}, "a group, not a person"),
        ({"action": "set_aside", "item": "a"} | BASE | {"when": "last week"}, "when: must be a day, year-month-day"),
        ({"action": "set_aside", "item": "a"} | BASE | {"when": "2126-10-14"}, "when: must be at most 2099-12-31"),
        (
            {"action": "set_aside", "item": "a"} | BASE | {"why": "of 943 476 5919"},
            "why: holds a number like an NHS num",
        ),
        (
            {"action": "merge", "items": ["a", "943-476-5919"], "name": "b"} | BASE,
            "items: holds a number like an NHS n",
        ),
        ({"action": "merge", "items": ["a"], "name": "b"} | BASE, "items: .*at least 2"),
        ({"action": "weight", "weight": 0.2} | BASE, "either a criterion, or a story or item"),
        ({"action": "weight", "weight": 0.2, "criterion": "size"} | BASE, "unknown criterion 'size'"),
        ({"action": "weight", "weight": 3, "item": "detention"} | BASE, "between 0 and 1"),
    ],
)
def test_a_record_that_does_not_hold_is_refused_with_the_entry_named(entry, message):
    with pytest.raises(PcrefError, match=message):
        engagement.read({"changes": [entry]})


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"change": []}, "unknown key 'change'. Did you mean 'changes'?"),
        ({"changes": [{"action": "move", "item": "a", "to": 1, "reason": "x"} | BASE]}, "unknown key 'reason'."),
        ({"changes": [{"action": "move", "itm": "a", "to": 1} | BASE]}, "unknown key 'itm'. Did you mean 'item'?"),
        (
            {"targets": [{"indicator": "detentions", "way": "at most", "value": 2, "by": "2026-01-01"} | AGREED]},
            "target 1: by 2026-01-01 is no later than the day it was agreed",
        ),
    ],
)
def test_a_mistyped_key_is_answered_with_the_nearest_of_its_place(record, said):
    with pytest.raises(PcrefError) as error:
        engagement.read(record)
    assert said in str(error.value)


def test_the_file_is_read_and_its_faults_are_named(tmp_path):
    path = tmp_path / "engagement.yml"
    with pytest.raises(PcrefError, match=r"no engagement\.yml"):
        engagement.load(path)
    path.write_text("changes:\n  - action: [\n", encoding="utf-8")
    with pytest.raises(PcrefError, match="not valid YAML near line"):
        engagement.load(path)
    path.write_text("- a\n", encoding="utf-8")
    with pytest.raises(PcrefError, match="must hold 'changes:'"):
        engagement.load(path)
    path.write_text(
        "changes:\n  - {action: set_aside, item: a, who: Carers' forum, when: 2026-10-14, why: Done.}\noutcomes:\n",
        encoding="utf-8",
    )
    read = engagement.load(path)
    assert read.changes[0].who == "Carers' forum"
    assert read.outcomes == []


def now():
    """The next edition: one clear still, one weaker, one closed, one without a figure, one new."""
    rows = [
        {"item": "access: Asian", "list": "priority", "rank": 1, "band": 1, "score": 0.8, "evidence": "clear"},
        {"item": "seclusion: Black", "list": "priority", "rank": 2, "band": 1, "score": 0.7, "evidence": "clear"},
        {"item": "detention: Black", "list": "watch", "rank": 3, "score": 0.6, "evidence": "possible"},
        {"item": "force: Black", "list": "strength", "score": 0.1, "evidence": "equal"},
        {"item": "recovery: Asian", "list": "evidence_gap", "evidence": "no figure"},
        {"item": "recovery: Asian", "list": "strength", "score": 0.1, "evidence": "equal"},
    ]
    return pd.DataFrame(rows).assign(wording="x").astype({"rank": "Int64", "band": "Int64"})


def test_the_next_edition_says_what_moved_and_whether_the_evidence_agrees():
    adjusted, _ = engagement_changes.adjust(
        ranked(),
        record(
            {"action": "set_aside", "item": "follow-up: Mixed"},
            {"action": "add", "item": "faith", "wording": "Prayer space is lacking."},
        ),
    )
    table = changes_since.compare(adjusted, now()).set_index("item")
    assert table["agrees"].to_dict() == {
        "detention: Black": "weaker",
        "access: Asian": "yes",
        "force: Black": "no longer",
        "recovery: Asian": "no figure",
        "faith": "not measured",
        "seclusion: Black": "new",
    }
    assert table.loc["access: Asian", "moved"] == 1  # from place 2 to rank 1
    assert pd.isna(table.loc["force: Black", "moved"])
    draft_to_draft = changes_since.compare(ranked(), now()).set_index("item")
    assert draft_to_draft.loc["detention: Black", ["place_before", "rank_now", "moved"]].tolist() == [1, 3, -2]


def test_a_merged_item_is_followed_through_its_parts():
    adjusted, _ = engagement_changes.adjust(
        ranked(), record({"action": "merge", "items": ["force: Black", "access: Asian"], "name": "two in one"})
    )
    table = changes_since.compare(adjusted, now()).set_index("item")
    assert table.loc["two in one", ["rank_now", "agrees"]].tolist() == [1, "yes"]
    assert "access: Asian" not in table.index


def test_the_next_period_starts_from_the_adjusted_list():
    adjusted, _ = engagement_changes.adjust(
        ranked(),
        record({"action": "move", "item": "force: Black", "to": 1}, {"action": "set_aside", "item": "access: Asian"}),
    )
    table = changes_since.start_from(adjusted, now())
    assert table["item"].tolist() == [
        *(
            "force: Black",
            "detention: Black",
            "recovery: Asian",
            "follow-up: Mixed",
            "seclusion: Black",
            "access: Asian",
        )
    ]
    assert table.set_index("item").loc["access: Asian", ["status", "look_again"]].tolist() == ["set aside", True]
    assert pd.isna(table.set_index("item").loc["access: Asian", "place"])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"owner": "Dr A Name"}, "outcome 1: owner: name a group, not a person"),
        ({"due": "soon"}, "outcome 1: due: "),
        ({"status": "in progress"}, "outcome 1: status: must be 'planned', 'under way', 'done' or 'stopped'"),
    ],
)
def test_an_action_that_does_not_hold_is_refused_with_its_field(more, message):
    entry = {"item": "a", "said": "s", "did": "d", "status": "planned", "who": "Board", "when": "2026-11-01"}
    assert engagement.read({"outcomes": [entry]}).outcomes[0].due is None
    with pytest.raises(PcrefError, match=re.escape(message)):
        engagement.read({"outcomes": [entry | more]})


def test_you_said_we_did():
    outcomes = [
        {
            "item": "access: Asian",
            "said": "s",
            "did": "d1",
            "status": "under way",
            "who": "Board",
            "when": "2026-11-01",
        },
        {"item": "access: Asian", "said": "s", "did": "d2", "status": "done", "who": "Board", "when": "2026-11-20"},
    ]
    adjusted, _ = engagement_changes.adjust(ranked(), engagement.read(None))
    table = changes_since.became(adjusted, record(outcomes=outcomes), now()).set_index("item")
    assert table.loc["access: Asian", ["did", "status", "agrees"]].tolist() == ["d2", "done", "yes"]
    assert table.loc["force: Black", "status"] == "nothing recorded yet"
    assert len(table) == 5


def test_the_page_on_engagement_holds_a_record_that_reads_and_an_example_that_runs():
    page = (Path(__file__).resolve().parents[2] / "docs" / "engagement.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"^```yaml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    read = engagement.read(yaml.safe_load(text))
    assert {change.action for change in read.changes} == {
        *("move", "merge", "split", "add", "set_aside", "reword", "weight")
    }
    (example,) = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    exec(compile(example, "engagement.md", "exec"), {})


def test_a_change_of_the_rule_itself_is_shown():
    before = PriorityRule(owner="Steering group", agreed="2026-04-01")
    now = before.model_copy(update={"agreed": "2027-04-01", "weights": before.weights | {"severity": 0.2}, "first": 5})
    assert changes_since.rule_changes(before, now).to_numpy().tolist() == [
        ["agreed", "2026-04-01", "2027-04-01"],
        ["weights.severity", 0.15, 0.2],
    ]
    assert changes_since.rule_changes(before, before).empty


@pytest.mark.parametrize(
    ("why", "counts"),
    [
        ("Three Black men told us so", True),
        ("we lost two people last year", True),
        ("only 3 of the women answered; 4 carers did", True),
        ("a single inpatient", True),
        ("12 people came", False),
        ("1,203 people came", False),
        ("five people came", False),  # the threshold
        ("One of the wards was closed", False),
        ("People asked for this first", False),
    ],
)
def test_small_numbers_in_words_are_pointed_at_before_people_sign(why, counts):
    found = engagement.small_numbers(record({"action": "set_aside", "item": "a", "why": why}), 5)
    assert found == (["change 1 (set_aside), why"] if counts else [])
