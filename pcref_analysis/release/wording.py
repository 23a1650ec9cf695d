"""Every sentence of the draft list in one place, so that an advisory group can change it.

No sentence says why a gap is there, and none decides anything.
"""

from __future__ import annotations

import pandas as pd

TERMS = {
    "people": "{group} people",
    "comparator": "{comparator} people",
    "nothing": "No gap in these figures is both clear of chance and larger than the margin that was agreed to matter.",
}


def first_draft(table: pd.DataFrame, terms: dict[str, str] | None = None) -> pd.Series:
    """Return a first draft of each row's wording."""
    terms = TERMS | (terms or {})
    return pd.Series([_sentence(row, terms) for row in table.to_dict("records")], index=table.index, dtype=object)


def _sentence(row: dict, terms: dict[str, str]) -> str:
    people = terms["people"].format(group=row["ethnic_group"])
    others = terms["comparator"].format(comparator=row["comparator"])
    if pd.isna(row["ratio"]):
        note = f" ({row['note']})" if isinstance(row["note"], str) and row["note"] else ""
        return f"{row['name']}: the figures cannot say how {people} compare with {others}{note}."
    return (
        f"{row['name']}: {row['ratio']:.2f} times as high for {people} as for {others} "
        f"(interval {row['lower']:.2f} to {row['upper']:.2f})."
    )
