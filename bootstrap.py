"""Make the project's environment: ``python3 bootstrap.py`` (Windows: ``py bootstrap.py``).

Needs nothing but Python 3.11 or newer. Makes ``.venv``, installs the hash-locked requirements and the
package (editable), and notes what it installed, so that a second call with the same lock does nothing.
"""

import contextlib
import hashlib
import os
import sqlite3
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "installed-from.txt"
LOCK = ROOT / "build" / "setup.sqlite"  # outside .venv, which is emptied when it is made
WAIT = 1800  # seconds for another call to end


def fingerprint() -> str:
    """Return a hash of what the environment is made from."""
    parts = [(ROOT / name).read_bytes() for name in ("requirements.txt", "pyproject.toml")]
    return hashlib.sha256(b"\0".join([sys.version.encode(), *parts])).hexdigest()


def make_venv() -> None:
    """Make the virtual environment; Debian and Ubuntu keep the module for it in a package of its own."""
    try:
        import ensurepip  # noqa: F401  (absent on Debian without python3-venv)
    except ImportError:
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        if not Path("/usr/bin/apt-get").exists() or not hasattr(os, "geteuid") or os.geteuid() != 0:
            sys.exit(f"Python's venv module is not complete here. Install it once: sudo apt-get install {package}")
        print(f"installing {package} (Debian and Ubuntu keep venv apart)", flush=True)
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", package], check=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
        return
    venv.create(VENV, clear=True, with_pip=True)


def install() -> None:
    """Install the locked requirements and the package itself."""
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    print("installing the locked requirements into .venv (a minute or two, once)", flush=True)
    subprocess.run([*pip, "install", "--require-hashes", "-r", str(ROOT / "requirements.txt")], check=True)
    subprocess.run([*pip, "install", "--no-deps", "--no-build-isolation", "-e", str(ROOT)], check=True)


def main() -> None:
    """Bring ``.venv`` in line with the lock; do nothing where it is already."""
    if sys.version_info < (3, 11):  # noqa: UP036  (an older python3 may well call this)
        sys.exit(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")
    wanted = fingerprint()
    if _current(wanted):
        return
    with contextlib.closing(lock()):
        if not _current(wanted):  # another call may have made it while this one waited
            make(wanted)


def _current(wanted: str) -> bool:
    return STAMP.is_file() and STAMP.read_text(encoding="utf-8") == wanted


def lock() -> sqlite3.Connection:
    """Wait until no other call makes the environment; SQLite's lock is gone with the process, however that ends."""
    LOCK.parent.mkdir(exist_ok=True)
    taken = sqlite3.connect(LOCK, timeout=0, isolation_level=None)
    try:
        taken.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        print("another call is making the environment; waiting for it", flush=True)
        taken.execute(f"PRAGMA busy_timeout = {WAIT * 1000}")
        try:
            taken.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            sys.exit("Another call is still making the environment. Wait for it or end it, then try again.")
    return taken


def make(wanted: str) -> None:
    """Make the environment anew, or bring it in line with the lock file."""
    try:
        if not PYTHON.exists() or not STAMP.is_file():
            make_venv()
        STAMP.unlink(missing_ok=True)
        install()
    except (subprocess.CalledProcessError, OSError) as error:
        sys.exit(f"The environment could not be made: {error}. Check the connection to the package registry and retry.")
    STAMP.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main()
