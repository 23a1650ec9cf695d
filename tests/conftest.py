"""Where the repository is and where the published open figures are (tests that need them skip without)."""

import gc
import os
import pickle
import secrets
import shutil
import socket
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

import pcref_analysis  # noqa: F401  before NumPy: one thread of linear algebra, in the processes that tests run in too

# isort: split
import ibis
import pytest

from pcref_analysis.counting import cells
from pcref_analysis.synthetic import demo
from pcref_analysis.vocabulary import parameters
from pcref_analysis.vocabulary.indicators import catalogue

ROOT = Path(__file__).resolve().parents[1]
OPEN_DATA = Path(os.environ.get("PCREF_OPEN_DATA") or ROOT.parent / "shared" / "data" / "open")
EXPECTED = (
    "takes long: set PCREF_EVERY_CASE",
    "Windows has no rights",
    "takes estimates, bins",
)  # skips that CI may see


TOGETHER = {  # files of one worker, by what they share
    "tests/golden/test_golden.py": "the demo's report",
    "tests/notebooks/test_tampering.py": "the demo's report",
    "tests/report/test_report.py": "the demo's report",
    "tests/cells/test_cells.py": "the demo's cells",
    "tests/cells/test_demo.py": "the demo's cells",
    "tests/cells/test_teams.py": "the demo's cells",
}
FIRST = (  # what takes longest begins first, so that no worker is left alone with it at the end
    "the demo's report",
    "tests/report/test_canaries.py",
    "tests/golden/test_published.py",
    "tests/cells/test_ledger.py",
    "tests/extract/test_sources.py",
    "the demo's cells",
    "tests/extract/test_sql_server.py",
    "tests/extract/test_broken_extracts.py",
    "tests/cells/test_measures.py",
)


def unit_of_work(nodeid: str) -> str:
    """Return what a worker of pytest-xdist takes as a whole: a file, or files that share what takes long to make."""
    file = nodeid.partition("::")[0]
    return TOGETHER.get(file, file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give whole files to workers (``--dist loadfile``), so that none makes again what another has made for a file."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return unit_of_work(nodeid)

    config.option.loadscopereorder = False  # by FIRST, and not by the number of tests
    return ByFile(config, log)


def pytest_collection_modifyitems(items):
    rank = {unit: place for place, unit in enumerate(FIRST)}
    items.sort(key=lambda item: rank.get(unit_of_work(item.nodeid), len(rank)))


class Skips:
    """Fail a run of CI in which a test was skipped that should have run there."""

    def __init__(self) -> None:
        self.seen: dict[str, str] = {}

    def pytest_runtest_logreport(self, report):
        reason = str(report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr)
        if report.skipped and not any(words in reason for words in EXPECTED):
            self.seen[report.nodeid] = reason

    def pytest_sessionfinish(self, session):
        if self.seen and os.environ.get("CI"):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        for test, reason in self.seen.items():
            terminalreporter.write_line(f"skipped: {test}: {reason}")


def pytest_configure(config):
    gc.set_threshold(50_000)  # as the command does
    config.pluginmanager.register(Skips())


def pytest_collection_finish():
    gc.freeze()  # what is imported by now stays: no need to look through it each time


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="pin the demo's figures as they are now")


@pytest.fixture(scope="session")
def once(tmp_path_factory, request):
    """Return a function that makes what has a name once for all workers of this run of pytest, and for no other."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if hasattr(request.config, "workerinput") else folder

    def of(name, make):
        path = folder / f"{name}.pickle"
        with closing(sqlite3.connect(folder / f"{name}.lock", timeout=600, isolation_level=None)) as lock:
            lock.execute("BEGIN EXCLUSIVE")  # goes with the worker that took it
            if not path.exists():
                path.write_bytes(pickle.dumps(make()))
        return pickle.loads(path.read_bytes())

    return of


@pytest.fixture(scope="session")
def copy_notebooks():
    """Return a function that copies the notebooks and the parameters that come with the project, not a Trust's own."""
    runs = [f"{run}.yml" for run in ("demo", "cpft", "derbyshire", "published-cpft", "published-derbyshire")]

    def left_out(folder: str, names: list[str]) -> list[str]:
        files = [name for name in names if Path(folder, name).is_file()]
        return [name for name in files if name not in runs] if Path(folder).name == "parameters" else []

    def copy(home):
        shutil.copytree(ROOT / "notebooks", home / "notebooks", ignore=left_out)

    return copy


