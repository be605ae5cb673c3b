"""Shared small things: a suite, a world, and a home for caches that no test leaves."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("HARNESS_CACHE", tempfile.mkdtemp(prefix="harness-cache-"))
os.environ["NO_COLOR"] = "1"

from harness.types import Article, GoldAction, Target, Task
from harness.worlds import frozen

# A busy machine fails no property test. CI tries the same examples each time, so that a change
# is never blamed for what another text would have shown; elsewhere new ones are tried.
settings.register_profile(
    "here", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("ci", settings.get_profile("here"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")

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
