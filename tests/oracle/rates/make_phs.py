"""Expected values from PHStatsMethods: run with an interpreter that has it; writes expected_phs.csv."""

from importlib.metadata import version
from pathlib import Path

import pandas as pd
import PHStatsMethods

HERE = Path(__file__).parent
SOFTWARE = f"PHStatsMethods {version('PHStatsMethods')}"
cells = pd.read_csv(HERE / "cells.csv")
total = cells.groupby("group", as_index=False)[["events", "at_risk"]].sum()
england = cells.groupby(["sex", "age_band"], as_index=False)[["events", "at_risk"]].sum()
england = england.rename(columns={"events": "ref_events", "at_risk": "ref_at_risk"})
joined = cells.merge(england, on=["sex", "age_band"])
counts = pd.DataFrame({"group": [f"n{n}" for n in (1, 5, 9, 10, 11, 50, 1000)], "events": [1, 5, 9, 10, 11, 50, 1000]})
counts["at_risk"] = 1500
found = []


def limits(table):
    return [column for column in table if column.lower().startswith(("lower", "upper"))]


def add(method, level, table, estimate, lower, upper):
    for row in table.to_dict("records"):
        found.append((SOFTWARE, method, row["group"], level, row[estimate], row[lower], row[upper]))


for level in (0.95, 0.998):
    for title, frame in (("rate", counts), ("rate", total)):
        out = PHStatsMethods.ph_rate(frame, "events", "at_risk", "group", confidence=level)
        add(title, level, out, "Value", *limits(out))
    for frame in (counts, total):
        out = PHStatsMethods.ph_proportion(frame, "events", "at_risk", "group", confidence=level)
        add("proportion", level, out, "Value", *limits(out))
    out = PHStatsMethods.ph_dsr(
        cells, "events", "at_risk", "weight", group_cols="group", confidence=level, euro_standard_pops=False
    )
    add("dsr", level, out.dropna(subset=["Value"]), "Value", *limits(out))
    for title, call in (("isratio", PHStatsMethods.ph_ISRatio), ("israte", PHStatsMethods.ph_ISRate)):
        out = call(joined, "events", "at_risk", "ref_events", "ref_at_risk", "group", confidence=level)
        add(title, level, out, "Value", *limits(out))
columns = ["software", "method", "case", "level", "estimate", "lower", "upper"]
pd.DataFrame(found, columns=columns).to_csv(
    HERE / "expected_phs.csv", index=False, float_format="%.17g", lineterminator="\n"
)
