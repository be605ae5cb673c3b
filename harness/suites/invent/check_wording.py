"""Checks the sentences of a language: each may name only what will be filled in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from harness.common.hints import hint
from harness.suites.invent.names import LATIN, LIST_FOR, Names, Rule, Variant, placeholders
from harness.suites.invent.pages import SPELLINGS
from harness.suites.invent.wording import PRONOUNS, Fact, KindWording, Language, Puzzle, Sum
from harness.suites.invent.world import DESCRIBING, SHARES, sorts_of
from harness.tools.calculate import evaluate

# What each sentence is filled with; all of it must be in it.
_PLANS = {
    "rounding": ("question",),
    "states": ("phrase", "value"),
    "absent_fact": ("phrase",),
    "absent_page": ("name",),
    "compares": ("x", "than", "y"),
    "difference": ("x", "y"),
    "total": ("x", "y"),
    "ratio": ("x", "y"),
}
_FORMS = {
    "topic": ("how", "who", "state", "thing"),
    "scene": ("count", "scene", "where"),
    "offices": ("one", "two", "three"),
    "date": ("day", "month", "year"),
}
_LISTS = {"fame", "job", "hobby", "goods", "material", "month", "firm", "title_thing"}
_LISTS.update(_FORMS["topic"], _FORMS["scene"])
_ARITHMETIC = re.compile(r"(?:[-+()\d ]|(?<!\*)\*(?!\*)|(?<!/)/(?!/))+")
_COMPARING = ("more", "less", "gap", "total", "times")


class WrongWording(Exception):
    """What is wrong in a language's file, beginning with the table and the key."""


def no_such(what: str, name: str, known: Iterable[str], where: str) -> WrongWording:
    """The error for a name that is not among ``known``, with the nearest that is."""
    return WrongWording(f"{where}: no {what} {name!r}; {hint(name, sorted(known), most=1)}")


def check_wording(language: Language) -> None:
    """Raises WrongWording for the first sentence that cannot be filled in."""
    for key, needed in _PLANS.items():
        _sentence(key, getattr(language, key), needed, needed)
    _all_there(language.forms, _FORMS, "forms", "form")
    for key, needed in _FORMS.items():
        _sentence(f"forms.{key}", language.forms[key], needed, needed)
    _among(language.thousands, SPELLINGS, "thousands", "spelling")
    _among(language.pronouns, ("f", "m"), "pronouns", "gender")
    for gender, words in language.pronouns.items():
        _among(words, PRONOUNS, f"pronouns.{gender}", "pronoun")
    for kind, wording in language.kinds.items():
        _kind(kind, wording, language.pronouns)
    for number, sum_ in enumerate(language.sums, 1):
        _sum(sum_, f"sums[{number}]", language.kinds)
    for number, puzzle in enumerate(language.puzzles, 1):
        _puzzle(puzzle, f"puzzles[{number}]")
    _names(language.names)


# --- what sentences may name ------------------------------------------------------------------


def _sentence(where: str, text: str, allowed: Iterable[str], needed: Iterable[str] = ()) -> None:
    """Raises WrongWording for an empty text, a placeholder that is not allowed or one missing."""
    if not text.strip():
        raise WrongWording(f"{where}: a text is empty")
    try:
        found = placeholders(text)
    except ValueError as error:
        raise WrongWording(f"{where}: {text!r}: {error}") from None
    for name in sorted(found - set(allowed)):
        known = [f"{{{other}}}" for other in allowed]
        raise no_such("placeholder", f"{{{name}}}", known, f"{where}: {text!r}")
    for name in needed:
        if name not in found:
            raise WrongWording(f"{where}: {text!r}: the placeholder {{{name}}} is missing")


def _among(names: Iterable[str], known: Iterable[str], where: str, what: str) -> None:
    known = tuple(known)
    for name in names:
        if name not in known:
            raise no_such(what, name, known, where)


def _all_there(names: Iterable[str], needed: Iterable[str], where: str, what: str) -> None:
    missing = sorted(set(needed) - set(names))
    if missing:
        raise WrongWording(f"[{where}]: the {what} {missing[0]!r} is missing")


# --- tables -----------------------------------------------------------------------------------


