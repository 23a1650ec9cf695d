"""Every Trust of the Mental Health Act file by the same rule: what published figures could and could not say of it.

The estimates and the draft list alone (:func:`table`), or whole reports, one at a time (:func:`reports`).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import yaml

from pcref_analysis.analysis import ethnicity_coding, levels_and_gaps, topics
from pcref_analysis.priorities import draft_list
from pcref_analysis.published import published_counts, trusts
from pcref_analysis.report import derived_tables, unchanged
from pcref_analysis.report.study import as_published
from pcref_analysis.store import progress
from pcref_analysis.vocabulary import indicators
from pcref_analysis.vocabulary.errors import PcrefError, did_you_mean
from pcref_analysis.vocabulary.parameters import LOADER, Parameters, project_root, run_file

COLUMNS = [
    *("code", "trust", "board", "closed", "detentions_of_trust", "detentions_of_board", "indicators", "lacking"),
    *("incomplete", "recording", "priorities", "watch", "unclear", "strengths", "first", "seconds", "error"),
]

MADE = ["code", "trust", "minutes", "processor_seconds", "memory_mb", "error"]
MESSAGE = re.compile(r"[a-z ]+: ")  # "check: 1 thing(s) ...", "open data: ..."
OFTEN = 0.5  # seconds between two looks at the memory


def parameters_of(row: Any, named: str) -> Parameters:
    """Return the parameters of a report on published figures for a row of :func:`published.trusts.mental_health`."""
    text = trusts.text_of(f"published-{row.code.lower()}", row.code, row.name, row.board, {}, named, published=True)
    return Parameters.model_validate(yaml.load(text, LOADER))


def draft(frames: dict[str, pd.DataFrame], parameters: Parameters) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Return the draft list of published figures and its tables, as notebooks 01 to 05 make them.

    ``frames`` are those of :func:`pcref_analysis.published.published_counts.load`.
    """
    own = levels_and_gaps.select(frames["counts"], parameters)
    flags = ethnicity_coding.recording_flags(frames["counts"], parameters, frames["completeness"])
    levels = as_published(levels_and_gaps.crude(own, parameters.level), "levels")
    gaps = as_published(levels_and_gaps.ladder(own, parameters.comparator, level=parameters.level), "gaps")
    year = own[own["period"].eq(parameters.period)]
    expected = topics.expected(year, parameters, frames["residents_by_age"], frames["england_by_age"])
    tables = {"levels": levels, "gaps": gaps, "expected": as_published(expected, "expected")}
    tables["other_boards"] = as_published(frames["other_boards"], "other_boards")
    ranked = derived_tables.draft(tables, parameters, flags).table
    return ranked, draft_list.tables(ranked, parameters.priorities)


def table(named: str, say: Callable[[str], None]) -> pd.DataFrame:
    """Return a line a Trust: its detentions and its board's, what is lacking or in doubt, how long its list is.

    ``named`` is the folder of published figures (the variable ``PCREF_OPEN_DATA`` wins); ``say`` is called with a line
    a Trust.

    Returns
    -------
    pandas.DataFrame
        ``code, trust, board, closed, detentions_of_trust, detentions_of_board`` (2023-24), ``indicators`` (how many
        have a figure of the year), ``lacking`` (those that have not, with the reason), ``incomplete, recording``
        (indicators), ``priorities, watch, unclear, strengths`` (findings), ``first`` (the first item), ``seconds``,
        ``error`` (why there is no line; empty otherwise).

    Notes
    -----
    In the order of codes. Not a league table, and not to be sorted into one: Trusts serve different people, and most
    figures are those of the board.
    """
    every, lines = trusts.mental_health(trusts.folder_of(named)), []
    for number, row in enumerate(every.itertuples(index=False), start=1):
        began, line = time.monotonic(), {"code": row.code, "trust": trusts.in_words(row.name), "board": row.board}
        line |= {"closed": row.closed, "error": ""}
        try:
            line |= _line(parameters_of(row, named))
        except PcrefError as error:
            line["error"] = str(error)
        line["seconds"] = round(time.monotonic() - began, 1)
        lines.append(line)
        say(f"  {row.code} {line['trust']}: {line['error'] or _in_words(line)}")
        progress.share(say, number / len(every))
    return pd.DataFrame(lines, columns=COLUMNS)


