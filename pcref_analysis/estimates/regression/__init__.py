"""Ratios adjusted by age, sex and deprivation, with person-clustered standard errors."""

from pcref_analysis.vocabulary.public import face

__getattr__, __dir__ = face(
    __name__,
    {
        "adjusted": "estimates.regression.adjusted_ratios:adjusted",
        "ladder": "estimates.regression.adjusted_ratios:ladder",
        "fit": "estimates.regression.adjusted_ratios:fit",
        "STEPS": "estimates.regression.adjusted_ratios:STEPS",
        "interaction": "estimates.regression.interactions:interaction",
        "diagnostics": "estimates.regression.model_diagnostics:diagnostics",
    },
)
