"""What the landing page says: the agreed list first, each sentence of released rows, compared with whom, how sure."""

import re
from html import unescape
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.display import formats
from pcref_analysis.priorities import gap_over_time, wording
from pcref_analysis.report import pipeline
from pcref_analysis.report.pages import documents, landing, main_points, page_lead
from pcref_analysis.store import csv_text
from pcref_analysis.vocabulary import parameters
from pcref_analysis.vocabulary.errors import PcrefError

MACHINE = re.compile(r"\b[a-z]+_[a-z_0-9]+\b|0\.\d{4,}|\b[0-9a-f]{16,}\b|docs/|\.yml")
ROW = {
    "item": "detention: Black or Black British", "indicator": "detentions", "name": "Detentions", "period": "2023-24",
    "ethnic_group": "Black or Black British", "comparator": "White", "adjustment": "age_sex_imd", "measure": "rate",
    "unit": "detentions", "domain": "experience", "ratio": 2.9, "lower": 2.3, "upper": 3.6, "level": 0.95,
    "rounded_to": np.nan, "excess": 48.2, "expected": 25.0, "difference": 150.0, "margin": 1.1, "none_of": np.nan,
    "evidence": "clear", "list": "priority", "rank": 1, "ratio_low": 2.8, "ratio_high": 3.9, "flag": np.nan,
    "score": 0.8150716, "shrunk": 2.7183,
}  # fmt: skip
GAPS = pd.DataFrame(
    {"indicator": "detentions", "period": ["2021-22", "2023-24"], "ethnic_group": ROW["ethnic_group"],
     "comparator": "White", "adjustment": "age_sex_imd", "estimate": [5.8, 2.9], "lower": [5.2, 2.3],
     "upper": [6.5, 3.6], "level": 0.95}
)  # fmt: skip


def table(name, frame):
    from nbformat.v4 import new_output

    shown = new_output("display_data", data={"text/html": f'<p id="{name}">{name}</p>'})
    return {"id": name, "kind": "table", "title": name, "csv": csv_text.to_csv(frame), "output": shown}


def records(agreed=True, **more):
    row = ROW | more
    findings = pd.DataFrame([{"wording": wording._known(row, wording.words())} | row])
    made = [table("priorities-findings", findings), table("priorities-draft", findings),
            table("experience-gaps", GAPS)]  # fmt: skip
    adjusted = [
        {"place": 2, "item": ROW["item"], "holds": ROW["item"], "change": "moved", "wording": "", "evidence": "clear"},
        {"place": 1, "item": "carers: not asked", "holds": "carers: not asked", "change": "added",
         "wording": "Nobody asks carers.", "evidence": "lived experience"},
        {"place": None, "item": "attendance", "holds": "attendance", "change": "set aside", "wording": "Gone.",
         "evidence": "clear"},
    ]  # fmt: skip
    changes = pd.DataFrame({"who": ["Carers' forum"], "when": ["2026-11-02"], "why": ["It came first."]})
    outcomes = {"item": ROW["item"], "said": "s", "did": "A nurse goes along.", "state": "under way",
                "owner": "Director of nursing", "due": "2027-09-30", "measure": "Narrower.",
                "who": "Crisis group", "when": "2026-11-16"}  # fmt: skip
    if agreed:
        made += [table("priorities-adjusted", pd.DataFrame(adjusted)), table("priorities-changes", changes)]
        made += [table("priorities-outcomes", pd.DataFrame([outcomes]))]
    return made


def page(made, **more):
    given = parameters.load("demo", **more)
    return landing.bodies(given, made, pipeline.about(given), main_points.of(made, given))["index.html"]


def words(html):
    above = re.sub(r"</?a\b[^>]*>", "", html.partition("<!-- folded -->")[0])  # a link stands in a sentence
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", above)).split())


def test_the_figure_names_the_years_of_its_ratios():
    """Ratios of three years together stood under the last year alone."""
    given = parameters.load("published-cpft")
    for spans, said in (
        (["2023-24", "2023-24"], "The gaps that come first, April 2023 to March 2024"),
        (["2023-24", "2021-22 to 2023-24"], "The gaps that come first, April 2021 to March 2024"),
    ):
        points = [
            main_points.Point("Detentions", "", "", "", "", "", years=years, ratio=(1.5, 1.2, 1.9, float("nan")))
            for years in spans
        ]
        assert main_points.figure(SimpleNamespace(points=points), given).record["title"] == said


