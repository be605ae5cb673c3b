"""Drives many loops at once over one engine: the model never waits for one episode to end
or one tool to answer before it goes on with the others.

It knows no protocol, no score and no file: it is handed the loops and hands back episodes.
"""

from __future__ import annotations

import dataclasses
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from harness.agent import React
from harness.engines import Engine
from harness.types import Completion, Episode, Generate, Limits, Observation, Task

TOOL_THREADS = 8
Key = tuple[str, int]  # task id, trial


@dataclass(frozen=True)
class Started:
    """An episode is under way."""

    key: Key


@dataclass
class _Live:
    task: Task
    trial: int
    loop: React
    began: float
    waits_until: float = 0.0  # for a tool: when its time is up


def run_episodes(
    engine: Engine,
    todo: Iterable[tuple[Task, int]],
    new_loop: Callable[[Task, int], React],
    call_tool: Callable[[str, str], Observation],
    limits: Limits,
) -> Iterator[Started | Episode | None]:
    """Yield Started and finished episodes as they come, None when nothing ended for now.

    ``todo`` are (task, trial); the engine has been started with the prefix. Past
    ``limits.run_seconds`` no new episode begins. Raises EngineError when the engine fails.
    """
    driver = _Driver(engine, call_tool, limits)
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
            yield from driver.advance()
            yield None
    finally:
        driver.pool.shutdown(wait=False, cancel_futures=True)


class _Driver:
    """The episodes under way: each one waits for the engine or for a tool."""

    def __init__(
        self, engine: Engine, call_tool: Callable[[str, str], Observation], limits: Limits
    ) -> None:
        self.engine = engine
        self.call_tool = call_tool
        self.limits = limits
        self.live: dict[str, _Live] = {}
        self.acting: dict[Future[Observation], str] = {}
        self.pool = ThreadPoolExecutor(TOOL_THREADS, "tool")

    def begin(self, task: Task, trial: int, loop: React) -> Iterator[Episode]:
        episode_id = f"{task.id}#{trial}"
        self.live[episode_id] = _Live(task, trial, loop, time.monotonic())
        yield from self._send(episode_id, None)

    def advance(self) -> Iterator[Episode]:
        """One step of the engine, and every tool answer that has arrived."""
        for episode_id, completion in self.engine.step():
            yield from self._send(episode_id, completion)
        generating = len(self.live) > len(self.acting)
        if self.acting:
            wait(self.acting, timeout=0 if generating else 0.05, return_when=FIRST_COMPLETED)
        for future in [f for f in self.acting if f.done()]:
            yield from self._send(self.acting.pop(future), future.result())
        yield from self._give_up_on_slow_tools()

    def _give_up_on_slow_tools(self) -> Iterator[Episode]:
        now = time.monotonic()
        for future in [f for f, i in self.acting.items() if now > self.live[i].waits_until]:
            future.cancel()
            seconds = self.limits.step_seconds
            yield from self._send(
                self.acting.pop(future),
                Observation(
                    f"the tool did not answer within {seconds:g} s", "unavailable", seconds
                ),
            )

    def _send(self, episode_id: str, value: Completion | Observation | None) -> Iterator[Episode]:
        """Give the loop what it waited for; carry out what it asks next."""
        live = self.live[episode_id]
        try:
            request = live.loop.send(value)  # type: ignore[arg-type]  # None starts a generator
        except StopIteration as stop:
            yield self._end(episode_id, stop.value)
            return
        now = time.monotonic()
        deadline = min(now + self.limits.step_seconds, live.began + self.limits.episode_seconds)
        if isinstance(request, Generate):
            if now >= deadline:
                yield from self._send(episode_id, Completion("", "time"))
            else:
                self.engine.submit(episode_id, request, deadline)
        else:
            live.waits_until = now + self.limits.step_seconds
            self.acting[self.pool.submit(self.call_tool, request.tool, request.input)] = episode_id

    def _end(self, episode_id: str, episode: Episode) -> Episode:
        live = self.live.pop(episode_id)
        self.engine.finish(episode_id)
        return dataclasses.replace(episode, seconds=round(time.monotonic() - live.began, 3))
