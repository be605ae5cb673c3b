"""Makes the page of one run: all that the result table has no room for, in 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

from rich.table import Table

from harness.common.printable import printable
from harness.models.registry import short_size
from harness.report.data import Result, is_probe, rows, run_on
from harness.report.table import table_of
from harness.report.words import (
    ResultRow,
    deadline_words,
    labelled,
    percent,
    run_words,
    width_words,
    wrapped,
)
from harness.scoring.summary import Category, Summary

MOST_KINDS = 12  # of errors or repairs that are listed


def detail_blocks(results: Sequence[Result]) -> list[Table | str]:
    """Everything that is counted of each run, as texts and tables to print."""
    blocks: list[Table | str] = []
    for result, row in zip(results, rows(results), strict=True):
        summary = result.summary
        facts = [*_about(row), *_facts(summary, is_probe(result)), *_probe(result)]
        blocks += wrapped(f"== {run_words(row)}: {row['heading']}", "   ", 80)
        blocks += labelled(facts, 15, "  ")
        for table in (_categories(summary.categories), _errors(summary)):
            blocks += ["", table] if table.row_count else []
        blocks.append("")
    return blocks


def _about(row: ResultRow) -> Iterator[tuple[str, str]]:
    """What was run, and how much of what was asked."""
    measured = row["bits_per_weight"]
    about = f"{short_size(row['params'] or 0, 3)} parameters, {width_words(row)} bits"
    about += f", recipe {printable(str(row['recipe']), 20)}" if row["recipe"] else ""
    about += f", {measured:.2f} bits a weight in the file" if measured == measured else ""
    yield "model", about
    yield "run", row["path"]
    yield "tasks", f"{row['progress']}" + (f" ({row['mark']})" if row["mark"] else "")
    yield "deadline", deadline_words(row)


def _facts(s: Summary, probe: bool) -> Iterator[tuple[str, str]]:
    yield "right", f"{s.correct}   leniently {s.lenient}"
    yield "as written", f"{s.correct_strict}   format gap {_points(s.format_gap)}"
    steps = f"{s.steps_strict}   repaired {s.steps_readable}   gap {_points(s.step_gap)}"
    yield "steps strict", steps
    if s.episodes:
        names = (f"{name.replace('_', ' ')} {rate.value:.0%}" for name, rate in s.rungs.items())
        yield "ladder", f"{' > '.join(names)}; {s.mean_rung:.2f} of 5 on average"
    if not probe:
        yield from _tool_use(s)
    if s.trials > 1:
        for name, rates in (("pass@", s.pass_at), ("pass^", s.pass_all)):
            yield from ((f"{name}{k}", str(rate)) for k, rate in rates.items())
    yield "episodes", f"{s.episodes} scored, {s.tasks} tasks: {_counts(s.statuses)}"
    if s.unscored:
        yield "unscored", f"for a fault of {_counts(s.unscored)}"


def _tool_use(s: Summary) -> Iterator[tuple[str, str]]:
    if s.hops.n:
        yield "hops", f"{s.hops} of the gold actions done"
    if s.composability_gap.n:
        yield "composability", f"gap {s.composability_gap}: wrong, though each of 2+ hops was right"
    gold = f"{s.overuse} beyond the gold solutions, {s.underuse} short of them"
    yield "tool calls", f"{s.tool_calls}; {gold}"
    if s.recovered.n:
        yield "recovered", f"{s.recovered} of the errors told to the model, in its next step"
    a = s.abstention
    if a.recall.n:
        said = f"said so {a.rightly}, asserted {a.asserted}, silent {a.silent}"
        yield "unanswerable", f"{said}; said so wrongly {a.wrongly} of {a.answerable}"


def _probe(result: Result) -> Iterator[tuple[str, str]]:
    if is_probe(result) and result.summary.episodes:
        rungs = result.summary.rungs
        yield "right tool", str(rungs["right_tool"])
        yield "right input", str(rungs["right_input"])
        yield "ran on", f"{run_on(result)} went on after the command, or never ended"


def _categories(categories: Mapping[str, Category]) -> Table:
    found = sorted(categories.items())
    lines = [(printable(name, 30), c.tasks, c.correct, c.lenient) for name, c in found]
    return table_of(("category", ">tasks", ">right", ">leniently"), lines, gap=4)


def _errors(s: Summary) -> Table:
    """Errors of steps and the repairs beside them, most frequent first."""
    kinds = [list(counts.items())[:MOST_KINDS] for counts in (s.errors, s.repairs)]
    lines = [(*error, *repair) for error, repair in zip_longest(*kinds, fillvalue=("", ""))]
    return table_of(("error", ">steps", "repair", ">steps"), lines, gap=4)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _points(share: float) -> str:
    return f"{percent(share)} points" if share == share else "-"
