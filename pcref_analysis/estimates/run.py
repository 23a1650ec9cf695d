"""Every estimate of a run, made once and kept beside its cells, so that all pages show and release the same figures."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from typing import Any

import pandas as pd

from pcref_analysis.estimates import domain, fitness, stories, teams
from pcref_analysis.intake import prepare
from pcref_analysis.vocabulary import code, indicators
from pcref_analysis.vocabulary.digits import same_everywhere
from pcref_analysis.vocabulary.parameters import NOT_FOR_ESTIMATES, Parameters

NAMES = ("levels", "gaps", "others", "detentions", "expected", "fitness", "medians", "teams")


def estimates(run: str, parameters: Parameters, beside: bool = False) -> dict[str, pd.DataFrame]:
    """Return the estimates of a run by name, from ``data/processed/<run>/estimates`` where nothing has changed.

    Parameters
    ----------
    run
        The name of a run that has cells (or published counts).
    parameters
        The run's parameters; a change of one makes the estimates again.
    beside
        Work out the gaps, half of all the work, in a second process. For a program of its own (the report), which
        another process can start again; a notebook or a script does without. The figures are the same.

    Returns
    -------
    dict of pandas.DataFrame
        ``levels, gaps, others`` (other comparators), ``detentions, expected, fitness, medians, teams``; confidential
        where they come from a Trust's own records.
    """
    data = prepare.load(run)
    folder = prepare.run_folder(run) / "estimates"
    key, mark = _key(data, parameters), folder / "key.txt"
    if mark.is_file() and mark.read_text(encoding="utf-8") == key:
        return {name: pd.read_parquet(folder / f"{name}.parquet") for name in NAMES}
    apart = beside and not domain.is_published(data)
    gaps = (_elsewhere if apart else partial)(domain.gaps, data, parameters)
    made = {
        "levels": domain.levels(data, parameters),
        "others": domain.other_comparators(data, parameters),
        "detentions": stories.detentions(data, parameters),
        "expected": stories.expected(run, data, parameters),
        "fitness": fitness.fitness(data, parameters),
        "medians": stories.medians(run, data, parameters),
        "teams": teams.counts(run, parameters),
        "gaps": gaps(),
    }
    found = {name: same_everywhere(made[name]) for name in NAMES}
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, table in found.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    mark.write_text(key, encoding="utf-8")
    return found


def _elsewhere(function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    """Start a call in another process and return how to wait for its answer; without one, it is called here."""
    here = partial(function, *arguments)
    try:
        pool = ProcessPoolExecutor(1, get_context("spawn"))
        started = pool.submit(function, *arguments)
    except (OSError, NotImplementedError):
        return here

    def answer() -> Any:
        with pool:
            try:
                return started.result()
            except BrokenProcessPool:
                return here()

    return answer


def _key(data: pd.DataFrame, parameters: Parameters) -> str:
    """Return a hash of what the estimates rest on: cells, parameters and this package's code."""
    beside = [] if domain.is_published(data) else [prepare.load(parameters.run, what) for what in ("lengths", "teams")]
    total = hashlib.sha256()
    for frame in (data, *beside):
        total.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    total.update(parameters.but(NOT_FOR_ESTIMATES).encode())
    total.update(code.digest("vocabulary", "intake", "estimates").encode())
    total.update(repr(indicators.of_run(parameters.run)).encode())  # the Trust's own entries among them
    return total.hexdigest()
