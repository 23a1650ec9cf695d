"""A Spark cluster of this machine, a master and two workers, gives the cells that DuckDB gives, and says what it lacks.

Needs Java and pyspark (``pip install pcref-analysis[spark]``); a worker is killed while rows are counted.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent))
import extract

pytestmark = [
    pytest.mark.skipif(not os.environ.get("PCREF_EVERY_CASE"), reason="takes long: set PCREF_EVERY_CASE=1 for Spark"),
    pytest.mark.skipif(not shutil.which("java"), reason="Spark needs Java"),
]
RUN = """
import sys
from pcref_analysis import prepare
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import load
try:
    prepare.prepare(load(sys.argv[1]), lambda line: print(line, flush=True))
except PcrefError as error:
    sys.exit(str(error))
"""


class Cluster:
    """A master of this machine, and the workers that a test asks for."""

    def __init__(self, place: Path, program: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        self.place, self.program, self.address = place, program, f"spark://127.0.0.1:{port}"
        self.started: list[subprocess.Popen] = []
        self._start("master.Master", "--port", port)

    def _start(self, role: str, *arguments: str) -> subprocess.Popen:
        command = [self.program, f"org.apache.spark.deploy.{role}", "--host", "127.0.0.1", "--webui-port", "0"]
        log = (self.place / f"{len(self.started)}.log").open("w", encoding="utf-8")
        names = os.environ | {"SPARK_LOCAL_IP": "127.0.0.1"}
        one = subprocess.Popen(
            [*command, *arguments], stdout=log, stderr=log, cwd=self.place, env=names, start_new_session=True
        )
        self.started.append(one)
        return one

    def workers(self) -> list[subprocess.Popen]:
        room = ("-c", "1", "-m", "1300m")
        return [self._start("worker.Worker", *room, "-d", str(self.place / name), self.address) for name in "ab"]

    def stop(self) -> None:
        for one in self.started:
            if one.poll() is None:
                os.killpg(one.pid, signal.SIGKILL)
                one.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    pyspark = pytest.importorskip("pyspark")
    made = Cluster(tmp_path_factory.mktemp("spark"), Path(pyspark.__file__).parent / "bin" / "spark-class")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def count(cluster, tmp_path_factory):
    """Return a function that starts the counting of a source in a process of its own, and its private home."""
    place = tmp_path_factory.mktemp("home")
    (place / "notebooks" / "parameters").mkdir(parents=True)
    settings = {
        "spark.master": cluster.address,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.executor.memory": "1g",
        "spark.ui.enabled": "false",
        "spark.sql.warehouse.dir": str(place / "warehouse"),
    }

    def start(run: str, source: dict, **more: str) -> subprocess.Popen:
        asked = {
            "run": run,
            "trust": {"name": "Invented Trust", "ods_code": "X98"},
            "source": source,
            "period": "2024-25",
            "periods": ["2024-25"],
            "comparator": "White",
            "age_bands": extract.BANDS,
            "disclosure": {"owner": "Information governance", "agreed": "2026-10-01", "preset": "mhsds"},
            "priorities": {"owner": "PCREF steering group", "agreed": "2026-10-01"},
        }
        (place / "notebooks" / "parameters" / f"{run}.yml").write_text(yaml.safe_dump(asked), encoding="utf-8")
        lines = "".join(f"{name} {value}\n" for name, value in (settings | more).items() if "." in name)
        (place / run).mkdir(exist_ok=True)
        (place / run / "spark-defaults.conf").write_text(lines, encoding="utf-8")
        names = {"SPARK_CONF_DIR": str(place / run), "SPARK_LOCAL_IP": "127.0.0.1", "PCREF_HOME": str(place)}
        names |= {name: value for name, value in more.items() if "." not in name}
        piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8"}
        return subprocess.Popen([sys.executable, "-c", RUN, run], env=os.environ | names, cwd=place, **piped)

    start.place = place
    return start


@pytest.fixture(scope="module")
def parquet(tmp_path_factory):
    folder = tmp_path_factory.mktemp("extract")
    extract.write_folder(extract.written(extract.truth(300)), folder, parquet=True)
    return folder


def test_without_a_worker_or_a_master_the_words_are_ours(count, parquet):
    """Runs first: no worker is there yet."""
    spark = {"kind": "spark", "location": str(parquet)}
    said = count("waiting", spark, PCREF_SPARK_WAIT="10")
    nobody = count("nobody", spark, **{"spark.master": "spark://127.0.0.1:1"})
    assert "no worker within 10 seconds" in said.communicate(timeout=120)[1]
    errors = nobody.communicate(timeout=240)[1]
    assert "Check that its master (spark.master) runs" in errors
    assert said.returncode == nobody.returncode == 1


def test_the_cells_are_those_of_the_folder_also_when_a_worker_dies(count, cluster, parquet):
    first, _ = cluster.workers()
    found = count("cluster", {"kind": "spark", "location": str(parquet)})
    for line in found.stdout:
        if "counting" in line:  # each table is read, checked, and kept in the workers' memory
            os.killpg(first.pid, signal.SIGKILL)
            break
    count("plain", {"kind": "folder", "location": str(parquet)}).communicate(timeout=300)
    _, errors = found.communicate(timeout=1_500)
    assert not found.returncode, errors[-2_000:]
    here, there = (count.place / "data" / "processed" / run for run in ("plain", "cluster"))
    names = sorted(path.name for path in here.glob("*.parquet"))
    assert len(names) >= 7
    for name in names:
        wanted, got = (pd.read_parquet(folder / name) for folder in (here, there))
        order = [column for column in wanted if not pd.api.types.is_float_dtype(wanted[column])]
        sides = [one.sort_values(order, ignore_index=True) for one in (got, wanted)]
        pd.testing.assert_frame_equal(*sides, check_exact=False, rtol=0, atol=1e-9)
