"""Exchanges the numbers of an episode for others, so that copying is learnt and not numbers.

Left to themselves, worlds teach that a novel has one of the thirty numbers of chapters that
the ``train`` side allows. Here any number may stand anywhere, the same one wherever the old
one stood; sums are then no longer true, which does not matter to one who only copies them.
Not all numbers of an episode are exchanged, and half of the new ones are as long as the old,
or a model learns to tell such episodes from the others. All are of the ``train`` side.
"""

from __future__ import annotations

import re
from dataclasses import replace
from random import Random

from harness.suites.invent import may_use
from pico.episodes import Part, Transcript

WHOLE = re.compile(r"(?<![\d.,])\d{2,}(?![.,]?\d)")
FIXED = re.compile(r"\d\.0\b|which is about")  # two spellings of one number: leave it alone
EXCHANGED = 0.6  # the share of numbers that are
DECIMALS = 0.25  # the share of new ones with a decimal place: 39 may belong to the other side
OTHER_LENGTHS = 0.25
DIGITS = (2, 3, 3, 4, 4, 4, 5, 5, 6, 7, 8, 9)


def exchanged(transcript: Transcript, chance: Random) -> Transcript:
    """The same episode about other numbers; as it is where they cannot be told apart."""
    if transcript.recovers or FIXED.search(transcript.text):
        return transcript
    new: dict[str, str] = {}

    def exchange(text: str) -> str:
        def another(match: re.Match[str]) -> str:
            if match[0] not in new:
                stays = chance.random() > EXCHANGED
                new[match[0]] = match[0] if stays else _number(len(match[0]), chance)
            return new[match[0]]

        return WHOLE.sub(another, text)

    parts = tuple(Part(exchange(part.text), part.role) for part in transcript.parts)
    return replace(transcript, parts=parts)


def _number(digits: int, chance: Random) -> str:
    """A number of the ``train`` side: as long as it was, of any length, or with a decimal place."""
    kind = chance.random()
    if kind < DECIMALS:
        digits = chance.choice((2, 2, 3))
    elif kind < DECIMALS + OTHER_LENGTHS:
        digits = chance.choice(DIGITS)
    while True:
        text = str(chance.randrange(10 ** (digits - 1), 10**digits))
        text += f".{chance.randrange(1, 10)}" if kind < DECIMALS else ""
        if may_use(text, "train"):
            return text
