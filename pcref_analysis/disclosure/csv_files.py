"""Released tables as files: a CSV, and beside it what an outsider (or a reviewer) needs to attack it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pcref_analysis.disclosure.linked_tables import schema
from pcref_analysis.disclosure.planning import Plan
from pcref_analysis.store.csv_text import read_csv, to_csv
from pcref_analysis.store.edition_files import write_json
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import Disclosure

ENDING = ".disclosure.json"
PLAN = "plan.json"
FACTS = ("name", "source_id", "synthetic", "audience", "dimensions", "counts", "figures", "links")


def write(released: Iterable[Any], folder: Path | str) -> list[Path]:
    """Write each released table as ``<name>.csv`` with ``<name>.disclosure.json`` beside it.

    The JSON holds the rule, what each column is, and which labels add up; no number that the CSV does not hold.

    Raises
    ------
    PcrefError
        If two tables would get one file name.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for one in released:
        stem = re.sub(r"[^a-z0-9]+", "-", one.name.lower()).strip("-") or "table"
        path = folder / f"{stem}.csv"
        if path in paths:
            raise PcrefError(f"disclosure: two tables would be written to {path.name}. Give them different names.")
        path.write_text(to_csv(one.table), encoding="utf-8", newline="\n")
        facts = {name: getattr(one, name) for name in FACTS} | {"rules": one.rules.model_dump()}
        facts["explanation"] = one.explanation
        facts["text_columns"] = [c for c in one.table if not pd.api.types.is_numeric_dtype(one.table[c])]
        write_json(folder / f"{stem}{ENDING}", facts)
        paths.append(path)
    return paths


def read(folder: Path | str) -> list[tuple[pd.DataFrame, dict[str, Any]]]:
    """Return each table below a folder with its facts, as :func:`write` left them.

    Raises
    ------
    PcrefError
        If there is no released table, or one of the two files is missing or does not fit the other.
    """
    folder = Path(folder)
    found = []
    for side in sorted(folder.rglob(f"*{ENDING}")):
        path = side.with_name(side.name.removesuffix(ENDING) + ".csv")
        try:
            facts = json.loads(side.read_text(encoding="utf-8"))
            text = dict.fromkeys(facts.pop("text_columns"), "str")
            none = {c: [""] for c in pd.read_csv(path, nrows=0) if c not in text}
            frame = read_csv(path, dtype=text, keep_default_na=False, na_values=none)
            facts = {name: facts[name] for name in (*FACTS, "rules")}
            facts["rules"] = Disclosure.model_validate(facts["rules"])
        except (OSError, ValueError, KeyError, AttributeError) as fault:
            raise PcrefError(
                f"attack: {side.name} and its CSV cannot be read together ({type(fault).__name__})."
            ) from None
        facts |= {name: tuple(facts[name]) for name in ("dimensions", "counts", "figures")}
        found.append((frame, facts))
    if not found:
        raise PcrefError(f"attack: no *{ENDING} in {folder.name}: no released table is there.")
    return found


def write_plan(plan: Plan, folder: Path, about: Mapping[str, Any]) -> None:
    """Keep a disclosure plan in a confidential folder, with the parameters that it rests on."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    plan.decided.to_parquet(folder / "decided.parquet", index=False)
    for table in plan.tables:
        table.frame.to_parquet(folder / f"{table.name}.parquet", index=False)
    facts = {"about": about, "tables": [table.name for table in plan.tables], "later": plan.later}
    facts |= {"holds": dict(plan.holds), "internal": plan.internal, "rule": plan.rule.model_dump()}
    (folder / PLAN).write_text(json.dumps(facts, indent=1, sort_keys=True), encoding="utf-8")


def read_plan(folder: Path, about: Mapping[str, Any]) -> Plan | None:
    """Return the plan kept in a folder; None where there is none for these parameters."""
    path = folder / PLAN
    if not path.is_file():
        return None
    facts = json.loads(path.read_text(encoding="utf-8"))
    if facts["about"] != about:
        return None
    tables = tuple(schema.declare(name, pd.read_parquet(folder / f"{name}.parquet")) for name in facts["tables"])
    decided = pd.read_parquet(folder / "decided.parquet")
    rule = Disclosure.model_validate(facts["rule"])
    return Plan(tables, rule, decided, internal=facts["internal"], later=facts["later"], holds=facts["holds"])
