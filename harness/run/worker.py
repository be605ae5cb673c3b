"""Runs a model in a child process, so that a crash of native code ends no run.

The parent supervises the child, restarts it once, and marks what was under way as unscored.
Nothing here writes a file or prints.
"""

from __future__ import annotations

import copy
import multiprocessing
import signal
import sys
import time
import traceback
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

import psutil

from harness import engines
from harness.agent import React, react
from harness.common.clock import awake
from harness.engines import Engine
from harness.run.identity import fact_differences, in_words
from harness.run.plan import RunPlan, open_toolbox
from harness.run.scheduler import Started, run_episodes
from harness.tools import wrap_loop
from harness.types import EngineError, Episode, EpisodeKey, Task, UserError

# Awake seconds after which a worker counts as hung that neither speaks nor computes.
_SILENCE = 900.0
_POLL = 1.0  # seconds between two looks at a worker that says nothing
_IDLE_SECONDS, _IDLE_SHARE = 0.05, 0.002  # CPU time that a waiting process uses all the same
_BEAT = 1.0  # seconds between signs of life


@dataclass(frozen=True)
class EngineReady:
    """The engine is loaded and the prefix evaluated."""

    facts: dict[str, object]


@dataclass(frozen=True)
class Beat:
    """A sign of life. ``peak_memory`` in bytes, of the worker process. ``facts`` are those
    of the engine that have changed since it was ready, such as the threads in use."""

    peak_memory: int
    facts: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """The worker gave up. ``who`` is user, engine or harness."""

    who: str
    message: str


Event = EngineReady | Started | Episode | Beat | Failed
Settle = Callable[[dict[str, object]], Sequence[EpisodeKey]]  # the engine's facts -> what to run


# --- the parent -------------------------------------------------------------------------


def supervise(
    plan: RunPlan, settle: Settle | None = None, restarts: int = 1, silence: float = _SILENCE
) -> Generator[Event]:
    """Carry out a plan in a worker process and yield its events.

    ``settle`` is called once, when the engine is ready, with the engine's facts; it returns
    the episodes to run (by default all of the plan). When the worker dies, every episode it had
    begun becomes an ``engine_error`` and a fresh worker goes on with the rest, ``restarts``
    times; then Failed ends the events. So it does when the fresh worker's engine reports other
    facts than the first one: its episodes would belong to another run. ``silence`` is in awake
    seconds.
    """
    work = _Work(settle or (lambda facts: plan.keys))
    for attempt in range(restarts + 1):
        failure = None
        with closing(_Child(_main, plan, silence)) as child:
            while event := child.receive():
                if isinstance(event, EngineReady):
                    event = work.begin(event, child)
                if isinstance(event, Failed):
                    failure = event
                    break
                work.note(event)
                yield event
        if failure is None:
            return
        for key in work.under_way:
            yield Episode(key[0], key[1], "engine_error", (), detail=failure.message)
        work.under_way.clear()
        if failure.who != "engine" or attempt == restarts or not work.todo or work.differs:
            yield failure
            return


class _Work:
    """What is still to do and what a worker has begun, over all workers of one command."""

    def __init__(self, settle: Settle) -> None:
        self._settle = settle
        self._facts: dict[str, object] | None = None  # of the first engine
        self.todo: list[EpisodeKey] = []
        self.under_way: list[EpisodeKey] = []
        self.differs = False

    def begin(self, ready: EngineReady, child: _Child) -> EngineReady | Failed:
        """Settle what to run and send it; Failed when a restarted engine is another one."""
        if self._facts is None:
            self._facts, self.todo = ready.facts, list(self._settle(ready.facts))
        if found := fact_differences(self._facts, ready.facts):
            self.differs = True
            return Failed("engine", f"after a restart the engine is another one: {in_words(found)}")
        child.send(tuple(self.todo))
        return ready

    def note(self, event: Event) -> None:
        if isinstance(event, Started):
            self.under_way.append(event.key)
            self.todo.remove(event.key)
        elif isinstance(event, Episode):
            self.under_way.remove((event.task_id, event.trial))


