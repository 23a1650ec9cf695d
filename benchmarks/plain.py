"""How long does the library take from rows to cells, against plain pandas that counts the same indicators by hand?

    python benchmarks/plain.py 2000 8000

The same messy extract (tests/oracle/plain_count), one year. The library reads CSV files, checks every row and makes
cells with sums over people; the count by hand starts from clean rows in memory and gives events and at risk alone. So
the ratio is of unlike work, and what grows is what matters. That both counts are equal is a test there.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "oracle" / "plain_count"))
import counts
import extract

from pcref_analysis import prepare
from pcref_analysis.store import runs
from pcref_analysis.vocabulary import parameters


def library(folder: str) -> int:
    """Count the extract of a folder by the library and return the number of indicators."""
    asked = {
        "run": "plain",
        "trust": {"name": "Invented Trust", "ods_code": "X98"},
        "source": {"kind": "folder", "location": folder},
        "period": "2024-25",
        "periods": ["2024-25"],
        "comparator": "White British",
        "detail": "detailed",
        "age_bands": extract.BANDS,
        "disclosure": {"owner": "Information governance", "agreed": "2026-10-01", "preset": "mhsds"},
        "priorities": {"owner": "PCREF steering group", "agreed": "2026-10-01"},
    }
    prepare.prepare(parameters.check(asked, "plain.yml"), lambda line: None)
    return runs.load("plain")["indicator"].nunique()


def main(sizes: list[int]) -> None:
    print(f"{'people':>8} {'rows':>9} {'indicators':>11} {'library s':>10} {'by hand s':>10} {'ratio':>6}")
    for people in sizes:
        rows = extract.truth(people)
        with tempfile.TemporaryDirectory() as place:
            os.environ["PCREF_HOME"] = place
            folder = Path(place) / "extract"
            folder.mkdir()
            written = extract.written(rows)
            extract.write_folder(written, folder)
            start = time.process_time()
            indicators = library(str(folder))
            own = time.process_time() - start
            start = time.process_time()
            counts.Count(rows, *extract.residents(), extract.GROUPS).all([2024])
            hand = time.process_time() - start
        size = sum(map(len, written.values()))
        print(f"{people:>8,} {size:>9,} {indicators:>11} {own:>10.1f} {hand:>10.1f} {own / hand:>6.2f}", flush=True)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [2_000, 8_000])
