"""From a run's parameters to its cells on disk: open, check, count, save; or read published figures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import Parameters, project_root


def run_folder(run: str) -> Path:
    """Return the confidential folder of a run under ``data/processed``."""
    return project_root() / "data" / "processed" / run


def last_edition(run: str) -> Path:
    """Return where a run keeps the released tables of the edition before, as its notebooks take them into account."""
    return run_folder(run) / "last-edition"


def data_files(folder: Path) -> list[Path]:
    """Return the cells and what stands beside them (not the notebooks executed on them)."""
    return sorted(folder.glob("*.parquet"))


def input_folder(parameters: Parameters) -> Path | None:
    """Return the folder or file that a run reads, or ``None`` where it reads a database."""
    source = parameters.source
    if source.kind == "published":
        from pcref_analysis.intake import published

        return published.open_data_folder(parameters)
    if source.kind in ("folder", "duckdb"):
        return project_root() / source.location
    return None


def fingerprint(parameters: Parameters) -> str:
    """Return a hash of the inputs of a run; empty for a database, whose rows cannot be hashed from here.

    Hashes of unchanged files (same size and time) are remembered in the run's confidential folder.
    """
    if parameters.source.kind == "demo":
        return f"demo, seed {parameters.seed}"  # made by the package itself, whose code is hashed elsewhere
    place = input_folder(parameters)
    if place is None:
        return ""
    if not place.exists():
        raise PcrefError(f"source: there is no '{parameters.source.location}'. Put the extract there and run again.")
    files = [place] if place.is_file() else sorted(p for p in place.iterdir() if p.is_file())
    memory = run_folder(parameters.run) / "input-hashes.json"
    known = _read_json(memory)
    fresh = {}
    for path in files:
        facts = path.stat()
        mark = f"{path.name}:{facts.st_size}:{facts.st_mtime_ns}"
        fresh[mark] = known.get(mark) or _sha256(path)
    memory.parent.mkdir(parents=True, exist_ok=True)
    memory.write_text(json.dumps(fresh, indent=1), encoding="utf-8")
    lines = [f"{mark.split(':')[0]} {value}" for mark, value in fresh.items()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def prepare(parameters: Parameters, say: Callable[[str], None]) -> Path:
    """Bring the cells of a run up to date and return its confidential folder.

    Raises
    ------
    PcrefError
        If the extract is missing or breaks its contract in a way that stops; the cells of the last good
        extract stay as they are.
    """
    folder = run_folder(parameters.run)
    folder.mkdir(parents=True, exist_ok=True)
    if parameters.source.kind == "published":
        from pcref_analysis.intake import published

        say("  reading published figures")
        published.save(parameters, folder)
        return folder
    from pcref_analysis.intake import cells, contracts, sources

    if parameters.source.kind == "demo":
        from pcref_analysis.intake import demo

        say("  making the invented Trust")
        demo.write(project_root() / parameters.source.location, seed=parameters.seed)
    say("  checking the extract")
    checked = contracts.clean(sources.open(parameters), parameters)
    say("  counting rows into cells")
    beside = {"breaches": checked.breaches, "read": checked.counts}
    beside["lengths"] = cells.lengths(checked.tables, parameters)
    cells.save(parameters.run, *cells.build(checked.tables, parameters), **beside)
    return folder


def load(run: str, what: str = "cells") -> pd.DataFrame:
    """Return the cells of a run; of a run on published figures, its counts with the interval that rounding leaves.

    Parameters
    ----------
    run
        The name of a run; the demo is made where it is absent.
    what
        Another frame of the run: "ledger" (rows counted and dropped, by reason), "breaches" (of the contract), ...

    Raises
    ------
    PcrefError
        If the run has no such frame yet.

    Examples
    --------
    >>> cells = load("demo")                                   # doctest: +SKIP
    """
    folder = run_folder(run)
    if run == "demo" and not (folder / "cells.parquet").is_file():
        from pcref_analysis.vocabulary import parameters

        prepare(parameters.load("demo"), lambda line: None)
    if what == "cells" and (folder / "counts.parquet").is_file():
        what = "counts"
    path = folder / f"{what}.parquet"
    if not path.is_file():
        raise PcrefError(f"run '{run}' has no {what} yet. Make them with: pcref report --run {run}")
    return pd.read_parquet(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_json(path: Path) -> dict[str, str]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
