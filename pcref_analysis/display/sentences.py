"""Sentences that depend on the data: each is made of released tables or of the catalogue's names, never of counts.

They are Markdown; names and reasons that people write stand in them as text (:func:`safe_html.words`).
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from pcref_analysis.display import formats
from pcref_analysis.display.output import Shown
from pcref_analysis.display.safe_html import words as plain
from pcref_analysis.published.completeness import INCOMPLETE


def available(names: Sequence[str], domain: str, id: str) -> Shown:
    """Say which indicators of a domain these data do not hold: a gap in what we know, not a zero."""
    if not names:
        return _said(f"All {domain} indicators of the catalogue can be worked out from these data.", id)
    listed = "\n".join(f"- {plain(name)}" for name in names)
    return _said(
        f"These data do not hold what the following {domain} indicators need. Not available is not zero: it is a "
        f"question that these data cannot answer yet.\n\n{listed}",
        id,
    )


def listed(lines: Sequence[str], id: str, none: str = "Nothing.") -> Shown:
    """Say ready sentences as a list; they may hold no count of people in care."""
    return _said("\n".join(f"- {plain(line)}" for line in lines) or plain(none), id)


def unknown(released: Any, id: str) -> Shown:
    """Say how far the share of events without a known ethnic group reaches over the indicators."""
    frame = released.table.dropna(subset=["estimate"]).sort_values("estimate")
    if frame.empty:
        return _said("How many records have no known ethnic group cannot be shown.", id, released)
    least, most = frame.iloc[0], frame.iloc[-1]
    if most["estimate"] == 0:
        some = "Where the share can be shown, ethnic group is known for everyone, or nearly everyone, who is counted."
        return _said(some, id, released)
    care = frame[frame["indicator"] == "ethnicity_known"]["estimate"]
    first = f"We do not know the ethnic group of {care.iloc[0]:.3g}% of people in our care. " if len(care) else ""
    low, high = (f"{one['estimate']:.3g}% ({_lower(one['indicator_name'])})" for one in (least, most))
    span = f"between {low} and {high}" if least["estimate"] < most["estimate"] else f"{most['estimate']:.3g}%"
    return _said(
        f"{first}It is not known for {span} of what is counted. Those people are shown as Unknown. Their ethnic groups "
        "could change comparisons: each says how far, where we can tell.",
        id,
        released,
    )


def teams(released: Any, parameters: Any, id: str) -> Shown:
    """Say which teams lie beyond the limits of the funnel, and what that does not mean; or why none are compared."""
    frame = released.table
    if frame.empty:
        lacking = (
            "the extract gives no codes of teams (MHS101Referral.TeamID; what may be a name is none), or not "
            "of two teams with enough people"
        )
        why = "published figures do not name them" if parameters.source.kind == "published" else lacking
        return _said(f"Teams are not compared: {why}.", id, released)
    drawn = frame[frame["target"].notna()]
    if drawn.empty:
        return _said("Teams are not compared: too few counts can be shown, or all teams are alike.", id, released)
    sides = {"less often": "above", "more often": "below"}  # it is known less often where the unknown are many
    beyond = {word: drawn.loc[drawn["signal"] == f"{side} 99.8%", "team"] for word, side in sides.items()}
    found = [f"{word} in {len(names)} ({plain(', '.join(names))})" for word, names in beyond.items() if len(names)]
    chance = "chance and the usual differences between teams" if drawn["tau_squared"].iloc[0] > 0 else "chance"
    outside = f"it is known {' and '.join(found)} than" if found else "none is beyond what"
    hidden = int(frame["team"].str.startswith("Team ").sum()) - len(drawn)
    small = f", nor {formats.count(hidden, 'team')} whose numbers cannot be shown" if hidden else ""
    outer, usual = int(drawn["signal"].ne("").sum()), max(round(0.05 * len(drawn)), 1)
    return _said(
        f"Ethnic group is not known for {drawn['target'].iloc[0]:.3g}% of people over all teams (somebody in the "
        f"care of two counts in both). Of {formats.count(len(drawn), 'team')}, {outside} {chance} would give (99.8% "
        f"limits). Beyond the 95% limits {formats.several('lies {n}', 'lie {n}', outer)}; about {usual} would by "
        "chance alone. A team beyond the limits is a question, not a verdict: ask first how its records reach this "
        "extract, then whom it sees, then how it asks. This does not show whether a recorded group is the right one, "
        f"nor, where counts are rounded, on which side of a line a team close to it lies{small}. Asking is one task "
        "that teams share; ethnic groups share none, and are never put on a funnel.",
        id,
        released,
    )


def in_short(released: Any, id: str) -> Shown:
    """Count what the draft list holds: gaps to discuss, strengths, questions that the data cannot answer."""
    lists = released.table["list"].value_counts()
    bands = released.table.loc[released.table["list"] == "priority", "band"].nunique()
    first, watch = int(lists.get("priority", 0)), int(lists.get("watch", 0))
    gaps = released.table.loc[released.table["list"] == "evidence_gap", "indicator"].nunique()
    strengths, unclear = int(lists.get("strength", 0)), int(lists.get("unclear", 0))
    parts = [
        f"**{formats.count(first, 'gap')} to discuss** in {formats.count(bands, 'band')}" if first
        else "**No gap is both clear of chance and larger than the margin agreed to matter**; that is no proof that "
        "there is none",
        f"**{formats.count(watch, 'possible gap')} to watch**" if watch else "",
        f"**{formats.count(unclear, 'comparison')} that could not tell** whether there is a gap that matters" if unclear
        else "",
        f"**{formats.count(strengths, 'strength')}**" if strengths else "",
        f"**{formats.count(gaps, 'question')} our data cannot answer yet**" if gaps else "",
    ]  # fmt: skip
    aside = released.table.loc[released.table["list"] == "unclear", ["lower", "upper"]]
    one_side = int(((aside["lower"] > 1) | (aside["upper"] < 1)).sum())
    has = formats.several("{n} has", "{n} have", one_side)
    alone = (
        f"Of those that could not tell, {has} an interval wholly on one side of 1 taken alone; by the rule "
        "that is not enough, over all comparisons made and with the agreed margin. "
        if one_side
        else ""
    )
    reasons = released.table.loc[released.table["flag"].notna(), ["name", "flag", "flag_reason"]].drop_duplicates()
    if flagged := len(reasons):
        parts.append(f"**{formats.count(flagged, 'recording matter')}** to put right first")
    part = list(dict.fromkeys(reasons.loc[reasons["flag"].astype("str").str.contains(INCOMPLETE), "name"]))
    first_of_all = (
        f"**First: the records may be incomplete** ({'; '.join(map(_lower, part))}). Of these nothing is said here: "
        "records that are missing can look like equality. "
        if part
        else ""
    )
    return _said(
        f"{first_of_all}{'; '.join(filter(None, parts))}. {alone}This is a draft for discussion: people decide, not "
        "numbers.",
        id,
        released,
    )


def agreed(made: Mapping[str, Any], parameters: Any, id: str) -> Shown:
    """Say who discussed the list and what that changed; where nobody has, how to record it."""
    changes, since = made["changes"].table, made["since"].table
    begins = "The list starts from that of an earlier period. " if len(since) else ""
    if changes.empty:
        words = (
            f"{begins}**This list has not been discussed yet.** What a meeting changes will stand here, with who, when "
            "and why."
        )
    else:
        who, number = plain(formats.joined(changes["who"].unique())), len(changes)
        words = (
            f"{begins}**Discussed by {who}**, last on {formats.dates(changes['when'].max())}: "
            f"{formats.count(number, 'change')}, each with its reason. The draft stays on this page."
        )
    return _said(words, id, *made.values())


def _said(words: str, id: str, *released: Any) -> Shown:
    text = html.unescape(words)
    record = {"id": id, "kind": "text", "title": "", "text": text, "sources": [one.name for one in released]}
    return Shown(record=record, text=text, markdown=words)


def _lower(name: str) -> str:
    return plain(name[:1].lower() + name[1:])
