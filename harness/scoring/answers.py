"""Is this answer right? One matcher for each type of answer, strict and lenient at once.

It sees a target and the text of an Answer line, nothing of the episode. It never raises,
whatever the text, and an answer without content is never right. ``Verdict.rule`` is
"<type>: <why>"; the words are listed in docs/metrics.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from itertools import pairwise

from harness.scoring.abstention import abstains, is_phrase
from harness.scoring.dates import NO_DATE, Date, find_dates
from harness.scoring.denial import OFFERS, denied
from harness.scoring.lists import each_once, gold_items, readings, same_items, without_lead_in
from harness.scoring.numbers import Quantity, find_quantities, readable
from harness.scoring.numerals import exact, plain
from harness.scoring.text import (
    REMEMBER,
    loose_spellings,
    loosen,
    match_form,
    normalise,
    occurs,
    script,
    without_asides,
    without_lead,
)
from harness.scoring.units import Units, convert, is_money, named
from harness.types import AnswerType, Target, Verdict

MAX_CHARACTERS = 1000
"""A longer text is no answer; it bounds the work as well."""

NOT_ANSWERED, ABSTAINED, REJECTED, DIFFERENT = "not answered", "abstained", "rejected", "different"

_Judge = Callable[[Target, str], tuple[bool, bool, str, str]]  # strict, lenient, extracted, why


def match(target: Target, text: str, language: str = "en") -> Verdict:
    """Compare the text of an Answer line with a target.

    ``language`` chooses the phrases that count as abstaining. "" means that no answer was
    given, which is never right. A strictly right answer is leniently right as well.
    """
    if not any(character.isalnum() for character in text) and not _bare_symbol(target, text):
        return _verdict(target, False, False, "", NOT_ANSWERED)
    if len(text) > MAX_CHARACTERS:
        return _verdict(target, False, False, text[:80], "too long")
    normal = normalise(text)
    if normal in map(normalise, target.rejected):
        return _verdict(target, False, False, normal, REJECTED)
    if target.type == "abstain":
        return _abstain(target, text, language)
    strict, lenient, extracted, why = _JUDGES[target.type](target, text)
    if not strict and abstains(text, language):
        return _verdict(target, False, False, normal, ABSTAINED)
    return _verdict(target, strict, strict or lenient, extracted, why)


def _bare_symbol(target: Target, text: str) -> bool:
    """A name without a letter in it, such as the band "!!!", is an answer only to itself."""
    normal = normalise(text)
    return (
        bool(normal.strip("'\"")) and len(text) < 20 and normal in map(normalise, target.accepted)
    )


def _verdict(target: Target, strict: bool, lenient: bool, extracted: str, why: str) -> Verdict:
    return Verdict(strict, lenient, extracted, f"{target.type}: {why}")


def expects(verdict: Verdict) -> str:
    """The answer type that a verdict was given for."""
    return verdict.rule.partition(":")[0]


# --- abstaining -------------------------------------------------------------------------


def _abstain(target: Target, text: str, language: str) -> Verdict:
    normal, loose = normalise(text), loosen(text)
    if any(occurs(loosen(rejected), loose) >= 0 for rejected in target.rejected):
        return _verdict(target, False, False, normal, REJECTED)
    strict = is_phrase(text, language) or normal in map(normalise, target.accepted)
    lenient = strict or abstains(text, language)
    return _verdict(target, strict, lenient, normal, ABSTAINED if lenient else "asserted something")


# --- strings ----------------------------------------------------------------------------

_BETWEEN = re.compile(r", (?:and )?|[;、/&|]| and |(?<=\x00)[とや]|[とや](?=\x00)")
_OR_KANA = re.compile(r"(?<=\x00)か(?!も)|か(?=\x00)")


def _string(target: Target, text: str) -> tuple[bool, bool, str, str]:
    normal = normalise(text)
    if normal in map(normalise, target.accepted):
        return True, True, normal, "equal"
    loose = loosen(text)
    bare = without_lead(loose)
    rejected = [loosen(name) for name in target.rejected]
    spellings = {loose, bare} | loose_spellings(text) | loose_spellings(bare)
    for name in target.accepted:
        alias = loosen(name)
        if spellings & loose_spellings(name) or _same_quantity(loose, alias):
            return False, bare not in rejected, bare, "spelling"
        if _contains(loose, alias, rejected):
            return False, True, alias, "contained"
    return False, False, normal, DIFFERENT


def _contains(text: str, alias: str, rejected: Sequence[str]) -> bool:
    """The alias stands in a short text that neither denies it nor offers anything else."""
    if not _distinctive(alias) or not _short(text) or (at := occurs(alias, text)) < 0:
        return False
    rest = text.replace(alias, "\x00")
    if OFFERS.search(rest) or _OR_KANA.search(rest) or denied(text, at, at + len(alias)):
        return False
    if _enumerates(rest):
        return False
    return not any(occurs(name, rest if name in alias else text) >= 0 for name in rejected)


def _enumerates(text: str) -> bool:
    """Several candidates side by side: "X, Y, Z" or "X and Y", but not "Paris, France"."""
    parts = [part.strip() for part in _BETWEEN.split(text)]
    few = all(len(part.split()) <= 4 and len(part) <= 30 for part in parts)
    return few and (len(parts) > 2 or (len(parts) == 2 and "," not in text))


def _distinctive(alias: str) -> bool:
    """Long enough not to stand in a wrong answer by chance: 4 Latin letters or 2 CJK."""
    scripts = [script(character) for character in alias]
    cjk = sum(s in ("kanji", "hiragana", "katakana") for s in scripts)
    return cjk >= 2 or scripts.count("letter") >= 4


def _short(text: str) -> bool:
    cjk = any(script(character) in ("kanji", "hiragana", "katakana") for character in text)
    return len(text) <= 60 if cjk else len(text.split()) <= 30


def _same_quantity(left: str, right: str) -> bool:
    """Both texts are one number with perhaps a unit, and the same: 794 and 794年."""
    one, other = _whole_quantity(left), _whole_quantity(right)
    if one is None or other is None or one.value is None or other.value is None:
        return False
    return convert(one.value, one.units, other.units) == other.value


def _whole_quantity(text: str) -> Quantity | None:
    found = find_quantities(text)
    if len(found) != 1 or found[0].start or found[0].end != len(readable(text)):
        return None
    return found[0]


# --- numbers ----------------------------------------------------------------------------

_BOUND_BEFORE = re.compile(
    r"(?:[<>≤≥≦≧⩽⩾]=?|=>|±|(?:(?<![a-z])(?:not|never)|n't|"
    r"(?<![a-z])(?:more|less|fewer|greater|larger|smaller|higher|lower|other|rather) than|"
    r"(?<![a-z])(?:at least|at most|over|under|above|below|beyond|exceed(?:s|ing)?|up to|almost|"
    r"nearly|just short of|close to|minimum(?: of)?|maximum(?: of)?|min\.?|max\.?|anything but|"
    r"instead of|or equal to|equal to or|as (?:many|much|few|little) as|several|many|none of|"
    r"twice|double|triple|half(?: of)?|(?:thirds?|quarters?|root) of))(?: [a-z]+)?|"
    r"少なくとも|多くとも|多くて|最低(?:でも)?|最大(?:でも)?|せいぜい|高々)[ :]*-?[$¥€£]?$"
)
_BOUND_AFTER = re.compile(
    r" ?(?:\+(?! ?[0-9])|(?:plus|minimum|maximum|min|max|at (?:least|most)|squared|cubed|"
    r"factorial)(?![a-z])|[<>≤≥]|"
    r"(?:[a-z]+ ){0,2}?(?:or|and) (?:more|less|fewer|above|below|over|under|up|higher|lower|"
    r"greater)(?![a-z])|"
    r"[^\W\d_a-z]{0,4}?(?:以上|以下|以内|以降|未満|超|を(?:超|下回|上回)|より|足らず|に満た)|"
    r"弱(?!い)|強(?!い)|余|あまり|近く|まで(?!$)|から|の(?:半分|[0-9]+(?:倍|分の)))"
)
_INSTEAD = re.compile(r"(?<![a-z])(?:not|rather than|instead of) ?$")
_OPERATOR = re.compile(r"[+*×÷/:-]|x|times|plus|minus|divided by|[足引掛割]")
_STATED = re.compile(
    r"(?:[=≈:は]|(?<![a-z])(?:is|are|was|were|equals|total|totals)) ?(?:約|about |[$¥€£-])?$"
)
_IN_YEAR = re.compile(r"(?<![a-z])(?:in|as of|since|by|of|year|until|census)[ ,(]+$")


def _number(target: Target, text: str) -> tuple[bool, bool, str, str]:
    wanted = _wanted(target)
    found = find_quantities(text, wanted)
    if not found:
        return False, False, normalise(text), "no number"
    body = readable(text)
    asserted = [quantity for quantity in found if not _qualified(body, quantity)]
    if not asserted or any(q not in asserted and not _set_aside(body, q) for q in found):
        return False, False, body, "not asserted"
    value, why = _one_value(found, wanted), "one number"
    if value is not None and _is_sum(body, found):
        return False, False, body, "not worked out"
    strict = value is not None and len(asserted) == len(found) and _right_number(target, value)
    if len(asserted) < len(found):
        value, why = _one_value(asserted, wanted), "the other denied"
    elif value is None and not OFFERS.search(body):
        value, why = _singled_out(text, found, wanted)
    if value is None:
        return False, False, body, "several numbers or another unit"
    right = _right_number(target, value)
    return strict, right, plain(value), why if right else DIFFERENT


def _wanted(target: Target) -> Units:
    return named(match_form(target.unit))


def _qualified(body: str, quantity: Quantity) -> bool:
    """Denied, or only a bound: not 18, more than 18, 18以上, 18+."""
    before = body[max(0, quantity.start - 40) : quantity.start]
    if _BOUND_BEFORE.search(before) or _BOUND_AFTER.match(body, quantity.end):
        return True
    return denied(body[quantity.start :], 0, quantity.end - quantity.start)


def _set_aside(body: str, quantity: Quantity) -> bool:
    """Named only to say what the answer is not: 18, not 19."""
    return bool(_INSTEAD.search(body[max(0, quantity.start - 20) : quantity.start]))


def _is_sum(body: str, found: Sequence[Quantity]) -> bool:
    """A sum or a ratio that nobody worked out: 5 + 5 holds one number twice and is another."""
    gaps = (body[one.end : other.start].strip() for one, other in pairwise(found))
    return any(_OPERATOR.fullmatch(gap) for gap in gaps)


def _one_value(found: Iterable[Quantity], wanted: Units) -> Fraction | None:
    """The value in the wanted unit that all of these agree on; None when they do not."""
    values = {_in_unit(quantity, wanted) for quantity in found}
    return values.pop() if len(values) == 1 else None


def _in_unit(quantity: Quantity, wanted: Units) -> Fraction | None:
    if quantity.value is None or (quantity.joined and not wanted):
        return None
    return convert(quantity.value, quantity.units, wanted)


def _singled_out(
    text: str, found: Sequence[Quantity], wanted: Units
) -> tuple[Fraction | None, str]:
    """The one number of several that the text marks as its answer, and by what."""
    body, well_formed = readable(text), all(q.value is not None for q in found)
    ways = (
        ("unit", [q for q in found if set(q.units) & set(wanted)]),
        ("asides dropped", find_quantities(without_asides(body), wanted)),
        ("stated", [q for q in found if _STATED.search(body[max(0, q.start - 12) : q.start])]),
        ("unit", [q for q in found if well_formed and _in_unit(q, wanted) is not None]),
    )
    for why, some in ways:
        if (value := _one_value(some, wanted)) is not None:
            return value, why
    years = {Fraction(date.year) for date in find_dates(text) if date.month}
    if len(years) == 1:
        return years.pop(), "year of a date"
    return _one_value([q for q in found if not _says_when(body, q)], wanted), "year dropped"


def _says_when(body: str, quantity: Quantity) -> bool:
    """A year that only says when: "66,400 in 2019"."""
    value = quantity.value
    year = value is not None and value.denominator == 1 and 1000 <= value < 2200
    return year and (
        bool(_IN_YEAR.search(body[max(0, quantity.start - 12) : quantity.start]))
        or body.startswith(("年に", "年の", "年時点", "年現在"), quantity.end - 1)
    )


def _right_number(target: Target, value: Fraction) -> bool:
    wanted = _wanted(target)
    if value in _values(target.rejected, wanted):
        return False
    abs_tol, rel_tol = _tolerance(target.abs_tol), _tolerance(target.rel_tol)
    return any(
        abs(value - gold) <= abs_tol + rel_tol * abs(gold) and value * gold >= 0
        for gold in _values(target.accepted, wanted)
    )


@REMEMBER
def _values(texts: tuple[str, ...], wanted: Units) -> set[Fraction]:
    """The numbers that a task file gives, each a text with exactly one number in it."""
    return {value for text in texts if (value := _gold_number(text, wanted)) is not None}


def gold_number(target: Target, text: str) -> Fraction | None:
    """The number that the matcher reads in a text of the task file, in the task's unit."""
    return _gold_number(text, _wanted(target))


