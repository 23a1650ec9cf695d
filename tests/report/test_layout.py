"""A page says its finding first, shows charts before tables, folds long tables with their file, and nothing empty."""

import re
from types import SimpleNamespace

import pandas as pd
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from pcref_analysis.display import html_table, safe_html
from pcref_analysis.report.pages import layout, render
from pcref_analysis.store.notebook_seals import MIME

MARKS = '<p class="marks">[c] suppressed.</p>'


def shown(name, kind, lines=3, text=""):
    rows = "".join(f"<tr><th>{n}</th></tr>" for n in range(lines))
    html = (
        f'<div id="{name}"><table><tr><th>h</th></tr>{rows}</table></div>{MARKS}'
        if kind == "table"
        else f"<p>{name}</p>"
    )
    record = {"id": name, "kind": kind, "title": f"The {name}", "text": text, "alt": "a", "synthetic": False}
    data = {MIME: record, "text/html": html}
    return new_code_cell(outputs=[new_output("display_data", data=data)])


def body(*cells):
    return render._rendered(layout.arranged(new_notebook(cells=list(cells))))


def test_a_chart_stands_before_its_table_within_its_section_alone():
    html = body(new_markdown_cell("# P"), new_markdown_cell("## Gaps"), shown("gaps", "table"),
                shown("forest", "figure"),
                new_markdown_cell("## Levels"), shown("levels", "table"))  # fmt: skip
    order = [html.index(part) for part in ("Gaps", "forest", 'id="gaps"', "Levels", 'id="levels"')]
    assert order == sorted(order)


def test_what_a_page_cannot_say_closes_it():
    html = body(new_markdown_cell("# P"), new_markdown_cell("## What cannot be answered here"),
                shown("lacking", "text"),
                new_markdown_cell("## Levels"), shown("levels", "figure"),
                new_markdown_cell("## What this does not show\n\n- Why."))  # fmt: skip
    order = [html.index(part) for part in ("P</h1>", "Levels", "levels", "What cannot be", "lacking", "What this does")]
    assert order == sorted(order)


def test_a_long_table_is_folded_and_each_has_its_file_and_the_marks_stand_once():
    html = body(shown("long", "table", 40), shown("short", "table", 3))
    assert "<details><summary>Table: The long (40 lines)</summary>" in html and html.count("<details>") == 1
    assert 'href="tables/long.csv"' in html and 'href="tables/short.csv"' in html
    assert html.count("[c] suppressed.") == 1


def test_what_is_empty_is_left_out_with_its_heading_and_what_is_not_stays():
    nothing = shown("x", "text", text="Medians: nothing to show.")
    html = body(new_markdown_cell("## Levels"), shown("levels", "table"), new_markdown_cell("### How long\n\nHalf."),
                nothing,
                new_markdown_cell("## Over time"), shown("y", "text", text="By year: nothing to draw from these data."),
                new_markdown_cell("## Not shown\n\n- Why."))  # fmt: skip
    assert "How long" not in html and "Half." not in html and "Over time" not in html and "nothing to" not in html
    assert 'id="levels"' in html and "Why." in html


def test_a_section_that_is_empty_itself_keeps_its_heading_for_what_stands_below_it():
    nothing = shown("x", "text", text="Gaps: nothing to show.")
    html = body(new_markdown_cell("## Gaps"), nothing, new_markdown_cell("### Others"), shown("others", "table"))
    assert re.search(r"<h2[^>]*>Gaps", html) and 'id="others"' in html
    assert html.index("None of these can be shown") < html.index("Others")


def test_the_finding_and_the_contents_stand_below_the_heading_and_their_links_lead_somewhere():
    html = layout.with_contents("<h1>Q?</h1><p>t</p><h2>A, b</h2><h2>C?</h2><h3>d</h3><h2>E</h2>", "<p>Found.</p>")
    assert html.startswith('<h1>Q?</h1><p>Found.</p><div class="contents"')
    warned = layout.with_contents("<h1>Q?</h1>\n<blockquote><p>Hard.</p></blockquote><p>t</p>", "<p>Found.</p>")
    assert warned.index("Hard.") < warned.index("Found.") < warned.index("<p>t</p>")
    links = re.findall(r'href="#([^"]*)"', html)
    assert len(links) == 3 and all(f'id="{name}"' in html for name in links)


def test_a_table_names_the_badge_of_its_indicator_and_each_thing_has_its_method_and_its_own_address():
    cell = shown("x-gaps", "table")
    block = '<tr class="block"><th scope="rowgroup">Stays (days), compared with White</th></tr>'
    cell.outputs[0]["data"]["text/html"] = f'<div id="x-gaps"><table>{block}</table></div>{MARKS}'
    badges = {"Stays": ("Firm", "trust-s"), "Stays (days)": ("With care", "trust-d")}
    html = render._rendered(layout.arranged(new_notebook(cells=[cell]), badges))
    assert 'Stays (days), compared with White <a class="badge" href="#trust-d">With care</a></th>' in html
    assert 'href="method.html#gaps"' in html and 'href="#x-gaps"' in html and 'href="tables/x-gaps.csv"' in html


