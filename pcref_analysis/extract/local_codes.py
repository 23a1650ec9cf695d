"""The lines to paste into ``source.codes`` for values that are not in a column's list of codes.

The only place that shows values of an extract: those of many people, short, and without a number in them.
"""

from __future__ import annotations

import json
import re
from datetime import date

import ibis
import pandas as pd
import pyarrow as pa

from pcref_analysis.extract import columns_present, parsing
from pcref_analysis.extract.row_checks import unread
from pcref_analysis.extract.schema import Column, declared
from pcref_analysis.extract.sources import engines
from pcref_analysis.extract.sources.portable import visible
from pcref_analysis.vocabulary import ethnicity
from pcref_analysis.vocabulary.parameters import Parameters

FEWEST = 10  # people, or rows where a table holds no person
LONGEST = 40  # characters
PERSON = "Person_ID"


def lines(tables: dict[str, ibis.Table], parameters: Parameters, breaches: pd.DataFrame) -> list[str]:
    """Return lines of YAML that map the unknown values of coded columns.

    Parameters
    ----------
    tables
        Raw tables under contract names.
    parameters
        ``source.columns`` and ``source.codes`` are taken into account.
    breaches
        As of :func:`pcref_analysis.extract.validate.examine`: which columns hold unknown codes.

    Returns
    -------
    list of str
        None where there is nothing to map. A value is shown where at least ten people (of a table without people:
        ten rows) have it, it has at most forty characters and no five digits in a row; of the others the number is
        given. A code is suggested where the value is a label of the contract's list; it is to be checked.

    Examples
    --------
    >>> lines(tables, parameters, checked.breaches)     # doctest: +SKIP
    ['source:', '  codes:', '    MHS001MPI:', '      EthnicCategory:', '        "White - British": A']
    """
    found: list[str] = []
    for name, table in declared().items():
        part: list[str] = []
        for column, facts in table.columns.items():
            here = (breaches["table"] == name) & (breaches["column"] == column) & (breaches["rule"] == unread(facts))
            if facts.type in ("code", "text") and facts.allowed() and name in tables and here.any():
                part += _column(name, column, tables[name], parameters)
        found += [f"    {name}:", *part] if part else []
    return ["source:", "  codes:", *found] if found else []


def _column(name: str, column: str, raw: ibis.Table, parameters: Parameters) -> list[str]:
    table = declared()[name]
    facts, names = table.columns[column], columns_present.columns(table, raw, parameters)[0]
    if column not in names:
        return []
    some = {n: c for n, c in table.columns.items() if n == column or (n == PERSON and n in names)}
    part = table.model_copy(update={"columns": some})
    texts = engines.once_parsed(parsing.texts(raw, part, names))
    long_ago = date(1800, 1, 1)
    known = parsing.read(texts, part, parameters.source.codes.get(name, {}), long_ago, long_ago)
    folded = {text: visible(text) for text in known.unread[column]}
    shown_as = pa.table(
        {"text": list(folded), "value": list(folded.values()), "folded": [text.upper() for text in folded.values()]},
        pa.schema({"text": pa.string(), "value": pa.string(), "folded": pa.string()}),
    )
    told = engines.temporary_table(shown_as, texts)
    rows = texts.inner_join(told, texts[column] == told.text)
    many = rows[PERSON].nunique() if PERSON in some else rows.count()
    values = rows.group_by("folded").aggregate(value=rows["value"].min(), many=many)
    fits = (values["many"] >= FEWEST) & (values["value"].length() <= LONGEST)
    shown = [v for v in values.filter(fits)["value"].to_pyarrow().to_pylist() if _harmless(v)]
    others = values.count().to_pyarrow().as_py() - len(shown)
    labels, codes = _labels(column, facts), ", ".join(facts.allowed())
    lines = [f"      {column}:"]
    for value in sorted(shown):
        code = labels.get(_plain(value))
        lines.append(
            f"        {json.dumps(value, ensure_ascii=False)}: "
            + (f"{json.dumps(code)}  # check" if code else f"  # one of {codes}")
        )
    if others:
        lines.append(f"        # {others:,} value{'s' * (others > 1)} of few rows, long or with a number not shown")
    return lines


def _harmless(value: str) -> bool:
    """Tell a value that can be no identifier and does nothing to a terminal."""
    return value.isprintable() and not re.search(r"\d{5}", value)


def _plain(label: str) -> str:
    return " ".join(re.findall(r"\w+", label.lower()))


def _labels(column: str, facts: Column) -> dict[str, str]:
    """Return label (letters and digits only) to code; a label of two codes is left out."""
    if column == "EthnicCategory":
        known = ethnicity.categories()
        broad = known["broad_group"].str.partition(" or ")[0]  # also "Asian - Indian", "Mixed - White and Asian"
        longer = (known["broad_group"] + " " + known["ethnic_group"], broad + " " + known["ethnic_group"])
        pairs = [pair for text in (known["ethnic_group"], *longer) for pair in zip(text, known["code"], strict=True)]
    else:
        pairs = [
            (label, code)
            for code in facts.allowed()
            for label in re.findall(rf"(?<!and )(?<!to )\b{re.escape(code)} ([^,;:()]+)", facts.meaning)
        ]
    codes: dict[str, set[str]] = {}
    for label, code in pairs:
        codes.setdefault(_plain(label), set()).add(code)
    return {label: min(found) for label, found in codes.items() if len(found) == 1}
