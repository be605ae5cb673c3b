"""Splits a sum, as people write it, into tokens."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from harness.tools.loose.words import CURRENCY_SIGNS, OPERATORS, SCALE_WORDS, UNITS

PLAIN = "write plain arithmetic, for example (12 + 3.5) * 4"
# the most numbers that a function or constant takes, 0 = any number of them
_ARITY = """
0 max min gcd lcm hypot
1 pi e abs int float sqrt exp factorial log10 log2 floor ceil trunc
1 sin cos tan asin acos atan degrees radians
2 round pow log
"""
ARITY: dict[str, int] = {}
for _row in _ARITY.strip().splitlines():
    _most, *_names = _row.split()
    ARITY |= dict.fromkeys(_names, int(_most))
NAMED_NUMBERS = ("pi", "e")


class CannotRead(ValueError):
    """``piece`` has no reading, or more than one; ``advice`` says how to write it."""

    def __init__(self, piece: str, advice: str = PLAIN) -> None:
        super().__init__(f'cannot read "{piece}"; {advice}')
        self.piece = piece
        self.advice = advice


class Token(NamedTuple):
    """``text`` is what it becomes, ``source`` what was written, ``gap`` the space before it."""

    kind: str
    text: str
    source: str
    gap: str = ""


@dataclass
class RepairNotes:
    """The repairs so far, each with the first piece that needed it."""

    pieces: dict[str, str] = field(default_factory=dict)

    def __call__(self, repair: str, piece: str) -> None:
        self.pieces.setdefault(repair, piece)


# --- characters -------------------------------------------------------------------------

_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_WIDE |= dict.fromkeys(
    map(ord, "\u3000\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2009\u200a\u202f"), 32
)
_WIDE |= {ord("￥"): ord("¥"), ord("？"): ord("?"), ord("。"): ord(".")}
_ROUND = {'"': '"', "'": "'", "`": "`", "“": "”", "‘": "’", "「": "」", "『": "』", "$": "$"}
_TEX_ROUND = {"$$": "$$", "\\(": "\\)", "\\[": "\\]"}
_TEX_SIGNS = "times=× cdot=⋅ ast=* div=÷ sqrt=√ approx=≈ frac=\\ dfrac=\\ tfrac=\\ %=% $=$"
_TEX: dict[str, str] = {
    **dict.fromkeys(("left", "right", "!"), ""),
    **dict.fromkeys((",", ";", ":", " ", "quad"), " "),
    "pi": " pi ",
    **{name: sign for name, _, sign in (pair.partition("=") for pair in _TEX_SIGNS.split())},
}
_TEX_COMMAND = re.compile(r"\\(?:(?:text|mathrm)\{([^{}\\]*)\}|([A-Za-z]+|.))")


def plain_text(text: str, note: RepairNotes) -> str:
    """The text without wide characters, marks round the whole, and TeX commands."""
    text = text.partition("#")[0].strip()
    plain = text.translate(_WIDE)
    if plain != text:
        note("fullwidth", next(a for a, b in zip(text, plain, strict=True) if a != b))
    for _ in range(3):
        plain = _unwrapped(plain.strip(), note)
    if "\\" in plain:
        note("tex", plain)
        plain = _TEX_COMMAND.sub(_tex, plain)
    if "{,}" in plain:
        note("tex", "{,}")
        plain = plain.replace("{,}", ",")
    if "\n" in plain or "\r" in plain:
        raise CannotRead(plain.splitlines()[0], "write one expression in one line")
    return plain


def _unwrapped(text: str, note: RepairNotes) -> str:
    for opening, closing in (*_TEX_ROUND.items(), *_ROUND.items()):
        inner = text[len(opening) : len(text) - len(closing)].strip()
        whole = text.startswith(opening) and text.endswith(closing) and inner
        if whole and closing not in inner:
            note("tex" if opening in ("$", *_TEX_ROUND) else "quotes", opening)
            return inner
    return text


def _tex(command: re.Match[str]) -> str:
    if command[1] is not None:
        return f" {command[1]} "
    if command[2] not in _TEX:
        raise CannotRead(command[0])
    return _TEX[command[2]]


# --- tokens -----------------------------------------------------------------------------

_SIGNS: dict[str, str] = {
    **dict.fromkeys("×⋅·∗✕✖", "*"),
    **dict.fromkeys("÷∕⁄", "/"),
    **dict.fromkeys("−–—‐‑‒﹣", "-"),
    "^": "**",
}
_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_DIGITS = r"[0-9](?:_?[0-9])*"


def _any(words: Sequence[str]) -> str:
    """A pattern for any of these words, the longest first; letters must not go on."""
    alternatives = []
    for word in sorted(words, key=len, reverse=True):
        pattern = re.escape(word).replace(r"\ ", r"\s+")
        alternatives.append(pattern + (r"(?![A-Za-z0-9])" if word[-1].isascii() else ""))
    return "|".join(alternatives)


_NON_ASCII_UNITS = [unit for unit in UNITS if not unit[0].isascii()]
_SIGN_CHARS = re.escape("".join(_SIGNS))
_CALLED = re.compile(r"[ \t]*\(")
_TOKEN = re.compile(
    rf"""(?P<gap>[ \t]*)(?:
    (?P<apostrophes>[1-9][0-9]{{0,2}}(?:['’][0-9]{{3}})+(?![0-9'’])(?:\.[0-9]+)?)
  | (?P<number>(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS}(?![A-Za-z]))?)
  | (?P<currency>US\$|[{re.escape(CURRENCY_SIGNS)}])
  | (?P<operator>(?i:{_any(list(OPERATORS))}))
  | (?P<percent>%|(?i:{_any(["percent", "per cent"])})|パーセント)
  | (?P<scale>(?i:{_any(list(SCALE_WORDS))}))
  | (?P<of>(?i:of(?![A-Za-z]))|の)
  | (?P<unit>{_any(_NON_ASCII_UNITS)})
  | (?P<x>[xX](?![A-Za-z_]))
  | (?P<word>(?:math\.)?[A-Za-z]\w*)
  | (?P<compare>[<>]+=?|[!=]=)
  | (?P<sign>\*\*|//|[-+*/{_SIGN_CHARS}])
  | (?P<equals>[=≈])
  | (?P<superscript>[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)
  | (?P<fraction>[½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞])
  | (?P<open>[(\[{{]) | (?P<close>[)\]}}]) | (?P<comma>,)
  | (?P<root>√) | (?P<pi>π) | (?P<bang>!) | (?P<frac>\\) | (?P<end>[.;?]) | (?P<other>.)
    )""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)


