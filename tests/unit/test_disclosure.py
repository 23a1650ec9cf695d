"""What the door lets out: marks, rounding, protection by hiding more, no way round."""

import pandas as pd
import pytest

from pcref_analysis.release import disclosure
from pcref_analysis.vocabulary.errors import PcrefError


def counts(**columns):
    return pd.DataFrame(columns)


@pytest.mark.parametrize(
    ("rule", "count", "text"),
    [
        ("mhsds", 0, "0"),
        ("mhsds", 4, "[c]"),
        ("mhsds", 5, "5"),
        ("mhsds", 6, "5"),
        ("mhsds", 8, "10"),
        ("hes", 7, "[c]"),
        ("hes", 8, "10"),
        ("opensafely", 0, "[c]"),
        ("opensafely", 7, "[c]"),
        ("opensafely", 8, "10"),
    ],
)
def test_boundaries_of_the_presets(rule, count, text):
    assert disclosure.release(counts(team=["a"], events=[count]), rule).text["events"].tolist() == [text]


def test_three_marks_are_three():
    released = disclosure.release(counts(team=list("abcd"), events=[0, 3, None, 40]), "mhsds")
    assert released.table["events_status"].tolist() == ["zero", "suppressed", "not available", "shown"]
    assert released.text["events"].tolist() == ["0", "[c]", "[x]", "40"]


def test_a_releasable_is_made_by_the_door_only():
    with pytest.raises(PcrefError):
        disclosure.Releasable(pd.DataFrame(), "t", None, "", False, "release", (), (), (), {})


def test_undeclared_numbers_do_not_leave():
    with pytest.raises(PcrefError, match="'score'"):
        disclosure.release(counts(team=["a"], events=[9], score=[1.5]), "mhsds")


def test_input_is_not_changed():
    frame = counts(team=list("abc"), events=[3, 21, 24])
    before = frame.copy(deep=True)
    disclosure.release(frame, "mhsds")
    pd.testing.assert_frame_equal(frame, before)
