"""Figures as they may be shown: crude ones worked out from the released counts, the others to few digits.

A crude figure is a function of the rounded counts (and of how much wider than chance its interval is, to a
tenth), so it tells nothing more than they do. An adjusted figure stays what the model gave, to two digits; to
fewer where the width of its interval would tell the count more closely than its rounding does. An estimate and its
limits are given in one step, and so are the steps of adjustment of one line where they can be.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from pcref_analysis.disclosure.linked_tables import back_calculation
from pcref_analysis.disclosure.linked_tables.back_calculation import COMPARED, widening, z_of
from pcref_analysis.vocabulary.significant_digits import TOLERANCE

FIGURES = ("estimate", "lower", "upper")
CHANGES = ("change", "change_lower", "change_upper")
CHANGE_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)
COUNTS = ("o", "n", "o0", "n0", "r", "m", "r0", "m0")
UNITS = np.array([1.0, 100.0, 1_000.0, 10_000.0, 100_000.0, 1_000_000.0])
DIGITS, FEW_DIGITS = 3, 2
COARSEST, COARSEST_LIMIT = 1 / 3, 0.5  # steps, as shares of what is rounded, above which a figure is withheld
COARSER = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)  # times the unit of the last digit


def figures(rows: pd.DataFrame) -> pd.DataFrame:
    """Return ``estimate, lower, upper`` as they may be shown, and ``rounded_to``: a step that must be said.

    Parameters
    ----------
    rows
        ``measure, estimate, lower, upper, level, per, base`` (the rounding); the counts of the group and of its
        comparator, true (``o, n, o0, n0``) and released (``r, m, r0, m0``), the comparator's missing where it is not
        in the tables; ``low, high, low0, high0``: the limits that the released counts leave; ``external``: compared
        with a population outside the data; ``crude``: a comparison before adjustment, whatever the model left out;
        ``line``: the same number for rows that readers compare (the steps of adjustment of one gap);
        ``few_others``: where given, few at risk may lack the event.
    """
    out = pd.DataFrame(np.nan, index=rows.index, columns=[*FIGURES, "rounded_to"])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        kind = _kind(rows)
        work = {"crude": _crude, "difference": _difference, "excess": _excess, "mean": _mean, "limited": _limited}
        for name, part in rows.groupby(kind, sort=False):
            shown = work[str(name)](part)
            out.loc[part.index, list(FIGURES)] = shown[:, :3]
            if shown.shape[1] > 3:
                out.loc[part.index, "rounded_to"] = shown[:, 3]
    return out


def significant(values: np.ndarray, digits: int = DIGITS) -> np.ndarray:
    """Round to a number of significant digits."""
    values = np.asarray(values, dtype=float)
    return _to(values, unit(values, digits))


def usual_step(estimate: np.ndarray, upper: np.ndarray, digits: int = FEW_DIGITS) -> np.ndarray:
    """Return the step of an estimate and its limits: that of the estimate's digits as shown (of none: the upper's)."""
    estimate, upper = np.asarray(estimate, float), np.asarray(upper, float)
    size = np.where((estimate == 0) | ~np.isfinite(estimate), upper, estimate)
    return unit(significant(size, digits), digits)


def steps(frame: pd.DataFrame) -> np.ndarray:
    """Return the step that each row's shown figures are rounded to: said in ``rounded_to``, or read from their digits.

    ``frame`` holds ``estimate, lower, upper`` as released and, where a step had to be said, ``rounded_to``.
    """
    given = frame.reindex(columns=list(FIGURES)).to_numpy(float)
    step = usual_step(given[:, 0], given[:, 2])
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(4):  # finer where the digits show it
            multiple = np.isclose(given, np.round(given / step[:, None]) * step[:, None], atol=0) | ~np.isfinite(given)
            step = np.where(multiple.all(axis=1), step, step / 10)
    return np.fmax(step, frame["rounded_to"].to_numpy(float)) if "rounded_to" in frame else step


def changes(frame: pd.DataFrame, rows: pd.DataFrame, shown: pd.DataFrame) -> pd.DataFrame:
    """Return the change between two steps of adjustment as it may be shown, its interval in steps of the same size.

    An adjusted ratio divided by its change from the crude one is the crude ratio, which tells the count. So that
    change is given in the finest steps in which the adjusted ratio as shown, divided by the change as shown, leaves
    every count in the released limits possible, of the group and of its comparator; where a step of a fifth is too
    fine, it is withheld. The adjusted ratio is known as closely as its limits and the later steps tell it. Later
    changes, and those between ratios of means, tell of no count otherwise. ``change_rounded_to`` says a step that is
    coarser than a hundredth.

    Parameters
    ----------
    frame
        ``change, change_lower, change_upper`` and, where known, ``change_from`` and ``adjustment``.
    rows
        As in :func:`figures`: ``o, low, high, o0, low0, high0, line``; ``means``: of values, not of events.
    shown
        What :func:`figures` made of them.
    """
    change, lower, upper = (frame[c].to_numpy(float) for c in CHANGES)
    later = frame["change_from"].ne("crude").to_numpy() if "change_from" in frame else np.zeros(len(frame), bool)
    o, low, high, o0, low0, high0 = (rows[c].to_numpy(float) for c in ("o", "low", "high", "o0", "low0", "high0"))
    least, most = _adjusted(frame, rows, shown)
    later = later | rows["means"].to_numpy(bool)
    out = np.full((len(frame), 4), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        crude = frame["estimate"].to_numpy(float) / change
        smallest = crude * np.fmin(low / o, np.fmin(o0 / high0, 1.0))
        largest = crude * np.fmax(high / o, np.fmax(o0 / low0, 1.0))
        for step in reversed(CHANGE_STEPS):  # the finest that is safe stands in the end
            to = np.round(change / step) * step
            possible = least / (to + step / 2), most / np.fmax(to - step / 2, 1e-300)
            safe = (possible[0] <= smallest * (1 + TOLERANCE)) & (largest <= possible[1] * (1 + TOLERANCE))
            safe = (safe | later) & ~np.isnan(change)
            wide = np.ceil(to * np.fmax(upper / change - 1, 1 - lower / change) / step + 0.5) * step
            said = np.full(len(to), step if step > CHANGE_STEPS[0] else np.nan)
            out[safe] = np.round(np.column_stack([to, np.fmax(to - wide, 0.0), to + wide, said]), 2)[safe]
    return pd.DataFrame(out, index=rows.index, columns=[*CHANGES, "change_rounded_to"])


def _adjusted(frame: pd.DataFrame, rows: pd.DataFrame, shown: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return between what two numbers an outsider knows the ratio of each row to lie: by what is shown of it and later.

    A model's limits are as many times below its ratio as above, so that their mean on the log scale tells it too.
    """
    half = steps(shown) / 2
    value, low, high = (shown[c].to_numpy(float) for c in FIGURES)
    with np.errstate(invalid="ignore"):
        least = np.fmax(np.fmax(value - half, 0.0), np.sqrt(np.fmax(low - half, 0.0) * np.fmax(high - half, 0.0)))
        most = np.fmin(value + half, np.sqrt((low + half) * (high + half)))
    if not {"change_from", "adjustment"} <= set(frame) or "line" not in rows:
        return least, most
    finest = CHANGE_STEPS[0]
    by = pd.DataFrame({"line": rows["line"].to_numpy(), "least": least, "most": most})
    by["change"] = np.round(frame["change"].to_numpy(float) / finest) * finest
    after = by.assign(step=frame["change_from"].astype(object).to_numpy()).dropna(subset=["step", "change"])
    after["least"], after["most"] = (
        after["least"] / (after["change"] + finest / 2),
        after["most"] / np.fmax(after["change"] - finest / 2, 1e-300),
    )
    after = after.drop_duplicates(["line", "step"])[["line", "step", "least", "most"]]
    mine = by[["line"]].assign(step=frame["adjustment"].astype(object).to_numpy())
    told = mine.merge(after, on=["line", "step"], how="left")
    return np.fmax(least, told["least"].to_numpy()), np.fmin(most, told["most"].to_numpy())


