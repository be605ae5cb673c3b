"""Tells which of two models is better, and which of many, where the data can show it.

Pairs are tasks that both models finished. Two models differ only where the test says so;
otherwise the words say how much this many tasks could have shown.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

from harness.scoring.records import EpisodeScore
from harness.scoring.statistics import (
    ALPHA,
    Rate,
    by_cluster,
    flip_test,
    holm,
    independent_draws,
    smallest_difference,
    tango,
)
from harness.scoring.summary import share

Measure = Literal["correct", "lenient", "correct_strict"]

MOST_LOST = 0.02
"""Share of pairs that faults may take before no claim is made at all."""


@dataclass(frozen=True)
class Comparison:
    """Two models, ``a`` and ``b``, on the same tasks. Shares are of tasks, 0 to 1.

    ``n`` pairs: ``n10`` where a did better, ``n01`` where b did (with one trial each: only
    one of them right). ``difference`` is a minus b, with Tango's interval ``low`` to
    ``high``; ``independent`` is the effective number of pairs behind it, less than n where
    tasks share clusters. ``p`` is mid-p McNemar, ``p_exact`` the exact test, both by whole
    clusters; ``p_adjusted`` is p after Holm over all pairs that were asked about (p itself
    for one). ``detectable`` is the smallest difference that these tasks show with 80 %
    power at this discordance. ``lost`` tasks were taken by faults; ``worst`` and ``best``
    are the difference if all of them had gone against a, or for it. ``ran_a`` and ``ran_b``
    count the tasks of each run; ``unpaired`` of them were in one run only. ``rate_a`` and
    ``rate_b`` are the shares right over the pairs.
    """

    a: str
    b: str
    n: int
    n10: int
    n01: int
    discordance: float
    difference: float
    low: float
    high: float
    independent: float
    p: float
    p_exact: float
    p_adjusted: float
    detectable: float
    lost: int
    worst: float
    best: float
    unpaired: int
    ran_a: int
    ran_b: int
    rate_a: float
    rate_b: float

    @property
    def too_many_lost(self) -> bool:
        """Faults took so many pairs that nothing is claimed."""
        return self.lost > MOST_LOST * (self.n + self.lost)

    @property
    def better(self) -> str:
        """The name of the better model; "" where the data cannot tell."""
        if self.too_many_lost or self.p_adjusted > ALPHA or not self.difference:
            return ""
        return self.a if self.difference > 0 else self.b

    @property
    def words(self) -> str:
        """The result in one sentence for people."""
        return _words(self)


def compare_scores(
    a: Iterable[EpisodeScore],
    b: Iterable[EpisodeScore],
    *,
    names: tuple[str, str] = ("A", "B"),
    measure: Measure = "correct",
) -> Comparison:
    """Compare two runs task by task. Trials of a task are averaged first.

    ``a`` and ``b`` are the scores of each run's episodes, ``names`` what the runs are called
    in words, ``measure`` the field of a score that counts as right.
    """
    left, right = _tasks(a, measure), _tasks(b, measure)
    both = left.keys() & right.keys()
    pairs = [(left[t], right[t]) for t in sorted(both) if left[t].trials and right[t].trials]
    n = max(1, len(pairs))
    only_a, only_b = (count / n for count in _only_one(pairs))
    difference, discordance = only_a - only_b, only_a + only_b
    independent = _independent(pairs, discordance - difference**2)
    low, high = tango(only_a * independent, only_b * independent, independent)
    p_exact, p = flip_test(_cluster_differences(pairs))
    worst, best = _bounds([(left[t], right[t]) for t in both])
    return Comparison(
        *names,
        n=len(pairs),
        n10=sum(x.mean > y.mean for x, y in pairs),
        n01=sum(x.mean < y.mean for x, y in pairs),
        discordance=discordance,
        difference=difference,
        low=low,
        high=high,
        independent=independent,
        p=p,
        p_exact=p_exact,
        p_adjusted=p,
        detectable=smallest_difference(independent, discordance),
        lost=len(both) - len(pairs),
        worst=worst,
        best=best,
        unpaired=len(left.keys() ^ right.keys()),
        ran_a=len(left),
        ran_b=len(right),
        rate_a=sum(x.mean for x, _ in pairs) / n,
        rate_b=sum(y.mean for _, y in pairs) / n,
    )


@dataclass(frozen=True)
class _Task:
    """One model's scored trials of one task; none at all = lost to faults."""

    cluster: str
    trials: int
    hits: int

    @property
    def mean(self) -> float:
        return self.hits / self.trials


_Pair = tuple[_Task, _Task]


def _tasks(scores: Iterable[EpisodeScore], measure: Measure) -> dict[str, _Task]:
    tasks: dict[str, _Task] = {}
    for score in scores:
        task = tasks.setdefault(score.task_id, _Task(score.cluster or score.task_id, 0, 0))
        if not score.fault:
            hit = int(getattr(score, measure))
            tasks[score.task_id] = replace(task, trials=task.trials + 1, hits=task.hits + hit)
    return tasks


def _only_one(pairs: Iterable[_Pair]) -> tuple[float, float]:
    """Tasks that only a, and that only b gets right; with trials, their expected number."""
    only = [(x.mean * (1 - y.mean), y.mean * (1 - x.mean)) for x, y in pairs]
    return sum(a for a, _ in only), sum(b for _, b in only)


