"""The noise floor: two runs of one model are never called different, and repeats are measured."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.report.data import load_result
from harness.report.experiments import are_repeats
from harness.report.noise import measure_noise
from harness.run.store import Run
from harness.scoring.statistics import wilson
from harness.suites.subsets import Subset
from harness.types import EngineSettings, Episode, Observation, Sampling, Suite
from tests.made_runs import episode, many_tasks, plan, write_right, write_run, write_suite


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return write_suite(tmp_path / "suite", many_tasks(40))


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def compared(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[str, Any]:
    """What ``compare`` prints, white space folded, and its JSON."""
    command = ["compare", *map(str, arguments)]
    said = []
    for more in ([], ["--json"]):
        capsys.readouterr()
        assert main([*command, *more]) == 0
        said.append(capsys.readouterr().out)
    assert all(len(line) <= 80 for line in said[0].splitlines())
    return " ".join(said[0].split()), json.loads(said[1])


def run_of(runs_dir: Path, suite: Suite, some: Iterable[Episode], slots: int = 1) -> Run:
    return write_run(runs_dir, plan(suite, "one"), some, {"slots": slots})


def test_two_runs_of_one_model_show_what_differs_and_neither_is_better(
    suite: Suite, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In 3 of 40 episodes the second run answers otherwise, in one more it is as wrong as
    before with other words."""
    some = [episode(task, i < 30) for i, task in enumerate(suite.tasks)]
    again = [episode(task, 3 <= i < 30) for i, task in enumerate(suite.tasks)]
    last = again[39]
    wrong = replace(
        last.steps[1], completion=replace(last.steps[1].completion, text=" So.\nAnswer: 8")
    )
    again[39] = replace(last, steps=(last.steps[0], wrong), answer="8")
    one, other = run_of(runs_dir, suite, some), run_of(runs_dir, suite, again, slots=4)
    said, found = compared(capsys, one.path, other.path)
    assert "the runs differ in slots" in said
    assert said.count("two runs of one model: any difference is noise") == 1
    low, high = (100 * x for x in wilson(3, 40))
    assert f"outcomes flipped 3 of 40 tasks, 7.5 % [{low:.1f}, {high:.1f}]" in said
    assert "answers changed 4 of 40 tasks, 10.0 % [" in said
    assert "steps 4 of 80 differ in their text, 5.0 % [" in said
    assert "first difference sum-0, step 2" in said
    assert "A I know. Answer: 1000 B I know. Answer: 7" in said
    assert "better than" not in said
    (pair,) = found["comparisons"]
    assert pair["better"] == "" and pair["noise"]["first"]["texts"][1] == " I know.\nAnswer: 7"
    assert (pair["noise"]["flipped"]["value"], pair["noise"]["steps"]["n"]) == (3 / 40, 80)


