"""What people see when something is wrong: a few clear lines, status 2, the last report untouched, no row's value."""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from pcref_analysis.store import edition_files

ROOT = Path(__file__).resolve().parents[2]
LOCAL = "9ZX-SECRET-17"


@pytest.fixture(scope="module")
def extract(tmp_path_factory, write_demo):
    """The invented Trust's people, where they live, and their referrals: what is broken here is the table of people."""
    folder = tmp_path_factory.mktemp("extract")
    for path in write_demo(folder):
        if path.stem not in ("MHS001MPI", "Areas", "Population", "MHS101Referral"):
            path.unlink()
    return folder


@pytest.fixture
def home(tmp_path, extract, copy_notebooks):
    """A project folder with a published edition of the run and an extract that the test breaks."""
    copy_notebooks(tmp_path)
    text = (ROOT / "notebooks" / "parameters" / "demo.yml").read_text(encoding="utf-8")
    text = text.replace("run: demo", "run: local").replace("kind: demo", "kind: folder")
    text = text.replace("location: data/raw/demo", "location: data/raw/local")
    (tmp_path / "notebooks" / "parameters" / "local.yml").write_text(text, encoding="utf-8")
    shutil.copytree(extract, tmp_path / "data" / "raw" / "local")
    edition = tmp_path / "reports" / "local"
    edition.mkdir(parents=True)
    (edition / "index.html").write_text("the last edition", encoding="utf-8")
    edition_files.write_manifest(edition, {})
    return tmp_path


def pcref(home, *words):
    import os

    environment = os.environ | {"PCREF_HOME": str(home), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, "-m", "pcref_analysis", *words],
        cwd=home,
        env=environment,
        capture_output=True,
        encoding="utf-8",
    )


def refused(home, *words):
    done = pcref(home, *words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert LOCAL not in done.stdout + done.stderr
    assert (home / "reports" / "local" / "index.html").read_text(encoding="utf-8") == "the last edition"
    message = done.stderr.strip()
    assert 1 <= len(message.splitlines()) <= 8, message
    return message


def person_table(home):
    (path,) = (home / "data" / "raw" / "local").glob("MHS001MPI.*")
    return path, pd.read_parquet(path)


def test_a_missing_column_is_named_with_its_table(home):
    path, table = person_table(home)
    table.drop(columns="EthnicCategory").to_parquet(path)
    message = refused(home, "report", "--run", "local")
    assert "MHS001MPI" in message and "EthnicCategory" in message


def test_an_unknown_ethnic_code_is_counted_and_never_shown(home):
    path, table = person_table(home)
    table.loc[table.index[:7], "EthnicCategory"] = LOCAL
    table.to_parquet(path)
    done = pcref(home, "check", "--run", "local")
    text = done.stdout + done.stderr
    assert "EthnicCategory" in text and "7" in text and LOCAL not in text
    assert "Traceback" not in text


def test_a_misspelt_parameter_is_answered_with_the_nearest_name(home):
    path = home / "notebooks" / "parameters" / "local.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("comparator:", "comparater:"), encoding="utf-8")
    message = refused(home, "report", "--run", "local")
    assert "comparater" in message and "comparator" in message


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("terms: {groups: {Wite: people}}", "terms.groups.Wite: unknown name. Did you mean 'White'?"),
        (
            "  community: {detentoin: 1}",
            "a community weight for 'detentoin', which is no story. Did you mean 'detention'?",
        ),
    ],
)
def test_what_the_last_notebook_alone_needs_is_looked_at_before_the_work(home, line, said):
    path = home / "notebooks" / "parameters" / "local.yml"
    path.write_text(f"{path.read_text(encoding='utf-8').rstrip()}\n{line}\n", encoding="utf-8")
    assert said in refused(home, "report", "--run", "local")
    assert not list((home / "data").rglob("cells.parquet"))


def test_a_comparator_whom_nobody_has_is_refused_before_the_notebooks_run(home):
    """It stopped in a notebook, after a minute's work, in words that named no parameter."""
    path, table = person_table(home)
    white = table["EthnicCategory"].str.strip().str.upper().isin(["A", "B", "C"])
    table.loc[white, "EthnicCategory"] = "Z"
    table.to_parquet(path)
    text = (home / "notebooks" / "parameters" / "local.yml").read_text(encoding="utf-8")
    text = "\n".join(line for line in text.splitlines() if not line.startswith("engagement:")) + "\nengagement: none\n"
    (home / "notebooks" / "parameters" / "local.yml").write_text(text, encoding="utf-8")
    message = refused(home, "report", "--run", "local")
    assert "nobody who was counted is recorded as “White”" in message and "Black or Black British" in message
    assert not list((home / "data" / "processed" / "local").rglob("*.ipynb"))


def test_an_absent_folder_is_named(home):
    shutil.rmtree(home / "data" / "raw" / "local")
    assert "data/raw/local" in refused(home, "report", "--run", "local")


def test_a_run_that_does_not_exist_is_answered_with_the_nearest(home):
    assert "'local'" in refused(home, "report", "--run", "locl")


def test_a_period_that_is_no_financial_year(home):
    assert "2022-24" in refused(home, "report", "--run", "local", "--period", "2022-24")


def test_missing_published_figures_are_listed_with_their_publisher(home):
    path = home / "notebooks" / "parameters" / "published-cpft.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("../shared/data/open", "no/such/folder"), encoding="utf-8")
    done = pcref(home, "report", "--run", "published-cpft")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "Office for National Statistics" in done.stderr and "NHS England" in done.stderr
