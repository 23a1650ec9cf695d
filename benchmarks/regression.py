"""Rows against cells: the same adjusted ratios, their time and memory, in one run.

    python benchmarks/regression.py [people ...]        (by default 100000 1000000 10000000)

Each step runs in a process of its own. Memory is the peak of the process above what it held once its libraries were
loaded. Rows above ROWS_LIMIT people are not fitted: statsmodels holds several copies of a dense matrix, which passes
what a laptop has.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROWS_LIMIT = 1_000_000
KEYS = ["ethnic_group", "sex", "age_band", "imd_quintile"]
GROUPS = ["White British", "Asian or Asian British", "Black or Black British", "Mixed", "Other ethnic groups"]
BANDS = ["0-15", "16-19", "20-24", "25-34", "35-49", "50-64", "65+"]
QUERY = """
    with person as (
        select ethnic_group, sex, age_band, imd_quintile, person, sum(y) as y, sum(t) as t
        from read_parquet('{path}') group by all
    )
    select ethnic_group, sex, age_band, imd_quintile, sum(y) as events, sum(t) as at_risk, sum(y * y) as events_sq,
           sum(y * t) as events_at_risk, sum(t * t) as at_risk_sq
    from person group by all
"""


def make(people: int, folder: Path) -> dict[str, float]:
    """Write rows (spells; 1.3 a person) to Parquet."""
    rng = np.random.default_rng(people)
    group = rng.choice(5, people, p=[0.74, 0.11, 0.08, 0.045, 0.025])
    spells = 1 + rng.binomial(3, 0.1, people)
    who = np.repeat(np.arange(people), spells)
    sex, age, imd = rng.integers(0, 2, people), rng.integers(0, 7, people), rng.integers(1, 6, people)
    rate = 0.05 * np.array([1, 1, 2.5, 1.5, 1])[group] * 1.15 ** (5 - imd) * rng.gamma(0.5, 2, people)
    t = rng.uniform(0.1, 1, len(who))
    frame = pd.DataFrame(
        {
            "person": who,
            "ethnic_group": pd.Categorical.from_codes(group[who], GROUPS),
            "sex": pd.Categorical.from_codes(sex[who], ["Female", "Male"]),
            "age_band": pd.Categorical.from_codes(age[who], BANDS),
            "imd_quintile": imd[who].astype("int8"),
            "t": t,
            "y": rng.poisson(rate[who] * t).astype(float),
        }
    )
    frame.to_parquet(folder / "rows.parquet")
    return {"rows": len(frame)}


def aggregate(folder: Path) -> dict[str, float]:
    """Rows to cells in DuckDB."""
    import duckdb

    return _measured(lambda: _write_cells(duckdb.connect(), folder))


def _write_cells(connection, folder: Path) -> dict[str, float]:
    connection.execute("set threads = 2")
    cells = connection.sql(QUERY.format(path=(folder / "rows.parquet").as_posix())).df()
    cells.assign(indicator="x", period="2023-24").to_parquet(folder / "cells.parquet")
    return {"cells": len(cells)}


def from_cells(folder: Path) -> dict[str, float]:
    """Adjusted ratios from cells."""
    from pcref_analysis.estimates.regression import adjusted_ratios

    small = pd.read_parquet(folder / "cells.parquet")
    adjusted_ratios.adjusted(
        small.iloc[:40], comparator=small["ethnic_group"].iloc[0], adjust=["sex"]
    )  # load what is lazy

    def fit() -> dict[str, float]:
        cells = pd.read_parquet(folder / "cells.parquet")
        adjust = ["age_band", "sex", "imd_quintile"]
        found = adjusted_ratios.adjusted(cells, adjust=adjust, interval="normal").set_index("ethnic_group")
        return {f"{group} {side}": found.loc[group, side] for group in GROUPS[1:] for side in ("estimate", "upper")}

    return _measured(fit)


def from_rows(folder: Path) -> dict[str, float]:
    """Adjusted ratios from rows: statsmodels, standard errors clustered by person."""
    import statsmodels.api as sm
    from scipy.stats import norm

    def fit() -> dict[str, float]:
        rows = pd.read_parquet(folder / "rows.parquet")
        x = pd.get_dummies(rows[KEYS].astype({"imd_quintile": "category"}), drop_first=True, dtype=float)
        x.insert(0, "intercept", 1.0)
        model = sm.GLM(rows["y"].to_numpy(), x.to_numpy(), sm.families.Poisson(), offset=np.log(rows["t"].to_numpy()))
        clusters = {"groups": rows["person"].to_numpy(), "use_correction": False}
        result = model.fit(tol=1e-10, tol_criterion="params", cov_type="cluster", cov_kwds=clusters)
        out = {}
        for group in GROUPS[1:]:
            i = x.columns.get_loc(f"ethnic_group_{group}")
            out[f"{group} estimate"] = float(np.exp(result.params[i]))
            out[f"{group} upper"] = float(np.exp(result.params[i] + norm.ppf(0.975) * result.bse[i]))
        return out

    return _measured(fit)


def _measured(work) -> dict[str, float]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.perf_counter(), time.process_time()
    out = work()
    seconds, processor = time.perf_counter() - start[0], time.process_time() - start[1]
    return out | {
        "seconds": seconds,
        "processor": processor,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before,
    }


STEPS = {"make": make, "aggregate": aggregate, "cells": from_cells, "rows": from_rows}


def step(name: str, *arguments: object) -> dict[str, float]:
    """Run one step in a process of its own."""
    command = [sys.executable, __file__, f"--{name}", *map(str, arguments)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        sys.exit(answer.stderr)
    return json.loads(answer.stdout)


def main(sizes: list[int]) -> None:
    lines = []
    for people in sizes:
        with tempfile.TemporaryDirectory() as folder:
            line = {"people": people, "rows": step("make", people, folder)["rows"]}
            built, cells = step("aggregate", folder), step("cells", folder)
            line |= {"cells": built["cells"], "to cells s": built["seconds"], "to cells MB": built["mb"]}
            line |= {"fit cells s": cells["processor"], "fit cells MB": cells["mb"]}
            if people <= ROWS_LIMIT:
                rows = step("rows", folder)
                gap = max(abs(rows[key] / cells[key] - 1) for key in cells if key.split()[-1] in ("estimate", "upper"))
                line |= {"fit rows s": rows["processor"], "fit rows MB": rows["mb"], "largest gap": gap}
                line |= {"times faster": rows["processor"] / cells["processor"], "times less": rows["mb"] / cells["mb"]}
        lines.append(line)
        print(pd.Series(line, dtype=float).map("{:.6g}".format).to_string(), end="\n\n", flush=True)
    print(pd.DataFrame(lines).to_string(index=False, float_format="{:.3g}".format))


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1].startswith("--"):
        name, *arguments = sys.argv[1:]
        given = [int(a) if a.isdigit() else Path(a) for a in arguments]
        print(json.dumps(STEPS[name.removeprefix("--")](*given)))
    else:
        main([int(a) for a in sys.argv[1:]] or [100_000, 1_000_000, 10_000_000])
