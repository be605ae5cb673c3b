"""Makes worlds of invented towns, people, companies and works, and tasks about them.

They cannot be in a training set, so a right answer proves that a tool was used. The same seed
gives the same world on every machine.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from harness.suites.invent.drafts import Hop, Plan
from harness.suites.invent.draw import Draw, Split, may_use, side_of
from harness.suites.invent.pages import Dials, article_of, write_page
from harness.suites.invent.questions import CATEGORIES, CHAINS, Asker
from harness.suites.invent.reader import LANGUAGES, load_language
from harness.suites.invent.world import Maker
from harness.types import Article, Task

__all__ = [
    "CATEGORIES",
    "GENERATOR_VERSION",
    "LANGUAGES",
    "Dials",
    "Hop",
    "Invented",
    "Plan",
    "Split",
    "invent",
    "may_use",
    "side_of",
]

GENERATOR_VERSION = 1
_MOST_FOR_AN_ANSWER = 0.02  # share of the tasks


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


def invent(
    seed: int, tasks: int, *, split: Split = "eval", language: str = "en", dials: Dials = Dials()
) -> Invented:
    """A fresh world and so many ``tasks`` about it, one category after the other in turn.

    ``split`` is the side that names and numbers belong to, ``language`` a key of ``LANGUAGES``,
    ``dials`` how hard the world is.

    English worlds of the ``train`` side share no coined name and no number of two digits or
    more with those of the ``eval`` side, whatever the seeds, as long as no number is spelt
    with ``dials.noise``. Raises ValueError when the dials leave too little to ask about.
    """
    words = load_language(language)
    key = f"invented {GENERATOR_VERSION} {split} {seed}" + (
        f" {language}" if language != "en" else ""
    )
    draw = Draw(key, split)
    maker = Maker(draw, words)
    entities = maker.make(tasks)
    pages = tuple(write_page(entity, draw, words, dials) for entity in entities)
    alike = [maker.alike(entity) for entity in entities for _ in range(dials.distractors)]
    beside = tuple(write_page(entity, draw, words, dials) for entity in alike)
    settings = _settings(language, dials)
    # The shipped suite, and what was trained on its like, were asked without this limit.
    most = max(1, int(_MOST_FOR_AN_ANSWER * tasks)) if settings else 0
    asker = Asker(pages, draw, words, dials, beside, most)
    provenance = f"invented, seed {seed}{settings}"
    made = [_ask(asker, number, provenance) for number in range(tasks)]
    return Invented(
        seed,
        split,
        tuple(article_of(page, words) for page in (*pages, *beside)),
        tuple(task for task, _ in made),
        tuple(plan for _, plan in made),
        tuple(draw.coined),
    )


def _settings(language: str, dials: Dials) -> str:
    """What differs from the defaults, for the record."""
    default = asdict(Dials())
    said = [f"{key} {value}" for key, value in asdict(dials).items() if value != default[key]]
    return "".join(f", {part}" for part in ([language] if language != "en" else []) + said)


def _ask(asker: Asker, number: int, provenance: str) -> tuple[Task, Plan]:
    turn, place = divmod(number, len(CATEGORIES))
    category = CATEGORIES[place]
    if category == CHAINS[2]:
        category = CHAINS[asker.dials.hops]
    return asker.ask(category, f"{category}-{turn + 1:03d}", provenance)
