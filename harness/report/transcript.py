"""Writes one episode as text, as the model lived it."""

from __future__ import annotations

from collections.abc import Iterator

from harness.common.text import cut, one_line
from harness.report.data import Result
from harness.report.words import target_words, verdict_words
from harness.scoring.records import EpisodeScore
from harness.types import Episode, Task


def list_lines(result: Result) -> Iterator[str]:
    """A line for each episode: the task, how it ended, what it is worth, and the question."""
    tasks = {task.id: task for task in result.tasks}
    wide = max(len(episode.task_id) for episode in result.episodes)
    for episode, score in zip(result.episodes, result.scores, strict=True):
        question = cut(one_line(tasks[episode.task_id].question), 60)
        ended = f"{episode.status:14} {verdict_words(score):15}"
        yield f"{episode.task_id:{wide}}  {ended} {question}"


def episode_lines(result: Result, task_id: str) -> Iterator[str]:
    """Every trial of one task, line by line; none when it was not run."""
    task = next((task for task in result.tasks if task.id == task_id), None)
    for episode, score in zip(result.episodes, result.scores, strict=True):
        if task and episode.task_id == task_id:
            yield from _one_episode(task, episode, score)


def _one_episode(task: Task, episode: Episode, score: EpisodeScore) -> Iterator[str]:
    yield f"== {task.id}, trial {episode.trial} ({task.category})"
    yield f"Question: {task.question}"
    for step, graded in zip(episode.steps, score.steps, strict=False):
        yield f"Thought:{step.completion.text.rstrip()}"
        if graded.errors:
            repaired = f"; repaired by {', '.join(graded.repairs)}" if graded.repairs else ""
            yield f"    [{', '.join(graded.errors)}{repaired}]"
        if step.observation:
            yield f"Observation: {step.observation.text}"
    verdict = verdict_words(score) + (f", fault: {score.fault}" if score.fault else "")
    yield f"-- {episode.status}; {verdict}; target: {target_words(task)}"
    detail = f"; {episode.detail}" if episode.detail else ""
    yield f"   {score.verdict.rule}; read: {score.verdict.extracted!r}{detail}"
