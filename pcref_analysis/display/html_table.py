"""The accessible table: a caption, heads with scope, a head for each row, the marks explained below."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import pandas as pd

from pcref_analysis.display.output import INTERNAL, OTHERS, Shown
from pcref_analysis.store.csv_text import to_csv

LEFT = 'style="text-align:left"'  # JupyterLab would set the heads of rows to the right


def of(
    released: Any,
    id: str,
    title: str,
    heads: Sequence[str],
    blocks: Sequence[tuple[str, list[list[tuple[str, bool]]]]],
    numeric: set[str],
) -> Shown:
    """Show blocks of rows, each cell a text and whether it is a number; where there is none, say so."""
    if not any(rows for _, rows in blocks):
        return _nothing(released, id, title)
    return table(id, title, heads, blocks, numeric, released.explanation, released, released.table)


def _nothing(released: Any, id: str, title: str) -> Shown:
    """Say that there is nothing to show, which is a finding too."""
    words = f"{title}: nothing to show."
    record = {"id": id, "kind": "text", "title": title, "text": words, "sources": [released.name]}
    return Shown(record=record, text=words, html=f'<p id="{id}">{escape(words)}</p>')


def table(
    id: str,
    title: str,
    heads: Sequence[str],
    blocks: Sequence[tuple[str, list[list[tuple[str, bool]]]]],
    numeric: set[str],
    marks: str,
    source: Any,
    frame: pd.DataFrame,
) -> Shown:
    """Make the accessible table: a caption, heads with scope, a row head each line, the marks explained below.

    ``source`` (a Releasable or the parameters) says whether it is synthetic, and for whom.
    """
    synthetic, internal = source.synthetic, source.audience == "internal"
    mark = ' <strong class="synthetic">Synthetic data</strong>' if synthetic else ""
    mark += f' <strong class="internal">{INTERNAL}</strong>' if internal else ""
    head = "".join(f'<th scope="col"{_class(name in numeric)}>{escape(name)}</th>' for name in heads)
    body = []
    for block, rows in blocks:
        lines = (
            [f'<tr class="block"><th scope="rowgroup" colspan="{len(heads)}" {LEFT}>{escape(block)}</th></tr>']
            if block
            else []
        )
        for row in rows:
            first = f'<th scope="row" {LEFT}{_wide(row[0][0])}>{escape(row[0][0])}</th>' if row else ""
            lines.append(f"<tr>{first}" + "".join(_cell(text, number) for text, number in row[1:]) + "</tr>")
        body.append(f"<tbody>{''.join(lines)}</tbody>")
    html = (
        f'<div class="scroll" id="{id}" tabindex="0" role="region" aria-label="{escape(title)}"><table>'
        f"<caption>{escape(title)}{mark}</caption><thead><tr>{head}</tr></thead>{''.join(body)}</table></div>"
        f'<p class="marks">{escape(marks)}</p>'
    )
    empty = [c for c in frame if c.startswith(OTHERS) and frame[c].replace("", None).isna().all()]
    frame = frame.drop(columns=[*empty, *(c for c in frame if c.endswith(("_low_status", "_high_status")))])
    if synthetic:
        frame = frame.assign(synthetic="synthetic data")
    if internal:
        frame = frame.assign(audience=INTERNAL)
    record = {
        "id": id,
        "kind": "table",
        "title": title,
        "synthetic": synthetic,
        "marks": marks,
        "csv": to_csv(frame),
    }
    lines = [" | ".join(heads)]
    for block, rows in blocks:
        lines += ([block] if block else []) + [" | ".join(text for text, _ in row) for row in rows]
    return Shown(record=record, text="\n".join([title, *lines]), html=html)


def _cell(text: str, number: bool) -> str:
    kind = ' class="num"' if number else ' class="words"' if len(text) > 40 else _wide(text)
    return f"<td{kind}>{escape(text)}</td>"


def _wide(text: str) -> str:
    """Names of groups and indicators get room, so that they do not stand a word a line."""
    return ' class="name"' if len(text) > 14 else ""


def _class(number: bool) -> str:
    return ' class="num"' if number else ""
