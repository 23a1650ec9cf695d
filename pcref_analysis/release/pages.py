"""From executed notebooks and released records to pages that need nothing but a browser."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pcref_analysis.release.gate import NO_ALT
from pcref_analysis.vocabulary.errors import PcrefError


def template_folder() -> Path:
    """Return the folder of the page templates."""
    return Path(str(files("pcref_analysis.release") / "template"))


@cache
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(template_folder(), encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def fragment(template: str, **values: Any) -> str:
    """Fill one of the templates; text is escaped, ready-made HTML must be passed through :func:`safe`."""
    return _environment().get_template(template).render(**values)


def safe(html: str) -> Any:
    """Mark HTML that this package made as ready for a template."""
    from markupsafe import Markup

    return Markup(html)


def notebook_body(path: Path) -> str:
    """Turn an executed notebook into the body of a page: its text and released outputs, no code."""
    import nbformat

    return _rendered(nbformat.read(path, as_version=4))


def output_body(output: Any) -> str:
    """Turn one output of an executed notebook into the same HTML that its own page has."""
    from nbformat.v4 import new_code_cell, new_notebook

    return _rendered(new_notebook(cells=[new_code_cell(outputs=[output])]))


def _rendered(notebook: Any) -> str:
    from nbconvert.exporters.templateexporter import TemplateExporter

    exporter = TemplateExporter(
        template_name="notebook", template_file="index.html.j2", extra_template_basedirs=[str(template_folder())]
    )
    exporter.register_filter("markdown2html", _markdown)
    exporter.output_mimetype = "text/html"
    body, _ = exporter.from_notebook_node(notebook)
    return body


def _markdown(source: str) -> str:
    from nbconvert.filters.markdown_mistune import markdown2html_mistune

    html = markdown2html_mistune(source)
    return re.sub(r'<a class="anchor-link"[^>]*>.*?</a>', "", html)


def page(body: str, title: str, here: str, pages: list[dict[str, str]], about: dict[str, Any]) -> str:
    """Put a body into the page that all share: language, title, banner, contents, footer.

    Raises
    ------
    PcrefError
        If the body names something outside the page or holds a picture without a description.
    """
    css = (template_folder() / "page.css").read_text(encoding="utf-8")
    html = fragment("page.html.j2", body=safe(body), title=title, here=here, pages=pages, about=about, css=safe(css))
    remote = re.search(r"<(?:script|iframe|link|img)\b[^>]*\b(?:src|href)\s*=\s*[\"']?(?:https?:)?//", html)
    if remote or "<script" in html:
        raise PcrefError(f"report: the page {here} would load something from outside; nothing was published.")
    if NO_ALT in html or re.search(r"<img\b(?![^>]*\balt=\"[^\"]+\")", html):
        raise PcrefError(f"report: the page {here} has a picture without alternative text; nothing was published.")
    return html
