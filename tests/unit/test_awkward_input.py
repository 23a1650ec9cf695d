"""Every public function of the estimates with every awkward input: the number of clean input, or one clear error."""

import importlib
import inspect
import pkgutil
from decimal import Decimal
from functools import cache

import numpy as np
import pandas as pd
import pytest

from pcref_analysis import estimates
from pcref_analysis.estimates import entry
from pcref_analysis.vocabulary.errors import PcrefError

# What takes frames that the functions below have checked already, or that a run has made itself.
INSIDE = {
    "aggregate",
    "design",
    "entry",
    "glm",
    "model_data",
    "results",
    "strata",
}


@cache
def public():
    found = []
    rooms = pkgutil.walk_packages(estimates.__path__, "pcref_analysis.estimates.")
    for path in [*(one.name for one in rooms if not one.ispkg), "pcref_analysis.analysis.lengths_of_stay"]:
        module, short = importlib.import_module(path), path.rpartition(".")[2]
        for name, function in inspect.getmembers(module, inspect.isfunction):
            takes = set(inspect.signature(function).parameters) & set(entry.FRAMES)
            if short not in INSIDE and function.__module__ == path and takes and name[0] != "_":
                found.append(pytest.param(function, id=f"{short}.{name}"))
    return tuple(found)


GROUPS = ["White British", "Indian", "African", "White British", "Indian", "African"]
CELLS = pd.DataFrame(
    {
        "indicator": "detentions",
        "period": "2023-24",
        "ethnic_group": GROUPS,
        "sex": ["Female"] * 3 + ["Male"] * 3,
        "age_band": "25-34",
        "events": [60.0, 32, 40, 70, 28, 36],
        "at_risk": [1000.0, 400, 300, 1100, 380, 320],
    }
)
CELLS = CELLS.assign(
    events_sq=CELLS["events"] * 1.5,
    events_at_risk=CELLS["events"],
    at_risk_sq=CELLS["at_risk"],
    total=CELLS["at_risk"] * 5,
    total_sq=CELLS["at_risk"] * 60,
    total_at_risk=CELLS["at_risk"] * 5,
)
RATES = pd.DataFrame(
    {"imd_quintile": [1, 2, 3, 4, 5], "ethnic_group": list("abcde"), "estimate": [90.0, 80, 70, 60, 50]}
).assign(
    lower=lambda f: f["estimate"] - 9, upper=lambda f: f["estimate"] + 9, level=0.95, at_risk=1000.0, measure="rate"
)
DAYS = pd.DataFrame({"ethnic_group": "Indian", "upper_day": [2, 5, 9, 14, 30], "count": [2.0, 2, 2, 2, 1]})
ROUNDED = pd.DataFrame(
    {
        "indicator": "x",
        "period": "2023-24",
        "area": "Trust",
        "area_kind": "Trust",
        "ethnic_group": ["White", "Asian"],
        "events": [40.0, 20],
        "events_low": [38, 18],
        "events_high": [42, 22],
        "at_risk": [900.0, 300],
        "at_risk_low": [900, 300],
        "at_risk_high": [900, 300],
        "measure": "rate",
        "per": 1000,
        "note": "",
        "published_rate": np.nan,
    }
)
RESIDENTS = pd.DataFrame({"ethnic_group": ["White", "Asian"], "age_band": "0-15", "residents": [900.0, 300]})
REFERENCE = pd.DataFrame({"age_band": ["0-15"], "events": [50.0], "at_risk": [1000.0]})
SEXES = pd.DataFrame({"sex": ["Female", "Male"], "events": [100.0, 90], "at_risk": [1000.0, 1000]})
MEANS = CELLS[["ethnic_group", "at_risk", "total", "total_sq", "total_at_risk", "at_risk_sq"]]
CALLS = {  # the frame that is made awkward, its numbers, and what else is given
    "rates.crude": (CELLS, {"by": ["ethnic_group"]}),
    "rates.proportion": (CELLS, {"by": ["ethnic_group"]}),
    "rates.mean": (CELLS, {"by": ["ethnic_group"]}),
    "rates.direct": (CELLS, {"by": ["ethnic_group"], "standard": SEXES.assign(weight=1.0), "over": ["sex"]}),
    "rates.indirect": (CELLS, {"by": ["ethnic_group"], "reference": SEXES, "over": ["sex"]}),
    "adjusted_ratios.adjusted": (CELLS, {"adjust": ["sex"], "outcome": "events"}),
    "adjusted_ratios.fit": (CELLS, {"adjust": ["sex"], "outcome": "events"}),
    "adjusted_ratios.ladder": (CELLS, {"steps": {"crude": [], "sex": ["sex"]}, "outcome": "events"}),
    "interactions.interaction": (CELLS, {"adjust": [], "outcome": "events"}),
    "model_diagnostics.diagnostics": (CELLS, {"adjust": ["sex"], "outcome": "events"}),
    "lengths_of_stay.quantile": (DAYS, {"by": ["ethnic_group"]}),
    "funnel.limits": (CELLS.assign(team=list("abcdef")), {"unit": "team", "kind": "rate"}),
    "interval_counts.table": (ROUNDED, {}),
    "interval_counts.crude": (ROUNDED, {}),
    "interval_counts.compare": (ROUNDED.assign(estimate=ROUNDED["events"] / ROUNDED["at_risk"] * 1000), {}),
    "interval_counts.pooled": (pd.concat([ROUNDED.assign(period="2022-23"), ROUNDED], ignore_index=True), {}),
    "interval_counts.indirect": (ROUNDED, {"residents": RESIDENTS, "reference": REFERENCE}),
}


