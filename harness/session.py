"""One model over one suite: finds the run or begins one, works off what is left, and
writes every episode as it ends. Knows neither how episodes are scored nor how they look.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import harness
from harness import models, runs, worker
from harness.files import sha256_of
from harness.prompts import Prompt
from harness.records import slim
from harness.runner import Key
from harness.runs import TASKS_FILE, Run
from harness.tasks import dump_task
from harness.types import EngineSettings, Episode, Limits, Model, Suite, UserError, WorldSpec
from harness.worker import Beat, Event, Extras, Failed, Job, Ready

PACKAGES = (
    "llama-cpp-python",
    "transformers",
    "torch",
    "bitsandbytes",
    "httpx",
    "wikipedia",
    "ddgs",
)


@dataclass(frozen=True)
class Plan:
    """What a person asked to run. ``limit`` takes the first tasks only (0 = all).

    ``origin`` is where the model was fetched from, "" = it was here; ``warnings`` are lines
    about it for the record."""

    model: Model
    suite: Suite
    prompt: Prompt
    world: WorldSpec
    limits: Limits = Limits()
    settings: EngineSettings = EngineSettings()
    mode: str = "text"
    repair: bool = True
    trials: int = 1
    seed: int = 0
    limit: int = 0
    extras: Extras = Extras()
    origin: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def keys(self) -> list[Key]:
        """Every episode of the plan: all tasks once, then all again for the next trial."""
        tasks = self.suite.tasks[: self.limit or None]
        return [(task.id, trial) for trial in range(self.trials) for task in tasks]

    def config(self) -> dict[str, Any]:
        """What makes two runs the same experiment; how much of it is run does not."""
        return {
            "model": {**slim(self.model), "identity": models.identity(self.model)},
            "suite": {"name": self.suite.name, "path": self.suite.path, "sha256": self.suite.sha256},
            "world": slim(self.world),
            "prompt": {"name": self.prompt.name, "sha256": self.prompt.sha256, "dialect": self.prompt.dialect,
                       "language": self.prompt.language, "stop": list(self.prompt.stop), "probe": self.prompt.probe},
            "tools": list(self.prompt.tools),
            "limits": slim(replace(self.limits, run_seconds=0.0)),
            "settings": {**slim(self.settings), "sampling": slim(self.settings.sampling)},
            "mode": f"chat {self.mode}" if self.prompt.chat else self.mode,
            "repair": self.repair,
            "seed": self.seed,
            **({"chat": slim(self.prompt.chat)} if self.prompt.chat else {}),
            **self._extras(),
        }  # fmt: skip

    def _extras(self) -> dict[str, Any]:
        """Named only where there are some; a file of tools by its hash as well."""
        extras = slim(self.extras)
        if self.extras.tools_file:
            extras["tools_sha256"] = sha256_of(self.extras.tools_file)
        return {"extras": extras} if extras else {}


class Session:
    """A plan and the run folder that it fills."""

    def __init__(self, plan: Plan, run: Run, resumed: bool) -> None:
        self.plan = plan
        self.run = run
        self.resumed = resumed
        done = run.done()
        self.todo = [key for key in plan.keys if key not in done]

    def events(self) -> Generator[Event]:
        """Work off what is left; every Episode is on disk before it is yielded.

        Raises UserError for what the user can mend; a Failed event says that the engine
        or the harness gave up. Closing the iterator early (Ctrl-C) loses nothing finished.
        """
        if not self.todo:
            return
        stats: dict[str, Any] = {"started": _now(), "tokens": 0, "episodes": 0, "peak_memory": 0}
        with self.run.writer() as writer, closing(worker.supervise(self._job())) as events:
            clock = time.monotonic()
            try:
                for event in events:
                    if isinstance(event, Ready):
                        clock = time.monotonic()
                        self._note_facts(event.facts)
                    elif isinstance(event, Episode):
                        writer.append(event)
                        stats["episodes"] += 1
                        stats["tokens"] += sum(step.completion.tokens for step in event.steps)
                    elif isinstance(event, Beat):
                        stats["peak_memory"] = max(stats["peak_memory"], event.peak_memory)
                        stats |= {"engine": event.facts} if event.facts else {}
                    elif isinstance(event, Failed) and event.who == "user":
                        raise UserError(event.message)
                    yield event
            finally:
                stats["seconds"] = round(time.monotonic() - clock, 3)
                if stats["episodes"]:
                    self.run.manifest.setdefault("sessions", []).append(stats)
                    self.run.save_manifest()

    def _job(self) -> Job:
        plan = self.plan
        return Job(
            plan.model, plan.settings, plan.prompt, plan.world, plan.limits,
            plan.repair, plan.seed, plan.suite.tasks, tuple(self.todo), plan.extras,
        )  # fmt: skip

    def _note_facts(self, facts: dict[str, object]) -> None:
        """What the engine says of the file and itself; kept from the first session on."""
        self.run.manifest.setdefault("engine", facts)
        self.run.save_manifest()


def open_session(plan: Plan, runs_dir: Path, fresh: bool = False) -> Session:
    """The run that this plan continues, or a new one (always a new one if ``fresh``)."""
    config = plan.config()
    fingerprint = _fingerprint(config)
    if not fresh:
        for run in reversed(runs.find(runs_dir)):
            if run.manifest.get("fingerprint") == fingerprint:
                return Session(plan, run, resumed=True)
    manifest = {
        "fingerprint": fingerprint,
        "config": config,
        "prompt_text": plan.prompt.text,
        "harness": {"version": harness.__version__, "commit": _commit()},
        "machine": _machine(),
        "packages": _packages(),
    }
    if plan.origin:
        manifest["origin"] = plan.origin
    if plan.warnings:
        manifest["warnings"] = list(plan.warnings)
    run = Run.create(runs_dir, f"{plan.model.name}-{plan.suite.name}", manifest)
    run.keep(TASKS_FILE, "".join(dump_task(task) + "\n" for task in plan.suite.tasks))
    return Session(plan, run, resumed=False)


def _fingerprint(config: dict[str, Any]) -> str:
    """A hash of the experiment. Where the model's bytes are hashed, their path is left out:
    the same file elsewhere is the same model."""
    model = config["model"]
    if not model["identity"].startswith(f"{model['engine']}:"):
        config = config | {"model": {k: v for k, v in model.items() if k != "source"}}
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _machine() -> dict[str, object]:
    return {
        "system": platform.system(),
        "release": platform.release(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _commit() -> str:
    """The harness's own git commit, with + when it was changed since; "" outside git."""
    folder = Path(__file__).parent
    try:
        command = [
            "git",
            "-C",
            str(folder),
            "describe",
            "--always",
            "--dirty=+",
            "--abbrev=12",
            "--exclude=*",
        ]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=5, check=True
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
