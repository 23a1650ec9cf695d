"""The board paper (DOCX, PDF), slides (PDF) and the easy-read page, in the landing page's sentences and no others."""

from __future__ import annotations

import io
import json
import re
import unicodedata
import zipfile
from collections.abc import Mapping
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from pcref_analysis.report.pages import landing, main_points, render
from pcref_analysis.report.pages.main_points import MainPoints
from pcref_analysis.vocabulary.errors import PcrefError

WHY = "Numbers by themselves do not say why a gap is there, and a small group can matter most."
FIXED = (2000, 1, 1, 0, 0, 0)  # the date of every part of the file, so that the same paper is the same bytes
BOARD, PDF, EASY = "board-paper.docx", "board-paper.pdf", "easy-read.html"
SLIDES, FIRST = "slides.pdf", 3  # points with a slide of their own
SIZES = (22, 20, 18, 16, 14, 12)  # points of text
Pictures = Mapping[str, tuple[bytes, str]]  # the picture (PNG) of each block "figure" and what it says, by its text


def paper(points: MainPoints, about: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the board paper as blocks (``kind``, ``text``), which DOCX and PDF both show word by word.

    Kinds: ``title``, ``mark``, ``h1``, ``h2``, ``text``, ``fact`` ("label: text"), ``bullet``.
    """
    blocks = [("title", "Race equality in our care: paper for the Board")]
    if about["synthetic"]:
        blocks.append(("mark", "Synthetic data: an invented Trust. Nothing here is a finding about any real Trust."))
    if about["audience"] == "internal":
        blocks.append(("mark", "Internal: not for publication. Small numbers are shown."))
    if about["sign_off"]:
        blocks.append(("mark", about["sign_off"]))
    day = f", {about['edition_day']}" if about["edition_day"] else ""
    blocks.append(("text", f"{about['trust']}, {about['period_text']}, edition {about['edition']}{day}."))
    asked = (
        "To note what people agreed, to name an owner, a date and a measure of success for each point where none is "
    )
    asked += "recorded, and to say what it wants to see next."
    blocks += [("h1", "What the Board is asked"), ("text", asked)]
    blocks += [("h1", points.heading), ("text", points.compared), ("text", points.whose), ("text", points.lead)]
    for number, point in enumerate(points.points, start=1):
        blocks += [("h2", f"{number}. {point.title}"), ("text", point.words)]
        blocks += [("fact", f"Is it getting better? {point.trend}"),
                   ("fact", f"Can we trust it? {point.trust}. {point.why}"),
                   ("fact", f"What was done? {point.done}")]  # fmt: skip
    if points.more:
        blocks.append(("text", f"{points.more} more on the list stand in the report."))
    blocks.append(("figure", ""))
    if points.strengths:
        blocks += [("h1", "Where levels are equal or better"), *(("bullet", one) for one in points.strengths)]
    if points.since:
        blocks += [("h1", "What changed since the last edition"), *(("bullet", one) for one in points.since)]
    blocks += [("h1", "How far these figures can be trusted"), ("text", points.data), ("text", about["rule_text"])]
    blocks.append(("text", WHY))
    whom = about["contact"] or "the Trust’s lead for the Patient and Carer Race Equality Framework"
    following = f" Next edition: {about['next_edition']}." if about["next_edition"] else ""
    blocks += [("h1", "Who to ask"), ("text", f"{whom}.{following} Licence: {about['licence']}.")]
    return [(kind, text) for kind, text in blocks if text or kind == "figure"]


def write(folder: Path, points: MainPoints, picture: tuple[bytes, str] | None, about: Mapping[str, Any]) -> None:
    """Write the board paper as DOCX and PDF: numbers compared with the released rows, then both files read back.

    No other words or numbers than the main points and what every page says (``about``) stand in the papers; ``picture``
    is the figure (PNG) and what it says in words, ``None`` where there is none.

    Raises
    ------
    PcrefError
        If a paper holds a number that no released row holds, or a file, read back, has other words.
    """
    blocks = [block for block in paper(points, about) if picture or block[0] != "figure"]
    said = _said("the board paper", blocks, points, about)
    (folder / BOARD).write_bytes(docx(blocks, picture))
    (folder / PDF).write_bytes(pdf(blocks, {"": picture} if picture else {}))
    same = {BOARD: read_back(folder / BOARD) == said, PDF: read_pdf_back(folder / PDF) == _unspaced("".join(said))}
    for name in (name for name, holds in same.items() if not holds):
        raise PcrefError(f"check: {name} holds other words than the board paper; nothing was published.")


def slides(points: MainPoints, about: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return five to seven slides for a meeting as blocks like those of :func:`paper`: each ``h1`` begins a slide.

    The five answers, the first points one by one, what was done, how far the figures can be trusted; the marks of the
    paper on every slide.
    """
    whole, first = paper(points, about), points.points[:FIRST]
    marks = [block for block in whole if block[0] == "mark"]
    edition = next(text for kind, text in whole if kind == "text")
    asked = [("fact", " ".join(filter(None, [one, said, "; ".join(some)])))
             for one, said, some in landing.answers(points) if said or some]  # fmt: skip
    found = [("Race equality in our care", [("text", edition), ("text", points.compared), ("text", points.whose)]),
             (points.heading, [("text", points.lead), *asked])]  # fmt: skip
    for number, point in enumerate(first, start=1):
        rest = [("text", point.words), ("figure", str(number)), ("fact", f"Is it getting better? {point.trend}")]
        found.append((f"{number}. {point.title}", rest))
    if points.points:
        found.append(("What was done", [("bullet", f"{one.title}: {one.done}") for one in points.points]))
    trust = [("bullet", f"{one.title}: {one.trust}. {one.why}") for one in first]
    found.append(("How far these figures can be trusted", [*trust, ("text", points.data), ("text", WHY)]))
    blocks = [one for head, rest in found for one in (("h1", head), *marks, *rest) if one[1]]
    return [("title", found[0][0]), *blocks[1:]]


def write_slides(folder: Path, points: MainPoints, pictures: Pictures, about: Mapping[str, Any]) -> None:
    """Write the slides as PDF, in the largest text of :data:`SIZES` that leaves each on one page; checked as the paper.

    Raises
    ------
    PcrefError
        As :func:`write`.
    """
    blocks = [block for block in slides(points, about) if block[0] != "figure" or block[1] in pictures]
    said = _said(SLIDES, blocks, points, about)
    wanted = sum(kind in ("title", "h1") for kind, _ in blocks)
    for size in SIZES:
        (folder / SLIDES).write_bytes(pdf(blocks, pictures, size))
        if pages_of(folder / SLIDES) == wanted:
            break
    else:
        raise PcrefError(f"check: {SLIDES}: a slide has too many words for one page; shorten the Trust's own words and "
                         "those of the engagement record. Nothing was published.")  # fmt: skip
    if read_pdf_back(folder / SLIDES) != _unspaced("".join(said)):
        raise PcrefError(f"check: {SLIDES} holds other words than the slides; nothing was published.")


def _said(name: str, blocks: list[tuple[str, str]], points: MainPoints, about: Mapping[str, Any]) -> list[str]:
    """Return the words of the blocks, their numbers compared with the released rows."""
    said = [text for kind, text in blocks if kind != "figure"]
    main_points.check(name, "\n".join(said), points, about)
    return said


def pages_of(path: Path) -> int:
    """Return how many pages a PDF file has."""
    from pypdf import PdfReader

    return len(PdfReader(path).pages)


def read_pdf_back(path: Path) -> str:
    """Return the words of a PDF file without spaces (a line may break within a word), bullets and numbers of pages."""
    from pypdf import PdfReader

    pages = PdfReader(path).pages
    lines = [
        line
        for number, page in enumerate(pages, 1)
        for line in page.extract_text().splitlines()
        if line.strip() != f"{number} of {len(pages)}"
    ]
    return _unspaced("".join(lines))


def _unspaced(text: str) -> str:
    return re.sub(r"[\s\u2022\u00ad\u200b\u200c\u200d\ufeff]", "", unicodedata.normalize("NFKC", text))


def read_back(path: Path) -> list[str]:
    """Return every paragraph of a Word file that holds words: in its body, tables, heads and feet."""
    from docx import Document
    from docx.oxml.ns import qn
    from docx.text.paragraph import Paragraph

    document = Document(str(path))
    parts = [document.element, *(part._element for s in document.sections for part in (s.header, s.footer))]
    found = [Paragraph(line, document).text for part in parts for line in part.iter(qn("w:p"))]
    return [text for text in found if text]


def easy_read(points: MainPoints, about: Mapping[str, Any]) -> str:
    """Return the body of the easy-read page: one idea a sentence, no tables, room for a picture beside each."""
    body = render.fragment("easy.html.j2", main=points, about=about)
    said = render.text_of(body)
    main_points.check("the easy-read page", said, points, about)
    years = reading_age(render.text_of(re.sub(r"</(h1|h2|p)>", ". ", body)))
    said = f"Reading age of this page: about {years:.0f} years (Flesch-Kincaid)."
    return f'{body}<p class="meta">{said}</p>\n'


def reading_age(text: str) -> float:
    """Return the age in years at which people can usually read an English text: Flesch-Kincaid grade plus five.

    Syllables are counted as groups of vowels, without a silent e at the end. It says how long words and sentences
    are, not whether people understand a page: that takes readers with a learning disability who try it.

    References
    ----------
    Kincaid, Fishburne, Rogers and Chissom (1975), Derivation of new readability formulas for Navy enlisted personnel.

    Examples
    --------
    >>> round(reading_age("The cat sat on the mat. The dog ran away."), 2)  # 10 words, 2 sentences, 11 syllables
    4.34
    """
    sentences = [one for one in re.split(r"[.?!:]+(?:\s|$)", text) if re.search(r"[A-Za-z]", one)]
    words = re.findall(r"[A-Za-z]+(?:['’][A-Za-z]+)*", text)
    if not words:
        return 0.0
    syllables = sum(max(1, len(re.findall(r"[aeiouy]+", re.sub(r"(?<=[^aeiouyl])e$", "", w.lower())))) for w in words)
    return 0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59 + 5


def docx(blocks: list[tuple[str, str]], picture: tuple[bytes, str] | None) -> bytes:
    """Return the paper as a Word document with real headings, its language and its picture described."""
    from docx import Document
    from docx.oxml.ns import qn
    from docx.shared import Cm, Pt

    document = Document()
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21.0), Cm(29.7)
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Cm(2.0)
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = "Arial", Pt(11)
    language = normal.element.get_or_add_rPr().makeelement(qn("w:lang"), {qn("w:val"): "en-GB"})
    normal.element.get_or_add_rPr().append(language)
    for kind, text in blocks:
        if kind in ("title", "h1", "h2"):
            head = document.add_heading(text, {"title": 0, "h1": 1, "h2": 2}[kind])
            for run in head.runs:
                run.font.name = "Arial"
        elif kind == "figure" and picture:
            document.add_picture(io.BytesIO(picture[0]), width=Cm(12))
            for named in document.inline_shapes:
                named._inline.docPr.set("descr", picture[1])
        elif kind == "fact":
            label, _, rest = text.partition("? ")
            line = document.add_paragraph()
            line.add_run(f"{label}? ").bold = True
            line.add_run(rest)
            line.paragraph_format.space_after = Pt(2)
        else:
            line = document.add_paragraph(text, style="List Bullet" if kind == "bullet" else None)
            line.runs[0].bold = kind == "mark"
    facts = document.core_properties
    facts.title, facts.author, facts.language = blocks[0][1], "pcref-analysis", "en-GB"
    facts.created = facts.modified = datetime(*FIXED)
    held = io.BytesIO()
    document.save(held)
    return same_bytes(held.getvalue())


