"""A killed process leaves the last edition whole, whenever it is killed.

Here editions are made and swapped without pause, so that a kill falls into the swap itself; with PCREF_EVERY_CASE=1 a
whole report is killed at 30 moments (benchmarks/killed.py).
"""

import importlib.util
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pcref_analysis.store import edition_files

ROOT = Path(__file__).resolve().parents[2]
SWAPPING = """
import sys
from pathlib import Path
from pcref_analysis.store import edition_files as publication
folder = Path(sys.argv[1])
for number in range(100_000):
    fresh = folder / "fresh" / str(number)
    fresh.mkdir(parents=True)
    for name in range(20):
        (fresh / f"{name}.html").write_text(f"{number} {name}" * 500, encoding="utf-8")
    publication.write_manifest(fresh, {"number": number})
    publication.swap(fresh, folder / "reports" / "demo")
"""


def test_an_edition_is_whole_after_a_kill_at_any_moment(tmp_path):
    draw = random.Random(20261122)
    number = []
    for attempt in range(5):
        folder = tmp_path / str(attempt)
        published = folder / "reports" / "demo"
        running = subprocess.Popen([sys.executable, "-c", SWAPPING, str(folder)], env=os.environ)
        while not published.is_dir():
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 0.4))
        running.kill()
        running.wait()
        edition_files.settle(published)
        manifest = edition_files.read_manifest(published)
        assert edition_files.changes(published, manifest) == [] and manifest["outputs"]
        number.append(manifest["number"])
    assert max(number) > 0  # some were killed after the first swap


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("PCREF_EVERY_CASE"), reason="takes long: set PCREF_EVERY_CASE=1")
def test_a_report_killed_at_thirty_moments_leaves_a_whole_edition(tmp_path):
    spec = importlib.util.spec_from_file_location("killed", ROOT / "benchmarks" / "killed.py")
    killed = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(killed)
    folder = killed.home(tmp_path)
    assert killed.report(folder) == 0
    assert all(whole for _, whole in killed.killed(folder, 30, 60.0))
    assert killed.report(folder) == 0
