"""What a page may hold: an allow-list of elements, attributes and links; everything else is shown as text.

The one place where HTML that a notebook or its author wrote meets a page. Words that staff write (names, reasons,
terms) never come here as HTML: tables and templates escape them, :func:`words` does so for Markdown.
"""

from __future__ import annotations

import re
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
    return _clean(html, [], strip=False)


def refused(html: str) -> list[str]:
    """Return what :func:`clean` would not let through: "an element that is not allowed", "href of a", ..."""
    found: list[str] = []
    if _clean(html, found, strip=True) != _clean(html, [], strip=False):
        found.append("an element that is not allowed")
    return sorted(set(found))


def _clean(html: str, found: list[str], strip: bool) -> str:
    import bleach

    def allowed(element: str, name: str, value: str) -> bool:
        good = name in ATTRIBUTES or name in OF_ELEMENTS.get(element, ())
        if name == "href":
            good = good and is_link(value)
        if name == "src":
            good = good and svg.texts(value) is not None
        if not good and (name, value) != ONLY_IN_JUPYTER:
            found.append(f"{name} of {element}")
        return good

    return bleach.clean(
        html, tags=ELEMENTS, attributes=allowed, protocols={"https", "mailto", "data"}, strip=strip, strip_comments=True
    )


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
