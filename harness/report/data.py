"""Reads runs back, scores them, and makes the rows that tables, charts and notebooks show."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.protocol import Protocol
from harness.report import experiments
from harness.report.progress import RunProgress, progress_of
from harness.report.width import params_of, recorded_width
from harness.run import identity
from harness.run.identity import Settings
from harness.run.store import MANIFEST, TASKS_FILE, Run
from harness.scoring.episodes import score_episode
from harness.scoring.probes import commands, ran_on, score_probe
from harness.scoring.records import EpisodeScore
from harness.scoring.statistics import Rate
from harness.scoring.summary import Summary, share, summarise
from harness.suites import tasks
from harness.types import Episode, Task, UserError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Result:
    """One run, scored under today's rules. ``scores[i]`` belongs to ``episodes[i]``."""

    path: Path
    manifest: Mapping[str, Any]
    tasks: tuple[Task, ...]
    episodes: tuple[Episode, ...]
    scores: tuple[EpisodeScore, ...]
    summary: Summary

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self.manifest["config"]["model"]["name"])

    @cached_property
    def settings(self) -> Settings:
        """Every setting of the run, defaults included."""
        return identity.settings_of(self.manifest)

    @cached_property
    def progress(self) -> RunProgress:
        """How much of what was asked is there."""
        return progress_of(self.manifest, self.tasks, self.episodes)

    @cached_property
    def group(self) -> tuple[str, str]:
        """What runs must share to stand in one table: the experiment and the tasks."""
        return experiments.experiment_of(self.settings), experiments.subset_of(self.progress)


def load_result(path: Path, repair: bool | None = None) -> Result:
    """Read and score a run folder; ``repair`` None = as in the run. Raises UserError when
    it is no run, or an empty one."""
    run = Run.open(path)
    episodes = tuple(run.episodes())
    if not episodes:
        raise UserError(f"{path}: no finished episode yet; give the same run command again")
    manifest: Mapping[str, Any] = run.manifest
    if repair is not None:
        manifest = {**manifest, "config": {**manifest["config"], "repair": repair}}
    suite = tasks.parse_tasks((path / TASKS_FILE).read_text("utf-8"), str(path / TASKS_FILE))
    if strange := {e.task_id for e in episodes} - {task.id for task in suite}:
        raise UserError(f"{path}: task {min(strange)!r} of its record is not in its {TASKS_FILE}")
    scores = score_episodes(manifest, suite, episodes)
    return Result(path, manifest, suite, episodes, scores, summarise(scores))


def score_episodes(
    manifest: Mapping[str, Any], suite: tuple[Task, ...], episodes: tuple[Episode, ...]
) -> tuple[EpisodeScore, ...]:
    """Every episode under today's parser and matchers."""
    protocol = protocol_of(manifest, suite)
    by_id = {task.id: task for task in suite}
    return tuple(score_one(by_id[e.task_id], e, protocol) for e in episodes)


def protocol_of(manifest: Mapping[str, Any], suite: tuple[Task, ...]) -> Protocol:
    """How a run's completions are read. A probe that names no tools offers the suite's."""
    config = manifest["config"]
    prompt, tools = config["prompt"], tuple(config["tools"])
    probe = bool(prompt.get("probe"))
    tools = tools or (commands(suite) if probe else ())
    return Protocol(tools, prompt["dialect"], config["repair"], probe)


def score_one(task: Task, episode: Episode, protocol: Protocol) -> EpisodeScore:
    """One episode by its answer or, of a probe, by its action."""
    if not protocol.probe:
        return score_episode(task, episode, protocol)
    return score_probe(task, episode, protocol)


