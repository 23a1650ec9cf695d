"""The confidential folder of a run: for its owner alone, for one command at a time, with a log of unexpected errors."""

from __future__ import annotations

import datetime
import re
import sqlite3
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import project_root

WAIT = 900.0  # seconds to wait for another command on the same run


def run_folder(run: str) -> Path:
    """Return the confidential folder of a run under ``data/processed``, whether it is there or not."""
    return project_root() / "data" / "processed" / run


def make(run: str) -> Path:
    """Make the confidential folder of a run, closed to everybody but its owner whatever the umask, and return it.

    On Windows, where a folder has the access rights of the one above it, those are left as they are.
    """
    folder = run_folder(run)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def close(folder: Path) -> None:
    """Take the rights of others from everything below a folder (links are not followed)."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            try:
                path.chmod(0o700 if path.is_dir() else 0o600)
            except FileNotFoundError:  # another notebook has just put its own in the place of this one
                continue


@contextmanager
def alone(run: str, say: Callable[[str], None], wait: float = WAIT) -> Iterator[Path]:
    """Work in the confidential folder of a run as its only command; whatever was written is closed at the end.

    ``say`` is called with a line where another command works on the run; it is waited for ``wait`` seconds.

    Raises
    ------
    PcrefError
        If the other command has not ended by then.
    """
    folder = make(run)
    with closing(sqlite3.connect(folder / "lock.sqlite", timeout=0, isolation_level=None)) as lock:
        _take(lock, run, say, wait)
        try:
            yield folder
        finally:
            close(folder)


def _take(lock: sqlite3.Connection, run: str, say: Callable[[str], None], wait: float) -> None:
    """Take SQLite's lock on a file: on every system it is gone with the process that took it, however that ends."""
    try:
        lock.execute("BEGIN EXCLUSIVE")
        return
    except sqlite3.OperationalError:
        say(f"another pcref command is at work on the run '{run}'; waiting for it to end (Ctrl+C: do not wait)")
    lock.execute(f"PRAGMA busy_timeout = {int(wait * 1000)}")
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        raise PcrefError(
            f"another pcref command is still at work on the run '{run}'. Wait for it or end it, then try again."
        ) from None


def log(run: str, error: BaseException) -> Path:
    """Write an error with its traceback into the run's confidential log and return the file.

    A traceback may hold values of rows: it is never printed, and never to be passed on unread.
    """
    name = run if re.fullmatch(r"[a-z0-9][a-z0-9-]*", run) else "pcref"
    folder = make(name) / "log"
    folder.mkdir(exist_ok=True)
    now = datetime.datetime.now()
    path = folder / f"{now:%Y-%m-%d-%H%M%S-%f}.txt"
    path.write_text("\nraised while handling:\n\n".join(_chain(error)), encoding="utf-8")
    close(folder)
    return path


def _chain(error: BaseException | None) -> Iterator[str]:
    """Yield an error's traceback and those behind it, also where ``from None`` keeps them from people's eyes."""
    while error is not None:
        yield "".join(traceback.format_exception(error, chain=False))
        error = error.__cause__ or error.__context__
