"""Rates and intervals against other people's software: R, epitools, PHStatsMethods.

The expected values are in ``expected_*.csv`` with the software's name and version; ``make_*`` made them.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.estimates import intervals
from pcref_analysis.estimates.rates import rates

HERE = Path(__file__).parent
CELLS = pd.read_csv(HERE / "cells.csv")
STANDARD = CELLS.groupby(["sex", "age_band"], as_index=False)["weight"].first()
R = pd.read_csv(HERE / "expected_r.csv", dtype={"case": str})
PHS = pd.read_csv(HERE / "expected_phs.csv")


def close(got, expected, rel=1e-8):
    np.testing.assert_allclose(
        np.asarray(got, float).ravel(), np.asarray(expected, float).ravel(), rtol=rel, atol=1e-15
    )


def r(method):
    return R[R["method"] == method]


def test_every_method_has_expected_values():
    assert set(R["method"]) == {
        "exact_poisson",
        "clopper_pearson",
        "wilson",
        "student_t",
        "gamma",
        "tiwari",
    }
    assert set(PHS["method"]) == {"rate", "proportion", "dsr", "isratio", "israte"}


def test_exact_poisson_is_that_of_r():
    table = r("exact_poisson")
    for level, part in table.groupby("level"):
        got = intervals.exact_poisson(part["estimate"], level)
        close(got, part[["lower", "upper"]].T)


@pytest.mark.parametrize("method", ["clopper_pearson", "wilson"])
def test_proportion_limits_are_those_of_r(method):
    table = r(method)
    counts = table["case"].str.split("/", expand=True).astype(float)
    for level, rows in table.groupby("level").groups.items():
        part = table.loc[rows]
        got = getattr(intervals, method)(counts.loc[rows, 0], counts.loc[rows, 1], level)
        close(got, part[["lower", "upper"]].T)


def test_student_t_is_that_of_r():
    for row in r("student_t").itertuples():
        values = np.array(row.case.split(), float)
        cells = pd.DataFrame({"at_risk": [len(values)], "total": [values.sum()], "total_sq": [(values**2).sum()]})
        got = rates.mean(cells, [], level=row.level)
        close(got[["estimate", "lower", "upper"]], [row.estimate, row.lower, row.upper])


@pytest.mark.parametrize("method", ["gamma", "tiwari"])
def test_gamma_limits_are_those_of_r(method):
    for level, part in r(method).groupby("level"):
        got = rates.direct(CELLS, ["group"], STANDARD, ["sex", "age_band"], per=1, level=level, method=method)
        expected = part.set_index("case").loc[list("BCDE"), ["estimate", "lower", "upper"]]
        close(got.set_index("group").loc[list("BCDE"), ["estimate", "lower", "upper"]], expected)


def phs(method, level):
    table = PHS[(PHS["method"] == method) & (PHS["level"] == level)]
    return table.set_index("case")[["estimate", "lower", "upper"]].sort_index()


COUNTS = pd.DataFrame({"group": [f"n{n}" for n in (1, 5, 9, 10, 11, 50, 1000)], "events": [1, 5, 9, 10, 11, 50, 1000]})
COUNTS["at_risk"] = 1500


@pytest.mark.parametrize("level", [0.95, 0.998])
@pytest.mark.parametrize(
    ("method", "call"),
    [
        ("rate", lambda level: rates.crude(pd.concat([COUNTS, CELLS]), ["group"], level=level)),
        ("proportion", lambda level: rates.proportion(pd.concat([COUNTS, CELLS]), ["group"], per=1, level=level)),
        ("dsr", lambda level: rates.direct(CELLS, ["group"], STANDARD, ["sex", "age_band"], level=level)),
        ("isratio", lambda level: rates.indirect(CELLS, ["group"], CELLS, ["sex", "age_band"], level=level)),
        ("israte", lambda level: rates.indirect(CELLS, ["group"], CELLS, ["sex", "age_band"], 100_000, level)),
    ],
)
def test_rates_are_those_of_phstatsmethods(method, call, level):
    expected = phs(method, level)
    got = call(level).set_index("group").sort_index()
    close(got.loc[expected.index, ["estimate", "lower", "upper"]], expected)
    if method == "dsr":
        assert got["estimate"].isna().sum() == 1 and "A" not in expected.index  # nine events: refused by both
