"""Seals on a notebook: what its cells said and what its pictures were when its outputs were made.

nbval runs cells again and compares what they show, pictures too since they are text, but misses no cell that is gone.
The seals close that, without running anything: a hash a cell in the notebook's metadata, and a hash a figure in the
metadata of its output.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

NAME = "pcref"
MIME = "application/vnd.pcref+json"  # the form of an output that holds what was released


@dataclass(frozen=True)
class Difference:
    """One thing that did not come back: where, what it is, what was kept and what is there now."""

    notebook: str
    cell: str
    what: str
    old: str = ""
    new: str = ""


def seal(notebook: Any) -> None:
    """Note a hash of every cell's text in the notebook's metadata (in place: the notebook is about to be written)."""
    notebook.metadata[NAME] = {"cells": [[cell["id"], _of(cell)] for cell in notebook.cells]}


def of_picture(picture: str) -> str:
    """Return a short hash of a figure as a page shows it, by which a changed picture is seen without drawing it."""
    return hashlib.sha256(picture.encode("utf-8")).hexdigest()[:16]


def broken(notebook: Any, name: str) -> list[Difference]:
    """Return where cells or pictures are no longer what the seals say; a notebook without seals is a difference."""
    sealed = dict(notebook.metadata.get(NAME, {}).get("cells", []))
    if not sealed:
        return [Difference(name, "notebook", "holds no seals: run pcref notebooks (or pcref report) first")]
    here = {cell["id"]: cell for cell in notebook.cells}
    found = [Difference(name, cell, "cell removed since its outputs were made") for cell in sealed if cell not in here]
    for identity, cell in here.items():
        if identity not in sealed:
            found.append(Difference(name, identity, "cell added since the outputs were made", new=_start(cell)))
        elif sealed[identity] != _of(cell):
            found.append(Difference(name, identity, "text changed since its outputs were made", new=_start(cell)))
        for output in cell.get("outputs", []):
            record = output.get("data", {}).get(MIME, {})
            kept = output.get("metadata", {}).get(MIME, {}).get("picture")
            if record.get("kind") == "figure" and kept != of_picture("".join(output["data"].get("text/html", ""))):
                title = record.get("title", "")
                found.append(Difference(name, identity, f"picture changed: {title}", old=str(kept), new="another file"))
    if not found and list(sealed) != list(here):
        found.append(Difference(name, "notebook", "cells stand in another order"))
    return found


def _of(cell: Any) -> str:
    return hashlib.sha256(f"{cell['cell_type']}\0{cell['source']}".encode()).hexdigest()[:16]


def _start(cell: Any) -> str:
    return cell["source"].strip().splitlines()[0][:100] if cell["source"].strip() else ""
