"""compare, power and score, as a person meets them: claims, refusals, and what changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.report import data, pairing
from harness.scoring.statistics import smallest_difference, tango
from harness.suites.subsets import Subset
from harness.types import Action, EngineSettings, Limits, Parsed, Sampling, Suite
from tests.made_runs import episode, many_tasks, plan, write_right, write_run, write_suite


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return write_suite(tmp_path / "suite", many_tasks(60))


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def told(capsys: pytest.CaptureFixture[str], *command: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main(list(command)) == code
    said = capsys.readouterr()
    return said.err if code else said.out


def told_json(capsys: pytest.CaptureFixture[str], *command: str) -> Any:
    return json.loads(told(capsys, *command, "--json"))


# --- two runs ---------------------------------------------------------------------------


def test_a_difference_that_the_tasks_carry_is_claimed(
    suite: Suite, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_right(runs_dir, suite, "weak", 20)
    write_right(runs_dir, suite, "strong", 50)
    said = told(capsys, "compare", "strong", "weak", "--runs-dir", str(runs_dir))
    assert "strong is better than weak by 50 points" in " ".join(said.split())
    assert "A better         30" in said and "B better         0" in said
    found = told_json(capsys, "compare", "strong", "weak", "--runs-dir", str(runs_dir))
    (one,) = found["comparisons"]
    assert (one["n"], one["n10"], one["n01"], one["better"]) == (60, 30, 0, "strong")
    assert (one["low"], one["high"]) == pytest.approx(tango(30, 0, 60))
    assert one["p_exact"] == pytest.approx(2 * 0.5**30)
    assert found["differ_in"] == ["model"] and found["ranking"] == ["strong", "weak"]


def test_a_difference_that_they_do_not_carry_is_not(
    suite: Suite, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_right(runs_dir, suite, "one", 30)
    write_right(runs_dir, suite, "two", 32)
    said = told(capsys, "compare", "one", "two", "--runs-dir", str(runs_dir))
    can_show = 100 * smallest_difference(60, 2 / 60)
    words = f"cannot tell them apart: 60 tasks can show {can_show:.0f} points, not 3.3"
    assert words in " ".join(said.split())
    assert "better than" not in said
    assert all(len(line) <= 80 for line in said.splitlines())


def test_lost_pairs_are_shown_with_the_worst_and_the_best_case(
    suite: Suite, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_right(runs_dir, suite, "whole", 30)
    some = [
        episode(task, i < 50, "tool_unavailable" if i < 6 else "answered")
        for i, task in enumerate(suite.tasks)
    ]
    write_run(runs_dir, plan(suite, "faulty"), some)
    said = told(capsys, "compare", "faulty", "whole", "--runs-dir", str(runs_dir))
    assert "no claim: faults took 6 of 60 tasks" in " ".join(said.split())
    (one,) = told_json(capsys, "compare", "faulty", "whole", "--runs-dir", str(runs_dir))[
        "comparisons"
    ]
    assert one["lost"] == 6 and one["n"] == 54 and one["better"] == ""
    assert (one["worst"], one["best"]) == pytest.approx((14 / 60, 20 / 60))


def test_one_model_in_two_modes_is_told_apart_by_name(
    suite: Suite, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = write_right(runs_dir, suite, "pico", 30)
    grammar = write_right(runs_dir, suite, "pico", 40, mode="grammar")
    book = write_right(runs_dir, suite, "pico", 10, prompt="closed-book")
    said = told(capsys, "compare", str(text.path), str(grammar.path))
    assert "pico (text)" in said and "pico (grammar)" in said and "differ in mode" in said
    said = told(capsys, "compare", str(text.path), str(book.path))
    assert "pico (closed-book)" in said and "differ in prompt, tools" in said


def test_strict_answers_can_be_compared(
    suite: Suite, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_right(runs_dir, suite, "tidy", 40)
    sloppy = [episode(task, i < 40, strict=i % 2 == 0) for i, task in enumerate(suite.tasks)]
    write_run(runs_dir, plan(suite, "sloppy"), sloppy)
    command = ["compare", "tidy", "sloppy", "--runs-dir", str(runs_dir)]
    assert told_json(capsys, *command)["comparisons"][0]["difference"] == 0
    strict = told_json(capsys, *command, "--measure", "correct_strict")["comparisons"][0]
    assert strict["difference"] == pytest.approx(20 / 60) and strict["better"] == "tidy"


# --- many runs --------------------------------------------------------------------------


def test_a_ranking_is_printed_only_where_it_holds(
    suite: Suite, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for model, right in (("a", 5), ("b", 30), ("c", 55)):
        write_right(runs_dir, suite, model, right)
    said = told(capsys, "compare", "?", "--runs-dir", str(runs_dir))
    assert "the ranking holds: all 3 pairs differ" in said
    assert all(len(line) <= 80 for line in said.splitlines())
    assert said.index("1. c:") < said.index("2. b:") < said.index("3. a:")
    write_right(runs_dir, suite, "d", 31)
    said = told(capsys, "compare", "?", "--runs-dir", str(runs_dir))
    assert "no full ranking: 5 of 6 pairs" in said and "1. " not in said
    assert "b: beats a; beaten by c; cannot be told from d" in said
    found = told_json(capsys, "compare", "?", "--runs-dir", str(runs_dir))
    assert found["ranking"] is None
    assert all(c["p_adjusted"] >= c["p"] for c in found["comparisons"])


# --- which runs -------------------------------------------------------------------------


def test_a_name_is_the_newest_run_that_has_pairs(
    suite: Suite, tmp_path: Path, runs_dir: Path
) -> None:
    other = write_suite(tmp_path / "suite", many_tasks(9), "other")
    old = write_right(runs_dir, suite, "one", 30)
    write_right(runs_dir, other, "one", 3)
    grammar = write_right(runs_dir, suite, "two", 30, mode="grammar")
    assert pairing.runs_to_compare(["one", "two"], runs_dir) == [old.path, grammar.path]
    text = write_right(runs_dir, suite, "two", 31)
    assert pairing.runs_to_compare(["one", "two"], runs_dir) == [old.path, text.path], (
        "the same experiment"
    )
    assert pairing.runs_to_compare([str(old.path), "two"], runs_dir) == [old.path, text.path]


def test_what_cannot_be_compared_is_refused_with_the_reason(
    suite: Suite, tmp_path: Path, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_suite(tmp_path / "suite", many_tasks(9), "other")
    one = write_right(runs_dir, suite, "one", 30)
    write_right(runs_dir, other, "two", 3)
    probe = write_right(runs_dir, suite, "one", 30, prompt="deck-2023")
    at = ["--runs-dir", str(runs_dir)]
    said = told(capsys, "compare", "one", "two", *at, code=2)
    assert "ran suite sums" in said and "other" in said and "needs the same tasks" in said
    assert "did you mean one?" in told(capsys, "compare", "oen", "two", *at, code=2)
    assert "two different runs" in told(capsys, "compare", str(one.path), code=2)
    assert "two different runs" in told(capsys, "compare", str(one.path), str(one.path), code=2)
    assert "a probe is graded" in told(capsys, "compare", str(one.path), str(probe.path), code=2)
    assert "no runs yet" in told(capsys, "compare", "a", "b", "--runs-dir", str(tmp_path), code=2)


def test_two_runs_that_nothing_tells_apart_go_by_their_folders(
    suite: Suite, runs_dir: Path
) -> None:
    runs = [write_right(runs_dir, suite, "one", right) for right in (30, 31)]
    names = pairing.run_labels([data.load_result(run.path) for run in runs])
    assert names == [f"one ({run.path.name})" for run in runs]


# --- other tasks ------------------------------------------------------------------------


def test_runs_over_other_subsets_are_paired_on_what_both_ran_and_it_is_said(
    suite: Suite, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_right(runs_dir, suite, "whole", 10)
    write_right(runs_dir, suite, "part", 10, subset=Subset(limit=20))
    write_right(runs_dir, suite, "killed", 5, done=8)
    at = ["--runs-dir", str(runs_dir)]
    said = " ".join(told(capsys, "compare", "whole", "part", *at).split())
    assert "paired on 20 tasks that both ran; A ran 60, B 20" in said
    assert "the runs differ in model, tasks" in said and "each rate above is over its own" in said
    assert "right on those A 50.0 %, B 50.0 %" in said, "not 16.7 % against 50 %"
    (one,) = told_json(capsys, "compare", "whole", "part", *at)["comparisons"]
    assert (one["n"], one["ran_a"], one["ran_b"], one["difference"]) == (20, 60, 20, 0)
    said = " ".join(told(capsys, "compare", "whole", "part", "killed", *at).split())
    assert "interrupted: killed, 8 of 60" in said
    assert "whole / part: paired on 20 tasks that both ran; A ran 60, B 20" in said


def test_runs_without_a_common_task_are_refused(
    suite: Suite, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = [task.id for task in suite.tasks]
    write_right(runs_dir, suite, "one", 1, subset=Subset(tasks=tuple(ids[:5])))
    write_right(runs_dir, suite, "two", 1, subset=Subset(tasks=tuple(ids[5:9])))
    said = told(capsys, "compare", "one", "two", "--runs-dir", str(runs_dir), code=2)
    assert "have no task in common: 5 of 60 and 4 of 60" in said


def test_runs_over_the_same_tasks_are_preferred(suite: Suite, runs_dir: Path) -> None:
    part = write_right(runs_dir, suite, "one", 1, subset=Subset(limit=20))
    write_right(runs_dir, suite, "one", 9)
    other = write_right(runs_dir, suite, "two", 1, subset=Subset(limit=20))
    assert pairing.runs_to_compare(["one", "two"], runs_dir) == [part.path, other.path]


def test_what_differs_is_named_whatever_it_is(
    suite: Suite, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = write_right(runs_dir, suite, "one", 30)
    for change, words in (
        ({"settings": EngineSettings(sampling=Sampling(1.5))}, "temperature 1.5"),
        ({"limits": Limits(steps=3)}, "3 steps"),
        ({"seed": 9}, "seed 9"),
        ({"limits": Limits(observation_chars=90)}, "observation chars 90"),
        ({"engine": {"build": "b2", "slots": 1}}, "build b2"),
    ):
        other = write_right(
            runs_dir, suite, "one", 30, **{"engine": {"build": "b1", "slots": 1}, **change}
        )  # type: ignore[arg-type]
        base = (
            plain
            if "engine" not in change
            else write_right(runs_dir, suite, "one", 30, engine={"build": "b1", "slots": 1})
        )
        said = " ".join(told(capsys, "compare", str(base.path), str(other.path)).split())
        assert f"one ({words})" in said and "nothing that the record names" not in said, words


# --- power ------------------------------------------------------------------------------


def test_power_says_what_tasks_can_show(capsys: pytest.CaptureFixture[str]) -> None:
    (row,) = told_json(capsys, "power", "--tasks", "240", "--discordance", "20")
    assert row["smallest_difference"] == pytest.approx(smallest_difference(240, 0.2))
    assert told(capsys, "power", "--tasks", "240").count("240 tasks can show") == 4
    needed = told_json(capsys, "power", "--difference", "5", "--discordance", "20")[0][
        "tasks_needed"
    ]
    assert smallest_difference(needed, 0.2) <= 0.05 < smallest_difference(needed - 2, 0.2)
    (row,) = told_json(
        capsys, "power", "--difference", "5", "--discordance", "20", "--tasks", "640"
    )
    assert 0.75 < row["power"] < 0.85


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ([], "give --tasks N"),
        (["--tasks", "-3"], "expected 1 or more"),
        (["--difference", "0.05"], "points from 1 to 100"),
        (["--difference", "500"], "points from 1 to 100"),
        (["--difference", "20", "--discordance", "10"], "from the difference"),
        (["--tasks", "10", "--discordance", "0.2"], "% of tasks"),
    ],
)
def test_power_refuses_what_it_would_have_to_guess(
    arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hint in told(capsys, "power", *arguments, code=2)


# --- score ------------------------------------------------------------------------------


def test_a_record_that_reads_as_it_did_has_no_change(
    suite: Suite, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = write_right(runs_dir, suite, "one", 30)
    said = told(capsys, "score", str(run.path))
    assert "readings changed  0 of 120 steps" in said and "30 -> 30 (+0 -0)" in said


def test_what_a_newer_parser_reads_otherwise_is_shown(
    suite: Suite, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The record says that an older parser took one answer for unreadable."""
    first, *rest = (episode(task, True) for task in suite.tasks)
    unread = replace(first.steps[1], parsed=Parsed("I know.", None, ("missing_action",)))
    old = replace(first, status="unreadable", answer="", steps=(first.steps[0], unread))
    run = write_run(runs_dir, plan(suite, "one"), [old, *rest])
    said = told(capsys, "score", "one", "--runs-dir", str(runs_dir))
    assert "readings changed  1 of 120 steps" in said and "answers changed   1 of 60" in said
    assert "59 -> 60 (+1 -0)" in said and "missing_action         1 -> 0" in said
    assert "sum-0 step 2: unreadable -> Answer: 1000 [-missing_action]" in said
    (row,) = told_json(capsys, "score", str(run.path))
    assert row["changed"]["now_right"] == [["sum-0", 0]] and row["accuracy"] == 1.0


