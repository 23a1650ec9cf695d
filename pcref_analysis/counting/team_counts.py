"""The people in each team's care, and of how many of them the ethnic group is not known: one row a team and period.

Teams are compared in one task alone, asking people their ethnic group. The codes of teams are as the extract gives
them and therefore confidential until :mod:`pcref_analysis.analysis.teams` has chosen which may be named.
"""

from __future__ import annotations

import ibis
import pandas as pd
from ibis import _

from pcref_analysis.counting import aggregate, cells
from pcref_analysis.counting.aggregate import COUNTED, label
from pcref_analysis.counting.row_conditions import Tables, yes
from pcref_analysis.extract.sources import engines
from pcref_analysis.vocabulary import ethnicity
from pcref_analysis.vocabulary.parameters import Parameters

COLUMNS = ["period", "team", "events", "at_risk"]


def counted(tables: Tables, parameters: Parameters) -> pd.DataFrame:
    """Count people by the team that their referral is with, and those of them without a known ethnic group.

    Returns
    -------
    pandas.DataFrame
        ``period, team, events`` (ethnic group not stated or not known), ``at_risk`` (people with an open referral to
        the team at any time in the period, as for the indicator "Ethnic group known"). A person counts once in each
        team; ``team`` is missing where the extract gives none. No row without a table of referrals.
    """
    if "MHS101Referral" not in tables:
        return pd.DataFrame(columns=COLUMNS).astype({"events": float, "at_risk": float})
    years = [int(period[:4]) for period in cells.periods(parameters)]
    found = engines.frame(expression(aggregate.rows_of("caseload", tables, parameters, years)))
    found = found.assign(period=[label(int(year)) for year in found["year"]]).rename(columns={"TeamID": "team"})
    found = found.astype({"team": object, "events": float, "at_risk": float})
    return found[COLUMNS].sort_values(COLUMNS[:2], na_position="last").reset_index(drop=True)


def expression(found: ibis.Table) -> ibis.Table:
    """Return the sums by year and team of the rows of the counting rule ``caseload``, as one Ibis expression."""
    groups = ethnicity.categories()
    unknown = groups.loc[groups["broad_group"] == ethnicity.UNKNOWN, "ethnic_group"].tolist()
    found = found.mutate(reason=ibis.cases(*aggregate.not_there(found), else_=COUNTED)).filter(_.reason == COUNTED)
    person = found.group_by(["year", "TeamID", "Person_ID"]).agg(unknown=yes(_.ethnic_group.isin(unknown)).max())
    return person.group_by(["year", "TeamID"]).agg(events=_.unknown.sum(), at_risk=_.count())
