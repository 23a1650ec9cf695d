"""Another language: one catalogue translates every sentence of the finished pages, and a page can run right to left."""

import json
import os
import re
from html import unescape
from urllib.parse import unquote

import pytest
from babel.messages import pofile

from pcref_analysis.report import edition_readback, output_check, pipeline, run_notebooks, unchanged
from pcref_analysis.report.pages import dashboard, documents, landing, language, main_points, page_lead, render
from pcref_analysis.vocabulary import parameters
from pcref_analysis.vocabulary.errors import PcrefError

ACCENTS = str.maketrans("aeiouycnAEIOUYCN", "áéíóúýçñÁÉÍÓÚÝÇÑ")
PLACES = re.compile(r"(\{\w+\}|</?\d+>)")
EVERY = bool(os.environ.get("PCREF_EVERY_CASE"))
GIVEN = parameters.load("demo", comparator="White")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    (tmp_path / "notebooks" / "parameters").mkdir(parents=True)
    monkeypatch.setattr(language, "parameters_folder", lambda: tmp_path / "notebooks" / "parameters")
    return tmp_path


def edition(folder, stems):
    """Write pages of the demo's stored notebooks, of these alone: what a landing page of them says too."""
    (folder / "pictures").mkdir(parents=True)
    records = output_check.collect([path for path in run_notebooks.notebooks() if path.stem in stems])
    about, listed = pipeline.about(GIVEN), [{"file": "index.html", "short": "In short"}]
    main = main_points.of(records, GIVEN)
    leads, badges = page_lead.of(records, GIVEN)
    bodies = landing.bodies(GIVEN, records, about, main, main_points.figure(main, GIVEN), badges)
    bodies |= {documents.EASY: documents.easy_read(main, about)}
    for path in run_notebooks.notebooks():
        if path.stem in stems:
            bodies[f"{path.stem}.html"] = render.notebook_body(path, leads.get(f"{path.stem}.html", ""))
    for name, body in bodies.items():
        (folder / name).write_text(render.page(body, "In short", name, listed, about), encoding="utf-8")
    drawn = render.pictures(records)
    for name in list(drawn)[:3]:
        (folder / "pictures" / name).write_text(drawn[name], encoding="utf-8")
    shown = dashboard.html(records, main, listed, about, "White", badges)
    (folder / dashboard.FILE).write_text(shown, encoding="utf-8")


def accented(path):
    """Translate a catalogue into a language of accents, as a translator's program would write it."""
    with path.open("rb") as file:
        held = pofile.read_po(file)
    for entry in held:
        if entry.id:
            parts = PLACES.split(entry.id)
            entry.string = "".join(one if PLACES.fullmatch(one) else one.translate(ACCENTS) for one in parts)
    with path.open("wb") as file:
        pofile.write_po(file, held)


def said(html):
    """Return every text of a page that a reader meets: in its body, its descriptions, its pictures and its data."""
    data = [json.loads(found) for found in dashboard.DATA.findall(html)]
    body = re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL)
    texts = [*re.split(r"<[^>]*>", body), *re.findall(r'(?:alt|aria-label|data-label|title|value)="([^"]*)"', body)]
    for picture in re.findall(r'src="(data:image[^"]*)"', body):
        texts += re.findall(r">([^<]*)</(?:text|title)", unquote(unescape(picture)))
    for one in data:
        shown = {name: words for name, words in one["words"].items() if name not in ("measure", "status")}
        texts += [word for words in shown.values() for word in words] + [
            *one["said"].values(),
            *one.get("named", {}).values(),
        ]
        texts += [part for name, both in one["trust"].items() for part in (name, *both)]
    return [re.sub(r"\{\w+\}", "", unescape(text)).strip() for text in texts]


