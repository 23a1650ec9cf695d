"""What an executed notebook may show: outputs that came through the door, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pcref_analysis.release.shown import MIME
from pcref_analysis.vocabulary.errors import PcrefError

NO_ALT = "No description has been provided for this image"


def collect(paths: list[Path]) -> list[dict[str, Any]]:
    """Return the released records of the executed notebooks, in reading order.

    Each record holds ``id``, ``kind`` (table, figure or text), ``title``, ``notebook``, ``cell`` (its number),
    ``cell_id``, ``call`` (the function that shows it), the ``output`` as it was shown and, for a table, its columns.

    Raises
    ------
    PcrefError
        If any output did not come through the door (a bare frame, a print, a traceback, a picture without its
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
            if cell.cell_type == "markdown" and re.search(r"<(script|iframe|object|img)\b", cell.source, re.IGNORECASE):
                faults.append(f"  {path.name}, cell {number}: text holds a script, frame or picture")
    ids = [record["id"] for record in records]
    faults += [f"  the id '{name}' is used more than once" for name in sorted({i for i in ids if ids.count(i) > 1})]
    if faults:
        raise PcrefError(
            "\n".join(
                [
                    f"gate: {len(faults)} output(s) did not come through disclosure control; nothing was published:",
                    *faults[:12],
                    "Show results with pcref.tables, pcref.figures or pcref.text, which take released tables only.",
                ]
            )
        )
    return records


def _fault(output: Any) -> str:
    kind = output["output_type"]
    if kind == "error":
        return "an error was raised"
    if kind == "stream":
        return f"printed text ({output['name']})"
    record = output["data"].get(MIME)
    if not record:
        return "an output that is not a released table, figure or text"
    if record["kind"] == "figure" and (not record.get("alt") or NO_ALT in record["alt"]):
        return "a figure without alternative text"
    if record["kind"] == "figure" and not record.get("source_table"):
        return "a figure without its source table"
    return ""
