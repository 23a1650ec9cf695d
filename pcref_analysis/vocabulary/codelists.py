"""Lists of codes that definitions name: which code counts, between which days, and where that is published."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from pcref_analysis.vocabulary.errors import PcrefError, did_you_mean
from pcref_analysis.vocabulary.ethnicity import rows_of, table_of

if TYPE_CHECKING:
    import pandas as pd

NOT_COLLECTED = "not collected"  # what a counting rule puts into a column that nobody filled in a whole year


class Code(NamedTuple):
    """One code of a list, and the first and last day of the rows that it counts for (none: any day)."""

    code: str
    first: date | None
    last: date | None


@cache
def table() -> pd.DataFrame:
    """Return every code list.

    Returns
    -------
    pandas.DataFrame
        ``list, code, meaning, counts_from, counts_to, collected, source``: text, empty where there is nothing to say.
        ``counts_from`` and ``counts_to`` are the days between which a row with this code counts; ``collected`` says
        when the code was in use, where codes of two versions cannot be mistaken for each other (beds). Meanings of
        destinations, sources and methods are in short words of this project, not the Data Dictionary's own.

    Examples
    --------
    >>> table().query("list == 'prone'")["code"].tolist()
    ['01']
    """
    return table_of("code_lists.csv")


def named(name: str) -> tuple[Code, ...]:
    """Return the codes of a list.

    Raises
    ------
    PcrefError
        If there is no list of this name; the message names those that there are.
    """
    lists = _lists()
    if name not in lists:
        hint = did_you_mean(name, lists)
        raise PcrefError(
            f"code lists: there is no list '{name}'.{hint} A code stands in brackets, as in [F1]. "
            f"Lists: {', '.join(sorted(lists))}."
        )
    return lists[name]


@cache
def _lists() -> dict[str, tuple[Code, ...]]:
    def day(text: str) -> date | None:
        return date.fromisoformat(text) if text else None

    lists: dict[str, tuple[Code, ...]] = {}
    for row in rows_of("code_lists.csv"):
        code = Code(row["code"], day(row["counts_from"]), day(row["counts_to"]))
        lists[row["list"]] = (*lists.get(row["list"], ()), code)
    return lists
