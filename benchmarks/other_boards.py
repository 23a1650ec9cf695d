"""What the other boards do to the draft list of a board, over simulated countries with planted gaps.

    python benchmarks/other_boards.py [countries] [boards of each]

A country has 42 boards. Each board's true ratio of a group and indicator is drawn around the country's (means and
spreads are those found in England in 2023-24), counts are Poisson, rounded to 5 and suppressed below 5 as published.
Two boards lack 55% of their records, those of a site most of whose patients are not White: what is left shows a ratio
of 1.2 at most. Prints, before and after (the prior from the other boards; the check of completeness): how often the
largest true gap of a board stands in the first band, and how often a true gap of at least 1.5 times is passed over: on
no list, and not said to be in doubt. About two seconds of processor time a board.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd

from pcref_analysis.analysis import best_estimates
from pcref_analysis.estimates import funnel, interval_counts, random_effects
from pcref_analysis.priorities import draft_list
from pcref_analysis.published import completeness, publisher_rounding
from pcref_analysis.vocabulary.ethnicity import BROAD_GROUPS
from pcref_analysis.vocabulary.priority_rule import PriorityRule

BOARDS, PERIOD = 42, "2023-24"
WHITE, GROUPS = BROAD_GROUPS[0], list(BROAD_GROUPS[1:5])
NOT_SAID = ["strength", "unclear", "evidence_gap"]
FOUND = {  # ratio to White, and the standard deviation of its logarithm over boards: Mixed, Asian, Black, Other
    "detentions": ([1.57, 1.06, 2.89, 1.56], [0.44, 0.15, 0.16, 0.62]),
    "short_term_orders": ([1.39, 0.74, 1.68, 1.24], [0.69, 0.25, 0.32, 0.99]),
}


def country(rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return published counts by board, and the true ratios."""
    frames, truths = [], []
    size = rng.uniform(300, 1500, BOARDS)  # White detentions
    share = rng.uniform(0.01, 0.08, (BOARDS, 4))  # residents, to those of White
    for name, (mean, spread) in FOUND.items():
        true = np.exp(rng.normal(np.log(mean), spread, (BOARDS, 4)))
        white = size * (1.0 if name == "detentions" else 0.4)
        seen = true.copy()
        kept = np.where(np.arange(BOARDS) < 2, 0.45, 1.0)
        seen[:2] = np.minimum(true[:2], 1.2)
        events = np.column_stack([white, white[:, None] * share * seen]) * kept[:, None]
        people = np.column_stack([np.full(BOARDS, 1.0), share]) * (size * 1000)[:, None]
        counts = pd.DataFrame({"events": rng.poisson(events).ravel(), "at_risk": people.ravel()})
        counts["events"] = (5 * (counts["events"] / 5).round()).where(counts["events"] >= 5)
        counts[["events_low", "events_high"]] = publisher_rounding.interval(counts["events"])
        keys = pd.MultiIndex.from_product([[f"Q{n:02}" for n in range(BOARDS)], [WHITE, *GROUPS]])
        counts[["area", "ethnic_group"]] = keys.to_frame(index=False)
        frames.append(counts.assign(indicator=name, period=PERIOD, measure="rate", per=100_000))
        index = pd.MultiIndex.from_product([keys.unique(0), GROUPS], names=["area", "ethnic_group"])
        truths.append(pd.DataFrame({"true": true.ravel(), "indicator": name}, index=index).reset_index())
    table = pd.concat(frames, ignore_index=True)
    table = table.assign(at_risk_low=table["at_risk"], at_risk_high=table["at_risk"], note="", published_rate=np.nan)
    return table, pd.concat(truths, ignore_index=True)


def doubted(counts: pd.DataFrame) -> set[tuple[str, str]]:
    """Return the indicators and boards that the check of completeness marks."""
    found = set()
    for name, part in counts.groupby("indicator"):
        sums = part.groupby("area", as_index=False)[["events", "at_risk"]].sum()
        sums["expected"] = sums["at_risk"] / sums["at_risk"].sum() * sums["events"].sum()
        levels = funnel.limits(sums, "area", "ratio", target=1.0, overdispersion="additive")
        found |= {(name, board) for board in completeness.in_doubt(levels)["area"]}
    return found


def lists(counts: pd.DataFrame, board: str, doubt: set[tuple[str, str]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the list of a board before and after."""
    own = interval_counts.compare(interval_counts.crude(counts), WHITE).drop(columns=["estimate", "lower", "upper"])
    own = own.rename(columns={"ratio": "estimate", "ratio_lower": "lower", "ratio_upper": "upper"})
    own = own[own["ethnic_group"].ne(WHITE)].assign(adjustment="crude", measure="ratio", level=0.95)
    rest = own[own["area"].ne(board)].assign(effect=lambda t: np.log(t["estimate"].astype(float)))
    rest = rest[~pd.MultiIndex.from_frame(rest[["indicator", "area"]]).isin(doubt)].dropna(subset=["effect"])
    white = counts[counts["ethnic_group"].eq(WHITE)].set_index(["indicator", "area"])["events"]
    theirs = white.reindex(pd.MultiIndex.from_frame(rest[["indicator", "area"]])).to_numpy()
    rest["variance"] = 1 / rest["events"] + 1 / theirs
    priors = []
    for (name, group), part in rest.groupby(["indicator", "ethnic_group"]):
        mean = random_effects.dersimonian_laird(part["effect"].to_numpy(), part["variance"].to_numpy())
        priors.append((name, group, mean.mean, float(np.hypot(mean.tau, mean.se)), mean.areas))
    elsewhere = pd.DataFrame(priors, columns=["indicator", "ethnic_group", "prior_mean", "prior_sd", "boards"])
    here = own[own["area"].eq(board)].drop(columns="area")
    flags = pd.DataFrame([(n, None, "incomplete", "") for n, area in doubt if area == board],
                         columns=["indicator", "ethnic_group", "flag", "reason"])  # fmt: skip
    rule = PriorityRule(owner="simulation", agreed="2026-01-01", draws=2000)
    drawn = best_estimates.of(here, other_boards=elsewhere, period=PERIOD)
    tables = [draft_list.draft(table, rule, comparator=WHITE, period=PERIOD, flags=marked)
              for table, marked in ((here, None), (drawn, flags))]  # fmt: skip
    return tables[0], tables[1]


def main(countries: int = 5, boards: int = 8) -> None:
    """Print what was found."""
    rng = np.random.default_rng(20261127)
    rows = []
    for _ in range(countries):
        counts, truth = country(rng)
        doubt = doubted(counts)
        for board in [f"Q{n:02}" for n in range(boards)]:
            true = truth[truth["area"].eq(board)]
            for when, table in zip(("before", "after"), lists(counts, board, doubt), strict=True):
                both = true.merge(table, on=["indicator", "ethnic_group"], how="left")
                largest = both.sort_values("true").iloc[-1]
                gaps = both[both["true"].ge(1.5)]
                rows.append(
                    (
                        when,
                        int(board[1:]) < 2,
                        bool(pd.notna(largest["band"]) and largest["band"] == 1),
                        gaps["list"].isin(NOT_SAID).sum(),
                        len(gaps),
                    )
                )
    found = pd.DataFrame(rows, columns=["when", "incomplete", "largest_first", "passed_over", "gaps"])
    by = found.assign(boards=1).groupby(["incomplete", "when"])
    sums = by.agg({"boards": "sum", "largest_first": "mean", "passed_over": "sum", "gaps": "sum"})
    print(sums.to_string())


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
