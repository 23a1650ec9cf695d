"""NHS ethnic categories (16+1), their broad groups, and the crosswalk from the 2021 census.

The NHS codes follow the 2001 census: Chinese (R) stands in "Other ethnic groups". The 2021 census
puts Chinese in Asian and adds Arab, Roma, and Gypsy or Irish Traveller, which have no NHS code;
they are mapped to the "any other" category of the same broad group, so that every resident is
counted once. Unknown is *not stated* (Z), *not known* (99) and missing: always shown, never part
of "Other".
"""

from __future__ import annotations

import csv
import io
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from pcref_analysis.vocabulary.errors import PcrefError

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN = "Unknown"
NOT_KNOWN = "Not known"
ALL_OTHERS, WHOLE_POPULATION = "All other groups", "Whole population"  # comparators that are no group
BROAD_GROUPS = ("White", "Mixed", "Asian or Asian British", "Black or Black British", "Other ethnic groups", UNKNOWN)


@cache
def rows_of(name: str) -> tuple[dict[str, str], ...]:
    """Return the rows of a shipped reference table as text, without pandas, whose import takes longer than a check."""
    source = files("pcref_analysis.vocabulary") / "reference" / name
    return tuple(csv.DictReader(io.StringIO(source.read_text(encoding="utf-8"), newline="")))


def table_of(name: str) -> pd.DataFrame:
    """Return a shipped reference table, all of it text, empty where there is nothing to say."""
    import pandas as pd

    return pd.DataFrame(list(rows_of(name)))


def categories() -> pd.DataFrame:
    """Return the 18 NHS categories: ``code``, ``ethnic_group``, ``broad_group``, in the NHS order.

    References
    ----------
    NHS Data Dictionary, ETHNIC CATEGORY (16+1, the 2001 basis).
    """
    return table_of("ethnic_categories.csv")


def census_crosswalk() -> pd.DataFrame:
    """Return the 19 groups of Census 2021 with the NHS ``code`` and NHS groups that each counts in.

    Columns: ``census_group``, ``code``, ``census_broad_group``, ``ethnic_group``, ``broad_group``.
    ``census_broad_group`` differs from ``broad_group`` for Chinese only: a rate that divides NHS
    counts of "Other" by the census' "Other" is wrong by that group.
    """
    return table_of("census_2021_ethnic_groups.csv").merge(categories(), on="code", validate="many_to_one")


def known_groups(detail: str = "detailed") -> list[str]:
    """Return the ethnic groups that can be compared, in the NHS order (``detailed`` 16 or ``broad`` 5)."""
    column = {"detailed": "ethnic_group", "broad": "broad_group"}[detail]
    rows = rows_of("ethnic_categories.csv")
    return list(dict.fromkeys(row[column] for row in rows if row["broad_group"] != UNKNOWN))


def the_group(name: str) -> str:
    """Return an ethnic group with its article, as a sentence speaks of the comparator.

    Examples
    --------
    >>> the_group("White"), the_group("Other ethnic groups"), the_group("Any other Asian background")
    ('the White group', 'the Other ethnic groups', 'the group “Any other Asian background”')
    """
    if name.startswith("Any other"):
        return f"the group “{name}”"
    return f"the {name}" if name.endswith("groups") else f"the {name} group"


def to_broad(groups: pd.Series) -> pd.Series:
    """Turn detailed ethnic groups into broad ones; a broad group stays what it is.

    Raises
    ------
    PcrefError
        If a name is neither a detailed nor a broad ethnic group of this vocabulary.
    """
    table = categories()
    mapping = dict(zip(table["ethnic_group"], table["broad_group"], strict=True))
    mapping |= {group: group for group in BROAD_GROUPS}
    broad = groups.map(mapping)
    wrong = int(broad.isna().sum())
    if wrong:
        raise PcrefError(f"ethnic group: {wrong} row(s) hold a name that is not an ethnic group of the vocabulary.")
    return broad
