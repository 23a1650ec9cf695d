"""Run the notebooks with papermill: checked parameters, scratch outputs, errors in words."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pcref_analysis.store import progress
from pcref_analysis.vocabulary import private
from pcref_analysis.vocabulary.errors import FaultError, PcrefError, SourceError
from pcref_analysis.vocabulary.parameters import (
    GIVEN,
    NOT_FOR_OTHER_PAGES,
    NOT_FOR_PAGES,
    Parameters,
    hand_over,
    project_root,
    shown,
)

LAST = "05_priorities"  # alone looks at the priority rule and the engagement record
START = 300  # seconds for a kernel to start: the first one on a new machine compiles what it imports
DIED = "Somebody ended it, or the computer ran out of memory: close other programs and run it again."
QUIET = {"PYTHONWARNINGS": "ignore"}  # a library's warning is for developers, and no output of a page
VOLATILE = ("execution", "papermill")  # metadata that differs from run to run


def notebooks() -> list[Path]:
    """Return the committed analysis notebooks, in reading order."""
    return sorted((project_root() / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def tutorial() -> Path:
    """Return the notebook that shows how to try an idea of one's own: on the invented Trust, and in no report."""
    return project_root() / "notebooks" / "exploring.ipynb"


def source_digest(path: Path) -> str:
    """Return a hash of a notebook's cells as written, whatever outputs stand below them."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    written = [[cell["cell_type"], cell["id"], "".join(cell["source"])] for cell in cells]
    return hashlib.sha256(json.dumps(written).encode()).hexdigest()


def execute(
    parameters: Parameters, scratch: Path, say: Callable[[str], None], code: str, record: str = "", jobs: int = 2,
    meanwhile: Sequence[Callable[[], Any]] = (),
) -> list[Path]:  # fmt: skip
    """Execute every notebook for a run and return the executed copies in ``scratch``.

    Parameters
    ----------
    parameters
        The checked parameters; each notebook gets those that its parameters cell names.
    scratch
        A git-ignored folder. Executed notebooks may hold anything until the output check has read them.
    say
        Called with one line a notebook.
    code
        Hash of everything outside the notebooks and the parameters that results rest on; an executed notebook is
        used again when nothing that it depends on has changed (the priority rule matters to the last one only).
    record
        Hash of what the priorities notebook alone rests on: the engagement record, an earlier list.
    jobs
        Notebooks that run side by side, each worker's in one kernel.
    meanwhile
        Called one after the other while the priorities notebook runs alone, for a second processor is idle then.
        Each keeps what it made; what fails here fails again when it is asked for, after the notebook had its say.

    Raises
    ------
    PcrefError
        If a notebook names an unknown parameter or a cell fails; names the notebook and cell, never a value.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    given = {GIVEN: str(hand_over(parameters, scratch.parent))}
    sources = notebooks()
    if not sources:
        raise PcrefError("notebooks: none found. Run pcref inside the project folder (or set PCREF_HOME to it).")
    _import_shared()
    with Kernels(scratch, given) as kernels, ThreadPoolExecutor(max_workers=jobs) as pool:
        pool.submit(kernels.take)  # while this process imports papermill
        plans = [_plan(source, parameters, scratch, code + record * (source.stem == LAST)) for source in sources]
        last = next(
            (one for one in plans if one["source"].stem == LAST), plans[-1]
        )  # it ranks what the others released
        first = [plan for plan in plans if plan is not last]
        runs = pool.map(lambda plan: _run(plan, say, kernels), first[::-1])  # the longest first
        for number, _ in enumerate(runs, start=1):
            progress.share(say, number / len(plans))
        ended = pool.submit(_run, last, say, kernels)
        for one in meanwhile:
            pool.submit(one)
        ended.result()
    return [plan["target"] for plan in plans]


def _import_shared() -> None:
    """Import what both a kernel's thread and papermill import, before there are two threads.

    Two threads that import a package and a part of it at once may each wait for the other; Python then gives one of
    them a package that is not whole, and the report ends in an ImportError, once in many runs.
    """
    import ipykernel.kernelspec  # noqa: F401
    import jupyter_client  # noqa: F401


