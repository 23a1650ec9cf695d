"""How parts of the priorities list are shown: title, columns, heads. Change the words here.
``{level}`` is the level of the intervals, as the table holds it.

Each is published as ``tables/priorities-<name>.csv`` with every column.
"""

from __future__ import annotations

import re

TITLES = {
    "draft": "Draft priorities",
    "words": "The draft, and what to watch, in words",
    "adjusted": "The list as it stands",
    "changes": "What people changed, and why",
    "outcomes": "You said, we did",
    "since": "Since the last list",
    "rule_changes": "Changes of the rule since then",
    "to_watch": "Findings to watch",
    "unclear": "Comparisons that could not tell",
    "strengths": "Strengths",
    "evidence_gaps": "What the data cannot answer yet",
    "recording": "Recording matters, not ranked",
    "weights": "Under 500 other sets of weights",
    "one_weight": "One weight at a time",
    "comparators": "Against each comparator",
    "rule": "The written rule",
    "rule_settings": "Every setting of the rule",
    "findings": "Every finding",
}
FOLDED = ("unclear", "one_weight", "comparators", "rule_settings", "findings")  # long: closed until someone opens them
FIGURES = {
    "ratio_text": "Ratio to the comparator ({level}interval)",
    "amount": "More or fewer in the year",
    "certainty_text": "How sure that the gap matters",
    "rank_text": "Could be anywhere from",
}
ITEMS = ("item", "before", "after", "enters", "leaves", "largest_move")  # columns that name items of the list
STORIES = {  # what the catalogue's stories are called, where their own name is short for people who write rules
    "cyp access": "Access of children and young people",
    "detention length": "How long detentions last",
    "force": "Use of force",
    "force harm": "Harm through force",
    "section 136": "Short-term orders and section 136",
    "sections": "Sections 2 and 3",
    "talking therapies access": "Access to Talking Therapies",
    "talking therapies recovery": "Recovery after Talking Therapies",
    "treated prevalence": "People in contact with services",
}
WHAT = {"name": "What", "ethnic_group": "For whom"}
VIEWS: dict[str, dict[str, str]] = {
    "draft": {"rank": "Place", "band": "Band", **WHAT, **FIGURES},
    "to_watch": {"rank": "Place", **WHAT, **FIGURES, "would_close": "What would make it clearer"},
    "unclear": {
        **WHAT,
        "ratio_text": FIGURES["ratio_text"],
        "certainty_text": FIGURES["certainty_text"],
        "would_close": "What would make it clearer",
    },
    "words": {
        "rank": "Place",
        "wording": "What the figures say",
        "how_sure": "How sure",
        "not_shown": "What this does not show",
        "also": "Also in this item",
    },
    "strengths": {"name": "What", "ethnic_groups": "For whom", "evidence": "The level is"},
    "evidence_gaps": {"name": "What", "ethnic_groups": "For whom", "would_close": "What would close it"},
    "recording": {**WHAT, "flag": "What it is", "flag_reason": "Why"},
    "adjusted": {
        "at": "Place",
        "item": "Item",
        "in_short": "In short",
        "in_draft": "Place in the draft",
        "evidence": "The figures are",
        "change": "What was done",
        "reason": "Why",
    },
    "changes": {
        "when": "When",
        "who": "Who",
        "action": "What",
        "item": "Item",
        "before": "Before",
        "after": "After",
        "why": "Why",
    },
    "outcomes": {
        "item": "Priority",
        "said": "You said",
        "did": "We did",
        "state": "State",
        "owner": "Who answers for it",
        "due": "Due",
        "measure": "How we will know that it worked",
        "who": "Who",
        "when": "When",
        "words": "What the figures show now",
    },
    "since": {
        "item": "Item",
        "place_before": "Place then",
        "rank_now": "Place in this draft",
        "evidence_before": "Figures then",
        "evidence_now": "Figures now",
        "agrees": "Do they agree?",
        "words": "In words",
    },
    "rule_settings": {"setting": "Setting", "value": "Value"},
    "rule_changes": {"setting": "Setting", "before": "Before", "now": "Now"},
    "weights": {
        "item": "Item",
        "rank": "Place",
        "weights_rank_low": "Best place",
        "weights_rank_high": "Worst place",
        "band": "Band",
        "band_low": "Best band",
        "band_high": "Worst band",
        "same_band": "Stays in its band (share of sets)",
        "weights_first": "Among the first (share of sets)",
    },
    "one_weight": {
        "criterion": "Criterion",
        "change": "Its weight",
        "enters": "Comes among the first",
        "leaves": "Drops out",
        "largest_move": "Largest move",
    },
    "comparators": {
        **WHAT,
        "comparator": "Compared with",
        "ratio": "Ratio",
        "lower": "From",
        "upper": "To",
        "list": "List",
    },
    "findings": {
        **WHAT,
        "list": "List",
        "rank": "Place",
        "ratio_text": "Ratio to the comparator ({level}interval)",
    },
}


def of_item(words: str) -> str:
    """Return items of the list as people read them.

    Examples
    --------
    >>> of_item("cyp access: Asian or Asian British; deaths: Mixed")
    'Access of children and young people: Asian or Asian British; Deaths: Mixed'
    """
    parts = [part.partition(": ") for part in words.split("; ")]
    named = [(STORIES.get(story, f"{story[:1].upper()}{story[1:]}"), dots, group) for story, dots, group in parts]
    return "; ".join(map("".join, named))


def of_setting(name: str) -> str:
    """Return a setting of the rule as people read it: "Weights: severity" of ``weights.severity``."""
    words = name.replace("_", " ").replace(".", ": ")
    return f"{words[:1].upper()}{words[1:]}"


def of_value(text: str) -> str:
    """Return the value of a setting without the marks and codes of a file.

    Examples
    --------
    >>> of_value('["age_sex", "crude"]'), of_value("ethnic_group"), of_value("0.1")
    ('age sex, crude', 'ethnic group', '0.1')
    """
    text = re.sub(r"[\[\]\"']", "", text) if text.startswith("[") else text.strip('"')
    return text.replace("_", " ") if re.fullmatch(r"[a-z_, ]+", text) else text
