"""Every estimate of a run, made once and kept beside its cells, so that all pages show and release the same figures."""

from __future__ import annotations

import hashlib
import shutil

import pandas as pd

from pcref_analysis.estimates import domain, fitness, stories
from pcref_analysis.intake import prepare
from pcref_analysis.vocabulary import code, indicators
from pcref_analysis.vocabulary.digits import same_everywhere
from pcref_analysis.vocabulary.parameters import NOT_FOR_ESTIMATES, Parameters

NAMES = ("levels", "gaps", "others", "detentions", "expected", "fitness", "medians")


def estimates(run: str, parameters: Parameters) -> dict[str, pd.DataFrame]:
    """Return the estimates of a run by name, from ``data/processed/<run>/estimates`` where nothing has changed.

    Parameters
    ----------
    run
        The name of a run that has cells (or published counts).
    parameters
        The run's parameters; a change of one makes the estimates again.

    Returns
    -------
    dict of pandas.DataFrame
        ``levels, gaps, others`` (other comparators), ``detentions, expected, fitness, medians`` (medians); confidential
        where they come from a Trust's own records.
    """
    data = prepare.load(run)
    folder = prepare.run_folder(run) / "estimates"
    key, mark = _key(data, parameters), folder / "key.txt"
    if mark.is_file() and mark.read_text(encoding="utf-8") == key:
        return {name: pd.read_parquet(folder / f"{name}.parquet") for name in NAMES}
    made = (
        domain.levels(data, parameters),
        domain.gaps(data, parameters),
        domain.other_comparators(data, parameters),
        stories.detentions(data, parameters),
        stories.expected(run, data, parameters),
        fitness.fitness(data, parameters),
        stories.medians(run, data, parameters),
    )
    found = {name: same_everywhere(table) for name, table in zip(NAMES, made, strict=True)}
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, table in found.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    mark.write_text(key, encoding="utf-8")
    return found


def _key(data: pd.DataFrame, parameters: Parameters) -> str:
    """Return a hash of what the estimates rest on: cells, parameters and this package's code."""
    total = hashlib.sha256(pd.util.hash_pandas_object(data, index=False).to_numpy().tobytes())
    if not domain.is_published(data):
        total.update(
            pd.util.hash_pandas_object(prepare.load(parameters.run, "lengths"), index=False).to_numpy().tobytes()
        )
    total.update(parameters.but(NOT_FOR_ESTIMATES).encode())
    total.update(code.digest("vocabulary", "intake", "estimates").encode())
    total.update(repr(indicators.of_run(parameters.run)).encode())  # the Trust\'s own entries among them
    return total.hexdigest()
