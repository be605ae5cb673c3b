"""Rewrites sums as people write them in Python: 5,069 × 4,387 =, 35% of 80, $1,200, 2^10, 18万.

``read_sum`` does so where a text has one reading, and names the repairs that it made. It
refuses every other text and says which piece it could not read. Nothing is executed here:
``calculate`` evaluates the result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.tools.loose.numbers import without_groups, without_percents, without_scales
from harness.tools.loose.tokens import (
    NAMED_NUMBERS,
    CannotRead,
    RepairNotes,
    Token,
    operand_begins,
    operand_ends,
    plain_text,
    source_of,
    tokens_of,
)
from harness.tools.loose.units import without_units

SUM_REPAIRS = {
    "fullwidth": "full-width and other wide characters as the plain ones",
    "quotes": "without the quotation marks or backticks round the whole",
    "tex": "TeX: \\times, \\frac{1}{2}, $ round the whole",
    "equals": "without the = before or behind it, what follows that, and a closing ? or full stop",
    "grouping": "digits grouped by commas, spaces or apostrophes as one number",
    "math_signs": "×, ÷, −, ^, √, ², ½, 7!, 2 x 3",
    "words": "times, plus, divided by, of, million, 万, かける, SQRT, ln",
    "units": "without the unit or currency at a number",
    "percent": "35% as 35 / 100",
    "brackets": "[ ] and { } as ( ); 2(3 + 4) and 2π as products",
}
"""What may have been mended, and how it was read. The list is closed."""


@dataclass(frozen=True)
class Reading:
    """``text`` is a Python expression; ``repairs`` are names from ``SUM_REPAIRS``, none where
    nothing was changed; ``piece`` is the first that was not Python."""

    text: str
    repairs: tuple[str, ...] = ()
    piece: str = ""


def read_sum(text: str) -> Reading:
    """The one reading of a sum, as a Python expression. Raises CannotRead when there is none.

    What is Python already may come back changed in spacing only, and without a repair.
    """
    note = RepairNotes()
    tokens = list(tokens_of(plain_text(text, note), note))
    tokens = _without_equation(tokens, note)
    tokens = _with_fractions(tokens)
    tokens = without_groups(tokens, note)
    tokens = without_scales(tokens, note)
    tokens = without_units(tokens, note)
    tokens = without_percents(tokens, note)
    _check_words(tokens)
    written = "".join(_written(tokens, note)).strip()
    repairs = tuple(name for name in SUM_REPAIRS if name in note.pieces)
    return Reading(written, repairs, next(iter(note.pieces.values()), ""))


# --- what stands round the sum ----------------------------------------------------------


def _without_equation(tokens: list[Token], note: RepairNotes) -> list[Token]:
    """Without ``x =`` before it, and behind it ``=``, ``= ?``, ``= 15``, a ? or full stop."""
    while tokens and tokens[-1].kind == "end":
        note("equals", tokens.pop().source)
    at = [i for i, token in enumerate(tokens) if token.kind == "equals"]
    if at and all(token.kind in ("word", "x", "of", "unit") for token in tokens[: at[0]]):
        note("equals", source_of(tokens[: at[0] + 1]))
        tokens = tokens[at[0] + 1 :]
        at = [i for i, token in enumerate(tokens) if token.kind == "equals"]
    if len(at) == 1 and (at[0] == len(tokens) - 1 or _is_result(tokens, at[0])):
        note("equals", source_of(tokens[at[0] :]))
        tokens = tokens[: at[0]]
    elif at:
        raise CannotRead(source_of(tokens[at[0] :]), "write one sum without =")
    return tokens


def _is_result(tokens: Sequence[Token], equals: int) -> bool:
    """``5 * 3 = 15``: a sum before, nothing but a number behind."""
    before, behind = tokens[:equals], tokens[equals + 1 :]
    signed = behind[1:] if behind[0].text == "-" else behind
    plain = ("number", "comma", "unit", "scale", "percent")
    return any(token.kind in ("op", "x", "of", "name", "root") for token in before) and all(
        token.kind in plain for token in signed
    )


def _check_words(tokens: Sequence[Token]) -> None:
    """``5 plus 3 times 2`` said aloud may be 11 or 16."""
    words = [t for t in tokens if t.kind == "op" and t.source[-1].isalpha()]
    kinds = {t.text in ("+", "-") for t in tokens if t.kind == "op"}
    if words and len(kinds) > 1:
        raise CannotRead(words[0].source, "write signs and brackets, for example (5 + 3) * 2")


def _pairs(tokens: Sequence[Token]) -> dict[int, int]:
    """Where each opening bracket is closed."""
    pairs: dict[int, int] = {}
    stack: list[int] = []
    for i, token in enumerate(tokens):
        if token.kind == "open":
            stack.append(i)
        elif token.kind == "close":
            if not stack or tokens[stack[-1]].source + token.source not in ("()", "[]", "{}"):
                raise CannotRead(token.source, "write both brackets of each pair")
            pairs[stack.pop()] = i
    if stack:
        raise CannotRead(tokens[stack[-1]].source, "write both brackets of each pair")
    return pairs


def _with_fractions(tokens: list[Token]) -> list[Token]:
    r"""``\frac{1}{2}`` as ((1)/(2))."""
    pairs = _pairs(tokens)
    more: dict[int, list[Token]] = {}
    for i, token in enumerate(tokens):
        if token.kind == "frac":
            top = pairs.get(i + 1, -1)
            bottom = pairs.get(top + 1, -1) if top > 0 else -1
            if bottom < 0 or (i and operand_ends(tokens[i - 1])):
                raise CannotRead("\\frac", "write (1 / 2)")
            more.setdefault(top, []).append(Token("op", "/", "/"))
            more.setdefault(bottom, []).append(Token("close", ")", ")"))
    found: list[Token] = []
    for i, token in enumerate(tokens):
        opening = Token("open", "(", "(", token.gap) if token.kind == "frac" else token
        found += [opening, *more.get(i, ())]
    return found


# --- the sum itself ---------------------------------------------------------------------


def _written(tokens: Sequence[Token], note: RepairNotes) -> Iterator[str]:
    """The tokens as Python; refuses what stands side by side with no sign between."""
    before = ""  # the sign in front of the operand at hand
    outer: list[str] = []
    for last, token, after in _neighbours(tokens):
        if last is not None and operand_ends(last) and operand_begins(token):
            _check_product(last, token, before)
            note("brackets", last.source + token.gap + token.source)
            before = "*"
            yield " *"
            token = token._replace(gap=" ")
        match token.kind:
            case "op":
                before = token.text
            case "open":
                outer.append(before)
                before = ""
            case "close":
                before = outer.pop()
        yield token.gap + _one(last, token, after, note)
        if token.kind == "root":
            before = "root"


def _neighbours(tokens: Sequence[Token]) -> Iterator[tuple[Token | None, Token, Token | None]]:
    padded: list[Token | None] = [None, *tokens, None]
    for (last, _), (token, after) in pairwise(pairwise(padded)):
        assert token is not None
        yield last, token, after


def _check_product(last: Token, token: Token, before: str) -> None:
    piece = last.source + token.gap + token.source
    bare_e = token.text == "e" or last.text == "e"
    if token.kind in ("number", "fraction") and not token.gap and token.text.startswith("."):
        raise CannotRead(piece, "write one decimal point")
    if token.kind in ("number", "fraction") or bare_e or before in ("/", "//", "%", "**", "root"):
        raise CannotRead(piece, "write the sign between, for example 2 * 3")


def _one(last: Token | None, token: Token, after: Token | None, note: RepairNotes) -> str:
    """One token as Python."""
    match token.kind:
        case "open" | "close":
            if token.source in "[]{}":
                note("brackets", token.source)
            return "(" if token.kind == "open" else ")"
        case "root" if after is not None and after.source in ("(", "{"):
            note("math_signs", token.source)
            return "sqrt"
        case "number" if last is not None and last.kind == "root":
            if after is not None and after.kind in ("bang", "superscript"):
                raise CannotRead(last.source + token.source + after.source)
            note("math_signs", last.source + token.source)
            return f"sqrt({_checked(token)})"
        case "root" if after is not None and after.kind == "number":
            return ""
        case "number" if after is not None and after.kind == "bang":
            note("math_signs", token.source + after.source)
            return f"factorial({token.text})"
        case "number":
            return _checked(token)
        case "bang" if last is not None and last.kind == "number":
            return ""
        case "superscript" if operand_ends(last):
            return f"**({token.text})" if "-" in token.text else f"**{token.text}"
        case "fraction":
            return f"({token.text})"
        case "x" if operand_ends(last) and (operand_begins(after)):
            hexadecimal = last is not None and last.text == "0" and not token.gap
            if not hexadecimal:
                note("math_signs", token.source)
                return "*"
        case "name" if token.text.removeprefix("math.") not in NAMED_NUMBERS:
            if after is None or after.source != "(":
                raise CannotRead(token.source, f"write {token.text}(2)")
            return token.text
        case "op" if token.source == "·" and not token.gap and after is not None and not after.gap:
            raise CannotRead(token.source, "write * or a decimal point")
        case "op" | "comma" | "name":
            return token.text
    raise CannotRead(token.source)


def _checked(token: Token) -> str:
    if re.fullmatch(r"0[0-9]*[1-9][0-9]*", token.text):
        raise CannotRead(token.source, f"write {token.text.lstrip('0')}")
    return token.text
