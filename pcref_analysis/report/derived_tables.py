"""Tables that are worked out from released ones: shares not recorded, teams, the draft and the agreed list."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from pcref_analysis.analysis import best_estimates, ethnicity_coding, levels_and_gaps, teams
from pcref_analysis.disclosure import disclosure_rule, release_tables, rounded_figures
from pcref_analysis.disclosure.release_tables import Releasable
from pcref_analysis.display import formats
from pcref_analysis.estimates import inequality as one_number
from pcref_analysis.priorities import agreed_list, draft_list, engagement, gap_over_time, sensitivity
from pcref_analysis.report.study import PUBLISHED, Study, as_published
from pcref_analysis.vocabulary import ethnicity, indicators
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import Parameters

PARTS = (
    "draft", "words", "to_watch", "unclear", "strengths", "evidence_gaps", "recording", "rule_settings", "findings",
)  # fmt: skip
BEST = ("expected", "other_boards")  # of published figures: what the list is made of besides levels and gaps


def everything(study: Study) -> list[Releasable]:
    """Return all tables that a run's pages show or are worked out from: what a reviewer needs to attack them."""
    tables = study.released()
    return [*tables.values(), unknown(tables["levels"], study.parameters)]


def only(released: Releasable, names: Sequence[str]) -> Releasable:
    """Return the rows of some indicators."""
    part = released.table[released.table["indicator"].isin(names)]
    if released.source_id == PUBLISHED:
        return as_published(part.drop(columns=[c for c in part if c.endswith("status")]), released.name)
    return release_tables.derive(lambda table: table[table["indicator"].isin(names)], released, name=released.name)


def unknown(levels: Releasable, parameters: Parameters) -> Releasable:
    """Return the share of each indicator's events without a known ethnic group, from the released levels alone."""

    def shares(table: pd.DataFrame) -> pd.DataFrame:
        return ethnicity_coding.unknown(disclosure_rule.with_possible(table, parameters), parameters)

    return release_tables.derive(shares, levels, name="unknown")


def by_team(counts: Releasable) -> tuple[Releasable, Releasable]:
    """Return the teams' shares without a known ethnic group, and the limits of the funnel, from released counts alone.

    See :func:`pcref_analysis.analysis.teams.compared` and :func:`pcref_analysis.analysis.teams.lines`.
    """
    found = release_tables.derive(teams.compared, counts, name="by_team")
    return found, release_tables.derive(teams.lines, found, name="by_team_limits")


def inequality(levels: Releasable, parameters: Parameters) -> Releasable:
    """Return inequality in one number an indicator (:func:`estimates.inequality.highest_over_lowest`)."""
    return release_tables.derive(_inequality, levels, name="inequality", parameters=parameters)


