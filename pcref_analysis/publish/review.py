"""The reviewers' check: run the notebooks again, compare every shown output, and say what differs."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pcref_analysis import prepare
from pcref_analysis.disclosure import release_tables
from pcref_analysis.publish import nbval_plugin
from pcref_analysis.report import run_notebooks
from pcref_analysis.report.study import Study
from pcref_analysis.store import notebook_seals, progress, runs
from pcref_analysis.store.notebook_seals import MIME, Difference
from pcref_analysis.vocabulary import parameters, private
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import Parameters, project_root

EYES = (
    "The question of each page is answered by what stands below it",
    "The words are respectful, and none says why a gap is there",
    "Each figure shows what its table says, and its description says it in words",
    "Rows left out (page Recording) are few enough, and their reasons are right",
    "The rule and its weights were agreed before the results were seen",
    "Surprises were looked up in the source system before anybody was told",
)


def review(run: str | None, say: Callable[[str], None]) -> int:
    """Compare the committed notebooks (or a run's executed ones) with a fresh execution, by nbval.

    Prints a line a notebook and, for each difference, the notebook and the cell with what was shown and
    what came back; writes a checklist for the reviewer. Returns 0 where everything came back, 1 otherwise.

    Raises
    ------
    PcrefError
        If there is no notebook to review.
    """
    checked = parameters.load(run or "demo")
    folder = runs.run_folder(checked.run)
    committed = [*run_notebooks.notebooks(), run_notebooks.tutorial()]
    paths = committed if run is None else sorted((folder / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    paths = [path for path in paths if not path.name.endswith(".failed.ipynb")]
    if not paths:
        raise PcrefError(f"review: no executed notebooks for run '{run}'. Make them first: pcref report --run {run}.")
    with private.alone(checked.run, say):
        return _review(checked, folder, paths, say)


def _review(checked: Parameters, folder: Path, paths: list[Path], say: Callable[[str], None]) -> int:
    say("review: cells and estimates again")
    with progress.part(say, 0.0, 0.2):
        prepare.prepare(checked, lambda line: None)
    if not (study := Study(checked)).published:
        with progress.part(say, 0.2, 0.4):
            plan_again(study, folder)
    given = parameters.hand_over(checked, folder)
    first = [path for path in paths if path.stem != run_notebooks.LAST]
    with progress.part(say, 0.4, 0.9):
        ran, differences = check(first, say, given)
    with progress.part(say, 0.9, 1.0):  # the last one ranks what the others released
        again, more = check([path for path in paths if path.stem == run_notebooks.LAST], say, given)
    ran, differences = ran | again, differences + more
    for path in paths:
        mine = [one for one in differences if one.notebook == path.name]
        say(f"  {path.name}: {ran.get(path.name, 0)} cells run again, {_count(mine)}")
        for one in mine:
            say(f"    {one.cell}: {one.what}")
            say(f"      was: {one.old}") if one.old else None
            say(f"      now: {one.new}") if one.new else None
    page = folder / "review.md"
    page.write_text(checklist(paths, ran, differences), encoding="utf-8", newline="\n")
    say(f"review: the reviewer's checklist is {parameters.shown(page)}")
    say("review: every shown output came back" if not differences else f"review: {_count(differences)}")
    return 1 if differences else 0


def plan_again(study: Study, folder: Path) -> None:
    """Make the disclosure plan again, so that what is compared is not what was kept; by earlier editions if it was."""
    later = (folder / "plan").is_dir() and study.plan().later
    shutil.rmtree(folder / "plan", ignore_errors=True)
    before = runs.earlier(study.parameters.run) if later else []
    study.plan([table for one in before for table in release_tables.read(one)])


def check(
    paths: list[Path], say: Callable[[str], None] = print, given: Path | None = None
) -> tuple[dict[str, int], list[Difference]]:
    """Return how many cells of each notebook were run again, and everything that did not come back.

    ``say`` is told the share done; ``given`` holds the checked parameters that the notebooks are to read.
    """
    import nbformat

    if not paths:
        return {}, []
    found = [one for path in paths for one in notebook_seals.broken(nbformat.read(path, as_version=4), path.name)]
    lines = _run_again(paths, say, given)
    heard = {line["notebook"] for line in lines}
    if idle := [path for path in paths if path.name not in heard]:  # a port that another program took meanwhile
        lines += _run_again(idle, lambda line: None, given)
    ran: dict[str, int] = {}
    for line in lines:
        ran[line["notebook"]] = ran.get(line["notebook"], 0) + 1
    found += [_difference(line) for line in lines if not line["passed"]]
    found += [Difference(path.name, "notebook", "was not run") for path in paths if path.name not in ran]
    return ran, found


def _run_again(paths: list[Path], say: Callable[[str], None], given: Path | None) -> list[dict[str, Any]]:
    """Return what nbval said of each code cell of the notebooks; a notebook whose kernel did not start has none."""
    import nbformat

    with TemporaryDirectory() as scratch:
        workers = "2" if paths[1:] else "0"
        command = [
            sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-q", "-n", workers, "--dist", "loadfile",
            "--override-ini=addopts=", "--override-ini=filterwarnings=",
            "-p", "no:cacheprovider", "-p", nbval_plugin.__name__, f"--rootdir={paths[0].parent}",
            "--nbval-sanitize-with",
            str(project_root() / "tests" / "notebooks" / "sanitise.cfg"), *map(str, paths),
        ]  # fmt: skip
        ours = {
            key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")
        }  # not a test of a test
        environment = ours | {
            "PCREF_HOME": str(project_root()),
            nbval_plugin.FOLDER: scratch,
            "PYTHONWARNINGS": "ignore",
        }
        environment |= {parameters.GIVEN: str(given)} if given else {}
        heard, said = Path(scratch) / "cells.jsonl", Path(scratch) / "said.txt"
        cells = sum(cell.cell_type == "code" for path in paths for cell in nbformat.read(path, as_version=4).cells)
        with said.open("w", encoding="utf-8") as out:
            running = subprocess.Popen(command, cwd=project_root(), env=environment, stdout=out, stderr=out)
            while running.poll() is None:
                time.sleep(0.5)
                done = heard.read_text(encoding="utf-8").count("\n") if heard.is_file() else 0
                progress.share(say, done / max(1, cells))
        if heard.is_file():
            return [json.loads(line) for line in heard.read_text(encoding="utf-8").splitlines()]
        if running.returncode == 1:  # pytest ran, and no kernel started
            return []
        words = said.read_text(encoding="utf-8", errors="replace")
        raise PcrefError(f"review: the check could not run:\n{words[-800:]}")


def checklist(paths: list[Path], ran: dict[str, int], differences: list[Difference]) -> str:
    """Return the reviewer's checklist: what a machine has checked, and what only people can."""
    lines = ["# Reviewer's checklist", "", "## Checked by machine", ""]
    for path in paths:
        mine = [one for one in differences if one.notebook == path.name]
        state = "x" if not mine and ran.get(path.name) else " "
        lines.append(f"- [{state}] {path.name}: {ran.get(path.name, 0)} cells run again, {_count(mine)}")
        lines += [f"  - `{one.cell}`: {one.what}" for one in mine]
    return "\n".join([*lines, "", "## To look at with your own eyes", "", *(f"- [ ] {line}" for line in EYES), ""])


def _count(differences: list[Difference]) -> str:
    return {0: "no difference", 1: "1 difference"}.get(len(differences), f"{len(differences)} differences")


def _difference(line: dict[str, Any]) -> Difference:
    """Say in a line what a cell showed and shows now."""
    where = (line["notebook"], str(line["cell"]))
    old, new = (json.loads(line.get(name, "[]")) for name in ("old", "new"))
    if broke := [one for one in new if one["kind"] == "error"]:
        return Difference(*where, f"stopped with {broke[0]['name']}")
    if len(old) != len(new):
        return Difference(*where, f"shows {len(new)} output(s) instead of {len(old)}")
    for before, after in zip(old, new, strict=True):
        for kind, text in _texts(before).items():
            if text != _texts(after).get(kind):
                parts = _first(text, _texts(after).get(kind, ""), _cells if kind == "table" else _around)
                return Difference(*where, f"{kind} differs", *(part or "(nothing)" for part in parts))
    said = re.sub(r"\x1b\[[0-9;]*m", "", line["said"]).strip().splitlines()
    return Difference(*where, "did not come back", new=said[-1][:160] if said else "")


def _texts(output: dict[str, Any]) -> dict[str, str]:
    """Return what an output shows, in the order in which a person would look."""
    data = output["data"]
    record = data.get(MIME, {})
    texts = {"shown text": data.get("text/plain", ""), "table": record.get("csv", "")}
    texts |= {key: str(value) for key, value in record.items() if key != "csv"}
    texts |= {"shown page": str(data.get("text/html") or data.get("text/markdown", "")), "printed text": output["text"]}
    return {key: value for key, value in texts.items() if value}


def _first(old: str, new: str, narrow: Callable[[str, str, str], tuple[str, str]]) -> tuple[str, str]:
    """Return the first line where two texts part, narrowed to what differs."""
    before, after = old.splitlines() or [""], new.splitlines() or [""]
    for one, other in zip(before, after, strict=False):
        if one != other:
            return narrow(one, other, before[0])
    return f"{len(before)} lines", f"{len(after)} lines"


def _cells(old: str, new: str, head: str) -> tuple[str, str]:
    """Return the cells of a table's line that differ, with their columns."""
    names, one, other = (next(csv.reader(io.StringIO(line)), []) for line in (head, old, new))
    if not len(names) == len(one) == len(other):
        return _around(old, new, head)
    cells = [(n, a, b) for n, a, b in zip(names, one, other, strict=True) if a != b][:3]
    before, after = ("; ".join(f"{cell[0]} {cell[i] or 'empty'}" for cell in cells)[:240] for i in (1, 2))
    return before, after


def _around(old: str, new: str, head: str) -> tuple[str, str]:
    """Return both texts around the first letter that differs."""
    place = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    return old[max(0, place - 50) : place + 60], new[max(0, place - 50) : place + 60]
