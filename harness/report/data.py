"""A run read back and scored: what tables, charts and the notebook are made from."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import runs, tasks
from harness.runs import TASKS_FILE, Run
from harness.scoring.episodes import score_episode
from harness.scoring.probes import commands, ran_on, score_probe
from harness.scoring.statistics import Rate
from harness.scoring.summary import Summary, share, summarise
from harness.tools.calculate import CannotCalculate, work_out
from harness.tools.loose.tokens import CannotRead
from harness.types import Episode, EpisodeScore, Task, UserError

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


def load(path: Path, repair: bool | None = None) -> Result:
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
    scores = score(manifest, suite, episodes)
    return Result(path, manifest, suite, episodes, scores, summarise(scores))


def score(
    manifest: Mapping[str, Any], suite: tuple[Task, ...], episodes: tuple[Episode, ...]
) -> tuple[EpisodeScore, ...]:
    """Every episode under today's parser and matchers."""
    config = manifest["config"]
    prompt, tools = config["prompt"], tuple(config["tools"])
    probe = bool(prompt.get("probe"))
    tools = tools or (commands(suite) if probe else ())
    by_id = {task.id: task for task in suite}
    return tuple(
        score_one(by_id[e.task_id], e, tools, prompt["dialect"], config["repair"], probe)
        for e in episodes
    )


def score_one(
    task: Task, episode: Episode, tools: tuple[str, ...], dialect: str, repair: bool, probe: bool
) -> EpisodeScore:
    """One episode by its answer or, of a probe, by its action."""
    if not probe:
        return score_episode(task, episode, tools=tools, dialect=dialect, repair=repair)
    return score_probe(
        task, episode, tools=tools, dialect=dialect,
        same_value=same_value, mended=mended, repair=repair,
    )  # fmt: skip


def same_value(a: str, b: str) -> bool:
    """Whether the tool ``calculate`` gives the same number for both expressions, mended
    where need be."""
    try:
        return math.isclose(work_out(a)[0], work_out(b)[0], rel_tol=1e-9)
    except (CannotCalculate, CannotRead, OverflowError):
        return False


def mended(expression: str) -> tuple[str, ...]:
    """The repairs that ``calculate`` takes to read an expression; none where it cannot."""
    try:
        return work_out(expression)[1].repairs
    except (CannotCalculate, CannotRead):
        return ()


def row(result: Result) -> dict[str, Any]:
    """A run as one flat row. Shares are 0 to 1, ``_low`` and ``_high`` their 95 % interval;
    seconds are seconds, memory bytes, tokens generated tokens."""
    config, engine = result.manifest["config"], result.manifest.get("engine", {})
    model, summary = config["model"], result.summary
    sessions = result.manifest.get("sessions", [])
    seconds = sum(s["seconds"] for s in sessions)
    return {
        "name": result.name,
        "family": model.get("family") or str(engine.get("architecture", "")),
        "params": engine.get("params") or model.get("params", 0),
        "bits": engine.get("bits") or model.get("bits", 0),
        "quantisation": engine.get("quantisation", ""),
        "suite": config["suite"]["name"],
        "prompt": config["prompt"]["name"],
        "mode": config["mode"],
        "repair": config["repair"],
        "episodes": len(result.episodes),
        "scored": summary.episodes,
        "unscored": sum(summary.unscored.values()),
        **_rate("accuracy", summary.correct),
        **_rate("lenient", summary.lenient),
        **_rate("accuracy_strict", summary.correct_strict),
        **_rate("wellformed", summary.steps_strict),
        **_rate("readable", summary.steps_readable),
        "gap": summary.step_gap,
        "ladder": summary.mean_rung,
        "composability_gap": summary.composability_gap.value,
        "trials": summary.trials,
        "tokens_per_second": sum(s["tokens"] for s in sessions) / seconds if seconds else 0.0,
        "seconds_per_episode": seconds / max(1, sum(s["episodes"] for s in sessions)),
        "peak_memory": max((s["peak_memory"] for s in sessions), default=0),
        "path": str(result.path),
    }


def details(result: Result) -> dict[str, Any]:
    """All that is counted of a run: its row, and below it what tables have no room for.
    Rates are {value, low, high, n}; counts are whole numbers."""
    summary = result.summary
    return row(result) | {
        "unscored_by": dict(summary.unscored),
        "categories": {
            name: {"tasks": c.tasks, "correct": rate(c.correct), "lenient": rate(c.lenient)}
            for name, c in sorted(summary.categories.items())
        },
        "errors": dict(summary.errors),
        "repairs": dict(summary.repairs),
        "statuses": dict(summary.statuses),
        "rungs": {name: rate(reached) for name, reached in summary.rungs.items()},
        "hops": rate(summary.hops),
        "composability": rate(summary.composability_gap),
        "format_gap": summary.format_gap,
        "tool_calls": summary.tool_calls,
        "recovered": rate(summary.recovered),
        "overuse": summary.overuse,
        "underuse": summary.underuse,
        "abstention": vars(summary.abstention) | {"recall": rate(summary.abstention.recall)},
        "pass_at": {k: rate(r) for k, r in summary.pass_at.items()},
        "pass_all": {k: rate(r) for k, r in summary.pass_all.items()},
        "run_on": rate(run_on(result)) if is_probe(result) else None,
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


def rate(found: Rate) -> dict[str, float]:
    """A rate as an object for JSON."""
    return {"value": found.value, "low": found.low, "high": found.high, "n": found.n}


def dumps(value: object) -> str:
    """JSON that any program can read: what is not known (nan, infinity) is null."""
    return json.dumps(_finite(value), indent=1, ensure_ascii=False)


def _finite(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def newest(folder: Path) -> list[Path]:
    """The last run of each kind that has episodes; partial ones too."""
    last = {}
    for run in runs.find(folder):
        config = run.manifest["config"]
        if run.episodes():
            last[
                config["model"]["name"],
                config["suite"]["name"],
                config["prompt"]["name"],
                config["mode"],
                config["repair"],
            ] = run.path
    return list(last.values())


def frame(paths: list[Path]) -> pd.DataFrame:
    """The rows of several runs as a DataFrame, for notebooks."""
    import pandas as pd

    return pd.DataFrame([row(load(path)) for path in paths])


def _rate(key: str, rate: Rate) -> dict[str, float]:
    return {key: rate.value, f"{key}_low": rate.low, f"{key}_high": rate.high}
