"""Crude and standardised rates, proportions and means."""

from pcref_analysis.vocabulary.public import face

__getattr__, __dir__ = face(
    __name__,
    {
        "crude": "estimates.rates.rates:crude",
        "proportion": "estimates.rates.rates:proportion",
        "mean": "estimates.rates.rates:mean",
        "direct": "estimates.rates.rates:direct",
        "indirect": "estimates.rates.rates:indirect",
    },
)
