"""What is confidential is for its owner alone; two commands do not work on one run; no edition is lost unseen."""

import importlib.util
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pcref_analysis.store import edition_files, runs
from pcref_analysis.vocabulary import private
from pcref_analysis.vocabulary.errors import PcrefError

ROOT = Path(__file__).resolve().parents[2]
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no rights of this kind")


@pytest.fixture
def home(tmp_path, monkeypatch, copy_notebooks):
    copy_notebooks(tmp_path)
    monkeypatch.setenv("PCREF_HOME", str(tmp_path))
    return tmp_path


def pcref(home, *words):
    environment = os.environ | {"PCREF_HOME": str(home), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, "-m", "pcref_analysis", *words], cwd=home, env=environment, capture_output=True,
        encoding="utf-8",
    )  # fmt: skip


def open_to_others(folder):
    return [path for path in (folder, *folder.rglob("*")) if path.stat().st_mode & 0o077]


@posix
def test_a_run_folder_is_for_its_owner_alone_whatever_the_umask(home):
    before = os.umask(0)
    try:
        with private.alone("demo", print) as folder:
            assert folder.stat().st_mode & 0o777 == 0o700  # from the first moment, before anything is in it
            (folder / "notebooks" / "deep").mkdir(parents=True)
            (folder / "notebooks" / "deep" / "a.ipynb").write_text("x", encoding="utf-8")
    finally:
        os.umask(before)
    assert not open_to_others(folder)


@posix
def test_a_folder_that_was_open_is_closed(home):
    folder = runs.run_folder("demo")
    (folder / "draft").mkdir(parents=True)
    (folder / "draft" / "index.html").write_text("x", encoding="utf-8")
    for path in (folder, folder / "draft", folder / "draft" / "index.html"):
        path.chmod(0o755)
    with private.alone("demo", print):
        pass
    assert not open_to_others(folder)


@posix
def test_a_check_leaves_nothing_open(home):
    """`pcref check` makes the folder too: DuckDB spills rows into it."""
    (home / "data" / "raw" / "demo").mkdir(parents=True)
    (home / "data" / "raw" / "demo" / "MHS001MPI.csv").write_text("Person_ID,EthnicCategory\n1,A\n", encoding="utf-8")
    pcref(home, "check")
    assert runs.run_folder("demo").is_dir()
    assert not open_to_others(runs.run_folder("demo"))


HOLD = """
import sys, time
from pcref_analysis.vocabulary import private
with private.alone("demo", print):
    print("taken", flush=True)
    time.sleep(float(sys.argv[1]))
"""


def holder(seconds):
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(seconds)], stdout=subprocess.PIPE, encoding="utf-8")
    assert other.stdout.readline() == "taken\n"
    return other


def test_a_second_command_on_a_run_says_so_and_waits_for_the_first(home):
    other, said = holder(1.0), []
    start = time.monotonic()
    with private.alone("demo", said.append):
        assert other.wait(5) == 0 or time.monotonic() - start > 0.3
    assert len(said) == 1 and "another pcref command is at work on the run 'demo'" in said[0]


def test_a_second_command_does_not_wait_for_ever(home):
    other = holder(60)
    try:
        with pytest.raises(PcrefError, match="still at work"), private.alone("demo", lambda line: None, wait=0.2):
            pass
    finally:
        other.kill()
        other.wait()
    said = []
    with private.alone("demo", said.append):  # a lock goes with the process that took it
        assert not said


def test_two_set_ups_at_once_are_one(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "bootstrap.py")
    bootstrap = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bootstrap)
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / ".venv" / "installed-from.txt")
    monkeypatch.setattr(bootstrap, "PYTHON", tmp_path / "no-python")
    monkeypatch.setattr(bootstrap, "LOCK", tmp_path / "build" / "setup.sqlite", raising=False)
    at_work, made = [], []

    def install():
        assert not at_work, "two set-ups at once"
        at_work.append(1)
        time.sleep(0.5)
        made.append(at_work.pop())

    monkeypatch.setattr(bootstrap, "make_venv", lambda: (tmp_path / ".venv").mkdir(exist_ok=True))
    monkeypatch.setattr(bootstrap, "install", install)
    calls = [threading.Thread(target=bootstrap.main) for _ in range(2)]
    for call in calls:
        call.start()
    for call in calls:
        call.join()
    assert made == [1]


def edition(home, run="demo", **facts):
    folder = home / "reports" / run
    folder.mkdir(parents=True)
    (folder / "index.html").write_text("the signed edition", encoding="utf-8")
    edition_files.write_manifest(folder, facts)
    return folder


@pytest.mark.parametrize("damage", ["{", "", "[]", '{"signed": [{"name"'])
def test_a_damaged_manifest_does_not_count_as_unsigned(home, damage):
    folder = edition(home, "published-cpft", signed=[{"name": "A. Analyst"}])
    (folder / "manifest.json").write_text(damage, encoding="utf-8")
    done = pcref(home, "report", "--run", "published-cpft")
    assert done.returncode == 2 and "manifest.json" in done.stderr and "move the folder away" in done.stderr
    assert (folder / "index.html").read_text(encoding="utf-8") == "the signed edition"


def test_an_edition_without_its_manifest_is_not_gone_over_where_editions_are_signed(home):
    folder = edition(home)
    (folder / "manifest.json").unlink()
    with pytest.raises(PcrefError, match="whether it was signed"):
        edition_files.refuse_unknown(folder, protects=True)
    edition_files.refuse_unknown(folder, protects=False)


def test_a_link_in_the_place_of_a_report_is_refused(home, tmp_path):
    (home / "elsewhere").mkdir()
    (home / "reports").mkdir()
    try:
        (home / "reports" / "demo").symlink_to(home / "elsewhere", target_is_directory=True)
    except OSError:
        pytest.skip("links cannot be made here")
    done = pcref(home, "report")
    assert done.returncode == 2 and "reports/demo is a link" in done.stderr
    assert not list((home / "elsewhere").iterdir())


def test_what_is_published_can_be_read_by_others(home):
    """The edition is made in the closed folder; what moves to reports/ has the rights that the umask gives."""
    with private.alone("demo", print) as folder:
        fresh = folder / "publish"
        fresh.mkdir()
        (fresh / "index.html").write_text("x", encoding="utf-8")
        (home / "other").write_text("x", encoding="utf-8")
        edition_files.swap(fresh, home / "reports" / "demo")
    published = (home / "reports" / "demo" / "index.html").stat().st_mode
    assert published == (home / "other").stat().st_mode
