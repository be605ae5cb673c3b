"""The record: whatever is cut off or killed, what was finished is kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from harness.run.store import EPISODES, Run, decode_episode, encode_episode, find_runs
from harness.types import Action, Answer, Completion, Episode, Observation, Parsed, Step, UserError


def episode(number: int, status: str = "answered") -> Episode:
    steps = (
        Step(
            Completion(" a\u2028b\ud800", "stop", "Observation:", tokens=7),
            Parsed("a", Action("calculate", "1"), ("empty",), ("x",)),
            Observation("1", seconds=0.5),
        ),
        Step(Completion(" 日本\x1b[0m", "eos"), Parsed("", Answer("1"))),
        Step(
            Completion("", "length"), Parsed("", None, ("empty",)), Observation("?", "unreadable")
        ),
    )
    return Episode(f"task-{number}", 0, status, steps, "1", 1.25)  # type: ignore[arg-type]


def new_run(folder: Path) -> Run:
    return Run.create(folder, "a/b c", {"fingerprint": "f"})


def test_an_episode_survives_its_line() -> None:
    assert decode_episode(encode_episode(episode(1))[:-1]) == episode(1)


def test_a_run_is_written_and_read_back(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    assert run.path.parent == tmp_path and "/" not in run.path.name
    with run.writer() as writer:
        writer.append(episode(1))
        writer.append(episode(2, "engine_error"))
    again = Run.open(run.path)
    assert again.episodes() == [episode(1), episode(2, "engine_error")]
    assert again.done() == {("task-1", 0)}, "an unscored episode is run again"
    with again.writer() as writer:
        writer.append(episode(2))
    assert again.episodes() == [episode(1), episode(2)]
    assert [r.path for r in find_runs(tmp_path)] == [run.path]


def test_a_tail_cut_at_any_byte_loses_only_itself(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    whole, last = encode_episode(episode(1)), encode_episode(episode(2))
    for cut in range(len(last)):
        (run.path / EPISODES).write_bytes(whole + last[:cut])
        assert run.episodes() == [episode(1)]
        with run.writer() as writer:
            writer.append(episode(3))
        assert run.episodes() == [episode(1), episode(3)]


def test_a_damaged_line_is_dropped(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    bad = encode_episode(episode(1)).replace(b"calculate", b"calculAte")
    (run.path / EPISODES).write_bytes(bad + encode_episode(episode(2)))
    assert run.episodes() == [episode(2)]


def test_two_writers_are_not_allowed(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    with run.writer(), pytest.raises(UserError, match="another process"), run.writer():
        pass


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="--runs-dir"):
        new_run(tmp_path / "file" / "runs")


def test_not_a_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a run folder"):
        Run.open(tmp_path)


def test_a_full_disk_keeps_what_was_written(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    with run.writer() as writer:
        writer.append(episode(1))
        full = os.open("/dev/full", os.O_WRONLY) if os.path.exists("/dev/full") else None
        if full is None:
            pytest.skip("no /dev/full on this system")
        writer._file = os.fdopen(full, "wb")
        with pytest.raises(UserError, match="make room"):
            writer.append(episode(2))
    assert run.episodes() == [episode(1)]


WRITER = """
import sys
from pathlib import Path
from harness.run.store import Run
from tests.test_runs import episode
run = Run.open(Path(sys.argv[1]))
with run.writer() as writer:
    for number in range(10_000):
        writer.append(episode(number))
        print(number, flush=True)
"""


def test_kill_9_loses_no_acknowledged_episode(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    for wait_for in (0, 3, 17):
        command = [sys.executable, "-c", textwrap.dedent(WRITER), str(run.path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout
            for line in child.stdout:
                if int(line) == wait_for:
                    child.send_signal(signal.SIGKILL)
                    break
            acknowledged = wait_for
        ids = {e.task_id for e in run.episodes()}
        assert {f"task-{n}" for n in range(acknowledged + 1)} <= ids
