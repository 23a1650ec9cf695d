"""The errors that people see: what is wrong, where, how often, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class PcrefError(Exception):
    """Something the analyst can mend: a file, a column, a code, a parameter.

    The message is written for a person, a few lines at most, and never holds a value from a
    patient's row (identifiers leak through error messages into notebooks). The ``pcref`` command
    prints it and ends with :attr:`status`; published reports are left as they were.
    """

    status = 2


class NotPublishedError(PcrefError):
    """A figure that a publication does not give for an area: it costs its indicator, and never the report."""


class SourceError(PcrefError):
    """What an engine (DuckDB, PostgreSQL, SQL Server, Spark) refused.

    Its own words may hold a value of a row and are not shown; raised ``from None`` inside the handler, so that the
    ``pcref`` command can write them into the run's confidential log.
    """


class FaultError(PcrefError):
    """A fault of pcref or of a notebook, which no change of the data mends; the log has been written."""

    status = 70  # EX_SOFTWARE of sysexits.h


def nearest(name: object, names: Iterable[object], cutoff: float = 0.6) -> str:
    """Return the nearest of the names; "" where none is near."""
    return next(iter(difflib.get_close_matches(str(name), list(map(str, names)), n=1, cutoff=cutoff)), "")


def did_you_mean(name: object, names: Iterable[object], cutoff: float = 0.6) -> str:
    """Return " Did you mean 'detentions'?" with the nearest of the names; nothing where none is near."""
    near = nearest(name, names, cutoff)
    return f" Did you mean '{near}'?" if near else ""
