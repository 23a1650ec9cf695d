"""Every sentence of the draft list in one place, so that an advisory group can change it.

The sentences say what is known, how sure it is, and what it does not show. None says why a gap is there, and
none decides anything. ``TERMS`` holds the words that groups differ about; a run may replace any of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd
from scipy.special import ndtri

from pcref_analysis.display import formats
from pcref_analysis.priorities.findings import EVERY_GROUP, years_of
from pcref_analysis.vocabulary import ethnicity
from pcref_analysis.vocabulary.errors import PcrefError, did_you_mean

TERMS: dict[str, Any] = {
    "people": "{group} people",
    "people_by_background": "people of {group} ethnicity",
    "groups": {  # how a group is spoken of, where the template above reads badly
        "Asian or Asian British": "Asian people",
        "Black or Black British": "Black people",
        "Mixed": "people with a Mixed or multiple ethnic background",
        "Other ethnic groups": "people recorded in the Other ethnic group (Chinese and any other)",
        "All other groups": "everyone outside this group",
        "Whole population": "everyone",
        EVERY_GROUP: "each ethnic group",
    },
    "adjusted": {
        "crude": "without allowing for age, sex or deprivation",
        "age": "after allowing for age",
        "age_sex": "after allowing for age and sex",
        "age_sex_imd": "after allowing for age, sex and deprivation",
    },
    "level": {"rate": "rate", "percent": "percentage", "mean": "average"},
    "not_why": "The numbers do not say why.",
    "not_decided": "What becomes a priority is for people to decide.",
    "nothing": "We could not tell whether there is a gap that matters in {unclear} comparisons, and {missing} had no "
    "figure. None of the others is both clear of chance and larger than the margin agreed to matter.",
}
BRACES = re.compile(r"\{[^{}]*\}|[{}]")
TOLD = 1.5  # a ratio that a comparison should be able to tell from none: sets the years needed


def words(changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the terms with a run's changes; nested terms are replaced one by one.

    Raises
    ------
    PcrefError
        If a term is not one of :data:`TERMS`, or is not written as it is.
    """
    changes = dict(changes or {})
    if odd := sorted(set(changes) - set(TERMS)):
        raise PcrefError(f"terms: unknown term(s) {', '.join(odd)}; terms are {', '.join(TERMS)}.")
    for key, value in changes.items():
        several = isinstance(TERMS[key], dict)
        usual, said = (TERMS[key], value) if several else ({key: TERMS[key]}, {key: value})
        if not isinstance(said, dict):
            raise PcrefError(f"terms.{key}: must hold 'name: text' lines.")
        names = [*usual, *ethnicity.BROAD_GROUPS, *ethnicity.known_groups()] if key == "groups" else [*usual]
        for name, text in said.items():
            where = f"terms.{key}.{name}" if several else f"terms.{key}"
            if name not in names:
                raise PcrefError(f"{where}: unknown name.{did_you_mean(name, names)}")
            if not isinstance(text, str):
                raise PcrefError(f"{where}: must be text: put it in quotation marks.")
            if odd := sorted({*BRACES.findall(text)} - {*BRACES.findall(usual.get(name, ""))}):
                raise PcrefError(f"{where}: nothing is put in for {', '.join(odd)}.")
    return {key: value | changes.get(key, {}) if isinstance(value, dict) else changes.get(key, value)
            for key, value in TERMS.items()}  # fmt: skip


def people(group: str, terms: Mapping[str, Any]) -> str:
    """Return how the people of an ethnic group are spoken of."""
    if group in terms["groups"]:
        return str(terms["groups"][group])
    if group.startswith("Any other"):
        return f"people of {group[0].lower()}{group[1:]}"
    return str(terms["people_by_background" if " and " in group else "people"]).format(group=group)


