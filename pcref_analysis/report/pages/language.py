"""Pages in other languages: the finished English pages, text by text, through one gettext catalogue a language.

A report is made and checked in English; what is translated is the page as readers get it. The key of an entry is an
English sentence of a page: its numbers, days and the names of indicators, groups and tables are named places
(``{n1} of {n2} ratios``), its links and emphases numbered marks (``See <1>the method</1>``). So a translator needs no
code, and no number passes through a translator's hands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape, unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

from pcref_analysis.display import formats, svg
from pcref_analysis.priorities import wording
from pcref_analysis.report.pages import dashboard, terms
from pcref_analysis.vocabulary import ethnicity, indicators
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import Parameters, parameters_folder

INLINE = frozenset(["a", "abbr", "b", "code", "em", "i", "span", "strong", "sub", "sup"])
TOKEN = re.compile(r"(<(?:style|script)\b.*?</(?:style|script)>|<[^>]*>)", re.DOTALL)
MARK = re.compile(r"</?(\d+)>")
PLACE = re.compile(r"\{((?:n|day|name|list)\d+)\}")
ATTRIBUTE = re.compile(r'\b(alt|aria-label|data-label|title|href|src|value)="([^"]*)"')
SENTENCES = re.compile(r"(?<=[.?!])((?:</\d+>)*)\s+(?=(?:<\d+>)*[A-Z\[“])|(?<=:)(</\d+>)\s+| · |; ")
DAY = rf"\d{{1,2}} (?:{'|'.join(formats.MONTHS)}) \d{{4}}"
NUMBER = rf"(?<![\w.<])(?<!</)[+{formats.MINUS}-]?\d+(?:,\d{{3}})*(?:\.\d+)?(?:-\d\d)?(?!\w)"
FIGURE = rf"{NUMBER}(?: \({NUMBER} to {NUMBER}\))?"
CODE = re.compile(r"[\w.]*(?:_|[a-z][A-Z]|\d|[A-Z]{3})[\w.]*|\[[cxz]\]")  # no words
OWN = re.compile(r"(tables|released)/|dictionary\.html|[\w-]+\.(xlsx|json|docx|pdf)$")  # there in English alone


class Translator:
    """One language: its catalogue, the names that stand in sentences, and what has no translation yet."""

    def __init__(self, catalogue: Mapping[str, str], names: Iterable[str]) -> None:
        self.names = frozenset(name for name in names if re.search("[A-Z]", name))
        name = rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(self.names, key=len, reverse=True))) or '(?!)'})(?!\w)"
        item = rf"{name}(?: {FIGURE})?"
        self.places = re.compile(rf"(?P<list>{item}(?:, {item})+)|(?P<name>{name})|(?P<day>{DAY})|(?P<n>{FIGURE})")
        self.catalogue = catalogue
        self.keys: dict[str, None] = {}  # of all that was asked for, in the order of the pages

    def text(self, words: str) -> str:
        """Translate plain text; what has no entry stays English."""
        return "".join(self._sentence(one)[0] if at % 2 == 0 else one for at, one in enumerate(_split(words)))

    def key(self, sentence: str) -> tuple[str, dict[str, str]]:
        """Return the key of a sentence and what stands in its named places.

        Examples
        --------
        >>> Translator({}, ["Black people"]).key("About 75 more among Black people than on 2 May 2026")
        ('About {n1} more among {name1} than on {day1}', {'n1': '75', 'name1': 'Black people', 'day1': '2 May 2026'})
        """
        if sentence in self.names:
            return sentence, {}
        found: dict[str, str] = {}

        def named(hit: re.Match[str]) -> str:
            kind = str(hit.lastgroup)
            name = f"{kind}{1 + sum(place.rstrip('0123456789') == kind for place in found)}"
            found[name] = hit[0]
            return f"{{{name}}}"

        return self.places.sub(named, sentence), found

    def _sentence(self, sentence: str) -> tuple[str, bool]:
        """Return a sentence in the language, and whether it is."""
        key, values = self.key(sentence)
        given = {place: self._value(place, value) for place, value in values.items()}
        ready: str | None = key  # of numbers, names and codes alone
        if re.search(r"[^\W\d_]", MARK.sub("", PLACE.sub("", key))) and not CODE.fullmatch(key):
            ready = self._entry(key)
        return (PLACE.sub(lambda place: given[place[1]], ready), True) if ready else (sentence, False)

    def _entry(self, key: str) -> str | None:
        self.keys[key] = None
        return self.catalogue.get(key)

    def _value(self, place: str, value: str) -> str:
        """Return what stands in a place: a number as it is, of anything else its words in the language."""
        if place.startswith("list"):
            return ", ".join(self._sentence(item)[0] for item in re.split(r", (?=\D)", value))
        if place.startswith("name"):
            return self._sentence(value)[0]
        numbers = re.findall(NUMBER, value)
        if value in numbers:
            return value
        key = value
        for at, number in enumerate(numbers, start=1):
            key = re.sub(rf"(?<![\w.{{]){re.escape(number)}(?!\w)", f"{{n{at}}}", key, count=1)
        return PLACE.sub(lambda hit: numbers[int(hit[1][1:]) - 1], self._entry(key) or key)

    def page(self, html: str, code: str, right_to_left: bool) -> str:
        """Translate a whole page: its texts, descriptions, pictures and, of the dashboard, its embedded words."""
        html = re.sub(r'<p class="languages">.*?</p>\n', "", re.sub(r'<a class="term"[^>]*>(.*?)</a>', r"\1", html))
        out, run = list[str](), list[str]()
        for token in TOKEN.split(html):
            name = re.match(r"</?(\w+)", token)
            if name and name[1] not in INLINE:
                out += [self._run(run), self._element(token)]
                run = []
            else:
                run.append(self._element(token) if name else token)
        made = "".join([*out, self._run(run)])
        known = [terms.Term(one.name, "", "", f"(?i:{re.escape(self.text(one.word))})") for one in terms.known()]
        top, body, rest = made.partition('<main id="main">')
        direction = "rtl" if right_to_left else "ltr"
        top = re.sub(r'<html lang="[^"]*" dir="[^"]*">', f'<html lang="{code}" dir="{direction}">', top)
        main, foot, rest = rest.partition("</main>")
        return f"{top}{body}{terms.linked(main, known)}{foot}{rest}"

    def picture(self, drawn: str) -> str:
        """Translate the words of an SVG; where they became longer it has more room at its sides."""
        more = [0]

        def said(found: re.Match[str]) -> str:
            words = unescape(found[2])
            new = self.text(words)
            more.append(len(new) - len(words) if found[1].startswith("<text") else 0)
            return f"{found[1]}{escape(new)}{found[3]}"

        made = re.sub(r"(<(?:title|text\b[^>]*)>)([^<]*)(</)", said, drawn)
        room = 7 * max(more)
        return re.sub(
            r"width='([\d.]+)' (height='[\d.]+') viewBox='0 0 [\d.]+ ([\d.]+)'",
            lambda at: f"width='{(wide := f'{float(at[1]) + 2 * room:g}')}' {at[2]} viewBox='{-room} 0 {wide} {at[3]}'",
            made, count=1,
        )  # fmt: skip

    def _run(self, run: list[str]) -> str:
        """Translate a text with the links and emphases in it, sentence by sentence."""
        if not re.search(r"[^\W\d_]", "".join(part for part in run if not part.startswith("<"))):
            return "".join(run)
        tags, opened, text = dict[str, str](), list[str](), ""
        for part in run:
            if not part.startswith("<"):
                text += re.sub(r"\s+", " ", unescape(part))
            elif part.startswith("</"):
                name = opened.pop() if opened else str(len(tags) + 1)
                tags[f"/{name}"] = part
                text += f"</{name}>"
            else:
                name = str(len(tags) + 1 - sum(one.startswith("/") for one in tags))
                opened.append(name)
                tags[name] = part
                text += f"<{name}>"
        said = escape("".join(piece if at % 2 else self._piece(piece) for at, piece in enumerate(_split(text))))
        said = said.replace("\0", '<span lang="en-GB" dir="ltr">').replace("\1", "</span>")
        return re.sub(r"&lt;(/?\d+)&gt;", lambda mark: tags.get(mark[1], mark[0]), said)

    def _piece(self, piece: str) -> str:
        """Translate one sentence of a run, its marks numbered from 1, without those that hold it whole."""
        before, after = re.match(r"\s*", piece)[0], re.search(r"\s*$", piece)[0]  # type: ignore[index]
        inner = piece[len(before) : len(piece) - len(after) or None]
        while (whole := re.fullmatch(r"<(\d+)>(.*)</\1>", inner)) and f"<{whole[1]}>" not in whole[2]:
            before, inner, after = f"{before}<{whole[1]}>", whole[2], f"</{whole[1]}>{after}"
        numbers = {old: str(new) for new, old in enumerate(dict.fromkeys(MARK.findall(inner)), start=1)}
        back: dict[Any, str] = {new: old for old, new in numbers.items()}
        asked = MARK.sub(lambda mark: mark[0].replace(mark[1], numbers[mark[1]]), inner)
        said, done = self._sentence(asked)
        said = MARK.sub(lambda mark: mark[0].replace(mark[1], back.get(mark[1], str(mark[1]))), said)
        return f"{before}{said}{after}" if done else f"{before}\0{said}\1{after}"

    def _element(self, token: str) -> str:
        """Translate what an element says in its attributes, and the words that the dashboard holds."""
        if token.startswith('<script type="application/json"'):
            return dashboard.translated(token, self.text)
        if token.startswith(("<style", "<script", "<meta", "<html")):
            return token

        def said(found: re.Match[str]) -> str:
            name, value = found[1], unescape(found[2])
            if name == "src":
                return f'src="{svg.uri(self.picture(unquote(value.removeprefix(svg.START))))}"'
            if name == "href":
                if "indicator=" in value and value.startswith("#"):
                    value = "#" + urlencode(
                        [(key, self.text(one) if key != "measure" else one) for key, one in parse_qsl(value[1:])]
                    )
                return f'href="{escape(f"../{value}" if OWN.match(value) else value)}"'
            return f'{name}="{escape(self.text(value))}"'

        return ATTRIBUTE.sub(said, token)


def _split(text: str) -> list[str]:
    """Return sentences and, at every odd place, what stands between; no sentence ends within a link or an emphasis."""
    out, begin = [], 0
    for hit in SENTENCES.finditer(text):
        end = hit.start() + len(hit[1] or hit[2] or "")
        before = text[begin:end]
        if before and before.count("</") == len(re.findall(r"<\d", before)) and before.count("(") == before.count(")"):
            out += [before, text[end : hit.end()]]
            begin = hit.end()
    return [*out, text[begin:]]


def catalogues(run: str) -> dict[str, Path]:
    """Return the catalogue of each language of a run, by its code: ``notebooks/parameters/<run>-<code>.po``."""
    found = sorted(parameters_folder().glob(f"{run}-*.po"))
    named = {path.stem.removeprefix(f"{run}-"): path for path in found}
    return {code: path for code, path in named.items() if re.fullmatch(r"[a-z]{2,3}(-[A-Z]\w+)?", code)}


def read(path: Path) -> dict[str, str]:
    """Return what a catalogue translates.

    Raises
    ------
    PcrefError
        If the file is no catalogue, or an entry lacks a place of its sentence, or has one or a number that it has not.
    """
    from babel.messages import pofile

    try:
        with path.open("rb") as file:
            held = pofile.read_po(file, abort_invalid=True)
    except (pofile.PoFileError, UnicodeDecodeError, ValueError) as error:
        raise PcrefError(f"{path.name}: no gettext catalogue: {error}. Open it in a program for translators.") from None
    said = {str(one.id): str(one.string) for one in held if one.id and one.string and not one.fuzzy}
    odd = [key for key, words in said.items() if _places(key) != _places(words)]
    if odd:
        raise PcrefError(
            f"{path.name}: {len(odd)} {'entry has' if len(odd) == 1 else 'entries have'} other places or numbers than "
            f"the sentence, first '{odd[0][:80]}'. "
            "Each place such as {n1} or <1> has to stand in both, and no other number."
        )
    return said


def _places(words: str) -> list[str]:
    rest = MARK.sub("", PLACE.sub("", words))
    return sorted([*PLACE.findall(words), *(mark[0] for mark in MARK.finditer(words)), *re.findall(r"\d+", rest)])


def names(folder: Path, parameters: Parameters) -> set[str]:
    """Return the names that sentences of an edition hold: indicators, groups and the words for their people, tables."""
    said = wording.words(parameters.terms)
    groups = {*ethnicity.categories()["ethnic_group"], *ethnicity.categories()["broad_group"], *said["groups"]}
    titles = {unescape(one).strip() for page in folder.glob("*.html")
              for one in re.findall(r"<(?:fig)?caption>([^<]*)", page.read_text(encoding="utf-8"))}  # fmt: skip
    people = {wording.people(group, said) for group in groups} - {"everyone"}
    return {*groups, *people, *titles, *(entry.name for entry in indicators.catalogue().values())}


def write(folder: Path, parameters: Parameters) -> None:
    """Write the pages of an edition in each language that the run has a catalogue of, and links between them.

    ``folder`` holds a whole edition in English; ``<code>/`` in it will hold the pages and pictures of a language.
    Tables, the workbook and the papers stay English, and the pages lead to them.

    Raises
    ------
    PcrefError
        As :func:`read`; or if the code of a language is not known.
    """
    found = catalogues(parameters.run)
    pages = _pages(folder)
    listed = {"": ("en-GB", "English", False)} | {code: (code, *_language(code)) for code in found}
    for code, path in found.items():
        one = Translator(read(path), names(folder, parameters))
        (folder / code / "pictures").mkdir(parents=True)
        for page in pages:
            _put(
                folder / code / page.name,
                _linked(one.page(page.read_text(encoding="utf-8"), code, listed[code][2]), code, page.name, listed),
            )
        for picture in sorted((folder / "pictures").glob("*.svg")):
            _put(folder / code / "pictures" / picture.name, one.picture(picture.read_text(encoding="utf-8")))
    for page in pages if found else ():
        _put(page, _linked(page.read_text(encoding="utf-8"), "", page.name, listed))


def update(folder: Path, parameters: Parameters, code: str) -> tuple[Path, int, int]:
    """Bring the catalogue of a language up to the sentences of an edition; return it, the number done, and of how many.

    What is translated stays; a sentence that resembles an old one gets its translation as a proposal ("fuzzy").
    """
    from babel.messages import catalog, pofile

    _language(code)
    if code.lower().split("-")[0] == "en":
        raise PcrefError("words: the pages are in English already. Name another language: Welsh is cy, Polish pl.")
    if not _pages(folder):
        raise PcrefError(
            f"words: there is no report of {parameters.run} yet. Make it first: pcref report {parameters.run}"
        )
    path = parameters_folder() / f"{parameters.run}-{code}.po"
    one = Translator({}, names(folder, parameters))
    for page in _pages(folder):
        one.page(page.read_text(encoding="utf-8"), code, False)
    wanted = catalog.Catalog(project="pcref-analysis pages", charset="utf-8")
    for key in one.keys:
        wanted.add(key)
    held = wanted
    if path.is_file():
        with path.open("rb") as file:
            held = pofile.read_po(file, locale=code)
        held.update(wanted)
    else:
        held.locale = code
    with path.open("wb") as file:
        pofile.write_po(file, held, width=110, omit_header=False)
    done = sum(bool(entry.string) and not entry.fuzzy for entry in held if entry.id)
    return path, done, len(one.keys)


def _language(code: str) -> tuple[str, bool]:
    """Return what a language calls itself, and whether it is written from right to left."""
    from babel import Locale, UnknownLocaleError

    try:
        known = Locale.parse(code, sep="-")
    except (UnknownLocaleError, ValueError):
        raise PcrefError(f"language: '{code}' is no code of a language. Welsh is cy, Polish pl, Urdu ur.") from None
    return str(known.get_display_name() or code).capitalize(), known.text_direction == "rtl"


def _linked(html: str, here: str, name: str, listed: Mapping[str, tuple[str, str, bool]]) -> str:
    """Put the other languages of a page above the list of pages."""
    up = "../" if here else ""
    links = " · ".join(f'<a href="{up}{code}{"/" * bool(code)}{name}" lang="{tag}" hreflang="{tag}">{escape(words)}</a>'
                       for code, (tag, words, _) in listed.items() if code != here)  # fmt: skip
    return html.replace("<nav ", f'<p class="languages">{links}</p>\n<nav ', 1)


def _pages(folder: Path) -> list[Path]:
    """Return the pages for readers; the data dictionary is for analysts, and names the columns of English tables."""
    return [page for page in sorted(folder.glob("*.html")) if page.name != "dictionary.html"]


def _put(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
