"""Characters that cannot be seen, removed; and observations folded to one harmless line.

Knows Unicode and terminals, no labels and no tools.
"""

from __future__ import annotations

import re

# Single characters, or possessive runs: nothing here can backtrack.
_SEQUENCE = re.compile("\x1b(?:\\[[0-?]*+[ -/]*+[@-~]?|\\][^\x07\n\x1b]*+\x07?|[\\\\c78M(])?")
# The body of a character class, in ranges: controls, zero-width, bidi, tags, fillers.
INVISIBLE = (
    "\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
_INVISIBLE = re.compile(f"[{INVISIBLE}]+")
_JOINERS = re.compile("(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])")
_SPACES = re.compile("[ \t\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")
_SURROGATES = re.compile("[\ud800-\udfff]")
_WINDOW = 4  # of an observation, so many times its limit is looked at


def drop_invisible(text: str) -> str:
    """The text without terminal sequences, controls, zero-width and bidi characters.

    Line ends and tabs stay ("\\r\\n" becomes "\\n"). Joiners stay between letters outside
    ASCII, where scripts and emoji need them.
    """
    text = _SEQUENCE.sub("", text) if "\x1b" in text else text
    text = _INVISIBLE.sub("", text.replace("\r\n", "\n"))
    return _JOINERS.sub("", text) if "\u200c" in text or "\u200d" in text else text


def fold(text: str, limit: int) -> str:
    """``text`` as one line of at most ``limit`` characters, "…" at the end where it is cut.

    Line ends of every kind and runs of blanks become one space, so that nothing in an
    observation can begin a line; what cannot be seen is gone; a lone surrogate becomes
    U+FFFD, so that the line is valid UTF-8. ``limit`` 0 = no limit.
    """
    window = text.lstrip()[: _WINDOW * limit] if limit > 0 else text
    line = _SPACES.sub(" ", drop_invisible(window)).strip()
    line = _SURROGATES.sub("\ufffd", line)
    if limit <= 0 or (len(line) <= limit and len(window) == len(text.strip())):
        return line
    return line[: limit - 1].rstrip() + "…"