@pytest.fixture(scope="session")
def demo_frames(once):
    """Return the tables of the invented Trust; no test changes them."""
    return once("demo", demo.tables)


@pytest.fixture(scope="session")
def demo_parameters():
    """Return parameters of the invented Trust: its three years, nothing else out of the way."""
    agreed = {"owner": "nobody", "agreed": "2026-01-01"}
    given = {"run": "demo", "trust": {"name": "Invented"}, "source": {"kind": "demo"}, "period": demo.PERIODS[-1]}
    given |= {"periods": list(demo.PERIODS), "disclosure": agreed, "priorities": agreed}
    return parameters.check(given, "demo.yml")


@pytest.fixture(scope="session")
def demo_tables(demo_frames):
    """Return the cleaned tables of the invented Trust in a session of DuckDB."""
    connection = ibis.duckdb.connect()
    cleaned = demo_frames | {"MHS001MPI": demo.one_row_a_person(demo_frames["MHS001MPI"])}
    return {name: connection.create_table(name, demo.typed(frame)) for name, frame in cleaned.items()}


@pytest.fixture(scope="session")
def demo_cells(once, request, demo_parameters):
    """Return the cells and the ledger of the invented Trust; no test changes them."""

    def count():
        return cells.build(request.getfixturevalue("demo_tables"), demo_parameters, catalogue())

    return once("demo cells", count)


@pytest.fixture(scope="session")
def write_demo(demo_frames):
    """Return a function that writes the invented Trust's extract into a folder, as its report does."""

    def write(folder):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(demo, "tables", lambda seed: demo_frames)
            return demo.write(folder)

    return write


@pytest.fixture(scope="session", autouse=True)
def open_folder():
    """Return where published figures may be; the variable is unset, so that a test that reads any names them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PCREF_OPEN_DATA", raising=False)
        yield OPEN_DATA


@pytest.fixture(scope="session")
def open_data(open_folder) -> Path:
    if not open_folder.is_dir():
        pytest.skip("the published open figures are not here (set PCREF_OPEN_DATA)")
    return open_folder


@pytest.fixture(scope="session")
def postgres_server():
    """Start a PostgreSQL server of this machine's Debian package, far from the Trust; stop it afterwards."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL server is installed (Debian package postgresql)")
    pytest.importorskip("psycopg")
    as_user = []
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # the server refuses to run as root
        if not shutil.which("runuser") or subprocess.run(["id", "postgres"], capture_output=True).returncode:
            pytest.skip("PostgreSQL does not run as root and there is no user postgres to run it")
        as_user = ["runuser", "-u", "postgres", "--"]
    folder, password = Path(tempfile.mkdtemp(prefix="pcref-pg-")), secrets.token_hex(12)
    (folder / "secret").write_text(password, encoding="utf-8")
    folder.chmod(0o755)
    if as_user:
        shutil.chown(folder, "postgres")
        shutil.chown(folder / "secret", "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(program: str, *arguments: str) -> None:
        command = [*as_user, str(found[-1].with_name(program)), *arguments]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(command, check=True, cwd=folder, timeout=120, **quiet)

    data, login = str(folder / "data"), ("-U", "analyst", "-A", "scram-sha-256", f"--pwfile={folder / 'secret'}")
    run("initdb", "-D", data, *login, "-N", "-E", "UTF8")
    options = f"-h 127.0.0.1 -p {port} -k {folder} -F -c shared_buffers=16MB -c datestyle=German"
    run("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    yield f"postgresql://analyst:{password}@127.0.0.1:{port}/"
    run("pg_ctl", "-D", data, "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres(postgres_server):
    """Return the address of an empty database of the server, with the password in it."""
    import psycopg

    name = f"trust_{secrets.token_hex(4)}"
    with psycopg.connect(f"{postgres_server}postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        connection.execute(f"ALTER DATABASE {name} SET timezone = 'America/New_York'")
    return f"{postgres_server}{name}"
