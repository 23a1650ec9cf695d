"""Known truth: the intervals of rounded counts hold the true rate and ratio at least as often as they say."""

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.estimates import interval_counts
from pcref_analysis.published import publisher_rounding

DRAWS = 4_000


def publish(truth):
    """The publisher's rule: below five suppressed, the others rounded to the nearest five."""
    return pd.Series(np.where(truth < 5, np.nan, np.round(truth / 5) * 5))


def frame(truth, at_risk, area):
    shown = publish(truth)
    return publisher_rounding.interval(shown).assign(
        events=shown, at_risk=at_risk, at_risk_low=at_risk, at_risk_high=at_risk, measure="rate", per=1.0, area=area
    )


@pytest.mark.parametrize("mean", [1.0, 4.0, 7.5, 14.0, 30.0])
def test_rate_and_ratio_cover_the_truth(mean):
    rng = np.random.default_rng(20260101)
    area = [f"draw {i}" for i in range(DRAWS)]
    one = frame(rng.poisson(mean, DRAWS), 1_000.0, area).assign(ethnic_group="Mixed")
    other = frame(rng.poisson(120.0, DRAWS), 60_000.0, area).assign(ethnic_group="White")
    both = pd.concat([one, other], ignore_index=True).assign(indicator="detentions", period="2023-24")
    result = interval_counts.compare(interval_counts.crude(both))
    mixed = result[result["ethnic_group"] == "Mixed"]
    rate, ratio = mean / 1_000, (mean / 1_000) / (120.0 / 60_000)
    assert ((mixed["lower"] <= rate) & (rate <= mixed["upper"])).mean() >= 0.95
    assert ((mixed["ratio_lower"] <= ratio) & (ratio <= mixed["ratio_upper"])).mean() >= 0.95
    shown = mixed["events"].notna()
    assert ((mixed["estimate"] >= mixed["lower"]) & (mixed["estimate"] <= mixed["upper"]))[shown].all()
