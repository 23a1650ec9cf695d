"""Publication in one step: everything is made beside the last edition, then takes its place."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from pcref_analysis.vocabulary.errors import PcrefError

RELEASED = "released"  # the folder of an edition that a reviewer attacks


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tree_digest(paths: list[Path], root: Path) -> str:
    """Return one hash over files, by their path under ``root`` and content, in a fixed order."""
    total = hashlib.sha256()
    for path in sorted(paths, key=lambda p: p.relative_to(root).as_posix()):
        total.update(path.relative_to(root).as_posix().encode() + b"\0" + digest(path).encode() + b"\n")
    return total.hexdigest()


def tables_folder(folder: Path) -> Path:
    """Return where the published tables of a report lie: ``tables`` inside its folder, or the folder itself."""
    return folder / "tables" if (folder / "tables").is_dir() else folder


def write_manifest(folder: Path, facts: dict[str, Any]) -> None:
    """Write ``manifest.json``: what went in (with hashes), what came out (with hashes)."""
    outputs = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "manifest.json")
    facts = facts | {"outputs": {p.relative_to(folder).as_posix(): digest(p) for p in outputs}}
    write_json(folder / "manifest.json", facts)


def write_json(path: Path, facts: dict[str, Any]) -> None:
    """Write facts as JSON, the same bytes for the same facts."""
    text = json.dumps(facts, indent=1, ensure_ascii=False, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def content_digest(folder: Path, identity: dict[str, Any]) -> str:
    """Return one hash over every file of an unsigned edition and what they were made from."""
    files = [p for p in folder.rglob("*") if p.is_file()]
    made_from = json.dumps(identity, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256((made_from + tree_digest(files, folder)).encode()).hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a published edition, or an empty one where there is none or it is not whole."""
    return read_json(folder / "manifest.json")


def read_json(path: Path) -> dict[str, Any]:
    """Return the facts of a JSON file; none where it is not there or cannot be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def refuse_unknown(target: Path, protects: bool) -> None:
    """Refuse to put an edition in the place of something that cannot be known: a link, or an edition nobody can read.

    Where the run's editions are signed (``protects``) a folder of files without any manifest is refused, too.

    Raises
    ------
    PcrefError
        If ``target`` is a link to elsewhere, or what stands there has no manifest that can be read: whether it was
        signed, and what readers have seen of it, could not be known.
    """
    if target.is_symlink() or getattr(target, "is_junction", bool)():
        raise PcrefError(
            f"report: reports/{target.name} is a link to another place, and an edition would be written there. "
            "Remove the link."
        )
    settle(target)
    manifest = target / "manifest.json"
    damaged = manifest.exists() and not read_manifest(target)
    if damaged or (protects and not manifest.exists() and target.is_dir() and any(target.iterdir())):
        raise PcrefError(
            f"report: reports/{target.name} has no manifest.json that can be read, so it cannot be known whether it "
            "was signed and what readers have seen. Put the published edition back, or move the folder away if it was "
            "never shown to anybody."
        )


def is_whole(folder: Path, manifest: dict[str, Any]) -> bool:
    """Say whether every output that the manifest names is there, unchanged."""
    outputs = manifest.get("outputs", {})
    return bool(outputs) and all(
        (folder / name).is_file() and digest(folder / name) == value for name, value in outputs.items()
    )


def changes(folder: Path, manifest: dict[str, Any]) -> list[str]:
    """Return the files that were changed, removed or added since the edition was made."""
    outputs = manifest.get("outputs", {})
    bad = [n for n, value in outputs.items() if not (folder / n).is_file() or digest(folder / n) != value]
    here = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    return sorted({*bad, *(here - set(outputs) - {"manifest.json"})})


def settle(target: Path) -> None:
    """Mend what a killed run may have left: an old edition moved aside, or half-removed leftovers."""
    aside = target.with_name(f".{target.name}.last")
    if aside.exists() and not target.exists():
        aside.rename(target)
    shutil.rmtree(aside, ignore_errors=True)


def swap(fresh: Path, target: Path) -> None:
    """Put ``fresh`` in the place of ``target``; until the rename the last edition stands whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    settle(target)
    aside = target.with_name(f".{target.name}.last")
    if target.exists():
        target.rename(aside)
    try:
        fresh.rename(target)
    except OSError:
        if aside.exists():
            aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)
