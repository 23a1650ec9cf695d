"""The one door out: only this module makes a :class:`Releasable`, and nothing is shown that is not one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from pcref_analysis.release import derived, linkage, suppression
from pcref_analysis.release import rules as rule_words
from pcref_analysis.release.rules import NOT_AVAILABLE, SHOWN, SUPPRESSED, ZERO
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import Disclosure, Parameters

_DOOR = object()
_FIGURES = ("estimate", "lower", "upper")


@dataclass(frozen=True, eq=False)
class Releasable:
    """A table that may be shown, with its marks; made by :func:`release` and by nothing else.

    ``table`` holds released values only, with a status column beside each count (``events_status``) and
    one for the figures (``status``): "shown", "suppressed", "zero" or "not available".
    """

    _table: pd.DataFrame
    name: str
    rules: Disclosure
    source: str
    synthetic: bool
    audience: str
    dimensions: tuple[str, ...]
    counts: tuple[str, ...]
    figures: tuple[str, ...]
    door: InitVar[object] = None

    def __post_init__(self, door: object) -> None:
        if door is not _DOOR:
            raise PcrefError("disclosure: a Releasable is made by release(table, rules) only.")

    @property
    def table(self) -> pd.DataFrame:
        """The released values, a copy."""
        return self._table.copy()

    @property
    def marks(self) -> pd.DataFrame:
        """The status columns alone."""
        return self._table[[c for c in self._table if c == "status" or c.endswith("_status")]].copy()

    @property
    def explanation(self) -> str:
        """What the marks mean, in words."""
        if self.audience == "internal":
            return "Internal: not for release. Small numbers are shown. " + rule_words.explain(self.rules)
        return rule_words.explain(self.rules)

    @property
    def text(self) -> pd.DataFrame:
        """The table as it is read: numbers as text, "[c]" suppressed, "[x]" not available, no status columns."""
        return _text(self)

    def _repr_html_(self) -> str:
        return _html(self)


def release(
    table: pd.DataFrame, rules: Disclosure | Parameters | str, *, name: str = "table", **declaration: Any
) -> Releasable:
    """Turn a table into one that may be shown: suppressed, protected, rounded, and worked out again.

    Parameters
    ----------
    table
        Estimates or counts. Known columns need no declaration: ``events``, ``at_risk``, ``estimate``,
        ``lower``, ``upper``, ``comparator``, ``adjustment``, ``measure``, ``level``, ``note``; text columns are
        dimensions. Sums of squares are dropped.
    rules
        The disclosure section of the parameters, all parameters (then audience and the synthetic mark come
        from there), or a preset: "mhsds", "hes", "opensafely".
    **declaration
        See :func:`release_all`.

    Returns
    -------
    Releasable

    Raises
    ------
    PcrefError
        If a numeric column is not declared, or the rule is not known.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"ethnic_group": ["African", "Caribbean", "All"], "events": [3, 21, 24]})
    >>> release(frame, "mhsds").text["events"].tolist()
    ['[c]', '[c]', '25']
    """
    return release_all({name: table}, rules, **declaration)[0]


def release_all(
    tables: Mapping[str, pd.DataFrame] | Sequence[pd.DataFrame],
    rules: Disclosure | Parameters | str,
    *,
    dimensions: Sequence[str] | None = None,
    counts: Sequence[str] | None = None,
    figures: Sequence[str] = (),
    hierarchies: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
    public: bool | Sequence[str] | None = None,
    complementary: bool = True,
    source: str = "",
    synthetic: bool | None = None,
    audience: str | None = None,
) -> list[Releasable]:
    """Release several tables together, so that none gives away what another hides.

    Parameters
    ----------
    tables
        Tables by name (or a list of them); a dimension that a table lacks counts as its total.
    dimensions, counts, figures
        Names of the columns where they are not the known ones.
    hierarchies
        ``{dimension: {parent: [children]}}``; broad and detailed ethnic groups and pooled periods are known.
    public
        Whose ``at_risk`` is public (census residents): True for all, or indicator ids; by default those whose
        catalogue entry says residents.
    """
    rule = rule_words.read(rules)
    if isinstance(rules, Parameters):
        audience, synthetic = audience or rules.audience, rules.synthetic if synthetic is None else synthetic
        source = source or rules.run
    if not isinstance(tables, Mapping):
        tables = {f"table {i}": table for i, table in enumerate(tables, 1)}
    declared = {n: linkage.declare(t, dimensions, counts, figures) for n, t in tables.items()}
    linked = linkage.gather(declared, hierarchies or {}, public)
    open_house = audience == "internal"
    hidden = np.zeros(len(linked.cells), bool) if open_house else suppression.protect(linked, rule, complementary)
    facts = {"rules": rule, "source": source, "synthetic": bool(synthetic), "audience": audience or "release"}
    return [_released(n, declared[n], linked, hidden, rule, facts) for n in declared]


def _released(
    name: str,
    table: linkage.Declared,
    linked: linkage.Counts,
    hidden: np.ndarray,
    rule: Disclosure,
    facts: dict[str, Any],
) -> Releasable:
    frame = table.frame.reset_index(drop=True)
    out = frame[[c for c in frame.columns if c in (*table.dimensions, *table.context)]].copy()
    places = linked.places[linked.places["table"] == name]
    value, public = linked.cells["value"].to_numpy(), linked.cells["public"].to_numpy(bool)
    exact = public | (facts["audience"] == "internal")
    shown = np.where(hidden, np.nan, np.where(exact, value, rule_words.round_counts(value, rule)))
    for column in table.counts:
        cell = places[places["column"] == column].set_index("row")["cell"].reindex(frame.index)
        known = cell.notna().to_numpy()
        where = cell.fillna(-1).astype(int).to_numpy()
        out[column] = np.where(known, shown[where], np.nan)
        gone = known & hidden[where]
        out[f"{column}_status"] = np.select(
            [~known, gone, out[column].to_numpy() == 0], [NOT_AVAILABLE, SUPPRESSED, ZERO], SHOWN
        )
    if table.figures:
        _figures(out, frame, table, rule, facts["audience"] == "internal")
    order = [c for c in frame.columns if c in out] + [c for c in out if c not in frame.columns]
    return Releasable(
        _table=out[order].copy(),
        name=name,
        dimensions=table.dimensions,
        counts=table.counts,
        figures=table.figures,
        door=_DOOR,
        **facts,
    )


def _figures(out: pd.DataFrame, frame: pd.DataFrame, table: linkage.Declared, rule: Disclosure, internal: bool) -> None:
    """Put the figures into ``out``: as they are for internal use, otherwise from the released counts."""
    figures = list(table.figures)
    given = frame[figures].notna().any(axis=1).to_numpy()
    if internal:
        out[figures] = frame[figures]
        out["status"] = np.where(given, SHOWN, NOT_AVAILABLE)
        return
    rows = _rows(out, frame, rule)
    gone = _hangs_on_hidden(out, rows)
    values = derived.again(rows)
    values.loc[gone | ~given] = np.nan
    for column in figures:
        out[column] = values[column] if column in values else np.nan
    none = ~gone & out[figures].isna().all(axis=1).to_numpy()
    zero = (out["estimate"] == 0).to_numpy() & (rows["o"] == 0).to_numpy() if "estimate" in out else False
    out["status"] = np.select([gone, none, zero], [SUPPRESSED, NOT_AVAILABLE, ZERO], SHOWN)
    if "note" in out:
        out["note"] = out["note"].astype(object).where(~gone, "suppressed to protect people")


def _rows(out: pd.DataFrame, frame: pd.DataFrame, rule: Disclosure) -> pd.DataFrame:
    """Return the true and the released counts of each row and of its comparator, side by side."""
    nothing = pd.Series(np.nan, frame.index)
    rows = frame[[c for c in (*_FIGURES, "ethnic_group", "comparator") if c in frame]].copy()
    rows["level"] = frame["level"].astype(float) if "level" in frame else 0.95
    rows["measure"] = frame["measure"] if "measure" in frame else "rate"
    rows["base"] = float(rule.rounding)
    for true, shown, column in (("o", "r", "events"), ("n", "m", "at_risk")):
        rows[true] = frame[column].astype(float) if column in frame else nothing
        rows[shown] = out[column].astype(float) if column in out else nothing
    return rows.join(_comparators(rows, frame))


def _comparators(rows: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the counts of each row's comparator where it stands in the table itself."""
    result = pd.DataFrame(np.nan, index=rows.index, columns=["o0", "n0", "r0", "m0", "per"])
    if not {"comparator", "ethnic_group"} <= set(frame):
        return result
    keys = [c for c in frame.columns if c in ("indicator", "period", "sex", "age_band", "imd_quintile", "adjustment")]
    look = rows.assign(**{k: frame[k].astype("string").fillna("") for k in keys})
    own = look.drop_duplicates([*keys, "ethnic_group"]).rename(
        columns={"o": "o0", "n": "n0", "r": "r0", "m": "m0", "ethnic_group": "_of"}
    )
    found = look[[*keys, "comparator"]].merge(
        own[[*keys, "_of", "o0", "n0", "r0", "m0"]], left_on=[*keys, "comparator"], right_on=[*keys, "_of"], how="left"
    )
    result[["o0", "n0", "r0", "m0"]] = found[["o0", "n0", "r0", "m0"]].to_numpy()
    return result