def put(column, value):
    return lambda f, c: f.assign(**{c: [value, *f[c].astype(object).iloc[1:]]})


SAME = {
    "Decimal": lambda f, c: f.assign(**{c: [Decimal(str(v)) for v in f[c]]}),
    "object": lambda f, c: f.assign(**{c: f[c].astype(object)}),
    "Float64": lambda f, c: f.assign(**{c: f[c].astype("Float64")}),
    "Int64": lambda f, c: f.assign(**{c: f[c].astype("Int64")}),
    "pyarrow": lambda f, c: f.assign(**{c: f[c].astype("double[pyarrow]")}),
    "another index": lambda f, c: f.set_axis([7] * len(f)),
    "categories": lambda f, c: f.assign(ethnic_group=f["ethnic_group"].astype("category")),
}
REFUSED = {
    "[c]": put("c", "[c]"),
    "true": put("c", True),
    "text numbers": lambda f, c: f.assign(**{c: f[c].astype(str)}),
    "infinite": lambda f, c: f.assign(**{c: np.inf}),
    "twice": lambda f, c: pd.concat([f, f[[c]]], axis=1),
    "levels of columns": lambda f, c: f.set_axis(pd.MultiIndex.from_product([["a"], f.columns]), axis=1),
}
SUMS = {
    "events_sq below events": {"events_sq": 1.0},
    "events_at_risk too large": {"events_at_risk": 1e6},
    "total_at_risk too large": {"total_at_risk": 1e9},
}


def name_of(function):
    return f"{function.__module__.rpartition('.')[2]}.{function.__name__}"


def call(function, frame):
    _, options = CALLS[name_of(function)]
    with np.errstate(all="ignore"):
        found = function(frame, **options)
    if isinstance(found, dict):  # the models of regression.fit
        found = pd.concat([pd.DataFrame(), *(model.coefficients for model in found.values())])
    return found


def column_of(function):
    frame, _ = CALLS[name_of(function)]
    return next(c for c in ("events", "estimate", "count") if c in frame)


def numbers(found):
    frame = pd.DataFrame(found)
    return frame.select_dtypes("number").reset_index(drop=True).astype(float)


@pytest.mark.parametrize("function", public())
def test_every_public_function_is_tried_and_checked(function):
    assert name_of(function) in CALLS
    assert hasattr(function, "__wrapped__"), "give it @checked of estimates.entry"


