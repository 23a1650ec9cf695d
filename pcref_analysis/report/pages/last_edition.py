"""What changed since the edition that readers have: corrections, gaps, definitions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pcref_analysis.display import formats
from pcref_analysis.display.formats import STEPS
from pcref_analysis.priorities import gap_over_time
from pcref_analysis.store import csv_text, edition_files
from pcref_analysis.vocabulary import indicators
from pcref_analysis.vocabulary.parameters import Parameters

KEYS = ["indicator", "ethnic_group", "comparator", "adjustment", "period", "measure"]
FIGURES = ["estimate", "lower", "upper"]
SETTINGS = {  # of a run that its figures rest on, as readers may know them
    "comparator": "comparator",
    "detail": "detail of ethnic groups",
    "level": "level of intervals",
    "age_bands": "age bands from",
    "ethnicity_rule": "rule for several ethnic categories",
    "standard": "standard population",
    "imd_version": "year of the Indices of Deprivation",
    "trust.icb_code": "board whose residents are counted",
    "disclosure.threshold": "counts suppressed below",
    "disclosure.rounding": "counts rounded to the nearest",
    "disclosure.show_zero": "zeros shown",
}
MOST = 5  # named; the tables of both editions hold all


def changes(frames: Mapping[str, pd.DataFrame], folder: Path, parameters: Parameters) -> tuple[list[str], str]:
    """Return what changed since an earlier edition in sentences, and the released values that their numbers come from.

    ``frames`` are the released tables of this edition by their id, ``folder`` is the earlier edition or its tables.
    Gaps are compared with those of the earlier edition's own last year, where that lies before the run's. Where the
    settings are others, a figure that moved is not called corrected.

    Notes
    -----
    A suppressed figure is never compared: both editions have to show it. An indicator of another definition is named
    and its gaps are left out; its corrected figures are not, since readers hold the old ones.
    """
    comparator, period = parameters.comparator, parameters.period
    before = edition_files.read_manifest(folder).get("parameters", {})
    settings = _settings(before, parameters.model_dump(mode="json"))
    found = [f"Set otherwise than then: {'; '.join(settings)}. Figures can differ for that alone."] if settings else []
    paths = sorted(edition_files.tables_folder(folder).glob("*.csv"))
    old = _figures({path.stem: csv_text.read_csv(path) for path in paths})
    now = _figures(frames)
    if old.empty or now.empty:
        return found, " | ".join(settings)
    names = pd.concat([old, now]).drop_duplicates("indicator", keep="last").set_index("indicator")["indicator_name"]
    both = old.merge(now, on=KEYS, suffixes=("_then", ""))
    moved = pd.concat([~_same(both[f"{one}_then"], both[one]) for one in FIGURES], axis=1).any(axis=1)
    size = (both["estimate"] / both["estimate_then"] - 1).abs()
    corrected = both.assign(size=size)[moved].sort_values("size", ascending=False, kind="stable")
    found += [_corrected(len(corrected), len(both), "no longer the same" if settings else "corrected since")]
    opening = "Differs" if settings else "Corrected"
    found += [f"{opening}: {_correction(row, names)}" for row in corrected.head(MOST).to_dict("records")]
    day = str(before.get("edition_date", ""))
    here = set(now["indicator"])
    other = {key for key, entry in indicators.catalogue().items() if key in here and day and entry.valid_from > day}
    then = old["period"].max()
    gaps = pd.DataFrame()
    if then < period:
        two = pd.concat([old[old["period"].eq(then)], now[now["period"].eq(period)]], ignore_index=True)
        gaps = gap_over_time.compared(two[~two["indicator"].isin(other)], comparator, period)
        for verdict in ("narrower", "wider"):
            rows = gaps[gaps["verdict"].eq(verdict)]
            listed = "; ".join(f"{names[row.indicator]}, {row.ethnic_group}" for row in rows.itertuples())
            head = f"Of {formats.count(len(gaps), 'gap')} compared, {verdict} in {period} than in {then}"
            found += [f"{head}, of which some can be so by chance alone: {listed}."] if listed else []
    for words, ids in (
        ("Defined in another way than in the last edition", other),
        ("Shown for the first time", here - set(old["indicator"])),
        ("No longer shown", set(old["indicator"]) - here),
    ):
        found += [f"{words}: {'; '.join(sorted(names[list(ids)]))}."] if ids else []
    shown = corrected.head(MOST)[[*FIGURES, *(f"{one}_then" for one in FIGURES), "period"]]
    numbers = f"{len(gaps)} | {len(corrected)} {len(both)} {then} {period}"
    return found, " | ".join([formats.values(shown), numbers, *names, *settings])


def _figures(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the levels and ratios that tables show, once each."""
    wanted = {*KEYS, *FIGURES, "indicator_name", "level"}
    mine = [frame for name, frame in frames.items() if name.partition("-")[2] in ("levels", "gaps")]
    kept = [frame for frame in mine if wanted <= set(frame)]
    if not kept:
        return pd.DataFrame(columns=[*KEYS, *FIGURES, "indicator_name", "level"])
    table = pd.concat(kept, ignore_index=True)
    table = table[table["adjustment"].isin(STEPS)]
    numbers = table[FIGURES].apply(pd.to_numeric, errors="coerce")
    table = table.assign(**numbers, comparator=table["comparator"].fillna(""))
    return table[numbers["estimate"].notna()].drop_duplicates(KEYS, ignore_index=True)


def _same(then: pd.Series, now: pd.Series) -> pd.Series:
    return then.eq(now) | (then.isna() & now.isna())


def _settings(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the settings that are others than those of the earlier edition, with both values."""
    parts = ("trust", "disclosure")
    flat = [dict(one) | {f"{part}.{name}": value for part in parts for name, value in one.get(part, {}).items()}
            for one in (then, now)]  # fmt: skip
    said = [{name: str(one.get(name)).strip("[]").replace("_", " ") for name in SETTINGS} for one in flat]
    return [f"{words}: {said[0][name]}, now {said[1][name]}" for name, words in SETTINGS.items()
            if name in flat[0] and said[0][name] != said[1][name]]  # fmt: skip


def _corrected(moved: int, both: int, how: str) -> str:
    state = f"{moved} of them {how}" if moved else "none of them changed"
    return f"Both editions show {formats.count(both, 'figure')} of the same years, {state}."


def _correction(row: Mapping[str, Any], names: Mapping[str, str]) -> str:
    then, now = (formats.interval(*(row[f"{one}{end}"] for one in FIGURES)) for end in ("_then", ""))
    kind = f"ratio to {row['comparator']}" if row["comparator"] else "level"
    who = f"{names[row['indicator']]}, {row['ethnic_group']}, {row['period']}"
    return f"{who}, {kind} {STEPS[str(row['adjustment'])]}: {then} then, {now} now."