def _independent(pairs: Sequence[_Pair], variance: float) -> float:
    """The effective number of pairs, each with that variance of its difference."""
    clusters = by_cluster((x.cluster, x.mean - y.mean, 1) for x, y in pairs)
    most = float(sum(min(x.trials, y.trials) for x, y in pairs))
    return independent_draws(variance, clusters, most)


def _cluster_differences(pairs: Iterable[_Pair]) -> list[int]:
    """a minus b in each cluster, in the smallest unit in which all are whole numbers."""
    pairs = list(pairs)
    unit = math.lcm(*(task.trials for pair in pairs for task in pair))
    clusters: defaultdict[str, int] = defaultdict(int)
    for x, y in pairs:
        clusters[x.cluster] += unit // x.trials * x.hits - unit // y.trials * y.hits
    return list(clusters.values())


def _bounds(pairs: Sequence[_Pair]) -> tuple[float, float]:
    """The difference if every lost task had gone to b, and if it had gone to a."""
    if not pairs:
        return 0.0, 0.0

    def mean(task: _Task, if_lost: float) -> float:
        return task.mean if task.trials else if_lost

    worst = sum(mean(x, 0.0) - mean(y, 1.0) for x, y in pairs) / len(pairs)
    return worst, sum(mean(x, 1.0) - mean(y, 0.0) for x, y in pairs) / len(pairs)


# --- words ------------------------------------------------------------------------------


def _points(share_of_tasks: float) -> str:
    points = 100 * abs(share_of_tasks)
    return f"{points:.1f}" if points < 9.95 else f"{points:.0f}"


def _words(c: Comparison) -> str:
    if not c.n:
        return "nothing to compare: no task was finished by both"
    if c.too_many_lost:
        return (
            f"no claim: faults took {c.lost} of {c.n + c.lost} tasks; the difference lies between "
            f"{100 * c.worst:+.0f} and {100 * c.best:+.0f} points whatever they would have been"
        )
    if c.better:
        worse = c.b if c.better == c.a else c.a
        low, high = sorted((abs(c.low), abs(c.high)))
        low = low if c.low * c.high > 0 else 0.0
        return (
            f"{c.better} is better than {worse} by {_points(c.difference)} points (95 % interval "
            f"{_points(low)} to {_points(high)}, {c.n} tasks, p = {c.p_adjusted:.2g})"
        )
    points, can_show = _points(c.difference), f"{_points(c.detectable)} points"
    if not c.difference:
        why = f"no difference on {c.n} tasks, which can show {can_show}"
    elif abs(c.difference) < c.detectable:
        why = f"{c.n} tasks can show {can_show}, not {points}"
    else:
        why = f"{points} points on {c.n} tasks, p = {c.p_adjusted:.2g}"
    return f"cannot tell them apart: {why}"


# --- many models ------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """One model of a ranking: what it beats, what beats it, and what it cannot be told from."""

    name: str
    correct: Rate
    beats: tuple[str, ...]
    beaten_by: tuple[str, ...]
    not_distinguishable_from: tuple[str, ...]


@dataclass(frozen=True)
class Ranking:
    """Models by accuracy, with every claim adjusted for all pairs (Holm).

    ``holds`` is True only when each model is told apart from every other: only then do the
    order means anything by itself."""

    standings: tuple[Standing, ...]
    comparisons: tuple[Comparison, ...]

    @property
    def holds(self) -> bool:
        """Whether the order as a whole may be printed as a ranking."""
        return not any(each.not_distinguishable_from for each in self.standings)

    @property
    def words(self) -> str:
        """What may be claimed, in one sentence for people."""
        claims = sum(bool(c.better) for c in self.comparisons)
        if not self.comparisons:
            return "nothing to rank"
        if self.holds:
            return f"the ranking holds: all {claims} pairs differ"
        if not claims:
            return f"no ranking: none of {len(self.comparisons)} pairs can be told apart"
        return f"no full ranking: {claims} of {len(self.comparisons)} pairs can be told apart"


def rank_scores(
    models: Mapping[str, Sequence[EpisodeScore]], *, measure: Measure = "correct"
) -> Ranking:
    """Compare every pair of models and claim only what survives Holm's adjustment."""
    pairs = [
        compare_scores(models[a], models[b], names=(a, b), measure=measure)
        for a, b in combinations(models, 2)
    ]
    adjusted = [
        replace(c, p_adjusted=p) for c, p in zip(pairs, holm([c.p for c in pairs]), strict=True)
    ]
    rates = {name: _rate(scores, measure) for name, scores in models.items()}
    order = sorted(models, key=lambda name: -rates[name].value if rates[name].n else 1.0)
    return Ranking(tuple(_standing(name, rates[name], adjusted) for name in order), tuple(adjusted))


def _rate(scores: Iterable[EpisodeScore], measure: Measure) -> Rate:
    return share([s for s in scores if not s.fault], lambda s: float(getattr(s, measure)))


def _standing(name: str, correct: Rate, comparisons: Iterable[Comparison]) -> Standing:
    beats: list[str] = []
    beaten_by: list[str] = []
    tied: list[str] = []
    for c in comparisons:
        if name in (c.a, c.b):
            other = c.b if name == c.a else c.a
            (beats if c.better == name else beaten_by if c.better else tied).append(other)
    return Standing(name, correct, tuple(beats), tuple(beaten_by), tuple(tied))
