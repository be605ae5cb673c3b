"""How people write sums, read as Python: 5,069 × 4,387 =, 35% of 80, $1,200, 2^10, 18万.

``read`` rewrites a text as a Python expression where there is one reading, and names the
repairs that it took. It refuses every other text and says which piece it could not read.
Nothing is worked out or executed here; ``calculate`` evaluates the result.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple, NoReturn

from harness.tools.sum_words import CURRENCY, OPERATORS, SCALES, UNITS, Unit

REPAIRS = {
    "fullwidth": "full-width and other wide characters as the plain ones",
    "quotes": "without the quotation marks or backticks round the whole",
    "tex": "TeX: \\times, \\frac{1}{2}, $ round the whole",
    "equals": "without the = before or behind it, what follows that, and a closing ? or full stop",
    "grouping": "digits grouped by commas, spaces or apostrophes as one number",
    "math_signs": "×, ÷, −, ^, √, ², ½, 7!, 2 x 3",
    "words": "times, plus, divided by, of, million, 万, かける, SQRT, ln",
    "units": "without the unit or currency at a number",
    "percent": "35% as 35 / 100",
    "brackets": "[ ] and { } as ( ), and 2(3 + 4) as 2 * (3 + 4)",
}
"""What may have been mended, and how it was read. The list is closed."""

PLAIN = "write plain arithmetic, for example (12 + 3.5) * 4"
# function or constant -> the most numbers it takes; 0 = any number of them
ARITY: Mapping[str, int] = {
    **dict.fromkeys(("pi", "e"), 1),
    **dict.fromkeys(("max", "min", "gcd", "lcm", "hypot"), 0),
    **dict.fromkeys(("round", "pow", "log"), 2),
    **dict.fromkeys("abs int float sqrt exp factorial log10 log2 floor ceil trunc".split(), 1),
    **dict.fromkeys("sin cos tan asin acos atan degrees radians".split(), 1),
}
CONSTANTS = ("pi", "e")


class CannotRead(ValueError):
    """``piece`` has no reading, or more than one; ``advice`` says how to write it."""

    def __init__(self, piece: str, advice: str = PLAIN) -> None:
        super().__init__(f'cannot read "{piece}"; {advice}')
        self.piece = piece
        self.advice = advice


@dataclass(frozen=True)
class Reading:
    """``text`` is a Python expression; ``repairs`` are names from ``REPAIRS``, none where
    nothing was changed; ``piece`` is the first that was not Python."""

    text: str
    repairs: tuple[str, ...] = ()
    piece: str = ""


class Token(NamedTuple):
    """``text`` is what it becomes, ``source`` what was written, ``gap`` the space before it."""

    kind: str
    text: str
    source: str
    gap: str = ""


@dataclass
class _Notes:
    """The repairs so far, each with the first piece that needed it."""

    pieces: dict[str, str] = field(default_factory=dict)

    def __call__(self, repair: str, piece: str) -> None:
        self.pieces.setdefault(repair, piece)


def read(text: str) -> Reading:
    """The one reading of a sum, as a Python expression. Raises CannotRead when there is none.

    What is Python already may come back changed in spacing only, and without a repair.
    """
    note = _Notes()
    tokens = list(_tokens(_plain(text, note), note))
    tokens = _without_equation(tokens, note)
    tokens = _with_fractions(tokens)
    tokens = _without_groups(tokens, note)
    tokens = _without_scales(tokens, note)
    tokens = _without_units(tokens, note)
    tokens = _without_percents(tokens, note)
    _check_words(tokens)
    written = "".join(_written(tokens, note)).strip()
    repairs = tuple(name for name in REPAIRS if name in note.pieces)
    return Reading(written, repairs, next(iter(note.pieces.values()), ""))


# --- characters -------------------------------------------------------------------------

_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_WIDE |= dict.fromkeys(map(ord, "\u3000\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2009\u200a\u202f"), 32)
_WIDE |= {ord("￥"): ord("¥"), ord("？"): ord("?"), ord("。"): ord(".")}
_ROUND = {'"': '"', "'": "'", "`": "`", "“": "”", "‘": "’", "「": "」", "『": "』", "$": "$"}
_TEX_ROUND = {"$$": "$$", "\\(": "\\)", "\\[": "\\]"}
_TEX = {
    "times": "×", "cdot": "⋅", "ast": "*", "div": "÷", "pi": " pi ", "sqrt": "√", "approx": "≈",
    "frac": "\\", "dfrac": "\\", "tfrac": "\\", "left": "", "right": "", "%": "%", "$": "$",
    ",": " ", ";": " ", ":": " ", " ": " ", "!": "", "quad": " ",
}  # fmt: skip
_TEX_COMMAND = re.compile(r"\\(?:(?:text|mathrm)\{([^{}\\]*)\}|([A-Za-z]+|.))")


def _plain(text: str, note: _Notes) -> str:
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


def _unwrapped(text: str, note: _Notes) -> str:
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

_SIGNS = {
    **dict.fromkeys("×⋅·∗✕✖", "*"), **dict.fromkeys("÷∕⁄", "/"), **dict.fromkeys("−–—‐‑‒﹣", "-"),
    "^": "**",
}  # fmt: skip
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
  | (?P<currency>US\$|[{re.escape(CURRENCY)}])
  | (?P<operator>(?i:{_any(list(OPERATORS))}))
  | (?P<percent>%|(?i:{_any(["percent", "per cent"])})|パーセント)
  | (?P<scale>(?i:{_any(list(SCALES))}))
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


def _tokens(text: str, note: _Notes) -> Iterator[Token]:
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


def _token(kind: str, source: str, gap: str, note: _Notes) -> Token:
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


def _named(source: str, gap: str, called: bool, note: _Notes) -> Token:
    """A function, a constant, a unit, or a word that nobody here knows."""
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


def _operand_ends(token: Token | None) -> bool:
    return token is not None and (
        token.kind in ("number", "fraction", "close", "unit", "superscript", "bang", "scale")
        or (token.kind == "name" and token.text.removeprefix("math.") in CONSTANTS)
    )


def _operand_begins(token: Token | None) -> bool:
    return token is not None and token.kind in ("number", "fraction", "open", "name", "root", "frac")


def _source(tokens: Sequence[Token]) -> str:
    return "".join(token.gap + token.source for token in tokens).strip()


# --- what stands round the sum ----------------------------------------------------------


def _without_equation(tokens: list[Token], note: _Notes) -> list[Token]:
    """Without ``x =`` before it, and behind it ``=``, ``= ?``, ``= 15``, a ? or full stop."""
    while tokens and tokens[-1].kind == "end":
        note("equals", tokens.pop().source)
    at = [i for i, token in enumerate(tokens) if token.kind == "equals"]
    if at and all(token.kind in ("word", "x", "of", "unit") for token in tokens[: at[0]]):
        note("equals", _source(tokens[: at[0] + 1]))
        tokens = tokens[at[0] + 1 :]
        at = [i for i, token in enumerate(tokens) if token.kind == "equals"]
    if len(at) == 1 and (at[0] == len(tokens) - 1 or _is_result(tokens, at[0])):
        note("equals", _source(tokens[at[0] :]))
        tokens = tokens[: at[0]]
    elif at:
        raise CannotRead(_source(tokens[at[0] :]), "write one sum without =")
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
                raise CannotRead(token.source, "open and close every bracket")
            pairs[stack.pop()] = i
    if stack:
        raise CannotRead(tokens[stack[-1]].source, "open and close every bracket")
    return pairs


def _with_fractions(tokens: list[Token]) -> list[Token]:
    r"""``\frac{1}{2}`` as ((1)/(2))."""
    pairs = _pairs(tokens)
    more: dict[int, list[Token]] = {}
    for i, token in enumerate(tokens):
        if token.kind == "frac":
            top = pairs.get(i + 1, -1)
            bottom = pairs.get(top + 1, -1) if top > 0 else -1
            if bottom < 0 or (i and _operand_ends(tokens[i - 1])):
                raise CannotRead("\\frac", "write (1 / 2)")
            more.setdefault(top, []).append(Token("op", "/", "/"))
            more.setdefault(bottom, []).append(Token("close", ")", ")"))
    found: list[Token] = []
    for i, token in enumerate(tokens):
        opening = Token("open", "(", "(", token.gap) if token.kind == "frac" else token
        found += [opening, *more.get(i, ())]
    return found


# --- numbers ----------------------------------------------------------------------------

_FIRST = re.compile(r"[1-9][0-9]{0,2}")
_NEXT = re.compile(r"[0-9]{3}(?:\.[0-9]+)?")


def _without_groups(tokens: list[Token], note: _Notes) -> list[Token]:
    """5,069 as 5069, where the comma cannot be one between two numbers."""
    joins = _commas_that_group(tokens)
    found: list[Token] = []
    grown = 0  # groups that the last number has taken up
    for i, token in enumerate(tokens):
        if i in joins:
            continue
        spaced = token.kind == "number" and token.gap == " " and _spaced(tokens, i, found, grown)
        if spaced or (i - 1 in joins):
            last = found.pop()
            if i - 1 in joins and " " in last.source:  # 12 345,678
                raise CannotRead(f"{last.source},{token.source}", "write numbers without commas")
            source = last.source + ("," if i - 1 in joins else " ") + token.source
            found.append(Token("number", last.text + token.text, source, last.gap))
            note("grouping", source)
            grown += 1
        else:
            found.append(token)
            grown = 0
    return found


def _spaced(tokens: Sequence[Token], i: int, found: Sequence[Token], grown: int) -> bool:
    """12 345, but not the mixed number 12 345/400."""
    last = found[-1] if found else None
    if last is None or last.kind != "number" or "," in last.source:
        return False
    if not (grown or _FIRST.fullmatch(last.text)) or not _NEXT.fullmatch(tokens[i].text):
        return False
    after = tokens[i + 1] if i + 1 < len(tokens) else None
    if not grown and after is not None and after.source == "/" and not after.gap:
        raise CannotRead(f"{last.source} {tokens[i].source}/", "write 12345 / 4 or 12 + 3 / 4")
    return "." not in last.text


def _commas_that_group(tokens: Sequence[Token]) -> set[int]:
    inside: dict[int, list[int]] = {}
    stack = [-1]
    for i, token in enumerate(tokens):
        if token.kind == "open":
            stack.append(i)
        elif token.kind == "close":
            stack.pop()
        elif token.kind == "comma":
            inside.setdefault(stack[-1], []).append(i)
    groups: set[int] = set()
    for opener, commas in inside.items():
        called = tokens[opener - 1] if opener > 0 and tokens[opener - 1].kind == "name" else None
        most = ARITY[called.text.removeprefix("math.")] if called else 1
        could: list[int] = []
        for i in commas:
            if _could_group(tokens, i, could[-1:] == [i - 2]):
                could.append(i)
        if could and len(commas) - len(could) + 1 == most:
            groups.update(could)
        elif could or most == 1:
            at = (could or commas)[0]
            piece = _source(tokens[max(0, at - 1) : at + 2])
            raise CannotRead(piece, "write numbers without commas, for example 1234.5")
    return groups


def _could_group(tokens: Sequence[Token], comma: int, goes_on: bool) -> bool:
    if not 0 < comma < len(tokens) - 1:
        return False
    left, right = tokens[comma - 1], tokens[comma + 1]
    return (
        left.kind == right.kind == "number"
        and not (tokens[comma].gap or right.gap)
        and (goes_on or bool(_FIRST.fullmatch(left.text)))
        and bool(_NEXT.fullmatch(right.text))
    )


def _without_scales(tokens: list[Token], note: _Notes) -> list[Token]:
    """68 million as (68*10**6), 1億2345万 as a sum, 2½ as (2+1/2)."""
    found: list[Token] = []
    i = 0
    while i < len(tokens):
        token = tokens[i]
        if token.kind == "scale":
            raise CannotRead(token.source, "write the digits, for example 68000000")
        end = i + 1
        if token.kind == "number":
            parts, end = _scaled(tokens, i)
            if parts:
                source = _source(tokens[i:end])
                note("words", source)
                token = Token("number", f"({'+'.join(parts)})", source, token.gap)
            elif end < len(tokens) and tokens[end].kind == "fraction" and token.text.isdigit():
                token = Token("number", f"({token.text}+{tokens[end].text})", token.source, token.gap)
                end += 1
        found.append(token)
        i = end
    return found


def _scaled(tokens: Sequence[Token], i: int) -> tuple[list[str], int]:
    """The addends of a number with scale words from ``i`` on, and where it ends."""
    parts: list[str] = []
    smallest = 99
    while i + 1 < len(tokens) and tokens[i].kind == "number" and tokens[i + 1].kind == "scale":
        zeros = SCALES[tokens[i + 1].text]
        if zeros >= smallest or not re.fullmatch(r"[0-9.]+", tokens[i].text):
            raise CannotRead(_source(tokens[i : i + 2]), "write the digits, for example 68000000")
        parts.append(f"{tokens[i].text}*10**{zeros}")
        smallest = zeros
        i += 2
    if not parts:
        return parts, i + 1
    rest = tokens[i] if i < len(tokens) and not tokens[i].gap else None
    japanese = not tokens[i - 1].source.isascii()
    if japanese and rest is not None and rest.kind == "number" and rest.text.isdigit():
        if len(rest.text) <= smallest and not rest.text.startswith("0"):
            return [*parts, rest.text], i + 1
    return parts, i


# --- units ------------------------------------------------------------------------------


def _without_units(tokens: list[Token], note: _Notes) -> list[Token]:
    """Without units and currencies, where dropping them leaves the number true: one unit
    throughout, or units of different kinds that are only multiplied and divided."""
    found: list[Token] = []
    units: dict[str, Unit] = {}
    i = 0
    while i < len(tokens):
        unit, end = _unit_at(tokens, i)
        if unit is None:
            found.append(tokens[i])
            i += 1
            continue
        source = _source(tokens[i:end])
        behind = bool(found) and found[-1].kind in ("number", "close", "percent", "fraction")
        before = unit.money and end < len(tokens) and tokens[end].kind == "number"
        powered = end < len(tokens) and tokens[end].text == "**"
        again = end < len(tokens) and _unit_at(tokens, end)[0] is not None
        if powered or again or not (behind or before):
            raise CannotRead(source, "leave the unit out")
        note("units", source)
        units[source] = unit
        if before and not behind:
            tokens[end] = tokens[end]._replace(gap=tokens[i].gap)
            double = end + 1 < len(tokens) and _unit_at(tokens, end + 1)[0] or unit
            if double.name != unit.name:  # $5m
                raise CannotRead(source + tokens[end].source + tokens[end + 1].source)
        i = end
    _check_units(found, units)
    return found


_POWERS = {"square": "2", "sq": "2", "cubic": "3"}


def _unit_at(tokens: Sequence[Token], i: int) -> tuple[Unit | None, int]:
    """The unit that begins at ``i``, km/h and km² taken whole, and where it ends."""
    start = i
    power = _POWERS.get(tokens[i].text.lower(), "") if tokens[i].kind == "word" else ""
    i += bool(power)
    if i >= len(tokens) or tokens[i].kind != "unit":
        return None, start
    unit = UNITS[tokens[i].text]
    i += 1
    if i < len(tokens) and tokens[i].kind == "superscript" and not tokens[i].gap:
        power = tokens[i].text
        i += 1
    elif _source(tokens[i : i + 2]) in ("^2", "^3", "**2", "**3"):
        power = tokens[i + 1].text
        i += 2
    unit = Unit(unit.name + power, unit.kind + power, unit.money)
    divided = i < len(tokens) and (tokens[i].text == "/" or tokens[i].text.lower() == "per")
    if divided and i + 1 < len(tokens) and tokens[i + 1].kind == "unit":
        per, end = _unit_at(tokens, i + 1)
        if per is not None and not per.money:
            return Unit(f"{unit.name}/{per.name}", f"{unit.kind}/{per.kind}", unit.money), end
    return unit, i


def _check_units(tokens: Sequence[Token], units: Mapping[str, Unit]) -> None:
    """Refuse km beside m, and a sum or difference of unlike units."""
    if len({unit.name for unit in units.values()}) < 2:
        return
    parts = {  # of km/h and km2: km and h
        (name.rstrip("23"), kind.rstrip("23"))
        for unit in units.values()
        for name, kind in zip(unit.name.split("/"), unit.kind.split("/"), strict=True)
    }
    unlike = len({kind for _, kind in parts}) < len(parts)
    if unlike or any(token.text in ("+", "-", ",") for token in tokens):
        raise CannotRead(", ".join(list(units)[:3]), "convert to one unit and leave it out")


# --- percent ----------------------------------------------------------------------------


def _without_percents(tokens: list[Token], note: _Notes) -> list[Token]:
    """35% as (35/100), where % cannot be Python's remainder. Two readings are refused:
    200 + 5% (205 or 210?), and 5% + 3 (a remainder?)."""
    at = {i for i, token in enumerate(tokens) if token.kind == "percent" and _is_percent(tokens, i)}
    found: list[Token] = []
    for i, token in enumerate(tokens):
        if token.kind == "percent" and i not in at:
            found.append(token._replace(kind="op"))
        elif i in at:
            number = found.pop()
            source = number.source + token.gap + token.source
            _check_addend(tokens, i, at, source)
            note("percent", source)
            found.append(Token("number", f"({number.text}/100)", source, number.gap))
        elif token.kind == "of":
            found.append(_of(tokens, i, at, note))
        else:
            found.append(token)
    return found


def _is_percent(tokens: Sequence[Token], i: int) -> bool:
    if not i or tokens[i - 1].kind != "number":
        return False
    after = tokens[i + 1] if i + 1 < len(tokens) else None
    if after is not None and after.text in ("+", "-"):
        number, sign, end = (*tokens[i + 2 : i + 5], None, None, None)[:3]
        alike = number is not None and number.kind == "number"
        if alike and sign is not None and sign.kind == "percent" and not _operand_begins(end):
            return True  # 100% - 35%
        raise CannotRead(
            _source(tokens[i - 1 : i + 2]), f"write {tokens[i - 1].text} / 100 in brackets"
        )
    return not _operand_begins(after)


def _check_addend(tokens: Sequence[Token], i: int, at: set[int], source: str) -> None:
    """A percentage on its own behind + or - must follow 1 or percentages only."""
    after = tokens[i + 1] if i + 1 < len(tokens) else None
    alone = after is None or after.kind in ("close", "comma") or after.text in ("+", "-")
    sign = i - 2
    starts = ("open", "comma")
    if not alone or sign < 1 or tokens[sign].text not in ("+", "-"):
        return
    if not _operand_ends(tokens[sign - 1]) and tokens[sign - 1].kind != "percent":
        return  # the sign belongs to the number
    if sign - 1 in at:  # behind another one, which stands on its own as well
        first = sign < 3 or tokens[sign - 3].kind in starts or tokens[sign - 3].text in ("+", "-")
    else:
        last = after is None or after.text not in ("+", "-")
        one = tokens[sign - 1].text in ("1", "1.0")
        first = one and last and (sign == 1 or tokens[sign - 2].kind in starts)
    if not first:
        raise CannotRead(source, f"write a share of what, for example 200 * {tokens[i - 1].text} / 100")


def _of(tokens: Sequence[Token], i: int, at: set[int], note: _Notes) -> Token:
    """``35% of 80`` and 80の35%: the one that is no percentage must be the other side."""
    token = tokens[i]
    shares = {i - 1, i + 2} & at
    before = i - 3 if i - 1 in at else i - 2
    tight = before >= 0 and tokens[before].text in ("/", "//", "%", "**")
    percent_first = i - 1 in at
    if not shares or tight or (token.source != "の" and not percent_first):
        raise CannotRead(token.source, "write *, for example 0.35 * 80")
    note("words", token.source)
    return Token("op", "*", "*", token.gap or " ")


# --- the sum itself ---------------------------------------------------------------------


def _written(tokens: Sequence[Token], note: _Notes) -> Iterator[str]:
    """The tokens as Python; refuses what stands side by side with no sign between."""
    before = ""  # the sign in front of the operand at hand
    outer: list[str] = []
    for last, token, after in _neighbours(tokens):
        if last is not None and _operand_ends(last) and _operand_begins(token):
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


def _one(last: Token | None, token: Token, after: Token | None, note: _Notes) -> str:
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
        case "superscript" if _operand_ends(last):
            return f"**({token.text})" if "-" in token.text else f"**{token.text}"
        case "fraction":
            return f"({token.text})"
        case "x" if _operand_ends(last) and (_operand_begins(after)):
            hexadecimal = last is not None and last.text == "0" and not token.gap
            if not hexadecimal:
                note("math_signs", token.source)
                return "*"
        case "name" if token.text.removeprefix("math.") not in CONSTANTS:
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
