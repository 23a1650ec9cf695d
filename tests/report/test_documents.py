"""The board paper and the easy-read page: the landing page's sentences, marked, described, the same bytes twice."""

import io
import re
import struct
import zipfile
import zlib
from dataclasses import replace

import pytest

from pcref_analysis.report import pipeline
from pcref_analysis.report.pages import documents, render
from pcref_analysis.report.pages.main_points import MainPoints, Point
from pcref_analysis.vocabulary import parameters
from pcref_analysis.vocabulary.errors import PcrefError

POINT = Point("Orders: Black people", "The rate was 2.0 times that among White people (95% interval 1.4 to 2.8).",
              "We cannot tell.", "Firm", "Few are unknown.", "In progress: a nurse goes along.", "03_experience.html",
              ("For Black people this was 2.0 times that for White people.",), (2.0, 1.4, 2.8, 0.1),
              ("2.0 | 1.4 | 2.8 | 95",))  # fmt: skip
POINTS = MainPoints("What people agreed to put first", "Agreed by all.", "Compared with the White group.", (POINT,), 0,
                    "Well recorded.", "", ("Seen soon: Asian people (equal)",), (), True, POINT.sources)  # fmt: skip
ABOUT = pipeline.about(parameters.load("demo"))
HOSTILE = [
    '#panic("x")',
    '#read("/etc/passwd")',
    "$ sum $ *b* _i_ <a> @b",
    "\\u{41} // gone",
    '"] = #eval("1")',
    "<w:t>x</w:t>",
    "zażółć O’Neill – “quoted” −3 ≥ office",
    "سلام שלום",
    "1 of 2 • 3 " + "age-adjusted-and-longer " * 12,
]


