"""How a released result shows itself in a notebook, with the record that the gate and the report read."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

MIME = "application/vnd.pcref+json"
INTERNAL = "Internal: not for release"


@dataclass(frozen=True)
class Shown:
    """A released table, figure or sentence, ready to stand last in a notebook cell.

    Attributes
    ----------
    record
        What the report, the reviewer and ``pcref trace`` read: ``id``, ``kind``, ``title``, and the released data.
    text
        Plain text; nbval compares it, so for a figure it holds the hash of the figure's data (nbval does
        not compare pictures).
    html, markdown, png
        What a person sees; one of them.
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
        if not self.png:
            return bundle, {}
        bundle["image/png"] = base64.b64encode(self.png).decode("ascii")
        return bundle, {MIME: {"picture": hashlib.sha256(self.png).hexdigest()[:16]}}  # nbval compares no pictures


def frame(record: dict[str, Any]) -> pd.DataFrame:
    """Return the released table that a record holds as CSV text."""
    return pd.read_csv(io.StringIO(record["csv"]), float_precision="round_trip")


def fingerprint(data: Any) -> str:
    """Return a short hash of plain data, the same on every machine."""
    return hashlib.sha256(json.dumps(data, sort_keys=True, ensure_ascii=False).encode("utf-8")).hexdigest()[:16]
