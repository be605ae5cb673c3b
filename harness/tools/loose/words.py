"""The words that may stand in a sum. Any other word has no reading, because it may change the
number ("2 dozen", "5 squared")."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class UnitWord:
    """``name`` is alike for all spellings of one unit, ``kind`` for all units of one
    quantity; ``money`` may stand before the number."""

    name: str
    kind: str
    money: bool = False


_OPERATOR_WORDS = """
* times, multiplied by, かける, 掛ける
/ divided by, わる, 割る
+ plus, たす, 足す
- minus, ひく, 引く
% modulo, mod
** to the power of
"""
OPERATORS: dict[str, str] = {}
for _row in _OPERATOR_WORDS.strip().splitlines():
    _sign, _, _names = _row.partition(" ")
    OPERATORS |= dict.fromkeys(_names.split(", "), _sign)

# word -> zeros
SCALE_WORDS = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
SCALE_WORDS |= {"百": 2, "千": 3, "万": 4, "億": 8, "兆": 12}

CURRENCY_SIGNS = "$€£¥"

_TABLE = """
length: mm millimetre millimeter ミリメートル
length: cm centimetre centimeter センチメートル センチ
length: m metre meter メートル
length: km kilometre kilometer キロメートル
length: in inch inches
length: ft foot feet
length: yd yard
length: mi mile マイル
area: ha hectare ヘクタール
area: acre
length2: m2 平方メートル
length2: km2 平方キロメートル
volume: ml millilitre milliliter ミリリットル
volume: l L litre liter リットル
length3: m3 立方メートル
mass: mg milligram
mass: g gram グラム
mass: kg kilogram キログラム
mass: t ton tonne トン
mass: lb pound
mass: oz ounce
time: s sec second 秒
time: min minute 分
time: h hr hour 時間
time: day 日
time: week 週間
time: month か月 ヶ月
time: yr year 年
speed: mph
speed: kph
energy: kwh
power: kw
power: w W watt
people: people person inhabitant resident 人
temperature: °C ℃
temperature: °F ℉
age: 歳 才
count: 個
sheets: 枚
books: 冊
long things: 本
machines: 台
animals: 匹
occasions: 回
"""

_MONEY = """
dollar: $ us$ usd dollar ドル
cent: cent セント
euro: € eur euro ユーロ
sterling: £ gbp ポンド
yen: ¥ jpy yen 円
"""

UNITS: dict[str, UnitWord] = {"US$": UnitWord("dollar", "money", True)}
for _row in _TABLE.strip().splitlines():
    _kind, _names = _row.split(": ")
    for _name in _names.split():
        UNITS[_name] = UNITS[_name + "s"] = UnitWord(_names.split()[0], _kind)
for _row in _MONEY.strip().splitlines():
    _currency, _names = _row.split(": ")
    for _name in _names.split():
        UNITS[_name] = UNITS[_name + "s"] = UnitWord(_currency, "money", True)
