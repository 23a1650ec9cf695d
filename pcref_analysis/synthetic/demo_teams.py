"""Which team of the invented Trust a referral is with, and how well each team records ethnic group: drawn apart.

The teams come last and from a generator of their own, so that no other figure of the invented Trust hangs on them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

TEAMS = {"A06": 9, "A05": 4, "A08": 2, "A14": 3, "A18": 2, "C10": 5, "C02": 1}  # how many of each type
SMALL = {"A08-2": 0.3, "A18-2": 0.04}  # one whose unknown are too few to show, one that is counted with others
SPREAD = 0.15  # teams differ a little in how well they record (standard deviation of the log of the odds)
ODD = {"A06-2": 2.4, "C10-3": 1.9, "A05-1": 0.45, "A08-2": 0.4}  # and these much: odds of not knowing, times others'


def teams(seed: int, referrals: pd.DataFrame, unknown: pd.Series) -> np.ndarray:
    """Return the code of each referral's team, one of its team type.

    Parameters
    ----------
    seed
        The seed of the invented Trust.
    referrals
        ``ServTeamTypeMH`` is used.
    unknown
        Whether the ethnic group of the referral's person is unknown. Who is in which team is drawn so that it is
        unknown more often where a team records badly; nobody's ethnic group changes.
    """
    rng = np.random.default_rng((seed, 102))
    out = np.empty(len(referrals), dtype=object)
    for kind, number in TEAMS.items():
        names = [f"{kind}-{turn}" for turn in range(1, number + 1)]
        size = np.linspace(1.0, 0.3, number) * [SMALL.get(name, 1.0) for name in names]
        odds = np.exp(SPREAD * rng.standard_normal(number))
        odds = np.array([ODD.get(name, own) for name, own in zip(names, odds, strict=True)])
        mine = (referrals["ServTeamTypeMH"] == kind).to_numpy()
        for share, of in ((size, mine & ~unknown.to_numpy()), (size * odds, mine & unknown.to_numpy())):
            out[of] = rng.choice(names, of.sum(), p=share / share.sum())
    return out
