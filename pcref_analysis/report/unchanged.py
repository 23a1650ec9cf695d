"""Whether an edition stands that is made of just this: inputs, code, parameters, what people wrote.

Asked before anything that reads frames is imported: to import pandas and SciPy takes longer than to answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pcref_analysis import prepare
from pcref_analysis.priorities import engagement
from pcref_analysis.report import run_notebooks, signoff
from pcref_analysis.report.pages import competencies
from pcref_analysis.store import edition_files
from pcref_analysis.vocabulary import code, private
from pcref_analysis.vocabulary.indicators import LOCAL, of_run
from pcref_analysis.vocabulary.parameters import Parameters, parameters_folder, project_root, report_folder, shown

UNCHANGED = "nothing has changed"


def said(parameters: Parameters, say: Callable[[str], None]) -> bool:
    """Say that the run's edition stands, if it does; another run of the same name is waited for."""
    with private.alone(parameters.run, say):
        edition_files.refuse_unknown(report_folder(parameters.run), signoff.wanted(parameters))
        stands = edition(parameters, identity(parameters))
    if stands:
        say(words(parameters, stands))
    return stands is not None


def identity(parameters: Parameters) -> dict[str, Any]:
    """Return what an edition is made of: hashes of the inputs, the code and what people wrote, and the parameters.

    Raises
    ------
    PcrefError
        If an input is missing, or a record, the assessment, the run's own indicators or a translation have a fault:
        before the work.
    """
    made_of: dict[str, Any] = {"inputs": prepare.fingerprint(parameters), "code": code_digest()}
    made_of |= {"parameters": parameters.model_dump(mode="json"), "engagement": engagement.digest(parameters)}
    of_run(parameters.run)
    return made_of | {"competencies": competencies.digest(parameters), "languages": _languages(parameters.run)}


def _languages(run: str) -> dict[str, str]:
    """Return a hash of each translator's catalogue of a run; what reads them is imported where there is one."""
    if not any(parameters_folder().glob(f"{run}-*.po")):
        return {}
    from pcref_analysis.report.pages import language

    found = language.catalogues(run)
    for path in found.values():
        language.read(path)
    return {key: edition_files.digest(path) for key, path in found.items()}


def edition(parameters: Parameters, identity: dict[str, Any]) -> Path | None:
    """Return the whole edition that was made of just this; whether a database has changed cannot be told from here."""
    target, published = place(parameters, ()), report_folder(parameters.run)
    for folder in {published: 0, target: 0} if parameters.audience == "release" else [target]:
        edition_files.settle(folder)
        last = edition_files.read_manifest(folder)
        known = identity["inputs"] and all(last.get(key) == value for key, value in identity.items())
        if known and edition_files.is_whole(folder, last):
            return folder
    return None


def words(parameters: Parameters, stands: Path) -> str:
    """Return the line that says that an edition stands."""
    return f"report {parameters.run}: {UNCHANGED}; {shown(stands)}/index.html stands"


def place(parameters: Parameters, signed: Sequence[Any]) -> Path:
    """Return where an edition belongs: an unsigned one never in the place of records' or of a signed edition."""
    published, data = report_folder(parameters.run), private.run_folder(parameters.run)
    if parameters.audience == "internal":
        return data / "internal"
    own = parameters.source.kind != "published" or "signed" in edition_files.read_manifest(published)
    return data / "draft" if signoff.wanted(parameters) and own and not signed else published


def code_digest() -> str:
    """Return a hash over the package, the notebooks' cells and the lock: what results rest on besides data."""
    lock = project_root() / "requirements.txt"
    words = [code.digest(), *map(run_notebooks.source_digest, run_notebooks.notebooks())]
    typed = parameters_folder()
    rest = [lock, *sorted(typed.glob(f"*{LOCAL}")), *sorted(typed.glob("*.po"))]
    words += [edition_files.digest(path) for path in rest if path.is_file()]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()