@pytest.mark.parametrize("function", public())
def test_the_same_numbers_in_other_clothes_give_the_same_answer(function):
    frame, column = CALLS[name_of(function)][0], column_of(function)
    clean = numbers(call(function, frame))
    for name, awkward in SAME.items():
        given = awkward(frame, column)
        before = given.copy(deep=True)
        pd.testing.assert_frame_equal(numbers(call(function, given)), clean, check_dtype=False, obj=name)
        pd.testing.assert_frame_equal(given, before)


@pytest.mark.parametrize("function", public())
def test_what_is_no_number_is_refused_by_name(function):
    frame, column = CALLS[name_of(function)][0], column_of(function)
    for name, awkward in REFUSED.items():
        if name == "infinite" and column == "estimate":
            continue
        with pytest.raises(PcrefError) as refused:
            call(function, awkward(frame, column))
        assert column in str(refused.value) or name == "levels of columns"


@pytest.mark.parametrize("function", public())
def test_sums_over_people_that_no_people_can_add_up_to_are_refused(function):
    frame = CALLS[name_of(function)][0]
    for name, wrong in SUMS.items():
        if set(wrong) <= set(frame):
            with pytest.raises(PcrefError, match="no people can add up to"):
                call(function, frame.assign(**wrong))
            assert name


def test_a_cell_may_have_fewer_residents_than_people_met():
    """Residents come from the census and are fractional after raking; the Trust may have met more people than that."""
    cells = pd.DataFrame(
        {"events": [6.0], "at_risk": [0.4], "events_sq": 8.0, "events_at_risk": 6.0, "at_risk_sq": 0.4}
    )
    pd.testing.assert_frame_equal(entry.plain(cells), cells)


def first(column, value):
    return lambda f, c: f.assign(**{column or c: [value, *f[column or c].iloc[1:]]})


ANSWERED = {  # with a number, a refusal of the group with a note, or one error that names what is wrong
    "negative": first(None, -3.0),
    "one missing": first(None, np.nan),
    "all missing": lambda f, c: f.assign(**{c: np.nan}),
    "nothing": lambda f, c: f.assign(**{c: 0.0}),
    "huge": first(None, 1e300),
    "tiny": first(None, 1e-300),
    "complex": lambda f, c: f.assign(**{c: f[c].astype(complex)}),
    "empty": lambda f, c: f.iloc[:0],
    "no columns": lambda f, c: pd.DataFrame(),
    "one row": lambda f, c: f.iloc[:1],
    "None": lambda f, c: None,
    "a list": lambda f, c: [1, 2],
    "a column": lambda f, c: f[c],
    "text index": lambda f, c: f.set_axis(list("zyxwvu")[: len(f)]),
    "two indexes": lambda f, c: f.set_axis(pd.MultiIndex.from_product([["a"], range(len(f))])),
    "string groups": lambda f, c: f.assign(ethnic_group=f["ethnic_group"].astype("string")),
    "one group": lambda f, c: f.assign(ethnic_group="Indian"),
    "missing group": first("ethnic_group", None),
    "numbered groups": lambda f, c: f.assign(ethnic_group=range(len(f))),
    "group as index": lambda f, c: f.set_index("ethnic_group"),
    "unused category": lambda f, c: f.assign(
        ethnic_group=pd.Categorical(f["ethnic_group"], [*dict.fromkeys(f["ethnic_group"]), "Nobody"])
    ),
}
ELSEWHERE = {  # what stands in another column than the one that is counted
    "at_risk": (0.0, -5.0, np.nan, 1e300, 1.0),  # 1: more events than at risk
    "level": (0.0, 1.0, np.nan),
    "lower": (np.inf, 1e300, np.nan),
    "upper": (np.inf, 1e300, np.nan),
    "events_sq": (1e300, np.nan),
    "total": (0.0, -5.0, np.nan, 1e300),
    "total_sq": (1e300, np.nan),
    "events_low": (np.inf, -1.0, np.nan),
    "at_risk_low": (0.0, -5.0, np.inf, np.nan),
    "period": (None,),
    "indicator": (None,),
}


