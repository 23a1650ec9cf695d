"""PCREF analysis: race-equality figures that an NHS Trust can trust, question and reproduce.

What an analyst may call; heavy parts are loaded when they are used::

    import pcref_analysis as pcref
    study = pcref.study("demo")
    cells = study.cells("access")
    pcref.rates.direct(cells, by=["indicator", "ethnic_group"], standard=study.standard, over=["age_band", "sex"])
"""

from __future__ import annotations

import os

from pcref_analysis.vocabulary.public import face

__version__ = "0.1.0"

# Our matrices are small: threads of linear algebra wait for one another longer than they work, eight times as long
# where two notebooks run. Read when NumPy is first loaded; what somebody has set themselves stays.
for _threads in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ.setdefault(_threads, "1")

__getattr__, __dir__ = face(
    __name__,
    {
        # a run, its cells and its disclosure plan
        "study": "report.study:study",
        "load": "report.study:load",
        "count": "counting.trial_count:count",
        "parameters": "vocabulary.parameters",
        # every indicator of some cells at once, as the catalogue says each is measured
        "crude": "analysis.levels_and_gaps:crude",
        "standardised": "analysis.levels_and_gaps:standardised",
        "ladder": "analysis.levels_and_gaps:ladder",
        "other_comparators": "analysis.levels_and_gaps:other_comparators",
        "STEPS": "analysis.levels_and_gaps:STEPS",
        "model_checks": "analysis.model_checks:model_checks",
        "medians": "analysis.topics:medians",
        "detentions": "analysis.topics:detentions",
        "expected": "analysis.topics:expected",
        "quality": "analysis.extract_quality",
        "recorded": "analysis.ethnicity_coding",
        # methods, frames in and frames out
        "rates": "estimates.rates",
        "regression": "estimates.regression",
        "inequality": "estimates.inequality",
        "funnel": "estimates.funnel",
        # the way out
        "disclosure": "disclosure",
        "derived": "report.derived_tables",
        "tables": "display.tables",
        "figures": "display.figures",
        "text": "display.sentences",
        "interactive": "display.interactive:interactive",
        "priorities": "priorities",
        # words
        "ethnicity": "vocabulary.ethnicity",
        "indicators": "vocabulary.indicators",
        "standards": "vocabulary.standards",
        "INDICATORS": "vocabulary.names:INDICATORS",
        "GROUPS": "vocabulary.names:GROUPS",
    },
)
