"""How a page is laid out: its finding and contents first, charts before tables, long tables folded, nothing empty."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from html import escape
from typing import Any

from pcref_analysis.store.notebook_seals import MIME

LONG = 12  # lines of a table, or charts of a figure: of more some are folded; the file is linked below
FIRST = 8  # charts of a longer figure that stay open: those of the indicators whose findings come first
EMPTY = re.compile(r": nothing to (show|draw)")
IMAGE = re.compile(r"<img [^<>]*>")
SVG = re.compile(r'<img [^<>]*?src="(data:image/svg\+xml,[^"]*)"')
BLOCK = re.compile(r'(<th scope="rowgroup"[^>]*>)(.*?)(</th>)')
CELL = re.compile(r"<(t[hd])([^>]*)>(.*?)</\1>", re.DOTALL)
ROW = re.compile(r'<tr( class="block")?>(.*?)</tr>', re.DOTALL)
CARDS = 3  # columns from which a phone shows each line as a card
NONE = "None of these can be shown in this edition."
NOTHING = '<p class="marks">A dash (–): there is nothing to say or to work out.</p>'
MARKS = re.compile(r'<p class="marks">.*?</p>', re.DOTALL)
HEAD = re.compile(r"<h([23])[^>]*>(.*?)</h\1>", re.DOTALL)
METHOD = (  # part of a record's id -> its section of the method page; the first that fits
    ("recording-teams", "teams"),
    ("recording", "unknown"),
    ("priorities", "list"),
    ("-medians", "lengths"),
    ("-gaps", "gaps"),
    ("-forest", "gaps"),
    ("-comparators", "gaps"),
    ("-fitness", "gaps"),
    ("", "rates"),
)
LAST = ("## What cannot be answered here", "## What this does not show")  # no figures: they close a page
HEADING = re.compile(r"(#{2,3}) ")
WARNING = re.compile(r"\s*<blockquote>.*?</blockquote>", re.DOTALL)  # of what is hard to read: before all that is


def arranged(notebook: Any, badges: Mapping[str, tuple[str, str]] | None = None) -> Any:
    """Return a copy of an executed notebook as a page shows it; the notebook itself stays as it is.

    Within a section charts come before tables. What holds nothing is left out, with its heading. The marks are
    explained where they first stand, not under every table. ``badges`` holds the badge of each indicator and its place
    on the page, by the indicator's name; it stands where a table names the indicator.
    """
    page = copy.deepcopy(notebook)
    shown: set[str] = set()
    for cell in page.cells:
        cell["outputs"] = [
            one
            for one in cell.get("outputs", [])
            if not EMPTY.search(one.get("data", {}).get(MIME, {}).get("text", ""))
        ]
        for one in cell["outputs"]:
            record, html = one["data"].get(MIME, {}), one["data"].get("text/html", "")
            if record.get("kind") == "table":
                one["data"]["text/html"] = _table(html, record, shown, badges or {})
            elif record.get("kind") == "figure" and SVG.search(html):
                one["data"]["text/html"] = _figure(html, record, list(badges or {}))
    page.cells = [cell for part in _sections(page.cells) for cell in part]
    for cell in page.cells:
        if cell.cell_type == "markdown":
            cell.pop("outputs")
    return page


def with_contents(body: str, lead: str = "") -> str:
    """Return the body of a page with its finding (``lead``, HTML) and a list of contents below its heading.

    A quotation that follows the heading stays there: it warns of what the finding already says.
    """
    heads: list[tuple[str, str]] = []

    def named(found: re.Match[str]) -> str:
        if found[1] == "3":
            return found[0]
        heads.append((f"part-{len(heads) + 1}", found[2]))
        return f'<h2 id="{heads[-1][0]}">{found[2]}</h2>'

    body = HEAD.sub(named, body)
    lines = "".join(f'<li><a href="#{name}">{text}</a></li>' for name, text in heads)
    listed = f'<div class="contents" role="navigation" aria-label="On this page"><ul>{lines}</ul></div>'
    top, _, rest = body.partition("</h1>")
    warned = found[0] if (found := WARNING.match(rest)) else ""
    rest = rest.removeprefix(warned)
    return f"{top}</h1>{warned}{lead}{listed if len(heads) > 2 else ''}{rest}"


def _sections(cells: list[Any]) -> list[list[Any]]:
    """Return the cells section by section, each charts first; a section of outputs that are all
    empty is left out (or says so, where parts of it hold something), what a page cannot say closes it."""
    parts: list[list[Any]] = [[]]
    for cell in cells:
        if cell.cell_type == "markdown" and HEADING.match(cell.source):
            parts.append([])
        parts[-1].append(cell)
    kept: list[list[Any]] = []
    for number, part in enumerate(parts):
        code = [cell for cell in part if cell.cell_type == "code"]
        level = _level(part)
        if level and code and not any(cell["outputs"] for cell in code):
            end = next((n for n, one in enumerate(parts) if n > number and _level(one) <= level), len(parts))
            if any(_holds(one) for one in parts[number + 1 : end]):
                kept.append([cell for cell in part if cell.cell_type == "markdown"])
                kept[-1][0].source += f"\n\n{NONE}"
            continue
        kept.append(sorted(part, key=lambda cell: (cell.cell_type == "code", _rank(cell))))
    return sorted(kept, key=lambda part: bool(part) and part[0].source.startswith(LAST))


def _holds(part: list[Any]) -> bool:
    code = [cell for cell in part if cell.cell_type == "code"]
    return not code or any(cell["outputs"] for cell in code)


def _level(part: list[Any]) -> int:
    found = HEADING.match(part[0].source) if part and part[0].cell_type == "markdown" else None
    return len(found[1]) if found else 0


def _rank(cell: Any) -> int:
    kinds = [one["data"].get(MIME, {}).get("kind", "") for one in cell["outputs"]]
    return min((("text", "figure", "table").index(kind) for kind in kinds if kind), default=0)


def picture(name: str, number: int) -> str:
    """Return the file of a picture of a chart, in the folder of pictures."""
    return f"{name}-{number}.svg"


def _figure(html: str, record: Mapping[str, Any], names: list[str]) -> str:
    """Lead from each picture of a chart to its file, and put its links below it; fold all but the first of many.

    ``names`` are those of the indicators, those whose findings come first before the others.
    """
    images = IMAGE.findall(html)
    keys = [image for image in images if 'class="key"' in image]
    by_place = sorted(
        (image for image in images if image not in keys),
        key=lambda image: next((n for n, name in enumerate(names) if f'alt="{escape(name)}' in image), len(names)),
    )
    late = by_place[FIRST:] if len(by_place) > LONG else []
    folded: list[str] = []

    def linked(found: re.Match[str]) -> str:
        place = escape(picture(str(record["id"]), images.index(found[0]) + 1))
        link = f'<a href="pictures/{place}">{found[0]}</a>'
        folded.extend([link] if found[0] in late else [])
        return "" if found[0] in late else link

    html = IMAGE.sub(linked, html)
    more = (
        f"<details><summary>Charts of {len(late)} more indicators</summary>{''.join(folded)}</details>" if late else ""
    )
    return html.replace("</figure>", f"{more}</figure>") + _beside(
        record, "<span>Each picture leads to its file (SVG).</span>"
    )


def _beside(record: Mapping[str, Any], file: str) -> str:
    """Return the line below a table or chart: its file, how it was worked out, and a link to pass on."""
    place = next(place for part, place in METHOD if part in record["id"])
    hidden = f'<span class="hidden">: {escape(record["title"])}</span>'
    links = [
        file,
        f'<a href="method.html#{place}">How it was worked out{hidden}</a>',
        f'<a href="#{escape(record["id"])}">Link to this{hidden}</a>',
    ]
    return f'<p class="files">{" · ".join(links)}</p>'


def laid_out(html: str) -> str:
    """Return a table without columns that hold nothing, a dash where a cell is empty, fit for a phone.

    A wide one gets the head of its column at each cell, for the style sheet to show each line as a card, and roles,
    so that it stays a table to those who hear it.
    """
    heads, *lines = [CELL.findall(row) for block, row in ROW.findall(html) if not block] or [[]]
    if not lines or any(len(line) != len(heads) for line in lines):
        return html
    kept = [at for at in range(len(heads)) if any(line[at][2] for line in lines)]
    wide = len(kept) >= CARDS

    def cell(at: int, kind: str, given: str, words: str) -> str:
        if wide:
            role = "cell" if kind == "td" else "rowheader" if "row" in given else "columnheader"
            label = f' data-label="{heads[at][2]}"' if role == "cell" or 'scope="row"' in given else ""
            given += f' role="{role}"{label}'
        return f"<{kind}{given}>{words or '–'}</{kind}>"

    def row(found: re.Match[str]) -> str:
        cells = CELL.findall(found[2])
        shown = [cells[at] for at in kept] if not found[1] else cells
        line = "".join(cell(at, *one) for at, one in zip(kept, shown, strict=False))
        role = ' role="row"' * wide
        return f"<tr{found[1] or ''}{role}>{line}</tr>".replace(f'colspan="{len(heads)}"', f'colspan="{len(kept)}"')

    made = ROW.sub(row, html)
    if wide:
        made = made.replace('<div class="scroll"', '<div class="scroll cards"').replace(
            "<table>", '<table role="table">'
        )
        made = re.sub(r"<(thead|tbody)>", r'<\1 role="rowgroup">', made)
    return made + NOTHING * (">–</td>" in made)


def _table(html: str, record: dict[str, Any], shown: set[str], badges: Mapping[str, tuple[str, str]]) -> str:
    """Fold a long table, put badges to its indicators, its links below it, and explain the marks once a page."""

    def once(found: re.Match[str]) -> str:
        new = found[0] not in shown
        shown.add(found[0])
        return found[0] if new else ""

    def badged(found: re.Match[str]) -> str:
        names = [name for name in badges if re.match(rf"{re.escape(escape(name))}( \(|,|$)", found[2])]
        if not names:
            return found[0]
        badge, place = badges[max(names, key=len)]
        return f'{found[1]}{found[2]} <a class="badge" href="#{place}">{badge}</a>{found[3]}'

    table = laid_out(BLOCK.sub(badged, html))
    marks = "".join(once(found) for found in MARKS.finditer(table))
    table = MARKS.sub("", table)
    lines = html.count("<tr") - 1
    if lines > LONG and not table.startswith("<details"):
        words = f"Table: {escape(record['title'])} ({lines} lines)"
        table = f"<details><summary>{words}</summary>{table}</details>"
    words = f"{escape(record['title'])}: file (CSV)"
    return table + _beside(record, f'<a href="tables/{escape(record["id"])}.csv">{words}</a>') + marks
