"""Draws names and numbers by chance, the same on every machine, for benchmarks or for training.

Every invented name and every number of two digits or more belongs to exactly one side,
``eval`` or ``train``, by the parity of a digest of its spelling. A world of one side draws
only what belongs to it, so nothing a model was trained on can turn up in a benchmark.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Literal, TypeVar

Split = Literal["eval", "train"]
_T = TypeVar("_T")

NUMBER = re.compile(r"\d+(?:\.\d+)?")

_SIMPLE = tuple("bdfghjklmnprstvwz")
_CLUSTERS = ("br", "dr", "fl", "gr", "kl", "pl", "pr", "sk", "sl", "st", "tr", "sh", "th")
_ONSETS: tuple[str, ...] = (*_SIMPLE, *_SIMPLE, *_CLUSTERS)
_VOWELS: tuple[str, ...] = (*"aeiou" * 3, "ai", "ea", "oo")
_MIDDLES: tuple[str, ...] = (*[""] * 5, "l", "n", "r")
_CODAS: tuple[str, ...] = (*[""] * 4, "l", "n", "r", "s", "m", "t", "nd", "rn", "ld", "st", "lk")


@lru_cache(maxsize=65536)
def side_of(text: str) -> Split:
    """The side that a name or a number belongs to, whatever its case."""
    digest = hashlib.blake2b(text.lower().encode(), digest_size=1).digest()
    return "eval" if digest[0] % 2 == 0 else "train"


def may_use(text: str, split: Split) -> bool:
    """True when every number of two digits or more in ``text`` belongs to ``split``."""
    return all(len(n) < 2 or side_of(n) == split for n in NUMBER.findall(text))


def _alike(a: str, b: str) -> bool:
    return min(len(a), len(b)) > 1 and (a in b or b in a)


class Draw:
    """A source of chance for one world. Built on ``random()`` alone, the one method whose
    sequence Python promises never to change."""

    def __init__(self, seed: str, split: Split) -> None:
        self.split: Split = split
        self._random = random.Random(seed).random
        self._taken: set[str] = set()
        self.coined: list[str] = []

    def below(self, n: int) -> int:
        """A whole number from 0 to ``n`` - 1."""
        return int(self._random() * n)

    def chance(self, probability: float) -> bool:
        """True with that probability."""
        return self._random() < probability

    def pick(self, items: Sequence[_T]) -> _T:
        """One of the items."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[_T]) -> list[_T]:
        """The items in another order."""
        deck = list(items)
        for i in range(len(deck) - 1, 0, -1):
            j = self.below(i + 1)
            deck[i], deck[j] = deck[j], deck[i]
        return deck

    def sample(self, items: Sequence[_T], k: int) -> list[_T]:
        """``k`` different items (all, if there are fewer)."""
        return self.shuffled(items)[:k]

    def number(self, low: int, high: int, apart: Sequence[str] = ()) -> str:
        """A whole number of this side in low..high that neither holds nor is held by any
        of ``apart``, so that it can be told from them in a text (single digits may).

        Raises ValueError when 10,000 draws find none.
        """
        for _ in range(10_000):
            text = str(low + self.below(high - low + 1))
            if may_use(text, self.split) and not any(_alike(text, other) for other in apart):
                return text
        raise ValueError(f"no number of the {self.split} side in {low}..{high}")

    def once(self, make: Callable[[], str]) -> str:
        """What ``make`` returns, called until it is new to this world.

        Raises ValueError when 10,000 calls give nothing new.
        """
        for _ in range(10_000):
            text = make()
            if text not in self._taken:
                self._taken.add(text)
                return text
        raise ValueError("the world is too large for its stock of names")

    def word(self, syllables: int, ending: str = "") -> str:
        """A capitalised invented word of this side, new to this world."""
        return self._coin(lambda: self._word(syllables, ending).capitalize())

    def phrase(self, make: Callable[[], str]) -> str:
        """A title of plain words that belongs to this side, new to this world."""
        return self._coin(make)

    def _coin(self, make: Callable[[], str]) -> str:
        def attempt() -> str:
            while side_of(text := make()) != self.split:
                pass
            return text

        self.coined.append(self.once(attempt))
        return self.coined[-1]

    def _word(self, syllables: int, ending: str) -> str:
        return "".join(self._syllable(i == syllables - 1) for i in range(syllables)) + ending

    def _syllable(self, last: bool) -> str:
        return self.pick(_ONSETS) + self.pick(_VOWELS) + self.pick(_CODAS if last else _MIDDLES)
