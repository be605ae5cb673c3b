"""Compares runs task by task: finds them, refuses those without pairs, prints what may be claimed.

The statistics are made in ``scoring.comparisons``.
"""

from __future__ import annotations

import fnmatch
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from harness.common.hints import hint
from harness.common.printable import printable
from harness.report import data, experiments
from harness.report.data import Result
from harness.report.table import console
from harness.run import identity, store
from harness.run.store import MANIFEST, Run
from harness.scoring.comparisons import Comparison, Measure, Place, Ranking, ranking
from harness.types import UserError

MEASURES: dict[Measure, str] = {
    "correct": "right answers",
    "lenient": "right answers, leniently matched",
    "correct_strict": "right answers with every step well-formed as written",
}
MOST = 60  # pairs that are printed; --json has all


# --- which runs -------------------------------------------------------------------------


def find(wanted: Sequence[str], runs_dir: Path) -> list[Path]:
    """The runs to compare, meant by folders, model names and globs: of a model the newest
    run that can be paired with the others. Raises UserError for a name that no run has."""
    found = _unique(_together(_places(wanted, runs_dir)))
    if len(found) < 2:
        raise UserError("compare needs two different runs or more: folders, or names of models")
    return found


def named(wanted: Sequence[str], runs_dir: Path) -> list[Path]:
    """The runs meant by folders, model names and globs: of a model its newest run."""
    return _unique([place[-1] for place in _places(wanted, runs_dir)])


def _unique(found: Sequence[Run]) -> list[Path]:
    return list({run.path.resolve(): run.path for run in found}.values())


def _places(wanted: Sequence[str], runs_dir: Path) -> list[list[Run]]:
    """For each run that is meant, the candidates, newest last."""
    kept = [run for run in store.find_runs(runs_dir) if run.episodes()]
    places: list[list[Run]] = []
    for word in wanted:
        if (Path(word) / MANIFEST).is_file():
            places.append([Run.open(Path(word))])
        else:
            places += _of_models(word, kept, runs_dir)
    return places


def _of_models(word: str, kept: Sequence[Run], runs_dir: Path) -> list[list[Run]]:
    """The runs of each model whose name matches, newest last."""
    by_name: dict[str, list[Run]] = {}
    for run in kept:
        by_name.setdefault(str(run.manifest["config"]["model"]["name"]), []).append(run)
    names = sorted(fnmatch.filter(by_name, word))
    if not names:
        near = hint(word, by_name) if by_name else "there are no runs yet"
        raise UserError(f"{word!r} is no run folder, and no run in {runs_dir}/ is of it; {near}")
    return [by_name[name] for name in names]


def _together(places: Sequence[Sequence[Run]]) -> list[Run]:
    """One run a place: all of one experiment over the same tasks if there is one, else of one
    experiment, else of one suite, else the newest of each; of several choices the newest."""
    newest = sorted((run for runs in places for run in runs), key=lambda run: run.path.name)
    for key in (_tasks, _experiment, _suite):
        for last in reversed(newest):
            same = [[run for run in runs if key(run) == key(last)] for runs in places]
            if all(same):
                return [runs[-1] for runs in same]
    return [runs[-1] for runs in places]


def _suite(run: Run) -> object:
    return run.manifest["config"]["suite"]["sha256"]


def _experiment(run: Run) -> object:
    return experiments.experiment_of(identity.settings_of(run.manifest))


def _tasks(run: Run) -> object:
    asked = run.manifest.get("asked", {}).get("tasks", ())
    return _experiment(run), sorted(asked), len(run.done()) if not asked else 0


def check(results: Sequence[Result]) -> None:
    """Raises UserError for runs that have no pairs to compare."""
    first = results[0]
    for other in results[1:]:
        if not _begun(first) & _begun(other) and _suite_of(first) == _suite_of(other):
            raise UserError(
                f"{first.path.name} and {other.path.name} have no task in common: "
                f"{first.progress.words} and {other.progress.words}; run both over the same tasks"
            )
        a, b = first.manifest["config"]["suite"], other.manifest["config"]["suite"]
        if a["sha256"] != b["sha256"]:
            raise UserError(
                f"{first.path.name} ran suite {a['name']} ({a['sha256'][:12]}), {other.path.name} ran "
                f"{b['name']} ({b['sha256'][:12]}): a comparison needs the same tasks; run both over one suite"
            )
        if data.is_probe(first) != data.is_probe(other):
            raise UserError(
                f"{first.path.name} and {other.path.name}: a probe is graded on its action, a run on its "
                "answers; compare two probes or two runs"
            )


