"""The report: every figure with its interval, in 80 columns, and JSON that programs can read."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from harness.cli import main
from harness.report import data, details, table
from harness.runs import Run
from harness.scoring.statistics import wilson
from harness.types import Completion, Episode, Observation, Step, Suite, Task
from tests.made_runs import episode, many_tasks, plan, write_right, write_run, write_suite


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return write_suite(tmp_path / "suite", many_tasks(40))


@pytest.fixture
def run(suite: Suite, tmp_path: Path) -> Run:
    """40 sums, 30 right; two lost to the world, one answer without a thought."""
    some = [episode(task, i < 30, strict=i != 5) for i, task in enumerate(suite.tasks[:38])]
    some += [episode(task, False, "tool_unavailable") for task in suite.tasks[38:]]
    return write_run(tmp_path / "runs", plan(suite, "pico-8M-q4"), some)


def printed(rows: list[dict[str, object]], width: int) -> str:
    screen = Console(width=width, markup=False, highlight=False, file=io.StringIO())
    for block in table.render(rows, width):
        screen.print(block)
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


# --- the table --------------------------------------------------------------------------


def test_strict_repaired_gap_and_interval_stand_in_the_table(run: Run) -> None:
    row = data.row(data.load(run.path))
    assert (row["scored"], row["unscored"], row["episodes"]) == (38, 2, 40)
    assert (row["accuracy_low"], row["accuracy_high"]) == pytest.approx(wilson(30, 38))
    assert row["gap"] == pytest.approx(row["readable"] - row["wellformed"]) == pytest.approx(1 / 76)
    text = printed([row], 80)
    low, high = (round(100 * x) for x in wilson(30, 38))
    assert f"78.9 [{low}, {high}]" in text
    assert "98.7    100.0 1.3" in text
    assert "unscored for a fault: pico-8M-q4, 2 of 40" in text


@pytest.mark.parametrize("width", [80, 100, 200])
def test_no_line_wraps_whatever_the_width(run: Run, width: int) -> None:
    row = data.row(data.load(run.path))
    rows = [row, row | {"name": "a-model-with-a-very-long-name-instruct-q8", "accuracy": 1.0},
            row | {"mode": "grammar", "accuracy_high": 1.0, "params": 13_015_864_320},
            row | {"tokens_per_second": 123_456.0, "peak_memory": 12_345_678_901}]  # fmt: skip
    text = printed(rows, width)
    assert max(map(len, text.rstrip().splitlines())) <= width
    for figure in ("98.7", "123,456", "12.3 GB", "13B", "grammar mode", "text mode"):
        assert figure in text, figure
    assert "…" not in text, "no figure and no name is cut"


def test_a_run_without_any_scored_episode_is_shown_as_that(
    suite: Suite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = [Episode(task.id, 0, "engine_error", (), detail="gone") for task in suite.tasks]
    run = write_run(tmp_path / "runs", plan(suite, "m"), lost)
    assert main(["report", str(run.path)]) == 0
    assert main(["report", str(run.path), "--details"]) == 0
    capsys.readouterr()
    assert main(["report", str(run.path), "--json", "--details"]) == 0
    (row,) = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert row["accuracy"] is None and row["unscored_by"] == {"engine": 40}


def test_a_name_cannot_forge_the_table(
    suite: Suite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = write_right(tmp_path / "runs", suite, "evil\x1b[2J[red]", 30)
    for more in ([], ["--details"]):
        assert main(["report", str(run.path), *more]) == 0
        said = capsys.readouterr().out
        assert "\x1b" not in said and "[red]" in said


def test_the_newest_run_of_each_experiment_is_taken(suite: Suite, tmp_path: Path) -> None:
    runs_dir = tmp_path / "runs"
    write_right(runs_dir, suite, "one", 1)
    kept = [write_right(runs_dir, suite, "one", 2), write_right(runs_dir, suite, "one", 3, mode="grammar"),
            write_right(runs_dir, suite, "one", 4, repair=False), write_right(runs_dir, suite, "two", 5)]  # fmt: skip
    assert sorted(data.newest(runs_dir)) == sorted(run.path for run in kept)


# --- the details ------------------------------------------------------------------------


def test_details_tell_categories_errors_ladder_tools_and_faults(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    details.show(data.load(run.path))
    said = capsys.readouterr().out
    for words in (
        "right          78.9 % [63.7, 88.9]", "format gap 2.6 points", "gap 1.3 points",
        "parsed 100% > right tool 100% > right input 100% > evidence 100% > answer 79%",
        "for a fault of tool 2", "missing_thought        1", "more sums", "0 beyond the gold",
    ):  # fmt: skip
        assert words in said or words in " ".join(said.split()), words
    assert max(map(len, said.splitlines())) <= 80


def test_the_composability_gap_counts_whole_chains_that_end_wrong(
    suite: Suite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twice = [replace(t, gold_actions=t.gold_actions * 2) for t in suite.tasks]
    chains = write_suite(tmp_path / "suite", twice, "chains")
    write_right(tmp_path / "runs", chains, "one", 30)
    assert main(["report", "--runs-dir", str(tmp_path / "runs"), "--details"]) == 0
    said = capsys.readouterr().out
    assert "composability  gap 25.0 % [" in said and "0 beyond the gold solutions, 40 short" in said


def test_trials_bring_pass_at_k_and_pass_all_k(suite: Suite, tmp_path: Path) -> None:
    some = [replace(episode(task, (i + trial) % 2 == 0), trial=trial)
            for trial in range(2) for i, task in enumerate(suite.tasks)]  # fmt: skip
    run = write_run(tmp_path / "runs", plan(suite, "m", trials=2), some)
    found = data.details(data.load(run.path))
    assert found["trials"] == 2
    assert found["pass_at"][1]["value"] == 0.5 and found["pass_at"][2]["value"] == 1.0
    assert found["pass_all"][2]["value"] == 0.0
    assert found["pass_at"][2]["low"] < 1.0 == found["pass_at"][2]["high"]


def test_a_probe_shows_tool_input_and_run_on(
    suite: Suite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    right = [_probed(task, i % 4 == 0) for i, task in enumerate(suite.tasks)]
    run = write_run(tmp_path / "runs", plan(suite, "m", prompt="deck-2023"), right)
    found = data.details(data.load(run.path))
    assert found["run_on"]["value"] == 0.25 and found["accuracy"] == 1.0
    assert found["accuracy_strict"] == 0.75
    assert main(["report", str(run.path), "--details"]) == 0
    assert "ran on         25.0 % [" in capsys.readouterr().out


def _probed(task: Task, runs_on: bool) -> Episode:
    text = f" I add.\nAnswer: calculate: {task.gold_actions[0].expr}\n"
    text += "\nQuestion: And 2 + 2?\nThought: Again.\nAnswer: calculate: 2 + 2\n" if runs_on else ""
    step = episode(task, True).steps[0]
    done = Completion(text, "length" if runs_on else "eos")
    return Episode(task.id, 0, "step_limit", (Step(done, step.parsed),))


def test_every_figure_of_the_details_is_json(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(run.path), "--details", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert row["categories"]["sums"]["tasks"] == 19 and row["errors"] == {"missing_thought": 1}
    assert row["composability"]["value"] is None, "no task has two hops"


def test_observations_of_a_lost_world_blame_nobody(suite: Suite, tmp_path: Path) -> None:
    lost = episode(suite.tasks[0], True)
    seen = Observation("no answer", "not_on_tape")
    step = replace(lost.steps[0], observation=seen)
    some = [replace(lost, steps=(step,), status="tool_unavailable"), episode(suite.tasks[1], True)]
    row = data.row(data.load(write_run(tmp_path / "runs", plan(suite, "m"), some).path))
    assert (row["scored"], row["unscored"], row["accuracy"]) == (1, 1, 1.0)