def _gold_number(text: str, wanted: Units) -> Fraction | None:
    return _one_value(find_quantities(text, wanted), wanted)


def _tolerance(text: str) -> Fraction:
    """A tolerance as exact number; 0 for a text that is none."""
    return value if (value := exact(text)) is not None and value >= 0 else Fraction(0)


# --- dates ------------------------------------------------------------------------------


def _date(target: Target, text: str) -> tuple[bool, bool, str, str]:
    wanted = [date for gold in target.accepted if (date := gold_date(gold))]
    near_misses = [date for name in target.rejected if (date := gold_date(name))]
    folded = match_form(text)
    strict = gold_date(text) if text in target.accepted else _one_date(text)
    found = strict or _one_date(without_asides(text))
    if found is None:
        return False, False, normalise(text), "no single date"
    if found in near_misses:
        return False, False, iso(found), REJECTED
    if denied(folded, 0, 0) or denied(folded, len(folded), len(folded)) or OFFERS.search(folded):
        return False, False, iso(found), "not asserted"
    right = any(found.within(gold) for gold in wanted)
    return right and strict is not None, right, iso(found), "same date" if right else DIFFERENT


def gold_date(text: str) -> Date | None:
    """The date that a task file gives; there a bare figure is a year, "79" as well as "-44"."""
    return Date(int(text), 0, 0) if _YEAR.fullmatch(text) else _one_date(text)


