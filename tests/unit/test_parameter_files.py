"""The parameter files that come with the project: valid, and for whom they say they are."""

from pathlib import Path

import pytest

from pcref_analysis.vocabulary import parameters
from pcref_analysis.vocabulary.errors import PcrefError

FOLDER = Path(__file__).resolve().parents[2] / "notebooks" / "parameters"


@pytest.mark.parametrize("run", ["demo", "cpft", "derbyshire", "published-cpft", "published-derbyshire"])
def test_every_file_is_valid_and_named_as_its_run(run):
    assert parameters.load(str(FOLDER / f"{run}.yml")).run == run


def test_a_name_of_a_run_that_no_folder_should_have_is_refused_in_words():
    with pytest.raises(PcrefError, match="run: may hold small letters, digits and hyphens alone, such as our-trust"):
        parameters.check({"run": "Our_Trust", "trust": {"name": "T"}}, "x.yml")


@pytest.mark.parametrize(
    ("run", "kind", "trust", "board"),
    [
        ("published-cpft", "published", "RT1", "QUE"),
        ("published-derbyshire", "published", "RXM", "QJ2"),
        ("cpft", "folder", "RT1", "QUE"),
        ("derbyshire", "folder", "RXM", "QJ2"),
    ],
)
def test_the_first_users(run, kind, trust, board):
    got = parameters.load(str(FOLDER / f"{run}.yml"))
    assert (got.source.kind, got.trust.ods_code, got.trust.icb_code) == (kind, trust, board)
    assert got.comparator == "White"
    assert not got.synthetic
    assert got.open_data


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('period: "2023-24"', 'period: "2023-24"\nperiod: "2022-23"', "has 'period' twice at one place near line"),
        ("level: 0.95", "level: 95%", "level: must be a number."),
        ("threshold: 5", "threshold: five", "disclosure.threshold: must be a whole number."),
        ("detail: broad", "detail: both", "detail: must be 'broad' or 'detailed'."),
        ('edition_date: "2026-11-22"', "edition_date: 22/11/2026", "edition_date: must be a day, year-month-day"),
        (
            "standard: england_2021",
            "standard: england_2011",
            "standard: there is no 'england_2011'. Did you mean 'england_2021'?",
        ),
        ("standard: england_2021", "standard: who", "standard: 'who' is by age alone; a report allows for"),
        ("edition: 1", "edition: 0", "edition: must be at least 1."),
        ("kind: demo", "kind: demo\n  place: here", "source.place: unknown key."),
        ("  ods_code: X99", "  ods_cod: X99", "trust.ods_cod: unknown key. Did you mean 'ods_code'?"),
        ("next_edition: November 2027", "next_edition: Autumn: 2027", "a text that holds a colon in quotation marks"),
    ],
)
def test_what_people_mistype_is_answered_in_plain_words(tmp_path, old, new, said):
    text = (Path(parameters.parameters_folder()) / "demo.yml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "demo.yml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PcrefError) as error:
        parameters.load(str(tmp_path / "demo.yml"))
    assert said in str(error.value) and "Input should" not in str(error.value)


def test_a_day_may_stand_without_quotation_marks(tmp_path):
    text = (Path(parameters.parameters_folder()) / "demo.yml").read_text(encoding="utf-8")
    (tmp_path / "demo.yml").write_text(
        text.replace('"2026-10-01"', "2026-10-01").replace('"2026-11-22"', "2026-11-22"), encoding="utf-8"
    )
    read = parameters.load(str(tmp_path / "demo.yml"))
    assert (read.edition_date, read.disclosure.agreed) == ("2026-11-22", "2026-10-01")
