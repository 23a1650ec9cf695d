"""How far each indicator's adjusted ratios can be relied on: the diagnostics of every fit, in words fit to publish."""

from __future__ import annotations

import pandas as pd

from pcref_analysis.analysis import levels_and_gaps
from pcref_analysis.estimates.regression import adjusted_ratios
from pcref_analysis.vocabulary import indicators

COLUMNS = ["indicator", "indicator_name", "domain", "concern", "words"]
CONCERNS = ("none", "look", "serious")
SOUND = "No sign that the model misleads."
WORDS = {  # what a reader may know of each check: no numbers, no groups, no strata; few events are noted as released
    "fit": "The model did not settle: do not use its figures.",
    "left_out": "Over 5% of events are left out (age, sex or area unknown, or no residents counted there).",
    "few_people": "Few people in some groups: one person could move a ratio.",
    "repeats": "People count more than once; the intervals are wider for it.",
    "dispersion": "Ages, sexes and areas differ by more than the model and repeated events expect.",
    "fit_of_strata": "The gap may differ by age, sex or deprivation, which one ratio for all hides.",
    "residual": "One combination of age, sex and area lies far from the model.",
    "influence": "One combination of age, sex and area moves a ratio by more than its standard error.",
}


def model_checks(cells: pd.DataFrame, comparator: str) -> pd.DataFrame:
    """Return, for each indicator, what to keep in mind about its adjusted ratios.

    Parameters
    ----------
    cells
        The cells of one period, with ethnic groups as they are shown; published counts are not adjusted.
    comparator
        The group that the ratios are to.

    Returns
    -------
    pandas.DataFrame
        ``indicator, indicator_name, domain, concern, words``; ``concern`` is ``none``, ``look`` or ``serious``. Words
        name neither numbers nor groups. The full account, with both, is
        :func:`pcref_analysis.estimates.regression.adjusted_ratios.diagnostics`, which must not leave the Trust.

    Notes
    -----
    No concern is no proof: a model can fit well and still leave out what matters. Must not be used to drop a finding
    that is unwelcome.
    """
    if levels_and_gaps.is_published(cells):
        return pd.DataFrame(columns=COLUMNS)
    found = full(cells, comparator)
    found = found[found["concern"].ne("none") & found["check"].isin(WORDS)]
    told = found.groupby("indicator").agg(
        concern=("concern", lambda given: max(given, key=CONCERNS.index)),
        words=("check", lambda names: " ".join(words for name, words in WORDS.items() if name in set(names))),
    )
    parts = levels_and_gaps.comparable(levels_and_gaps.compared(cells), comparator)
    asked = [name for _, mine in parts for name in mine["indicator"].unique()]
    told = told.reindex(pd.Index(asked, name="indicator"))
    table = told.fillna({"concern": "none", "words": SOUND}).reset_index()
    table = table.assign(
        indicator_name=table["indicator"].map(indicators.of_each("name")),
        domain=table["indicator"].map(indicators.of_each("domain")),
    )
    place = table["indicator"].map({name: n for n, name in enumerate(indicators.catalogue())})
    return table.loc[place.sort_values().index, COLUMNS].reset_index(drop=True)


def full(cells: pd.DataFrame, comparator: str) -> pd.DataFrame:
    """Return every check of every fit behind the fullest ratios, with exact numbers and groups: confidential.

    Columns as in :func:`pcref_analysis.estimates.regression.adjusted_ratios.diagnostics`.
    """
    part = levels_and_gaps.compared(cells)
    terms = adjusted_ratios.STEPS[levels_and_gaps.STEPS[-1]]
    tables = [
        adjusted_ratios.diagnostics(mine, "ethnic_group", comparator, terms, family=levels_and_gaps.FAMILY[measure])
        for measure, mine in levels_and_gaps.comparable(part, comparator)
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["indicator", "check", "concern"])
