"""The invented Trust of this folder, and a PostgreSQL server to hold it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


def _module(name: str):
    """Import a file of this folder; test files cannot import each other."""
    known = f"whole_way_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, HERE / f"{name}.py")
        sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[known])
    return sys.modules[known]


@pytest.fixture(scope="session")
def trust():
    return _module("trust")


@pytest.fixture(scope="session")
def independent():
    return _module("independent")


@pytest.fixture(scope="session")
def rows(trust, open_data):
    """Return what happened at a Trust of 6,000 people, with stays enough to be compared."""
    return trust.truth(6_000, *trust.small_areas(open_data), stays=0.4)


@pytest.fixture(scope="session")
def postgres():
    """Start a PostgreSQL server of this machine's Debian package and return its address; stop it afterwards."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL server is installed (Debian package postgresql)")
    pytest.importorskip("psycopg")
    as_user = []
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # the server refuses to run as root
        if not shutil.which("runuser") or subprocess.run(["id", "postgres"], capture_output=True).returncode:
            pytest.skip("PostgreSQL does not run as root and there is no user postgres to run it")
        as_user = ["runuser", "-u", "postgres", "--"]
    folder = Path(tempfile.mkdtemp(prefix="pcref-way-"))
    folder.chmod(0o755)
    if as_user:
        shutil.chown(folder, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(program: str, *arguments: str) -> None:
        command = [*as_user, str(found[-1].with_name(program)), *arguments]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(command, check=True, cwd=folder, timeout=120, **quiet)

    data = str(folder / "data")
    run("initdb", "-D", data, "-U", "analyst", "-A", "trust", "-N", "-E", "UTF8")
    options = f"-h 127.0.0.1 -p {port} -k {folder} -F -c timezone=America/New_York"  # a server far from the Trust
    run("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    yield f"postgresql://analyst@127.0.0.1:{port}/postgres"
    run("pg_ctl", "-D", data, "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)
