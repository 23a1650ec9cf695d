"""People with unique marks in an extract: none of the marks is in any published byte. And the way to publication."""

import datetime
import io
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pandas as pd
import pytest
import yaml

from pcref_analysis.store import edition_files
from pcref_analysis.vocabulary import indicators

ROOT = Path(__file__).resolve().parents[2]
MARKS = ["9434765919", "CANARY-Q7Z", "ZQ1 7XJ"]  # like an NHS number, a local code, a postcode
WORDS = [*MARKS, "Canary-team", "Xq-canary-note", "1911-02-03", "q7z-lang9"]  # free text, a date of birth, a language


def pcref(home, *words):
    environment = os.environ | {"PCREF_HOME": str(home), "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "pcref_analysis", *words], cwd=home, env=environment, capture_output=True,
        encoding="utf-8",
    )  # fmt: skip


def marked(folder: Path) -> None:
    """Give a few people of the extract marks of every kind: numbers like the NHS's, local codes, free text."""
    path = folder / "MHS001MPI.parquet"
    some = pd.read_parquet(path)["Person_ID"].drop_duplicates().iloc[: len(MARKS)]
    new = dict(zip(some, MARKS, strict=True))
    for file in folder.glob("*.parquet"):
        frame = pd.read_parquet(file)
        if "Person_ID" in frame:
            frame["Person_ID"] = frame["Person_ID"].replace(new)
            if file.stem == "MHS101Referral":
                own = frame["Person_ID"].isin(MARKS)
                frame["TeamID"] = frame["TeamID"].mask(own, "Canary-team of " + frame["Person_ID"])
            if file == path:
                own = frame["Person_ID"].isin(MARKS)
                frame["LanguageCodePreferred"] = frame["LanguageCodePreferred"].mask(own, "q7z-lang9")
                frame["PersonBirthDate"] = frame["PersonBirthDate"].mask(own, datetime.date(1911, 2, 3))
                frame["LocalNote"] = own.map({True: "Xq-canary-note of a visit", False: ""})
            frame.to_parquet(file)


@pytest.fixture(scope="module")
def home(tmp_path_factory, write_demo, copy_notebooks):
    """A project folder with a Trust's own marked records (not declared synthetic) and its draft report."""
    folder = tmp_path_factory.mktemp("home")
    copy_notebooks(folder)
    facts = yaml.safe_load((ROOT / "notebooks" / "parameters" / "demo.yml").read_text(encoding="utf-8"))
    facts |= {"run": "local", "synthetic": False, "periods": ["2023-24"], "trust": {"name": "Test Trust"}}
    facts["source"] = {"kind": "folder", "location": "data/raw/local"}
    target = folder / "notebooks" / "parameters" / "local.yml"
    target.write_text(yaml.safe_dump(facts), encoding="utf-8")
    write_demo(folder / "data" / "raw" / "local")
    marked(folder / "data" / "raw" / "local")
    done = pcref(folder, "report", "--run", "local")
    assert done.returncode == 0, done.stderr
    (folder / "log.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    return folder


def every_byte(folder: Path):
    """Yield what readers can get at: each file, workbooks unzipped, pictures' text chunks, embedded pictures."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        data = path.read_bytes()
        yield path.name, data
        for number, found in enumerate(re.findall(rb'data:image/svg\+xml,([^"]+)', data)):
            yield f"{path.name}, picture {number}", unquote_to_bytes(found)
        if zipfile.is_zipfile(io.BytesIO(data)):
            with zipfile.ZipFile(io.BytesIO(data)) as book:
                yield from ((f"{path.name}/{name}", book.read(name)) for name in book.namelist())


@pytest.mark.slow
def test_no_mark_of_a_person_is_published(home):
    draft = home / "data" / "processed" / "local" / "draft"
    seen = dict(every_byte(draft)) | {"log": (home / "log.txt").read_bytes()}
    assert len(seen) > 40 and any("picture" in name for name in seen)
    for mark in WORDS:
        assert not [name for name, data in seen.items() if mark.encode() in data], mark


@pytest.mark.slow
def test_no_exact_count_is_published(home):
    """The Trust's large counts, as they are before rounding, are marks as good as any: none may stand anywhere."""
    local = home / "data" / "processed" / "local"
    levels = pd.read_parquet(local / "plan" / "counts.parquet")
    own = levels["indicator"].map(lambda key: indicators.catalogue()[key].at_risk != "residents")
    counts = pd.concat([levels["events"], levels["at_risk"][own]]).dropna().unique()
    marks = [int(count) for count in counts if count > 4000 and count % 5]
    assert len(marks) > 5
    # Not within a hash or a picture's letters.
    either = "|".join(f"{mark}|{mark:,}" for mark in marks)
    stands = re.compile(
        rf"(?<![0-9A-Za-z+/.,])(?:{either})(?![0-9A-Za-z+/]|,\d)".encode()
    )  # not within a hash or picture
    assert stands.search(f"<td>{marks[0]}</td>".encode())
    seen = dict(every_byte(local / "draft")) | {"log": (home / "log.txt").read_bytes()}
    assert not [(name, found[0]) for name, data in seen.items() if (found := stands.search(data))]


@pytest.mark.slow
def test_a_draft_is_published_when_two_people_have_signed_it(home):
    draft = home / "data" / "processed" / "local" / "draft"
    reports = home / "reports" / "local"
    assert not reports.exists()
    assert "not signed off" in (draft / "05_priorities.html").read_text(encoding="utf-8")
    refused = pcref(home, "publish", "local")
    assert refused.returncode == 2 and "signed-by/local.yml" in refused.stderr and not reports.exists()
    today = str(datetime.date.today())
    signatures = [
        {"name": "Anna Analyst", "role": "Lead analyst", "date": today, "checked": "figures"},
        {"name": "Grace Guardian", "role": "Caldicott guardian", "date": today, "checked": "small numbers"},
    ]
    content = edition_files.read_manifest(draft)["content"]
    file = home / "notebooks" / "parameters" / "signed-by" / "local.yml"
    file.parent.mkdir()
    file.write_text(yaml.safe_dump({"edition": content, "signed": signatures}), encoding="utf-8")
    done = pcref(home, "publish", "local")
    assert done.returncode == 0, done.stderr
    page = (reports / "05_priorities.html").read_text(encoding="utf-8")
    assert "not signed off" not in page and "Grace Guardian, Caldicott guardian" in page
    assert not draft.exists()
    assert edition_files.changes(reports, edition_files.read_manifest(reports)) == []
    attacked = pcref(home, "attack", "reports/local")
    assert attacked.returncode == 0, attacked.stdout + attacked.stderr
    (reports / "index.html").write_text("changed", encoding="utf-8")
    assert "index.html" in pcref(home, "attack", "reports/local").stderr
