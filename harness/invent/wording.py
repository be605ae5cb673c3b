"""What a language must supply to put an invented world into words.

The tables themselves are data (``english.py``, ``japanese.py``); placeholders in braces name facts, so a
sentence pattern also says which facts it states. ``{name}`` is the thing itself, ``{It}``
a way to begin a sentence about it, ``{He} {he} {his}`` a person's pronouns.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from harness.invent.draw import Draw
from harness.types import AnswerType

Words = Mapping[str, tuple[str, ...]]
Namer = Callable[[Draw, Words], str]

PRONOUNS = frozenset({"name", "It", "He", "he", "his", "His"})


@lru_cache(maxsize=4096)
def keys_of(pattern: str) -> frozenset[str]:
    """The facts that a sentence pattern states."""
    named = {field for _, field, _, _ in string.Formatter().parse(pattern) if field}
    return frozenset(named - PRONOUNS)


@dataclass(frozen=True)
class Fact:
    """One thing that can be asked about an entity.

    ``phrase`` is a noun phrase for it ("the mayor of {name}"); when the value is the name of
    another entity, ``to`` is that entity's kind, and the phrase can stand for it in a
    question. ``more`` and ``less`` ask which of {a} and {b} is ahead or behind, ``gap`` by
    how much {a} exceeds {b}, ``total`` how much both make, ``times`` how many times {b} is
    {a}. ``than`` is the word between a larger and a smaller value.
    """

    key: str
    phrase: str
    asks: tuple[str, ...]
    type: AnswerType = "number"
    unit: str = ""
    to: str = ""
    more: tuple[str, ...] = ()
    less: tuple[str, ...] = ()
    gap: tuple[str, ...] = ()
    total: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    than: tuple[str, str] = ("more than", "less than")


@dataclass(frozen=True)
class Kind:
    """One kind of entity: how its article opens, what is said, what can be asked.

    ``leads`` all hold every word of ``described``, a phrase that picks the entity out without
    naming it; so a search for that phrase finds the article.
    """

    name: str
    mention: str
    described: str
    leads: tuple[str, ...]
    subjects: tuple[str, ...]
    says: tuple[str, ...]
    facts: tuple[Fact, ...]

    def fact(self, key: str) -> Fact:
        return next(fact for fact in self.facts if fact.key == key)


@dataclass(frozen=True)
class Sum:
    """A question whose answer is computed from facts of one article, or of one article and
    of the one it links to: placeholders in ``expr`` name the facts, ``{link.fact}`` those of
    the linked article, ``{n}`` a number drawn for the question."""

    kind: str
    expr: str
    phrase: str
    asks: tuple[str, ...]
    unit: str = ""


@dataclass(frozen=True)
class Puzzle:
    """Arithmetic without a look-up: operands ``{a} {b} {c}`` within ``ranges``."""

    expr: str
    asks: tuple[str, ...]
    ranges: tuple[tuple[int, int], ...]
    difficulty: int = 1


@dataclass(frozen=True)
class Names:
    """How things are called: ``of`` each kind, a ``mountain``, and what is confused with a
    name: ``alike`` holds patterns of each kind with {name}, its {first} and {last} part, and
    {new}, a coined word, in at least one pattern."""

    of: Mapping[str, Namer]
    mountain: Callable[[Draw], str]
    word: Callable[[Draw], str]
    alike: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Language:
    """Everything that one language supplies. ``space`` stands between sentences; ``forms``
    are values made of several parts; ``thousands`` are ways to spell a large number that a
    calculator does not take, each a function from its digits."""

    code: str
    space: str
    names: Names
    forms: Mapping[str, str]
    pronouns: Mapping[str, Mapping[str, str]]
    thousands: tuple[Callable[[int], str], ...]
    kinds: Mapping[str, Kind]
    sums: tuple[Sum, ...]
    puzzles: tuple[Puzzle, ...]
    words: Mapping[str, tuple[str, ...]]
    unknown: str
    rounding: str
    states: str
    absent_fact: str
    absent_page: str
    compares: str
    difference: str
    total: str
    ratio: str
