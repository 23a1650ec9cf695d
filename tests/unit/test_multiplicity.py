"""Adjusted p-values: by hand, by family, and in step with the limits."""

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.estimates import multiple_testing
from pcref_analysis.vocabulary.errors import PcrefError


def test_by_hand():
    p = [0.01, 0.04, 0.03, np.nan]
    np.testing.assert_allclose(multiple_testing.benjamini_hochberg(p), [0.03, 0.04, 0.04, np.nan])
    np.testing.assert_allclose(multiple_testing.holm(p), [0.03, 0.06, 0.06, np.nan])
    assert len(multiple_testing.holm([])) == 0


ESTIMATES = pd.DataFrame(
    {
        "domain": ["access", "access", "outcomes", "outcomes"],
        "measure": ["ratio", "difference", "ratio", "rate"],
        "estimate": [2.0, -3.0, np.nan, 5.0],
        "lower": [1.0, -6.0, np.nan, 4.0],
        "upper": [4.0, 1.0, np.nan, 6.0],
        "level": 0.95,
    }
)


def test_p_values_agree_with_the_limits():
    p = multiple_testing.p_values(ESTIMATES)
    assert p[0] == pytest.approx(0.05)  # the lower limit touches 1
    assert p[1] == pytest.approx(2 * (1 - 0.92917), abs=1e-4)  # 3 of the 4 that the upper limit reaches: z 1.46997
    assert p[2:].isna().all()  # no figure; no gap to speak of
    for upper, below in ((0.99, True), (1.01, False)):
        row = pd.DataFrame({"measure": ["ratio"], "estimate": [0.5], "lower": [0.1], "upper": [upper], "level": [0.9]})
        assert (multiple_testing.p_values(row)[0] < 0.1) == below


def test_a_family_is_what_the_caller_names():
    table = pd.DataFrame({"domain": list("aab"), "p": [0.01, 0.04, 0.04]})
    got = multiple_testing.adjust(table, ["domain"], p="p")
    assert got["p_adjusted"].tolist() == [0.02, 0.04, 0.04] and got["family_size"].tolist() == [2, 2, 1]
    assert multiple_testing.adjust(table, [], "holm", p="p")["p_adjusted"].tolist() == [0.03, 0.08, 0.08]
    assert list(table) == ["domain", "p"]


def test_rows_without_a_figure_are_no_part_of_the_family():
    got = multiple_testing.adjust(ESTIMATES, [])
    assert got["family_size"].tolist() == [2] * 4 and got["p_adjusted"].isna().tolist() == [False, False, True, True]


@pytest.mark.parametrize(
    ("table", "options", "says"),
    [
        (ESTIMATES, {"family": ["ward"]}, "ward"),
        (ESTIMATES, {"family": [], "method": "bonferroni"}, "holm"),
        (ESTIMATES.assign(level=[0.9, 0.95, 0.9, 0.9]), {"family": []}, "level"),
        (pd.DataFrame({"p": [1.2]}), {"family": [], "p": "p"}, "between 0 and 1"),
    ],
)
def test_misuse_is_said_in_words(table, options, says):
    with pytest.raises(PcrefError, match=says):
        multiple_testing.adjust(table, **options)
