"""What the landing page, the board paper and the easy-read page say: one set of sentences, of released tables alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pandas as pd

from pcref_analysis.display import figures, formats, output
from pcref_analysis.priorities import agreed_list, draft_list, gap_over_time, wording
from pcref_analysis.report.pages import last_edition, quality
from pcref_analysis.vocabulary import ethnicity, indicators
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import Parameters, project_path

INCOMPLETE, EQUALITY = "First: the records may be incomplete", "can look like equality."
LARGE = 1.5  # a ratio in England that every report says
MOST = 5  # points; three to seven can be read at one sitting
PAGES = {domain: f"{notebook}.html" for domain, notebook in draft_list.NOTEBOOKS.items()}
NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Point:
    """One item of the list as a reader meets it."""

    title: str
    words: str
    trend: str
    trust: str  # "Firm", "With care", "No figures"
    why: str
    done: str
    page: str = ""
    plain: tuple[str, ...] = ()  # as the easy-read page says it, a sentence a finding
    ratio: tuple[float, ...] | None = None  # with limits, and the step that they are rounded to
    sources: tuple[str, ...] = field(default=(), repr=False)  # the released rows that its numbers come from
    size: str = ""  # "2.0 times", "28% lower"; of several findings each
    moved: str = ""  # "narrower", "wider", "cannot tell"; nothing where there is no figure
    state: str = ""  # of what was done: "planned", "under way", "done", "stopped"
    shown: Mapping[str, str] = field(default_factory=dict)  # what the dashboard has to choose to show it
    years: str = ""  # that the ratio is of, such as "2021-22 to 2023-24" where events are counted together


@dataclass(frozen=True)
class MainPoints:
    """The list that people agreed, or the draft where nobody has discussed it, and what stands around it."""

    heading: str
    lead: str
    compared: str
    points: tuple[Point, ...]
    more: int  # further items on the list
    data: str  # how well ethnic group is recorded
    in_short: str
    strengths: tuple[str, ...]
    since: tuple[str, ...]
    agreed: bool
    sources: tuple[str, ...] = field(default=(), repr=False)
    whose: str = ""  # of published figures: the board's, and the Trust's share of them
    versus: str = ""  # who is compared with whom, as a short answer


def of(records: Sequence[Mapping[str, Any]], parameters: Parameters) -> MainPoints:
    """Return the main points of an edition, of the released records of its notebooks (``output_check.collect``)."""
    frames = output.frames(records)
    text = {one["id"]: one.get("text", "") for one in records if one["kind"] == "text"}
    findings = frames.get("priorities-findings", pd.DataFrame(columns=["item", "rank", "list", "indicator"]))
    draft = frames.get("priorities-draft", pd.DataFrame(columns=["item"]))
    changes = frames.get("priorities-changes", pd.DataFrame(columns=["who", "when"]))
    adjusted = frames.get("priorities-adjusted", pd.DataFrame())
    since = frames.get("priorities-since", pd.DataFrame(columns=["item", "words"]))
    earlier = bool(parameters.previous) and agreed_list.discussed(project_path(parameters.previous))
    agreed = bool(len(adjusted)) and bool(len(changes) or (len(since) and earlier))
    listed = adjusted[adjusted["place"].notna()].sort_values("place") if agreed else draft
    gaps = [table for name, table in frames.items() if name.endswith("-gaps") and "estimate" in table]
    trend = (
        gap_over_time.compared(pd.concat(gaps), parameters.comparator, parameters.period, list(parameters.breaks))
        if gaps
        else None
    )
    material = {
        "findings": findings,
        "trend": trend,
        "unknown": frames.get("recording-unknown", pd.DataFrame()),
        "outcomes": frames.get("priorities-outcomes", pd.DataFrame(columns=["item"])),
    }
    points = tuple(_point(row, material, parameters) for row in listed.head(MOST).to_dict("records"))
    strengths = frames.get("priorities-strengths", pd.DataFrame(columns=["name", "ethnic_groups", "evidence"]))
    data = text.get("recording-in-short", "")
    lines = text.get("recording-residents", "").splitlines() if parameters.source.kind == "published" else []
    whose = " ".join(line.removeprefix("- ") for line in lines[1:])  # the first says whose residents
    in_short = text.get("priorities-in-short", "").replace("**", "")
    if in_short.startswith(INCOMPLETE):  # before any gap, and before any "no gap"
        whose = f"{in_short.partition(EQUALITY)[0]}{EQUALITY} {whose}".strip()
    usual, rows = _england(frames.get("england", pd.DataFrame(columns=["ratio"])), parameters)
    whose = f"{whose} {usual}".strip()
    moved, compared = list[str](), ""
    if parameters.previous:
        folder = project_path(parameters.previous)
        moved, compared = last_edition.changes(frames, folder, parameters)
    sentence_of_comparator, versus = compared_with(parameters)
    used = [
        compared,
        *(source for point in points for source in point.sources),
        data,
        whose.removesuffix(usual),
        rows,
        formats.values(changes),
        formats.values(since),
        formats.values(strengths),
    ]
    return MainPoints(
        heading="What people agreed to put first" if agreed else "Draft priorities, not yet discussed",
        lead=_lead(points, changes, agreed),
        compared=sentence_of_comparator,
        versus=versus,
        whose=whose,
        points=points,
        more=max(0, len(listed) - len(points)),
        data=data,
        in_short=in_short,
        strengths=tuple(f"{r.name}: {_groups(r.ethnic_groups, parameters)} ({r.evidence})"
                        for r in strengths[["name", "ethnic_groups", "evidence"]].itertuples(index=False, name="Row")),
        since=(*(f"{_title(r.item, findings, parameters)}: {r.words}" for r in since.itertuples()), *moved),
        agreed=agreed,
        sources=(*used, f"{parameters.level * 100} {max(0, len(listed) - len(points))}"),
    )  # fmt: skip


def compared_with(parameters: Parameters) -> tuple[str, str]:
    """Return who is compared with whom: in a sentence, and as a short answer with what the comparator holds."""
    table = ethnicity.categories()
    inside = table.loc[table["broad_group"].eq(parameters.comparator), "ethnic_group"].tolist()
    if len(inside) < 2:
        held = within = ""
    else:
        named = formats.joined([*inside[:-1], f"{inside[-1][:1].lower()}{inside[-1][1:]}"])
        held, within = f" (here {named})", f" ({named})"
    group = ethnicity.the_group(parameters.comparator)
    return (
        f"Every group is compared with {group}{held}. That is a choice for comparison, not a standard of what is right."
    ), f"{group[:1].upper()}{group[1:]}{within}: a choice, not a standard."


def figure(points: MainPoints, parameters: Parameters) -> output.Shown | None:
    """Return the one figure of the landing page and the board paper; ``None`` where no point has a ratio."""
    rows = [(p.title, *p.ratio, parameters.comparator) for p in points.points if p.ratio]
    columns = ["title", "ratio", "lower", "upper", "rounded_to", "comparator"]
    if not rows:
        return None
    shown = SimpleNamespace(
        table=pd.DataFrame(rows, columns=columns), synthetic=parameters.synthetic, audience=parameters.audience
    )
    of = [point.years for point in points.points if point.ratio]
    first, last = min(label[:7] for label in of), max(label[-7:] for label in of)
    years = financial_year(first if first == last else f"{first} to {last}")
    return figures.main_points(shown, "main-points-figure", f"The gaps that come first, {years}", "priorities-draft")


def pictures(points: MainPoints, parameters: Parameters) -> dict[str, tuple[bytes, str]]:
    """Return the figure of each point by itself (PNG) and what it says, by the number of the point."""
    each = {str(n): figure(replace(points, points=(one,)), parameters) for n, one in enumerate(points.points, start=1)}
    return {number: (drawn.png, drawn.record["alt"]) for number, drawn in each.items() if drawn}


def check(name: str, text: str, points: MainPoints, facts: Mapping[str, Any]) -> None:
    """Compare every number of a document with the released rows that its sentences were made of.

    Raises
    ------
    PcrefError
        If the document holds a number that none of its sources holds; the message names the document and how many,
        never the number.
    """
    counted = " ".join(map(str, range(len(points.points) + 1)))  # the points themselves, in no table
    odd = unknown(text, [*points.sources, counted, *map(str, facts.values()), formats.dates(str(facts))])
    if odd:
        raise PcrefError(fault(name, odd))


def fault(name: str, odd: Sequence[float]) -> str:
    """Return the message for a document that holds numbers of no released table; it names none of them."""
    return (
        f"output check: {name} holds {formats.count(len(odd), 'number')} that no released table holds; nothing was "
        "published. If nobody has changed the templates, this is a fault of pcref: please report it."
    )


def unknown(text: str, sources: Iterable[str]) -> list[float]:
    """Return the numbers of a text that none of its sources holds, whole or rounded as the text may show them."""
    allowed: set[float] = set()
    for token in {token for source in sources for token in _numbers(source)}:
        allowed |= {token, *(round(token, places) for places in range(7)), *_cut(token)}
    return [number for number in _numbers(text) if number not in allowed]


def _numbers(text: str) -> list[float]:
    return [float(found.replace(",", "")) for found in NUMBER.findall(text)]


def _cut(number: float) -> set[float]:
    return {float(f"{number:.{digits}g}") for digits in (2, 3)}


def _england(table: pd.DataFrame, parameters: Parameters) -> tuple[str, str]:
    """Return England's largest ratio of each measure, in words, and the released rows that say so."""
    table = table[table["ratio"].ge(LARGE)]
    if table.empty:
        return "", ""
    terms = wording.words(parameters.terms)
    most = table.sort_values("ratio", ascending=False).drop_duplicates("indicator")
    said = [f"{one.indicator_name}: {formats.ratio(one.ratio)} times, {wording.people(one.ethnic_group, terms)}"
            for one in most.itertuples()]  # fmt: skip
    return (
        f"In England as a whole, against {wording.people(parameters.comparator, terms)}: {'; '.join(said)}. Small "
        "numbers here can hide the same gap.",
        formats.values(most),
    )