def test_each_picture_of_a_chart_leads_to_its_file_which_is_the_picture_itself():
    cell = shown("x-forest", "figure")
    images = "".join(f'<img src="data:image/svg+xml,%3Csvg%3E{n} &#x27;a&#x27;%3C/svg%3E" alt="{n}">' for n in (1, 2))
    cell.outputs[0]["data"]["text/html"] = f'<figure id="x-forest">{images}</figure>'
    html = render._rendered(layout.arranged(new_notebook(cells=[cell])))
    for number in (1, 2):
        assert re.search(rf'<a href="pictures/x-forest-{number}.svg"><img [^>]*alt="{number}"></a>', html)
    assert 'href="method.html#gaps"' in html and 'href="#x-forest"' in html
    record = {"id": "x-forest", "kind": "figure", "output": cell.outputs[0]}
    files = {"x-forest-1.svg": "<svg>1 'a'</svg>", "x-forest-2.svg": "<svg>2 'a'</svg>"}
    assert render.pictures([record]) == files


def test_of_many_charts_those_whose_findings_come_first_stay_open_and_each_still_leads_to_its_own_file():
    cell = shown("x-forest", "figure")
    names = [f"Indicator {letter}" for letter in "ABCDEFGHIJKLMN"]
    images = '<img class="key" src="data:image/svg+xml,0" alt="Key">' + "".join(
        f'<img src="data:image/svg+xml,{name[-1]}" alt="{name}: highest">' for name in names
    )
    cell.outputs[0]["data"]["text/html"] = f'<figure id="x-forest" class="charts">{images}</figure>'
    badges = {name: ("Firm", f"trust-{name[-1]}") for name in reversed(names)}
    html = render._rendered(layout.arranged(new_notebook(cells=[cell]), badges))
    open_ones, folded = html.split("<details>")
    assert re.findall(r'alt="(?:Indicator )?(\w+)', open_ones) == ["Key", *"GHIJKLMN"]
    assert re.findall(r"Indicator (\w)", folded) == list("ABCDEF") and "6 more indicators" in folded
    assert re.search(r'x-forest-2.svg"><img [^>]*alt="Indicator A', folded)
    few = layout._figure(f"<figure>{images}</figure>".replace("Indicator N", ""), {"id": "x", "title": "X"}, [])
    assert few.count("<details>") == 1 and "6 more" in few
    twelve = re.sub(r"<img [^>]*Indicator [MN][^>]*>", "", images)
    assert "<details>" not in layout._figure(f"<figure>{twelve}</figure>", {"id": "x", "title": "X"}, [])


def test_each_section_that_a_table_names_stands_on_the_method_page():
    page = (render.template_folder() / "method.html.j2").read_text(encoding="utf-8")
    assert {place for _, place in layout.METHOD} <= set(re.findall(r'id="([a-z]+)"', page))


def test_the_notebook_itself_is_not_changed():
    cells = [new_markdown_cell("## G"), shown("g", "table"), shown("f", "figure")]
    notebook = new_notebook(cells=cells)
    before = str(notebook)
    layout.arranged(notebook)
    assert str(notebook) == before


def test_a_heading_whose_parts_are_all_empty_is_left_out_with_them():
    nothing = shown("x", "text", text="Gaps: nothing to show.")
    fit = [new_markdown_cell("### In mind\n\nChecks."), shown("y", "text", text="Checks: nothing to show.")]
    html = body(new_markdown_cell("# P"), new_markdown_cell("## Gaps\n\nRatios."), nothing, *fit)
    assert "Gaps" not in html and "Ratios." not in html and "In mind" not in html
    html = body(new_markdown_cell("# P"), new_markdown_cell("## Gaps\n\nRatios."), nothing, fit[0], shown("z", "table"))
    assert "Gaps" in html and "In mind" in html


def test_a_wide_table_is_fit_for_a_phone_and_has_no_empty_cell_or_column():
    table = pd.DataFrame({"a": ["x", "y"], "b": ["1", ""], "c": ["", ""], "d": ["2", "3"], "e": ["4", "<5"]})
    source = SimpleNamespace(synthetic=False, audience="release")
    rows = table.to_numpy().tolist()
    made = html_table.table("t", "T", list("abcde"), [("Block", rows)], set(), "", source, table).html
    html = safe_html.clean(layout.laid_out(made))
    assert '<div class="scroll cards"' in html and 'colspan="4"' in html and '<table role="table">' in html
    assert re.findall(r'<td[^>]*data-label="(\w)">([^<]*)</td>', html) == [
        ("b", "1"), ("d", "2"), ("e", "4"), ("b", "–"), ("d", "3"), ("e", "&lt;5")]  # fmt: skip
    assert html.count('role="row"') == 4 and html.count('role="cell"') == 6 and html.count('role="rowheader"') == 3
    assert html.count('role="columnheader"') == 4 and layout.NOTHING in html
    narrow = layout.laid_out(re.sub("<td>(2|3|4|&lt;5)</td>", "<td></td>", made))
    assert "cards" not in narrow and 'role="cell"' not in narrow and 'colspan="2"' in narrow