def test_the_landing_page_says_what_changed_since_the_last_edition_and_its_numbers_are_released(tmp_path):
    (tmp_path / "tables").mkdir()
    both = GAPS.assign(indicator_name="Detentions", measure="ratio")
    before = both[both["period"].eq("2021-22")].assign(estimate=5.7)
    (tmp_path / "tables" / "experience-gaps.csv").write_text(csv_text.to_csv(before), encoding="utf-8")
    now = [*records()[:2], table("experience-gaps", both), *records()[3:]]
    said = words(page(now, previous=str(tmp_path)))
    assert "What changed since the last edition" in said and "1 of them corrected since" in said
    assert "5.7 (5.2 to 6.5) then, 5.8 (5.2 to 6.5) now" in said and "narrower in 2023-24 than in 2021-22" in said


def test_a_limit_of_four_decimals_is_the_number_that_it_was_rounded_from():
    """An internal edition holds whole numbers; 0.0982 (0.0390 to 0.2476) under a picture stopped it."""
    assert main_points.unknown("0.0982 (0.0390 to 0.2476)", ["0.098243 | 0.038971 | 0.247648"]) == []
    assert main_points.unknown("0.2477", ["0.247648"]) == [0.2477]


def test_the_agreed_list_leads_in_its_own_order():
    said = words(page(records()))
    assert said.index("Carers: not asked") < said.index("Detentions: Black people") and "Gone." not in said
    assert "what people agreed to put first" in said and "Agreed by Carers' forum, last on 2 November 2026" in said
    assert "No figures This comes from what people have lived through" in said
    draft = words(page(records(agreed=False)))
    assert "not yet discussed" in draft and "Carers: not asked" not in draft and "Detentions: Black people" in draft


def test_it_names_the_comparator_the_years_and_the_interval():
    said = words(page(records()))
    assert "compared with the White group (here White British, White Irish and any other White background)" in said
    assert ("From April 2023 to March 2024, after allowing for age, sex and deprivation, the rate among Black people "
            "was 2.9 times that among White people (95% interval 2.3 to 3.6)") in said  # fmt: skip


def test_it_says_whether_it_gets_better_how_firm_it_is_and_what_was_done():
    said = words(page(records()))
    better = "Yes: the gap is narrower. The ratio was 5.8 (5.2 to 6.5) in 2021-22 and 2.9 (2.3 to 3.6) in 2023-24."
    assert f"Is it getting better? {better}" in said
    assert "Firm Depending on the ethnic group of people for whom it is not recorded, the ratio could lie" in said
    assert "Under way (Crisis group, 16 November 2026): A nurse goes along." in said
    assert (
        "Who answers for it: Director of nursing. Due: 30 September 2027. How we will know that it worked: Na" in said
    )
    assert "With care" in words(page(records(ratio_low=0.4)))
    assert "With care" in words(page(records(ratio_low=np.nan)))


def test_a_gap_that_chance_may_explain_is_not_called_firm():
    said = words(page(records(evidence="possible")))
    assert "that would not close the gap. By the written rule it is not clear of chance." in said
    assert "the gap would still be there" not in said.partition("to be read with care")[2]


def test_a_trend_by_another_adjustment_than_the_ratio_above_says_so():
    """Once a ratio of 0.69 stood above 'it was 0.30 in 2022-23 and 0.45 in 2023-24', of the same group and year."""
    earlier = gap_over_time.compared(GAPS.assign(adjustment="age_sex"), "White", "2023-24")
    given = parameters.load("demo")
    said = main_points._trend(earlier, given, "age_sex_imd")
    assert "The ratio after allowing for age and sex was 5.8 (5.2 to 6.5) in 2021-22" in said
    assert "The ratio was 5.8" in main_points._trend(earlier, given, "age_sex")


def test_a_change_between_published_years_says_that_counting_may_have_changed():
    given = parameters.load("demo")
    other = given.model_copy(update={"source": given.source.model_copy(update={"kind": "published"})})
    said = [point.trend for point in main_points.of(records(), other).points]
    assert any("in 2023-24. How publishers count may have changed between." in one for one in said)
    growth = "Residents are those of one census for every year: growth of a group may look like a change."
    row = {"indicator": "detentions", "verdict": "wider", "period_then": "2017-18", "period_now": "2023-24"}
    row |= {f"{name}_{end}": 2.0 for name in ("estimate", "lower", "upper") for end in ("then", "now")}
    assert main_points._trend(pd.DataFrame([row]), other).endswith(growth)
    grown = main_points._trend(pd.DataFrame([row | {"grown": 1.4185}]), other)
    released = [formats.values(pd.DataFrame([row | {"grown": 1.4185}]))]
    assert main_points.unknown(grown, released) == []  # or the board paper stops at the output check
    assert grown.endswith("that alone would make the ratio 1.42 times as high as it was.")
    assert "In England it was" not in grown
    row |= {"england_then": 0.511, "england_now": 0.822}
    assert "In England it was 0.51 and 0.82. How" in main_points._trend(pd.DataFrame([row]), other)
    recovered = pd.DataFrame([row | {"indicator": "talking_therapies_recovery"}])
    assert growth not in main_points._trend(recovered, other)
    assert "may have changed" not in words(page(records()))