@pytest.mark.parametrize("stems", [
    ("01_prevalence",),
    pytest.param(("00_recording", "01_prevalence", "02_access", "03_experience", "04_outcomes", "05_priorities"),
                 marks=pytest.mark.skipif(not EVERY, reason="takes long: set PCREF_EVERY_CASE")),
])  # fmt: skip
def test_no_sentence_stays_english_and_no_number_moves(tmp_path, stems):
    folder = tmp_path / "edition"
    edition(folder, stems)
    path, done, every = language.update(folder, GIVEN, "ar")
    assert done == 0 < every
    accented(path)
    english = {page.name: page.read_text(encoding="utf-8") for page in folder.glob("*.html")}
    language.write(folder, GIVEN)
    assert {page.name for page in (folder / "ar").glob("*.html")} == set(english)
    for name, before in english.items():
        after = (folder / "ar" / name).read_text(encoding="utf-8")
        assert '<html lang="ar" dir="rtl">' in after
        assert f'<a href="../{name}" lang="en-GB" hreflang="en-GB">English</a>' in after
        words = {word for text in said(after) for word in re.findall(r"[\w.]+", text) if re.search("[aeiouyc]", word)}
        assert not {word for word in words if not language.CODE.fullmatch(word.strip("."))} - {"English", "c"}
        numbers = [sorted(re.findall(r"\d+", " ".join(said(page)))) for page in (before, after)]
        assert numbers[0] == numbers[1]
    assert edition_readback._other_numbers(folder) == []
    board = (folder / "ar" / dashboard.FILE).read_text(encoding="utf-8")
    held = json.loads(dashboard.DATA.search(board)[1])
    groups = set(re.findall(r'<input type="checkbox" value="([^"]*)"', board))
    assert groups and groups == set(held["words"]["ethnic_group"])
    assert held["start"].get("indicator", held["words"]["indicator"][0]) in held["words"]["indicator"]
    assert 'href="../tables.xlsx"' in (folder / "ar" / "index.html").read_text(encoding="utf-8")
    assert 'href="ar/index.html" lang="ar"' in (folder / "index.html").read_text(encoding="utf-8")
    assert language.update(folder, GIVEN, "ar")[1:] == (every, every)  # the links to other languages are no sentences
    assert any(sign in (next((folder / "ar" / "pictures").iterdir())).read_text(encoding="utf-8") for sign in "áéí")


def test_what_has_no_translation_stays_english_and_says_so():
    one = language.Translator({"See <1>the method</1> of {n1}.": "<1>Y dull</1>, {n1}."}, [])
    html = '<html lang="en-GB" dir="ltr"><p>See <a href="m.html">the method</a> of 2024-25. Not yet &amp; here.</p>'
    assert one.page(html, "cy", right_to_left=False) == (
        '<html lang="cy" dir="ltr"><p><a href="m.html">Y dull</a>, 2024-25. '
        '<span lang="en-GB" dir="ltr">Not yet &amp; here.</span></p>'
    )


def test_words_of_a_translator_are_text_and_never_html():
    one = language.Translator({"Levels": '<script>alert("1")</script>', "Key": "<1>x</1>"}, [])
    assert "<script" not in one.page('<p aria-label="Levels">Levels</p><p>Key</p>', "cy", right_to_left=False)


def test_a_name_and_a_number_are_places_and_a_translator_may_move_them():
    one = language.Translator({"Of {n1} ratios {name1} has {n2}.": "{name1}: {n2} / {n1}", "Black people": "pobl Ddu",
                               "{n1} to {n2}": "{n1} i {n2}", "{n1} ({n2} to {n3})": "{n1} ({n2} i {n3})"},
                              ["Black people"])  # fmt: skip
    assert one.text("Of 7 ratios Black people has 1.5 (1.2 to 2.0).") == "pobl Ddu: 1.5 (1.2 i 2.0) / 7"


@pytest.mark.parametrize("words", ["Dwy {n2}", "Dwy", "Dwy {n1} 3"])
def test_an_entry_that_would_lose_or_change_a_number_is_refused(tmp_path, words):
    path = tmp_path / "demo-cy.po"
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8"\n\n'
    path.write_text(f'{head}msgid "Of {{n1}}"\nmsgstr "{words}"\n', encoding="utf-8")
    with pytest.raises(PcrefError, match=r"1 entry has .*'Of \{n1\}'"):
        language.read(path)


def test_the_catalogue_keeps_what_is_translated(tmp_path):
    folder = tmp_path / "edition"
    folder.mkdir()
    (folder / "index.html").write_text("<p>Levels</p><p>Of 3</p>", encoding="utf-8")
    path, _, every = language.update(folder, GIVEN, "cy")
    accented(path)
    (folder / "index.html").write_text("<p>Levels</p><p>Gaps</p>", encoding="utf-8")
    _, done, again = language.update(folder, GIVEN, "cy")
    assert again == every and done == every - 1
    with pytest.raises(PcrefError, match="no code of a language"):
        language.update(folder, GIVEN, "welsh")


def test_a_changed_catalogue_makes_the_pages_again_and_a_fault_in_it_stops_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setenv("PCREF_HOME", str(tmp_path))
    path = tmp_path / "notebooks" / "parameters" / f"{GIVEN.run}-cy.po"
    path.parent.mkdir(parents=True, exist_ok=True)
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8"\n\nmsgid "Of {n1}"\n'
    found = [unchanged.identity(GIVEN)]
    for words in ("", "O {n1}"):
        path.write_text(f'{head}msgstr "{words}"\n', encoding="utf-8")
        found.append(unchanged.identity(GIVEN))
    assert found[0] != found[1] != found[2] != found[0]  # "nothing has changed" stood there, and no page in Welsh
    path.write_text(f'{head}msgstr "O"\n', encoding="utf-8")
    with pytest.raises(PcrefError, match="1 entry has other places"):
        unchanged.identity(GIVEN)
