"""One model over one suite: finds the run to continue or begins one, and works off what is left.

Every episode is on disk before anyone sees it. ``identity`` has the rule for what is continued.
"""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
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
from harness.run import worker
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
from harness.run.plan import RunPlan
from harness.run.store import RUN_FORMAT, TASKS_FILE, Run, find_runs
from harness.run.worker import Beat, Event, Failed
from harness.suites.tasks import dump_task
from harness.types import EngineSettings, Episode, EpisodeKey, UserError
from harness.worlds import WORLDS


class Session:
    """One command: a plan, the runs that it may continue, and the run that it fills.

    Which run that is, is settled when the engine is ready, because only then everything is
    known that has to be the same. Until then ``run`` is None, unless nothing is left to do.
    """

    def __init__(self, plan: RunPlan, runs_dir: Path, candidates: Sequence[Run] | None) -> None:
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

            def settle(facts: dict[str, object]) -> list[EpisodeKey]:
                self.run = self._choose_run(facts)
                record.begin(self.run, facts)
                self._take_stock(self.run)
                return self.todo

            plan = replace(self.plan, settings=self._pinned())
            for event in stack.enter_context(closing(worker.supervise(plan, settle))):
                if isinstance(event, Failed) and event.who == "user":
                    raise UserError(event.message)
                record.note(event)
                yield event

    def _take_stock(self, run: Run) -> None:
        """Read the run again, now that no other process writes it, and say what is asked for."""
        run.manifest = Run.open(run.path).manifest | {"asked": self.plan.asked()}
        run.save_manifest()
        self.todo = _left(self.plan, run)

    def _choose_run(self, facts: dict[str, object]) -> Run:
        """The newest run in which nothing differs, or a new one. Its news says what differs."""
        reasons = []
        for run in self._candidates:
            differ = fact_differences(run.manifest.get("engine", {}), facts)
            if not differ:
                self.resumed = True
                return run
            reasons.append(f"{run.path} is not continued: {in_words(differ)}")
        if not self._fresh:
            self.news = reasons[0] if reasons else _nearest_run(self.plan, self._runs_dir)
        return new_run(self.plan, self._runs_dir, facts)

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


def open_session(plan: RunPlan, runs_dir: Path, fresh: bool = False) -> Session:
    """A session that continues the run of this plan, or begins one (always, if ``fresh``)."""
    if fresh:
        return Session(plan, runs_dir, None)
    wanted = _settings(plan)
    found = [
        run
        for run in reversed(find_runs(runs_dir))
        if not differences(settings_of(run.manifest), wanted)
        and plan.settings.slots in (0, run.manifest.get("engine", {}).get("slots", 0))
    ]
    return Session(plan, runs_dir, found)


def new_run(plan: RunPlan, runs_dir: Path, facts: Mapping[str, object] | None = None) -> Run:
    """A new run folder for a plan. ``facts`` are those of the engine that is ready."""
    manifest = {
        "fingerprint": fingerprint(_settings(plan)),
        "config": config_of(plan),
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


def config_of(plan: RunPlan) -> dict[str, Any]:
    """Every setting of a plan that can change an episode, defaults included."""
    prompt, limits, file = plan.prompt, full(plan.limits), plan.extras.tools_file
    del limits["run_seconds"]
    suite = {"name": plan.suite.name, "path": plan.suite.path, "sha256": plan.suite.sha256}
    asked = ("name", "sha256", "dialect", "language", "probe")
    return {
        "model": {**full(plan.model), "identity": registry.identity(plan.model)},
        "server": server_address(plan.model),
        "suite": suite,
        "world": full(plan.world),
        "prompt": {key: getattr(prompt, key) for key in asked} | {"stop": list(prompt.stop)},
        "tools": list(prompt.tools),
        "tools_version": tools.TOOLS_VERSION,
        "parser_version": protocol.PARSER_VERSION,
        "limits": limits,
        "settings": full(plan.settings),
        "mode": f"chat {plan.mode}" if prompt.chat else plan.mode,
        "repair": plan.repair,
        "seed": plan.seed,
        "extras": full(plan.extras) | ({"tools_sha256": sha256_of(file)} if file else {}),
        "packages": decisive(_packages(), plan.model.engine, plan.world.kind),
        **({"chat": full(prompt.chat)} if prompt.chat else {}),
    }


def _settings(plan: RunPlan) -> Settings:
    return settings_of({"format": RUN_FORMAT, "config": config_of(plan)})


def _left(plan: RunPlan, run: Run) -> list[EpisodeKey]:
    done = run.done()
    return [key for key in plan.keys if key not in done]


def _nearest_run(plan: RunPlan, runs_dir: Path) -> str:
    """Why the run of the same model and suite that is most like this plan is not continued;
    "" when there is none."""
    ours = _settings(plan)
    found = []
    for run in find_runs(runs_dir):
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
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always"]
    command += ["--dirty=+", "--abbrev=12", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
