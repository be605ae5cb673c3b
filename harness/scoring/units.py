"""Units of measure: reads their names, and converts figures exactly.

The table is ``units.txt``. A library would lack the English and Japanese spellings, and fractions
are exact. A name may have several readings (a pound is money or a mass); the wanted
unit decides.
"""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from harness.common.cjk import KANJI, KATAKANA


class Unit(NamedTuple):
    """A figure times ``factor`` plus ``offset`` is the figure in the base unit of ``kind``.

    A word that is no unit of measure has a kind of its own, which begins with ``~``.
    """

    kind: str
    factor: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)


Units = tuple[Unit, ...]
"""All readings of one name; () where no unit stands."""

NONE: Units = ()

# What a name means behind a larger unit of this kind, and nowhere else: 1h 30m, 7割5分
IN_COMPOUND = {
    ("time", "m"): Unit("time", Fraction(60)),
    ("percent", "分"): Unit("percent", Fraction(1)),
}
COMPOUND_KINDS = ("time", "span", "length", "mass", "percent", "volume", "angle")

CURRENCY = "$¥€£₩₹₽"
_SIZES = (
    (("square ", "sq ", "sq. ", "平方"), "2", "area"),
    (("cubic ", "cu ", "立方"), "3", "volume"),
)


def _factor(text: str) -> tuple[Fraction, Fraction]:
    """The factor and the offset that a row names: "5/9 - 160/9"."""
    first, _, last = text.partition(" - ")
    above, _, below = first.partition("/")
    top, _, bottom = last.partition("/")
    offset = Fraction(top) / Fraction(bottom or 1) if last else Fraction(0)
    return Fraction(above) / Fraction(below or 1), -offset


def _names() -> dict[str, Units]:
    table: dict[str, Units] = {}
    for row in Path(__file__).with_name("units.txt").read_text("utf-8").splitlines():
        if row.startswith("#"):
            continue
        kind, factor, names = row.split(": ")
        unit = Unit(kind, *_factor(factor))
        for name in names.split(", "):
            for spelling in {name, name + "s"} if "a" <= name[-1] <= "z" else {name}:
                table[spelling] = (*table.get(spelling, ()), unit)
                if kind == "length":
                    for size, larger in _larger(spelling, unit):
                        table.setdefault(size, (larger,))
    return table


def _larger(name: str, unit: Unit) -> list[tuple[str, Unit]]:
    """The areas and volumes that a unit of length makes: square name, name2, 平方name."""
    made = []
    for fronts, power, kind in _SIZES:
        litres = 1000 if kind == "volume" else 1
        sized = Unit(kind, unit.factor ** int(power) * litres)
        for spelling in (*(front + name for front in fronts), name + power, f"{name}^{power}"):
            made.append((spelling, sized))
        made.append((f"{name} {'squared' if power == '2' else 'cubed'}", sized))
    return made


_UNITS = _names()
_LONGEST = max(map(len, _UNITS))
_INCH = re.compile(r"in\b(?! ?[a-z0-9])|in (?=tall|high|long|wide|deep|thick)")
_PER = re.compile(r" ?(?:/| per | an? (?=day|week|month|year|hour|minute|second))")
_WORD = re.compile(f"[a-z][a-z-]*|[{KATAKANA}{KANJI}]+")
_SMALL_WORDS = (
    "a an the in of on at as and or but is was are were be to for from by with than then so "
    "tall high long wide deep thick old away apart above below across total altogether overall "
    "exactly approximately about around each all which that who because since when while if "
    "x ad ce i e it its there this these not no only just left more less fewer also"
)
_NEUTRAL = frozenset(_SMALL_WORDS.split())
_NEUTRAL_KANJI = ("程度", "前後", "以", "未満", "超", "弱", "強", "余", "足", "相当", "位", "半")


def unit_named(text: str) -> Units:
    """The unit that a task names, in folded text; an unknown word is a unit of its own kind."""
    units, _ = read_unit(text, 0)
    return units if units or not text else (Unit("~" + text),)


def read_unit(text: str, at: int) -> tuple[Units, int]:
    """The unit that stands at ``at`` in folded text and where it ends; ((), at) = none.

    ``km/h`` is one unit, of the kind ``length/time``. One space may stand before it.
    """
    start = at + text.startswith(" ", at) if at else at
    name = _name_at(text, start)
    if not name or (name == "in" and at and not _INCH.match(text, start)):
        return NONE, at
    units, end = _UNITS[name], start + len(name)
    per = _PER.match(text, end)
    if per is None:
        return units, end
    if below := _name_at(text, per.end()):
        return _ratio(units, _UNITS[below]), per.end() + len(below)
    word = _WORD.match(text, per.end())
    return (_ratio(units, (Unit("~" + word[0]),)), word.end()) if word else (units, end)


def _name_at(text: str, at: int) -> str:
    """The longest name of a unit that stands there and is not part of a longer word."""
    for size in range(min(_LONGEST, len(text) - at), 0, -1):
        name = text[at : at + size]
        if name in _UNITS and not _goes_on(name[-1], text[at + size : at + size + 1]):
            return name
    return ""


def _goes_on(last: str, after: str) -> bool:
    """True when the next character continues the name: letter after letter, digit after digit."""
    if not (last.isascii() and after.isascii()):
        return False
    return (last.isalpha() and after.isalpha()) or (last.isdigit() and after.isdigit())


def _ratio(above: Units, below: Units) -> Units:
    units = [Unit(f"{a.kind}/{b.kind}", a.factor / b.factor) for a in above for b in below]
    return tuple(
        unit._replace(kind="speed") if unit.kind == "length/time" else unit for unit in units
    )


def read_word(text: str, at: int) -> Units:
    """An unknown word behind a figure, as a unit of its own kind; () for small words."""
    word = _WORD.match(text, at + text.startswith(" ", at))
    if word is None or word[0] in _NEUTRAL or word[0].startswith(_NEUTRAL_KANJI):
        return NONE
    return (Unit("~" + word[0]),)


def convert(value: Fraction, found: Units, wanted: Units) -> Fraction | None:
    """A figure in ``found`` as a figure in ``wanted``; None where they do not compare.

    A bare figure is taken to be in the wanted unit. Where none is wanted any will do but
    percent. Nouns that are counted (books, 人) are not told apart, but no measure is one.
    """
    if not found or not wanted:
        return None if any(unit.kind == "percent" for unit in found) else value
    for ours in wanted:
        for theirs in found:
            if ours.kind == theirs.kind:
                return (value * theirs.factor + theirs.offset - ours.offset) / ours.factor
    counted = is_count(wanted) and all(_counts(unit.kind) for unit in found)
    return value if counted else None


def is_count(units: Units) -> bool:
    """Things that are counted, or nothing at all, but no measure: people, books."""
    return all(_counts(unit.kind) for unit in units)


def is_money(units: Units) -> bool:
    """A currency is among the readings."""
    return any(unit.kind.startswith("$") for unit in units)


def _counts(kind: str) -> bool:
    return kind.split("/")[0] == "people" or kind.startswith("~")
