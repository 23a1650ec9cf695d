"""Is a whole edition left, and does the next run succeed, if a report is killed at any moment?

    python benchmarks/killed.py --moments 30

Works in a project folder of its own. Each time the whole process group is killed after a random time; then every file
of the last edition must be as its manifest says. At the end a report must succeed.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pcref_analysis.store import edition_files

ROOT = Path(__file__).resolve().parents[1]


def home(folder: Path, notebooks: str = "*") -> Path:
    """Make a project folder with the demo's parameters and some of the notebooks."""
    shutil.copytree(ROOT / "notebooks" / "parameters", folder / "notebooks" / "parameters")
    for path in (ROOT / "notebooks").glob(f"{notebooks}.ipynb"):
        shutil.copy(path, folder / "notebooks")
    return folder


def report(folder: Path, seconds: float | None = None) -> int | None:
    """Make the demo's report again; kill it and all it started after some seconds (None: let it end)."""
    environment = os.environ | {"PCREF_HOME": str(folder), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pcref_analysis", "report", "--force"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    group = {} if os.name == "nt" else {"start_new_session": True}
    running = subprocess.Popen(command, cwd=folder, env=environment, **quiet, **group)
    try:
        return running.wait(seconds)
    except subprocess.TimeoutExpired:
        if os.name == "nt":
            subprocess.call(["taskkill", "/F", "/T", "/PID", str(running.pid)], **quiet)
        else:
            os.killpg(running.pid, 9)
        running.wait()
        return None


def whole(folder: Path) -> bool:
    """Say whether a whole edition stands (or stands aside, to be put back by the next run)."""
    published = folder / "reports" / "demo"
    edition_files.settle(published)
    return edition_files.is_whole(published, edition_files.read_manifest(published))


def killed(folder: Path, moments: int, longest: float, seed: int = 1) -> list[tuple[float, bool]]:
    """Kill a report at random moments; return each moment and whether a whole edition was left."""
    draw = random.Random(seed)
    result = []
    for _ in range(moments):
        seconds = draw.uniform(0, longest)
        ended = report(folder, seconds)
        result.append((seconds, whole(folder)))
        how, left = "ended" if ended is not None else "killed", "whole" if result[-1][1] else "NOT WHOLE"
        print(f"{seconds:6.1f} s {how}: {left}", flush=True)
    return result


def main() -> None:
    """Print what was found."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--moments", type=int, default=30)
    words.add_argument("--notebooks", default="*", help="e.g. 03* to be quicker")
    words.add_argument("--longest", type=float, default=0, help="seconds; by default as long as a whole report takes")
    chosen = words.parse_args()
    folder = home(Path(tempfile.mkdtemp()), chosen.notebooks)
    clock = time.perf_counter()
    assert report(folder) == 0
    longest = chosen.longest or time.perf_counter() - clock
    found = killed(folder, chosen.moments, longest)
    print(f"{sum(ok for _, ok in found)} of {len(found)} left a whole edition")
    print("the next report succeeds:", report(folder) == 0 and whole(folder))
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
