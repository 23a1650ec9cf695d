"""From executed notebooks and released records to pages that need nothing but a browser."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from html import unescape
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pcref_analysis.display import formats, safe_html
from pcref_analysis.display.output import NO_ALT
from pcref_analysis.report.pages import layout, terms
from pcref_analysis.vocabulary.errors import PcrefError


def template_folder() -> Path:
    """Return the folder of the page templates."""
    return Path(str(files("pcref_analysis.report.pages") / "template"))


@cache
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(template_folder(), encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["dates"] = formats.dates
    return made


def fragment(template: str, **values: Any) -> str:
    """Fill one of the templates; text is escaped, ready-made HTML must be passed through :func:`safe`."""
    return _environment().get_template(template).render(**values)


def safe(html: str) -> Any:
    """Mark HTML that this package made as ready for a template."""
    from markupsafe import Markup

    return Markup(html)


def text_of(html: str) -> str:
    """Return the words of HTML that this package made, without elements and pictures."""
    return unescape(re.sub(r"<[^>]*>", " ", html))


def notebook_body(path: Path, lead: str = "", badges: Mapping[str, tuple[str, str]] | None = None) -> str:
    """Turn an executed notebook into the body of a page: its text and released outputs, no code.

    ``lead`` is what the page finds, as HTML; it stands first (:mod:`pcref_analysis.report.pages.layout`). ``badges``
    are those of its indicators. Words that readers may not know lead to their meaning.
    """
    import nbformat

    held = layout.arranged(nbformat.read(path, as_version=4), badges)
    return terms.linked(layout.with_contents(_rendered(held), lead))


def pictures(records: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the pictures of all charts as SVG files, by name: what a page leads to from each picture."""
    charts = {one["id"]: one["output"]["data"].get("text/html", "") for one in records if one["kind"] == "figure"}
    return {
        layout.picture(name, number): unquote(unescape(source).partition(",")[2])
        for name, html in charts.items()
        for number, source in enumerate(layout.SVG.findall(html), start=1)
    }


def output_body(output: Any) -> str:
    """Turn one output of an executed notebook into the same HTML that its own page has."""
    from nbformat.v4 import new_code_cell, new_notebook

    return layout.laid_out(_rendered(new_notebook(cells=[new_code_cell(outputs=[output])])))


def _rendered(notebook: Any) -> str:
    from nbconvert.exporters.templateexporter import TemplateExporter

    exporter = TemplateExporter(
        template_name="notebook", template_file="index.html.j2", extra_template_basedirs=[str(template_folder())]
    )
    exporter.register_filter("markdown2html", markdown)
    exporter.output_mimetype = "text/html"
    body, _ = exporter.from_notebook_node(notebook)
    return body


def markdown(source: str) -> str:
    """Turn Markdown into HTML as a page shows it; what it may hold is for :mod:`safe_html` to say."""
    from nbconvert.filters.markdown_mistune import markdown2html_mistune

    html = markdown2html_mistune(source)
    return re.sub(r'<a class="anchor-link"[^>]*>.*?</a>', "", html)


def page(body: str, title: str, here: str, pages: list[dict[str, str]], about: dict[str, Any], script: str = "") -> str:
    """Put a body into the page that all share: language, title, banner, contents, footer.

    Of the body stays what :mod:`pcref_analysis.display.safe_html` allows; the page's Content-Security-Policy lets a
    browser load nothing, run nothing but the one ``script`` (if any) and use no style but the page's own, both known by
    their hashes.

    Raises
    ------
    PcrefError
        If the body holds a picture without a description.
    """
    css = style()
    policy = f"default-src 'none'; img-src data:; style-src {hash_of(css)}; base-uri 'none'; form-action 'none'"
    policy += f"; script-src {hash_of(script)}" if script else ""
    given = {"title": title, "here": here, "pages": pages, "about": about, "css": safe(css), "policy": safe(policy)}
    given["script"] = safe(script)
    html = fragment("page.html.j2", body=safe(safe_html.clean(body)), **given)
    if NO_ALT in html or re.search(r"<img\b(?![^>]*\balt=\"[^\"]+\")", html):
        raise PcrefError(f"report: the page {here} has a picture without alternative text; nothing was published.")
    return html


def style() -> str:
    """Return the style sheet of the pages."""
    return (template_folder() / "page.css").read_text(encoding="utf-8")


def hash_of(text: str) -> str:
    """Return the source expression by which a Content-Security-Policy knows an own script or style sheet."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"