def unit(values: np.ndarray, digits: int = FEW_DIGITS) -> np.ndarray:
    """Return the unit of the last of so many significant digits."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return 10.0 ** (np.floor(np.log10(np.abs(values))) + 1 - digits)


def _to(values: np.ndarray, step: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(
            (values == 0) | ~np.isfinite(values / step), values, np.round(np.round(values / step) * step, 12)
        )


def step_up(size: np.ndarray) -> np.ndarray:
    """Return the next larger of 1, 2, 5, 10, ... times a power of ten."""
    power = 10.0 ** np.floor(np.log10(size))
    lead = size / power
    return power * np.select([lead <= 1 + 1e-9, lead <= 2 + 1e-9, lead <= 5 + 1e-9], [1.0, 2.0, 5.0], 10.0)


def _kind(rows: pd.DataFrame) -> np.ndarray:
    """Return how each figure is to be shown; "crude" is what the counts alone give, whatever it is called."""
    measure = rows["measure"].to_numpy()
    o, n, o0, n0 = (rows[c].to_numpy(float) for c in COUNTS[:4])
    value, per = rows["estimate"].to_numpy(float), rows["per"].to_numpy(float)
    odds, compared = measure == "odds_ratio", np.isin(measure, COMPARED)
    level = np.where(odds, o / (n - o), o / n)
    factor = value / level * np.where(compared, np.where(odds, o0 / (n0 - o0), o0 / n0), 1.0)
    units = np.where(compared[:, None], 1.0, UNITS[None, :])
    simple = (np.abs(factor[:, None] / units - 1) < TOLERANCE).any(axis=1) | ((o == 0) & ~compared)
    named = rows["crude"].to_numpy(bool) & ~np.isnan(o0 + n0)  # the model's may leave people of unknown age out
    crude_gap = np.abs(value - per * (o / n - o0 / n0)) < TOLERANCE * per * np.fmax(o / n, o0 / n0)
    choices = [
        (measure == "mean"),
        (measure == "difference") & crude_gap,
        (measure == "excess"),
        np.isin(measure, ["rate", "percent", "ratio", "odds_ratio"]) & (simple | named),
    ]
    return np.select(choices, ["mean", "difference", "excess", "crude"], "limited")


def _crude(rows: pd.DataFrame) -> np.ndarray:
    o, n, r, m, r0, m0 = (rows[c].to_numpy(float) for c in ("o", "n", "r", "m", "r0", "m0"))
    value, lower, upper = (rows[c].to_numpy(float) for c in FIGURES)
    odds, compared = (rows["measure"] == "odds_ratio").to_numpy(), rows["measure"].isin(COMPARED).to_numpy()

    def level(events: np.ndarray, at_risk: np.ndarray) -> np.ndarray:
        return np.where(odds, events / (at_risk - events), events / at_risk)

    per = np.where(compared, 1.0, value / level(o, n))
    estimate = np.where(o == 0, 0.0, per * level(r, m) / np.where(compared, level(r0, m0), 1.0))
    estimate = np.where(np.isfinite(estimate), estimate, np.nan)
    down, up = back_calculation.chance(rows, COUNTS[:4])
    down_shown, up_shown = back_calculation.chance(rows, COUNTS[4:])
    low = estimate * np.exp(-widening(np.log(value / lower), down) * down_shown)
    high = estimate * np.exp(widening(np.log(upper / value), up) * up_shown)
    low = np.where((lower <= 0) | (o == 0), 0.0, low)
    high = np.where(o == 0, significant(upper * n / m, FEW_DIGITS), high)
    percent = (rows["measure"] == "percent").to_numpy()
    ends = _ends(rows)  # limits hold every value that the rounding leaves: 7 of 8 is shown as 5 of 10
    low, high = np.fmin(low, per * ends[0]), np.fmax(high, per * ends[1])
    high = np.where(percent, np.where(o == n, 100.0, np.minimum(high, 100.0)), high)
    itself = compared & (value == 1) & (lower == upper)
    low, high = np.where(itself, 1.0, low), np.where(itself, 1.0, high)
    shown = _in_one_step(estimate, low, high)
    trial = rows.assign(**dict(zip(FIGURES, shown.T, strict=True)))
    half = np.repeat(steps(trial)[:, None] / 2, 3, axis=1)
    return np.where((_tells_few(trial, half) & compared)[:, None], np.nan, shown)


def _ends(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and greatest level (of comparisons: ratio of levels) that the counts as released leave."""
    base, odds = rows["base"].to_numpy(float), (rows["measure"] == "odds_ratio").to_numpy()

    def levels(at_risk: str, low: str, high: str) -> tuple[np.ndarray, np.ndarray]:
        m = rows[at_risk].to_numpy(float)
        half = np.where(m % base == 0, (base - 1) / 2, 0.0)  # people at risk from outside are not rounded
        least, most = rows[low].to_numpy(float) / (m + half), rows[high].to_numpy(float) / (m - half)
        return least, np.where(m >= rows[high], np.minimum(most, 1.0), most)

    (least, most), (least0, most0) = levels("m", "low", "high"), levels("m0", "low0", "high0")
    compared = rows["measure"].isin(COMPARED).to_numpy()
    ends = np.where(compared, least / most0, least), np.where(compared, most / least0, most)
    return np.where(odds, np.nan, ends[0]), np.where(odds | ~np.isfinite(ends[1]), np.nan, ends[1])


