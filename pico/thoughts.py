"""What a pico model should think before each move, made from a task's plan.

A thought restates what the last observation brought and says what is needed next, so that
an action only has to copy from the text right before it. Knows no tools and no tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from harness.suites.invent import Hop, Plan
from harness.types import Task

KIND = re.compile(r"the (?:\w+ )?(town|company|novel|film|bridge|painting|river)\b")
VERBS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}


def hops(task: Task, plan: Plan) -> tuple[Hop, ...]:
    """What a pico model does: the plan, and a division where two numbers are compared, since
    it is easier to see on which side of 1 a quotient lies."""
    if task.category != "comparison":
        return plan.hops
    first, second = (hop.finds for hop in plan.hops)
    return (*plan.hops, Hop("calculate", f"{first} / {second}", "", ""))


def before_hops(task: Task, plan: Plan) -> Iterator[str]:
    """The thought before each of ``hops``, in order."""
    known = f"I want the {_size(task, plan)} number. " if task.category == "comparison" else ""
    path = hops(task, plan)
    for index, hop in enumerate(path):
        yield known + _intent(hop, first=index == 0, more=index + 1 < len(path))
        known = f"{_found(hop)}. " if hop.tool != "calculate" else ""


def _intent(hop: Hop, first: bool, more: bool) -> str:
    if hop.tool == "search":
        kind = KIND.match(hop.looks_for)
        which = f"which {kind[1]} that is" if kind else "who that is"
        return f"I do not know {which}, so I search for it."
    if hop.tool == "calculate":
        if first:
            return "This is arithmetic, so I calculate it."
        return f"Now I {_verb(hop.input)}."
    if first and not more:
        return f"I need {hop.looks_for}."
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
    if task.category == "comparison":
        return _compared(task, plan)
    if task.answer.type == "abstain":
        there = last.looks_for in plan.because  # there is an article, but it does not say
        return _capital(f"{last.looks_for} is not given." if there else f"{plan.because}.")
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


def _size(task: Task, plan: Plan) -> str:
    first, second = (int(hop.finds) for hop in plan.hops)
    answer_is_first = task.answer.accepted[0] == plan.hops[0].input
    return "larger" if (first > second) == answer_is_first else "smaller"


def _compared(task: Task, plan: Plan) -> str:
    first, second = plan.hops
    above = int(first.finds) > int(second.finds)
    more, less = (first, second) if above else (second, first)
    return (
        f"The result is {'above' if above else 'below'} 1, so {more.input} has the larger number "
        f"and {less.input} has the smaller number. I want the {_size(task, plan)} number."
    )


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
