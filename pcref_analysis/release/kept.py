"""Released tables kept beside the estimates of a run, so that a run releases and attacks once, not once a page."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from pcref_analysis.release import disclosure, publication
from pcref_analysis.release.disclosure import Releasable

MARK = "key.txt"


def tables(folder: Path, key: str, release: Callable[[], Iterable[Releasable]]) -> list[Releasable]:
    """Return the released tables that a folder keeps; release them anew where they are not those of ``key``.

    Parameters
    ----------
    folder
        Holds the files of :func:`pcref_analysis.release.disclosure.write` and a seal over the key and every file, so
        that a file that was changed, removed or added makes all of them again.
    key
        Hash of everything that the tables rest on: estimates, rule, code, last edition.
    release
        Called to make them. What comes back is read from the files in either case.
    """
    if _sealed(folder, key):
        found = disclosure.read(folder)
        if _sealed(folder, key):  # nobody has put others in their place while they were read
            return found
    made = list(release())
    with tempfile.TemporaryDirectory(dir=folder.parent, ignore_cleanup_errors=True) as scratch:
        fresh = Path(scratch) / folder.name
        disclosure.write(made, fresh)
        (fresh / MARK).write_text(_seal(fresh, key), encoding="utf-8")
        read = disclosure.read(fresh)
        with suppress(OSError):  # another notebook keeps its own at the same moment: what was read here holds
            publication.swap(fresh, folder)
    return read


def _sealed(folder: Path, key: str) -> bool:
    mark = folder / MARK
    try:
        return mark.is_file() and mark.read_text(encoding="utf-8") == _seal(folder, key)
    except OSError:  # swapped away at this moment
        return False


def _seal(folder: Path, key: str) -> str:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != MARK]
    return hashlib.sha256((key + publication.tree_digest(files, folder)).encode()).hexdigest()
