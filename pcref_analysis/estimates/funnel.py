"""Funnel limits: how far teams or sites may lie from a target by chance, given their size.

For comparing providers of a service with a target, one at a time. Never for ethnic groups: a funnel treats its units
as interchangeable performers of one task and invites ranking them. A point outside is a question, not a finding.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from pcref_analysis.estimates.entry import checked
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.ethnicity import BROAD_GROUPS, categories

SIZES = {"percent": "at_risk", "rate": "at_risk", "ratio": "expected"}
PER = {"percent": 100.0, "rate": 100_000.0, "ratio": 1.0}
LEVELS = (0.95, 0.998)
FEWEST = 5  # units that an over-dispersion is estimated from


@checked
def limits(
    units: pd.DataFrame,
    unit: str,
    kind: str,
    target: float | None = None,
    *,
    levels: Sequence[float] = LEVELS,
    per: float | None = None,
    overdispersion: str | None = None,
    trim: str | None = "winsorise",
    share: float = 0.1,
) -> pd.DataFrame:
    """Return each unit's figure with funnel limits about the target and z-scores.

    Parameters
    ----------
    units
        One row a unit: ``unit``, ``events`` and ``at_risk`` (for a ratio ``expected``, say from
        :func:`pcref_analysis.estimates.rates.rates.indirect`).
    unit
        Column that names the team, ward, site or Trust.
    kind
        ``percent`` (events among ``at_risk`` people: binomial), ``rate`` (Poisson) or ``ratio`` (observed to expected:
        Poisson).
    target
        In the unit of the figure; None: all units together.
    levels
        Two-sided levels of the limits; the custom is 0.95 and 0.998.
    per
        A rate is per this many ``at_risk``; None: percent 100, rate 100,000, ratio 1.
    overdispersion
        None, ``"additive"`` (units truly vary about the target with variance tau squared, by DerSimonian and Laird) or
        ``"multiplicative"`` (every variance is phi times what chance gives).
    trim, share
        How the ``share`` highest and lowest z-scores are kept from inflating the over-dispersion: ``"winsorise"``
        (drawn in to the last kept), ``"truncate"`` (left out) or None.

    Returns
    -------
    pandas.DataFrame
        ``unit``, ``events``, the size, ``estimate``, ``target``, ``lower_95, upper_95, ...`` per level, ``z`` (on the
        variance-stabilised scale), ``phi``, ``tau_squared``, ``z_adjusted``, ``signal`` (the widest limits that
        the unit lies outside of, ``"above 99.8%"``, or empty), ``note``.

    Raises
    ------
    PcrefError
        If the units are ethnic groups, a column is missing, a unit repeats, or counts are missing, negative or, for a
        percent, above ``at_risk``.

    Examples
    --------
    >>> wards = pd.DataFrame({"ward": ["Ash", "Birch", "Cedar"], "events": [10, 30, 3], "at_risk": [100, 100, 50]})
    >>> found = limits(wards, "ward", "percent", target=15).round(1)
    >>> found[["ward", "estimate", "signal", "lower_95", "upper_95"]]
        ward  estimate       signal  lower_95  upper_95
    0    Ash      10.0                    7.8      22.8
    1  Birch      30.0  above 99.8%       7.8      22.8
    2  Cedar       6.0                    4.7      26.6

    Notes
    -----
    Without over-dispersion the limits are exact, interpolated between whole numbers of events so that they are smooth
    in the size; chance passes either with at most half of one less the level (Spiegelhalter's upper limit is one event
    nearer, which chance passes a little more often than stated). With it they are normal on the variance-stabilised
    scale (square root, or arcsine of the square root) and turned back. Trimming makes z-scores of pure chance look
    smaller (a phi of 0.68 instead of 1 after winsorising 10%), so a little over-dispersion goes unseen.

    References
    ----------
    Spiegelhalter DJ. Funnel plots for comparing institutional performance. Statistics in Medicine 2005;24:1185-202.
    Spiegelhalter DJ. Handling over-dispersion of performance indicators. Qual Saf Health Care 2005;14:347-51.
    Spiegelhalter D et al. Statistical methods for healthcare regulation. JRSS A 2012;175:1-47. DerSimonian R, Laird N.
    Controlled Clinical Trials 1986;7:177-88.
    """
    _checked(units, unit, kind, overdispersion, trim)
    per = PER[kind] if per is None else per
    out = units[[unit, "events", SIZES[kind]]].reset_index(drop=True)
    events, size = out["events"].astype(float), out[SIZES[kind]].astype(float)
    some = size > 0
    aim = float(events[some].sum() / size[some].sum()) if target is None else target / per
    if not 0 < aim < (1 if kind == "percent" else np.inf):
        raise PcrefError(
            f"funnel: the target ({'given' if target is not None else f'all events over all {SIZES[kind]}'}) is "
            f"{'not known' if np.isnan(aim) else f'{aim * per:g}'}; limits need one above 0 (of a percent, below 100)."
        )
    out["estimate"], out["target"] = per * (events / size).where(some), per * aim
    spread = 0.5 / np.sqrt(size.where(some))
    distance = _stable(events / size, kind) - _stable(aim, kind)
    out["z"] = distance / spread
    phi, tau_squared = dispersion(out["z"], spread, trim, share) if overdispersion else (np.nan, np.nan)
    extra = {"additive": (1.0, tau_squared), "multiplicative": (phi, 0.0)}.get(overdispersion or "", (1.0, 0.0))
    found = curve(size.where(some), aim * per, kind, levels=levels, per=per, phi=extra[0], tau_squared=extra[1])
    out = out.join(found.drop(columns="size"))
    out["phi"], out["tau_squared"] = phi, tau_squared
    out["z_adjusted"] = distance / np.sqrt(extra[0] * spread**2 + extra[1])
    out["signal"] = signals(out, levels)
    few = f"fewer than {FEWEST} units: no over-dispersion estimated" if overdispersion and some.sum() < FEWEST else ""
    out["note"] = np.where(some, few, f"no {SIZES[kind]}: no figure")
    return out


def curve(
    size: Sequence[float] | pd.Series,
    target: float,
    kind: str,
    *,
    levels: Sequence[float] = LEVELS,
    per: float | None = None,
    phi: float = 1.0,
    tau_squared: float = 0.0,
) -> pd.DataFrame:
    """Return the limits about ``target`` for any sizes, to draw the funnel: ``size, lower_95, upper_95, ...``.

    ``phi`` and ``tau_squared`` come from :func:`limits`; 1 and 0 give the exact limits.

    Examples
    --------
    >>> curve([100, 400], 1.0, "ratio").round(3)
        size  lower_95  upper_95  lower_99_8  upper_99_8
    0  100.0     0.804     1.206       0.701       1.328
    1  400.0     0.902     1.100       0.848       1.159
    """
    per = PER[kind] if per is None else per
    number = pd.Series(np.asarray(size, dtype=float))
    out, aim = pd.DataFrame({"size": number}), target / per
    top = 1.0 if kind == "percent" else np.inf
    for level in levels:
        for side, tail in (("lower", (1 - level) / 2), ("upper", (1 + level) / 2)):
            if phi == 1 and tau_squared == 0:
                limit = _exact(tail, number.to_numpy(), aim, kind)
            else:
                reach = stats.norm.ppf(tail) * np.sqrt(phi * 0.25 / number + tau_squared)
                limit = _unstable(_stable(aim, kind) + reach, kind)
            out[f"{side}_{_name(level)}"] = per * np.clip(limit, 0, top)
    return out


def dispersion(z: pd.Series, spread: pd.Series, trim: str | None, share: float = 0.1) -> tuple[float, float]:
    """Return phi (at least 1) and tau squared (at least 0) from z-scores and their standard errors.

    phi is the mean square of the trimmed z-scores; tau squared follows DerSimonian and Laird from the same sum. Fewer
    than five units give 1 and 0.
    """
    known = z[z.notna()]
    if len(known) < FEWEST:
        return 1.0, 0.0
    kept, error = known, spread[known.index]
    if trim == "winsorise":
        kept = known.clip(known.quantile(share), known.quantile(1 - share))
    elif trim == "truncate":
        drop = int(np.floor(share * len(known)))
        kept = known.sort_values().iloc[drop : len(known) - drop]
        error = error[kept.index]
    count, total = len(kept), float((kept**2).sum())
    weight = 1 / error**2
    tau_squared = (total - (count - 1)) / float(weight.sum() - (weight**2).sum() / weight.sum())
    return max(1.0, total / count), max(0.0, tau_squared)


def _exact(tail: float, size: np.ndarray, aim: float, kind: str) -> np.ndarray:
    """Return the events that chance passes with the tail's probability, interpolated, divided by the size.

    Below: P(R <= limit) = tail. Above: P(R >= limit) = tail, one event further out than the same quantile of P(R <= r).
    """
    law = stats.binom(np.round(size), aim) if kind == "percent" else stats.poisson(size * aim)
    count = law.ppf(tail)
    here, before = law.cdf(count), law.cdf(count - 1)
    return (count - (here - tail) / (here - before) + (tail > 0.5)) / size


def _stable(value: pd.Series | float, kind: str) -> pd.Series | float:
    """Return a scale on which the standard error is one half over the square root of the size."""
    return np.arcsin(np.sqrt(value)) if kind == "percent" else np.sqrt(value)


def _unstable(value: pd.Series, kind: str) -> pd.Series:
    return np.sin(value.clip(0, np.pi / 2)) ** 2 if kind == "percent" else value.clip(0) ** 2


def _name(level: float) -> str:
    return f"{100 * level:g}".replace(".", "_")


def signals(out: pd.DataFrame, levels: Sequence[float] = LEVELS) -> pd.Series:
    """Return the widest limits that each unit's ``estimate`` lies outside of ("above 99.8%"); "" where of none."""
    signal = pd.Series("", out.index)
    for level in sorted(levels):
        text = f"{100 * level:g}%"
        signal = signal.mask(out["estimate"] > out[f"upper_{_name(level)}"], f"above {text}")
        signal = signal.mask(out["estimate"] < out[f"lower_{_name(level)}"], f"below {text}")
    return signal


