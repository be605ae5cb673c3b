"""Many loops over one engine: what the clock may do, and that a run repeats word for word."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from harness import prompts
from harness.agent import React, react
from harness.common.records import rebuild, slim
from harness.engines.scripted import ScriptedEngine, perfect
from harness.run import worker
from harness.run.scheduler import Started, ToolCaller, run_episodes
from harness.run.session import open_session
from harness.run.store import Run
from harness.run.worker import Failed, supervise
from harness.scoring.episodes import score_episode
from harness.suites.subsets import Subset
from harness.tools import Toolbox
from harness.types import Completion, Episode, Limits, Model, Observation, Step, Task
from harness.worlds.faults import Faults
from harness.worlds.none import NoWorld
from tests.conftest import ROOT, TASKS
from tests.test_session import finish, plan_for, wait_until

PROMPT = prompts.load_prompt("react", "calculate: 1")
TOOLS = ("calculate", "wikipedia", "search")


def new_loop(task: Task, trial: int, limits: Limits = Limits()) -> React:
    return react(task, PROMPT, limits, PROMPT.protocol(), trial=trial)


class Noted:
    """ToolCaller that answer at any time, and keep who asked what, in order, in which thread."""

    def __init__(self, quick: bool, answer: Callable[[str], Observation]) -> None:
        self.quick = quick
        self.answer = answer
        self.asked: list[str] = []
        self.threads: set[str] = set()

    def instant(self, tool: str) -> bool:
        return self.quick

    def call(self, tool: str, input: str) -> Observation:
        self.asked.append(f"{tool}: {input}")
        self.threads.add(threading.current_thread().name)
        return self.answer(input)


def run(
    tools: ToolCaller, limits: Limits = Limits(), trials: int = 1, **kind: float
) -> list[Episode]:
    engine = ScriptedEngine(perfect, TASKS, slots=3)
    todo = [(task, trial) for trial in range(trials) for task in TASKS]
    events = run_episodes(engine, todo, new_loop, tools, limits, **kind)
    return [event for event in events if isinstance(event, Episode)]


# --- the schedule -----------------------------------------------------------------------


def test_instant_tools_keep_one_order_however_long_they_take() -> None:
    chance = random.Random(0)

    def late(input: str) -> Observation:
        time.sleep(chance.random() / 100)
        return Observation(f"about {input}")

    both = [Noted(True, late), Noted(True, late)]
    first, second = ([e.task_id for e in run(tools, trials=4)] for tools in both)
    assert first == second and both[0].asked == both[1].asked
    assert both[0].threads == {threading.current_thread().name}


def test_a_slow_tool_keeps_nobody_waiting() -> None:
    others = threading.Semaphore(0)

    def answer(input: str) -> Observation:
        if input == "Oru":  # comes back when both other episodes have been served
            assert others.acquire(timeout=60) and others.acquire(timeout=60)
        else:
            others.release()
        return Observation(f"about {input}")

    tools = Noted(False, answer)
    assert {e.status for e in run(tools)} == {"answered"}
    assert threading.current_thread().name not in tools.threads


def test_a_tool_that_never_answers_is_unavailable() -> None:
    never = threading.Event()

    def answer(input: str) -> Observation:
        if input == "Oru":
            never.wait(60)
        return Observation("144")

    ended = {e.task_id: e for e in run(Noted(False, answer), tool_seconds=0.3)}
    never.set()
    assert {name for name, e in ended.items() if e.status == "answered"} == {"sum", "ship"}
    assert ended["mayor"].status == "tool_unavailable"
    assert "did not answer within 0.3 s" in ended["mayor"].detail


@pytest.mark.parametrize(
    ("fault", "wikipedia"),
    [
        (None, True),
        (Faults(1.0, ("429",)), True),
        (Faults(0.0), True),
        (Faults(0.1, ("429", "slow")), False),
    ],
)
def test_tools_say_whether_they_are_instant(fault: Faults | None, wikipedia: bool) -> None:
    box = Toolbox(TOOLS, NoWorld(), fault=fault)
    assert box.instant("wikipedia") is wikipedia
    assert box.instant("calculate") and box.instant("no such tool")


def test_a_users_own_tool_is_not_taken_to_be_instant(tmp_path: Path) -> None:
    from harness.tools.own import load_tools

    file = tmp_path / "mine.py"
    file.write_text('def roman(text):\n    """roman: 14\n    A number."""\n    return "XIV"\n')
    box = Toolbox(("calculate", "roman"), NoWorld(), load_tools(str(file)))
    assert box.instant("calculate") and not box.instant("roman")


@pytest.fixture
def busy() -> Iterator[None]:
    """Another program uses a core."""
    burner = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    yield
    burner.kill()
    burner.wait()


PICO = ROOT / "pico" / "weights" / "pico-0.8M-f16.gguf"


def pico_run(folder: Path, runs_dir: Path) -> list[Episode]:
    model = Model("pico", "llama_cpp", str(PICO))
    return finish(plan_for(folder, model=model, trials=4), runs_dir)[1]


def timeless(episodes: list[Episode]) -> list[Episode]:
    """The episodes, in their order, without how long anything took."""
    return [
        replace(
            episode,
            seconds=0.0,
            steps=tuple(
                Step(
                    replace(step.completion, seconds=0.0),
                    step.parsed,
                    step.observation and replace(step.observation, seconds=0.0),
                )
                for step in episode.steps
            ),
        )
        for episode in episodes
    ]


def test_the_same_command_twice_gives_the_same_on_a_busy_machine(
    suite_folder: Path, tmp_path: Path, busy: None
) -> None:
    pytest.importorskip("llama_cpp")
    first = pico_run(suite_folder, tmp_path / "first")
    second = pico_run(suite_folder, tmp_path / "second")
    assert len(first) == 12 and timeless(first) == timeless(second)


# --- the clock --------------------------------------------------------------------------


def stop_for_a_while(seconds: float) -> None:
    """Ctrl-Z for the worker of this process, and go on later."""
    assert wait_until(lambda: any(p.is_running() for p in psutil.Process().children()))
    for child in psutil.Process().children():
        child.send_signal(signal.SIGSTOP)
        threading.Timer(seconds, child.send_signal, (signal.SIGCONT,)).start()


def test_a_pause_changes_nothing(suite_folder: Path, tmp_path: Path) -> None:
    """Neither the text nor, where one was asked for, the deadline: it counts awake time."""
    pytest.importorskip("llama_cpp")
    model, limits = Model("pico", "llama_cpp", str(PICO)), Limits(deadline=4.0)
    plan = plan_for(suite_folder, model=model, limits=limits, trials=6)
    session = open_session(plan, tmp_path / "paused")
    paused: list[Episode] = []
    begun = False
    for event in session.events():
        if isinstance(event, Episode):
            paused.append(event)
        elif isinstance(event, Started) and not begun:
            begun = True
            stop_for_a_while(5.0)
    undisturbed = finish(plan, tmp_path / "undisturbed")[1]
    assert any(e.seconds > 4.0 for e in paused), "some episode was stopped in its middle"
    assert timeless(paused) == timeless(undisturbed)


def test_a_worker_that_hangs_is_unscored(suite_folder: Path) -> None:
    events = list(supervise(plan_for(suite_folder, "hangs"), restarts=0, silence=1.0))
    ended = [event for event in events if isinstance(event, Episode)]
    assert len(ended) == 3 and {e.status for e in ended} == {"engine_error"}
    assert all("no sign of life for 1 s" in e.detail for e in ended)
    assert not any(isinstance(event, Failed) and event.who != "engine" for event in events)


@pytest.mark.parametrize(
    ("code", "hangs"), [("while True: pass", False), ("import time; time.sleep(600)", True)]
)
def test_who_computes_does_not_hang(code: str, hangs: bool) -> None:
    child = subprocess.Popen([sys.executable, "-c", code])
    try:
        time.sleep(0.5)  # it has started
        watch = worker._Watch(child.pid)
        watch.heard()
        if hangs:
            assert wait_until(lambda: watch.quiet() > 1.5)
            child.send_signal(signal.SIGSTOP)
            assert wait_until(lambda: watch.quiet() == 0), "stopped on purpose: not blamed"
        else:
            used = psutil.Process(child.pid).cpu_times().user
            assert wait_until(lambda: psutil.Process(child.pid).cpu_times().user > used + 0.2)
            assert watch.quiet() == 0
    finally:
        child.kill()
        child.wait()


def test_only_a_deadline_that_was_asked_for_ends_an_episode() -> None:
    def late(input: str) -> Observation:
        time.sleep(0.5)
        return Observation("144")

    assert {e.status for e in run(Noted(True, late))} == {"answered"}
    for quick in (True, False):
        ended = run(Noted(quick, late), Limits(deadline=0.2))
        assert {e.status for e in ended} == {"deadline"}
        by_id = {task.id: task for task in TASKS}
        for episode in ended:
            score = score_episode(by_id[episode.task_id], episode, PROMPT.protocol())
            assert (score.fault, score.correct) == ("", False)
            assert len(score.steps) == 1, "what was cut off is no malformed step"


def test_an_older_record_that_the_clock_ended_is_unscored(
    suite_folder: Path, tmp_path: Path
) -> None:
    """Under the old default it was the machine's doing; the same command tries it again."""
    cut = Completion(" half a wo", "time")  # type: ignore[arg-type]  # as it stands in records
    old = Episode("sum", 0, "time_limit", (Step(cut, PROMPT.protocol().read(cut)),))  # type: ignore[arg-type]
    old = rebuild(Episode, slim(old))
    score = score_episode(TASKS[0], old, PROMPT.protocol())
    assert (score.fault, score.steps) == ("harness", ())
    plan = plan_for(suite_folder)
    begun = finish(replace(plan, subset=Subset(tasks=("mayor",))), tmp_path)[0]
    with begun.writer() as writer:
        writer.append(old)
    again, ended = finish(plan, tmp_path)
    assert again.path == begun.path and len(ended) == 2
    assert {e.status for e in Run.open(again.path).episodes()} == {"answered"}
