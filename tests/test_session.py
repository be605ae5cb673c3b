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

from harness import prompts
from harness.run.plan import Extras, RunPlan
from harness.run.session import open_session
from harness.run.store import Run
from harness.run.worker import Failed, supervise
from harness.suites import tasks
from harness.suites.subsets import Subset
from harness.tools import describe_tools
from harness.types import EngineSettings, Episode, Limits, Model, Sampling, UserError, WorldSpec


def plan_for(folder: Path, script: str = "perfect", **changes: object) -> RunPlan:
    suite = tasks.load_suite(str(folder))
    prompt = prompts.load_prompt("react")
    plan = RunPlan(
        Model(f"scripted-{script}", "scripted", script),
        suite,
        prompts.render_prompt(prompt, describe_tools(prompt.tools)),
        WorldSpec("frozen", suite.world, suite.world_sha256),
    )
    return replace(plan, **changes)  # type: ignore[arg-type]


def finish(plan: RunPlan, runs_dir: Path) -> tuple[Run, list[Episode]]:
    session = open_session(plan, runs_dir)
    episodes = [event for event in session.events() if isinstance(event, Episode)]
    assert session.run
    return session.run, episodes


def test_a_perfect_agent_uses_the_tools_and_is_right(suite_folder: Path, tmp_path: Path) -> None:
    run, episodes = finish(plan_for(suite_folder), tmp_path / "runs")
    assert {e.task_id: (e.status, e.answer) for e in episodes} == {
        "sum": ("answered", "144"),
        "mayor": ("answered", "Pell Ansa"),
        "ship": ("answered", "unknown"),
    }
    mayor = next(e for e in run.episodes() if e.task_id == "mayor")
    assert mayor.steps[0].observation and "Pell Ansa" in mayor.steps[0].observation.text
    manifest = Run.open(run.path).manifest
    assert manifest["engine"]["prefix_tokens_sha256"] and manifest["sessions"][0]["episodes"] == 3


def test_the_same_plan_continues_and_then_is_complete(suite_folder: Path, tmp_path: Path) -> None:
    first, episodes = finish(plan_for(suite_folder, subset=Subset(limit=1)), tmp_path)
    assert len(episodes) == 1 and len(Run.open(first.path).manifest["asked"]["tasks"]) == 1
    second, episodes = finish(plan_for(suite_folder), tmp_path)
    assert second.path == first.path and len(episodes) == 2
    assert len(Run.open(first.path).manifest["asked"]["tasks"]) == 3
    third = open_session(plan_for(suite_folder), tmp_path)
    assert third.todo == [] and list(third.events()) == []
    again = open_session(plan_for(suite_folder), tmp_path, fresh=True)
    assert len(list(again.events())) > 3 and again.run and again.run.path != first.path


def test_a_model_that_does_not_load_leaves_no_run_behind(
    suite_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="no script"):
        finish(plan_for(suite_folder, "perfct"), tmp_path)
    assert list(tmp_path.glob("*/manifest.json")) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"repair": False},
        {"mode": "grammar"},
        {"limits": Limits(steps=3)},
        {"settings": EngineSettings(sampling=Sampling(0.5))},
        {"settings": EngineSettings(slots=2)},
    ],
    ids=str,
)
def test_another_experiment_is_another_run_and_says_what_differs(
    suite_folder: Path, tmp_path: Path, changes: dict[str, object]
) -> None:
    plan = plan_for(suite_folder)
    first, _ = finish(plan, tmp_path)
    session = open_session(replace(plan, **changes), tmp_path)  # type: ignore[arg-type]
    list(session.events())
    assert session.run and session.run.path != first.path
    assert f"{first.path} is not continued: " in session.news


def test_changed_tasks_are_another_run(suite_folder: Path, tmp_path: Path) -> None:
    first, _ = finish(plan_for(suite_folder), tmp_path)
    lines = (suite_folder / "tasks.jsonl").read_text().split("\n")
    (suite_folder / "tasks.jsonl").write_text("\n".join(lines[1:]))
    assert finish(plan_for(suite_folder), tmp_path)[0].path != first.path


# What may have changed since a run was begun: the record's own word for it, and another value.
SINCE = {
    "a default": ("config.limits.steps", 12),
    "another default": ("config.settings.episode_tokens", 1024),
    "sampling": ("config.settings.sampling.top_p", 0.9),
    "the parser": ("config.parser_version", 1),
    "the tools": ("config.tools_version", 1),
    "the prompt": ("config.prompt.sha256", "0" * 64),
    "stop strings": ("config.prompt.stop", ["Observation"]),
    "the suite": ("config.suite.sha256", "0" * 64),
    "the world": ("config.world.sha256", "0" * 64),
    "the weights": ("config.model.identity", "0" * 64),
    "a row's option": ("config.model.options", {"delay": 1}),
    "the packages": ("config.packages", {"llama-cpp-python": "0.3.1"}),
    "prompt tokens": ("engine.prefix_tokens_sha256", "0" * 64),
    "the slots in effect": ("engine.slots", 3),
}


