"""The new edition takes the place of the last one whole, or not at all."""

import pytest

from pcref_analysis.store import edition_files


def edition(folder, text):
    folder.mkdir(parents=True)
    (folder / "index.html").write_text(text, encoding="utf-8")
    edition_files.write_manifest(folder, {"inputs": "x"})
    return folder


def test_a_new_edition_takes_the_place_of_the_last(tmp_path):
    target = edition(tmp_path / "reports" / "demo", "first")
    edition_files.swap(edition(tmp_path / "fresh", "second"), target)
    assert (target / "index.html").read_text(encoding="utf-8") == "second"
    assert [p.name for p in target.parent.iterdir()] == ["demo"]


def test_a_failed_rename_brings_the_last_edition_back(tmp_path):
    target = edition(tmp_path / "reports" / "demo", "first")
    with pytest.raises(OSError):
        edition_files.swap(tmp_path / "not-there", target)
    assert (target / "index.html").read_text(encoding="utf-8") == "first"


def test_a_run_killed_between_the_two_renames_is_mended(tmp_path):
    target = edition(tmp_path / "reports" / "demo", "first")
    target.rename(target.with_name(".demo.last"))
    edition_files.settle(target)
    assert (target / "index.html").read_text(encoding="utf-8") == "first"


def test_a_changed_output_is_noticed(tmp_path):
    folder = edition(tmp_path / "demo", "first")
    manifest = edition_files.read_manifest(folder)
    assert edition_files.is_whole(folder, manifest)
    (folder / "index.html").write_text("tampered", encoding="utf-8")
    assert not edition_files.is_whole(folder, manifest)
    assert not edition_files.is_whole(folder, {})