def _quiet(scratch: Path) -> Path:
    """Give kernels settings of their own: nobody's start-up files, no history of what ran, no routine warnings."""
    profile = scratch / ".ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    settings = "c.IPKernelApp.log_level = 50\nc.HistoryManager.enabled = False\n"
    (profile / "ipython_kernel_config.py").write_text(settings, encoding="utf-8")
    return profile.parent


class Kernels:
    """A kernel for each thread that runs notebooks, emptied between them: to import takes longer than most notebooks.

    Kernels run in the interpreter that called, whatever kernels are installed: one that is looked up by its name
    ("python3") may be another program's, found first on ``JUPYTER_PATH``. What a kernel's process itself complains of
    goes to the log, and not to the terminal.
    """

    def __init__(self, scratch: Path, given: Mapping[str, str]) -> None:
        self._log, self._mine, self._all = scratch / "kernels.log", threading.local(), list[Any]()
        self._environment = {"IPYTHONDIR": str(_quiet(scratch)), **QUIET, **given}

    def __enter__(self) -> Kernels:
        return self

    def __exit__(self, *failed: object) -> None:
        from jupyter_core.utils import run_sync

        for kernel in self._all:
            _hang_up(kernel)
            if kernel.has_kernel:
                run_sync(kernel.shutdown_kernel)()

    def take(self) -> Any:
        """Return this thread's kernel (a manager of :mod:`jupyter_client`) with nothing in it; start one if need be."""
        from jupyter_core.utils import run_sync

        kernel = getattr(self._mine, "kernel", None)
        if kernel is None or not kernel.has_kernel or not run_sync(kernel.is_alive)():
            kernel = self._started()
        try:
            run_sync(_empty)(kernel)
        except RuntimeError:
            if run_sync(kernel.is_alive)():
                raise
            kernel = self._started()  # its ports are chosen before it opens them: another program may have had one
            run_sync(_empty)(kernel)
        return kernel

    def _started(self) -> Any:
        from ipykernel.kernelspec import make_ipkernel_cmd
        from jupyter_client.kernelspec import KernelSpec
        from jupyter_client.manager import AsyncKernelManager
        from jupyter_core.utils import run_sync

        own = KernelSpec(argv=make_ipkernel_cmd(), language="python", env=self._environment)

        class Kernel(AsyncKernelManager):
            kernel_spec, clients = own, list[Any]()  # a class a kernel

            def client(self, **options: Any) -> Any:
                self.clients.append(super().client(**options))
                return self.clients[-1]

        kernel = Kernel(kernel_name="python3")
        with self._log.open("ab") as words:
            run_sync(kernel.start_kernel)(stderr=words, cwd=str(project_root()))
        self._mine.kernel = kernel
        self._all.append(kernel)
        return kernel


async def _empty(kernel: Any) -> None:
    """Import what every notebook does and forget what one named and counted: the next starts as in a new kernel."""
    _hang_up(kernel)
    client = kernel.client()
    client.start_channels()
    await client.wait_for_ready(timeout=START)
    empty = "import pcref_analysis.report.study; get_ipython().reset(new_session=True)"
    await client.execute(empty, silent=True, reply=True, timeout=START)
    _hang_up(kernel)


def _hang_up(kernel: Any) -> None:
    """Close the connections to a kernel that papermill leaves open when the kernel is to live on."""
    while kernel.clients:
        kernel.clients.pop().stop_channels()


def _plan(source: Path, parameters: Parameters, scratch: Path, code: str) -> dict[str, Any]:
    from papermill import inspect_notebook

    known = parameters.for_notebooks()
    wanted = inspect_notebook(str(source))
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        raise PcrefError(f"notebooks: {source.name} has parameter(s) that no parameters file can set: {unknown}.")
    values = {name: known[name] for name in wanted}
    looks_at = parameters.but(NOT_FOR_PAGES if source.stem == LAST else NOT_FOR_OTHER_PAGES)
    words = [source_digest(source), json.dumps(values, sort_keys=True), looks_at, code]
    key = hashlib.sha256("\n".join(words).encode()).hexdigest()
    released = scratch.parent / "released" / source.stem.partition("_")[2]
    return {"source": source, "target": scratch / source.name, "values": values, "key": key, "released": released}


