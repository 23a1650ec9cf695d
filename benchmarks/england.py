"""Make England's published figures that stand next to a Trust's own records: `python benchmarks/england.py [folder]`.

Reads the open figures (`PCREF_OPEN_DATA`, or the folder that is named) and writes `vocabulary/reference/england.csv`.
A new year of a publication: put its file into the folder, change the years below, and run this.
"""

import os
import sys
from pathlib import Path

import pandas as pd

from pcref_analysis.published import mental_health_act, other_boards, talking_therapies
from pcref_analysis.vocabulary import ethnicity

TARGET = Path(__file__).parents[1] / "pcref_analysis" / "vocabulary" / "reference" / "england.csv"
YEARS = ("2022-23", "2023-24", "2024-25")  # of Talking Therapies
ACT = {  # indicator of the catalogue that computes the measure: its name among the published ones
    "detentions_as_published": "detentions",
    "short_term_orders": "short_term_orders",
    "section_136": "section_136",
    "cto_starts": "cto_starts",
}
THERAPIES = [f"talking_therapies_{name}" for name in ("recovery", "reliable_recovery", "improvement", "deterioration")]
COUNTS = ["events", "events_low", "events_high", "at_risk"]
COLUMNS = [
    "indicator",
    "period",
    "ethnic_group",
    *COUNTS,
    "standardised",
    "half_width",
    "boards",
    "mean",
    "tau",
    "source",
]


def table(folder: Path) -> pd.DataFrame:
    """Return the table as the publications in a folder give it."""
    year, parts = mental_health_act.period(folder), []
    source = f"NHS England, Mental Health Act Statistics, Annual Figures {year}"
    for indicator, name in ACT.items():
        found = mental_health_act.by_ethnic_group(folder, "England", name)
        found = found.merge(_standardised(folder, name), on="ethnic_group", how="left")
        summed = f" ({mental_health_act.SUMMED})" if name == "short_term_orders" else ""
        parts.append(found.assign(name=name, indicator=indicator, source=source + summed))
    for name in THERAPIES:
        found = talking_therapies.by_ethnic_group(folder, "England", "england", name, periods=list(YEARS))
        source = "NHS England, NHS Talking Therapies annual report " + found["period"]
        parts.append(found.assign(name=name, source=source))
    both = pd.concat(parts, ignore_index=True)
    boards = [other_boards.prior(folder, other_boards.ACT, "", year)]
    boards += [other_boards.prior(folder, other_boards.THERAPIES, "", one) for one in YEARS]
    means = pd.concat(boards, ignore_index=True).rename(columns={"indicator": "name", "prior_mean": "mean"})
    both = both.merge(means[["name", "period", "ethnic_group", "boards", "mean", "tau"]],
                      on=["name", "period", "ethnic_group"], how="left")  # fmt: skip
    both = both[both["ethnic_group"].ne(ethnicity.UNKNOWN)].round({"at_risk": 0, "mean": 4, "tau": 4})
    return both[COLUMNS].astype(dict.fromkeys([*COUNTS, "boards"], "Int64")).reset_index(drop=True)


def _standardised(folder: Path, name: str) -> pd.DataFrame:
    """Return the published rate after age and sex with half of its interval, where there is one."""
    measure, subcategory, _ = mental_health_act.MEASURES[name]
    rows = mental_health_act._rows(folder, "England", "Ethnicity")
    rows = rows[rows["measure"].eq(measure) & rows["measure_subcategory"].eq(subcategory)]
    rows = rows.assign(ethnic_group=mental_health_act.group_names(rows["demographic_breakdown"]))
    rows = rows[rows["ethnic_group"].isin(ethnicity.BROAD_GROUPS)]
    names = {"std_rate_per_100k": "standardised", "ci_half_width": "half_width"}
    return rows.rename(columns=names)[["ethnic_group", *names.values()]]


if __name__ == "__main__":
    given = sys.argv[1] if len(sys.argv) > 1 else os.environ["PCREF_OPEN_DATA"]
    table(Path(given)).to_csv(TARGET, index=False, lineterminator="\n")
