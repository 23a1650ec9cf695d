"""Run the benchmarks one after the other and write what they print, with machine and versions, to ``results.md``."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import psutil

HERE = Path(__file__).resolve().parent
EACH = {
    "rates.py": "Directly standardised rates against plain NumPy",
    "regression.py 100000 1000000": "A clustered regression on cells against the same on rows",
    "plain.py": "From rows to cells against plain pandas",
    "extract.py": "From rows to cells as an extract grows",
    "priorities.py --trusts 0 --speed": "The order of the priorities list",
    "report.py": "The demo's report",
}


def main() -> None:
    cores, memory = os.cpu_count(), psutil.virtual_memory().total / 2**30
    packages = ("pandas", "numpy", "statsmodels", "duckdb", "ibis-framework")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    day = f"{datetime.datetime.now(tz=datetime.UTC).date():%d %B %Y}"
    parts = [
        "# Benchmarks\n\n`make bench` writes this page: ratios measured in one run, never a pass or fail.\n",
        f"{day}, {platform.system()} {platform.machine()}, {cores} cores, {memory:.0f} GB, load "
        f"{psutil.getloadavg()[0]:.1f} at the start. Python {platform.python_version()}, {versions}.\n",
    ]
    for command, title in EACH.items():
        print(f"bench: {command}", flush=True)
        name, *words = command.split()
        ran = subprocess.run(
            [sys.executable, str(HERE / name), *words], stdout=subprocess.PIPE, encoding="utf-8", cwd=HERE.parent
        )
        print(ran.stdout, flush=True)
        said = ran.stdout.rstrip() if not ran.returncode else f"{ran.stdout}did not end: status {ran.returncode}"
        parts.append(f"## {title}\n\n`python benchmarks/{command}`\n\n```\n{said}\n```\n")
    (HERE / "results.md").write_text("\n".join(parts), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
