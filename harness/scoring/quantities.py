"""Completes a number in a text: its sign, its unit, and the parts of a measure such as 2 h 30 min.

What begins like a number and is none (5th, 1990s) has no value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from harness.scoring.text import script
from harness.scoring.units import (
    COMPOUND_KINDS,
    CURRENCY,
    IN_COMPOUND,
    NONE,
    Unit,
    Units,
    is_count,
    is_money,
    read_unit,
    read_word,
)


@dataclass(frozen=True)
class Quantity:
    """One number: its value (None = not well formed), its unit and where it stands.

    ``name`` is the unit as written; ``joined`` marks a measure in parts, such as 2 h 30 min.
    """

    value: Fraction | None
    units: Units
    start: int
    end: int
    name: str = ""
    joined: bool = False


_ORDINAL = re.compile(r"(?:st|nd|rd|th)(?![a-z])|[^\W\d]?目")
_TIMES = re.compile(r"x(?![a-z])")
_SIGN = re.compile(r"(?:minus|negative|マイナス|[-△▲]) ?$")
_LETTER = re.compile(r"( ?)(k|m|mn|mm|bn|b|tn|t)(?![a-z0-9])")
_LETTERS = {"k": 10**3, "m": 10**6, "mn": 10**6, "mm": 10**6, "b": 10**9, "bn": 10**9, "t": 10**12}
_LETTERS |= {"tn": 10**12}
_OF_A = re.compile(r" (?:of )?an? (?=[a-z])")
_HALF_MORE = re.compile(r"半(?![ばの島年期])| and a half(?![a-z])")
_BELOW_ZERO = re.compile(r" below (?:zero|freezing)")
_DECADE = re.compile(r"[0-9]{2,3}0'?s(?![a-z])")
_GAP = re.compile(r"\.?(?:,? (?:and )?|と|,)?")


def quantity_at(text: str, value: Fraction | None, start: int, end: int, wanted: Units) -> Quantity:
    """The number with its sign and unit, wherever the currency sign stands.

    ``value`` was read in ``text`` from ``start`` to ``end`` (None = not well formed); ``wanted``
    decides between readings of a unit.
    """
    first, currency = start, NONE
    if start and text[start - 1] in CURRENCY:
        start -= 1
        currency, _ = read_unit(text[start], 0)
        start -= 2 * text.endswith("us", 0, start)
    sign = _SIGN.search(text, max(0, start - 9), start)
    if sign and not _is_operator(text, sign.start()):
        start = sign.start()
        value = None if value is None else -value
    if value is not None:
        value, end = _lettered(text, value, end, wanted, bool(currency))
    units, name, after = _unit(text, end, wanted)
    if _malformed(text, first, end, after):
        after = _letters_end(text, max(end, after))
        return Quantity(None, units, start, after, name)
    if value is not None and (half := _HALF_MORE.match(text, after)) and name:
        value, after = value + Fraction(1, 2), half.end()
    if value is not None and (below := _BELOW_ZERO.match(text, after)):
        value, after = -value, below.end()
    chosen = units if units and (name or not currency) else currency or units
    return Quantity(value, chosen, start, after, name)


def _unit(text: str, end: int, wanted: Units) -> tuple[Units, str, int]:
    """The unit behind a figure, its spelling and its end. A word that is none counts as
    another unit only where a measure is wanted."""
    article = _OF_A.match(text, end)
    units, after = read_unit(text, end)
    if article and not units:
        units, after = read_unit(text, article.end())
        if not units:
            after = end
    if units:
        name = text[end:after].strip()
        if name == "m" and text[end] == "m":
            units = (*units, IN_COMPOUND["time", "m"])
        return units, name, after
    return (NONE if is_count(wanted) else read_word(text, end)), "", end


def _lettered(
    text: str, value: Fraction, end: int, wanted: Units, money: bool
) -> tuple[Fraction, int]:
    """k, m, bn and so on behind a figure, where they are no unit."""
    letter = _LETTER.match(text, end)
    if letter is None or not (end and text[end - 1] in "0123456789"):
        return value, end
    space, mark = letter.groups()
    kinds = {unit.kind for unit in wanted}
    counted = money or is_money(wanted) or is_count(wanted)
    large = {
        "k": "temperature" not in kinds,
        "b": not space and "data" not in kinds,
        "m": counted and (not space or money),
        "mm": money,
        "t": money and not space,
    }.get(mark, True)
    return (value * _LETTERS[mark], letter.end()) if large else (value, end)


def _malformed(text: str, start: int, end: int, after: int) -> bool:
    """An order (5th, 5番目), a decade (1990s, 1990年代) or letters that hang on: no number."""
    if _ORDINAL.match(text, end) or text.startswith("代", after) or _DECADE.match(text, start):
        return True
    hanging = text[end : end + 1]
    if after > end or not (hanging.isascii() and hanging.isalpha()):
        return False
    return text[end - 1 : end].isdigit() and not _TIMES.match(text, end)


def _letters_end(text: str, at: int) -> int:
    while at < len(text) and text[at].isascii() and text[at].isalnum():
        at += 1
    return at


def _is_operator(text: str, at: int) -> bool:
    """A minus after a figure, a letter or a bracket takes away; it is no sign."""
    before = text[at - 1 : at]
    return (
        bool(before)
        and (before.isalnum() or before in ")]%")
        and script(before) in ("", "digit", "letter")
    )


def join_parts(text: str, found: Iterator[Quantity] | list[Quantity]) -> Iterator[Quantity]:
    """Measures in parts as one: 2 h 30 min, 5 ft 11 in, 7割5分."""
    last: Quantity | None = None
    least: Unit | None = None
    for part in found:
        smaller = last and _smaller(text, last, part, least)
        if last and smaller:
            unit, whole = smaller
            value = None
            if last.value is not None and part.value is not None:
                value = last.value + part.value * unit.factor / whole.factor
            last = replace(last, value=value, units=(whole,), end=part.end, joined=True)
            least = unit
            continue
        if last:
            yield last
        last, least = part, None
    if last:
        yield last


def _smaller(
    text: str, first: Quantity, second: Quantity, least: Unit | None
) -> tuple[Unit, Unit] | None:
    """The unit of a second part that continues the first, and the first's; None = it does not."""
    gap = _GAP.match(text, first.end)
    if gap is None or gap.end() != second.start or first.value is None or second.value is None:
        return None
    if not (first.name or least) or not second.name:
        return None
    for whole in first.units:
        extra = IN_COMPOUND.get((whole.kind, second.name))
        for unit in (*second.units, *((extra,) if extra else ())):
            limit = (least or whole).factor
            if whole.kind == unit.kind and whole.kind in (*COMPOUND_KINDS, *_money(whole)):
                amount = second.value * unit.factor
                if unit.factor < limit and 0 <= amount < limit:
                    return unit, whole
    return None


def _money(unit: Unit) -> tuple[str, ...]:
    return (unit.kind,) if unit.kind.startswith("$") else ()
