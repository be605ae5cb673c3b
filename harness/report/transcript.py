"""One episode in the terminal, as the model lived it."""

from __future__ import annotations

from collections.abc import Iterator

from harness.common.printable import printable
from harness.report.data import Result
from harness.types import Episode, EpisodeScore, Task


def lines(result: Result, task_id: str) -> Iterator[str]:
    """Every trial of one task as printable lines; none when it was not run."""
    task = next((task for task in result.tasks if task.id == task_id), None)
    for episode, score in zip(result.episodes, result.scores, strict=True):
        if task and episode.task_id == task_id:
            yield from (printable(line) for line in _episode(task, episode, score))


def _episode(task: Task, episode: Episode, score: EpisodeScore) -> Iterator[str]:
    yield f"== {task.id}, trial {episode.trial} ({task.category})"
    yield f"Question: {task.question}"
    for step, graded in zip(episode.steps, score.steps, strict=False):
        yield f"Thought:{step.completion.text.rstrip()}"
        if graded.errors:
            repaired = f"; repaired by {', '.join(graded.repairs)}" if graded.repairs else ""
            yield f"    [{', '.join(graded.errors)}{repaired}]"
        if step.observation:
            yield f"Observation: {step.observation.text}"
    verdict = (
        f"unscored, fault: {score.fault}" if score.fault else "right" if score.correct else "wrong"
    )
    yield f"-- {episode.status}; {verdict}; target: {' | '.join(task.answer.accepted) or task.answer.type}"
    yield f"   {score.verdict.rule}; read: {score.verdict.extracted!r}" + (
        f"; {episode.detail}" if episode.detail else ""
    )
