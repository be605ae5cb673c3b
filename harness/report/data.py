"""A run read back and scored: what tables, charts and the notebook are made from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import runs, tasks
from harness.runs import TASKS_FILE, Run
from harness.scoring.episodes import score_episode
from harness.scoring.probes import commands, score_probe
from harness.scoring.statistics import Rate
from harness.scoring.summary import Summary, summarise
from harness.tools.calculate import CannotCalculate, evaluate
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


def load(path: Path) -> Result:
    """Read and score a run folder. Raises UserError when it is none, or is empty."""
    run = Run.open(path)
    episodes = tuple(run.episodes())
    if not episodes:
        raise UserError(f"{path}: no finished episode yet; give the same run command again")
    suite = tasks.parse_tasks((path / TASKS_FILE).read_text("utf-8"), str(path / TASKS_FILE))
    scores = score(run.manifest, suite, episodes)
    return Result(path, run.manifest, suite, episodes, scores, summarise(scores))


def score(
    manifest: Mapping[str, Any],
    suite: tuple[Task, ...],
    episodes: tuple[Episode, ...],
    repair: bool | None = None,
) -> tuple[EpisodeScore, ...]:
    """Every episode under today's parser and matchers; ``repair`` None = as in the run."""
    config = manifest["config"]
    prompt, tools = config["prompt"], tuple(config["tools"])
    how: dict[str, Any] = {"dialect": prompt["dialect"],
                           "repair": config["repair"] if repair is None else repair}  # fmt: skip
    by_id = {task.id: task for task in suite}
    if not prompt.get("probe"):
        return tuple(score_episode(by_id[e.task_id], e, tools=tools, **how) for e in episodes)
    how |= {"tools": tools or commands(suite), "same_value": same_value}
    return tuple(score_probe(by_id[e.task_id], e, **how) for e in episodes)


def same_value(a: str, b: str) -> bool:
    """Whether the tool ``calculate`` gives the same number for both expressions."""
    try:
        return math.isclose(evaluate(a), evaluate(b), rel_tol=1e-9)
    except (CannotCalculate, OverflowError):
        return False


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
        "tokens_per_second": sum(s["tokens"] for s in sessions) / seconds if seconds else 0.0,
        "seconds_per_episode": seconds / max(1, sum(s["episodes"] for s in sessions)),
        "peak_memory": max((s["peak_memory"] for s in sessions), default=0),
        "path": str(result.path),
    }


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
            ] = run.path
    return list(last.values())


def frame(paths: list[Path]) -> pd.DataFrame:
    """The rows of several runs as a DataFrame, for notebooks."""
    import pandas as pd

    return pd.DataFrame([row(load(path)) for path in paths])


def _rate(key: str, rate: Rate) -> dict[str, float]:
    return {key: rate.value, f"{key}_low": rate.low, f"{key}_high": rate.high}
