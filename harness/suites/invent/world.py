"""Invents the entities of a world and their facts.

Facts are text. Sentences name them by their keys; a fact may be the name of another entity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.suites.invent.draw import NUMBER, Draw, may_use
from harness.suites.invent.wording import Language

# How many entities of each kind there are for each task, and at the least.
SHARES = {
    "river": (0.08, 6),
    "town": (0.22, 12),
    "person": (0.32, 16),
    "company": (0.18, 8),
    "novel": (0.10, 6),
    "film": (0.10, 6),
    "bridge": (0.10, 6),
    "painting": (0.10, 6),
}
_LAST_YEAR = 2019
_ADULT = 18  # years: the earliest age at which a person is said to do something

Facts = dict[str, str]


@dataclass(frozen=True)
class Entity:
    """One thing in the world. ``mention`` is its name in running text, ``described`` a noun
    phrase that picks it out without its name."""

    kind: str
    name: str
    mention: str
    described: str
    facts: Mapping[str, str]


class Maker:
    """Invents the entities of one world, kind by kind."""

    def __init__(self, draw: Draw, language: Language) -> None:
        self.draw = draw
        self.language = language
        self.names: dict[str, list[str]] = {}
        self.born: dict[str, int] = {}

    def make(self, tasks: int) -> list[Entity]:
        """Every entity of a world that is large enough for ``tasks`` questions."""
        counts = {kind: max(least, int(share * tasks)) for kind, (share, least) in SHARES.items()}
        for kind, count in counts.items():
            self.names[kind] = [self.language.names.coin(kind, self.draw) for _ in range(count)]
        for name in self.names["person"]:
            self.born[name] = int(self.draw.number(1900, 1979))
        return [self._entity(kind, name) for kind in counts for name in self.names[kind]]

    def _entity(self, kind: str, name: str) -> Entity:
        wording = self.language.kinds[kind]
        facts: Facts = {}

        def describe() -> str:
            facts.clear()
            self._add(DESCRIBING[kind], name, facts)
            return wording.described.format_map(facts)

        described = self.draw.once(describe)
        self._add(_OTHERS[kind], name, facts)
        return Entity(kind, name, wording.mention.format(name=name), described, facts)

    def _add(self, steps: tuple[FactStep, ...], name: str, facts: Facts) -> None:
        for step in steps:
            facts[step.key] = step.choose(self, name, facts)

    def alike(self, entity: Entity) -> Entity:
        """Another entity of the same kind with a similar name."""
        names = self.language.names
        words = entity.name.replace("・", " ").split()
        known = {"name": entity.name, "first": words[0], "last": words[-1]}

        def name() -> str:
            pattern = self.draw.pick(names.alike[entity.kind])
            new = names.coin("new", self.draw)
            return pattern.format(new=new, firm=self.word("firm"), **known)

        while (chosen := self.draw.phrase(name)) in self.names[entity.kind]:
            pass
        if entity.kind == "person":
            self.born[chosen] = int(self.draw.number(1900, 1979))
        return self._entity(entity.kind, chosen)

    def word(self, key: str) -> str:
        """One of the language's words of that list."""
        return self.draw.pick(self.language.words[key])

    def form(self, key: str, **parts: str) -> str:
        """A value made of several parts, as the language joins them."""
        return self.language.forms[key].format(**parts)

    def words(self, key: str, *lists: str) -> str:
        """A value made of one word of each of ``lists``."""
        return self.form(key, **{name: self.word(name) for name in lists})

    def other(self, kind: str, *apart: str) -> str:
        """The name of an entity of that kind, none of ``apart``."""
        while (name := self.draw.pick(self.names[kind])) in apart:
            pass
        return name

    def number(self, low: int, high: int, facts: Facts) -> str:
        """A number that cannot be taken for any other in ``facts``."""
        numbers = [number for value in facts.values() for number in NUMBER.findall(value)]
        return self.draw.number(low, high, numbers)


# --- how facts are chosen -------------------------------------------------------------------

Choose = Callable[[Maker, str, Facts], str]


@dataclass(frozen=True)
class FactStep:
    """How one fact is chosen, given the maker, the entity's name and the facts so far.

    ``sort`` is what it is: number, year, date, list, word, or the kind of entity it names.
    """

    key: str
    sort: str
    choose: Choose


def _number(key: str, low: int | str, high: int, sort: str = "number") -> FactStep:
    """``low`` is a number, or a fact: a year, or a person, who must be grown up then."""

    def choose(maker: Maker, name: str, facts: Facts) -> str:
        if isinstance(low, int):
            return maker.number(low, high, facts)
        value = facts.get(low, name)
        first = maker.born[value] + _ADULT if value in maker.born else int(value)
        return maker.number(first, high, facts)

    return FactStep(key, sort, choose)