def png():
    rows = b"".join(b"\0" + b"\xff" * 3 for _ in range(1))
    parts = [(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )


def word(made):
    from docx import Document

    return [line.text for line in Document(io.BytesIO(made)).paragraphs if line.text]


def test_word_says_the_paper_word_by_word_with_real_headings_and_a_described_picture(tmp_path):
    documents.write(tmp_path, POINTS, (png(), "A picture in words."), ABOUT)
    made = (tmp_path / documents.BOARD).read_bytes()
    assert word(made) == [text for kind, text in documents.paper(POINTS, ABOUT) if kind != "figure"]
    with zipfile.ZipFile(io.BytesIO(made)) as parts:
        xml = parts.read("word/document.xml").decode()
        styles = parts.read("word/styles.xml").decode()
    assert 'descr="A picture in words."' in xml and xml.count('w:val="Heading1"') == 5 and "Heading2" in xml
    assert 'w:lang w:val="en-GB"' in styles


def test_the_pdf_is_tagged_and_a_picture_without_words_is_refused(tmp_path):
    blocks = documents.paper(POINTS, ABOUT)
    made = documents.pdf(blocks, {"": (png(), "A picture in words.")})
    assert made.startswith(b"%PDF-1.7") and b"<pdfuaid:part>1</pdfuaid:part>" in made
    catalogue = re.search(rb"<</Type/Catalog.*?>>\n", made, re.DOTALL)[0]
    for part in (b"/Lang(en-GB)", b"/StructTreeRoot ", b"/Marked true", b"/DisplayDocTitle true", b"/Outlines "):
        assert part in catalogue
    kinds = [kind for kind, _ in blocks]
    tags = re.findall(rb"/Type/StructElem/S/(\w+)", made)
    for tag, kind in ((b"H1", "title"), (b"H2", "h1"), (b"H3", "h2"), (b"Figure", "figure")):
        assert tags.count(tag) == kinds.count(kind)
    assert b"/Alt(A picture in words.)" in made
    with pytest.raises(Exception, match="alt"):
        documents.pdf([*blocks, ("figure", "")], {"": (png(), None)})


def test_bullets_that_follow_each_other_are_one_list_of_the_pdf():
    blocks = [("title", "T"), ("bullet", "one"), ("bullet", "two"), ("text", "x"), ("bullet", "three")]
    tags = re.findall(rb"/Type/StructElem/S/(\w+)", documents.pdf(blocks, {}))
    assert (tags.count(b"L"), tags.count(b"LI"), tags.count(b"P")) == (2, 3, 1)


def test_the_same_paper_is_the_same_bytes():
    blocks, picture = documents.paper(POINTS, ABOUT), (png(), "words")
    assert documents.docx(blocks, picture) == documents.docx(blocks, picture)
    assert documents.pdf(blocks, {"": picture}) == documents.pdf(blocks, {"": picture})


@pytest.mark.parametrize("words", HOSTILE)
def test_written_words_are_text_in_both(words, tmp_path):
    points = replace(POINTS, points=(replace(POINT, title=words),))
    blocks = [block for block in documents.paper(points, ABOUT) if block[0] != "figure"]
    assert f"1. {words}" in word(documents.docx(blocks, None))
    (tmp_path / documents.PDF).write_bytes(documents.pdf(blocks, {}))
    letters = documents.read_pdf_back(tmp_path / documents.PDF)
    assert f"1. {words}".translate(str.maketrans("", "", " •")) in letters


def test_a_letter_that_the_pdf_cannot_show_is_named(tmp_path):
    with pytest.raises(PcrefError, match=r"no letter .*ਪ.*record of engagement"):
        documents.write(tmp_path, replace(POINTS, points=(replace(POINT, title="ਪੰਜਾਬੀ"),)), None, ABOUT)


def test_every_paper_is_marked_synthetic_unsigned_or_internal():
    said = str(documents.paper(POINTS, ABOUT))
    assert "Synthetic data: an invented Trust." in said
    unsigned = ABOUT | {"synthetic": False, "audience": "internal", "sign_off": "Draft: not signed off."}
    marks = [text for kind, text in documents.paper(POINTS, unsigned) if kind == "mark"]
    assert marks == ["Internal: not for publication. Small numbers are shown.", "Draft: not signed off."]


def test_a_number_that_no_released_row_holds_stops_either(tmp_path):
    odd = replace(POINTS, points=(replace(POINT, words="It was 137.", plain="It was 137."),))
    with pytest.raises(PcrefError, match="the board paper holds 1 number"):
        documents.write(tmp_path, odd, None, ABOUT)
    with pytest.raises(PcrefError, match="the easy-read page holds 1 number"):
        documents.easy_read(odd, ABOUT)
    assert not list(tmp_path.iterdir())


def slides(folder, points=POINTS, about=ABOUT):
    from pypdf import PdfReader

    documents.write_slides(folder, points, {"1": (png(), "A picture in words.")}, about)
    return [re.sub(r"\s+", " ", page.extract_text()) for page in PdfReader(folder / documents.SLIDES).pages]


def test_slides_are_tagged_and_marked_each_and_say_what_the_landing_page_says(tmp_path):
    said = slides(tmp_path)
    assert len(said) == 5 and all("Synthetic data: an invented Trust." in page for page in said)
    assert "Is it getting better? Number 1: no figures to compare." in said[1]
    assert all(words in said[2] for words in ("1. Orders: Black people", "2.0 times", "We cannot tell."))
    made = (tmp_path / documents.SLIDES).read_bytes()
    tags = re.findall(rb"/Type/StructElem/S/(\w+)", made)
    assert b"<pdfuaid:part>1</pdfuaid:part>" in made and b"/Alt(A picture in words.)" in made
    assert [tags.count(tag) for tag in (b"H1", b"H2", b"Figure")] == [1, 4, 1]
    three = replace(POINTS, points=(POINT,) * 4)
    assert len(slides(tmp_path, three)) == 7
    nothing = slides(tmp_path, replace(POINTS, points=(), lead="We could not tell."))
    assert len(nothing) == 3 and "We could not tell." in nothing[1]


def test_a_slide_of_many_words_gets_smaller_text_and_stays_one(tmp_path):
    assert len(slides(tmp_path, replace(POINTS, points=(replace(POINT, words="Many words here. " * 45),)))) == 5


def test_slides_with_a_number_or_a_word_that_was_not_released_stop_the_edition(tmp_path, monkeypatch):
    with pytest.raises(PcrefError, match=r"slides\.pdf holds 1 number"):
        slides(tmp_path, replace(POINTS, data="It was 137."))
    made = documents.pdf
    monkeypatch.setattr(documents, "pdf", lambda given, *more: made([*given, ("text", "3")], *more))
    with pytest.raises(PcrefError, match=r"slides\.pdf holds other words"):
        slides(tmp_path)


def a_sentence(document):
    document.paragraphs[-1].add_run(" 3 people.")


def a_table(document):
    document.add_table(1, 1).cell(0, 0).text = "3"


def a_foot(document):
    document.sections[0].footer.paragraphs[0].text = "3"


@pytest.mark.parametrize("change", [a_sentence, a_table, a_foot])
def test_a_word_file_with_other_words_than_the_paper_stops_the_edition(change, tmp_path, monkeypatch):
    from docx import Document

    made = documents.docx

    def changed(*given):
        document, out = Document(io.BytesIO(made(*given))), io.BytesIO()
        change(document)
        document.save(out)
        return out.getvalue()

    documents.write(tmp_path, POINTS, None, ABOUT)
    monkeypatch.setattr(documents, "docx", changed)
    with pytest.raises(PcrefError, match=r"\.docx holds other words than the board paper"):
        documents.write(tmp_path, POINTS, None, ABOUT)


def test_a_pdf_with_another_number_than_the_paper_stops_the_edition(tmp_path, monkeypatch):
    made = documents.pdf
    monkeypatch.setattr(documents, "pdf", lambda given, *more: made([*given, ("text", "3")], *more))
    with pytest.raises(PcrefError, match=r"\.pdf holds other words than the board paper"):
        documents.write(tmp_path, POINTS, None, ABOUT)


def test_easy_read_has_short_sentences_and_says_how_sure():
    said = render.text_of(documents.easy_read(POINTS, ABOUT))
    sentences = [one.split() for one in re.split(r"[.?:]\s", " ".join(said.split()))]
    assert max(map(len, sentences)) <= 15
    (age,) = re.findall(r"Reading age of this page: about (\d+) years", said)
    assert int(age) <= 11 < documents.reading_age("Administrative considerations necessitate institutional evaluation.")
    assert "We are quite sure." in said and "The numbers do not say why." in said


def test_easy_read_says_each_finding_of_a_point_whether_it_gets_better_and_what_is_done():
    two = ("A: this was 2.7 times.", "B: this was 5.0 times.")
    more = replace(POINT, plain=two, moved="wider", state="under way")
    points = replace(POINTS, points=(more,), sources=("2.7 5.0 2.0",))
    said = render.text_of(documents.easy_read(points, {**ABOUT, "contact": ""}))
    words = ["A: this was 2.7 times.", "B: this was 5.0 times.", "This gap is bigger", "We have started work on this."]
    assert sorted(words, key=said.index) == words
    assert "not yet written down" not in said and "Ask: " not in said
    assert "not yet written down" in render.text_of(documents.easy_read(POINTS, ABOUT))


def test_a_rule_that_nobody_agreed_is_called_so_and_not_by_the_words_of_the_template():
    given = parameters.load("demo")
    owner, agreed = "to be named (information governance)", "to be agreed"
    rule = given.disclosure.model_copy(update={"owner": owner, "agreed": agreed})
    words = pipeline.about(given.model_copy(update={"disclosure": rule}))["rule_text"]
    assert words.endswith("(the rule is not agreed yet).") and "to be" not in words
    whole = given.model_copy(update={"disclosure": rule.model_copy(update={"rounding": 1}), "audience": "internal"})
    assert pipeline.about(whole)["rule_text"].startswith(
        "Small numbers are shown. On release counts below 5 are suppressed (the rule"
    )
