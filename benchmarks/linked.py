"""Can what was hidden be worked out of years, totals, shares and notes, of two editions, or of two runs?

    python benchmarks/linked.py --linked 1000 --editions 100 --runs 50

Each set is attacked by the package and by a second program here that shares no code with it and is told more: which
cells each number sums, and that two editions differ by one person. Linked sets have years beside a table of all
years, some of the things counted again as a share, and notes; of pairs of editions every other one is in bed days,
with the longest stay gone; pairs of runs are a broad and a detailed one. Every set is made with protection, every tenth
without it too.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp

from pcref_analysis.disclosure import release_tables
from pcref_analysis.vocabulary import ethnicity
from pcref_analysis.vocabulary.parameters import Disclosure

AGREED = {"owner": "test", "agreed": "2026-01-01"}
RULES = [Disclosure(**AGREED, preset="mhsds")] * 3 + [Disclosure(**AGREED, preset="hes")]
RULES += [Disclosure(**AGREED, threshold=10, rounding=10)]
THINGS = "detentions"  # events that add up over years, by the catalogue
DIMS = ["period", "ethnic_group", "sex"]


def leaves_of(seed: int) -> pd.DataFrame:
    """Return counts of things (``events``) and of some of them (``some``) by year, detailed ethnic group and sex."""
    rng = np.random.default_rng(seed)
    known = ethnicity.categories()
    broad = rng.permutation(ethnicity.known_groups("broad"))[: int(rng.integers(2, 4))]
    groups = known[known["broad_group"].isin(broad)].groupby("broad_group").head(3)["ethnic_group"]
    years = ["2021-22", "2022-23", "2023-24"][: int(rng.integers(2, 4))]
    sexes = ["Female"] if rng.random() < 0.6 else ["Female", "Male"]
    leaves = pd.MultiIndex.from_product([years, groups, sexes], names=DIMS).to_frame(index=False)
    mean = rng.choice([0.0, 1.0, 3.0, 6.0, 15.0, 60.0], len(leaves), p=[0.1, 0.2, 0.25, 0.2, 0.15, 0.1])
    leaves["events"] = rng.poisson(mean)
    leaves["some"] = rng.binomial(leaves["events"], rng.choice([0.1, 0.4, 0.8]))
    return leaves


def tables_of(leaves: pd.DataFrame, seed: int, detail: str = "both") -> dict[str, pd.DataFrame]:
    """Return tables of the leaves: by year with totals, of all years, and some of the things as a share with notes."""
    rng = np.random.default_rng(seed + 1)
    broad = leaves.assign(ethnic_group=ethnicity.to_broad(leaves["ethnic_group"]))
    parts = {"both": [leaves, broad], "broad": [broad], "detailed": [leaves]}[detail]
    parts = [*parts, leaves.assign(ethnic_group="All")]
    parts += [part.assign(sex="All") for part in parts]
    cube = pd.concat(parts).groupby(DIMS, as_index=False)[["events", "some"]].sum()
    years = cube.drop(columns="some").assign(indicator=THINGS)
    tables = {"years": years}
    if rng.random() < 0.6:
        tables["whole"] = years.groupby(["indicator", *DIMS[1:]], as_index=False)["events"].sum()
    if rng.random() < 0.6:
        some = cube.assign(indicator="some_of_them", at_risk=cube["events"], events=cube["some"], measure="percent")
        share = 100 * some["events"] / some["at_risk"].clip(lower=1)
        some = some.assign(estimate=share, lower=share * 0.8, upper=np.minimum(share * 1.2, 100), level=0.95)
        tables["some"] = some.drop(columns="some").assign(adjustment="crude", note="few events")
    return tables


def second_attack(
    editions: list[list[pd.DataFrame]], leaves: list[pd.DataFrame], rule: Disclosure, guess: bool = False
) -> dict[str, int]:
    """Bound every hidden count: ``hidden``, ``pinned`` (one value), ``narrow`` (too few), ``groups`` with either.

    The unknowns are whole numbers, two a leaf (things, and some of them). Where two ``leaves`` are given (two editions
    of different people) the second has one person fewer in one leaf: the outsider knows that much and not in which.
    A mark means somebody, but for what an earlier edition hid, and for series whose new zeros are hidden.
    A repeated number may have moved by less than the hold: the mark says so. ``guess`` takes it to lie within its
    rounding all the same, where that can be.
    """
    size = len(leaves[0])
    label = {dim: leaves[0][dim].to_numpy() for dim in DIMS}
    broad = ethnicity.to_broad(leaves[0]["ethnic_group"]).to_numpy()
    truth = [np.concatenate([part["events"], part["some"]]) for part in leaves]
    lines = []
    for number, table in ((number, table) for number, tables in enumerate(editions) for table in tables):
        rows = table.reindex(columns=list(dict.fromkeys([*table.columns, *DIMS])))
        rows[DIMS] = rows[DIMS].fillna("All")
        for row in rows.to_dict("records"):
            where = np.ones(size, bool)
            for dim in DIMS:
                where &= (
                    (label[dim] == row[dim]) | (row[dim] == "All") | ((dim == "ethnic_group") & (broad == row[dim]))
                )
            for column in ("events", "at_risk"):
                if row.get(f"{column}_status", "not available") == "not available":
                    continue
                some = row["indicator"] != THINGS and column == "events"
                things = np.concatenate([where & (not some), where & some]).astype(float)
                here = number if len(leaves) > 1 else 0
                group = row["ethnic_group"] if np.isnan(row[column]) else None
                none = things @ truth[here] == 0
                repeated = row[f"{column}_status"] == "repeated"
                lines.append((number, some, tuple(things), row[column], group, none, here, repeated))
    before = {(number, things) for number, _, things, shown, *_ in lines if np.isnan(shown)}
    zeros = {
        (number, some)
        for number, some, things, shown, _, none, *_ in lines
        if np.isnan(shown) and none and (number - 1, things) not in before
    }
    matrix, ends, moved, asked = [], [], [], []
    for number, some, things, shown, group, _, here, repeated in lines:
        somebody = rule.show_zero and (number, some) not in zeros and (number - 1, things) not in before
        around = max(np.ceil(shown - rule.rounding / 2), rule.threshold), np.ceil(shown + rule.rounding / 2) - 1
        matrix.append(np.concatenate([things, np.negative(things) if here else np.zeros(2 * size)]))
        ends.append((0, 0) if shown == 0 else (int(somebody), np.inf) if np.isnan(shown) else around)
        moved.append(repeated * (max(rule.rounding, rule.threshold) - 1))
        asked.append(group)
    matrix, ends, moved = np.array(matrix), np.array(ends, float), np.array(moved)
    one, none = np.eye(size), np.zeros((size, size))
    some_of = np.vstack([np.hstack([one, -one, none, none]), np.hstack([one, -one, -one, one])])
    gone = np.concatenate([np.zeros(2 * size), np.ones(size), np.zeros(size)])[None, :]
    fits = [LinearConstraint(some_of, 0, np.inf), LinearConstraint(gone, len(leaves) - 1, len(leaves) - 1)]
    far = Bounds(np.zeros(4 * size), np.repeat([10_000.0, 1.0], 2 * size))

    def solved(line: np.ndarray, slack: np.ndarray) -> np.ndarray | None:
        shown = LinearConstraint(matrix, np.maximum(ends[:, 0] - slack, 0), ends[:, 1] + slack)
        x = milp(line, constraints=[shown, *fits], bounds=far, integrality=1).x
        return x if x is None else np.round(x)

    hidden = {tuple(line): group for line, group in zip(matrix, asked, strict=True) if group}
    found, groups, seen = {"hidden": len(hidden), "impossible": 0, "pinned": 0, "narrow": 0}, set(), []
    slack = np.zeros(len(moved)) if guess else moved
    if hidden and (first := solved(np.zeros(4 * size), slack)) is None:
        found["impossible"], slack = 1, moved  # a number that is repeated may have moved
        if (first := solved(np.zeros(4 * size), slack)) is None:
            return found | {"impossible": 2, "groups": 0}  # what the editions show cannot be one person apart
    for line, group in hidden.items():
        for sign in (1, -1):
            values = np.array([first, *seen]) @ line
            if np.ptp(values) >= rule.values_left - 1:
                break  # what was found for others shows room enough
            if sign < 0 and values.min() >= rule.threshold:
                break
            seen.append(solved(sign * np.array(line), slack))
        values = np.array([first, *seen]) @ line
        least, most = values.min(), values.max()
        close = most - least < rule.values_left - 1 and least < rule.threshold and most > 0
        found["pinned"] += int(close and least == most)
        found["narrow"] += int(close and least < most)
        groups |= {group} if close else set()
    return found | {"groups": len(groups)}


def notes_that_tell(tables: list[pd.DataFrame]) -> int:
    """Count notes that rows with the same released numbers do not share: such a note rests on something else."""
    found = 0
    for table in tables:
        if "note" in table:
            numbers = [c for c in ("events", "at_risk", "estimate", "lower", "upper", "status") if c in table]
            found += int((table.groupby(numbers, dropna=False)["note"].nunique(dropna=False) > 1).sum())
    return found


def linked(seed: int, protected: bool = True) -> dict[str, int]:
    """Attack linked tables of years, totals, shares and notes."""
    leaves, rule = leaves_of(seed), RULES[seed % len(RULES)]
    released = release_tables.release_all(tables_of(leaves, seed), rule, public=False, complementary=protected)
    frames = [one.table for one in released]
    ours = len(release_tables.attack(released))
    return {**second_attack([frames], [leaves], rule), "ours": ours, "notes": notes_that_tell(frames)}


def editions(seed: int, protected: bool = True, reserve: int = 0) -> dict[str, int]:
    """Attack two editions that differ by one person, count what moved, and what is ``guessed`` of repeated numbers.

    ``reserve``: so many values more are left possible than the attack asks for (``uncertainty`` of the rule).
    """
    rng, rule, nothing = np.random.default_rng(seed), RULES[0], {"hidden": 0, "pinned": 0, "narrow": 0, "groups": 0}
    if seed % 2:
        rows = pd.DataFrame({"ethnic_group": rng.choice(["Black", "Mixed", "White"], 120, p=[0.2, 0.2, 0.6])})
        rows["days"] = np.ceil(rng.lognormal(2.5, 1.2, len(rows)))
        pair = [{"levels": _bed_days(part)} for part in (rows, rows.drop(rows["days"].idxmax()))]
    else:
        leaves = leaves_of(seed)
        person = leaves.index == rng.choice(np.flatnonzero(leaves["events"] > 0))
        fewer = leaves.assign(events=leaves["events"] - person)
        leaves, fewer = (part.assign(some=part[["some", "events"]].min(axis=1)) for part in (leaves, fewer))
        pair = [tables_of(part, seed) for part in (leaves, fewer)]
    options = {} if seed % 2 else {"public": False}
    used = rule.model_copy(update={"uncertainty": rule.values_left + reserve})
    first = release_tables.release_all(pair[0], used, **options)
    second = release_tables.release_all(pair[1], used, previous=first if protected else (), **options)
    ours = len(release_tables.attack(second, previous=first))
    both = [[one.table for one in edition] for edition in (first, second)]
    moved = sum(_moved(*two) for two in zip(*both, strict=True))
    if seed % 2:
        return nothing | {"guessed": 0, "ours": ours, "moved": moved}
    found, guess = (second_attack(both, [leaves, fewer], rule, guess) for guess in (False, True))
    return found | {"guess_pinned": guess["pinned"], "guessed": guess["narrow"], "ours": ours, "moved": moved}


def _bed_days(rows: pd.DataFrame) -> pd.DataFrame:
    each = rows.assign(days_sq=rows["days"] ** 2).groupby("ethnic_group")
    table = each.agg(events=("days", "sum"), events_sq=("days_sq", "sum"), at_risk=("days", "size")).reset_index()
    ratio = table["events"] / table["at_risk"] / (table["events"].iloc[-1] / table["at_risk"].iloc[-1]) * 1.08
    about = {"indicator": "bed_days", "comparator": "White", "adjustment": "age_sex", "measure": "ratio", "note": ""}
    return table.assign(**about, estimate=ratio, lower=ratio * 0.7, upper=ratio * 1.4)


def _moved(one: pd.DataFrame, other: pd.DataFrame) -> int:
    """Count the numbers and notes that two editions both show, and show otherwise."""
    key = [c for c in ("indicator", *DIMS, "measure", "adjustment") if c in one]
    both = one.merge(other, on=key, suffixes=("", "_then"))
    moved = 0
    for column in [c for c in ("events", "at_risk", "estimate", "lower", "upper") if c in one]:
        now, then = both[column], both[f"{column}_then"]
        moved += int((now.notna() & then.notna() & (now != then)).sum())
    return moved + (int((both["note"].fillna("") != both["note_then"].fillna("")).sum()) if "note" in one else 0)


def runs(seed: int, protected: bool = True) -> dict[str, int]:
    """Attack a broad run and a detailed one of the same people together."""
    leaves, rule = leaves_of(seed), RULES[0]
    order = ("broad", "detailed") if seed % 2 else ("detailed", "broad")
    first, second = (tables_of(leaves, seed, detail) for detail in order)
    one = release_tables.release_all(first, rule, public=False)
    two = release_tables.release_all(second, rule, public=False, previous=one if protected else ())
    ours = len(release_tables.attack(two, previous=one))
    return second_attack([[table.table for table in edition] for edition in (one, two)], [leaves], rule) | {
        "ours": ours
    }


def in_turn(attack: Callable[..., dict[str, int]], count: int, start: int) -> pd.DataFrame:
    """Attack ``count`` seeds with protection and without; print a row each, so that a stopped run is not lost."""
    rows = []
    for seed in range(start, start + count):
        for protected in (True, False) if seed % 10 == 0 else (True,):
            clock = time.perf_counter()
            found = attack(seed, protected)
            rows.append({"seed": seed, "protected": protected, **found, "seconds": time.perf_counter() - clock})
            print(attack.__name__, rows[-1], flush=True)
    return pd.DataFrame(rows)


def main() -> None:
    """Print what was found."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    every = (linked, editions, runs)
    for attack in every:
        words.add_argument(f"--{attack.__name__}", type=int, default=0)
    words.add_argument("--start", type=int, default=0)
    chosen = words.parse_args()
    for attack in every:
        if count := getattr(chosen, attack.__name__):
            print(in_turn(attack, count, chosen.start).groupby("protected").sum().drop(columns="seed").to_string())


if __name__ == "__main__":
    main()
