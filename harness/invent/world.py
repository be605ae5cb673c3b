"""Entities and their facts: an invented world before anybody writes about it.

Facts are text under the keys that the language's sentence patterns use; a fact whose value
is another entity's name is a relation. Knows nothing of articles and questions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.invent.draw import NUMBER, Draw, may_use
from harness.invent.wording import Language

# How many entities of each kind there are for each task, and at the least.
SHARES = {
    "river": (0.08, 6), "town": (0.22, 12), "person": (0.32, 16), "company": (0.18, 8),
    "novel": (0.10, 6), "film": (0.10, 6), "bridge": (0.10, 6), "painting": (0.10, 6),
}  # fmt: skip
LAST_YEAR = 2019


@dataclass(frozen=True)
class Entity:
    """One thing in the world. ``mention`` is its name in running text, ``described`` a noun
    phrase that picks it out without its name."""

    kind: str
    name: str
    mention: str
    described: str
    facts: Mapping[str, str]


Facts = dict[str, str]


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
            self.names[kind] = [self._name(kind) for _ in range(count)]
        for name in self.names["person"]:
            self.born[name] = int(self.draw.number(1900, 1979))
        return [self._entity(kind, name) for kind in counts for name in self.names[kind]]

    def _name(self, kind: str) -> str:
        return self.language.names.of[kind](self.draw, self.language.words)

    def _entity(self, kind: str, name: str) -> Entity:
        form = self.language.kinds[kind]
        facts: Facts = {}

        def describe() -> str:
            FACTS[kind](self, name, facts)
            return form.described.format_map(facts)

        described = self.draw.once(describe)
        NUMBERS[kind](self, name, facts)
        return Entity(kind, name, form.mention.format(name=name), described, facts)

    def alike(self, entity: Entity) -> Entity:
        """Another entity of the same kind, whose name is easily taken for that one's."""
        words = entity.name.replace("・", " ").split()
        patterns = self.language.names.alike[entity.kind]

        def name() -> str:
            return self.draw.pick(patterns).format(
                name=entity.name, first=words[0], last=words[-1],
                new=self.language.names.word(self.draw), firm=self.word("firm"),
            )  # fmt: skip

        while (chosen := self.draw.phrase(name)) in self.names[entity.kind]:
            pass
        if entity.kind == "person":
            self.born[chosen] = int(self.draw.number(1900, 1979))
        return self._entity(entity.kind, chosen)

    def word(self, key: str) -> str:
        return self.draw.pick(self.language.words[key])

    def form(self, key: str, **parts: str) -> str:
        """A value made of several parts, as the language joins them."""
        return self.language.forms[key].format(**parts)

    def other(self, kind: str, *apart: str) -> str:
        """The name of an entity of that kind, none of ``apart``."""
        while (name := self.draw.pick(self.names[kind])) in apart:
            pass
        return name

    def number(self, facts: Facts, key: str, low: int, high: int) -> None:
        """Draw the fact ``key`` so that no other number of the entity can be taken for it."""
        facts[key] = self.draw.number(low, high, _numbers(facts))

    def person(self, facts: Facts, key: str, *apart: str) -> int:
        """Choose a person for the fact ``key``; the first year in which they could do it."""
        facts[key] = self.other("person", *apart)
        return self.born[facts[key]] + 18


def _numbers(facts: Facts) -> list[str]:
    return [number for value in facts.values() for number in NUMBER.findall(value)]


# --- what tells an entity from all others of its kind --------------------------------------


def _describe_work(maker: Maker, name: str, facts: Facts) -> None:
    facts["topic"] = maker.form(
        "topic", how=maker.word("how"), who=maker.word("who"),
        state=maker.word("state"), thing=maker.word("thing"),
    )  # fmt: skip


def _describe_painting(maker: Maker, name: str, facts: Facts) -> None:
    facts["scene"] = maker.form(
        "scene", count=maker.word("count"), scene=maker.word("scene"), where=maker.word("where")
    )


def _describe_river(maker: Maker, name: str, facts: Facts) -> None:
    facts["source"] = maker.language.names.mountain(maker.draw)


def _describe_town(maker: Maker, name: str, facts: Facts) -> None:
    facts.update(river=maker.other("river"), fame=maker.word("fame"))


def _describe_person(maker: Maker, name: str, facts: Facts) -> None:
    facts.update(home=maker.other("town"), job=maker.word("job"), hobby=maker.word("hobby"))


def _describe_company(maker: Maker, name: str, facts: Facts) -> None:
    facts.update(seat=maker.other("town"), goods=maker.word("goods"))


def _describe_bridge(maker: Maker, name: str, facts: Facts) -> None:
    facts.update(town=maker.other("town"), material=maker.word("material"))


