"""The last look at a report before it is published: what its pages show is made again and compared.

A notebook can hand anything to the functions that show results: a table released alone, a sentence that was typed, a
count in a title. So nothing is taken for released because a notebook says so. Every table that a page may show is made
again here from the run's released tables, every sentence from its template; what differs stops the report.
"""

from __future__ import annotations

import inspect
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from csv import reader
from functools import cached_property
from html import escape, unescape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pcref_analysis.analysis import ethnicity_coding, extract_quality
from pcref_analysis.disclosure.release_tables import Releasable
from pcref_analysis.display import drawing, sentences, svg, tables
from pcref_analysis.display import output as shown
from pcref_analysis.display.list_columns import TITLES
from pcref_analysis.priorities import draft_list
from pcref_analysis.report import derived_tables
from pcref_analysis.report.pages import main_points
from pcref_analysis.report.study import Study
from pcref_analysis.store import runs
from pcref_analysis.store.notebook_seals import MIME
from pcref_analysis.vocabulary import indicators
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import Parameters, project_root

LABELS = ("indicator", "period", "ethnic_group", "adjustment", "measure", "comparator")
FIGURE = re.compile(
    r'<figure id="(?P<id>[^"]*)" class="charts(?: one)?"><figcaption>(?P<title>[^<]*)'
    r'(?: <strong class="(?:synthetic|internal)">[^<0-9]*</strong>)*</figcaption>(?P<images>(?:<img [^<>]*>)+)</figure>'
)
IMAGE = re.compile(r'<img (?:class="key" )?src="([^"]*)" alt="([^"]*)">')
AXIS = re.compile(r"[0-9][0-9,]*(?:\.[0-9]+)?")
LACKING = "No table, column or month is lacking."


def check(records: Sequence[Mapping[str, Any]], known: Known, executed: Sequence[Path] = ()) -> None:
    """Raise where the pages show what the run's released tables do not give (see :func:`faults` and :func:`prose`).

    Raises
    ------
    PcrefError
        If a table, a sentence or a title is none that the run's released tables give; each is named by its id.
    """
    found = [*faults(records, known), *prose(executed)]
    if found:
        named = "\n".join(f"  {fault}" for fault in found[:12])
        raise PcrefError(
            f"check: {len(found)} thing(s) on the pages were not released; nothing was published:\n{named}\n"
            "Show tables of study.release and pcref.derived alone; titles are fixed words without numbers."
        )


def faults(records: Sequence[Mapping[str, Any]], known: Known) -> list[str]:
    """Compare what the pages show with what can be made of the run's released tables, and name what differs.

    Parameters
    ----------
    records
        What :func:`pcref_analysis.report.output_check.collect` returned.
    known
        What the pages of the run may show.

    Notes
    -----
    Pictures are not drawn again: of a figure its title, the table that it names, the numbers of its descriptions and
    every text in its pictures are compared. An output may hold no form (HTML, Markdown, a picture) but those that its
    function gives.
    """
    held = {record["id"]: record["csv"] for record in records if record["kind"] == "table"}
    found = []
    for record in records:
        kind = record["kind"]
        if kind == "table" and not known.table(record):
            found.append(f"the table '{record['id']}' is none of the run's released tables, or shows it otherwise")
        if kind == "text" and not known.sentence(record):
            found.append(f"the text '{record['id']}' is no sentence that the released tables give")
        if kind == "figure" and record["source_table"] not in held:
            found.append(f"the figure '{record['id']}' is drawn of no table of the pages")
        elif kind == "figure" and not _described(record, held[record["source_table"]]):
            found.append(f"the figure '{record['id']}' is described by numbers that its table does not hold")
        if not known.title(record):
            found.append(f"the title of '{record['id']}' is worked out, or holds a number")
    return found


