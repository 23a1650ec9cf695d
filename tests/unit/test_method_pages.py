"""Every example in the documents and docstrings runs, and what it claims is so."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import pcref_analysis

PAGES = sorted((Path(__file__).resolve().parents[2] / "docs").rglob("*.md"))
UNTRIED = "sources.md"  # its block is for a cluster
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def test_there_are_pages():
    assert len(PAGES) >= 6


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_run(page):
    space: dict = {}
    for block in BLOCK.findall(page.read_text(encoding="utf-8") if page.name != UNTRIED else ""):
        exec(compile(block, page.name, "exec"), space)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).is_file(), target


def test_examples_of_docstrings_give_what_they_say():
    found = [one.name for one in pkgutil.walk_packages(pcref_analysis.__path__, "pcref_analysis.")]
    modules = [importlib.import_module(name) for name in found if not name.endswith("__main__")]
    told = [(module.__name__, doctest.testmod(module)) for module in modules]
    assert sum(one.attempted for _, one in told) > 100
    assert [name for name, one in told if one.failed] == []
