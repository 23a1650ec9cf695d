"""The published list in a terminal, as a file, or beside another edition; reads published files and nothing else."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pandas as pd

from pcref_analysis.display.list_columns import TITLES
from pcref_analysis.priorities import agreed_list, changes_since, draft_list
from pcref_analysis.report import pipeline
from pcref_analysis.report.pages import workbook
from pcref_analysis.store import csv_text, edition_files
from pcref_analysis.vocabulary import parameters
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import known_file, report_folder
from pcref_analysis.vocabulary.private import run_folder

FIGURES = ["item", "name", "ethnic_group", "ratio", "lower", "upper", "amount", "certainty_text", "rank_text", "band"]
WIDTH = 100  # letters of a line


def folder_of(run: str) -> Path:
    """Return where the published report of a run lies.

    Raises
    ------
    PcrefError
        If there is no published list of the run.
    """
    folder = report_folder(run)
    if not (folder / "tables" / draft_list.file_name("findings")).is_file():
        known_file(run)
        drafted = (run_folder(run) / "draft" / "index.html").is_file()
        todo = f"Sign its draft, then: pcref publish {run}" if drafted else f"Make it with: pcref report --run {run}"
        raise PcrefError(f"priorities: no published list of '{run}'. {todo}")
    return folder


def as_text(folder: Path) -> str:
    """Return the published draft as lines for a terminal and, where people changed it, the agreed list with reasons."""
    tables = edition_files.tables_folder(folder)
    findings, changes = draft_list.read(tables)[0], _read(tables, "changes")
    lines = [_mark(findings), draft_list.as_text(findings, WIDTH)]
    if len(changes):
        lines += ["", "The list as agreed"]
        agreed = agreed_list.published_list(tables)
        for row in agreed.to_dict("records"):
            place = " --" if pd.isna(row["place"]) else f"{row['place']:>3}"
            lines.append(f"{place}. {row['item']} ({row['status']})")
        lines += ["", "What people changed"]
        for row in changes.to_dict("records"):
            lines += _wrapped(f"{row['when']}, {row['who']}: {row['action']} '{row['item']}'. {row['why']}")
    return "\n".join(line for line in lines if line is not None)


def whole(folder: Path) -> pd.DataFrame:
    """Return the list as agreed, with the published figures of each item beside it; what was set aside stands last."""
    tables = edition_files.tables_folder(folder)
    listed = _read(tables, "findings").dropna(subset=["rank"]).drop_duplicates("item")
    table = agreed_list.published_list(tables)
    marks = [name for name in ("synthetic",) if name in listed]
    return (
        table.drop(columns=marks, errors="ignore")
        .merge(listed[[*FIGURES, *marks]], on="item", how="left")
        .assign(**{name: listed[name].iloc[0] for name in marks if len(listed)})
    )


def write_workbook(folder: Path, path: Path) -> None:
    """Write every published table of the list as one accessible workbook."""
    manifest = edition_files.read_manifest(folder)
    checked = parameters.check(manifest.get("parameters", {}), "manifest.json")
    records = []
    for name, title in TITLES.items():
        file = folder / "tables" / draft_list.file_name(name)
        if len(_read(file.parent, name)):
            csv = file.read_text(encoding="utf-8")
            records.append({"id": file.stem, "title": title, "csv": csv})
    workbook.write(records, path, pipeline.about(checked, manifest.get("signed", ())))


def against(folder: Path, other: Path) -> str:
    """Return what moved since another edition, whether the evidence agrees, and what became of each priority.

    Raises
    ------
    PcrefError
        If the other folder holds no published list.
    """
    if not other.is_dir():
        raise PcrefError(f"priorities: there is no folder '{other}'; name that of another report.")
    tables, before = edition_files.tables_folder(folder), edition_files.tables_folder(other)
    (now, rule), (then, old) = draft_list.read(tables), draft_list.read(before)
    lines = [_mark(now), f"From {then['period'].iloc[0]} to {now['period'].iloc[0]}"]
    for row in changes_since.compare(agreed_list.published_list(before), now).to_dict("records"):
        here = "not on the draft" if pd.isna(row["rank_now"]) else f"place {row['rank_now']} in the draft"
        place = "new" if pd.isna(row["place_before"]) else f"place {row['place_before']} then"
        lines += _wrapped(f"{row['item']}: {place}, {here}. {row['words']}")
    changed = changes_since.rule_changes(old, rule)
    lines += ["", "The rule has not changed." if changed.empty else "The rule has changed, so places may too:"]
    lines += [f"  {row.setting}: {row.before} -> {row.now}" for row in changed.itertuples()]
    outcomes = _read(tables, "outcomes")
    lines += ["", "You said, we did" if len(outcomes) else "You said, we did: nothing recorded yet."]
    for row in outcomes.fillna("").to_dict("records"):
        said = f" You said: {row['said']} We did: {row['did']}" if row["did"] else ""
        lines += _wrapped(f"{row['item']}: {row['state']}.{said}")
    return "\n".join(line for line in lines if line is not None)


def _read(tables: Path, name: str) -> pd.DataFrame:
    """A published table; empty where the report had nothing to show."""
    path = tables / draft_list.file_name(name)
    return csv_text.read_csv(path) if path.is_file() else pd.DataFrame()


def _mark(findings: pd.DataFrame) -> str | None:
    return "SYNTHETIC DATA: an invented Trust.\n" if "synthetic" in findings else None


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ")