def rows(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Each run as one flat row, in the order given: every run is a row of its own.

    Shares are 0 to 1, ``_low`` and ``_high`` their 95 % interval; seconds are seconds, memory
    bytes, tokens generated tokens; None or nan is what the record does not say.
    ``experiment`` and ``subset`` ("" = the whole suite) are the same for runs that may be put
    side by side; ``heading`` says in words what they share, and ``apart`` what tells a run
    from others of its name there.
    """
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        groups.setdefault(result.group, []).append(result)
    heads = experiments.headings([some[0] for some in groups.values()])
    by_group = dict(zip(groups, heads, strict=True))
    tags = {
        id(result): tag
        for some in groups.values()
        for result, tag in zip(some, experiments.names_apart(some), strict=True)
    }
    return [
        _row(result) | {"heading": by_group[result.group], "apart": tags[id(result)]}
        for result in results
    ]


def by_experiment(some: Iterable[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Rows by experiment and tasks, those of one in the order given."""

    def group(row: Mapping[str, Any]) -> tuple[str, str, str]:
        return str(row["heading"]), str(row["experiment"]), str(row["subset"])

    return [list(rows) for _, rows in groupby(sorted(some, key=group), key=group)]


def row(result: Result) -> dict[str, Any]:
    """One run as ``rows`` has it."""
    return rows([result])[0]


def _row(result: Result) -> dict[str, Any]:
    config, summary, progress = result.manifest["config"], result.summary, result.progress
    width = recorded_width(result.manifest)
    experiment, subset = result.group
    engine = result.manifest.get("engine", {})
    return {
        "name": result.name,
        "family": config["model"].get("family", ""),
        "architecture": str(engine.get("architecture", "")),
        "params": params_of(result.manifest) or None,
        "params_stored": engine.get("params_stored"),
        "recipe": width.recipe,
        "bits": width.bits or None,
        "bits_source": width.source,
        "bits_per_weight": width.measured,
        "experiment": experiment,
        "subset": subset,
        "suite": config["suite"]["name"],
        "prompt": config["prompt"]["name"],
        "mode": config["mode"],
        "repair": config["repair"],
        "state": progress.state,
        "mark": progress.mark,
        "progress": progress.words,
        "tasks_done": progress.done,
        "tasks_asked": progress.asked,
        "tasks_total": progress.total,
        "episodes": len(result.episodes),
        "episodes_asked": progress.episodes + progress.missing,
        "scored": summary.episodes,
        "unscored": sum(summary.unscored.values()),
        "deadline": float(result.settings.get("limits.deadline") or 0.0),
        "missed_deadline": summary.statuses.get("deadline", 0),
        **_rate("accuracy", summary.correct),
        **_rate("lenient", summary.lenient),
        **_rate("accuracy_strict", summary.correct_strict),
        **_rate("wellformed", summary.steps_strict),
        **_rate("readable", summary.steps_readable),
        "gap": summary.step_gap,
        "ladder": summary.mean_rung,
        "composability_gap": summary.composability_gap.value,
        "trials": summary.trials,
        **_speed(result.manifest.get("sessions", [])),
        "path": str(result.path),
    }


def _speed(sessions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Speed and memory over all sessions; a session that was killed left no figures."""
    seconds, tokens, episodes = (
        sum(s.get(key) or 0 for s in sessions) for key in ("seconds", "tokens", "episodes")
    )
    return {
        "tokens_per_second": tokens / seconds if seconds and tokens else math.nan,
        "seconds_per_episode": seconds / episodes if seconds and episodes else math.nan,
        "peak_memory": max((s.get("peak_memory") or 0 for s in sessions), default=0) or None,
    }


def details_of(results: Sequence[Result]) -> list[dict[str, Any]]:
    """All that is counted of each run: its row, and below it what tables have no room for.
    Rates are {value, low, high, n}; counts are whole numbers."""
    return [r | _details(result) for r, result in zip(rows(results), results, strict=True)]


def _details(result: Result) -> dict[str, Any]:
    summary = result.summary
    return {
        "unscored_by": dict(summary.unscored),
        "categories": {
            name: {
                "tasks": c.tasks,
                "correct": rate_json(c.correct),
                "lenient": rate_json(c.lenient),
            }
            for name, c in sorted(summary.categories.items())
        },
        "errors": dict(summary.errors),
        "repairs": dict(summary.repairs),
        "statuses": dict(summary.statuses),
        "rungs": {name: rate_json(reached) for name, reached in summary.rungs.items()},
        "hops": rate_json(summary.hops),
        "composability": rate_json(summary.composability_gap),
        "format_gap": summary.format_gap,
        "tool_calls": summary.tool_calls,
        "recovered": rate_json(summary.recovered),
        "overuse": summary.overuse,
        "underuse": summary.underuse,
        "abstention": vars(summary.abstention) | {"recall": rate_json(summary.abstention.recall)},
        "pass_at": {k: rate_json(r) for k, r in summary.pass_at.items()},
        "pass_all": {k: rate_json(r) for k, r in summary.pass_all.items()},
        "run_on": rate_json(run_on(result)) if is_probe(result) else None,
    }


def is_probe(result: Result) -> bool:
    """Whether the prompt was a probe, graded on its action and not on an answer."""
    return bool(result.manifest["config"]["prompt"].get("probe"))


def run_on(result: Result) -> Rate:
    """The share of probes in which the model went on after its command."""
    flags = {
        (e.task_id, e.trial): ran_on(e, s)
        for e, s in zip(result.episodes, result.scores, strict=True)
    }
    good = [score for score in result.scores if not score.fault]
    return share(good, lambda score: flags[score.task_id, score.trial])


def rate_json(found: Rate) -> dict[str, float]:
    """A rate as an object for JSON, shares from 0 to 1."""
    return {"value": found.value, "low": found.low, "high": found.high, "n": found.n}


def json_text(value: object) -> str:
    """JSON that any program can read through any terminal: plain ASCII, and what is not known
    (nan, infinity) is null."""
    return json.dumps(_finite(value), indent=1)


def _finite(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def load_results(folder: Path, skip: Callable[[UserError], None]) -> list[Result]:
    """Every run under a folder, oldest first; ``skip`` is told of each that cannot be shown
    (damaged, or without a finished episode)."""
    found = []
    for manifest in sorted(folder.glob(f"*/{MANIFEST}")):
        try:
            found.append(load_result(manifest.parent))
        except UserError as error:
            skip(error)
    return found


def results_frame(results: Sequence[Result]) -> pd.DataFrame:
    """The rows of several runs as a DataFrame, one line a run, for notebooks."""
    import pandas as pd

    return pd.DataFrame(rows(results))


def _rate(key: str, rate: Rate) -> dict[str, float]:
    return {key: rate.value, f"{key}_low": rate.low, f"{key}_high": rate.high}
