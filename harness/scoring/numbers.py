"""Numbers in a text, in English and Japanese, as exact fractions with their units.

It reads spellings, it does not judge answers. What begins like a number and is none of its
own (1,23 or 5th or √2 or 数百) is kept as a quantity without a value, which equals nothing:
the first figures of something longer are never taken for the whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from harness.scoring import numerals
from harness.scoring.dates import western
from harness.scoring.numerals import FIGURES, KANJI_SCALES, Part
from harness.scoring.text import REMEMBER, match_form, script
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


# --- one spelling for what people write -------------------------------------------------

_TYPED = (  # before folding: case and TeX's marks still mean something
    (re.compile(r"\\[dt]?frac ?\{([0-9]+)\} ?\{([0-9]+)\}"), r" \1/\2"),
    (re.compile(r"\\(?:boxed|text|mathrm|mathbf|operatorname) ?\{([^{}]*)\}"), r"\1"),
    (re.compile(r"(?<=[0-9])(?:\\[,;:! ]|\{,\}|\\thinspace ?)(?=[0-9])"), "_"),
    (re.compile(r"\^ ?(?:\{ ?\\circ ?\}|\\circ)|\\degree"), "°"),
    (re.compile(r"\^ ?\{ ?([+-]?[0-9]+) ?\}"), r"^\1"),
    (re.compile(r"\\(?:times|cdot) ?"), "×"),
    (re.compile(r"\\[,;:! ()\[\]]"), " "),
    (re.compile(r"\\(?=[%$])"), ""),
    (re.compile(r"\$([^$]{1,80})\$(?![0-9])"), r" \1 "),
    (re.compile("(?<=[0-9])[₀-₉]+"), " base 0"),  # 1010₂ is not 10102
    (re.compile(r"(?<=[0-9]) ?M(?:n|M|ln)?(?![A-Za-z])"), " million"),
    (re.compile(r"(?<=[0-9])B(?:n|ln)?(?![A-Za-z])"), " billion"),
    (re.compile(r"(?<=[0-9])T(?![A-Za-z])"), " trillion"),
    (re.compile(r"(?<=[0-9])( ?[KMGTkmg])b(?![A-Za-z])"), r"\1bit"),
    (re.compile(r"(?<=[0-9])( ?[KMGkmg])bps(?![A-Za-z])"), r"\1bit/s"),
)
_FOLDED = (
    (re.compile(r"(?<![0-9])([0-9]{1,3})' ?([0-9]{1,2}(?:\.[0-9]+)?) ?(?:\"|'')"), r"\1 ft \2 in"),
    (re.compile(r"(?<=[0-9])h([0-5][0-9])(?![0-9a-z])"), r"h \1min"),
    (re.compile(r"華氏 ?(-?[0-9.,]+) ?度?"), r"\1°f"),
    (re.compile(r"摂氏 ?(-?[0-9.,]+) ?度?"), r"\1°c"),
    (re.compile("(?:零下|氷点下) ?"), "-"),
    (re.compile(r"(?:時速|毎時) ?([0-9.,]+) ?(キロメートル|キロ|km|メートル|m|マイル)"), r"\1\2/h"),
    (re.compile(r"(?:秒速|毎秒) ?([0-9.,]+) ?(キロメートル|キロ|km|メートル|m)"), r"\1\2/s"),
    (re.compile("ゼロ"), "〇"),
)


def readable(text: str) -> str:
    """The text as its numbers are read: TeX and marks for millions spelt out, folded, era
    years turned into years of our era."""
    for pattern, plain in _TYPED:
        text = pattern.sub(plain, text)
    text = match_form(text)
    for pattern, plain in _FOLDED:
        text = pattern.sub(plain, text)
    return western(text)


@REMEMBER
def find_quantities(text: str, wanted: Units = NONE) -> tuple[Quantity, ...]:
    """Every number in the text, left to right; figures first, words only without them.

    Takes any text. Positions refer to ``readable(text)``. Kanji and English number words
    count only where the text has no figures at all: 三重県の人口は170万人 holds one number.
    ``wanted`` decides between readings: 1.5m is metres where a length is wanted.
    """
    text = readable(text)
    found = tuple(_join(text, _with_figures(text, wanted)))
    return found or tuple(_join(text, sorted(_spelt(text, wanted), key=lambda q: q.start)))


# --- figures ----------------------------------------------------------------------------

_MIXED = re.compile(
    r"([0-9]{1,9})(?: and | & | |と)([0-9]{1,9}) ?[⁄/] ?([0-9]{1,9})(?![0-9]|[.,/⁄][0-9])"
)
_MIXED_JA = re.compile(r"([0-9]{1,9})と([0-9]{1,9})分の([0-9]{1,9})(?![0-9.])")
_OVER = re.compile(r" ?([⁄/]|分の) ?([0-9]{1,9})(?![0-9]|[.,/⁄'_][0-9])")
_SLASHES = re.compile(r"(?: ?[⁄/] ?[0-9][0-9.,]*)+")
_TENS = re.compile(
    r"e([+-]?[0-9]{1,3})(?![0-9a-z])|"
    r" ?[x×*・] ?10 ?(?:\^|\*\*) ?([+-]?[0-9]{1,3})(?![0-9])|"
    r" ?[x×*] ?10の(-?[0-9]{1,3})乗"
)
_POWER = re.compile(r" ?(?:\^|\*\*) ?([+-]?[0-9]{1,3})(?![0-9])")
_MOST_SCALES = 3  # "hundred thousand million" and no more
_ORDINAL = re.compile(r"(?:st|nd|rd|th)(?![a-z])|[^\W\d]?目")
_TIMES = re.compile(r"x(?![a-z])")
_VAGUE_BEFORE, _VAGUE_AFTER = ("数", "何", "幾", "√", "第"), re.compile(r"[数π√^]|\*\* ?[0-9]")
_SIGN = re.compile(r"(?:minus|negative|マイナス|[-△▲]) ?$")
_SUM_SIGN = re.compile(r"(?:sqrt|root|log|ln|sin|cos) ?(?:of )?\(?$")


def _with_figures(text: str, wanted: Units) -> Iterator[Quantity]:
    at = 0
    while match := FIGURES.search(text, at):
        last, (start, at) = at, match.span()
        if _in_a_name(text, start) and not (start and start == last):
            continue
        value, at = _value(text, match)
        if _VAGUE_AFTER.match(text, at) or text.endswith(_VAGUE_BEFORE, 0, start):
            value = None
        if _SUM_SIGN.search(text, max(0, start - 9), start):
            value = None
        quantity = _quantity(text, value, start, at, wanted)
        at = quantity.end
        yield quantity


def _in_a_name(text: str, at: int) -> bool:
    """Part of a name: B2, CO2, F-16."""
    before = text[at - 1 : at] if at else ""
    if before == "-" and at > 1:
        before = text[at - 2]
    return before.isascii() and before.isalpha()


def _value(text: str, run: re.Match[str]) -> tuple[Fraction | None, int]:
    """The number that begins with this run of figures, and where it ends."""
    mixed = _MIXED.match(text, run.start())
    if mixed and int(mixed[2]) < int(mixed[3]):
        value: Fraction | None = int(mixed[1]) + Fraction(int(mixed[2]), int(mixed[3]))
        return _scaled(text, value, mixed.end())
    if (mixed := _MIXED_JA.match(text, run.start())) and int(mixed[2]):
        return int(mixed[1]) + Fraction(int(mixed[3]), int(mixed[2])), mixed.end()
    value, end = numerals.figures(run[0]), run.end()
    if over := _OVER.match(text, end):
        return _scaled(text, _divided(value, over), over.end())
    if (slashes := _SLASHES.match(text, end)) or value is None:
        return None, slashes.end() if slashes else end
    if tens := _TENS.match(text, end):
        return _scaled(text, value * Fraction(10) ** int(tens[1] or tens[2] or tens[3]), tens.end())
    if power := _POWER.match(text, end):
        ten_to = Fraction(10) ** int(power[1])  # 2^37 is a sum to be worked out, 10^6 a spelling
        return (ten_to if value == 10 else None), power.end()
    return _scaled(text, value, end)


def _divided(value: Fraction | None, over: re.Match[str]) -> Fraction | None:
    """3/4, and 4分の3, which says it the other way round."""
    other = Fraction(int(over[2]))
    above, below = (other, value) if over[1] == "分の" else (value, other)
    return None if above is None or not below else above / below


def _scaled(text: str, value: Fraction | None, end: int) -> tuple[Fraction | None, int]:
    """What follows a figure and multiplies it: 1億2,345万, 5千, 2 and a half million."""
    if kanji := _kanji_scaled(text, value, end):
        return kanji
    if value is None:
        return None, end
    if parts := numerals.PARTS_OF.match(text, end):
        if not parts[2] and value != 1:
            return None, parts.end()
        return value * numerals.part_value(parts[1]), parts.end()
    if extra := numerals.PART_AFTER.match(text, end):
        value, end = value + numerals.part_value(extra[2], (extra[1] or "").strip()), extra.end()
    scales = 0
    while scale := numerals.SCALE_AFTER.match(text, end):
        value, end, scales = value * numerals.SCALES[scale[1]], scale.end(), scales + 1
        if scales > _MOST_SCALES:
            return None, end
    if text.startswith("ダース", end):
        value, end = value * 12, end + 3
    return value, end


def _kanji_scaled(
    text: str, value: Fraction | None, end: int
) -> tuple[Fraction | None, int] | None:
    """Figures with kanji scales between them; None where no scale follows."""
    parts: list[Part] = []
    at, figure = end, value
    while scale := KANJI_SCALES.get(text[at : at + 1]):
        if figure is not None:
            parts.append(Part("n", figure))
        parts.append(scale)
        at, figure = at + 1, None
        if run := FIGURES.match(text, at):
            figure, at = numerals.figures(run[0]), run.end()
            value = None if figure is None else value
    if not parts:
        return None
    if figure is not None:
        parts.append(Part("n", figure))
    return (None if value is None else numerals.add_up(parts)), at


# --- words ------------------------------------------------------------------------------

_UNIT_ARTICLE = re.compile(
    r"(?<![a-z])an? (?=(?:second|minute|hour|day|week|fortnight|month|year|decade|century|metre|"
    r"meter|kilometre|kilometer|mile|foot|inch|litre|liter|tonne|ton|kilogram|gram)(?![a-z]))"
)
_HALF_KANJI = re.compile("半(?=分(?!の)|年|日|時間|月|ダース)")
_RUN = numerals.KANJI_WHOLE.pattern
_KANJI_OVER = re.compile(rf"(?:({_RUN})と)?({_RUN})分の({_RUN})")
_COUNTS = {"ひとり": 1, "ふたり": 2}
_COUNTS |= {
    word: value
    for value, word in enumerate(
        (
            "ひとつ",
            "ふたつ",
            "みっつ",
            "よっつ",
            "いつつ",
            "むっつ",
            "ななつ",
            "やっつ",
            "ここのつ",
        ),
        1,
    )
}
_COUNT = re.compile(rf"(?<![ぁ-ん])(?:{'|'.join(_COUNTS)})")
_NO_ONE = re.compile(r"(?:no|any|every|some|each|which|this|that|only|another|the|last|next) $")
_ONE_OF = re.compile(r" (?:of|another|day|should|can|must|who|that)(?![a-z])")


_HANGING_WORD = re.compile(  # twenty-first, forty-odd
    r"(?:-(?:first|second|odd|something|ish|plus)| first| odd)(?![a-z])"
)


def _spelt(text: str, wanted: Units) -> Iterator[Quantity]:
    """Numbers without figures: 千二百, 三分の一, 半分, twenty-one thousand, half an hour."""
    taken = 0
    for match in _KANJI_OVER.finditer(text):
        whole, below, above = (
            numerals.kanji(part) if part else Fraction(0) for part in match.groups()
        )
        value = None if whole is None or above is None or not below else whole + above / below
        yield _quantity(text, value, *match.span(), wanted)
    kept = _KANJI_OVER.sub(lambda match: "|" * len(match[0]), text)
    for match in numerals.KANJI.finditer(kept):
        end = match.end() + 3 * text.startswith("ダース", match.end())
        value = numerals.kanji(match[0])
        value = value if value is None or end == match.end() else value * 12
        yield _quantity(text, value, match.start(), end, wanted)
    for match in _HALF_KANJI.finditer(text):
        end = match.end() + text.startswith("分", match.end())
        value = Fraction(1, 2)
        if text.startswith("ダース", end):
            value, end = Fraction(6), end + 3
        yield _quantity(text, value, match.start(), end, wanted)
    for match in _COUNT.finditer(text):
        yield _quantity(text, Fraction(_COUNTS[match[0]]), *match.span(), wanted)
    english = (*numerals.WORDS.finditer(text), *_UNIT_ARTICLE.finditer(text))
    for match in sorted(english, key=lambda match: match.start()):
        if match.start() < taken or _no_number(text, match):
            continue
        one = _UNIT_ARTICLE.fullmatch(text, *match.span())
        value = Fraction(1) if match[0] in ("a ", "an ") else numerals.words(match[0])
        if _HANGING_WORD.match(text, match.end()):
            value = None
        quantity = _quantity(text, value, match.start(), match.end() - bool(one), wanted)
        taken = quantity.end
        yield quantity


def _no_number(text: str, match: re.Match[str]) -> bool:
    """The pronoun "one": no one, one of them."""
    if match[0] != "one":
        return False
    return bool(
        _NO_ONE.search(text, max(0, match.start() - 9), match.start())
        or _ONE_OF.match(text, match.end())
    )


# --- sign, unit, parts ------------------------------------------------------------------

_LETTER = re.compile(r"( ?)(k|m|mn|mm|bn|b|tn|t)(?![a-z0-9])")
_LETTERS = {"k": 10**3, "m": 10**6, "mn": 10**6, "mm": 10**6, "b": 10**9, "bn": 10**9, "t": 10**12}
_LETTERS |= {"tn": 10**12}
_OF_A = re.compile(r" (?:of )?an? (?=[a-z])")
_HALF_MORE = re.compile(r"半(?![ばの島年期])| and a half(?![a-z])")
_BELOW_ZERO = re.compile(r" below (?:zero|freezing)")
_DECADE = re.compile(r"[0-9]{2,3}0'?s(?![a-z])")
_GAP = re.compile(r"\.?(?:,? (?:and )?|と|,)?")


def _quantity(text: str, value: Fraction | None, start: int, end: int, wanted: Units) -> Quantity:
    """The number with its sign and unit, wherever the currency sign stands."""
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
    if mark == "k":
        large = "temperature" not in kinds
    elif mark == "b":
        large = not space and "data" not in kinds
    elif mark == "m":
        large = counted and (not space or money)
    elif mark == "mm":
        large = money
    elif mark == "t":
        large = money and not space
    else:
        large = True
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


def _join(text: str, found: Iterator[Quantity] | list[Quantity]) -> Iterator[Quantity]:
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
