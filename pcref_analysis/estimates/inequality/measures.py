"""The measures of inequality by their formulas: groups along the last axis of ``value``, weights that add to one.

Definitions: Schlotheuber A, Hosseinpoor AR. Int J Environ Res Public Health 2022;19:3697; Harper S, Lynch J. Methods
for measuring cancer disparities. National Cancer Institute 2005.
"""

from __future__ import annotations

import numpy as np

SAME, SQUARED = "unit of the estimates", "unit of the estimates, squared"
PERCENT, PLAIN = "% of the mean", "no unit"
UNITS = {
    "difference": SAME,
    "ratio": PLAIN,
    "between_group_variance": SQUARED,
    "between_group_sd": SAME,
    "coefficient_of_variation": PERCENT,
    "index_of_disparity": PERCENT,
    "index_of_disparity_weighted": PERCENT,
    "mean_difference_from_mean": SAME,
    "mean_difference_from_mean_weighted": SAME,
    "mean_difference_from_best": SAME,
    "mean_difference_from_best_weighted": SAME,
    "mean_difference_from_reference": SAME,
    "mean_difference_from_reference_weighted": SAME,
    "theil_index": PLAIN,
    "mean_log_deviation": PLAIN,
    "attributable_risk_best": SAME,
    "attributable_fraction_best": PERCENT,
    "attributable_risk_reference": SAME,
    "attributable_fraction_reference": PERCENT,
}
RELATIVE = [name for name, unit in UNITS.items() if unit in (PERCENT, PLAIN)]


def spread(value: np.ndarray, weight: np.ndarray, reference: int | None) -> dict[str, np.ndarray]:
    """Return the measures of distance of all groups from a centre; groups along the last axis of ``value``."""
    even = np.full(len(weight), 1 / len(weight))
    return {
        **squared(value, weight),
        **absolute(value, weight, even, reference),
        **absolute(value, weight, weight, reference, "_weighted"),
    }


def squared(value: np.ndarray, weight: np.ndarray) -> dict[str, np.ndarray]:
    """Return the measures of squared distance and of entropy; ``weight`` adds to one."""
    mean = value @ weight
    variance = (value - mean[..., None]) ** 2 @ weight
    share = value / mean[..., None]
    logs = np.log(share)
    return {
        "between_group_variance": variance,
        "between_group_sd": np.sqrt(variance),
        "coefficient_of_variation": 100 * np.sqrt(variance) / mean,
        "theil_index": np.where(share == 0, 0.0, share * logs) @ weight,
        "mean_log_deviation": -logs @ weight,
    }


def absolute(
    value: np.ndarray, weight: np.ndarray, each: np.ndarray, reference: int | None, ending: str = ""
) -> dict[str, np.ndarray]:
    """Return the measures of absolute distance from the mean and a reference group, with ``each`` as their weights."""
    mean = value @ weight
    gap = np.abs(value - mean[..., None]) @ each
    out = {f"index_of_disparity{ending}": 100 * gap / mean, f"mean_difference_from_mean{ending}": gap}
    if reference is not None:
        out[f"mean_difference_from_reference{ending}"] = np.abs(value - value[..., reference, None]) @ each
    return out


def picked(value: np.ndarray, weight: np.ndarray, best: str | None) -> dict[str, np.ndarray]:
    """Return the measures that pick a group: the highest, the lowest, the best."""
    high, low, mean = value.max(axis=-1), value.min(axis=-1), value @ weight
    out = {"difference": high - low, "ratio": high / low}
    if best is not None:
        top = low if best == "lowest" else high
        risk = np.abs(mean - top)
        out["mean_difference_from_best"] = np.abs(value.mean(axis=-1) - top)
        out["mean_difference_from_best_weighted"] = out["attributable_risk_best"] = risk
        out["attributable_fraction_best"] = 100 * risk / mean
    return out


def against(value: np.ndarray, weight: np.ndarray, reference: int | None) -> dict[str, float]:
    """Return the attributable risk and fraction with a fixed reference group; either sign is possible."""
    if reference is None:
        return {}
    mean = value @ weight
    return {
        "attributable_risk_reference": mean - value[reference],
        "attributable_fraction_reference": 100 * (1 - value[reference] / mean),
    }