def _groups(names: str, parameters: Parameters) -> str:
    terms = wording.words(parameters.terms)
    return ", ".join(wording.people(name, terms) for name in str(names).split("; "))


def _title(item: str, findings: pd.DataFrame, parameters: Parameters) -> str:
    """Return the name of an item in plain words: of a finding its indicator and whom it is about."""
    rows = findings[findings["item"].eq(item)]
    if rows.empty:
        return item[:1].upper() + item[1:]
    lead = rows.sort_values("rank").iloc[0]
    return f"{lead['name']}: {wording.people(lead['ethnic_group'], wording.words(parameters.terms))}"


def _lead(points: Sequence[Point], changes: pd.DataFrame, agreed: bool) -> str:
    if not points:
        return (
            "We could not tell whether there is a gap that matters. That is not proof that there is none: small groups "
            "may have too few events for any figure."
        )
    if not agreed:
        return (
            "A written rule made this list of the figures. It goes to patients, carers and communities, who may change "
            "it; what they change will stand here with their reasons."
        )
    who = formats.joined(dict.fromkeys(changes["who"]))
    day = formats.dates(changes["when"].max()) if len(changes) else ""
    rest = "The list that the figures alone proposed is part of the report, with every change."
    return f"Agreed by {who}, last on {day}. {rest}" if who else f"Agreed. {rest}"


