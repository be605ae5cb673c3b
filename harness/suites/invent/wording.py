"""What a language supplies: the sentences, questions, words and names of an invented world.

The wording itself is in ``english.toml`` and ``japanese.toml``, whose keys are the fields
below. Placeholders in braces name facts, so a sentence also says which facts it states.
``{name}`` is the thing itself, ``{It}`` a way to begin a sentence about it, ``{He} {he} {his}
{His}`` a person's pronouns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from harness.suites.invent.names import Names, placeholders

PRONOUNS = frozenset({"He", "he", "his", "His"})
Asked = Literal["number", "string", "date", "list"]


def keys_of(pattern: str) -> frozenset[str]:
    """The facts that a sentence states."""
    return placeholders(pattern) - PRONOUNS - {"name", "It"}


@dataclass(frozen=True)
class Fact:
    """One thing that can be asked about an entity.

    ``phrase`` is a noun phrase for it ("the mayor of {name}"), which can stand in a question
    for the entity that the fact names. ``asks`` ask for it. ``more`` and ``less`` ask which of
    {a} and {b} is ahead or behind, ``gap`` by how much {a} exceeds {b}, ``total`` how much both
    make, ``times`` how many times {b} is {a}. ``key`` is its name and ``sort`` what it is, see
    ``FactStep`` in world.py.
    """

    key: str
    sort: str
    phrase: str
    asks: tuple[str, ...]
    unit: str = ""
    more: tuple[str, ...] = ()
    less: tuple[str, ...] = ()
    gap: tuple[str, ...] = ()
    total: tuple[str, ...] = ()
    times: tuple[str, ...] = ()

    @property
    def type(self) -> Asked:
        """The type of the answer to a question for this fact."""
        match self.sort:
            case "number" | "year":
                return "number"
            case "date":
                return "date"
            case "list":
                return "list"
        return "string"


@dataclass(frozen=True)
class KindWording:
    """How one kind of entity is put into words.

    ``mention`` is its name in running text. ``described`` picks the entity out without naming
    it; every one of ``leads``, the first sentences of articles, holds all words of it, so that
    a search for it finds the article. ``says`` are the other sentences, which may begin with
    one of ``subjects`` as {It}. ``facts`` are what can be asked.
    """

    mention: str
    described: str
    leads: tuple[str, ...]
    subjects: tuple[str, ...]
    says: tuple[str, ...]
    facts: Mapping[str, Fact]


@dataclass(frozen=True)
class Sum:
    """A question whose answer is computed from facts of one article, or of two.

    Placeholders in ``expr`` are facts of an entity of that ``kind``, ``{author.born}`` a fact of
    the entity that another fact names, and ``{n}`` a number drawn for the question. ``phrase``
    is a noun phrase for the result.
    """

    kind: str
    expr: str
    phrase: str
    asks: tuple[str, ...]
    unit: str = ""


@dataclass(frozen=True)
class Puzzle:
    """Arithmetic without a look-up: operands ``{a} {b} {c}``, one for each of ``ranges``."""

    expr: str
    asks: tuple[str, ...]
    ranges: tuple[tuple[int, int], ...]
    difficulty: int = 1


@dataclass(frozen=True)
class Language:
    """Everything that one language supplies.

    ``space`` stands between sentences. ``unknown`` is the answer where there is none.
    ``thousands`` are keys of ``SPELLINGS`` in pages.py: how large numbers may be spelt.
    ``sizes`` are the words between a larger number and a smaller one and between a smaller and a
    larger one, ``times`` the same for years. ``rounding`` to ``ratio`` tell how a task is
    solved. ``forms`` are values made of several parts, ``pronouns`` the words for {He} {he}
    {his} {His} by gender, ``words`` lists to choose from.
    """

    code: str
    space: str
    unknown: str
    thousands: tuple[str, ...]
    sizes: tuple[str, str]
    times: tuple[str, str]
    rounding: str
    states: str
    absent_fact: str
    absent_page: str
    compares: str
    difference: str
    total: str
    ratio: str
    forms: Mapping[str, str]
    pronouns: Mapping[str, Mapping[str, str]]
    kinds: Mapping[str, KindWording]
    sums: tuple[Sum, ...]
    puzzles: tuple[Puzzle, ...]
    words: Mapping[str, tuple[str, ...]]
    names: Names
