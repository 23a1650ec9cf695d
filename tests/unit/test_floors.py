"""Imports point down the list of rooms in the design, never up, and never in a circle."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "pcref_analysis"
FLOORS = ["vocabulary", "intake", "estimates", "release", "cli"]
# The rooms of the design from the bottom up. A room may import those before it, straight or by way of the
# smaller modules that serve it.
ROOMS = {
    "vocabulary": ["errors", "ethnicity", "parameters", "indicators"],
    "intake": ["contracts", "sources", "demo", "population", "published", "cells", "prepare"],
    "estimates": ["intervals", "rates", "regression", "missing", "trends", "inequality", "domain"],
    "release": ["disclosure", "tables", "figures", "priorities", "landing", "dashboard", "report"],
}


def modules() -> dict[str, Path]:
    paths = [p for p in PACKAGE.rglob("*.py") if p.name not in ("__init__.py", "__main__.py")]
    return {".".join(p.relative_to(PACKAGE).with_suffix("").parts): p for p in sorted(paths)}


def imports(path: Path) -> set[str]:
    """Return the modules of the package that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{name.name}" for name in node.names} | {node.module}
    names = {name.removeprefix("pcref_analysis.") for name in found if name.startswith("pcref_analysis.")}
    return names & set(MODULES)


MODULES = modules()
ARROWS = {name: imports(path) for name, path in MODULES.items()}


def reach(start: str) -> set[str]:
    seen, todo = set(), list(ARROWS[start])
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += ARROWS[name]
    return seen


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_down(name):
    floor, _, room = name.partition(".")
    up = [other for other in ARROWS[name] if FLOORS.index(other.split(".")[0]) > FLOORS.index(floor)]
    assert not up, f"{name} imports a higher floor: {up}"
    reached = reach(name)
    assert name not in reached, f"{name} imports itself in a circle"
    order = ROOMS.get(floor, [])
    if room in order:
        above = {f"{floor}.{r}" for r in order[order.index(room) + 1 :]}
        assert not above & reached, f"{name} reaches upward: {above & reached}"


def test_a_room_on_a_higher_floor_is_seen(tmp_path):
    file = tmp_path / "x.py"
    file.write_text("from pcref_analysis.release import report\nimport pcref_analysis.cli\n", encoding="utf-8")
    assert imports(file) == {"release.report", "cli"}
