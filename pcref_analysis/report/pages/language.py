"""The one catalogue of the pages' own words, ready for another language.

Every sentence that the landing page, the frame of each page, the dashboard and the easy-read page say by themselves
passes through :func:`say` or, in a template, through Jinja's ``trans``; the English sentence is the key, so gettext's
tools collect them into one file for translators. Not among them: sentences of findings (their words are
the ``terms`` of the parameters), notebooks, tables, figures, and names and definitions of indicators.
"""

from __future__ import annotations

import contextlib
import gettext
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

ENGLISH = gettext.NullTranslations()
TRANSLATIONS: ContextVar[gettext.NullTranslations] = ContextVar("the language of the pages", default=ENGLISH)


def say(text: str, **values: Any) -> str:
    """Return one sentence in the language of the pages, its values put in.

    Parameters
    ----------
    text
        The English sentence, as it stands in the catalogue; values in braces.
    values
        What to put in. They are not translated.

    Examples
    --------
    >>> say("{more} more on the list", more=7)
    '7 more on the list'
    """
    return TRANSLATIONS.get().gettext(text).format(**values)


def several(one: str, more: str, number: int, **values: Any) -> str:
    """Return the sentence for this number of things; languages have up to six forms.

    Examples
    --------
    >>> several("{n} gap", "{n} gaps", 1), several("{n} gap", "{n} gaps", 2)
    ('1 gap', '2 gaps')
    """
    return TRANSLATIONS.get().ngettext(one, more, number).format(n=number, **values)


@contextlib.contextmanager
def speaking(translations: gettext.NullTranslations) -> Iterator[None]:
    """Make pages in another language: what is said within this block is taken from ``translations``."""
    before = TRANSLATIONS.set(translations)
    try:
        yield
    finally:
        TRANSLATIONS.reset(before)
