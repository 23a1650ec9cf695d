"""Indicators and ethnic groups as names that an editor completes: ``pcref.INDICATORS.``, ``pcref.GROUPS.`` and Tab."""

from __future__ import annotations

import re
from collections.abc import Iterable
from types import SimpleNamespace

from pcref_analysis.vocabulary import ethnicity, indicators


def _named(values: Iterable[str]) -> SimpleNamespace:
    return SimpleNamespace(**{re.sub(r"\W+", "_", value).strip("_"): value for value in values})


INDICATORS = _named(indicators.catalogue())
GROUPS = _named([*ethnicity.BROAD_GROUPS, *ethnicity.known_groups("detailed"), ethnicity.UNKNOWN])
