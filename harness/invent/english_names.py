"""English: how invented things are called."""

from __future__ import annotations

from collections.abc import Mapping

from harness.invent.draw import Draw
from harness.invent.wording import Names

TOWN_ENDINGS = (
    "vale",
    "mer",
    "wick",
    "sund",
    "dal",
    "gard",
    "holm",
    "sted",
    "nau",
    "by",
    "mouth",
    "ton",
    "",
)
NAME_ENDINGS = ("na", "ra", "la", "ko", "ri", "mel", "lis", "sen", "do", "")


def _person(draw: Draw, words: Mapping[str, tuple[str, ...]]) -> str:
    given = draw.word(1 + draw.below(2), draw.pick(NAME_ENDINGS))
    return f"{given} {draw.word(2)}"


def _town(draw: Draw, words: Mapping[str, tuple[str, ...]]) -> str:
    ending = draw.pick(TOWN_ENDINGS)
    return draw.word(2 - (draw.chance(0.6) and bool(ending)), ending)


def _novel(draw: Draw, words: Mapping[str, tuple[str, ...]]) -> str:
    def title() -> str:
        plain = f"The {draw.pick(words['title_how'])} {draw.pick(words['title_thing'])}"
        return plain if draw.chance(0.6) else f"{plain} of {draw.word(2)}"

    return draw.phrase(title)


def _film(draw: Draw, words: Mapping[str, tuple[str, ...]]) -> str:
    parts = ("film_title", "title_how", "title_thing")
    return draw.phrase(lambda: " ".join(draw.pick(words[part]) for part in parts))


def _painting(draw: Draw, words: Mapping[str, tuple[str, ...]]) -> str:
    def title() -> str:
        one, two = draw.sample(words["title_thing"], 2)
        return f"{one} {draw.pick(words['painting_title'])} {two}"

    return draw.phrase(title)


NAMES = Names(
    of={
        "river": lambda draw, words: draw.word(2) + " River",
        "town": _town,
        "person": _person,
        "company": lambda draw, words: f"{draw.word(2)} {draw.pick(words['firm'])}",
        "novel": _novel,
        "film": _film,
        "bridge": lambda draw, words: draw.word(2) + " Bridge",
        "painting": _painting,
    },
    mountain=lambda draw: "Mount " + draw.word(2),
    word=lambda draw: draw.word(2),
    alike={
        "river": ("Little {first} River", "{first}{new} River", "{new} River"),
        "town": ("East {name}", "Old {name}", "{name} Hill", "{name} {new}"),
        "person": ("{new} {last}", "{first} {new}"),
        "company": ("{first} {firm}", "{new} and {first} {firm}"),
        "novel": ("Return to {name}", "{name} in {new}"),
        "film": ("{name} Again", "{name} in {new}"),
        "bridge": ("New {name}", "{new} {name}"),
        "painting": ("{name} at Night", "{name} in {new}"),
    },
)
