"""The reviewers' check: run the notebooks again and compare every shown output."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from pcref_analysis.estimates import run as whole
from pcref_analysis.intake import prepare
from pcref_analysis.release import execution
from pcref_analysis.vocabulary import parameters
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import project_root


def review(run: str | None, say: Callable[[str], None]) -> int:
    """Compare the committed notebooks (or a run's executed ones) with a fresh execution, by nbval.

    Prints a line a notebook and, for each difference, the notebook and the cell with what was shown and
    what came back; returns 0 where everything came back, 1 where something differs.

    Raises
    ------
    PcrefError
        If there is no notebook to review.
    """
    root = project_root()
    folder = root / "notebooks" if run is None else root / "data" / "processed" / run / "notebooks"
    paths = execution.notebooks() if run is None else sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    paths = [path for path in paths if not path.name.endswith(".failed.ipynb")]
    if not paths:
        raise PcrefError(f"review: no executed notebooks for run '{run}'. Make them first: pcref report --run {run}.")
    _estimate_afresh(run or "demo", say)
    with TemporaryDirectory() as scratch:
        result = Path(scratch) / "review.xml"
        command = [
            sys.executable, "-m", "pytest", "--nbval", "-p", "no:cacheprovider", "-q", "-n", "2", "--dist", "loadfile",
            "--override-ini=addopts=", "--nbval-sanitize-with", str(root / "tests" / "notebooks" / "sanitise.cfg"),
            f"--junitxml={result}", *map(str, paths),
        ]  # fmt: skip
        environment = os.environ | {"PCREF_HOME": str(root)}
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, encoding="utf-8")
        if not result.is_file():
            raise PcrefError(f"review: the check could not run:\n{done.stdout[-800:]}{done.stderr[-800:]}")
        return _summary(result, paths, say)


def _estimate_afresh(run: str, say: Callable[[str], None]) -> None:
    """Make the estimates again from the cells, so that what is compared is not what was kept."""
    say("review: estimating again")
    prepare.load(run)
    shutil.rmtree(prepare.run_folder(run) / "estimates", ignore_errors=True)
    whole.estimates(run, parameters.load(run))


def _summary(result: Path, paths: list[Path], say: Callable[[str], None]) -> int:
    cases = list(ElementTree.parse(result).iter("testcase"))
    bad = 0
    for path in paths:
        mine = [case for case in cases if path.stem in f"{case.get('classname')} {case.get('name')}"]
        wrong = [case for case in mine if case.find("failure") is not None or case.find("error") is not None]
        bad += len(wrong) if mine else 1
        say(f"  {path.name}: {len(mine) - len(wrong)} of {len(mine)} cells came back" + ("" if mine else " (not run)"))
        for case in wrong:
            say(f"    {case.get('name')}")
            problem = case.find("failure") if case.find("failure") is not None else case.find("error")
            say(_differences(problem))
    say("review: every shown output came back" if not bad else f"review: {bad} cell(s) differ")
    return 1 if bad else 0


def _differences(problem: ElementTree.Element) -> str:
    text = re.sub(r"\x1b\[[0-9;]*m|#x1B\[[0-9;]*m", "", problem.text or problem.get("message") or "")
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(f"      {line[:200]}" for line in lines[:14])
