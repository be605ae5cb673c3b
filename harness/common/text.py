"""Splits and compares plain text: lines, sentences and titles, in English and Japanese.

The results are not safe to print on a terminal; ``printable`` makes them so.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

# A full stop ends a sentence when what follows does not go on in lower case ("approx. two"),
# a Japanese one always does; closing quotation marks and brackets belong to the sentence.
_SENTENCE_END = re.compile(r"""[.!?]["'”’)\]]*(?=\s+[^\sa-z]|\s*$)|[。！？][」』）】"”’]*""")
_INITIALS = re.compile(r"(?:[A-Z]\.)*[A-Z]")  # J. K., U.S.
_ABBREVIATIONS = frozenset(
    ("Dr", "Mr", "Mrs", "Ms", "Mt", "No", "Prof", "St", "approx", "ca", "cf", "vs", "e.g", "i.e")
)

_USERINFO = re.compile(r"://[^/\s@]{1,200}@")
_SECRET = "key|token|secret|passw(?:or)?d|credentials?|auth"
_PARAMETER = re.compile(rf"((?:^|[?&\s])[\w-]{{0,40}}(?:{_SECRET})=)[^&\s\"']+", re.IGNORECASE)
_SECRET_NAME = re.compile(rf"(?:^|_)(?:{_SECRET})$", re.IGNORECASE)


def one_line(text: str) -> str:
    """The text with every run of white space, line ends included, as one space."""
    return " ".join(text.split())


def query_line(query: str) -> str:
    """A search query as servers and indexes take it: one line of at most 300 characters."""
    return one_line(query)[:300]


def cut(text: str, limit: int) -> str:
    """At most ``limit`` characters, the last one "…" where something was cut off."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def compare_form(text: str) -> str:
    """The text as it is compared: widths, compatibility forms and case made alike (NFKC)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def title_key(title: str) -> str:
    """What two spellings of one title have in common: case, width, spaces, underscores."""
    return one_line(compare_form(title).replace("_", " "))


def lead(text: str, limit: int) -> str:
    """The opening of a text in one line: as many whole sentences as fit ``limit`` characters.

    A first sentence that is too long by itself is cut with "…".
    """
    line = one_line(text)
    if len(line) <= limit:
        return line
    ends = [end for end in _sentence_ends(line[: limit + 2]) if end <= limit]
    return line[: ends[-1]] if ends else cut(line, limit)


def first_sentence(text: str, limit: int) -> str:
    """The first sentence of a text, cut to ``limit`` characters with "…"."""
    line = one_line(text[: 4 * limit])
    return cut(line[: next(_sentence_ends(line), len(line))], limit)


def sentences(text: str) -> list[str]:
    """The sentences of a text, each in one line; the last one need not be whole."""
    line = one_line(text)
    ends = [0, *_sentence_ends(line), len(line)]
    return [part for begin, end in pairwise(ends) if (part := line[begin:end].strip())]


def redacted(text: str) -> str:
    """The text without credentials: in addresses, as parameters, and whatever environment
    variables hold whose names say that they are secret."""
    text = _PARAMETER.sub(r"\1***", _USERINFO.sub("://***@", text))
    for name, value in os.environ.items():
        if len(value) >= 8 and _SECRET_NAME.search(name):
            text = text.replace(value, "***")
    return text


def _sentence_ends(line: str) -> Iterator[int]:
    for match in _SENTENCE_END.finditer(line):
        word = line[: match.start()].rpartition(" ")[2].lstrip("(\"'“‘")
        initials = match[0] == "." and _INITIALS.fullmatch(word)
        if not initials and word not in _ABBREVIATIONS:
            yield match.end()
