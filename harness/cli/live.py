"""Live progress of one session: done, rate, accuracy so far, time left."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from harness.common.printable import printable
from harness.report.data import score_one
from harness.run.session import Plan, Session
from harness.run.worker import Beat, Failed, Ready
from harness.types import UNSCORED, Episode

PLAIN_SECONDS = 15.0  # between progress lines when the output is not a terminal


@dataclass
class Tally:
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


def follow(session: Session) -> int:
    """Run a session and show how it goes; 0 all scored, 1 not. Ctrl-C loses nothing."""
    plan = session.plan
    err = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    if session.run and not session.todo:
        done = f"{len(plan.keys)} episodes{of_all(plan)}"
        err.print(f"{plan.model.name}: complete, {done} in {session.run.path}")
        return 0
    tally = Tally(session, len(session.todo))
    failed = None
    facts: dict[str, object] = {}  # what the engine said at the end
    try:
        with _display(err, plan.model.name, tally) as show, closing(session.events()) as events:
            for event in events:
                if isinstance(event, Ready):
                    tally.began, tally.total = time.monotonic(), len(session.todo)
                    for line in (*_opening(session), *_remarks(plan.model.name, event.facts)):
                        err.print(printable(line))
                elif isinstance(event, Episode):
                    tally.add(event)
                elif isinstance(event, Failed):
                    failed = event
                elif isinstance(event, Beat):
                    facts |= event.facts
                show()
    except KeyboardInterrupt:
        if session.run:
            err.print(
                f"interrupted: {tally.done} of {tally.total} finished and kept in "
                f"{session.run.path}; the same command goes on from there"
            )
        raise
    if failed:
        err.print(f"{plan.model.name}: the {failed.who} failed: {printable(failed.message)}")
        err.print("what was under way is unscored; the same command tries it again")
    for line in _counted(plan.model.name, facts):
        err.print(printable(line))
    left = tally.total - tally.done
    return 1 if failed or tally.unscored or left else 0


def of_all(plan: Plan) -> str:
    """Says how many of the suite's tasks were asked for, where it was not all of them."""
    some, all_ = len(plan.tasks), len(plan.suite.tasks)
    return f" ({some} of the suite's {all_} tasks)" if some < all_ else ""


def _opening(session: Session) -> Iterator[str]:
    """What a person should know before the first episode: which run this is, and why."""
    name, plan = session.plan.model.name, session.plan
    already = len(plan.keys) - len(session.todo)
    if session.news:
        yield f"{name}: a new run begins: {session.news}"
    if session.resumed and session.run:
        yield f"{name}: going on with {session.run.path}, {already} of {len(plan.keys)} done"


def _remarks(name: str, facts: Mapping[str, object]) -> Iterator[str]:
    """What the engine wants a person to know when it is ready."""
    trial = facts.get("thread_trial")
    if isinstance(trial, Mapping) and trial.get("seconds"):
        yield f"{name}: {facts['threads']} threads, chosen by trying in {trial['seconds']:.1f} s"
    warnings = facts.get("warnings")
    for line in (facts.get("workaround"), *(warnings if isinstance(warnings, list) else ())):
        if line:
            yield f"{name}: {line}"


# What an engine counts during a run, and how it is said.
COUNTED = {
    "only_reasoning": "{n} answers of the server held reasoning and nothing else",
    "tokens_estimated": "the tokens of {n} answers are estimated: the server did not count them",
    "server_ran_past_stop": "{n} answers went on behind a stop string: the server ignored it",
}


def _counted(name: str, facts: Mapping[str, object]) -> Iterator[str]:
    """What went oddly during the run, with counts."""
    for key, words in COUNTED.items():
        if facts.get(key):
            yield f"{name}: warning: {words.format(n=facts[key])}"


@contextmanager
def _display(console: Console, name: str, tally: Tally) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, a line now and then elsewhere."""
    if not console.is_terminal:
        shown = [time.monotonic(), 0.0]  # when, and how many were done then

        def line() -> None:
            due = time.monotonic() - shown[0] > PLAIN_SECONDS or tally.done == tally.total
            if due and tally.done > shown[1]:
                shown[:] = time.monotonic(), tally.done
                print(f"{name}: {tally.done}/{tally.total}, {tally.words()}", file=sys.stderr)

        yield line
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"),
               TextColumn("{task.fields[words]}"), TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=console) as progress:
        bar: TaskID = progress.add_task(name, total=tally.total, words="loading")

        def draw() -> None:
            progress.update(bar, completed=tally.done, total=tally.total, words=tally.words())

        yield draw
