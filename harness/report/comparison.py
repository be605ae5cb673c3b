"""Makes the page or the tables of a comparison of runs, task by task, and what may be claimed.

``scoring.comparisons`` does the statistics, ``report.noise`` measures what repeats differ in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.table import Table

from harness.common.printable import printable
from harness.common.text import one_line
from harness.report import data, experiments, pairing
from harness.report.data import Result
from harness.report.noise import FirstStep, Noise, measure_noise
from harness.report.table import table_of
from harness.report.words import labelled, percent, wrapped
from harness.scoring.comparisons import Comparison, Measure, Ranking, Standing, rank_scores
from harness.scoring.statistics import Rate

MEASURES: dict[Measure, str] = {
    "correct": "right answers",
    "lenient": "right answers, leniently matched",
    "correct_strict": "right answers with every step well-formed as written",
}
PAIRS_SHOWN = 60  # that are shown; --json has all
NAME_SHOWN = 60  # characters of a run's name
SHOWN_TEXT = 60  # characters of a completion, from shortly before its first difference
ONE_MODEL = "two runs of one model: any difference is noise"


@dataclass(frozen=True)
class Compared:
    """Runs beside each other: ``names[i]`` is that of ``results[i]``. ``noise`` has what
    differs between two compared runs of one model, by the names of the two; ``floors`` what
    repeats of a run that are not compared themselves differ in, by its name."""

    results: tuple[Result, ...]
    names: tuple[str, ...]
    measure: Measure
    ranked: Ranking
    noise: Mapping[tuple[str, str], Noise]
    floors: Mapping[str, Noise]


def compare_results(results: Sequence[Result], measure: Measure, runs_dir: Path) -> Compared:
    """Compare every pair of some runs.

    ``measure`` is what counts as right, ``runs_dir`` where repeats of the runs are looked for.
    Raises UserError where two runs have no pairs.
    """
    pairing.require_pairs(results)
    names = pairing.run_labels(results)
    by_name = dict(zip(names, results, strict=True))
    ranked = rank_scores({name: r.scores for name, r in by_name.items()}, measure=measure)
    noise = {
        (c.a, c.b): measure_noise(by_name[c.a], [by_name[c.b]], measure)
        for c in ranked.comparisons
        if experiments.are_repeats(by_name[c.a].settings, by_name[c.b].settings)
    }
    repeats = {name: pairing.repeats_of(r, results, runs_dir) for name, r in by_name.items()}
    floors = {name: measure_noise(by_name[name], some, measure) for name, some in repeats.items()}
    floors = {name: floor for name, floor in floors.items() if floor.changed.n}
    return Compared(tuple(results), tuple(names), measure, ranked, noise, floors)


def comparison_json(found: Compared) -> dict[str, Any]:
    """The whole comparison for programs; the order only where it holds."""
    ranked, pairs = found.ranked, zip(found.names, found.results, strict=True)
    return {
        "suite": found.results[0].manifest["config"]["suite"]["name"],
        "measure": found.measure,
        "differ_in": pairing.differing(found.results),
        "runs": {name: str(result.path) for name, result in pairs},
        "rows": data.rows(found.results),
        "models": [
            asdict(each) | {"correct": data.rate_json(each.correct)} for each in ranked.standings
        ],
        "comparisons": [_pair_json(c, found.noise.get((c.a, c.b))) for c in ranked.comparisons],
        "noise_floors": {name: _noise_json(floor) for name, floor in found.floors.items()},
        "ranking": [each.name for each in ranked.standings] if ranked.holds else None,
        "words": ranked.words,
    }


def _pair_json(c: Comparison, noise: Noise | None) -> dict[str, Any]:
    words = {"words": _verdict(c, noise), "paired_on": _paired_on(c)}
    more = {"better": c.better, "too_many_lost": c.too_many_lost, **words}
    return asdict(c) | more | {"noise": _noise_json(noise) if noise else None}


def _noise_json(noise: Noise) -> dict[str, Any]:
    rates = {key: data.rate_json(getattr(noise, key)) for key in ("flipped", "changed", "steps")}
    return asdict(noise) | rates


def comparison_blocks(found: Compared) -> list[Table | str]:
    """Two runs as a page, more as tables."""
    suite = found.results[0].manifest["config"]["suite"]["name"]
    differ = ", ".join(pairing.differing(found.results)) or "nothing that the record names"
    head = f"{suite}: {MEASURES[found.measure]}; the runs differ in {differ}"
    blocks: list[Table | str] = [*wrapped(head), "", _rates(found), "", *_cautions(found)]
    if len(found.ranked.comparisons) == 1:
        return [*blocks, *_page(found, found.ranked.comparisons[0])]
    return [*blocks, _pairs(found), "", *_notes(found), *_claims(found.ranked)]


def _rates(found: Compared) -> Table:
    """The runs in the order asked, numbered, because a pair has no room for two names. Each
    rate is over the run's own tasks, which the last column counts."""
    rates = {each.name: each.correct for each in found.ranked.standings}
    lines = []
    for number, (name, run) in enumerate(zip(found.names, found.results, strict=True), 1):
        rate = rates[name]
        lines.append((number, printable(name, NAME_SHOWN), rate, f"{rate.n:g}", run.progress.words))
    return table_of(("", "run", ">right [95 %]", ">n", ">tasks"), lines)


