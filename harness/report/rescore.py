"""Scores an old run under the present rules: which steps read otherwise than recorded.

The record holds how each step was read when it ran, and no score: what is right or wrong
before and after is judged by today's matchers, so every change here is the parser's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from harness.common.text import cut, one_line
from harness.report.data import Result, is_probe, protocol_of
from harness.report.words import move_words
from harness.scoring.answers import match
from harness.scoring.probes import grade_action, tool_repairs, wanted
from harness.types import Answer, Episode, Move, Parsed, Step, Task

CUT_SHORT = ("context", "deadline", "time", "error")  # an answer before such an end is none


@dataclass(frozen=True)
class Change:
    """One step (from 1) whose reading is another than in the record."""

    task_id: str
    trial: int
    step: int
    before: Parsed
    after: Parsed

    def __str__(self) -> str:
        trial = f" trial {self.trial}" if self.trial else ""
        before, after = (
            cut(one_line(move_words(parsed.move)), 48) for parsed in (self.before, self.after)
        )
        moved = before if before == after else f"{before} -> {after}"
        return f"{self.task_id}{trial} step {self.step}: {moved}{self._codes()}"

    def _codes(self) -> str:
        """The errors that came and went."""
        before, after = set(self.before.errors), set(self.after.errors)
        signs = [f"+{code}" for code in sorted(after - before)]
        signs += [f"-{code}" for code in sorted(before - after)]
        return f" [{', '.join(signs)}]" if signs else ""


@dataclass(frozen=True)
class Rescored:
    """What became of a run. ``now_right`` and ``now_wrong`` name episodes (task, trial)
    whose answer changed sides; ``errors`` has (then, now) of each code that changed."""

    steps: int
    changes: tuple[Change, ...]
    answers: int
    right_before: int
    right: int
    now_right: tuple[tuple[str, int], ...]
    now_wrong: tuple[tuple[str, int], ...]
    errors: dict[str, tuple[int, int]]


def rescore(result: Result) -> Rescored:
    """Compare the record of a run with how it is read and scored today."""
    by_id = {task.id: task for task in result.tasks}
    before, after = Counter[str](), Counter[str]()
    changes: list[Change] = []
    turned: dict[bool, list[tuple[str, int]]] = {True: [], False: []}
    steps = answers = right_before = 0
    for episode, score in zip(result.episodes, result.scores, strict=True):
        readings = list(_readings(result, episode))
        steps += len(episode.steps)
        for number, (step, today) in enumerate(readings, 1):
            before.update(step.parsed.errors)
            after.update(today.errors)
            if today != step.parsed:
                changes.append(Change(episode.task_id, episode.trial, number, step.parsed, today))
        answers += _answer([step.parsed for step in episode.steps]) != _answer(
            [today for _, today in readings]
        )
        was_right = not score.fault and _was_right(result, by_id[episode.task_id], episode)
        is_right = not score.fault and score.correct
        right_before += was_right
        if was_right != is_right:
            turned[is_right].append((episode.task_id, episode.trial))
    codes = sorted(before | after)
    return Rescored(
        steps=steps,
        changes=tuple(changes),
        answers=answers,
        right_before=right_before,
        right=right_before + len(turned[True]) - len(turned[False]),
        now_right=tuple(turned[True]),
        now_wrong=tuple(turned[False]),
        errors={e: (before[e], after[e]) for e in codes if before[e] != after[e]},
    )


def _readings(result: Result, episode: Episode) -> Iterator[tuple[Step, Parsed]]:
    """Each step with today's reading of it; scoring goes no further than the first answer,
    and neither does this."""
    protocol = protocol_of(result.manifest, result.tasks)
    for step in episode.steps:
        today = protocol.read(step.completion)
        yield step, today
        if isinstance(today.move, Answer) and step.completion.finish not in CUT_SHORT:
            return


def _was_right(result: Result, task: Task, episode: Episode) -> bool:
    """What the reading in the record is worth under today's matchers."""
    if is_probe(result):
        move = episode.steps[0].parsed.move if episode.steps else None
        right = grade_action(move, wanted(task)) == "right"
        return right and (result.manifest["config"]["repair"] or not tool_repairs(move))
    said = episode.answer if episode.status == "answered" else ""
    return match(task.answer, said, task.language).strict


def _answer(readings: list[Parsed]) -> Move | None:
    last = readings[-1].move if readings else None
    return last if isinstance(last, Answer) else None
