"""The packing list of an edition (RO-Crate), and the way from a number in it back to where it comes from.

RO-Crate 1.1 is JSON-LD that archives and data catalogues read: what went in with its hashes, what was done by which
code, what came out with its hashes. ``pcref trace`` follows it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pcref_analysis.display import output
from pcref_analysis.report.pages import workbook
from pcref_analysis.store import edition_files
from pcref_analysis.vocabulary import indicators
from pcref_analysis.vocabulary.errors import PcrefError

FILE = "ro-crate-metadata.json"
CONTEXT = "https://w3id.org/ro/crate/1.1/context"
RUN = "#run"
PACKAGE = "datapackage.json"


def write(
    folder: Path, records: Sequence[Mapping[str, Any]], facts: Mapping[str, Any], made_of: Mapping[str, Any]
) -> None:
    """Write the packing list of an edition into its folder.

    All of its other files are written by then. ``facts`` is what every page says of the run (``pipeline.about``);
    ``made_of`` holds ``inputs`` (name to hash), ``code`` (hash), ``parameters`` (as set), ``version``, ``lock`` (hash).
    """
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name not in (FILE, "manifest.json"))
    outputs = [_file(path.relative_to(folder).as_posix(), edition_files.digest(path)) for path in files]
    inputs = [_file(f"#input/{name}", value, name) for name, value in made_of["inputs"].items()]
    shown = [_shown(record) for record in records]
    synthetic = "Synthetic data: an invented Trust. " if facts["synthetic"] else ""
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"PCREF analysis, {facts['trust']}, {facts['period_text']}, edition {facts['edition']}",
        "description": f"{synthetic}Race-equality analysis by ethnic group. {facts['basis']}. {facts['rule_text']}",
        "license": facts["licence_link"],
        "hasPart": [{"@id": one["@id"]} for one in (*outputs, *shown)],
        "mentions": {"@id": RUN},
    } | ({"datePublished": facts["edition_date"]} if facts["edition_date"] else {})
    action = {
        "@id": RUN,
        "@type": "CreateAction",
        "name": "pcref report",
        "instrument": {"@id": "#pcref-analysis"},
        "object": [*({"@id": one["@id"]} for one in inputs), {"@id": "#parameters"}],
        "result": [{"@id": one["@id"]} for one in outputs],
    }
    software = {
        "@id": "#pcref-analysis",
        "@type": "SoftwareApplication",
        "name": "pcref-analysis",
        "version": made_of["version"],
        "identifier": [f"sha256:{made_of['code']}", f"requirements sha256:{made_of['lock']}"],
    }
    parameters = {"@id": "#parameters", "@type": "PropertyValue", "name": "parameters", "value": made_of["parameters"]}
    descriptor = {
        "@id": FILE,
        "@type": "CreativeWork",
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        "about": {"@id": "./"},
    }
    graph = [descriptor, root, action, software, parameters, *inputs, *outputs, *shown]
    edition_files.write_json(folder / FILE, {"@context": CONTEXT, "@graph": graph})


def data_package(records: Sequence[Mapping[str, Any]], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description of an edition's CSV files as a Frictionless data package: each column, its type and title.

    References
    ----------
    Frictionless Data: Data Package, Tabular Data Resource and Table Schema, version 1.
    """
    resources = []
    for record in records:
        if record["kind"] != "table":
            continue
        table = output.frame(record)
        fields = [{"name": str(name), "title": title, "type": _type(table[name])}
                  for name, title in zip(table, workbook.heads(table), strict=True)]  # fmt: skip
        resources.append(
            {
                "name": record["id"],
                "title": record["title"],
                "path": f"tables/{record['id']}.csv",
                "profile": "tabular-data-resource",
                "encoding": "utf-8",
                "schema": {"fields": fields, "missingValues": [""]},
            }
        )
    return {
        "profile": "tabular-data-package",
        "title": f"PCREF analysis, {facts['trust']}, {facts['period_text']}",
        "licenses": [{"title": facts["licence"], "path": facts["licence_link"]}],
        "resources": resources,
    }


def _type(column: pd.Series) -> str:
    if pd.api.types.is_bool_dtype(column):
        return "boolean"
    return "number" if pd.api.types.is_numeric_dtype(column) and column.notna().any() else "string"


def trace(folder: Path, name: str) -> list[str]:
    """Return the way from a table or figure of an edition to its inputs, a line a step.

    ``name`` is the id of a table, figure or sentence, as in the report and in the name of its CSV file.

    Raises
    ------
    PcrefError
        If the folder holds no edition, or nothing of that id (the ids that are there are named).
    """
    try:
        graph = json.loads((folder / FILE).read_text(encoding="utf-8"))["@graph"]
    except (OSError, ValueError, KeyError):
        raise PcrefError(f"trace: {folder.name} holds no edition. Make one with: pcref report {folder.name}") from None
    entries = {one["@id"]: one for one in graph}
    found = entries.get(f"#shown/{name.removesuffix('.csv')}")
    if not found:
        known = sorted(one["identifier"] for one in graph if one["@id"].startswith("#shown/"))
        raise PcrefError(f"trace: nothing here has the id '{name}'. The ids are: {', '.join(known)}.")
    software, action = entries["#pcref-analysis"], entries[RUN]
    lines = [
        f"{found['identifier']}: {found['name'] or found['additionalType']}",
        f"  page      {found['isPartOf']['@id']}",
    ]
    if f"tables/{found['identifier']}.csv" in entries:
        lines.append(f"  data      tables/{found['identifier']}.csv")
    if found.get("isBasedOn"):
        lines.append(f"  drawn of  {found['isBasedOn']['@id'].removeprefix('#shown/')}")
    lines.append(f"  notebook  {found['notebook']}.ipynb, cell {found['cell']}")
    lines.append(f"  function  pcref.{found['function']} (its docstring names the source of the method)")
    catalogue = indicators.catalogue()
    for key in found["indicators"]:
        entry = catalogue.get(key)
        lines.append(f"  indicator {key}: {entry.numerator} / {entry.denominator}" if entry else f"  indicator {key}")
    for one in action["object"]:
        entry = entries[one["@id"]]
        if "sha256" in entry:
            lines.append(f"  input     {entry['name']} (sha256 {entry['sha256'][:16]})")
    lines.append(f"  code      {software['name']} {software['version']}, {software['identifier'][0][:23]}")
    return lines


def _file(identity: str, digest: str, name: str | None = None) -> dict[str, Any]:
    return {"@id": identity, "@type": "File", "name": name or identity, "sha256": digest}


def _shown(record: Mapping[str, Any]) -> dict[str, Any]:
    lines = csv.DictReader(io.StringIO(record.get("csv", "")))
    names = dict.fromkeys(line["indicator"] for line in lines if line.get("indicator"))
    entry = {
        "@id": f"#shown/{record['id']}",
        "@type": "CreativeWork",
        "identifier": record["id"],
        "name": record["title"],
        "additionalType": record["kind"],
        "isPartOf": {"@id": f"{record['notebook']}.html"},
        "notebook": record["notebook"],
        "cell": record["cell_id"],
        "function": record["call"],
        "indicators": list(names),
    }
    return entry | ({"isBasedOn": {"@id": f"#shown/{record['source_table']}"}} if record.get("source_table") else {})