def test_what_is_large_in_england_is_said_where_a_boards_own_numbers_are_too_small_to_tell():
    rows = [
        ("cto_starts", "Community treatment orders", "Black or Black British", 6.8172),
        ("cto_starts", "Community treatment orders", "Mixed", 2.42),
        ("repeat_detention", "Again", "Mixed", 1.2),
    ]
    england = pd.DataFrame(rows, columns=["indicator", "indicator_name", "ethnic_group", "ratio"])  # fmt: skip
    said = words(page([*records(agreed=False), table("england", england)]))
    assert "against White people: Community treatment orders: 6.8 times, Black people. Small numbers here" in said
    assert "In England as a whole" not in words(page(records()))


def test_a_page_counts_the_comparisons_that_were_made_and_no_indicator_that_nobody_measured():
    rows = [ROW, ROW | {"evidence": "equal", "list": "strength"}, ROW | {"evidence": "not clear", "list": "unclear"}]
    rows += [ROW | {"evidence": "no figure", "list": "evidence_gap", "ethnic_group": "Every ethnic group"}] * 30
    rows += [ROW | {"evidence": "recording", "list": "recording", "ethnic_group": "Unknown"}]
    made = [{"wording": wording._known(ROW, wording.words())} | row for row in rows]
    said = page_lead.of_page([table("priorities-findings", pd.DataFrame(made))], parameters.load("demo"))
    counted = "1 clear gap, 1 equal or better, 1 first a matter of recording, in 1 we could not tell."
    assert said["03_experience.html"].endswith(f"Of 4 comparisons with the White group on this page: {counted}")


def test_a_finding_of_published_figures_says_what_it_is_in_the_other_boards():
    made = records(agreed=False, prior_mean=np.log(2.5), prior_boards=37.0, within=2.6)
    assert "In 37 other boards the ratio for this group was 2.5 on average." in words(page(made))


def test_it_names_whom_to_ask_the_licence_and_the_next_edition():
    said = words(page(records()))
    for part in ("pcref@fenmoor.example", "Open Government Licence v3.0", "Next edition: November 2027"):
        assert part in said


def test_no_machine_name_and_no_raw_score_stands_on_it():
    assert not MACHINE.search(words(page(records())))


def test_a_run_without_a_list_says_that_it_could_not_tell():
    assert "We could not tell whether there is a gap that matters" in words(
        page([table("x", pd.DataFrame({"a": [1]}))])
    )


def test_events_of_several_years_are_said_to_be_of_several_years():
    said = "Detentions: 2021-22 to 2023-24, after allowing for age, the rate was 2.9 times: about 16 more a year."
    html = words(page(records(years="2021-22 to 2023-24", wording=said)))
    assert (
        "From April 2021 to March 2024, after allowing for age, the rate was 2.9 times: about 16 more a year." in html
    )


def test_none_where_many_were_expected_is_a_figure_too():
    said = words(page(records(ratio=np.nan, lower=np.nan, upper=np.nan, none_of=40.0, ratio_low=np.nan)))
    assert "none among Black people, where about 40 would be expected" in said
    assert said.count("No figures This comes from") == 1  # that of the carers alone


def test_a_ratio_of_nought_is_said_as_none_and_not_in_per_cent():
    given = parameters.load("demo")
    made = records(agreed=False, ratio=0.0, lower=0.0, upper=0.33, none_of=10.9)
    points = main_points.of(made, given)
    assert points.points[0].size == "none where some were expected"
    assert points.points[0].plain[0].startswith("There were none for Black people. At the level of White people there")
    said = "\n".join(text for _, text in documents.slides(points, pipeline.about(given)))
    assert "100%" not in said and "(none where some were expected)" in words(page(made))
    main_points.check("slides", said, points, pipeline.about(given))


def test_a_number_in_the_name_that_people_gave_an_item_is_theirs():
    made = records()
    csv = made[3]["csv"].replace("carers: not asked", "waits over 137 days")
    assert "Waits over 137 days" in words(page([*made[:3], made[3] | {"csv": csv}, *made[4:]]))


