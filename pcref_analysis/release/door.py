"""What a notebook calls at the door: tables in, Releasables out, by the rule of the run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pcref_analysis.estimates import domain, quality, recorded, teams
from pcref_analysis.estimates import run as whole
from pcref_analysis.intake import prepare
from pcref_analysis.release import agreement, disclosure, kept, priorities, publication, rules, sensitivity
from pcref_analysis.release.disclosure import Releasable
from pcref_analysis.vocabulary import code, indicators
from pcref_analysis.vocabulary.parameters import NOT_FOR_OTHER_PAGES, Parameters

PUBLISHER = "NHS England and the Office for National Statistics, published figures"
PUBLISHED = "published figures"
PARTS = ("draft", "words", "to_watch", "strengths", "evidence_gaps", "recording", "rule_settings", "findings")
COUNTS = ("events", "events_low", "events_high", "at_risk", "rows")


def release(tables: Sequence[pd.DataFrame], parameters: Parameters) -> list[Releasable]:
    """Release tables together, so that none gives away what another hides.

    Parameters
    ----------
    tables
        Estimates, or counts of rows by reason (``what, reason, rows``). All tables of a page that rest on the same
        records belong in one call.
    parameters
        The run: its disclosure rule, audience and synthetic mark. Figures that an official publisher has
        suppressed and rounded already are passed on with the publisher's own marks.

    Returns
    -------
    list of Releasable
        In the order of ``tables``.

    Examples
    --------
    >>> levels, gaps = release([levels, gaps], parameters)                      # doctest: +SKIP
    """
    if parameters.source.kind == "published" or all(table.empty for table in tables):
        return [_published(table, f"table {number}") for number, table in enumerate(tables, start=1)]
    counted = ["rows"] if all("rows" in table for table in tables) else None  # rows left out, by reason
    return disclosure.release_all(list(tables), parameters, counts=counted)


def released(run: str, parameters: Parameters) -> dict[str, Releasable]:
    """Release every estimate of a run in one call, and attack what comes out as an outsider would.

    Tables released apart could give away together what each hides; so all pages take their part of this. The last
    edition that was published is known to the outsider, and taken into account. What was released is kept in
    ``data/processed/<run>/released`` for the other pages, until anything that it rests on changes.

    Returns
    -------
    dict of Releasable
        ``levels, gaps, others, detentions, expected, fitness, medians, teams`` (counts by team, to compare recording).

    Raises
    ------
    PcrefError
        If the attack pins a hidden count closer than the rule allows; names table and cell, never a value.
    """
    found = whole.estimates(run, parameters)
    if parameters.source.kind == "published":
        return {name: _published(table, name) for name, table in found.items()}

    def anew() -> list[Releasable]:
        last = [disclosure.read(folder) for folder in earlier(run)]
        cells = prepare.load(run)
        return _after(found, parameters, {"residents": _residents(cells, parameters), "largest": _largest(cells)}, last)

    tables = kept.tables(prepare.run_folder(run) / "released", _key(run, parameters), anew)
    return {name: one for name in found for one in tables if one.name == name}


def _key(run: str, parameters: Parameters) -> str:
    """Return a hash of what released tables rest on: estimates (and so cells), rule, code, and the last edition."""
    data = prepare.run_folder(run)
    files = [p for place in (data / "estimates", prepare.last_edition(run)) for p in place.rglob("*") if p.is_file()]
    words = [publication.tree_digest(files, data), parameters.but(NOT_FOR_OTHER_PAGES), code.digest()]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


def earlier(run: str) -> list[Path]:
    """Return the folders of what readers hold already of a run's source, the newest edition first."""
    folder = prepare.last_edition(run)
    return sorted(folder.iterdir(), key=lambda one: int(one.name)) if folder.is_dir() else []


