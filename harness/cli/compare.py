"""``compare``, ``power`` and ``score``: what may be claimed, how many tasks a claim needs,
and what old records are worth under the present rules."""

from __future__ import annotations

import argparse
import textwrap
from dataclasses import asdict
from typing import Any

from harness.cli import options
from harness.common.printable import printable
from harness.report import compare as comparing
from harness.report import data, table
from harness.scoring.comparisons import Measure
from harness.types import UserError

COMPARE = """\
Compare runs task by task: which is better, how sure that is, and what this many tasks
could have shown. Give run folders, or names of models (globs too), which stand for their
newest run that can be paired with the others. Two runs give one page; more give every
pair, adjusted for their number (Holm), and a ranking only where it holds.

examples:
  python -m harness compare pico-4.5M-q4 pico-4.5M-f16
  python -m harness compare 'pico-*'
  python -m harness compare runs/20261120-101500-pico-4.5M-q4-core runs/20261120-111500-pico-4.5M-q4-core
"""
POWER = """\
How many tasks a claim needs, or what difference so many tasks can show: two-sided at 5 %,
with 80 % power. Differences are in points: 5 means 5 of 100 tasks. The discordance is the
share of tasks, in %, that exactly one of the two models gets right; compare prints it.

examples:
  python -m harness power --tasks 240
  python -m harness power --difference 5 --discordance 20
"""
SCORE = """\
Score old runs again under the present parser and matchers, and show which steps now read
otherwise than the record says. Nothing is generated and the record stays as it is.

examples:
  python -m harness score runs/20261120-101500-pico-4.5M-q4-core
  python -m harness score pico-4.5M-q4 --repair none
"""
DISCORDANCES = (10.0, 20.0, 30.0, 40.0)
SHOWN = 20  # changed readings that are listed; --json has all


def add(commands: Any) -> None:
    """Add the commands to the parser."""
    parser = commands.add_parser("compare", help="is one model better?", description=COMPARE)
    parser.set_defaults(command=compare)
    _runs(parser)
    parser.add_argument(
        "--measure",
        choices=sorted(comparing.MEASURES),
        default="correct",
        help="what is compared: right answers (default), leniently matched ones, or only those "
        "with every step well-formed as written",
    )
    parser.add_argument("--json", action="store_true", help="one object: comparisons, ranking, …")
    parser = commands.add_parser("power", help="how many tasks a claim needs", description=POWER)
    parser.set_defaults(command=power)
    parser.add_argument("--tasks", type=int, default=0, metavar="N", help="so many tasks")
    parser.add_argument(
        "--difference", type=float, default=0.0, metavar="D", help="in points, 1 to 100"
    )
    parser.add_argument(
        "--discordance",
        type=float,
        default=0.0,
        metavar="X",
        help="in %% of tasks (default: 10 to 40)",
    )
    parser.add_argument("--json", action="store_true", help="a list of objects")
    parser = commands.add_parser("score", help="old runs, present rules", description=SCORE)
    parser.set_defaults(command=score)
    _runs(parser)
    parser.add_argument(
        "--repair",
        choices=("run", "default", "none"),
        default="run",
        help="read with repairs or without (default: as in the run)",
    )
    parser.add_argument("--json", action="store_true", help="a list of objects, one a run")


def _runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="a run folder, or a model's name or glob"
    )
    options.runs_dir(parser, "where to look")


def compare(args: argparse.Namespace) -> int:
    """Print the comparison."""
    measure: Measure = args.measure
    results = [data.load(path) for path in comparing.find(args.runs, args.runs_dir)]
    ranked = comparing.rank(results, measure)
    if args.json:
        print(data.dumps(comparing.as_json(results, ranked, measure)))
    else:
        comparing.show(results, ranked, measure)
    return 0


# --- power ------------------------------------------------------------------------------


def power(args: argparse.Namespace) -> int:
    """Print what so many tasks show, or how many tasks a difference needs."""
    _check_power(args)
    rows = [_power_row(args.tasks, args.difference, psi) for psi in _discordances(args)]
    if args.json:
        print(data.dumps(rows))
        return 0
    for row in rows:
        print(_power_words(row))
    if not args.discordance:
        print("\nThe discordance of two models is the share of tasks that exactly one gets right.")
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
    return tuple(psi for psi in DISCORDANCES if psi >= args.difference) or (args.difference,)


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


def score(args: argparse.Namespace) -> int:
    """Print what changed, then the table under the present rules."""
    from harness.report.rescore import rescore

    repair = None if args.repair == "run" else args.repair == "default"
    results = [data.load(path, repair) for path in comparing.named(args.runs, args.runs_dir)]
    changed = [rescore(result) for result in results]
    if args.json:
        pairs = zip(data.rows(results), changed, strict=True)
        print(data.dumps([row | {"changed": asdict(one)} for row, one in pairs]))
        return 0
    for result, one in zip(results, changed, strict=True):
        _print_changes(result, one)
    table.show(results)
    return 0


def _print_changes(result: data.Result, one: Any) -> None:
    then = result.manifest.get("harness", {})
    print(printable(f"== {result.path.name}"))
    print(f"  recorded by harness {then.get('version', '?')} {then.get('commit', '')}".rstrip())
    print(f"  readings changed  {len(one.changes)} of {one.steps} steps")
    print(f"  answers changed   {one.answers} of {len(result.episodes)} episodes")
    print(f"  right             {one.right_before} -> {one.right}"
          f" (+{len(one.now_right)} -{len(one.now_wrong)})")  # fmt: skip
    for code, (before, now) in one.errors.items():
        print(f"  {code:22} {before} -> {now}")
    for change in one.changes[:SHOWN]:
        lines = textwrap.wrap(printable(str(change)), 76, subsequent_indent="    ")
        print("\n".join(f"  {line}" for line in lines))
    if len(one.changes) > SHOWN:
        print(f"  … and {len(one.changes) - SHOWN} more; --json has all")
    print()
