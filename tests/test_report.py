"""The report: every figure with its interval, in 80 columns, and JSON that programs can read."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from harness import prompts
from harness.cli import main
from harness.models.registry import short_size
from harness.prompts import Chat
from harness.report import data, table
from harness.report.words import width_words
from harness.run.store import Run
from harness.scoring.statistics import wilson
from harness.suites.subsets import Subset
from harness.types import (
    Completion,
    EngineSettings,
    Episode,
    GoldAction,
    Limits,
    Observation,
    Sampling,
    Step,
    Suite,
    Target,
    Task,
    WorldSpec,
)
from tests.conftest import ROOT
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
    for block in table.result_blocks(rows, width):
        screen.print(block)
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


# --- the table --------------------------------------------------------------------------


def test_strict_repaired_gap_and_interval_stand_in_the_table(run: Run) -> None:
    row = data.row(data.load_result(run.path))
    assert (row["scored"], row["unscored"], row["episodes"]) == (38, 2, 40)
    assert (row["accuracy_low"], row["accuracy_high"]) == pytest.approx(wilson(30, 38))
    assert row["gap"] == pytest.approx(row["readable"] - row["wellformed"]) == pytest.approx(1 / 76)
    text = printed([row], 80)
    low, high = (round(100 * x) for x in wilson(30, 38))
    assert f"78.9 [{low}, {high}] 38 of 40" in text
    assert " ".join(["98.7", "100.0", "1.3"]) in " ".join(text.split())
    assert "unscored for a fault: pico-8M-q4, 2 of 40" in text


@pytest.mark.parametrize("width", [80, 100, 200])
def test_no_line_wraps_whatever_the_width(run: Run, width: int) -> None:
    row = data.row(data.load_result(run.path))
    rows = [
        row,
        row | {"name": "a-model-with-a-very-long-name-instruct-q8", "accuracy": 1.0},
        row | {"heading": "sums: grammar mode", "accuracy_high": 1.0, "params": 13_015_864_320},
        row
        | {
            "tokens_per_second": 123_456.0,
            "peak_memory": 12_345_678_901,
            "mark": "interrupted",
            "apart": "temperature 1.5",
            "recipe": "IQ2_XXS",
        },
    ]
    text = printed(rows, width)
    assert max(map(len, text.rstrip().splitlines())) <= width
    for figure in ("98.7", "123,456", "12.3 GB", "13B", "grammar mode", "text mode"):
        assert figure in text, figure
    assert "IQ2_XXS" in text and "interrupted" in text
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


# --- experiments ------------------------------------------------------------------------


def told_rows(capsys: pytest.CaptureFixture[str], runs_dir: Path) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(["report", "--json", "--runs-dir", str(runs_dir)]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    return found


WARM = EngineSettings(sampling=Sampling(1.5))


def test_every_run_is_a_row_and_no_two_experiments_share_a_heading(
    suite: Suite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_suite(tmp_path / "suite", many_tasks(9), "other")
    runs_dir = tmp_path / "runs"
    changes: list[dict[str, Any]] = [
        {},
        {"mode": "grammar"},
        {"repair": False},
        {"settings": WARM},
        {"limits": Limits(steps=3)},
        {"prompt": "closed-book"},
        {"subset": Subset(limit=10)},
        {"subset": Subset(limit=20)},
        {"subset": Subset(categories=("sums",))},
        {"seed": 4},
        {"world": WorldSpec("live")},
    ]
    for change in changes:
        write_right(runs_dir, suite, "one", 5, **change)
    write_right(runs_dir, suite, "two", 6)
    write_right(runs_dir, other, "one", 6)
    found = told_rows(capsys, runs_dir)
    assert len(found) == len(changes) + 2
    heads = {row["heading"] for row in found}
    assert len(heads) == len(changes) + 1
    assert {row["heading"] for row in found if row["name"] == "two"} == {
        "sums: prompt react, text mode"
    }
    for words in (
        "temperature 1.5",
        "3 steps",
        "repair none",
        "grammar mode",
        "closed-book",
        "live world",
        "10 of 40 tasks",
        "20 of 40 tasks (sums)",
        "seed 4",
    ):
        assert any(words in head for head in heads), words
    assert main(["report", "--runs-dir", str(runs_dir)]) == 0
    said = capsys.readouterr().out
    assert sum(line.startswith(("one ", "two ")) for line in said.splitlines()) == len(found)


def test_one_name_for_two_texts_or_two_subsets_of_a_size_is_no_one_heading(
    suite: Suite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs_dir = tmp_path / "runs"
    mine = replace(prompts.load_prompt("react"), text="Mine.\n\nQuestion: {question}\nThought:")
    write_run(runs_dir, replace(plan(suite, "one"), prompt=mine), [episode(suite.tasks[0], True)])
    write_right(runs_dir, suite, "one", 5)
    some = [task.id for task in suite.tasks[:3]], [task.id for task in suite.tasks[3:6]]
    for ids in some:
        write_right(runs_dir, suite, "one", 2, subset=Subset(tasks=tuple(ids)))
    heads = [row["heading"] for row in told_rows(capsys, runs_dir)]
    assert len(set(heads)) == 4 and any(f"prompt {mine.sha256[:8]}" in head for head in heads)


def test_two_runs_of_one_name_in_one_table_are_told_apart(
    suite: Suite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs_dir = tmp_path / "runs"
    for slots in (1, 4):
        write_right(runs_dir, suite, "one", slots, engine={"slots": slots})
    again = [write_right(runs_dir, suite, "two", i, engine={"slots": 1}) for i in (1, 2)]
    rows = told_rows(capsys, runs_dir)
    assert len({row["heading"] for row in rows}) == 1
    assert [row["apart"] for row in rows] == [
        "slots 1",
        "slots 4",
        *(run.path.name for run in again),
    ]


def test_models_of_other_weights_templates_and_servers_are_one_experiment(
    suite: Suite, tmp_path: Path
) -> None:
    chat = [replace(prompts.load_prompt("react"), chat=Chat(head, "", head)) for head in ("a", "b")]
    made = [plan(suite, f"m{i}") for i in range(2)]
    runs = [
        write_run(tmp_path / "runs", replace(one, prompt=prompt), [episode(suite.tasks[0], True)])
        for one, prompt in zip(made, chat, strict=True)
    ]
    assert (
        len({row["heading"] for row in data.rows([data.load_result(run.path) for run in runs])})
        == 1
    )


# --- how much of a suite ----------------------------------------------------------------


def test_whole_part_and_interrupted_runs_say_so(
    suite: Suite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs_dir = tmp_path / "runs"
    write_right(runs_dir, suite, "whole", 20)
    write_right(runs_dir, suite, "part", 4, subset=Subset(limit=8))
    write_right(runs_dir, suite, "killed", 1, subset=Subset(limit=8), done=3)
    write_right(runs_dir, suite, "killed-whole", 1, done=9)
    rows = {row["name"]: row for row in told_rows(capsys, runs_dir)}
    assert {
        name: (r["state"], r["progress"], r["tasks_done"], r["tasks_total"])
        for name, r in rows.items()
    } == {
        "whole": ("complete", "40", 40, 40),
        "part": ("part", "8 of 40", 8, 40),
        "killed": ("interrupted", "3 of 8 asked, 40 in suite", 3, 40),
        "killed-whole": ("interrupted", "9 of 40", 9, 40),
    }
    assert rows["killed"]["heading"] == rows["part"]["heading"] != rows["whole"]["heading"]
    killed = rows["killed"]
    assert (
        killed["tokens_per_second"]
        is killed["seconds_per_episode"]
        is killed["peak_memory"]
        is None
    )
    for more in ([], ["--details"]):
        assert main(["report", "--runs-dir", str(runs_dir), *more]) == 0
        said = " ".join(capsys.readouterr().out.split())
        assert "3 of 8 asked, 40 in suite" in said and "interrupted" in said
    assert main(["report", str(runs_dir / Path(killed["path"]).name)]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("killed ")]
    assert line.split()[1] == "interrupted" and "3 of 8" in line and line.split()[-3:] == ["?"] * 3


def test_trials_that_are_missing_interrupt_a_run(suite: Suite, tmp_path: Path) -> None:
    made = plan(suite, "m", trials=2)
    first = [episode(task, True) for task in suite.tasks]
    row = data.row(data.load_result(write_run(tmp_path / "runs", made, first).path))
    assert (row["state"], row["tasks_done"]) == ("interrupted", 0)
    assert (row["scored"], row["episodes_asked"]) == (40, 80)


def test_a_run_that_grew_stands_for_all_that_it_has(suite: Suite, tmp_path: Path) -> None:
    run = write_right(tmp_path / "runs", suite, "m", 5, done=30)
    run.manifest["asked"] = plan(suite, "m", subset=Subset(limit=8)).asked()
    run.save_manifest()
    row = data.row(data.load_result(run.path))
    assert (row["state"], row["progress"]) == ("part", "30 of 40")


def test_an_older_record_does_not_say_whether_it_was_limited(suite: Suite, tmp_path: Path) -> None:
    run = write_right(tmp_path / "runs", suite, "m", 2, done=8)
    del run.manifest["asked"]
    run.save_manifest()
    row = data.row(data.load_result(run.path))
    assert (row["state"], row["mark"], row["progress"]) == ("interrupted", "unfinished", "8 of 40")
    whole = data.load_result(write_right(tmp_path / "runs", suite, "m", 2).path)
    both = data.rows([data.load_result(run.path), whole])
    assert both[0]["heading"] == f"{both[1]['heading']}, 8 of 40 tasks"


def test_missing_scores_and_missed_deadlines_are_said(
    suite: Suite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    some = [
        episode(task, True, "engine_error" if i < 30 else "answered")
        for i, task in enumerate(suite.tasks)
    ]
    run = write_run(tmp_path / "runs", plan(suite, "m"), some)
    assert main(["report", str(run.path)]) == 0
    said = capsys.readouterr().out
    assert "most is unscored: m, its figures are of 10 of 40" in said and " 10 of 40 " in said
    row = data.row(data.load_result(run.path)) | {"deadline": 30.0, "missed_deadline": 4}
    assert "m: 4 of 10 missed the 30 s deadline" in printed([row], 100)


def test_a_run_that_cannot_be_shown_stops_no_other(
    suite: Suite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs_dir = tmp_path / "runs"
    empty = write_right(runs_dir, suite, "empty", 0, done=0)
    broken = write_right(runs_dir, suite, "broken", 0)
    (broken.path / "manifest.json").write_text("{")
    assert main(["report", "--runs-dir", str(runs_dir)]) == 2
    write_right(runs_dir, suite, "good", 9)
    capsys.readouterr()
    assert main(["report", "--runs-dir", str(runs_dir)]) == 0
    said = capsys.readouterr()
    assert "good " in said.out and said.err.count("not shown: ") == 2
    assert empty.path.name in said.err and broken.path.name in said.err


# --- width and size ---------------------------------------------------------------------

K_M = {"Q8_0": 170_000_000, "Q5_0": 60_000_000, "Q4_K": 9_000_000, "F32": 1}
WIDTHS: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[str, int | None, str]]] = {
    # what the engine said, what the row says -> recipe, bits, as shown
    "named": (
        {"recipe": "Q4_K_M", "bits": 4, "recipe_source": "file"},
        {"bits": 8},
        ("Q4_K_M", 4, "4"),
    ),
    "measured": (
        {"recipe": "", "bits": 5, "recipe_source": "measured"},
        {"bits": 0},
        ("", 5, "5?"),
    ),
    "older, K recipe": (
        {"quantisation": "Q4_K_M", "bits": 8, "tensor_types": K_M},
        {"bits": 0},
        ("Q4_K_M", 4, "4"),
    ),
    "older, row": (
        {"quantisation": "Q8_0", "bits": 8, "tensor_types": K_M},
        {"bits": 4},
        ("", 4, "4?"),
    ),
    "older, file name": (
        {"quantisation": "Q8_0", "bits": 8, "tensor_types": K_M},
        {"bits": 0, "source": "/m/gemma-IQ3_XS.gguf"},
        ("IQ3_XS", 3, "3?"),
    ),
    "older, one type": (
        {
            "quantisation": "Q4_1",
            "bits": 5,
            "tensor_types": {"Q4_1": 9, "F32": 1, "Q6_K": 2},
            "bits_per_weight": 5.8,
        },
        {"bits": 0},
        ("Q4_1", 4, "4?"),
    ),
    "older, measured": (
        {"quantisation": "Q8_0", "bits": 8, "tensor_types": K_M, "bits_per_weight": 6.6},
        {"bits": 0},
        ("", 6, "6?"),
    ),
    "nf4": ({"quantisation": "nf4", "bits": 4, "dtype": "bfloat16"}, {"bits": 0}, ("nf4", 4, "4")),
    "bf16": (
        {"quantisation": "none", "bits": 16, "dtype": "bfloat16"},
        {"bits": 0},
        ("bfloat16", 16, "16"),
    ),
    "a server": ({}, {"bits": 0}, ("", None, "?")),
}


@pytest.mark.parametrize("name", WIDTHS)
def test_the_width_is_that_of_the_recipe(suite: Suite, tmp_path: Path, name: str) -> None:
    engine, row_says, (recipe, bits, shown) = WIDTHS[name]
    made = plan(suite, "m")
    made = replace(made, model=replace(made.model, **row_says))
    run = write_run(
        tmp_path / "runs", made, [episode(suite.tasks[0], True)], {"slots": 1, **engine}
    )
    row = data.row(data.load_result(run.path))
    assert (row["recipe"], row["bits"], width_words(row)) == (recipe, bits, shown)


def test_the_size_is_what_everyone_calls_the_model(suite: Suite, tmp_path: Path) -> None:
    """An older record counts a tied embedding twice where the file stores it twice."""
    for engine, params in (
        ({"params": 630_000_000}, 310_000),
        ({"params": 494_000_000, "params_stored": 630_000_000}, 494_000_000),
    ):
        run = write_right(tmp_path / "runs", suite, "m", 1, engine=engine)
        assert data.row(data.load_result(run.path))["params"] == params


@pytest.mark.parametrize(
    ("params", "words"),
    [
        (0, "?"),
        (310_000, "0.31M"),
        (99_960, "100k"),
        (134_515_008, "135M"),
        (268_098_176, "268M"),
        (494_032_768, "0.49B"),
        (500_000_000, "0.5B"),
        (999_600_000, "1B"),
        (6_700_000_000, "6.7B"),
        (13_015_864_320, "13B"),
        (99_960_000_000, "100B"),
        (405_000_000_000, "405B"),
        (1_000_000_000_000, "1000B"),
    ],
)
def test_a_size_is_written_as_people_write_it(params: int, words: str) -> None:
    assert short_size(params) == words


# --- terminals --------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "shift_jis", "utf-8"])
def test_whatever_a_terminal_can_write_no_command_fails(tmp_path: Path, encoding: str) -> None:
    task = Task(
        "首都",
        "「ブルンナ王国」の首都は?é",
        Target("string", ("苔窪",)),
        "都市",
        language="ja",
        gold_actions=(GoldAction("calculate", expr="1 + 1", observation_contains="2"),),
    )
    suite = write_suite(tmp_path / "suite", [task], "日本語")
    runs = [write_right(tmp_path / "runs", suite, name, 1) for name in ("苔-1B", "窪-1B")]
    one, other = (str(run.path) for run in runs)
    for command in (
        ["report", one],
        ["report", one, "--details"],
        ["report", one, "--json"],
        ["show", one, "首都"],
        ["show", one, "無"],
        ["view", one, "-o", str(tmp_path / "苔.html")],
        ["compare", one, other],
        ["score", one],
        ["plot", one, "-o", str(tmp_path / "苔.svg")],
        ["prompt", "react-ja"],
        ["tasks", "check", suite.path],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "harness", *command],
            cwd=ROOT,
            capture_output=True,
            env={**os.environ, "PYTHONIOENCODING": encoding},
        )
        assert b"Traceback" not in done.stderr, (command, done.stderr.decode("utf-8", "replace"))
        assert done.returncode in (0, 1) if "無" not in command else done.returncode == 2
        said = done.stdout.decode(encoding)
        if "--json" in command:
            assert json.loads(said)[0]["name"] == "苔-1B"


# --- the details ------------------------------------------------------------------------


def test_details_tell_categories_errors_ladder_tools_and_faults(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(run.path), "--details"]) == 0
    said = capsys.readouterr().out
    for words in (
        "right          78.9 % [63.7, 88.9]",
        "format gap 2.6 points",
        "gap 1.3 points",
        "parsed 100% > right tool 100% > right input 100% > evidence 100% > answer 79%",
        "for a fault of tool 2",
        "missing_thought        1",
        "more sums",
        "0 beyond the gold",
    ):
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
    some = [
        replace(episode(task, (i + trial) % 2 == 0), trial=trial)
        for trial in range(2)
        for i, task in enumerate(suite.tasks)
    ]
    run = write_run(tmp_path / "runs", plan(suite, "m", trials=2), some)
    found = data.details_of([data.load_result(run.path)])[0]
    assert found["trials"] == 2
    assert found["pass_at"][1]["value"] == 0.5 and found["pass_at"][2]["value"] == 1.0
    assert found["pass_all"][2]["value"] == 0.0
    assert found["pass_at"][2]["low"] < 1.0 == found["pass_at"][2]["high"]


def test_a_probe_shows_tool_input_and_run_on(
    suite: Suite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    right = [_probed(task, i % 4 == 0) for i, task in enumerate(suite.tasks)]
    run = write_run(tmp_path / "runs", plan(suite, "m", prompt="deck-2023"), right)
    found = data.details_of([data.load_result(run.path)])[0]
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
    row = data.row(data.load_result(write_run(tmp_path / "runs", plan(suite, "m"), some).path))
    assert (row["scored"], row["unscored"], row["accuracy"]) == (1, 1, 1.0)
