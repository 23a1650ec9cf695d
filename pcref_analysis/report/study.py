"""What a notebook opens: the parameters, cells and disclosure plan of one run, and the way to release its tables."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd

from pcref_analysis import prepare
from pcref_analysis.analysis import levels_and_gaps, teams, topics
from pcref_analysis.disclosure import csv_files, disclosure_rule, release_tables
from pcref_analysis.disclosure.linked_tables import schema
from pcref_analysis.disclosure.planning import Plan
from pcref_analysis.disclosure.release_tables import Releasable
from pcref_analysis.published import england
from pcref_analysis.published.context import CHARACTERISTICS, DETAILED
from pcref_analysis.store import edition_files, runs
from pcref_analysis.vocabulary import indicators, parameters
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import Parameters
from pcref_analysis.vocabulary.significant_digits import same_everywhere

PUBLISHER = "NHS England and the Office for National Statistics, published figures"
PUBLISHED = "published figures"
PLANNED = ("detail", "period", "disclosure", "audience")  # parameters that the plan of a run rests on
COUNTS = ("events", "events_low", "events_high", "at_risk", "rows")


@dataclass(frozen=True)
class Study:
    """One run: its checked parameters, its cells, and what may be shown of them. Made once and passed along."""

    parameters: Parameters

    @property
    def level(self) -> float:
        """Level of the intervals."""
        return self.parameters.level

    @property
    def standard(self) -> str:
        """Name of the standard population."""
        return self.parameters.standard

    @property
    def published(self) -> bool:
        """Whether the run is on official published figures, known to an interval, without rows."""
        return self.parameters.source.kind == "published"

    def cells(self, domain_name: str | None = None, period: str = "") -> pd.DataFrame:
        """Return the cells (or published counts) of a domain, ethnic groups at the run's detail: confidential.

        Parameters
        ----------
        domain_name
            "recording", "prevalence", "access", "experience" or "outcomes"; all of them when left out.
        period
            One financial year; all of the run's when left out.
        """
        return levels_and_gaps.select(self._of(runs.load(self.parameters.run), period), self.parameters, domain_name)

    def lengths(self, domain_name: str | None = None, period: str = "") -> pd.DataFrame:
        """Return how many waits, stays and detentions lasted how long (none of published figures): confidential."""
        if self.published:
            return pd.DataFrame(columns=[*levels_and_gaps.KEYS, "lower_day", "upper_day", "count"])
        return levels_and_gaps.select(
            self._of(runs.load(self.parameters.run, "lengths"), period), self.parameters, domain_name
        )

    def _of(self, frame: pd.DataFrame, period: str) -> pd.DataFrame:
        known = {self.parameters.period, *self.parameters.periods, *frame["period"]}
        if period and period not in known:
            raise PcrefError(f"cells: the run has no period '{period}'; there are {', '.join(sorted(known))}.")
        return frame[frame["period"] == period] if period else frame

    def teams(self) -> pd.DataFrame:
        """Return people by team, and of how many the ethnic group is not known; teams of few are added up."""
        return teams.counts(self.parameters.run, self.parameters)

    def reference(self) -> dict[str, pd.DataFrame]:
        """Return residents and England's rates by age, which published counts are compared with; none for cells."""
        names = {"residents": "residents_by_age", "england": "england_by_age"} if self.published else {}
        return {key: runs.load(self.parameters.run, name) for key, name in names.items()}

    def context(self, page: str = "experience") -> dict[str, pd.DataFrame]:
        """Return what published figures show besides the indicators of the list: nothing of a Trust's own records.

        ``experience``: ``england, other_boards, boards, routes``; ``outcomes``: ``therapies``
        (:mod:`pcref_analysis.published.context`).
        """
        if not self.published:
            return {}
        run = self.parameters.run
        names = indicators.of_each("name")
        besides = runs.load(run, "context")
        besides = besides.assign(indicator_name=besides["indicator"].map(names).fillna(""))
        routes = ~besides["part"].isin([DETAILED, CHARACTERISTICS])
        if page == "outcomes":
            return {"therapies": besides[~routes].reset_index(drop=True)}
        boards = runs.load(run, "other_boards")
        boards = boards.assign(indicator_name=boards["indicator"].map(names))
        england = topics.england(runs.load(run), self.parameters)
        found = {"england": england, "other_boards": boards, "routes": besides[routes].reset_index(drop=True)}
        each = runs.load(run, "board_ratios")
        return found | {"boards": each.assign(indicator_name=each["indicator"].map(names))}

    def plan(self, previous: Sequence[Releasable] = ()) -> Plan:
        """Return the run's disclosure plan: decided once for every count that a page may show, and kept.

        Parameters
        ----------
        previous
            The edition that readers have: the plan is made again, and repeats what that one showed.
        """
        folder, about = self._folder / "plan", self.parameters.model_dump(mode="json", include=set(PLANNED))
        if not previous and (known := csv_files.read_plan(folder, about)):
            return known
        data = self.cells()
        counts = data.groupby(levels_and_gaps.KEYS, as_index=False, dropna=False)[["events", "at_risk"]].sum(
            min_count=1
        )
        measures = {key: entry.measure for key, entry in indicators.catalogue().items()}
        counts = counts.assign(measure=counts["indicator"].map(measures), adjustment="crude")
        tables = {"counts": counts, "teams": self.teams()}
        made = release_tables.plan(
            tables, self.parameters, residents=self._residents(data), previous=previous, largest=self._largest()
        )
        csv_files.write_plan(made, folder, about)
        return made

    def release(self, page: str, **tables: pd.DataFrame | Sequence[pd.DataFrame]) -> SimpleNamespace:
        """Release the tables of a page by the run's plan, jointly with all other pages.

        Levels and gaps of own records get England's published ones of the same measures next to them
        (:mod:`pcref_analysis.published.england`).

        Parameters
        ----------
        page
            Whose they are ("access"); notebook 05 and the edition find them by it.
        **tables
            Estimates by name (several of one name become one table), or counts of rows by reason.

        Returns
        -------
        types.SimpleNamespace
            A Releasable under each name, which :mod:`pcref_analysis.display.tables`, ``figures`` and ``text`` take.

        Raises
        ------
        PcrefError
            If a table holds a count that is not in the plan.
        """
        frames = {
            name: same_everywhere(levels_and_gaps.together(table) if isinstance(table, (list, tuple)) else table)
            for name, table in tables.items()
        }
        if self.published:
            found = [as_published(frame, name) for name, frame in frames.items()]
        else:
            rows = {name: frame for name, frame in frames.items() if "rows" in frame and len(frame)}  # by reason
            nothing = {name: frame for name, frame in frames.items() if frame.empty and "indicator" not in frame}
            estimates = {name: frame for name, frame in frames.items() if name not in (*rows, *nothing)}
            found = [as_published(frame, name) for name, frame in nothing.items()]
            found += release_tables.release_all(rows, self.parameters, counts=["rows"]) if rows else []
            if estimates:
                found += release_tables.release_by_plan(estimates, self.plan(), self.parameters, self._previous())
            found = [self._with_england(one) for one in found]
        target = self._folder / "released" / page
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder, ignore_cleanup_errors=True) as scratch:
            release_tables.write(found, Path(scratch) / page)
            edition_files.swap(Path(scratch) / page, target)  # another notebook may be reading
        return SimpleNamespace(**{one.name: one for one in found})

    def released(self, *names: str) -> dict[str, Releasable]:
        """Return what the pages have released, each name over all pages in one table.

        Raises
        ------
        PcrefError
            If a notebook has not run for these parameters.
        """
        parts, found = self.pages(), {}
        for name in names or dict.fromkeys(one.name for one in parts):
            mine = [one for one in parts if one.name == name]
            if not mine:
                raise PcrefError(f"study: no notebook has released '{name}' yet. Run notebooks 00 to 04 first.")
            found[name] = release_tables.joined(mine, levels_and_gaps.together)
        return found

    def pages(self) -> list[Releasable]:
        """Return every table that a page has released, page by page."""
        folders = sorted(path for path in (self._folder / "released").glob("*") if path.is_dir())
        return [one for folder in folders for one in release_tables.read(folder)]

    @property
    def _folder(self) -> Path:
        return runs.run_folder(self.parameters.run)

    def _with_england(self, one: Releasable) -> Releasable:
        make = {"levels": england.levels, "gaps": england.gaps}.get(one.name)
        if not make or not len(one.table):
            return one
        words = england.words(self.parameters)
        return release_tables.with_public(one, make(self.parameters), england.KEYS, words)

    def _previous(self) -> list[Releasable]:
        if not self.plan().later:
            return []
        return [table for folder in runs.earlier(self.parameters.run) for table in release_tables.read(folder)]

    def _largest(self) -> dict[str, float]:
        """Return the most that one person can hold of each indicator's events and at-risk, in any cell."""
        cells = runs.load(self.parameters.run)
        found: dict[str, float] = {}
        for column in ("events", "at_risk"):
            share = pd.Series(disclosure_rule.largest_share(cells[column], cells[f"{column}_sq"]))
            most = share.groupby(cells["indicator"].to_numpy()).max().dropna()
            found |= {f"{name}/{column}": float(value) for name, value in most.items()}
        return found

    def _residents(self, cells: pd.DataFrame) -> pd.DataFrame:
        """Return the residents behind each rate by period and ethnic group, and their totals: these are public."""
        ids = [key for key, entry in indicators.catalogue().items() if entry.at_risk == "residents"]
        keys = ["indicator", "period", "ethnic_group"]
        each = cells[cells["indicator"].isin(ids)].groupby(keys, as_index=False)["at_risk"].sum()
        total = each.groupby(keys[:2], as_index=False)["at_risk"].sum().assign(ethnic_group="All")
        return pd.concat([each, total], ignore_index=True)