def _in_one_step(estimate: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Round three numbers to the step of the estimate's digits; finer where a limit would become none, or the same."""
    step = usual_step(estimate, high, DIGITS)
    for _ in range(2):
        shown = [_to(x, step) for x in (estimate, low, high)]
        lost = (low > 0) & (shown[1] == 0) | (low < estimate) & (shown[1] == shown[0])
        step = np.where(lost | (high > estimate) & (shown[2] == shown[0]), step / 10, step)
    return np.column_stack([_to(x, step) for x in (estimate, low, high)])


def _limited(rows: pd.DataFrame) -> np.ndarray:
    """Show what the model gave, to two digits or as many fewer as the counts need; nothing where that would mislead."""
    given = np.column_stack([rows[c].to_numpy(float) for c in FIGURES])
    apart = (rows["measure"] == "difference").to_numpy() & rows["external"].to_numpy(bool)
    usual = usual_step(given[:, 0], given[:, 2])
    largest = unit(np.nanmax(np.abs(np.column_stack([given, np.zeros(len(given))])), axis=1))
    usual = np.where(rows["measure"] == "difference", np.clip(usual, largest / 10, largest), usual)
    one = (rows["per"] * (rows["high"] - rows["low"] + 1) / rows["n"]).to_numpy(float)  # what a count's rounding makes
    usual = np.where(apart, np.fmax(usual, step_up(one)), usual)
    finest = np.where((given[:, 1] > 0) & (usual > COARSEST_LIMIT * given[:, 1]), usual / 10, usual)
    finest = np.where(apart, usual, finest)

    def safe(step: np.ndarray) -> np.ndarray:
        return (apart | _still_true(given, step, usual)) & _is_safe(rows, given, step)

    step = np.full(len(rows), np.nan)
    for times in (*COARSER, *(10 * t for t in COARSER)):
        todo = np.isnan(step) & (finest * times <= usual * COARSER[-1] * (1 + TOLERANCE))
        if todo.any():
            step = np.where(todo & safe(finest * times), finest * times, step)
    line = pd.Series(rows["line"].to_numpy() if "line" in rows else np.arange(len(rows)))
    can = ~np.isnan(step)
    first, last = (pd.Series(step).groupby(line).transform(end).to_numpy() for end in ("min", "max"))
    todo = can & (first < last)
    while todo.any():  # one step for a line, where all its rows bear it
        kept = safe(first) & (_side_of_one(given, first) == _side_of_one(given, step)).all(axis=1)
        good = pd.Series(~todo | kept).groupby(line).transform("all").to_numpy() & todo
        step, todo = np.where(good, first, step), todo & ~good & (first < last)
        first = step_up(first * (1 + TOLERANCE))
    finest_in_line = pd.Series(step).groupby(line).transform("min").to_numpy()
    odd = ~np.isclose(np.log10(step) % 1.0, [[0.0], [1.0]]).any(axis=0)
    said = odd | (step > np.fmin(usual, finest_in_line) * (1 + TOLERANCE))
    shown = np.column_stack([_to(given[:, i], step) for i in range(3)])
    return np.column_stack([np.where(can[:, None], shown, np.nan), np.where(said & can, step, np.nan)])


def _side_of_one(given: np.ndarray, step: np.ndarray) -> np.ndarray:
    return np.sign(np.column_stack([_to(given[:, i], step) for i in (1, 2)]) - 1)


def _is_safe(rows: pd.DataFrame, given: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Say whether figures in such steps leave every count in its limits possible."""
    low, high = rows["low"].to_numpy(float), rows["high"].to_numpy(float)
    shown = np.column_stack([_to(given[:, i], step) for i in range(3)])
    where = np.flatnonzero(~np.isnan(low) & np.isfinite(step))
    safe = np.isfinite(step) | np.isnan(given).all(axis=1)
    if len(where):
        trial = rows.assign(**dict(zip(FIGURES, shown.T, strict=True))).iloc[where]
        half = np.repeat(step[where, None] / 2, 3, axis=1)
        least, most = back_calculation.left(trial, low[where], high[where], half)
        safe[where] = (least <= low[where]) & (most >= high[where])
        safe[where] &= ~_tells_few(trial, half)
        safe[where] &= _value_is_safe(rows.iloc[where], shown[where, 0], step[where] / 2)
    return safe


def _tells_few(shown: pd.DataFrame, half: np.ndarray) -> np.ndarray:
    """Say where few at risk lack the event and limits as shown tell how few, to who takes the group's events alone."""
    low, high = shown["low"].to_numpy(float), shown["high"].to_numpy(float)
    few = shown["few_others"].to_numpy(bool) if "few_others" in shown else np.zeros(len(shown), bool)
    least, most = back_calculation.left(shown.assign(low0=np.nan, high0=np.nan), low, high, half)
    return few & ((least > low) | (most < high))


def _still_true(given: np.ndarray, step: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Say whether rounding leaves a figure and its limits near what they are (a ratio of 1.01 is not shown as 2).

    In the usual step a limit may be far smaller than the figure; it may not become none.
    """
    step = step[:, None]
    with np.errstate(invalid="ignore"):
        fine = ~(step > np.abs(given) * np.array([COARSEST, COARSEST_LIMIT, COARSEST_LIMIT]))
        fine[:, 1:] |= ((step <= usual[:, None]) & (np.round(given / step) != 0))[:, 1:]
    return (fine | (given == 0)).all(axis=1)


def _value_is_safe(rows: pd.DataFrame, shown: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Say whether every count in its limits could give the figure, where what it is divided by is public."""
    per_event = rows["estimate"].to_numpy(float) / rows["o"].to_numpy(float)
    ends = [np.abs(rows[c].to_numpy(float) * per_event - shown) <= half * (1 + TOLERANCE) for c in ("low", "high")]
    return ~rows["external"].to_numpy(bool) | (ends[0] & ends[1]) | np.isnan(per_event)


def _difference(rows: pd.DataFrame) -> np.ndarray:
    o, n, o0, n0, r, m, r0, m0 = (rows[c].to_numpy(float) for c in COUNTS)
    value, lower, upper, per = (rows[c].to_numpy(float) for c in (*FIGURES, "per"))
    estimate = per * (r / m - r0 / m0)
    by_chance, shown = (
        z_of(rows) * per * np.sqrt(a / b**2 + c / d**2) for a, b, c, d in ((o, n, o0, n0), (r, m, r0, m0))
    )
    low = estimate - widening(value - lower, by_chance) * shown
    high = estimate + widening(upper - value, by_chance) * shown
    step = unit(per * r / m, DIGITS)
    return np.column_stack([_to(x, step) for x in (estimate, low, high)])


def _excess(rows: pd.DataFrame) -> np.ndarray:
    """Round an excess to the counts' rounding, more coarsely where it is larger than the count itself."""
    step = rows["base"].to_numpy(float) * np.maximum(1.0, np.abs(rows["estimate"] / rows["o"]).to_numpy(float))
    step = step_up(np.where(np.isfinite(step), step, rows["base"].to_numpy(float)))
    return np.column_stack([np.round(rows[c].to_numpy(float) / step) * step for c in FIGURES])


def _mean(rows: pd.DataFrame) -> np.ndarray:
    """Round a mean and its limits to two digits, and so coarsely that any number of people could give it."""
    few = np.maximum(rows["m"].to_numpy(float) - rows["base"].to_numpy(float) / 2, 1.0)
    step = np.maximum(step_up(1.0 / few), unit(rows["estimate"].to_numpy(float)))
    return np.column_stack([_to(rows[c].to_numpy(float), step) for c in FIGURES])
