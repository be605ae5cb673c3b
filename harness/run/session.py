"""One model over one suite: finds the run or begins one, works off what is left, and
writes every episode as it ends. Knows neither how episodes are scored nor how they look.
"""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import harness
from harness import protocol, tools
from harness.common.files import sha256_of
from harness.common.packages import versions
from harness.common.records import full
from harness.engines import ENGINES, server_address
from harness.models import registry
from harness.prompts import Prompt
from harness.run import store, worker
from harness.run.identity import (
    NO_IDENTITY,
    Settings,
    decisive,
    differences,
    fact_differences,
    fingerprint,
    in_words,
    settings_of,
)
from harness.run.scheduler import Key
from harness.run.store import TASKS_FILE, Run
from harness.run.worker import Beat, Event, Extras, Failed, Job
from harness.suites.subsets import Subset, choose
from harness.suites.tasks import dump_task
from harness.types import EngineSettings, Episode, Limits, Model, Suite, Task, UserError, WorldSpec
from harness.worlds import WORLDS


@dataclass(frozen=True)
class Plan:
    """What a person asked to run. ``subset`` says which tasks, in which order.

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
    subset: Subset = Subset()
    extras: Extras = Extras()
    origin: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks to run, in order. Raises UserError for a subset that there is not."""
        return choose(self.suite.tasks, self.subset)

    @property
    def keys(self) -> list[Key]:
        """Every episode of the plan: all tasks once, then all again for the next trial."""
        tasks = self.tasks
        return [(task.id, trial) for trial in range(self.trials) for task in tasks]

    def config(self) -> dict[str, Any]:
        """Every setting that can change an episode, defaults included; ``identity`` says which
        of them make two runs the same. How much is run is not among them."""
        prompt, limits = self.prompt, full(self.limits)
        del limits["run_seconds"]
        return {
            "model": {**full(self.model), "identity": registry.identity(self.model)},
            "server": server_address(self.model),
            "suite": {
                "name": self.suite.name,
                "path": self.suite.path,
                "sha256": self.suite.sha256,
            },
            "world": full(self.world),
            "prompt": {
                "name": prompt.name,
                "sha256": prompt.sha256,
                "dialect": prompt.dialect,
                "language": prompt.language,
                "stop": list(prompt.stop),
                "probe": prompt.probe,
            },
            "tools": list(prompt.tools),
            "tools_version": tools.TOOLS_VERSION,
            "parser_version": protocol.PARSER_VERSION,
            "limits": limits,
            "settings": full(self.settings),
            "mode": f"chat {self.mode}" if prompt.chat else self.mode,
            "repair": self.repair,
            "seed": self.seed,
            "extras": full(self.extras) | self._tools_sha256(),
            "packages": decisive(_packages(), self.model.engine, self.world.kind),
            **({"chat": full(prompt.chat)} if prompt.chat else {}),
        }

    def asked(self) -> dict[str, Any]:
        """How much of the suite is run: what the record needs to tell a part from a whole."""
        return {"tasks": [task.id for task in self.tasks], "trials": self.trials}

    def _tools_sha256(self) -> dict[str, str]:
        """A user's own tools are known by the bytes of their file."""
        file = self.extras.tools_file
        return {"tools_sha256": sha256_of(file)} if file else {}


class Session:
    """One command: a plan, the runs that it may continue, and the run that it fills.

    Which run that is, is settled when the engine is ready, because only then everything is
    known that has to be the same. Until then ``run`` is None, unless nothing is left to do.
    """

    def __init__(self, plan: Plan, runs_dir: Path, candidates: Sequence[Run] | None) -> None:
        """``candidates`` are runs with the same settings, newest first; None begins anew."""
        self.plan = plan
        self.run: Run | None = None
        self.todo = plan.keys
        self.resumed = False
        self.news = ""  # why a new run begins although there is one like it
        self._runs_dir = runs_dir
        self._fresh = candidates is None
        self._candidates = candidates or ()
        # A server is asked first: behind its address the model may have been exchanged.
        served = server_address(plan.model)
        if self._candidates and not served and not _left(plan, self._candidates[0]):
            self.run, self.todo, self.resumed = self._candidates[0], [], True

    def events(self) -> Generator[Event]:
        """Work off what is left; every Episode is on disk before it is yielded.

        Raises UserError for what the user can mend; a Failed event says that the engine
        or the harness gave up. Closing the iterator early (Ctrl-C) loses nothing finished.
        """
        if not self.todo:
            return
        with ExitStack() as stack:
            record = _Record(stack)

            def settle(facts: dict[str, object]) -> list[Key]:
                self._choose_run(facts)
                assert self.run
                record.begin(self.run, facts)
                return self.todo

            for event in stack.enter_context(closing(worker.supervise(self._job(), settle))):
                if isinstance(event, Failed) and event.who == "user":
                    raise UserError(event.message)
                record.note(event)
                yield event

    def _choose_run(self, facts: dict[str, object]) -> None:
        """The newest run in which nothing differs, or a new one. Its news says what differs."""
        reasons = []
        for run in self._candidates:
            differ = fact_differences(run.manifest.get("engine", {}), facts)
            if not differ:
                self.run, self.todo, self.resumed = run, _left(self.plan, run), True
                break
            reasons.append(f"{run.path} is not continued: {in_words(differ)}")
        else:
            if not self._fresh:
                self.news = reasons[0] if reasons else _nearest_run(self.plan, self._runs_dir)
            self.run = new_run(self.plan, self._runs_dir, facts)
        self.run.manifest["asked"] = self.plan.asked()
        self.run.save_manifest()

    def _job(self) -> Job:
        plan = self.plan
        return Job(
            plan.model,
            self._pinned(),
            plan.prompt,
            plan.world,
            plan.limits,
            plan.repair,
            plan.seed,
            plan.suite.tasks,
            extras=plan.extras,
        )

    def _pinned(self) -> EngineSettings:
        """The settings; where the slots are left to the harness, those of the run to continue."""
        settings = self.plan.settings
        if settings.slots or not self._candidates:
            return settings
        slots = self._candidates[0].manifest.get("engine", {}).get("slots", 0)
        return replace(settings, slots=slots if isinstance(slots, int) else 0)