def _inequality(levels: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    return one_number.highest_over_lowest(_fullest(levels, parameters.period), parameters.level)


def _fullest(levels: pd.DataFrame, period: str) -> pd.DataFrame:
    """Return the levels of a year after age and sex where an indicator has such, else before adjustment."""
    return levels_and_gaps.fullest(levels[levels["period"].eq(period)], levels_and_gaps.STEPS[:2])


def gap_changes(gaps: Releasable, parameters: Parameters) -> Releasable:
    """Return how each gap has changed since the first year that has it, and since the last one before the run's.

    Never across a break that the parameters declare (:func:`pcref_analysis.priorities.gap_over_time.compared`).
    """
    return release_tables.derive(_gap_changes, gaps, name="gap_changes", parameters=parameters)


def _gap_changes(gaps: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    years = gaps[gaps["period"].str.len().eq(7) & gaps["ethnic_group"].ne(ethnicity.UNKNOWN)]  # none added up
    given = (years, parameters.comparator, parameters.period, list(parameters.breaks))
    both = pd.concat([gap_over_time.compared(*given, since=since) for since in ("first", "last")], ignore_index=True)
    both = both.drop_duplicates(ignore_index=True).assign(measure="ratio")
    return levels_and_gaps.in_order(both.merge(gaps[["indicator", "indicator_name"]].drop_duplicates()))


def targets(levels: Releasable, parameters: Parameters) -> Releasable:
    """Return each agreed target of the engagement record with the level of the run's year and the distance in words."""
    return release_tables.derive(_targets, levels, name="targets", parameters=parameters)


def _targets(levels: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    record = engagement.of_run(parameters)
    agreed = [one.model_dump(mode="json") for one in record.targets] if record else []
    named = pd.DataFrame(agreed, columns=["indicator", "ethnic_group", "value", "way", "by", "who", "when"])
    groups = {"", *ethnicity.known_groups("broad"), *ethnicity.known_groups("detailed")}
    for column, known in (("indicator", set(indicators.catalogue())), ("ethnic_group", groups)):
        if odd := sorted(set(named[column].fillna("")) - known):
            raise PcrefError(
                f"engagement: {len(odd)} target(s) name a {column} that is none: {', '.join(odd)}. Correct the record."
            )
    now = _fullest(levels, parameters.period)
    keep = ["indicator", "indicator_name", "unit", "ethnic_group", "estimate", "lower", "upper"]
    rows = now[keep].merge(named.rename(columns={"value": "target", "ethnic_group": "of"}), on="indicator")
    rows = rows[rows["of"].eq("") | rows["of"].eq(rows["ethnic_group"])].drop(columns="of").reset_index(drop=True)
    sides = [(row.estimate, row.lower, row.upper, row.target, row.way) for row in rows.itertuples()]
    return rows.assign(distance=[formats.distance(*side) for side in sides])


WORKED_OUT = {"levels": (inequality, targets), "gaps": (gap_changes,)}  # what a domain's page works out of its own


def draft(tables: dict[str, Releasable], parameters: Parameters, flags: pd.DataFrame) -> Releasable:
    """Make the draft priorities list of released levels and gaps alone, so that it can tell no more than they do.

    Parameters
    ----------
    tables
        As :meth:`pcref_analysis.report.study.Study.released` returns them: ``levels, gaps`` and, of published figures,
        ``expected`` and ``other_boards`` (:func:`pcref_analysis.analysis.best_estimates.of`); the worst case over
        unknown ethnic group is worked out from them too.
    flags
        Recording flags (:func:`pcref_analysis.analysis.ethnicity_coding.recording_flags`); they rest on published
        figures.
    """
    two = [tables["levels"], tables["gaps"], *(tables[name] for name in BEST if name in tables)]
    if tables["gaps"].source_id != PUBLISHED:
        two = two[:2]
    return release_tables.derive(_draft, *two, name="findings", parameters=parameters, flags=flags)


def _draft(
    levels: pd.DataFrame, gaps: pd.DataFrame, *best: pd.DataFrame, parameters: Parameters, flags: pd.DataFrame
) -> pd.DataFrame:
    if best:
        gaps = best_estimates.of(gaps, *best, period=parameters.period)
    bounds = ethnicity_coding.worst_case(disclosure_rule.with_possible(levels, parameters), parameters, flags)
    return draft_list.draft(
        pd.concat([levels, gaps], ignore_index=True),
        parameters.priorities,
        bounds=_around_adjusted(bounds, gaps, parameters),
        flags=flags,
        comparator=parameters.comparator,
        period=parameters.period,
        terms=parameters.terms,
    )


def _around_adjusted(bounds: pd.DataFrame, gaps: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Move the worst case of the crude ratio to the fullest adjusted ratio, by how many times it could rise or fall.

    Takes people of unknown ethnic group to be of the same ages, sexes and areas as the others in what is counted.
    The bounds allow for the step that the ratio is rounded to.
    """
    keys = ["indicator", "ethnic_group"]
    half = rounded_figures.steps(gaps) / 2
    if parameters.audience == "internal":
        half = half * 0.0
    full = gaps.assign(half=half)[gaps["period"].eq(parameters.period) & gaps["comparator"].eq(parameters.comparator)]
    fuller = full["adjustment"].ne("crude") | (full["years"].notna() if "years" in full else False)
    full = full[fuller].dropna(subset=["estimate"]).drop_duplicates(keys, keep="last")
    table = bounds.merge(full[[*keys, "estimate", "half"]], on=keys, how="left", validate="one_to_one")
    half = table["half"].where(table["times_low"].ne(table["times_high"]), 0.0)  # nobody unknown: the ratio as it is
    ends = {"low": (table["estimate"] - half).clip(lower=0.0), "high": table["estimate"] + half}
    for end, value in ends.items():
        moved = value * table[f"times_{end}"]
        table[f"ratio_{end}"] = moved.where(table["estimate"].notna(), table[f"ratio_{end}"])
    return table


def agreed(released: Releasable, parameters: Parameters) -> dict[str, Releasable]:
    """Return what people made of the draft list: ``adjusted, changes, outcomes, since, rule_changes``.

    Made of the released list, the engagement record and the published tables of an earlier report
    (:func:`pcref_analysis.priorities.agreed_list.tables`).
    """
    made = agreed_list.tables(released.table, parameters)
    return {name: _of(made[name], released, name) for name in agreed_list.NAMES}


def sensitive(tables: dict[str, Releasable], released: Releasable, parameters: Parameters) -> dict[str, Releasable]:
    """Return what the draft list owes to choices: ``weights``, ``one_weight``, ``comparators``."""
    rule, ranked = parameters.priorities, released.table
    found = {"weights": sensitivity.other_weights(ranked, rule), "one_weight": sensitivity.one_weight(ranked, rule)}
    out = {name: _of(table, released, name) for name, table in found.items()}
    three = [tables[name] for name in ("levels", "gaps", "others")]
    return out | {
        "comparators": release_tables.derive(
            lambda *parts: sensitivity.side_by_side(pd.concat(parts, ignore_index=True), ranked, rule),
            *three,
            name="comparators",
        )
    }


def _of(table: pd.DataFrame, released: Releasable, name: str) -> Releasable:
    """Release a table that was made of a released one and of public text alone."""
    return release_tables.derive(lambda _: table, released, name=name)


def parts(released: Releasable, parameters: Parameters) -> dict[str, Releasable]:
    """Return the tables of the draft list by name (draft, to_watch, strengths, evidence_gaps, recording, findings)."""
    made = draft_list.tables(released.table, parameters.priorities)
    return {name: _of(made[name], released, name) for name in PARTS}