def same_bytes(made: bytes, changes: Mapping[str, tuple[str, str]] | None = None) -> bytes:
    """Write a ZIP file again with one date for all of its parts; ``changes`` replace a text by another, by part."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            before, after = (changes or {}).get(name, ("", ""))
            part = source.read(name)
            part = part.replace(before.encode(), after.encode()) if before else part
            target.writestr(zipfile.ZipInfo(name, FIXED), part, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def pdf(blocks: list[tuple[str, str]], pictures: Pictures, slides: int = 0) -> bytes:
    """Return blocks as a tagged PDF that claims PDF/UA-1; typst refuses what lacks a title or a description.

    A paper, or slides (16:9) in text of so many points, each ``h1`` on a page of its own. Words reach typst as data,
    never as its source, so that nothing written in a name or a reason is run.

    Raises
    ------
    PcrefError
        If the words hold a letter that the font of the PDF has not.
    """
    import tempfile

    import typst

    source = (render.template_folder() / "board.typ").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        place = Path(scratch)
        (place / "board.typ").write_text(source, encoding="utf-8")
        for name, (drawn, _) in pictures.items():
            (place / f"figure{name}.png").write_bytes(drawn)
        alts = {name: words for name, (_, words) in pictures.items()}
        lists = [[*run] for _, run in groupby(enumerate(blocks), lambda one: -1 if one[1][0] == "bullet" else one[0])]
        shown = [(run[0][1][0], [words for _, (_, words) in run]) for run in lists]  # bullets in a row are one list
        facts = {"blocks": shown, "alts": alts, "slides": slides}
        inputs = {"facts": json.dumps(facts, ensure_ascii=False)}
        try:
            return typst.compile(
                str(place / "board.typ"), sys_inputs=inputs, pdf_standards="ua-1", timestamp=946_684_800,
                ignore_system_fonts=True,
            )  # fmt: skip
        except typst.TypstError as error:  # an accessible PDF may not show a box where a letter should be
            if not (letter := re.search(r"the text `(.*)` could not be displayed", str(error))):
                raise
            raise PcrefError(
                f"board paper: the font of the PDF has no letter {letter[1]}. Write the words that hold it "
                "(record of engagement, names in the parameters) in Latin, Greek, Cyrillic, Arabic or Hebrew letters."
            ) from None
