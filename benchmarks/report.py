"""How long does the demo's report take: everything, nothing changed, one weight, sixteen ethnic groups?

    python benchmarks/report.py

In a project folder of its own; each a process of its own, in turn. Processor time is that of the command and of all
kernels that it started; memory that of the largest process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from killed import ROOT, home

from pcref_analysis.vocabulary.priority_rule import CRITERIA

CHILD = """
import subprocess, sys
code = subprocess.call([sys.executable, "-m", "pcref_analysis", "report"], stdout=subprocess.DEVNULL)
try:
    import resource
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(used.ru_utime + used.ru_stime, used.ru_maxrss // 1024)
except ImportError:
    print("nan nan")  # Windows tells it otherwise
sys.exit(code)
"""


def weight(folder: Path) -> None:
    """Weigh severity a little otherwise in the demo's parameters; the list and its record stay as they are."""
    path = folder / "notebooks" / "parameters" / "demo.yml"
    weights = {name: criterion.weight for name, criterion in CRITERIA.items()}
    weights["severity"] *= 1.01
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("\npriorities:\n", f"\npriorities:\n  weights: {weights}\n"), encoding="utf-8")


def detailed(folder: Path) -> None:
    """Ask for the sixteen ethnic groups; the demo's record is about the list of five."""
    path = folder / "notebooks" / "parameters" / "demo.yml"
    text = path.read_text(encoding="utf-8").replace("\ncomparator: White ", "\ncomparator: White British ")
    path.write_text(text.replace("\ndetail: broad ", "\ndetail: detailed ") + "engagement: none\n", encoding="utf-8")


CHANGES = {"everything": None, "nothing": None, "a priority weight": weight, "sixteen ethnic groups": detailed}


def main() -> None:
    print(f"{'what changed':<22} {'seconds':>8} {'processor':>10} {'MB at most':>11}")
    with tempfile.TemporaryDirectory() as place:
        folder = home(Path(place))
        environment = os.environ | {"PCREF_HOME": place, "PYTHONPATH": str(ROOT)}
        for what, change in CHANGES.items():
            if change:
                change(folder)
            start = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", CHILD], env=environment, cwd=folder, check=True, capture_output=True, text=True
            )
            processor, memory = map(float, done.stdout.split()[-2:])
            print(f"{what:<22} {time.perf_counter() - start:>8.1f} {processor:>10.1f} {memory:>11.0f}", flush=True)


if __name__ == "__main__":
    main()