# --- what they are called ---------------------------------------------------------------


def differing(results: Sequence[Result]) -> list[str]:
    """In what the runs differ, in people's words: of the settings, of the tasks, or, of one
    model with the same settings, of what the engine reported."""
    found = experiments.aspects([result.settings for result in results])
    if len({_begun(result) for result in results}) > 1:
        found.append("tasks")
    if found:
        return found
    facts = [result.manifest.get("engine", {}) for result in results]
    changed = [
        name for other in facts[1:] for name, *_ in identity.fact_differences(facts[0], other)
    ]
    return list(dict.fromkeys(changed))


def labels(results: Sequence[Result]) -> list[str]:
    """A name for each run: its model's, with what else is needed to tell it apart."""
    tags = data.apart(results)
    names = [f"{r.name} ({tag})" if tag else r.name for r, tag in zip(results, tags, strict=True)]
    if len(set(names)) == len(names):
        return names
    return [f"{name} [{result.path.name}]" for name, result in zip(names, results, strict=True)]


def _begun(result: Result) -> frozenset[str]:
    return frozenset(episode.task_id for episode in result.episodes)


def _suite_of(result: Result) -> object:
    return result.manifest["config"]["suite"]["sha256"]


# --- the comparison ---------------------------------------------------------------------


def rank(results: Sequence[Result], measure: Measure) -> Ranking:
    """Every pair of the runs. Raises UserError where they cannot be paired."""
    check(results)
    scores = {n: r.scores for n, r in zip(labels(results), results, strict=True)}
    return ranking(scores, measure=measure)


def as_json(results: Sequence[Result], ranked: Ranking, measure: Measure) -> dict[str, Any]:
    """The whole comparison for programs; the order only where it holds."""
    names = labels(results)
    return {
        "suite": results[0].manifest["config"]["suite"]["name"],
        "measure": measure,
        "differ_in": differing(results),
        "runs": {name: str(r.path) for name, r in zip(names, results, strict=True)},
        "rows": data.rows(results),
        "models": [
            asdict(place) | {"correct": data.rate(place.correct)} for place in ranked.places
        ],
        "comparisons": [
            asdict(c)
            | {
                "better": c.better,
                "too_many_lost": c.too_many_lost,
                "words": c.words,
                "paired_on": paired_on(c),
            }
            for c in ranked.comparisons
        ],
        "ranking": [p.name for p in ranked.places] if ranked.holds else None,
        "words": ranked.words,
    }


def show(results: Sequence[Result], ranked: Ranking, measure: Measure) -> None:
    """Print two runs as a page, more as tables."""
    suite = results[0].manifest["config"]["suite"]["name"]
    differ = ", ".join(differing(results)) or "nothing that the record names"
    print(f"{printable(str(suite))}: {MEASURES[measure]}; the runs differ in {differ}\n")
    screen = console()
    names = labels(results)
    screen.print(_rates(names, results, ranked))
    print("\n".join(["", *_cautions(names, results)]))
    if len(ranked.comparisons) == 1:
        print("\n".join(_page(ranked.comparisons[0])))
        return
    screen.print(_pairs(names, ranked.comparisons))
    print("\n".join(["", *_notes(ranked.comparisons), *_claims(ranked)]))


def _rates(names: Sequence[str], results: Sequence[Result], ranked: Ranking) -> Table:
    """The runs in the order asked, numbered, because a pair has no room for two names. Each
    rate is over the run's own tasks, which the last column counts."""
    places = {place.name: place for place in ranked.places}
    table = _table("", "run", "right [95 %]", "n", "tasks")
    table.columns[1].justify, table.columns[1].no_wrap = "left", False
    for number, (name, result) in enumerate(zip(names, results, strict=True), 1):
        rate = places[name].correct
        tasks = result.progress.words
        table.add_row(str(number), printable(name, 60), str(rate), f"{rate.n:g}", tasks)
    return table


