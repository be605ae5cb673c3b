"""What a pico model should think before each move, made from a task's plan.

A thought restates what the last observation brought and says what is needed next, so that
an action only has to copy from the text right before it. Knows no tools and no tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from harness.invent import Hop, Plan
from harness.types import Task

KIND = re.compile(r"the (?:\w+ )?(town|company|novel|film|bridge|painting|river)\b")
VERBS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}


def before_hops(task: Task, plan: Plan, chance: Random) -> Iterator[str]:
    """The thought before each hop of the plan, in order."""
    known = ""
    for index, hop in enumerate(plan.hops):
        first, more = index == 0, index + 1 < len(plan.hops)
        wish = f"{_wanted(task, plan)} " if first and task.category == "comparison" else ""
        yield f"{wish}{known}{_intent(hop, first, more, chance)}"
        known = f"{_found(hop)}. " if hop.tool != "calculate" else ""


def _intent(hop: Hop, first: bool, more: bool, chance: Random) -> str:
    if hop.tool == "search":
        kind = KIND.match(hop.looks_for)
        which = f"which {kind[1]} that is" if kind else "who that is"
        return f"I do not know {which}, so I search for it."
    if hop.tool == "calculate":
        if first:
            return "This is arithmetic, so I calculate it."
        return f"Now I {_verb(hop.input)}."
    if first and not more:
        return chance.choice((f"I need {hop.looks_for}.", f"I look up {hop.input}."))
    return f"{'First' if first else 'Now'} I need {hop.looks_for}."


def _verb(expr: str) -> str:
    return next(VERBS[char] for char in expr if char in VERBS)


def _found(hop: Hop) -> str:
    """What the hop brought, as a sentence without its full stop."""
    pairs = [(hop.looks_for, hop.finds), *hop.also]
    if hop.tool == "search":
        return f"It is {hop.finds}"
    return _capital(" and ".join(f"{what} is {value}" for what, value in pairs))


def before_answer(task: Task, plan: Plan, observed: str) -> str:
    """The thought before the answer; ``observed`` is the last observation."""
    last = plan.hops[-1]
    if task.answer.type == "abstain":
        return _capital(f"{plan.because}.")
    if task.category == "comparison":
        return f"{_found(last)}. {_compare(task, plan)}"
    if last.tool == "calculate":
        return _result(observed, plan.answer)
    return f"{_found(last)}."


def _result(observed: str, answer: str) -> str:
    """The result, and how it is rounded when the answer is; 12.0 is 12."""
    whole, _, places = observed.partition(".")
    if "." not in answer or places in ("", "0"):
        return f"The result is {answer}."
    return f"The result is {whole}.{places[:2]}, which is about {answer}."


# --- comparing ------------------------------------------------------------------------------


def _wanted(task: Task, plan: Plan) -> str:
    return f"I want the {_size(task, plan)} number."


def _size(task: Task, plan: Plan) -> str:
    first, second = (int(hop.finds) for hop in plan.hops)
    answer_is_first = task.answer.accepted[0] == plan.hops[0].input
    return "larger" if (first > second) == answer_is_first else "smaller"


def _compare(task: Task, plan: Plan) -> str:
    x, y = (hop.finds for hop in plan.hops)
    size = _size(task, plan)
    value = (max if size == "larger" else min)(x, y, key=int)
    return f"{_digits(x, y)}, so {plan.because}. The {size} number is {value}."


def _digits(x: str, y: str) -> str:
    """Why one number is larger: its length, else the first digit in which they differ."""
    if len(x) != len(y):
        return f"{x} has {len(x)} digits and {y} has {len(y)} digits"
    steps = []
    for a, b in zip(x, y, strict=True):
        steps.append(f"{a} {'=' if a == b else '>' if a > b else '<'} {b}")
        if a != b:
            break
    return f"{x} and {y}: " + ", ".join(steps)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


# --- slips ----------------------------------------------------------------------------------


def misspelt(title: str, chance: Random) -> str:
    """The title with one letter lost, doubled or swapped with its neighbour."""
    places = [match.start() for match in re.finditer(r"(?<=[a-z])[a-z](?=[a-z])", title)]
    if not places:
        return title
    at = chance.choice(places)
    before, letter, after = title[:at], title[at], title[at + 1 :]
    return chance.choice(
        (before + after, before + letter + letter + after, before + after[0] + letter + after[1:])
    )


def miswritten(expr: str, chance: Random) -> tuple[str, str]:
    """An expression that calculate refuses, and the thought that follows the refusal."""
    if re.search(r"\d{4}", expr) and chance.random() < 0.5:
        commas = re.sub(r"\d{4,}", lambda number: f"{int(number[0]):,}", expr)
        return commas, "I write the numbers without commas."
    if "*" in expr:
        return expr.replace("*", chance.choice(("x", "×"))), "I write * to multiply."
    if "/" in expr:
        return expr.replace("/", "÷"), "I write / to divide."
    return f"{expr} =", "I leave out the sign =."
