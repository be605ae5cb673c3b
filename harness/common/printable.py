"""Text from models, tools and files, made safe to show to a person."""

from __future__ import annotations

import unicodedata

# Categories that steer a terminal or hide text: controls, format characters (bidi, zero
# width), surrogates, private use, line and paragraph separators.
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def printable(text: str, limit: int = 0) -> str:
    """``text`` with every character that is not plain shown as an escape (\\x1b, \\u202e).

    Line feeds and tabs stay. ``limit`` > 0 cuts to so many characters, ending in "…".
    """
    shown = "".join(c if _plain(c) else _escape(c) for c in text)
    return shown[: limit - 1] + "…" if limit and len(shown) > limit else shown


def _plain(char: str) -> bool:
    return char in "\n\t" or unicodedata.category(char) not in _HIDDEN


def _escape(char: str) -> str:
    code = ord(char)
    return (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    )