class _Record:
    """Writes what happens in one session into its run."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._run: Run | None = None
        self._clock = time.monotonic()
        self.stats: dict[str, Any] = {
            "started": _now(),
            "tokens": 0,
            "episodes": 0,
            "peak_memory": 0,
        }

    def begin(self, run: Run, facts: dict[str, object]) -> None:
        """The engine is ready and the run is known: take its lock, start the clock."""
        self._run = run
        self._writer = self._stack.enter_context(run.writer())
        self._stack.callback(self._end)
        self._clock = time.monotonic()
        self.stats["engine"] = {k: v for k, v in facts.items() if k in NO_IDENTITY}

    def note(self, event: Event) -> None:
        """Keep an episode; count what the session costs."""
        if isinstance(event, Episode):
            self._writer.append(event)
            self.stats["episodes"] += 1
            self.stats["tokens"] += sum(step.completion.tokens for step in event.steps)
        elif isinstance(event, Beat):
            self.stats["peak_memory"] = max(self.stats["peak_memory"], event.peak_memory)
            self.stats["engine"] |= event.facts

    def _end(self) -> None:
        self.stats["seconds"] = round(time.monotonic() - self._clock, 3)
        if self._run and self.stats["episodes"]:
            self._run.manifest.setdefault("sessions", []).append(self.stats)
            self._run.save_manifest()


def open_session(plan: Plan, runs_dir: Path, fresh: bool = False) -> Session:
    """A session that continues the run of this plan, or begins one (always, if ``fresh``)."""
    if fresh:
        return Session(plan, runs_dir, None)
    wanted = _settings(plan)
    found = [
        run
        for run in reversed(store.find(runs_dir))
        if not differences(settings_of(run.manifest), wanted)
        and plan.settings.slots in (0, run.manifest.get("engine", {}).get("slots", 0))
    ]
    return Session(plan, runs_dir, found)


def new_run(plan: Plan, runs_dir: Path, facts: Mapping[str, object] | None = None) -> Run:
    """A new run folder for a plan. ``facts`` are those of the engine that is ready."""
    manifest = {
        "fingerprint": fingerprint(_settings(plan)),
        "config": plan.config(),
        "asked": plan.asked(),
        "prompt_text": plan.prompt.text,
        "harness": {"version": harness.__version__, "commit": _commit()},
        "machine": _machine(),
        "packages": _packages(),
    }
    if facts:
        manifest["engine"] = dict(facts)
    if plan.origin:
        manifest["origin"] = plan.origin
    if plan.warnings:
        manifest["warnings"] = list(plan.warnings)
    run = Run.create(runs_dir, f"{plan.model.name}-{plan.suite.name}", manifest)
    run.keep(TASKS_FILE, "".join(dump_task(task) + "\n" for task in plan.suite.tasks))
    return run


def _settings(plan: Plan) -> Settings:
    return settings_of({"format": store.FORMAT, "config": plan.config()})


def _left(plan: Plan, run: Run) -> list[Key]:
    done = run.done()
    return [key for key in plan.keys if key not in done]


def _nearest_run(plan: Plan, runs_dir: Path) -> str:
    """Why the run of the same model and suite that is most like this plan is not continued;
    "" when there is none."""
    ours = _settings(plan)
    found = []
    for run in store.find(runs_dir):
        theirs = settings_of(run.manifest)
        if all(theirs.get(name) == ours[name] for name in ("model.name", "suite.name")):
            found.append((differences(theirs, ours), run))
    if not found:
        return ""
    differ, run = min(found, key=lambda pair: len(pair[0]))
    return f"{run.path} is not continued: {in_words(differ) or 'it was run with other slots'}"


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
    of_engines = [kind.packages for kind in ENGINES.values()]
    of_worlds = [world.packages for world in WORLDS.values()]
    return versions(name for names in (*of_engines, *of_worlds) for name in names)


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
