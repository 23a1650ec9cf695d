"""PCREF analysis: race-equality figures that an NHS Trust can trust, question and reproduce.

The face of the package loads heavy parts only when they are used::

    import pcref_analysis as pcref
    cells = pcref.load("demo")
    pcref.rates.direct(cells.query("indicator == 'detentions'"), by=["ethnic_group"],
                       standard="england_2021", over=["age_band", "sex"])
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_ROOMS = {
    "quality": "estimates.quality",
    "recorded": "estimates.recorded",
    "rates": "estimates.rates",
    "regression": "estimates.regression",
    "inequality": "estimates.inequality",
    "gradient": "estimates.gradient",
    "funnel": "estimates.funnel",
    "comparison": "estimates.comparison",
    "missing": "estimates.missing",
    "disclosure": "release.disclosure",
    "priorities": "release.priorities",
    "tables": "release.tables",
    "figures": "release.figures",
    "text": "release.text",
    "derived": "release.door",
    "ethnicity": "vocabulary.ethnicity",
    "indicators": "vocabulary.indicators",
    "parameters": "vocabulary.parameters",
    "standards": "vocabulary.standards",
}
_THINGS = {
    "study": "release.study",
    "crude": "estimates.domain",
    "standardised": "estimates.domain",
    "ladder": "estimates.domain",
    "other_comparators": "estimates.domain",
    "STEPS": "estimates.domain",
    "model_checks": "estimates.fitness",
    "medians": "estimates.stories",
    "detentions": "estimates.stories",
    "expected": "estimates.stories",
    "load": "intake.prepare",
    "count": "intake.trial",
    "interactive": "release.interactive",
    "INDICATORS": "vocabulary.names",
    "GROUPS": "vocabulary.names",
}


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"pcref_analysis.{_ROOMS[name]}")
    if name in _THINGS:
        return getattr(import_module(f"pcref_analysis.{_THINGS[name]}"), name)
    raise AttributeError(f"module 'pcref_analysis' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *_ROOMS, *_THINGS])
