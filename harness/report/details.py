"""Prints a run in full, in at most 80 columns: what the result table has no room for."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table

from harness.common.printable import printable
from harness.models.registry import short_size
from harness.report.data import Result, is_probe, rows, run_on
from harness.report.table import console, named, width_words
from harness.scoring.summary import Category, Summary

WIDTH = 63  # of the text behind a name
MOST = 12  # kinds of error or repair that are listed


def show_all(results: Sequence[Result]) -> None:
    """Print everything that is counted of each run."""
    for result, row in zip(results, rows(results), strict=True):
        _show(result, row)


def show(result: Result) -> None:
    """Print everything that is counted of one run."""
    show_all([result])


def _show(result: Result, row: Mapping[str, Any]) -> None:
    screen, summary = console(), result.summary
    title = f"== {named(row)}: {printable(row['heading'])}"
    print("\n".join(textwrap.wrap(title, 80, subsequent_indent="   ")))
    for name, text in [*_about(row), *_facts(summary, is_probe(result)), *_probe(result)]:
        for i, line in enumerate(textwrap.wrap(text, WIDTH)):
            print(f"  {'' if i else name:15}{line}")
    for table in (_categories(summary.categories), _errors(summary)):
        if table.row_count:
            print()
            screen.print(table)
    print()


def _about(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What was run, and how much of what was asked."""
    measured = row["bits_per_weight"]
    about = f"{short_size(row['params'] or 0, 3)} parameters, {width_words(row)} bits"
    about += f", recipe {printable(str(row['recipe']), 20)}" if row["recipe"] else ""
    about += f", {measured:.2f} bits a weight in the file" if measured == measured else ""
    yield "model", about
    yield "run", printable(row["path"])
    yield "tasks", f"{row['progress']}" + (f" ({row['mark']})" if row["mark"] else "")
    if row["deadline"]:
        late = f"{row['missed_deadline']} of {row['scored']}"
        yield "deadline", f"{late} missed the {row['deadline']:g} s deadline"


def _facts(s: Summary, probe: bool) -> Iterator[tuple[str, str]]:
    yield "right", f"{s.correct}   leniently {s.lenient}"
    yield "as written", f"{s.correct_strict}   format gap {_points(s.format_gap)}"
    yield (
        "steps strict",
        f"{s.steps_strict}   repaired {s.steps_readable}   gap {_points(s.step_gap)}",
    )
    if s.episodes:
        names = (f"{name.replace('_', ' ')} {rate.value:.0%}" for name, rate in s.rungs.items())
        yield "ladder", f"{' > '.join(names)}; {s.mean_rung:.2f} of 5 on average"
    if not probe:
        yield from _path(s)
    if s.trials > 1:
        for name, rates in (("pass@k", s.pass_at), ("pass^k", s.pass_all)):
            for k, rate in rates.items():
                yield name.replace("k", str(k)), str(rate)
    yield "episodes", f"{s.episodes} scored, {s.tasks} tasks: " + _counts(s.statuses)
    if s.unscored:
        yield "unscored", "for a fault of " + _counts(s.unscored)


def _path(s: Summary) -> Iterator[tuple[str, str]]:
    """How the tools were used."""
    if s.hops.n:
        yield "hops", f"{s.hops} of the gold actions done"
    if s.composability_gap.n:
        yield "composability", f"gap {s.composability_gap}: wrong, though each of 2+ hops was right"
    yield (
        "tool calls",
        (f"{s.tool_calls}; {s.overuse} beyond the gold solutions, {s.underuse} short of them"),
    )
    if s.recovered.n:
        yield "recovered", f"{s.recovered} of the errors told to the model, in its next step"
    a = s.abstention
    if a.recall.n:
        yield (
            "unanswerable",
            (
                f"said so {a.rightly}, asserted {a.asserted}, silent {a.silent}; "
                f"said so wrongly {a.wrongly} of {a.answerable}"
            ),
        )


def _probe(result: Result) -> Iterator[tuple[str, str]]:
    if is_probe(result) and result.summary.episodes:
        rungs = result.summary.rungs
        yield "right tool", str(rungs["right_tool"])
        yield "right input", str(rungs["right_input"])
        yield "ran on", f"{run_on(result)} went on after the command, or never ended"


def _categories(categories: Mapping[str, Category]) -> Table:
    table = _table("category", "tasks", "right", "leniently")
    for name, c in sorted(categories.items()):
        table.add_row(printable(name, 30), str(c.tasks), str(c.correct), str(c.lenient))
    return table


def _errors(s: Summary) -> Table:
    """Errors of steps and the repairs beside them, most frequent first."""
    table = _table("error", "steps", "repair", "steps")
    table.columns[2].justify = "left"
    errors, repairs = list(s.errors.items())[:MOST], list(s.repairs.items())[:MOST]
    for i in range(max(len(errors), len(repairs))):
        pairs = [pairs[i] if i < len(pairs) else ("", "") for pairs in (errors, repairs)]
        table.add_row(*(str(cell) for pair in pairs for cell in pair))
    return table


def _table(first: str, *heads: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2))
    table.add_column(first)
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    return table


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _points(share: float) -> str:
    return f"{100 * share:.1f} points" if share == share else "-"
