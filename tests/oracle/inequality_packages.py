"""Writes inequality_packages.json: the Theil index by PySAL inequality and the concentration index by moveq-core.

Run in an environment of its own with inequality==1.1.2, moveq-core==0.2.0, numpy==2.4.6, in this folder.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from inequality.theil import TheilD
from moveq_core import compute_concentration_index

RESIDENTS = np.array([4500, 80, 300, 50, 30, 60, 41, 250])
RATES = np.array([81.5, 100.25, 90, 150.125, 200, 0, 60.7, 310])

people = np.repeat(RATES, RESIDENTS)
groups = np.repeat(np.arange(len(RATES)), RESIDENTS)
found = {
    "software": {name: version(name) for name in ("inequality", "moveq-core", "numpy")},
    "residents": RESIDENTS.tolist(),
    "rates": RATES.tolist(),
    "theil_index": float(TheilD(people, groups).bg[0]),
    # the first group is the most deprived; positive there: higher among the least deprived
    "relative_concentration_index": compute_concentration_index(
        RATES, np.arange(len(RATES)), RESIDENTS, rank_direction="higher_is_advantaged"
    ),
}
Path("inequality_packages.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