_YEAR = re.compile(r"-?(?!0+$)[0-9]{1,4}")


def _one_date(text: str) -> Date | None:
    """The one date of a text, where coarser mentions of it do no harm; None otherwise."""
    dates = find_dates(text)
    if not dates or NO_DATE in dates:
        return None
    finest = max(dates, key=lambda date: sum(map(bool, date)))
    return finest if all(finest.within(date) for date in dates) else None


def iso(date: Date) -> str:
    """A date as year-month-day, 00 for what is not given; "44 BC" has the year -044."""
    return f"{date.year:04d}-{date.month:02d}-{date.day:02d}"


# --- yes or no --------------------------------------------------------------------------

_YES = ("yes", "true", "correct", "yeah", "yep", "はい", "ええ", "正しい", "真", "そう", "その通り")
_NO = (
    "no",
    "false",
    "incorrect",
    "nope",
    "いいえ",
    "いえ",
    "正しくない",
    "偽",
    "違う",
    "違います",
    "ちがいます",
)


def _yesno(target: Target, text: str) -> tuple[bool, bool, str, str]:
    wanted = {_polarity(gold) for gold in target.accepted} - {""}
    normal = normalise(text)
    bare = without_lead(normal)
    said, first = _polarity(normal), _polarity(re.split(r"[,.:;!。、 ]", bare, maxsplit=1)[0])
    if said:
        return said in wanted, said in wanted, said, "the word alone"
    other = {"yes": _NO, "no": _YES, "": ()}[first]
    if not first or any(occurs(word, normal) >= 0 for word in other):
        return False, False, normal, "neither yes nor no"
    return False, first in wanted, first, "begins with it"


