"""A pytest plugin for the reviewers' check: keep what nbval's cells gave when they did not come back the same."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

FOLDER = "PCREF_REVIEW_FOLDER"


def pytest_runtest_logreport(report: Any) -> None:
    """Write one line a cell: its notebook, its number, and whether it came back."""
    if report.when != "call" and report.passed:
        return
    kept = dict(report.user_properties)
    if "notebook" in kept:
        _write({**kept, "passed": report.passed, "said": "" if report.passed else str(report.longrepr)[-2000:]})


def pytest_runtest_makereport(item: Any, call: Any) -> None:
    """Attach what was kept and what came back to the cell's report, before nbval's own words are made."""
    if call.when == "call" and hasattr(item, "cell"):
        item.user_properties.append(("notebook", item.parent.path.name))
        item.user_properties.append(("cell", item.cell.get("id", item.name)))
        if call.excinfo is not None:
            for name, outputs in (("old", item.cell.outputs), ("new", item.test_outputs or [])):
                item.user_properties.append((name, json.dumps([_plain(output) for output in outputs])))


def _plain(output: Any) -> dict[str, Any]:
    data = {key: value for key, value in output.get("data", {}).items() if not key.startswith("image/")}
    return {
        "kind": output["output_type"],
        "name": output.get("ename", ""),
        "text": output.get("text", ""),
        "data": data,
    }


def _write(line: dict[str, Any]) -> None:
    if os.environ.get("PYTEST_XDIST_WORKER"):
        return  # the controller hears every report
    with (Path(os.environ[FOLDER]) / "cells.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