def _cautions(found: Compared) -> list[str]:
    """What must be known before the runs are compared: interrupted ones, other tasks."""
    lines = []
    for name, result in zip(found.names, found.results, strict=True):
        if result.progress.mark:
            lines.append(f"{result.progress.mark}: {name}, {result.progress.words}")
    if any(pairing.tasks_begun(a) != pairing.tasks_begun(b) for a, b in pairwise(found.results)):
        lines.append("The runs have different tasks: each rate above is over its own, each")
        lines.append("comparison below over the tasks that both ran.")
    return [*lines, ""] if lines else []


def _paired_on(c: Comparison) -> str:
    """Which tasks a comparison is about, in words."""
    if not c.unpaired:
        return f"paired on {c.n} tasks"
    pairs = f"{c.n} of {c.n + c.lost}" if c.lost else f"{c.n}"
    return f"paired on {pairs} tasks that both ran; A ran {c.ran_a}, B {c.ran_b}"


# --- two runs ---------------------------------------------------------------------------


def _page(found: Compared, c: Comparison) -> Iterator[str]:
    noise = found.noise.get((c.a, c.b))
    yield f"A  {printable(c.a, NAME_SHOWN)}"
    yield f"B  {printable(c.b, NAME_SHOWN)}"
    if noise:
        yield ONE_MODEL
        yield from labelled(_noise_facts(noise), 17)
    yield from labelled(_facts(c), 17)
    for letter, name in (("A", c.a), ("B", c.b)):
        if name in found.floors:
            yield from wrapped(_floor_words(found.floors[name], letter), " " * 17)
    if not noise or c.better:
        yield ""
        yield from wrapped(_verdict(c, noise))


def _facts(c: Comparison) -> Iterator[tuple[str, str]]:
    yield "pairs", _paired_on(c)
    if c.unpaired and c.n:
        yield "right on those", f"A {percent(c.rate_a)} %, B {percent(c.rate_b)} %"
    yield "A better", str(c.n10)
    yield "B better", str(c.n01)
    yield "A minus B", f"{_signed(c.difference)} points [{_signed(c.low)}, {_signed(c.high)}]"
    yield "p", f"{c.p:.3g} mid-p McNemar, {c.p_exact:.3g} exact"
    yield "can show", f"{percent(c.detectable)} points ({c.n} tasks, 80 % power)"
    if c.independent and abs(c.independent - c.n) > 0.5:
        yield "worth", f"{c.independent:.0f} independent pairs (shared clusters, trials)"
    if c.lost:
        bounds = f"{_signed(c.worst)} to {_signed(c.best)} points"
        yield "lost to faults", f"{c.lost}: A minus B from {bounds}"


def _verdict(c: Comparison, noise: Noise | None) -> str:
    """What may be claimed of two runs. Of one model neither run is the better one."""
    if not noise:
        return c.words
    if not c.better:
        return ONE_MODEL
    return (
        f"two runs of one model that differ by more than chance (p = {c.p_adjusted:.2g}): look "
        "for the cause in what differs between them"
    )


# --- the noise floor --------------------------------------------------------------------


def _counted(rate: Rate) -> str:
    return f"{rate.hits:g} of {rate.n:g}"