def _residents(cells: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Return the residents behind each rate by period and ethnic group, with their total: these alone are public."""
    ids = [key for key, entry in indicators.catalogue().items() if entry.at_risk == "residents"]
    groups = domain.select(cells[cells["indicator"].isin(ids)], parameters)
    keys = ["indicator", "period", "ethnic_group"]
    each = groups.groupby(keys, as_index=False)["at_risk"].sum()
    total = each.groupby(keys[:2], as_index=False)["at_risk"].sum().assign(ethnic_group="All")
    return pd.concat([each, total], ignore_index=True)


def _largest(cells: pd.DataFrame) -> dict[str, float]:
    """Return the most that one person can hold of each indicator's events and at-risk, in any cell."""
    ids, found = cells["indicator"].to_numpy(), {}
    for column in ("events", "at_risk"):
        share = pd.Series(rules.largest_share(cells[column], cells[f"{column}_sq"])).groupby(ids).max().dropna()
        found |= {f"{name}/{column}": float(value) for name, value in share.items()}
    return found


def _after(
    tables: Mapping[str, pd.DataFrame],
    parameters: Parameters,
    known: Mapping[str, Any],
    last: Sequence[Sequence[Releasable]],
) -> list[Releasable]:
    """Release tables as they are where that tells nothing beside earlier editions; otherwise by what these showed."""
    out = disclosure.release_all(tables, parameters, **known)
    if parameters.audience == "internal":
        return out
    leaks = None
    if all(disclosure.says_the_same(out, one) for one in last):
        leaks = disclosure.attack_beside(out, last, parameters)
    if last and (leaks is None or len(leaks)):
        every = [table for one in last for table in one]
        out = disclosure.release_all(tables, parameters, previous=every, **known)
        leaks = disclosure.attack_beside(out, last, parameters)
    disclosure.stop_on(leaks)
    return out


def everything(run: str, parameters: Parameters) -> list[Releasable]:
    """Return all tables that a run's pages show or are worked out from: what a reviewer needs to attack them."""
    rows = {"left_out": quality.left_out(run, parameters), "noted": quality.noted(run, parameters)}
    tables = released(run, parameters)
    of_rows = [_rows(table, parameters, name) for name, table in rows.items()]
    return [*tables.values(), *of_rows, unknown(tables, parameters)]


def _rows(table: pd.DataFrame, parameters: Parameters, name: str) -> Releasable:
    if parameters.source.kind == "published" or table.empty:
        return _published(table, name)
    return disclosure.release(table, parameters, name=name, counts=["rows"])


def page(tables: dict[str, Releasable], domain_name: str, *more: str) -> list[Releasable]:
    """Return the levels, gaps, other comparators and fitness (what to keep in mind) of one domain, and more by name."""
    names = [key for key, entry in indicators.catalogue().items() if entry.domain == domain_name]
    return [only(tables[name], names) for name in ("levels", "gaps", "others", "fitness", *more)]


def only(released: Releasable, names: Sequence[str]) -> Releasable:
    """Return the rows of some indicators."""
    part = released.table[released.table["indicator"].isin(names)]
    if released.source_id == PUBLISHED:
        return _published(part.drop(columns=[c for c in part if c.endswith("status")]), released.name)
    return disclosure.derive(lambda table: table[table["indicator"].isin(names)], released, name=released.name)


def unknown(tables: dict[str, Releasable], parameters: Parameters) -> Releasable:
    """Return the share of each indicator's events without a known ethnic group, from the released levels alone."""
    return disclosure.derive(recorded.unknown, tables["levels"], name="unknown", parameters=parameters)


def by_team(tables: dict[str, Releasable]) -> tuple[Releasable, Releasable]:
    """Return the teams' shares without a known ethnic group, and the limits of the funnel, from released counts alone.

    See :func:`pcref_analysis.estimates.teams.compared` and :func:`pcref_analysis.estimates.teams.lines`.
    """
    found = disclosure.derive(teams.compared, tables["teams"], name="by_team")
    return found, disclosure.derive(teams.lines, found, name="by_team_limits")


def draft(tables: dict[str, Releasable], parameters: Parameters, flags: pd.DataFrame) -> Releasable:
    """Make the draft priorities list of released levels and gaps alone, so that it can tell no more than they do.

    Parameters
    ----------
    tables
        As :func:`released` returns them; the worst case over unknown ethnic group is worked out from them too.
    flags
        Recording flags (:func:`pcref_analysis.estimates.recorded.recording_flags`); they rest on published figures.
    """
    two = (tables["levels"], tables["gaps"])
    return disclosure.derive(_draft, *two, name="findings", parameters=parameters, flags=flags)


def _draft(levels: pd.DataFrame, gaps: pd.DataFrame, parameters: Parameters, flags: pd.DataFrame) -> pd.DataFrame:
    return priorities.draft(
        pd.concat([levels, gaps], ignore_index=True),
        parameters.priorities,
        bounds=_around_adjusted(recorded.worst_case(levels, parameters), gaps, parameters),
        flags=flags,
        comparator=parameters.comparator,
        period=parameters.period,
        terms=parameters.terms,
    )


def _around_adjusted(bounds: pd.DataFrame, gaps: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Move the worst case of the crude ratio to the fullest adjusted ratio, by how many times it could rise or fall.

    Takes people of unknown ethnic group to be of the same ages, sexes and areas as the others in what is counted.
    """
    keys = ["indicator", "ethnic_group"]
    full = gaps[gaps["period"].eq(parameters.period) & gaps["comparator"].eq(parameters.comparator)]
    full = full.dropna(subset=["estimate"]).drop_duplicates(keys, keep="last")[[*keys, "estimate"]]
    table = bounds.merge(full, on=keys, how="left", validate="one_to_one")
    factor = (table["estimate"] / table["ratio"]).where(table["ratio"] > 0)
    return table.assign(**{end: table[end] * factor.fillna(1.0) for end in ("ratio_low", "ratio_high")})


def agreed(released: Releasable, parameters: Parameters) -> dict[str, Releasable]:
    """Return what people made of the draft list: ``adjusted, changes, outcomes, since, rule_changes``.

    Made of the released list, the engagement record and the published tables of an earlier report
    (:func:`pcref_analysis.release.agreement.tables`).
    """
    made = agreement.tables(released.table, parameters)
    return {name: _of(made[name], released, name) for name in agreement.NAMES}


def sensitive(tables: dict[str, Releasable], released: Releasable, parameters: Parameters) -> dict[str, Releasable]:
    """Return what the draft list owes to choices: ``weights``, ``one_weight``, ``comparators``."""
    rule, ranked = parameters.priorities, released.table
    found = {"weights": sensitivity.other_weights(ranked, rule), "one_weight": sensitivity.one_weight(ranked, rule)}
    out = {name: _of(table, released, name) for name, table in found.items()}
    three = [tables[name] for name in ("levels", "gaps", "others")]
    return out | {
        "comparators": disclosure.derive(
            lambda *parts: sensitivity.side_by_side(pd.concat(parts, ignore_index=True), ranked, rule),
            *three,
            name="comparators",
        )
    }


def _of(table: pd.DataFrame, released: Releasable, name: str) -> Releasable:
    """Release a table that was made of a released one and of public text alone."""
    return disclosure.derive(lambda _: table, released, name=name)


def part(released: Releasable, parameters: Parameters, name: str) -> Releasable:
    """Return one table of the draft list (draft, to_watch, strengths, evidence_gaps, recording, findings, ...)."""
    return disclosure.derive(lambda ranked: priorities.tables(ranked, parameters.priorities)[name], released, name=name)


def _published(table: pd.DataFrame, name: str) -> Releasable:
    counts = [column for column in COUNTS if column in table]
    figures = [c for c in table if c not in (*counts, "level") and pd.api.types.is_numeric_dtype(table[c])]
    gone = {}
    if {"events", "events_high"} <= set(table):
        gone = {"events": table["events"].isna() & table["events_high"].notna()}
    return disclosure.release_published(
        table, PUBLISHER, name=name, counts=counts, figures=figures, suppressed=gone, source_id=PUBLISHED
    )
