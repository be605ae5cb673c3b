"""The commands ``compare``, ``power`` and ``score``: claims, what they need, old records."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from harness.cli.options import choice, command, flag, option, runs_dir
from harness.cli.output import put, width
from harness.report import comparison, data, pairing, table
from harness.report.words import labelled, wrapped
from harness.scoring.comparisons import Measure
from harness.types import UserError

if TYPE_CHECKING:
    from harness.report.rescore import Rescored

_COMPARE = """\
Compare runs task by task: which is better, how sure that is, and what this many tasks
could have shown. Give run folders, or names of models (globs too), which stand for their
newest run that can be paired with the others. Two runs give one page; more give every
pair, adjusted for their number (Holm), and a ranking only where it holds. Two runs of one
model show the noise floor; where there are repeats of a run, theirs stands beside.

examples:
  python -m harness compare pico-4.5M-q4 pico-4.5M-f16
  python -m harness compare 'pico-*'
  python -m harness compare runs/20261120-101500-pico-4.5M-q4-core runs/20261120-111500-pico-4.5M-q4-core
"""
_POWER = """\
How many tasks a claim needs, or what difference so many tasks can show: two-sided at 5 %,
with 80 % power. Differences are in points: 5 means 5 of 100 tasks. The discordance is the
share of tasks, in %, that exactly one of the two models gets right; compare prints it.

examples:
  python -m harness power --tasks 240
  python -m harness power --difference 5 --discordance 20
"""
_SCORE = """\
Score old runs again under the present parser and matchers, and show which steps now read
otherwise than the record says. Nothing is generated and the record stays as it is.

examples:
  python -m harness score runs/20261120-101500-pico-4.5M-q4-core
  python -m harness score pico-4.5M-q4 --repair none