FACTS: Mapping[str, Callable[[Maker, str, Facts], None]] = {
    "river": _describe_river,
    "town": _describe_town,
    "person": _describe_person,
    "company": _describe_company,
    "novel": _describe_work,
    "film": _describe_work,
    "bridge": _describe_bridge,
    "painting": _describe_painting,
}


# --- everything else ----------------------------------------------------------------------


def _river(maker: Maker, name: str, facts: Facts) -> None:
    maker.number(facts, "flood_year", 1700, LAST_YEAR)
    maker.number(facts, "fish_year", 1800, LAST_YEAR)
    maker.number(facts, "length", 40, 999)
    maker.number(facts, "depth", 10, 80)
    maker.number(facts, "bridges", 11, 90)
    maker.number(facts, "ice", 10, 99)


def _town_facts(maker: Maker, name: str, facts: Facts) -> None:
    maker.number(facts, "founded", 1100, 1790)
    maker.number(facts, "old_year", 1800, 1960)
    maker.number(facts, "fire_year", 1800, LAST_YEAR)
    population = ""
    while not (population and may_use(population, maker.draw.split)):
        maker.number(facts, "area", 12, 140)
        density = int(maker.draw.number(21, 980))
        population = str(density * int(facts["area"]))
    facts["population"] = population
    maker.number(facts, "old_population", 300, 60000)
    maker.number(facts, "height", 10, 1900)
    maker.number(facts, "pupils", 50, 990)
    maker.person(facts, "mayor")


def _person_facts(maker: Maker, name: str, facts: Facts) -> None:
    facts["gender"] = maker.draw.pick(("f", "m"))
    facts["born"] = str(maker.born[name])
    first = maker.born[name] + 18
    maker.number(facts, "prize_year", first, LAST_YEAR)
    maker.number(facts, "move_year", first, LAST_YEAR)
    maker.number(facts, "height", 145, 199)
    maker.number(facts, "books", 30, 4000)
    facts["birthplace"] = maker.other("town", facts["home"])
    maker.person(facts, "teacher", name)


def _company(maker: Maker, name: str, facts: Facts) -> None:
    first = maker.person(facts, "founder")
    maker.number(facts, "founded", first, 2005)
    maker.number(facts, "move_year", int(facts["founded"]), LAST_YEAR)
    maker.number(facts, "employees", 24, 9000)
    maker.number(facts, "shops", 10, 400)
    maker.number(facts, "truck_count", 10, 200)
    one, two, three = maker.draw.sample(maker.names["town"], 3)
    facts["offices"] = maker.form("offices", one=one, two=two, three=three)


def _novel_facts(maker: Maker, name: str, facts: Facts) -> None:
    first = maker.person(facts, "author")
    maker.number(facts, "year", first, 2012)
    maker.number(facts, "second_year", int(facts["year"]), LAST_YEAR)
    maker.number(facts, "pages", 90, 999)
    maker.number(facts, "chapters", 10, 70)
    maker.number(facts, "copies", 800, 99000)


def _film_facts(maker: Maker, name: str, facts: Facts) -> None:
    first = maker.person(facts, "director")
    maker.number(facts, "year", first, 2012)
    maker.number(facts, "second_year", int(facts["year"]), LAST_YEAR)
    maker.number(facts, "minutes", 61, 240)
    maker.number(facts, "extras", 10, 900)
    facts["place"] = maker.other("town")


def _bridge(maker: Maker, name: str, facts: Facts) -> None:
    maker.person(facts, "designer")
    facts["river"] = maker.other("river")
    year = maker.draw.number(1925, 1999)
    facts["repair_year"] = maker.draw.number(int(year), LAST_YEAR, (year,))
    day = maker.draw.number(1, 28, (year, facts["repair_year"]))
    facts["opened"] = maker.form("date", day=day, month=maker.word("month"), year=year)
    maker.number(facts, "length", 30, 2900)
    maker.number(facts, "width", 10, 40)
    maker.number(facts, "load", 10, 400)


def _painting_facts(maker: Maker, name: str, facts: Facts) -> None:
    first = maker.person(facts, "painter")
    maker.number(facts, "year", first, 2012)
    maker.number(facts, "clean_year", int(facts["year"]), LAST_YEAR)
    maker.number(facts, "width", 20, 700)
    maker.number(facts, "height", 20, 500)
    maker.number(facts, "price", 200, 90000)
    facts["place"] = maker.other("town")


NUMBERS: Mapping[str, Callable[[Maker, str, Facts], None]] = {
    "river": _river,
    "town": _town_facts,
    "person": _person_facts,
    "company": _company,
    "novel": _novel_facts,
    "film": _film_facts,
    "bridge": _bridge,
    "painting": _painting_facts,
}