def test_more_than_chance_between_runs_of_one_model_asks_for_the_cause(
    suite: Suite, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [write_right(runs_dir, suite, "one", n, engine={"slots": n}) for n in (5, 35)]
    said, _ = compared(capsys, *(run.path for run in runs))
    assert "differ by more than chance" in said and "look for the cause" in said
    assert "is better than" not in said


def test_runs_that_are_alike_say_that_nothing_changed(
    suite: Suite, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [write_right(runs_dir, suite, "one", 30) for _ in range(2)]
    said, found = compared(capsys, *(run.path for run in runs))
    assert "outcomes flipped 0 of 40 tasks" in said and "0 of 80 differ in their text" in said
    assert "first difference" not in said and found["comparisons"][0]["noise"]["first"] is None


def test_repeats_stand_beside_the_difference_of_two_models(
    suite: Suite, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strangers: list[dict[str, Any]] = [
        {"mode": "grammar"},
        {"seed": 3},
        {"prompt": "closed-book"},
        {"settings": EngineSettings(sampling=Sampling(1.0))},
    ]
    for change in strangers:
        write_right(runs_dir, suite, "weak", 40, **change)
    for right in (11, 13):
        write_right(runs_dir, suite, "weak", right, engine={"slots": right})
    weak = write_right(runs_dir, suite, "weak", 10)
    strong = write_right(runs_dir, suite, "strong", 30)
    said, found = compared(capsys, strong.path, weak.path, "--runs-dir", runs_dir)
    assert "strong is better than weak by 50 points" in said
    assert "noise floor: in repeats of B, 4 of 80 answers changed (5.0 % [" in said
    assert "2 repeats), 4 of them between right and wrong" in said
    assert "in repeats of A" not in said
    assert found["noise_floors"]["weak"]["repeats"] == 2 and len(found["noise_floors"]) == 1
    assert found["comparisons"][0]["noise"] is None


def test_repeats_are_found_beside_the_runs_and_paired_on_common_tasks(
    suite: Suite, runs_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_right(runs_dir, suite, "weak", 4, subset=Subset(limit=8))
    weak = write_right(runs_dir, suite, "weak", 10)
    strong = write_right(runs_dir, suite, "strong", 30)
    elsewhere = tmp_path / "no-such-folder"
    said, _ = compared(capsys, strong.path, weak.path, "--runs-dir", elsewhere)
    assert "in repeats of B, " in said and " of 8 answers changed" in said


def test_many_runs_name_the_noise_of_each_pair(
    suite: Suite, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [write_right(runs_dir, suite, "one", n, engine={"slots": n}) for n in (30, 32)]
    runs.append(write_right(runs_dir, suite, "two", 10))
    said, found = compared(capsys, *(run.path for run in runs))
    assert "one (slots 30) / one (slots 32): 2 of 40 outcomes flipped" in said
    assert [bool(c["noise"]) for c in found["comparisons"]] == [True, False, False]


def test_faults_are_no_noise_and_a_tool_that_answered_otherwise_is_named(
    suite: Suite, runs_dir: Path
) -> None:
    some = [episode(task, True) for task in suite.tasks]
    again = list(some)
    again[0] = episode(suite.tasks[0], True, "tool_unavailable")
    first, last = again[1].steps
    first = replace(first, observation=Observation("9"))
    last = replace(last, completion=replace(last.completion, text=" So.\nAnswer: 9"))
    again[1] = replace(again[1], steps=(first, last), answer="9")
    runs = [load_result(run_of(runs_dir, suite, each).path) for each in (some, again)]
    noise = measure_noise(runs[0], runs[1:])
    assert (noise.flipped.hits, noise.flipped.n) == (1, 39)
    assert noise.first and (noise.first.task_id, noise.first.step) == ("sum-1", 2)
    assert noise.first.after_tool


def test_a_step_that_only_one_run_has_differs(suite: Suite, runs_dir: Path) -> None:
    whole = episode(suite.tasks[0], True)
    short = replace(whole, steps=whole.steps[:1], status="step_limit", answer="")
    runs = [load_result(run_of(runs_dir, suite, [each]).path) for each in (whole, short)]
    noise = measure_noise(runs[0], runs[1:])
    assert (noise.steps.hits, noise.steps.n) == (1, 2)
    assert noise.first and noise.first.texts[1] == ""


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"model.name": "another name of the same file"}, True),
        ({"packages.llama-cpp-python": "0.9"}, True),
        ({"settings.gpu_layers": 0}, True),
        ({"settings.slots": 4}, True),
        ({"model.identity": "b" * 64}, False),
        ({"limits.steps": 3}, False),
        ({"parser_version": 9}, False),
        ({"model.identity": "scripted:perfect", "model.name": "a"}, False),
    ],
)
def test_a_repeat_is_the_same_model_in_the_same_experiment(
    change: dict[str, Any], same: bool
) -> None:
    settings = {"model.name": "m", "model.identity": "a" * 64, "limits.steps": 7}
    assert are_repeats(settings, {**settings, **change}) is same


def test_a_name_is_the_identity_of_a_model_without_a_file() -> None:
    """A server has no bytes to hash: another name there is another model."""
    settings = {"model.name": "m", "model.identity": "openai:served"}
    assert are_repeats(settings, dict(settings))
    assert not are_repeats(settings, {**settings, "model.name": "n"})
