"""A whole report of published figures for each first user, from the files to the pages, its tables pinned by hash.

``pytest tests/golden --update-golden`` writes the hashes anew after a change that is meant; the commit says why.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location("golden", Path(__file__).with_name("test_golden.py"))
golden = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(golden)


@pytest.mark.slow
@pytest.mark.parametrize("run", ["published-cpft", "published-derbyshire"])
def test_the_report_of_published_figures_is_made_and_holds_what_is_pinned(
    run, request, open_data, tmp_path, copy_notebooks
):
    update = request.config.getoption("--update-golden")
    if run != "published-cpft" and not (update or os.environ.get("PCREF_EVERY_CASE")):
        pytest.skip("takes long: set PCREF_EVERY_CASE")
    copy_notebooks(tmp_path)
    ours = {"PCREF_HOME": str(tmp_path), "PCREF_OPEN_DATA": str(open_data), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "pcref_analysis", "report", run],
        cwd=tmp_path, env=os.environ | ours | {"PYTHONIOENCODING": "utf-8"}, capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "reports" / run
    found = {name: value for name, value in golden.of_edition(folder).items() if name.endswith(".csv")}
    assert len(found) > 20 and (folder / "05_priorities.html").is_file()
    path = Path(__file__).with_name(f"{run}.sha256")
    lines = "".join(f"{value}  {name}\n" for name, value in found.items())
    if update:
        path.write_text(lines, encoding="utf-8", newline="\n")
    pinned = dict(reversed(line.split("  ")) for line in path.read_text(encoding="utf-8").splitlines())
    moved = sorted(name for name in pinned.keys() | found.keys() if pinned.get(name) != found.get(name))
    assert not moved, "not as pinned (--update-golden where the change is meant)"
