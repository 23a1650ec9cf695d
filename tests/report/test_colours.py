"""Words can be read in light and in dark: contrast by WCAG 2.2 of every pair of colours that the style sheet uses."""

import re

import pytest

from pcref_analysis.report.pages import render

GROUNDS = {  # ground -> what is written or drawn on it
    "paper": ("ink", "muted", "blue", "mark"),
    "pale": ("ink", "blue"),
    "block": ("ink",),
    "hover": ("ink", "blue"),
    "warn": ("ink", "mark"),
    "inner": ("ink",),
    "stripe": ("ink", "blue", "muted"),
}


def colours(dark):
    roots = re.findall(r":root \{([^}]*)\}", render.style())
    return dict(re.findall(r"--([a-z-]+):(#[0-9a-f]+);", roots[1 if dark else 0]))


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * one for one in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_every_word_has_a_contrast_of_four_and_a_half_and_the_focus_ring_of_three(dark):
    known = colours(dark)
    assert set(known) == set(colours(False))
    for ground, written in GROUNDS.items():
        for name in written:
            assert contrast(known[ground], known[name]) >= 4.5, (ground, name)
    assert contrast(known["blue"], known["paper"]) >= 4.5  # the page that is shown, in the list of pages
    assert contrast("#ffeb3b", "#212b32") >= 4.5 and contrast(known["ink"], known["paper"]) >= 3


def test_no_colour_of_the_screen_stands_outside_the_two_lists():
    css = re.sub(r":root \{[^}]*\}", "", render.style())
    own = set(re.findall(r"#[0-9a-f]{3,6}\b", css))
    assert own <= {"#fff", "#ffeb3b", "#212b32"}  # paper below a picture; the yellow of a link with focus, and its ink
