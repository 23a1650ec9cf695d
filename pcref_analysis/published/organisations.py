"""What organisations were called in earlier years, merged from and moved: dated reference data with its sources."""

from __future__ import annotations

import pandas as pd

from pcref_analysis.vocabulary import ethnicity

SITE = r"(?:[0-9A-Z]{2})?$"  # a site's code is its Trust's (three characters) and two more (Organisation Data Service)


def reference(relation: str, code: str | None = None) -> pd.DataFrame:
    """Return the rows of the reference table of one relation: ``code, other_code, last_year, words, source``.

    Parameters
    ----------
    relation
        ``board`` (of a Trust that the register at hand lacks), ``area_formerly`` (what a board's area was called),
        ``area_changed`` (its boundary), ``merged_from`` (a Trust that is part of this one now), ``not_own`` (a code
        like a site's that is another organisation's).
    code
        The Trust or board; all of them when left out.

    Returns
    -------
    pandas.DataFrame
        ``last_year`` is the last financial year in which it held ("" to this day); ``source`` says who says so.

    Examples
    --------
    >>> reference("area_formerly", "QUE")["other_code"].tolist()
    ['E54000021']
    """
    table = ethnicity.table_of("organisations.csv")
    found = table[table["relation"].eq(relation) & (table["code"].eq(code) if code else True)]
    return found.reset_index(drop=True)


def is_providers(codes: pd.Series, periods: pd.Series, trust: str) -> pd.Series:
    """Say which rows are a Trust's own: under its code, a site's, or that of a Trust merged into it.

    Parameters
    ----------
    codes, periods
        Code of the organisation and financial year of each row.
    trust
        ODS code of the Trust as it is today.

    Notes
    -----
    A record is submitted under one code, so rows of a Trust and of its sites can be added up. Not for tables that
    give a Trust's total beside its sites.
    """
    merged = reference("merged_from", trust)
    own = codes.str.match(trust + SITE, na=False)
    for other, last in zip(merged["other_code"], merged["last_year"], strict=True):
        own |= codes.str.match(other + SITE, na=False) & (periods.le(last) if last else True)
    return own & ~codes.isin(reference("not_own")["other_code"])


def parts(trust: str) -> list[str]:
    """Return the codes of a Trust in the tables of a year: its own and those of the Trusts that made it."""
    merged = reference("merged_from", trust)
    return [trust, *merged.loc[merged["last_year"].eq(""), "other_code"]]
