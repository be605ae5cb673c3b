"""Invented worlds: towns, people, companies and works that never were, and tasks about them.

A benchmark made here cannot be in anybody's training set, and a right answer proves that a
tool was used. Everything follows from the seed alone, on every machine. Knows nothing of
tools, of how worlds are stored, and of models.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.invent.articles import article, write
from harness.invent.drafts import Hop, Plan
from harness.invent.draw import Draw, Split, may_use, side_of
from harness.invent.english_more import ENGLISH
from harness.invent.questions import CATEGORIES, Asker
from harness.invent.world import Maker
from harness.types import Article, Task

__all__ = [
    "CATEGORIES", "VERSION", "Hop", "Invented", "Plan", "Split", "invent", "may_use", "side_of",
]  # fmt: skip

VERSION = 1


@dataclass(frozen=True)
class Invented:
    """A world and its tasks. ``plans[i]`` says how ``tasks[i]`` is solved; ``names`` are all
    words and titles coined for this world, each belonging to the world's side."""

    seed: int
    split: Split
    articles: tuple[Article, ...]
    tasks: tuple[Task, ...]
    plans: tuple[Plan, ...]
    names: tuple[str, ...]


def invent(seed: int, tasks: int, *, split: Split = "eval") -> Invented:
    """A fresh world and ``tasks`` tasks about it, one category after the other in turn.

    Worlds of the ``train`` side share no coined name and no number of two digits or more
    with worlds of the ``eval`` side, whatever the seeds.
    """
    draw = Draw(f"invented {VERSION} {split} {seed}", split)
    entities = Maker(draw, ENGLISH).make(tasks)
    pages = tuple(write(entity, draw, ENGLISH) for entity in entities)
    asker = Asker(pages, draw, ENGLISH)
    made = [_ask(asker, number, seed) for number in range(tasks)]
    return Invented(
        seed,
        split,
        tuple(article(page, ENGLISH) for page in pages),
        tuple(task for task, _ in made),
        tuple(plan for _, plan in made),
        tuple(draw.coined),
    )


def _ask(asker: Asker, number: int, seed: int) -> tuple[Task, Plan]:
    turn, place = divmod(number, len(CATEGORIES))
    category = CATEGORIES[place]
    return asker.ask(category, f"{category}-{turn + 1:03d}", f"invented, seed {seed}")
