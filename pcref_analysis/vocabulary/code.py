"""A hash of this package's own code, so that results are made again when what made them has changed."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

KINDS = (".py", ".yml", ".csv", ".j2", ".css", ".json", ".sql", ".js", ".typ")


@cache
def digest(*rooms: str) -> str:
    """Return a hash over the code and reference tables of these rooms or modules (all of them when none is named)."""
    package = Path(__file__).resolve().parents[1]
    total = hashlib.sha256()
    found = (path for room in rooms or [""] for path in [package / room, *(package / room).rglob("*")])
    paths = [path for path in found if path.suffix in KINDS and path.is_file()]
    for path in sorted(paths, key=lambda p: p.relative_to(package).as_posix()):
        name, content = path.relative_to(package).as_posix(), path.read_bytes().replace(b"\r\n", b"\n")
        total.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return total.hexdigest()
