"""Expected values from statsmodels: mid-P Poisson limits, and MOVER and log limits of two rates; writes a CSV."""

from importlib.metadata import version
from pathlib import Path

import pandas as pd
from statsmodels.stats.rates import confint_poisson, confint_poisson_2indep

HERE = Path(__file__).parent
SOFTWARE = f"statsmodels {version('statsmodels')}"
found = []
for level in (0.8, 0.95, 0.998):
    for x in (1, 2, 5, 9, 10, 11, 50, 1000):
        found.append((SOFTWARE, "midp", f"{x}", level, *confint_poisson(x, 1, method="midp-c", alpha=1 - level)))
    for x, n, y, m in ((1, 900, 30, 40000), (12, 900, 30, 40000), (40, 1e4, 80, 8e4), (500, 2e5, 10, 9000)):
        case = f"{x}/{n:g} {y}/{m:g}"
        for compare, name, method, label in (
            ("ratio", "ratio", "mover", "mover"),
            ("ratio", "ratio", "wald-log", "log"),
            ("diff", "difference", "mover", "mover"),
        ):
            extra = {"method_mover": "exact-c"} if method == "mover" else {}
            low, high = confint_poisson_2indep(x, n, y, m, method=method, compare=compare, alpha=1 - level, **extra)
            found.append((SOFTWARE, f"{name}_{label}", case, level, low, high))
columns = ["software", "method", "case", "level", "lower", "upper"]
table = pd.DataFrame(found, columns=columns)
table.to_csv(HERE / "expected_statsmodels.csv", index=False, float_format="%.17g", lineterminator="\n")
