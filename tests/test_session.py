"""A run from end to end with the scripted engine: kept, resumed, and proof against crashes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness import prompts, tasks
from harness.runs import Run
from harness.session import Plan, open_session
from harness.tools import Toolbox
from harness.types import Episode, Limits, Model, UserError, WorldSpec
from harness.worker import Failed
from harness.worlds import open_world


def plan_for(folder: Path, script: str = "perfect", **changes: object) -> Plan:
    suite = tasks.load_suite(str(folder))
    prompt = prompts.load("react")
    box = Toolbox(prompt.tools, open_world("frozen", suite.world))
    plan = Plan(Model(f"scripted-{script}", "scripted", script), suite, prompts.render(prompt, box.describe()),
                WorldSpec("frozen", suite.world, suite.world_sha256))  # fmt: skip
    return replace(plan, **changes)  # type: ignore[arg-type]


def finish(plan: Plan, runs_dir: Path) -> tuple[Run, list[Episode]]:
    session = open_session(plan, runs_dir)
    return session.run, [event for event in session.events() if isinstance(event, Episode)]


def test_a_perfect_agent_uses_the_tools_and_is_right(suite_folder: Path, tmp_path: Path) -> None:
    run, episodes = finish(plan_for(suite_folder), tmp_path / "runs")
    assert {e.task_id: (e.status, e.answer) for e in episodes} == {
        "sum": ("answered", "144"), "mayor": ("answered", "Pell Ansa"), "ship": ("answered", "unknown"),
    }  # fmt: skip
    mayor = next(e for e in run.episodes() if e.task_id == "mayor")
    assert mayor.steps[0].observation and "Pell Ansa" in mayor.steps[0].observation.text
    manifest = Run.open(run.path).manifest
    assert manifest["engine"]["prefix_tokens_sha256"] and manifest["sessions"][0]["episodes"] == 3


def test_the_same_plan_continues_and_then_is_complete(suite_folder: Path, tmp_path: Path) -> None:
    first, episodes = finish(plan_for(suite_folder, limit=1), tmp_path)
    assert len(episodes) == 1
    second, episodes = finish(plan_for(suite_folder), tmp_path)
    assert second.path == first.path and len(episodes) == 2
    third = open_session(plan_for(suite_folder), tmp_path)
    assert third.todo == [] and list(third.events()) == []
    assert open_session(plan_for(suite_folder), tmp_path, fresh=True).run.path != first.path


@pytest.mark.parametrize(
    "changes",
    [{"seed": 1}, {"repair": False}, {"mode": "grammar"}, {"limits": Limits(steps=3)}],
    ids=lambda changes: next(iter(changes)),
)
def test_another_experiment_is_another_run(
    suite_folder: Path, tmp_path: Path, changes: dict[str, object]
) -> None:
    plan = plan_for(suite_folder)
    first = open_session(plan, tmp_path)
    assert open_session(replace(plan, **changes), tmp_path).run.path != first.run.path  # type: ignore[arg-type]


def test_changed_tasks_are_another_run(suite_folder: Path, tmp_path: Path) -> None:
    first = open_session(plan_for(suite_folder), tmp_path)
    lines = (suite_folder / "tasks.jsonl").read_text().split("\n")
    (suite_folder / "tasks.jsonl").write_text("\n".join(lines[1:]))
    assert open_session(plan_for(suite_folder), tmp_path).run.path != first.run.path


def test_engine_faults_are_unscored_and_tried_again(suite_folder: Path, tmp_path: Path) -> None:
    plan = plan_for(suite_folder, "faulty", trials=20)
    run, episodes = finish(plan, tmp_path)
    failed = [e for e in episodes if e.status == "engine_error"]
    assert 0 < len(failed) < len(episodes) == 60
    assert all(e.detail == "injected fault" for e in failed)
    again = open_session(plan, tmp_path)
    assert again.run.path == run.path and len(again.todo) == len(failed)


def test_a_dying_worker_is_replaced_once_and_blamed_on_nobody(
    suite_folder: Path, tmp_path: Path
) -> None:
    run, episodes = finish(plan_for(suite_folder, "dies"), tmp_path)
    assert {e.status for e in episodes} == {"engine_error"}
    assert all("SIGSEGV" in e.detail for e in episodes)
    session = open_session(plan_for(suite_folder, "dies"), tmp_path)
    assert [event for event in session.events() if isinstance(event, Failed)]
    assert run.done() == set()


def test_an_unknown_script_is_the_users_mistake(suite_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no script 'perfct'"):
        finish(plan_for(suite_folder, "perfct"), tmp_path)


def test_ctrl_c_keeps_what_is_finished_and_leaves_no_process(
    suite_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "models.toml").write_text(
        '[slow]\nparams = 0\nlicence = "x"\nscript = { name = "slow" }\n'
    )
    command = [sys.executable, "-m", "harness", "run", "--model", "slow-script", "--suite", str(suite_folder),
               "--trials", "100", "--runs-dir", "runs", "--slots", "2"]  # fmt: skip
    child = subprocess.Popen(
        command,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # a shell's background job ignores Ctrl-C, and so would its children
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert wait_until(lambda: finished(tmp_path / "runs") >= 3)
    os.killpg(child.pid, signal.SIGINT)
    _, said = child.communicate(timeout=20)
    assert child.returncode == 130 and "the same command goes on from there" in said
    run = Run.open(next((tmp_path / "runs").iterdir()))
    assert 3 <= len(run.episodes()) < 300
    assert wait_until(lambda: subprocess.run(["pgrep", "-g", str(child.pid)]).returncode == 1)


def wait_until(holds: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds()


def finished(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("*/episodes.jsonl"))
