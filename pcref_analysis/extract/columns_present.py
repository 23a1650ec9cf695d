"""Are the tables and columns of the contract there, under which local names, and of a type that can be read?"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import ibis

from pcref_analysis.extract.breach_report import breach
from pcref_analysis.extract.schema import SUBMISSION, Table
from pcref_analysis.extract.sources.portable import visible
from pcref_analysis.vocabulary.errors import nearest
from pcref_analysis.vocabulary.parameters import Parameters


def presence(
    table: Table, tables: dict[str, ibis.Table], parameters: Parameters, without: Mapping[str, str]
) -> list[dict]:
    """Return breaches for an absent table, and for columns that are absent or of an unreadable type.

    ``without`` says what it means that a table is absent.
    """
    if table.name in tables:
        return columns(table, tables[table.name], parameters)[1]
    todo = "Nothing can be analysed without it."
    if not table.required:
        todo = without[table.name]
    return [breach(table.name, "", "table is not in the extract", "stops" if table.required else "noted", todo)]


def columns(table: Table, raw: ibis.Table, parameters: Parameters) -> tuple[dict[str, str], list[dict]]:
    """Return declared name -> name in the raw table (letter case and outer spaces aside), and the breaches."""
    mapping = parameters.source.columns.get(table.name, {})
    folded = {_plain(name): name for name in reversed(raw.columns)}
    names, former = {}, {}
    for name in table.columns:
        local = mapping.get(name, name)
        found = local if local in raw.columns else folded.get(_plain(local))
        if found is None and name not in mapping:
            former[name] = next((old for old in table.columns[name].formerly if old.lower() in folded), "")
            found = folded.get(former[name].lower()) if former[name] else None
        if found is not None:
            names[name] = found
    if not names:
        todo = "Is the first line the column names? Else map local names in source.columns."
        return names, [breach(table.name, "", "none of the columns has a name of the contract", "stops", todo)]
    for name in (name for name in SUBMISSION if name not in table.columns):  # nobody is asked to have them
        found = mapping.get(name, name)
        found = found if found in raw.columns else folded.get(found.strip().lower())
        if found is not None:
            names[name] = found
    twice = [name for name in names if mapping.get(name, "") not in raw.columns and _fits(raw, names[name]) > 1]
    todo = "Keep one, or say which in source.columns."
    faults = [breach(table.name, name, "column stands there more than once", "stops", todo) for name in twice]
    taken = {*names.values(), *(folded[n.lower()] for n in table.columns if n.lower() in folded)}
    free = {plain: name for plain, name in folded.items() if name not in taken}
    lost = [name for name in mapping if name in SUBMISSION and name not in names and name not in table.columns]
    faults += [_absent(table, name, mapping, free) for name in (*table.columns, *lost) if name not in names]
    todo = "Nothing to do; check that its codes mean the same."
    faults += [
        breach(table.name, n, f"read from its former name {old}", "noted", todo) for n, old in former.items() if old
    ]
    for name, local in names.items():
        kind = raw[local].type()
        if kind.is_nested() or kind.is_binary():
            faults.append(breach(table.name, name, f"type {kind} cannot be read", "stops", "Export plain values."))
    return names, faults


def _plain(name: str) -> str:
    """Return a column name without invisible characters, outer blanks and letter case."""
    return visible(name).lower()


def _fits(raw: ibis.Table, local: str) -> int:
    """Return how many columns bear a name, letter case and outer spaces aside (files number those that do)."""
    name = re.compile(rf"{re.escape(local.strip())}(__\d+)?", re.IGNORECASE)
    return sum(bool(name.fullmatch(column.strip())) for column in raw.columns)


def _absent(table: Table, name: str, mapping: dict[str, str], folded: dict[str, str]) -> dict:
    """A found column is named only where it is close to the wanted one: without a header line, names are values."""
    required = name in table.columns and table.columns[name].required
    close = nearest(mapping.get(name, name).lower(), folded, 0.8)
    near = folded[close] if close else ""
    line = f"{{{table.name}: {{{name}: {json.dumps(near)}}}}}" if near else ""
    hint = (
        f"Is it '{near}'? Then write under source: columns: {line}" if near else "Map it in source.columns or add it."
    )
    if name in mapping:
        return breach(table.name, name, "column mapped in source.columns is not in the table", "stops", hint)
    if required:
        return breach(table.name, name, "required column is missing", "stops", hint)
    without = table.columns[name].without
    todo = f"Taken as not recorded{f': {without}' if without else ''}. {hint if near else ''}".strip()
    return breach(table.name, name, "optional column is missing", "noted", todo)
