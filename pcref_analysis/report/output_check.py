"""What an executed notebook may show: outputs that disclosure control has made, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pcref_analysis.disclosure import disclosure_rule
from pcref_analysis.display import safe_html
from pcref_analysis.display.output import NO_ALT
from pcref_analysis.report.pages import render
from pcref_analysis.store.notebook_seals import MIME
from pcref_analysis.vocabulary import indicators
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import Parameters

COUNTS = ("events", "at_risk", "rows")


def collect(paths: list[Path]) -> list[dict[str, Any]]:
    """Return the released records of the executed notebooks, in reading order.

    Each record holds ``id``, ``kind`` (table, figure or text), ``title``, ``notebook``, ``cell`` (its number),
    ``cell_id``, ``call`` (the function that shows it), the ``output`` as it was shown and, for a table, its columns.

    Raises
    ------
    PcrefError
        If any output did not pass disclosure control (a bare frame, a print, a traceback, a picture without its
        record or its alt text) or if two outputs share an id; every such cell is named.
    """
    import nbformat

    faults, records = [], []
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        for number, cell in enumerate(notebook.cells, start=1):
            for output in cell.get("outputs", []):
                fault = _fault(output)
                if fault:
                    faults.append(f"  {path.name}, cell {number}: {fault}")
                else:
                    record = dict(output["data"][MIME])
                    calls = re.findall(r"pcref\.((?:tables|figures|text)\.\w+)\(", cell.source)
                    own = [call for call in calls if call.startswith(record["kind"])]  # of several in one cell
                    place = {"notebook": path.stem, "cell": number, "cell_id": cell["id"], "output": output}
                    place |= {"source": cell.source, "calls": calls}
                    records.append(record | place | {"call": [*own, *calls, ""][0]})
            if cell.cell_type == "markdown" and (odd := safe_html.refused(render.markdown(cell.source))):
                faults.append(f"  {path.name}, cell {number}: text holds {', '.join(odd)}; a page may not")
    ids = [record["id"] for record in records]
    faults += [f"  the id '{name}' is used more than once" for name in sorted({i for i in ids if ids.count(i) > 1})]
    if faults:
        raise PcrefError(
            "\n".join(
                [
                    f"output check: {len(faults)} output(s) did not pass disclosure control; nothing was published:",
                    *faults[:12],
                    "Show results with pcref.tables, pcref.figures or pcref.text, which take released tables only.",
                ]
            )
        )
    return records


def by_rule(tables: Mapping[str, pd.DataFrame], parameters: Parameters) -> None:
    """Compare every count that is about to be published with the rule that its pages name.

    The last look, and a plain one: no count lies between 0 and the threshold, none is 0 where the rule shows no
    zeros, and each is a multiple of the rounding (but one ``repeated`` from an edition by an earlier rule). Counts for
    internal use, counts that an official publisher has released, and residents of the census are not compared.

    Parameters
    ----------
    tables
        What is to be published, by name. The columns ``events``, ``at_risk`` and ``rows`` are counts of people or of
        what happened to them, and so is every column that has a ``<column>_status``.
    parameters
        The run: its disclosure rule, audience and source.

    Raises
    ------
    PcrefError
        Names each table and column with how many counts break the rule; never a count.
    """
    if parameters.audience == "internal" or parameters.source.kind == "published":
        return
    rule, faults = parameters.disclosure, []
    residents = [key for key, entry in indicators.catalogue().items() if entry.at_risk == "residents"]
    for name, table in tables.items():
        counted = [c for c in table if c in COUNTS or f"{c}_status" in table]
        for column in [c for c in counted if pd.api.types.is_numeric_dtype(table[c])]:
            public = column == "at_risk" and "indicator" in table
            rows = table[~table["indicator"].isin(residents)] if public else table
            count = rows[column].to_numpy(float)
            last = (
                (rows[f"{column}_status"] == disclosure_rule.REPEATED).to_numpy()
                if f"{column}_status" in rows
                else False
            )
            odd = disclosure_rule.primary(count, rule) | (count % rule.rounding != 0)
            broken = np.isfinite(count) & ((odd & ~last) | (count < 0))
            faults += [f"  {name}, column '{column}': {broken.sum()} count(s)"] if broken.any() else []
    if faults:
        words = f"below {rule.threshold}, or no multiple of {rule.rounding}"
        raise PcrefError(
            "\n".join(
                [
                    f"output check: counts break the run's own disclosure rule ({words}); nothing was published:",
                    *faults[:12],
                    "Run pcref report with --force. If it stops here again, it is a fault of pcref: please report it.",
                ]
            )
        )


def _fault(output: Any) -> str:
    kind = output["output_type"]
    if kind == "error":
        return "an error was raised"
    if kind == "stream":
        return f"printed text ({output['name']})"
    record = output["data"].get(MIME)
    if not record:
        return "an output that is not a released table, figure or text"
    if odd := safe_html.refused(output["data"].get("text/html", "")):
        return f"an output that holds {', '.join(odd)}"
    if odd := safe_html.refused(render.markdown(output["data"].get("text/markdown", ""))):
        return f"words that hold {', '.join(odd)}"
    if record["kind"] == "figure" and (not record.get("alt") or NO_ALT in record["alt"]):
        return "a figure without alternative text"
    if record["kind"] == "figure" and not record.get("source_table"):
        return "a figure without its source table"
    return ""
