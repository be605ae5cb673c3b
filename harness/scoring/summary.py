"""Counts the scores of one run: rates with intervals, errors, faults, trials.

Unscored episodes are counted by whose fault they are and are in no rate.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import comb

from harness.scoring.answers import ABSTAINED, NOT_ANSWERED, expects
from harness.scoring.records import RUNGS, EpisodeScore
from harness.scoring.statistics import Rate, by_cluster, rate_of_clusters


@dataclass(frozen=True)
class Category:
    """One category: its tasks and how many of their episodes were right."""

    tasks: int
    correct: Rate
    lenient: Rate


@dataclass(frozen=True)
class Abstention:
    """Who abstained where: ``rightly`` and ``wrongly`` did, ``asserted`` and ``silent`` are
    the unanswerable tasks with an answer all the same and with none at all."""

    rightly: int
    wrongly: int
    asserted: int
    silent: int
    answerable: int

    @property
    def recall(self) -> Rate:
        """Share of the unanswerable tasks on which the model said so."""
        n = self.rightly + self.asserted + self.silent
        return rate_of_clusters([(1, 1)] * self.rightly + [(0, 1)] * (n - self.rightly))


@dataclass(frozen=True)
class Summary:
    """What a run showed. Every ``Rate`` has a 95 % interval; clusters are tasks that share
    ``cluster``, and all trials of a task.

    ``format_gap`` is correct minus correct_strict, ``step_gap`` readable minus strict steps
    (both as shares). ``rungs`` maps each name of RUNGS to the share of episodes that reached
    it; ``mean_rung`` is 0 to 5. ``composability_gap`` is the share of wrong answers among
    episodes of two hops or more with every hop right. ``recovered`` is the share of the
    errors met that the next step put right. ``pass_at[k]``: at least one of k trials right;
    ``pass_all[k]`` (pass^k): all k right; both only up to the least number of scored trials
    of any task.
    """

    episodes: int
    tasks: int
    unscored: Mapping[str, int]
    correct: Rate
    lenient: Rate
    correct_strict: Rate
    steps_strict: Rate
    steps_readable: Rate
    errors: Mapping[str, int]
    repairs: Mapping[str, int]
    statuses: Mapping[str, int]
    rungs: Mapping[str, Rate]
    mean_rung: float
    hops: Rate
    composability_gap: Rate
    overuse: int
    underuse: int
    tool_calls: int
    recovered: Rate
    categories: Mapping[str, Category]
    abstention: Abstention
    trials: int
    pass_at: Mapping[int, Rate]
    pass_all: Mapping[int, Rate]

    @property
    def format_gap(self) -> float:
        """Right answers that needed a repair on the way, as a share of all episodes."""
        return self.correct.value - self.correct_strict.value

    @property
    def step_gap(self) -> float:
        """Steps that only a repair made readable, as a share of all steps."""
        return self.steps_readable.value - self.steps_strict.value


def summarise(scores: Iterable[EpisodeScore]) -> Summary:
    """Count the scores of one run; an empty run has rates over nothing (n = 0)."""
    everything = list(scores)
    good = [score for score in everything if not score.fault]
    composed = [s for s in good if s.hops >= 2 and s.hops_right == s.hops]
    trials = _trials(good)
    return Summary(
        episodes=len(good),
        tasks=len(trials),
        unscored=dict(Counter(score.fault for score in everything if score.fault)),
        correct=share(good, lambda s: s.correct),
        lenient=share(good, lambda s: s.lenient),
        correct_strict=share(good, lambda s: s.correct_strict),
        steps_strict=share(good, lambda s: sum(x.strict for x in s.steps), lambda s: len(s.steps)),
        steps_readable=share(
            good, lambda s: sum(x.readable for x in s.steps), lambda s: len(s.steps)
        ),
        errors=_count(error for s in good for step in s.steps for error in step.errors),
        repairs=_count(repair for s in good for step in s.steps for repair in step.repairs),
        statuses=_count(s.status for s in good),
        rungs={name: _reached(good, i) for i, name in enumerate(RUNGS, 1)},
        mean_rung=sum(s.rung for s in good) / len(good) if good else float("nan"),
        hops=share(good, lambda s: s.hops_right, lambda s: s.hops),
        composability_gap=share(composed, lambda s: not s.correct),
        overuse=sum(s.overuse for s in good),
        underuse=sum(s.underuse for s in good),
        tool_calls=sum(s.tool_calls for s in good),
        recovered=share(good, lambda s: s.recovered, lambda s: s.errors_met),
        categories=_categories(good),
        abstention=_abstention(good),
        trials=max((n for _, n, _ in trials), default=0),
        pass_at=_passes(trials, lambda n, c, k: 1 - comb(n - c, k) / comb(n, k)),
        pass_all=_passes(trials, lambda n, c, k: comb(c, k) / comb(n, k)),
    )


def share(
    scores: Iterable[EpisodeScore],
    hits: Callable[[EpisodeScore], float],
    size: Callable[[EpisodeScore], float] = lambda score: 1,
) -> Rate:
    """The sum of ``hits`` over the sum of ``size``, its interval robust to clusters."""
    counts = ((s.cluster or s.task_id, hits(s), size(s)) for s in scores)
    return rate_of_clusters(by_cluster(counts))


def _reached(scores: Sequence[EpisodeScore], rung: int) -> Rate:
    return share(scores, lambda score: score.rung >= rung)


def _count(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(names).most_common())


def _categories(scores: Sequence[EpisodeScore]) -> dict[str, Category]:
    found: defaultdict[str, list[EpisodeScore]] = defaultdict(list)
    for score in scores:
        found[score.category].append(score)
    return {
        name: Category(
            len({s.task_id for s in some}),
            share(some, lambda s: s.correct),
            share(some, lambda s: s.lenient),
        )
        for name, some in found.items()
    }


def _abstention(scores: Sequence[EpisodeScore]) -> Abstention:
    """Lenient abstaining counts: a model that says so in its own words has said so."""
    rules = Counter(
        (expects(s.verdict) == "abstain", s.verdict.rule.partition(": ")[2]) for s in scores
    )
    unanswerable = sum(n for (none, _), n in rules.items() if none)
    rightly, silent = rules[True, ABSTAINED], rules[True, NOT_ANSWERED]
    return Abstention(
        rightly,
        wrongly=rules[False, ABSTAINED],
        asserted=unanswerable - rightly - silent,
        silent=silent,
        answerable=len(scores) - unanswerable,
    )


def _trials(scores: Iterable[EpisodeScore]) -> list[tuple[str, int, int]]:
    """(cluster, trials, right ones) of each task."""
    tasks: defaultdict[tuple[str, str], list[bool]] = defaultdict(list)
    for score in scores:
        tasks[score.cluster or score.task_id, score.task_id].append(score.correct)
    return [(cluster, len(right), sum(right)) for (cluster, _), right in tasks.items()]


def _passes(
    trials: Sequence[tuple[str, int, int]], chance: Callable[[int, int, int], float]
) -> dict[int, Rate]:
    """For each k that every task has trials for: the unbiased mean over tasks."""
    least = min((n for _, n, _ in trials), default=0)
    rates: dict[int, Rate] = {}
    for k in range(1, least + 1):
        chances = ((cluster, chance(n, right, k), 1) for cluster, n, right in trials)
        rates[k] = rate_of_clusters(by_cluster(chances), draws=least)
    return rates