class Known:
    """What the pages of a run may show: made of the tables that notebooks 00 to 04 released, and of nothing of 05."""

    def __init__(self, parameters: Parameters) -> None:
        run, data = parameters.run, runs.load(parameters.run)
        study = Study(parameters)
        self.parameters, self.pages, tables = parameters, study.pages(), study.released()
        self.rule = draft_list.rule_text(parameters.priorities)
        flags = ethnicity_coding.recording_flags(data, parameters)
        unknown = derived_tables.unknown(tables["levels"], parameters)
        draft = derived_tables.draft(tables, parameters, flags=flags)
        teams, agreed = derived_tables.by_team(tables["teams"]), derived_tables.agreed(draft, parameters)
        self.made: list[Releasable] = [
            *(unknown, teams[0], draft),
            *derived_tables.parts(draft, parameters).values(),
            *agreed.values(),
            *derived_tables.sensitive(tables, draft, parameters).values(),
        ]
        for one in self.pages:
            self.made += [make(one, parameters) for make in derived_tables.WORKED_OUT.get(one.name, ())]
        held = data[data["own"]] if "own" in data else data  # of published figures a page shows the run's own alone
        domains = dict.fromkeys(entry.domain for entry in indicators.catalogue().values())
        said = [
            sentences.unknown(unknown, ""),
            sentences.teams(teams[0], parameters, ""),
            sentences.in_short(draft, ""),
            sentences.agreed(agreed, parameters, ""),
            sentences.listed(extract_quality.lacking(run, parameters), "", none=LACKING),
            sentences.listed(extract_quality.residents(run, parameters), ""),
            *(sentences.available(extract_quality.not_available(held, name), name, "") for name in domains),
        ]
        self.sentences = {one.record["text"]: one.markdown for one in said}
        names = [entry.name for entry in indicators.catalogue().values()]
        self.numbers = set(re.findall(r"\d+", " ".join([*names, *TITLES.values(), parameters.period])))

    @cached_property
    def about(self) -> list[tuple[Releasable, set[str], dict[str, list[str]]]]:
        """Each table that a page may show, with its columns and what its rows are about."""
        return [(one, set(one.table), _labels(one.table)) for one in [*self.pages, *self.made]]

    def title(self, record: Mapping[str, Any]) -> bool:
        """Say whether a title is fixed: it stands in the cell or among the catalogue of views, without a number."""
        title = record["title"]
        fixed = title in record["source"] or title in TITLES.values()
        return fixed and set(re.findall(r"\d+", title)) <= self.numbers

    def table(self, record: Mapping[str, Any]) -> bool:
        """Say whether a table, made again of released ones, is the same in its data and as people read it."""
        output = record["output"]["data"]
        for one in self._again(record):
            same = one.record.get("csv") == record["csv"] and one.record.get("marks") == record["marks"]
            if same and _shows(output) == {"text/plain": one.text, "text/html": one.html}:
                return True
        return False

    def sentence(self, record: Mapping[str, Any]) -> bool:
        """Say whether a text is a sentence of the released tables, in its record and as people read it."""
        words, seen = record["text"], _shows(record["output"]["data"])
        if words in self.sentences:
            return seen == {"text/plain": words, "text/markdown": self.sentences[words]}
        ends = ("nothing to show.", "nothing to draw from these data.")
        nothing = words in {f"{record['title']}: {end}" for end in ends}
        html = f'<p id="{escape(record["id"])}">{escape(words)}</p>'
        return nothing and seen == {"text/plain": words, "text/html": html}

    def _again(self, record: Mapping[str, Any]) -> Iterator[shown.Shown]:
        frame = shown.frame(record)
        given = {"id": record["id"], "title": record["title"], "period": self.parameters.period}
        for call in dict.fromkeys(record["calls"]):
            kind, _, name = call.partition(".")
            if kind != "tables":
                continue
            if name == "rule":
                yield tables.rule(self.parameters, self.rule, record["id"], record["title"])
                continue
            function = getattr(tables, name)
            takes = {key: value for key, value in given.items() if key in inspect.signature(function).parameters}
            for one in self._candidates(frame):
                if name != "listed" or one.name in TITLES:
                    try:
                        yield function(one, **takes)
                    except KeyError:  # of two functions of a cell, the one that reads a column this table has not
                        continue

    def _candidates(self, frame: pd.DataFrame) -> Iterator[Releasable]:
        columns, mine = set(frame) - {"synthetic", "audience"}, _labels(frame)
        for one, has, its in self.about:
            both = [name for name in LABELS if name in mine and name in its]
            rows, others = (set(zip(*(labels[name] for name in both), strict=True)) for labels in (mine, its))
            if not columns <= has or not rows <= others:
                continue  # to make its page would take long, and it cannot be the one
            yield one
            if "indicator" in mine and "indicator" in its:
                yield derived_tables.only(one, list(frame["indicator"].unique()))


