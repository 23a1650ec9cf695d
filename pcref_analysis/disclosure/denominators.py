"""Whether a denominator that is taken for public is the public one: anything else is a count of people in care."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from pcref_analysis.disclosure.linked_tables import schema
from pcref_analysis.disclosure.linked_tables.schema import ALL, DIMENSION, Table
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.significant_digits import same


def check(tables: Sequence[Table], residents: pd.DataFrame | None = None) -> None:
    """Refuse tables whose ``at_risk`` would pass as residents but is another number.

    Parameters
    ----------
    tables
        All tables of a call. What two of them give as residents of the same labels must be one number.
    residents
        The residents that the run rests on: ``indicator``, dimensions and ``at_risk``, with totals as "All".

    Raises
    ------
    PcrefError
        If a number does not agree, or cannot be compared; names table and indicator, never a value.
    """
    parts = [schema.in_rows(table) for table in tables if "at_risk" in table.counts and table.public]
    if not parts:
        return
    rows = pd.concat(parts, ignore_index=True)
    rows = rows[(rows["column"] == "at_risk") & rows["public"]].dropna(subset="value")
    dims = [c for c in rows if c.startswith(DIMENSION)]
    rows = schema.with_totals(rows, dims)
    each = rows.groupby(["indicator", *dims], sort=False)["value"]
    odd = pd.Series(~same(each.transform("max"), each.transform("min")), index=rows.index)
    if residents is not None:
        known = residents.rename(columns={c: DIMENSION + c for c in residents if c not in ("indicator", "at_risk")})
        key = ["indicator", *(c for c in known if c.startswith(DIMENSION))]
        rows = rows.assign(**{d: ALL for d in key if d not in rows})
        found = rows[key].astype(object).merge(known, on=key, how="left")["at_risk"].to_numpy(float)
        beyond = (rows[[d for d in dims if d not in key]] != ALL).any(axis=1).to_numpy()
        odd |= ~same(found, rows["value"].to_numpy(float)) & ~beyond
    if odd.any():
        first = rows[odd].iloc[0]
        raise PcrefError(
            f"disclosure: {first['table']} cannot be released: at_risk of '{first['indicator']}' is not the number of "
            "residents that the run rests on, and only residents may be shown as they are. Make the cells again with "
            "'pcref report --force'. If another table is released here: name its indicator otherwise than a rate "
            "among residents, or let at_risk hold the residents."
        )