def reports(
    named: str, say: Callable[[str], None], codes: Sequence[str] = (), path: Path | None = None
) -> pd.DataFrame:
    """Make the whole report of every Trust, one after the other, and return what each took.

    Parameters
    ----------
    named, say
        As in :func:`table`.
    codes
        These Trusts alone, in this order; all of them when left out.
    path
        Where the table is kept (CSV), written after every report: a run that was stopped is begun again where it was.
        A report that stands unchanged is not made again, and its line stays; so do lines of other Trusts.

    Returns
    -------
    pandas.DataFrame
        ``code, trust, minutes`` (by the clock), ``processor_seconds`` (missing where the system does not count those
        of other processes), ``memory_mb`` (the most that the report and its notebooks held at once, looked at twice a
        second), ``error`` (the message of a report that stopped; empty otherwise).

    Raises
    ------
    PcrefError
        If one of ``codes`` is none of a mental health Trust.

    Notes
    -----
    Each is made by ``pcref report`` in a process of its own, and its parameters file is begun where there is none.
    """
    every, lines = trusts.mental_health(trusts.folder_of(named)).set_index("code"), []
    wanted = list(codes) or list(every.index)
    if odd := [code for code in wanted if code not in every.index]:
        hint = did_you_mean(odd[0], every.index)
        raise PcrefError(f"national: {', '.join(odd)}: none of the {len(every)} Trusts.{hint}")
    known = (
        pd.read_csv(path, keep_default_na=False, na_values={"processor_seconds": [""]})
        if path and path.is_file()
        else None
    )
    known = {} if known is None else {line["code"]: line for line in known.to_dict("records")}
    for number, code in enumerate(wanted, start=1):
        if not run_file(run := f"published-{code.lower()}").exists():
            trusts.init(code, named, published=True)
        line = {"code": code, "trust": trusts.in_words(every.loc[code, "name"])} | _made(run)
        unchanged = line.pop("unchanged")
        line = known.get(code, line) if unchanged and not line["error"] else line
        known.pop(code, None)
        lines.append(line)
        if path:
            write(pd.DataFrame([*known.values(), *lines], columns=MADE).sort_values("code"), path)
        say(f"  {code} {line['trust']}: {line['error'] or 'made'} ({line['minutes']:.1f} minutes)")
        progress.share(say, number / len(wanted))
    return pd.DataFrame(lines, columns=MADE)


def _made(run: str) -> dict[str, Any]:
    """Make a report in a process of its own and return what it took."""
    began, before, most = time.monotonic(), os.times(), 0
    with tempfile.TemporaryFile() as words:  # a pipe that nobody reads meanwhile would stop a report that says much
        command = [sys.executable, "-m", "pcref_analysis", "report", run]
        with subprocess.Popen(command, cwd=project_root(), stdout=words, stderr=subprocess.STDOUT) as process:
            while process.poll() is None:
                most = max(most, _memory(process.pid))
                time.sleep(OFTEN)
        words.seek(0)
        said = words.read().decode("utf-8", errors="replace").strip().splitlines()
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return {
        "minutes": round((time.monotonic() - began) / 60, 2),
        "processor_seconds": round(used, 1) or float("nan"),
        "memory_mb": round(most / 2**20),
        "error": _error(said) if process.returncode else "",
        "unchanged": any(unchanged.UNCHANGED in line for line in said),
    }


def _error(said: list[str]) -> str:
    """Return the message that a report stopped with: from the last line that begins one to the end."""
    begins = [place for place, line in enumerate(said) if MESSAGE.match(line)]
    return " ".join(line.strip() for line in said[begins[-1] if begins else -1 :])


def _memory(number: int) -> int:
    """Return the bytes that a process and those it started hold now; 0 where it has just ended."""
    try:
        process = psutil.Process(number)
        return sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))
    except psutil.Error:
        return 0


def write(found: pd.DataFrame, path: Path) -> None:
    """Write the table as CSV (UTF-8)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    found.to_csv(path, index=False, encoding="utf-8", lineterminator="\n")


def _line(parameters: Parameters) -> dict[str, Any]:
    frames = published_counts.load(parameters)
    ranked, tables = draft(frames, parameters)
    names = indicators.of_each("name")
    own, gone, whole = (frames[name] for name in ("counts", "unavailable", "completeness"))
    have = own.loc[own["own"] & own["period"].eq(parameters.period), "indicator"].unique()
    lacking = gone[gone["area"].ne("")]
    lacking = lacking["indicator"].map(names) + " (" + lacking["area"] + "): " + lacking["reason"]
    lists, share = ranked["list"].value_counts(), frames["shares"].reindex([0]).loc[0]
    first = ranked[ranked["list"].eq("priority")].head(1)
    return {
        "detentions_of_trust": share["trust"],
        "detentions_of_board": share["board"],
        "indicators": len(have),
        "lacking": "; ".join(lacking),
        "incomplete": "; ".join(dict.fromkeys(whole["indicator"].map(names))),
        "recording": len(tables["recording"]),
        "priorities": int(lists.get("priority", 0)),
        "watch": int(lists.get("watch", 0)),
        "unclear": int(lists.get("unclear", 0)),
        "strengths": int(lists.get("strength", 0)),
        "first": "; ".join(first["item"] + " " + first["name"] + " " + first["ratio"].round(2).astype(str)),
    }


def _in_words(line: dict[str, Any]) -> str:
    doubt = f"; in doubt: {line['incomplete']}" if line["incomplete"] else ""
    return f"{line['indicators']} indicators, {line['priorities']} priorities, {line['watch']} to watch{doubt}"