def first_draft(table: pd.DataFrame, terms: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """Return the words for each row of a list.

    ``wording`` (what is known), ``how_sure``, ``not_shown``, ``would_close``; and for a short table ``ratio_text``
    ("3.5 (2.5 to 4.0)"), ``amount`` ("75 more"), ``certainty_text`` ("at least 99%") and ``rank_text`` ("2 to 10").
    """
    terms = words(terms)
    columns = ["wording", "how_sure", "not_shown", "would_close"]
    columns += ["ratio_text", "amount", "certainty_text", "rank_text"]
    family = int(table["p_value"].notna().sum())
    rows = [
        (_known(row, terms), _how_sure(row, family), _not_shown(row, terms), _would_close(row), *_in_figures(row))
        for row in table.to_dict("records")
    ]
    return pd.DataFrame(rows, index=table.index, columns=columns)


def in_short(table: pd.DataFrame, terms: Mapping[str, Any] | None = None) -> str:
    """Return the list in one sentence; where there is no clear gap, say so."""
    terms = words(terms)
    number = table["list"].value_counts().to_dict()
    missing = int(table.loc[table["list"] == "evidence_gap", "indicator"].nunique())
    if not number.get("priority"):
        unclear, lacking = number.get("unclear", 0) + number.get("watch", 0), number.get("evidence_gap", 0)
        if not unclear + number.get("strength", 0):
            return f"No gap can be seen or ruled out: {formats.count(lacking, 'comparison')} had no figure."
        return str(terms["nothing"]).format(unclear=unclear, missing=lacking)
    counts = [
        (number.get("watch", 0), "possible gap", "to watch"),
        (number.get("unclear", 0), "comparison", "that could not tell"),
        (number.get("strength", 0), "comparison", "equal or better"),
        (missing, "indicator", "with a question that our data cannot answer yet"),
        (number.get("recording", 0), "figure", "that may be a matter of recording"),
    ]
    first = (
        f"{formats.count(number['priority'], 'gap')} to discuss in {formats.count(int(table['band'].max()), 'band')}"
    )
    return ", ".join([first, *(f"{formats.count(n, word)} {rest}" for n, word, rest in counts if n)]) + "."


def main_sentence(row: Mapping[str, Any]) -> str:
    """Return the first sentence of a finding's released wording: without its name, and without the bounds after it."""
    return str(row["wording"]).removeprefix(f"{row['name']}: ").removesuffix(_bounds(row))


def _known(row: dict[str, Any], terms: Mapping[str, Any]) -> str:
    who, others = people(row["ethnic_group"], terms), people(row["comparator"], terms)
    if row["evidence"] == "recording" and isinstance(row["flag"], str):
        reason = f" {row['flag_reason']}" if isinstance(row["flag_reason"], str) else ""
        return f"{row['name']}, {who}: {row['flag']}.{reason} This is first a question about records; it is not ranked."
    if row["evidence"] == "no figure" and row["ethnic_group"] == EVERY_GROUP:
        return f"{row['name']}: there are no figures by ethnic group."
    if row["evidence"] == "no figure" or not (formats.has(row["ratio"]) or formats.has(row["none_of"])):
        note = f" ({row['note']})" if isinstance(row["note"], str) and row["note"] else ""
        return f"{row['name']}: these figures cannot say how {who} compare with {others}{note}."
    if formats.has(row["none_of"]):
        return (
            f"{row['name']}: none among {who}, where about {formats.rounded(row['none_of'])} would be expected at the "
            f"level among {others}."
        )
    level = terms["level"][row["measure"]]
    over = f"{row['years']}, " if isinstance(row.get("years"), str) else ""
    opening = (
        f"{row['name']}: {over}{terms['adjusted'].get(row['adjustment'], row['adjustment'])}, the {level} among {who} "
    )
    ratio, low, high = formats.three(row["ratio"], row["lower"], row["upper"], rounded_to=row.get("rounded_to"))
    step = formats.nearest(row.get("rounded_to"))
    interval = f"{100 * row['level']:.4g}% interval {low} to {high}{step}"
    sentence = f"{opening}was {formats.times(row['ratio'])} among {others} "
    sentence += f"({interval})" if row["ratio"] >= 1.5 else f"(ratio {ratio}, {interval})"
    closing = {
        "better": f"; the difference is in favour of {who}.",
        "equal": f"; a gap to the disadvantage of {who}, if there is one, is smaller than {_margin(row)}.",
        "context": ". It is shown as context: neither high nor low is better by itself.",
        "not clear": ". These figures do not tell whether there is a gap that matters.",
    }
    return sentence + closing.get(row["evidence"], _amount(row, level, others) + _bounds(row))


def _amount(row: dict[str, Any], level: str, others: str) -> str:
    """Say how many events more or fewer, or how many days, than at the comparator's level."""
    amount = _more(row)
    if not amount:
        return "."
    if row["measure"] == "mean":
        number, more = amount.split()
        return f", {number} {row['unit']} {more}."
    unit = f" {row['unit']}" if row["measure"] == "rate" else ""
    when = "a year" if years_of(row.get("years")) > 1 else "in the year"
    return f": about {amount}{unit} {when} than if the {level} had been that among {others}."


def _more(row: dict[str, Any]) -> str:
    """How many more or fewer than at the comparator's level: "75 more"; nothing where it is not known or below one."""
    if row["measure"] == "mean":
        number = row["difference"]
    else:
        number = row["excess"] if formats.has(row["excess"]) else row["expected"] * (row["ratio"] - 1)
        number = number / years_of(row.get("years"))
    if not formats.has(number) or abs(number) < 1:
        return ""
    return f"{formats.rounded(abs(number))} {'more' if number > 0 else 'fewer'}"


def _in_figures(row: dict[str, Any]) -> tuple[str, str, str, str]:
    if not formats.has(row["certainty"]):
        return "", "", "", ""
    ratio = (
        formats.interval(row["ratio"], row["lower"], row["upper"], row.get("rounded_to"))
        if formats.has(row["ratio"])
        else "none"
    )
    places = [f"{row[end]}" for end in ("rank_low", "rank_high") if formats.has(row[end])]
    sure = formats.chance(row["certainty"])
    if formats.has(row.get("prior_mean")) and row["evidence"] != "clear":
        sure += ", with the other boards"  # not by this board's figures alone: its own interval may hold 1
    return ratio, _more(row), sure, " to ".join(dict.fromkeys(places))


def _bounds(row: Mapping[str, Any]) -> str:
    if row["measure"] == "mean":
        return ""
    if not (formats.has(row["ratio_low"]) and formats.has(row["ratio_high"])):
        return (
            " How far the people whose ethnic group is not recorded could change the ratio cannot be worked out from "
            "the figures that can be shown."
        )
    low, high = formats.ratio(row["ratio_low"]), formats.ratio(row["ratio_high"])
    if low == high:
        return " The people whose ethnic group is not recorded are too few to change this."
    return (
        f" Depending on the ethnic group of the people whose group is not recorded{doubtful(row)}, the ratio could lie "
        f"between {low} and {high}."
    )


def doubtful(row: Mapping[str, Any]) -> str:
    """Return the words for a category in doubt that the bounds allow for; "" where there is none."""
    return f" or is recorded as {row['suspect']}, which is in doubt" if isinstance(row.get("suspect"), str) else ""


def _how_sure(row: dict[str, Any], family: int) -> str:
    if not formats.has(row["certainty"]):
        return ""
    boards = ", with the figures of the other boards" if formats.has(row.get("prior_mean")) else ""
    parts = [f"The chance that the gap is larger than {_margin(row)} is {formats.chance(row['certainty'])}{boards}."]
    if formats.has(row["persistence"]):
        parts.append(f"In earlier years that chance was {formats.chance(row['persistence'])} on average.")
    if formats.has(row.get("newest_ratio")):
        parts.append(f"In {row['newest_year']} alone the ratio was {formats.ratio(row['newest_ratio'])}.")
    if formats.has(row.get("prior_mean")) and formats.has(row.get("within")):
        drawn, own = (formats.ratio(row[name]) for name in ("shrunk", "within"))
        parts.append(
            f"{elsewhere(row)}; drawn towards them it is {drawn} here, drawn towards the other groups here {own}."
        )
    if row["evidence"] == "clear":
        parts.append(f"It is clear of chance over all {family} comparisons made.")
    if formats.has(row["rank_low"]):
        low, high = row["rank_low"], row["rank_high"]
        alone = f"Chance alone could put it at any place from {low} to {high} ({100 * row['level']:.4g}% interval)."
        parts.append(alone if low < high else f"Chance alone hardly moves it from place {low}.")
    known = {words: row[f"ratio_{step}"] for step, words in formats.STEPS.items() if formats.has(row[f"ratio_{step}"])}
    ladder = [f"{formats.ratio(ratio)} {words}" for words, ratio in known.items()]
    if len(ladder) > 1:
        parts.append(f"The ratio is {', '.join(ladder)}.")
    return " ".join(parts)


def elsewhere(row: Mapping[str, Any]) -> str:
    """Say what the ratio of the same group is in the other boards (published figures); "" where it is not known."""
    if not formats.has(row.get("prior_mean")):
        return ""
    usual = formats.ratio(math.exp(row["prior_mean"]))
    age = ", had age mattered there as much as here" if row["adjustment"] == "age" else ""
    return f"In {row['prior_boards']:.0f} other boards the ratio for this group was {usual} on average{age}"


def _margin(row: dict[str, Any]) -> str:
    return f"{row['margin'] - 1:.0%}"


def _not_shown(row: dict[str, Any], terms: Mapping[str, Any]) -> str:
    caveat = f"{row['caveat'].rstrip('.')}." if isinstance(row["caveat"], str) and row["caveat"] else ""
    return " ".join(filter(None, [caveat, terms["not_why"]]))


def _would_close(row: dict[str, Any]) -> str:
    """Say what would answer the question that the figures leave open."""
    if row["evidence"] == "no figure":
        if row["ethnic_group"] == EVERY_GROUP:
            return f"Figures by ethnic group. Where the measure comes from: {row['source'].rstrip('.')}."
        if formats.has(row["events"]) and 0 < row["events"] < 10:
            yearly = row["events"] / years_of(row.get("years"))
            years = math.ceil(10 / yearly)
            return f"At {formats.rounded(yearly)} a year, about {years} years together would reach ten events."
        return "Several years together, broader ethnic groups, or the records that are missing."
    alone = formats.has(row["ratio"]) and (row["lower"] > 1 or row["upper"] < 1)  # clear of chance by itself
    if row["evidence"] == "not clear" and alone and formats.has(row.get("newest_ratio")):
        side = 1 if row["polarity"] == "higher_is_worse" else -1
        if (row["ratio"] - 1) * side > 0 >= (row["newest_ratio"] - 1) * side:
            newest = f"{row['newest_year']} alone shows no gap (ratio {formats.ratio(row['newest_ratio'])})"
            return f"The next year: {newest}, the years together do."
    if row["evidence"] in ("not clear", "possible") and formats.has(row["se"]):
        periods = math.ceil((ndtri(0.5 + row["level"] / 2) * row["se"] / math.log(TOLD)) ** 2)
        if periods > 20:
            return "Too few events for this group here over any number of years: look at the wider area, and listen."
        if periods > 1:
            return f"About {periods} years together could tell a ratio of {TOLD:g} from no gap."
    return ""
