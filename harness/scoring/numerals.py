"""Reads one number as people write it: figures with group marks, kanji, English words.

Each reader takes a run that its pattern found in folded text and gives the exact value,
or None where the run is not well formed (1,23 or 1.2.3 or "two and three").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

_MOST_DIGITS = 100
"""A longer run of figures or number words is no number; it bounds the work as well."""

# --- figures ----------------------------------------------------------------------------

FIGURES = re.compile(
    r"[0-9]{1,3}(?: [0-9]{3}(?![0-9/⁄]))++(?:[.,][0-9]++)*+(?: [0-9]++(?![ ]?[/⁄]))*+|"  # 1 234 567
    r"[0-9]++(?:[.,'_][0-9]++)*+|\.[0-9]++"
)
_DIGITS = re.compile(r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+")
_GROUPS = (  # a whole part in groups, and the marks that divide them
    (re.compile(r"([1-9][0-9]{0,2}(?:,[0-9]{3})+)(?:\.([0-9]+))?"), ","),
    (re.compile(r"([1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3})(?:\.([0-9]+))?"), ","),  # 12,34,567
    (re.compile(r"([1-9][0-9]{0,2}(?: [0-9]{3})+)(?:[.,]([0-9]+))?"), " "),
    (re.compile(r"([1-9][0-9]{0,2}(?:'[0-9]{3})+)(?:[.,]([0-9]+))?"), "'"),
    (re.compile(r"([1-9][0-9]{0,2}(?:_[0-9]{3})+)(?:\.([0-9]+))?"), "_"),
    (re.compile(r"([1-9][0-9]{0,2}(?:\.[0-9]{3}){2,})(?:,([0-9]+))?"), "."),
    (re.compile(r"([1-9][0-9]{0,2}\.[0-9]{3}),([0-9]+)"), "."),
)


def figures_value(run: str) -> Fraction | None:
    """The value of figures with or without group marks: 1,234.5 or 1 234 or 1.234.567."""
    if len(run) > _MOST_DIGITS:
        return None
    if _DIGITS.fullmatch(run):
        return Fraction(run)
    for pattern, mark in _GROUPS:
        if match := pattern.fullmatch(run):
            return Fraction(f"{match[1].replace(mark, '')}.{match[2] or '0'}")
    return None


_EXACT = re.compile(r"[+-]?(?:[0-9]{1,100}(?:\.[0-9]{0,100})?|\.[0-9]{1,100})")
_MOST_PLACES = 60


def exact(text: str) -> Fraction | None:
    """A plain decimal number, as task files write them (-1200.5), exactly; None for others."""
    return Fraction(text) if _EXACT.fullmatch(text) else None


def plain(value: Fraction) -> str:
    """A value as a decimal where it has one, else as a fraction in lowest terms."""
    for places in range(_MOST_PLACES):
        if 10**places % value.denominator == 0:
            text = f"{abs(value.numerator) * 10**places // value.denominator:0{places + 1}d}"
            sign = "-" if value < 0 else ""
            return sign + (f"{text[:-places]}.{text[-places:]}" if places else text)
    return f"{value.numerator}/{value.denominator}"


# --- sums of parts ----------------------------------------------------------------------


class NumberPart(NamedTuple):
    """A part of a spelt number. ``kind``: n = a figure, s = times 10 to 1000 within a
    section, b = times a myriad, a thousand, a million …"""

    kind: str
    value: Fraction


def add_up(parts: Iterable[NumberPart]) -> Fraction | None:
    """The number that figures and multipliers make; None unless the multipliers fall."""
    total, section, figure = Fraction(0), Fraction(0), None
    small_limit: Fraction | None = None
    big_limit: Fraction | None = None
    for kind, value in parts:
        if kind == "n":
            tens = figure is not None and 20 <= figure < 100 and figure % 10 == 0 and 0 < value < 10
            if figure is not None and not tens:
                return None
            figure = value + (figure or 0)
        elif kind == "s":
            if small_limit is not None and value >= small_limit:
                return None
            section += (1 if figure is None else figure) * value
            figure, small_limit = None, value
        else:
            if (big_limit is not None and value >= big_limit) or (figure is None and not section):
                return None
            total, big_limit = total + (section + (figure or 0)) * value, value
            section, figure, small_limit = Fraction(0), None, None
    return total + section + (figure or 0)


# --- kanji ------------------------------------------------------------------------------

_FORMAL = str.maketrans("壱壹弐貳参參拾萬零", "一一二二三三十万〇")
_DIGIT = {character: value for value, character in enumerate("〇一二三四五六七八九")}
KANJI_SCALES = {
    **{kanji: NumberPart("s", Fraction(10**n)) for n, kanji in enumerate("十百千", 1)},
    **{kanji: NumberPart("b", Fraction(10000**n)) for n, kanji in enumerate("万億兆京", 1)},
}
_KANJI_DIGITS = "〇零一二三四五六七八九壱壹弐貳参參"
_KANJI_ALL = f"{_KANJI_DIGITS}十百千万億兆京拾萬"
_KANJI = rf"(?<![{_KANJI_ALL}])[{_KANJI_ALL}]++"
KANJI_NUMBER = re.compile(rf"[数何幾]?{_KANJI}(?:[・.点][{_KANJI_DIGITS}]++)?[数何幾半]?")
KANJI_WHOLE = re.compile(_KANJI)
_VAGUE = re.compile("[数何幾半]")  # several; and 四半 is a quarter


def kanji_value(run: str) -> Fraction | None:
    """The value of a kanji number: 千九百十一, 二〇一一, 二・五. 数百 has none."""
    run = run.translate(_FORMAL)
    if len(run) > _MOST_DIGITS or _VAGUE.search(run):
        return None
    whole, _, decimals = re.sub("[.点]", "・", run).partition("・")
    parts: list[NumberPart] = []
    for piece in re.findall("[〇一二三四五六七八九]+|.", whole):
        parts.append(
            KANJI_SCALES[piece]
            if piece in KANJI_SCALES
            else NumberPart("n", Fraction(_digits(piece)))
        )
    value = add_up(parts)
    if value is None or not decimals:
        return value
    return value + Fraction(f"0.{_digits(decimals)}")


def _digits(run: str) -> str:
    return "".join(str(_DIGIT[character]) for character in run)


# --- English words ----------------------------------------------------------------------

_ONES = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen
"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ORDINALS = """
first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth
fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth
"""
_POWERS = """
hundred 2, thousand 3, grand 3, lakh 5, million 6, mil 6, mio 6, crore 7, billion 9, milliard 9,
trillion 12, quadrillion 15
"""
_CARDINALS = {word: value for value, word in enumerate(_ONES.split())}
_CARDINALS |= {word: 10 * tens for tens, word in enumerate(_TENS.split(), 2)}
_CARDINALS |= {"nil": 0, "nought": 0, "naught": 0}
ORDINALS = {word: value for value, word in enumerate(_ORDINALS.split(), 1)}
NUMBER_SCALES = {word: 10 ** int(power) for word, power in map(str.split, _POWERS.split(","))}
NUMBER_SCALES["dozen"] = 12
PARTS = {word: value for word, value in ORDINALS.items() if value > 2}
PARTS |= {"half": 2, "halve": 2, "quarter": 4}
PARTS |= {"hundredth": 100, "thousandth": 1000, "millionth": 10**6}
"""What a part of one is called, without the -s of several: three *fifth*s."""

_SCALE_WORD = "|".join(NUMBER_SCALES)
_PART_WORD = "|".join(PARTS)
_WORD = rf"(?:(?:{'|'.join(_CARDINALS)}|oh)|(?:{_SCALE_WORD}|{_PART_WORD})s?)(?![a-z])"
_AFTER_SCALE = "|".join(f"(?<={word})" for word in NUMBER_SCALES)
_LINK = rf"(?:[- ]|(?:{_AFTER_SCALE}), )(?:(?:and|of|point) )?(?:an? )?"
NUMBER_WORDS = re.compile(rf"(?<![a-z])(?:(?:point|an?) )?{_WORD}(?:{_LINK}{_WORD})*+")
SCALE_AFTER = re.compile(rf"(?: (?:of )?an?)? ?({_SCALE_WORD})s?(?![a-z])")
PART_AFTER = re.compile(rf" and (?:a |an |((?:{'|'.join(_CARDINALS)}) ))?({_PART_WORD})s?(?![a-z])")
PARTS_OF = re.compile(rf" ({_PART_WORD})(s?)(?![a-z])")


def words_value(run: str) -> Fraction | None:
    """The value of English number words: "two and a half million", "nineteen eleven".

    "third" alone is a place in an order, "hundreds" is vague: both have none.
    """
    tokens = re.findall("[a-z]+", run)
    if len(tokens) > _MOST_DIGITS:
        return None
    at = next((i for i, token in enumerate(tokens) if _part(token)), -1)
    if at < 0:
        return _decimal(tokens) if "point" in tokens else _cardinal(tokens)
    value = _with_fraction(tokens[:at], tokens[at])
    for token in tokens[at + 1 :]:
        if token in ("a", "an", "of"):
            continue
        if token not in NUMBER_SCALES or value is None:
            return None
        value *= NUMBER_SCALES[token]
    return value


def part_value(word: str, count: str = "") -> Fraction:
    """``count`` parts as a fraction: ("quarter", "three") is 3/4; no count is one."""
    return Fraction(_CARDINALS.get(count, 1), PARTS[word])


def _part(token: str) -> int:
    return PARTS.get(token) or PARTS.get(token.removesuffix("s"), 0)


def _with_fraction(head: Sequence[str], part: str) -> Fraction | None:
    """A whole number and a fraction: (two and a, half) or (three, quarters)."""
    cut = max((i for i, token in enumerate(head) if token == "and"), default=-1)
    whole, count = head[: max(cut, 0)], [token for token in head[cut + 1 :] if token != "of"]
    above: Fraction | None = Fraction(1)
    if count not in ([], ["a"], ["an"], ["one"]):
        above = _cardinal(count) if part.endswith("s") else None
    elif not count and part not in ("half", "quarter"):
        above = None
    below = _cardinal(whole) if whole else Fraction(0)
    return None if above is None or below is None else below + above / _part(part)


def _decimal(tokens: Sequence[str]) -> Fraction | None:
    """Words with a point: two point five million."""
    at = tokens.index("point")
    end = next((i for i in range(at + 1, len(tokens)) if tokens[i] not in _CARDINALS), len(tokens))
    digits = [_CARDINALS[token] for token in tokens[at + 1 : end]]
    whole = _cardinal(tokens[:at]) if at else Fraction(0)
    if whole is None or not digits or any(digit > 9 for digit in digits):
        return None
    value = whole + Fraction("0." + "".join(map(str, digits)))
    for token in tokens[end:]:
        if token not in NUMBER_SCALES:
            return None
        value *= NUMBER_SCALES[token]
    return value


def _cardinal(tokens: Sequence[str]) -> Fraction | None:
    """Whole numbers, dozens, and years said in pairs."""
    tokens = [token for token in tokens if token != "and"]
    if tokens and tokens[-1].removesuffix("s") == "dozen" and (tokens[1:] or tokens == ["dozen"]):
        count = _cardinal(tokens[:-1]) if tokens[1:] else Fraction(1)
        return None if count is None else count * 12
    if tokens and tokens[0] in NUMBER_SCALES:
        tokens = ["one", *tokens]
    parts = [_word_part(token, first=i == 0) for i, token in enumerate(tokens)]
    known = [part for part in parts if part]
    if not known or len(known) < len(parts):
        return _pair(tokens)
    value = add_up(known)
    return _pair(tokens) if value is None else value


def _word_part(token: str, first: bool) -> NumberPart | None:
    if first and token in ("a", "an"):
        return NumberPart("n", Fraction(1))
    if token in _CARDINALS:
        return NumberPart("n", Fraction(_CARDINALS[token]))
    scale = NUMBER_SCALES.get(token) or (
        0 if first else NUMBER_SCALES.get(token.removesuffix("s"), 0)
    )
    if not scale or scale == NUMBER_SCALES["dozen"]:
        return None
    return NumberPart("s" if scale == NUMBER_SCALES["hundred"] else "b", Fraction(scale))


def _pair(tokens: Sequence[str]) -> Fraction | None:
    """A year said in two halves: nineteen eleven, nineteen oh five, twenty twenty-four."""
    if not 2 <= len(tokens) <= 3 or not 10 < _CARDINALS.get(tokens[0], 0) <= 20:
        return None
    values = [_CARDINALS.get(token, 0) for token in tokens[1:]]
    if tokens[1] == "oh":
        second = values[-1] if len(values) == 2 and 0 < values[-1] < 10 else 0
    else:
        total = add_up(NumberPart("n", Fraction(value)) for value in values)
        second = int(total) if total is not None and 10 <= total < 100 else 0
    return Fraction(_CARDINALS[tokens[0]] * 100 + second) if second else None
