"""How long does an extract take from rows to cells, and how much memory, as it grows? Nothing is passed or failed.

The invented Trust is written once and multiplied (people and identifiers made new each time), then checked and counted
in a process of its own. Give other factors as numbers: ``python benchmarks/extract.py 1 8``. What is printed last
is time a row over that of the smallest: 1 means that time grows as rows do.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from pcref_analysis.counting.row_conditions import STANDING
from pcref_analysis.extract.schema import declared
from pcref_analysis.synthetic import demo

CHILD = """
import sys
from pcref_analysis import prepare
from pcref_analysis.vocabulary import parameters
prepare.prepare(parameters.load("demo", source={"kind": "folder", "location": sys.argv[1]}), lambda line: None)
try:
    import resource
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
except ImportError:
    print(0)  # Windows tells it otherwise
"""


def multiplied(small: Path, folder: Path, times: int) -> int:
    """Write the extract ``times`` over, with new identifiers each time; return its rows."""
    folder.mkdir(parents=True)
    rows = 0
    with duckdb.connect() as connection:
        for table in declared().values():
            source = (small / f"{table.name}.parquet").as_posix()
            if not Path(source).exists():  # the invented Trust has no such table
                continue
            ids = [name for name, column in table.columns.items() if column.type == "id" and "Site" not in name]
            again = ", ".join(f"{name} || '-' || copy AS {name}" for name in ids)
            query = f"SELECT * FROM '{source}'"
            if ids and table.name not in STANDING:
                query = f"SELECT * REPLACE ({again}) FROM '{source}', range({times}) AS copies(copy)"
            columns = ", ".join(table.columns)
            target = (folder / f"{table.name}.parquet").as_posix()
            connection.execute(f"COPY (SELECT {columns} FROM ({query})) TO '{target}' (FORMAT parquet)")
            rows += connection.execute(f"SELECT count(*) FROM '{target}'").fetchone()[0]
    return rows


def main(factors: list[int]) -> None:
    """Print rows, seconds, memory and time a row over the smallest."""
    root, first = Path(__file__).resolve().parents[1], 0.0
    print(f"{'rows':>12} {'seconds':>9} {'MB at most':>11} {'microseconds a row':>19} {'ratio':>6}")
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        (home / "notebooks" / "parameters").mkdir(parents=True)
        source = root / "notebooks" / "parameters" / "demo.yml"
        (home / "notebooks" / "parameters" / "demo.yml").write_text(source.read_text(encoding="utf-8"), "utf-8")
        demo.write(home / "small")
        environment = os.environ | {"PCREF_HOME": place, "PYTHONPATH": str(root)}
        for factor in factors:
            rows = multiplied(home / "small", home / f"times-{factor}", factor)
            start = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", CHILD, str(home / f"times-{factor}")],
                env=environment,
                check=True,
                capture_output=True,
                encoding="utf-8",
            )
            seconds = time.perf_counter() - start
            each = 1e6 * seconds / rows
            first = first or each
            memory = done.stdout.split()[-1]
            print(f"{rows:>12,} {seconds:>9.1f} {memory:>11} {each:>19.1f} {each / first:>6.2f}", flush=True)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [1, 4])
