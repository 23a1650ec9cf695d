"""What a page may hold: an allow-list of elements, attributes and links; everything else is shown as text.

The one place where HTML that a notebook or its author wrote meets a page. Words that staff write (names, reasons,
terms) never come here as HTML: tables and templates escape them, :func:`words` does so for Markdown.
"""

from __future__ import annotations

import re
from string import ascii_lowercase
from urllib.parse import urlsplit

from pcref_analysis.display import svg

ELEMENTS = frozenset(
    [
        *("a", "abbr", "b", "blockquote", "br", "caption", "code", "dd", "del", "details", "div", "dl", "dt", "em"),
        *("figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "li", "ol", "p", "pre"),
        *("section", "small", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th"),
        *("thead", "tr", "ul"),
    ]
)
ATTRIBUTES = frozenset(
    ["aria-label", "class", "colspan", "data-label", "id", "open", "role", "rowspan", "scope", "tabindex", "title"]
)
OF_ELEMENTS = {"a": {"href"}, "img": {"src", "alt"}}
BEGUN = re.compile(r"</?([A-Za-z][^\s/>]*)")  # as the standard's tokenizer begins a tag
ADDRESS = re.compile(r"(?i)\b(?:href|src)\s*=")
SCHEMES = {"https", "mailto", "data"}
ONLY_IN_JUPYTER = ("style", "text-align:left")  # what JupyterLab needs; the pages have a style sheet
OWN = re.compile(r"(?![/\\])[\w./%-]*(#[\w.%-]*)?")
SYMBOLS = re.compile(r"""[&<>"'\\`*_\[\]#|~$!@{}]|:(?=\S)|(?<=www)\.|(?<=\()\(|^\s*[-+=]|(?<=^\d)[.)]""", re.IGNORECASE)


def words(text: object) -> str:
    """Return text for a place in Markdown where it means nothing but itself: no link, no markup, no HTML.

    Examples
    --------
    >>> words("<b>A *bold* claim</b>")
    '&#60;b&#62;A &#42;bold&#42; claim&#60;/b&#62;'
    """
    return SYMBOLS.sub(lambda found: "".join(f"&#{ord(c)};" for c in found[0]), " ".join(str(text).split()))


def clean(html: str) -> str:
    """Return HTML with the allowed elements and attributes; what else looks like an element is shown as text."""
    return _clean(html)[0]


def refused(html: str) -> list[str]:
    """Return what :func:`clean` would not let through: "href of a", "an address that is not allowed", ..."""
    return _clean(html)[1]


def _clean(html: str) -> tuple[str, list[str]]:
    """Return clean HTML, and what was refused.

    Elements are told apart before the parser sees them, for it drops what it does not allow: a reader shall see it.
    The parser has the last word on everything.
    """
    import nh3

    found: list[str] = []

    def element(begun: re.Match[str]) -> str:
        if begun[1].lower() in ELEMENTS:
            return begun[0]
        found.append("an element that is not allowed")
        return f"&lt;{begun[0][1:]}"

    def attribute(element: str, name: str, value: str) -> str | None:
        good = name in ATTRIBUTES or name in OF_ELEMENTS.get(element, ())
        if name == "href":
            good = good and is_link(value)
        if name == "src":
            good = good and svg.texts(value) is not None
        if not good and (name, value) != ONLY_IN_JUPYTER:
            found.append(f"{name} of {element}")
        return value if good else None

    text = BEGUN.sub(element, html)
    cleaned = nh3.clean(
        text, tags=set(ELEMENTS), clean_content_tags=set(), attributes={},
        generic_attribute_prefixes=set(ascii_lowercase), attribute_filter=attribute, link_rel=None,
        url_schemes=SCHEMES,
    )  # fmt: skip
    if not found and len(ADDRESS.findall(cleaned)) < len(ADDRESS.findall(text)):  # dropped for its scheme, unasked
        found.append("an address that is not allowed")
    return cleaned, sorted(set(found))


def is_link(target: str) -> bool:
    """Say whether a link leads to https, to a mail address, or to a page or place of the report itself."""
    if OWN.fullmatch(target):
        return True
    try:
        parts = urlsplit(target)
    except ValueError:
        return False
    known = (parts.scheme == "https" and bool(parts.hostname)) or (parts.scheme == "mailto" and "@" in target)
    return known and re.fullmatch(r"[!-~]+", target) is not None