@pytest.mark.parametrize("field, value", SINCE.values(), ids=SINCE)
def test_whatever_changed_since_begins_a_new_run(
    suite_folder: Path, tmp_path: Path, field: str, value: object
) -> None:
    plan = plan_for(suite_folder, settings=EngineSettings(slots=2))
    first, _ = finish(replace(plan, subset=Subset(limit=1)), tmp_path)
    *path, last = field.split(".")
    place = first.manifest
    for key in path:
        place = place[key]
    assert place[last] != value
    place[last] = value
    first.save_manifest()
    session = open_session(plan, tmp_path)
    assert len([e for e in session.events() if isinstance(e, Episode)]) == 3
    assert session.run and session.run.path != first.path
    assert field.removeprefix("config.").removeprefix("engine.").split(".")[0] in session.news or (
        "other slots" in session.news
    )


def test_what_changes_no_episode_does_not_end_a_run(suite_folder: Path, tmp_path: Path) -> None:
    plan = plan_for(suite_folder)
    first, _ = finish(replace(plan, subset=Subset(limit=1)), tmp_path)
    first.manifest["config"]["model"]["note"] = "an older note"
    first.manifest["config"]["suite"]["path"] = "elsewhere/tasks.jsonl"
    first.manifest["harness"]["version"] = "0.0.1"
    first.manifest["engine"]["threads"] = 64
    first.save_manifest()
    settings = EngineSettings(threads=1)
    assert finish(replace(plan, settings=settings), tmp_path)[0].path == first.path


def test_what_another_process_did_meanwhile_is_neither_lost_nor_done_again(
    suite_folder: Path, tmp_path: Path
) -> None:
    plan = plan_for(suite_folder)
    finish(replace(plan, subset=Subset(limit=1)), tmp_path)
    slow = open_session(plan, tmp_path)
    quick, episodes = finish(plan, tmp_path)
    assert len(episodes) == 2
    assert [event for event in slow.events() if isinstance(event, Episode)] == []
    assert [session["episodes"] for session in Run.open(quick.path).manifest["sessions"]] == [1, 2]


def test_slots_that_the_harness_chose_are_kept(suite_folder: Path, tmp_path: Path) -> None:
    plan = plan_for(suite_folder)
    first, _ = finish(
        replace(plan, subset=Subset(limit=1), settings=EngineSettings(slots=3)), tmp_path
    )
    again, _ = finish(plan, tmp_path)
    assert again.path == first.path and again.manifest["engine"]["slots"] == 3


def test_engine_faults_are_unscored_and_tried_again(suite_folder: Path, tmp_path: Path) -> None:
    plan = plan_for(suite_folder, "faulty", trials=20)
    run, episodes = finish(plan, tmp_path)
    failed = [e for e in episodes if e.status == "engine_error"]
    assert 0 < len(failed) < len(episodes) == 60
    assert all(e.detail == "injected fault" for e in failed)
    again = open_session(plan, tmp_path)
    tried = [event for event in again.events() if isinstance(event, Episode)]
    assert again.run and again.run.path == run.path and len(tried) == len(failed)


def test_a_dying_worker_is_replaced_once_and_blamed_on_nobody(
    suite_folder: Path, tmp_path: Path
) -> None:
    run, episodes = finish(plan_for(suite_folder, "dies"), tmp_path)
    assert {e.status for e in episodes} == {"engine_error"}
    assert all("SIGSEGV" in e.detail for e in episodes)
    session = open_session(plan_for(suite_folder, "dies"), tmp_path)
    assert [event for event in session.events() if isinstance(event, Failed)]
    assert run.done() == set()


# A tools file that is loaded by each worker: from the second on, another engine answers.
EXCHANGED = """
from pathlib import Path
from harness.engines.scripted import ScriptedEngine

start, been = ScriptedEngine.start, Path({path!r})
if been.exists():
    ScriptedEngine.start = lambda self, prefix: self.facts.update(script="other") or start(self, prefix)
been.touch()

def double(number: str) -> str:
    "double: 3\\nTwice a number."
    return number * 2
"""


def test_a_restart_that_meets_another_engine_ends_the_run(
    suite_folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "tools.py"
    file.write_text(EXCHANGED.format(path=str(tmp_path / "been")))
    plan = plan_for(suite_folder, "dies", extras=Extras(str(file)))
    *before, last = list(supervise(replace(plan, settings=EngineSettings(slots=1)), restarts=3))
    (died,) = [event for event in before if isinstance(event, Episode)]
    assert died.status == "engine_error" and "SIGSEGV" in died.detail
    assert isinstance(last, Failed) and "script dies -> other" in last.message


def test_ctrl_c_keeps_what_is_finished_and_leaves_no_process(
    suite_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "models.toml").write_text(
        '[slow]\nparams = 0\nlicence = "x"\nscript = { name = "slow" }\n'
    )
    command = [
        sys.executable,
        "-m",
        "harness",
        "run",
        "--model",
        "slow-script",
        "--suite",
        str(suite_folder),
        "--trials",
        "100",
        "--runs-dir",
        "runs",
        "--slots",
        "2",
    ]
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
