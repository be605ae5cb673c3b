"""Writes the article about an entity: a lead, then facts in varied words and order.

What an article states is recorded, because a question needs to know it; what there was no
room for, or what was left out by chance, can be asked as a question without an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.invent.draw import Draw
from harness.invent.wording import Language, keys_of
from harness.invent.world import Entity
from harness.types import Article

LONGEST = 480
MOST_SENTENCES = 7
PRONOUNS = {
    "f": {"He": "She", "he": "she", "his": "her", "His": "Her"},
    "m": {"He": "He", "he": "he", "his": "his", "His": "His"},
    "": {},
}


@dataclass(frozen=True)
class Page:
    """An entity with its article; ``lead`` and ``shown`` are the keys of the facts that the
    first sentence and the whole article state."""

    entity: Entity
    text: str
    lead: frozenset[str]
    shown: frozenset[str]


def write(entity: Entity, draw: Draw, language: Language) -> Page:
    """The article about ``entity``, 4 to 7 sentences and at most 480 characters."""
    kind = language.kinds[entity.kind]
    values: dict[str, str] = {**PRONOUNS[entity.facts.get("gender", "")], **entity.facts}
    values["name"] = entity.name
    pattern = draw.pick(kind.leads)
    sentences = [_fill(pattern, values)]
    lead = keys_of(pattern) | keys_of(kind.described)
    shown = set(lead)
    # One askable fact or two stay out on purpose.
    askable = [fact.key for fact in kind.facts if fact.key not in lead]
    silent = set(draw.sample(askable, 1 + draw.below(2)))
    room = min(MOST_SENTENCES, 5 + draw.below(3))
    for pattern in draw.shuffled(kind.says):
        keys = keys_of(pattern)
        subject = draw.pick(kind.subjects)
        if keys & shown or keys & silent or len(sentences) >= room:
            continue
        sentence = _fill(pattern, {**values, "It": _fill(subject, values)})
        if sum(map(len, sentences)) + len(sentences) + len(sentence) > LONGEST:
            continue
        sentences.append(sentence)
        shown |= keys
    return Page(entity, " ".join(sentences), frozenset(lead), frozenset(shown))


def article(page: Page, language: Language) -> Article:
    return Article(page.entity.name, page.text, language.code)


def _fill(pattern: str, values: Mapping[str, str]) -> str:
    text = pattern.format_map(values)
    return text[0].upper() + text[1:]
