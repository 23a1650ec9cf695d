"""How a released table reads: text with marks, and an accessible HTML table."""

from __future__ import annotations

import math
from html import escape
from typing import Any

import pandas as pd

from pcref_analysis.disclosure.disclosure_rule import NOT_AVAILABLE, SUPPRESSED, TEXT_NOT_AVAILABLE, TEXT_SUPPRESSED


def text(frame: pd.DataFrame, numbers: dict[str, str]) -> pd.DataFrame:
    """Return the table as text; ``numbers`` names the status column of each column of numbers."""
    out = frame[[c for c in frame if c not in set(numbers.values())]].astype(object)
    for column, status in numbers.items():
        status_of = frame.get(status, pd.Series("", frame.index))  # derived tables have none: all they hold is released
        mark = status_of.map({SUPPRESSED: TEXT_SUPPRESSED, NOT_AVAILABLE: TEXT_NOT_AVAILABLE})
        plain = frame[column].map(lambda x: f"{x:,.10g}" if pd.notna(x) and math.isfinite(x) else TEXT_NOT_AVAILABLE)
        out[column] = mark.where(mark.notna(), plain)
    return out.where(out.notna(), "")


def html(released: Any) -> str:
    """Return an HTML table with a caption, scoped headers and the meaning of the marks."""
    frame = released.text
    flags = []
    if released.synthetic:
        flags.append("Synthetic data")
    if released.audience == "internal":
        flags.append("Internal: not for release")
    head = "".join(f'<th scope="col">{escape(str(c).replace("_", " "))}</th>' for c in frame.columns)
    rows = []
    for first, *rest in frame.itertuples(index=False):
        cells = "".join(f"<td>{escape(str(value))}</td>" for value in rest)
        rows.append(f'<tr><th scope="row">{escape(str(first))}</th>{cells}</tr>')
    mark = f"<p><strong>{escape('. '.join(flags))}.</strong></p>" if flags else ""
    return (
        f'<div class="pcref-released">{mark}<table><caption>{escape(released.name)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        f"<p>{escape(released.explanation)}</p></div>"
    )
