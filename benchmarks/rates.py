"""Time directly standardised rates of many groups against the OHID package and against plain NumPy, in one run.

    python benchmarks/rates.py [--peer PYTHON] [--groups 1000 10000 100000] [--repeats 3]

``--peer`` names an interpreter that has PHStatsMethods (it needs other versions of pandas than we do); without, the
package is used if this interpreter has it, else skipped with the reason. Every contender gets the same table: a row
a group and band, groups and bands as text. The peer and the NumPy version get the weights already joined to each row.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd

BANDS = [f"{low}-{low + 4}" for low in range(0, 90, 5)] + ["90+"]
PEER = """
import json, sys, time
import pandas as pd
import PHStatsMethods
table = pd.read_parquet(sys.argv[1])
best = float("inf")
for _ in range(int(sys.argv[2])):
    start = time.perf_counter()
    out = PHStatsMethods.ph_dsr(table, "events", "at_risk", "weight", group_cols="group", euro_standard_pops=False)
    best = min(best, time.perf_counter() - start)
lower, upper = (next(c for c in out if c.lower().startswith(w)) for w in ("lower", "upper"))
out = out.set_index("group")[["Value", lower, upper]]
out.to_parquet(sys.argv[3])
print(json.dumps(best))
"""


def make(groups: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return cells and a standard; the rows are shuffled, as a database returns them."""
    rng = np.random.default_rng(1)
    weights = pd.DataFrame({"age_band": BANDS, "weight": rng.integers(1_000, 7_000, len(BANDS)).astype(float)})
    at_risk = rng.integers(500, 5_000, groups * len(BANDS)).astype(float)
    names = pd.Series([f"group {n:06d}" for n in range(groups)], dtype="str")
    table = pd.DataFrame(
        {
            "group": names.repeat(len(BANDS)).to_numpy(),
            "age_band": np.tile(BANDS, groups),
            "events": rng.poisson(at_risk * 2e-3).astype(float),
            "at_risk": at_risk,
        }
    )
    return table.sample(frac=1, random_state=1, ignore_index=True), weights


def ours(table: pd.DataFrame, weights: pd.DataFrame) -> pd.DataFrame:
    from pcref_analysis.estimates.rates import rates

    return rates.direct(table, ["group"], weights, ["age_band"]).set_index("group")


def numpy_(table: pd.DataFrame, weights: pd.DataFrame) -> pd.DataFrame:
    """The same formulas on bare columns, without a check: add up by group, then Dobson's limits of Byar's."""
    code, names = pd.factorize(table["group"], sort=True)
    weight = weights.set_index("age_band")["weight"]
    share = (weight / weight.sum()).reindex(pd.Index(table["age_band"])).to_numpy() / table["at_risk"].to_numpy()
    events = table["events"].to_numpy()
    size = len(names)
    total, rate, spread = (np.bincount(code, v, size) for v in (events, share * events, share**2 * events))
    z = 1.959963984540054
    low = total * (1 - 1 / (9 * total) - z / (3 * np.sqrt(total))) ** 3
    high = (total + 1) * (1 - 1 / (9 * (total + 1)) + z / (3 * np.sqrt(total + 1))) ** 3
    step = np.sqrt(spread / total)
    figures = {"estimate": rate, "lower": rate + step * (low - total), "upper": rate + step * (high - total)}
    return pd.DataFrame({k: np.where(total >= 10, 1e5 * v, np.nan) for k, v in figures.items()}, index=names)


def timed(call: Callable[[], pd.DataFrame], repeats: int) -> tuple[float, pd.DataFrame]:
    best, out = float("inf"), pd.DataFrame()
    for _ in range(repeats):
        start = perf_counter()
        out = call()
        best = min(best, perf_counter() - start)
    return best, out


def peer(python: str, table: pd.DataFrame, weights: pd.DataFrame, repeats: int) -> tuple[float, pd.DataFrame]:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "cells.parquet", Path(folder) / "rates.parquet"
        joined = table.merge(weights, on="age_band").astype({"events": "int64", "at_risk": "int64"})
        joined.to_parquet(source)
        run = [python, "-c", PEER, str(source), str(repeats), str(target)]
        done = subprocess.run(run, capture_output=True, text=True, encoding="utf-8", check=False)
        if done.returncode:
            raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "no reason given")
        return json.loads(done.stdout.strip().splitlines()[-1]), pd.read_parquet(target)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--peer", default=sys.executable if importlib.util.find_spec("PHStatsMethods") else "")
    options.add_argument("--groups", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    options.add_argument("--repeats", type=int, default=3)
    chosen = options.parse_args()
    if not chosen.peer:
        print("PHStatsMethods: skipped, this interpreter does not have it; name one that has with --peer")
    print(f"{'groups':>8} {'ours s':>9} {'NumPy s':>9} {'ours/NumPy':>11} {'OHID s':>9} {'OHID/ours':>10}")
    for groups in chosen.groups:
        table, weights = make(groups)
        own, result = timed(lambda t=table, w=weights: ours(t, w), chosen.repeats)
        bare, check = timed(lambda t=table, w=weights: numpy_(t, w), chosen.repeats)
        columns = ["estimate", "lower", "upper"]
        np.testing.assert_allclose(result[columns], check[columns], rtol=1e-9)
        line = f"{groups:>8} {own:>9.4f} {bare:>9.4f} {own / bare:>11.2f}"
        if chosen.peer:
            try:
                theirs, other = peer(chosen.peer, table, weights, 1)
                other = other.reindex(result.index)
                both = result["estimate"].notna() & other.notna().all(axis=1)
                np.testing.assert_allclose(result.loc[both, columns], other[both], rtol=1e-8)
                line += f" {theirs:>9.3f} {theirs / own:>10.0f}"
            except RuntimeError as reason:
                line += f"   OHID failed: {reason}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