"""
_DISCORDANCES = (10.0, 20.0, 30.0, 40.0)
_MOST_CHANGES = 20  # that are listed; --json has all


def add(commands: Any) -> None:
    """Add the commands to the parser."""
    parser = command(commands, "compare", compare_runs, "is one model better?", _COMPARE)
    _runs(parser)
    option(
        parser,
        "--measure M",
        "what is compared: right answers (correct, the default), leniently matched ones, or only "
        "those with every step well-formed as written",
        default="correct",
        choices=sorted(comparison.MEASURES),
    )
    flag(parser, "--json", "one object: comparisons, ranking, …")
    parser = command(commands, "power", show_power, "how many tasks a claim needs", _POWER)
    option(parser, "--tasks N", "so many tasks", int, 0)
    option(parser, "--difference D", "in points, 1 to 100", float, 0.0)
    option(parser, "--discordance X", "in %% of tasks (default: 10 to 40)", float, 0.0)
    flag(parser, "--json", "a list of objects")
    parser = command(commands, "score", score_again, "old runs, present rules", _SCORE)
    _runs(parser)
    choice(parser, "--repair run|default|none", "read as in the run, with repairs, or without")
    flag(parser, "--json", "a list of objects, one a run")


def _runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="a run folder, or a model's name or glob"
    )
    runs_dir(parser, "where to look")


def compare_runs(args: argparse.Namespace) -> int:
    """Print the comparison."""
    measure: Measure = args.measure
    paths = pairing.runs_to_compare(args.runs, args.runs_dir)
    results = [data.load_result(path) for path in paths]
    found = comparison.compare_results(results, measure, args.runs_dir)
    if args.json:
        put(data.json_text(comparison.comparison_json(found)))
    else:
        put(*comparison.comparison_blocks(found))
    return 0


# --- power ------------------------------------------------------------------------------


def show_power(args: argparse.Namespace) -> int:
    """Print what so many tasks show, or how many tasks a difference needs."""
    _check_power(args)
    rows = [_power_row(args.tasks, args.difference, psi) for psi in _discordances(args)]
    if args.json:
        put(data.json_text(rows))
        return 0
    put(*map(_power_words, rows))
    if not args.discordance:
        put("\nThe discordance of two models is the share of tasks that exactly one gets right.")
    return 0


def _check_power(args: argparse.Namespace) -> None:
    if not args.tasks and not args.difference:
        raise UserError("power: give --tasks N, or --difference D in points, or both")
    if args.tasks < 0:
        raise UserError(f"--tasks {args.tasks}: expected 1 or more")
    if args.difference and not 1 <= args.difference <= 100:
        raise UserError(
            f"--difference {args.difference:g}: expected points from 1 to 100 (5 means 5 of 100 tasks)"
        )
    if args.discordance and not max(1.0, args.difference) <= args.discordance <= 100:
        raise UserError(
            f"--discordance {args.discordance:g}: expected % of tasks, from the difference (at least 1) to 100"
        )


def _discordances(args: argparse.Namespace) -> tuple[float, ...]:
    if args.discordance:
        return (args.discordance,)
    return tuple(psi for psi in _DISCORDANCES if psi >= args.difference) or (args.difference,)


def _power_row(n: int, points: float, percent: float) -> dict[str, float]:
    from harness.scoring.statistics import power_of, smallest_difference, tasks_needed

    row: dict[str, float] = {"discordance": percent / 100}
    if n:
        row |= {"tasks": n, "smallest_difference": smallest_difference(n, percent / 100)}
    if points:
        needed = tasks_needed(points / 100, percent / 100)
        row |= {"difference": points / 100, "tasks_needed": -(-needed // 1)}
    if n and points:
        row["power"] = power_of(n, points / 100, percent / 100)
    return row


def _power_words(row: dict[str, float]) -> str:
    where = f"discordance {100 * row['discordance']:3.0f} %:"
    if "power" in row:
        return (
            f"{where} {row['tasks']:.0f} tasks find {100 * row['difference']:g} points with "
            f"{row['power']:.0%} power; 80 % needs {row['tasks_needed']:,.0f}"
        )
    if "difference" in row:
        return f"{where} {100 * row['difference']:g} points need {row['tasks_needed']:,.0f} tasks"
    return (
        f"{where} {row['tasks']:.0f} tasks can show {100 * row['smallest_difference']:.1f} points"
    )


# --- score ------------------------------------------------------------------------------


def score_again(args: argparse.Namespace) -> int:
    """Print what changed, then the table under the present rules."""
    from harness.report.rescore import rescore

    repair = None if args.repair == "run" else args.repair == "default"
    paths = pairing.newest_runs(args.runs, args.runs_dir)
    results = [data.load_result(path, repair) for path in paths]
    changed = [rescore(result) for result in results]
    rows = data.rows(results)
    if args.json:
        pairs = zip(rows, changed, strict=True)
        put(data.json_text([row | {"changed": asdict(one)} for row, one in pairs]))
        return 0
    for result, one in zip(results, changed, strict=True):
        put(*_change_lines(result, one))
    put(*table.result_blocks(rows, width()))
    return 0


def _change_lines(result: data.Result, one: Rescored) -> Iterator[str]:
    then = result.manifest.get("harness", {})
    yield f"== {result.path.name}"
    yield f"  recorded by harness {then.get('version', '?')} {then.get('commit', '')}".rstrip()
    sides = f"(+{len(one.now_right)} -{len(one.now_wrong)})"
    facts = {
        "readings changed": f"{len(one.changes)} of {one.steps} steps",
        "answers changed": f"{one.answers} of {len(result.episodes)} episodes",
        "right": f"{one.right_before} -> {one.right} {sides}",
    }
    yield from labelled(facts.items(), 18, "  ")
    codes = {code: f"{before} -> {now}" for code, (before, now) in one.errors.items()}
    yield from labelled(codes.items(), 23, "  ")
    for change in one.changes[:_MOST_CHANGES]:
        yield from wrapped(f"  {change}", "      ")
    if len(one.changes) > _MOST_CHANGES:
        yield f"  … and {len(one.changes) - _MOST_CHANGES} more; --json has all"
    yield ""
