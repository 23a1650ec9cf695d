"""What changed since the last edition: corrections, gaps, definitions, of the values that both editions show."""

import json

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.report.pages import last_edition
from pcref_analysis.store import csv_text
from pcref_analysis.vocabulary import parameters

ROW = {"indicator": "detentions", "indicator_name": "Detentions", "ethnic_group": "Mixed", "comparator": "White",
       "adjustment": "crude", "measure": "ratio", "level": 0.95}  # fmt: skip
THEN = [("2021-22", 2.0, 1.5, 2.7), ("2022-23", 3.0, 2.5, 3.6)]
NOW = [("2021-22", 2.1, 1.6, 2.7), ("2022-23", 3.0, 2.5, 3.6), ("2023-24", 1.5, 1.2, 1.9)]


def gaps(rows, **more):
    return pd.DataFrame([ROW | dict(zip(("period", "estimate", "lower", "upper"), row, strict=True)) for row in rows]
                        ).assign(**more)  # fmt: skip


@pytest.fixture
def changed(tmp_path):
    def of(then, now, day="", **settings):
        (tmp_path / "tables").mkdir()
        (tmp_path / "tables" / "experience-gaps.csv").write_text(csv_text.to_csv(then), encoding="utf-8")
        (tmp_path / "manifest.json").write_text(
            json.dumps({"parameters": {"edition_date": day} | settings}), encoding="utf-8"
        )
        return last_edition.changes({"experience-gaps": now}, tmp_path, parameters.load("demo"))

    return of


def test_a_corrected_figure_stands_with_both_values_and_a_gap_that_moved_is_named(changed):
    said, sources = changed(gaps(THEN), gaps(NOW))
    assert said[0] == "Both editions show 2 figures of the same years, 1 of them corrected since."
    where = "Corrected: Detentions, Mixed, 2021-22, ratio to White before adjustment"
    assert said[1] == f"{where}: 2.0 (1.5 to 2.7) then, 2.1 (1.6 to 2.7) now."
    assert said[2].startswith("Of 1 gap compared, narrower in 2023-24 than in 2022-23") and len(said) == 3
    assert "2.1" in sources


def test_other_settings_are_named_and_what_moved_with_them_is_not_called_corrected(changed):
    """Every figure was "corrected" by an edition with 90% intervals and another disclosure rule."""
    said, sources = changed(gaps(THEN), gaps(NOW), level=0.9, age_bands=[0, 65], disclosure={"threshold": 8})
    assert said[0].startswith("Set otherwise than then: level of intervals: 0.9, now 0.95; age bands from: 0, 65, now ")
    assert said[0].endswith("; counts suppressed below: 8, now 5. Figures can differ for that alone.")
    assert (
        "1 of them no longer the same" in said[1]
        and said[2].startswith("Differs: Detentions, Mixed")
        and "0.9" in sources
    )
    assert not any("orrected" in one for one in said)


def test_a_hidden_figure_is_compared_with_nothing(changed):
    now = gaps(NOW)
    now.loc[[0, 2], ["estimate", "lower", "upper"]] = np.nan
    assert changed(gaps(THEN), now)[0] == ["Both editions show 1 figure of the same years, none of them changed."]


def test_another_definition_is_named_and_its_gap_not_compared(changed):
    said, _ = changed(gaps(THEN), gaps(NOW), day="2010-01-01")
    assert said[-1] == "Defined in another way than in the last edition: Detentions."
    assert not any("narrower" in one for one in said)


def test_what_is_new_or_gone_is_named(changed):
    said, _ = changed(gaps(THEN, indicator="old_one", indicator_name="Old"), gaps(NOW))
    assert said[-2:] == ["Shown for the first time: Detentions.", "No longer shown: Old."]
