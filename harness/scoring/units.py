"""Units of measure: reads their names, and converts figures exactly.

A table instead of a library, since most of it are English and Japanese spellings, and since
fractions are exact. A name may have several readings (a pound is money or a mass); the wanted
unit decides.
"""

from __future__ import annotations

import re
from fractions import Fraction
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

# kind: factor: spellings, folded, with commas between; a plural -s is understood
_TABLE = """
length: 1/1000000000: nm, nanometre, nanometer, ナノメートル
length: 1/1000000: μm, um, micrometre, micrometer, micron, マイクロメートル
length: 1/1000: mm, millimetre, millimeter, ミリメートル, ミリ
length: 1/100: cm, centimetre, centimeter, センチメートル, センチ
length: 1: m, metre, meter, メートル
length: 1000: km, kilometre, kilometer, キロメートル, キロ
length: 0.0254: in, inch, inches, インチ
length: 0.3048: ft, foot, feet, フィート
length: 0.9144: yd, yard, ヤード
length: 1609.344: mi, mile, マイル
length: 1852: nautical mile, nmi, 海里
length: 149597870700: au, astronomical unit, 天文単位
length: 9460730472580800: ly, light year, light-year, 光年
length: 1/33: 寸
length: 10/33: 尺
length: 43200/11: 里
mass: 1/1000000: mg, milligram, milligramme, ミリグラム
mass: 1/1000: g, gram, gramme, グラム
mass: 1: kg, kilo, kilogram, kilogramme, キログラム, キロ
mass: 1000: t, ton, tonne, metric ton, トン
mass: 0.028349523125: oz, ounce, オンス
mass: 0.45359237: lb, lbs, pound, ポンド
mass: 6.35029318: st, stone
mass: 3.75: 貫
time: 1/1000: ms, millisecond, msec, ミリ秒
time: 1: s, sec, second, 秒, 秒間
time: 60: min, minute, 分, 分間
time: 3600: h, hr, hour, 時間
time: 86400: d, day, 日, 日間
time: 604800: wk, week, 週, 週間
time: 1209600: fortnight
span: 1: mo, month, か月, ヶ月, カ月, ケ月, ヵ月, 箇月, か月間, ヶ月間, カ月間
span: 12: yr, year, 年, 年間, 歳, 才, year old, years old
span: 120: decade
span: 1200: century, centuries, 世紀
area: 100: 100m2, アール
area: 10000: ha, hectare, ヘクタール
area: 4046.8564224: acre, エーカー
area: 400/121: 坪
area: 1000000: 平方キロ
volume: 1/1000: ml, millilitre, milliliter, cc, ミリリットル, ミリ
volume: 1/100: cl, centilitre, centiliter
volume: 1/10: dl, decilitre, deciliter, デシリットル
volume: 1: l, litre, liter, リットル
volume: 1000: kl, kilolitre, kiloliter, キロリットル
volume: 3.785411784: gal, gallon, ガロン
volume: 0.473176473: pint
volume: 0.946352946: quart
volume: 0.0295735295625: fl oz, fluid ounce
percent: 1/10: 厘, ‰, permille, per mille, per mil, パーミル
percent: 1/100: basis point, bp, bps
percent: 1: %, percent, per cent, pct, percentage point, パーセント
percent: 10: 割
speed: 1609.344/3600: mph
speed: 1/3.6: kph, kmh, kmph, km/hr
speed: 1852/3600: knot, kn, kt, kts, ノット
temperature: 1: °c, c, celsius, centigrade, degree, degrees celsius, degree celsius, degrees c, degrees centigrade, deg c, deg, °, 度
temperature: 5/9 - 160/9: °f, f, fahrenheit, degrees fahrenheit, degree fahrenheit, degrees f, deg f
temperature: 1 - 273.15: °k, k, kelvin, ケルビン
angle: 1: degree, deg, °, 度
data: 1: bit, ビット
data: 8: byte, バイト
data: 1000: kbit, kilobit
data: 1000000: mbit, megabit, メガビット
data: 1000000000: gbit, gigabit, ギガビット
data: 8000: kb, kilobyte, キロバイト
data: 8000000: mb, megabyte, メガバイト, メガ
data: 8000000000: gb, gigabyte, ギガバイト, ギガ
data: 8000000000000: tb, terabyte, テラバイト, テラ
data: 8000000000000000: pb, petabyte, ペタバイト
data: 8192: kib, kibibyte
data: 8388608: mib, mebibyte
data: 8589934592: gib, gibibyte
data: 8796093022208: tib, tebibyte
energy: 1: j, joule, ジュール
energy: 1000: kj, kilojoule
energy: 4.184: cal, calorie, カロリー
energy: 4184: kcal, kilocalorie, キロカロリー
energy: 3600: wh, watt hour, watt-hour
energy: 3600000: kwh, kilowatt hour, kilowatt-hour, キロワット時
power: 1: w, watt, ワット
power: 1000: kw, kilowatt, キロワット
power: 1000000: megawatt, メガワット
pressure: 1: pa, pascal, パスカル
pressure: 100: hpa, hectopascal, millibar, mbar, ヘクトパスカル
pressure: 1000: kpa, kilopascal
pressure: 100000: bar
pressure: 101325: atm, 気圧
frequency: 1: hz, hertz, ヘルツ
frequency: 1000: khz, kilohertz, キロヘルツ
frequency: 1000000: mhz, megahertz, メガヘルツ
frequency: 1000000000: ghz, gigahertz, ギガヘルツ
voltage: 1: v, volt, ボルト
people: 1: 人, 名, people, person, inhabitant, resident
$yen: 1: ¥, yen, jpy, 円
$yen: 1/100: sen, 銭
$dollar: 1: $, dollar, usd, us$, ドル, 米ドル, us dollar
$dollar: 1/100: ¢, cent, セント
$euro: 1: €, euro, eur, ユーロ
$euro: 1/100: cent, euro cent, セント
$sterling: 1: £, gbp, pound, pound sterling, pounds sterling, quid, ポンド
$sterling: 1/100: pence, penny, p, ペンス
$won: 1: ₩, won, krw, ウォン
$yuan: 1: yuan, cny, rmb, renminbi, 元, 人民元
$rupee: 1: ₹, rupee, inr, ルピー
$rouble: 1: ₽, rouble, ruble, rub, ルーブル
$franc: 1: franc, chf, フラン
$krone: 1: krone, kroner, krona, kronor, クローネ, クローナ
$peso: 1: peso, ペソ
"""

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
    for row in _TABLE.strip().splitlines():
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
    """The unit that a task names, in folded text; a word of its own where it is none known."""
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
    """A Latin letter after a letter or a figure after a figure."""
    if not (last.isascii() and after.isascii()):
        return False
    return (last.isalpha() and after.isalpha()) or (last.isdigit() and after.isdigit())


def _ratio(above: Units, below: Units) -> Units:
    units = [Unit(f"{a.kind}/{b.kind}", a.factor / b.factor) for a in above for b in below]
    return tuple(
        unit._replace(kind="speed") if unit.kind == "length/time" else unit for unit in units
    )


def read_word(text: str, at: int) -> Units:
    """What stands behind a figure and is no known unit: a kind of its own; () for small words."""
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
