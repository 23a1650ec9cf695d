"""Public names of a package, each imported when it is first used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from pcref_analysis.vocabulary.errors import did_you_mean


def face(package: str, names: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a package that shows these names and nothing else.

    ``names``: each with the module of ``pcref_analysis`` that it is ("display.tables"), or that holds it
    ("report.study:study").
    """

    def load(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module '{package}' has no attribute '{name}'.{did_you_mean(name, names)}")
        module, _, attribute = names[name].partition(":")
        found = import_module(f"pcref_analysis.{module}")
        return getattr(found, attribute) if attribute else found

    return load, lambda: sorted(names)