def _point(item: dict[str, Any], material: dict[str, Any], parameters: Parameters) -> Point:
    findings, trend = material["findings"], material["trend"]
    holds = str(item["holds"]).split("; ") if formats.has(item.get("holds")) else [item["item"]]
    found = findings[findings["item"].isin(holds) & findings["rank"].notna()]
    found = found.sort_values("rank").drop_duplicates("item")
    done, state, outcome = _done(item["item"], material["outcomes"])
    own = any(word in str(item.get("change", "")) for word in ("added", "merged", "split", "reworded"))
    title = _title(item["item"], findings, parameters)
    if found.empty:
        why = "This comes from what people have lived through. No figures show it yet, and that makes it no smaller."
        if formats.has(item.get("evidence")) and not re.search("lived experience|no figures", item["evidence"]):
            why = "These words are of an earlier edition; this one has no figure. The gap may be there still."
        words = str(item.get("wording", ""))
        return Point(title, words, "There are no figures to compare.", "No figures", why, done, plain=(words,),
                     state=state, sources=(words, outcome, title))  # fmt: skip
    sentences = [sentence(row, named=len(found) > 1) for row in found.to_dict("records")]
    words = " ".join([str(item.get("wording", "")), *sentences] if own else sentences)
    lead = found.iloc[0].to_dict()
    there = wording.elsewhere(lead)
    words += f" {there}." if there else ""
    keys = ("indicator", "ethnic_group")
    earlier = trend[(trend[[*keys]] == [lead[k] for k in keys]).all(axis=1)] if trend is not None else pd.DataFrame()
    unknown = material["unknown"]
    share = unknown[unknown["indicator"].eq(lead["indicator"])] if len(unknown) else unknown
    trust, why = quality.of_finding(lead, share)
    ratio = tuple(float(lead[name]) for name in ("ratio", "lower", "upper", "rounded_to"))
    return Point(
        title, words, _trend(earlier, parameters, lead["adjustment"]), trust, why, done, PAGES.get(lead["domain"], ""),
        tuple(_easy(row, parameters, named=len(found) > 1) for row in found.to_dict("records")),
        ratio=ratio if formats.known(lead["ratio"]) else None, years=_years_of(lead),
        size=", ".join(dict.fromkeys(_size(row) for row in found.to_dict("records"))),
        moved=earlier.iloc[0]["verdict"] if len(earlier) else "",
        state=state,
        shown={"domain": str(lead["domain"]).capitalize(), "indicator": str(lead["name"]), "measure": "ratio",
               "comparator": str(lead["comparator"]), "year": str(lead["period"])},
        sources=(*map(formats.values, (found, earlier, share)), there, *map(financial_year, years(found)), outcome,
                 str(item.get("wording", "")), title),
    )  # fmt: skip