def _noise_facts(noise: Noise) -> Iterator[tuple[str, str]]:
    yield "outcomes flipped", f"{_counted(noise.flipped)} tasks, {noise.flipped}"
    yield "answers changed", f"{_counted(noise.changed)} tasks, {noise.changed}"
    yield "steps", f"{_counted(noise.steps)} differ in their text, {noise.steps}"
    if noise.first:
        yield from _first_words(noise.first)


def _first_words(first: FirstStep) -> Iterator[tuple[str, str]]:
    trial = f" trial {first.trial}" if first.trial else ""
    cause = ", after another answer of the tool" if first.after_tool else ""
    yield "first difference", f"{first.task_id}{trial}, step {first.step}{cause}"
    a, b = first.texts
    same = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
    start = max(0, (min(len(a), len(b)) if same is None else same) - SHOWN_TEXT // 3)
    for letter, text in zip("AB", first.texts, strict=True):
        shown = one_line(text[start : start + SHOWN_TEXT])
        yield f"  {letter}", f"{'…' if start else ''}{shown}" if text else "no such step"


def _floor_words(floor: Noise, name: str) -> str:
    times = f"{floor.repeats} repeat{'s' if floor.repeats > 1 else ''}"
    return (
        f"noise floor: in repeats of {name}, {_counted(floor.changed)} answers changed "
        f"({floor.changed}; {times}), {floor.flipped.hits:g} of them between right and wrong"
    )


# --- many runs --------------------------------------------------------------------------


def _pairs(found: Compared) -> Table:
    number = {name: str(i) for i, name in enumerate(found.names, 1)}
    lines = [
        (
            f"{number[c.a]}-{number[c.b]}",
            c.n10,
            c.n01,
            f"{_signed(c.difference)} [{_signed(c.low)}, {_signed(c.high)}]",
            percent(c.detectable),
            f"{c.p_adjusted:.2g}",
            "noise" if (c.a, c.b) in found.noise else number.get(c.better, "?"),
        )
        for c in found.ranked.comparisons[:PAIRS_SHOWN]
    ]
    heads = ("A-B", ">A+", ">B+", ">points [95 %]", ">can show", ">p (Holm)", ">better")
    return table_of(heads, lines)


def _notes(found: Compared) -> Iterator[str]:
    comparisons = found.ranked.comparisons
    yield "A+, B+: tasks on which A, B did better. points: A minus B, Tango's interval."
    yield "can show: the smallest difference with 80 % power. ?: cannot tell them apart."
    if found.noise:
        yield f"noise: {ONE_MODEL}."
    if len(comparisons) > PAIRS_SHOWN:
        yield f"{PAIRS_SHOWN} of {len(comparisons)} pairs; --json has all."
    for c in comparisons:
        if c.unpaired:
            yield f"{c.a} / {c.b}: {_paired_on(c)}"
        if c.lost:
            bounds = f"{_signed(c.worst)} to {_signed(c.best)} points"
            yield f"{c.a} / {c.b}: {c.lost} tasks lost to faults; A-B from {bounds}"
    for (a, b), noise in found.noise.items():
        flipped = f"{_counted(noise.flipped)} outcomes flipped"
        yield from wrapped(f"{a} / {b}: {flipped}, {_counted(noise.changed)} answers changed", "  ")
    for name, floor in found.floors.items():
        yield from wrapped(_floor_words(floor, name), "  ")


def _claims(ranked: Ranking) -> Iterator[str]:
    """What may be said: the ranking where it holds, else whom each model beats."""
    yield ""
    yield ranked.words
    if ranked.holds:
        for number, each in enumerate(ranked.standings, 1):
            yield f"{number:3}. {each.name}: {each.correct}"
        return
    for each in ranked.standings:
        yield from wrapped(f"{each.name}: {_claim(each)}", "    ")


def _claim(each: Standing) -> str:
    parts: Mapping[str, Sequence[str]] = {
        "beats": each.beats,
        "beaten by": each.beaten_by,
        "cannot be told from": each.not_distinguishable_from,
    }
    return "; ".join(f"{verb} {', '.join(names)}" for verb, names in parts.items() if names)


def _signed(share: float) -> str:
    return percent(share, "+.1f")
