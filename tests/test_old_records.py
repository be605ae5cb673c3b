"""Records that older versions wrote are still read, scored and told apart.

``records/format-1`` is a run of the first version: 12 tasks of ``generated`` by pico-0.8M-q4.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from harness.cli import main
from harness.report import data
from harness.report.rescore import rescore
from harness.run.identity import settings_of
from harness.run.store import Run

KEPT = Path(__file__).parent / "records" / "format-1"


def test_an_old_run_is_scored_as_it_was_then() -> None:
    result = data.load_result(KEPT)
    assert len(result.episodes) == 12 and len(result.tasks) == 140
    assert (result.summary.correct.hits, result.summary.correct.n) == (11, 12)
    assert result.summary.steps_strict.value == pytest.approx(0.971, abs=0.001)


def test_an_old_runs_settings_are_whole() -> None:
    settings = settings_of(Run.open(KEPT).manifest)
    assert settings["limits.steps"] == 7 and settings["limits.step_seconds"] == 120.0
    assert settings["model.name"] == "pico-0.8M-q4" and settings["parser_version"] == 1


def test_an_old_run_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(KEPT), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["episodes"] == 12 and row["accuracy"] == pytest.approx(11 / 12)


def test_an_old_run_is_not_continued_and_the_reason_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(KEPT, tmp_path / "20261126-000000-old")
    command = ["run", "--model", "pico-0.8M-q4", "--limit", "2", "--threads", "1"]
    assert main([*command, "--runs-dir", str(tmp_path)]) == 0
    said = capsys.readouterr().err
    assert "20261126-000000-old is not continued: " in said
    assert "parser_version 1 -> 2" in said
    assert len(list(tmp_path.iterdir())) == 2


# ``records/format-2``: 6 tasks of ``core`` by the scripted model ``perfect``, before the code moved.
BEFORE_THE_MOVE = KEPT.parent / "format-2"


def test_a_run_from_before_the_move_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "20261126-000000-perfect-script-core"
    shutil.copytree(BEFORE_THE_MOVE, folder)
    command = ["run", "--model", "perfect-script", "--suite", "core", "--limit", "8"]
    assert main([*command, "--runs-dir", str(tmp_path)]) == 0
    assert f"going on with {folder}, 6 of 8 done" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
    assert len(Run.open(folder).episodes()) == 8


def test_a_run_from_before_the_move_is_scored_the_same() -> None:
    result = data.load_result(BEFORE_THE_MOVE)
    assert (result.summary.correct.hits, result.summary.correct.n) == (6, 6)
    scored = rescore(result)
    assert scored.steps > 6 and scored.right == scored.right_before == 6
    assert not scored.changes and not scored.now_right and not scored.now_wrong


def test_show_lists_the_episodes_of_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(BEFORE_THE_MOVE)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6 and all(" answered " in line and " right " in line for line in lines)
