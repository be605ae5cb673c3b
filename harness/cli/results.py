"""``report``, ``plot``, ``view`` and ``show``: what came out, from the table down to one step."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from harness.cli import options
from harness.common.hints import hint
from harness.common.printable import printable
from harness.report import data, table
from harness.report.data import Result
from harness.types import UserError

REPORT = """\
Print the result tables: of the runs named, or of every run. Runs of one experiment (suite,
tasks, prompt, mode, repair, world, sampling, limits) stand in one table.

examples:
  python -m harness report
  python -m harness report --details
  python -m harness report runs/20261120-101500-pico-4.5M-q4-generated --json
"""
PLOT = """\
Draw right answers and well-formed steps against parameters: a mark a run, a pair of panels
an experiment, a colour a bit width.

example:
  python -m harness plot -o chart.png -o chart.svg
"""
VIEW = """\
Write a run as one HTML file: every step, how it was read, and why it scored as it did.

example:
  python -m harness view runs/20261120-101500-pico-4.5M-q4-generated -o trace.html
"""
SHOW = """\
Print one episode of a run.

example:
  python -m harness show runs/20261120-101500-pico-4.5M-q4-generated lookup-003
"""


def add(commands: Any) -> None:
    """Add the commands to the parser."""
    parser = commands.add_parser(
        "report", help="the result table, with intervals", description=REPORT
    )
    parser.set_defaults(command=report)
    _runs(parser)
    parser.add_argument(
        "--details",
        action="store_true",
        help="each run in full: categories, errors, ladder, tool use, trials, faults",
    )
    parser.add_argument("--json", action="store_true", help="a list of objects, one a run")
    parser = commands.add_parser("plot", help="the chart for the slide", description=PLOT)
    parser.set_defaults(command=plot)
    _runs(parser)
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        action="append",
        required=True,
        metavar="FILE",
        help="a .png, .svg or .pdf file; may be repeated",
    )
    parser = commands.add_parser("view", help="the trace viewer, one HTML file", description=VIEW)
    parser.set_defaults(command=view)
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder")
    parser.add_argument(
        "-o", "--out", type=Path, required=True, metavar="FILE", help="an .html file"
    )
    parser = commands.add_parser("show", help="one episode in the terminal", description=SHOW)
    parser.set_defaults(command=show)
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder")
    parser.add_argument("task", metavar="TASK", help="a task's id")


def report(args: argparse.Namespace) -> int:
    """Print the table."""
    results = chosen(args)
    if args.json:
        view = data.all_details if args.details else data.rows
        print(data.dumps(view(results)))
    elif args.details:
        from harness.report import details

        details.show_all(results)
    else:
        table.show(results)
    return 0


def plot(args: argparse.Namespace) -> int:
    """Write the chart."""
    from harness.report import chart

    chart.save(data.rows(chosen(args)), args.out)
    for path in args.out:
        print(f"chart: {path}")
    return 0


def view(args: argparse.Namespace) -> int:
    """Write the trace viewer."""
    from harness.report import viewer

    viewer.save(data.load(args.run), args.out)
    print(f"traces: {args.out}")
    return 0


def show(args: argparse.Namespace) -> int:
    """Print one episode."""
    from harness.report import transcript

    result = data.load(args.run)
    found = list(transcript.lines(result, args.task))
    if not found:
        known = [episode.task_id for episode in result.episodes]
        raise UserError(f"{args.run}: no episode of task {args.task!r}; {hint(args.task, known)}")
    print("\n".join(found))
    return 0


def chosen(args: argparse.Namespace) -> list[Result]:
    """The runs named, else every run that can be shown. Raises UserError when there is none."""
    if args.runs:
        return [data.load(path) for path in args.runs]
    skipped: list[UserError] = []
    results = data.load_all(args.runs_dir, skipped.append)
    if not results and skipped:
        raise skipped[-1]
    if not results:
        raise UserError(
            f"no runs in {args.runs_dir}/; begin with: python -m harness run --model 'pico-*'"
        )
    for error in skipped:
        print(f"not shown: {printable(str(error))}", file=sys.stderr)
    return results


def _runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "runs",
        nargs="*",
        type=Path,
        metavar="RUN",
        help="run folders (default: all)",
    )
    options.runs_dir(parser, "where to look")
