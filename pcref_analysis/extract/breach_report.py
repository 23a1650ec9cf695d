"""How a breach of the contract is written down, and how it reads; counts only, never a row's value."""

from __future__ import annotations

from typing import Any

import ibis
import pandas as pd

from pcref_analysis.extract.sources import engines

COLUMNS = ["table", "column", "rule", "rows", "severity", "todo"]
SEVERITIES = {
    "stops": "the analysis cannot start",
    "dropped": "rows left out",
    "superseded": "rows that another row with the same key stands instead of",
    "noted": "kept, for you to know",
}


def breach(table: str, column: str, rule: str, severity: str, todo: str, rows: int | None = None) -> dict[str, Any]:
    """Return one breach; without ``rows`` it concerns no rows (an absent table has none) and always stands."""
    return {"table": table, "column": column, "rule": rule, "rows": rows, "severity": severity, "todo": todo}


def frame(found: list[dict[str, Any]]) -> pd.DataFrame:
    """Return what was found, gravest first, as ``table, column, rule, rows, severity, todo``; nought is left out."""
    order = {severity: n for n, severity in enumerate(SEVERITIES)}
    table = pd.DataFrame([b | {"rows": b["rows"] or 0} for b in found if b["rows"] != 0], columns=COLUMNS)
    table = table.astype({"rows": "int64"} | dict.fromkeys([c for c in COLUMNS if c != "rows"], "str"))
    return table.sort_values("severity", key=lambda s: s.map(order), kind="stable", ignore_index=True)


def one(row: ibis.Table) -> dict[str, Any]:
    """Run a query that gives one row of counts."""
    return {name: value or 0 for name, value in engines.arrow(row).to_pylist()[0].items()}


def count(rows: ibis.Table) -> int:
    """Count the rows of an expression where they live."""
    return one(rows.aggregate(n=rows.count()))["n"]


def render(breaches: pd.DataFrame) -> str:
    """Return the breaches as lines for the terminal, gravest first; counts only, never a value.

    Examples
    --------
    >>> print(render(pd.DataFrame([["MHS101Referral", "", "table is not in the extract", 0, "noted", "Add it."]],
    ...                           columns=COLUMNS)))
    noted: kept, for you to know
      MHS101Referral: table is not in the extract. Add it.
    """
    lines = []
    for severity, meaning in SEVERITIES.items():
        part = breaches[breaches["severity"] == severity]
        if len(part):
            lines.append(f"{severity}: {meaning}")
        for b in part.itertuples():
            where = f"{b.table}.{b.column}" if b.column else b.table
            unit = "people" if b.rule.startswith("people") else "rows" if b.rows != 1 else "row"
            rows = f" ({b.rows:,} {unit})" if b.rows else ""
            lines.append(f"  {where}: {b.rule}{rows}. {b.todo}")
    return "\n".join(lines) or "No breaches: the extract keeps to the contract."
