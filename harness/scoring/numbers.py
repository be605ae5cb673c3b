"""Numbers in a text, in English and Japanese, as exact decimals with their units.

It reads spellings, it does not judge answers. What looks like a number but is not well
formed (1,23 or 1.2.3) is kept as a quantity without a value, which equals nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from typing import NamedTuple

from harness.scoring.dates import western
from harness.scoring.text import REMEMBER, fold, script
from harness.scoring.units import CURRENCY, UNKNOWN, Unit, read_unit

EXACT = Context(prec=200)
_MAX_DIGITS = 100


@dataclass(frozen=True)
class Quantity:
    """One number: its value (None = not well formed), its unit and where it stands."""

    value: Decimal | None
    unit: Unit
    start: int
    end: int


class _Figure(NamedTuple):
    """A part of a spelt number: n = a figure, s = times 10 to 1000, b = times a myriad, a
    thousand, a million …"""

    kind: str
    value: Decimal


_RUN = re.compile(r"[0-9](?:[0-9.,]*[0-9])?|(?<![0-9.])\.[0-9]+")
_PLAIN = re.compile(r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+")
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_TENS = re.compile(r"e([+-]?[0-9]{1,2})(?![0-9a-z])| ?[x×*] ?10\^([+-]?[0-9]{1,2})(?![0-9])")
_TEN_TO = re.compile(r"\^([+-]?[0-9]{1,2})(?![0-9])")
_OVER = re.compile(r" ?[⁄/] ?([0-9]{1,9})(?![0-9.,]*[0-9/])")
_MIXED = re.compile(r"(?<![0-9.,])([0-9]{1,9}) ([0-9]{1,9})⁄([0-9]{1,9})(?![0-9])")
_SIGN = re.compile(r"(?:minus|negative|マイナス|[-△▲]) ?$")

_SMALL = {"十": "10", "百": "100", "千": "1000", "hundred": "100"}
_BIG = {"万": "1e4", "億": "1e8", "兆": "1e12", "京": "1e16"}
_BIG |= {"thousand": "1e3", "million": "1e6", "billion": "1e9", "trillion": "1e12"}
_KANJI_DIGITS = str.maketrans("〇零一二三四五六七八九", "00123456789")
_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_TENS_WORDS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORDS = {w: str(i) for i, w in enumerate(_ONES)} | {
    w: f"{i}0" for i, w in enumerate(_TENS_WORDS, 2)
}

_KANJI_PART = re.compile(r"([〇零一二三四五六七八九]+)|([十百千])|([万億兆京])")
_KANJI_RUN = re.compile(r"[〇零一二三四五六七八九十百千万億兆京]+")
_BIG_WORD = re.compile(r" ?(thousand|million|billion|trillion)(?![a-z])")
_WORD = (
    rf"(?:{'|'.join([*_WORDS, 'hundred', 'thousand', 'million', 'billion', 'trillion'])})(?![a-z])"
)
_WORD_RUN = re.compile(rf"(?<![a-z]){_WORD}(?:(?:-| and | ){_WORD})*")


@REMEMBER
def find_quantities(text: str) -> tuple[Quantity, ...]:
    """Every number in the text, left to right; figures first, words only without them.

    Takes any text. Positions refer to ``readable(text)``. Kanji and English number words
    count only where the text has no figures at all: 三重県の人口は170万人 holds one number.
    """
    text = readable(text)
    with localcontext(EXACT):
        found = tuple(_figures(text))
        return found or tuple(_spelt(text))


def readable(text: str) -> str:
    """The text as its numbers are read: folded, era years turned into years of our era."""
    return western(fold(text))


def _figures(text: str) -> Iterator[Quantity]:
    at = 0
    while match := _RUN.search(text, at):
        start, at = match.span()
        if script(text[start - 1 : start] or " ") == "letter" and text[start - 1].isascii():
            continue  # part of a name: B2, CO2
        value, end = _value(text, match)
        at = max(at, end)
        yield _quantity(text, value, start, at)


def _value(text: str, run: re.Match[str]) -> tuple[Decimal | None, int]:
    """The number that begins with this run of figures, and where it ends."""
    value, end = _figure(run[0]), run.end()
    if mixed := _MIXED.match(text, run.start()):
        whole, above, below = (Decimal(part) for part in mixed.groups())
        return (whole + above / below if below else None), mixed.end()
    if over := _OVER.match(text, end):
        below = Decimal(over[1])
        return (value / below if value is not None and below else None), over.end()
    if tens := _TENS.match(text, end):
        power = int(tens[1] or tens[2])
        return (None if value is None else value.scaleb(power)), tens.end()
    if power_of := _TEN_TO.match(text, end):
        return (Decimal(10) ** int(power_of[1]) if run[0] == "10" else None), power_of.end()
    return _scaled(text, value, end)


def _figure(run: str) -> Decimal | None:
    if len(run) > _MAX_DIGITS:
        return None
    if _GROUPED.fullmatch(run):
        return Decimal(run.replace(",", ""))
    return Decimal(run) if _PLAIN.fullmatch(run) else None


def _scaled(text: str, value: Decimal | None, end: int) -> tuple[Decimal | None, int]:
    """What follows a figure and multiplies it: 1億2,345万, 5千, 3.5 million."""
    if word := _BIG_WORD.match(text, end):
        return (None if value is None else value * Decimal(_BIG[word[1]])), word.end()
    parts: list[_Figure] = []
    at, figure = end, value
    while part := _KANJI_PART.match(text, at):
        if figure is not None:
            parts.append(_Figure("n", figure))
        parts.append(_kanji_part(part))
        at, figure = part.end(), None
        if run := _RUN.match(text, at):
            figure, at = _figure(run[0]), run.end()
    if not parts:
        return value, end
    if figure is not None:
        parts.append(_Figure("n", figure))
    return (None if value is None else _sum(parts)), at


def _kanji_part(part: re.Match[str]) -> _Figure:
    if part[1]:
        return _Figure("n", Decimal(part[1].translate(_KANJI_DIGITS)))
    return (
        _Figure("s", Decimal(_SMALL[part[2]])) if part[2] else _Figure("b", Decimal(_BIG[part[3]]))
    )


def _spelt(text: str) -> Iterator[Quantity]:
    """Numbers without figures: 千二百, 二〇一〇, twenty-one thousand."""
    for match in _KANJI_RUN.finditer(text):
        if len(match[0]) <= _MAX_DIGITS:
            value = _sum(_kanji_part(part) for part in _KANJI_PART.finditer(match[0]))
            yield _quantity(text, value, *match.span())
    for match in _WORD_RUN.finditer(text):
        words = [word for word in re.split("[- ]", match[0]) if word != "and"]
        value = _sum(map(_word_part, words)) if len(words) <= _MAX_DIGITS else None
        yield _quantity(text, value, *match.span())


def _word_part(word: str) -> _Figure:
    if word in _WORDS:
        return _Figure("n", Decimal(_WORDS[word]))
    return (
        _Figure("s", Decimal(_SMALL[word])) if word in _SMALL else _Figure("b", Decimal(_BIG[word]))
    )


def _sum(parts: Iterable[_Figure]) -> Decimal | None:
    """Add up figures and multipliers; None unless the multipliers fall, as they must."""
    total, section, figure = Decimal(0), Decimal(0), None
    small_limit = big_limit = Decimal("Infinity")
    for kind, value in parts:
        if kind == "n":
            tens = figure is not None and 20 <= figure < 100 and figure % 10 == 0 and 0 < value < 10
            if figure is not None and not tens:
                return None
            figure = value + (figure or 0)
        elif kind == "s":
            if value >= small_limit:
                return None
            section, figure, small_limit = (
                section + (1 if figure is None else figure) * value,
                None,
                value,
            )
        else:
            if value >= big_limit or (figure is None and not section):
                return None
            total, big_limit = total + (section + (figure or 0)) * value, value
            section, figure, small_limit = Decimal(0), None, Decimal("Infinity")
    return total + section + (figure or 0)


def _quantity(text: str, value: Decimal | None, start: int, end: int) -> Quantity:
    """The number with its sign and unit, wherever the currency sign stands."""
    currency = UNKNOWN
    if start and text[start - 1] in CURRENCY:
        start -= 1
        currency, _ = read_unit(text[start], 0)
        start -= 2 * text.endswith("us", 0, start)
    sign = _SIGN.search(text, max(0, start - 9), start)
    if sign and not _is_operator(text, sign.start()):
        start = sign.start()
        value = None if value is None else -value
    unit, end = read_unit(text, end)
    return Quantity(value, currency if currency.kind and not unit.kind else unit, start, end)


def _is_operator(text: str, at: int) -> bool:
    """A minus after a figure, a letter or a bracket takes away; it is no sign."""
    before = text[at - 1 : at]
    return (
        bool(before)
        and (before.isalnum() or before in ")]%")
        and script(before) in ("", "digit", "letter")
    )
