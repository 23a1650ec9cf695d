"""What two editions, or a broad and a detailed one, tell together; and what readers of files can do with them."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.disclosure import disclosure_rule, release_tables
from pcref_analysis.estimates import intervals
from pcref_analysis.vocabulary import ethnicity


def people(seed: int, size: int = 700) -> pd.DataFrame:
    """Return invented people with a detailed ethnic group, sex and team."""
    rng = np.random.default_rng(seed)
    groups = ethnicity.categories()["ethnic_group"].to_numpy()[:9]
    share = rng.dirichlet(np.full(len(groups), 0.5))
    return pd.DataFrame(
        {
            "ethnic_group": rng.choice(groups, size, p=share),
            "sex": rng.choice(["Female", "Male"], size),
            "team": rng.choice(["a", "b", "c"], size, p=[0.6, 0.35, 0.05]),
        }
    )


def counted(rows: pd.DataFrame, broad: bool = False) -> pd.DataFrame:
    """Return counts with all margins."""
    if broad:
        rows = rows.assign(ethnic_group=ethnicity.to_broad(rows["ethnic_group"]))
    dims = ["ethnic_group", "sex", "team"]
    parts = [rows.assign(**dict.fromkeys(drop, "All")) for drop in ([], ["sex"], ["team"], ["sex", "team"], dims)]
    every = pd.concat(parts)
    return every.groupby(dims).size().rename("events").reset_index().assign(indicator="things")


@cache
def edition(seed: int, broad: bool = False) -> list:
    """Return what is released of these people where nothing was before; no test changes it."""
    return release_tables.release_all({"counts": counted(people(seed), broad=broad)}, "mhsds")


def shown_alike(first, second) -> pd.DataFrame:
    key = ["ethnic_group", "sex", "team"]
    both = first.table.merge(second.table, on=key, suffixes=("", "_then"))
    return both[both["events"].fillna(-1) != both["events_then"].fillna(-1)]


@pytest.mark.parametrize("seed", range(6))
def test_editions_that_differ_by_one_person_reveal_nothing(seed):
    rows = people(seed)
    (last,) = edition(seed)
    fewer = rows.drop(rows.index[seed])
    (now,) = release_tables.release_all({"counts": counted(fewer)}, "mhsds", previous=[last])
    assert shown_alike(now, last).empty
    assert release_tables.attack([now], previous=[last]).empty


@pytest.mark.parametrize("seed", range(3))
def test_a_stricter_rule_repeats_what_the_last_edition_showed_below_it(seed):
    """Readers hold a 5 already; hidden by a rule that hides below 10 it would be a number that everybody knows."""
    rows = people(seed)
    (last,) = edition(seed)
    stricter = disclosure_rule.read("mhsds").model_copy(update={"threshold": 10, "rounding": 10})
    tables = {"counts": counted(rows.drop(rows.index[seed]))}
    (now,) = release_tables.release_all(tables, stricter, previous=[last])
    small = now.table[now.table["events"].between(1, 9)]
    assert len(small) and (small["events_status"] == "repeated").all()
    assert release_tables.attack([now], previous=[last]).empty


def test_editions_made_apart_show_the_person_and_the_attack_sees_it(bench):
    moved = 0
    for seed in range(6):
        rows = people(seed)
        (last,) = release_tables.release_all({"counts": counted(rows)}, "mhsds", complementary=False)
        (now,) = release_tables.release_all({"counts": counted(rows.iloc[1:])}, "mhsds", complementary=False)
        moved += len(shown_alike(now, last))
    assert moved
    parts = pd.DataFrame({"team": ["a", "b"], "events": [3, 20]})
    whole = pd.DataFrame({"team": ["a", "All"], "events": [3, 24]})
    (last,) = release_tables.release_all({"counts": parts}, bench.RULES["exact"])
    now = release_tables.release_all({"counts": whole}, bench.RULES["exact"])
    assert release_tables.attack(now).empty
    assert release_tables.attack(now, previous=[last])["cell"].tolist()[0] == "team a"


def bed_days(rows: pd.DataFrame) -> pd.DataFrame:
    """Return bed days and stays by ethnic group, with the ratio of a model to the first group."""
    each = rows.assign(days_sq=rows["days"] ** 2).groupby("ethnic_group")
    table = each.agg(events=("days", "sum"), events_sq=("days_sq", "sum"), at_risk=("days", "size")).reset_index()
    ratio = (table["events"] / table["at_risk"] / (table["events"][0] / table["at_risk"][0])) * 1.08
    table = table.assign(
        indicator="bed_days", comparator=table["ethnic_group"][0], adjustment="age_sex", measure="ratio"
    )
    return table.assign(estimate=ratio, lower=ratio * 0.7, upper=ratio * 1.4, note="")


@pytest.mark.parametrize("seed", range(12))
def test_nothing_moves_when_the_person_with_the_longest_stay_leaves(seed, tmp_path):
    """The bed days of one group once fell by a stay's 86 days, and the ratio by as much, while counts were repeated."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({"ethnic_group": rng.choice(["Black", "Mixed", "White"], 90, p=[0.2, 0.2, 0.6])})
    rows["days"] = np.ceil(rng.lognormal(2.5, 1.2, len(rows)))
    last = release_tables.release_all({"levels": bed_days(rows)}, "mhsds")
    release_tables.write(last, tmp_path)
    fewer = rows.drop(rows["days"].idxmax())
    (now,) = release_tables.release_all({"levels": bed_days(fewer)}, "mhsds", previous=tmp_path)
    assert release_tables.says_the_same([now], tmp_path)
    assert now.table["note"].tolist() == last[0].table["note"].tolist()
    assert release_tables.attack([now], previous=tmp_path).empty


