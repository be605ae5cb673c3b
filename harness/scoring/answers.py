"""Is this answer right? One matcher for each type of answer, strict and lenient at once.

It sees a target and the text of an Answer line, nothing of the episode. It never raises,
whatever the text, and an answer without content is never right. ``Verdict.rule`` is
"<type>: <why>"; the words are listed in docs/metrics.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal, InvalidOperation, localcontext

from harness.scoring.abstention import abstains, is_phrase
from harness.scoring.dates import NO_DATE, Date, find_dates
from harness.scoring.numbers import EXACT, Quantity, find_quantities, readable
from harness.scoring.text import (
    REMEMBER,
    fold,
    loosen,
    normalise,
    occurs,
    script,
    without_asides,
    without_lead,
)
from harness.scoring.units import UNKNOWN, Unit, conversion, read_unit
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

_OR = re.compile(r"(?<![a-z])(?:or|either)(?![a-z])|または|もしくは|あるいは|ないしは")
_BETWEEN = re.compile(r", (?:and )?|[;、/&]| and |(?<=\|)と|と(?=\|)")
_NOT_BEFORE = re.compile(
    r"(?<![a-z])(?:not|no|never|neither|nor|cannot|unlike|except|instead|rather|without|"
    r"(?:is|was|are|were|do|does|did|ca|could|wo|would)n'?t)(?![a-z])"
)
_NOT_AFTER = ("ではな", "じゃな", "でない", "ではあり", "でもな", "以外", "とは限")


def _string(target: Target, text: str) -> tuple[bool, bool, str, str]:
    normal = normalise(text)
    if normal in map(normalise, target.accepted):
        return True, True, normal, "equal"
    loose = loosen(text)
    bare = without_lead(loose)
    rejected = [loosen(name) for name in target.rejected]
    for alias in map(loosen, target.accepted):
        if alias in (loose, bare) or _same_quantity(loose, alias):
            return False, bare not in rejected, bare, "spelling"
        if _contains(loose, alias, rejected):
            return False, True, alias, "contained"
    return False, False, normal, DIFFERENT


def _contains(text: str, alias: str, rejected: Sequence[str]) -> bool:
    """The alias stands in a short text that neither denies it nor offers anything else."""
    if not _distinctive(alias) or not _short(text) or (at := occurs(alias, text)) < 0:
        return False
    rest = text.replace(alias, "|")
    if _OR.search(rest) or _NOT_BEFORE.search(text[:at]) or _enumerates(rest):
        return False
    if text.startswith(_NOT_AFTER, at + len(alias)):
        return False
    return not any(occurs(name, rest if name in alias else text) >= 0 for name in rejected)


def _enumerates(text: str) -> bool:
    """Several candidates side by side: "X, Y, Z" or "X and Y", but not "Paris, France"."""
    parts = [part.strip() for part in _BETWEEN.split(text)]
    few = all(len(part.split()) <= 4 and len(part) <= 30 for part in parts)
    return few and (len(parts) > 2 or (len(parts) == 2 and not re.search("[,、]", text)))


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
    factor = conversion(one.unit, other.unit)
    return factor is not None and one.value * factor == other.value


def _whole_quantity(text: str) -> Quantity | None:
    found = find_quantities(text)
    if len(found) != 1 or found[0].start or found[0].end != len(readable(text)):
        return None
    return found[0]


# --- numbers ----------------------------------------------------------------------------

_LESS_OR_MORE = re.compile(
    r"(?:(?<![a-z])(?:not|never)|n't|(?<![a-z])(?:more|less|fewer|greater|larger|smaller) than|"
    r"(?<![a-z])(?:at least|at most|over|under|above|below|up to))(?: [a-z]+)? ?[$¥€£]?$"
)
_OR_MORE = re.compile(
    r" ?(?:or (?:more|less|fewer)|以上|以下|未満|超|より|ではな|じゃな|でない|ではあり)"
)
_STATED = re.compile(
    r"(?:[=≈:は]|(?<![a-z])(?:is|are|was|were|equals|total|totals)) ?(?:約|about |[$¥€£-])?$"
)


def _number(target: Target, text: str) -> tuple[bool, bool, str, str]:
    unit = read_unit(fold(target.unit), 0)[0] if target.unit else UNKNOWN
    found = find_quantities(text)
    if not found:
        return False, False, normalise(text), "no number"
    body = readable(text)
    if any(_qualified(body, quantity) for quantity in found):
        return False, False, body, "not asserted"
    value, why = _one_value(found, unit), "one number"
    strict = value is not None and _right_number(target, value)
    if value is None and not _OR.search(body):
        value, why = _singled_out(text, found, unit)
    if value is None:
        return False, False, body, "several numbers or another unit"
    right = _right_number(target, value)
    return strict, right, f"{value:f}", why if right else DIFFERENT


def _qualified(body: str, quantity: Quantity) -> bool:
    """Denied, or only a bound: not 18, more than 18, 18以上."""
    before = body[max(0, quantity.start - 30) : quantity.start]
    return bool(_LESS_OR_MORE.search(before) or _OR_MORE.match(body, quantity.end))


def _one_value(found: Iterable[Quantity], unit: Unit) -> Decimal | None:
    """The value in ``unit`` that all of these agree on; None when they do not."""
    values = {_in_unit(quantity, unit) for quantity in found}
    return values.pop() if len(values) == 1 else None


def _in_unit(quantity: Quantity, unit: Unit) -> Decimal | None:
    factor = conversion(quantity.unit, unit)
    if quantity.value is None or factor is None:
        return None
    with localcontext(EXACT):
        return quantity.value * factor


def _singled_out(text: str, found: Sequence[Quantity], unit: Unit) -> tuple[Decimal | None, str]:
    """The one number of several that the text marks as its answer, and by what."""
    body = readable(text)
    readings = (
        ("asides dropped", find_quantities(without_asides(body))),
        ("stated", [q for q in found if _STATED.search(body[max(0, q.start - 12) : q.start])]),
        ("unit", [q for q in found if conversion(q.unit, unit) is not None]),
    )
    for why, some in readings:
        if (value := _one_value(some, unit)) is not None:
            return value, why
    years = {Decimal(date.year) for date in find_dates(text) if date.month}
    return (years.pop(), "year of a date") if len(years) == 1 else (None, "")


def _right_number(target: Target, value: Decimal) -> bool:
    if value in _values(target.rejected):
        return False
    abs_tol, rel_tol = _decimal(target.abs_tol), _decimal(target.rel_tol)
    with localcontext(EXACT):
        return any(
            abs(value - gold) <= abs_tol + rel_tol * abs(gold) and value * gold >= 0
            for gold in _values(target.accepted)
        )


@REMEMBER
def _values(texts: tuple[str, ...]) -> set[Decimal]:
    """The numbers that a task file gives, each a text with exactly one number in it."""
    found = (_one_value(find_quantities(text), UNKNOWN) for text in texts)
    return {value for value in found if value is not None}


def _decimal(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return Decimal(0)
    return value if value.is_finite() and value >= 0 else Decimal(0)


# --- dates ------------------------------------------------------------------------------


def _date(target: Target, text: str) -> tuple[bool, bool, str, str]:
    wanted = [date for gold in target.accepted if (date := _one_date(gold))]
    near_misses = [date for name in target.rejected if (date := _one_date(name))]
    folded = fold(text)
    strict, lenient = _one_date(folded), _one_date(without_asides(folded))
    found = strict or lenient
    if found is None:
        return False, False, normalise(text), "no single date"
    if found in near_misses:
        return False, False, _iso(found), REJECTED
    if (
        _NOT_BEFORE.search(folded)
        or any(tail in folded for tail in _NOT_AFTER)
        or _OR.search(folded)
    ):
        return False, False, _iso(found), "not asserted"
    right = any(found.within(gold) for gold in wanted)
    return right and strict is not None, right, _iso(found), "same date" if right else DIFFERENT


def _one_date(text: str) -> Date | None:
    """The one date of a text, where coarser mentions of it do no harm; None otherwise."""
    dates = find_dates(text)
    if not dates or NO_DATE in dates:
        return None
    finest = max(dates, key=lambda date: sum(map(bool, date)))
    return finest if all(finest.within(date) for date in dates) else None


def _iso(date: Date) -> str:
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

_FIRM = r"; ?|, (?:and |& )?|,(?![0-9]{3}(?![0-9]))|、 ?(?:および|及び|そして)?| and | & |および|及び|ならびに"
_SEPARATORS = (  # from the surest to the most daring: names hold と, ・ and commas too
    re.compile(_FIRM),
    re.compile(rf"{_FIRM}|,|と| ?/ ?"),
    re.compile(rf"{_FIRM}|,|と| ?/ ?| ?・ ?"),
)
_LEAD_IN = re.compile(r"^.*?(?:: | (?:are|is|were|was) |は)")


def _list(target: Target, text: str) -> tuple[bool, bool, str, str]:
    golds = [_gold_items(gold) for gold in target.accepted]
    strict = _readings(fold(text), _item)
    loose = [*strict, *_readings(fold(text), _loose_item)]
    loose += _readings(_LEAD_IN.sub("", fold(text)), _loose_item)
    near_misses = [_gold_items(name) for name in target.rejected]
    if any(_same_items(miss, items, target.ordered) for miss in near_misses for items in strict):
        return False, False, normalise(text), REJECTED
    right = any(_same_items(gold, items, target.ordered) for gold in golds for items in strict)
    roughly = right or any(
        _same_items(_each_once(map(_loose_item, gold)), _each_once(items), target.ordered)
        for gold in golds
        for items in loose
    )
    found = max((_shared(gold, items) for gold in golds for items in loose), default=0)
    size = len(golds[0]) if golds else 0
    return right, roughly, "; ".join(strict[0]), f"{found} of {size} items"


def _gold_items(gold: str) -> list[str]:
    """A task file separates items by semicolons; one without any, as an answer would be."""
    parts = gold.split(";") if ";" in gold else _SEPARATORS[0].split(fold(gold))
    return [item for part in parts if (item := _item(part))]


def _readings(text: str, key: Callable[[str], str]) -> list[list[str]]:
    return [[k for part in by.split(text) if (k := key(part))] for by in _SEPARATORS]


def _item(text: str) -> str:
    """The form in which items are compared; 1,200 and 1200 are one."""
    whole = _whole_quantity(text.strip())
    if whole is not None and whole.value is not None and whole.unit == UNKNOWN:
        return f"{whole.value.normalize(EXACT):f}"
    return normalise(text)


def _loose_item(text: str) -> str:
    return loosen(_item(text))


def _same_items(gold: Sequence[str], items: Sequence[str], ordered: bool) -> bool:
    if not gold:
        return False
    return list(gold) == list(items) if ordered else sorted(gold) == sorted(items)


def _each_once(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))


def _shared(gold: Sequence[str], items: Sequence[str]) -> int:
    return len(set(gold) & set(items))


_JUDGES: dict[AnswerType, _Judge] = {
    "number": _number,
    "string": _string,
    "date": _date,
    "yesno": _yesno,
    "list": _list,
}
