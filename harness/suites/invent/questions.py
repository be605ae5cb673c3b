"""Asks about an invented world: tasks with their gold actions, answers and plans.

Each category is a method that proposes a draft, or None when these pages allow none. A draft
becomes a task if its question is new and its numbers belong to the side of the world. A search
phrase is used only when a single article holds all of its words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from harness.suites.invent.drafts import (
    Draft,
    Hop,
    Plan,
    gold_of,
    near_misses,
    one_decimal,
    target_of,
    whole_result,
    words_of,
)
from harness.suites.invent.draw import Draw, may_use
from harness.suites.invent.pages import Dials, EntityPage
from harness.suites.invent.wording import Fact, KindWording, Language, Sum
from harness.types import Target, Task

CATEGORIES = (
    "arithmetic",
    "lookup",
    "search",
    "two_hop",
    "lookup_calculate",
    "comparison",
    "unanswerable",
)
CHAINS = {2: "two_hop", 3: "three_hop", 4: "four_hop"}  # hops -> category
_HARDEST = 4
_ATTEMPTS = 2000


@dataclass
class Asker:
    """Asks questions about the pages of one world, spread evenly over them, but not about the
    pages ``beside`` them. No answer is right more than ``most`` times (0 = no limit)."""

    pages: tuple[EntityPage, ...]
    draw: Draw
    language: Language
    dials: Dials = Dials()
    beside: tuple[EntityPage, ...] = ()
    most: int = 0
    uses: Counter[str] = field(default_factory=Counter)
    asked: set[str] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    first_was_right: bool = False

    def __post_init__(self) -> None:
        self.by_name = {page.entity.name: page for page in self.pages}
        self.by_kind: dict[str, list[EntityPage]] = {}
        for page in self.pages:
            self.by_kind.setdefault(page.entity.kind, []).append(page)
        self.words = {
            page.entity.name: words_of(f"{page.entity.name} {page.text}")
            for page in (*self.pages, *self.beside)
        }
        self.makers: Mapping[str, Callable[[], Draft | None]] = {
            "arithmetic": self.arithmetic,
            "lookup": self.lookup,
            "search": self.search,
            **dict.fromkeys(CHAINS.values(), self.chain),
            "lookup_calculate": self.lookup_calculate,
            "comparison": self.comparison,
            "unanswerable": self.unanswerable,
        }

    def ask(self, category: str, id: str, provenance: str) -> tuple[Task, Plan]:
        """A new task of that category. Raises ValueError when the world has no more."""
        for _ in range(_ATTEMPTS):
            draft = self.makers[category]()
            if draft and draft.question not in self.asked and self._belongs(draft):
                return self._settle(draft, category, id, provenance), draft.plan
        raise ValueError(f"the world is too small for another {category} task")

    def _belongs(self, draft: Draft) -> bool:
        texts = (draft.question, *draft.target.accepted, *(gold.expr for gold in draft.golds))
        clear = not set(draft.target.accepted) & set(draft.target.rejected)
        answer = draft.target.accepted[0]
        if self.most and draft.target.type != "abstain" and self.answers[answer] >= self.most:
            return False
        return clear and all(may_use(text, self.draw.split) for text in texts)

    def _settle(self, draft: Draft, category: str, id: str, provenance: str) -> Task:
        self.asked.add(draft.question)
        self.answers[draft.target.accepted[0]] += 1
        self.uses.update(draft.evidence)
        if category == "comparison":
            self.first_was_right = draft.target.accepted[0] == draft.evidence[0]
        return Task(
            id=id,
            question=draft.question,
            answer=draft.target,
            category=category,
            language=self.language.code,
            difficulty=draft.difficulty,
            gold_actions=draft.golds,
            evidence=draft.evidence,
            cluster=draft.evidence[0] if draft.evidence else id,
            provenance=provenance,
        )

    # --- picking ----------------------------------------------------------------------

    def page(self, kind: str = "") -> EntityPage:
        """A page (of that kind), preferably one that was seldom asked about."""
        pool = self.by_kind[kind] if kind else self.by_kind[self.draw.pick(list(self.by_kind))]
        return min((self.draw.pick(pool) for _ in range(4)), key=lambda p: self.uses[p.entity.name])

    def kind(self, page: EntityPage) -> KindWording:
        return self.language.kinds[page.entity.kind]

    def facts(self, page: EntityPage, shown: bool = True) -> list[Fact]:
        """What can be asked and is (or is not) stated in the article."""
        facts = self.kind(page).facts.values()
        return [fact for fact in facts if (fact.key in page.shown) == shown]

    def _any(self, facts: Sequence[Fact]) -> Fact | None:
        return self.draw.pick(facts) if facts else None

    # --- categories -------------------------------------------------------------------

    def arithmetic(self) -> Draft | None:
        puzzle = self.draw.pick(self.language.puzzles)
        operands = {
            key: self.draw.number(*range_)
            for key, range_ in zip("abc", puzzle.ranges, strict=False)
        }
        expr = puzzle.expr.format_map(operands)
        value = whole_result(expr)
        if value is None or value < 0:
            return None
        question = self.draw.pick(puzzle.asks).format_map(operands)
        step = Hop("calculate", expr, expr, str(value))
        target = Target("number", (str(value),), (str(value + 10), str(value - 1)))
        return self._draft(question, target, (step,), "", puzzle.difficulty)

    def lookup(self) -> Draft | None:
        page = self.page()
        fact = self._any(self.facts(page))
        if not fact:
            return None
        question = self._question(fact, page.entity.mention)
        return self._asked(question, page, fact, (), 1)

    def search(self) -> Draft | None:
        page = self.page()
        facts = [fact for fact in self.facts(page) if fact.key not in page.lead]
        query = page.entity.described.removeprefix("the ")
        if not facts or not self._only(query, page):
            return None
        fact = self.draw.pick(facts)
        question = self._question(fact, page.entity.described)
        hop = Hop("search", query, page.entity.described, page.entity.name)
        return self._asked(question, page, fact, ((hop, page),), 2)

    def chain(self) -> Draft | None:
        """A question that leads from page to page, as many as the dial says."""
        page = self.page()
        phrase = page.entity.mention
        before: list[tuple[Hop, EntityPage]] = []
        for _ in range(self.dials.hops - 1):
            linked = self._link(page)
            if not linked:
                return None
            link, following = linked
            phrase = link.phrase.format(name=phrase)
            before.append((self._look(page, link), page))
            page = following
        fact = self._any(self.facts(page))
        if not fact:
            return None
        seen = {visited.entity.name for _, visited in before}
        if page.entity.facts[fact.key] in seen or len(seen | {page.entity.name}) <= len(before):
            return None
        level = min(len(before) + 2, _HARDEST)
        return self._asked(self._question(fact, phrase), page, fact, tuple(before), level)

    def lookup_calculate(self) -> Draft | None:
        if self.draw.chance(0.5):
            return self._computed(self.draw.pick(self.language.sums))
        return self._pair_computed()

    def comparison(self) -> Draft | None:
        pair = self._pair(lambda fact: fact.more + fact.less)
        if not pair:
            return None
        fact, a, b = pair
        x, y = a.entity.facts[fact.key], b.entity.facts[fact.key]
        more = self.draw.chance(0.5)
        right, wrong = (a, b) if (int(x) > int(y)) == more else (b, a)
        if (right is a) == self.first_was_right:
            return None
        asks = fact.more if more else fact.less
        question = self.draw.pick(asks).format(a=a.entity.mention, b=b.entity.mention)
        than = self.language.times if fact.sort == "year" else self.language.sizes
        because = self.language.compares.format(x=x, than=than[int(x) < int(y)], y=y)
        target = Target("string", (right.entity.name,), (wrong.entity.name,))
        hops = (self._look(a, fact), self._look(b, fact))
        return self._draft(question, target, hops, because, 2, (a, b))

    def unanswerable(self) -> Draft | None:
        chance = self.draw.below(5)
        if chance == 0:
            return self._no_page()
        if chance == 1:
            return self._no_second_fact()
        page = self.page()
        fact = self._any(self.facts(page, shown=False))
        if not fact:
            return None
        return self._asked(self._question(fact, page.entity.mention), page, fact, (), 2)

    # --- parts of them ----------------------------------------------------------------

    def _question(self, fact: Fact, phrase: str) -> str:
        question = self.draw.pick(fact.asks).format(name=phrase)
        return question[0].upper() + question[1:]

    def _phrase(self, fact: Fact, page: EntityPage) -> str:
        return fact.phrase.format(name=page.entity.mention)

    def _look(self, page: EntityPage, fact: Fact) -> Hop:
        """A look-up of the fact; it finds nothing when the article does not state it."""
        found = page.says(fact.key) if fact.key in page.shown else ""
        return Hop("wikipedia", page.entity.name, self._phrase(fact, page), found)

    def _asked(
        self,
        question: str,
        page: EntityPage,
        fact: Fact,
        before: tuple[tuple[Hop, EntityPage], ...],
        level: int,
    ) -> Draft:
        """A draft whose last hop looks ``fact`` up; it has no answer if the page is silent."""
        look = self._look(page, fact)
        if look.finds:
            target = target_of(fact, page)
            because = self.language.states.format(phrase=look.looks_for, value=look.finds)
        else:
            target = Target("abstain", (self.language.unknown,), near_misses(fact, page))
            because = self.language.absent_fact.format(phrase=look.looks_for)
        hops = (*(hop for hop, _ in before), look)
        pages = (*(visited for _, visited in before), page)
        return self._draft(question, target, hops, because, level, pages)

    def _draft(
        self,
        question: str,
        target: Target,
        hops: tuple[Hop, ...],
        because: str,
        level: int,
        pages: tuple[EntityPage, ...] = (),
    ) -> Draft:
        """A draft; without ``because``, what the last hop looks for is the answer."""
        phrase, answer = hops[-1].looks_for, target.accepted[0]
        plan = Plan(
            hops, because or self.language.states.format(phrase=phrase, value=answer), answer
        )
        evidence = tuple(dict.fromkeys(page.entity.name for page in pages))
        return Draft(question, target, plan, level, tuple(map(gold_of, hops)), evidence)

    def _only(self, query: str, page: EntityPage) -> bool:
        """True when no other article holds every word of the query."""
        words = words_of(query)
        return all(
            name == page.entity.name or not words <= text for name, text in self.words.items()
        )

    def _link(self, start: EntityPage) -> tuple[Fact, EntityPage] | None:
        """A fact in that page that names another page, and that page."""
        link = self._any([fact for fact in self.facts(start) if fact.sort in self.by_kind])
        return (link, self.by_name[start.entity.facts[link.key]]) if link else None

    def _pair(
        self, wanted: Callable[[Fact], tuple[str, ...]]
    ) -> tuple[Fact, EntityPage, EntityPage] | None:
        """A fact with wordings of the wanted sort, and two pages of one kind that state it."""
        a = self.page()
        b = self.page(a.entity.kind)
        facts = [fact for fact in self.facts(a) if wanted(fact) and fact.key in b.shown]
        if a is b or not facts:
            return None
        fact = self.draw.pick(facts)
        return (fact, a, b) if a.entity.facts[fact.key] != b.entity.facts[fact.key] else None

    def _pair_computed(self) -> Draft | None:
        """The difference, sum or ratio of one fact of two pages."""
        sort = self.draw.pick(("gap", "total", "times"))
        pair = self._pair(lambda fact: getattr(fact, sort))
        if not pair:
            return None
        fact, a, b = pair
        x, y = int(a.entity.facts[fact.key]), int(b.entity.facts[fact.key])
        if sort != "total" and x < y:
            a, b, x, y = b, a, y, x
        names = {"a": a.entity.mention, "b": b.entity.mention}
        question = self.draw.pick(getattr(fact, sort)).format_map(names)
        hops = (self._look(a, fact), self._look(b, fact))
        sign, words, value = {
            "gap": ("-", self.language.difference, Fraction(x - y)),
            "total": ("+", self.language.total, Fraction(x + y)),
            "times": ("/", self.language.ratio, Fraction(x, y)),
        }[sort]
        found = str(value)
        target = Target("number", (found,), (str(x), str(y)), unit=fact.unit)
        if sort == "times":
            if value.denominator == 1 or not Fraction(3, 2) < value < 100:
                return None
            question = self.language.rounding.format(question=question)
            target = replace(target, accepted=(one_decimal(value),), unit="", abs_tol="0.05")
            found = f"{int(value * 10) / 10}"  # what the tool prints begins like this
        phrase = words.format(x=hops[0].looks_for, y=hops[1].looks_for)
        last = Hop("calculate", f"{x} {sign} {y}", phrase, found)
        return self._draft(question, target, (*hops, last), "", 4, (a, b))

    def _computed(self, sum: Sum) -> Draft | None:
        """A sum over facts of one page, or of a page and one that it links to."""
        start = self.page(sum.kind)
        extra = {"n": self.draw.number(12, 99), "name": start.entity.mention}
        expr = sum.expr
        found: dict[str, list[tuple[str, str]]] = {}
        plain: list[str] = []
        for part in re.findall(r"{(.*?)}", sum.expr):
            steps = [] if part == "n" else self._path(start, part)
            if steps is None:
                return None
            for page, fact in steps:
                pair = (self._phrase(fact, page), page.says(fact.key))
                found.setdefault(page.entity.name, []).append(pair)
                plain.append(page.entity.facts[fact.key])
            value = steps[-1][0].entity.facts[steps[-1][1].key] if steps else extra[part]
            expr = expr.replace("{" + part + "}", value)
        hops = [
            Hop("wikipedia", name, *pairs[0], also=tuple(pairs[1:]))
            for name, pairs in found.items()
        ]
        result = whole_result(expr)
        if result is None:
            return None
        value = str(result)
        hops.append(Hop("calculate", expr, sum.phrase.format_map(extra), value))
        near = tuple(filter(str.isdigit, plain))
        question = self.draw.pick(sum.asks).format_map(extra)
        target = Target("number", (value,), near[:3], unit=sum.unit)
        pages = tuple(self.by_name[name] for name in found)
        return self._draft(question, target, tuple(hops), "", 2 * len(pages), pages)

    def _path(self, start: EntityPage, part: str) -> list[tuple[EntityPage, Fact]] | None:
        """The facts on the way to ``part`` ("pages" or "author.born"), if all are stated."""
        steps: list[tuple[EntityPage, Fact]] = []
        page = start
        for key in part.split("."):
            if key not in page.shown:
                return None
            steps.append((page, self.kind(page).facts[key]))
            page = self.by_name.get(page.entity.facts[key], page)
        return steps

    def _no_page(self) -> Draft:
        """A question about something that no article is about."""
        kind = self.page().entity.kind
        wording = self.language.kinds[kind]
        fact = self.draw.pick(tuple(wording.facts.values()))
        name = self.language.names.coin(kind, self.draw)
        mention = wording.mention.format(name=name)
        hop = Hop("wikipedia", name, fact.phrase.format(name=mention))
        because = self.language.absent_page.format(name=mention)
        target = Target("abstain", (self.language.unknown,))
        return self._draft(self._question(fact, mention), target, (hop,), because, 1)

    def _no_second_fact(self) -> Draft | None:
        """A question about a page that another one names, and that is silent about it."""
        start = self.page()
        linked = self._link(start)
        if not linked or linked[1] is start:
            return None
        link, page = linked
        fact = self._any(self.facts(page, shown=False))
        if not fact:
            return None
        question = self._question(fact, link.phrase.format(name=start.entity.mention))
        return self._asked(question, page, fact, ((self._look(start, link), start),), 3)
