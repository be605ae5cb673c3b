"""Shared small things: a suite, a world, and a home for caches that no test leaves."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

os.environ.setdefault("HARNESS_CACHE", tempfile.mkdtemp(prefix="harness-cache-"))
os.environ["NO_COLOR"] = "1"

from harness.types import Article, GoldAction, Target, Task
from harness.worlds import frozen

ROOT = Path(__file__).parent.parent

TASKS = (
    Task(
        "sum",
        "What is 12 * 12?",
        Target("number", ("144",)),
        "arithmetic",
        gold_actions=(GoldAction("calculate", expr="12 * 12", observation_contains="144"),),
    ),
    Task(
        "mayor",
        "Who is the mayor of Oru?",
        Target("string", ("Pell Ansa",)),
        "lookup",
        gold_actions=(GoldAction("wikipedia", ("Oru",), observation_contains="Pell Ansa"),),
    ),
    Task(
        "ship",
        "Who built the ship Gull?",
        Target("abstain"),
        "unanswerable",
        gold_actions=(GoldAction("wikipedia", ("Gull",), observation_contains="No article"),),
    ),
)
ARTICLES = (Article("Oru", "Oru is a town of 900 people. Its mayor is Pell Ansa."),)


@pytest.fixture
def suite_folder(tmp_path: Path) -> Path:
    """A suite of three tasks with its world, as `--suite FOLDER` takes it."""
    from harness.suites.tasks import dump_task

    folder = tmp_path / "mini"
    folder.mkdir()
    (folder / "tasks.jsonl").write_text("".join(dump_task(task) + "\n" for task in TASKS))
    sha256 = frozen.build_snapshot(ARTICLES, folder / "world.sqlite")
    (folder / "tasks.toml").write_text(f'world = "world.sqlite"\nworld_sha256 = "{sha256}"\n')
    return folder
