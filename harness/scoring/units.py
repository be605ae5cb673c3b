"""Units of measure as people write them, and how they convert.

A closed table: what is not in it is an unknown word, which matches any unit. Units whose
name is ambiguous (pounds, tons of which kind) are left out on purpose.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple


class Unit(NamedTuple):
    """``kind`` is what is measured ("" = unknown word), ``factor`` the size in the kind's
    own base unit, ``per`` the spelling of the denominator ("" = none)."""

    kind: str
    factor: Decimal
    per: str = ""


UNKNOWN = Unit("", Decimal(1))

# kind: factor: spellings (folded; plural -s is understood)
_TABLE = """
length: 0.001: mm millimetre millimeter ミリメートル
length: 0.01: cm centimetre centimeter センチメートル センチ
length: 1: m metre meter メートル
length: 1000: km kilometre kilometer キロメートル
length: 0.0254: inch inches インチ
length: 0.3048: foot feet ft フィート
length: 1609.344: mile マイル
mass: 0.001: g gram gramme グラム
mass: 1: kg kilogram kilogramme キログラム
mass: 1000: tonne トン
time: 1: sec second 秒 秒間
time: 60: min minute 分 分間
time: 3600: h hr hour 時間
time: 86400: day 日 日間
time: 604800: week 週間
span: 1: month か月 ヶ月 カ月 ケ月 箇月 か月間 ヶ月間
span: 12: year yr 年 年間 歳 才
area: 1: m2 m^2 平方メートル
area: 10000: ha hectare ヘクタール
area: 1000000: km2 km^2 平方キロメートル 平方キロ
volume: 0.001: ml millilitre milliliter ミリリットル
volume: 1: l litre liter リットル
volume: 1000: m3 m^3 立方メートル
percent: 1: % percent pct パーセント
percent: 10: 割
yen: 1: ¥ yen jpy 円
dollar: 1: $ dollar usd us$ ドル
dollar: 0.01: cent セント
euro: 1: € euro eur ユーロ
sterling: 1: £ gbp ポンド
people: 1: people person inhabitant resident 人 名
temperature: 1: °c 度
"""

_UNITS: dict[str, Unit] = {}
for _row in _TABLE.strip().splitlines():
    _kind, _factor, _names = _row.split(": ")
    for _name in _names.split():
        _UNITS[_name] = _UNITS[_name + "s"] = Unit(_kind, Decimal(_factor))

CURRENCY = "$¥€£"
_LONGEST = max(map(len, _UNITS))
_WORD = re.compile(r"[a-z°%$€£¥]+(?:\^?[23](?![0-9]))?")
_SQUARE = re.compile(r"(square|cubic|sq) ([a-z]+)")
_PER = re.compile(r" ?(?:/| per | a (?=day|week|month|year))")
_PLAIN = {
    "metre": "m", "metres": "m", "meter": "m", "meters": "m", "m": "m",
    "kilometre": "km", "kilometres": "km", "kilometer": "km", "kilometers": "km", "km": "km",
}  # fmt: skip


def read_unit(text: str, at: int) -> tuple[Unit, int]:
    """The unit that stands at ``at`` (one space before it is allowed) and where it ends.

    Takes folded text; (UNKNOWN, at) when there is none. ``km/h`` is a km with ``per``.
    """
    start = at + text.startswith(" ", at) if at else at
    name, end = _name_at(text, start)
    if name not in _UNITS:
        return UNKNOWN, at
    unit = _UNITS[name]
    per = _PER.match(text, end)
    if per is None:
        return unit, end
    below, below_end = _name_at(text, per.end())
    return unit._replace(per=_canonical(below)), max(below_end, end)


def _name_at(text: str, at: int) -> tuple[str, int]:
    """The longest unit name or Latin word at that place."""
    if power := _SQUARE.match(text, at):
        figure = "3" if power[1] == "cubic" else "2"
        return _PLAIN.get(power[2], power[2]) + figure, power.end()
    if text.startswith("per cent", at):
        return "percent", at + 8
    if word := _WORD.match(text, at):
        return word[0].replace("^", ""), word.end()
    for size in range(min(_LONGEST, len(text) - at), 0, -1):
        if text[at : at + size] in _UNITS:
            return text[at : at + size], at + size
    return "", at


def _canonical(name: str) -> str:
    """One spelling for every name of the same unit: the first in the table."""
    unit = _UNITS.get(name)
    return next((n for n, u in _UNITS.items() if u == unit), name) if unit else name


def conversion(found: Unit, wanted: Unit) -> Decimal | None:
    """What a figure in ``found`` is multiplied by to be in ``wanted``; None = not comparable.

    Percent matches only percent or no unit at all, and only where percent is wanted.
    """
    if found.per and wanted.per and found.per != wanted.per:
        return None
    if found.kind and wanted.kind:
        return found.factor / wanted.factor if found.kind == wanted.kind else None
    return None if found.kind == "percent" else Decimal(1)
