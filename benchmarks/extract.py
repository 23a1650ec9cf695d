"""How long does an extract take from rows to cells, and how much memory, as it grows? Nothing is passed or failed.

The invented Trust is written once and multiplied (people and identifiers made new each time), as Parquet and as CSV,
then checked and counted in a process of its own, in turn: by the library all indicators; by the library the tables and
indicators that SQL written by hand (``by_hand.py``) counts too, with statements written before and not; and by hand.
Give other factors as numbers: ``python benchmarks/extract.py 1 16``. Seconds are of the processor, from when all is
imported, which takes about one more and is the same for any size.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import by_hand
import duckdb
import pandas as pd

from pcref_analysis.counting.row_conditions import POPULATION_TABLES
from pcref_analysis.extract.schema import declared
from pcref_analysis.synthetic import demo

CHILD = """
import json, sys, time
from pathlib import Path
from pcref_analysis.counting import cells
from pcref_analysis.extract import validate
from pcref_analysis.extract.sources import connect, statements
from pcref_analysis.vocabulary import indicators, parameters
start = time.process_time()
folder, names, tables, out = sys.argv[1], sys.argv[2].split(), sys.argv[3].split(), Path(sys.argv[4])
run = parameters.load("demo", source={"kind": "folder", "location": folder})
entries = {name: entry for name, entry in indicators.of_run("demo").items() if not names or name in names}
with statements.kept_in(out.with_suffix(".statements")):
    raw = {name: table for name, table in connect.open(run).items() if not tables or name in tables}
    checked = validate.clean(raw, run, say=lambda line: None)
    cells.build(checked.tables, run, entries)[0].to_parquet(out)
print(json.dumps({"seconds": time.process_time() - start}))
"""


def measured(command: list[str], home: Path) -> tuple[float, int]:
    """Run a command; return its seconds of processor time and the MB that it took at most."""
    memory = (
        "import resource, subprocess, sys; "
        "done = subprocess.run(sys.argv[1:], check=True, capture_output=True, text=True); "
        "print(done.stdout.splitlines()[-1]); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)"
    )  # not on Windows
    root = str(Path(__file__).resolve().parents[1])
    environment = os.environ | {"PCREF_HOME": str(home), "PYTHONPATH": root}
    done = subprocess.run(
        [sys.executable, "-c", memory, sys.executable, *command],
        env=environment, check=True, capture_output=True, encoding="utf-8",
    )  # fmt: skip
    seconds, most = done.stdout.splitlines()
    return json.loads(seconds)["seconds"], int(most)


def gap(ours: Path, hand: Path) -> float:
    """Return the largest difference in a sum of the indicators that both count alike."""
    columns = ["events", "at_risk", "events_sq", "events_at_risk", "at_risk_sq"]
    left, right = pd.read_parquet(ours), pd.read_parquet(hand)
    left = left.assign(year=left["period"].str[:4].astype(int))
    left, right = (
        f[f["indicator"].isin(by_hand.SAME)].groupby(["indicator", "year"])[columns].sum() for f in (left, right)
    )
    return float((left - right).abs().max().max())


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
            if ids and table.name not in POPULATION_TABLES:
                query = f"SELECT * REPLACE ({again}) FROM '{source}', range({times}) AS copies(copy)"
            columns = ", ".join(table.columns)
            target = (folder / f"{table.name}.parquet").as_posix()
            connection.execute(f"COPY (SELECT {columns} FROM ({query})) TO '{target}' (FORMAT parquet)")
            rows += connection.execute(f"SELECT count(*) FROM '{target}'").fetchone()[0]
    return rows


def as_text(parquet: Path, text: Path) -> None:
    """Write a folder of Parquet files as CSV."""
    text.mkdir()
    for path in parquet.glob("*.parquet"):
        target = (text / path.with_suffix(".csv").name).as_posix()
        duckdb.sql(f"COPY (SELECT * FROM '{path.as_posix()}') TO '{target}' (FORMAT csv, HEADER)")


def main(factors: list[int]) -> None:
    """Print rows, seconds and MB of each way, and the ratios."""
    root = Path(__file__).resolve().parents[1]
    print(f"{'rows':>12} {'as':>8} {'all s':>7} {'MB':>6} {'same s':>7} {'again':>7} {'MB':>6} {'hand s':>7} {'MB':>6} "
          f"{'ratio':>6} {'again':>6} {'gap':>4}")  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        (home / "notebooks" / "parameters").mkdir(parents=True)
        source = root / "notebooks" / "parameters" / "demo.yml"
        (home / "notebooks" / "parameters" / "demo.yml").write_text(source.read_text(encoding="utf-8"), "utf-8")
        demo.write(home / "small")
        for factor in factors:
            folders = {"Parquet": home / f"parquet-{factor}", "CSV": home / f"csv-{factor}"}
            rows = multiplied(home / "small", folders["Parquet"], factor)
            as_text(*folders.values())
            for kind, folder in folders.items():
                names = [" ".join(by_hand.indicators()), " ".join(by_hand.SHORT)]
                everything = measured(["-c", CHILD, str(folder), "", "", str(home / f"{kind}{factor}.all")], home)
                like = ["-c", CHILD, str(folder), *names, str(home / f"{kind}{factor}.same")]
                first, again = measured(like, home), measured(like, home)
                hand = str(home / f"{kind}{factor}.hand")
                by = measured([str(root / "benchmarks" / "by_hand.py"), str(folder), hand], home)
                print(
                    f"{rows:>12,} {kind:>8} {everything[0]:>7.1f} {everything[1]:>6} {first[0]:>7.1f} {again[0]:>7.1f} "
                    f"{again[1]:>6} {by[0]:>7.1f} {by[1]:>6} {first[0] / by[0]:>6.2f} {again[0] / by[0]:>6.2f} "
                    f"{gap(home / f'{kind}{factor}.same', Path(hand)):>4g}",
                    flush=True,
                )


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [1, 4])
