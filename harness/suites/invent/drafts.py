"""Builds the parts of a task: its plan in words, its gold actions, its right and wrong answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from harness.common.cjk import KANJI, KANJI_MARKS, KATAKANA
from harness.suites.invent.pages import EntityPage
from harness.suites.invent.wording import Fact
from harness.tools.calculate import evaluate
from harness.types import GoldAction, Target


@dataclass(frozen=True)
class Hop:
    """One step of a plan: the call, what it is for, and what it brings ("" = nothing).

    ``also`` holds further (what, value) pairs that the same answer brings and the plan needs.
    """

    tool: str
    input: str
    looks_for: str
    finds: str = ""
    also: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Plan:
    """How a task is solved, in words: the hops, what follows from them, the answer."""

    hops: tuple[Hop, ...]
    because: str
    answer: str


@dataclass(frozen=True)
class Draft:
    """A task before it has an id."""

    question: str
    target: Target
    plan: Plan
    difficulty: int
    golds: tuple[GoldAction, ...]
    evidence: tuple[str, ...] = ()


def target_of(fact: Fact, page: EntityPage) -> Target:
    """The right answer to a question about a stated fact, and near misses."""
    value = page.entity.facts[fact.key]
    if fact.type == "list":
        items = re.split(", | and |、", value)
        return Target("list", (", ".join(items),), (", ".join(items[:-1]),))
    if fact.type == "date":
        return _date(value)
    return Target(fact.type, (value,), near_misses(fact, page), unit=fact.unit)


def _date(value: str) -> Target:
    """A full date; parts of it alone are wrong."""
    if "年" in value:
        year, day = value.split("年")
        return Target("date", (value,), (day, f"{year}年"))
    day, month, year = value.split()
    return Target("date", (value, f"{month} {day}, {year}"), (f"{day} {month}", year))


def near_misses(fact: Fact, page: EntityPage) -> tuple[str, ...]:
    """Up to three values in the article that could be taken for the fact's."""
    facts = page.entity.facts
    like = str.isdigit if fact.type in ("number", "date") else _is_name
    right = facts[fact.key]
    others = [facts[key] for key in sorted(page.shown) if key in facts and facts[key] != right]
    return tuple(dict.fromkeys(value for value in others if like(value)))[:3]


def _is_name(value: str) -> bool:
    return value.istitle() or (not value.isascii() and not any(map(str.isdigit, value)))


def gold_of(hop: Hop) -> GoldAction:
    """The action of a hop; what it brings is the evidence that the answer must hold."""
    if hop.tool == "calculate":
        return GoldAction("calculate", expr=hop.input, observation_contains=hop.finds)
    return GoldAction(hop.tool, (hop.input,), observation_contains=hop.finds)


def words_of(text: str) -> frozenset[str]:
    """The words that a search engine may go by: Latin words of four letters or more, plural
    like singular, and every run of kanji or of katakana."""
    words = (word.rstrip("s") for word in re.findall(r"[a-z\d_]{4,}", text.lower()))
    return frozenset((*words, *re.findall(f"[{KANJI}{KANJI_MARKS}]+|[{KATAKANA}]+", text)))


# --- arithmetic ---------------------------------------------------------------------------


def whole_result(expr: str) -> int | None:
    """What ``calculate`` makes of an expression of our own; None where it is no whole number."""
    value = evaluate(expr)
    return int(value) if value == int(value) else None


def one_decimal(value: Fraction) -> str:
    """The value with one decimal place, a half rounded up."""
    quotient = Decimal(value.numerator) / Decimal(value.denominator)
    return str(quotient.quantize(Decimal("0.1"), ROUND_HALF_UP))
