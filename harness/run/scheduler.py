"""Drives many loops at once over one engine: no episode waits for another, or for its slow tool.

With instant tools the order of everything follows from the tokens alone, so the same run
repeats bit for bit. Answers of slow tools are taken as they arrive.
"""

from __future__ import annotations

import dataclasses
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Protocol

from harness.agent import React
from harness.common.clock import awake
from harness.engines import Engine
from harness.types import Act, Completion, Episode, EpisodeKey, Generate, Limits, Observation, Task

_TOOL_THREADS = 8
_TOOL_SECONDS = 120.0  # awake seconds after which a tool's answer is not waited for any more


class ToolCaller(Protocol):
    """What acts for the model; ``harness.tools.Toolbox`` is one."""

    def call(self, tool: str, input: str) -> Observation:
        """Carry out a call. Never raises."""
        ...

    def instant(self, tool: str) -> bool:
        """Whether this tool's answer is there at once, so that nobody need wait for it."""
        ...


@dataclass(frozen=True)
class Started:
    """An episode is under way."""

    key: EpisodeKey


@dataclass
class _Live:
    task: Task
    trial: int
    loop: React
    began: float
    deadline: float  # awake time, 0 = none
    waits_until: float = 0.0  # awake time at which a tool's time is up


def run_episodes(
    engine: Engine,
    todo: Iterable[tuple[Task, int]],
    new_loop: Callable[[Task, int], React],
    tools: ToolCaller,
    limits: Limits,
    tool_seconds: float = _TOOL_SECONDS,
) -> Iterator[Started | Episode | None]:
    """Yield Started and finished episodes as they come, None when nothing ended for now.

    ``todo`` are (task, trial); the engine has been started with the prefix. A tool that does
    not answer within ``tool_seconds`` of awake time is unavailable. Past
    ``limits.run_seconds`` no new episode begins. Raises EngineError when the engine fails.
    """
    driver = _Driver(engine, tools, limits, tool_seconds)
    waiting = deque(todo)
    run_ends = time.monotonic() + limits.run_seconds if limits.run_seconds else float("inf")
    try:
        while waiting or driver.live:
            while waiting and len(driver.live) < engine.slots:
                if time.monotonic() > run_ends:
                    waiting.clear()
                    break
                task, trial = waiting.popleft()
                yield Started((task.id, trial))
                yield from driver.begin(task, trial, new_loop(task, trial))
            for episode_id, completion in engine.step():
                yield from driver.take(episode_id, completion)
            yield from driver.take_answers()
            yield None
    finally:
        driver.pool.shutdown(wait=False, cancel_futures=True)


class _Driver:
    """The episodes under way: each one waits for the engine or for a slow tool."""

    def __init__(
        self, engine: Engine, tools: ToolCaller, limits: Limits, tool_seconds: float
    ) -> None:
        self.engine = engine
        self.tools = tools
        self.limits = limits
        self.tool_seconds = tool_seconds
        self.live: dict[str, _Live] = {}
        self.acting: dict[Future[Observation], str] = {}
        self.pool = ThreadPoolExecutor(_TOOL_THREADS, "tool")

    def begin(self, task: Task, trial: int, loop: React) -> Iterator[Episode]:
        episode_id = f"{task.id}#{trial}"
        deadline = awake() + self.limits.deadline if self.limits.deadline else 0.0
        self.live[episode_id] = _Live(task, trial, loop, time.monotonic(), deadline)
        yield from self.take(episode_id, None)

    def take_answers(self) -> Iterator[Episode]:
        """Every answer of a slow tool that has arrived, or is not waited for any more."""
        generating = len(self.live) > len(self.acting)
        if self.acting:
            wait(self.acting, timeout=0 if generating else 0.05, return_when=FIRST_COMPLETED)
        for future in [f for f in self.acting if f.done()]:
            yield from self.take(self.acting.pop(future), future.result())
        yield from self._give_up_on_slow_tools()

    def _give_up_on_slow_tools(self) -> Iterator[Episode]:
        now = awake()
        for future in [f for f, i in self.acting.items() if now > self.live[i].waits_until]:
            future.cancel()
            text = f"the tool did not answer within {self.tool_seconds:g} s"
            answer = Observation(text, "unavailable", self.tool_seconds)
            yield from self.take(self.acting.pop(future), answer)

    def take(self, episode_id: str, value: Completion | Observation | None) -> Iterator[Episode]:
        """Give the loop what it waited for, and carry out what it asks until it has to wait."""
        live = self.live[episode_id]
        while True:
            try:
                request = live.loop.send(value)  # type: ignore[arg-type]  # None starts a generator
            except StopIteration as stop:
                yield self._end(episode_id, stop.value)
                return
            value = self._carry_out(episode_id, live, request)
            if value is None:
                return

    def _carry_out(
        self, episode_id: str, live: _Live, request: Generate | Act
    ) -> Completion | Observation | None:
        """What comes back at once; None where the episode has to wait for it."""
        if isinstance(request, Generate):
            if live.deadline and awake() >= live.deadline:
                return Completion("", "deadline")
            self.engine.submit(episode_id, request, live.deadline)
        elif self.tools.instant(request.tool):
            return self.tools.call(request.tool, request.input)
        else:
            live.waits_until = awake() + self.tool_seconds
            future = self.pool.submit(self.tools.call, request.tool, request.input)
            self.acting[future] = episode_id
        return None

    def _end(self, episode_id: str, episode: Episode) -> Episode:
        live = self.live.pop(episode_id)
        self.engine.finish(episode_id)
        return dataclasses.replace(episode, seconds=round(time.monotonic() - live.began, 3))
