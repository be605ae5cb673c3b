"""A suite tests itself, without a model: the gold actions through the real tools, and the
answers through the real matcher. Knows nothing of engines, prompts or runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from harness.scoring.answers import match
from harness.tools import Toolbox
from harness.types import GoldAction, Suite, Task

CONSTANTS = ("yes", "no", "0", "1", "はい", "いいえ")
MOST_FOR_A_CONSTANT = 0.03  # share of the tasks that one answer may be right for


@dataclass(frozen=True)
class Problem:
    """What is wrong with one task, or ("" as task) with the suite as a whole."""

    task: str
    text: str


def check(suite: Suite, toolbox: Toolbox) -> list[Problem]:
    """Everything that keeps a suite from being fair; empty when it is fine."""
    problems = []
    for task in suite.tasks:
        problems += [Problem(task.id, text) for text in (*_gold(task, toolbox), *_answers(task))]
        problems += [Problem(task.id, text) for text in _others(task, suite.tasks)]
    return problems + [Problem("", text) for text in _constants(suite)]


def _gold(task: Task, toolbox: Toolbox) -> Iterator[str]:
    """Replay each gold action, in each of its spellings."""
    for number, gold in enumerate(task.gold_actions, 1):
        if gold.tool not in toolbox.names:
            yield f"gold action {number}: no tool {gold.tool!r}; there are {', '.join(toolbox.names)}"
            continue
        for input in (gold.expr,) if gold.expr else gold.input_any:
            yield from _replay(number, gold, input, toolbox)


def _replay(number: int, gold: GoldAction, input: str, toolbox: Toolbox) -> Iterator[str]:
    observation = toolbox.call(gold.tool, input)
    where = f"gold action {number}: {gold.tool}: {input}"
    if gold.observation_contains not in observation.text:
        yield f"{where} should show {gold.observation_contains!r}, and shows {observation.text[:120]!r}"
    elif observation.outcome not in ("ok", "not_found"):
        yield f"{where} ends in {observation.outcome}: {observation.text[:120]!r}"


def _answers(task: Task) -> Iterator[str]:
    for text in task.answer.accepted:
        if not match(task.answer, text, task.language).strict:
            yield f"the accepted answer {text!r} does not score right"
    wrong = [*task.answer.rejected, "", task.question]
    if task.answer.type != "abstain":
        wrong.append("I don't know")
    for text in wrong:
        verdict = match(task.answer, text, task.language)
        if verdict.strict or verdict.lenient:
            yield f"the wrong answer {text[:60]!r} scores right ({verdict.rule})"


def _others(task: Task, tasks: tuple[Task, ...]) -> Iterator[str]:
    """The answers to other tasks must be wrong here, unless they say the same thing."""
    same = {other.answer.accepted[:1] for other in tasks if _agree(task, other)}
    for other in tasks:
        answer = other.answer.accepted[:1] if other.answer.type != "abstain" else ("unknown",)
        if answer in same or not answer or (task.answer.type == other.answer.type == "abstain"):
            continue
        if match(task.answer, answer[0], task.language).strict:
            yield f"the answer to {other.id}, {answer[0]!r}, scores right here"


def _agree(task: Task, other: Task) -> bool:
    """Both accept the other's canonical answer: they ask for the same thing."""
    if not task.answer.accepted or not other.answer.accepted:
        return False
    return (
        match(task.answer, other.answer.accepted[0], task.language).strict
        and match(other.answer, task.answer.accepted[0], other.language).strict
    )


def _constants(suite: Suite) -> Iterator[str]:
    """No single answer may be right often; "unknown" is right exactly where nothing is."""
    tasks = [task for task in suite.tasks if task.answer.type != "abstain"]
    common = Counter(task.answer.accepted[0] for task in tasks).most_common(3)
    for answer in dict.fromkeys((*CONSTANTS, *(text for text, _ in common))):
        right = sum(match(task.answer, answer, task.language).strict for task in tasks)
        if right > max(1, MOST_FOR_A_CONSTANT * len(suite.tasks)):
            yield f"the constant answer {answer!r} is right for {right} of {len(suite.tasks)} tasks"


def table(suite: Suite) -> dict[tuple[str, str], Counter[int]]:
    """(category, language) -> tasks of each difficulty."""
    counts: dict[tuple[str, str], Counter[int]] = {}
    for task in suite.tasks:
        counts.setdefault((task.category, task.language), Counter())[task.difficulty] += 1
    return counts
