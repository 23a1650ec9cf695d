"""The written rule for the draft priorities list: criteria, scales, weights, limits, owner and date.

The rule is set before results are seen. It is part of the parameters file, and the report prints it
(:func:`pcref_analysis.priorities.draft_list.rule_text`), so that anyone can question and change it.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class Criterion(NamedTuple):
    """What one criterion asks, how it becomes a number from 0 to 1, and the weight we start from."""

    weight: float
    question: str
    definition: str
    scale: str


CRITERIA: dict[str, Criterion] = {
    "relative_gap": Criterion(
        0.15,
        "How many times worse is it?",
        "Ratio to the comparator in the direction of harm, after shrinkage.",
        "logarithm of the ratio: 1 scores 0, {relative_full:g} or more scores 1",
    ),
    "absolute_gap": Criterion(
        0.10,
        "How much more harm, or less care, for each person at risk?",
        "Difference from the comparator's level in the direction of harm, after shrinkage.",
        "straight line: no difference scores 0, {absolute_full} or more scores 1",
    ),
    "people_affected": Criterion(
        0.15,
        "How many events a year would not be there at the comparator's level?",
        "Excess events (or missing care) in the period, after shrinkage.",
        "logarithm: none scores 0, {people_full:g} or more scores 1",
    ),
    "certainty": Criterion(
        0.15,
        "How sure are we that the gap is large enough to matter?",
        "Probability that the ratio in the direction of harm exceeds the margin of {margin:g}, after shrinkage; of "
        "percentages the ratio that {margin_points:g} points make, where that is smaller.",
        "the probability itself",
    ),
    "persistence": Criterion(
        0.10,
        "Has it been there before?",
        "Average over earlier periods of the probability that the ratio exceeded the margin then.",
        "the average itself; not known where there is no earlier period",
    ),
    "severity": Criterion(
        0.15,
        "How grave is the harm?",
        "Severity of the indicator in the catalogue: 1 service contact to 4 force or loss of liberty.",
        "1 scores 0, 2 a third, 3 two thirds, 4 scores 1",
    ),
    "unmet_need": Criterion(
        0.05,
        "Does it mean that people in need go without care?",
        "For access: the finding is itself care not reached in time. For other domains: how probable it is that the "
        "same group also reaches less care, averaged over its access indicators.",
        "access scores 1; other domains the average probability; not known where access cannot be estimated",
    ),
    "robustness": Criterion(
        0.05,
        "Would it still be there if we knew everyone's ethnic group?",
        "Share of the worst-case range of the ratio (unknown ethnic group placed anywhere) beyond the margin.",
        "the share itself, on the logarithm of the ratio; not known where there are no bounds",
    ),
    "community": Criterion(
        0.10,
        "How much does it matter to the communities concerned?",
        "Weight from 0 to 1 that the advisory group gave this story (or this story for this group).",
        "the weight itself; not known where the group gave none",
    ),
}

Adjustment = Literal["age_sex_imd", "age_sex", "age", "crude"]
ADJUSTMENTS: tuple[Adjustment, ...] = get_args(Adjustment)


class Section(BaseModel):
    """A part of a file that people write: a key that is not known is refused, and what was read stays as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PriorityRule(Section):
    """The written rule for the draft list: weights are set before results are seen."""

    owner: str  # who answers for the rule
    agreed: str  # when it was agreed
    margin: float = Field(default=1.1, gt=1)  # a ratio smaller than this does not matter in practice
    margin_points: float = Field(default=5.0, gt=0)  # nor a difference of percentages of less than so many points
    margins: dict[str, float] = Field(default_factory=dict)  # indicator -> its own margin
    weights: dict[str, float] = Field(default_factory=dict, validate_default=True)  # empty: the weights of CRITERIA
    community: dict[str, float] = Field(default_factory=dict)  # "story" or "story: ethnic group" -> 0 to 1
    adjustments: list[Adjustment] = Field(default_factory=lambda: list(ADJUSTMENTS))  # the first that is there counts
    relative_full: float = Field(default=3.0, gt=1)
    absolute_full: dict[Literal["residents", "bed_days", "percent", "mean"], float] = Field(
        default_factory=dict, validate_default=True
    )
    people_full: float = Field(default=1_000, gt=1)
    unknown: float = Field(default=0.5, ge=0, le=1)  # what a criterion that is not known counts as
    sure: float = Field(default=0.8, gt=0.5, lt=1)  # a priority: at least this probable to exceed the margin ...
    false_discovery: float = Field(default=0.05, gt=0, lt=1)  # ... and below this false discovery rate
    minimum_events: float = Field(default=10, ge=0)  # ... and at least so many events, observed or expected
    possible: float = Field(default=0.67, gt=0, lt=1)  # to watch: at least this probable (twice as likely as not)
    group_by: Literal["broad", "ethnic_group"] = "broad"  # one item per story and broad (or each) ethnic group
    first: int = Field(default=5, ge=1)  # "among the first": how many the meeting can take on
    same_band: float = Field(default=0.1, gt=0, lt=0.5)  # chance of standing above the head of the band
    weight_limits: tuple[float, float] = (0.5, 2.0)  # each weight may be this many times as large
    draws: int = Field(default=10_000, ge=100)
    seed: int = 20260101

    @field_validator("weights")
    @classmethod
    def _weights_name_every_criterion(cls, value: dict[str, float]) -> dict[str, float]:
        if not value:
            return {name: criterion.weight for name, criterion in CRITERIA.items()}
        if odd := [name for name in value if name not in CRITERIA]:
            raise ValueError(f"unknown criterion {odd}; criteria are {list(CRITERIA)}")
        if absent := [name for name in CRITERIA if name not in value]:
            raise ValueError(f"criteria without a weight: {absent}; give 0 to leave one out")
        if min(value.values()) < 0 or sum(value.values()) <= 0:
            raise ValueError("weights must not be negative and not all zero")
        return {name: float(value[name]) for name in CRITERIA}

    @field_validator("absolute_full")
    @classmethod
    def _every_scale_is_there(cls, value: dict[str, float]) -> dict[str, float]:
        full = {"residents": 500.0, "bed_days": 20.0, "percent": 20.0, "mean": 30.0} | value
        if min(full.values()) <= 0:
            raise ValueError("must be above zero")
        return full

    @field_validator("margins")
    @classmethod
    def _margins_exceed_one(cls, value: dict[str, float]) -> dict[str, float]:
        if any(margin <= 1 for margin in value.values()):
            raise ValueError("each margin must be above 1")
        return value

    @field_validator("community")
    @classmethod
    def _community_between_0_and_1(cls, value: dict[str, float]) -> dict[str, float]:
        if any(not 0 <= weight <= 1 for weight in value.values()):
            raise ValueError("each weight must lie between 0 and 1")
        return value

    @model_validator(mode="after")
    def _limits_hold_one(self) -> PriorityRule:
        low, high = self.weight_limits
        if not 0 <= low <= 1 <= high:
            raise ValueError("weight_limits must be two numbers around 1, such as [0.5, 2]")
        if self.possible > self.sure:
            raise ValueError("possible must not exceed sure")
        return self

    def settings(self, mode: Literal["python", "json"] = "python") -> dict[str, Any]:
        """Return every setting by its name; one of several parts by part (``weights.severity``)."""
        found: dict[str, Any] = {}
        for name, value in self.model_dump(mode=mode).items():
            found |= {f"{name}.{key}": one for key, one in value.items()} if isinstance(value, dict) else {name: value}
        return found

    def shares(self) -> dict[str, float]:
        """Return the weights as shares that sum to 1."""
        total = sum(self.weights.values())
        return {name: weight / total for name, weight in self.weights.items()}