def test_a_number_that_no_released_row_holds_stops_the_page(monkeypatch):
    first = wording.main_sentence
    monkeypatch.setattr(wording, "main_sentence", lambda row: f"{first(row)} That is 137 people.")
    with pytest.raises(PcrefError, match="landing page holds 1 number that no released table holds") as stopped:
        page(records())
    assert "137" not in str(stopped.value)


def test_nothing_empty_stands_on_the_landing_page_and_incomplete_records_come_before_every_gap():
    run = parameters.load("published-cpft")
    empty = {"id": "priorities-outcomes", "kind": "text", "title": "Done", "text": "Done: nothing to show."}
    whose = "- Residents of the board.\n- Rates are those of the board QUE. The Trust reports 80% of it."
    first = "First: the records may be incomplete (detentions). Of these nothing is said: they can look like equality."
    texts = [
        {"id": "recording-residents", "kind": "text", "title": "", "text": whose},
        {"id": "priorities-in-short", "kind": "text", "title": "", "text": f"**{first}** Then 3 gaps."},
    ]
    made = [one | {"output": table(one["id"], GAPS)["output"]} for one in (empty, *texts)]
    main = main_points.of([*records(agreed=False), *made], run)
    assert main.whose == f"{first} Rates are those of the board QUE. The Trust reports 80% of it."
    index = landing.bodies(run, [*records(agreed=False), *made], pipeline.about(run), main)["index.html"]
    assert "priorities-outcomes" not in index and "You said, we did" not in index
    assert index.index("may be incomplete") < index.index('<ol class="points">')
    assert "passed on" not in pipeline.about(run)["sign_off"] and "not signed off" in pipeline.about(run)["sign_off"]


def test_the_five_questions_are_answered_first_from_the_points_themselves():
    said = words(page(records()))
    first = said[said.index("What comes first?") : said.index("Every group is compared")]
    assert "Carers: not asked Detentions: Black people (2.9 times)" in first
    assert "Compared with whom? The White group (White British, White Irish and any other White background)" in first
    assert "What comes first? In the order that people agreed. Carers: not asked" in first
    assert "Is it getting better? Number 2: the gap is narrower. Number 1: no figures to compare." in first
    assert "Can we trust it? Number 2: firm. Number 1: no figures. Firm: the gap would still be there" in first
    assert "What was done? Detentions: Black people (under way). For the other no action is recorded here yet." in first
    three = landing._numbered(["", "b", "", ""], {"": "nothing", "b": "better"})
    assert three == "Numbers 1, 3 and 4: nothing. Number 2: better."
    assert "What comes first?" not in words(page([]))


def test_a_list_that_nobody_discussed_shows_no_list_of_what_was_agreed():
    made = [*records()[:2], table("priorities-adjusted", pd.DataFrame({"place": [1], "item": [ROW["item"]],
            "holds": [ROW["item"]], "change": ["as drafted"], "wording": [""], "evidence": ["clear"]}))]  # fmt: skip
    assert 'id="priorities-adjusted"' not in page(made) and 'id="priorities-adjusted"' in page(records())


def test_the_words_of_the_trust_stand_as_its_own_and_as_text():
    html = page(records(), introduction="We met <b>4,321</b> people.")
    assert "in its own words:</strong> We met &lt;b&gt;4,321&lt;/b&gt; people." in html
    assert "own words" not in page(records(), introduction="")


@pytest.mark.parametrize("discussed", [False, True])
def test_an_earlier_list_that_nobody_discussed_is_not_called_agreed(tmp_path, discussed):
    (tmp_path / "tables").mkdir()
    (tmp_path / "manifest.json").write_text("{}", encoding="utf-8")
    if discussed:
        (tmp_path / "tables" / "priorities-changes.csv").write_text("who\nForum\n", encoding="utf-8")
    gone = {"place": 1, "item": "force: Mixed", "holds": "force: Mixed", "change": "kept", "wording": "It was so.",
            "evidence": "clear"}  # fmt: skip
    since = pd.DataFrame({"item": ["force: Mixed"], "words": ["There is no figure in this edition."]})
    made = [
        *records(agreed=False),
        table("priorities-adjusted", pd.DataFrame([gone])),
        table("priorities-since", since),
    ]
    main = main_points.of(made, parameters.load("demo", previous=str(tmp_path)))
    assert main.agreed is discussed
    assert ("agreed" in f"{main.heading} {main.lead}".lower()) is discussed
    if discussed:  # of an earlier edition's figures, never "from what people have lived through"
        assert "of an earlier edition" in str(main.points[0]) and "lived through" not in str(main.points[0])
