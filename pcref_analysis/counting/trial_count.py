"""Count an indicator of one's own, to try an idea before it goes into the catalogue."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pcref_analysis.counting import availability, cells
from pcref_analysis.extract import validate
from pcref_analysis.extract.sources import connect
from pcref_analysis.vocabulary import indicators
from pcref_analysis.vocabulary import parameters as files


def count(run: str, entries: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Return the cells of indicators that the catalogue does not hold.

    Parameters
    ----------
    run
        A run on an extract (not on published figures).
    entries
        As in ``indicators.yml``: a name and what it counts, among whom. Keep one that proves useful in
        ``notebooks/parameters/<run>-indicators.yml``; the report then counts it too.

    Returns
    -------
    pandas.DataFrame
        Cells, as :func:`pcref_analysis.store.runs.load` gives them: confidential.

    Raises
    ------
    PcrefError
        If an entry does not fit (names entry and field), or the extract breaks its contract.

    Examples
    --------
    >>> cells = count("demo", {"my_idea": {...}})                                 # doctest: +SKIP
    """
    mine = indicators.read(entries, "your own indicator")
    availability.check(mine, "your own indicator")  # before the extract is read
    checked = validate.clean(connect.open(files.load(run)), files.load(run))
    return cells.build(checked.tables, files.load(run), mine)[0]
