"""From a run's parameters to its cells on disk: open, check, count, save; or read published figures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pcref_analysis.store import edition_files, progress
from pcref_analysis.vocabulary import code, indicators, private
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import NOT_FOR_CELLS, Parameters, extract_path, shown
from pcref_analysis.vocabulary.private import run_folder

if TYPE_CHECKING:
    import pandas as pd

    from pcref_analysis.counting.row_conditions import Tables
    from pcref_analysis.extract.validate import PopulationTables

STATEMENTS = "statements.json"
BELOW_CELLS = (
    "vocabulary",
    "store",
    "extract",
    "counting",
    "population",
    "published",
    "synthetic",
    "prepare.py",
)  # rooms, and this module, that cells rest on


def input_folder(parameters: Parameters) -> Path | None:
    """Return the folder or file that a run reads, or ``None`` where it reads a database."""
    kind = parameters.source.kind
    if kind == "published":
        from pcref_analysis.store import open_data

        return open_data.folder_of_some(parameters)
    if kind in ("folder", "duckdb"):
        return extract_path(parameters)
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
        raise PcrefError(f"source: there is no '{shown(place)}'. Put the extract there and run again.")
    files = [place] if place.is_file() else sorted(p for p in place.iterdir() if p.is_file())
    if parameters.source.kind != "published":
        files += _published_residents(parameters)
    memory = private.make(parameters.run) / "input-hashes.json"
    known = {name: facts for name, facts in edition_files.read_json(memory).items() if isinstance(facts, dict)}
    fresh = {}
    for path in files:
        facts = path.stat()
        seen = [facts.st_size, facts.st_mtime_ns]
        last = known.get(str(path), {})
        fresh[str(path)] = {"seen": seen, "sha256": last["sha256"] if last.get("seen") == seen else _sha256(path)}
    memory.write_text(json.dumps(fresh, indent=1), encoding="utf-8")
    lines = [f"{Path(path).name} {facts['sha256']}" for path, facts in fresh.items()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def inputs(parameters: Parameters) -> dict[str, str]:
    """Return the files that a run reads with their hashes; none for the invented Trust and for a database."""
    if parameters.source.kind == "demo" or not fingerprint(parameters):
        return {}
    known = edition_files.read_json(run_folder(parameters.run) / "input-hashes.json")
    return {Path(path).name: facts["sha256"] for path, facts in sorted(known.items())}


def prepare(parameters: Parameters, say: Callable[[str], None]) -> Path:
    """Bring the cells of a run up to date and return its confidential folder.

    Raises
    ------
    PcrefError
        If the extract is missing or breaks its contract in a way that stops; the cells of the last good
        extract stay as they are.
    """
    folder = private.make(parameters.run)
    if parameters.source.kind == "published":
        from pcref_analysis.published import published_counts

        say("  reading published figures")
        published_counts.save(parameters, folder)
        return folder
    from pcref_analysis.counting import cells, row_conditions, team_counts
    from pcref_analysis.extract import breach_report, month_coverage, validate
    from pcref_analysis.extract.sources import engines, statements

    inputs, mark = fingerprint(parameters), folder / "cells.key"
    key = _key(inputs, parameters)
    if inputs and _read_text(mark) == key and (folder / "cells.parquet").is_file():
        say("  cells: unchanged")  # a database cannot be hashed from here, so it is always read again
        return folder
    mark.unlink(missing_ok=True)
    if parameters.source.kind == "demo":
        from pcref_analysis.synthetic import demo

        say("  making the invented Trust")
        demo.write(extract_path(parameters), seed=parameters.seed)
    tables, residents = _opened(parameters, say)
    with statements.kept_in(folder / STATEMENTS):
        say("  checking the extract")
        with engines.asked("the extract was checked"), progress.part(say, 0.0, 0.5):
            checked = validate.clean(tables, parameters, residents=residents, say=say)
            if bare := month_coverage.bare(checked.tables, parameters):
                raise PcrefError(f"extract: {validate.render(breach_report.frame(bare))}")
        say("  counting rows into cells")
        beside = {"breaches": checked.breaches, "read": checked.counts, "residents_fit": residents.fit}
        with engines.asked("rows were counted into cells"), row_conditions.shared(checked.tables) as tables:
            with progress.part(say, 0.5, 0.95):
                made = cells.build(tables, parameters, say=say)
            beside["lengths"] = cells.lengths(tables, parameters)
            beside["teams"] = team_counts.counted(tables, parameters)
    cells.save(parameters.run, *made, **beside)
    mark.write_text(key, encoding="utf-8")
    return folder


def check(
    parameters: Parameters, say: Callable[[str], None], paste: Callable[[str], None] | None = None
) -> pd.DataFrame:
    """Return every breach of the extract that the parameters name (see ``validate.Checked``).

    ``paste`` takes the lines for ``source.codes`` (see ``local_codes.lines``), which show values; they are never kept.

    Nothing is raised for what the extract holds, only for a source that cannot be opened.
    """
    import pandas as pd

    from pcref_analysis.extract import breach_report, local_codes, month_coverage, table_checks, validate
    from pcref_analysis.extract.sources import engines, statements
    from pcref_analysis.published import trusts

    tables, residents = _opened(parameters, say)
    todo = "Is it this Trust's code? Earlier editions of its report are recognised by it."
    odd = trusts.unregistered(parameters)
    named = [breach_report.breach("trust", "ods_code", odd, "noted", todo)] if odd else []
    with engines.asked("the extract was checked"), statements.kept_in(private.make(parameters.run) / STATEMENTS):
        checked = validate.examine(tables, parameters, residents=residents, say=say)
        bare = breach_report.frame(month_coverage.bare(checked.tables, parameters))
        compared = breach_report.frame(table_checks.comparator(checked.tables, parameters))
        if paste:
            for line in local_codes.lines(tables, parameters, checked.breaches):
                paste(line)
    return pd.concat([bare, checked.breaches, compared, breach_report.frame(named)], ignore_index=True)  # gravest first


def _opened(parameters: Parameters, say: Callable[[str], None]) -> tuple[Tables, PopulationTables]:
    """Open the extract, and make the tables of residents and areas if it lacks them and they can be made."""
    from pcref_analysis.extract import fallback
    from pcref_analysis.extract.sources import connect, engines

    with engines.asked("the extract was opened"):
        tables = connect.open(parameters)
        residents = fallback.of(parameters, tables)
    if residents.said:
        say(f"  residents: {residents.said}")
    return tables, residents


def _key(inputs: str, parameters: Parameters) -> str:
    """Return a hash of what cells rest on: the inputs, the parameters that counting looks at, and the code."""
    own = repr(indicators.of_run(parameters.run))  # the Trust's own entries among them
    words = [inputs, parameters.but(NOT_FOR_CELLS), own, code.digest(*BELOW_CELLS)]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


def _read_text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _published_residents(parameters: Parameters) -> list[Path]:
    """Return the published files that residents may be made of; none where they are not here."""
    from pcref_analysis.store import open_data

    try:
        folder = open_data.open_data_folder(parameters, open_data.RESIDENTS)
    except PcrefError:
        return []
    return [folder / name for name in open_data.RESIDENTS]


def _sha256(path: Path) -> str:
    try:
        return edition_files.digest(path)
    except OSError as error:
        why = f"source: {path.name} cannot be opened ({type(error).__name__}). Close it in other programs."
        raise PcrefError(why) from None
