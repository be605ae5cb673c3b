"""Tells how much of a suite a run has: what was asked for last, what of it is finished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harness.types import Episode, Task

State = Literal["complete", "part", "interrupted"]


@dataclass(frozen=True)
class RunProgress:
    """``tasks`` are the ids of the tasks that the run stands for: asked for, or begun.

    ``done`` of ``asked`` tasks have every trial that was asked for, and ``total`` is the
    size of the suite. ``missing`` counts the episodes asked for that are not in the record,
    ``episodes`` those that are. ``limited`` False: the record is an older one and does not
    say what was asked; then everything counts as asked, and ``tasks`` are those begun.
    ``kind`` names the category and the language that all ``tasks`` and not all of the suite
    have in common.
    """

    tasks: frozenset[str]
    done: int
    asked: int
    total: int
    missing: int
    episodes: int
    limited: bool = True
    kind: str = ""

    @property
    def state(self) -> State:
        """``complete``: the whole suite; ``part``: all that was asked for, and that was not
        all; ``interrupted``: something that was asked for is missing."""
        if self.missing:
            return "interrupted"
        return "complete" if self.asked == self.total else "part"

    @property
    def words(self) -> str:
        """``240``, ``40 of 240``, ``3 of 8 asked, 240 in suite``; tasks are counted."""
        if self.state != "interrupted":
            return f"{self.done} of {self.total}" if self.done < self.total else f"{self.total}"
        if self.asked == self.total:
            return f"{self.done} of {self.total}"
        return f"{self.done} of {self.asked} asked, {self.total} in suite"

    @property
    def mark(self) -> str:
        """The one word that stands in a table; "" where the run has all that was asked."""
        if self.state != "interrupted":
            return ""
        return "interrupted" if self.limited else "unfinished"


def progress_of(
    manifest: Mapping[str, Any], suite: Sequence[Task], episodes: Sequence[Episode]
) -> RunProgress:
    """What a run has. ``suite`` is the whole suite, ``episodes`` the finished ones."""
    whole = {task.id for task in suite}
    finished = {(e.task_id, e.trial) for e in episodes}
    begun = frozenset(task for task, _ in finished)
    said = manifest.get("asked")
    asked = frozenset(said["tasks"]) & whole if said else frozenset(whole)
    trials = int((said or manifest["config"]).get("trials") or 1)
    wanted = {(task, trial) for task in asked for trial in range(trials)}
    unfinished = {task for task, _ in wanted - finished}
    stands_for = asked | begun if said else begun
    return RunProgress(
        tasks=stands_for,
        done=len((asked | begun) - unfinished),
        asked=len(asked | begun),
        total=len(whole),
        missing=len(wanted - finished),
        episodes=len(finished),
        limited=bool(said),
        kind=_kind(suite, stands_for),
    )


def _kind(suite: Sequence[Task], chosen: frozenset[str]) -> str:
    some = [task for task in suite if task.id in chosen]
    words: list[str] = []
    for values, mine in (
        ({task.category for task in suite}, {task.category for task in some}),
        ({task.language for task in suite}, {task.language for task in some}),
    ):
        if len(mine) == 1 < len(values):
            words += mine
    return ", ".join(words)