class _Child:
    """A worker process, seen from its parent."""

    def __init__(
        self, main: Callable[[Connection, RunPlan], None], plan: RunPlan, silence: float
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=main, args=(theirs, plan), daemon=True)
        self._process.start()
        theirs.close()
        self._watch = _Watch(self._process.pid or 0)
        self._silence = silence

    def receive(self) -> Event | None:
        """Its next event, Failed when it hangs or has died, None when it is done."""
        while not self._pipe.poll(min(_POLL, self._silence)):
            if self._watch.quiet() > self._silence:
                return Failed("engine", f"the worker gave no sign of life for {self._silence:g} s")
        self._watch.heard()
        try:
            event: Event | None = self._pipe.recv()
        except EOFError:
            self._process.join(10)
            return Failed("engine", f"the worker died: {_cause(self._process.exitcode)}")
        return event

    def send(self, todo: tuple[EpisodeKey, ...]) -> None:
        self._pipe.send(todo)

    def close(self) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()


class _Watch:
    """How long a worker has neither spoken nor computed, while this process was awake."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._since, self._used = awake(), 0.0

    def heard(self) -> None:
        """It has spoken."""
        self._since, self._used = awake(), _activity(self._pid)[0]

    def quiet(self) -> float:
        """Awake seconds since it last spoke or computed; a stopped worker is not blamed."""
        used, stopped = _activity(self._pid)
        seconds = awake() - self._since
        if stopped or used - self._used > _IDLE_SECONDS + _IDLE_SHARE * seconds:
            self._since, self._used = awake(), used
            return 0.0
        return seconds


def _activity(pid: int) -> tuple[float, bool]:
    """CPU seconds of a process and its children, and whether it is stopped (Ctrl-Z)."""
    try:
        process = psutil.Process(pid)
        used = [each.cpu_times() for each in (process, *process.children(recursive=True))]
        return sum(t.user + t.system for t in used), process.status() == psutil.STATUS_STOPPED
    except psutil.Error:  # it has just ended: the pipe will say so
        return 0.0, False


def _cause(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        hint = " (out of memory?)" if -exitcode == signal.SIGKILL else ""
        return signal.Signals(-exitcode).name + hint
    return f"exit code {exitcode}"


# --- the child --------------------------------------------------------------------------


def _main(pipe: Connection, plan: RunPlan) -> None:
    """Load the engine, say that it is ready, receive what to do, and do it.

    Ctrl-C is for the parent: it ends this process when the record is safe.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        names = () if plan.prompt.probe else plan.prompt.tools
        toolbox = open_toolbox(names, plan.world, plan.extras, plan.seed, plan.repair)
        with closing(engines.create(plan.model, plan.settings, plan.suite.tasks)) as engine:
            engine.start(plan.prompt.beginning)
            pulse = _Pulse(engine, pipe.send)
            pipe.send(EngineReady(pulse.ready))
            tasks = {task.id: task for task in plan.suite.tasks}
            todo = [(tasks[task_id], trial) for task_id, trial in pipe.recv()]
            for event in run_episodes(engine, todo, _Loops(plan), toolbox, plan.limits):
                if event is not None:
                    pipe.send(event)
                pulse.beat()
            pulse.last_beat()
        pipe.send(None)
    except (BrokenPipeError, EOFError):
        return
    except UserError as error:
        pipe.send(Failed("user", str(error)))
    except EngineError as error:
        pipe.send(Failed("engine", str(error)))
    except Exception:
        pipe.send(Failed("harness", traceback.format_exc(limit=-4)))


class _Pulse:
    """Sends signs of life, and at the end what has changed in the engine's facts."""

    def __init__(self, engine: Engine, send: Callable[[Any], None]) -> None:
        self._engine, self._send = engine, send
        self._last = 0.0
        self.ready = copy.deepcopy(engine.facts)

    def beat(self) -> None:
        if time.monotonic() - self._last > _BEAT:
            self._last = time.monotonic()
            self._send(Beat(_peak_memory()))

    def last_beat(self) -> None:
        changed = {k: v for k, v in self._engine.facts.items() if self.ready.get(k) != v}
        self._send(Beat(_peak_memory(), changed))


class _Loops:
    """Makes one ReAct loop a task, with the protocol handed in."""

    def __init__(self, plan: RunPlan) -> None:
        self.plan = plan
        self.protocol = plan.prompt.protocol(plan.repair)

    def __call__(self, task: Task, trial: int) -> React:
        plan = self.plan
        loop = react(task, plan.prompt, plan.limits, self.protocol, seed=plan.seed, trial=trial)
        return wrap_loop(loop, plan.prompt.tools)


def _peak_memory() -> int:
    """The most memory this process has held, in bytes (0 where the system does not say)."""
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
