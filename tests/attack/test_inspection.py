"""A reviewer with the folder alone: which tables of the pages are parts of what was released."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.publish import audit_command

LEVELS = pd.DataFrame(
    {
        "indicator": "detentions",
        "ethnic_group": ["White", "Other", "Unknown"],
        "comparator": np.nan,
        "estimate": [12.0, 30.0, np.nan],
        "events": [120.0, 30.0, np.nan],
        "events_status": ["shown", "shown", "suppressed"],
    }
)


@pytest.mark.parametrize("step", [np.nan, [0.5, np.nan, np.nan]])  # no figure is given coarser, and one is
def test_a_part_of_what_was_released_is_known_whatever_its_figures_are_rounded_to(tmp_path, step):
    (tmp_path / "tables").mkdir()
    released = LEVELS.assign(rounded_to=step)
    released.iloc[1:].to_csv(tmp_path / "tables" / "part.csv", index=False)
    released.replace({"events": {30.0: 28.0}}).to_csv(tmp_path / "tables" / "other.csv", index=False)
    strangers, parts, made = audit_command._pages_tables(tmp_path, [SimpleNamespace(table=released)])
    assert (strangers, parts, made) == (["other.csv"], 1, 0)
