"""One process per model: the engine lives in a child, so that a native crash is an outcome.

The child holds the engine and its runner; the parent supervises it, restarts it once, and
marks what was in flight as unscored. Nothing here touches a file or a terminal.
"""

from __future__ import annotations

import copy
import multiprocessing
import signal
import sys
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import psutil

from harness import engines, worlds
from harness.agent import React, react
from harness.common.clock import awake
from harness.prompts import Prompt
from harness.run.scheduler import Key, Started, run_episodes
from harness.tools import TOOLS, WORDING, Toolbox, wrap_loop
from harness.tools.own import load_tools
from harness.types import (
    EngineError,
    EngineSettings,
    Episode,
    Limits,
    Model,
    Task,
    UserError,
    WorldSpec,
)  # fmt: skip
from harness.worlds import faults, recorded

# Awake seconds after which a worker counts as hung that neither speaks nor computes.
SILENCE = 900.0
POLL = 1.0  # seconds between two looks at a worker that says nothing
IDLE_SECONDS, IDLE_SHARE = 0.05, 0.002  # CPU time that a waiting process uses all the same
BEAT = 1.0  # seconds between signs of life


@dataclass(frozen=True)
class Extras:
    """What a run adds to its tools, "" for none: a Python file with more of them, a tape to
    keep the world's answers on, faults to inject."""

    tools_file: str = ""
    tape: str = ""
    faults: str = ""


@dataclass(frozen=True)
class Job:
    """Everything a worker needs; plain data, so that it can be sent to another process."""

    model: Model
    settings: EngineSettings
    prompt: Prompt
    world: WorldSpec
    limits: Limits
    repair: bool
    seed: int
    tasks: tuple[Task, ...]
    todo: tuple[Key, ...] = ()
    extras: Extras = Extras()


@dataclass(frozen=True)
class Ready:
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


Event = Ready | Started | Episode | Beat | Failed
Settle = Callable[[dict[str, object]], Sequence[Key]]  # the engine's facts -> what to run


@dataclass
class _Flight:
    """What a worker has begun and not finished."""

    todo: list[Key]
    began: list[Key] = field(default_factory=list)

    def note(self, event: Event) -> None:
        if isinstance(event, Started):
            self.began.append(event.key)
            self.todo.remove(event.key)
        elif isinstance(event, Episode):
            self.began.remove((event.task_id, event.trial))


def supervise(
    job: Job, settle: Settle | None = None, restarts: int = 1, silence: float = SILENCE
) -> Generator[Event]:
    """Run a job in a worker process and yield its events.

    ``settle`` is called once, when the engine is ready, with the engine's facts; it returns
    the episodes to run (by default ``job.todo``). When the worker dies, every episode it had
    begun becomes an ``engine_error`` and a fresh worker goes on with the rest, ``restarts``
    times; then Failed ends the events.
    """
    flight = _Flight(list(job.todo))
    settled = settle is None

    def begin(facts: dict[str, object]) -> tuple[Key, ...]:
        nonlocal settled
        if settle and not settled:
            flight.todo, settled = list(settle(facts)), True
        return tuple(flight.todo)

    for attempt in range(restarts + 1):
        failure = None
        with closing(_one_worker(job, begin, silence)) as events:
            for event in events:
                if isinstance(event, Failed):
                    failure = event
                    break
                flight.note(event)
                yield event
        if failure is None:
            return
        for key in flight.began:
            yield Episode(key[0], key[1], "engine_error", (), detail=failure.message)
        flight.began.clear()
        if failure.who != "engine" or attempt == restarts or not flight.todo:
            yield failure
            return


def _one_worker(job: Job, begin: Settle, silence: float) -> Generator[Event]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_main, args=(theirs, job), daemon=True)
    process.start()
    theirs.close()
    watch = _Watch(process.pid or 0)
    try:
        while True:
            while not ours.poll(min(POLL, silence)):
                if watch.quiet() > silence:
                    yield Failed("engine", f"the worker gave no sign of life for {silence:g} s")
                    return
            watch.heard()
            try:
                event = ours.recv()
            except EOFError:
                process.join(10)
                yield Failed("engine", f"the worker died: {_cause(process.exitcode)}")
                return
            if event is None:
                return
            if isinstance(event, Ready):
                ours.send(begin(event.facts))
            yield event
    finally:
        process.kill()
        process.join()
        ours.close()


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
        if stopped or used - self._used > IDLE_SECONDS + IDLE_SHARE * seconds:
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


def _main(pipe: Connection, job: Job) -> None:
    """The child. Ctrl-C is the parent's to handle: it stops us once the record is safe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for event in _work(job, pipe.recv):
            pipe.send(event)
        pipe.send(None)
    except (BrokenPipeError, EOFError):
        return
    except UserError as error:
        pipe.send(Failed("user", str(error)))
    except EngineError as error:
        pipe.send(Failed("engine", str(error)))
    except Exception:
        pipe.send(Failed("harness", traceback.format_exc(limit=-4)))


def _work(job: Job, receive: Callable[[], tuple[Key, ...]]) -> Iterator[Event]:
    """Load the engine, say that it is ready, receive what to do, and do it."""
    names = () if job.prompt.probe else job.prompt.tools
    toolbox = open_toolbox(names, job.world, job.extras, job.seed, job.repair)
    engine = engines.create(job.model, job.settings, job.tasks)
    try:
        engine.start(job.prompt.beginning)
        ready = copy.deepcopy(engine.facts)
        yield Ready(ready)
        tasks = {task.id: task for task in job.tasks}
        todo = [(tasks[task_id], trial) for task_id, trial in receive()]
        last = 0.0
        for event in run_episodes(engine, todo, _Loops(job), toolbox, job.limits):
            if event is not None:
                yield event
            if time.monotonic() - last > BEAT:
                last = time.monotonic()
                yield Beat(peak_memory())
        changed = {k: v for k, v in engine.facts.items() if ready.get(k) != v}
        yield Beat(peak_memory(), changed)
    finally:
        engine.close()


def open_toolbox(
    names: Sequence[str], spec: WorldSpec, extras: Extras, seed: int = 0, repair: bool = False
) -> Toolbox:
    """The tools of a run over their world, which is opened here and nowhere else in a run.
    Raises UserError for what the user can mend."""
    check_extras(extras, spec)
    world = worlds.open_world(spec.kind, spec.path, spec.sha256)
    cited = frozenset(name for name in names if name in TOOLS and TOOLS[name].cites)
    return Toolbox(
        names,
        world,
        load_tools(extras.tools_file) if extras.tools_file else None,
        recorded.Recorder(extras.tape, world, WORDING, cited) if extras.tape else None,
        faults.read_faults(extras.faults, seed) if extras.faults else None,
        repair,
    )


def check_extras(extras: Extras, world: WorldSpec) -> None:
    """Raises UserError for extras that are wrong whatever the files hold. Opens nothing."""
    if extras.tape and world.kind == "recorded":
        raise UserError("--record: a recorded world has nothing new to record; drop one of the two")
    if extras.faults:
        faults.read_faults(extras.faults)


class _Loops:
    """Makes one ReAct loop a task, with the protocol handed in."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.protocol = job.prompt.protocol(job.repair)

    def __call__(self, task: Task, trial: int) -> React:
        job = self.job
        loop = react(task, job.prompt, job.limits, self.protocol, seed=job.seed, trial=trial)
        return wrap_loop(loop, job.prompt.tools)


def peak_memory() -> int:
    """The most memory this process has held, in bytes (0 where the system does not say)."""
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
