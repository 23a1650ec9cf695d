"""Coefficients and standard errors against R (see make_expected.R and made_with.txt in this folder), to 1e-6."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.estimates.regression import adjusted_ratios

HERE = Path(__file__).parent
CLOSE = {"rtol": 1e-6, "atol": 1e-6}
ROWS = ["age_band", "sex"]
STRATA = ["age_band", "sex", "imd_quintile"]


def expected(case):
    table = pd.read_csv(HERE / "expected_coefficients.csv").query("case == @case")
    return table.set_index("ethnic_group")[["coefficient", "std_error"]]


def other(name):
    return pd.read_csv(HERE / "expected_other.csv").set_index("name").loc[name, "value"]


def strata(as_people=False):
    cells = pd.read_csv(HERE / "strata.csv").assign(indicator="x", period="2023-24")
    if as_people:  # every stratum taken as one person: the clustered sandwich is then HC0 of the strata
        y, t = cells["events"], cells["at_risk"]
        cells = cells.assign(events_sq=y**2.0, events_at_risk=1.0 * y * t, at_risk_sq=t**2.0)
    return cells


def people(outcome, at_risk=None, first=False):
    rows = pd.read_csv(HERE / "rows.csv")
    rows = rows.drop_duplicates("person") if first else rows
    rows["w"] = rows[at_risk] if at_risk else 1.0
    keys = ["ethnic_group", "sex", "age_band"]
    person = rows.groupby([*keys, "person"], as_index=False).agg(y=(outcome, "sum"), t=("w", "sum"))
    name = "total" if outcome == "days" else "events"
    person = person.assign(yy=person["y"] ** 2, yt=person["y"] * person["t"], tt=person["t"] ** 2)
    cells = person.groupby(keys, as_index=False)[["y", "t", "yy", "yt", "tt"]].sum()
    cells.columns = [*keys, name, "at_risk", f"{name}_sq", f"{name}_at_risk", "at_risk_sq"]
    return cells.assign(indicator="x", period="2023-24")


def fitted(cells, **options):
    (model,) = adjusted_ratios.fit(cells, **options).values()
    return model


CASES = {
    "poisson": lambda: fitted(strata(), adjust=STRATA, robust=False),
    "quasipoisson": lambda: fitted(strata(), adjust=STRATA, family="quasipoisson", robust=False),
    "negbin": lambda: fitted(strata(), adjust=STRATA, family="negbin", robust=False),
    "logistic": lambda: fitted(strata(), adjust=STRATA, family="logistic", robust=False),
    "poisson HC0 of strata": lambda: fitted(strata(True), adjust=STRATA),
    "logistic HC0 of strata": lambda: fitted(strata(True), adjust=STRATA, family="logistic"),
    "poisson clustered": lambda: fitted(people("y", "t"), adjust=ROWS),
    "logistic clustered": lambda: fitted(people("seen"), adjust=ROWS, family="logistic"),
    "modified poisson clustered": lambda: fitted(people("seen"), adjust=ROWS),
    "gamma": lambda: fitted(people("days", first=True), adjust=ROWS, family="gamma", robust=False),
}


@pytest.mark.parametrize("case", CASES)
def test_coefficients_and_errors(case):
    found = CASES[case]().coefficients.set_index("term")
    found = found.set_axis(found.index.str.removeprefix("ethnic_group: "), axis=0)
    want = expected(case)
    assert len(want) == 3
    pd.testing.assert_frame_equal(found.loc[want.index], want, check_names=False, **CLOSE)


def test_dispersions():
    assert np.isclose(CASES["quasipoisson"]().dispersion, other("quasipoisson dispersion"), **CLOSE)
    assert np.isclose(CASES["gamma"]().dispersion, other("gamma dispersion"), **CLOSE)
    assert np.isclose(1 / CASES["negbin"]().alpha, other("theta"), **CLOSE)


def test_joint_test_of_an_interaction():
    found = adjusted_ratios.interaction(people("y", "t"), "sex", adjust=ROWS)
    assert found["df"].unique() == [3]
    assert np.isclose(found["wald"].iloc[0], other("wald"), **CLOSE)
    assert np.isclose(found["p_value"].iloc[0], other("wald p"), **CLOSE)


def test_exact_limit_of_a_group_without_events():
    cells = pd.DataFrame(
        {
            "indicator": "x",
            "period": "2023-24",
            "ethnic_group": ["White British", "Mixed"],
            "events": [37, 0],
            "at_risk": [46_000, 1_250],
        }
    )
    row = adjusted_ratios.adjusted(cells, adjust=[], robust=False).iloc[0]
    assert np.isnan(row["estimate"]) and row["lower"] == 0 and "no events" in row["note"]
    assert np.isclose(row["upper"], other("exact limit"), rtol=1e-9)