def _cautions(names: Sequence[str], results: Sequence[Result]) -> Iterator[str]:
    """What must be known before the runs are compared: interrupted ones, other tasks."""
    before = []
    for name, result in zip(names, results, strict=True):
        if result.progress.mark:
            before.append(f"{result.progress.mark}: {name}, {result.progress.words}")
    if len({_begun(result) for result in results}) > 1:
        before.append("The runs have different tasks: each rate above is over its own, each")
        before.append("comparison below over the tasks that both ran.")
    yield from (printable(line) for line in before)
    if before:
        yield ""


def paired_on(c: Comparison) -> str:
    """Which tasks a comparison is about, in words."""
    if not c.unpaired:
        return f"paired on {c.n} tasks"
    pairs = f"{c.n} of {c.n + c.lost}" if c.lost else f"{c.n}"
    return f"paired on {pairs} tasks that both ran; A ran {c.ran_a}, B {c.ran_b}"


def _page(c: Comparison) -> Iterator[str]:
    a, b = printable(c.a, 60), printable(c.b, 60)
    yield f"A  {a}"
    yield f"B  {b}"
    yield f"pairs            {paired_on(c)}"
    if c.unpaired and c.n:
        yield f"right on those   A {100 * c.rate_a:.1f} %, B {100 * c.rate_b:.1f} %"
    yield f"A better         {c.n10}"
    yield f"B better         {c.n01}"
    yield f"A minus B        {_points(c.difference)} points [{_points(c.low)}, {_points(c.high)}]"
    yield f"p                {c.p:.3g} mid-p McNemar, {c.p_exact:.3g} exact"
    yield f"can show         {100 * c.detectable:.1f} points ({c.n} tasks, 80 % power)"
    if c.independent and abs(c.independent - c.n) > 0.5:
        yield f"worth            {c.independent:.0f} independent pairs (shared clusters, trials)"
    if c.lost:
        yield f"lost to faults   {c.lost}: A minus B from {_points(c.worst)} to {_points(c.best)} points"
    yield ""
    yield from textwrap.wrap(printable(c.words), 78)


def _pairs(names: Sequence[str], comparisons: Sequence[Comparison]) -> Table:
    table = _table("A-B", "A+", "B+", "points [95 %]", "can show", "p (Holm)", "better")
    number = {name: str(i) for i, name in enumerate(names, 1)}
    for c in comparisons[:MOST]:
        table.add_row(
            f"{number[c.a]}-{number[c.b]}", str(c.n10), str(c.n01),
            f"{_points(c.difference)} [{_points(c.low)}, {_points(c.high)}]",
            f"{100 * c.detectable:.1f}", f"{c.p_adjusted:.2g}", number.get(c.better, "?"),
        )  # fmt: skip
    return table


def _notes(comparisons: Sequence[Comparison]) -> Iterator[str]:
    yield "A+, B+: tasks on which A, B did better. points: A minus B, Tango's interval."
    yield "can show: the smallest difference with 80 % power. ?: cannot tell them apart."
    if len(comparisons) > MOST:
        yield f"{MOST} of {len(comparisons)} pairs; --json has all."
    for c in comparisons:
        if c.unpaired:
            yield printable(f"{c.a} / {c.b}: {paired_on(c)}")
        if c.lost:
            yield printable(
                f"{c.a} / {c.b}: {c.lost} tasks lost to faults; A-B from "
                f"{_points(c.worst)} to {_points(c.best)} points"
            )


def _claims(ranked: Ranking) -> Iterator[str]:
    """What may be said: the ranking where it holds, else whom each model beats."""
    yield ""
    yield ranked.words
    if ranked.holds:
        for number, place in enumerate(ranked.places, 1):
            yield printable(f"{number:3}. {place.name}: {place.correct}")
        return
    for place in ranked.places:
        yield from textwrap.wrap(
            printable(f"{place.name}: {_claim(place)}"), 78, subsequent_indent="    "
        )


def _claim(place: Place) -> str:
    parts: Mapping[str, Sequence[str]] = {
        "beats": place.beats,
        "beaten by": place.beaten_by,
        "cannot be told from": place.not_distinguishable_from,
    }
    return "; ".join(f"{verb} {', '.join(names)}" for verb, names in parts.items() if names)


def _table(first: str, *heads: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(first, no_wrap=True)
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True, overflow="fold")
    return table


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"
