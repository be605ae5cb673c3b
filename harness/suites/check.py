"""Checks a suite without a model: gold actions with the real tools, answers with the real matcher."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from harness.common.hints import hint
from harness.scoring.answers import gold_date, match
from harness.scoring.lists import gold_items
from harness.scoring.number_answers import gold_number
from harness.scoring.numerals import exact, figures_value, plain
from harness.suites.importers import IMPORTED
from harness.tools import TOOLS, Toolbox, needs_world
from harness.types import GoldAction, Suite, Target, Task
from harness.worlds import open_world

_GUESSES = ("yes", "no", "0", "1", "はい", "いいえ")
_MOST_FOR_A_GUESS = 0.03  # share of the clusters that one answer may be right for
_MOST_PAIRS = 100_000  # of one task's answer put to another task, before they are sampled


@dataclass(frozen=True)
class Problem:
    """What is wrong with one task, or (``task`` is "") with the whole suite.

    A problem that is not ``fatal`` is a note: how a published data set is made, or what this
    check left out.
    """

    task: str
    text: str
    fatal: bool = True


def suite_toolbox(suite: Suite) -> Toolbox:
    """All tools over the suite's own world, or over none. Raises UserError."""
    kind = "frozen" if suite.world else "none"
    return Toolbox(tuple(TOOLS), open_world(kind, suite.world, suite.world_sha256))


def check_suite(suite: Suite, toolbox: Toolbox) -> list[Problem]:
    """Everything that keeps a suite from being fair; empty when it is fine."""
    own = not all(task.provenance.startswith(IMPORTED) for task in suite.tasks)
    problems = []
    for task in suite.tasks:
        problems += [
            Problem(task.id, text)
            for text in (*_gold(task, suite, toolbox), *_right(task), *_misread(task))
        ]
        problems += [Problem(task.id, text, own) for text in _wrong(task)]
    problems += [replace(problem, fatal=own) for problem in _others(suite.tasks)]
    problems += [Problem("", text, own) for text in _constants(suite)]
    return problems + [Problem("", text, False) for text in _unchecked(suite)]


# --- gold actions -----------------------------------------------------------------------


def _gold(task: Task, suite: Suite, toolbox: Toolbox) -> Iterator[str]:
    """Replay each gold action, in each of its spellings, where there is a world to ask."""
    for number, gold in enumerate(task.gold_actions, 1):
        if gold.tool not in toolbox.names:
            yield f"gold action {number}: no tool {gold.tool!r}; {hint(gold.tool, toolbox.names)}"
        elif suite.world or not needs_world(gold.tool):
            for input in (gold.expr,) if gold.expr else gold.input_any:
                yield from _replay(number, gold, input, toolbox)


def _replay(number: int, gold: GoldAction, input: str, toolbox: Toolbox) -> Iterator[str]:
    observation = toolbox.call(gold.tool, input)
    where = f"gold action {number}: {gold.tool}: {input}"
    if gold.observation_contains not in observation.text:
        yield f"{where} should show {gold.observation_contains!r}, and shows {observation.text[:120]!r}"
    elif observation.outcome not in ("ok", "not_found"):
        yield f"{where} ends in {observation.outcome}: {observation.text[:120]!r}"


# --- answers ----------------------------------------------------------------------------


def _right(task: Task) -> Iterator[str]:
    for text in task.answer.accepted:
        if not match(task.answer, text, task.language).strict:
            yield f"the accepted answer {text!r} does not score right"


def _misread(task: Task) -> Iterator[str]:
    """Targets that the matcher reads in another way than they are written."""
    target = task.answer
    for place, text in enumerate(target.accepted):
        if target.type == "number":
            yield from _misread_number(target, text, canonical=place == 0)
        elif target.type == "date" and gold_date(text) is None:
            yield f"the accepted answer {text!r} is not one date; write 1911-05-06, 1911-05 or 1911"
        elif target.type == "list":
            again = "; ".join(gold_items(text))
            if not match(target, again, task.language).strict:
                yield f"the accepted answer {text!r} is read as {again!r}, which scores wrong"
    for name, tolerance in (("abs_tol", target.abs_tol), ("rel_tol", target.rel_tol)):
        if (value := exact(tolerance)) is None or value < 0:
            yield f"{name} {tolerance!r} is no number from 0 up; write 0.5 or the like"


