"""The story of a report: rows to cells, notebooks, the gate, pages, one publication."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pcref_analysis
from pcref_analysis.estimates import run as whole
from pcref_analysis.intake import dictionary
from pcref_analysis.release import agreement, execution, gate, landing, pages, publication, workbook
from pcref_analysis.vocabulary import code
from pcref_analysis.vocabulary.indicators import LOCAL
from pcref_analysis.vocabulary.parameters import Parameters, project_root

PAGES = {  # notebook -> the short name in the list of pages
    "00_recording": "Recording",
    "01_prevalence": "Prevalence",
    "02_access": "Access",
    "03_experience": "Experience",
    "04_outcomes": "Outcomes",
    "05_priorities": "Priorities",
}


def make(parameters: Parameters, say: Callable[[str], None], force: bool = False) -> Path:
    """Make the report of a run and return its folder; the last edition stands until the new one is whole.

    Raises
    ------
    PcrefError
        If an input, a notebook or the gate stops the run; nothing already published changes.
    """
    from pcref_analysis.intake import prepare

    root = project_root()
    target = root / ("reports" if parameters.audience == "release" else "data/processed/internal") / parameters.run
    publication.settle(target)
    inputs = prepare.fingerprint(parameters)
    identity = {"inputs": inputs, "code": code_digest(), "parameters": parameters.model_dump(mode="json")}
    identity["engagement"] = agreement.digest(parameters)
    last = publication.read_manifest(target)
    seen = bool(inputs) and not force  # whether a database has changed cannot be told from here
    if seen and all(last.get(k) == v for k, v in identity.items()) and publication.is_whole(target, last):
        say(f"report {parameters.run}: nothing has changed; {_shown(target, root)}/index.html stands")
        return target
    say(f"report {parameters.run}: cells")
    data = prepare.prepare(parameters, say)
    say("  estimating levels and gaps")
    whole.estimates(parameters.run, parameters)
    say(f"report {parameters.run}: notebooks")
    scratch = data / "notebooks"
    key = publication.tree_digest(prepare.data_files(data), data) + code.digest()
    executed = execution.execute(parameters, scratch, say, key, identity["engagement"])
    say(f"report {parameters.run}: gate and pages")
    records = gate.collect(executed)
    fresh = data / "publish"
    shutil.rmtree(fresh, ignore_errors=True)
    _write(parameters, executed, records, fresh)
    publication.write_manifest(fresh, identity | {"version": pcref_analysis.__version__})
    publication.swap(fresh, target)
    say(f"report {parameters.run}: {_shown(target, root)}/index.html")
    return target


def code_digest() -> str:
    """Return a hash over the package, the notebooks' cells and the lock: what results rest on besides data."""
    lock = project_root() / "requirements.txt"
    words = [code.digest(), *map(execution.source_digest, execution.notebooks())]
    rest = [lock, *sorted((project_root() / "notebooks" / "parameters").glob(f"*{LOCAL}"))]
    words += [publication.digest(path) for path in rest if path.is_file()]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


def about(parameters: Parameters) -> dict[str, Any]:
    """Return what every page, sheet and figure says about the run."""
    rule = parameters.disclosure
    board = f"official published figures; rates are those of the integrated care board {parameters.trust.icb_code}"
    published = f"{board}, percentages those of the Trust itself"
    basis = {"demo": "an invented Trust", "published": published}
    return {
        "trust": parameters.trust.name,
        "period_text": f"April 20{parameters.period[2:4]} to March 20{parameters.period[-2:]}",
        "edition": parameters.edition,
        "edition_date": parameters.edition_date,
        "synthetic": parameters.synthetic,
        "audience": parameters.audience,
        "basis": f"Data: {basis.get(parameters.source.kind, 'the Trust’s own records')}",
        "version": pcref_analysis.__version__,
        "rule_text": (
            f"Counts below {rule.threshold} are suppressed and others rounded to the nearest {rule.rounding} "
            f"(rule of {rule.owner}, {rule.agreed})."
        ),
    }


def _write(parameters: Parameters, executed: list[Path], records: list[dict[str, Any]], fresh: Path) -> None:
    facts = about(parameters)
    (fresh / "tables").mkdir(parents=True)
    listed = [{"file": "index.html", "short": "In short"}]
    listed += [{"file": f"{path.stem}.html", "short": PAGES.get(path.stem, path.stem)} for path in executed]
    listed += [{"file": "definitions.html", "short": "Definitions"}, {"file": "method.html", "short": "Method"}]
    rows = parameters.source.kind != "published"  # a dictionary of what was read, where rows were read
    listed += [{"file": "dictionary.html", "short": "Data dictionary"}] if rows else []
    tables = [record for record in records if record["kind"] == "table"]
    for record in tables:
        path = fresh / "tables" / f"{record['id']}.csv"
        path.write_text(record["csv"], encoding="utf-8", newline="\n")
    workbook.write(tables, fresh / "tables.xlsx", facts)
    bodies = {f"{path.stem}.html": pages.notebook_body(path) for path in executed}
    bodies |= landing.bodies(parameters, records, facts) | {"dictionary.html": dictionary.html()}
    for item in listed:
        html = pages.page(bodies[item["file"]], item["short"], item["file"], listed, facts)
        (fresh / item["file"]).write_text(html, encoding="utf-8", newline="\n")


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
