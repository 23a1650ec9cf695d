"""How a released result shows itself in a notebook, with the record that the output check and the report read."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from typing import Any

import pandas as pd

from pcref_analysis.disclosure.planning import PROTECTED
from pcref_analysis.store import notebook_seals
from pcref_analysis.store.csv_text import read_csv
from pcref_analysis.store.notebook_seals import MIME

MARKS = {  # a mark where a number is missing, and what it means: the same in pages and workbook
    "[c]": "[c] suppressed to protect people.",
    "[x]": "[x] not available: not recorded, too few events, or no rounding of it would be true.",
    "[z]": "[z] not applicable: this line has no such value.",
}
FIGURES = ("estimate", "lower", "upper")
OTHERS = ("england", "boards")  # begin the names of columns that no status of ours is about
NOT_MEANT = ("change", "change_lower", "change_upper", "change_from")  # a figure before adjustment has no change
INTERNAL = "Internal: not for release"
NO_ALT = "No description has been provided for this image"


@dataclass(frozen=True)
class Shown:
    """A released table, figure or sentence, ready to stand last in a notebook cell.

    Attributes
    ----------
    record
        What the report, the reviewer and ``pcref trace`` read: ``id``, ``kind``, ``title``, and the released data.
    text
        Plain text; for a figure it holds the hash of the figure's data.
    html, markdown
        What a person sees; one of them. Of a figure ``html`` holds its pictures (SVG).
    png
        The picture once more, for papers that hold no SVG; a notebook does not show it.
    """

    record: dict[str, Any]
    text: str
    html: str = ""
    markdown: str = ""
    png: bytes = field(default=b"", repr=False)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle: dict[str, Any] = {"text/plain": self.text, MIME: self.record}
        if self.html:
            bundle["text/html"] = self.html
        if self.markdown:
            bundle["text/markdown"] = self.markdown
        if self.record.get("kind") != "figure":
            return bundle, {}
        return bundle, {MIME: {"picture": notebook_seals.of_picture(self.html)}}


def nothing(released: Any, id: str, title: str, words: str) -> Shown:
    """Say that there is nothing to show, which is a finding too."""
    words = f"{title}: {words}"
    record = {"id": id, "kind": "text", "title": title, "text": words, "sources": [released.name]}
    return Shown(record=record, text=words, html=f'<p id="{escape(id)}">{escape(words)}</p>')


def mark(source: Any) -> str:
    """Return what the title of a table or figure carries (HTML), if it is synthetic or for internal use."""
    synthetic = ' <strong class="synthetic">Synthetic data</strong>' if source.synthetic else ""
    return synthetic + (f' <strong class="internal">{INTERNAL}</strong>' if source.audience == "internal" else "")


def frame(record: Mapping[str, Any]) -> pd.DataFrame:
    """Return the released table that a record holds as CSV text."""
    return _table(record["csv"]).copy()


def frames(records: Iterable[Mapping[str, Any]]) -> dict[str, pd.DataFrame]:
    """Return the released tables among records by their id."""
    return {one["id"]: frame(one) for one in records if one["kind"] == "table"}


@lru_cache(maxsize=256)  # pages, dashboard, workbook, documents and checks each ask for every table
def _table(text: str) -> pd.DataFrame:
    return read_csv(io.StringIO(text))


def marked_frame(record: Mapping[str, Any]) -> pd.DataFrame:
    """Return the released table that a record holds with its marks (:func:`marked`)."""
    return _marked(record["csv"]).copy()


@lru_cache(maxsize=256)  # the workbook is written of them, and read back
def _marked(text: str) -> pd.DataFrame:
    return marked(_table(text))


def marked(table: pd.DataFrame) -> pd.DataFrame:
    """Return a released table with a mark in every empty cell: [c] suppressed, [x] not available, [z] not applicable.

    The status column says which (``events_status`` of a count, ``status`` of the figures); a table without one was
    made of released tables, and its ``evidence`` and ``note`` say why a figure is missing. An empty text is [z], and a
    limit that is not finite "no limit".

    Examples
    --------
    >>> rows = {"events": [None, 10.0], "events_status": ["suppressed", "shown"], "note": ["", ""]}
    >>> marked(pd.DataFrame(rows))["events"].tolist()
    ['[c]', 10.0]
    """
    out = table.astype(object)
    crude = table.get("adjustment", pd.Series("", table.index)).eq("crude")
    hidden = table.get("note", pd.Series("", table.index)).astype("string").str.contains(PROTECTED).fillna(False)
    none = table.get("evidence", pd.Series("", table.index)).eq("no figure")
    for column in table:
        a_number, empty = pd.api.types.is_numeric_dtype(table[column]), table[column].isna()
        empty = empty if a_number else empty | table[column].eq("")
        if not empty.any():
            continue
        figure = column in (*FIGURES, *NOT_MEANT)
        numeric = a_number and (figure or not empty.all())
        others = numeric and str(column).startswith(OTHERS)
        status = table.get(f"{column}_status", table.get("status") if numeric and not others else None)
        why = pd.Series("[x]" if others else "[z]", table.index)
        if status is not None and not str(column).endswith("status"):
            why = status.map({"suppressed": "[c]", "not available": "[x]"}).fillna("[x]" if figure else "[z]")
            why = why.mask(crude, "[z]") if column in NOT_MEANT else why
        elif numeric and none.any():
            why = why.mask(none, "[x]").mask(none & hidden, "[c]")
        out[column] = out[column].mask(empty, why)
    return out.mask(table.isin([float("inf"), -float("inf")]), "no limit")


def fingerprint(data: Any) -> str:
    """Return a short hash of plain data, the same on every machine."""
    return hashlib.sha256(json.dumps(data, sort_keys=True, ensure_ascii=False).encode("utf-8")).hexdigest()[:16]
