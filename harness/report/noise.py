"""Measures the noise floor: what differs between two runs of one experiment with one model.

Only what is not the model's differs between such runs: answers of live tools, slots, builds,
machines, a run that was interrupted and went on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from harness.report.data import Result
from harness.scoring.comparisons import Measure
from harness.scoring.records import EpisodeScore
from harness.scoring.statistics import Rate, by_cluster, rate_of_clusters
from harness.types import Episode, Step


@dataclass(frozen=True)
class FirstStep:
    """The first step (from 1) of an episode whose text differs. ``after_tool``: the tool had
    answered otherwise before it. ``texts`` are the two completions, "" where there is none."""

    task_id: str
    trial: int
    step: int
    after_tool: bool
    texts: tuple[str, str]


@dataclass(frozen=True)
class Noise:
    """What differs between a run and its repeats, over the episodes scored in both.

    ``flipped``: episodes that are right in one run only. ``changed``: those with another
    answer, another end or another outcome. ``steps``: steps of these episodes whose text
    differs or that only one run has. Every interval is robust to clusters. ``first`` is the
    first difference in the first of these episodes, in the order of the suite.
    """

    repeats: int
    flipped: Rate
    changed: Rate
    steps: Rate
    first: FirstStep | None


@dataclass(frozen=True)
class _Pair:
    """One episode as two runs have it."""

    ours: Episode
    theirs: Episode
    cluster: str
    flipped: bool

    @property
    def changed(self) -> bool:
        ends = [(episode.answer, episode.status) for episode in (self.ours, self.theirs)]
        return self.flipped or ends[0] != ends[1]

    @property
    def steps(self) -> list[bool]:
        """For each step whether its text differs."""
        both = zip_longest(self.ours.steps, self.theirs.steps)
        return [_text(a) != _text(b) for a, b in both]


def measure_noise(run: Result, repeats: Sequence[Result], measure: Measure = "correct") -> Noise:
    """Compare a run with other runs of the same model and experiment, episode by episode.

    ``measure`` is the field of a score by which an outcome is right or wrong.
    """
    pairs = [pair for repeat in repeats for pair in _pairs(run, repeat, measure)]
    return Noise(
        repeats=len(repeats),
        flipped=rate_of_clusters(by_cluster((p.cluster, p.flipped, 1) for p in pairs)),
        changed=rate_of_clusters(by_cluster((p.cluster, p.changed, 1) for p in pairs)),
        steps=rate_of_clusters(by_cluster((p.cluster, sum(p.steps), len(p.steps)) for p in pairs)),
        first=next((_first_step(pair) for pair in pairs if any(pair.steps)), None),
    )


def _pairs(run: Result, repeat: Result, measure: Measure) -> Iterator[_Pair]:
    """The episodes that both runs scored, in the order of the suite."""
    ours, theirs = _scored(run), _scored(repeat)
    order = {task.id: i for i, task in enumerate(run.tasks)}
    for key in sorted(ours.keys() & theirs.keys(), key=lambda key: (order[key[0]], key[1])):
        (a, graded), (b, other) = ours[key], theirs[key]
        flipped = bool(getattr(graded, measure)) != bool(getattr(other, measure))
        yield _Pair(a, b, graded.cluster or graded.task_id, flipped)


def _scored(run: Result) -> dict[tuple[str, int], tuple[Episode, EpisodeScore]]:
    pairs = zip(run.episodes, run.scores, strict=True)
    return {(e.task_id, e.trial): (e, score) for e, score in pairs if not score.fault}


def _first_step(pair: _Pair) -> FirstStep:
    at = pair.steps.index(True)
    seen, texts = [], []
    for episode in (pair.ours, pair.theirs):
        seen.append([step.observation for step in episode.steps[:at]])
        texts.append(_text(episode.steps[at]) or "" if at < len(episode.steps) else "")
    changed = seen[0] != seen[1]
    return FirstStep(pair.ours.task_id, pair.ours.trial, at + 1, changed, (texts[0], texts[1]))


def _text(step: Step | None) -> str | None:
    return step.completion.text if step else None
