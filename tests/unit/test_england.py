"""England's figures next to a Trust's own records: true to their sources, of the same measures, of their year."""

import importlib.util
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.disclosure import release_tables
from pcref_analysis.display import html_table, output, tables
from pcref_analysis.priorities import gap_over_time
from pcref_analysis.published import england
from pcref_analysis.vocabulary import ethnicity, indicators, parameters
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.significant_digits import same_everywhere

RUN = parameters.load("demo")
SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "england.py"
ACT = [("detentions_as_published", "All detentions", "All"), ("cto_starts", "Uses of CTOs", "All"),
       ("section_136", "Short term orders", "Section 136")]  # fmt: skip
LABELS = {
    "White": "White", "Mixed": "Mixed", "Asian or Asian British": "Asian or Asian British",
    "Black or Black British": "Black or Black British", "Other Ethnic Groups": "Other ethnic groups",
}  # fmt: skip
ROWS = pd.DataFrame({
    "indicator": ["section_136"] * 3, "period": ["2023-24"] * 3, "adjustment": ["crude"] * 3,
    "ethnic_group": ["White", "Mixed", "Black or Black British"], "events": [210, 2, 41],
    "estimate": [45.6, 29.8, 92.6], "lower": [38.6, 9.7, 64.0], "upper": [53.5, 69.5, 130.0],
}).assign(indicator_name="Section 136", unit="per 100,000", measure="rate", level=0.95, comparator="",
          at_risk=[470_000, 16_000, 43_000])  # fmt: skip


