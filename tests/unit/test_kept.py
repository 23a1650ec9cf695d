"""Released tables are kept only as long as all that they rest on, and their own files, are as they were."""

import pandas as pd
import pytest

from pcref_analysis.release import disclosure, door, kept, publication
from pcref_analysis.vocabulary import parameters

COUNTS = pd.DataFrame(
    {"ethnic_group": ["African", "Caribbean", "Indian"], "events": [3, 21, 40], "note": [None, "few", "few"]}
)


class Door:
    """Counts how often the tables are released."""

    def __init__(self):
        self.opened = 0

    def __call__(self):
        self.opened += 1
        return [disclosure.release(COUNTS, "mhsds", name=name) for name in ("levels", "gaps")]


@pytest.fixture
def folder(tmp_path):
    kept.tables(tmp_path / "released", "key", Door())
    return tmp_path / "released"


def opened(folder, key="key"):
    door = Door()
    kept.tables(folder, key, door)
    return door.opened


def test_released_once_and_read_as_they_were_first_given(tmp_path):
    door = Door()
    first, second = (kept.tables(tmp_path / "released", "key", door) for _ in range(2))
    assert door.opened == 1
    for one, other in zip(first, second, strict=True):
        pd.testing.assert_frame_equal(one.table, other.table, check_exact=True)
        assert (one.name, one.rules, one.links) == (other.name, other.rules, other.links)
    assert [path.name for path in tmp_path.iterdir()] == ["released"]


def test_another_key_releases_anew(folder):
    assert opened(folder) == 0
    assert opened(folder, "another rule") == 1
    assert opened(folder) == 1


def shown_instead(folder):
    table = pd.read_csv(folder / "levels.csv")
    table.loc[0, "events"] = 3  # the count that the door hides
    table.to_csv(folder / "levels.csv", index=False)


@pytest.mark.parametrize(
    "tamper",
    [
        shown_instead,
        lambda folder: (folder / "gaps.csv").unlink(),
        lambda folder: (folder / "levels.disclosure.json").write_text("{}"),
        lambda folder: (folder / "more.csv").write_text("events\n3\n"),
        lambda folder: (folder / "key.txt").write_text("key"),
        lambda folder: (folder / "key.txt").unlink(),
    ],
    ids=["changed", "removed", "facts changed", "added", "seal changed", "no seal"],
)
def test_a_file_that_was_touched_releases_anew(folder, tamper):
    tamper(folder)
    again = Door()
    levels = kept.tables(folder, "key", again)[1]
    assert again.opened == 1
    assert levels.text["events"].tolist() == ["[c]", "20", "40"]
    assert opened(folder) == 0 and not (folder / "more.csv").exists()


def test_what_cannot_be_put_in_its_place_is_given_all_the_same(folder, monkeypatch):
    def busy(fresh, target):
        raise PermissionError("open in another program")

    monkeypatch.setattr(publication, "swap", busy)
    assert [one.name for one in kept.tables(folder, "another rule", Door())] == ["gaps", "levels"]
    assert opened(folder) == 0


def rule(**update):
    return {"disclosure": parameters.load("demo").disclosure.model_copy(update=update)}


@pytest.mark.parametrize(
    ("update", "anew"),
    [(rule(threshold=10), True), (rule(rounding=10), True), ({"audience": "internal"}, True),
     ({"comparator": "Mixed"}, True), ({"synthetic": False}, True), ({"edition": 2}, False)],
)  # fmt: skip
def test_a_changed_parameter_of_the_release_changes_the_key(update, anew):
    demo = parameters.load("demo")
    assert (door._key("demo", demo.model_copy(update=update)) != door._key("demo", demo)) == anew


def test_the_key_looks_at_estimates_and_last_edition(tmp_path, monkeypatch):
    demo = parameters.load("demo")
    monkeypatch.setenv("PCREF_HOME", str(tmp_path))
    keys = [door._key("demo", demo)]
    for name, content in (("estimates/levels.parquet", "1"), ("estimates/levels.parquet", "2"), ("last-edition/a", "")):
        path = tmp_path / "data" / "processed" / "demo" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        keys.append(door._key("demo", demo))
    monkeypatch.setattr(door.code, "digest", lambda *floors: "other code")
    keys.append(door._key("demo", demo))
    assert len(set(keys)) == 5
