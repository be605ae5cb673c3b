"""Runs as they lie on disk, without a model: who was right where is said by the test."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness import prompts
from harness.protocol import Protocol
from harness.run.plan import RunPlan
from harness.run.session import new_run
from harness.run.store import Run
from harness.suites import tasks
from harness.suites.tasks import dump_task
from harness.types import (
    Completion,
    Episode,
    GoldAction,
    Model,
    Observation,
    Status,
    Step,
    Suite,
    Target,
    Task,
    WorldSpec,
)


def many_tasks(count: int) -> tuple[Task, ...]:
    """Sums whose answers are all different."""
    return tuple(
        Task(
            f"sum-{i}",
            f"What is {i} + 1000?",
            Target("number", (str(i + 1000),)),
            "sums" if i % 2 else "more sums",
            gold_actions=(
                GoldAction("calculate", expr=f"{i} + 1000", observation_contains=str(i + 1000)),
            ),
        )
        for i in range(count)
    )


def write_suite(folder: Path, some: Iterable[Task], name: str = "sums") -> Suite:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.jsonl"
    path.write_text("".join(dump_task(task) + "\n" for task in some), "utf-8")
    return tasks.load_suite(str(path))


def plan(suite: Suite, model: str, prompt: str = "react", **changes: Any) -> RunPlan:
    row = Model(model, "scripted", "perfect", params=310_000, bits=4, family="pico")
    made = RunPlan(row, suite, prompts.load_prompt(prompt), WorldSpec("none"))
    return replace(made, **changes)


def episode(task: Task, right: bool, status: Status = "answered", strict: bool = True) -> Episode:
    """Look it up, then answer, rightly or not; ``strict`` False forgets a thought."""
    expr = task.gold_actions[0].expr
    answer = task.answer.accepted[0] if right else "7"
    seen = Observation(task.answer.accepted[0])
    steps = [_step(f" I add.\nAction: calculate: {expr}\n", seen)]
    if status == "answered":
        steps.append(_step(f"{' I know.' if strict else ''}\nAnswer: {answer}", None))
        return Episode(task.id, 0, status, tuple(steps), answer, seconds=1.0)
    return Episode(task.id, 0, status, tuple(steps), seconds=1.0, detail="a fault")


def _step(text: str, seen: Observation | None) -> Step:
    stop = "Observation:" if seen else ""
    completion = Completion(text, "stop", stop, tokens=9)
    return Step(completion, Protocol(("calculate", "wikipedia", "search")).read(completion), seen)


def write_run(
    runs_dir: Path,
    made: RunPlan,
    episodes: Iterable[Episode],
    engine: dict[str, object] | None = None,
    killed: bool = False,
) -> Run:
    """A run of that plan with these episodes. ``engine`` is what the engine reported; a run
    that was ``killed`` wrote down no session."""
    run = new_run(made, runs_dir, engine)
    with run.writer() as writer:
        for one in episodes:
            writer.append(one)
    if not killed:
        run.manifest["sessions"] = [
            {"seconds": 10.0, "tokens": 900, "episodes": 30, "peak_memory": 210_000_000}
        ]
        run.save_manifest()
    return run


def write_right(
    runs_dir: Path,
    suite: Suite,
    model: str,
    right: int,
    engine: dict[str, object] | None = None,
    done: int | None = None,
    **changes: Any,
) -> Run:
    """A run that gets the first ``right`` of the tasks that it was asked right; ``done`` says
    after how many it was killed."""
    made = plan(suite, model, **changes)
    some = [episode(task, i < right) for i, task in enumerate(made.tasks[:done])]
    return write_run(runs_dir, made, some, engine, killed=done is not None)


# What is drawn: width in bits, and the recipe that a made row of that width has.
RECIPES = {2: "Q2_K", 3: "Q3_K_M", 4: "Q4_K_M", 5: "Q5_K_M", 6: "Q6_K", 8: "Q8_0", 16: "F16", 0: ""}


def chart_row(
    name: str, params: float | None, bits: int | None = 4, **changes: Any
) -> dict[str, Any]:
    """A row as ``data.rows`` makes them, as far as the chart looks at it."""
    return {
        "name": name,
        "family": "",
        "params": params,
        "bits": bits,
        "bits_source": "file",
        "recipe": RECIPES[bits or 0],
        "heading": "core: prompt react",
        "experiment": "x",
        "subset": "",
        "apart": "",
        "mark": "",
        "progress": "8",
        "scored": 8,
        "unscored": 0,
        "deadline": 0.0,
        "missed_deadline": 0,
        "accuracy": 0.5,
        "accuracy_low": 0.4,
        "accuracy_high": 0.6,
        "wellformed": 0.7,
        "wellformed_low": 0.6,
        "wellformed_high": 0.8,
        **changes,
    }