def awkward(frame):
    yield from ANSWERED.items()
    for column in frame:
        yield f"without {column}", lambda f, c, column=column: f.drop(columns=column)
        for value in ELSEWHERE.get(column, ()):
            yield f"{column} {value} once", first(column, value)
            yield f"{column} {value}", lambda f, c, column=column, value=value: f.assign(**{column: value})


@pytest.mark.parametrize("function", public())
def test_no_input_ends_in_another_exception_or_in_silence(function):
    frame, column = CALLS[name_of(function)][0], column_of(function)
    for name, change in awkward(frame):
        given = change(frame, column)
        before = given.copy(deep=True) if isinstance(given, pd.DataFrame) else None
        try:
            found = call(function, given)
        except PcrefError as error:
            assert "nan" not in str(error).lower().split(), name
        else:
            answered(found, name)
        if before is not None:
            pd.testing.assert_frame_equal(given, before, obj=name)


def answered(found, name):
    """Every figure is finite or missing, what is missing has a note, and no estimate lies outside its limits."""
    if not isinstance(found, pd.DataFrame) or not {"estimate", "lower", "upper", "note"} <= set(found):
        return
    figures = found[["estimate", "lower", "upper"]].astype(float)
    assert not np.isinf(figures).any(axis=None), name
    assert not (figures.isna().any(axis=1) & found["note"].fillna("").eq("")).any(), name
    slack = 1e-6 * figures["estimate"].abs()
    assert not (figures["lower"] > figures["estimate"] + slack).any(), name
    assert not (figures["upper"] < figures["estimate"] - slack).any(), name


LEVELS = (0.8, 0.95, 0.99)


@pytest.mark.parametrize("function", [p for p in public() if "level" in inspect.signature(p.values[0]).parameters])
def test_limits_widen_with_the_level_that_is_asked_for(function):
    frame, options = CALLS[name_of(function)]
    given = [function(frame, **options, level=level) for level in LEVELS]
    pairs = [(a, b) for a, b in (("lower", "upper"), ("ratio_lower", "ratio_upper")) if a in given[0]]
    assert pairs or name_of(function).startswith("adjusted_ratios.fit")
    for low, high in pairs:
        widths = [(found[high] - found[low]).astype(float).to_numpy() for found in given]
        known = [np.isfinite(width) for width in widths]
        some = np.logical_and.reduce(known) & (widths[1] > 0)
        assert some.any()
        assert (widths[0][some] < widths[1][some]).all() and (widths[1][some] < widths[2][some]).all()
    for found, level in zip(given, LEVELS, strict=True):
        assert "level" not in found or (found["level"] == level).all()


@pytest.mark.parametrize("function", public())
def test_small_cells_end_in_finite_figures_or_notes(function):
    """No event, one event, a group without anybody, one deprivation quintile: whatever falls together."""
    frame, column = CALLS[name_of(function)][0], column_of(function)
    if column != "events" or "events_low" in frame:
        pytest.skip("takes estimates, bins or published counts")
    random = np.random.default_rng(12)
    tried = 0
    for _ in range(12):
        events = random.choice([0.0, 0, 1, 2, 12], len(frame))
        at_risk = np.where(random.random(len(frame)) < 0.2, 0.0, random.choice([1.0, 3, 30, 400], len(frame)))
        events = np.minimum(events, at_risk)
        small = frame.assign(events=events, at_risk=at_risk, imd_quintile=1, events_sq=events * 1.0)
        small = small.assign(events_at_risk=events, at_risk_sq=at_risk, total=events * 3, total_sq=events * 9)
        small = small.assign(total_at_risk=events * 3)
        try:
            answered(call(function, small), small[["events", "at_risk"]].to_dict())
            tried += 1
        except PcrefError as refused:
            assert "target" in str(refused)  # a funnel of teams without events has no target
    assert tried