def tokens_of(text: str, note: RepairNotes) -> Iterator[Token]:
    """The tokens of a plain text. Raises CannotRead at a character or word of no sum."""
    for found in _TOKEN.finditer(text.rstrip()):
        kind, source, gap = str(found.lastgroup), found[str(found.lastgroup)], found["gap"]
        if kind == "word":
            called = _CALLED.match(text, found.end()) is not None
            yield _named(source, gap, called, note)
        elif kind in ("other", "compare"):
            shown = source if source.isprintable() else f"U+{ord(source[0]):04X}"
            raise CannotRead(shown, "write a sum, not a comparison" if kind == "compare" else PLAIN)
        else:
            yield _token(kind, source, gap, note)


def _token(kind: str, source: str, gap: str, note: RepairNotes) -> Token:
    match kind:
        case "apostrophes":
            note("grouping", source)
            return Token("number", re.sub("['’]", "", source), source, gap)
        case "number":
            return Token("number", source, source, gap)
        case "currency":
            return Token("unit", source, source, gap)
        case "operator":
            note("words", source)
            return Token("op", OPERATORS[" ".join(source.lower().split())], source, gap or " ")
        case "scale":
            return Token("scale", source.lower(), source, gap)
        case "sign":
            if source in _SIGNS:
                note("math_signs", source)
            return Token("op", _SIGNS.get(source, source), source, gap)
        case "pi":
            note("math_signs", source)
            return Token("name", "pi", source, gap)
        case "fraction":
            note("math_signs", source)
            top, _, bottom = unicodedata.normalize("NFKC", source).partition("⁄")
            return Token("fraction", f"{top}/{bottom}", source, gap)
        case "superscript":
            note("math_signs", source)
            return Token("superscript", source.translate(_SUPERSCRIPT), source, gap)
    return Token(kind, source, source, gap)


def _named(source: str, gap: str, called: bool, note: RepairNotes) -> Token:
    """A function, a constant, a unit, or any other word."""
    name = source.removeprefix("math.")
    unit = name if len(name) == 1 else name.lower()  # 5M is not 5 m
    if (name not in ARITY or name == "min") and unit in UNITS and not called:
        return Token("unit", unit, source, gap)
    if name in ARITY:
        return Token("name", source, source, gap)
    known = "log" if name.lower() == "ln" else name.lower()
    if known in ARITY and len(name) > 1:
        note("words", source)
        return Token("name", known, source, gap)
    return Token("word", source, source, gap)


def operand_ends(token: Token | None) -> bool:
    """Whether an operand ends at this token."""
    return token is not None and (
        token.kind in ("number", "fraction", "close", "unit", "superscript", "bang", "scale")
        or (token.kind == "name" and token.text.removeprefix("math.") in NAMED_NUMBERS)
    )


def operand_begins(token: Token | None) -> bool:
    """Whether an operand begins at this token."""
    kinds = ("number", "fraction", "open", "name", "root", "frac")
    return token is not None and token.kind in kinds


def source_of(tokens: Sequence[Token]) -> str:
    """The tokens as they were written."""
    return "".join(token.gap + token.source for token in tokens).strip()
