"""A tool is one function and one line; a run opens its world once and runs a tools file twice
at most. The programs below are whole command lines: workers import them again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from harness import prompts
from harness.suites import tasks
from harness.types import GoldAction, Target, Task
from tests.conftest import ROOT

MAIN = """
if __name__ == "__main__":
    from harness.cli import main

    raise SystemExit(main())
"""
TOY = """
from harness.tools import TOOLS
from harness.tools.tool import Tool
from harness.types import Observation


def backwards(input, world):
    \"\"\"backwards: abc
    Returns a text backwards.\"\"\"
    return Observation(input[::-1])


TOOLS["backwards"] = Tool(backwards, needs_world=False)
"""
COUNTING = """
import os
from harness.worlds.frozen import FrozenWorld

opened = FrozenWorld.__init__


def count(self, *arguments):
    with open("log", "a") as file:
        print("world", os.getpid(), file=file)
    opened(self, *arguments)


FrozenWorld.__init__ = count
"""
MODEL = '[perfect]\nparams = 0\nlicence = "x"\nscript = { name = "perfect" }\n'


def command(folder: Path, program: str, *arguments: str) -> str:
    """What a program with the harness's own command line prints."""
    (folder / "models.toml").write_text(MODEL)
    (folder / "program.py").write_text(program + MAIN)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "program.py", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_tool_is_one_function_and_one_line(tmp_path: Path) -> None:
    """Described, called, scored, and replayed by `tasks check`, with no other file changed."""
    gold = GoldAction("backwards", ("drawer",), observation_contains="reward")
    task = Task("t", "drawer backwards?", Target("string", ("reward",)), "x", gold_actions=(gold,))
    (tmp_path / "tasks.jsonl").write_text(tasks.dump_task(task) + "\n")
    shipped = (prompts.PROMPTS_FOLDER / "react.txt").read_text("utf-8")
    (tmp_path / "toy.txt").write_text(shipped.replace('"search"]', '"search", "backwards"]'))
    shown = command(tmp_path, TOY, "prompt", "toy.txt")
    assert "backwards: abc\nReturns a text backwards.\n" in shown
    run = ("run", "--model", "perfect-script", "--suite", "tasks.jsonl", "--runs-dir", "runs")
    (row,) = json.loads(command(tmp_path, TOY, *run, "--prompt", "toy.txt", "--json"))
    assert (row["scored"], row["ladder"]) == (1, 5), "right tool, input, evidence and answer"
    assert "gold action" not in command(tmp_path, TOY, "tasks", "check", "tasks.jsonl")


def test_a_run_opens_its_world_once_and_a_tools_file_twice(
    suite_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(
        'import os\n\nwith open("log", "a") as file:\n    file.write(f"tools {os.getpid()}\\n")\n\n\n'
        'def roman(input):\n    """roman: 14\n    Returns Roman numerals."""\n    return "XIV"\n'
    )
    run = ("run", "--model", "perfect-script", "--suite", str(suite_folder), "--runs-dir", "runs")
    command(tmp_path, COUNTING, *run, "--tools-file", "mine.py")
    log = (tmp_path / "log").read_text().splitlines()
    assert sorted(line.split()[0] for line in log) == ["tools", "tools", "world"]
    assert set(Counter(log).values()) == {1}, "once in each process"
