"""Live progress on stderr: of models that are fetched, and of a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from harness.cli.output import tell
from harness.models.prepare import PreparedModel, prepare
from harness.models.registry import Row
from harness.report.data import score_one
from harness.run.plan import RunPlan
from harness.run.session import Session
from harness.run.worker import Beat, EngineReady, Failed
from harness.types import UNSCORED, Episode

_PLAIN_SECONDS = 15.0  # between progress lines when the output is not a terminal


def fetch_model(row: Row) -> PreparedModel:
    """Bring a model here and check it, with a bar while it is fetched; tells its warnings."""
    columns = (TextColumn("fetching"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = _stderr()
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        tasks: list[Any] = []

        def progress(done: int, total: int) -> None:
            if not tasks:
                tasks.append(bar.add_task("", total=total or None))
            bar.update(tasks[0], completed=done, total=total or None)

        found = prepare(row, tell, progress)
    for warning in found.warnings:
        tell(f"warning: {warning}")
    return found


def _stderr() -> Console:
    return Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


@dataclass
class _Tally:
    """What progress shows; scored as the record will be."""

    session: Session
    total: int
    done: int = 0
    scored: int = 0
    right: int = 0
    unscored: int = 0
    tokens: int = 0
    began: float = field(default_factory=time.monotonic)

    def add(self, episode: Episode) -> None:
        """Count a finished episode."""
        self.done += 1
        self.tokens += sum(step.completion.tokens for step in episode.steps)
        if episode.status in UNSCORED:
            self.unscored += 1
            return
        plan = self.session.plan
        task = next(task for task in plan.suite.tasks if task.id == episode.task_id)
        score = score_one(task, episode, plan.prompt.protocol(plan.repair))
        self.scored += 1
        self.right += score.correct

    def words(self) -> str:
        """One line: right so far, tokens a second, and faults if any."""
        seconds = max(time.monotonic() - self.began, 1e-9)
        accuracy = f"{self.right / self.scored:.0%} right" if self.scored else "no answer yet"
        faults = f", {self.unscored} unscored" if self.unscored else ""
        return f"{accuracy}, {self.tokens / seconds:,.0f} tok/s{faults}"


def run_session(session: Session) -> int:
    """Run a session and show how it goes; 0 all scored, 1 not. Ctrl-C loses nothing."""
    plan, name = session.plan, session.plan.model.name
    if session.run and not session.todo:
        tell(f"{name}: complete, {len(plan.keys)} episodes{_of_all(plan)} in {session.run.path}")
        return 0
    tally = _Tally(session, len(session.todo))
    failed = None
    facts: dict[str, object] = {}  # what the engine said at the end
    try:
        with _display(name, tally) as show, closing(session.events()) as events:
            for event in events:
                if isinstance(event, EngineReady):
                    tally.began, tally.total = time.monotonic(), len(session.todo)
                    for line in (*_opening(session), *_remarks(event.facts)):
                        tell(f"{name}: {line}")
                elif isinstance(event, Episode):
                    tally.add(event)
                elif isinstance(event, Failed):
                    failed = event
                elif isinstance(event, Beat):
                    facts |= event.facts
                show()
    except KeyboardInterrupt:
        if session.run:
            tell(
                f"interrupted: {tally.done} of {tally.total} finished and kept in "
                f"{session.run.path}; the same command goes on from there"
            )
        raise
    if failed:
        tell(f"{name}: the {failed.who} failed: {failed.message}")
        tell("what was under way is unscored; the same command tries it again")
    for line in _counted(facts):
        tell(f"{name}: warning: {line}")
    return 1 if failed or tally.unscored or tally.done < tally.total else 0


def _of_all(plan: RunPlan) -> str:
    """Says how many of the suite's tasks were asked for, where it was not all of them."""
    some, all_ = len(plan.tasks), len(plan.suite.tasks)
    return f" ({some} of the suite's {all_} tasks)" if some < all_ else ""


def _opening(session: Session) -> Iterator[str]:
    """What a person should know before the first episode: which run this is, and why."""
    total = len(session.plan.keys)
    if session.news:
        yield f"a new run begins: {session.news}"
    if session.resumed and session.run:
        yield f"going on with {session.run.path}, {total - len(session.todo)} of {total} done"


def _remarks(facts: Mapping[str, object]) -> Iterator[str]:
    """What the engine wants a person to know when it is ready."""
    trial = facts.get("thread_trial")
    if isinstance(trial, Mapping) and trial.get("seconds"):
        yield f"{facts['threads']} threads, chosen by trying in {trial['seconds']:.1f} s"
    warnings = facts.get("warnings")
    for line in (facts.get("workaround"), *(warnings if isinstance(warnings, list) else ())):
        if line:
            yield str(line)


# What an engine counts during a run, in words.
_COUNTED = {
    "only_reasoning": "{n} answers of the server held reasoning and nothing else",
    "tokens_estimated": "the tokens of {n} answers are estimated: the server did not count them",
    "server_ran_past_stop": "{n} answers went on behind a stop string: the server ignored it",
}


def _counted(facts: Mapping[str, object]) -> Iterator[str]:
    """What went oddly during the run, with counts."""
    for key, words in _COUNTED.items():
        if facts.get(key):
            yield words.format(n=facts[key])


@contextmanager
def _display(name: str, tally: _Tally) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, a line now and then elsewhere."""
    console = _stderr()
    if not console.is_terminal:
        shown_at, shown = time.monotonic(), 0

        def line() -> None:
            nonlocal shown_at, shown
            due = time.monotonic() - shown_at > _PLAIN_SECONDS or tally.done == tally.total
            if due and tally.done > shown:
                shown_at, shown = time.monotonic(), tally.done
                tell(f"{name}: {tally.done}/{tally.total}, {tally.words()}")

        yield line
        return
    texts = ("{task.description}", "{task.completed}/{task.total}", "{task.fields[words]}")
    about, counts, words = map(TextColumn, texts)
    with Progress(about, BarColumn(), counts, words, TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task(name, total=tally.total, words="loading")

        def draw() -> None:
            bar.update(task, completed=tally.done, total=tally.total, words=tally.words())

        yield draw