def _polarity(word: str) -> str:
    word = normalise(word)
    return "yes" if word in _YES else "no" if word in _NO else ""


# --- lists ------------------------------------------------------------------------------


def _list(target: Target, text: str) -> tuple[bool, bool, str, str]:
    golds = [gold_items(gold) for gold in target.accepted]
    near_misses = [gold_items(name) for name in target.rejected]
    names = [name for items in (*golds, *near_misses) for name in items]
    divided = readings(text, names)
    strict = [_items(reading, _item) for reading in divided]
    loose = [_items(r, _loose_item) for r in (*divided, *readings(without_lead_in(text), names))]
    if any(_equal(miss, items, target.ordered) for miss in near_misses for items in strict):
        return False, False, normalise(text), REJECTED
    right = any(_equal(gold, items, target.ordered) for gold in golds for items in strict)
    roughly = right or any(
        same_items(_loosely(gold), each_once(items), target.ordered)
        for gold in golds
        for items in loose
    )
    found = max(
        (len(set(_loosely(gold)) & set(items)) for gold in golds for items in loose), default=0
    )
    size = len(golds[0]) if golds else 0
    return right, roughly, "; ".join(strict[0]), f"{found} of {size} items"


def _items(parts: Iterable[str], key: Callable[[str], str]) -> list[str]:
    return [item for part in parts if (item := key(part))]


def _equal(gold: Iterable[str], items: Sequence[str], ordered: bool) -> bool:
    return same_items(_items(gold, _item), items, ordered)


def _loosely(gold: Iterable[str]) -> list[str]:
    return each_once(_items(gold, _loose_item))


def _item(text: str) -> str:
    """The form in which items are compared; 1,200 and 1200 are one, and 1990年 is 1990."""
    whole = _whole_quantity(text.strip())
    if (
        whole is None
        or whole.value is None
        or whole.name not in ("", "年")
        or is_money(whole.units)
    ):
        return normalise(text)
    return plain(whole.value)


def _loose_item(text: str) -> str:
    """As ``_item``, and without units of money, accents and the like."""
    whole = _whole_quantity(text.strip())
    if whole is not None and whole.value is not None and is_money(whole.units):
        return plain(whole.value)
    return loosen(_item(text))


_JUDGES: dict[AnswerType, _Judge] = {
    "number": _number,
    "string": _string,
    "date": _date,
    "yesno": _yesno,
    "list": _list,
}
