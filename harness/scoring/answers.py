"""Decides whether an answer is right, strictly and leniently. One matcher for each answer type.

A matcher sees the target and the text of the Answer line only. It never raises, and an answer
without content is never right. ``Verdict.rule`` is "<type>: <why>"; docs/metrics.md lists them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from harness.scoring.abstention import abstains, is_phrase
from harness.scoring.dates import NO_DATE, Date, find_dates
from harness.scoring.denial import OFFERS, denied
from harness.scoring.lists import each_once, gold_items, readings, same_items, without_lead_in
from harness.scoring.number_answers import judge_number
from harness.scoring.numbers import whole_quantity
from harness.scoring.numerals import plain
from harness.scoring.records import Verdict
from harness.scoring.text import (
    loose_spellings,
    loosen,
    match_form,
    normalise,
    occurs,
    script,
    without_asides,
    without_lead,
)
from harness.scoring.units import convert, is_money
from harness.types import AnswerType, Target

MAX_CHARACTERS = 1000
"""A longer text is no answer; it bounds the work as well."""

NOT_ANSWERED, ABSTAINED, REJECTED, DIFFERENT = "not answered", "abstained", "rejected", "different"

Matcher = Callable[[Target, str], Verdict]
"""Judges a text; the ``rule`` of its verdict is only the reason, without the type."""


def match(target: Target, text: str, language: str = "en") -> Verdict:
    """Compare the text of an Answer line with a target.

    ``language`` chooses the phrases that count as abstaining. "" means that no answer was
    given, which is never right. A strictly right answer is leniently right as well.
    """
    verdict = _judge(target, text, language)
    lenient = verdict.strict or verdict.lenient
    return replace(verdict, lenient=lenient, rule=f"{target.type}: {verdict.rule}")


def _judge(target: Target, text: str, language: str) -> Verdict:
    if not any(character.isalnum() for character in text) and not _bare_symbol(target, text):
        return _wrong("", NOT_ANSWERED)
    if len(text) > MAX_CHARACTERS:
        return _wrong(text[:80], "too long")
    normal = normalise(text)
    if normal in map(normalise, target.rejected):
        return _wrong(normal, REJECTED)
    if target.type == "abstain":
        return _abstain(target, text, language)
    verdict = MATCHERS[target.type](target, text)
    if not verdict.strict and abstains(text, language):
        return _wrong(normal, ABSTAINED)
    return verdict


def _wrong(extracted: str, why: str) -> Verdict:
    return Verdict(False, False, extracted, why)


def _bare_symbol(target: Target, text: str) -> bool:
    """A name without a letter in it, such as the band "!!!", is an answer only to itself."""
    normal = normalise(text)
    short = len(text) < 20 and bool(normal.strip("'\""))
    return short and normal in map(normalise, target.accepted)


def expects(verdict: Verdict) -> str:
    """The answer type that a verdict was given for."""
    return verdict.rule.partition(":")[0]


# --- abstaining -------------------------------------------------------------------------


def _abstain(target: Target, text: str, language: str) -> Verdict:
    normal, loose = normalise(text), loosen(text)
    if any(occurs(loosen(rejected), loose) >= 0 for rejected in target.rejected):
        return _wrong(normal, REJECTED)
    strict = is_phrase(text, language) or normal in map(normalise, target.accepted)
    lenient = strict or abstains(text, language)
    return Verdict(strict, lenient, normal, ABSTAINED if lenient else "asserted something")


# --- strings ----------------------------------------------------------------------------

_BETWEEN = re.compile(r", (?:and )?|[;、/&|]| and |(?<=\x00)[とや]|[とや](?=\x00)")
_OR_KANA = re.compile(r"(?<=\x00)か(?!も)|か(?=\x00)")


def _judge_string(target: Target, text: str) -> Verdict:
    normal = normalise(text)
    if normal in map(normalise, target.accepted):
        return Verdict(True, True, normal, "equal")
    loose = loosen(text)
    bare = without_lead(loose)
    rejected = [loosen(name) for name in target.rejected]
    spellings = {loose, bare} | loose_spellings(text) | loose_spellings(bare)
    for name in target.accepted:
        alias = loosen(name)
        if spellings & loose_spellings(name) or _same_quantity(loose, alias):
            return Verdict(False, bare not in rejected, bare, "spelling")
        if _contains(loose, alias, rejected):
            return Verdict(False, True, alias, "contained")
    return _wrong(normal, DIFFERENT)


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
    one, other = whole_quantity(left), whole_quantity(right)
    if one is None or other is None or one.value is None:
        return False
    return convert(one.value, one.units, other.units) == other.value


# --- dates ------------------------------------------------------------------------------

_YEAR = re.compile(r"-?(?!0+$)[0-9]{1,4}")


def _judge_date(target: Target, text: str) -> Verdict:
    wanted = [date for gold in target.accepted if (date := gold_date(gold))]
    near_misses = [date for name in target.rejected if (date := gold_date(name))]
    folded = match_form(text)
    strict = gold_date(text) if text in target.accepted else _one_date(text)
    found = strict or _one_date(without_asides(text))
    if found is None:
        return _wrong(normalise(text), "no single date")
    if found in near_misses:
        return _wrong(_iso(found), REJECTED)
    if denied(folded, 0, 0) or denied(folded, len(folded), len(folded)) or OFFERS.search(folded):
        return _wrong(_iso(found), "not asserted")
    right = any(found.within(gold) for gold in wanted)
    return Verdict(
        right and strict is not None, right, _iso(found), "same date" if right else DIFFERENT
    )


def gold_date(text: str) -> Date | None:
    """The date that a task file gives; there a bare figure is a year, "79" as well as "-44"."""
    return Date(int(text), 0, 0) if _YEAR.fullmatch(text) else _one_date(text)


def _one_date(text: str) -> Date | None:
    """The one date of a text, where coarser mentions of it do no harm; None otherwise."""
    dates = find_dates(text)
    if not dates or NO_DATE in dates:
        return None
    finest = max(dates, key=lambda date: sum(map(bool, date)))
    return finest if all(finest.within(date) for date in dates) else None


def _iso(date: Date) -> str:
    """A date as year-month-day, 00 for what is not given; "44 BC" has the year -044."""
    return f"{date.year:04d}-{date.month:02d}-{date.day:02d}"


# --- yes or no --------------------------------------------------------------------------

_YES_NO_WORDS = """
yes true correct yeah yep はい ええ 正しい 真 そう その通り
no false incorrect nope いいえ いえ 正しくない 偽 違う 違います ちがいます
"""
_YES, _NO = (line.split() for line in _YES_NO_WORDS.strip().splitlines())


def _judge_yesno(target: Target, text: str) -> Verdict:
    wanted = {_polarity(gold) for gold in target.accepted} - {""}
    normal = normalise(text)
    bare = without_lead(normal)
    said, first = _polarity(normal), _polarity(re.split(r"[,.:;!。、 ]", bare, maxsplit=1)[0])
    if said:
        return Verdict(said in wanted, said in wanted, said, "the word alone")
    other = _NO if first == "yes" else _YES
    if not first or any(occurs(word, normal) >= 0 for word in other):
        return _wrong(normal, "neither yes nor no")
    return Verdict(False, first in wanted, first, "begins with it")


def _polarity(word: str) -> str:
    word = normalise(word)
    return "yes" if word in _YES else "no" if word in _NO else ""


# --- lists ------------------------------------------------------------------------------


def _judge_list(target: Target, text: str) -> Verdict:
    golds = [gold_items(gold) for gold in target.accepted]
    near_misses = [gold_items(name) for name in target.rejected]
    names = [name for items in (*golds, *near_misses) for name in items]
    divided = readings(text, names)
    strict = [_items(reading, _item) for reading in divided]
    loose = [_items(r, _loose_item) for r in (*divided, *readings(without_lead_in(text), names))]
    if any(_equal(miss, items, target.ordered) for miss in near_misses for items in strict):
        return _wrong(normalise(text), REJECTED)
    right = any(_equal(gold, items, target.ordered) for gold in golds for items in strict)
    loose_golds = [each_once(_items(gold, _loose_item)) for gold in golds]
    pairs = [(gold, items) for gold in loose_golds for items in loose]
    roughly = right or any(same_items(g, each_once(items), target.ordered) for g, items in pairs)
    found = max((len(set(gold) & set(items)) for gold, items in pairs), default=0)
    size = len(golds[0]) if golds else 0
    return Verdict(right, roughly, "; ".join(strict[0]), f"{found} of {size} items")


def _items(parts: Iterable[str], key: Callable[[str], str]) -> list[str]:
    return [item for part in parts if (item := key(part))]


def _equal(gold: Iterable[str], items: Sequence[str], ordered: bool) -> bool:
    return same_items(_items(gold, _item), items, ordered)


def _item(text: str) -> str:
    """The form in which items are compared; 1,200 and 1200 are one, and 1990年 is 1990."""
    whole = whole_quantity(text.strip())
    plain_unit = whole and whole.name in ("", "年") and not is_money(whole.units)
    if whole is None or whole.value is None or not plain_unit:
        return normalise(text)
    return plain(whole.value)


def _loose_item(text: str) -> str:
    """As ``_item``, and without units of money, accents and the like."""
    whole = whole_quantity(text.strip())
    if whole is not None and whole.value is not None and is_money(whole.units):
        return plain(whole.value)
    return loosen(_item(text))


# answer type -> matcher; a new type is one function and one line here, and its name in types.py
MATCHERS: dict[AnswerType, Matcher] = {
    "number": judge_number,
    "string": _judge_string,
    "date": _judge_date,
    "yesno": _judge_yesno,
    "list": _judge_list,
}