def _year(key: str, low: int | str, high: int = _LAST_YEAR) -> FactStep:
    return _number(key, low, high, "year")


def _made(key: str, make: Callable[[Maker], str]) -> FactStep:
    """Words that do not depend on the other facts."""
    return FactStep(key, "word", lambda maker, name, facts: make(maker))


def _word(key: str) -> FactStep:
    return _made(key, lambda maker: maker.word(key))


def _link(key: str, kind: str) -> FactStep:
    """Another entity of that kind, and none that the facts name already."""
    return FactStep(key, kind, lambda maker, name, facts: maker.other(kind, name, *facts.values()))


def _population(maker: Maker, name: str, facts: Facts) -> str:
    """A multiple of the area, so that the density is a whole number; may change the area."""
    while True:
        population = str(int(maker.draw.number(21, 980)) * int(facts["area"]))
        if may_use(population, maker.draw.split):
            return population
        facts["area"] = _AREA.choose(maker, name, facts)


def _offices(maker: Maker, name: str, facts: Facts) -> str:
    one, two, three = maker.draw.sample(maker.names["town"], 3)
    return maker.form("offices", one=one, two=two, three=three)


def _opened(maker: Maker, name: str, facts: Facts) -> str:
    day = maker.number(1, 28, facts)
    return maker.form("date", day=day, month=maker.word("month"), year=facts["opened_year"])


# --- the facts of each kind, in the order in which they are chosen --------------------------

_AREA = _number("area", 12, 140)

# These tell an entity from all others of its kind.
DESCRIBING: Mapping[str, tuple[FactStep, ...]] = {
    "river": (_made("source", lambda maker: maker.language.names.coin("mountain", maker.draw)),),
    "town": (_link("river", "river"), _word("fame")),
    "person": (_link("home", "town"), _word("job"), _word("hobby")),
    "company": (_link("seat", "town"), _word("goods")),
    "novel": (_made("topic", lambda maker: maker.words("topic", "how", "who", "state", "thing")),),
    "film": (_made("topic", lambda maker: maker.words("topic", "how", "who", "state", "thing")),),
    "bridge": (_link("town", "town"), _word("material")),
    "painting": (_made("scene", lambda maker: maker.words("scene", "count", "scene", "where")),),
}
_OTHERS: Mapping[str, tuple[FactStep, ...]] = {
    "river": (
        _year("flood_year", 1700),
        _year("fish_year", 1800),
        _number("length", 40, 999),
        _number("depth", 10, 80),
        _number("bridges", 11, 90),
        _number("ice", 10, 99),
    ),
    "town": (
        _year("founded", 1100, 1790),
        _year("old_year", 1800, 1960),
        _year("fire_year", 1800),
        _AREA,
        FactStep("population", "number", _population),
        _number("old_population", 300, 60000),
        _number("height", 10, 1900),
        _number("pupils", 50, 990),
        _link("mayor", "person"),
    ),
    "person": (
        _made("gender", lambda maker: maker.draw.pick(("f", "m"))),
        FactStep("born", "year", lambda maker, name, facts: str(maker.born[name])),
        _year("prize_year", "name"),
        _year("move_year", "name"),
        _number("height", 145, 199),
        _number("books", 30, 4000),
        _link("birthplace", "town"),
        _link("teacher", "person"),
    ),
    "company": (
        _link("founder", "person"),
        _year("founded", "founder", 2005),
        _year("move_year", "founded"),
        _number("employees", 24, 9000),
        _number("shops", 10, 400),
        _number("truck_count", 10, 200),
        FactStep("offices", "list", _offices),
    ),
    "novel": (
        _link("author", "person"),
        _year("year", "author", 2012),
        _year("second_year", "year"),
        _number("pages", 90, 999),
        _number("chapters", 10, 70),
        _number("copies", 800, 99000),
    ),
    "film": (
        _link("director", "person"),
        _year("year", "director", 2012),
        _year("second_year", "year"),
        _number("minutes", 61, 240),
        _number("extras", 10, 900),
        _link("place", "town"),
    ),
    "bridge": (
        _link("designer", "person"),
        _link("river", "river"),
        _year("opened_year", 1925, 1999),
        _year("repair_year", "opened_year"),
        FactStep("opened", "date", _opened),
        _number("length", 30, 2900),
        _number("width", 10, 40),
        _number("load", 10, 400),
    ),
    "painting": (
        _link("painter", "person"),
        _year("year", "painter", 2012),
        _year("clean_year", "year"),
        _number("width", 20, 700),
        _number("height", 20, 500),
        _number("price", 200, 90000),
        _link("place", "town"),
    ),
}


def sorts_of(kind: str) -> dict[str, str]:
    """The facts of entities of that kind, and the sort of each."""
    return {step.key: step.sort for step in (*DESCRIBING[kind], *_OTHERS[kind])}
