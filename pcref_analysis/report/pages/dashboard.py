"""The dashboard: one file that needs nothing but a browser, of released rows alone, drawn by Vega-Lite without eval."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import pandas as pd

from pcref_analysis.display import formats, output, palette
from pcref_analysis.display.formats import STEPS
from pcref_analysis.report.pages import render
from pcref_analysis.report.pages.main_points import MainPoints
from pcref_analysis.vocabulary import indicators

FILE = "dashboard.html"
KEYS = ["indicator_name", "ethnic_group", "comparator", "adjustment", "period"]
FIGURES = ["estimate", "lower", "upper", "rounded_to"]
COLUMNS = ["domain", "indicator", "ethnic_group", "measure", "comparator", "adjustment", "period", "unit", "status"]
RATIOS = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100]  # at the axis of ratios: few enough for a phone, and 1 among them
NONE = "no group: this is a level"
DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


def rows(records: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return every released level and ratio of the pages in one table, with plain names; no counts.

    Columns: ``domain, indicator, ethnic_group, measure`` ("level" or "ratio"), ``comparator, adjustment, period, unit,
    status, estimate, lower, upper, rounded_to``.
    """
    domains = {key: entry.domain.capitalize() for key, entry in indicators.catalogue().items()}
    parts = []
    for record in records:
        frame = output.frame(record) if record["kind"] == "table" else pd.DataFrame()
        if {*KEYS, *FIGURES[:3], "indicator", "measure"} <= set(frame):
            parts.append(frame.assign(domain=frame["indicator"].map(domains).fillna("Other")))
    if not parts:
        return pd.DataFrame(columns=[*COLUMNS, *FIGURES])
    table = pd.concat(parts, ignore_index=True)
    ratio = table["measure"].eq("ratio")
    table = table[table["adjustment"].isin(STEPS)].assign(
        measure=ratio.map({True: "ratio", False: "level"}),
        comparator=table["comparator"].where(ratio, NONE),
        adjustment=table["adjustment"].map(STEPS),
        indicator=table["indicator_name"],
        unit=table.get("unit", pd.Series("", table.index)).fillna(""),
        status=table.get("status", pd.Series("shown", table.index)).fillna("shown"),
        rounded_to=table.get("rounded_to", pd.Series(float("nan"), table.index)),
    )
    return table[[*COLUMNS, *FIGURES]].drop_duplicates(ignore_index=True)


def html(
    records: Sequence[Mapping[str, Any]],
    points: MainPoints,
    listed: list[dict[str, str]],
    about: Mapping[str, Any],
    comparator: str,
    badges: pd.DataFrame | None = None,
) -> str:
    """Return the dashboard as one page; its policy lets its own two scripts run, known by their hashes, no other.

    It opens with the first point that has figures. ``badges`` say how far each indicator can be trusted, and why.
    """
    table = rows(records)
    start = next((dict(one.shown) for one in points.points if one.shown), {})
    trust = {} if badges is None else {one.name: [one.badge, one.reason] for one in badges.itertuples()}
    own = {"first": comparator, "start": start, "trust": trust, "said": _said(), "targets": targets(records)}
    data = _json(_packed(table) | own)
    script = (render.template_folder() / "dashboard.js").read_text(encoding="utf-8")
    css = render.style()
    policy = (
        f"default-src 'none'; img-src data:; script-src {render.hash_of(library())} {render.hash_of(script)}; "
        f"style-src {render.hash_of(css)}; base-uri 'none'; form-action 'none'"
    )
    ready = {"data": data, "library": library(), "script": script, "css": css, "policy": policy}
    groups = [group for group in palette.COLOURS if group in set(table["ethnic_group"])]
    groups += [group for group in dict.fromkeys(table["ethnic_group"]) if group not in groups]
    return render.fragment(
        "dashboard.html.j2", main=points, pages=listed, here=FILE, about=about, groups=groups, title="Dashboard",
        **{name: render.safe(text) for name, text in ready.items()},
    )  # fmt: skip


