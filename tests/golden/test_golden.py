"""The figures of the invented Trust, pinned by hash: a step that only moves code changes none of them.

``pytest tests/golden --update-golden`` writes the hashes anew after a change that is meant; the commit says why.
"""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from pcref_analysis.vocabulary.significant_digits import same_everywhere

ROOT = Path(__file__).resolve().parents[2]
VERSION = re.compile(rb"<[^>]*>[^<]*\bversion\b[^<]*<", re.IGNORECASE)


def digest(content: bytes) -> str:
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def of_edition(folder: Path) -> dict[str, str]:
    """Return a hash of every table of an edition, and of every page less the line that names the version."""
    tables = [*folder.glob("tables/*.csv"), *folder.glob("released/*")]
    found = {path.relative_to(folder).as_posix(): digest(path.read_bytes()) for path in tables}
    pages = {path.name: digest(VERSION.sub(b"", path.read_bytes())) for path in folder.glob("*.html")}
    return dict(sorted((found | pages).items()))


def of_cells(run: str) -> dict[str, str]:
    folder = ROOT / "data" / "processed" / run
    frames = {name: pd.read_parquet(folder / f"{name}.parquet") for name in ("cells", "ledger", "lengths", "teams")}
    cut = {name: same_everywhere(frame) for name, frame in frames.items()}  # sums of fractions depend on their order
    return {name: digest(frame.to_csv(index=False).encode()) for name, frame in cut.items()}


@pytest.fixture(scope="module")
def demo():
    done = subprocess.run(
        [sys.executable, "-m", "pcref_analysis", "report"], cwd=ROOT, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return of_cells("demo") | of_edition(ROOT / "reports" / "demo")


def test_the_figures_of_the_demo_are_those_that_are_pinned(demo, request):
    path = Path(__file__).with_name("demo.sha256")
    lines = "".join(f"{value}  {name}\n" for name, value in demo.items())
    if request.config.getoption("--update-golden"):
        path.write_text(lines, encoding="utf-8", newline="\n")
    pinned = dict(reversed(line.split("  ")) for line in path.read_text(encoding="utf-8").splitlines())
    assert len(pinned) > 40
    moved = sorted(name for name in pinned.keys() | demo.keys() if pinned.get(name) != demo.get(name))
    assert not moved, "not as pinned (--update-golden where the change is meant)"


def test_a_changed_figure_would_be_seen(tmp_path):
    (tmp_path / "tables").mkdir()
    path = tmp_path / "tables" / "levels.csv"
    path.write_text("estimate\n1.25\n", encoding="utf-8")
    before = of_edition(tmp_path)
    path.write_text("estimate\n1.26\n", encoding="utf-8")
    assert of_edition(tmp_path) != before
