"""What a reviewer can do with a published folder alone: see that it is whole, and try to work out what is hidden."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from pcref_analysis.disclosure import release_tables
from pcref_analysis.disclosure.linked_tables.schema import FIGURES
from pcref_analysis.disclosure.release_tables import Releasable
from pcref_analysis.report.pages import dashboard
from pcref_analysis.store import edition_files
from pcref_analysis.store.csv_text import read_csv, to_csv
from pcref_analysis.store.edition_files import RELEASED
from pcref_analysis.vocabulary import indicators
from pcref_analysis.vocabulary.errors import PcrefError


def attack(folder: Path, previous: Path | None, say: Callable[[str], None]) -> int:
    """Attack a published edition, reading nothing but its folder (and that of an earlier edition).

    Returns
    -------
    int
        0 where nothing was found, 2 where a hidden count can be worked out or a table was not released.

    Raises
    ------
    PcrefError
        If a folder is no edition, or is not as it was published.
    """
    tables = _edition(folder)
    before = _edition(previous) if previous else []
    attackable = [one for one in tables if "series" in one.links]
    if not attackable:
        say(f"attack: {folder.name} holds figures that their publishers released and protect; nothing here was hidden")
        return 0
    named = [one.table for one in tables if "indicator_name" in one.table]
    if strange := {key for table in named for key in table["indicator"]} - indicators.catalogue().keys():
        say(f"  of a catalogue that is not here, attacked by what the tables say alone: {', '.join(sorted(strange))}")
    found = release_tables.attack(tables, previous=before)
    strangers, whole, made = _pages_tables(folder, tables)
    for leak in found.itertuples():
        say(f"  {leak.table}: {leak.cell}, {leak.column}: {leak.how}")
    odd = _dashboard_rows(folder, tables)
    if odd:
        say(f"  {dashboard.FILE}: holds {odd} row(s) that were not released")
    for name in strangers:
        say(f"  tables/{name}: shows counts that were not released")
    say(f"attack: {len(attackable)} released tables{' beside the earlier edition' if before else ''}; "
        f"{whole} tables of the pages are parts of them, {made} are worked out or hold no counts")  # fmt: skip
    if len(found) or strangers or odd:
        say(f"attack: {len(found)} hidden count(s) can be worked out, {len(strangers)} table(s) were not released")
        return 2
    say("attack: nothing hidden could be worked out (no proof: docs/methods/disclosure.md says what is not tried)")
    return 0


def _edition(folder: Path) -> list[Releasable]:
    if not (folder / "manifest.json").is_file():
        raise PcrefError(f"attack: '{folder.name}' is no edition: there is no manifest.json. Give reports/<run>.")
    changed = edition_files.changes(folder, edition_files.read_manifest(folder))
    if changed:
        names = ", ".join(changed[:5]) + (", ..." if len(changed) > 5 else "")
        raise PcrefError(f"attack: '{folder.name}' is not as it was published; changed, added or gone: {names}.")
    if not (folder / RELEASED).is_dir():
        raise PcrefError(f"attack: '{folder.name}' has no folder '{RELEASED}' (an older version made it).")
    return release_tables.read(folder / RELEASED)


def _dashboard_rows(folder: Path, tables: Sequence[Releasable]) -> int:
    """Return how many rows the data inside the dashboard hold that no released table holds."""
    page = folder / dashboard.FILE
    if not page.is_file():
        return 0
    released = [{"kind": "table", "csv": to_csv(one.table)} for one in tables]
    aims = sorted((folder / "tables").glob("*-targets.csv"))  # worked out of released levels: looked at with the tables
    released += [{"kind": "table", "csv": path.read_text(encoding="utf-8")} for path in aims]
    return dashboard.strangers(page.read_text(encoding="utf-8"), released)


def _pages_tables(folder: Path, tables: Sequence[Releasable]) -> tuple[list[str], int, int]:
    """Return tables of the pages whose counts were not released, how many are parts of released ones, and the rest."""
    strangers, parts, made = [], 0, 0
    released = [one.table.astype(str).fillna("") for one in tables]
    for path in sorted((folder / "tables").glob("*.csv")):
        shown = read_csv(path, dtype=str, keep_default_na=False)
        marked = [c for c in shown if c.endswith("_status")]
        homes = [frame for frame in released if marked and set(marked) <= set(frame)]
        if not homes:
            made += 1
        elif any(_is_part(shown, frame, marked) for frame in homes):
            parts += 1
        else:
            strangers.append(path.name)
    return strangers, parts, made


def _is_part(shown: pd.DataFrame, released: pd.DataFrame, marked: list[str]) -> bool:
    """Say whether every row of a page's table stands in a released one with the same labels, counts and marks."""
    counts = [mark.removesuffix("_status") for mark in marked]
    words = [
        c
        for c in shown
        if c in released and c not in ("note", "status", "level", "rounded_to", "change_rounded_to", *FIGURES)
    ]
    part, whole = (
        frame[words].assign(**{c: pd.to_numeric(frame[c], errors="coerce").fillna(-1.0) for c in counts})
        for frame in (shown, released)
    )
    found = part.drop_duplicates().merge(whole.drop_duplicates(), on=words, how="left", indicator=True)
    return bool((found["_merge"] == "both").all())