def _years_of(row: Mapping[str, Any]) -> str:
    """Return the years of a finding: several where events are counted together."""
    return str(row["years"] if isinstance(row.get("years"), str) else row["period"])


def years(found: pd.DataFrame) -> list[str]:
    """Return the years that findings are of."""
    return sorted({*found["period"], *(found["years"].dropna() if "years" in found else ())})


def sentence(row: Mapping[str, Any], named: bool) -> str:
    """Return one finding in the words of its released table, with its years as people say them."""
    years = _years_of(row)
    said = wording.main_sentence(row).removeprefix(f"{years}, ")
    words = f"from {financial_year(years)}, {said[:1].lower()}{said[1:]}"
    return f"{row['name']}: {words}" if named else f"F{words[1:]}"


def financial_year(period: str) -> str:
    """Return a financial year, or several that follow each other, as people say it.

    Examples
    --------
    >>> financial_year("2023-24"), financial_year("2021-22 to 2023-24")
    ('April 2023 to March 2024', 'April 2021 to March 2024')
    """
    return f"April {period[:4]} to March {int(period[-7:-3]) + 1}"


def _trend(earlier: pd.DataFrame, parameters: Parameters, adjustment: str = "") -> str:
    """Say whether a gap moved; where not by the ``adjustment`` that is shown of now, by which."""
    if earlier.empty:
        return "We cannot tell: no earlier year has a figure to compare with."
    row = earlier.iloc[0]
    then, now = (_with_limits(row, end) for end in ("then", "now"))
    chance = parameters.source.kind != "published"  # of those, growth of a group may be the reason too
    first = {
        "narrower": "Yes: the gap is narrower.",
        "wider": "No: the gap is wider.",
        "cannot tell": "We cannot tell: chance alone may explain a change like this." if chance else "We cannot tell.",
    }[row["verdict"]]
    by = row.get("adjustment", adjustment)  # the fullest that both years have
    allowed = f" {wording.words(parameters.terms)['adjusted'][by]}" if by != adjustment else ""
    said = [first, f"The ratio{allowed} was {then} in {row['period_then']} and {now} in {row['period_now']}."]
    if formats.known(row.get("england_then")) and formats.known(row.get("england_now")):
        england = {end: formats.ratio(row[f"england_{end}"]) for end in ("then", "now")}
        said.append(f"In England it was {england['then']} and {england['now']}.")
    if parameters.source.kind == "published":
        said.append("How publishers count may have changed between.")
        known = indicators.catalogue().get(row["indicator"])
        if known and known.at_risk == "residents":  # of one census, since no other is published by ethnic group
            said.append("Residents are those of one census for every year: growth of a group may look like a change.")
            if formats.known(row.get("grown")) and row["grown"] != 1:
                said.append(
                    "If the group grew here as it did in England between censuses, that alone would make the ratio "
                    f"{formats.ratio(row['grown'])} times as high as it was."
                )  # fmt: skip
    return " ".join(said)


