"""What a note on a figure may say: each kind once, with numbers for analysts, and without for everybody else.

Text that is made of confidential numbers cannot be cleaned afterwards ("some event" is one event), so a release shows
no note that was made of them: of each kind it shows the public sentence or nothing. A kind has a public sentence only
where neither the sentence nor whether it stands rests on a count of people. What rests on counts (few events, none) is
said again from the counts as released.
"""

from __future__ import annotations

import re
from typing import NamedTuple

NO_EVENTS, NO_ONE, FEW_EVENTS = "no events", "no one at risk", "few events"  # from released counts
FEW_COMPARATOR, NO_COMPARATOR = "few events in the comparator", "no events in the comparator"
BETWEEN = "; "


class Kind(NamedTuple):
    """A kind of note: ``words`` for analysts, with ``{arguments}``, and the ``public`` sentence ("": none)."""

    words: str
    public: str = ""


OPEN = {  # said to everybody in the same words
    "unsettled": "the fit did not settle: do not use",
    "inseparable": "these data cannot tell this group apart from the other terms",
    "pooled": "periods pooled: a person met in several periods counts as several people in the interval",
    "binned": "lengths are binned: placed within their bin",
    "unknown_risk": "the number at risk is not known",
}
KINDS = {name: Kind(words, words) for name, words in OPEN.items()} | {
    "once": Kind(
        "interval takes each person to count once: the cells give no sums over people",
        "interval takes each person to count once",
    ),
    "independent": Kind(
        "interval takes events as independent (Poisson): the cells give no sums over people",
        "interval takes events as independent of each other",
    ),
    "as_poisson": Kind("strata vary no more than by chance: fitted as Poisson, not negative binomial"),
    "no_effect": Kind(
        "stays taken as independent: no design effect can be told from these cells", "stays taken as independent"
    ),
    "no_squares": Kind("no interval: the cells give no total_sq", "no interval: the sums over people are not known"),
    "negative_mean": Kind(
        "values below zero: a ratio of means has no meaning here", "values below zero: a ratio of means has no meaning"
    ),
    "unknown_strata": Kind("{number} of unknown {what} left out"),
    "uncounted_strata": Kind("events of unknown {what} are left out; their count is missing"),
    "nobody_there": Kind("standard without {where}: no group has anyone there"),
    "not_in_every_group": Kind("standard without {where}: some group has no one there"),
    "outside_standard": Kind("{number} in strata outside the standard left out"),
    "repeated": Kind("few people hold most events, as if {number}: limits may be too narrow"),
    "heavy": Kind("one event more in {where} moves the rate by {number}%: see method gamma"),
    "few": Kind("fewer than {number} {what}: the interval is only approximate"),
    "few_people": Kind("as good as fewer than {number} people carry this figure: the interval is only approximate"),
    "share_left_out": Kind("{share} of {what} left out: {why}"),
    "cells_left_out": Kind("{number} cell(s) without a figure left out"),
    "widened": Kind("interval widened for people with several stays (design effect {number})"),
    "open_bin": Kind("lies in the open last bin ({number} days or more)"),
    # why there is no figure: of these a release says again, from the counts as released, what may be said
    "no_events": Kind("no events in this group: only a one-sided limit exists"),
    "all_events": Kind("nothing but events in this group: only a one-sided limit exists"),
    "nobody": Kind("no one at risk recorded in this group"),
    "no_comparator": Kind("the comparator ({comparator}) has no events or no one at risk, so nothing to compare with"),
    "no_comparator_here": Kind("the comparator has no events in this stratum, so nothing to compare with"),
    "no_odds": Kind("more events than at risk, so not a proportion: use family='poisson'"),
    "no_proportion": Kind("more events than at risk: not a proportion"),
    "no_count": Kind("a count of events is missing"),
    "no_total": Kind("a count or a total is missing"),
    "below_zero": Kind("a count is below zero"),
    "no_denominator": Kind("no one at risk: no denominator"),
    "no_observations": Kind("no observations"),
    "one_observation": Kind("one person or observation: no limits"),
    "no_total_squares": Kind("the sum of squares is missing: no limits"),
    "not_standardised": Kind("fewer than {number} events: not standardised"),
    "empty_strata": Kind("no one at risk in {where}: not standardised"),
    "none_expected": Kind("no events expected at the reference's rates"),
    "no_figure": Kind("cannot be worked out from these counts"),
    "no_limit": Kind("a limit cannot be worked out from these figures"),
}
_PATTERNS = {
    name: re.compile(re.sub(r"\\\{\w+\\\}", ".+", re.escape(kind.words))) for name, kind in KINDS.items() if kind.public
}


def say(kind: str, **arguments: object) -> str:
    """Return the analysts' sentence of a kind.

    Examples
    --------
    >>> say("unknown_strata", number="3 events", what="age band")
    '3 events of unknown age band left out'
    """
    return KINDS[kind].words.format(**arguments)


def public(note: object) -> list[str]:
    """Return the public sentences of the kinds in a note, once each; what is no known kind says nothing.

    Examples
    --------
    >>> public("1 event of unknown age left out; the fit did not settle: do not use")
    ['the fit did not settle: do not use']
    """
    clauses = note.split(BETWEEN) if isinstance(note, str) else []
    found = [name for clause in clauses for name, pattern in _PATTERNS.items() if pattern.fullmatch(clause.strip())]
    return [KINDS[name].public for name in dict.fromkeys(found)]
