"""Another language: no sentence of a page stands outside the catalogue, and a page can run from right to left."""

import gettext
import re
from html import unescape

import pytest

from pcref_analysis.report import pipeline
from pcref_analysis.report.pages import dashboard, documents, landing, language, main_points, quality, render
from pcref_analysis.vocabulary import parameters

START, END = "\u2067", "\u2069"  # marks of right-to-left text around each message
ACCENTS = str.maketrans("aeiouycnAEIOUYCN", "áéíóúýçñÁÉÍÓÚÝÇÑ")
KEEP = re.compile(r"(<[^>]*>|%\(\w+\)s|%%|\{\w+\})")


class Invented(gettext.NullTranslations):
    """A language in which each message has accents and stands between marks; values put in are left as they are."""

    def gettext(self, message):
        if message in ("en-GB", "ltr"):
            return {"en-GB": "ar", "ltr": "rtl"}[message]
        parts = KEEP.split(message)
        return START + "".join(p if KEEP.fullmatch(p) else p.translate(ACCENTS) for p in parts) + END

    def ngettext(self, one, more, number):
        return self.gettext(one if number == 1 else more)


def made(name, given, found):
    facts = ("trust", "period_text", "basis", "rule_text", "licence", "next_edition", "edition_day", "level", "version")
    about = pipeline.about(given) | dict.fromkeys([*facts, "introduction"], "4") | {"contact": ""}
    point = main_points.Point("4", "4", "4", "With care", "4", "4", "4.html", "4", state="under way", moved="wider")
    points = main_points.MainPoints(
        main_points.of([], given).heading, main_points._lead([], None, False), main_points.compared_with(given)[0],
        (point,), 2, "", "", ("4",), ("4",), True, ("4 2 0 1",), "4", main_points.compared_with(given)[1],
    )  # fmt: skip
    listed = [{"file": "4", "short": "4"}]
    if name == "dashboard":
        return dashboard.html([], points, listed, about, "White").partition('<script type="application/json"')[0]
    if name == "easy read":
        body = documents.easy_read(points, about)
    else:
        body = render.fragment("index.html.j2", about=about, main=points, answers=landing.answers(points),
                               named=quality.named, picture=None, alt=None, folded={}, tables=[])  # fmt: skip
    return render.page(body, "4", "4", listed, about)


@pytest.mark.parametrize("name", ["landing page", "dashboard", "easy read"])
def test_no_sentence_of_a_page_stands_outside_the_catalogue(name):
    given = parameters.load("demo", comparator="White")
    with language.speaking(Invented()):
        html = made(name, given, None)
    assert '<html lang="ar" dir="rtl">' in html
    body = re.sub(r"<style>.*?</style>", "", html[html.index("<body") :], flags=re.DOTALL)
    labels = re.findall(r'(?:aria-label|title|alt)="([^"]+)"', body)
    pieces = [unescape(one) for one in [*re.split(r"<[^>]*>", body), *labels]]
    text, outside, depth = "\n".join(pieces), [], 0
    for char in text:
        depth += (char == START) - (char == END)
        outside.append(char if not depth else " ")
    assert not re.findall(r"[A-Za-z]{2,}", "".join(outside))
    names = {
        *[
            "White",
            "British",
            "Irish",
            "any",
            "other",
            "background",
            "Analysis",
            "Function",
            "pcref",
            "manifest.json",
            "release-record.json",
        ]
    }
    inside = (
        set(re.findall(r"[\w.-]*[aeiou][\w.-]*", text)) - names
    )  # what is put into a sentence is a name or a number
    assert not inside, inside


def test_after_it_the_pages_are_english_again():
    with language.speaking(Invented()):
        assert language.say("Firm") != "Firm"
    assert language.say("Firm") == "Firm"
