"""Write the made-up counts that every outside program in this folder is given (seed fixed, no real person)."""

from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
BANDS = ["0-15", "16-19", "20-24", "25-34", "35-49", "50-64", "65+"]
WEIGHT = [10.5, 2.6, 3.4, 7.7, 10.6, 10.9, 10.4]

rng = np.random.default_rng(20260101)
rows = []
for group, size, slope in (
    ("A", 900, 2.2),
    ("B", 4_000, 1.6),
    ("C", 15_000, 1.0),
    ("D", 60_000, 0.4),
    ("E", 300_000, 0),
):
    for sex in ("Female", "Male"):
        for place, (band, weight) in enumerate(zip(BANDS, WEIGHT, strict=True)):
            people = int(size * np.exp(-slope * place / 6) * (1 + 0.2 * rng.random()))
            rate = 2e-3 * np.exp(-(((place - 3) / 2.5) ** 2)) * (1.2 if sex == "Male" else 1.0)
            rows.append((group, sex, band, int(rng.poisson(people * rate)), people, weight))
table = pd.DataFrame(rows, columns=["group", "sex", "age_band", "events", "at_risk", "weight"])
table.to_csv(HERE / "cells.csv", index=False, lineterminator="\n")