def _labels(frame: pd.DataFrame) -> dict[str, list[str]]:
    """Return what the rows are about, column by column."""
    return {name: frame[name].astype("str").fillna("").to_list() for name in LABELS if name in frame}


def _shows(output: Mapping[str, Any]) -> dict[str, str]:
    """Return what an output gives a reader, by form."""
    return {form: "".join(content) for form, content in output.items() if form != MIME}


def _described(record: Mapping[str, Any], csv: str) -> bool:
    """Say whether a figure is pictures and their descriptions, whose numbers are its table's, or counts of its rows."""
    alt, seen = record["alt"], _shows(record["output"]["data"])
    drawn = FIGURE.fullmatch(seen.get("text/html", ""))
    if not drawn or unescape(drawn["title"]) != record["title"] or drawn["id"] != record["id"]:
        return False
    pictures = IMAGE.findall(drawn["images"])
    texts: list[Any] = [svg.texts(unescape(address)) for address, _ in pictures]
    if not pictures or None in texts:
        return False
    said = " | ".join([alt, *(unescape(words) for _, words in pictures), *(w for one in texts for w in off_axes(one))])
    of_rows = r"\b(\d+) (?:item\(s\)|panel\(s\)|teams\b|more\b)"
    said = re.sub(of_rows, lambda m: m[1] * (int(m[1]) > csv.count("\n")), said)
    said = re.sub(
        r"(?<=above or below )1\b|(?<=as far from )1\b|\b1(?= is the same level)|\b(95|99\.8)%?(?= limits)", "", said
    )
    cells = " | ".join(cell for row in reader(io.StringIO(csv)) for cell in row)  # "QU9,239.034" is no 9,239.034
    known = [cells, record["title"], record["id"], record["source_table"]]
    text = f"Figure {record['id']}, data {record['data']}. {alt}"
    whole = set(seen) == {"text/plain", "text/html"} and seen["text/plain"] == text
    return whole and not main_points.unknown(said, known)


def off_axes(texts: Sequence[str]) -> list[str]:
    """Return the texts of a picture without the numbers at its axes: a ratio's, or three and more round steps from 0.

    Examples
    --------
    >>> off_axes(["White", "0", "500", "1,000", "0", "2", "4"]), off_axes(["0.5", "1", "2"]), off_axes(["0", "3", "6"])
    (['White'], [], ['0', '3', '6'])
    """
    axes: list[list[float]] = [[]]
    for number in [float(text.replace(",", "")) for text in texts if AXIS.fullmatch(text)]:
        axes += [[]] if axes[-1] and number <= axes[-1][-1] else []
        axes[-1].append(number)
    return [text for text in texts if not AXIS.fullmatch(text)] if all(map(_is_axis, axes)) else list(texts)


def _is_axis(numbers: list[float]) -> bool:
    if not numbers:
        return True
    if len(numbers) < 3:
        return False
    even = np.allclose(numbers, np.arange(len(numbers)) * numbers[1])
    return (
        1 in numbers and set(numbers) <= {*drawing.RATIOS, *drawing.MIDDLE, *drawing.FINE}
        if not even
        else (float(f"{numbers[1]:.6e}".partition("e")[0]) in drawing.STEPS)
    )


def prose(paths: Sequence[Path]) -> list[str]:
    """Name the executed notebooks whose text is not that of the project's own notebook."""
    import nbformat

    def words(path: Path) -> list[str]:
        if not path.is_file():
            return []
        return [c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "markdown"]

    own = project_root() / "notebooks"
    return [
        f"the text of {path.name} is not that of the notebook"
        for path in paths
        if words(path) != words(own / path.name)
    ]
