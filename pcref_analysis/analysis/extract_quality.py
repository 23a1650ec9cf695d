"""What the checks of an extract found, as a page says it: what is lacking, what was noted, how residents were made."""

from __future__ import annotations

import pandas as pd

from pcref_analysis.extract import dictionary
from pcref_analysis.published import organisations
from pcref_analysis.store import runs
from pcref_analysis.vocabulary import indicators
from pcref_analysis.vocabulary.parameters import Parameters

MOST = 0.5  # of the board's detentions that the Trust reports
GONE = "not available: "


def lacking(run: str, parameters: Parameters) -> list[str]:
    """Return what is lacking, in words without counts: tables, columns, months, and indicators with the reason.

    Of published figures: those that are not published for the area, or not of the run's year.
    """
    names = indicators.of_each("name")
    if parameters.source.kind == "published":
        gone = runs.load(run, "unavailable")
        gone = gone.assign(name=gone["indicator"].map(names).fillna(gone["indicator"]))
        words = gone.groupby(["area", "reason"], sort=False)["name"].agg(lambda each: "; ".join(dict.fromkeys(each)))
        return [f"{named}{' (' + area + ')' if area else ''}: {reason}." for (area, reason), named in words.items()]
    breaches = runs.load(run, "breaches")
    breaches = breaches[breaches["rows"] == 0]
    where = breaches["table"] + ("." + breaches["column"]).where(breaches["column"] != "", "")
    found = (where + ": " + breaches["rule"] + ". " + breaches["todo"]).tolist()
    ledger = runs.load(run, "ledger")
    ledger = ledger[(ledger["period"] == parameters.period) & ledger["reason"].str.startswith(GONE)]
    for reason, part in ledger["indicator"].map(names).groupby(ledger["reason"], sort=False):
        found.append(f"Not available, since {reason.removeprefix(GONE)}: {'; '.join(part)}.")
    return found


def noted(run: str, parameters: Parameters) -> pd.DataFrame:
    """Return what the checks noted in rows that were kept: ``what, reason, rows``."""
    columns = ["what", "reason", "rows"]
    if parameters.source.kind == "published":
        return pd.DataFrame(columns=columns)
    found = runs.load(run, "breaches").query("severity == 'noted' and rows > 0")
    known = dictionary.dictionary().set_index(["table", "column"])["meaning"].str.replace(r"[(;].*", "", regex=True)
    what = [f"{known.get((one.table, one.column), one.table).strip()} ({one.table}{'.' * bool(one.column)}{one.column})"
            for one in found.itertuples()]  # fmt: skip
    return found.assign(what=what, reason=found["rule"])[columns].reset_index(drop=True)


def residents(run: str, parameters: Parameters) -> list[str]:
    """Return where the residents come from and how exactly they meet the published tables, in words."""
    if parameters.source.kind == "published":
        board = parameters.trust.icb_code
        said = [
            f"Residents of the board {board} on census day 2021, for every year. How its ethnic "
            "groups grew is not published: a rate among a group that grows is too low in earlier years and too "
            "high in later ones."
        ]
        for share in runs.load(run, "shares").dropna().to_dict("records"):
            part = share["trust"] / share["board"]
            other = " Most of what they count happened in other services." if part < MOST else ""
            said.append(
                f"Rates are those of the integrated care board {board}: {share['board']:,.0f} detentions of its "
                f"patients in {share['period']}, wherever they were detained. The Trust itself reports "
                f"{share['trust']:,.0f}, of whoever it detained: {part:.0%} of the board's number.{other}"
            )
        merged = organisations.reference("merged_from", parameters.trust.ods_code)["words"]
        if len(merged):
            said.append(f"Figures of earlier years, of what is the Trust today, are added up: {'; '.join(merged)}.")
        return said
    fit, breaches = runs.load(run, "residents_fit"), runs.load(run, "breaches")
    said = breaches.loc[(breaches["table"] == "Population") & (breaches["rows"] == 0), "todo"].tolist()
    if fit.empty:
        return said or ["The extract brings its own table of residents."]
    return said + [
        f"{line.margin}: {line.cells:,} sums, the largest difference {line.largest_difference:.1f} people."
        for line in fit.itertuples()
    ]


def left_out(run: str, parameters: Parameters) -> pd.DataFrame:
    """Return rows that were read but not counted: ``what``, ``reason``, ``rows``, of the run's period."""
    if parameters.source.kind == "published":
        return pd.DataFrame(columns=["what", "reason", "rows"])
    names = indicators.of_each("name")
    breaches = runs.load(run, "breaches")
    breaches = breaches[breaches["severity"].isin(["dropped", "superseded"])]
    ledger = runs.load(run, "ledger")
    ledger = ledger[
        (ledger["period"] == parameters.period) & ~ledger["reason"].str.match("counted|not available|not what")
    ]
    parts = [
        pd.DataFrame({"what": breaches["table"], "reason": breaches["rule"], "rows": breaches["rows"]}),
        pd.DataFrame(
            {
                "what": ledger["indicator"].map(names)
                + ledger["side"].map({"events": "", "at_risk": " (denominator)"}),
                "reason": ledger["reason"],
                "rows": ledger["rows"],
            }
        ),
    ]
    table = pd.concat(parts, ignore_index=True)
    return table[table["rows"] > 0].groupby(["what", "reason"], as_index=False, sort=True)["rows"].sum()


def not_available(data: pd.DataFrame, domain: str) -> list[str]:
    """Return the names of the domain's shipped indicators that these data do not hold."""
    have = set(data["indicator"].unique())
    if {"detentions", "events_low"} <= have | set(data):  # published counts are as published already
        have.add("detentions_as_published")
    return [entry.name for key, entry in indicators.shipped().items() if entry.domain == domain and key not in have]
