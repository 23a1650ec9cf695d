"""What people made of a draft: the engagement record of a run's period, and the earlier list that it starts from."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from pcref_analysis.priorities import changes_since, draft_list, engagement, engagement_changes
from pcref_analysis.priorities.engagement import Engagement
from pcref_analysis.store import csv_text, edition_files
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import Parameters, project_path

NAMES = ("adjusted", "changes", "outcomes", "since", "rule_changes")


def published_list(folder: Path) -> pd.DataFrame:
    """Read the list of a published report: the adjusted one, or the draft of a report from before there was one.

    Raises
    ------
    PcrefError
        If the folder holds no published list.
    """
    tables = edition_files.tables_folder(folder)
    path = tables / draft_list.file_name("adjusted")
    if not path.is_file():
        return draft_list.read(tables)[0]
    table = csv_text.read_csv(path)
    words = ["wording", "status", "evidence", "holds", "reason"]
    table = table.rename(columns={"change": "status"})
    table = table.assign(**{name: table[name].fillna("").astype(str) for name in words})
    return table.astype({"place": "Int64", "draft_rank": "Int64", "draft_band": "Int64"})


def tables(ranked: pd.DataFrame, parameters: Parameters) -> dict[str, pd.DataFrame]:
    """Return what became of the draft list of a run.

    Returns
    -------
    dict of pandas.DataFrame
        ``adjusted`` (the list that people agreed), ``changes`` (who, when, what, why), ``outcomes`` ("you said, we
        did"), ``since`` (this draft beside the earlier list) and ``rule_changes`` (of the rule since then).

    Raises
    ------
    PcrefError
        If the record has a fault (file, entry, field), names an unknown item, or contradicts itself.
    """
    given = engagement.of_run(parameters)
    folder = project_path(parameters.previous) if parameters.previous else None
    before = published_list(folder) if folder else None
    try:
        adjusted, changes = engagement_changes.adjust(
            ranked, given or Engagement(), parameters.priorities, previous=before, terms=parameters.terms
        )
    except PcrefError as error:
        name = engagement.path_of(parameters).name
        raise PcrefError(str(error).replace("engagement:", f"engagement: {name}:", 1)) from None
    earlier = adjusted if before is None else before
    outcomes = changes_since.became(earlier, given or Engagement(), None if before is None else ranked)
    outcomes = outcomes.rename(columns={"status": "state"})
    told = outcomes if folder else outcomes[outcomes["did"].notna()]  # of a first list, only what was done already
    since = changes_since.compare(earlier, ranked)
    old = draft_list.read(edition_files.tables_folder(folder))[1] if folder else parameters.priorities
    return {
        "adjusted": _readable(adjusted, ranked),
        "changes": changes,
        "outcomes": told,
        "since": since if folder else since.head(0),
        "rule_changes": changes_since.rule_changes(old, parameters.priorities).astype(str),
    }


def discussed(folder: Path) -> bool:
    """Say whether people have changed the list of an edition, or of one that it started from."""
    seen: set[Path] = set()
    while folder.is_dir() and folder not in seen:
        if (edition_files.tables_folder(folder) / draft_list.file_name("changes")).is_file():
            return True
        seen.add(folder)
        before = edition_files.read_manifest(folder).get("parameters", {}).get("previous", "")
        folder = project_path(before) if before else folder
    return False


def _readable(adjusted: pd.DataFrame, ranked: pd.DataFrame) -> pd.DataFrame:
    """Add ``in_short``: the words that people chose, else the leading figure; and the places as text."""
    lead = ranked[ranked["rank"].notna()].set_index("item")
    figures = adjusted["item"].map(lead["name"] + ": ratio " + lead["ratio_text"])
    chosen = adjusted["status"].map(lambda status: any(word in status for word in changes_since.CHOSEN))
    return adjusted.assign(
        in_short=figures.mask(chosen, adjusted["wording"]).fillna(adjusted["wording"]),
        at=adjusted["place"].astype("string").fillna("off the list"),
        in_draft=_places(adjusted, ranked),
        change=adjusted["status"].replace({"draft": "as drafted"}),  # "status" marks what is suppressed
    ).drop(columns="status")


def _places(adjusted: pd.DataFrame, ranked: pd.DataFrame) -> pd.Series:
    """Return the place in the draft as text; where people changed weights, in the list scored again too."""
    drafted = ranked.dropna(subset="rank").set_index("item")["rank"].astype(int)

    def words(holds: str, again: object) -> str:
        if pd.isna(again):
            return "not there"
        known = [drafted[item] for item in str(holds).split("; ") if item in drafted]
        return f"{again}" if not known or min(known) == again else f"{min(known)}; {again} with the changed weights"

    texts = [words(*pair) for pair in zip(adjusted["holds"], adjusted["draft_rank"], strict=True)]
    return pd.Series(texts, index=adjusted.index, dtype="string")
