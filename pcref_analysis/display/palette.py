"""The colours of figures: after those of the Government Analysis Function, some darker; shape repeats them.

Every colour has a contrast of at least 3 to 1 on white. A group looks the same in every chart: its colour is that of
its broad group, its marker its own.
"""

from __future__ import annotations

from functools import cache

from pcref_analysis.vocabulary import ethnicity

BLUE, TEAL, PLUM, ORANGE, GREY, LILAC = "#12436D", "#208379", "#801650", "#D9500F", "#3D3D3D", "#8A6BC1"
BANDS = [(BLUE, "o"), (TEAL, "s"), (PLUM, "D"), (ORANGE, "^"), (LILAC, "v"), (GREY, "X")]
MARKERS = "osD^vX"
COLOURS = {
    "White": BLUE,
    "Mixed": PLUM,
    "Asian or Asian British": TEAL,
    "Black or Black British": ORANGE,
    "Other ethnic groups": LILAC,
    ethnicity.UNKNOWN: GREY,
}


@cache
def of_group(group: str) -> tuple[str, str]:
    """Return the colour and the marker of an ethnic group, broad or detailed; a name of no group is grey.

    Examples
    --------
    >>> of_group("Mixed")[1] != of_group("White")[1]
    True
    >>> of_group("African")[0] == of_group("Black or Black British")[0]
    True
    """
    if group in COLOURS:
        return COLOURS[group], MARKERS[list(COLOURS).index(group)]
    table = ethnicity.categories()
    broad = table.loc[table["ethnic_group"] == group, "broad_group"]
    if broad.empty:
        return GREY, {"Whole population": "P", "All other groups": "*"}.get(group, "p")
    within = table.loc[table["broad_group"] == broad.iloc[0], "ethnic_group"].tolist()
    return COLOURS[broad.iloc[0]], MARKERS[within.index(group)]