def load(run: str, what: str = "cells") -> pd.DataFrame:
    """Return the cells of a run, or another frame of it (:func:`pcref_analysis.store.runs.load`): confidential.

    The invented Trust is made where it is absent, so that a tutorial can begin with it.

    Examples
    --------
    >>> cells = load("demo")                                   # doctest: +SKIP
    """
    if run == "demo" and not (runs.run_folder(run) / "cells.parquet").is_file():
        prepare.prepare(parameters.load("demo"), lambda line: None)
    return runs.load(run, what)


def study(run: str, **overrides: Any) -> Study:
    """Open a run for analysis: check its parameters; its cells must have been made (``pcref report``).

    Parameters
    ----------
    run
        The name of a file in ``notebooks/parameters``.
    **overrides
        Values that win over the file's: ``period``, ``comparator``, ``detail``.
    """
    load(run)
    return Study(parameters.load(run, **overrides))


def as_published(table: pd.DataFrame, name: str) -> Releasable:
    """Pass on published figures with their publisher's own marks."""
    counts = [column for column in COUNTS if column in table]
    never = (*counts, "level", *schema.INSIDE)
    figures = [c for c in table if c not in never and pd.api.types.is_numeric_dtype(table[c])]
    gone = {}
    if {"events", "events_high"} <= set(table):
        gone = {"events": table["events"].isna() & table["events_high"].notna()}
    return release_tables.release_published(
        table, PUBLISHER, name=name, counts=counts, figures=figures, suppressed=gone, source_id=PUBLISHED
    )
