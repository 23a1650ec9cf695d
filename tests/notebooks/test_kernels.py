"""One kernel runs several notebooks, and each finds it as if it were new."""

import os
import subprocess
import sys

import nbformat

from pcref_analysis.publish import review
from pcref_analysis.report import run_notebooks

FIRST = "import os\nseen = globals().get('seen', 0) + 1\nprint(seen, os.getpid())"
SECOND = "print(len(globals().get('Out', {})))"


def test_a_kernel_is_used_again_and_is_empty(tmp_path):
    def printed(name: str) -> list[str]:
        source = tmp_path / f"{name}.ipynb"
        cells = [nbformat.v4.new_code_cell(code) for code in (FIRST, SECOND)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), source)
        plan = {
            "source": source,
            "target": tmp_path / f"{name}-done.ipynb",
            "values": {},
            "key": "",
            "released": tmp_path,
        }
        run_notebooks._run(plan, lambda line: None, kernels)
        done = nbformat.read(plan["target"], as_version=4).cells
        assert [cell["execution_count"] for cell in done] == [1, 2]
        return [cell["outputs"][0]["text"].strip() for cell in done]

    with run_notebooks.Kernels(tmp_path, {}) as kernels:
        first, second = printed("one"), printed("two")
        assert first == second  # the same process, in which nothing had been named


BEFORE = """
import sys
from pathlib import Path
from pcref_analysis.publish import review
from pcref_analysis.report import run_notebooks
from pcref_analysis.vocabulary import parameters

class Threads:
    def __init__(self, **options):
        wanted = ("jupyter_client.manager", "jupyter_client.kernelspec", "ipykernel.kernelspec", "jupyter_core.utils")
        print("wanting:", [name for name in wanted if name not in sys.modules])
        raise SystemExit

run_notebooks.ThreadPoolExecutor = Threads
run_notebooks.execute(parameters.load("demo"), Path(sys.argv[1]) / "notebooks", print, "")
"""


def test_what_two_threads_import_is_there_before_there_are_two(tmp_path):
    """A report ended in an ImportError now and then: a kernel's thread and papermill imported one package at once."""
    done = subprocess.run([sys.executable, "-c", BEFORE, str(tmp_path)], capture_output=True, encoding="utf-8")
    assert done.stdout.strip() == "wanting: []", done.stderr


def test_a_kernel_that_dies_as_it_starts_is_started_once_more(tmp_path, monkeypatch):
    """Another program took a port that was chosen for it: once in some hundred runs, and the report had stopped."""
    started = []

    def dies_at_first(kernels):
        kernel = started_before(kernels)
        started.append(kernel)
        if len(started) == 1:
            os.kill(kernel.provisioner.pid, 9)
        return kernel

    started_before = run_notebooks.Kernels._started
    monkeypatch.setattr(run_notebooks.Kernels, "_started", dies_at_first)
    with run_notebooks.Kernels(tmp_path, {}) as kernels:
        assert kernels.take() is started[1] and len(started) == 2
        assert kernels.take() is started[1] and len(started) == 2


DIES_AT_FIRST = """
import runpy, sys
from pathlib import Path

mark = Path(__file__).with_name("again")
if not mark.exists():
    mark.touch()
    sys.exit(1)
sys.path.remove(str(Path(__file__).parent))
runpy.run_module("ipykernel_launcher", run_name="__main__")
"""


def test_the_review_runs_a_notebook_again_whose_kernel_did_not_start(tmp_path):
    (tmp_path / "ipykernel_launcher.py").write_text(DIES_AT_FIRST, encoding="utf-8")  # a kernel starts in this folder
    cell = nbformat.v4.new_code_cell("print(1)", execution_count=1)
    cell.outputs = [nbformat.v4.new_output("stream", text="1\n")]
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "one.ipynb")
    ran, differences = review.check([tmp_path / "one.ipynb"])
    assert (tmp_path / "again").exists() and ran == {"one.ipynb": 1}
    assert [(one.what, one.new) for one in differences if one.cell != "notebook"] == []