def targets(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return each target that was agreed, an ethnic group a row, in words with the distance from it."""
    frames = [output.frame(record) for record in records if record["kind"] == "table"]
    return [
        {"indicator": row["indicator_name"], "ethnic_group": row["ethnic_group"], "target": float(row["target"]),
         "words": f"{row['ethnic_group']}: {row['way']} {formats.figure(row['target'])} {row['unit']} by "
                  f"{formats.dates(row['by'])}. Now: {row['distance']}."}
        for frame in frames if {"target", "distance"} <= set(frame) for row in frame.to_dict("records")
    ]  # fmt: skip


def _data(page: str) -> dict[str, Any]:
    found = DATA.search(page)
    return json.loads(found[1]) if found else {}


def embedded(page: str) -> pd.DataFrame:
    """Return the rows that a dashboard holds, for the audit to compare with the released tables."""
    held = _data(page)
    table = pd.DataFrame(held["rows"], columns=held["columns"])
    words = {name: table[name].map(lambda at, of=of: of[at]) for name, of in held["words"].items()}
    figures = {name: pd.to_numeric(table[name]) for name in FIGURES}
    return table.assign(**words, **figures)


def strangers(page: str, records: Sequence[Mapping[str, Any]]) -> int:
    """Return how many rows and targets of a dashboard no released table holds.

    The domain is a word of the catalogue, which a reader of the folder may not have.
    """
    both = [frame.drop(columns="domain") for frame in (embedded(page), rows(records))]
    held, released = (frame.astype(object).where(frame.notna(), None) for frame in both)
    known = set(released.itertuples(index=False, name=None))
    aims, agreed = _data(page).get("targets", []), targets(records)
    return sum(row not in known for row in held.itertuples(index=False, name=None)) + sum(a not in agreed for a in aims)


def translated(element: str, say: Callable[[str], str]) -> str:
    """Return the element that holds a dashboard's rows with their words in another language (``say``); no number moves.

    What the script asks for by name (the measure, the status) stays as it is; its ``named`` says how it is shown.
    """
    found = DATA.fullmatch(element)
    if not found:
        return element
    held = json.loads(found[1])
    groups = {group: say(group) for group in held["words"]["ethnic_group"]}
    shown = [name for name in COLUMNS if name not in ("measure", "status")]
    held["words"] |= {name: [say(word) for word in held["words"][name]] for name in shown}
    held |= {"said": {name: say(words) for name, words in held["said"].items()}, "first": say(held["first"])}
    held |= {"steps": [say(step) for step in held["steps"]], "named": {one: say(one) for one in ("level", "ratio")}}
    held["start"] = {key: word if key == "measure" else say(word) for key, word in held["start"].items()}
    held["trust"] = {say(name): [say(words) for words in both] for name, both in held["trust"].items()}
    held["targets"] = [one | {name: say(one[name]) for name in ("indicator", "ethnic_group", "words")}
                       for one in held["targets"]]  # fmt: skip

    def renamed(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: renamed(value) for key, value in part.items()}
        return [renamed(one) for one in part] if isinstance(part, list) else groups.get(part, part)

    return f'<script type="application/json" id="data">{_json(held | {"specs": renamed(held["specs"])})}</script>'


@cache
def library() -> str:
    """Return Vega, Vega-Lite and vega-embed as one script, from the wheel that carries them."""
    import vl_convert

    bundle = vl_convert.javascript_bundle(None)  # type: ignore[arg-type]
    return bundle.replace("</script", "<\\/script").replace("\r", "\\r")


def _packed(table: pd.DataFrame) -> dict[str, Any]:
    """Return the rows for the page: words as places in a list, so that the page stays small."""
    words = {name: list(dict.fromkeys(table[name].astype(str))) for name in COLUMNS}
    packed = table.assign(**{name: table[name].astype(str).map(words[name].index) for name in COLUMNS})
    lines = packed.astype(object).where(packed.notna(), None).to_numpy().tolist()
    groups = words["ethnic_group"]
    return {"columns": [*COLUMNS, *FIGURES], "words": words, "rows": lines, "steps": list(STEPS.values()),
            "specs": _specs(groups)}  # fmt: skip


def _said() -> dict[str, str]:
    """Return what the script says, with the names of what it puts in."""
    return {
        "nothing": "There is nothing to draw: these figures are suppressed or not available. The table says which.",
        "ratio": "ratio to {comparator}",
        "nearest": ", to the nearest {step}",
        "to": "{low} to {high}",
        "years": "{title}, by year. The table holds every number.",
        "counted": "{shown} figures, {hidden} of them suppressed or not available.",
    }


def _specs(groups: Sequence[str]) -> dict[str, Any]:
    """Return the charts: levels and ratios, by group and by year; their rows are put in by the page."""
    import altair as alt

    styles = [palette.of_group(group) for group in groups]
    shapes = {"o": "circle", "s": "square", "D": "diamond", "^": "triangle-up", "v": "triangle-down", "X": "cross"}
    legend = alt.Legend(orient="bottom", columns=2, values=["{groups}"])  # the page puts in those that are drawn
    colour = alt.Color("ethnic_group:N", title=None, legend=legend).scale(
        domain=list(groups), range=[one[0] for one in styles]
    )
    shape = alt.Shape("ethnic_group:N", title=None, legend=legend).scale(
        domain=list(groups), range=[shapes.get(one[1], "circle") for one in styles]
    )
    specs = {}
    for kind, scale in (("level", alt.Scale(zero=True)), ("ratio", alt.Scale(type="log"))):
        ticks: dict[str, Any] = {"values": RATIOS} if kind == "ratio" else {}
        value: dict[str, Any] = {
            "scale": scale,
            "title": "{value}",
            "axis": alt.Axis(labelOverlap=True, **ticks),
        }  # the page: the unit
        group = alt.Y("ethnic_group:N", title=None, sort=list(groups), axis=alt.Axis(labelLimit=220))
        plain = {"color": colour.legend(None), "shape": shape.legend(None)}
        base = alt.Chart(alt.NamedData("rows")).encode(y=group)
        dots = base.mark_point(filled=True, size=110, opacity=1).encode(x=alt.X("estimate:Q", **value), **plain)
        line = base.mark_rule(strokeWidth=3).encode(x=alt.X("lower:Q", **value), x2="upper:Q", color=plain["color"])
        parts = [line, dots]
        if kind == "ratio":
            one = alt.Chart(alt.InlineData([{"at": 1}])).mark_rule(strokeDash=[5, 4], color=palette.GREY)
            parts.append(one.encode(x=alt.X("at:Q", **value)))
        else:
            aims = alt.Chart(alt.NamedData("targets")).mark_tick(thickness=3, size=26, opacity=1, color=palette.PLUM)
            parts.append(aims.encode(x=alt.X("target:Q", **value), y=group))
        years = alt.Chart(alt.NamedData("rows")).encode(
            x=alt.X("period:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True))
        )
        years = years.encode(color=colour, xOffset=alt.XOffset("ethnic_group:N", sort=list(groups)))
        bars = years.mark_rule(strokeWidth=2).encode(y=alt.Y("lower:Q", **value), y2="upper:Q")
        points = years.mark_point(filled=True, size=70, opacity=1).encode(y=alt.Y("estimate:Q", **value), shape=shape)
        for name, chart, high in (("groups", alt.layer(*parts), 230), ("years", alt.layer(bars, points), 280)):
            look = {"font": "Arial", "axis": {"labelFontSize": 13, "titleFontSize": 13}, "view": {"stroke": None}}
            spec = chart.properties(width="container", height=high).to_dict(validate=True)
            specs[f"{kind}_{name}"] = spec | {"config": look | {"legend": {"labelFontSize": 13}}}
    return specs


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).replace("<", "\\u003c")