def _with_limits(row: pd.Series, end: str) -> str:
    """Return the ratio of one of the two years with its limits, and its step where that is a coarser one."""
    step = row.get(f"rounded_to_{end}")
    ratio, low, high = (row[f"{name}_{end}"] for name in ("estimate", "lower", "upper"))
    ratio, low, high = formats.three(ratio, low, high, rounded_to=step)
    return f"{ratio} ({low} to {high}{formats.nearest(step)})"


def _size(row: Mapping[str, Any]) -> str:
    """Return how large a gap is in two words, for a list of titles."""
    if formats.has(row["none_of"]) or not formats.known(row["ratio"]):  # of none nothing is said in per cent
        return "none where some were expected"
    times = formats.times(row["ratio"])
    return times.removesuffix(" that").removesuffix(" than").removesuffix(" as")


def _easy(row: Mapping[str, Any], parameters: Parameters, named: bool) -> str:
    """Say a finding as one idea: more often, less often; the number only where it helps."""
    said = _in_easy_words(row, parameters)
    return f"{row['name']}: {said[:1].lower()}{said[1:]}" if named else said


def _in_easy_words(row: Mapping[str, Any], parameters: Parameters) -> str:
    terms = wording.words(parameters.terms)
    who, others = (wording.people(row[name], terms) for name in ("ethnic_group", "comparator"))
    if formats.has(row["none_of"]):
        about = formats.rounded(row["none_of"])
        return f"There were none for {who}. At the level of {others} there would be about {about}."
    if not formats.known(row["ratio"]):
        return wording.main_sentence(row)
    how = formats.times(row["ratio"])
    if how.endswith("times that"):
        return f"This was {how.removesuffix(' that')} as high for {who} as for {others}."
    *first, last = how.split()
    return f"This was {' '.join(first)} for {who} {last} for {others}."


def _done(item: str, outcomes: pd.DataFrame) -> tuple[str, str, str]:
    """Return what was done about an item, its state, and the released row that says so."""
    rows = outcomes[outcomes["item"].eq(item)]
    if rows.empty or not formats.has(rows.iloc[0].get("did")):
        return "No action is recorded here yet.", "", ""
    row = rows.iloc[0]
    state = str(row["state"])
    labels = {"owner": "Who answers for it", "due": "Due", "measure": "How we will know that it worked"}
    done = f"{state[:1].upper()}{state[1:]} ({row['who']}, {formats.dates(row['when'])}): {row['did']}"
    known = {name: formats.dates(row[name]) for name in labels if formats.has(row.get(name))}
    done += "".join(f" {labels[name]}: {str(text).rstrip('.')}." for name, text in known.items())
    return done, state, f"{formats.values(rows)} {formats.dates(row['when'])} {known.get('due', '')}"
