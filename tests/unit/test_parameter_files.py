"""The parameter files that come with the project: valid, and for whom they say they are."""

from pathlib import Path

import pytest

from pcref_analysis.vocabulary import parameters
from pcref_analysis.vocabulary.errors import PcrefError

FOLDER = Path(__file__).resolve().parents[2] / "notebooks" / "parameters"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yml")), ids=lambda path: path.stem)
def test_every_file_is_valid_and_named_as_its_run(path):
    assert parameters.load(str(path)).run == path.stem


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