def _misread_number(target: Target, text: str, canonical: bool) -> Iterator[str]:
    read, written = gold_number(target, text), figures_value(text.removeprefix("-"))
    if written is not None and text.startswith("-"):
        written = -written
    if read is None:
        yield f"the accepted answer {text!r} is not one number; write 1500 or 0.5"
    elif written is None and canonical:
        yield f"the accepted answer {text!r} is no plain number; write {plain(read)} first"
    elif written is not None and written != read:
        yield f"the accepted answer {text!r} is read as {plain(read)}; write it as a plain number"


def _wrong(task: Task) -> Iterator[str]:
    wrong = [*task.answer.rejected, "", task.question]
    if task.answer.type != "abstain":
        wrong.append("I don't know")
    for text in wrong:
        verdict = match(task.answer, text, task.language)
        if verdict.strict or verdict.lenient:
            yield f"the wrong answer {text[:60]!r} scores right ({verdict.rule})"


def _others(tasks: Sequence[Task]) -> Iterator[Problem]:
    """The answers to other tasks must be wrong here, unless they say the same thing.

    Tasks with one target are compared once; of very many targets, each is compared with some,
    evenly spaced.
    """
    first: dict[tuple[Target, str], Task] = {}
    for task in tasks:
        first.setdefault((task.answer, task.language), task)
    unlike = list(first.values())
    stride = _stride(len(unlike))
    for place, task in enumerate(unlike):
        for other in unlike[place % stride :: stride]:
            if other is not task and _takes(task, other) and not _takes(other, task):
                yield Problem(
                    task.id, f"the answer to {other.id}, {_canonical(other)!r}, scores right here"
                )


def _stride(count: int) -> int:
    """1 = compare all pairs; n = every n-th."""
    return 1 + count * count // _MOST_PAIRS


def _takes(task: Task, other: Task) -> bool:
    """The other task's answer scores right here; abstaining is alike everywhere."""
    if task.answer.type == other.answer.type == "abstain":
        return False
    return match(task.answer, _canonical(other), task.language).strict


def _canonical(task: Task) -> str:
    return "unknown" if task.answer.type == "abstain" else task.answer.accepted[0]


# --- the suite as a whole ---------------------------------------------------------------


def _constants(suite: Suite) -> Iterator[str]:
    """No single answer may be right often; "unknown" is right exactly where nothing is.
    Twins count once."""
    tasks = [task for task in suite.tasks if task.answer.type != "abstain"]
    clusters = len({_cluster(task) for task in suite.tasks})
    common = Counter(task.answer.accepted[0] for task in tasks).most_common(3)
    for answer in dict.fromkeys((*_GUESSES, *(text for text, _ in common))):
        right = len({_cluster(t) for t in tasks if match(t.answer, answer, t.language).strict})
        if right > max(1, _MOST_FOR_A_GUESS * clusters):
            yield f"the constant answer {answer!r} is right for {right} of {clusters} questions"


def _cluster(task: Task) -> str:
    return task.cluster or task.id


def _unchecked(suite: Suite) -> Iterator[str]:
    """What this check could not, or did not, look at."""
    if not suite.world:
        golds = [g for t in suite.tasks for g in t.gold_actions if needs_world(g.tool)]
        if golds:
            yield f"{len(golds)} gold actions were not replayed: the suite has no world"
    stride = _stride(len({(task.answer, task.language) for task in suite.tasks}))
    if stride > 1:
        yield f"one pair in {stride} of tasks was compared: there are too many for all"


def count_tasks(suite: Suite) -> dict[tuple[str, str], Counter[int]]:
    """(category, language) -> number of tasks of each difficulty."""
    counts: dict[tuple[str, str], Counter[int]] = {}
    for task in suite.tasks:
        counts.setdefault((task.category, task.language), Counter())[task.difficulty] += 1
    return counts