def _hangs_on_hidden(out: pd.DataFrame, rows: pd.DataFrame) -> np.ndarray:
    hidden = np.zeros(len(out), bool)
    for column in ("events", "at_risk"):
        if f"{column}_status" in out:
            hidden |= (out[f"{column}_status"] == SUPPRESSED).to_numpy()
    compared = rows["measure"].isin(["ratio", "difference", "excess"]).to_numpy()
    lost = (rows["o0"].notna() & rows["r0"].isna()) | (rows["n0"].notna() & rows["m0"].isna())
    return hidden | (compared & lost.to_numpy())


def _text(released: Releasable) -> pd.DataFrame:
    frame = released._table
    out = frame[[c for c in frame if c != "status" and not c.endswith("_status")]].astype(object).copy()
    for column in (*released.counts, *released.figures):
        status = frame["status" if column in released.figures else f"{column}_status"]
        mark = status.map({SUPPRESSED: rule_words.TEXT_SUPPRESSED, NOT_AVAILABLE: rule_words.TEXT_NOT_AVAILABLE})
        plain = frame[column].map(lambda x: "" if pd.isna(x) else f"{x:,.10g}")
        plain = plain.where(plain != "", rule_words.TEXT_NOT_AVAILABLE)
        out[column] = mark.where(mark.notna(), plain)
    return out.where(out.notna(), "")


def _html(released: Releasable) -> str:
    text = released.text
    head = "".join(f'<th scope="col">{escape(str(c).replace("_", " "))}</th>' for c in text.columns)
    body = []
    for row in text.itertuples(index=False):
        cells = [f'<th scope="row">{escape(str(row[0]))}</th>'] if len(row) else []
        body.append("<tr>" + "".join([*cells, *(f"<td>{escape(str(v))}</td>" for v in row[1:])]) + "</tr>")
    flags = [
        w
        for w, on in (
            ("SYNTHETIC DATA", released.synthetic),
            ("INTERNAL, NOT FOR RELEASE", released.audience == "internal"),
        )
        if on
    ]
    mark = f"<p><strong>{' · '.join(flags)}</strong></p>" if flags else ""
    return (
        f'<div class="pcref-released">{mark}<table><caption>{escape(released.name)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"
        f"<p>{escape(released.explanation)}</p></div>"
    )
