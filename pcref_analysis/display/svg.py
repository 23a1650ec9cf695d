"""Charts as small SVG pictures: what matplotlib draws, without what a reader does not need; and what one may hold.

A picture is text, so it is compared, searched and checked like text. It stands in an ``img`` element, where no script
runs and nothing is loaded; :func:`texts` reads the words and numbers that it shows back.
"""

from __future__ import annotations

import io
import re
from html import escape
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

NAMESPACE = "http://www.w3.org/2000/svg"
START = "data:image/svg+xml,"
FONT = "Arial,Helvetica,sans-serif"
ELEMENTS = frozenset(["svg", "title", "style", "defs", "path", "use", "text"])
ATTRIBUTES = frozenset(["class", "d", "height", "href", "id", "role", "transform", "viewBox", "width", "x", "y"])
STYLE = re.compile(r"(?:\.?[a-z][a-z0-9]*\{[a-z0-9#:;.,% -]*\})*", re.IGNORECASE)  # no url(), no @import
KEPT = (
    "fill",
    "stroke",
    "stroke-width",
    "stroke-dasharray",
    "stroke-opacity",
    "text-anchor",
    "font-size",
    "font-weight",
)
NUMBER = re.compile(r"-?\d+\.\d+")


def of(figure: Any, title: str) -> str:
    """Return a matplotlib figure (72 dots per inch) as a small SVG, the same on every machine.

    Its text stays text, in the font of the pages; ``title`` is what those call it who cannot see it.
    """
    from matplotlib import rc_context

    drawn = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "pcref"}):
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    root = ElementTree.fromstring(drawn.getvalue())
    width, height = (root.get(name, "").removesuffix("pt") for name in ("width", "height"))
    shapes: dict[str, tuple[str, str]] = {}
    classes: dict[str, str] = {}
    body = "".join(_leaves(root, shapes, classes))
    defined = "".join(f"<path id='{name}' d='{d}'/>" for name, d in dict.fromkeys(shapes.values()))
    style = "".join(f".{name}{{{rules}}}" for rules, name in classes.items())
    return (
        f"<svg xmlns='{NAMESPACE}' role='img' width='{_short(width)}' height='{_short(height)}' "
        f"viewBox='0 0 {_short(width)} {_short(height)}'><title>{escape(title)}</title>"
        f"<style>text{{font-family:{FONT}}}{style}</style><defs>{defined}</defs>{body}</svg>"
    )


def png(figure: Any) -> bytes:
    """Return a figure as a PNG of 128 colours, for papers that hold no SVG."""
    from PIL import Image

    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=216, metadata={"Software": None})
    Image.open(drawn).convert("RGB").quantize(128).save(small, format="png", optimize=True)
    return small.getvalue()


def uri(svg: str) -> str:
    """Return an SVG as the address of a picture, readable, with only those signs encoded that HTML or URIs need."""
    signs = {"%": "%25", "#": "%23", "<": "%3C", ">": "%3E", '"': "%22", "&": "%26", "\n": " "}
    return START + svg.translate({ord(sign): words for sign, words in signs.items()})


def texts(address: str) -> list[str] | None:
    """Return the words and numbers that a picture shows, title first; ``None`` where it is no chart of ours.

    Examples
    --------
    >>> texts(uri("<svg xmlns='http://www.w3.org/2000/svg'><title>Levels</title><text x='1' y='2'>White</text></svg>"))
    ['Levels', 'White']
    >>> texts(uri("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")) is None
    True
    """
    svg = unquote(address.removeprefix(START))
    if not address.startswith(START) or "<!" in svg or "<?" in svg:
        return None
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError:
        return None
    for one in root.iter():
        name = one.tag.removeprefix(f"{{{NAMESPACE}}}")
        odd = name not in ELEMENTS or not set(one.attrib) <= ATTRIBUTES or not one.get("href", "#").startswith("#")
        if odd or (name == "style" and not STYLE.fullmatch(one.text or "")):
            return None
        if name not in ("title", "style", "text") and ((one.text or "").strip() or (one.tail or "").strip()):
            return None
    return [one.text or "" for one in root.iter() if one.tag.rpartition("}")[2] in ("title", "text")]


def _leaves(root: ElementTree.Element, shapes: dict[str, tuple[str, str]], classes: dict[str, str]) -> Any:
    """Yield what is drawn, in order: lines and areas, markers (each shape once), texts; no groups, no clipping."""
    inside = {id(path) for defs in root.iter(f"{{{NAMESPACE}}}defs") for path in defs.iter()}
    for one in root.iter():
        name = one.tag.rpartition("}")[2]
        if name == "path" and id(one) in inside:
            if one.get("id"):
                drawn = _short(one.get("d", ""))
                shapes[one.get("id", "")] = next((kept for kept in shapes.values() if kept[1] == drawn),
                                                 (f"m{len(shapes)}", drawn))  # fmt: skip
        elif name == "path" and one.get("d"):
            yield f"<path class='{_class(one, classes)}' d='{_short(one.get('d', ''))}'/>"
        elif name == "use":
            shape = shapes[one.get("{http://www.w3.org/1999/xlink}href", "")[1:]][0]
            place = f"x='{_short(one.get('x', ''))}' y='{_short(one.get('y', ''))}'"
            yield f"<use class='{_class(one, classes)}' href='#{shape}' {place}/>"
        elif name == "text":
            place = f"x='{_short(one.get('x', ''))}' y='{_short(one.get('y', ''))}'"
            yield f"<text class='{_class(one, classes)}' {place}>{escape(one.text or '')}</text>"


def _class(one: ElementTree.Element, classes: dict[str, str]) -> str:
    """Return the short name of an element's look."""
    given = dict(rule.split(": ", 1) for rule in one.get("style", "").split("; ") if ": " in rule)
    rules = {name: given[name] for name in KEPT if name in given}
    if rules.get("stroke") == rules.get("fill") and "stroke-width" not in rules:
        rules.pop("stroke", None)  # a marker's edge of its own colour
    text = ";".join(f"{name}:{value}" for name, value in rules.items())
    return classes.setdefault(text, f"{'abcdefghijklmnopqrstuvwxyz'[len(classes) % 26]}{len(classes) // 26 or ''}")


def _short(text: str) -> str:
    """Return numbers with one decimal at most: a tenth of a point is less than a reader can see."""
    short = NUMBER.sub(lambda found: f"{round(float(found[0]), 1) + 0.0:g}", text)
    return re.sub(r"\s*([A-Za-z])\s*|\s+(-)|\s+", lambda found: found[1] or found[2] or " ", short.strip())