def test_without_repairs_only_the_strict_steps_move(
    suite: Suite, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sloppy = [episode(task, True, strict=i >= 15) for i, task in enumerate(suite.tasks)]
    run = write_run(runs_dir, plan(suite, "one"), sloppy)
    assert told_json(capsys, "score", str(run.path))[0]["accuracy"] == 1.0
    (row,) = told_json(capsys, "score", str(run.path), "--repair", "none")
    assert row["accuracy"] == 0.75 and row["changed"]["right"] == 45 and not row["repair"]
    assert row["gap"] == 0.0


def test_a_probe_is_scored_again_as_a_probe(
    suite: Suite, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = episode(suite.tasks[0], True)
    text = f" I add.\nAnswer: calculate: {suite.tasks[0].gold_actions[0].expr}\n"
    step = replace(
        one.steps[0], observation=None, parsed=Parsed("I add.", Action("calculate", "0 + 1000"))
    )
    step = replace(step, completion=replace(step.completion, text=text, finish="eos", stop=""))
    run = write_run(
        runs_dir,
        plan(suite, "one", prompt="deck-2023"),
        [replace(one, steps=(step,), status="step_limit", answer="")],
    )
    (row,) = told_json(capsys, "score", str(run.path))
    assert row["accuracy"] == row["accuracy_strict"] == 1.0
    assert row["changed"]["right_before"] == row["changed"]["right"] == 1
    assert row["changed"]["changes"] == []
