"""Indicators and ethnic groups as names that an editor completes: ``pcref.INDICATORS.``, ``pcref.GROUPS.`` and Tab."""

from __future__ import annotations

import re
from collections.abc import Iterable
from types import SimpleNamespace

from pcref_analysis.vocabulary import ethnicity, indicators
from pcref_analysis.vocabulary.errors import did_you_mean


class Names(SimpleNamespace):
    """Values by names that an editor completes; a name that is none is told with the nearest."""

    def __getattr__(self, name: str) -> str:
        raise AttributeError(f"there is no {name}.{did_you_mean(name, vars(self))}")


def _named(values: Iterable[str]) -> Names:
    return Names(**{re.sub(r"\W+", "_", value).strip("_"): value for value in values})


INDICATORS = _named(indicators.catalogue())
GROUPS = _named([*ethnicity.BROAD_GROUPS, *ethnicity.known_groups("detailed"), ethnicity.UNKNOWN])
