"""Judges numbers: whether the number in an answer is the right one, strictly and leniently."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise

from harness.scoring.dates import find_dates
from harness.scoring.denial import OFFERS, denied
from harness.scoring.numbers import find_quantities, readable
from harness.scoring.numerals import exact, plain
from harness.scoring.quantities import Quantity
from harness.scoring.records import Verdict
from harness.scoring.text import REMEMBER, match_form, normalise, without_asides
from harness.scoring.units import Units, convert, unit_named
from harness.types import Target

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


def judge_number(target: Target, text: str) -> Verdict:
    """Compare the number of an answer with the target's, in the target's unit."""
    wanted = _wanted(target)
    found = find_quantities(text, wanted)
    if not found:
        return Verdict(False, False, normalise(text), "no number")
    body = readable(text)
    asserted = [quantity for quantity in found if not _qualified(body, quantity)]
    if not asserted or any(q not in asserted and not _set_aside(body, q) for q in found):
        return Verdict(False, False, body, "not asserted")
    value, why = _one_value(found, wanted), "one number"
    if value is not None and _is_sum(body, found):
        return Verdict(False, False, body, "not worked out")
    strict = value is not None and len(asserted) == len(found) and _right_number(target, value)
    if len(asserted) < len(found):
        value, why = _one_value(asserted, wanted), "the other denied"
    elif value is None and not OFFERS.search(body):
        value, why = _singled_out(text, found, wanted)
    if value is None:
        return Verdict(False, False, body, "several numbers or another unit")
    right = _right_number(target, value)
    return Verdict(strict, right, plain(value), why if right else "different")


def _wanted(target: Target) -> Units:
    return unit_named(match_form(target.unit))


def _qualified(body: str, quantity: Quantity) -> bool:
    """Denied, or only a bound: not 18, more than 18, 18以上, 18+."""
    before = body[max(0, quantity.start - 40) : quantity.start]
    if _BOUND_BEFORE.search(before) or _BOUND_AFTER.match(body, quantity.end):
        return True
    return denied(body[quantity.start :], 0, quantity.end - quantity.start)


def _set_aside(body: str, quantity: Quantity) -> bool:
    """True for a number that the text sets aside: 19 in "18, not 19"."""
    return bool(_INSTEAD.search(body[max(0, quantity.start - 20) : quantity.start]))


def _is_sum(body: str, found: Sequence[Quantity]) -> bool:
    """True for a sum or a ratio that is not worked out, such as 5 + 5."""
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
