"""The gaps built into the invented Trust come back from its cells, by a model written here and not by ours."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from pcref_analysis.synthetic import demo

FACTORS = ["ethnic_group", "sex", "age_band", "imd_quintile"]
INDICATORS = sorted(demo.planted()["indicator"].unique())
SUMS = ["events", "at_risk", "events_sq", "events_at_risk", "at_risk_sq", "total", "total_sq", "total_at_risk"]


@pytest.fixture(scope="module")
def found(demo_cells):
    return demo_cells[0]


@pytest.fixture(scope="module")
def compared(found):
    return pd.concat({name: against_planted(found, name) for name in INDICATORS})


def pooled(found: pd.DataFrame, indicator: str) -> pd.DataFrame:
    """The three years together, people with an unknown characteristic left out."""
    part = found[(found["indicator"] == indicator) & found["imd_quintile"].notna() & (found["at_risk"] > 0)]
    part = part[~part[["ethnic_group", "sex", "age_band"]].isin(["Not known", "Not stated"]).any(axis=1)]
    return part.groupby(FACTORS, as_index=False)[SUMS].sum()


def adjusted(part: pd.DataFrame) -> pd.DataFrame:
    """Log ratios against White British by Poisson regression, with errors clustered by person from the sums."""
    mean = part["total"].abs().sum() > 0
    response, exposure = part["total" if mean else "events"], part["at_risk"].to_numpy()
    design = pd.get_dummies(part[FACTORS].astype(str)).astype(float)
    design = design.drop(columns=["ethnic_group_White British", "sex_Female", "age_band_35-49", "imd_quintile_3"])
    design.insert(0, "const", 1.0)
    model = sm.GLM(response, design, family=sm.families.Poisson(), exposure=exposure).fit()
    fitted, x = model.fittedvalues.to_numpy(), design.to_numpy()
    rate = fitted / exposure
    square, cross = ("total_sq", "total_at_risk") if mean else ("events_sq", "events_at_risk")
    meat = part[square] - 2 * rate * part[cross] + rate**2 * part["at_risk_sq"]
    bread = np.linalg.pinv(x.T @ (x * fitted[:, None]))
    variance = bread @ (x.T @ (x * meat.to_numpy()[:, None])) @ bread
    result = pd.DataFrame({"log": model.params, "se": np.sqrt(np.diag(variance))})
    result.index = result.index.str.removeprefix("ethnic_group_")
    return result


def against_planted(found: pd.DataFrame, indicator: str) -> pd.DataFrame:
    """Estimates beside what was planted, for groups with events of at least fifteen people, as it were.

    Errors clustered by person need people: twenty interventions on three people are three observations.
    """
    part = pooled(found, indicator)
    truth = demo.planted().query("indicator == @indicator").set_index("ethnic_group")
    sums = part.groupby("ethnic_group")[["events", "events_sq"]].sum()
    people = (sums["events"] ** 2 / sums["events_sq"]).rename("people")
    both = truth.join(adjusted(part), how="inner").join(people)
    both = both[both["people"] >= 15]
    return both.assign(z=(both["log"] - np.log(both["ratio"])) / both["se"])


@pytest.mark.parametrize("indicator", INDICATORS)
def test_planted_gap_is_recovered(compared, indicator):
    """All groups at once, so that one chance in a thousand is the price of a good seed."""
    both = compared.loc[indicator]
    assert both["z"].abs().max() < stats.norm.isf(0.0005 / len(both)), both[["ratio", "log", "se", "z"]]
    assert (both["z"] ** 2).sum() < stats.chi2.isf(0.001, len(both)), both[["ratio", "log", "se", "z"]]


@pytest.mark.parametrize("group", ["Caribbean", "African"])
def test_the_gap_in_detentions_is_within_its_interval_and_far_from_one(compared, group):
    line = compared.loc["detentions", group]
    assert abs(line["z"]) < 1.96
    assert line["log"] / line["se"] > 4


def test_crude_and_adjusted_gaps_differ_as_planted(found, compared):
    """African residents are referred less at every age and deprivation; being younger and poorer hides part of it."""
    part = pooled(found, "new_referrals").groupby("ethnic_group")[["events", "at_risk"]].sum()
    rate = part["events"] / part["at_risk"]
    crude = rate["African"] / rate["White British"]
    assert crude > 1.08 * np.exp(compared.loc[("new_referrals", "African"), "log"])


def test_no_gap_is_found_where_none_was_planted(compared):
    none = compared[compared["ratio"] == 1.0]
    assert len(none) > 40
    assert (none["z"].abs() > 1.96).mean() < 0.15
