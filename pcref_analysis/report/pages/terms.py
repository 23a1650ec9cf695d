"""The words that readers may not know: explained once, one touch away from where each first stands on a page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

TOKEN = re.compile(r"(<[^>]*>)")
NOT_IN = frozenset(
    ["a", "h1", "h2", "h3", "summary", "caption", "figcaption", "table", "strong", "dt", "code"]
)  # no link in these


@dataclass(frozen=True)
class Term:
    """A word, what it means, and the words of a text (a regular expression) that lead to it."""

    name: str
    word: str
    meaning: str
    found: str


def known() -> list[Term]:
    """Return the terms in the order of the definitions page."""
    return [
        Term("comparator", "Comparator",
             "The group that the others are compared with. A choice, not a standard.", "comparators?"),
        Term("ratio", "Ratio",
             "How many times the comparator’s level: at 2 twice as high, at 0.5 half as high, at 1 the same.",
             "ratios?"),
        Term("interval", "Interval",
             ("Between which values the true level plausibly lies. A wide interval means that the figures cannot be "
                 "sure."), "intervals?"),
        Term("adjusted", "After age and sex; after deprivation",
             "As if the groups were of the same ages and sexes, or lived in equally deprived areas.",
             "allowing for age|after age|before adjustment|adjust(?:ing|ment)"),
        Term("age", "Age",
             ("Groups are compared by the age at the start of the financial year. Where an NHS measure takes the "
                 "age at the referral, at the contact or at discharge, the definition says so."), ""),
        Term("median", "Median",
             "Half lasted shorter, half longer. A few very long ones do not move it.", "median"),
        Term("clear", "Clear, possible",
             ("Clear: larger than the margin that was agreed to matter, and unlikely to be chance over all "
                 "comparisons made. Possible: it may be."), "(?:clear|possible) gaps?"),
        Term("margin", "Margin",
             "How large a gap has to be to matter. Agreed before results were seen.", "margin"),
        Term("band", "Band",
             "Items that chance alone could put in another order. Within a band the order means little.",
             "bands?"),
        Term("sure", "How sure", "The chance that the gap is larger than that margin.", ""),
        Term("anywhere", "Could be anywhere from",
             "The places on the list where chance alone could put an item.", ""),
        Term("trust", "Firm, with care",
             ("Firm: whatever the ethnic group of the people is for whom it is not recorded, the gap stays on its "
                 "side of 1. With care: it may not, or this cannot be worked out."), ""),
        Term("unknown", "Unknown ethnic group",
             "Not stated, not known or missing. Shown, and never counted in Other.",
             "Unknown|unknown ethnic groups?"),
        Term("funnel", "Limits of a funnel",
             "How far teams of one task may differ by chance alone. Beyond them is a question, not a verdict.",
             "99.8% limits|funnel"),
        Term("marks", "[c], [x], [z]",
             "Suppressed to protect people; not available, not recorded or too few; not applicable.",
             "suppressed"),
    ]  # fmt: skip


def linked(html: str, terms: Sequence[Term] | None = None) -> str:
    """Return a page's HTML where each term leads to its meaning from the place where it first stands in a sentence.

    Headings, tables, links and summaries are left as they are.

    Examples
    --------
    >>> linked("<h2>Ratios</h2><p>Ratios and ratios.</p>").count("<a")
    1
    """
    left = {one.name: re.compile(rf"\b(?:{one.found})\b") for one in terms or known() if one.found}
    parts, inside = TOKEN.split(html), []
    for at, part in enumerate(parts):
        tag = re.match(r"</?([a-z0-9]+)", part)
        if tag:
            closing = part.startswith("</")
            if not closing and tag[1] in NOT_IN:
                inside.append(tag[1])
            elif closing and inside and inside[-1] == tag[1]:
                inside.pop()
        elif part.strip() and not inside:
            parts[at] = _first(part, left)
    return "".join(parts)


def _first(text: str, left: dict[str, re.Pattern[str]]) -> str:
    """Link the terms of one piece of text that have not stood before; those used are taken from ``left``."""
    hits = sorted((hit.start(), hit.end(), name) for name, one in left.items() if (hit := one.search(text)))
    out, end = [], 0
    for start, stop, name in hits:
        if start >= end:
            out += [text[end:start], f'<a class="term" href="definitions.html#word-{name}">{text[start:stop]}</a>']
            end = stop
            del left[name]
    return "".join([*out, text[end:]])