def _kind(kind: str, wording: KindWording, pronouns: Mapping[str, Mapping[str, str]]) -> None:
    where, sorts = f"kinds.{kind}", sorts_of(kind)
    known = set(pronouns.get("f", ())) & set(pronouns.get("m", ()))
    name = {"name"} | (known if "gender" in sorts else set())
    facts = name | (set(sorts) - {"gender"})
    describing = {step.key for step in DESCRIBING[kind]}
    if not wording.facts:
        raise WrongWording(f"[{where}.facts]: expected at least one fact")
    _sentence(f"{where}.mention", wording.mention, {"name"}, {"name"})
    _sentence(f"{where}.described", wording.described, describing, describing)
    for text in wording.leads:
        _sentence(f"{where}.leads", text, facts, {"name", *describing})
    for text in wording.subjects:
        _sentence(f"{where}.subjects", text, name)
    for text in wording.says:
        _sentence(f"{where}.says", text, facts | {"It"})
    for key, fact in wording.facts.items():
        _fact(fact, f"{where}.facts.{key}")


def _fact(fact: Fact, where: str) -> None:
    for text in (fact.phrase, *fact.asks):
        _sentence(where, text, {"name"}, {"name"})
    for key in _COMPARING:
        if getattr(fact, key) and fact.sort not in ("number", "year"):
            raise WrongWording(f"{where}.{key}: only numbers and years are compared")
        for text in getattr(fact, key):
            _sentence(f"{where}.{key}", text, {"a", "b"}, {"a", "b"})
    if bool(fact.more) != bool(fact.less):
        raise WrongWording(f"[{where}]: expected both 'more' and 'less', or neither")
    if fact.unit and fact.sort != "number":
        raise WrongWording(f"{where}.unit: only a number has a unit")


def _sum(sum_: Sum, where: str, kinds: Mapping[str, KindWording]) -> None:
    _among([sum_.kind], SHARES, f"{where}.kind", "kind")
    _expression(sum_.expr, f"{where}.expr")
    drawn = placeholders(sum_.expr) & {"n"}
    for path in sorted(placeholders(sum_.expr) - drawn):
        kind = sum_.kind
        for key in path.split("."):
            asked = kinds[kind].facts if kind in kinds else {}
            _among([key], asked, f"{where}.expr", "fact to ask for")
            kind = sorts_of(kind)[key]
        if kind not in ("number", "year"):
            raise WrongWording(f"{where}.expr: {{{path}}} is neither a number nor a year")
    for text in (sum_.phrase, *sum_.asks):
        _sentence(where, text, {"name", *drawn}, {"name", *drawn})


def _puzzle(puzzle: Puzzle, where: str) -> None:
    operands = "abc"[: len(puzzle.ranges)]
    for text in (puzzle.expr, *puzzle.asks):
        _sentence(where, text, operands, operands)
    _expression(puzzle.expr, f"{where}.expr")
    for low, high in puzzle.ranges:
        if not 0 <= low <= high:
            raise WrongWording(f"{where}.ranges: expected [least, greatest], found [{low}, {high}]")


def _expression(expr: str, where: str) -> None:
    example = re.sub(r"{.*?}", "7", expr)
    try:
        if not _ARITHMETIC.fullmatch(example):
            raise ValueError(example)
        evaluate(example)
    except ValueError:
        raise WrongWording(
            f"{where}: {expr!r}: expected arithmetic with + - * / and brackets"
        ) from None


# --- names ------------------------------------------------------------------------------------


def _names(names: Names) -> None:
    needed = {*SHARES, "mountain", "new"}
    _all_there(names.rules, needed, "names.rules", "rule")
    _among(names.whole, names.rules, "names.whole", "rule")
    _all_there(names.alike, SHARES, "names.alike", "kind")
    _among(names.alike, SHARES, "names.alike", "kind")
    for kind, patterns in names.alike.items():
        for text in patterns:
            _sentence(f"names.alike.{kind}", text, ("name", "first", "last", "new", "firm"))
    above: set[str] = set()
    used: set[str] = set()
    for key, rule in names.rules.items():
        used |= _rule(key, rule, {*names.words, *LATIN, *above})
        above.add(key)
    used -= above
    lists = _LISTS | {LIST_FOR[part] for part in used & set(LIST_FOR)}
    _all_there(names.words, lists, "words", "list")
    _among(names.words, lists | used, "words", "use for the list")
    for key, words in names.words.items():
        for word in filter(None, words):
            _sentence(f"words.{key}", word, ())


def _rule(key: str, rule: Rule, known: set[str]) -> set[str]:
    """The parts that a rule uses; it can use only rules above it, so that none goes round."""
    where = f"names.rules.{key}"
    if isinstance(rule, Variant):
        patterns: tuple[str, ...] = (rule.then, rule.otherwise)
        if rule.first:
            _sentence(where, rule.first, known)
        return _rule(key, patterns, known | {"first"}) | placeholders(rule.first)
    used: set[str] = set()
    for text in (rule,) if isinstance(rule, str) else rule:
        _sentence(where, text, {*known, "one", "two"} if "{one}" in text else known)
        used |= placeholders(text)
    return used