def _checked(units: pd.DataFrame, unit: str, kind: str, overdispersion: str | None, trim: str | None) -> None:
    if kind not in SIZES:
        raise PcrefError(f"funnel: kind is '{kind}'; it must be one of {', '.join(SIZES)}.")
    for name, value, good in (
        ("overdispersion", overdispersion, ("additive", "multiplicative")),
        ("trim", trim, ("winsorise", "truncate")),
    ):
        if value is not None and value not in good:
            raise PcrefError(f"funnel: {name} is '{value}'; it must be one of {', '.join(good)} or None.")
    lost = [name for name in (unit, "events", SIZES[kind]) if name not in units]
    if lost:
        raise PcrefError(f"funnel: column(s) {', '.join(lost)} are missing.")
    ethnic = {*BROAD_GROUPS, *categories()["ethnic_group"]}
    if unit in ("ethnic_group", "broad_group") or units[unit].isin(ethnic).any():
        raise PcrefError(
            f"funnel: column '{unit}' holds ethnic groups. A funnel compares teams or sites with a target; it does not "
            "rank ethnic groups. Use ratios to a comparator with intervals (rates, comparison, inequality)."
        )
    events, size = units["events"], units[SIZES[kind]]
    wrong = events.isna() | (events < 0) | size.isna() | (size < 0)
    if kind == "percent":
        wrong |= events > size
    if wrong.any() or units[unit].duplicated().any():
        raise PcrefError(
            f"funnel: {int(wrong.sum())} row(s) have counts that are missing, negative or above {SIZES[kind]}, and "
            f"{int(units[unit].duplicated().sum())} row(s) repeat a unit. Give one row a unit with its counts."
        )