@pytest.mark.parametrize("seed", range(4))
def test_a_broad_and_a_detailed_table_reveal_nothing(seed):
    rows = people(seed)
    tables = {"broad": counted(rows, broad=True), "detailed": counted(rows)}
    assert release_tables.attack(release_tables.release_all(tables, "mhsds")).empty


@pytest.mark.parametrize("detailed_first", [False, True])
def test_a_detailed_edition_and_a_broad_one_reveal_nothing(detailed_first):
    apart = 0
    for seed in range(6):
        last, second = edition(seed, broad=not detailed_first), counted(people(seed), broad=detailed_first)
        now = release_tables.release_all({"counts": second}, "mhsds", previous=last)
        assert release_tables.attack(now, previous=last).empty
        apart += len(release_tables.attack(edition(seed, broad=detailed_first), previous=last)) > 0
    assert apart or detailed_first  # made without a look at the broad one, detailed ones give counts away


def test_the_same_edition_twice_is_the_same_and_reveals_nothing(tmp_path):
    (last,) = edition(1)
    release_tables.write([last], tmp_path)
    again = release_tables.release_all({"counts": counted(people(1))}, "mhsds")
    assert release_tables.says_the_same(again, tmp_path)
    assert release_tables.attack(again, previous=tmp_path).empty
    fewer = release_tables.release_all({"counts": counted(people(1).iloc[40:])}, "mhsds")
    assert not release_tables.says_the_same(fewer, tmp_path)


@pytest.mark.parametrize("seed", range(4))
def test_an_edition_of_quite_other_people_is_not_held_up(seed):
    (last,) = edition(seed)
    now = release_tables.release_all({"counts": counted(people(seed + 50, 1500))}, "mhsds", previous=[last])
    assert release_tables.attack(now, previous=[last]).empty


def test_files_say_as_much_as_tables(tmp_path, bench):
    suppressed_only = release_tables.release_all(bench.random_tables(70), "mhsds", complementary=False)
    release_tables.write(suppressed_only, tmp_path)
    found = release_tables.attack_files(tmp_path)
    assert len(found) > 3
    pd.testing.assert_frame_equal(found, release_tables.attack(suppressed_only))
    assert list(found) == ["table", "cell", "column", "how"]  # names, no numbers


def over_years(indicator: str, hidden: int = 1):
    """Return a count of all years, and the same by year, one of them small."""
    years = pd.DataFrame({"period": ["2021-22", "2022-23", "2023-24"], "events": [10, hidden, 15]})
    years = years.assign(indicator=indicator, ethnic_group="Mixed")
    whole = years.groupby(["indicator", "ethnic_group"], as_index=False)["events"].sum()
    return {"whole": whole, "years": years}


def test_years_add_up_to_a_table_that_has_no_period(bench):
    """Without rounding, 26 detentions in all years and 10 and 15 in two of them say that one was hidden."""
    shown = release_tables.release_all(over_years("detentions"), bench.RULES["exact"], public=[], complementary=False)
    assert release_tables.attack(shown)["cell"].str.contains("2022-23").all() and len(release_tables.attack(shown))
    assert release_tables.attack(
        release_tables.release_all(over_years("detentions"), bench.RULES["exact"], public=[])
    ).empty


def test_people_do_not_add_up_over_years(bench):
    shown = release_tables.release_all(
        over_years("people_detained_caseload"), bench.RULES["exact"], complementary=False
    )
    assert release_tables.attack(shown).empty


def shares(events, at_risk):
    """Return crude percentages and ratios, those after adjustment as a model gives them (none of no events)."""
    counts = pd.DataFrame({"ethnic_group": ["Mixed", "White"], "events": [events, 120], "at_risk": [at_risk, 900]})
    counts = counts.assign(indicator="long_stay_60_days", period="2023-24", adjustment="crude", measure="percent")
    low, high = intervals.wilson(counts["events"].to_numpy(float), counts["at_risk"].to_numpy(float), 0.95)
    levels = counts.assign(estimate=100 * counts["events"] / counts["at_risk"], lower=100 * low, upper=100 * high)
    ratio, spread = levels["estimate"][0] / levels["estimate"][1], np.exp(2 / np.sqrt(max(events, 1)))
    gaps = [
        counts[:1].assign(measure="ratio", comparator="White", adjustment=adjustment, estimate=estimate, lower=lower,
                          upper=max(ratio, 0.03) * spread)
        for adjustment, estimate, lower in (
            ("crude", ratio, ratio / spread), ("age_sex", ratio or np.nan, ratio / spread or np.nan))
    ]  # fmt: skip
    return pd.concat([levels, *gaps], ignore_index=True).assign(level=0.95)


def test_figures_do_not_tell_a_repeated_none_from_the_few_who_were_added_later():
    """Once the limits of none were 0 to 0 where a few had come, and the adjusted ratio had that of one or two."""
    (last,) = release_tables.release_all({"t": shares(0, 200)}, "mhsds", public=False)
    now = [
        release_tables.release_all({"t": shares(events, 240)}, "mhsds", public=False, previous=[last])[0].table
        for events in (0, 1, 2, 3, 4)
    ]
    mixed = [table[table["ethnic_group"].eq("Mixed")].reset_index(drop=True) for table in now]
    assert mixed[0]["events"].eq(0).all() and mixed[0]["events_status"].eq("repeated").all()
    for other in mixed[1:]:
        pd.testing.assert_frame_equal(mixed[0], other)