@pytest.mark.skipif(not os.environ.get("PCREF_EVERY_CASE"), reason="takes long: set PCREF_EVERY_CASE")
def test_the_shipped_table_is_what_the_script_makes_of_the_files(open_data):
    spec = importlib.util.spec_from_file_location("england_script", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    pd.testing.assert_frame_equal(script.table(open_data), england.reference(), check_dtype=False, check_exact=True)


def test_every_shipped_count_and_rate_is_the_one_of_its_publication(open_data):
    shipped = england.reference().set_index("ethnic_group")
    act = pd.read_csv(open_data / "mha_2023_24_annual.csv.gz")
    act = act[act["organisation_breakdown"].eq("All submissions") & act["demographic"].eq("Ethnicity")]
    act = act.set_index(act["demographic_breakdown"].map(LABELS))
    columns, names = ["mhsds_count", "std_rate_per_100k", "ci_half_width"], ["events", "standardised", "half_width"]
    for indicator, measure, kind in ACT:
        rows = act[act["measure"].eq(measure) & act["measure_subcategory"].eq(kind)]
        mine = shipped[shipped["indicator"].eq(indicator)]
        assert mine[names].to_numpy().tolist() == rows.loc[mine.index, columns].to_numpy().tolist()
    therapies = pd.read_csv(open_data / "nhs_talking_therapies_annual_by_ethnic_group.csv.gz")
    therapies = therapies[therapies["org_type"].eq("England") & therapies["variable_b"].eq("All")]
    therapies = therapies.set_index(["reporting_period", therapies["variable_a"].map(LABELS)])
    mine = shipped[shipped["indicator"].str.startswith("talking_therapies")]
    assert len(mine) == 60
    for row in mine.itertuples():
        theirs = therapies.loc[(row.period, row.Index)]
        name = row.indicator.removeprefix("talking_therapies_")
        assert row.events == row.events_low == row.events_high == theirs[f"{name}_n"]
        assert 100 * row.events / row.at_risk == pytest.approx(theirs[f"{name}_pct"], abs=0.051)


def test_only_measures_that_are_computed_as_published_are_compared():
    table, catalogue = england.reference(), indicators.catalogue()
    for name in table["indicator"].unique():
        assert catalogue[name].computes and catalogue[name].measure in ("rate", "percent"), name
    assert set(table["ethnic_group"]) == set(ethnicity.known_groups("broad"))
    assert table["source"].str.contains("NHS England").all() and len(table) <= 100


def test_no_released_value_changes_and_what_is_hidden_stays_hidden():
    one = release_tables.release(ROWS, "mhsds", name="levels")
    both = release_tables.with_public(one, england.levels(RUN), england.KEYS, england.words(RUN))
    pd.testing.assert_frame_equal(both.table[list(one.table)], one.table)
    row = both.table.set_index("ethnic_group").loc["Mixed"]
    assert row["events_status"] == "suppressed" and pd.isna(row["events"]) and round(row["england"], 1) == 32.9
    pd.testing.assert_frame_equal(both.table, same_everywhere(both.table), check_exact=True)  # on any processor
    assert "the Trust is invented" in both.explanation and "the Trust is invented" not in one.explanation
    shown = tables.levels(both, "t", "T", "2023-24")
    assert "; England: 2023-24, before adjustment" in shown.text and "Mixed | [c]" in shown.text
    assert output.marked(both.table.assign(england=float("nan"), boards=[1.0, None, None]))["boards"][1] == "[x]"
    with pytest.raises(PcrefError, match=r"levels has england, .* already"):
        release_tables.with_public(both, england.levels(RUN), england.KEYS, "")
    none = release_tables.release(ROWS.assign(indicator="detentions"), "mhsds", name="levels")
    assert release_tables.with_public(none, england.levels(RUN), england.KEYS, "") is none


def test_a_year_that_is_not_published_yet_gets_the_last_one_and_its_name():
    later = RUN.model_copy(update={"period": "2025-26"})
    found = england.levels(later).query("period == '2025-26' and indicator == 'section_136'")
    assert len(found) == 10 and set(found["england_year"]) == {"2023-24"}
    assert england.levels(RUN.model_copy(update={"period": "2019-20"})).empty
    gaps = england.gaps(later).query("indicator == 'section_136' and adjustment == 'crude'")
    gaps = gaps.assign(comparator="White", estimate=2.0, lower=1.5, upper=2.6, level=0.95)
    both = gap_over_time.compared(gaps, "White", "2025-26")
    assert both["england_then"].notna().all() and both["england_now"].isna().all()


def test_boards_are_of_white_alone_and_standardised_rates_of_the_same_standard():
    black = england.gaps(RUN).query(
        "indicator == 'detentions_as_published' and ethnic_group == 'Black or Black British'"
    )
    crude, adjusted = (black[black["adjustment"].eq(step)].iloc[0] for step in ("crude", "age_sex"))
    assert round(crude["england"], 2) == 3.45 and round(adjusted["england"], 2) == 3.54  # 239.0 / 69.3 and 242.3 / 68.4
    assert crude["boards"] == 38 and 2.2 < crude["boards_lower"] < crude["boards_ratio"] < crude["boards_upper"] < 3.8
    assert "boards" not in england.gaps(RUN.model_copy(update={"comparator": "Mixed"}))
    other = england.levels(RUN.model_copy(update={"standard": "esp2013"}))
    assert set(other["adjustment"]) == {"crude"} and england.levels(RUN)["adjustment"].nunique() == 2


def test_a_line_of_two_pages_stands_once_where_only_one_page_has_england_figures():
    rest = ROWS.assign(indicator="detentions")
    one, both = (release_tables.release(part, "mhsds", name="levels") for part in (rest, pd.concat([rest, ROWS])))
    both = release_tables.with_public(both, england.levels(RUN), england.KEYS, "")
    assert len(release_tables.joined([one, both], pd.concat).table) == 6


def test_columns_of_england_that_hold_nothing_are_in_no_file():
    source = SimpleNamespace(synthetic=False, audience="release")
    frame = pd.DataFrame({"group": ["White"], "england": [np.nan], "england_year": [""], "boards": [3.0]})
    made = html_table.table("t", "T", ["group"], [("", [["White"]])], set(), "", source, frame)
    assert made.record["csv"] == "group,boards\nWhite,3.0\n"