def _run(plan: dict[str, Any], say: Callable[[str], None], kernels: Kernels) -> None:
    from nbclient.exceptions import DeadKernelError
    from papermill import execute_notebook
    from papermill.exceptions import PapermillExecutionError

    source, target, stamp = plan["source"], plan["target"], plan["target"].with_suffix(".key")
    there = source.stem == LAST or plan["released"].is_dir()
    if there and target.is_file() and stamp.is_file() and stamp.read_text(encoding="utf-8") == plan["key"]:
        say(f"  {source.stem}: unchanged")
        return
    stamp.unlink(missing_ok=True)
    logging.getLogger("papermill").setLevel(logging.ERROR)
    try:
        execute_notebook(
            str(source), str(target), parameters=plan["values"], progress_bar=False, log_output=False,
            kernel_name="python3", cwd=str(project_root()), km=kernels.take(), start_timeout=START,
        )  # fmt: skip
    except PapermillExecutionError as error:
        target.replace(target.with_suffix(".failed.ipynb")) if target.exists() else None
        where = f"notebooks: {source.name}, cell {error.exec_count}, stopped ({error.ename})"
        if error.ename in (PcrefError.__name__, SourceError.__name__):
            raise PcrefError(f"{where}: {error.evalue}") from None
        path = private.log(target.parent.parent.name, error)
        raise FaultError(
            f"{where}. This is a fault of the notebook or of pcref, not of your data. What happened is in "
            f"{shown(path)} (confidential: it may hold values of rows)."
        ) from None
    except DeadKernelError:
        raise PcrefError(f"notebooks: the kernel of {source.name} died while it ran. {DIED}") from None
    except RuntimeError as error:  # what jupyter_client raises of a kernel that does not start, told apart by its words
        if "died" in str(error):
            raise PcrefError(f"notebooks: the kernel of {source.name} died before it ran. {DIED}") from None
        if "respond" in str(error):
            slow = f"notebooks: the kernel of {source.name} did not start within {START} s. Run it again."
            raise PcrefError(slow) from None
        raise
    clean(target)
    stamp.write_text(plan["key"], encoding="utf-8")
    say(f"  {source.stem}: done")


def clean(path: Path) -> None:
    """Take out of a notebook what differs from run to run: times, paths, counters of the session."""
    import nbformat

    from pcref_analysis.store import notebook_seals

    notebook = nbformat.read(path, as_version=4)
    for holder in (notebook, *notebook.cells):
        for name in VOLATILE:
            holder.metadata.pop(name, None)
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3 (pcref-analysis)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for number, cell in enumerate(notebook.cells):
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = f"injected-{number}"
    notebook_seals.seal(notebook)
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")


def refresh(scratch: Path, say: Callable[[str], None]) -> None:
    """Take the outputs of the demo's executed notebooks into the committed ones; sources stay as they are.

    The tutorial, which no report runs, is run here.
    """
    import nbformat

    from pcref_analysis.store import notebook_seals

    lesson = tutorial()
    plan = {"source": lesson, "target": scratch / lesson.name, "values": {}, "key": "always", "released": scratch}
    with Kernels(scratch, {}) as kernels:
        _run(plan, say, kernels)
    (scratch / lesson.name).with_suffix(".key").unlink()
    for source in (*notebooks(), lesson):
        committed, fresh = (nbformat.read(path, as_version=4) for path in (source, scratch / source.name))
        ran = [cell for cell in fresh.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
        counter = 0
        for cell, done in zip(committed.cells, ran, strict=True):
            if cell.cell_type == "code":
                counter += 1
                cell["outputs"], cell["execution_count"] = done["outputs"], counter
                for output in cell["outputs"]:
                    if "execution_count" in output:
                        output["execution_count"] = counter
        notebook_seals.seal(committed)
        source.write_text(nbformat.writes(committed) + "\n", encoding="utf-8", newline="\n")
