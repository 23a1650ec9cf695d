"""Where a run's frames lie (data/processed/<run>, confidential), and how they are read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd

from pcref_analysis.vocabulary.errors import PcrefError, did_you_mean
from pcref_analysis.vocabulary.parameters import known_file
from pcref_analysis.vocabulary.private import run_folder


def last_edition(run: str) -> Path:
    """Return where a run keeps what readers hold already, a numbered folder an edition, the newest first."""
    return run_folder(run) / "last-edition"


def earlier(run: str) -> list[Path]:
    """Return the folders of what readers hold already of a run's source, the newest edition first."""
    folder = last_edition(run)
    return sorted(folder.iterdir(), key=lambda one: int(one.name)) if folder.is_dir() else []


def data_files(folder: Path) -> list[Path]:
    """Return the cells and what stands beside them (not the notebooks executed on them)."""
    return sorted(folder.glob("*.parquet"))


def load(run: str, what: str = "cells") -> pd.DataFrame:
    """Return the cells of a run; of a run on published figures, its counts with the interval that rounding leaves.

    Parameters
    ----------
    run
        The name of a run whose cells are made.
    what
        Another frame of the run: "ledger" (rows counted and dropped, by reason), "breaches" (of the contract), ...

    Raises
    ------
    PcrefError
        If there is no such run (the nearest is named), or it has no such frame yet.

    Examples
    --------
    >>> cells = load("demo")                                   # doctest: +SKIP
    """
    folder = run_folder(run)
    if what == "cells" and (folder / "counts.parquet").is_file():
        what = "counts"
    path = folder / f"{what}.parquet"
    if not path.is_file():
        known_file(run)
        hint = did_you_mean(what, [one.stem for one in data_files(folder)])
        raise PcrefError(f"run '{run}' has no {what} yet.{hint} Make them with: pcref report --run {run}")
    return pd.read_parquet(path)


def forget(run: str) -> None:
    """Forget what a run's cells, plan, released tables and notebooks were made of, and its SQL: all are made again."""
    folder = run_folder(run)
    for path in [folder / "cells.key", folder / "statements.json", *(folder / "notebooks").glob("*.key")]:
        path.unlink(missing_ok=True)
    for name in ("plan", "released"):
        shutil.rmtree(folder / name, ignore_errors=True)
