"""Faults on purpose: whatever a world does, no model is blamed for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness import prompts
from harness.protocol import Protocol
from harness.run.plan import Extras, RunPlan, equip
from harness.run.session import open_session
from harness.scoring.episodes import score_episode
from harness.suites import tasks
from harness.types import Episode, Model, Observation, UserError, WorldSpec
from harness.worlds.faults import FAULT_KINDS, Faults, read_faults


def run_with(folder: Path, fault: str, runs_dir: Path, **changes: object) -> list[Episode]:
    suite = tasks.load_suite(str(folder))
    extras = Extras(faults=fault)
    prompt, spec = equip(prompts.load_prompt("react"), WorldSpec("frozen", suite.world), extras)
    plan = RunPlan(Model("perfect", "scripted", "perfect"), suite, prompt, spec, extras=extras)
    session = open_session(replace(plan, **changes), runs_dir)  # type: ignore[arg-type]
    return [event for event in session.events() if isinstance(event, Episode)]


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_no_fault_is_scored_against_a_model(suite_folder: Path, tmp_path: Path, kind: str) -> None:
    """The perfect agent: every episode is right, or it is unscored and says why."""
    suite = {task.id: task for task in tasks.load_suite(str(suite_folder)).tasks}
    episodes = run_with(suite_folder, f"rate=1,kind={kind}", tmp_path)
    scores = [
        score_episode(suite[e.task_id], e, Protocol(("calculate", "wikipedia", "search")))
        for e in episodes
    ]
    assert len(scores) == 3
    assert all(score.correct or score.fault == "tool" for score in scores)
    assert sum(score.fault == "tool" for score in scores) == (0 if kind == "slow" else 2), (
        "arithmetic needs no world"
    )
    if kind == "slow":
        assert all(
            e.steps[0].observation and e.steps[0].observation.seconds > 1
            for e in episodes
            if e.task_id != "sum"
        )


def test_faults_are_part_of_the_experiment(suite_folder: Path, tmp_path: Path) -> None:
    assert len(run_with(suite_folder, "rate=0", tmp_path)) == 3
    assert run_with(suite_folder, "rate=0", tmp_path) == [], "complete"
    assert len(run_with(suite_folder, "rate=1,kind=429", tmp_path)) == 3


def test_faults_come_at_their_rate_and_by_the_seed_alone() -> None:
    questions = [("wikipedia", f"Page {number}") for number in range(2000)]
    drawn = [Faults(0.3, seed=1).draw(*question) for question in questions]
    assert drawn == [Faults(0.3, seed=1).draw(*question) for question in questions]
    assert drawn != [Faults(0.3, seed=2).draw(*question) for question in questions]
    assert 500 < sum(map(bool, drawn)) < 700
    assert all(90 < drawn.count(kind) < 150 for kind in FAULT_KINDS)
    assert not any(Faults(0.0).draw(*question) for question in questions)
    assert Faults(1.0).draw("wikipedia", "\ud800")


def test_what_does_not_fail_is_asked_as_ever() -> None:
    ask = Faults(0.5, ("429",))(lambda tool, input: Observation(input))
    spared = next(str(n) for n in range(99) if not Faults(0.5, ("429",)).draw("wikipedia", str(n)))
    assert ask("wikipedia", spared).text == spared


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0.5",
        "rate=2",
        "rate=x",
        "rate=0.1,kind=boom",
        "rate=0.1,kinds=429",
        "kind=429",
        "rate=nan",
    ],
)
def test_a_fault_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"expected e\.g\. rate=0\.1,kind=429"):
        read_faults(text)


def test_several_kinds() -> None:
    assert read_faults("rate=0.25,kind=429+slow", 7) == Faults(0.25, ("429", "slow"), 7)
    assert read_faults("rate=1").kinds == FAULT_KINDS
