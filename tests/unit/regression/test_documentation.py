"""The examples of the method pages run, and the words that may not be used are not used."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGES = ["regression", "ladder", "length-of-stay"]


@pytest.mark.parametrize("page", PAGES)
def test_examples_run(page):
    text = (ROOT / "docs" / "methods" / f"{page}.md").read_text(encoding="utf-8")
    code = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert code
    exec(compile("\n".join(code), f"{page}.md", "exec"), {})


@pytest.mark.parametrize("page", PAGES)
def test_words(page):
    text = (ROOT / "docs" / "methods" / f"{page}.md").read_text(encoding="utf-8").lower()
    for word in ("explained", "baseline", "bame", "normal group", "due to ethnicity"):
        assert word not in text
    for heading in ("## formula", "## source", "## when to use it", "## when not", "## example"):
        assert heading in text
