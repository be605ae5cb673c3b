"""Coins the names of invented things by the rules in a language's file."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from harness.suites.invent.draw import Draw

Words = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Variant:
    """A rule with two forms: ``then`` with probability ``chance``, else ``otherwise``.

    ``first`` is made before; both forms can use it as {first}.
    """

    chance: float
    then: str
    otherwise: str
    first: str = ""


Rule = str | tuple[str, ...] | Variant


def _word(draw: Draw, words: Words) -> str:
    return draw.word(2)


def _place(draw: Draw, words: Words) -> str:
    ending = draw.pick(words[LIST_FOR["place"]])
    return draw.word(2 - (draw.chance(0.6) and bool(ending)), ending)


def _given(draw: Draw, words: Words) -> str:
    return draw.word(1 + draw.below(2), draw.pick(words[LIST_FOR["given"]]))


# Invented words in Latin letters: any, the name of a place, the given name of a person.
LATIN: Mapping[str, Callable[[Draw, Words], str]] = {
    "word": _word,
    "place": _place,
    "given": _given,
}
LIST_FOR = {"place": "place_ending", "given": "given_ending"}


@dataclass(frozen=True)
class Names:
    """The rules for names, one for each kind of entity, ``mountain``, ``new`` and helpers.

    The parts in braces are made from left to right: a rule, a list of ``words``, a part of
    ``LATIN``, or {one} and {two}, two different items of the list ``title_thing``. The rules in
    ``whole`` make names that are new to a world as a whole; in the others an invented word is.
    ``alike`` are patterns for names that can be taken for an entity's: {name}, its {first} and
    {last} part, {new} by the rule ``new``, and a {firm}.
    """

    whole: tuple[str, ...]
    rules: Mapping[str, Rule]
    alike: Mapping[str, tuple[str, ...]]
    words: Words

    def coin(self, rule: str, draw: Draw) -> str:
        """A name by that rule, new to the world of ``draw``."""

        def name() -> str:
            return self._make(rule, draw, {})

        return draw.phrase(name) if rule in self.whole else name()

    def _make(self, part: str, draw: Draw, known: dict[str, str]) -> str:
        rule = self.rules.get(part) or self.words.get(part, "")
        if part == "one":
            known["one"], known["two"] = draw.sample(self.words["title_thing"], 2)
        if part in known:
            return known[part]
        if not rule:
            return LATIN[part](draw, self.words)
        if isinstance(rule, Variant):
            known = {"first": self._fill(rule.first, draw, {})}
            rule = rule.then if draw.chance(rule.chance) else rule.otherwise
        return self._fill(rule if isinstance(rule, str) else draw.pick(rule), draw, known)

    def _fill(self, pattern: str, draw: Draw, known: dict[str, str]) -> str:
        return "".join(
            text + (self._make(part, draw, known) if part else "")
            for text, part in _parts_of(pattern)
        )


@lru_cache(maxsize=4096)
def _parts_of(pattern: str) -> tuple[tuple[str, str], ...]:
    """Texts and the part in braces that follows each ("" at the end)."""
    return tuple((text, part or "") for text, part, _, _ in string.Formatter().parse(pattern))


@lru_cache(maxsize=4096)
def placeholders(pattern: str) -> frozenset[str]:
    """All that stands in braces. Raises ValueError when the braces do not match."""
    return frozenset(
        field + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
        for _, field, spec, conversion in string.Formatter().parse(pattern)
        if field is not None
    )
