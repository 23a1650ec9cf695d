"""The accessible table: a caption, heads with scope, a head for each row, the marks explained below."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import pandas as pd

from pcref_analysis.display.output import INTERNAL, OTHERS, Shown, mark, nothing
from pcref_analysis.store.csv_text import to_csv

NUMBER = ' class="num"'
LEFT = 'style="text-align:left"'  # JupyterLab would set the heads of rows to the right


def of(
    released: Any,
    id: str,
    title: str,
    heads: Sequence[str],
    blocks: Sequence[tuple[str, list[list[str]]]],
    numeric: set[str],
) -> Shown:
    """Show blocks of rows of text, ``numeric`` the heads of numbers; where there is no row, say so."""
    if not any(rows for _, rows in blocks):
        return nothing(released, id, title, "nothing to show.")
    return table(id, title, heads, blocks, numeric, released.explanation, released, released.table)


def table(
    id: str,
    title: str,
    heads: Sequence[str],
    blocks: Sequence[tuple[str, list[list[str]]]],
    numeric: set[str],
    marks: str,
    source: Any,
    frame: pd.DataFrame,
) -> Shown:
    """Make the accessible table: a caption, heads with scope, a row head each line, the marks explained below.

    ``source`` (a Releasable or the parameters) says whether it is synthetic, and for whom.
    """
    head = "".join(f'<th scope="col"{NUMBER * (name in numeric)}>{escape(name)}</th>' for name in heads)
    body = []
    for block, rows in blocks:
        over = f'<tr class="block"><th scope="rowgroup" colspan="{len(heads)}" {LEFT}>{escape(block)}</th></tr>'
        lines = [over] if block else []
        for row in rows:
            first = f'<th scope="row" {LEFT}{_wide(row[0])}>{escape(row[0])}</th>'
            rest = "".join(_cell(text, name in numeric) for name, text in zip(heads[1:], row[1:], strict=True))
            lines.append(f"<tr>{first}{rest}</tr>")
        body.append(f"<tbody>{''.join(lines)}</tbody>")
    html = (
        f'<div class="scroll" id="{id}" tabindex="0" role="region" aria-label="{escape(title)}"><table>'
        f"<caption>{escape(title)}{mark(source)}</caption><thead><tr>{head}</tr></thead>{''.join(body)}</table></div>"
        f'<p class="marks">{escape(marks)}</p>'
    )
    empty = [c for c in frame if c.startswith(OTHERS) and frame[c].replace("", None).isna().all()]
    frame = frame.drop(columns=[*empty, *(c for c in frame if c.endswith(("_low_status", "_high_status")))])
    if source.synthetic:
        frame = frame.assign(synthetic="synthetic data")
    if source.audience == "internal":
        frame = frame.assign(audience=INTERNAL)
    record = {"id": id, "kind": "table", "title": title, "synthetic": source.synthetic, "marks": marks}
    lines = [" | ".join(heads)]
    for block, rows in blocks:
        lines += ([block] if block else []) + [" | ".join(row) for row in rows]
    return Shown(record=record | {"csv": to_csv(frame)}, text="\n".join([title, *lines]), html=html)


def _cell(text: str, number: bool) -> str:
    kind = NUMBER if number else ' class="words"' if len(text) > 40 else _wide(text)
    return f"<td{kind}>{escape(text)}</td>"


def _wide(text: str) -> str:
    """Names of groups and indicators get room, so that they do not stand a word a line."""
    return ' class="name"' if len(text) > 14 else ""
