"""The packing list of an edition, and the way from a number in it to where it comes from."""

import json

import pytest

from pcref_analysis.report import provenance
from pcref_analysis.store import edition_files
from pcref_analysis.vocabulary.errors import PcrefError

FACTS = {
    "trust": "Invented Trust", "period_text": "April 2023 to March 2024", "edition": 2, "edition_date": "2026-11-22",
    "synthetic": True, "basis": "Data: an invented Trust", "rule_text": "Counts below 5 are suppressed.",
    "licence_link": "https://licence.example/",
}  # fmt: skip
TABLE = {
    "id": "experience-gaps", "kind": "table", "title": "Gaps", "notebook": "03_experience", "cell_id": "03-11",
    "call": "tables.gaps", "csv": "indicator,estimate\ndetentions,2.9\ndetentions,1.1\ncto_starts,5\n",
}  # fmt: skip
FIGURE = {
    "id": "experience-forest", "kind": "figure", "title": "Forest", "notebook": "03_experience", "cell_id": "03-12",
    "call": "figures.forest", "source_table": "experience-gaps",
}  # fmt: skip
MADE_OF = {"inputs": {"MHS401MHActPeriod.csv": "ab" * 32}, "code": "cd" * 32, "parameters": "{}", "version": "0.1.0",
           "lock": "ef" * 32}  # fmt: skip


@pytest.fixture
def edition(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "experience-gaps.csv").write_text(TABLE["csv"], encoding="utf-8")
    (tmp_path / "03_experience.html").write_text("page", encoding="utf-8")
    provenance.write(tmp_path, [TABLE, FIGURE], FACTS, MADE_OF)
    return tmp_path


def test_it_names_everything_that_came_out_with_its_hash_and_what_went_in(edition):
    graph = {one["@id"]: one for one in json.loads((edition / provenance.FILE).read_text(encoding="utf-8"))["@graph"]}
    for name in ("tables/experience-gaps.csv", "03_experience.html"):
        assert graph[name]["sha256"] == edition_files.digest(edition / name)
        assert {"@id": name} in graph["./"]["hasPart"]
    assert graph["#input/MHS401MHActPeriod.csv"]["sha256"] == "ab" * 32
    assert graph[provenance.FILE]["conformsTo"]["@id"].startswith("https://w3id.org/ro/crate/")
    assert graph["./"]["description"].startswith("Synthetic data")
    named = {one["@id"] for one in graph.values()}
    assert {one["@id"] for one in graph["#run"]["object"] + graph["#run"]["result"]} <= named


def test_a_table_leads_to_notebook_cell_function_indicators_and_input(edition):
    words = "\n".join(provenance.trace(edition, "experience-gaps.csv"))
    for part in ("03_experience.ipynb, cell 03-11", "tables.gaps", "indicator detentions: Detentions on", "cto_starts",
                 "MHS401MHActPeriod.csv (sha256 abab", "0.1.0"):  # fmt: skip
        assert part in words
    assert words.count("indicator detentions") == 1


def test_a_figure_leads_to_its_table(edition):
    assert "  drawn of  experience-gaps" in provenance.trace(edition, "experience-forest")


def test_an_unknown_id_or_folder_is_said_in_words(edition, tmp_path):
    with pytest.raises(PcrefError, match="experience-forest, experience-gaps"):
        provenance.trace(edition, "nonsense")
    with pytest.raises(PcrefError, match="no edition"):
        provenance.trace(tmp_path / "elsewhere", "experience-gaps")
