"""Half of the estimates may be worked out in a second process; where there is none, they are worked out here."""

import os

import pytest

from pcref_analysis.estimates import run as whole
from pcref_analysis.vocabulary import parameters
from pcref_analysis.vocabulary.errors import PcrefError


def test_it_is_another_process():
    assert whole._elsewhere(os.getpid)() != os.getpid()


def test_a_process_that_dies_is_done_without():
    words = f"__import__('os').getpid() == {os.getpid()} or __import__('os')._exit(1)"
    assert whole._elsewhere(eval, words)() is True


def test_where_no_process_can_be_started_it_is_called_here(monkeypatch):
    def none(*_):
        raise OSError("no semaphores on this machine")

    monkeypatch.setattr(whole, "ProcessPoolExecutor", none)
    assert whole._elsewhere(os.getpid)() == os.getpid()


def test_an_error_says_there_what_it_says_here():
    with pytest.raises(PcrefError, match="there is no nowhere"):
        whole._elsewhere(parameters.load, "nowhere")()
