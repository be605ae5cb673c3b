"""Finds the numbers in a text, English or Japanese, as exact fractions with their units.

What begins like a number and is none (1,23 or 5th or √2 or 数百) is a quantity without a value,
which equals nothing: the first figures of something longer are never taken for the whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from harness.scoring import numerals
from harness.scoring.dates import western
from harness.scoring.numerals import FIGURES, KANJI_SCALES, NumberPart
from harness.scoring.quantities import Quantity, join_parts, quantity_at
from harness.scoring.text import REMEMBER, match_form
from harness.scoring.units import NONE, Units

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
    found = tuple(join_parts(text, _with_figures(text, wanted)))
    return found or tuple(join_parts(text, _spelt(text, wanted)))


def whole_quantity(text: str) -> Quantity | None:
    """The quantity that is the whole text, and well formed; None for any other text."""
    found = find_quantities(text)
    if len(found) != 1 or found[0].start or found[0].end != len(readable(text)):
        return None
    return found[0] if found[0].value is not None else None


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
_VAGUE_BEFORE, _VAGUE_AFTER = ("数", "何", "幾", "√", "第"), re.compile(r"[数π√^]|\*\* ?[0-9]")
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
        quantity = quantity_at(text, value, start, at, wanted)
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
    value, end = numerals.figures_value(run[0]), run.end()
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
        value, end, scales = value * numerals.NUMBER_SCALES[scale[1]], scale.end(), scales + 1
        if scales > _MOST_SCALES:
            return None, end
    return _dozens(text, value, end)


def _kanji_scaled(
    text: str, value: Fraction | None, end: int
) -> tuple[Fraction | None, int] | None:
    """Figures with kanji scales between them; None where no scale follows."""
    parts: list[NumberPart] = []
    at, figure = end, value
    while scale := KANJI_SCALES.get(text[at : at + 1]):
        if figure is not None:
            parts.append(NumberPart("n", figure))
        parts.append(scale)
        at, figure = at + 1, None
        if run := FIGURES.match(text, at):
            figure, at = numerals.figures_value(run[0]), run.end()
            value = None if figure is None else value
    if not parts:
        return None
    if figure is not None:
        parts.append(NumberPart("n", figure))
    return (None if value is None else numerals.add_up(parts)), at


# --- words ------------------------------------------------------------------------------

_UNIT_ARTICLE = re.compile(
    r"(?<![a-z])an? (?=(?:second|minute|hour|day|week|fortnight|month|year|decade|century|metre|"
    r"meter|kilometre|kilometer|mile|foot|inch|litre|liter|tonne|ton|kilogram|gram)(?![a-z]))"
)
_HALF_KANJI = re.compile("半(?=分(?!の)|年|日|時間|月|ダース)")
_RUN = numerals.KANJI_WHOLE.pattern
_KANJI_OVER = re.compile(rf"(?:({_RUN})と)?({_RUN})分の({_RUN})")
_ONE_TO_NINE = "ひとつ ふたつ みっつ よっつ いつつ むっつ ななつ やっつ ここのつ"
_COUNTS = {"ひとり": 1, "ふたり": 2}
_COUNTS |= {word: value for value, word in enumerate(_ONE_TO_NINE.split(), 1)}
_COUNT = re.compile(rf"(?<![ぁ-ん])(?:{'|'.join(_COUNTS)})")
_NO_ONE = re.compile(r"(?:no|any|every|some|each|which|this|that|only|another|the|last|next) $")
_ONE_OF = re.compile(r" (?:of|another|day|should|can|must|who|that)(?![a-z])")
_HANGING_WORD = re.compile(  # twenty-first, forty-odd
    r"(?:-(?:first|second|odd|something|ish|plus)| first| odd)(?![a-z])"
)


def _spelt(text: str, wanted: Units) -> list[Quantity]:
    """Numbers without figures: 千二百, 三分の一, 半分, twenty-one thousand, half an hour."""
    found = [quantity_at(text, *number, wanted) for number in _spelt_in_japanese(text)]
    return sorted((*found, *_spelt_in_english(text, wanted)), key=lambda quantity: quantity.start)


def _spelt_in_japanese(text: str) -> Iterator[tuple[Fraction | None, int, int]]:
    for match in _KANJI_OVER.finditer(text):
        whole, below, above = (
            numerals.kanji_value(part) if part else Fraction(0) for part in match.groups()
        )
        value = None if whole is None or above is None or not below else whole + above / below
        yield value, *match.span()
    kept = _KANJI_OVER.sub(lambda match: "|" * len(match[0]), text)
    for match in numerals.KANJI_NUMBER.finditer(kept):
        value, end = _dozens(text, numerals.kanji_value(match[0]), match.end())
        yield value, match.start(), end
    for match in _HALF_KANJI.finditer(text):
        end = match.end() + text.startswith("分", match.end())
        value, end = _dozens(text, Fraction(1, 2), end)
        yield value, match.start(), end
    for match in _COUNT.finditer(text):
        yield Fraction(_COUNTS[match[0]]), *match.span()


def _spelt_in_english(text: str, wanted: Units) -> Iterator[Quantity]:
    english = (*numerals.NUMBER_WORDS.finditer(text), *_UNIT_ARTICLE.finditer(text))
    taken = 0
    for match in sorted(english, key=lambda match: match.start()):
        if match.start() < taken or _is_pronoun(text, match):
            continue
        one = _UNIT_ARTICLE.fullmatch(text, *match.span())
        value = Fraction(1) if match[0] in ("a ", "an ") else numerals.words_value(match[0])
        if _HANGING_WORD.match(text, match.end()):
            value = None
        quantity = quantity_at(text, value, match.start(), match.end() - bool(one), wanted)
        taken = quantity.end
        yield quantity


def _dozens(text: str, value: Fraction | None, end: int) -> tuple[Fraction | None, int]:
    """The number and its end; twelve times as much where ダース stands behind it."""
    if not text.startswith("ダース", end):
        return value, end
    return (None if value is None else value * 12), end + 3


def _is_pronoun(text: str, match: re.Match[str]) -> bool:
    """The pronoun "one": no one, one of them."""
    start, end = match.span()
    if match[0] != "one":
        return False
    return bool(_NO_ONE.search(text, max(0, start - 9), start) or _ONE_OF.match(text, end))
