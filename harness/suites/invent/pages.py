"""Writes the article about an entity: a lead, then facts in varied words and order.

What an article states is recorded, because a question needs to know it; what there was no
room for, or what was left out by chance, can be asked as a question without an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.suites.invent.draw import Draw
from harness.suites.invent.wording import Language, keys_of
from harness.suites.invent.world import Entity
from harness.types import Article

_MOST_CHARACTERS = 480
_LARGE = 1000


def _commas(number: int) -> str:
    """66400 -> 66,400."""
    return f"{number:,}"


def _ten_thousands(number: int) -> str:
    """66400 -> 6万6400."""
    high, low = divmod(number, 10_000)
    return (f"{high}万" if high else "") + (str(low) if low or not high else "")


# How large numbers can be spelt, by the words that a language's file uses.
SPELLINGS: Mapping[str, Callable[[int], str]] = {
    "commas": _commas,
    "ten_thousands": _ten_thousands,
}


@dataclass(frozen=True)
class Dials:
    """How hard a world is made; the defaults are the shipped suite's.

    ``hops`` pages are on the way to the answer of a chain question (2 to 4). ``distractors``
    look-alike pages stand beside each page that can be asked about (0 to 5). ``sentences`` is
    the length of an article (3 to 12, and never more than the tool shows; 0 = 5 to 7 by
    chance). ``noise`` is the share of large quantities that articles spell as a calculator
    does not take them: 66,400 or 6万6400 (0 to 1).
    """

    hops: int = 2
    distractors: int = 0
    sentences: int = 0
    noise: float = 0.0


@dataclass(frozen=True)
class EntityPage:
    """An entity with its article; ``lead`` and ``shown`` are the keys of the facts that the
    first sentence and the whole article state, ``spelt`` how it spells some of them."""

    entity: Entity
    text: str
    lead: frozenset[str]
    shown: frozenset[str]
    spelt: Mapping[str, str]

    def says(self, key: str) -> str:
        """A fact as the article spells it."""
        return self.spelt.get(key, self.entity.facts[key])


def write_page(
    entity: Entity, draw: Draw, language: Language, dials: Dials = Dials()
) -> EntityPage:
    """The article about ``entity``, by default 4 to 7 sentences, at most 480 characters."""
    kind = language.kinds[entity.kind]
    spelt = _spelt(entity, draw, language, dials.noise) if dials.noise else {}
    pronouns = language.pronouns.get(entity.facts.get("gender", ""), {})
    values = {**pronouns, **entity.facts, **spelt, "name": entity.name}
    pattern = draw.pick(kind.leads)
    sentences = [_fill(pattern, values)]
    lead = keys_of(pattern) | keys_of(kind.described)
    shown = set(lead)
    # One askable fact or two stay out on purpose.
    askable = [key for key in kind.facts if key not in lead]
    silent = set(draw.sample(askable, 1 + draw.below(2)))
    room = dials.sentences or 5 + draw.below(3)
    for pattern in draw.shuffled(kind.says):
        keys = keys_of(pattern)
        subject = draw.pick(kind.subjects)
        if keys & shown or keys & silent or len(sentences) >= room:
            continue
        sentence = _fill(pattern, {**values, "It": _fill(subject, values)})
        if sum(map(len, sentences)) + len(sentences) + len(sentence) > _MOST_CHARACTERS:
            continue
        sentences.append(sentence)
        shown |= keys
    text = language.space.join(sentences)
    return EntityPage(entity, text, frozenset(lead), frozenset(shown), spelt)


def _spelt(entity: Entity, draw: Draw, language: Language, noise: float) -> dict[str, str]:
    """Large quantities in another spelling, with that probability; years stay as they are."""
    facts = language.kinds[entity.kind].facts.values()
    quantities = [fact.key for fact in facts if fact.unit]
    large = [key for key in quantities if int(entity.facts[key]) >= _LARGE]
    return {
        key: SPELLINGS[draw.pick(language.thousands)](int(entity.facts[key]))
        for key in large
        if draw.chance(noise)
    }


def article_of(page: EntityPage, language: Language) -> Article:
    """The article as worlds store it."""
    return Article(page.entity.name, page.text, language.code)


def _fill(pattern: str, values: Mapping[str, str]) -> str:
    text = pattern.format_map(values)
    return text[0].upper() + text[1:]
