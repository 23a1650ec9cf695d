"""Financial years: four digits, and the century that they say."""

from __future__ import annotations

import pytest

from pcref_analysis.vocabulary.parameters import Parameters

FIELDS = {
    "run": "test",
    "trust": {"name": "Test"},
    "source": {"kind": "folder"},
    "disclosure": {"owner": "x", "agreed": "2026-01-01"},
    "priorities": {"owner": "x", "agreed": "2026-01-01"},
}


@pytest.mark.parametrize("period", ["2023-24", "1999-00"])
def test_a_financial_year(period):
    assert Parameters.model_validate(FIELDS | {"period": period}).period == period


@pytest.mark.parametrize("period", ["23-24", "2023-2024", "20233-34", "2023-25", "0023-24", "2023-4"])
def test_no_financial_year(period):
    with pytest.raises(ValueError, match="not a financial year"):
        Parameters.model_validate(FIELDS | {"period": period})
