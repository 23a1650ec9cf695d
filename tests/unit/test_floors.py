"""Imports point down the list of rooms in the design, never up."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "pcref_analysis"
FLOORS = ["vocabulary", "intake", "estimates", "release", "cli"]
# Within a floor, from the bottom up; a module may import those that stand before it.
ROOMS = {
    "vocabulary": ["errors", "ethnicity", "indicators", "standards", "parameters"],
    "intake": ["contracts", "sources", "demo", "published", "population", "counting", "cells"],
    "estimates": [
        "intervals",
        "multiplicity",
        "rates",
        "comparison",
        "regression",
        "unknown",
        "missing",
        "trends",
        "sampling",
        "grouped",
        "measures",
        "inversion",
        "extremes",
        "gradient",
        "inequality",
        "funnel",
    ],
    "release": ["disclosure", "priorities", "tables", "figures", "dashboard", "report"],
}


def place(module: str) -> tuple[int, int]:
    parts = module.removeprefix("pcref_analysis").strip(".").split(".")
    if parts == [""]:
        return (-1, -1)
    floor = FLOORS.index(parts[0])
    room = ROOMS[parts[0]].index(parts[1]) if len(parts) > 1 else -1
    return (floor, room)


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            package = PACKAGE.parent / Path(*node.module.split("."))
            found |= {
                f"{node.module}.{name.name}" if (package / f"{name.name}.py").exists() else node.module
                for name in node.names
            }
    return {name for name in found if name.split(".")[0] == "pcref_analysis"}


MODULES = sorted(p for p in PACKAGE.rglob("*.py") if p.name not in ("__init__.py", "__main__.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_imports_point_down(path):
    here = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    up = [name for name in imports(path) if place(name) > place(here)]
    assert not up, f"{here} imports upward: {up}"
